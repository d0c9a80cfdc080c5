/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SPACE_PAUSE: who is paused is not served, and nobody else notices; what was
 * sent meanwhile is served afterwards, all of it and in order; every pause ends
 * by itself, with the one who asked for it or with the one it is for; sessions
 * that pause each other do not stop for ever.
 *
 * The loop is turned by hand, so "is not served" is a fact and no guess.
 */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/looped.h"
#include "tests/support/serve.h"
#include "tests/support/unit.h"
#include "tests/support/wire.h"
#include "tests/support/world.h"

enum { LONG = 60000, SHORT = 30 };

static int root, ann;
static uint64_t space; /* ann's */

/* --- one request at a time --------------------------------------------------
 */

static void send_to(int fd, unsigned int op, uint64_t seq, const void *body,
		    size_t len)
{
	ck_assert(wire_ask(fd, op, seq, body, len, NULL, 0));
	looped_turn();
}

static bool is_answered(int fd)
{
	return wire_readable(fd, 0);
}

/* It is served at once: its error. */
static unsigned int call(int fd, unsigned int op, const void *body, size_t len)
{
	send_to(fd, op, 7, body, len);
	ck_assert_msg(is_answered(fd), "%s is not served",
		      pager_op_find(op)->name);
	wire_answer(fd);
	ck_assert_uint_eq(wire_got.hdr.op, op);
	return wire_got.hdr.error;
}

static int join(uid_t uid)
{
	const struct pager_req_hello hello = {PAGER_MAGIC, PAGER_VERSION_MAJOR,
					      PAGER_VERSION_MINOR,
					      PAGER_FEATURES};
	int fd = looped_join(uid);

	ck_assert_int_ge(fd, 0);
	ck_assert_uint_eq(call(fd, PAGER_OP_HELLO, &hello, sizeof(hello)), 0);
	return fd;
}

static uint64_t new_space(int fd)
{
	ck_assert_uint_eq(call(fd, PAGER_OP_SPACE_CREATE, NULL, 0), 0);
	return wire_got.body.handle.handle;
}

static unsigned int pause_ms(int fd, uint64_t handle, uint32_t ms)
{
	const struct pager_req_space_pause body = {handle, ms, 0};

	return call(fd, PAGER_OP_SPACE_PAUSE, &body, sizeof(body));
}

static void ping(int fd, uint64_t cookie)
{
	send_to(fd, PAGER_OP_PING, cookie, &cookie, sizeof(cookie));
}

static void ponged(int fd, uint64_t cookie)
{
	ck_assert(is_answered(fd));
	wire_answer(fd);
	ck_assert_uint_eq(wire_got.hdr.error, 0);
	ck_assert_uint_eq(wire_got.body.ping.cookie, cookie);
}

static void is_served(int fd)
{
	ck_assert(!is_answered(fd));
	ping(fd, 99);
	ponged(fd, 99);
}

/* Is not: cookie is what it waits for. */
static void waits(int fd, uint64_t cookie)
{
	ping(fd, cookie);
	ck_assert(!is_answered(fd));
}

/* Is not before a pause of SHORT is over that has begun at that time or later;
 * then it is. A turn waits for what is due, and for nothing else. */
static void waits_for(int fd, uint64_t cookie, uint64_t begun)
{
	ping(fd, cookie);
	while (!is_answered(fd)) {
		ck_assert_int_eq(srv_loop_turn(&looped), 0);
		ck_assert_uint_lt(srv_now_ms() - begun, WIRE_PATIENCE_MS);
	}
	ck_assert_uint_ge(srv_now_ms() - begun, SHORT);
	ponged(fd, cookie);
}

static struct pager_rep_stats stats(int fd)
{
	ck_assert_uint_eq(call(fd, PAGER_OP_STATS, NULL, 0), 0);
	return wire_got.body.stats;
}

static void begin(void)
{
	looped_start(NULL, NULL);
	root = join(SERVE_ROOT);
	ann = join(SERVE_ANN);
	space = new_space(ann);
}

static void leave(int fd)
{
	close(fd);
	looped_turn();
}

static void end(void)
{
	leave(root);
	leave(ann);
	looped_idle();
	ck_assert_uint_eq(serve_srv.paused_count, 0);
	looped_end();
}

/* --- who waits for whom ------------------------------------------------------
 */

START_TEST(what_is_sent_meanwhile_is_served_in_order_afterwards)
{
	int twin, ben;

	begin();
	twin = join(SERVE_ANN);
	ben = join(SERVE_BEN);
	is_served(ann);
	ck_assert_uint_eq(pause_ms(root, space, LONG), 0);
	for (unsigned int i = 0; i < 50; i++) {
		waits(ann, i);
		/* The same user's other session, and other users, go on. */
		is_served(twin);
		is_served(ben);
		is_served(root);
	}
	ck_assert_uint_eq(stats(root).paused, 1);
	ck_assert_uint_eq(stats(root).pauses, 1);
	ck_assert_uint_eq(pause_ms(root, space, 0), 0);
	looped_turn();
	for (unsigned int i = 0; i < 50; i++)
		ponged(ann, i);
	is_served(ann);
	ck_assert_uint_eq(stats(root).paused, 0);
	ck_assert_uint_eq(stats(root).pauses, 1);
	leave(twin);
	leave(ben);
	end();
}
END_TEST

/* Both have something to say in the same turn: who comes first is served, and
 * the other one is paused already. */
START_TEST(who_was_ready_already_is_not_served_any_more)
{
	struct pager_req_space_pause pause = {0, LONG, 0};

	begin();
	pause.space = space;
	ck_assert(wire_ask(root, PAGER_OP_SPACE_PAUSE, 1, &pause, sizeof(pause),
			   NULL, 0));
	for (uint64_t n = 0; n < 20; n++)
		ck_assert(
		    wire_ask(ann, PAGER_OP_PING, n, &n, sizeof(n), NULL, 0));
	looped_turn();
	wire_answer(root);
	ck_assert_uint_eq(wire_got.hdr.error, 0);
	ck_assert(!is_answered(ann));
	ck_assert_uint_eq(pause_ms(root, space, 0), 0);
	looped_turn();
	for (uint64_t n = 0; n < 20; n++)
		ponged(ann, n);
	end();
}
END_TEST

/* What was answered before is read meanwhile. */
START_TEST(replies_are_still_sent)
{
	begin();
	for (unsigned int i = 0; i < 5; i++)
		ping(ann, i);
	ck_assert_uint_eq(pause_ms(root, space, LONG), 0);
	for (unsigned int i = 0; i < 5; i++)
		ponged(ann, i);
	waits(ann, 5);
	ck_assert_uint_eq(pause_ms(root, space, 0), 0);
	looped_turn();
	ponged(ann, 5);
	end();
}
END_TEST

/* --- how it ends
 * -------------------------------------------------------------- */

START_TEST(it_ends_when_the_time_is_over)
{
	uint64_t start;

	begin();
	start = srv_now_ms();
	ck_assert_uint_eq(pause_ms(root, space, SHORT), 0);
	waits_for(ann, 1, start);
	ck_assert_uint_eq(stats(root).paused, 0);
	end();
}
END_TEST

START_TEST(the_last_word_of_the_same_one_counts)
{
	uint64_t other, start;

	begin();
	other = new_space(ann);
	ck_assert_uint_eq(pause_ms(root, space, LONG), 0);
	waits(ann, 1);
	start = srv_now_ms();
	ck_assert_uint_eq(pause_ms(root, other, SHORT), 0);
	ck_assert_uint_eq(stats(root).pauses, 1);
	while (!is_answered(ann))
		ck_assert_int_eq(srv_loop_turn(&looped), 0);
	ck_assert_uint_ge(srv_now_ms() - start, SHORT);
	ponged(ann, 1);
	/* To end what is not is fine. */
	ck_assert_uint_eq(pause_ms(root, space, 0), 0);
	is_served(ann);
	end();
}
END_TEST

START_TEST(it_ends_with_the_session_that_asked_for_it)
{
	int admin;

	begin();
	admin = join(SERVE_ROOT);
	ck_assert_uint_eq(pause_ms(admin, space, LONG), 0);
	waits(ann, 1);
	leave(admin);
	ponged(ann, 1);
	is_served(ann);
	end();
}
END_TEST

START_TEST(it_ends_with_the_session_it_is_for)
{
	const unsigned int fds = looped_fds();
	int victim;
	uint64_t other;

	begin();
	for (unsigned int i = 0; i < 4; i++) {
		victim = join(SERVE_ANN);
		other = new_space(victim);
		ck_assert_uint_eq(pause_ms(root, other, LONG), 0);
		for (unsigned int n = 0; n < i * 10; n++)
			waits(victim, n);
		leave(victim);
		ck_assert_uint_eq(stats(root).paused, 0);
		ck_assert_uint_eq(stats(root).sessions, 2);
		ck_assert_uint_eq(pause_ms(root, other, 0), PAGER_ENOENT);
	}
	end();
	ck_assert_uint_eq(looped_fds(), fds);
}
END_TEST

START_TEST(it_ends_with_the_space_that_was_named)
{
	uint64_t other;

	begin();
	other = new_space(ann);
	ck_assert_uint_eq(pause_ms(root, other, LONG), 0);
	waits(ann, 1);
	/* Another one of the same session is not what it is for. */
	ck_assert_uint_eq(
	    call(root, PAGER_OP_SPACE_DESTROY, &space, sizeof(space)), 0);
	ck_assert(!is_answered(ann));
	ck_assert_uint_eq(
	    call(root, PAGER_OP_SPACE_DESTROY, &other, sizeof(other)), 0);
	looped_turn();
	ponged(ann, 1);
	end();
}
END_TEST

START_TEST(it_ends_when_the_space_changes_hands)
{
	uint8_t token[PAGER_TOKEN_SIZE];

	begin();
	ck_assert_uint_eq(call(ann, PAGER_OP_GIVE, &space, sizeof(space)), 0);
	memcpy(token, wire_got.body.token.token, sizeof(token));
	ck_assert_uint_eq(pause_ms(root, space, LONG), 0);
	waits(ann, 1);
	ck_assert_uint_eq(call(root, PAGER_OP_TAKE, token, sizeof(token)), 0);
	space = wire_got.body.take.handle;
	looped_turn();
	ponged(ann, 1);
	is_served(ann);
	ck_assert_uint_eq(pause_ms(root, space, LONG), PAGER_EINVAL);
	end();
}
END_TEST

/* --- who may
 * ------------------------------------------------------------------ */

START_TEST(nobody_pauses_oneself_or_without_a_right)
{
	uint64_t own;
	int twin;

	begin();
	twin = join(SERVE_ANN);
	own = new_space(root);
	ck_assert_uint_eq(pause_ms(root, own, 1), PAGER_EINVAL);
	ck_assert_uint_eq(wire_got.hdr.field, PAGER_HDR_SIZE);
	ck_assert_uint_eq(pause_ms(root, own, 0), PAGER_EINVAL);
	ck_assert_uint_eq(pause_ms(ann, space, 1), PAGER_EINVAL);
	ck_assert_uint_eq(pause_ms(twin, space, 1), PAGER_ENOENT);
	ck_assert_uint_eq(pause_ms(ann, own, 1), PAGER_ENOENT);
	ck_assert_uint_eq(stats(root).pauses, 0);
	is_served(ann);
	leave(twin);
	end();
}
END_TEST

START_TEST(one_admin_does_not_end_what_another_has_begun)
{
	int admin;

	begin();
	admin = join(SERVE_ROOT);
	ck_assert_uint_eq(pause_ms(root, space, LONG), 0);
	ck_assert_uint_eq(pause_ms(admin, space, 1), PAGER_EBUSY);
	ck_assert_uint_eq(wire_got.hdr.field, PAGER_HDR_SIZE);
	ck_assert_uint_eq(pause_ms(admin, space, 0), PAGER_EBUSY);
	/* It does not end with who was told so, either. */
	leave(admin);
	waits(ann, 1);
	ck_assert_uint_eq(pause_ms(root, space, 0), 0);
	looped_turn();
	ponged(ann, 1);
	end();
}
END_TEST

/* Whose word comes first is served, the other waits until it may speak. */
START_TEST(two_that_pause_each_other)
{
	struct pager_req_space_pause mine, theirs;
	uint64_t start = srv_now_ms();
	int admin;

	begin();
	admin = join(SERVE_ROOT);
	theirs = (struct pager_req_space_pause){new_space(admin), SHORT, 0};
	mine = (struct pager_req_space_pause){new_space(root), SHORT, 0};
	ck_assert(wire_ask(root, PAGER_OP_SPACE_PAUSE, 1, &theirs,
			   sizeof(theirs), NULL, 0));
	ck_assert(wire_ask(admin, PAGER_OP_SPACE_PAUSE, 1, &mine, sizeof(mine),
			   NULL, 0));
	while (!is_answered(root) || !is_answered(admin)) {
		ck_assert_int_eq(srv_loop_turn(&looped), 0);
		ck_assert_uint_lt(srv_now_ms() - start, WIRE_PATIENCE_MS);
	}
	wire_answer(root);
	ck_assert_uint_eq(wire_got.hdr.error, 0);
	wire_answer(admin);
	ck_assert_uint_eq(wire_got.hdr.error, 0);
	ping(root, 1);
	ping(admin, 2);
	is_served(ann);
	while (!is_answered(root) || !is_answered(admin)) {
		ck_assert_int_eq(srv_loop_turn(&looped), 0);
		ck_assert_uint_lt(srv_now_ms() - start, WIRE_PATIENCE_MS);
	}
	ponged(root, 1);
	ponged(admin, 2);
	leave(admin);
	end();
}
END_TEST

/* A paused admin's own pause goes on, and still has its end. */
START_TEST(a_chain_of_pauses)
{
	uint64_t its, start;
	int admin;

	begin();
	admin = join(SERVE_ROOT);
	its = new_space(admin);
	start = srv_now_ms();
	ck_assert_uint_eq(pause_ms(admin, space, SHORT), 0);
	ck_assert_uint_eq(pause_ms(root, its, LONG), 0);
	waits(admin, 2);
	waits_for(ann, 1, start);
	ck_assert(!is_answered(admin));
	ck_assert_uint_eq(pause_ms(root, its, 0), 0);
	looped_turn();
	ponged(admin, 2);
	leave(admin);
	end();
}
END_TEST

/* --- the daemon ends
 * ----------------------------------------------------------- */

/* Told to leave with a session paused, it leaves at once. */
START_TEST(a_daemon_with_a_paused_session_leaves)
{
	struct pager_req_space_pause pause = {0, LONG, 0};
	struct pager_spawn spawn;
	int admin, other;

	wire_spawn(&spawn, NULL);
	admin = wire_session(spawn.socket);
	other = wire_session(spawn.socket);
	ck_assert_uint_eq(wire_call(other, PAGER_OP_SPACE_CREATE, NULL, 0), 0);
	pause.space = wire_got.body.handle.handle;
	ck_assert_uint_eq(
	    wire_call(admin, PAGER_OP_SPACE_PAUSE, &pause, sizeof(pause)), 0);
	wire_ask(other, PAGER_OP_PING, 1, NULL, 0, NULL, 0);
	ck_assert(!wire_readable(other, 20));
	ck_assert_int_eq(kill(spawn.pid, SIGTERM), 0);
	wire_hung_up(admin);
	wire_hung_up(other);
	close(admin);
	close(other);
	wire_stop(&spawn);
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    what_is_sent_meanwhile_is_served_in_order_afterwards,
	    who_was_ready_already_is_not_served_any_more,
	    replies_are_still_sent,
	    it_ends_when_the_time_is_over,
	    the_last_word_of_the_same_one_counts,
	    it_ends_with_the_session_that_asked_for_it,
	    it_ends_with_the_session_it_is_for,
	    it_ends_with_the_space_that_was_named,
	    it_ends_when_the_space_changes_hands,
	    nobody_pauses_oneself_or_without_a_right,
	    one_admin_does_not_end_what_another_has_begun,
	    two_that_pause_each_other,
	    a_chain_of_pauses,
	    a_daemon_with_a_paused_session_leaves,
	};

	return UNIT_RUN("pause", tests);
}
