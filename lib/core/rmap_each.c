/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reverse map, from frames to entries: round the rings of their places; and
 * from an object's own page through the regions that map it.
 */
#include "lib/core/rmap.h"

#include <assert.h>
#include <stdlib.h>

#include "lib/core/large.h"
#include "lib/core/rmap_int.h"
#include "lib/core/space.h"
#include "lib/core/table.h"

struct finding {
	void (*fn)(void *ctx, uint32_t node, uint64_t *slot);
	void *ctx;
};

/*
 * What a slot of a family's member knows of the frame: a leaf's slot, a large
 * entry over the run that the frame is in, or, below a slot where a large entry
 * was, the frame's own slot of the leaf that it was split into. NULL: nothing.
 */
uint64_t *rmap_look(const struct pager_core *core, uint32_t *node,
		    unsigned int i, uint32_t frame)
{
	uint64_t *slot = node_slots(core, *node) + i;

	if (node_at(core, *node)->level && !*slot)
		return NULL;
	if (node_at(core, *node)->level && pte_large(*slot))
		return large_first(*slot) == frame - frame % PTE_SLOTS ? slot
								       : NULL;
	if (node_at(core, *node)->level) {
		*node = node_of(*slot);
		slot = node_slots(core, *node) + frame % PTE_SLOTS;
	}
	return pte_type(*slot) == PAGER_PAGE_ANON && frame_of(*slot) == frame
		   ? slot
		   : NULL;
}

/* All members of a ring whose slot holds the frame. */
static void each_at(struct pager_core *core, uint32_t first, unsigned int i,
		    uint32_t frame, const struct finding *f)
{
	uint32_t node = first;

	do {
		uint32_t at = node;
		uint64_t *slot = rmap_look(core, &at, i, frame);

		if (slot)
			f->fn(f->ctx, at, slot);
		node = node_at(core, node)->of.ring.next;
	} while (node != first);
}

/* The entry of a space that borrows page index of an object through r. */
static void each_region(const struct pager_region *r, uint64_t index,
			uint32_t frame, const struct finding *f)
{
	struct path p;
	uint64_t eff, *slot;

	if (index < r->offset || index - r->offset >= r->end - r->start)
		return;
	slot = table_walk(&r->space->table, r->start + (index - r->offset), &p,
			  &eff);
	if (!slot || p.level || pte_type(*slot) != PAGER_PAGE_OBJECT ||
	    frame_of(*slot) != frame)
		return;
	f->fn(f->ctx, p.node[0], slot);
}

/* A page of an object, of those that are looked for. */
struct wanted {
	const struct pager_object *object;
	uint64_t index;
	uint32_t frame;
};

static int in_order(const void *left, const void *right)
{
	const struct wanted *a = left, *b = right;

	if (a->object != b->object)
		return (uintptr_t)a->object < (uintptr_t)b->object ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

/* Those of the n pages, of one object and in order, that the region maps. */
static void each_wanted(const struct pager_region *r, const struct wanted *w,
			unsigned int n, const struct finding *f)
{
	unsigned int lo = 0, hi = n;

	while (lo < hi) {
		unsigned int mid = (lo + hi) / 2;

		if (w[mid].index < r->offset)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < n && w[lo].index - r->offset < r->end - r->start; lo++)
		each_region(r, w[lo].index, w[lo].frame, f);
}

/* The entries that borrow pages of one object. Objects do not know the regions
 * of snapshots. */
static void each_borrower(struct pager_core *core, const struct wanted *w,
			  unsigned int n, const struct finding *f)
{
	const struct pager_object *o = w[0].object;
	const struct pager_region *r;
	const struct pager_space *s;

	LIST_FOREACH (r, &o->regions, mapped)
		each_wanted(r, w, n, f);
	LIST_FOREACH (s, &core->snapped, snapped) {
		for (r = rtree_first(&s->snapshot->regions); r;
		     r = rtree_next(r))
			if (r->object == o)
				each_wanted(r, w, n, f);
	}
}

/* The object's own entry. False: it does not hold the frame. */
static bool each_own(struct pager_core *core, uint32_t node, unsigned int i,
		     uint32_t frame, const struct finding *f,
		     struct wanted *out)
{
	const struct node *n = node_at(core, node);
	uint64_t *slot = node_slots(core, node) + i;

	if (!*slot || frame_of(*slot) != frame)
		return false;
	*out = (struct wanted){n->of.object, (uint64_t)n->base * PTE_SLOTS + i,
			       frame};
	f->fn(f->ctx, node, slot);
	return true;
}

/* Entries at a place; of an object's page its own alone, and then true: the
 * borrowers of *out remain. */
static bool each_place(struct pager_core *core, uint32_t place, uint32_t frame,
		       const struct finding *f, struct wanted *out)
{
	uint32_t node = rmap_head_of(core, place);

	if (node == NODE_NONE)
		return false;
	if (node_at(core, node)->used == NODE_OBJECT)
		return each_own(core, node, rmap_slot_of(place), frame, f, out);
	each_at(core, node, rmap_slot_of(place), frame, f);
	return false;
}

/* An object's page has one place: a list is of private ones. */
static bool each_entry(struct pager_core *core, uint32_t frame,
		       const struct finding *f, struct wanted *out)
{
	const struct rmap *m = &core->rmap;
	uint32_t place = m->place[frame];

	if (!(place & RMAP_LIST))
		return each_place(core, place, frame, f, out);
	for (uint32_t i = place & ~RMAP_LIST; i; i = m->list[i].next)
		each_place(core, m->list[i].place, frame, f, out);
	return false;
}

void rmap_each(struct pager_core *core, uint32_t frame,
	       void (*fn)(void *ctx, uint32_t node, uint64_t *slot), void *ctx)
{
	const struct finding f = {.fn = fn, .ctx = ctx};
	struct wanted w;

	if (each_entry(core, frame, &f, &w))
		each_borrower(core, &w, 1, &f);
}

void rmap_each_of(struct pager_core *core, const uint32_t *frames,
		  unsigned int n,
		  void (*fn)(void *ctx, uint32_t node, uint64_t *slot),
		  void *ctx)
{
	const struct finding f = {.fn = fn, .ctx = ctx};
	struct wanted w[RMAP_MANY];
	unsigned int wanted = 0;

	assert(n <= RMAP_MANY);
	for (unsigned int i = 0; i < n; i++)
		wanted += each_entry(core, frames[i], &f, &w[wanted]);
	qsort(w, wanted, sizeof(w[0]), in_order);
	for (unsigned int i = 0, next; i < wanted; i = next) {
		for (next = i + 1;
		     next < wanted && w[next].object == w[i].object; next++)
			;
		each_borrower(core, w + i, next - i, &f);
	}
}
