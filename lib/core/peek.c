/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Peek: pages as they are, for somebody who copies a space. Nothing faults, no
 * accessed bit is set, and protections do not matter, so a page that nobody
 * may look at is copied like any other. What holds nothing is skipped by the
 * nodes that are not there.
 */
#include <string.h>

#include "lib/core/large.h"
#include "lib/core/space.h"
#include "lib/core/table.h"

/* Slots that one peek looks at: then it says how far it came. */
#define PEEK_SLOTS 65536u

struct peek {
	const struct pager_space *space;
	enum pager_peek what;
	unsigned int own; /* slots left to look at */
	unsigned int object;
};

/* The first page of [from, end) that the table holds, private ones only, or
 * all; else end. Out of slots: where it came to, with none left. */
static uint64_t next_page(const struct table *t, bool anon, uint64_t from,
			  uint64_t end, unsigned int *left)
{
	const struct pager_core *core = t->core;

	while (from < end && t->root != NODE_NONE && *left > 0) {
		uint32_t node = t->root;
		unsigned int l = PTE_LEVELS;
		uint64_t e;

		(*left)--;
		do {
			e = node_slots(core, node)[pte_index(from, --l)];
			if (!e || l == 0 || pte_large(e))
				break;
			node = node_of(e);
		} while (!anon || node_at(core, node)->anon);
		if (e && (l == 0 || pte_large(e)) &&
		    pte_type(e) == (anon ? PAGER_PAGE_ANON : PAGER_PAGE_OBJECT))
			return from;
		from = (from | (pte_span(l) - 1)) + 1;
	}
	if (t->root == NODE_NONE || from > end)
		return end;
	return from;
}

/* Pages of the region that its object backs end here. */
static uint64_t backed_end(const struct pager_region *r)
{
	uint64_t size = r->object ? r->object->size : 0;
	uint64_t backed = size > r->offset ? size - r->offset : 0;

	return backed < r->end - r->start ? r->start + backed : r->end;
}

static uint64_t next_in(struct peek *p, const struct pager_region *r,
			uint64_t from, uint64_t end)
{
	uint64_t own = end, at, stop = backed_end(r);

	if (p->what != PAGER_PEEK_OBJECT)
		own = next_page(&p->space->table, true, from, end, &p->own);
	if (!r->object || p->what == PAGER_PEEK_OWN || from >= stop)
		return own;
	if (stop > own)
		stop = own;
	if (stop <= from)
		return own;
	at = next_page(&r->object->table, false, r->offset + (from - r->start),
		       r->offset + (stop - r->start), &p->object) -
	     r->offset + r->start;
	return at < stop ? at : own;
}

/* The frame of a page that next_in found, or FRAME_NONE. */
static uint32_t frame_at(const struct peek *p, const struct pager_region *r,
			 uint64_t vpn)
{
	struct path path;
	uint64_t eff;
	uint64_t *slot = NULL;

	if (p->what != PAGER_PEEK_OBJECT)
		slot = table_walk(&p->space->table, vpn, &path, &eff);
	if (slot && pte_type(*slot) == PAGER_PAGE_ANON)
		return (uint32_t)(page_pa(*slot, vpn) >> PAGER_PAGE_SHIFT);
	if (!r->object || p->what == PAGER_PEEK_OWN || vpn >= backed_end(r))
		return FRAME_NONE;
	return object_page(r->object, r->offset + (vpn - r->start));
}

/* Pages from vpn on into buf: how many there are in a row. */
static struct pager_status take(const struct peek *p,
				const struct pager_region *r, uint64_t vpn,
				uint64_t end, uint8_t *buf, uint64_t *pages)
{
	for (*pages = 0; vpn < end; vpn++, (*pages)++) {
		uint32_t frame = frame_at(p, r, vpn);
		const uint8_t *bytes;

		if (frame == FRAME_NONE)
			break;
		bytes = frame_bytes(p->space->core, frame);
		if (!bytes)
			return pager_refuse(PAGER_ENODATA, PAGER_ARG_ADDR);
		memcpy(buf + *pages * PAGER_PAGE_SIZE, bytes, PAGER_PAGE_SIZE);
	}
	return pager_ok();
}

struct pager_status pager_space_peek(const struct pager_space *space,
				     struct pager_range range,
				     enum pager_peek what, void *buf,
				     uint64_t max, struct pager_peek_info *out)
{
	struct peek p = {.space = space,
			 .what = what,
			 .own = PEEK_SLOTS,
			 .object = PEEK_SLOTS};
	struct pager_status st = space_check_range(space, range);
	struct pager_region *r;

	*out = (struct pager_peek_info){.first = range.end, .next = range.end};
	if (st.err)
		return st;
	if ((unsigned int)what > PAGER_PEEK_OBJECT)
		return pager_refuse(PAGER_EINVAL, PAGER_ARG_FLAGS);
	for (r = rtree_find(&space->regions, range.start);
	     r && r->start < range.end; r = rtree_next(r)) {
		uint64_t from = r->start > range.start ? r->start : range.start;
		uint64_t end = r->end < range.end ? r->end : range.end;
		uint64_t at = next_in(&p, r, from, end);

		if (r->object && backed_end(r) < end && !out->unbacked &&
		    at >= backed_end(r))
			out->unbacked =
			    from > backed_end(r) ? from : backed_end(r);
		if (!p.own || !p.object || --p.own == 0) {
			out->first = out->next = at;
			return pager_ok();
		}
		if (at >= end)
			continue;
		if (max > end - at)
			max = end - at;
		st = take(&p, r, at, at + max, buf, &out->pages);
		out->first = at;
		out->next = at + out->pages;
		out->object = r->object;
		out->offset = r->object ? r->offset + (at - r->start) : 0;
		return st;
	}
	return pager_ok();
}
