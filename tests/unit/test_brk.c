/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The break: both ways, by the byte, and what stands in its way.
 */
#include "tests/support/unit.h"

#define BYTES(page) ((uint64_t)(page) << PAGER_PAGE_SHIFT)

static struct pager_status brk_to(uint64_t bytes)
{
	return pager_space_brk(unit_space, bytes);
}

static void start(uint64_t bytes)
{
	unit_start(NULL);
	unit_ok(pager_space_brk_start(unit_space, bytes));
}

START_TEST(the_break_grows_and_shrinks_and_pages_go_with_it)
{
	start(BYTES(100));
	unit_ok(brk_to(BYTES(110)));
	ck_assert_uint_eq(unit_region(unit_space, 100).flags,
			  PAGER_REGION_HEAP);
	ck_assert_uint_eq(unit_region(unit_space, 100).prot, UNIT_RW);
	unit_fill(unit_space, 100, 10, 1);
	unit_ok(brk_to(BYTES(105)));
	ck_assert_uint_eq(unit_info(unit_space).resident, 5);
	ck_assert_uint_eq(unit_signal(unit_space, 105, PAGER_ACCESS_READ),
			  PAGER_SEGV_MAPERR);
	unit_ok(brk_to(BYTES(110)));
	ck_assert_uint_eq(unit_info(unit_space).regions, 1);
	ck_assert_uint_eq(unit_get(unit_space, 104), 5);
	ck_assert_uint_eq(unit_get(unit_space, 105), 0);
	unit_ok(brk_to(BYTES(100)));
	ck_assert_uint_eq(unit_info(unit_space).regions, 0);
	ck_assert_uint_eq(unit_info(unit_space).brk, BYTES(100));
	unit_end();
}
END_TEST

START_TEST(the_break_is_a_byte_and_the_heap_is_pages)
{
	start(BYTES(100) + 1);
	ck_assert_uint_eq(unit_info(unit_space).brk, BYTES(100) + 1);
	unit_ok(brk_to(BYTES(101)));
	ck_assert_uint_eq(unit_info(unit_space).regions, 0);
	unit_ok(brk_to(BYTES(101) + 1));
	ck_assert_uint_eq(unit_region(unit_space, 101).range.end, 102);
	unit_put(unit_space, 101, 5);
	unit_ok(brk_to(BYTES(102)));
	ck_assert_uint_eq(unit_region(unit_space, 101).range.end, 102);
	unit_ok(brk_to(BYTES(101) + 7));
	ck_assert_uint_eq(unit_get(unit_space, 101), 5);
	unit_ok(brk_to(BYTES(101)));
	ck_assert(!unit_mapped(unit_space, 101));
	unit_ok(brk_to(BYTES(100) + 1));
	unit_end();
}
END_TEST

START_TEST(the_break_where_it_is_changes_nothing)
{
	char *before;

	start(BYTES(100));
	unit_ok(brk_to(BYTES(103)));
	before = unit_picture();
	unit_ok(brk_to(BYTES(103)));
	unit_unchanged(before, "the same break");
	unit_end();
}
END_TEST

START_TEST(the_start_is_set_once_until_clear)
{
	unit_start(NULL);
	unit_refused(brk_to(BYTES(100)), PAGER_EUNMAPPED, PAGER_ARG_ADDR);
	unit_refused(pager_space_brk_start(unit_space, 0), PAGER_ERANGE,
		     PAGER_ARG_ADDR);
	unit_refused(pager_space_brk_start(unit_space, UINT64_MAX),
		     PAGER_ERANGE, PAGER_ARG_ADDR);
	unit_refused(
	    pager_space_brk_start(unit_space, BYTES(PAGER_VPN_HALF) + 1),
	    PAGER_ERANGE, PAGER_ARG_ADDR);
	unit_ok(pager_space_brk_start(unit_space, BYTES(100)));
	unit_refused(pager_space_brk_start(unit_space, BYTES(200)),
		     PAGER_EEXIST, PAGER_ARG_ADDR);
	pager_space_clear(unit_space);
	unit_ok(pager_space_brk_start(unit_space, BYTES(200)));
	unit_end();
}
END_TEST

START_TEST(below_the_start_and_outside_the_space_is_erange)
{
	struct pager_space *s;

	start(BYTES(100));
	unit_ok(brk_to(BYTES(110)));
	unit_refused(brk_to(BYTES(100) - 1), PAGER_ERANGE, PAGER_ARG_ADDR);
	unit_refused(brk_to(0), PAGER_ERANGE, PAGER_ARG_ADDR);
	unit_refused(brk_to(UINT64_MAX), PAGER_ERANGE, PAGER_ARG_ADDR);
	unit_refused(brk_to(BYTES(PAGER_VPN_HALF) + 1), PAGER_ERANGE,
		     PAGER_ARG_ADDR);
	s = test_world_space(&unit_world, 10, 30);
	unit_refused(pager_space_brk_start(s, BYTES(9)), PAGER_ERANGE,
		     PAGER_ARG_ADDR);
	unit_refused(pager_space_brk_start(s, BYTES(30) + 1), PAGER_ERANGE,
		     PAGER_ARG_ADDR);
	unit_ok(pager_space_brk_start(s, BYTES(20)));
	unit_refused(pager_space_brk(s, BYTES(30) + 1), PAGER_ERANGE,
		     PAGER_ARG_ADDR);
	unit_ok(pager_space_brk(s, BYTES(30)));
	unit_end();
}
END_TEST

START_TEST(another_mapping_in_the_way_is_eexist_and_the_break_stays)
{
	start(BYTES(100));
	unit_ok(brk_to(BYTES(105)));
	unit_map(unit_space, 110, 5, UNIT_RW);
	unit_refused(brk_to(BYTES(111)), PAGER_EEXIST, PAGER_ARG_ADDR);
	ck_assert_uint_eq(unit_info(unit_space).brk, BYTES(105));
	unit_ok(brk_to(BYTES(110)));
	ck_assert_uint_eq(unit_info(unit_space).regions, 2);
	unit_refused(brk_to(BYTES(110) + 1), PAGER_EEXIST, PAGER_ARG_ADDR);
	unit_end();
}
END_TEST

START_TEST(a_heap_with_a_hole_and_a_split_still_shrinks)
{
	start(BYTES(100));
	unit_ok(brk_to(BYTES(120)));
	unit_fill(unit_space, 100, 20, 1);
	unit_unmap(unit_space, 108, 4);
	unit_protect(unit_space, 115, 2, UNIT_R);
	unit_ok(brk_to(BYTES(104)));
	unit_check();
	ck_assert_uint_eq(unit_info(unit_space).virtual_pages, 4);
	unit_ok(brk_to(BYTES(112)));
	ck_assert_uint_eq(unit_get(unit_space, 103), 4);
	ck_assert_uint_eq(unit_get(unit_space, 111), 0);
	unit_end();
}
END_TEST

START_TEST(limits_and_lack_of_memory_leave_the_break)
{
	const struct test_world_config config = {.nodes = 16};
	struct pager_space *child;

	unit_start(&config);
	unit_ok(pager_space_brk_start(unit_space, BYTES(512)));
	unit_limit(PAGER_RES_PAGES, 100);
	unit_refused(brk_to(BYTES(512 + 101)), PAGER_ELIMIT, PAGER_ARG_ADDR);
	unit_ok(brk_to(BYTES(512 + 100)));
	unit_no_limits();
	unit_limit(PAGER_RES_REGIONS, 1);
	unit_refused(brk_to(BYTES(512 + 101)), PAGER_ELIMIT, PAGER_ARG_NONE);
	unit_no_limits();
	unit_ok(brk_to(BYTES(512 + 512 * 8)));
	for (uint64_t i = 1; i < 9; i++)
		unit_fill(unit_space, i * 512, 3, 1);
	child = unit_fork(unit_space);
	unit_put(unit_space, 512, 9);
	ck_assert_uint_eq(unit_stats().nodes_used, 15);
	unit_refused(brk_to(BYTES(1024 + 1)), PAGER_ENOMEM, PAGER_ARG_NONE);
	unit_ok(brk_to(BYTES(1024)));
	ck_assert_uint_eq(unit_get(child, 1024), 1);
	unit_end();
}
END_TEST

START_TEST(a_child_has_a_heap_of_its_own)
{
	struct pager_space *child;

	start(BYTES(100));
	unit_ok(brk_to(BYTES(110)));
	unit_fill(unit_space, 100, 10, 1);
	child = unit_fork(unit_space);
	ck_assert_uint_eq(unit_info(child).brk_start, BYTES(100));
	ck_assert_uint_eq(unit_info(child).brk, BYTES(110));
	unit_ok(pager_space_brk(child, BYTES(105)));
	ck_assert_uint_eq(unit_info(unit_space).brk, BYTES(110));
	ck_assert_uint_eq(unit_get(unit_space, 109), 10);
	ck_assert_uint_eq(unit_region(child, 100).flags, PAGER_REGION_HEAP);
	ck_assert_uint_eq(unit_region(child, 100).range.end, 105);
	unit_end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    the_break_grows_and_shrinks_and_pages_go_with_it,
	    the_break_is_a_byte_and_the_heap_is_pages,
	    the_break_where_it_is_changes_nothing,
	    the_start_is_set_once_until_clear,
	    below_the_start_and_outside_the_space_is_erange,
	    another_mapping_in_the_way_is_eexist_and_the_break_stays,
	    a_heap_with_a_hole_and_a_split_still_shrinks,
	    limits_and_lack_of_memory_leave_the_break,
	    a_child_has_a_heap_of_its_own,
	};

	return UNIT_RUN("brk", tests);
}
