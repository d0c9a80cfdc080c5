/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counting pins, and moving what is to be pinned.
 */
#include "lib/core/pin.h"

#include <assert.h>
#include <errno.h>

#include "lib/core/account.h"
#include "lib/core/large.h"
#include "lib/core/migrate.h"

/* --- one frame ------------------------------------------------------------ */

static void add(struct pager_core *core, uint32_t frame, uint32_t pins)
{
	struct frames *p = &core->frames;

	if (p->pins[frame] == 0) {
		p->chunk[frame >> CHUNK_SHIFT].pinned++;
		p->pinned++;
	}
	p->pins[frame] += pins;
}

static void drop(struct pager_core *core, uint32_t frame, uint32_t pins)
{
	struct frames *p = &core->frames;

	assert(p->pins[frame] >= pins);
	p->pins[frame] -= pins;
	if (p->pins[frame] == 0) {
		p->chunk[frame >> CHUNK_SHIFT].pinned--;
		p->pinned--;
	}
}

uint32_t pin_settle(struct pager_core *core, uint32_t frame)
{
	uint32_t pins = core->frames.pins[frame], to;

	if (!pin_must_move(core, frame))
		return frame;
	if (pins)
		drop(core, frame, pins);
	to = frame_take_unmovable(
	    core, core->accounts[core->frames.account[frame]], false);
	migrate_to(core, frame, to);
	if (pins)
		add(core, to, pins);
	return to;
}

/* --- pages ---------------------------------------------------------------- */

/* The frame of page vpn under an entry, large or not; none of a zero page. */
static uint32_t frame_at(uint64_t entry, uint64_t vpn)
{
	if (!entry || pte_type(entry) == PAGER_PAGE_ZERO)
		return FRAME_NONE;
	return pte_large(entry)
		   ? large_first(entry) + (uint32_t)(vpn % PTE_SLOTS)
		   : frame_of(entry);
}

static uint64_t entry_at(const struct pager_space *s, uint64_t vpn)
{
	struct path p;
	uint64_t eff;
	uint64_t *slot = table_walk(&s->table, vpn, &p, &eff);

	return slot ? *slot : 0;
}

bool pin_shows(const struct pager_space *s, uint64_t vpn, uint32_t frame)
{
	const struct pager_region *r = space_region_at(s, vpn);

	return r && region_pinned(r) &&
	       frame_at(entry_at(s, vpn), vpn) == frame;
}

/* Does the space's snapshot hold the same pair? Then its pin stays. */
static bool is_kept(struct pager_space *s, uint64_t vpn, uint32_t frame)
{
	if (!s->snapshot)
		return false;
	s->repinned = true;
	return pin_shows(s->snapshot, vpn, frame);
}

void pin_entry(struct pager_space *s, uint64_t vpn, uint64_t entry)
{
	uint32_t frame = frame_at(entry, vpn);

	if (frame != FRAME_NONE && !is_kept(s, vpn, frame))
		add(s->core, frame, 1);
}

void unpin_entry(struct pager_space *s, uint64_t vpn, uint64_t entry)
{
	uint32_t frame = frame_at(entry, vpn);

	if (frame != FRAME_NONE && !is_kept(s, vpn, frame))
		drop(s->core, frame, 1);
}

static void pin_slot(void *ctx, uint64_t vpn, uint64_t pages, uint64_t *slot)
{
	for (uint64_t v = vpn; v < vpn + pages; v++)
		pin_entry(ctx, v, *slot);
}

static void unpin_slot(void *ctx, uint64_t vpn, uint64_t pages, uint64_t *slot)
{
	for (uint64_t v = vpn; v < vpn + pages; v++)
		unpin_entry(ctx, v, *slot);
}

static void each_pinned(struct pager_space *s, struct pager_range range,
			table_fn *fn, void *ctx)
{
	struct pager_region *r = rtree_find(&s->regions, range.start);

	for (; r && r->start < range.end; r = rtree_next(r)) {
		struct pager_range part =
		    pager_range(r->start > range.start ? r->start : range.start,
				r->end < range.end ? r->end : range.end);

		if (region_pinned(r))
			table_each(&s->table, part, true, fn, ctx);
	}
}

void pin_range(struct pager_space *s, struct pager_range range)
{
	each_pinned(s, range, pin_slot, s);
}

void unpin_range(struct pager_space *s, struct pager_range range)
{
	if (s->core->frames.pinned)
		each_pinned(s, range, unpin_slot, s);
}

/* --- snapshots ------------------------------------------------------------ */

void pin_snapshot_taken(struct pager_space *s)
{
	s->repinned = false;
}

/* What the snapshot alone had pinned. */
static void unpin_other(void *ctx, uint64_t vpn, uint64_t pages, uint64_t *slot)
{
	struct pager_space *s = ctx;

	for (uint64_t v = vpn; v < vpn + pages; v++) {
		uint32_t frame = frame_at(*slot, v);

		if (frame != FRAME_NONE && !pin_shows(s, v, frame))
			drop(s->core, frame, 1);
	}
}

void pin_snapshot_dropped(struct pager_space *s, struct pager_space *snapshot)
{
	if (s->repinned)
		each_pinned(snapshot, pager_range(0, PAGER_VPN_END),
			    unpin_other, s);
}

/* --- plan ----------------------------------------------------------------- */

struct preparing {
	struct pager_space *space;
	uint64_t nodes;
	bool count; /* else do it */
	int error;
};

/* A page that several hold and that is pinned for writing is copied, not
 * moved. */
static bool will_move(const struct preparing *p, uint64_t vpn, uint32_t frame)
{
	struct pager_core *core = p->space->core;

	return frame != FRAME_NONE && pin_must_move(core, frame) &&
	       (frame_refs(core, frame) == 1 ||
		populate_access(space_region_at(p->space, vpn)) !=
		    PAGER_ACCESS_WRITE);
}

static void prepare_slot(void *ctx, uint64_t vpn, uint64_t pages,
			 uint64_t *slot)
{
	struct preparing *p = ctx;
	uint64_t e = *slot; /* which the first page may take apart */

	for (uint64_t v = vpn; v < vpn + pages && !p->error; v++) {
		uint32_t frame = frame_at(e, v);
		uint64_t nodes;

		if (!will_move(p, v, frame))
			continue;
		if (!p->count) {
			p->error = migrate_prepare(p->space->core,
						   p->space->account, frame);
			continue;
		}
		p->error = migrate_need(p->space->core, frame, &nodes);
		p->nodes += nodes;
		if (pte_large(e)) /* its split is all the others' too */
			return;
	}
}

struct pager_status pin_prepare(struct pager_space *s, struct pager_range range,
				uint64_t more)
{
	struct preparing p = {.space = s, .count = true};
	struct pager_status st = pager_ok();

	table_each(&s->table, range, true, prepare_slot, &p);
	if (p.nodes && !p.error)
		st = node_reserve(s->core, s->account, p.nodes + more);
	if (st.err)
		return st;
	p.count = false;
	table_each(&s->table, range, true, prepare_slot, &p);
	if (p.error)
		return pager_refuse(p.error == -EBUSY ? PAGER_EBUSY
						      : PAGER_ENOMEM,
				    PAGER_ARG_NONE);
	return st;
}

unsigned int pin_need_move(const struct pager_space *s,
			   const struct pager_region *r, uint64_t vpn,
			   const struct fault_need *need)
{
	uint64_t e = entry_at(s, vpn);
	uint32_t frame = FRAME_NONE;

	if (need->frames) /* a new one takes its place */
		return 0;
	if (e)
		frame = frame_at(e, vpn);
	else if (r->object)
		frame = object_page(r->object, r->offset + (vpn - r->start));
	return frame != FRAME_NONE && pin_must_move(s->core, frame);
}

struct pager_status pin_reserve_fault(struct pager_space *s,
				      const struct pager_region *r,
				      uint64_t vpn,
				      const struct fault_need *need)
{
	if ((need->frames &&
	     !account_has_room(s->account, PAGER_RES_FRAMES, need->frames)) ||
	    (need->object_frames &&
	     !account_has_room(r->object->account, PAGER_RES_FRAMES,
			       need->object_frames)))
		return pager_refuse(PAGER_ELIMIT, PAGER_ARG_NONE);
	return frame_reserve_unmovable(s->core,
				       need->frames + need->object_frames +
					   pin_need_move(s, r, vpn, need));
}
