/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bitmaps of bitmaps. Searching goes up until a word has a bit on the wanted
 * side, and down again along the nearest bits.
 */
#include "lib/base/hbits.h"

uint64_t hbits_words(uint64_t bits)
{
	uint64_t words = 0;

	do {
		bits = (bits + 63) / 64;
		words += bits;
	} while (bits > 1);
	return words;
}

void hbits_init(struct hbits *h, uint64_t bits, uint64_t *words)
{
	*h = (struct hbits){.bits = bits};
	do {
		h->level[h->levels] = words;
		bits = (bits + 63) / 64;
		h->words[h->levels++] = bits;
		words += bits;
	} while (bits > 1);
}

void hbits_set(struct hbits *h, uint64_t i)
{
	if (hbits_test(h, i))
		return;
	h->count++;
	for (unsigned int l = 0; l < h->levels; l++, i /= 64) {
		uint64_t *word = &h->level[l][i / 64];
		uint64_t before = *word;

		*word |= UINT64_C(1) << (i % 64);
		if (before)
			return;
	}
}

void hbits_clear(struct hbits *h, uint64_t i)
{
	if (!hbits_test(h, i))
		return;
	h->count--;
	for (unsigned int l = 0; l < h->levels; l++, i /= 64) {
		uint64_t *word = &h->level[l][i / 64];

		*word &= ~(UINT64_C(1) << (i % 64));
		if (*word)
			return;
	}
}

uint64_t hbits_next(const struct hbits *h, uint64_t from)
{
	uint64_t i = from;

	if (from >= h->bits)
		return HBITS_NONE;
	for (unsigned int l = 0; l < h->levels; l++) {
		uint64_t word = h->level[l][i / 64] & UINT64_MAX << (i % 64);

		if (word) {
			i = i / 64 * 64 + (uint64_t)__builtin_ctzll(word);
			while (l--) {
				word = h->level[l][i];
				i = i * 64 + (uint64_t)__builtin_ctzll(word);
			}
			return i;
		}
		i = i / 64 + 1;
		if (i >= h->words[l])
			break;
	}
	return HBITS_NONE;
}

uint64_t hbits_prev(const struct hbits *h, uint64_t to)
{
	uint64_t i = to < h->bits ? to : h->bits;

	for (unsigned int l = 0; l < h->levels && i; l++) {
		uint64_t word = h->level[l][(i - 1) / 64] &
				UINT64_MAX >> (63 - (i - 1) % 64);

		if (word) {
			i = (i - 1) / 64 * 64 + 63 -
			    (uint64_t)__builtin_clzll(word);
			while (l--) {
				word = h->level[l][i];
				i = i * 64 + 63 -
				    (uint64_t)__builtin_clzll(word);
			}
			return i;
		}
		i = (i - 1) / 64;
	}
	return HBITS_NONE;
}
