/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One turn of a connection: send what waits, take at most SRV_BURST packets
 * with one call, serve them, send the replies with one call.
 */
#include "server/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/failpoint.h"
#include "server/dispatch.h"
#include "server/pause.h"
#include "server/receive.h"
#include "server/session.h"
#include "server/user.h"

static struct srv_conn *to_conn(struct srv_source *source)
{
	return (struct srv_conn *)source;
}

/* --- flow ---------------------------------------------------------------- */

/* May the user leave one more reply unread? One that has none may always. */
static bool user_has_room(const struct srv_conn *conn)
{
	const struct srv_user *user = conn->client.user;
	uint64_t max = user->limits.max[PAGER_USER_QUEUED];

	return user->queued == 0 ||
	       (max >= PAGER_MSG_MAX && user->queued <= max - PAGER_MSG_MAX);
}

static bool is_paused(const struct srv_conn *conn)
{
	return conn->client.session && srv_is_paused(conn->client.session);
}

/* Ask for the events that the connection's state calls for. */
static void update(struct srv_loop *loop, struct srv_conn *conn)
{
	bool reads = !conn->ended && !loop->leave_at_ms && !is_paused(conn) &&
		     srv_queue_room(&conn->queue) > 0;
	bool held = reads && !user_has_room(conn);
	uint32_t events = 0;

	if (held != conn->held_back) {
		conn->held_back = held;
		loop->held_back += held ? 1 : UINT64_MAX;
	}
	if (reads && !held)
		events |= EPOLLIN;
	if (srv_queue_pending(&conn->queue))
		events |= EPOLLOUT;
	srv_loop_watch(loop, &conn->source, events);
}

/* Bring the counts of unread bytes up to date. */
static void account(struct srv_conn *conn)
{
	uint64_t pending = srv_queue_pending(&conn->queue);

	conn->client.user->queued += pending - conn->client.queued;
	conn->client.queued = pending;
}

/* Replies of this user were read: others of the same user may go on. */
static void release(struct srv_loop *loop, const struct srv_user *user)
{
	struct srv_conn *conn;

	if (!loop->held_back)
		return;
	TAILQ_FOREACH (conn, &loop->conns, link)
		if (conn->held_back && conn->client.user == user)
			update(loop, conn);
}

void srv_conns_pauses(struct srv_loop *loop)
{
	struct srv_conn *conn;

	if (loop->pause_changes == loop->srv->pause_changes)
		return;
	loop->pause_changes = loop->srv->pause_changes;
	TAILQ_FOREACH (conn, &loop->conns, link)
		update(loop, conn);
}

/* --- a turn -------------------------------------------------------------- */

static void log_drop(struct srv_loop *loop, const struct srv_conn *conn,
		     const char *why)
{
	pager_log_limited(&loop->srv->log, PAGER_LOG_NOTICE,
			  "dropped a connection of user %u, process %d: %s",
			  (unsigned int)conn->client.user->uid,
			  (int)conn->client.pid, why);
}

/* Serve what was received. False: a violation. */
static bool serve(struct srv_loop *loop, struct srv_conn *conn,
		  struct srv_packet *packets, unsigned int n)
{
	enum pager_violation why;
	size_t len;

	for (unsigned int i = 0; i < n && !conn->ended; i++) {
		struct srv_packet *packet = packets + i;

		if (packet->len == 0 && !packet->truncated) {
			/* The end, or a packet of no bytes: as good as one. */
			conn->ended = true;
			break;
		}
		why = PAGER_VIOLATION_SHORT;
		if (packet->fds_lost)
			why = PAGER_VIOLATION_FDS;
		len =
		    packet->truncated || packet->fds_lost
			? 0
			: srv_dispatch(loop->srv, &conn->client, packet->bytes,
				       packet->len, packet->fds, packet->nfds,
				       srv_queue_tail(&conn->queue), &why);
		if (len == 0) {
			loop->srv->violations++;
			log_drop(loop, conn,
				 packet->truncated
				     ? "message longer than 65536 bytes"
				     : pager_violation_text(why));
			return false;
		}
		srv_queue_push(&conn->queue, len);
	}
	return true;
}

/*
 * How many packets to ask for. Most clients wait for each reply; asking for
 * more than the one that is there costs as much as a tenth of the turn. So the
 * question is put only now and then, and for a while after the answer was yes.
 * (A prime number, so as not to fall into step with a client's window.)
 */
enum { PATIENCE = 13 };

static unsigned int appetite(struct srv_conn *conn)
{
	unsigned int room = srv_queue_room(&conn->queue);

	if (!conn->eager && ++conn->turns % PATIENCE)
		return 1;
	return room < SRV_BURST ? room : SRV_BURST;
}

/* Take some packets and serve them. False: the connection is to be dropped. */
static bool take(struct srv_loop *loop, struct srv_conn *conn)
{
	struct srv_packet packets[SRV_BURST];
	bool fine;
	int n;

	n = srv_receive(conn->source.fd, loop->packets, packets,
			appetite(conn));
	if (n < 0)
		return errno == EAGAIN || errno == EINTR || errno == ENOMEM ||
		       errno == ENOBUFS;
	if (n > 1)
		conn->eager = PATIENCE;
	else if (conn->eager)
		conn->eager--;
	fine = serve(loop, conn, packets, (unsigned int)n);
	srv_receive_done(packets, (unsigned int)n);
	return fine;
}

static void ready(struct srv_loop *loop, struct srv_source *source,
		  uint32_t events)
{
	struct srv_conn *conn = to_conn(source);
	uint64_t queued = conn->client.queued;
	bool alive = !(events & (EPOLLHUP | EPOLLERR));

	if (alive && events & EPOLLOUT)
		alive = srv_queue_flush(&conn->queue, source->fd) == 0;
	/* Others of the same user may have taken the room, or somebody may have
	 * paused it, since it was asked for the event. */
	if (alive && events & EPOLLIN && source->events & EPOLLIN &&
	    srv_queue_room(&conn->queue) && user_has_room(conn)) {
		alive = take(loop, conn);
		/* Even of a violator, who has a right to earlier answers. */
		if (srv_queue_flush(&conn->queue, source->fd))
			alive = false;
	}
	if (conn->ended && !srv_queue_pending(&conn->queue))
		alive = false;
	if (loop->leave_at_ms && !srv_queue_pending(&conn->queue))
		alive = false;
	if (!alive) {
		srv_conn_close(loop, conn);
		return;
	}
	account(conn);
	update(loop, conn);
	srv_conns_pauses(loop);
	if (conn->client.queued < queued)
		release(loop, conn->client.user);
}

/* --- life ---------------------------------------------------------------- */

int srv_conn_new(struct srv_loop *loop, int fd, uid_t uid, pid_t pid)
{
	struct srv_conn *conn;

	conn = pager_fail("conn.new") ? NULL : calloc(1, sizeof(*conn));
	if (!conn)
		goto no_conn;
	if (srv_queue_init(&conn->queue))
		goto no_queue;
	conn->client.user = srv_user_join(loop->srv, uid);
	if (!conn->client.user)
		goto no_user;
	conn->client.pid = pid;
	conn->source.fd = fd;
	conn->source.ready = ready;
	if (srv_loop_watch(loop, &conn->source, EPOLLIN))
		goto no_watch;
	TAILQ_INSERT_TAIL(&loop->conns, conn, link);
	loop->conn_count++;
	if ((unsigned int)fd >= loop->srv->fd_limit)
		loop->srv->fd_limit = (unsigned int)fd + 1;
	pager_log(PAGER_LOG_INFO, "user %u, process %d has connected",
		  (unsigned int)uid, (int)pid);
	return 0;

no_watch:
	srv_user_leave(loop->srv, conn->client.user);
no_user:
	srv_queue_fini(&conn->queue);
no_queue:
	free(conn);
no_conn:
	close(fd);
	return -1;
}

/* Throw away what the client has sent and nobody will read: with that in its
 * way the kernel would tell the client of a reset before it shows it the last
 * replies. */
static void discard_requests(struct srv_loop *loop, struct srv_conn *conn)
{
	struct srv_packet packets[SRV_BURST];
	bool more = true;
	int n;

	shutdown(conn->source.fd, SHUT_RD);
	while (more) {
		n = srv_receive(conn->source.fd, loop->packets, packets,
				SRV_BURST);
		if (n <= 0)
			break;
		more = packets[n - 1].len > 0 || packets[n - 1].nfds > 0;
		srv_receive_done(packets, (unsigned int)n);
	}
}

void srv_conn_close(struct srv_loop *loop, struct srv_conn *conn)
{
	struct srv_user *user = conn->client.user;

	pager_log(PAGER_LOG_INFO, "user %u, process %d has gone",
		  (unsigned int)user->uid, (int)conn->client.pid);
	srv_loop_forget(loop, &conn->source);
	discard_requests(loop, conn);
	close(conn->source.fd);
	if (conn->client.session)
		srv_session_free(loop->srv, conn->client.session);
	user->queued -= conn->client.queued;
	if (conn->held_back)
		loop->held_back--;
	TAILQ_REMOVE(&loop->conns, conn, link);
	TAILQ_INSERT_TAIL(&loop->dead, conn, link);
	loop->conn_count--;
	release(loop, user);
	srv_user_leave(loop->srv, user);
	conn->client.user = NULL;
}

void srv_conns_bury(struct srv_loop *loop)
{
	struct srv_conn *conn;

	while ((conn = TAILQ_FIRST(&loop->dead))) {
		TAILQ_REMOVE(&loop->dead, conn, link);
		srv_queue_fini(&conn->queue);
		free(conn);
	}
}

void srv_conns_drain(struct srv_loop *loop)
{
	struct srv_conn *conn, *next;

	TAILQ_FOREACH_SAFE (conn, &loop->conns, link, next) {
		if (srv_queue_pending(&conn->queue))
			update(loop, conn);
		else
			srv_conn_close(loop, conn);
	}
}
