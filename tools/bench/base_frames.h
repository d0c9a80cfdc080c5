/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Baselines for the frame allocator, each the simplest of its kind: no
 * reference counts, no accounts, no zones, one frame at a time.
 *
 *	next fit	a bit a frame; the search goes on where it stopped
 *	address order	the same; the lowest free frame
 *	last in		a list of what was put last, first
 */
#ifndef TOOLS_BENCH_BASE_FRAMES_H
#define TOOLS_BENCH_BASE_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#define BASE_FRAMES_NONE UINT32_MAX

struct base_frames {
	uint64_t *free; /* a bit a frame */
	uint32_t *list; /* of the last-in policy */
	uint32_t in_list;
	uint32_t words;
	uint32_t word; /* where the search begins */
};

enum base_frames_policy {
	BASE_FRAMES_NEXT,
	BASE_FRAMES_ADDRESS,
	BASE_FRAMES_LAST,
	BASE_FRAMES_POLICIES
};

/* All free; frames: a multiple of 64. 0, or -1: no memory. */
int base_frames_init(struct base_frames *b, uint32_t frames);
void base_frames_fini(struct base_frames *b);
/* BASE_FRAMES_NONE: there is none. */
uint32_t base_frames_take(struct base_frames *b,
			  enum base_frames_policy policy);
/* With the policy it was taken with. */
void base_frames_put(struct base_frames *b, enum base_frames_policy policy,
		     uint32_t frame);
static inline bool base_frames_is_free(const struct base_frames *b,
				       uint32_t frame)
{
	return b->free[frame / 64] >> (frame % 64) & 1;
}

#endif
