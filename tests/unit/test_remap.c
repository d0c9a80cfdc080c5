/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Remap: every form that mremap(2) has, with what moves, what stays, and what
 * is refused.
 */
#include "lib/core/pte.h"
#include "tests/support/unit.h"

enum {
	MOVE = PAGER_REMAP_MAYMOVE,
	FIXED = PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED,
	KEEP = PAGER_REMAP_MAYMOVE | PAGER_REMAP_DONTUNMAP,
	AT = 1000,
};

static struct pager_status try(uint64_t addr, uint64_t pages,
			       uint64_t new_pages, uint32_t flags,
			       uint64_t new_addr)
{
	const struct pager_remap_args a = {.addr = addr,
					   .pages = pages,
					   .new_pages = new_pages,
					   .flags = flags,
					   .new_addr = new_addr};
	uint64_t at;

	return pager_space_remap(unit_space, &a, &at);
}

static void start(void)
{
	unit_start(NULL);
	unit_map(unit_space, AT, 10, UNIT_RW);
	unit_fill(unit_space, AT, 10, 1);
}

/* Values first, first + 1 ... stand in a range. */
static void holds(struct pager_space *s, uint64_t from, uint64_t pages,
		  uint8_t first)
{
	for (uint64_t i = 0; i < pages; i++)
		ck_assert_uint_eq(unit_get(s, from + i), (uint8_t)(first + i));
}

START_TEST(the_same_length_stays_where_it_is)
{
	char *before;

	start();
	before = unit_picture();
	ck_assert_uint_eq(unit_remap(unit_space, AT, 10, 10, 0, 0), AT);
	ck_assert_uint_eq(unit_remap(unit_space, AT, 10, 10, MOVE, 0), AT);
	ck_assert_uint_eq(unit_remap(unit_space, AT + 2, 3, 3, 0, 0), AT + 2);
	unit_unchanged(before, "remap to the same length");
	unit_end();
}
END_TEST

START_TEST(shrinking_unmaps_the_tail)
{
	start();
	ck_assert_uint_eq(unit_remap(unit_space, AT, 10, 6, 0, 0), AT);
	holds(unit_space, AT, 6, 1);
	ck_assert(!unit_mapped(unit_space, AT + 6));
	ck_assert_uint_eq(unit_info(unit_space).resident, 6);
	/* From the middle: a hole. */
	ck_assert_uint_eq(unit_remap(unit_space, AT + 1, 3, 1, 0, 0), AT + 1);
	ck_assert(unit_mapped(unit_space, AT + 1));
	ck_assert(!unit_mapped(unit_space, AT + 2));
	ck_assert(!unit_mapped(unit_space, AT + 3));
	ck_assert_uint_eq(unit_get(unit_space, AT + 4), 5);
	unit_end();
}
END_TEST

START_TEST(growing_in_place_when_the_gap_above_allows)
{
	start();
	ck_assert_uint_eq(unit_remap(unit_space, AT, 10, 15, 0, 0), AT);
	ck_assert_uint_eq(unit_region(unit_space, AT).range.end, AT + 15);
	holds(unit_space, AT, 10, 1);
	ck_assert_uint_eq(unit_get(unit_space, AT + 14), 0);
	/* Only the tail of a region. */
	ck_assert_uint_eq(unit_remap(unit_space, AT + 14, 1, 6, 0, 0), AT + 14);
	ck_assert_uint_eq(unit_region(unit_space, AT).range.end, AT + 20);
	unit_map(unit_space, AT + 25, 5, UNIT_RW);
	ck_assert_uint_eq(unit_remap(unit_space, AT, 20, 25, MOVE, 0), AT);
	ck_assert_uint_eq(unit_info(unit_space).regions, 1);
	unit_end();
}
END_TEST

START_TEST(no_room_to_grow_without_maymove_is_enospace)
{
	start();
	unit_map(unit_space, AT + 10, 1, UNIT_R);
	unit_refused(try(AT, 10, 11, 0, 0), PAGER_ENOSPACE, PAGER_ARG_NEW_LEN);
	/* A part that does not reach the region's end cannot grow either. */
	unit_refused(try(AT, 5, 6, 0, 0), PAGER_ENOSPACE, PAGER_ARG_NEW_LEN);
	unit_end();
}
END_TEST

START_TEST(growing_at_the_top_of_the_space_does_not_leave_it)
{
	struct pager_space *s;
	struct pager_remap_args a = {.addr = 15, .pages = 5, .new_pages = 6};
	uint64_t at;

	unit_start(NULL);
	s = test_world_space(&unit_world, 0, 20);
	unit_map(s, 15, 5, UNIT_RW);
	unit_fill(s, 15, 5, 1);
	unit_refused(pager_space_remap(s, &a, &at), PAGER_ENOSPACE,
		     PAGER_ARG_NEW_LEN);
	a.flags = MOVE;
	unit_ok(pager_space_remap(s, &a, &at));
	ck_assert_uint_eq(at, 8);
	holds(s, 8, 5, 1);
	a.addr = at;
	a.pages = 6;
	a.new_pages = UINT64_C(1) << 35;
	unit_refused(pager_space_remap(s, &a, &at), PAGER_ENOSPACE,
		     PAGER_ARG_NEW_LEN);
	unit_end();
}
END_TEST

START_TEST(nothing_grows_across_the_non_canonical_hole)
{
	const uint64_t at = PAGER_VPN_HALF - 4;

	unit_start(NULL);
	unit_map(unit_space, at, 4, UNIT_RW);
	unit_fill(unit_space, at, 4, 1);
	unit_refused(try(at, 4, 5, 0, 0), PAGER_ENOSPACE, PAGER_ARG_NEW_LEN);
	ck_assert_uint_lt(unit_remap(unit_space, at, 4, 5, MOVE, 0), at);
	unit_map(unit_space, PAGER_VPN_HALF, 4, UNIT_RW);
	unit_remap(unit_space, PAGER_VPN_HALF, 4, 8, 0, 0);
	unit_map(unit_space, at, 4, UNIT_RW);
	ck_assert_uint_eq(unit_region(unit_space, at).range.end,
			  PAGER_VPN_HALF);
	unit_end();
}
END_TEST

START_TEST(growing_with_maymove_takes_pages_along)
{
	struct pager_stats before;
	uint64_t to;

	start();
	unit_map(unit_space, AT + 10, 1, UNIT_R);
	before = unit_stats();
	to = unit_remap(unit_space, AT, 10, 20, MOVE, 0);
	unit_check();
	ck_assert_uint_ne(to, AT);
	holds(unit_space, to, 10, 1);
	ck_assert(!unit_mapped(unit_space, AT));
	ck_assert_uint_eq(pager_range_len(unit_region(unit_space, to).range),
			  20);
	ck_assert_uint_eq(unit_stats().frames_used, before.frames_used);
	ck_assert_uint_eq(unit_info(unit_space).minor_faults, 10);
	unit_end();
}
END_TEST

START_TEST(fixed_moves_there_and_replaces_what_was_there)
{
	start();
	unit_map(unit_space, 5000, 20, UNIT_R);
	ck_assert_uint_eq(unit_remap(unit_space, AT, 10, 10, FIXED, 5005),
			  5005);
	unit_check();
	holds(unit_space, 5005, 10, 1);
	ck_assert(!unit_mapped(unit_space, AT));
	ck_assert_uint_eq(unit_info(unit_space).regions, 3);
	unit_put(unit_space, 5005, 9);
	ck_assert_uint_eq(unit_signal(unit_space, 5004, PAGER_ACCESS_WRITE),
			  PAGER_SEGV_ACCERR);
	unit_end();
}
END_TEST

START_TEST(fixed_can_grow_and_shrink_on_the_way)
{
	start();
	unit_remap(unit_space, AT, 10, 4, FIXED, 5000);
	holds(unit_space, 5000, 4, 1);
	ck_assert_uint_eq(unit_info(unit_space).virtual_pages, 4);
	ck_assert_uint_eq(unit_info(unit_space).resident, 4);
	unit_remap(unit_space, 5000, 4, 8, FIXED, 6000);
	holds(unit_space, 6000, 4, 1);
	ck_assert_uint_eq(unit_get(unit_space, 6007), 0);
	ck_assert_uint_eq(unit_info(unit_space).virtual_pages, 8);
	unit_end();
}
END_TEST

START_TEST(the_low_the_middle_and_the_high_part_can_move)
{
	static const uint64_t from[] = {AT, AT + 3, AT + 6};

	for (int i = 0; i < 3; i++) {
		start();
		unit_remap(unit_space, from[i], 4, 4, FIXED, 5000);
		unit_check();
		holds(unit_space, 5000, 4, (uint8_t)(1 + from[i] - AT));
		for (uint64_t v = AT; v < AT + 10; v++) {
			bool gone = v >= from[i] && v < from[i] + 4;

			ck_assert_uint_eq(unit_mapped(unit_space, v), !gone);
			if (!gone)
				ck_assert_uint_eq(unit_get(unit_space, v),
						  v - AT + 1);
		}
		ck_assert_uint_eq(unit_info(unit_space).regions,
				  i == 1 ? 3 : 2);
		unit_remap(unit_space, 5000, 4, 4, FIXED, from[i]);
		ck_assert_uint_eq(unit_info(unit_space).regions, 1);
		holds(unit_space, AT, 10, 1);
		unit_end();
	}
}
END_TEST

START_TEST(dontunmap_leaves_the_old_mapping_empty)
{
	uint64_t to;

	start();
	to = unit_remap(unit_space, AT, 10, 10, KEEP, 0);
	unit_check();
	holds(unit_space, to, 10, 1);
	ck_assert(unit_mapped(unit_space, AT));
	ck_assert_uint_eq(unit_page(unit_space, AT).entry, 0);
	ck_assert_uint_eq(unit_info(unit_space).virtual_pages, 20);
	ck_assert_uint_eq(unit_info(unit_space).resident, 10);
	ck_assert_uint_eq(unit_get(unit_space, AT), 0);
	unit_put(unit_space, AT, 77);
	ck_assert_uint_eq(unit_get(unit_space, to), 1);
	ck_assert_uint_eq(
	    unit_remap(unit_space, to, 10, 10, KEEP | PAGER_REMAP_FIXED, 7000),
	    7000);
	holds(unit_space, 7000, 10, 1);
	ck_assert_uint_eq(unit_info(unit_space).virtual_pages, 30);
	unit_end();
}
END_TEST

START_TEST(length_zero_is_a_second_view_of_a_shared_region)
{
	struct pager_object *o;
	uint64_t to;

	unit_start(NULL);
	o = unit_object(20);
	unit_map_object(unit_space, AT, 10, UNIT_RW, PAGER_MAP_SHARED, o, 5);
	unit_fill(unit_space, AT, 10, 1);
	to = unit_remap(unit_space, AT + 2, 0, 4, MOVE, 0);
	unit_check();
	ck_assert_uint_eq(unit_region(unit_space, to).offset, 7);
	holds(unit_space, to, 4, 3);
	unit_put(unit_space, to, 99);
	ck_assert_uint_eq(unit_get(unit_space, AT + 2), 99);
	unit_put(unit_space, AT + 3, 98);
	ck_assert_uint_eq(unit_get(unit_space, to + 1), 98);
	ck_assert_uint_eq(unit_remap(unit_space, AT, 0, 2, FIXED, AT + 8),
			  AT + 8);
	holds(unit_space, AT + 8, 2, 1);
	unit_end();
}
END_TEST

START_TEST(length_zero_of_private_memory_or_without_maymove_is_refused)
{
	struct pager_object *o;

	start();
	o = unit_object(20);
	unit_refused(try(AT, 0, 4, MOVE, 0), PAGER_EINVAL, PAGER_ARG_LEN);
	unit_map_object(unit_space, 2000, 10, UNIT_RW, PAGER_MAP_SHARED, o, 5);
	unit_refused(try(2000, 0, 4, 0, 0), PAGER_ENOSPACE, PAGER_ARG_NEW_LEN);
	unit_refused(try(2000, 0, 4, KEEP, 0), PAGER_EINVAL, PAGER_ARG_NEW_LEN);
	unit_end();
}
END_TEST

START_TEST(a_second_view_over_its_own_source_is_refused_or_safe)
{
	struct pager_object *o;

	unit_start(NULL);
	o = unit_object(20);
	unit_map_object(unit_space, AT, 10, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	unit_fill(unit_space, AT, 10, 1);
	unit_refused(try(AT, 0, 10, FIXED, AT), PAGER_EINVAL,
		     PAGER_ARG_NEW_ADDR);
	unit_refused(try(AT, 0, 1, FIXED, AT), PAGER_EINVAL,
		     PAGER_ARG_NEW_ADDR);
	unit_refused(try(AT + 5, 0, 4, FIXED, AT + 3), PAGER_EINVAL,
		     PAGER_ARG_NEW_ADDR);
	unit_remap(unit_space, AT + 5, 0, 5, FIXED, AT);
	holds(unit_space, AT, 5, 6);
	holds(unit_space, AT + 5, 5, 6);
	unit_check();
	unit_end();
}
END_TEST

START_TEST(a_moved_object_mapping_keeps_its_offset)
{
	struct pager_object *o;

	unit_start(NULL);
	o = unit_object(100);
	for (uint64_t i = 0; i < 30; i++)
		unit_object_put(o, i, (uint8_t)(i + 1));
	unit_map_object(unit_space, AT, 20, UNIT_RW, 0, o, 5);
	unit_put(unit_space, AT + 3, 200);
	ck_assert_uint_eq(unit_get(unit_space, AT + 4), 10);
	unit_remap(unit_space, AT + 2, 6, 12, FIXED, 5000);
	unit_check();
	ck_assert_uint_eq(unit_region(unit_space, 5000).offset, 7);
	ck_assert_uint_eq(unit_get(unit_space, 5000), 8);
	ck_assert_uint_eq(unit_get(unit_space, 5001), 200);
	ck_assert_uint_eq(unit_get(unit_space, 5002), 10);
	ck_assert_uint_eq(unit_get(unit_space, 5011), 19);
	ck_assert_uint_eq(unit_region(unit_space, AT + 8).offset, 13);
	ck_assert_uint_eq(unit_get(unit_space, AT + 8), 14);
	unit_end();
}
END_TEST

START_TEST(several_regions_move_together_if_they_do_not_grow)
{
	start();
	unit_protect(unit_space, AT + 3, 4, UNIT_R);
	unit_refused(try(AT, 10, 12, MOVE, 0), PAGER_EUNMAPPED, PAGER_ARG_LEN);
	unit_remap(unit_space, AT, 10, 10, FIXED, 5000);
	unit_check();
	ck_assert_uint_eq(unit_info(unit_space).regions, 3);
	ck_assert_uint_eq(unit_region(unit_space, 5003).prot, UNIT_R);
	ck_assert_uint_eq(unit_region(unit_space, 5007).prot, UNIT_RW);
	holds(unit_space, 5000, 10, 1);
	unit_remap(unit_space, 5000, 10, 5, FIXED, AT);
	holds(unit_space, AT, 5, 1);
	ck_assert_uint_eq(unit_info(unit_space).regions, 2);
	ck_assert_uint_eq(unit_info(unit_space).virtual_pages, 5);
	unit_end();
}
END_TEST

START_TEST(prot_none_pages_move_too)
{
	start();
	unit_protect(unit_space, AT, 10, 0);
	unit_remap(unit_space, AT, 10, 10, FIXED, 5000);
	unit_protect(unit_space, 5000, 10, UNIT_RW);
	holds(unit_space, 5000, 10, 1);
	unit_end();
}
END_TEST

START_TEST(a_hole_is_eunmapped)
{
	start();
	unit_refused(try(500, 1, 1, MOVE, 0), PAGER_EUNMAPPED, PAGER_ARG_ADDR);
	unit_refused(try(AT - 1, 5, 5, MOVE, 0), PAGER_EUNMAPPED,
		     PAGER_ARG_ADDR);
	unit_refused(try(AT + 5, 6, 6, MOVE, 0), PAGER_EUNMAPPED,
		     PAGER_ARG_LEN);
	unit_refused(try(AT + 5, 6, 7, MOVE, 0), PAGER_EUNMAPPED,
		     PAGER_ARG_LEN);
	unit_refused(try(AT + 5, 6, 2, 0, 0), PAGER_EUNMAPPED, PAGER_ARG_LEN);
	unit_end();
}
END_TEST

START_TEST(every_bad_argument_is_named)
{
	const uint64_t end = PAGER_VPN_END;

	start();
	unit_refused(try(AT, 10, 10, 8, 0), PAGER_EFLAGS, PAGER_ARG_FLAGS);
	unit_refused(try(AT, 10, 10, PAGER_REMAP_FIXED, 5000), PAGER_EFLAGS,
		     PAGER_ARG_FLAGS);
	unit_refused(try(AT, 10, 10, PAGER_REMAP_DONTUNMAP, 0), PAGER_EFLAGS,
		     PAGER_ARG_FLAGS);
	unit_refused(try(AT, 10, 0, MOVE, 0), PAGER_EINVAL, PAGER_ARG_NEW_LEN);
	unit_refused(try(AT, 10, 11, KEEP, 0), PAGER_EINVAL, PAGER_ARG_NEW_LEN);
	unit_refused(try(AT, 10, 5, KEEP, 0), PAGER_EINVAL, PAGER_ARG_NEW_LEN);
	unit_refused(try(end, 1, 1, MOVE, 0), PAGER_ERANGE, PAGER_ARG_LEN);
	unit_refused(try(UINT64_MAX, 10, 10, MOVE, 0), PAGER_ERANGE,
		     PAGER_ARG_LEN);
	unit_refused(try(AT, UINT64_MAX, 10, MOVE, 0), PAGER_ERANGE,
		     PAGER_ARG_LEN);
	unit_refused(try(AT, 10, UINT64_MAX, MOVE, 0), PAGER_ERANGE,
		     PAGER_ARG_NEW_LEN);
	unit_refused(try(AT, 10, 10, FIXED, end - 9), PAGER_ERANGE,
		     PAGER_ARG_NEW_ADDR);
	unit_refused(try(AT, 10, 10, FIXED, UINT64_MAX), PAGER_ERANGE,
		     PAGER_ARG_NEW_ADDR);
	unit_refused(try(AT, 10, 10, FIXED, AT + 9), PAGER_EINVAL,
		     PAGER_ARG_NEW_ADDR);
	unit_refused(try(AT, 10, 10, FIXED, AT - 9), PAGER_EINVAL,
		     PAGER_ARG_NEW_ADDR);
	unit_refused(try(AT, 10, 10, FIXED, AT), PAGER_EINVAL,
		     PAGER_ARG_NEW_ADDR);
	unit_refused(try(AT, 2, 20, FIXED, AT - 10), PAGER_EINVAL,
		     PAGER_ARG_NEW_ADDR);
	unit_end();
}
END_TEST

START_TEST(an_offset_that_would_wrap_is_eoverflow)
{
	struct pager_object *o;

	unit_start(NULL);
	o = unit_object(4);
	unit_map_object(unit_space, AT, 4, UNIT_R, 0, o, PAGER_VPN_END - 4);
	unit_refused(try(AT, 4, 5, MOVE, 0), PAGER_EOVERFLOW,
		     PAGER_ARG_NEW_LEN);
	unit_refused(try(AT + 3, 1, 2, 0, 0), PAGER_EOVERFLOW,
		     PAGER_ARG_NEW_LEN);
	unit_remap(unit_space, AT, 4, 4, FIXED, 5000);
	unit_end();
}
END_TEST

START_TEST(a_moved_heap_is_no_heap_any_more)
{
	unit_start(NULL);
	unit_ok(pager_space_brk_start(unit_space, AT << PAGER_PAGE_SHIFT));
	unit_ok(pager_space_brk(unit_space, (AT + 10) << PAGER_PAGE_SHIFT));
	unit_fill(unit_space, AT, 10, 1);
	unit_remap(unit_space, AT + 5, 5, 5, FIXED, 5000);
	ck_assert_uint_eq(unit_region(unit_space, 5000).flags, 0);
	ck_assert_uint_eq(unit_region(unit_space, AT).flags, PAGER_REGION_HEAP);
	holds(unit_space, 5000, 5, 6);
	unit_ok(pager_space_brk(unit_space, (AT + 3) << PAGER_PAGE_SHIFT));
	ck_assert(unit_mapped(unit_space, 5000));
	unit_end();
}
END_TEST

START_TEST(a_pinned_region_does_not_grow_and_moves_pinned)
{
	start();
	unit_ok(pager_space_pin(unit_space, pager_range(AT, AT + 10)));
	unit_refused(try(AT, 10, 11, MOVE, 0), PAGER_EBUSY, PAGER_ARG_ADDR);
	unit_refused(try(AT, 10, 10, KEEP, 0), PAGER_EBUSY, PAGER_ARG_ADDR);
	unit_remap(unit_space, AT, 10, 10, FIXED, 5000);
	ck_assert_uint_eq(unit_region(unit_space, 5000).flags,
			  PAGER_REGION_PINNED);
	ck_assert_uint_eq(unit_info(unit_space).resident, 10);
	unit_remap(unit_space, 5000, 10, 5, 0, 0);
	holds(unit_space, 5000, 5, 1);
	unit_end();
}
END_TEST

START_TEST(a_move_after_a_fork_is_the_movers_alone)
{
	struct pager_space *child;

	start();
	child = unit_fork(unit_space);
	unit_remap(child, AT, 10, 10, FIXED, 5000);
	unit_check();
	holds(child, 5000, 10, 1);
	holds(unit_space, AT, 10, 1);
	ck_assert_uint_eq(unit_stats().cow_copies, 0);
	unit_put(child, 5000, 100);
	unit_put(unit_space, AT + 1, 101);
	ck_assert_uint_eq(unit_get(unit_space, AT), 1);
	ck_assert_uint_eq(unit_get(child, 5001), 2);
	unit_end();
}
END_TEST

static const struct pager_remap_args far = {.addr = 0,
					    .pages = 600,
					    .new_pages = 600,
					    .flags = FIXED,
					    .new_addr = UINT64_C(1) << 27};

START_TEST(a_move_without_a_free_node_is_enomem_and_changes_nothing)
{
	const struct test_world_config config = {.nodes = 16};
	struct pager_space *child;
	uint64_t at;

	unit_start(&config);
	unit_map(unit_space, 0, 12 * 512, UNIT_RW);
	for (uint64_t i = 0; i < 7; i++)
		unit_fill(unit_space, i * 512, 3, 1);
	child = unit_fork(unit_space);
	unit_refused(pager_space_remap(child, &far, &at), PAGER_ENOMEM,
		     PAGER_ARG_NONE);
	pager_space_free(child);
	unit_ok(pager_space_remap(unit_space, &far, &at));
	holds(unit_space, UINT64_C(1) << 27, 3, 1);
	unit_end();
}
END_TEST

START_TEST(a_move_over_the_limit_of_nodes_is_elimit_and_changes_nothing)
{
	struct pager_space *child;
	uint64_t at;

	unit_start(NULL);
	unit_map(unit_space, 0, 1024, UNIT_RW);
	unit_fill(unit_space, 510, 4, 1);
	child = unit_fork(unit_space);
	unit_limit(PAGER_RES_NODES, unit_used(PAGER_RES_NODES) + 3);
	unit_refused(pager_space_remap(child, &far, &at), PAGER_ELIMIT,
		     PAGER_ARG_NONE);
	unit_no_limits();
	unit_ok(pager_space_remap(child, &far, &at));
	holds(child, at + 510, 4, 1);
	holds(unit_space, 510, 4, 1);
	unit_end();
}
END_TEST

START_TEST(what_was_seen_through_the_tlb_does_not_stay)
{
	start();
	holds(unit_space, AT, 10, 1);
	unit_remap(unit_space, AT, 10, 10, FIXED, 5000);
	ck_assert_uint_eq(unit_signal(unit_space, AT, PAGER_ACCESS_READ),
			  PAGER_SEGV_MAPERR);
	unit_map(unit_space, AT, 10, UNIT_RW);
	ck_assert_uint_eq(unit_get(unit_space, AT), 0);
	unit_remap(unit_space, 5000, 10, 10, FIXED, AT);
	holds(unit_space, AT, 10, 1);
	unit_check();
	unit_end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    the_same_length_stays_where_it_is,
	    shrinking_unmaps_the_tail,
	    growing_in_place_when_the_gap_above_allows,
	    no_room_to_grow_without_maymove_is_enospace,
	    growing_at_the_top_of_the_space_does_not_leave_it,
	    nothing_grows_across_the_non_canonical_hole,
	    growing_with_maymove_takes_pages_along,
	    fixed_moves_there_and_replaces_what_was_there,
	    fixed_can_grow_and_shrink_on_the_way,
	    the_low_the_middle_and_the_high_part_can_move,
	    dontunmap_leaves_the_old_mapping_empty,
	    length_zero_is_a_second_view_of_a_shared_region,
	    length_zero_of_private_memory_or_without_maymove_is_refused,
	    a_second_view_over_its_own_source_is_refused_or_safe,
	    a_moved_object_mapping_keeps_its_offset,
	    several_regions_move_together_if_they_do_not_grow,
	    prot_none_pages_move_too,
	    a_hole_is_eunmapped,
	    every_bad_argument_is_named,
	    an_offset_that_would_wrap_is_eoverflow,
	    a_moved_heap_is_no_heap_any_more,
	    a_pinned_region_does_not_grow_and_moves_pinned,
	    a_move_after_a_fork_is_the_movers_alone,
	    a_move_without_a_free_node_is_enomem_and_changes_nothing,
	    a_move_over_the_limit_of_nodes_is_elimit_and_changes_nothing,
	    what_was_seen_through_the_tlb_does_not_stay,
	};

	return UNIT_RUN("remap", tests);
}
