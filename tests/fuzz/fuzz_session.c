/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whole sessions over real sockets, through the event loop: clients of several
 * users come, send packets with and without descriptors, read or do not, hang
 * up halfway, and go, in any order (session_script.h). Every reply is one; a
 * client that reads is answered; and when all have gone there is nothing left
 * of them, descriptors included. The machine is new for each input, so that an
 * input does the same every time.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/conn.h"
#include "tests/support/looped.h"
#include "tests/support/serve.h"
#include "tests/support/session_script.h"
#include "tests/support/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int clients[SESSION_CLIENTS]; /* or -1 */
static int loot[3];		     /* descriptors to send */
static uint8_t token[PAGER_TOKEN_SIZE];
static uint64_t buffer[2 * PAGER_MSG_MAX / 8];

static void leave(int *client)
{
	if (*client >= 0)
		close(*client);
	*client = -1;
}

static void join(int *client, uint8_t who)
{
	static const uid_t users[] = {SERVE_ANN, SERVE_BEN, SERVE_ROOT};

	if (*client < 0)
		*client = who % 4 == SESSION_ACCEPT
			      ? looped_connect()
			      : looped_join(users[who % 4]);
}

/* A reply, or the end. */
static void check_reply(const uint8_t *bytes, size_t len)
{
	struct pager_answer answer;

	if (!pager_answer_decode(bytes, len, &answer))
		test_die("%zu bytes that are no reply", len);
	if (answer.hdr.error >= PAGER_ERROR_COUNT)
		test_die("%u is no error", answer.hdr.error);
	if (answer.hdr.nfds || answer.hdr.reserved)
		test_die("a reply with something in reserved fields");
	if (answer.hdr.error && answer.hdr.error != PAGER_EVERSION &&
	    len != PAGER_HDR_SIZE)
		test_die("a refusal of %zu bytes", len);
	if (!answer.hdr.error && answer.hdr.field)
		test_die("blame without an error");
	if (!answer.hdr.error && answer.hdr.op == PAGER_OP_GIVE)
		memcpy(token, answer.body.token.token, sizeof(token));
}

/* Up to so many; how many there were. */
static unsigned int read_replies(int fd, unsigned int most)
{
	unsigned int got = 0;
	ssize_t n;

	while (got < most && (n = recv(fd, buffer, PAGER_MSG_MAX, 0)) > 0) {
		check_reply((const uint8_t *)buffer, (size_t)n);
		got++;
	}
	return got;
}

static void send_packet(int fd, size_t len, unsigned int nfds)
{
	union {
		char bytes[CMSG_SPACE(SESSION_FDS * sizeof(int))];
		struct cmsghdr align;
	} control = {.bytes = {0}};
	struct iovec iov = {.iov_base = buffer, .iov_len = len};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *c;

	nfds %= SESSION_FDS + 1;
	if (nfds) {
		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		c = CMSG_FIRSTHDR(&message);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		for (unsigned int i = 0; i < nfds; i++)
			memcpy(CMSG_DATA(c) + i * sizeof(int), loot + i % 3,
			       sizeof(int));
	}
	/* There may be no room, or nobody there. */
	(void)!sendmsg(fd, &message, MSG_NOSIGNAL);
}

/* The packet of a SESSION_REQUEST, in the buffer; its length. */
static size_t make_request(const struct session_step *step)
{
	size_t len = pager_pad8(step->len);
	struct pager_hdr hdr = {0};
	uint8_t *bytes = (uint8_t *)buffer, all[PAGER_TOKEN_SIZE];

	if (len < PAGER_HDR_SIZE)
		len = PAGER_HDR_SIZE;
	memset(bytes, 0, len);
	memcpy(bytes, step->bytes, step->len);
	memcpy(&hdr, bytes, sizeof(hdr));
	hdr.length = (uint32_t)len;
	memcpy(bytes, &hdr, sizeof(hdr));
	memset(all, 0xff, sizeof(all));
	if (hdr.op == PAGER_OP_TAKE && len >= PAGER_HDR_SIZE + sizeof(token) &&
	    memcmp(bytes + PAGER_HDR_SIZE, all, sizeof(all)) == 0)
		memcpy(bytes + PAGER_HDR_SIZE, token, sizeof(token));
	return len;
}

static void take_step(const struct session_step *step)
{
	int *client = clients + step->who;

	if (step->what == SESSION_JOIN) {
		join(client, step->argument);
		return;
	}
	if (step->what == SESSION_TURN) {
		looped_turn();
		return;
	}
	if (*client < 0)
		return;
	switch (step->what) {
	case SESSION_RAW:
		memcpy(buffer, step->bytes, step->len);
		send_packet(*client, step->len, step->argument);
		break;
	case SESSION_REQUEST:
		send_packet(*client, make_request(step), step->argument);
		break;
	case SESSION_READ:
		looped_turn();
		read_replies(*client, step->argument);
		break;
	case SESSION_SHUT:
		shutdown(*client, step->argument % 3);
		break;
	case SESSION_LEAVE:
		leave(client);
		break;
	default:
		break;
	}
}

/* Everybody reads, over and over: one may wait for another's replies to be
 * read. Then nobody is owed anything. */
static void read_all(void)
{
	struct srv_conn *conn;
	bool more;

	do {
		more = false;
		looped_turn();
		for (unsigned int i = 0; i < SESSION_CLIENTS; i++)
			if (clients[i] >= 0 && read_replies(clients[i], 100))
				more = true;
	} while (more);
	TAILQ_FOREACH (conn, &looped.conns, link)
		if (srv_queue_pending(&conn->queue) || conn->held_back)
			test_die("a client that reads is not answered");
}

/* The first is what an operation that takes one may want. */
static void open_loot(void)
{
	loot[0] = memfd_create("loot", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (loot[0] < 0 || ftruncate(loot[0], (off_t)SERVE_MEMFD) < 0 ||
	    fcntl(loot[0], F_ADD_SEALS, F_SEAL_SHRINK) < 0)
		test_die("no memfd: %s", strerror(errno));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, loot + 1) < 0)
		test_die("no socketpair: %s", strerror(errno));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct session_step step;
	unsigned int fds;

	pager_log_setup("fuzz", PAGER_LOG_ERROR);
	memset(token, 0, sizeof(token));
	for (unsigned int i = 0; i < SESSION_CLIENTS; i++)
		clients[i] = -1;
	open_loot();
	looped_start("memory 1M\nnodes 256\nlimit spaces 32\n"
		     "memory-block 2M\n"
		     "pool pond region 32M requested 8M retry 1\n"
		     "limit queued 256K\n",
		     NULL);
	fds = looped_fds();
	while (session_next(&data, &size, &step))
		take_step(&step);
	read_all();
	for (unsigned int i = 0; i < SESSION_CLIENTS; i++)
		leave(clients + i);
	looped_turn();
	looped_idle();
	if (looped_fds() != fds)
		test_die("a descriptor is left");
	looped_end();
	for (unsigned int i = 0; i < 3; i++)
		close(loot[i]);
	return 0;
}
