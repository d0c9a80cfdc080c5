/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bed to test the region index on: a tree, the same regions in a sorted array
 * beside it, and memory that counts its pieces and ends when told. What differs
 * fails the test at once.
 */
#ifndef TESTS_SUPPORT_RTREE_BED_H
#define TESTS_SUPPORT_RTREE_BED_H

#include "lib/core/rtree_int.h"
#include "tests/support/rng.h"

enum { BED_REGIONS = 4096 };

struct rtree_source {
	uint64_t chunks; /* given out and not yet back */
	uint64_t left;	 /* chunks until there is no memory */
};

struct tree_bed {
	struct rtree_source source;
	struct rtree_pools pools;
	struct rtree t;
	struct pager_region *at[BED_REGIONS]; /* in address order */
	unsigned int n;
	uint64_t window_start, window_end; /* where regions may lie */
	struct rng rng;
};

/* One a process is enough: check runs each test in its own. */
extern struct tree_bed tree_bed;

void bed_init(uint64_t start, uint64_t end, uint64_t seed);
/* Takes the tree down; nothing may be left of it. */
void bed_fini(void);
/* The self-check of t finds nothing, and t has as many regions as the tree_bed.
 */
void bed_check(const struct rtree *t);

/* By the array: the index of the first region that ends above vpn. */
unsigned int bed_index(uint64_t vpn);
/* By the array: the free stretch before region i, [*start, *end). */
void bed_gap(unsigned int i, uint64_t *start, uint64_t *end);

/* Change both; i is an index into the array. */
void bed_insert(uint64_t start, uint64_t end);
void bed_erase(unsigned int i);
void bed_resize(unsigned int i, uint64_t start, uint64_t end);

/* Both agree: on a search, on the order both ways, on the highest gap. */
void bed_expect_find(uint64_t vpn);
void bed_expect_order(void);
void bed_expect_gap(uint64_t lo, uint64_t hi, uint64_t len, uint64_t guard);

/* Random: 0 .. n - 1; n > 0. */
uint64_t bed_below(uint64_t n);

#endif
