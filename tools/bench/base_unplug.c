/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unplugging in address order, over two bitmaps.
 */
#include "tools/bench/base_unplug.h"

#include <stdlib.h>

#include "lib/base/bits.h"
#include "tools/bench/bench.h"

int base_unplug_init(struct base_unplug *b, uint64_t frames)
{
	*b = (struct base_unplug){.frames = frames};
	b->free = calloc(bits_words(frames), sizeof(*b->free));
	b->pinned = calloc(bits_words(frames), sizeof(*b->pinned));
	if (!b->free || !b->pinned) {
		base_unplug_fini(b);
		return -1;
	}
	bits_set(b->free, 0, frames);
	return 0;
}

void base_unplug_fini(struct base_unplug *b)
{
	free(b->free);
	free(b->pinned);
}

void base_unplug_use(struct base_unplug *b, uint64_t frame, bool pinned)
{
	bits_clear(b->free, frame, frame + 1);
	if (pinned)
		bits_set(b->pinned, frame, frame + 1);
}

/* A page finds the lowest free frame. False: there is none. */
static bool move(struct base_unplug *b)
{
	uint64_t frame = bits_next_set(b->free, b->from, b->frames);

	if (frame == b->frames)
		return false;
	bits_clear(b->free, frame, frame + 1);
	b->from = frame + 1;
	b->moved++;
	return true;
}

static void put(struct base_unplug *b, uint64_t frame)
{
	bits_set(b->free, frame, frame + 1);
	if (b->from > frame)
		b->from = frame;
}

/* The frames of the piece that are free when it begins give no room: they are
 * set aside. What was moved when it fails stays moved. */
static bool empty_out(struct base_unplug *b, uint64_t first, uint64_t end)
{
	uint64_t *aside = calloc(bits_words(end - first), sizeof(*aside));
	bool done = true;

	if (!aside)
		bench_die("no memory for a bitmap");
	for (uint64_t f = first; f < end; f++)
		if (bits_test(b->free, f)) {
			bits_set(aside, f - first, f - first + 1);
			bits_clear(b->free, f, f + 1);
		}
	for (uint64_t f = first; f < end && done; f++) {
		if (bits_test(aside, f - first))
			continue;
		done = !bits_test(b->pinned, f) && move(b);
		if (done)
			bits_set(aside, f - first, f - first + 1);
	}
	for (uint64_t f = first; f < end && !done; f++)
		if (bits_test(aside, f - first))
			put(b, f);
	free(aside);
	return done;
}

uint64_t base_unplug_run(struct base_unplug *b, uint64_t low, uint64_t piece,
			 uint64_t wanted)
{
	uint64_t gone = 0;

	for (uint64_t end = b->frames; end > low && gone < wanted; end -= piece)
		gone += empty_out(b, end - piece, end);
	return gone;
}
