/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A message says how long it is in its header: that is where it is cut again.
 */
#include "server/queue.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "lib/base/failpoint.h"

enum { SEND_MAX = 16 };

int srv_queue_init(struct srv_queue *queue)
{
	memset(queue, 0, sizeof(*queue));
	queue->buf =
	    pager_fail("queue.mmap")
		? MAP_FAILED
		: mmap(NULL, SRV_QUEUE_BYTES, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (queue->buf == MAP_FAILED) {
		queue->buf = NULL;
		return -1;
	}
	return 0;
}

void srv_queue_fini(struct srv_queue *queue)
{
	if (queue->buf)
		munmap(queue->buf, SRV_QUEUE_BYTES);
	memset(queue, 0, sizeof(*queue));
}

unsigned int srv_queue_room(struct srv_queue *queue)
{
	size_t pending = srv_queue_pending(queue);

	if (queue->head && SRV_QUEUE_BYTES - queue->tail < PAGER_MSG_MAX) {
		memmove(queue->buf, queue->buf + queue->head, pending);
		queue->head = 0;
		queue->tail = pending;
	}
	return (unsigned int)((SRV_QUEUE_BYTES - queue->tail) / PAGER_MSG_MAX);
}

static uint32_t length_at(const struct srv_queue *queue, size_t at)
{
	uint32_t length;

	memcpy(&length, queue->buf + at + offsetof(struct pager_hdr, length),
	       sizeof(length));
	return length;
}

/* How many messages were sent; -1 with errno. */
static int send_some(struct srv_queue *queue, int fd)
{
	struct mmsghdr messages[SEND_MAX];
	struct iovec iov[SEND_MAX];
	size_t at = queue->head;
	unsigned int n = 0;

	if (pager_fail("queue.send")) {
		errno = ENOBUFS;
		return -1;
	}
	if (length_at(queue, at) == srv_queue_pending(queue))
		return send(fd, queue->buf + at, queue->tail - at,
			    MSG_DONTWAIT | MSG_NOSIGNAL) < 0
			   ? -1
			   : 1;
	memset(messages, 0, sizeof(messages));
	for (; n < SEND_MAX && at < queue->tail; n++) {
		iov[n].iov_base = queue->buf + at;
		iov[n].iov_len = length_at(queue, at);
		messages[n].msg_hdr.msg_iov = iov + n;
		messages[n].msg_hdr.msg_iovlen = 1;
		at += iov[n].iov_len;
	}
	return sendmmsg(fd, messages, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

int srv_queue_flush(struct srv_queue *queue, int fd)
{
	int sent;

	while (queue->head < queue->tail) {
		sent = send_some(queue, fd);
		if (sent < 0 && errno == EINTR)
			continue;
		/* ENOBUFS: the kernel is short of memory; try again later. */
		if (sent < 0)
			return errno == EAGAIN || errno == ENOBUFS ||
				       errno == ENOMEM
				   ? 0
				   : -1;
		while (sent--)
			queue->head += length_at(queue, queue->head);
	}
	queue->head = queue->tail = 0;
	return 0;
}
