/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Logs themselves: what they refuse, clear, begin and end; several of them on
 * the same pages; initially all set; a space that ends below its logs.
 */
#include <string.h>

#include "tests/support/dirty_watch.h"

static struct pager_dirty_log *watch;

static void prepare(void)
{
	unit_map(unit_space, 100, 150, UNIT_RW);
	unit_fill(unit_space, 100, 8, 1);
	watch = dirty_log(unit_space, 100, 200);
}

static int take_none(void *ctx, uint64_t first, const uint64_t *words,
		     unsigned int count)
{
	uint64_t *n = ctx;

	(void)first;
	for (unsigned int i = 0; i < count; i++)
		*n += (uint64_t)__builtin_popcountll(words[i]);
	return 0;
}

static struct pager_status get(uint64_t first, uint64_t pages)
{
	struct pager_dirty_got got;
	uint64_t n = 0;
	struct pager_status st =
	    pager_dirty_get(watch, first, pages, take_none, &n, &got);

	if (!st.err)
		ck_assert_uint_eq(got.pages, n);
	return st;
}

static struct pager_status clear(uint64_t first, uint64_t pages)
{
	uint64_t n;

	return pager_dirty_clear(watch, first, pages, NULL, &n);
}

/* --- refusals --------------------------------------------------------------
 */

static struct pager_status start(uint64_t first, uint64_t end, uint32_t method,
				 uint32_t flags)
{
	struct pager_dirty_log *log = NULL;
	struct pager_status st = pager_dirty_start(
	    unit_space, unit_world.account, pager_range(first, end),
	    (enum pager_dirty_method)method, flags, &log);

	if (!st.err)
		dirty_keep(log);
	else
		ck_assert_ptr_null(log);
	return st;
}

DIRTY_TEST(starts_that_are_refused)
{
	prepare();
	unit_refused(start(100, 200, 3, 0), PAGER_EINVAL, PAGER_ARG_METHOD);
	unit_refused(start(100, 200, 77, 0), PAGER_EINVAL, PAGER_ARG_METHOD);
	unit_refused(start(100, 200, HARDWARE, 4), PAGER_EFLAGS,
		     PAGER_ARG_FLAGS);
	unit_refused(start(100, 200, HARDWARE, PAGER_DIRTY_ORPHAN),
		     PAGER_EFLAGS, PAGER_ARG_FLAGS);
	unit_refused(start(100, 100, HARDWARE, 0), PAGER_EINVAL, PAGER_ARG_LEN);
	ck_assert_uint_eq(start(100, PAGER_VPN_END + 1, HARDWARE, 0).err,
			  PAGER_ERANGE);
	ck_assert_uint_eq(
	    start(PAGER_VPN_END + 5, PAGER_VPN_END + 6, HARDWARE, 0).err,
	    PAGER_ERANGE);
	unit_ok(start(0, PAGER_VPN_END, dirty_method, 0));
	unit_ok(start(PAGER_VPN_END - 1, PAGER_VPN_END, dirty_method, 3));
}

DIRTY_TEST(only_so_many_logs_of_a_space)
{
	unit_map(unit_space, 100, 10, UNIT_RW);
	for (unsigned int i = 0; i < PAGER_DIRTY_LOGS_MAX; i++)
		unit_ok(start(100, 110, dirty_method, i & 3));
	unit_refused(start(100, 110, dirty_method, 0), PAGER_ELIMIT,
		     PAGER_ARG_SPACE);
	unit_put(unit_space, 100, 1);
}

DIRTY_TEST(stretches_that_are_refused)
{
	const uint64_t bad[][2] = {{1, 64}, {63, 64}, {0, 1},
				   {0, 65}, {64, 63}, {128, 71}};

	prepare();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint64_t f = bad[i][0], n = bad[i][1];
		uint16_t arg = f % 64 ? PAGER_ARG_FIRST : PAGER_ARG_COUNT_PAGES;

		unit_refused(get(f, n), PAGER_EALIGN, arg);
		unit_refused(clear(f, n), PAGER_EALIGN, arg);
		unit_refused(pager_dirty_begin(watch, f, n, &(uint64_t){0}),
			     PAGER_EALIGN, arg);
		unit_refused(pager_dirty_end(watch, f, n, &(uint64_t){0}),
			     PAGER_EALIGN, arg);
	}
	ck_assert_uint_eq(get(0, 256).err, PAGER_ERANGE);
	ck_assert_uint_eq(get(192, 64).err, PAGER_ERANGE);
	ck_assert_uint_eq(get(256, 64).err, PAGER_ERANGE);
	ck_assert_uint_eq(clear(UINT64_MAX - 63, 64).err, PAGER_ERANGE);
	ck_assert_uint_eq(clear(64, UINT64_MAX - 63).err, PAGER_ERANGE);
	unit_ok(get(0, 200));
	unit_ok(get(0, 64));
	unit_ok(get(192, 8));
	unit_ok(clear(128, 72));
}

/* --- clear ------------------------------------------------------------------
 */

DIRTY_TEST(exactly_the_pages_named_are_cleared)
{
	uint64_t words[4] = {0}, n;

	prepare();
	unit_fill(unit_space, 100, 140, 1);
	words[0] = 0x5;		      /* 100, 102 */
	words[1] = UINT64_C(1) << 63; /* 227 */
	words[3] = 0x80;	      /* 299: clean */
	unit_ok(pager_dirty_clear(watch, 0, 200, words, &n));
	ck_assert_uint_eq(n, 3);
	dirty_is(watch, "101 103-226 228-239");
	unit_put(unit_space, 102, 3);
	dirty_is(watch, "101-226 228-239");
	unit_ok(pager_dirty_clear(watch, 64, 64, NULL, &n));
	ck_assert_uint_eq(n, 63);
	dirty_is(watch, "101-163 228-239");
	ck_assert_uint_eq(dirty_wipe(watch, 163, 1), 1);
	ck_assert_uint_eq(dirty_wipe(watch, 163, 1), 0);
}

DIRTY_TEST(a_write_since_the_last_get_is_cleared_when_it_is_named)
{
	prepare();
	unit_put(unit_space, 101, 9);
	dirty_is(watch, "101");
	unit_put(unit_space, 102, 9);
	ck_assert_uint_eq(dirty_wipe(watch, 101, 2), 2);
	dirty_is(watch, "");
	unit_put(unit_space, 101, 10);
	dirty_is(watch, "101");
}

DIRTY_TEST(under_manual_protection_get_only_reports)
{
	unit_map(unit_space, 100, 150, UNIT_RW);
	watch = dirty_log_as(unit_space, 100, 200, dirty_method,
			     PAGER_DIRTY_MANUAL);
	unit_put(unit_space, 103, 1);
	dirty_is(watch, "103");
	unit_put(unit_space, 103, 2);
	dirty_is(watch, "103");
	dirty_wipe(watch, 103, 1);
	unit_put(unit_space, 103, 3);
	dirty_is(watch, "103");
	ck_assert_uint_eq(dirty_info(watch).flags, PAGER_DIRTY_MANUAL);
}

DIRTY_TEST(a_get_of_a_part_clears_that_part)
{
	struct pager_dirty_got got;
	uint64_t n = 0;

	prepare();
	unit_put(unit_space, 100, 1);
	unit_put(unit_space, 164, 1);
	unit_put(unit_space, 230, 1);
	unit_ok(pager_dirty_get(watch, 64, 64, take_none, &n, &got));
	ck_assert_uint_eq(n, 1);
	pager_dirty_got_clear(watch, 64, 64);
	dirty_is(watch, "100 230");
	unit_put(unit_space, 165, 1);
	dirty_is(watch, "100 165 230");
}

DIRTY_TEST(a_get_that_is_stopped_clears_nothing)
{
	prepare();
	unit_fill(unit_space, 100, 150, 1);
	ck_assert(dirty_has(watch, 100)); /* which stops it */
	dirty_is(watch, "100-249");
}

/* --- all set ----------------------------------------------------------------
 */

DIRTY_TEST(initially_all_is_set_and_each_page_armed_when_it_is_cleared)
{
	unit_map(unit_space, 100, 150, UNIT_RW);
	unit_fill(unit_space, 100, 150, 1);
	watch = dirty_log_as(unit_space, 100, 200, dirty_method,
			     PAGER_DIRTY_ALL_SET);
	ck_assert_uint_eq(dirty_info(watch).dirty, 200);
	/* Nothing is armed yet. */
	ck_assert(unit_page(unit_space, 120).access & PAGER_ACCESS_WRITE);
	dirty_is(watch, "100-299");
	unit_ok(clear(0, 64));
	dirty_is(watch, "164-299");
	ck_assert_int_eq(
	    (unit_page(unit_space, 120).access & PAGER_ACCESS_WRITE) != 0,
	    dirty_method == HARDWARE);
	ck_assert(unit_page(unit_space, 170).access & PAGER_ACCESS_WRITE);
	unit_put(unit_space, 120, 2);
	unit_put(unit_space, 170, 2);
	dirty_is(watch, "120 164-299");
	dirty_take(watch, "120 164-299");
	dirty_is(watch, "");
	unit_put(unit_space, 249, 2);
	dirty_is(watch, "249");
}

/* --- write-back -------------------------------------------------------------
 */

DIRTY_TEST(what_is_written_during_write_back_is_dirty_after_it)
{
	uint64_t n;

	prepare();
	unit_put(unit_space, 100, 5);
	unit_put(unit_space, 101, 5);
	unit_ok(pager_dirty_begin(watch, 0, 200, &n));
	ck_assert_uint_eq(n, 2);
	ck_assert_uint_eq(dirty_info(watch).awaiting, 2);
	dirty_is(watch, "100-101");
	unit_put(unit_space, 101, 6);
	unit_put(unit_space, 102, 6);
	dirty_is(watch, "100-102");
	unit_ok(pager_dirty_end(watch, 0, 200, &n));
	ck_assert_uint_eq(n, 2);
	dirty_is(watch, "101-102");
	ck_assert_uint_eq(dirty_info(watch).awaiting, 0);
	unit_ok(pager_dirty_end(watch, 0, 200, &n));
	ck_assert_uint_eq(n, 0);
	dirty_is(watch, "101-102");
}

DIRTY_TEST(to_begin_again_is_to_begin_with_all_of_it)
{
	uint64_t n;

	prepare();
	unit_put(unit_space, 100, 5);
	unit_ok(pager_dirty_begin(watch, 0, 200, &n));
	unit_put(unit_space, 101, 5);
	unit_put(unit_space, 100, 6);
	unit_ok(pager_dirty_begin(watch, 0, 200, &n));
	ck_assert_uint_eq(n, 2);
	unit_put(unit_space, 103, 5);
	unit_ok(pager_dirty_end(watch, 0, 200, &n));
	dirty_is(watch, "103");
}

DIRTY_TEST(a_clear_during_write_back_clears)
{
	uint64_t n;

	prepare();
	unit_put(unit_space, 100, 5);
	unit_put(unit_space, 101, 5);
	unit_ok(pager_dirty_begin(watch, 0, 200, &n));
	dirty_wipe(watch, 100, 1);
	dirty_is(watch, "101");
	unit_put(unit_space, 100, 6);
	unit_ok(pager_dirty_end(watch, 0, 200, &n));
	dirty_is(watch, "100");
	unit_put(unit_space, 101, 7);
	unit_ok(pager_dirty_begin(watch, 0, 64, &n));
	dirty_take(watch, "100-101");
	dirty_is(watch, "");
}

/* --- several logs -----------------------------------------------------------
 */

DIRTY_TEST(overlapping_logs_of_both_methods_are_cleared_each_for_itself)
{
	struct pager_dirty_log *a, *b;

	unit_map(unit_space, 100, 150, UNIT_RW);
	a = dirty_log_as(unit_space, 100, 50, HARDWARE, 0);
	b = dirty_log_as(unit_space, 120, 50, WRITE_PROTECT, 0);
	watch = dirty_log_as(unit_space, 0, PAGER_VPN_END, dirty_method,
			     PAGER_DIRTY_MANUAL);
	unit_put(unit_space, 110, 1);
	unit_put(unit_space, 130, 1);
	unit_put(unit_space, 160, 1);
	dirty_take(a, "110 130");
	dirty_is(b, "130 160");
	dirty_is(watch, "110 130 160");
	unit_put(unit_space, 130, 2);
	unit_put(unit_space, 131, 2);
	dirty_take(b, "130-131 160");
	dirty_take(a, "130-131");
	unit_put(unit_space, 131, 3);
	unit_put(unit_space, 160, 3);
	dirty_is(b, "131 160");
	dirty_is(a, "131");
	dirty_is(watch, "110 130-131 160");
	dirty_wipe(watch, 131, 1);
	dirty_is(a, "131");
	dirty_is(b, "131 160");
	dirty_stop(b);
	unit_put(unit_space, 131, 4);
	unit_put(unit_space, 140, 4);
	dirty_is(a, "131 140");
	dirty_is(watch, "110 130-131 140 160");
}

DIRTY_TEST(a_log_that_begins_takes_nothing_from_the_others)
{
	struct pager_dirty_log *late;

	prepare();
	unit_put(unit_space, 105, 9);
	late = dirty_log_as(unit_space, 100, 200,
			    dirty_method == HARDWARE ? WRITE_PROTECT : HARDWARE,
			    0);
	dirty_is(late, "");
	dirty_is(watch, "105");
	unit_put(unit_space, 105, 10);
	dirty_is(late, "105");
	dirty_stop(watch);
	dirty_take(late, "105");
	unit_put(unit_space, 105, 11);
	dirty_is(late, "105");
}

DIRTY_TEST(harvest_and_logs_take_no_bits_from_each_other)
{
	const struct pager_range r = {100, 108};
	struct pager_harvest h;

	prepare();
	pager_space_harvest(unit_space, r);
	unit_put(unit_space, 101, 9);
	unit_put(unit_space, 102, 9);
	h = pager_space_harvest(unit_space, r);
	ck_assert_uint_eq(h.dirty, 2);
	dirty_take(watch, "101-102");
	h = pager_space_harvest(unit_space, r);
	ck_assert_uint_eq(h.dirty, 0);
	unit_put(unit_space, 103, 9);
	dirty_take(watch, "103");
	h = pager_space_harvest(unit_space, r);
	ck_assert_uint_eq(h.dirty, 1);
	unit_put(unit_space, 103, 10);
	h = pager_space_harvest(unit_space, r);
	ck_assert_uint_eq(h.dirty, 1);
	dirty_is(watch, "103");
}

/* --- the end of a space -----------------------------------------------------
 */

DIRTY_TEST(a_log_outlives_its_space)
{
	struct pager_dirty_info info;
	uint64_t id = unit_info(unit_space).id;

	prepare();
	ck_assert_uint_eq(dirty_info(watch).space, id);
	unit_put(unit_space, 120, 9);
	unit_put(unit_space, 121, 9);
	dirty_wipe(watch, 121, 1);
	pager_space_free(unit_space);
	info = dirty_info(watch);
	ck_assert_uint_eq(info.space, 0);
	ck_assert(info.flags & PAGER_DIRTY_ORPHAN);
	ck_assert(dirty_has(watch, 120));
	ck_assert(!dirty_has(watch, 130));
	dirty_wipe(watch, 120, 1);
	ck_assert(!dirty_has(watch, 120));
	dirty_taken(watch);
	dirty_is(watch, "");
	unit_space = test_world_space(&unit_world, 0, PAGER_VPN_END);
	unit_map(unit_space, 100, 10, UNIT_RW);
	unit_put(unit_space, 101, 1);
	dirty_is(watch, "");
}

DIRTY_TEST(information_counts)
{
	struct pager_dirty_info info;

	prepare();
	info = dirty_info(watch);
	ck_assert_uint_eq(info.method, dirty_method);
	ck_assert_uint_eq(info.range.start, 100);
	ck_assert_uint_eq(info.range.end, 300);
	ck_assert_uint_eq(info.flags, 0);
	ck_assert_uint_eq(info.reported, 0);
	ck_assert_uint_eq(info.faults, 0);
	ck_assert_uint_eq(info.ring_entries, 0);
	unit_fill(unit_space, 100, 8, 1);
	unit_fill(unit_space, 100, 8, 2);
	dirty_take(watch, "100-107");
	info = dirty_info(watch);
	ck_assert_uint_eq(info.reported, 8);
	ck_assert_uint_eq(info.over, 0);
	if (dirty_method == HARDWARE) {
		ck_assert_uint_eq(info.harvested, 8);
		ck_assert_uint_eq(info.faults, 0);
		ck_assert_uint_ge(info.harvests, 1);
	} else {
		ck_assert_uint_eq(info.faults, 8);
	}
}

START_TEST(auto_is_one_of_the_two)
{
	dirty_start(NULL);
	watch = dirty_log_as(unit_space, 0, 100, PAGER_DIRTY_AUTO, 0);
	ck_assert_uint_eq(dirty_info(watch).method, HARDWARE);
	(void)_i;
	dirty_end();
}
END_TEST

START_TEST(a_backend_without_such_bits_has_no_hardware_method)
{
	struct pager_mmu_ops plain;
	struct pager_mmu mmu;
	struct pager_space *s;
	struct pager_dirty_log *log = NULL;

	dirty_start(NULL);
	plain = *unit_world.mmu.ops;
	plain.caps &= ~PAGER_MMU_DIRTY_BITS;
	mmu = (struct pager_mmu){.ops = &plain, .mmu = unit_world.mmu.mmu};
	unit_ok(pager_space_new(unit_world.core, unit_world.account, mmu,
				pager_range(0, 1000), &(struct pager_limits){0},
				&s));
	ck_assert_uint_eq(pager_dirty_start(s, unit_world.account,
					    pager_range(0, 100), HARDWARE, 0,
					    &log)
			      .err,
			  PAGER_ENOBACKEND);
	watch = dirty_log_as(s, 0, 100, PAGER_DIRTY_AUTO, 0);
	ck_assert_uint_eq(dirty_info(watch).method, WRITE_PROTECT);
	(void)_i;
	dirty_stop(watch);
	pager_space_free(s);
	dirty_end();
}
END_TEST

DIRTY_TEST(a_terabyte_and_the_highest_page)
{
	const uint64_t tera = UINT64_C(1) << 28;

	unit_map(unit_space, 0x100000, tera, UNIT_RW);
	unit_map(unit_space, PAGER_VPN_END - 4, 4, UNIT_RW);
	watch = dirty_log(unit_space, 0, PAGER_VPN_END);
	unit_put(unit_space, 0x100000, 1);
	unit_put(unit_space, 0x100000 + tera / 2, 1);
	unit_put(unit_space, PAGER_VPN_END - 1, 1);
	dirty_take(watch, "1048576 135266304 68719476735");
	dirty_is(watch, "");
	ck_assert_uint_lt(dirty_info(watch).bytes, 1024 * 1024);
	unit_unmap(unit_space, 0x100000, tera);
	dirty_take(watch, "1048576 135266304");
}

int main(void)
{
	const TTest *const tests[] = {
	    starts_that_are_refused,
	    only_so_many_logs_of_a_space,
	    stretches_that_are_refused,
	    exactly_the_pages_named_are_cleared,
	    a_write_since_the_last_get_is_cleared_when_it_is_named,
	    under_manual_protection_get_only_reports,
	    a_get_of_a_part_clears_that_part,
	    a_get_that_is_stopped_clears_nothing,
	    initially_all_is_set_and_each_page_armed_when_it_is_cleared,
	    what_is_written_during_write_back_is_dirty_after_it,
	    to_begin_again_is_to_begin_with_all_of_it,
	    a_clear_during_write_back_clears,
	    overlapping_logs_of_both_methods_are_cleared_each_for_itself,
	    a_log_that_begins_takes_nothing_from_the_others,
	    harvest_and_logs_take_no_bits_from_each_other,
	    a_log_outlives_its_space,
	    information_counts,
	    auto_is_one_of_the_two,
	    a_backend_without_such_bits_has_no_hardware_method,
	    a_terabyte_and_the_highest_page,
	};

	return DIRTY_RUN("dirty_log", tests);
}
