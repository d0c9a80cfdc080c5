/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loops over words and entries, once for each kind of processor; the best
 * one is found out at the first call. Each kind gives exactly what the portable
 * one gives. Loads are of whole entries: on x86-64 the eight bytes of each lane
 * of a vector are read at once, so that an entry that changes meanwhile is seen
 * as it was before or as it is after.
 */
#include "lib/base/scan.h"

#include <assert.h>
#include <stdatomic.h>

enum { ENTRIES = 512, OUT_WORDS = ENTRIES / 64 };

struct kernel {
	bool (*entries)(const uint64_t *entry, uint64_t mask, uint64_t *out);
	uint64_t (*count)(const uint64_t *word, size_t n);
};

static bool entries_portable(const uint64_t *entry, uint64_t mask,
			     uint64_t *out)
{
	uint64_t any = 0;

	for (unsigned int w = 0; w < OUT_WORDS; w++) {
		uint64_t bits = 0;

		for (unsigned int i = 0; i < 64; i++) {
			uint64_t e = *(const volatile uint64_t *)entry++;

			bits |= (uint64_t)((e & mask) == mask) << i;
		}
		out[w] = bits;
		any |= bits;
	}
	return any != 0;
}

static uint64_t count_portable(const uint64_t *word, size_t n)
{
	uint64_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += (uint64_t)__builtin_popcountll(word[i]);
	return count;
}

static const struct kernel kernel_portable = {
    .entries = entries_portable,
    .count = count_portable,
};

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX2	     __attribute__((target("avx2,popcnt")))
#define AVX512	     __attribute__((target("avx512f,popcnt")))
#define AVX512_COUNT __attribute__((target("avx512f,avx512vpopcntdq,popcnt")))

/* Of the four entries from e on: a bit each. */
AVX2 static inline uint64_t match4(const uint64_t *e, __m256i mask)
{
	__m256i v = _mm256_loadu_si256((const __m256i *)e);

	v = _mm256_cmpeq_epi64(_mm256_and_si256(v, mask), mask);
	return (uint64_t)_mm256_movemask_pd(_mm256_castsi256_pd(v));
}

AVX2 static bool entries_avx2(const uint64_t *entry, uint64_t mask,
			      uint64_t *out)
{
	const __m256i m = _mm256_set1_epi64x((long long)mask);
	uint64_t any = 0;

	for (unsigned int w = 0; w < OUT_WORDS; w++, entry += 64) {
		uint64_t bits = 0;

		for (unsigned int i = 0; i < 64; i += 4)
			bits |= match4(entry + i, m) << i;
		out[w] = bits;
		any |= bits;
	}
	return any != 0;
}

AVX2 static uint64_t count_avx2(const uint64_t *word, size_t n)
{
	uint64_t a = 0, b = 0, c = 0, d = 0;
	size_t i = 0;

	for (; n - i >= 4; i += 4) {
		a += (uint64_t)_mm_popcnt_u64(word[i]);
		b += (uint64_t)_mm_popcnt_u64(word[i + 1]);
		c += (uint64_t)_mm_popcnt_u64(word[i + 2]);
		d += (uint64_t)_mm_popcnt_u64(word[i + 3]);
	}
	for (; i < n; i++)
		a += (uint64_t)_mm_popcnt_u64(word[i]);
	return a + b + c + d;
}

static const struct kernel kernel_avx2 = {
    .entries = entries_avx2,
    .count = count_avx2,
};

/* Of the eight entries from e on: a bit each. */
AVX512 static inline uint64_t match8(const uint64_t *e, __m512i mask)
{
	__m512i v = _mm512_loadu_si512(e);

	return _mm512_cmpeq_epi64_mask(_mm512_and_si512(v, mask), mask);
}

AVX512 static bool entries_avx512(const uint64_t *entry, uint64_t mask,
				  uint64_t *out)
{
	const __m512i m = _mm512_set1_epi64((long long)mask);
	uint64_t any = 0;

	for (unsigned int w = 0; w < OUT_WORDS; w++, entry += 64) {
		uint64_t bits = 0;

		for (unsigned int i = 0; i < 64; i += 8)
			bits |= match8(entry + i, m) << i;
		out[w] = bits;
		any |= bits;
	}
	return any != 0;
}

AVX512_COUNT static uint64_t count_avx512(const uint64_t *word, size_t n)
{
	__m512i a = _mm512_setzero_si512(), b = a;
	uint64_t rest = 0;
	size_t i = 0;

	for (; n - i >= 16; i += 16) {
		__m512i v = _mm512_loadu_si512(word + i);
		__m512i w = _mm512_loadu_si512(word + i + 8);

		a = _mm512_add_epi64(a, _mm512_popcnt_epi64(v));
		b = _mm512_add_epi64(b, _mm512_popcnt_epi64(w));
	}
	for (; i < n; i++)
		rest += (uint64_t)_mm_popcnt_u64(word[i]);
	return rest + (uint64_t)_mm512_reduce_add_epi64(_mm512_add_epi64(a, b));
}

static const struct kernel kernel_avx512 = {
    .entries = entries_avx512,
    .count = count_avx512,
};

/* The first processors with AVX-512 could not count bits with it. */
static const struct kernel kernel_avx512_first = {
    .entries = entries_avx512,
    .count = count_avx2,
};

static const struct kernel *kernel_of(enum scan_kind kind)
{
	switch (kind) {
	case SCAN_AVX512:
		if (!__builtin_cpu_supports("avx512f") ||
		    !__builtin_cpu_supports("popcnt"))
			return NULL;
		return __builtin_cpu_supports("avx512vpopcntdq")
			   ? &kernel_avx512
			   : &kernel_avx512_first;
	case SCAN_AVX2:
		return __builtin_cpu_supports("avx2") &&
			       __builtin_cpu_supports("popcnt")
			   ? &kernel_avx2
			   : NULL;
	case SCAN_PORTABLE:
		return &kernel_portable;
	default:
		return NULL;
	}
}

#else

static const struct kernel *kernel_of(enum scan_kind kind)
{
	return kind == SCAN_PORTABLE ? &kernel_portable : NULL;
}

#endif

/* What is in use; NULL before the first call. Threads that find out at the same
 * time find the same. */
static _Atomic(const struct kernel *) in_use;

static const struct kernel *best(void)
{
	scan_use(scan_best());
	return atomic_load_explicit(&in_use, memory_order_relaxed);
}

static inline const struct kernel *kernel(void)
{
	const struct kernel *k =
	    atomic_load_explicit(&in_use, memory_order_relaxed);

	return k ? k : best();
}

bool scan_can(enum scan_kind kind)
{
	return kernel_of(kind) != NULL;
}

enum scan_kind scan_best(void)
{
	for (int kind = SCAN_KINDS - 1; kind > SCAN_PORTABLE; kind--)
		if (scan_can((enum scan_kind)kind))
			return (enum scan_kind)kind;
	return SCAN_PORTABLE;
}

void scan_use(enum scan_kind kind)
{
	const struct kernel *k = kernel_of(kind);

	assert(k);
	atomic_store_explicit(&in_use, k, memory_order_relaxed);
}

bool scan_entries(const uint64_t *entry, uint64_t mask, uint64_t out[8])
{
	return kernel()->entries(entry, mask, out);
}

uint64_t scan_count(const uint64_t *word, size_t n)
{
	return kernel()->count(word, n);
}
