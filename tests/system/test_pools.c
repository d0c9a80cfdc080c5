/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pools of a real daemon, by libpager: sizes that are asked for and reached
 * while clients go on, memory that the operating system gets back, what
 * hostile clients can do to it all, and SIGHUP.
 */
#include <check.h>
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <pager/pager.h>

#include "tests/support/rng.h"
#include "tests/support/wire.h"

#define MB   UINT64_C(0x100000)
#define RW   (PAGER_PROT_READ | PAGER_PROT_WRITE)
#define AT   UINT64_C(0x400000)
#define POND (128 * MB)

static const char *const args[] = {
    "--memory",
    "8M",
    "--memory-block",
    "4M",
    "--pool",
    "pond,region=128M,online=movable,retry=20,retry-max=40",
    NULL};

static struct pager_spawn daemon_;
static struct pager *pager;

static void setup(void)
{
	wire_spawn(&daemon_, args);
	pager = pager_connect(daemon_.socket);
	ck_assert_ptr_nonnull(pager);
}

static void teardown(void)
{
	struct pager_rep_check check;
	char why[256];

	ck_assert_int_eq(pager_call_check(pager, &check, why, sizeof(why)), 0);
	ck_assert_msg(check.ok, "%s", why);
	pager_close(pager);
	wire_stop(&daemon_);
}

static void ok(int ret)
{
	ck_assert_msg(ret == 0, "%s", pager_errstr(pager));
}

static struct pager_row_pool pond(void)
{
	struct pager_row_pool row;

	ok(pager_call_pool_info(pager, 1, &row));
	return row;
}

static void resize(uint64_t size)
{
	struct pager_rep_pool_resize out;

	ok(pager_call_pool_resize(pager, 1, size, &out));
	ck_assert_uint_eq(out.requested, size);
}

/* Wait until the pool has that size. */
static void reached(uint64_t size)
{
	for (int ms = 0; pond().plugged != size; ms += 2) {
		ck_assert_msg(ms < WIRE_PATIENCE_MS, "it stays at %llu",
			      (unsigned long long)pond().plugged);
		poll(NULL, 0, 2);
	}
}

/* Bytes that the pools' memory files really have. */
static uint64_t memory_of(pid_t pid)
{
	char path[64], name[512], link[256];
	struct dirent *entry;
	uint64_t bytes = 0;
	struct stat st;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir))) {
		ssize_t n;

		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		n = readlink(name, link, sizeof(link) - 1);
		if (n < 0)
			continue;
		link[n] = '\0';
		if (strstr(link, "pagerd-pool") && stat(name, &st) == 0)
			bytes += (uint64_t)st.st_blocks * 512;
	}
	closedir(dir);
	return bytes;
}

static uint64_t space_with(uint64_t len)
{
	struct pager_req_map map = {
	    .addr = AT, .len = len, .prot = RW, .flags = PAGER_MAP_FIXED};

	ok(pager_call_space_create(pager, NULL, &map.space));
	ok(pager_call_map(pager, &map, NULL));
	return map.space;
}

static uint8_t pattern[MB], got[MB];

static void fill_pattern(uint64_t seed)
{
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (uint8_t)((i * 31 + seed * 7 + (i >> 12)) ^ seed);
}

static void write_all(uint64_t space, uint64_t len, uint64_t seed)
{
	for (uint64_t at = 0; at < len; at += MB) {
		fill_pattern(seed + at / MB);
		ok(pager_call_write(pager, space, 0, AT + at, pattern, MB,
				    NULL));
	}
}

static void reads_all(uint64_t space, uint64_t len, uint64_t seed)
{
	for (uint64_t at = 0; at < len; at += MB) {
		fill_pattern(seed + at / MB);
		ok(pager_call_read(pager, space, 0, AT + at, got, MB, NULL));
		ck_assert_mem_eq(got, pattern, MB);
	}
}

/* --- memory comes and goes ------------------------------------------------ */

START_TEST(what_is_unplugged_goes_back_to_the_system)
{
	uint64_t space, full;

	ck_assert_uint_eq(memory_of(daemon_.pid), 0);
	resize(64 * MB);
	reached(64 * MB);
	space = space_with(48 * MB);
	write_all(space, 48 * MB, 1);
	full = memory_of(daemon_.pid);
	ck_assert_uint_ge(full, 40 * MB);
	/* What is used stays, wherever it is moved to. */
	resize(52 * MB);
	reached(52 * MB);
	reads_all(space, 48 * MB, 1);
	ck_assert_uint_le(memory_of(daemon_.pid), 52 * MB);
	ok(pager_call_space_destroy(pager, space));
	resize(0);
	reached(0);
	ck_assert_uint_eq(memory_of(daemon_.pid), 0);
	ck_assert_uint_eq(pond().used, 0);
}
END_TEST

START_TEST(bytes_stay_while_a_pool_breathes)
{
	static const uint64_t sizes[] = {96, 32, 128, 40, 36, 100, 28, 64};
	const size_t n = sizeof(sizes) / sizeof(*sizes);
	uint64_t space, child, newest = 0;

	resize(32 * MB);
	reached(32 * MB);
	space = space_with(16 * MB);
	write_all(space, 16 * MB, 5);
	ok(pager_call_space_fork(pager, space, &child));
	write_all(child, 4 * MB, 9);
	for (unsigned int i = 0; i < 60; i++) {
		const uint64_t at = (i * 7 % 12) * MB;

		/* The newer wish counts, whether or not the last is reached. */
		resize(sizes[i % n] * MB);
		fill_pattern(at / MB + i);
		ok(pager_call_write(pager, space, 1, AT + at, pattern, MB,
				    NULL));
		ok(pager_call_read(pager, space, 2, AT + at, got, MB, NULL));
		ck_assert_mem_eq(got, pattern, MB);
		fill_pattern(5 + at / MB);
		ok(pager_call_write(pager, space, 3, AT + at, pattern, MB,
				    NULL));
		newest = pond().wishes;
	}
	ck_assert_uint_eq(newest, 61);
	reads_all(space, 16 * MB, 5);
	reads_all(child, 4 * MB, 9);
	resize(28 * MB);
	reached(28 * MB);
	reads_all(space, 16 * MB, 5);
	reads_all(child, 4 * MB, 9);
}
END_TEST

/* Sent in one go and taken eight a turn: what they see are the steps. */
START_TEST(requests_are_served_between_steps)
{
	const struct pager_req_pool_size size = {.pool = 1, .size = POND};
	const struct pager_req_pool one = {.pool = 1};
	struct pager_rep_stats before, after;
	const struct pager_row_pool *row;
	struct pager_reply reply;
	uint64_t plugged = 0, seen = 0;

	ok(pager_call_stats(pager, &before));
	ok(pager_submit(pager, PAGER_CALL_POOL_RESIZE, &size, sizeof(size),
			NULL, 0, NULL));
	for (unsigned int i = 0; i < 250; i++)
		ok(pager_submit(pager, PAGER_CALL_POOL_INFO, &one, sizeof(one),
				NULL, 0, NULL));
	ok(pager_wait(pager, 0, &reply));
	for (unsigned int i = 0; i < 250; i++) {
		ok(pager_wait(pager, 0, &reply));
		row = reply.body;
		ck_assert_uint_eq(row->requested, POND);
		ck_assert_uint_ge(row->plugged, plugged);
		seen += row->plugged != plugged;
		plugged = row->plugged;
	}
	ck_assert_uint_ge(seen, 1);
	reached(POND);
	ok(pager_call_stats(pager, &after));
	ck_assert_uint_ge(after.work_steps - before.work_steps,
			  POND / (4 * MB));
	ck_assert_uint_eq(after.pool_plugged, POND);
	ck_assert_uint_eq(after.pools, 2);
}
END_TEST

START_TEST(offline_says_who_is_in_the_way)
{
	struct pager_row_holder holder;
	struct pager_row_block block;
	struct pager_list *list;
	uint64_t space, addr = 0, pinned = 0;

	resize(32 * MB);
	reached(32 * MB);
	space = space_with(24 * MB);
	write_all(space, 24 * MB, 3);
	list = pager_list_pool_blocks(pager, 1);
	while (pager_list_next(list, &block, sizeof(block)) > 0)
		if (block.used == 4 * MB)
			addr = block.addr;
	pager_list_free(list);
	ck_assert_uint_ne(addr, 0);
	list = pager_list_pool_holders(pager, 1, addr, 4 * MB);
	ck_assert_int_gt(pager_list_next(list, &holder, sizeof(holder)), 0);
	pager_list_free(list);
	ck_assert_uint_ne(holder.space, 0);
	ck_assert_uint_eq(holder.pinned, 0);
	ok(pager_call_pin(pager, space, AT, 2 * MB));
	list = pager_list_pool_holders(pager, 1, addr, 4 * MB);
	while (pager_list_next(list, &holder, sizeof(holder)) > 0)
		pinned += holder.pinned;
	pager_list_free(list);
	/* Pinning has moved what was in a movable block out of it. */
	ck_assert_uint_eq(pinned, 0);
	ck_assert_uint_eq(pond().pinned, 0);
	for (uint64_t at = pond().addr; at < pond().addr + 32 * MB;
	     at += 4 * MB) {
		int ret = pager_call_pool_offline(pager, 1, at);

		if (ret == 0) {
			ok(pager_call_pool_online(pager, 1, at,
						  PAGER_ZONE_MOVABLE));
			continue;
		}
		ck_assert_int_eq(ret, PAGER_REFUSED);
		ck_assert_uint_ne(pager_error(pager), PAGER_EACCESS);
	}
	reads_all(space, 24 * MB, 3);
	ok(pager_call_space_destroy(pager, space));
	ok(pager_call_pool_offline(pager, 1, addr));
	ok(pager_call_pool_online(pager, 1, addr, PAGER_ZONE_KERNEL));
}
END_TEST

START_TEST(events_tell_the_story)
{
	struct pager_row_event rows[64];
	struct pager_rep_pool_events head;
	uint64_t plugged = 0, cursor;
	bool asked = false, done = false;

	ok(pager_call_pool_events(pager, UINT64_MAX, NULL, 0, &head));
	cursor = head.next;
	resize(16 * MB);
	reached(16 * MB);
	for (int polls = 0; !done && polls < 1000; polls++) {
		ok(pager_call_pool_events(pager, cursor, rows, 64, &head));
		ck_assert_uint_eq(head.lost, 0);
		for (uint32_t i = 0; i < head.count; i++) {
			ck_assert_uint_eq(rows[i].number, cursor + i);
			ck_assert_uint_eq(rows[i].pool, 1);
			if (rows[i].type == PAGER_POOL_EVENT_PLUG)
				plugged += rows[i].value;
			asked |= rows[i].type == PAGER_POOL_EVENT_RESIZE &&
				 rows[i].value == 16 * MB;
			done |= rows[i].type == PAGER_POOL_EVENT_REACHED;
		}
		cursor = head.next;
	}
	ck_assert(asked && done);
	ck_assert_uint_eq(plugged, 16 * MB);
	/* Far more than are kept. */
	for (unsigned int i = 0; i < 6000; i++)
		resize(i % 2 ? 16 * MB : 12 * MB);
	ok(pager_call_pool_events(pager, cursor, rows, 64, &head));
	ck_assert_uint_gt(head.lost, 0);
	ck_assert_uint_eq(rows[0].number, cursor + head.lost);
}
END_TEST

/* --- what nobody should ask ----------------------------------------------- */

START_TEST(hostile_values_do_no_harm)
{
	static const uint64_t values[] = {0,
					  1,
					  0x1000,
					  2 * MB,
					  4 * MB,
					  8 * MB,
					  12 * MB,
					  POND,
					  POND + 2 * MB,
					  UINT32_MAX,
					  INT64_MAX,
					  UINT64_C(1) << 44,
					  UINT64_C(1) << 48,
					  UINT64_C(1) << 63,
					  0 - UINT64_C(0x1000),
					  0 - 2 * MB,
					  UINT64_MAX};
	struct rng rng = rng_new(11);
	uint64_t space = space_with(8 * MB);

	resize(16 * MB);
	write_all(space, 8 * MB, 2);
	for (unsigned int i = 0; i < 5000; i++) {
		const unsigned int op =
		    PAGER_OP_POOL_LIST +
		    (unsigned int)rng_below(&rng, PAGER_OP_POOL_GROW -
						      PAGER_OP_POOL_LIST + 1);
		const struct pager_struct *s = pager_op_find(op)->request;
		union pager_request_body body;
		struct pager_reply reply;

		memset(&body, 0, sizeof(body));
		for (unsigned int k = 0; k < s->count; k++) {
			const struct pager_field *f = s->fields + k;
			uint64_t value = values[rng_below(
			    &rng, sizeof(values) / sizeof(*values))];

			if (f->reserved && rng_below(&rng, 20))
				continue;
			if (strcmp(f->name, "pool") == 0 && rng_below(&rng, 4))
				value = 1;
			memcpy((uint8_t *)&body + f->offset, &value, f->size);
		}
		ck_assert_int_ge(pager_call(pager, (enum pager_call)op, &body,
					    s->size, NULL, 0, &reply),
				 PAGER_REFUSED);
	}
	reads_all(space, 8 * MB, 2);
}
END_TEST

/* --- the configuration ---------------------------------------------------- */

static void write_config(const char *path, const char *pools)
{
	FILE *file = fopen(path, "we");

	ck_assert_ptr_nonnull(file);
	fprintf(file, "memory 8M\nmemory-block 4M\n%s", pools);
	fclose(file);
}

static void hup(const char *path, const char *pools, unsigned int taken)
{
	write_config(path, pools);
	kill(daemon_.pid, SIGHUP);
	for (int ms = 0;
	     wire_logged(&daemon_, "took the configuration") < taken; ms += 2) {
		ck_assert_int_lt(ms, WIRE_PATIENCE_MS);
		poll(NULL, 0, 2);
	}
}

START_TEST(a_signal_changes_size_and_growth_only)
{
	char path[64];
	const char *const with[] = {"--config", path, NULL};

	snprintf(path, sizeof(path), "/tmp/pager-pools.%d", (int)getpid());
	write_config(path, "pool pond region 128M requested 8M\n");
	wire_spawn(&daemon_, with);
	pager = pager_connect(daemon_.socket);
	ck_assert_ptr_nonnull(pager);
	reached(8 * MB);
	hup(path, "pool pond region 128M requested 24M grow 64M\n", 1);
	reached(24 * MB);
	ck_assert_uint_eq(pond().grow_max, 64 * MB);
	/* What was said since by others stays, if the file says the same. */
	resize(12 * MB);
	hup(path, "pool pond region 128M requested 24M grow 64M\n", 2);
	reached(12 * MB);
	hup(path, "pool pond region 64M requested 32M\n", 3);
	ck_assert_uint_eq(
	    wire_logged(&daemon_, "the new pools are taken at the next start"),
	    1);
	ck_assert_uint_eq(pond().requested, 12 * MB);
	ck_assert_uint_eq(pond().region, 128 * MB);
	unlink(path);
	teardown();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pools");
	TCase *t = tcase_create("pools");
	TCase *u = tcase_create("configuration");
	SRunner *runner;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, what_is_unplugged_goes_back_to_the_system);
	tcase_add_test(t, bytes_stay_while_a_pool_breathes);
	tcase_add_test(t, requests_are_served_between_steps);
	tcase_add_test(t, offline_says_who_is_in_the_way);
	tcase_add_test(t, events_tell_the_story);
	tcase_add_test(t, hostile_values_do_no_harm);
	suite_add_tcase(suite, t);
	tcase_set_timeout(u, 60);
	tcase_add_test(u, a_signal_changes_size_and_growth_only);
	suite_add_tcase(suite, u);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
