/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Advice. A range with a hole is refused whole (Linux acts on the mapped parts
 * and then says ENOMEM).
 */
#include "lib/core/dirty_int.h"
#include "lib/core/large.h"
#include "lib/core/space.h"
#include "lib/core/table.h"

static struct pager_status check(const struct pager_space *s,
				 struct pager_range range,
				 enum pager_advice advice)
{
	struct pager_status st = space_check_range(s, range);
	struct pager_region *r;

	if (advice < PAGER_ADV_DONTNEED || advice > PAGER_ADV_KEEPONFORK)
		return pager_refuse(PAGER_EINVAL, PAGER_ARG_ADVICE);
	if (st.err)
		return st;
	if (!space_covers(s, range))
		return pager_refuse(PAGER_EUNMAPPED, PAGER_ARG_ADDR);
	for (r = rtree_find(&s->regions, range.start);
	     r && r->start < range.end; r = rtree_next(r)) {
		bool drops =
		    advice == PAGER_ADV_DONTNEED || advice == PAGER_ADV_FREE;
		bool anon_only =
		    advice == PAGER_ADV_FREE || advice == PAGER_ADV_WIPEONFORK;

		if (drops && r->flags & PAGER_REGION_PINNED)
			return pager_refuse(PAGER_EBUSY, PAGER_ARG_ADDR);
		if (anon_only && (r->object || !region_private(r)))
			return pager_refuse(PAGER_EINVAL, PAGER_ARG_ADDR);
		if (advice == PAGER_ADV_DOFORK &&
		    r->flags & PAGER_REGION_CONTIG)
			return pager_refuse(PAGER_EINVAL, PAGER_ARG_ADDR);
	}
	return pager_ok();
}

static struct pager_status change_flags(struct pager_space *s,
					struct pager_range range, uint32_t set,
					uint32_t clear)
{
	struct pager_status st = space_reserve_cuts(s, range);
	struct pager_region *r;

	if (st.err)
		return st;
	space_isolate(s, range);
	for (r = rtree_find(&s->regions, range.start);
	     r && r->start < range.end; r = rtree_next(r))
		r->flags = (r->flags & ~clear) | set;
	space_merge(s, range);
	return st;
}

static struct pager_status drop_pages(struct pager_space *s,
				      struct pager_range range)
{
	struct pager_status st = node_reserve(
	    s->core, s->account, table_need_detach(&s->table, range));

	if (st.err)
		return st;
	dirty_note_drop(s, range);
	table_detach(&s->table, range);
	space_invalidate(s, range);
	node_drain(s->core);
	return pager_ok();
}

static void mark_lazy(void *ctx, uint64_t vpn, uint64_t pages, uint64_t *slot)
{
	struct pager_space *s = ctx;
	uint64_t e = *slot;

	(void)vpn;
	(void)pages;
	if (pte_type(e) != PAGER_PAGE_ANON || pte_large(e) ||
	    frame_refs(s->core, frame_of(e)) != 1)
		return;
	table_store(&s->table, slot, (e & ~(PTE_W | PTE_D)) | PTE_LAZY);
	s->lazy = true;
}

/* Needs no memory: what others share is not entered, and stays; so do large
 * entries if there is no node to split them into. */
static void free_pages(struct pager_space *s, struct pager_range range)
{
	uint64_t large = large_count(&s->table, range);

	dirty_harvest(s, range);
	if (large && !node_reserve(s->core, s->account, large).err)
		large_split_range(&s->table, range);
	table_each(&s->table, range, false, mark_lazy, s);
	space_invalidate(s, range);
}

static struct pager_status will_need(struct pager_space *s,
				     struct pager_range range)
{
	struct pager_status st =
	    populate_plan(s, range, PAGER_ACCESS_READ, true);

	if (!st.err)
		populate_commit(s, range, PAGER_ACCESS_READ, true);
	return st;
}

struct pager_status pager_space_advise(struct pager_space *space,
				       struct pager_range range,
				       enum pager_advice advice)
{
	struct pager_status st = check(space, range, advice);

	if (st.err)
		return st;
	switch (advice) {
	case PAGER_ADV_DONTNEED:
		return drop_pages(space, range);
	case PAGER_ADV_WILLNEED:
		return will_need(space, range);
	case PAGER_ADV_FREE:
		free_pages(space, range);
		return pager_ok();
	case PAGER_ADV_DONTFORK:
		return change_flags(space, range, PAGER_REGION_DONTFORK, 0);
	case PAGER_ADV_DOFORK:
		return change_flags(space, range, 0, PAGER_REGION_DONTFORK);
	case PAGER_ADV_WIPEONFORK:
		return change_flags(space, range, PAGER_REGION_WIPEONFORK, 0);
	case PAGER_ADV_KEEPONFORK:
		return change_flags(space, range, 0, PAGER_REGION_WIPEONFORK);
	}
	return pager_refuse(PAGER_EINVAL, PAGER_ARG_ADVICE);
}
