/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Search of the region index for a gap. Nodes say how long the longest gap
 * inside each child is, so that only two ways down can be in vain: those to
 * the children that hi and lo cut through.
 */
#include "lib/core/rtree_int.h"

#include <assert.h>

struct query {
	uint64_t lo;
	uint64_t hi;
	uint64_t len;
	uint64_t guard;
	uint64_t need; /* len and both guards */
	uint64_t out;
};

static uint64_t add_saturated(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* Free and not claimed by a guard: [bottom, top). */
static bool fits(struct query *q, uint64_t bottom, uint64_t top)
{
	bottom = bottom > q->lo ? bottom : q->lo;
	top = top < q->hi ? top : q->hi;
	if (bottom > top || top - bottom < q->len)
		return false;
	q->out = top - q->len;
	return true;
}

/*
 * The gap between two regions, or above or below all of them:
 *
 *	 below				   above
 *	########|.guard.|##out##...|.guard.|########
 */
static uint64_t over(const struct query *q, uint64_t below)
{
	return add_saturated(below, q->guard);
}

static uint64_t under(const struct query *q, uint64_t above)
{
	return above > q->guard ? above - q->guard : 0;
}

/* The gaps between the regions below node, from the highest down. */
static bool search(struct query *q, struct rtree_node *node, unsigned int level)
{
	unsigned int i = rtree_rank(node->hi, q->hi);

	for (i = i < node->n ? i + 1 : node->n; i-- > 0;) {
		if (i + 1 < node->n &&
		    node->lo[i + 1] - node->hi[i] >= q->need &&
		    fits(q, over(q, node->hi[i]), under(q, node->lo[i + 1])))
			return true;
		if (node->hi[i] <= q->lo)
			return false;
		if (level && rtree_as_inner(node)->gap[i] >= q->need &&
		    search(q, node->slot[i], level - 1))
			return true;
	}
	return false;
}

bool rtree_gap_highest(const struct rtree *t, uint64_t lo, uint64_t hi,
		       uint64_t len, uint64_t guard, uint64_t *out)
{
	struct query q = {
	    .lo = lo,
	    .hi = hi,
	    .len = len,
	    .guard = guard,
	    .need = add_saturated(len, add_saturated(guard, guard)),
	};
	struct rtree_node *root = t->root;

	assert(len);
	if (!(root ? fits(&q, over(&q, t->top), hi) ||
			 search(&q, root, t->height) ||
			 fits(&q, lo, under(&q, root->lo[0]))
		   : fits(&q, lo, hi)))
		return false;
	*out = q.out;
	return true;
}
