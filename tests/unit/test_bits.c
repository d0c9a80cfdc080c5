/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ranges of bits and bitmaps of bitmaps, against one bool a bit.
 */
#include "lib/base/bits.h"
#include "lib/base/hbits.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/rng.h"
#include "tests/support/unit.h"

enum { BITS = 300 };

static uint64_t map[(BITS + 63) / 64];
static bool plain[BITS];

static uint64_t plain_next(uint64_t from, uint64_t to, bool value)
{
	while (from < to && plain[from] != value)
		from++;
	return from < to ? from : to;
}

static uint64_t plain_back(uint64_t from, uint64_t to, bool value)
{
	while (to > from && plain[to - 1] != value)
		to--;
	return to > from ? to : from;
}

START_TEST(ranges_of_bits_are_what_single_bits_say)
{
	struct rng r = rng_new(1);

	for (unsigned int round = 0; round < 20000; round++) {
		uint64_t from = rng_below(&r, BITS + 1);
		uint64_t to = from + rng_below(&r, BITS + 1 - from);
		bool set = rng_percent(&r, 50);
		uint64_t n = 0;

		(set ? bits_set : bits_clear)(map, from, to);
		for (uint64_t i = from; i < to; i++)
			plain[i] = set;
		from = rng_below(&r, BITS + 1);
		to = from + rng_below(&r, BITS + 1 - from);
		for (uint64_t i = from; i < to; i++) {
			ck_assert_int_eq(bits_test(map, i), plain[i]);
			n += plain[i];
		}
		ck_assert_uint_eq(bits_count(map, from, to), n);
		ck_assert_int_eq(bits_none(map, from, to), n == 0);
		ck_assert_int_eq(bits_all(map, from, to), n == to - from);
		ck_assert_uint_eq(bits_next_set(map, from, to),
				  plain_next(from, to, true));
		ck_assert_uint_eq(bits_next_clear(map, from, to),
				  plain_next(from, to, false));
		ck_assert_uint_eq(bits_seek_back(map, from, to, 0),
				  plain_back(from, to, true));
		ck_assert_uint_eq(bits_seek_back(map, from, to, UINT64_MAX),
				  plain_back(from, to, false));
	}
}
END_TEST

static void hbits_round(uint64_t bits, uint64_t seed)
{
	struct rng r = rng_new(seed);
	uint64_t *words = calloc(hbits_words(bits), sizeof(*words));
	bool *set = calloc(bits, sizeof(*set));
	struct hbits h;
	uint64_t count = 0;

	ck_assert(words && set);
	hbits_init(&h, bits, words);
	for (unsigned int round = 0; round < 3000; round++) {
		uint64_t i = rng_below(&r, bits);
		uint64_t next = rng_below(&r, bits + 70), at = next;

		if (rng_percent(&r, 50)) {
			count += !set[i];
			set[i] = true;
			hbits_set(&h, i);
		} else {
			count -= set[i];
			set[i] = false;
			hbits_clear(&h, i);
			i = hbits_next(&h, rng_below(&r, bits));
			if (i != HBITS_NONE && rng_percent(&r, 50)) {
				hbits_clear(&h, i);
				set[i] = false;
				count--;
			}
		}
		ck_assert_uint_eq(h.count, count);
		while (next < bits && !set[next])
			next++;
		ck_assert_uint_eq(hbits_next(&h, at),
				  next < bits ? next : HBITS_NONE);
		next = at < bits ? at : bits;
		while (next && !set[next - 1])
			next--;
		ck_assert_uint_eq(hbits_prev(&h, at),
				  next ? next - 1 : HBITS_NONE);
	}
	ck_assert_uint_eq(hbits_prev(&h, 0), HBITS_NONE);
	free(words);
	free(set);
}

START_TEST(a_bitmap_of_bitmaps_finds_what_a_walk_finds)
{
	static const uint64_t sizes[] = {
	    1, 2, 63, 64, 65, 127, 4095, 4096, 4097, 8191, 262144, 270000};

	for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++)
		hbits_round(sizes[k], k + 1);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	    ranges_of_bits_are_what_single_bits_say,
	    a_bitmap_of_bitmaps_finds_what_a_walk_finds,
	};

	return UNIT_RUN("bits", tests);
}
