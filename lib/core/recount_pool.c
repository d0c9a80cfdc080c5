/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The recount of pools: four books are kept of the same memory, and must agree.
 *
 *	device		bitmap of blocks		plugged
 *	driver		bits, states of blocks		plugged, how online
 *	blocks		states, sums by zone		absent, offline, online
 *	chunks		states, counters		what the allocator has
 *
 * Between operations nothing is ISOLATED. What is free and used in a chunk is
 * frame_check's.
 */
#include <inttypes.h>

#include "lib/core/frame.h"
#include "lib/core/pool_int.h"
#include "lib/core/recount_int.h"

#define wrong recount_wrong

static const char *const chunk_names[] = {"absent", "offline", "online",
					  "isolated"};
static const char *const block_names[] = {"absent", "offline", "online"};

/* What the driver thinks of a memory block against what it is. */
static bool check_driver(struct recount *rc, const struct pager_pool *pool,
			 uint64_t pfn, const struct block *block, bool bbm,
			 uint64_t plugged)
{
	unsigned int state = vmem_driver_state(pool->driver, pfn);
	bool online = block->state == PAGER_BLOCK_ONLINE;
	bool absent = block->state == PAGER_BLOCK_ABSENT;
	bool fits;

	if (bbm)
		fits = absent == (state == BBM_UNUSED || state == BBM_PLUGGED);
	else if (state == SBM_UNUSED)
		fits = absent && plugged == 0;
	else if (state == SBM_PLUGGED)
		fits = absent && plugged > 0;
	else if (state == SBM_OFFLINE || state == SBM_OFFLINE_PARTIAL)
		fits = block->state == PAGER_BLOCK_OFFLINE;
	else if (state == SBM_KERNEL || state == SBM_KERNEL_PARTIAL)
		fits = online && block->zone == VMEM_ZONE_KERNEL;
	else
		fits = online && block->zone == VMEM_ZONE_MOVABLE;
	if (!bbm && (state == SBM_OFFLINE || state == SBM_KERNEL ||
		     state == SBM_MOVABLE))
		fits &= plugged == pool->blocks.size;
	if (!bbm &&
	    (state == SBM_OFFLINE_PARTIAL || state == SBM_KERNEL_PARTIAL ||
	     state == SBM_MOVABLE_PARTIAL))
		fits &= plugged < pool->blocks.size;
	if (!fits)
		return wrong(rc,
			     "block at %#" PRIx64
			     ": %s in zone %u with %" PRIu64
			     " pages; the driver says state %u",
			     pfn, block_names[block->state], block->zone,
			     plugged, state);
	return true;
}

/* The chunks of one memory block. *plugged: pages. */
static bool check_block(struct recount *rc, const struct pager_pool *pool,
			uint64_t pfn, const struct block *block, bool bbm,
			uint64_t *plugged)
{
	const unsigned int state = vmem_driver_state(pool->driver, pfn);
	const uint64_t end = pfn + pool->blocks.size;

	for (; pfn < end; pfn += CHUNK_FRAMES) {
		const struct chunk *c = blocks_chunk(&pool->blocks, pfn);
		bool has =
		    vmem_device_is_plugged(pool->device, pfn, CHUNK_FRAMES);
		bool driver = bbm ? state != BBM_UNUSED
				  : vmem_driver_is_plugged(pool->driver, pfn);
		bool used = has && block->state == PAGER_BLOCK_ONLINE &&
			    !(bbm && state == BBM_FAKE_OFFLINE);

		if (c->state == CHUNK_ISOLATED)
			return wrong(
			    rc, "chunk at %#" PRIx64 " was left isolated", pfn);
		if (has != (c->state != CHUNK_ABSENT) || has != driver)
			return wrong(rc,
				     "chunk at %#" PRIx64 " is %s; plugged in "
				     "the device %d, in the driver %d",
				     pfn, chunk_names[c->state], has, driver);
		if ((used && c->state != CHUNK_ONLINE) ||
		    (c->state == CHUNK_ONLINE &&
		     (block->state != PAGER_BLOCK_ONLINE ||
		      block->zone != c->zone)))
			return wrong(rc,
				     "chunk at %#" PRIx64 " is %s in zone %u, "
				     "its block %s in zone %u",
				     pfn, chunk_names[c->state], c->zone,
				     block_names[block->state], block->zone);
		*plugged += has ? CHUNK_FRAMES : 0;
	}
	return true;
}

static bool check_sums(struct recount *rc, const struct pager_pool *pool,
		       const uint64_t present[VMEM_ZONES], uint64_t plugged,
		       uint64_t online)
{
	const struct blocks *b = &pool->blocks;
	struct vmem_link link = vmem_device_link(pool->device);
	struct vmem_driver_info d;
	struct vmem_config c;

	link.ops->config(link.device, &c);
	vmem_driver_info(pool->driver, &d);
	if (!vmem_device_check(pool->device))
		return wrong(rc, "pool %u: the device's bits and sizes differ",
			     pool->number);
	if (c.plugged != plugged || d.plugged != plugged)
		return wrong(rc,
			     "pool %u: %" PRIu64
			     " pages plugged in the device, "
			     "%" PRIu64 " in the driver, counted %" PRIu64,
			     pool->number, c.plugged, d.plugged, plugged);
	if (d.offline != plugged - online)
		return wrong(rc,
			     "pool %u: %" PRIu64
			     " pages plugged and not online,"
			     " counted %" PRIu64,
			     pool->number, d.offline, plugged - online);
	for (unsigned int zone = 0; zone < VMEM_ZONES; zone++)
		if (b->present[zone] != present[zone])
			return wrong(rc,
				     "pool %u: %" PRIu64 " pages present in "
				     "zone %u, counted %" PRIu64,
				     pool->number, b->present[zone], zone,
				     present[zone]);
	return true;
}

static bool check_pool(struct recount *rc, const struct pager_pool *pool)
{
	const struct blocks *b = &pool->blocks;
	uint64_t present[VMEM_ZONES] = {0}, all = 0, online = 0;
	struct vmem_driver_info d;

	vmem_driver_info(pool->driver, &d);
	for (uint64_t at = 0; at < b->region; at += b->size) {
		const struct block *block = &b->block[at / b->size];
		uint64_t plugged = 0;

		if (block->state > PAGER_BLOCK_ONLINE ||
		    block->zone >= VMEM_ZONES)
			return wrong(rc, "block at %#" PRIx64 " has no state",
				     b->addr + at);
		if (!check_block(rc, pool, b->addr + at, block, d.bbm,
				 &plugged) ||
		    !check_driver(rc, pool, b->addr + at, block, d.bbm,
				  plugged))
			return false;
		if (block->state == PAGER_BLOCK_ONLINE) {
			present[block->zone] += b->size;
			online += plugged;
		}
		all += plugged;
	}
	return check_sums(rc, pool, present, all, online);
}

/* Always there; no operation takes it out of use, but tests of the allocator
 * do. */
static bool check_boot(struct recount *rc)
{
	const struct blocks *b = &rc->core->pools.boot.blocks;

	for (uint64_t at = 0; at < b->region; at += CHUNK_FRAMES) {
		const struct chunk *c = blocks_chunk(b, at);
		uint64_t left = b->region - at;

		if (c->state == CHUNK_ABSENT ||
		    c->total != (left < CHUNK_FRAMES ? left : CHUNK_FRAMES))
			return wrong(rc, "boot memory at %#" PRIx64 " is gone",
				     at);
	}
	return true;
}

bool recount_pools(struct recount *rc)
{
	const struct pools *pools = &rc->core->pools;

	if (pools->working)
		return wrong(rc, "a pool's worker was left working");
	if (!check_boot(rc))
		return false;
	for (uint32_t i = 1; i < pools->count; i++)
		if (!check_pool(rc, pools->pool[i]))
			return false;
	return true;
}
