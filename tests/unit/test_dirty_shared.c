/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages that several spaces reach: shared objects, forks, second views. Whose
 * writes a log sees, and whose it does not, whatever becomes of the writer.
 */
#include "tests/support/dirty_watch.h"

enum { SHARED = PAGER_MAP_SHARED };

static struct pager_dirty_log *watch;
static struct pager_object *object;
static struct pager_space *other;

/* 100-107 of one space are 0-7 of the object, and 500-507 of another; 200-207
 * are a private mapping of the same. */
static void prepare(void)
{
	object = unit_object(16);
	other = test_world_space(&unit_world, 0, 1024);
	unit_map_object(unit_space, 100, 8, UNIT_RW, SHARED, object, 0);
	unit_map_object(unit_space, 200, 8, UNIT_RW, 0, object, 0);
	unit_map_object(other, 500, 8, UNIT_RW, SHARED, object, 0);
	unit_fill(other, 500, 4, 1);
	watch = dirty_log(unit_space, 100, 200);
}

DIRTY_TEST(a_write_by_another_space_is_seen)
{
	prepare();
	dirty_is(watch, "");
	unit_put(other, 502, 9);
	dirty_take(watch, "102");
	dirty_is(watch, "");
	unit_put(other, 502, 10);
	unit_put(other, 506, 10);
	unit_put(unit_space, 101, 10);
	dirty_take(watch, "101-102 106");
}

DIRTY_TEST(a_write_is_seen_though_the_space_never_touched_the_page)
{
	prepare();
	unit_put(other, 507, 1);
	ck_assert_uint_eq(unit_page(unit_space, 107).entry, 0);
	dirty_is(watch, "107");
}

DIRTY_TEST(a_write_fault_that_another_space_announces_is_seen)
{
	prepare();
	unit_fault(other, 501, PAGER_ACCESS_WRITE);
	unit_fault(other, 505, PAGER_ACCESS_WRITE);
	dirty_is(watch, "101 105");
}

DIRTY_TEST(a_snapshot_that_is_restored_hides_no_write_to_an_object)
{
	prepare();
	unit_put(other, 503, 9);
	unit_put(unit_space, 105, 9);
	unit_ok(pager_space_snapshot(unit_space));
	unit_put(other, 506, 9);
	unit_put(unit_space, 101, 9);
	pager_space_snapshot_restore(unit_space);
	dirty_is(watch, "101 103 105-106");
}

DIRTY_TEST(the_writers_exit_hides_nothing)
{
	prepare();
	unit_put(other, 503, 9);
	unit_put(other, 505, 9);
	pager_space_free(other);
	dirty_is(watch, "103 105");
}

DIRTY_TEST(the_writers_unmap_exec_and_move_hide_nothing)
{
	prepare();
	unit_put(other, 500, 9);
	unit_unmap(other, 500, 1);
	unit_put(other, 502, 9);
	unit_remap(other, 502, 1, 1, PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED,
		   700);
	dirty_take(watch, "100 102");
	unit_put(other, 700, 10);
	unit_advise(other, 700, 1, PAGER_ADV_DONTNEED);
	unit_put(other, 504, 10);
	unit_protect(other, 504, 1, 0);
	unit_put(other, 505, 10);
	unit_map(other, 505, 1, UNIT_RW);
	unit_put(other, 506, 1);
	pager_space_clear(other);
	dirty_is(watch, "102 104-106");
}

DIRTY_TEST(a_writer_that_forks_is_seen_and_so_is_its_child)
{
	struct pager_space *child;

	prepare();
	unit_put(other, 501, 9);
	child = unit_fork(other);
	unit_put(child, 502, 9);
	unit_put(other, 503, 9);
	dirty_take(watch, "101-103");
	unit_put(child, 501, 10);
	pager_space_free(other);
	unit_put(child, 502, 10);
	pager_space_free(child);
	dirty_is(watch, "101-102");
}

DIRTY_TEST(a_view_under_protection_none_is_still_a_view)
{
	prepare();
	unit_protect(unit_space, 100, 8, 0);
	unit_put(other, 502, 9);
	dirty_is(watch, "102");
}

DIRTY_TEST(a_private_mapping_sees_only_its_own_writes)
{
	prepare();
	unit_get(unit_space, 202);
	unit_put(other, 502, 9);
	unit_put(unit_space, 203, 1);
	dirty_take(watch, "102 203");
	unit_put(unit_space, 203, 2);
	unit_put(unit_space, 103, 3);
	dirty_is(watch, "103 203");
}

DIRTY_TEST(two_views_in_one_space_are_both_dirty)
{
	prepare();
	unit_map_object(unit_space, 250, 8, UNIT_RW, SHARED, object, 2);
	unit_map_object(unit_space, 1000, 8, UNIT_RW, SHARED, object, 0);
	dirty_taken(watch);
	unit_put(unit_space, 103, 9);
	dirty_take(watch, "103 251");
	unit_put(unit_space, 1004, 9);
	dirty_take(watch, "104 252");
}

DIRTY_TEST(a_second_view_by_remap_shows_what_the_object_holds)
{
	prepare();
	unit_remap(unit_space, 100, 0, 8,
		   PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED, 250);
	ck_assert(dirty_has(watch, 250) && dirty_has(watch, 253));
	dirty_taken(watch);
	unit_put(other, 500, 9);
	dirty_is(watch, "100 250");
}

DIRTY_TEST(two_spaces_that_log_the_same_object_are_cleared_each_for_itself)
{
	struct pager_dirty_log *theirs;

	prepare();
	theirs = dirty_log_as(
	    other, 500, 8, dirty_method == HARDWARE ? WRITE_PROTECT : HARDWARE,
	    0);
	unit_put(other, 501, 9);
	unit_put(unit_space, 102, 9);
	dirty_take(watch, "101-102");
	dirty_is(watch, "");
	dirty_is(theirs, "501-502");
	unit_put(unit_space, 103, 9);
	dirty_take(theirs, "501-503");
	unit_put(other, 503, 9);
	dirty_is(theirs, "503");
	dirty_is(watch, "103");
}

DIRTY_TEST(what_an_object_shows_where_it_is_mapped_and_unmapped_is_news)
{
	prepare();
	unit_unmap(unit_space, 100, 8);
	unit_put(other, 501, 77);
	unit_map_object(unit_space, 100, 8, UNIT_RW, SHARED, object, 0);
	ck_assert(dirty_has(watch, 101));
	ck_assert(dirty_has(watch, 103));
	dirty_taken(watch);
	unit_map_object(unit_space, 100, 4, UNIT_RW, SHARED, object, 2);
	ck_assert(dirty_has(watch, 101));
}

DIRTY_TEST(an_object_with_data_that_is_mapped_over_nothing_is_news)
{
	prepare();
	unit_map_object(unit_space, 260, 4, UNIT_R, SHARED, object, 0);
	ck_assert(dirty_has(watch, 260) && dirty_has(watch, 263));
	unit_map_object(unit_space, 270, 4, UNIT_R, 0, object, 0);
	ck_assert(dirty_has(watch, 270) && dirty_has(watch, 273));
	dirty_taken(watch);
	unit_remap(unit_space, 260, 4, 8, 0, 0);
	ck_assert(!dirty_has(watch, 263));
}

DIRTY_TEST(a_mapping_that_was_made_after_the_start_is_seen)
{
	prepare();
	unit_map_object(unit_space, 280, 8, UNIT_RW, SHARED, unit_object(8), 0);
	dirty_taken(watch);
	unit_put(unit_space, 281, 1);
	dirty_is(watch, "281");
}

DIRTY_TEST(truncation_drops_data_of_views_and_of_private_copies)
{
	prepare();
	unit_put(unit_space, 206, 1);
	unit_put(unit_space, 201, 1);
	unit_put(other, 505, 5);
	dirty_taken(watch);
	unit_ok(pager_object_resize(object, 3));
	ck_assert(dirty_has(watch, 103));
	ck_assert(dirty_has(watch, 105));
	ck_assert(dirty_has(watch, 206));
	ck_assert(!dirty_has(watch, 102));
	ck_assert(!dirty_has(watch, 201));
	dirty_taken(watch);
	unit_ok(pager_object_resize(object, 8));
	dirty_taken(watch);
	unit_put(other, 506, 1);
	dirty_is(watch, "106");
}

DIRTY_TEST(dontneed_of_a_shared_page_loses_no_write)
{
	prepare();
	unit_put(unit_space, 101, 9);
	unit_advise(unit_space, 100, 8, PAGER_ADV_DONTNEED);
	dirty_take(watch, "101");
	ck_assert_uint_eq(unit_get(unit_space, 101), 9);
	dirty_is(watch, "");
}

DIRTY_TEST(dontneed_of_a_private_copy_brings_the_object_back)
{
	prepare();
	unit_put(unit_space, 201, 9);
	dirty_take(watch, "201");
	unit_advise(unit_space, 200, 8, PAGER_ADV_DONTNEED);
	dirty_take(watch, "201");
}

DIRTY_TEST(writes_to_an_object_outlive_the_batch_that_is_taken_back)
{
	prepare();
	unit_fill(unit_space, 100, 4, 9);
	dirty_take(watch, "100-103");
	unit_ok(pager_space_snapshot(unit_space));
	unit_put(unit_space, 100, 1);
	unit_put(unit_space, 101, 1); /* the path is there: no fault */
	unit_put(other, 503, 1);
	pager_space_snapshot_restore(unit_space);
	ck_assert_uint_eq(unit_get(unit_space, 101), 1);
	dirty_take(watch, "100-101 103");
	unit_put(unit_space, 102, 1);
	dirty_is(watch, "102");
}

/* --- fork ------------------------------------------------------------------
 */

static void prepare_private(void)
{
	unit_map(unit_space, 100, 50, UNIT_RW);
	unit_fill(unit_space, 100, 8, 1);
	watch = dirty_log(unit_space, 100, 200);
}

DIRTY_TEST(a_fork_hides_no_write_and_makes_none)
{
	struct pager_space *child;

	prepare_private();
	unit_put(unit_space, 101, 9);
	child = unit_fork(unit_space);
	dirty_is(watch, "101");
	unit_put(unit_space, 102, 9);
	dirty_take(watch, "101-102");
	unit_put(child, 103, 9);
	dirty_is(watch, "");
	unit_put(unit_space, 103, 10);
	dirty_is(watch, "103");
}

DIRTY_TEST(both_sides_of_a_fork_have_logs_of_their_own)
{
	struct pager_space *child;
	struct pager_dirty_log *theirs;

	prepare_private();
	unit_put(unit_space, 101, 9);
	child = unit_fork(unit_space);
	theirs = dirty_log(child, 100, 200);
	dirty_is(theirs, "");
	unit_put(child, 101, 10);
	unit_put(child, 104, 10);
	dirty_is(watch, "101");
	dirty_take(theirs, "101 104");
	unit_put(unit_space, 105, 11);
	dirty_is(theirs, "");
	dirty_take(watch, "101 105");
}

DIRTY_TEST(the_parents_exit_leaves_its_writes_out_of_the_childs_log)
{
	struct pager_space *child;
	struct pager_dirty_log *theirs;

	prepare_private();
	child = unit_fork(unit_space);
	unit_put(unit_space, 100, 50);
	theirs = dirty_log(child, 100, 200);
	unit_put(unit_space, 101, 50);
	pager_space_free(unit_space);
	dirty_is(theirs, "");
	unit_put(child, 102, 9);
	unit_put(child, 101, 9);
	dirty_take(theirs, "101-102");
	unit_put(child, 102, 10);
	dirty_is(theirs, "102");
	ck_assert(dirty_has(watch, 100) && dirty_has(watch, 101));
	ck_assert(dirty_info(watch).flags & PAGER_DIRTY_ORPHAN);
}

DIRTY_TEST(the_childs_exit_gives_the_path_back_and_writes_are_still_seen)
{
	struct pager_space *child;

	prepare_private();
	child = unit_fork(unit_space);
	unit_put(unit_space, 120, 1);
	dirty_take(watch, "120");
	pager_space_free(child);
	unit_put(unit_space, 101, 9);
	unit_put(unit_space, 120, 9);
	dirty_take(watch, "101 120");
	child = unit_fork(unit_space);
	pager_space_free(child);
	unit_put(unit_space, 102, 9);
	dirty_is(watch, "102");
}

DIRTY_TEST(a_path_that_was_armed_while_it_was_shared_stays_armed)
{
	struct pager_space *child = NULL;

	unit_map(unit_space, 100, 50, UNIT_RW);
	unit_fill(unit_space, 100, 8, 1);
	child = unit_fork(unit_space);
	watch = dirty_log(unit_space, 100, 200);
	unit_put(unit_space, 110, 1);
	dirty_take(watch, "110");
	pager_space_free(child);
	unit_put(unit_space, 103, 9);
	unit_put(unit_space, 110, 9);
	dirty_is(watch, "103 110");
}

DIRTY_TEST(a_log_of_the_child_sees_the_path_it_copies)
{
	struct pager_space *child, *grandchild;
	struct pager_dirty_log *theirs;

	prepare_private();
	unit_put(unit_space, 106, 1);
	child = unit_fork(unit_space);
	grandchild = unit_fork(child);
	theirs = dirty_log(grandchild, 100, 200);
	pager_space_free(child);
	unit_put(grandchild, 101, 1);
	dirty_take(theirs, "101");
	pager_space_free(unit_space);
	unit_put(grandchild, 101, 2);
	unit_put(grandchild, 106, 2);
	dirty_is(theirs, "101 106");
}

DIRTY_TEST(what_a_child_does_not_inherit_is_no_loss_of_the_parent)
{
	prepare_private();
	unit_advise(unit_space, 100, 2, PAGER_ADV_DONTFORK);
	unit_advise(unit_space, 102, 2, PAGER_ADV_WIPEONFORK);
	unit_fork(unit_space);
	dirty_is(watch, "");
	unit_put(unit_space, 100, 9);
	unit_put(unit_space, 102, 9);
	dirty_is(watch, "100 102");
}

int main(void)
{
	const TTest *const tests[] = {
	    a_write_by_another_space_is_seen,
	    a_write_is_seen_though_the_space_never_touched_the_page,
	    a_write_fault_that_another_space_announces_is_seen,
	    a_snapshot_that_is_restored_hides_no_write_to_an_object,
	    the_writers_exit_hides_nothing,
	    the_writers_unmap_exec_and_move_hide_nothing,
	    a_writer_that_forks_is_seen_and_so_is_its_child,
	    a_view_under_protection_none_is_still_a_view,
	    a_private_mapping_sees_only_its_own_writes,
	    two_views_in_one_space_are_both_dirty,
	    a_second_view_by_remap_shows_what_the_object_holds,
	    two_spaces_that_log_the_same_object_are_cleared_each_for_itself,
	    what_an_object_shows_where_it_is_mapped_and_unmapped_is_news,
	    an_object_with_data_that_is_mapped_over_nothing_is_news,
	    a_mapping_that_was_made_after_the_start_is_seen,
	    truncation_drops_data_of_views_and_of_private_copies,
	    dontneed_of_a_shared_page_loses_no_write,
	    dontneed_of_a_private_copy_brings_the_object_back,
	    writes_to_an_object_outlive_the_batch_that_is_taken_back,
	    a_fork_hides_no_write_and_makes_none,
	    both_sides_of_a_fork_have_logs_of_their_own,
	    the_parents_exit_leaves_its_writes_out_of_the_childs_log,
	    the_childs_exit_gives_the_path_back_and_writes_are_still_seen,
	    a_path_that_was_armed_while_it_was_shared_stays_armed,
	    a_log_of_the_child_sees_the_path_it_copies,
	    what_a_child_does_not_inherit_is_no_loss_of_the_parent,
	};

	return DIRTY_RUN("dirty_shared", tests);
}
