/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The background work of large entries: while there are leaves that large
 * entries were split into, look from time to time whether one is a whole run
 * again. A pass goes over the spaces that ask for 2 MiB, one node of level 1 a
 * step; a pass that finds nothing doubles the time to the next.
 */
#include "lib/core/dirty_int.h"
#include "lib/core/large.h"
#include "lib/core/space.h"

enum { WAIT_MS = 1000, WAIT_MAX_MS = 64000 };

/* The first slot of level 1 at or above vpn that is not empty: its node, or
 * NODE_NONE at the end. */
static uint32_t next_upper(const struct table *t, uint64_t *vpn)
{
	while (*vpn < PAGER_VPN_END) {
		uint32_t node = t->root;
		unsigned int l = PTE_LEVELS - 1;

		for (; l > 1; l--) {
			uint64_t e =
			    node_slots(t->core, node)[pte_index(*vpn, l)];

			if (!e)
				break;
			node = node_of(e);
		}
		if (l == 1)
			return node;
		*vpn = (*vpn | (pte_span(l) - 1)) + 1;
	}
	return NODE_NONE;
}

/* May the stretch have one entry? One region, private, anonymous, not logged.
 */
static bool one_region(const struct pager_space *s, uint64_t vpn)
{
	const struct pager_region *r = rtree_find(&s->regions, vpn);

	return r && r->start <= vpn && r->end - vpn >= PTE_SLOTS &&
	       region_private(r) && !r->object &&
	       !dirty_covers(s, pager_range(vpn, vpn + PTE_SLOTS)) &&
	       !(r->flags & (PAGER_REGION_PINNED | PAGER_REGION_CONTIG));
}

static void collapse_node(struct pager_space *s, uint32_t node, uint64_t base)
{
	struct pager_core *core = s->core;
	uint64_t *slot = node_slots(core, node);

	for (unsigned int i = 0; i < PTE_SLOTS; i++) {
		const struct node *n;

		if (!slot[i] || pte_large(slot[i]))
			continue;
		n = node_at(core, node_of(slot[i]));
		if (!(n->base & NODE_SPLIT) || n->refs != 1 ||
		    n->anon != PTE_SLOTS ||
		    !one_region(s, base + (uint64_t)i * PTE_SLOTS) ||
		    !large_collapse(&s->table, node, &slot[i]))
			continue;
		core->large.pass++;
		core_forget(core, large_first(slot[i]), PTE_SLOTS);
	}
	node_drain(core);
}

/* Returns whether the pass goes on. */
static bool step(struct pager_core *core)
{
	struct large *l = &core->large;
	uint32_t node;

	while (l->space && l->space->around != PAGER_AROUND_2M)
		l->space = LIST_NEXT(l->space, all);
	if (!l->space)
		return false;
	node = next_upper(&l->space->table, &l->vpn);
	if (node == NODE_NONE) {
		l->space = LIST_NEXT(l->space, all);
		l->vpn = 0;
		return l->space != NULL;
	}
	l->vpn &= ~(pte_span(2) - 1);
	collapse_node(l->space, node, l->vpn);
	l->vpn += pte_span(2);
	return true;
}

static void start(struct pager_core *core)
{
	core->large.space = LIST_FIRST(&core->spaces);
	core->large.vpn = 0;
	core->large.pass = 0;
}

bool large_work(struct pager_core *core, uint64_t now_ms, uint64_t *due_ms)
{
	struct large *l = &core->large;

	*due_ms = UINT64_MAX;
	if (!l->space) {
		if (!l->leaves)
			return false;
		if (!l->due_ms)
			l->due_ms = now_ms + WAIT_MS;
		if (now_ms < l->due_ms) {
			*due_ms = l->due_ms;
			return false;
		}
		start(core);
	}
	if (step(core))
		return true;
	if (l->pass || !l->wait_ms)
		l->wait_ms = WAIT_MS;
	else if (l->wait_ms < WAIT_MAX_MS)
		l->wait_ms *= 2;
	l->due_ms = now_ms + l->wait_ms;
	*due_ms = l->leaves ? l->due_ms : UINT64_MAX;
	return false;
}

void large_collapse_all(struct pager_core *core)
{
	start(core);
	while (step(core))
		;
}

void large_forget(struct pager_core *core, const struct pager_space *space)
{
	struct large *l = &core->large;

	if (l->space != space)
		return;
	l->space = LIST_NEXT(l->space, all);
	l->vpn = 0;
}
