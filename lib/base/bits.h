/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ranges of bits in an array of words, 64 at a time. Bit i is bit i % 64 of
 * word i / 64. All ranges are half-open; an empty one is allowed.
 */
#ifndef LIB_BASE_BITS_H
#define LIB_BASE_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Words that hold so many bits. */
static inline uint64_t bits_words(uint64_t bits)
{
	return (bits + 63) / 64;
}

static inline bool bits_test(const uint64_t *map, uint64_t i)
{
	return map[i / 64] >> (i % 64) & 1;
}

/* The bits of the word with the number w that lie in [from, to), which has
 * one in it. */
static inline uint64_t bits_mask(uint64_t w, uint64_t from, uint64_t to)
{
	uint64_t mask = UINT64_MAX;

	if (w == from / 64)
		mask &= UINT64_MAX << (from % 64);
	if (w == (to - 1) / 64)
		mask &= UINT64_MAX >> (63 - (to - 1) % 64);
	return mask;
}

static inline void bits_set(uint64_t *map, uint64_t from, uint64_t to)
{
	if (from >= to)
		return;
	for (uint64_t w = from / 64; w <= (to - 1) / 64; w++)
		map[w] |= bits_mask(w, from, to);
}

static inline void bits_clear(uint64_t *map, uint64_t from, uint64_t to)
{
	if (from >= to)
		return;
	for (uint64_t w = from / 64; w <= (to - 1) / 64; w++)
		map[w] &= ~bits_mask(w, from, to);
}

/* The first bit of [from, to) that is set (flip 0) or clear (flip
 * UINT64_MAX); to if there is none. */
static inline uint64_t bits_seek(const uint64_t *map, uint64_t from,
				 uint64_t to, uint64_t flip)
{
	if (from >= to)
		return to;
	for (uint64_t w = from / 64; w <= (to - 1) / 64; w++) {
		uint64_t word = (map[w] ^ flip) & bits_mask(w, from, to);

		if (word)
			return w * 64 + (uint64_t)__builtin_ctzll(word);
	}
	return to;
}

/* The end of what bits_seek finds from above: one beyond the last bit of
 * [from, to) that is set or clear; from if there is none. */
static inline uint64_t bits_seek_back(const uint64_t *map, uint64_t from,
				      uint64_t to, uint64_t flip)
{
	if (from >= to)
		return from;
	for (uint64_t w = (to - 1) / 64 + 1; w-- > from / 64;) {
		uint64_t word = (map[w] ^ flip) & bits_mask(w, from, to);

		if (word)
			return w * 64 + 64 - (uint64_t)__builtin_clzll(word);
	}
	return from;
}

static inline uint64_t bits_next_set(const uint64_t *map, uint64_t from,
				     uint64_t to)
{
	return bits_seek(map, from, to, 0);
}

static inline uint64_t bits_next_clear(const uint64_t *map, uint64_t from,
				       uint64_t to)
{
	return bits_seek(map, from, to, UINT64_MAX);
}

static inline bool bits_all(const uint64_t *map, uint64_t from, uint64_t to)
{
	return bits_next_clear(map, from, to) == to;
}

static inline bool bits_none(const uint64_t *map, uint64_t from, uint64_t to)
{
	return bits_next_set(map, from, to) == to;
}

static inline uint64_t bits_count(const uint64_t *map, uint64_t from,
				  uint64_t to)
{
	uint64_t n = 0;

	if (from >= to)
		return 0;
	for (uint64_t w = from / 64; w <= (to - 1) / 64; w++)
		n += (uint64_t)__builtin_popcountll(map[w] &
						    bits_mask(w, from, to));
	return n;
}

#endif
