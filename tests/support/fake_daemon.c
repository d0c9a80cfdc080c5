/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One at a time: the daemon's state is global, as each test is a process of
 * its own. Only the thread writes the message; the test's function runs in it.
 */
#include "tests/support/fake_daemon.h"

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

uint64_t fake_out[PAGER_MSG_MAX / 8 + 1024];
int fake_fd = -1;

static struct {
	int fd;
	fake_answer_fn *answer;
	fake_answer_fn *later; /* after HELLO */
	pthread_t thread;
} fake;

struct pager_hdr *fake_hdr(void)
{
	return (struct pager_hdr *)fake_out;
}

uint8_t *fake_data(const struct pager_request *request)
{
	return pager_reply_data(fake_out, request->op);
}

size_t fake_reply(const struct pager_request *request, const void *body,
		  size_t body_len, size_t data_len)
{
	union pager_reply_body whole;

	memset(&whole, 0, sizeof(whole));
	if (body_len > 0)
		memcpy(&whole, body, body_len);
	return pager_reply_encode(fake_out, request, &whole, data_len);
}

void fake_post(int fd, size_t len)
{
	if (send(fd, fake_out, len, MSG_NOSIGNAL) < 0)
		ck_assert_int_eq(errno, EPIPE);
}

bool fake_hello(int fd, const struct pager_request *request)
{
	struct pager_rep_hello h = {.major = 1,
				    .max_message = PAGER_MSG_MAX,
				    .features = PAGER_FEATURES,
				    .session = 7,
				    .page_size = PAGER_PAGE_SIZE};

	fake_post(fd, fake_reply(request, &h, sizeof(h), 0));
	return true;
}

/* A packet, and the descriptor that may come with it: how many there were. */
static ssize_t take(void *buf, size_t size, unsigned int *nfds)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(4 * sizeof(int))];
	} control;
	struct iovec iov = {.iov_base = buf, .iov_len = size};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control.buf,
			     .msg_controllen = sizeof(control.buf)};
	ssize_t n = recvmsg(fake.fd, &msg, MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&msg) : NULL;

	*nfds = 0;
	if (!c)
		return n;
	if (fake_fd >= 0)
		close(fake_fd);
	*nfds = (unsigned int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
	memcpy(&fake_fd, CMSG_DATA(c), sizeof(fake_fd));
	return n;
}

static void *fake_main(void *arg)
{
	static uint64_t in[PAGER_MSG_MAX / 8];
	struct pager_request request;

	(void)arg;
	for (;;) {
		unsigned int nfds;
		ssize_t n = take(in, sizeof(in), &nfds);

		if (n <= 0)
			break;
		if (pager_request_decode(in, (size_t)n, nfds, &request) !=
		    PAGER_VERDICT_OK)
			break;
		if (!fake.answer(fake.fd, &request))
			break;
	}
	shutdown(fake.fd, SHUT_RDWR);
	return NULL;
}

struct pager *fake_connect(fake_answer_fn *answer)
{
	int fds[2];

	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	fake.fd = fds[0];
	fake.answer = answer;
	ck_assert_int_eq(pthread_create(&fake.thread, NULL, fake_main, NULL),
			 0);
	return pager_connect_fd(fds[1]);
}

static bool answer_later(int fd, const struct pager_request *request)
{
	if (request->hdr.op == PAGER_CALL_HELLO)
		return fake_hello(fd, request);
	return fake.later(fd, request);
}

struct pager *fake_session(fake_answer_fn *answer)
{
	struct pager *pager;

	fake.later = answer;
	pager = fake_connect(answer_later);
	ck_assert_ptr_nonnull(pager);
	return pager;
}

void fake_end(struct pager *pager)
{
	pager_close(pager);
	pthread_join(fake.thread, NULL);
	close(fake.fd);
	if (fake_fd >= 0)
		close(fake_fd);
	fake_fd = -1;
}
