/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Snapshots: whatever a batch did, restoring brings back regions, pages,
 * counters and the break.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/core/internal.h"
#include "tests/support/unit.h"

#define BYTES(page) ((uint64_t)(page) << PAGER_PAGE_SHIFT)

static struct pager_object *object;
static struct pager_range all = {0, PAGER_VPN_END};

/* Something of everything: 100 anonymous, 200 private, 300 shared, 400 heap,
 * 500 none, stack below 4000. */
static void start(void)
{
	unit_start(NULL);
	object = unit_object(20);
	for (uint64_t i = 0; i < 20; i++)
		unit_object_put(object, i, (uint8_t)(100 + i));
	unit_map(unit_space, 100, 10, UNIT_RW);
	unit_fill(unit_space, 100, 8, 1);
	unit_get(unit_space, 108);
	unit_map_object(unit_space, 200, 10, UNIT_RW, 0, object, 3);
	unit_put(unit_space, 201, 50);
	unit_get(unit_space, 202);
	unit_map_object(unit_space, 300, 10, UNIT_RW, PAGER_MAP_SHARED, object,
			0);
	unit_get(unit_space, 301);
	unit_ok(pager_space_brk_start(unit_space, BYTES(400)));
	unit_ok(pager_space_brk(unit_space, BYTES(405) + 7));
	unit_put(unit_space, 400, 60);
	unit_map(unit_space, 500, 3, UNIT_RW);
	unit_put(unit_space, 500, 70);
	unit_protect(unit_space, 500, 3, 0);
	unit_map_flags(unit_space, 3999, 1, UNIT_RW, PAGER_MAP_GROWSDOWN);
}

static void snapshot(void)
{
	unit_ok(pager_space_snapshot(unit_space));
}

/* One of everything that changes a space. */
static void batch(void)
{
	unit_put(unit_space, 100, 99);
	unit_put(unit_space, 109, 98);
	unit_unmap(unit_space, 103, 3);
	unit_map(unit_space, 104, 1, UNIT_R);
	unit_protect(unit_space, 106, 2, UNIT_R);
	unit_remap(unit_space, 100, 2, 2,
		   PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED, 700);
	unit_put(unit_space, 202, 97);
	unit_advise(unit_space, 200, 5, PAGER_ADV_DONTNEED);
	unit_unmap(unit_space, 300, 10);
	unit_ok(pager_space_brk(unit_space, BYTES(420)));
	unit_put(unit_space, 415, 5);
	unit_ok(pager_space_brk(unit_space, BYTES(401)));
	unit_protect(unit_space, 500, 3, UNIT_RW);
	unit_put(unit_space, 500, 96);
	unit_put(unit_space, 3950, 1);
	unit_advise(unit_space, 3950, 50, PAGER_ADV_DONTFORK);
	unit_map_flags(unit_space, 600, 5, UNIT_RW, PAGER_MAP_POPULATE);
}

/* What the space shows, without the write permissions that a fault gives. */
static void same(const struct pager_space *a, const struct pager_space *b)
{
	struct pager_space_info x = unit_info(a), y = unit_info(b);
	struct pager_region_info p, q;
	uint64_t at = 0;

	ck_assert_uint_eq(x.regions, y.regions);
	ck_assert_uint_eq(x.virtual_pages, y.virtual_pages);
	ck_assert_uint_eq(x.anon, y.anon);
	ck_assert_uint_eq(x.zero, y.zero);
	ck_assert_uint_eq(x.object, y.object);
	ck_assert_uint_eq(x.brk, y.brk);
	ck_assert_uint_eq(x.brk_start, y.brk_start);
	for (; pager_space_region(a, at, &p); at = p.range.end) {
		ck_assert(pager_space_region(b, at, &q));
		ck_assert_mem_eq(&p, &q, sizeof(p));
		for (uint64_t v = p.range.start; v < p.range.end; v++) {
			ck_assert_uint_eq(unit_page(a, v).type,
					  unit_page(b, v).type);
			ck_assert_uint_eq(unit_page(a, v).pa,
					  unit_page(b, v).pa);
		}
	}
	ck_assert(!pager_space_region(b, at, &q));
}

START_TEST(restore_brings_back_everything)
{
	struct pager_space_info before, after;
	struct pager_space *witness;
	struct pager_stats start_stats, end_stats;

	start();
	witness = unit_fork(unit_space); /* what it looks like now */
	start_stats = unit_stats();
	before = unit_info(unit_space);
	snapshot();
	unit_check();
	batch();
	unit_check();
	pager_space_snapshot_restore(unit_space);
	unit_check();
	after = unit_info(unit_space);
	ck_assert_mem_eq(&before, &after, sizeof(before));
	same(unit_space, witness);
	end_stats = unit_stats();
	ck_assert_uint_eq(end_stats.frames_used, start_stats.frames_used);
	ck_assert_uint_eq(end_stats.nodes_used, start_stats.nodes_used);
	ck_assert_uint_eq(end_stats.regions, start_stats.regions);
	for (uint64_t v = 100; v < 108; v++)
		ck_assert_uint_eq(unit_get(unit_space, v), v - 99);
	ck_assert_uint_eq(unit_get(unit_space, 201), 50);
	ck_assert_uint_eq(unit_get(unit_space, 202), 105);
	ck_assert_uint_eq(unit_get(unit_space, 301), 101);
	ck_assert_uint_eq(unit_get(unit_space, 400), 60);
	ck_assert(!unit_mapped(unit_space, 700));
	ck_assert(!unit_mapped(unit_space, 3998));
	unit_end();
}
END_TEST

START_TEST(restore_without_a_witness_brings_back_the_same_frames)
{
	uint64_t pa, used;

	start();
	pa = unit_page(unit_space, 100).pa;
	used = unit_stats().frames_used;
	snapshot();
	batch();
	pager_space_snapshot_restore(unit_space);
	unit_check();
	ck_assert_uint_eq(unit_page(unit_space, 100).pa, pa);
	ck_assert_uint_eq(unit_stats().frames_used, used);
	unit_put(unit_space, 100, 44);
	ck_assert_uint_eq(unit_page(unit_space, 100).pa, pa);
	unit_end();
}
END_TEST

START_TEST(drop_keeps_what_the_batch_did)
{
	uint64_t nodes;

	start();
	snapshot();
	batch();
	pager_space_snapshot_drop(unit_space);
	unit_check();
	nodes = unit_stats().nodes_used;
	ck_assert_uint_eq(unit_get(unit_space, 700), 99);
	ck_assert_uint_eq(unit_get(unit_space, 104), 0);
	ck_assert_uint_eq(unit_get(unit_space, 500), 96);
	ck_assert_uint_eq(unit_info(unit_space).brk, BYTES(401));
	pager_space_clear(unit_space);
	ck_assert_uint_lt(unit_stats().nodes_used, nodes);
	unit_end();
}
END_TEST

START_TEST(a_snapshot_of_what_is_not_changed_costs_one_node)
{
	struct pager_stats before;

	start();
	before = unit_stats();
	snapshot();
	ck_assert_uint_eq(unit_stats().nodes_used, before.nodes_used + 1);
	ck_assert_uint_eq(unit_stats().frames_used, before.frames_used);
	ck_assert_uint_eq(unit_stats().regions, before.regions);
	ck_assert_uint_eq(unit_stats().spaces, before.spaces);
	pager_space_snapshot_drop(unit_space);
	ck_assert_uint_eq(unit_stats().nodes_used, before.nodes_used);
	snapshot();
	pager_space_snapshot_restore(unit_space);
	ck_assert_uint_eq(unit_stats().nodes_used, before.nodes_used);
	unit_end();
}
END_TEST

START_TEST(only_one_at_a_time_and_another_after_it)
{
	start();
	snapshot();
	unit_refused(pager_space_snapshot(unit_space), PAGER_EBUSY,
		     PAGER_ARG_SPACE);
	batch();
	pager_space_snapshot_restore(unit_space);
	snapshot();
	batch();
	pager_space_snapshot_restore(unit_space);
	ck_assert_uint_eq(unit_get(unit_space, 100), 1);
	unit_end();
}
END_TEST

START_TEST(an_object_is_held_by_the_snapshot)
{
	struct pager_object *o = NULL;
	struct pager_object_info info;

	start();
	unit_ok(pager_object_new(unit_world.core, unit_world.account, 4, &o));
	unit_map_object(unit_space, 5000, 4, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	unit_put(unit_space, 5000, 33);
	snapshot();
	unit_unmap(unit_space, 5000, 4);
	pager_object_info(o, &info);
	ck_assert_uint_eq(info.mappings, 0);
	pager_object_put(o);
	unit_check();
	pager_space_snapshot_restore(unit_space);
	unit_check();
	pager_object_info(o, &info);
	ck_assert_uint_eq(info.mappings, 1);
	ck_assert_uint_eq(unit_get(unit_space, 5000), 33);
	unit_unmap(unit_space, 5000, 4);
	unit_end();
}
END_TEST

START_TEST(an_objects_own_pages_are_not_undone)
{
	start();
	snapshot();
	unit_put(unit_space, 302, 11);
	pager_space_snapshot_restore(unit_space);
	ck_assert_uint_eq(unit_get(unit_space, 302), 11);
	unit_end();
}
END_TEST

START_TEST(what_others_share_with_the_space_stays_theirs)
{
	struct pager_space *child, *grandchild;

	start();
	child = unit_fork(unit_space);
	unit_put(unit_space, 101, 20);
	snapshot();
	unit_put(unit_space, 101, 21);
	unit_put(unit_space, 102, 22);
	unit_put(child, 103, 23);
	unit_check();
	pager_space_snapshot_restore(unit_space);
	unit_check();
	ck_assert_uint_eq(unit_get(unit_space, 101), 20);
	ck_assert_uint_eq(unit_get(unit_space, 102), 3);
	ck_assert_uint_eq(unit_get(unit_space, 103), 4);
	ck_assert_uint_eq(unit_get(child, 101), 2);
	ck_assert_uint_eq(unit_get(child, 103), 23);
	grandchild = unit_fork(unit_space);
	ck_assert_uint_eq(unit_get(grandchild, 101), 20);
	unit_end();
}
END_TEST

START_TEST(charges_are_those_of_the_space_and_restored)
{
	uint64_t regions, pages;

	start();
	regions = unit_used(PAGER_RES_REGIONS);
	pages = unit_used(PAGER_RES_PAGES);
	unit_limit(PAGER_RES_REGIONS, regions);
	snapshot();
	ck_assert_uint_eq(unit_used(PAGER_RES_REGIONS), regions);
	unit_no_limits();
	batch();
	pager_space_snapshot_restore(unit_space);
	ck_assert_uint_eq(unit_used(PAGER_RES_REGIONS), regions);
	ck_assert_uint_eq(unit_used(PAGER_RES_PAGES), pages);
	unit_end();
}
END_TEST

START_TEST(a_space_freed_with_its_snapshot_leaves_nothing)
{
	start();
	snapshot();
	batch();
	pager_space_free(unit_space);
	ck_assert_uint_eq(unit_stats().spaces, 0);
	ck_assert_uint_eq(unit_stats().regions, 0);
	ck_assert_uint_eq(unit_used(PAGER_RES_FRAMES), 20);
	unit_end();
}
END_TEST

START_TEST(without_memory_there_is_no_snapshot_and_no_change)
{
	const struct test_world_config config = {.nodes = 16};

	unit_start(&config);
	unit_map(unit_space, 0, 20 * 512, UNIT_RW);
	for (uint64_t i = 0; i < 12; i++)
		unit_fill(unit_space, i * 512, 2, 1);
	unit_refused(pager_space_snapshot(unit_space), PAGER_ENOMEM,
		     PAGER_ARG_NONE);
	unit_unmap(unit_space, 0, 512);
	unit_limit(PAGER_RES_NODES, 14);
	unit_refused(pager_space_snapshot(unit_space), PAGER_ELIMIT,
		     PAGER_ARG_NONE);
	unit_no_limits();
	snapshot();
	pager_space_snapshot_drop(unit_space);
	unit_end();
}
END_TEST

START_TEST(lazily_freed_pages_are_safe_in_a_snapshot)
{
	const struct test_world_config config = {.frames = 12};
	struct pager_fault_info info;

	unit_start(&config);
	unit_map(unit_space, 100, 10, UNIT_RW);
	unit_fill(unit_space, 100, 10, 1);
	snapshot();
	unit_advise(unit_space, 100, 10, PAGER_ADV_FREE);
	unit_put(unit_space, 100, 50); /* the last frame */
	unit_map(unit_space, 200, 1, UNIT_RW);
	unit_refused(
	    pager_space_fault(unit_space, 200, PAGER_ACCESS_WRITE, &info),
	    PAGER_ENOMEM, PAGER_ARG_NONE);
	pager_space_snapshot_restore(unit_space);
	for (uint64_t v = 100; v < 110; v++)
		ck_assert_uint_eq(unit_get(unit_space, v), v - 99);
	unit_end();
}
END_TEST

START_TEST(dirtiness_of_the_restored_pages_is_not_lost)
{
	struct pager_harvest h;

	unit_start(NULL);
	unit_map(unit_space, 100, 4, UNIT_RW);
	unit_fill(unit_space, 100, 4, 1);
	snapshot();
	unit_put(unit_space, 100, 9);
	pager_space_snapshot_restore(unit_space);
	h = pager_space_harvest(unit_space, all);
	ck_assert_uint_eq(h.dirty, 4);
	unit_end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    restore_brings_back_everything,
	    restore_without_a_witness_brings_back_the_same_frames,
	    drop_keeps_what_the_batch_did,
	    a_snapshot_of_what_is_not_changed_costs_one_node,
	    only_one_at_a_time_and_another_after_it,
	    an_object_is_held_by_the_snapshot,
	    an_objects_own_pages_are_not_undone,
	    what_others_share_with_the_space_stays_theirs,
	    charges_are_those_of_the_space_and_restored,
	    a_space_freed_with_its_snapshot_leaves_nothing,
	    without_memory_there_is_no_snapshot_and_no_change,
	    lazily_freed_pages_are_safe_in_a_snapshot,
	    dirtiness_of_the_restored_pages_is_not_lost,
	};

	return UNIT_RUN("snapshot", tests);
}
