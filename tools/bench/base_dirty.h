/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A baseline for dirty logs: a flat bitmap, a bit a page, looked through from
 * one end to the other, with AVX-512 where the processor has it. That a write
 * sets a bit costs nothing here, nor does making the next write set it again.
 */
#ifndef TOOLS_BENCH_BASE_DIRTY_H
#define TOOLS_BENCH_BASE_DIRTY_H

#include <stdbool.h>
#include <stdint.h>

struct base_dirty {
	uint64_t *word;
	uint64_t words;
	bool wide;
};

/* As pager_dirty_fn. */
typedef int base_dirty_fn(void *ctx, uint64_t first, const uint64_t *words,
			  unsigned int count);

/* Pages: a multiple of 512. All are clean; never fails: exits. */
void base_dirty_init(struct base_dirty *b, uint64_t pages);
void base_dirty_fini(struct base_dirty *b);

static inline void base_dirty_set(struct base_dirty *b, uint64_t page)
{
	b->word[page / 64] |= UINT64_C(1) << (page % 64);
}

/* Report what is dirty, eight words at a time, and clear it. */
void base_dirty_take(struct base_dirty *b, base_dirty_fn *fn, void *ctx);

#endif
