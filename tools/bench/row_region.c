/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Row 4, first half: the region index alone against an AVL tree and a static
 * one. Lookups are of random pages inside random regions, each address known
 * only when the lookup before it has answered, as a fault's is. Insertions and
 * erasures are of a region in a random gap.
 *
 * The second half, whole operations on spaces, is in row_region_ops.c.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/core/rtree.h"
#include "tools/bench/base_avl.h"
#include "tools/bench/base_static.h"
#include "tools/bench/bench.h"
#include "tools/bench/row_region.h"
#include "tools/bench/world.h"

enum { QUERIES = 1 << 15 };

/* Of one tree: its regions, and one more to insert. */
struct trees {
	struct rtree rtree;
	struct base_avl avl;
	struct pager_region *regions; /* n, in address order */
	struct base_avl_node *nodes;  /* n, in the order of insertion */
};

struct contest {
	uint64_t n;
	unsigned int copies; /* of the trees: see region_copies */
	struct rtree_pools pools;
	struct trees *trees;
	struct base_static fixed;
	uint64_t *query;
	struct pager_region extra[REGION_BATCH];
	struct base_avl_node extra_node[REGION_BATCH];
	struct bench_series find_ours, find_avl, find_static;
	struct bench_series insert_ours, insert_avl;
	struct bench_series erase_ours, erase_avl;
};

static void *slab_alloc(void *ctx, size_t bytes)
{
	(void)ctx;
	return bench_pages_new(bytes, true);
}

static void slab_free(void *ctx, void *p, size_t bytes)
{
	(void)ctx;
	bench_pages_free(p, bytes);
}

static void *table(uint64_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p)
		bench_die("no memory for %" PRIu64 " regions", n);
	return p;
}

static void trees_build(struct contest *c, struct trees *t,
			const uint32_t *order)
{
	uint64_t *starts = table(c->n, sizeof(*starts));
	uint64_t *ends = table(c->n, sizeof(*ends));

	t->regions = table(c->n, sizeof(*t->regions));
	t->nodes = table(c->n, sizeof(*t->nodes));
	rtree_init(&t->rtree, &c->pools);
	for (uint64_t i = 0; i < c->n; i++) {
		struct pager_region *r = &t->regions[order[i]];

		r->start = region_start(order[i]);
		r->end = r->start + REGION_PAGES;
		starts[i] = r->start;
		ends[i] = r->end;
		if (rtree_reserve(&t->rtree, 1))
			bench_die("no memory for the region index");
		rtree_insert(&t->rtree, r);
	}
	base_avl_build(&t->avl, t->nodes, starts, ends, c->n);
	free(starts);
	free(ends);
}

static void static_build(struct contest *c)
{
	uint64_t *ends = table(c->n, sizeof(*ends));

	for (uint64_t i = 0; i < c->n; i++)
		ends[i] = region_start(i) + REGION_PAGES;
	if (base_static_build(&c->fixed, ends, c->n))
		bench_die("no memory for the static tree");
	free(ends);
}

static void contest_init(struct contest *c, uint64_t n)
{
	const struct pager_slab_source source = {NULL, slab_alloc, slab_free};
	uint32_t *order = bench_shuffle((uint32_t)n, n);
	uint64_t chance = n + 1;

	*c = (struct contest){.n = n, .copies = region_copies(n)};
	rtree_pools_init(&c->pools, source);
	c->trees = table(c->copies, sizeof(*c->trees));
	for (unsigned int i = 0; i < c->copies; i++)
		trees_build(c, &c->trees[i], order);
	static_build(c);
	c->query = table(QUERIES, sizeof(*c->query));
	for (int i = 0; i < QUERIES; i++)
		c->query[i] = region_start(bench_random(&chance) % n) +
			      bench_random(&chance) % REGION_PAGES;
	free(order);
}

static void contest_fini(struct contest *c)
{
	for (unsigned int i = 0; i < c->copies; i++) {
		rtree_fini(&c->trees[i].rtree);
		free(c->trees[i].regions);
		free(c->trees[i].nodes);
	}
	rtree_pools_fini(&c->pools);
	base_static_fini(&c->fixed);
	free(c->trees);
	free(c->query);
}

static void verify(const struct contest *c)
{
	const struct trees *t = &c->trees[0];

	for (int i = 0; i < QUERIES; i++) {
		const struct pager_region *r =
		    rtree_find(&t->rtree, c->query[i]);
		const struct base_avl_node *node =
		    base_avl_find(&t->avl, c->query[i]);

		if (!r || !node || r->start != node->start ||
		    r != &t->regions[base_static_find(&c->fixed, c->query[i])])
			bench_die("the indexes of %" PRIu64
				  " regions do not agree",
				  c->n);
	}
}

/* The answers' top bits are never set; only the compiler does not know. */
static void take_find(struct contest *c)
{
	const struct trees *t = &c->trees[0];
	uint64_t last = 0;
	double start = bench_cpu();

	for (int i = 0; i < QUERIES; i++)
		last = (uint64_t)(uintptr_t)rtree_find(&t->rtree,
						       c->query[i] + last) >>
		       63;
	bench_add(&c->find_ours, (bench_cpu() - start) / QUERIES);

	start = bench_cpu();
	for (int i = 0; i < QUERIES; i++)
		last = (uint64_t)(uintptr_t)base_avl_find(&t->avl,
							  c->query[i] + last) >>
		       63;
	bench_add(&c->find_avl, (bench_cpu() - start) / QUERIES);

	start = bench_cpu();
	for (int i = 0; i < QUERIES; i++)
		last =
		    (uint64_t)base_static_find(&c->fixed, c->query[i] + last) >>
		    63;
	bench_add(&c->find_static, (bench_cpu() - start) / QUERIES);
	if (last)
		bench_die("an answer was out of this world");
}

struct edits {
	struct bench_series insert_ours, insert_avl, erase_ours, erase_avl;
};

/* 64 regions into 64 gaps, and out again, in every tree. */
static void edit_batch(struct contest *c, uint64_t *chance, struct edits *e)
{
	uint64_t pick[REGION_BATCH];
	double start;

	region_picks(pick, c->n, c->copies, chance);
	for (unsigned int i = 0; i < REGION_BATCH; i++) {
		uint64_t at = region_start(pick[i]) + REGION_GAP;

		c->extra[i].start = c->extra_node[i].start = at;
		c->extra[i].end = c->extra_node[i].end = at + 1;
	}
	start = bench_now();
	for (unsigned int i = 0; i < REGION_BATCH; i++) {
		struct rtree *t = &c->trees[i % c->copies].rtree;

		if (rtree_reserve(t, 1))
			bench_die("no memory for the region index");
		rtree_insert(t, &c->extra[i]);
	}
	bench_add(&e->insert_ours, bench_now() - start);

	start = bench_now();
	for (unsigned int i = 0; i < REGION_BATCH; i++)
		base_avl_insert(&c->trees[i % c->copies].avl,
				&c->extra_node[i]);
	bench_add(&e->insert_avl, bench_now() - start);

	start = bench_now();
	for (unsigned int i = 0; i < REGION_BATCH; i++)
		rtree_erase(&c->trees[i % c->copies].rtree, &c->extra[i]);
	bench_add(&e->erase_ours, bench_now() - start);

	start = bench_now();
	for (unsigned int i = 0; i < REGION_BATCH; i++)
		base_avl_erase(&c->trees[i % c->copies].avl, &c->extra_node[i]);
	bench_add(&e->erase_avl, bench_now() - start);
}

static void take_edit(struct contest *c, uint64_t *chance)
{
	struct edits e = {0};

	for (int i = 0; i <= REGION_BATCHES; i++)
		edit_batch(c, chance, &e);
	bench_add(&c->insert_ours, bench_median(&e.insert_ours) / REGION_BATCH);
	bench_add(&c->insert_avl, bench_median(&e.insert_avl) / REGION_BATCH);
	bench_add(&c->erase_ours, bench_median(&e.erase_ours) / REGION_BATCH);
	bench_add(&c->erase_avl, bench_median(&e.erase_avl) / REGION_BATCH);
}

static void report(struct bench *b, const struct contest *c)
{
	char name[64];
	struct bench_result r = {
	    .row = 4,
	    .name = name,
	    .unit = "ns",
	    .ours = bench_median(&c->find_ours),
	    .linux_peer = NAN,
	    .baseline = bench_median(&c->find_avl),
	    .limit = bench_median(&c->find_static),
	    .goal = "at most 2x the limit",
	    .rounds = c->find_ours.count,
	};

	snprintf(name, sizeof(name), "lookup/%" PRIu64, c->n);
	r.met = r.ours <= 2 * r.limit;
	bench_report(b, &r);

	snprintf(name, sizeof(name), "insert/%" PRIu64, c->n);
	r.ours = bench_median(&c->insert_ours);
	r.baseline = bench_median(&c->insert_avl);
	r.limit = NAN;
	r.goal = "at most the AVL tree";
	r.met = r.ours <= r.baseline;
	bench_report(b, &r);

	snprintf(name, sizeof(name), "erase/%" PRIu64, c->n);
	r.ours = bench_median(&c->erase_ours);
	r.baseline = bench_median(&c->erase_avl);
	r.met = r.ours <= r.baseline;
	bench_report(b, &r);
}

void bench_row_region(struct bench *b)
{
	static struct contest c;
	uint64_t chance = 1;

	for (uint64_t n = 10; n <= 100000; n *= 10) {
		contest_init(&c, n);
		verify(&c);
		for (unsigned int round = 0; round <= b->rounds; round++) {
			bench_step(b);
			take_find(&c);
			take_edit(&c, &chance);
		}
		report(b, &c);
		contest_fini(&c);
	}
	bench_row_region_ops(b);
}
