/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs of frames, and contiguous ranges.
 */
#include <string.h>

#include "lib/base/failpoint.h"
#include "tests/support/frame_bed.h"
#include "tests/support/unit.h"

enum { C = CHUNK_FRAMES };

static uint32_t frames[16 * C];

static uint32_t run(unsigned int order)
{
	return frame_take_run(frame_bed_core, frame_bed_account, order,
			      FRAME_MOVABLE, false);
}

static uint32_t find(uint64_t n, uint64_t align, uint64_t limit)
{
	return frame_find_range(frame_bed_core, n, align, limit);
}

static void take_range(uint32_t first, uint64_t n, bool zeroed)
{
	frame_take_range(frame_bed_core, frame_bed_account, first, n, zeroed);
	frame_bed_check();
}

static uint64_t charged(void)
{
	return pager_account_used(frame_bed_account, PAGER_RES_FRAMES);
}

/* Take every frame of boot memory of so many chunks and put the others back:
 * those alone whose bit i of pattern is set (i: number % 64) stay taken. */
static uint32_t hold(uint32_t chunks, uint64_t pattern)
{
	uint32_t n = chunks * C - 1, held = 0;

	frame_bed_take_all(frames, n);
	for (uint32_t i = 0; i < n; i++) {
		if (pattern >> (frames[i] % 64) & 1)
			frames[held++] = frames[i];
		else
			frame_bed_put(frames[i]);
	}
	frame_bed_check();
	return held;
}

/* --- runs ------------------------------------------------------------------
 */

START_TEST(a_run_is_aligned_and_each_of_its_frames_is_a_frame)
{
	frame_bed_start(8 * C, 0, false);
	for (unsigned int order = 0; order <= 9; order++) {
		for (int kind = 0; kind < FRAME_KINDS; kind++) {
			uint32_t n = 1u << order;
			uint32_t first =
			    frame_take_run(frame_bed_core, frame_bed_account,
					   order, kind, false);

			frame_bed_check();
			ck_assert_uint_ne(first, FRAME_NONE);
			ck_assert_uint_eq(first % n, 0);
			ck_assert_uint_eq(charged(), n);
			for (uint32_t f = first; f < first + n; f++) {
				ck_assert_uint_eq(frame_refs(frame_bed_core, f),
						  1);
				ck_assert_uint_eq(
				    frame_state(frame_bed_core, f), FRAME_USED);
			}
			for (uint32_t f = first; f < first + n; f++)
				frame_bed_put(f);
			frame_bed_check();
		}
	}
	frame_bed_end();
}
END_TEST

START_TEST(runs_fill_a_chunk_before_they_open_another)
{
	for (unsigned int order = 1; order < 9; order++) {
		uint32_t runs = C >> order;

		frame_bed_start(8 * C, 0, false);
		for (uint32_t i = 0; i < 2 * runs; i++) {
			frames[i] = run(order);
			ck_assert_uint_eq(frames[i], (runs + i) << order);
		}
		ck_assert_uint_eq(frame_bed_info(VMEM_ZONE_KERNEL).empty_chunks,
				  5);
		for (uint32_t i = 0; i < 2 * runs; i++)
			frame_bed_put_run(frames[i], 1u << order);
		frame_bed_end();
	}
}
END_TEST

START_TEST(a_run_of_2_mib_is_the_lowest_empty_chunk)
{
	uint32_t single;

	frame_bed_start(4 * C + 64, 0, false);
	frame_bed_take_all(frames, 64); /* the last chunk, a short one */
	single = frame_bed_take(FRAME_MOVABLE);
	ck_assert_uint_eq(frame_bed_chunk_of(single), 1);
	ck_assert_uint_eq(run(9), 2 * C);
	ck_assert_uint_eq(run(9), 3 * C);
	frame_bed_put_all(frames, 64);
	ck_assert_uint_eq(run(9), FRAME_NONE);
	frame_bed_put(single);
	ck_assert_uint_eq(run(9), C); /* a cache has it */
	ck_assert_uint_eq(run(9), FRAME_NONE);
	frame_bed_check();
	frame_bed_put_run(C, 3 * C);
	frame_bed_end();
}
END_TEST

START_TEST(a_run_is_found_in_a_partial_chunk_before_an_empty_one)
{
	uint32_t held, first;

	frame_bed_start(16 * C, 0, false);
	held = hold(8, 0x00000000ffff0001); /* in the chunks 1 .. 8 */
	first = run(4);
	ck_assert_uint_lt(first, 9 * C);
	ck_assert_uint_eq(frame_bed_info(VMEM_ZONE_KERNEL).empty_chunks, 7);
	frame_bed_put_run(first, 16);
	first = run(5);
	ck_assert_uint_eq(first % 64, 32);
	frame_bed_put_run(first, 32);
	first = run(6);
	ck_assert_uint_eq(first, 9 * C);
	frame_bed_put_run(first, 64);
	frame_bed_put_all(frames, held);
	frame_bed_end();
}
END_TEST

START_TEST(where_there_is_no_run_nothing_happens)
{
	struct pager_stats before, after;
	uint32_t held;

	frame_bed_start(4 * C, 0, false);
	held = hold(4, 0x0100010001000100); /* one of each sixteen */
	pager_core_stats(frame_bed_core, &before);
	for (unsigned int order = 4; order <= 9; order++)
		ck_assert_uint_eq(run(order), FRAME_NONE);
	pager_core_stats(frame_bed_core, &after);
	ck_assert_mem_eq(&before, &after, sizeof(before));
	frame_bed_check();
	frames[held] = run(3);
	ck_assert_uint_ne(frames[held], FRAME_NONE);
	frame_bed_put_run(frames[held], 8);
	frame_bed_put_all(frames, held);
	frame_bed_end();
}
END_TEST

START_TEST(a_search_in_vain_is_not_made_again_at_once)
{
	uint32_t held, calls = 0, first;

	frame_bed_start(4 * C, 0, false);
	held = hold(4, 0x0100010001000100);
	ck_assert_uint_eq(run(4), FRAME_NONE);
	/* A run of 16 comes free: it is found, if not at once. */
	frame_bed_put(frames[--held]);
	while ((first = run(4)) == FRAME_NONE)
		ck_assert_uint_lt(calls++, 64);
	ck_assert_uint_gt(calls, 8);
	frame_bed_put_run(first, 16);
	frames[held++] = frame_bed_take(FRAME_MOVABLE);
	frame_bed_put_all(frames, held);
	frame_bed_end();
}
END_TEST

START_TEST(an_empty_chunk_is_found_even_after_a_search_in_vain)
{
	uint32_t held, first;

	frame_bed_start(4 * C, 8 * C, false);
	held = hold(4, 0x0100010001000100);
	ck_assert_uint_eq(run(4), FRAME_NONE);
	frame_bed_plug(6, VMEM_ZONE_KERNEL);
	ck_assert_uint_eq(run(4), 6 * C);
	first = run(3); /* shorter ones were not looked for in vain */
	ck_assert_uint_ne(first, FRAME_NONE);
	frame_bed_put_run(first, 8);
	frame_bed_put_run(6 * C, 16);
	frame_bed_put_all(frames, held);
	frame_bed_end();
}
END_TEST

START_TEST(runs_are_found_in_chunks_of_the_other_kind_and_of_other_caches)
{
	uint32_t u, m, first;

	frame_bed_start(2 * C, 0, false);
	u = frame_bed_take(FRAME_UNMOVABLE);
	m = frame_bed_take(FRAME_MOVABLE);
	ck_assert_uint_eq(frame_bed_chunk_of(u), 0);
	ck_assert_uint_eq(frame_bed_chunk_of(m), 1);
	for (uint32_t i = 0; i < 2 * 31; i++) {
		first = run(4);
		ck_assert_uint_ne(first, FRAME_NONE);
		frame_bed_check();
	}
	ck_assert_uint_eq(run(4), FRAME_NONE);
	for (uint32_t f = 16; f < C; f++)
		frame_bed_put(f);
	for (uint32_t f = C + 16; f < 2 * C; f++)
		frame_bed_put(f);
	frame_bed_put(u);
	frame_bed_put(m);
	frame_bed_end();
}
END_TEST

START_TEST(runs_for_unmovable_pages_never_come_from_movable)
{
	uint32_t first;

	frame_bed_start(C, 8 * C, false);
	frame_bed_plug(2, VMEM_ZONE_MOVABLE);
	ck_assert_uint_eq(frame_take_run(frame_bed_core, frame_bed_account, 9,
					 FRAME_UNMOVABLE, false),
			  FRAME_NONE);
	first = frame_take_run(frame_bed_core, frame_bed_account, 4,
			       FRAME_UNMOVABLE, false);
	ck_assert_uint_eq(frame_bed_chunk_of(first), 0);
	frame_bed_put_run(first, 16);
	first = run(4);
	ck_assert_uint_eq(frame_bed_chunk_of(first), 2);
	frame_bed_put_run(first, 16);
	ck_assert_uint_eq(run(9), 2 * C);
	frame_bed_put_run(2 * C, C);
	frame_bed_end();
}
END_TEST

START_TEST(only_what_was_used_before_is_cleared)
{
	static uint8_t full[PAGER_PAGE_SIZE], zero[PAGER_PAGE_SIZE];
	uint32_t first;

	memset(full, 0xee, sizeof(full));
	frame_bed_start(2 * C, 0, true);
	first = frame_take_run(frame_bed_core, frame_bed_account, 4,
			       FRAME_MOVABLE, true);
	ck_assert_uint_eq(first, C);
	for (uint32_t f = first; f < first + 32; f++)
		memset(frame_bytes(frame_bed_core, f), 0xee, PAGER_PAGE_SIZE);
	frame_bed_put_run(first, 16);
	/* 16 frames were used; that 16 more were written is this test's. */
	first = frame_take_run(frame_bed_core, frame_bed_account, 5,
			       FRAME_MOVABLE, true);
	ck_assert_uint_eq(first, C);
	for (uint32_t f = first; f < first + 32; f++)
		ck_assert_mem_eq(frame_bytes(frame_bed_core, f),
				 f < first + 16 ? zero : full, sizeof(zero));
	frame_bed_put_run(first, 32);
	first = run(5);
	memset(frame_bytes(frame_bed_core, first), 0xee, PAGER_PAGE_SIZE);
	frame_bed_put_run(first, 32);
	first = frame_take_run(frame_bed_core, frame_bed_account, 9,
			       FRAME_MOVABLE, true);
	ck_assert_mem_eq(frame_bytes(frame_bed_core, first), zero,
			 sizeof(zero));
	frame_bed_put_run(first, C);
	frame_bed_end();
}
END_TEST

#ifdef PAGER_FAILPOINTS
START_TEST(each_way_to_frames_has_its_fail_point)
{
	uint32_t f;

	frame_bed_start(4 * C, 0, false);
	pager_fail_arm(1);
	ck_assert_uint_eq(run(4), FRAME_NONE);
	ck_assert_str_eq(pager_fail_fired(), "run");
	f = run(4);
	ck_assert_uint_ne(f, FRAME_NONE);
	frame_bed_put_run(f, 16);
	pager_fail_arm(1);
	ck_assert_uint_eq(find(3, 1, UINT64_MAX), FRAME_NONE);
	ck_assert_str_eq(pager_fail_fired(), "range");
	ck_assert_uint_ne(find(3, 1, UINT64_MAX), FRAME_NONE);
	pager_fail_arm(1);
	ck_assert_uint_eq(frame_reserve_unmovable(frame_bed_core, 1).err,
			  PAGER_ENOMEM);
	ck_assert_str_eq(pager_fail_fired(), "frame");
	unit_ok(frame_reserve_unmovable(frame_bed_core, 1));
	pager_fail_arm(0);
	frame_bed_end();
}
END_TEST
#endif

/* --- ranges ----------------------------------------------------------------
 */

START_TEST(a_range_is_the_lowest_that_is_free_aligned_and_below_its_limit)
{
	frame_bed_start(8 * C, 0, false);
	ck_assert_uint_eq(find(1, 1, UINT64_MAX), 1); /* 0: the zero frame */
	ck_assert_uint_eq(find(700, 1, UINT64_MAX), 1);
	ck_assert_uint_eq(find(5, 16, UINT64_MAX), 16); /* 64 KiB */
	ck_assert_uint_eq(find(5, 512, UINT64_MAX), 512);
	ck_assert_uint_eq(find(8 * C - 1, 1, UINT64_MAX), 1);
	ck_assert_uint_eq(find(8 * C, 1, UINT64_MAX), FRAME_NONE);
	ck_assert_uint_eq(find(255, 1, 256), 1); /* below 1 MiB */
	ck_assert_uint_eq(find(256, 1, 256), FRAME_NONE);
	ck_assert_uint_eq(find(1, 256, 256), FRAME_NONE);
	ck_assert_uint_eq(find(4095, 1, 4096), 1); /* below 16 MiB */
	frame_bed_end();
}
END_TEST

START_TEST(a_range_that_cannot_be_is_not_found)
{
	frame_bed_start(2 * C + 10, 64 * C, false);
	ck_assert_uint_eq(find(0, 1, UINT64_MAX), FRAME_NONE);
	ck_assert_uint_eq(find(UINT64_MAX, 1, UINT64_MAX), FRAME_NONE);
	ck_assert_uint_eq(find(1, 1, 0), FRAME_NONE);
	ck_assert_uint_eq(find(1, 1, 1), FRAME_NONE);
	ck_assert_uint_eq(find(1, UINT64_C(1) << 63, UINT64_MAX), FRAME_NONE);
	ck_assert_uint_eq(find(10, C, UINT64_MAX), C);
	ck_assert_uint_eq(find(2 * C + 9, 1, UINT64_MAX), 1);
	ck_assert_uint_eq(find(2 * C + 10, 1, UINT64_MAX), FRAME_NONE);
	frame_bed_end();
}
END_TEST

START_TEST(a_range_lies_in_online_chunks_of_the_zone_kernel)
{
	frame_bed_start(C, 16 * C, false);
	frame_bed_plug(1, VMEM_ZONE_MOVABLE);
	frame_bed_plug(2, VMEM_ZONE_KERNEL);
	chunk_add(frame_bed_core, 3, C);
	frame_bed_plug(5, VMEM_ZONE_KERNEL);
	frame_bed_plug(6, VMEM_ZONE_KERNEL);
	ck_assert_uint_eq(find(C - 1, 1, UINT64_MAX), 1);
	ck_assert_uint_eq(find(C, 1, UINT64_MAX), 2 * C);
	ck_assert_uint_eq(find(C + 1, 1, UINT64_MAX), 5 * C);
	ck_assert_uint_eq(find(2 * C + 1, 1, UINT64_MAX), FRAME_NONE);
	chunk_isolate(frame_bed_core, 5);
	ck_assert_uint_eq(find(C + 1, 1, UINT64_MAX), FRAME_NONE);
	chunk_unisolate(frame_bed_core, 5);
	chunk_remove(frame_bed_core, 3);
	frame_bed_end();
}
END_TEST

START_TEST(a_range_is_found_between_frames_and_across_chunks)
{
	uint32_t held, f;

	frame_bed_start(8 * C, 0, false);
	held = hold(8, 0x8000000000000001); /* 62 free of each 64 */
	ck_assert_uint_eq(find(62, 1, UINT64_MAX), 1);
	ck_assert_uint_eq(find(63, 1, UINT64_MAX), FRAME_NONE);
	ck_assert_uint_eq(find(32, 32, UINT64_MAX), FRAME_NONE);
	ck_assert_uint_eq(find(31, 32, UINT64_MAX), 32);
	/* 2 * 62 + 2 around the border of two chunks */
	for (uint32_t i = 0; i < held; i++)
		if (frames[i] == 3 * C - 1 || frames[i] == 3 * C)
			frame_bed_put(frames[i]);
	f = find(126, 1, UINT64_MAX);
	ck_assert_uint_eq(f, 3 * C - 63);
	take_range(f, 126, false);
	ck_assert_uint_eq(find(63, 1, UINT64_MAX), FRAME_NONE);
	frame_bed_put_run(f, 126);
	for (uint32_t i = 0; i < held; i++)
		if (frames[i] != 3 * C - 1 && frames[i] != 3 * C)
			frame_bed_put(frames[i]);
	frame_bed_end();
}
END_TEST

START_TEST(a_range_taken_is_unmovable_referenced_and_charged)
{
	frame_bed_start(8 * C, 0, false);
	take_range(find(3 * C, C, UINT64_MAX), 3 * C, false);
	ck_assert_uint_eq(charged(), 3 * C);
	for (uint32_t f = C; f < 4 * C; f++)
		ck_assert_uint_eq(frame_refs(frame_bed_core, f), 1);
	for (uint32_t c = 1; c < 4; c++)
		ck_assert_uint_eq(frame_bed_chunk(c)->kind, FRAME_UNMOVABLE);
	ck_assert_uint_eq(frame_bed_info(VMEM_ZONE_KERNEL).empty_chunks, 4);
	for (uint32_t f = C; f < 4 * C; f++)
		frame_bed_put(f);
	frame_bed_end();
}
END_TEST

START_TEST(a_range_takes_frames_that_caches_hold)
{
	uint32_t single, f;

	frame_bed_start(2 * C, 0, false);
	single = frame_bed_take(FRAME_MOVABLE);
	ck_assert_uint_eq(single, C);
	f = find(2 * C - 2, 1, UINT64_MAX);
	ck_assert_uint_eq(f, FRAME_NONE);
	frame_bed_put(single);
	f = find(2 * C - 1, 1, UINT64_MAX);
	ck_assert_uint_eq(f, 1);
	take_range(f, 2 * C - 1, false);
	ck_assert_uint_eq(frame_free_count(frame_bed_core, FRAME_MOVABLE), 0);
	frame_bed_put_run(f, 2 * C - 1);
	frame_bed_end();
}
END_TEST

START_TEST(a_range_reads_as_zero_if_that_was_wished)
{
	static const uint8_t zero[PAGER_PAGE_SIZE];
	uint32_t f;

	frame_bed_start(3 * C, 0, true);
	f = find(C + 5, C, UINT64_MAX);
	take_range(f, C + 5, true);
	for (uint32_t i = 0; i < C + 5; i++)
		memset(frame_bytes(frame_bed_core, f + i), 0xee,
		       PAGER_PAGE_SIZE);
	frame_bed_put_run(f, C + 5);
	take_range(f, C + 10, true);
	for (uint32_t i = 0; i < C + 10; i++)
		ck_assert_mem_eq(frame_bytes(frame_bed_core, f + i), zero,
				 sizeof(zero));
	frame_bed_put_run(f, C + 10);
	frame_bed_end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    a_run_is_aligned_and_each_of_its_frames_is_a_frame,
	    runs_fill_a_chunk_before_they_open_another,
	    a_run_of_2_mib_is_the_lowest_empty_chunk,
	    a_run_is_found_in_a_partial_chunk_before_an_empty_one,
	    where_there_is_no_run_nothing_happens,
	    a_search_in_vain_is_not_made_again_at_once,
	    an_empty_chunk_is_found_even_after_a_search_in_vain,
	    runs_are_found_in_chunks_of_the_other_kind_and_of_other_caches,
	    runs_for_unmovable_pages_never_come_from_movable,
	    only_what_was_used_before_is_cleared,
#ifdef PAGER_FAILPOINTS
	    each_way_to_frames_has_its_fail_point,
#endif
	    a_range_is_the_lowest_that_is_free_aligned_and_below_its_limit,
	    a_range_that_cannot_be_is_not_found,
	    a_range_lies_in_online_chunks_of_the_zone_kernel,
	    a_range_is_found_between_frames_and_across_chunks,
	    a_range_taken_is_unmovable_referenced_and_charged,
	    a_range_takes_frames_that_caches_hold,
	    a_range_reads_as_zero_if_that_was_wished,
	};

	return UNIT_RUN("frame_run", tests);
}
