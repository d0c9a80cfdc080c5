/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets off a socket, with their file descriptors. A descriptor belongs to
 * its packet, close-on-exec, until somebody takes it (sets it to -1); those
 * that nobody took are closed with the packet.
 */
#ifndef SERVER_RECEIVE_H
#define SERVER_RECEIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/pager_wire.h"
#include "server/loop.h"

struct srv_packet {
	const uint8_t *bytes; /* 8-aligned */
	size_t len;
	unsigned int nfds;
	int fds[PAGER_FDS_MAX];
	bool truncated; /* it was longer than PAGER_MSG_MAX */
	bool fds_lost;	/* it came with more than PAGER_FDS_MAX, or there was no
			 * room for them; the kernel has closed the rest */
};

/* Take up to max (1 .. SRV_BURST) packets into buf, max * PAGER_MSG_MAX bytes,
 * without waiting. How many, or -1 with errno; a packet of length 0 is the
 * end. */
int srv_receive(int fd, uint8_t *buf, struct srv_packet *packets,
		unsigned int max);
/* Close what nobody took. */
void srv_receive_done(struct srv_packet *packets, unsigned int n);

#endif
