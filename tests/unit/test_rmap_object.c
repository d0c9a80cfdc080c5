/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reverse map of pages that objects own, and of what snapshots keep: after
 * each step it is compared with a scan of all tables. Private pages are in
 * test_rmap.c.
 */
#include "lib/core/frame.h"
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

/* --- objects -----------------------------------------------------------------
 */

START_TEST(an_objects_page_is_found_in_itself_and_wherever_it_is_mapped)
{
	struct pager_space *child, *other;
	struct pager_object *o;

	start();
	o = unit_object(2000);
	unit_map_object(unit_space, 300, 8, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	unit_map_object(unit_space, 400, 8, UNIT_R, 0, o, 3);
	unit_map_object(unit_space, 3000, 2000, UNIT_RW, PAGER_MAP_SHARED, o,
			0);
	unit_fill(unit_space, 300, 8, 1);
	verify();
	for (uint64_t v = 0; v < 5; v++)
		ck_assert_uint_eq(unit_get(unit_space, 400 + v), v + 4);
	ck_assert_uint_eq(unit_get(unit_space, 3004), 5);
	unit_put(unit_space, 3000 + 1700, 7);
	verify();
	/* Itself, 304, 401, 3004. */
	ck_assert_uint_eq(holders(unit_space, 304), 4);
	child = unit_fork(unit_space);
	verify();
	ck_assert_uint_eq(holders(unit_space, 304), 4);
	unit_put(child, 100, 50);
	verify();
	ck_assert_uint_eq(holders(unit_space, 304), 6);
	other = test_world_space(&unit_world, 0, 4096);
	unit_map_object(other, 0, 2000, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	ck_assert_uint_eq(unit_get(other, 1700), 7);
	ck_assert_uint_eq(unit_get(other, 4), 5);
	ck_assert_uint_eq(holders(other, 4), 7);
	verify();
	pager_space_free(unit_space);
	verify();
	end();
}
END_TEST

START_TEST(an_objects_page_whose_regions_are_cut_moved_and_doubled)
{
	struct pager_object *o;
	struct pager_space *child;

	start();
	o = unit_object(600);
	unit_map_object(unit_space, 1000, 600, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	for (uint64_t v = 0; v < 600; v += 50)
		unit_put(unit_space, 1000 + v, 1);
	child = unit_fork(unit_space);
	unit_protect(unit_space, 1100, 100, UNIT_R);
	verify();
	unit_unmap(unit_space, 1250, 10);
	verify();
	unit_remap(unit_space, 1300, 200, 200,
		   PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED, 4000 + 9);
	verify();
	unit_remap(child, 1000, 0, 600, PAGER_REMAP_MAYMOVE, 0);
	verify();
	unit_remap(child, 1000, 600, 600,
		   PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED, 1000 + (1 << 18));
	verify();
	unit_ok(pager_object_resize(o, 320));
	verify();
	unit_ok(pager_object_resize(o, 700));
	unit_put(child, 1000 + (1 << 18) + 350, 1);
	verify();
	end();
}
END_TEST

START_TEST(a_private_copy_of_an_objects_page_is_the_spaces)
{
	struct pager_object *o;
	struct pager_space *child;

	start();
	o = unit_object(8);
	unit_map_object(unit_space, 300, 8, UNIT_RW, 0, o, 0);
	unit_map_object(unit_space, 400, 8, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	for (uint64_t v = 0; v < 8; v++)
		unit_get(unit_space, 300 + v);
	child = unit_fork(unit_space);
	unit_fill(unit_space, 300, 4, 1);
	unit_fill(child, 302, 4, 1);
	unit_fill(child, 400, 8, 1);
	verify();
	ck_assert_uint_eq(holders(unit_space, 300), 1);
	ck_assert_uint_eq(holders(child, 305), 1);
	move(child, 300, 8, 700);
	move(unit_space, 300, 8, 1100);
	unit_ok(pager_object_resize(o, 3));
	verify();
	end();
}
END_TEST

START_TEST(an_object_that_nobody_maps_knows_its_pages)
{
	struct pager_object *o;

	start();
	o = unit_object(1200);
	for (uint64_t i = 0; i < 1200; i += 300)
		unit_object_put(o, i, 1);
	verify();
	ck_assert_uint_eq(rmap_scan_entries(core, object_page(o, 300)), 1);
	unit_ok(pager_object_resize(o, 1));
	verify();
	end();
}
END_TEST

/* --- snapshots ---------------------------------------------------------------
 */

static void change_much(struct pager_object *o)
{
	unit_fill(unit_space, 100, 3, 40);
	verify();
	move(unit_space, 100, 8, 700);
	unit_map(unit_space, 100, 4, UNIT_RW);
	unit_fill(unit_space, 100, 4, 90);
	unit_map_object(unit_space, 500, 8, UNIT_RW, PAGER_MAP_SHARED, o, 2);
	unit_fill(unit_space, 500, 4, 4);
	verify();
	move(unit_space, 300, 8, 1300);
	unit_unmap(unit_space, 1300, 3);
	verify();
}

START_TEST(a_snapshots_entries_are_found)
{
	struct pager_object *o;

	for (int drop = 0; drop < 2; drop++) {
		start();
		o = unit_object(16);
		unit_map_object(unit_space, 300, 8, UNIT_RW, PAGER_MAP_SHARED,
				o, 0);
		unit_fill(unit_space, 300, 8, 20);
		unit_ok(pager_space_snapshot(unit_space));
		verify();
		change_much(o);
		ck_assert_uint_eq(holders(unit_space, 703), 2);
		if (drop)
			pager_space_snapshot_drop(unit_space);
		else
			pager_space_snapshot_restore(unit_space);
		verify();
		if (!drop)
			for (uint64_t v = 0; v < 8; v++)
				ck_assert_uint_eq(unit_get(unit_space, 100 + v),
						  v + 1);
		end();
	}
}
END_TEST

START_TEST(a_snapshot_of_a_space_that_has_children)
{
	struct pager_object *o;
	struct pager_space *child;

	start();
	o = unit_object(16);
	unit_map_object(unit_space, 300, 8, UNIT_RW, 0, o, 0);
	for (uint64_t v = 300; v < 308; v++)
		unit_get(unit_space, v);
	child = unit_fork(unit_space);
	unit_ok(pager_space_snapshot(unit_space));
	change_much(o);
	unit_put(child, 100, 33);
	move(child, 101, 4, 2000);
	unit_put(child, 303, 33);
	verify();
	pager_space_snapshot_restore(unit_space);
	verify();
	end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    an_objects_page_is_found_in_itself_and_wherever_it_is_mapped,
	    an_objects_page_whose_regions_are_cut_moved_and_doubled,
	    a_private_copy_of_an_objects_page_is_the_spaces,
	    an_object_that_nobody_maps_knows_its_pages,
	    a_snapshots_entries_are_found,
	    a_snapshot_of_a_space_that_has_children,
	};

	return UNIT_RUN("rmap-object", tests);
}
