/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pins and pools: what is pinned leaves movable memory first, so that a pool
 * can still be emptied; and is in the way where it must stay.
 */
#include "tests/support/pool_bed.h"

static uint64_t pa(const struct pager_space *s, uint64_t vpn)
{
	return unit_page(s, vpn).pa >> PAGER_PAGE_SHIFT;
}

static struct pager_status pin(uint64_t start, uint64_t pages)
{
	return pager_space_pin(unit_space, pager_range(start, start + pages));
}

START_TEST(a_pool_is_emptied_though_pages_of_it_were_pinned)
{
	struct pager_space *child, *other;
	struct pager_harvest h;
	struct pager_object *o;

	pbed_start(4);
	pbed_resize(4 * PBED_BLOCK);
	pbed_fill(100, 1000);
	unit_protect(unit_space, 600, 100, UNIT_R);
	child = unit_fork(unit_space);
	o = unit_object(10);
	other = test_world_space(&unit_world, 0, 1000);
	unit_map_object(unit_space, 5000, 10, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	unit_map_object(other, 10, 10, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	unit_fill(other, 10, 10, 77);
	ck_assert_uint_ge(pa(unit_space, 600), PBED_AT);
	ck_assert_uint_ge(pa(other, 10), PBED_AT);
	unit_ok(pin(300, 20));	/* private: copied from what the child has */
	unit_ok(pin(600, 20));	/* to be read: shared with the child */
	unit_ok(pin(5000, 10)); /* an object's */
	unit_check();
	for (uint64_t i = 0; i < 10; i++) {
		ck_assert_uint_lt(pa(unit_space, 300 + i), PBED_BOOT);
		ck_assert_uint_ge(pa(child, 300 + i), PBED_AT);
		ck_assert_uint_lt(pa(unit_space, 600 + i), PBED_BOOT);
		ck_assert_uint_eq(pa(unit_space, 600 + i), pa(child, 600 + i));
		ck_assert_uint_lt(pa(other, 10 + i), PBED_BOOT);
		ck_assert_uint_eq(unit_get(unit_space, 5000 + i), 77 + i);
	}
	ck_assert_uint_eq(pbed_info().pinned, 0);
	ck_assert_uint_eq(pbed_core->frames.pinned, 50);
	h = pager_space_harvest(child, pager_range(600, 620));
	ck_assert_uint_eq(h.dirty, 20);
	pbed_resize(0);
	ck_assert_uint_eq(unit_world.backing.committed, 0);
	pbed_filled(100, 1000);
	ck_assert_uint_eq(unit_get(child, 600), (uint8_t)(100 + 500));
	unit_end();
}
END_TEST

START_TEST(what_is_pinned_in_a_block_of_the_zone_kernel_keeps_it)
{
	struct pager_holder row[4];
	uint64_t cursor = 0, pfn;

	pbed_start(1);
	pbed_resize(PBED_BLOCK);
	unit_ok(pager_pool_offline(pbed_pool, PBED_AT));
	unit_ok(pager_pool_online(pbed_pool, PBED_AT, VMEM_ZONE_KERNEL));
	/* More than boot memory has. */
	unit_map(unit_space, 0, PBED_BOOT + 100, UNIT_RW);
	unit_ok(pin(0, PBED_BOOT + 100));
	unit_check();
	ck_assert_uint_gt(pbed_info().pinned, 100);
	unit_ok(pager_pool_resize(pbed_pool, 0));
	test_world_settle(&unit_world, 3);
	ck_assert_uint_gt(pbed_info().plugged, 0);
	ck_assert_uint_gt(pbed_info().busy, 0);
	ck_assert_uint_gt(
	    pager_pool_holders(pbed_pool, PBED_AT, PBED_BLOCK, &cursor, row, 4),
	    0);
	ck_assert_uint_eq(row[0].pinned, row[0].pages);
	pfn = pa(unit_space, row[0].vpn);
	ck_assert_uint_ge(pfn, PBED_AT);
	unit_refused(pager_pool_offline(pbed_pool, PBED_AT), PAGER_EBUSY,
		     PAGER_ARG_ADDR);
	/* Free room elsewhere, and the pin undone: the pages may go. */
	unit_ok(pager_space_unpin(unit_space, pager_range(0, PBED_BOOT + 100)));
	unit_unmap(unit_space, 0, 200);
	test_world_settle(&unit_world, 100);
	ck_assert_uint_eq(pbed_info().plugged, 0);
	unit_end();
}
END_TEST

START_TEST(a_contiguous_map_lies_in_the_zone_kernel)
{
	const struct pager_map_args a = {
	    .pages = 600, .prot = UNIT_RW, .flags = PAGER_MAP_CONTIG};
	uint64_t at;

	pbed_start(4);
	pbed_resize(4 * PBED_BLOCK);
	unit_ok(pager_space_map(unit_space, &a, &at));
	ck_assert_uint_le(pa(unit_space, at) + 600, PBED_BOOT);
	pbed_resize(0);
	unit_end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    a_pool_is_emptied_though_pages_of_it_were_pinned,
	    what_is_pinned_in_a_block_of_the_zone_kernel_keeps_it,
	    a_contiguous_map_lies_in_the_zone_kernel,
	};

	return UNIT_RUN("pin-pool", tests);
}
