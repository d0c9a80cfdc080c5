/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Map: what is refused and with which argument, FIXED and NOREPLACE, populate.
 * Where a region goes without FIXED is in test_slot.c.
 */
#include "tests/support/unit.h"

static struct pager_status try(struct pager_map_args a)
{
	uint64_t at;

	return pager_space_map(unit_space, &a, &at);
}

START_TEST(every_bad_argument_is_named_and_changes_nothing)
{
	const struct pager_map_args good = {
	    .addr = 100, .pages = 4, .prot = UNIT_RW, .flags = PAGER_MAP_FIXED};
	struct pager_map_args a;
	struct pager_object *o;

	unit_start(NULL);
	o = unit_object(4);
	a = good, a.pages = 0;
	unit_refused(try(a), PAGER_EINVAL, PAGER_ARG_LEN);
	a = good, a.pages = PAGER_VPN_END + 1;
	unit_refused(try(a), PAGER_ERANGE, PAGER_ARG_LEN);
	a = good, a.pages = UINT64_MAX;
	unit_refused(try(a), PAGER_ERANGE, PAGER_ARG_LEN);
	a = good, a.prot = 8;
	unit_refused(try(a), PAGER_EINVAL, PAGER_ARG_PROT);
	a = good, a.flags |= PAGER_MAP_ALL + 1;
	unit_refused(try(a), PAGER_EFLAGS, PAGER_ARG_FLAGS);
	a = good, a.flags = PAGER_MAP_NOREPLACE;
	unit_refused(try(a), PAGER_EFLAGS, PAGER_ARG_FLAGS);
	a = good, a.flags |= PAGER_MAP_SHARED;
	unit_refused(try(a), PAGER_EINVAL, PAGER_ARG_OBJECT);
	a = good, a.flags |= PAGER_MAP_GROWSDOWN, a.object = o;
	unit_refused(try(a), PAGER_EFLAGS, PAGER_ARG_FLAGS);
	a = good, a.flags |= PAGER_MAP_GROWSDOWN | PAGER_MAP_SHARED;
	unit_refused(try(a), PAGER_EFLAGS, PAGER_ARG_FLAGS);
	a = good, a.offset = 1;
	unit_refused(try(a), PAGER_EINVAL, PAGER_ARG_OFFSET);
	a = good, a.object = o, a.offset = PAGER_VPN_END - 3;
	unit_refused(try(a), PAGER_EOVERFLOW, PAGER_ARG_OFFSET);
	a = good, a.object = o, a.offset = UINT64_MAX;
	unit_refused(try(a), PAGER_EOVERFLOW, PAGER_ARG_OFFSET);
	a = good, a.addr = PAGER_VPN_END;
	unit_refused(try(a), PAGER_ERANGE, PAGER_ARG_ADDR);
	a = good, a.addr = UINT64_MAX;
	unit_refused(try(a), PAGER_ERANGE, PAGER_ARG_ADDR);
	a = good, a.addr = UINT64_MAX - 2;
	unit_refused(try(a), PAGER_ERANGE, PAGER_ARG_ADDR);
	a = good, a.addr = PAGER_VPN_END - 3;
	unit_refused(try(a), PAGER_ERANGE, PAGER_ARG_LEN);
	a = good, a.object = o, a.offset = PAGER_VPN_END - 4;
	unit_ok(try(a));
	unit_end();
}
END_TEST

START_TEST(fixed_may_use_the_whole_space_and_nothing_outside)
{
	struct pager_space *s;
	struct pager_map_args a = {
	    .addr = 10, .pages = 20, .flags = PAGER_MAP_FIXED};
	uint64_t at;

	unit_start(NULL);
	s = test_world_space(&unit_world, 10, 30);
	unit_ok(pager_space_map(s, &a, &at));
	a.addr = 9;
	unit_refused(pager_space_map(s, &a, &at), PAGER_ERANGE, PAGER_ARG_ADDR);
	a.addr = 11;
	unit_refused(pager_space_map(s, &a, &at), PAGER_ERANGE, PAGER_ARG_LEN);
	a.addr = 30;
	unit_refused(pager_space_map(s, &a, &at), PAGER_ERANGE, PAGER_ARG_ADDR);
	unit_map(unit_space, 0, PAGER_VPN_END, UNIT_R);
	ck_assert_uint_eq(unit_info(unit_space).virtual_pages, PAGER_VPN_END);
	unit_end();
}
END_TEST

START_TEST(a_space_outside_the_address_range_is_refused)
{
	static const struct pager_range bad[] = {
	    {5, 5}, {6, 5}, {0, PAGER_VPN_END + 1}, {UINT64_MAX, 1}};
	struct pager_space *s = NULL;

	unit_start(NULL);
	for (int i = 0; i < 4; i++)
		unit_refused(pager_space_new(unit_world.core,
					     unit_world.account, unit_world.mmu,
					     bad[i], NULL, &s),
			     PAGER_ERANGE, PAGER_ARG_ADDR);
	ck_assert_ptr_null(s);
	unit_end();
}
END_TEST

START_TEST(fixed_replaces_what_is_there)
{
	struct pager_object *o;

	unit_start(NULL);
	o = unit_object(8);
	unit_map(unit_space, 100, 10, UNIT_RW);
	unit_map_object(unit_space, 110, 8, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	unit_fill(unit_space, 100, 18, 1);
	unit_map(unit_space, 105, 8, UNIT_R);
	unit_check();
	ck_assert_uint_eq(unit_info(unit_space).regions, 3);
	for (uint64_t v = 100; v < 105; v++)
		ck_assert_uint_eq(unit_get(unit_space, v), v - 99);
	for (uint64_t v = 105; v < 113; v++)
		ck_assert_uint_eq(unit_get(unit_space, v), 0);
	for (uint64_t v = 113; v < 118; v++)
		ck_assert_uint_eq(unit_get(unit_space, v), v - 99);
	ck_assert_uint_eq(unit_region(unit_space, 113).offset, 3);
	ck_assert_uint_eq(unit_stats().frames_used, 1 + 5 + 8);
	unit_end();
}
END_TEST

START_TEST(noreplace_is_eexist_if_one_page_is_in_the_way)
{
	struct pager_map_args a = {.addr = 95,
				   .pages = 6,
				   .flags =
				       PAGER_MAP_FIXED | PAGER_MAP_NOREPLACE};

	unit_start(NULL);
	unit_map(unit_space, 100, 10, UNIT_RW);
	unit_fill(unit_space, 100, 10, 1);
	unit_refused(try(a), PAGER_EEXIST, PAGER_ARG_ADDR);
	a.addr = 109;
	unit_refused(try(a), PAGER_EEXIST, PAGER_ARG_ADDR);
	a.addr = 103;
	a.pages = 1;
	unit_refused(try(a), PAGER_EEXIST, PAGER_ARG_ADDR);
	a.addr = 90;
	a.pages = 10;
	unit_ok(try(a));
	a.addr = 110;
	unit_ok(try(a));
	ck_assert_uint_eq(unit_get(unit_space, 105), 6);
	unit_end();
}
END_TEST

START_TEST(a_mapping_holds_its_object)
{
	struct pager_object *o = NULL;

	unit_start(NULL);
	unit_ok(pager_object_new(unit_world.core, unit_world.account, 4, &o));
	unit_map_object(unit_space, 100, 4, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	pager_object_put(o);
	unit_put(unit_space, 101, 7);
	ck_assert_uint_eq(unit_stats().objects, 1);
	unit_unmap(unit_space, 100, 2);
	ck_assert_uint_eq(unit_stats().objects, 1);
	unit_unmap(unit_space, 102, 2);
	ck_assert_uint_eq(unit_stats().objects, 0);
	ck_assert_uint_eq(unit_stats().frames_used, 1);
	unit_end();
}
END_TEST

START_TEST(populate_fills_by_protection_and_type)
{
	struct pager_object *o;
	struct pager_space_info i;

	unit_start(NULL);
	o = unit_object(6);
	unit_map_flags(unit_space, 100, 8, UNIT_RW, PAGER_MAP_POPULATE);
	i = unit_info(unit_space);
	ck_assert_uint_eq(i.anon, 8);
	ck_assert_uint_eq(i.minor_faults, 8);
	unit_map_flags(unit_space, 200, 8, UNIT_R, PAGER_MAP_POPULATE);
	ck_assert_uint_eq(unit_info(unit_space).zero, 8);
	unit_map_flags(unit_space, 300, 8, 0, PAGER_MAP_POPULATE);
	ck_assert_uint_eq(unit_info(unit_space).resident, 16);
	unit_map_object(unit_space, 400, 8, UNIT_RW,
			PAGER_MAP_POPULATE | PAGER_MAP_SHARED, o, 2);
	ck_assert_uint_eq(unit_info(unit_space).object, 4);
	unit_map_object(unit_space, 500, 8, UNIT_R, PAGER_MAP_POPULATE, o, 0);
	ck_assert_uint_eq(unit_info(unit_space).object, 10);
	unit_map_object(unit_space, 600, 8, UNIT_RW, PAGER_MAP_POPULATE, o, 0);
	ck_assert_uint_eq(unit_info(unit_space).anon, 14);
	unit_map_object(unit_space, 700, 8, UNIT_RW, PAGER_MAP_POPULATE, o, 9);
	ck_assert_uint_eq(unit_info(unit_space).resident, 32);
	ck_assert_uint_eq(unit_info(unit_space).peak, 32);
	unit_end();
}
END_TEST

START_TEST(populate_that_does_not_fit_changes_nothing)
{
	const struct test_world_config config = {.frames = 40, .nodes = 24};
	struct pager_map_args a = {.addr = 100,
				   .pages = 39,
				   .prot = UNIT_RW,
				   .flags =
				       PAGER_MAP_FIXED | PAGER_MAP_POPULATE};

	unit_start(&config);
	unit_map(unit_space, 90, 20, UNIT_RW);
	unit_fill(unit_space, 90, 20, 1);
	unit_refused(try(a), PAGER_ENOMEM, PAGER_ARG_NONE);
	unit_limit(PAGER_RES_FRAMES, 25);
	a.pages = 10;
	unit_refused(try(a), PAGER_ELIMIT, PAGER_ARG_NONE);
	unit_no_limits();
	a.prot = UNIT_R; /* zero pages, but too many nodes */
	a.pages = 24 * 512;
	unit_refused(try(a), PAGER_ENOMEM, PAGER_ARG_NONE);
	a.pages = 5 * 512;
	unit_ok(try(a));
	unit_end();
}
END_TEST

START_TEST(populate_in_place_counts_what_it_replaces_as_gone)
{
	const struct pager_limits limits = {.resident = 10};
	struct pager_map_args a = {.addr = 100,
				   .pages = 9,
				   .prot = UNIT_RW,
				   .flags =
				       PAGER_MAP_FIXED | PAGER_MAP_POPULATE};
	struct pager_space *s;
	uint64_t at;

	unit_start(NULL);
	unit_ok(pager_space_new(unit_world.core, unit_world.account,
				unit_world.mmu, pager_range(0, 1000), &limits,
				&s));
	unit_map(s, 90, 18, UNIT_RW);
	unit_fill(s, 98, 10, 1);
	unit_refused(pager_space_map(s, &a, &at), PAGER_ELIMIT, PAGER_ARG_LEN);
	a.pages = 8;
	unit_ok(pager_space_map(s, &a, &at));
	ck_assert_uint_eq(unit_info(s).resident, 10);
	ck_assert_uint_eq(unit_info(s).peak, 10);
	unit_end();
}
END_TEST

START_TEST(populate_in_place_of_a_shared_subtree_does_not_touch_the_other)
{
	struct pager_space *child;

	unit_start(NULL);
	unit_map(unit_space, 100, 20, UNIT_RW);
	unit_fill(unit_space, 100, 20, 1);
	child = unit_fork(unit_space);
	unit_map_flags(child, 105, 10, UNIT_RW, PAGER_MAP_POPULATE);
	unit_check();
	for (uint64_t v = 100; v < 120; v++) {
		ck_assert_uint_eq(unit_get(unit_space, v), v - 99);
		ck_assert_uint_eq(unit_get(child, v),
				  v >= 105 && v < 115 ? 0 : v - 99);
	}
	unit_end();
}
END_TEST

START_TEST(a_tebibyte_can_be_mapped_and_costs_nothing_until_touched)
{
	struct pager_stats before;

	unit_start(NULL);
	before = unit_stats();
	unit_map_flags(unit_space, 1, UINT64_C(1) << 28, UNIT_RW,
		       PAGER_MAP_NORESERVE);
	ck_assert_uint_eq(unit_stats().frames_used, before.frames_used);
	ck_assert_uint_eq(unit_stats().nodes_used, before.nodes_used);
	ck_assert_uint_eq(unit_region(unit_space, 1).flags,
			  PAGER_REGION_NORESERVE);
	unit_put(unit_space, UINT64_C(1) << 28, 3);
	ck_assert_uint_eq(unit_get(unit_space, UINT64_C(1) << 28), 3);
	unit_end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    every_bad_argument_is_named_and_changes_nothing,
	    fixed_may_use_the_whole_space_and_nothing_outside,
	    a_space_outside_the_address_range_is_refused,
	    fixed_replaces_what_is_there,
	    noreplace_is_eexist_if_one_page_is_in_the_way,
	    a_mapping_holds_its_object,
	    populate_fills_by_protection_and_type,
	    populate_that_does_not_fit_changes_nothing,
	    populate_in_place_counts_what_it_replaces_as_gone,
	    populate_in_place_of_a_shared_subtree_does_not_touch_the_other,
	    a_tebibyte_can_be_mapped_and_costs_nothing_until_touched,
	};

	return UNIT_RUN("map", tests);
}
