/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fork and snapshot: two roots over one tree.
 *
 *	parent root      child root
 *	    |  \  (no W)   /  |
 *	    |   shared nodes  |
 *
 * Fork copies 512 root entries and the regions; it touches no page, no frame
 * and no other node. The parent is write-protected and flushed before the
 * child exists. Ranges that must not be inherited are detached from the child
 * alone: whole subtrees are unlinked, at most two paths a range are copied.
 *
 * A snapshot is the same copy kept aside under the same space. Its regions
 * are neither charged nor known to their objects: nothing but a batch runs
 * while it exists, and that may not resize objects.
 */
#include <assert.h>

#include "lib/core/account.h"
#include "lib/core/dirty_int.h"
#include "lib/core/pin.h"
#include "lib/core/space.h"
#include "lib/core/table.h"

struct copying {
	struct pager_space *to;
	bool snapshot;
};

/* What a child's region has of its parent's. */
static const uint32_t inherited_flags =
    ~(PAGER_REGION_PINNED | PAGER_REGION_CONTIG);

static struct pager_region *copy_region(void *ctx, const struct pager_region *r)
{
	struct copying *c = ctx;
	struct pager_region *n = pager_slab_take(&c->to->core->region_slab);

	n->start = r->start;
	n->end = r->end;
	n->prot = r->prot;
	n->flags = c->snapshot ? r->flags : r->flags & inherited_flags;
	n->offset = r->offset;
	n->object = r->object;
	n->space = c->to;
	if (n->object && !c->snapshot) {
		pager_object_get(n->object);
		region_link(n);
	} else if (n->object) {
		pager_object_get(n->object);
	}
	return n;
}

static bool inherited(const struct pager_region *r)
{
	return !(r->flags & (PAGER_REGION_DONTFORK | PAGER_REGION_WIPEONFORK));
}

static struct pager_status reserve_copy(struct pager_space *s)
{
	struct pager_core *core = s->core;

	if (pager_slab_reserve(&core->space_slab, 1) ||
	    pager_slab_reserve(&core->region_slab, s->regions.count) ||
	    rtree_reserve_clone(&s->regions))
		return pager_refuse(PAGER_ENOMEM, PAGER_ARG_NONE);
	return pager_ok();
}

/* What the child's regions differ in from the parent's. */
struct differences {
	bool strip; /* some are not inherited, or empty */
	bool unpin; /* some are pinned in the parent alone */
};

static struct pager_status plan_fork(struct pager_space *parent,
				     struct pager_account *account,
				     struct differences *d)
{
	struct pager_region *r;
	uint64_t nodes = 1;

	if (!account_has_room(account, PAGER_RES_SPACES, 1) ||
	    !account_has_room(account, PAGER_RES_REGIONS,
			      parent->regions.count) ||
	    !account_has_room(account, PAGER_RES_PAGES, parent->virtual_pages))
		return pager_refuse(PAGER_ELIMIT, PAGER_ARG_NONE);
	*d = (struct differences){0};
	for (r = rtree_first(&parent->regions); r; r = rtree_next(r)) {
		d->unpin |= (r->flags & PAGER_REGION_PINNED) != 0;
		if (inherited(r))
			continue;
		d->strip = true;
		nodes += table_need_detach_shared(&parent->table,
						  pager_region_range(r));
	}
	struct pager_status st = node_reserve(parent->core, account, nodes);

	return st.err ? st : reserve_copy(parent);
}

/* Take out of the child what fork must not pass on. */
static void strip_child(struct pager_space *child)
{
	struct pager_region *r, *next;

	for (r = rtree_first(&child->regions); r; r = next) {
		next = rtree_next(r);
		if (inherited(r))
			continue;
		table_detach(&child->table, pager_region_range(r));
		if (r->flags & PAGER_REGION_DONTFORK)
			space_drop_region(child, r);
	}
	node_drain(child->core);
}

static void protect_all(struct pager_space *s)
{
	s->table.mmu.ops->write_protect(s->table.mmu.mmu, s,
					pager_range(0, PAGER_VPN_END));
}

static void share_table(struct pager_space *to, struct pager_space *from)
{
	to->table.root =
	    node_take(from->core, to->table.account, PTE_LEVELS - 1);
	if (dirty_logged(from)) {
		/* Nobody writes any more, and nothing is shared yet. */
		if (table_close(&from->table))
			protect_all(from);
		dirty_harvest(from, pager_range(0, PAGER_VPN_END));
	}
	if (table_share(&to->table, &from->table))
		protect_all(from);
}

struct pager_status pager_space_fork(struct pager_space *parent,
				     struct pager_account *account,
				     struct pager_space **out)
{
	struct pager_core *core = parent->core;
	struct pager_space *child;
	struct copying copying;
	struct pager_status st;
	struct differences d;

	assert(!parent->snapshot);
	st = plan_fork(parent, account, &d);
	if (st.err)
		return st;
	child = pager_slab_take(&core->space_slab);
	child->core = core;
	child->account = account;
	child->table = parent->table;
	child->table.account = account;
	child->table.root = NODE_NONE;
	child->table.guarded = false;
	child->range = parent->range;
	child->limits = parent->limits;
	child->parent = parent->id;
	child->brk_start = parent->brk_start;
	child->brk = parent->brk;
	child->lazy = parent->lazy;
	child->around = parent->around;
	if (space_attach(child)) {
		pager_slab_give(&core->space_slab, child);
		return pager_refuse(PAGER_ENOMEM, PAGER_ARG_BACKEND);
	}
	child->id = ++core->next_id;
	copying = (struct copying){.to = child};
	rtree_init(&child->regions, &core->rtree_pools);
	LIST_INIT(&child->logs);
	rtree_clone(&child->regions, &parent->regions, copy_region, &copying);
	child->virtual_pages = parent->virtual_pages;
	core->region_count += child->regions.count;
	account_charge(account, PAGER_RES_SPACES, 1);
	account_charge(account, PAGER_RES_REGIONS, child->regions.count);
	account_charge(account, PAGER_RES_PAGES, child->virtual_pages);
	share_table(child, parent);
	if (d.strip)
		strip_child(child);
	if (d.unpin)
		space_merge(child, pager_range(0, PAGER_VPN_END));
	space_note_peak(child);
	LIST_INSERT_HEAD(&core->spaces, child, all);
	core->space_count++;
	core->stats.forks++;
	*out = child;
	return pager_ok();
}

struct pager_status pager_space_snapshot(struct pager_space *space)
{
	struct pager_core *core = space->core;
	struct pager_space *snap;
	struct copying copying;
	struct pager_status st;

	if (space->snapshot)
		return pager_refuse(PAGER_EBUSY, PAGER_ARG_SPACE);
	st = node_reserve(core, space->account, 1);
	if (!st.err)
		st = reserve_copy(space);
	if (st.err)
		return st;
	snap = pager_slab_take(&core->space_slab);
	*snap = *space;
	snap->last = NULL;
	LIST_INIT(&snap->logs);
	snap->log_count = 0;
	snap->log_guards = 0;
	snap->log_rings = 0;
	snap->views = 0;
	snap->logged_views = 0;
	snap->table.guarded = false;
	copying = (struct copying){.to = snap, .snapshot = true};
	rtree_init(&snap->regions, &core->rtree_pools);
	rtree_clone(&snap->regions, &space->regions, copy_region, &copying);
	share_table(snap, space);
	space->snapshot = snap;
	pin_snapshot_taken(space);
	LIST_INSERT_HEAD(&core->snapped, space, snapped);
	return pager_ok();
}

/* Free a snapshot's regions and table; the space's own are untouched. */
static void free_snapshot(struct pager_space *snap)
{
	struct pager_core *core = snap->core;
	struct pager_region *r, *next;

	node_put(core, snap->table.root);
	node_drain(core);
	for (r = rtree_first(&snap->regions); r; r = next) {
		struct pager_object *object = r->object;

		next = rtree_next(r);
		rtree_erase(&snap->regions, r);
		pager_slab_give(&core->region_slab, r);
		if (object)
			pager_object_put(object);
	}
	rtree_fini(&snap->regions);
	pager_slab_give(&core->space_slab, snap);
}

void pager_space_snapshot_drop(struct pager_space *space)
{
	struct pager_space *snap = space->snapshot;

	space->snapshot = NULL;
	LIST_REMOVE(space, snapped);
	pin_snapshot_dropped(space, snap);
	free_snapshot(snap);
}

/*
 * Drop what the batch built, then move the snapshot's regions and table in:
 * charge and announce them as regions of the space again.
 */
void pager_space_snapshot_restore(struct pager_space *space)
{
	struct pager_core *core = space->core;
	struct pager_space *snap = space->snapshot;
	struct pager_region *r;

	/* Writes to shared objects stay, and are told before the objects lose
	 * sight of their logs; everything else is as the logs have it from
	 * before. */
	dirty_harvest(space, pager_range(0, PAGER_VPN_END));
	dirty_pull(space, pager_range(0, PAGER_VPN_END));
	space_forget(space, pager_range(0, PAGER_VPN_END));
	node_put(core, space->table.root);
	node_drain(core);
	rtree_fini(&space->regions);
	space->snapshot = NULL;
	LIST_REMOVE(space, snapped);
	space->table.root = snap->table.root;
	space->regions = snap->regions;
	space->last = NULL;
	space->virtual_pages = snap->virtual_pages;
	space->peak = snap->peak;
	space->minor_faults = snap->minor_faults;
	space->major_faults = snap->major_faults;
	space->brk_start = snap->brk_start;
	space->brk = snap->brk;
	space->lazy = snap->lazy;
	for (r = rtree_first(&space->regions); r; r = rtree_next(r)) {
		r->space = space;
		if (r->object)
			region_link(r);
	}
	core->region_count += space->regions.count;
	account_charge(space->account, PAGER_RES_REGIONS, space->regions.count);
	account_charge(space->account, PAGER_RES_PAGES, space->virtual_pages);
	pager_slab_give(&core->space_slab, snap);
	space_invalidate(space, pager_range(0, PAGER_VPN_END));
}
