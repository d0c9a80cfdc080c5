/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The region index against a sorted array under random changes: in a narrow
 * window, where everything touches, at the top of the address space, and over
 * all of it.
 */
#include <check.h>
#include <stdlib.h>

#include "tests/support/rtree_bed.h"

/* Often the first or last choice, else any: 0 .. n - 1. */
static uint64_t edgy(uint64_t n)
{
	switch (bed_below(4)) {
	case 0:
		return 0;
	case 1:
		return n - 1;
	default:
		return bed_below(n);
	}
}

/* Fill a part of a gap, from its first or to its last page now and then. */
static void step_insert(unsigned int i)
{
	uint64_t start, end, len;

	bed_gap(i, &start, &end);
	if (start == end || tree_bed.n == BED_REGIONS)
		return;
	len = 1 + bed_below((end - start + 3) / 4);
	start += edgy(end - start - len + 1);
	bed_insert(start, start + len);
}

static void step_resize(unsigned int i)
{
	struct pager_region *r = tree_bed.at[i];
	uint64_t from, to, ignored, start, end;

	bed_gap(i, &from, &ignored);
	bed_gap(i + 1, &ignored, &to);
	switch (bed_below(4)) {
	case 0: /* grow to both neighbours */
		start = from;
		end = to;
		break;
	case 1: /* shrink */
		start = r->start + bed_below(r->end - r->start);
		end = start + 1 + bed_below(r->end - start);
		break;
	default: /* anywhere between the neighbours */
		start = from + bed_below(to - from);
		end = start + 1 + bed_below(to - start);
		break;
	}
	bed_resize(i, start, end);
}

static void step_look(void)
{
	uint64_t size = tree_bed.window_end - tree_bed.window_start;
	uint64_t lo = tree_bed.window_start + edgy(size + 1);
	uint64_t hi = tree_bed.window_start + size - edgy(size + 1);
	uint64_t len = 1 + bed_below(bed_below(2) ? 16 : size / 8 + 1);

	bed_expect_find(tree_bed.window_start + edgy(size + 1));
	if (tree_bed.n) {
		const struct pager_region *r =
		    tree_bed.at[bed_below(tree_bed.n)];

		bed_expect_find(r->start);
		bed_expect_find(r->end);
		bed_expect_find(r->end - 1);
		bed_expect_find(r->start - 1);
		bed_expect_gap(lo, r->start, len, bed_below(3));
		bed_expect_gap(r->end, hi, len, bed_below(3));
		bed_expect_gap(r->start + 1, r->end + len, len, bed_below(3));
	}
	bed_expect_gap(lo, hi, len, bed_below(3));
	bed_expect_gap(tree_bed.window_start, tree_bed.window_end, len,
		       bed_below(len + 1));
}

/* One step; grow in percent says how the number of regions tends. */
static void step(unsigned int grow)
{
	if (tree_bed.n && bed_below(4) == 0)
		step_resize((unsigned int)edgy(tree_bed.n));
	else if (!tree_bed.n || bed_below(100) < grow)
		step_insert((unsigned int)edgy(tree_bed.n + 1));
	else
		bed_erase((unsigned int)edgy(tree_bed.n));
}

static void run_model(unsigned int steps)
{
	unsigned int grow = 75;

	for (unsigned int i = 0; i < steps; i++) {
		if (i % 700 == 699)
			grow = (unsigned int[]){90, 60, 10, 40}[bed_below(4)];
		step(grow);
		bed_check(&tree_bed.t);
		step_look();
		if (i % 64 == 0)
			bed_expect_order();
	}
	while (tree_bed.n) {
		bed_erase((unsigned int)bed_below(tree_bed.n));
		bed_check(&tree_bed.t);
		step_look();
	}
}

START_TEST(model_narrow)
{
	bed_init(0, 1500, (uint64_t)_i);
	run_model(3000);
	bed_fini();
}
END_TEST

START_TEST(model_at_the_top)
{
	bed_init(PAGER_VPN_END - 3000, PAGER_VPN_END, (uint64_t)_i);
	run_model(3000);
	bed_fini();
}
END_TEST

START_TEST(model_whole_space)
{
	bed_init(0, PAGER_VPN_END, (uint64_t)_i);
	run_model(3000);
	bed_fini();
}
END_TEST

/* Many regions, so that inner nodes split and merge too. */
START_TEST(model_deep)
{
	bed_init(0, PAGER_VPN_END, (uint64_t)_i);
	while (tree_bed.n < BED_REGIONS - 1) {
		step(95);
		if (tree_bed.n % 16 == 0)
			bed_check(&tree_bed.t);
	}
	bed_expect_order();
	ck_assert_uint_ge(tree_bed.t.height, 2);
	for (unsigned int i = 0; i < 400; i++)
		step_look();
	/* Whole stretches at once, then single ones. */
	while (tree_bed.n > BED_REGIONS / 4) {
		unsigned int i = (unsigned int)edgy(tree_bed.n - 64);

		for (unsigned int k = (unsigned int)bed_below(64); k; k--)
			bed_erase(i);
		bed_check(&tree_bed.t);
		step_look();
	}
	while (tree_bed.n) {
		step(20);
		if (tree_bed.n % 16 == 0)
			bed_check(&tree_bed.t);
	}
	bed_fini();
}
END_TEST

static Suite *rtree_model_suite(void)
{
	Suite *suite = suite_create("rtree-model");
	TCase *tc = tcase_create("model");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, model_narrow, 0, 4);
	tcase_add_loop_test(tc, model_at_the_top, 0, 4);
	tcase_add_loop_test(tc, model_whole_space, 0, 4);
	tcase_add_loop_test(tc, model_deep, 0, 2);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(rtree_model_suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
