/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The recount of dirty logs: their sets and charges, the counts of views, and
 * that under write protection nothing can be written that is not dirty.
 */
#include <inttypes.h>

#include "lib/core/dirty_int.h"
#include "lib/core/large.h"
#include "lib/core/recount_int.h"

#define wrong recount_wrong

static bool check_log(struct recount *rc, const struct pager_dirty_log *log)
{
	const char *why = dset_check(&log->dirty);
	uint64_t *used = rc->used[log->account->id];

	if (!why)
		why = dset_check(&log->awaiting);
	if (why)
		return wrong(rc, "a dirty log: %s", why);
	if (dring_used(&log->ring) > log->ring.entries)
		return wrong(rc, "a dirty ring has more than its entries");
	used[PAGER_RES_NODES] += 1 + log->dirty.nodes + log->awaiting.nodes +
				 log_ring_nodes(log->ring.entries);
	return true;
}

static bool check_object(struct recount *rc, const struct pager_object *o)
{
	const struct pager_region *r;
	const char *why;
	uint64_t users = 0;

	LIST_FOREACH (r, &o->regions, mapped)
		users += region_is_view(r) && r->space->log_count;
	if (users != o->log_users)
		return wrong(rc,
			     "object %" PRIu64 ": %" PRIu64
			     " logged views, counted %" PRIu64,
			     o->id, o->log_users, users);
	if (!users)
		return true;
	why = dset_check(&o->written);
	if (why)
		return wrong(rc, "object %" PRIu64 ": %s", o->id, why);
	rc->used[o->account->id][PAGER_RES_NODES] += o->written.nodes;
	return true;
}

static bool in_ring(const struct pager_dirty_log *log, uint64_t page)
{
	for (uint32_t i = 0; i < dring_used(&log->ring); i++)
		if (dring_page(&log->ring, i) == page)
			return true;
	return false;
}

static bool check_page(struct recount *rc, const struct pager_space *s,
		       uint64_t vpn)
{
	const struct pager_dirty_log *log;

	LIST_FOREACH (log, &s->logs, of_space) {
		uint64_t page = vpn - log->range.start;

		if (log->method == PAGER_DIRTY_WRITE_PROTECT &&
		    log_covers(log, vpn) && !dset_test(&log->dirty, page) &&
		    !in_ring(log, page))
			return wrong(rc,
				     "space %" PRIu64 ": page %#" PRIx64
				     " can be written unseen by a log",
				     s->id, vpn);
	}
	return true;
}

static bool check_writable(struct recount *rc, const struct pager_space *s,
			   uint32_t node, unsigned int level, uint64_t base)
{
	const uint64_t *slot = node_slots(rc->core, node);

	for (unsigned int i = 0; i < PTE_SLOTS; i++) {
		uint64_t at = base + i * pte_span(level);

		if (!(slot[i] & PTE_W) ||
		    pte_type(slot[i]) == PAGER_PAGE_OBJECT)
			continue;
		if (level == 0) {
			if (!check_page(rc, s, at))
				return false;
		} else if (pte_large(slot[i])) {
			for (unsigned int p = 0; p < PTE_SLOTS; p++)
				if (!check_page(rc, s, at + p))
					return false;
		} else if (!check_writable(rc, s, node_of(slot[i]), level - 1,
					   at)) {
			return false;
		}
	}
	return true;
}

static bool check_space(struct recount *rc, const struct pager_space *s)
{
	const struct pager_dirty_log *log;
	const struct pager_region *r;
	uint64_t views = 0, logged = 0;
	uint32_t logs = 0, guards = 0, rings = 0;

	LIST_FOREACH (log, &s->logs, of_space) {
		bool guard = log->method == PAGER_DIRTY_WRITE_PROTECT;

		if (log->space != s)
			return wrong(rc, "space %" PRIu64 ": a log of another",
				     s->id);
		logs++;
		guards += guard;
		rings += guard && log->ring.memory;
	}
	for (r = rtree_first(&s->regions); r; r = rtree_next(r)) {
		views += region_is_view(r);
		logged += region_is_view(r) && r->object->log_users;
	}
	if (logs != s->log_count || guards != s->log_guards ||
	    rings != s->log_rings || views != s->views ||
	    logged != s->logged_views || s->table.guarded != (guards != 0))
		return wrong(
		    rc,
		    "space %" PRIu64 ": logs, guards, rings, views, logged"
		    " %u %u %u %" PRIu64 " %" PRIu64
		    ", counted %u %u %u %" PRIu64 " %" PRIu64,
		    s->id, s->log_count, s->log_guards, s->log_rings, s->views,
		    s->logged_views, logs, guards, rings, views, logged);
	return !guards ||
	       check_writable(rc, s, s->table.root, PTE_LEVELS - 1, 0);
}

bool recount_dirty(struct recount *rc)
{
	const struct pager_dirty_log *log;
	const struct pager_space *s;
	const struct pager_object *o;

	LIST_FOREACH (log, &rc->core->logs, all)
		if (!check_log(rc, log))
			return false;
	LIST_FOREACH (o, &rc->core->objects, all)
		if (!check_object(rc, o))
			return false;
	LIST_FOREACH (s, &rc->core->spaces, all)
		if (!check_space(rc, s))
			return false;
	return true;
}
