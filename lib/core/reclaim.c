/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reclaim of lazily freed pages. A page keeps its mark (PTE_LAZY, without W)
 * until a write fault takes it back or a fork shares it; one that still has it
 * when the pool is short goes, unless it was pinned since. Only own paths are
 * entered, so clearing needs no node.
 */
#include "lib/core/reclaim.h"

#include "lib/core/dirty_int.h"
#include "lib/core/space.h"
#include "lib/core/table.h"

struct pass {
	struct pager_space *space;
	uint64_t freed;
	bool kept; /* some mark was, or may have been, left */
};

static void free_if_lazy(void *ctx, uint64_t vpn, uint64_t pages,
			 uint64_t *slot)
{
	struct pass *p = ctx;

	(void)pages;
	if (!(*slot & PTE_LAZY))
		return;
	if (space_region_at(p->space, vpn)->flags & PAGER_REGION_PINNED) {
		p->kept = true;
		return;
	}
	dirty_note_drop(p->space, pager_range(vpn, vpn + 1));
	table_detach(&p->space->table, pager_range(vpn, vpn + 1));
	p->freed++;
}

void reclaim_lazy(struct pager_core *core)
{
	const struct pager_range all = pager_range(0, PAGER_VPN_END);
	struct pager_space *s;
	uint64_t freed = 0;

	LIST_FOREACH (s, &core->spaces, all) {
		struct pass p = {.space = s};

		if (!s->lazy)
			continue;
		/* Below shared nodes there may be marks that come to life
		 * again when the sharing ends. */
		if (table_each(&s->table, all, false, free_if_lazy, &p))
			p.kept = true;
		s->lazy = p.kept;
		if (p.freed)
			space_invalidate(s, all);
		freed += p.freed;
	}
	node_drain(core);
	if (freed)
		core->reclaims++;
}
