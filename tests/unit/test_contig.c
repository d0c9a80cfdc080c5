/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contiguous maps: frames in a row, where they were wished for, zeroed and
 * the region's alone for as long as it lives.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/failpoint.h"
#include "lib/core/frame.h"
#include "lib/core/migrate.h"
#include "tests/support/unit.h"

enum {
	FLAGS =
	    PAGER_REGION_CONTIG | PAGER_REGION_PINNED | PAGER_REGION_DONTFORK
};

static struct pager_core *core;

static void start(void)
{
	unit_start(NULL);
	core = unit_world.core;
}

static struct pager_status map(uint64_t at, uint64_t pages, uint32_t prot,
			       uint32_t flags)
{
	const struct pager_map_args a = {.addr = at,
					 .pages = pages,
					 .prot = prot,
					 .flags = PAGER_MAP_CONTIG |
						  PAGER_MAP_FIXED | flags};
	uint64_t out;

	return pager_space_map(unit_space, &a, &out);
}

static uint64_t frame(const struct pager_space *s, uint64_t vpn)
{
	return unit_page(s, vpn).pa >> PAGER_PAGE_SHIFT;
}

static void in_a_row(uint64_t at, uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++) {
		ck_assert_uint_eq(frame(unit_space, at + i),
				  frame(unit_space, at) + i);
		ck_assert(
		    !migrate_may(core, (uint32_t)frame(unit_space, at + i)));
	}
	unit_check();
}

/* A pool whose frames have all been written, none twice alike. */
static void soil(void)
{
	unit_map(unit_space, 1000, 4000, UNIT_RW);
	unit_fill(unit_space, 1000, 4000, 1);
	unit_unmap(unit_space, 1000, 4000);
}

START_TEST(the_frames_are_in_a_row_and_zero)
{
	uint64_t used;

	start();
	soil();
	used = unit_stats().frames_used;
	unit_ok(map(100, 700, UNIT_RW, 0));
	in_a_row(100, 700);
	ck_assert_uint_eq(unit_stats().frames_used, used + 700);
	ck_assert_uint_eq(unit_used(PAGER_RES_FRAMES), 700);
	ck_assert_uint_eq(unit_info(unit_space).anon, 700);
	ck_assert_uint_eq(unit_region(unit_space, 400).flags, FLAGS);
	for (uint64_t v = 100; v < 800; v++) {
		static const uint8_t zero[PAGER_PAGE_SIZE];

		ck_assert_uint_eq(
		    unit_fault(unit_space, v, PAGER_ACCESS_WRITE).result,
		    PAGER_FAULT_PRESENT);
		ck_assert_mem_eq(
		    test_world_bytes(&unit_world, unit_page(unit_space, v).pa),
		    zero, PAGER_PAGE_SIZE);
	}
	unit_end();
}
END_TEST

START_TEST(they_lie_where_they_were_wished_for)
{
	start();
	unit_ok(map(100, 3, UNIT_RW, 0));
	unit_ok(map(110, 4, UNIT_RW, PAGER_MAP_ALIGN_64K));
	ck_assert_uint_eq(frame(unit_space, 110) % 16, 0);
	in_a_row(110, 4);
	unit_ok(map(120, 4, UNIT_RW, PAGER_MAP_BELOW_1M));
	ck_assert_uint_le(frame(unit_space, 120) + 4, 256);
	unit_ok(map(200, 200, UNIT_RW, PAGER_MAP_BELOW_1M));
	in_a_row(200, 200);
	/* Now it is full there, and above it is not. */
	unit_refused(map(500, 200, UNIT_RW, PAGER_MAP_BELOW_1M), PAGER_ENOMEM,
		     PAGER_ARG_LEN);
	unit_refused(
	    map(500, 200, UNIT_RW, PAGER_MAP_BELOW_1M | PAGER_MAP_BELOW_4G),
	    PAGER_ENOMEM, PAGER_ARG_LEN);
	unit_ok(
	    map(500, 200, UNIT_RW, PAGER_MAP_BELOW_16M | PAGER_MAP_ALIGN_64K));
	in_a_row(500, 200);
	unit_ok(map(1000, 200, UNIT_RW, PAGER_MAP_BELOW_4G));
	unit_end();
}
END_TEST

START_TEST(below_16_mib_is_not_the_rest)
{
	const struct test_world_config config = {.frames = 8192};

	unit_start(&config);
	core = unit_world.core;
	unit_ok(map(10000, 4000, UNIT_RW, 0));
	unit_refused(map(100, 200, UNIT_RW, PAGER_MAP_BELOW_16M), PAGER_ENOMEM,
		     PAGER_ARG_LEN);
	unit_ok(map(100, 50, UNIT_RW, PAGER_MAP_BELOW_16M));
	ck_assert_uint_le(frame(unit_space, 100) + 50, 4096);
	unit_ok(map(200, 200, UNIT_RW, PAGER_MAP_BELOW_4G));
	unit_end();
}
END_TEST

START_TEST(it_is_private_anonymous_memory_alone)
{
	struct pager_object *o;
	struct pager_map_args a = {
	    .pages = 4, .prot = UNIT_RW, .flags = PAGER_MAP_CONTIG};
	const uint32_t wishes[] = {PAGER_MAP_ALIGN_64K, PAGER_MAP_BELOW_1M,
				   PAGER_MAP_BELOW_16M, PAGER_MAP_BELOW_4G};
	uint64_t out;

	start();
	o = unit_object(4);
	a.flags = PAGER_MAP_CONTIG | PAGER_MAP_SHARED;
	unit_refused(pager_space_map(unit_space, &a, &out), PAGER_EFLAGS,
		     PAGER_ARG_FLAGS);
	a.flags = PAGER_MAP_CONTIG | PAGER_MAP_GROWSDOWN;
	unit_refused(pager_space_map(unit_space, &a, &out), PAGER_EFLAGS,
		     PAGER_ARG_FLAGS);
	a.flags = PAGER_MAP_CONTIG;
	a.object = o;
	unit_refused(pager_space_map(unit_space, &a, &out), PAGER_EFLAGS,
		     PAGER_ARG_FLAGS);
	a.object = NULL;
	for (int i = 0; i < 4; i++) {
		a.flags = wishes[i];
		unit_refused(pager_space_map(unit_space, &a, &out),
			     PAGER_EFLAGS, PAGER_ARG_FLAGS);
	}
	a.flags = PAGER_MAP_CONTIG | PAGER_MAP_POPULATE;
	unit_ok(pager_space_map(unit_space, &a, &out));
	in_a_row(out, 4);
	unit_end();
}
END_TEST

START_TEST(a_fork_does_not_get_it_and_takes_nothing_from_it)
{
	struct pager_space *child;
	uint64_t first;

	start();
	unit_map(unit_space, 98, 2, UNIT_RW);
	unit_fill(unit_space, 98, 2, 7);
	unit_ok(map(100, 600, UNIT_RW, 0));
	unit_map(unit_space, 700, 2, UNIT_RW);
	unit_fill(unit_space, 700, 2, 9);
	first = frame(unit_space, 100);
	child = unit_fork(unit_space);
	unit_check();
	ck_assert(!unit_mapped(child, 100));
	ck_assert(!unit_mapped(child, 699));
	ck_assert_uint_eq(unit_get(child, 99), 8);
	ck_assert_uint_eq(unit_get(child, 700), 9);
	unit_fill(unit_space, 100, 600, 1);
	in_a_row(100, 600);
	ck_assert_uint_eq(frame(unit_space, 100), first);
	unit_refused(pager_space_advise(unit_space, pager_range(100, 200),
					PAGER_ADV_DOFORK),
		     PAGER_EINVAL, PAGER_ARG_ADDR);
	unit_refused(pager_space_advise(unit_space, pager_range(98, 702),
					PAGER_ADV_DOFORK),
		     PAGER_EINVAL, PAGER_ARG_ADDR);
	unit_advise(unit_space, 100, 100, PAGER_ADV_DONTFORK);
	unit_advise(unit_space, 100, 100, PAGER_ADV_WIPEONFORK);
	child = unit_fork(unit_space);
	ck_assert(!unit_mapped(child, 100));
	unit_end();
}
END_TEST

START_TEST(pages_cannot_be_given_back_but_by_unmapping)
{
	const struct pager_remap_args grow = {.addr = 100,
					      .pages = 8,
					      .new_pages = 9,
					      .flags = PAGER_REMAP_MAYMOVE};
	const struct pager_remap_args leave = {.addr = 100,
					       .pages = 8,
					       .new_pages = 8,
					       .flags = PAGER_REMAP_MAYMOVE |
							PAGER_REMAP_DONTUNMAP};
	struct pager_range part = {102, 104};
	uint64_t out;

	start();
	unit_ok(map(100, 8, UNIT_RW, 0));
	unit_refused(pager_space_advise(unit_space, part, PAGER_ADV_DONTNEED),
		     PAGER_EBUSY, PAGER_ARG_ADDR);
	unit_refused(pager_space_advise(unit_space, part, PAGER_ADV_FREE),
		     PAGER_EBUSY, PAGER_ARG_ADDR);
	unit_refused(pager_space_unpin(unit_space, part), PAGER_EBUSY,
		     PAGER_ARG_ADDR);
	unit_refused(pager_space_remap(unit_space, &grow, &out), PAGER_EBUSY,
		     PAGER_ARG_ADDR);
	unit_refused(pager_space_remap(unit_space, &leave, &out), PAGER_EBUSY,
		     PAGER_ARG_ADDR);
	unit_ok(pager_space_pin(unit_space, part));
	ck_assert_uint_eq(unit_info(unit_space).regions, 1);
	ck_assert_uint_eq(core->frames.pinned, 8);
	unit_unmap(unit_space, 102, 2);
	unit_check();
	ck_assert_uint_eq(core->frames.pinned, 6);
	ck_assert_uint_eq(unit_used(PAGER_RES_FRAMES), 6);
	ck_assert_uint_eq(unit_info(unit_space).regions, 2);
	unit_map(unit_space, 100, 1, UNIT_R);
	unit_check();
	ck_assert_uint_eq(core->frames.pinned, 5);
	pager_space_clear(unit_space);
	ck_assert_uint_eq(core->frames.pinned, 0);
	unit_end();
}
END_TEST

START_TEST(protection_keeps_the_frames_and_parts_come_together_again)
{
	uint64_t first;

	start();
	unit_ok(map(100, 8, 0, 0)); /* none: populated all the same */
	first = unit_page(unit_space, 100).entry & PTE_ADDR;
	ck_assert_uint_ne(first, 0);
	ck_assert_uint_eq(unit_info(unit_space).anon, 8);
	ck_assert_int_eq(unit_signal(unit_space, 100, PAGER_ACCESS_READ),
			 PAGER_SEGV_ACCERR);
	unit_protect(unit_space, 100, 8, UNIT_RW);
	unit_fill(unit_space, 100, 8, 1);
	in_a_row(100, 8);
	unit_protect(unit_space, 102, 3, UNIT_R);
	ck_assert_uint_eq(unit_info(unit_space).regions, 3);
	unit_protect(unit_space, 102, 3, UNIT_RW);
	ck_assert_uint_eq(unit_info(unit_space).regions, 1);
	unit_put(unit_space, 103, 77);
	in_a_row(100, 8);
	ck_assert_uint_eq(unit_page(unit_space, 100).pa, first);
	ck_assert_uint_eq(unit_get(unit_space, 107), 8);
	unit_end();
}
END_TEST

START_TEST(neighbours_are_one_only_if_their_frames_are)
{
	uint64_t first;

	start();
	unit_ok(map(100, 4, UNIT_RW, PAGER_MAP_ALIGN_64K));
	unit_ok(map(104, 4, UNIT_RW, PAGER_MAP_ALIGN_64K));
	unit_check();
	ck_assert_uint_eq(unit_info(unit_space).regions, 2);
	/* Two halves that changed places. */
	unit_ok(map(200, 4, UNIT_RW, 0));
	first = frame(unit_space, 200);
	unit_remap(unit_space, 200, 2, 2,
		   PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED, 204);
	unit_check();
	ck_assert_uint_eq(unit_info(unit_space).regions, 4);
	ck_assert_uint_eq(frame(unit_space, 204), first);
	unit_remap(unit_space, 204, 2, 2,
		   PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED, 200);
	ck_assert_uint_eq(unit_info(unit_space).regions, 3);
	in_a_row(200, 4);
	unit_end();
}
END_TEST

START_TEST(it_moves_with_its_frames)
{
	uint64_t first;

	start();
	unit_ok(map(100, 600, UNIT_RW, 0));
	unit_fill(unit_space, 100, 600, 1);
	first = frame(unit_space, 100);
	unit_remap(unit_space, 100, 600, 600,
		   PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED, 5003);
	in_a_row(5003, 600);
	ck_assert_uint_eq(frame(unit_space, 5003), first);
	ck_assert_uint_eq(unit_get(unit_space, 5004), 2);
	ck_assert_uint_eq(unit_region(unit_space, 5003).flags, FLAGS);
	unit_remap(unit_space, 5003, 600, 10, 0, 0);
	in_a_row(5003, 10);
	ck_assert_uint_eq(core->frames.pinned, 10);
	unit_end();
}
END_TEST

START_TEST(it_takes_the_place_of_what_is_there)
{
	start();
	unit_map(unit_space, 100, 20, UNIT_RW);
	unit_fill(unit_space, 100, 20, 1);
	unit_fork(unit_space);
	unit_ok(map(105, 10, UNIT_RW, 0));
	in_a_row(105, 10);
	ck_assert_uint_eq(unit_get(unit_space, 104), 5);
	ck_assert_uint_eq(unit_get(unit_space, 105), 0);
	unit_refused(map(110, 10, UNIT_RW, PAGER_MAP_NOREPLACE), PAGER_EEXIST,
		     PAGER_ARG_ADDR);
	unit_end();
}
END_TEST

START_TEST(memory_in_pieces_is_not_enough_but_pages_that_may_go_are)
{
	const struct test_world_config config = {.frames = 101};

	unit_start(&config);
	core = unit_world.core;
	unit_map(unit_space, 1000, 100, UNIT_RW);
	unit_fill(unit_space, 1000, 100, 1);
	for (uint64_t v = 1000; v < 1100; v += 4)
		unit_unmap(unit_space, v, 2);
	unit_refused(map(100, 3, UNIT_RW, 0), PAGER_ENOMEM, PAGER_ARG_LEN);
	unit_ok(map(100, 2, UNIT_RW, 0));
	unit_advise(unit_space, 1002, 2, PAGER_ADV_FREE);
	unit_ok(map(200, 4, UNIT_RW, 0));
	in_a_row(200, 4);
	ck_assert_uint_eq(unit_get(unit_space, 1002), 0);
	unit_end();
}
END_TEST

START_TEST(pages_that_lie_in_the_way_are_moved)
{
	uint64_t used;

	start();
	unit_map(unit_space, 1000, 4000, UNIT_RW);
	unit_fill(unit_space, 1000, 4000, 1);
	unit_unmap(unit_space, 1000, 400);
	unit_fork(unit_space);
	used = unit_stats().frames_used;
	/* Below 1 MiB all are taken; above are free ones. */
	ck_assert_uint_eq(frame_find_range(core, 1, 1, 256), FRAME_NONE);
	unit_ok(map(100, 100, UNIT_RW, PAGER_MAP_BELOW_1M));
	in_a_row(100, 100);
	ck_assert_uint_le(frame(unit_space, 199), 255);
	unit_ok(map(300, 100, UNIT_RW, PAGER_MAP_BELOW_1M));
	in_a_row(300, 100);
	ck_assert_uint_eq(unit_stats().frames_used, used + 200);
	for (uint64_t v = 1400; v < 5000; v++)
		ck_assert_uint_eq(unit_get(unit_space, v), (v - 999) % 256);
	/* 55 are left there, and may not be moved once they are pinned. */
	unit_protect(unit_space, 1400, 3600, UNIT_R);
	unit_ok(pager_space_pin(unit_space, pager_range(1400, 5000)));
	unit_refused(map(500, 56, UNIT_RW, PAGER_MAP_BELOW_1M), PAGER_ENOMEM,
		     PAGER_ARG_LEN);
	unit_refused(map(500, 4000, UNIT_RW, 0), PAGER_ENOMEM, PAGER_ARG_LEN);
	unit_end();
}
END_TEST

START_TEST(the_run_with_the_fewest_pages_is_cleared)
{
	uint64_t moved;

	start();
	unit_map(unit_space, 1000, 4095, UNIT_RW);
	unit_fill(unit_space, 1000, 4095, 1);
	/* Every other page of frames 2048 .. 2559, and the last 400. */
	for (uint64_t v = 1000; v < 5095; v++) {
		uint64_t f = frame(unit_space, v);

		if ((f >= 2048 && f < 2560 && f % 2) || f >= 3696)
			unit_unmap(unit_space, v, 1);
	}
	moved = unit_stats().migrations;
	unit_ok(map(100, 500, UNIT_RW, 0));
	in_a_row(100, 500);
	ck_assert_uint_eq(unit_stats().migrations, moved + 100);
	unit_end();
}
END_TEST

START_TEST(limits_hold)
{
	const struct pager_limits limits = {.resident = 10};
	struct pager_space *s = NULL;
	struct pager_map_args a = {.addr = 100,
				   .pages = 11,
				   .prot = UNIT_RW,
				   .flags = PAGER_MAP_CONTIG};
	uint64_t out;

	start();
	unit_ok(pager_space_new(core, unit_world.account, unit_world.mmu,
				pager_range(0, 1000), &limits, &s));
	unit_refused(pager_space_map(s, &a, &out), PAGER_ELIMIT, PAGER_ARG_LEN);
	a.pages = 10;
	unit_ok(pager_space_map(s, &a, &out));
	a.flags |= PAGER_MAP_FIXED;
	unit_ok(pager_space_map(s, &a, &out)); /* in place of them */
	unit_limit(PAGER_RES_FRAMES, 12);
	unit_refused(map(100, 3, UNIT_RW, 0), PAGER_ELIMIT, PAGER_ARG_NONE);
	unit_ok(map(100, 2, UNIT_RW, 0));
	unit_limit(PAGER_RES_NODES, unit_used(PAGER_RES_NODES));
	unit_refused(map(UINT64_C(1) << 20, 1, UNIT_RW, 0), PAGER_ELIMIT,
		     PAGER_ARG_NONE);
	unit_no_limits();
	unit_refused(map(100, UINT64_C(1) << 35, UNIT_RW, 0), PAGER_ENOMEM,
		     PAGER_ARG_LEN);
	unit_end();
}
END_TEST

/* --- batches -------------------------------------------------------------- */

START_TEST(a_batch_writes_the_same_frames)
{
	uint64_t first;

	start();
	unit_ok(map(100, 4, UNIT_RW, 0));
	unit_map(unit_space, 104, 4, UNIT_RW);
	unit_fill(unit_space, 104, 4, 1);
	first = frame(unit_space, 100);
	unit_ok(pager_space_snapshot(unit_space));
	unit_put(unit_space, 101, 5);
	unit_put(unit_space, 105, 5);
	in_a_row(100, 4);
	ck_assert_uint_eq(frame(unit_space, 100), first);
	pager_space_snapshot_drop(unit_space);
	in_a_row(100, 4);
	ck_assert_uint_eq(unit_get(unit_space, 101), 5);

	unit_ok(pager_space_snapshot(unit_space));
	unit_put(unit_space, 102, 6);
	unit_put(unit_space, 105, 6);
	unit_unmap(unit_space, 100, 2);
	unit_check();
	pager_space_snapshot_restore(unit_space);
	in_a_row(100, 4);
	ck_assert_uint_eq(frame(unit_space, 100), first);
	/* The device's bytes are not undone, and are known to be dirty. */
	ck_assert_uint_eq(unit_get(unit_space, 102), 6);
	ck_assert_uint_eq(unit_get(unit_space, 105), 5);
	ck_assert(unit_page(unit_space, 102).entry & PTE_CHANGED);
	ck_assert(!(unit_page(unit_space, 103).entry & PTE_CHANGED));
	unit_put(unit_space, 102, 7);
	in_a_row(100, 4);
	unit_end();
}
END_TEST

START_TEST(a_batch_that_is_undone_gives_back_what_it_mapped)
{
	start();
	unit_ok(map(100, 8, UNIT_RW, 0));
	unit_ok(pager_space_snapshot(unit_space));
	unit_remap(unit_space, 102, 4, 4,
		   PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED, 300);
	unit_put(unit_space, 300, 3);
	unit_ok(map(200, 40, UNIT_RW, 0));
	unit_protect(unit_space, 100, 1, 0);
	unit_check();
	pager_space_snapshot_restore(unit_space);
	in_a_row(100, 8);
	ck_assert_uint_eq(core->frames.pinned, 8);
	ck_assert_uint_eq(unit_used(PAGER_RES_FRAMES), 8);
	ck_assert_uint_eq(unit_get(unit_space, 102), 3);
	unit_end();
}
END_TEST

#ifdef PAGER_FAILPOINTS
START_TEST(it_fails_at_every_point_without_a_trace)
{
	unsigned long n = 1;
	struct pager_status st;

	start();
	unit_map(unit_space, 500, 20, UNIT_RW);
	unit_fill(unit_space, 500, 20, 1);
	unit_fork(unit_space);
	for (;; n++) {
		char *before = unit_picture();
		const char *fired;

		pager_fail_arm(n);
		st = map(505, 600, UNIT_RW, 0);
		fired = pager_fail_fired();
		pager_fail_arm(0);
		if (!fired) {
			free(before);
			break;
		}
		ck_assert_uint_eq(st.err, PAGER_ENOMEM);
		unit_unchanged(before, fired);
		unit_check();
	}
	unit_ok(st);
	ck_assert_uint_gt(n, 2);
	in_a_row(505, 600);
	unit_end();
}
END_TEST
#endif

int main(void)
{
	const TTest *tests[] = {
	    the_frames_are_in_a_row_and_zero,
	    they_lie_where_they_were_wished_for,
	    below_16_mib_is_not_the_rest,
	    it_is_private_anonymous_memory_alone,
	    a_fork_does_not_get_it_and_takes_nothing_from_it,
	    pages_cannot_be_given_back_but_by_unmapping,
	    protection_keeps_the_frames_and_parts_come_together_again,
	    neighbours_are_one_only_if_their_frames_are,
	    it_moves_with_its_frames,
	    it_takes_the_place_of_what_is_there,
	    memory_in_pieces_is_not_enough_but_pages_that_may_go_are,
	    pages_that_lie_in_the_way_are_moved,
	    the_run_with_the_fewest_pages_is_cleared,
	    limits_hold,
	    a_batch_writes_the_same_frames,
	    a_batch_that_is_undone_gives_back_what_it_mapped,
#ifdef PAGER_FAILPOINTS
	    it_fails_at_every_point_without_a_trace,
#endif
	};

	return UNIT_RUN("contig", tests);
}
