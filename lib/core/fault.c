/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page fault.
 *
 *	entry	  access      private anonymous	  private object  shared object
 *	none	  read, exec  zero frame	  borrow	  borrow
 *	none	  write	      new zeroed frame	  copy to new	  borrow, W
 *	anon	  write	      W if alone, else copy (COW)	  -
 *	zero	  write	      new zeroed frame	  -		  -
 *	object	  write	      -			  copy to new	  W
 *
 * What the access is allowed already is answered first and allocates nothing.
 * A fault that is refused for memory leaves the old page mapped as it was.
 */
#include <assert.h>
#include <string.h>

#include "lib/core/account.h"
#include "lib/core/contig.h"
#include "lib/core/dirty_int.h"
#include "lib/core/large.h"
#include "lib/core/pin.h"
#include "lib/core/space.h"
#include "lib/core/table.h"

enum { GUARD_GAP = 256 };

static uint64_t object_index(const struct pager_region *r, uint64_t vpn)
{
	return r->offset + (vpn - r->start);
}

static void need_new(const struct pager_region *r, uint64_t vpn,
		     uint32_t access, struct fault_need *need)
{
	uint64_t index;

	need->resident = true;
	if (access == PAGER_ACCESS_WRITE && region_private(r)) {
		need->frames = 1;
		return;
	}
	if (!r->object)
		return;
	index = object_index(r, vpn);
	if (object_page(r->object, index) != FRAME_NONE)
		return;
	need->object_frames = 1;
	need->object_nodes = object_need_nodes(r->object, index);
}

/* A large entry that the access is not allowed by yet: a write. */
static void need_large(const struct pager_space *s,
		       const struct pager_region *r, uint64_t vpn,
		       struct fault_need *need)
{
	uint64_t base = vpn & ~(uint64_t)(PTE_SLOTS - 1);
	uint32_t frame = large_first(*need->path.slot) + vpn % PTE_SLOTS;

	need->large = r->start <= base && r->end - base >= PTE_SLOTS &&
		      large_is_ours(&s->table, vpn);
	if (need->large && s->log_count &&
	    dirty_covers(s, pager_range(base, base + PTE_SLOTS))) {
		need->large = false;
		need->logged = true;
	}
	if (need->large)
		return;
	need->nodes = table_need_own(&s->table, vpn);
	/* One is for the split; others are copies, which share the frames. */
	need->frames = need->nodes > 1 || frame_refs(s->core, frame) > 1;
}

void fault_need(const struct pager_space *s, const struct pager_region *r,
		uint64_t vpn, uint32_t access, struct fault_need *need)
{
	uint64_t all = 0;
	uint64_t *slot = table_walk(&s->table, vpn, &need->path, &all);
	uint64_t e = slot ? *slot : 0;

	need->frames = 0;
	need->object_frames = 0;
	need->nodes = 0;
	need->object_nodes = 0;
	need->resident = false;
	need->large = false;
	need->logged = false;
	need->present = e && (access != PAGER_ACCESS_WRITE || all & e & PTE_W);
	need->own = slot && all & PTE_W && !need->path.level;
	if (need->present)
		return;
	if (slot && need->path.level) {
		need_large(s, r, vpn, need);
		return;
	}
	if (!need->own)
		need->nodes = table_need_own(&s->table, vpn);
	if (!e)
		need_new(r, vpn, access, need);
	else if (pte_type(e) != PAGER_PAGE_ANON)
		need->frames = region_private(r);
	else if (r->flags & PAGER_REGION_CONTIG)
		need->frames = 0;
	else /* a path that must be copied makes its frames shared */
		need->frames =
		    need->nodes || frame_refs(s->core, frame_of(e)) > 1;
}

static enum frame_kind kind_of(const struct pager_region *r)
{
	return region_pinned(r) ? FRAME_UNMOVABLE : FRAME_MOVABLE;
}

static uint32_t copy_frame(struct pager_space *s, const struct pager_region *r,
			   uint32_t from)
{
	struct pager_core *core = s->core;
	uint32_t to = pin_take(core, s->account, kind_of(r), false);

	if (core->frames.memory)
		memcpy(frame_bytes(core, to), frame_bytes(core, from),
		       PAGER_PAGE_SIZE);
	core->stats.cow_copies++;
	return to;
}

static uint32_t zero_frame(struct pager_space *s, const struct pager_region *r)
{
	s->core->stats.zero_fills++;
	return pin_take(s->core, s->account, kind_of(r), true);
}

/* The entry of a page that was never there. */
static uint64_t new_entry(struct pager_space *s, struct pager_region *r,
			  uint64_t vpn, uint32_t access)
{
	uint64_t perms = pte_perms(r->prot);
	bool copy = access == PAGER_ACCESS_WRITE && region_private(r);
	uint32_t frame;

	if (!r->object)
		return copy ? frame_entry(zero_frame(s, r)) | PTE_ANON | PTE_W |
				  perms
			    : frame_entry(s->core->frames.zero) | PTE_ZERO |
				  perms;
	if (copy) {
		frame = object_page(r->object, object_index(r, vpn));
		frame = frame == FRAME_NONE ? zero_frame(s, r)
					    : copy_frame(s, r, frame);
		return frame_entry(frame) | PTE_ANON | PTE_W | perms;
	}
	frame = object_make(r->object, object_index(r, vpn), kind_of(r));
	if (region_pinned(r))
		frame = pin_settle(s->core, frame);
	frame_get(s->core, frame);
	if (!region_private(r) && r->prot & PAGER_PROT_WRITE)
		perms |= PTE_W;
	return frame_entry(frame) | PTE_OBJECT | perms;
}

/* A write to a page that is there but may not be written yet. Returns whether
 * a frame was filled. */
static bool write_present(struct pager_space *s, const struct pager_region *r,
			  uint64_t vpn, struct path *p)
{
	struct pager_core *core = s->core;
	const struct pager_range page = pager_range(vpn, vpn + 1);
	const uint64_t keep = PTE_P | PTE_U | PTE_NX | PTE_CHANGED;
	uint64_t e = *p->slot;
	uint32_t old = frame_of(e), frame;
	enum pager_page_type type = pte_type(e);

	if ((type == PAGER_PAGE_OBJECT && !region_private(r)) ||
	    (type == PAGER_PAGE_ANON &&
	     (frame_refs(core, old) == 1 || r->flags & PAGER_REGION_CONTIG))) {
		if (type == PAGER_PAGE_ANON && frame_refs(core, old) > 1)
			contig_write_shared(s, old);
		core->stats.cow_reuses += type == PAGER_PAGE_ANON;
		table_store(&s->table, p->slot, (e | PTE_W) & ~PTE_LAZY);
		space_invalidate(s, page);
		return false;
	}
	frame =
	    type == PAGER_PAGE_ZERO ? zero_frame(s, r) : copy_frame(s, r, old);
	if (region_pinned(r))
		unpin_entry(s, vpn, e);
	table_replace(&s->table, p,
		      frame_entry(frame) | PTE_ANON | PTE_W | (e & keep));
	if (region_pinned(r))
		pin_entry(s, vpn, *p->slot);
	space_invalidate(s, page);
	if (type != PAGER_PAGE_ZERO)
		frame_put(core, old);
	frame_drain(core);
	return true;
}

bool fault_install(struct pager_space *s, struct pager_region *r, uint64_t vpn,
		   uint32_t access, struct fault_need *need)
{
	struct path *p = &need->path;

	s->minor_faults++;
	s->core->stats.minor_faults++;
	if (need->large) {
		table_own_upper(&s->table, vpn, p);
		s->core->stats.cow_reuses++;
		table_store(&s->table, p->slot, *p->slot | PTE_W);
		space_invalidate(s, pager_range(vpn, vpn + 1));
		return false;
	}
	if (!need->own)
		table_own(&s->table, vpn, p);
	if (*p->slot)
		return write_present(s, r, vpn, p);
	table_fill(&s->table, p, new_entry(s, r, vpn, access));
	space_note_peak(s);
	if (region_pinned(r))
		pin_entry(s, vpn, *p->slot);
	return access == PAGER_ACCESS_WRITE && region_private(r);
}

/*
 * A fault just below a region that grows down. Linux's rule: the guard gap to
 * the region below stays, unless that one grows down or cannot be accessed.
 *
 *	|--prev--|   >= 256 pages   |vpn ...... start|---- r ----end|
 *	                            |<- at most limits.stack pages ->|
 */
static enum pager_signal check_stack(const struct pager_space *s,
				     const struct pager_region *r, uint64_t vpn)
{
	struct pager_region *prev = rtree_prev(r);

	if (vpn < s->range.start || r->end - vpn > s->limits.stack)
		return PAGER_SEGV_STACK;
	if (prev && prev->prot && !(prev->flags & PAGER_REGION_GROWSDOWN) &&
	    vpn - prev->end < GUARD_GAP)
		return PAGER_SEGV_STACK;
	return PAGER_SIGNAL_NONE;
}

static enum pager_signal classify(const struct pager_space *s,
				  const struct pager_region *r, uint64_t vpn,
				  uint32_t access)
{
	if (!r)
		return PAGER_SEGV_MAPERR;
	if (r->start > vpn) {
		if (!(r->flags & PAGER_REGION_GROWSDOWN) ||
		    (vpn < PAGER_VPN_HALF && r->start >= PAGER_VPN_HALF))
			return PAGER_SEGV_MAPERR;
		if (check_stack(s, r, vpn))
			return PAGER_SEGV_STACK;
	}
	if (!region_allows(r, access))
		return PAGER_SEGV_ACCERR;
	if (r->object && object_index(r, vpn) >= r->object->size)
		return PAGER_BUS_ADRERR;
	return PAGER_SIGNAL_NONE;
}

static struct pager_status reserve(struct pager_space *s,
				   const struct pager_region *r, uint64_t vpn,
				   const struct fault_need *need)
{
	struct pager_status st = pager_ok();

	if (need->resident && space_resident(s) >= s->limits.resident)
		return pager_refuse(PAGER_ELIMIT, PAGER_ARG_NONE);
	if (region_pinned(r))
		st = pin_reserve_fault(s, r, vpn, need);
	else if (need->frames)
		st = frame_reserve(s->core, s->account, need->frames);
	else if (need->object_frames)
		st = frame_reserve(s->core, r->object->account,
				   need->object_frames);
	if (st.err || !(need->nodes | need->object_nodes))
		return st;
	return node_reserve_two(s->core, s->account, need->nodes,
				r->object ? r->object->account : NULL,
				need->object_nodes);
}

/* As above, for the write fault of a page below a large entry: where it cannot
 * be split, the entry gets W, and all of its pages count as written. */
static struct pager_status reserve_or_keep(struct pager_space *s,
					   const struct pager_region *r,
					   uint64_t vpn,
					   struct fault_need *need)
{
	struct pager_status st = reserve(s, r, vpn, need);

	if (!st.err || !need->logged)
		return st;
	dirty_note_large(s, vpn);
	need->large = true;
	return pager_ok();
}

static bool tells_logs(const struct pager_space *s, uint32_t access)
{
	return access == PAGER_ACCESS_WRITE && dirty_logged(s);
}

struct pager_status pager_space_fault(struct pager_space *space, uint64_t vpn,
				      uint32_t access,
				      struct pager_fault_info *out)
{
	struct pager_region *r = space->last;
	struct fault_need need;
	struct pager_status st;
	uint64_t reclaims;

	*out = (struct pager_fault_info){.result = PAGER_FAULT_SIGNAL};
	if (access != PAGER_ACCESS_READ && access != PAGER_ACCESS_WRITE &&
	    access != PAGER_ACCESS_EXEC)
		return pager_refuse(PAGER_EINVAL, PAGER_ARG_ACCESS);
	if (!r || vpn < r->start || vpn >= r->end)
		r = rtree_find(&space->regions, vpn);
	out->signal = classify(space, r, vpn, access);
	if (out->signal)
		return pager_ok();
	do {
		reclaims = space->core->reclaims;
		fault_need(space, r, vpn, access, &need);
		if (need.present) {
			if (tells_logs(space, access))
				dirty_note_write(space, r, vpn);
			out->result = PAGER_FAULT_PRESENT;
			out->pa = page_pa(*need.path.slot, vpn);
			return pager_ok();
		}
		if (access == PAGER_ACCESS_WRITE && space->log_rings &&
		    dirty_must_wait(space, vpn))
			return pager_refuse(PAGER_EDIRTYFULL, PAGER_ARG_ADDR);
		st = reserve_or_keep(space, r, vpn, &need);
		if (st.err)
			return st;
	} while (reclaims != space->core->reclaims);
	if (r->start > vpn) {
		st = space_check_limits(space, 0, r->start - vpn,
					PAGER_ARG_ADDR);
		if (st.err)
			return st;
		space_resize_region(space, r, vpn, r->end);
		space_merge(space, pager_range(vpn, vpn + 1));
		r = rtree_find(&space->regions, vpn);
	}
	space->last = r;
	out->result = PAGER_FAULT_INSTALLED;
	if (around_may(space, r, access, &need) &&
	    around_install(space, r, vpn, pager_region_range(r), &need.path))
		out->copied = 1;
	else
		out->copied = fault_install(space, r, vpn, access, &need);
	if (tells_logs(space, access))
		dirty_note_write(space, r, vpn);
	out->pa = page_pa(*need.path.slot, vpn);
	return pager_ok();
}
