/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What all rows of pager-bench share: rounds, series, results.
 *
 * A row takes every contestant once a round, one after the other, so that what
 * disturbs the machine disturbs all of them; the first round is a warm-up that
 * no series keeps, and a figure is the median of the others. Nothing here is a
 * gate: a goal that is missed is shown.
 */
#ifndef TOOLS_BENCH_BENCH_H
#define TOOLS_BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/common/progress.h"
#include "tools/common/table.h"

enum { BENCH_ROUNDS_MAX = 32 };

/* One contestant's rounds. */
struct bench_series {
	bool warm; /* the warm-up was seen and thrown away */
	unsigned int count;
	double value[BENCH_ROUNDS_MAX];
};

/* The first value is the warm-up and is thrown away. */
void bench_add(struct bench_series *series, double value);
/* NAN: nothing was measured. */
double bench_median(const struct bench_series *series);

/* One figure. What is NAN does not exist or could not be had. */
struct bench_result {
	unsigned int row; /* of the table of goals */
	const char *name;
	const char *unit;
	double ours;
	double linux_peer;
	double baseline;
	double limit;
	const char *goal;
	bool met;
	unsigned int rounds;
};

struct bench {
	bool json;
	bool quick;
	unsigned int rounds; /* that count, 5 or more */
	int cpu;	     /* what the benchmark is pinned to */
	struct tool_table *table;
	struct tool_progress progress;
	uint64_t steps; /* rounds done, for the progress line */
};

/* What is the name of where the contestants run: all on one CPU. */
#define BENCH_PLACEMENT "same-cpu"

void bench_report(struct bench *bench, const struct bench_result *result);
/* A round begins: shows how far the run has come. */
void bench_step(struct bench *bench);

/* Nanoseconds of the monotonic clock: for what is so short that it is seldom
 * interrupted, and for what two processes do. */
double bench_now(void);
/* Nanoseconds this thread has run: for what takes so long that others get the
 * CPU in between. Reading it costs a system call. */
double bench_cpu(void);
/* Print a message and exit with code 1: the machine cannot run the benchmark,
 * or a contestant did not do what it should have. */
_Noreturn void bench_die(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* Zeroed memory that costs nothing until touched; touch: all of it is made
 * present now, so that no contestant pays for it. Without huge pages. */
void *bench_pages_new(uint64_t bytes, bool touch);
void bench_pages_free(void *pages, uint64_t bytes);

/* A random permutation of 0 .. n - 1, the same for the same n and seed; the
 * caller frees it. */
uint32_t *bench_shuffle(uint32_t n, uint64_t seed);
/* xorshift64: the next number; *state is not 0. */
uint64_t bench_random(uint64_t *state);

/* The rows. */
void bench_row_fork(struct bench *bench);     /* 1 */
void bench_row_cow(struct bench *bench);      /* 2 */
void bench_row_fault(struct bench *bench);    /* 3 */
void bench_row_region(struct bench *bench);   /* 4 */
void bench_row_frame(struct bench *bench);    /* 5 */
void bench_row_runs(struct bench *bench);     /* 6 */
void bench_row_pool(struct bench *bench);     /* 7 */
void bench_row_request(struct bench *bench);  /* 8 */
void bench_row_dirty(struct bench *bench);    /* 9 */
void bench_row_metadata(struct bench *bench); /* 10 */
void bench_row_unplug(struct bench *bench);   /* 11 */
void bench_row_clone(struct bench *bench);    /* 12 */

#endif
