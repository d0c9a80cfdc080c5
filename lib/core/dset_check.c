/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a set of pages says about itself, counted again.
 */
#include "lib/core/dset_int.h"

#include "lib/base/scan.h"

uint64_t dset_bytes(const struct dset *s)
{
	if (!s->root)
		return 0;
	return dset_root_bytes(s) + (s->nodes - 1) * sizeof(struct dset_node);
}

static const char *check_block(const struct dset_node *n, uint64_t span)
{
	for (unsigned int w = 0; w < DSET_SLOTS; w++)
		if (bits_test(n->some, w) != (n->of.word[w] != 0))
			return "set: a block's bit of a word is wrong";
	if (!bits_none(n->of.word, span, DSET_BLOCK_PAGES))
		return "set: a page beyond its end";
	if (n->count != scan_count(n->of.word, DSET_SLOTS))
		return "set: a block's count is wrong";
	if (n->count == 0 || n->count == span)
		return "set: a block that is empty or full";
	return NULL;
}

static const char *check_dir(const struct dset *s, const struct dset_node *n,
			     uint64_t start, uint64_t *nodes)
{
	const uint64_t span = dset_span(s, DSET_DIR, start);
	uint64_t count = 0;

	for (unsigned int i = 0; i < DSET_SLOTS; i++) {
		const uint64_t first = start + i * (uint64_t)DSET_BLOCK_PAGES;
		const void *slot = n->of.slot[i];
		const char *why;

		if (bits_test(n->some, i) != (slot != NULL))
			return "set: a dir's bit of a slot is wrong";
		if (!slot)
			continue;
		if (first >= s->pages)
			return "set: a block beyond its end";
		count += dset_slot_count(slot, dset_span(s, DSET_BLOCK, first));
		if (slot == DSET_ALL)
			continue;
		(*nodes)++;
		why = check_block(slot, dset_span(s, DSET_BLOCK, first));
		if (why)
			return why;
	}
	if (n->count != count)
		return "set: a dir's count is wrong";
	if (count == 0 || count == span)
		return "set: a dir that is empty or full";
	return NULL;
}

const char *dset_check(const struct dset *s)
{
	uint64_t count = 0, nodes = 1;

	if (!s->root) {
		if (s->nodes)
			return "set: charged without memory";
		return s->count == (s->all ? s->pages : 0)
			   ? NULL
			   : "set: without a root it is neither empty nor full";
	}
	if (s->all)
		return "set: a root, and all pages without it";
	for (uint64_t i = 0; i < dset_root_slots(s); i++) {
		const uint64_t first = i << DSET_DIR_SHIFT;
		const void *slot = s->root[i];
		const char *why;

		if (bits_test(dset_root_some(s), i) != (slot != NULL))
			return "set: the root's bit of a slot is wrong";
		count += dset_slot_count(slot, dset_span(s, DSET_DIR, first));
		if (!dset_is_node(slot))
			continue;
		nodes++;
		why = check_dir(s, slot, first, &nodes);
		if (why)
			return why;
	}
	if (count != s->count)
		return "set: its count is wrong";
	if (nodes != s->nodes)
		return "set: its charge is wrong";
	return NULL;
}
