/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames as the rest of the core sees them; below stand chunks (chunk.h) and
 * zones (zone.h). A frame's number is its pfn; its
 * reference count is the number of entries and objects that point to it: at
 * most 512 times the nodes of the arena, which is why 32 bits cannot overflow
 * (core.h limits the arena to 2^22 - 2 nodes).
 *
 * The zero frame is immortal and not counted.
 */
#ifndef LIB_CORE_FRAME_H
#define LIB_CORE_FRAME_H

#include "lib/core/internal.h"

/* 0, or -1. Boot memory: frames from 0 on, in the zone KERNEL; records for
 * span frames. The zero frame is made here. */
int frame_pool_init(struct pager_core *core, uint64_t frames, uint64_t span,
		    uint8_t *memory);
void frame_pool_fini(struct pager_core *core);

/* Frames that can be given now: to movable pages all that are free, to
 * unmovable ones those of the zone KERNEL alone. O(1). */
static inline uint64_t frame_free_count(const struct pager_core *core,
					enum frame_kind kind)
{
	const struct zone *zone = core->frames.zone;
	uint64_t free = zone[VMEM_ZONE_KERNEL].free;

	return kind == FRAME_MOVABLE ? free + zone[VMEM_ZONE_MOVABLE].free
				     : free;
}

/* Plan: can the pool and the account give n movable frames? When memory is
 * short, pages that may go (advice FREE) are taken back first; core->reclaims
 * then changes, and what the plan counted before must be counted again. If that
 * is not enough, pools that may grow by themselves do so; no table changes. */
struct pager_status frame_reserve(struct pager_core *core,
				  struct pager_account *account, uint64_t n);
/* The same for the pool alone; the caller checks the accounts. */
struct pager_status frame_reserve_pool(struct pager_core *core, uint64_t n);
/* Plan: n unmovable frames, the pool alone. Movable pages make way for them, if
 * they can lie elsewhere; core->reclaims changes then, too. A plan for both
 * kinds asks for the sum of both as movable ones as well. */
struct pager_status frame_reserve_unmovable(struct pager_core *core,
					    uint64_t n);
/* Commit: a movable frame with one reference, charged; contents anything. */
uint32_t frame_take(struct pager_core *core, struct pager_account *account);
/* The same, reading as zero. */
uint32_t frame_take_zeroed(struct pager_core *core,
			   struct pager_account *account);
/* Commit: an unmovable frame, of the zone KERNEL. */
uint32_t frame_take_unmovable(struct pager_core *core,
			      struct pager_account *account, bool zeroed);

/* A naturally aligned run of 2^order frames, order 0 .. 9, each with one
 * reference, charged; or FRAME_NONE, nothing changed, if none was found. Where
 * there is an empty chunk one is found; else, below order 9, the search is
 * bounded, and not made each time. The caller has made sure that the account
 * has room. Not a plan: whoever asks has another way, single frames; and it may
 * take from KERNEL what a plan for unmovable frames counted. Fail point "run".
 */
uint32_t frame_take_run(struct pager_core *core, struct pager_account *account,
			unsigned int order, enum frame_kind kind, bool zeroed);

/* Plan: the lowest n (any number) consecutive free frames of the zone KERNEL
 * whose first is a multiple of align (a power of two) and whose last is below
 * limit (a pfn; UINT64_MAX: none). FRAME_NONE: there are none, or the fail
 * point "range". Linear in chunks. */
uint32_t frame_find_range(const struct pager_core *core, uint64_t n,
			  uint64_t align, uint64_t limit);
/* Commit: the frames that frame_find_range found: unmovable, one reference
 * each, charged. */
void frame_take_range(struct pager_core *core, struct pager_account *account,
		      uint32_t first, uint64_t n, bool zeroed);

/* The last reference of a frame goes: it waits in limbo for the flush. */
void frame_release(struct pager_core *core, uint32_t frame);
/* The last reference goes, and no MMU can reach the frame any more: free. */
void frame_free(struct pager_core *core, uint32_t frame);
/* A hint: the frame will be dropped soon. */
static inline void frame_prefetch(const struct pager_core *core, uint32_t frame)
{
	__builtin_prefetch(&core->frames.refs[frame], 1);
	__builtin_prefetch(&core->frames.account[frame]);
}

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

/* A frame that is not online is none of the three: FREE. */
static inline enum frame_state frame_state(const struct pager_core *core,
					   uint32_t frame)
{
	const struct chunk *c = &core->frames.chunk[frame >> CHUNK_SHIFT];

	if (c->state < CHUNK_ONLINE || frame % CHUNK_FRAMES >= c->total ||
	    c->free[frame / 64 % CHUNK_WORDS] >> (frame % 64) & 1)
		return FRAME_FREE;
	return core->frames.account[frame] == FRAME_IN_LIMBO ? FRAME_LIMBO
							     : FRAME_USED;
}

/* Has it a reference, or is it in limbo? */
static inline bool frame_is_used(const struct pager_core *core, uint32_t frame)
{
	return frame_state(core, frame) != FRAME_FREE;
}

/* No frame from here on was ever given. */
static inline uint64_t frame_top(const struct pager_core *core)
{
	return core->frames.top;
}

/* Frames of ONLINE chunks. */
struct frame_zone_info {
	uint64_t managed;
	uint64_t free;
	uint64_t empty_chunks; /* 2 MiB runs that are free */
	uint64_t partial_chunks;
};
void frame_zone_info(const struct pager_core *core, enum vmem_zone zone,
		     struct frame_zone_info *out);

/* Do all bitfields, counters, lists, bitmaps and caches of the allocator
 * agree? NULL, or a sentence. O(chunks that were ever added), and frames of
 * those that are not free as a whole. Trusts nothing that it checks. */
const char *frame_check(const struct pager_core *core);

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

/* The frame of a physical address; FRAME_NONE: there is no memory. For
 * backends. */
static inline uint32_t frame_from_pfn(const struct pager_core *core,
				      struct pager_pfn pfn)
{
	const struct frames *p = &core->frames;

	if (pfn.n >= p->span ||
	    pfn.n % CHUNK_FRAMES >= p->chunk[pfn.n >> CHUNK_SHIFT].total)
		return FRAME_NONE;
	return (uint32_t)pfn.n;
}

#endif
