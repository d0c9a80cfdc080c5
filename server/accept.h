/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * New connections: who it is, whether there is room, and what to do when the
 * process or the machine is out of descriptors.
 */
#ifndef SERVER_ACCEPT_H
#define SERVER_ACCEPT_H

#include "server/loop.h"

/* The last places are kept for admins, who may have to look. */
#define SRV_CONNS_KEPT 4u

/* The listener is readable. */
void srv_accept_ready(struct srv_loop *loop, struct srv_source *source,
		      uint32_t events);
/* Accept again if it was paused and the pause is over. */
void srv_accept_resume(struct srv_loop *loop);

#endif
