/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors run out only if the limits of the process shrink or another
 * cause eats them (connections are bounded below the limit). Then accepting
 * pauses for a moment: the listener stays readable, and asking again at once
 * would be a busy loop.
 */
#include "server/accept.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/failpoint.h"
#include "server/conn.h"
#include "server/user.h"

enum { ACCEPTS_A_TURN = 16, PAUSE_MS = 100 };

static void pause_accepting(struct srv_loop *loop, const char *why)
{
	pager_log_limited(&loop->srv->log, PAGER_LOG_ERROR,
			  "cannot accept a connection: %s", why);
	loop->accept_at_ms = srv_loop_now_ms() + PAUSE_MS;
	srv_loop_forget(loop, &loop->accepting);
}

void srv_accept_resume(struct srv_loop *loop)
{
	if (!loop->accept_at_ms || srv_loop_now_ms() < loop->accept_at_ms)
		return;
	if (srv_loop_watch(loop, &loop->accepting, EPOLLIN))
		pause_accepting(loop, strerror(errno));
	else
		loop->accept_at_ms = 0;
}

/* NULL: welcome. */
static const char *why_not(const struct srv_loop *loop, uid_t uid)
{
	uint64_t max = loop->srv->config.connections;

	if (max > loop->conn_max)
		max = loop->conn_max;
	if (!srv_user_is_admin(loop->srv, uid))
		max = max > SRV_CONNS_KEPT ? max - SRV_CONNS_KEPT : 1;
	if (loop->conn_count >= max)
		return "too many connections";
	if (!srv_user_admits(loop->srv, uid))
		return "too many connections of this user";
	return NULL;
}

static void welcome(struct srv_loop *loop, int fd)
{
	struct ucred peer = {.uid = (uid_t)-1};
	socklen_t len = sizeof(peer);
	const char *why;

	if (pager_fail("accept.peer") ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0) {
		close(fd);
		return;
	}
	why = why_not(loop, peer.uid);
	if (why)
		close(fd);
	else if (srv_conn_new(loop, fd, peer.uid, peer.pid))
		why = "out of memory";
	if (why)
		pager_log_limited(&loop->srv->log, PAGER_LOG_NOTICE,
				  "turned away user %u, process %d: %s",
				  (unsigned int)peer.uid, (int)peer.pid, why);
}

void srv_accept_ready(struct srv_loop *loop, struct srv_source *source,
		      uint32_t events)
{
	int fd;

	(void)events;
	for (unsigned int i = 0; i < ACCEPTS_A_TURN; i++) {
		errno = EMFILE;
		fd = pager_fail("accept.accept")
			 ? -1
			 : accept4(source->fd, NULL, NULL,
				   SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0) {
			welcome(loop, fd);
			continue;
		}
		switch (errno) {
		case EAGAIN:
			return;
		case EMFILE:
		case ENFILE:
		case ENOBUFS:
		case ENOMEM:
			pause_accepting(loop, strerror(errno));
			return;
		default:
			/* The peer was gone before we came. */
			break;
		}
	}
}
