/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every kind of scan that this processor can do, against a loop that looks at
 * one bit after the other. Arrays are exactly as long as they are said to be,
 * and begin at any word, so that a look beyond their end is found.
 */
#include "lib/base/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/rng.h"
#include "tests/support/unit.h"

enum { ENTRIES = 512, WORDS = 200 };

static const char *const names[SCAN_KINDS] = {"portable", "AVX2", "AVX-512"};

static void naive_entries(const uint64_t *entry, uint64_t mask, uint64_t out[8])
{
	memset(out, 0, 8 * sizeof(*out));
	for (unsigned int i = 0; i < ENTRIES; i++) {
		bool all = true;

		for (unsigned int b = 0; b < 64; b++)
			if (mask >> b & 1 && !(entry[i] >> b & 1))
				all = false;
		if (all)
			out[i / 64] |= UINT64_C(1) << (i % 64);
	}
}

static uint64_t naive_count(const uint64_t *word, size_t n)
{
	uint64_t count = 0;

	for (size_t i = 0; i < n; i++)
		for (unsigned int b = 0; b < 64; b++)
			count += word[i] >> b & 1;
	return count;
}

static void check_entries(const uint64_t *entry, uint64_t mask)
{
	uint64_t want[8], got[8];
	bool any = false;

	naive_entries(entry, mask, want);
	for (unsigned int w = 0; w < 8; w++)
		any |= want[w] != 0;
	memset(got, 0x5a, sizeof(got));
	ck_assert_int_eq(scan_entries(entry, mask, got), any);
	ck_assert_mem_eq(got, want, sizeof(got));
}

static void check_words(const uint64_t *word, size_t n)
{
	ck_assert_uint_eq(scan_count(word, n), naive_count(word, n));
}

static void each_kind(void (*fn)(void))
{
	for (int kind = 0; kind < SCAN_KINDS; kind++) {
		if (!scan_can((enum scan_kind)kind)) {
			printf("this processor has no %s\n", names[kind]);
			continue;
		}
		scan_use((enum scan_kind)kind);
		fn();
	}
}

static uint64_t *exactly(size_t words)
{
	uint64_t *p = malloc(words * sizeof(*p));

	ck_assert(p || !words);
	return p;
}

static void every_entry_alone(void)
{
	static const uint64_t masks[] = {1, 0x40, 0x43, UINT64_C(1) << 63,
					 UINT64_MAX};
	uint64_t *entry = exactly(ENTRIES);

	for (size_t m = 0; m < sizeof(masks) / sizeof(masks[0]); m++) {
		const uint64_t mask = masks[m];

		/* All but the lowest bit of the mask: near is not enough. */
		for (unsigned int i = 0; i < ENTRIES; i++)
			entry[i] = ~mask | (mask & (mask - 1));
		check_entries(entry, mask);
		for (unsigned int i = 0; i < ENTRIES; i++) {
			uint64_t was = entry[i];

			entry[i] = mask;
			check_entries(entry, mask);
			entry[i] = was;
		}
		for (unsigned int i = 0; i < ENTRIES; i++)
			entry[i] = mask;
		check_entries(entry, mask);
		entry[ENTRIES - 1] = 0;
		check_entries(entry, mask);
	}
	free(entry);
}

START_TEST(each_kind_finds_every_entry_and_none_that_lacks_a_bit)
{
	each_kind(every_entry_alone);
}
END_TEST

static void random_entries(void)
{
	struct rng r = rng_new(3);
	uint64_t *memory = exactly(ENTRIES + 7);

	for (unsigned int round = 0; round < 2000; round++) {
		/* Entries may begin anywhere; a table's begin a page. */
		uint64_t *entry = memory + rng_below(&r, 8);
		unsigned int density = (unsigned int)rng_below(&r, 101);
		uint64_t mask = rng_next(&r) & rng_next(&r) & rng_next(&r);

		if (round % 3 == 0)
			mask = UINT64_C(1) << rng_below(&r, 64);
		for (unsigned int i = 0; i < ENTRIES; i++) {
			entry[i] = rng_next(&r);
			if (rng_percent(&r, density))
				entry[i] |= mask;
		}
		check_entries(entry, mask);
	}
	free(memory);
}

START_TEST(each_kind_sees_what_a_loop_sees_in_random_entries)
{
	each_kind(random_entries);
}
END_TEST

START_TEST(a_mask_without_bits_is_had_by_all_entries)
{
	uint64_t *entry = exactly(ENTRIES);

	memset(entry, 0, ENTRIES * sizeof(*entry));
	for (int kind = 0; kind < SCAN_KINDS; kind++) {
		if (!scan_can((enum scan_kind)kind))
			continue;
		scan_use((enum scan_kind)kind);
		check_entries(entry, 0);
	}
	free(entry);
}
END_TEST

static void every_word_alone(void)
{
	for (size_t n = 0; n <= WORDS; n++) {
		uint64_t *word = exactly(n);

		memset(word, 0, n * sizeof(*word));
		check_words(word, n);
		for (size_t i = 0; i < n; i++) {
			word[i] = UINT64_C(1) << ((i * 7 + n) % 64);
			check_words(word, n);
			word[i] = 0;
		}
		memset(word, 0xff, n * sizeof(*word));
		check_words(word, n);
		free(word);
	}
}

START_TEST(each_kind_finds_every_word_in_arrays_of_every_length)
{
	each_kind(every_word_alone);
}
END_TEST

static void random_words(void)
{
	struct rng r = rng_new(4);

	for (unsigned int round = 0; round < 5000; round++) {
		size_t n = rng_below(&r, WORDS + 1);
		size_t shift = rng_below(&r, 8);
		size_t zeros = rng_below(&r, n + 1);
		uint64_t *memory = exactly(n + shift);
		uint64_t *word = memory + shift;

		for (size_t i = 0; i < n; i++)
			word[i] = i < zeros || rng_percent(&r, 30)
				      ? 0
				      : rng_next(&r) & rng_next(&r);
		check_words(word, n);
		free(memory);
	}
}

START_TEST(each_kind_sees_what_a_loop_sees_in_random_words)
{
	each_kind(random_words);
}
END_TEST

START_TEST(the_best_kind_is_one_that_can_be_used_without_being_asked_for)
{
	uint64_t word[] = {0, 0, 6};

	check_words(word, 3);
	ck_assert(scan_can(SCAN_PORTABLE));
	ck_assert(scan_can(scan_best()));
	ck_assert(!scan_can(SCAN_KINDS));
	for (int kind = (int)scan_best() + 1; kind < SCAN_KINDS; kind++)
		ck_assert(!scan_can((enum scan_kind)kind));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	    each_kind_finds_every_entry_and_none_that_lacks_a_bit,
	    each_kind_sees_what_a_loop_sees_in_random_entries,
	    a_mask_without_bits_is_had_by_all_entries,
	    each_kind_finds_every_word_in_arrays_of_every_length,
	    each_kind_sees_what_a_loop_sees_in_random_words,
	    the_best_kind_is_one_that_can_be_used_without_being_asked_for,
	};

	return UNIT_RUN("scan", tests);
}
