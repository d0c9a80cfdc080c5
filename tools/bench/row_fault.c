/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Row 3: faults in process, metadata only: the pool has no memory.
 *
 * A zero-fill fault is the first write to a page of a fresh region; a COW fault
 * the first write of a forked child to a page of its parent. One round takes
 * every page of the region once, in order or in a random order; making the
 * region, the fork and the clearing away are not in the figure. The software
 * MMU's flush of what a COW fault replaces is in it, for both; the child has
 * run on one CPU, so there is one to flush.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/bench/base_cow.h"
#include "tools/bench/bench.h"
#include "tools/bench/world.h"

struct contest {
	uint64_t pages;
	uint32_t *order[2]; /* sequential, random */
	struct bench_world world;
	struct pager_space *space;
	struct cow *cow;
	struct cow_space *cow_space;
};

static double faults_ours(const struct contest *c, struct pager_space *s,
			  const uint32_t *order)
{
	double start = bench_cpu();

	for (uint64_t i = 0; i < c->pages; i++)
		bench_world_write(s, BENCH_BASE + order[i]);
	return (bench_cpu() - start) / (double)c->pages;
}

static double faults_base(const struct contest *c, struct cow_space *s,
			  const uint32_t *order)
{
	double start = bench_cpu();

	for (uint64_t i = 0; i < c->pages; i++)
		if (!cow_write_fault(s, BENCH_BASE + order[i]))
			bench_die("the baseline's fault did nothing");
	return (bench_cpu() - start) / (double)c->pages;
}

static double zero_ours(struct contest *c, const uint32_t *order)
{
	double ns;

	bench_world_map(c->space, BENCH_BASE, c->pages, false);
	ns = faults_ours(c, c->space, order);
	if (pager_space_unmap(c->space,
			      pager_range(BENCH_BASE, BENCH_BASE + c->pages))
		.err)
		bench_die("unmap was refused");
	return ns;
}

static double zero_base(struct contest *c, const uint32_t *order)
{
	double ns;

	cow_map(c->cow_space, BENCH_BASE, c->pages);
	ns = faults_base(c, c->cow_space, order);
	cow_unmap(c->cow_space, BENCH_BASE);
	return ns;
}

static double cow_ours(struct contest *c, const uint32_t *order)
{
	struct pager_space *child;
	double ns;

	bench_world_map(c->space, BENCH_BASE, c->pages, true);
	child = bench_world_fork(&c->world, c->space);
	bench_world_run(child, BENCH_BASE);
	ns = faults_ours(c, child, order);
	pager_space_free(child);
	pager_space_unmap(c->space,
			  pager_range(BENCH_BASE, BENCH_BASE + c->pages));
	return ns;
}

static double cow_base(struct contest *c, const uint32_t *order)
{
	struct cow_space *child;
	double ns;

	cow_map(c->cow_space, BENCH_BASE, c->pages);
	faults_base(c, c->cow_space, c->order[0]);
	child = cow_fork(c->cow_space);
	ns = faults_base(c, child, order);
	cow_space_free(child);
	cow_unmap(c->cow_space, BENCH_BASE);
	return ns;
}

static void report(struct bench *b, const char *name,
		   const struct bench_series *ours,
		   const struct bench_series *base, double goal)
{
	struct bench_result r = {
	    .row = 3,
	    .name = name,
	    .unit = "ns",
	    .ours = bench_median(ours),
	    .linux_peer = NAN,
	    .baseline = bench_median(base),
	    .limit = NAN,
	    .rounds = ours->count,
	};
	char text[64];

	snprintf(text, sizeof(text), "at most %.0f ns", goal);
	r.goal = text;
	r.met = r.ours <= goal;
	bench_report(b, &r);
}

void bench_row_fault(struct bench *b)
{
	static const char *const names[2][2] = {
	    {"zero-fill/sequential", "zero-fill/random"},
	    {"cow/sequential", "cow/random"},
	};
	struct bench_series ours[2][2] = {0}, base[2][2] = {0};
	struct contest c = {.pages = b->quick ? 1 << 16 : 1 << 18};
	uint64_t nodes = 2 * bench_world_nodes(c.pages);

	c.order[0] = bench_shuffle((uint32_t)c.pages, c.pages);
	c.order[1] = bench_shuffle((uint32_t)c.pages, c.pages);
	for (uint32_t i = 0; i < c.pages; i++)
		c.order[0][i] = i;
	bench_world_init(&c.world, 2 * c.pages + 64, nodes, false);
	c.space = bench_world_space(&c.world);
	c.cow = bench_world_cow(&c.world, nodes);
	c.cow_space = cow_space_new(c.cow);
	for (unsigned int round = 0; round <= b->rounds; round++) {
		bench_step(b);
		for (int i = 0; i < 2; i++) {
			bench_add(&ours[0][i], zero_ours(&c, c.order[i]));
			bench_add(&base[0][i], zero_base(&c, c.order[i]));
			bench_add(&ours[1][i], cow_ours(&c, c.order[i]));
			bench_add(&base[1][i], cow_base(&c, c.order[i]));
		}
	}
	for (int kind = 0; kind < 2; kind++)
		for (int i = 0; i < 2; i++)
			report(b, names[kind][i], &ours[kind][i],
			       &base[kind][i], kind ? 40 : 50);
	cow_space_free(c.cow_space);
	cow_free(c.cow);
	pager_space_free(c.space);
	bench_world_fini(&c.world);
	free(c.order[0]);
	free(c.order[1]);
}
