/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Written from what the policies are called.
 */
#include "tools/bench/base_frames.h"

#include <stdlib.h>
#include <string.h>

int base_frames_init(struct base_frames *b, uint32_t frames)
{
	*b = (struct base_frames){.words = frames / 64, .in_list = frames};
	b->free = malloc(b->words * sizeof(*b->free));
	b->list = malloc(frames * sizeof(*b->list));
	if (!b->free || !b->list) {
		base_frames_fini(b);
		return -1;
	}
	memset(b->free, 0xff, b->words * sizeof(*b->free));
	for (uint32_t i = 0; i < frames; i++)
		b->list[i] = frames - 1 - i;
	return 0;
}

void base_frames_fini(struct base_frames *b)
{
	free(b->free);
	free(b->list);
}

static uint32_t take_bit(struct base_frames *b)
{
	uint64_t bits = b->free[b->word];

	b->free[b->word] = bits & (bits - 1);
	return b->word * 64 + (uint32_t)__builtin_ctzll(bits);
}

static uint32_t take_next(struct base_frames *b)
{
	uint32_t left = b->words;

	while (!b->free[b->word]) {
		if (left-- == 0)
			return BASE_FRAMES_NONE;
		if (++b->word == b->words)
			b->word = 0;
	}
	return take_bit(b);
}

/* No word below b->word has a bit. */
static uint32_t take_lowest(struct base_frames *b)
{
	while (!b->free[b->word])
		if (++b->word == b->words) {
			b->word--;
			return BASE_FRAMES_NONE;
		}
	return take_bit(b);
}

static uint32_t take_last(struct base_frames *b)
{
	uint32_t f;

	if (b->in_list == 0)
		return BASE_FRAMES_NONE;
	f = b->list[--b->in_list];
	b->free[f / 64] &= ~(UINT64_C(1) << (f % 64));
	return f;
}

uint32_t base_frames_take(struct base_frames *b, enum base_frames_policy policy)
{
	switch (policy) {
	case BASE_FRAMES_NEXT:
		return take_next(b);
	case BASE_FRAMES_ADDRESS:
		return take_lowest(b);
	default:
		return take_last(b);
	}
}

void base_frames_put(struct base_frames *b, enum base_frames_policy policy,
		     uint32_t frame)
{
	b->free[frame / 64] |= UINT64_C(1) << (frame % 64);
	if (policy == BASE_FRAMES_ADDRESS && frame / 64 < b->word)
		b->word = frame / 64;
	if (policy == BASE_FRAMES_LAST)
		b->list[b->in_list++] = frame;
}
