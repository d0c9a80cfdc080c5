/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What makes a page dirty and what does not, operation by operation, by both
 * methods: pages 100 to 299 of a space are logged, and 100 to 107 hold data.
 */
#include "lib/core/frame.h"
#include "lib/core/migrate.h"
#include "tests/support/dirty_watch.h"

enum { FIXED = PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED };

static struct pager_dirty_log *watch;

static void prepare(void)
{
	unit_map(unit_space, 100, 50, UNIT_RW);
	unit_fill(unit_space, 100, 8, 1);
	watch = dirty_log(unit_space, 100, 200);
}

DIRTY_TEST(what_was_written_before_the_start_is_not_dirty)
{
	prepare();
	dirty_is(watch, "");
	ck_assert_uint_eq(dirty_info(watch).dirty, 0);
}

DIRTY_TEST(a_write_is_reported_until_it_is_cleared)
{
	prepare();
	unit_put(unit_space, 103, 9);
	dirty_is(watch, "103");
	dirty_is(watch, "103");
	dirty_take(watch, "103");
	dirty_is(watch, "");
	unit_put(unit_space, 103, 10);
	unit_put(unit_space, 103, 11);
	unit_put(unit_space, 120, 1);
	dirty_take(watch, "103 120");
}

DIRTY_TEST(the_same_byte_written_again_is_a_write)
{
	prepare();
	unit_put(unit_space, 100, 1);
	dirty_take(watch, "100");
	unit_put(unit_space, 100, 1);
	dirty_is(watch, "100");
}

DIRTY_TEST(reading_makes_nothing_dirty)
{
	prepare();
	for (uint64_t v = 100; v < 150; v++)
		unit_get(unit_space, v);
	ck_assert_uint_eq(unit_fault(unit_space, 100, PAGER_ACCESS_READ).result,
			  PAGER_FAULT_PRESENT);
	dirty_is(watch, "");
}

DIRTY_TEST(a_write_fault_that_is_announced_counts_as_written)
{
	prepare();
	unit_fault(unit_space, 104, PAGER_ACCESS_WRITE);
	unit_fault(unit_space, 130, PAGER_ACCESS_WRITE);
	dirty_take(watch, "104 130");
	unit_put(unit_space, 104, 7);
	ck_assert_uint_eq(
	    unit_fault(unit_space, 104, PAGER_ACCESS_WRITE).result,
	    PAGER_FAULT_PRESENT);
	dirty_is(watch, "104");
}

DIRTY_TEST(a_write_that_is_answered_by_a_signal_is_none)
{
	prepare();
	unit_protect(unit_space, 100, 1, UNIT_R);
	ck_assert_uint_eq(unit_signal(unit_space, 100, PAGER_ACCESS_WRITE),
			  PAGER_SEGV_ACCERR);
	ck_assert_uint_eq(unit_signal(unit_space, 200, PAGER_ACCESS_WRITE),
			  PAGER_SEGV_MAPERR);
	dirty_is(watch, "");
}

DIRTY_TEST(map_write_unmap_then_fetch)
{
	watch = dirty_log(unit_space, 100, 200);
	unit_map(unit_space, 100, 10, UNIT_RW);
	unit_put(unit_space, 101, 1);
	unit_unmap(unit_space, 100, 10);
	dirty_take(watch, "101");
	dirty_is(watch, "");
}

DIRTY_TEST(map_write_and_map_over_it_then_fetch)
{
	watch = dirty_log(unit_space, 100, 200);
	unit_map(unit_space, 100, 10, UNIT_RW);
	unit_put(unit_space, 101, 1);
	unit_map(unit_space, 100, 10, UNIT_RW);
	ck_assert_uint_eq(unit_get(unit_space, 101), 0);
	dirty_take(watch, "101");
	dirty_is(watch, "");
}

DIRTY_TEST(data_that_was_clean_is_missed_when_it_goes)
{
	prepare();
	unit_unmap(unit_space, 101, 2);
	unit_map(unit_space, 104, 1, UNIT_RW);
	dirty_take(watch, "101-102 104");
	unit_map(unit_space, 101, 2, UNIT_RW);
	dirty_is(watch, "");
}

DIRTY_TEST(mapping_where_nothing_was_makes_nothing_dirty)
{
	prepare();
	unit_map(unit_space, 200, 50, UNIT_RW);
	unit_unmap(unit_space, 200, 50);
	unit_unmap(unit_space, 120, 20);
	dirty_is(watch, "");
}

DIRTY_TEST(dontneed_drops_data)
{
	prepare();
	unit_get(unit_space, 110);
	unit_advise(unit_space, 102, 20, PAGER_ADV_DONTNEED);
	dirty_take(watch, "102-107");
	ck_assert_uint_eq(unit_get(unit_space, 102), 0);
	dirty_is(watch, "");
}

DIRTY_TEST(freed_pages_are_dirty_when_they_are_written_or_dropped)
{
	prepare();
	unit_put(unit_space, 103, 5);
	unit_advise(unit_space, 100, 4, PAGER_ADV_FREE);
	dirty_take(watch, "103");
	unit_put(unit_space, 101, 5);
	unit_unmap(unit_space, 102, 1);
	dirty_take(watch, "101-102");
}

DIRTY_TEST(protection_none_and_back_loses_no_write)
{
	prepare();
	unit_put(unit_space, 101, 8);
	unit_protect(unit_space, 100, 8, 0);
	dirty_is(watch, "101");
	unit_protect(unit_space, 100, 8, UNIT_RW);
	dirty_take(watch, "101");
	unit_protect(unit_space, 100, 8, 0);
	unit_protect(unit_space, 100, 8, UNIT_RW);
	dirty_is(watch, "");
	unit_put(unit_space, 102, 8);
	dirty_is(watch, "102");
}

DIRTY_TEST(protection_given_back_between_clear_and_write_hides_nothing)
{
	prepare();
	unit_put(unit_space, 101, 8);
	dirty_take(watch, "101");
	unit_protect(unit_space, 100, 8, UNIT_R);
	unit_protect(unit_space, 100, 8, UNIT_RW);
	unit_put(unit_space, 101, 9);
	dirty_take(watch, "101");
	unit_protect(unit_space, 100, 8, UNIT_R);
	dirty_wipe(watch, 100, 8);
	unit_protect(unit_space, 100, 8, UNIT_RW);
	unit_put(unit_space, 101, 10);
	dirty_is(watch, "101");
}

DIRTY_TEST(exec_drops_everything)
{
	prepare();
	unit_put(unit_space, 140, 1);
	dirty_take(watch, "140");
	pager_space_clear(unit_space);
	dirty_take(watch, "100-107 140");
	unit_map(unit_space, 100, 8, UNIT_RW);
	unit_put(unit_space, 100, 1);
	dirty_is(watch, "100");
}

DIRTY_TEST(the_heap_that_shrinks_drops_data)
{
	unit_ok(pager_space_brk_start(unit_space, pager_vpn_to_va(110)));
	unit_ok(pager_space_brk(unit_space, pager_vpn_to_va(120)));
	unit_fill(unit_space, 110, 10, 1);
	watch = dirty_log(unit_space, 100, 200);
	unit_ok(pager_space_brk(unit_space, pager_vpn_to_va(118)));
	dirty_take(watch, "118-119");
	unit_ok(pager_space_brk(unit_space, pager_vpn_to_va(120)));
	dirty_is(watch, "");
}

DIRTY_TEST(moving_dirties_both_ends)
{
	prepare();
	unit_remap(unit_space, 100, 4, 4, FIXED, 200);
	dirty_take(watch, "100-103 200-203");
	unit_put(unit_space, 201, 9);
	unit_remap(unit_space, 200, 4, 4, FIXED, 400);
	dirty_take(watch, "200-203");
	unit_remap(unit_space, 400, 2, 2, FIXED, 210);
	dirty_take(watch, "210-211");
	unit_put(unit_space, 211, 10);
	dirty_is(watch, "211");
}

DIRTY_TEST(moving_onto_data_drops_it)
{
	prepare();
	unit_map(unit_space, 400, 4, UNIT_RW);
	unit_put(unit_space, 401, 1);
	unit_remap(unit_space, 400, 4, 4, FIXED, 100);
	dirty_take(watch, "100-103");
}

DIRTY_TEST(a_whole_table_node_that_moves_takes_its_pages_along)
{
	unit_map(unit_space, 1024, 512, UNIT_RW);
	unit_put(unit_space, 1030, 1);
	unit_put(unit_space, 1535, 2);
	watch = dirty_log(unit_space, 1024, 4096);
	unit_put(unit_space, 1031, 3);
	unit_remap(unit_space, 1024, 512, 512, FIXED, 2048);
	dirty_take(watch, "1030-1031 1535 2054-2055 2559");
	unit_put(unit_space, 2055, 4);
	unit_put(unit_space, 2060, 4);
	dirty_is(watch, "2055 2060");
}

DIRTY_TEST(shrinking_in_place_drops_the_tail)
{
	prepare();
	unit_remap(unit_space, 100, 50, 4, 0, 0);
	dirty_take(watch, "104-107");
}

DIRTY_TEST(growing_makes_nothing_dirty)
{
	prepare();
	unit_remap(unit_space, 100, 50, 60, 0, 0);
	dirty_is(watch, "");
	unit_put(unit_space, 155, 1);
	dirty_is(watch, "155");
}

DIRTY_TEST(dontunmap_leaves_an_empty_mapping_behind)
{
	prepare();
	unit_remap(unit_space, 100, 50, 50, FIXED | PAGER_REMAP_DONTUNMAP, 200);
	dirty_take(watch, "100-107 200-207");
	unit_put(unit_space, 100, 1);
	dirty_is(watch, "100");
}

DIRTY_TEST(pinning_and_unpinning_hide_no_write)
{
	prepare();
	unit_put(unit_space, 101, 2);
	unit_ok(pager_space_pin(unit_space, pager_range(100, 108)));
	unit_put(unit_space, 102, 3);
	unit_ok(pager_space_unpin(unit_space, pager_range(100, 108)));
	ck_assert(dirty_has(watch, 101));
	dirty_taken(watch);
	unit_ok(pager_space_pin(unit_space, pager_range(100, 108)));
	dirty_taken(watch);
	unit_put(unit_space, 103, 4);
	dirty_is(watch, "103");
}

DIRTY_TEST(populating_for_reading_makes_nothing_dirty)
{
	uint64_t done;

	prepare();
	unit_ok(pager_space_populate(unit_space, pager_range(100, 120),
				     PAGER_ACCESS_READ, &done));
	unit_advise(unit_space, 100, 30, PAGER_ADV_WILLNEED);
	dirty_is(watch, "");
}

DIRTY_TEST(after_populating_for_writing_no_write_is_hidden)
{
	uint64_t done;

	prepare();
	unit_ok(pager_space_populate(unit_space, pager_range(100, 120),
				     PAGER_ACCESS_WRITE, &done));
	dirty_take(watch, dirty_method == HARDWARE ? "" : "100-119");
	unit_ok(pager_space_populate(unit_space, pager_range(100, 120),
				     PAGER_ACCESS_WRITE, &done));
	unit_put(unit_space, 119, 1);
	ck_assert(dirty_has(watch, 119));
}

DIRTY_TEST(a_fault_that_fills_around_hides_no_write)
{
	unit_ok(pager_space_set_around(unit_space, PAGER_AROUND_64K));
	unit_map(unit_space, 96, 100, UNIT_RW);
	watch = dirty_log(unit_space, 100, 200);
	unit_put(unit_space, 115, 1);
	unit_put(unit_space, 116, 1);
	ck_assert(dirty_has(watch, 115));
	dirty_taken(watch);
	unit_put(unit_space, 117, 1);
	unit_put(unit_space, 140, 1);
	unit_put(unit_space, 139, 1);
	dirty_wipe(watch, 128, 16);
	unit_put(unit_space, 138, 1);
	dirty_is(watch, "117 138");
}

DIRTY_TEST(a_stack_that_grows_is_logged)
{
	unit_map_flags(unit_space, 290, 5, UNIT_RW, PAGER_MAP_GROWSDOWN);
	watch = dirty_log(unit_space, 100, 200);
	unit_put(unit_space, 285, 1);
	dirty_take(watch, "285");
	unit_put(unit_space, 286, 1);
	dirty_is(watch, "286");
}

/* Every frame of the space, to anywhere. */
static void move_all(uint64_t first, uint64_t pages)
{
	struct pager_core *core = unit_world.core;

	for (uint64_t v = first; v < first + pages; v++) {
		uint32_t from =
		    (uint32_t)(unit_page(unit_space, v).pa >> PAGER_PAGE_SHIFT);
		uint32_t to = frame_take(core, unit_world.account);

		ck_assert_int_eq(migrate_prepare(core, NULL, from), 0);
		migrate_to(core, from, to);
	}
}

DIRTY_TEST(a_page_that_migrates_between_write_and_get_stays_dirty)
{
	prepare();
	unit_put(unit_space, 101, 2);
	move_all(100, 8);
	dirty_is(watch, "101");
	move_all(100, 8);
	dirty_take(watch, "101");
	move_all(100, 8);
	dirty_is(watch, "");
	unit_put(unit_space, 102, 3);
	move_all(100, 8);
	unit_put(unit_space, 103, 3);
	dirty_is(watch, "102-103");
}

DIRTY_TEST(a_snapshot_that_is_restored_loses_no_earlier_write)
{
	prepare();
	unit_put(unit_space, 101, 2);
	unit_ok(pager_space_snapshot(unit_space));
	unit_put(unit_space, 102, 3);
	pager_space_snapshot_restore(unit_space);
	ck_assert_uint_eq(unit_get(unit_space, 102), 3);
	ck_assert(dirty_has(watch, 101));
	dirty_taken(watch);
	unit_put(unit_space, 103, 4);
	dirty_is(watch, "103");
}

DIRTY_TEST(a_snapshot_that_is_dropped_loses_no_write)
{
	prepare();
	unit_put(unit_space, 101, 2);
	unit_ok(pager_space_snapshot(unit_space));
	unit_put(unit_space, 102, 3);
	pager_space_snapshot_drop(unit_space);
	dirty_take(watch, "101-102");
	unit_put(unit_space, 101, 4);
	unit_put(unit_space, 104, 4);
	dirty_is(watch, "101 104");
}

START_TEST(a_page_freed_lazily_is_dirty_when_it_is_reclaimed)
{
	static const struct test_world_config config = {.frames = 24};

	dirty_method = _i ? WRITE_PROTECT : HARDWARE;
	dirty_start(&config);
	prepare();
	unit_advise(unit_space, 100, 8, PAGER_ADV_FREE);
	dirty_is(watch, "");
	unit_map(unit_space, 400, 20, UNIT_RW);
	unit_fill(unit_space, 400, 18, 1);
	ck_assert_uint_eq(unit_page(unit_space, 100).entry, 0);
	dirty_take(watch, "100-107");
	dirty_end();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	    what_was_written_before_the_start_is_not_dirty,
	    a_write_is_reported_until_it_is_cleared,
	    the_same_byte_written_again_is_a_write,
	    reading_makes_nothing_dirty,
	    a_write_fault_that_is_announced_counts_as_written,
	    a_write_that_is_answered_by_a_signal_is_none,
	    map_write_unmap_then_fetch,
	    map_write_and_map_over_it_then_fetch,
	    data_that_was_clean_is_missed_when_it_goes,
	    mapping_where_nothing_was_makes_nothing_dirty,
	    dontneed_drops_data,
	    freed_pages_are_dirty_when_they_are_written_or_dropped,
	    protection_none_and_back_loses_no_write,
	    protection_given_back_between_clear_and_write_hides_nothing,
	    exec_drops_everything,
	    the_heap_that_shrinks_drops_data,
	    moving_dirties_both_ends,
	    moving_onto_data_drops_it,
	    a_whole_table_node_that_moves_takes_its_pages_along,
	    shrinking_in_place_drops_the_tail,
	    growing_makes_nothing_dirty,
	    dontunmap_leaves_an_empty_mapping_behind,
	    pinning_and_unpinning_hide_no_write,
	    populating_for_reading_makes_nothing_dirty,
	    after_populating_for_writing_no_write_is_hidden,
	    a_fault_that_fills_around_hides_no_write,
	    a_stack_that_grows_is_logged,
	    a_page_that_migrates_between_write_and_get_stays_dirty,
	    a_snapshot_that_is_restored_loses_no_earlier_write,
	    a_snapshot_that_is_dropped_loses_no_write,
	    a_page_freed_lazily_is_dirty_when_it_is_reclaimed,
	};

	return DIRTY_RUN("dirty_pages", tests);
}
