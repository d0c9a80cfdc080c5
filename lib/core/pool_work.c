/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The core's own work between requests, and growth when memory is short.
 *
 * Workers take turns, one step a call, so that nobody waits longer than for
 * one step. What a worker said last is kept: one that has nothing to do is not
 * asked again until something woke it or its time has come.
 */
#include "lib/core/internal.h"
#include "lib/core/large.h"
#include "lib/core/pool_int.h"

static void step(struct pager_pool *pool)
{
	struct pools *pools = &pool->core->pools;
	uint64_t due = UINT64_MAX;

	pools->working = true;
	pool->work = vmem_driver_step(pool->driver, pools->now_ms, &due);
	pools->working = false;
	pool->due_ms = pool->work == VMEM_WAIT ? due : UINT64_MAX;
}

static bool runnable(const struct pager_pool *pool, uint64_t now_ms)
{
	return pool->work == VMEM_MORE ||
	       (pool->work == VMEM_WAIT && pool->due_ms <= now_ms);
}

bool pools_work(struct pager_core *core, uint64_t now_ms, uint64_t *due_ms)
{
	struct pools *pools = &core->pools;
	bool more = false, done = false;

	if (now_ms > pools->now_ms)
		pools->now_ms = now_ms;
	*due_ms = UINT64_MAX;
	for (uint32_t i = 1; i < pools->count && !done; i++) {
		uint32_t at = 1 + (pools->turn + i - 1) % (pools->count - 1);

		if (!runnable(pools->pool[at], pools->now_ms))
			continue;
		step(pools->pool[at]);
		pools->turn = at;
		done = true;
	}
	for (uint32_t i = 1; i < pools->count; i++) {
		const struct pager_pool *pool = pools->pool[i];

		more |= runnable(pool, pools->now_ms);
		if (pool->work == VMEM_WAIT && pool->due_ms < *due_ms)
			*due_ms = pool->due_ms;
	}
	return more;
}

bool pager_core_work(struct pager_core *core, uint64_t now_ms, uint64_t *due_ms)
{
	uint64_t large_due;

	/* Large entries can wait until no pool has a step to make. */
	if (pools_work(core, now_ms, due_ms))
		return true;
	if (large_work(core, now_ms, &large_due))
		return true;
	if (large_due < *due_ms)
		*due_ms = large_due;
	return false;
}

/* --- growth ----------------------------------------------------------------
 */

static void read_config(const struct pager_pool *pool, struct vmem_config *out)
{
	struct vmem_link link = vmem_device_link(pool->device);

	link.ops->config(link.device, out);
}

/* Pages that the pool may still plug, to the larger of its bound and what is
 * wished already. From what is there: a pool that shrinks stops doing so, so
 * that its worker has nothing to take out and no page to move. */
static uint64_t room_to_grow(const struct pager_pool *pool)
{
	struct vmem_config c;
	uint64_t bound;

	if (!pool->grow_max || pool->work == VMEM_BROKEN ||
	    pool->blocks.policy.keep_offline)
		return 0;
	read_config(pool, &c);
	bound = pool->grow_max > c.requested ? pool->grow_max : c.requested;
	return bound > c.plugged ? bound - c.plugged : 0;
}

/* What the pool is asked for: the pages in whole pieces of its driver's, one
 * memory block at least, all it may at most. */
static uint64_t amount(const struct pager_pool *pool, uint64_t pages)
{
	const uint64_t room = room_to_grow(pool);
	struct vmem_driver_info d;

	vmem_driver_info(pool->driver, &d);
	pages = (pages + d.sub_block - 1) / d.sub_block * d.sub_block;
	if (pages < pool->blocks.size)
		pages = pool->blocks.size;
	return pages < room ? pages : room;
}

/* Grow one pool by at least pages, or by what it may. A wish that is still
 * worked on, or waits for the device, is not made larger than it must be.
 * Returns what was plugged. */
static uint64_t grow_one(struct pager_pool *pool, uint64_t pages)
{
	const uint64_t more = amount(pool, pages);
	uint64_t steps = 2 * more / CHUNK_FRAMES + 16;
	struct vmem_config before, after;

	read_config(pool, &before);
	if (before.plugged + more > before.requested) {
		const uint64_t wish = before.plugged + more;

		if (vmem_device_resize(pool->device, wish).err != PAGER_OK)
			return 0;
		pool->resizes++;
		pool_event(pool, PAGER_POOL_EVENT_GROW, pool->blocks.addr,
			   wish);
		pool_wake(pool);
	}
	while (pool->work == VMEM_MORE && steps--)
		step(pool);
	read_config(pool, &after);
	return after.plugged > before.plugged ? after.plugged - before.plugged
					      : 0;
}

uint64_t pools_growable(const struct pager_core *core)
{
	const struct pools *pools = &core->pools;
	uint64_t room = 0;

	for (uint32_t i = 1; i < pools->count; i++)
		room += room_to_grow(pools->pool[i]);
	return room;
}

bool pools_grow(struct pager_core *core, uint64_t pages)
{
	struct pools *pools = &core->pools;
	uint64_t grown = 0;

	if (pools->working || pages == 0 || pools_growable(core) < pages)
		return false;
	for (uint32_t i = 1; i < pools->count && grown < pages; i++)
		if (room_to_grow(pools->pool[i]))
			grown += grow_one(pools->pool[i], pages - grown);
	return grown > 0;
}
