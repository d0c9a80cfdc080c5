/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kill -9 of clients at random moments under load, while one client's memory
 * has to stay as it was. When they are gone nothing of theirs is left: no
 * frame, node, region, space, object, handle, session or descriptor.
 *
 * PAGER_SEED and PAGER_KILLS choose another run.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/hunt.h"
#include "tests/support/noise.h"
#include "tests/support/unit.h"
#include "tests/support/wire.h"

enum {
	PAGE = PAGER_PAGE_SIZE,
	WORKERS = 4,
	USERS = 2,
	KILLS = 100,
	PAUSE_MAX_US = 20000,
	DEPTH = 8,   /* requests a worker has under way at most */
	TOKENS = 16, /* that lie about for others to take */
	PAGES = 16,
	FDS = 64,
};

#define BASE UINT64_C(0x10000000)

/* What workers give each other, across their deaths. */
static uint8_t (*tokens)[PAGER_TOKEN_SIZE];

static struct pager_spawn daemon_;
static int good;
static uint64_t space, child;

/* --- a worker ---------------------------------------------------------------
 */

/* Work until the connection or we end. */
static void work(int fd, struct noise *noise)
{
	static uint64_t packet[PAGER_MSG_MAX / 8];
	unsigned int under_way;
	size_t len;

	for (uint64_t seq = 0;;) {
		under_way = (unsigned int)(1 + rng_below(&noise->rng, DEPTH));
		for (unsigned int i = 0; i < under_way; i++) {
			len = noise_request(noise, packet, seq++);
			if (wire_send(fd, packet, len, NULL, 0))
				return;
		}
		while (under_way--) {
			noise_answer(noise, wire_answer(fd));
			if (wire_got.hdr.op == PAGER_OP_GIVE)
				memcpy(tokens[rng_below(&noise->rng, TOKENS)],
				       noise->token, sizeof(noise->token));
		}
		memcpy(noise->token, tokens[rng_below(&noise->rng, TOKENS)],
		       sizeof(noise->token));
		/* Now and then it leaves by itself. */
		if (rng_below(&noise->rng, 100) == 0)
			return;
	}
}

/* A worker is killed wherever it is: what it had half told to the test's own
 * framework, by a descriptor that they share, would garble what others say. */
static void mute(void)
{
	int null = open("/dev/null", O_RDWR);

	for (int fd = 3; fd < FDS; fd++)
		if (fd != null && fcntl(fd, F_GETFD) >= 0)
			dup2(null, fd);
}

static pid_t start_worker(unsigned int user, uint64_t seed)
{
	struct noise noise;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid)
		return pid;
	close(good);
	mute();
	wire_be(user);
	for (;; seed += 1000003) {
		int fd = wire_session(daemon_.socket);

		noise_init(&noise, seed, 3);
		work(fd, &noise);
		close(fd);
	}
}

/* --- one who is not to notice
 * -------------------------------------------------
 */

static void put(uint64_t of, unsigned int page, uint8_t value)
{
	struct pager_req_write in = {.space = of, .addr = BASE + page * PAGE};
	uint8_t data[PAGE];

	memset(data, value, sizeof(data));
	wire_ask(good, PAGER_OP_WRITE, 0, &in, sizeof(in), data, sizeof(data));
	wire_answer(good);
	ck_assert_uint_eq(wire_got.hdr.error, 0);
	ck_assert_uint_eq(wire_got.body.access.done, PAGE);
}

static void has(uint64_t of, unsigned int page, uint8_t value)
{
	struct pager_req_read in = {
	    .space = of, .addr = BASE + page * PAGE, .len = PAGE};
	uint8_t data[PAGE];

	memset(data, value, sizeof(data));
	ck_assert_uint_eq(wire_call(good, PAGER_OP_READ, &in, sizeof(in)), 0);
	ck_assert_uint_eq(wire_got.data_len, PAGE);
	ck_assert_int_eq(memcmp(wire_got.data, data, PAGE), 0);
}

static void good_begin(void)
{
	struct pager_req_map map = {.addr = BASE,
				    .len = PAGES * PAGE,
				    .prot = 3,
				    .flags = PAGER_MAP_FIXED};

	ck_assert_uint_eq(wire_call(good, PAGER_OP_SPACE_CREATE, NULL, 0), 0);
	map.space = space = wire_got.body.handle.handle;
	ck_assert_uint_eq(wire_call(good, PAGER_OP_MAP, &map, sizeof(map)), 0);
	for (unsigned int i = 0; i < PAGES; i++)
		put(space, i, (uint8_t)i);
	ck_assert_uint_eq(
	    wire_call(good, PAGER_OP_SPACE_FORK, &space, sizeof(space)), 0);
	child = wire_got.body.handle.handle;
}

/* The child writes a page in each round; the parent's stay as they were. */
static void good_round(unsigned int round)
{
	unsigned int page = round % PAGES;

	put(child, page, (uint8_t)(round + 100));
	has(child, page, (uint8_t)(round + 100));
	has(space, page, (uint8_t)page);
	has(space, (page + 5) % PAGES, (uint8_t)((page + 5) % PAGES));
}

/* --- the test ---------------------------------------------------------------
 */

static void end_worker(pid_t pid)
{
	int status;

	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
		      "a worker has ended with %#x by itself",
		      (unsigned int)status);
}

START_TEST(kill_at_random_moments)
{
	uint64_t seed = hunt_number("PAGER_SEED", 1);
	unsigned int kills = (unsigned int)hunt_number("PAGER_KILLS", KILLS);
	struct rng rng = rng_new(seed);
	struct pager_rep_stats before;
	pid_t workers[WORKERS];
	unsigned int fds;

	tokens = mmap(NULL, TOKENS * PAGER_TOKEN_SIZE, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(tokens, MAP_FAILED);
	wire_spawn_users(
	    &daemon_, "memory 16M\nnodes 2048\nmemory-block 2M\n"
		      "pool pond region 32M requested 8M\nlimit frames 1024\n"
		      "limit nodes 512\nlimit spaces 200\n"
		      "limit objects 200\nlimit regions 4000\n");
	good = wire_session(daemon_.socket);
	good_begin();
	before = wire_stats(good);
	fds = wire_fds_of(daemon_.pid);
	for (unsigned int i = 0; i < WORKERS; i++)
		workers[i] = start_worker(i % USERS, rng_next(&rng));
	for (unsigned int round = 0; round < kills; round++) {
		unsigned int victim = (unsigned int)rng_below(&rng, WORKERS);

		good_round(round);
		usleep((useconds_t)rng_below(&rng, PAUSE_MAX_US));
		end_worker(workers[victim]);
		workers[victim] = start_worker(victim % USERS, rng_next(&rng));
	}
	for (unsigned int i = 0; i < WORKERS; i++)
		end_worker(workers[i]);
	/* They did work. */
	ck_assert_uint_gt(wire_stats(good).requests,
			  before.requests + 10 * kills);
	ck_assert_uint_gt(wire_stats(good).spaces, 0);
	good_round(kills);
	wire_settle(good, 1);
	/* What it has itself has changed since. */
	ck_assert_uint_eq(
	    wire_call(good, PAGER_OP_SPACE_DESTROY, &child, sizeof(child)), 0);
	ck_assert_uint_eq(
	    wire_call(good, PAGER_OP_SPACE_FORK, &space, sizeof(space)), 0);
	wire_same(good, &before);
	ck_assert_uint_eq(wire_fds_of(daemon_.pid), fds);
	ck_assert_uint_eq(wire_stats(good).violations, 0);
	for (unsigned int i = 0; i < PAGES; i++)
		has(space, i, (uint8_t)i);
	close(good);
	wire_stop(&daemon_);
}
END_TEST

/* In the middle of a conversation: a request was sent and nobody waits for the
 * answer; many answers lie unread; a token is out. */
START_TEST(kill_with_everything_open)
{
	struct pager_rep_stats before;
	unsigned int fds;

	wire_spawn_users(&daemon_, "memory 16M\nnodes 2048\nmemory-block 2M\n"
				   "pool pond region 32M requested 8M\n");
	good = wire_session(daemon_.socket);
	before = wire_stats(good);
	fds = wire_fds_of(daemon_.pid);
	for (unsigned int i = 0; i < 8; i++) {
		struct pager_req_map map = {.addr = BASE,
					    .len = 256 * PAGE,
					    .prot = 3,
					    .flags = PAGER_MAP_FIXED |
						     PAGER_MAP_POPULATE};
		struct pager_req_read bytes = {.addr = BASE, .len = 15 * PAGE};
		int pair[2];
		pid_t pid;
		char byte;

		ck_assert_int_eq(pipe(pair), 0);
		pid = fork();
		ck_assert_int_ge(pid, 0);
		if (pid == 0) {
			uint64_t mine;
			int fd;

			close(good);
			wire_be(i % USERS);
			fd = wire_session(daemon_.socket);
			wire_call(fd, PAGER_OP_SPACE_CREATE, NULL, 0);
			mine = wire_got.body.handle.handle;
			map.space = bytes.space = mine;
			wire_call(fd, PAGER_OP_MAP, &map, sizeof(map));
			wire_call(fd, PAGER_OP_GIVE, &mine, sizeof(mine));
			for (unsigned int n = 0; n < i * 8; n++) {
				wire_ask(fd, PAGER_OP_SPACE_FORK, n, &mine,
					 sizeof(mine), NULL, 0);
				wire_ask(fd, PAGER_OP_READ, n, &bytes,
					 sizeof(bytes), NULL, 0);
				if (n == i)
					ck_assert_int_eq(
					    (int)write(pair[1], "", 1), 1);
			}
			ck_assert_int_eq((int)write(pair[1], "", 1), 1);
			for (;;)
				pause();
		}
		close(pair[1]);
		ck_assert_int_eq((int)read(pair[0], &byte, 1), 1);
		end_worker(pid);
		close(pair[0]);
	}
	wire_same(good, &before);
	ck_assert_uint_eq(wire_fds_of(daemon_.pid), fds);
	close(good);
	wire_stop(&daemon_);
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    kill_at_random_moments,
	    kill_with_everything_open,
	};

	return UNIT_RUN("kill9", tests);
}
