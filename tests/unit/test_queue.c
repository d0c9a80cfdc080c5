/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Replies that wait, packets that come in with file descriptors, and the log's
 * limit and escape.
 */
#include "server/queue.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "server/receive.h"
#include "tests/support/unit.h"

static int pair[2];

static void open_pair(void)
{
	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
}

static void close_pair(void)
{
	close(pair[0]);
	close(pair[1]);
}

static void push(struct srv_queue *q, uint32_t len, uint8_t mark)
{
	struct pager_hdr hdr = {.length = len, .seq = mark};

	ck_assert_uint_ge(srv_queue_room(q), 1);
	memset(srv_queue_tail(q), mark, len);
	memcpy(srv_queue_tail(q), &hdr, sizeof(hdr));
	srv_queue_push(q, len);
}

/* The length of the next packet, whose mark must be that. */
static size_t pull(uint8_t mark)
{
	static uint8_t buf[PAGER_MSG_MAX];
	ssize_t n = recv(pair[1], buf, sizeof(buf), MSG_DONTWAIT);

	if (n < 0)
		return 0;
	ck_assert_uint_eq(buf[8], mark);
	if ((size_t)n > PAGER_HDR_SIZE)
		ck_assert_uint_eq(buf[n - 1], mark);
	return (size_t)n;
}

START_TEST(replies_leave_whole_and_in_order)
{
	struct srv_queue q;

	open_pair();
	ck_assert_int_eq(srv_queue_init(&q), 0);
	ck_assert_int_eq(srv_queue_flush(&q, pair[0]), 0);
	push(&q, 32, 1);
	ck_assert_int_eq(srv_queue_flush(&q, pair[0]), 0);
	ck_assert_uint_eq(pull(1), 32);
	for (uint8_t i = 0; i < 40; i++)
		push(&q, 32 + 8u * i, i);
	ck_assert_int_eq(srv_queue_flush(&q, pair[0]), 0);
	for (uint8_t i = 0; i < 40; i++)
		ck_assert_uint_eq(pull(i), 32 + 8u * i);
	ck_assert_uint_eq(srv_queue_pending(&q), 0);
	srv_queue_fini(&q);
	close_pair();
}
END_TEST

START_TEST(who_does_not_read_fills_the_queue_and_loses_nothing)
{
	struct srv_queue q;
	uint8_t sent = 0, got = 0;

	open_pair();
	ck_assert_int_eq(srv_queue_init(&q), 0);
	for (int round = 0; round < 3; round++) {
		while (srv_queue_room(&q)) {
			push(&q, PAGER_MSG_MAX - 8u * (sent % 5), sent);
			sent++;
			ck_assert_int_eq(srv_queue_flush(&q, pair[0]), 0);
		}
		ck_assert_uint_gt(srv_queue_pending(&q),
				  SRV_QUEUE_BYTES - 2 * PAGER_MSG_MAX);
		/* One is read; there is room again, when it was sent on. */
		for (int i = 0; i < 4; i++) {
			ck_assert_uint_eq(pull(got),
					  PAGER_MSG_MAX - 8u * (got % 5));
			got++;
			ck_assert_int_eq(srv_queue_flush(&q, pair[0]), 0);
		}
	}
	while (got < sent) {
		ck_assert_uint_eq(pull(got), PAGER_MSG_MAX - 8u * (got % 5));
		got++;
		ck_assert_int_eq(srv_queue_flush(&q, pair[0]), 0);
	}
	ck_assert_uint_eq(srv_queue_pending(&q), 0);
	srv_queue_fini(&q);
	close_pair();
}
END_TEST

START_TEST(nobody_there_is_an_error)
{
	struct srv_queue q;

	open_pair();
	close(pair[1]);
	ck_assert_int_eq(srv_queue_init(&q), 0);
	push(&q, 32, 1);
	ck_assert_int_eq(srv_queue_flush(&q, pair[0]), -1);
	srv_queue_fini(&q);
	close(pair[0]);
}
END_TEST

/* Descriptors this process has open. */
static unsigned int count_fds(void)
{
	unsigned int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void send_with_fds(size_t len, unsigned int fds)
{
	static const uint8_t bytes[PAGER_MSG_MAX + 8];
	union {
		char bytes[CMSG_SPACE(64 * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = {(void *)bytes, len};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *c;
	int fd[64];

	if (fds) {
		memset(&control, 0, sizeof(control));
		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(fds * sizeof(int));
		c = CMSG_FIRSTHDR(&message);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(fds * sizeof(int));
		for (unsigned int i = 0; i < fds; i++)
			fd[i] = pair[0];
		memcpy(CMSG_DATA(c), fd, fds * sizeof(int));
	}
	ck_assert_int_eq(sendmsg(pair[1], &message, 0), (ssize_t)len);
}

START_TEST(descriptors_come_with_their_packet_and_go_with_it)
{
	static const unsigned int fds[] = {0, 1, 8, 9, 64, 0};
	struct srv_packet packets[SRV_BURST];
	unsigned int before;
	uint8_t *buf;
	int n;

	buf = mmap(NULL, SRV_BURST * PAGER_MSG_MAX, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert(buf != MAP_FAILED);
	open_pair();
	before = count_fds();
	for (unsigned int i = 0; i < 6; i++)
		send_with_fds(40 + 8 * i, fds[i]);
	n = srv_receive(pair[0], buf, packets, SRV_BURST);
	ck_assert_int_eq(n, 6);
	for (int i = 0; i < n; i++) {
		ck_assert_uint_eq(packets[i].len, 40 + 8 * (size_t)i);
		ck_assert_uint_eq(packets[i].nfds, fds[i] < 8 ? fds[i] : 8);
		ck_assert_uint_eq(packets[i].fds_lost, fds[i] > 8);
		ck_assert(!packets[i].truncated);
		for (unsigned int f = 0; f < packets[i].nfds; f++)
			ck_assert_int_eq(fcntl(packets[i].fds[f], F_GETFD),
					 FD_CLOEXEC);
	}
	ck_assert_uint_eq(count_fds(), before + 1 + 3 * 8);
	/* Taken: no longer the packet's. */
	close(packets[1].fds[0]);
	packets[1].fds[0] = -1;
	srv_receive_done(packets, (unsigned int)n);
	ck_assert_uint_eq(count_fds(), before);
	close_pair();
	munmap(buf, SRV_BURST * PAGER_MSG_MAX);
}
END_TEST

START_TEST(long_packets_and_the_end_are_told_apart)
{
	struct srv_packet packets[SRV_BURST];
	uint8_t *buf;

	buf = mmap(NULL, SRV_BURST * PAGER_MSG_MAX, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert(buf != MAP_FAILED);
	open_pair();
	ck_assert_int_eq(srv_receive(pair[0], buf, packets, 1), -1);
	ck_assert_int_eq(errno, EAGAIN);
	send_with_fds(PAGER_MSG_MAX, 0);
	send_with_fds(PAGER_MSG_MAX + 8, 0);
	ck_assert_int_eq(srv_receive(pair[0], buf, packets, 2), 2);
	ck_assert(!packets[0].truncated);
	ck_assert_uint_eq(packets[0].len, PAGER_MSG_MAX);
	ck_assert(packets[1].truncated);
	shutdown(pair[1], SHUT_WR);
	ck_assert_int_ge(srv_receive(pair[0], buf, packets, 2), 1);
	ck_assert_uint_eq(packets[0].len, 0);
	close_pair();
	munmap(buf, SRV_BURST * PAGER_MSG_MAX);
}
END_TEST

START_TEST(the_log_lets_a_burst_through_and_counts_the_rest)
{
	struct pager_log_limit limit = {0};
	uint32_t lost = 77;

	for (unsigned int i = 0; i < PAGER_LOG_BURST; i++) {
		ck_assert(pager_log_allow(&limit, 5000 + i, &lost));
		ck_assert_uint_eq(lost, 0);
	}
	for (unsigned int i = 0; i < 5; i++)
		ck_assert(!pager_log_allow(&limit, 6000, &lost));
	ck_assert(
	    !pager_log_allow(&limit, 5000 + PAGER_LOG_WINDOW_MS - 1, &lost));
	ck_assert(pager_log_allow(&limit, 5000 + PAGER_LOG_WINDOW_MS, &lost));
	ck_assert_uint_eq(lost, 6);
	ck_assert(pager_log_allow(&limit, 5001 + PAGER_LOG_WINDOW_MS, &lost));
	ck_assert_uint_eq(lost, 0);
}
END_TEST

START_TEST(foreign_text_is_escaped)
{
	char buf[PAGER_LOG_ESCAPE], text[100];

	ck_assert_str_eq(pager_log_escape(buf, "plain text", 48), "plain text");
	ck_assert_str_eq(pager_log_escape(buf, "a\nb\tc\\d", 48),
			 "a\\nb\\tc\\\\d");
	ck_assert_str_eq(pager_log_escape(buf, "\x1b[2J", 4), "\\^[[2J");
	ck_assert_str_eq(pager_log_escape(buf, "no end", 2), "no");
	memset(text, 0xff, sizeof(text));
	pager_log_escape(buf, text, sizeof(text));
	ck_assert_uint_le(strlen(buf), 4 * PAGER_LOG_TEXT);
	for (const char *c = buf; *c; c++)
		ck_assert(*c > ' ' && *c < 0x7f);
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    replies_leave_whole_and_in_order,
	    who_does_not_read_fills_the_queue_and_loses_nothing,
	    nobody_there_is_an_error,
	    descriptors_come_with_their_packet_and_go_with_it,
	    long_packets_and_the_end_are_told_apart,
	    the_log_lets_a_burst_through_and_counts_the_rest,
	    foreign_text_is_escaped,
	};

	return UNIT_RUN("queue", tests);
}
