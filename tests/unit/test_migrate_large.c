/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Migration of what large entries map: a whole run as one where there is
 * another run, else page by page after a split that nobody sees.
 */
#include <errno.h>
#include <string.h>

#include "lib/base/failpoint.h"
#include "lib/core/frame.h"
#include "lib/core/large.h"
#include "lib/core/migrate.h"
#include "tests/support/rmap_scan.h"
#include "tests/support/unit.h"

enum { AT = 1024, NEXT = 2048 }; /* two stretches below one node of level 1 */

static struct pager_core *core;
static struct pager_space *child;

/* A large entry at AT, which a child has too, in a node of its own. */
static void start(uint64_t frames)
{
	const struct test_world_config config = {.frames = frames, .cpus = 4};

	unit_start(&config);
	core = unit_world.core;
	unit_ok(pager_space_set_around(unit_space, PAGER_AROUND_2M));
	unit_map(unit_space, AT, 512, UNIT_RW);
	unit_put(unit_space, AT + 5, 5);
	unit_map(unit_space, NEXT, 4, UNIT_RW);
	for (uint64_t i = 0; i < 512; i += 16)
		unit_put(unit_space, AT + i, (uint8_t)(i / 16));
	pager_space_harvest(unit_space, pager_range(AT, AT + 512));
	unit_put(unit_space, AT + 1, 77);
	child = unit_fork(unit_space);
	unit_put(child, NEXT, 1);
	ck_assert_uint_eq(core->large.entries, 2);
}

static void verify(void)
{
	unit_check();
	rmap_scan_verify(core);
}

static uint64_t entry(const struct pager_space *s, uint64_t vpn)
{
	return unit_page(s, vpn).entry;
}

static uint32_t chunk_of(const struct pager_space *s, uint64_t vpn)
{
	return (uint32_t)(unit_page(s, vpn).pa >>
			  (PAGER_PAGE_SHIFT + CHUNK_SHIFT));
}

static void same_bytes(struct pager_space *s)
{
	for (uint64_t i = 0; i < 512; i += 16)
		ck_assert_uint_eq(unit_get(s, AT + i), i / 16);
	ck_assert_uint_eq(unit_get(s, AT + 1), 77);
	ck_assert_uint_eq(unit_get(s, AT + 5), 5);
	ck_assert_uint_eq(unit_get(s, AT + 500), 0);
}

static void verify_bytes(void)
{
	verify();
	same_bytes(unit_space);
	same_bytes(child);
	verify();
}

static int empty(uint32_t chunk)
{
	uint64_t moved = 0;
	int error;

	chunk_isolate(core, chunk);
	error = migrate_chunk(core, chunk, &moved);
	ck_assert_uint_eq(moved, error ? 0 : 512);
	ck_assert_uint_eq(core->frames.chunk[chunk].nfree, error ? 0 : 512);
	chunk_unisolate(core, chunk);
	return error;
}

START_TEST(a_run_moves_as_one_with_all_its_large_entries)
{
	struct pager_sim_stats before, after;
	uint64_t e, splits;
	uint32_t chunk;

	start(4096);
	e = entry(unit_space, AT);
	ck_assert(pte_large(e) && e & PTE_CHANGED && e & PTE_D);
	splits = unit_stats().large_splits;
	chunk = chunk_of(unit_space, AT);
	for (unsigned int i = 0; i < 512; i += 3)
		unit_get(unit_space, AT + i);
	e = entry(unit_space, AT);
	pager_sim_stats(unit_world.sim, &before);
	ck_assert_int_eq(empty(chunk), 0);
	pager_sim_stats(unit_world.sim, &after);
	ck_assert_uint_eq(after.frame_flushes - before.frame_flushes, 512);
	ck_assert_uint_ne(chunk_of(unit_space, AT), chunk);
	ck_assert_uint_eq(entry(unit_space, AT) & ~PTE_ADDR, e & ~PTE_ADDR);
	ck_assert_uint_eq(entry(unit_space, AT) & PTE_ADDR,
			  entry(child, AT) & PTE_ADDR);
	ck_assert_uint_eq(core->large.entries, 2);
	ck_assert_uint_eq(unit_stats().large_splits, splits);
	verify_bytes();
	unit_put(child, AT + 9, 9); /* splits and copies */
	verify();
	ck_assert_int_eq(empty(chunk_of(unit_space, AT)), 0);
	verify_bytes();
	unit_end();
}
END_TEST

START_TEST(a_run_whose_flush_is_left_out_is_noticed)
{
	uint64_t stale;

	start(4096);
	same_bytes(unit_space);
	pager_sim_skip_flushes(unit_world.sim, 1);
	ck_assert_int_eq(empty(chunk_of(unit_space, AT)), 0);
	ck_assert(!pager_sim_check(unit_world.sim, unit_space, &stale));
	core_forget(core, 0, 4096);
	verify_bytes();
	unit_end();
}
END_TEST

START_TEST(without_another_run_the_pages_move_one_by_one)
{
	uint32_t chunk;

	/* Two and a half chunks: the third is none. */
	start(3 * 512 + 256);
	unit_map(unit_space, 10000, 300, UNIT_RW);
	unit_fill(unit_space, 10000, 300, 1);
	chunk = chunk_of(unit_space, AT);
	for (uint32_t c = 1; c < 3; c++)
		if (c != chunk)
			ck_assert_uint_lt(core->frames.chunk[c].nfree, 512);
	ck_assert_int_eq(empty(chunk), 0);
	ck_assert_uint_eq(core->large.entries, 0);
	verify_bytes();
	/* They are in no order now: nothing to put together. */
	large_collapse_all(core);
	ck_assert_uint_eq(core->large.entries, 0);
	unit_end();
}
END_TEST

START_TEST(a_run_that_single_entries_share_is_split)
{
	start(4096);
	unit_put(child, AT + 100, 9);
	ck_assert_uint_eq(core->large.entries, 1);
	/* The child's page is elsewhere, and nobody has that frame but we. */
	ck_assert_int_eq(empty(chunk_of(unit_space, AT)), 0);
	ck_assert_uint_eq(core->large.entries, 0);
	verify();
	ck_assert_uint_eq(unit_get(child, AT + 100), 9);
	same_bytes(unit_space);
	unit_end();
}
END_TEST

START_TEST(one_frame_of_a_run_moves_alone)
{
	uint32_t from, to;

	start(4096);
	from = (uint32_t)(unit_page(child, AT + 5).pa >> PAGER_PAGE_SHIFT);
	ck_assert(rmap_is_above(core, from));
	ck_assert_int_eq(migrate_prepare(core, NULL, from), 0);
	ck_assert(!rmap_is_above(core, from));
	ck_assert(rmap_is_above(core, from + 1));
	verify();
	to = frame_take(core, unit_world.account);
	migrate_to(core, from, to);
	ck_assert_uint_eq(frame_of(entry(child, AT + 5)), to);
	ck_assert_uint_eq(frame_of(entry(unit_space, AT + 5)), to);
	ck_assert_uint_eq(frame_of(entry(child, AT + 6)), from + 1);
	verify_bytes();
	unit_remap(child, AT + 4, 4, 4, PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED,
		   9001);
	verify();
	from = frame_take(core, unit_world.account);
	ck_assert_int_eq(migrate_prepare(core, NULL, to), 0);
	migrate_to(core, to, from);
	verify();
	ck_assert_uint_eq(frame_of(entry(child, 9002)), from);
	ck_assert_uint_eq(unit_get(child, 9002), 5);
	unit_end();
}
END_TEST

#ifdef PAGER_FAILPOINTS
START_TEST(no_node_or_no_place_for_a_split_leaves_all_where_it_is)
{
	bool node = false, place = false;
	uint32_t chunk;

	start(4096);
	unit_put(child, AT + 100, 9);
	unit_put(child, AT + 100, 0);
	chunk = chunk_of(unit_space, AT);
	for (unsigned long n = 1;; n++) {
		const char *fired;
		uint64_t moved = 0;
		int error;

		chunk_isolate(core, chunk);
		pager_fail_arm(n);
		error = migrate_chunk(core, chunk, &moved);
		fired = pager_fail_fired();
		pager_fail_arm(0);
		chunk_unisolate(core, chunk);
		verify();
		if (!error)
			break;
		ck_assert_int_eq(error, -ENOMEM);
		ck_assert_uint_eq(moved, 0);
		ck_assert_ptr_nonnull(fired);
		node |= strcmp(fired, "node") == 0;
		place |= strcmp(fired, "place") == 0;
	}
	ck_assert(node);
	ck_assert(place);
	verify_bytes();
	unit_end();
}
END_TEST
#endif

START_TEST(without_memory_for_places_nothing_moves)
{
	uint32_t chunk;

	start(4096);
	unit_put(child, AT + 100, 9);
	unit_put(child, AT + 100, 0);
	chunk = chunk_of(unit_space, AT);
	chunk_isolate(core, chunk);
	unit_world.host_limit = unit_world.host_bytes;
	ck_assert_int_eq(migrate_chunk(core, chunk, &(uint64_t){0}), -ENOMEM);
	unit_world.host_limit = 0;
	chunk_unisolate(core, chunk);
	verify_bytes();
	ck_assert_int_eq(empty(chunk), 0);
	verify_bytes();
	unit_end();
}
END_TEST

START_TEST(a_shared_large_entry_that_is_moved_is_found_where_it_went)
{
	static const uint64_t places[] = {4096, 1 << 20, 4096 + 512, AT};
	uint64_t at = AT, splits;
	struct pager_space *s;

	start(4096);
	splits = unit_stats().large_splits;
	s = child;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		unit_remap(s, at, 512, 512,
			   PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED, places[i]);
		at = places[i];
		verify();
		ck_assert_uint_eq(unit_get(s, at + 5), 5);
		ck_assert_uint_eq(unit_page(s, at + 7).refs, 2);
		ck_assert_int_eq(
		    migrate_prepare(core, NULL, frame_of(entry(s, at + 7))), 0);
		verify();
	}
	ck_assert_uint_gt(unit_stats().large_splits, splits);
	verify_bytes();
	unit_end();
}
END_TEST

START_TEST(what_was_split_to_move_is_put_together_again)
{
	uint32_t frame, run;

	start(4096);
	pager_space_free(child);
	frame =
	    (uint32_t)(unit_page(unit_space, AT + 5).pa >> PAGER_PAGE_SHIFT);
	ck_assert_int_eq(migrate_prepare(core, NULL, frame), 0);
	ck_assert_uint_eq(core->large.entries, 0);
	run = frame_take_run(core, unit_world.account, CHUNK_SHIFT,
			     FRAME_MOVABLE, false);
	for (uint32_t i = 0; i < 512; i++) {
		frame = frame_of(entry(unit_space, AT + i));
		ck_assert_int_eq(migrate_prepare(core, NULL, frame), 0);
		migrate_to(core, frame, run + i);
	}
	verify();
	large_collapse_all(core);
	ck_assert_uint_eq(core->large.entries, 1);
	ck_assert_uint_eq(core->rmap.used, 0);
	ck_assert_uint_eq(frame_of(entry(unit_space, AT)), run);
	verify();
	same_bytes(unit_space);
	unit_end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    a_run_moves_as_one_with_all_its_large_entries,
	    a_run_whose_flush_is_left_out_is_noticed,
	    without_another_run_the_pages_move_one_by_one,
	    a_run_that_single_entries_share_is_split,
	    one_frame_of_a_run_moves_alone,
#ifdef PAGER_FAILPOINTS
	    no_node_or_no_place_for_a_split_leaves_all_where_it_is,
#endif
	    without_memory_for_places_nothing_moves,
	    a_shared_large_entry_that_is_moved_is_found_where_it_went,
	    what_was_split_to_move_is_put_together_again,
	};

	return UNIT_RUN("migrate-large", tests);
}
