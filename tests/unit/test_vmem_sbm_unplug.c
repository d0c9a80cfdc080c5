/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sub-block mode unplugs: what goes, in which order, and what is rolled back.
 * Memory blocks of four pages from 400 on, sub-blocks of one page.
 */
#include <errno.h>

#include "tests/support/unit.h"
#include "tests/support/vmem_script.h"

/* --- unplugging ------------------------------------------------------------
 */

/* With so many pages, and in Linux's order whatever it costs. */
static struct vs *in_order(uint64_t pages)
{
	vs_init(&vs);
	vs.config.in_order = true;
	vs_start(&vs);
	vs_go(pages);
	vs_hush(&vs);
	return &vs;
}

START_TEST(unplug_order_is_offline_then_partial_then_movable_then_kernel)
{
	struct vs *s = vs_with(VS_STAY_OFFLINE, 24);

	for (uint64_t b = 400; b < 424; b += 4) {
		vs_online(s, b, b % 8 ? VMEM_ZONE_MOVABLE : VMEM_ZONE_KERNEL);
		vs_use(s, b, b == 408 || b == 412 || b == 420 ? 3 : 4, true);
	}
	vs_go(21);
	vs_unuse(s, 400, 24);
	ck_assert_int_eq(vs_offline(s, 416), 0);
	ck_assert_int_eq(vs_offline(s, 420), 0);
	ck_assert_uint_eq(vs_state(400), SBM_KERNEL);
	ck_assert_uint_eq(vs_state(404), SBM_MOVABLE);
	ck_assert_uint_eq(vs_state(408), SBM_KERNEL_PARTIAL);
	ck_assert_uint_eq(vs_state(412), SBM_MOVABLE_PARTIAL);
	ck_assert_uint_eq(vs_state(416), SBM_OFFLINE);
	ck_assert_uint_eq(vs_state(420), SBM_OFFLINE_PARTIAL);
	vs_hush(s);
	vs_go(0);
	vs_said(s, "UNPLUG 420+3, unplugged 420+3, remove 420+4, "
		   "UNPLUG 416+4, unplugged 416+4, remove 416+4, "
		   "take 412+3, UNPLUG 412+3, unplugged 412+3, "
		   "offline_and_remove 412+4, "
		   "take 408+3, UNPLUG 408+3, unplugged 408+3, "
		   "offline_and_remove 408+4, "
		   "take 404+4, UNPLUG 404+4, unplugged 404+4, "
		   "offline_and_remove 404+4, "
		   "take 400+4, UNPLUG 400+4, unplugged 400+4, "
		   "offline_and_remove 400+4");
	ck_assert_uint_eq(vs_info(s).states[SBM_UNUSED], 6);
	vs_done();
}
END_TEST

START_TEST(the_highest_block_of_a_state_goes_first)
{
	struct vs *s = vs_with(VMEM_ZONE_MOVABLE, 12);

	vs_go(4);
	vs_said(s, "take 408+4, UNPLUG 408+4, unplugged 408+4, "
		   "offline_and_remove 408+4, "
		   "take 404+4, UNPLUG 404+4, unplugged 404+4, "
		   "offline_and_remove 404+4");
	vs_done();
}
END_TEST

START_TEST(the_last_sub_block_goes_first_and_one_at_a_time_if_it_is_moved)
{
	struct vs *s = vs_with(VMEM_ZONE_MOVABLE, 4);

	vs_use(s, 400, 4, false);
	vs_go(2);
	vs_said(s, "take 403+1, UNPLUG 403+1, unplugged 403+1, "
		   "take 402+1, UNPLUG 402+1, unplugged 402+1");
	ck_assert_uint_eq(vs_info(s).moved, 2);
	ck_assert_uint_eq(vs_state(400), SBM_MOVABLE_PARTIAL);
	vs_done();
}
END_TEST

START_TEST(sub_blocks_that_need_no_moving_go_together)
{
	struct vs *s = in_order(4);

	vs_use(s, 401, 1, false);
	vs_go(0);
	vs_said(s, "take 402+2, UNPLUG 402+2, unplugged 402+2, "
		   "take 401+1, UNPLUG 401+1, unplugged 401+1, "
		   "take 400+1, UNPLUG 400+1, unplugged 400+1, "
		   "offline_and_remove 400+4");
	vs_done();
}
END_TEST

START_TEST(what_needs_no_moving_goes_first_of_all_that_is_online)
{
	struct vs *s = vs_with(VMEM_ZONE_MOVABLE, 12);

	vs_use(s, 400, 1, false);
	vs_use(s, 405, 7, false); /* 404 is free, 408 .. 411 are not */
	vs_go(6);
	vs_said(s, "take 404+1, UNPLUG 404+1, unplugged 404+1, "
		   "take 401+3, UNPLUG 401+3, unplugged 401+3, "
		   "take 407+1, UNPLUG 407+1, unplugged 407+1, "
		   "take 406+1, UNPLUG 406+1, unplugged 406+1");
	ck_assert_uint_eq(vs_info(s).moved, 2);
	vs_done();
}
END_TEST

/* Two memory blocks of four sub-blocks of eight pages; used of them: */
static void use_some(struct vs *s, const uint8_t used[8])
{
	for (uint64_t i = 0; i < 8; i++)
		vs_use(s, 416 + i * 8, used[i], false);
}

static struct vs *eights(bool linux_order, const uint8_t used[8])
{
	vs_init(&vs);
	vs.config.in_order = linux_order;
	vs.device.addr = 416;
	vs.memory_block = 32;
	vs.config.unit = 8;
	vs_start(&vs);
	vs_go(64);
	use_some(&vs, used);
	vs_hush(&vs);
	return &vs;
}

static const uint8_t mixed[8] = {1, 8, 0, 3, 4, 2, 7, 0};

START_TEST(what_is_used_less_goes_before_what_is_used_more)
{
	struct vs *s = eights(false, mixed);

	vs_go(8);
	vs_said(s, "take 472+8, UNPLUG 472+8, unplugged 472+8, "
		   "take 432+8, UNPLUG 432+8, unplugged 432+8, "
		   "take 416+8, UNPLUG 416+8, unplugged 416+8, "
		   "take 456+8, UNPLUG 456+8, unplugged 456+8, "
		   "take 440+8, UNPLUG 440+8, unplugged 440+8, "
		   "take 448+8, UNPLUG 448+8, unplugged 448+8, "
		   "take 464+8, UNPLUG 464+8, unplugged 464+8, "
		   "offline_and_remove 448+32");
	vs_done();
}
END_TEST

START_TEST(a_cost_between_two_rounds_is_borne_by_the_upper_one)
{
	vs_init(&vs);
	vs.device.addr = 448;
	vs.memory_block = 64;
	vs.config.unit = 32; /* a round is two pages */
	vs_start(&vs);
	vs_go(64);
	vs_use(&vs, 448, 3, false);
	vs_use(&vs, 480, 5, false);
	vs_hush(&vs);
	vs_go(32);
	vs_said(&vs, "take 448+32, UNPLUG 448+32, unplugged 448+32");
	vs_done();
}
END_TEST

START_TEST(in_linux_order_it_goes_from_the_top_whatever_is_used)
{
	struct vs *s = eights(true, mixed);

	vs_go(32);
	vs_said(s, "take 472+8, UNPLUG 472+8, unplugged 472+8, "
		   "take 464+8, UNPLUG 464+8, unplugged 464+8, "
		   "take 456+8, UNPLUG 456+8, unplugged 456+8, "
		   "take 448+8, UNPLUG 448+8, unplugged 448+8, "
		   "offline_and_remove 448+32");
	ck_assert_uint_eq(vs_info(s).moved, 13);
	vs_done();
}
END_TEST

START_TEST(no_more_than_is_asked_for_goes)
{
	struct vs *s = vs_with(VMEM_ZONE_MOVABLE, 8);

	vs_go(7);
	vs_said(s, "take 407+1, UNPLUG 407+1, unplugged 407+1");
	vs_request(s, 8);
	vs_go(8);
	vs_hush(s);
	vs_offline(s, 404);
	vs_go(6);
	vs_said(s, "UNPLUG 406+2, unplugged 406+2");
	ck_assert_uint_eq(vs_state(404), SBM_OFFLINE_PARTIAL);
	vs_done();
}
END_TEST

START_TEST(busy_sub_blocks_are_skipped)
{
	struct vs *s = in_order(8);

	vs_use(s, 402, 4, true); /* 402 .. 405 */
	vs_go(5);
	vs_said(s, "take 406+2, UNPLUG 406+2, unplugged 406+2, "
		   "take 401+1, UNPLUG 401+1, unplugged 401+1");
	vs_told(s, "unplug 406+2, busy 405 memory, busy 404 memory, "
		   "busy 403 memory, busy 402 memory, unplug 401+1, reached 5");
	ck_assert_uint_eq(vs_info(s).busy, 4);
	ck_assert_int_eq(vs_info(s).last_error, 0);
	vs_done();
}
END_TEST

START_TEST(what_is_busy_is_told_once_a_run)
{
	struct vs *s = vs_with(VMEM_ZONE_MOVABLE, 8);

	vs_use(s, 402, 4, true);
	vs_request(s, 0);
	ck_assert_int_eq(vs_run(s, 0), VMEM_WAIT);
	vs_told(s, "unplug 406+2, unplug 400+2, busy 405 memory, "
		   "busy 404 memory, busy 403 memory, busy 402 memory, "
		   "retry 10");
	vs_done();
}
END_TEST

START_TEST(an_emptied_block_that_is_vetoed_is_tried_once_a_run)
{
	struct vs *s = vs_with(VMEM_ZONE_MOVABLE, 8);

	vs_use(s, 400, 1, true);
	vs_answer(s, VS_OFFLINING, 0, -EBUSY);
	vs_request(s, 0);
	ck_assert_int_eq(vs_run(s, 0), VMEM_WAIT);
	vs_said(s, "take 404+4, UNPLUG 404+4, unplugged 404+4, "
		   "offline_and_remove 404+4=EBUSY, "
		   "take 401+3, UNPLUG 401+3, unplugged 401+3");
	vs_told(s, "unplug 404+4, unplug 401+3, "
		   "busy 400 memory, retry 10");
	vs_done();
}
END_TEST

START_TEST(busy_is_the_result_if_some_are_left)
{
	struct vs *s = vs_with(VMEM_ZONE_MOVABLE, 4);

	vs_use(s, 402, 1, true);
	vs_request(s, 0);
	ck_assert_int_eq(vs_run(s, 0), VMEM_WAIT);
	ck_assert_int_eq(vs_info(s).last_error, -EBUSY);
	ck_assert_uint_eq(vs_info(s).plugged, 1);
	vs_hush(s);
	vs_check(s);
	vs_unuse(s, 402, 1);
	ck_assert_int_eq(vs_run(s, 10), VMEM_IDLE);
	vs_said(s, "take 402+1, UNPLUG 402+1, unplugged 402+1, "
		   "offline_and_remove 400+4");
	vs_done();
}
END_TEST

START_TEST(memory_that_fits_nowhere_is_passed_over_and_tried_again)
{
	struct vs *s = in_order(4);

	vs_use(s, 403, 1, false);
	s->room = 0;
	vs_request(s, 2);
	ck_assert_int_eq(vs_run(s, 0), VMEM_IDLE);
	vs_said(s, "take 403+1=ENOMEM, take 401+2, UNPLUG 401+2, "
		   "unplugged 401+2");
	vs_request(s, 0);
	ck_assert_int_eq(vs_run(s, 0), VMEM_WAIT);
	ck_assert_int_eq(vs_info(s).last_error, -ENOMEM);
	vs_done();
}
END_TEST

START_TEST(a_range_that_was_thought_free_is_tried_one_by_one)
{
	struct vs *s = vs_with(VMEM_ZONE_MOVABLE, 4);

	vs_answer(s, VS_TAKE, 1, -EBUSY);
	vs_answer(s, VS_TAKE, 2, -EBUSY);
	vs_go(2);
	vs_said(s, "take 402+2=EBUSY, take 403+1=EBUSY, "
		   "take 402+1, UNPLUG 402+1, unplugged 402+1, "
		   "take 401+1, UNPLUG 401+1, unplugged 401+1");
	vs_done();
}
END_TEST

START_TEST(a_device_that_is_busy_gets_the_memory_back_into_use)
{
	struct vs *s = vs_with(VMEM_ZONE_KERNEL, 4);

	vs_answer(s, VS_UNPLUG, 1, VMEM_BUSY);
	vs_request(s, 2);
	ck_assert_int_eq(vs_run(s, 0), VMEM_WAIT);
	vs_said(s, "take 402+2, UNPLUG 402+2=BUSY, return 402+2");
	vs_told(s, "busy 402 device, retry 10");
	ck_assert_uint_eq(vs_state(400), SBM_KERNEL);
	ck_assert(s->page[2].usable);
	vs_done();
}
END_TEST

START_TEST(a_device_that_calls_it_an_error_gets_the_memory_back_into_use)
{
	struct vs *s = vs_with(VMEM_ZONE_KERNEL, 4);

	vs_answer(s, VS_UNPLUG, 1, VMEM_ERROR);
	vs_request(s, 2);
	ck_assert_int_eq(vs_run(s, 0), VMEM_BROKEN);
	vs_said(s, "take 402+2, UNPLUG 402+2=ERROR, return 402+2");
	vs_done();
}
END_TEST

START_TEST(what_was_unplugged_before_an_error_stays_unplugged)
{
	struct vs *s = in_order(4);

	vs_use(s, 402, 1, true);
	vs_go(3);
	vs_unuse(s, 402, 1);
	vs_answer(s, VS_UNPLUG, 2, VMEM_BUSY);
	vs_use(s, 402, 1, false);
	vs_hush(s);
	vs_request(s, 0);
	ck_assert_int_eq(vs_run(s, 0), VMEM_WAIT);
	vs_said(s, "take 402+1, UNPLUG 402+1, unplugged 402+1, "
		   "take 400+2, UNPLUG 400+2=BUSY, return 400+2");
	ck_assert_uint_eq(vs_state(400), SBM_MOVABLE_PARTIAL);
	vs_done();
}
END_TEST

START_TEST(an_offline_block_that_is_unplugged_half_is_partial)
{
	struct vs *s = vs_with(VMEM_ZONE_MOVABLE, 4);

	vs_use(s, 401, 1, true);
	vs_go(3);
	vs_go(2);
	vs_unuse(s, 401, 1); /* 400 and 401 are plugged */
	vs_go(4);
	vs_use(s, 400, 4, true);
	vs_unuse(s, 402, 1);
	vs_go(3); /* 402 is not */
	vs_unuse(s, 400, 4);
	ck_assert_int_eq(vs_offline(s, 400), 0);
	vs_answer(s, VS_UNPLUG, 2, VMEM_BUSY);
	vs_hush(s);
	vs_request(s, 0);
	ck_assert_int_eq(vs_run(s, 0), VMEM_WAIT);
	vs_said(s, "UNPLUG 403+1, unplugged 403+1, UNPLUG 400+2=BUSY");
	ck_assert_uint_eq(vs_state(400), SBM_OFFLINE_PARTIAL);
	vs_done();
}
END_TEST

/* --- emptied blocks --------------------------------------------------------
 */

static void when_removed(struct vs *s, enum vs_call call)
{
	if (call == VS_REMOVE) {
		ck_assert_uint_eq(vs_state(400), SBM_UNUSED);
		ck_assert_int_eq(vmem_driver_notify(s->driver,
						    VMEM_GOING_ONLINE, 400,
						    VMEM_ZONE_KERNEL),
				 -EBUSY);
	}
	if (call == VS_OFFLINE_AND_REMOVE)
		ck_assert_uint_eq(vs_state(400), SBM_MOVABLE_PARTIAL);
}

START_TEST(an_emptied_offline_block_is_unused_and_then_removed)
{
	struct vs *s = vs_with(VS_STAY_OFFLINE, 4);

	s->hook = when_removed;
	vs_go(0);
	vs_said(s, "UNPLUG 400+4, unplugged 400+4, remove 400+4");
	ck_assert_uint_eq(vs_state(400), SBM_UNUSED);
	vs_done();
}
END_TEST

START_TEST(an_emptied_online_block_is_offlined_and_removed_and_then_unused)
{
	struct vs *s = vs_with(VMEM_ZONE_MOVABLE, 4);

	s->hook = when_removed;
	vs_go(0);
	ck_assert_uint_eq(vs_state(400), SBM_UNUSED);
	vs_done();
}
END_TEST

START_TEST(an_emptied_online_block_that_is_vetoed_stays_and_is_tried_again)
{
	struct vs *s = vs_with(VMEM_ZONE_MOVABLE, 4);

	vs_answer(s, VS_OFFLINING, 0, -EBUSY);
	vs_request(s, 0);
	ck_assert_int_eq(vs_run(s, 0), VMEM_WAIT);
	vs_said(s, "take 400+4, UNPLUG 400+4, unplugged 400+4, "
		   "offline_and_remove 400+4=EBUSY");
	vs_told(s, "unplug 400+4, reached 0, retry 10");
	ck_assert_uint_eq(vs_state(400), SBM_MOVABLE_PARTIAL);
	vs_check(s);
	ck_assert_int_eq(vs_run(s, 10), VMEM_WAIT);
	vs_said(s, "offline_and_remove 400+4=EBUSY");
	vs_no_answers(s);
	ck_assert_int_eq(vs_run(s, 30), VMEM_IDLE);
	vs_said(s, "offline_and_remove 400+4");
	ck_assert_uint_eq(vs_state(400), SBM_UNUSED);
	vs_done();
}
END_TEST

START_TEST(an_emptied_block_that_stayed_is_plugged_before_others)
{
	struct vs *s = vs_with(VMEM_ZONE_MOVABLE, 8);

	vs_answer(s, VS_OFFLINING, 1, -EBUSY);
	vs_request(s, 4);
	ck_assert_int_eq(vs_run(s, 0), VMEM_WAIT);
	vs_hush(s);
	vs_go(6);
	vs_said(s, "PLUG 404+2, plugged 404+2, return 404+2");
	vs_done();
}
END_TEST

START_TEST(an_emptied_offline_block_that_stays_is_tried_again)
{
	struct vs *s = vs_with(VS_STAY_OFFLINE, 4);

	vs_answer(s, VS_REMOVE, 1, -EBUSY);
	vs_request(s, 0);
	ck_assert_int_eq(vs_run(s, 0), VMEM_WAIT);
	ck_assert_uint_eq(vs_state(400), SBM_OFFLINE_PARTIAL);
	vs_check(s);
	ck_assert_int_eq(vs_run(s, 10), VMEM_IDLE);
	vs_said(s, "UNPLUG 400+4, unplugged 400+4, remove 400+4=EBUSY, "
		   "remove 400+4");
	vs_done();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	    unplug_order_is_offline_then_partial_then_movable_then_kernel,
	    the_highest_block_of_a_state_goes_first,
	    the_last_sub_block_goes_first_and_one_at_a_time_if_it_is_moved,
	    sub_blocks_that_need_no_moving_go_together,
	    what_needs_no_moving_goes_first_of_all_that_is_online,
	    what_is_used_less_goes_before_what_is_used_more,
	    a_cost_between_two_rounds_is_borne_by_the_upper_one,
	    in_linux_order_it_goes_from_the_top_whatever_is_used,
	    no_more_than_is_asked_for_goes,
	    busy_sub_blocks_are_skipped,
	    what_is_busy_is_told_once_a_run,
	    an_emptied_block_that_is_vetoed_is_tried_once_a_run,
	    busy_is_the_result_if_some_are_left,
	    memory_that_fits_nowhere_is_passed_over_and_tried_again,
	    a_range_that_was_thought_free_is_tried_one_by_one,
	    a_device_that_is_busy_gets_the_memory_back_into_use,
	    a_device_that_calls_it_an_error_gets_the_memory_back_into_use,
	    what_was_unplugged_before_an_error_stays_unplugged,
	    an_offline_block_that_is_unplugged_half_is_partial,
	    an_emptied_offline_block_is_unused_and_then_removed,
	    an_emptied_online_block_is_offlined_and_removed_and_then_unused,
	    an_emptied_online_block_that_is_vetoed_stays_and_is_tried_again,
	    an_emptied_block_that_stayed_is_plugged_before_others,
	    an_emptied_offline_block_that_stays_is_tried_again,
	};

	return UNIT_RUN("vmem-sbm-unplug", tests);
}
