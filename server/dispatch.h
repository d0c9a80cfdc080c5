/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a packet to its reply: decode, check the right to ask, carry out,
 * encode. The seam: left of here nobody knows address spaces, right of here
 * nobody knows sockets.
 */
#ifndef SERVER_DISPATCH_H
#define SERVER_DISPATCH_H

#include "server/call.h"

/*
 * Serve one packet of len bytes that came with nfds file descriptors, which
 * stay the caller's but for those that are -1 afterwards: only an operation
 * that was carried out takes any. packet and out are 8-aligned; out has
 * PAGER_MSG_MAX bytes. Returns the reply's length; 0: a violation, named in
 * *why, and nothing was done.
 */
size_t srv_dispatch(struct srv *srv, struct srv_client *client,
		    const uint8_t *packet, size_t len, int *fds,
		    unsigned int nfds, uint8_t *out, enum pager_violation *why);

/* Carry out one decoded request, with as many descriptors at fds as it takes
 * (NULL: none), and write its reply or refusal into room bytes at out: at least
 * what srv_reply_least() says. Returns its length, 0 for a violation, and what
 * became of it in *result. */
size_t srv_execute(struct srv *srv, struct srv_client *client,
		   const struct pager_request *request, int *fds, uint8_t *out,
		   size_t room, struct srv_result *result);

/* Bytes the reply to a valid request needs at least to be of use. */
size_t srv_reply_least(const struct pager_request *request);

/* Count and encode the refusal of a request that the codec refused. */
size_t srv_refuse_decoded(struct srv *srv, struct srv_client *client,
			  const struct pager_request *request, uint8_t *out);

#endif
