/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Large entries: one entry of level 1 that maps a whole run of 512 frames (an
 * aligned chunk) for an aligned stretch of private anonymous pages.
 *
 *	level 1   | .. | PS, run | .. |        level 1   | .. | node | .. |
 *	                   |            split ->                 |
 *	frames    [################]   <- collapse    leaf [ 512 entries ]
 *
 * Invariants (the recount checks them)
 *  - it counts as 512 pages in the sums, and as one reference to each of the
 *    512 frames; with W each frame has exactly one;
 *  - it lies in regions of one protection, private, without an object.
 * Whoever needs a page of it alone (table_own, a range that covers it in part)
 * splits it first: one node, which plan has reserved. Nobody else is touched
 * by a split: translations stay what they are.
 */
#ifndef LIB_CORE_LARGE_H
#define LIB_CORE_LARGE_H

#include "lib/core/table.h"

static inline bool pte_large(uint64_t entry)
{
	return entry & PTE_PS;
}

/* The first of its frames. */
static inline uint32_t large_first(uint64_t entry)
{
	return frame_of(entry) & ~(PTE_SLOTS - 1);
}

/* The physical address of page vpn under an entry, large or not. */
static inline uint64_t page_pa(uint64_t entry, uint64_t vpn)
{
	return (entry & PTE_ADDR) +
	       (pte_large(entry) ? (vpn & (PTE_SLOTS - 1)) << PAGER_PAGE_SHIFT
				 : 0);
}

/* Every frame of the run has exactly so many references. */
bool large_refs_are(const struct pager_core *core, uint64_t entry,
		    uint32_t refs);
/* A reference more to each frame. */
void large_get(struct pager_core *core, uint64_t entry);
/* A reference less, when no MMU can reach it any more. */
void large_drop(struct pager_core *core, uint64_t entry);
/* A reference less; what was the last one waits for the flush. */
void large_put(struct pager_core *core, uint64_t entry);

/* Commit: the large entry in a slot of a level-1 node becomes a leaf, charged
 * to account. */
uint32_t large_split(struct pager_core *core, struct pager_account *account,
		     uint64_t *slot);

/* Large entries in the range, whole or in part; only own paths are entered. */
uint64_t large_count(const struct table *t, struct pager_range r);
/* Commit: split each of them. */
void large_split_range(struct table *t, struct pager_range r);

/* Commit: a run, just taken, at an empty slot of level 1 of an own path. */
void large_fill(struct table *t, struct path *p, uint64_t entry);

/* A write to the page at vpn may give the whole entry W: the path can be made
 * own without copying, and nobody else holds a frame of it. */
bool large_is_ours(const struct table *t, uint64_t vpn);

/*
 * If the leaf below a slot of level 1 holds a whole run again, page by page,
 * alike, and ours alone, put a large entry in its place. Returns whether. The
 * caller flushes the 512 pages and drains.
 */
bool large_collapse(struct table *t, uint32_t node, uint64_t *slot);

/* One step of the background work: at most one node of level 1. As
 * pager_core_work. */
bool large_work(struct pager_core *core, uint64_t now_ms, uint64_t *due_ms);
/* A whole pass at once, for tests. */
void large_collapse_all(struct pager_core *core);
/* A space ends: the pass does not come back to it. */
void large_forget(struct pager_core *core, const struct pager_space *space);

#endif
