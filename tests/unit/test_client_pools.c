/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libpager's calls on pools against a false daemon: what they ask for, what
 * becomes of the answers, and events that come in other numbers or sizes than
 * they should.
 */
#include <check.h>
#include <errno.h>
#include <string.h>

#include "tests/support/fake_daemon.h"

/* The last request, and what it is answered with. */
static union pager_request_body asked;
static union pager_reply_body answer;
static uint8_t rows[4096];
static size_t rows_len;

static bool answer_as_said(int fd, const struct pager_request *request)
{
	memcpy(&asked, &request->body, sizeof(asked));
	memcpy(fake_data(request), rows, rows_len);
	fake_post(fd, fake_reply(request, &answer, sizeof(answer), rows_len));
	return true;
}

static struct pager *begin(void)
{
	memset(&asked, 0, sizeof(asked));
	memset(&answer, 0, sizeof(answer));
	rows_len = 0;
	return fake_session(answer_as_said);
}

START_TEST(arguments_become_fields)
{
	struct pager *pager = begin();
	struct pager_rep_pool_resize resize;

	answer.pool_resize.requested = 5;
	answer.pool_resize.wish = 6;
	ck_assert_int_eq(pager_call_pool_resize(pager, 7, 8, &resize), 0);
	ck_assert(asked.pool_size.pool == 7 && asked.pool_size.size == 8);
	ck_assert(resize.requested == 5 && resize.wish == 6);
	ck_assert_int_eq(pager_call_pool_resize(pager, 7, 8, NULL), 0);
	ck_assert_int_eq(pager_call_pool_unplug_all(pager, 9, &resize), 0);
	ck_assert(asked.pool.pool == 9 && resize.wish == 6);
	ck_assert_int_eq(pager_call_pool_grow(pager, 1, 2), 0);
	ck_assert(asked.pool_size.pool == 1 && asked.pool_size.size == 2);
	ck_assert_int_eq(pager_call_pool_online(pager, 3, 4, 1), 0);
	ck_assert(asked.pool_online.pool == 3 && asked.pool_online.addr == 4 &&
		  asked.pool_online.zone == 1);
	ck_assert_int_eq(pager_call_pool_offline(pager, 3, 4), 0);
	ck_assert(asked.pool_addr.pool == 3 && asked.pool_addr.addr == 4);
	ck_assert_int_eq(pager_call_space_policy(pager, 11, 2), 0);
	ck_assert(asked.space_policy.space == 11 &&
		  asked.space_policy.around == 2);
	fake_end(pager);
}
END_TEST

START_TEST(names_of_pools_end)
{
	struct pager *pager = begin();
	struct pager_row_pool row;
	struct pager_list *list;

	memset(&answer.pool, 'x', sizeof(answer.pool));
	ck_assert_int_eq(pager_call_pool_info(pager, 1, &row), 0);
	ck_assert_uint_eq(strlen(row.name), PAGER_POOL_NAME_MAX - 1);
	ck_assert_uint_eq(row.wishes, UINT64_C(0x7878787878787878));
	memset(&answer, 0, sizeof(answer));
	answer.list =
	    (struct pager_rep_list){.count = 1, .row_size = sizeof(row)};
	memset(rows, 'y', sizeof(row));
	rows_len = sizeof(row);
	list = pager_list_pools(pager);
	ck_assert_int_eq(pager_list_next(list, &row, sizeof(row)), 1);
	ck_assert_uint_eq(strlen(row.name), PAGER_POOL_NAME_MAX - 1);
	ck_assert_int_eq(pager_list_next(list, &row, sizeof(row)), 0);
	pager_list_free(list);
	fake_end(pager);
}
END_TEST

START_TEST(lists_ask_for_their_pool)
{
	struct pager *pager = begin();
	struct pager_row_holder holder;
	struct pager_row_block block;
	struct pager_row_cell cell;
	struct pager_list *list;

	list = pager_list_pool_blocks(pager, 5);
	ck_assert_int_eq(pager_list_next(list, &block, sizeof(block)), 0);
	ck_assert(asked.pool_cursor.pool == 5 && !asked.pool_cursor.cursor);
	pager_list_free(list);
	answer.list = (struct pager_rep_list){
	    .count = 1, .row_size = sizeof(cell), .next = 77};
	rows_len = sizeof(cell);
	memcpy(rows, &(struct pager_row_cell){.used = 500}, sizeof(cell));
	list = pager_list_pool_cells(pager, 6);
	ck_assert_int_eq(pager_list_next(list, &cell, sizeof(cell)), 1);
	ck_assert_uint_eq(cell.used, 500);
	answer.list = (struct pager_rep_list){0};
	ck_assert_int_eq(pager_list_next(list, &cell, sizeof(cell)), 0);
	ck_assert(asked.pool_cursor.pool == 6 &&
		  asked.pool_cursor.cursor == 77);
	pager_list_free(list);
	rows_len = 0;
	list = pager_list_pool_holders(pager, 7, 8, 9);
	ck_assert_int_eq(pager_list_next(list, &holder, sizeof(holder)), 0);
	ck_assert(asked.pool_range.pool == 7 && asked.pool_range.addr == 8 &&
		  asked.pool_range.len == 9);
	pager_list_free(list);
	fake_end(pager);
}
END_TEST

/* Events from number first on, in rows of that size. */
static void put_events(uint64_t first, uint32_t count, uint32_t size)
{
	answer.pool_events = (struct pager_rep_pool_events){
	    .next = first + count,
	    .count = count,
	    .row_size = size,
	    .lost = 3,
	    .newest = 99,
	    .now_ms = 1234,
	};
	memset(rows, 0xee, sizeof(rows));
	rows_len = (size_t)count * size;
	for (uint32_t i = 0; i < count; i++)
		memcpy(rows + (size_t)i * size, &(uint64_t){first + i}, 8);
}

START_TEST(events_are_taken_as_far_as_there_is_room)
{
	struct pager *pager = begin();
	struct pager_row_event got[4];
	struct pager_rep_pool_events head;

	put_events(10, 4, sizeof(got[0]));
	ck_assert_int_eq(pager_call_pool_events(pager, 7, got, 4, &head), 0);
	ck_assert_uint_eq(asked.cursor.cursor, 7);
	ck_assert(head.count == 4 && head.next == 14 && head.lost == 3);
	ck_assert(head.newest == 99 && head.now_ms == 1234);
	ck_assert(got[0].number == 10 && got[3].number == 13);
	/* The first that has no room is where it goes on. */
	ck_assert_int_eq(pager_call_pool_events(pager, 7, got, 3, &head), 0);
	ck_assert(head.count == 3 && head.next == 13);
	ck_assert_int_eq(pager_call_pool_events(pager, 7, NULL, 0, &head), 0);
	ck_assert(head.count == 0 && head.next == 10);
	ck_assert_int_eq(pager_call_pool_events(pager, 7, got, 4, NULL), 0);
	fake_end(pager);
}
END_TEST

START_TEST(rows_of_other_sizes_are_events_too)
{
	struct pager *pager = begin();
	struct pager_row_event got[4];
	struct pager_rep_pool_events head;

	put_events(1, 4, sizeof(got[0]) + 16);
	ck_assert_int_eq(pager_call_pool_events(pager, 1, got, 4, &head), 0);
	ck_assert(got[3].number == 4 && got[3].type == 0xeeeeeeee);
	put_events(1, 4, 16);
	ck_assert_int_eq(pager_call_pool_events(pager, 1, got, 4, &head), 0);
	ck_assert(got[3].number == 4 && got[3].type == 0);
	fake_end(pager);
}
END_TEST

START_TEST(events_that_do_not_fit_end_the_connection)
{
	static const uint32_t sizes[] = {0, 4, 41, UINT32_MAX};
	struct pager *pager = begin();
	struct pager_row_event got[4];

	put_events(1, 4, sizeof(got[0]));
	if (_i < 4)
		answer.pool_events.row_size = sizes[_i];
	else
		answer.pool_events.count = _i == 4 ? 5 : UINT32_MAX;
	ck_assert_int_eq(pager_call_pool_events(pager, 1, got, 4, NULL),
			 PAGER_LOST);
	ck_assert_int_eq(errno, EPROTO);
	fake_end(pager);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("client_pools");
	TCase *t = tcase_create("client_pools");
	SRunner *runner;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, arguments_become_fields);
	tcase_add_test(t, names_of_pools_end);
	tcase_add_test(t, lists_ask_for_their_pool);
	tcase_add_test(t, events_are_taken_as_far_as_there_is_room);
	tcase_add_test(t, rows_of_other_sizes_are_events_too);
	tcase_add_loop_test(t, events_that_do_not_fit_end_the_connection, 0, 6);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
