/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dirty logs without memory: every call, and every operation under logs, with
 * its first, second, third ... allocation failing; accounts without room for
 * nodes. What is refused has changed nothing; and no page that was written is
 * lost, though more may be reported, and counted as over.
 */
#include <stdio.h>

#include "lib/base/failpoint.h"

#ifndef PAGER_FAILPOINTS

int main(void)
{
	puts("skipped: built without PAGER_FAILPOINTS");
	return 77;
}

#else

#include <stdlib.h>
#include <string.h>

#include "tests/support/dirty_watch.h"

enum { PAGES = 300, MOST = 200 };

static struct pager_dirty_log *watch, *beside;
static struct pager_object *object;
static struct pager_space *other;
static struct dring_entry *ring;

/* Data in 100-119; 200-207 a shared object, which the other space maps at
 * 500; a log of each method; 105, 206 written since. */
static void prepare(void)
{
	dirty_start(NULL);
	object = unit_object(16);
	other = test_world_space(&unit_world, 0, 1024);
	ring = calloc(PAGER_RING_MIN, sizeof(*ring));
	unit_map(unit_space, 100, 50, UNIT_RW);
	unit_fill(unit_space, 100, 20, 1);
	unit_map_object(unit_space, 200, 8, UNIT_RW, PAGER_MAP_SHARED, object,
			0);
	unit_map_object(other, 500, 8, UNIT_RW, PAGER_MAP_SHARED, object, 0);
	unit_put(other, 501, 1);
	watch = dirty_log_as(unit_space, 100, PAGES, HARDWARE, 0);
	beside = dirty_log_as(unit_space, 100, PAGES, WRITE_PROTECT,
			      PAGER_DIRTY_MANUAL);
	unit_put(unit_space, 105, 2);
	unit_put(other, 506, 2);
}

static void finish(void)
{
	dirty_end();
	free(ring);
}

/* --- the calls -------------------------------------------------------------
 */

typedef struct pager_status call(void);

static struct pager_status call_start(void)
{
	struct pager_dirty_log *log = NULL;
	struct pager_status st =
	    pager_dirty_start(unit_space, unit_world.account,
			      pager_range(100, 300), HARDWARE, 0, &log);

	ck_assert_int_eq(st.err == PAGER_OK, log != NULL);
	if (log)
		dirty_keep(log);
	return st;
}

static struct pager_status call_start_all(void)
{
	struct pager_dirty_log *log = NULL;
	struct pager_status st = pager_dirty_start(
	    unit_space, unit_world.account, pager_range(0, PAGER_VPN_END),
	    WRITE_PROTECT, PAGER_DIRTY_ALL_SET, &log);

	if (log)
		dirty_keep(log);
	return st;
}

static int take(void *ctx, uint64_t first, const uint64_t *words,
		unsigned int count)
{
	(void)ctx, (void)first, (void)words, (void)count;
	return 0;
}

static struct pager_status call_get(void)
{
	struct pager_dirty_got got;

	return pager_dirty_get(watch, 0, PAGES, take, NULL, &got);
}

/* Pages 100 .. 103, which are clean: nothing may be lost by it. */
static struct pager_status call_clear(void)
{
	const uint64_t words[] = {0xf, 0, 0, 0, 0};
	uint64_t n;

	return pager_dirty_clear(watch, 0, PAGES, words, &n);
}

static struct pager_status call_begin(void)
{
	uint64_t n;

	return pager_dirty_begin(beside, 0, PAGES, &n);
}

static struct pager_status call_ring(void)
{
	return pager_dirty_ring_attach(watch, ring, PAGER_RING_MIN);
}

static struct pager_status call_reset(void)
{
	struct pager_status st;
	uint64_t n;

	st = call_ring();
	if (!st.err)
		st = pager_dirty_ring_reset(watch, &n);
	return st;
}

/* --- operations -------------------------------------------------------------
 */

static struct pager_status op_write(void)
{
	struct pager_access_stop why;
	uint64_t done;
	uint8_t b = 1;

	return pager_space_write(unit_space, 0, pager_vpn_to_va(130), &b, 1,
				 &done, &why);
}

static struct pager_status op_write_shared(void)
{
	struct pager_access_stop why;
	uint64_t done;
	uint8_t b = 1;

	return pager_space_write(other, 0, pager_vpn_to_va(507), &b, 1, &done,
				 &why);
}

static struct pager_status op_unmap(void)
{
	return pager_space_unmap(unit_space, pager_range(103, 112));
}

static struct pager_status op_unmap_shared(void)
{
	return pager_space_unmap(unit_space, pager_range(202, 207));
}

static struct pager_status op_map(void)
{
	const struct pager_map_args a = {.addr = 104,
					 .pages = 8,
					 .prot = UNIT_RW,
					 .flags =
					     PAGER_MAP_FIXED | PAGER_MAP_SHARED,
					 .object = object};
	uint64_t at;

	return pager_space_map(unit_space, &a, &at);
}

static struct pager_status op_remap(void)
{
	const struct pager_remap_args a = {.addr = 104,
					   .pages = 8,
					   .new_pages = 8,
					   .flags = PAGER_REMAP_MAYMOVE |
						    PAGER_REMAP_FIXED,
					   .new_addr = 300};
	uint64_t at;

	return pager_space_remap(unit_space, &a, &at);
}

static struct pager_status op_dontneed(void)
{
	return pager_space_advise(unit_space, pager_range(104, 108),
				  PAGER_ADV_DONTNEED);
}

static struct pager_status op_fork(void)
{
	struct pager_space *child;

	return pager_space_fork(unit_space, unit_world.account, &child);
}

static struct pager_status op_protect(void)
{
	return pager_space_protect(unit_space, pager_range(103, 107), UNIT_R);
}

static struct pager_status op_populate(void)
{
	uint64_t done;

	return pager_space_populate(unit_space, pager_range(100, 140),
				    PAGER_ACCESS_WRITE, &done);
}

static struct pager_status op_pin(void)
{
	return pager_space_pin(unit_space, pager_range(100, 120));
}

static struct pager_status op_resize(void)
{
	return pager_object_resize(object, 3);
}

static struct pager_status op_exec(void)
{
	pager_space_clear(unit_space);
	return pager_ok();
}

static struct pager_status op_exec_other(void)
{
	pager_space_clear(other);
	return pager_ok();
}

static struct pager_status op_snapshot(void)
{
	struct pager_status st = pager_space_snapshot(unit_space);

	if (!st.err)
		pager_space_snapshot_restore(unit_space);
	return st;
}

static const struct {
	const char *name;
	call *call;
	uint64_t dirty[2]; /* if it was done; 0: nothing */
} table[] = {
    {"start", call_start, {0}},
    {"start, all set", call_start_all, {0}},
    {"get", call_get, {0}},
    {"clear", call_clear, {0}},
    {"begin", call_begin, {0}},
    {"ring", call_ring, {0}},
    {"reset", call_reset, {0}},
    {"write", op_write, {130}},
    {"write by another", op_write_shared, {207}},
    {"unmap", op_unmap, {103, 111}},
    {"unmap a view", op_unmap_shared, {206}},
    {"map", op_map, {104, 111}},
    {"remap", op_remap, {104, 307}},
    {"dontneed", op_dontneed, {104, 107}},
    {"fork", op_fork, {0}},
    {"protect", op_protect, {0}},
    {"populate", op_populate, {0}},
    {"pin", op_pin, {0}},
    {"resize", op_resize, {206}},
    {"exec", op_exec, {100, 119}},
    {"exec of another", op_exec_other, {0}},
    {"snapshot", op_snapshot, {0}},
};

enum { CALLS = sizeof(table) / sizeof(table[0]) };

static void must_be_dirty(struct pager_dirty_log *log, const char *name,
			  unsigned long n, uint64_t vpn)
{
	ck_assert_msg(dirty_has(log, vpn),
		      "%s, failure %lu: page %d of log %d is lost", name, n,
		      (int)vpn, log == beside);
}

static void verify(size_t i, unsigned long n, bool done)
{
	pager_dirty_ring_detach(watch);
	for (int l = 0; l < 2; l++) {
		struct pager_dirty_log *log = l ? beside : watch;

		must_be_dirty(log, table[i].name, n, 105);
		must_be_dirty(log, table[i].name, n, 206);
		for (int p = 0; p < 2 && done; p++)
			if (table[i].dirty[p])
				must_be_dirty(log, table[i].name, n,
					      table[i].dirty[p]);
	}
	unit_check();
}

START_TEST(every_call_without_memory)
{
	const char *fired;

	for (unsigned long n = 1; n < MOST; n++) {
		struct pager_status st;
		char *before;

		prepare();
		before = unit_picture();
		pager_fail_arm(n);
		st = table[_i].call();
		fired = pager_fail_fired();
		pager_fail_arm(0);
		if (st.err) {
			ck_assert_ptr_nonnull(fired);
			ck_assert_uint_eq(st.err, PAGER_ENOMEM);
			if (table[_i].call != call_reset)
				unit_unchanged(before, table[_i].name);
			else
				free(before);
		} else {
			free(before);
		}
		verify((size_t)_i, n, !st.err);
		finish();
		if (!fired)
			return;
	}
	ck_abort_msg("%s: too many", table[_i].name);
}
END_TEST

/* Here the look at the log itself meets the failure as well. */
START_TEST(every_call_and_get_without_room_for_nodes)
{
	for (uint64_t room = 0; room < 12; room++) {
		struct pager_status st;
		uint64_t used;

		prepare();
		used = unit_used(PAGER_RES_NODES);
		unit_limit(PAGER_RES_NODES, used + room);
		st = table[_i].call();
		if (st.err)
			ck_assert_uint_eq(st.err, PAGER_ELIMIT);
		verify((size_t)_i, (unsigned long)room, !st.err);
		unit_no_limits();
		verify((size_t)_i, (unsigned long)room, !st.err);
		/* With room again it is exact again. */
		dirty_taken(watch);
		dirty_taken(watch);
		if (table[_i].call != op_exec)
			unit_put(unit_space, 101, 77);
		dirty_is(watch, table[_i].call != op_exec &&
					table[_i].call != op_protect
				    ? "101"
				    : dirty_text(watch));
		finish();
	}
}
END_TEST

/* The writes of others wait with the object; there, too, memory may be short.
 */
START_TEST(what_is_told_for_want_of_memory_is_counted)
{
	(void)_i;
	prepare();
	dirty_take(watch, "105 206");
	ck_assert_uint_eq(dirty_info(watch).over, 0);
	unit_world.host_limit = unit_world.host_bytes;
	unit_limit(PAGER_RES_NODES, unit_used(PAGER_RES_NODES));
	unit_put(other, 503, 3);
	ck_assert(dirty_has(watch, 203));
	ck_assert_uint_gt(dirty_info(watch).dirty, 1);
	ck_assert_uint_ge(dirty_info(watch).over, dirty_info(watch).dirty - 1);
	unit_no_limits();
	unit_world.host_limit = 0;
	finish();
}
END_TEST

START_TEST(the_host_without_a_byte)
{
	(void)_i;
	prepare();
	unit_world.host_limit = unit_world.host_bytes;
	unit_put(unit_space, 107, 3);
	unit_put(other, 503, 3);
	unit_unmap(unit_space, 110, 2);
	for (int l = 0; l < 2; l++) {
		struct pager_dirty_log *log = l ? beside : watch;

		ck_assert(dirty_has(log, 105) && dirty_has(log, 107));
		ck_assert(dirty_has(log, 203) && dirty_has(log, 110));
	}
	dirty_taken(watch);
	unit_put(unit_space, 108, 3);
	ck_assert(dirty_has(watch, 108));
	unit_world.host_limit = 0;
	dirty_taken(watch);
	unit_put(unit_space, 108, 4);
	dirty_is(watch, "108");
	finish();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dirty_failures");
	TCase *t = tcase_create("memory");
	SRunner *runner;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, every_call_without_memory, 0, CALLS);
	tcase_add_loop_test(t, every_call_and_get_without_room_for_nodes, 0,
			    CALLS);
	tcase_add_test(t, what_is_told_for_want_of_memory_is_counted);
	tcase_add_test(t, the_host_without_a_byte);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
