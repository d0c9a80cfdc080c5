/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory blocks without a device and a driver: what is asked of them by hand
 * and through the table that the driver works with.
 */
#include "lib/core/block.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/core/internal.h"
#include "tests/support/unit.h"

enum { BLOCK = 1024, SUB = 512, BOOT = 2048, AT = BOOT, BLOCKS = 16 };

#define BLOCK_AT(n) (AT + (uint64_t)(n)*BLOCK)

static struct pager_core *core;
static struct blocks blocks;
static struct vmem_mm mm;
static const struct pager_online_policy by_rule;
static const struct pager_online_policy to_movable = {.movable_only = true};
static const struct pager_online_policy by_hand = {.keep_offline = true};

static void start(const struct pager_online_policy *policy)
{
	const struct test_world_config config = {
	    .frames = BOOT,
	    .span = BLOCK_AT(BLOCKS),
	    .memory_block = BLOCK,
	};

	unit_start(&config);
	core = unit_world.core;
	ck_assert_int_eq(blocks_init(&blocks, core, AT,
				     (uint64_t)BLOCKS * BLOCK, BLOCK, policy),
			 0);
	mm = blocks_mm(&blocks);
}

static void end(void)
{
	blocks_fini(&blocks);
	unit_end();
}

static void plug(uint64_t pfn, uint64_t pages)
{
	struct vmem_backing b = test_world_backing(&unit_world);

	ck_assert_int_eq(b.commit(b.ctx, pfn, pages), 0);
	mm.ops->plugged(mm.mm, pfn, pages);
}

static void unplug(uint64_t pfn, uint64_t pages)
{
	struct vmem_backing b = test_world_backing(&unit_world);

	ck_assert_int_eq(b.discard(b.ctx, pfn, pages), 0);
	mm.ops->unplugged(mm.mm, pfn, pages);
}

static void add(unsigned int first, unsigned int n)
{
	plug(BLOCK_AT(first), (uint64_t)n * BLOCK);
	ck_assert_int_eq(
	    mm.ops->add(mm.mm, BLOCK_AT(first), (uint64_t)n * BLOCK), 0);
}

static int offline_and_remove(unsigned int first, unsigned int n)
{
	return mm.ops->offline_and_remove(mm.mm, BLOCK_AT(first),
					  (uint64_t)n * BLOCK);
}

static unsigned int state_of(unsigned int n)
{
	return blocks.block[n].state;
}

static unsigned int zone_of(unsigned int n)
{
	ck_assert_uint_eq(state_of(n), PAGER_BLOCK_ONLINE);
	return blocks.block[n].zone;
}

static unsigned int chunk_of(uint64_t pfn)
{
	return blocks_chunk(&blocks, pfn)->state;
}

/* --- who was told what ---------------------------------------------------- */

static char story[1024];

struct teller {
	struct vmem_listener listener;
	char name;
	enum vmem_event refuses; /* or 0 */
};

static int tell(void *ctx, enum vmem_event event, uint64_t pfn, uint64_t pages)
{
	static const char *const names[] = {
	    [VMEM_GOING_ONLINE] = "on?",
	    [VMEM_CANCEL_ONLINE] = "no on",
	    [VMEM_ONLINE] = "on",
	    [VMEM_GOING_OFFLINE] = "off?",
	    [VMEM_CANCEL_OFFLINE] = "no off",
	    [VMEM_OFFLINE] = "off",
	};
	const struct teller *t = ctx;
	size_t at = strlen(story);

	ck_assert_uint_eq(pages, BLOCK);
	snprintf(story + at, sizeof(story) - at, "%c %s %u;", t->name,
		 names[event], (unsigned int)((pfn - AT) / BLOCK));
	return event == t->refuses ? -EIO : 0;
}

static struct teller tellers[3];

static void listen(void)
{
	story[0] = 0;
	for (unsigned int i = 0; i < 3; i++) {
		tellers[i] = (struct teller){.name = (char)('a' + i)};
		tellers[i].listener.notify = tell;
		tellers[i].listener.ctx = &tellers[i];
		pager_core_listen(core, &tellers[i].listener);
	}
}

static void unlisten(void)
{
	for (unsigned int i = 0; i < 3; i++)
		pager_core_unlisten(core, &tellers[i].listener);
}

static void told(const char *what)
{
	ck_assert_str_eq(story, what);
	story[0] = 0;
}

/* --- coming ----------------------------------------------------------------
 */

START_TEST(a_block_comes_online_at_once_and_its_frames_can_be_had)
{
	uint64_t total;

	start(&to_movable);
	total = unit_stats().frames_total;
	add(0, 1);
	ck_assert_uint_eq(zone_of(0), VMEM_ZONE_MOVABLE);
	ck_assert_uint_eq(unit_stats().frames_total, total + BLOCK);
	unit_map(unit_space, 0, BOOT + BLOCK / 2, UNIT_RW);
	unit_fill(unit_space, 0, BOOT + BLOCK / 2, 1);
	for (uint64_t i = 0; i < BOOT + BLOCK / 2; i++)
		ck_assert_uint_eq(unit_get(unit_space, i), (uint8_t)(1 + i));
	end();
}
END_TEST

START_TEST(a_policy_keeps_blocks_offline)
{
	uint64_t total;

	start(&by_hand);
	total = unit_stats().frames_total;
	add(0, 2);
	ck_assert_uint_eq(state_of(0), PAGER_BLOCK_OFFLINE);
	ck_assert_uint_eq(unit_stats().frames_total, total);
	ck_assert_int_eq(blocks_online(&blocks, BLOCK_AT(1), VMEM_ZONE_KERNEL),
			 0);
	ck_assert_uint_eq(zone_of(1), VMEM_ZONE_KERNEL);
	ck_assert_uint_eq(state_of(0), PAGER_BLOCK_OFFLINE);
	ck_assert_uint_eq(unit_stats().frames_total, total + BLOCK);
	end();
}
END_TEST

START_TEST(what_is_not_plugged_of_an_online_block_is_never_given)
{
	uint64_t total, last = BOOT + SUB - 2;
	struct pager_fault_info info;

	start(&to_movable);
	total = unit_stats().frames_total;
	plug(AT + SUB, SUB);
	ck_assert_int_eq(mm.ops->add(mm.mm, AT, BLOCK), 0);
	ck_assert_uint_eq(unit_stats().frames_total, total + SUB);
	ck_assert_uint_eq(chunk_of(AT), CHUNK_ABSENT);
	unit_map(unit_space, 0, BOOT + BLOCK, UNIT_RW);
	unit_fill(unit_space, 0, last + 1, 1);
	ck_assert_uint_eq(
	    pager_space_fault(unit_space, last + 1, PAGER_ACCESS_WRITE, &info)
		.err,
	    PAGER_ENOMEM);
	end();
}
END_TEST

START_TEST(what_is_plugged_later_comes_into_use_in_the_zone_of_its_block)
{
	start(&to_movable);
	plug(AT, SUB);
	ck_assert_int_eq(mm.ops->add(mm.mm, AT, BLOCK), 0);
	plug(AT + SUB, SUB);
	ck_assert_uint_eq(chunk_of(AT + SUB), CHUNK_OFFLINE);
	mm.ops->fake_online(mm.mm, AT + SUB, SUB);
	ck_assert_uint_eq(chunk_of(AT + SUB), CHUNK_ONLINE);
	ck_assert_uint_eq(blocks_chunk(&blocks, AT + SUB)->zone,
			  VMEM_ZONE_MOVABLE);
	end();
}
END_TEST

START_TEST(what_is_plugged_of_an_offline_block_waits_for_it)
{
	start(&by_hand);
	plug(AT, SUB);
	ck_assert_int_eq(mm.ops->add(mm.mm, AT, BLOCK), 0);
	plug(AT + SUB, SUB);
	mm.ops->fake_online(mm.mm, AT + SUB, SUB);
	ck_assert_uint_eq(chunk_of(AT + SUB), CHUNK_OFFLINE);
	ck_assert_int_eq(blocks_online(&blocks, AT, VMEM_ZONE_MOVABLE), 0);
	ck_assert_uint_eq(chunk_of(AT + SUB), CHUNK_ONLINE);
	end();
}
END_TEST

START_TEST(a_run_is_added_whole_or_not_at_all)
{
	start(&to_movable);
	add(1, 1);
	plug(BLOCK_AT(0), BLOCK);
	plug(BLOCK_AT(2), BLOCK);
	ck_assert_int_eq(mm.ops->add(mm.mm, AT, 3 * BLOCK), -EEXIST);
	ck_assert_uint_eq(state_of(0), PAGER_BLOCK_ABSENT);
	ck_assert_uint_eq(state_of(2), PAGER_BLOCK_ABSENT);
	ck_assert_int_eq(mm.ops->add(mm.mm, AT + SUB, BLOCK), -EINVAL);
	ck_assert_int_eq(mm.ops->add(mm.mm, AT, 0), -EINVAL);
	ck_assert_int_eq(mm.ops->add(mm.mm, AT, SUB), -EINVAL);
	ck_assert_int_eq(mm.ops->add(mm.mm, BLOCK_AT(BLOCKS - 1), 2 * BLOCK),
			 -EINVAL);
	end();
}
END_TEST

/* --- going ------------------------------------------------------------------
 */

START_TEST(a_block_goes_offline_and_comes_back_elsewhere)
{
	uint64_t total;

	start(&to_movable);
	total = unit_stats().frames_total;
	add(0, 1);
	ck_assert_int_eq(blocks_offline(&blocks, AT), 0);
	ck_assert_uint_eq(state_of(0), PAGER_BLOCK_OFFLINE);
	ck_assert_uint_eq(chunk_of(AT), CHUNK_OFFLINE);
	ck_assert_uint_eq(unit_stats().frames_total, total);
	ck_assert_uint_eq(blocks.present[VMEM_ZONE_MOVABLE], 0);
	ck_assert_int_eq(blocks_online(&blocks, AT, VMEM_ZONE_KERNEL), 0);
	ck_assert_uint_eq(blocks.present[VMEM_ZONE_KERNEL], BLOCK);
	end();
}
END_TEST

START_TEST(by_hand_a_block_must_be_there_and_not_yet_so)
{
	start(&to_movable);
	add(0, 1);
	ck_assert_int_eq(blocks_online(&blocks, AT, VMEM_ZONE_MOVABLE),
			 -EALREADY);
	ck_assert_int_eq(blocks_offline(&blocks, AT), 0);
	ck_assert_int_eq(blocks_offline(&blocks, AT), -EALREADY);
	ck_assert_int_eq(blocks_online(&blocks, BLOCK_AT(1), VMEM_ZONE_MOVABLE),
			 -ENOENT);
	ck_assert_int_eq(blocks_offline(&blocks, BLOCK_AT(1)), -ENOENT);
	ck_assert_int_eq(blocks_offline(&blocks, AT + SUB), -EINVAL);
	ck_assert_int_eq(blocks_offline(&blocks, AT - BLOCK), -EINVAL);
	ck_assert_int_eq(blocks_offline(&blocks, BLOCK_AT(BLOCKS)), -EINVAL);
	ck_assert_int_eq(blocks_offline(&blocks, UINT64_MAX), -EINVAL);
	end();
}
END_TEST

START_TEST(only_what_is_offline_is_removed)
{
	start(&to_movable);
	add(0, 2);
	ck_assert_int_eq(mm.ops->remove(mm.mm, AT, BLOCK), -EBUSY);
	ck_assert_int_eq(blocks_offline(&blocks, AT), 0);
	ck_assert_int_eq(mm.ops->remove(mm.mm, AT, 2 * BLOCK), -EBUSY);
	ck_assert_uint_eq(state_of(0), PAGER_BLOCK_OFFLINE);
	ck_assert_int_eq(mm.ops->remove(mm.mm, AT, BLOCK), 0);
	ck_assert_uint_eq(state_of(0), PAGER_BLOCK_ABSENT);
	ck_assert_int_eq(mm.ops->remove(mm.mm, AT, BLOCK), -ENOENT);
	end();
}
END_TEST

START_TEST(a_run_of_which_some_is_offline_goes_in_one)
{
	start(&to_movable);
	add(0, 3);
	ck_assert_int_eq(blocks_offline(&blocks, BLOCK_AT(1)), 0);
	ck_assert_int_eq(offline_and_remove(0, 3), 0);
	for (unsigned int i = 0; i < 3; i++)
		ck_assert_uint_eq(state_of(i), PAGER_BLOCK_ABSENT);
	ck_assert_uint_eq(chunk_of(AT), CHUNK_OFFLINE);
	unplug(AT, 3 * BLOCK);
	ck_assert_uint_eq(chunk_of(AT), CHUNK_ABSENT);
	ck_assert_int_eq(offline_and_remove(0, 1), -ENOENT);
	end();
}
END_TEST

/* --- emptying ---------------------------------------------------------------
 */

START_TEST(what_is_in_a_block_moves_and_keeps_its_contents)
{
	start(&to_movable);
	add(0, 1);
	unit_map(unit_space, 0, 100, UNIT_RW);
	unit_fill(unit_space, 0, 100, 1);
	ck_assert_uint_ge(unit_page(unit_space, 0).pa,
			  (uint64_t)AT * PAGER_PAGE_SIZE);
	ck_assert_int_eq(offline_and_remove(0, 1), 0);
	ck_assert_uint_eq(blocks.moved, 100);
	unplug(AT, BLOCK);
	for (unsigned int i = 0; i < 100; i++) {
		ck_assert_uint_lt(unit_page(unit_space, i).pa,
				  (uint64_t)AT * PAGER_PAGE_SIZE);
		ck_assert_uint_eq(unit_get(unit_space, i), 1 + i);
	}
	end();
}
END_TEST

START_TEST(a_part_is_taken_out_of_use_and_brought_back)
{
	uint64_t moved = 1000, unmovable = 7;

	start(&to_movable);
	add(0, 1);
	unit_map(unit_space, 0, 100, UNIT_RW);
	unit_fill(unit_space, 0, 100, 1);
	ck_assert_uint_eq(mm.ops->in_use(mm.mm, AT, BLOCK, &unmovable), 100);
	ck_assert_uint_eq(unmovable, 0);
	ck_assert_int_eq(mm.ops->fake_offline(mm.mm, AT, SUB, &moved), 0);
	ck_assert_uint_eq(moved, 1100);
	ck_assert_uint_eq(chunk_of(AT), CHUNK_OFFLINE);
	ck_assert_uint_eq(chunk_of(AT + SUB), CHUNK_ONLINE);
	ck_assert_uint_eq(mm.ops->in_use(mm.mm, AT, SUB, &unmovable), 0);
	ck_assert_uint_eq(mm.ops->in_use(mm.mm, AT + SUB, SUB, &unmovable),
			  100);
	ck_assert_uint_eq(state_of(0), PAGER_BLOCK_ONLINE);
	mm.ops->fake_online(mm.mm, AT, SUB);
	ck_assert_uint_eq(chunk_of(AT), CHUNK_ONLINE);
	for (unsigned int i = 0; i < 100; i++)
		ck_assert_uint_eq(unit_get(unit_space, i), 1 + i);
	end();
}
END_TEST

START_TEST(nowhere_to_move_to_leaves_all_in_use)
{
	uint64_t moved = 0, pages;

	start(&to_movable);
	add(0, 2);
	pages = unit_stats().frames_free - 10;
	unit_map(unit_space, 0, pages, UNIT_RW);
	unit_fill(unit_space, 0, pages, 1);
	ck_assert_int_eq(mm.ops->fake_offline(mm.mm, AT, SUB, &moved), -ENOMEM);
	ck_assert_uint_eq(chunk_of(AT), CHUNK_ONLINE);
	ck_assert_int_eq(offline_and_remove(0, 2), -ENOMEM);
	for (uint64_t at = AT; at < BLOCK_AT(2); at += SUB)
		ck_assert_uint_eq(chunk_of(at), CHUNK_ONLINE);
	ck_assert_uint_eq(unit_stats().frames_free, 10);
	for (uint64_t i = 0; i < pages; i++)
		ck_assert_uint_eq(unit_get(unit_space, i), (uint8_t)(1 + i));
	end();
}
END_TEST

START_TEST(a_run_with_something_pinned_stays_whole)
{
	const uint64_t at = 8 * BLOCK, pages = 600;
	uint64_t unmovable, there = 0;

	start(&by_hand);
	add(0, 2);
	ck_assert_int_eq(blocks_online(&blocks, AT, VMEM_ZONE_MOVABLE), 0);
	ck_assert_int_eq(blocks_online(&blocks, BLOCK_AT(1), VMEM_ZONE_KERNEL),
			 0);
	listen();
	/* Boot memory is full, so that some of what is pinned lies in the
	 * block. */
	unit_map(unit_space, 0, 3 * BLOCK, UNIT_RW);
	unit_fill(unit_space, 0, 3 * BLOCK, 1);
	unit_map(unit_space, at, pages, UNIT_RW);
	unit_ok(pager_space_pin(unit_space, pager_range(at, at + pages)));
	unit_unmap(unit_space, 0, 3 * BLOCK);
	for (uint64_t i = at; i < at + pages; i++)
		there += unit_page(unit_space, i).pa >=
			 BLOCK_AT(1) * PAGER_PAGE_SIZE;
	ck_assert_uint_gt(there, 0);
	mm.ops->in_use(mm.mm, BLOCK_AT(1), BLOCK, &unmovable);
	ck_assert_uint_eq(unmovable, there);
	ck_assert_int_eq(offline_and_remove(0, 2), -EBUSY);
	told("a off? 0;b off? 0;c off? 0;a off? 1;b off? 1;c off? 1;"
	     "c no off 1;b no off 1;a no off 1;"
	     "c no off 0;b no off 0;a no off 0;");
	ck_assert_uint_eq(state_of(0), PAGER_BLOCK_ONLINE);
	ck_assert_uint_eq(state_of(1), PAGER_BLOCK_ONLINE);
	ck_assert_uint_eq(blocks.moved, 0);
	unlisten();
	end();
}
END_TEST

/* --- notifiers --------------------------------------------------------------
 */

START_TEST(listeners_are_asked_and_told_in_order)
{
	start(&by_hand);
	add(0, 1);
	listen();
	ck_assert_int_eq(blocks_online(&blocks, AT, VMEM_ZONE_MOVABLE), 0);
	told("a on? 0;b on? 0;c on? 0;a on 0;b on 0;c on 0;");
	ck_assert_int_eq(blocks_offline(&blocks, AT), 0);
	told("a off? 0;b off? 0;c off? 0;a off 0;b off 0;c off 0;");
	unlisten();
	end();
}
END_TEST

START_TEST(a_veto_cancels_those_that_had_agreed_in_reverse)
{
	start(&by_hand);
	add(0, 1);
	listen();
	tellers[2].refuses = VMEM_GOING_ONLINE;
	ck_assert_int_eq(blocks_online(&blocks, AT, VMEM_ZONE_MOVABLE), -EBUSY);
	told("a on? 0;b on? 0;c on? 0;b no on 0;a no on 0;");
	ck_assert_uint_eq(state_of(0), PAGER_BLOCK_OFFLINE);
	tellers[2].refuses = 0;
	ck_assert_int_eq(blocks_online(&blocks, AT, VMEM_ZONE_MOVABLE), 0);
	story[0] = 0;
	tellers[1].refuses = VMEM_GOING_OFFLINE;
	ck_assert_int_eq(blocks_offline(&blocks, AT), -EBUSY);
	told("a off? 0;b off? 0;a no off 0;");
	ck_assert_uint_eq(state_of(0), PAGER_BLOCK_ONLINE);
	unlisten();
	end();
}
END_TEST

START_TEST(a_veto_in_a_run_brings_back_those_before)
{
	start(&to_movable);
	add(0, 3);
	listen();
	ck_assert_int_eq(blocks_offline(&blocks, BLOCK_AT(1)), 0);
	story[0] = 0;
	tellers[0].refuses = VMEM_GOING_OFFLINE;
	ck_assert_int_eq(offline_and_remove(1, 2), -EBUSY);
	told("a off? 2;");
	tellers[0].refuses = 0;
	tellers[1].refuses = VMEM_GOING_OFFLINE;
	ck_assert_int_eq(offline_and_remove(0, 3), -EBUSY);
	told("a off? 0;b off? 0;a no off 0;");
	ck_assert_uint_eq(state_of(0), PAGER_BLOCK_ONLINE);
	ck_assert_uint_eq(state_of(1), PAGER_BLOCK_OFFLINE);
	ck_assert_uint_eq(state_of(2), PAGER_BLOCK_ONLINE);
	unlisten();
	end();
}
END_TEST

START_TEST(a_block_that_may_not_come_online_is_added_all_the_same)
{
	start(&to_movable);
	listen();
	tellers[0].refuses = VMEM_GOING_ONLINE;
	add(0, 2);
	ck_assert_uint_eq(state_of(0), PAGER_BLOCK_OFFLINE);
	ck_assert_uint_eq(state_of(1), PAGER_BLOCK_OFFLINE);
	unlisten();
	end();
}
END_TEST

/* --- zones ------------------------------------------------------------------
 */

START_TEST(movable_memory_stays_in_proportion_to_boot_memory)
{
	unsigned int i;

	/* Two blocks of boot memory carry 6.02 blocks of movable memory. */
	start(&by_rule);
	add(0, 16);
	for (i = 0; i < 6; i++)
		ck_assert_uint_eq(zone_of(i), VMEM_ZONE_MOVABLE);
	/* One of kernel memory, of the same pool, carries three more. */
	ck_assert_uint_eq(zone_of(6), VMEM_ZONE_KERNEL);
	for (i = 7; i < 10; i++)
		ck_assert_uint_eq(zone_of(i), VMEM_ZONE_MOVABLE);
	ck_assert_uint_eq(zone_of(10), VMEM_ZONE_KERNEL);
	ck_assert_uint_eq(zone_of(14), VMEM_ZONE_KERNEL);
	end();
}
END_TEST

START_TEST(the_proportion_can_be_set)
{
	const struct pager_online_policy half = {.movable_percent = 50};

	start(&half);
	add(0, 5);
	ck_assert_uint_eq(zone_of(0), VMEM_ZONE_MOVABLE);
	ck_assert_uint_eq(zone_of(1), VMEM_ZONE_KERNEL);
	ck_assert_uint_eq(zone_of(2), VMEM_ZONE_KERNEL);
	ck_assert_uint_eq(zone_of(3), VMEM_ZONE_MOVABLE);
	ck_assert_uint_eq(zone_of(4), VMEM_ZONE_KERNEL);
	end();
}
END_TEST

START_TEST(a_unit_goes_to_one_zone)
{
	start(&by_rule);
	blocks.unit = (uint64_t)4 * BLOCK;
	/* From pfn 2,048: half a unit, then whole ones. */
	add(0, 10);
	ck_assert_uint_eq(zone_of(0), VMEM_ZONE_MOVABLE);
	ck_assert_uint_eq(zone_of(1), VMEM_ZONE_MOVABLE);
	for (unsigned int i = 2; i < 6; i++)
		ck_assert_uint_eq(zone_of(i), VMEM_ZONE_MOVABLE);
	for (unsigned int i = 6; i < 10; i++)
		ck_assert_uint_eq(zone_of(i), VMEM_ZONE_KERNEL);
	end();
}
END_TEST

START_TEST(other_pools_lean_on_the_same_boot_memory)
{
	struct blocks other;

	start(&by_rule);
	blocks_fini(&blocks);
	ck_assert_int_eq(
	    blocks_init(&blocks, core, AT, 8 * BLOCK, BLOCK, &by_rule), 0);
	ck_assert_int_eq(
	    blocks_init(&other, core, BLOCK_AT(8), 8 * BLOCK, BLOCK, &by_rule),
	    0);
	add(0, 4);
	mm = blocks_mm(&other);
	add(8, 4);
	/* 4 blocks lean on 1.33; 0.67 are left, and carry 2. */
	ck_assert_uint_eq(other.block[0].zone, VMEM_ZONE_MOVABLE);
	ck_assert_uint_eq(other.block[1].zone, VMEM_ZONE_MOVABLE);
	ck_assert_uint_eq(other.block[2].zone, VMEM_ZONE_KERNEL);
	ck_assert_uint_eq(other.block[3].zone, VMEM_ZONE_MOVABLE);
	/* The other's kernel memory carries its own part, not the first's:
	 * 3 lean on 1 of its own, so that 2 are left for 6. */
	mm = blocks_mm(&blocks);
	add(4, 3);
	ck_assert_uint_eq(zone_of(4), VMEM_ZONE_MOVABLE);
	ck_assert_uint_eq(zone_of(5), VMEM_ZONE_MOVABLE);
	ck_assert_uint_eq(zone_of(6), VMEM_ZONE_KERNEL);
	blocks_fini(&other);
	end();
}
END_TEST

START_TEST(boot_memory_that_is_used_up_carries_nobody)
{
	struct blocks other;

	start(&by_rule);
	blocks_fini(&blocks);
	ck_assert_int_eq(
	    blocks_init(&blocks, core, AT, 8 * BLOCK, BLOCK, &to_movable), 0);
	ck_assert_int_eq(
	    blocks_init(&other, core, BLOCK_AT(8), 8 * BLOCK, BLOCK, &by_rule),
	    0);
	add(0, 8);
	mm = blocks_mm(&other);
	add(8, 3);
	/* Not even what its own kernel memory would carry. */
	for (unsigned int i = 0; i < 3; i++)
		ck_assert_uint_eq(other.block[i].zone, VMEM_ZONE_KERNEL);
	blocks_fini(&other);
	end();
}
END_TEST

START_TEST(the_list_of_blocks_outlives_any_of_them)
{
	struct blocks more[3];

	start(&by_rule);
	for (unsigned int i = 0; i < 3; i++)
		ck_assert_int_eq(
		    blocks_init(&more[i], core, AT, BLOCK, BLOCK, &by_rule), 0);
	blocks_fini(&more[1]);
	blocks_fini(&more[2]);
	blocks_fini(&more[0]);
	ck_assert_ptr_eq(core->pools.blocks, &blocks);
	end();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	    a_block_comes_online_at_once_and_its_frames_can_be_had,
	    a_policy_keeps_blocks_offline,
	    what_is_not_plugged_of_an_online_block_is_never_given,
	    what_is_plugged_later_comes_into_use_in_the_zone_of_its_block,
	    what_is_plugged_of_an_offline_block_waits_for_it,
	    a_run_is_added_whole_or_not_at_all,
	    a_block_goes_offline_and_comes_back_elsewhere,
	    by_hand_a_block_must_be_there_and_not_yet_so,
	    only_what_is_offline_is_removed,
	    a_run_of_which_some_is_offline_goes_in_one,
	    what_is_in_a_block_moves_and_keeps_its_contents,
	    a_part_is_taken_out_of_use_and_brought_back,
	    nowhere_to_move_to_leaves_all_in_use,
	    a_run_with_something_pinned_stays_whole,
	    listeners_are_asked_and_told_in_order,
	    a_veto_cancels_those_that_had_agreed_in_reverse,
	    a_veto_in_a_run_brings_back_those_before,
	    a_block_that_may_not_come_online_is_added_all_the_same,
	    movable_memory_stays_in_proportion_to_boot_memory,
	    the_proportion_can_be_set,
	    a_unit_goes_to_one_zone,
	    other_pools_lean_on_the_same_boot_memory,
	    boot_memory_that_is_used_up_carries_nobody,
	    the_list_of_blocks_outlives_any_of_them,
	};

	return UNIT_RUN("block", tests);
}
