/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What breaks the framing, sent to the daemon: it ends that connection and no
 * other, with a reason in the log, does nothing of what was asked, and keeps
 * nothing, file descriptors least of all.
 *
 * The daemon logs 20 such lines in 10 seconds; each test has a daemon of its
 * own and stays below that.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/unit.h"
#include "tests/support/wire.h"

enum { NFDS = 16, LOG_LINES = 20 };

static struct pager_spawn daemon_;
static int good; /* a session that does no wrong */
static struct pager_rep_stats before;
static unsigned int open_fds; /* the daemon's, as the kernel counts */
static unsigned int expected; /* violations so far */
static uint64_t packet[2 * PAGER_MSG_MAX / 8 + 32];

static struct pager_hdr *hdr(void)
{
	return (struct pager_hdr *)packet;
}

static void begin(void)
{
	wire_spawn(&daemon_, NULL);
	good = wire_session(daemon_.socket);
	before = wire_stats(good);
	open_fds = wire_fds_of(daemon_.pid);
	ck_assert_uint_eq(before.fds_open, open_fds);
	ck_assert_uint_eq(before.violations, 0);
	expected = 0;
}

static void end(void)
{
	wire_same(good, &before);
	ck_assert_uint_eq(wire_fds_of(daemon_.pid), open_fds);
	ck_assert_uint_eq(wire_stats(good).violations, expected);
	ck_assert_uint_eq(wire_logged(&daemon_, "dropped a connection"),
			  expected);
	ck_assert_uint_lt(expected, LOG_LINES);
	close(good);
	wire_stop(&daemon_);
}

/* The valid PING, as a packet of 40 bytes. */
static size_t ping(void)
{
	struct pager_req_ping body = {.cookie = 42};

	memset(packet, 0, sizeof(packet));
	return pager_request_encode(packet, sizeof(packet),
				    pager_op_find(PAGER_OP_PING), 1, &body,
				    sizeof(body), NULL, 0);
}

/* Send what stands in packet from a new connection, after HELLO or before it:
 * the connection ends, and the log says why. */
static void dropped_with(size_t len, const int *fds, unsigned int nfds,
			 bool hello, const char *why)
{
	unsigned int logged = wire_logged(&daemon_, why);
	int fd =
	    hello ? wire_session(daemon_.socket) : wire_connect(daemon_.socket);

	ck_assert_int_eq(wire_send(fd, packet, len, fds, nfds), 0);
	wire_hung_up(fd);
	close(fd);
	expected++;
	ck_assert_msg(wire_logged(&daemon_, why) == logged + 1, "not said: %s",
		      why);
	ck_assert_uint_eq(wire_stats(good).violations, expected);
	ck_assert_uint_eq(wire_logged(&daemon_, "dropped a connection"),
			  expected);
}

static void dropped(size_t len, const char *why)
{
	dropped_with(len, NULL, 0, true, why);
}

#define TRUNCATED "truncated message"
#define TOO_LONG  "message longer than 65536 bytes"
#define LENGTH	  "length field is not the packet's length"
#define ODD	  "length is not a multiple of 8"
#define FLAGS	  "unknown flag in the header"
#define FDS	  "wrong number of file descriptors"
#define DATA	  "data_len is more than the message has"

/* --- the header
 * ---------------------------------------------------------------
 */

START_TEST(packets_too_short_or_too_long)
{
	static const size_t lengths[] = {1, 8, 16, 31};
	static const size_t longer[] = {PAGER_MSG_MAX + 1, PAGER_MSG_MAX + 8,
					2 * PAGER_MSG_MAX};

	begin();
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		ping();
		dropped(lengths[i], TRUNCATED);
		dropped_with(lengths[i], NULL, 0, false, TRUNCATED);
	}
	for (size_t i = 0; i < sizeof(longer) / sizeof(*longer); i++) {
		ping();
		hdr()->length = (uint32_t)longer[i];
		dropped(longer[i], TOO_LONG);
		/* What is cut off could not be told from a message that ends
		 * there. */
		hdr()->length = PAGER_MSG_MAX;
		dropped(longer[i], TOO_LONG);
	}
	end();
}
END_TEST

START_TEST(lengths_that_are_not_the_packets)
{
	static const uint32_t lengths[] = {
	    0,	       31, 32, 39, 41, 48, PAGER_MSG_MAX, PAGER_MSG_MAX + 8,
	    UINT32_MAX};

	begin();
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		ping();
		hdr()->length = lengths[i];
		dropped(40, LENGTH);
	}
	for (uint32_t len = 33; len < 40; len++) {
		ping();
		hdr()->length = len;
		dropped(len, ODD);
	}
	end();
}
END_TEST

START_TEST(flags_of_the_header)
{
	static const uint16_t flags[] = {PAGER_HDR_REPLY, 2, 4, 0x8000,
					 UINT16_MAX};

	begin();
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		ping();
		hdr()->flags = flags[i];
		dropped(40, FLAGS);
	}
	dropped_with(40, NULL, 0, false, FLAGS);
	/* An operation that nobody knows is no excuse. */
	hdr()->op = 999;
	dropped(40, FLAGS);
	end();
}
END_TEST

/* The server's own replies, sent back. */
START_TEST(replies_to_the_server)
{
	static const unsigned int ops[] = {PAGER_OP_PING, PAGER_OP_STATS,
					   PAGER_OP_SPACE_LIST};
	size_t len;

	begin();
	for (size_t i = 0; i < 3; i++) {
		wire_ask(good, ops[i], 1, NULL, 0, NULL, 0);
		len = wire_receive(good, packet);
		dropped(len, FLAGS);
	}
	end();
}
END_TEST

START_TEST(more_data_than_there_is)
{
	static const uint32_t lengths[] = {9,
					   16,
					   PAGER_DATA_MAX,
					   PAGER_MSG_MAX,
					   INT32_MAX,
					   UINT32_MAX - 7,
					   UINT32_MAX - 6,
					   UINT32_MAX};

	begin();
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		ping();
		hdr()->data_len = lengths[i];
		dropped(40, DATA);
		hdr()->op = PAGER_OP_WRITE;
		dropped(40, DATA);
	}
	end();
}
END_TEST

/* --- file descriptors
 * ---------------------------------------------------------
 */

/* A descriptor of every kind; the daemon's own socket and the very connection
 * among them. */
static void open_all(int fds[NFDS], int connection)
{
	int pair[2];

	ck_assert_int_eq(pipe(pair), 0);
	fds[0] = pair[0];
	fds[1] = pair[1];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	fds[2] = pair[0];
	fds[3] = pair[1];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	fds[4] = pair[0];
	fds[5] = pair[1];
	fds[6] = memfd_create("test", 0);
	fds[7] = eventfd(0, 0);
	fds[8] = epoll_create1(0);
	fds[9] = open("/", O_PATH);
	fds[10] = open("/dev/null", O_RDWR);
	fds[11] = socket(AF_INET, SOCK_DGRAM, 0);
	fds[12] = dup(connection);
	fds[13] = wire_connect(daemon_.socket);
	fds[14] = dup(good);
	fds[15] = dup(2);
	for (int i = 0; i < NFDS; i++)
		if (fds[i] < 0)
			fds[i] = dup(2);
}

static void close_all(const int fds[NFDS])
{
	for (int i = 0; i < NFDS; i++)
		close(fds[i]);
}

/* nfds of all kinds with a PING that says said; the connection ends. */
static void dropped_fds(unsigned int nfds, unsigned int said)
{
	int fd = wire_session(daemon_.socket), fds[NFDS];

	open_all(fds, fd);
	ping();
	hdr()->nfds = (uint16_t)said;
	ck_assert_int_eq(wire_send(fd, packet, 40, fds, nfds), 0);
	close_all(fds);
	wire_hung_up(fd);
	close(fd);
	expected++;
	ck_assert_uint_eq(wire_logged(&daemon_, FDS), expected);
	ck_assert_uint_eq(wire_stats(good).violations, expected);
}

START_TEST(descriptors_that_an_operation_does_not_take)
{
	begin();
	/* As many as said, and more or fewer. */
	for (unsigned int n = 1; n <= PAGER_FDS_MAX; n++)
		dropped_fds(n, n);
	for (unsigned int n = 1; n <= PAGER_FDS_MAX; n += 3)
		dropped_fds(n, 0);
	dropped_fds(0, 1);
	dropped_fds(3, 2);
	dropped_fds(0, UINT16_MAX);
	end();
}
END_TEST

START_TEST(more_descriptors_than_a_message_may_have)
{
	begin();
	for (unsigned int n = PAGER_FDS_MAX + 1; n <= NFDS; n++) {
		dropped_fds(n, n);
		dropped_fds(n, PAGER_FDS_MAX);
	}
	end();
}
END_TEST

/* Of each kind, eight at once. */
START_TEST(descriptors_of_every_kind)
{
	begin();
	for (int kind = 0; kind < NFDS; kind++) {
		int fd = wire_session(daemon_.socket), all[NFDS];
		int same[PAGER_FDS_MAX];

		open_all(all, fd);
		for (unsigned int i = 0; i < PAGER_FDS_MAX; i++)
			same[i] = all[kind];
		ping();
		hdr()->nfds = PAGER_FDS_MAX;
		ck_assert_int_eq(wire_send(fd, packet, 40, same, PAGER_FDS_MAX),
				 0);
		close_all(all);
		wire_hung_up(fd);
		close(fd);
		expected++;
	}
	end();
}
END_TEST

/* An operation nobody knows may have any number: it is refused by form, and
 * what came with it is closed, while the connection stays. */
START_TEST(descriptors_of_an_unknown_operation)
{
	int fd, pair[2];
	uint8_t byte;

	begin();
	fd = wire_session(daemon_.socket);
	for (unsigned int n = 0; n <= PAGER_FDS_MAX; n++) {
		int fds[PAGER_FDS_MAX];

		ck_assert_int_eq(pipe(pair), 0);
		for (unsigned int i = 0; i < PAGER_FDS_MAX; i++)
			fds[i] = pair[1];
		ping();
		hdr()->op = 999;
		hdr()->nfds = (uint16_t)n;
		ck_assert_int_eq(wire_send(fd, packet, 40, fds, n), 0);
		close(pair[1]);
		wire_answer(fd);
		ck_assert_uint_eq(wire_got.hdr.error, PAGER_ENOSYS);
		/* Nobody holds the end that writes any more. */
		ck_assert_int_eq(read(pair[0], &byte, 1), 0);
		close(pair[0]);
	}
	ck_assert_uint_eq(wire_call(fd, PAGER_OP_PING, NULL, 0), 0);
	close(fd);
	end();
}
END_TEST

/* Packets before a violation are served, those behind it are not looked at,
 * and the descriptors of all of them are closed. */
START_TEST(descriptors_in_a_burst)
{
	struct pager_req_space_create create = {.name = "never"};
	int fd, pair[2];
	uint8_t byte;

	begin();
	ck_assert_int_eq(pipe(pair), 0);
	fd = wire_session(daemon_.socket);
	for (unsigned int i = 0; i < 8; i++) {
		ping();
		hdr()->seq = i;
		if (i == 2) {
			hdr()->op = 999;
			hdr()->nfds = 1;
		}
		if (i == 5)
			hdr()->flags = 1;
		if (i == 6)
			pager_request_encode(
			    packet, sizeof(packet),
			    pager_op_find(PAGER_OP_SPACE_CREATE), i, &create,
			    sizeof(create), NULL, 0);
		/* The daemon may have hung up by then. */
		if (wire_send(fd, packet, hdr()->length, pair + 1,
			      i == 2 || i > 5) < 0)
			ck_assert(i > 5 && errno == EPIPE);
	}
	close(pair[1]);
	for (unsigned int i = 0; i < 5; i++) {
		wire_answer(fd);
		ck_assert_uint_eq(wire_got.hdr.seq, i);
		ck_assert_uint_eq(wire_got.hdr.error,
				  i == 2 ? PAGER_ENOSYS : PAGER_OK);
	}
	wire_hung_up(fd);
	expected++;
	/* Those the daemon had not taken in are gone with the connection. */
	close(fd);
	ck_assert_int_eq(read(pair[0], &byte, 1), 0);
	close(pair[0]);
	end();
}
END_TEST

/* Of one that takes a descriptor: one, and no other number. With the right one
 * it is a matter of what is asked for, and whatever the answer is, nothing is
 * kept. */
START_TEST(descriptors_that_an_operation_takes)
{
	static const unsigned int ops[] = {PAGER_OP_DIRTY_GET_FD,
					   PAGER_OP_DIRTY_RING};
	uint64_t body[8] = {0};
	int fd, pair[2], fds[PAGER_FDS_MAX];
	uint8_t byte;
	size_t len;

	begin();
	for (unsigned int op = 0; op < 2; op++) {
		for (unsigned int n = 0; n <= PAGER_FDS_MAX; n++) {
			ck_assert_int_eq(pipe(pair), 0);
			for (unsigned int i = 0; i < PAGER_FDS_MAX; i++)
				fds[i] = pair[1];
			memset(packet, 0, sizeof(packet));
			len = pager_request_encode(
			    packet, sizeof(packet), pager_op_find(ops[op]), 1,
			    body, pager_op_find(ops[op])->request->size, NULL,
			    0);
			hdr()->nfds = (uint16_t)n;
			if (n != 1) {
				dropped_with(len, fds, n, n % 2 == 0, FDS);
				close(pair[1]);
				ck_assert_int_eq(read(pair[0], &byte, 1), 0);
				close(pair[0]);
				continue;
			}
			fd = wire_connect(daemon_.socket);
			ck_assert_int_eq(wire_send(fd, packet, len, fds, 1), 0);
			ck_assert_uint_eq(wire_answer(fd)->hdr.error,
					  PAGER_EHELLO);
			close(fd);
			fd = wire_session(daemon_.socket);
			ck_assert_int_eq(wire_send(fd, packet, len, fds, 1), 0);
			ck_assert_uint_eq(wire_answer(fd)->hdr.error,
					  PAGER_ENOENT);
			/* By form. */
			hdr()->reserved = 1;
			ck_assert_int_eq(wire_send(fd, packet, len, fds, 1), 0);
			ck_assert_uint_eq(wire_answer(fd)->hdr.error,
					  PAGER_ERESERVED);
			close(pair[1]);
			ck_assert_int_eq(read(pair[0], &byte, 1), 0);
			close(pair[0]);
			close(fd);
		}
	}
	end();
}
END_TEST

/* --- batches
 * ------------------------------------------------------------------
 */

/* A BATCH that makes a space, then has a message of len bytes that a caller
 * has bent. */
static size_t batch(const struct pager_hdr *inner, size_t len)
{
	struct pager_req_batch body = {.count = 2};
	static uint8_t data[1024];
	size_t at;

	memset(data, 0, sizeof(data));
	at = pager_request_encode(data, sizeof(data),
				  pager_op_find(PAGER_OP_SPACE_CREATE), 1, NULL,
				  0, NULL, 0);
	memcpy(data + at, inner, len < sizeof(*inner) ? len : sizeof(*inner));
	memset(packet, 0, sizeof(packet));
	return pager_request_encode(packet, sizeof(packet),
				    pager_op_find(PAGER_OP_BATCH), 1, &body,
				    sizeof(body), data, at + len);
}

START_TEST(broken_messages_in_a_batch)
{
	const struct pager_hdr fine = {.length = 40, .op = PAGER_OP_PING};
	static const uint32_t lengths[] = {0, 8, 31, 48, 36, UINT32_MAX};
	struct pager_hdr inner;

	begin();
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		inner = fine;
		inner.length = lengths[i];
		dropped(batch(&inner, 40), LENGTH);
	}
	/* Bytes that are no message any more. */
	for (size_t len = 1; len < PAGER_HDR_SIZE; len += 10)
		dropped(batch(&fine, len), LENGTH);
	inner = fine;
	inner.flags = PAGER_HDR_REPLY;
	dropped(batch(&inner, 40), FLAGS);
	inner = fine;
	inner.nfds = 1;
	dropped(batch(&inner, 40), FDS);
	inner = fine;
	inner.data_len = 9;
	dropped(batch(&inner, 40), DATA);
	inner.data_len = UINT32_MAX;
	dropped(batch(&inner, 40), DATA);
	end();
}
END_TEST

/* A message inside that is itself broken inside is not even decoded: a batch
 * in a batch is refused for what it is. */
START_TEST(batches_in_a_batch)
{
	struct pager_hdr inner = {.length = 40, .op = PAGER_OP_BATCH};
	size_t len, at;
	int fd;

	begin();
	fd = wire_session(daemon_.socket);
	len = batch(&inner, 40);
	ck_assert_int_eq(wire_send(fd, packet, len, NULL, 0), 0);
	wire_answer(fd);
	ck_assert_uint_eq(wire_got.hdr.error, 0);
	ck_assert_uint_eq(wire_got.body.batch.failed, 1);
	ck_assert_uint_eq(wire_got.body.batch.first, 1);
	at = wire_got.data_len - PAGER_HDR_SIZE;
	memcpy(&inner, wire_got.data + at, sizeof(inner));
	ck_assert_uint_eq(inner.error, PAGER_EBATCH);
	ck_assert_uint_eq(inner.field, offsetof(struct pager_hdr, op));
	close(fd);
	end();
}
END_TEST

/* --- ends that are no violations
 * ----------------------------------------------
 */

START_TEST(a_packet_of_no_bytes_is_the_end)
{
	int fd;

	begin();
	fd = wire_session(daemon_.socket);
	for (int i = 0; i < 3; i++) {
		ping();
		ck_assert_int_eq(wire_send(fd, packet, 40, NULL, 0), 0);
	}
	ck_assert_int_eq(wire_send(fd, packet, 0, NULL, 0), 0);
	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq(wire_answer(fd)->hdr.error, 0);
	wire_hung_up(fd);
	close(fd);
	end();
}
END_TEST

START_TEST(half_a_connection)
{
	int fd;

	begin();
	fd = wire_session(daemon_.socket);
	for (int i = 0; i < 100; i++) {
		ping();
		ck_assert_int_eq(wire_send(fd, packet, 40, NULL, 0), 0);
	}
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	for (int i = 0; i < 100; i++)
		ck_assert_uint_eq(wire_answer(fd)->hdr.error, 0);
	wire_hung_up(fd);
	close(fd);
	/* And the other half: nothing can be answered. */
	fd = wire_session(daemon_.socket);
	ck_assert_int_eq(shutdown(fd, SHUT_RD), 0);
	ping();
	wire_send(fd, packet, 40, NULL, 0);
	wire_settle(good, 1);
	close(fd);
	end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    packets_too_short_or_too_long,
	    lengths_that_are_not_the_packets,
	    flags_of_the_header,
	    replies_to_the_server,
	    more_data_than_there_is,
	    descriptors_that_an_operation_does_not_take,
	    more_descriptors_than_a_message_may_have,
	    descriptors_of_every_kind,
	    descriptors_of_an_unknown_operation,
	    descriptors_that_an_operation_takes,
	    descriptors_in_a_burst,
	    broken_messages_in_a_batch,
	    batches_in_a_batch,
	    a_packet_of_no_bytes_is_the_end,
	    half_a_connection,
	};

	return UNIT_RUN("violations", tests);
}
