/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Backpressure, crowds and the end: clients that do not read, that come by the
 * thousand, or that are owed something when the daemon leaves. Nobody else
 * waits for them, and the daemon does not grow by them.
 *
 * Progress is asserted, never a time.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/user.h"
#include "tests/support/unit.h"
#include "tests/support/wire.h"

enum {
	PAGE = PAGER_PAGE_SIZE,
	RW = PAGER_PROT_READ | PAGER_PROT_WRITE,
	GREEDY = 16,	    /* clients that do not read */
	GROWTH_KIB = 24576, /* what they may cost: 512 KiB each and slack */
	ROUNDS = 200,
};

#define BASE UINT64_C(0x400000)

static struct pager_spawn daemon_;
static int good;
static struct pager_rep_stats before;

static void begin(const char *const *args)
{
	wire_spawn(&daemon_, args);
	good = wire_session(daemon_.socket);
	before = wire_stats(good);
}

static void end(void)
{
	wire_same(good, &before);
	close(good);
	wire_stop(&daemon_);
}

/* Arguments that make the daemon read these lines. */
static const char *const *with_config(const char *text)
{
	static char path[64];
	static const char *const args[] = {"--config", path, NULL};
	int fd;

	snprintf(path, sizeof(path), "/tmp/pager-flow.XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq((int)write(fd, text, strlen(text)), (int)strlen(text));
	close(fd);
	return args;
}

/* A session with a space of 16 pages in which every byte of page i is i + 1. */
static int reader(uint64_t *space)
{
	static uint8_t data[PAGE];
	int fd = wire_session(daemon_.socket);
	struct pager_req_map map = {.addr = BASE,
				    .len = 16 * PAGE,
				    .prot = RW,
				    .flags = PAGER_MAP_FIXED};
	struct pager_req_write write = {.addr = BASE};

	ck_assert_uint_eq(wire_call(fd, PAGER_OP_SPACE_CREATE, NULL, 0), 0);
	*space = wire_got.body.handle.handle;
	map.space = write.space = *space;
	ck_assert_uint_eq(wire_call(fd, PAGER_OP_MAP, &map, sizeof(map)), 0);
	for (unsigned int i = 0; i < 15; i++) {
		memset(data, (int)i + 1, sizeof(data));
		wire_ask(fd, PAGER_OP_WRITE, 0, &write, sizeof(write), data,
			 sizeof(data));
		ck_assert_uint_eq(wire_answer(fd)->body.access.done, PAGE);
		write.addr += PAGE;
	}
	return fd;
}

/* Ask for 15 pages at a time and read nothing, until the daemon takes no more.
 * How many requests it has taken, or has waiting in the socket. */
static unsigned int gorge(int fd, uint64_t space)
{
	struct pager_req_read read = {
	    .space = space, .addr = BASE, .len = 15 * PAGE};
	unsigned int sent = 0, idle = 0;

	ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	while (idle < 20) {
		if (wire_ask(fd, PAGER_OP_READ, sent, &read, sizeof(read), NULL,
			     0)) {
			sent++;
			idle = 0;
			ck_assert_uint_lt(sent, 1000000);
		} else {
			idle++;
			usleep(1000);
		}
	}
	return sent;
}

/* The next of the replies it is owed, whole and in order. */
static void swallow(int fd, unsigned int seq)
{
	wire_answer(fd);
	ck_assert_uint_eq(wire_got.hdr.seq, seq);
	ck_assert_uint_eq(wire_got.hdr.error, 0);
	ck_assert_uint_eq(wire_got.data_len, 15 * PAGE);
	for (unsigned int p = 0; p < 15; p++) {
		ck_assert_uint_eq(wire_got.data[p * PAGE], p + 1);
		ck_assert_uint_eq(wire_got.data[p * PAGE + PAGE - 1], p + 1);
	}
}

/* All of them. */
static void digest(int fd, unsigned int sent)
{
	for (unsigned int i = 0; i < sent; i++)
		swallow(fd, i);
	ck_assert(!wire_readable(fd, 0));
}

static void good_makes_progress(void)
{
	for (unsigned int i = 0; i < ROUNDS; i++) {
		struct pager_req_ping ping = {.cookie = i};

		ck_assert_uint_eq(
		    wire_call(good, PAGER_OP_PING, &ping, sizeof(ping)), 0);
		ck_assert_uint_eq(wire_got.body.ping.cookie, i);
	}
}

START_TEST(who_does_not_read_is_not_read_from)
{
	int fds[GREEDY];
	uint64_t spaces[GREEDY], memory;
	unsigned int sent[GREEDY];
	struct pager_rep_stats now;

	begin(NULL);
	for (unsigned int i = 0; i < GREEDY; i++)
		fds[i] = reader(spaces + i);
	memory = wire_memory_of(daemon_.pid);
	for (unsigned int i = 0; i < GREEDY; i++) {
		sent[i] = gorge(fds[i], spaces[i]);
		good_makes_progress();
	}
	ck_assert_uint_lt(wire_memory_of(daemon_.pid), memory + GROWTH_KIB);
	/* They have asked for far more than was answered, and it stays so. */
	now = wire_stats(good);
	good_makes_progress();
	ck_assert_uint_eq(wire_stats(good).requests, now.requests + ROUNDS + 1);
	/* Some read in the end, and get everything; others just go. */
	for (unsigned int i = 0; i < GREEDY; i += 2)
		digest(fds[i], sent[i]);
	for (unsigned int i = 0; i < GREEDY; i++)
		close(fds[i]);
	end();
}
END_TEST

/* The same user's other connections wait too when the user's limit is reached,
 * and go on when something is read. */
START_TEST(what_a_user_leaves_unread_is_limited)
{
	const char *const *args = with_config("limit queued 1M\n");
	struct pager_req_user me = {.uid = UINT32_MAX};
	unsigned int sent[8], got[8] = {0}, left = 8;
	uint64_t spaces[8];
	int fds[8];

	begin(args);
	unlink(args[1]);
	for (unsigned int i = 0; i < 8; i++)
		fds[i] = reader(spaces + i);
	for (unsigned int i = 0; i < 8; i++)
		sent[i] = gorge(fds[i], spaces[i]);
	wire_ask(good, PAGER_OP_USER_INFO, 1, &me, sizeof(me), NULL, 0);
	ck_assert(!wire_readable(good, 100));
	/* What is read makes room for others; all are answered in the end. */
	for (unsigned int i = 0; left; i = (i + 1) % 8) {
		if (got[i] == sent[i] || !wire_readable(fds[i], 10))
			continue;
		swallow(fds[i], got[i]++);
		left -= got[i] == sent[i];
	}
	wire_answer(good);
	ck_assert_uint_eq(wire_got.hdr.error, 0);
	ck_assert_uint_eq(wire_got.body.user.limit[PAGER_USER_QUEUED], 1 << 20);
	/* The limit, and what one turn of a connection may add. */
	ck_assert_uint_le(wire_got.body.user.used[PAGER_USER_QUEUED],
			  (1 << 20) + 8 * PAGER_MSG_MAX);
	for (unsigned int i = 0; i < 8; i++)
		close(fds[i]);
	end();
}
END_TEST

/* One that reads a little now and then gets all of it. */
START_TEST(slow_readers)
{
	enum { SLOW = 8, REQUESTS = 400 };
	int fds[SLOW];
	uint64_t spaces[SLOW];
	unsigned int sent[SLOW] = {0}, got[SLOW] = {0}, left = SLOW;

	begin(NULL);
	for (unsigned int i = 0; i < SLOW; i++) {
		fds[i] = reader(spaces + i);
		ck_assert_int_eq(fcntl(fds[i], F_SETFL, O_NONBLOCK), 0);
	}
	for (unsigned int turn = 0; left; turn++) {
		unsigned int i = turn % SLOW;
		struct pager_req_read read = {
		    .space = spaces[i], .addr = BASE, .len = PAGE * (i + 1)};

		if (sent[i] < REQUESTS &&
		    wire_ask(fds[i], PAGER_OP_READ, sent[i], &read,
			     sizeof(read), NULL, 0))
			sent[i]++;
		/* Client i reads at every (i + 1)th of its turns. */
		if (got[i] < REQUESTS && turn / SLOW % (i + 1) == 0 &&
		    wire_readable(fds[i], sent[i] < REQUESTS ? 0 : 1000)) {
			wire_answer(fds[i]);
			ck_assert_uint_eq(wire_got.hdr.seq, got[i]);
			ck_assert_uint_eq(wire_got.data_len, read.len);
			ck_assert_uint_eq(wire_got.data[read.len - 1], i + 1);
			if (++got[i] == REQUESTS)
				left--;
		}
		if (turn % 100 == 0)
			wire_stats(good);
	}
	for (unsigned int i = 0; i < SLOW; i++)
		close(fds[i]);
	end();
}
END_TEST

START_TEST(many_requests_at_once)
{
	enum { REQUESTS = 5000 };
	unsigned int sent = 0, got = 0;

	begin(NULL);
	ck_assert_int_eq(fcntl(good, F_SETFL, O_NONBLOCK), 0);
	while (got < REQUESTS) {
		struct pager_req_ping ping = {.cookie = ~(uint64_t)sent};

		while (sent < REQUESTS &&
		       wire_ask(good, PAGER_OP_PING, sent, &ping, sizeof(ping),
				NULL, 0)) {
			sent++;
			ping.cookie = ~(uint64_t)sent;
		}
		wire_answer(good);
		ck_assert_uint_eq(wire_got.hdr.seq, got);
		ck_assert_uint_eq(wire_got.body.ping.cookie, ~(uint64_t)got);
		got++;
	}
	ck_assert_int_eq(fcntl(good, F_SETFL, 0), 0);
	end();
}
END_TEST

/* --- crowds -----------------------------------------------------------------
 */

/* Come and go, with and without a word. */
START_TEST(a_thousand_visits)
{
	begin(NULL);
	for (unsigned int i = 0; i < 1000; i++) {
		int fd = i % 3 ? wire_connect(daemon_.socket)
			       : wire_session(daemon_.socket);

		if (i % 3 == 1)
			wire_ask(fd, PAGER_OP_PING, 1, NULL, 0, NULL, 0);
		if (i % 6 == 3)
			ck_assert_uint_eq(
			    wire_call(fd, PAGER_OP_SPACE_CREATE, NULL, 0), 0);
		close(fd);
		if (i % 100 == 0)
			good_makes_progress();
	}
	end();
}
END_TEST

/* A thousand who stay: as many sessions as the user may have, a few
 * connections more, and the others are turned away. */
START_TEST(a_thousand_guests)
{
	static int fds[1000];
	unsigned int sessions = 1, refused = 0, away = 0;
	static uint64_t buf[PAGER_MSG_MAX / 8];
	struct pager_req_hello hello = {PAGER_MAGIC, PAGER_VERSION_MAJOR, 0, 0};
	struct pager_rep_user user;
	struct pager_req_user me = {.uid = UINT32_MAX};

	begin(NULL);
	ck_assert_uint_eq(wire_call(good, PAGER_OP_USER_INFO, &me, sizeof(me)),
			  0);
	user = wire_got.body.user;
	for (unsigned int i = 0; i < 1000; i++) {
		size_t n = 0;

		fds[i] = wire_connect(daemon_.socket);
		n = pager_request_encode(buf, sizeof(buf),
					 pager_op_find(PAGER_OP_HELLO), i,
					 &hello, sizeof(hello), NULL, 0);
		if (wire_send(fds[i], buf, n, NULL, 0) == 0)
			n = wire_receive(fds[i], buf);
		else
			n = 0;
		if (n == 0) {
			away++;
		} else if (n == PAGER_HDR_SIZE) {
			ck_assert_uint_eq(((struct pager_hdr *)buf)->error,
					  PAGER_ELIMIT);
			refused++;
		} else {
			sessions++;
		}
	}
	ck_assert_uint_eq(sessions, user.limit[PAGER_USER_SESSIONS]);
	ck_assert_uint_eq(refused, SRV_CLIENTS_SPARE);
	ck_assert_uint_eq(sessions + refused + away, 1001);
	ck_assert_uint_gt(wire_logged(&daemon_, "turned away"), 0);
	good_makes_progress();
	ck_assert_uint_eq(wire_call(good, PAGER_OP_USER_INFO, &me, sizeof(me)),
			  0);
	ck_assert_uint_eq(wire_got.body.user.used[PAGER_USER_SESSIONS],
			  sessions);
	for (unsigned int i = 0; i < 1000; i++)
		close(fds[i]);
	end();
}
END_TEST

static void limit_fds(pid_t pid, rlim_t fds)
{
	struct rlimit limit = {.rlim_cur = fds, .rlim_max = 4096};

	if (pid == 0)
		limit.rlim_max = fds;
	ck_assert_int_eq(prlimit(pid, RLIMIT_NOFILE, &limit, NULL), 0);
}

/* The lowest number that the daemon has no descriptor of. */
static unsigned int free_fd(void)
{
	char path[64], to[8];
	unsigned int n = 0;

	do
		snprintf(path, sizeof(path), "/proc/%d/fd/%u", (int)daemon_.pid,
			 n++);
	while (readlink(path, to, sizeof(to)) >= 0);
	return n - 1;
}

/* Descriptors run out: who is there goes on, who comes waits until there are
 * some again. */
START_TEST(no_descriptors_left)
{
	unsigned int fds_now;
	int pair[2], waiting[4], fd;
	struct pager_hdr hdr = {.length = PAGER_HDR_SIZE, .op = 999, .nfds = 1};

	begin(NULL);
	fd = wire_session(daemon_.socket);
	fds_now = wire_fds_of(daemon_.pid);
	limit_fds(daemon_.pid, free_fd());
	for (unsigned int i = 0; i < 4; i++)
		waiting[i] = wire_connect(daemon_.socket);
	wire_ask(waiting[0], PAGER_OP_PING, 1, NULL, 0, NULL, 0);
	good_makes_progress();
	ck_assert(!wire_readable(waiting[0], 250));
	ck_assert_uint_ge(wire_logged(&daemon_, "cannot accept a connection: "),
			  1);
	ck_assert_uint_eq(wire_fds_of(daemon_.pid), fds_now);
	/* There is no room either for what a message brings. */
	ck_assert_int_eq(pipe(pair), 0);
	ck_assert_int_eq(wire_send(fd, &hdr, sizeof(hdr), pair, 1), 0);
	wire_hung_up(fd);
	close(fd);
	close(pair[0]);
	close(pair[1]);
	good_makes_progress();
	limit_fds(daemon_.pid, 4096);
	for (unsigned int i = 0; i < 4; i++) {
		if (i)
			wire_ask(waiting[i], PAGER_OP_PING, 1, NULL, 0, NULL,
				 0);
		ck_assert_uint_eq(wire_answer(waiting[i])->hdr.error,
				  PAGER_EHELLO);
		close(waiting[i]);
	}
	end();
}
END_TEST

/* A daemon that was given few descriptors turns people away before they run
 * out, and counts those it has. */
START_TEST(few_descriptors_from_the_start)
{
	int fds[60];
	unsigned int in = 0;

	limit_fds(0, 64);
	begin(NULL);
	ck_assert_uint_gt(before.fds_open, 4);
	for (unsigned int i = 0; i < 50; i++) {
		fds[i] = wire_try(daemon_.socket);
		if (fds[i] < 0)
			break;
		in = i + 1;
	}
	ck_assert_uint_eq(in, 50);
	good_makes_progress();
	/* Half of the limit is for connections, good is one. */
	ck_assert_uint_eq(wire_stats(good).fds_open, before.fds_open + 31);
	ck_assert_uint_eq(wire_logged(&daemon_, "cannot accept"), 0);
	ck_assert_uint_gt(wire_logged(&daemon_, "too many connections"), 0);
	for (unsigned int i = 0; i < in; i++)
		close(fds[i]);
	end();
}
END_TEST

/* --- the end ----------------------------------------------------------------
 */

/* Wait until the daemon does not listen any more. */
static void wait_gone(void)
{
	int fd;

	while ((fd = wire_try(daemon_.socket)) >= 0) {
		close(fd);
		usleep(1000);
	}
	ck_assert(errno == ENOENT || errno == ECONNREFUSED);
}

static void left_well(void)
{
	int status;

	ck_assert_int_eq(waitpid(daemon_.pid, &status, 0), daemon_.pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
	ck_assert_int_eq(access(daemon_.socket, F_OK), -1);
	daemon_.pid = 0;
}

/* Nothing that lies in its folder but the log. */
static void clean_folder(void)
{
	char path[PAGER_SPAWN_PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/socket.pid", daemon_.dir);
	ck_assert_int_eq(access(path, F_OK), -1);
	snprintf(path, sizeof(path), "%s/log", daemon_.dir);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rmdir(daemon_.dir), 0);
}

START_TEST(replies_that_are_owed_arrive_after_sigterm)
{
	uint64_t space;
	unsigned int sent, got = 0;
	static uint64_t buf[PAGER_MSG_MAX / 8];
	size_t len;
	int fd;

	begin(NULL);
	fd = reader(&space);
	sent = gorge(fd, space);
	ck_assert_int_eq(kill(daemon_.pid, SIGTERM), 0);
	wait_gone();
	/* Who is owed nothing is let go at once. */
	wire_hung_up(good);
	close(good);
	while ((len = wire_receive(fd, buf))) {
		const struct pager_hdr *hdr = (const struct pager_hdr *)buf;

		ck_assert_uint_eq(hdr->length, len);
		ck_assert_uint_eq(hdr->seq, got);
		ck_assert_uint_eq(hdr->error, 0);
		got++;
	}
	/* All that was answered; what was not read any more is not. */
	ck_assert_uint_ge(got, 8);
	ck_assert_uint_le(got, sent);
	left_well();
	clean_folder();
	close(fd);
}
END_TEST

START_TEST(nobody_waits_for_ever_for_who_does_not_read)
{
	const char *const *args = with_config("drain 100\n");
	uint64_t space;
	int fd;

	begin(args);
	unlink(args[1]);
	fd = reader(&space);
	gorge(fd, space);
	ck_assert_int_eq(kill(daemon_.pid, SIGTERM), 0);
	left_well();
	close(fd);
	close(good);
	clean_folder();
}
END_TEST

START_TEST(a_second_sigterm_ends_the_wait)
{
	const char *const *args = with_config("drain 60000\n");
	uint64_t space;
	int fd;

	begin(args);
	unlink(args[1]);
	fd = reader(&space);
	gorge(fd, space);
	ck_assert_int_eq(kill(daemon_.pid, SIGINT), 0);
	wait_gone();
	ck_assert_int_eq(waitpid(daemon_.pid, NULL, WNOHANG), 0);
	ck_assert_int_eq(kill(daemon_.pid, SIGTERM), 0);
	left_well();
	close(fd);
	close(good);
	clean_folder();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    who_does_not_read_is_not_read_from,
	    what_a_user_leaves_unread_is_limited,
	    slow_readers,
	    many_requests_at_once,
	    a_thousand_visits,
	    a_thousand_guests,
	    no_descriptors_left,
	    few_descriptors_from_the_start,
	    replies_that_are_owed_arrive_after_sigterm,
	    nobody_waits_for_ever_for_who_does_not_read,
	    a_second_sigterm_ends_the_wait,
	};

	return UNIT_RUN("flow", tests);
}
