/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unmap: the low end, the middle and the high end of every type of region;
 * holes; no memory; limits.
 */
#include "lib/core/internal.h"
#include "tests/support/unit.h"

enum { AT = 1000, PAGES = 12, PART = 4 };

enum type { ANON, PRIVATE, SHARED, STACK, HEAP, TYPES };

static struct pager_object *object;

/* A region of the type at AT with values 1, 2, 3 ... in its pages. */
static void make(enum type type)
{
	switch (type) {
	case ANON:
		unit_map(unit_space, AT, PAGES, UNIT_RW);
		break;
	case PRIVATE:
	case SHARED:
		object = unit_object(100);
		unit_map_object(unit_space, AT, PAGES, UNIT_RW,
				type == SHARED ? PAGER_MAP_SHARED : 0, object,
				30);
		break;
	case STACK:
		unit_map_flags(unit_space, AT + PAGES - 1, 1, UNIT_RW,
			       PAGER_MAP_GROWSDOWN);
		unit_put(unit_space, AT, 1);
		break;
	case HEAP:
	case TYPES:
		unit_ok(
		    pager_space_brk_start(unit_space, AT << PAGER_PAGE_SHIFT));
		unit_ok(pager_space_brk(unit_space, (AT + PAGES)
							<< PAGER_PAGE_SHIFT));
		break;
	}
	unit_fill(unit_space, AT, PAGES, 1);
}

static void check_rest(enum type type, uint64_t from, uint64_t to,
		       uint32_t flags)
{
	for (uint64_t v = AT; v < AT + PAGES; v++) {
		struct pager_region_info r;

		if (v >= from && v < to) {
			ck_assert(!unit_mapped(unit_space, v));
			ck_assert_uint_eq(unit_page(unit_space, v).entry, 0);
			continue;
		}
		ck_assert_uint_eq(unit_get(unit_space, v), v - AT + 1);
		r = unit_region(unit_space, v);
		ck_assert_uint_eq(r.flags, flags);
		ck_assert_uint_eq(r.prot, UNIT_RW);
		if (type == PRIVATE || type == SHARED) {
			ck_assert_ptr_eq(r.object, object);
			ck_assert_uint_eq(r.offset, 30 + r.range.start - AT);
		} else {
			ck_assert_ptr_null(r.object);
			ck_assert_uint_eq(r.offset, 0);
		}
	}
}

static void unmap_part(enum type type, uint64_t offset)
{
	const uint64_t from = AT + offset, to = from + PART;
	struct pager_space_info i;
	struct pager_stats before;
	uint32_t flags;

	unit_start(NULL);
	make(type);
	flags = unit_region(unit_space, AT).flags;
	before = unit_stats();
	unit_unmap(unit_space, from, PART);
	unit_check();
	i = unit_info(unit_space);
	ck_assert_uint_eq(i.regions, offset && to < AT + PAGES ? 2 : 1);
	ck_assert_uint_eq(i.virtual_pages, PAGES - PART);
	ck_assert_uint_eq(i.resident, PAGES - PART);
	ck_assert_uint_eq(i.peak, PAGES);
	ck_assert_uint_eq(before.frames_used - unit_stats().frames_used,
			  type == SHARED ? 0 : PART);
	check_rest(type, from, to, flags);
	for (uint64_t v = from; v < to; v++) {
		enum pager_signal signal =
		    unit_signal(unit_space, v, PAGER_ACCESS_READ);

		/* Below what is left of a stack a fault makes it grow. */
		ck_assert_uint_eq(signal, type == STACK && to < AT + PAGES
					      ? PAGER_SIGNAL_NONE
					      : PAGER_SEGV_MAPERR);
	}
	unit_end();
}

static void unmap_every_part(enum type type)
{
	unmap_part(type, 0);
	unmap_part(type, PART);
	unmap_part(type, PAGES - PART);
}

START_TEST(low_middle_and_high_unmap_of_anonymous_memory)
{
	unmap_every_part(ANON);
}
END_TEST

START_TEST(low_middle_and_high_unmap_of_a_private_object_mapping)
{
	unmap_every_part(PRIVATE);
}
END_TEST

START_TEST(low_middle_and_high_unmap_of_a_shared_object_mapping)
{
	unmap_every_part(SHARED);
}
END_TEST

START_TEST(low_middle_and_high_unmap_of_a_stack)
{
	unmap_every_part(STACK);
}
END_TEST

START_TEST(low_middle_and_high_unmap_of_the_heap)
{
	unmap_every_part(HEAP);
}
END_TEST

START_TEST(what_was_unmapped_comes_back_empty_and_an_objects_page_with_content)
{
	unit_start(NULL);
	make(SHARED);
	unit_unmap(unit_space, AT + 4, 4);
	unit_map_object(unit_space, AT + 4, 4, UNIT_R, PAGER_MAP_SHARED, object,
			34);
	ck_assert_uint_eq(unit_get(unit_space, AT + 5), 6);
	unit_unmap(unit_space, AT, PAGES);
	unit_map(unit_space, AT, PAGES, UNIT_RW);
	for (uint64_t v = AT; v < AT + PAGES; v++)
		ck_assert_uint_eq(unit_get(unit_space, v), 0);
	unit_end();
}
END_TEST

START_TEST(the_middle_of_a_forked_region_goes_from_one_space_only)
{
	for (enum type type = 0; type < TYPES; type++) {
		struct pager_space *child;
		uint32_t flags;

		unit_start(NULL);
		make(type);
		flags = unit_region(unit_space, AT).flags;
		child = unit_fork(unit_space);
		unit_unmap(child, AT + 4, 4);
		unit_check();
		check_rest(type, 0, 0, flags);
		ck_assert_uint_eq(unit_info(child).resident, PAGES - 4);
		ck_assert_uint_eq(unit_get(child, AT + 3), 4);
		ck_assert_uint_eq(unit_get(child, AT + 8), 9);
		pager_space_free(child);
		check_rest(type, 0, 0, flags);
		unit_end();
	}
}
END_TEST

START_TEST(holes_are_fine)
{
	unit_start(NULL);
	unit_unmap(unit_space, 0, PAGER_VPN_END);
	unit_map(unit_space, 10, 5, UNIT_RW);
	unit_map(unit_space, 20, 5, UNIT_R);
	unit_map(unit_space, 30, 5, UNIT_RW);
	unit_unmap(unit_space, 15, 5);
	ck_assert_uint_eq(unit_info(unit_space).virtual_pages, 15);
	unit_unmap(unit_space, 12, 20);
	ck_assert_uint_eq(unit_info(unit_space).virtual_pages, 5);
	ck_assert_uint_eq(unit_region(unit_space, 11).range.end, 12);
	ck_assert_uint_eq(unit_region(unit_space, 33).range.start, 32);
	unit_unmap(unit_space, 0, PAGER_VPN_END);
	ck_assert_uint_eq(unit_info(unit_space).regions, 0);
	unit_end();
}
END_TEST

START_TEST(an_empty_range_or_one_outside_the_space_is_refused)
{
	struct pager_space *s;

	unit_start(NULL);
	s = test_world_space(&unit_world, 10, 30);
	unit_map(s, 10, 20, UNIT_RW);
	unit_refused(pager_space_unmap(s, pager_range(15, 15)), PAGER_EINVAL,
		     PAGER_ARG_LEN);
	unit_refused(pager_space_unmap(s, pager_range(15, 12)), PAGER_EINVAL,
		     PAGER_ARG_LEN);
	unit_refused(pager_space_unmap(s, pager_range(9, 12)), PAGER_ERANGE,
		     PAGER_ARG_ADDR);
	unit_refused(pager_space_unmap(s, pager_range(30, 31)), PAGER_ERANGE,
		     PAGER_ARG_ADDR);
	unit_refused(pager_space_unmap(s, pager_range(29, 31)), PAGER_ERANGE,
		     PAGER_ARG_LEN);
	unit_refused(pager_space_unmap(s, pager_range(12, UINT64_MAX)),
		     PAGER_ERANGE, PAGER_ARG_LEN);
	unit_end();
}
END_TEST

START_TEST(a_part_of_a_shared_subtree_without_a_free_node_is_enomem)
{
	const struct test_world_config config = {.nodes = 16};
	struct pager_space *child;

	unit_start(&config);
	unit_map(unit_space, 0, 12 * 512, UNIT_RW);
	for (uint64_t i = 0; i < 8; i++)
		unit_fill(unit_space, i * 512, 4, 1);
	child = unit_fork(unit_space);
	unit_put(child, 0, 50);
	ck_assert_uint_eq(unit_stats().nodes_used, 15);
	unit_refused(pager_space_unmap(child, pager_range(512, 514)),
		     PAGER_ENOMEM, PAGER_ARG_NONE);
	unit_unmap(child, 512, 512); /* a whole node needs none */
	unit_unmap(child, 0, 2);     /* a path of its own needs none */
	unit_check();
	ck_assert_uint_eq(unit_get(unit_space, 512), 1);
	unit_unmap(child, 0, 12 * 512);
	ck_assert_uint_eq(unit_info(child).resident, 0);
	unit_end();
}
END_TEST

/* Leave n regions in the stock, and no way to get more. */
static void *hoard(uint64_t n)
{
	struct pager_slab *slab = &unit_world.core->region_slab;
	void *held = NULL;

	unit_world.host_limit = unit_world.host_bytes;
	while (slab->in_stock > n) {
		void **next = pager_slab_take(slab);

		*next = held;
		held = next;
	}
	return held;
}

static void give_back(void *held)
{
	while (held) {
		void *next = *(void **)held;

		pager_slab_give(&unit_world.core->region_slab, held);
		held = next;
	}
	unit_world.host_limit = 0;
}

START_TEST(a_split_without_memory_for_a_region_is_enomem)
{
	const struct pager_range middle = pager_range(12, 14);
	void *held;

	unit_start(NULL);
	unit_map(unit_space, 10, 10, UNIT_RW);
	unit_fill(unit_space, 10, 10, 1);
	held = hoard(1);
	unit_refused(pager_space_unmap(unit_space, middle), PAGER_ENOMEM,
		     PAGER_ARG_NONE);
	unit_refused(pager_space_protect(unit_space, middle, UNIT_R),
		     PAGER_ENOMEM, PAGER_ARG_NONE);
	unit_refused(pager_space_advise(unit_space, middle, PAGER_ADV_DONTFORK),
		     PAGER_ENOMEM, PAGER_ARG_NONE);
	unit_refused(pager_space_pin(unit_space, middle), PAGER_ENOMEM,
		     PAGER_ARG_NONE);
	unit_unmap(unit_space, 10, 10); /* a whole region always goes */
	give_back(held);
	unit_end();
}
END_TEST

START_TEST(a_whole_region_can_go_when_nothing_is_left)
{
	const struct test_world_config config = {.frames = 4, .nodes = 16};
	struct pager_fault_info info;

	unit_start(&config);
	unit_map(unit_space, 10, 10, UNIT_RW);
	unit_fill(unit_space, 10, 3, 1);
	unit_refused(
	    pager_space_fault(unit_space, 13, PAGER_ACCESS_WRITE, &info),
	    PAGER_ENOMEM, PAGER_ARG_NONE);
	unit_world.host_limit = 1;
	unit_limit(PAGER_RES_NODES, 0);
	unit_unmap(unit_space, 10, 10);
	unit_world.host_limit = 0;
	unit_no_limits();
	ck_assert_uint_eq(unit_stats().frames_free, 3);
	unit_end();
}
END_TEST

START_TEST(clear_is_exec_everything_goes_but_limits_and_identity)
{
	struct pager_space_info before, after;
	struct pager_stats start;

	unit_start(NULL);
	start = unit_stats();
	for (enum type type = 0; type < TYPES; type++) {
		pager_space_clear(unit_space);
		make(type);
	}
	before = unit_info(unit_space);
	ck_assert_uint_gt(before.minor_faults, 0);
	ck_assert_uint_gt(before.brk, 0);
	pager_space_clear(unit_space);
	after = unit_info(unit_space);
	ck_assert_uint_eq(after.id, before.id);
	ck_assert_uint_eq(after.regions, 0);
	ck_assert_uint_eq(after.virtual_pages, 0);
	ck_assert_uint_eq(after.resident, 0);
	ck_assert_uint_eq(after.peak, 0);
	ck_assert_uint_eq(after.minor_faults, 0);
	ck_assert_uint_eq(after.brk_start, 0);
	ck_assert_uint_eq(after.brk, 0);
	ck_assert_uint_eq(after.range.end, PAGER_VPN_END);
	/* The shared object keeps its pages, in four nodes. */
	ck_assert_uint_eq(unit_stats().nodes_used, start.nodes_used + 4);
	ck_assert_uint_eq(unit_signal(unit_space, AT, PAGER_ACCESS_READ),
			  PAGER_SEGV_MAPERR);
	unit_end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    low_middle_and_high_unmap_of_anonymous_memory,
	    low_middle_and_high_unmap_of_a_private_object_mapping,
	    low_middle_and_high_unmap_of_a_shared_object_mapping,
	    low_middle_and_high_unmap_of_a_stack,
	    low_middle_and_high_unmap_of_the_heap,
	    what_was_unmapped_comes_back_empty_and_an_objects_page_with_content,
	    the_middle_of_a_forked_region_goes_from_one_space_only,
	    holes_are_fine,
	    an_empty_range_or_one_outside_the_space_is_refused,
	    a_part_of_a_shared_subtree_without_a_free_node_is_enomem,
	    a_split_without_memory_for_a_region_is_enomem,
	    a_whole_region_can_go_when_nothing_is_left,
	    clear_is_exec_everything_goes_but_limits_and_identity,
	};

	return UNIT_RUN("unmap", tests);
}
