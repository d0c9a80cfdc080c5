/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The full recount: builds every count again from the tables and compares. It
 * trusts nothing that it checks: indices are bounded before they are used.
 * That lists of spaces, objects and regions are whole, and that pointers point
 * to what they should, it has to believe.
 *
 *	roots -> nodes -> frames	references, levels, sums, permissions
 *	regions				order, bounds, charges, entries conform
 *	chunks, zones			frame_check.c
 *	pools				recount_pool.c
 *	free lists			length, nothing in limbo
 *	pins				recount_pin.c
 *	accounts			all six resources
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "lib/core/recount_int.h"
#include "lib/core/rmap.h"
#include "lib/core/table.h"

#define wrong recount_wrong

bool recount_wrong(struct recount *rc, const char *format, ...)
{
	va_list ap;

	if (!rc->bad && rc->size) {
		va_start(ap, format);
		vsnprintf(rc->why, rc->size, format, ap);
		va_end(ap);
	}
	rc->bad = true;
	return false;
}

static bool check_regions(struct recount *rc, const struct pager_space *s)
{
	const char *why = rtree_check(&s->regions);
	bool last = !s->last;
	struct pager_region *r;
	uint64_t pages = 0;

	if (why)
		return wrong(rc, "space %" PRIu64 ": regions: %s", s->id, why);
	for (r = rtree_first(&s->regions); r; r = rtree_next(r)) {
		if (r->start < s->range.start || r->end > s->range.end ||
		    r->prot & ~PAGER_PROT_ALL ||
		    !(r->flags & PAGER_REGION_OBJECT) != !r->object ||
		    (r->flags & PAGER_REGION_SHARED && !r->object))
			return wrong(rc,
				     "space %" PRIu64 ": region at %#" PRIx64
				     " outside, or of no type",
				     s->id, r->start);
		if (r->space != s)
			return wrong(rc,
				     "space %" PRIu64 ": region at %#" PRIx64
				     " is another's",
				     s->id, r->start);
		last |= r == s->last;
		pages += r->end - r->start;
	}
	if (!last)
		return wrong(rc, "space %" PRIu64 ": its last region is gone",
			     s->id);
	if (pages != s->virtual_pages)
		return wrong(rc,
			     "space %" PRIu64 ": %" PRIu64
			     " virtual pages, counted %" PRIu64,
			     s->id, s->virtual_pages, pages);
	return true;
}

static bool check_space(struct recount *rc, const struct pager_space *s)
{
	uint64_t *used = rc->used[s->account->id];
	const struct pager_region *r;

	if (!check_regions(rc, s) || !recount_tree(rc, s, NULL, s->table.root))
		return false;
	if (s->peak < space_resident(s))
		return wrong(rc, "space %" PRIu64 ": peak below resident",
			     s->id);
	rc->spaces++;
	rc->regions += s->regions.count;
	for (r = rtree_first(&s->regions); r; r = rtree_next(r))
		rc->mapping += r->object != NULL;
	used[PAGER_RES_SPACES]++;
	used[PAGER_RES_REGIONS] += s->regions.count;
	used[PAGER_RES_PAGES] += s->virtual_pages;
	return !s->snapshot ||
	       (check_regions(rc, s->snapshot) &&
		recount_tree(rc, s->snapshot, NULL, s->snapshot->table.root));
}

/* The regions that an object knows must be in their space's tree; that it
 * knows them all is seen from their number. */
static bool check_object(struct recount *rc, const struct pager_object *obj)
{
	const struct pager_region *r;
	uint64_t mappings = 0;

	LIST_FOREACH (r, &obj->regions, mapped) {
		if (r->object != obj ||
		    rtree_find(&r->space->regions, r->start) != r)
			return wrong(rc,
				     "object %" PRIu64 ": a region of another",
				     obj->id);
		mappings++;
	}
	if (mappings != obj->mappings || obj->refs < mappings)
		return wrong(rc,
			     "object %" PRIu64 ": %" PRIu64
			     " mappings, counted %" PRIu64,
			     obj->id, obj->mappings, mappings);
	rc->objects++;
	rc->mapped += mappings;
	rc->used[obj->account->id][PAGER_RES_OBJECTS]++;
	rc->used[obj->account->id][PAGER_RES_PAGES] += obj->size;
	return obj->table.root == NODE_NONE ||
	       recount_tree(rc, NULL, obj, obj->table.root);
}

/* Who pays for a frame or a node. */
static bool charge(struct recount *rc, const char *what, uint64_t i,
		   uint16_t account, enum pager_resource r)
{
	if (account >= rc->core->account_top || !rc->core->accounts[account])
		return wrong(rc, "%s %" PRIu64 " is charged to no account",
			     what, i);
	rc->used[account][r]++;
	return true;
}

static bool check_zero_frame(struct recount *rc)
{
	const uint64_t *word =
	    (const void *)frame_bytes(rc->core, rc->core->frames.zero);

	for (unsigned int i = 0; word && i < PAGER_PAGE_SIZE / 8; i++)
		if (word[i])
			return wrong(rc, "the zero frame was written");
	return true;
}

static bool check_frame(struct recount *rc, uint32_t f)
{
	const struct frames *p = &rc->core->frames;

	switch (frame_state(rc->core, f)) {
	case FRAME_FREE:
		return true;
	case FRAME_LIMBO:
		return wrong(rc, "frame %u was left in limbo", f);
	case FRAME_USED:
		break;
	}
	if (frame_refs(rc->core, f) != rc->frame_refs[f])
		return wrong(rc, "frame %u: %u references, counted %u", f,
			     frame_refs(rc->core, f), rc->frame_refs[f]);
	return f == p->zero ||
	       charge(rc, "frame", f, p->account[f], PAGER_RES_FRAMES);
}

static bool check_frames(struct recount *rc)
{
	const struct frames *p = &rc->core->frames;
	const char *why = frame_check(rc->core);

	if (why)
		return wrong(rc, "pool: %s", why);
	rc->frame_refs[p->zero] = 1;
	for (uint32_t n = 0; (uint64_t)n << CHUNK_SHIFT < p->top; n++) {
		const struct chunk *c = &p->chunk[n];

		if (c->nfree == c->total)
			continue;
		for (uint32_t i = 0; i < c->total; i++)
			if (!check_frame(rc, (n << CHUNK_SHIFT) + i))
				return false;
	}
	if (p->limbo != FRAME_NONE)
		return wrong(rc, "pool: frames wait for a flush");
	return check_zero_frame(rc);
}

static bool check_nodes(struct recount *rc)
{
	const struct arena *a = &rc->core->arena;
	uint64_t used = 0, listed = 0, split = 0;
	uint32_t n;

	for (n = 1; n < a->fresh; n++) {
		const struct node *x = &a->node[n];

		if (!x->used)
			continue;
		if (x->refs != rc->node_refs[n])
			return wrong(rc, "node %u: %u references, counted %u",
				     n, x->refs, rc->node_refs[n]);
		used++;
		split += x->level == 0 && x->used == NODE_USED &&
			 x->base & NODE_SPLIT;
		if (!charge(rc, "node", n, x->account, PAGER_RES_NODES))
			return false;
	}
	for (n = a->free_head; n != NODE_NONE && n < a->fresh &&
			       listed <= a->fresh && !a->node[n].used;
	     n = a->node[n].next)
		listed++;
	if (split != rc->core->large.leaves ||
	    rc->large != rc->core->large.entries)
		return wrong(rc,
			     "large entries: %" PRIu64 " and %" PRIu64
			     " split, counted %" PRIu64 " and %" PRIu64,
			     rc->core->large.entries, rc->core->large.leaves,
			     rc->large, split);
	if (n != NODE_NONE || used != a->used ||
	    used + listed + 1 != a->fresh || a->limbo != NODE_NONE ||
	    a->peak < a->used || a->fresh > a->total)
		return wrong(rc,
			     "arena: %" PRIu64 " used, counted %" PRIu64
			     ", %" PRIu64 " free of %" PRIu64,
			     a->used, used, listed, a->fresh);
	return true;
}

static bool check_rmap(struct recount *rc)
{
	const char *why = rmap_check(rc->core, rc->places);

	return !why || wrong(rc, "reverse map: %s", why);
}

static bool check_accounts(struct recount *rc)
{
	uint32_t accounts = 0;

	for (uint32_t id = 0; id < rc->core->account_top; id++) {
		const struct pager_account *a = rc->core->accounts[id];

		accounts += a != NULL;
		for (int r = 0; r < PAGER_RES_COUNT; r++) {
			uint64_t used = a ? a->used[r] : 0;

			if (used != rc->used[id][r])
				return wrong(rc,
					     "account %u: resource %d: %" PRIu64
					     " charged, counted %" PRIu64,
					     id, r, used, rc->used[id][r]);
		}
	}
	if (accounts != rc->core->account_count)
		return wrong(rc, "%u accounts, counted %u",
			     rc->core->account_count, accounts);
	return true;
}

static bool check_counts(struct recount *rc)
{
	const struct pager_core *core = rc->core;

	if (rc->spaces != core->space_count ||
	    rc->objects != core->object_count ||
	    rc->regions != core->region_count)
		return wrong(
		    rc,
		    "%" PRIu64 " spaces, %" PRIu64 " objects, %" PRIu64
		    " regions; counted %" PRIu64 ", %" PRIu64 ", %" PRIu64,
		    core->space_count, core->object_count, core->region_count,
		    rc->spaces, rc->objects, rc->regions);
	if (rc->mapping != rc->mapped)
		return wrong(rc,
			     "%" PRIu64 " regions map objects, which know of"
			     " %" PRIu64,
			     rc->mapping, rc->mapped);
	return true;
}

static void count_all(struct recount *rc)
{
	const struct pager_space *s;
	const struct pager_object *o;

	LIST_FOREACH (s, &rc->core->spaces, all)
		if (!check_space(rc, s))
			return;
	LIST_FOREACH (o, &rc->core->objects, all)
		if (!check_object(rc, o))
			return;
	if (check_counts(rc) && check_frames(rc) && check_nodes(rc) &&
	    check_rmap(rc) && recount_dirty(rc) && check_accounts(rc) &&
	    recount_pins(rc))
		recount_pools(rc);
}

struct pager_status pager_core_recount(struct pager_core *core, char *why,
				       size_t size)
{
	struct recount rc = {.core = core, .why = why, .size = size};
	size_t nodes = core->arena.fresh * sizeof(*rc.node_refs);
	size_t first = core->arena.fresh * sizeof(*rc.first);
	size_t frames = frame_top(core) * sizeof(*rc.frame_refs);
	size_t used = (core->account_top + 1) * sizeof(*rc.used);
	size_t pins = recount_needs_pins(core) ? frames : 0;
	size_t places = core->rmap.fresh * sizeof(*rc.places);
	size_t bytes = used + first + nodes + frames + pins + places;
	uint8_t *room = core_alloc(core, bytes);

	if (!room)
		return pager_refuse(PAGER_ENOMEM, PAGER_ARG_NONE);
	rc.used = (void *)room;
	rc.first = (void *)(room + used);
	rc.node_refs = (void *)(room + used + first);
	rc.frame_refs = (void *)(room + used + first + nodes);
	if (pins)
		rc.pins = rc.frame_refs + frame_top(core);
	rc.places = room + used + first + nodes + frames + pins;
	core->stats.recounts++;
	count_all(&rc);
	core_free(core, room, bytes);
	return rc.bad ? pager_refuse(PAGER_ECORRUPT, PAGER_ARG_NONE)
		      : pager_ok();
}
