/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fork: constant in pages, counts that do not wrap, what is inherited, and
 * that a fork that fails leaves nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/core/internal.h"
#include "tests/support/unit.h"

/* --- how many ---------------------------------------------------------------
 */

static void fork_one_page(uint32_t forks)
{
	const struct test_world_config config = {.nodes = 2 * forks + 64};
	struct pager_space **child = calloc(forks, sizeof(*child));
	struct pager_stats before;

	ck_assert_ptr_nonnull(child);
	unit_start(&config);
	unit_map(unit_space, 77, 1, UNIT_RW);
	unit_put(unit_space, 77, 5);
	before = unit_stats();
	for (uint32_t i = 0; i < forks; i++)
		child[i] = unit_fork(unit_space);
	ck_assert_uint_eq(unit_stats().frames_used, before.frames_used);
	ck_assert_uint_eq(unit_stats().nodes_used, before.nodes_used + forks);
	ck_assert_uint_eq(unit_page(unit_space, 77).sharers, forks + 1);
	ck_assert_uint_eq(unit_page(unit_space, 77).refs, 1);
	unit_check();
	/* The page is everybody's, and nobody writes into another's. */
	unit_put(child[0], 77, 6);
	unit_put(child[forks - 1], 77, 7);
	for (uint32_t i = 1; i < forks - 1; i += 1 + forks / 64)
		ck_assert_uint_eq(unit_get(child[i], 77), 5);
	/* It outlives all but one of them. */
	pager_space_free(unit_space);
	for (uint32_t i = 2; i < forks; i++)
		pager_space_free(child[i]);
	ck_assert_uint_eq(unit_get(child[1], 77), 5);
	ck_assert_uint_eq(unit_get(child[0], 77), 6);
	unit_put(child[1], 77, 8);
	ck_assert_uint_eq(unit_stats().frames_used, 1 + 2);
	unit_end();
	free(child);
}

START_TEST(fork_of_one_page_255_times)
{
	fork_one_page(255);
}
END_TEST

START_TEST(fork_of_one_page_256_times)
{
	fork_one_page(256);
}
END_TEST

START_TEST(fork_of_one_page_70000_times)
{
	fork_one_page(70000);
}
END_TEST

START_TEST(a_chain_of_300_forks_each_with_a_write_of_its_own)
{
	const struct test_world_config config = {.nodes = 4096};
	struct pager_space *s[300];

	unit_start(&config);
	unit_map(unit_space, 0, 300, UNIT_RW);
	s[0] = unit_space;
	for (int i = 1; i < 300; i++) {
		unit_put(s[i - 1], (uint64_t)i, (uint8_t)(i % 200 + 1));
		s[i] = unit_fork(s[i - 1]);
	}
	unit_check();
	for (int i = 0; i < 300; i += 13)
		for (int page = 1; page < 300; page++)
			ck_assert_uint_eq(
			    unit_get(s[i], (uint64_t)page),
			    page <= i + 1 && page < 300 ? page % 200 + 1 : 0);
	for (int i = 0; i < 299; i++)
		pager_space_free(s[i]);
	unit_check();
	for (int page = 1; page < 300; page++)
		ck_assert_uint_eq(unit_get(s[299], (uint64_t)page),
				  page % 200 + 1);
	unit_end();
}
END_TEST

/* Records of nodes and frames that a fork of that many pages changes. */
static void count_changes(uint64_t pages, uint64_t *nodes, uint64_t *frames)
{
	const struct test_world_config config = {
	    .nodes = 4096, .frames = 1 << 19, .no_memory = true};
	const struct arena *a;
	const struct frames *p;
	uint32_t *old_refs;
	struct node *old_node;
	uint64_t done, frame_count, node_count;

	unit_start(&config);
	unit_map(unit_space, 0, pages, UNIT_RW);
	unit_ok(pager_space_populate(unit_space, pager_range(0, pages),
				     PAGER_ACCESS_WRITE, &done));
	ck_assert_uint_eq(done, pages);
	a = &unit_world.core->arena;
	p = &unit_world.core->frames;
	frame_count = p->top;
	node_count = a->fresh;
	old_refs = malloc(frame_count * sizeof(*old_refs));
	old_node = malloc(node_count * sizeof(*old_node));
	ck_assert(old_refs && old_node);
	memcpy(old_refs, p->refs, frame_count * sizeof(*old_refs));
	memcpy(old_node, a->node, node_count * sizeof(*old_node));
	unit_fork(unit_space);
	*nodes = a->fresh - node_count;
	*frames = p->top - frame_count;
	for (uint64_t i = 0; i < node_count; i++)
		*nodes +=
		    memcmp(&a->node[i], &old_node[i], sizeof(*old_node)) != 0;
	for (uint64_t i = 0; i < frame_count; i++)
		*frames += p->refs[i] != old_refs[i];
	free(old_refs);
	free(old_node);
	unit_end();
}

START_TEST(fork_is_constant_in_pages_one_new_node_one_reference_no_frame)
{
	static const uint64_t pages[] = {1, 512, 4096, 262144};

	for (int i = 0; i < 4; i++) {
		uint64_t nodes, frames;

		count_changes(pages[i], &nodes, &frames);
		ck_assert_uint_eq(frames, 0);
		/* The child's root, and the one node below both roots. */
		ck_assert_uint_eq(nodes, 2);
	}
}
END_TEST

/* --- what a child has --------------------------------------------------------
 */

START_TEST(writes_do_not_pass_between_parent_child_and_grandchild)
{
	struct pager_space *child, *grandchild;

	unit_start(NULL);
	unit_map(unit_space, 100, 8, UNIT_RW);
	unit_fill(unit_space, 100, 8, 1);
	child = unit_fork(unit_space);
	unit_put(child, 101, 20);
	grandchild = unit_fork(child);
	unit_put(unit_space, 102, 30);
	unit_put(grandchild, 101, 40);
	unit_put(child, 103, 50);
	unit_check();
	ck_assert_uint_eq(unit_get(unit_space, 101), 2);
	ck_assert_uint_eq(unit_get(unit_space, 102), 30);
	ck_assert_uint_eq(unit_get(unit_space, 103), 4);
	ck_assert_uint_eq(unit_get(child, 101), 20);
	ck_assert_uint_eq(unit_get(child, 102), 3);
	ck_assert_uint_eq(unit_get(child, 103), 50);
	ck_assert_uint_eq(unit_get(grandchild, 101), 40);
	ck_assert_uint_eq(unit_get(grandchild, 102), 3);
	ck_assert_uint_eq(unit_get(grandchild, 103), 4);
	unit_end();
}
END_TEST

START_TEST(the_parent_is_write_protected_before_the_child_can_run)
{
	struct pager_space *child;

	unit_start(NULL);
	unit_map(unit_space, 100, 2, UNIT_RW);
	unit_put(unit_space, 100, 1);
	ck_assert(unit_page(unit_space, 100).access & PAGER_ACCESS_WRITE);
	child = unit_fork(unit_space);
	ck_assert_uint_eq(unit_page(unit_space, 100).access, PAGER_ACCESS_READ);
	ck_assert_uint_eq(unit_page(child, 100).access, PAGER_ACCESS_READ);
	/* The parent's write goes past any translation it had. */
	unit_put(unit_space, 100, 2);
	ck_assert_uint_eq(unit_get(child, 100), 1);
	unit_end();
}
END_TEST

START_TEST(types_and_protections_of_pages_are_inherited)
{
	struct pager_space *child;
	struct pager_object *o;

	unit_start(NULL);
	o = unit_object(8);
	unit_object_put(o, 0, 9);
	unit_object_put(o, 1, 10);
	unit_map(unit_space, 100, 2, UNIT_RW);
	unit_map_object(unit_space, 102, 2, UNIT_RW, 0, o, 0);
	unit_map_object(unit_space, 104, 2, UNIT_RX, PAGER_MAP_SHARED, o, 0);
	unit_put(unit_space, 100, 1);
	unit_get(unit_space, 101);
	unit_put(unit_space, 102, 2);
	unit_get(unit_space, 103);
	unit_get(unit_space, 105);
	child = unit_fork(unit_space);
	for (uint64_t v = 100; v < 106; v++) {
		ck_assert_uint_eq(unit_page(child, v).entry,
				  unit_page(unit_space, v).entry);
		ck_assert_uint_eq(unit_region(child, v).prot,
				  unit_region(unit_space, v).prot);
		ck_assert_uint_eq(unit_region(child, v).flags,
				  unit_region(unit_space, v).flags);
		ck_assert_uint_eq(unit_region(child, v).offset,
				  unit_region(unit_space, v).offset);
	}
	ck_assert_uint_eq(unit_page(child, 100).type, PAGER_PAGE_ANON);
	ck_assert_uint_eq(unit_page(child, 101).type, PAGER_PAGE_ZERO);
	ck_assert_uint_eq(unit_page(child, 102).type, PAGER_PAGE_ANON);
	ck_assert_uint_eq(unit_page(child, 103).type, PAGER_PAGE_OBJECT);
	ck_assert_uint_eq(unit_get(child, 102), 2);
	ck_assert_uint_eq(unit_get(child, 103), 10);
	unit_end();
}
END_TEST

START_TEST(a_childs_counters_start_at_zero_and_its_peak_at_what_it_has)
{
	struct pager_space *child;
	struct pager_space_info p, c;

	unit_start(NULL);
	unit_map(unit_space, 100, 10, UNIT_RW);
	unit_fill(unit_space, 100, 10, 1);
	unit_unmap(unit_space, 108, 2);
	child = unit_fork(unit_space);
	p = unit_info(unit_space);
	c = unit_info(child);
	ck_assert_uint_eq(p.peak, 10);
	ck_assert_uint_eq(p.minor_faults, 10);
	ck_assert_uint_eq(c.parent, p.id);
	ck_assert_uint_ne(c.id, p.id);
	ck_assert_uint_eq(c.minor_faults, 0);
	ck_assert_uint_eq(c.major_faults, 0);
	ck_assert_uint_eq(c.resident, 8);
	ck_assert_uint_eq(c.peak, 8);
	ck_assert_uint_eq(c.virtual_pages, 8);
	ck_assert_uint_eq(c.regions, 1);
	unit_end();
}
END_TEST

START_TEST(shared_regions_see_each_others_writes_across_fork)
{
	struct pager_space *child, *grandchild;
	struct pager_object *o;

	unit_start(NULL);
	o = unit_object(8);
	unit_map_object(unit_space, 100, 8, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	unit_put(unit_space, 100, 1);
	child = unit_fork(unit_space);
	grandchild = unit_fork(child);
	ck_assert_uint_eq(unit_get(grandchild, 100), 1);
	unit_put(child, 100, 2);
	ck_assert_uint_eq(unit_get(unit_space, 100), 2);
	ck_assert_uint_eq(unit_get(grandchild, 100), 2);
	unit_put(grandchild, 105, 3); /* a page nobody had yet */
	ck_assert_uint_eq(unit_get(unit_space, 105), 3);
	ck_assert_uint_eq(unit_get(child, 105), 3);
	unit_put(unit_space, 105, 4);
	ck_assert_uint_eq(unit_get(child, 105), 4);
	unit_check();
	ck_assert_uint_eq(unit_stats().frames_used, 1 + 2);
	unit_end();
}
END_TEST

START_TEST(the_last_holder_writes_without_a_copy)
{
	struct pager_space *child;
	struct pager_stats before;

	unit_start(NULL);
	unit_map(unit_space, 100, 2, UNIT_RW);
	unit_fill(unit_space, 100, 2, 1);
	child = unit_fork(unit_space);
	unit_put(child, 100, 9);
	before = unit_stats();
	ck_assert_uint_eq(before.cow_copies, 1);
	unit_put(unit_space, 100, 8); /* the child has a copy already */
	ck_assert_uint_eq(unit_stats().cow_copies, 1);
	ck_assert_uint_eq(unit_stats().cow_reuses, before.cow_reuses + 1);
	pager_space_free(child);
	unit_put(unit_space, 101, 7);
	ck_assert_uint_eq(unit_stats().cow_copies, 1);
	ck_assert_uint_eq(unit_stats().frames_used, 1 + 2);
	unit_end();
}
END_TEST

START_TEST(a_child_can_have_another_account)
{
	uint64_t limit[PAGER_RES_COUNT];
	struct pager_account *other;
	struct pager_space *child = NULL;

	unit_start(NULL);
	for (int i = 0; i < PAGER_RES_COUNT; i++)
		limit[i] = UINT64_MAX;
	other = pager_account_new(unit_world.core, limit);
	unit_map(unit_space, 100, 10, UNIT_RW);
	unit_fill(unit_space, 100, 10, 1);
	unit_ok(pager_space_fork(unit_space, other, &child));
	ck_assert_uint_eq(pager_account_used(other, PAGER_RES_SPACES), 1);
	ck_assert_uint_eq(pager_account_used(other, PAGER_RES_REGIONS), 1);
	ck_assert_uint_eq(pager_account_used(other, PAGER_RES_PAGES), 10);
	ck_assert_uint_eq(pager_account_used(other, PAGER_RES_FRAMES), 0);
	ck_assert_uint_eq(pager_account_used(other, PAGER_RES_NODES), 1);
	unit_put(child, 103, 4);
	ck_assert_uint_eq(pager_account_used(other, PAGER_RES_FRAMES), 1);
	ck_assert_uint_eq(pager_account_used(other, PAGER_RES_NODES), 4);
	/* What is shared stays charged to who made it, also when he is gone. */
	pager_space_free(unit_space);
	ck_assert_uint_eq(unit_used(PAGER_RES_FRAMES), 9);
	unit_check();
	pager_space_free(child);
	ck_assert_uint_eq(unit_used(PAGER_RES_FRAMES), 0);
	pager_account_put(other);
	unit_end();
}
END_TEST

/* --- refusals ----------------------------------------------------------------
 */

START_TEST(a_fork_that_fails_leaves_nothing)
{
	const struct test_world_config config = {.nodes = 16};
	static const enum pager_resource limited[] = {
	    PAGER_RES_SPACES, PAGER_RES_REGIONS, PAGER_RES_PAGES,
	    PAGER_RES_NODES};
	struct pager_space *child = NULL;

	unit_start(&config);
	unit_map(unit_space, 0, 20 * 512, UNIT_RW);
	for (uint64_t i = 0; i < 11; i++)
		unit_fill(unit_space, i * 512, 2, 1);
	for (int i = 0; i < 4; i++) {
		unit_limit(limited[i], unit_used(limited[i]));
		unit_refused(
		    pager_space_fork(unit_space, unit_world.account, &child),
		    PAGER_ELIMIT, PAGER_ARG_NONE);
	}
	unit_no_limits();
	unit_fill(unit_space, 11 * 512, 2, 1);
	ck_assert_uint_eq(unit_stats().nodes_used, 15);
	unit_refused(pager_space_fork(unit_space, unit_world.account, &child),
		     PAGER_ENOMEM, PAGER_ARG_NONE);
	ck_assert_ptr_null(child);
	unit_put(unit_space, 0, 3); /* it may still write without a fault */
	ck_assert_uint_eq(unit_info(unit_space).minor_faults, 24);
	unit_end();
}
END_TEST

static int no_room(void *mmu, struct pager_space *s)
{
	(void)mmu;
	(void)s;
	return -1;
}

START_TEST(a_backend_without_room_refuses_spaces_and_forks)
{
	struct pager_mmu_ops ops;
	const struct pager_mmu full = {&ops, NULL};
	struct pager_mmu was;
	struct pager_space *s = NULL;

	unit_start(NULL);
	ops = *unit_world.mmu.ops;
	ops.attach = no_room;
	unit_refused(pager_space_new(unit_world.core, unit_world.account, full,
				     pager_range(0, 100), NULL, &s),
		     PAGER_ENOMEM, PAGER_ARG_BACKEND);
	unit_map(unit_space, 100, 4, UNIT_RW);
	unit_put(unit_space, 100, 1);
	was = unit_space->table.mmu;
	unit_space->table.mmu = full;
	unit_refused(pager_space_fork(unit_space, unit_world.account, &s),
		     PAGER_ENOMEM, PAGER_ARG_BACKEND);
	unit_space->table.mmu = was;
	ck_assert_ptr_null(s);
	unit_end();
}
END_TEST

START_TEST(a_fork_without_memory_for_the_regions_leaves_nothing)
{
	struct pager_space *child = NULL;

	unit_start(NULL);
	for (uint64_t v = 0; v < 4000; v++)
		unit_map(unit_space, 2 * v, 1, UNIT_RW);
	unit_put(unit_space, 0, 1);
	unit_world.host_limit = unit_world.host_bytes;
	unit_refused(pager_space_fork(unit_space, unit_world.account, &child),
		     PAGER_ENOMEM, PAGER_ARG_NONE);
	unit_world.host_limit = 0;
	child = unit_fork(unit_space);
	ck_assert_uint_eq(unit_info(child).regions, 4000);
	unit_end();
}
END_TEST

START_TEST(dontfork_in_a_full_arena_is_enomem_and_leaves_nothing)
{
	const struct test_world_config config = {.nodes = 16};
	struct pager_space *child = NULL;

	unit_start(&config);
	unit_map(unit_space, 0, 20 * 512, UNIT_RW);
	for (uint64_t i = 0; i < 11; i++)
		unit_fill(unit_space, i * 512, 2, 1);
	unit_advise(unit_space, 1, 1, PAGER_ADV_DONTFORK);
	ck_assert_uint_eq(unit_stats().nodes_used, 14);
	unit_refused(pager_space_fork(unit_space, unit_world.account, &child),
		     PAGER_ENOMEM, PAGER_ARG_NONE);
	unit_advise(unit_space, 1, 1, PAGER_ADV_DOFORK);
	unit_fork(unit_space);
	unit_end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    fork_of_one_page_255_times,
	    fork_of_one_page_256_times,
	    fork_of_one_page_70000_times,
	    a_chain_of_300_forks_each_with_a_write_of_its_own,
	    fork_is_constant_in_pages_one_new_node_one_reference_no_frame,
	    writes_do_not_pass_between_parent_child_and_grandchild,
	    the_parent_is_write_protected_before_the_child_can_run,
	    types_and_protections_of_pages_are_inherited,
	    a_childs_counters_start_at_zero_and_its_peak_at_what_it_has,
	    shared_regions_see_each_others_writes_across_fork,
	    the_last_holder_writes_without_a_copy,
	    a_child_can_have_another_account,
	    a_fork_that_fails_leaves_nothing,
	    a_backend_without_room_refuses_spaces_and_forks,
	    a_fork_without_memory_for_the_regions_leaves_nothing,
	    dontfork_in_a_full_arena_is_enomem_and_leaves_nothing,
	};

	return UNIT_RUN("fork", tests);
}
