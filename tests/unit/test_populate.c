/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Populate: all pages of a range or none, counted before anything is
 * installed, charged to whom they belong.
 */
#include "tests/support/unit.h"

enum { R = PAGER_ACCESS_READ, W = PAGER_ACCESS_WRITE, X = PAGER_ACCESS_EXEC };

static uint64_t done;

static struct pager_status populate(uint64_t start, uint64_t end,
				    uint32_t access)
{
	done = UINT64_MAX;
	return pager_space_populate(unit_space, pager_range(start, end), access,
				    &done);
}

START_TEST(it_installs_what_is_missing_and_counts_it)
{
	unit_start(NULL);
	unit_map(unit_space, 100, 10, UNIT_RW);
	unit_put(unit_space, 103, 7);
	unit_get(unit_space, 104);
	unit_ok(populate(100, 110, R));
	ck_assert_uint_eq(done, 8);
	ck_assert_uint_eq(unit_info(unit_space).zero, 9);
	unit_ok(populate(100, 110, R));
	ck_assert_uint_eq(done, 0);
	unit_ok(populate(100, 110, W));
	ck_assert_uint_eq(done, 9);
	ck_assert_uint_eq(unit_info(unit_space).anon, 10);
	ck_assert_uint_eq(unit_get(unit_space, 103), 7);
	ck_assert_uint_eq(unit_info(unit_space).minor_faults, 2 + 8 + 9);
	unit_end();
}
END_TEST

START_TEST(it_crosses_regions_of_every_type)
{
	struct pager_object *a, *b;

	unit_start(NULL);
	a = unit_object(8);
	b = unit_object(8);
	unit_map(unit_space, 100, 5, UNIT_RW);
	unit_map_object(unit_space, 105, 5, UNIT_RW, 0, a, 0);
	unit_map_object(unit_space, 110, 5, UNIT_RW, PAGER_MAP_SHARED, b, 3);
	unit_map_object(unit_space, 115, 5, UNIT_RW, PAGER_MAP_SHARED, a, 2);
	unit_map_flags(unit_space, 120, 5, UNIT_RW, PAGER_MAP_GROWSDOWN);
	unit_ok(populate(100, 125, W));
	unit_check();
	ck_assert_uint_eq(done, 25);
	ck_assert_uint_eq(unit_info(unit_space).anon, 15);
	ck_assert_uint_eq(unit_info(unit_space).object, 10);
	ck_assert_uint_eq(unit_stats().frames_used, 1 + 25);
	unit_end();
}
END_TEST

START_TEST(one_page_of_an_object_mapped_twice_in_the_range_is_made_once)
{
	struct pager_object *o;

	unit_start(NULL);
	o = unit_object(4);
	unit_map_object(unit_space, 100, 4, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	unit_map_object(unit_space, 104, 4, UNIT_R, PAGER_MAP_SHARED, o, 0);
	unit_ok(populate(100, 108, R));
	unit_check();
	ck_assert_uint_eq(done, 8);
	ck_assert_uint_eq(unit_stats().frames_used, 1 + 4);
	unit_end();
}
END_TEST

START_TEST(it_copies_what_a_fork_shares)
{
	struct pager_space *child;

	unit_start(NULL);
	unit_map(unit_space, 500, 30, UNIT_RW);
	unit_fill(unit_space, 500, 30, 1);
	child = unit_fork(unit_space);
	unit_ok(populate(505, 525, W));
	unit_check();
	ck_assert_uint_eq(done, 20);
	for (uint64_t v = 500; v < 530; v++) {
		ck_assert_uint_eq(unit_get(unit_space, v), v - 499);
		ck_assert_uint_eq(unit_get(child, v), v - 499);
	}
	ck_assert_uint_eq(unit_stats().frames_used, 1 + 50);
	unit_end();
}
END_TEST

START_TEST(exactly_what_is_left_is_enough_and_one_less_is_not)
{
	const struct test_world_config config = {.frames = 21, .nodes = 16};

	unit_start(&config);
	unit_map(unit_space, 500, 30, UNIT_RW);
	unit_refused(populate(500, 521, W), PAGER_ENOMEM, PAGER_ARG_NONE);
	unit_limit(PAGER_RES_NODES, 4); /* it takes four, with the root five */
	unit_refused(populate(500, 520, W), PAGER_ELIMIT, PAGER_ARG_LEN);
	unit_limit(PAGER_RES_NODES, 5);
	unit_ok(populate(500, 520, W));
	ck_assert_uint_eq(done, 20);
	ck_assert_uint_eq(unit_stats().frames_free, 0);
	ck_assert_uint_eq(unit_stats().nodes_used, 5);
	unit_no_limits();
	unit_end();
}
END_TEST

START_TEST(more_than_there_can_ever_be_is_refused_at_once)
{
	unit_start(NULL);
	unit_map(unit_space, 0, UINT64_C(1) << 35, UNIT_RW);
	unit_refused(populate(0, UINT64_C(1) << 35, W), PAGER_ENOMEM,
		     PAGER_ARG_LEN);
	unit_refused(populate(0, UINT64_C(1) << 35, R), PAGER_ENOMEM,
		     PAGER_ARG_LEN);
	unit_end();
}
END_TEST

START_TEST(one_page_that_may_not_be_refuses_all)
{
	struct pager_object *o;

	unit_start(NULL);
	o = unit_object(4);
	unit_map(unit_space, 100, 5, UNIT_RW);
	unit_map(unit_space, 105, 5, UNIT_R);
	unit_map_object(unit_space, 110, 5, UNIT_RW, 0, o, 0);
	unit_refused(populate(100, 110, W), PAGER_ESIGNAL, PAGER_ARG_ADDR);
	unit_refused(populate(100, 110, X), PAGER_ESIGNAL, PAGER_ARG_ADDR);
	unit_refused(populate(108, 115, R), PAGER_ESIGNAL, PAGER_ARG_LEN);
	unit_refused(populate(108, 116, R), PAGER_EUNMAPPED, PAGER_ARG_ADDR);
	unit_refused(populate(99, 101, R), PAGER_EUNMAPPED, PAGER_ARG_ADDR);
	unit_refused(populate(105, 105, R), PAGER_EINVAL, PAGER_ARG_LEN);
	unit_refused(populate(100, 105, 0), PAGER_EINVAL, PAGER_ARG_ACCESS);
	unit_refused(populate(100, 105, R | W), PAGER_EINVAL, PAGER_ARG_ACCESS);
	unit_refused(populate(UINT64_MAX - 1, UINT64_MAX, R), PAGER_ERANGE,
		     PAGER_ARG_ADDR);
	unit_ok(populate(100, 114, R));
	ck_assert_uint_eq(done, 14);
	unit_end();
}
END_TEST

START_TEST(a_limit_of_resident_pages_is_kept)
{
	const struct pager_limits limits = {.resident = 10};
	struct pager_space *s;
	uint64_t n;

	unit_start(NULL);
	unit_ok(pager_space_new(unit_world.core, unit_world.account,
				unit_world.mmu, pager_range(0, 1000), &limits,
				&s));
	unit_map(s, 100, 20, UNIT_RW);
	unit_get(s, 100);
	unit_refused(pager_space_populate(s, pager_range(100, 111), W, &n),
		     PAGER_ELIMIT, PAGER_ARG_LEN);
	unit_ok(pager_space_populate(s, pager_range(100, 110), W, &n));
	ck_assert_uint_eq(n, 10);
	unit_end();
}
END_TEST

START_TEST(own_frames_and_an_objects_count_together_if_one_account_pays)
{
	struct pager_object *o;

	unit_start(NULL);
	o = unit_object(8);
	unit_map(unit_space, 100, 8, UNIT_RW);
	unit_map_object(unit_space, 108, 8, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	unit_limit(PAGER_RES_FRAMES, 15);
	unit_refused(populate(100, 116, W), PAGER_ELIMIT, PAGER_ARG_LEN);
	unit_limit(PAGER_RES_FRAMES, 16);
	unit_ok(populate(100, 116, W));
	ck_assert_uint_eq(unit_used(PAGER_RES_FRAMES), 16);
	pager_space_clear(unit_space);
	unit_ok(pager_object_resize(o, 0));
	unit_ok(pager_object_resize(o, 8));

	unit_map(unit_space, 100, 8, UNIT_RW);
	unit_map_object(unit_space, 108, 8, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	unit_limit(PAGER_RES_NODES, unit_used(PAGER_RES_NODES) + 6 - 1);
	unit_refused(populate(100, 116, W), PAGER_ELIMIT, PAGER_ARG_LEN);
	unit_no_limits();
	unit_end();
}
END_TEST

static struct pager_account *owner_with(uint64_t frames, uint64_t nodes)
{
	uint64_t limit[PAGER_RES_COUNT];

	for (int i = 0; i < PAGER_RES_COUNT; i++)
		limit[i] = UINT64_MAX;
	limit[PAGER_RES_FRAMES] = frames;
	limit[PAGER_RES_NODES] = nodes;
	return pager_account_new(unit_world.core, limit);
}

START_TEST(another_owners_object_is_charged_to_him_and_only_to_him)
{
	struct pager_map_args a = {.addr = 200,
				   .pages = 8,
				   .prot = UNIT_RW,
				   .flags = PAGER_MAP_FIXED | PAGER_MAP_SHARED |
					    PAGER_MAP_POPULATE};
	struct pager_account *owner;
	struct pager_object *o = NULL;
	uint64_t at;

	unit_start(NULL);
	owner = owner_with(8, 4);
	unit_ok(pager_object_new(unit_world.core, owner, 8, &o));
	unit_limit(PAGER_RES_NODES, 1 + 3);
	a.object = o;
	unit_ok(pager_space_map(unit_space, &a, &at));
	unit_no_limits();
	ck_assert_uint_eq(unit_used(PAGER_RES_FRAMES), 0);
	ck_assert_uint_eq(pager_account_used(owner, PAGER_RES_FRAMES), 8);
	ck_assert_uint_eq(pager_account_used(owner, PAGER_RES_NODES), 4);
	pager_space_clear(unit_space);
	unit_ok(pager_object_resize(o, 0));
	unit_ok(pager_object_resize(o, 9));
	unit_map_object(unit_space, 100, 9, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	unit_refused(populate(100, 109, W), PAGER_ELIMIT, PAGER_ARG_LEN);
	a.pages = 9;
	unit_refused(pager_space_map(unit_space, &a, &at), PAGER_ELIMIT,
		     PAGER_ARG_NONE);
	unit_ok(populate(100, 108, W));
	unit_limit(PAGER_RES_NODES, 4);
	pager_space_clear(unit_space);
	unit_no_limits();
	pager_object_put(o);
	pager_account_put(owner);
	unit_end();
}
END_TEST

START_TEST(populate_with_map_of_an_object_without_room_for_its_nodes)
{
	struct pager_map_args a = {.addr = 200,
				   .pages = 8,
				   .prot = UNIT_R,
				   .flags =
				       PAGER_MAP_FIXED | PAGER_MAP_POPULATE};
	struct pager_account *owner;
	struct pager_object *o = NULL;
	uint64_t at;

	unit_start(NULL);
	owner = owner_with(100, 3);
	unit_ok(pager_object_new(unit_world.core, owner, 8, &o));
	a.object = o;
	unit_refused(pager_space_map(unit_space, &a, &at), PAGER_ELIMIT,
		     PAGER_ARG_NONE);
	unit_map_object(unit_space, 100, 8, UNIT_R, 0, o, 0);
	unit_refused(populate(100, 108, R), PAGER_ELIMIT, PAGER_ARG_LEN);
	pager_space_clear(unit_space);
	pager_object_put(o);
	pager_account_put(owner);
	unit_end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    it_installs_what_is_missing_and_counts_it,
	    it_crosses_regions_of_every_type,
	    one_page_of_an_object_mapped_twice_in_the_range_is_made_once,
	    it_copies_what_a_fork_shares,
	    exactly_what_is_left_is_enough_and_one_less_is_not,
	    more_than_there_can_ever_be_is_refused_at_once,
	    one_page_that_may_not_be_refuses_all,
	    a_limit_of_resident_pages_is_kept,
	    own_frames_and_an_objects_count_together_if_one_account_pays,
	    another_owners_object_is_charged_to_him_and_only_to_him,
	    populate_with_map_of_an_object_without_room_for_its_nodes,
	};

	return UNIT_RUN("populate", tests);
}
