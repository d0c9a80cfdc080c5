/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every allocation, request to the backing and question to a listener fails
 * in turn, while pools are made, grow, shrink, and are used: what is refused
 * changes nothing, what is retried gets there, and no frame and no byte of a
 * page is lost.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/failpoint.h"
#include "tests/support/pool_bed.h"

#ifdef PAGER_FAILPOINTS

enum { POINTS_MAX = 2000, PAGES = 700 };

/* Asks a fail point before it agrees. */
static int unsure(void *ctx, enum vmem_event event, uint64_t pfn,
		  uint64_t pages)
{
	(void)ctx;
	(void)pfn;
	(void)pages;
	return (event == VMEM_PLUGGING || event == VMEM_GOING_ONLINE ||
		event == VMEM_GOING_OFFLINE) &&
	       pager_fail("listener");
}

static struct vmem_listener listener;

static void start(uint32_t mode, uint64_t blocks)
{
	struct pager_pool_config c = pbed_config(blocks);

	c.mode = mode;
	c.big_block = mode == PAGER_POOL_MODE_BBM ? 2 * PBED_BLOCK : 0;
	pbed_start_with(&c, PBED_AT + 2 * blocks * PBED_BLOCK);
	listener = (struct vmem_listener){.notify = unsure};
	pager_core_listen(pbed_core, &listener);
	test_world_work(&unit_world);
	pbed_fill(0, PAGES);
}

static void end(void)
{
	pager_core_unlisten(pbed_core, &listener);
	unit_end();
}

/* The core's work with a fail point armed: through so many retries. Checks
 * after each step, once it has fired (a check would meet it otherwise). */
static void work(unsigned int retries)
{
	uint64_t due;

	for (unsigned int steps = 0; steps < 100000; steps++) {
		bool more = pager_core_work(pbed_core, unit_world.now_ms, &due);

		if (pager_fail_fired())
			unit_check();
		if (more)
			continue;
		if (due == UINT64_MAX || !retries--)
			return;
		unit_world.now_ms = due;
	}
	ck_abort_msg("the work never ends");
}

/* Resize, with each point on the way failing in turn, and back. Returns how
 * many there are. */
static unsigned int resize_each(uint64_t from, uint64_t to)
{
	unsigned long n;

	for (n = 1; n < POINTS_MAX; n++) {
		const char *fired;

		pbed_resize(from);
		unit_ok(pager_pool_resize(pbed_pool, to));
		pager_fail_arm(n);
		work(50);
		fired = pager_fail_fired();
		pager_fail_arm(0);
		unit_check();
		ck_assert_msg(pbed_info().plugged == to,
			      "%llu of %llu pages after %s",
			      (unsigned long long)pbed_info().plugged,
			      (unsigned long long)to, fired ? fired : "none");
		ck_assert(!pbed_info().working);
		ck_assert_uint_eq(unit_world.backing.committed, to);
		pbed_filled(0, PAGES);
		if (!fired)
			return (unsigned int)n - 1;
	}
	ck_abort_msg("more than %u points", POINTS_MAX);
	return 0;
}

START_TEST(a_pool_grows_whatever_fails_once)
{
	start(PAGER_POOL_MODE_SBM, 4);
	ck_assert_uint_ge(resize_each(0, 3 * PBED_BLOCK + PBED_SUB), 10);
	end();
}
END_TEST

START_TEST(a_pool_shrinks_whatever_fails_once)
{
	start(PAGER_POOL_MODE_SBM, 4);
	ck_assert_uint_ge(resize_each(3 * PBED_BLOCK + PBED_SUB, 0), 10);
	end();
}
END_TEST

START_TEST(a_pool_of_big_blocks_grows_whatever_fails_once)
{
	start(PAGER_POOL_MODE_BBM, 8);
	ck_assert_uint_ge(resize_each(0, 6 * PBED_BLOCK), 6);
	end();
}
END_TEST

START_TEST(a_pool_of_big_blocks_shrinks_whatever_fails_once)
{
	start(PAGER_POOL_MODE_BBM, 8);
	ck_assert_uint_ge(resize_each(6 * PBED_BLOCK, 0), 6);
	end();
}
END_TEST

/* --- what is done at once ---------------------------------------------------
 */

static struct pager_status make(void)
{
	struct pager_pool_config c = pbed_config(4);
	struct pager_pool *out;

	c.addr = PBED_AT + 4 * PBED_BLOCK;
	strcpy(c.name, "q");
	c.backing = test_world_backing(&unit_world);
	return pager_pool_new(pbed_core, &c, &out);
}

static struct pager_status offline(void)
{
	return pager_pool_offline(pbed_pool, PBED_AT);
}

static struct pager_status online(void)
{
	return pager_pool_online(pbed_pool, PBED_AT, VMEM_ZONE_MOVABLE);
}

/* Each point on the way fails once: refused so, and nothing has changed. */
static void refused_each(struct pager_status (*call)(void),
			 enum pager_error error, unsigned int least)
{
	unsigned long n;

	for (n = 1; n < POINTS_MAX; n++) {
		char *before = unit_picture();
		struct pager_status st;
		const char *fired;

		pager_fail_arm(n);
		st = call();
		fired = pager_fail_fired();
		pager_fail_arm(0);
		unit_check();
		if (!fired) {
			ck_assert_uint_eq(st.err, PAGER_OK);
			free(before);
			break;
		}
		ck_assert_msg(st.err == error, "%s: error %u", fired, st.err);
		unit_unchanged(before, fired);
	}
	ck_assert_uint_gt(n, least);
}

START_TEST(a_pool_is_made_whole_or_not_at_all)
{
	start(PAGER_POOL_MODE_SBM, 4);
	refused_each(make, PAGER_ENOMEM, 4);
	end();
}
END_TEST

START_TEST(the_first_pool_is_made_whole_or_not_at_all)
{
	pbed_start_with(NULL, PBED_AT + 8 * PBED_BLOCK);
	refused_each(make, PAGER_ENOMEM, 5);
	unit_end();
}
END_TEST

START_TEST(a_hand_is_refused_and_nothing_has_changed)
{
	start(PAGER_POOL_MODE_SBM, 4);
	pbed_resize(4 * PBED_BLOCK);
	refused_each(offline, PAGER_EBUSY, 1);
	refused_each(online, PAGER_EBUSY, 1);
	end();
}
END_TEST

/* --- growth in the middle of a request --------------------------------------
 */

START_TEST(a_request_that_needs_a_pool_to_grow_is_done_or_changes_nothing)
{
	struct pager_pool_config c = pbed_config(4);
	const struct pager_range r = pager_range(PAGES, 3 * PBED_BLOCK);
	unsigned long n, refused = 0;
	uint64_t done;

	for (n = 1; n < POINTS_MAX; n++) {
		struct pager_status st;
		const char *fired;
		uint64_t used;

		c.grow_max = 4 * PBED_BLOCK;
		pbed_start_with(&c, 0);
		listener = (struct vmem_listener){.notify = unsure};
		pager_core_listen(pbed_core, &listener);
		test_world_work(&unit_world);
		pbed_fill(0, PAGES);
		unit_map(unit_space, PAGES, pager_range_len(r), UNIT_RW);
		used = unit_stats().frames_used;
		pager_fail_arm(n);
		st = pager_space_populate(unit_space, r, PAGER_ACCESS_WRITE,
					  &done);
		fired = pager_fail_fired();
		pager_fail_arm(0);
		unit_check();
		if (st.err != PAGER_OK) {
			ck_assert_uint_eq(st.err, PAGER_ENOMEM);
			ck_assert_uint_eq(unit_stats().frames_used, used);
			refused++;
			/* What was wished comes later; then there is room. */
			test_world_settle(&unit_world, 50);
			unit_ok(pager_space_populate(
			    unit_space, r, PAGER_ACCESS_WRITE, &done));
		}
		unit_check();
		pbed_filled(0, PAGES);
		end();
		if (!fired)
			break;
	}
	ck_assert_uint_ge(refused, 3);
	ck_assert_uint_lt(n, POINTS_MAX);
}
END_TEST

#endif

int main(void)
{
#ifdef PAGER_FAILPOINTS
	const TTest *const tests[] = {
	    a_pool_grows_whatever_fails_once,
	    a_pool_shrinks_whatever_fails_once,
	    a_pool_of_big_blocks_grows_whatever_fails_once,
	    a_pool_of_big_blocks_shrinks_whatever_fails_once,
	    a_pool_is_made_whole_or_not_at_all,
	    the_first_pool_is_made_whole_or_not_at_all,
	    a_hand_is_refused_and_nothing_has_changed,
	    a_request_that_needs_a_pool_to_grow_is_done_or_changes_nothing,
	};

	return UNIT_RUN("pool_fail", tests);
#else
	puts("no fail points in this build");
	return 77;
#endif
}
