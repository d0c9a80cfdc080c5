/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Regions of the target follow those of the source.
 *
 *	want	what the source has now
 *	have	what the target was made to have, all of it writable
 *
 * What is not alike in both is unmapped, then mapped as it should be, and is
 * fresh: to be copied whole, since the log said nothing of it to the target.
 * Protections, advice and pins wait for the end.
 *
 * The heap is made by the break alone, which wants its way free:
 *
 *	start         a              break now       break wanted
 *	  |###########|..............|---------------|
 *		      '- the first page that should be heap and is not: the
 *			 break goes down to it, and up again
 */
#include "lib/client/precopy_int.h"

#include <errno.h>
#include <stdlib.h>

static uint64_t page_up(uint64_t bytes)
{
	return (bytes + PAGER_PAGE_SIZE - 1) >> PAGER_PAGE_SHIFT;
}

static int no_memory(struct pc *pc)
{
	return pc_fail(pc, ENOMEM, "no memory for the lists of regions");
}

/* --- objects ---------------------------------------------------------------
 */

static struct pc_object *object_find(struct pc *pc, uint64_t id)
{
	for (size_t i = 0; i < pc->object_count; i++)
		if (pc->objects[i].id == id)
			return &pc->objects[i];
	return NULL;
}

static int object_add(struct pc *pc, uint64_t id, struct pc_object **out)
{
	struct pc_object *objects =
	    realloc(pc->objects, (pc->object_count + 1) * sizeof(*pc->objects));

	if (!objects)
		return no_memory(pc);
	pc->objects = objects;
	*out = &objects[pc->object_count++];
	**out = (struct pc_object){.id = id};
	return 0;
}

/* Every object that a region maps is there, and is long enough for what is
 * going to be put into it. */
static int sync_objects(struct pc *pc)
{
	/* What nobody maps is not logged: it counts as changed. */
	for (size_t i = 0; i < pc->object_count; i++) {
		pc->objects[i].again |= !pc->objects[i].used;
		pc->objects[i].used = false;
	}
	for (size_t i = 0; i < pc->want.count; i++) {
		const struct pc_region *r = &pc->want.at[i];
		struct pc_object *o;
		uint64_t pages;
		int ret;

		if (!r->object)
			continue;
		o = object_find(pc, r->object);
		ret = o ? 0 : object_add(pc, r->object, &o);
		if (ret < 0)
			return ret;
		o->used = true;
		ret = pc->source->object_size(pc->src, o->id, &pages);
		if (ret < 0)
			return pc_source_failed(pc, ret);
		o->known = pages != UINT64_MAX;
		if (!o->known) {
			pages = r->offset + (r->end - r->start);
			if (pages < o->pages)
				pages = o->pages;
		}
		if (pages == o->pages && pages > 0)
			continue;
		ret = pc->target->object(pc->dst, o->id, pages);
		if (ret < 0)
			return pc_target_failed(pc, ret);
		o->pages = pages;
	}
	return 0;
}

int pc_objects_settle(struct pc *pc)
{
	for (size_t i = 0; i < pc->object_count; i++) {
		struct pc_object *o = &pc->objects[i];
		uint64_t pages = 0;
		bool used = false;
		int ret;

		if (o->known)
			continue;
		for (size_t j = 0; j < pc->want.count; j++) {
			const struct pc_region *r = &pc->want.at[j];
			uint64_t end, backed;

			if (r->object != o->id)
				continue;
			used = true;
			ret = pc->source->unbacked(pc->src, r->start, r->end,
						   &end);
			if (ret < 0)
				return pc_source_failed(pc, ret);
			backed = r->offset + (end - r->start);
			if (end > r->start && backed > pages)
				pages = backed;
		}
		if (!used || pages == o->pages)
			continue;
		ret = pc->target->object(pc->dst, o->id, pages);
		if (ret < 0)
			return pc_target_failed(pc, ret);
		o->pages = pages;
	}
	return 0;
}

/* --- the heap --------------------------------------------------------------
 */

/* Take [start, end) from the target, if anything is there. */
static int drop(struct pc *pc, uint64_t start, uint64_t end)
{
	size_t i = pc_list_find(&pc->have, start);
	int ret;

	if (i == pc->have.count || pc->have.at[i].start >= end)
		return 0;
	ret = pc->target->unmap(pc->dst, start, end);
	if (ret < 0)
		return pc_target_failed(pc, ret);
	if (!pc_list_cut(&pc->have, start, end) ||
	    !pc_list_cut(&pc->fresh, start, end))
		return no_memory(pc);
	return 0;
}

static int set_brk(struct pc *pc, uint64_t brk)
{
	int ret = pc->target->brk(pc->dst, pc->info.brk_start, brk);

	if (ret < 0)
		return pc_target_failed(pc, ret);
	pc->brk_start = pc->info.brk_start;
	pc->brk = brk;
	return 0;
}

/* The first page below end that is heap in want and not in have. */
static int first_lacking(struct pc *pc, uint64_t end, uint64_t *out)
{
	struct pc_list lacking = {0};

	if (!pc_list_without(&pc->want, &pc->have, false, &lacking)) {
		pc_list_fini(&lacking);
		return no_memory(pc);
	}
	*out = end;
	for (size_t i = lacking.count; i-- > 0;)
		if (lacking.at[i].flags & PAGER_REGION_HEAP &&
		    lacking.at[i].start < end)
			*out = lacking.at[i].start;
	pc_list_fini(&lacking);
	return 0;
}

static int sync_heap(struct pc *pc, bool *changed)
{
	uint64_t start = pc->info.brk_start, brk = pc->info.brk;
	uint64_t from = 0, now, then;
	struct pc_region heap;
	int ret;

	if (pc->brk_start && pc->brk_start != start) {
		ret = pc->target->clear(pc->dst);
		if (ret < 0)
			return pc_target_failed(pc, ret);
		pc->have.count = 0;
		pc->brk_start = pc->brk = 0;
		*changed = true;
	}
	if (!start)
		return 0;
	now = page_up(pc->brk_start ? pc->brk : start);
	then = page_up(brk);
	ret = first_lacking(pc, then, &from);
	if (ret < 0)
		return ret;
	if (then > now && from > now)
		from = now;
	if (pc->brk_start == start && pc->brk == brk && from == then)
		return 0;
	*changed = true;
	if (from < now) {
		uint64_t low = from << PAGER_PAGE_SHIFT;

		if (brk < start || low < start)
			low = start;
		ret = set_brk(pc, from == then ? brk : low);
		if (ret == 0 && !pc_list_cut(&pc->have, from, now))
			ret = no_memory(pc);
	}
	if (ret == 0 && from < then)
		ret = drop(pc, from, then);
	if (ret == 0)
		ret = set_brk(pc, brk);
	if (ret < 0 || from >= then)
		return ret;
	heap = (struct pc_region){
	    .start = from, .end = then, .flags = PAGER_REGION_HEAP};
	if (!pc_list_add(&pc->have, &heap) || !pc_list_add(&pc->fresh, &heap))
		return no_memory(pc);
	return 0;
}

/* --- everything else -------------------------------------------------------
 */

static int drop_others(struct pc *pc, bool *changed)
{
	struct pc_list gone = {0};
	int ret = 0;

	if (!pc_list_without(&pc->have, &pc->want, false, &gone))
		ret = no_memory(pc);
	for (size_t i = 0; ret == 0 && i < gone.count; i++)
		ret = drop(pc, gone.at[i].start, gone.at[i].end);
	*changed |= gone.count > 0;
	pc_list_fini(&gone);
	return ret;
}

static int map_new(struct pc *pc, bool *changed)
{
	struct pc_list new = {0};
	int ret = 0;

	if (!pc_list_without(&pc->want, &pc->have, false, &new))
		ret = no_memory(pc);
	for (size_t i = 0; ret == 0 && i < new.count; i++) {
		const struct pc_region *r = &new.at[i];

		ret = pc->target->map(pc->dst, r);
		if (ret < 0)
			ret = pc_target_failed(pc, ret);
		else if (!pc_list_add(&pc->have, r) ||
			 !pc_list_cut(&pc->fresh, r->start, r->end) ||
			 !pc_list_add(&pc->fresh, r))
			ret = no_memory(pc);
	}
	*changed |= new.count > 0;
	pc_list_fini(&new);
	return ret;
}

/* The break is asked for before the regions: heap beyond it is younger, and
 * waits for the next time. */
static int cut_heap(struct pc *pc)
{
	uint64_t from = page_up(pc->info.brk_start), to = page_up(pc->info.brk);

	for (size_t i = 0; i < pc->want.count; i++) {
		struct pc_region r = pc->want.at[i];
		bool cut = false;

		if (!(r.flags & PAGER_REGION_HEAP))
			continue;
		if (r.end > to && r.end > from) {
			cut = pc_list_cut(&pc->want,
					  r.start > to ? r.start : to, r.end);
		} else if (r.start < from) {
			cut = pc_list_cut(&pc->want, r.start,
					  r.end < from ? r.end : from);
		} else {
			continue;
		}
		if (!cut)
			return no_memory(pc);
		i = (size_t)-1; /* from the start: it is rare */
	}
	return 0;
}

/* Regions of a device cannot be copied: leave them out, or give up. */
static int filter(struct pc *pc)
{
	size_t n = 0;

	pc->result->skipped = 0;
	for (size_t i = 0; i < pc->want.count; i++) {
		const struct pc_region *r = &pc->want.at[i];

		if (!(r->flags & PAGER_REGION_CONTIG)) {
			pc->want.at[n++] = *r;
			continue;
		}
		if (!(pc->options.flags & PAGER_PRECOPY_SKIP_CONTIG))
			return pc_fail(pc, ENOTSUP,
				       "the region at 0x%llx is mapped CONTIG: "
				       "it belongs to a device, so there is no "
				       "copy of it",
				       (unsigned long long)pc_va(r->start));
		pc->result->skipped++;
	}
	pc->want.count = n;
	return 0;
}

int pc_sync(struct pc *pc, bool *changed)
{
	int ret;

	*changed = false;
	pc->want.count = pc->fresh.count = 0;
	ret = pc->source->info(pc->src, &pc->info);
	if (ret == 0)
		ret = pc->source->regions(pc->src, &pc->want);
	if (ret < 0)
		return pc_source_failed(pc, ret);
	ret = filter(pc);
	if (ret == 0)
		ret = cut_heap(pc);
	if (ret == 0)
		ret = sync_objects(pc);
	if (ret == 0)
		ret = sync_heap(pc, changed);
	if (ret == 0)
		ret = drop_others(pc, changed);
	if (ret == 0)
		ret = map_new(pc, changed);
	return ret;
}
