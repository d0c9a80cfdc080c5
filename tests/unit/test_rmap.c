/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reverse map finds every entry of every frame, and no other: after each
 * step its answers for all frames are compared with a scan of all tables
 * (tests/support/rmap_scan.h), and the recount looks at rings and lists.
 */
#include <string.h>

#include "lib/base/failpoint.h"
#include "lib/core/frame.h"
#include "lib/core/node.h"
#include "lib/core/rmap.h"
#include "lib/core/space.h"
#include "tests/support/rmap_scan.h"
#include "tests/support/unit.h"

static struct pager_core *core;

static void start_with(const struct test_world_config *config)
{
	unit_start(config);
	core = unit_world.core;
}

static void start(void)
{
	start_with(NULL);
	unit_map(unit_space, 100, 8, UNIT_RW);
	unit_fill(unit_space, 100, 8, 1);
}

static void verify(void)
{
	unit_check();
	rmap_scan_verify(core);
}

/* Nothing is left of lists and families when the spaces are gone. */
static void end(void)
{
	verify();
	while (!LIST_EMPTY(&core->spaces))
		pager_space_free(LIST_FIRST(&core->spaces));
	verify();
	ck_assert_uint_eq(core->rmap.used, 0);
	unit_end();
}

static uint32_t frame_at(const struct pager_space *s, uint64_t vpn)
{
	return frame_of(unit_page(s, vpn).entry);
}

static unsigned int holders(const struct pager_space *s, uint64_t vpn)
{
	return rmap_scan_entries(core, frame_at(s, vpn));
}

static void move(struct pager_space *s, uint64_t from, uint64_t pages,
		 uint64_t to)
{
	unit_remap(s, from, pages, pages,
		   PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED, to);
	verify();
}

/* --- families ----------------------------------------------------------------
 */

START_TEST(a_page_of_one_space_is_found_once)
{
	start();
	verify();
	for (uint64_t v = 100; v < 108; v++)
		ck_assert_uint_eq(holders(unit_space, v), 1);
	end();
}
END_TEST

START_TEST(fork_does_nothing_to_a_page_and_copying_its_leaf_adds_an_entry)
{
	struct pager_space *child;

	start();
	child = unit_fork(unit_space);
	ck_assert_uint_eq(holders(unit_space, 100), 1);
	verify();
	unit_put(child, 107, 9);
	ck_assert_uint_eq(holders(unit_space, 100), 2);
	ck_assert_uint_eq(holders(unit_space, 107), 1);
	ck_assert_uint_eq(holders(child, 107), 1);
	verify();
	unit_put(unit_space, 100, 9);
	ck_assert_uint_eq(holders(child, 100), 1);
	end();
}
END_TEST

static const uint8_t orders[24][4] = {
    {0, 1, 2, 3}, {0, 1, 3, 2}, {0, 2, 1, 3}, {0, 2, 3, 1}, {0, 3, 1, 2},
    {0, 3, 2, 1}, {1, 0, 2, 3}, {1, 0, 3, 2}, {1, 2, 0, 3}, {1, 2, 3, 0},
    {1, 3, 0, 2}, {1, 3, 2, 0}, {2, 0, 1, 3}, {2, 0, 3, 1}, {2, 1, 0, 3},
    {2, 1, 3, 0}, {2, 3, 0, 1}, {2, 3, 1, 0}, {3, 0, 1, 2}, {3, 0, 2, 1},
    {3, 1, 0, 2}, {3, 1, 2, 0}, {3, 2, 0, 1}, {3, 2, 1, 0},
};

/* Four spaces with the same pages: each a child of the first, or of the one
 * before. They part in one order, and end in another. */
static void family_of_four(bool chain, const uint8_t part[4],
			   const uint8_t gone[4])
{
	struct pager_space *s[4];

	s[0] = test_world_space(&unit_world, 0, PAGER_VPN_HALF);
	unit_map(s[0], 100, 8, UNIT_RW);
	unit_fill(s[0], 100, 8, 1);
	for (int i = 1; i < 4; i++)
		s[i] = unit_fork(s[chain ? i - 1 : 0]);
	for (int i = 0; i < 4; i++) {
		unit_put(s[part[i]], 101 + part[i], 50);
		rmap_scan_verify(core);
	}
	ck_assert_uint_eq(holders(s[0], 107), 4);
	for (int i = 0; i < 4; i++) {
		for (int j = i; j < 4; j++)
			ck_assert_uint_eq(unit_get(s[gone[j]], 107), 8);
		pager_space_free(s[gone[i]]);
		test_world_recount(&unit_world);
		rmap_scan_verify(core);
	}
}

START_TEST(families_part_and_end_in_every_order)
{
	start_with(NULL);
	for (int p = 0; p < 24; p++)
		for (int g = 0; g < 24; g++)
			family_of_four((p + g) % 2, orders[p], orders[g]);
	end();
}
END_TEST

START_TEST(a_child_that_forks_while_its_parent_parts)
{
	struct pager_space *s[16];

	start();
	s[0] = unit_space;
	for (unsigned int i = 1; i < 16; i++) {
		s[i] = unit_fork(s[(i - 1) / 2]);
		unit_put(s[i / 2], 100 + i % 4, (uint8_t)(40 + i));
		verify();
	}
	for (unsigned int i = 1; i < 16; i += 2) {
		pager_space_free(s[i]);
		verify();
	}
	for (unsigned int i = 0; i < 16; i += 2) {
		unit_put(s[i], 107, (uint8_t)i);
		verify();
	}
	end();
}
END_TEST

START_TEST(names_of_families_are_used_again)
{
	const struct test_world_config config = {.nodes = 24};
	uint32_t names = 0;

	start_with(&config);
	for (uint64_t i = 0; i < 200; i++) {
		uint64_t at = (i * 7 % 13) << 9;
		struct pager_space *child;

		unit_map(unit_space, at, 4, UNIT_RW);
		unit_put(unit_space, at, 1);
		child = unit_fork(unit_space);
		unit_put(child, at + 1, 1);
		verify();
		pager_space_free(child);
		unit_unmap(unit_space, at, 4);
		verify();
		if (i == 20)
			names = core->rmap.families;
		ck_assert_uint_le(core->rmap.families, 24);
	}
	ck_assert_uint_eq(core->rmap.families, names);
	end();
}
END_TEST

START_TEST(a_name_goes_from_a_leaf_to_an_object_and_back)
{
	struct pager_object *o;
	struct pager_space *child;

	start();
	for (int i = 0; i < 20; i++) {
		o = NULL;
		unit_ok(pager_object_new(core, unit_world.account, 8, &o));
		child = unit_fork(unit_space);
		unit_map(child, 3000, 8, UNIT_RW);
		unit_put(child, 3000, 1);
		unit_put(child, 100, 7);
		unit_unmap(child, 3000, 8);
		unit_map_object(child, 5000, 8, UNIT_RW, PAGER_MAP_SHARED, o,
				0);
		unit_put(child, 5001, 1);
		/* The list of a page that is moved may name what is gone. */
		move(child, 101, 2, 9000 + 3);
		unit_unmap(child, 5000, 8);
		pager_object_put(o);
		verify();
		pager_space_free(child);
		verify();
	}
	end();
}
END_TEST

START_TEST(what_fork_does_not_pass_on_is_not_found_in_the_child)
{
	struct pager_space *child;

	start();
	unit_map(unit_space, 200, 4, UNIT_RW);
	unit_fill(unit_space, 200, 4, 1);
	unit_advise(unit_space, 102, 2, PAGER_ADV_DONTFORK);
	unit_advise(unit_space, 200, 4, PAGER_ADV_WIPEONFORK);
	child = unit_fork(unit_space);
	verify();
	ck_assert_uint_eq(holders(unit_space, 100), 2);
	ck_assert_uint_eq(holders(unit_space, 102), 1);
	ck_assert_uint_eq(holders(unit_space, 201), 1);
	unit_put(child, 202, 5);
	verify();
	unit_put(unit_space, 100, 5);
	end();
}
END_TEST

START_TEST(pages_under_protection_none_and_lazy_ones_are_found)
{
	struct pager_space *child;

	start();
	unit_protect(unit_space, 100, 2, 0);
	unit_advise(unit_space, 104, 2, PAGER_ADV_FREE);
	ck_assert_uint_eq(holders(unit_space, 100), 1);
	verify();
	child = unit_fork(unit_space);
	unit_put(child, 107, 1);
	ck_assert_uint_eq(holders(child, 100), 2);
	ck_assert_uint_eq(holders(child, 104), 2);
	end();
}
END_TEST

START_TEST(zero_pages_are_nobodys)
{
	start();
	unit_map(unit_space, 200, 2, UNIT_RW);
	unit_get(unit_space, 200);
	verify();
	unit_put(unit_space, 200, 1);
	ck_assert_uint_eq(holders(unit_space, 200), 1);
	end();
}
END_TEST

/* --- places ------------------------------------------------------------------
 */

START_TEST(a_page_that_is_moved_alone_needs_no_list)
{
	start();
	move(unit_space, 101, 3, 700);
	move(unit_space, 700, 2, 3000);
	move(unit_space, 3000, 1, 101);
	ck_assert_uint_eq(core->rmap.used, 0);
	end();
}
END_TEST

START_TEST(whole_leaves_move_with_their_places)
{
	struct pager_space *child;

	start();
	unit_map(unit_space, 1024, 1024, UNIT_RW);
	for (uint64_t v = 1024; v < 2048; v += 64)
		unit_put(unit_space, v, 1);
	child = unit_fork(unit_space);
	move(unit_space, 1024, 1024, 8192);
	ck_assert_uint_eq(core->rmap.used, 0);
	unit_put(unit_space, 8193, 1);
	verify();
	ck_assert_uint_eq(holders(unit_space, 8192), 2);
	move(child, 1024, 512, 1 << 20);
	unit_put(child, (1 << 20) + 1, 1);
	verify();
	move(unit_space, 8192, 1024, 1024);
	ck_assert_uint_eq(core->rmap.used, 0);
	end();
}
END_TEST

START_TEST(a_shared_page_is_found_where_parent_and_child_took_it)
{
	struct pager_space *child, *third;

	start();
	child = unit_fork(unit_space);
	move(child, 100, 8, 700);
	ck_assert_uint_eq(holders(child, 700), 2);
	third = unit_fork(child);
	move(unit_space, 100, 8, 1500);
	move(third, 700, 8, 2500);
	ck_assert_uint_eq(holders(child, 703), 3);
	for (uint64_t v = 0; v < 8; v++) {
		ck_assert_uint_eq(unit_get(unit_space, 1500 + v), v + 1);
		ck_assert_uint_eq(unit_get(child, 700 + v), v + 1);
		ck_assert_uint_eq(unit_get(third, 2500 + v), v + 1);
	}
	pager_space_free(child);
	verify();
	ck_assert_uint_eq(holders(third, 2503), 2);
	unit_put(third, 2503, 50);
	verify();
	end();
}
END_TEST

START_TEST(pages_that_are_moved_again_and_again_keep_short_lists)
{
	struct pager_space *child;
	uint32_t most = 0;

	start();
	child = unit_fork(unit_space);
	for (uint64_t i = 0; i < 60; i++) {
		struct pager_space *s = i % 3 ? child : unit_space;
		uint64_t from = 0, to = 1000 + i * 37 % 11 * 100;

		while (from == 0 || !unit_mapped(s, from))
			from = from ? (from == 100 ? 1000 : from + 100) : 100;
		if (unit_mapped(s, to))
			continue;
		move(s, from, 8, to);
		if (core->rmap.used > most)
			most = core->rmap.used;
	}
	/* Two entries a page: two places, and one that was left. */
	ck_assert_uint_gt(most, 0);
	ck_assert_uint_le(most, 3 * 8);
	end();
}
END_TEST

START_TEST(a_page_that_goes_and_comes_back_has_its_first_place)
{
	struct pager_space *child;

	start();
	child = unit_fork(unit_space);
	move(child, 100, 4, 700);
	move(child, 700, 4, 100);
	move(unit_space, 100, 4, 700);
	move(unit_space, 700, 4, 100);
	ck_assert_uint_eq(holders(child, 100), 2);
	ck_assert_uint_le(core->rmap.used, 12);
	unit_put(unit_space, 101, 3);
	unit_put(child, 100, 3);
	end();
}
END_TEST

START_TEST(moving_inside_of_one_leaf)
{
	struct pager_space *child, *third;

	start();
	child = unit_fork(unit_space);
	move(child, 100, 4, 104 + 16);
	third = unit_fork(child);
	move(third, 120, 4, 130);
	/* The first slots, in another leaf of the same family. */
	move(child, 120, 4, 100);
	move(unit_space, 100, 4, 120);
	ck_assert_uint_eq(holders(unit_space, 121), 3);
	end();
}
END_TEST

START_TEST(the_last_holder_of_a_list_moves)
{
	struct pager_space *child;

	start();
	child = unit_fork(unit_space);
	move(child, 100, 8, 700);
	ck_assert_uint_gt(core->rmap.used, 0);
	pager_space_free(child);
	verify();
	move(unit_space, 100, 8, 700);
	ck_assert_uint_eq(core->rmap.used, 0);
	end();
}
END_TEST

START_TEST(a_list_goes_with_its_frame)
{
	struct pager_space *child;

	start();
	child = unit_fork(unit_space);
	move(child, 100, 8, 700);
	ck_assert_uint_eq(core->rmap.used, 16);
	unit_unmap(child, 700, 2);
	unit_unmap(unit_space, 100, 2);
	verify();
	ck_assert_uint_eq(core->rmap.used, 12);
	unit_advise(unit_space, 102, 1, PAGER_ADV_DONTNEED);
	unit_put(child, 702, 1);
	unit_put(child, 703, 1); /* a copy: the parent alone has the list */
	verify();
	pager_space_free(unit_space);
	verify();
	pager_space_free(child);
	verify();
	ck_assert_uint_eq(core->rmap.used, 0);
	unit_end();
}
END_TEST

START_TEST(a_frame_with_a_list_is_copied_by_its_writers)
{
	struct pager_space *child;

	start();
	child = unit_fork(unit_space);
	move(child, 100, 8, 700);
	for (uint64_t v = 0; v < 8; v++) {
		unit_put(v % 2 ? child : unit_space, v % 2 ? 700 + v : 100 + v,
			 99);
		verify();
		ck_assert_uint_eq(holders(child, 700 + v), 1);
		ck_assert_uint_eq(holders(unit_space, 100 + v), 1);
	}
	end();
}
END_TEST

START_TEST(dontunmap_moves_the_pages_and_leaves_the_region)
{
	struct pager_space *child;

	start();
	child = unit_fork(unit_space);
	unit_remap(child, 100, 8, 8,
		   PAGER_REMAP_MAYMOVE | PAGER_REMAP_DONTUNMAP, 0);
	verify();
	unit_fill(child, 100, 8, 60);
	verify();
	ck_assert_uint_eq(holders(child, 100), 1);
	ck_assert_uint_eq(holders(unit_space, 100), 2);
	end();
}
END_TEST

START_TEST(shrinking_and_growing_while_moving)
{
	struct pager_space *child;

	start();
	child = unit_fork(unit_space);
	unit_remap(child, 100, 8, 3, PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED,
		   700);
	verify();
	unit_remap(unit_space, 100, 8, 20,
		   PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED, 510);
	verify();
	ck_assert_uint_eq(holders(unit_space, 511), 2);
	ck_assert_uint_eq(holders(unit_space, 514), 1);
	end();
}
END_TEST

START_TEST(many_shared_pages_across_leaves_that_do_not_match)
{
	const uint64_t n = 1500;
	struct pager_space *child;

	start_with(NULL);
	unit_map(unit_space, 1000, n, UNIT_RW);
	for (uint64_t v = 0; v < n; v++)
		unit_put(unit_space, 1000 + v, (uint8_t)v);
	child = unit_fork(unit_space);
	move(child, 1000, n, 5001);
	move(unit_space, 1000, n, 9000 + 7);
	move(child, 5001, n, 1000);
	for (uint64_t v = 0; v < n; v += 100) {
		ck_assert_uint_eq(holders(child, 1000 + v), 2);
		ck_assert_uint_eq(unit_get(child, 1000 + v), (uint8_t)v);
		ck_assert_uint_eq(unit_get(unit_space, 9007 + v), (uint8_t)v);
	}
	end();
}
END_TEST

/* --- no room -----------------------------------------------------------------
 */

static struct pager_status try_move(struct pager_space *s)
{
	const struct pager_remap_args a = {
	    .addr = 100,
	    .pages = 8,
	    .new_pages = 8,
	    .flags = PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED,
	    .new_addr = 700,
	};
	uint64_t out;

	return pager_space_remap(s, &a, &out);
}

START_TEST(without_room_for_places_nothing_moves)
{
	struct pager_space *child;

	start();
	child = unit_fork(unit_space);
	unit_map(unit_space, 200, 8, UNIT_RW);
	unit_fill(unit_space, 200, 8, 1);
	unit_world.host_limit = unit_world.host_bytes;
	unit_refused(try_move(child), PAGER_ENOMEM, PAGER_ARG_NONE);
	/* What is not shared needs none: it was that. */
	unit_remap(unit_space, 200, 8, 8,
		   PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED, 1000);
	unit_refused(try_move(child), PAGER_ENOMEM, PAGER_ARG_NONE);
	unit_world.host_limit = 0;
	verify();
	unit_ok(try_move(child));
	ck_assert_uint_eq(holders(child, 702), 2);
	end();
}
END_TEST

#ifdef PAGER_FAILPOINTS
START_TEST(the_fail_point_place)
{
	struct pager_space *child;
	unsigned long n = 0;
	bool met = false;

	start();
	child = unit_fork(unit_space);
	while (!met) {
		char *before = unit_picture();
		struct pager_status st;

		pager_fail_arm(++n);
		st = try_move(child);
		ck_assert_ptr_nonnull(pager_fail_fired());
		met = strcmp(pager_fail_fired(), "place") == 0;
		pager_fail_arm(0);
		ck_assert_uint_eq(st.err, PAGER_ENOMEM);
		unit_unchanged(before, "a move");
		verify();
	}
	unit_ok(try_move(child));
	end();
}
END_TEST
#endif

START_TEST(places_that_were_freed_are_used_again)
{
	uint32_t room = 0;

	start();
	for (int i = 0; i < 50; i++) {
		struct pager_space *child = unit_fork(unit_space);

		move(child, 100, 8, 700);
		if (i == 0)
			room = core->rmap.room;
		pager_space_free(child);
		/* The parent's pages keep a list, until they are freed. */
		unit_fill(unit_space, 100, 8, 1);
	}
	ck_assert_uint_eq(core->rmap.room, room);
	end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    a_page_of_one_space_is_found_once,
	    fork_does_nothing_to_a_page_and_copying_its_leaf_adds_an_entry,
	    families_part_and_end_in_every_order,
	    a_child_that_forks_while_its_parent_parts,
	    names_of_families_are_used_again,
	    a_name_goes_from_a_leaf_to_an_object_and_back,
	    what_fork_does_not_pass_on_is_not_found_in_the_child,
	    pages_under_protection_none_and_lazy_ones_are_found,
	    zero_pages_are_nobodys,
	    a_page_that_is_moved_alone_needs_no_list,
	    whole_leaves_move_with_their_places,
	    a_shared_page_is_found_where_parent_and_child_took_it,
	    pages_that_are_moved_again_and_again_keep_short_lists,
	    a_page_that_goes_and_comes_back_has_its_first_place,
	    moving_inside_of_one_leaf,
	    the_last_holder_of_a_list_moves,
	    a_list_goes_with_its_frame,
	    a_frame_with_a_list_is_copied_by_its_writers,
	    dontunmap_moves_the_pages_and_leaves_the_region,
	    shrinking_and_growing_while_moving,
	    many_shared_pages_across_leaves_that_do_not_match,
	    without_room_for_places_nothing_moves,
#ifdef PAGER_FAILPOINTS
	    the_fail_point_place,
#endif
	    places_that_were_freed_are_used_again,
	};

	return UNIT_RUN("rmap", tests);
}
