/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Map: a new region, by wish, by place, or in place of what is there.
 */
#include "lib/core/contig.h"
#include "lib/core/dirty_int.h"
#include "lib/core/space.h"
#include "lib/core/table.h"

static struct pager_status check(const struct pager_space *s,
				 const struct pager_map_args *a)
{
	uint32_t f = a->flags;

	if (a->pages == 0)
		return pager_refuse(PAGER_EINVAL, PAGER_ARG_LEN);
	if (a->prot & ~PAGER_PROT_ALL)
		return pager_refuse(PAGER_EINVAL, PAGER_ARG_PROT);
	if (f & ~PAGER_MAP_ALL ||
	    (f & PAGER_MAP_NOREPLACE && !(f & PAGER_MAP_FIXED)) ||
	    (f & PAGER_MAP_GROWSDOWN && (f & PAGER_MAP_SHARED || a->object)) ||
	    !contig_flags_ok(a))
		return pager_refuse(PAGER_EFLAGS, PAGER_ARG_FLAGS);
	if (f & PAGER_MAP_SHARED && !a->object)
		return pager_refuse(PAGER_EINVAL, PAGER_ARG_OBJECT);
	if (a->pages > PAGER_VPN_END)
		return pager_refuse(PAGER_ERANGE, PAGER_ARG_LEN);
	if (!a->object && a->offset)
		return pager_refuse(PAGER_EINVAL, PAGER_ARG_OFFSET);
	if (a->offset > PAGER_VPN_END - a->pages)
		return pager_refuse(PAGER_EOVERFLOW, PAGER_ARG_OFFSET);
	if (f & PAGER_MAP_FIXED) {
		if (a->addr > PAGER_VPN_END)
			return pager_refuse(PAGER_ERANGE, PAGER_ARG_ADDR);
		return space_check_range(
		    s, pager_range(a->addr, a->addr + a->pages));
	}
	return pager_ok();
}

static uint32_t region_flags(const struct pager_map_args *a)
{
	return (a->flags & PAGER_MAP_SHARED ? PAGER_REGION_SHARED : 0) |
	       (a->flags & PAGER_MAP_GROWSDOWN ? PAGER_REGION_GROWSDOWN : 0) |
	       (a->flags & PAGER_MAP_NORESERVE ? PAGER_REGION_NORESERVE : 0) |
	       (a->flags & PAGER_MAP_CONTIG ? CONTIG_REGION : 0) |
	       (a->object ? PAGER_REGION_OBJECT : 0);
}

/*
 * What populating a range never mapped takes: every page a frame (a write, or
 * an object's page that is not there), or none (zero pages), and all nodes.
 */
static struct pager_status reserve_populate(struct pager_space *s,
					    const struct pager_map_args *a,
					    struct pager_range r)
{
	struct pager_region like = {.prot = a->prot, .flags = region_flags(a)};
	uint32_t access = populate_access(&like);
	uint64_t pages = a->pages, missing = 0, nodes = 0;
	struct sums gone = table_sum(&s->table, r);
	uint64_t others =
	    space_resident(s) - gone.anon - gone.zero - gone.object;
	struct pager_status st;

	if (a->object) {
		uint64_t size = a->object->size;
		uint64_t left = size > a->offset ? size - a->offset : 0;

		if (pages > left)
			pages = left;
		missing =
		    pages - table_sum(&a->object->table,
				      pager_range(a->offset, a->offset + pages))
				.object;
		nodes = table_need_fill_range(
		    &a->object->table,
		    pager_range(a->offset, a->offset + pages));
	}
	if (others + pages > s->limits.resident)
		return pager_refuse(PAGER_ELIMIT, PAGER_ARG_LEN);
	st = pager_ok();
	if (access == PAGER_ACCESS_WRITE)
		st = frame_reserve(s->core, s->account, pages);
	else if (missing)
		st = frame_reserve(s->core, a->object->account, missing);
	if (st.err)
		return st;
	if (access == PAGER_ACCESS_WRITE || !missing)
		nodes = 0;
	return node_reserve_two(s->core, s->account,
				table_need_fill_range(&s->table, r) +
				    table_need_detach(&s->table, r),
				a->object ? a->object->account : NULL, nodes);
}

static struct pager_status plan(struct pager_space *s,
				const struct pager_map_args *a,
				struct pager_range r, uint32_t *contig)
{
	uint64_t mapped = space_mapped_pages(s, r);
	uint64_t replaced = 0;
	struct pager_region *x;
	struct pager_status st;
	unsigned int cuts;

	if (a->flags & PAGER_MAP_NOREPLACE && mapped)
		return pager_refuse(PAGER_EEXIST, PAGER_ARG_ADDR);
	cuts = mapped ? space_cuts(s, r) : 0;
	for (x = rtree_find(&s->regions, r.start);
	     mapped && x && x->start < r.end; x = rtree_next(x))
		replaced++;
	st = space_check_limits(s,
				replaced < cuts + 1u ? cuts + 1 - replaced : 0,
				a->pages - mapped, PAGER_ARG_LEN);
	if (!st.err)
		st = space_reserve_regions(s, 3);
	if (!st.err && a->flags & PAGER_MAP_CONTIG)
		return contig_plan(s, a, r, contig);
	if (!st.err && a->flags & PAGER_MAP_POPULATE && a->prot)
		return reserve_populate(s, a, r);
	if (!st.err && mapped)
		st = node_reserve(s->core, s->account,
				  table_need_detach(&s->table, r));
	return st;
}

struct pager_status pager_space_map(struct pager_space *space,
				    const struct pager_map_args *args,
				    uint64_t *out)
{
	struct pager_status st = check(space, args);
	uint64_t addr = args->addr;
	struct pager_region *region;
	struct pager_range r;
	uint32_t contig;

	if (st.err)
		return st;
	if (!(args->flags & PAGER_MAP_FIXED) &&
	    !space_find_slot(space, args->addr, args->pages, &addr))
		return pager_refuse(PAGER_ENOSPACE, PAGER_ARG_LEN);
	r = pager_range(addr, addr + args->pages);
	st = plan(space, args, r, &contig);
	if (st.err)
		return st;
	/* Only what is mapped has pages; clearing a hole could need nodes. */
	if (args->flags & PAGER_MAP_FIXED && space_mapped_pages(space, r)) {
		space_isolate(space, r);
		space_remove(space, r);
	}
	region = space_add_region(space, r, args->prot, region_flags(args),
				  args->object, args->offset);
	dirty_note_view(space, region, r);
	if (args->flags & PAGER_MAP_CONTIG)
		contig_commit(space, region, contig);
	else if (args->flags & PAGER_MAP_POPULATE && args->prot)
		populate_commit(space, r, 0, true);
	space_merge(space, r);
	*out = addr;
	return pager_ok();
}
