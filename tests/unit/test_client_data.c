/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libpager against a false daemon: lists, bytes, batches, noise.
 */
#include "tests/support/fake_daemon.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- lists ---------------------------------------------------------------- */

#define ROWS	 1000u
#define PER_PAGE 300u

enum list_wrong {
	LIST_RIGHT,
	LIST_LONG_ROWS,
	LIST_SHORT_ROWS,
	LIST_ODD_ROWS,
	LIST_CUT,
	LIST_HUGE,
	LIST_NO_ROW_SIZE,
	LIST_EMPTY_FOREVER,
	LIST_SAME_CURSOR,
};
static enum list_wrong list_wrong;

static bool answer_list(int fd, const struct pager_request *request)
{
	uint64_t from = request->body.region_list.cursor;
	struct pager_rep_list list = {.row_size =
					  sizeof(struct pager_row_region)};
	size_t data_len;

	if (list_wrong == LIST_LONG_ROWS)
		list.row_size += 8;
	if (list_wrong == LIST_SHORT_ROWS)
		list.row_size = 16;
	list.count =
	    ROWS - from < PER_PAGE ? (uint32_t)(ROWS - from) : PER_PAGE;
	data_len = (size_t)list.count * list.row_size;
	memset(fake_data(request), 0xee, data_len);
	for (uint32_t i = 0; i < list.count; i++)
		memcpy(fake_data(request) + (size_t)i * list.row_size,
		       &(uint64_t){from + i}, 8);
	list.next = from + list.count < ROWS ? from + list.count : 0;
	switch (list_wrong) {
	case LIST_ODD_ROWS:
		list.row_size--;
		break;
	case LIST_CUT:
		data_len -= 8;
		break;
	case LIST_HUGE:
		list.count = 0x10000001;
		list.row_size = 0x10;
		break;
	case LIST_NO_ROW_SIZE:
		list.row_size = 0;
		break;
	case LIST_EMPTY_FOREVER:
		list.count = 0;
		list.next = from + 1;
		break;
	case LIST_SAME_CURSOR:
		list.next = 5;
		break;
	default:
		break;
	}
	fake_post(fd, fake_reply(request, &list, sizeof(list), data_len));
	return true;
}

START_TEST(list_walks_pages)
{
	struct pager_row_region row;
	struct pager_list *list;
	struct pager *pager;
	uint64_t n = 0;
	int ret;

	list_wrong = (enum list_wrong)_i;
	pager = fake_session(answer_list);
	list = pager_list_regions(pager, 1, 0);
	while ((ret = pager_list_next(list, &row, sizeof(row))) > 0) {
		ck_assert_uint_eq(row.start, n++);
		ck_assert_uint_eq(row.proportional,
				  list_wrong == LIST_SHORT_ROWS
				      ? 0
				      : UINT64_C(0xeeeeeeeeeeeeeeee));
	}
	ck_assert_int_eq(ret, 0);
	ck_assert_uint_eq(n, ROWS);
	ck_assert_int_eq(pager_list_next(list, &row, sizeof(row)), 0);
	pager_list_free(list);
	fake_end(pager);
}
END_TEST

START_TEST(list_wrong_is_lost)
{
	struct pager_row_region row;
	struct pager_list *list;
	struct pager *pager;
	unsigned int n = 0;
	int ret;

	list_wrong = (enum list_wrong)_i;
	pager = fake_session(answer_list);
	list = pager_list_regions(pager, 1, 0);
	while ((ret = pager_list_next(list, &row, sizeof(row))) > 0)
		ck_assert_uint_lt(n++, ROWS);
	ck_assert_int_eq(ret, PAGER_LOST);
	ck_assert_int_eq(errno, EPROTO);
	pager_list_free(list);
	fake_end(pager);
}
END_TEST

START_TEST(list_names_end)
{
	struct pager_row_space row;
	struct pager_list *list;
	struct pager *pager;

	list_wrong = LIST_LONG_ROWS;
	pager = fake_session(answer_list);
	list = pager_list_spaces(pager);
	ck_assert_int_eq(pager_list_next(list, &row, sizeof(row)), 1);
	ck_assert_int_eq(row.name[PAGER_NAME_MAX - 1], '\0');
	ck_assert_int_eq(pager_list_next(NULL, &row, sizeof(row)),
			 PAGER_MISUSE);
	pager_list_free(list);
	fake_end(pager);
}
END_TEST

/* --- bytes ---------------------------------------------------------------- */

static uint64_t stop_at = UINT64_MAX;
static uint8_t memory[300000];

/* READ and WRITE over memory[] at address 0, up to stop_at. */
static bool answer_bytes(int fd, const struct pager_request *request)
{
	bool reads = request->hdr.op == PAGER_CALL_READ;
	uint64_t addr = request->body.read.addr;
	uint64_t len = reads ? request->body.read.len : request->data_len;
	struct pager_rep_access r = {.done = len};

	if (addr + len > stop_at) {
		r.done = addr < stop_at ? stop_at - addr : 0;
		r.addr = stop_at;
		r.signal = PAGER_SEGV_MAPERR;
		r.error = PAGER_ESIGNAL;
	}
	if (reads)
		memcpy(fake_data(request), memory + addr, r.done);
	else
		memcpy(memory + addr, request->data, r.done);
	fake_post(fd, fake_reply(request, &r, sizeof(r), reads ? r.done : 0));
	return true;
}

START_TEST(bytes_go_in_pieces)
{
	static uint8_t buf[sizeof(memory)];
	struct pager *pager = fake_session(answer_bytes);
	struct pager_rep_access r;

	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)(i * 31 >> 3);
	ck_assert_int_eq(pager_call_write(pager, 1, 0, 0, buf, sizeof(buf), &r),
			 0);
	ck_assert_uint_eq(r.done, sizeof(buf));
	ck_assert_int_eq(memcmp(buf, memory, sizeof(buf)), 0);
	memset(buf, 0, sizeof(buf));
	ck_assert_int_eq(
	    pager_call_read(pager, 1, 0, 1, buf, sizeof(buf) - 1, &r), 0);
	ck_assert_uint_eq(r.done, sizeof(buf) - 1);
	ck_assert_int_eq(memcmp(buf, memory + 1, sizeof(buf) - 1), 0);
	fake_end(pager);
}
END_TEST

START_TEST(bytes_stop_where_it_ends)
{
	static uint8_t buf[sizeof(memory)];
	struct pager *pager = fake_session(answer_bytes);
	struct pager_rep_access r;

	stop_at = 200000;
	memset(memory, 3, sizeof(memory));
	ck_assert_int_eq(pager_call_read(pager, 1, 0, 0, buf, sizeof(buf), &r),
			 PAGER_REFUSED);
	ck_assert_uint_eq(r.done, stop_at);
	ck_assert_uint_eq(r.addr, stop_at);
	ck_assert_uint_eq(r.signal, PAGER_SEGV_MAPERR);
	ck_assert_uint_eq(r.error, PAGER_ESIGNAL);
	ck_assert_uint_eq(pager_error(pager), PAGER_ESIGNAL);
	ck_assert_uint_eq(buf[stop_at - 1], 3);
	ck_assert_uint_eq(buf[stop_at], 0);
	ck_assert_int_eq(pager_call_write(pager, 1, 0, stop_at, buf, 10, &r),
			 PAGER_REFUSED);
	ck_assert_uint_eq(r.done, 0);
	fake_end(pager);
}
END_TEST

static int bytes_wrong;

static bool answer_bytes_wrong(int fd, const struct pager_request *request)
{
	struct pager_rep_access r = {.done = 100};
	size_t data_len = 100;

	if (bytes_wrong == 0)
		r.done = 5000;
	if (bytes_wrong == 1)
		data_len = 5000;
	if (bytes_wrong == 2)
		r.done = 50;
	if (bytes_wrong == 3)
		r.done = data_len = 50;
	memset(fake_data(request), 0, data_len);
	fake_post(fd, fake_reply(request, &r, sizeof(r), data_len));
	return true;
}

START_TEST(bytes_wrong_is_lost)
{
	uint8_t buf[100];
	struct pager *pager;

	bytes_wrong = _i;
	pager = fake_session(answer_bytes_wrong);
	ck_assert_int_eq(
	    pager_call_read(pager, 1, 0, 0, buf, sizeof(buf), NULL),
	    PAGER_LOST);
	ck_assert_int_eq(errno, EPROTO);
	fake_end(pager);
}
END_TEST

/* --- batches -------------------------------------------------------------- */

enum batch_wrong {
	BATCH_RIGHT,
	BATCH_FEW,
	BATCH_MANY,
	BATCH_COUNT,
	BATCH_SEQ,
	BATCH_OP,
	BATCH_CUT,
	BATCH_TINY,
	BATCH_FAILED,
	BATCH_WRONG_END
};
static enum batch_wrong batch_wrong;

/* PING is answered, everything else refused. */
static bool answer_batch(int fd, const struct pager_request *request)
{
	static uint64_t inner[PAGER_MSG_MAX / 8];
	struct pager_rep_batch r = {.count = request->body.batch.count};
	const uint8_t *message = NULL;
	size_t at = 0, used = 0, len, last = 0;
	struct pager_request one;
	struct pager_hdr *hdr;

	r.first = r.count;
	for (uint32_t i = 0; pager_batch_cut(request->data, request->data_len,
					     &at, &message, &len) == 1;
	     i++) {
		last = used;
		ck_assert_int_eq(pager_request_decode(message, len, 0, &one),
				 PAGER_VERDICT_OK);
		if (one.hdr.op == PAGER_CALL_PING) {
			union pager_reply_body body = {
			    .ping.cookie = one.body.ping.cookie};

			used += pager_reply_encode(inner + used / 8, &one,
						   &body, 0);
			continue;
		}
		used += pager_refusal_encode(inner + used / 8, &one,
					     PAGER_EUNMAPPED, 40);
		if (r.failed++ == 0)
			r.first = i;
	}
	hdr = (struct pager_hdr *)(inner + last / 8);
	if (batch_wrong == BATCH_FEW)
		used = last;
	if (batch_wrong == BATCH_MANY) {
		memcpy(inner + used / 8, hdr, hdr->length);
		used += hdr->length;
	}
	if (batch_wrong == BATCH_COUNT)
		r.count++;
	if (batch_wrong == BATCH_SEQ)
		hdr->seq += 1;
	if (batch_wrong == BATCH_OP)
		hdr->op = PAGER_CALL_STATS;
	if (batch_wrong == BATCH_CUT)
		hdr->length += 8;
	if (batch_wrong == BATCH_TINY)
		hdr->length = 0;
	if (batch_wrong == BATCH_FAILED)
		r.failed++;
	memcpy(fake_data(request), inner, used);
	fake_post(fd, fake_reply(request, &r, sizeof(r), used));
	return true;
}

static void batch_fill(struct pager_batch *batch)
{
	struct pager_req_range range = {.space = 1};

	for (uint64_t i = 0; i < 5; i++) {
		struct pager_req_ping ping = {.cookie = i};

		ck_assert_int_eq(
		    i == 3 ? pager_batch_add(batch, PAGER_CALL_UNMAP, &range,
					     sizeof(range), NULL, 0)
			   : pager_batch_add(batch, PAGER_CALL_PING, &ping,
					     sizeof(ping), NULL, 0),
		    (int)i);
	}
}

START_TEST(batch_is_answered_one_by_one)
{
	struct pager *pager;
	struct pager_batch *batch;
	struct pager_reply reply;

	batch_wrong = BATCH_RIGHT;
	pager = fake_session(answer_batch);
	batch = pager_batch_new(pager, 0);
	ck_assert_int_eq(pager_batch_run(batch), 0);
	for (int round = 0; round < 3; round++) {
		pager_batch_reset(batch);
		batch_fill(batch);
		ck_assert_uint_eq(pager_batch_count(batch), 5);
		ck_assert_int_eq(pager_batch_run(batch), 0);
		ck_assert_uint_eq(pager_batch_failed(batch), 1);
		ck_assert_uint_eq(pager_batch_first(batch), 3);
		for (unsigned int i = 0; i < 5; i++) {
			const struct pager_rep_ping *body;

			ck_assert_int_eq(pager_batch_reply(batch, i, &reply),
					 i == 3 ? PAGER_REFUSED : 0);
			body = reply.body;
			ck_assert_uint_eq(body->cookie, i == 3 ? 0 : i);
		}
		ck_assert_int_eq(pager_batch_reply(batch, 5, &reply),
				 PAGER_MISUSE);
		ck_assert_int_eq(
		    pager_batch_add(batch, PAGER_CALL_PING, NULL, 0, NULL, 0),
		    PAGER_MISUSE);
	}
	pager_batch_free(batch);
	batch = pager_batch_new(pager, PAGER_BATCH_ATOMIC);
	batch_fill(batch);
	ck_assert_int_eq(pager_batch_run(batch), PAGER_REFUSED);
	ck_assert_uint_eq(pager_error(pager), PAGER_EUNMAPPED);
	ck_assert_str_eq(pager_field_name(pager), "addr");
	ck_assert_uint_eq(pager_batch_first(batch), 3);
	pager_batch_free(batch);
	ck_assert_int_eq(pager_batch_run(NULL), PAGER_MISUSE);
	fake_end(pager);
}
END_TEST

START_TEST(batch_wrong_is_lost)
{
	struct pager_batch *batch;
	struct pager *pager;

	batch_wrong = (enum batch_wrong)_i;
	pager = fake_session(answer_batch);
	batch = pager_batch_new(pager, 0);
	batch_fill(batch);
	ck_assert_int_eq(pager_batch_run(batch), PAGER_LOST);
	ck_assert_int_eq(errno, EPROTO);
	ck_assert_int_eq(pager_batch_reply(batch, 0, NULL), PAGER_MISUSE);
	pager_batch_free(batch);
	fake_end(pager);
}
END_TEST

START_TEST(batch_has_an_end)
{
	static uint8_t data[30000];
	struct pager *pager;
	struct pager_batch *batch;
	struct pager_req_write r = {.space = 1};
	int i = 0;

	batch_wrong = BATCH_RIGHT;
	pager = fake_session(answer_batch);
	batch = pager_batch_new(pager, 0);
	while (pager_batch_add(batch, PAGER_CALL_PING, NULL, 0, NULL, 0) == i)
		i++;
	ck_assert_int_eq(i, PAGER_BATCH_MAX);
	ck_assert_int_eq(
	    pager_batch_add(batch, PAGER_CALL_PING, NULL, 0, NULL, 0),
	    PAGER_FULL);
	ck_assert_int_eq(pager_batch_run(batch), 0);
	pager_batch_reset(batch);
	for (i = 0; i < 2; i++)
		ck_assert_int_eq(pager_batch_add(batch, PAGER_CALL_WRITE, &r,
						 sizeof(r), data, sizeof(data)),
				 i);
	ck_assert_int_eq(pager_batch_add(batch, PAGER_CALL_WRITE, &r, sizeof(r),
					 data, sizeof(data)),
			 PAGER_FULL);
	ck_assert_int_eq(pager_batch_run(batch), 0);
	ck_assert_uint_eq(pager_batch_failed(batch), 2);
	pager_batch_free(batch);
	fake_end(pager);
}
END_TEST

/* --- noise ---------------------------------------------------------------- */

static unsigned int noise_seed;

/* A good reply with some bytes changed. */
static bool answer_noise(int fd, const struct pager_request *request)
{
	static const uint8_t values[] = {0, 1, 7, 8, 0x7f, 0x80, 0xff};
	size_t data_len = request->op->data & PAGER_OP_DATA_OUT
			      ? rand_r(&noise_seed) % 512
			      : 0;
	size_t len;
	int changes = rand_r(&noise_seed) % 4;

	for (size_t i = 0; i < data_len; i++)
		fake_data(request)[i] = (uint8_t)rand_r(&noise_seed);
	len = fake_reply(request, NULL, 0, data_len);
	for (int i = 0; i < changes; i++) {
		size_t at = (size_t)rand_r(&noise_seed) % len;

		((uint8_t *)fake_out)[at] =
		    values[(size_t)rand_r(&noise_seed) % sizeof(values)];
	}
	fake_post(fd, len);
	return true;
}

START_TEST(noise_does_no_harm)
{
	noise_seed = (unsigned int)_i;
	for (int i = 0; i < 300; i++) {
		struct pager *pager = fake_session(answer_noise);
		struct pager_row_session row;
		struct pager_list *list = pager_list_sessions(pager);
		struct pager_batch *batch = pager_batch_new(pager, 0);
		struct pager_rep_check check;
		struct pager_rep_stats stats;
		uint8_t buf[200];
		char why[40];

		pager_call_check(pager, &check, why, sizeof(why));
		pager_call_read(pager, 1, 0, 0, buf, sizeof(buf), NULL);
		pager_call_stats(pager, &stats);
		for (int k = 0; k < 50; k++)
			if (pager_list_next(list, &row, sizeof(row)) <= 0)
				break;
		batch_fill(batch);
		pager_batch_run(batch);
		ck_assert_uint_lt(strlen(pager_errstr(pager)), 256);
		pager_batch_free(batch);
		pager_list_free(list);
		fake_end(pager);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("client_data");
	TCase *t = tcase_create("client_data");
	SRunner *runner;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, list_walks_pages, LIST_RIGHT, LIST_ODD_ROWS);
	tcase_add_loop_test(t, list_wrong_is_lost, LIST_ODD_ROWS,
			    LIST_SAME_CURSOR + 1);
	tcase_add_test(t, list_names_end);
	tcase_add_test(t, bytes_go_in_pieces);
	tcase_add_test(t, bytes_stop_where_it_ends);
	tcase_add_loop_test(t, bytes_wrong_is_lost, 0, 4);
	tcase_add_test(t, batch_is_answered_one_by_one);
	tcase_add_loop_test(t, batch_wrong_is_lost, BATCH_FEW, BATCH_WRONG_END);
	tcase_add_test(t, batch_has_an_end);
	tcase_add_loop_test(t, noise_does_no_harm, 0, 4);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
