/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The arena of table nodes: references, limbo with all that hangs below, free
 * list, limits.
 */
#include "lib/core/node.h"

#include <string.h>

#include "lib/core/frame.h"
#include "lib/core/table.h"
#include "tests/support/unit.h"

static struct pager_core *core;
static struct pager_account *account;

static void start(uint64_t nodes)
{
	const struct test_world_config config = {.nodes = nodes};

	unit_start(&config);
	core = unit_world.core;
	account = unit_world.account;
}

START_TEST(node_zero_is_never_used_and_all_others_once)
{
	uint8_t seen[16] = {0};

	start(16);
	unit_ok(node_reserve(core, account, 14));
	ck_assert_uint_eq(node_reserve(core, account, 15).err, PAGER_ENOMEM);
	seen[unit_space->table.root]++;
	for (int i = 0; i < 14; i++) {
		uint32_t n = node_take(core, account, 0);

		ck_assert_uint_gt(n, 0);
		ck_assert_uint_lt(n, 16);
		ck_assert_uint_eq(seen[n]++, 0);
	}
	ck_assert_uint_eq(node_reserve(core, account, 1).err, PAGER_ENOMEM);
	unit_ok(node_reserve(core, account, 0));
	for (uint32_t n = 1; n < 16; n++)
		if (n != unit_space->table.root)
			node_put(core, n);
	node_drain(core);
	ck_assert_uint_eq(unit_stats().nodes_used, 1);
	ck_assert_uint_eq(unit_stats().nodes_peak, 15);
	unit_end();
}
END_TEST

START_TEST(a_node_taken_again_is_empty)
{
	static const uint8_t zero[PAGER_PAGE_SIZE];
	uint32_t n;

	start(16);
	n = node_take(core, account, 0);
	ck_assert_mem_eq(node_slots(core, n), zero, sizeof(zero));
	node_slots(core, n)[7] = UINT64_C(1) << 9;
	node_put(core, n);
	node_drain(core);
	ck_assert_uint_eq(node_take(core, account, 2), n);
	ck_assert_mem_eq(node_slots(core, n), zero, sizeof(zero));
	ck_assert_uint_eq(node_at(core, n)->level, 2);
	ck_assert_uint_eq(node_at(core, n)->refs, 1);
	ck_assert(node_empty(node_at(core, n)));
	node_put(core, n);
	node_drain(core);
	unit_end();
}
END_TEST

START_TEST(a_node_with_references_left_stays)
{
	uint32_t n;

	start(16);
	n = node_take(core, account, 0);
	node_at(core, n)->refs++;
	node_put(core, n);
	node_drain(core);
	ck_assert(node_at(core, n)->used);
	node_put(core, n);
	node_drain(core);
	ck_assert(!node_at(core, n)->used);
	unit_end();
}
END_TEST

START_TEST(a_node_in_limbo_holds_its_frames_until_the_drain)
{
	struct path p;
	uint32_t frame, root;
	struct table t;

	start(16);
	root = node_take(core, account, PTE_LEVELS - 1);
	t = (struct table){.core = core, .account = account, .root = root};
	table_own(&t, 5000, &p);
	frame = frame_take(core, account);
	table_fill(&t, &p, frame_entry(frame) | PTE_ANON | PTE_U);
	node_put(core, root);
	ck_assert_uint_eq(frame_refs(core, frame), 1);
	ck_assert_uint_eq(frame_state(core, frame), FRAME_USED);
	for (int l = 0; l < 4; l++)
		ck_assert(node_at(core, p.node[l])->used);
	node_drain(core);
	ck_assert_uint_eq(frame_state(core, frame), FRAME_FREE);
	for (int l = 0; l < 4; l++)
		ck_assert(!node_at(core, p.node[l])->used);
	ck_assert_uint_eq(unit_used(PAGER_RES_FRAMES), 0);
	ck_assert_uint_eq(unit_used(PAGER_RES_NODES), 1);
	unit_end();
}
END_TEST

START_TEST(the_drain_stops_at_nodes_that_others_hold)
{
	struct pager_space *child;
	struct pager_stats before;

	start(64);
	unit_map(unit_space, 0, 2048, UNIT_RW);
	unit_fill(unit_space, 0, 4, 1);
	unit_put(unit_space, 600, 9);
	before = unit_stats();
	child = unit_fork(unit_space);
	ck_assert_uint_eq(unit_stats().nodes_used, before.nodes_used + 1);
	pager_space_free(unit_space);
	unit_check();
	ck_assert_uint_eq(unit_stats().nodes_used, before.nodes_used);
	ck_assert_uint_eq(unit_stats().frames_used, before.frames_used);
	ck_assert_uint_eq(unit_get(child, 3), 4);
	ck_assert_uint_eq(unit_get(child, 600), 9);
	unit_end();
}
END_TEST

START_TEST(nodes_are_charged_to_who_made_them)
{
	start(64);
	unit_map(unit_space, 0, 8, UNIT_RW);
	ck_assert_uint_eq(unit_used(PAGER_RES_NODES), 1);
	unit_limit(PAGER_RES_NODES, 3);
	{
		struct pager_fault_info info;

		unit_refused(
		    pager_space_fault(unit_space, 0, PAGER_ACCESS_WRITE, &info),
		    PAGER_ELIMIT, PAGER_ARG_NONE);
	}
	unit_limit(PAGER_RES_NODES, 4);
	unit_put(unit_space, 0, 1);
	ck_assert_uint_eq(unit_used(PAGER_RES_NODES), 4);
	unit_no_limits();
	unit_end();
}
END_TEST

START_TEST(a_node_without_pages_is_not_kept)
{
	start(64);
	unit_map(unit_space, 0, 4096, UNIT_RW);
	unit_put(unit_space, 0, 1);
	unit_put(unit_space, 512, 1);
	ck_assert_uint_eq(unit_stats().nodes_used, 1 + 4);
	unit_advise(unit_space, 512, 1, PAGER_ADV_DONTNEED);
	ck_assert_uint_eq(unit_stats().nodes_used, 1 + 3);
	unit_advise(unit_space, 0, 1, PAGER_ADV_DONTNEED);
	ck_assert_uint_eq(unit_stats().nodes_used, 1);
	unit_end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    node_zero_is_never_used_and_all_others_once,
	    a_node_taken_again_is_empty,
	    a_node_with_references_left_stays,
	    a_node_in_limbo_holds_its_frames_until_the_drain,
	    the_drain_stops_at_nodes_that_others_hold,
	    nodes_are_charged_to_who_made_them,
	    a_node_without_pages_is_not_kept,
	};

	return UNIT_RUN("node", tests);
}
