/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Remap: mremap(2) as Linux has it, planned whole before anything moves.
 *
 *	shrink		|####|xxx|		tail unmapped
 *	grow in place	|####|+++|		if the gap above allows
 *	move		|....|  ->  |####|+++|	MAYMOVE, FIXED
 *	dontunmap	|    |  ->  |####|	old mapping stays, empty
 *	old length 0	|####|  ->  |####|	shared only: a second view
 *
 * Pages keep their frames. So a pinned region can be moved and stays pinned;
 * a second view of one is not.
 */
#include "lib/core/dirty_int.h"
#include "lib/core/pin.h"
#include "lib/core/rmap.h"
#include "lib/core/space.h"
#include "lib/core/table.h"

struct moving {
	struct pager_range from;
	uint64_t to;
	uint64_t pages; /* at the new place */
	bool keep;	/* the old regions stay, empty */
	bool second;	/* a second view: no page moves */
};

static struct pager_status check(const struct pager_space *s,
				 const struct pager_remap_args *a)
{
	uint32_t f = a->flags;

	if (f & ~PAGER_REMAP_ALL ||
	    (f & (PAGER_REMAP_FIXED | PAGER_REMAP_DONTUNMAP) &&
	     !(f & PAGER_REMAP_MAYMOVE)))
		return pager_refuse(PAGER_EFLAGS, PAGER_ARG_FLAGS);
	if (a->new_pages == 0)
		return pager_refuse(PAGER_EINVAL, PAGER_ARG_NEW_LEN);
	if (f & PAGER_REMAP_DONTUNMAP && a->pages != a->new_pages)
		return pager_refuse(PAGER_EINVAL, PAGER_ARG_NEW_LEN);
	if (a->addr >= PAGER_VPN_END || a->pages > PAGER_VPN_END - a->addr)
		return pager_refuse(PAGER_ERANGE, PAGER_ARG_LEN);
	if (a->new_pages > PAGER_VPN_END)
		return pager_refuse(PAGER_ERANGE, PAGER_ARG_NEW_LEN);
	if (f & PAGER_REMAP_FIXED) {
		struct pager_range from =
		    pager_range(a->addr, a->addr + a->pages);
		struct pager_range to;
		struct pager_status st;

		if (a->new_addr >= PAGER_VPN_END)
			return pager_refuse(PAGER_ERANGE, PAGER_ARG_NEW_ADDR);
		to = pager_range(a->new_addr, a->new_addr + a->new_pages);
		st = space_check_range(s, to);
		if (st.err)
			return pager_refuse(st.err, PAGER_ARG_NEW_ADDR);
		/* A second view may not replace what it is a view of. */
		if (pager_range_overlaps(from, to) || to.start == from.start)
			return pager_refuse(PAGER_EINVAL, PAGER_ARG_NEW_ADDR);
	}
	return pager_ok();
}

static struct pager_status shrink(struct pager_space *s, uint64_t addr,
				  uint64_t pages, uint64_t new_pages)
{
	if (pages == new_pages)
		return pager_ok();
	return pager_space_unmap(s,
				 pager_range(addr + new_pages, addr + pages));
}

static bool can_grow(const struct pager_space *s, const struct pager_region *r,
		     const struct pager_remap_args *a)
{
	struct pager_region *next = rtree_next(r);
	uint64_t end = a->addr + a->new_pages;

	if (a->addr + a->pages != r->end || end > s->range.end ||
	    (a->addr < PAGER_VPN_HALF && end > PAGER_VPN_HALF))
		return false;
	return !next || next->start >= end;
}

static struct pager_status grow(struct pager_space *s, struct pager_region *r,
				const struct pager_remap_args *a)
{
	struct pager_status st = space_check_limits(
	    s, 0, a->new_pages - a->pages, PAGER_ARG_NEW_LEN);

	if (st.err)
		return st;
	space_resize_region(s, r, r->start, a->addr + a->new_pages);
	dirty_note_view(
	    s, r, pager_range(a->addr + a->pages, a->addr + a->new_pages));
	space_merge(s, pager_region_range(r));
	return pager_ok();
}

/*
 * All that a move needs at once: regions for the cuts at both places and for
 * the copies, nodes for clearing the target, cutting the source, moving.
 */
static struct pager_status plan_move(struct pager_space *s,
				     const struct moving *m)
{
	struct pager_range to = pager_range(m->to, m->to + m->pages);
	uint64_t replaced = space_mapped_pages(s, to);
	uint64_t from_pages = m->second ? 0 : pager_range_len(m->from);
	uint64_t kept = m->pages < from_pages ? m->pages : from_pages;
	struct pager_range moved =
	    pager_range(m->from.start, m->from.start + kept);
	uint64_t gone = replaced + (m->keep ? 0 : from_pages);
	uint64_t copies = m->second;
	struct pager_region *r;
	struct pager_status st;
	uint64_t nodes;
	unsigned int cuts;

	for (r = rtree_find(&s->regions, m->from.start);
	     !m->second && r && r->start < m->from.end; r = rtree_next(r))
		copies++;
	/* While it happens there may be more regions than at the end; only
	 * what stays counts against the limit, and cuts may stay. */
	cuts = space_cuts(s, to) + (m->second ? 0 : space_cuts(s, m->from));
	st = space_check_limits(s, cuts + (m->keep || m->second ? copies : 0),
				m->pages > gone ? m->pages - gone : 0,
				PAGER_ARG_NEW_LEN);
	if (st.err)
		return st;
	if (copies + 6 > UINT32_MAX)
		return pager_refuse(PAGER_ENOMEM, PAGER_ARG_NONE);
	st = space_reserve_regions(s, (unsigned int)copies + 6);
	if (st.err)
		return st;
	nodes = table_need_detach(&s->table, to);
	if (!m->second)
		nodes += table_need_detach(&s->table, m->from) +
			 table_need_move(&s->table, moved, m->to);
	st = node_reserve(s->core, s->account, nodes);
	if (st.err || m->second)
		return st;
	return rmap_reserve(s->core,
			    table_need_places(&s->table, moved, m->to));
}

/* What the regions of a range show of their objects. */
static void note_views(struct pager_space *s, struct pager_range range)
{
	const struct pager_region *r;

	if (!s->log_count)
		return;
	for (r = rtree_find(&s->regions, range.start);
	     r && r->start < range.end; r = rtree_next(r))
		dirty_note_view(s, r, range);
}

static void copy_regions(struct pager_space *s, const struct moving *m,
			 struct pager_range from)
{
	struct pager_region *r = rtree_find(&s->regions, from.start);
	uint64_t last = m->to + m->pages;

	while (r && r->start < from.end) {
		struct pager_region *next = rtree_next(r);
		uint64_t at = m->to + (r->start - from.start);
		uint64_t end = at + (r->end - r->start);

		/* The last one takes what the mapping grows by. */
		if (r->end >= from.end)
			end = last;
		space_add_region(s, pager_range(at, end), r->prot,
				 r->flags & ~PAGER_REGION_HEAP, r->object,
				 r->offset);
		r = next;
	}
}

static void commit_move(struct pager_space *s, const struct moving *m)
{
	struct pager_range to = pager_range(m->to, m->to + m->pages);
	struct pager_range from = m->from;

	space_isolate(s, to);
	space_remove(s, to);
	if (m->second) {
		struct pager_region *r = rtree_find(&s->regions, from.start);

		space_add_region(
		    s, to, r->prot,
		    r->flags & ~(PAGER_REGION_HEAP | PAGER_REGION_PINNED),
		    r->object, r->offset + (from.start - r->start));
		note_views(s, to);
		space_merge(s, to);
		return;
	}
	space_isolate(s, from);
	if (pager_range_len(from) > m->pages) {
		struct pager_range tail =
		    pager_range(from.start + m->pages, from.end);

		space_isolate(s, tail);
		space_remove(s, tail);
		from.end = tail.start;
	}
	if (s->snapshot) /* which keeps its pins where they were */
		unpin_range(s, from);
	copy_regions(s, m, from);
	note_views(s, to);
	dirty_note_move(s, from, m->to);
	table_move(&s->table, from, m->to);
	space_invalidate(s, from);
	if (s->snapshot)
		pin_range(s, to);
	if (m->keep)
		node_drain(s->core);
	else
		space_remove(s, from);
	space_merge(s, to);
	space_merge(s, from);
}

/* A region or several without a hole; several only as Linux moves them: whole
 * and not growing. */
static struct pager_status check_source(const struct pager_space *s,
					const struct pager_remap_args *a,
					const struct pager_region *r)
{
	struct pager_range from = pager_range(a->addr, a->addr + a->pages);

	if (a->pages == 0)
		return region_private(r)
			   ? pager_refuse(PAGER_EINVAL, PAGER_ARG_LEN)
			   : pager_ok();
	if (r->end < from.end &&
	    (a->new_pages > a->pages || !space_covers(s, from)))
		return pager_refuse(PAGER_EUNMAPPED, PAGER_ARG_LEN);
	for (; r && r->start < from.end; r = rtree_next(r)) {
		if (r->flags & PAGER_REGION_PINNED &&
		    (a->new_pages > a->pages ||
		     a->flags & PAGER_REMAP_DONTUNMAP))
			return pager_refuse(PAGER_EBUSY, PAGER_ARG_ADDR);
	}
	return pager_ok();
}

struct pager_status pager_space_remap(struct pager_space *space,
				      const struct pager_remap_args *a,
				      uint64_t *out)
{
	const uint32_t elsewhere = PAGER_REMAP_FIXED | PAGER_REMAP_DONTUNMAP;
	struct pager_status st = check(space, a);
	struct pager_region *r;
	struct moving m;
	uint64_t beyond;

	if (st.err)
		return st;
	r = space_region_at(space, a->addr);
	if (!r)
		return pager_refuse(PAGER_EUNMAPPED, PAGER_ARG_ADDR);
	st = check_source(space, a, r);
	if (st.err)
		return st;
	*out = a->addr;
	beyond = r->offset + (a->addr - r->start);
	if (r->object && a->new_pages > a->pages &&
	    beyond > PAGER_VPN_END - a->new_pages)
		return pager_refuse(PAGER_EOVERFLOW, PAGER_ARG_NEW_LEN);
	if (!(a->flags & elsewhere) && a->pages) {
		if (a->new_pages <= a->pages)
			return shrink(space, a->addr, a->pages, a->new_pages);
		if (can_grow(space, r, a))
			return grow(space, r, a);
	}
	if (!(a->flags & PAGER_REMAP_MAYMOVE))
		return pager_refuse(PAGER_ENOSPACE, PAGER_ARG_NEW_LEN);
	m = (struct moving){
	    .from = pager_range(a->addr, a->addr + a->pages),
	    .to = a->new_addr,
	    .pages = a->new_pages,
	    .keep = a->flags & PAGER_REMAP_DONTUNMAP,
	    .second = a->pages == 0,
	};
	if (!(a->flags & PAGER_REMAP_FIXED) &&
	    !space_find_slot(space, UINT64_MAX, a->new_pages, &m.to))
		return pager_refuse(PAGER_ENOSPACE, PAGER_ARG_NEW_LEN);
	st = plan_move(space, &m);
	if (st.err)
		return st;
	commit_move(space, &m);
	*out = m.to;
	return pager_ok();
}
