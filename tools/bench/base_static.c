/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Level 0 holds the ends; an entry of a level above is the last key of 16 below
 * it. All levels are padded to whole nodes with the largest key, and the top
 * one is a single node: a step down is a count of the keys that are at or below
 * what is sought, and a multiplication.
 */
#include "tools/bench/base_static.h"

#include <assert.h>
#include <stdlib.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { FAN = 16 };

#define PAD ((uint64_t)INT64_MAX)

static size_t whole_nodes(size_t n)
{
	return n ? (n + FAN - 1) / FAN : 1;
}

int base_static_build(struct base_static *s, const uint64_t *ends, size_t n)
{
	size_t nodes[BASE_STATIC_LEVELS];
	size_t total = 0;
	uint64_t *keys;

	*s = (struct base_static){.n = n};
	do {
		assert(s->levels < BASE_STATIC_LEVELS);
		nodes[s->levels] =
		    whole_nodes(s->levels ? nodes[s->levels - 1] : n);
		total += nodes[s->levels] * FAN;
	} while (nodes[s->levels++] > 1);
	keys = aligned_alloc(64, total * sizeof(*keys));
	if (!keys)
		return -1;
	for (size_t i = 0; i < total; i++)
		keys[i] = i < n ? ends[i] : PAD;
	s->level[0] = keys;
	for (unsigned int l = 1; l < s->levels; l++) {
		s->level[l] = s->level[l - 1] + nodes[l - 1] * FAN;
		for (size_t i = 0; i < nodes[l - 1]; i++)
			s->level[l][i] = s->level[l - 1][i * FAN + FAN - 1];
	}
#if defined(__x86_64__)
	s->wide = __builtin_cpu_supports("avx512dq");
#endif
	return 0;
}

void base_static_fini(struct base_static *s)
{
	free(s->level[0]);
	s->level[0] = NULL;
}

#if defined(__x86_64__)

#define WIDE __attribute__((target("avx512f,avx512dq,popcnt")))

/* Of the 16 keys of a node, how many are at or below at. */
WIDE static inline size_t rank_wide(const uint64_t *keys, __m512i at)
{
	__mmask8 low = _mm512_cmple_epu64_mask(_mm512_load_si512(keys), at);
	__mmask8 high =
	    _mm512_cmple_epu64_mask(_mm512_load_si512(keys + 8), at);

	return (size_t)__builtin_popcount(_mm512_kunpackb(high, low));
}

WIDE static size_t find_wide(const struct base_static *s, uint64_t sought)
{
	__m512i at = _mm512_set1_epi64((long long)sought);
	size_t i = 0;

	switch (s->levels) {
	case 6:
		i = (i + rank_wide(s->level[5] + i, at)) * FAN;
		__attribute__((fallthrough));
	case 5:
		i = (i + rank_wide(s->level[4] + i, at)) * FAN;
		__attribute__((fallthrough));
	case 4:
		i = (i + rank_wide(s->level[3] + i, at)) * FAN;
		__attribute__((fallthrough));
	case 3:
		i = (i + rank_wide(s->level[2] + i, at)) * FAN;
		__attribute__((fallthrough));
	case 2:
		i = (i + rank_wide(s->level[1] + i, at)) * FAN;
		__attribute__((fallthrough));
	default:
		i = i + rank_wide(s->level[0] + i, at);
	}
	return i;
}

#endif

static size_t find_plain(const struct base_static *s, uint64_t at)
{
	size_t i = 0;

	for (unsigned int l = s->levels; l-- > 0;) {
		const uint64_t *keys = s->level[l] + i * FAN;
		size_t half = (size_t)(keys[7] <= at) * 8;

		keys += half;
		i = i * FAN + half;
		i += (size_t)((keys[0] <= at) + (keys[1] <= at) +
			      (keys[2] <= at) + (keys[3] <= at));
		i += (size_t)((keys[4] <= at) + (keys[5] <= at) +
			      (keys[6] <= at) + (keys[7] <= at));
	}
	return i;
}

size_t base_static_find(const struct base_static *s, uint64_t at)
{
	if (s->n == 0 || at >= s->level[0][s->n - 1])
		return s->n;
#if defined(__x86_64__)
	if (s->wide)
		return find_wide(s, at);
#endif
	return find_plain(s, at);
}
