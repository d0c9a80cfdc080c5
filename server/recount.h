/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The recount of everything: the model's own, and whether what sessions hold
 * is what the model has.
 */
#ifndef SERVER_RECOUNT_H
#define SERVER_RECOUNT_H

#include "server/state.h"

/* OK; ECORRUPT, with the first difference as a sentence in why; ENOMEM. */
struct pager_status srv_recount(struct srv *srv, char *why, size_t size);

/* In builds that recount after every operation: end the process, with the
 * sentence and the operation, at the first difference. Elsewhere nothing. */
#ifdef PAGER_RECOUNT
void srv_recount_or_die(struct srv *srv, const char *after);
#else
static inline void srv_recount_or_die(struct srv *srv, const char *after)
{
	(void)srv;
	(void)after;
}
#endif

#endif
