/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Row 2: fork, write to k% of the pages, exit; the whole of it, with memory.
 *
 * Every contestant writes the same 8 bytes to the same pages in the same
 * order, a random one over all of the space: the worst for shared subtrees,
 * since each write is likely to be the first below its leaf table. Ours and
 * the baseline fault, look the page up in the table and store; Linux's child
 * stores. The limit is the copies alone: 4 KiB each, in the same order.
 *
 * Pages differ in what they cost to reach (how the machine below maps them), so
 * ours, the baseline and the limit copy in the same memory, one after the
 * other; what it holds means nothing once both were verified.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/bench/base_cow.h"
#include "tools/bench/bench.h"
#include "tools/bench/linux_peer.h"
#include "tools/bench/world.h"

static const unsigned int percents[] = {0, 1, 10, 100};

enum { PERCENTS = sizeof(percents) / sizeof(percents[0]) };

struct series {
	struct bench_series ours, base, linux_peer, limit;
};

struct contest {
	uint64_t pages;
	uint32_t *order;
	struct bench_world world;
	struct pager_space *space;
	struct cow *cow;
	struct cow_space *cow_space;
	struct linux_peer *linux_peer;
	struct series series[PERCENTS];
};

static void store(uint8_t *page, uint64_t value)
{
	*(volatile uint64_t *)page = value;
}

static void write_ours(struct contest *c, struct pager_space *s, uint64_t vpn,
		       uint64_t value)
{
	store(bench_world_bytes(&c->world, bench_world_write(s, vpn)), value);
}

static void write_base(struct cow_space *s, uint64_t vpn, uint64_t value)
{
	cow_write_fault(s, vpn);
	store(cow_bytes(s, vpn), value);
}

static double take_ours(struct contest *c, uint64_t writes)
{
	double start = bench_cpu();
	struct pager_space *child = bench_world_fork(&c->world, c->space);

	bench_world_run(child, BENCH_BASE);
	for (uint64_t i = 0; i < writes; i++)
		write_ours(c, child, BENCH_BASE + c->order[i], i);
	pager_space_free(child);
	return bench_cpu() - start;
}

static double take_base(struct contest *c, uint64_t writes)
{
	double start = bench_cpu();
	struct cow_space *child = cow_fork(c->cow_space);

	for (uint64_t i = 0; i < writes; i++)
		write_base(child, BENCH_BASE + c->order[i], i);
	cow_space_free(child);
	return bench_cpu() - start;
}

static double take_limit(struct contest *c, uint64_t writes)
{
	uint8_t *from = c->world.memory, *to = from + c->pages * 4096;
	double start = bench_cpu();

	for (uint64_t i = 0; i < writes; i++) {
		uint64_t at = (uint64_t)c->order[i] * 4096;

		memcpy(to + at, from + at, 4096);
		store(to + at, i);
	}
	return bench_cpu() - start;
}

/* Fill the space, then let a child write: the parent keeps what it had. */
static void populate_ours(struct contest *c)
{
	struct pager_space *child;

	bench_world_map(c->space, BENCH_BASE, c->pages, false);
	for (uint64_t i = 0; i < c->pages; i++)
		write_ours(c, c->space, BENCH_BASE + i, i);
	child = bench_world_fork(&c->world, c->space);
	for (uint64_t i = 0; i < c->pages; i += 97)
		write_ours(c, child, BENCH_BASE + i, ~i);
	for (uint64_t i = 0; i < c->pages; i += 97) {
		struct pager_page_info mine, theirs;
		uint64_t got[2];

		pager_space_page(child, BENCH_BASE + i, &mine);
		pager_space_page(c->space, BENCH_BASE + i, &theirs);
		memcpy(&got[0], bench_world_bytes(&c->world, mine.pa), 8);
		memcpy(&got[1], bench_world_bytes(&c->world, theirs.pa), 8);
		if (got[0] != ~i || got[1] != i)
			bench_die("cow: a write went astray");
	}
	pager_space_free(child);
}

static void populate_base(struct contest *c)
{
	struct cow_space *child;

	cow_map(c->cow_space, BENCH_BASE, c->pages);
	for (uint64_t i = 0; i < c->pages; i++)
		write_base(c->cow_space, BENCH_BASE + i, i);
	child = cow_fork(c->cow_space);
	for (uint64_t i = 0; i < c->pages; i += 97)
		write_base(child, BENCH_BASE + i, ~i);
	for (uint64_t i = 0; i < c->pages; i += 97) {
		uint64_t got[2];

		memcpy(&got[0], cow_bytes(child, BENCH_BASE + i), 8);
		memcpy(&got[1], cow_bytes(c->cow_space, BENCH_BASE + i), 8);
		if (got[0] != ~i || got[1] != i)
			bench_die("cow: a write of the baseline went astray");
	}
	cow_space_free(child);
}

static void contest_init(struct contest *c, uint64_t pages)
{
	uint64_t nodes = 2 * bench_world_nodes(pages);

	*c = (struct contest){.pages = pages};
	c->order = bench_shuffle((uint32_t)pages, pages);
	c->linux_peer = linux_peer_new(pages, c->order);
	bench_world_init(&c->world, 2 * pages + 64, nodes, true);
	c->space = bench_world_space(&c->world);
	c->cow = bench_world_cow(&c->world, nodes);
	c->cow_space = cow_space_new(c->cow);
	populate_ours(c);
	populate_base(c);
}

static void contest_fini(struct contest *c)
{
	cow_space_free(c->cow_space);
	cow_free(c->cow);
	pager_space_free(c->space);
	bench_world_fini(&c->world);
	linux_peer_free(c->linux_peer);
	free(c->order);
}

/* Who goes first changes from round to round: what the last contestant left in
 * the caches is nobody's advantage. */
static void take(struct contest *c, int which, bool ours_first)
{
	struct series *s = &c->series[which];
	uint64_t writes = c->pages * percents[which] / 100;
	double linux_ns;

	if (ours_first)
		bench_add(&s->ours, take_ours(c, writes) / 1000);
	bench_add(&s->base, take_base(c, writes) / 1000);
	if (!ours_first)
		bench_add(&s->ours, take_ours(c, writes) / 1000);
	linux_ns = linux_peer_cow(c->linux_peer, writes);
	if (isfinite(linux_ns))
		bench_add(&s->linux_peer, linux_ns / 1000);
	if (writes)
		bench_add(&s->limit, take_limit(c, writes) / 1000);
}

void bench_row_cow(struct bench *b)
{
	uint64_t mib = b->quick ? 64 : 256;
	struct contest c;

	contest_init(&c, mib << (20 - PAGER_PAGE_SHIFT));
	for (unsigned int round = 0; round <= b->rounds; round++) {
		for (int i = 0; i < PERCENTS; i++) {
			bench_step(b);
			take(&c, i, round % 2);
		}
	}
	for (int i = 0; i < PERCENTS; i++) {
		struct series *s = &c.series[i];
		struct bench_result r = {
		    .row = 2,
		    .unit = "us",
		    .ours = bench_median(&s->ours),
		    .linux_peer = bench_median(&s->linux_peer),
		    .baseline = bench_median(&s->base),
		    .limit = bench_median(&s->limit),
		    .goal = "at most the baseline",
		    .rounds = s->ours.count,
		};
		char name[64];

		snprintf(name, sizeof(name), "fork+write+exit/%uMiB/%u%%",
			 (unsigned int)mib, percents[i]);
		r.name = name;
		r.met = r.ours <= r.baseline;
		bench_report(b, &r);
	}
	contest_fini(&c);
}
