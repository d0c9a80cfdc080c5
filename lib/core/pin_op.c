/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pin and unpin a range.
 *
 * Pin, in commit: every page that is there already is counted; those that are
 * missing, or must be copied to be written, get unmovable frames by faults;
 * what then still lies where it could be asked to move is moved.
 */
#include "lib/core/large.h"
#include "lib/core/pin.h"

static struct pager_status check(const struct pager_space *s,
				 struct pager_range range)
{
	struct pager_status st = space_check_range(s, range);

	if (!st.err && !space_covers(s, range))
		st = pager_refuse(PAGER_EUNMAPPED, PAGER_ARG_ADDR);
	return st;
}

/* What must be moved lies under no large entry any more: see pin_prepare. */
static void settle_slot(void *ctx, uint64_t vpn, uint64_t pages, uint64_t *slot)
{
	(void)vpn;
	(void)pages;
	if (!pte_large(*slot))
		pin_settle(ctx, frame_of(*slot));
}

static void unmark_lazy(void *ctx, uint64_t vpn, uint64_t pages, uint64_t *slot)
{
	struct pager_space *s = ctx;

	(void)vpn;
	(void)pages;
	if (*slot & PTE_LAZY)
		table_store(&s->table, slot, *slot & ~PTE_LAZY);
}

struct pager_status pager_space_pin(struct pager_space *space,
				    struct pager_range range)
{
	struct pager_status st = check(space, range);
	struct pager_region *r;

	if (!st.err)
		st = space_reserve_cuts(space, range);
	if (!st.err)
		st = populate_plan_pin(space, range);
	if (st.err)
		return st;
	space_isolate(space, range);
	for (r = rtree_find(&space->regions, range.start);
	     r && r->start < range.end; r = rtree_next(r)) {
		if (region_pinned(r))
			continue;
		r->flags |= PAGER_REGION_PINNED;
		pin_range(space, pager_region_range(r));
	}
	populate_commit(space, range, 0, false);
	table_each(&space->table, range, true, settle_slot, space->core);
	table_each(&space->table, range, false, unmark_lazy, space);
	space_merge(space, range);
	return pager_ok();
}

struct pager_status pager_space_unpin(struct pager_space *space,
				      struct pager_range range)
{
	struct pager_status st = check(space, range);
	struct pager_region *r;

	for (r = rtree_find(&space->regions, range.start);
	     !st.err && r && r->start < range.end; r = rtree_next(r))
		if (r->flags & PAGER_REGION_CONTIG)
			st = pager_refuse(PAGER_EBUSY, PAGER_ARG_ADDR);
	if (!st.err)
		st = space_reserve_cuts(space, range);
	if (st.err)
		return st;
	unpin_range(space, range);
	space_isolate(space, range);
	for (r = rtree_find(&space->regions, range.start);
	     r && r->start < range.end; r = rtree_next(r))
		r->flags &= ~PAGER_REGION_PINNED;
	space_merge(space, range);
	return pager_ok();
}
