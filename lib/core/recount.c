/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The full recount: builds every count again from the tables and compares. It
 * trusts nothing that it checks: indices are bounded before they are used, and
 * every node is entered once, however many hold it.
 *
 *	roots -> nodes -> frames	references, levels, sums, permissions
 *	regions				order, bounds, charges, entries conform
 *	free lists			length, nothing in limbo
 *	accounts			all six resources
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "lib/core/space.h"
#include "lib/core/table.h"

struct recount {
	struct pager_core *core;
	uint32_t *node_refs;  /* by node: upper entries and roots seen */
	uint32_t *frame_refs; /* by frame: leaf entries and objects seen */
	uint64_t (*used)[PAGER_RES_COUNT]; /* by account */
	char *why;
	size_t size;
	bool bad;
};

/* Whose tree is walked: a space's (regions say what may be there), or an
 * object's. */
struct owner {
	const struct pager_space *space;
	const struct pager_object *object;
	const struct pager_region *region; /* where the walk is */
};

static bool wrong(struct recount *rc, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool wrong(struct recount *rc, const char *format, ...)
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

static bool check_frame(struct recount *rc, uint64_t e, uint64_t vpn)
{
	const struct pool *p = &rc->core->pool;
	uint32_t f = frame_from_pfn(rc->core, pte_pfn(e));

	if (f == FRAME_NONE || f >= p->fresh || p->frame[f].state != FRAME_USED)
		return wrong(rc,
			     "page %#" PRIx64 ": entry %#" PRIx64
			     " points to no used frame",
			     vpn, e);
	if (pte_type(e) == PAGER_PAGE_ZERO) {
		if (f != p->zero || e & PTE_W)
			return wrong(rc,
				     "page %#" PRIx64 ": entry %#" PRIx64
				     " is no zero page",
				     vpn, e);
		return true;
	}
	if (f == p->zero)
		return wrong(rc, "page %#" PRIx64 ": the zero frame as %d", vpn,
			     (int)pte_type(e));
	if (pte_type(e) == PAGER_PAGE_ANON && e & PTE_W &&
	    p->frame[f].refs != 1)
		return wrong(rc,
			     "page %#" PRIx64 ": writable, but frame %u has"
			     " %u holders",
			     vpn, f, p->frame[f].refs);
	rc->frame_refs[f]++;
	return true;
}

/* Does the entry agree with the region it lies in? */
static bool check_policy(struct recount *rc, struct owner *o, uint64_t e,
			 uint64_t vpn)
{
	const struct pager_region *r = o->region;
	const uint64_t bits = PTE_P | PTE_U | PTE_NX;

	if (!r || vpn < r->start || vpn >= r->end)
		r = o->region = rtree_find(&o->space->regions, vpn);
	if (!r || vpn < r->start)
		return wrong(rc,
			     "space %" PRIu64 ": page %#" PRIx64
			     " outside all regions",
			     o->space->id, vpn);
	if ((e & bits) != pte_perms(r->prot) ||
	    (e & PTE_W && !(r->prot & PAGER_PROT_WRITE)))
		return wrong(rc,
			     "space %" PRIu64 ": page %#" PRIx64
			     " entry %#" PRIx64 " under protection %u",
			     o->space->id, vpn, e, r->prot);
	if (pte_type(e) == PAGER_PAGE_OBJECT) {
		uint64_t index = r->offset + (vpn - r->start);

		if (!r->object || (region_private(r) && e & PTE_W) ||
		    object_page(r->object, index) != frame_of(e))
			return wrong(rc,
				     "space %" PRIu64 ": page %#" PRIx64
				     " is not its object's",
				     o->space->id, vpn);
	} else if (!region_private(r)) {
		return wrong(rc,
			     "space %" PRIu64 ": private page %#" PRIx64
			     " in a shared region",
			     o->space->id, vpn);
	}
	return true;
}

static bool check_leaf(struct recount *rc, struct owner *o, uint64_t e,
		       uint64_t vpn, struct sums *s)
{
	switch (pte_type(e)) {
	case PAGER_PAGE_ANON:
		s->anon++;
		break;
	case PAGER_PAGE_ZERO:
		s->zero++;
		break;
	case PAGER_PAGE_OBJECT:
		s->object++;
		break;
	case PAGER_PAGE_NONE:
		return wrong(
		    rc, "page %#" PRIx64 ": entry %#" PRIx64 " without a type",
		    vpn, e);
	}
	if (!check_frame(rc, e, vpn))
		return false;
	if (o->space)
		return check_policy(rc, o, e, vpn);
	if (pte_type(e) != PAGER_PAGE_OBJECT || vpn >= o->object->size)
		return wrong(rc,
			     "object %" PRIu64 ": page %#" PRIx64
			     " beyond its end or of a wrong type",
			     o->object->id, vpn);
	return true;
}

static bool check_child(struct recount *rc, uint64_t e, unsigned int level)
{
	const struct arena *a = &rc->core->arena;
	uint64_t n = pte_pfn(e).n - PAGER_ARENA_BASE_PFN;

	if (n == NODE_NONE || n >= a->fresh || !a->node[n].used ||
	    a->node[n].level != level || !(e & PTE_P) || !(e & PTE_U))
		return wrong(rc,
			     "upper entry %#" PRIx64
			     " points to no node of level %u",
			     e, level);
	if (e & PTE_W && a->node[n].refs != 1)
		return wrong(rc,
			     "node %" PRIu64 ": writable, but has %u"
			     " holders",
			     n, a->node[n].refs);
	return true;
}

static bool check_sums(struct recount *rc, uint32_t node, struct sums s,
		       bool root)
{
	const struct node *n = node_at(rc->core, node);

	if (n->anon != s.anon || n->zero != s.zero || n->object != s.object)
		return wrong(rc, "node %u: sums %u %u %u, counted %u %u %u",
			     node, n->anon, n->zero, n->object, s.anon, s.zero,
			     s.object);
	if (!root && node_empty(n))
		return wrong(rc, "node %u is empty and was kept", node);
	return true;
}

static bool walk(struct recount *rc, struct owner *o, uint32_t node,
		 unsigned int level, uint64_t base)
{
	const uint64_t *slot = node_slots(rc->core, node);
	struct sums s = {0};

	for (unsigned int i = 0; i < PTE_SLOTS; i++) {
		uint64_t e = slot[i], at = base + i * pte_span(level);
		const struct node *n;
		uint32_t child;

		if (!e)
			continue;
		if (level == 0) {
			if (!check_leaf(rc, o, e, at, &s))
				return false;
			continue;
		}
		if (!check_child(rc, e, level - 1))
			return false;
		child = node_of(e);
		n = node_at(rc->core, child);
		if (rc->node_refs[child]++ == 0 &&
		    !walk(rc, o, child, level - 1, at))
			return false;
		s.anon += n->anon;
		s.zero += n->zero;
		s.object += n->object;
	}
	return check_sums(rc, node, s, level == PTE_LEVELS - 1);
}

static bool check_root(struct recount *rc, struct owner *o, uint32_t root)
{
	const struct node *n = node_at(rc->core, root);

	if (root >= rc->core->arena.fresh || !n->used ||
	    n->level != PTE_LEVELS - 1 || rc->node_refs[root]++)
		return wrong(rc, "node %u is no root of one table", root);
	return walk(rc, o, root, PTE_LEVELS - 1, 0);
}

static bool check_regions(struct recount *rc, const struct pager_space *s)
{
	const char *why = rtree_check(&s->regions);
	struct pager_region *r;
	uint64_t pages = 0;

	if (why)
		return wrong(rc, "space %" PRIu64 ": regions: %s", s->id, why);
	for (r = rtree_first(&s->regions); r; r = rtree_next(r)) {
		if (r->start < s->range.start || r->end > s->range.end ||
		    !(r->flags & PAGER_REGION_OBJECT) != !r->object)
			return wrong(rc,
				     "space %" PRIu64 ": region at %#" PRIx64
				     " outside, or of no type",
				     s->id, r->start);
		pages += r->end - r->start;
	}
	if (pages != s->virtual_pages)
		return wrong(rc,
			     "space %" PRIu64 ": %" PRIu64
			     " virtual pages, counted %" PRIu64,
			     s->id, s->virtual_pages, pages);
	return true;
}

static bool check_space(struct recount *rc, const struct pager_space *s)
{
	struct owner o = {.space = s};
	uint64_t *used = rc->used[s->account->id];

	if (!check_regions(rc, s) || !check_root(rc, &o, s->table.root))
		return false;
	if (s->peak < space_resident(s))
		return wrong(rc, "space %" PRIu64 ": peak below resident",
			     s->id);
	used[PAGER_RES_SPACES]++;
	used[PAGER_RES_REGIONS] += s->regions.count;
	used[PAGER_RES_PAGES] += s->virtual_pages;
	if (!s->snapshot)
		return true;
	o = (struct owner){.space = s->snapshot};
	return check_regions(rc, s->snapshot) &&
	       check_root(rc, &o, s->snapshot->table.root);
}

static bool check_object(struct recount *rc, const struct pager_object *obj)
{
	struct owner o = {.object = obj};
	const struct pager_region *r;
	uint64_t mappings = 0;

	LIST_FOREACH (r, &obj->regions, mapped) {
		if (r->object != obj)
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
	rc->used[obj->account->id][PAGER_RES_OBJECTS]++;
	rc->used[obj->account->id][PAGER_RES_PAGES] += obj->size;
	return obj->table.root == NODE_NONE ||
	       check_root(rc, &o, obj->table.root);
}

static bool check_frames(struct recount *rc)
{
	const struct pool *p = &rc->core->pool;
	uint64_t used = 0, listed = 0;

	rc->frame_refs[p->zero] = 1;
	for (uint64_t f = 0; f < p->fresh; f++) {
		const struct frame *x = &p->frame[f];

		if (x->state == FRAME_LIMBO)
			return wrong(rc, "frame %" PRIu64 " was left in limbo",
				     f);
		if (x->state == FRAME_FREE && rc->frame_refs[f])
			return wrong(rc, "frame %" PRIu64 " is free and used",
				     f);
		if (x->state == FRAME_FREE)
			continue;
		if (x->refs != rc->frame_refs[f])
			return wrong(
			    rc, "frame %" PRIu64 ": %u references, counted %u",
			    f, x->refs, rc->frame_refs[f]);
		used++;
		if (f != p->zero)
			rc->used[x->account][PAGER_RES_FRAMES]++;
	}
	for (uint32_t f = p->free_head; f != FRAME_NONE && listed <= p->fresh;
	     f = p->frame[f].refs)
		listed++;
	if (used != p->used || used + listed != p->fresh)
		return wrong(rc,
			     "pool: %" PRIu64 " used, counted %" PRIu64
			     ", %" PRIu64 " free of %" PRIu64,
			     p->used, used, listed, p->fresh);
	return true;
}

static bool check_nodes(struct recount *rc)
{
	const struct arena *a = &rc->core->arena;
	uint64_t used = 0, listed = 0;

	for (uint64_t n = 1; n < a->fresh; n++) {
		const struct node *x = &a->node[n];

		if (x->used && x->refs != rc->node_refs[n])
			return wrong(
			    rc, "node %" PRIu64 ": %u references, counted %u",
			    n, x->refs, rc->node_refs[n]);
		used += x->used;
		if (x->used)
			rc->used[x->account][PAGER_RES_NODES]++;
	}
	for (uint32_t n = a->free_head; n != NODE_NONE && listed <= a->fresh;
	     n = a->node[n].next)
		listed++;
	if (used != a->used || used + listed + 1 != a->fresh ||
	    a->limbo != NODE_NONE)
		return wrong(rc,
			     "arena: %" PRIu64 " used, counted %" PRIu64
			     ", %" PRIu64 " free of %" PRIu64,
			     a->used, used, listed, a->fresh);
	return true;
}

static bool check_accounts(struct recount *rc)
{
	for (uint32_t id = 0; id < rc->core->account_top; id++) {
		const struct pager_account *a = rc->core->accounts[id];

		for (int r = 0; r < PAGER_RES_COUNT; r++) {
			uint64_t used = a ? a->used[r] : 0;

			if (used != rc->used[id][r])
				return wrong(rc,
					     "account %u: resource %d: %" PRIu64
					     " charged, counted %" PRIu64,
					     id, r, used, rc->used[id][r]);
		}
	}
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
	if (check_frames(rc) && check_nodes(rc))
		check_accounts(rc);
}

struct pager_status pager_core_recount(struct pager_core *core, char *why,
				       size_t size)
{
	struct recount rc = {.core = core, .why = why, .size = size};
	size_t nodes = core->arena.fresh * sizeof(*rc.node_refs);
	size_t frames = core->pool.fresh * sizeof(*rc.frame_refs);
	size_t used = (core->account_top + 1) * sizeof(*rc.used);
	uint8_t *room = core_alloc(core, used + nodes + frames);

	if (!room)
		return pager_refuse(PAGER_ENOMEM, PAGER_ARG_NONE);
	rc.used = (void *)room;
	rc.node_refs = (void *)(room + used);
	rc.frame_refs = (void *)(room + used + nodes);
	core->stats.recounts++;
	count_all(&rc);
	core_free(core, room, used + nodes + frames);
	return rc.bad ? pager_refuse(PAGER_ECORRUPT, PAGER_ARG_NONE)
		      : pager_ok();
}
