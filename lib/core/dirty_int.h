/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dirty logs, inside: what the parts share, and what the operations of spaces
 * call when pages change other than by the MMU.
 *
 *	dirty.c		logs begin, end, and say what they are
 *	dirty_get.c	get, clear, write-back, ring
 *	dirty_note.c	what operations do to pages
 *	dirty_view.c	shared pages: from one space's writes to others' logs
 *	dirty_arm.c	taking W away
 *	harvest.c	taking D
 *
 * Invariants
 *  - Below a node that several entries point to, no D is of interest to a log:
 *    a table is harvested before it is shared, and cleaned when a log starts.
 *    So a harvest walks own paths alone.
 *  - A page with W on an own path all of whose entries have W is dirty in every
 *    log by write protection that covers it, or in its ring; but for pages of
 *    memory objects, whose D bits are used whatever the method.
 *  - An upper entry whose A and RECENT are clear has no D below that a log
 *    waits for. A is cleared before what is below is looked at, and the flush
 *    comes after it: what is written in between is found by the next harvest,
 *    as RECENT says that A was set in this one.
 */
#ifndef LIB_CORE_DIRTY_INT_H
#define LIB_CORE_DIRTY_INT_H

#include "lib/core/dirty_ring.h"
#include "lib/core/space.h"

struct pager_dirty_log {
	struct pager_core *core;
	struct pager_account *account;
	struct pager_space *space; /* NULL: it has ended */
	struct pager_range range;
	enum pager_dirty_method method;
	uint32_t flags;
	struct dset dirty;
	struct dset awaiting; /* with a ring: what is in it */
	struct dring ring;
	bool held; /* the ring gets nothing for now */
	uint64_t reported;
	uint64_t over; /* because of large entries, and of filled pages */
	uint64_t faults;
	uint64_t harvests;
	uint64_t harvested;
	uint64_t stops;
	LIST_ENTRY(pager_dirty_log) of_space;
	LIST_ENTRY(pager_dirty_log) all;
};

/* --- the set (dirty.c) ------------------------------------------------------
 */

/* Pages of [r) that the log covers are dirty, and go on to its ring. Returns
 * how many are new. */
uint64_t log_add(struct pager_dirty_log *log, struct pager_range r);
/* Of the 64 pages from vpn, a multiple of 64, those whose bit is set. Does not
 * go on to the ring. */
uint64_t log_add_word(struct pager_dirty_log *log, uint64_t vpn, uint64_t bits);
/* From the set to the ring, as far as there is room. */
void log_pump(struct pager_dirty_log *log);

static inline bool log_covers(const struct pager_dirty_log *log, uint64_t vpn)
{
	return log->range.start <= vpn && vpn < log->range.end;
}

/* What a ring's memory, the client's and ours, is charged as. */
static inline uint64_t log_ring_nodes(uint32_t entries)
{
	const uint64_t bytes =
	    entries * (sizeof(struct dring_entry) + sizeof(uint64_t));

	return (bytes + PAGER_PAGE_SIZE - 1) / PAGER_PAGE_SIZE;
}

/* --- harvest (harvest.c) ----------------------------------------------------
 */

/* Is anything of the space of interest to a log? */
static inline bool dirty_logged(const struct pager_space *s)
{
	return s->log_count || s->logged_views;
}

/* Take what D bits say of the range to the logs; pages of shared objects to the
 * objects' written sets. Flushed when it returns. */
void dirty_harvest(struct pager_space *s, struct pager_range r);
/* The same, and D bits of the range that no log waits for are cleared: also
 * below shared nodes; large entries lose W. For a log that begins. */
void dirty_clean(struct pager_space *s, struct pager_range r);

/* --- write protection (dirty_arm.c) -----------------------------------------
 */

/* Take W from private pages of the range; the caller flushes. */
void dirty_arm(struct pager_space *s, struct pager_range r);
/* W comes back to an upper entry: what is below the node keeps none. */
void dirty_push_down(const struct table *t, uint32_t node);

/* --- what operations do (dirty_note.c) --------------------------------------
 */

/* A write fault at vpn was served. */
void dirty_note_write(struct pager_space *s, const struct pager_region *r,
		      uint64_t vpn);
/* Pages got W without having been written. */
void dirty_note_writable(struct pager_space *s, struct pager_range r);
/* A large entry over vpn gets W as a whole, for want of a node to split it. */
void dirty_note_large(struct pager_space *s, uint64_t vpn);
/* Pages are about to be dropped. */
void dirty_note_drop(struct pager_space *s, struct pager_range r);
/* Pages are about to move. */
void dirty_note_move(struct pager_space *s, struct pager_range from,
		     uint64_t to);
/* What the region shows of its object in the range comes, or goes. */
void dirty_note_view(struct pager_space *s, const struct pager_region *r,
		     struct pager_range range);
/* Pages [from, to) of an object come, or go, by a new size. */
void dirty_note_resize(struct pager_object *o, uint64_t from, uint64_t to);
/* Must this write wait for the reader of a ring? */
bool dirty_must_wait(struct pager_space *s, uint64_t vpn);
/* Does a log cover some page of it? Then no entry may stand for several. */
bool dirty_covers(const struct pager_space *s, struct pager_range r);

/* --- shared pages (dirty_view.c) --------------------------------------------
 */

static inline bool region_is_view(const struct pager_region *r)
{
	return r->object && r->flags & PAGER_REGION_SHARED;
}

/* A region with an object becomes known to it, or unknown. */
void region_link(struct pager_region *r);
void region_unlink(struct pager_region *r);
/* The space has its first log, or lost its last one. */
void dirty_views_begin(struct pager_space *s);
void dirty_views_end(struct pager_space *s);
/* Bring logs up to date about the shared pages of the range: every mapper of
 * their objects is harvested, every log that covers one is told. */
void dirty_pull(struct pager_space *s, struct pager_range r);
/* Before a first log begins: nothing of what was written before counts. */
void dirty_views_clean(struct pager_space *s, struct pager_range r);
/* The page of an object was written through a view. */
static inline void dirty_note_shared(struct pager_object *o, uint64_t index)
{
	if (o->log_users)
		dset_add(&o->written, index);
}

/* --- get (dirty_get.c) ------------------------------------------------------
 */

/* Harvest and pull what the log covers of the range (vpns). */
void log_sync(struct pager_dirty_log *log, struct pager_range r);

/* Pages of a stretch that are dirty or awaiting. */
uint64_t log_count(const struct pager_dirty_log *log, uint64_t first,
		   uint64_t pages);

/* The space ends: its logs become orphans. */
void dirty_orphan(struct pager_space *s);

#endif
