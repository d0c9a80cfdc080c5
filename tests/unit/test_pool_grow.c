/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pools that grow by themselves, and who is told of what happens to a pool.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/core/frame.h"
#include "tests/support/pool_bed.h"

/* --- events and listeners --------------------------------------------------
 */

START_TEST(what_happens_is_told_in_order)
{
	uint64_t from;

	pbed_start(2);
	test_world_work(&unit_world);
	from = pbed_next_event();
	pbed_resize(PBED_BLOCK + PBED_SUB);
	ck_assert_str_eq(pbed_events(from), "resize plug add online plug add "
					    "online reached");
	from = pbed_next_event();
	pbed_resize(PBED_BLOCK);
	ck_assert_str_eq(pbed_events(from),
			 "resize unplug offline remove reached");
	unit_end();
}
END_TEST

START_TEST(the_ring_keeps_the_last_events)
{
	struct pager_pool_event e;

	pbed_start(1);
	ck_assert(!pager_core_event(pbed_core, pbed_next_event(), &e));
	for (unsigned int i = 0; i < 5000; i++)
		pool_event(pbed_pool, PAGER_POOL_EVENT_RESIZE, PBED_AT, i);
	ck_assert(pager_core_event(pbed_core, 0, &e));
	ck_assert_uint_eq(e.number, pbed_next_event() - 4096);
	ck_assert(pager_core_event(pbed_core, e.number + 1, &e));
	ck_assert_uint_eq(e.number, pbed_next_event() - 4095);
	ck_assert(pager_core_event(pbed_core, pbed_next_event() - 1, &e));
	ck_assert_uint_eq(e.value, 4999);
	ck_assert_uint_eq(e.pool, 1);
	ck_assert(!pager_core_event(pbed_core, pbed_next_event(), &e));
	unit_end();
}
END_TEST

struct vetoer {
	struct vmem_listener listener;
	enum vmem_event refuses;
	unsigned int seen[VMEM_OFFLINE + 1];
};

static int veto(void *ctx, enum vmem_event event, uint64_t pfn, uint64_t pages)
{
	struct vetoer *v = ctx;

	ck_assert_uint_ge(pfn, PBED_AT);
	ck_assert_uint_gt(pages, 0);
	v->seen[event]++;
	return event == v->refuses;
}

static void listen(struct vetoer *v)
{
	memset(v, 0, sizeof(*v));
	v->listener.notify = veto;
	v->listener.ctx = v;
	pager_core_listen(pbed_core, &v->listener);
}

START_TEST(a_listener_that_says_no_to_plugging_is_asked_again)
{
	struct vetoer first, last;

	pbed_start(2);
	listen(&first);
	listen(&last);
	last.refuses = VMEM_PLUGGING;
	unit_ok(pager_pool_resize(pbed_pool, PBED_BLOCK));
	test_world_settle(&unit_world, 2);
	ck_assert_uint_eq(pbed_info().plugged, 0);
	ck_assert_uint_eq(unit_world.backing.committed, 0);
	ck_assert_uint_gt(first.seen[VMEM_PLUGGING], 0);
	ck_assert_uint_eq(first.seen[VMEM_PLUGGING],
			  first.seen[VMEM_CANCEL_PLUGGING]);
	ck_assert_uint_eq(last.seen[VMEM_CANCEL_PLUGGING], 0);
	last.refuses = 0;
	test_world_settle(&unit_world, 2);
	ck_assert_uint_eq(pbed_info().plugged, PBED_BLOCK);
	ck_assert_uint_eq(last.seen[VMEM_ONLINE], 1);
	pbed_resize(0);
	ck_assert_uint_gt(last.seen[VMEM_UNPLUGGED_NOW], 0);
	ck_assert_uint_eq(last.seen[VMEM_OFFLINE], 1);
	pager_core_unlisten(pbed_core, &first.listener);
	pager_core_unlisten(pbed_core, &last.listener);
	unit_end();
}
END_TEST

START_TEST(a_listener_that_keeps_a_block_online_holds_up_its_end_only)
{
	struct vetoer v;

	pbed_start(2);
	pbed_resize(2 * PBED_BLOCK);
	listen(&v);
	v.refuses = VMEM_GOING_OFFLINE;
	unit_ok(pager_pool_resize(pbed_pool, 0));
	test_world_settle(&unit_world, 3);
	/* Emptied, all of it, but the blocks are still there. */
	ck_assert_uint_eq(pbed_info().plugged, 0);
	ck_assert_uint_eq(pbed_block(0).state, PAGER_BLOCK_ONLINE);
	ck_assert(pbed_info().working);
	unit_refused(pager_pool_free(pbed_pool), PAGER_EBUSY, PAGER_ARG_NONE);
	v.refuses = 0;
	test_world_settle(&unit_world, 3);
	ck_assert_uint_eq(pbed_block(0).state, PAGER_BLOCK_ABSENT);
	ck_assert(!pbed_info().working);
	pager_core_unlisten(pbed_core, &v.listener);
	unit_end();
}
END_TEST

/* --- growing by itself -----------------------------------------------------
 */

START_TEST(memory_that_is_short_makes_a_pool_grow)
{
	struct pager_pool_config c = pbed_config(8);
	uint64_t from;

	c.grow_max = 4 * PBED_BLOCK;
	pbed_start_with(&c, 0);
	test_world_work(&unit_world);
	from = pbed_next_event();
	pbed_fill(0, PBED_BOOT - 1);
	ck_assert_uint_eq(pbed_info().plugged, 0);
	pbed_fill(PBED_BOOT, 1);
	ck_assert_uint_eq(pbed_info().plugged, PBED_BLOCK);
	ck_assert_str_eq(pbed_events(from), "grow plug add online reached");
	pbed_filled(0, PBED_BOOT - 1);
	/* What one request needs comes in one go. */
	unit_map(unit_space, 4 * PBED_BLOCK, 3 * PBED_BLOCK, UNIT_RW);
	unit_ok(pager_space_populate(
	    unit_space, pager_range(4 * PBED_BLOCK, 6 * PBED_BLOCK + 100),
	    PAGER_ACCESS_WRITE, &(uint64_t){0}));
	ck_assert_uint_eq(pbed_info().plugged, 2 * PBED_BLOCK + PBED_SUB);
	unit_check();
	unit_end();
}
END_TEST

START_TEST(a_pool_grows_to_its_bound_and_no_further)
{
	struct pager_pool_config c = pbed_config(8);
	struct pager_fault_info f;
	uint64_t done;

	c.grow_max = PBED_BLOCK + PBED_SUB;
	pbed_start_with(&c, 0);
	test_world_work(&unit_world);
	unit_map(unit_space, 0, 8 * PBED_BLOCK, UNIT_RW);
	ck_assert_uint_eq(frame_reserve(pbed_core, unit_world.account,
					PBED_BOOT + PBED_BLOCK + PBED_SUB)
			      .err,
			  PAGER_ENOMEM);
	ck_assert_uint_eq(pbed_info().plugged, 0);
	/* More than it may ever have: it does not even begin. */
	unit_refused(pager_space_populate(unit_space,
					  pager_range(0, 4 * PBED_BLOCK),
					  PAGER_ACCESS_WRITE, &done),
		     PAGER_ENOMEM, PAGER_ARG_LEN);
	ck_assert_uint_eq(pbed_info().plugged, 0);
	unit_fill(unit_space, 0, PBED_BOOT - 1 + PBED_BLOCK + PBED_SUB, 0);
	ck_assert_uint_eq(pbed_info().plugged, PBED_BLOCK + PBED_SUB);
	ck_assert_uint_eq(pager_space_fault(unit_space, 4 * PBED_BLOCK,
					    PAGER_ACCESS_WRITE, &f)
			      .err,
			  PAGER_ENOMEM);
	unit_ok(pager_pool_set_grow(pbed_pool, 2 * PBED_BLOCK));
	unit_put(unit_space, 4 * PBED_BLOCK, 1);
	ck_assert_uint_eq(pbed_info().plugged, 2 * PBED_BLOCK);
	unit_end();
}
END_TEST

START_TEST(a_pool_that_shrinks_stops_when_memory_is_short)
{
	struct pager_pool_config c = pbed_config(4);
	uint64_t due;

	c.grow_max = 4 * PBED_BLOCK;
	pbed_start_with(&c, 0);
	pbed_resize(3 * PBED_BLOCK);
	unit_ok(pager_pool_resize(pbed_pool, 0));
	while (pbed_info().plugged > 2 * PBED_BLOCK)
		pager_core_work(pbed_core, 0, &due);
	pbed_fill(0, PBED_BOOT + 2 * PBED_BLOCK);
	ck_assert_uint_ge(pbed_info().requested, pbed_info().plugged);
	ck_assert_uint_ge(pbed_info().plugged, 3 * PBED_BLOCK);
	test_world_settle(&unit_world, 10);
	pbed_filled(0, PBED_BOOT + 2 * PBED_BLOCK);
	unit_end();
}
END_TEST

START_TEST(what_one_pool_may_not_give_the_next_does)
{
	struct pager_pool_config c = pbed_config(2);
	struct pager_pool_info other;
	struct pager_pool *q;

	c.grow_max = PBED_BLOCK;
	pbed_start_with(&c, PBED_AT + 4 * PBED_BLOCK);
	c.addr += 2 * PBED_BLOCK;
	c.grow_max = 2 * PBED_BLOCK;
	strcpy(c.name, "q");
	q = test_world_pool(&unit_world, &c);
	test_world_work(&unit_world);
	ck_assert_uint_eq(pools_growable(pbed_core), 3 * PBED_BLOCK);
	unit_ok(frame_reserve(pbed_core, unit_world.account,
			      unit_stats().frames_free + PBED_BLOCK + 1));
	pager_pool_info(q, 0, &other);
	ck_assert_uint_eq(pbed_info().plugged, PBED_BLOCK);
	ck_assert_uint_eq(other.plugged, PBED_BLOCK);
	ck_assert_uint_eq(pools_growable(pbed_core), PBED_BLOCK);
	unit_end();
}
END_TEST

START_TEST(what_was_wished_beyond_the_bound_comes_at_once_when_it_is_needed)
{
	struct pager_pool_config c = pbed_config(4);

	c.grow_max = PBED_BLOCK;
	pbed_start_with(&c, 0);
	test_world_work(&unit_world);
	unit_ok(pager_pool_resize(pbed_pool, 3 * PBED_BLOCK));
	unit_ok(frame_reserve(pbed_core, unit_world.account,
			      unit_stats().frames_free + 2 * PBED_BLOCK));
	ck_assert_uint_ge(pbed_info().plugged, 2 * PBED_BLOCK);
	ck_assert_uint_eq(pbed_info().requested, 3 * PBED_BLOCK);
	ck_assert_uint_eq(pbed_info().resizes, 1);
	unit_end();
}
END_TEST

START_TEST(without_a_bound_nothing_grows)
{
	pbed_start(4);
	unit_ok(pager_pool_resize(pbed_pool, 3 * PBED_BLOCK));
	ck_assert_uint_eq(pools_growable(pbed_core), 0);
	ck_assert_uint_eq(frame_reserve(pbed_core, unit_world.account,
					unit_stats().frames_free + 1)
			      .err,
			  PAGER_ENOMEM);
	ck_assert_uint_eq(pbed_info().plugged, 0);
	unit_end();
}
END_TEST

START_TEST(a_pool_grows_for_what_is_pinned_by_making_room_elsewhere)
{
	struct pager_pool_config c = pbed_config(4);

	c.grow_max = 4 * PBED_BLOCK;
	pbed_start_with(&c, 0);
	test_world_work(&unit_world);
	pbed_fill(0, PBED_BOOT - 1);
	ck_assert_uint_eq(unit_stats().frames_free, 0);
	unit_map(unit_space, PBED_BOOT, 4, UNIT_RW);
	unit_ok(
	    pager_space_pin(unit_space, pager_range(PBED_BOOT, PBED_BOOT + 4)));
	ck_assert_uint_eq(pbed_info().plugged, PBED_BLOCK);
	for (uint64_t i = PBED_BOOT; i < PBED_BOOT + 4; i++)
		ck_assert_uint_lt(unit_page(unit_space, i).pa,
				  PBED_AT * PAGER_PAGE_SIZE);
	pbed_filled(0, PBED_BOOT - 1);
	unit_check();
	unit_end();
}
END_TEST

START_TEST(nothing_grows_while_a_pool_is_worked_on)
{
	struct pager_pool_config c = pbed_config(4);

	c.grow_max = 4 * PBED_BLOCK;
	pbed_start_with(&c, 0);
	test_world_work(&unit_world);
	pbed_core->pools.working = true;
	ck_assert(!pools_grow(pbed_core, 1));
	pbed_core->pools.working = false;
	ck_assert(pools_grow(pbed_core, 1));
	ck_assert_uint_eq(pbed_info().plugged, PBED_BLOCK);
	unit_end();
}
END_TEST

START_TEST(growth_that_the_backing_refuses_is_out_of_memory)
{
	struct pager_pool_config c = pbed_config(4);
	struct pager_fault_info f;

	c.grow_max = 4 * PBED_BLOCK;
	pbed_start_with(&c, 0);
	test_world_work(&unit_world);
	pbed_fill(0, PBED_BOOT - 1);
	unit_world.backing.commit_error = -ENOSPC;
	unit_map(unit_space, PBED_BOOT, 1, UNIT_RW);
	for (unsigned int i = 0; i < 3; i++)
		ck_assert_uint_eq(pager_space_fault(unit_space, PBED_BOOT,
						    PAGER_ACCESS_WRITE, &f)
				      .err,
				  PAGER_ENOMEM);
	/* One wish, which waits. */
	ck_assert_uint_eq(pbed_info().requested, PBED_BLOCK);
	ck_assert_uint_eq(pbed_info().resizes, 1);
	unit_check();
	unit_world.backing.commit_error = 0;
	test_world_settle(&unit_world, 2);
	unit_put(unit_space, PBED_BOOT, 1);
	unit_end();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	    what_happens_is_told_in_order,
	    the_ring_keeps_the_last_events,
	    a_listener_that_says_no_to_plugging_is_asked_again,
	    a_listener_that_keeps_a_block_online_holds_up_its_end_only,
	    memory_that_is_short_makes_a_pool_grow,
	    a_pool_grows_to_its_bound_and_no_further,
	    a_pool_that_shrinks_stops_when_memory_is_short,
	    what_one_pool_may_not_give_the_next_does,
	    what_was_wished_beyond_the_bound_comes_at_once_when_it_is_needed,
	    without_a_bound_nothing_grows,
	    a_pool_grows_for_what_is_pinned_by_making_room_elsewhere,
	    nothing_grows_while_a_pool_is_worked_on,
	    growth_that_the_backing_refuses_is_out_of_memory,
	};

	return UNIT_RUN("pool_grow", tests);
}
