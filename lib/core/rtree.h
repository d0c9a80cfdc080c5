/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The region index: a B+ tree of disjoint regions ordered by address, with the
 * largest gap inside every child, so that a region is found, and a free stretch
 * of a given length, in O(log n).
 *
 * The tree does not own regions. It allocates only in reserve, so that insert
 * cannot fail: plan reserves, commit inserts. It keeps copies of the bounds:
 * while a region is in a tree, only rtree_resize may change them.
 */
#ifndef LIB_CORE_RTREE_H
#define LIB_CORE_RTREE_H

#include "lib/base/slab.h"
#include "lib/core/region.h"

/* Where all trees of one core take their nodes from. */
struct rtree_pools {
	struct pager_slab leaves;
	struct pager_slab inners;
};

struct rtree {
	struct rtree_pools *pools;
	void *root; /* leaf when height is 0; NULL when empty */
	unsigned int height;
	uint64_t top; /* end of the last region; 0 when empty */
	uint64_t count;
	uint64_t leaves; /* nodes of each kind */
	uint64_t inners;
};

void rtree_pools_init(struct rtree_pools *pools, struct pager_slab_source src);
void rtree_pools_fini(struct rtree_pools *pools);

void rtree_init(struct rtree *t, struct rtree_pools *pools);
/* Give all nodes back; regions are the caller's. */
void rtree_fini(struct rtree *t);

/* The region that contains vpn, or the first one above it, or NULL: the first
 * with end > vpn. */
struct pager_region *rtree_find(const struct rtree *t, uint64_t vpn);
/* In address order; NULL at the end. O(1) amortised. */
struct pager_region *rtree_first(const struct rtree *t);
struct pager_region *rtree_last(const struct rtree *t);
struct pager_region *rtree_next(const struct pager_region *r);
struct pager_region *rtree_prev(const struct pager_region *r);

/* Make sure that the next n inserts cannot fail. 0, or -1: no memory, nothing
 * changed. Stock is per pools, so it holds until something else takes it. */
int rtree_reserve(struct rtree *t, unsigned int n);
/* Same for one rtree_clone of src: as many nodes as src has. */
int rtree_reserve_clone(const struct rtree *src);

/* r must not overlap any region of the tree, and start < end < 2^63; takes
 * nodes from the stock. Sets r->leaf. */
void rtree_insert(struct rtree *t, struct pager_region *r);
/* r must be in t. Clears r->leaf; gives nodes back to the stock, takes none. */
void rtree_erase(struct rtree *t, struct pager_region *r);
/* Change a region's bounds; it may not overlap or pass a neighbour, but may
 * end where one begins. Sets r->start and r->end. Takes no nodes. */
void rtree_resize(struct rtree *t, struct pager_region *r, uint64_t start,
		  uint64_t end);

/* dst (empty, inited, of the same pools) becomes a copy of src in shape;
 * copy(ctx, r) returns the region that stands for r (same bounds), never NULL,
 * and sees the regions in address order. Nodes come from the stock. O(n), no
 * comparisons. */
void rtree_clone(struct rtree *dst, const struct rtree *src,
		 struct pager_region *(*copy)(void *ctx,
					      const struct pager_region *r),
		 void *ctx);

/* The highest free stretch of len pages inside [lo, hi), with guard free pages
 * on both sides of it as well: it keeps that distance from every region, also
 * from those outside [lo, hi), but none from lo and hi themselves. True: *out
 * is its start. Any values; len > 0. O(log n). */
bool rtree_gap_highest(const struct rtree *t, uint64_t lo, uint64_t hi,
		       uint64_t len, uint64_t guard, uint64_t *out);

/* Self-check for the recount: order, disjointness, keys, gaps, links, count.
 * NULL, or a static sentence that names the first thing wrong. */
const char *rtree_check(const struct rtree *t);

#endif
