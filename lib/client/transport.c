/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets out and in. Sending never blocks with replies unread: when the
 * socket takes no more, replies are taken in and kept in their slots, so a
 * daemon that waits for us to read is never waited for.
 *
 * The descriptor may be in blocking or non-blocking mode; both work.
 *
 * A request of an operation that takes a file descriptor goes with a copy of
 * the caller's.
 */
#include "lib/client/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static struct client_slot *slot_of(struct pager *pager, uint64_t seq)
{
	if (seq & CLIENT_SYNC_BIT)
		return &pager->slots[PAGER_WINDOW];
	return &pager->slots[seq % PAGER_WINDOW];
}

static void slot_keep(struct client_slot *slot,
		      const struct client_message *message)
{
	slot->state = CLIENT_SLOT_ARRIVED;
	slot->error = message->hdr.error;
	slot->field = message->hdr.field;
	slot->data_len = message->hdr.data_len;
	client_body_copy(&slot->body, message);
	if (slot->data_len == 0)
		return;
	slot->data = malloc(slot->data_len);
	if (slot->data)
		memcpy(slot->data, message->data, slot->data_len);
	else
		slot->state = CLIENT_SLOT_NOMEM;
}

static int wait_for(struct pager *pager, short events)
{
	struct pollfd pfd = {.fd = pager->fd, .events = events};
	int ret;

	do
		ret = poll(&pfd, 1, -1);
	while (ret < 0 && errno == EINTR);
	if (ret < 0)
		return client_lost(pager, errno, "poll");
	return pfd.revents;
}

/*
 * Take one packet. With MSG_DONTWAIT 0 may mean that there is none (*message
 * has length 0 then). It is looked at and belongs to a request under way.
 */
static int receive(struct pager *pager, int flags,
		   struct client_message *message)
{
	struct client_slot *slot;
	const char *wrong;
	ssize_t n;
	int ret;

	message->hdr.length = 0;
	for (;;) {
		n = recv(pager->fd, pager->rx, sizeof(pager->rx),
			 flags | MSG_TRUNC);
		if (n >= 0)
			break;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN && errno != EWOULDBLOCK)
			return client_lost(pager, errno, "recv");
		if (flags & MSG_DONTWAIT)
			return 0;
		ret = wait_for(pager, POLLIN);
		if (ret < 0)
			return ret;
	}
	if (n == 0)
		return client_lost(pager, ECONNRESET,
				   "the daemon ended the connection");
	if ((size_t)n > sizeof(pager->rx))
		return client_broken(pager, "a reply that is too long");
	wrong = client_message_check(pager->rx, (size_t)n, message);
	if (wrong)
		return client_broken(pager, wrong);
	slot = slot_of(pager, message->hdr.seq);
	if (slot->state != CLIENT_SLOT_SENT || slot->seq != message->hdr.seq)
		return client_broken(pager, "a reply to no request");
	if (slot->call != message->hdr.op)
		return client_broken(pager, "a reply to another operation");
	return 0;
}

/* One try. fd -1: none. */
static ssize_t send_with(struct pager *pager, const void *buf, size_t len,
			 int fd)
{
	const int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
	struct iovec iov = {.iov_base = (void *)(uintptr_t)buf, .iov_len = len};
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control.buf,
			     .msg_controllen = sizeof(control.buf)};
	struct cmsghdr *c;

	if (fd < 0)
		return send(pager->fd, buf, len, flags);
	memset(&control, 0, sizeof(control));
	c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return sendmsg(pager->fd, &msg, flags);
}

static int send_whole(struct pager *pager, const void *buf, size_t len, int fd)
{
	struct client_message message;
	int ret;

	for (;;) {
		ssize_t n = send_with(pager, buf, len, fd);

		if (n >= 0)
			break;
		if (errno == EINTR)
			continue;
		/* Too many descriptors are under way: nothing was sent. */
		if (fd >= 0 && errno == ETOOMANYREFS)
			return client_misuse(pager, errno, "a descriptor");
		if (errno != EAGAIN && errno != EWOULDBLOCK)
			return client_lost(pager, errno, "send");
		ret = wait_for(pager, POLLIN | POLLOUT);
		if (ret < 0)
			return ret;
		if (!(ret & (POLLIN | POLLHUP | POLLERR)))
			continue;
		ret = receive(pager, MSG_DONTWAIT, &message);
		if (ret < 0)
			return ret;
		if (message.hdr.length > 0)
			slot_keep(slot_of(pager, message.hdr.seq), &message);
	}
	return 0;
}

/* Send under a number whose slot is free. Requests are written to the stack
 * when they are short and to the heap when they carry data. */
static int submit(struct pager *pager, uint64_t seq, enum pager_call call,
		  const void *body, size_t body_len, const void *data,
		  size_t data_len, int fd)
{
	struct client_slot *slot = slot_of(pager, seq);
	uint64_t small[64];
	void *buf = small;
	size_t room = sizeof(small);
	size_t length;
	int ret;

	if (data_len > pager->max_message)
		return client_misuse(pager, EMSGSIZE, "a request");
	if (sizeof(struct pager_hdr) + body_len + data_len + 16 > room) {
		room = sizeof(struct pager_hdr) + body_len + data_len + 16;
		buf = malloc(room);
		if (!buf)
			return client_misuse(pager, ENOMEM, "a request");
	}
	if (room > pager->max_message)
		room = pager->max_message;
	length = client_request_write(buf, room, call, seq, body, body_len,
				      data, data_len, fd >= 0);
	if (length == 0) {
		ret = client_misuse(pager, errno, "a request");
	} else {
		slot->seq = seq;
		slot->call = (uint16_t)call;
		slot->state = CLIENT_SLOT_SENT;
		ret = send_whole(pager, buf, length, fd);
		if (ret == PAGER_MISUSE)
			slot->state = CLIENT_SLOT_FREE;
	}
	if (buf != small)
		free(buf);
	return ret;
}

/* Nothing handed out lives any longer. */
static int begin(struct pager *pager)
{
	free(pager->held);
	pager->held = NULL;
	if (pager->lost)
		return client_lost(pager, pager->lost, "");
	return 0;
}

static int deliver(struct pager *pager, struct client_slot *slot,
		   struct pager_reply *reply)
{
	if (slot->state == CLIENT_SLOT_NOMEM) {
		slot->state = CLIENT_SLOT_FREE;
		return client_misuse(pager, ENOMEM, "a reply");
	}
	slot->state = CLIENT_SLOT_FREE;
	if (reply) {
		reply->seq = slot->seq;
		reply->call = slot->call;
		reply->error = slot->error;
		reply->field = slot->field;
		reply->body = &pager->body;
		reply->data = slot->data;
		reply->data_len = slot->data_len;
	}
	slot->data = NULL;
	if (slot->error)
		return client_refused(pager, slot->call, slot->error,
				      slot->field);
	return 0;
}

/* The reply for a slot that was sent or has arrived. */
static int wait_slot(struct pager *pager, struct client_slot *slot,
		     struct pager_reply *reply)
{
	struct client_message message;

	while (slot->state == CLIENT_SLOT_SENT) {
		int ret = receive(pager, 0, &message);

		if (ret < 0)
			return ret;
		if (message.hdr.seq != slot->seq) {
			slot_keep(slot_of(pager, message.hdr.seq), &message);
			continue;
		}
		slot->state = CLIENT_SLOT_ARRIVED;
		slot->error = message.hdr.error;
		slot->field = message.hdr.field;
		slot->data_len = message.hdr.data_len;
		client_body_copy(&pager->body, &message);
		ret = deliver(pager, slot, reply);
		if (reply)
			reply->data = message.data;
		return ret;
	}
	pager->body = slot->body;
	pager->held = slot->data;
	return deliver(pager, slot, reply);
}

int pager_submit(struct pager *pager, enum pager_call call, const void *body,
		 size_t body_len, const void *data, size_t data_len,
		 uint64_t *seq)
{
	int ret = begin(pager);

	if (ret < 0)
		return ret;
	if (slot_of(pager, pager->next)->state != CLIENT_SLOT_FREE)
		return PAGER_FULL;
	ret = submit(pager, pager->next, call, body, body_len, data, data_len,
		     -1);
	if (ret < 0)
		return ret;
	if (seq)
		*seq = pager->next;
	pager->next++;
	pager->pending++;
	return 0;
}

int pager_wait(struct pager *pager, uint64_t seq, struct pager_reply *reply)
{
	struct client_slot *slot;
	int ret = begin(pager);

	if (ret < 0)
		return ret;
	if (seq == 0) {
		while (pager->oldest < pager->next) {
			slot = slot_of(pager, pager->oldest);
			if (slot->state != CLIENT_SLOT_FREE &&
			    slot->seq == pager->oldest)
				break;
			pager->oldest++;
		}
		seq = pager->oldest;
	}
	slot = slot_of(pager, seq);
	if ((seq & CLIENT_SYNC_BIT) || slot->state == CLIENT_SLOT_FREE ||
	    slot->seq != seq)
		return client_misuse(pager, EINVAL, "no such request");
	ret = wait_slot(pager, slot, reply);
	if (ret != PAGER_LOST)
		pager->pending--;
	return ret;
}

unsigned int pager_pending(const struct pager *pager)
{
	return pager->pending;
}

static int call_and_wait(struct pager *pager, enum pager_call call,
			 const void *body, size_t body_len, const void *data,
			 size_t data_len, int fd, struct pager_reply *reply)
{
	uint64_t seq = CLIENT_SYNC_BIT | pager->calls;
	int ret = begin(pager);

	if (ret < 0)
		return ret;
	ret = submit(pager, seq, call, body, body_len, data, data_len, fd);
	if (ret < 0)
		return ret;
	pager->calls++;
	return wait_slot(pager, slot_of(pager, seq), reply);
}

int pager_call(struct pager *pager, enum pager_call call, const void *body,
	       size_t body_len, const void *data, size_t data_len,
	       struct pager_reply *reply)
{
	return call_and_wait(pager, call, body, body_len, data, data_len, -1,
			     reply);
}

int client_call_fd(struct pager *pager, enum pager_call call, const void *body,
		   size_t body_len, int fd, struct pager_reply *reply)
{
	if (fd < 0 || fcntl(fd, F_GETFD) < 0)
		return client_misuse(pager, EBADF, "a descriptor");
	return call_and_wait(pager, call, body, body_len, NULL, 0, fd, reply);
}
