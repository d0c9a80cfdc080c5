/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two hostile clients beside a good one. They send noise, broken packets and
 * descriptors, guess handles, do not read, hang up in the middle, and come in
 * crowds; the good one's memory stays what it is and its work goes on. When
 * they are gone nothing of theirs is left.
 *
 * As root they are users of their own, who know the good one's handles; else
 * they are the daemon's own user, an admin, and do not guess.
 *
 * PAGER_SEED and PAGER_STEPS choose another run.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/hunt.h"
#include "tests/support/noise.h"
#include "tests/support/unit.h"
#include "tests/support/wire.h"

enum {
	PAGE = PAGER_PAGE_SIZE,
	HOSTILE = 2,
	STEPS = 1500, /* connections of each */
	PACKETS = 24, /* on one connection, at most */
	CROWD = 20,
	NONSENSE = 35,
	GROWTH_KIB = 65536,
	ROUNDS = 100, /* of good work, at least */
	PAGES = 8,
};

#define BASE UINT64_C(0x10000000)

static struct pager_spawn daemon_;
static int good;
static bool strangers;	    /* the hostile ones are no admins */
static uint64_t handles[3]; /* the good one's: a space, a child, an object */

/* --- a hostile one
 * ------------------------------------------------------------
 */

struct villain {
	struct rng rng;
	struct noise noise;
	int fd;
	uint64_t packet[PAGER_MSG_MAX / 4];
	int loot[4]; /* descriptors to send */
};

static uint64_t below(struct villain *v, uint64_t n)
{
	return rng_below(&v->rng, n);
}

/* Read what is there, without waiting; learn handles from it. */
static void skim(struct villain *v)
{
	static uint64_t buf[PAGER_MSG_MAX / 8];
	struct pager_answer answer;
	ssize_t n;

	while ((n = recv(v->fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0) {
		ck_assert(pager_answer_decode(buf, (size_t)n, &answer));
		noise_answer(&v->noise, &answer);
	}
}

/* Spoil a packet: bytes of it, of its header, its length. */
static size_t spoil(struct villain *v, size_t len)
{
	uint8_t *bytes = (uint8_t *)v->packet;

	switch (below(v, 5)) {
	case 0:
		for (uint64_t i = below(v, 8); i < 8; i++)
			bytes[below(v, len)] = (uint8_t)below(v, 256);
		return len;
	case 1:
		bytes[below(v, PAGER_HDR_SIZE)] ^= (uint8_t)(1 << below(v, 8));
		return len;
	case 2:
		return below(v, len + 1);
	case 3:
		for (size_t i = 0; i < 64; i++)
			v->packet[i] = rng_next(&v->rng);
		return below(v, 512);
	default:
		return PAGER_MSG_MAX + 1 + below(v, 4096);
	}
}

/* One packet, of any kind. False: the connection is over. */
static bool attack(struct villain *v)
{
	size_t len = noise_request(&v->noise, v->packet, rng_next(&v->rng));
	struct pager_hdr *hdr = (struct pager_hdr *)v->packet;
	unsigned int nfds = 0;
	int fds[32];

	if (below(v, 20) == 0)
		len = spoil(v, len);
	if (below(v, 20) == 0) {
		nfds = (unsigned int)below(v, 32);
		for (unsigned int i = 0; i < nfds; i++)
			fds[i] = below(v, 8) ? v->loot[below(v, 4)] : v->fd;
		/* Sometimes it is what the header says. */
		if (below(v, 2)) {
			hdr->nfds = (uint16_t)nfds;
			hdr->op = below(v, 2) ? hdr->op : 777;
		}
	}
	if (wire_send(v->fd, v->packet, len, fds, nfds) < 0)
		return errno == EAGAIN || errno == EMSGSIZE ||
		       errno == ETOOMANYREFS;
	return true;
}

static void crowd(struct villain *v)
{
	int fds[CROWD];

	for (int i = 0; i < CROWD; i++) {
		fds[i] = wire_try(daemon_.socket);
		if (fds[i] >= 0 && below(v, 2))
			wire_send(fds[i], v->packet, below(v, 64), NULL, 0);
	}
	for (int i = 0; i < CROWD; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static void leave(struct villain *v)
{
	switch (below(v, 4)) {
	case 0:
		shutdown(v->fd, SHUT_WR);
		usleep((useconds_t)below(v, 1000));
		skim(v);
		break;
	case 1:
		shutdown(v->fd, SHUT_RD);
		attack(v);
		break;
	case 2:
		skim(v);
		break;
	default:
		break;
	}
	close(v->fd);
}

/* One connection: HELLO or not, then anything, read or unread. */
static void visit(struct villain *v)
{
	struct pager_req_hello hello = {PAGER_MAGIC, PAGER_VERSION_MAJOR,
					PAGER_VERSION_MINOR, PAGER_FEATURES};
	uint64_t reads = below(v, 3), packets = below(v, PACKETS);

	v->fd = wire_try(daemon_.socket);
	ck_assert_int_ge(v->fd, 0);
	ck_assert_int_eq(fcntl(v->fd, F_SETFL, O_NONBLOCK), 0);
	noise_init(&v->noise, rng_next(&v->rng), NONSENSE);
	if (strangers) {
		v->noise.foreign = handles;
		v->noise.foreign_count = 3;
	}
	if (below(v, 8)) {
		size_t len = pager_request_encode(
		    v->packet, sizeof(v->packet), pager_op_find(PAGER_OP_HELLO),
		    0, &hello, sizeof(hello), NULL, 0);

		wire_send(v->fd, v->packet, len, NULL, 0);
	}
	while (packets-- && attack(v)) {
		if (reads == 0 || below(v, reads * 8) == 0) {
			wire_readable(v->fd, 1);
			skim(v);
		}
	}
	leave(v);
}

static pid_t start_villain(unsigned int user, uint64_t seed, uint64_t steps)
{
	static struct villain v;
	int pair[2];
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid)
		return pid;
	close(good);
	wire_be(user);
	v.rng = rng_new(seed);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	v.loot[0] = pair[0];
	v.loot[1] = memfd_create("loot", MFD_CLOEXEC);
	v.loot[2] = eventfd(0, EFD_CLOEXEC);
	v.loot[3] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	while (steps--) {
		visit(&v);
		if (below(&v, 50) == 0)
			crowd(&v);
	}
	_exit(0);
}

/* --- the good one
 * -------------------------------------------------------------
 */

static void transfer(uint64_t space, unsigned int page, uint8_t value,
		     bool write)
{
	struct pager_req_write out = {.space = space,
				      .addr = BASE + page * PAGE};
	struct pager_req_read in = {
	    .space = space, .addr = BASE + page * PAGE, .len = PAGE};
	uint8_t data[PAGE];

	memset(data, value, sizeof(data));
	if (write)
		wire_ask(good, PAGER_OP_WRITE, 0, &out, sizeof(out), data,
			 PAGE);
	else
		wire_ask(good, PAGER_OP_READ, 0, &in, sizeof(in), NULL, 0);
	wire_answer(good);
	ck_assert_uint_eq(wire_got.hdr.error, 0);
	ck_assert_uint_eq(wire_got.body.access.done, PAGE);
	if (!write)
		ck_assert_int_eq(memcmp(wire_got.data, data, PAGE), 0);
}

static void good_begin(void)
{
	struct pager_req_object_create create = {.size = PAGES * PAGE};
	struct pager_req_map map = {.addr = BASE,
				    .len = PAGES * PAGE,
				    .prot = 3,
				    .flags = PAGER_MAP_FIXED};

	ck_assert_uint_eq(wire_call(good, PAGER_OP_SPACE_CREATE, NULL, 0), 0);
	map.space = handles[0] = wire_got.body.handle.handle;
	ck_assert_uint_eq(
	    wire_call(good, PAGER_OP_OBJECT_CREATE, &create, sizeof(create)),
	    0);
	map.object = handles[2] = wire_got.body.handle.handle;
	ck_assert_uint_eq(wire_call(good, PAGER_OP_MAP, &map, sizeof(map)), 0);
	for (unsigned int i = 0; i < PAGES; i++)
		transfer(handles[0], i, (uint8_t)(i + 1), true);
	ck_assert_uint_eq(
	    wire_call(good, PAGER_OP_SPACE_FORK, handles, sizeof(handles[0])),
	    0);
	handles[1] = wire_got.body.handle.handle;
	for (unsigned int i = 0; i < PAGES; i++)
		transfer(handles[1], i, (uint8_t)(i + 101), true);
}

/* A day's work: fork, write there, look, destroy. */
static void good_round(unsigned int round)
{
	struct pager_rep_space_info info;
	unsigned int page = round % PAGES;
	uint64_t child;

	ck_assert_uint_eq(
	    wire_call(good, PAGER_OP_SPACE_FORK, handles, sizeof(handles[0])),
	    0);
	child = wire_got.body.handle.handle;
	transfer(child, page, (uint8_t)(round + 50), true);
	transfer(child, page, (uint8_t)(round + 50), false);
	transfer(handles[0], page, (uint8_t)(page + 1), false);
	transfer(handles[1], page, (uint8_t)(page + 101), false);
	ck_assert_uint_eq(
	    wire_call(good, PAGER_OP_SPACE_INFO, &child, sizeof(child)), 0);
	info = wire_got.body.space_info;
	ck_assert_uint_eq(info.resident_bytes, PAGES * PAGE);
	ck_assert_uint_eq(info.regions, 1);
	ck_assert_uint_eq(
	    wire_call(good, PAGER_OP_SPACE_DESTROY, &child, sizeof(child)), 0);
}

/* --- the test ---------------------------------------------------------------
 */

/* How many of them are still at it. */
static unsigned int still_there(pid_t pids[HOSTILE])
{
	unsigned int n = 0;
	int status;

	for (unsigned int i = 0; i < HOSTILE; i++) {
		if (pids[i] && waitpid(pids[i], &status, WNOHANG) == pids[i]) {
			ck_assert_int_eq(status, 0);
			pids[i] = 0;
		}
		n += pids[i] != 0;
	}
	return n;
}

/* The log is text for people, whatever clients have sent. */
static void log_is_text(void)
{
	char path[PAGER_SPAWN_PATH_MAX + 8];
	unsigned int lines = 0;
	FILE *file;
	int c;

	snprintf(path, sizeof(path), "%s/log", daemon_.dir);
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	while ((c = fgetc(file)) != EOF) {
		ck_assert_msg(c == '\n' || (c >= ' ' && c <= '~'),
			      "byte %#x in the log", (unsigned int)c);
		lines += c == '\n';
	}
	fclose(file);
	/* And there is no more of it than the limit lets through. */
	ck_assert_uint_lt(lines, 1000);
}

START_TEST(two_hostile_and_one_good)
{
	uint64_t seed = hunt_number("PAGER_SEED", 1), memory;
	uint64_t steps = hunt_number("PAGER_STEPS", STEPS);
	struct pager_rep_stats before, after;
	unsigned int fds, round = 0;
	pid_t villains[HOSTILE];

	wire_spawn_users(
	    &daemon_, "memory 16M\nnodes 2048\nmemory-block 2M\n"
		      "pool pond region 32M requested 8M\nlimit frames 1024\n"
		      "limit nodes 512\nlimit spaces 100\n"
		      "limit objects 100\nlimit regions 2000\n");
	good = wire_session(daemon_.socket);
	good_begin();
	before = wire_stats(good);
	fds = wire_fds_of(daemon_.pid);
	memory = wire_memory_of(daemon_.pid);
	for (unsigned int i = 0; i < HOSTILE; i++)
		villains[i] = start_villain(i, seed * HOSTILE + i, steps);
	while (still_there(villains) || round < ROUNDS)
		good_round(round++);
	wire_same(good, &before);
	after = wire_stats(good);
	ck_assert_uint_eq(wire_fds_of(daemon_.pid), fds);
	ck_assert_uint_lt(wire_memory_of(daemon_.pid), memory + GROWTH_KIB);
	/* There was something to withstand. */
	ck_assert_uint_gt(after.violations, steps / 20);
	ck_assert_uint_gt(after.refusals, steps);
	ck_assert_uint_gt(after.requests - after.refusals, steps);
	for (unsigned int i = 0; i < PAGES; i++) {
		transfer(handles[0], i, (uint8_t)(i + 1), false);
		transfer(handles[1], i, (uint8_t)(i + 101), false);
	}
	log_is_text();
	close(good);
	wire_stop(&daemon_);
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    two_hostile_and_one_good,
	};

	return UNIT_RUN("hostile", tests);
}
