/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory objects: pages of their own, shared by whoever maps them, outliving
 * each of them; growing and shrinking under their feet.
 */
#include "tests/support/unit.h"

enum { R = PAGER_ACCESS_READ, W = PAGER_ACCESS_WRITE };

static struct pager_object_info of(const struct pager_object *o)
{
	struct pager_object_info info;

	pager_object_info(o, &info);
	return info;
}

START_TEST(a_new_object_has_no_pages_and_costs_none)
{
	struct pager_stats before;
	struct pager_object *o = NULL;

	unit_start(NULL);
	before = unit_stats();
	unit_ok(pager_object_new(unit_world.core, unit_world.account,
				 PAGER_VPN_END, &o));
	ck_assert_uint_eq(of(o).size, PAGER_VPN_END);
	ck_assert_uint_eq(of(o).resident, 0);
	ck_assert_uint_eq(of(o).mappings, 0);
	ck_assert_uint_eq(unit_stats().frames_used, before.frames_used);
	ck_assert_uint_eq(unit_stats().nodes_used, before.nodes_used);
	ck_assert_uint_eq(unit_used(PAGER_RES_PAGES), PAGER_VPN_END);
	unit_map_object(unit_space, 100, 1, UNIT_RW, PAGER_MAP_SHARED, o,
			PAGER_VPN_END - 1);
	unit_put(unit_space, 100, 1);
	pager_object_put(o);
	unit_check();
	unit_end();
}
END_TEST

START_TEST(a_size_or_a_charge_too_big_is_refused)
{
	struct pager_object *o = NULL;

	unit_start(NULL);
	unit_refused(pager_object_new(unit_world.core, unit_world.account,
				      PAGER_VPN_END + 1, &o),
		     PAGER_ERANGE, PAGER_ARG_SIZE);
	unit_limit(PAGER_RES_OBJECTS, 0);
	unit_refused(
	    pager_object_new(unit_world.core, unit_world.account, 1, &o),
	    PAGER_ELIMIT, PAGER_ARG_NONE);
	unit_limit(PAGER_RES_PAGES, 10);
	unit_refused(
	    pager_object_new(unit_world.core, unit_world.account, 11, &o),
	    PAGER_ELIMIT, PAGER_ARG_SIZE);
	ck_assert_ptr_null(o);
	o = unit_object(10);
	unit_refused(pager_object_resize(o, 11), PAGER_ELIMIT, PAGER_ARG_SIZE);
	unit_refused(pager_object_resize(o, PAGER_VPN_END + 1), PAGER_ERANGE,
		     PAGER_ARG_SIZE);
	unit_ok(pager_object_resize(o, 0));
	unit_ok(pager_object_resize(o, 10));
	unit_no_limits();
	unit_end();
}
END_TEST

START_TEST(shared_mappings_in_many_spaces_see_each_others_writes)
{
	struct pager_object *o;
	struct pager_space *s[4];

	unit_start(NULL);
	o = unit_object(10);
	for (uint64_t i = 0; i < 4; i++) {
		s[i] = test_world_space(&unit_world, 0, 1000);
		unit_map_object(s[i], 10 + i * 100, 10, UNIT_RW,
				PAGER_MAP_SHARED, o, 0);
	}
	for (uint64_t i = 0; i < 4; i++) {
		unit_put(s[i], 10 + i * 100 + i, (uint8_t)(i + 1));
		for (uint64_t k = 0; k < 4; k++)
			ck_assert_uint_eq(unit_get(s[k], 10 + k * 100 + i),
					  i + 1);
	}
	ck_assert_uint_eq(of(o).resident, 4);
	ck_assert_uint_eq(of(o).mappings, 4);
	ck_assert_uint_eq(unit_stats().frames_used, 1 + 4);
	unit_check();
	/* The pages outlive the space that made them. */
	pager_space_free(s[0]);
	ck_assert_uint_eq(unit_get(s[1], 110), 1);
	for (int i = 1; i < 4; i++)
		pager_space_free(s[i]);
	ck_assert_uint_eq(of(o).resident, 4);
	unit_map_object(unit_space, 50, 10, UNIT_R, PAGER_MAP_SHARED, o, 0);
	ck_assert_uint_eq(unit_get(unit_space, 53), 4);
	unit_end();
}
END_TEST

START_TEST(one_frame_counts_70000_references)
{
	struct pager_object *o;
	uint64_t n = 70000;

	unit_start(NULL);
	o = unit_object(1);
	for (uint64_t i = 0; i < n; i++)
		unit_map_object(unit_space, 10 + i, 1, UNIT_RW,
				PAGER_MAP_SHARED, o, 0);
	for (uint64_t i = 0; i < n; i++)
		unit_fault(unit_space, 10 + i, W);
	ck_assert_uint_eq(unit_page(unit_space, 10).refs, n + 1);
	ck_assert_uint_eq(of(o).mappings, n);
	ck_assert_uint_eq(unit_stats().frames_used, 2);
	unit_put(unit_space, 10, 7);
	ck_assert_uint_eq(unit_get(unit_space, 10 + n - 1), 7);
	unit_check();
	unit_unmap(unit_space, 10, n - 1);
	ck_assert_uint_eq(unit_get(unit_space, 10 + n - 1), 7);
	ck_assert_uint_eq(unit_page(unit_space, 10 + n - 1).refs, 2);
	unit_end();
}
END_TEST

START_TEST(what_one_remaps_writable_does_not_leak_into_a_private_view)
{
	struct pager_object *o;
	struct pager_space *child;

	unit_start(NULL);
	o = unit_object(4);
	unit_map_object(unit_space, 100, 4, UNIT_R, 0, o, 0);
	unit_map_object(unit_space, 200, 4, UNIT_R, PAGER_MAP_SHARED, o, 0);
	ck_assert_uint_eq(unit_get(unit_space, 100), 0);
	ck_assert_uint_eq(unit_get(unit_space, 200), 0);
	child = unit_fork(unit_space);
	unit_protect(child, 100, 4, UNIT_RW);
	unit_protect(unit_space, 100, 4, UNIT_RW);
	unit_put(unit_space, 100, 1);
	unit_put(child, 100, 2);
	ck_assert_uint_eq(unit_get(unit_space, 200), 0);
	ck_assert_uint_eq(unit_get(child, 200), 0);
	ck_assert_uint_eq(unit_get(unit_space, 100), 1);
	ck_assert_uint_eq(unit_get(child, 100), 2);
	unit_end();
}
END_TEST

START_TEST(shrinking_unmaps_everywhere_private_copies_too)
{
	struct pager_object *o;
	struct pager_space *other, *child;

	unit_start(NULL);
	o = unit_object(10);
	other = test_world_space(&unit_world, 0, 1000);
	unit_map_object(unit_space, 100, 10, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	unit_map_object(unit_space, 200, 10, UNIT_RW, 0, o, 0);
	unit_map_object(other, 300, 5, UNIT_R, PAGER_MAP_SHARED, o, 5);
	unit_fill(unit_space, 100, 10, 1);
	unit_put(unit_space, 203, 50); /* private copies on both sides */
	unit_put(unit_space, 208, 51);
	for (uint64_t v = 300; v < 305; v++)
		unit_get(other, v);
	child = unit_fork(unit_space);
	unit_put(child, 209, 52);
	unit_ok(pager_object_resize(o, 6));
	unit_check();
	ck_assert_uint_eq(of(o).size, 6);
	ck_assert_uint_eq(of(o).resident, 6);
	ck_assert_uint_eq(unit_info(unit_space).resident, 6 + 1);
	ck_assert_uint_eq(unit_info(child).resident, 6 + 1);
	ck_assert_uint_eq(unit_info(other).resident, 1);
	ck_assert_uint_eq(unit_stats().frames_used, 1 + 6 + 1);
	ck_assert_uint_eq(unit_signal(unit_space, 106, R), PAGER_BUS_ADRERR);
	ck_assert_uint_eq(unit_signal(unit_space, 208, R), PAGER_BUS_ADRERR);
	ck_assert_uint_eq(unit_signal(child, 209, W), PAGER_BUS_ADRERR);
	ck_assert_uint_eq(unit_signal(other, 301, R), PAGER_BUS_ADRERR);
	ck_assert_uint_eq(unit_get(unit_space, 203), 50);
	ck_assert_uint_eq(unit_get(other, 300), 6);
	/* Grown again, it is zero, and the copies do not come back. */
	unit_ok(pager_object_resize(o, 10));
	ck_assert_uint_eq(unit_get(unit_space, 208), 0);
	ck_assert_uint_eq(unit_get(child, 209), 0);
	ck_assert_uint_eq(unit_get(other, 304), 0);
	unit_end();
}
END_TEST

START_TEST(shrinking_leaves_what_is_mapped_below_the_end_alone)
{
	struct pager_object *o;
	char *before;

	unit_start(NULL);
	o = unit_object(100);
	unit_map_object(unit_space, 100, 4, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	unit_map_object(unit_space, 200, 4, UNIT_RW, PAGER_MAP_SHARED, o, 96);
	unit_fill(unit_space, 100, 4, 1);
	before = unit_picture();
	unit_ok(pager_object_resize(o, 50));
	unit_ok(pager_object_resize(o, 100));
	unit_unchanged(before, "an object shrunk where it had no pages");
	unit_ok(pager_object_resize(o, 4));
	ck_assert_uint_eq(unit_get(unit_space, 103), 4);
	unit_end();
}
END_TEST

START_TEST(shrinking_to_nothing_and_under_prot_none)
{
	struct pager_object *o;

	unit_start(NULL);
	o = unit_object(2000);
	unit_map_object(unit_space, 1000, 2000, UNIT_RW, 0, o, 0);
	unit_fill(unit_space, 1000, 3, 1);
	unit_put(unit_space, 2999, 9);
	unit_get(unit_space, 2000);
	unit_protect(unit_space, 1000, 2000, 0);
	unit_ok(pager_object_resize(o, 0));
	unit_check();
	ck_assert_uint_eq(unit_info(unit_space).resident, 0);
	ck_assert_uint_eq(of(o).resident, 0);
	ck_assert_uint_eq(unit_stats().frames_used, 1);
	ck_assert_uint_eq(unit_info(unit_space).virtual_pages, 2000);
	unit_end();
}
END_TEST

START_TEST(shrinking_may_need_nodes_and_without_them_changes_nothing)
{
	const struct test_world_config config = {.nodes = 20};
	struct pager_object *o;
	struct pager_space *child;
	struct pager_fault_info info;

	unit_start(&config);
	o = unit_object(512);
	unit_map_object(unit_space, 0, 512, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	unit_map(unit_space, 512, 20 * 512, UNIT_RW);
	unit_fill(unit_space, 0, 8, 1);
	child = unit_fork(unit_space);
	for (uint64_t i = 1; unit_stats().nodes_used < 19; i++)
		unit_ok(pager_space_fault(unit_space, i * 512, W, &info));
	unit_refused(pager_object_resize(o, 4), PAGER_ENOMEM, PAGER_ARG_NONE);
	/* A limit of somebody who maps it does not stop its owner. */
	unit_unmap(unit_space, 512, 20 * 512);
	unit_limit(PAGER_RES_NODES, 1);
	unit_ok(pager_object_resize(o, 4));
	unit_no_limits();
	ck_assert_uint_eq(unit_get(child, 3), 4);
	ck_assert_uint_eq(unit_signal(child, 4, R), PAGER_BUS_ADRERR);
	unit_end();
}
END_TEST

START_TEST(an_object_lives_as_long_as_somebody_holds_it)
{
	struct pager_object *o = NULL;
	struct pager_space *child;

	unit_start(NULL);
	unit_ok(pager_object_new(unit_world.core, unit_world.account, 4, &o));
	ck_assert_ptr_eq(pager_object_get(o), o);
	pager_object_put(o);
	unit_map_object(unit_space, 100, 4, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	unit_put(unit_space, 100, 1);
	child = unit_fork(unit_space);
	pager_object_put(o);
	pager_space_clear(unit_space);
	ck_assert_uint_eq(unit_get(child, 100), 1);
	unit_check();
	pager_space_clear(child);
	ck_assert_uint_eq(unit_stats().objects, 0);
	ck_assert_uint_eq(unit_stats().frames_used, 1);
	ck_assert_uint_eq(unit_used(PAGER_RES_OBJECTS), 0);
	unit_end();
}
END_TEST

START_TEST(ids_are_never_used_twice)
{
	uint64_t last = 0;

	unit_start(NULL);
	for (int i = 0; i < 100; i++) {
		struct pager_object *o = NULL;
		struct pager_space *s;

		unit_ok(pager_object_new(unit_world.core, unit_world.account, 4,
					 &o));
		ck_assert_uint_gt(of(o).id, last);
		last = of(o).id;
		pager_object_put(o);
		s = i % 2 ? unit_fork(unit_space)
			  : test_world_space(&unit_world, 0, 10);
		ck_assert_uint_gt(unit_info(s).id, last);
		last = unit_info(s).id;
		pager_space_free(s);
	}
	unit_end();
}
END_TEST

START_TEST(the_same_page_at_different_offsets_in_one_space)
{
	struct pager_object *o;

	unit_start(NULL);
	o = unit_object(10);
	unit_map_object(unit_space, 100, 5, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	unit_map_object(unit_space, 200, 5, UNIT_RW, PAGER_MAP_SHARED, o, 3);
	unit_put(unit_space, 104, 5);
	ck_assert_uint_eq(unit_get(unit_space, 201), 5);
	unit_put(unit_space, 200, 6);
	ck_assert_uint_eq(unit_get(unit_space, 103), 6);
	unit_end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    a_new_object_has_no_pages_and_costs_none,
	    a_size_or_a_charge_too_big_is_refused,
	    shared_mappings_in_many_spaces_see_each_others_writes,
	    one_frame_counts_70000_references,
	    what_one_remaps_writable_does_not_leak_into_a_private_view,
	    shrinking_unmaps_everywhere_private_copies_too,
	    shrinking_leaves_what_is_mapped_below_the_end_alone,
	    shrinking_to_nothing_and_under_prot_none,
	    shrinking_may_need_nodes_and_without_them_changes_nothing,
	    an_object_lives_as_long_as_somebody_holds_it,
	    ids_are_never_used_twice,
	    the_same_page_at_different_offsets_in_one_space,
	};

	return UNIT_RUN("object", tests);
}
