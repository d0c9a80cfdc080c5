/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who holds frames of a range: every space's and every object's table is
 * walked, shared nodes too. The cursor counts the rows that were given out, so
 * that a later call walks again and passes those over: slow, simple, and for
 * an administrator who wants to know why a block does not go.
 */
#include "lib/core/internal.h"
#include "lib/core/pool_int.h"
#include "lib/core/space.h"

struct search {
	uint64_t first; /* pfns */
	uint64_t end;
	uint64_t skip; /* rows still to be passed over */
	struct pager_holder *rows;
	size_t n;
	size_t got;
	const struct pager_space *space; /* or NULL: an object's */
	struct pager_holder row;	 /* that is being made; pages 0: none */
	bool more;
};

static void finish_row(struct search *s)
{
	if (s->row.pages == 0)
		return;
	if (s->skip)
		s->skip--;
	else if (s->got < s->n)
		s->rows[s->got++] = s->row;
	else
		s->more = true;
	s->row.pages = 0;
	s->row.pinned = 0;
}

static bool is_pinned(const struct search *s, uint64_t vpn)
{
	const struct pager_region *r;

	if (!s->space)
		return false;
	r = space_region_at(s->space, vpn);
	return r && r->flags & (PAGER_REGION_PINNED | PAGER_REGION_CONTIG);
}

/* A slot of a leaf, or a large entry that maps many pages at once. */
static void look(void *ctx, uint64_t vpn, uint64_t pages, uint64_t *slot)
{
	struct search *s = ctx;
	const uint64_t pfn = pte_pfn(*slot).n;
	uint64_t first = pfn > s->first ? pfn : s->first;
	uint64_t end = pfn + pages < s->end ? pfn + pages : s->end;

	if (s->more || pte_type(*slot) == PAGER_PAGE_ZERO || first >= end)
		return;
	vpn += first - pfn;
	if (s->row.pages && s->row.vpn + s->row.pages != vpn)
		finish_row(s);
	if (s->row.pages == 0)
		s->row.vpn = vpn;
	s->row.pages += end - first;
	if (is_pinned(s, vpn))
		s->row.pinned += end - first;
}

static void walk(struct search *s, const struct table *t)
{
	table_each(t, pager_range(0, PAGER_VPN_END), true, look, s);
	finish_row(s);
}

size_t pager_pool_holders(struct pager_pool *pool, uint64_t pfn, uint64_t pages,
			  uint64_t *cursor, struct pager_holder *rows, size_t n)
{
	const struct blocks *b = &pool->blocks;
	const uint64_t end = b->addr + b->region;
	const uint64_t before = *cursor;
	struct search s = {.skip = before, .rows = rows, .n = n};
	const struct pager_space *space;
	const struct pager_object *object;

	*cursor = 0;
	if (pfn >= end)
		return 0;
	s.first = pfn < b->addr ? b->addr : pfn;
	s.end = pages < end - pfn ? pfn + pages : end;
	LIST_FOREACH (space, &pool->core->spaces, all) {
		s.space = space;
		s.row = (struct pager_holder){.space = space->id};
		walk(&s, &space->table);
	}
	s.space = NULL;
	LIST_FOREACH (object, &pool->core->objects, all) {
		s.row = (struct pager_holder){.object = object->id};
		walk(&s, &object->table);
	}
	if (s.more)
		*cursor = before + s.got;
	return s.got;
}
