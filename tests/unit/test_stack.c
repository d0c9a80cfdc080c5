/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stacks: a fault below a region that grows down makes it grow to the page,
 * while the guard gap of 256 pages stays and the limit holds.
 */
#include "tests/support/unit.h"

enum { R = PAGER_ACCESS_READ, W = PAGER_ACCESS_WRITE, X = PAGER_ACCESS_EXEC };
enum { TOP = 10000, GAP = 256 };

static void start(void)
{
	unit_start(NULL);
	unit_map_flags(unit_space, TOP - 4, 4, UNIT_RW, PAGER_MAP_GROWSDOWN);
}

static uint64_t bottom(void)
{
	return unit_region(unit_space, TOP - 1).range.start;
}

START_TEST(it_grows_to_the_page_that_faults)
{
	start();
	unit_put(unit_space, TOP - 1, 1);
	unit_put(unit_space, TOP - 5, 2);
	ck_assert_uint_eq(bottom(), TOP - 5);
	unit_put(unit_space, TOP - 50, 3);
	ck_assert_uint_eq(bottom(), TOP - 50);
	ck_assert_uint_eq(unit_info(unit_space).virtual_pages, 50);
	ck_assert_uint_eq(unit_info(unit_space).resident, 3);
	ck_assert_uint_eq(unit_info(unit_space).regions, 1);
	ck_assert_uint_eq(unit_get(unit_space, TOP - 5), 2);
	unit_end();
}
END_TEST

START_TEST(a_read_makes_it_grow_too_and_an_access_it_may_not_have_does_not)
{
	char *before;

	start();
	ck_assert_uint_eq(unit_get(unit_space, TOP - 6), 0);
	ck_assert_uint_eq(bottom(), TOP - 6);
	before = unit_picture();
	ck_assert_uint_eq(unit_signal(unit_space, TOP - 8, X),
			  PAGER_SEGV_ACCERR);
	unit_unchanged(before, "a forbidden access below a stack");
	unit_end();
}
END_TEST

START_TEST(the_guard_gap_to_the_region_below_stays)
{
	char *before;

	start();
	unit_map(unit_space, TOP - 1000, 100, UNIT_RW);
	before = unit_picture();
	for (uint64_t v = TOP - 900; v < TOP - 900 + GAP; v += 51)
		ck_assert_uint_eq(unit_signal(unit_space, v, W),
				  PAGER_SEGV_STACK);
	ck_assert_uint_eq(unit_signal(unit_space, TOP - 900 + GAP - 1, W),
			  PAGER_SEGV_STACK);
	unit_unchanged(before, "a fault in the guard gap");
	unit_put(unit_space, TOP - 900 + GAP, 1);
	ck_assert_uint_eq(bottom(), TOP - 900 + GAP);
	unit_end();
}
END_TEST

START_TEST(no_gap_is_kept_to_what_cannot_be_accessed_or_grows_down_itself)
{
	start();
	unit_map(unit_space, TOP - 100, 10, 0);
	unit_put(unit_space, TOP - 90, 1);
	ck_assert_uint_eq(bottom(), TOP - 90);
	unit_end();

	start();
	unit_map_flags(unit_space, TOP - 100, 10, UNIT_R, PAGER_MAP_GROWSDOWN);
	unit_put(unit_space, TOP - 90, 1);
	ck_assert_uint_eq(bottom(), TOP - 90);
	ck_assert_uint_eq(unit_info(unit_space).regions, 2);
	unit_end();
}
END_TEST

START_TEST(two_stacks_that_meet_and_are_alike_merge)
{
	start();
	unit_map_flags(unit_space, TOP - 100, 10, UNIT_RW, PAGER_MAP_GROWSDOWN);
	unit_put(unit_space, TOP - 90, 1);
	unit_check();
	ck_assert_uint_eq(unit_info(unit_space).regions, 1);
	ck_assert_uint_eq(bottom(), TOP - 100);
	ck_assert_uint_eq(unit_get(unit_space, TOP - 90), 1);
	unit_end();
}
END_TEST

START_TEST(the_default_limit_is_2048_pages)
{
	const struct pager_limits none = {0};
	struct pager_space *s;

	unit_start(NULL);
	unit_ok(pager_space_new(unit_world.core, unit_world.account,
				unit_world.mmu, pager_range(0, PAGER_VPN_HALF),
				&none, &s));
	unit_map_flags(s, TOP - 1, 1, UNIT_RW, PAGER_MAP_GROWSDOWN);
	ck_assert_uint_eq(unit_signal(s, TOP - 2049, W), PAGER_SEGV_STACK);
	unit_put(s, TOP - 2048, 1);
	ck_assert_uint_eq(unit_region(s, TOP - 1).range.start, TOP - 2048);
	ck_assert_uint_eq(unit_signal(s, TOP - 2049, R), PAGER_SEGV_STACK);
	unit_end();
}
END_TEST

START_TEST(a_limit_of_ones_own_holds_for_the_child_too)
{
	const struct pager_limits limits = {.stack = 8};
	struct pager_space *s, *child;

	unit_start(NULL);
	unit_ok(pager_space_new(unit_world.core, unit_world.account,
				unit_world.mmu, pager_range(0, PAGER_VPN_HALF),
				&limits, &s));
	unit_map_flags(s, TOP - 2, 2, UNIT_RW, PAGER_MAP_GROWSDOWN);
	unit_put(s, TOP - 7, 1);
	child = unit_fork(s);
	ck_assert_uint_eq(unit_signal(s, TOP - 9, W), PAGER_SEGV_STACK);
	ck_assert_uint_eq(unit_signal(child, TOP - 9, W), PAGER_SEGV_STACK);
	unit_put(child, TOP - 8, 2);
	ck_assert(!unit_mapped(s, TOP - 8));
	unit_end();
}
END_TEST

START_TEST(it_grows_to_the_bottom_of_the_space_and_no_further)
{
	struct pager_space *s;

	unit_start(NULL);
	s = test_world_space(&unit_world, TOP - 20, TOP);
	unit_map_flags(s, TOP - 2, 2, UNIT_RW, PAGER_MAP_GROWSDOWN);
	ck_assert_uint_eq(unit_signal(s, TOP - 21, W), PAGER_SEGV_STACK);
	unit_put(s, TOP - 20, 1);
	ck_assert_uint_eq(unit_region(s, TOP - 1).range.start, TOP - 20);
	pager_space_free(s);

	s = test_world_space(&unit_world, 0, 100);
	unit_map_flags(s, 1, 2, UNIT_RW, PAGER_MAP_GROWSDOWN);
	unit_put(s, 0, 1);
	ck_assert_uint_eq(unit_get(s, 0), 1);
	unit_end();
}
END_TEST

START_TEST(it_does_not_grow_into_the_other_half)
{
	unit_start(NULL);
	unit_map_flags(unit_space, PAGER_VPN_HALF, 2, UNIT_RW,
		       PAGER_MAP_GROWSDOWN);
	ck_assert_uint_eq(unit_signal(unit_space, PAGER_VPN_HALF - 1, W),
			  PAGER_SEGV_MAPERR);
	unit_end();
}
END_TEST

START_TEST(below_a_region_that_does_not_grow_nothing_grows)
{
	start();
	unit_map(unit_space, TOP - 100, 10, UNIT_RW);
	ck_assert_uint_eq(unit_signal(unit_space, TOP - 101, W),
			  PAGER_SEGV_MAPERR);
	ck_assert_uint_eq(unit_signal(unit_space, TOP, W), PAGER_SEGV_MAPERR);
	unit_end();
}
END_TEST

START_TEST(without_memory_or_over_a_limit_it_does_not_grow)
{
	const struct test_world_config config = {.frames = 3};
	struct pager_fault_info info;

	unit_start(&config);
	unit_map_flags(unit_space, TOP - 1, 1, UNIT_RW, PAGER_MAP_GROWSDOWN);
	unit_put(unit_space, TOP - 1, 1);
	unit_limit(PAGER_RES_PAGES, 4);
	unit_refused(pager_space_fault(unit_space, TOP - 5, W, &info),
		     PAGER_ELIMIT, PAGER_ARG_ADDR);
	unit_put(unit_space, TOP - 4, 2);
	unit_no_limits();
	unit_refused(pager_space_fault(unit_space, TOP - 6, W, &info),
		     PAGER_ENOMEM, PAGER_ARG_NONE);
	ck_assert_uint_eq(bottom(), TOP - 4);
	ck_assert_uint_eq(unit_get(unit_space, TOP - 6), 0); /* a zero page */
	unit_end();
}
END_TEST

START_TEST(the_upper_part_of_a_split_stack_does_not_run_over_the_lower)
{
	start();
	unit_put(unit_space, TOP - 40, 1);
	unit_protect(unit_space, TOP - 20, 10, UNIT_R);
	unit_check();
	ck_assert_uint_eq(unit_info(unit_space).regions, 3);
	ck_assert_uint_eq(unit_signal(unit_space, TOP - 15, W),
			  PAGER_SEGV_ACCERR);
	unit_unmap(unit_space, TOP - 20, 10);
	/* The hole is below a stack again, and above a stack. */
	unit_put(unit_space, TOP - 15, 2);
	ck_assert_uint_eq(bottom(), TOP - 15);
	ck_assert_uint_eq(unit_get(unit_space, TOP - 40), 1);
	unit_end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    it_grows_to_the_page_that_faults,
	    a_read_makes_it_grow_too_and_an_access_it_may_not_have_does_not,
	    the_guard_gap_to_the_region_below_stays,
	    no_gap_is_kept_to_what_cannot_be_accessed_or_grows_down_itself,
	    two_stacks_that_meet_and_are_alike_merge,
	    the_default_limit_is_2048_pages,
	    a_limit_of_ones_own_holds_for_the_child_too,
	    it_grows_to_the_bottom_of_the_space_and_no_further,
	    it_does_not_grow_into_the_other_half,
	    below_a_region_that_does_not_grow_nothing_grows,
	    without_memory_or_over_a_limit_it_does_not_grow,
	    the_upper_part_of_a_split_stack_does_not_run_over_the_lower,
	};

	return UNIT_RUN("stack", tests);
}
