/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libpager's calls on dirty logs against a false daemon: what they ask for,
 * descriptors that go with requests, bitmaps and pages that make no sense.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/fake_daemon.h"

/* The last request, and what it is answered with. */
static union pager_request_body asked;
static uint8_t asked_data[PAGER_MSG_MAX];
static size_t asked_len;
static union pager_reply_body answer;
static uint64_t data[PAGER_MSG_MAX / 8];
static size_t data_len;

static bool answer_as_said(int fd, const struct pager_request *request)
{
	memcpy(&asked, &request->body, sizeof(asked));
	memcpy(asked_data, request->data, request->data_len);
	asked_len = request->data_len;
	memcpy(fake_data(request), data, data_len);
	fake_post(fd, fake_reply(request, &answer, sizeof(answer), data_len));
	return true;
}

static struct pager *begin(void)
{
	memset(&asked, 0, sizeof(asked));
	memset(&answer, 0, sizeof(answer));
	memset(data, 0, sizeof(data));
	data_len = 0;
	return fake_session(answer_as_said);
}

START_TEST(arguments_become_fields)
{
	struct pager_req_dirty_start start = {
	    .space = 1, .addr = 2, .len = 3, .method = 1, .flags = 2};
	struct pager *pager = begin();
	struct pager_rep_dirty_reset reset;
	struct pager_rep_dirty_info info;
	uint64_t n = 0, words[2] = {5, 6};

	answer.handle.handle = 77;
	ck_assert_int_eq(pager_call_dirty_start(pager, &start, &n), 0);
	ck_assert_uint_eq(n, 77);
	ck_assert_mem_eq(&asked.dirty_start, &start, sizeof(start));
	ck_assert_int_eq(pager_call_dirty_stop(pager, 9), 0);
	ck_assert_uint_eq(asked.handle.handle, 9);
	ck_assert_int_eq(pager_call_dirty_clear(pager, 9, 64, 100, words, &n),
			 0);
	ck_assert(asked.dirty_clear.log == 9 && asked.dirty_clear.first == 64 &&
		  asked.dirty_clear.pages == 100);
	ck_assert_uint_eq(asked_len, 16);
	ck_assert_mem_eq(asked_data, words, 16);
	ck_assert_int_eq(pager_call_dirty_clear(pager, 9, 64, 64, NULL, NULL),
			 0);
	ck_assert_uint_eq(asked_len, 0);
	ck_assert_int_eq(pager_call_dirty_writeback(pager, 4, 128, 64,
						    PAGER_WRITEBACK_END, &n),
			 0);
	ck_assert(asked.dirty_writeback.log == 4 &&
		  asked.dirty_writeback.first == 128 &&
		  asked.dirty_writeback.pages == 64 &&
		  asked.dirty_writeback.step == PAGER_WRITEBACK_END);
	answer.dirty_reset =
	    (struct pager_rep_dirty_reset){.reset = 3, .used = 4};
	ck_assert_int_eq(pager_call_dirty_reset(pager, 4, &reset), 0);
	ck_assert(reset.reset == 3 && reset.used == 4);
	answer.dirty_info = (struct pager_rep_dirty_info){.dirty = 12};
	ck_assert_int_eq(pager_call_dirty_info(pager, 4, &info), 0);
	ck_assert_uint_eq(info.dirty, 12);
	ck_assert_int_eq(pager_call_space_pause(pager, 4, 55), 0);
	ck_assert(asked.space_pause.space == 4 &&
		  asked.space_pause.max_ms == 55);
	fake_end(pager);
}
END_TEST

/* A memfd of a size that tells it from others. */
static int memfd(off_t size)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, size), 0);
	return fd;
}

static off_t arrived(void)
{
	struct stat st;

	ck_assert_int_ge(fake_fd, 0);
	ck_assert_int_eq(fstat(fake_fd, &st), 0);
	return st.st_size;
}

START_TEST(descriptors_go_with_requests)
{
	struct pager_req_dirty_get_fd get = {
	    .log = 3, .first = 64, .pages = 64, .flags = 1, .offset = 8};
	struct pager *pager = begin();
	struct pager_rep_dirty_got got;
	int fd = memfd(12345);

	answer.dirty_got = (struct pager_rep_dirty_got){
	    .first = 64, .pages = 64, .dirty = 2, .next = 128};
	ck_assert_int_eq(pager_call_dirty_get_fd(pager, &get, fd, &got), 0);
	ck_assert_mem_eq(&asked.dirty_get_fd, &get, sizeof(get));
	ck_assert_uint_eq(got.dirty, 2);
	ck_assert_int_eq(arrived(), 12345);
	close(fd);
	fd = memfd(777);
	ck_assert_int_eq(pager_call_dirty_ring(pager, 3, 256, fd), 0);
	ck_assert(asked.dirty_ring.log == 3 && asked.dirty_ring.entries == 256);
	ck_assert_int_eq(arrived(), 777);
	close(fd);
	/* Others go without. */
	answer.ping.cookie = 3;
	ck_assert_int_eq(pager_call_ping(pager, 3), 0);
	fake_end(pager);
}
END_TEST

START_TEST(what_is_no_descriptor_is_misuse)
{
	struct pager_req_dirty_get_fd get = {.log = 3, .pages = 64};
	struct pager_req_dirty_ring ring = {.log = 3};
	struct pager *pager = begin();
	int fd = memfd(1);

	ck_assert_int_eq(pager_call_dirty_ring(pager, 3, 64, -1), PAGER_MISUSE);
	ck_assert_int_eq(errno, EBADF);
	close(fd);
	ck_assert_int_eq(pager_call_dirty_get_fd(pager, &get, fd, NULL),
			 PAGER_MISUSE);
	ck_assert_int_eq(errno, EBADF);
	ck_assert_int_eq(pager_call(pager, PAGER_CALL_DIRTY_RING, &ring,
				    sizeof(ring), NULL, 0, NULL),
			 PAGER_MISUSE);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(fake_fd, -1);
	ck_assert_int_eq(pager_call_dirty_stop(pager, 3), 0);
	fake_end(pager);
}
END_TEST

static void say_got(uint64_t first, uint64_t pages, uint64_t next)
{
	answer.dirty_got = (struct pager_rep_dirty_got){
	    .first = first, .pages = pages, .dirty = 3, .next = next};
	data_len = (size_t)((pages + 63) / 64 * 8);
}

START_TEST(bitmaps_are_taken_as_far_as_there_is_room)
{
	struct pager *pager = begin();
	struct pager_rep_dirty_got got;
	uint64_t words[4] = {0};

	say_got(128, 200, 1000);
	for (unsigned int i = 0; i < 4; i++)
		data[i] = i + 1;
	ck_assert_int_eq(
	    pager_call_dirty_get(pager, 5, 64, 936, 0, words, 4, &got), 0);
	ck_assert(asked.dirty_get.log == 5 && asked.dirty_get.first == 64 &&
		  asked.dirty_get.pages == 936);
	ck_assert(got.first == 128 && got.pages == 200 && got.dirty == 3 &&
		  got.next == 1000);
	ck_assert(words[0] == 1 && words[3] == 4);
	ck_assert_int_eq(
	    pager_call_dirty_get(pager, 5, 64, 936, 0, words, 2, &got), 0);
	ck_assert(got.first == 128 && got.pages == 128 && got.dirty == 2 &&
		  got.next == 256);
	/* What is cleared must have room. */
	ck_assert_int_eq(pager_call_dirty_get(pager, 5, 64, 936,
					      PAGER_DIRTY_GET_CLEAR, words, 2,
					      &got),
			 PAGER_MISUSE);
	ck_assert_int_eq(
	    pager_call_dirty_get(pager, 5, 64, 936, 0, words, 0, &got),
	    PAGER_MISUSE);
	say_got(1000, 0, 1000);
	ck_assert_int_eq(
	    pager_call_dirty_get(pager, 5, 64, 936, 0, words, 4, &got), 0);
	ck_assert(got.pages == 0 && got.next == 1000);
	fake_end(pager);
}
END_TEST

static const struct {
	uint64_t first, pages, next;
	int more; /* bytes of data */
} wrong_gots[] = {
    {0, 64, 128, 0},		/* before the stretch */
    {100, 64, 1000, 0},		/* not a word's first page */
    {128, 64, 64, 0},		/* goes on where it began */
    {128, 64, 1001, 0},		/* goes on behind the end */
    {128, 1000, 1000, 0},	/* longer than the stretch */
    {128, UINT64_MAX, 1000, 0}, /* wraps */
    {1024, 64, 1000, 0},
    {128, 64, 1000, 8},
    {128, 64, 1000, -8},
};

START_TEST(bitmaps_that_make_no_sense_end_the_connection)
{
	struct pager *pager = begin();
	uint64_t words[64];

	say_got(wrong_gots[_i].first, wrong_gots[_i].pages,
		wrong_gots[_i].next);
	if (wrong_gots[_i].pages == UINT64_MAX)
		data_len = 0;
	data_len += (size_t)wrong_gots[_i].more;
	ck_assert_int_eq(
	    pager_call_dirty_get(pager, 5, 64, 936, 0, words, 64, NULL),
	    PAGER_LOST);
	ck_assert_int_eq(errno, EPROTO);
	fake_end(pager);
}
END_TEST

START_TEST(pages_are_taken_as_far_as_there_is_room)
{
	static uint8_t buf[3 * PAGER_PAGE_SIZE];
	struct pager *pager = begin();
	struct pager_rep_peek got;

	answer.peek = (struct pager_rep_peek){
	    .addr = 0x5000, .len = 0x3000, .next = 0x8000, .unbacked = 7};
	data_len = 0x3000;
	memset(data, 9, sizeof(data));
	ck_assert_int_eq(pager_call_peek(pager, 1, 0x1000, 0x9000,
					 PAGER_PEEK_OWN, buf, sizeof(buf),
					 &got),
			 0);
	ck_assert(asked.peek.space == 1 && asked.peek.addr == 0x1000 &&
		  asked.peek.len == 0x9000 &&
		  asked.peek.what == PAGER_PEEK_OWN);
	ck_assert(got.addr == 0x5000 && got.len == 0x3000 &&
		  got.next == 0x8000 && got.unbacked == 7);
	ck_assert_uint_eq(buf[sizeof(buf) - 1], 9);
	ck_assert_int_eq(
	    pager_call_peek(pager, 1, 0x1000, 0x9000, 0, buf, 0x1fff, &got), 0);
	ck_assert(got.len == 0x1000 && got.next == 0x6000);
	ck_assert_int_eq(
	    pager_call_peek(pager, 1, 0x1000, 0x9000, 0, buf, 100, &got),
	    PAGER_MISUSE);
	answer.peek.len = 0x2000;
	ck_assert_int_eq(pager_call_peek(pager, 1, 0x1000, 0x9000, 0, buf,
					 sizeof(buf), &got),
			 PAGER_LOST);
	fake_end(pager);
}
END_TEST

START_TEST(logs_are_listed)
{
	struct pager_row_dirty row;
	struct pager *pager = begin();
	struct pager_list *list = pager_list_dirty(pager);

	answer.list =
	    (struct pager_rep_list){.count = 1, .row_size = sizeof(row)};
	data[0] = 42;
	data_len = sizeof(row);
	ck_assert_int_eq(pager_list_next(list, &row, sizeof(row)), 1);
	ck_assert_uint_eq(row.log, 42);
	ck_assert_int_eq(pager_list_next(list, &row, sizeof(row)), 0);
	pager_list_free(list);
	fake_end(pager);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("client_dirty");
	TCase *t = tcase_create("client_dirty");
	SRunner *runner;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, arguments_become_fields);
	tcase_add_test(t, descriptors_go_with_requests);
	tcase_add_test(t, what_is_no_descriptor_is_misuse);
	tcase_add_test(t, bitmaps_are_taken_as_far_as_there_is_room);
	tcase_add_loop_test(t, bitmaps_that_make_no_sense_end_the_connection, 0,
			    9);
	tcase_add_test(t, pages_are_taken_as_far_as_there_is_room);
	tcase_add_test(t, logs_are_listed);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
