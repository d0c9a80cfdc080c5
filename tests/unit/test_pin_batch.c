/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pins and all-or-nothing batches: while one runs, the frames of the state
 * that may come back stay pinned, and afterwards exactly those of the state
 * that is left are.
 */
#include "lib/core/frame.h"
#include "lib/core/migrate.h"
#include "tests/support/unit.h"

static struct pager_core *core;

/* Boot memory of 8 chunks, of which half are movable. */
static void start(void)
{
	unit_start(NULL);
	core = unit_world.core;
	for (uint32_t c = 4; c < 8; c++) {
		chunk_isolate(core, c);
		chunk_offline(core, c);
		chunk_online(core, c, VMEM_ZONE_MOVABLE);
	}
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

static void nothing_pinned(void)
{
	unit_check();
	ck_assert_uint_eq(core->frames.pinned, 0);
}

static struct pager_object *batch_object;

/* 100: pinned; 110: not; 120: an object's, shared and pinned. */
static void start_batch(void)
{
	start();
	batch_object = unit_object(4);
	unit_map(unit_space, 100, 4, UNIT_RW);
	unit_fill(unit_space, 100, 4, 1);
	unit_map(unit_space, 110, 4, UNIT_RW);
	unit_fill(unit_space, 110, 4, 11);
	unit_map_object(unit_space, 120, 4, UNIT_RW, PAGER_MAP_SHARED,
			batch_object, 0);
	unit_ok(pin(unit_space, 100, 4));
	unit_ok(pin(unit_space, 120, 4));
	unit_check();
	unit_ok(pager_space_snapshot(unit_space));
	unit_check();
}

static void do_write(void)
{
	unit_put(unit_space, 101, 50);
}

static void do_unmap(void)
{
	unit_unmap(unit_space, 101, 2);
}

static void do_unpin(void)
{
	unit_ok(unpin(unit_space, 100, 3));
}

static void do_pin(void)
{
	unit_ok(pin(unit_space, 111, 2));
}

static void do_pin_all(void)
{
	unit_ok(unpin(unit_space, 110, 2));
	unit_ok(pin(unit_space, 110, 4));
	unit_ok(unpin(unit_space, 111, 1));
}

static void do_move(void)
{
	unit_remap(unit_space, 100, 4, 4,
		   PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED, 700);
}

static void do_move_back(void)
{
	do_move();
	unit_remap(unit_space, 700, 4, 4,
		   PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED, 100);
}

static void do_move_over(void)
{
	unit_remap(unit_space, 110, 3, 3,
		   PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED, 101);
}

static void do_replace(void)
{
	unit_map(unit_space, 102, 2, UNIT_RW);
	unit_ok(pin(unit_space, 102, 2));
}

static void do_object(void)
{
	unit_unmap(unit_space, 121, 1);
	unit_map_object(unit_space, 130, 4, UNIT_RW, PAGER_MAP_SHARED,
			batch_object, 0);
	unit_ok(pin(unit_space, 130, 2));
}

static void do_repin(void)
{
	unit_ok(unpin(unit_space, 100, 4));
	unit_put(unit_space, 100, 33);
	unit_put(unit_space, 101, 34);
	unit_ok(pin(unit_space, 100, 4));
	unit_protect(unit_space, 100, 4, 0);
}

static void (*const steps[])(void) = {
    do_write,	  do_unmap,	do_unpin,   do_pin,    do_pin_all, do_move,
    do_move_back, do_move_over, do_replace, do_object, do_repin,
};
enum { STEPS = sizeof(steps) / sizeof(steps[0]) };

START_TEST(a_batch_that_is_undone_leaves_every_pin_as_it_was)
{
	for (int i = 0; i < STEPS; i++) {
		uint32_t was[30];

		start_batch();
		for (uint64_t v = 100; v < 124; v++)
			was[v - 100] = frame(unit_space, v);
		steps[i]();
		unit_check();
		pager_space_snapshot_restore(unit_space);
		unit_check();
		ck_assert_uint_eq(core->frames.pinned, 8);
		for (uint64_t v = 100; v < 124; v++) {
			bool pinned = v < 104 || v >= 120;

			if (pinned)
				ck_assert_uint_eq(frame(unit_space, v),
						  was[v - 100]);
			if (unit_page(unit_space, v).entry)
				ck_assert_uint_eq(pins(unit_space, v), pinned);
		}
		for (uint64_t v = 100; v < 104; v++)
			ck_assert_uint_eq(unit_get(unit_space, v), v - 99);
		pager_space_clear(unit_space);
		nothing_pinned();
		unit_end();
	}
}
END_TEST

START_TEST(a_batch_that_is_kept_leaves_the_pins_of_its_regions)
{
	for (int i = 0; i < STEPS; i++) {
		start_batch();
		steps[i]();
		unit_check();
		pager_space_snapshot_drop(unit_space);
		unit_check(); /* counts them all */
		pager_space_clear(unit_space);
		nothing_pinned();
		unit_end();
	}
}
END_TEST

START_TEST(a_space_that_ends_in_a_batch_leaves_no_pin)
{
	for (int i = 0; i < STEPS; i++) {
		start_batch();
		steps[i]();
		pager_space_free(unit_space);
		nothing_pinned();
		unit_end();
	}
}
END_TEST

START_TEST(what_a_batch_replaced_is_not_moved_while_it_may_come_back)
{
	uint32_t was;

	start_batch();
	was = frame(unit_space, 101);
	unit_put(unit_space, 101, 50);
	ck_assert_uint_ne(frame(unit_space, 101), was);
	ck_assert(!migrate_may(core, was));
	unit_unmap(unit_space, 100, 4);
	ck_assert(!migrate_may(core, was));
	pager_space_snapshot_restore(unit_space);
	ck_assert_uint_eq(frame(unit_space, 101), was);
	unit_end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    a_batch_that_is_undone_leaves_every_pin_as_it_was,
	    a_batch_that_is_kept_leaves_the_pins_of_its_regions,
	    a_space_that_ends_in_a_batch_leaves_no_pin,
	    what_a_batch_replaced_is_not_moved_while_it_may_come_back,
	};

	return UNIT_RUN("pin-batch", tests);
}
