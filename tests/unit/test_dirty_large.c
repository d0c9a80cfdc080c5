/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dirty logs and large entries: a write to one is said of 512 pages once at
 * the most; it is split, moved, dropped and made without a loss.
 */
#include "lib/core/large.h"
#include "tests/support/dirty_watch.h"

enum { L = 512, FIXED = PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED };

static struct pager_dirty_log *watch;

/* [512, 1024) is one large entry with data in 519 and 600. */
static void prepare(uint32_t flags)
{
	static const struct test_world_config config = {.frames = 8 * L};

	dirty_start(&config);
	unit_ok(pager_space_set_around(unit_space, PAGER_AROUND_2M));
	unit_map(unit_space, L, 2 * L, UNIT_RW);
	unit_put(unit_space, L + 7, 1);
	unit_put(unit_space, 600, 1);
	ck_assert_uint_eq(unit_stats().large_entries, 1);
	watch = dirty_log_as(unit_space, 0, 4 * L, dirty_method, flags);
}

#define LARGE_TEST(name)                                      \
	static void name##_of(void);                          \
	START_TEST(name)                                      \
	{                                                     \
		dirty_method = _i ? WRITE_PROTECT : HARDWARE; \
		prepare(0);                                   \
		name##_of();                                  \
		dirty_end();                                  \
	}                                                     \
	END_TEST                                              \
	static void name##_of(void)

LARGE_TEST(what_was_written_before_is_not_dirty)
{
	dirty_is(watch, "");
	for (uint64_t v = L; v < 2 * L; v += 50)
		unit_get(unit_space, v);
	dirty_is(watch, "");
}

LARGE_TEST(a_write_is_said_of_all_pages_once_at_the_most)
{
	unit_put(unit_space, 700, 2);
	ck_assert(dirty_has(watch, 700));
	if (dirty_info(watch).dirty > 1)
		ck_assert_uint_eq(dirty_info(watch).over, L - 1);
	dirty_taken(watch);
	unit_put(unit_space, 701, 2);
	unit_put(unit_space, 519, 2);
	dirty_take(watch, "519 701");
	unit_put(unit_space, 519, 2);
	dirty_is(watch, "519");
	ck_assert_uint_eq(unit_get(unit_space, 600), 1);
}

LARGE_TEST(its_halves_are_logged_apart)
{
	struct pager_dirty_log *half = dirty_log(unit_space, L + 256, 256);

	unit_put(unit_space, 600, 2);
	unit_put(unit_space, 800, 2);
	ck_assert(dirty_has(half, 800));
	dirty_taken(half);
	ck_assert(dirty_has(watch, 600) && dirty_has(watch, 800));
	dirty_taken(watch);
	unit_put(unit_space, 800, 3);
	dirty_is(half, "800");
	dirty_is(watch, "800");
}

LARGE_TEST(a_split_by_protection_loses_no_write)
{
	unit_put(unit_space, 700, 2);
	unit_protect(unit_space, 640, 128, UNIT_R);
	ck_assert(dirty_has(watch, 700));
	dirty_taken(watch);
	unit_protect(unit_space, 640, 128, UNIT_RW);
	unit_put(unit_space, 650, 2);
	dirty_is(watch, "650");
}

LARGE_TEST(a_protection_of_all_of_it_and_back_hides_no_write)
{
	unit_protect(unit_space, L, L, UNIT_R);
	unit_protect(unit_space, L, L, UNIT_RW);
	unit_put(unit_space, 650, 2);
	ck_assert(dirty_has(watch, 650));
	dirty_taken(watch);
	unit_put(unit_space, 651, 2);
	ck_assert(dirty_has(watch, 651));
}

LARGE_TEST(moved_unmapped_and_dropped_it_is_dirty_as_a_whole)
{
	unit_remap(unit_space, L, L, L, FIXED, 3 * L);
	ck_assert(dirty_has(watch, 519) && dirty_has(watch, 3 * L + 7));
	ck_assert(dirty_has(watch, 600) && dirty_has(watch, 3 * L + 88));
	dirty_taken(watch);
	unit_put(unit_space, 3 * L + 9, 1);
	ck_assert(dirty_has(watch, 3 * L + 9));
	dirty_taken(watch);
	unit_advise(unit_space, 3 * L, L, PAGER_ADV_DONTNEED);
	ck_assert(dirty_has(watch, 3 * L + 9));
	ck_assert(dirty_has(watch, 3 * L + 88));
}

LARGE_TEST(unmapped_in_part_the_rest_stays_exact)
{
	unit_unmap(unit_space, 590, 20);
	ck_assert(dirty_has(watch, 600) && !dirty_has(watch, 610));
	dirty_taken(watch);
	unit_put(unit_space, 519, 3);
	dirty_is(watch, "519");
}

LARGE_TEST(a_fork_of_it_and_a_write_on_each_side)
{
	struct pager_space *child = unit_fork(unit_space);
	struct pager_dirty_log *theirs = dirty_log(child, 0, 4 * L);

	unit_put(unit_space, 700, 2);
	unit_put(child, 701, 2);
	ck_assert(dirty_has(watch, 700));
	ck_assert(dirty_has(theirs, 701));
	ck_assert(!dirty_has(theirs, 700));
	dirty_taken(watch);
	dirty_taken(theirs);
	unit_put(unit_space, 702, 2);
	unit_put(child, 702, 2);
	dirty_is(watch, "702");
	dirty_is(theirs, "702");
}

LARGE_TEST(pages_that_are_put_together_are_still_told_apart_or_counted)
{
	unit_put(unit_space, 700, 2);
	dirty_taken(watch);
	large_collapse_all(unit_world.core);
	unit_put(unit_space, 701, 2);
	ck_assert(dirty_has(watch, 701));
	dirty_taken(watch);
	large_collapse_all(unit_world.core);
	unit_put(unit_space, 702, 2);
	unit_put(unit_space, 703, 2);
	ck_assert(dirty_has(watch, 702) && dirty_has(watch, 703));
}

LARGE_TEST(a_large_fill_under_a_log_reports_the_page_that_was_written)
{
	unit_put(unit_space, 2 * L + 5, 1);
	ck_assert(dirty_has(watch, 2 * L + 5));
	dirty_taken(watch);
	unit_put(unit_space, 2 * L + 6, 1);
	ck_assert(dirty_has(watch, 2 * L + 6));
	dirty_taken(watch);
	unit_put(unit_space, 2 * L + 7, 1);
	unit_put(unit_space, 2 * L + 5, 1);
	dirty_is(watch, "1029 1031");
}

LARGE_TEST(without_a_node_to_split_it_nothing_is_lost)
{
	struct pager_fault_info info;
	struct pager_status st;

	unit_limit(PAGER_RES_NODES, unit_used(PAGER_RES_NODES));
	st = pager_space_fault(unit_space, 700, PAGER_ACCESS_WRITE, &info);
	if (!st.err) {
		ck_assert(dirty_has(watch, 700));
	} else {
		ck_assert_uint_eq(st.err, PAGER_ELIMIT);
		dirty_is(watch, "");
	}
	unit_no_limits();
	unit_put(unit_space, 701, 2);
	ck_assert(dirty_has(watch, 701));
	dirty_taken(watch);
	unit_put(unit_space, 701, 3);
	ck_assert(dirty_has(watch, 701));
}

START_TEST(all_set_and_written_before_it_is_cleared)
{
	dirty_method = _i ? WRITE_PROTECT : HARDWARE;
	prepare(PAGER_DIRTY_ALL_SET);
	unit_put(unit_space, 700, 2);
	ck_assert_uint_eq(dirty_wipe(watch, 700, 1), 1);
	unit_put(unit_space, 700, 3);
	ck_assert(dirty_has(watch, 700));
	dirty_taken(watch);
	dirty_is(watch, "");
	unit_put(unit_space, 701, 3);
	ck_assert(dirty_has(watch, 701));
	dirty_taken(watch);
	unit_put(unit_space, 702, 3);
	dirty_is(watch, "702");
	dirty_end();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	    what_was_written_before_is_not_dirty,
	    a_write_is_said_of_all_pages_once_at_the_most,
	    its_halves_are_logged_apart,
	    a_split_by_protection_loses_no_write,
	    a_protection_of_all_of_it_and_back_hides_no_write,
	    moved_unmapped_and_dropped_it_is_dirty_as_a_whole,
	    unmapped_in_part_the_rest_stays_exact,
	    a_fork_of_it_and_a_write_on_each_side,
	    pages_that_are_put_together_are_still_told_apart_or_counted,
	    a_large_fill_under_a_log_reports_the_page_that_was_written,
	    without_a_node_to_split_it_nothing_is_lost,
	    all_set_and_written_before_it_is_cleared,
	};

	return DIRTY_RUN("dirty_large", tests);
}
