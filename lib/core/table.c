/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page table: walking, owning and filling single paths, sharing a whole
 * tree. Ranges are in table_range.c and table_move.c.
 */
#include "lib/core/table.h"

#include <assert.h>

#include "lib/base/scan.h"
#include "lib/core/dirty_int.h"
#include "lib/core/large.h"
#include "lib/core/rmap.h"
#include "lib/core/table_int.h"

uint64_t *table_walk(const struct table *t, uint64_t vpn, struct path *p,
		     uint64_t *eff)
{
	uint32_t node = t->root;
	uint64_t all = ~UINT64_C(0);

	if (node == NODE_NONE)
		return NULL;
	for (unsigned int l = PTE_LEVELS - 1; l > 0; l--) {
		uint64_t e = node_slots(t->core, node)[pte_index(vpn, l)];

		p->node[l] = node;
		if (!e)
			return NULL;
		if (pte_large(e)) {
			*eff = all;
			p->level = l;
			p->slot = node_slots(t->core, node) + pte_index(vpn, l);
			return p->slot;
		}
		all &= e;
		node = node_of(e);
	}
	*eff = all;
	p->level = 0;
	p->node[0] = node;
	p->slot = node_slots(t->core, node) + pte_index(vpn, 0);
	return p->slot;
}

unsigned int table_need_own(const struct table *t, uint64_t vpn)
{
	uint32_t node = t->root;
	unsigned int need = 0;
	bool shared = false;

	if (node == NODE_NONE)
		return PTE_LEVELS;
	for (unsigned int l = PTE_LEVELS - 1; l > 0; l--) {
		uint64_t e = node_slots(t->core, node)[pte_index(vpn, l)];

		if (!e)
			return need + l;
		if (pte_large(e))
			return need + 1;
		node = node_of(e);
		shared |= node_at(t->core, node)->refs > 1;
		need += shared;
	}
	return need;
}

/* Both copies of a leaf hold its frames: neither may write to private ones. */
static void copy_leaf(const struct table *t, uint64_t *from, uint64_t *to)
{
	uint32_t *refs = t->core->frames.refs;

	for (unsigned int i = 0; i < PTE_SLOTS; i++) {
		uint64_t e = from[i];

		if (e & (PTE_W | PTE_LAZY) && pte_type(e) == PAGER_PAGE_ANON) {
			e &= ~(PTE_W | PTE_LAZY);
			table_store(t, &from[i], e);
		}
		to[i] = e;
		if (e && pte_type(e) != PAGER_PAGE_ZERO)
			refs[frame_of(e)]++;
	}
}

static void copy_upper(const struct table *t, uint64_t *from, uint64_t *to)
{
	for (unsigned int i = 0; i < PTE_SLOTS; i++) {
		uint64_t e = from[i];

		if (e & PTE_W) {
			e &= ~PTE_W;
			table_store(t, &from[i], e);
		}
		to[i] = e;
		if (pte_large(e)) {
			large_get(t->core, e);
			t->core->large.entries++;
		} else if (e)
			node_at(t->core, node_of(e))->refs++;
	}
}

/*
 * One of several holders gets a copy of its own; the others keep the old node.
 * Children and frames are then held by both, so neither may write to them.
 */
uint32_t table_copy_node(struct table *t, uint32_t old)
{
	struct pager_core *core = t->core;
	struct node *o = node_at(core, old);
	uint32_t new = node_take_raw(core, t->account, o->level);
	struct node *n = node_at(core, new);

	assert(o->refs > 1);
	family_join(core, new, old);
	(o->level ? copy_upper : copy_leaf)(t, node_slots(core, old),
					    node_slots(core, new));
	n->anon = o->anon;
	n->zero = o->zero;
	n->object = o->object;
	n->base = o->base;
	core->large.leaves += o->level == 0 && o->base & NODE_SPLIT;
	o->refs--;
	core->stats.node_copies++;
	return new;
}

uint32_t table_own_child(struct table *t, uint64_t *slot)
{
	uint64_t e = *slot;
	uint32_t child = node_of(e);

	assert(!pte_large(e));

	if (node_at(t->core, child)->refs > 1) {
		child = table_copy_node(t, child);
		table_store(t, slot, node_entry(child) | PTE_W);
	} else if (!(e & PTE_W)) {
		if (t->guarded)
			dirty_push_down(t, child);
		table_store(t, slot, e | PTE_W);
	}
	return child;
}

/* Make the path own from the root down to a node of the level. */
static uint32_t own_down(struct table *t, uint64_t vpn, struct path *p,
			 unsigned int level)
{
	struct pager_core *core = t->core;
	uint32_t node = t->root;

	if (node == NODE_NONE)
		node = t->root = node_take(core, t->account, PTE_LEVELS - 1);
	for (unsigned int l = PTE_LEVELS - 1; l > level; l--) {
		uint64_t *slot = node_slots(core, node) + pte_index(vpn, l);

		p->node[l] = node;
		if (!*slot) {
			node = node_take(core, t->account, l - 1);
			table_store(t, slot, node_entry(node) | PTE_W);
		} else if (pte_large(*slot)) {
			node = large_split(core, t->account, slot);
		} else {
			node = table_own_child(t, slot);
		}
	}
	p->node[level] = node;
	p->level = level;
	p->slot = node_slots(core, node) + pte_index(vpn, level);
	return node;
}

void table_own(struct table *t, uint64_t vpn, struct path *p)
{
	own_down(t, vpn, p, 0);
}

void table_own_upper(struct table *t, uint64_t vpn, struct path *p)
{
	own_down(t, vpn, p, 1);
}

/* A frame gets its place where it is first put: by private entries, and by
 * those of an object's own table. */
static void note_place(const struct table *t, const struct path *p,
		       uint64_t entry)
{
	if (pte_type(entry) == PAGER_PAGE_ANON ||
	    (pte_type(entry) == PAGER_PAGE_OBJECT && !t->mmu.ops))
		rmap_set(t->core, frame_of(entry), p->node[0],
			 (unsigned int)((uintptr_t)p->slot / sizeof(*p->slot)) %
			     PTE_SLOTS);
}

void table_fill(struct table *t, struct path *p, uint64_t entry)
{
	assert(*p->slot == 0 && entry);
	table_store(t, p->slot, entry);
	note_place(t, p, entry);
	sums_add_path(t->core, p, pte_type(entry), 1);
}

void table_replace(struct table *t, struct path *p, uint64_t entry)
{
	enum pager_page_type was = pte_type(*p->slot);
	enum pager_page_type now = pte_type(entry);

	assert(was != PAGER_PAGE_NONE && now != PAGER_PAGE_NONE);
	table_store(t, p->slot, entry);
	note_place(t, p, entry);
	if (was == now)
		return;
	sums_add_path(t->core, p, was, -1);
	sums_add_path(t->core, p, now, 1);
}

/* The next slot of a root with an entry, at or after i, or PTE_SLOTS; bits has
 * one a slot. A root is nearly empty. */
static unsigned int next_slot(const uint64_t bits[PTE_SLOTS / 64],
			      unsigned int i)
{
	while (i < PTE_SLOTS) {
		uint64_t left = bits[i / 64] >> i % 64;

		if (left)
			return i + (unsigned int)__builtin_ctzll(left);
		i = (i | 63) + 1;
	}
	return PTE_SLOTS;
}

bool table_close(struct table *t)
{
	uint64_t *slot = node_slots(t->core, t->root);
	uint64_t bits[PTE_SLOTS / 64];
	unsigned int i;

	if (!scan_entries(slot, PTE_W, bits))
		return false;
	for (i = next_slot(bits, 0); i < PTE_SLOTS; i = next_slot(bits, i + 1))
		table_store(t, &slot[i], slot[i] & ~PTE_W);
	return true;
}

bool table_share(struct table *dst, struct table *src)
{
	struct pager_core *core = src->core;
	uint64_t *from = node_slots(core, src->root);
	uint64_t *to = node_slots(core, dst->root);
	const struct node *s = node_at(core, src->root);
	struct node *d = node_at(core, dst->root);
	uint64_t bits[PTE_SLOTS / 64];
	bool flush = false;
	unsigned int i;

	scan_entries(from, PTE_P, bits);
	for (i = next_slot(bits, 0); i < PTE_SLOTS;
	     i = next_slot(bits, i + 1)) {
		uint64_t e = from[i];

		if (e & PTE_W) {
			e &= ~PTE_W;
			table_store(src, &from[i], e);
			flush = true;
		}
		node_at(core, node_of(e))->refs++;
		to[i] = e;
	}
	d->anon = s->anon;
	d->zero = s->zero;
	d->object = s->object;
	return flush;
}
