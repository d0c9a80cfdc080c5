/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver's worker: when it runs, when it waits and for what, how long a
 * step is. Retries are after 10 ms at first, 35 ms at most.
 */
#include <errno.h>

#include "tests/support/unit.h"
#include "tests/support/vmem_script.h"

static struct vs *with_threshold(uint64_t threshold)
{
	vs_init(&vs);
	vs.auto_zone = VS_STAY_OFFLINE;
	vs.config.threshold = threshold;
	vs_start(&vs);
	ck_assert_ptr_nonnull(vs.driver);
	return &vs;
}

/* --- the offline threshold -------------------------------------------------
 */

START_TEST(the_threshold_is_one_gib_or_two_blocks)
{
	static const struct {
		uint64_t block, set, is;
	} t[] = {{4, 0, 262144},
		 {1 << 17, 0, 262144},
		 {1 << 18, 0, 1 << 19},
		 {4, 100, 100},
		 {4, 5, 8}};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		vs_init(&vs);
		vs.memory_block = t[i].block;
		vs.config.threshold = t[i].set;
		vs.device.addr = 0;
		vs.device.region = vs.device.usable = 1 << 19;
		vs_start(&vs);
		ck_assert_ptr_nonnull(vs.driver);
		ck_assert_uint_eq(vs_info(&vs).threshold, t[i].is);
		vs_end(&vs);
	}
}
END_TEST

START_TEST(out_of_the_threshold_it_is_blocked_without_a_timer)
{
	struct vs *s = with_threshold(12);

	vs_request(s, 16);
	ck_assert_int_eq(vs_run(s, 0), VMEM_BLOCKED);
	ck_assert_uint_eq(vs_info(s).plugged, 12);
	ck_assert_uint_eq(vs_info(s).due_ms, 0);
	ck_assert_int_eq(vs_info(s).last_error, -ENOSPC);
	vs_told(s, "plug 400+4, plug 404+4, plug 408+4, blocked 12");
	vs_hush(s);
	ck_assert_int_eq(vs_run(s, 1000000), VMEM_BLOCKED);
	vs_said(s, "");
	vs_told(s, "");
	vs_done();
}
END_TEST

START_TEST(partial_offline_blocks_are_filled_whatever_the_threshold)
{
	struct vs *s = with_threshold(8);

	vs_go(6);
	vs_request(s, 12);
	vs_hush(s);
	ck_assert_int_eq(vs_run(s, 0), VMEM_BLOCKED);
	vs_said(s, "PLUG 406+2, plugged 406+2");
	vs_done();
}
END_TEST

START_TEST(a_block_that_comes_online_lets_it_go_on_at_half_the_threshold)
{
	struct vs *s = with_threshold(16);

	vs_request(s, 24);
	ck_assert_int_eq(vs_run(s, 0), VMEM_BLOCKED);
	vs_hush(s);
	/* 12 + 8 are too many offline, 8 + 8 are not. */
	ck_assert_int_eq(vs_online(s, 400, VMEM_ZONE_KERNEL), 0);
	ck_assert_int_eq(vs_run(s, 0), VMEM_BLOCKED);
	vs_said(s, "");
	ck_assert_int_eq(vs_online(s, 404, VMEM_ZONE_KERNEL), 0);
	ck_assert_int_eq(vs_run(s, 0), VMEM_IDLE);
	vs_said(s, "PLUG 416+4, plugged 416+4, add 416+4, "
		   "PLUG 420+4, plugged 420+4, add 420+4");
	vs_done();
}
END_TEST

START_TEST(blocks_that_come_online_by_themselves_are_no_matter_of_thresholds)
{
	struct vs *s = with_threshold(8);

	s->auto_zone = VMEM_ZONE_MOVABLE;
	vs_go(64);
	vs_done();
}
END_TEST

START_TEST(beyond_what_is_usable_it_is_blocked_until_that_changes)
{
	struct vs *s = vs_fresh(VMEM_ZONE_MOVABLE);

	s->device.usable = 10; /* two whole blocks */
	vs_request(s, 12);
	ck_assert_int_eq(vs_run(s, 0), VMEM_BLOCKED);
	vs_said(s, "PLUG 400+4, plugged 400+4, add 400+4, "
		   "PLUG 404+4, plugged 404+4, add 404+4");
	s->device.usable = 12;
	vs_go(12);
	vs_said(s, "PLUG 408+4, plugged 408+4, add 408+4");
	vs_done();
}
END_TEST

START_TEST(unused_blocks_beyond_what_is_usable_are_left_alone)
{
	struct vs *s = vs_with(VMEM_ZONE_MOVABLE, 12);

	vs_go(0);
	s->device.usable = 4;
	vs_hush(s);
	vs_request(s, 8);
	ck_assert_int_eq(vs_run(s, 0), VMEM_BLOCKED);
	vs_said(s, "PLUG 400+4, plugged 400+4, add 400+4");
	vs_done();
}
END_TEST

/* --- waiting and trying again ----------------------------------------------
 */

START_TEST(busy_is_tried_again_after_a_time_that_doubles_to_its_bound)
{
	static const uint64_t delay[] = {10, 20, 35, 35};
	struct vs *s = vs_fresh(VMEM_ZONE_MOVABLE);
	uint64_t now = 1000;

	vs_answer(s, VS_PLUG, 0, VMEM_BUSY);
	vs_request(s, 4);
	for (size_t i = 0; i < 4; i++) {
		ck_assert_int_eq(vs_run(s, now), VMEM_WAIT);
		vs_said(s, "PLUG 400+4=BUSY");
		ck_assert_uint_eq(s->due, now + delay[i]);
		ck_assert_uint_eq(vs_info(s).due_ms, s->due);
		ck_assert_uint_eq(vs_info(s).retries, i);
		ck_assert_int_eq(vs_run(s, s->due - 1), VMEM_WAIT);
		vs_said(s, "");
		now = s->due;
	}
	vs_no_answers(s);
	ck_assert_int_eq(vs_run(s, now), VMEM_IDLE);
	vs_answer(s, VS_PLUG, 1, VMEM_BUSY);
	vs_request(s, 8);
	ck_assert_int_eq(vs_run(s, now), VMEM_WAIT);
	ck_assert_uint_eq(s->due, now + 10); /* as at first, after a success */
	vs_done();
}
END_TEST

START_TEST(a_run_that_another_follows_at_once_tells_of_no_retry)
{
	struct vs *s = vs_with(VMEM_ZONE_MOVABLE, 8);

	vs_use(s, 400, 1, true);
	vs_request(s, 0);
	ck_assert_int_eq(vs_run(s, 0), VMEM_WAIT);
	/* The first removed a block, the second found nothing more. */
	vs_told(s, "unplug 404+4, unplug 401+3, busy 400 memory, "
		   "busy 400 memory, retry 10");
	ck_assert_uint_eq(s->due, 10);
	vs_done();
}
END_TEST

START_TEST(the_times_are_fifty_and_three_hundred_seconds_if_not_said)
{
	vs_init(&vs);
	vs.config.retry_ms = vs.config.retry_max_ms = 0;
	vs_start(&vs);
	vs_answer(&vs, VS_PLUG, 0, VMEM_BUSY);
	vs_request(&vs, 4);
	vs_run(&vs, 0);
	ck_assert_uint_eq(vs.due, 50000);
	vs_run(&vs, 50000);
	ck_assert_uint_eq(vs.due, 150000);
	vs_run(&vs, 150000);
	ck_assert_uint_eq(vs.due, 350000);
	vs_run(&vs, 350000);
	ck_assert_uint_eq(vs.due, 650000);
	vs_run(&vs, 650000);
	ck_assert_uint_eq(vs.due, 950000);
	vs_done();
}
END_TEST

START_TEST(out_of_memory_is_tried_again)
{
	struct vs *s = vs_fresh(VMEM_ZONE_MOVABLE);

	vs_answer(s, VS_ADD, 1, -ENOMEM);
	vs_request(s, 4);
	ck_assert_int_eq(vs_run(s, 0), VMEM_WAIT);
	vs_told(s, "plug 400+4, unplug 400+4, retry 10");
	ck_assert_int_eq(vs_run(s, 10), VMEM_IDLE);
	vs_done();
}
END_TEST

START_TEST(any_other_error_breaks_it_for_good_and_visibly)
{
	static const enum vs_call calls[] = {VS_PLUG, VS_ADD};
	static const int answers[] = {VMEM_ERROR, -EIO};
	static const int errors[] = {-EINVAL, -EIO};

	for (size_t i = 0; i < 2; i++) {
		struct vs *s = vs_fresh(VMEM_ZONE_MOVABLE);

		vs_answer(s, calls[i], 1, answers[i]);
		vs_request(s, 4);
		ck_assert_int_eq(vs_run(s, 0), VMEM_BROKEN);
		ck_assert(vs_info(s).broken);
		ck_assert_int_eq(vs_info(s).last_error, errors[i]);
		if (i == 0)
			vs_told(s, "broken 22");
		else
			vs_told(s, "plug 400+4, unplug 400+4, broken 5");
		vs_hush(s);
		vs_request(s, 8);
		ck_assert_int_eq(vs_run(s, 1000000), VMEM_BROKEN);
		vs_said(s, "");
		vs_done();
	}
}
END_TEST

START_TEST(every_step_of_unplugging_can_break_it)
{
	static const struct {
		enum vs_call call;
		int answer;
		int zone;
	} t[] = {{VS_TAKE, -EIO, VMEM_ZONE_MOVABLE},
		 {VS_OFFLINE_AND_REMOVE, -EIO, VMEM_ZONE_MOVABLE},
		 {VS_REMOVE, -EIO, VS_STAY_OFFLINE},
		 {VS_UNPLUG, VMEM_NACK, VS_STAY_OFFLINE},
		 {VS_UNPLUG, 17, VS_STAY_OFFLINE}};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct vs *s = vs_with(t[i].zone, 4);

		vs_answer(s, t[i].call, 1, t[i].answer);
		vs_request(s, 0);
		ck_assert_int_eq(vs_run(s, 0), VMEM_BROKEN);
		vs_done();
	}
}
END_TEST

/* --- changes of the configuration ------------------------------------------
 */

START_TEST(a_change_while_it_waits_is_looked_at_at_once)
{
	struct vs *s = vs_fresh(VMEM_ZONE_MOVABLE);

	vs_answer(s, VS_PLUG, 1, VMEM_BUSY);
	vs_request(s, 4);
	ck_assert_int_eq(vs_run(s, 0), VMEM_WAIT);
	vs_go(8);
	ck_assert_uint_eq(vs_info(s).due_ms, 0);
	vs_done();
}
END_TEST

START_TEST(a_change_in_the_middle_of_a_run_starts_another)
{
	struct vs *s = vs_fresh(VMEM_ZONE_MOVABLE);

	vs_request(s, 64);
	while (vs_info(s).plugged < 8)
		ck_assert_int_eq(vs_step(s, 0), VMEM_MORE);
	vs_hush(s);
	vs_go(4);
	vs_said(s, "take 404+4, UNPLUG 404+4, unplugged 404+4, "
		   "offline_and_remove 404+4");
	vs_done();
}
END_TEST

static void change_in(struct vs *s, enum vs_call call)
{
	if (call == VS_PLUGGED && vs_info(s).plugged == 4)
		vs_request(s, 4);
}

START_TEST(after_a_change_no_request_is_sent_that_does_not_know_it)
{
	struct vs *s = vs_fresh(VMEM_ZONE_MOVABLE);

	s->hook = change_in;
	vs_answer(s, VS_ADD, 1, -ENOMEM);
	vs_request(s, 8);
	while (vs_info(s).plugged < 4)
		ck_assert_int_eq(vs_step(s, 0), VMEM_MORE);
	/* Not even to undo: the block stays PLUGGED until the next run. */
	vs_said(s, "PLUG 400+4, plugged 400+4, add 400+4=ENOMEM");
	ck_assert_uint_eq(vs_state(400), SBM_PLUGGED);
	ck_assert_int_eq(vs_run(s, 0), VMEM_IDLE);
	vs_said(s, "UNPLUG 400+4, unplugged 400+4, "
		   "PLUG 400+4, plugged 400+4, add 400+4");
	vs_done();
}
END_TEST

START_TEST(a_nack_makes_it_read_the_configuration_again)
{
	struct vs *s = vs_fresh(VMEM_ZONE_MOVABLE);

	vs_request(s, 8);
	while (vs_info(s).plugged < 4)
		ck_assert_int_eq(vs_step(s, 0), VMEM_MORE);
	s->device.requested = 6; /* and the driver has not heard of it */
	vs_hush(s);
	ck_assert_int_eq(vs_run(s, 0), VMEM_IDLE);
	vs_said(s, "PLUG 404+4=NACK, PLUG 404+2, plugged 404+2, add 404+4");
	vs_done();
}
END_TEST

START_TEST(a_device_that_only_says_nack_is_not_asked_for_ever)
{
	struct vs *s = vs_fresh(VMEM_ZONE_MOVABLE);

	vs_answer(s, VS_PLUG, 0, VMEM_NACK);
	vs_request(s, 4);
	ck_assert_int_eq(vs_run(s, 0), VMEM_WAIT);
	vs_said(s, "PLUG 400+4=NACK, PLUG 400+4=NACK");
	ck_assert_int_eq(vs_run(s, 10), VMEM_WAIT);
	vs_said(s, "PLUG 400+4=NACK");
	vs_no_answers(s);
	ck_assert_int_eq(vs_run(s, 30), VMEM_IDLE);
	vs_done();
}
END_TEST

static void change_after_a_gap(struct vs *s, enum vs_call call)
{
	if (call == VS_PLUGGED)
		vs_request(s, 2);
}

START_TEST(after_a_change_no_gap_is_filled_that_does_not_know_it)
{
	struct vs *s = vs_with(VMEM_ZONE_MOVABLE, 4);

	vs_use(s, 401, 1, true);
	vs_go(1);
	vs_hush(s);
	s->hook = change_after_a_gap;
	vs_go(4);
	vs_said(s, "PLUG 400+1, plugged 400+1, return 400+1");
	vs_done();
}
END_TEST

START_TEST(a_nack_after_an_ack_is_looked_at_at_once_again)
{
	struct vs *s = vs_fresh(VMEM_ZONE_MOVABLE);

	vs_answer(s, VS_PLUG, 1, VMEM_NACK);
	vs_answer(s, VS_PLUG, 3, VMEM_NACK);
	vs_go(8);
	vs_said(s, "PLUG 400+4=NACK, PLUG 400+4, plugged 400+4, add 400+4, "
		   "PLUG 404+4=NACK, PLUG 404+4, plugged 404+4, add 404+4");
	vs_done();
}
END_TEST

START_TEST(that_the_size_is_reached_is_told_once)
{
	struct vs *s = vs_with(VMEM_ZONE_MOVABLE, 4);

	vs_request(s, 4);
	ck_assert_int_eq(vs_run(s, 0), VMEM_IDLE);
	vs_told(s, "");
	vs_go(8);
	vs_told(s, "plug 404+4, reached 8");
	vs_done();
}
END_TEST

START_TEST(what_an_earlier_driver_left_is_unplugged_before_anything_else)
{
	vs_init(&vs);
	for (unsigned int i = 0; i < 8; i++)
		vs.page[i + 2].device = true;
	vs.device.plugged = 8;
	vs.device.requested = 4;
	vs_start(&vs);
	vs_answer(&vs, VS_UNPLUG_ALL, 1, VMEM_BUSY);
	ck_assert_int_eq(vs_run(&vs, 0), VMEM_WAIT);
	vs_said(&vs, "UNPLUG_ALL=BUSY");
	ck_assert_int_eq(vs_run(&vs, 10), VMEM_IDLE);
	vs_said(&vs, "UNPLUG_ALL, PLUG 400+4, plugged 400+4, add 400+4");
	vs_done();
}
END_TEST

/* --- how much a step does --------------------------------------------------
 */

START_TEST(a_step_moves_one_sub_block_at_most)
{
	struct vs *s = vs_with(VMEM_ZONE_MOVABLE, 32);
	uint64_t moved = 0, steps = 0;

	vs_use(s, 400, 32, false);
	vs_unuse(s, 405, 9);
	vs_request(s, 0);
	while (vs_step(s, 0) == VMEM_MORE) {
		ck_assert_uint_le(vs_info(s).moved, moved + 1);
		moved = vs_info(s).moved;
		steps++;
	}
	ck_assert_uint_eq(moved, 23);
	ck_assert_uint_lt(steps, 60);
	vs_done();
}
END_TEST

START_TEST(a_step_that_moves_nothing_does_a_memory_block_at_most)
{
	struct vs *s = vs_fresh(VMEM_ZONE_MOVABLE);
	uint64_t last = 0;

	vs_request(s, 64);
	while (vs_step(s, 0) == VMEM_MORE) {
		ck_assert_uint_le(vs_info(s).plugged, last + 4);
		last = vs_info(s).plugged;
	}
	vs_request(s, 0);
	while (vs_step(s, 0) == VMEM_MORE) {
		ck_assert_uint_ge(vs_info(s).plugged + 4, last);
		last = vs_info(s).plugged;
	}
	ck_assert_uint_eq(last, 0);
	vs_done();
}
END_TEST

START_TEST(a_failed_attempt_to_move_is_a_step_too)
{
	struct vs *s = vs_with(VMEM_ZONE_MOVABLE, 16);
	uint64_t busy = 0;

	vs_use(s, 400, 16, false);
	s->room = 0;
	vs_request(s, 0);
	while (vs_step(s, 0) == VMEM_MORE) {
		ck_assert_uint_le(vs_info(s).busy, busy + 1);
		busy = vs_info(s).busy;
	}
	ck_assert_uint_eq(busy, 16);
	ck_assert_int_eq(vs_info(s).last_error, -ENOMEM);
	vs_done();
}
END_TEST

START_TEST(a_block_a_request_makes_a_large_region_quick)
{
	vs_init(&vs);
	vs.device.region = vs.device.usable = VS_PAGES;
	vs.device.addr = VS_PAGES;
	vs.memory_block = 64;
	vs_start(&vs);
	vs_go(VS_PAGES);
	vs_go(0);
	/* Three calls a block that is plugged, four that is unplugged. */
	ck_assert_uint_eq(vs.calls, 7 * VS_PAGES / 64);
	vs_done();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	    the_threshold_is_one_gib_or_two_blocks,
	    out_of_the_threshold_it_is_blocked_without_a_timer,
	    partial_offline_blocks_are_filled_whatever_the_threshold,
	    a_block_that_comes_online_lets_it_go_on_at_half_the_threshold,
	    blocks_that_come_online_by_themselves_are_no_matter_of_thresholds,
	    beyond_what_is_usable_it_is_blocked_until_that_changes,
	    unused_blocks_beyond_what_is_usable_are_left_alone,
	    busy_is_tried_again_after_a_time_that_doubles_to_its_bound,
	    a_run_that_another_follows_at_once_tells_of_no_retry,
	    the_times_are_fifty_and_three_hundred_seconds_if_not_said,
	    out_of_memory_is_tried_again,
	    any_other_error_breaks_it_for_good_and_visibly,
	    every_step_of_unplugging_can_break_it,
	    a_change_while_it_waits_is_looked_at_at_once,
	    a_change_in_the_middle_of_a_run_starts_another,
	    after_a_change_no_request_is_sent_that_does_not_know_it,
	    a_nack_makes_it_read_the_configuration_again,
	    a_device_that_only_says_nack_is_not_asked_for_ever,
	    after_a_change_no_gap_is_filled_that_does_not_know_it,
	    a_nack_after_an_ack_is_looked_at_at_once_again,
	    that_the_size_is_reached_is_told_once,
	    what_an_earlier_driver_left_is_unplugged_before_anything_else,
	    a_step_moves_one_sub_block_at_most,
	    a_step_that_moves_nothing_does_a_memory_block_at_most,
	    a_failed_attempt_to_move_is_a_step_too,
	    a_block_a_request_makes_a_large_region_quick,
	};

	return UNIT_RUN("vmem-worker", tests);
}
