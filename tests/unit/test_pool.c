/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pools as their users see them: device, driver, blocks and allocator
 * together, on a machine with real memory.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/pool_bed.h"

/* --- growing and shrinking -------------------------------------------------
 */

START_TEST(a_pool_grows_and_its_memory_is_used)
{
	uint64_t total;

	pbed_start(4);
	total = unit_stats().frames_total;
	ck_assert_uint_eq(pbed_info().plugged, 0);
	ck_assert(!pbed_info().working || unit_world.backing.committed == 0);
	pbed_resize(2 * PBED_BLOCK + PBED_SUB);
	ck_assert_uint_eq(unit_stats().frames_total,
			  total + 2 * PBED_BLOCK + PBED_SUB);
	ck_assert_uint_eq(unit_world.backing.committed,
			  2 * PBED_BLOCK + PBED_SUB);
	ck_assert_uint_eq(pbed_block(2).plugged, PBED_SUB);
	ck_assert_uint_eq(pbed_block(2).sbm, SBM_MOVABLE_PARTIAL);
	ck_assert_uint_eq(pbed_block(3).state, PAGER_BLOCK_ABSENT);
	pbed_fill(0, PBED_BOOT + PBED_BLOCK);
	ck_assert_uint_gt(pbed_info().used, PBED_BLOCK);
	pbed_filled(0, PBED_BOOT + PBED_BLOCK);
	unit_end();
}
END_TEST

START_TEST(a_pool_shrinks_to_nothing_and_gives_its_memory_back)
{
	pbed_start(4);
	pbed_resize(4 * PBED_BLOCK);
	pbed_fill(0, 100);
	ck_assert_uint_eq(pbed_info().used, 100);
	pbed_resize(0);
	ck_assert_uint_eq(unit_world.backing.committed, 0);
	ck_assert_uint_eq(pbed_info().online, 0);
	ck_assert_uint_eq(pbed_info().moved, 100);
	for (unsigned int i = 0; i < 4; i++)
		ck_assert_uint_eq(pbed_block(i).state, PAGER_BLOCK_ABSENT);
	pbed_filled(0, 100);
	pbed_resize(PBED_BLOCK);
	pbed_fill(1000, 100);
	pbed_filled(1000, 100);
	pbed_filled(0, 100);
	unit_end();
}
END_TEST

START_TEST(memory_that_came_back_reads_as_zero)
{
	pbed_start(2);
	pbed_resize(2 * PBED_BLOCK);
	pbed_fill(0, 2 * PBED_BLOCK);
	unit_unmap(unit_space, 0, 2 * PBED_BLOCK);
	pbed_resize(0);
	pbed_resize(2 * PBED_BLOCK);
	unit_map(unit_space, 0, 2 * PBED_BLOCK, UNIT_RW);
	for (uint64_t i = 0; i < 2 * PBED_BLOCK; i++) {
		unit_fault(unit_space, i, PAGER_ACCESS_WRITE);
		ck_assert_uint_eq(unit_get(unit_space, i), 0);
	}
	unit_end();
}
END_TEST

START_TEST(shrinking_takes_no_more_than_it_must)
{
	pbed_start(4);
	pbed_resize(4 * PBED_BLOCK);
	pbed_resize(3 * PBED_BLOCK + PBED_SUB);
	ck_assert_uint_eq(pbed_info().plugged, 3 * PBED_BLOCK + PBED_SUB);
	ck_assert_uint_eq(pbed_block(3).plugged, PBED_SUB);
	ck_assert_uint_eq(pbed_block(2).plugged, PBED_BLOCK);
	unit_end();
}
END_TEST

START_TEST(a_pool_that_cannot_be_emptied_retries_until_it_can)
{
	uint64_t due, pages;

	pbed_start(2);
	pbed_resize(2 * PBED_BLOCK);
	pages = unit_stats().frames_free - 16;
	pbed_fill(0, pages);
	unit_ok(pager_pool_resize(pbed_pool, 0));
	test_world_work(&unit_world);
	ck_assert_uint_eq(pbed_info().plugged, 2 * PBED_BLOCK);
	ck_assert(pbed_info().working);
	ck_assert_uint_gt(pbed_info().busy, 0);
	ck_assert_int_eq(pbed_info().last_error, -ENOMEM);
	ck_assert_uint_eq(pbed_info().next_try, 10);
	ck_assert(!pager_core_work(pbed_core, unit_world.now_ms + 1, &due));
	ck_assert_uint_eq(due, unit_world.now_ms + 10);
	pbed_filled(0, pages);
	unit_unmap(unit_space, 0, PBED_BLOCK);
	test_world_settle(&unit_world, 1);
	ck_assert_uint_lt(pbed_info().plugged, 2 * PBED_BLOCK);
	pbed_filled(PBED_BLOCK, pages - PBED_BLOCK);
	unit_unmap(unit_space, PBED_BLOCK, pages - PBED_BLOCK);
	test_world_settle(&unit_world, 2);
	ck_assert_uint_eq(pbed_info().plugged, 0);
	ck_assert(!pbed_info().working);
	ck_assert_uint_eq(pbed_info().next_try, 0);
	unit_end();
}
END_TEST

START_TEST(a_step_gives_back_no_more_than_a_piece)
{
	struct pager_pool_config c = pbed_config(4);
	uint64_t due, had;
	bool more;

	c.piece = 2 * PBED_SUB;
	pbed_start_with(&c, 0);
	pbed_resize(3 * PBED_BLOCK);
	unit_ok(pager_pool_resize(pbed_pool, 0));
	do {
		had = pbed_info().plugged;
		more = pager_core_work(pbed_core, unit_world.now_ms, &due);
		ck_assert_uint_le(had - pbed_info().plugged, 2 * PBED_SUB);
	} while (more);
	ck_assert_uint_eq(pbed_info().plugged, 0);
	ck_assert_uint_eq(pbed_block(0).state, PAGER_BLOCK_ABSENT);
	unit_end();
}
END_TEST

START_TEST(the_same_wish_again_is_tried_at_once)
{
	uint64_t pages;

	pbed_start(2);
	pbed_resize(2 * PBED_BLOCK);
	pages = unit_stats().frames_free - 16;
	pbed_fill(0, pages);
	unit_ok(pager_pool_resize(pbed_pool, 0));
	test_world_work(&unit_world);
	ck_assert_uint_eq(pbed_info().next_try, 10);
	unit_unmap(unit_space, 0, pages);
	unit_ok(pager_pool_resize(pbed_pool, 0));
	test_world_work(&unit_world); /* the clock stands still */
	ck_assert_uint_eq(pbed_info().plugged, 0);
	ck_assert_uint_eq(pbed_info().next_try, 0);
	unit_end();
}
END_TEST

START_TEST(the_newer_wish_counts_and_is_seen)
{
	uint64_t due, from;

	pbed_start(8);
	from = pbed_next_event();
	unit_ok(pager_pool_resize(pbed_pool, 8 * PBED_BLOCK));
	while (pbed_info().plugged < 2 * PBED_BLOCK)
		ck_assert(pager_core_work(pbed_core, 0, &due));
	unit_ok(pager_pool_resize(pbed_pool, PBED_BLOCK));
	test_world_settle(&unit_world, 10);
	ck_assert_uint_eq(pbed_info().plugged, PBED_BLOCK);
	ck_assert_uint_eq(pbed_info().requested, PBED_BLOCK);
	ck_assert_uint_eq(pbed_info().resizes, 2);
	ck_assert_uint_eq(unit_world.backing.committed, PBED_BLOCK);
	ck_assert_ptr_nonnull(strstr(pbed_events(from), "online resize"));
	unit_end();
}
END_TEST

START_TEST(unplug_all_is_a_wish_for_nothing)
{
	pbed_start(2);
	pbed_resize(2 * PBED_BLOCK);
	unit_ok(pager_pool_unplug_all(pbed_pool));
	ck_assert_uint_eq(pbed_info().requested, 0);
	test_world_settle(&unit_world, 10);
	ck_assert_uint_eq(pbed_info().plugged, 0);
	unit_end();
}
END_TEST

START_TEST(no_step_moves_more_than_one_sub_block)
{
	uint64_t due, moved = 0;

	pbed_start(4);
	pbed_resize(4 * PBED_BLOCK);
	pbed_fill(0, 1500);
	unit_ok(pager_pool_resize(pbed_pool, 0));
	while (pager_core_work(pbed_core, 0, &due)) {
		ck_assert_uint_le(pbed_info().moved - moved, PBED_SUB);
		moved = pbed_info().moved;
		unit_check();
	}
	ck_assert_uint_ge(moved, 1500);
	ck_assert_uint_eq(pbed_info().plugged, 0);
	unit_end();
}
END_TEST

/* --- big blocks ------------------------------------------------------------
 */

START_TEST(a_pool_works_by_big_blocks_too)
{
	struct pager_pool_config c = pbed_config(8);

	c.mode = PAGER_POOL_MODE_BBM;
	c.big_block = 2 * PBED_BLOCK;
	pbed_start_with(&c, 0);
	ck_assert(pbed_info().bbm);
	ck_assert_uint_eq(pbed_info().sub_block, 2 * PBED_BLOCK);
	pbed_resize(6 * PBED_BLOCK);
	pbed_fill(0, 3000);
	pbed_resize(2 * PBED_BLOCK);
	pbed_filled(0, 3000);
	unit_unmap(unit_space, 0, 3000);
	pbed_resize(0);
	ck_assert_uint_eq(unit_world.backing.committed, 0);
	unit_end();
}
END_TEST

START_TEST(what_no_whole_big_block_covers_is_never_plugged)
{
	struct pager_pool_config c = pbed_config(6);

	c.addr += PBED_BLOCK;
	c.mode = PAGER_POOL_MODE_BBM;
	c.big_block = 2 * PBED_BLOCK;
	pbed_start_with(&c, 0);
	unit_ok(pager_pool_resize(pbed_pool, 6 * PBED_BLOCK));
	test_world_settle(&unit_world, 10);
	ck_assert_uint_eq(pbed_info().plugged, 4 * PBED_BLOCK);
	ck_assert(!pbed_info().working && !pbed_info().broken);
	ck_assert_uint_eq(pbed_block(1).state, PAGER_BLOCK_ABSENT);
	ck_assert_uint_eq(pbed_block(2).state, PAGER_BLOCK_ONLINE);
	ck_assert_uint_eq(pbed_block(6).state, PAGER_BLOCK_ABSENT);
	unit_refused(pager_pool_online(pbed_pool, c.addr, VMEM_ZONE_KERNEL),
		     PAGER_ENOENT, PAGER_ARG_ADDR);
	pbed_resize(0);
	unit_end();
}
END_TEST

/* --- several pools ---------------------------------------------------------
 */

START_TEST(pools_work_in_turns)
{
	struct pager_pool_config c = pbed_config(4);
	struct pager_pool *other;
	struct pager_pool_info a, b;
	uint64_t due;

	pbed_start_with(&c, PBED_AT + 8 * PBED_BLOCK);
	c.addr = PBED_AT + 4 * PBED_BLOCK;
	snprintf(c.name, sizeof(c.name), "q");
	other = test_world_pool(&unit_world, &c);
	test_world_work(&unit_world);
	unit_ok(pager_pool_resize(pbed_pool, 4 * PBED_BLOCK));
	unit_ok(pager_pool_resize(other, 4 * PBED_BLOCK));
	do {
		pager_pool_info(pbed_pool, 0, &a);
		pager_pool_info(other, 0, &b);
		ck_assert_uint_le(a.plugged > b.plugged ? a.plugged - b.plugged
							: b.plugged - a.plugged,
				  PBED_BLOCK);
	} while (pager_core_work(pbed_core, 0, &due));
	ck_assert_uint_eq(a.plugged + b.plugged, 8 * PBED_BLOCK);
	unit_end();
}
END_TEST

START_TEST(a_pool_has_a_number_and_a_name_until_it_is_freed)
{
	struct pager_pool_config c = pbed_config(1);
	struct pager_pool *p[3];

	pbed_start_with(NULL, PBED_AT + 8 * PBED_BLOCK);
	for (unsigned int i = 0; i < 3; i++) {
		c.addr = PBED_AT + i * PBED_BLOCK;
		snprintf(c.name, sizeof(c.name), "n%u", i);
		p[i] = test_world_pool(&unit_world, &c);
		ck_assert_ptr_eq(pager_pool_get(pbed_core, i + 1), p[i]);
		ck_assert_ptr_eq(pager_pool_find(pbed_core, c.name), p[i]);
	}
	unit_ok(pager_pool_free(p[1]));
	ck_assert_ptr_null(pager_pool_get(pbed_core, 2));
	ck_assert_ptr_null(pager_pool_find(pbed_core, "n1"));
	c.addr = PBED_AT + PBED_BLOCK;
	snprintf(c.name, sizeof(c.name), "n1");
	p[1] = test_world_pool(&unit_world, &c);
	ck_assert_ptr_eq(pager_pool_get(pbed_core, 4), p[1]);
	ck_assert_ptr_eq(pager_pool_get(pbed_core, 3), p[2]);
	unit_ok(pager_pool_free(p[1]));
	c.addr = PBED_AT + 5 * PBED_BLOCK;
	p[1] = test_world_pool(&unit_world, &c);
	ck_assert_ptr_eq(pager_pool_get(pbed_core, 4), p[1]);
	unit_end();
}
END_TEST

START_TEST(a_pool_with_memory_is_not_freed)
{
	pbed_start(2);
	pbed_resize(PBED_SUB);
	unit_refused(pager_pool_free(pbed_pool), PAGER_EBUSY, PAGER_ARG_NONE);
	pbed_resize(0);
	unit_ok(pager_pool_free(pbed_pool));
	ck_assert_ptr_null(pager_pool_get(pbed_core, 1));
	unit_end();
}
END_TEST

START_TEST(boot_memory_is_pool_0_and_cannot_be_changed)
{
	struct pager_block_info b;

	pbed_start(2);
	pbed_pool = pager_pool_get(pbed_core, 0);
	ck_assert_ptr_eq(pager_pool_find(pbed_core, "boot"), pbed_pool);
	ck_assert(pbed_info().boot);
	ck_assert_uint_eq(pbed_info().region, PBED_BOOT);
	ck_assert_uint_eq(pbed_info().plugged, PBED_BOOT);
	ck_assert_uint_eq(pbed_info().online, PBED_BOOT);
	ck_assert_uint_eq(pbed_info().used, 1);
	unit_refused(pager_pool_resize(pbed_pool, 0), PAGER_EACCESS,
		     PAGER_ARG_NONE);
	unit_refused(pager_pool_set_grow(pbed_pool, 0), PAGER_EACCESS,
		     PAGER_ARG_NONE);
	unit_refused(pager_pool_unplug_all(pbed_pool), PAGER_EACCESS,
		     PAGER_ARG_NONE);
	unit_refused(pager_pool_free(pbed_pool), PAGER_EACCESS, PAGER_ARG_NONE);
	unit_refused(pager_pool_offline(pbed_pool, 0), PAGER_EACCESS,
		     PAGER_ARG_NONE);
	unit_refused(pager_pool_online(pbed_pool, 0, VMEM_ZONE_MOVABLE),
		     PAGER_EACCESS, PAGER_ARG_NONE);
	ck_assert(pager_pool_block(pbed_pool, PBED_BOOT - 1, &b));
	ck_assert_uint_eq(b.pfn, PBED_BLOCK);
	ck_assert_uint_eq(b.state, PAGER_BLOCK_ONLINE);
	ck_assert_uint_eq(b.zone, VMEM_ZONE_KERNEL);
	ck_assert_uint_eq(b.free_runs, 2);
	ck_assert(!pager_pool_block(pbed_pool, PBED_BOOT, &b));
	unit_end();
}
END_TEST

START_TEST(the_last_block_of_boot_memory_may_be_short)
{
	const struct test_world_config config = {
	    .frames = PBED_BLOCK + PBED_SUB + 100, .memory_block = PBED_BLOCK};
	struct pager_block_info b;

	unit_start(&config);
	pbed_pool = pager_pool_get(unit_world.core, 0);
	ck_assert(pager_pool_block(pbed_pool, PBED_BLOCK, &b));
	ck_assert_uint_eq(b.plugged, PBED_SUB + 100);
	ck_assert_uint_eq(b.free_runs, 1);
	ck_assert(pager_pool_cell(pbed_pool, PBED_BLOCK + PBED_SUB, &b));
	ck_assert_uint_eq(b.plugged, 100);
	ck_assert_uint_eq(b.free_runs, 0);
	unit_end();
}
END_TEST

/* --- by hand ---------------------------------------------------------------
 */

START_TEST(a_block_goes_off_and_online_by_hand)
{
	pbed_start(2);
	pbed_resize(2 * PBED_BLOCK);
	pbed_fill(0, 50);
	unit_ok(pager_pool_offline(pbed_pool, PBED_AT));
	pbed_filled(0, 50);
	ck_assert_uint_eq(pbed_block(0).state, PAGER_BLOCK_OFFLINE);
	ck_assert_uint_eq(pbed_block(0).sbm, SBM_OFFLINE);
	ck_assert_uint_eq(pbed_info().offline, PBED_BLOCK);
	unit_check();
	unit_refused(pager_pool_offline(pbed_pool, PBED_AT), PAGER_EBUSY,
		     PAGER_ARG_ADDR);
	unit_ok(pager_pool_online(pbed_pool, PBED_AT, VMEM_ZONE_KERNEL));
	ck_assert_uint_eq(pbed_block(0).zone, VMEM_ZONE_KERNEL);
	ck_assert_uint_eq(pbed_block(0).sbm, SBM_KERNEL);
	unit_check();
	unit_refused(pager_pool_online(pbed_pool, PBED_AT, VMEM_ZONE_KERNEL),
		     PAGER_EBUSY, PAGER_ARG_ADDR);
	pbed_resize(0);
	unit_end();
}
END_TEST

START_TEST(a_policy_that_keeps_blocks_offline_waits_for_a_hand)
{
	struct pager_pool_config c = pbed_config(8);

	c.policy.keep_offline = true;
	c.threshold = 2 * PBED_BLOCK;
	pbed_start_with(&c, 0);
	unit_ok(pager_pool_resize(pbed_pool, 8 * PBED_BLOCK));
	test_world_settle(&unit_world, 10);
	ck_assert_uint_eq(pbed_info().plugged, 2 * PBED_BLOCK);
	ck_assert_uint_eq(pbed_info().online, 0);
	ck_assert(!pbed_info().working);
	unit_ok(pager_pool_online(pbed_pool, PBED_AT, VMEM_ZONE_MOVABLE));
	test_world_settle(&unit_world, 10);
	ck_assert_uint_eq(pbed_info().plugged, 3 * PBED_BLOCK);
	ck_assert_uint_eq(pbed_info().online, PBED_BLOCK);
	unit_end();
}
END_TEST

START_TEST(who_holds_a_block_is_told_run_by_run)
{
	struct pager_holder row[8];
	struct pager_space *child;
	struct pager_object *o;
	uint64_t cursor = 0, from;

	pbed_start(2);
	pbed_resize(2 * PBED_BLOCK);
	pbed_fill(100, 3);
	pbed_fill(200, 2);
	child = unit_fork(unit_space);
	o = unit_object(4);
	unit_object_put(o, 2, 1);
	ck_assert_uint_eq(pager_pool_holders(pbed_pool, PBED_AT, 2 * PBED_BLOCK,
					     &cursor, row, 8),
			  5);
	ck_assert_uint_eq(cursor, 0);
	for (unsigned int i = 0; i < 4; i++) {
		const struct pager_space *s = i < 2 ? child : unit_space;

		ck_assert_uint_eq(row[i].space, unit_info(s).id);
		ck_assert_uint_eq(row[i].object, 0);
		ck_assert_uint_eq(row[i].vpn, i % 2 ? 200 : 100);
		ck_assert_uint_eq(row[i].pages, i % 2 ? 2 : 3);
		ck_assert_uint_eq(row[i].pinned, 0);
	}
	ck_assert_uint_eq(row[4].space, 0);
	ck_assert_uint_eq(row[4].vpn, 2);
	ck_assert_uint_eq(row[4].pages, 1);
	/* In pieces, and only of a part. */
	ck_assert_uint_eq(pager_pool_holders(pbed_pool, PBED_AT, 2 * PBED_BLOCK,
					     &cursor, row, 2),
			  2);
	ck_assert_uint_eq(cursor, 2);
	ck_assert_uint_eq(pager_pool_holders(pbed_pool, PBED_AT, 2 * PBED_BLOCK,
					     &cursor, row, 3),
			  3);
	ck_assert_uint_eq(cursor, 0);
	ck_assert_uint_eq(row[2].vpn, 2);
	from = unit_page(unit_space, 101).pa / PAGER_PAGE_SIZE;
	ck_assert_uint_eq(
	    pager_pool_holders(pbed_pool, from, 1, &cursor, row, 8), 2);
	ck_assert_uint_eq(row[0].vpn, 101);
	ck_assert_uint_eq(row[0].pages, 1);
	ck_assert_uint_eq(pager_pool_holders(pbed_pool,
					     PBED_AT + 2 * PBED_BLOCK, 1,
					     &cursor, row, 8),
			  0);
	ck_assert_uint_eq(
	    pager_pool_holders(pbed_pool, 0, UINT64_MAX, &cursor, row, 8), 5);
	unit_end();
}
END_TEST

START_TEST(what_is_pinned_is_told)
{
	const struct pager_range r = pager_range(0, 600);
	struct pager_pool_config c = pbed_config(2);
	struct pager_holder row[8];
	uint64_t cursor = 0, there = 0, pinned = 0;
	size_t n;

	c.policy.movable_only = false;
	c.policy.movable_percent = 1;
	pbed_start_with(&c, 0);
	pbed_resize(2 * PBED_BLOCK);
	/* Boot memory is full, so that some of it lies in the pool. */
	pbed_fill(1000, unit_stats().frames_free - 700);
	unit_map(unit_space, 0, 600, UNIT_RW);
	unit_ok(pager_space_pin(unit_space, r));
	for (uint64_t i = r.start; i < r.end; i++)
		there +=
		    unit_page(unit_space, i).pa >= PBED_AT * PAGER_PAGE_SIZE;
	ck_assert_uint_gt(there, 0);
	ck_assert_uint_eq(pbed_info().pinned, there);
	n = pager_pool_holders(pbed_pool, PBED_AT, 2 * PBED_BLOCK, &cursor, row,
			       8);
	ck_assert_uint_le(n, 8);
	ck_assert_uint_eq(row[0].pinned, row[0].pages);
	ck_assert_uint_eq(row[n - 1].pinned, 0);
	for (size_t i = 0; i < n; i++)
		pinned += row[i].pinned;
	ck_assert_uint_eq(pinned, there);
	unit_unmap(unit_space, 1000, 4 * PBED_BLOCK);
	for (unsigned int i = 0; i < 2; i++) {
		uint64_t at = PBED_AT + i * PBED_BLOCK;

		if (pbed_block(i).pinned)
			unit_refused(pager_pool_offline(pbed_pool, at),
				     PAGER_EBUSY, PAGER_ARG_ADDR);
		else
			unit_ok(pager_pool_offline(pbed_pool, at));
	}
	unit_ok(pager_space_unpin(unit_space, r));
	pbed_resize(0);
	unit_end();
}
END_TEST

/* --- bytes -----------------------------------------------------------------
 */

START_TEST(bytes_are_reached_by_physical_address_only_where_memory_is)
{
	uint64_t pa;
	uint8_t byte = 7;

	pbed_start(2);
	pbed_resize(PBED_SUB);
	pbed_fill(5, 1);
	pa = unit_page(unit_space, 5).pa;
	ck_assert_uint_ge(pa, PBED_AT * PAGER_PAGE_SIZE);
	unit_ok(pager_core_phys(pbed_core, pa, &byte, 1, false));
	ck_assert_uint_eq(byte, 5);
	byte = 77;
	unit_ok(pager_core_phys(pbed_core, pa, &byte, 1, true));
	ck_assert_uint_eq(unit_get(unit_space, 5), 77);
	unit_refused(pager_core_phys(pbed_core, pa + 4095, &byte, 2, false),
		     PAGER_EINVAL, PAGER_ARG_LEN);
	unit_refused(pager_core_phys(pbed_core, pa, &byte, 0, false),
		     PAGER_EINVAL, PAGER_ARG_LEN);
	unit_refused(pager_core_phys(pbed_core,
				     (PBED_AT + PBED_SUB) * PAGER_PAGE_SIZE,
				     &byte, 1, false),
		     PAGER_ENOENT, PAGER_ARG_ADDR);
	unit_refused(pager_core_phys(pbed_core,
				     (PBED_AT + PBED_BLOCK) * PAGER_PAGE_SIZE,
				     &byte, 1, false),
		     PAGER_ENOENT, PAGER_ARG_ADDR);
	unit_refused(
	    pager_core_phys(pbed_core,
			    (PBED_AT + 2 * PBED_BLOCK) * PAGER_PAGE_SIZE, &byte,
			    1, false),
	    PAGER_ERANGE, PAGER_ARG_ADDR);
	unit_refused(pager_core_phys(pbed_core, UINT64_MAX, &byte, 1, false),
		     PAGER_ERANGE, PAGER_ARG_ADDR);
	/* The zero frame, and a frame that is nobody's. */
	unit_refused(pager_core_phys(pbed_core, 0, &byte, 1, true),
		     PAGER_EACCESS, PAGER_ARG_ADDR);
	unit_refused(pager_core_phys(pbed_core,
				     (PBED_AT + PBED_SUB - 1) * PAGER_PAGE_SIZE,
				     &byte, 1, true),
		     PAGER_EACCESS, PAGER_ARG_ADDR);
	unit_end();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	    a_pool_grows_and_its_memory_is_used,
	    a_pool_shrinks_to_nothing_and_gives_its_memory_back,
	    memory_that_came_back_reads_as_zero,
	    shrinking_takes_no_more_than_it_must,
	    a_pool_that_cannot_be_emptied_retries_until_it_can,
	    a_step_gives_back_no_more_than_a_piece,
	    the_same_wish_again_is_tried_at_once,
	    the_newer_wish_counts_and_is_seen,
	    unplug_all_is_a_wish_for_nothing,
	    no_step_moves_more_than_one_sub_block,
	    a_pool_works_by_big_blocks_too,
	    what_no_whole_big_block_covers_is_never_plugged,
	    pools_work_in_turns,
	    a_pool_has_a_number_and_a_name_until_it_is_freed,
	    a_pool_with_memory_is_not_freed,
	    boot_memory_is_pool_0_and_cannot_be_changed,
	    the_last_block_of_boot_memory_may_be_short,
	    a_block_goes_off_and_online_by_hand,
	    a_policy_that_keeps_blocks_offline_waits_for_a_hand,
	    who_holds_a_block_is_told_run_by_run,
	    what_is_pinned_is_told,
	    bytes_are_reached_by_physical_address_only_where_memory_is,
	};

	return UNIT_RUN("pool", tests);
}
