/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests to the device side of virtio-mem, against a scripted driver,
 * backing and listeners: the order of checks, and what happens in which order.
 */
#include <errno.h>

#include "lib/base/failpoint.h"
#include "tests/support/device_bed.h"
#include "tests/support/unit.h"

/* --- the order of checks ----------------------------------------------------
 */

START_TEST(a_range_that_is_not_of_usable_blocks_is_an_error)
{
	static const uint64_t huge = UINT64_MAX;
	const uint64_t top = UINT64_C(1) << 63;
	struct {
		uint64_t pfn, blocks;
	} wrong[] = {
	    {DBED_ADDR + 1, 1},
	    {DBED_ADDR + DBED_BLOCK / 2, 1},
	    {DBED_ADDR, 0},
	    {DBED_ADDR - DBED_BLOCK, 1},
	    {DBED_ADDR - DBED_BLOCK, 2},
	    {0, 1},
	    {DBED_ADDR + (4 + DBED_EXTENT) * DBED_BLOCK,
	     1}, /* the first that is not usable */
	    {DBED_ADDR + (5 + DBED_EXTENT) * DBED_BLOCK, 1},
	    {DBED_ADDR + (3 + DBED_EXTENT) * DBED_BLOCK, 2},
	    {DBED_ADDR, 5 + DBED_EXTENT},
	    {DBED_ADDR + DBED_BLOCKS * DBED_BLOCK, 1},
	    {DBED_ADDR, huge},
	    {DBED_ADDR, huge / DBED_BLOCK}, /* bytes and pages that wrap */
	    {DBED_ADDR, huge / DBED_BLOCK + 1},
	    {DBED_ADDR, huge / DBED_BLOCK + 2},
	    {DBED_ADDR, (UINT64_C(1) << 52) / DBED_BLOCK},
	    {DBED_ADDR + DBED_BLOCK, top},
	    {huge - DBED_BLOCK + 1, 1}, /* the last block there is */
	    {huge - DBED_BLOCK + 1, 2}, /* over the end */
	    {huge, 1},
	};

	dbed_start(4, 1);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		for (int type = 0; type < 4; type++)
			if (type != VMEM_UNPLUG_ALL)
				ck_assert_msg(
				    dbed_raw((enum vmem_request_type)type,
					     wrong[i].pfn,
					     wrong[i].blocks) == VMEM_ERROR,
				    "range %zu, type %d", i, type);
	ck_assert_uint_eq(dbed_plugged(), 0);
	dbed_told("");
	dbed_end();
}
END_TEST

START_TEST(an_unknown_request_is_an_error)
{
	dbed_start(4, 1);
	ck_assert_int_eq(dbed_raw((enum vmem_request_type)17, DBED_ADDR, 1),
			 VMEM_ERROR);
	dbed_told("");
	dbed_end();
}
END_TEST

START_TEST(plugging_more_than_requested_is_not_acknowledged)
{
	dbed_start(4, 1);
	ck_assert_int_eq(dbed_plug(0, 5), VMEM_NACK);
	ck_assert_int_eq(dbed_plug(0, 3), VMEM_ACK);
	ck_assert_int_eq(dbed_plug(10, 2), VMEM_NACK);
	ck_assert_int_eq(dbed_plug(10, 1), VMEM_ACK);
	ck_assert_int_eq(dbed_plug(11, 1), VMEM_NACK);
	ck_assert_uint_eq(dbed_plugged(), 4);
	dbed_end();
}
END_TEST

START_TEST(after_a_smaller_wish_nothing_can_be_plugged)
{
	dbed_start(4, 0);
	ck_assert_int_eq(dbed_plug(0, 4), VMEM_ACK);
	dbed_resize(2);
	ck_assert_int_eq(dbed_plug(8, 1), VMEM_NACK);
	ck_assert_int_eq(dbed_unplug(0, 2), VMEM_ACK);
	ck_assert_int_eq(dbed_plug(8, 1), VMEM_NACK);
	ck_assert_int_eq(dbed_unplug(2, 1), VMEM_ACK);
	ck_assert_int_eq(dbed_plug(8, 1), VMEM_ACK);
	dbed_end();
}
END_TEST

START_TEST(a_wrong_range_is_an_error_before_it_is_too_much)
{
	dbed_start(4, 0);
	ck_assert_int_eq(dbed_plug(0, 4), VMEM_ACK);
	ck_assert_int_eq(dbed_plug(4, 1), VMEM_NACK);
	ck_assert_int_eq(dbed_plug(4 + DBED_EXTENT, 1), VMEM_ERROR);
	ck_assert_int_eq(dbed_plug(4, 1000000), VMEM_ERROR);
	dbed_end();
}
END_TEST

START_TEST(too_much_comes_before_blocks_that_are_plugged_already)
{
	dbed_start(4, 0);
	ck_assert_int_eq(dbed_plug(0, 4), VMEM_ACK);
	ck_assert_int_eq(dbed_plug(0, 1), VMEM_NACK);
	dbed_resize(5);
	ck_assert_int_eq(dbed_plug(0, 1), VMEM_ERROR);
	ck_assert_int_eq(dbed_plug(0, 2), VMEM_NACK);
	dbed_end();
}
END_TEST

START_TEST(plugging_what_is_plugged_in_part_is_an_error_and_changes_nothing)
{
	dbed_start(200, 1);
	ck_assert_int_eq(dbed_plug(70, 1), VMEM_ACK);
	dbed_told("commit 70+1; a:plugging 70+1; ");
	ck_assert_int_eq(dbed_plug(70, 1), VMEM_ERROR);
	ck_assert_int_eq(dbed_plug(0, 71), VMEM_ERROR);
	ck_assert_int_eq(dbed_plug(70, 100), VMEM_ERROR);
	ck_assert_int_eq(dbed_plug(0, 199), VMEM_ERROR);
	dbed_told("");
	ck_assert_uint_eq(dbed_plugged(), 1);
	ck_assert_int_eq(dbed_state(0, 70), VMEM_UNPLUGGED);
	ck_assert_int_eq(dbed_state(71, 100), VMEM_UNPLUGGED);
	dbed_end();
}
END_TEST

START_TEST(unplugging_what_is_not_all_plugged_is_an_error_and_changes_nothing)
{
	dbed_start(200, 1);
	ck_assert_int_eq(dbed_plug(0, 70), VMEM_ACK);
	ck_assert_int_eq(dbed_plug(71, 60), VMEM_ACK);
	dbed_story[0] = '\0';
	ck_assert_int_eq(dbed_unplug(70, 1), VMEM_ERROR);
	ck_assert_int_eq(dbed_unplug(0, 71), VMEM_ERROR);
	ck_assert_int_eq(dbed_unplug(0, 131), VMEM_ERROR);
	ck_assert_int_eq(dbed_unplug(130, 2), VMEM_ERROR);
	dbed_told("");
	ck_assert_uint_eq(dbed_plugged(), 130);
	dbed_end();
}
END_TEST

START_TEST(unplugging_does_not_ask_what_is_requested)
{
	dbed_start(4, 0);
	ck_assert_int_eq(dbed_plug(0, 4), VMEM_ACK);
	dbed_resize(0);
	ck_assert_int_eq(dbed_unplug(3, 1), VMEM_ACK);
	dbed_resize(4);
	ck_assert_int_eq(dbed_unplug(2, 1), VMEM_ACK);
	ck_assert_uint_eq(dbed_plugged(), 2);
	dbed_end();
}
END_TEST

/* --- plug -------------------------------------------------------------------
 */

START_TEST(plug_commits_then_asks_in_order_then_sets_the_bits)
{
	dbed_start(8, 3);
	ck_assert_int_eq(dbed_plug(2, 3), VMEM_ACK);
	dbed_told(
	    "commit 2+3; a:plugging 2+3; b:plugging 2+3; c:plugging 2+3; ");
	ck_assert_int_eq(dbed_state(2, 3), VMEM_PLUGGED);
	ck_assert_uint_eq(dbed_plugged(), 3);
	dbed_end();
}
END_TEST

START_TEST(plug_without_memory_is_busy_and_nobody_hears_of_it)
{
	dbed_start(8, 2);
	dbed_commit_error = -ENOSPC;
	ck_assert_int_eq(dbed_plug(0, 8), VMEM_BUSY);
	dbed_told("commit 0+8; ");
	ck_assert_uint_eq(dbed_plugged(), 0);
	ck_assert_int_eq(dbed_state(0, 8), VMEM_UNPLUGGED);
	dbed_commit_error = 0;
	ck_assert_int_eq(dbed_plug(0, 8), VMEM_ACK);
	dbed_end();
}
END_TEST

START_TEST(a_veto_cancels_those_who_agreed_in_reverse_and_discards)
{
	static const char *const stories[3] = {
	    "commit 0+2; a:plugging 0+2; discard 0+2; ",
	    "commit 0+2; a:plugging 0+2; b:plugging 0+2; a:cancel 0+2; "
	    "discard 0+2; ",
	    "commit 0+2; a:plugging 0+2; b:plugging 0+2; c:plugging 0+2; "
	    "b:cancel 0+2; a:cancel 0+2; discard 0+2; ",
	};

	dbed_start(8, 3);
	for (int i = 0; i < 3; i++) {
		dbed_listener[i].answer = -EPERM;
		ck_assert_int_eq(dbed_plug(0, 2), VMEM_BUSY);
		dbed_told(stories[i]);
		ck_assert_uint_eq(dbed_plugged(), 0);
		ck_assert_int_eq(dbed_state(0, 2), VMEM_UNPLUGGED);
		dbed_listener[i].answer = 0;
	}
	ck_assert_int_eq(dbed_plug(0, 2), VMEM_ACK);
	dbed_end();
}
END_TEST

START_TEST(a_veto_of_any_number_counts)
{
	dbed_start(8, 1);
	dbed_listener[0].answer = 1;
	ck_assert_int_eq(dbed_plug(0, 2), VMEM_BUSY);
	dbed_end();
}
END_TEST

START_TEST(memory_that_a_roll_back_could_not_give_back_goes_with_unplug_all)
{
	dbed_start(8, 1);
	dbed_listener[0].answer = -EPERM;
	dbed_discard_error = -EIO;
	ck_assert_int_eq(dbed_plug(4, 2), VMEM_BUSY);
	dbed_told("commit 4+2; a:plugging 4+2; discard 4+2; ");
	ck_assert_uint_eq(dbed_plugged(), 0);
	ck_assert_int_eq(dbed_unplug_all(), VMEM_BUSY);
	dbed_told("discard 0+1024; ");
	dbed_discard_error = 0;
	ck_assert_int_eq(dbed_unplug_all(), VMEM_ACK);
	dbed_told("discard 0+1024; ");
	ck_assert_int_eq(dbed_unplug_all(), VMEM_ACK);
	dbed_told("");
	dbed_end();
}
END_TEST

static void plug_and_unplug(void)
{
	static const enum vmem_request_type types[] = {VMEM_PLUG, VMEM_UNPLUG,
						       VMEM_UNPLUG_ALL};
	const struct vmem_request look = {VMEM_STATE, DBED_ADDR, 1};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		const struct vmem_request r = {types[i], DBED_ADDR, 1};

		ck_assert_int_eq(
		    dbed_link.ops->request(dbed_link.device, &r).response,
		    VMEM_BUSY);
	}
	ck_assert_int_eq(
	    dbed_link.ops->request(dbed_link.device, &look).response, VMEM_ACK);
	ck_assert_int_eq(vmem_device_reset(dbed_device), -EBUSY);
	dbed_resize(9);
}

START_TEST(a_request_from_inside_of_a_listener_is_busy)
{
	dbed_start(8, 2);
	dbed_listener[0].inside = plug_and_unplug;
	ck_assert_int_eq(dbed_plug(4, 2), VMEM_ACK);
	ck_assert_int_eq(dbed_unplug(4, 1), VMEM_ACK);
	ck_assert_int_eq(dbed_unplug_all(), VMEM_ACK);
	dbed_listener[1].answer = -EPERM;
	ck_assert_int_eq(dbed_plug(4, 2), VMEM_BUSY);
	ck_assert_uint_eq(dbed_now().requested, 9 * DBED_BLOCK);
	dbed_end();
}
END_TEST

/* --- unplug ------------------------------------------------------------------
 */

START_TEST(unplug_discards_then_tells_in_order_then_clears_the_bits)
{
	dbed_start(8, 2);
	ck_assert_int_eq(dbed_plug(0, 8), VMEM_ACK);
	dbed_story[0] = '\0';
	ck_assert_int_eq(dbed_unplug(3, 2), VMEM_ACK);
	dbed_told("discard 3+2; a:unplugged 3+2; b:unplugged 3+2; ");
	ck_assert_uint_eq(dbed_plugged(), 6);
	ck_assert_int_eq(dbed_state(3, 2), VMEM_UNPLUGGED);
	ck_assert_int_eq(dbed_state(0, 3), VMEM_PLUGGED);
	ck_assert_int_eq(dbed_state(5, 3), VMEM_PLUGGED);
	dbed_end();
}
END_TEST

START_TEST(unplug_that_cannot_discard_is_busy_and_changes_nothing)
{
	dbed_start(8, 2);
	ck_assert_int_eq(dbed_plug(0, 8), VMEM_ACK);
	dbed_story[0] = '\0';
	dbed_discard_error = -ENOMEM;
	ck_assert_int_eq(dbed_unplug(0, 8), VMEM_BUSY);
	dbed_told("discard 0+8; ");
	ck_assert_uint_eq(dbed_plugged(), 8);
	ck_assert_int_eq(dbed_state(0, 8), VMEM_PLUGGED);
	dbed_end();
}
END_TEST

START_TEST(unplug_all_discards_the_region_at_once_and_tells_of_each_run)
{
	dbed_start(200, 2);
	dbed_plug(0, 3);
	dbed_plug(60, 10);
	dbed_plug(199, 1);
	dbed_story[0] = '\0';
	ck_assert_int_eq(dbed_unplug_all(), VMEM_ACK);
	dbed_told("discard 0+1024; a:unplugged 0+3; b:unplugged 0+3; "
		  "a:unplugged 60+10; b:unplugged 60+10; "
		  "a:unplugged 199+1; b:unplugged 199+1; ");
	ck_assert_uint_eq(dbed_plugged(), 0);
	ck_assert_int_eq(dbed_state(0, 200), VMEM_UNPLUGGED);
	dbed_end();
}
END_TEST

START_TEST(unplug_all_that_cannot_discard_is_busy_and_changes_nothing)
{
	dbed_start(100, 1);
	dbed_plug(0, 30);
	dbed_resize(10);
	dbed_story[0] = '\0';
	dbed_discard_error = -EIO;
	ck_assert_int_eq(dbed_unplug_all(), VMEM_BUSY);
	dbed_told("discard 0+1024; ");
	ck_assert_uint_eq(dbed_plugged(), 30);
	ck_assert_uint_eq(dbed_usable(), 100 + DBED_EXTENT);
	ck_assert_int_eq(dbed_state(0, 30), VMEM_PLUGGED);
	dbed_end();
}
END_TEST

START_TEST(unplug_all_of_nothing_is_acknowledged_and_discards_nothing)
{
	dbed_start(4, 1);
	dbed_discard_error = -EIO;
	ck_assert_int_eq(dbed_unplug_all(), VMEM_ACK);
	ck_assert_int_eq(dbed_raw(VMEM_UNPLUG_ALL, 77, 78), VMEM_ACK);
	dbed_told("");
	dbed_end();
}
END_TEST

/* --- fail points and no backing
 * --------------------------------------------------- */

START_TEST(without_a_backing_the_memory_is_simulated)
{
	struct vmem_device_config c = dbed_config(8);

	c.backing = (struct vmem_backing){NULL, NULL, NULL};
	dbed_device = vmem_device_new(&c);
	dbed_link = vmem_device_link(dbed_device);
	ck_assert_int_eq(dbed_plug(0, 8), VMEM_ACK);
	ck_assert_int_eq(dbed_unplug(0, 4), VMEM_ACK);
	ck_assert_int_eq(dbed_unplug_all(), VMEM_ACK);
	ck_assert_int_eq(dbed_state(0, 8), VMEM_UNPLUGGED);
	dbed_end();
}
END_TEST

START_TEST(every_fail_point_makes_the_answer_busy_and_changes_nothing)
{
#ifdef PAGER_FAILPOINTS
	dbed_start(8, 1);
	pager_fail_arm(1);
	ck_assert_int_eq(dbed_plug(0, 4), VMEM_BUSY);
	ck_assert_str_eq(pager_fail_fired(), "vmem.commit");
	ck_assert_uint_eq(dbed_plugged(), 0);
	dbed_told("");
	pager_fail_arm(2);
	ck_assert_int_eq(dbed_plug(0, 4), VMEM_ACK);
	ck_assert_uint_eq(pager_fail_seen(), 1);
	dbed_story[0] = '\0';
	pager_fail_arm(1);
	ck_assert_int_eq(dbed_unplug(0, 4), VMEM_BUSY);
	ck_assert_str_eq(pager_fail_fired(), "vmem.discard");
	pager_fail_arm(1);
	ck_assert_int_eq(dbed_unplug_all(), VMEM_BUSY);
	ck_assert_str_eq(pager_fail_fired(), "vmem.discard");
	ck_assert_uint_eq(dbed_plugged(), 4);
	dbed_told("");
	/* The second point of a plug is the discard of a roll-back. */
	dbed_listener[0].answer = -EPERM;
	pager_fail_arm(2);
	ck_assert_int_eq(dbed_plug(4, 1), VMEM_BUSY);
	ck_assert_str_eq(pager_fail_fired(), "vmem.discard");
	pager_fail_arm(0);
	ck_assert_uint_eq(dbed_plugged(), 4);
	dbed_end();
#endif
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    a_range_that_is_not_of_usable_blocks_is_an_error,
	    an_unknown_request_is_an_error,
	    plugging_more_than_requested_is_not_acknowledged,
	    after_a_smaller_wish_nothing_can_be_plugged,
	    a_wrong_range_is_an_error_before_it_is_too_much,
	    too_much_comes_before_blocks_that_are_plugged_already,
	    plugging_what_is_plugged_in_part_is_an_error_and_changes_nothing,
	    unplugging_what_is_not_all_plugged_is_an_error_and_changes_nothing,
	    unplugging_does_not_ask_what_is_requested,
	    plug_commits_then_asks_in_order_then_sets_the_bits,
	    plug_without_memory_is_busy_and_nobody_hears_of_it,
	    a_veto_cancels_those_who_agreed_in_reverse_and_discards,
	    a_veto_of_any_number_counts,
	    memory_that_a_roll_back_could_not_give_back_goes_with_unplug_all,
	    a_request_from_inside_of_a_listener_is_busy,
	    unplug_discards_then_tells_in_order_then_clears_the_bits,
	    unplug_that_cannot_discard_is_busy_and_changes_nothing,
	    unplug_all_discards_the_region_at_once_and_tells_of_each_run,
	    unplug_all_that_cannot_discard_is_busy_and_changes_nothing,
	    unplug_all_of_nothing_is_acknowledged_and_discards_nothing,
	    without_a_backing_the_memory_is_simulated,
	    every_fail_point_makes_the_answer_busy_and_changes_nothing,
	};

	return UNIT_RUN("vmem_device", tests);
}
