/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pins: which frames may not be moved, and who holds them where they are.
 *
 * frames.pins[frame] counts pairs of a space and a page: the page lies in a
 * pinned region of the space and its entry shows the frame. chunk.pinned is
 * the number of a chunk's frames with pins. A frame with pins lies in the zone
 * KERNEL: one that does not is moved there before it is pinned.
 *
 *	space A  |--pinned--|	    space B  |--pinned--|
 *		   page ──────> frame <────── page		2 pins
 *
 * As long as a space has a snapshot, its pairs are those of the space and those
 * of the snapshot, each counted once: a batch that is undone finds its frames
 * where they were. Taking a snapshot changes no pin; what the batch pins or
 * unpins is compared with it page by page, and settled when it is dropped.
 *
 * Not pinned, though shown: the zero frame, which never moves; a second view
 * (remap of no pages) of a pinned region; what a forked child inherits.
 *
 * Whoever takes an entry out of a pinned region, puts one in, or puts another
 * frame into one says so here. Migration, and moving between regions that are
 * both pinned, leave the counts as they are.
 */
#ifndef LIB_CORE_PIN_H
#define LIB_CORE_PIN_H

#include "lib/core/chunk.h"
#include "lib/core/space.h"

/* Contiguous regions are pinned, too. */
static inline bool region_pinned(const struct pager_region *r)
{
	return r->flags & PAGER_REGION_PINNED;
}

/* Does the page lie in a pinned region of the space and show the frame? A
 * space and its snapshot are asked one by one. */
bool pin_shows(const struct pager_space *s, uint64_t vpn, uint32_t frame);

/* --- plan -------------------------------------------------------------------
 */

/* Must the frame be moved before it is pinned? */
static inline bool pin_must_move(const struct pager_core *core, uint32_t frame)
{
	return core->frames.chunk[frame >> CHUNK_SHIFT].zone !=
		   VMEM_ZONE_KERNEL &&
	       frame != core->frames.zero;
}

/* Make ready for moving what must be moved of a range before it is pinned: the
 * nodes are the space's account's, which must have room for more beside.
 * ELIMIT, ENOMEM; EBUSY: a page under large
 * entries that too many share. */
struct pager_status pin_prepare(struct pager_space *s, struct pager_range range,
				uint64_t more);
/* How many frames more than need says a fault takes because the region is, or
 * is going to be, pinned: 1 if it will show a frame that must be moved. */
unsigned int pin_need_move(const struct pager_space *s,
			   const struct pager_region *r, uint64_t vpn,
			   const struct fault_need *need);
/* The frames of one fault in a pinned region, from the accounts that pay. */
struct pager_status pin_reserve_fault(struct pager_space *s,
				      const struct pager_region *r,
				      uint64_t vpn,
				      const struct fault_need *need);

/* Unmovable frames are short of n: let movable pages leave the zone KERNEL for
 * free frames of MOVABLE. What was counted before must be counted again if
 * core->reclaims has changed. */
void pin_make_room(struct pager_core *core, uint64_t n);
/* There is no free run as frame_find_range is asked for: make one by moving
 * pages elsewhere. True: there is one now; count again. Looks at the first
 * 16 GiB. */
bool pin_make_run(struct pager_core *core, uint64_t n, uint64_t align,
		  uint64_t limit);

/* --- commit -----------------------------------------------------------------
 */

/* A frame, with one reference, charged. */
static inline uint32_t pin_take(struct pager_core *core,
				struct pager_account *account,
				enum frame_kind kind, bool zeroed)
{
	if (kind == FRAME_UNMOVABLE)
		return frame_take_unmovable(core, account, zeroed);
	return zeroed ? frame_take_zeroed(core, account)
		      : frame_take(core, account);
}

/* The frame, moved if it must be, with its pins: where it is now. The plan
 * reserved an unmovable frame for it. */
uint32_t pin_settle(struct pager_core *core, uint32_t frame);

/* A page of a pinned region shows, or is about to show no longer, what the
 * entry says. No entry and a zero page count for nothing. */
void pin_entry(struct pager_space *s, uint64_t vpn, uint64_t entry);
void unpin_entry(struct pager_space *s, uint64_t vpn, uint64_t entry);
/* The same for all pages of the range that lie in pinned regions: those that
 * are there, before they go or after they came. */
void pin_range(struct pager_space *s, struct pager_range range);
void unpin_range(struct pager_space *s, struct pager_range range);

/* The space's snapshot was taken; or has just been parted from it and will be
 * freed. */
void pin_snapshot_taken(struct pager_space *s);
void pin_snapshot_dropped(struct pager_space *s, struct pager_space *snapshot);

#endif
