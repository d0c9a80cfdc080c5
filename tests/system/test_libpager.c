/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libpager and spawn against the real daemon.
 */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <pager/pager.h>

#include "tools/common/spawn.h"

#define RW (PAGER_PROT_READ | PAGER_PROT_WRITE)

static struct pager_spawn daemon_;
static struct pager *pager;

static void setup(void)
{
	char why[PAGER_SPAWN_WHY] = "";

	ck_assert_msg(pager_spawn(&daemon_, NULL, why) == 0, "%s", why);
	pager = pager_connect(daemon_.socket);
	ck_assert_ptr_nonnull(pager);
}

/* The daemon is sound, leaves at once, and leaves nothing behind. */
static void teardown(void)
{
	struct pager_rep_check check;
	struct stat st;
	char why[256];

	if (pager) {
		ck_assert_int_eq(
		    pager_call_check(pager, &check, why, sizeof(why)), 0);
		ck_assert_msg(check.ok, "%s", why);
		pager_close(pager);
	}
	ck_assert_int_eq(pager_spawn_stop(&daemon_), 0);
	ck_assert_int_eq(stat(daemon_.dir, &st), -1);
	ck_assert_int_eq(errno, ENOENT);
}

static void ok(int ret)
{
	ck_assert_msg(ret == 0, "%s", pager_errstr(pager));
}

static uint64_t space_new(void)
{
	uint64_t space;

	ok(pager_call_space_create(pager, NULL, &space));
	return space;
}

static uint64_t map_at(uint64_t space, uint64_t addr, uint64_t len)
{
	struct pager_req_map r = {.space = space,
				  .addr = addr,
				  .len = len,
				  .prot = RW,
				  .flags = addr ? PAGER_MAP_FIXED : 0};
	uint64_t at;

	ok(pager_call_map(pager, &r, &at));
	return at;
}

START_TEST(bytes_of_any_length)
{
	size_t len = 5 * 1000 * 1000 + 3;
	uint8_t *a = malloc(len), *b = calloc(1, len);
	uint64_t space = space_new(), child;
	uint64_t addr = map_at(space, 0, len + 4096);
	struct pager_rep_access r;

	for (size_t i = 0; i < len; i++)
		a[i] = (uint8_t)(i * 2654435761u >> 13);
	ok(pager_call_write(pager, space, 0, addr + 77, a, len, &r));
	ck_assert_uint_eq(r.done, len);
	ok(pager_call_space_fork(pager, space, &child));
	ok(pager_call_write(pager, space, 0, addr, b, len, NULL));
	ok(pager_call_read(pager, child, 0, addr + 77, b, len, &r));
	ck_assert_int_eq(memcmp(a, b, len), 0);
	free(a);
	free(b);
}
END_TEST

START_TEST(bytes_stop_at_a_hole)
{
	static uint8_t buf[200000];
	uint64_t space = space_new();
	uint64_t addr = map_at(space, 0x100000, 0x20000);
	struct pager_rep_access r;

	ck_assert_int_eq(
	    pager_call_write(pager, space, 0, addr, buf, sizeof(buf), &r),
	    PAGER_REFUSED);
	ck_assert_uint_eq(r.done, 0x20000);
	ck_assert_uint_eq(r.addr, 0x120000);
	ck_assert_uint_eq(r.signal, PAGER_SEGV_MAPERR);
	ck_assert_uint_eq(pager_error(pager), PAGER_ESIGNAL);
}
END_TEST

START_TEST(pipelined_faults)
{
	uint64_t space = space_new();
	uint64_t addr = map_at(space, 0, 4096 * 4096);
	struct pager_rep_space_info info;
	struct pager_reply reply;

	for (uint64_t i = 0; i < 4096; i++) {
		struct pager_req_fault r = {.space = space,
					    .addr = addr + i * 4096,
					    .access = PAGER_ACCESS_WRITE};
		int ret;

		while ((ret = pager_submit(pager, PAGER_CALL_FAULT, &r,
					   sizeof(r), NULL, 0, NULL)) ==
		       PAGER_FULL) {
			const struct pager_rep_fault *fault;

			ok(pager_wait(pager, 0, &reply));
			fault = reply.body;
			ck_assert_uint_eq(fault->result, PAGER_FAULT_INSTALLED);
		}
		ok(ret);
	}
	ok(pager_call_space_info(pager, space, &info));
	ck_assert_uint_eq(info.anon, 4096);
	while (pager_pending(pager) > 0)
		ok(pager_wait(pager, 0, &reply));
}
END_TEST

/* Big requests, big replies, nobody waits: the daemon stops reading when its
 * queue is full, and goes on because replies are taken in while sending. */
START_TEST(full_both_ways)
{
	static uint8_t buf[PAGER_DATA_MAX];
	uint64_t space = space_new();
	uint64_t addr = map_at(space, 0, sizeof(buf) + 4096);
	struct pager_req_write w = {.space = space, .addr = addr};
	struct pager_req_read r = {
	    .space = space, .addr = addr, .len = sizeof(buf)};
	struct pager_reply reply;

	for (int i = 0; i < PAGER_WINDOW / 2; i++) {
		memset(buf, i, sizeof(buf));
		ok(pager_submit(pager, PAGER_CALL_WRITE, &w, sizeof(w), buf,
				sizeof(buf), NULL));
		ok(pager_submit(pager, PAGER_CALL_READ, &r, sizeof(r), NULL, 0,
				NULL));
	}
	for (int i = 0; i < PAGER_WINDOW / 2; i++) {
		ok(pager_wait(pager, 0, NULL));
		ok(pager_wait(pager, 0, &reply));
		ck_assert_uint_eq(reply.data_len, sizeof(buf));
		ck_assert_uint_eq(((const uint8_t *)reply.data)[0], i);
		ck_assert_uint_eq(
		    ((const uint8_t *)reply.data)[sizeof(buf) - 1], i);
	}
}
END_TEST

START_TEST(lists_of_many_rows)
{
	uint64_t space = space_new(), n = 0;
	struct pager_batch *batch = pager_batch_new(pager, 0);
	struct pager_row_region row;
	struct pager_list *list;
	int ret;

	for (uint64_t i = 0; i < 5000; i++) {
		struct pager_req_map r = {.space = space,
					  .addr = 0x100000 + i * 8192,
					  .len = 4096,
					  .prot = RW,
					  .flags = PAGER_MAP_FIXED};

		ret = pager_batch_add(batch, PAGER_CALL_MAP, &r, sizeof(r),
				      NULL, 0);
		if (ret == PAGER_FULL) {
			ok(pager_batch_run(batch));
			ck_assert_uint_eq(pager_batch_failed(batch), 0);
			pager_batch_reset(batch);
			i--;
		}
	}
	ok(pager_batch_run(batch));
	pager_batch_free(batch);
	list = pager_list_regions(pager, space, PAGER_LIST_SHARING);
	while ((ret = pager_list_next(list, &row, sizeof(row))) > 0)
		ck_assert_uint_eq(row.start, 0x100000 + n++ * 8192);
	ck_assert_int_eq(ret, 0);
	ck_assert_uint_eq(n, 5000);
	pager_list_free(list);
}
END_TEST

START_TEST(list_of_a_dead_space)
{
	uint64_t space = space_new();
	struct pager_row_region row;
	struct pager_list *list;

	ok(pager_call_space_destroy(pager, space));
	list = pager_list_regions(pager, space, 0);
	ck_assert_int_eq(pager_list_next(list, &row, sizeof(row)),
			 PAGER_REFUSED);
	ck_assert_uint_eq(pager_error(pager), PAGER_ESTALE);
	ck_assert_str_eq(pager_field_name(pager), "space");
	pager_list_free(list);
}
END_TEST

START_TEST(atomic_batches)
{
	uint64_t space = space_new();
	uint64_t addr = map_at(space, 0x100000, 0x4000);
	struct pager_req_range unmap = {
	    .space = space, .addr = addr, .len = 0x1000};
	struct pager_req_protect protect = {
	    .space = space, .addr = addr, .len = 0x4000};
	struct pager_batch *batch = pager_batch_new(pager, PAGER_BATCH_ATOMIC);
	struct pager_rep_space_info info;
	struct pager_reply reply;

	pager_batch_add(batch, PAGER_CALL_UNMAP, &unmap, sizeof(unmap), NULL,
			0);
	pager_batch_add(batch, PAGER_CALL_PROTECT, &protect, sizeof(protect),
			NULL, 0);
	ck_assert_int_eq(pager_batch_run(batch), PAGER_REFUSED);
	ck_assert_uint_eq(pager_error(pager), PAGER_EUNMAPPED);
	ck_assert_uint_eq(pager_batch_first(batch), 1);
	ck_assert_int_eq(pager_batch_reply(batch, 0, &reply), PAGER_REFUSED);
	ck_assert_uint_eq(reply.error, PAGER_EABORTED);
	ok(pager_call_space_info(pager, space, &info));
	ck_assert_uint_eq(info.virtual_bytes, 0x4000);
	pager_batch_reset(batch);
	pager_batch_add(batch, PAGER_CALL_UNMAP, &unmap, sizeof(unmap), NULL,
			0);
	ok(pager_batch_run(batch));
	ok(pager_call_space_info(pager, space, &info));
	ck_assert_uint_eq(info.virtual_bytes, 0x3000);
	pager_batch_free(batch);
}
END_TEST

START_TEST(spaces_change_hands)
{
	struct pager *other = pager_connect(daemon_.socket);
	uint64_t space = space_new();
	struct pager_rep_space_info info;
	uint8_t token[PAGER_TOKEN_SIZE];
	struct pager_rep_take take;

	ck_assert_ptr_nonnull(other);
	map_at(space, 0x100000, 0x4000);
	ok(pager_call_give(pager, space, token));
	ok(pager_call_take(other, token, &take));
	ck_assert_uint_eq(take.type, PAGER_HANDLE_SPACE);
	ck_assert_int_eq(pager_call_space_info(pager, space, &info),
			 PAGER_REFUSED);
	ok(pager_call_space_info(other, take.handle, &info));
	ck_assert_uint_eq(info.virtual_bytes, 0x4000);
	pager_close(other);
}
END_TEST

START_TEST(daemon_dies)
{
	struct pager_reply reply;

	for (int i = 0; i < 10; i++)
		ok(pager_submit(pager, PAGER_CALL_PING, NULL, 0, NULL, 0,
				NULL));
	for (int i = 0; i < 10; i++)
		ok(pager_wait(pager, 0, &reply));
	kill(daemon_.pid, SIGKILL);
	while (pager_call_ping(pager, 1) == 0)
		;
	ck_assert_int_eq(pager_call_ping(pager, 1), PAGER_LOST);
	pager_close(pager);
	ck_assert_int_eq(pager_spawn_stop(&daemon_), SIGKILL);
	setup();
}
END_TEST

/* --- spawn ---------------------------------------------------------------- */

START_TEST(spawn_of_nothing)
{
	struct pager_spawn s;
	char why[PAGER_SPAWN_WHY] = "";
	char tmp[] = "/tmp/pager-spawn.XXXXXX";

	ck_assert_ptr_nonnull(mkdtemp(tmp));
	setenv("TMPDIR", tmp, 1);
	setenv("PAGERD", "/nonexistent/pagerd", 1);
	ck_assert_int_eq(pager_spawn(&s, NULL, why), -1);
	ck_assert_str_eq(why, "/nonexistent/pagerd could not be started");
	setenv("PAGERD", "/bin/false", 1);
	ck_assert_int_eq(pager_spawn(&s, NULL, why), -1);
	ck_assert_str_eq(why, "/bin/false could not be started");
	ck_assert_int_eq(pager_spawn_stop(&s), 0);
	ck_assert_int_eq(rmdir(tmp), 0);
	ck_assert_int_eq(pager_spawn(&s, NULL, why), -1);
	ck_assert_ptr_nonnull(strstr(why, "No such file or directory"));
}
END_TEST

START_TEST(spawn_with_arguments)
{
	const char *const good[] = {"--memory", "64M", "--simulate", NULL};
	const char *const bad[] = {"--wurst", NULL};
	struct pager_rep_stats stats;
	struct pager_spawn s;
	char why[PAGER_SPAWN_WHY] = "";
	struct pager *p;

	ck_assert_msg(pager_spawn(&s, good, why) == 0, "%s", why);
	p = pager_connect(s.socket);
	ck_assert_ptr_nonnull(p);
	ck_assert_int_eq(pager_call_stats(p, &stats), 0);
	ck_assert_uint_eq(stats.frames_total, 16384);
	pager_close(p);
	ck_assert_int_eq(pager_spawn_stop(&s), 0);
	ck_assert_int_eq(pager_spawn(&s, bad, why), -1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("libpager");
	TCase *t = tcase_create("libpager");
	TCase *u = tcase_create("spawn");
	SRunner *runner;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, bytes_of_any_length);
	tcase_add_test(t, bytes_stop_at_a_hole);
	tcase_add_test(t, pipelined_faults);
	tcase_add_test(t, full_both_ways);
	tcase_add_test(t, lists_of_many_rows);
	tcase_add_test(t, list_of_a_dead_space);
	tcase_add_test(t, atomic_batches);
	tcase_add_test(t, spaces_change_hands);
	tcase_add_test(t, daemon_dies);
	suite_add_tcase(suite, t);
	tcase_set_timeout(u, 60);
	tcase_add_test(u, spawn_of_nothing);
	tcase_add_test(u, spawn_with_arguments);
	suite_add_tcase(suite, u);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
