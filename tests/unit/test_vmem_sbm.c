/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sub-block mode against a scripted device and a scripted memory manager:
 * memory blocks of four pages from 400 on, sub-blocks of one page.
 */
#include <errno.h>

#include "tests/support/unit.h"
#include "tests/support/vmem_script.h"

/* --- which mode ------------------------------------------------------------
 */

START_TEST(sub_blocks_if_two_fit_a_memory_block)
{
	static const struct {
		uint64_t block, unit;
		bool force, bbm;
		uint64_t size;
	} t[] = {{1, 1, false, false, 1}, {1, 2, false, false, 2},
		 {2, 1, false, false, 2}, {4, 1, false, true, 4},
		 {1, 4, false, true, 4},  {8, 1, false, true, 8},
		 {1, 1, true, true, 4}};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct vmem_driver_info info;

		vs_init(&vs);
		vs.device.block = t[i].block;
		vs.config.unit = t[i].unit;
		vs.config.force_bbm = t[i].force;
		vs_start(&vs);
		ck_assert_ptr_nonnull(vs.driver);
		info = vs_info(&vs);
		ck_assert_int_eq(info.bbm, t[i].bbm);
		ck_assert_uint_eq(info.sub_block, t[i].size);
		vs_end(&vs);
	}
}
END_TEST

START_TEST(sizes_that_do_not_fit_make_no_driver)
{
	for (unsigned int i = 0; i < 8; i++) {
		vs_init(&vs);
		switch (i) {
		case 0:
			vs.device.block = 3;
			break;
		case 1:
			vs.config.unit = 3;
			break;
		case 2:
			vs.config.unit = 0;
			break;
		case 3:
			vs.memory_block = 6;
			break;
		case 4:
			vs.device.region = 3;
			break;
		case 5:
			vs.device.block = 2;
			vs.device.addr = 401;
			break;
		case 6:
			vs.config.force_bbm = true;
			vs.config.bbm_block = 2;
			break;
		case 7:
			vs.config.force_bbm = true;
			vs.config.bbm_block = 12;
			break;
		}
		vs_start(&vs);
		ck_assert_msg(!vs.driver, "case %u", i);
		ck_assert_uint_eq(vs.host_pieces, 0);
	}
}
END_TEST

START_TEST(without_memory_there_is_no_driver)
{
	for (uint64_t pieces = 1; pieces < 2; pieces++) {
		vs_init(&vs);
		vs.host_limit = pieces;
		vs_start(&vs);
		ck_assert_ptr_null(vs.driver);
		ck_assert_uint_eq(vs.host_pieces, 0);
	}
}
END_TEST

START_TEST(only_whole_memory_blocks_of_the_region_are_used)
{
	vs_init(&vs);
	vs.memory_block = 16; /* 400 is a multiple */
	vs.device.addr = 408;
	vs.device.region = 50; /* 408 .. 458: 416 and 432 are whole */
	vs.device.usable = 50;
	vs_start(&vs);
	ck_assert_ptr_nonnull(vs.driver);
	vs_request(&vs, 50);
	ck_assert_int_eq(vs_run(&vs, 0), VMEM_BLOCKED);
	vs_said(&vs, "PLUG 416+16, plugged 416+16, add 416+16, "
		     "PLUG 432+16, plugged 432+16, add 432+16");
	vs_end(&vs);
}
END_TEST

/* --- plugging --------------------------------------------------------------
 */

START_TEST(a_new_block_is_plugged_then_added)
{
	struct vs *s = vs_fresh(VMEM_ZONE_MOVABLE);

	vs_go(4);
	vs_said(s, "PLUG 400+4, plugged 400+4, add 400+4");
	vs_told(s, "plug 400+4, reached 4");
	ck_assert_uint_eq(vs_state(400), SBM_MOVABLE);
	vs_done();
}
END_TEST

START_TEST(a_block_comes_online_in_the_zone_it_is_given)
{
	vs_fresh(VMEM_ZONE_KERNEL);
	vs_go(4);
	ck_assert_uint_eq(vs_state(400), SBM_KERNEL);
	vs_done();
}
END_TEST

START_TEST(a_part_of_a_block_is_plugged_from_its_start)
{
	struct vs *s = vs_fresh(VMEM_ZONE_KERNEL);

	vs_go(3);
	vs_said(s, "PLUG 400+3, plugged 400+3, add 400+4");
	ck_assert_uint_eq(vs_state(400), SBM_KERNEL_PARTIAL);
	vs_done();
}
END_TEST

START_TEST(a_block_that_stays_offline_is_offline)
{
	vs_fresh(VS_STAY_OFFLINE);
	vs_go(6);
	ck_assert_uint_eq(vs_state(400), SBM_OFFLINE);
	ck_assert_uint_eq(vs_state(404), SBM_OFFLINE_PARTIAL);
	ck_assert_uint_eq(vs_info(&vs).offline, 6);
	vs_done();
}
END_TEST

START_TEST(a_rest_below_a_sub_block_is_not_plugged)
{
	vs_init(&vs);
	vs.config.unit = 2;
	vs_start(&vs);
	vs_go(5);
	vs_said(&vs, "PLUG 400+4, plugged 400+4, add 400+4");
	vs_told(&vs, "plug 400+4, reached 4");
	vs_done();
}
END_TEST

static void online_denied_before(struct vs *s, enum vs_call call)
{
	(void)s;
	if (call == VS_PLUG)
		ck_assert_uint_eq(vs_state(400), SBM_UNUSED);
	if (call == VS_ADD)
		ck_assert_uint_eq(vs_state(400), SBM_OFFLINE_PARTIAL);
}

START_TEST(the_state_is_set_before_the_memory_is_added)
{
	struct vs *s = vs_fresh(VS_STAY_OFFLINE);

	s->hook = online_denied_before;
	vs_go(3);
	vs_done();
}
END_TEST

START_TEST(add_failed_unplug_worked_the_block_is_unused)
{
	struct vs *s = vs_fresh(VMEM_ZONE_MOVABLE);

	vs_answer(s, VS_ADD, 1, -ENOMEM);
	vs_request(s, 3);
	ck_assert_int_eq(vs_run(s, 0), VMEM_WAIT);
	vs_said(s, "PLUG 400+3, plugged 400+3, add 400+4=ENOMEM, "
		   "UNPLUG 400+3, unplugged 400+3");
	ck_assert_uint_eq(vs_state(400), SBM_UNUSED);
	ck_assert_uint_eq(vs_info(s).states[SBM_UNUSED], 1);
	ck_assert_int_eq(vs_info(s).last_error, -ENOMEM);
	vs_check(s);
	ck_assert_int_eq(vs_run(s, 10), VMEM_IDLE);
	vs_said(s, "PLUG 400+3, plugged 400+3, add 400+4");
	vs_done();
}
END_TEST

START_TEST(add_failed_unplug_failed_the_block_is_plugged_and_tried_first)
{
	struct vs *s = vs_with(VMEM_ZONE_MOVABLE, 2);

	vs_answer(s, VS_ADD, 1, -ENOMEM);
	vs_answer(s, VS_UNPLUG, 1, VMEM_BUSY);
	vs_answer(s, VS_UNPLUG, 2, VMEM_BUSY);
	vs_request(s, 8);
	ck_assert_int_eq(vs_run(s, 0), VMEM_WAIT);
	vs_said(s, "PLUG 402+2, plugged 402+2, return 402+2, "
		   "PLUG 404+4, plugged 404+4, add 404+4=ENOMEM, "
		   "UNPLUG 404+4=BUSY");
	ck_assert_uint_eq(vs_state(404), SBM_PLUGGED);
	ck_assert_uint_eq(vs_info(s).offline, 4);
	vs_check(s);
	ck_assert_int_eq(vs_run(s, 10), VMEM_WAIT);
	vs_said(s, "UNPLUG 404+4=BUSY");
	ck_assert_uint_eq(vs_state(404), SBM_PLUGGED);
	/* Even a run that has nothing else to do tries it. */
	ck_assert_int_eq(vs_run(s, 30), VMEM_IDLE);
	vs_said(s, "UNPLUG 404+4, unplugged 404+4, PLUG 404+4, plugged 404+4, "
		   "add 404+4");
	vs_done();
}
END_TEST

START_TEST(plug_order_is_kernel_movable_and_offline_partial_unused_new)
{
	struct vs *s = vs_with(VS_STAY_OFFLINE, 24);

	for (uint64_t b = 400; b < 420; b += 4) {
		vs_online(s, b, b % 8 ? VMEM_ZONE_KERNEL : VMEM_ZONE_MOVABLE);
		vs_use(s, b, 3, true);
	}
	vs_go(24 - 4 - 5); /* 420, and the last page of the others */
	vs_unuse(s, 416, 4);
	ck_assert_int_eq(vs_offline(s, 416), 0);
	ck_assert_uint_eq(vs_state(400), SBM_MOVABLE_PARTIAL);
	ck_assert_uint_eq(vs_state(404), SBM_KERNEL_PARTIAL);
	ck_assert_uint_eq(vs_state(416), SBM_OFFLINE_PARTIAL);
	ck_assert_uint_eq(vs_state(420), SBM_UNUSED);
	vs_hush(s);
	vs_go(28);
	vs_said(s, "PLUG 407+1, plugged 407+1, return 407+1, "
		   "PLUG 415+1, plugged 415+1, return 415+1, "
		   "PLUG 403+1, plugged 403+1, return 403+1, "
		   "PLUG 411+1, plugged 411+1, return 411+1, "
		   "PLUG 419+1, plugged 419+1, "
		   "PLUG 420+4, plugged 420+4, add 420+4, "
		   "PLUG 424+4, plugged 424+4, add 424+4");
	vs_done();
}
END_TEST

START_TEST(gaps_are_filled_from_the_bottom_a_request_a_gap)
{
	struct vs *s = vs_with(VMEM_ZONE_KERNEL, 4);

	vs_use(s, 401, 1, true);
	vs_go(1);
	vs_hush(s);
	vs_go(3);
	vs_said(s, "PLUG 400+1, plugged 400+1, return 400+1, "
		   "PLUG 402+1, plugged 402+1, return 402+1");
	ck_assert_uint_eq(vs_state(400), SBM_KERNEL_PARTIAL);
	vs_go(4);
	ck_assert_uint_eq(vs_state(400), SBM_KERNEL);
	vs_done();
}
END_TEST

START_TEST(a_gap_that_cannot_be_plugged_leaves_those_before_it_plugged)
{
	struct vs *s = vs_with(VMEM_ZONE_KERNEL, 4);

	vs_use(s, 401, 1, true);
	vs_go(1);
	vs_hush(s);
	vs_answer(s, VS_PLUG, 2, VMEM_BUSY);
	vs_request(s, 4);
	ck_assert_int_eq(vs_run(s, 0), VMEM_WAIT);
	vs_said(s, "PLUG 400+1, plugged 400+1, return 400+1, PLUG 402+2=BUSY");
	ck_assert_uint_eq(vs_state(400), SBM_KERNEL_PARTIAL);
	vs_done();
}
END_TEST

START_TEST(an_unused_block_is_used_before_a_new_one)
{
	struct vs *s = vs_with(VMEM_ZONE_KERNEL, 12);

	vs_use(s, 400, 4, true);
	vs_use(s, 408, 4, true);
	vs_go(8);
	ck_assert_uint_eq(vs_state(404), SBM_UNUSED);
	vs_hush(s);
	vs_go(16);
	vs_said(s, "PLUG 404+4, plugged 404+4, add 404+4, "
		   "PLUG 412+4, plugged 412+4, add 412+4");
	vs_done();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	    sub_blocks_if_two_fit_a_memory_block,
	    sizes_that_do_not_fit_make_no_driver,
	    without_memory_there_is_no_driver,
	    only_whole_memory_blocks_of_the_region_are_used,
	    a_new_block_is_plugged_then_added,
	    a_block_comes_online_in_the_zone_it_is_given,
	    a_part_of_a_block_is_plugged_from_its_start,
	    a_block_that_stays_offline_is_offline,
	    a_rest_below_a_sub_block_is_not_plugged,
	    the_state_is_set_before_the_memory_is_added,
	    add_failed_unplug_worked_the_block_is_unused,
	    add_failed_unplug_failed_the_block_is_plugged_and_tried_first,
	    plug_order_is_kernel_movable_and_offline_partial_unused_new,
	    gaps_are_filled_from_the_bottom_a_request_a_gap,
	    a_gap_that_cannot_be_plugged_leaves_those_before_it_plugged,
	    an_unused_block_is_used_before_a_new_one,
	};

	return UNIT_RUN("vmem-sbm", tests);
}
