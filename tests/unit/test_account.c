/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Accounts: exact charges, inclusive limits, a life as long as the last thing
 * charged, and changing who pays.
 */
#include <stdlib.h>

#include "lib/core/internal.h"
#include "tests/support/unit.h"

static uint64_t none[PAGER_RES_COUNT];

static struct pager_account *account(void)
{
	struct pager_account *a;

	for (int i = 0; i < PAGER_RES_COUNT; i++)
		none[i] = UINT64_MAX;
	a = pager_account_new(unit_world.core, none);
	ck_assert_ptr_nonnull(a);
	return a;
}

static struct pager_space *space_of(struct pager_account *a)
{
	struct pager_space *s = NULL;

	unit_ok(pager_space_new(unit_world.core, a, unit_world.mmu,
				pager_range(0, PAGER_VPN_END), NULL, &s));
	return s;
}

static void used(const struct pager_account *a, uint64_t spaces,
		 uint64_t objects, uint64_t regions, uint64_t pages,
		 uint64_t frames, uint64_t nodes)
{
	const uint64_t want[PAGER_RES_COUNT] = {
	    [PAGER_RES_SPACES] = spaces,   [PAGER_RES_OBJECTS] = objects,
	    [PAGER_RES_REGIONS] = regions, [PAGER_RES_PAGES] = pages,
	    [PAGER_RES_FRAMES] = frames,   [PAGER_RES_NODES] = nodes,
	};

	for (int i = 0; i < PAGER_RES_COUNT; i++)
		ck_assert_msg(pager_account_used(a, i) == want[i],
			      "resource %d: %llu, not %llu", i,
			      (unsigned long long)pager_account_used(a, i),
			      (unsigned long long)want[i]);
}

START_TEST(every_charge_is_made_and_taken_back)
{
	struct pager_account *a;
	struct pager_object *o = NULL;
	struct pager_space *s;

	unit_start(NULL);
	a = account();
	used(a, 0, 0, 0, 0, 0, 0);
	s = space_of(a);
	used(a, 1, 0, 0, 0, 0, 1);
	unit_ok(pager_object_new(unit_world.core, a, 100, &o));
	used(a, 1, 1, 0, 100, 0, 1);
	unit_map(s, 10, 20, UNIT_RW);
	used(a, 1, 1, 1, 120, 0, 1);
	unit_put(s, 15, 1);
	used(a, 1, 1, 1, 120, 1, 4);
	unit_get(s, 16);
	used(a, 1, 1, 1, 120, 1, 4);
	unit_map_object(s, 100, 10, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	unit_put(s, 100, 1);
	used(a, 1, 1, 2, 130, 2, 8);
	unit_protect(s, 12, 3, UNIT_R);
	used(a, 1, 1, 4, 130, 2, 8);
	unit_unmap(s, 10, 20);
	used(a, 1, 1, 1, 110, 1, 8);
	unit_ok(pager_object_resize(o, 0));
	used(a, 1, 1, 1, 10, 0, 2); /* the object keeps its root */
	pager_space_clear(s);
	used(a, 1, 1, 0, 0, 0, 2);
	pager_object_put(o);
	used(a, 1, 0, 0, 0, 0, 1);
	pager_space_free(s);
	used(a, 0, 0, 0, 0, 0, 0);
	pager_account_put(a);
	unit_end();
}
END_TEST

START_TEST(limits_are_inclusive)
{
	const struct pager_range range = pager_range(0, 10);
	struct pager_space *s, *more = NULL;
	struct pager_object *o = NULL;
	uint64_t at;

	unit_start(NULL);
	unit_limit(PAGER_RES_SPACES, 2);
	s = space_of(unit_world.account);
	unit_refused(pager_space_new(unit_world.core, unit_world.account,
				     unit_world.mmu, range, NULL, &more),
		     PAGER_ELIMIT, PAGER_ARG_NONE);
	unit_limit(PAGER_RES_NODES, 2);
	unit_refused(pager_space_new(unit_world.core, unit_world.account,
				     unit_world.mmu, range, NULL, &more),
		     PAGER_ELIMIT, PAGER_ARG_NONE);
	unit_limit(PAGER_RES_PAGES, 10);
	unit_map(s, 10, 10, UNIT_RW);
	unit_refused(unit_place(s, 100, 1, &at), PAGER_ELIMIT, PAGER_ARG_LEN);
	unit_limit(PAGER_RES_REGIONS, 1);
	unit_refused(unit_place(s, 100, 1, &at), PAGER_ELIMIT, PAGER_ARG_NONE);
	unit_limit(PAGER_RES_OBJECTS, 1);
	unit_object(1);
	unit_refused(
	    pager_object_new(unit_world.core, unit_world.account, 1, &o),
	    PAGER_ELIMIT, PAGER_ARG_NONE);
	unit_no_limits();
	unit_end();
}
END_TEST

START_TEST(a_limit_lowered_below_what_is_used_only_stops_more)
{
	struct pager_fault_info info;
	uint64_t at;

	unit_start(NULL);
	unit_map(unit_space, 10, 10, UNIT_RW);
	unit_fill(unit_space, 10, 5, 1);
	for (int i = 0; i < PAGER_RES_COUNT; i++)
		none[i] = 0;
	pager_account_set_limits(unit_world.account, none);
	ck_assert_uint_eq(unit_get(unit_space, 12), 3);
	unit_refused(unit_place(unit_space, 100, 1, &at), PAGER_ELIMIT,
		     PAGER_ARG_NONE);
	unit_refused(
	    pager_space_fault(unit_space, 15, PAGER_ACCESS_WRITE, &info),
	    PAGER_ELIMIT, PAGER_ARG_NONE);
	ck_assert_uint_eq(unit_get(unit_space, 16), 0); /* costs nothing */
	unit_protect(unit_space, 10, 10, UNIT_R);
	unit_unmap(unit_space, 10, 10);
	unit_no_limits();
	unit_end();
}
END_TEST

START_TEST(an_account_lives_until_the_last_frame_it_paid_is_gone)
{
	struct pager_account *a;
	struct pager_space *s, *child = NULL;

	unit_start(NULL);
	a = account();
	s = space_of(a);
	unit_map(s, 10, 4, UNIT_RW);
	unit_fill(s, 10, 4, 1);
	unit_ok(pager_space_fork(s, unit_world.account, &child));
	pager_account_put(a);
	pager_space_free(s);
	used(a, 0, 0, 0, 0, 4, 3); /* what the child still shares */
	unit_check();
	unit_put(child, 10, 9); /* its path is its own now, its page too */
	unit_unmap(child, 10, 3);
	used(a, 0, 0, 0, 0, 1, 3);
	ck_assert_uint_eq(unit_world.core->account_count, 2);
	pager_space_free(child);
	ck_assert_uint_eq(unit_world.core->account_count, 1);
	unit_end();
}
END_TEST

START_TEST(without_memory_there_is_no_account)
{
	unit_start(NULL);
	account(); /* sets no limits */
	unit_world.host_limit = unit_world.host_bytes;
	ck_assert_ptr_null(pager_account_new(unit_world.core, none));
	unit_world.host_limit = 0;
	pager_account_put(unit_world.core->accounts[1]);
	unit_end();
}
END_TEST

START_TEST(an_account_with_nothing_charged_dies_when_it_is_put)
{
	struct pager_account *a, *b;

	unit_start(NULL);
	a = account();
	b = account();
	ck_assert_uint_ne(a->id, b->id);
	ck_assert_uint_eq(unit_world.core->account_count, 3);
	pager_account_put(a);
	ck_assert_uint_eq(unit_world.core->account_count, 2);
	pager_account_put(b);
	unit_end();
}
END_TEST

START_TEST(there_are_65534_accounts_and_numbers_are_used_again)
{
	const uint32_t n = 65534 - 1;
	struct pager_account **a = calloc(n, sizeof(*a));

	ck_assert_ptr_nonnull(a);
	unit_start(NULL);
	for (uint32_t i = 0; i < n; i++)
		a[i] = account();
	ck_assert_ptr_null(pager_account_new(unit_world.core, none));
	unit_check();
	for (uint32_t i = 0; i < n; i += 2)
		pager_account_put(a[i]);
	for (uint32_t i = 0; i < n; i += 2)
		a[i] = account();
	ck_assert_ptr_null(pager_account_new(unit_world.core, none));
	for (uint32_t i = 0; i < n; i++)
		pager_account_put(a[i]);
	unit_check();
	unit_end();
	free(a);
}
END_TEST

START_TEST(recharge_moves_the_space_and_leaves_what_is_allocated)
{
	struct pager_account *a;

	unit_start(NULL);
	a = account();
	unit_map(unit_space, 10, 10, UNIT_RW);
	unit_map(unit_space, 30, 10, UNIT_R);
	unit_fill(unit_space, 10, 3, 1);
	unit_ok(pager_space_recharge(unit_space, a));
	unit_check();
	used(a, 1, 0, 2, 20, 0, 0);
	used(unit_world.account, 0, 0, 0, 0, 3, 4);
	unit_put(unit_space, 15, 1);
	used(a, 1, 0, 2, 20, 1, 0);
	unit_unmap(unit_space, 10, 10);
	used(a, 1, 0, 1, 10, 0, 0);
	used(unit_world.account, 0, 0, 0, 0, 0, 1);
	unit_unmap(unit_space, 30, 10);
	unit_map(unit_space, 0, 1, UNIT_RW);
	unit_put(unit_space, 0, 1);
	used(a, 1, 0, 1, 1, 1, 3);
	pager_space_free(unit_space);
	used(a, 0, 0, 0, 0, 0, 0);
	pager_account_put(a);
	unit_end();
}
END_TEST

START_TEST(recharge_without_room_changes_nothing)
{
	static const enum pager_resource each[] = {
	    PAGER_RES_SPACES, PAGER_RES_REGIONS, PAGER_RES_PAGES};
	static const uint64_t least[] = {1, 2, 20};
	struct pager_account *a;

	unit_start(NULL);
	a = account();
	unit_map(unit_space, 10, 10, UNIT_RW);
	unit_map(unit_space, 30, 10, UNIT_R);
	for (int i = 0; i < 3; i++) {
		for (int k = 0; k < PAGER_RES_COUNT; k++)
			none[k] = UINT64_MAX;
		none[each[i]] = least[i] - 1;
		pager_account_set_limits(a, none);
		unit_refused(pager_space_recharge(unit_space, a), PAGER_ELIMIT,
			     PAGER_ARG_NONE);
		none[each[i]] = least[i];
		pager_account_set_limits(a, none);
		unit_ok(pager_space_recharge(unit_space, a));
		unit_ok(pager_space_recharge(unit_space, a));
		unit_ok(pager_space_recharge(unit_space, unit_world.account));
	}
	pager_account_put(a);
	unit_end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    every_charge_is_made_and_taken_back,
	    limits_are_inclusive,
	    a_limit_lowered_below_what_is_used_only_stops_more,
	    an_account_lives_until_the_last_frame_it_paid_is_gone,
	    without_memory_there_is_no_account,
	    an_account_with_nothing_charged_dies_when_it_is_put,
	    there_are_65534_accounts_and_numbers_are_used_again,
	    recharge_moves_the_space_and_leaves_what_is_allocated,
	    recharge_without_room_changes_nothing,
	};

	return UNIT_RUN("account", tests);
}
