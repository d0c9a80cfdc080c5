/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages as they are: what holds something is found, whatever may be done with
 * it; looking changes nothing.
 */
#include "tests/support/unit.h"

enum { PAGE = PAGER_PAGE_SIZE };

static uint8_t bytes[16 * PAGE];
static struct pager_peek_info got;

static struct pager_status peek(uint64_t start, uint64_t pages,
				enum pager_peek what, uint64_t max)
{
	return pager_space_peek(unit_space, pager_range(start, start + pages),
				what, bytes, max, &got);
}

/* A peek finds a run of pages, whose first bytes are value, value + 1, ... */
#define finds(start, len, what, at, n, value)                       \
	do {                                                        \
		unit_ok(peek(start, len, what, 16));                \
		ck_assert_uint_eq(got.first, at);                   \
		ck_assert_uint_eq(got.pages, n);                    \
		ck_assert_uint_eq(got.next, (at) + (n));            \
		for (unsigned int i_ = 0; i_ < (n); i_++)           \
			ck_assert_uint_eq(bytes[(size_t)i_ * PAGE], \
					  ((value) + i_) & 0xff);   \
	} while (0)

#define finds_nothing(start, len, what)                       \
	do {                                                  \
		unit_ok(peek(start, len, what, 16));          \
		ck_assert_uint_eq(got.pages, 0);              \
		ck_assert_uint_eq(got.next, (start) + (len)); \
	} while (0)

START_TEST(runs_of_written_pages_are_found_one_by_one)
{
	unit_start(NULL);
	unit_map(unit_space, 100, 10000, UNIT_RW);
	finds_nothing(0, 20000, PAGER_PEEK_ALL);
	unit_fill(unit_space, 3000, 5, 1);
	unit_fill(unit_space, 3006, 1, 9);
	finds(0, 20000, PAGER_PEEK_ALL, 3000, 5, 1);
	finds(3005, 5000, PAGER_PEEK_OWN, 3006, 1, 9);
	finds_nothing(3007, 90, PAGER_PEEK_ALL);
	finds_nothing(0, 20000, PAGER_PEEK_OBJECT);
	finds(3002, 2, PAGER_PEEK_ALL, 3002, 2, 3);
	unit_end();
}
END_TEST

START_TEST(no_more_than_there_is_room_for)
{
	unit_start(NULL);
	unit_map(unit_space, 100, 100, UNIT_RW);
	unit_fill(unit_space, 110, 20, 1);
	unit_ok(peek(100, 100, PAGER_PEEK_ALL, 15));
	ck_assert(got.first == 110 && got.pages == 15 && got.next == 125);
	finds(125, 75, PAGER_PEEK_ALL, 125, 5, 16);
	unit_end();
}
END_TEST

START_TEST(zero_pages_hold_nothing)
{
	unit_start(NULL);
	unit_map(unit_space, 100, 100, UNIT_RW);
	ck_assert_uint_eq(unit_get(unit_space, 120), 0);
	finds_nothing(100, 100, PAGER_PEEK_ALL);
	unit_end();
}
END_TEST

START_TEST(pages_that_nobody_may_look_at_are_found)
{
	char *before;

	unit_start(NULL);
	unit_map(unit_space, 100, 100, UNIT_RW);
	unit_fill(unit_space, 150, 3, 7);
	unit_protect(unit_space, 100, 100, 0);
	before = unit_picture();
	finds(0, 1000, PAGER_PEEK_ALL, 150, 3, 7);
	unit_unchanged(before, "peek");
	unit_end();
}
END_TEST

START_TEST(looking_installs_nothing_and_marks_nothing)
{
	char *before;

	unit_start(NULL);
	unit_map(unit_space, 100, 100, UNIT_RW);
	unit_fill(unit_space, 150, 3, 7);
	pager_space_harvest(unit_space, pager_range(100, 200));
	before = unit_picture();
	finds(0, 1000, PAGER_PEEK_ALL, 150, 3, 7);
	unit_unchanged(before, "peek");
	ck_assert_uint_eq(
	    pager_space_harvest(unit_space, pager_range(100, 200)).accessed, 0);
	unit_end();
}
END_TEST

START_TEST(large_entries_are_pages)
{
	unit_start(NULL);
	unit_ok(pager_space_set_around(unit_space, PAGER_AROUND_2M));
	unit_map(unit_space, 1024, 1024, UNIT_RW);
	unit_put(unit_space, 1500, 5);
	unit_ok(peek(1024, 1024, PAGER_PEEK_OWN, 4));
	ck_assert(got.first == 1024 && got.pages == 4);
	finds(1500, 1, PAGER_PEEK_ALL, 1500, 1, 5);
	unit_end();
}
END_TEST

START_TEST(private_copies_and_the_object_below_them_are_told_apart)
{
	struct pager_object *object;

	unit_start(NULL);
	object = unit_object(20);
	for (uint8_t i = 4; i < 10; i++)
		unit_object_put(object, i, (uint8_t)(100 + i));
	unit_map_object(unit_space, 500, 10, UNIT_RW, 0, object, 2);
	unit_put(unit_space, 503, 1); /* object page 5 */
	finds(0, 1000, PAGER_PEEK_OWN, 503, 1, 1);
	finds(0, 1000, PAGER_PEEK_OBJECT, 502, 6, 104);
	unit_ok(peek(0, 1000, PAGER_PEEK_ALL, 16));
	ck_assert(got.first == 502 && got.pages == 6);
	ck_assert_uint_eq(bytes[0], 104);
	ck_assert_uint_eq(bytes[PAGE], 1);
	ck_assert_uint_eq(bytes[2 * PAGE], 106);
	/* A page beyond those of the object that are there. */
	unit_put(unit_space, 509, 3);
	finds(508, 100, PAGER_PEEK_ALL, 509, 1, 3);
	unit_end();
}
END_TEST

START_TEST(pages_that_others_wrote_are_seen_through_a_shared_region)
{
	struct pager_object *object;

	unit_start(NULL);
	object = unit_object(20);
	unit_map_object(unit_space, 500, 20, 0, PAGER_MAP_SHARED, object, 0);
	unit_object_put(object, 7, 77);
	finds(0, 1000, PAGER_PEEK_ALL, 507, 1, 77);
	finds_nothing(0, 1000, PAGER_PEEK_OWN);
	ck_assert_uint_eq(unit_info(unit_space).object, 0);
	unit_end();
}
END_TEST

START_TEST(where_the_object_ends_is_told)
{
	struct pager_object *object;

	unit_start(NULL);
	object = unit_object(5);
	unit_object_put(object, 1, 9);
	unit_map_object(unit_space, 500, 10, UNIT_R, 0, object, 0);
	finds(0, 1000, PAGER_PEEK_ALL, 501, 1, 9);
	ck_assert_uint_eq(got.unbacked, 0);
	finds_nothing(502, 3, PAGER_PEEK_ALL);
	ck_assert_uint_eq(got.unbacked, 0);
	finds_nothing(502, 100, PAGER_PEEK_ALL);
	ck_assert_uint_eq(got.unbacked, 505);
	finds_nothing(507, 100, PAGER_PEEK_OBJECT);
	ck_assert_uint_eq(got.unbacked, 507);
	unit_end();
}
END_TEST

START_TEST(what_is_wrong_is_refused)
{
	unit_start(NULL);
	unit_refused(peek(5, 0, PAGER_PEEK_ALL, 1), PAGER_EINVAL,
		     PAGER_ARG_LEN);
	unit_refused(peek(5, 1, (enum pager_peek)3, 1), PAGER_EINVAL,
		     PAGER_ARG_FLAGS);
	unit_end();
}
END_TEST

START_TEST(without_memory_there_is_nothing_to_look_at)
{
	unit_start(&(struct test_world_config){.no_memory = true});
	unit_map(unit_space, 100, 10, UNIT_RW);
	finds_nothing(0, 1000, PAGER_PEEK_ALL);
	unit_fault(unit_space, 105, PAGER_ACCESS_WRITE);
	unit_refused(peek(0, 1000, PAGER_PEEK_ALL, 1), PAGER_ENODATA,
		     PAGER_ARG_ADDR);
	unit_end();
}
END_TEST

START_TEST(a_long_way_is_gone_in_several_peeks)
{
	uint64_t at = 0, peeks = 0;

	unit_start(&(struct test_world_config){.nodes = 400});
	unit_map(unit_space, 0, 70000, UNIT_R);
	unit_advise(unit_space, 0, 70000, PAGER_ADV_WILLNEED);
	unit_map(unit_space, 69999, 1, UNIT_RW);
	unit_put(unit_space, 69999, 3);
	do {
		unit_ok(peek(at, 70000 - at, PAGER_PEEK_OBJECT, 1));
		ck_assert_uint_gt(got.next, at);
		at = got.next;
	} while (at < 70000);
	at = 0;
	do {
		unit_ok(peek(at, 70000 - at, PAGER_PEEK_ALL, 1));
		ck_assert_uint_gt(got.next, at);
		at = got.next;
		peeks++;
	} while (!got.pages);
	ck_assert_uint_eq(got.first, 69999);
	unit_end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    runs_of_written_pages_are_found_one_by_one,
	    no_more_than_there_is_room_for,
	    zero_pages_hold_nothing,
	    pages_that_nobody_may_look_at_are_found,
	    looking_installs_nothing_and_marks_nothing,
	    large_entries_are_pages,
	    private_copies_and_the_object_below_them_are_told_apart,
	    pages_that_others_wrote_are_seen_through_a_shared_region,
	    where_the_object_ends_is_told,
	    what_is_wrong_is_refused,
	    without_memory_there_is_nothing_to_look_at,
	    a_long_way_is_gone_in_several_peeks,
	};

	return UNIT_RUN("peek", tests);
}
