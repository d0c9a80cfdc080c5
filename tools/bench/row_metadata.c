/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Row 10: bytes of metadata a resident page, and a page for each extra sharer.
 *
 * Ours is what the core's statistics say more than before; the baseline's what
 * it counts. Linux's is the page tables a forked child has; its records of
 * pages are not to be seen from outside. The limit is one 8-byte entry a page,
 * and one root of 4 KiB a sharer.
 *
 * Counts, not times: one look is enough, and the number of rounds is 1.
 */
#include <math.h>
#include <stdio.h>

#include "tools/bench/base_cow.h"
#include "tools/bench/bench.h"
#include "tools/bench/linux_peer.h"
#include "tools/bench/world.h"

static const unsigned int forks[] = {1, 10, 255, 1000};

enum {
	STEPS = sizeof(forks) / sizeof(forks[0]),
	FORKS_MAX = 1000,
	BASE_FORKS_MAX = 10, /* the baseline pays by the page */
};

struct contest {
	const char *size;
	uint64_t pages;
	struct bench_world world;
	struct pager_space *space;
	struct pager_space *child[FORKS_MAX];
	struct cow *cow;
	struct cow_space *cow_space;
	struct cow_space *cow_child[BASE_FORKS_MAX];
	struct linux_peer *linux_peer;
};

static double ours_bytes(const struct contest *c)
{
	struct pager_stats stats;

	pager_core_stats(c->world.core, &stats);
	return (double)stats.metadata_bytes;
}

static void pages(struct bench *b, struct contest *c)
{
	double n = (double)c->pages;
	double ours = ours_bytes(c), base = (double)cow_metadata(c->cow);
	char name[64];
	struct bench_result r = {
	    .row = 10,
	    .name = name,
	    .unit = "B/page",
	    .linux_peer = NAN,
	    .limit = 8,
	    .goal = "at most 18",
	    .rounds = 1,
	};

	bench_world_map(c->space, BENCH_BASE, c->pages, true);
	cow_map(c->cow_space, BENCH_BASE, c->pages);
	for (uint64_t i = 0; i < c->pages; i++)
		cow_write_fault(c->cow_space, BENCH_BASE + i);
	snprintf(name, sizeof(name), "metadata/page/%s", c->size);
	r.ours = (ours_bytes(c) - ours) / n;
	r.baseline = ((double)cow_metadata(c->cow) - base) / n;
	r.met = r.ours <= 18;
	bench_report(b, &r);
}

static void sharers(struct bench *b, struct contest *c)
{
	double n = (double)c->pages, linux_bytes;
	double ours = ours_bytes(c), base = (double)cow_metadata(c->cow);
	unsigned int at = 0;

	linux_bytes = linux_peer_tables(c->linux_peer);
	for (int i = 0; i < STEPS; i++) {
		char name[64];
		struct bench_result r = {
		    .row = 10,
		    .name = name,
		    .unit = "B/page/sharer",
		    .linux_peer = linux_bytes / n,
		    .baseline = NAN,
		    .limit = 4096 / n,
		    .goal = "under 0.1",
		    .rounds = 1,
		};

		bench_step(b);
		for (; at < forks[i]; at++) {
			c->child[at] = bench_world_fork(&c->world, c->space);
			if (at < BASE_FORKS_MAX)
				c->cow_child[at] = cow_fork(c->cow_space);
		}
		snprintf(name, sizeof(name), "metadata/sharer/%s/%u-forks",
			 c->size, forks[i]);
		r.ours = (ours_bytes(c) - ours) / n / forks[i];
		if (forks[i] <= BASE_FORKS_MAX)
			r.baseline = ((double)cow_metadata(c->cow) - base) / n /
				     forks[i];
		r.met = r.ours < 0.1;
		bench_report(b, &r);
	}
}

static void contest(struct bench *b, const char *size, uint64_t count)
{
	static struct contest c;
	uint64_t nodes = bench_world_nodes(count);

	c = (struct contest){.size = size, .pages = count};
	c.linux_peer = linux_peer_new(count, NULL);
	bench_world_init(&c.world, count + 64, nodes + FORKS_MAX, false);
	c.space = bench_world_space(&c.world);
	c.cow = bench_world_cow(&c.world, (BASE_FORKS_MAX + 1) * nodes);
	c.cow_space = cow_space_new(c.cow);
	pages(b, &c);
	sharers(b, &c);
	for (int i = 0; i < FORKS_MAX; i++)
		pager_space_free(c.child[i]);
	for (int i = 0; i < BASE_FORKS_MAX; i++)
		cow_space_free(c.cow_child[i]);
	cow_space_free(c.cow_space);
	cow_free(c.cow);
	pager_space_free(c.space);
	bench_world_fini(&c.world);
	linux_peer_free(c.linux_peer);
}

void bench_row_metadata(struct bench *b)
{
	contest(b, "64MiB", UINT64_C(1) << 14);
	contest(b, "1GiB", UINT64_C(1) << 18);
}
