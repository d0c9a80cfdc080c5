/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Large entries: filled, split, collapsed; references of whole runs.
 */
#include "lib/core/large.h"

#include <assert.h>

#include "lib/core/rmap.h"
#include "lib/core/table_int.h"

bool large_refs_are(const struct pager_core *core, uint64_t entry,
		    uint32_t refs)
{
	const uint32_t *r = core->frames.refs + large_first(entry);
	uint32_t differ = 0;

	for (unsigned int i = 0; i < PTE_SLOTS; i++)
		differ |= r[i] ^ refs;
	return !differ;
}

void large_get(struct pager_core *core, uint64_t entry)
{
	uint32_t *r = core->frames.refs + large_first(entry);

	for (unsigned int i = 0; i < PTE_SLOTS; i++)
		r[i]++;
}

void large_drop(struct pager_core *core, uint64_t entry)
{
	uint32_t first = large_first(entry);

	for (unsigned int i = 0; i < PTE_SLOTS; i++)
		frame_drop(core, first + i);
	core->large.entries--;
}

void large_put(struct pager_core *core, uint64_t entry)
{
	uint32_t first = large_first(entry);

	for (unsigned int i = 0; i < PTE_SLOTS; i++)
		frame_put(core, first + i);
	core->large.entries--;
}

static unsigned int slot_index(const uint64_t *slot)
{
	return (unsigned int)((uintptr_t)slot / sizeof(*slot)) % PTE_SLOTS;
}

/*
 * Frames that are ours alone are from now on known by the leaf. Those that
 * others hold too are still found by the upper slot, through the leaf.
 */
uint32_t large_split(struct pager_core *core, struct pager_account *account,
		     uint64_t *slot)
{
	uint64_t e = *slot, bits = e & ~(PTE_ADDR | PTE_PS), late;
	uint32_t first = large_first(e);
	uint32_t leaf = node_take_raw(core, account, 0);
	uint64_t *to = node_slots(core, leaf);
	struct node *n = node_at(core, leaf);

	assert(pte_large(e));
	family_new(core, leaf);
	n->anon = PTE_SLOTS;
	n->base = NODE_SPLIT;
	for (unsigned int i = 0; i < PTE_SLOTS; i++) {
		to[i] = frame_entry(first + i) | bits;
		if (frame_refs(core, first + i) == 1) {
			rmap_drop(core, first + i);
			rmap_set(core, first + i, leaf, i);
		} else {
			n->base |= NODE_FOUND_ABOVE;
		}
	}
	/* What a processor marked since the entry was read is said of all; and
	 * a harvest has to look below. */
	late = core_swap(core, slot, node_entry(leaf) | PTE_W | PTE_RECENT) &
	       ~e & (PTE_A | PTE_D);
	for (unsigned int i = 0; late && i < PTE_SLOTS; i++)
		to[i] |= late;
	core->large.entries--;
	core->large.leaves++;
	core->stats.large_splits++;
	return leaf;
}

static void note_run(struct pager_core *core, uint32_t node, unsigned int i,
		     uint32_t first)
{
	if (node_at(core, node)->family == FAMILY_NONE)
		family_new(core, node);
	for (unsigned int f = 0; f < PTE_SLOTS; f++) {
		rmap_drop(core, first + f);
		rmap_set(core, first + f, node, i);
	}
}

void large_fill(struct table *t, struct path *p, uint64_t entry)
{
	assert(p->level == 1 && *p->slot == 0 && pte_large(entry));
	assert((pte_pfn(entry).n & (PTE_SLOTS - 1)) == 0);
	table_store(t, p->slot, entry);
	note_run(t->core, p->node[1], slot_index(p->slot), frame_of(entry));
	for (unsigned int l = 1; l < PTE_LEVELS; l++)
		node_at(t->core, p->node[l])->anon += PTE_SLOTS;
	t->core->large.entries++;
	t->core->stats.large_fills++;
}

bool large_is_ours(const struct table *t, uint64_t vpn)
{
	struct path p;
	uint64_t eff, *slot = table_walk(t, vpn, &p, &eff);

	return slot && p.level == 1 &&
	       (eff & PTE_W || table_need_own(t, vpn) == 1) &&
	       large_refs_are(t->core, *slot, 1);
}

/* --- ranges -----------------------------------------------------------------
 */

struct counting {
	uint64_t large;
};

static void count(void *ctx, uint64_t vpn, uint64_t pages, uint64_t *slot)
{
	struct counting *c = ctx;

	(void)vpn;
	(void)pages;
	c->large += pte_large(*slot);
}

uint64_t large_count(const struct table *t, struct pager_range r)
{
	struct counting c = {0};

	if (t->core->large.entries)
		table_each(t, r, false, count, &c);
	return c.large;
}

static void split(void *ctx, uint64_t vpn, uint64_t pages, uint64_t *slot)
{
	struct table *t = ctx;

	(void)vpn;
	(void)pages;
	if (pte_large(*slot))
		large_split(t->core, t->account, slot);
}

void large_split_range(struct table *t, struct pager_range r)
{
	if (t->core->large.entries)
		table_each(t, r, false, split, t);
}

/* --- collapse ---------------------------------------------------------------
 */

/* What the entries of a run must have in common. */
static const uint64_t same = PTE_P | PTE_U | PTE_NX | PTE_TYPE | PTE_LAZY;

static bool is_run(const struct pager_core *core, const uint64_t *leaf,
		   uint64_t *bits)
{
	uint32_t first = frame_of(leaf[0]);
	uint64_t any = 0, all = ~UINT64_C(0);

	if (first % PTE_SLOTS || leaf[0] & PTE_LAZY)
		return false;
	for (unsigned int i = 0; i < PTE_SLOTS; i++) {
		if (frame_of(leaf[i]) != first + i ||
		    (leaf[i] ^ leaf[0]) & same || core->frames.pins[first + i])
			return false;
		any |= leaf[i];
		all &= leaf[i];
	}
	/* Where one page lacks W, the next write's fault gives it to all. */
	*bits = (any & ~(PTE_ADDR | PTE_W)) | (all & PTE_W);
	return large_refs_are(core, leaf[0], 1);
}

bool large_collapse(struct table *t, uint32_t node, uint64_t *slot)
{
	struct pager_core *core = t->core;
	uint32_t leaf = node_of(*slot);
	struct node *n = node_at(core, leaf);
	const uint64_t *from = node_slots(core, leaf);
	uint64_t bits;

	if (n->refs != 1 || n->anon != PTE_SLOTS || !is_run(core, from, &bits))
		return false;
	note_run(core, node, slot_index(slot), frame_of(from[0]));
	core_store(core, slot, frame_entry(frame_of(from[0])) | bits | PTE_PS);
	/* Its pages are the large entry's now. */
	n->anon = 0;
	node_put(core, leaf);
	core->large.entries++;
	core->stats.large_collapses++;
	return true;
}
