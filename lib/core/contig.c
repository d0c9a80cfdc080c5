/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contiguous maps: planned, filled, compared.
 */
#include "lib/core/contig.h"

#include "lib/core/account.h"
#include "lib/core/dirty_int.h"
#include "lib/core/pin.h"
#include "lib/core/reclaim.h"
#include "lib/core/rmap.h"

enum { FRAMES_64K = 16 };

bool contig_flags_ok(const struct pager_map_args *args)
{
	uint32_t f = args->flags;

	if (!(f & PAGER_MAP_CONTIG))
		return !(f & CONTIG_WISHES);
	return !(f & (PAGER_MAP_SHARED | PAGER_MAP_GROWSDOWN)) && !args->object;
}

/* The lowest bound holds. */
static uint64_t limit_of(uint32_t flags)
{
	if (flags & PAGER_MAP_BELOW_1M)
		return UINT64_C(1) << (20 - PAGER_PAGE_SHIFT);
	if (flags & PAGER_MAP_BELOW_16M)
		return UINT64_C(1) << (24 - PAGER_PAGE_SHIFT);
	if (flags & PAGER_MAP_BELOW_4G)
		return UINT64_C(1) << (32 - PAGER_PAGE_SHIFT);
	return UINT64_MAX;
}

static struct pager_status reserve(struct pager_space *s,
				   const struct pager_map_args *args,
				   struct pager_range r)
{
	struct sums gone = table_sum(&s->table, r);
	uint64_t others =
	    space_resident(s) - gone.anon - gone.zero - gone.object;

	if (others + args->pages > s->limits.resident)
		return pager_refuse(PAGER_ELIMIT, PAGER_ARG_LEN);
	if (!account_has_room(s->account, PAGER_RES_FRAMES, args->pages))
		return pager_refuse(PAGER_ELIMIT, PAGER_ARG_NONE);
	return node_reserve(s->core, s->account,
			    table_need_fill_range(&s->table, r) +
				table_need_detach(&s->table, r));
}

struct pager_status contig_plan(struct pager_space *s,
				const struct pager_map_args *args,
				struct pager_range r, uint32_t *first)
{
	uint64_t align = args->flags & PAGER_MAP_ALIGN_64K ? FRAMES_64K : 1;
	struct pager_core *core = s->core;
	uint64_t limit = limit_of(args->flags), reclaims;
	bool made = false;

	/* What can never be must cost nobody anything. */
	if (args->pages > limit || args->pages > core->frames.total)
		return pager_refuse(PAGER_ENOMEM, PAGER_ARG_LEN);
	for (;;) {
		struct pager_status st = reserve(s, args, r);

		if (st.err)
			return st;
		reclaims = core->reclaims;
		*first = frame_find_range(core, args->pages, align, limit);
		if (*first != FRAME_NONE)
			return pager_ok();
		reclaim_lazy(core);
		if (reclaims != core->reclaims)
			continue;
		if (made || !pin_make_run(core, args->pages, align, limit))
			return pager_refuse(PAGER_ENOMEM, PAGER_ARG_LEN);
		made = true;
	}
}

void contig_commit(struct pager_space *s, const struct pager_region *region,
		   uint32_t first)
{
	uint64_t pages = region->end - region->start;
	uint64_t bits = PTE_ANON | pte_perms(region->prot);

	if (region->prot & PAGER_PROT_WRITE)
		bits |= PTE_W;
	frame_take_range(s->core, s->account, first, pages, true);
	for (uint64_t i = 0; i < pages; i++) {
		struct path p;

		table_own(&s->table, region->start + i, &p);
		table_fill(&s->table, &p,
			   frame_entry(first + (uint32_t)i) | bits);
		pin_entry(s, region->start + i, *p.slot);
	}
	dirty_note_writable(s, pager_region_range(region));
	s->minor_faults += pages;
	s->core->stats.minor_faults += pages;
	s->core->stats.zero_fills += pages;
	space_note_peak(s);
}

static uint32_t frame_at(const struct pager_space *s, uint64_t vpn)
{
	struct path p;
	uint64_t eff;
	const uint64_t *slot = table_walk(&s->table, vpn, &p, &eff);

	return slot && *slot ? frame_of(*slot) : FRAME_NONE;
}

bool contig_continues(const struct pager_region *a,
		      const struct pager_region *b)
{
	uint32_t last = frame_at(a->space, a->end - 1);

	return last != FRAME_NONE && frame_at(a->space, b->start) == last + 1;
}

/* The snapshot's entry does not see the write, but may be put back. */
static void note_change(void *ctx, uint32_t node, uint64_t *slot)
{
	(void)node;
	core_store(ctx, slot, *slot | PTE_CHANGED);
}

void contig_write_shared(struct pager_space *s, uint32_t frame)
{
	rmap_each(s->core, frame, note_change, s->core);
}
