/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the device side of virtio-mem says of itself, and what its user does to
 * it: made, looked at, wished of, reset, listened to.
 */
#include <errno.h>

#include "lib/base/failpoint.h"
#include "tests/support/device_bed.h"
#include "tests/support/unit.h"

/* --- made ------------------------------------------------------------------
 */

START_TEST(a_new_device_says_what_it_was_made_with_and_nothing_is_plugged)
{
	dbed_start(7, 0);
	ck_assert_uint_eq(dbed_now().block, DBED_BLOCK);
	ck_assert_uint_eq(dbed_now().addr, DBED_ADDR);
	ck_assert_uint_eq(dbed_now().region, DBED_BLOCKS * DBED_BLOCK);
	ck_assert_uint_eq(dbed_now().requested, 7 * DBED_BLOCK);
	ck_assert_uint_eq(dbed_now().node, 3);
	ck_assert_uint_eq(dbed_plugged(), 0);
	ck_assert_uint_eq(dbed_usable(), 7 + DBED_EXTENT);
	ck_assert_int_eq(dbed_state(0, 7 + DBED_EXTENT), VMEM_UNPLUGGED);
	dbed_told("");
	dbed_end();
}
END_TEST

START_TEST(sizes_that_do_not_fit_make_no_device)
{
	static const struct {
		uint64_t addr, region, block, requested;
	} wrong[] = {
	    {DBED_ADDR, 4096, 0, 0},	      /* no block */
	    {DBED_ADDR, 3072, 768, 0},	      /* not a power of two */
	    {DBED_ADDR, 0, 512, 0},	      /* no region */
	    {DBED_ADDR, 4097, 512, 0},	      /* not of blocks */
	    {DBED_ADDR + 1, 4096, 512, 0},    /* not at a block */
	    {DBED_ADDR, 4096, 512, 100},      /* a wish that is none */
	    {DBED_ADDR, 4096, 512, 4608},     /* beyond the region */
	    {UINT64_MAX - 511, 4096, 512, 0}, /* over the end */
	    {0, UINT64_MAX, 1, 0},
	    {UINT64_C(1) << 51, UINT64_C(1) << 51, 512, 0},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct vmem_device_config c = dbed_config(0);

		c.addr = wrong[i].addr;
		c.region = wrong[i].region;
		c.block = wrong[i].block;
		c.requested = wrong[i].requested;
		ck_assert_msg(vmem_device_new(&c) == NULL, "%zu", i);
	}
	ck_assert_uint_eq(dbed_host_bytes, 0);
}
END_TEST

START_TEST(without_memory_for_its_records_there_is_no_device)
{
#ifdef PAGER_FAILPOINTS
	const struct vmem_device_config c = dbed_config(0);

	for (unsigned long n = 1; n <= 2; n++) {
		pager_fail_arm(n);
		ck_assert_ptr_null(vmem_device_new(&c));
		ck_assert_str_eq(pager_fail_fired(), "host");
		ck_assert_uint_eq(dbed_host_bytes, 0);
	}
	pager_fail_arm(3);
	dbed_device = vmem_device_new(&c);
	ck_assert_ptr_nonnull(dbed_device);
	ck_assert_ptr_null(pager_fail_fired());
	pager_fail_arm(0);
	dbed_end();
#endif
}
END_TEST

/* --- state
 * -------------------------------------------------------------------- */

START_TEST(state_says_plugged_unplugged_or_mixed)
{
	dbed_start(200, 0);
	dbed_plug(10, 100);
	ck_assert_int_eq(dbed_state(10, 100), VMEM_PLUGGED);
	ck_assert_int_eq(dbed_state(10, 1), VMEM_PLUGGED);
	ck_assert_int_eq(dbed_state(64, 46), VMEM_PLUGGED);
	ck_assert_int_eq(dbed_state(0, 10), VMEM_UNPLUGGED);
	ck_assert_int_eq(dbed_state(110, 218), VMEM_UNPLUGGED);
	ck_assert_int_eq(dbed_state(9, 2), VMEM_MIXED);
	ck_assert_int_eq(dbed_state(109, 2), VMEM_MIXED);
	ck_assert_int_eq(dbed_state(0, 328), VMEM_MIXED);
	dbed_unplug(63, 2);
	ck_assert_int_eq(dbed_state(10, 100), VMEM_MIXED);
	ck_assert_int_eq(dbed_state(62, 2), VMEM_MIXED);
	ck_assert_int_eq(dbed_state(63, 2), VMEM_UNPLUGGED);
	dbed_end();
}
END_TEST

START_TEST(is_plugged_looks_at_every_block_that_the_pages_touch)
{
	dbed_start(8, 0);
	dbed_plug(1, 2);
	ck_assert(vmem_device_is_plugged(dbed_device, DBED_ADDR + DBED_BLOCK,
					 2 * DBED_BLOCK));
	ck_assert(
	    vmem_device_is_plugged(dbed_device, DBED_ADDR + DBED_BLOCK + 5, 1));
	ck_assert(vmem_device_is_plugged(dbed_device,
					 DBED_ADDR + 2 * DBED_BLOCK - 1, 2));
	ck_assert(vmem_device_is_plugged(dbed_device,
					 DBED_ADDR + 3 * DBED_BLOCK - 1, 1));
	ck_assert(!vmem_device_is_plugged(dbed_device,
					  DBED_ADDR + DBED_BLOCK - 1, 2));
	ck_assert(!vmem_device_is_plugged(dbed_device,
					  DBED_ADDR + 3 * DBED_BLOCK - 1, 2));
	ck_assert(
	    !vmem_device_is_plugged(dbed_device, DBED_ADDR + DBED_BLOCK, 0));
	ck_assert(!vmem_device_is_plugged(dbed_device, DBED_ADDR - 1, 1));
	ck_assert(!vmem_device_is_plugged(dbed_device, DBED_ADDR + DBED_BLOCK,
					  UINT64_MAX));
	ck_assert(!vmem_device_is_plugged(dbed_device, UINT64_MAX, 1));
	ck_assert(!vmem_device_is_plugged(
	    dbed_device, DBED_ADDR + DBED_BLOCKS * DBED_BLOCK, 1));
	dbed_end();
}
END_TEST

/* --- wishes
 * -------------------------------------------------------------------- */

START_TEST(a_wish_that_is_not_of_blocks_or_beyond_the_region_is_refused)
{
	static const struct {
		uint64_t pages;
		unsigned int error;
	} wrong[] = {
	    {1, PAGER_EALIGN},
	    {DBED_BLOCK - 1, PAGER_EALIGN},
	    {DBED_BLOCKS * DBED_BLOCK + 1, PAGER_EALIGN},
	    {UINT64_MAX, PAGER_EALIGN}, /* less than none */
	    {(DBED_BLOCKS + 1) * DBED_BLOCK, PAGER_ERANGE},
	    {UINT64_MAX - DBED_BLOCK + 1, PAGER_ERANGE},
	};

	dbed_start(4, 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct pager_status st =
		    vmem_device_resize(dbed_device, wrong[i].pages);

		ck_assert_uint_eq(st.err, wrong[i].error);
		ck_assert_uint_eq(st.arg, PAGER_ARG_SIZE);
		ck_assert_uint_eq(dbed_now().requested, 4 * DBED_BLOCK);
		ck_assert_uint_eq(dbed_usable(), 4 + DBED_EXTENT);
	}
	ck_assert_uint_eq(dbed_interrupts, 0);
	dbed_end();
}
END_TEST

START_TEST(usable_grows_with_the_wish_and_does_not_shrink_with_it)
{
	dbed_start(0, 0);
	ck_assert_uint_eq(dbed_usable(), 0);
	ck_assert_int_eq(dbed_plug(0, 1), VMEM_ERROR);
	dbed_resize(1);
	ck_assert_uint_eq(dbed_usable(), 1 + DBED_EXTENT);
	dbed_resize(500);
	ck_assert_uint_eq(dbed_usable(), 500 + DBED_EXTENT);
	dbed_resize(0);
	ck_assert_uint_eq(dbed_usable(), 500 + DBED_EXTENT);
	dbed_resize(DBED_BLOCKS - DBED_EXTENT - 1);
	ck_assert_uint_eq(dbed_usable(), DBED_BLOCKS - 1);
	dbed_resize(DBED_BLOCKS - DBED_EXTENT);
	ck_assert_uint_eq(dbed_usable(), DBED_BLOCKS);
	dbed_resize(DBED_BLOCKS);
	ck_assert_uint_eq(dbed_usable(), DBED_BLOCKS);
	dbed_end();
}
END_TEST

START_TEST(only_unplug_all_and_reset_shrink_usable)
{
	dbed_start(500, 0);
	dbed_plug(0, 10);
	dbed_resize(20);
	dbed_unplug(0, 10);
	ck_assert_uint_eq(dbed_usable(), 500 + DBED_EXTENT);
	ck_assert_int_eq(dbed_unplug_all(), VMEM_ACK);
	ck_assert_uint_eq(dbed_usable(), 20 + DBED_EXTENT);
	dbed_resize(10);
	ck_assert_int_eq(vmem_device_reset(dbed_device), 0);
	ck_assert_uint_eq(dbed_usable(), 10 + DBED_EXTENT);
	dbed_resize(0);
	ck_assert_int_eq(dbed_unplug_all(), VMEM_ACK);
	ck_assert_uint_eq(dbed_usable(), 0);
	ck_assert_int_eq(dbed_state(0, 1), -1);
	dbed_end();
}
END_TEST

START_TEST(a_large_block_makes_the_extent_two_blocks)
{
	struct vmem_device_config c = dbed_config(0);

	c.block = 65536;
	c.addr = 65536;
	c.region = 10 * 65536;
	c.requested = 65536;
	dbed_device = vmem_device_new(&c);
	dbed_link = vmem_device_link(dbed_device);
	ck_assert_uint_eq(dbed_now().usable, 3 * 65536);
	dbed_end();
}
END_TEST

START_TEST(the_last_block_of_the_region_can_be_plugged)
{
	dbed_start(DBED_BLOCKS, 0);
	ck_assert_int_eq(dbed_plug(0, DBED_BLOCKS), VMEM_ACK);
	ck_assert_int_eq(dbed_unplug(DBED_BLOCKS - 1, 1), VMEM_ACK);
	ck_assert_int_eq(dbed_plug(DBED_BLOCKS - 1, 2), VMEM_ERROR);
	ck_assert_int_eq(dbed_plug(DBED_BLOCKS - 1, 1), VMEM_ACK);
	ck_assert_int_eq(dbed_state(0, DBED_BLOCKS), VMEM_PLUGGED);
	dbed_end();
}
END_TEST

START_TEST(the_driver_is_interrupted_once_for_each_change_of_the_wish)
{
	dbed_start(4, 0);
	dbed_resize(5);
	ck_assert_uint_eq(dbed_interrupts, 1);
	dbed_resize(5);
	ck_assert_uint_eq(dbed_interrupts, 1);
	dbed_plug(0, 1);
	dbed_unplug_all();
	ck_assert_uint_eq(dbed_interrupts, 1);
	dbed_resize(0);
	ck_assert_uint_eq(dbed_interrupts, 2);
	vmem_device_on_config(dbed_device, NULL, NULL);
	dbed_resize(3);
	ck_assert_int_eq(vmem_device_reset(dbed_device), 0);
	ck_assert_uint_eq(dbed_interrupts, 2);
	dbed_end();
}
END_TEST

START_TEST(reset_unplugs_everything_and_keeps_the_wish)
{
	dbed_start(40, 1);
	dbed_plug(3, 2);
	dbed_story[0] = '\0';
	dbed_discard_error = -EIO;
	ck_assert_int_eq(vmem_device_reset(dbed_device), -EBUSY);
	ck_assert_uint_eq(dbed_plugged(), 2);
	ck_assert_uint_eq(dbed_interrupts, 0);
	dbed_discard_error = 0;
	dbed_story[0] = '\0';
	ck_assert_int_eq(vmem_device_reset(dbed_device), 0);
	dbed_told("discard 0+1024; a:unplugged 3+2; ");
	ck_assert_uint_eq(dbed_plugged(), 0);
	ck_assert_uint_eq(dbed_now().requested, 40 * DBED_BLOCK);
	ck_assert_uint_eq(dbed_interrupts, 1);
	dbed_end();
}
END_TEST

/* --- listeners
 * ------------------------------------------------------------------ */

START_TEST(a_listener_that_was_removed_hears_nothing)
{
	dbed_start(8, 3);
	vmem_device_unlisten(dbed_device, &dbed_listener[1].l);
	vmem_device_unlisten(dbed_device, &dbed_listener[1].l);
	dbed_plug(0, 1);
	dbed_told("commit 0+1; a:plugging 0+1; c:plugging 0+1; ");
	vmem_device_unlisten(dbed_device, &dbed_listener[0].l);
	vmem_device_listen(dbed_device, &dbed_listener[0].l);
	dbed_unplug(0, 1);
	dbed_told("discard 0+1; c:unplugged 0+1; a:unplugged 0+1; ");
	vmem_device_unlisten(dbed_device, &dbed_listener[2].l);
	vmem_device_unlisten(dbed_device, &dbed_listener[0].l);
	dbed_plug(0, 1);
	dbed_told("commit 0+1; ");
	dbed_end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    a_new_device_says_what_it_was_made_with_and_nothing_is_plugged,
	    sizes_that_do_not_fit_make_no_device,
	    without_memory_for_its_records_there_is_no_device,
	    state_says_plugged_unplugged_or_mixed,
	    is_plugged_looks_at_every_block_that_the_pages_touch,
	    a_wish_that_is_not_of_blocks_or_beyond_the_region_is_refused,
	    usable_grows_with_the_wish_and_does_not_shrink_with_it,
	    only_unplug_all_and_reset_shrink_usable,
	    a_large_block_makes_the_extent_two_blocks,
	    the_last_block_of_the_region_can_be_plugged,
	    the_driver_is_interrupted_once_for_each_change_of_the_wish,
	    reset_unplugs_everything_and_keeps_the_wish,
	    a_listener_that_was_removed_hears_nothing,
	};

	return UNIT_RUN("vmem_wish", tests);
}
