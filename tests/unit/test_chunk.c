/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Chunks: their states, and from which of them frames are taken.
 */
#include "lib/core/chunk.h"

#include <string.h>

#include "tests/support/frame_bed.h"
#include "tests/support/unit.h"

enum { C = CHUNK_FRAMES };

static uint32_t frames[16 * C];

static uint64_t free_frames(enum frame_kind kind)
{
	return frame_free_count(frame_bed_core, kind);
}

START_TEST(boot_memory_is_online_in_the_zone_kernel)
{
	struct frame_zone_info info;

	frame_bed_start(2 * C + 100, 8 * C, false);
	for (uint32_t c = 0; c < 3; c++) {
		ck_assert_uint_eq(frame_bed_chunk(c)->state, CHUNK_ONLINE);
		ck_assert_uint_eq(frame_bed_chunk(c)->zone, VMEM_ZONE_KERNEL);
	}
	ck_assert_uint_eq(frame_bed_chunk(2)->total, 100);
	ck_assert_uint_eq(frame_bed_chunk(3)->state, CHUNK_ABSENT);
	info = frame_bed_info(VMEM_ZONE_KERNEL);
	ck_assert_uint_eq(info.managed, 2 * C + 100);
	ck_assert_uint_eq(info.free, 2 * C + 99);
	ck_assert_uint_eq(info.empty_chunks, 1);
	ck_assert_uint_eq(info.partial_chunks, 2);
	info = frame_bed_info(VMEM_ZONE_MOVABLE);
	ck_assert_uint_eq(info.managed, 0);
	ck_assert_uint_eq(info.free, 0);
	frame_bed_end();
}
END_TEST

START_TEST(every_frame_of_a_short_chunk_is_given_once_and_none_beyond)
{
	uint8_t seen[C + 100] = {0};

	frame_bed_start(C + 100, 4 * C, false);
	frame_bed_take_all(frames, C + 99);
	ck_assert_uint_eq(free_frames(FRAME_MOVABLE), 0);
	for (uint32_t i = 0; i < C + 99; i++) {
		ck_assert_uint_lt(frames[i], C + 100);
		ck_assert_uint_eq(seen[frames[i]]++, 0);
	}
	frame_bed_check();
	frame_bed_put_all(frames, C + 99);
	frame_bed_end();
}
END_TEST

START_TEST(an_added_chunk_gives_nothing_until_it_is_online)
{
	frame_bed_start(C, 4 * C, false);
	chunk_add(frame_bed_core, 2, C);
	frame_bed_check();
	ck_assert_uint_eq(frame_bed_chunk(2)->state, CHUNK_OFFLINE);
	ck_assert_uint_eq(frame_bed_chunk(2)->nfree, C);
	ck_assert_uint_eq(free_frames(FRAME_MOVABLE), C - 1);
	ck_assert_uint_eq(frame_state(frame_bed_core, 2 * C), FRAME_FREE);
	chunk_online(frame_bed_core, 2, VMEM_ZONE_KERNEL);
	frame_bed_check();
	ck_assert_uint_eq(free_frames(FRAME_MOVABLE), 2 * C - 1);
	ck_assert_uint_eq(free_frames(FRAME_UNMOVABLE), 2 * C - 1);
	frame_bed_end();
}
END_TEST

START_TEST(a_chunk_that_is_removed_is_as_if_it_had_never_been)
{
	static const struct chunk none;

	frame_bed_start(C, 4 * C, false);
	frame_bed_plug(2, VMEM_ZONE_MOVABLE);
	frame_bed_take_all(frames, C);
	ck_assert_uint_eq(frame_bed_chunk_of(frames[0]), 2);
	frame_bed_put_all(frames, C);
	chunk_isolate(frame_bed_core, 2);
	chunk_offline(frame_bed_core, 2);
	frame_bed_check();
	chunk_remove(frame_bed_core, 2);
	ck_assert_mem_eq(frame_bed_chunk(2), &none, sizeof(none));
	ck_assert_uint_eq(
	    frame_from_pfn(frame_bed_core, (struct pager_pfn){2 * C}),
	    FRAME_NONE);
	frame_bed_end();
}
END_TEST

START_TEST(an_isolated_chunk_gives_nothing_and_takes_back)
{
	frame_bed_start(C, 4 * C, false);
	frame_bed_plug(1, VMEM_ZONE_MOVABLE);
	frame_bed_take_all(frames, 100);
	chunk_isolate(frame_bed_core, 1);
	frame_bed_check();
	ck_assert_uint_eq(frame_bed_info(VMEM_ZONE_MOVABLE).managed, 0);
	ck_assert_uint_eq(free_frames(FRAME_MOVABLE), C - 1);
	frames[100] = frame_bed_take(FRAME_MOVABLE);
	ck_assert_uint_eq(frame_bed_chunk_of(frames[100]), 0);
	ck_assert_uint_eq(frame_bed_chunk(1)->nfree, C - 100);
	frame_bed_put_all(frames, 100);
	ck_assert_uint_eq(frame_bed_chunk(1)->nfree, C);
	ck_assert_uint_eq(free_frames(FRAME_MOVABLE), C - 2);
	frame_bed_check();
	frame_bed_put(frames[100]);
	chunk_offline(frame_bed_core, 1);
	frame_bed_end();
}
END_TEST

START_TEST(an_isolated_chunk_comes_back_with_what_is_free_by_then)
{
	frame_bed_start(C, 4 * C, false);
	frame_bed_plug(1, VMEM_ZONE_MOVABLE);
	frame_bed_take_all(frames, 200);
	chunk_isolate(frame_bed_core, 1);
	frame_bed_put_all(frames, 50);
	chunk_unisolate(frame_bed_core, 1);
	frame_bed_check();
	ck_assert_uint_eq(frame_bed_info(VMEM_ZONE_MOVABLE).free, C - 150);
	ck_assert_uint_eq(frame_bed_info(VMEM_ZONE_MOVABLE).managed, C);
	frame_bed_take_all(frames, 50);
	for (int i = 0; i < 50; i++)
		ck_assert_uint_eq(frame_bed_chunk_of(frames[i]), 1);
	frame_bed_put_all(frames, 200);
	frame_bed_end();
}
END_TEST

START_TEST(a_full_chunk_can_be_isolated_and_come_back)
{
	frame_bed_start(C, 4 * C, false);
	frame_bed_plug(1, VMEM_ZONE_MOVABLE);
	frame_bed_take_all(frames, C);
	chunk_isolate(frame_bed_core, 1);
	frame_bed_check();
	chunk_unisolate(frame_bed_core, 1);
	frame_bed_check();
	frame_bed_put_all(frames, C);
	ck_assert_uint_eq(frame_bed_info(VMEM_ZONE_MOVABLE).free, C);
	frame_bed_end();
}
END_TEST

START_TEST(a_chunk_offline_keeps_what_was_written_one_added_again_is_zero)
{
	uint32_t f;

	frame_bed_start(C, 4 * C, true);
	frame_bed_plug(1, VMEM_ZONE_MOVABLE);
	f = frame_bed_take(FRAME_MOVABLE);
	ck_assert_uint_eq(f, C);
	memset(frame_bytes(frame_bed_core, f), 0xee, PAGER_PAGE_SIZE);
	frame_bed_put(f);
	chunk_isolate(frame_bed_core, 1);
	chunk_offline(frame_bed_core, 1);
	chunk_online(frame_bed_core, 1, VMEM_ZONE_MOVABLE);
	ck_assert_uint_eq(frame_take_zeroed(frame_bed_core, frame_bed_account),
			  f);
	ck_assert_uint_eq(frame_bytes(frame_bed_core, f)[9], 0);
	memset(frame_bytes(frame_bed_core, f), 0xee, PAGER_PAGE_SIZE);
	frame_bed_put(f);
	chunk_isolate(frame_bed_core, 1);
	chunk_offline(frame_bed_core, 1);
	chunk_remove(frame_bed_core, 1);
	/* Whoever adds it says that it reads as zero: nobody clears it. */
	frame_bed_plug(1, VMEM_ZONE_MOVABLE);
	ck_assert_uint_eq(frame_take_zeroed(frame_bed_core, frame_bed_account),
			  f);
	ck_assert_uint_eq(frame_bytes(frame_bed_core, f)[9], 0xee);
	frame_bed_put(f);
	frame_bed_end();
}
END_TEST

START_TEST(movable_frames_come_from_movable_first_then_from_kernel)
{
	frame_bed_start(2 * C, 8 * C, false);
	frame_bed_plug(5, VMEM_ZONE_MOVABLE);
	frame_bed_plug(3, VMEM_ZONE_MOVABLE);
	frame_bed_take_all(frames, 2 * C + 2);
	for (int i = 0; i < C; i++) {
		ck_assert_uint_eq(frame_bed_chunk_of(frames[i]), 3);
		ck_assert_uint_eq(frame_bed_chunk_of(frames[C + i]), 5);
	}
	ck_assert_uint_eq(frame_bed_chunk_of(frames[2 * C]), 1);
	ck_assert_uint_eq(frame_bed_chunk_of(frames[2 * C + 1]), 1);
	/* And again from MOVABLE as soon as it has one. */
	frame_bed_put(frames[7]);
	ck_assert_uint_eq(frame_bed_take(FRAME_MOVABLE), frames[7]);
	frame_bed_check();
	frame_bed_put_all(frames, 2 * C + 2);
	frame_bed_end();
}
END_TEST

START_TEST(movable_frames_leave_kernel_when_movable_memory_comes_online)
{
	frame_bed_start(2 * C, 8 * C, false);
	frames[0] = frame_bed_take(FRAME_MOVABLE);
	ck_assert_uint_eq(frame_bed_chunk_of(frames[0]), 1);
	frame_bed_plug(4, VMEM_ZONE_MOVABLE);
	frame_bed_check();
	frames[1] = frame_bed_take(FRAME_MOVABLE);
	ck_assert_uint_eq(frame_bed_chunk_of(frames[1]), 4);
	frame_bed_put_all(frames, 2);
	frame_bed_end();
}
END_TEST

START_TEST(unmovable_frames_never_come_from_movable)
{
	frame_bed_start(C, 8 * C, false);
	frame_bed_plug(3, VMEM_ZONE_MOVABLE);
	ck_assert_uint_eq(free_frames(FRAME_UNMOVABLE), C - 1);
	unit_ok(frame_reserve_unmovable(frame_bed_core, C - 1));
	ck_assert_uint_eq(frame_reserve_unmovable(frame_bed_core, C).err,
			  PAGER_ENOMEM);
	unit_ok(frame_reserve_unmovable(frame_bed_core, 0));
	for (int i = 0; i < C - 1; i++) {
		frames[i] = frame_bed_take(FRAME_UNMOVABLE);
		ck_assert_uint_eq(frame_bed_chunk_of(frames[i]), 0);
	}
	ck_assert_uint_eq(frame_reserve_unmovable(frame_bed_core, 1).err,
			  PAGER_ENOMEM);
	unit_ok(frame_reserve_pool(frame_bed_core, C));
	frame_bed_put_all(frames, C - 1);
	frame_bed_end();
}
END_TEST

START_TEST(kinds_have_chunks_of_their_own_as_long_as_there_are_any)
{
	uint32_t m, u;

	frame_bed_start(4 * C, 0, false);
	for (int i = 0; i < C; i++) {
		frames[2 * i] = m = frame_bed_take(FRAME_MOVABLE);
		frames[2 * i + 1] = u = frame_bed_take(FRAME_UNMOVABLE);
		ck_assert_uint_eq(frame_bed_chunk(frame_bed_chunk_of(m))->kind,
				  FRAME_MOVABLE);
		ck_assert_uint_eq(frame_bed_chunk(frame_bed_chunk_of(u))->kind,
				  FRAME_UNMOVABLE);
	}
	frame_bed_check();
	frame_bed_put_all(frames, 2 * C);
	frame_bed_end();
}
END_TEST

START_TEST(the_last_frames_go_to_whichever_kind_asks)
{
	static const enum frame_kind kinds[2] = {FRAME_MOVABLE,
						 FRAME_UNMOVABLE};

	for (int k = 0; k < 2; k++) {
		frame_bed_start(4 * C, 0, false);
		for (int i = 0; i < 4; i++)
			frames[i] = frame_bed_take(kinds[1 - k]);
		for (int i = 4; i < 4 * C - 1; i++)
			frames[i] = frame_bed_take(kinds[k]);
		ck_assert_uint_eq(free_frames(kinds[k]), 0);
		frame_bed_check();
		frame_bed_put_all(frames, 4 * C - 1);
		frame_bed_end();
	}
}
END_TEST

START_TEST(frames_that_the_cache_for_runs_holds_are_given_as_well)
{
	uint32_t run, n = 0;

	frame_bed_start(2 * C, 0, false);
	run = frame_take_run(frame_bed_core, frame_bed_account, 4,
			     FRAME_MOVABLE, false);
	ck_assert_uint_ne(run, FRAME_NONE);
	for (; free_frames(FRAME_MOVABLE); n++)
		frames[n] =
		    frame_bed_take(n % 3 ? FRAME_MOVABLE : FRAME_UNMOVABLE);
	ck_assert_uint_eq(n, 2 * C - 1 - 16);
	frame_bed_check();
	frame_bed_put_all(frames, n);
	frame_bed_put_run(run, 16);
	frame_bed_end();
}
END_TEST

START_TEST(a_partial_chunk_is_taken_before_an_empty_one_the_fullest_first)
{
	frame_bed_start(16 * C, 0, false);
	frame_bed_take_all(frames, 6 * C);
	/* Of the chunks 1 .. 6: 2 gets 100 holes, 4 gets 10, 5 gets all. */
	for (int i = 0; i < 100; i++)
		frame_bed_put(frames[C + i]);
	for (int i = 0; i < 10; i++)
		frame_bed_put(frames[3 * C + i]);
	for (int i = 0; i < C; i++)
		frame_bed_put(frames[4 * C + i]);
	ck_assert_uint_eq(frame_bed_chunk(5)->bucket, CHUNK_EMPTY);
	for (int i = 0; i < 10; i++) {
		frames[3 * C + i] = frame_bed_take(FRAME_MOVABLE);
		ck_assert_uint_eq(frame_bed_chunk_of(frames[3 * C + i]), 4);
	}
	for (int i = 0; i < 100; i++) {
		frames[C + i] = frame_bed_take(FRAME_MOVABLE);
		ck_assert_uint_eq(frame_bed_chunk_of(frames[C + i]), 2);
	}
	frames[4 * C] = frame_bed_take(FRAME_MOVABLE);
	ck_assert_uint_eq(frame_bed_chunk_of(frames[4 * C]), 5);
	frame_bed_put_all(frames, 4 * C + 1);
	frame_bed_put_all(frames + 5 * C, C);
	frame_bed_end();
}
END_TEST

START_TEST(a_chunk_whose_frames_all_came_back_is_empty_again)
{
	struct frame_zone_info info;

	frame_bed_start(8 * C, 0, false);
	frame_bed_take_all(frames, 7 * C);
	ck_assert_uint_eq(frame_bed_info(VMEM_ZONE_KERNEL).empty_chunks, 0);
	/* In an order that is nobody's. */
	for (uint32_t i = 0; i < 7 * C; i++)
		frame_bed_put(frames[i * 1103 % (7 * C)]);
	info = frame_bed_info(VMEM_ZONE_KERNEL);
	ck_assert_uint_eq(info.empty_chunks, 7);
	ck_assert_uint_eq(info.partial_chunks, 1);
	frame_bed_end();
}
END_TEST

START_TEST(a_plan_for_both_kinds_can_be_done_in_any_order)
{
	for (uint32_t order = 0; order < 64; order++) {
		uint32_t movable = C + 37, unmovable = C - 38, n = 0;

		frame_bed_start(C, 8 * C, false);
		frame_bed_plug(3, VMEM_ZONE_MOVABLE);
		unit_ok(frame_reserve_unmovable(frame_bed_core, unmovable));
		unit_ok(
		    frame_reserve_pool(frame_bed_core, movable + unmovable));
		while (movable || unmovable) {
			bool first = order >> (n % 6) & 1 ? movable != 0
							  : unmovable == 0;

			frames[n++] = frame_bed_take(first ? FRAME_MOVABLE
							   : FRAME_UNMOVABLE);
			movable -= first;
			unmovable -= !first;
		}
		ck_assert_uint_eq(free_frames(FRAME_MOVABLE), 0);
		frame_bed_put_all(frames, n);
		frame_bed_end();
	}
}
END_TEST

START_TEST(frames_exist_where_chunks_were_added_and_nowhere_else)
{
	const uint64_t span = PAGER_ARENA_END_PFN + 4 * C;
	const uint32_t high = PAGER_ARENA_END_PFN / C + 1;

	frame_bed_start(C + 10, span, false);
	frame_bed_plug(high, VMEM_ZONE_MOVABLE);
	frames[0] = frame_bed_take(FRAME_MOVABLE);
	ck_assert_uint_eq(frames[0], high * C);
	ck_assert_uint_eq(
	    frame_from_pfn(frame_bed_core, (struct pager_pfn){frames[0]}),
	    frames[0]);
	for (uint64_t pfn = C + 10; pfn < span; pfn += 997 * C + 1) {
		struct pager_pfn at = {pfn};

		ck_assert(pfn / C == high ||
			  frame_from_pfn(frame_bed_core, at) == FRAME_NONE);
	}
	ck_assert_uint_eq(
	    frame_from_pfn(frame_bed_core, (struct pager_pfn){span}),
	    FRAME_NONE);
	frame_bed_put(frames[0]);
	frame_bed_end();
}
END_TEST

START_TEST(metadata_counts_chunks_that_are_there_and_frames_that_were_used)
{
	struct pager_stats s;
	uint64_t start;

	frame_bed_start(2 * C, 64 * C, false);
	pager_core_stats(frame_bed_core, &s);
	start = s.metadata_bytes;
	chunk_add(frame_bed_core, 9, C);
	chunk_online(frame_bed_core, 9, VMEM_ZONE_MOVABLE);
	pager_core_stats(frame_bed_core, &s);
	ck_assert_uint_eq(s.metadata_bytes, start + sizeof(struct chunk));
	ck_assert_uint_eq(s.frames_total, 3 * C);
	frame_bed_put(frame_bed_take(FRAME_MOVABLE));
	pager_core_stats(frame_bed_core, &s);
	ck_assert_uint_eq(s.metadata_bytes, start + sizeof(struct chunk) +
						C * FRAME_RECORD_BYTES);
	ck_assert_uint_le(sizeof(struct chunk) + C * FRAME_RECORD_BYTES,
			  16 * C);
	frame_bed_end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    boot_memory_is_online_in_the_zone_kernel,
	    every_frame_of_a_short_chunk_is_given_once_and_none_beyond,
	    an_added_chunk_gives_nothing_until_it_is_online,
	    a_chunk_that_is_removed_is_as_if_it_had_never_been,
	    an_isolated_chunk_gives_nothing_and_takes_back,
	    an_isolated_chunk_comes_back_with_what_is_free_by_then,
	    a_full_chunk_can_be_isolated_and_come_back,
	    a_chunk_offline_keeps_what_was_written_one_added_again_is_zero,
	    movable_frames_come_from_movable_first_then_from_kernel,
	    movable_frames_leave_kernel_when_movable_memory_comes_online,
	    unmovable_frames_never_come_from_movable,
	    kinds_have_chunks_of_their_own_as_long_as_there_are_any,
	    the_last_frames_go_to_whichever_kind_asks,
	    frames_that_the_cache_for_runs_holds_are_given_as_well,
	    a_partial_chunk_is_taken_before_an_empty_one_the_fullest_first,
	    a_chunk_whose_frames_all_came_back_is_empty_again,
	    a_plan_for_both_kinds_can_be_done_in_any_order,
	    frames_exist_where_chunks_were_added_and_nowhere_else,
	    metadata_counts_chunks_that_are_there_and_frames_that_were_used,
	};

	return UNIT_RUN("chunk", tests);
}
