/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * recvmsg(2) and recvmmsg(2) with room for as many descriptors as the kernel
 * lets pass: what does not fit it would close itself, in our time.
 */
#include "server/receive.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/failpoint.h"
#include "server/closer.h"

enum { SCM_FDS_MAX = 253 }; /* Linux: SCM_MAX_FD */

union control {
	char bytes[CMSG_SPACE(SCM_FDS_MAX * sizeof(int))];
	struct cmsghdr align;
};

static void collect_fds(struct msghdr *message, struct srv_packet *packet)
{
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		int fd;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			if (packet->nfds < PAGER_FDS_MAX) {
				packet->fds[packet->nfds++] = fd;
			} else {
				srv_closer_close(fd);
				packet->fds_lost = true;
			}
		}
	}
}

static void unpack(struct mmsghdr *message, struct srv_packet *packet)
{
	int flags = message->msg_hdr.msg_flags;

	packet->bytes = message->msg_hdr.msg_iov->iov_base;
	packet->len = message->msg_len;
	packet->nfds = 0;
	packet->truncated = flags & MSG_TRUNC;
	packet->fds_lost = flags & MSG_CTRUNC;
	collect_fds(&message->msg_hdr, packet);
}

int srv_receive(int fd, uint8_t *buf, struct srv_packet *packets,
		unsigned int max)
{
	struct mmsghdr messages[SRV_BURST];
	union control controls[SRV_BURST];
	struct iovec iov[SRV_BURST];
	const int flags = MSG_DONTWAIT | MSG_CMSG_CLOEXEC;
	ssize_t len;
	int n;

	if (pager_fail("receive.recv")) {
		errno = ENOBUFS;
		return -1;
	}
	memset(messages, 0, max * sizeof(*messages));
	for (unsigned int i = 0; i < max; i++) {
		iov[i].iov_base = buf + (size_t)i * PAGER_MSG_MAX;
		iov[i].iov_len = PAGER_MSG_MAX;
		messages[i].msg_hdr.msg_iov = iov + i;
		messages[i].msg_hdr.msg_iovlen = 1;
		messages[i].msg_hdr.msg_control = controls[i].bytes;
		messages[i].msg_hdr.msg_controllen = sizeof(controls[i].bytes);
	}
	if (max == 1) {
		len = recvmsg(fd, &messages[0].msg_hdr, flags);
		messages[0].msg_len = len < 0 ? 0 : (unsigned int)len;
		n = len < 0 ? -1 : 1;
	} else {
		n = recvmmsg(fd, messages, max, flags, NULL);
	}
	for (int i = 0; i < n; i++)
		unpack(messages + i, packets + i);
	return n;
}

void srv_receive_done(struct srv_packet *packets, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		for (unsigned int f = 0; f < packets[i].nfds; f++)
			if (packets[i].fds[f] >= 0)
				srv_closer_close(packets[i].fds[f]);
}
