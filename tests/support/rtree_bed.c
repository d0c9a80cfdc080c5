/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The region index beside a sorted array. Questions are answered from the array
 * by plain means, and the tree has to agree.
 */
#include "tests/support/rtree_bed.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static void *source_alloc(void *ctx, size_t bytes)
{
	struct rtree_source *s = ctx;
	void *p;

	if (!s->left)
		return NULL;
	s->left--;
	s->chunks++;
	p = aligned_alloc(64, (bytes + 63) & ~(size_t)63);
	ck_assert_ptr_nonnull(p);
	return memset(p, 0, bytes);
}

static void source_free(void *ctx, void *p, size_t bytes)
{
	(void)bytes;
	((struct rtree_source *)ctx)->chunks--;
	free(p);
}

struct tree_bed tree_bed;

void bed_init(uint64_t start, uint64_t end, uint64_t seed)
{
	struct pager_slab_source src = {&tree_bed.source, source_alloc,
					source_free};

	memset(&tree_bed, 0, sizeof(tree_bed));
	tree_bed.source.left = UINT64_MAX;
	tree_bed.window_start = start;
	tree_bed.window_end = end;
	tree_bed.rng = rng_new(seed);
	rtree_pools_init(&tree_bed.pools, src);
	rtree_init(&tree_bed.t, &tree_bed.pools);
}

void bed_fini(void)
{
	rtree_fini(&tree_bed.t);
	ck_assert_ptr_null(tree_bed.t.root);
	ck_assert_uint_eq(tree_bed.t.count, 0);
	for (unsigned int i = 0; i < tree_bed.n; i++)
		free(tree_bed.at[i]);
	ck_assert_uint_eq(tree_bed.pools.leaves.taken, 0);
	ck_assert_uint_eq(tree_bed.pools.inners.taken, 0);
	rtree_pools_fini(&tree_bed.pools);
	ck_assert_uint_eq(tree_bed.source.chunks, 0);
}

void bed_check(const struct rtree *t)
{
	const char *wrong = rtree_check(t);

	ck_assert_msg(!wrong, "%s", wrong);
	ck_assert_uint_eq(t->count, tree_bed.n);
}

unsigned int bed_index(uint64_t vpn)
{
	unsigned int low = 0, high = tree_bed.n;

	while (low < high) {
		unsigned int mid = (low + high) / 2;

		if (tree_bed.at[mid]->end > vpn)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

void bed_gap(unsigned int i, uint64_t *start, uint64_t *end)
{
	*start = i ? tree_bed.at[i - 1]->end : tree_bed.window_start;
	*end = i < tree_bed.n ? tree_bed.at[i]->start : tree_bed.window_end;
}

void bed_insert(uint64_t start, uint64_t end)
{
	struct pager_region *r = calloc(1, sizeof(*r));
	unsigned int i = bed_index(start);
	uint64_t leaves = tree_bed.pools.leaves.taken;
	uint64_t inners = tree_bed.pools.inners.taken;
	unsigned int height = tree_bed.t.height;

	ck_assert_ptr_nonnull(r);
	ck_assert_uint_lt(tree_bed.n, BED_REGIONS);
	r->start = start;
	r->end = end;
	ck_assert_int_eq(rtree_reserve(&tree_bed.t, 1), 0);
	rtree_insert(&tree_bed.t, r);
	ck_assert_ptr_nonnull(r->leaf);
	ck_assert_uint_le(tree_bed.pools.leaves.taken, leaves + 1);
	ck_assert_uint_le(tree_bed.pools.inners.taken, inners + height + 1);
	memmove(&tree_bed.at[i + 1], &tree_bed.at[i],
		(tree_bed.n - i) * sizeof(tree_bed.at[0]));
	tree_bed.at[i] = r;
	tree_bed.n++;
}

void bed_erase(unsigned int i)
{
	struct pager_region *r = tree_bed.at[i];
	uint64_t leaves = tree_bed.pools.leaves.taken;
	uint64_t inners = tree_bed.pools.inners.taken;

	rtree_erase(&tree_bed.t, r);
	ck_assert_ptr_null(r->leaf);
	ck_assert_uint_le(tree_bed.pools.leaves.taken, leaves);
	ck_assert_uint_le(tree_bed.pools.inners.taken, inners);
	free(r);
	tree_bed.n--;
	memmove(&tree_bed.at[i], &tree_bed.at[i + 1],
		(tree_bed.n - i) * sizeof(tree_bed.at[0]));
}

void bed_resize(unsigned int i, uint64_t start, uint64_t end)
{
	rtree_resize(&tree_bed.t, tree_bed.at[i], start, end);
	ck_assert_uint_eq(tree_bed.at[i]->start, start);
	ck_assert_uint_eq(tree_bed.at[i]->end, end);
}

void bed_expect_find(uint64_t vpn)
{
	unsigned int i = bed_index(vpn);
	struct pager_region *r = i < tree_bed.n ? tree_bed.at[i] : NULL;

	ck_assert_ptr_eq(rtree_find(&tree_bed.t, vpn), r);
	ck_assert_ptr_eq(rtree_find_plain(&tree_bed.t, vpn), r);
}

void bed_expect_order(void)
{
	struct pager_region *r = rtree_first(&tree_bed.t);

	for (unsigned int i = 0; i < tree_bed.n; i++, r = rtree_next(r))
		ck_assert_ptr_eq(r, tree_bed.at[i]);
	ck_assert_ptr_null(r);
	r = rtree_last(&tree_bed.t);
	for (unsigned int i = tree_bed.n; i-- > 0; r = rtree_prev(r))
		ck_assert_ptr_eq(r, tree_bed.at[i]);
	ck_assert_ptr_null(r);
}

/* [s, s + len) and guard pages around it keep clear of [r->start, r->end). */
static bool keeps_off(uint64_t s, uint64_t len, uint64_t guard,
		      const struct pager_region *r)
{
	if (s >= r->end)
		return s - r->end >= guard;
	return r->start >= s && r->start - s >= len &&
	       r->start - s - len >= guard;
}

static bool is_free(uint64_t s, uint64_t lo, uint64_t hi, uint64_t len,
		    uint64_t guard)
{
	if (s < lo || s > hi || hi - s < len)
		return false;
	for (unsigned int i = 0; i < tree_bed.n; i++)
		if (!keeps_off(s, len, guard, tree_bed.at[i]))
			return false;
	return true;
}

/* The highest stretch ends at hi or its guard ends where a region begins. */
void bed_expect_gap(uint64_t lo, uint64_t hi, uint64_t len, uint64_t guard)
{
	uint64_t best = UINT64_MAX, out = 0xdead;
	bool found = hi >= len && is_free(hi - len, lo, hi, len, guard);
	bool answer = rtree_gap_highest(&tree_bed.t, lo, hi, len, guard, &out);

	if (found)
		best = hi - len;
	for (unsigned int i = tree_bed.n; i-- > 0 && !found;) {
		uint64_t top = tree_bed.at[i]->start;

		if (top < guard || top - guard < len)
			continue;
		best = top - guard - len;
		found = is_free(best, lo, hi, len, guard);
	}
	ck_assert_msg(answer == found && (!found || out == best),
		      "gap [%#lx, %#lx) len %#lx guard %#lx: %d at %#lx, "
		      "expected %d at %#lx",
		      (unsigned long)lo, (unsigned long)hi, (unsigned long)len,
		      (unsigned long)guard, answer, (unsigned long)out, found,
		      (unsigned long)best);
	if (!found)
		ck_assert_uint_eq(out, 0xdead);
}

uint64_t bed_below(uint64_t n)
{
	return rng_below(&tree_bed.rng, n);
}
