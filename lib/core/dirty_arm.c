/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Write protection: pages without W, so that the first write faults.
 *
 *	       r.start                     r.end
 *	|......[####|###########|##########|##)......|
 *	  entries    W of the upper entry:   entries
 *	  one by one one store for 2 MiB or more
 *
 * Taking W from an upper entry arms what is below without looking at it, as a
 * fork does. When W comes back there (table_own_child), the entries below lose
 * theirs first, one level down; so a write costs one node a level, and nobody
 * pays for what is not written. Pages of memory objects keep their W: their
 * dirty bits are used.
 */
#include "lib/core/dirty_int.h"
#include "lib/core/large.h"
#include "lib/core/table_int.h"

static bool is_ours(const struct table *t, uint64_t entry)
{
	return node_at(t->core, node_of(entry))->refs == 1;
}

static void arm_entry(const struct table *t, uint64_t *slot)
{
	uint64_t e = *slot;

	if (e & PTE_W && pte_type(e) == PAGER_PAGE_ANON)
		t->mmu.ops->take(t->mmu.mmu, slot, PTE_W, 0);
}

/* Whatever is reached through an entry without W is armed already. */
static void arm(const struct table *t, uint32_t node, unsigned int level,
		uint64_t base, struct pager_range r)
{
	uint64_t *slot = node_slots(t->core, node);
	unsigned int last = table_last(r, base, level);

	for (unsigned int i = table_first(r, base, level); i <= last; i++) {
		struct pager_range part = table_clip(r, base, i, level);

		if (!(slot[i] & PTE_W))
			continue;
		if (level == 0)
			arm_entry(t, &slot[i]);
		else if (pte_large(slot[i]) ||
			 pager_range_len(part) == pte_span(level))
			t->mmu.ops->take(t->mmu.mmu, &slot[i], PTE_W, 0);
		else if (is_ours(t, slot[i]))
			arm(t, node_of(slot[i]), level - 1,
			    base + i * pte_span(level), part);
	}
}

void dirty_arm(struct pager_space *s, struct pager_range r)
{
	if (r.start < r.end)
		arm(&s->table, s->table.root, PTE_LEVELS - 1, 0, r);
}

void dirty_push_down(const struct table *t, uint32_t node)
{
	uint64_t *slot = node_slots(t->core, node);
	unsigned int level = node_at(t->core, node)->level;

	for (unsigned int i = 0; i < PTE_SLOTS; i++) {
		if (!(slot[i] & PTE_W))
			continue;
		if (level == 0)
			arm_entry(t, &slot[i]);
		else
			t->mmu.ops->take(t->mmu.mmu, &slot[i], PTE_W, 0);
	}
}
