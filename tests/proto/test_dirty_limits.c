/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dirty logs as a client sees them: what is cleared and what is written back,
 * writers that a full ring stops, and limits.
 */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "server/thing.h"
#include "tests/support/dirty_tib.h"
#include "tests/support/unit.h"

enum { PAGE = PAGER_PAGE_SIZE };

#define CLEAR PAGER_DIRTY_GET_CLEAR

/* --- clear and write-back
 * --------------------------------------------------------- */

static uint64_t clear(uint64_t log, uint64_t first, uint64_t pages,
		      const uint64_t *words)
{
	const struct pager_req_dirty_clear in = {log, first, pages};

	ck_assert_uint_eq(serve_ask_data(dirty_tib.ann, PAGER_OP_DIRTY_CLEAR,
					 &in, sizeof(in), words,
					 words ? (pages + 63) / 64 * 8 : 0),
			  0);
	return serve_answer.body.dirty_count.pages;
}

START_TEST(a_manual_log_is_cleared_by_clear_alone)
{
	struct pager_req_dirty_get in = {.pages = 200, .flags = CLEAR};
	uint64_t words[4] = {0};

	dtib_begin(NULL);
	for (uint32_t method = 1; method <= 2; method++) {
		in.log = dtib_start(dirty_tib.ann, dirty_tib.space, 0, 200,
				    method, PAGER_DIRTY_MANUAL);
		serve_refused(dirty_tib.ann, PAGER_OP_DIRTY_GET, in,
			      PAGER_EFLAGS, "flags");
		for (unsigned int i = 0; i < 200; i++)
			dtib_touch(i);
		for (unsigned int i = 0; i < 2; i++)
			ck_assert_uint_eq(
			    dtib_get(dirty_tib.ann, in.log, 0, 200, 0)->dirty,
			    200);
		words[0] = 5;
		words[3] = UINT64_MAX; /* beyond the end means nothing */
		ck_assert_uint_eq(clear(in.log, 0, 200, words), 2 + 8);
		ck_assert_uint_eq(clear(in.log, 0, 200, words), 0);
		ck_assert_uint_eq(
		    dtib_get(dirty_tib.ann, in.log, 0, 200, 0)->dirty, 190);
		dtib_touch(0);
		ck_assert_uint_eq(clear(in.log, 0, 64, NULL), 63);
		ck_assert_uint_eq(clear(in.log, 128, 72, NULL), 64);
		ck_assert_uint_eq(
		    dtib_get(dirty_tib.ann, in.log, 0, 200, 0)->dirty, 64);
		ck_assert_uint_eq(serve_answer.body.dirty_got.first, 64);
		dtib_stop(dirty_tib.ann, in.log);
	}
	serve_end();
}
END_TEST

START_TEST(the_words_of_a_clear_are_as_many_as_the_stretch_has)
{
	static const uint64_t words[64];
	struct pager_req_dirty_clear in = {.pages = 200};

	dtib_begin(NULL);
	in.log = dtib_start(dirty_tib.ann, dirty_tib.space, 0, 200, 0, 0);
	dtib_touch(1);
	for (size_t len = 1; len <= 48; len++) {
		char *before = serve_picture();
		unsigned int error =
		    serve_ask_data(dirty_tib.ann, PAGER_OP_DIRTY_CLEAR, &in,
				   sizeof(in), words, len);

		if (len == 32) {
			ck_assert_uint_eq(error, 0);
			free(before);
			continue;
		}
		ck_assert_uint_eq(error, PAGER_EINVAL);
		ck_assert_uint_eq(serve_answer.hdr.field,
				  offsetof(struct pager_hdr, data_len));
		serve_unchanged(before, "a length");
	}
	ck_assert_uint_eq(dtib_get(dirty_tib.ann, in.log, 0, 200, 0)->dirty, 1);
	serve_end();
}
END_TEST

START_TEST(what_is_written_between_begin_and_end_stays_dirty)
{
	struct pager_req_dirty_writeback in = {.pages = 64};

	dtib_begin(NULL);
	for (uint32_t method = 1; method <= 2; method++) {
		in.log = dtib_start(dirty_tib.ann, dirty_tib.space, 0, 64,
				    method, 0);
		dtib_touch(1);
		dtib_touch(2);
		in.step = PAGER_WRITEBACK_BEGIN;
		serve_ok(dirty_tib.ann, PAGER_OP_DIRTY_WRITEBACK, in);
		ck_assert_uint_eq(serve_answer.body.dirty_count.pages, 2);
		ck_assert_uint_eq(dtib_info_of(dirty_tib.ann, in.log).awaiting,
				  2);
		serve_write(dirty_tib.ann, dirty_tib.space,
			    DIRTY_BASE + 2 * PAGE, "again");
		dtib_touch(3);
		ck_assert_uint_eq(
		    dtib_get(dirty_tib.ann, in.log, 0, 64, 0)->dirty, 3);
		in.step = PAGER_WRITEBACK_END;
		serve_ok(dirty_tib.ann, PAGER_OP_DIRTY_WRITEBACK, in);
		ck_assert_uint_eq(serve_answer.body.dirty_count.pages, 2);
		ck_assert_uint_eq(
		    dtib_get(dirty_tib.ann, in.log, 0, 64, 0)->dirty, 2);
		ck_assert_uint_eq(dtib_word(0), 12);
		dtib_stop(dirty_tib.ann, in.log);
	}
	serve_end();
}
END_TEST

/* --- a full ring
 * ------------------------------------------------------------------- */

struct entry {
	uint32_t flags, slot;
	uint64_t page;
};

static struct entry *ring;

static uint64_t start_ringed(void)
{
	struct pager_req_dirty_ring in = {.entries = PAGER_RING_MIN};

	in.log = dtib_start(dirty_tib.ann, dirty_tib.space, 0, 256,
			    PAGER_DIRTY_WRITE_PROTECT, 0);
	serve_fd = memfd_create("ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	ck_assert_int_ge(serve_fd, 0);
	ck_assert_int_eq(ftruncate(serve_fd, PAGE), 0);
	ck_assert_int_eq(fcntl(serve_fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	ring =
	    mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, serve_fd, 0);
	ck_assert(ring != MAP_FAILED);
	serve_ok(dirty_tib.ann, PAGER_OP_DIRTY_RING, in);
	close(serve_fd);
	serve_fd = -1;
	return in.log;
}

static void reset(uint64_t log, unsigned int n)
{
	for (unsigned int i = 0; i < PAGER_RING_MIN; i++) {
		if (ring[i].flags == PAGER_RING_DIRTY && n) {
			ring[i].flags = PAGER_RING_RESET;
			n--;
		}
	}
	serve_ok(dirty_tib.ann, PAGER_OP_DIRTY_RESET, log);
}

START_TEST(a_full_ring_stops_writes_until_it_is_reset)
{
	static struct serve_batch batch;
	struct pager_req_fault fault = {.access = PAGER_ACCESS_WRITE};
	struct pager_req_populate populate = {.len = PAGE,
					      .access = PAGER_ACCESS_WRITE};
	struct pager_req_write write = {0};
	struct pager_req_read read = {.addr = DIRTY_BASE, .len = 8};
	unsigned int page = 0;
	uint64_t log;

	dtib_begin(NULL);
	fault.space = populate.space = write.space = read.space =
	    dirty_tib.space;
	log = start_ringed();
	while (dtib_info_of(dirty_tib.ann, log).flags !=
	       (PAGER_DIRTY_RING | PAGER_DIRTY_RING_SOFT)) {
		ck_assert_uint_lt(page, PAGER_RING_MIN);
		ck_assert_uint_eq(dtib_info_of(dirty_tib.ann, log).ring_used,
				  page);
		dtib_touch(page++);
	}
	ck_assert_uint_gt(page, PAGER_RING_MIN / 2);
	/* A page that is dirty may be written, and any may be read. */
	dtib_touch(0);
	serve_write(dirty_tib.ann, dirty_tib.space, DIRTY_BASE, "there");
	serve_ok(dirty_tib.ann, PAGER_OP_READ, read);
	ck_assert_uint_eq(serve_answer.body.access.error, 0);
	/* Another page may not. */
	fault.addr = DIRTY_BASE + 200 * PAGE;
	serve_refused(dirty_tib.ann, PAGER_OP_FAULT, fault, PAGER_EDIRTYFULL,
		      "addr");
	write.addr = DIRTY_BASE + 200 * PAGE;
	ck_assert_uint_eq(serve_ask_data(dirty_tib.ann, PAGER_OP_WRITE, &write,
					 sizeof(write), "data", 4),
			  PAGER_OK);
	ck_assert_uint_eq(serve_answer.body.access.done, 0);
	ck_assert_uint_eq(serve_answer.body.access.error, PAGER_EDIRTYFULL);
	ck_assert_uint_eq(serve_answer.body.access.addr, write.addr);
	ck_assert_uint_eq(serve_answer.body.access.signal, 0);
	/* In an all-or-nothing batch it is the one to blame. */
	memset(&batch, 0, sizeof(batch));
	batch.body.flags = PAGER_BATCH_ATOMIC;
	serve_batch_put(&batch, PAGER_OP_FAULT, fault);
	ck_assert_uint_eq(serve_batch_run(dirty_tib.ann, &batch), 0);
	ck_assert_uint_eq(serve_answer.body.batch.failed, 1);
	ck_assert_uint_ge(dtib_info_of(dirty_tib.ann, log).ring_stops, 3);
	/* What is no write of a program's is done, and has its entry. */
	populate.addr = DIRTY_BASE + 201 * PAGE;
	serve_ok(dirty_tib.ann, PAGER_OP_POPULATE, populate);
	ck_assert_uint_eq(dtib_info_of(dirty_tib.ann, log).ring_used, page + 1);
	/* Reset without anything given back helps nobody. */
	reset(log, 0);
	ck_assert_uint_eq(serve_answer.body.dirty_reset.reset, 0);
	ck_assert_uint_eq(
	    serve_ask(dirty_tib.ann, PAGER_OP_FAULT, &fault, sizeof(fault)),
	    PAGER_EDIRTYFULL);
	reset(log, 8);
	ck_assert_uint_eq(serve_answer.body.dirty_reset.reset, 8);
	serve_ok(dirty_tib.ann, PAGER_OP_FAULT, fault);
	serve_write(dirty_tib.ann, dirty_tib.space, write.addr, "data");
	dtib_stop(dirty_tib.ann, log);
	/* Nobody stops them any more. */
	for (unsigned int i = 0; i < 256; i++)
		dtib_touch(i);
	munmap(ring, PAGE);
	serve_end();
}
END_TEST

/* --- limits
 * ------------------------------------------------------------------------- */

START_TEST(so_many_logs_of_a_space_and_of_a_session)
{
	struct pager_req_dirty_start in;
	uint64_t logs, of;

	dtib_begin("limit nodes 100000\n");
	for (unsigned int i = 0; i < PAGER_DIRTY_LOGS_MAX; i++)
		dtib_start(dirty_tib.ann, dirty_tib.space, i, 64, 0, 0);
	in = dtib_range(dirty_tib.space, 99, 64);
	serve_refused(dirty_tib.ann, PAGER_OP_DIRTY_START, in, PAGER_ELIMIT,
		      "space");
	serve_refused(dirty_tib.root, PAGER_OP_DIRTY_START, in, PAGER_ELIMIT,
		      "space");
	logs = PAGER_DIRTY_LOGS_MAX;
	while (logs < SRV_DIRTY_MAX) {
		/* The spaces end, the logs stay. */
		of = serve_space(dirty_tib.ann);
		for (unsigned int i = 0; i < PAGER_DIRTY_LOGS_MAX; i++, logs++)
			dtib_start(dirty_tib.ann, of, i, 64, 0, 0);
		serve_ok(dirty_tib.ann, PAGER_OP_SPACE_DESTROY, of);
	}
	ck_assert_uint_eq(dtib_logs_alive(), SRV_DIRTY_MAX);
	in.space = serve_space(dirty_tib.ann);
	serve_refused(dirty_tib.ann, PAGER_OP_DIRTY_START, in, PAGER_ELIMIT,
		      NULL);
	/* Somebody else's are not counted. */
	in.space = serve_space(dirty_tib.ben);
	serve_ok(dirty_tib.ben, PAGER_OP_DIRTY_START, in);
	serve_end();
}
END_TEST

/* Nothing is refused and nothing is lost for want of nodes: too much is said,
 * and counted. */
START_TEST(a_user_without_nodes_is_told_too_much)
{
	struct pager_req_dirty_start in;
	struct pager_req_user user = {.uid = SERVE_ANN};
	uint64_t log, dirty = 0, first = 0, next;
	unsigned int n = 0;

	dtib_begin("limit nodes 40\n");
	log = dtib_start(dirty_tib.ann, dirty_tib.space, 0, DIRTY_PAGES, 0, 0);
	in = dtib_range(dirty_tib.space, 0, 64);
	while (serve_ask(dirty_tib.ann, PAGER_OP_DIRTY_START, &in,
			 sizeof(in)) == 0) {
		in.addr += PAGE;
		ck_assert_uint_lt(n++, PAGER_DIRTY_LOGS_MAX);
	}
	dtib_touch(7);
	serve_ok(dirty_tib.root, PAGER_OP_USER_INFO, user);
	/* A fault sets its table's nodes aside before the logs take theirs. */
	ck_assert_uint_le(serve_answer.body.user.used[PAGER_USER_NODES],
			  40 + 4);
	do {
		next =
		    dtib_get(dirty_tib.ann, log, first, DIRTY_PAGES - first, 0)
			->next;
		dirty += serve_answer.body.dirty_got.dirty;
		if (first == 0)
			ck_assert(dtib_word(0) & 1 << 7);
		first = next;
	} while (first < DIRTY_PAGES && dirty < 1000000);
	ck_assert_uint_ge(dirty, 1);
	if (dirty > 1)
		ck_assert_uint_gt(dtib_info_of(dirty_tib.ann, log).over, 0);
	serve_end();
}
END_TEST

/* Rows from a cursor, over all sessions. */
START_TEST(lists_go_on_from_their_cursor)
{
	struct pager_req_cursor in = {0};
	static struct serve_batch batch;
	struct pager_row_dirty row;
	struct pager_answer answer;
	unsigned int rows = 0;

	dtib_begin(NULL);
	for (unsigned int i = 0; i < PAGER_DIRTY_LOGS_MAX; i++)
		dtib_start(i % 2 ? dirty_tib.root : dirty_tib.ann,
			   dirty_tib.space, i, 64, 1 + i % 2, i % 4);
	/* A batch of READ and the list: a row or a few at a time. */
	do {
		struct pager_req_read read = {.space = dirty_tib.space,
					      .addr = DIRTY_BASE,
					      .len = PAGER_DATA_MAX};

		memset(&batch, 0, sizeof(batch));
		read.len += 3800;
		serve_batch_put(&batch, PAGER_OP_DIRTY_LIST, in);
		read.len = PAGER_DATA_MAX;
		serve_batch_put(&batch, PAGER_OP_READ, read);
		read.len = 3700;
		serve_batch_put(&batch, PAGER_OP_READ, read);
		ck_assert_uint_eq(serve_batch_run(dirty_tib.root, &batch), 0);
		serve_batch_answer(0, &answer);
		ck_assert_uint_eq(answer.hdr.error, 0);
		ck_assert_uint_ge(answer.body.list.count, 1);
		for (unsigned int i = 0; i < answer.body.list.count; i++) {
			memcpy(&row, answer.data + i * sizeof(row),
			       sizeof(row));
			ck_assert_uint_ne(row.log, 0);
			ck_assert_uint_eq(row.len, 64 * PAGE);
			ck_assert_uint_eq(row.space_id, 1);
			rows++;
		}
		in.cursor = answer.body.list.next;
	} while (in.cursor);
	ck_assert_uint_eq(rows, PAGER_DIRTY_LOGS_MAX);
	serve_end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    a_manual_log_is_cleared_by_clear_alone,
	    the_words_of_a_clear_are_as_many_as_the_stretch_has,
	    what_is_written_between_begin_and_end_stays_dirty,
	    a_full_ring_stops_writes_until_it_is_reset,
	    so_many_logs_of_a_space_and_of_a_session,
	    a_user_without_nodes_is_told_too_much,
	    lists_go_on_from_their_cursor,
	};

	return UNIT_RUN("dirty_limits", tests);
}
