/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The region index's recount of itself. It trusts nothing but that pointers
 * point to nodes and regions.
 */
#include "lib/core/rtree_int.h"

struct walk {
	const struct rtree_leaf *leaf; /* the last one seen */
	uint64_t end;		       /* of the last region seen */
	uint64_t count;
	uint64_t leaves;
	uint64_t inners;
};

static const char *check_leaf(struct walk *w, const struct rtree_leaf *leaf)
{
	if (leaf->prev != w->leaf)
		return "rtree: a leaf's link to the one before is wrong";
	if (w->leaf && w->leaf->next != leaf)
		return "rtree: a leaf's link to the one behind is wrong";
	w->leaf = leaf;
	w->leaves++;
	for (unsigned int i = 0; i < leaf->k.n; i++) {
		const struct pager_region *r = leaf->k.slot[i];

		if (r->leaf != leaf)
			return "rtree: a region names another leaf";
		if (r->start != leaf->k.lo[i] || r->end != leaf->k.hi[i])
			return "rtree: a leaf has other bounds than a region";
		if (r->start >= r->end)
			return "rtree: a region is empty";
		if (r->start < w->end)
			return "rtree: regions overlap or are out of order";
		w->end = r->end;
		w->count++;
	}
	return NULL;
}

static const char *check_node(struct walk *w, struct rtree_node *node,
			      unsigned int level);

static const char *check_inner(struct walk *w, struct rtree_inner *inner,
			       unsigned int level)
{
	w->inners++;
	for (unsigned int i = 0; i < inner->k.n; i++) {
		struct rtree_node *child = inner->k.slot[i];
		const char *wrong = check_node(w, child, level - 1);
		struct rtree_entry e;

		if (wrong)
			return wrong;
		e = rtree_node_entry(child, level - 1);
		if (inner->k.lo[i] != e.lo || inner->k.hi[i] != e.hi)
			return "rtree: a key differs from what is below it";
		if (inner->gap[i] != e.gap)
			return "rtree: a gap differs from what is below it";
	}
	return NULL;
}

static const char *check_node(struct walk *w, struct rtree_node *node,
			      unsigned int level)
{
	if (node->n == 0 || node->n > RTREE_FAN)
		return "rtree: a node has no entries or too many";
	for (unsigned int i = node->n; i < RTREE_FAN; i++)
		if (node->hi[i] != RTREE_PAD)
			return "rtree: a place without entry has a key";
	return level ? check_inner(w, rtree_as_inner(node), level)
		     : check_leaf(w, rtree_as_leaf(node));
}

const char *rtree_check(const struct rtree *t)
{
	struct rtree_node *root = t->root;
	struct walk w = {0};
	const char *wrong;

	if (t->height >= RTREE_LEVELS || (!root && t->height))
		return "rtree: the height is wrong";
	if (root) {
		wrong = check_node(&w, root, t->height);
		if (wrong)
			return wrong;
		if (t->height && root->n < 2)
			return "rtree: the root has a single child";
		if (w.leaf->next)
			return "rtree: the last leaf has one behind it";
	}
	if (t->top != w.end)
		return "rtree: the top is not the last region's end";
	if (t->count != w.count)
		return "rtree: the count of regions is wrong";
	if (t->leaves != w.leaves || t->inners != w.inners)
		return "rtree: the count of nodes is wrong";
	return NULL;
}
