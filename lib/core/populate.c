/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Populate: many faults, planned together. The plan walks the pages, counts
 * what is missing and reserves it; the commit installs page by page and cannot
 * fail. Counts are upper bounds where two pages of the range would share what
 * the first of them makes.
 */
#include "lib/core/account.h"
#include "lib/core/dirty_int.h"
#include "lib/core/pin.h"
#include "lib/core/space.h"
#include "lib/core/table.h"

struct tally {
	uint64_t frames;
	uint64_t object_frames;
	uint64_t moves;	    /* frames to be moved before they are pinned */
	uint64_t unmovable; /* of the three above */
	uint64_t nodes;
	uint64_t object_nodes;
	uint64_t resident;
	uint64_t last[PTE_LEVELS]; /* nodes counted already, by level */
	uint64_t last_object[PTE_LEVELS];
	const struct pager_object *object;
	bool pin; /* all of the range is going to be pinned */
};

/* A node is needed once, however many pages of the walk lie below it. */
static uint64_t count_nodes(uint64_t last[PTE_LEVELS], unsigned int need,
			    uint64_t index)
{
	uint64_t n = need == PTE_LEVELS; /* the root of an object's table */

	for (unsigned int l = 1; l <= need && l < PTE_LEVELS; l++) {
		uint64_t id = (index >> (9 * l)) + 1;

		n += last[l] != id;
		last[l] = id;
	}
	return n;
}

/* n pages from vpn on, all like the first and below one leaf node. */
static void count_pages(struct tally *t, const struct pager_space *s,
			const struct pager_region *r, uint64_t vpn, uint64_t n,
			uint32_t access)
{
	struct fault_need need;

	fault_need(s, r, vpn, access, &need);
	if (t->pin || region_pinned(r)) {
		unsigned int move = pin_need_move(s, r, vpn, &need);

		t->moves += move;
		t->unmovable += (need.frames + need.object_frames) * n + move;
	}
	if (need.present)
		return;
	t->frames += need.frames * n;
	t->object_frames += need.object_frames * n;
	t->resident += need.resident * n;
	t->nodes += count_nodes(t->last, need.nodes, vpn);
	if (!need.object_frames)
		return;
	if (t->object != r->object) {
		t->object = r->object;
		for (unsigned int l = 0; l < PTE_LEVELS; l++)
			t->last_object[l] = 0;
	}
	t->object_nodes += count_nodes(t->last_object, need.object_nodes,
				       r->offset + (vpn - r->start));
}

/* More frames than there are, and than pools could add? */
static bool too_many_frames(const struct pager_core *core,
			    const struct tally *t)
{
	uint64_t n = t->frames + t->object_frames;

	return n > core->frames.total &&
	       n - core->frames.total > pools_growable(core);
}

/* Is there no hope already? Asked while counting, so that a request for more
 * than there can be is refused after little work. */
static bool too_many(const struct pager_space *s, const struct tally *t)
{
	const struct pager_core *core = s->core;

	return too_many_frames(core, t) ||
	       t->nodes + t->object_nodes > core->arena.total ||
	       t->resident > s->limits.resident ||
	       !account_has_room(s->account, PAGER_RES_FRAMES, t->frames) ||
	       !account_has_room(s->account, PAGER_RES_NODES, t->nodes);
}

static enum pager_error hopeless(const struct pager_space *s,
				 const struct tally *t)
{
	return too_many_frames(s->core, t) ||
		       t->nodes + t->object_nodes > s->core->arena.total
		   ? PAGER_ENOMEM
		   : PAGER_ELIMIT;
}

/*
 * How many pages from v on are alike, so that counting the first counts all:
 * those of a leaf node that is not there, in a region without an object, and
 * those of a full one that are only to be read, and not to be pinned.
 */
static uint64_t alike(const struct pager_space *s, const struct pager_region *r,
		      uint64_t v, uint64_t end, uint32_t access, bool pin)
{
	uint64_t next = (v | (PTE_SLOTS - 1)) + 1;
	struct path p;
	uint64_t eff;

	if (next > end)
		next = end;
	if (!table_walk(&s->table, v, &p, &eff))
		return r->object ? 1 : next - v;
	if (pin)
		return 1;
	if (p.level) /* what it takes for one page it takes for the rest */
		return access != PAGER_ACCESS_WRITE || eff & *p.slot & PTE_W
			   ? next - v
			   : 1;
	if (access != PAGER_ACCESS_WRITE &&
	    node_resident(node_at(s->core, p.node[0])) == PTE_SLOTS)
		return next - v;
	return 1;
}

/* The pages of r and range for which the walk is made; *access is what it is
 * made for. Empty: nothing to do in this region. ESIGNAL: it may not. */
static struct pager_status walk_part(const struct pager_region *r,
				     struct pager_range range, bool skip,
				     uint32_t *access, struct pager_range *part)
{
	uint64_t backed = UINT64_MAX;

	if (!*access)
		*access = populate_access(r);
	*part = pager_range(r->start > range.start ? r->start : range.start,
			    r->end < range.end ? r->end : range.end);
	if (!region_allows(r, *access)) {
		part->end = part->start;
		return skip ? pager_ok()
			    : pager_refuse(PAGER_ESIGNAL, PAGER_ARG_ADDR);
	}
	if (!r->object)
		return pager_ok();
	backed = r->object->size > r->offset ? r->object->size - r->offset : 0;
	if (backed >= part->end - r->start)
		return pager_ok();
	if (!skip)
		return pager_refuse(PAGER_ESIGNAL, PAGER_ARG_LEN);
	part->end = r->start + backed;
	if (part->end < part->start)
		part->end = part->start;
	return pager_ok();
}

static struct pager_status tally_range(struct pager_space *s,
				       struct pager_range range,
				       uint32_t access, bool skip, bool pin,
				       struct tally *t)
{
	struct pager_region *r = rtree_find(&s->regions, range.start);

	*t = (struct tally){.pin = pin};
	for (; r && r->start < range.end; r = rtree_next(r)) {
		uint32_t a = access;
		struct pager_range part;
		struct pager_status st = walk_part(r, range, skip, &a, &part);

		if (st.err)
			return st;
		for (uint64_t v = part.start, n; v < part.end; v += n) {
			n = alike(s, r, v, part.end, a, pin);
			count_pages(t, s, r, v, n, a);
			if (too_many(s, t))
				return pager_refuse(hopeless(s, t),
						    PAGER_ARG_LEN);
		}
	}
	return pager_ok();
}

/* Has the account of each object room, also if it is the space's own? */
static bool objects_have_room(const struct pager_space *s,
			      struct pager_range range, const struct tally *t)
{
	struct pager_region *r = rtree_find(&s->regions, range.start);

	if (!t->object_frames)
		return true;
	for (; r && r->start < range.end; r = rtree_next(r)) {
		const struct pager_account *a;
		bool one;

		if (!r->object)
			continue;
		a = r->object->account;
		one = a == s->account;
		if (!account_has_room(a, PAGER_RES_FRAMES,
				      t->object_frames +
					  (one ? t->frames : 0)) ||
		    !account_has_room(a, PAGER_RES_NODES,
				      t->object_nodes + (one ? t->nodes : 0)))
			return false;
	}
	return true;
}

static struct pager_status
reserve(struct pager_space *s, struct pager_range range, const struct tally *t)
{
	struct pager_status st;

	if (t->resident > s->limits.resident ||
	    space_resident(s) > s->limits.resident - t->resident ||
	    !account_has_room(s->account, PAGER_RES_FRAMES, t->frames) ||
	    !account_has_room(s->account, PAGER_RES_NODES, t->nodes) ||
	    !objects_have_room(s, range, t))
		return pager_refuse(PAGER_ELIMIT, PAGER_ARG_LEN);
	st = frame_reserve_unmovable(s->core, t->unmovable);
	/* Movable frames are taken from the other zone first, so that this
	 * many are left for those that are not. */
	if (!st.err && t->frames + t->object_frames + t->moves > t->unmovable)
		st = frame_reserve_pool(s->core, t->frames + t->object_frames +
						     t->moves);
	if (st.err)
		return st;
	return node_reserve_arena(s->core, t->nodes + t->object_nodes);
}

static struct pager_status plan(struct pager_space *s, struct pager_range r,
				uint32_t access, bool skip, bool pin,
				uint64_t *nodes)
{
	struct pager_status st;
	struct tally t;
	uint64_t reclaims;

	do {
		reclaims = s->core->reclaims;
		st = tally_range(s, r, access, skip, pin, &t);
		if (!st.err)
			st = reserve(s, r, &t);
		if (st.err)
			return st;
	} while (reclaims != s->core->reclaims);
	*nodes = t.nodes;
	return pager_ok();
}

struct pager_status populate_plan(struct pager_space *s, struct pager_range r,
				  uint32_t access, bool skip)
{
	uint64_t nodes;

	return plan(s, r, access, skip, false, &nodes);
}

struct pager_status populate_plan_pin(struct pager_space *s,
				      struct pager_range r)
{
	/* First without: what is refused for another reason splits nothing. */
	uint64_t nodes;
	struct pager_status st = plan(s, r, 0, false, true, &nodes);

	if (!st.err)
		st = pin_prepare(s, r, nodes);
	return st.err ? st : plan(s, r, 0, false, true, &nodes);
}

static uint64_t install(struct pager_space *s, struct pager_range range,
			uint32_t access, bool skip, bool pinned)
{
	struct pager_region *r = rtree_find(&s->regions, range.start);
	uint64_t installed = 0;

	for (; r && r->start < range.end; r = rtree_next(r)) {
		uint32_t a = access;
		struct pager_range part;

		if (region_pinned(r) != pinned ||
		    walk_part(r, range, skip, &a, &part).err)
			continue;
		for (uint64_t v = part.start; v < part.end; v++) {
			struct fault_need need;

			fault_need(s, r, v, a, &need);
			if (need.present)
				continue;
			if (around_may(s, r, a, &need)) {
				unsigned int n =
				    around_install(s, r, v, part, &need.path);

				installed += n;
				if (n)
					continue;
			}
			fault_install(s, r, v, a, &need);
			installed++;
		}
		if (a == PAGER_ACCESS_WRITE && region_private(r))
			dirty_note_writable(s, part);
	}
	return installed;
}

/* Unmovable frames first: runs for the others may be taken from anywhere. */
uint64_t populate_commit(struct pager_space *s, struct pager_range range,
			 uint32_t access, bool skip)
{
	uint64_t pinned = install(s, range, access, skip, true);

	return pinned + install(s, range, access, skip, false);
}

struct pager_status pager_space_populate(struct pager_space *space,
					 struct pager_range range,
					 uint32_t access, uint64_t *done)
{
	struct pager_status st = space_check_range(space, range);

	if (access != PAGER_ACCESS_READ && access != PAGER_ACCESS_WRITE &&
	    access != PAGER_ACCESS_EXEC)
		return pager_refuse(PAGER_EINVAL, PAGER_ARG_ACCESS);
	if (st.err)
		return st;
	if (!space_covers(space, range))
		return pager_refuse(PAGER_EUNMAPPED, PAGER_ARG_ADDR);
	st = populate_plan(space, range, access, false);
	if (!st.err)
		*done = populate_commit(space, range, access, false);
	return st;
}
