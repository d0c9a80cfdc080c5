/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A baseline for the region index: disjoint ranges in an AVL tree, a node a
 * range, keyed by start. What MINIX's virtual-memory server keeps its regions
 * in, written afresh.
 */
#ifndef TOOLS_BENCH_BASE_AVL_H
#define TOOLS_BENCH_BASE_AVL_H

#include <stddef.h>
#include <stdint.h>

struct base_avl_node {
	uint64_t start; /* half-open; start < end */
	uint64_t end;
	struct base_avl_node *child[2];
	int height; /* of the subtree; a leaf's is 1 */
};

/* An empty tree is a zeroed one. Nodes are the caller's. */
struct base_avl {
	struct base_avl_node *root;
};

/* Insert nodes[0..n-1], in this order, with the given disjoint bounds. */
void base_avl_build(struct base_avl *t, struct base_avl_node *nodes,
		    const uint64_t *starts, const uint64_t *ends, size_t n);
/* node->start and node->end are set and overlap nothing in the tree. */
void base_avl_insert(struct base_avl *t, struct base_avl_node *node);
/* node is in the tree. */
void base_avl_erase(struct base_avl *t, struct base_avl_node *node);
/* The first range with end > at, or NULL. */
struct base_avl_node *base_avl_find(const struct base_avl *t, uint64_t at);

#endif
