/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Room for what must not move: pages that may be moved make way, so that
 * memory is not refused because others, who could lie anywhere, were there
 * first.
 *
 *	frames in the zone KERNEL	movable pages go to the zone MOVABLE,
 *					while that has free frames
 *	a run of frames			the one with the fewest pages on it;
 *					they go to other chunks
 *
 * Nobody can see that a page has moved; but large entries are split for it, so
 * plans count again (core->reclaims).
 */
#include "lib/core/pin.h"

#include "lib/core/migrate.h"

/* As far as a run is looked for: 16 GiB. */
static const uint64_t look_at = UINT64_C(1) << 22;

static void count(void *ctx, uint32_t node, uint64_t *slot)
{
	uint32_t *entries = ctx;

	(void)node;
	(void)slot;
	++*entries;
}

/* A frame that was taken and is nowhere yet is no page. */
static bool is_page(struct pager_core *core, uint32_t frame)
{
	uint32_t entries = 0;

	if (frame_state(core, frame) != FRAME_USED || !migrate_may(core, frame))
		return false;
	rmap_each(core, frame, count, &entries);
	return entries;
}

static bool move(struct pager_core *core, uint32_t frame)
{
	uint16_t account = core->frames.account[frame];

	if (migrate_prepare(core, NULL, frame))
		return false;
	migrate_to(core, frame, frame_take(core, core->accounts[account]));
	return true;
}

static bool has_room(const struct pager_core *core, uint64_t n)
{
	return frame_free_count(core, FRAME_UNMOVABLE) >= n;
}

/* Returns whether to go on. */
static bool clear_chunk(struct pager_core *core, uint32_t chunk, uint64_t n,
			bool *moved)
{
	const struct chunk *c = &core->frames.chunk[chunk];

	for (uint32_t i = 0; i < c->total; i++) {
		uint32_t frame = (chunk << CHUNK_SHIFT) + i;

		if (has_room(core, n) ||
		    !core->frames.zone[VMEM_ZONE_MOVABLE].free)
			return false;
		if (!is_page(core, frame))
			continue;
		if (!move(core, frame))
			return false;
		*moved = true;
	}
	return true;
}

void pin_make_room(struct pager_core *core, uint64_t n)
{
	const struct frames *p = &core->frames;
	bool moved = false;

	if (frame_free_count(core, FRAME_MOVABLE) < n)
		return;
	for (uint32_t chunk = p->chunk_top; chunk-- > 0;) {
		const struct chunk *c = &p->chunk[chunk];

		if (c->state == CHUNK_ONLINE && c->zone == VMEM_ZONE_KERNEL &&
		    c->nfree + c->pinned < c->total &&
		    !clear_chunk(core, chunk, n, &moved))
			break;
	}
	core->reclaims += moved;
}

/* --- runs ------------------------------------------------------------------
 */

enum spot { SPOT_FREE, SPOT_PAGE, SPOT_BAD };

static enum spot spot_of(const struct pager_core *core, uint64_t frame)
{
	const struct chunk *c = &core->frames.chunk[frame >> CHUNK_SHIFT];

	if (c->state != CHUNK_ONLINE || c->zone != VMEM_ZONE_KERNEL ||
	    frame % CHUNK_FRAMES >= c->total)
		return SPOT_BAD;
	switch (frame_state(core, (uint32_t)frame)) {
	case FRAME_FREE:
		return SPOT_FREE;
	case FRAME_USED:
		return migrate_may(core, (uint32_t)frame) ? SPOT_PAGE
							  : SPOT_BAD;
	case FRAME_LIMBO:
		break;
	}
	return SPOT_BAD;
}

/* The run with the fewest pages, the lowest of them; *pages is how many. */
static uint64_t cheapest(const struct pager_core *core, uint64_t n,
			 uint64_t align, uint64_t limit, uint64_t *pages)
{
	uint64_t end = (uint64_t)core->frames.chunk_top << CHUNK_SHIFT;
	uint64_t first = 0, have = 0, best = FRAME_NONE;

	end = end < limit ? end : limit;
	end = end < look_at ? end : look_at;
	*pages = UINT64_MAX;
	/* [first, at] has no bad spot and have pages. */
	for (uint64_t at = 0; at < end; at++) {
		enum spot spot = spot_of(core, at);

		if (spot == SPOT_BAD) {
			first = at + 1;
			have = 0;
			continue;
		}
		have += spot == SPOT_PAGE;
		if (at + 1 - first > n)
			have -= spot_of(core, first++) == SPOT_PAGE;
		if (at + 1 - first == n && first % align == 0 &&
		    have < *pages) {
			*pages = have;
			best = first;
		}
	}
	return best;
}

/* The chunks of the run give nothing meanwhile. */
static bool clear_run(struct pager_core *core, uint64_t first, uint64_t n,
		      uint64_t pages)
{
	uint32_t from = (uint32_t)(first >> CHUNK_SHIFT);
	uint32_t last = (uint32_t)((first + n - 1) >> CHUNK_SHIFT);
	bool ok;

	for (uint32_t chunk = from; chunk <= last; chunk++)
		chunk_isolate(core, chunk);
	ok = frame_free_count(core, FRAME_MOVABLE) >= pages;
	for (uint64_t f = first; ok && f < first + n; f++)
		if (frame_state(core, (uint32_t)f) == FRAME_USED)
			ok = is_page(core, (uint32_t)f) &&
			     move(core, (uint32_t)f);
	for (uint32_t chunk = from; chunk <= last; chunk++)
		chunk_unisolate(core, chunk);
	core->reclaims++;
	return ok;
}

bool pin_make_run(struct pager_core *core, uint64_t n, uint64_t align,
		  uint64_t limit)
{
	uint64_t pages, first = cheapest(core, n, align, limit, &pages);

	return first != FRAME_NONE && pages && clear_run(core, first, n, pages);
}
