/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page fault: what every access to every kind of page installs, what it
 * answers when it may not, and what is left when memory is short.
 */
#include <string.h>

#include "lib/core/pte.h"
#include "tests/support/unit.h"

enum { R = PAGER_ACCESS_READ, W = PAGER_ACCESS_WRITE, X = PAGER_ACCESS_EXEC };

START_TEST(a_fault_on_a_present_page_allocates_nothing)
{
	struct pager_object *o;
	struct pager_space_info before;
	struct pager_stats start;

	unit_start(NULL);
	o = unit_object(4);
	unit_map(unit_space, 100, 2, PAGER_PROT_ALL);
	unit_map_object(unit_space, 102, 2, UNIT_RX, 0, o, 0);
	unit_map_object(unit_space, 104, 2, PAGER_PROT_ALL, PAGER_MAP_SHARED, o,
			2);
	for (uint64_t v = 100; v < 106; v += 2)
		unit_fault(unit_space, v, v == 102 ? R : W);
	start = unit_stats();
	before = unit_info(unit_space);
	for (int round = 0; round < 100; round++)
		for (uint64_t v = 100; v < 106; v += 2)
			for (uint32_t a = R; a <= X; a *= 2) {
				struct pager_fault_info info;

				if (v == 102 && a == W)
					continue;
				info = unit_fault(unit_space, v, a);
				ck_assert_uint_eq(info.result,
						  PAGER_FAULT_PRESENT);
				ck_assert_uint_eq(info.copied, 0);
			}
	ck_assert_uint_eq(unit_stats().frames_used, start.frames_used);
	ck_assert_uint_eq(unit_stats().nodes_used, start.nodes_used);
	ck_assert_uint_eq(unit_info(unit_space).minor_faults,
			  before.minor_faults);
	unit_end();
}
END_TEST

START_TEST(an_anonymous_page_is_zero_until_written_then_its_own)
{
	struct pager_fault_info info;

	unit_start(NULL);
	unit_map(unit_space, 100, 4, PAGER_PROT_ALL);
	info = unit_fault(unit_space, 100, R);
	ck_assert_uint_eq(info.result, PAGER_FAULT_INSTALLED);
	ck_assert_uint_eq(info.copied, 0);
	ck_assert_uint_eq(unit_page(unit_space, 100).type, PAGER_PAGE_ZERO);
	ck_assert_uint_eq(unit_fault(unit_space, 101, X).copied, 0);
	ck_assert_uint_eq(unit_page(unit_space, 101).type, PAGER_PAGE_ZERO);
	info = unit_fault(unit_space, 102, W);
	ck_assert_uint_eq(info.result, PAGER_FAULT_INSTALLED);
	ck_assert_uint_eq(info.copied, 1);
	ck_assert_uint_eq(unit_page(unit_space, 102).type, PAGER_PAGE_ANON);
	info = unit_fault(unit_space, 100, W);
	ck_assert_uint_eq(info.result, PAGER_FAULT_INSTALLED);
	ck_assert_uint_eq(info.copied, 1);
	ck_assert_uint_eq(unit_page(unit_space, 100).type, PAGER_PAGE_ANON);
	ck_assert_uint_eq(unit_page(unit_space, 100).access,
			  PAGER_ACCESS_READ | PAGER_ACCESS_WRITE |
			      PAGER_ACCESS_EXEC);
	ck_assert_uint_eq(unit_stats().zero_fills, 2);
	ck_assert_uint_eq(unit_stats().cow_copies, 0);
	unit_end();
}
END_TEST

START_TEST(zero_pages_are_one_frame)
{
	struct pager_space *child;
	uint64_t pa;

	unit_start(NULL);
	unit_map(unit_space, 0, 2000, UNIT_R);
	unit_get(unit_space, 0);
	pa = unit_page(unit_space, 0).pa;
	for (uint64_t v = 0; v < 2000; v++) {
		ck_assert_uint_eq(unit_get(unit_space, v), 0);
		ck_assert_uint_eq(unit_page(unit_space, v).pa, pa);
		ck_assert_uint_eq(unit_page(unit_space, v).refs, 0);
	}
	child = unit_fork(unit_space);
	unit_protect(child, 0, 2000, UNIT_RW);
	unit_put(child, 5, 1);
	ck_assert_uint_eq(unit_get(unit_space, 5), 0);
	ck_assert_uint_eq(unit_stats().frames_used, 2);
	ck_assert_uint_eq(unit_used(PAGER_RES_FRAMES), 1);
	ck_assert_uint_eq(unit_info(unit_space).zero, 2000);
	unit_end();
}
END_TEST

START_TEST(a_private_mapping_reads_the_objects_page_until_written)
{
	struct pager_object *o;

	unit_start(NULL);
	o = unit_object(4);
	unit_object_put(o, 1, 11);
	unit_map_object(unit_space, 100, 4, UNIT_RW, 0, o, 0);
	ck_assert_uint_eq(unit_get(unit_space, 101), 11);
	ck_assert_uint_eq(unit_page(unit_space, 101).type, PAGER_PAGE_OBJECT);
	unit_object_put(o, 1, 12); /* seen: the page is the object's */
	ck_assert_uint_eq(unit_get(unit_space, 101), 12);
	unit_put(unit_space, 101, 13);
	ck_assert_uint_eq(unit_page(unit_space, 101).type, PAGER_PAGE_ANON);
	unit_object_put(o, 1, 14);
	ck_assert_uint_eq(unit_get(unit_space, 101), 13);
	/* A write to a page that nobody has read yet copies as well. */
	unit_object_put(o, 2, 21);
	ck_assert_uint_eq(unit_fault(unit_space, 102, W).copied, 1);
	ck_assert_uint_eq(unit_get(unit_space, 102), 21);
	/* And one to a page that the object does not have is zero. */
	ck_assert_uint_eq(unit_fault(unit_space, 103, W).copied, 1);
	ck_assert_uint_eq(unit_get(unit_space, 103), 0);
	unit_check();
	unit_end();
}
END_TEST

START_TEST(a_copied_file_page_is_anonymous_from_then_on_for_the_child_too)
{
	struct pager_object *o;
	struct pager_space *child;

	unit_start(NULL);
	o = unit_object(4);
	unit_object_put(o, 0, 1);
	unit_map_object(unit_space, 100, 4, UNIT_RW, 0, o, 0);
	unit_put(unit_space, 100, 2);
	child = unit_fork(unit_space);
	ck_assert_uint_eq(unit_page(child, 100).type, PAGER_PAGE_ANON);
	unit_put(child, 100, 3);
	ck_assert_uint_eq(unit_get(unit_space, 100), 2);
	ck_assert_uint_eq(unit_get(child, 100), 3);
	unit_end();
}
END_TEST

START_TEST(a_shared_mapping_is_writable_at_once_and_never_copied)
{
	struct pager_object *o;
	struct pager_fault_info info;

	unit_start(NULL);
	o = unit_object(4);
	unit_map_object(unit_space, 100, 4, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	unit_map_object(unit_space, 200, 4, UNIT_R, PAGER_MAP_SHARED, o, 0);
	info = unit_fault(unit_space, 100, R);
	ck_assert_uint_eq(info.result, PAGER_FAULT_INSTALLED);
	ck_assert_uint_eq(unit_fault(unit_space, 100, W).result,
			  PAGER_FAULT_PRESENT);
	unit_get(unit_space, 200);
	ck_assert_uint_eq(unit_page(unit_space, 200).pa,
			  unit_page(unit_space, 100).pa);
	ck_assert_uint_eq(unit_page(unit_space, 200).access, PAGER_ACCESS_READ);
	ck_assert_uint_eq(unit_page(unit_space, 200).refs, 3);
	unit_put(unit_space, 100, 5);
	ck_assert_uint_eq(unit_get(unit_space, 200), 5);
	ck_assert_uint_eq(unit_stats().cow_copies, 0);
	unit_end();
}
END_TEST

START_TEST(cow_copies_all_4096_bytes)
{
	static uint8_t out[PAGER_PAGE_SIZE], in[PAGER_PAGE_SIZE];
	struct pager_access_stop why;
	struct pager_space *child;
	uint64_t done;

	unit_start(NULL);
	for (unsigned int i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 31 + (i >> 8));
	unit_map(unit_space, 100, 1, UNIT_RW);
	unit_ok(pager_space_write(unit_space, 0, pager_vpn_to_va(100), out,
				  sizeof(out), &done, &why));
	child = unit_fork(unit_space);
	unit_put(child, 100, out[0]);
	ck_assert_uint_ne(unit_page(child, 100).pa,
			  unit_page(unit_space, 100).pa);
	unit_ok(pager_space_read(child, 0, pager_vpn_to_va(100), in, sizeof(in),
				 &done, &why));
	ck_assert_mem_eq(in, out, sizeof(in));
	unit_end();
}
END_TEST

START_TEST(a_recycled_frame_shows_nothing_of_its_former_owner)
{
	static const uint8_t zero[PAGER_PAGE_SIZE];
	static uint8_t page[PAGER_PAGE_SIZE];
	const struct test_world_config config = {.frames = 4};
	struct pager_access_stop why;
	uint64_t done;

	unit_start(&config);
	unit_map(unit_space, 100, 3, UNIT_RW);
	memset(page, 0x5a, sizeof(page));
	for (uint64_t v = 100; v < 103; v++)
		unit_ok(pager_space_write(unit_space, 0, pager_vpn_to_va(v),
					  page, sizeof(page), &done, &why));
	unit_unmap(unit_space, 100, 3);
	unit_map(unit_space, 200, 3, UNIT_RW);
	for (uint64_t v = 200; v < 203; v++) {
		unit_fault(unit_space, v, W);
		unit_ok(pager_space_read(unit_space, 0, pager_vpn_to_va(v),
					 page, sizeof(page), &done, &why));
		ck_assert_mem_eq(page, zero, sizeof(page));
	}
	unit_end();
}
END_TEST

START_TEST(every_fault_that_may_not_be_is_named)
{
	struct pager_object *o;
	char *before;

	unit_start(NULL);
	o = unit_object(2);
	unit_map(unit_space, 100, 2, UNIT_R);
	unit_map(unit_space, 102, 2, 0);
	unit_map_object(unit_space, 104, 4, UNIT_RW, 0, o, 0);
	unit_map_object(unit_space, 108, 4, UNIT_RW, PAGER_MAP_SHARED, o, 1);
	before = unit_picture();
	ck_assert_uint_eq(unit_signal(unit_space, 99, R), PAGER_SEGV_MAPERR);
	ck_assert_uint_eq(unit_signal(unit_space, 112, W), PAGER_SEGV_MAPERR);
	ck_assert_uint_eq(unit_signal(unit_space, 0, X), PAGER_SEGV_MAPERR);
	ck_assert_uint_eq(unit_signal(unit_space, PAGER_VPN_END, R),
			  PAGER_SEGV_MAPERR);
	ck_assert_uint_eq(unit_signal(unit_space, UINT64_MAX, R),
			  PAGER_SEGV_MAPERR);
	ck_assert_uint_eq(unit_signal(unit_space, 100, W), PAGER_SEGV_ACCERR);
	ck_assert_uint_eq(unit_signal(unit_space, 100, X), PAGER_SEGV_ACCERR);
	ck_assert_uint_eq(unit_signal(unit_space, 102, R), PAGER_SEGV_ACCERR);
	ck_assert_uint_eq(unit_signal(unit_space, 102, W), PAGER_SEGV_ACCERR);
	ck_assert_uint_eq(unit_signal(unit_space, 106, R), PAGER_BUS_ADRERR);
	ck_assert_uint_eq(unit_signal(unit_space, 106, W), PAGER_BUS_ADRERR);
	ck_assert_uint_eq(unit_signal(unit_space, 109, W), PAGER_BUS_ADRERR);
	ck_assert_uint_eq(unit_signal(unit_space, 109, X), PAGER_SEGV_ACCERR);
	unit_unchanged(before, "faults that are signals");
	ck_assert_uint_eq(unit_signal(unit_space, 105, R), PAGER_SIGNAL_NONE);
	ck_assert_uint_eq(unit_signal(unit_space, 108, R), PAGER_SIGNAL_NONE);
	unit_end();
}
END_TEST

START_TEST(an_access_that_is_not_exactly_one_is_einval)
{
	static const uint32_t bad[] = {0, 3, 5, 6, 7, 8, UINT32_MAX};
	struct pager_fault_info info;

	unit_start(NULL);
	unit_map(unit_space, 100, 2, PAGER_PROT_ALL);
	for (int i = 0; i < 7; i++)
		unit_refused(pager_space_fault(unit_space, 100, bad[i], &info),
			     PAGER_EINVAL, PAGER_ARG_ACCESS);
	unit_end();
}
END_TEST

/* --- short of memory ---------------------------------------------------------
 */

START_TEST(cow_out_of_memory_keeps_the_old_page_readable)
{
	const struct test_world_config config = {.frames = 5};
	struct pager_fault_info info;
	struct pager_space *child;

	unit_start(&config);
	unit_map(unit_space, 100, 4, UNIT_RW);
	unit_fill(unit_space, 100, 4, 1);
	child = unit_fork(unit_space);
	for (uint64_t v = 100; v < 104; v++) {
		unit_refused(pager_space_fault(child, v, W, &info),
			     PAGER_ENOMEM, PAGER_ARG_NONE);
		unit_refused(pager_space_fault(unit_space, v, W, &info),
			     PAGER_ENOMEM, PAGER_ARG_NONE);
		ck_assert_uint_eq(unit_get(child, v), v - 99);
		ck_assert_uint_eq(unit_get(unit_space, v), v - 99);
	}
	ck_assert_uint_eq(unit_info(child).resident, 4);
	unit_unmap(unit_space, 103, 1);
	unit_put(child, 103, 9); /* its last holder needs no frame */
	ck_assert_uint_eq(unit_get(child, 102), 3);
	unit_end();
}
END_TEST

START_TEST(cow_over_a_limit_of_frames_or_nodes_keeps_the_old_page_readable)
{
	struct pager_fault_info info;
	struct pager_space *child;

	unit_start(NULL);
	unit_map(unit_space, 100, 4, UNIT_RW);
	unit_fill(unit_space, 100, 4, 1);
	child = unit_fork(unit_space);
	unit_limit(PAGER_RES_FRAMES, unit_used(PAGER_RES_FRAMES));
	unit_refused(pager_space_fault(child, 100, W, &info), PAGER_ELIMIT,
		     PAGER_ARG_NONE);
	unit_no_limits();
	unit_limit(PAGER_RES_NODES, unit_used(PAGER_RES_NODES) + 2);
	unit_refused(pager_space_fault(child, 100, W, &info), PAGER_ELIMIT,
		     PAGER_ARG_NONE);
	unit_no_limits();
	ck_assert_uint_eq(unit_get(child, 100), 1);
	unit_put(child, 100, 2);
	unit_end();
}
END_TEST

START_TEST(cow_without_a_free_node_keeps_the_old_page_readable)
{
	const struct test_world_config config = {.nodes = 16};
	struct pager_fault_info info;
	struct pager_space *child;

	unit_start(&config);
	unit_map(unit_space, 0, 20 * 512, UNIT_RW);
	for (uint64_t i = 0; i < 10; i++)
		unit_put(unit_space, i * 512, 1);
	child = unit_fork(unit_space);
	unit_refused(pager_space_fault(child, 0, W, &info), PAGER_ENOMEM,
		     PAGER_ARG_NONE);
	unit_refused(pager_space_fault(child, 1, R, &info), PAGER_ENOMEM,
		     PAGER_ARG_NONE);
	ck_assert_uint_eq(unit_get(child, 0), 1);
	unit_end();
}
END_TEST

START_TEST(a_first_touch_without_memory_leaves_nothing_behind)
{
	const struct test_world_config config = {.frames = 4, .nodes = 16};
	struct pager_fault_info info;
	struct pager_object *o;

	unit_start(&config);
	o = unit_object(8);
	unit_map(unit_space, 100, 8, UNIT_RW);
	unit_map_object(unit_space, 200, 8, UNIT_RW, 0, o, 0);
	unit_map_object(unit_space, 300, 8, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	unit_fill(unit_space, 100, 3, 1);
	unit_refused(pager_space_fault(unit_space, 103, W, &info), PAGER_ENOMEM,
		     PAGER_ARG_NONE);
	unit_refused(pager_space_fault(unit_space, 200, R, &info), PAGER_ENOMEM,
		     PAGER_ARG_NONE);
	unit_refused(pager_space_fault(unit_space, 200, W, &info), PAGER_ENOMEM,
		     PAGER_ARG_NONE);
	unit_refused(pager_space_fault(unit_space, 300, W, &info), PAGER_ENOMEM,
		     PAGER_ARG_NONE);
	ck_assert_uint_eq(unit_get(unit_space, 103), 0); /* no frame needed */
	unit_unmap(unit_space, 100, 1);
	unit_put(unit_space, 300, 7);
	ck_assert_uint_eq(unit_get(unit_space, 200), 7);
	unit_end();
}
END_TEST

START_TEST(an_objects_pages_are_charged_to_the_object)
{
	uint64_t limit[PAGER_RES_COUNT];
	struct pager_fault_info info;
	struct pager_account *owner;
	struct pager_object *o = NULL;

	unit_start(NULL);
	for (int i = 0; i < PAGER_RES_COUNT; i++)
		limit[i] = UINT64_MAX;
	limit[PAGER_RES_FRAMES] = 2;
	owner = pager_account_new(unit_world.core, limit);
	unit_ok(pager_object_new(unit_world.core, owner, 8, &o));
	unit_map_object(unit_space, 100, 8, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	unit_fill(unit_space, 100, 2, 1);
	ck_assert_uint_eq(unit_used(PAGER_RES_FRAMES), 0);
	ck_assert_uint_eq(pager_account_used(owner, PAGER_RES_FRAMES), 2);
	ck_assert_uint_eq(pager_account_used(owner, PAGER_RES_NODES), 4);
	unit_refused(pager_space_fault(unit_space, 102, W, &info), PAGER_ELIMIT,
		     PAGER_ARG_NONE);
	/* A copy in a private mapping is the space's own. */
	unit_map_object(unit_space, 200, 8, UNIT_RW, 0, o, 0);
	unit_put(unit_space, 202, 1);
	ck_assert_uint_eq(unit_used(PAGER_RES_FRAMES), 1);
	/* Nor do an object's nodes need room in the space's account. */
	pager_space_clear(unit_space);
	unit_ok(pager_object_resize(o, 0));
	unit_ok(pager_object_resize(o, 8));
	unit_map_object(unit_space, 100, 8, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	unit_limit(PAGER_RES_NODES, unit_used(PAGER_RES_NODES) + 3);
	unit_put(unit_space, 100, 1);
	unit_no_limits();
	pager_space_clear(unit_space);
	pager_object_put(o);
	pager_account_put(owner);
	unit_end();
}
END_TEST

START_TEST(a_limit_of_resident_pages_stops_new_pages_and_no_copies)
{
	const struct pager_limits limits = {.resident = 3};
	struct pager_fault_info info;
	struct pager_space *s, *child;

	unit_start(NULL);
	unit_ok(pager_space_new(unit_world.core, unit_world.account,
				unit_world.mmu, pager_range(0, 1000), &limits,
				&s));
	unit_map(s, 100, 8, UNIT_RW);
	unit_put(s, 100, 1);
	unit_put(s, 101, 2);
	unit_get(s, 102);
	unit_refused(pager_space_fault(s, 103, W, &info), PAGER_ELIMIT,
		     PAGER_ARG_NONE);
	unit_refused(pager_space_fault(s, 103, R, &info), PAGER_ELIMIT,
		     PAGER_ARG_NONE);
	unit_put(s, 102, 3);
	child = unit_fork(s);
	unit_put(child, 100, 9);
	unit_refused(pager_space_fault(child, 103, R, &info), PAGER_ELIMIT,
		     PAGER_ARG_NONE);
	unit_unmap(child, 100, 1);
	unit_put(child, 103, 9);
	unit_end();
}
END_TEST

START_TEST(counters_are_exact)
{
	struct pager_stats before, now;
	struct pager_space *child;
	struct pager_space_info i;

	unit_start(NULL);
	before = unit_stats();
	unit_map(unit_space, 100, 10, UNIT_RW);
	unit_fault(unit_space, 100, R);
	unit_fault(unit_space, 100, R);
	unit_fault(unit_space, 100, W);
	unit_fault(unit_space, 101, W);
	unit_fault(unit_space, 102, R);
	unit_signal(unit_space, 50, R);
	child = unit_fork(unit_space);
	unit_fault(child, 100, R);
	unit_fault(child, 100, W);
	unit_fault(child, 101, W);
	unit_fault(unit_space, 100, W);
	i = unit_info(unit_space);
	ck_assert_uint_eq(i.minor_faults, 5);
	ck_assert_uint_eq(i.major_faults, 0);
	ck_assert_uint_eq(i.resident, 3);
	ck_assert_uint_eq(unit_info(child).minor_faults, 2);
	now = unit_stats();
	ck_assert_uint_eq(now.minor_faults - before.minor_faults, 7);
	ck_assert_uint_eq(now.zero_fills - before.zero_fills, 2);
	ck_assert_uint_eq(now.cow_copies - before.cow_copies, 2);
	ck_assert_uint_eq(now.cow_reuses - before.cow_reuses, 1);
	ck_assert_uint_eq(now.forks - before.forks, 1);
	unit_unmap(unit_space, 100, 10);
	ck_assert_uint_eq(unit_info(unit_space).resident, 0);
	ck_assert_uint_eq(unit_info(unit_space).peak, 3);
	unit_end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    a_fault_on_a_present_page_allocates_nothing,
	    an_anonymous_page_is_zero_until_written_then_its_own,
	    zero_pages_are_one_frame,
	    a_private_mapping_reads_the_objects_page_until_written,
	    a_copied_file_page_is_anonymous_from_then_on_for_the_child_too,
	    a_shared_mapping_is_writable_at_once_and_never_copied,
	    cow_copies_all_4096_bytes,
	    a_recycled_frame_shows_nothing_of_its_former_owner,
	    every_fault_that_may_not_be_is_named,
	    an_access_that_is_not_exactly_one_is_einval,
	    cow_out_of_memory_keeps_the_old_page_readable,
	    cow_over_a_limit_of_frames_or_nodes_keeps_the_old_page_readable,
	    cow_without_a_free_node_keeps_the_old_page_readable,
	    a_first_touch_without_memory_leaves_nothing_behind,
	    an_objects_pages_are_charged_to_the_object,
	    a_limit_of_resident_pages_stops_new_pages_and_no_copies,
	    counters_are_exact,
	};

	return UNIT_RUN("fault", tests);
}
