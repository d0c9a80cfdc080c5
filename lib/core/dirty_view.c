/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared pages: a write through any view of a memory object is seen by every
 * log that covers any other.
 *
 *	space A   |== view ==|      D bits ──┐
 *	space B      |== view ==|   D bits ──┼──> written (pages of the object)
 *	                                     │         │ pull
 *	          [ log of A ] [ log of B ] <──────────┘
 *
 * Pages are taken to the object's written set whenever a mapper is harvested,
 * and told to all logs when one of them is asked (pulled). While no space that
 * maps an object has a log, none of this happens.
 *
 * Counts (the recount checks them)
 *	object.log_users    its views in spaces that have a log
 *	space.views	    its shared regions
 *	space.logged_views  those of objects with log_users
 */
#include <assert.h>

#include "lib/core/dirty_int.h"

/* An object has its first user, or lost its last one. */
static void count_views(struct pager_object *o, int delta)
{
	struct pager_region *r;

	LIST_FOREACH (r, &o->regions, mapped)
		if (region_is_view(r))
			r->space->logged_views += (uint64_t)(int64_t)delta;
}

static void add_user(struct pager_object *o)
{
	if (o->log_users++)
		return;
	dset_init(&o->written, o->core, o->account, PAGER_VPN_END);
	count_views(o, 1);
}

static void drop_user(struct pager_object *o)
{
	assert(o->log_users > 0);
	if (--o->log_users)
		return;
	dset_fini(&o->written);
	count_views(o, -1);
}

void region_link(struct pager_region *r)
{
	struct pager_object *o = r->object;

	o->mappings++;
	LIST_INSERT_HEAD(&o->regions, r, mapped);
	if (!region_is_view(r))
		return;
	r->space->views++;
	r->space->logged_views += o->log_users != 0;
	if (r->space->log_count)
		add_user(o);
}

void region_unlink(struct pager_region *r)
{
	struct pager_object *o = r->object;

	if (region_is_view(r)) {
		if (r->space->log_count)
			drop_user(o);
		r->space->logged_views -= o->log_users != 0;
		r->space->views--;
	}
	LIST_REMOVE(r, mapped);
	o->mappings--;
}

static void each_view(struct pager_space *s, void (*fn)(struct pager_object *o))
{
	struct pager_region *r;

	if (!s->views)
		return;
	for (r = rtree_first(&s->regions); r; r = rtree_next(r))
		if (region_is_view(r))
			fn(r->object);
}

void dirty_views_begin(struct pager_space *s)
{
	each_view(s, add_user);
}

void dirty_views_end(struct pager_space *s)
{
	each_view(s, drop_user);
}

/* --- pulling ----------------------------------------------------------------
 */

/* What was written, of the pages that a view shows, is told to the logs of its
 * space; on to rings it goes later. */
static void tell(struct pager_region *r, struct pager_object *o)
{
	const uint64_t to = r->offset + (r->end - r->start);
	struct pager_dirty_log *log;

	if (dset_next(&o->written, r->offset, to) == to)
		return;
	LIST_FOREACH (log, &r->space->logs, of_space) {
		uint64_t lo = r->start, hi = r->end, n;

		if (log->range.start > lo)
			lo = log->range.start;
		if (log->range.end < hi)
			hi = log->range.end;
		if (lo >= hi)
			continue;
		n = dset_add_set(&log->dirty, lo - log->range.start,
				 &o->written, r->offset + (lo - r->start),
				 hi - lo);
		log->harvested += n;
		/* Which of them were written there was no memory to note. */
		log->over += o->written.over ? n : 0;
	}
}

/* Every mapper is harvested as a whole, once in a pull, however many views it
 * has of however many objects. */
static void pull(struct pager_object *o)
{
	const uint64_t mark = o->core->pulls;
	struct pager_region *r;

	LIST_FOREACH (r, &o->regions, mapped) {
		if (!region_is_view(r) || r->space->pulled == mark)
			continue;
		r->space->pulled = mark;
		dirty_harvest(r->space, pager_range(0, PAGER_VPN_END));
	}
	if (!o->written.count)
		return;
	LIST_FOREACH (r, &o->regions, mapped)
		if (region_is_view(r) && r->space->log_count)
			tell(r, o);
	dset_fini(&o->written);
	dset_init(&o->written, o->core, o->account, PAGER_VPN_END);
}

/* Call fn once for each object that has a view in the range. */
static void each_object(struct pager_space *s, struct pager_range range,
			void (*fn)(struct pager_object *o))
{
	struct pager_dirty_log *log;
	struct pager_region *r;
	uint64_t mark;

	if (!s->views)
		return;
	mark = ++s->core->pulls;
	for (r = rtree_find(&s->regions, range.start);
	     r && r->start < range.end; r = rtree_next(r)) {
		if (!region_is_view(r) || r->object->pulled == mark)
			continue;
		r->object->pulled = mark;
		fn(r->object);
	}
	LIST_FOREACH (log, &s->core->logs, all)
		log_pump(log);
}

void dirty_pull(struct pager_space *s, struct pager_range r)
{
	each_object(s, r, pull);
}

static void clean(struct pager_object *o)
{
	struct pager_region *r;

	if (o->log_users) {
		pull(o);
		return;
	}
	LIST_FOREACH (r, &o->regions, mapped)
		if (region_is_view(r))
			dirty_clean(r->space, pager_region_range(r));
}

void dirty_views_clean(struct pager_space *s, struct pager_range r)
{
	each_object(s, r, clean);
}
