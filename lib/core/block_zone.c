/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which zone a memory block comes online to by itself. Follows Linux's online
 * policy auto-movable (mm/memory_hotplug.c): kernel memory that was hotplugged
 * may go again, so that only boot memory carries the movable memory of all
 * pools, and a pool's kernel memory only that of its own pool.
 *
 * Present pages are counted: whole memory blocks, plugged or not.
 */
#include "lib/core/block.h"
#include "lib/core/internal.h"

#define DEFAULT_PERCENT 301u /* Linux's auto_movable_ratio */

/* Of boot memory, what is left for b when every other pool has its part. */
static uint64_t early_left(const struct blocks *b, uint64_t percent)
{
	const struct pools *pools = &b->core->pools;
	uint64_t needed = 0;

	for (const struct blocks *o = pools->blocks; o; o = o->next) {
		uint64_t need = o->present[VMEM_ZONE_MOVABLE] * 100 / percent;

		if (o != b && need > o->present[VMEM_ZONE_KERNEL])
			needed += need - o->present[VMEM_ZONE_KERNEL];
	}
	return pools->boot_pages > needed ? pools->boot_pages - needed : 0;
}

enum vmem_zone blocks_auto_zone(const struct blocks *b, uint64_t pfn)
{
	const uint64_t percent = b->policy.movable_percent
				     ? b->policy.movable_percent
				     : DEFAULT_PERCENT;
	const uint64_t first = pfn - pfn % b->unit;
	uint64_t more = b->unit, early, kernel;

	if (b->policy.kernel_only)
		return VMEM_ZONE_KERNEL;
	if (b->policy.movable_only)
		return VMEM_ZONE_MOVABLE;
	for (uint64_t at = first; at < first + b->unit; at += b->size) {
		const struct block *block;

		if (at < b->addr || at - b->addr >= b->region) {
			more -= b->size;
			continue;
		}
		block = &b->block[(at - b->addr) / b->size];
		if (block->state != PAGER_BLOCK_ONLINE)
			continue;
		if (block->zone == VMEM_ZONE_KERNEL)
			return VMEM_ZONE_KERNEL;
		more -= b->size;
	}
	early = early_left(b, percent);
	if (early == 0)
		return VMEM_ZONE_KERNEL;
	kernel = early + b->present[VMEM_ZONE_KERNEL];
	return b->present[VMEM_ZONE_MOVABLE] + more <= percent * kernel / 100
		   ? VMEM_ZONE_MOVABLE
		   : VMEM_ZONE_KERNEL;
}
