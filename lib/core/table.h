/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page table: a 512-ary radix tree of four levels whose subtrees are
 * shared by reference.
 *
 *	root (3) ── 2 ── 1 ── leaf (0) ── frames
 *	  one a space   shared after a fork, until somebody writes below
 *
 * Model and invariants
 *  - A node's references are the upper entries that point to it. A path is
 *    *own* when every node below the root on it has one reference. Only an own
 *    path may be changed; table_own makes one by copying what is shared, and
 *    takes back the write bit where sharing has ended.
 *  - Copying a node gives its children (or frames) a reference more and
 *    write-protects them in both copies. Nobody else needs a flush for it:
 *    whoever shares the node reaches it through an entry without W.
 *  - A node's record sums the pages below it by type. A node without pages is
 *    not kept.
 *  - Every function that may need nodes has a table_need_* twin for plan.
 */
#ifndef LIB_CORE_TABLE_H
#define LIB_CORE_TABLE_H

#include "lib/core/frame.h"
#include "lib/core/node.h"

struct sums {
	uint32_t anon;
	uint32_t zero;
	uint32_t object;
};

/* The nodes on the way to a page; own, so they may be changed. */
struct path {
	uint32_t node[PTE_LEVELS]; /* [0] is the leaf node */
	uint64_t *slot;
	unsigned int level; /* of the slot: 0, or 1 of a large entry */
};

/* The one way entries change. */
static inline void table_store(const struct table *t, uint64_t *slot,
			       uint64_t entry)
{
	if (t->mmu.ops && !(t->mmu.ops->caps & PAGER_MMU_PLAIN_STORE))
		t->mmu.ops->install(t->mmu.mmu, slot, entry);
	else
		*(volatile uint64_t *)slot = entry;
}

static inline void sums_add_path(struct pager_core *core, const struct path *p,
				 enum pager_page_type type, int delta)
{
	for (unsigned int l = 0; l < PTE_LEVELS; l++) {
		struct node *n = node_at(core, p->node[l]);

		if (type == PAGER_PAGE_ANON)
			n->anon += (uint32_t)delta;
		else if (type == PAGER_PAGE_ZERO)
			n->zero += (uint32_t)delta;
		else
			n->object += (uint32_t)delta;
	}
}

/* The slot of vpn, of a leaf or with a large entry, or NULL. Then the path is
 * in *p and *eff is the AND of the entries above it: with PTE_W the path is
 * own. Changes nothing. */
uint64_t *table_walk(const struct table *t, uint64_t vpn, struct path *p,
		     uint64_t *eff);

/* Nodes that table_own needs for this one page: missing and shared ones, and
 * the leaf that a large entry is split into. */
unsigned int table_need_own(const struct table *t, uint64_t vpn);
/* Commit: make the path to vpn own, down to the leaf node. The caller fills
 * the slot: a new node may not stay empty. */
void table_own(struct table *t, uint64_t vpn, struct path *p);
/* Commit: the same down to the slot of level 1. */
void table_own_upper(struct table *t, uint64_t vpn, struct path *p);
/* Commit: put an entry into an empty slot of an own path; a private one's frame
 * was just taken. */
void table_fill(struct table *t, struct path *p, uint64_t entry);
/* Commit: replace an entry of an own path; sums follow the types, and a private
 * one's frame was just taken. */
void table_replace(struct table *t, struct path *p, uint64_t entry);

/* Nodes that making every existing path of the range own would need; large
 * entries that the range covers whole stay. */
uint64_t table_need_own_range(const struct table *t, struct pager_range r);
/* Nodes that own paths to every page of the range would need, whether they
 * exist or not: an upper bound that is exact for a range never touched. */
uint64_t table_need_fill_range(const struct table *t, struct pager_range r);
/* Commit: own all existing paths of the range. */
void table_own_range(struct table *t, struct pager_range r);

/* Nodes that table_detach needs: shared ones and large entries that the range
 * covers in part. */
uint64_t table_need_detach(const struct table *t, struct pager_range r);
/* The same if all of the table below the root were shared (after a fork). */
uint64_t table_need_detach_shared(const struct table *t, struct pager_range r);
/* Commit: clear the range. Whole subtrees are unlinked, not walked. What lost
 * its last reference waits for node_drain, after the caller's invalidate. */
void table_detach(struct table *t, struct pager_range r);

/* Nodes that table_move needs. */
uint64_t table_need_move(const struct table *t, struct pager_range from,
			 uint64_t to);
/* Places of the reverse map that it needs; see rmap_reserve. */
uint64_t table_need_places(const struct table *t, struct pager_range from,
			   uint64_t to);
/* Commit: move the pages of a range to an empty one elsewhere. Leaf nodes that
 * are covered whole, at the same offset within 2 MiB, move as they are. */
void table_move(struct table *t, struct pager_range from, uint64_t to);

/* Pages by type in a range, from the sums. */
struct sums table_sum(const struct table *t, struct pager_range r);

/* Commit: nothing of the table can be written, by its root's entries. Returns
 * whether one was writable: then flush. */
bool table_close(struct table *t);
/* Commit: dst (a root of its own, empty) shares all of src, which is closed by
 * it. Returns whether it was not yet: then flush. */
bool table_share(struct table *dst, struct table *src);

/* Call fn for every slot with a page in the range, in order: vpn is the first
 * of pages pages of the range that the entry maps: one, or up to 512 of a large
 * entry. Nodes that are shared are entered only if shared is true. Returns
 * whether some were left out. */
typedef void table_fn(void *ctx, uint64_t vpn, uint64_t pages, uint64_t *slot);
bool table_each(const struct table *t, struct pager_range r, bool shared,
		table_fn *fn, void *ctx);

#endif
