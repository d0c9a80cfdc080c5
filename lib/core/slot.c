/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a new region goes when nobody says: MINIX's rule (exact, below the
 * hint, anywhere; with a guard page on both sides, then without; highest fit)
 * over the gap index of the region tree. The room a stack may still grow into
 * is left free as long as there is other room.
 *
 *	0 1                                   half        2^36
 *	|x|------------- searched ------------|  upper half: by wish only
 */
#include "lib/core/space.h"

enum { GUARD_GAP = 256, STACKS_HONOURED = 64 };

static bool highest(const struct pager_space *s, uint64_t lo, uint64_t hi,
		    uint64_t pages, uint64_t guard, uint64_t *out)
{
	for (int i = 0; i < STACKS_HONOURED; i++) {
		struct pager_region *above;
		uint64_t room, floor;

		if (hi <= lo ||
		    !rtree_gap_highest(&s->regions, lo, hi, pages, guard, out))
			return false;
		above = rtree_find(&s->regions, *out + pages);
		if (!above || !(above->flags & PAGER_REGION_GROWSDOWN))
			return true;
		room = above->end - above->start < s->limits.stack
			   ? s->limits.stack - (above->end - above->start)
			   : 0;
		room += GUARD_GAP;
		floor = above->start > room ? above->start - room : 0;
		if (*out + pages <= floor)
			return true;
		hi = floor;
	}
	return false;
}

bool space_find_slot(const struct pager_space *s, uint64_t hint, uint64_t pages,
		     uint64_t *out)
{
	uint64_t lo = s->range.start ? s->range.start : 1;
	uint64_t hi = s->range.end;

	if (lo < PAGER_VPN_HALF && hi > PAGER_VPN_HALF)
		hi = PAGER_VPN_HALF;
	if (hi <= lo || pages > hi - lo)
		return false;
	if (hint >= lo && hint <= hi - pages) {
		struct pager_region *r = rtree_find(&s->regions, hint);

		if (!r || r->start >= hint + pages) {
			*out = hint;
			return true;
		}
	}
	if (hint > lo && hint < hi)
		for (unsigned int guard = 2; guard-- > 0;)
			if (highest(s, lo, hint, pages, guard, out))
				return true;
	for (unsigned int guard = 2; guard-- > 0;)
		if (highest(s, lo, hi, pages, guard, out))
			return true;
	return rtree_gap_highest(&s->regions, lo, hi, pages, 0, out);
}
