/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The oracle's policy operations: map, unmap, protect, remap, brk, and where
 * a region goes when nobody says.
 */
#include "tests/support/oracle_int.h"

#include <string.h>

static uint64_t window_end(const struct oracle *o)
{
	return o->config.start + o->config.pages;
}

static void unmap_range(struct oracle *o, struct oracle_space *s,
			uint64_t start, uint64_t end)
{
	for (uint64_t v = start; v < end; v++)
		oracle_unmap(o, oracle_page(o, s, v));
}

/* --- slots ---------------------------------------------------------------- */

static bool has_stack(const struct oracle *o, const struct oracle_space *s)
{
	for (uint64_t i = 0; i < o->config.pages; i++)
		if (s->page[i].flags & PAGER_REGION_GROWSDOWN)
			return true;
	return false;
}

/* Free, with guard free pages on both sides, but for the window's ends. */
static bool fits(const struct oracle *o, const struct oracle_space *s,
		 uint64_t at, uint64_t pages, uint64_t guard)
{
	uint64_t lo = o->config.start, hi = window_end(o);
	uint64_t start = at - lo < guard ? lo : at - guard;
	uint64_t end = hi - (at + pages) < guard ? hi : at + pages + guard;

	return oracle_free_range(o, s, start, end);
}

static bool highest(const struct oracle *o, const struct oracle_space *s,
		    uint64_t pages, uint64_t lo, uint64_t hi, uint64_t guard,
		    uint64_t *out)
{
	if (hi < lo || hi - lo < pages)
		return false;
	for (uint64_t at = hi - pages;; at--) {
		if (fits(o, s, at, pages, guard)) {
			*out = at;
			return true;
		}
		if (at == lo)
			return false;
	}
}

bool oracle_slot(const struct oracle *o, const struct oracle_space *s,
		 uint64_t pages, uint64_t hint, uint64_t *out)
{
	uint64_t lo = o->config.start ? o->config.start : 1;
	uint64_t hi = window_end(o);

	if (lo < PAGER_VPN_HALF && hi > PAGER_VPN_HALF)
		hi = PAGER_VPN_HALF;
	if (pages > hi - lo)
		return false;
	if (hint >= lo && hint <= hi - pages &&
	    oracle_free_range(o, s, hint, hint + pages)) {
		*out = hint;
		return true;
	}
	if (hint > lo && hint < hi)
		for (int guard = 1; guard >= 0; guard--)
			if (highest(o, s, pages, lo, hint, (uint64_t)guard,
				    out))
				return true;
	for (int guard = 1; guard >= 0; guard--)
		if (highest(o, s, pages, lo, hi, (uint64_t)guard, out))
			return true;
	return false;
}

/*
 * Where the implementation put it, if that was right. With a stack in the
 * space the room it may grow into is spared, by rules that core.h leaves open:
 * then any free place will do.
 */
static uint64_t chosen(const struct oracle *o, const struct oracle_space *s,
		       uint64_t pages, uint64_t want,
		       const struct model_result *got)
{
	if (got->err == PAGER_OK && has_stack(o, s) &&
	    got->value >= o->config.start && got->value <= window_end(o) &&
	    pages <= window_end(o) - got->value &&
	    oracle_free_range(o, s, got->value, got->value + pages))
		return got->value;
	return want;
}

/* --- map, unmap, protect -------------------------------------------------- */

static uint32_t map_flags(const struct model_op *op)
{
	uint32_t flags = 0;

	if (op->flags & PAGER_MAP_SHARED)
		flags |= PAGER_REGION_SHARED;
	if (op->flags & PAGER_MAP_GROWSDOWN)
		flags |= PAGER_REGION_GROWSDOWN;
	if (op->flags & PAGER_MAP_NORESERVE)
		flags |= PAGER_REGION_NORESERVE;
	if (op->object)
		flags |= PAGER_REGION_OBJECT;
	if (op->flags & PAGER_MAP_CONTIG)
		flags |= PAGER_REGION_CONTIG | PAGER_REGION_PINNED |
			 PAGER_REGION_DONTFORK;
	return flags;
}

static uint32_t map_check(const struct oracle *o, const struct oracle_space *s,
			  const struct model_op *op)
{
	uint32_t errs;

	if (op->pages == 0 || op->prot & ~PAGER_PROT_ALL)
		return ORACLE_ERR(PAGER_EINVAL);
	if (op->flags & ~PAGER_MAP_ALL)
		return ORACLE_ERR(PAGER_EFLAGS);
	if (op->flags & PAGER_MAP_NOREPLACE && !(op->flags & PAGER_MAP_FIXED))
		return ORACLE_ERR(PAGER_EFLAGS);
	if (op->flags & PAGER_MAP_GROWSDOWN &&
	    (op->object || op->flags & PAGER_MAP_SHARED))
		return ORACLE_ERR(PAGER_EFLAGS);
	if (op->flags & PAGER_MAP_CONTIG
		? op->object ||
		      op->flags & (PAGER_MAP_SHARED | PAGER_MAP_GROWSDOWN)
		: op->flags & (PAGER_MAP_ALIGN_64K | PAGER_MAP_BELOW_1M |
			       PAGER_MAP_BELOW_16M | PAGER_MAP_BELOW_4G))
		return ORACLE_ERR(PAGER_EFLAGS);
	if (!op->object && (op->flags & PAGER_MAP_SHARED || op->offset))
		return ORACLE_ERR(PAGER_EINVAL);
	if (op->object && (op->offset > PAGER_VPN_END ||
			   op->pages > PAGER_VPN_END - op->offset))
		return ORACLE_ERR(PAGER_ERANGE) | ORACLE_ERR(PAGER_EOVERFLOW);
	if (!(op->flags & PAGER_MAP_FIXED))
		return ORACLE_OK;
	if (!oracle_inside(o, op->addr, op->pages, &errs))
		return errs;
	if (op->flags & PAGER_MAP_NOREPLACE &&
	    !oracle_free_range(o, s, op->addr, op->addr + op->pages))
		return ORACLE_ERR(PAGER_EEXIST);
	return ORACLE_OK;
}

uint32_t oracle_map(struct oracle *o, struct oracle_space *s,
		    const struct model_op *op, const struct model_result *got,
		    struct model_result *want)
{
	uint32_t errs = map_check(o, s, op);
	uint64_t at = op->addr;

	if (errs != ORACLE_OK)
		return errs;
	if (!(op->flags & PAGER_MAP_FIXED)) {
		if (!oracle_slot(o, s, op->pages, op->addr, &at))
			return ORACLE_ERR(PAGER_ENOSPACE);
		at = chosen(o, s, op->pages, at, got);
	}
	unmap_range(o, s, at, at + op->pages);
	for (uint64_t i = 0; i < op->pages; i++) {
		struct oracle_page *p = oracle_page(o, s, at + i);

		p->mapped = true;
		p->prot = op->prot;
		p->flags = map_flags(op);
		if (!op->object)
			continue;
		p->object = o->object[op->object - 1];
		p->offset = op->offset + i;
		oracle_note_mapped(o, p);
	}
	want->value = at;
	if (op->flags & PAGER_MAP_CONTIG)
		oracle_fill(o, s, at, at + op->pages);
	else if (op->flags & PAGER_MAP_POPULATE)
		oracle_populate(o, s, at, at + op->pages, 0);
	return ORACLE_OK;
}

uint32_t oracle_do_unmap(struct oracle *o, struct oracle_space *s,
			 const struct model_op *op)
{
	uint32_t errs;

	if (op->pages == 0)
		return ORACLE_ERR(PAGER_EINVAL);
	if (!oracle_inside(o, op->addr, op->pages, &errs))
		return errs;
	unmap_range(o, s, op->addr, op->addr + op->pages);
	return ORACLE_OK;
}

uint32_t oracle_protect(struct oracle *o, struct oracle_space *s,
			const struct model_op *op)
{
	uint32_t errs;

	if (op->pages == 0 || op->prot & ~PAGER_PROT_ALL)
		return ORACLE_ERR(PAGER_EINVAL);
	if (!oracle_inside(o, op->addr, op->pages, &errs))
		return errs;
	if (!oracle_mapped(o, s, op->addr, op->addr + op->pages))
		return ORACLE_ERR(PAGER_EUNMAPPED);
	for (uint64_t i = 0; i < op->pages; i++)
		oracle_page(o, s, op->addr + i)->prot = op->prot;
	return ORACLE_OK;
}

/* --- remap ---------------------------------------------------------------- */

static uint32_t remap_check(const struct oracle *o,
			    const struct oracle_space *s,
			    const struct model_op *op)
{
	uint64_t end = op->addr + op->pages;
	const struct oracle_page *p;
	uint32_t errs;

	if (op->flags & ~PAGER_REMAP_ALL)
		return ORACLE_ERR(PAGER_EFLAGS);
	if (op->flags & (PAGER_REMAP_FIXED | PAGER_REMAP_DONTUNMAP) &&
	    !(op->flags & PAGER_REMAP_MAYMOVE))
		return ORACLE_ERR(PAGER_EFLAGS);
	if (op->new_pages == 0)
		return ORACLE_ERR(PAGER_EINVAL);
	if (op->flags & PAGER_REMAP_DONTUNMAP && op->pages != op->new_pages)
		return ORACLE_ERR(PAGER_EINVAL);
	if (op->flags & PAGER_REMAP_FIXED) {
		if (!oracle_inside(o, op->new_addr, op->new_pages, &errs))
			return errs;
		if (op->new_addr == op->addr ||
		    (op->new_addr < end &&
		     op->addr < op->new_addr + op->new_pages))
			return ORACLE_ERR(PAGER_EINVAL);
	}
	p = oracle_page(o, s, op->addr);
	if (!p || !p->mapped || !oracle_inside(o, op->addr, op->pages, &errs))
		return ORACLE_ERR(PAGER_EUNMAPPED) | ORACLE_ERR(PAGER_ERANGE);
	if (op->pages == 0) {
		if (!(p->flags & PAGER_REGION_SHARED))
			return ORACLE_ERR(PAGER_EINVAL);
		return op->flags & PAGER_REMAP_MAYMOVE
			   ? ORACLE_OK
			   : ORACLE_ERR(PAGER_ENOSPACE);
	}
	if (!oracle_mapped(o, s, op->addr, end))
		return ORACLE_ERR(PAGER_EUNMAPPED);
	if (op->new_pages > op->pages && end > oracle_run_end(o, s, op->addr))
		return ORACLE_ERR(PAGER_EUNMAPPED);
	for (uint64_t v = op->addr; v < end; v++)
		if (oracle_page(o, s, v)->flags & PAGER_REGION_PINNED &&
		    (op->new_pages > op->pages ||
		     op->flags & PAGER_REMAP_DONTUNMAP))
			return ORACLE_ERR(PAGER_EBUSY);
	return ORACLE_OK;
}

/* The policy of from, by pages later, and nothing there. */
static struct oracle_page policy_of(const struct oracle_page *from, uint64_t by)
{
	struct oracle_page p = *from;

	p.type = PAGER_PAGE_NONE;
	p.lazy = false;
	p.frame = 0;
	p.bytes = NULL;
	if (p.object)
		p.offset += by;
	return p;
}

/*
 *	addr        addr+pages         to                  to+new_pages
 *	|###########|         =>       |###########|.......|
 *
 * Pages beyond the shorter of the two lengths go, or are empty. A second view
 * (no pages) takes the policy alone.
 */
static void move(struct oracle *o, struct oracle_space *s,
		 const struct model_op *op, uint64_t to)
{
	uint64_t keep = op->pages < op->new_pages ? op->pages : op->new_pages;
	const struct oracle_page *last;

	unmap_range(o, s, to, to + op->new_pages);
	for (uint64_t i = 0; i < keep; i++) {
		struct oracle_page *a = oracle_page(o, s, op->addr + i);
		struct oracle_page *b = oracle_page(o, s, to + i);

		oracle_note_moved(o, a, b, op->flags & PAGER_REMAP_DONTUNMAP);
		*b = *a;
		b->flags &= ~PAGER_REGION_HEAP;
		*a = policy_of(a, 0);
	}
	last = oracle_page(o, s, op->addr + (keep ? keep - 1 : 0));
	for (uint64_t i = keep; i < op->new_pages; i++) {
		struct oracle_page *b = oracle_page(o, s, to + i);

		*b = policy_of(last, keep ? i - keep + 1 : i);
		b->flags &= ~PAGER_REGION_HEAP;
		if (!keep) /* a second view is not pinned */
			b->flags &= ~PAGER_REGION_PINNED;
		oracle_note_mapped(o, b);
	}
	if (!(op->flags & PAGER_REMAP_DONTUNMAP))
		unmap_range(o, s, op->addr, op->addr + op->pages);
}

static bool can_grow(const struct oracle *o, const struct oracle_space *s,
		     const struct model_op *op)
{
	uint64_t end = op->addr + op->pages;

	if (op->addr < PAGER_VPN_HALF &&
	    op->new_pages > PAGER_VPN_HALF - op->addr)
		return false;
	return end == oracle_run_end(o, s, op->addr) &&
	       op->new_pages <= window_end(o) - op->addr &&
	       oracle_free_range(o, s, end, op->addr + op->new_pages);
}

uint32_t oracle_remap(struct oracle *o, struct oracle_space *s,
		      const struct model_op *op, const struct model_result *got,
		      struct model_result *want)
{
	uint32_t errs = remap_check(o, s, op);
	uint64_t end = op->addr + op->pages;
	const struct oracle_page *first;
	uint64_t at = op->new_addr;

	if (errs != ORACLE_OK)
		return errs;
	want->value = op->addr;
	first = oracle_page(o, s, op->addr);
	if (op->pages &&
	    !(op->flags & (PAGER_REMAP_DONTUNMAP | PAGER_REMAP_FIXED)) &&
	    op->new_pages <= op->pages) {
		unmap_range(o, s, op->addr + op->new_pages, end);
		return ORACLE_OK;
	}
	if (first->object && op->new_pages > op->pages &&
	    first->offset > PAGER_VPN_END - op->new_pages)
		return ORACLE_ERR(PAGER_EOVERFLOW);
	if (op->pages &&
	    !(op->flags & (PAGER_REMAP_DONTUNMAP | PAGER_REMAP_FIXED)) &&
	    can_grow(o, s, op)) {
		for (uint64_t v = end; v < op->addr + op->new_pages; v++) {
			*oracle_page(o, s, v) =
			    policy_of(oracle_page(o, s, v - 1), 1);
			oracle_note_mapped(o, oracle_page(o, s, v));
		}
		return ORACLE_OK;
	}
	if (!(op->flags & PAGER_REMAP_MAYMOVE))
		return ORACLE_ERR(PAGER_ENOSPACE);
	if (!(op->flags & PAGER_REMAP_FIXED)) {
		if (!oracle_slot(o, s, op->new_pages, UINT64_MAX, &at))
			return ORACLE_ERR(PAGER_ENOSPACE);
		at = chosen(o, s, op->new_pages, at, got);
	}
	want->value = at;
	move(o, s, op, at);
	return ORACLE_OK;
}

/* --- brk ------------------------------------------------------------------ */

static uint64_t page_up(uint64_t bytes)
{
	return (bytes + PAGER_PAGE_SIZE - 1) >> PAGER_PAGE_SHIFT;
}

static bool brk_inside(const struct oracle *o, uint64_t bytes)
{
	return bytes <= PAGER_VPN_HALF << PAGER_PAGE_SHIFT &&
	       page_up(bytes) >= o->config.start &&
	       page_up(bytes) <= window_end(o);
}

uint32_t oracle_brk_start(struct oracle *o, struct oracle_space *s,
			  const struct model_op *op)
{
	if (op->addr == 0 || !brk_inside(o, op->addr))
		return ORACLE_ERR(PAGER_ERANGE);
	if (s->brk_start)
		return ORACLE_ERR(PAGER_EEXIST);
	s->brk_start = op->addr;
	s->brk = op->addr;
	return ORACLE_OK;
}

uint32_t oracle_brk(struct oracle *o, struct oracle_space *s,
		    const struct model_op *op)
{
	uint64_t from = page_up(s->brk), to = page_up(op->addr);

	if (!s->brk_start)
		return ORACLE_ERR(PAGER_EUNMAPPED);
	if (op->addr < s->brk_start || !brk_inside(o, op->addr))
		return ORACLE_ERR(PAGER_ERANGE);
	if (to > from && !oracle_free_range(o, s, from, to))
		return ORACLE_ERR(PAGER_EEXIST);
	s->brk = op->addr;
	for (uint64_t v = from; v < to; v++) {
		struct oracle_page *p = oracle_page(o, s, v);

		p->mapped = true;
		p->prot = PAGER_PROT_READ | PAGER_PROT_WRITE;
		p->flags = PAGER_REGION_HEAP;
	}
	if (to < from)
		unmap_range(o, s, to, from);
	return ORACLE_OK;
}
