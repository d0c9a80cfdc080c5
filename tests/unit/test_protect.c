/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Protect: what each protection allows, what pages keep, and that permission
 * given never lets a write into a page that others hold.
 */
#include "lib/core/pte.h"
#include "tests/support/unit.h"

static struct pager_status protect(struct pager_space *s, uint64_t start,
				   uint64_t end, uint32_t prot)
{
	return pager_space_protect(s, pager_range(start, end), prot);
}

/* Whether an access would be allowed, without making it. */
static bool allowed(struct pager_space *s, uint64_t vpn, uint32_t access)
{
	return unit_signal(s, vpn, access) == PAGER_SIGNAL_NONE;
}

START_TEST(each_protection_allows_what_x86_64_does)
{
	unit_start(NULL);
	for (uint32_t prot = 0; prot <= PAGER_PROT_ALL; prot++) {
		unit_map(unit_space, 100, 2, UNIT_RW);
		unit_put(unit_space, 100, 1);
		unit_protect(unit_space, 100, 2, prot);
		for (uint64_t v = 100; v < 102; v++) {
			/* What may be written or executed may be read. */
			ck_assert_int_eq(
			    allowed(unit_space, v, PAGER_ACCESS_READ),
			    prot != 0);
			ck_assert_int_eq(
			    allowed(unit_space, v, PAGER_ACCESS_WRITE),
			    !!(prot & PAGER_PROT_WRITE));
			ck_assert_int_eq(
			    allowed(unit_space, v, PAGER_ACCESS_EXEC),
			    !!(prot & PAGER_PROT_EXEC));
			if (!(prot & PAGER_PROT_WRITE))
				ck_assert_uint_eq(
				    unit_signal(unit_space, v,
						PAGER_ACCESS_WRITE),
				    PAGER_SEGV_ACCERR);
		}
		unit_check();
	}
	unit_end();
}
END_TEST

START_TEST(prot_none_keeps_pages_of_every_type)
{
	struct pager_object *o;
	struct pager_space_info before, none;

	unit_start(NULL);
	o = unit_object(4);
	unit_object_put(o, 1, 11);
	unit_map(unit_space, 100, 4, UNIT_RW);
	unit_map_object(unit_space, 104, 4, UNIT_RW, 0, o, 0);
	unit_put(unit_space, 100, 7);
	unit_get(unit_space, 101);
	unit_get(unit_space, 105);
	before = unit_info(unit_space);
	unit_protect(unit_space, 100, 8, 0);
	none = unit_info(unit_space);
	ck_assert_uint_eq(none.anon, before.anon);
	ck_assert_uint_eq(none.zero, before.zero);
	ck_assert_uint_eq(none.object, before.object);
	ck_assert_uint_eq(unit_page(unit_space, 100).type, PAGER_PAGE_ANON);
	ck_assert_uint_eq(unit_page(unit_space, 100).access, 0);
	ck_assert(!(unit_page(unit_space, 100).entry & PTE_P));
	ck_assert_uint_ne(unit_page(unit_space, 100).pa, 0);
	ck_assert_uint_eq(unit_page(unit_space, 101).type, PAGER_PAGE_ZERO);
	ck_assert_uint_eq(unit_page(unit_space, 105).type, PAGER_PAGE_OBJECT);
	ck_assert(!allowed(unit_space, 100, PAGER_ACCESS_READ));
	unit_protect(unit_space, 100, 8, UNIT_RW);
	ck_assert_uint_eq(unit_get(unit_space, 100), 7);
	ck_assert_uint_eq(unit_get(unit_space, 101), 0);
	ck_assert_uint_eq(unit_get(unit_space, 105), 11);
	ck_assert_uint_eq(unit_info(unit_space).minor_faults,
			  before.minor_faults);
	unit_put(unit_space, 105, 12);
	unit_put(unit_space, 101, 13);
	unit_check();
	unit_end();
}
END_TEST

START_TEST(prot_none_pages_survive_a_fork)
{
	struct pager_space *child;

	unit_start(NULL);
	unit_map(unit_space, 100, 4, UNIT_RW);
	unit_fill(unit_space, 100, 4, 1);
	unit_protect(unit_space, 100, 4, 0);
	child = unit_fork(unit_space);
	ck_assert_uint_eq(unit_info(child).anon, 4);
	unit_protect(child, 100, 4, UNIT_RW);
	unit_put(child, 101, 50);
	unit_protect(unit_space, 100, 4, UNIT_R);
	ck_assert_uint_eq(unit_get(unit_space, 101), 2);
	ck_assert_uint_eq(unit_get(child, 101), 50);
	ck_assert_uint_eq(unit_get(child, 102), 3);
	unit_end();
}
END_TEST

START_TEST(a_hole_is_eunmapped_and_nothing_changes)
{
	unit_start(NULL);
	unit_map(unit_space, 100, 4, UNIT_RW);
	unit_map(unit_space, 105, 4, UNIT_RW);
	unit_fill(unit_space, 100, 4, 1);
	unit_refused(protect(unit_space, 100, 109, UNIT_R), PAGER_EUNMAPPED,
		     PAGER_ARG_ADDR);
	unit_refused(protect(unit_space, 99, 101, UNIT_R), PAGER_EUNMAPPED,
		     PAGER_ARG_ADDR);
	unit_refused(protect(unit_space, 108, 110, UNIT_R), PAGER_EUNMAPPED,
		     PAGER_ARG_ADDR);
	unit_refused(protect(unit_space, 200, 201, UNIT_R), PAGER_EUNMAPPED,
		     PAGER_ARG_ADDR);
	unit_refused(protect(unit_space, 102, 102, UNIT_R), PAGER_EINVAL,
		     PAGER_ARG_LEN);
	unit_refused(protect(unit_space, 102, 103, PAGER_PROT_ALL + 1),
		     PAGER_EINVAL, PAGER_ARG_PROT);
	unit_refused(
	    protect(unit_space, PAGER_VPN_END, PAGER_VPN_END + 1, UNIT_R),
	    PAGER_ERANGE, PAGER_ARG_ADDR);
	unit_end();
}
END_TEST

START_TEST(low_middle_and_high_protect_split_and_merge_again)
{
	static const uint64_t from[] = {100, 104, 108};

	unit_start(NULL);
	unit_map(unit_space, 100, 12, UNIT_RW);
	unit_fill(unit_space, 100, 12, 1);
	for (int i = 0; i < 3; i++) {
		unit_protect(unit_space, from[i], 4, UNIT_R);
		ck_assert_uint_eq(unit_info(unit_space).regions,
				  i == 1 ? 3 : 2);
		unit_check();
		for (uint64_t v = 100; v < 112; v++) {
			bool in = v >= from[i] && v < from[i] + 4;

			ck_assert_int_eq(
			    allowed(unit_space, v, PAGER_ACCESS_WRITE), !in);
			ck_assert_uint_eq(unit_get(unit_space, v), v - 99);
		}
		unit_protect(unit_space, from[i], 4, UNIT_RW);
		ck_assert_uint_eq(unit_info(unit_space).regions, 1);
	}
	unit_end();
}
END_TEST

START_TEST(several_regions_at_once_each_from_its_own_protection)
{
	struct pager_object *o;

	unit_start(NULL);
	o = unit_object(4);
	unit_map(unit_space, 100, 4, UNIT_RW);
	unit_map(unit_space, 104, 4, UNIT_RX);
	unit_map(unit_space, 108, 4, 0);
	unit_map_object(unit_space, 112, 4, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	unit_fill(unit_space, 100, 4, 1);
	unit_get(unit_space, 105);
	unit_put(unit_space, 113, 9);
	unit_protect(unit_space, 102, 12, UNIT_R);
	unit_check();
	ck_assert_uint_eq(unit_info(unit_space).regions, 4);
	ck_assert(allowed(unit_space, 101, PAGER_ACCESS_WRITE));
	ck_assert(!allowed(unit_space, 102, PAGER_ACCESS_WRITE));
	ck_assert(!allowed(unit_space, 105, PAGER_ACCESS_EXEC));
	ck_assert(allowed(unit_space, 109, PAGER_ACCESS_READ));
	ck_assert(!allowed(unit_space, 113, PAGER_ACCESS_WRITE));
	ck_assert_uint_eq(unit_get(unit_space, 113), 9);
	ck_assert(allowed(unit_space, 114, PAGER_ACCESS_WRITE));
	unit_end();
}
END_TEST

START_TEST(write_given_back_does_not_write_into_a_frame_shared_by_cow)
{
	struct pager_space *child;

	unit_start(NULL);
	unit_map(unit_space, 100, 4, UNIT_RW);
	unit_fill(unit_space, 100, 4, 1);
	child = unit_fork(unit_space);
	unit_protect(child, 100, 4, UNIT_R);
	unit_protect(child, 100, 4, UNIT_RW);
	unit_check();
	unit_put(child, 100, 50);
	ck_assert_uint_eq(unit_get(unit_space, 100), 1);
	unit_put(unit_space, 101, 60);
	ck_assert_uint_eq(unit_get(child, 101), 2);
	unit_protect(unit_space, 100, 4, 0);
	unit_protect(unit_space, 100, 4, UNIT_RW);
	unit_put(unit_space, 102, 70);
	ck_assert_uint_eq(unit_get(child, 102), 3);
	unit_end();
}
END_TEST

START_TEST(write_given_to_object_and_zero_pages_copies_them_if_private)
{
	struct pager_object *o;

	unit_start(NULL);
	o = unit_object(4);
	unit_object_put(o, 0, 5);
	unit_map_object(unit_space, 100, 4, UNIT_R, 0, o, 0);
	unit_map_object(unit_space, 200, 4, UNIT_R, PAGER_MAP_SHARED, o, 0);
	unit_map(unit_space, 300, 4, UNIT_R);
	ck_assert_uint_eq(unit_get(unit_space, 100), 5);
	ck_assert_uint_eq(unit_get(unit_space, 200), 5);
	ck_assert_uint_eq(unit_get(unit_space, 300), 0);
	unit_protect(unit_space, 100, 4, UNIT_RW);
	unit_protect(unit_space, 200, 4, UNIT_RW);
	unit_protect(unit_space, 300, 4, UNIT_RW);
	unit_check();
	unit_put(unit_space, 100, 6);
	ck_assert_uint_eq(unit_get(unit_space, 200), 5);
	unit_put(unit_space, 200, 7);
	ck_assert_uint_eq(unit_get(unit_space, 100), 6);
	unit_put(unit_space, 300, 8);
	ck_assert_uint_eq(unit_get(unit_space, 301), 0);
	unit_map_object(unit_space, 400, 4, UNIT_R, 0, o, 0);
	ck_assert_uint_eq(unit_get(unit_space, 400), 7);
	unit_end();
}
END_TEST

START_TEST(giving_write_to_a_shared_subtree_needs_no_node)
{
	const struct test_world_config config = {.nodes = 16};
	struct pager_space *child;
	uint64_t copies;

	unit_start(&config);
	unit_map(unit_space, 0, 12 * 512, UNIT_RW);
	for (uint64_t i = 0; i < 8; i++)
		unit_put(unit_space, i * 512, 1);
	unit_protect(unit_space, 0, 12 * 512, UNIT_R);
	child = unit_fork(unit_space);
	copies = unit_stats().node_copies;
	unit_protect(child, 0, 12 * 512, UNIT_RW);
	ck_assert_uint_eq(unit_stats().node_copies, copies);
	unit_put(child, 0, 9);
	ck_assert_uint_eq(unit_get(unit_space, 0), 1);
	unit_end();
}
END_TEST

START_TEST(taking_write_without_a_free_node_is_enomem_and_changes_nothing)
{
	const struct test_world_config config = {.nodes = 16};
	struct pager_space *child;

	unit_start(&config);
	unit_map(unit_space, 0, 12 * 512, UNIT_RW);
	for (uint64_t i = 0; i < 8; i++)
		unit_put(unit_space, i * 512, 1);
	child = unit_fork(unit_space);
	unit_refused(protect(child, 0, 12 * 512, UNIT_R), PAGER_ENOMEM,
		     PAGER_ARG_NONE);
	unit_limit(PAGER_RES_NODES, unit_used(PAGER_RES_NODES));
	unit_refused(protect(child, 0, 512, 0), PAGER_ELIMIT, PAGER_ARG_NONE);
	unit_no_limits();
	unit_put(child, 0, 2);
	unit_protect(child, 0, 512, UNIT_R); /* a path of its own by now */
	unit_check();
	unit_end();
}
END_TEST

START_TEST(a_protection_in_one_space_does_not_change_the_other)
{
	struct pager_space *child;

	unit_start(NULL);
	unit_map(unit_space, 100, 4, UNIT_RW);
	unit_fill(unit_space, 100, 4, 1);
	child = unit_fork(unit_space);
	unit_protect(unit_space, 100, 2, 0);
	unit_protect(child, 102, 2, UNIT_RX);
	unit_check();
	ck_assert_uint_eq(unit_get(child, 100), 1);
	ck_assert_uint_eq(unit_get(unit_space, 103), 4);
	ck_assert(allowed(child, 102, PAGER_ACCESS_EXEC));
	ck_assert(!allowed(unit_space, 102, PAGER_ACCESS_EXEC));
	ck_assert(!allowed(unit_space, 100, PAGER_ACCESS_READ));
	unit_put(unit_space, 103, 90);
	ck_assert_uint_eq(unit_get(child, 103), 4);
	unit_end();
}
END_TEST

START_TEST(the_same_protection_again_changes_nothing)
{
	char *before;

	unit_start(NULL);
	unit_map(unit_space, 100, 8, UNIT_RW);
	unit_fill(unit_space, 100, 8, 1);
	before = unit_picture();
	unit_protect(unit_space, 102, 3, UNIT_RW);
	unit_unchanged(before, "the same protection");
	unit_end();
}
END_TEST

START_TEST(a_narrowed_page_is_never_reached_through_the_tlb)
{
	uint64_t done;
	uint8_t byte = 9;
	struct pager_access_stop why;
	struct pager_status st;

	unit_start(NULL);
	unit_map(unit_space, 100, 2, UNIT_RW);
	unit_put(unit_space, 100, 1);
	unit_protect(unit_space, 100, 1, UNIT_R);
	st = pager_space_write(unit_space, 0, pager_vpn_to_va(100), &byte, 1,
			       &done, &why);
	ck_assert_uint_eq(st.err, PAGER_ESIGNAL);
	ck_assert_uint_eq(why.signal, PAGER_SEGV_ACCERR);
	ck_assert_uint_eq(why.va, pager_vpn_to_va(100));
	ck_assert_uint_eq(done, 0);
	ck_assert_uint_eq(unit_get(unit_space, 100), 1);
	unit_protect(unit_space, 100, 1, 0);
	st = pager_space_read(unit_space, 0, pager_vpn_to_va(100), &byte, 1,
			      &done, &why);
	ck_assert_uint_eq(st.err, PAGER_ESIGNAL);
	ck_assert_uint_eq(byte, 9);
	unit_end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    each_protection_allows_what_x86_64_does,
	    prot_none_keeps_pages_of_every_type,
	    prot_none_pages_survive_a_fork,
	    a_hole_is_eunmapped_and_nothing_changes,
	    low_middle_and_high_protect_split_and_merge_again,
	    several_regions_at_once_each_from_its_own_protection,
	    write_given_back_does_not_write_into_a_frame_shared_by_cow,
	    write_given_to_object_and_zero_pages_copies_them_if_private,
	    giving_write_to_a_shared_subtree_needs_no_node,
	    taking_write_without_a_free_node_is_enomem_and_changes_nothing,
	    a_protection_in_one_space_does_not_change_the_other,
	    the_same_protection_again_changes_nothing,
	    a_narrowed_page_is_never_reached_through_the_tlb,
	};

	return UNIT_RUN("protect", tests);
}
