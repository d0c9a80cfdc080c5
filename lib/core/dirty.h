/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dirty logs: which pages of a range of a space may look different from when
 * they were last clean.
 *
 *	writes ──> D bits of entries ── harvest ──┐
 *	       └─> write faults ──────────────────┤
 *	pages dropped, replaced, moved ───────────┼──> the log's set ──> get
 *	other spaces' writes to shared pages ─────┘         │    └────> ring
 *	                                           begin ───┴─> awaiting ─ end
 *
 * A page is dirty when it was written, or when data that it held was dropped
 * (unmap, MAP_FIXED over it, DONTNEED, exec, truncation), replaced or moved
 * away or to it (mremap). Nothing of that is ever missed. A page may be
 * reported without need where there is no memory to remember it precisely
 * (pager_dirty_info.over counts those), or where a large entry was written; all
 * of a region with a memory object where it comes or goes, or the object's end
 * moves; and, once, what was written below shared table nodes before a log by
 * hardware began with all set. Populating for writing counts as written under
 * write protection.
 * Reading, protecting, forking and migrating make nothing dirty.
 *
 * Hardware: D bits are taken (cleared, then flushed) when somebody asks, so
 * writes cost nothing. Write protection: an armed page has no W; the fault of
 * its first write marks it. A write fault that a client announces (FAULT)
 * counts as written, whatever the method.
 *
 * Clear first, then read the page: what is written after the clear is reported
 * the next time.
 *
 * A shared region's part of a log sees the writes of every space that maps the
 * memory object; a private one's only its own space's. A forked child begins
 * without logs; its parent's logs go on. A log outlives its space (ORPHAN), so
 * that what was written before the end can still be read.
 *
 * Any number of logs of a space may overlap; each is cleared for itself.
 */
#ifndef LIB_CORE_DIRTY_H
#define LIB_CORE_DIRTY_H

#include "lib/core/types.h"

struct pager_account;
struct pager_dirty_log;
struct pager_space;

/* Begin to log [range) of the space, which need not be mapped. flags:
 * PAGER_DIRTY_MANUAL, _ALL_SET. The log's memory is charged to account as
 * nodes. EINVAL (METHOD), EFLAGS (FLAGS), ENOBACKEND (METHOD): the backend has
 * no such bits; EINVAL or ERANGE (ADDR, LEN); ELIMIT: too many logs; ENOMEM. */
struct pager_status
pager_dirty_start(struct pager_space *space, struct pager_account *account,
		  struct pager_range range, enum pager_dirty_method method,
		  uint32_t flags, struct pager_dirty_log **out);
/* The log ends; what is attached to it is let go. */
void pager_dirty_stop(struct pager_dirty_log *log);

/*
 * Pages of a log are numbered from 0, its range's first. Stretches begin at a
 * multiple of 64 and are multiples of 64 long, or end with the log (EALIGN;
 * FIRST or COUNT_PAGES to blame; ERANGE beyond the end).
 *
 * Get: bring the log up to date, then call fn for words that are not zero, in
 * order: bit i of words[w] is page first + 64 * w + i. At most 64 words a call,
 * which all lie in one group of 4,096 pages. fn returns 0 to go on, anything
 * else ends the get with it. Nothing is cleared by this.
 */
typedef int pager_dirty_fn(void *ctx, uint64_t first, const uint64_t *words,
			   unsigned int count);
struct pager_dirty_got {
	uint64_t pages; /* dirty, of calls of fn that returned 0 */
	int stopped;	/* what fn returned */
};
struct pager_status pager_dirty_get(struct pager_dirty_log *log, uint64_t first,
				    uint64_t pages, pager_dirty_fn *fn,
				    void *ctx, struct pager_dirty_got *out);
/* Re-arm, and take out of the log, exactly the dirty pages that a get just
 * reported for the stretch: nothing ran in between. What a get-and-clear does
 * after its fn has put the words where they are safe. */
void pager_dirty_got_clear(struct pager_dirty_log *log, uint64_t first,
			   uint64_t pages);
/* Clear: pages whose bit in words is set (NULL: all of the stretch) are clean
 * and armed. A page that was written since the last get and is named is
 * cleared as well. Returns how many were dirty in *cleared. */
struct pager_status pager_dirty_clear(struct pager_dirty_log *log,
				      uint64_t first, uint64_t pages,
				      const uint64_t *words, uint64_t *cleared);
/*
 * Write-back, as Zircon's pagers know it: begin takes the dirty pages of the
 * stretch aside and arms them; they stay dirty for get until end takes them out
 * of the log; what is written between the two is dirty after the end as well.
 * begin twice without end: the second begins with all of it.
 */
struct pager_status pager_dirty_begin(struct pager_dirty_log *log,
				      uint64_t first, uint64_t pages,
				      uint64_t *begun);
struct pager_status pager_dirty_end(struct pager_dirty_log *log, uint64_t first,
				    uint64_t pages, uint64_t *ended);

/*
 * A ring of entries (a power of two, PAGER_RING_MIN .. _MAX) in memory that
 * others may write: 16 bytes each, zero at the start (pager_abi.h). Dirty pages
 * leave the log's set for the ring, where there is room; reset arms those that
 * the reader gave back, in order, and fills up what had to wait. While the ring
 * is soft-full, a write fault that would need an entry is refused with
 * EDIRTYFULL. Get and clear of a log with a ring: EBUSY (LOG). EINVAL (RING):
 * wrong size; EEXIST (RING): it has one. ENOMEM; ELIMIT: memory and our copy of
 * it are charged to the log's account as nodes.
 *
 * A page that is in the ring gets no second entry when it is written again: its
 * reader resets before it reads.
 */
struct pager_status pager_dirty_ring_attach(struct pager_dirty_log *log,
					    void *memory, uint32_t entries);
/* Dirty pages in the ring that were not reset go back to the set. memory is
 * not touched any more. Nothing if there is no ring. */
void pager_dirty_ring_detach(struct pager_dirty_log *log);
/* EINVAL (LOG): no ring. *reset: entries that were armed. */
struct pager_status pager_dirty_ring_reset(struct pager_dirty_log *log,
					   uint64_t *reset);

struct pager_dirty_info {
	uint64_t space; /* id; 0: ORPHAN */
	struct pager_range range;
	enum pager_dirty_method method; /* never AUTO */
	uint32_t flags;			/* PAGER_DIRTY_* */
	uint64_t dirty;	       /* pages in the set or the ring, as last brought
				* up to date */
	uint64_t awaiting;     /* between begin and end; those that were written
				* again are dirty as well */
	uint64_t reported;     /* pages that gets and rings gave out, ever */
	uint64_t over;	       /* pages that were marked for want of memory,
				* because of a large entry, or because they
				* were filled for writing, ever */
	uint64_t faults;       /* write faults that marked, ever */
	uint64_t harvests;     /* times dirty bits were looked for */
	uint64_t harvested;    /* pages they gave, ever */
	uint32_t ring_entries; /* 0: none */
	uint32_t ring_used;    /* not yet reset */
	uint64_t ring_stops;   /* writes refused: soft-full */
	uint64_t bytes;	       /* of memory for the sets */
};
/* Bring the log up to date, as a get of all of it would. */
void pager_dirty_update(struct pager_dirty_log *log);
void pager_dirty_info(const struct pager_dirty_log *log,
		      struct pager_dirty_info *out);

#endif
