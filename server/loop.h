/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event loop: one epoll set, and behind each descriptor in it a source
 * that knows what to do. What one source may do in one turn is bounded, so the
 * others get theirs.
 */
#ifndef SERVER_LOOP_H
#define SERVER_LOOP_H

#include <signal.h>

#include "server/listen.h"
#include "server/options.h"
#include "server/state.h"

/* Packets that are taken from a connection in one turn. */
#define SRV_BURST 8u

struct srv_conn;
struct srv_loop;

struct srv_source {
	int fd;
	bool watched;	 /* it is in the set */
	uint32_t events; /* asked for; errors and hang-up always are */
	void (*ready)(struct srv_loop *loop, struct srv_source *source,
		      uint32_t events);
};

struct srv_loop {
	struct srv *srv;
	const struct srv_options *options;
	int epoll_fd;
	struct srv_source signals;
	struct srv_source accepting;
	struct srv_listener listener;
	TAILQ_HEAD(srv_conn_list, srv_conn) conns;
	TAILQ_HEAD(srv_conn_dead, srv_conn) dead; /* freed after the turn */
	uint64_t conn_count;
	uint64_t conn_max;	/* what descriptors allow */
	uint64_t held_back;	/* connections that wait for their user's
				 * other replies to be read */
	uint64_t accept_at_ms;	/* 0; or when to try to accept again */
	uint64_t pause_changes; /* srv's, when they were seen last */
	uint64_t leave_at_ms;	/* 0; or draining, until then */
	bool leave_now;
	int work_ms;	  /* until the model has work to do; -1: it has none */
	uint8_t *packets; /* SRV_BURST * PAGER_MSG_MAX */
};

/* 0, or -1 after a log line. The listener is the loop's from then on. */
int srv_loop_init(struct srv_loop *loop, struct srv *srv,
		  const struct srv_options *options,
		  struct srv_listener *listener);
/* Serve until told to leave. 0, or -1 after a log line. */
int srv_loop_run(struct srv_loop *loop);
/* One turn of it: wait until something is ready or due, and see to it. */
int srv_loop_turn(struct srv_loop *loop);
/* Ends all connections, and with them all sessions. */
void srv_loop_fini(struct srv_loop *loop);

/* Ask for these events of a source. 0, or -1 with errno, which can only happen
 * to one that is not watched yet. */
int srv_loop_watch(struct srv_loop *loop, struct srv_source *source,
		   uint32_t events);
/* Nothing more of it; before its descriptor is closed. */
void srv_loop_forget(struct srv_loop *loop, struct srv_source *source);
uint64_t srv_loop_now_ms(void);

#endif
