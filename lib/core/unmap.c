/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unmap and protect: a range of regions goes, or changes its protection.
 *
 *	   r.start                     r.end
 *	|--a--[--|   |--b--|   |--c--]--|        holes only for unmap
 */
#include "lib/core/large.h"
#include "lib/core/space.h"
#include "lib/core/table.h"

struct pager_status pager_space_unmap(struct pager_space *space,
				      struct pager_range range)
{
	struct pager_status st = space_check_range(space, range);
	struct pager_region *r;

	if (st.err)
		return st;
	r = rtree_find(&space->regions, range.start);
	if (!r || r->start >= range.end)
		return pager_ok();
	/* Only a cut out of the middle leaves a region more than before. */
	if (r->start < range.start && r->end > range.end) {
		st = space_check_limits(space, 1, 0, PAGER_ARG_NONE);
		if (st.err)
			return st;
	}
	if (space_cuts(space, range)) {
		st = space_reserve_regions(space, 2);
		if (st.err)
			return st;
	}
	st = node_reserve(space->core, space->account,
			  table_need_detach(&space->table, range));
	if (st.err)
		return st;
	space_isolate(space, range);
	space_remove(space, range);
	return pager_ok();
}

struct protecting {
	struct pager_space *space;
	const struct pager_region *region;
	uint32_t was;
	bool narrowed;
};

/*
 * One entry under its region's new protection. Write permission is given here
 * only where the page is this entry's alone; the fault gives the rest.
 */
static void protect_entry(void *ctx, uint64_t vpn, uint64_t pages,
			  uint64_t *slot)
{
	struct protecting *p = ctx;
	const struct pager_region *r = p->region;
	uint64_t was = *slot;
	uint64_t e = was & ~(PTE_P | PTE_U | PTE_NX | PTE_W);

	(void)vpn;
	/* Only where nothing but write permission is given: the fault does. */
	if (pte_large(was) && pages < PTE_SLOTS)
		return;
	e |= pte_perms(r->prot);
	if (r->prot & PAGER_PROT_WRITE) {
		if (pte_type(e) == PAGER_PAGE_OBJECT && !region_private(r))
			e |= PTE_W;
		else if (p->space->log_guards)
			e |= was & PTE_W;
		else if (pte_large(e))
			e |= large_refs_are(p->space->core, e, 1) ? PTE_W : 0;
		else if (pte_type(e) == PAGER_PAGE_ANON && !(e & PTE_LAZY) &&
			 frame_refs(p->space->core, frame_of(e)) == 1)
			e |= PTE_W;
	}
	if (e == was)
		return;
	p->narrowed |= (was & PTE_P && !(e & PTE_P)) ||
		       (was & PTE_W && !(e & PTE_W)) ||
		       (!(was & PTE_NX) && e & PTE_NX);
	table_store(&p->space->table, slot, e);
}

/* Does going from one protection to the other change entries that somebody
 * may share? Write permission given is the fault's to install. */
static bool rewrites(uint32_t was, uint32_t now)
{
	return pte_perms(was) != pte_perms(now) ||
	       (was & PAGER_PROT_WRITE && !(now & PAGER_PROT_WRITE));
}

static struct pager_status plan_protect(struct pager_space *s,
					struct pager_range range, uint32_t prot)
{
	struct pager_status st;
	struct pager_region *r;
	bool any = false;

	if (prot & ~PAGER_PROT_ALL)
		return pager_refuse(PAGER_EINVAL, PAGER_ARG_PROT);
	st = space_check_range(s, range);
	if (st.err)
		return st;
	if (!space_covers(s, range))
		return pager_refuse(PAGER_EUNMAPPED, PAGER_ARG_ADDR);
	st = space_check_limits(s, space_cuts(s, range), 0, PAGER_ARG_NONE);
	if (!st.err)
		st = space_reserve_regions(s, 2);
	if (st.err)
		return st;
	for (r = rtree_find(&s->regions, range.start);
	     r && r->start < range.end; r = rtree_next(r))
		any |= rewrites(r->prot, prot);
	return node_reserve(s->core, s->account,
			    any ? table_need_own_range(&s->table, range) : 0);
}

struct pager_status pager_space_protect(struct pager_space *space,
					struct pager_range range, uint32_t prot)
{
	struct pager_status st = plan_protect(space, range, prot);
	struct protecting p = {.space = space};
	struct pager_region *r;

	if (st.err)
		return st;
	space_isolate(space, range);
	for (r = rtree_find(&space->regions, range.start);
	     r && r->start < range.end; r = rtree_next(r)) {
		uint32_t was = r->prot;

		if (was == prot)
			continue;
		r->prot = prot;
		p.region = r;
		if (rewrites(was, prot))
			table_own_range(&space->table, pager_region_range(r));
		table_each(&space->table, pager_region_range(r), false,
			   protect_entry, &p);
	}
	if (p.narrowed)
		space_invalidate(space, range);
	space_merge(space, range);
	return pager_ok();
}
