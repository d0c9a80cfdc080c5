/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nodes of the region index, for rtree*.c alone.
 *
 * A node holds n entries in address order. Entry i stands for a region (in a
 * leaf, level 0) or for a child (above) and covers [lo[i], hi[i]):
 *
 *	region:	lo, hi are its start and end
 *	child:	lo is the start of its first region, hi the end of its last,
 *		gap the longest free stretch between two regions below it
 *
 *	   lo[0]     hi[0]    lo[1]    hi[1]		  lo[n-1]  hi[n-1]
 *	...|#########|........|########|....	...	..|########|
 *		     <- gap between ->
 *		     siblings: not in gap[]
 *
 * All of an entry depends on what lies below it alone, so that a change walks
 * up one path and stops where nothing changes. hi is exact, so that a search
 * for the first region that ends above vpn never has to step back or across.
 *
 * Invariants: 1 <= n <= FAN in every node of a tree; hi[i] <= lo[i + 1];
 * hi[n..FAN-1] are RTREE_PAD; all leaves are at level 0 and linked in order;
 * the root has two entries or more unless it is a leaf.
 */
#ifndef LIB_CORE_RTREE_INT_H
#define LIB_CORE_RTREE_INT_H

#include "lib/core/rtree.h"

enum {
	RTREE_FAN = 32,
	RTREE_MERGE = RTREE_FAN / 4 * 3, /* neighbours merge if both fit */
	RTREE_LEVELS = 16,		 /* far more than can be filled */
	RTREE_NOWHERE = RTREE_FAN + 1,	 /* no place, nor next to one */
};

#define RTREE_PAD ((uint64_t)INT64_MAX)

struct rtree_node {
	_Alignas(64) uint64_t hi[RTREE_FAN];
	void *slot[RTREE_FAN]; /* regions in a leaf, else nodes */
	uint64_t lo[RTREE_FAN];
	uint32_t n;
	uint32_t last; /* leaf: where the last insert went, or NOWHERE */
};

struct rtree_leaf {
	struct rtree_node k;
	struct rtree_leaf *prev;
	struct rtree_leaf *next;
};

struct rtree_inner {
	struct rtree_node k;
	uint64_t gap[RTREE_FAN];
};

struct rtree_entry {
	uint64_t lo;
	uint64_t hi;
	uint64_t gap; /* 0 for a region */
	void *slot;
};

static inline struct rtree_leaf *rtree_as_leaf(struct rtree_node *node)
{
	return (struct rtree_leaf *)node;
}

static inline struct rtree_inner *rtree_as_inner(struct rtree_node *node)
{
	return (struct rtree_inner *)node;
}

/*
 * How many of a node's entries end at or below vpn: the index of the first one
 * that ends above it. vpn < RTREE_PAD. First the group of eight, then the place
 * in it: no branch depends on the keys.
 */
static inline unsigned int rtree_rank(const uint64_t *hi, uint64_t vpn)
{
	unsigned int at =
	    (unsigned int)((hi[7] <= vpn) + (hi[15] <= vpn) + (hi[23] <= vpn)) *
	    8;

	hi += at;
	at += (unsigned int)((hi[0] <= vpn) + (hi[1] <= vpn) + (hi[2] <= vpn) +
			     (hi[3] <= vpn));
	at += (unsigned int)((hi[4] <= vpn) + (hi[5] <= vpn) + (hi[6] <= vpn) +
			     (hi[7] <= vpn));
	return at;
}

/* An empty node for t, from the stock. level says of which kind. */
struct rtree_node *rtree_node_take(struct rtree *t, unsigned int level);
void rtree_node_give(struct rtree *t, struct rtree_node *node,
		     unsigned int level);
/* rtree_find without the help of wide registers; the same answer. */
struct pager_region *rtree_find_plain(const struct rtree *t, uint64_t vpn);
/* What a parent has to say of a node that is not empty. */
struct rtree_entry rtree_node_entry(struct rtree_node *node,
				    unsigned int level);

#endif
