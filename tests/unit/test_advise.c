/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Advice: what each does at once, and what it leaves for fork or for the day
 * when memory is short.
 */
#include "lib/core/internal.h"
#include "tests/support/unit.h"

static struct pager_status advise(uint64_t start, uint64_t end,
				  enum pager_advice advice)
{
	return pager_space_advise(unit_space, pager_range(start, end), advice);
}

static void start(uint64_t frames)
{
	const struct test_world_config config = {.frames = frames};

	unit_start(&config);
	unit_map(unit_space, 100, 10, UNIT_RW);
	unit_fill(unit_space, 100, 10, 1);
}

/* --- DONTNEED, WILLNEED ----------------------------------------------------
 */

START_TEST(dontneed_drops_anonymous_pages_at_once)
{
	start(0);
	unit_advise(unit_space, 103, 4, PAGER_ADV_DONTNEED);
	unit_check();
	ck_assert_uint_eq(unit_stats().frames_used, 1 + 6);
	ck_assert_uint_eq(unit_info(unit_space).regions, 1);
	for (uint64_t v = 100; v < 110; v++)
		ck_assert_uint_eq(unit_get(unit_space, v),
				  v >= 103 && v < 107 ? 0 : v - 99);
	unit_end();
}
END_TEST

START_TEST(dontneed_of_a_private_mapping_brings_back_the_objects_page)
{
	struct pager_object *o;

	unit_start(NULL);
	o = unit_object(4);
	unit_object_put(o, 1, 40);
	unit_map_object(unit_space, 100, 4, UNIT_RW, 0, o, 0);
	unit_put(unit_space, 101, 41);
	ck_assert_uint_eq(unit_info(unit_space).anon, 1);
	unit_advise(unit_space, 100, 4, PAGER_ADV_DONTNEED);
	ck_assert_uint_eq(unit_info(unit_space).resident, 0);
	ck_assert_uint_eq(unit_get(unit_space, 101), 40);
	unit_end();
}
END_TEST

START_TEST(dontneed_of_a_shared_mapping_keeps_the_objects_pages)
{
	struct pager_object *o;
	struct pager_object_info info;

	unit_start(NULL);
	o = unit_object(4);
	unit_map_object(unit_space, 100, 4, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	unit_fill(unit_space, 100, 4, 1);
	unit_advise(unit_space, 100, 4, PAGER_ADV_DONTNEED);
	pager_object_info(o, &info);
	ck_assert_uint_eq(info.resident, 4);
	ck_assert_uint_eq(unit_info(unit_space).resident, 0);
	ck_assert_uint_eq(unit_get(unit_space, 103), 4);
	unit_end();
}
END_TEST

START_TEST(dontneed_after_a_fork_is_the_callers_alone)
{
	struct pager_space *child;

	start(0);
	child = unit_fork(unit_space);
	unit_advise(child, 102, 3, PAGER_ADV_DONTNEED);
	unit_check();
	ck_assert_uint_eq(unit_get(child, 102), 0);
	ck_assert_uint_eq(unit_get(child, 105), 6);
	ck_assert_uint_eq(unit_get(unit_space, 102), 3);
	unit_advise(unit_space, 100, 10, PAGER_ADV_DONTNEED);
	ck_assert_uint_eq(unit_get(child, 105), 6);
	unit_end();
}
END_TEST

START_TEST(dontneed_of_prot_none_drops_too)
{
	start(0);
	unit_protect(unit_space, 100, 10, 0);
	unit_advise(unit_space, 100, 10, PAGER_ADV_DONTNEED);
	unit_protect(unit_space, 100, 10, UNIT_R);
	ck_assert_uint_eq(unit_get(unit_space, 104), 0);
	unit_end();
}
END_TEST

START_TEST(dontneed_without_a_node_is_enomem_and_changes_nothing)
{
	const struct test_world_config config = {.nodes = 16};
	struct pager_space *child;

	unit_start(&config);
	unit_map(unit_space, 0, 20 * 512, UNIT_RW);
	for (uint64_t i = 0; i < 8; i++)
		unit_fill(unit_space, i * 512, 3, 1);
	child = unit_fork(unit_space);
	unit_put(child, 0, 1);
	unit_refused(pager_space_advise(child, pager_range(513, 514),
					PAGER_ADV_DONTNEED),
		     PAGER_ENOMEM, PAGER_ARG_NONE);
	unit_advise(child, 512, 512, PAGER_ADV_DONTNEED);
	ck_assert_uint_eq(unit_get(unit_space, 513), 2);
	unit_end();
}
END_TEST

START_TEST(willneed_prefaults_for_reading)
{
	struct pager_object *o;

	unit_start(NULL);
	o = unit_object(4);
	unit_object_put(o, 2, 9);
	unit_map(unit_space, 100, 4, UNIT_RW);
	unit_map(unit_space, 104, 4, 0);
	unit_map_object(unit_space, 108, 8, UNIT_RW, 0, o, 0);
	unit_put(unit_space, 101, 7);
	unit_advise(unit_space, 100, 16, PAGER_ADV_WILLNEED);
	unit_check();
	ck_assert_uint_eq(unit_info(unit_space).zero, 3);
	ck_assert_uint_eq(unit_info(unit_space).anon, 1);
	ck_assert_uint_eq(unit_info(unit_space).object, 4);
	ck_assert_uint_eq(unit_get(unit_space, 101), 7);
	ck_assert_uint_eq(unit_get(unit_space, 110), 9);
	unit_end();
}
END_TEST

START_TEST(willneed_without_memory_is_enomem_and_changes_nothing)
{
	const struct test_world_config config = {.frames = 8};
	struct pager_object *o;

	unit_start(&config);
	o = unit_object(10);
	unit_map_object(unit_space, 100, 10, UNIT_R, 0, o, 0);
	unit_refused(advise(100, 110, PAGER_ADV_WILLNEED), PAGER_ENOMEM,
		     PAGER_ARG_LEN);
	unit_refused(advise(100, 108, PAGER_ADV_WILLNEED), PAGER_ENOMEM,
		     PAGER_ARG_NONE);
	unit_ok(advise(100, 107, PAGER_ADV_WILLNEED));
	ck_assert_uint_eq(unit_info(unit_space).object, 7);
	unit_end();
}
END_TEST

/* --- FREE ------------------------------------------------------------------
 */

START_TEST(pages_advised_free_stay_as_long_as_there_is_memory)
{
	start(0);
	unit_advise(unit_space, 100, 10, PAGER_ADV_FREE);
	unit_check();
	ck_assert_uint_eq(unit_info(unit_space).anon, 10);
	for (uint64_t v = 100; v < 110; v++)
		ck_assert_uint_eq(unit_get(unit_space, v), v - 99);
	unit_end();
}
END_TEST

START_TEST(pages_advised_free_go_when_memory_is_short_and_read_zero)
{
	start(12);
	unit_advise(unit_space, 100, 8, PAGER_ADV_FREE);
	unit_map(unit_space, 200, 9, UNIT_RW);
	unit_fill(unit_space, 200, 9, 50);
	unit_check();
	ck_assert_uint_eq(unit_info(unit_space).anon, 2 + 9);
	for (uint64_t v = 100; v < 108; v++)
		ck_assert_uint_eq(unit_get(unit_space, v), 0);
	ck_assert_uint_eq(unit_get(unit_space, 108), 9);
	ck_assert_uint_eq(unit_get(unit_space, 208), 58);
	unit_end();
}
END_TEST

START_TEST(a_page_written_after_free_does_not_go)
{
	start(12);
	unit_advise(unit_space, 100, 10, PAGER_ADV_FREE);
	unit_put(unit_space, 104, 77);
	unit_map(unit_space, 200, 9, UNIT_RW);
	unit_fill(unit_space, 200, 9, 50);
	ck_assert_uint_eq(unit_get(unit_space, 104), 77);
	ck_assert_uint_eq(unit_get(unit_space, 105), 0);
	unit_end();
}
END_TEST

START_TEST(protections_do_not_undo_free_nor_let_a_write_slip_by)
{
	start(12);
	unit_advise(unit_space, 100, 10, PAGER_ADV_FREE);
	unit_protect(unit_space, 100, 10, UNIT_R);
	unit_protect(unit_space, 100, 10, UNIT_RW);
	unit_put(unit_space, 103, 77);
	unit_map(unit_space, 200, 9, UNIT_RW);
	unit_fill(unit_space, 200, 9, 50);
	ck_assert_uint_eq(unit_get(unit_space, 103), 77);
	ck_assert_uint_eq(unit_get(unit_space, 102), 0);
	unit_check();
	unit_end();
}
END_TEST

START_TEST(a_populate_or_fork_short_of_memory_takes_free_pages_back)
{
	struct pager_space *child;
	uint64_t done;

	start(12);
	unit_advise(unit_space, 100, 10, PAGER_ADV_FREE);
	unit_map(unit_space, 200, 11, UNIT_RW);
	unit_ok(pager_space_populate(unit_space, pager_range(200, 211),
				     PAGER_ACCESS_WRITE, &done));
	ck_assert_uint_eq(done, 11);
	unit_check();
	unit_advise(unit_space, 200, 11, PAGER_ADV_FREE);
	unit_map_flags(unit_space, 300, 11, UNIT_RW, PAGER_MAP_POPULATE);
	unit_check();
	ck_assert_uint_eq(unit_info(unit_space).resident, 11);
	child = unit_fork(unit_space);
	ck_assert_uint_eq(unit_info(child).resident, 11);
	unit_end();
}
END_TEST

START_TEST(the_page_that_faults_may_be_among_those_that_go)
{
	struct pager_fault_info info;

	start(11);
	unit_map(unit_space, 200, 3, UNIT_RW);
	unit_advise(unit_space, 100, 10, PAGER_ADV_FREE);
	unit_put(unit_space, 200, 1);
	unit_check();
	info = unit_fault(unit_space, 105, PAGER_ACCESS_READ);
	ck_assert_uint_eq(info.result, PAGER_FAULT_INSTALLED);
	ck_assert_uint_eq(unit_get(unit_space, 105), 0);
	unit_end();
}
END_TEST

START_TEST(pages_that_somebody_shares_are_not_freed)
{
	struct pager_space *child;
	struct pager_fault_info info;

	start(11);
	child = unit_fork(unit_space);
	unit_advise(unit_space, 100, 10, PAGER_ADV_FREE);
	unit_map(unit_space, 200, 1, UNIT_RW);
	unit_refused(
	    pager_space_fault(unit_space, 200, PAGER_ACCESS_WRITE, &info),
	    PAGER_ENOMEM, PAGER_ARG_NONE);
	for (uint64_t v = 100; v < 110; v++) {
		ck_assert_uint_eq(unit_get(child, v), v - 99);
		ck_assert_uint_eq(unit_get(unit_space, v), v - 99);
	}
	unit_end();
}
END_TEST

START_TEST(zero_pages_and_frames_that_others_hold_are_not_marked)
{
	struct pager_space *child;

	start(13);
	unit_map(unit_space, 110, 2, UNIT_RW);
	unit_get(unit_space, 110);
	child = unit_fork(unit_space);
	unit_put(child, 100, 50); /* a leaf of its own, nine frames shared */
	unit_advise(child, 100, 12, PAGER_ADV_FREE);
	unit_check();
	unit_map(unit_space, 200, 2, UNIT_RW);
	unit_put(unit_space, 200, 1);
	unit_put(unit_space, 201, 2); /* takes the child's one frame */
	ck_assert_uint_eq(unit_get(child, 100), 0);
	for (uint64_t v = 101; v < 110; v++)
		ck_assert_uint_eq(unit_get(child, v), v - 99);
	ck_assert_uint_eq(unit_get(child, 110), 0);
	unit_end();
}
END_TEST

START_TEST(marks_survive_a_fork_that_comes_and_goes)
{
	struct pager_fault_info info;
	struct pager_space *child;

	start(11);
	unit_advise(unit_space, 100, 10, PAGER_ADV_FREE);
	child = unit_fork(unit_space);
	unit_map(unit_space, 200, 10, UNIT_RW);
	unit_refused(
	    pager_space_fault(unit_space, 200, PAGER_ACCESS_WRITE, &info),
	    PAGER_ENOMEM, PAGER_ARG_NONE);
	pager_space_free(child);
	unit_fill(unit_space, 200, 10, 60);
	unit_check();
	ck_assert_uint_eq(unit_info(unit_space).anon, 10);
	ck_assert_uint_eq(unit_get(unit_space, 104), 0);
	unit_end();
}
END_TEST

START_TEST(a_child_forked_after_free_keeps_what_it_can_see)
{
	struct pager_space *child;

	start(0);
	unit_advise(unit_space, 100, 10, PAGER_ADV_FREE);
	child = unit_fork(unit_space);
	unit_put(child, 104, 60);
	unit_check();
	for (uint64_t v = 100; v < 110; v++) {
		ck_assert_uint_eq(unit_get(child, v), v == 104 ? 60 : v - 99);
		ck_assert_uint_eq(unit_get(unit_space, v), v - 99);
	}
	unit_end();
}
END_TEST

START_TEST(free_pages_go_again_when_a_fork_has_come_and_gone)
{
	struct pager_space *child;
	struct pager_fault_info info;

	start(12);
	unit_advise(unit_space, 100, 10, PAGER_ADV_FREE);
	unit_map(unit_space, 1000, 2, UNIT_RW);
	child = unit_fork(unit_space);
	unit_put(unit_space, 1000, 1);
	ck_assert_uint_eq(
	    pager_space_fault(unit_space, 1001, PAGER_ACCESS_WRITE, &info).err,
	    PAGER_ENOMEM);
	pager_space_free(child);
	unit_put(unit_space, 1001, 2);
	unit_check();
	ck_assert_uint_eq(unit_get(unit_space, 1000), 1);
	unit_end();
}
END_TEST

START_TEST(pinned_pages_lose_their_mark)
{
	start(12);
	unit_advise(unit_space, 100, 10, PAGER_ADV_FREE);
	unit_protect(unit_space, 100, 10, UNIT_R);
	unit_ok(pager_space_pin(unit_space, pager_range(100, 110)));
	for (uint64_t v = 100; v < 110; v++)
		ck_assert(!(unit_page(unit_space, v).entry & PTE_LAZY));
	unit_end();
}
END_TEST

/* --- DONTFORK, WIPEONFORK ---------------------------------------------------
 */

START_TEST(dontfork_leaves_a_hole_in_the_child)
{
	struct pager_space *child;

	start(0);
	unit_advise(unit_space, 103, 4, PAGER_ADV_DONTFORK);
	ck_assert_uint_eq(unit_info(unit_space).regions, 3);
	child = unit_fork(unit_space);
	unit_check();
	ck_assert_uint_eq(unit_info(child).regions, 2);
	ck_assert_uint_eq(unit_info(child).virtual_pages, 6);
	ck_assert_uint_eq(unit_info(child).resident, 6);
	ck_assert_uint_eq(unit_signal(child, 103, PAGER_ACCESS_READ),
			  PAGER_SEGV_MAPERR);
	ck_assert_uint_eq(unit_get(child, 107), 8);
	ck_assert_uint_eq(unit_get(unit_space, 104), 5);
	unit_end();
}
END_TEST

START_TEST(wipeonfork_gives_the_child_zeroes_and_the_grandchild_too)
{
	struct pager_space *child, *grandchild;

	start(0);
	unit_advise(unit_space, 103, 4, PAGER_ADV_WIPEONFORK);
	child = unit_fork(unit_space);
	unit_check();
	ck_assert_uint_eq(unit_info(child).regions, 3);
	ck_assert_uint_eq(unit_info(child).resident, 6);
	ck_assert_uint_eq(unit_get(child, 104), 0);
	unit_put(child, 104, 9);
	ck_assert_uint_eq(unit_get(unit_space, 104), 5);
	grandchild = unit_fork(child);
	ck_assert_uint_eq(unit_get(grandchild, 104), 0);
	ck_assert_uint_eq(unit_get(child, 104), 9);
	unit_end();
}
END_TEST

START_TEST(dofork_and_keeponfork_undo_and_regions_merge_again)
{
	struct pager_space *child;

	start(0);
	unit_advise(unit_space, 102, 3, PAGER_ADV_DONTFORK);
	unit_advise(unit_space, 106, 2, PAGER_ADV_WIPEONFORK);
	ck_assert_uint_eq(unit_info(unit_space).regions, 5);
	ck_assert_uint_eq(unit_region(unit_space, 102).flags,
			  PAGER_REGION_DONTFORK);
	ck_assert_uint_eq(unit_region(unit_space, 106).flags,
			  PAGER_REGION_WIPEONFORK);
	unit_advise(unit_space, 100, 10, PAGER_ADV_DOFORK);
	unit_advise(unit_space, 100, 10, PAGER_ADV_KEEPONFORK);
	ck_assert_uint_eq(unit_info(unit_space).regions, 1);
	child = unit_fork(unit_space);
	for (uint64_t v = 100; v < 110; v++)
		ck_assert_uint_eq(unit_get(child, v), v - 99);
	unit_end();
}
END_TEST

START_TEST(a_shared_region_can_be_dontfork)
{
	struct pager_object *o;
	struct pager_object_info info;
	struct pager_space *child;

	unit_start(NULL);
	o = unit_object(4);
	unit_map_object(unit_space, 100, 4, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	unit_fill(unit_space, 100, 4, 1);
	unit_advise(unit_space, 100, 4, PAGER_ADV_DONTFORK);
	child = unit_fork(unit_space);
	pager_object_info(o, &info);
	ck_assert_uint_eq(info.mappings, 1);
	ck_assert_uint_eq(unit_info(child).regions, 0);
	ck_assert_uint_eq(unit_info(child).resident, 0);
	unit_check();
	unit_end();
}
END_TEST

START_TEST(what_fork_leaves_out_costs_paths_and_not_pages)
{
	struct pager_space *child;
	struct pager_stats before;

	unit_start(NULL);
	unit_map(unit_space, 0, 1024, UNIT_RW);
	unit_fill(unit_space, 0, 1024, 1);
	unit_advise(unit_space, 10, 1000, PAGER_ADV_DONTFORK);
	before = unit_stats();
	child = unit_fork(unit_space);
	/* The root, and two copied paths of which the upper part is one. */
	ck_assert_uint_eq(unit_stats().nodes_used - before.nodes_used, 1 + 4);
	ck_assert_uint_eq(unit_stats().frames_used, before.frames_used);
	ck_assert_uint_eq(unit_info(child).resident, 24);
	unit_check();
	unit_end();
}
END_TEST

/* --- refusals ---------------------------------------------------------------
 */

START_TEST(holes_wrong_types_and_unknown_advice_are_refused)
{
	struct pager_object *o;

	start(0);
	o = unit_object(4);
	unit_map_object(unit_space, 110, 4, UNIT_RW, 0, o, 0);
	for (enum pager_advice a = PAGER_ADV_DONTNEED;
	     a <= PAGER_ADV_KEEPONFORK; a++) {
		unit_refused(advise(99, 105, a), PAGER_EUNMAPPED,
			     PAGER_ARG_ADDR);
		unit_refused(advise(105, 115, a), PAGER_EUNMAPPED,
			     PAGER_ARG_ADDR);
		unit_refused(advise(105, 105, a), PAGER_EINVAL, PAGER_ARG_LEN);
		unit_refused(advise(PAGER_VPN_END, PAGER_VPN_END + 1, a),
			     PAGER_ERANGE, PAGER_ARG_ADDR);
	}
	unit_refused(advise(100, 110, 0), PAGER_EINVAL, PAGER_ARG_ADVICE);
	unit_refused(advise(100, 110, 8), PAGER_EINVAL, PAGER_ARG_ADVICE);
	unit_refused(advise(105, 112, PAGER_ADV_FREE), PAGER_EINVAL,
		     PAGER_ARG_ADDR);
	unit_refused(advise(105, 112, PAGER_ADV_WIPEONFORK), PAGER_EINVAL,
		     PAGER_ARG_ADDR);
	unit_end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    dontneed_drops_anonymous_pages_at_once,
	    dontneed_of_a_private_mapping_brings_back_the_objects_page,
	    dontneed_of_a_shared_mapping_keeps_the_objects_pages,
	    dontneed_after_a_fork_is_the_callers_alone,
	    dontneed_of_prot_none_drops_too,
	    dontneed_without_a_node_is_enomem_and_changes_nothing,
	    willneed_prefaults_for_reading,
	    willneed_without_memory_is_enomem_and_changes_nothing,
	    pages_advised_free_stay_as_long_as_there_is_memory,
	    pages_advised_free_go_when_memory_is_short_and_read_zero,
	    a_page_written_after_free_does_not_go,
	    protections_do_not_undo_free_nor_let_a_write_slip_by,
	    a_populate_or_fork_short_of_memory_takes_free_pages_back,
	    the_page_that_faults_may_be_among_those_that_go,
	    pages_that_somebody_shares_are_not_freed,
	    marks_survive_a_fork_that_comes_and_goes,
	    zero_pages_and_frames_that_others_hold_are_not_marked,
	    a_child_forked_after_free_keeps_what_it_can_see,
	    free_pages_go_again_when_a_fork_has_come_and_gone,
	    pinned_pages_lose_their_mark,
	    dontfork_leaves_a_hole_in_the_child,
	    wipeonfork_gives_the_child_zeroes_and_the_grandchild_too,
	    dofork_and_keeponfork_undo_and_regions_merge_again,
	    a_shared_region_can_be_dontfork,
	    what_fork_leaves_out_costs_paths_and_not_pages,
	    holes_wrong_types_and_unknown_advice_are_refused,
	};

	return UNIT_RUN("advise", tests);
}
