/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who shares what, from the sums of the nodes.
 *
 * A page is *shared* if somebody else can reach it: its path has a node with
 * several references, its frame has several holders, or it is the zero frame.
 * Its *proportional* part is one over the references of the first shared thing
 * on the way down from the root: a node that is shared as a whole divides the
 * frames below it equally among its holders and is not entered; a frame that
 * is held by several leaf nodes divides itself among those (an object's own
 * reference is not a holder). The zero frame weighs nothing.
 */
#include "lib/core/large.h"
#include "lib/core/space.h"
#include "lib/core/table.h"

static void share_leaf(const struct pager_core *core, uint64_t e,
		       struct pager_sharing *out)
{
	uint32_t refs;

	if (pte_type(e) == PAGER_PAGE_ZERO) {
		out->shared_pages++;
		return;
	}
	refs =
	    frame_refs(core, frame_of(e)) - (pte_type(e) == PAGER_PAGE_OBJECT);
	if (refs > 1)
		out->shared_pages++;
	else
		out->private_pages++;
	out->proportional += PAGER_PAGE_SIZE / refs;
}

static void share_node(const struct table *t, uint32_t child,
		       unsigned int level, struct pager_range r,
		       struct pager_sharing *out)
{
	const struct node *n = node_at(t->core, child);
	struct sums s = {n->anon, n->zero, n->object};

	if (pager_range_len(r) != pte_span(level))
		s = table_sum(t, r);
	out->nodes_shared++;
	out->shared_pages += (uint64_t)s.anon + s.zero + s.object;
	out->proportional +=
	    ((uint64_t)s.anon + s.object) * PAGER_PAGE_SIZE / n->refs;
}

static void walk(const struct table *t, uint32_t node, unsigned int level,
		 uint64_t base, struct pager_range r, struct pager_sharing *out)
{
	const uint64_t *slot = node_slots(t->core, node);

	out->nodes_private++;
	for (unsigned int i = 0; i < PTE_SLOTS; i++) {
		uint64_t lo = base + i * pte_span(level);
		struct pager_range part = pager_range(
		    lo > r.start ? lo : r.start, lo + pte_span(level) < r.end
						     ? lo + pte_span(level)
						     : r.end);

		if (!slot[i] || part.start >= part.end)
			continue;
		if (pte_large(slot[i])) {
			for (uint64_t v = part.start; v < part.end; v++)
				share_leaf(t->core,
					   page_pa(slot[i], v) | PTE_ANON, out);
			continue;
		}
		if (level == 0)
			share_leaf(t->core, slot[i], out);
		else if (node_at(t->core, node_of(slot[i]))->refs > 1)
			share_node(t, node_of(slot[i]), level, part, out);
		else
			walk(t, node_of(slot[i]), level - 1, lo, part, out);
	}
}

void pager_space_sharing(const struct pager_space *space,
			 struct pager_range range, struct pager_sharing *out)
{
	*out = (struct pager_sharing){0};
	if (range.start < range.end)
		walk(&space->table, space->table.root, PTE_LEVELS - 1, 0, range,
		     out);
}
