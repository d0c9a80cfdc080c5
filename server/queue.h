/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The replies a connection still owes its client: whole messages, one behind
 * the other, in a buffer of fixed size. Replies are built at its end, so that
 * a request is taken only when its reply has a place already, and sending
 * needs no memory.
 *
 *	0        head                  tail         size
 *	+--------+---------------------+------------+
 *	| sent   | messages to be sent | room       |
 *	+--------+---------------------+------------+
 */
#ifndef SERVER_QUEUE_H
#define SERVER_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "proto/pager_wire.h"

/* Messages of the longest kind that one queue can hold. */
#define SRV_QUEUE_MESSAGES 8u
#define SRV_QUEUE_BYTES	   (SRV_QUEUE_MESSAGES * PAGER_MSG_MAX)

struct srv_queue {
	uint8_t *buf;
	size_t head;
	size_t tail;
};

/* 0, or -1: no memory. The buffer costs nothing until it is used. */
int srv_queue_init(struct srv_queue *queue);
void srv_queue_fini(struct srv_queue *queue);

static inline size_t srv_queue_pending(const struct srv_queue *queue)
{
	return queue->tail - queue->head;
}

/* How many messages of any length can be pushed now. May move what waits. */
unsigned int srv_queue_room(struct srv_queue *queue);
/* Where to build the next one: PAGER_MSG_MAX bytes, if there is room. */
static inline uint8_t *srv_queue_tail(struct srv_queue *queue)
{
	return queue->buf + queue->tail;
}
/* A whole message of len bytes stands at the tail. */
static inline void srv_queue_push(struct srv_queue *queue, size_t len)
{
	queue->tail += len;
}

/* Send what the socket takes. 0; or -1: the connection is of no more use. */
int srv_queue_flush(struct srv_queue *queue, int fd);

#endif
