/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two halves of row 7: device and memory alone (row_pool.c), and the whole
 * way from the wish on (row_pool_whole.c).
 */
#ifndef TOOLS_BENCH_ROW_POOL_H
#define TOOLS_BENCH_ROW_POOL_H

#include "tools/bench/bench.h"

/* pages: of memory that is really taken, whole memory blocks; rounds: of
 * those. */
void bench_pool_whole(struct bench *b, uint64_t pages, unsigned int rounds);

/* One figure, us a GiB: with a limit the goal is 0.9 of its speed, else 4,000
 * GiB/s. */
void bench_pool_report(struct bench *b, const char *name,
		       const struct bench_series *ours,
		       const struct bench_series *limit);

#endif
