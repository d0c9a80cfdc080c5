/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page table over ranges: counting what plan must reserve, owning,
 * detaching and summing. A range cuts at most two subtrees a level in part; all
 * others are dealt with whole.
 */
#include "lib/core/table.h"

#include <assert.h>

#include "lib/core/large.h"
#include "lib/core/table_int.h"

static bool covers(struct pager_range part, unsigned int level)
{
	return pager_range_len(part) == pte_span(level);
}

static struct sums sum(const struct table *t, uint32_t node, unsigned int level,
		       uint64_t base, struct pager_range r);

/* Does the part of a node that the range covers hold no page? Then there is
 * nothing to change in it and no reason to copy it. */
static bool nothing_in(const struct table *t, uint32_t node, unsigned int level,
		       uint64_t base, struct pager_range part)
{
	struct sums s;

	if (pager_range_len(part) == pte_span(level + 1))
		return false; /* a node without pages is not kept */
	s = sum(t, node, level, base, part);
	return !s.anon && !s.zero && !s.object;
}

static uint64_t need_own(const struct table *t, uint32_t node,
			 unsigned int level, uint64_t base,
			 struct pager_range r, bool shared, bool parts)
{
	const uint64_t *slot = node_slots(t->core, node);
	unsigned int last = table_last(r, base, level);
	uint64_t need = 0;

	for (unsigned int i = table_first(r, base, level); i <= last; i++) {
		struct pager_range part = table_clip(r, base, i, level);
		uint32_t child;
		bool s;

		if (!slot[i] || (parts && covers(part, level)))
			continue;
		if (pte_large(slot[i])) {
			need += !covers(part, level);
			continue;
		}
		child = node_of(slot[i]);
		s = shared || node_at(t->core, child)->refs > 1;
		if (s && nothing_in(t, child, level - 1,
				    base + i * pte_span(level), part))
			continue;
		need += s;
		if (level > 1)
			need += need_own(t, child, level - 1,
					 base + i * pte_span(level), part, s,
					 parts);
	}
	return need;
}

uint64_t table_need_own_range(const struct table *t, struct pager_range r)
{
	if (t->root == NODE_NONE || r.start >= r.end)
		return 0;
	return need_own(t, t->root, PTE_LEVELS - 1, 0, r, false, false);
}

uint64_t table_need_detach(const struct table *t, struct pager_range r)
{
	if (t->root == NODE_NONE || r.start >= r.end)
		return 0;
	return need_own(t, t->root, PTE_LEVELS - 1, 0, r, false, true);
}

uint64_t table_need_detach_shared(const struct table *t, struct pager_range r)
{
	return need_own(t, t->root, PTE_LEVELS - 1, 0, r, true, true);
}

uint64_t table_need_fill_range(const struct table *t, struct pager_range r)
{
	uint64_t need = t->root == NODE_NONE;

	if (r.start >= r.end)
		return 0;
	for (unsigned int l = 1; l < PTE_LEVELS; l++)
		need += ((r.end - 1) >> (9 * l)) - (r.start >> (9 * l)) + 1;
	return need;
}

static void own(struct table *t, uint32_t node, unsigned int level,
		uint64_t base, struct pager_range r)
{
	uint64_t *slot = node_slots(t->core, node);
	unsigned int last = table_last(r, base, level);

	for (unsigned int i = table_first(r, base, level); i <= last; i++) {
		struct pager_range part = table_clip(r, base, i, level);
		uint64_t at = base + i * pte_span(level);
		uint32_t child;

		if (!slot[i])
			continue;
		if (pte_large(slot[i])) {
			if (!covers(part, level))
				large_split(t->core, t->account, &slot[i]);
			continue;
		}
		child = node_of(slot[i]);
		if (node_at(t->core, child)->refs > 1 &&
		    nothing_in(t, child, level - 1, at, part))
			continue;
		child = table_own_child(t, &slot[i]);
		if (level > 1)
			own(t, child, level - 1, at, part);
	}
}

void table_own_range(struct table *t, struct pager_range r)
{
	if (t->root != NODE_NONE && r.start < r.end)
		own(t, t->root, PTE_LEVELS - 1, 0, r);
}

static void sums_count(struct sums *s, uint64_t entry)
{
	switch (pte_type(entry)) {
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
		assert(!entry);
		break;
	}
}

static void sums_add(struct sums *s, struct sums more)
{
	s->anon += more.anon;
	s->zero += more.zero;
	s->object += more.object;
}

static struct sums node_sums(const struct node *n)
{
	return (struct sums){n->anon, n->zero, n->object};
}

static struct sums detach_leaf(struct table *t, uint32_t node, uint64_t base,
			       struct pager_range r)
{
	uint64_t *slot = node_slots(t->core, node);
	unsigned int last = table_last(r, base, 0);
	struct sums gone = {0};

	for (unsigned int i = table_first(r, base, 0); i <= last; i++) {
		uint64_t e = slot[i];

		if (!e)
			continue;
		sums_count(&gone, e);
		table_store(t, &slot[i], 0);
		if (pte_type(e) != PAGER_PAGE_ZERO)
			frame_put(t->core, frame_of(e));
	}
	return gone;
}

static struct sums detach(struct table *t, uint32_t node, unsigned int level,
			  uint64_t base, struct pager_range r);

/* The part of the range below one slot of an upper node. */
static struct sums detach_slot(struct table *t, uint64_t *slot,
			       unsigned int level, uint64_t at,
			       struct pager_range part)
{
	struct pager_core *core = t->core;
	struct sums gone = {0};
	uint32_t child;

	if (pte_large(*slot) && covers(part, level)) {
		uint64_t e = *slot;

		table_store(t, slot, 0);
		large_put(core, e);
		return (struct sums){.anon = PTE_SLOTS};
	}
	if (pte_large(*slot))
		large_split(core, t->account, slot);
	child = node_of(*slot);
	if (covers(part, level)) {
		gone = node_sums(node_at(core, child));
	} else {
		if (node_at(core, child)->refs > 1 &&
		    nothing_in(t, child, level - 1, at, part))
			return gone;
		child = table_own_child(t, slot);
		gone = detach(t, child, level - 1, at, part);
		if (!node_empty(node_at(core, child)))
			return gone;
	}
	table_store(t, slot, 0);
	node_put(core, child);
	return gone;
}

/*
 *	      r.start                        r.end
 *	|.......[#####|##########|##########|###)......|
 *	   in part: own    whole: unlink      in part: own
 */
static struct sums detach(struct table *t, uint32_t node, unsigned int level,
			  uint64_t base, struct pager_range r)
{
	uint64_t *slot = node_slots(t->core, node);
	unsigned int last = table_last(r, base, level);
	struct sums gone = {0};
	struct node *n;

	if (level == 0)
		gone = detach_leaf(t, node, base, r);
	for (unsigned int i = table_first(r, base, level); level && i <= last;
	     i++)
		if (slot[i])
			sums_add(&gone,
				 detach_slot(t, &slot[i], level,
					     base + i * pte_span(level),
					     table_clip(r, base, i, level)));
	n = node_at(t->core, node);
	n->anon -= gone.anon;
	n->zero -= gone.zero;
	n->object -= gone.object;
	return gone;
}

void table_detach(struct table *t, struct pager_range r)
{
	if (t->root != NODE_NONE && r.start < r.end)
		detach(t, t->root, PTE_LEVELS - 1, 0, r);
}

static struct sums sum(const struct table *t, uint32_t node, unsigned int level,
		       uint64_t base, struct pager_range r)
{
	const uint64_t *slot = node_slots(t->core, node);
	unsigned int last = table_last(r, base, level);
	struct sums s = {0};

	for (unsigned int i = table_first(r, base, level); i <= last; i++) {
		struct pager_range part = table_clip(r, base, i, level);

		if (!slot[i])
			continue;
		if (level == 0)
			sums_count(&s, slot[i]);
		else if (pte_large(slot[i]))
			s.anon += (uint32_t)pager_range_len(part);
		else if (covers(part, level))
			sums_add(&s,
				 node_sums(node_at(t->core, node_of(slot[i]))));
		else
			sums_add(&s, sum(t, node_of(slot[i]), level - 1,
					 base + i * pte_span(level), part));
	}
	return s;
}

struct sums table_sum(const struct table *t, struct pager_range r)
{
	if (t->root == NODE_NONE || r.start >= r.end)
		return (struct sums){0};
	if (r.start == 0 && r.end == PAGER_VPN_END)
		return node_sums(node_at(t->core, t->root));
	return sum(t, t->root, PTE_LEVELS - 1, 0, r);
}

static bool each(const struct table *t, uint32_t node, unsigned int level,
		 uint64_t base, struct pager_range r, bool shared, table_fn *fn,
		 void *ctx)
{
	uint64_t *slot = node_slots(t->core, node);
	unsigned int last = table_last(r, base, level);
	bool skipped = false;

	for (unsigned int i = table_first(r, base, level); i <= last; i++) {
		struct pager_range part = table_clip(r, base, i, level);

		if (!slot[i])
			continue;
		if (level == 0 || pte_large(slot[i]))
			fn(ctx, part.start, pager_range_len(part), &slot[i]);
		else if (!shared &&
			 node_at(t->core, node_of(slot[i]))->refs > 1)
			skipped = true;
		else
			skipped |= each(t, node_of(slot[i]), level - 1,
					base + i * pte_span(level), part,
					shared, fn, ctx);
	}
	return skipped;
}

bool table_each(const struct table *t, struct pager_range r, bool shared,
		table_fn *fn, void *ctx)
{
	return t->root != NODE_NONE && r.start < r.end &&
	       each(t, t->root, PTE_LEVELS - 1, 0, r, shared, fn, ctx);
}
