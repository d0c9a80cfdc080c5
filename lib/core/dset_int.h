/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The insides of a set of pages. Only dset*.c and their tests include this.
 *
 * Invariants, of each dir and block: some has a bit for each slot or word that
 * is not zero; count is the sum of what is below, and neither zero nor all
 * pages that the node stands for; a page beyond the end of the set is nowhere.
 * The root may be empty, and any of its slots may be anything.
 */
#ifndef LIB_CORE_DSET_INT_H
#define LIB_CORE_DSET_INT_H

#include "lib/base/bits.h"
#include "lib/core/dset.h"

/* Of a node: a block has words, a dir has slots. */
enum dset_level { DSET_BLOCK, DSET_DIR };

enum { DSET_SLOTS = 512, DSET_BLOCK_SHIFT = 15, DSET_DIR_SHIFT = 24 };

struct dset_node {
	union {
		uint64_t word[DSET_SLOTS];
		void *slot[DSET_SLOTS];
	} of;
	uint64_t some[DSET_SLOTS / 64];
	uint64_t count; /* pages */
};

static inline uint64_t dset_root_slots(const struct dset *s)
{
	return (s->pages + DSET_DIR_PAGES - 1) >> DSET_DIR_SHIFT;
}

/* A bit for each slot of the root that is not NULL; behind the slots. */
static inline uint64_t *dset_root_some(const struct dset *s)
{
	return (uint64_t *)(s->root + dset_root_slots(s));
}

static inline size_t dset_root_bytes(const struct dset *s)
{
	const uint64_t slots = dset_root_slots(s);

	return slots * sizeof(void *) + bits_words(slots) * sizeof(uint64_t);
}

/* Is it a node, neither NULL nor DSET_ALL? */
static inline bool dset_is_node(const void *p)
{
	return (uintptr_t)p > (uintptr_t)DSET_ALL;
}

/* Pages that a node of this level, or a slot for one, which begins at a page
 * stands for: fewer at the end of the set. */
static inline uint64_t dset_span(const struct dset *s, enum dset_level level,
				 uint64_t start)
{
	const uint64_t whole =
	    level == DSET_DIR ? DSET_DIR_PAGES : DSET_BLOCK_PAGES;

	return s->pages - start < whole ? s->pages - start : whole;
}

/* Pages in a slot that stands for so many. */
static inline uint64_t dset_slot_count(const void *slot, uint64_t span)
{
	if (slot == DSET_ALL)
		return span;
	return slot ? ((const struct dset_node *)slot)->count : 0;
}

static inline unsigned int dset_dir_index(uint64_t page)
{
	return page >> DSET_BLOCK_SHIFT & (DSET_SLOTS - 1);
}

static inline unsigned int dset_word_index(uint64_t page)
{
	return page >> 6 & (DSET_SLOTS - 1);
}

/* The bits of the word of pages first .. first + 63 that are pages; none where
 * it begins beyond the end. */
static inline uint64_t dset_word_pages(const struct dset *s, uint64_t first)
{
	const uint64_t left = first < s->pages ? s->pages - first : 0;

	return left < 64 ? (UINT64_C(1) << left) - 1 : UINT64_MAX;
}

/* Often of one bit, and no instruction of every x86-64. */
static inline uint64_t dset_popcount(uint64_t word)
{
	if (!(word & (word - 1)))
		return word != 0;
	return (uint64_t)__builtin_popcountll(word);
}

static inline void dset_put_slot(void **slot, uint64_t *some, uint64_t i,
				 void *to)
{
	slot[i] = to;
	if (to)
		some[i / 64] |= UINT64_C(1) << (i % 64);
	else
		some[i / 64] &= ~(UINT64_C(1) << (i % 64));
}

/* The slot for the block that holds a page: NULL and DSET_ALL also where the
 * dir, or the whole set, is that. */
static inline void *dset_find(const struct dset *s, uint64_t page)
{
	void *p;

	if (!s->root)
		return s->all ? DSET_ALL : NULL;
	p = s->root[page >> DSET_DIR_SHIFT];
	if (!dset_is_node(p))
		return p;
	return ((struct dset_node *)p)->of.slot[dset_dir_index(page)];
}

/* The next slot at or after a page that is not NULL, as a page: the page
 * itself, or the first of a slot behind it; end if there is none. *slot: the
 * block, or DSET_ALL; *next: where it ends. The set has a root. */
uint64_t dset_seek(const struct dset *s, uint64_t page, uint64_t end,
		   const void **slot, uint64_t *next);
/* Ranges of any length, through slots from the root on. */
uint64_t dset_add_slots(struct dset *s, uint64_t first, uint64_t n);
uint64_t dset_remove_slots(struct dset *s, uint64_t first, uint64_t n);
/* A slot's node, if it has one, and all below it are given back. */
void dset_drop(struct dset *s, void *slot, enum dset_level level);

#endif
