/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DIRTY_RING and DIRTY_RESET: a ring in a client's memory file. What is
 * refused, how long it lives, and that nothing is lost while it is full,
 * skipped, scribbled on, or left by its reader.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/failpoint.h"
#include "server/shared.h"
#include "tests/support/dirty_bed.h"
#include "tests/support/rng.h"
#include "tests/support/unit.h"

enum { N = PAGER_RING_MIN, SOFT = N - N / 8, ALL = INT32_MAX };

static struct dlog_ring ring;
static bool told[DLOG_PAGES];
static uint32_t told_count;

static void tell(uint64_t page)
{
	ck_assert_uint_lt(page, DLOG_PAGES);
	told_count += !told[page];
	told[page] = true;
}

static void start(enum pager_dirty_method method)
{
	dlog_start(method, 0);
	dlog_ring_make(&ring, N);
	ck_assert_uint_eq(dlog_ring_attach(&ring, dlog.log), 0);
	memset(told, 0, sizeof(told));
	told_count = 0;
}

static void end(void)
{
	dlog_ring_drop(&ring);
	dlog_end();
}

static struct pager_rep_dirty_info info(uint64_t log)
{
	const struct pager_req_handle body = {log};

	serve_ok(dlog.me, PAGER_OP_DIRTY_INFO, body);
	return serve_answer.body.dirty_info;
}

static uint32_t collect(void)
{
	return dlog_ring_collect(&ring, ALL, tell);
}

/* Mappings of clients' files in this process, both sides'. */
static unsigned int mapped(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[512];
	unsigned int n = 0;

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f))
		n += strstr(line, "/memfd:client") != NULL;
	fclose(f);
	return n;
}

/* --- pages go through it -----------------------------------------------------
 */

START_TEST(a_write_is_an_entry_once_until_it_is_reset)
{
	start(PAGER_DIRTY_WRITE_PROTECT);
	ck_assert_uint_eq(dlog_write(7), 0);
	ck_assert_uint_eq(dlog_write(7), 0);
	ck_assert_uint_eq(dlog_write(3), 0);
	ck_assert_uint_eq(ring.entry[0].flags, PAGER_RING_DIRTY);
	ck_assert_uint_eq(ring.entry[0].slot, 0);
	ck_assert_uint_eq(ring.entry[0].offset, 7);
	ck_assert_uint_eq(ring.entry[1].offset, 3);
	ck_assert_uint_eq(ring.entry[2].flags, 0);
	ck_assert_uint_eq(dlog_ring_reset(dlog.log), 0);
	ck_assert_uint_eq(serve_answer.body.dirty_reset.used, 2);
	ck_assert_uint_eq(dlog_ring_collect(&ring, 1, tell), 1);
	ck_assert_uint_eq(dlog_write(7), 0);
	ck_assert_uint_eq(dlog_ring_reset(dlog.log), 1);
	ck_assert_uint_eq(serve_answer.body.dirty_reset.used, 1);
	ck_assert_uint_eq(ring.entry[0].flags, 0);
	ck_assert_uint_eq(dlog_write(7), 0);
	ck_assert_uint_eq(ring.entry[2].offset, 7);
	ck_assert_uint_eq(ring.entry[2].flags, PAGER_RING_DIRTY);
	end();
}
END_TEST

START_TEST(what_hardware_marked_is_in_the_ring_at_the_reset)
{
	start(PAGER_DIRTY_HARDWARE);
	ck_assert_uint_eq(dlog_write(7), 0);
	dlog_ring_reset(dlog.log);
	ck_assert_uint_eq(collect(), 1);
	ck_assert(told[7]);
	ck_assert_uint_eq(dlog_write(7), 0);
	ck_assert_uint_eq(dlog_ring_reset(dlog.log), 1);
	ck_assert_uint_eq(dlog_write(7), 0);
	dlog_ring_reset(dlog.log);
	ck_assert_uint_eq(collect(), 1);
	end();
}
END_TEST

START_TEST(what_was_dirty_before_is_in_the_ring_when_it_comes)
{
	dlog_start(PAGER_DIRTY_AUTO, PAGER_DIRTY_ALL_SET);
	dlog_ring_make(&ring, 256);
	ck_assert_uint_eq(dlog_ring_attach(&ring, dlog.log), 0);
	ck_assert_uint_eq(info(dlog.log).ring_used, 256);
	ck_assert_uint_eq(info(dlog.log).dirty, DLOG_PAGES);
	for (int i = 0; i < 4; i++) {
		ck_assert_uint_eq(collect(), 256);
		ck_assert_uint_eq(dlog_ring_reset(dlog.log), 256);
	}
	ck_assert_uint_eq(told_count, DLOG_PAGES);
	ck_assert_uint_eq(info(dlog.log).dirty, 0);
	ck_assert_uint_eq(info(dlog.log).ring_used, 0);
	end();
}
END_TEST

START_TEST(a_soft_full_ring_stops_the_writer_until_the_reader_resets)
{
	struct pager_rep_dirty_info i;

	start(PAGER_DIRTY_WRITE_PROTECT);
	for (uint64_t page = 0; page < SOFT; page++)
		ck_assert_uint_eq(dlog_write(page), 0);
	ck_assert_uint_eq(dlog_write(SOFT), PAGER_EDIRTYFULL);
	ck_assert_uint_eq(dlog_fault(SOFT), PAGER_EDIRTYFULL);
	/* Pages that need no entry can be written. */
	ck_assert_uint_eq(dlog_write(0), 0);
	i = info(dlog.log);
	ck_assert_uint_eq(i.ring_entries, N);
	ck_assert_uint_eq(i.ring_used, SOFT);
	ck_assert_uint_eq(i.ring_stops, 2);
	ck_assert_uint_eq(i.flags, PAGER_DIRTY_RING | PAGER_DIRTY_RING_SOFT);
	ck_assert_uint_eq(collect(), SOFT);
	ck_assert_uint_eq(dlog_write(SOFT), PAGER_EDIRTYFULL);
	ck_assert_uint_eq(dlog_ring_reset(dlog.log), SOFT);
	ck_assert_uint_eq(dlog_write(SOFT), 0);
	ck_assert_uint_eq(collect(), 1);
	ck_assert(told[SOFT]);
	end();
}
END_TEST

/* Dropping pages cannot wait, and is more than a ring holds. */
START_TEST(what_cannot_wait_waits_in_the_log_when_the_ring_is_full)
{
	struct pager_req_range range = {.addr = DLOG_BASE};

	start(PAGER_DIRTY_WRITE_PROTECT);
	for (uint64_t page = 0; page < 500; page++) {
		if (dlog_write(page) == 0)
			continue;
		collect();
		dlog_ring_reset(dlog.log);
		ck_assert_uint_eq(dlog_write(page), 0);
	}
	collect();
	dlog_ring_reset(dlog.log);
	memset(told, 0, sizeof(told));
	told_count = 0;
	range.space = dlog.space;
	range.len = 500 * DLOG_PAGE;
	serve_ok(dlog.me, PAGER_OP_UNMAP, range);
	ck_assert_uint_eq(info(dlog.log).ring_used, N);
	ck_assert_uint_eq(info(dlog.log).dirty, 500);
	while (collect())
		dlog_ring_reset(dlog.log);
	ck_assert_uint_eq(told_count, 500);
	end();
}
END_TEST

static void nothing_is_lost(uint64_t seed, enum pager_dirty_method method)
{
	bool written[DLOG_PAGES] = {false};
	struct rng r = rng_new(seed);

	start(method);
	for (int step = 0; step < 3000; step++) {
		const uint64_t page = rng_below(&r, DLOG_PAGES);

		if (rng_percent(&r, 80)) {
			if (dlog_write(page) == 0)
				written[page] = true;
		} else if (rng_percent(&r, 50)) {
			dlog_ring_collect(&ring, (uint32_t)rng_below(&r, 40),
					  tell);
		} else {
			/* Entries out of order, as no good reader would. */
			struct dring_entry *e = ring.entry + rng_below(&r, N);

			if (e->flags == PAGER_RING_DIRTY &&
			    rng_percent(&r, 10)) {
				tell(e->offset);
				e->flags = PAGER_RING_RESET;
				e->flags = PAGER_RING_DIRTY;
			}
			dlog_ring_reset(dlog.log);
		}
	}
	do
		dlog_ring_reset(dlog.log);
	while (collect());
	for (uint64_t page = 0; page < DLOG_PAGES; page++)
		ck_assert_msg(!written[page] || told[page], "page %u is lost",
			      (unsigned int)page);
	end();
}

START_TEST(whatever_is_written_is_told)
{
	nothing_is_lost(1, PAGER_DIRTY_WRITE_PROTECT);
	nothing_is_lost(2, PAGER_DIRTY_HARDWARE);
}
END_TEST

/* --- what is refused --------------------------------------------------------
 */

static void refused(uint32_t entries, int fd, enum pager_error error,
		    const char *field)
{
	const struct pager_req_dirty_ring body = {.log = dlog.log,
						  .entries = entries};
	const unsigned int before = mapped();

	serve_fd = fd;
	serve_refused(dlog.me, PAGER_OP_DIRTY_RING, body, error, field);
	serve_fd = -1;
	ck_assert_uint_eq(mapped(), before);
	close(fd);
}

START_TEST(a_ring_of_a_wrong_size_is_refused)
{
	static const uint32_t wrong[] = {
	    0,	    1,	      32,	 63, 65, 96, N * 3, PAGER_RING_MAX + 1,
	    131072, 1u << 31, UINT32_MAX};

	dlog_start(PAGER_DIRTY_AUTO, 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		refused(wrong[i], dlog_file(1 << 21, F_SEAL_SHRINK),
			PAGER_EINVAL, "entries");
	dlog_end();
}
END_TEST

START_TEST(memory_that_will_not_do_is_refused)
{
	int fd, pipes[2];

	dlog_start(PAGER_DIRTY_AUTO, 0);
	refused(N, dlog_file(N * 16 - 1, F_SEAL_SHRINK), PAGER_ERANGE, "nfds");
	refused(2 * N, dlog_file(N * 16, F_SEAL_SHRINK), PAGER_ERANGE, "nfds");
	refused(N, dlog_file(4096, 0), PAGER_EINVAL, "nfds");
	refused(N, dlog_file(4096, F_SEAL_SHRINK | F_SEAL_WRITE), PAGER_EACCESS,
		"nfds");
	fd = dlog_file(4096, F_SEAL_SHRINK);
	refused(N, open("/dev/zero", O_RDWR), PAGER_EINVAL, "nfds");
	ck_assert_int_eq(pipe(pipes), 0);
	refused(N, pipes[0], PAGER_EINVAL, "nfds");
	refused(N, pipes[1], PAGER_EINVAL, "nfds");
	close(fd);
	dlog_end();
}
END_TEST

START_TEST(a_second_ring_and_rings_of_others_are_refused)
{
	struct pager_req_dirty_ring body = {.entries = N};
	struct srv_client *ben;

	start(PAGER_DIRTY_AUTO);
	ben = serve_join(SERVE_BEN);
	body.log = dlog.log;
	serve_refused(dlog.me, PAGER_OP_DIRTY_RING, body, PAGER_EEXIST, "log");
	serve_refused(ben, PAGER_OP_DIRTY_RING, body, PAGER_ENOENT, "log");
	body.log = dlog.space;
	serve_refused(dlog.me, PAGER_OP_DIRTY_RING, body, PAGER_ETYPE, "log");
	end();
}
END_TEST

START_TEST(a_log_with_a_ring_is_not_read_in_other_ways)
{
	struct pager_req_dirty_get get = {.pages = DLOG_PAGES};
	struct pager_req_dirty_clear clear = {.pages = DLOG_PAGES};
	struct pager_req_dirty_writeback back = {.pages = DLOG_PAGES,
						 .step = 1};
	struct pager_req_handle handle;

	start(PAGER_DIRTY_AUTO);
	ck_assert_uint_eq(dlog_write(1), 0);
	get.log = clear.log = back.log = dlog.log;
	serve_refused(dlog.me, PAGER_OP_DIRTY_GET, get, PAGER_EBUSY, "log");
	serve_refused(dlog.me, PAGER_OP_DIRTY_CLEAR, clear, PAGER_EBUSY, "log");
	serve_refused(dlog.me, PAGER_OP_DIRTY_WRITEBACK, back, PAGER_EBUSY,
		      "log");
	/* And one without is not reset. */
	handle.handle = dlog_log(0, 64, PAGER_DIRTY_AUTO, 0);
	serve_refused(dlog.me, PAGER_OP_DIRTY_RESET, handle, PAGER_EINVAL,
		      "handle");
	end();
}
END_TEST

#ifdef PAGER_FAILPOINTS
START_TEST(a_ring_that_fails_anywhere_leaves_nothing)
{
	unsigned int failures = 0;
	const char *point = "";

	dlog_start(PAGER_DIRTY_WRITE_PROTECT, 0);
	dlog_ring_make(&ring, N);
	for (unsigned long n = 1; point; n++) {
		unsigned int error;
		char *before;

		ck_assert_uint_eq(dlog_write(9), 0);
		before = serve_picture();
		pager_fail_arm(n);
		error = dlog_ring_attach(&ring, dlog.log);
		point = pager_fail_fired();
		pager_fail_arm(0);
		if (error) {
			serve_unchanged(before, point);
			ck_assert_uint_eq(mapped(), 1);
			failures++;
			continue;
		}
		free(before);
		ck_assert_uint_eq(mapped(), 2);
		ck_assert_uint_eq(ring.entry[0].offset, 9);
		if (!point)
			break;
		/* The log has means against want of memory for itself. */
		dlog_stop(dlog.log);
		dlog.log =
		    dlog_log(0, DLOG_PAGES, PAGER_DIRTY_WRITE_PROTECT, 0);
	}
	/* Four looks, the record, the mapping, the guard, and our copy. */
	ck_assert_uint_eq(failures, 9);
	end();
}
END_TEST
#endif

/* --- how long it lives ------------------------------------------------------
 */

START_TEST(a_ring_ends_with_its_log)
{
	start(PAGER_DIRTY_AUTO);
	ck_assert_uint_eq(mapped(), 2);
	ck_assert_uint_eq(dlog_write(1), 0);
	dlog_stop(dlog.log);
	ck_assert_uint_eq(mapped(), 1);
	ring.entry[0].flags = PAGER_RING_RESET;
	/* The same memory can be the next one's. */
	dlog.log = dlog_log(0, 64, PAGER_DIRTY_WRITE_PROTECT, 0);
	ck_assert_uint_eq(dlog_ring_attach(&ring, dlog.log), 0);
	ck_assert_uint_eq(ring.entry[0].flags, 0);
	ck_assert_uint_eq(dlog_write(2), 0);
	ck_assert_uint_eq(ring.entry[0].offset, 2);
	end();
}
END_TEST

START_TEST(a_ring_ends_with_its_session)
{
	struct srv_client *other;

	start(PAGER_DIRTY_WRITE_PROTECT);
	other = serve_join(SERVE_ROOT);
	for (uint64_t page = 0; page < SOFT; page++)
		ck_assert_uint_eq(dlog_write(page), 0);
	serve_leave(dlog.me);
	ck_assert_uint_eq(mapped(), 1);
	dlog.me = other;
	end();
}
END_TEST

/* An admin logs the space with a ring and goes: its writer goes on. */
START_TEST(a_reader_that_leaves_a_full_ring_lets_the_writer_go)
{
	struct srv_client *ann, *root;
	uint64_t log;

	dlog_start(PAGER_DIRTY_WRITE_PROTECT, 0);
	dlog_ring_make(&ring, N);
	ann = dlog.me;
	root = serve_join(SERVE_ROOT);
	dlog.me = root;
	log = dlog_log(0, DLOG_PAGES, PAGER_DIRTY_WRITE_PROTECT, 0);
	ck_assert_uint_eq(dlog_ring_attach(&ring, log), 0);
	dlog.me = ann;
	for (uint64_t page = 0; page < SOFT; page++)
		ck_assert_uint_eq(dlog_write(page), 0);
	ck_assert_uint_eq(dlog_write(SOFT), PAGER_EDIRTYFULL);
	serve_leave(root);
	ck_assert_uint_eq(dlog_write(SOFT), 0);
	ck_assert_uint_eq(info(dlog.log).dirty, SOFT + 1);
	end();
}
END_TEST

START_TEST(a_ring_goes_on_when_its_space_has_ended)
{
	struct pager_req_space body;

	start(PAGER_DIRTY_WRITE_PROTECT);
	for (uint64_t page = 0; page < 20; page++)
		ck_assert_uint_eq(dlog_write(page), 0);
	body.space = dlog.space;
	serve_ok(dlog.me, PAGER_OP_SPACE_DESTROY, body);
	while (collect())
		dlog_ring_reset(dlog.log);
	ck_assert_uint_eq(told_count, 20);
	ck_assert_uint_eq(info(dlog.log).dirty, 0);
	dlog_stop(dlog.log);
	end();
}
END_TEST

START_TEST(two_rings_of_a_space_are_told_the_same_at_their_own_pace)
{
	struct dlog_ring second;
	uint64_t log;

	start(PAGER_DIRTY_WRITE_PROTECT);
	log = dlog_log(8, 100, PAGER_DIRTY_WRITE_PROTECT, 0);
	dlog_ring_make(&second, 2 * N);
	ck_assert_uint_eq(dlog_ring_attach(&second, log), 0);
	for (uint64_t page = 0; page < 40; page++)
		ck_assert_uint_eq(dlog_write(page), 0);
	ck_assert_uint_eq(collect(), 40);
	ck_assert_uint_eq(dlog_ring_reset(dlog.log), 40);
	ck_assert_uint_eq(info(log).ring_used, 32);
	ck_assert_uint_eq(second.entry[0].offset, 0);
	/* Armed for the first, and known to the second already. */
	ck_assert_uint_eq(dlog_write(10), 0);
	ck_assert_uint_eq(collect(), 1);
	ck_assert_uint_ge(dlog_ring_collect(&second, ALL, NULL), 32);
	dlog_ring_reset(log);
	ck_assert_uint_eq(dlog_write(10), 0);
	ck_assert_uint_eq(dlog_ring_collect(&second, ALL, NULL), 1);
	dlog_ring_drop(&second);
	end();
}
END_TEST

START_TEST(memory_of_two_rings_harms_no_other_log)
{
	struct dlog_ring same;
	uint64_t second, exact;
	int fd = dlog_file(DLOG_PAGES / 8, F_SEAL_SHRINK);

	start(PAGER_DIRTY_WRITE_PROTECT);
	second = dlog_log(0, 128, PAGER_DIRTY_WRITE_PROTECT, 0);
	exact = dlog_log(0, 512, PAGER_DIRTY_WRITE_PROTECT, 0);
	same = ring;
	ck_assert_uint_eq(dlog_ring_attach(&same, second), 0);
	for (uint64_t page = 0; page < 40; page++) {
		ck_assert_uint_eq(dlog_write(page), 0);
		collect();
		dlog_ring_reset(page % 2 ? dlog.log : second);
	}
	ck_assert_uint_eq(dlog_get(fd, exact, 0, 512, 0, 0), 0);
	ck_assert_uint_eq(serve_answer.body.dirty_got.dirty, 40);
	dlog_stop(second);
	dlog_stop(dlog.log);
	close(fd);
	end();
}
END_TEST

/* --- what a client does to it ----------------------------------------------
 */

START_TEST(scribbling_harms_no_other_log)
{
	struct rng r = rng_new(11);
	bool written[512] = {false};
	uint64_t exact;
	int fd = dlog_file(64, F_SEAL_SHRINK);

	start(PAGER_DIRTY_WRITE_PROTECT);
	exact = dlog_log(0, 512, PAGER_DIRTY_AUTO, 0);
	for (int step = 0; step < 4000; step++) {
		uint8_t *bytes = (uint8_t *)ring.entry;
		const uint64_t page = rng_below(&r, 512);

		bytes[rng_below(&r, N * 16)] = (uint8_t)rng_next(&r);
		if (rng_percent(&r, 5))
			memset(bytes, (int)rng_next(&r), N * 16);
		if (rng_percent(&r, 30))
			dlog_ring_reset(dlog.log);
		if (rng_percent(&r, 5))
			fallocate(ring.fd,
				  FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
				  4096);
		if (dlog_write(page) == 0)
			written[page] = true;
	}
	ck_assert_uint_eq(dlog_get(fd, exact, 0, 512, 0, 0), 0);
	for (uint64_t page = 0; page < 512; page++)
		ck_assert_uint_eq(dlog_word(fd, page / 64) >> page % 64 & 1,
				  written[page]);
	close(fd);
	end();
}
END_TEST

/* As if the kernel had taken its page away. */
START_TEST(a_ring_without_its_memory_becomes_a_log_without_a_ring)
{
	const struct srv_handles *handles;
	struct pager_req_handle body;
	struct srv_dirty *log;
	uint32_t index = 0;
	int fd = dlog_file(DLOG_PAGES / 8, F_SEAL_SHRINK);

	start(PAGER_DIRTY_WRITE_PROTECT);
	for (uint64_t page = 0; page < SOFT; page++)
		ck_assert_uint_eq(dlog_write(page), 0);
	handles = &dlog.me->session->handles;
	log = srv_handles_next(handles, &index, PAGER_HANDLE_LOG);
	log->ring->guard.broken = 1;
	body.handle = dlog.log;
	ck_assert_uint_eq(
	    serve_ask(dlog.me, PAGER_OP_DIRTY_RESET, &body, sizeof(body)),
	    PAGER_EINVAL);
	ck_assert_uint_eq(info(dlog.log).ring_entries, 0);
	ck_assert_uint_eq(dlog_write(SOFT), 0);
	ck_assert_uint_eq(dlog_get(fd, dlog.log, 0, DLOG_PAGES, 0, 0), 0);
	ck_assert_uint_eq(serve_answer.body.dirty_got.dirty, SOFT + 1);
	close(fd);
	end();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	    a_write_is_an_entry_once_until_it_is_reset,
	    what_hardware_marked_is_in_the_ring_at_the_reset,
	    what_was_dirty_before_is_in_the_ring_when_it_comes,
	    a_soft_full_ring_stops_the_writer_until_the_reader_resets,
	    what_cannot_wait_waits_in_the_log_when_the_ring_is_full,
	    whatever_is_written_is_told,
	    a_ring_of_a_wrong_size_is_refused,
	    memory_that_will_not_do_is_refused,
	    a_second_ring_and_rings_of_others_are_refused,
	    a_log_with_a_ring_is_not_read_in_other_ways,
#ifdef PAGER_FAILPOINTS
	    a_ring_that_fails_anywhere_leaves_nothing,
#endif
	    a_ring_ends_with_its_log,
	    a_ring_ends_with_its_session,
	    a_reader_that_leaves_a_full_ring_lets_the_writer_go,
	    a_ring_goes_on_when_its_space_has_ended,
	    two_rings_of_a_space_are_told_the_same_at_their_own_pace,
	    memory_of_two_rings_harms_no_other_log,
	    scribbling_harms_no_other_log,
	    a_ring_without_its_memory_becomes_a_log_without_a_ring,
	};

	return UNIT_RUN("dirty_ring_fd", tests);
}
