/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the regions of row 4 lie, and how many operations are timed at once.
 *
 *	region 0	       region 1
 *	|########|.............|########|.............
 *	0	 8	       24	32 .. 48
 *			^ 16: a gap's page, clear of both
 */
#ifndef TOOLS_BENCH_ROW_REGION_H
#define TOOLS_BENCH_ROW_REGION_H

#include <stdint.h>

#include "tools/bench/bench.h"

enum {
	REGION_PAGES = 8,
	REGION_STRIDE = 24,
	REGION_GAP = 16,
	REGION_BATCH = 64,   /* operations under one reading of the clock */
	REGION_BATCHES = 31, /* a round, of which the median counts */
};

static inline uint64_t region_start(uint64_t i)
{
	return UINT64_C(0x10000) + i * REGION_STRIDE;
}

/* A batch must not change how many regions there are by much: the 64 go into
 * as many copies of a small tree, one into each. */
static inline unsigned int region_copies(uint64_t n)
{
	return n < 1000 ? REGION_BATCH : 1;
}

/* REGION_BATCH random regions out of n, no two the same in one copy. */
static inline void region_picks(uint64_t pick[REGION_BATCH], uint64_t n,
				unsigned int copies, uint64_t *chance)
{
	uint64_t each = copies > 1 ? n : n / REGION_BATCH;

	for (unsigned int i = 0; i < REGION_BATCH; i++)
		pick[i] =
		    bench_random(chance) % each + (copies > 1 ? 0 : i * each);
}

/* Whole operations on spaces. */
void bench_row_region_ops(struct bench *bench);

#endif
