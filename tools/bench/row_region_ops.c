/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Row 4, second half: whole operations on spaces with 10 to 100,000 regions,
 * limits, accounts, gap search, merging and the flush included.
 *
 *	map		one page in a random gap, by address
 *	unmap		it again
 *	split		protect a page in the middle of a random region: three
 *	join		protect it as it was: one
 *	map-anywhere	pages that only one gap, at a third of the way, can take
 *
 * There is no peer: the goal is that they grow with the logarithm.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "tools/bench/bench.h"
#include "tools/bench/row_region.h"
#include "tools/bench/world.h"

enum op { OP_MAP, OP_UNMAP, OP_SPLIT, OP_JOIN, OP_ANYWHERE, OPS };

static const char *const op_names[OPS] = {"map", "unmap", "split", "join",
					  "map-anywhere"};

enum { LONG_PAGES = 64 }; /* what map-anywhere asks for */

struct contest {
	uint64_t n;
	unsigned int copies;
	struct bench_world world;
	struct pager_space *space[REGION_BATCH];
	struct bench_series series[OPS];
};

/* Above that region the gap is long enough for map-anywhere. */
static uint64_t start_of(const struct contest *c, uint64_t i)
{
	return region_start(i) + (i > c->n / 3 ? 2 * LONG_PAGES : 0);
}

static struct pager_space *build(struct contest *c)
{
	uint64_t end = start_of(c, c->n - 1) + REGION_STRIDE;
	struct pager_space *space =
	    bench_world_space_in(&c->world, pager_range(region_start(0), end));

	for (uint64_t i = 0; i < c->n; i++)
		bench_world_map(space, start_of(c, i), REGION_PAGES, false);
	return space;
}

static void contest_init(struct contest *c, uint64_t n)
{
	*c = (struct contest){.n = n, .copies = region_copies(n)};
	bench_world_init(&c->world, 64, 1024, false);
	for (unsigned int i = 0; i < c->copies; i++)
		c->space[i] = build(c);
}

static void contest_fini(struct contest *c)
{
	for (unsigned int i = 0; i < c->copies; i++)
		pager_space_free(c->space[i]);
	bench_world_fini(&c->world);
}

static void check(struct pager_status st, const char *what)
{
	if (st.err)
		bench_die("%s: error %u", what, st.err);
}

static void do_map(struct pager_space *s, uint64_t at, uint64_t pages,
		   uint32_t flags)
{
	struct pager_map_args args = {
	    .addr = at,
	    .pages = pages,
	    .prot = PAGER_PROT_READ | PAGER_PROT_WRITE,
	    .flags = flags,
	};

	check(pager_space_map(s, &args, &at), "map");
}

/* start: where the region begins that is split, or above which is the gap. */
static void do_op(struct pager_space *s, enum op op, uint64_t start)
{
	uint64_t middle = start + REGION_PAGES / 2;
	uint64_t at = start + REGION_GAP;

	switch (op) {
	case OP_MAP:
		do_map(s, at, 1, PAGER_MAP_FIXED | PAGER_MAP_NOREPLACE);
		break;
	case OP_UNMAP:
		check(pager_space_unmap(s, pager_range(at, at + 1)), "unmap");
		break;
	case OP_SPLIT:
		check(pager_space_protect(s, pager_range(middle, middle + 1),
					  PAGER_PROT_READ),
		      "split");
		break;
	case OP_JOIN:
		check(pager_space_protect(s, pager_range(middle, middle + 1),
					  PAGER_PROT_READ | PAGER_PROT_WRITE),
		      "join");
		break;
	default:
		break;
	}
}

static uint64_t regions_of(const struct pager_space *s)
{
	struct pager_space_info info;

	pager_space_info(s, &info);
	return info.regions;
}

static double batch(struct contest *c, enum op op, const uint64_t *pick)
{
	double start = bench_now();

	for (unsigned int i = 0; i < REGION_BATCH; i++)
		do_op(c->space[i % c->copies], op, start_of(c, pick[i]));
	return bench_now() - start;
}

/* One at a time: there is one place only, and it is freed in between. */
static double anywhere(struct contest *c, unsigned int i)
{
	struct pager_space *s = c->space[i % c->copies];
	double start = bench_now(), end;

	do_map(s, UINT64_MAX, LONG_PAGES, 0);
	end = bench_now();
	check(pager_space_unmap(
		  s, pager_range(region_start(c->n / 3) + REGION_PAGES,
				 start_of(c, c->n / 3 + 1))),
	      "unmap");
	return end - start;
}

static void take(struct contest *c, uint64_t *chance)
{
	struct bench_series ns[OPS] = {0};

	for (int i = 0; i <= REGION_BATCHES; i++) {
		uint64_t pick[REGION_BATCH];
		double sum = 0;

		region_picks(pick, c->n, c->copies, chance);
		for (int op = 0; op < OP_ANYWHERE; op++)
			bench_add(&ns[op], batch(c, op, pick));
		for (unsigned int j = 0; j < REGION_BATCH; j++)
			sum += anywhere(c, j);
		bench_add(&ns[OP_ANYWHERE], sum);
	}
	for (int op = 0; op < OPS; op++)
		bench_add(&c->series[op], bench_median(&ns[op]) / REGION_BATCH);
	for (unsigned int i = 0; i < c->copies; i++)
		if (regions_of(c->space[i]) != c->n)
			bench_die("regions were lost or left behind");
}

static void report(struct bench *b, const struct contest *c, unsigned int log,
		   double first[OPS])
{
	for (int op = 0; op < OPS; op++) {
		char name[64], goal[64];
		struct bench_result r = {
		    .row = 4,
		    .name = name,
		    .unit = "ns",
		    .ours = bench_median(&c->series[op]),
		    .linux_peer = NAN,
		    .baseline = NAN,
		    .limit = NAN,
		    .goal = goal,
		    .rounds = c->series[op].count,
		};

		if (log == 1)
			first[op] = r.ours;
		snprintf(name, sizeof(name), "%s/%" PRIu64, op_names[op], c->n);
		snprintf(goal, sizeof(goal), "O(log n): at most %ux that of 10",
			 log);
		r.met = r.ours <= log * first[op];
		bench_report(b, &r);
	}
}

void bench_row_region_ops(struct bench *b)
{
	static struct contest c;
	uint64_t chance = 1, n = 10;
	double first[OPS];

	for (unsigned int log = 1; log <= 5; log++, n *= 10) {
		contest_init(&c, n);
		for (unsigned int round = 0; round <= b->rounds; round++) {
			bench_step(b);
			take(&c, &chance);
		}
		report(b, &c, log, first);
		contest_fini(&c);
	}
}
