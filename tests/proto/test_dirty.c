/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dirty logs as a client sees them: whose they are and when they end, answers
 * that are as short as what is dirty, and that exactly what was reported is
 * cleared.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/dirty_tib.h"
#include "tests/support/unit.h"

enum { PAGE = PAGER_PAGE_SIZE };

#define CLEAR PAGER_DIRTY_GET_CLEAR

static struct pager_rep_list list(struct srv_client *client)
{
	const struct pager_req_cursor in = {0};

	serve_ok(client, PAGER_OP_DIRTY_LIST, in);
	ck_assert_uint_eq(serve_answer.body.list.row_size,
			  sizeof(struct pager_row_dirty));
	return serve_answer.body.list;
}

static uint64_t give_to_twin(uint64_t handle)
{
	uint8_t token[PAGER_TOKEN_SIZE];

	serve_ok(dirty_tib.ann, PAGER_OP_GIVE, handle);
	memcpy(token, serve_answer.body.token.token, sizeof(token));
	serve_ok(dirty_tib.twin, PAGER_OP_TAKE, token);
	return serve_answer.body.take.handle;
}

/* --- whose they are ---------------------------------------------------------
 */

START_TEST(logs_are_things_of_their_session)
{
	uint64_t log;

	dtib_begin(NULL);
	log = dtib_start(dirty_tib.ann, dirty_tib.space, 0, 128, 0, 0);
	ck_assert_uint_eq(dtib_logs_alive(), 1);
	serve_refused(dirty_tib.twin, PAGER_OP_DIRTY_INFO, log, PAGER_ENOENT,
		      "handle");
	serve_refused(dirty_tib.ben, PAGER_OP_DIRTY_STOP, log, PAGER_ENOENT,
		      "handle");
	serve_refused(dirty_tib.ann, PAGER_OP_SPACE_INFO, log, PAGER_ETYPE,
		      "space");
	serve_refused(dirty_tib.ann, PAGER_OP_DIRTY_INFO, dirty_tib.space,
		      PAGER_ETYPE, "handle");
	serve_refused(dirty_tib.ann, PAGER_OP_GIVE, log, PAGER_ETYPE, "handle");
	dtib_stop(dirty_tib.ann, log);
	serve_refused(dirty_tib.ann, PAGER_OP_DIRTY_INFO, log, PAGER_ESTALE,
		      "handle");
	ck_assert_uint_eq(dtib_logs_alive(), 0);
	serve_end();
}
END_TEST

START_TEST(an_admin_may_log_and_use_what_is_others)
{
	struct pager_req_dirty_start in;
	uint64_t log, roots;

	dtib_begin(NULL);
	in = dtib_range(dirty_tib.space, 0, 64);
	log = dtib_start(dirty_tib.ann, dirty_tib.space, 0, 64, 0, 0);
	/* The range is logged already, but not by this session. */
	roots = dtib_start(dirty_tib.root, dirty_tib.space, 0, 64, 0, 0);
	serve_refused(dirty_tib.twin, PAGER_OP_DIRTY_START, in, PAGER_ENOENT,
		      "space");
	dtib_touch(3);
	ck_assert_uint_eq(dtib_get(dirty_tib.root, log, 0, 64, CLEAR)->dirty,
			  1);
	ck_assert_uint_eq(dtib_get(dirty_tib.ann, log, 0, 64, 0)->dirty, 0);
	/* Each is cleared for itself. */
	ck_assert_uint_eq(dtib_get(dirty_tib.root, roots, 0, 64, 0)->dirty, 1);
	ck_assert_uint_eq(list(dirty_tib.root).count, 2);
	ck_assert_uint_eq(list(dirty_tib.ann).count, 1);
	ck_assert_uint_eq(list(dirty_tib.ben).count, 0);
	dtib_stop(dirty_tib.root, log);
	serve_refused(dirty_tib.ann, PAGER_OP_DIRTY_INFO, log, PAGER_ESTALE,
		      "handle");
	serve_end();
}
END_TEST

START_TEST(the_same_range_is_logged_once_by_a_session)
{
	struct pager_req_dirty_start in;
	struct pager_req_space info;

	dtib_begin(NULL);
	dtib_start(dirty_tib.ann, dirty_tib.space, 0, 64, 0, 0);
	in = dtib_range(dirty_tib.space, 0, 64);
	serve_refused(dirty_tib.ann, PAGER_OP_DIRTY_START, in, PAGER_EEXIST,
		      "addr");
	/* As many pages. */
	in.len -= PAGE - 1;
	serve_refused(dirty_tib.ann, PAGER_OP_DIRTY_START, in, PAGER_EEXIST,
		      "addr");
	in.method = PAGER_DIRTY_WRITE_PROTECT;
	in.flags = PAGER_DIRTY_MANUAL;
	serve_refused(dirty_tib.ann, PAGER_OP_DIRTY_START, in, PAGER_EEXIST,
		      "addr");
	dtib_start(dirty_tib.ann, dirty_tib.space, 0, 65, 0, 0);
	dtib_start(dirty_tib.ann, dirty_tib.space, 1, 63, 0, 0);
	/* The whole space is a range as well. */
	in = (struct pager_req_dirty_start){.space = dirty_tib.space};
	serve_ok(dirty_tib.ann, PAGER_OP_DIRTY_START, in);
	info.space = dirty_tib.space;
	serve_ok(dirty_tib.ann, PAGER_OP_SPACE_INFO, info);
	in.addr = serve_answer.body.space_info.start;
	in.len = serve_answer.body.space_info.end - in.addr;
	serve_refused(dirty_tib.ann, PAGER_OP_DIRTY_START, in, PAGER_EEXIST,
		      "addr");
	serve_end();
}
END_TEST

/* --- how they end
 * ------------------------------------------------------------- */

START_TEST(who_takes_a_space_over_takes_it_without_the_givers_logs)
{
	struct pager_rep_dirty_info info;
	uint64_t mine, other, roots, elsewhere;

	dtib_begin(NULL);
	elsewhere = serve_space(dirty_tib.ann);
	mine = dtib_start(dirty_tib.ann, dirty_tib.space, 0, 64, 0, 0);
	other = dtib_start(dirty_tib.ann, elsewhere, 0, 64, 0, 0);
	roots = dtib_start(dirty_tib.root, dirty_tib.space, 0, 64, 0, 0);
	dtib_touch(5);
	give_to_twin(dirty_tib.space);
	serve_refused(dirty_tib.ann, PAGER_OP_DIRTY_INFO, mine, PAGER_ESTALE,
		      "handle");
	info = dtib_info_of(dirty_tib.ann, other);
	ck_assert_uint_eq(info.flags, 0);
	ck_assert_uint_eq(dtib_get(dirty_tib.root, roots, 0, 64, 0)->dirty, 1);
	ck_assert_uint_eq(dtib_info_of(dirty_tib.root, roots).flags, 0);
	ck_assert_uint_eq(dtib_logs_alive(), 2);
	serve_end();
}
END_TEST

START_TEST(a_log_outlives_its_space)
{
	struct pager_rep_dirty_info info;
	uint64_t log;

	dtib_begin(NULL);
	log = dtib_start(dirty_tib.ann, dirty_tib.space, 0, 200, 0, 0);
	dtib_touch(5);
	dtib_touch(199);
	serve_ok(dirty_tib.ann, PAGER_OP_SPACE_DESTROY, dirty_tib.space);
	info = dtib_info_of(dirty_tib.ann, log);
	ck_assert_uint_eq(info.space_id, 0);
	ck_assert_uint_eq(info.flags, PAGER_DIRTY_ORPHAN);
	ck_assert_uint_eq(info.addr, DIRTY_BASE);
	ck_assert_uint_eq(info.len, 200 * PAGE);
	ck_assert_uint_eq(list(dirty_tib.ann).count, 1);
	/* What was written before the end, and pages that went with it. */
	ck_assert_uint_ge(dtib_get(dirty_tib.ann, log, 0, 200, CLEAR)->dirty,
			  2);
	ck_assert_uint_eq(serve_answer.body.dirty_got.first, 0);
	ck_assert(dtib_word(0) & UINT64_C(1) << 5);
	ck_assert(dtib_word(3) & UINT64_C(1) << 7);
	ck_assert_uint_eq(dtib_get(dirty_tib.ann, log, 0, 200, CLEAR)->dirty,
			  0);
	dtib_stop(dirty_tib.ann, log);
	ck_assert_uint_eq(dtib_logs_alive(), 0);
	serve_end();
}
END_TEST

START_TEST(logs_end_with_their_session)
{
	struct pager_rep_dirty_info info;
	uint64_t roots;

	dtib_begin(NULL);
	for (unsigned int i = 0; i < 8; i++)
		dtib_start(dirty_tib.ann, dirty_tib.space, i, 64, i % 3, 0);
	roots = dtib_start(dirty_tib.root, dirty_tib.space, 0, 64, 0, 0);
	dtib_touch(1);
	ck_assert_uint_eq(dtib_logs_alive(), 9);
	serve_leave(dirty_tib.ann);
	ck_assert_uint_eq(dtib_logs_alive(), 1);
	info = dtib_info_of(dirty_tib.root, roots);
	ck_assert_uint_eq(info.flags, PAGER_DIRTY_ORPHAN);
	ck_assert_uint_ge(dtib_get(dirty_tib.root, roots, 0, 64, 0)->dirty, 1);
	serve_end();
}
END_TEST

/* --- answers
 * -------------------------------------------------------------------- */

START_TEST(a_clean_tebibyte_is_one_short_answer)
{
	const struct pager_rep_dirty_got *got;
	uint64_t log;

	dtib_begin(NULL);
	log = dtib_start(dirty_tib.ann, dirty_tib.space, 0, DIRTY_PAGES, 0, 0);
	for (unsigned int flags = 0; flags <= CLEAR; flags++) {
		got = dtib_get(dirty_tib.ann, log, 0, DIRTY_PAGES, flags);
		ck_assert_uint_eq(serve_answer.data_len, 0);
		ck_assert_uint_eq(got->first, DIRTY_PAGES);
		ck_assert_uint_eq(got->pages, 0);
		ck_assert_uint_eq(got->dirty, 0);
		ck_assert_uint_eq(got->next, DIRTY_PAGES);
	}
	serve_end();
}
END_TEST

/* One page anywhere: one word. */
START_TEST(an_answer_is_as_short_as_what_is_dirty)
{
	static const uint64_t at[] = {0,
				      63,
				      64,
				      4095,
				      4096,
				      DIRTY_PAGES / 2,
				      DIRTY_PAGES - 64,
				      DIRTY_PAGES - 1,
				      12345678};
	const struct pager_rep_dirty_got *got;
	uint64_t log;

	dtib_begin(NULL);
	log = dtib_start(dirty_tib.ann, dirty_tib.space, 0, DIRTY_PAGES, 0, 0);
	for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++) {
		dtib_touch(at[i]);
		got = dtib_get(dirty_tib.ann, log, 0, DIRTY_PAGES, CLEAR);
		ck_assert_uint_eq(serve_answer.data_len, 8);
		ck_assert_uint_eq(got->first, at[i] / 64 * 64);
		ck_assert_uint_eq(got->pages, 64);
		ck_assert_uint_eq(got->dirty, 1);
		ck_assert_uint_eq(got->next, DIRTY_PAGES);
		ck_assert_uint_eq(dtib_word(0), UINT64_C(1) << at[i] % 64);
	}
	ck_assert_uint_eq(
	    dtib_get(dirty_tib.ann, log, 0, DIRTY_PAGES, 0)->dirty, 0);
	serve_end();
}
END_TEST

START_TEST(zero_words_stand_between_and_the_last_word_ends_with_the_log)
{
	const struct pager_rep_dirty_got *got;
	uint64_t log;

	dtib_begin(NULL);
	log = dtib_start(dirty_tib.ann, dirty_tib.space, 0, 200, 0, 0);
	dtib_touch(70);
	dtib_touch(199);
	got = dtib_get(dirty_tib.ann, log, 0, 200, 0);
	ck_assert_uint_eq(got->first, 64);
	ck_assert_uint_eq(got->pages, 136);
	ck_assert_uint_eq(got->dirty, 2);
	ck_assert_uint_eq(serve_answer.data_len, 24);
	ck_assert_uint_eq(dtib_word(0), UINT64_C(1) << 6);
	ck_assert_uint_eq(dtib_word(1), 0);
	ck_assert_uint_eq(dtib_word(2), UINT64_C(1) << 7);
	/* A stretch has what lies in it. */
	got = dtib_get(dirty_tib.ann, log, 64, 64, 0);
	ck_assert_uint_eq(got->dirty, 1);
	ck_assert_uint_eq(got->next, 128);
	got = dtib_get(dirty_tib.ann, log, 0, 64, 0);
	ck_assert_uint_eq(got->dirty, 0);
	ck_assert_uint_eq(got->first, 64);
	ck_assert_uint_eq(got->next, 64);
	serve_end();
}
END_TEST

/* More words than a message holds, and a gap that is longer than one: the
 * answers go on where the last one says, and what did not fit is not cleared.
 */
START_TEST(an_answer_that_is_full_says_where_to_go_on)
{
	const uint64_t room = (PAGER_MSG_MAX - PAGER_HDR_SIZE -
			       sizeof(struct pager_rep_dirty_got)) /
			      8 * 64;
	const uint64_t at[] = {64, room, room + 64, 3 * room, DIRTY_PAGES - 1};
	const uint64_t firsts[] = {64, room + 64, 3 * room / 64 * 64,
				   DIRTY_PAGES - 64};
	const struct pager_rep_dirty_got *got;
	uint64_t log, first = 0, dirty = 0;
	unsigned int answers = 0;

	dtib_begin(NULL);
	log = dtib_start(dirty_tib.ann, dirty_tib.space, 0, DIRTY_PAGES, 0, 0);
	for (size_t i = 0; i < 5; i++)
		dtib_touch(at[i]);
	while (first < DIRTY_PAGES) {
		ck_assert_uint_lt(answers, 4);
		got = dtib_get(dirty_tib.ann, log, first, DIRTY_PAGES - first,
			       CLEAR);
		ck_assert_uint_eq(got->first, firsts[answers]);
		ck_assert_uint_gt(got->next, first);
		ck_assert_uint_eq(got->dirty, answers ? 1 : 2);
		dirty += got->dirty;
		first = got->next;
		/* All the rest is there yet. */
		ck_assert_uint_eq(dtib_info_of(dirty_tib.ann, log).dirty,
				  5 - dirty);
		answers++;
	}
	ck_assert_uint_eq(answers, 4);
	ck_assert_uint_eq(dirty, 5);
	serve_end();
}
END_TEST

/* In a batch there is little room: as many words as are left, one at least. */
START_TEST(what_does_not_fit_into_a_batch_is_not_cleared)
{
	static struct serve_batch batch;
	struct pager_req_read read = {.addr = DIRTY_BASE,
				      .len = PAGER_DATA_MAX};
	struct pager_req_dirty_get in = {.pages = 64 * 64, .flags = CLEAR};
	struct pager_answer answer;
	uint64_t log, dirty = 0;

	dtib_begin(NULL);
	log = in.log =
	    dtib_start(dirty_tib.ann, dirty_tib.space, 0, DIRTY_PAGES, 0, 0);
	read.space = dirty_tib.space;
	for (unsigned int i = 0; i < 64; i++)
		dtib_touch(i * 64 + i);
	for (unsigned int gets = 1; dirty < 64; gets++) {
		uint64_t before = dirty, cap;

		ck_assert_uint_lt(gets, 64);
		memset(&batch, 0, sizeof(batch));
		/* What READ leaves is for the gets. */
		serve_batch_put(&batch, PAGER_OP_READ, read);
		in.first = dirty * 64;
		in.pages = (64 - dirty) * 64;
		serve_batch_put(&batch, PAGER_OP_DIRTY_GET, in);
		read.len = PAGER_DATA_MAX;
		ck_assert_uint_eq(serve_batch_run(dirty_tib.ann, &batch), 0);
		serve_batch_answer(0, &answer);
		ck_assert_uint_eq(answer.hdr.error, 0);
		serve_batch_answer(1, &answer);
		ck_assert_uint_eq(answer.hdr.error, 0);
		cap = answer.data_len / 8;
		ck_assert_uint_ge(cap, 1);
		dirty += answer.body.dirty_got.dirty;
		ck_assert_uint_eq(dirty - before, cap);
		ck_assert_uint_eq(answer.body.dirty_got.next, dirty * 64);
		ck_assert_uint_eq(dtib_info_of(dirty_tib.ann, log).dirty,
				  64 - dirty);
	}
	serve_end();
}
END_TEST

/* The tightest batch: a word a get, and the last page of it is kept. */
START_TEST(a_get_with_room_for_one_word)
{
	static struct serve_batch batch;
	struct pager_req_dirty_get in = {.pages = 128, .flags = CLEAR};
	struct pager_req_read read = {.addr = DIRTY_BASE};
	const size_t head = PAGER_HDR_SIZE + sizeof(struct pager_rep_batch);
	const size_t one = PAGER_HDR_SIZE + sizeof(struct pager_rep_access);
	const size_t got = PAGER_HDR_SIZE + sizeof(struct pager_rep_dirty_got);
	struct pager_answer answer;

	dtib_begin(NULL);
	in.log = dtib_start(dirty_tib.ann, dirty_tib.space, 0, 128, 0, 0);
	dtib_touch(1);
	dtib_touch(65);
	read.space = dirty_tib.space;
	for (unsigned int words = 0; words < 3; words++) {
		size_t left = PAGER_MSG_MAX - head - 2 * one - got - 8 * words;

		memset(&batch, 0, sizeof(batch));
		read.len = PAGER_DATA_MAX - 8;
		serve_batch_put(&batch, PAGER_OP_READ, read);
		read.len = (uint32_t)(left - read.len);
		serve_batch_put(&batch, PAGER_OP_READ, read);
		serve_batch_put(&batch, PAGER_OP_DIRTY_GET, in);
		if (words == 0) {
			ck_assert_uint_eq(
			    serve_batch_run(dirty_tib.ann, &batch),
			    PAGER_ETOOBIG);
			continue;
		}
		ck_assert_uint_eq(serve_batch_run(dirty_tib.ann, &batch), 0);
		serve_batch_answer(2, &answer);
		ck_assert_uint_eq(answer.hdr.error, 0);
		ck_assert_uint_eq(answer.data_len, 8);
		ck_assert_uint_eq(answer.body.dirty_got.dirty, 1);
		ck_assert_uint_eq(answer.body.dirty_got.next,
				  words == 1 ? 64 : 128);
	}
	serve_end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    logs_are_things_of_their_session,
	    an_admin_may_log_and_use_what_is_others,
	    the_same_range_is_logged_once_by_a_session,
	    who_takes_a_space_over_takes_it_without_the_givers_logs,
	    a_log_outlives_its_space,
	    logs_end_with_their_session,
	    a_clean_tebibyte_is_one_short_answer,
	    an_answer_is_as_short_as_what_is_dirty,
	    zero_words_stand_between_and_the_last_word_ends_with_the_log,
	    an_answer_that_is_full_says_where_to_go_on,
	    what_does_not_fit_into_a_batch_is_not_cleared,
	    a_get_with_room_for_one_word,
	};

	return UNIT_RUN("dirty", tests);
}
