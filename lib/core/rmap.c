/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reverse map: families of leaves, and places of frames. The way from them
 * to entries is in rmap_each.c.
 */
#include "lib/core/rmap.h"

#include <assert.h>
#include <string.h>

#include "lib/base/failpoint.h"
#include "lib/core/large.h"
#include "lib/core/rmap_int.h"
#include "lib/core/space.h"
#include "lib/core/table.h"

enum { FIRST_ROOM = 64 };

int rmap_init(struct pager_core *core, uint64_t span)
{
	struct rmap *m = &core->rmap;

	m->place = core_alloc(core, span * sizeof(*m->place));
	m->head = core_alloc(core, core->arena.total * sizeof(*m->head));
	m->span = span;
	m->families = 1;
	m->fresh = 1;
	if (m->place && m->head)
		return 0;
	rmap_fini(core);
	return -1;
}

void rmap_fini(struct pager_core *core)
{
	struct rmap *m = &core->rmap;

	core_free(core, m->list, m->room * sizeof(*m->list));
	core_free(core, m->head, core->arena.total * sizeof(*m->head));
	core_free(core, m->place, m->span * sizeof(*m->place));
	*m = (struct rmap){0};
}

/* --- families ------------------------------------------------------------- */

void family_new(struct pager_core *core, uint32_t node)
{
	struct rmap *m = &core->rmap;
	struct node *n = node_at(core, node);
	uint32_t family = m->free_family;

	if (family != FAMILY_NONE) {
		m->free_family = m->head[family];
	} else {
		assert(m->families < core->arena.total);
		family = m->families++;
	}
	m->head[family] = node;
	n->family = family;
	n->of.ring.next = node;
	n->of.ring.prev = node;
}

void family_join(struct pager_core *core, uint32_t node, uint32_t other)
{
	struct node *n = node_at(core, node);
	struct node *o = node_at(core, other);

	n->family = o->family;
	if (n->family == FAMILY_NONE)
		return;
	assert(o->used == NODE_USED);
	n->of.ring.next = o->of.ring.next;
	n->of.ring.prev = other;
	node_at(core, o->of.ring.next)->of.ring.prev = node;
	o->of.ring.next = node;
}

static void free_family(struct rmap *m, uint32_t family)
{
	m->head[family] = m->free_family;
	m->free_family = family;
}

void family_leave(struct pager_core *core, uint32_t node)
{
	struct rmap *m = &core->rmap;
	struct node *n = node_at(core, node);
	uint32_t family = n->family;

	if (family == FAMILY_NONE)
		return;
	n->family = FAMILY_NONE;
	if (n->used == NODE_OBJECT || n->of.ring.next == node) {
		free_family(m, family);
		return;
	}
	node_at(core, n->of.ring.next)->of.ring.prev = n->of.ring.prev;
	node_at(core, n->of.ring.prev)->of.ring.next = n->of.ring.next;
	if (m->head[family] == node)
		m->head[family] = n->of.ring.next;
}

void family_own(struct pager_core *core, uint32_t node, struct pager_object *o,
		uint64_t base)
{
	struct node *n = node_at(core, node);

	if (n->used == NODE_OBJECT)
		return;
	assert(n->refs == 1 && n->of.ring.next == node);
	n->used = NODE_OBJECT;
	n->base = (uint32_t)base;
	n->of.object = o;
}

/* --- places --------------------------------------------------------------- */

/* Grow the table of places by copying: pieces of it are named by index. */
static struct pager_status grow(struct pager_core *core, uint64_t room)
{
	struct rmap *m = &core->rmap;
	struct place *list;
	uint64_t to = m->room ? m->room : FIRST_ROOM;

	while (to < room)
		to *= 2;
	if (to > RMAP_LIST)
		return pager_refuse(PAGER_ENOMEM, PAGER_ARG_NONE);
	list = core_alloc(core, to * sizeof(*list));
	if (!list)
		return pager_refuse(PAGER_ENOMEM, PAGER_ARG_NONE);
	if (m->list)
		memcpy(list, m->list, m->fresh * sizeof(*list));
	core_free(core, m->list, m->room * sizeof(*list));
	m->list = list;
	m->room = (uint32_t)to;
	return pager_ok();
}

struct pager_status rmap_reserve(struct pager_core *core, uint64_t n)
{
	struct rmap *m = &core->rmap;
	uint64_t room;

	if (n == 0)
		return pager_ok();
	if (pager_fail("place"))
		return pager_refuse(PAGER_ENOMEM, PAGER_ARG_NONE);
	/* A frame that gets its second place needs two records. */
	room = 1 + m->used + 2 * n;
	return room <= m->room ? pager_ok() : grow(core, room);
}

static uint32_t take_place(struct rmap *m, uint32_t place, uint32_t next)
{
	uint32_t i = m->free_place;

	if (i) {
		m->free_place = m->list[i].next;
	} else {
		assert(m->fresh < m->room);
		i = m->fresh++;
	}
	m->list[i] = (struct place){place, next};
	m->used++;
	return i;
}

static void free_place(struct rmap *m, uint32_t i)
{
	m->list[i] = (struct place){0, m->free_place};
	m->free_place = i;
	m->used--;
}

void rmap_drop_list(struct pager_core *core, uint32_t frame)
{
	struct rmap *m = &core->rmap;
	uint32_t i = m->place[frame] & ~RMAP_LIST;

	m->place[frame] = RMAP_NONE;
	while (i) {
		uint32_t next = m->list[i].next;

		free_place(m, i);
		i = next;
	}
}

/* A member of the place's family, or the object's leaf that it names;
 * NODE_NONE: the family is no more. */
uint32_t rmap_head_of(const struct pager_core *core, uint32_t place)
{
	const struct rmap *m = &core->rmap;
	uint32_t family = rmap_family_of(place);
	uint32_t node = family < m->families ? m->head[family] : NODE_NONE;

	/* The head of a name that is free is another free name, or 0. */
	return node != NODE_NONE && node < core->arena.fresh &&
		       node_at(core, node)->used &&
		       node_at(core, node)->family == family
		   ? node
		   : NODE_NONE;
}

/* Does any member of a place's family hold the frame there? */
static bool holds(const struct pager_core *core, uint32_t place, uint32_t frame)
{
	uint32_t first = rmap_head_of(core, place), node = first;

	if (first == NODE_NONE || node_at(core, first)->used == NODE_OBJECT)
		return false;
	do {
		uint32_t at = node;

		if (rmap_look(core, &at, rmap_slot_of(place), frame))
			return true;
		node = node_at(core, node)->of.ring.next;
	} while (node != first);
	return false;
}

/* Before: the entry has left its old place and stands at the new one. */
void rmap_move(struct pager_core *core, uint32_t frame, uint32_t node,
	       unsigned int slot)
{
	struct rmap *m = &core->rmap;
	uint32_t place = rmap_place(core, node, slot);
	uint32_t had = m->place[frame], keep = 0;

	if (frame_refs(core, frame) == 1) {
		rmap_drop(core, frame);
		m->place[frame] = place;
		return;
	}
	if (!(had & RMAP_LIST)) {
		if (had == place)
			return;
		if (!holds(core, had, frame)) {
			m->place[frame] = place;
			return;
		}
		m->place[frame] =
		    RMAP_LIST | take_place(m, place, take_place(m, had, 0));
		return;
	}
	for (uint32_t i = had & ~RMAP_LIST, next; i; i = next) {
		next = m->list[i].next;
		if (m->list[i].place == place ||
		    !holds(core, m->list[i].place, frame)) {
			free_place(m, i);
			continue;
		}
		m->list[i].next = keep;
		keep = i;
	}
	m->place[frame] = RMAP_LIST | take_place(m, place, keep);
}

static bool is_above(const struct pager_core *core, uint32_t place)
{
	uint32_t head = rmap_head_of(core, place);

	return head != NODE_NONE && node_at(core, head)->level;
}

bool rmap_is_above(const struct pager_core *core, uint32_t frame)
{
	const struct rmap *m = &core->rmap;
	uint32_t place = m->place[frame];

	if (!(place & RMAP_LIST))
		return place != RMAP_NONE && is_above(core, place);
	for (uint32_t i = place & ~RMAP_LIST; i; i = m->list[i].next)
		if (is_above(core, m->list[i].place))
			return true;
	return false;
}

struct settling {
	struct pager_core *core;
	uint64_t entries;
	uint32_t list;
};

static void count_entry(void *ctx, uint32_t node, uint64_t *slot)
{
	struct settling *s = ctx;

	(void)node;
	(void)slot;
	s->entries++;
}

static void note_entry(void *ctx, uint32_t node, uint64_t *slot)
{
	struct settling *s = ctx;
	struct rmap *m = &s->core->rmap;
	uint32_t place = rmap_place(
	    s->core, node,
	    (unsigned int)((uintptr_t)slot / sizeof(*slot)) % PTE_SLOTS);

	assert(!pte_large(*slot));
	for (uint32_t i = s->list; i; i = m->list[i].next)
		if (m->list[i].place == place)
			return;
	s->list = take_place(m, place, s->list);
}

struct pager_status rmap_settle(struct pager_core *core, uint32_t frame)
{
	struct settling s = {.core = core};
	struct pager_status st;

	if (!rmap_is_above(core, frame))
		return pager_ok();
	rmap_each(core, frame, count_entry, &s);
	st = rmap_reserve(core, s.entries);
	if (st.err)
		return st;
	rmap_each(core, frame, note_entry, &s);
	rmap_drop(core, frame);
	core->rmap.place[frame] = RMAP_LIST | s.list;
	return pager_ok();
}

void rmap_transfer(struct pager_core *core, uint32_t from, uint32_t to)
{
	struct rmap *m = &core->rmap;

	assert(!(m->place[to] & RMAP_LIST));
	m->place[to] = m->place[from];
	m->place[from] = RMAP_NONE;
}

bool rmap_knows(const struct pager_core *core, uint32_t frame, uint32_t node,
		unsigned int slot)
{
	const struct rmap *m = &core->rmap;
	uint32_t place = rmap_place(core, node, slot);
	uint32_t had = m->place[frame], steps = 0;

	if (!(had & RMAP_LIST))
		return had == place;
	for (uint32_t i = had & ~RMAP_LIST; i && i < m->fresh;
	     i = m->list[i].next)
		if (m->list[i].place == place)
			return true;
		else if (++steps > m->used)
			break;
	return false;
}
