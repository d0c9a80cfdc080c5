/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reverse map: from a frame to every entry that maps it, 4 bytes a frame.
 *
 *	frame ── place = (family, slot) ──> leaf ── leaf ── leaf   a ring
 *						slot  slot  slot   point to it?
 *
 * Leaf nodes that are copies of one another (a fork shared them, a write below
 * parted them) are a *family*: a ring through their records and an anchor that
 * names it. A copy holds the same frames in the same slots; so the place where
 * a frame was first put, as family and slot, finds its entries in all copies,
 * however many there are by now, at one look a member. Neither fork nor the
 * copying of a leaf does anything a page for it.
 *
 * A large entry's place is the slot of level 1, of the family of its node; the
 * same place finds what became of it where it was split.
 *
 * Only moving pages one by one (mremap, not by whole leaves) takes a shared
 * frame to a second place; then the frame has a list of places. A place where
 * nothing is found any more is harmless, and goes when the next one is added.
 *
 * The place of a memory object's page is its object's own leaf, which is in no
 * ring but names the object; the regions that map the object lead to the
 * entries that borrow the page.
 *
 * Invariants (the recount checks them)
 *  - every leaf entry of a private page is at a place of its frame;
 *  - every object's page is at its frame's place;
 *  - every leaf node has a family, and a ring holds exactly its members.
 */
#ifndef LIB_CORE_RMAP_H
#define LIB_CORE_RMAP_H

#include "lib/core/node.h"

#define RMAP_NONE   0u
#define RMAP_LIST   (UINT32_C(1) << 31)
#define FAMILY_NONE 0u

/* 0, or -1. span frames, as many families as there are nodes. */
int rmap_init(struct pager_core *core, uint64_t span);
void rmap_fini(struct pager_core *core);

/* --- families ---------------------------------------------------------------
 */

/* Commit: the node begins a family of its own. Cannot run out: there are as
 * many names as nodes. */
void family_new(struct pager_core *core, uint32_t node);
/* Commit: the node is a copy of another, which has a family or is no leaf. */
void family_join(struct pager_core *core, uint32_t node, uint32_t other);
/* The node ends. */
void family_leave(struct pager_core *core, uint32_t node);
/* The node is the leaf of an object's table for pages from base * 512 on. */
void family_own(struct pager_core *core, uint32_t node, struct pager_object *o,
		uint64_t base);

/* --- places ------------------------------------------------------------------
 */

static inline uint32_t rmap_place(const struct pager_core *core, uint32_t node,
				  unsigned int slot)
{
	return core->arena.node[node].family << 9 | slot;
}

/* The frame, just taken, is put into a slot of a node. */
static inline void rmap_set(struct pager_core *core, uint32_t frame,
			    uint32_t node, unsigned int slot)
{
	core->rmap.place[frame] = rmap_place(core, node, slot);
}

/* Plan: places for n frames more that will be moved while they are shared. */
struct pager_status rmap_reserve(struct pager_core *core, uint64_t n);
/* Commit: one of the frame's entries has gone to a slot of another leaf. */
void rmap_move(struct pager_core *core, uint32_t frame, uint32_t node,
	       unsigned int slot);
/* The frame ends: its list goes. */
void rmap_drop_list(struct pager_core *core, uint32_t frame);
static inline void rmap_drop(struct pager_core *core, uint32_t frame)
{
	if (core->rmap.used && core->rmap.place[frame] & RMAP_LIST)
		rmap_drop_list(core, frame);
}
/* Is some place of the frame a slot of level 1? */
bool rmap_is_above(const struct pager_core *core, uint32_t frame);
/* Places of leaves in place of those above, for a frame that no large entry
 * maps any more: only then may another frame take its places over. ENOMEM. */
struct pager_status rmap_settle(struct pager_core *core, uint32_t frame);
/* Everything known of one frame is from now on known of another. */
void rmap_transfer(struct pager_core *core, uint32_t from, uint32_t to);

/* Is (node, slot) a place of the frame? For the recount. */
bool rmap_knows(const struct pager_core *core, uint32_t frame, uint32_t node,
		unsigned int slot);
/* Rings, names and lists: NULL, or what is wrong. seen: rmap.fresh bytes, 0. */
const char *rmap_check(const struct pager_core *core, uint8_t *seen);

/* Call fn for every entry that maps the frame, large ones as well; an entry
 * that is found by two ways may come more than once. fn may change the entry,
 * and nothing else. */
void rmap_each(struct pager_core *core, uint32_t frame,
	       void (*fn)(void *ctx, uint32_t node, uint64_t *slot), void *ctx);

/* The same for n frames, at most RMAP_MANY: the regions of an object are looked
 * at once for all of its pages, so that pages of an object that very many
 * regions map do not cost all of them each. */
enum { RMAP_MANY = 512 };
void rmap_each_of(struct pager_core *core, const uint32_t *frames,
		  unsigned int n,
		  void (*fn)(void *ctx, uint32_t node, uint64_t *slot),
		  void *ctx);

#endif
