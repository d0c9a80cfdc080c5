/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection: packets in, replies out, and the session that hangs on it.
 *
 * Backpressure: packets are taken only as long as their replies have a place,
 * in the connection's queue and in what the user may leave unread. So a client
 * that does not read is not read from, and nobody else notices. Likewise a
 * connection whose session is paused (pause.h): what its client sends waits in
 * the socket.
 */
#ifndef SERVER_CONN_H
#define SERVER_CONN_H

#include "server/loop.h"
#include "server/queue.h"

struct srv_conn {
	struct srv_source source;
	TAILQ_ENTRY(srv_conn) link; /* conns or dead */
	struct srv_client client;
	struct srv_queue queue;
	bool ended;	/* the client sends no more */
	uint8_t turns;	/* counted to look for several packets */
	uint8_t eager;	/* turns left in which several are looked for */
	bool held_back; /* counted in the loop's */
};

/* Take a connected socket, whose peer is pid of uid; fd is the connection's
 * from here on. 0; or -1: no memory, and fd is closed. */
int srv_conn_new(struct srv_loop *loop, int fd, uid_t uid, pid_t pid);
/* End it and its session at once. The struct lives until the turn is over. */
void srv_conn_close(struct srv_loop *loop, struct srv_conn *conn);
/* Sessions may have been paused, or not be any more: ask for the requests of
 * those that are served. */
void srv_conns_pauses(struct srv_loop *loop);
/* Free what was closed. */
void srv_conns_bury(struct srv_loop *loop);
/* The daemon leaves: nothing more is read; what is answered may be read. */
void srv_conns_drain(struct srv_loop *loop);

#endif
