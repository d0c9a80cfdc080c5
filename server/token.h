/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tokens: 128 random bits that let one other session become the owner of a
 * thing, once. A token ends when it is used, when the same thing is given
 * again, and with the thing or its owner.
 */
#ifndef SERVER_TOKEN_H
#define SERVER_TOKEN_H

#include "server/state.h"

/* Tokens that one session may have out at once. */
#define SRV_GRANTS_MAX 64u

/* Offer a thing; a token it had is void. PAGER_OK, ELIMIT or ENOMEM (then the
 * old token, if any, still holds). */
enum pager_error srv_grant_new(struct srv *srv, struct srv_thing *thing);
void srv_grant_free(struct srv *srv, struct srv_grant *grant);
/* NULL: no such token. Takes as long for a near miss as for any other. */
struct srv_grant *srv_grant_find(const struct srv *srv,
				 const uint8_t token[PAGER_TOKEN_SIZE]);

#endif
