/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The region index: life, walking in order, stock and copying. Search for an
 * address is in rtree_find.c, for a gap in rtree_gap.c; changes are in
 * rtree_edit.c, the self-check in rtree_check.c.
 */
#include "lib/core/rtree_int.h"

#include <assert.h>
#include <string.h>

void rtree_pools_init(struct rtree_pools *pools, struct pager_slab_source src)
{
	pager_slab_init(&pools->leaves, "rtree leaf", sizeof(struct rtree_leaf),
			src);
	pager_slab_init(&pools->inners, "rtree inner",
			sizeof(struct rtree_inner), src);
}

void rtree_pools_fini(struct rtree_pools *pools)
{
	pager_slab_fini(&pools->leaves);
	pager_slab_fini(&pools->inners);
}

void rtree_init(struct rtree *t, struct rtree_pools *pools)
{
	*t = (struct rtree){.pools = pools};
}

struct rtree_node *rtree_node_take(struct rtree *t, unsigned int level)
{
	struct rtree_node *node;

	if (level) {
		node = pager_slab_take(&t->pools->inners);
		t->inners++;
	} else {
		node = pager_slab_take(&t->pools->leaves);
		t->leaves++;
	}
	for (unsigned int i = 0; i < RTREE_FAN; i++)
		node->hi[i] = RTREE_PAD;
	node->last = RTREE_NOWHERE;
	return node;
}

void rtree_node_give(struct rtree *t, struct rtree_node *node,
		     unsigned int level)
{
	if (level) {
		t->inners--;
		pager_slab_give(&t->pools->inners, node);
	} else {
		t->leaves--;
		pager_slab_give(&t->pools->leaves, node);
	}
}

static void give_subtree(struct rtree *t, struct rtree_node *node,
			 unsigned int level)
{
	if (level)
		for (unsigned int i = 0; i < node->n; i++)
			give_subtree(t, node->slot[i], level - 1);
	rtree_node_give(t, node, level);
}

void rtree_fini(struct rtree *t)
{
	if (t->root)
		give_subtree(t, t->root, t->height);
	rtree_init(t, t->pools);
}

struct pager_region *rtree_first(const struct rtree *t)
{
	const struct rtree_node *node = t->root;

	if (!node)
		return NULL;
	for (unsigned int level = t->height; level; level--)
		node = node->slot[0];
	return node->slot[0];
}

struct pager_region *rtree_last(const struct rtree *t)
{
	const struct rtree_node *node = t->root;

	if (!node)
		return NULL;
	for (unsigned int level = t->height; level; level--)
		node = node->slot[node->n - 1];
	return node->slot[node->n - 1];
}

struct pager_region *rtree_next(const struct pager_region *r)
{
	const struct rtree_leaf *leaf = r->leaf;
	unsigned int i = rtree_rank(leaf->k.hi, r->start) + 1;

	if (i < leaf->k.n)
		return leaf->k.slot[i];
	return leaf->next ? leaf->next->k.slot[0] : NULL;
}

struct pager_region *rtree_prev(const struct pager_region *r)
{
	const struct rtree_leaf *leaf = r->leaf;
	unsigned int i = rtree_rank(leaf->k.hi, r->start);

	if (i)
		return leaf->k.slot[i - 1];
	return leaf->prev ? leaf->prev->k.slot[leaf->prev->k.n - 1] : NULL;
}

/*
 * n inserts split at most n nodes on each level that there is, since a split
 * below is what adds an entry above. A new level starts with two entries, and
 * inner nodes are cut in halves: the levels that n inserts may add on top have
 * no more than n nodes together.
 */
int rtree_reserve(struct rtree *t, unsigned int n)
{
	uint64_t inners = (uint64_t)n * (t->height + 1);

	if (pager_slab_reserve(&t->pools->leaves, n))
		return -1;
	return pager_slab_reserve(&t->pools->inners, inners);
}

int rtree_reserve_clone(const struct rtree *src)
{
	if (pager_slab_reserve(&src->pools->leaves, src->leaves))
		return -1;
	return pager_slab_reserve(&src->pools->inners, src->inners);
}

struct clone {
	struct rtree *dst;
	struct rtree_leaf *last; /* the copy's last leaf so far */
	struct pager_region *(*copy)(void *ctx, const struct pager_region *r);
	void *ctx;
};

static struct rtree_node *clone_leaf(struct clone *c,
				     const struct rtree_leaf *from)
{
	struct rtree_leaf *to = pager_slab_take(&c->dst->pools->leaves);

	memcpy(to, from, sizeof(*to));
	for (unsigned int i = 0; i < to->k.n; i++) {
		struct pager_region *r = c->copy(c->ctx, from->k.slot[i]);

		r->leaf = to;
		to->k.slot[i] = r;
	}
	to->prev = c->last;
	if (c->last)
		c->last->next = to; /* the last leaf's is NULL, as from's */
	c->last = to;
	return &to->k;
}

static struct rtree_node *
clone_subtree(struct clone *c, struct rtree_node *from, unsigned int level)
{
	struct rtree_inner *to;

	if (!level)
		return clone_leaf(c, rtree_as_leaf(from));
	to = pager_slab_take(&c->dst->pools->inners);
	memcpy(to, rtree_as_inner(from), sizeof(*to));
	for (unsigned int i = 0; i < to->k.n; i++)
		to->k.slot[i] = clone_subtree(c, from->slot[i], level - 1);
	return &to->k;
}

void rtree_clone(struct rtree *dst, const struct rtree *src,
		 struct pager_region *(*copy)(void *ctx,
					      const struct pager_region *r),
		 void *ctx)
{
	struct clone c = {.dst = dst, .copy = copy, .ctx = ctx};

	assert(!dst->root && dst->pools == src->pools);
	*dst = *src;
	if (src->root)
		dst->root = clone_subtree(&c, src->root, src->height);
}
