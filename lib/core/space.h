/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside view of spaces: what the operations (map.c, unmap.c, ...) share.
 *
 * Regions are policy, the table is truth. An operation plans (checks, counts,
 * reserves), then commits with the functions here that cannot fail:
 *
 *	split the regions at the range's ends
 *	change, remove or add whole regions; change the table
 *	invalidate, then let frames and nodes go
 *	merge neighbours that are alike
 */
#ifndef LIB_CORE_SPACE_H
#define LIB_CORE_SPACE_H

#include "lib/core/table.h"

/* --- plan -------------------------------------------------------------------
 */

/* Room in the stocks for n more regions. */
struct pager_status space_reserve_regions(struct pager_space *s,
					  unsigned int n);
/* May the space hold that many regions and pages more? arg is to blame for
 * pages. */
struct pager_status space_check_limits(const struct pager_space *s,
				       uint64_t more_regions,
				       uint64_t more_pages, enum pager_arg arg);
/* A range from outside: not empty, inside the space. */
struct pager_status space_check_range(const struct pager_space *s,
				      struct pager_range r);
/* Is every page of the range mapped? */
bool space_covers(const struct pager_space *s, struct pager_range r);
/* Mapped pages in the range. */
uint64_t space_mapped_pages(const struct pager_space *s, struct pager_range r);
/* The region at vpn, or NULL. */
struct pager_region *space_region_at(const struct pager_space *s, uint64_t vpn);
/* How many regions the two cuts at the range's ends would add. */
unsigned int space_cuts(const struct pager_space *s, struct pager_range r);
/* May both ends of the range be cut, and is there room for that? */
struct pager_status space_reserve_cuts(struct pager_space *s,
				       struct pager_range r);
/* Where a region of that many pages goes: exactly at the hint if that is free,
 * else the highest place below it, else the highest anywhere; first with a
 * guard page on both sides, then without. False: nowhere. */
bool space_find_slot(const struct pager_space *s, uint64_t hint, uint64_t pages,
		     uint64_t *out);

/* --- commit -----------------------------------------------------------------
 */

/* Regions end and begin at both ends of the range. */
void space_isolate(struct pager_space *s, struct pager_range r);
/* A new region, charged; takes its own reference on object. */
struct pager_region *
space_add_region(struct pager_space *s, struct pager_range r, uint32_t prot,
		 uint32_t flags, struct pager_object *object, uint64_t offset);
/* Remove and free a region, which must have been invalidated. */
void space_drop_region(struct pager_space *s, struct pager_region *r);
/* Change a region's bounds, charged; offset follows a moved start. */
void space_resize_region(struct pager_space *s, struct pager_region *r,
			 uint64_t start, uint64_t end);
/* Merge neighbours that are alike, from just below to just above the range. */
void space_merge(struct pager_space *s, struct pager_range r);
/* Remove all that the (isolated) range holds: table, flush, regions, memory.
 * forget does not tell the logs. */
void space_forget(struct pager_space *s, struct pager_range r);
void space_remove(struct pager_space *s, struct pager_range r);

/* Begin to use its backend. -1: it, or the core, has no room. */
int space_attach(struct pager_space *s);
void space_invalidate(struct pager_space *s, struct pager_range r);
void space_note_peak(struct pager_space *s);

static inline uint64_t space_resident(const struct pager_space *s)
{
	const struct node *root = &s->core->arena.node[s->table.root];

	return (uint64_t)root->anon + root->zero + root->object;
}

/* A region whose pages are private writes copy. */
static inline bool region_private(const struct pager_region *r)
{
	return !(r->flags & PAGER_REGION_SHARED);
}

/* --- object pages ------------------------------------------------------------
 */

uint32_t object_page(const struct pager_object *o, uint64_t index);
/* Nodes that object_make would need. */
unsigned int object_need_nodes(const struct pager_object *o, uint64_t index);
/* Commit: the page, made (zeroed) if it is not there. */
uint32_t object_make(struct pager_object *o, uint64_t index,
		     enum frame_kind kind);

/* --- faults ------------------------------------------------------------------
 */

/* Is the access allowed by the region's protection? x86-64: what may be
 * written or executed may be read. */
static inline bool region_allows(const struct pager_region *r, uint32_t access)
{
	if (access == PAGER_ACCESS_READ)
		return r->prot != 0;
	if (access == PAGER_ACCESS_WRITE)
		return r->prot & PAGER_PROT_WRITE;
	return r->prot & PAGER_PROT_EXEC;
}

/* What installing one page takes. */
struct fault_need {
	unsigned int frames;	    /* charged to the space */
	unsigned int object_frames; /* charged to the object */
	unsigned int nodes;
	unsigned int object_nodes;
	bool resident;	  /* a page more will be present */
	bool present;	  /* nothing to do */
	bool own;	  /* path is complete and may be changed */
	bool large;	  /* a large entry gets W, nothing else */
	bool logged;	  /* it would, but for a log: it is split */
	struct path path; /* if own, or present */
};
/* Plan: what a fault of that access at vpn, in r and inside the object, would
 * take. */
void fault_need(const struct pager_space *s, const struct pager_region *r,
		uint64_t vpn, uint32_t access, struct fault_need *need);
/* Commit: install it, right after fault_need said what it takes and with that
 * in the stocks. Returns true when a frame was filled for a write. The caller
 * tells the logs. */
bool fault_install(struct pager_space *s, struct pager_region *r, uint64_t vpn,
		   uint32_t access, struct fault_need *need);
/* May the fault of which need is known fill pages around its own? A write to
 * an empty private anonymous page, if the space asks for it and has no dirty
 * log, and the region is not pinned. */
static inline bool around_may(const struct pager_space *s,
			      const struct pager_region *r, uint32_t access,
			      const struct fault_need *need)
{
	return s->around && !s->log_count && access == PAGER_ACCESS_WRITE &&
	       need->resident && region_private(r) && !r->object &&
	       !(r->flags & (PAGER_REGION_PINNED | PAGER_REGION_CONTIG));
}
/* Commit, in place of fault_install: fill the aligned stretch around vpn, 2 MiB
 * or 64 KiB, if it is empty, inside of the bounds and the limits, and the pool
 * has a run for it. Returns pages installed, vpn's among them, and its slot in
 * *p; or 0, nothing done. */
unsigned int around_install(struct pager_space *s, const struct pager_region *r,
			    uint64_t vpn, struct pager_range bounds,
			    struct path *p);
/* Plan of populate, pin, WILLNEED and map: counts all pages of the range for
 * the access, reserves. skip: regions that do not allow it, and pages beyond
 * an object's end, are left out instead of refused. */
struct pager_status populate_plan(struct pager_space *s, struct pager_range r,
				  uint32_t access, bool skip);
/* The same for a range that is going to be pinned: unmovable frames, also for
 * pages that are there and must be moved first. */
struct pager_status populate_plan_pin(struct pager_space *s,
				      struct pager_range r);
/* Commit: what populate_plan planned. Returns pages installed. */
uint64_t populate_commit(struct pager_space *s, struct pager_range r,
			 uint32_t access, bool skip);
/* The access that populates a region: a write if it is private and writable,
 * else a read. */
static inline uint32_t populate_access(const struct pager_region *r)
{
	return region_private(r) && r->prot & PAGER_PROT_WRITE
		   ? PAGER_ACCESS_WRITE
		   : PAGER_ACCESS_READ;
}

#endif
