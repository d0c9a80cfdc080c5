/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fault-around and large entries: what one fault fills, what splits an entry
 * and what that needs, and that counters, sharing and permissions stay those of
 * single pages.
 */
#include "lib/core/large.h"

#include <stdlib.h>

#include "lib/base/failpoint.h"
#include "tests/support/unit.h"

enum { L = 512, FRAMES = 8 * 512 };

static struct pager_core *core;

static void start(enum pager_around around)
{
	const struct test_world_config config = {.frames = FRAMES};

	unit_start(&config);
	core = unit_world.core;
	unit_ok(pager_space_set_around(unit_space, around));
}

/* [L, 3L) mapped, the first stretch by one large entry. */
static void start_large(void)
{
	start(PAGER_AROUND_2M);
	unit_map(unit_space, L, 2 * L, UNIT_RW);
	unit_put(unit_space, L + 7, 1);
	ck_assert_uint_eq(unit_stats().large_entries, 1);
}

static uint64_t resident(const struct pager_space *s)
{
	return unit_info(s).resident;
}

/* --- fault-around ------------------------------------------------------------
 */

START_TEST(without_a_policy_a_fault_fills_one_page)
{
	start(PAGER_AROUND_OFF);
	unit_map(unit_space, 0, L, UNIT_RW);
	unit_put(unit_space, 20, 1);
	ck_assert_uint_eq(resident(unit_space), 1);
	unit_end();
}
END_TEST

START_TEST(a_write_fault_fills_the_aligned_64_kib_each_page_its_own)
{
	start(PAGER_AROUND_64K);
	unit_map(unit_space, 0, L, UNIT_RW);
	unit_put(unit_space, 20, 1);
	ck_assert_uint_eq(resident(unit_space), 16);
	ck_assert_uint_eq(unit_info(unit_space).minor_faults, 1);
	ck_assert_uint_eq(unit_stats().around_fills, 1);
	for (uint64_t v = 16; v < 32; v++) {
		struct pager_page_info p = unit_page(unit_space, v);

		ck_assert_uint_eq(p.refs, 1);
		ck_assert_uint_eq(p.type, PAGER_PAGE_ANON);
		ck_assert_int_eq((p.entry & PTE_D) != 0, v == 20);
		ck_assert_int_eq((p.entry & PTE_A) != 0, v == 20);
		ck_assert_uint_eq(p.pa, unit_page(unit_space, 16).pa +
					    (v - 16) * 4096);
	}
	ck_assert_uint_eq(unit_page(unit_space, 15).entry, 0);
	ck_assert_uint_eq(unit_page(unit_space, 32).entry, 0);
	unit_end();
}
END_TEST

START_TEST(a_read_fault_fills_nothing_around)
{
	start(PAGER_AROUND_2M);
	unit_map(unit_space, 0, L, UNIT_RW);
	ck_assert_uint_eq(unit_get(unit_space, 20), 0);
	ck_assert_uint_eq(resident(unit_space), 1);
	unit_end();
}
END_TEST

START_TEST(a_stretch_that_is_not_empty_or_cut_by_its_region_is_not_filled)
{
	start(PAGER_AROUND_64K);
	unit_map(unit_space, 3, 60, UNIT_RW);
	unit_put(unit_space, 5, 1);
	ck_assert_uint_eq(resident(unit_space), 1);
	ck_assert_uint_eq(unit_get(unit_space, 31), 0);
	unit_put(unit_space, 17, 1);
	ck_assert_uint_eq(resident(unit_space), 3);
	unit_put(unit_space, 33, 1);
	ck_assert_uint_eq(resident(unit_space), 3 + 16);
	unit_put(unit_space, 62, 1);
	ck_assert_uint_eq(resident(unit_space), 3 + 16 + 1);
	unit_end();
}
END_TEST

START_TEST(limits_and_a_pool_without_runs_leave_the_page_alone)
{
	start(PAGER_AROUND_2M);
	unit_map(unit_space, 0, 4 * L, UNIT_RW);
	unit_limit(PAGER_RES_FRAMES, 100);
	unit_put(unit_space, 0, 1);
	ck_assert_uint_eq(resident(unit_space), 16);
	unit_limit(PAGER_RES_FRAMES, 20);
	unit_put(unit_space, 16, 1);
	ck_assert_uint_eq(resident(unit_space), 17);
	unit_no_limits();
	unit_end();
}
END_TEST

#ifdef PAGER_FAILPOINTS
START_TEST(without_a_run_of_2_mib_a_fault_fills_64_kib)
{
	struct pager_fault_info info;
	const char *fired = NULL;

	start(PAGER_AROUND_2M);
	unit_map(unit_space, 0, L, UNIT_RW);
	for (unsigned long nth = 1; resident(unit_space) == 0; nth++) {
		pager_fail_arm(nth);
		pager_space_fault(unit_space, 20, PAGER_ACCESS_WRITE, &info);
		fired = pager_fail_fired();
	}
	pager_fail_arm(0);
	ck_assert_ptr_nonnull(fired);
	ck_assert_str_eq(fired, "run");
	ck_assert_uint_eq(resident(unit_space), 16);
	unit_end();
}
END_TEST

/* Each failure refuses and changes nothing, until none is met. */
static void refused_by_each_failure(struct pager_status (*op)(void))
{
	unsigned long nth = 1;

	for (;; nth++) {
		char *before = unit_picture();
		struct pager_status st;

		pager_fail_arm(nth);
		st = op();
		if (!pager_fail_fired()) {
			free(before);
			break;
		}
		pager_fail_arm(0);
		ck_assert_uint_eq(st.err, PAGER_ENOMEM);
		unit_unchanged(before, "a refusal");
	}
	pager_fail_arm(0);
	ck_assert_uint_gt(nth, 1);
}
#endif

START_TEST(a_policy_is_inherited_and_an_unknown_one_refused)
{
	struct pager_space *child;

	start(PAGER_AROUND_64K);
	unit_refused(pager_space_set_around(unit_space, 3), PAGER_EINVAL,
		     PAGER_ARG_FLAGS);
	child = unit_fork(unit_space);
	unit_map(child, 0, L, UNIT_RW);
	unit_put(child, 0, 1);
	ck_assert_uint_eq(resident(child), 16);
	unit_end();
}
END_TEST

START_TEST(pinned_and_object_pages_are_not_filled_around)
{
	start(PAGER_AROUND_2M);
	unit_map_object(unit_space, 0, L, UNIT_RW, 0, unit_object(L), 0);
	unit_put(unit_space, 0, 1);
	ck_assert_uint_eq(resident(unit_space), 1);
	unit_map(unit_space, 2 * L, L, UNIT_RW);
	unit_ok(pager_space_pin(unit_space, pager_range(2 * L, 2 * L + 1)));
	ck_assert_uint_eq(resident(unit_space), 2);
	unit_end();
}
END_TEST

/* --- one entry for 2 MiB
 * ------------------------------------------------------ */

START_TEST(one_fault_maps_2_mib_by_one_entry)
{
	struct pager_page_info p;

	start_large();
	ck_assert_uint_eq(resident(unit_space), L);
	ck_assert_uint_eq(unit_used(PAGER_RES_FRAMES), L);
	p = unit_page(unit_space, L + 9);
	ck_assert_uint_eq(p.levels, 3);
	ck_assert_uint_eq(p.refs, 1);
	ck_assert_uint_eq(p.pa, unit_page(unit_space, L).pa + 9 * 4096);
	ck_assert_uint_eq(unit_get(unit_space, L + 7), 1);
	ck_assert_uint_eq(unit_get(unit_space, 2 * L - 1), 0);
	ck_assert_uint_eq(unit_info(unit_space).minor_faults, 1);
	unit_end();
}
END_TEST

START_TEST(populate_fills_by_large_entries_but_nothing_beyond_its_range)
{
	uint64_t done;

	start(PAGER_AROUND_2M);
	unit_map(unit_space, 0, 4 * L, UNIT_RW);
	unit_ok(pager_space_populate(unit_space, pager_range(L - 3, 2 * L + 5),
				     PAGER_ACCESS_WRITE, &done));
	ck_assert_uint_eq(done, L + 8);
	ck_assert_uint_eq(resident(unit_space), L + 8);
	ck_assert_uint_eq(unit_stats().large_entries, 1);
	unit_end();
}
END_TEST

START_TEST(unmapping_a_part_splits_and_the_whole_frees_at_once)
{
	start_large();
	unit_unmap(unit_space, L, 1);
	ck_assert_uint_eq(unit_stats().large_entries, 0);
	ck_assert_uint_eq(resident(unit_space), L - 1);
	ck_assert_uint_eq(unit_used(PAGER_RES_FRAMES), L - 1);
	ck_assert_uint_eq(unit_get(unit_space, L + 7), 1);
	unit_unmap(unit_space, L, 2 * L);
	ck_assert_uint_eq(unit_used(PAGER_RES_FRAMES), 0);
	unit_map(unit_space, L, L, UNIT_RW);
	unit_put(unit_space, L, 1);
	unit_unmap(unit_space, L, L);
	ck_assert_uint_eq(unit_stats().large_splits, 1);
	ck_assert_uint_eq(unit_used(PAGER_RES_FRAMES), 0);
	unit_end();
}
END_TEST

START_TEST(a_split_without_a_node_is_refused_and_nothing_changes)
{
	start_large();
	unit_limit(PAGER_RES_NODES, unit_used(PAGER_RES_NODES));
	unit_refused(pager_space_unmap(unit_space, pager_range(L + 3, L + 4)),
		     PAGER_ELIMIT, PAGER_ARG_NONE);
	unit_no_limits();
	ck_assert_uint_eq(unit_stats().large_entries, 1);
	unit_end();
}
END_TEST

#ifdef PAGER_FAILPOINTS
static struct pager_space *child_space;

static struct pager_status unmap_one(void)
{
	return pager_space_unmap(unit_space, pager_range(L, L + 1));
}

static struct pager_status protect_one(void)
{
	return pager_space_protect(unit_space, pager_range(L + 4, L + 5),
				   UNIT_R);
}

static struct pager_status write_one(void)
{
	struct pager_fault_info info;

	return pager_space_fault(child_space, L, PAGER_ACCESS_WRITE, &info);
}

static struct pager_status move_half(void)
{
	struct pager_remap_args a = {.addr = L,
				     .pages = L / 2,
				     .new_pages = L / 2,
				     .flags = PAGER_REMAP_MAYMOVE |
					      PAGER_REMAP_FIXED,
				     .new_addr = 8 * L};
	uint64_t at;

	return pager_space_remap(unit_space, &a, &at);
}

START_TEST(what_splits_a_large_entry_does_so_whole_or_not_at_all)
{
	static struct pager_status (*const ops[])(void) = {
	    unmap_one, protect_one, write_one, move_half};

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		start_large();
		child_space = unit_fork(unit_space);
		refused_by_each_failure(ops[i]);
		unit_check();
		unit_end();
	}
}
END_TEST
#endif

START_TEST(protecting_the_whole_stretch_keeps_it_a_part_splits_it)
{
	start_large();
	unit_protect(unit_space, L, L, UNIT_R);
	ck_assert_uint_eq(unit_stats().large_entries, 1);
	ck_assert_int_eq(unit_signal(unit_space, L + 9, PAGER_ACCESS_WRITE),
			 PAGER_SEGV_ACCERR);
	unit_protect(unit_space, L, L, UNIT_RW);
	unit_put(unit_space, L + 9, 4);
	ck_assert_uint_eq(unit_stats().large_entries, 1);
	unit_protect(unit_space, L, 10, PAGER_PROT_READ);
	ck_assert_uint_eq(unit_stats().large_entries, 0);
	ck_assert_int_eq(unit_signal(unit_space, L + 9, PAGER_ACCESS_WRITE),
			 PAGER_SEGV_ACCERR);
	unit_put(unit_space, L + 10, 5);
	ck_assert_uint_eq(unit_get(unit_space, L + 9), 4);
	unit_end();
}
END_TEST

/* Write permission given to a part of a read-only stretch must not reach the
 * rest of it by the one entry that both have. */
START_TEST(write_permission_for_a_part_stays_with_the_part)
{
	start_large();
	unit_protect(unit_space, L, L, UNIT_R);
	unit_protect(unit_space, L + 256, 256, UNIT_RW);
	unit_put(unit_space, L + 300, 9);
	ck_assert_int_eq(unit_signal(unit_space, L + 9, PAGER_ACCESS_WRITE),
			 PAGER_SEGV_ACCERR);
	ck_assert_uint_eq(
	    unit_page(unit_space, L + 9).access & PAGER_ACCESS_WRITE, 0);
	unit_end();
}
END_TEST

/* --- fork and copy on write
 * ---------------------------------------------------- */

START_TEST(a_fork_shares_the_entry_and_a_write_copies_one_page)
{
	struct pager_sharing sharing;
	struct pager_space *child;

	start_large();
	child = unit_fork(unit_space);
	ck_assert_uint_eq(unit_used(PAGER_RES_FRAMES), L);
	unit_put(child, L + 7, 2);
	ck_assert_uint_eq(unit_used(PAGER_RES_FRAMES), L + 1);
	ck_assert_uint_eq(unit_get(unit_space, L + 7), 1);
	ck_assert_uint_eq(unit_get(child, L + 7), 2);
	ck_assert_uint_eq(unit_stats().large_entries, 1);
	ck_assert_uint_eq(resident(child), L);
	pager_space_sharing(unit_space, pager_range(0, PAGER_VPN_END),
			    &sharing);
	ck_assert_uint_eq(sharing.private_pages, 1);
	ck_assert_uint_eq(sharing.shared_pages, L - 1);
	ck_assert_uint_eq(sharing.proportional, 4096 + (L - 1) * 2048);
	pager_space_sharing(child, pager_range(0, PAGER_VPN_END), &sharing);
	ck_assert_uint_eq(sharing.private_pages, 1);
	unit_end();
}
END_TEST

START_TEST(when_the_others_are_gone_the_entry_is_writable_as_a_whole)
{
	struct pager_space *child;

	start_large();
	child = unit_fork(unit_space);
	pager_space_free(child);
	unit_put(unit_space, L + 1, 3);
	unit_put(unit_space, L + 2, 4);
	ck_assert_uint_eq(unit_stats().large_entries, 1);
	ck_assert_uint_eq(unit_stats().cow_copies, 0);
	ck_assert_uint_eq(unit_used(PAGER_RES_FRAMES), L);
	unit_end();
}
END_TEST

/* --- moving, freeing, harvesting
 * ----------------------------------------------- */

START_TEST(a_stretch_moves_with_its_pages_wherever_it_goes)
{
	struct pager_space *child;

	start_large();
	child = unit_fork(unit_space);
	unit_remap(unit_space, L, L, L, PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED,
		   8 * L);
	unit_remap(child, L, L, L, PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED,
		   8 * L + 100);
	ck_assert_uint_eq(unit_get(unit_space, 8 * L + 7), 1);
	ck_assert_uint_eq(unit_get(child, 8 * L + 107), 1);
	unit_put(child, 8 * L + 107, 2);
	ck_assert_uint_eq(unit_get(unit_space, 8 * L + 7), 1);
	ck_assert_uint_eq(resident(child), L);
	unit_check();
	unit_end();
}
END_TEST

START_TEST(lazily_freed_pages_of_a_stretch_are_single_ones)
{
	start_large();
	unit_advise(unit_space, L, 10, PAGER_ADV_FREE);
	ck_assert_uint_eq(unit_stats().large_entries, 0);
	ck_assert(unit_page(unit_space, L + 7).entry & PTE_LAZY);
	ck_assert(!(unit_page(unit_space, L + 17).entry & PTE_LAZY));
	unit_end();
}
END_TEST

START_TEST(a_harvest_says_of_all_pages_what_the_entry_says)
{
	struct pager_harvest h;

	start_large();
	h = pager_space_harvest(unit_space, pager_range(L, 2 * L));
	ck_assert_uint_eq(h.dirty, L);
	ck_assert(unit_page(unit_space, L).entry & PTE_CHANGED);
	h = pager_space_harvest(unit_space, pager_range(L, 2 * L));
	ck_assert_uint_eq(h.dirty, 0);
	unit_put(unit_space, L + 3, 1);
	h = pager_space_harvest(unit_space, pager_range(L, L + 10));
	ck_assert_uint_eq(h.dirty, 10);
	unit_end();
}
END_TEST

/* --- collapse
 * ------------------------------------------------------------------ */

START_TEST(a_stretch_that_is_whole_again_is_one_entry_again)
{
	uint64_t due, nodes;

	start_large();
	nodes = unit_stats().nodes_used;
	unit_protect(unit_space, L, 10, UNIT_R);
	unit_protect(unit_space, L, 10, UNIT_RW);
	unit_put(unit_space, L + 3, 8);
	ck_assert_uint_eq(unit_stats().large_entries, 0);
	ck_assert(!pager_core_work(core, 5000, &due));
	ck_assert_uint_eq(due, 6000);
	while (pager_core_work(core, 6000, &due))
		;
	ck_assert_uint_eq(unit_stats().large_entries, 1);
	ck_assert_uint_eq(unit_stats().large_collapses, 1);
	ck_assert_uint_eq(unit_stats().nodes_used, nodes);
	ck_assert_uint_eq(resident(unit_space), L);
	ck_assert_uint_eq(unit_get(unit_space, L + 7), 1);
	ck_assert_uint_eq(unit_get(unit_space, L + 3), 8);
	unit_put(unit_space, L + 400, 2);
	unit_check();
	ck_assert(!pager_core_work(core, 90000, &due));
	ck_assert_uint_eq(due, UINT64_MAX);
	unit_end();
}
END_TEST

START_TEST(nothing_is_collapsed_that_is_not_whole_alike_and_ours)
{
	struct pager_space *child;

	start_large();
	unit_protect(unit_space, L, 10, UNIT_R);
	large_collapse_all(core);
	ck_assert_uint_eq(unit_stats().large_entries, 0);
	unit_protect(unit_space, L, 10, UNIT_RW);
	child = unit_fork(unit_space);
	unit_put(child, L + 1, 1);
	large_collapse_all(core);
	ck_assert_uint_eq(unit_stats().large_collapses, 0);
	/* The parent's run is whole, and its own, without the child. */
	pager_space_free(child);
	large_collapse_all(core);
	ck_assert_uint_eq(unit_stats().large_collapses, 1);
	unit_unmap(unit_space, L + 4, 1);
	large_collapse_all(core);
	ck_assert_uint_eq(unit_stats().large_collapses, 1);
	unit_end();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	    without_a_policy_a_fault_fills_one_page,
	    a_write_fault_fills_the_aligned_64_kib_each_page_its_own,
	    a_read_fault_fills_nothing_around,
	    a_stretch_that_is_not_empty_or_cut_by_its_region_is_not_filled,
	    limits_and_a_pool_without_runs_leave_the_page_alone,
	    a_policy_is_inherited_and_an_unknown_one_refused,
	    pinned_and_object_pages_are_not_filled_around,
	    one_fault_maps_2_mib_by_one_entry,
	    populate_fills_by_large_entries_but_nothing_beyond_its_range,
	    unmapping_a_part_splits_and_the_whole_frees_at_once,
	    a_split_without_a_node_is_refused_and_nothing_changes,
	    protecting_the_whole_stretch_keeps_it_a_part_splits_it,
	    write_permission_for_a_part_stays_with_the_part,
	    a_fork_shares_the_entry_and_a_write_copies_one_page,
	    when_the_others_are_gone_the_entry_is_writable_as_a_whole,
	    a_stretch_moves_with_its_pages_wherever_it_goes,
	    lazily_freed_pages_of_a_stretch_are_single_ones,
	    a_harvest_says_of_all_pages_what_the_entry_says,
	    a_stretch_that_is_whole_again_is_one_entry_again,
	    nothing_is_collapsed_that_is_not_whole_alike_and_ours,
#ifdef PAGER_FAILPOINTS
	    without_a_run_of_2_mib_a_fault_fills_64_kib,
	    what_splits_a_large_entry_does_so_whole_or_not_at_all,
#endif
	};

	return UNIT_RUN("large", tests);
}
