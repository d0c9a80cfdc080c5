/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pools are made in the order of the configuration, so that number 1 is the
 * first line's.
 */
#include "server/pools.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/ops.h"
#include "server/recount.h"

/* Giving back memory that was touched takes the kernel 0.2 ms a MiB. */
enum { PIECE_PAGES = 2048 };

static uint64_t pages(uint64_t bytes)
{
	return bytes >> PAGER_PAGE_SHIFT;
}

/* --- the beginning ---------------------------------------------------------
 */

static struct pager_pool_config to_core(const struct srv_config_pool *in)
{
	struct pager_pool_config out = {
	    .addr = pages(in->addr),
	    .region = pages(in->region),
	    .block = pages(in->block),
	    .requested = pages(in->requested),
	    .node = in->node,
	    .mode = in->mode,
	    .big_block = pages(in->big_block),
	    .offline_only = in->offline_only,
	    .in_order = in->in_order,
	    .piece = PIECE_PAGES,
	    .threshold = pages(in->threshold),
	    .retry_ms = in->retry_ms,
	    .retry_max_ms = in->retry_max_ms,
	    .grow_max = pages(in->grow),
	    .policy = {.keep_offline = in->online == SRV_ONLINE_KEEP,
		       .kernel_only = in->online == SRV_ONLINE_KERNEL,
		       .movable_only = in->online == SRV_ONLINE_MOVABLE,
		       .movable_percent = in->ratio},
	};

	memcpy(out.name, in->name, sizeof(out.name));
	return out;
}

static int start_one(struct srv *srv, const struct srv_config_pool *in,
		     char why[SRV_CONFIG_WHY])
{
	struct pager_pool_config config = to_core(in);
	struct pager_status status;
	struct pager_pool *pool;

	if (srv_memory_pool(&srv->memory, config.addr, config.region,
			    in->reserve, &config.backing))
		return srv_pool_complain(&srv->config, in, strerror(errno), why,
					 SRV_CONFIG_WHY);
	status = pager_pool_new(srv->core, &config, &pool);
	if (!status.err) {
		pager_log(PAGER_LOG_INFO,
			  "pool %s: at 0x%" PRIx64 ", up to %" PRIu64 " bytes",
			  in->name, in->addr, in->region);
		return 0;
	}
	srv_memory_pool_drop(&srv->memory, config.addr);
	return srv_pool_complain(&srv->config, in, pager_error_name(status.err),
				 why, SRV_CONFIG_WHY);
}

int srv_pools_start(struct srv *srv, char why[SRV_CONFIG_WHY])
{
	for (size_t i = 0; i < srv->config.pool_count; i++)
		if (start_one(srv, srv->config.pools + i, why))
			return -1;
	return 0;
}

/* --- work between requests -------------------------------------------------
 */

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

int srv_pools_work(struct srv *srv, uint64_t now_ms)
{
	bool expected = srv->work_more || now_ms >= srv->work_due_ms;
	uint64_t start = now_us(), took;

	srv->work_due_ms = UINT64_MAX;
	srv->work_more = pager_core_work(srv->core, now_ms, &srv->work_due_ms);
	if (expected || srv->work_more) {
		took = now_us() - start;
		srv->work_steps++;
		if (took > srv->work_longest_us)
			srv->work_longest_us = took;
		srv_recount_or_die(srv, "work between requests");
	}
	if (srv->work_more)
		return 0;
	if (srv->work_due_ms == UINT64_MAX)
		return -1;
	if (srv->work_due_ms <= now_ms)
		return 0;
	return srv->work_due_ms - now_ms < INT32_MAX
		   ? (int)(srv->work_due_ms - now_ms)
		   : INT32_MAX;
}

/* --- a new configuration ---------------------------------------------------
 */

static bool is_same(const struct srv_config_pool *a,
		    const struct srv_config_pool *b)
{
	struct srv_config_pool x = *a, y = *b;

	/* Where it was put, and what can be changed, does not matter. */
	if (x.placed && y.placed)
		x.addr = y.addr;
	return strcmp(x.name, y.name) == 0 && x.placed == y.placed &&
	       x.addr == y.addr && x.region == y.region && x.block == y.block &&
	       x.big_block == y.big_block && x.threshold == y.threshold &&
	       x.retry_ms == y.retry_ms && x.retry_max_ms == y.retry_max_ms &&
	       x.node == y.node && x.mode == y.mode && x.ratio == y.ratio &&
	       x.online == y.online && x.offline_only == y.offline_only &&
	       x.in_order == y.in_order && x.reserve == y.reserve;
}

static void log_change(const struct srv_config_pool *pool, const char *what,
		       uint64_t bytes, struct pager_status status)
{
	if (status.err)
		pager_log(PAGER_LOG_ERROR, "pool %s: %s %" PRIu64 ": %s",
			  pool->name, what, bytes,
			  pager_error_name(status.err));
	else
		pager_log(PAGER_LOG_NOTICE, "pool %s: %s %" PRIu64, pool->name,
			  what, bytes);
}

/* Size and growth, as far as the file says something new. */
static void change(struct srv *srv, struct srv_config_pool *old,
		   const struct srv_config_pool *new)
{
	struct pager_pool *pool = pager_pool_find(srv->core, old->name);

	if (!pool)
		return;
	if (new->requested != old->requested) {
		log_change(old, "requested", new->requested,
			   pager_pool_resize(pool, pages(new->requested)));
		old->requested = new->requested;
	}
	if (new->grow != old->grow) {
		log_change(old, "grow", new->grow,
			   pager_pool_set_grow(pool, pages(new->grow)));
		old->grow = new->grow;
	}
}

void srv_pools_reload(struct srv *srv, struct srv_config *new)
{
	struct srv_config *old = &srv->config;
	bool same = old->pool_count == new->pool_count;

	for (size_t i = 0; same && i < new->pool_count; i++)
		same = is_same(old->pools + i, new->pools + i);
	if (same)
		for (size_t i = 0; i < new->pool_count; i++)
			change(srv, old->pools + i, new->pools + i);
	else
		pager_log(PAGER_LOG_NOTICE,
			  "the new pools are taken at the next start");
	free(new->pools);
	new->pools = old->pools;
	new->pool_count = old->pool_count;
	old->pools = NULL;
	old->pool_count = 0;
}

/* --- numbers ---------------------------------------------------------------
 */

/* Numbers have no gaps, and there are few. */
uint64_t srv_pools_newest_event(const struct srv *srv)
{
	struct pager_pool_event event;
	uint64_t known = 0, step;

	if (pager_core_event(srv->core, 0, &event))
		known = event.number;
	else
		return 0;
	for (step = 1; pager_core_event(srv->core, known + step, &event);
	     step *= 2)
		known += step;
	for (; step; step /= 2)
		if (pager_core_event(srv->core, known + step, &event))
			known += step;
	return known;
}

void srv_pools_stats(const struct srv *srv, struct pager_rep_stats *out)
{
	struct pager_pool_info info;

	for (uint32_t i = 0; i < PAGER_POOLS_MAX; i++) {
		const struct pager_pool *pool = pager_pool_get(srv->core, i);

		if (!pool)
			continue;
		out->pools++;
		if (i == 0)
			continue;
		pager_pool_sizes(pool, 0, &info);
		out->pool_requested += info.requested << PAGER_PAGE_SHIFT;
		out->pool_plugged += info.plugged << PAGER_PAGE_SHIFT;
		out->pool_moved += info.moved << PAGER_PAGE_SHIFT;
		out->pool_busy += info.busy;
	}
	out->pool_events = srv_pools_newest_event(srv);
	out->work_steps = srv->work_steps;
	out->work_longest_us = srv->work_longest_us;
}
