/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pins: populated, resident for as long as they last, not inherited.
 */
#include "tests/support/unit.h"

static struct pager_status pin(uint64_t start, uint64_t end)
{
	return pager_space_pin(unit_space, pager_range(start, end));
}

static struct pager_status unpin(uint64_t start, uint64_t end)
{
	return pager_space_unpin(unit_space, pager_range(start, end));
}

START_TEST(pin_populates_for_writing_what_may_be_written)
{
	struct pager_object *o;
	struct pager_space_info i;

	unit_start(NULL);
	o = unit_object(8);
	unit_map(unit_space, 100, 4, UNIT_RW);
	unit_map(unit_space, 104, 4, UNIT_R);
	unit_map_object(unit_space, 108, 4, UNIT_RW, 0, o, 0);
	unit_map_object(unit_space, 112, 4, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	unit_ok(pin(100, 116));
	unit_check();
	i = unit_info(unit_space);
	ck_assert_uint_eq(i.anon, 8);
	ck_assert_uint_eq(i.zero, 4);
	ck_assert_uint_eq(i.object, 4);
	for (uint64_t v = 100; v < 116; v++) {
		ck_assert_uint_eq(
		    unit_fault(unit_space, v, PAGER_ACCESS_READ).result,
		    PAGER_FAULT_PRESENT);
		ck_assert(unit_region(unit_space, v).flags &
			  PAGER_REGION_PINNED);
	}
	ck_assert_uint_eq(unit_info(unit_space).minor_faults, i.minor_faults);
	unit_end();
}
END_TEST

START_TEST(pin_copies_what_a_fork_shares)
{
	struct pager_space *child;

	unit_start(NULL);
	unit_map(unit_space, 100, 4, UNIT_RW);
	unit_fill(unit_space, 100, 4, 1);
	child = unit_fork(unit_space);
	unit_ok(pin(100, 104));
	unit_check();
	for (uint64_t v = 100; v < 104; v++) {
		ck_assert_uint_eq(unit_page(unit_space, v).refs, 1);
		ck_assert_uint_eq(unit_page(unit_space, v).access &
				      PAGER_ACCESS_WRITE,
				  PAGER_ACCESS_WRITE);
		ck_assert_uint_eq(unit_get(child, v), v - 99);
	}
	unit_end();
}
END_TEST

START_TEST(pinned_pages_are_not_dropped)
{
	unit_start(NULL);
	unit_map(unit_space, 100, 10, UNIT_RW);
	unit_fill(unit_space, 100, 10, 1);
	unit_ok(pin(103, 106));
	unit_refused(pager_space_advise(unit_space, pager_range(100, 110),
					PAGER_ADV_DONTNEED),
		     PAGER_EBUSY, PAGER_ARG_ADDR);
	unit_refused(pager_space_advise(unit_space, pager_range(105, 110),
					PAGER_ADV_FREE),
		     PAGER_EBUSY, PAGER_ARG_ADDR);
	unit_advise(unit_space, 106, 4, PAGER_ADV_DONTNEED);
	unit_ok(unpin(100, 110));
	ck_assert_uint_eq(unit_info(unit_space).regions, 1);
	unit_advise(unit_space, 100, 10, PAGER_ADV_DONTNEED);
	ck_assert_uint_eq(unit_info(unit_space).resident, 0);
	unit_end();
}
END_TEST

START_TEST(a_page_advised_free_before_the_pin_stays)
{
	const struct test_world_config config = {.frames = 12};
	struct pager_fault_info info;

	unit_start(&config);
	unit_map(unit_space, 100, 10, UNIT_RW);
	unit_fill(unit_space, 100, 10, 1);
	unit_advise(unit_space, 100, 10, PAGER_ADV_FREE);
	unit_protect(unit_space, 105, 5, UNIT_R);
	unit_ok(pin(100, 110));
	unit_map(unit_space, 200, 4, UNIT_RW);
	unit_put(unit_space, 200, 1);
	unit_refused(
	    pager_space_fault(unit_space, 201, PAGER_ACCESS_WRITE, &info),
	    PAGER_ENOMEM, PAGER_ARG_NONE);
	for (uint64_t v = 100; v < 110; v++)
		ck_assert_uint_eq(unit_get(unit_space, v), v - 99);
	unit_end();
}
END_TEST

START_TEST(a_mark_that_a_fork_hid_from_the_pin_does_not_count)
{
	const struct test_world_config config = {.frames = 12};
	struct pager_fault_info info;
	struct pager_space *child;

	unit_start(&config);
	unit_map(unit_space, 100, 10, UNIT_RW);
	unit_fill(unit_space, 100, 10, 1);
	unit_advise(unit_space, 100, 10, PAGER_ADV_FREE);
	unit_protect(unit_space, 100, 10, UNIT_R);
	child = unit_fork(unit_space);
	unit_ok(pin(100, 110));
	pager_space_free(child);
	unit_map(unit_space, 200, 4, UNIT_RW);
	unit_put(unit_space, 200, 1);
	unit_refused(
	    pager_space_fault(unit_space, 201, PAGER_ACCESS_WRITE, &info),
	    PAGER_ENOMEM, PAGER_ARG_NONE);
	for (uint64_t v = 100; v < 110; v++)
		ck_assert_uint_eq(unit_get(unit_space, v), v - 99);
	unit_ok(unpin(100, 110));
	unit_put(unit_space, 201, 2); /* now they may go */
	ck_assert_uint_eq(unit_get(unit_space, 105), 0);
	unit_end();
}
END_TEST

START_TEST(a_child_is_not_pinned_and_its_regions_merge)
{
	struct pager_space *child;

	unit_start(NULL);
	unit_map(unit_space, 100, 10, UNIT_RW);
	unit_ok(pin(103, 106));
	child = unit_fork(unit_space);
	unit_check();
	ck_assert_uint_eq(unit_info(unit_space).regions, 3);
	ck_assert_uint_eq(unit_region(child, 104).flags, 0);
	ck_assert_uint_eq(unit_info(child).regions, 1);
	unit_advise(child, 100, 10, PAGER_ADV_DONTNEED);
	unit_end();
}
END_TEST

START_TEST(a_pin_that_cannot_be_kept_is_refused_and_changes_nothing)
{
	const struct test_world_config config = {.frames = 8};
	struct pager_object *o;

	unit_start(&config);
	o = unit_object(2);
	unit_map(unit_space, 100, 10, UNIT_RW);
	unit_map(unit_space, 110, 2, 0);
	unit_map_object(unit_space, 120, 4, UNIT_R, 0, o, 0);
	unit_put(unit_space, 100, 1);
	unit_refused(pin(100, 110), PAGER_ENOMEM, PAGER_ARG_LEN);
	unit_refused(pin(100, 108), PAGER_ENOMEM, PAGER_ARG_NONE);
	unit_refused(pin(109, 112), PAGER_ESIGNAL, PAGER_ARG_ADDR);
	unit_refused(pin(120, 123), PAGER_ESIGNAL, PAGER_ARG_LEN);
	unit_refused(pin(108, 113), PAGER_EUNMAPPED, PAGER_ARG_ADDR);
	unit_refused(pin(99, 101), PAGER_EUNMAPPED, PAGER_ARG_ADDR);
	unit_refused(unpin(108, 113), PAGER_EUNMAPPED, PAGER_ARG_ADDR);
	unit_refused(pin(105, 105), PAGER_EINVAL, PAGER_ARG_LEN);
	unit_refused(unpin(105, 105), PAGER_EINVAL, PAGER_ARG_LEN);
	unit_ok(unpin(100, 110));
	unit_ok(pin(120, 122));
	unit_limit(PAGER_RES_FRAMES, 5);
	unit_refused(pin(100, 104), PAGER_ELIMIT, PAGER_ARG_LEN);
	unit_no_limits();
	unit_end();
}
END_TEST

START_TEST(a_pinned_range_can_be_unmapped_and_replaced)
{
	unit_start(NULL);
	unit_map(unit_space, 100, 10, UNIT_RW);
	unit_ok(pin(100, 110));
	unit_unmap(unit_space, 102, 2);
	unit_map(unit_space, 105, 2, UNIT_R);
	unit_check();
	ck_assert_uint_eq(unit_region(unit_space, 105).flags, 0);
	ck_assert_uint_eq(unit_region(unit_space, 107).flags,
			  PAGER_REGION_PINNED);
	unit_end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    pin_populates_for_writing_what_may_be_written,
	    pin_copies_what_a_fork_shares,
	    pinned_pages_are_not_dropped,
	    a_page_advised_free_before_the_pin_stays,
	    a_mark_that_a_fork_hid_from_the_pin_does_not_count,
	    a_child_is_not_pinned_and_its_regions_merge,
	    a_pin_that_cannot_be_kept_is_refused_and_changes_nothing,
	    a_pinned_range_can_be_unmapped_and_replaced,
	};

	return UNIT_RUN("pin", tests);
}
