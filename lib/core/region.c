/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Regions of a space: limits, splitting, adding, removing, merging. All that
 * is charged for a region is charged here.
 */
#include <assert.h>

#include "lib/core/account.h"
#include "lib/core/contig.h"
#include "lib/core/dirty_int.h"
#include "lib/core/pin.h"
#include "lib/core/space.h"
#include "lib/core/table.h"

struct pager_status space_reserve_regions(struct pager_space *s, unsigned int n)
{
	if (pager_slab_reserve(&s->core->region_slab, n) ||
	    rtree_reserve(&s->regions, n))
		return pager_refuse(PAGER_ENOMEM, PAGER_ARG_NONE);
	return pager_ok();
}

struct pager_status space_check_limits(const struct pager_space *s,
				       uint64_t more_regions,
				       uint64_t more_pages, enum pager_arg arg)
{
	if (more_regions) {
		if (s->regions.count + more_regions > s->limits.regions ||
		    !account_has_room(s->account, PAGER_RES_REGIONS,
				      more_regions))
			return pager_refuse(PAGER_ELIMIT, PAGER_ARG_NONE);
	}
	if (more_pages) {
		if (more_pages > s->limits.pages ||
		    s->virtual_pages > s->limits.pages - more_pages ||
		    !account_has_room(s->account, PAGER_RES_PAGES, more_pages))
			return pager_refuse(PAGER_ELIMIT, arg);
	}
	return pager_ok();
}

struct pager_status space_check_range(const struct pager_space *s,
				      struct pager_range r)
{
	if (r.end <= r.start)
		return pager_refuse(PAGER_EINVAL, PAGER_ARG_LEN);
	if (r.start < s->range.start || r.start >= s->range.end)
		return pager_refuse(PAGER_ERANGE, PAGER_ARG_ADDR);
	if (r.end > s->range.end)
		return pager_refuse(PAGER_ERANGE, PAGER_ARG_LEN);
	return pager_ok();
}

struct pager_region *space_region_at(const struct pager_space *s, uint64_t vpn)
{
	struct pager_region *r = s->last;

	if (r && r->start <= vpn && vpn < r->end)
		return r;
	r = rtree_find(&s->regions, vpn);
	return r && r->start <= vpn ? r : NULL;
}

bool space_covers(const struct pager_space *s, struct pager_range r)
{
	struct pager_region *x = rtree_find(&s->regions, r.start);
	uint64_t at = r.start;

	for (; x && x->start <= at; x = rtree_next(x)) {
		at = x->end;
		if (at >= r.end)
			return true;
	}
	return false;
}

uint64_t space_mapped_pages(const struct pager_space *s, struct pager_range r)
{
	struct pager_region *x = rtree_find(&s->regions, r.start);
	uint64_t pages = 0;

	for (; x && x->start < r.end; x = rtree_next(x)) {
		uint64_t lo = x->start > r.start ? x->start : r.start;
		uint64_t hi = x->end < r.end ? x->end : r.end;

		pages += hi - lo;
	}
	return pages;
}

static bool cut_at(const struct pager_space *s, uint64_t vpn)
{
	struct pager_region *r = rtree_find(&s->regions, vpn);

	return r && r->start < vpn;
}

unsigned int space_cuts(const struct pager_space *s, struct pager_range r)
{
	return (unsigned int)cut_at(s, r.start) +
	       (unsigned int)cut_at(s, r.end);
}

struct pager_status space_reserve_cuts(struct pager_space *s,
				       struct pager_range r)
{
	struct pager_status st =
	    space_check_limits(s, space_cuts(s, r), 0, PAGER_ARG_NONE);

	return st.err ? st : space_reserve_regions(s, 2);
}

static void charge(struct pager_space *s, uint64_t regions, uint64_t pages)
{
	s->core->region_count += regions;
	s->virtual_pages += pages;
	account_charge(s->account, PAGER_RES_REGIONS, regions);
	account_charge(s->account, PAGER_RES_PAGES, pages);
}

static void uncharge(struct pager_space *s, uint64_t regions, uint64_t pages)
{
	s->core->region_count -= regions;
	s->virtual_pages -= pages;
	account_uncharge(s->account, PAGER_RES_REGIONS, regions);
	account_uncharge(s->account, PAGER_RES_PAGES, pages);
}

struct pager_region *
space_add_region(struct pager_space *s, struct pager_range range, uint32_t prot,
		 uint32_t flags, struct pager_object *object, uint64_t offset)
{
	struct pager_region *r = pager_slab_take(&s->core->region_slab);

	r->start = range.start;
	r->end = range.end;
	r->prot = prot;
	r->flags = flags;
	r->space = s;
	r->offset = offset;
	if (object) {
		r->object = pager_object_get(object);
		region_link(r);
	}
	rtree_insert(&s->regions, r);
	charge(s, 1, pager_range_len(range));
	return r;
}

void space_drop_region(struct pager_space *s, struct pager_region *r)
{
	struct pager_object *object = r->object;

	if (s->last == r)
		s->last = NULL;
	rtree_erase(&s->regions, r);
	uncharge(s, 1, r->end - r->start);
	if (object)
		region_unlink(r);
	pager_slab_give(&s->core->region_slab, r);
	if (object)
		pager_object_put(object);
}

void space_resize_region(struct pager_space *s, struct pager_region *r,
			 uint64_t start, uint64_t end)
{
	uint64_t was = r->end - r->start;
	uint64_t now = end - start;

	if (r->object)
		r->offset += start - r->start;
	rtree_resize(&s->regions, r, start, end);
	if (now > was)
		charge(s, 0, now - was);
	else
		uncharge(s, 0, was - now);
}

/*
 *	|------------ r ------------|
 *	|---- r ----|at-- tail -----|
 */
static void split(struct pager_space *s, uint64_t at)
{
	struct pager_region *r = rtree_find(&s->regions, at);
	uint64_t end;

	if (!r || r->start >= at)
		return;
	end = r->end;
	space_resize_region(s, r, r->start, at);
	space_add_region(s, pager_range(at, end), r->prot, r->flags, r->object,
			 r->object ? r->offset + (at - r->start) : 0);
}

void space_isolate(struct pager_space *s, struct pager_range r)
{
	split(s, r.start);
	split(s, r.end);
}

static bool alike(const struct pager_region *a, const struct pager_region *b)
{
	return a->end == b->start && b->start != PAGER_VPN_HALF &&
	       a->prot == b->prot && a->flags == b->flags &&
	       a->object == b->object &&
	       (!a->object || a->offset + (a->end - a->start) == b->offset) &&
	       (!(a->flags & PAGER_REGION_CONTIG) || contig_continues(a, b));
}

void space_merge(struct pager_space *s, struct pager_range range)
{
	struct pager_region *r =
	    rtree_find(&s->regions, range.start ? range.start - 1 : 0);

	while (r && r->start <= range.end) {
		struct pager_region *next = rtree_next(r);
		uint64_t end;

		if (!next || !alike(r, next)) {
			r = next;
			continue;
		}
		end = next->end;
		space_drop_region(s, next);
		space_resize_region(s, r, r->start, end);
	}
}

void space_remove(struct pager_space *s, struct pager_range range)
{
	const struct pager_region *r;

	dirty_note_drop(s, range);
	for (r = s->log_count ? rtree_find(&s->regions, range.start) : NULL;
	     r && r->start < range.end; r = rtree_next(r))
		dirty_note_view(s, r, range);
	space_forget(s, range);
}

void space_forget(struct pager_space *s, struct pager_range range)
{
	struct pager_region *r, *next;

	unpin_range(s, range);
	table_detach(&s->table, range);
	space_invalidate(s, range);
	for (r = rtree_find(&s->regions, range.start);
	     r && r->start < range.end; r = next) {
		next = rtree_next(r);
		space_drop_region(s, r);
	}
	node_drain(s->core);
}

void space_invalidate(struct pager_space *s, struct pager_range r)
{
	s->table.mmu.ops->invalidate(s->table.mmu.mmu, s, r);
}

void space_note_peak(struct pager_space *s)
{
	uint64_t resident = space_resident(s);

	if (resident > s->peak)
		s->peak = resident;
}
