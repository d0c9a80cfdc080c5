/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The peer of a request: a bare echo over SOCK_SEQPACKET, between this process
 * and a child of it on the same CPU. The server blocks in recv(2), does one
 * trivial loop for each part of the packet, and sends a packet of the length
 * that was asked for: no event loop, no checks, no state.
 */
#ifndef TOOLS_BENCH_ECHO_PEER_H
#define TOOLS_BENCH_ECHO_PEER_H

#include <stdint.h>

struct echo_peer;

/* Never fails: exits. */
struct echo_peer *echo_peer_new(void);
void echo_peer_free(struct echo_peer *peer);

/* One round trip: a packet of request bytes there (16 or more), one of reply
 * bytes back, and parts loops over one part of it each at the server. */
void echo_peer_call(struct echo_peer *peer, uint32_t request, uint32_t reply,
		    uint32_t parts);

#endif
