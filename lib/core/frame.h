/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames as the rest of the core sees them. A frame's number is its pfn; its
 * reference count is the number of entries and objects that point to it: at
 * most 512 times the nodes of the arena, which is why 32 bits cannot overflow
 * (core.h limits the arena to 2^22 - 2 nodes).
 *
 * The zero frame is immortal and not counted.
 */
#ifndef LIB_CORE_FRAME_H
#define LIB_CORE_FRAME_H

#include "lib/core/internal.h"

/* 0, or -1. The zero frame is made here. */
int frame_pool_init(struct pager_core *core, uint64_t total, uint8_t *memory);
void frame_pool_fini(struct pager_core *core);

/* Plan: can the pool and the account give n movable frames? When the pool is
 * short, pages that may go (advice FREE) are taken back first; core->reclaims
 * then changes, and what the plan counted before must be counted again. */
struct pager_status frame_reserve(struct pager_core *core,
				  struct pager_account *account, uint64_t n);
/* The same for the pool alone; the caller checks the accounts. */
struct pager_status frame_reserve_pool(struct pager_core *core, uint64_t n);
/* Commit: a movable frame with one reference, charged; contents anything. */
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
	uint32_t *refs = &core->frames.refs[frame];

	if (*refs > 1)
		--*refs;
	else
		frame_free(core, frame);
}

/* After the flush: what waits is free. */
void frame_drain(struct pager_core *core);

static inline uint32_t frame_of(uint64_t entry)
{
	return (uint32_t)(pte_pfn(entry).n);
}

static inline uint64_t frame_entry(uint32_t frame)
{
	return pte_from_pfn((struct pager_pfn){frame});
}

static inline uint32_t frame_refs(const struct pager_core *core, uint32_t frame)
{
	return core->frames.refs[frame];
}

/* For checks; a frame that is not online is none of the three: free. */
static inline enum frame_state frame_state(const struct pager_core *core,
					   uint32_t frame)
{
	return core->frames.frame[frame].state;
}

static inline void frame_get(struct pager_core *core, uint32_t frame)
{
	core->frames.refs[frame]++;
}

/* Drop a reference; a frame without one waits in limbo for the flush. */
static inline void frame_put(struct pager_core *core, uint32_t frame)
{
	uint32_t *refs = &core->frames.refs[frame];

	if (*refs > 1)
		--*refs;
	else
		frame_release(core, frame);
}

/* The frame's bytes, or NULL when the pool has no memory. */
static inline uint8_t *frame_bytes(const struct pager_core *core,
				   uint32_t frame)
{
	if (!core->frames.memory)
		return NULL;
	return core->frames.memory + ((uint64_t)frame << PAGER_PAGE_SHIFT);
}

/* The frame of a physical address, or FRAME_NONE. For backends. */
static inline uint32_t frame_from_pfn(const struct pager_core *core,
				      struct pager_pfn pfn)
{
	return pfn.n < core->frames.total ? (uint32_t)pfn.n : FRAME_NONE;
}

#endif
