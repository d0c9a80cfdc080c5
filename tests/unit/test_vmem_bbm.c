/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Big-block mode against a scripted device and a scripted memory manager:
 * memory blocks of four pages from 400 on, big blocks of two.
 */
#include <errno.h>

#include "tests/support/unit.h"
#include "tests/support/vmem_script.h"

static struct vs *big(int auto_zone, uint64_t pages, bool unsafe)
{
	vs_init(&vs);
	vs.auto_zone = auto_zone;
	vs.config.force_bbm = true;
	vs.config.bbm_block = 8;
	vs.config.unsafe = unsafe;
	vs_start(&vs);
	ck_assert_ptr_nonnull(vs.driver);
	vs_go(pages);
	vs_hush(&vs);
	return &vs;
}

/* --- sizes and plugging ----------------------------------------------------
 */

START_TEST(a_big_block_is_the_larger_of_both_blocks_or_what_is_said)
{
	static const struct {
		uint64_t block, said, is;
	} t[] = {{1, 0, 4}, {4, 0, 4}, {8, 0, 8}, {1, 16, 16}, {8, 8, 8}};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		vs_init(&vs);
		vs.config.force_bbm = true;
		vs.config.bbm_block = t[i].said;
		vs.device.block = t[i].block;
		vs_start(&vs);
		ck_assert_ptr_nonnull(vs.driver);
		ck_assert_uint_eq(vs_info(&vs).sub_block, t[i].is);
		vs_end(&vs);
	}
}
END_TEST

START_TEST(the_threshold_is_at_least_two_big_blocks)
{
	vs_init(&vs);
	vs.auto_zone = VS_STAY_OFFLINE;
	vs.config.force_bbm = true;
	vs.config.bbm_block = 8;
	vs.config.threshold = 9;
	vs_start(&vs);
	ck_assert_uint_eq(vs_info(&vs).threshold, 16);
	vs_request(&vs, 24);
	ck_assert_int_eq(vs_run(&vs, 0), VMEM_BLOCKED);
	ck_assert_uint_eq(vs_info(&vs).plugged, 16);
	/* One memory block is not enough, two are. */
	ck_assert_int_eq(vs_online(&vs, 400, VMEM_ZONE_KERNEL), 0);
	ck_assert_int_eq(vs_run(&vs, 0), VMEM_BLOCKED);
	ck_assert_int_eq(vs_online(&vs, 412, VMEM_ZONE_KERNEL), 0);
	ck_assert_int_eq(vs_run(&vs, 0), VMEM_IDLE);
	vs_done();
}
END_TEST

START_TEST(a_big_block_is_plugged_and_added_as_a_whole)
{
	struct vs *s = big(VMEM_ZONE_MOVABLE, 0, false);

	vs_go(23); /* the rest is less than one */
	vs_said(s, "PLUG 400+8, plugged 400+8, add 400+8, "
		   "PLUG 408+8, plugged 408+8, add 408+8");
	vs_told(s, "plug 400+8, plug 408+8, reached 16");
	ck_assert_uint_eq(vs_state(404), BBM_ADDED);
	ck_assert_uint_eq(vs_state(416), BBM_UNUSED);
	ck_assert_uint_eq(vs_info(s).states[BBM_ADDED], 2);
	vs_done();
}
END_TEST

static void when_added(struct vs *s, enum vs_call call)
{
	(void)s;
	if (call == VS_PLUG)
		ck_assert_uint_eq(vs_state(400), BBM_UNUSED);
	if (call == VS_ADD)
		ck_assert_uint_eq(vs_state(400), BBM_ADDED);
}

START_TEST(the_state_is_set_before_the_memory_is_added)
{
	struct vs *s = big(VMEM_ZONE_MOVABLE, 0, false);

	s->hook = when_added;
	vs_go(8);
	vs_done();
}
END_TEST

START_TEST(add_failed_unplug_worked_the_block_is_unused)
{
	struct vs *s = big(VMEM_ZONE_MOVABLE, 0, false);

	vs_answer(s, VS_ADD, 1, -ENOMEM);
	vs_request(s, 8);
	ck_assert_int_eq(vs_run(s, 0), VMEM_WAIT);
	vs_said(s, "PLUG 400+8, plugged 400+8, add 400+8=ENOMEM, "
		   "UNPLUG 400+8, unplugged 400+8");
	ck_assert_uint_eq(vs_state(400), BBM_UNUSED);
	vs_check(s);
	ck_assert_int_eq(vs_run(s, 10), VMEM_IDLE);
	vs_done();
}
END_TEST

START_TEST(add_failed_unplug_failed_the_block_is_plugged_and_tried_first)
{
	struct vs *s = big(VMEM_ZONE_MOVABLE, 0, false);

	vs_answer(s, VS_ADD, 1, -ENOMEM);
	vs_answer(s, VS_UNPLUG, 1, VMEM_BUSY);
	vs_answer(s, VS_UNPLUG, 2, VMEM_BUSY);
	vs_request(s, 16);
	ck_assert_int_eq(vs_run(s, 0), VMEM_WAIT);
	ck_assert_uint_eq(vs_state(400), BBM_PLUGGED);
	ck_assert_uint_eq(vs_info(s).offline, 8);
	vs_check(s);
	vs_hush(s);
	ck_assert_int_eq(vs_run(s, 10), VMEM_WAIT);
	vs_said(s, "UNPLUG 400+8=BUSY");
	ck_assert_int_eq(vs_run(s, 30), VMEM_IDLE);
	vs_said(s, "UNPLUG 400+8, unplugged 400+8, "
		   "PLUG 400+8, plugged 400+8, add 400+8, "
		   "PLUG 408+8, plugged 408+8, add 408+8");
	vs_done();
}
END_TEST

/* --- unplugging ------------------------------------------------------------
 */

START_TEST(safe_unplug_takes_all_out_of_use_then_offlines_then_unplugs)
{
	struct vs *s = big(VMEM_ZONE_MOVABLE, 8, false);

	vs_use(s, 400, 8, false);
	vs_go(0);
	vs_said(s, "take 400+4, take 404+4, offline_and_remove 400+8, "
		   "UNPLUG 400+8, unplugged 400+8");
	ck_assert_uint_eq(vs_state(400), BBM_UNUSED);
	ck_assert_uint_eq(vs_info(s).moved, 8);
	vs_done();
}
END_TEST

START_TEST(a_step_moves_one_memory_block_at_most)
{
	struct vs *s = big(VMEM_ZONE_MOVABLE, 32, false);
	uint64_t moved = 0;

	vs_use(s, 400, 32, false);
	vs_request(s, 0);
	while (vs_step(s, 0) == VMEM_MORE) {
		ck_assert_uint_le(vs_info(s).moved, moved + 4);
		moved = vs_info(s).moved;
	}
	ck_assert_uint_eq(moved, 32);
	vs_done();
}
END_TEST

START_TEST(a_memory_block_that_is_busy_rolls_back_those_before_it)
{
	struct vs *s = big(VMEM_ZONE_MOVABLE, 8, false);

	vs_answer(s, VS_TAKE, 2, -EBUSY);
	vs_request(s, 0);
	/* The second pass tries it again, and so does the third. */
	vs_answer(s, VS_TAKE, 3, -EBUSY);
	vs_answer(s, VS_TAKE, 4, -ENOMEM);
	ck_assert_int_eq(vs_run(s, 0), VMEM_WAIT);
	vs_said(s, "take 400+4, take 404+4=EBUSY, return 400+4, "
		   "take 400+4=EBUSY");
	ck_assert_int_eq(vs_info(s).last_error, -EBUSY);
	ck_assert_uint_eq(vs_state(400), BBM_ADDED);
	vs_check(s);
	vs_no_answers(s);
	vs_answer(s, VS_TAKE, 1, -ENOMEM);
	vs_answer(s, VS_TAKE, 2, -EBUSY);
	ck_assert_int_eq(vs_run(s, 10), VMEM_WAIT);
	ck_assert_int_eq(vs_info(s).last_error, -ENOMEM);
	vs_no_answers(s);
	vs_answer(s, VS_TAKE, 2, -EIO);
	vs_hush(s);
	ck_assert_int_eq(vs_run(s, 30), VMEM_BROKEN);
	vs_said(s, "take 400+4, take 404+4=EIO, return 400+4");
	vs_done();
}
END_TEST

START_TEST(a_veto_of_the_second_block_brings_the_first_back)
{
	struct vs *s = big(VMEM_ZONE_KERNEL, 8, false);

	vs_answer(s, VS_OFFLINING, 2, -EBUSY);
	vs_request(s, 0);
	ck_assert_int_eq(vs_run(s, 0), VMEM_WAIT);
	vs_said(s, "take 400+4, take 404+4, offline_and_remove 400+8=EBUSY, "
		   "return 400+4, return 404+4");
	vs_told(s, "retry 10");
	ck_assert_uint_eq(vs_state(400), BBM_ADDED);
	ck_assert_int_eq(s->block[0].state, VS_ONLINE);
	vs_check(s);
	ck_assert_int_eq(vs_run(s, 10), VMEM_IDLE);
	vs_done();
}
END_TEST

START_TEST(a_block_that_cannot_come_back_online_stays_offline)
{
	struct vs *s = big(VMEM_ZONE_KERNEL, 8, false);

	vs_answer(s, VS_OFFLINING, 2, -EBUSY);
	vs_answer(s, VS_ONLINING, 1, -EBUSY);
	vs_request(s, 0);
	ck_assert_int_eq(vs_run(s, 0), VMEM_WAIT);
	vs_said(s, "take 400+4, take 404+4, offline_and_remove 400+8=EBUSY, "
		   "return 404+4");
	vs_check(s);
	ck_assert_int_eq(vs_run(s, 10), VMEM_IDLE);
	vs_said(s, "take 404+4, offline_and_remove 400+8, "
		   "UNPLUG 400+8, unplugged 400+8");
	vs_done();
}
END_TEST

START_TEST(without_safety_it_is_offlined_at_once)
{
	struct vs *s = big(VMEM_ZONE_MOVABLE, 8, true);

	vs_answer(s, VS_OFFLINING, 2, -EBUSY);
	vs_request(s, 0);
	ck_assert_int_eq(vs_run(s, 0), VMEM_IDLE);
	/* Refused in the second pass, it worked in the third. */
	vs_said(s, "offline_and_remove 400+8=EBUSY, offline_and_remove 400+8, "
		   "UNPLUG 400+8, unplugged 400+8");
	vs_told(s, "busy 400 memory, unplug 400+8, reached 0");
	vs_done();
}
END_TEST

START_TEST(removed_but_not_unplugged_it_is_plugged_and_tried_first)
{
	struct vs *s = big(VMEM_ZONE_MOVABLE, 8, false);

	vs_answer(s, VS_UNPLUG, 1, VMEM_BUSY);
	vs_request(s, 0);
	/* The removal makes another run follow at once. */
	ck_assert_int_eq(vs_run(s, 0), VMEM_IDLE);
	vs_said(s, "take 400+4, take 404+4, offline_and_remove 400+8, "
		   "UNPLUG 400+8=BUSY, UNPLUG 400+8, unplugged 400+8");
	vs_done();
}
END_TEST

START_TEST(offline_blocks_go_first_then_movable_then_any_from_the_top)
{
	struct vs *s = big(VS_STAY_OFFLINE, 48, false);

	/* 400 offline, 408 KERNEL, 416 MOVABLE and offline, 424 MOVABLE,
	 * 432 KERNEL and MOVABLE, 440 offline. */
	vs_online(s, 408, VMEM_ZONE_KERNEL);
	vs_online(s, 412, VMEM_ZONE_KERNEL);
	vs_online(s, 420, VMEM_ZONE_MOVABLE);
	vs_online(s, 424, VMEM_ZONE_MOVABLE);
	vs_online(s, 428, VMEM_ZONE_MOVABLE);
	vs_online(s, 432, VMEM_ZONE_KERNEL);
	vs_online(s, 436, VMEM_ZONE_MOVABLE);
	vs_check(s);
	vs_go(0);
	vs_said(s, "offline_and_remove 440+8, UNPLUG 440+8, unplugged 440+8, "
		   "offline_and_remove 400+8, UNPLUG 400+8, unplugged 400+8, "
		   "take 424+4, take 428+4, offline_and_remove 424+8, "
		   "UNPLUG 424+8, unplugged 424+8, "
		   "take 420+4, offline_and_remove 416+8, "
		   "UNPLUG 416+8, unplugged 416+8, "
		   "take 432+4, take 436+4, offline_and_remove 432+8, "
		   "UNPLUG 432+8, unplugged 432+8, "
		   "take 408+4, take 412+4, offline_and_remove 408+8, "
		   "UNPLUG 408+8, unplugged 408+8");
	vs_done();
}
END_TEST

START_TEST(what_cannot_be_moved_is_not_begun)
{
	struct vs *s = big(VMEM_ZONE_MOVABLE, 16, false);

	vs_use(s, 400, 8, false);
	vs_use(s, 415, 1, true);
	vs_request(s, 0);
	ck_assert_int_eq(vs_run(s, 0), VMEM_WAIT);
	vs_said(s, "take 400+4, take 404+4, offline_and_remove 400+8, "
		   "UNPLUG 400+8, unplugged 400+8");
	vs_check(s);
	vs_unuse(s, 415, 1);
	ck_assert_int_eq(vs_run(s, 10), VMEM_IDLE);
	vs_done();
}
END_TEST

START_TEST(with_offline_only_what_is_online_stays)
{
	struct vs *s = &vs;

	vs_init(s);
	s->config.force_bbm = true;
	s->config.bbm_block = 8;
	s->config.offline_only = true;
	vs_start(s);
	vs_go(16);
	ck_assert_int_eq(vs_offline(s, 400), 0);
	vs_hush(s);
	vs_request(s, 0);
	ck_assert_int_eq(vs_run(s, 0), VMEM_IDLE);
	vs_said(s, "");
	ck_assert_int_eq(vs_offline(s, 404), 0);
	ck_assert_int_eq(vs_run(s, 0), VMEM_IDLE);
	vs_said(s, "offline_and_remove 400+8, UNPLUG 400+8, unplugged 400+8");
	vs_done();
}
END_TEST

/* --- changes in the middle -------------------------------------------------
 */

/* Two memory blocks, of which the first is out of use and the second not. */
static struct vs *half_way(void)
{
	struct vs *s = big(VMEM_ZONE_MOVABLE, 8, false);

	vs_use(s, 400, 8, false);
	vs_request(s, 0);
	while (vs_info(s).moved < 4)
		ck_assert_int_eq(vs_step(s, 0), VMEM_MORE);
	vs_said(s, "take 400+4");
	ck_assert_uint_eq(vs_state(400), BBM_FAKE_OFFLINE);
	ck_assert(!vmem_driver_is_plugged(s->driver, 400));
	vs_check(s);
	return s;
}

START_TEST(a_change_in_the_middle_of_a_block_rolls_it_back)
{
	struct vs *s = half_way();

	vs_go(8);
	vs_said(s, "return 400+4");
	ck_assert_uint_eq(vs_state(400), BBM_ADDED);
	ck_assert(vmem_driver_is_plugged(s->driver, 400));
	vs_done();
}
END_TEST

START_TEST(what_comes_online_in_the_middle_stays_out_of_use_until_rolled_back)
{
	struct vs *s = half_way();

	ck_assert_int_eq(vs_offline(s, 404), 0);
	ck_assert_int_eq(vs_online(s, 404, VMEM_ZONE_KERNEL), 0);
	ck_assert(!s->page[4].usable);
	vs_go(8);
	vs_said(s, "return 400+4, return 404+4");
	vs_done();
}
END_TEST

START_TEST(what_goes_offline_in_the_middle_is_not_taken_and_not_returned)
{
	struct vs *s = half_way();

	ck_assert_int_eq(vs_offline(s, 400), 0);
	ck_assert_int_eq(vs_offline(s, 404), 0);
	vs_answer(s, VS_OFFLINE_AND_REMOVE, 1, -EBUSY);
	ck_assert_int_eq(vs_step(s, 0), VMEM_MORE);
	vs_said(s, "offline_and_remove 400+8=EBUSY");
	ck_assert_uint_eq(vs_state(400), BBM_ADDED);
	ck_assert_int_eq(vs_run(s, 0), VMEM_IDLE);
	vs_done();
}
END_TEST

static void ask(struct vs *s, enum vs_call call)
{
	if (call == VS_TAKE)
		ck_assert_int_eq(vmem_driver_notify(s->driver,
						    VMEM_GOING_OFFLINE, 400,
						    VMEM_ZONE_MOVABLE),
				 -EBUSY);
}

START_TEST(a_block_may_not_go_offline_while_it_is_taken_out_of_use)
{
	struct vs *s = big(VMEM_ZONE_MOVABLE, 8, false);

	vs_use(s, 400, 8, false);
	vs_request(s, 0);
	s->hook = ask;
	while (!vs_info(s).moved)
		ck_assert_int_eq(vs_step(s, 0), VMEM_MORE);
	s->hook = NULL;
	ck_assert_int_eq(vs_run(s, 0), VMEM_IDLE);
	vs_done();
}
END_TEST

START_TEST(a_memory_block_that_is_absent_may_not_come_online)
{
	struct vs *s = big(VMEM_ZONE_MOVABLE, 8, false);

	ck_assert_int_eq(vmem_driver_notify(s->driver, VMEM_GOING_ONLINE, 408,
					    VMEM_ZONE_KERNEL),
			 -EBUSY);
	ck_assert_int_eq(vmem_driver_notify(s->driver, VMEM_GOING_ONLINE, 400,
					    VMEM_ZONE_KERNEL),
			 -EBUSY);
	ck_assert_int_eq(vmem_driver_notify(s->driver, VMEM_GOING_OFFLINE, 408,
					    VMEM_ZONE_KERNEL),
			 -EBUSY);
	vs_done();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	    a_big_block_is_the_larger_of_both_blocks_or_what_is_said,
	    the_threshold_is_at_least_two_big_blocks,
	    a_big_block_is_plugged_and_added_as_a_whole,
	    the_state_is_set_before_the_memory_is_added,
	    add_failed_unplug_worked_the_block_is_unused,
	    add_failed_unplug_failed_the_block_is_plugged_and_tried_first,
	    safe_unplug_takes_all_out_of_use_then_offlines_then_unplugs,
	    a_step_moves_one_memory_block_at_most,
	    a_memory_block_that_is_busy_rolls_back_those_before_it,
	    a_veto_of_the_second_block_brings_the_first_back,
	    a_block_that_cannot_come_back_online_stays_offline,
	    without_safety_it_is_offlined_at_once,
	    removed_but_not_unplugged_it_is_plugged_and_tried_first,
	    offline_blocks_go_first_then_movable_then_any_from_the_top,
	    what_cannot_be_moved_is_not_begun,
	    with_offline_only_what_is_online_stays,
	    a_change_in_the_middle_of_a_block_rolls_it_back,
	    what_comes_online_in_the_middle_stays_out_of_use_until_rolled_back,
	    what_goes_offline_in_the_middle_is_not_taken_and_not_returned,
	    a_block_may_not_go_offline_while_it_is_taken_out_of_use,
	    a_memory_block_that_is_absent_may_not_come_online,
	};

	return UNIT_RUN("vmem-bbm", tests);
}
