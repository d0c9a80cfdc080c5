/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The frame pool as the rest of the core sees it. A frame's reference count is
 * the number of leaf entries and objects that point to it: at most 512 times
 * the nodes of the arena, which is why 32 bits cannot overflow (core.h limits
 * the arena to 2^23 - 2 nodes).
 *
 * The zero frame is immortal and not counted.
 */
#ifndef LIB_CORE_FRAME_H
#define LIB_CORE_FRAME_H

#include "lib/core/internal.h"

/* 0, or -1. The zero frame is made here. */
int frame_pool_init(struct pager_core *core, uint64_t total, uint8_t *memory);
void frame_pool_fini(struct pager_core *core);

/* Plan: can the pool and the account give n frames? When the pool is short,
 * pages that may go (advice FREE) are taken back first; core->reclaims then
 * changes, and what the plan counted before must be counted again. */
struct pager_status frame_reserve(struct pager_core *core,
				  struct pager_account *account, uint64_t n);
/* The same for the pool alone; the caller checks the accounts. */
struct pager_status frame_reserve_pool(struct pager_core *core, uint64_t n);
/* Commit: a frame with one reference, charged; contents anything. */
uint32_t frame_take(struct pager_core *core, struct pager_account *account);
/* The same, reading as zero. */
uint32_t frame_take_zeroed(struct pager_core *core,
			   struct pager_account *account);
/* The last reference of a frame goes: it waits in limbo for the flush. */
void frame_release(struct pager_core *core, uint32_t frame);
/* The last reference goes, and no MMU can reach the frame any more: free. */
void frame_free(struct pager_core *core, uint32_t frame);
/* After the flush: a reference goes, and the frame with the last one. */
static inline void frame_drop(struct pager_core *core, uint32_t frame)
{
	uint32_t *refs = &core->pool.refs[frame];

	if (*refs > 1)
		--*refs;
	else
		frame_free(core, frame);
}

/* After the flush: what waits is free. */
void frame_drain(struct pager_core *core);

static inline uint32_t frame_of(uint64_t entry)
{
	return (uint32_t)(pte_pfn(entry).n - PAGER_POOL_BASE_PFN);
}

static inline uint64_t frame_entry(uint32_t frame)
{
	return pte_from_pfn((struct pager_pfn){PAGER_POOL_BASE_PFN + frame});
}

static inline uint32_t frame_refs(const struct pager_core *core, uint32_t frame)
{
	return core->pool.refs[frame];
}

static inline void frame_get(struct pager_core *core, uint32_t frame)
{
	core->pool.refs[frame]++;
}

/* Drop a reference; a frame without one waits in limbo for the flush. */
static inline void frame_put(struct pager_core *core, uint32_t frame)
{
	uint32_t *refs = &core->pool.refs[frame];

	if (*refs > 1)
		--*refs;
	else
		frame_release(core, frame);
}

/* The frame's bytes, or NULL when the pool has no memory. */
static inline uint8_t *frame_bytes(const struct pager_core *core,
				   uint32_t frame)
{
	if (!core->pool.memory)
		return NULL;
	return core->pool.memory + ((uint64_t)frame << PAGER_PAGE_SHIFT);
}

/* The frame of a physical address, or FRAME_NONE. For backends. */
static inline uint32_t frame_from_pfn(const struct pager_core *core,
				      struct pager_pfn pfn)
{
	if (pfn.n < PAGER_POOL_BASE_PFN ||
	    pfn.n - PAGER_POOL_BASE_PFN >= core->pool.total)
		return FRAME_NONE;
	return (uint32_t)(pfn.n - PAGER_POOL_BASE_PFN);
}

#endif
