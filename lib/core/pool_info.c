/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking at pools: sums, memory blocks, 2 MiB cells, and bytes by physical
 * address.
 */
#include <string.h>

#include "lib/core/frame.h"
#include "lib/core/internal.h"
#include "lib/core/pool_int.h"

static bool is_boot(const struct pager_pool *pool)
{
	return !pool->device;
}

/* Add up the chunks of a range. */
static void count(const struct pager_pool *pool, uint64_t pfn, uint64_t pages,
		  struct pager_block_info *out)
{
	for (uint64_t end = pfn + pages; pfn < end; pfn += CHUNK_FRAMES) {
		const struct chunk *c = blocks_chunk(&pool->blocks, pfn);

		if (c->state == CHUNK_ABSENT)
			continue;
		out->plugged += c->total;
		if (c->state == CHUNK_OFFLINE)
			continue;
		out->used += (uint64_t)c->total - c->nfree;
		out->pinned += c->pinned;
		out->free_runs += c->nfree == CHUNK_FRAMES;
	}
}

static void describe(const struct pager_pool *pool, uint64_t pfn,
		     struct pager_block_info *out)
{
	const struct blocks *b = &pool->blocks;
	const struct block *block;

	out->state = PAGER_BLOCK_ONLINE;
	out->zone = VMEM_ZONE_KERNEL;
	if (is_boot(pool))
		return;
	block = &b->block[(pfn - b->addr) / b->size];
	out->state = block->state;
	out->zone = block->state == PAGER_BLOCK_ONLINE ? block->zone : 0;
	out->sbm = vmem_driver_state(pool->driver, pfn);
}

/* A piece of that many pages, aligned; cut at the pool's end. */
static bool piece(const struct pager_pool *pool, uint64_t pfn, uint64_t pages,
		  struct pager_block_info *out)
{
	const struct blocks *b = &pool->blocks;
	uint64_t end;

	if (pfn < b->addr || pfn - b->addr >= b->region)
		return false;
	pfn -= pfn % pages;
	end = pfn + pages;
	if (end > b->addr + b->region)
		end = b->addr + b->region;
	memset(out, 0, sizeof(*out));
	out->pfn = pfn;
	describe(pool, pfn, out);
	count(pool, pfn, end - pfn, out);
	return true;
}

bool pager_pool_block(const struct pager_pool *pool, uint64_t pfn,
		      struct pager_block_info *out)
{
	return piece(pool, pfn, pool->blocks.size, out);
}

bool pager_pool_cell(const struct pager_pool *pool, uint64_t pfn,
		     struct pager_block_info *out)
{
	return piece(pool, pfn, CHUNK_FRAMES, out);
}

static void boot_info(const struct pager_pool *pool,
		      struct pager_pool_info *out)
{
	out->boot = true;
	out->usable = pool->blocks.region;
	out->requested = pool->blocks.region;
	out->plugged = pool->blocks.region;
	out->online = pool->blocks.region;
	out->block = CHUNK_FRAMES;
	out->sub_block = CHUNK_FRAMES;
}

static void plugged_info(const struct pager_pool *pool, uint64_t now_ms,
			 struct pager_pool_info *out)
{
	struct vmem_link link = vmem_device_link(pool->device);
	struct vmem_driver_info d;
	struct vmem_config c;

	link.ops->config(link.device, &c);
	vmem_driver_info(pool->driver, &d);
	out->bbm = d.bbm;
	out->broken = d.broken;
	out->working = pool->work == VMEM_MORE || pool->work == VMEM_WAIT;
	out->usable = c.usable;
	out->requested = c.requested;
	out->plugged = c.plugged;
	out->offline = d.offline;
	out->online = c.plugged - d.offline;
	out->block = c.block;
	out->sub_block = d.sub_block;
	out->grow_max = pool->grow_max;
	out->busy = d.busy;
	out->last_error = d.last_error;
	if (pool->work == VMEM_WAIT)
		out->next_try =
		    pool->due_ms > now_ms ? pool->due_ms - now_ms : 1;
}

void pager_pool_sizes(const struct pager_pool *pool, uint64_t now_ms,
		      struct pager_pool_info *out)
{
	const struct blocks *b = &pool->blocks;

	memset(out, 0, sizeof(*out));
	out->number = pool->number;
	out->node = pool->node;
	memcpy(out->name, pool->name, sizeof(out->name));
	out->addr = b->addr;
	out->region = b->region;
	out->memory_block = b->size;
	out->moved = b->moved;
	out->resizes = pool->resizes;
	if (is_boot(pool))
		boot_info(pool, out);
	else
		plugged_info(pool, now_ms, out);
}

void pager_pool_info(const struct pager_pool *pool, uint64_t now_ms,
		     struct pager_pool_info *out)
{
	const struct blocks *b = &pool->blocks;
	struct pager_block_info sum = {0};

	pager_pool_sizes(pool, now_ms, out);
	for (uint64_t at = 0; at < b->region; at += b->size)
		if (is_boot(pool) ||
		    b->block[at / b->size].state == PAGER_BLOCK_ONLINE)
			count(pool, b->addr + at,
			      b->region - at < b->size ? b->region - at
						       : b->size,
			      &sum);
	out->used = sum.used;
	out->pinned = sum.pinned;
}

/* --- bytes -----------------------------------------------------------------
 */

/* Is there memory at pfn that the allocator knows? */
static bool is_there(const struct pager_pool *pool, uint64_t pfn)
{
	struct pager_block_info cell;

	return blocks_chunk(&pool->blocks, pfn)->state != CHUNK_ABSENT &&
	       pager_pool_cell(pool, pfn, &cell) &&
	       cell.state != PAGER_BLOCK_ABSENT &&
	       (is_boot(pool) || vmem_device_is_plugged(pool->device, pfn, 1));
}

struct pager_status pager_core_phys(struct pager_core *core, uint64_t pa,
				    void *buf, size_t len, bool write)
{
	const uint64_t pfn = pa >> PAGER_PAGE_SHIFT;
	const uint64_t at = pa & (PAGER_PAGE_SIZE - 1);
	const struct pager_pool *pool = pools_at(core, pfn);
	uint8_t *bytes;

	if (!pool)
		return pager_refuse(PAGER_ERANGE, PAGER_ARG_ADDR);
	if (len == 0 || len > PAGER_PAGE_SIZE - at)
		return pager_refuse(PAGER_EINVAL, PAGER_ARG_LEN);
	if (!is_there(pool, pfn))
		return pager_refuse(PAGER_ENOENT, PAGER_ARG_ADDR);
	bytes = frame_bytes(core, (uint32_t)pfn);
	if (!bytes)
		return pager_refuse(PAGER_ENODATA, PAGER_ARG_NONE);
	if (write && (pfn == core->frames.zero ||
		      frame_state(core, (uint32_t)pfn) != FRAME_USED))
		return pager_refuse(PAGER_EACCESS, PAGER_ARG_ADDR);
	if (write)
		memcpy(bytes + at, buf, len);
	else
		memcpy(buf, bytes + at, len);
	return pager_ok();
}
