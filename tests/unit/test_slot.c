/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a region goes when nobody insists: exactly at a hint that is free, else
 * the highest place below it, else the highest anywhere; first with a guard
 * page on both sides, then without; a stack's room is left free.
 */
#include "tests/support/unit.h"

static struct pager_space *s;

static void start(uint64_t lo, uint64_t hi)
{
	unit_start(NULL);
	s = test_world_space(&unit_world, lo, hi);
}

static uint64_t place(uint64_t hint, uint64_t pages)
{
	uint64_t at = UINT64_MAX;

	unit_ok(unit_place(s, hint, pages, &at));
	return at;
}

/* Regions that differ from what place makes, so that nothing merges. */
static void block(uint64_t from, uint64_t to)
{
	unit_map(s, from, to - from, UNIT_R);
}

START_TEST(a_hint_that_is_free_is_taken_exactly_even_without_guards)
{
	start(0, 1000);
	block(100, 110);
	ck_assert_uint_eq(place(500, 10), 500);
	ck_assert_uint_eq(place(110, 5), 110);
	ck_assert_uint_eq(place(95, 5), 95);
	ck_assert_uint_eq(place(990, 10), 990);
	ck_assert_uint_eq(place(1, 1), 1);
	unit_end();
}
END_TEST

START_TEST(a_hint_that_is_taken_leads_to_the_highest_place_below_it)
{
	start(0, 1000);
	block(500, 510);
	ck_assert_uint_eq(place(500, 10), 489);
	ck_assert_uint_eq(place(505, 10), 478);
	ck_assert_uint_eq(place(495, 10), 467);
	unit_end();
}
END_TEST

START_TEST(below_the_hint_keeps_a_guard_page_to_the_region_at_the_hint)
{
	start(0, 1000);
	block(500, 510);
	ck_assert_uint_eq(place(500, 3), 496);
	unit_end();
}
END_TEST

START_TEST(no_room_below_the_hint_leads_anywhere)
{
	start(0, 1000);
	block(1, 100);
	ck_assert_uint_eq(place(50, 10), 990);
	ck_assert_uint_eq(place(50, 10), 979);
	unit_end();
}
END_TEST

START_TEST(highest_fit_with_guard_pages_then_without)
{
	start(0, 100);
	block(90, 100);
	block(70, 75);
	/* 75..90 is 15 long: 13 with guards, then 15 without. */
	ck_assert_uint_eq(place(UINT64_MAX, 13), 76);
	unit_unmap(s, 76, 13);
	block(1, 50);
	/* 50..70 still takes 14 with guards. */
	ck_assert_uint_eq(place(UINT64_MAX, 14), 55);
	unit_unmap(s, 55, 14);
	block(50, 62);
	ck_assert_uint_eq(place(UINT64_MAX, 14), 76);
	ck_assert_uint_eq(place(UINT64_MAX, 1), 68);
	unit_end();
}
END_TEST

START_TEST(without_guards_the_highest_gap_that_fits_is_filled_to_its_top)
{
	start(10, 40);
	block(20, 25);
	block(39, 40);
	ck_assert_uint_eq(place(UINT64_MAX, 14), 25);
	ck_assert_uint_eq(place(UINT64_MAX, 10), 10);
	unit_end();
}
END_TEST

START_TEST(page_zero_is_given_only_to_who_insists)
{
	struct pager_map_args zero = {.pages = 1, .flags = PAGER_MAP_FIXED};
	uint64_t at;

	start(0, 8);
	ck_assert_uint_eq(place(0, 7), 1);
	ck_assert_uint_eq(unit_place(s, 0, 1, &at).err, PAGER_ENOSPACE);
	ck_assert_uint_eq(unit_place(s, UINT64_MAX, 1, &at).err,
			  PAGER_ENOSPACE);
	unit_ok(pager_space_map(s, &zero, &at));
	ck_assert_uint_eq(at, 0);
	unit_end();
}
END_TEST

START_TEST(with_page_zero_mapped_the_search_ends_above_it)
{
	uint64_t at;

	start(0, 20);
	block(0, 1);
	block(10, 20);
	ck_assert_uint_eq(place(UINT64_MAX, 7), 2);
	unit_unmap(s, 2, 7);
	ck_assert_uint_eq(place(UINT64_MAX, 9), 1);
	unit_refused(unit_place(s, 0, 1, &at), PAGER_ENOSPACE, PAGER_ARG_LEN);
	unit_end();
}
END_TEST

START_TEST(a_space_is_filled_to_its_top_page)
{
	start(0, PAGER_VPN_HALF);
	ck_assert_uint_eq(place(UINT64_MAX, 5), PAGER_VPN_HALF - 5);
	ck_assert_uint_eq(place(PAGER_VPN_HALF - 1, 3), PAGER_VPN_HALF - 9);
	ck_assert_uint_eq(place(PAGER_VPN_HALF, 3), PAGER_VPN_HALF - 13);
	unit_end();
}
END_TEST

START_TEST(a_hint_too_near_the_top_is_no_place_and_no_overflow)
{
	uint64_t at;

	start(0, 1000);
	ck_assert_uint_eq(place(995, 10), 985);
	ck_assert_uint_eq(place(UINT64_MAX - 3, 10), 974);
	unit_refused(unit_place(s, 5, PAGER_VPN_END, &at), PAGER_ENOSPACE,
		     PAGER_ARG_LEN);
	unit_refused(unit_place(s, 5, 1000, &at), PAGER_ENOSPACE,
		     PAGER_ARG_LEN);
	unit_end();
}
END_TEST

START_TEST(a_full_space_is_enospace)
{
	uint64_t at;

	start(10, 30);
	ck_assert_uint_eq(place(UINT64_MAX, 20), 10);
	unit_refused(unit_place(s, UINT64_MAX, 1, &at), PAGER_ENOSPACE,
		     PAGER_ARG_LEN);
	unit_refused(unit_place(s, 15, 1, &at), PAGER_ENOSPACE, PAGER_ARG_LEN);
	unit_end();
}
END_TEST

START_TEST(the_upper_half_is_only_for_fixed)
{
	const uint64_t up = PAGER_VPN_HALF + 1000;
	uint64_t at;

	start(0, PAGER_VPN_END);
	ck_assert_uint_lt(place(UINT64_MAX, 5), PAGER_VPN_HALF);
	ck_assert_uint_lt(place(up, 5), PAGER_VPN_HALF);
	unit_map(s, up, 5, UNIT_RW);
	unit_refused(unit_place(s, 0, PAGER_VPN_HALF, &at), PAGER_ENOSPACE,
		     PAGER_ARG_LEN);
	unit_end();
}
END_TEST

START_TEST(a_region_is_never_placed_across_the_halves)
{
	start(0, PAGER_VPN_END);
	ck_assert_uint_eq(place(PAGER_VPN_HALF - 2, 5), PAGER_VPN_HALF - 7);
	unit_end();
}
END_TEST

START_TEST(a_space_in_the_upper_half_alone_is_searched)
{
	start(PAGER_VPN_HALF, PAGER_VPN_END);
	ck_assert_uint_eq(place(UINT64_MAX, 5), PAGER_VPN_END - 5);
	ck_assert_uint_eq(place(PAGER_VPN_HALF, 5), PAGER_VPN_HALF);
	unit_end();
}
END_TEST

START_TEST(room_a_stack_may_grow_into_is_left_free)
{
	start(0, 100000);
	unit_map_flags(s, 99990, 10, UNIT_RW, PAGER_MAP_GROWSDOWN);
	/* 2,048 pages of stack, 256 of gap. */
	ck_assert_uint_le(place(UINT64_MAX, 10) + 10, 100000 - 2048 - 256);
	unit_end();
}
END_TEST

START_TEST(the_room_of_several_stacks_is_left_free)
{
	start(0, 100000);
	for (uint64_t i = 0; i < 10; i++)
		unit_map_flags(s, 99990 - i * 2000, 10, UNIT_RW,
			       PAGER_MAP_GROWSDOWN);
	ck_assert_uint_le(place(UINT64_MAX, 10) + 10,
			  100000 - 9 * 2000 - 2048 - 256);
	unit_end();
}
END_TEST

START_TEST(a_stacks_room_is_used_when_there_is_no_other)
{
	start(0, 1000);
	unit_map_flags(s, 990, 10, UNIT_RW, PAGER_MAP_GROWSDOWN);
	ck_assert_uint_eq(place(UINT64_MAX, 989), 1);
	unit_end();
}
END_TEST

START_TEST(more_stacks_than_are_honoured_still_leave_a_place)
{
	start(0, 200000);
	for (uint64_t i = 0; i < 70; i++)
		unit_map_flags(s, 199990 - i * 2200, 10, UNIT_RW,
			       PAGER_MAP_GROWSDOWN);
	block(1, 199990 - 69 * 2200 - 2000);
	ck_assert_uint_gt(place(UINT64_MAX, 10), 0);
	unit_check();
	unit_end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    a_hint_that_is_free_is_taken_exactly_even_without_guards,
	    a_hint_that_is_taken_leads_to_the_highest_place_below_it,
	    below_the_hint_keeps_a_guard_page_to_the_region_at_the_hint,
	    no_room_below_the_hint_leads_anywhere,
	    highest_fit_with_guard_pages_then_without,
	    without_guards_the_highest_gap_that_fits_is_filled_to_its_top,
	    page_zero_is_given_only_to_who_insists,
	    with_page_zero_mapped_the_search_ends_above_it,
	    a_space_is_filled_to_its_top_page,
	    a_hint_too_near_the_top_is_no_place_and_no_overflow,
	    a_full_space_is_enospace,
	    the_upper_half_is_only_for_fixed,
	    a_region_is_never_placed_across_the_halves,
	    a_space_in_the_upper_half_alone_is_searched,
	    room_a_stack_may_grow_into_is_left_free,
	    the_room_of_several_stacks_is_left_free,
	    a_stacks_room_is_used_when_there_is_no_other,
	    more_stacks_than_are_honoured_still_leave_a_place,
	};

	return UNIT_RUN("slot", tests);
}
