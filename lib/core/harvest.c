/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking D and A bits.
 *
 *	root  | A | 0 | 0 | A | ..     0: nobody has been there since the last
 *	        |           |             two harvests: skipped
 *	      | 0 A 0 .. |  ..         a child that several point to: nothing of
 *	          |                     interest below
 *	leaf  | D . D D . . |          taken by words
 *
 * Bits change by the backend's take; the flush comes once, at the end, over
 * all that was touched. dirty_int.h says why nothing is lost by that.
 */
#include "lib/base/scan.h"
#include "lib/core/dirty_int.h"
#include "lib/core/large.h"

struct harvest {
	struct pager_space *s;
	struct pager_range limit;
	bool clean;  /* everything, wanted or not */
	bool shared; /* below a node that several point to */
	struct pager_range touched;
	const struct pager_region *view; /* where the last shared page was */
};

static uint64_t take(const struct harvest *h, uint64_t *slot, uint64_t clear,
		     uint64_t set)
{
	const struct pager_mmu *mmu = &h->s->table.mmu;

	return mmu->ops->take(mmu->mmu, slot, clear, set);
}

static void touch(struct harvest *h, uint64_t start, uint64_t end)
{
	if (h->touched.start >= h->touched.end)
		h->touched = pager_range(start, end);
	if (start < h->touched.start)
		h->touched.start = start;
	if (end > h->touched.end)
		h->touched.end = end;
}

/* More regions than this are not asked one by one. */
enum { FEW_REGIONS = 4 };

static bool wanted_view(const struct pager_space *s, struct pager_range r)
{
	const struct pager_region *x = rtree_find(&s->regions, r.start);

	for (int i = 0; i < FEW_REGIONS; i++, x = rtree_next(x)) {
		if (!x || x->start >= r.end)
			return false;
		if (region_is_view(x) && x->object->log_users)
			return true;
	}
	return true;
}

/* Does a log wait for something of the range? */
static bool wanted(const struct pager_space *s, struct pager_range r)
{
	const struct pager_dirty_log *log;

	if (r.start >= r.end)
		return false;
	LIST_FOREACH (log, &s->logs, of_space)
		if (pager_range_overlaps(log->range, r))
			return true;
	return s->logged_views && wanted_view(s, r);
}

/* Is everything of the range that a log waits for inside of the limit? */
static bool all_in_limit(const struct harvest *h, struct pager_range r)
{
	struct pager_range below = r, above = r;

	if (h->limit.start <= r.start && r.end <= h->limit.end)
		return true;
	if (below.end > h->limit.start)
		below.end = h->limit.start;
	if (above.start < h->limit.end)
		above.start = h->limit.end;
	return !wanted(h->s, below) && !wanted(h->s, above);
}

static void take_shared(struct harvest *h, uint64_t vpn)
{
	const struct pager_region *r = h->view;

	if (!r || vpn < r->start || vpn >= r->end)
		r = h->view = rtree_find(&h->s->regions, vpn);
	if (r && r->start <= vpn && region_is_view(r))
		dirty_note_shared(r->object, r->offset + (vpn - r->start));
}

/* The logs that learn by D bits are told of 64 pages; returns those that some
 * log covers. */
static uint64_t tell(struct pager_space *s, uint64_t vpn, uint64_t bits)
{
	struct pager_dirty_log *log;
	uint64_t covered = 0;

	LIST_FOREACH (log, &s->logs, of_space) {
		uint64_t lo = vpn, hi = vpn + 64, mask = bits;

		if (log->range.start >= hi || log->range.end <= lo)
			continue;
		if (log->range.start > lo)
			mask &= UINT64_MAX << (log->range.start - lo);
		if (log->range.end < hi)
			mask &= UINT64_MAX >> (hi - log->range.end);
		covered |= mask;
		if (log->method != PAGER_DIRTY_HARDWARE || !mask)
			continue;
		log->harvested += (uint64_t)__builtin_popcountll(mask);
		log_add_word(log, vpn, mask);
	}
	return covered;
}

/* One word of a leaf: pages from vpn whose D is set. */
static void leaf_word(struct harvest *h, uint64_t *slot, uint64_t vpn,
		      uint64_t bits)
{
	uint64_t anon = 0, taken = h->clean ? bits : 0;

	for (uint64_t left = bits; left; left &= left - 1) {
		unsigned int i = (unsigned int)__builtin_ctzll(left);

		if (pte_type(slot[i]) != PAGER_PAGE_OBJECT) {
			anon |= UINT64_C(1) << i;
		} else if (!h->shared && h->s->logged_views) {
			take_shared(h, vpn + i);
			taken |= UINT64_C(1) << i;
		}
	}
	if (!h->shared && anon)
		taken |= tell(h->s, vpn, anon);
	if (!taken)
		return;
	for (uint64_t left = taken; left; left &= left - 1)
		take(h, slot + __builtin_ctzll(left), PTE_D, PTE_TAKEN);
	touch(h, vpn, vpn + 64);
}

static void leaf(struct harvest *h, uint64_t *slot, uint64_t base)
{
	uint64_t bits[PTE_SLOTS / 64];

	if (!scan_entries(slot, PTE_D, bits))
		return;
	for (unsigned int w = 0; w < PTE_SLOTS / 64; w++)
		if (bits[w])
			leaf_word(h, slot + 64 * w, base + 64 * w, bits[w]);
}

/* A large entry that was written: each of its pages may have been. The next
 * write splits it, so this is said once. */
static void large(struct harvest *h, uint64_t *slot, uint64_t base)
{
	const struct pager_range all = pager_range(base, base + PTE_SLOTS);
	struct pager_dirty_log *log;
	uint64_t e = *slot;

	if (h->clean ? !(e & (PTE_D | PTE_W)) : !(e & PTE_D))
		return;
	LIST_FOREACH (log, &h->s->logs, of_space) {
		uint64_t n;

		if (h->shared || !(e & PTE_D) ||
		    log->method != PAGER_DIRTY_HARDWARE)
			continue;
		n = log_add(log, all);
		log->harvested += n;
		log->over += n ? n - 1 : 0;
	}
	take(h, slot, PTE_D | PTE_W, e & PTE_D ? PTE_TAKEN : 0);
	touch(h, base, base + PTE_SLOTS);
}

static bool is_shared(const struct pager_core *core, uint64_t e)
{
	return node_at(core, node_of(e))->refs > 1;
}

static void visit(struct harvest *h, uint32_t node, unsigned int level,
		  uint64_t base);

/* The node below a slot, if there may be something in it. */
static void enter(struct harvest *h, uint64_t *slot, unsigned int level,
		  uint64_t at)
{
	const struct pager_range all = pager_range(at, at + pte_span(level));
	struct pager_range part = all;
	bool was_shared = h->shared;
	uint64_t e = *slot;

	if (is_shared(h->s->core, e)) {
		if (!h->clean)
			return;
		h->shared = true;
	}
	if (part.start < h->limit.start)
		part.start = h->limit.start;
	if (part.end > h->limit.end)
		part.end = h->limit.end;
	if (!h->clean) {
		if (!(e & (PTE_A | PTE_RECENT)) || !wanted(h->s, part))
			return;
		/* A leaf is taken whole. */
		if (level == 1 || all_in_limit(h, all)) {
			take(h, slot, PTE_A | PTE_RECENT,
			     e & PTE_A ? PTE_RECENT : 0);
			if (e & PTE_A)
				touch(h, all.start, all.end);
		}
	}
	if (level == 1)
		leaf(h, node_slots(h->s->core, node_of(e)), at);
	else
		visit(h, node_of(e), level - 1, at);
	h->shared = was_shared;
}

static void visit(struct harvest *h, uint32_t node, unsigned int level,
		  uint64_t base)
{
	uint64_t *slot = node_slots(h->s->core, node);
	const uint64_t span = pte_span(level);
	unsigned int first =
	    h->limit.start > base
		? (unsigned int)((h->limit.start - base) / span)
		: 0;
	/* Not even the records of nodes are looked at where nobody has been. */
	const uint64_t seen =
	    h->clean ? UINT64_MAX : PTE_A | PTE_RECENT | PTE_PS;
	unsigned int last = PTE_SLOTS - 1;

	if (h->limit.end < base + PTE_SLOTS * span)
		last = (unsigned int)((h->limit.end - 1 - base) / span);
	for (unsigned int i = first; i <= last; i++) {
		uint64_t at = base + i * span;

		if (!(slot[i] & seen))
			continue;
		if (!pte_large(slot[i]))
			enter(h, &slot[i], level, at);
		else if (h->clean || wanted(h->s, pager_range(at, at + span)))
			large(h, &slot[i], at);
	}
}

static void walk(struct harvest *h)
{
	struct pager_space *s = h->s;

	if (h->limit.start >= h->limit.end)
		return;
	visit(h, s->table.root, PTE_LEVELS - 1, 0);
	if (h->touched.start < h->touched.end)
		space_invalidate(s, h->touched);
}

void dirty_harvest(struct pager_space *s, struct pager_range r)
{
	struct harvest h = {.s = s, .limit = r};
	struct pager_dirty_log *log;

	if (!dirty_logged(s))
		return;
	walk(&h);
	LIST_FOREACH (log, &s->logs, of_space) {
		log->harvests++;
		log_pump(log);
	}
}

void dirty_clean(struct pager_space *s, struct pager_range r)
{
	struct harvest h = {.s = s, .limit = r, .clean = true};

	walk(&h);
}

/* --- the operation HARVEST -------------------------------------------------
 */

struct counting {
	struct pager_space *s;
	struct pager_harvest got;
};

/* What is known of a large entry is said of each of its pages. Nodes that
 * others share are entered too: that the page was written stays known to all of
 * them by CHANGED. */
static void count_entry(void *ctx, uint64_t vpn, uint64_t pages, uint64_t *slot)
{
	struct counting *c = ctx;
	const struct pager_mmu *mmu = &c->s->table.mmu;
	uint64_t bits = PTE_A | PTE_D | PTE_TAKEN;
	uint64_t e = *slot;

	if (!(e & bits))
		return;
	/* Written since the logs were told: theirs first. */
	if (e & PTE_D && wanted(c->s, pager_range(vpn, vpn + pages)))
		bits &= ~PTE_D;
	e = mmu->ops->take(mmu->mmu, slot, bits,
			   e & bits & (PTE_D | PTE_TAKEN) ? PTE_CHANGED : 0) &
	    bits;
	c->got.accessed += e & PTE_A ? pages : 0;
	c->got.dirty += e & (PTE_D | PTE_TAKEN) ? pages : 0;
}

struct pager_harvest pager_space_harvest(struct pager_space *s,
					 struct pager_range r)
{
	struct counting c = {.s = s};

	dirty_harvest(s, r);
	table_each(&s->table, r, true, count_entry, &c);
	/* A large entry at an end has translations beyond it. */
	if (s->core->large.entries && r.start < r.end) {
		r.start &= ~(uint64_t)(PTE_SLOTS - 1);
		r.end = ((r.end - 1) | (PTE_SLOTS - 1)) + 1;
	}
	space_invalidate(s, r);
	return c.got;
}
