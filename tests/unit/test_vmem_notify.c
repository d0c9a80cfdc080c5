/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory blocks of sub-block mode go on- and offline: by themselves, by hand,
 * while the driver works on them, and not at all.
 */
#include <errno.h>

#include "tests/support/unit.h"
#include "tests/support/vmem_script.h"

static int notify(enum vmem_event event, uint64_t pfn)
{
	return vmem_driver_notify(vs.driver, event, pfn, VMEM_ZONE_MOVABLE);
}

START_TEST(an_offline_block_comes_online_in_a_zone_and_goes_back)
{
	struct vs *s = vs_with(VS_STAY_OFFLINE, 7);

	ck_assert_int_eq(vs_online(s, 400, VMEM_ZONE_KERNEL), 0);
	ck_assert_int_eq(vs_online(s, 404, VMEM_ZONE_KERNEL), 0);
	ck_assert_uint_eq(vs_state(400), SBM_KERNEL);
	ck_assert_uint_eq(vs_state(404), SBM_KERNEL_PARTIAL);
	vs_check(s);
	ck_assert_int_eq(vs_offline(s, 400), 0);
	ck_assert_int_eq(vs_offline(s, 404), 0);
	ck_assert_uint_eq(vs_state(400), SBM_OFFLINE);
	ck_assert_uint_eq(vs_state(404), SBM_OFFLINE_PARTIAL);
	vs_check(s);
	ck_assert_int_eq(vs_online(s, 400, VMEM_ZONE_MOVABLE), 0);
	ck_assert_int_eq(vs_online(s, 404, VMEM_ZONE_MOVABLE), 0);
	ck_assert_uint_eq(vs_state(400), SBM_MOVABLE);
	ck_assert_uint_eq(vs_state(404), SBM_MOVABLE_PARTIAL);
	vs_done();
}
END_TEST

START_TEST(unplugged_sub_blocks_of_a_block_that_comes_online_are_not_given_out)
{
	struct vs *s = vs_with(VS_STAY_OFFLINE, 3);

	ck_assert_int_eq(vs_online(s, 400, VMEM_ZONE_KERNEL), 0);
	ck_assert(s->page[2].usable);
	ck_assert(!s->page[3].usable);
	ck_assert(!vmem_driver_is_plugged(s->driver, 403));
	ck_assert(!vmem_driver_is_plugged(s->driver, 399));
	ck_assert(!vmem_driver_is_plugged(s->driver, 464));
	vs_hush(s);
	vs_go(4);
	vs_said(s, "PLUG 403+1, plugged 403+1, return 403+1");
	ck_assert(s->page[3].usable);
	vs_done();
}
END_TEST

START_TEST(a_block_that_is_not_added_may_not_come_online)
{
	struct vs *s = vs_fresh(VMEM_ZONE_MOVABLE);

	ck_assert_int_eq(notify(VMEM_GOING_ONLINE, 400), -EBUSY);
	vs_answer(s, VS_ADD, 1, -ENOMEM);
	vs_answer(s, VS_UNPLUG, 1, VMEM_BUSY);
	vs_request(s, 4);
	ck_assert_int_eq(vs_run(s, 0), VMEM_WAIT);
	ck_assert_uint_eq(vs_state(400), SBM_PLUGGED);
	ck_assert_int_eq(notify(VMEM_GOING_ONLINE, 400), -EBUSY);
	ck_assert_int_eq(notify(VMEM_GOING_OFFLINE, 400), -EBUSY);
	vs_done();
}
END_TEST

START_TEST(others_memory_is_nothing_to_the_driver)
{
	vs_fresh(VMEM_ZONE_MOVABLE);
	ck_assert_int_eq(notify(VMEM_GOING_ONLINE, 396), 0);
	ck_assert_int_eq(notify(VMEM_ONLINE, 396), 0);
	ck_assert_int_eq(notify(VMEM_GOING_OFFLINE, 464), 0);
	ck_assert_int_eq(notify(VMEM_OFFLINE, 464), 0);
	vs_done();
}
END_TEST

START_TEST(a_veto_keeps_a_new_block_offline)
{
	struct vs *s = vs_fresh(VMEM_ZONE_MOVABLE);

	vs_answer(s, VS_ONLINING, 1, -EBUSY);
	vs_go(8);
	ck_assert_uint_eq(vs_state(400), SBM_OFFLINE);
	ck_assert_uint_eq(vs_state(404), SBM_MOVABLE);
	vs_done();
}
END_TEST

START_TEST(a_veto_keeps_a_block_online)
{
	struct vs *s = vs_with(VMEM_ZONE_MOVABLE, 3);

	vs_answer(s, VS_OFFLINING, 1, -EBUSY);
	ck_assert_int_eq(vs_offline(s, 400), -EBUSY);
	ck_assert_uint_eq(vs_state(400), SBM_MOVABLE_PARTIAL);
	vs_check(s);
	vs_go(4); /* the driver is not waiting for the end of it */
	vs_done();
}
END_TEST

START_TEST(nothing_is_done_between_a_question_and_its_end)
{
	struct vs *s = vs_with(VMEM_ZONE_MOVABLE, 4);

	ck_assert_int_eq(notify(VMEM_GOING_OFFLINE, 400), 0);
	vs_request(s, 0);
	for (unsigned int i = 0; i < 10; i++)
		ck_assert_int_eq(vs_step(s, 0), VMEM_MORE);
	vs_said(s, "");
	notify(VMEM_CANCEL_OFFLINE, 400);
	ck_assert_int_eq(vs_run(s, 0), VMEM_IDLE);
	ck_assert_uint_eq(vs_info(s).plugged, 0);
	/* Told of an end that it was not asked about, it takes no notice. */
	notify(VMEM_CANCEL_OFFLINE, 400);
	notify(VMEM_CANCEL_ONLINE, 400);
	vs_go(4);
	vs_done();
}
END_TEST

static enum vs_call at_call;
static unsigned int asked;

/* Somebody wants to change the block in the middle of the driver's work. */
static void ask(struct vs *s, enum vs_call call)
{
	(void)s;
	if (call != at_call)
		return;
	asked++;
	ck_assert_int_eq(notify(VMEM_GOING_OFFLINE, 400), -EBUSY);
	ck_assert_int_eq(notify(VMEM_GOING_ONLINE, 400), -EBUSY);
}

static void ask_at(enum vs_call call)
{
	at_call = call;
	asked = 0;
	vs.hook = ask;
}

START_TEST(a_block_may_not_go_offline_while_a_part_of_it_is_unplugged)
{
	static const enum vs_call calls[] = {VS_TAKE, VS_UNPLUG, VS_UNPLUGGED};

	for (size_t i = 0; i < 3; i++) {
		struct vs *s = vs_with(VMEM_ZONE_MOVABLE, 4);

		ask_at(calls[i]);
		vs_go(2);
		ck_assert_uint_eq(asked, 1);
		vs_said(s, "take 402+2, UNPLUG 402+2, unplugged 402+2");
		ck_assert_int_eq(vs_offline(s, 400), 0);
		vs_done();
	}
}
END_TEST

START_TEST(a_block_may_not_go_offline_while_a_part_of_it_is_plugged)
{
	static const enum vs_call calls[] = {VS_PLUG, VS_PLUGGED, VS_RETURN};

	for (size_t i = 0; i < 3; i++) {
		vs_with(VMEM_ZONE_MOVABLE, 2);
		ask_at(calls[i]);
		vs_go(4);
		ck_assert_uint_eq(asked, 1);
		vs_done();
	}
}
END_TEST

START_TEST(a_block_may_not_come_online_while_a_part_of_it_is_unplugged)
{
	static const enum vs_call calls[] = {VS_UNPLUG, VS_UNPLUGGED};

	for (size_t i = 0; i < 2; i++) {
		struct vs *s = vs_with(VS_STAY_OFFLINE, 4);

		ask_at(calls[i]);
		vs_go(2);
		ck_assert_uint_eq(asked, 1);
		ck_assert_int_eq(vs_online(s, 400, VMEM_ZONE_MOVABLE), 0);
		vs_done();
	}
}
END_TEST

START_TEST(another_block_may_go_offline_meanwhile)
{
	struct vs *s = vs_with(VMEM_ZONE_MOVABLE, 8);

	vs_use(s, 400, 8, false);
	vs_request(s, 0);
	while (vs_info(s).plugged > 6)
		ck_assert_int_eq(vs_step(s, 0), VMEM_MORE);
	ck_assert_int_eq(vs_offline(s, 400), 0);
	/* This run does not look at it any more, but one that removed a block
	 * is followed by another. */
	vs_hush(s);
	ck_assert_int_eq(vs_run(s, 0), VMEM_IDLE);
	vs_said(s, "take 405+1, UNPLUG 405+1, unplugged 405+1, "
		   "take 404+1, UNPLUG 404+1, unplugged 404+1, "
		   "offline_and_remove 404+4, "
		   "UNPLUG 400+4, unplugged 400+4, remove 400+4");
	vs_done();
}
END_TEST

START_TEST(a_block_that_went_offline_between_two_steps_is_left_alone)
{
	struct vs *s = vs_with(VMEM_ZONE_MOVABLE, 8);

	vs_use(s, 400, 8, false);
	vs_request(s, 2);
	while (vs_info(s).plugged > 6)
		ck_assert_int_eq(vs_step(s, 0), VMEM_MORE);
	vs_hush(s);
	ck_assert_int_eq(vs_offline(s, 404), 0);
	ck_assert_uint_eq(vs_state(404), SBM_OFFLINE_PARTIAL);
	vs_check(s);
	ck_assert_int_eq(vs_run(s, 0), VMEM_IDLE);
	vs_said(s, "take 403+1, UNPLUG 403+1, unplugged 403+1, "
		   "take 402+1, UNPLUG 402+1, unplugged 402+1, "
		   "take 401+1, UNPLUG 401+1, unplugged 401+1, "
		   "take 400+1, UNPLUG 400+1, unplugged 400+1, "
		   "offline_and_remove 400+4");
	vs_done();
}
END_TEST

START_TEST(with_offline_only_what_is_online_stays)
{
	vs_init(&vs);
	vs.config.offline_only = true;
	vs_start(&vs);
	vs_go(8);
	ck_assert_int_eq(vs_offline(&vs, 400), 0);
	vs_hush(&vs);
	vs_request(&vs, 0);
	ck_assert_int_eq(vs_run(&vs, 0), VMEM_IDLE);
	vs_said(&vs, "UNPLUG 400+4, unplugged 400+4, remove 400+4");
	vs_told(&vs, "unplug 400+4");
	/* It goes on as soon as something is offline. */
	ck_assert_int_eq(vs_offline(&vs, 404), 0);
	ck_assert_int_eq(vs_run(&vs, 0), VMEM_IDLE);
	vs_said(&vs, "UNPLUG 404+4, unplugged 404+4, remove 404+4");
	vs_told(&vs, "unplug 404+4, reached 0");
	vs_done();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	    an_offline_block_comes_online_in_a_zone_and_goes_back,
	    unplugged_sub_blocks_of_a_block_that_comes_online_are_not_given_out,
	    a_block_that_is_not_added_may_not_come_online,
	    others_memory_is_nothing_to_the_driver,
	    a_veto_keeps_a_new_block_offline,
	    a_veto_keeps_a_block_online,
	    nothing_is_done_between_a_question_and_its_end,
	    a_block_may_not_go_offline_while_a_part_of_it_is_unplugged,
	    a_block_may_not_go_offline_while_a_part_of_it_is_plugged,
	    a_block_may_not_come_online_while_a_part_of_it_is_unplugged,
	    another_block_may_go_offline_meanwhile,
	    a_block_that_went_offline_between_two_steps_is_left_alone,
	    with_offline_only_what_is_online_stays,
	};

	return UNIT_RUN("vmem-notify", tests);
}
