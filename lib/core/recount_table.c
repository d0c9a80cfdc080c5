/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The recount of the tables: references, levels, sums, bits of every entry,
 * and that pages are what their region says.
 *
 * Every node is counted once, however many hold it. Whether its pages agree
 * with the regions must hold for each space that reaches it: where another
 * space has other regions than the first had, the node is entered again.
 */
#include <inttypes.h>

#include "lib/core/large.h"
#include "lib/core/recount_int.h"
#include "lib/core/rmap.h"
#include "lib/core/table.h"

/* Whose tree is walked: a space's (regions say what may be there), or an
 * object's. */
struct owner {
	const struct pager_space *space;
	const struct pager_object *object;
	const struct pager_region *region; /* where the walk is */
	uint32_t node;			   /* and which leaf */
	uint32_t upper;			   /* the node above, */
	unsigned int slot;		   /* and which slot of it */
};

#define wrong recount_wrong

/* The bits that the model and the MMU may set. */
static const uint64_t upper_bits =
    PTE_P | PTE_W | PTE_U | PTE_A | PTE_ADDR | PTE_RECENT;
static const uint64_t large_bits = PTE_P | PTE_W | PTE_U | PTE_A | PTE_D |
				   PTE_TYPE | PTE_ADDR | PTE_CHANGED | PTE_NX |
				   PTE_TAKEN | PTE_PS;
static const uint64_t leaf_bits = PTE_P | PTE_W | PTE_U | PTE_A | PTE_D |
				  PTE_TYPE | PTE_ADDR | PTE_CHANGED | PTE_LAZY |
				  PTE_TAKEN | PTE_NX;

/* A contiguous region's page while a batch runs: the snapshot has it too. */
static bool shares_write(const struct recount *rc, const struct owner *o,
			 uint64_t vpn)
{
	const struct pager_region *r;

	if (LIST_EMPTY(&rc->core->snapped) || !o->space)
		return false;
	r = rtree_find(&o->space->regions, vpn);
	return r && r->start <= vpn && r->flags & PAGER_REGION_CONTIG;
}

static bool check_frame(struct recount *rc, const struct owner *o, uint64_t e,
			uint64_t vpn)
{
	const struct frames *p = &rc->core->frames;
	uint32_t f = frame_from_pfn(rc->core, pte_pfn(e));

	if (f == FRAME_NONE || f >= p->top ||
	    frame_state(rc->core, f) != FRAME_USED)
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
	    frame_refs(rc->core, f) != 1 && !shares_write(rc, o, vpn))
		return wrong(rc,
			     "page %#" PRIx64 ": writable, but frame %u has"
			     " %u holders",
			     vpn, f, frame_refs(rc->core, f));
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

/* A leaf that a large entry was split into may be found from above. */
static bool is_known(struct recount *rc, const struct owner *o, uint32_t frame,
		     unsigned int slot)
{
	return rmap_knows(rc->core, frame, o->node, slot) ||
	       (o->space && frame % PTE_SLOTS == slot &&
		node_at(rc->core, o->node)->base & NODE_FOUND_ABOVE &&
		rmap_knows(rc->core, frame, o->upper, o->slot));
}

/* A large entry, as if it were 512; policy is each space's own. */
static bool check_large_policy(struct recount *rc, struct owner *o, uint64_t e,
			       uint64_t vpn)
{
	const uint64_t bits = PTE_P | PTE_U | PTE_NX;
	const struct pager_region *r = rtree_find(&o->space->regions, vpn);
	uint64_t at = vpn;

	for (; at < vpn + PTE_SLOTS; at = r->end, r = rtree_next(r))
		if (!r || r->start > at || r->object || !region_private(r) ||
		    (e & bits) != pte_perms(r->prot) ||
		    (e & PTE_W && !(r->prot & PAGER_PROT_WRITE)))
			return wrong(rc,
				     "space %" PRIu64 ": large page %#" PRIx64
				     " is not what its region says",
				     o->space->id, at);
	return true;
}

static bool check_large(struct recount *rc, struct owner *o, uint32_t node,
			unsigned int slot, uint64_t e, uint64_t vpn)
{
	if (node_at(rc->core, node)->level != 1 || e & ~large_bits ||
	    pte_type(e) != PAGER_PAGE_ANON || !o->space ||
	    pte_pfn(e).n % PTE_SLOTS)
		return wrong(
		    rc, "page %#" PRIx64 ": entry %#" PRIx64 " is no large one",
		    vpn, e);
	for (unsigned int i = 0; i < PTE_SLOTS; i++) {
		uint64_t one =
		    (e & ~PTE_PS) + ((uint64_t)i << PAGER_PAGE_SHIFT);

		if (!check_frame(rc, o, one, vpn + i))
			return false;
		if (!rmap_knows(rc->core, frame_of(one), node, slot))
			return wrong(rc,
				     "page %#" PRIx64
				     ": frame %u does not know of it",
				     vpn + i, frame_of(one));
	}
	rc->large++;
	return check_large_policy(rc, o, e, vpn);
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
	if (e & ~leaf_bits ||
	    (e & PTE_LAZY && (e & PTE_W || pte_type(e) != PAGER_PAGE_ANON)))
		return wrong(rc,
			     "page %#" PRIx64 ": entry %#" PRIx64
			     " has bits that do not belong there",
			     vpn, e);
	if (!check_frame(rc, o, e, vpn))
		return false;
	if (!o->space &&
	    (pte_type(e) != PAGER_PAGE_OBJECT || vpn >= o->object->size))
		return wrong(rc,
			     "object %" PRIu64 ": page %#" PRIx64
			     " beyond its end or of a wrong type",
			     o->object->id, vpn);
	if ((pte_type(e) == PAGER_PAGE_ANON || !o->space) &&
	    !is_known(rc, o, frame_of(e), pte_index(vpn, 0)))
		return wrong(rc,
			     "page %#" PRIx64 ": frame %u does not know of it",
			     vpn, frame_of(e));
	return !o->space || check_policy(rc, o, e, vpn);
}

static bool check_child(struct recount *rc, uint64_t e, unsigned int level)
{
	const struct arena *a = &rc->core->arena;
	uint64_t n = pte_pfn(e).n - PAGER_ARENA_BASE_PFN;

	if (n == NODE_NONE || n >= a->fresh || !a->node[n].used ||
	    a->node[n].level != level || !(e & PTE_P) || !(e & PTE_U) ||
	    e & ~upper_bits)
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

static uint64_t clip(uint64_t vpn, uint64_t lo, uint64_t hi)
{
	return vpn < lo ? lo : vpn > hi ? hi : vpn;
}

/* Do two spaces have the same policy in [lo, hi)? */
static bool same_regions(const struct pager_space *a,
			 const struct pager_space *b, uint64_t lo, uint64_t hi)
{
	const struct pager_region *p = rtree_find(&a->regions, lo);
	const struct pager_region *q = rtree_find(&b->regions, lo);

	for (; p && q && p->start < hi && q->start < hi;
	     p = rtree_next(p), q = rtree_next(q)) {
		if (clip(p->start, lo, hi) != clip(q->start, lo, hi) ||
		    clip(p->end, lo, hi) != clip(q->end, lo, hi) ||
		    p->prot != q->prot || p->object != q->object ||
		    region_private(p) != region_private(q) ||
		    (p->object && p->offset - p->start != q->offset - q->start))
			return false;
	}
	return (!p || p->start >= hi) && (!q || q->start >= hi);
}

/* The pages of a tree that was counted for another space. */
static bool walk_again(struct recount *rc, struct owner *o, uint32_t node,
		       unsigned int level, uint64_t base)
{
	const uint64_t *slot = node_slots(rc->core, node);
	const struct pager_space *first = rc->first[node];

	if (first &&
	    same_regions(first, o->space, base, base + pte_span(level + 1)))
		return true;
	for (unsigned int i = 0; i < PTE_SLOTS; i++) {
		uint64_t at = base + i * pte_span(level);

		if (!slot[i])
			continue;
		if (pte_large(slot[i])) {
			if (!check_large_policy(rc, o, slot[i], at))
				return false;
			continue;
		}
		if (level ? !walk_again(rc, o, node_of(slot[i]), level - 1, at)
			  : !check_policy(rc, o, slot[i], at))
			return false;
	}
	return true;
}

/* The leaves of objects say so, and which part of which; no others do. */
static bool check_owner(struct recount *rc, const struct owner *o,
			uint32_t node, unsigned int level, uint64_t base)
{
	const struct node *n = node_at(rc->core, node);

	if (level > 0 || o->space)
		return n->used == NODE_USED ||
		       wrong(rc, "node %u is no object's leaf", node);
	if (n->used != NODE_OBJECT || n->of.object != o->object ||
	    n->base != base / PTE_SLOTS)
		return wrong(rc,
			     "node %u is not this object's leaf of page"
			     " %#" PRIx64,
			     node, base);
	return true;
}

static bool walk(struct recount *rc, struct owner *o, uint32_t node,
		 unsigned int level, uint64_t base)
{
	const uint64_t *slot = node_slots(rc->core, node);
	struct sums s = {0};

	if (!check_owner(rc, o, node, level, base))
		return false;
	rc->first[node] = o->space;
	o->node = node;
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
		if (pte_large(e)) {
			if (!check_large(rc, o, node, i, e, at))
				return false;
			s.anon += PTE_SLOTS;
			continue;
		}
		if (!check_child(rc, e, level - 1))
			return false;
		child = node_of(e);
		n = node_at(rc->core, child);
		o->upper = node;
		o->slot = i;
		if (rc->node_refs[child]++ == 0) {
			if (!walk(rc, o, child, level - 1, at))
				return false;
		} else if (o->space &&
			   !walk_again(rc, o, child, level - 1, at)) {
			return false;
		}
		s.anon += n->anon;
		s.zero += n->zero;
		s.object += n->object;
	}
	return check_sums(rc, node, s, level == PTE_LEVELS - 1);
}

bool recount_tree(struct recount *rc, const struct pager_space *space,
		  const struct pager_object *object, uint32_t root)
{
	const struct node *n = node_at(rc->core, root);
	struct owner o = {.space = space, .object = object};

	if (root == NODE_NONE || root >= rc->core->arena.fresh || !n->used ||
	    n->level != PTE_LEVELS - 1 || rc->node_refs[root]++)
		return wrong(rc, "node %u is no root of one table", root);
	return walk(rc, &o, root, PTE_LEVELS - 1, 0);
}
