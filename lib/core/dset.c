/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing a set of pages by ranges: whole slots without memory; nodes are made
 * and given back on the way.
 */
#include "lib/core/dset_int.h"

#include <assert.h>
#include <string.h>

#include "lib/core/account.h"

void dset_slab_init(struct pager_slab *slab, struct pager_slab_source src)
{
	pager_slab_init(slab, "dset", sizeof(struct dset_node), src);
}

void dset_init(struct dset *s, struct pager_core *core,
	       struct pager_account *account, uint64_t pages)
{
	assert(pages && pages <= UINT64_C(1) << 36);
	*s = (struct dset){.core = core, .account = account, .pages = pages};
}

/* --- memory ------------------------------------------------------------------
 */

static struct dset_node *node_new(struct dset *s)
{
	if (!account_has_room(s->account, PAGER_RES_NODES,
			      1 + s->account->promised) ||
	    pager_slab_reserve(&s->core->dset_slab, 1))
		return NULL;
	account_charge(s->account, PAGER_RES_NODES, 1);
	s->nodes++;
	return pager_slab_take(&s->core->dset_slab);
}

void dset_drop(struct dset *s, void *slot, enum dset_level level)
{
	struct dset_node *n = slot;

	if (!dset_is_node(slot))
		return;
	if (level == DSET_DIR)
		for (unsigned int i = 0; i < DSET_SLOTS; i++)
			dset_drop(s, n->of.slot[i], DSET_BLOCK);
	pager_slab_give(&s->core->dset_slab, n);
	s->nodes--;
	account_uncharge(s->account, PAGER_RES_NODES, 1);
}

/* The root, or NULL for want of memory; where all pages are in the set, each
 * of its slots is ALL. */
static void **root_new(struct dset *s)
{
	if (!account_has_room(s->account, PAGER_RES_NODES,
			      1 + s->account->promised))
		return NULL;
	s->root = core_alloc(s->core, dset_root_bytes(s));
	if (!s->root)
		return NULL;
	account_charge(s->account, PAGER_RES_NODES, 1);
	s->nodes++;
	for (uint64_t i = 0; s->all && i < dset_root_slots(s); i++)
		dset_put_slot(s->root, dset_root_some(s), i, DSET_ALL);
	s->all = false;
	return s->root;
}

/* A node for a slot that is ALL so far, which stands for span pages. */
static struct dset_node *split_new(struct dset *s, enum dset_level level,
				   uint64_t span)
{
	struct dset_node *n = node_new(s);
	uint64_t used;

	if (!n)
		return NULL;
	if (level == DSET_BLOCK) {
		used = bits_words(span);
		bits_set(n->of.word, 0, span);
	} else {
		used = (span + DSET_BLOCK_PAGES - 1) >> DSET_BLOCK_SHIFT;
		for (uint64_t i = 0; i < used; i++)
			n->of.slot[i] = DSET_ALL;
	}
	bits_set(n->some, 0, used);
	n->count = span;
	return n;
}

void dset_fini(struct dset *s)
{
	if (s->root) {
		for (uint64_t i = 0; i < dset_root_slots(s); i++)
			dset_drop(s, s->root[i], DSET_DIR);
		core_free(s->core, s->root, dset_root_bytes(s));
		assert(s->nodes == 1);
		account_uncharge(s->account, PAGER_RES_NODES, 1);
	}
	*s = (struct dset){0};
}

/* --- ranges ------------------------------------------------------------------
 */

/* Bits of [from, to) of a block, not empty; returns how many it had not, or
 * had. */
static uint64_t block_change(struct dset_node *n, uint64_t from, uint64_t to,
			     bool add)
{
	uint64_t changed = 0;

	for (uint64_t w = from / 64; w <= (to - 1) / 64; w++) {
		const uint64_t was = n->of.word[w];
		const uint64_t mask = bits_mask(w, from, to);
		const uint64_t word = add ? was | mask : was & ~mask;

		changed += dset_popcount(was ^ word);
		n->of.word[w] = word;
		if (word)
			n->some[w / 64] |= UINT64_C(1) << (w % 64);
		else
			n->some[w / 64] &= ~(UINT64_C(1) << (w % 64));
	}
	return changed;
}

static uint64_t change(struct dset *s, void **at, enum dset_level level,
		       uint64_t start, uint64_t from, uint64_t to, bool add);

/* Slots of a dir; returns how many of the pages are new, or were there. */
static uint64_t dir_change(struct dset *s, struct dset_node *n, uint64_t start,
			   uint64_t from, uint64_t to, bool add)
{
	uint64_t changed = 0;

	for (uint64_t at = from; at < to;) {
		const unsigned int i = dset_dir_index(at);
		const uint64_t first = start + i * (uint64_t)DSET_BLOCK_PAGES;
		const uint64_t span = dset_span(s, DSET_BLOCK, first);
		const uint64_t end = first + span < to ? first + span : to;
		void *slot = n->of.slot[i];

		n->count -= dset_slot_count(slot, span);
		changed += change(s, &slot, DSET_BLOCK, first, at, end, add);
		n->count += dset_slot_count(slot, span);
		dset_put_slot(n->of.slot, n->some, i, slot);
		at = end;
	}
	return changed;
}

/* Add the pages [from, to) to what is in a slot, or take them out; not empty,
 * and all in it. Returns how many of them were new, or were there and went. */
static uint64_t change(struct dset *s, void **at, enum dset_level level,
		       uint64_t start, uint64_t from, uint64_t to, bool add)
{
	const uint64_t span = dset_span(s, level, start);
	void *const done = add ? DSET_ALL : NULL;
	struct dset_node *n = *at;
	uint64_t changed;

	if (*at == done)
		return 0;
	if (to - from == span) {
		changed = dset_slot_count(*at, span);
		dset_drop(s, *at, level);
		*at = done;
		return add ? span - changed : changed;
	}
	if (!dset_is_node(*at)) {
		n = add ? node_new(s) : split_new(s, level, span);
		if (!n) {
			*at = DSET_ALL;
			s->over += add ? span - (to - from) : to - from;
			return add ? to - from : 0;
		}
		*at = n;
	}
	if (level == DSET_DIR) {
		changed = dir_change(s, n, start, from, to, add);
	} else {
		changed = block_change(n, from - start, to - start, add);
		n->count += add ? changed : -changed;
	}
	if (n->count == 0 || n->count == span) {
		*at = n->count ? DSET_ALL : NULL;
		dset_drop(s, n, level);
	}
	return changed;
}

/* The same of the whole set, which has a root. */
static uint64_t root_change(struct dset *s, uint64_t from, uint64_t to,
			    bool add)
{
	uint64_t changed = 0;

	for (uint64_t at = from; at < to;) {
		const uint64_t i = at >> DSET_DIR_SHIFT;
		const uint64_t first = i << DSET_DIR_SHIFT;
		const uint64_t span = dset_span(s, DSET_DIR, first);
		const uint64_t end = first + span < to ? first + span : to;
		void *slot = s->root[i];

		s->count -= dset_slot_count(slot, span);
		changed += change(s, &slot, DSET_DIR, first, at, end, add);
		s->count += dset_slot_count(slot, span);
		dset_put_slot(s->root, dset_root_some(s), i, slot);
		at = end;
	}
	return changed;
}

uint64_t dset_add_slots(struct dset *s, uint64_t first, uint64_t n)
{
	if (!n || s->all)
		return 0;
	if (s->root || (n < s->pages && root_new(s)))
		return root_change(s, first, first + n, true);
	s->all = true;
	s->count = s->pages;
	s->over += s->pages - n;
	return n;
}

uint64_t dset_remove_slots(struct dset *s, uint64_t first, uint64_t n)
{
	if (!n || !s->count)
		return 0;
	if (s->root || (n < s->pages && root_new(s)))
		return root_change(s, first, first + n, false);
	if (n < s->pages) {
		s->over += n;
		return 0;
	}
	s->all = false;
	s->count = 0;
	return n;
}

void dset_add_all(struct dset *s)
{
	dset_add_range(s, 0, s->pages);
}
