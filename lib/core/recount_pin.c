/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The recount of pins: from the pinned regions of all spaces and snapshots to
 * frames, and from frames to chunks. Costs a look at every region, and more
 * only while something is pinned.
 */
#include <inttypes.h>

#include "lib/core/large.h"
#include "lib/core/pin.h"
#include "lib/core/recount_int.h"

#define wrong recount_wrong

static bool any_pinned(const struct pager_space *s)
{
	const struct pager_region *r;

	for (r = rtree_first(&s->regions); r; r = rtree_next(r))
		if (region_pinned(r))
			return true;
	return s->snapshot && any_pinned(s->snapshot);
}

bool recount_needs_pins(const struct pager_core *core)
{
	const struct pager_space *s;

	LIST_FOREACH (s, &core->spaces, all)
		if (any_pinned(s))
			return true;
	return core->frames.pinned;
}

struct counting {
	struct recount *rc;
	/* What it pins too is counted there. */
	const struct pager_space *other;
};

static void count_slot(void *ctx, uint64_t vpn, uint64_t pages, uint64_t *slot)
{
	struct counting *c = ctx;

	for (uint64_t v = vpn; v < vpn + pages; v++) {
		uint32_t f = (uint32_t)(page_pa(*slot, v) >> PAGER_PAGE_SHIFT);

		if (pte_type(*slot) != PAGER_PAGE_ZERO &&
		    !(c->other && pin_shows(c->other, v, f)))
			c->rc->pins[f]++;
	}
}

static void count_space(struct counting *c, const struct pager_space *s)
{
	const struct pager_region *r;

	for (r = rtree_first(&s->regions); r; r = rtree_next(r))
		if (region_pinned(r))
			table_each(&s->table, pager_region_range(r), true,
				   count_slot, c);
}

/* chunk.pinned is counted by frame_check. */
static bool check_chunk(struct recount *rc, uint32_t n, uint64_t *pinned)
{
	const struct frames *p = &rc->core->frames;
	const struct chunk *c = &p->chunk[n];
	uint32_t first = n << CHUNK_SHIFT;

	for (uint32_t f = first; f < first + c->total; f++) {
		if (p->pins[f] != rc->pins[f])
			return wrong(rc, "frame %u: %u pins, counted %u", f,
				     p->pins[f], rc->pins[f]);
		*pinned += p->pins[f] != 0;
	}
	if (c->pinned && c->zone != VMEM_ZONE_KERNEL)
		return wrong(rc, "chunk %u: pinned frames in zone %d", n,
			     c->zone);
	return true;
}

bool recount_pins(struct recount *rc)
{
	const struct frames *p = &rc->core->frames;
	struct counting c = {.rc = rc};
	const struct pager_space *s;
	uint64_t pinned = 0;

	if (!rc->pins)
		return true;
	LIST_FOREACH (s, &rc->core->spaces, all) {
		c.other = NULL;
		count_space(&c, s);
		if (!s->snapshot)
			continue;
		c.other = s;
		count_space(&c, s->snapshot);
	}
	for (uint32_t n = 0; (uint64_t)n << CHUNK_SHIFT < p->top; n++)
		if (!check_chunk(rc, n, &pinned))
			return false;
	return pinned == p->pinned ||
	       wrong(rc, "%" PRIu64 " pinned frames, counted %" PRIu64,
		     p->pinned, pinned);
}
