/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages go from one set to another: whole blocks by their pointer, so that a
 * set of any size takes a few loads a block, and no memory.
 */
#include "lib/core/dset_int.h"

/* A dir's count has changed: it may be empty, or full. */
static void settle_dir(struct dset *s, uint64_t base)
{
	const uint64_t i = base >> DSET_DIR_SHIFT;
	struct dset_node *dir = s->root[i];
	void *to = dir->count ? DSET_ALL : NULL;

	if (dir->count &&
	    dir->count < dset_span(s, DSET_DIR, i << DSET_DIR_SHIFT))
		return;
	dset_drop(s, dir, DSET_DIR);
	dset_put_slot(s->root, dset_root_some(s), i, to);
}

/* Take a block out of its set, with its charge. */
static struct dset_node *unlink_block(struct dset *s, uint64_t base)
{
	struct dset_node *dir = s->root[base >> DSET_DIR_SHIFT];
	const unsigned int i = dset_dir_index(base);
	struct dset_node *block = dir->of.slot[i];

	dset_put_slot(dir->of.slot, dir->some, i, NULL);
	dir->count -= block->count;
	s->count -= block->count;
	s->nodes--;
	settle_dir(s, base);
	return block;
}

static void link_block(struct dset *s, uint64_t base, struct dset_node *block)
{
	struct dset_node *dir = s->root[base >> DSET_DIR_SHIFT];

	dset_put_slot(dir->of.slot, dir->some, dset_dir_index(base), block);
	dir->count += block->count;
	s->count += block->count;
	s->nodes++;
	settle_dir(s, base);
}

/* What a block has is in another of a set as well. */
static void merge_block(struct dset *s, uint64_t base,
			const struct dset_node *from)
{
	struct dset_node *dir = s->root[base >> DSET_DIR_SHIFT];
	const unsigned int i = dset_dir_index(base);
	struct dset_node *to = dir->of.slot[i];
	const uint64_t before = to->count;

	for (unsigned int w = 0; w < DSET_SLOTS; w++) {
		const uint64_t fresh = from->of.word[w] & ~to->of.word[w];

		if (!fresh)
			continue;
		to->of.word[w] |= fresh;
		to->some[w / 64] |= UINT64_C(1) << (w % 64);
		to->count += dset_popcount(fresh);
	}
	dir->count += to->count - before;
	s->count += to->count - before;
	if (to->count == dset_span(s, DSET_BLOCK, base)) {
		dset_drop(s, to, DSET_BLOCK);
		dset_put_slot(dir->of.slot, dir->some, i, DSET_ALL);
	}
	settle_dir(s, base);
}

/* Move a whole block that is a node. False: the way to its place has to be made
 * first, or is ALL. */
static bool move_block(struct dset *to, struct dset *from, uint64_t base)
{
	struct dset_node *dir, *block;
	void *there;

	if (!to->root)
		return false;
	dir = to->root[base >> DSET_DIR_SHIFT];
	if (!dset_is_node(dir))
		return false;
	there = dir->of.slot[dset_dir_index(base)];
	if (there == DSET_ALL)
		return false;
	block = unlink_block(from, base);
	if (!there) {
		link_block(to, base, block);
		return true;
	}
	merge_block(to, base, block);
	from->nodes++;
	dset_drop(from, block, DSET_BLOCK);
	return true;
}

void dset_move(struct dset *to, struct dset *from, uint64_t first, uint64_t n)
{
	const uint64_t end = first + n;
	uint64_t at = first, next;
	const void *slot;

	if (!n || !from->count)
		return;
	if (!from->root) {
		dset_add_range(to, first, n);
		dset_remove_range(from, first, n);
		return;
	}
	/* The root goes on being there, also when it is empty. */
	for (; (at = dset_seek(from, at, end, &slot, &next)) < end; at = next) {
		const uint64_t base = at & ~(uint64_t)(DSET_BLOCK_PAGES - 1);

		if (slot != DSET_ALL && base >= first &&
		    base + dset_span(from, DSET_BLOCK, base) <= end &&
		    move_block(to, from, base))
			continue;
		if (slot == DSET_ALL)
			dset_add_range(to, at, next - at);
		else
			dset_add_set(to, at, from, at, next - at);
		dset_remove_range(from, at, next - at);
	}
}
