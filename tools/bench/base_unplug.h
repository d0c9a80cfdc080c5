/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A baseline for unplugging: by addresses. Sub-blocks go from the top, the
 * pages in them from the bottom, one by one, each to the lowest free frame,
 * until one is met that is pinned: what was moved by then was moved in vain.
 */
#ifndef TOOLS_BENCH_BASE_UNPLUG_H
#define TOOLS_BENCH_BASE_UNPLUG_H

#include <stdbool.h>
#include <stdint.h>

struct base_unplug {
	uint64_t *free; /* a bit a frame */
	uint64_t *pinned;
	uint64_t frames;
	uint64_t from; /* no frame below is free */
	uint64_t moved;
};

/* All free. 0, or -1: no memory. */
int base_unplug_init(struct base_unplug *b, uint64_t frames);
void base_unplug_fini(struct base_unplug *b);
/* The frame is used, and pinned. */
void base_unplug_use(struct base_unplug *b, uint64_t frame, bool pinned);
/* From the top down to the frame low, pieces of so many frames; until wanted of
 * them are gone, or no frame is free. Returns how many are gone. */
uint64_t base_unplug_run(struct base_unplug *b, uint64_t low, uint64_t piece,
			 uint64_t wanted);

#endif
