/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What operations do to pages that logs cover. Drops and moves are noted before
 * the change, while the entries are still there; writes right after it, when
 * all that was planned is taken. A space without logs, and without pages that
 * others log, returns at once.
 *
 * What a page shows changes when data of its own (an anonymous page) goes, or
 * comes from elsewhere; or when a region with a memory object appears or
 * disappears over it. Zero pages and pages never touched are alike.
 */
#include "lib/core/dirty_int.h"
#include "lib/core/large.h"

static void add(struct pager_space *s, struct pager_range r)
{
	struct pager_dirty_log *log;

	LIST_FOREACH (log, &s->logs, of_space)
		log_add(log, r);
}

void dirty_note_write(struct pager_space *s, const struct pager_region *r,
		      uint64_t vpn)
{
	struct pager_dirty_log *log;

	if (region_is_view(r)) {
		dirty_note_shared(r->object, r->offset + (vpn - r->start));
		return;
	}
	LIST_FOREACH (log, &s->logs, of_space)
		log->faults += log_add(log, pager_range(vpn, vpn + 1));
}

void dirty_note_writable(struct pager_space *s, struct pager_range r)
{
	struct pager_dirty_log *log;

	if (!s->log_guards)
		return;
	LIST_FOREACH (log, &s->logs, of_space)
		if (log->method == PAGER_DIRTY_WRITE_PROTECT)
			log->over += log_add(log, r);
}

void dirty_note_large(struct pager_space *s, uint64_t vpn)
{
	uint64_t base = vpn & ~(uint64_t)(PTE_SLOTS - 1);
	struct pager_dirty_log *log;

	LIST_FOREACH (log, &s->logs, of_space)
		log->over += log_add(log, pager_range(base, base + PTE_SLOTS));
}

/* --- pages that go ----------------------------------------------------------
 */

struct noting {
	struct pager_space *s;
	struct pager_range run; /* of pages with data */
	bool moving;
	uint64_t shift; /* added to a page number, modulo 2^64 */
};

static void end_run(struct noting *n)
{
	if (n->run.start >= n->run.end)
		return;
	add(n->s, n->run);
	if (n->moving)
		add(n->s, pager_range(n->run.start + n->shift,
				      n->run.end + n->shift));
	n->run = pager_range(0, 0);
}

static void note_entry(void *ctx, uint64_t vpn, uint64_t pages, uint64_t *slot)
{
	struct noting *n = ctx;

	if (pte_type(*slot) != PAGER_PAGE_ANON)
		return;
	if (n->run.end != vpn || n->run.start >= n->run.end) {
		end_run(n);
		n->run = pager_range(vpn, vpn);
	}
	n->run.end = vpn + pages;
}

static void note_pages(struct noting *n, struct pager_range r)
{
	/* Writes through views are their objects' pages', which stay; and what
	 * moves loses the upper entries that lead a harvest to it. */
	dirty_harvest(n->s, r);
	if (!n->s->log_count)
		return;
	table_each(&n->s->table, r, true, note_entry, n);
	end_run(n);
}

void dirty_note_drop(struct pager_space *s, struct pager_range r)
{
	struct noting n = {.s = s};

	if (dirty_logged(s))
		note_pages(&n, r);
}

void dirty_note_move(struct pager_space *s, struct pager_range from,
		     uint64_t to)
{
	struct noting n = {.s = s, .moving = true, .shift = to - from.start};

	if (dirty_logged(s))
		note_pages(&n, from);
}

/* --- memory objects ---------------------------------------------------------
 */

/* The part of a range of the region that its object backs. */
static struct pager_range backed(const struct pager_region *r,
				 struct pager_range range, uint64_t size)
{
	uint64_t end =
	    size > r->offset ? r->start + (size - r->offset) : r->start;

	if (range.start < r->start)
		range.start = r->start;
	if (range.end > r->end)
		range.end = r->end;
	if (range.end > end)
		range.end = end;
	return range;
}

void dirty_note_view(struct pager_space *s, const struct pager_region *r,
		     struct pager_range range)
{
	if (!s->log_count || !r->object)
		return;
	range = backed(r, range, r->object->size);
	if (range.start < range.end)
		add(s, range);
}

void dirty_note_resize(struct pager_object *o, uint64_t from, uint64_t to)
{
	struct pager_region *r;

	LIST_FOREACH (r, &o->regions, mapped) {
		struct pager_range range = pager_region_range(r);

		if (!r->space->log_count)
			continue;
		if (from > r->offset)
			range.start += from - r->offset;
		range = backed(r, range, to);
		if (range.start < range.end)
			add(r->space, range);
	}
}

/* --- questions --------------------------------------------------------------
 */

bool dirty_must_wait(struct pager_space *s, uint64_t vpn)
{
	struct pager_dirty_log *log;

	LIST_FOREACH (log, &s->logs, of_space) {
		if (!log->ring.memory ||
		    log->method != PAGER_DIRTY_WRITE_PROTECT ||
		    !log_covers(log, vpn) || !dring_soft_full(&log->ring))
			continue;
		log->stops++;
		return true;
	}
	return false;
}

bool dirty_covers(const struct pager_space *s, struct pager_range r)
{
	const struct pager_dirty_log *log;

	LIST_FOREACH (log, &s->logs, of_space)
		if (pager_range_overlaps(log->range, r))
			return true;
	return false;
}
