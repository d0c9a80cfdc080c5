/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing a set of pages by words: the short way where their block is there,
 * else a range of the first bits makes it. Short ranges are words.
 */
#include "lib/core/dset_int.h"

/* The block of a word that is to change, with its dir; false where the way to
 * it has to be made, or ends at a slot that is ALL. */
static inline bool near(const struct dset *s, uint64_t first,
			struct dset_node **dir, struct dset_node **block)
{
	if (!s->root)
		return false;
	*dir = s->root[first >> DSET_DIR_SHIFT];
	if (!dset_is_node(*dir))
		return false;
	*block = (*dir)->of.slot[dset_dir_index(first)];
	return dset_is_node(*block);
}

/* The count of a word's block has changed: it, and then its dir, may have
 * become empty or full. */
static void settle(struct dset *s, uint64_t first, struct dset_node *dir,
		   struct dset_node *block)
{
	uint64_t start = first & ~(uint64_t)(DSET_BLOCK_PAGES - 1);
	void *to = block->count ? DSET_ALL : NULL;

	if (block->count && block->count < dset_span(s, DSET_BLOCK, start))
		return;
	dset_drop(s, block, DSET_BLOCK);
	dset_put_slot(dir->of.slot, dir->some, dset_dir_index(first), to);
	start = first & ~(DSET_DIR_PAGES - 1);
	to = dir->count ? DSET_ALL : NULL;
	if (dir->count && dir->count < dset_span(s, DSET_DIR, start))
		return;
	dset_drop(s, dir, DSET_DIR);
	dset_put_slot(s->root, dset_root_some(s), first >> DSET_DIR_SHIFT, to);
}

/* The lowest run of bits of a word: *bit is its first. Returns its length. */
static unsigned int lowest_run(uint64_t bits, unsigned int *bit)
{
	const uint64_t from =
	    bits >> (*bit = (unsigned int)__builtin_ctzll(bits));

	return ~from ? (unsigned int)__builtin_ctzll(~from) : 64;
}

static inline uint64_t without_run(uint64_t bits)
{
	/* Adding to the lowest bit carries through its run. */
	return bits & (bits + (bits & -bits));
}

uint64_t dset_add_word(struct dset *s, uint64_t first, uint64_t bits)
{
	const uint64_t over = s->over;
	const unsigned int w = dset_word_index(first);
	struct dset_node *dir, *block;
	uint64_t fresh, changed = 0;

	bits &= dset_word_pages(s, first);
	if (!bits)
		return 0;
	if (!near(s, first, &dir, &block)) {
		unsigned int bit, run = lowest_run(bits, &bit);

		changed = dset_add_slots(s, first + bit, run);
		bits = without_run(bits);
		if (!bits)
			return changed;
		if (!near(s, first, &dir, &block)) {
			/* ALL. Since now: then these are new as well. */
			if (s->over == over)
				return changed;
			s->over -= dset_popcount(bits);
			return changed + dset_popcount(bits);
		}
	}
	bits &= ~block->of.word[w];
	if (!bits)
		return changed;
	block->of.word[w] |= bits;
	block->some[w / 64] |= UINT64_C(1) << (w % 64);
	fresh = dset_popcount(bits);
	block->count += fresh;
	dir->count += fresh;
	s->count += fresh;
	settle(s, first, dir, block);
	return changed + fresh;
}

uint64_t dset_add(struct dset *s, uint64_t page)
{
	return dset_add_word(s, page & ~UINT64_C(63),
			     UINT64_C(1) << (page % 64));
}

uint64_t dset_remove_word(struct dset *s, uint64_t first, uint64_t bits)
{
	const uint64_t over = s->over;
	const unsigned int w = dset_word_index(first);
	struct dset_node *dir, *block;
	uint64_t gone, changed = 0;

	bits &= dset_word_pages(s, first);
	if (!bits)
		return 0;
	if (!s->count)
		return 0;
	if (!near(s, first, &dir, &block)) {
		unsigned int bit, run = lowest_run(bits, &bit);

		changed = dset_remove_slots(s, first + bit, run);
		bits = without_run(bits);
		if (!bits)
			return changed;
		if (!near(s, first, &dir, &block)) {
			/* Nothing was there; or it stays, for want of memory.
			 */
			if (s->over != over)
				s->over += dset_popcount(bits);
			return changed;
		}
	}
	bits &= block->of.word[w];
	if (!bits)
		return changed;
	block->of.word[w] &= ~bits;
	if (!block->of.word[w])
		block->some[w / 64] &= ~(UINT64_C(1) << (w % 64));
	gone = dset_popcount(bits);
	block->count -= gone;
	dir->count -= gone;
	s->count -= gone;
	settle(s, first, dir, block);
	return changed + gone;
}

/* Does a range lie in one word? *bits is it then. */
static inline bool in_word(uint64_t first, uint64_t n, uint64_t *bits)
{
	if (n - 1 >= 64 - first % 64)
		return false;
	*bits = UINT64_MAX >> (64 - n) << (first % 64);
	return true;
}

uint64_t dset_add_range(struct dset *s, uint64_t first, uint64_t n)
{
	uint64_t bits;

	return in_word(first, n, &bits)
		   ? dset_add_word(s, first & ~UINT64_C(63), bits)
		   : dset_add_slots(s, first, n);
}

uint64_t dset_remove_range(struct dset *s, uint64_t first, uint64_t n)
{
	uint64_t bits;

	return in_word(first, n, &bits)
		   ? dset_remove_word(s, first & ~UINT64_C(63), bits)
		   : dset_remove_slots(s, first, n);
}
