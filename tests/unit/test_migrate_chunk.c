/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Emptying a chunk of 512 frames: all of it moves, or nothing does; there is
 * one flush for all; what is in it may be of any kind.
 */
#include <errno.h>
#include <stdlib.h>

#include "lib/core/frame.h"
#include "lib/core/migrate.h"
#include "lib/core/space.h"
#include "tests/support/rmap_scan.h"
#include "tests/support/unit.h"

enum { FRAMES = 2048, CHUNKS = FRAMES / CHUNK_FRAMES, PAGES = 600 };

static struct pager_core *core;
static struct pager_object *object;
static struct pager_space *child;

/* 600 pages and an object of 40, half of all shared with a child. */
static void start(void)
{
	const struct test_world_config config = {.frames = FRAMES};

	unit_start(&config);
	core = unit_world.core;
	unit_map(unit_space, 1000, PAGES, UNIT_RW);
	for (uint64_t i = 0; i < PAGES; i++)
		unit_put(unit_space, 1000 + i, (uint8_t)(i * 7));
	object = unit_object(40);
	unit_map_object(unit_space, 300, 40, UNIT_RW, PAGER_MAP_SHARED, object,
			0);
	unit_fill(unit_space, 300, 40, 3);
	child = unit_fork(unit_space);
	for (uint64_t i = 0; i < PAGES; i += 2)
		unit_put(child, 1000 + i, (uint8_t)(i * 11));
	unit_remap(child, 1100, 20, 20, PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED,
		   5000);
	unit_protect(child, 1200, 20, 0);
}

static void verify_bytes(void)
{
	unit_protect(child, 1200, 20, UNIT_RW);
	for (uint64_t i = 0; i < PAGES; i++) {
		uint64_t at = i >= 100 && i < 120 ? 4900 + i : 1000 + i;

		ck_assert_uint_eq(unit_get(unit_space, 1000 + i),
				  (uint8_t)(i * 7));
		ck_assert_uint_eq(unit_get(child, at),
				  (uint8_t)(i % 2 ? i * 7 : i * 11));
	}
	for (uint64_t i = 0; i < 40; i++)
		ck_assert_uint_eq(unit_get(child, 300 + i), i + 3);
	unit_protect(child, 1200, 20, 0);
}

static void verify(void)
{
	unit_check();
	rmap_scan_verify(core);
}

static unsigned int used_in(uint32_t chunk)
{
	unsigned int n = 0;

	for (uint32_t i = 0; i < CHUNK_FRAMES; i++)
		n += frame_is_used(core, (chunk << CHUNK_SHIFT) + i);
	return n;
}

/* The chunk that has most to move; never the zero frame's. */
static uint32_t fullest(void)
{
	uint32_t best = 1;

	for (uint32_t c = 2; c < CHUNKS; c++)
		if (used_in(c) > used_in(best))
			best = c;
	ck_assert_uint_gt(used_in(best), 0);
	return best;
}

START_TEST(all_of_it_moves_and_nobody_notices)
{
	struct pager_stats before, after;
	uint64_t moved = 5;
	unsigned int n;
	uint32_t c;

	start();
	c = fullest();
	n = used_in(c);
	before = unit_stats();
	chunk_isolate(core, c);
	ck_assert_int_eq(migrate_chunk(core, c, &moved), 0);
	ck_assert_uint_eq(moved, n + 5);
	ck_assert_uint_eq(used_in(c), 0);
	after = unit_stats();
	ck_assert_uint_eq(after.migrations, before.migrations + n);
	ck_assert_uint_eq(after.frames_used, before.frames_used);
	ck_assert_uint_eq(unit_used(PAGER_RES_FRAMES), after.frames_used - 1);
	verify();
	verify_bytes();
	chunk_offline(core, c);
	verify();
	verify_bytes();
	chunk_online(core, c, VMEM_ZONE_MOVABLE);
	verify();
	unit_end();
}
END_TEST

/* A machine that breathes: each chunk in turn goes, and comes back. */
START_TEST(every_chunk_in_turn_many_times)
{
	uint64_t moved = 0;

	start();
	for (uint32_t i = 0; i < 24; i++) {
		uint32_t c = 1 + i % (CHUNKS - 1);

		chunk_isolate(core, c);
		ck_assert_int_eq(migrate_chunk(core, c, &moved), 0);
		chunk_offline(core, c);
		verify();
		chunk_online(core, c,
			     i % 2 ? VMEM_ZONE_MOVABLE : VMEM_ZONE_KERNEL);
		unit_put(child, 1000 + i * 2, (uint8_t)(i * 22));
	}
	ck_assert_uint_gt(moved, 500);
	verify_bytes();
	unit_end();
}
END_TEST

START_TEST(an_isolated_chunk_that_was_not_emptied_goes_on)
{
	uint32_t c;

	start();
	c = fullest();
	chunk_isolate(core, c);
	verify();
	unit_unmap(unit_space, 1000, 40);
	unit_unmap(child, 1000, 40);
	verify();
	chunk_unisolate(core, c);
	verify();
	unit_map(unit_space, 1000, PAGES, UNIT_RW);
	for (uint64_t i = 0; i < PAGES; i++)
		unit_put(unit_space, 1000 + i, (uint8_t)(i * 7));
	verify();
	unit_end();
}
END_TEST

START_TEST(an_empty_chunk_has_nothing_to_move)
{
	uint64_t moved = 0;
	uint32_t c = CHUNKS - 1;

	start();
	ck_assert_uint_eq(used_in(c), 0);
	chunk_isolate(core, c);
	ck_assert_int_eq(migrate_chunk(core, c, &moved), 0);
	ck_assert_uint_eq(moved, 0);
	chunk_offline(core, c);
	verify();
	chunk_online(core, c, VMEM_ZONE_KERNEL);
	unit_end();
}
END_TEST

/* Refused with this error, and nothing has moved. */
static void refused(uint32_t c, int error)
{
	uint64_t moved = 0;
	char *before;

	chunk_isolate(core, c);
	before = unit_picture();
	ck_assert_int_eq(migrate_chunk(core, c, &moved), error);
	unit_unchanged(before, "a migration that was refused");
	ck_assert_uint_eq(moved, 0);
	verify();
	chunk_unisolate(core, c);
	verify();
}

START_TEST(one_pinned_frame_keeps_all)
{
	uint32_t frame = FRAME_NONE, c;

	start();
	c = fullest();
	for (uint32_t i = 0; i < CHUNK_FRAMES; i++)
		if (frame_is_used(core, (c << CHUNK_SHIFT) + i))
			frame = (c << CHUNK_SHIFT) + i;
	core->frames.pins[frame] = 1;
	core->frames.chunk[c].pinned = 1;
	chunk_isolate(core, c);
	ck_assert_int_eq(migrate_chunk(core, c, &(uint64_t){0}), -EBUSY);
	core->frames.pins[frame] = 0;
	core->frames.chunk[c].pinned = 0;
	chunk_unisolate(core, c);
	verify();
	verify_bytes();
	unit_end();
}
END_TEST

START_TEST(the_zero_frames_chunk_stays)
{
	start();
	refused(core->frames.zero >> CHUNK_SHIFT, -EBUSY);
	unit_end();
}
END_TEST

START_TEST(without_room_elsewhere_nothing_moves)
{
	uint64_t moved = 0, left;
	uint32_t c;

	start();
	c = fullest();
	/* Fill the machine until one frame too few is free elsewhere. */
	left =
	    frame_free_count(core, FRAME_MOVABLE) - core->frames.chunk[c].nfree;
	ck_assert_uint_gt(left, used_in(c));
	unit_map(unit_space, 1 << 20, FRAMES, UNIT_RW);
	for (uint64_t v = 0; v < FRAMES; v++) {
		left = frame_free_count(core, FRAME_MOVABLE) -
		       core->frames.chunk[c].nfree;
		if (left < used_in(c))
			break;
		unit_put(unit_space, (1 << 20) + v, 1);
	}
	ck_assert_uint_eq(left + 1, used_in(c));
	refused(c, -ENOMEM);
	/* With one more it is just enough. */
	unit_unmap(unit_space, 1 << 20, 2);
	left = used_in(c);
	chunk_isolate(core, c);
	ck_assert_int_eq(migrate_chunk(core, c, &moved), 0);
	ck_assert_uint_eq(moved, left);
	verify();
	verify_bytes();
	chunk_unisolate(core, c);
	unit_end();
}
END_TEST

START_TEST(one_flush_for_all)
{
	struct pager_sim_stats before, after;
	uint64_t moved = 0;
	uint32_t c;

	start();
	c = fullest();
	chunk_isolate(core, c);
	pager_sim_stats(unit_world.sim, &before);
	ck_assert_int_eq(migrate_chunk(core, c, &moved), 0);
	pager_sim_stats(unit_world.sim, &after);
	ck_assert_uint_eq(after.frame_flushes - before.frame_flushes,
			  CHUNK_FRAMES);
	ck_assert_uint_eq(after.page_flushes, before.page_flushes);
	ck_assert_uint_eq(after.space_flushes, before.space_flushes);
	chunk_unisolate(core, c);
	verify();
	unit_end();
}
END_TEST

START_TEST(a_flush_that_is_left_out_is_noticed)
{
	uint64_t moved = 0, stale;
	bool noticed;
	uint32_t c;

	start();
	for (uint64_t i = 0; i < 200; i++)
		unit_get(unit_space, 1000 + i * 3);
	c = fullest();
	chunk_isolate(core, c);
	pager_sim_skip_flushes(unit_world.sim, 1);
	ck_assert_int_eq(migrate_chunk(core, c, &moved), 0);
	noticed = !pager_sim_check(unit_world.sim, unit_space, &stale);
	ck_assert(noticed);
	core_forget(core, c << CHUNK_SHIFT, CHUNK_FRAMES);
	chunk_unisolate(core, c);
	verify();
	unit_end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    all_of_it_moves_and_nobody_notices,
	    every_chunk_in_turn_many_times,
	    an_isolated_chunk_that_was_not_emptied_goes_on,
	    an_empty_chunk_has_nothing_to_move,
	    one_pinned_frame_keeps_all,
	    the_zero_frames_chunk_stays,
	    without_room_elsewhere_nothing_moves,
	    one_flush_for_all,
	    a_flush_that_is_left_out_is_noticed,
	};

	return UNIT_RUN("migrate-chunk", tests);
}
