/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared, private and proportional: from the sums of nodes, adding up to what
 * there is.
 */
#include "tests/support/unit.h"

enum { PAGE = PAGER_PAGE_SIZE };

static const struct pager_range all = {0, PAGER_VPN_END};

static struct pager_sharing of(const struct pager_space *s,
			       struct pager_range r)
{
	struct pager_sharing out;

	pager_space_sharing(s, r, &out);
	return out;
}

START_TEST(a_space_alone_is_all_private)
{
	struct pager_sharing s;

	unit_start(NULL);
	s = of(unit_space, all);
	ck_assert_uint_eq(s.private_pages + s.shared_pages + s.proportional, 0);
	ck_assert_uint_eq(s.nodes_private, 1);
	unit_map(unit_space, 100, 10, UNIT_RW);
	unit_fill(unit_space, 100, 10, 1);
	s = of(unit_space, all);
	ck_assert_uint_eq(s.private_pages, 10);
	ck_assert_uint_eq(s.shared_pages, 0);
	ck_assert_uint_eq(s.proportional, 10 * PAGE);
	ck_assert_uint_eq(s.nodes_private, 4);
	ck_assert_uint_eq(s.nodes_shared, 0);
	s = of(unit_space, pager_range(103, 105));
	ck_assert_uint_eq(s.private_pages, 2);
	ck_assert_uint_eq(of(unit_space, pager_range(103, 103)).nodes_private,
			  0);
	unit_end();
}
END_TEST

START_TEST(after_a_fork_everything_is_shared_in_equal_parts)
{
	struct pager_space *child[3];
	struct pager_sharing s;
	uint64_t sum = 0;

	unit_start(NULL);
	unit_map(unit_space, 100, 12, UNIT_RW);
	unit_fill(unit_space, 100, 12, 1);
	for (int i = 0; i < 3; i++)
		child[i] = unit_fork(unit_space);
	for (int i = 0; i < 3; i++) {
		s = of(child[i], all);
		ck_assert_uint_eq(s.private_pages, 0);
		ck_assert_uint_eq(s.shared_pages, 12);
		ck_assert_uint_eq(s.proportional, 12 * PAGE / 4);
		ck_assert_uint_eq(s.nodes_private, 1);
		ck_assert_uint_eq(s.nodes_shared, 1); /* not entered */
		sum += s.proportional;
	}
	sum += of(unit_space, all).proportional;
	ck_assert_uint_eq(sum, 12 * PAGE);
	s = of(unit_space, pager_range(104, 107));
	ck_assert_uint_eq(s.shared_pages, 3);
	ck_assert_uint_eq(s.proportional, 3 * PAGE / 4);
	unit_end();
}
END_TEST

START_TEST(a_write_makes_one_page_private_and_the_parts_still_add_up)
{
	struct pager_space *child;
	struct pager_sharing s, c;

	unit_start(NULL);
	unit_map(unit_space, 100, 12, UNIT_RW);
	unit_fill(unit_space, 100, 12, 1);
	child = unit_fork(unit_space);
	unit_put(child, 105, 9);
	c = of(child, all);
	ck_assert_uint_eq(c.private_pages, 1);
	ck_assert_uint_eq(c.shared_pages, 11);
	ck_assert_uint_eq(c.proportional, PAGE + 11 * PAGE / 2);
	ck_assert_uint_eq(c.nodes_private, 4);
	s = of(unit_space, all);
	ck_assert_uint_eq(s.private_pages, 1);
	ck_assert_uint_eq(s.shared_pages, 11);
	ck_assert_uint_eq(s.proportional + c.proportional, 13 * PAGE);
	pager_space_free(child);
	s = of(unit_space, all);
	ck_assert_uint_eq(s.private_pages, 12);
	ck_assert_uint_eq(s.proportional, 12 * PAGE);
	unit_end();
}
END_TEST

START_TEST(an_objects_own_reference_is_no_holder)
{
	struct pager_object *o;
	struct pager_space *other;
	struct pager_sharing s;

	unit_start(NULL);
	o = unit_object(4);
	unit_map_object(unit_space, 100, 4, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	unit_fill(unit_space, 100, 4, 1);
	s = of(unit_space, all);
	ck_assert_uint_eq(s.private_pages, 4);
	ck_assert_uint_eq(s.proportional, 4 * PAGE);
	other = test_world_space(&unit_world, 0, 1000);
	unit_map_object(other, 200, 2, UNIT_R, 0, o, 0);
	unit_get(other, 200);
	unit_get(other, 201);
	s = of(unit_space, all);
	ck_assert_uint_eq(s.private_pages, 2);
	ck_assert_uint_eq(s.shared_pages, 2);
	ck_assert_uint_eq(s.proportional, 3 * PAGE);
	ck_assert_uint_eq(of(other, all).proportional, PAGE);
	unit_end();
}
END_TEST

START_TEST(zero_pages_are_shared_and_weigh_nothing)
{
	struct pager_space *child;
	struct pager_sharing s;

	unit_start(NULL);
	unit_map(unit_space, 100, 4, UNIT_RW);
	unit_get(unit_space, 100);
	unit_get(unit_space, 101);
	unit_put(unit_space, 102, 1);
	s = of(unit_space, all);
	ck_assert_uint_eq(s.private_pages, 1);
	ck_assert_uint_eq(s.shared_pages, 2);
	ck_assert_uint_eq(s.proportional, PAGE);
	child = unit_fork(unit_space);
	s = of(child, all);
	ck_assert_uint_eq(s.shared_pages, 3);
	ck_assert_uint_eq(s.proportional, PAGE / 2);
	unit_end();
}
END_TEST

START_TEST(a_wholly_shared_node_is_not_entered_whatever_lies_below)
{
	struct pager_space *child;
	struct pager_sharing s;

	unit_start(NULL);
	unit_map(unit_space, 0, 10 * 512, UNIT_RW);
	for (uint64_t i = 0; i < 10; i++)
		unit_fill(unit_space, i * 512, 5, 1);
	child = unit_fork(unit_space);
	s = of(child, all);
	ck_assert_uint_eq(s.nodes_shared, 1);
	ck_assert_uint_eq(s.shared_pages, 50);
	unit_put(child, 3 * 512, 7); /* one path of its own */
	s = of(child, all);
	ck_assert_uint_eq(s.nodes_private, 4);
	ck_assert_uint_eq(s.nodes_shared, 9);
	ck_assert_uint_eq(s.private_pages, 1);
	ck_assert_uint_eq(s.shared_pages, 49);
	s = of(child, pager_range(4 * 512 + 3, 6 * 512 + 1));
	ck_assert_uint_eq(s.shared_pages, 2 + 5 + 1);
	ck_assert_uint_eq(s.proportional, 8 * PAGE / 2);
	unit_end();
}
END_TEST

START_TEST(random_forks_and_writes_lose_no_page_and_no_frame)
{
	struct pager_space *s[16];
	uint64_t x = 12345, weigh = 0;
	unsigned int n = 1;

	unit_start(NULL);
	unit_map(unit_space, 0, 64, UNIT_RW);
	unit_fill(unit_space, 0, 64, 1);
	s[0] = unit_space;
	for (int step = 0; step < 200; step++) {
		unsigned int who;

		x = x * 6364136223846793005u + 1442695040888963407u;
		who = (unsigned int)(x >> 33) % n;
		if (n < 16 && step % 13 == 0)
			s[n++] = unit_fork(s[who]);
		else
			unit_put(s[who], x >> 58, 7);
	}
	for (unsigned int i = 0; i < n; i++) {
		struct pager_sharing sh = of(s[i], all);

		ck_assert_uint_eq(sh.private_pages + sh.shared_pages,
				  unit_info(s[i]).resident);
		weigh += sh.proportional;
	}
	/* A frame under a shared node and under others weighs more than once,
	 * but none weighs less, but for what division cuts off. */
	ck_assert_uint_ge(weigh + 16 * 64,
			  (unit_stats().frames_used - 1) * PAGE);
	unit_check();
	unit_end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    a_space_alone_is_all_private,
	    after_a_fork_everything_is_shared_in_equal_parts,
	    a_write_makes_one_page_private_and_the_parts_still_add_up,
	    an_objects_own_reference_is_no_holder,
	    zero_pages_are_shared_and_weigh_nothing,
	    a_wholly_shared_node_is_not_entered_whatever_lies_below,
	    random_forks_and_writes_lose_no_page_and_no_frame,
	};

	return UNIT_RUN("sharing", tests);
}
