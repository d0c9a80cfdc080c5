/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fail points on the server's side: every request of requests.h, a whole
 * conversation over a socket, the start of the daemon and SIGHUP, with the
 * first, second, third ... allocation or system call failing, until all pass.
 * Each failure is an answer or the end of that connection; nothing is changed,
 * nothing is left, and the recount is clean.
 */
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/failpoint.h"

#ifndef PAGER_FAILPOINTS

int main(void)
{
	puts("skipped: built without PAGER_FAILPOINTS");
	return 77;
}

#else

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/daemon.h"
#include "server/reload.h"
#include "tests/support/looped.h"
#include "tests/support/requests.h"
#include "tests/support/unit.h"

enum { POINTS_MAX = 2000 };

/* --- requests ---------------------------------------------------------------
 */

/* READ and WRITE that were stopped have an answer that says so. */
static bool stopped(void)
{
	return (serve_answer.hdr.op == PAGER_OP_READ ||
		serve_answer.hdr.op == PAGER_OP_WRITE) &&
	       serve_answer.body.access.error == PAGER_ENOMEM;
}

/* A batch in which something was refused for memory. */
static bool batch_failed(void)
{
	return serve_answer.hdr.op == PAGER_OP_BATCH &&
	       serve_answer.body.batch.failed;
}

/* The nth point fails. True: it was met. What a client has passed may turn out
 * to be of no use, and the refusal says why. */
static bool fail_request(int index, unsigned long nth)
{
	struct request r;
	const char *fired;
	unsigned int error;
	char *before;

	bed_start(NULL);
	request_get((unsigned int)index, &r);
	before = serve_picture();
	pager_fail_arm(nth);
	error = request_send(&r);
	fired = pager_fail_fired();
	pager_fail_arm(0);
	if (error) {
		ck_assert_msg(fired != NULL, "%s: %s", r.name,
			      pager_error_name(error));
		ck_assert_msg(
		    error == PAGER_ENOMEM ||
			(r.op->fds && strncmp(fired, "shared.", 7) == 0),
		    "%s without %s: %s", r.name, fired,
		    pager_error_name(error));
		serve_unchanged(before, r.name);
		/* And it is carried out as if nothing had happened. */
		ck_assert_uint_eq(request_send(&r), PAGER_OK);
	} else if (!stopped() && batch_failed() &&
		   r.body.batch.flags & PAGER_BATCH_ATOMIC) {
		bed_undone(before, r.name);
		ck_assert_uint_eq(request_send(&r), PAGER_OK);
		ck_assert_uint_eq(serve_answer.body.batch.failed, 0);
	} else {
		free(before);
	}
	bed_end();
	return fired != NULL;
}

START_TEST(every_request)
{
	unsigned long nth = 1;

	while (fail_request(_i, nth))
		ck_assert_uint_lt(nth++, POINTS_MAX);
}
END_TEST

/* --- a conversation ---------------------------------------------------------
 */

/* Send a request and read its reply, turning the loop in between. The error;
 * -1: the connection is over. */
static int ask(int fd, unsigned int op, const void *body, size_t len,
	       const void *data, size_t data_len, struct pager_answer *out)
{
	static uint64_t packet[PAGER_MSG_MAX / 8];
	ssize_t n;

	len = pager_request_encode(packet, sizeof(packet), pager_op_find(op),
				   op, body, len, data, data_len);
	ck_assert_uint_ne(len, 0);
	if (send(fd, packet, len, MSG_NOSIGNAL) < 0)
		return -1;
	looped_turn();
	n = recv(fd, packet, sizeof(packet), 0);
	if (n <= 0) {
		/* Never left waiting. */
		ck_assert(n == 0 || errno != EAGAIN);
		return -1;
	}
	ck_assert(pager_answer_decode(packet, (size_t)n, out));
	ck_assert_uint_eq(out->hdr.seq, op);
	ck_assert_msg(out->hdr.error == PAGER_OK ||
			  out->hdr.error == PAGER_ENOMEM,
		      "%s: %s", pager_op_find(op)->name,
		      pager_error_name(out->hdr.error));
	return out->hdr.error;
}

/* What a client does; it goes on as long as it is answered. True: everything
 * was done. */
static bool converse(int fd)
{
	const struct pager_req_hello hello = {PAGER_MAGIC, PAGER_VERSION_MAJOR,
					      0, PAGER_FEATURES};
	struct pager_req_map map = {
	    .len = 0x10000, .prot = 3, .flags = PAGER_MAP_POPULATE};
	struct pager_req_object_create create = {.size = 4096, .name = "o"};
	struct pager_req_batch batch = {.flags = PAGER_BATCH_ATOMIC,
					.count = 1};
	struct pager_answer answer;
	uint8_t data[128];
	uint64_t space;
	size_t len;
	int sum = 0, ret;

	if (ask(fd, PAGER_OP_HELLO, &hello, sizeof(hello), NULL, 0, &answer))
		return false;
	if (ask(fd, PAGER_OP_SPACE_CREATE, NULL, 0, NULL, 0, &answer))
		return false;
	space = map.space = answer.body.handle.handle;
#define ASK(op, body, data, data_len)                                     \
	do {                                                              \
		ret = ask(fd, PAGER_OP_##op, &(body), sizeof(body), data, \
			  data_len, &answer);                             \
		if (ret < 0)                                              \
			return false;                                     \
		sum += ret;                                               \
	} while (0)
	ASK(MAP, map, NULL, 0);
	ASK(OBJECT_CREATE, create, NULL, 0);
	ASK(GIVE, space, NULL, 0);
	ASK(SPACE_FORK, space, NULL, 0);
	len = pager_request_encode(data, sizeof(data),
				   pager_op_find(PAGER_OP_MAP), 1, &map,
				   sizeof(map), NULL, 0);
	ASK(BATCH, batch, data, len);
	if (!ret)
		sum += (int)answer.body.batch.failed;
	ASK(SPACE_LIST, space, NULL, 0);
#undef ASK
	return sum == 0;
}

START_TEST(a_conversation)
{
	unsigned int fds, met = 0, whole = 0;
	const char *fired;
	bool done;
	int fd;

	looped_start(NULL, NULL);
	fds = looped_fds();
	for (unsigned long nth = 1;; nth++) {
		ck_assert_uint_lt(nth, POINTS_MAX);
		pager_fail_arm(nth);
		fd = looped_connect();
		looped_turn();
		done = converse(fd);
		close(fd);
		looped_turn();
		fired = pager_fail_fired();
		pager_fail_arm(0);
		looped_idle();
		ck_assert_uint_eq(looped_fds(), fds);
		if (!fired)
			break;
		met++;
		whole += done;
	}
	ck_assert(done);
	/* Calls that fail for a moment do not end anything. */
	ck_assert_uint_gt(met, 40);
	ck_assert_uint_gt(whole, 15);
	looped_end();
}
END_TEST

/* Descriptors that come while receiving them fails. */
START_TEST(a_violation)
{
	struct pager_hdr hdr = {.length = PAGER_HDR_SIZE, .flags = 8};
	unsigned int fds;
	ssize_t n;
	char byte;
	int fd;

	looped_start(NULL, NULL);
	fds = looped_fds();
	for (unsigned long nth = 1;; nth++) {
		const char *fired;

		pager_fail_arm(nth);
		fd = looped_connect();
		looped_turn();
		send(fd, &hdr, sizeof(hdr), MSG_NOSIGNAL);
		looped_turn();
		n = recv(fd, &byte, 1, 0);
		ck_assert(n == 0 || (n < 0 && errno != EAGAIN));
		close(fd);
		fired = pager_fail_fired();
		pager_fail_arm(0);
		looped_idle();
		ck_assert_uint_eq(looped_fds(), fds);
		if (!fired)
			break;
	}
	looped_end();
}
END_TEST

/* --- the daemon
 * ---------------------------------------------------------------
 */

static char folder[64];

static void make_folder(void)
{
	snprintf(folder, sizeof(folder), "/tmp/pager-failures.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

/* Files in it. */
static unsigned int files(void)
{
	struct dirent *entry;
	unsigned int n = 0;
	DIR *dir = opendir(folder);

	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void write_config(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

enum { ALL_WELL = 0, REFUSED = 1, MET_AND_WELL = 10 };

/* In a child: a daemon in which the nth point fails. */
static _Noreturn void run_daemon(const char *path, const char *config,
				 unsigned long nth, int ready, int err)
{
	const struct srv_options options = {
	    .socket = path, .config = config, .ready_fd = ready};
	int ret;

	dup2(err, STDERR_FILENO);
	pager_log_setup("pagerd", PAGER_LOG_ERROR);
	pager_fail_arm(nth);
	ret = srv_daemon_run(&options);
	if (ret == 0 && pager_fail_fired())
		ret = MET_AND_WELL;
	exit(ret);
}

/* Its exit code, and what it said in text. */
static int try_daemon(unsigned long nth, char *text, size_t size)
{
	int ready[2], err[2], status;
	char path[128], config[128], line[256];
	size_t at = 0;
	ssize_t n;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/s", folder);
	snprintf(config, sizeof(config), "%s/config", folder);
	ck_assert_int_eq(pipe(ready), 0);
	ck_assert_int_eq(pipe(err), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		close(ready[0]);
		close(err[0]);
		run_daemon(path, config, nth, ready[1], err[1]);
	}
	close(ready[1]);
	close(err[1]);
	/* A line, or the end: then it has given up. */
	if (read(ready[0], line, sizeof(line)) > 0)
		ck_assert_int_eq(kill(pid, SIGTERM), 0);
	while ((n = read(err[0], text + at, size - 1 - at)) > 0)
		at += (size_t)n;
	text[at] = '\0';
	close(ready[0]);
	close(err[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status), "%s", text);
	return WEXITSTATUS(status);
}

START_TEST(starting)
{
	unsigned int refused = 0;
	char config[128], text[4096];
	int code;

	make_folder();
	snprintf(config, sizeof(config), "%s/config", folder);
	write_config(config, "memory 1M\nnodes 64\nsocket /unused\n"
			     "user 1 limit spaces 1\n");
	for (unsigned long nth = 1;; nth++) {
		ck_assert_uint_lt(nth, POINTS_MAX);
		code = try_daemon(nth, text, sizeof(text));
		ck_assert_msg(code == ALL_WELL || code == REFUSED ||
				  code == MET_AND_WELL,
			      "point %lu: exit code %d: %s", nth, code, text);
		/* The configuration alone. */
		ck_assert_msg(files() == 1, "point %lu: a file is left: %s",
			      nth, text);
		if (code == ALL_WELL)
			break;
		if (code != REFUSED)
			continue;
		/* One clear line. */
		ck_assert_msg(strncmp(text, "pagerd: ", 8) == 0 &&
				  strchr(text, '\n') == text + strlen(text) - 1,
			      "point %lu: %s", nth, text);
		refused++;
	}
	ck_assert_uint_gt(refused, 15);
	ck_assert_int_eq(unlink(config), 0);
	ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

START_TEST(reading_the_configuration_again)
{
	struct srv_options options = {.ready_fd = -1};
	char config[128];
	unsigned int kept = 0;

	make_folder();
	snprintf(config, sizeof(config), "%s/config", folder);
	options.config = config;
	looped_start("limit spaces 7\n", &options);
	write_config(config, "memory 4M\nsocket /unused\nlimit spaces 8\n"
			     "user 1 limit spaces 9\n");
	for (unsigned long nth = 1;; nth++) {
		const char *fired;

		ck_assert_uint_lt(nth, POINTS_MAX);
		pager_fail_arm(nth);
		srv_reload(&looped);
		fired = pager_fail_fired();
		pager_fail_arm(0);
		if (!fired)
			break;
		if (serve_srv.config.limits.max[PAGER_USER_SPACES] == 7) {
			ck_assert_uint_eq(serve_srv.config.user_count, 0);
			ck_assert_ptr_null(serve_srv.config.socket);
			kept++;
		}
	}
	ck_assert_uint_ge(kept, 4);
	ck_assert_uint_eq(serve_srv.config.limits.max[PAGER_USER_SPACES], 8);
	ck_assert_uint_eq(serve_srv.config.user_count, 1);
	looped_end();
	ck_assert_int_eq(unlink(config), 0);
	ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("failures");
	TCase *t = tcase_create("failures");
	SRunner *runner;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, every_request, 0, REQUEST_COUNT);
	tcase_add_test(t, a_conversation);
	tcase_add_test(t, a_violation);
	tcase_add_test(t, starting);
	tcase_add_test(t, reading_the_configuration_again);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}

#endif
