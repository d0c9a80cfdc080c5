/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page table: own paths, sharing, sums, and that plan's counts of nodes
 * are what commit takes.
 */
#include "lib/core/table.h"

#include "tests/support/unit.h"

static struct pager_core *core;

static void start(uint64_t nodes)
{
	const struct test_world_config config = {.nodes = nodes,
						 .frames = 16384};

	unit_start(&config);
	core = unit_world.core;
}

static uint64_t nodes(void)
{
	return unit_stats().nodes_used;
}

/* In the middle of nowhere, at borders of nodes of every level, at the ends. */
static const uint64_t places[] = {
    0,
    511,
    512,
    (UINT64_C(1) << 18) - 1,
    UINT64_C(1) << 18,
    (UINT64_C(1) << 27) - 1,
    UINT64_C(1) << 27,
    123456789,
    PAGER_VPN_HALF - 1,
    PAGER_VPN_HALF,
    PAGER_VPN_END - 1,
};
#define PLACES (sizeof(places) / sizeof(places[0]))

START_TEST(a_fault_takes_exactly_the_nodes_that_plan_counted)
{
	start(256);
	for (size_t i = 0; i < PLACES; i++) {
		uint64_t before = nodes();
		unsigned int need;

		unit_map(unit_space, places[i], 1, UNIT_RW);
		need = table_need_own(&unit_space->table, places[i]);
		unit_put(unit_space, places[i], (uint8_t)(i + 1));
		ck_assert_uint_eq(nodes() - before, need);
		ck_assert_uint_eq(table_need_own(&unit_space->table, places[i]),
				  0);
		unit_check();
	}
	for (size_t i = 0; i < PLACES; i++)
		ck_assert_uint_eq(unit_get(unit_space, places[i]), i + 1);
	unit_end();
}
END_TEST

START_TEST(a_write_after_a_fork_copies_exactly_one_path)
{
	struct pager_space *child;

	start(256);
	for (size_t i = 0; i < PLACES; i++) {
		unit_map(unit_space, places[i], 1, UNIT_RW);
		unit_put(unit_space, places[i], (uint8_t)i);
	}
	child = unit_fork(unit_space);
	for (size_t i = 0; i < PLACES; i++) {
		uint64_t before = nodes();
		unsigned int need = table_need_own(&child->table, places[i]);

		ck_assert_uint_le(need, 3);
		unit_put(child, places[i], 100);
		ck_assert_uint_eq(nodes() - before, need);
		ck_assert_uint_eq(unit_get(unit_space, places[i]), i);
		unit_check();
	}
	ck_assert_uint_eq(unit_stats().node_copies, nodes() / 2 - 1);
	unit_end();
}
END_TEST

START_TEST(an_object_without_pages_needs_four_nodes_for_the_first)
{
	struct table t;
	struct path p;

	start(64);
	t = (struct table){.core = core, .account = unit_world.account};
	ck_assert_uint_eq(table_need_own(&t, 77), PTE_LEVELS);
	ck_assert_uint_eq(table_need_own_range(&t, pager_range(0, 1000)), 0);
	ck_assert_uint_eq(table_need_detach(&t, pager_range(0, 1000)), 0);
	ck_assert_uint_eq(table_need_fill_range(&t, pager_range(77, 78)), 4);
	ck_assert_uint_eq(table_sum(&t, pager_range(0, 1000)).anon, 0);
	table_detach(&t, pager_range(0, PAGER_VPN_END));
	table_own_range(&t, pager_range(0, 1000));
	table_own(&t, 77, &p);
	ck_assert_uint_eq(unit_used(PAGER_RES_NODES), 1 + 4);
	table_fill(&t, &p,
		   frame_entry(core->frames.zero) | PTE_P | PTE_U | PTE_ZERO);
	ck_assert_uint_eq(table_need_own(&t, 77), 0);
	ck_assert_uint_eq(table_sum(&t, pager_range(0, 1000)).zero, 1);
	ck_assert_uint_eq(table_sum(&t, pager_range(78, 1000)).zero, 0);
	table_detach(&t, pager_range(77, 78));
	node_put(core, t.root);
	node_drain(core);
	unit_end();
}
END_TEST

START_TEST(fill_range_counts_the_nodes_of_a_range_never_touched)
{
	static const struct pager_range ranges[] = {
	    {0, 1},
	    {0, 512},
	    {511, 513},
	    {100, 5000},
	    {(1 << 18) - 1, (1 << 18) + 1},
	    {(UINT64_C(1) << 27) - 3, (UINT64_C(1) << 27) + 513},
	};

	start(256);
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		struct pager_range r = ranges[i];
		uint64_t before = nodes(), need, done;

		unit_map(unit_space, r.start, pager_range_len(r), UNIT_RW);
		need = table_need_fill_range(&unit_space->table, r);
		unit_ok(pager_space_populate(unit_space, r, PAGER_ACCESS_READ,
					     &done));
		ck_assert_uint_eq(done, pager_range_len(r));
		ck_assert_uint_eq(nodes() - before, need);
		unit_unmap(unit_space, r.start, pager_range_len(r));
		ck_assert_uint_eq(nodes(), before);
	}
	unit_end();
}
END_TEST

/* What a change of part of a shared tree takes, against what plan said. */
static void detach_shared(uint64_t from, uint64_t to)
{
	const struct pager_range all = pager_range(0, 3 * 512);
	struct pager_space *child;
	struct pager_range r = pager_range(from, to);
	uint64_t need, copies;

	start(256);
	unit_map(unit_space, all.start, pager_range_len(all), UNIT_RW);
	for (uint64_t v = 0; v < all.end; v += 16)
		unit_put(unit_space, v, (uint8_t)(v / 16));
	child = unit_fork(unit_space);
	need = table_need_detach(&child->table, r);
	copies = unit_stats().node_copies;
	unit_unmap(child, from, to - from);
	unit_check();
	ck_assert_uint_eq(unit_stats().node_copies - copies, need);
	for (uint64_t v = 0; v < all.end; v += 16) {
		ck_assert_uint_eq(unit_page(child, v).entry == 0,
				  v >= from && v < to);
		ck_assert_uint_eq(unit_get(unit_space, v), (uint8_t)(v / 16));
	}
	unit_end();
}

START_TEST(detach_of_a_shared_tree_copies_what_it_cuts_in_part)
{
	detach_shared(0, 16);
	detach_shared(100, 200);
	detach_shared(0, 512);
	detach_shared(512, 1024);
	detach_shared(500, 1040);
	detach_shared(1, 1535);
	detach_shared(0, 1536);
}
END_TEST

START_TEST(a_subtree_that_is_covered_whole_is_unlinked_and_not_copied)
{
	struct pager_space *child;
	uint64_t before;

	start(256);
	unit_map(unit_space, 0, UINT64_C(1) << 18, UNIT_RW);
	for (uint64_t v = 0; v < 20 * 512; v += 512)
		unit_put(unit_space, v, 1);
	child = unit_fork(unit_space);
	before = unit_stats().node_copies;
	ck_assert_uint_eq(
	    table_need_detach(&child->table, pager_range(0, UINT64_C(1) << 18)),
	    1);
	unit_unmap(child, 0, UINT64_C(1) << 18);
	ck_assert_uint_eq(unit_stats().node_copies, before + 1);
	ck_assert_uint_eq(unit_info(child).resident, 0);
	ck_assert_uint_eq(unit_info(unit_space).resident, 20);
	unit_end();
}
END_TEST

START_TEST(sums_follow_every_type_through_every_change)
{
	struct pager_resident r;
	struct pager_object *o;
	struct pager_space *child;

	start(256);
	o = unit_object(8);
	unit_map(unit_space, 508, 8, UNIT_RW);
	unit_map_object(unit_space, 516, 8, UNIT_RW, 0, o, 0);
	unit_put(unit_space, 508, 1);
	unit_put(unit_space, 512, 1);
	unit_get(unit_space, 509);
	unit_get(unit_space, 513);
	unit_get(unit_space, 516);
	unit_get(unit_space, 517);
	unit_put(unit_space, 517, 3);
	child = unit_fork(unit_space);
	unit_put(child, 509, 5);
	unit_put(child, 516, 5);
	pager_space_resident(child, pager_range(0, PAGER_VPN_END), &r);
	ck_assert_uint_eq(r.anon, 5);
	ck_assert_uint_eq(r.zero, 1);
	ck_assert_uint_eq(r.object, 0);
	pager_space_resident(unit_space, pager_range(0, PAGER_VPN_END), &r);
	ck_assert_uint_eq(r.anon, 3);
	ck_assert_uint_eq(r.zero, 2);
	ck_assert_uint_eq(r.object, 1);
	pager_space_resident(unit_space, pager_range(509, 513), &r);
	ck_assert_uint_eq(r.anon, 1);
	ck_assert_uint_eq(r.zero, 1);
	ck_assert_uint_eq(r.object, 0);
	pager_space_resident(unit_space, pager_range(510, 510), &r);
	ck_assert_uint_eq(r.anon + r.zero + r.object, 0);
	unit_end();
}
END_TEST

struct seen {
	uint64_t count;
	uint64_t last;
};

static void see(void *ctx, uint64_t vpn, uint64_t pages, uint64_t *slot)
{
	struct seen *seen = ctx;

	ck_assert_uint_eq(pages, 1);
	ck_assert_uint_ne(*slot, 0);
	ck_assert(!seen->count || vpn > seen->last);
	seen->last = vpn;
	seen->count++;
}

START_TEST(each_visits_pages_in_order_and_shared_nodes_only_when_asked)
{
	struct seen seen = {0};
	struct pager_space *child;

	start(256);
	for (size_t i = 0; i < PLACES; i++) {
		unit_map(unit_space, places[i], 1, UNIT_RW);
		unit_put(unit_space, places[i], 1);
	}
	table_each(&unit_space->table, pager_range(0, PAGER_VPN_END), false,
		   see, &seen);
	ck_assert_uint_eq(seen.count, PLACES);
	seen = (struct seen){0};
	table_each(&unit_space->table, pager_range(511, 513), false, see,
		   &seen);
	ck_assert_uint_eq(seen.count, 2);
	child = unit_fork(unit_space);
	seen = (struct seen){0};
	table_each(&child->table, pager_range(0, PAGER_VPN_END), false, see,
		   &seen);
	ck_assert_uint_eq(seen.count, 0);
	table_each(&child->table, pager_range(0, PAGER_VPN_END), true, see,
		   &seen);
	ck_assert_uint_eq(seen.count, PLACES);
	unit_end();
}
END_TEST

START_TEST(the_write_bit_comes_back_when_sharing_has_ended)
{
	struct pager_space *child;
	uint64_t copies;

	start(256);
	unit_map(unit_space, 1000, 1, UNIT_RW);
	unit_put(unit_space, 1000, 1);
	child = unit_fork(unit_space);
	ck_assert_uint_eq(unit_page(unit_space, 1000).access,
			  PAGER_ACCESS_READ);
	pager_space_free(child);
	copies = unit_stats().node_copies;
	unit_put(unit_space, 1000, 2);
	ck_assert(unit_page(unit_space, 1000).access & PAGER_ACCESS_WRITE);
	ck_assert_uint_eq(unit_stats().node_copies, copies);
	ck_assert_uint_eq(unit_stats().cow_copies, 0);
	unit_end();
}
END_TEST

/* A need that plan counts must never be less than what the commit takes. */
static void move_shared(uint64_t from, uint64_t pages, uint64_t to)
{
	struct pager_space *child;
	uint64_t need, before, taken;

	start(512);
	unit_map(unit_space, 0, 2048, UNIT_RW);
	for (uint64_t v = 0; v < 2048; v += 8)
		unit_put(unit_space, v, (uint8_t)(v / 8));
	child = unit_fork(unit_space);
	need =
	    table_need_move(&child->table, pager_range(from, from + pages),
			    to) +
	    table_need_detach(&child->table, pager_range(from, from + pages));
	before = unit_stats().nodes_used;
	unit_remap(child, from, pages, pages,
		   PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED, to);
	unit_check();
	taken = unit_stats().nodes_used - before;
	ck_assert_uint_le(taken, need);
	for (uint64_t v = 0; v < 2048; v += 8) {
		bool moved = v >= from && v < from + pages;

		ck_assert_uint_eq(unit_get(unit_space, v), (uint8_t)(v / 8));
		ck_assert_uint_eq(unit_get(child, moved ? to + (v - from) : v),
				  (uint8_t)(v / 8));
		ck_assert_uint_eq(unit_mapped(child, v), !moved);
	}
	unit_end();
}

START_TEST(moving_needs_no_more_nodes_than_plan_counted)
{
	move_shared(0, 8, 4096);
	move_shared(0, 512, 4096);
	move_shared(0, 1024, 4096 + 1);
	move_shared(512, 1024, 4096);
	move_shared(100, 1500, 4096 + 100);
	move_shared(100, 1500, (UINT64_C(1) << 18) - 700);
	move_shared(512, 1024, (UINT64_C(1) << 27) - 512);
	move_shared(500, 1040, UINT64_C(1) << 27);
}
END_TEST

START_TEST(whole_leaf_nodes_move_as_they_are_even_shared_ones)
{
	struct pager_space *child;
	uint32_t leaf;
	uint64_t copies;

	start(256);
	unit_map(unit_space, 512, 512, UNIT_RW);
	unit_fill(unit_space, 512, 512, 1);
	child = unit_fork(unit_space);
	leaf = unit_page(child, 512).sharers;
	ck_assert_uint_eq(leaf, 2);
	copies = unit_stats().cow_copies;
	unit_remap(child, 512, 512, 512,
		   PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED, 5120);
	unit_check();
	ck_assert_uint_eq(unit_stats().cow_copies, copies);
	ck_assert_uint_eq(unit_page(child, 5120).refs, 1);
	ck_assert_uint_eq(unit_page(child, 5120).sharers, 2);
	for (uint64_t i = 0; i < 512; i++) {
		ck_assert_uint_eq(unit_page(child, 5120 + i).entry,
				  unit_page(unit_space, 512 + i).entry);
		ck_assert_uint_eq(unit_get(child, 5120 + i), (uint8_t)(1 + i));
	}
	unit_put(child, 5120, 77);
	ck_assert_uint_eq(unit_get(unit_space, 512), 1);
	unit_check();
	unit_end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    a_fault_takes_exactly_the_nodes_that_plan_counted,
	    a_write_after_a_fork_copies_exactly_one_path,
	    an_object_without_pages_needs_four_nodes_for_the_first,
	    fill_range_counts_the_nodes_of_a_range_never_touched,
	    detach_of_a_shared_tree_copies_what_it_cuts_in_part,
	    a_subtree_that_is_covered_whole_is_unlinked_and_not_copied,
	    sums_follow_every_type_through_every_change,
	    each_visits_pages_in_order_and_shared_nodes_only_when_asked,
	    the_write_bit_comes_back_when_sharing_has_ended,
	    moving_needs_no_more_nodes_than_plan_counted,
	    whole_leaf_nodes_move_as_they_are_even_shared_ones,
	};

	return UNIT_RUN("table", tests);
}
