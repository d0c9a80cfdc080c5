/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Regions: splitting keeps what a half needs, neighbours that are alike merge,
 * limits hold.
 */
#include "lib/core/space.h"
#include "tests/support/unit.h"

static uint64_t count(void)
{
	return unit_info(unit_space).regions;
}

START_TEST(neighbours_alike_merge_from_below_from_above_and_in_between)
{
	unit_start(NULL);
	unit_map(unit_space, 100, 10, UNIT_RW);
	unit_map(unit_space, 110, 10, UNIT_RW);
	ck_assert_uint_eq(count(), 1);
	unit_map(unit_space, 90, 10, UNIT_RW);
	ck_assert_uint_eq(count(), 1);
	unit_map(unit_space, 130, 10, UNIT_RW);
	ck_assert_uint_eq(count(), 2);
	unit_map(unit_space, 120, 10, UNIT_RW);
	ck_assert_uint_eq(count(), 1);
	ck_assert_uint_eq(unit_region(unit_space, 95).range.start, 90);
	ck_assert_uint_eq(unit_region(unit_space, 95).range.end, 140);
	ck_assert_uint_eq(unit_info(unit_space).virtual_pages, 50);
	unit_end();
}
END_TEST

START_TEST(regions_merge_at_both_ends_of_the_space)
{
	unit_start(NULL);
	unit_map(unit_space, 0, 1, UNIT_RW);
	unit_map(unit_space, 1, 1, UNIT_RW);
	unit_map(unit_space, PAGER_VPN_END - 1, 1, UNIT_RW);
	unit_map(unit_space, PAGER_VPN_END - 2, 1, UNIT_RW);
	ck_assert_uint_eq(count(), 2);
	ck_assert_uint_eq(unit_region(unit_space, 0).range.end, 2);
	ck_assert_uint_eq(
	    unit_region(unit_space, PAGER_VPN_END - 1).range.start,
	    PAGER_VPN_END - 2);
	unit_end();
}
END_TEST

START_TEST(neighbours_that_differ_do_not_merge)
{
	struct pager_object *a, *b;

	unit_start(NULL);
	a = unit_object(100);
	b = unit_object(100);
	unit_map(unit_space, 100, 10, UNIT_RW);
	unit_map(unit_space, 110, 10, UNIT_R);
	unit_map_flags(unit_space, 120, 10, UNIT_R, PAGER_MAP_NORESERVE);
	unit_map_flags(unit_space, 130, 10, UNIT_R, PAGER_MAP_GROWSDOWN);
	unit_map_object(unit_space, 140, 10, UNIT_R, 0, a, 0);
	unit_map_object(unit_space, 150, 10, UNIT_R, 0, b, 10);
	unit_map_object(unit_space, 160, 10, UNIT_R, PAGER_MAP_SHARED, b, 20);
	ck_assert_uint_eq(count(), 7);
	unit_ok(pager_space_brk_start(unit_space, 200 << PAGER_PAGE_SHIFT));
	unit_ok(pager_space_brk(unit_space, 210 << PAGER_PAGE_SHIFT));
	unit_map(unit_space, 210, 10, UNIT_RW);
	ck_assert_uint_eq(count(), 9);
	unit_map(unit_space, 300, 20, UNIT_RW);
	unit_ok(pager_space_pin(unit_space, pager_range(300, 310)));
	unit_map(unit_space, 320, 20, UNIT_RW);
	unit_advise(unit_space, 330, 10, PAGER_ADV_DONTFORK);
	ck_assert_uint_eq(count(), 12);
	unit_end();
}
END_TEST

START_TEST(an_objects_regions_merge_only_where_the_offset_goes_on)
{
	struct pager_object *o;

	unit_start(NULL);
	o = unit_object(100);
	unit_map_object(unit_space, 100, 10, UNIT_R, 0, o, 20);
	unit_map_object(unit_space, 110, 10, UNIT_R, 0, o, 30);
	ck_assert_uint_eq(count(), 1);
	unit_map_object(unit_space, 90, 10, UNIT_R, 0, o, 10);
	ck_assert_uint_eq(count(), 1);
	ck_assert_uint_eq(unit_region(unit_space, 119).offset, 10);
	unit_map_object(unit_space, 120, 10, UNIT_R, 0, o, 41);
	ck_assert_uint_eq(count(), 2);
	unit_map_object(unit_space, 80, 10, UNIT_R, 0, o, 10);
	ck_assert_uint_eq(count(), 3);
	unit_end();
}
END_TEST

START_TEST(mappings_of_an_object_are_counted_through_splits_and_merges)
{
	struct pager_object *o;
	struct pager_object_info info;

	unit_start(NULL);
	o = unit_object(100);
	unit_map_object(unit_space, 100, 30, UNIT_RW, 0, o, 0);
	unit_protect(unit_space, 110, 10, UNIT_R);
	pager_object_info(o, &info);
	ck_assert_uint_eq(info.mappings, 3);
	unit_check();
	unit_protect(unit_space, 110, 10, UNIT_RW);
	pager_object_info(o, &info);
	ck_assert_uint_eq(info.mappings, 1);
	unit_unmap(unit_space, 100, 30);
	pager_object_info(o, &info);
	ck_assert_uint_eq(info.mappings, 0);
	unit_end();
}
END_TEST

START_TEST(each_part_of_a_split_keeps_object_offset_and_flags)
{
	struct pager_region_info low, middle, high;
	struct pager_object *o;

	unit_start(NULL);
	o = unit_object(100);
	unit_map_object(unit_space, 100, 30, UNIT_RW,
			PAGER_MAP_SHARED | PAGER_MAP_NORESERVE, o, 50);
	unit_advise(unit_space, 100, 30, PAGER_ADV_DONTFORK);
	unit_protect(unit_space, 110, 5, UNIT_R);
	low = unit_region(unit_space, 109);
	middle = unit_region(unit_space, 110);
	high = unit_region(unit_space, 115);
	ck_assert_uint_eq(low.offset, 50);
	ck_assert_uint_eq(middle.offset, 60);
	ck_assert_uint_eq(high.offset, 65);
	ck_assert_ptr_eq(low.object, o);
	ck_assert_ptr_eq(middle.object, o);
	ck_assert_ptr_eq(high.object, o);
	ck_assert_uint_eq(low.flags,
			  PAGER_REGION_SHARED | PAGER_REGION_NORESERVE |
			      PAGER_REGION_DONTFORK | PAGER_REGION_OBJECT);
	ck_assert_uint_eq(middle.flags, low.flags);
	ck_assert_uint_eq(high.flags, low.flags);
	ck_assert_uint_eq(middle.range.end, high.range.start);
	ck_assert_uint_eq(high.range.end, 130);
	unit_end();
}
END_TEST

START_TEST(each_part_of_a_split_heap_is_heap_and_the_break_goes_on)
{
	unit_start(NULL);
	unit_ok(pager_space_brk_start(unit_space, 100 << PAGER_PAGE_SHIFT));
	unit_ok(pager_space_brk(unit_space, 130 << PAGER_PAGE_SHIFT));
	unit_fill(unit_space, 100, 30, 1);
	unit_protect(unit_space, 110, 10, UNIT_R);
	ck_assert_uint_eq(count(), 3);
	for (uint64_t v = 100; v < 130; v += 10)
		ck_assert_uint_eq(unit_region(unit_space, v).flags,
				  PAGER_REGION_HEAP);
	unit_ok(pager_space_brk(unit_space, 140 << PAGER_PAGE_SHIFT));
	ck_assert_uint_eq(unit_region(unit_space, 120).range.end, 140);
	unit_ok(pager_space_brk(unit_space, 105 << PAGER_PAGE_SHIFT));
	ck_assert_uint_eq(count(), 1);
	ck_assert_uint_eq(unit_get(unit_space, 104), 5);
	ck_assert(!unit_mapped(unit_space, 105));
	unit_end();
}
END_TEST

START_TEST(an_offset_follows_a_start_that_moves)
{
	struct pager_object *o;
	struct pager_region *r;

	unit_start(NULL);
	o = unit_object(100);
	unit_map_object(unit_space, 100, 10, UNIT_R, 0, o, 20);
	r = rtree_find(&unit_space->regions, 100);
	space_resize_region(unit_space, r, 103, 115);
	ck_assert_uint_eq(unit_region(unit_space, 103).offset, 23);
	unit_check();
	space_resize_region(unit_space, r, 95, 100);
	ck_assert_uint_eq(unit_region(unit_space, 95).offset, 15);
	ck_assert_uint_eq(unit_info(unit_space).virtual_pages, 5);
	unit_end();
}
END_TEST

START_TEST(the_list_with_a_cursor_shows_every_region_once_in_order)
{
	struct pager_region_info r;
	uint64_t seen = 0, at = 0;

	unit_start(NULL);
	for (uint64_t i = 0; i < 1000; i++)
		unit_map(unit_space, (i * 7919 % 1000) * 3 + 5, 2,
			 i % 2 ? UNIT_R : UNIT_RW);
	while (pager_space_region(unit_space, at, &r)) {
		ck_assert_uint_ge(r.range.start, at);
		ck_assert_uint_eq(pager_range_len(r.range), 2);
		at = r.range.end;
		seen++;
	}
	ck_assert_uint_eq(seen, 1000);
	ck_assert(pager_space_region(unit_space, 7, &r));
	ck_assert_uint_eq(r.range.start, 8);
	ck_assert(!pager_space_region(unit_space, UINT64_MAX, &r));
	unit_end();
}
END_TEST

static struct pager_space *small_space(uint64_t regions, uint64_t pages)
{
	const struct pager_limits limits = {.regions = regions, .pages = pages};
	struct pager_space *s = NULL;

	unit_ok(pager_space_new(unit_world.core, unit_world.account,
				unit_world.mmu, pager_range(0, PAGER_VPN_END),
				&limits, &s));
	return s;
}

START_TEST(a_space_holds_65530_regions_and_no_more)
{
	struct pager_map_args more = {
	    .addr = 200000, .pages = 1, .flags = PAGER_MAP_FIXED};
	struct pager_space *s;
	uint64_t at;

	unit_start(NULL);
	s = small_space(0, 0);
	for (uint64_t i = 0; i < 65530; i++)
		unit_map(s, 2 * i, 1, UNIT_RW);
	ck_assert_uint_eq(unit_info(s).regions, 65530);
	ck_assert_uint_eq(pager_space_map(s, &more, &at).err, PAGER_ELIMIT);
	unit_unmap(s, 0, 1);
	unit_ok(pager_space_map(s, &more, &at));
	ck_assert_uint_eq(unit_info(s).regions, 65530);
	unit_end();
}
END_TEST

START_TEST(what_fits_the_limit_of_regions_is_not_refused)
{
	struct pager_space *s;
	struct pager_map_args a = {
	    .addr = 105, .pages = 5, .prot = UNIT_R, .flags = PAGER_MAP_FIXED};
	uint64_t at;

	unit_start(NULL);
	s = small_space(2, 0);
	unit_map(s, 100, 10, UNIT_RW);
	unit_ok(pager_space_map(s, &a, &at)); /* the tail: one more */
	ck_assert_uint_eq(unit_info(s).regions, 2);
	a.addr = 100;
	unit_ok(pager_space_map(s, &a, &at)); /* all of the first */
	pager_space_free(s);

	s = small_space(3, 0);
	unit_map(s, 100, 10, UNIT_RW);
	a.addr = 103;
	unit_ok(pager_space_map(s, &a, &at)); /* the middle: two more */
	ck_assert_uint_eq(unit_info(s).regions, 3);
	unit_unmap(s, 103, 5);
	unit_unmap(s, 100, 1);
	unit_protect(s, 109, 1, UNIT_R);
	ck_assert_uint_eq(unit_info(s).regions, 3);
	unit_end();
}
END_TEST

START_TEST(every_way_to_make_a_region_too_many_is_refused)
{
	const struct pager_range middle = pager_range(103, 106);
	struct pager_map_args a = {.addr = 103, .pages = 3, .prot = UNIT_R};
	struct pager_remap_args m = {.addr = 103,
				     .pages = 3,
				     .new_pages = 3,
				     .flags = PAGER_REMAP_MAYMOVE |
					      PAGER_REMAP_FIXED,
				     .new_addr = 500};
	struct pager_space *s;
	uint64_t at;

	unit_start(NULL);
	s = small_space(1, 0);
	unit_map(s, 100, 10, UNIT_RW);
	unit_fill(s, 100, 10, 1);
	unit_refused(pager_space_map(s, &a, &at), PAGER_ELIMIT, PAGER_ARG_NONE);
	a.flags = PAGER_MAP_FIXED;
	unit_refused(pager_space_map(s, &a, &at), PAGER_ELIMIT, PAGER_ARG_NONE);
	unit_refused(pager_space_unmap(s, middle), PAGER_ELIMIT,
		     PAGER_ARG_NONE);
	unit_refused(pager_space_protect(s, middle, UNIT_R), PAGER_ELIMIT,
		     PAGER_ARG_NONE);
	unit_refused(pager_space_advise(s, middle, PAGER_ADV_DONTFORK),
		     PAGER_ELIMIT, PAGER_ARG_NONE);
	unit_refused(pager_space_pin(s, middle), PAGER_ELIMIT, PAGER_ARG_NONE);
	unit_refused(pager_space_remap(s, &m, &at), PAGER_ELIMIT,
		     PAGER_ARG_NONE);
	unit_ok(pager_space_brk_start(s, 200 << PAGER_PAGE_SHIFT));
	unit_refused(pager_space_brk(s, 201 << PAGER_PAGE_SHIFT), PAGER_ELIMIT,
		     PAGER_ARG_NONE);
	unit_unmap(s, 100, 3); /* the low end and the high end need none */
	unit_unmap(s, 106, 4);
	ck_assert_uint_eq(unit_get(s, 104), 5);
	unit_end();
}
END_TEST

START_TEST(virtual_pages_are_limited_in_every_way_to_get_them)
{
	struct pager_map_args a = {
	    .addr = 300, .pages = 5, .flags = PAGER_MAP_FIXED};
	struct pager_remap_args m = {.addr = 100, .pages = 16, .new_pages = 21};
	struct pager_fault_info info;
	struct pager_space *s;
	uint64_t at;

	unit_start(NULL);
	s = small_space(0, 20);
	unit_map(s, 100, 16, UNIT_RW);
	unit_refused(pager_space_map(s, &a, &at), PAGER_ELIMIT, PAGER_ARG_LEN);
	unit_refused(pager_space_remap(s, &m, &at), PAGER_ELIMIT,
		     PAGER_ARG_NEW_LEN);
	m.flags = PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED;
	m.new_addr = 500;
	unit_refused(pager_space_remap(s, &m, &at), PAGER_ELIMIT,
		     PAGER_ARG_NEW_LEN);
	unit_ok(pager_space_brk_start(s, 200 << PAGER_PAGE_SHIFT));
	unit_refused(pager_space_brk(s, 205 << PAGER_PAGE_SHIFT), PAGER_ELIMIT,
		     PAGER_ARG_ADDR);
	unit_map_flags(s, 2000, 1, UNIT_RW, PAGER_MAP_GROWSDOWN);
	unit_refused(pager_space_fault(s, 1996, PAGER_ACCESS_WRITE, &info),
		     PAGER_ELIMIT, PAGER_ARG_ADDR);
	unit_put(s, 1997, 1);
	ck_assert_uint_eq(unit_info(s).virtual_pages, 20);
	a.addr = 98; /* in place of some: only the difference counts */
	a.pages = 18;
	unit_refused(pager_space_map(s, &a, &at), PAGER_ELIMIT, PAGER_ARG_LEN);
	a.addr = 100;
	a.pages = 16;
	unit_ok(pager_space_map(s, &a, &at));
	unit_end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    neighbours_alike_merge_from_below_from_above_and_in_between,
	    regions_merge_at_both_ends_of_the_space,
	    neighbours_that_differ_do_not_merge,
	    an_objects_regions_merge_only_where_the_offset_goes_on,
	    mappings_of_an_object_are_counted_through_splits_and_merges,
	    each_part_of_a_split_keeps_object_offset_and_flags,
	    each_part_of_a_split_heap_is_heap_and_the_break_goes_on,
	    an_offset_follows_a_start_that_moves,
	    the_list_with_a_cursor_shows_every_region_once_in_order,
	    a_space_holds_65530_regions_and_no_more,
	    what_fits_the_limit_of_regions_is_not_refused,
	    every_way_to_make_a_region_too_many_is_refused,
	    virtual_pages_are_limited_in_every_way_to_get_them,
	};

	return UNIT_RUN("region", tests);
}
