/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bitmap of bitmaps: a bit of an upper level says that the word below it is
 * not zero, 64 to one. Finding the next or the previous set bit looks at two
 * words a level, however large the map is.
 *
 *	level 1	|1|0|1|...		one bit a word of level 0
 *	level 0	|0110|0000|0001|...	the bits
 *
 * The words are the caller's.
 */
#ifndef LIB_BASE_HBITS_H
#define LIB_BASE_HBITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HBITS_LEVELS 6u
#define HBITS_NONE   UINT64_MAX

struct hbits {
	uint64_t *level[HBITS_LEVELS];
	uint64_t words[HBITS_LEVELS]; /* of each level */
	unsigned int levels;
	uint64_t bits;
	uint64_t count; /* that are set */
};

/* Words that a map of so many bits takes; bits: 1 .. 2^36. */
uint64_t hbits_words(uint64_t bits);
/* All bits are clear; so must the words be. */
void hbits_init(struct hbits *h, uint64_t bits, uint64_t *words);

static inline bool hbits_test(const struct hbits *h, uint64_t i)
{
	return h->level[0][i / 64] >> (i % 64) & 1;
}

/* Both do nothing if the bit is so already. i < bits. */
void hbits_set(struct hbits *h, uint64_t i);
void hbits_clear(struct hbits *h, uint64_t i);

/* The first set bit that is at least from, or HBITS_NONE. Any from. */
uint64_t hbits_next(const struct hbits *h, uint64_t from);
/* The last set bit below to, or HBITS_NONE. Any to. */
uint64_t hbits_prev(const struct hbits *h, uint64_t to);

#endif
