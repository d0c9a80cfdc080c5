/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libpager against a false daemon: connections, wrong replies, pipelining.
 */
#include "tests/support/fake_daemon.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* --- HELLO ---------------------------------------------------------------- */

static bool answer_none(int fd, const struct pager_request *request)
{
	(void)fd;
	(void)request;
	return false;
}

START_TEST(hello_negotiates)
{
	struct pager *pager = fake_connect(fake_hello);

	ck_assert_ptr_nonnull(pager);
	ck_assert_uint_eq(pager_hello(pager)->session, 7);
	ck_assert_uint_eq(pager_hello(pager)->page_size, PAGER_PAGE_SIZE);
	ck_assert_uint_eq(pager_error(pager), PAGER_OK);
	fake_end(pager);
}
END_TEST

static const struct {
	uint16_t error;
	int err;
} hello_refusals[] = {
    {PAGER_EVERSION, EPROTONOSUPPORT},
    {PAGER_ELIMIT, EDQUOT},
    {PAGER_EINVAL, EPROTO},
};
static uint16_t hello_error;

static bool refuse_hello(int fd, const struct pager_request *request)
{
	fake_post(fd, pager_refusal_encode(fake_out, request, hello_error, 0));
	return true;
}

START_TEST(hello_refused)
{
	hello_error = hello_refusals[_i].error;
	ck_assert_ptr_null(fake_connect(refuse_hello));
	ck_assert_int_eq(errno, hello_refusals[_i].err);
	fake_end(NULL);
}
END_TEST

static const struct pager_rep_hello bad_hellos[] = {
    {.major = 2, .max_message = PAGER_MSG_MAX, .page_size = PAGER_PAGE_SIZE},
    {.major = 1,
     .minor = PAGER_VERSION_MINOR + 1,
     .max_message = PAGER_MSG_MAX,
     .page_size = PAGER_PAGE_SIZE},
    {.major = 1, .max_message = 64, .page_size = PAGER_PAGE_SIZE},
    {.major = 1, .max_message = PAGER_MSG_MAX, .page_size = 16384},
    {.major = 1,
     .max_message = PAGER_MSG_MAX,
     .page_size = PAGER_PAGE_SIZE,
     .features = UINT64_C(1) << 40},
};
static const struct pager_rep_hello *bad_hello;

static bool answer_bad_hello(int fd, const struct pager_request *request)
{
	fake_post(fd, fake_reply(request, bad_hello, sizeof(*bad_hello), 0));
	return true;
}

START_TEST(hello_unusable)
{
	bad_hello = &bad_hellos[_i];
	ck_assert_ptr_null(fake_connect(answer_bad_hello));
	ck_assert_int_eq(errno, _i == 0 ? EPROTONOSUPPORT : EPROTO);
	fake_end(NULL);
}
END_TEST

START_TEST(hello_hung_up)
{
	ck_assert_ptr_null(fake_connect(answer_none));
	ck_assert_int_eq(errno, ECONNRESET);
	fake_end(NULL);
}
END_TEST

START_TEST(connect_paths)
{
	char path[256], buf[32];

	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	ck_assert_ptr_null(pager_connect(path));
	ck_assert_int_eq(errno, ENAMETOOLONG);
	ck_assert_ptr_null(pager_connect("/nonexistent/pagerd.sock"));
	ck_assert_int_eq(errno, ENOENT);
	setenv("PAGER_SOCKET", path, 1);
	ck_assert_ptr_null(pager_connect(NULL));
	ck_assert_int_eq(errno, ENAMETOOLONG);
	setenv("PAGER_SOCKET", "/a/b", 1);
	ck_assert_int_eq(pager_default_path(buf, sizeof(buf)), 0);
	ck_assert_str_eq(buf, "/a/b");
	ck_assert_int_eq(pager_default_path(buf, 4), -1);
	ck_assert_int_eq(errno, ENAMETOOLONG);
}
END_TEST

/* --- replies that are wrong ----------------------------------------------- */

enum wrong {
	WRONG_SHORT,
	WRONG_LENGTH,
	WRONG_ODD,
	WRONG_FLAGS,
	WRONG_SEQ,
	WRONG_OP,
	WRONG_OP_UNKNOWN,
	WRONG_NFDS,
	WRONG_RESERVED,
	WRONG_DATA,
	WRONG_DATA_LEN,
	WRONG_PADDING,
	WRONG_TAIL,
	WRONG_LONG,
	WRONG_COOKIE,
	WRONG_TWICE,
	WRONG_COUNT
};
static enum wrong wrong;

static bool answer_wrong(int fd, const struct pager_request *request)
{
	struct pager_hdr *hdr = fake_hdr();
	size_t len = fake_reply(request, &request->body,
				sizeof(struct pager_rep_ping), 0);

	switch (wrong) {
	case WRONG_SHORT:
		len = 16;
		break;
	case WRONG_LENGTH:
		hdr->length += 8;
		break;
	case WRONG_ODD:
		fake_out[len / 8] = 0;
		hdr->length = (uint32_t)++len;
		break;
	case WRONG_FLAGS:
		hdr->flags = 0;
		break;
	case WRONG_SEQ:
		hdr->seq++;
		break;
	case WRONG_OP:
		hdr->op = PAGER_CALL_STATS;
		break;
	case WRONG_OP_UNKNOWN:
		hdr->op = 9999;
		break;
	case WRONG_NFDS:
		hdr->nfds = 1;
		break;
	case WRONG_RESERVED:
		hdr->reserved = 1;
		break;
	case WRONG_DATA:
		hdr->data_len = 8;
		break;
	case WRONG_DATA_LEN:
		hdr->data_len = 0xfffffffe;
		break;
	case WRONG_PADDING:
		hdr->op = PAGER_CALL_CHECK;
		hdr->data_len = 1;
		fake_out[len / 8 - 1] = UINT64_C(0x100);
		break;
	case WRONG_TAIL:
		fake_out[len / 8] = 1;
		hdr->length = (uint32_t)(len += 8);
		break;
	case WRONG_LONG:
		hdr->length = (uint32_t)(len = PAGER_MSG_MAX + 8);
		break;
	case WRONG_COOKIE:
		fake_out[4]++;
		break;
	case WRONG_TWICE:
		fake_post(fd, len);
		break;
	case WRONG_COUNT:
		break;
	}
	fake_post(fd, len);
	return true;
}

START_TEST(reply_wrong)
{
	struct pager *pager;

	wrong = (enum wrong)_i;
	pager = fake_session(answer_wrong);
	if (wrong == WRONG_TWICE)
		ck_assert_int_eq(pager_call_ping(pager, 5), 0);
	ck_assert_int_eq(pager_call_ping(pager, 5), PAGER_LOST);
	ck_assert_int_eq(errno, EPROTO);
	ck_assert_ptr_nonnull(strstr(pager_errstr(pager), "the daemon sent"));
	errno = 0;
	ck_assert_int_eq(pager_call_ping(pager, 5), PAGER_LOST);
	ck_assert_int_eq(errno, EPROTO);
	fake_end(pager);
}
END_TEST

START_TEST(reply_right)
{
	struct pager *pager;

	wrong = WRONG_COUNT;
	pager = fake_session(answer_wrong);
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(pager_call_ping(pager, 5), 0);
	fake_end(pager);
}
END_TEST

START_TEST(reply_hung_up)
{
	struct pager *pager = fake_session(answer_none);

	ck_assert_int_eq(pager_call_ping(pager, 5), PAGER_LOST);
	ck_assert_int_eq(errno, ECONNRESET);
	ck_assert_int_eq(
	    pager_submit(pager, PAGER_CALL_PING, NULL, 0, NULL, 0, NULL),
	    PAGER_LOST);
	fake_end(pager);
}
END_TEST

/* A body cut to its first eight bytes, and one with a tail of zeros. */
static bool answer_cut(int fd, const struct pager_request *request)
{
	struct pager_rep_space_info info = {.space = 3, .id = 4};
	size_t len = fake_reply(request, &info, sizeof(info), 0);

	if (request->body.space.space == 1) {
		len = PAGER_HDR_SIZE + 8;
	} else {
		memset(fake_out + len / 8, 0, 64);
		len += 64;
	}
	fake_hdr()->length = (uint32_t)len;
	fake_post(fd, len);
	return true;
}

START_TEST(reply_of_another_length)
{
	struct pager *pager = fake_session(answer_cut);
	struct pager_rep_space_info info;

	memset(&info, 0xff, sizeof(info));
	ck_assert_int_eq(pager_call_space_info(pager, 1, &info), 0);
	ck_assert_uint_eq(info.space, 3);
	ck_assert_uint_eq(info.id, 0);
	ck_assert_uint_eq(info.uid, 0);
	ck_assert_int_eq(pager_call_space_info(pager, 2, &info), 0);
	ck_assert_uint_eq(info.id, 4);
	fake_end(pager);
}
END_TEST

static bool answer_refusal(int fd, const struct pager_request *request)
{
	fake_post(fd, pager_refusal_encode(fake_out, request, PAGER_EALIGN,
					   PAGER_HDR_SIZE + 8));
	return true;
}

START_TEST(refusal_has_details)
{
	struct pager *pager = fake_session(answer_refusal);
	struct pager_req_map map = {.space = 1};
	uint64_t addr = 99;

	ck_assert_int_eq(pager_call_map(pager, &map, &addr), PAGER_REFUSED);
	ck_assert_uint_eq(addr, 99);
	ck_assert_uint_eq(pager_error(pager), PAGER_EALIGN);
	ck_assert_uint_eq(pager_field(pager), 40);
	ck_assert_str_eq(pager_field_name(pager), "addr");
	ck_assert_str_eq(pager_errstr(pager),
			 "map: addr: not a multiple of the page size (EALIGN)");
	ck_assert_str_eq(pager_errname(12345), "EUNKNOWN");
	ck_assert_str_eq(pager_errtext(12345), "an unknown error");
	ck_assert_ptr_null(pager_call_name(12345));
	fake_end(pager);
}
END_TEST

START_TEST(every_error_has_words)
{
	for (unsigned int e = 0; e < PAGER_ERROR_COUNT; e++) {
		ck_assert_str_ne(pager_errname(e), "EUNKNOWN");
		ck_assert_str_ne(pager_errtext(e), "an unknown error");
	}
}
END_TEST

static unsigned int fds_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static bool answer_with_fds(int fd, const struct pager_request *request)
{
	size_t len = fake_reply(request, &request->body, 8, 0);
	struct iovec iov = {.iov_base = fake_out, .iov_len = len};
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control.buf,
			     .msg_controllen = sizeof(control.buf)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	ck_assert_int_eq(sendmsg(fd, &msg, 0), (ssize_t)len);
	return true;
}

START_TEST(descriptors_are_not_taken)
{
	struct pager *pager = fake_session(answer_with_fds);
	unsigned int before = fds_open();

	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(pager_call_ping(pager, 5), 0);
	ck_assert_uint_eq(fds_open(), before);
	fake_end(pager);
}
END_TEST

/* --- pipelining ----------------------------------------------------------- */

#define HELD 10

/* Holds ten requests back and answers them backwards. */
static bool answer_backwards(int fd, const struct pager_request *request)
{
	static struct pager_request held[HELD];
	static unsigned int n;

	held[n++] = *request;
	if (n < HELD)
		return true;
	for (; n > 0; n--)
		fake_post(fd,
			  fake_reply(&held[n - 1], &held[n - 1].body, 8, 0));
	return true;
}

START_TEST(replies_in_any_order)
{
	struct pager *pager = fake_session(answer_backwards);
	struct pager_reply reply;
	uint64_t seq[HELD];

	for (uint64_t round = 0; round < 100; round++) {
		for (uint64_t i = 0; i < HELD; i++) {
			struct pager_req_ping r = {.cookie = round * 100 + i};

			ck_assert_int_eq(pager_submit(pager, PAGER_CALL_PING,
						      &r, sizeof(r), NULL, 0,
						      &seq[i]),
					 0);
		}
		ck_assert_uint_eq(pager_pending(pager), HELD);
		for (uint64_t i = 0; i < HELD; i++) {
			const struct pager_rep_ping *body;
			uint64_t k = i * 7 % HELD;

			ck_assert_int_eq(pager_wait(pager, seq[k], &reply), 0);
			body = reply.body;
			ck_assert_uint_eq(body->cookie, round * 100 + k);
			ck_assert_uint_eq(reply.seq, seq[k]);
			ck_assert_int_eq(pager_wait(pager, seq[k], &reply),
					 PAGER_MISUSE);
		}
		ck_assert_uint_eq(pager_pending(pager), 0);
	}
	ck_assert_int_eq(pager_wait(pager, 0, &reply), PAGER_MISUSE);
	ck_assert_int_eq(pager_wait(pager, 123456, &reply), PAGER_MISUSE);
	ck_assert_int_eq(pager_wait(pager, UINT64_MAX, &reply), PAGER_MISUSE);
	fake_end(pager);
}
END_TEST

static bool answer_ping(int fd, const struct pager_request *request)
{
	fake_post(fd, fake_reply(request, &request->body, 8, 0));
	return true;
}

START_TEST(window_is_bounded)
{
	struct pager *pager = fake_session(answer_ping);
	struct pager_reply reply;
	uint64_t seq, first = 0;

	for (int i = 0; i < PAGER_WINDOW; i++) {
		ck_assert_int_eq(pager_submit(pager, PAGER_CALL_PING, NULL, 0,
					      NULL, 0, &seq),
				 0);
		first = first ? first : seq;
	}
	ck_assert_int_eq(
	    pager_submit(pager, PAGER_CALL_PING, NULL, 0, NULL, 0, &seq),
	    PAGER_FULL);
	ck_assert_int_eq(pager_call_ping(pager, 77), 0);
	ck_assert_int_eq(pager_wait(pager, 0, &reply), 0);
	ck_assert_uint_eq(reply.seq, first);
	ck_assert_int_eq(
	    pager_submit(pager, PAGER_CALL_PING, NULL, 0, NULL, 0, &seq), 0);
	for (int i = 0; i < PAGER_WINDOW; i++)
		ck_assert_int_eq(pager_wait(pager, 0, &reply), 0);
	ck_assert_uint_eq(reply.seq, seq);
	ck_assert_uint_eq(pager_pending(pager), 0);
	fake_end(pager);
}
END_TEST

/* Answers with as much data as came, and reads nothing while it sends. */
static bool answer_echo(int fd, const struct pager_request *request)
{
	memcpy(fake_data(request), request->data, request->data_len);
	fake_post(fd, fake_reply(request, NULL, 0, request->data_len));
	return true;
}

START_TEST(full_buffers_do_not_deadlock)
{
	static uint8_t data[60000];
	struct pager *pager = fake_session(answer_echo);
	struct pager_reply reply;
	struct pager_req_batch r = {.count = 1};

	for (int i = 0; i < PAGER_WINDOW; i++) {
		memset(data, i, sizeof(data));
		ck_assert_int_eq(pager_submit(pager, PAGER_CALL_BATCH, &r,
					      sizeof(r), data, sizeof(data),
					      NULL),
				 0);
	}
	for (int i = 0; i < PAGER_WINDOW; i++) {
		const uint8_t *p;

		ck_assert_int_eq(pager_wait(pager, 0, &reply), 0);
		ck_assert_uint_eq(reply.data_len, sizeof(data));
		p = reply.data;
		ck_assert_uint_eq(p[0], i);
		ck_assert_uint_eq(p[sizeof(data) - 1], i);
	}
	fake_end(pager);
}
END_TEST

START_TEST(close_with_replies_kept)
{
	static uint8_t data[60000];
	struct pager *pager = fake_session(answer_echo);
	struct pager_req_batch r = {.count = 1};

	for (int i = 0; i < 50; i++)
		ck_assert_int_eq(pager_submit(pager, PAGER_CALL_BATCH, &r,
					      sizeof(r), data, sizeof(data),
					      NULL),
				 0);
	ck_assert_int_eq(pager_wait(pager, 50, NULL), 0);
	fake_end(pager);
}
END_TEST

START_TEST(misuse_is_told)
{
	struct pager *pager = fake_session(answer_ping);
	static uint8_t data[PAGER_MSG_MAX];
	char name[PAGER_NAME_MAX + 1];

	memset(name, 'n', sizeof(name));
	name[PAGER_NAME_MAX] = '\0';
	ck_assert_int_eq(pager_call_object_create(pager, 4096, name, NULL),
			 PAGER_MISUSE);
	ck_assert_int_eq(pager_call_object_open(pager, name, NULL),
			 PAGER_MISUSE);
	ck_assert_int_eq(errno, ENAMETOOLONG);
	ck_assert_int_eq(
	    pager_call(pager, (enum pager_call)999, NULL, 0, NULL, 0, NULL),
	    PAGER_MISUSE);
	ck_assert_int_eq(
	    pager_call(pager, PAGER_CALL_PING, data, 16, NULL, 0, NULL),
	    PAGER_MISUSE);
	ck_assert_int_eq(
	    pager_call(pager, PAGER_CALL_PING, data, 4, NULL, 0, NULL),
	    PAGER_MISUSE);
	ck_assert_int_eq(
	    pager_call(pager, PAGER_CALL_PING, NULL, 0, data, 8, NULL),
	    PAGER_MISUSE);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(pager_call(pager, PAGER_CALL_WRITE, NULL, 0, data,
				    sizeof(data), NULL),
			 PAGER_MISUSE);
	ck_assert_int_eq(errno, EMSGSIZE);
	ck_assert_int_eq(pager_call_ping(pager, 1), 0);
	fake_end(pager);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("client");
	TCase *t = tcase_create("client");
	SRunner *runner;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, hello_negotiates);
	tcase_add_loop_test(t, hello_refused, 0, 3);
	tcase_add_loop_test(t, hello_unusable, 0, 5);
	tcase_add_test(t, hello_hung_up);
	tcase_add_test(t, connect_paths);
	tcase_add_loop_test(t, reply_wrong, 0, WRONG_COUNT);
	tcase_add_test(t, reply_right);
	tcase_add_test(t, reply_hung_up);
	tcase_add_test(t, reply_of_another_length);
	tcase_add_test(t, refusal_has_details);
	tcase_add_test(t, every_error_has_words);
	tcase_add_test(t, descriptors_are_not_taken);
	tcase_add_test(t, replies_in_any_order);
	tcase_add_test(t, window_is_bounded);
	tcase_add_test(t, full_buffers_do_not_deadlock);
	tcase_add_test(t, close_with_replies_kept);
	tcase_add_test(t, misuse_is_told);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
