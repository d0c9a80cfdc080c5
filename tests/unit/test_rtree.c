/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The region index at its edges, its shape, stock and copies, and the honesty
 * of its self-check. Random changes are in test_rtree_model.c.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/failpoint.h"
#include "tests/support/rtree_bed.h"

/* --- edges -----------------------------------------------------------------
 */

START_TEST(empty_tree)
{
	bed_init(0, PAGER_VPN_END, 0);
	bed_check(&tree_bed.t);
	bed_expect_order();
	bed_expect_find(0);
	bed_expect_find(PAGER_VPN_END);
	bed_expect_find(UINT64_MAX);
	bed_expect_gap(0, PAGER_VPN_END, PAGER_VPN_END, 1);
	bed_expect_gap(0, PAGER_VPN_END, PAGER_VPN_END + 1, 0);
	bed_expect_gap(5, 5, 1, 0);
	bed_expect_gap(6, 5, 1, 0);
	bed_expect_gap(0, UINT64_MAX, UINT64_MAX, UINT64_MAX);
	bed_fini();
}
END_TEST

START_TEST(first_and_last_page)
{
	bed_init(0, PAGER_VPN_END, 0);
	bed_insert(0, 1);
	bed_insert(PAGER_VPN_END - 1, PAGER_VPN_END);
	bed_check(&tree_bed.t);
	bed_expect_order();
	bed_expect_find(0);
	bed_expect_find(1);
	bed_expect_find(PAGER_VPN_END - 1);
	bed_expect_find(PAGER_VPN_END);
	bed_expect_find(UINT64_MAX - 1);
	bed_expect_find(UINT64_MAX);
	for (uint64_t guard = 0; guard < 3; guard++) {
		bed_expect_gap(0, PAGER_VPN_END, PAGER_VPN_END - 2 * guard - 2,
			       guard);
		bed_expect_gap(0, PAGER_VPN_END, PAGER_VPN_END - 2 * guard - 1,
			       guard);
	}
	bed_fini();
}
END_TEST

START_TEST(region_over_everything)
{
	bed_init(0, PAGER_VPN_END, 0);
	bed_insert(0, PAGER_VPN_END);
	bed_check(&tree_bed.t);
	bed_expect_find(PAGER_VPN_END / 2);
	bed_expect_find(PAGER_VPN_END);
	bed_expect_gap(0, PAGER_VPN_END, 1, 0);
	bed_expect_gap(0, PAGER_VPN_END + 1, 1, 0);
	bed_expect_gap(0, PAGER_VPN_END + 1, 1, 1);
	bed_fini();
}
END_TEST

START_TEST(gap_at_address_0)
{
	uint64_t out;

	bed_init(0, PAGER_VPN_END, 0);
	bed_insert(5, PAGER_VPN_END);
	ck_assert(rtree_gap_highest(&tree_bed.t, 0, PAGER_VPN_END, 5, 0, &out));
	ck_assert_uint_eq(out, 0);
	ck_assert(rtree_gap_highest(&tree_bed.t, 0, PAGER_VPN_END, 4, 1, &out));
	ck_assert_uint_eq(out, 0);
	ck_assert(
	    !rtree_gap_highest(&tree_bed.t, 0, PAGER_VPN_END, 5, 1, &out));
	ck_assert(
	    !rtree_gap_highest(&tree_bed.t, 0, PAGER_VPN_END, 6, 0, &out));
	ck_assert(
	    !rtree_gap_highest(&tree_bed.t, 1, PAGER_VPN_END, 5, 0, &out));
	bed_resize(0, 0, PAGER_VPN_END);
	ck_assert(
	    !rtree_gap_highest(&tree_bed.t, 0, PAGER_VPN_END, 1, 0, &out));
	bed_fini();
}
END_TEST

START_TEST(gap_at_the_top)
{
	uint64_t out;

	bed_init(0, PAGER_VPN_END, 0);
	bed_insert(0, PAGER_VPN_END - 5);
	ck_assert(rtree_gap_highest(&tree_bed.t, 0, PAGER_VPN_END, 5, 0, &out));
	ck_assert_uint_eq(out, PAGER_VPN_END - 5);
	ck_assert(rtree_gap_highest(&tree_bed.t, 0, PAGER_VPN_END, 4, 1, &out));
	ck_assert_uint_eq(out, PAGER_VPN_END - 4);
	ck_assert(rtree_gap_highest(&tree_bed.t, 0, PAGER_VPN_END, 3, 1, &out));
	ck_assert_uint_eq(out, PAGER_VPN_END - 3);
	ck_assert(
	    !rtree_gap_highest(&tree_bed.t, 0, PAGER_VPN_END, 5, 1, &out));
	ck_assert(
	    !rtree_gap_highest(&tree_bed.t, 0, PAGER_VPN_END, 6, 0, &out));
	ck_assert(
	    !rtree_gap_highest(&tree_bed.t, 0, PAGER_VPN_END - 1, 5, 0, &out));
	bed_fini();
}
END_TEST

/* Regions beyond the bounds keep their distance, the bounds themselves not. */
START_TEST(gap_guard_beyond_bounds)
{
	uint64_t out;

	bed_init(0, 1000, 0);
	bed_insert(100, 200);
	bed_insert(300, 400);
	ck_assert(rtree_gap_highest(&tree_bed.t, 200, 300, 98, 1, &out));
	ck_assert_uint_eq(out, 201);
	ck_assert(!rtree_gap_highest(&tree_bed.t, 200, 300, 99, 1, &out));
	ck_assert(rtree_gap_highest(&tree_bed.t, 201, 299, 98, 1, &out));
	ck_assert_uint_eq(out, 201);
	ck_assert(rtree_gap_highest(&tree_bed.t, 230, 270, 40, 30, &out));
	ck_assert_uint_eq(out, 230);
	ck_assert(!rtree_gap_highest(&tree_bed.t, 230, 270, 40, 31, &out));
	ck_assert(!rtree_gap_highest(&tree_bed.t, 0, 100, 1, UINT64_MAX, &out));
	ck_assert(
	    !rtree_gap_highest(&tree_bed.t, 0, 1000, 1, UINT64_MAX, &out));
	ck_assert(!rtree_gap_highest(&tree_bed.t, 0, UINT64_MAX, UINT64_MAX,
				     UINT64_MAX, &out));
	bed_fini();
}
END_TEST

/* --- shape -----------------------------------------------------------------
 */

static void fill(unsigned int n, int direction)
{
	for (unsigned int i = 0; i < n; i++) {
		uint64_t k = direction > 0 ? i : n - 1 - i;

		bed_insert(1000 + 3 * k, 1000 + 3 * k + 2);
	}
}

/* Regions that come in one direction leave full leaves behind. */
START_TEST(sequential_fill_is_dense)
{
	bed_init(0, PAGER_VPN_END, 0);
	/* Something above and below that the stretch grows between. */
	bed_insert(10, 20);
	bed_insert(PAGER_VPN_END - 10, PAGER_VPN_END);
	fill(4000, _i ? 1 : -1);
	bed_check(&tree_bed.t);
	ck_assert_uint_le(tree_bed.t.leaves, 4000 / RTREE_FAN * 11 / 10);
	bed_expect_order();
	bed_fini();
}
END_TEST

START_TEST(shrinks_with_its_regions)
{
	unsigned int high;

	bed_init(0, PAGER_VPN_END, 7);
	fill(4000, 1);
	high = tree_bed.t.height;
	ck_assert_uint_ge(high, 2);
	while (tree_bed.n > 200)
		bed_erase((unsigned int)bed_below(tree_bed.n));
	bed_check(&tree_bed.t);
	ck_assert_uint_lt(tree_bed.t.height, high);
	ck_assert_uint_le(tree_bed.t.leaves, 200 / (RTREE_MERGE / 4));
	while (tree_bed.n > 1)
		bed_erase(0);
	bed_check(&tree_bed.t);
	ck_assert_uint_eq(tree_bed.t.height, 0);
	ck_assert_uint_eq(tree_bed.pools.leaves.taken, 1);
	ck_assert_uint_eq(tree_bed.pools.inners.taken, 0);
	bed_erase(0);
	bed_check(&tree_bed.t);
	ck_assert_uint_eq(tree_bed.pools.leaves.taken, 0);
	bed_insert(1, 2);
	bed_check(&tree_bed.t);
	bed_fini();
}
END_TEST

/* A full first leaf splits around a new region far below: the longest gap of
 * its parent is now in the left half. */
START_TEST(split_at_the_lower_end)
{
	bed_init(0, PAGER_VPN_END, 0);
	fill(4000, 1);
	ck_assert_uint_ge(tree_bed.t.height, 2);
	bed_insert(500, 501);
	bed_check(&tree_bed.t);
	bed_expect_gap(0, PAGER_VPN_HALF, 400, 0);
	bed_expect_gap(501, 1000, 499, 0);
	bed_fini();
}
END_TEST

/* The first leaf of all goes, between full ones, and with it a long gap. */
START_TEST(leaf_goes_at_the_lower_end)
{
	uint64_t leaves;

	bed_init(0, PAGER_VPN_END, 0);
	fill(4000, 1);
	leaves = tree_bed.t.leaves;
	while (tree_bed.at[1]->leaf == tree_bed.at[0]->leaf)
		bed_erase(1);
	bed_check(&tree_bed.t);
	ck_assert_uint_eq(tree_bed.t.leaves, leaves);
	bed_erase(0);
	bed_check(&tree_bed.t);
	ck_assert_uint_eq(tree_bed.t.leaves, leaves - 1);
	bed_expect_gap(1000, PAGER_VPN_HALF, 10, 0);
	bed_fini();
}
END_TEST

/* --- stock -----------------------------------------------------------------
 */

START_TEST(reserve_without_memory)
{
	bed_init(0, PAGER_VPN_END, 3);
	tree_bed.source.left = 0;
	ck_assert_int_eq(rtree_reserve(&tree_bed.t, 1), -1);
	bed_check(&tree_bed.t);
	tree_bed.source.left = 1; /* leaves, but no inner nodes */
	ck_assert_int_eq(rtree_reserve(&tree_bed.t, 1), -1);
	bed_check(&tree_bed.t);
	tree_bed.source.left = 1;
	ck_assert_int_eq(rtree_reserve(&tree_bed.t, 1), 0);
	tree_bed.source.left = UINT64_MAX;
	fill(500, 1);
	tree_bed.source.left = 0;
	ck_assert_int_eq(rtree_reserve(&tree_bed.t, 100000), -1);
	bed_check(&tree_bed.t);
	bed_expect_order();
	bed_fini();
}
END_TEST

/* What is reserved once holds for all n inserts, wherever they go. */
START_TEST(reserve_many_at_once)
{
	unsigned int n = (unsigned int)_i;
	uint64_t at[2500];

	bed_init(0, PAGER_VPN_END, (uint64_t)_i);
	fill(500, 1);
	for (unsigned int i = 0; i < n; i++)
		at[i] = 10000 + 2 * i;
	for (unsigned int i = n; i-- > 1;) {
		unsigned int j = (unsigned int)bed_below(i + 1);
		uint64_t other = at[j];

		at[j] = at[i];
		at[i] = other;
	}
	ck_assert_int_eq(rtree_reserve(&tree_bed.t, n), 0);
	tree_bed.source.left = 0;
	for (unsigned int i = 0; i < n; i++) {
		struct pager_region *r = calloc(1, sizeof(*r));

		ck_assert_ptr_nonnull(r);
		r->start = at[i];
		r->end = at[i] + 1;
		rtree_insert(&tree_bed.t, r);
	}
	for (struct pager_region *r = rtree_find(&tree_bed.t, 10000); r;
	     r = rtree_next(r))
		tree_bed.at[tree_bed.n++] = r;
	bed_check(&tree_bed.t);
	bed_fini();
}
END_TEST

START_TEST(reserve_from_stock_is_free)
{
	uint64_t chunks;

	bed_init(0, PAGER_VPN_END, 0);
	fill(100, 1);
	ck_assert_int_eq(rtree_reserve(&tree_bed.t, 3), 0);
	chunks = tree_bed.source.chunks;
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(rtree_reserve(&tree_bed.t, 3), 0);
	ck_assert_uint_eq(tree_bed.source.chunks, chunks);
	bed_fini();
}
END_TEST

#ifdef PAGER_FAILPOINTS
/* Each point of reserve and reserve_clone in turn; the tree never changes. */
START_TEST(fail_points)
{
	unsigned long n = 1;

	bed_init(0, PAGER_VPN_END, 0);
	fill(200, 1);
	for (;; n++) {
		int rc;

		pager_fail_arm(n);
		rc = _i ? rtree_reserve_clone(&tree_bed.t)
			: rtree_reserve(&tree_bed.t, 2);
		bed_check(&tree_bed.t);
		if (!pager_fail_fired()) {
			ck_assert_int_eq(rc, 0);
			break;
		}
		ck_assert_int_eq(rc, -1);
	}
	pager_fail_arm(0);
	ck_assert_uint_eq(n, 3);
	bed_expect_order();
	bed_fini();
}
END_TEST
#endif

/* --- copies ----------------------------------------------------------------
 */

struct copier {
	struct pager_region *copies;
	unsigned int n;
};

static struct pager_region *copy_region(void *ctx, const struct pager_region *r)
{
	struct copier *c = ctx;
	struct pager_region *copy = &c->copies[c->n];

	ck_assert_ptr_eq(r, tree_bed.at[c->n]);
	c->n++;
	*copy = *r;
	copy->leaf = NULL;
	return copy;
}

/* n regions here and there. */
static void scatter(unsigned int n)
{
	while (tree_bed.n < n) {
		uint64_t start = bed_below(PAGER_VPN_END - 1000);
		uint64_t end = start + 1 + bed_below(1000);
		unsigned int i = bed_index(start);

		if (i == tree_bed.n || tree_bed.at[i]->start >= end)
			bed_insert(start, end);
	}
}

START_TEST(clone)
{
	unsigned int sizes[] = {0, 1, 31, 32, 33, 700, 4000};
	unsigned int n = sizes[_i];
	struct copier c = {calloc(n + 1, sizeof(struct pager_region)), 0};
	uint64_t leaves, inners, out, other;
	struct pager_region *r;
	struct rtree t;

	ck_assert_ptr_nonnull(c.copies);
	bed_init(0, PAGER_VPN_END, (uint64_t)_i);
	scatter(n);
	leaves = tree_bed.pools.leaves.taken;
	inners = tree_bed.pools.inners.taken;

	rtree_init(&t, &tree_bed.pools);
	ck_assert_int_eq(rtree_reserve_clone(&tree_bed.t), 0);
	tree_bed.source.left = 0;
	rtree_clone(&t, &tree_bed.t, copy_region, &c);
	tree_bed.source.left = UINT64_MAX;
	ck_assert_uint_eq(c.n, n);
	bed_check(&t);
	bed_check(&tree_bed.t);
	bed_expect_order();
	ck_assert_uint_eq(tree_bed.pools.leaves.taken, 2 * leaves);
	ck_assert_uint_eq(tree_bed.pools.inners.taken, 2 * inners);
	ck_assert_uint_eq(t.height, tree_bed.t.height);
	r = rtree_first(&t);
	for (unsigned int i = 0; i < n; i++, r = rtree_next(r))
		ck_assert_ptr_eq(r, &c.copies[i]);
	ck_assert_ptr_null(r);
	r = rtree_last(&t);
	for (unsigned int i = n; i-- > 0; r = rtree_prev(r))
		ck_assert_ptr_eq(r, &c.copies[i]);
	ck_assert_ptr_null(r);
	ck_assert_int_eq(
	    rtree_gap_highest(&t, 0, PAGER_VPN_END, 9, 1, &out),
	    rtree_gap_highest(&tree_bed.t, 0, PAGER_VPN_END, 9, 1, &other));

	/* Neither knows what happens to the other. */
	for (unsigned int i = 0; i < n; i += 2)
		rtree_erase(&t, &c.copies[i]);
	bed_check(&tree_bed.t);
	bed_expect_order();
	while (tree_bed.n)
		bed_erase((unsigned int)bed_below(tree_bed.n));
	ck_assert_ptr_null(rtree_check(&t));
	ck_assert_uint_eq(t.count, n / 2);
	rtree_fini(&t);
	bed_fini();
	free(c.copies);
}
END_TEST

/* --- the self-check --------------------------------------------------------
 */

static void expect_wrong(const char *word)
{
	const char *wrong = rtree_check(&tree_bed.t);

	ck_assert_msg(wrong && strstr(wrong, word), "\"%s\", expected \"%s\"",
		      wrong ? wrong : "nothing", word);
}

/* Spoil a value, see that it is noticed, and put it back. */
#define SPOIL(what, value, word)               \
	do {                                   \
		__typeof__(what) was = (what); \
		(what) = (value);              \
		expect_wrong(word);            \
		(what) = was;                  \
	} while (0)

START_TEST(check_finds_what_is_wrong)
{
	struct pager_region *r;
	struct rtree_inner *root;
	struct rtree_leaf *leaf;

	bed_init(0, PAGER_VPN_END, 0);
	fill(100, 1);
	r = tree_bed.at[50];
	root = tree_bed.t.root;
	leaf = r->leaf;
	ck_assert_uint_eq(tree_bed.t.height, 1);
	bed_check(&tree_bed.t);
	SPOIL(r->start, r->start + 1, "other bounds");
	SPOIL(r->end, r->end + 1, "other bounds");
	SPOIL(r->leaf, tree_bed.at[0]->leaf, "another leaf");
	SPOIL(tree_bed.t.count, 99, "count of regions");
	SPOIL(tree_bed.t.top, tree_bed.t.top - 1, "top");
	SPOIL(tree_bed.t.leaves, 1, "count of nodes");
	SPOIL(tree_bed.t.inners, 0, "count of nodes");
	SPOIL(tree_bed.t.height, RTREE_LEVELS, "height");
	SPOIL(root->gap[1], 0, "gap");
	SPOIL(root->gap[1], root->gap[1] + 1, "gap");
	SPOIL(root->k.lo[1], root->k.lo[1] - 1, "key");
	SPOIL(root->k.hi[1], root->k.hi[1] + 1, "key");
	SPOIL(root->k.n, 0, "entries");
	SPOIL(leaf->k.n, RTREE_FAN + 1, "entries");
	SPOIL(root->k.hi[RTREE_FAN - 1], 7, "without entry");
	SPOIL(leaf->prev, NULL, "before");
	SPOIL(leaf->prev->next, NULL, "behind");
	SPOIL(tree_bed.at[99]->leaf->next, leaf, "behind");
	bed_check(&tree_bed.t);

	/* Bounds that agree with the leaf's, but not with the neighbour's. */
	for (unsigned int i = 0; leaf->k.slot[i] != r; i++)
		ck_assert_uint_lt(i, RTREE_FAN - 1);
	bed_resize(50, r->start, tree_bed.at[51]->start);
	bed_check(&tree_bed.t);
	bed_resize(50, r->start, tree_bed.at[51]->start + 1);
	expect_wrong("overlap");
	bed_resize(50, r->start, r->start + 1);
	bed_check(&tree_bed.t);
	bed_fini();
}
END_TEST

static Suite *rtree_suite(void)
{
	Suite *suite = suite_create("rtree");
	TCase *tc = tcase_create("edges");

	tcase_add_test(tc, empty_tree);
	tcase_add_test(tc, first_and_last_page);
	tcase_add_test(tc, region_over_everything);
	tcase_add_test(tc, gap_at_address_0);
	tcase_add_test(tc, gap_at_the_top);
	tcase_add_test(tc, gap_guard_beyond_bounds);
	suite_add_tcase(suite, tc);

	tc = tcase_create("shape");
	tcase_add_loop_test(tc, sequential_fill_is_dense, 0, 2);
	tcase_add_test(tc, shrinks_with_its_regions);
	tcase_add_test(tc, split_at_the_lower_end);
	tcase_add_test(tc, leaf_goes_at_the_lower_end);
	suite_add_tcase(suite, tc);

	tc = tcase_create("stock");
	tcase_add_test(tc, reserve_without_memory);
	tcase_add_loop_test(tc, reserve_many_at_once, 1, 4);
	tcase_add_loop_test(tc, reserve_many_at_once, 2499, 2501);
	tcase_add_test(tc, reserve_from_stock_is_free);
#ifdef PAGER_FAILPOINTS
	tcase_add_loop_test(tc, fail_points, 0, 2);
#endif
	suite_add_tcase(suite, tc);

	tc = tcase_create("clone");
	tcase_add_loop_test(tc, clone, 0, 7);
	suite_add_tcase(suite, tc);

	tc = tcase_create("check");
	tcase_add_test(tc, check_finds_what_is_wrong);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(rtree_suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
