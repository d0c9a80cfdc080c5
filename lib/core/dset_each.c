/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking into a set of pages. Nothing here changes a set, but for what is
 * added to another one.
 */
#include "lib/core/dset_int.h"

#include <string.h>

#include "lib/base/scan.h"

enum { GROUP_WORDS = DSET_GROUP_PAGES / 64 };

bool dset_test(const struct dset *s, uint64_t page)
{
	return dset_word(s, page & ~UINT64_C(63)) >> (page % 64) & 1;
}

uint64_t dset_word(const struct dset *s, uint64_t first)
{
	const void *p = dset_find(s, first);

	if (p == DSET_ALL)
		return dset_word_pages(s, first);
	return p ? ((const struct dset_node *)p)
		       ->of.word[dset_word_index(first)]
		 : 0;
}

/* --- counting ----------------------------------------------------------------
 */

/* Bits of [from, to) of a block, not empty. */
static uint64_t block_count(const struct dset_node *n, uint64_t from,
			    uint64_t to)
{
	const uint64_t a = (from + 63) / 64, b = to / 64;

	if (a > b)
		return bits_count(n->of.word, from, to);
	return bits_count(n->of.word, from, a * 64) +
	       scan_count(n->of.word + a, b - a) +
	       bits_count(n->of.word, b * 64, to);
}

static uint64_t slot_count(const struct dset *s, const void *slot,
			   enum dset_level level, uint64_t start, uint64_t from,
			   uint64_t to)
{
	const struct dset_node *n = slot;
	const uint64_t span = dset_span(s, level, start);
	uint64_t count = 0;

	if (to - from == span || !dset_is_node(slot))
		return dset_slot_count(slot, slot == DSET_ALL ? to - from : 0);
	if (level == DSET_BLOCK)
		return block_count(n, from - start, to - start);
	for (uint64_t at = from, end; at < to; at = end) {
		const unsigned int i = dset_dir_index(at);
		const uint64_t first = start + i * (uint64_t)DSET_BLOCK_PAGES;

		end = first + DSET_BLOCK_PAGES;
		end = end < to ? end : to;
		count +=
		    slot_count(s, n->of.slot[i], DSET_BLOCK, first, at, end);
	}
	return count;
}

uint64_t dset_count(const struct dset *s, uint64_t first, uint64_t n)
{
	const uint64_t to = first + n;
	uint64_t count = 0;

	if (!n || !s->count)
		return 0;
	if (!s->root)
		return n;
	if (n == s->pages)
		return s->count;
	for (uint64_t at = first, end; at < to; at = end) {
		const uint64_t i = at >> DSET_DIR_SHIFT;

		end = (i + 1) << DSET_DIR_SHIFT;
		end = end < to ? end : to;
		count += slot_count(s, s->root[i], DSET_DIR,
				    i << DSET_DIR_SHIFT, at, end);
	}
	return count;
}

/* --- finding -----------------------------------------------------------------
 */

uint64_t dset_seek(const struct dset *s, uint64_t page, uint64_t end,
		   const void **slot, uint64_t *next)
{
	const uint64_t slots = dset_root_slots(s);

	while (page < end) {
		uint64_t i = page >> DSET_DIR_SHIFT;
		const uint64_t r = bits_next_set(dset_root_some(s), i, slots);
		const struct dset_node *dir;

		if (r == slots)
			return end;
		if (r != i)
			page = r << DSET_DIR_SHIFT;
		dir = s->root[r];
		*next = (r + 1) << DSET_DIR_SHIFT;
		*slot = DSET_ALL;
		if (!dset_is_node(dir))
			break;
		i = dset_dir_index(page);
		i = bits_next_set(dir->some, i, DSET_SLOTS);
		if (i == DSET_SLOTS) {
			page = *next;
			continue;
		}
		if (i != dset_dir_index(page))
			page = (r << DSET_DIR_SHIFT) + (i << DSET_BLOCK_SHIFT);
		*slot = dir->of.slot[i];
		*next = (page | (DSET_BLOCK_PAGES - 1)) + 1;
		break;
	}
	if (page >= end)
		return end;
	if (*next > end)
		*next = end;
	return page;
}

uint64_t dset_next(const struct dset *s, uint64_t from, uint64_t end)
{
	if (!s->count)
		return end;
	if (!s->root)
		return from < end ? from : end;
	while (from < end) {
		const struct dset_node *n;
		const void *slot;
		uint64_t next, at, w;

		at = dset_seek(s, from, end, &slot, &next);
		if (at == end || slot == DSET_ALL)
			return at;
		n = slot;
		w = dset_word_index(at);
		if (n->of.word[w] >> (at % 64))
			at += (uint64_t)__builtin_ctzll(n->of.word[w] >>
							(at % 64));
		else if ((w = bits_next_set(n->some, w + 1, DSET_SLOTS)) <
			 DSET_SLOTS)
			at = (at & ~(uint64_t)(DSET_BLOCK_PAGES - 1)) + w * 64 +
			     (uint64_t)__builtin_ctzll(n->of.word[w]);
		else
			at = next;
		if (at < next)
			return at;
		from = next;
	}
	return end;
}

/* --- each --------------------------------------------------------------------
 */

typedef int word_fn(void *ctx, uint64_t first, const uint64_t *words,
		    unsigned int count);

static const uint64_t ones[GROUP_WORDS] = {
#define EIGHT                                                       \
	UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, \
	    UINT64_MAX, UINT64_MAX, UINT64_MAX
    EIGHT, EIGHT, EIGHT, EIGHT, EIGHT, EIGHT, EIGHT, EIGHT};

/* Runs of the words of a group of which some has a bit. */
static int each_run(uint64_t start, const uint64_t *word, uint64_t some,
		    word_fn *fn, void *ctx)
{
	while (some) {
		const unsigned int w = (unsigned int)__builtin_ctzll(some);
		const uint64_t from = some >> w;
		const unsigned int run =
		    ~from ? (unsigned int)__builtin_ctzll(~from) : GROUP_WORDS;
		int stop = fn(ctx, start + w * UINT64_C(64), word + w, run);

		if (stop)
			return stop;
		some &= some + (some & -some);
	}
	return 0;
}

/* The part [from, to) of a group of 64 words, which is not the whole. */
static int each_part(uint64_t start, const uint64_t *word, uint64_t from,
		     uint64_t to, word_fn *fn, void *ctx)
{
	uint64_t part[GROUP_WORDS], some = 0;

	from -= start;
	to -= start;
	for (uint64_t w = from / 64; w <= (to - 1) / 64; w++) {
		part[w] = word[w] & bits_mask(w, from, to);
		some |= (uint64_t)(part[w] != 0) << w;
	}
	return each_run(start, part, some, fn, ctx);
}

/* Of one block, or of a stretch that is all in the set. */
static int each_group(const struct dset_node *n, uint64_t from, uint64_t to,
		      word_fn *fn, void *ctx)
{
	int stop = 0;

	for (uint64_t at = from, end; at < to && !stop; at = end) {
		const uint64_t start = at & ~(uint64_t)(DSET_GROUP_PAGES - 1);
		const unsigned int w = dset_word_index(start);
		const uint64_t some = n ? n->some[w / 64] : UINT64_MAX;
		const uint64_t *word = n ? n->of.word + w : ones;

		end = start + DSET_GROUP_PAGES;
		if (at == start && end <= to) {
			stop = each_run(start, word, some, fn, ctx);
			continue;
		}
		end = end < to ? end : to;
		if (some)
			stop = each_part(start, word, at, end, fn, ctx);
	}
	return stop;
}

int dset_each(const struct dset *s, uint64_t first, uint64_t n, word_fn *fn,
	      void *ctx)
{
	const uint64_t to = first + n;
	uint64_t at = first, next;
	const void *slot;
	int stop = 0;

	if (!n || !s->count)
		return 0;
	if (!s->root)
		return each_group(NULL, first, to, fn, ctx);
	while (!stop && (at = dset_seek(s, at, to, &slot, &next)) < to) {
		stop = each_group(slot == DSET_ALL ? NULL : slot, at, next, fn,
				  ctx);
		at = next;
	}
	return stop;
}

/* The words [from, to) of one block that another set has as well. */
static uint64_t block_both(const struct dset_node *n, const struct dset *b,
			   uint64_t from, uint64_t to)
{
	const uint64_t base = from & ~(uint64_t)(DSET_BLOCK_PAGES - 1);
	const struct dset_node *other = dset_find(b, from);
	uint64_t count = 0;

	if ((const void *)other == DSET_ALL)
		return block_count(n, from - base, to - base);
	for (uint64_t w = (from - base) / 64;
	     other && w <= (to - 1 - base) / 64; w++)
		count += dset_popcount(n->of.word[w] & other->of.word[w] &
				       bits_mask(w, from - base, to - base));
	return count;
}

uint64_t dset_count_both(const struct dset *a, const struct dset *b,
			 uint64_t first, uint64_t n)
{
	const uint64_t to = first + n;
	uint64_t at = first, next, count = 0;
	const void *slot;

	if (!n || !a->count || !b->count)
		return 0;
	if (!a->root)
		return dset_count(b, first, n);
	for (; (at = dset_seek(a, at, to, &slot, &next)) < to; at = next)
		count += slot == DSET_ALL ? dset_count(b, at, next - at)
					  : block_both(slot, b, at, next);
	return count;
}

/* --- adding a set ------------------------------------------------------------
 */

/* Pages that follow each other wait until they end, so that what is ALL there
 * is added as a range here. */
struct adding {
	struct dset *to;
	uint64_t move; /* added to page numbers, wrapping */
	uint64_t first;
	uint64_t pages;
	uint64_t added;
};

static void add_pages(struct adding *a)
{
	a->added += dset_add_range(a->to, a->first + a->move, a->pages);
	a->pages = 0;
}

static void follow(struct adding *a, uint64_t first, uint64_t pages)
{
	if (a->pages && a->first + a->pages != first)
		add_pages(a);
	if (!a->pages)
		a->first = first;
	a->pages += pages;
}

static int add_words(void *ctx, uint64_t first, const uint64_t *words,
		     unsigned int count)
{
	struct adding *a = ctx;
	const unsigned int shift = a->move % 64;

	for (unsigned int w = 0; w < count; w++, first += 64) {
		const uint64_t at = first + a->move - shift;

		if (words[w] == UINT64_MAX) {
			follow(a, first, 64);
			continue;
		}
		a->added += dset_add_word(a->to, at, words[w] << shift);
		if (shift && words[w] >> (64 - shift))
			a->added += dset_add_word(a->to, at + 64,
						  words[w] >> (64 - shift));
	}
	return 0;
}

uint64_t dset_add_set(struct dset *s, uint64_t to, const struct dset *from,
		      uint64_t first, uint64_t n)
{
	struct adding a = {.to = s, .move = to - first};
	uint64_t at = first, next;
	const void *slot;

	if (!n || !from->count)
		return 0;
	if (!from->root)
		return dset_add_range(s, to, n);
	for (; (at = dset_seek(from, at, first + n, &slot, &next)) < first + n;
	     at = next)
		if (slot == DSET_ALL)
			follow(&a, at, next - at);
		else
			each_group(slot, at, next, add_words, &a);
	add_pages(&a);
	return a.added;
}
