/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sets of pages against one byte a page. The twin is not told what a set
 * should hold for want of memory: it is set to what the set says, after it was
 * checked that only pages of the kind that may differ do.
 */
#include "lib/core/dset.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/failpoint.h"
#include "lib/core/internal.h"
#include "tests/support/rng.h"
#include "tests/support/unit.h"

#define HUGE_PAGES (UINT64_C(1) << 36)

/* The part of the set that is looked at: all of it, or around somewhere. */
static struct dset set;
static uint64_t low;
static uint64_t high;
static uint8_t *twin; /* of [low, high) */
static uint8_t *seen;
static uint64_t nodes_before;

/* For loops over pages: an assertion that is met costs a system call. */
#define must(what)                                 \
	do {                                       \
		if (!(what))                       \
			ck_abort_msg("%s", #what); \
	} while (0)

static void open_set(uint64_t pages, uint64_t from, uint64_t to)
{
	unit_start(NULL);
	dset_init(&set, unit_world.core, unit_world.account, pages);
	low = from;
	high = to;
	twin = calloc(1, to - from);
	seen = calloc(1, to - from);
	ck_assert(twin && seen);
	nodes_before = unit_used(PAGER_RES_NODES);
}

static void sound(void)
{
	const char *why = dset_check(&set);

	ck_assert_msg(!why, "%s", why);
	ck_assert_uint_eq(unit_used(PAGER_RES_NODES), nodes_before + set.nodes);
	ck_assert_uint_eq(dset_bytes(&set) == 0, set.nodes == 0);
}

static void close_set(void)
{
	sound();
	dset_fini(&set);
	ck_assert_uint_eq(unit_used(PAGER_RES_NODES), nodes_before);
	ck_assert_uint_eq(unit_world.core->dset_slab.taken, 0);
	free(twin);
	free(seen);
	unit_end();
}

static uint64_t twin_count(uint64_t from, uint64_t to)
{
	uint64_t n = 0;

	for (uint64_t i = from; i < to; i++)
		n += twin[i - low];
	return n;
}

/* What each reports, with the rules of its runs; stop: after so many calls. */
struct walk {
	uint64_t from;
	uint64_t to;
	uint64_t at; /* nothing below it comes any more */
	uint64_t calls;
	uint64_t stop;
};

static int walk_run(void *ctx, uint64_t first, const uint64_t *words,
		    unsigned int count)
{
	struct walk *w = ctx;

	must(first % 64 == 0);
	must(count >= 1 && count <= 64);
	must(first + 63 >= w->at);
	must(first / DSET_GROUP_PAGES ==
	     (first + count * UINT64_C(64) - 1) / DSET_GROUP_PAGES);
	for (unsigned int i = 0; i < count; i++) {
		must(words[i] != 0);
		for (unsigned int b = 0; b < 64; b++) {
			uint64_t page = first + i * UINT64_C(64) + b;

			if (!(words[i] >> b & 1))
				continue;
			must(page >= w->from && page < w->to);
			seen[page - low] = 1;
		}
	}
	w->at = first + count * UINT64_C(64);
	return ++w->calls == w->stop ? 7 : 0;
}

static void check_each(uint64_t from, uint64_t to)
{
	struct walk w = {.from = from, .to = to};

	memset(seen, 0, high - low);
	ck_assert_int_eq(dset_each(&set, from, to - from, walk_run, &w), 0);
	if (to > from)
		ck_assert_mem_eq(seen + (from - low), twin + (from - low),
				 to - from);
	if (w.calls > 1) {
		w = (struct walk){
		    .from = from, .to = to, .stop = w.calls / 2 + 1};
		ck_assert_int_eq(dset_each(&set, from, to - from, walk_run, &w),
				 7);
		ck_assert_uint_eq(w.calls, w.stop);
	}
}

static void check_next(uint64_t from, uint64_t to)
{
	const uint8_t *p =
	    from < to ? memchr(twin + (from - low), 1, to - from) : NULL;

	ck_assert_uint_eq(dset_next(&set, from, to),
			  p ? low + (uint64_t)(p - twin) : to);
}

static void check_word(uint64_t page)
{
	const uint64_t first = page & ~UINT64_C(63);
	uint64_t want = 0;

	if (first < low || (first + 63 >= high && high != set.pages))
		return;
	for (unsigned int b = 0; b < 64 && first + b < high; b++)
		want |= (uint64_t)twin[first + b - low] << b;
	ck_assert_uint_eq(dset_word(&set, first), want);
	ck_assert_int_eq(dset_test(&set, page), twin[page - low]);
}

static void check_part(uint64_t from, uint64_t to)
{
	ck_assert_uint_eq(dset_count(&set, from, to - from),
			  twin_count(from, to));
	check_each(from, to);
	check_next(from, to);
	check_next(from, high);
	if (from < high)
		check_word(from);
	sound();
}

/* Often an edge of something, or close to one; low .. high. */
static uint64_t place(struct rng *r)
{
	static const uint64_t edges[] = {64, DSET_GROUP_PAGES, DSET_BLOCK_PAGES,
					 DSET_DIR_PAGES};
	uint64_t at = low + rng_below(r, high - low + 1);
	uint64_t edge = edges[rng_below(r, 4)];

	switch (rng_below(r, 8)) {
	case 0:
		return low;
	case 1:
		return high;
	case 2:
	case 3:
	case 4:
		at = at / edge * edge + rng_below(r, 3) - 1;
		return at >= low && at <= high ? at : high;
	default:
		return at;
	}
}

static void stretch(struct rng *r, uint64_t *from, uint64_t *to)
{
	uint64_t a = place(r), b = place(r);

	if (rng_percent(r, 40))
		b = a + rng_below(r, 200);
	b = b > high ? high : b;
	*from = a < b ? a : b;
	*to = a < b ? b : a;
}

/* --- what one change may do --------------------------------------------------
 */

static uint64_t bits_below_end(uint64_t first, uint64_t bits)
{
	uint64_t left = set.pages - first;

	return left < 64 ? bits & ((UINT64_C(1) << left) - 1) : bits;
}

/* Bit by bit; asked is NULL for all of the stretch. Pages that changed, and
 * that did not as they should have, are counted; the twin learns them. */
static void learn(uint64_t from, uint64_t to, uint64_t asked, bool word,
		  bool add, uint64_t returned, uint64_t count, uint64_t over)
{
	uint64_t new = 0, extra = 0, stayed = 0, gone = 0;

	for (uint64_t i = low; i < high; i++) {
		bool was = twin[i - low], is = dset_test(&set, i);
		bool of =
		    i >= from && i < to && (!word || asked >> (i - from) & 1);

		if (add) {
			must(is || (!was && !of));
			new += of && !was;
			extra += !of && is && !was;
		} else {
			must(of || is == was);
			must(was || !is);
			gone += of && was && !is;
			stayed += of && is;
		}
		twin[i - low] = is;
	}
	/* Outside of the window nothing is looked at but the sums. */
	ck_assert_uint_eq(returned, add ? new : gone);
	if (add)
		ck_assert_uint_eq(set.count, count + new + (set.over - over));
	else
		ck_assert_uint_eq(set.count, count - gone);
	if (high - low == set.pages || !add)
		ck_assert_uint_eq(set.over - over, add ? extra : stayed);
}

static void change_range(uint64_t from, uint64_t to, bool add)
{
	const uint64_t count = set.count, over = set.over;
	uint64_t n =
	    (add ? dset_add_range : dset_remove_range)(&set, from, to - from);

	learn(from, to, 0, false, add, n, count, over);
}

static void change_word(uint64_t first, uint64_t bits, bool add)
{
	const uint64_t count = set.count, over = set.over;
	uint64_t n =
	    (add ? dset_add_word : dset_remove_word)(&set, first, bits);

	bits = bits_below_end(first, bits);
	learn(first, first + 64, bits, true, add, n, count, over);
}

static uint64_t some_bits(struct rng *r)
{
	switch (rng_below(r, 4)) {
	case 0:
		return UINT64_MAX;
	case 1:
		return UINT64_C(1) << rng_below(r, 64);
	case 2:
		return UINT64_MAX << rng_below(r, 64);
	default:
		return rng_next(r) & rng_next(r);
	}
}

static void step(struct rng *r)
{
	bool add = rng_percent(r, 55);
	uint64_t from, to;

	stretch(r, &from, &to);
	switch (rng_below(r, 6)) {
	case 0:
	case 1:
		change_range(from, to, add);
		break;
	case 2:
		if (from < high) {
			const uint64_t count = set.count, over = set.over;

			learn(from, from + 1, 0, false, true,
			      dset_add(&set, from), count, over);
		}
		break;
	default:
		from &= ~UINT64_C(63);
		if (from >= low && from < high &&
		    (from + 64 <= high || high == set.pages))
			change_word(from, some_bits(r), add);
		break;
	}
}

static void rounds(uint64_t pages, uint64_t from, uint64_t to,
		   unsigned int count, unsigned int scarce)
{
	struct rng r = rng_new(pages + from + scarce);

	open_set(pages, from, to);
	for (unsigned int i = 0; i < count; i++) {
		uint64_t a, b;

		if (rng_percent(&r, scarce))
			unit_limit(PAGER_RES_NODES,
				   nodes_before + set.nodes + rng_below(&r, 3));
		else
			unit_no_limits();
		step(&r);
		stretch(&r, &a, &b);
		check_part(a, b);
	}
	unit_no_limits();
	check_part(low, high);
	close_set();
}

static const uint64_t sizes[] = {1,    63,    64,    65,    1000,
				 4096, 32767, 32768, 32769, 70001};
enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };

START_TEST(a_set_is_what_one_byte_a_page_says)
{
	for (unsigned int i = 0; i < SIZES; i++)
		rounds(sizes[i], 0, sizes[i], 300, 0);
}
END_TEST

START_TEST(without_memory_a_set_says_too_much_and_counts_it)
{
	for (unsigned int i = 0; i < SIZES; i++)
		rounds(sizes[i], 0, sizes[i], 300, 60);
}
END_TEST

START_TEST(at_borders_of_dirs_of_a_huge_set_it_is_the_same)
{
	const uint64_t at[] = {DSET_DIR_PAGES, 64 * DSET_DIR_PAGES,
			       4095 * DSET_DIR_PAGES};

	for (unsigned int i = 0; i < 3; i++)
		rounds(HUGE_PAGES, at[i] - 40000, at[i] + 40000, 200, 0);
	rounds(HUGE_PAGES, HUGE_PAGES - 70000, HUGE_PAGES, 200, 0);
	rounds(2 * DSET_DIR_PAGES + 777, 2 * DSET_DIR_PAGES - 33000,
	       2 * DSET_DIR_PAGES + 777, 200, 0);
	rounds(2 * DSET_DIR_PAGES + 777, 2 * DSET_DIR_PAGES - 33000,
	       2 * DSET_DIR_PAGES + 777, 300, 70);
}
END_TEST

/* --- by hand -----------------------------------------------------------------
 */

static void start_set(uint64_t pages)
{
	open_set(pages, 0, 1);
}

static int no_run(void *ctx, uint64_t first, const uint64_t *words,
		  unsigned int count)
{
	(void)first, (void)words;
	*(uint64_t *)ctx += count;
	return 0;
}

START_TEST(an_empty_set_of_2_to_the_36_pages_takes_nothing_and_no_time)
{
	uint64_t words = 0;

	start_set(HUGE_PAGES);
	/* With as much as a slot's work each, this would take an hour. */
	for (unsigned int i = 0; i < 100000; i++) {
		must(dset_next(&set, 0, HUGE_PAGES) == HUGE_PAGES);
		must(dset_count(&set, 0, HUGE_PAGES) == 0);
		must(!dset_each(&set, 0, HUGE_PAGES, no_run, &words));
		must(dset_remove_range(&set, 0, HUGE_PAGES) == 0);
		must(dset_remove_range(&set, 1, 12345) == 0);
	}
	ck_assert_uint_eq(words, 0);
	ck_assert_uint_eq(set.nodes, 0);
	ck_assert_uint_eq(dset_bytes(&set), 0);
	/* Nor does one that was used and is empty again. */
	ck_assert_uint_eq(dset_add(&set, HUGE_PAGES - 1), 1);
	ck_assert_uint_eq(dset_next(&set, 0, HUGE_PAGES), HUGE_PAGES - 1);
	ck_assert_uint_eq(set.nodes, 3);
	ck_assert_uint_eq(dset_remove_range(&set, 0, HUGE_PAGES), 1);
	ck_assert_uint_eq(set.nodes, 1);
	for (unsigned int i = 0; i < 100000; i++) {
		must(dset_next(&set, 0, HUGE_PAGES) == HUGE_PAGES);
		must(dset_remove_range(&set, 0, HUGE_PAGES) == 0);
	}
	close_set();
}
END_TEST

START_TEST(all_of_a_set_takes_no_memory_whatever_was_in_it)
{
	start_set(HUGE_PAGES);
	unit_limit(PAGER_RES_NODES, nodes_before);
	dset_add_all(&set);
	sound();
	ck_assert_uint_eq(set.count, HUGE_PAGES);
	ck_assert_uint_eq(set.over, 0);
	ck_assert_uint_eq(dset_count(&set, 5, 70000), 70000);
	ck_assert_uint_eq(dset_next(&set, 77, HUGE_PAGES), 77);
	ck_assert_uint_eq(dset_word(&set, HUGE_PAGES - 64), UINT64_MAX);
	ck_assert_uint_eq(dset_add_range(&set, 7, 9), 0);
	/* Part of it cannot go for want of memory; all of it can. */
	ck_assert_uint_eq(dset_remove_range(&set, 3, 5), 0);
	ck_assert_uint_eq(set.over, 5);
	ck_assert_uint_eq(dset_remove_word(&set, 64, 0xff0f), 0);
	ck_assert_uint_eq(set.over, 5 + 12);
	ck_assert_uint_eq(set.count, HUGE_PAGES);
	ck_assert_uint_eq(dset_remove_range(&set, 0, HUGE_PAGES), HUGE_PAGES);
	sound();
	ck_assert_uint_eq(set.count, 0);

	/* The same over a root, dirs and blocks. */
	unit_no_limits();
	for (uint64_t i = 0; i < 5; i++)
		dset_add(&set, i * DSET_DIR_PAGES + i);
	ck_assert_uint_eq(set.nodes, 1 + 2 * 5);
	unit_limit(PAGER_RES_NODES, nodes_before);
	dset_add_all(&set);
	sound();
	ck_assert_uint_eq(set.count, HUGE_PAGES);
	ck_assert_uint_eq(set.over, 17);
	ck_assert_uint_eq(set.nodes, 1);
	ck_assert_uint_eq(dset_count(&set, 5, 70000), 70000);
	ck_assert_uint_eq(dset_next(&set, 77, HUGE_PAGES), 77);
	close_set();
}
END_TEST

START_TEST(a_page_without_memory_fills_the_slot_that_there_was_none_for)
{
	start_set(3 * DSET_DIR_PAGES);
	unit_limit(PAGER_RES_NODES, nodes_before);
	ck_assert_uint_eq(dset_add(&set, 5), 1);
	ck_assert_uint_eq(set.count, 3 * DSET_DIR_PAGES);
	ck_assert_uint_eq(set.over, 3 * DSET_DIR_PAGES - 1);
	ck_assert_uint_eq(dset_add_word(&set, 64, 0xf0f0), 0);
	ck_assert_uint_eq(set.over, 3 * DSET_DIR_PAGES - 1);
	dset_remove_range(&set, 0, set.pages);

	set.over = 0;
	unit_limit(PAGER_RES_NODES, nodes_before + 1);
	ck_assert_uint_eq(dset_add_word(&set, DSET_DIR_PAGES, 0xf0f), 8);
	ck_assert_uint_eq(set.count, DSET_DIR_PAGES);
	ck_assert_uint_eq(set.over, DSET_DIR_PAGES - 8);
	dset_remove_range(&set, 0, set.pages);

	set.over = 0;
	unit_limit(PAGER_RES_NODES, nodes_before + 2);
	ck_assert_uint_eq(dset_add_word(&set, DSET_DIR_PAGES, 0xf0f), 8);
	ck_assert_uint_eq(set.count, DSET_BLOCK_PAGES);
	ck_assert_uint_eq(set.over, DSET_BLOCK_PAGES - 8);
	sound();
	/* With memory it can be taken apart again. */
	unit_no_limits();
	ck_assert_uint_eq(dset_remove_word(&set, DSET_DIR_PAGES, 0xf00), 4);
	ck_assert_uint_eq(set.count, DSET_BLOCK_PAGES - 4);
	close_set();
}
END_TEST

START_TEST(a_word_beyond_the_end_is_ignored)
{
	static const uint64_t ends[] = {1, 64, 65, DSET_DIR_PAGES};

	for (unsigned int i = 0; i < 4; i++) {
		const uint64_t next = (ends[i] + 63) & ~UINT64_C(63);

		start_set(ends[i]);
		ck_assert_uint_eq(dset_add_word(&set, next, UINT64_MAX), 0);
		ck_assert_uint_eq(dset_add(&set, ends[i] - 1), 1);
		ck_assert_uint_eq(dset_add_word(&set, next, UINT64_MAX), 0);
		ck_assert_uint_eq(dset_remove_word(&set, next, 7), 0);
		ck_assert_uint_eq(set.count, 1);
		close_set();
	}
}
END_TEST

START_TEST(a_slot_that_becomes_full_gives_its_memory_back)
{
	start_set(DSET_DIR_PAGES + 100);
	for (uint64_t w = 0; w < DSET_BLOCK_PAGES; w += 64)
		dset_add_word(&set, w, UINT64_MAX);
	sound();
	ck_assert_uint_eq(set.nodes, 2);
	dset_add_range(&set, DSET_BLOCK_PAGES + 1,
		       DSET_DIR_PAGES - DSET_BLOCK_PAGES - 1);
	sound();
	ck_assert_uint_eq(set.nodes, 3);
	dset_add(&set, DSET_BLOCK_PAGES);
	sound();
	ck_assert_uint_eq(set.nodes, 1);
	/* The last slots are short. */
	for (uint64_t i = 0; i < 100; i++)
		dset_add(&set, DSET_DIR_PAGES + i);
	ck_assert_uint_eq(set.count, set.pages);
	ck_assert_uint_eq(set.nodes, 1);
	ck_assert_uint_eq(set.over, 0);
	close_set();
}
END_TEST

/* --- failures ----------------------------------------------------------------
 */

#ifdef PAGER_FAILPOINTS

enum { FAR = 2 * DSET_BLOCK_PAGES + 100 };

static void fail_add(void)
{
	const uint64_t count = set.count, over = set.over;

	learn(DSET_BLOCK_PAGES - 70, FAR - 64, 0, false, true,
	      dset_add_range(&set, DSET_BLOCK_PAGES - 70,
			     FAR - 64 - (DSET_BLOCK_PAGES - 70)),
	      count, over);
	change_word(FAR - 100, 0xf00f, true);
	change_word(64, 0xf0f00f, true);
}

static void fail_remove(void)
{
	change_range(10, DSET_BLOCK_PAGES + 5, false);
	change_word(FAR - 100, 0xf00f, false);
	change_word(2 * DSET_BLOCK_PAGES - 64, UINT64_MAX >> 3, false);
}

static void each_failure(void (*fn)(void), bool full)
{
	for (unsigned long nth = 1;; nth++) {
		const char *fired;

		open_set(FAR, 0, FAR);
		if (full) {
			dset_add_all(&set);
			memset(twin, 1, FAR);
		}
		pager_fail_arm(nth);
		fn();
		fired = pager_fail_fired();
		pager_fail_arm(0);
		ck_assert_int_eq(set.over != 0, fired != NULL);
		check_part(0, FAR);
		check_part(33, FAR - 65);
		close_set();
		if (!fired)
			break;
		ck_assert_uint_lt(nth, 100);
	}
}

START_TEST(each_allocation_that_fails_says_too_much_and_nothing_too_little)
{
	each_failure(fail_add, false);
	each_failure(fail_remove, true);
}
END_TEST

#endif

/* --- sets from sets ----------------------------------------------------------
 */

START_TEST(what_a_set_has_can_be_added_to_another_moved_by_any_way)
{
	enum { PAGES = 80000 };
	struct rng r = rng_new(11);

	open_set(PAGES, 0, PAGES);
	for (unsigned int round = 0; round < 60; round++) {
		const uint64_t pages = 1 + rng_below(&r, PAGES);
		const uint64_t first = rng_below(&r, pages + 1);
		const uint64_t n = rng_below(&r, pages - first + 1);
		const uint64_t to = rng_below(&r, PAGES - n + 1);
		const uint64_t start = first & ~UINT64_C(63);
		uint64_t new = 0, both = 0;
		struct dset from;

		dset_init(&from, unit_world.core, unit_world.account, pages);
		for (unsigned int i = 0; i < 10; i++) {
			uint64_t at = rng_below(&r, pages);
			uint64_t most = round % 2 ? 100 : pages;

			if (most > pages - at)
				most = pages - at;
			dset_add_range(&from, at, rng_below(&r, most + 1));
			dset_add_word(&from, at & ~UINT64_C(63), rng_next(&r));
		}
		if (round % 7 == 0)
			dset_add_all(&from);
		for (uint64_t i = start; i < pages; i++)
			both += dset_test(&from, i) && twin[i];
		ck_assert_uint_eq(
		    dset_count_both(&from, &set, start, pages - start), both);
		ck_assert_uint_eq(
		    dset_count_both(&set, &from, start, pages - start), both);
		for (uint64_t i = 0; i < n; i++) {
			if (!dset_test(&from, first + i))
				continue;
			new += !twin[to + i];
			twin[to + i] = 1;
		}
		ck_assert_uint_eq(dset_add_set(&set, to, &from, first, n), new);
		dset_fini(&from);
		check_part(0, PAGES);
		if (round % 3 == 2) {
			dset_remove_range(&set, 0, PAGES);
			memset(twin, 0, PAGES);
		}
	}
	close_set();
}
END_TEST

START_TEST(what_is_all_in_a_set_is_added_to_another_without_memory)
{
	struct dset from;

	start_set(HUGE_PAGES);
	dset_init(&from, unit_world.core, unit_world.account,
		  8 * DSET_DIR_PAGES);
	dset_add_all(&from);
	ck_assert_uint_eq(dset_add_set(&set, 17, &from, 0, from.pages),
			  from.pages);
	/* A root; at both ends of the range a dir and a block. */
	ck_assert_uint_eq(set.nodes, 5);
	dset_fini(&from);
	sound();
	ck_assert_uint_eq(dset_next(&set, 0, HUGE_PAGES), 17);
	ck_assert_uint_eq(set.count, 8 * DSET_DIR_PAGES);
	close_set();
}
END_TEST

START_TEST(memory_that_went_back_is_taken_again)
{
	uint64_t chunks;

	start_set(HUGE_PAGES);
	for (uint64_t i = 0; i < 1000; i++)
		dset_add(&set, i * DSET_BLOCK_PAGES + i);
	chunks = unit_world.core->dset_slab.chunk_count;
	for (unsigned int round = 0; round < 10; round++) {
		dset_remove_range(&set, 0, 500 * DSET_BLOCK_PAGES);
		for (uint64_t i = 500; i < 1000; i++)
			dset_remove_word(&set,
					 i * DSET_BLOCK_PAGES + i / 64 * 64,
					 UINT64_MAX);
		ck_assert_uint_eq(set.count, 0);
		ck_assert_uint_eq(set.nodes, 1);
		for (uint64_t i = 0; i < 1000; i++)
			dset_add(&set, i * DSET_BLOCK_PAGES + i);
		sound();
	}
	ck_assert_uint_eq(unit_world.core->dset_slab.chunk_count, chunks);
	close_set();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	    a_set_is_what_one_byte_a_page_says,
	    without_memory_a_set_says_too_much_and_counts_it,
	    at_borders_of_dirs_of_a_huge_set_it_is_the_same,
	    an_empty_set_of_2_to_the_36_pages_takes_nothing_and_no_time,
	    all_of_a_set_takes_no_memory_whatever_was_in_it,
	    a_page_without_memory_fills_the_slot_that_there_was_none_for,
	    a_word_beyond_the_end_is_ignored,
	    a_slot_that_becomes_full_gives_its_memory_back,
#ifdef PAGER_FAILPOINTS
	    each_allocation_that_fails_says_too_much_and_nothing_too_little,
#endif
	    what_a_set_has_can_be_added_to_another_moved_by_any_way,
	    what_is_all_in_a_set_is_added_to_another_without_memory,
	    memory_that_went_back_is_taken_again,
	};

	return UNIT_RUN("dset", tests);
}
