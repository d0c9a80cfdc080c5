/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AVL tree: the heights of a node's two subtrees differ by at most one. Changes
 * walk down by start, keep the links they came through, and restore the balance
 * from the bottom up.
 */
#include "tools/bench/base_avl.h"

#include <assert.h>

/* More than the height of any tree that fits into memory. */
enum { AVL_DEPTH = 96 };

static int height(const struct base_avl_node *node)
{
	return node ? node->height : 0;
}

static void measure(struct base_avl_node *node)
{
	int a = height(node->child[0]);
	int b = height(node->child[1]);

	node->height = (a > b ? a : b) + 1;
}

/*
 * dir 0:     n		    c		dir 1 is the mirror image.
 *	     / \	   / \
 *	    A   c   ->	  n   C
 *	       / \	 / \
 *	      B   C	A   B
 */
static struct base_avl_node *rotate(struct base_avl_node *n, int dir)
{
	struct base_avl_node *c = n->child[!dir];

	n->child[!dir] = c->child[dir];
	c->child[dir] = n;
	measure(n);
	measure(c);
	return c;
}

/* Balance *link, whose subtrees are balanced and differ by at most two. */
static void balance(struct base_avl_node **link)
{
	struct base_avl_node *n = *link;
	int lean = height(n->child[1]) - height(n->child[0]);
	int heavy = lean > 0;
	struct base_avl_node *c = n->child[heavy];

	measure(n);
	if (lean >= -1 && lean <= 1)
		return;
	if (height(c->child[!heavy]) > height(c->child[heavy]))
		n->child[heavy] = rotate(c, heavy);
	*link = rotate(n, !heavy);
}

/* Balance from the last of the links up, as far as heights change. */
static void restore(struct base_avl_node **way[], int depth)
{
	while (depth-- > 0) {
		int before = (*way[depth])->height;

		balance(way[depth]);
		if ((*way[depth])->height == before)
			break;
	}
}

void base_avl_insert(struct base_avl *t, struct base_avl_node *node)
{
	struct base_avl_node **way[AVL_DEPTH];
	struct base_avl_node **link = &t->root;
	int depth = 0;

	while (*link) {
		assert(depth < AVL_DEPTH);
		way[depth++] = link;
		link = &(*link)->child[node->start > (*link)->start];
	}
	node->child[0] = NULL;
	node->child[1] = NULL;
	node->height = 1;
	*link = node;
	restore(way, depth);
}

/* *link has two children: the next one in order takes its place and height.
 * Adds to the way, whose new depth it returns. */
static int take_out_inner(struct base_avl_node **link,
			  struct base_avl_node **way[], int depth)
{
	struct base_avl_node *node = *link, *next;
	struct base_avl_node **below = &node->child[1];
	int first = depth + 1;

	way[depth++] = link;
	while ((*below)->child[0]) {
		assert(depth < AVL_DEPTH);
		way[depth++] = below;
		below = &(*below)->child[0];
	}
	next = *below;
	*below = next->child[1];
	next->child[0] = node->child[0];
	next->child[1] = node->child[1];
	next->height = node->height;
	*link = next;
	if (depth > first)
		way[first] = &next->child[1];
	return depth;
}

void base_avl_erase(struct base_avl *t, struct base_avl_node *node)
{
	struct base_avl_node **way[AVL_DEPTH];
	struct base_avl_node **link = &t->root;
	int depth = 0;

	while (*link != node) {
		assert(*link && depth < AVL_DEPTH - 1);
		way[depth++] = link;
		link = &(*link)->child[node->start > (*link)->start];
	}
	if (node->child[0] && node->child[1])
		depth = take_out_inner(link, way, depth);
	else
		*link = node->child[0] ? node->child[0] : node->child[1];
	restore(way, depth);
}

struct base_avl_node *base_avl_find(const struct base_avl *t, uint64_t at)
{
	struct base_avl_node *node = t->root;
	struct base_avl_node *found = NULL;

	while (node) {
		if (node->end > at) {
			found = node;
			node = node->child[0];
		} else {
			node = node->child[1];
		}
	}
	return found;
}

void base_avl_build(struct base_avl *t, struct base_avl_node *nodes,
		    const uint64_t *starts, const uint64_t *ends, size_t n)
{
	t->root = NULL;
	for (size_t i = 0; i < n; i++) {
		nodes[i].start = starts[i];
		nodes[i].end = ends[i];
		base_avl_insert(t, &nodes[i]);
	}
}
