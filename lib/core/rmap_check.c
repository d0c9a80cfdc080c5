/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The recount of the reverse map: that rings, names of families and lists of
 * places are whole. That every entry is at a place of its frame is seen where
 * the tables are walked (recount_table.c).
 *
 *	names	in use: the head is a member	free: in one list
 *	nodes	a leaf: in the ring of its family, once
 *	places	in the list of one used frame, once, or in the free list
 */
#include "lib/core/frame.h"
#include "lib/core/rmap.h"

static const char *check_ring(const struct pager_core *core, uint32_t family,
			      uint64_t *members)
{
	uint32_t first = core->rmap.head[family], node = first;

	do {
		const struct node *n = node_at(core, node);
		uint32_t next = n->of.ring.next;

		if (n->used != NODE_USED || n->family != family)
			return "a ring has a member of another family";
		if (next == NODE_NONE || next >= core->arena.fresh ||
		    node_at(core, next)->of.ring.prev != node)
			return "a ring is broken";
		if (++*members > core->arena.fresh)
			return "a ring does not close";
		node = next;
	} while (node != first);
	return NULL;
}

static const char *check_families(const struct pager_core *core)
{
	const struct rmap *m = &core->rmap;
	uint64_t members = 0, named = 0, names = 0;
	const char *why;

	for (uint32_t f = m->free_family; f; f = m->head[f])
		if (f >= m->families || ++names > m->families)
			return "the free list of families is broken";
	for (uint32_t i = 1; i < core->arena.fresh; i++) {
		const struct node *n = node_at(core, i);

		if (!n->used)
			continue;
		if (n->level == 0 && n->family == FAMILY_NONE)
			return "a leaf has no family";
		if (n->family >= m->families)
			return "a node is of no family";
		named += n->family != FAMILY_NONE;
		if (n->family == FAMILY_NONE || m->head[n->family] != i)
			continue;
		names++;
		if (n->used == NODE_OBJECT)
			members++;
		else if ((why = check_ring(core, n->family, &members)))
			return why;
	}
	if (members != named)
		return "a node is in no ring";
	return names + 1 == m->families ? NULL : "families are miscounted";
}

/* Is the place at i also named later in the list? */
static bool named_twice(const struct rmap *m, uint32_t i)
{
	uint32_t steps = 0;

	for (uint32_t j = m->list[i].next; j && j < m->fresh && steps < m->used;
	     j = m->list[j].next, steps++)
		if (m->list[j].place == m->list[i].place)
			return true;
	return false;
}

/* One frame's list, marked. */
static const char *check_list(const struct rmap *m, uint32_t first,
			      uint8_t *seen, uint64_t *listed)
{
	if (first == 0)
		return "a list of places is empty";
	for (uint32_t i = first; i; i = m->list[i].next) {
		if (i >= m->fresh || seen[i]++)
			return "a list of places is broken";
		if (named_twice(m, i))
			return "a list of places names one twice";
		++*listed;
	}
	return NULL;
}

static const char *check_places(const struct pager_core *core, uint8_t *seen)
{
	const struct rmap *m = &core->rmap;
	uint64_t listed = 0, unused = 0;
	const char *why;

	if (m->fresh > m->room && m->room)
		return "more places than there is room for";
	for (uint32_t i = m->free_place; i; i = m->list[i].next, unused++)
		if (i >= m->fresh || seen[i]++)
			return "the free list of places is broken";
	if (unused + m->used + 1 != m->fresh)
		return "places are miscounted";
	for (uint32_t f = 0; m->fresh > 1 && f < frame_top(core); f++) {
		if (!(m->place[f] & RMAP_LIST))
			continue;
		if (frame_state(core, f) != FRAME_USED)
			return "a list of places is a free frame's";
		why = check_list(m, m->place[f] & ~RMAP_LIST, seen, &listed);
		if (why)
			return why;
	}
	return listed == m->used ? NULL : "places are lost";
}

const char *rmap_check(const struct pager_core *core, uint8_t *seen)
{
	const char *why = check_places(core, seen);

	return why ? why : check_families(core);
}
