/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The limit for a lookup: disjoint ranges in a sorted array that never changes,
 * under a 16-ary tree of keys without pointers, searched with AVX-512 where the
 * processor has it and with plain C elsewhere.
 */
#ifndef TOOLS_BENCH_BASE_STATIC_H
#define TOOLS_BENCH_BASE_STATIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BASE_STATIC_LEVELS = 6 };

struct base_static {
	uint64_t *level[BASE_STATIC_LEVELS]; /* 0: the ends themselves */
	unsigned int levels;
	bool wide; /* use AVX-512 */
	size_t n;  /* ranges */
};

/* ends: those of n disjoint ranges, ascending, below 2^63; they are copied. A
 * range's start is no part of a search. n <= 2^24. 0, or -1: no memory. */
int base_static_build(struct base_static *s, const uint64_t *ends, size_t n);
void base_static_fini(struct base_static *s);
/* The index of the first range with end > at, or n. */
size_t base_static_find(const struct base_static *s, uint64_t at);

#endif
