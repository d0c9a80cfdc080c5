/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moving pages between two ranges of one table (mremap).
 *
 *	from   |..[##|########|###)..|        leaf nodes of 512 pages
 *	to          |....[##|########|###)|
 *
 * A leaf node that the range covers whole and that falls on a leaf boundary at
 * the other end too is relinked, shared or not; pages of the others move one
 * by one along own paths.
 */
#include "lib/core/table.h"

#include <assert.h>

#include "lib/core/large.h"
#include "lib/core/rmap.h"
#include "lib/core/table_int.h"

enum { LEAF_PAGES = PTE_SLOTS };

static uint64_t leaf_end(uint64_t vpn, uint64_t end)
{
	uint64_t e = (vpn | (LEAF_PAGES - 1)) + 1;

	return e < end ? e : end;
}

static bool any_page(const uint64_t *slot, uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++)
		if (slot[i])
			return true;
	return false;
}

/* The first leaf node at or above vpn that has a page in the range, below end:
 * the first page of it that is in the range, or end. A leaf without one is
 * left alone: need_own does not count it. */
static uint64_t next_leaf(const struct table *t, uint64_t vpn, uint64_t end)
{
	while (vpn < end) {
		uint32_t node = t->root;
		unsigned int l = PTE_LEVELS - 1;

		for (; l > 0; l--) {
			uint64_t e =
			    node_slots(t->core, node)[pte_index(vpn, l)];

			if (!e)
				break;
			if (pte_large(e))
				return vpn;
			node = node_of(e);
		}
		if (l == 0 &&
		    any_page(node_slots(t->core, node) + pte_index(vpn, 0),
			     leaf_end(vpn, end) - vpn))
			return vpn;
		vpn = l ? (vpn | (pte_span(l) - 1)) + 1 : leaf_end(vpn, end);
	}
	return end;
}

static bool whole(uint64_t vpn, uint64_t end, uint64_t to)
{
	return vpn % LEAF_PAGES == 0 && end - vpn == LEAF_PAGES &&
	       to % LEAF_PAGES == 0;
}

uint64_t table_need_move(const struct table *t, struct pager_range from,
			 uint64_t to)
{
	uint64_t need = table_need_own_range(t, from);
	uint64_t seen[PTE_LEVELS] = {0}, eff;
	struct path p;
	bool any = false;

	for (uint64_t v = next_leaf(t, from.start, from.end); v < from.end;) {
		uint64_t end = leaf_end(v, from.end);
		uint64_t first = to + (v - from.start);
		uint64_t last = first + (end - v) - 1;

		for (unsigned int l = 1; l < PTE_LEVELS; l++) {
			uint64_t a = first >> (9 * l);
			uint64_t b = last >> (9 * l);

			need += b - a + !(any && seen[l] == a);
			seen[l] = b;
		}
		need += table_walk(t, v, &p, &eff) && p.level;
		any = true;
		v = next_leaf(t, end, from.end);
	}
	return need;
}

struct counting {
	const struct table *t;
	uint64_t shared;
};

static void count_shared(void *ctx, uint64_t vpn, uint64_t pages,
			 uint64_t *slot)
{
	struct counting *c = ctx;

	(void)vpn;
	if (pte_large(*slot))
		c->shared += large_refs_are(c->t->core, *slot, 1) ? 0 : pages;
	else
		c->shared += pte_type(*slot) == PAGER_PAGE_ANON &&
			     frame_refs(c->t->core, frame_of(*slot)) > 1;
}

/* Leaves that are moved as they are take their places along, unless their
 * frames are known by the slot above. */
static bool keeps_places(const struct table *t, uint64_t vpn)
{
	struct path p;
	uint64_t eff;

	return table_walk(t, vpn, &p, &eff) && p.level == 0 &&
	       !(node_at(t->core, p.node[0])->base & NODE_FOUND_ABOVE);
}

uint64_t table_need_places(const struct table *t, struct pager_range from,
			   uint64_t to)
{
	struct counting c = {.t = t};

	for (uint64_t v = next_leaf(t, from.start, from.end); v < from.end;) {
		uint64_t end = leaf_end(v, from.end);
		struct pager_range part = pager_range(v, end);

		/* Pages of a node that is shared will have several holders. */
		if (!(whole(v, end, to + (v - from.start)) &&
		      keeps_places(t, v)) &&
		    table_each(t, part, false, count_shared, &c))
			c.shared += table_sum(t, part).anon;
		v = next_leaf(t, end, from.end);
	}
	return c.shared;
}

static struct sums leaf_sums(const struct pager_core *core, uint32_t leaf)
{
	const struct node *n = node_at(core, leaf);

	return (struct sums){n->anon, n->zero, n->object};
}

static void add(struct node *n, struct sums s, int sign)
{
	n->anon += (uint32_t)sign * s.anon;
	n->zero += (uint32_t)sign * s.zero;
	n->object += (uint32_t)sign * s.object;
}

/* Unlink the nodes of an own path that are empty now, from level down. */
static void prune(struct table *t, uint64_t vpn, struct path *p,
		  unsigned int level)
{
	for (unsigned int l = level; l < PTE_LEVELS - 1; l++) {
		uint64_t *slot;

		if (!node_empty(node_at(t->core, p->node[l])))
			return;
		slot =
		    node_slots(t->core, p->node[l + 1]) + pte_index(vpn, l + 1);
		table_store(t, slot, 0);
		node_put(t->core, p->node[l]);
	}
}

/* Frames that were known by the slot above are known by the leaf from now on.
 */
static void find_in_leaf(struct table *t, uint32_t leaf)
{
	const uint64_t *slot = node_slots(t->core, leaf);
	struct node *n = node_at(t->core, leaf);

	if (n->used != NODE_USED || !(n->base & NODE_FOUND_ABOVE))
		return;
	for (unsigned int i = 0; i < PTE_SLOTS; i++)
		if (pte_type(slot[i]) == PAGER_PAGE_ANON)
			rmap_move(t->core, frame_of(slot[i]), leaf, i);
	n->base &= ~NODE_FOUND_ABOVE;
}

static void move_leaf(struct table *t, uint64_t vpn, uint64_t to)
{
	struct path src, dst;
	uint64_t entry;
	struct sums s;

	table_own_upper(t, vpn, &src);
	table_own_upper(t, to, &dst);
	if (pte_large(*src.slot))
		large_split(t->core, t->account, src.slot);
	entry = *src.slot;
	s = leaf_sums(t->core, node_of(entry));
	assert(*dst.slot == 0);
	table_store(t, src.slot, 0);
	table_store(t, dst.slot, entry);
	find_in_leaf(t, node_of(entry));
	for (unsigned int l = 1; l < PTE_LEVELS; l++) {
		add(node_at(t->core, src.node[l]), s, -1);
		add(node_at(t->core, dst.node[l]), s, 1);
	}
	prune(t, vpn, &src, 1);
}

static void move_pages(struct table *t, uint64_t vpn, uint64_t end, uint64_t to)
{
	struct path src, dst;
	uint64_t have = UINT64_MAX;

	table_own(t, vpn, &src);
	for (uint64_t v = vpn; v < end; v++, to++) {
		uint64_t *slot = src.slot + (v - vpn);
		uint64_t e = *slot;

		if (!e)
			continue;
		if (to >> 9 != have) {
			table_own(t, to, &dst);
			have = to >> 9;
		}
		dst.slot = node_slots(t->core, dst.node[0]) + pte_index(to, 0);
		table_store(t, slot, 0);
		sums_add_path(t->core, &src, pte_type(e), -1);
		table_store(t, dst.slot, e);
		sums_add_path(t->core, &dst, pte_type(e), 1);
		if (pte_type(e) == PAGER_PAGE_ANON)
			rmap_move(t->core, frame_of(e), dst.node[0],
				  pte_index(to, 0));
	}
	prune(t, vpn, &src, 0);
}

void table_move(struct table *t, struct pager_range from, uint64_t to)
{
	for (uint64_t v = next_leaf(t, from.start, from.end); v < from.end;) {
		uint64_t end = leaf_end(v, from.end);
		uint64_t dst = to + (v - from.start);

		if (whole(v, end, dst))
			move_leaf(t, v, dst);
		else
			move_pages(t, v, end, dst);
		v = next_leaf(t, end, from.end);
	}
}
