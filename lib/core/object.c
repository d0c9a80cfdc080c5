/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory objects: pages of their own, in a table of the same shape as a
 * space's, mapped by any number of spaces. An object's page has one reference
 * from the object and one from every leaf entry that borrows it.
 */
#include <assert.h>

#include "lib/core/account.h"
#include "lib/core/dirty_int.h"
#include "lib/core/pin.h"
#include "lib/core/rmap.h"
#include "lib/core/space.h"
#include "lib/core/table.h"

struct pager_status pager_object_new(struct pager_core *core,
				     struct pager_account *account,
				     uint64_t size, struct pager_object **out)
{
	struct pager_object *o;

	if (size > PAGER_VPN_END)
		return pager_refuse(PAGER_ERANGE, PAGER_ARG_SIZE);
	if (!account_has_room(account, PAGER_RES_OBJECTS, 1))
		return pager_refuse(PAGER_ELIMIT, PAGER_ARG_NONE);
	if (!account_has_room(account, PAGER_RES_PAGES, size))
		return pager_refuse(PAGER_ELIMIT, PAGER_ARG_SIZE);
	if (pager_slab_reserve(&core->object_slab, 1))
		return pager_refuse(PAGER_ENOMEM, PAGER_ARG_NONE);
	o = pager_slab_take(&core->object_slab);
	o->core = core;
	o->account = account;
	o->table.core = core;
	o->table.account = account;
	o->size = size;
	o->id = ++core->next_id;
	o->refs = 1;
	LIST_INIT(&o->regions);
	LIST_INSERT_HEAD(&core->objects, o, all);
	core->object_count++;
	account_charge(account, PAGER_RES_OBJECTS, 1);
	account_charge(account, PAGER_RES_PAGES, size);
	*out = o;
	return pager_ok();
}

struct pager_object *pager_object_get(struct pager_object *object)
{
	object->refs++;
	return object;
}

void pager_object_put(struct pager_object *object)
{
	struct pager_core *core = object->core;

	assert(object->refs > 0);
	if (--object->refs)
		return;
	assert(LIST_EMPTY(&object->regions));
	if (object->table.root != NODE_NONE)
		node_put(core, object->table.root);
	node_drain(core);
	LIST_REMOVE(object, all);
	core->object_count--;
	account_uncharge(object->account, PAGER_RES_PAGES, object->size);
	account_uncharge(object->account, PAGER_RES_OBJECTS, 1);
	pager_slab_give(&core->object_slab, object);
}

/* The part of a region that an object of size pages does not back.
 *
 *	object	0 ........ offset ....... size
 *	region		   |start ..... cut####### end|
 */
static struct pager_range beyond(const struct pager_region *r, uint64_t size)
{
	uint64_t backed = size > r->offset ? size - r->offset : 0;
	uint64_t cut = backed < r->end - r->start ? r->start + backed : r->end;

	return pager_range(cut, r->end);
}

static struct pager_status shrink(struct pager_object *o, uint64_t size)
{
	struct pager_core *core = o->core;
	struct pager_range tail = pager_range(size, PAGER_VPN_END);
	struct pager_status st;
	struct pager_region *r;
	uint64_t need = table_need_detach(&o->table, tail);

	/* Copies that a shared page table needs are charged, but no limit of
	 * some other user who maps the object may stop its owner. */
	LIST_FOREACH (r, &o->regions, mapped)
		need += table_need_detach(&r->space->table, beyond(r, size));
	st = node_reserve_arena(core, need);
	if (st.err)
		return st;

	dirty_note_resize(o, size, o->size);
	LIST_FOREACH (r, &o->regions, mapped) {
		struct pager_range cut = beyond(r, size);

		if (cut.start >= cut.end)
			continue;
		unpin_range(r->space, cut);
		table_detach(&r->space->table, cut);
		space_invalidate(r->space, cut);
	}
	table_detach(&o->table, tail);
	node_drain(core);
	account_uncharge(o->account, PAGER_RES_PAGES, o->size - size);
	o->size = size;
	return pager_ok();
}

struct pager_status pager_object_resize(struct pager_object *object,
					uint64_t size)
{
	if (size > PAGER_VPN_END)
		return pager_refuse(PAGER_ERANGE, PAGER_ARG_SIZE);
	if (size < object->size)
		return shrink(object, size);
	if (!account_has_room(object->account, PAGER_RES_PAGES,
			      size - object->size))
		return pager_refuse(PAGER_ELIMIT, PAGER_ARG_SIZE);
	account_charge(object->account, PAGER_RES_PAGES, size - object->size);
	dirty_note_resize(object, object->size, size);
	object->size = size;
	return pager_ok();
}

void pager_object_info(const struct pager_object *object,
		       struct pager_object_info *out)
{
	*out = (struct pager_object_info){
	    .size = object->size,
	    .resident = object->table.root == NODE_NONE
			    ? 0
			    : node_at(object->core, object->table.root)->object,
	    .mappings = object->mappings,
	    .id = object->id,
	};
}

uint32_t object_page(const struct pager_object *o, uint64_t index)
{
	struct path p;
	uint64_t eff;
	uint64_t *slot = table_walk(&o->table, index, &p, &eff);

	return slot && *slot ? frame_of(*slot) : FRAME_NONE;
}

unsigned int object_need_nodes(const struct pager_object *o, uint64_t index)
{
	return table_need_own(&o->table, index);
}

uint32_t object_make(struct pager_object *o, uint64_t index,
		     enum frame_kind kind)
{
	uint32_t frame = object_page(o, index);
	struct path p;

	if (frame != FRAME_NONE)
		return frame;
	frame = pin_take(o->core, o->account, kind, true);
	table_own(&o->table, index, &p);
	family_own(o->core, p.node[0], o, index / PTE_SLOTS);
	table_fill(&o->table, &p,
		   frame_entry(frame) | PTE_P | PTE_U | PTE_W | PTE_OBJECT |
		       PTE_NX);
	return frame;
}
