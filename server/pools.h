/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server's part in pools: it makes those of the configuration, gives the
 * model time for its own work, one step at a time, and changes what may be
 * changed while it runs.
 */
#ifndef SERVER_POOLS_H
#define SERVER_POOLS_H

#include "server/state.h"

/* Make the configuration's pools; the model and its memory are there. 0; or -1
 * with one line in why; those that were made go with the model. */
int srv_pools_start(struct srv *srv, char why[SRV_CONFIG_WHY]);

/*
 * One step of the model's own work, if there is any at the time now_ms. To be
 * called whenever requests were served, or the time has come. It returns how
 * many milliseconds there are until the next one is due: 0 if there is more to
 * do, -1 if nothing is.
 */
int srv_pools_work(struct srv *srv, uint64_t now_ms);

/* A new configuration, in which memory, memory block and simulation are the old
 * one's: sizes and growth that are other than in the old one are asked for, and
 * the rest waits for the next start, with a log line. new->pools becomes what
 * holds from now on. */
void srv_pools_reload(struct srv *srv, struct srv_config *new);

/* Number of the newest event, or 0. */
uint64_t srv_pools_newest_event(const struct srv *srv);
/* What STATS says of pools. */
void srv_pools_stats(const struct srv *srv, struct pager_rep_stats *out);

#endif
