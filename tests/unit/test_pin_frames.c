/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The frames of pinned pages: counted for every page that shows them, in the
 * zone KERNEL, moved there first if they must be, and what the count is after
 * forks, shrinking objects and failures. The recount (unit_check)
 * compares all counts each time.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/failpoint.h"
#include "lib/core/frame.h"
#include "lib/core/migrate.h"
#include "tests/support/unit.h"

static struct pager_core *core;

/* Boot memory of 8 chunks, of which those from first on are movable. */
static void start_movable(uint32_t first)
{
	unit_start(NULL);
	core = unit_world.core;
	for (uint32_t c = first; c < 8; c++) {
		chunk_isolate(core, c);
		chunk_offline(core, c);
		chunk_online(core, c, VMEM_ZONE_MOVABLE);
	}
}

static void start(void)
{
	start_movable(4);
}

static struct pager_status pin(struct pager_space *s, uint64_t start,
			       uint64_t pages)
{
	return pager_space_pin(s, pager_range(start, start + pages));
}

static struct pager_status unpin(struct pager_space *s, uint64_t start,
				 uint64_t pages)
{
	return pager_space_unpin(s, pager_range(start, start + pages));
}

static uint32_t frame(const struct pager_space *s, uint64_t vpn)
{
	return (uint32_t)(unit_page(s, vpn).pa >> PAGER_PAGE_SHIFT);
}

static uint32_t pins(const struct pager_space *s, uint64_t vpn)
{
	return core->frames.pins[frame(s, vpn)];
}

static bool is_movable(const struct pager_space *s, uint64_t vpn)
{
	return core->frames.chunk[frame(s, vpn) >> CHUNK_SHIFT].zone ==
	       VMEM_ZONE_MOVABLE;
}

static void nothing_pinned(void)
{
	unit_check();
	ck_assert_uint_eq(core->frames.pinned, 0);
}

START_TEST(a_frame_is_pinned_once_for_each_page_that_shows_it)
{
	struct pager_space *other;
	struct pager_object *o;

	start();
	o = unit_object(4);
	other = test_world_space(&unit_world, 0, 1000);
	unit_map(unit_space, 100, 2, UNIT_RW);
	unit_map_object(unit_space, 200, 4, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	unit_map_object(unit_space, 300, 2, UNIT_R, 0, o, 1);
	unit_map_object(other, 100, 4, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	unit_ok(pin(unit_space, 100, 2));
	unit_ok(pin(unit_space, 200, 4));
	unit_ok(pin(unit_space, 200, 4)); /* no more often than that */
	unit_ok(pin(unit_space, 300, 2));
	unit_ok(pin(other, 101, 1));
	unit_check();
	ck_assert_uint_eq(pins(unit_space, 100), 1);
	ck_assert_uint_eq(pins(unit_space, 200), 1);
	ck_assert_uint_eq(pins(unit_space, 201), 3);
	ck_assert_uint_eq(pins(unit_space, 202), 2);
	ck_assert_uint_eq(pins(unit_space, 203), 1);
	ck_assert_uint_eq(core->frames.pinned, 6);
	ck_assert(!migrate_may(core, frame(unit_space, 201)));
	unit_ok(unpin(unit_space, 200, 4));
	unit_check();
	ck_assert_uint_eq(pins(unit_space, 201), 2);
	ck_assert_uint_eq(pins(unit_space, 203), 0);
	ck_assert(migrate_may(core, frame(unit_space, 203)));
	unit_unmap(unit_space, 300, 2);
	unit_check();
	ck_assert_uint_eq(pins(unit_space, 201), 1);
	pager_space_free(other);
	pager_space_clear(unit_space);
	nothing_pinned();
	unit_end();
}
END_TEST

START_TEST(the_zero_frame_is_not_pinned)
{
	start();
	unit_map(unit_space, 100, 4, UNIT_R);
	unit_ok(pin(unit_space, 100, 4));
	nothing_pinned();
	/* Made writable and written, the page is a frame of its own. */
	unit_protect(unit_space, 100, 4, UNIT_RW);
	unit_put(unit_space, 101, 7);
	unit_check();
	ck_assert_uint_eq(core->frames.pinned, 1);
	ck_assert_uint_eq(pins(unit_space, 101), 1);
	ck_assert(!is_movable(unit_space, 101));
	unit_ok(unpin(unit_space, 100, 4));
	nothing_pinned();
	unit_end();
}
END_TEST

START_TEST(a_movable_page_is_moved_before_it_is_pinned)
{
	uint64_t used, moved;
	struct pager_harvest h;

	start();
	unit_map(unit_space, 100, 8, UNIT_RW);
	unit_fill(unit_space, 100, 8, 1);
	for (uint64_t v = 100; v < 108; v++)
		ck_assert(is_movable(unit_space, v));
	used = unit_stats().frames_used;
	moved = unit_stats().migrations;
	unit_ok(pin(unit_space, 102, 4));
	unit_check();
	ck_assert_uint_eq(unit_stats().migrations, moved + 4);
	ck_assert_uint_eq(unit_stats().frames_used, used);
	ck_assert_uint_eq(unit_used(PAGER_RES_FRAMES), 8);
	for (uint64_t v = 100; v < 108; v++) {
		ck_assert_uint_eq(unit_get(unit_space, v), v - 99);
		ck_assert_uint_eq(is_movable(unit_space, v),
				  v < 102 || v >= 106);
	}
	h = pager_space_harvest(unit_space, pager_range(100, 108));
	ck_assert_uint_eq(h.dirty, 8);
	/* What the pages were needs no move again. */
	unit_ok(unpin(unit_space, 100, 8));
	unit_ok(pin(unit_space, 102, 4));
	ck_assert_uint_eq(unit_stats().migrations, moved + 4);
	unit_end();
}
END_TEST

START_TEST(what_is_missing_is_filled_from_the_zone_kernel)
{
	uint64_t moved;
	struct pager_object *o;

	start();
	o = unit_object(8);
	moved = unit_stats().migrations;
	unit_map(unit_space, 100, 8, UNIT_RW);
	unit_map_object(unit_space, 108, 8, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	unit_ok(pin(unit_space, 100, 16));
	unit_check();
	for (uint64_t v = 100; v < 116; v++)
		ck_assert(!is_movable(unit_space, v));
	ck_assert_uint_eq(unit_stats().migrations, moved);
	ck_assert_uint_eq(core->frames.pinned, 16);
	unit_end();
}
END_TEST

START_TEST(everybody_who_shares_the_page_follows)
{
	struct pager_space *other, *child;
	struct pager_object *o;

	start();
	o = unit_object(4);
	other = test_world_space(&unit_world, 0, 1000);
	for (uint64_t i = 0; i < 4; i++)
		unit_object_put(o, i, (uint8_t)(10 + i));
	unit_map(unit_space, 100, 4, UNIT_R);
	unit_map_object(unit_space, 200, 4, UNIT_R, 0, o, 0);
	unit_map_object(other, 300, 4, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	unit_get(other, 301);
	unit_protect(unit_space, 100, 4, UNIT_RW);
	unit_fill(unit_space, 100, 4, 1);
	unit_protect(unit_space, 100, 4, UNIT_R);
	child = unit_fork(unit_space);
	ck_assert(is_movable(child, 100));
	unit_ok(pin(unit_space, 100, 4)); /* to be read: stays shared */
	unit_ok(pin(unit_space, 200, 4));
	unit_check();
	for (uint64_t i = 0; i < 4; i++) {
		ck_assert(!is_movable(unit_space, 100 + i));
		ck_assert_uint_eq(frame(child, 100 + i),
				  frame(unit_space, 100 + i));
		ck_assert_uint_eq(unit_get(child, 100 + i), 1 + i);
		ck_assert_uint_eq(pins(child, 100 + i), 1);
		ck_assert(!is_movable(unit_space, 200 + i));
		ck_assert_uint_eq(unit_get(other, 300 + i), 10 + i);
		ck_assert_uint_eq(frame(other, 300 + i),
				  frame(unit_space, 200 + i));
	}
	/* The child is not pinned: with the parent goes the pin. */
	pager_space_clear(unit_space);
	nothing_pinned();
	ck_assert_uint_eq(unit_get(child, 102), 3);
	unit_end();
}
END_TEST

START_TEST(a_page_seen_twice_in_the_range_is_moved_once)
{
	struct pager_object *o;
	uint64_t moved;

	start();
	o = unit_object(2);
	unit_object_put(o, 0, 5);
	unit_object_put(o, 1, 6);
	unit_map_object(unit_space, 100, 2, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	unit_map_object(unit_space, 102, 2, UNIT_R, 0, o, 0);
	unit_get(unit_space, 100);
	unit_get(unit_space, 102);
	moved = unit_stats().migrations;
	unit_ok(pin(unit_space, 100, 4));
	unit_check();
	ck_assert_uint_eq(unit_stats().migrations, moved + 2);
	ck_assert_uint_eq(pins(unit_space, 100), 2);
	ck_assert_uint_eq(pins(unit_space, 101), 2);
	ck_assert_uint_eq(unit_get(unit_space, 103), 6);
	unit_end();
}
END_TEST

/* A stretch of 2 MiB by one entry. */
static void make_large(uint64_t vpn)
{
	unit_ok(pager_space_set_around(unit_space, PAGER_AROUND_2M));
	unit_map(unit_space, vpn, 512, UNIT_RW);
	unit_fill(unit_space, vpn, 512, 1);
	ck_assert_uint_eq(unit_page(unit_space, vpn).levels, 3);
}

START_TEST(pages_of_a_large_entry_are_pinned_one_by_one)
{
	struct pager_space *child;
	uint32_t first;

	start_movable(8); /* none */
	make_large(1024);
	first = frame(unit_space, 1024);
	unit_ok(pin(unit_space, 1030, 100));
	unit_check();
	ck_assert_uint_eq(unit_page(unit_space, 1024).levels, 3);
	ck_assert_uint_eq(core->frames.pinned, 100);
	ck_assert_uint_eq(core->frames.pins[first + 6], 1);
	ck_assert_uint_eq(core->frames.pins[first + 5], 0);
	child = unit_fork(unit_space);
	unit_put(unit_space, 1040, 99); /* which copies one */
	unit_check();
	ck_assert_uint_eq(core->frames.pinned, 100);
	ck_assert_uint_eq(core->frames.pins[first + 16], 0);
	ck_assert_uint_eq(unit_get(child, 1040), 17);
	unit_ok(pager_space_snapshot(unit_space));
	unit_unmap(unit_space, 1035, 10);
	unit_check();
	ck_assert_uint_eq(core->frames.pinned, 100);
	pager_space_snapshot_drop(unit_space);
	unit_check();
	ck_assert_uint_eq(core->frames.pinned, 90);
	unit_ok(unpin(unit_space, 1024, 11));
	unit_ok(unpin(unit_space, 1045, 400));
	nothing_pinned();
	unit_end();
}
END_TEST

START_TEST(pages_of_a_large_entry_in_movable_memory_are_moved_alone)
{
	struct pager_space *child;
	uint64_t moved;

	start();
	make_large(1024);
	make_large(2048);
	ck_assert(is_movable(unit_space, 1024));
	moved = unit_stats().migrations;
	unit_ok(pin(unit_space, 1030, 100));
	unit_check();
	ck_assert_uint_eq(unit_stats().migrations, moved + 100);
	for (uint64_t v = 1024; v < 1536; v++) {
		ck_assert_uint_eq(is_movable(unit_space, v),
				  v < 1030 || v >= 1130);
		ck_assert_uint_eq(unit_get(unit_space, v), (v - 1023) % 256);
	}
	/* Shared with a child: read-only, so that nothing is copied. */
	child = unit_fork(unit_space);
	unit_protect(unit_space, 2048, 512, UNIT_R);
	unit_ok(pin(unit_space, 2100, 2));
	unit_check();
	ck_assert_uint_eq(core->frames.pinned, 102);
	ck_assert_uint_eq(frame(child, 2101), frame(unit_space, 2101));
	ck_assert_uint_eq(unit_get(child, 2101), 54);
	unit_end();
}
END_TEST

START_TEST(without_room_in_the_zone_kernel_a_pin_is_refused)
{
	struct pager_fault_info info;
	struct pager_object *o;

	start_movable(1);
	o = unit_object(4);
	unit_map(unit_space, 1000, 510, UNIT_RW);
	unit_ok(pin(unit_space, 1000, 508)); /* 511 frames there are */
	unit_map(unit_space, 100, 8, UNIT_RW);
	unit_fill(unit_space, 100, 4, 1);
	unit_refused(pin(unit_space, 100, 4), PAGER_ENOMEM, PAGER_ARG_NONE);
	unit_refused(pin(unit_space, 104, 4), PAGER_ENOMEM, PAGER_ARG_NONE);
	unit_refused(pin(unit_space, 102, 4), PAGER_ENOMEM, PAGER_ARG_NONE);
	unit_ok(pin(unit_space, 100, 2));
	unit_map_object(unit_space, 200, 4, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	unit_ok(pin(unit_space, 200, 1));
	ck_assert_uint_eq(frame_free_count(core, FRAME_UNMOVABLE), 0);
	/* Faults in pinned regions, too; others take from the other zone. */
	unit_fork(unit_space);
	unit_refused(
	    pager_space_fault(unit_space, 100, PAGER_ACCESS_WRITE, &info),
	    PAGER_ENOMEM, PAGER_ARG_NONE);
	unit_put(unit_space, 102, 9);
	unit_ok(unpin(unit_space, 100, 2));
	unit_put(unit_space, 100, 9);
	ck_assert(is_movable(unit_space, 100));
	unit_check();
	unit_end();
}
END_TEST

START_TEST(movable_pages_make_way_for_pinned_ones)
{
	uint64_t moved;

	/* All of the zone KERNEL is full before there is another. */
	start_movable(8);
	make_large(0);
	unit_map(unit_space, 1024, 3583, UNIT_RW);
	unit_fill(unit_space, 1024, 3583, 5);
	unit_unmap(unit_space, 1024, 512);
	for (uint32_t c = 0; c < 8; c++)
		if (core->frames.chunk[c].nfree == CHUNK_FRAMES) {
			chunk_isolate(core, c);
			chunk_offline(core, c);
			chunk_online(core, c, VMEM_ZONE_MOVABLE);
		}
	ck_assert_uint_eq(frame_free_count(core, FRAME_MOVABLE), 512);
	ck_assert_uint_eq(frame_free_count(core, FRAME_UNMOVABLE), 0);
	unit_check();
	moved = unit_stats().migrations;
	unit_map(unit_space, 10000, 600, UNIT_RW);
	unit_ok(pin(unit_space, 10000, 300));
	unit_check();
	ck_assert_uint_eq(unit_stats().migrations, moved + 300);
	unit_fork(unit_space);
	unit_fill(unit_space, 10000, 200, 1);
	unit_check();
	unit_refused(pin(unit_space, 10300, 20), PAGER_ENOMEM, PAGER_ARG_NONE);
	for (uint64_t v = 0; v < 512; v++)
		ck_assert_uint_eq(unit_get(unit_space, v), (v + 1) % 256);
	for (uint64_t v = 1536; v < 4607; v++)
		ck_assert_uint_eq(unit_get(unit_space, v), (v - 1019) % 256);
	unit_end();
}
END_TEST

START_TEST(a_copy_on_write_takes_the_pin_along)
{
	struct pager_space *child;
	uint32_t was;

	start();
	unit_map(unit_space, 100, 4, UNIT_RW);
	unit_fill(unit_space, 100, 4, 1);
	unit_ok(pin(unit_space, 100, 4));
	was = frame(unit_space, 101);
	child = unit_fork(unit_space);
	unit_check();
	ck_assert_uint_eq(pins(unit_space, 101), 1);
	unit_put(unit_space, 101, 50);
	unit_check();
	ck_assert_uint_ne(frame(unit_space, 101), was);
	ck_assert_uint_eq(pins(unit_space, 101), 1);
	ck_assert(!is_movable(unit_space, 101));
	ck_assert_uint_eq(frame(child, 101), was);
	ck_assert_uint_eq(pins(child, 101), 0);
	/* And when the child writes, the parent's stays. */
	was = frame(unit_space, 102);
	unit_put(child, 102, 60);
	unit_check();
	ck_assert_uint_eq(frame(unit_space, 102), was);
	ck_assert(is_movable(child, 102));
	pager_space_free(child);
	unit_ok(pin(unit_space, 100, 4));
	ck_assert_uint_eq(core->frames.pinned, 4);
	unit_end();
}
END_TEST

START_TEST(a_private_copy_of_an_objects_page_takes_the_pin_along)
{
	struct pager_object *o;

	start();
	o = unit_object(4);
	unit_object_put(o, 1, 5);
	unit_map_object(unit_space, 100, 4, UNIT_R, 0, o, 0);
	unit_ok(pin(unit_space, 100, 4));
	unit_check();
	ck_assert_uint_eq(core->frames.pinned, 4);
	unit_protect(unit_space, 100, 4, UNIT_RW);
	unit_put(unit_space, 101, 9);
	unit_check();
	ck_assert_uint_eq(unit_page(unit_space, 101).type, PAGER_PAGE_ANON);
	ck_assert_uint_eq(core->frames.pinned, 4);
	unit_unmap(unit_space, 100, 4);
	nothing_pinned();
	unit_end();
}
END_TEST

START_TEST(pages_that_come_back_to_a_pinned_region_are_pinned)
{
	struct pager_object *o;
	uint64_t moved;

	start();
	o = unit_object(4);
	unit_map_object(unit_space, 100, 4, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	unit_ok(pin(unit_space, 100, 4));
	unit_ok(pager_object_resize(o, 1));
	unit_check();
	ck_assert_uint_eq(core->frames.pinned, 1);
	unit_ok(pager_object_resize(o, 4));
	unit_object_put(o, 2, 8); /* somebody else makes it: movable */
	moved = unit_stats().migrations;
	ck_assert_uint_eq(unit_get(unit_space, 102), 8);
	unit_check();
	ck_assert_uint_eq(unit_stats().migrations, moved + 1);
	ck_assert(!is_movable(unit_space, 102));
	unit_get(unit_space, 101); /* the region itself makes it */
	unit_check();
	ck_assert_uint_eq(unit_stats().migrations, moved + 1);
	ck_assert(!is_movable(unit_space, 101));
	ck_assert_uint_eq(core->frames.pinned, 3);
	unit_object_put(o, 3, 9);
	unit_advise(unit_space, 100, 4, PAGER_ADV_WILLNEED);
	unit_check();
	ck_assert_uint_eq(core->frames.pinned, 4);
	ck_assert_uint_eq(unit_get(unit_space, 103), 9);
	unit_end();
}
END_TEST

START_TEST(moving_a_region_keeps_its_frames_and_pins)
{
	uint32_t was[4];

	start();
	unit_map(unit_space, 100, 4, UNIT_RW);
	unit_fill(unit_space, 100, 4, 1);
	unit_ok(pin(unit_space, 100, 4));
	for (uint64_t i = 0; i < 4; i++)
		was[i] = frame(unit_space, 100 + i);
	unit_remap(unit_space, 100, 4, 4,
		   PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED, 700);
	unit_check();
	for (uint64_t i = 0; i < 4; i++)
		ck_assert_uint_eq(frame(unit_space, 700 + i), was[i]);
	ck_assert_uint_eq(core->frames.pinned, 4);
	unit_remap(unit_space, 700, 4, 2, 0, 0);
	unit_check();
	ck_assert_uint_eq(core->frames.pinned, 2);
	unit_remap(unit_space, 701, 1, 1,
		   PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED, 900);
	unit_map(unit_space, 650, 100, UNIT_RW);
	unit_check();
	ck_assert_uint_eq(core->frames.pinned, 1);
	unit_end();
}
END_TEST

START_TEST(a_second_view_is_not_pinned)
{
	struct pager_object *o;

	start();
	o = unit_object(4);
	unit_map_object(unit_space, 100, 4, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	unit_ok(pin(unit_space, 100, 4));
	unit_remap(unit_space, 100, 0, 4,
		   PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED, 700);
	unit_get(unit_space, 701);
	unit_check();
	ck_assert_uint_eq(pins(unit_space, 701), 1);
	unit_unmap(unit_space, 100, 4);
	nothing_pinned();
	unit_end();
}
END_TEST

START_TEST(heap_and_program_end_and_so_do_pins)
{
	const uint64_t page = PAGER_PAGE_SIZE;

	start();
	unit_ok(pager_space_brk_start(unit_space, 100 * page));
	unit_ok(pager_space_brk(unit_space, 110 * page));
	unit_ok(pin(unit_space, 102, 6));
	unit_ok(pager_space_brk(unit_space, 105 * page));
	unit_check();
	ck_assert_uint_eq(core->frames.pinned, 3);
	unit_ok(pager_space_brk(unit_space, 115 * page));
	unit_check();
	pager_space_clear(unit_space);
	nothing_pinned();
	unit_end();
}
END_TEST

/* --- failures ---------------------------------------------------------------
 */

#ifdef PAGER_FAILPOINTS
START_TEST(a_pin_fails_at_every_point_without_a_trace)
{
	struct pager_object *o;
	unsigned long n = 1;
	struct pager_status st;

	start();
	o = unit_object(4);
	unit_object_put(o, 1, 5);
	unit_map(unit_space, 100, 600, UNIT_RW);
	unit_fill(unit_space, 100, 4, 1);
	unit_fork(unit_space);
	unit_fill(unit_space, 106, 4, 1);
	unit_map_object(unit_space, 700, 4, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	unit_map_object(unit_space, 704, 4, UNIT_RW, 0, o, 0);
	for (;; n++) {
		char *before = unit_picture();
		const char *fired;

		pager_fail_arm(n);
		st = pin(unit_space, 102, 605);
		fired = pager_fail_fired();
		pager_fail_arm(0);
		unit_check();
		if (!fired) {
			free(before);
			break;
		}
		ck_assert_uint_eq(st.err, PAGER_ENOMEM);
		unit_unchanged(before, fired);
		ck_assert_uint_eq(core->frames.pinned, 0);
	}
	unit_ok(st);
	ck_assert_uint_gt(n, 2);
	ck_assert_uint_eq(core->frames.pinned, 605);
	unit_end();
}
END_TEST

START_TEST(a_fault_in_a_pinned_region_fails_without_a_trace)
{
	struct pager_fault_info info;
	unsigned long n = 1;
	struct pager_status st;

	start();
	unit_map(unit_space, 100, 4, UNIT_RW);
	unit_ok(pin(unit_space, 100, 4));
	unit_fork(unit_space);
	for (;; n++) {
		char *before = unit_picture();
		const char *fired;

		pager_fail_arm(n);
		st = pager_space_fault(unit_space, 101, PAGER_ACCESS_WRITE,
				       &info);
		fired = pager_fail_fired();
		pager_fail_arm(0);
		unit_check();
		if (!fired) {
			free(before);
			break;
		}
		unit_unchanged(before, fired);
	}
	unit_ok(st);
	ck_assert_uint_gt(n, 1);
	unit_end();
}
END_TEST
#endif

START_TEST(the_recount_notices_wrong_pins)
{
	char why[200];
	uint32_t f;

	start();
	unit_map(unit_space, 100, 4, UNIT_RW);
	unit_ok(pin(unit_space, 100, 4));
	f = frame(unit_space, 101);
	core->frames.pins[f]++;
	ck_assert_uint_eq(pager_core_recount(core, why, sizeof(why)).err,
			  PAGER_ECORRUPT);
	ck_assert_ptr_nonnull(strstr(why, "2 pins, counted 1"));
	core->frames.pins[f]--;
	core->frames.pinned++;
	ck_assert_uint_eq(pager_core_recount(core, why, sizeof(why)).err,
			  PAGER_ECORRUPT);
	ck_assert_ptr_nonnull(strstr(why, "5 pinned frames, counted 4"));
	core->frames.pinned--;
	unit_end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    a_frame_is_pinned_once_for_each_page_that_shows_it,
	    the_zero_frame_is_not_pinned,
	    a_movable_page_is_moved_before_it_is_pinned,
	    what_is_missing_is_filled_from_the_zone_kernel,
	    everybody_who_shares_the_page_follows,
	    a_page_seen_twice_in_the_range_is_moved_once,
	    pages_of_a_large_entry_are_pinned_one_by_one,
	    pages_of_a_large_entry_in_movable_memory_are_moved_alone,
	    without_room_in_the_zone_kernel_a_pin_is_refused,
	    movable_pages_make_way_for_pinned_ones,
	    a_copy_on_write_takes_the_pin_along,
	    a_private_copy_of_an_objects_page_takes_the_pin_along,
	    pages_that_come_back_to_a_pinned_region_are_pinned,
	    moving_a_region_keeps_its_frames_and_pins,
	    a_second_view_is_not_pinned,
	    heap_and_program_end_and_so_do_pins,
	    the_recount_notices_wrong_pins,
#ifdef PAGER_FAILPOINTS
	    a_pin_fails_at_every_point_without_a_trace,
	    a_fault_in_a_pinned_region_fails_without_a_trace,
#endif
	};

	return UNIT_RUN("pin-frames", tests);
}
