/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A flat bitmap, from one end to the other.
 */
#include "tools/bench/base_dirty.h"

#include <string.h>

#include "tools/bench/bench.h"

enum { STEP = 8 };

void base_dirty_init(struct base_dirty *b, uint64_t pages)
{
	*b = (struct base_dirty){.words = pages / 64};
	b->word = bench_pages_new(b->words * sizeof(*b->word), true);
#if defined(__x86_64__)
	b->wide = __builtin_cpu_supports("avx512f");
#endif
}

void base_dirty_fini(struct base_dirty *b)
{
	bench_pages_free(b->word, b->words * sizeof(*b->word));
}

static void give(struct base_dirty *b, uint64_t w, base_dirty_fn *fn, void *ctx)
{
	fn(ctx, w * 64, b->word + w, STEP);
	memset(b->word + w, 0, STEP * sizeof(*b->word));
}

#if defined(__x86_64__)

#include <immintrin.h>

#define WIDE __attribute__((target("avx512f")))

WIDE static inline __m512i load(const struct base_dirty *b, uint64_t w)
{
	return _mm512_load_si512(b->word + w);
}

WIDE static void take_wide(struct base_dirty *b, base_dirty_fn *fn, void *ctx)
{
	for (uint64_t w = 0; w < b->words; w += 4 * STEP) {
		__m512i a = _mm512_or_si512(load(b, w), load(b, w + STEP));
		__m512i c = _mm512_or_si512(load(b, w + 2 * STEP),
					    load(b, w + 3 * STEP));

		a = _mm512_or_si512(a, c);
		if (!_mm512_test_epi64_mask(a, a))
			continue;
		for (unsigned int i = 0; i < 4 * STEP; i += STEP) {
			a = load(b, w + i);
			if (_mm512_test_epi64_mask(a, a))
				give(b, w + i, fn, ctx);
		}
	}
}

#endif

static void take_plain(struct base_dirty *b, base_dirty_fn *fn, void *ctx)
{
	for (uint64_t w = 0; w < b->words; w += STEP) {
		const uint64_t *p = b->word + w;

		if (p[0] | p[1] | p[2] | p[3] | p[4] | p[5] | p[6] | p[7])
			give(b, w, fn, ctx);
	}
}

void base_dirty_take(struct base_dirty *b, base_dirty_fn *fn, void *ctx)
{
#if defined(__x86_64__)
	if (b->wide && b->words % (4 * STEP) == 0) {
		take_wide(b, fn, ctx);
		return;
	}
#endif
	take_plain(b, fn, ctx);
}
