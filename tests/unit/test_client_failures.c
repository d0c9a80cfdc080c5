/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libpager when memory is short or the system refuses: every allocation and
 * every system call of a session fails in turn. The library's sources are
 * compiled in here with those calls led through a counter.
 *
 * Whatever fails, the call that met it says so, the connection is either lost
 * for good or works on, and nothing is leaked (LeakSanitizer, descriptors).
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/support/fake_daemon.h"

static unsigned int calls_made;
static unsigned int call_fails; /* this one, counted from 1; 0: none */
static int call_errno;
static bool memory_failed;

static bool fails(void)
{
	if (++calls_made != call_fails)
		return false;
	errno = call_errno;
	return true;
}

static bool memory_fails(void)
{
	if (!fails())
		return false;
	memory_failed = true;
	errno = ENOMEM;
	return true;
}

#define malloc(n)	 (memory_fails() ? NULL : malloc(n))
#define calloc(n, m)	 (memory_fails() ? NULL : calloc(n, m))
#define send(f, b, n, g) (fails() ? -1 : send(f, b, n, g))
#define sendmsg(f, m, g) (fails() ? -1 : sendmsg(f, m, g))
#define recv(f, b, n, g) (fails() ? -1 : recv(f, b, n, g))
#define poll(p, n, t)	 (fails() ? -1 : poll(p, n, t))
#define socket(d, t, p)	 (fails() ? -1 : socket(d, t, p))
#define connect(f, a, n) (fails() ? -1 : connect(f, a, n))

#include "lib/client/batch.c"
#include "lib/client/calls.c"
#define simple simple_dirty
#include "lib/client/dirty.c"
#undef simple
#include "lib/client/connect.c"
#include "lib/client/error.c"
#include "lib/client/lists.c"
#include "lib/client/message.c"
#include "lib/client/transport.c"

#undef malloc
#undef calloc
#undef send
#undef sendmsg
#undef recv
#undef poll
#undef socket
#undef connect

static unsigned int fds_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* Data as long as the request's, an empty list, or nothing in particular. */
static bool answer(int fd, const struct pager_request *request)
{
	struct pager_rep_batch batch = {.count = request->body.batch.count};
	struct pager_rep_access access = {.done = request->body.read.len};
	size_t data_len = 0;

	switch (request->hdr.op) {
	case PAGER_CALL_HELLO:
		return fake_hello(fd, request);
	case PAGER_CALL_READ:
		data_len = request->body.read.len;
		memset(fake_data(request), 7, data_len);
		fake_post(
		    fd, fake_reply(request, &access, sizeof(access), data_len));
		return true;
	case PAGER_CALL_WRITE:
		access.done = request->data_len;
		fake_post(fd, fake_reply(request, &access, sizeof(access), 0));
		return true;
	case PAGER_CALL_BATCH:
		data_len = request->data_len;
		memcpy(fake_data(request), request->data, data_len);
		for (size_t at = 0; at < data_len;) {
			struct pager_hdr hdr;
			uint8_t *p = fake_data(request) + at;

			memcpy(&hdr, p, sizeof(hdr));
			hdr.flags = PAGER_HDR_REPLY;
			memcpy(p, &hdr, sizeof(hdr));
			at += hdr.length;
		}
		fake_post(fd,
			  fake_reply(request, &batch, sizeof(batch), data_len));
		return true;
	case PAGER_CALL_REGION_LIST:
		fake_post(fd, fake_reply(request, NULL, 0, 0));
		return true;
	default:
		fake_post(fd, fake_reply(request, &request->body, 8, 0));
		return true;
	}
}

static unsigned int failed; /* calls of the session that did not succeed */
static unsigned int session_made; /* calls_made before its last look */

static int count(int ret)
{
	ck_assert_int_ge(ret, PAGER_MISUSE);
	if (ret < 0)
		failed++;
	return ret;
}

/* A session with some of everything. */
static void session(void)
{
	static _Alignas(8) uint8_t buf[70000];
	struct pager_req_read r = {.space = 1, .len = 1000};
	struct pager_row_region row;
	struct pager *pager = fake_connect(answer);
	struct pager_list *list;
	struct pager_batch *batch;
	struct pager_reply reply;
	uint64_t seq[3];
	int sent[3];

	if (!pager) {
		ck_assert_int_ne(errno, 0);
		failed++;
		fake_end(NULL);
		return;
	}
	count(pager_call_ping(pager, 3));
	count(pager_call_write(pager, 1, 0, 0, buf, sizeof(buf), NULL));
	count(pager_call_read(pager, 1, 0, 0, buf, sizeof(buf), NULL));
	for (int i = 0; i < 3; i++)
		sent[i] = count(pager_submit(pager, PAGER_CALL_READ, &r,
					     sizeof(r), NULL, 0, &seq[i]));
	count(pager_call_ping(pager, 4));
	for (int i = 2; i >= 0; i--)
		if (sent[i] == 0 &&
		    count(pager_wait(pager, seq[i], &reply)) == 0)
			ck_assert_uint_eq(reply.data_len, 1000);
	count(pager_call_dirty_ring(pager, 1, 64, STDERR_FILENO));
	count(
	    pager_call_dirty_clear(pager, 1, 0, 64000, (uint64_t *)buf, NULL));
	list = pager_list_regions(pager, 1, 0);
	count(pager_list_next(list, &row, sizeof(row)));
	pager_list_free(list);
	batch = pager_batch_new(pager, 0);
	count(pager_batch_add(batch, PAGER_CALL_PING, NULL, 0, NULL, 0));
	count(pager_batch_run(batch));
	pager_batch_free(batch);
	session_made = calls_made;
	if (!pager->lost) {
		unsigned int still = call_fails;

		call_fails = 0;
		ck_assert_uint_eq(pager_pending(pager), 0);
		ck_assert_int_eq(pager_call_ping(pager, 9), 0);
		call_fails = still;
	} else {
		ck_assert_int_eq(pager_call_ping(pager, 9), PAGER_LOST);
		ck_assert_str_ne(pager_errstr(pager), "");
	}
	fake_end(pager);
}

static void all_in_turn(int err, bool harmless)
{
	unsigned int before = fds_open();
	unsigned int total;

	call_errno = err;
	call_fails = 0;
	calls_made = failed = 0;
	session();
	ck_assert_uint_eq(failed, 0);
	total = session_made;
	ck_assert_uint_gt(total, 20);
	for (unsigned int i = 1; i <= total; i++) {
		calls_made = failed = 0;
		memory_failed = false;
		call_fails = i;
		session();
		if (harmless && !memory_failed)
			ck_assert_msg(failed == 0, "call %u: given up", i);
		else
			ck_assert_msg(failed > 0, "call %u: nothing said", i);
	}
	ck_assert_uint_eq(fds_open(), before);
}

START_TEST(each_call_fails)
{
	all_in_turn(EIO, false);
}
END_TEST

/* What is only interrupted or not ready is tried again. */
START_TEST(each_call_is_interrupted)
{
	all_in_turn(EINTR, true);
}
END_TEST

START_TEST(each_call_is_not_ready)
{
	all_in_turn(EAGAIN, true);
}
END_TEST

START_TEST(connecting_fails)
{
	unsigned int before = fds_open();
	char name[] = "/tmp/pager-failures.XXXXXX";
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	ck_assert_ptr_nonnull(mkdtemp(name));
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/s", name);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	ck_assert_int_eq(listen(fd, 5), 0);
	call_errno = EIO;
	for (call_fails = 1; call_fails <= 4; call_fails++) {
		calls_made = 0;
		ck_assert_ptr_null(pager_connect(addr.sun_path));
		ck_assert_int_eq(errno, call_fails == 3 ? ENOMEM : EIO);
	}
	close(fd);
	unlink(addr.sun_path);
	rmdir(name);
	ck_assert_uint_eq(fds_open(), before);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("client_failures");
	TCase *t = tcase_create("client_failures");
	SRunner *runner;
	int n;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, each_call_fails);
	tcase_add_test(t, each_call_is_interrupted);
	tcase_add_test(t, each_call_is_not_ready);
	tcase_add_test(t, connecting_fails);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	n = srunner_ntests_failed(runner);
	srunner_free(runner);
	return n ? 1 : 0;
}
