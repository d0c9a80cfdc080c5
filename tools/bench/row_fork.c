/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Row 1: fork of a fully populated space, up to a child that can run.
 *
 * The pool is simulated: fork touches no frame, and 16 GiB need not be there.
 * The parent writes a page before each fork, so that each has a path to
 * write-protect again and translations to forget. Linux forks a process with a
 * private mapping of the size, where memory allows it. The limit is sharing a
 * root and nothing else: 4 KiB copied and references taken for what is in it.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/bench/base_cow.h"
#include "tools/bench/bench.h"
#include "tools/bench/linux_peer.h"
#include "tools/bench/world.h"

enum { FORKS = 15, ROOTS = 64, SLOTS = 512 };

struct size {
	const char *name;
	uint64_t pages;
	uint64_t regions;
	bool linux_peer;       /* a process of that size is made */
	bool linux_peer_quick; /* even with --quick */
};

#define GIB (UINT64_C(1) << 18) /* in pages */

static const struct size sizes[] = {
    {"64MiB", GIB / 16, 1, true, true},
    {"1GiB", GIB, 1, true, true},
    {"4GiB", 4 * GIB, 1, true, false},
    {"16GiB", 16 * GIB, 1, false, false},
    {"1GiB,100-regions", GIB, 100, false, false},
};

enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };

struct contest {
	const struct size *size;
	struct bench_world world;
	struct pager_space *space;
	struct cow *cow;
	struct cow_space *cow_space;
	struct linux_peer *linux_peer;
	uint64_t *roots; /* one to copy, and where to */
	uint32_t refs[SLOTS];
	/* fork alone, and until the child is gone */
	struct bench_series ours, ours_total;
	struct bench_series base, base_total;
	struct bench_series linux_fork, linux_total;
	struct bench_series limit;
};

/* The pieces stand apart, so that they stay regions of their own. */
static uint64_t piece_at(const struct size *size, uint64_t i)
{
	return BENCH_BASE + i * (size->pages / size->regions + 512);
}

static void populate(struct contest *c)
{
	const struct size *size = c->size;
	uint64_t each = size->pages / size->regions;
	struct pager_space_info info;

	for (uint64_t i = 0; i < size->regions; i++) {
		bench_world_map(c->space, piece_at(size, i), each, true);
		cow_map(c->cow_space, piece_at(size, i), each);
		for (uint64_t p = 0; p < each; p++)
			cow_write_fault(c->cow_space, piece_at(size, i) + p);
	}
	pager_space_info(c->space, &info);
	if (info.resident != each * size->regions ||
	    info.regions != size->regions ||
	    info.resident != cow_resident(c->cow_space))
		bench_die("fork: %s is not populated", size->name);
}

/* The child has the parent's pages, and no write of either reaches the
 * other. */
static void verify(struct contest *c)
{
	uint64_t vpn = piece_at(c->size, 0);
	struct pager_space *child = bench_world_fork(&c->world, c->space);
	struct cow_space *cow_child = cow_fork(c->cow_space);
	struct pager_page_info mine, theirs;
	struct pager_space_info info;

	pager_space_info(child, &info);
	bench_world_write(child, vpn);
	pager_space_page(child, vpn, &mine);
	pager_space_page(c->space, vpn, &theirs);
	if (info.resident < c->size->pages - c->size->regions ||
	    mine.pa == theirs.pa || !(mine.access & PAGER_ACCESS_WRITE) ||
	    theirs.access & PAGER_ACCESS_WRITE)
		bench_die("fork: the child is not what it should be");
	if (cow_resident(cow_child) != info.resident ||
	    cow_writable(c->cow_space, vpn) || !cow_write_fault(cow_child, vpn))
		bench_die("fork: the baseline's child is not what it should "
			  "be");
	cow_space_free(cow_child);
	pager_space_free(child);
}

static void contest_init(struct contest *c, const struct bench *b,
			 const struct size *size)
{
	uint64_t nodes = bench_world_nodes(size->pages) + 4 * size->regions;

	memset(c, 0, sizeof(*c));
	c->size = size;
	if (b->quick ? size->linux_peer_quick : size->linux_peer)
		c->linux_peer = linux_peer_new(size->pages, NULL);
	bench_world_init(&c->world, size->pages + 64, nodes + 64, false);
	c->space = bench_world_space(&c->world);
	c->cow = bench_world_cow(&c->world, 2 * nodes + 64);
	c->cow_space = cow_space_new(c->cow);
	c->roots = bench_pages_new(2 * 4096, true);
	populate(c);
	verify(c);
}

static void contest_fini(struct contest *c)
{
	cow_space_free(c->cow_space);
	cow_free(c->cow);
	pager_space_free(c->space);
	bench_world_fini(&c->world);
	bench_pages_free(c->roots, 2 * 4096);
	linux_peer_free(c->linux_peer);
}

static void take_ours(struct contest *c)
{
	struct bench_series fork = {.warm = true}, total = {.warm = true};

	for (uint64_t i = 0; i < FORKS; i++) {
		uint64_t at = piece_at(c->size, i % c->size->regions);
		double start, forked, gone;
		struct pager_space *child;

		/* What the last fork left read-only: the path and the page. */
		bench_world_write(c->space, at + i * 131 % 512);
		bench_world_run(c->space, at);
		start = bench_now();
		child = bench_world_fork(&c->world, c->space);
		forked = bench_now();
		pager_space_free(child);
		gone = bench_now();
		bench_add(&fork, forked - start);
		bench_add(&total, gone - start);
	}
	bench_add(&c->ours, bench_median(&fork));
	bench_add(&c->ours_total, bench_median(&total));
}

static void take_base(struct contest *c)
{
	struct bench_series fork = {.warm = true}, total = {.warm = true};

	for (uint64_t i = 0; i < 3; i++) {
		double start, forked, gone;
		struct cow_space *child;

		cow_write_fault(c->cow_space,
				piece_at(c->size, i % c->size->regions));
		start = bench_cpu();
		child = cow_fork(c->cow_space);
		forked = bench_cpu();
		cow_space_free(child);
		gone = bench_cpu();
		bench_add(&fork, forked - start);
		bench_add(&total, gone - start);
	}
	bench_add(&c->base, bench_median(&fork));
	bench_add(&c->base_total, bench_median(&total));
}

static void take_linux(struct contest *c)
{
	struct linux_forks f = linux_peer_fork(c->linux_peer, 3);

	if (isfinite(f.fork)) {
		bench_add(&c->linux_fork, f.fork);
		bench_add(&c->linux_total, f.total);
	}
}

static void take_limit(struct contest *c)
{
	uint64_t leaves = c->size->pages / SLOTS / SLOTS / SLOTS + 1;
	double start = bench_now();

	for (int i = 0; i < ROOTS; i++) {
		memcpy(c->roots + SLOTS, c->roots, 4096);
		for (uint64_t n = 0; n < leaves; n++)
			((volatile uint32_t *)c->refs)[n]++;
	}
	bench_add(&c->limit, (bench_now() - start) / ROOTS);
}

static void report(struct bench *b, struct contest *c, double flat)
{
	struct bench_result r = {
	    .row = 1,
	    .unit = "ns",
	    .ours = bench_median(&c->ours),
	    .linux_peer = bench_median(&c->linux_fork),
	    .baseline = bench_median(&c->base),
	    .limit = bench_median(&c->limit),
	    .rounds = c->ours.count,
	};
	char name[64], goal[128];
	bool linux_too = c->size->pages == GIB && isfinite(r.linux_peer);

	snprintf(name, sizeof(name), "fork/%s", c->size->name);
	snprintf(goal, sizeof(goal), "at most 10 us%s%s",
		 c->size->regions > 1 ? "" : ", 2x that of 64MiB",
		 linux_too ? ", 500x Linux" : "");
	r.name = name;
	r.goal = goal;
	r.met =
	    r.ours <= 10000 && r.ours <= r.baseline &&
	    (c->size->regions > 1 || !isfinite(flat) || r.ours <= 2 * flat) &&
	    (!linux_too || r.linux_peer >= 500 * r.ours);
	bench_report(b, &r);

	snprintf(name, sizeof(name), "fork+free/%s", c->size->name);
	r.goal = "at most the baseline";
	r.ours = bench_median(&c->ours_total);
	r.baseline = bench_median(&c->base_total);
	r.linux_peer = bench_median(&c->linux_total);
	r.limit = NAN;
	r.met = r.ours <= r.baseline;
	bench_report(b, &r);
}

void bench_row_fork(struct bench *b)
{
	struct contest *c = calloc(1, sizeof(*c));
	double flat = NAN;

	if (!c)
		bench_die("no memory");
	for (int i = 0; i < SIZES; i++) {
		contest_init(c, b, &sizes[i]);
		for (unsigned int round = 0; round <= b->rounds; round++) {
			bench_step(b);
			take_ours(c);
			take_base(c);
			take_linux(c);
			take_limit(c);
		}
		report(b, c, flat);
		if (i == 0)
			flat = bench_median(&c->ours);
		contest_fini(c);
	}
	free(c);
}
