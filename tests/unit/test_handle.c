/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Handles: found, stale, of another type, never there, somebody else's; and
 * what happens when generations run out.
 */
#include "server/handle.h"

#include <stdlib.h>

#include "lib/base/failpoint.h"
#include "tests/support/unit.h"

#define SPACE  PAGER_HANDLE_SPACE
#define OBJECT PAGER_HANDLE_OBJECT

static int things[70000];

static uint64_t add(struct srv_handles *h, unsigned int type, int *thing)
{
	ck_assert_int_eq(srv_handles_reserve(h), 0);
	return srv_handles_add(h, type, thing);
}

static enum pager_error find(const struct srv_handles *h, uint64_t handle,
			     unsigned int type)
{
	void *thing = NULL;

	return srv_handles_find(h, handle, type, &thing, NULL);
}

static void expect(const struct srv_handles *h, uint64_t handle,
		   unsigned int type, int *thing)
{
	unsigned int found = 0;
	void *out = NULL;

	ck_assert_int_eq(srv_handles_find(h, handle, type, &out, &found),
			 PAGER_OK);
	ck_assert_ptr_eq(out, thing);
	ck_assert_uint_eq(found, handle & 3);
}

START_TEST(a_handle_finds_its_thing_and_no_other)
{
	struct srv_handles h;
	uint64_t a, b, c;

	srv_handles_init(&h, 7);
	ck_assert_int_eq(find(&h, 0, SPACE), PAGER_ENOENT);
	a = add(&h, SPACE, things);
	b = add(&h, OBJECT, things + 1);
	c = add(&h, PAGER_HANDLE_LOG, things + 2);
	ck_assert_uint_ne(a, 0);
	ck_assert_uint_ne(a, b);
	ck_assert_uint_eq(srv_handle_key(a), 7);
	expect(&h, a, SPACE, things);
	expect(&h, a, SRV_HANDLE_ANY, things);
	expect(&h, b, OBJECT, things + 1);
	expect(&h, c, PAGER_HANDLE_LOG, things + 2);
	expect(&h, c, SRV_HANDLE_ANY, things + 2);
	ck_assert_int_eq(find(&h, c, SPACE), PAGER_ETYPE);
	ck_assert_int_eq(find(&h, b, PAGER_HANDLE_LOG), PAGER_ETYPE);
	ck_assert_int_eq(find(&h, a, OBJECT), PAGER_ETYPE);
	ck_assert_int_eq(find(&h, b, SPACE), PAGER_ETYPE);
	ck_assert_uint_eq(h.live, 3);
	srv_handles_remove(&h, a);
	srv_handles_remove(&h, b);
	srv_handles_remove(&h, c);
	srv_handles_fini(&h);
}
END_TEST

START_TEST(a_removed_handle_is_stale_for_good)
{
	struct srv_handles h;
	uint64_t old[3], new;

	srv_handles_init(&h, 1);
	for (int i = 0; i < 3; i++) {
		old[i] = add(&h, SPACE, things);
		srv_handles_remove(&h, old[i]);
		for (int j = 0; j <= i; j++)
			ck_assert_int_eq(find(&h, old[j], SPACE), PAGER_ESTALE);
	}
	new = add(&h, OBJECT, things);
	for (int j = 0; j < 3; j++) {
		ck_assert_uint_ne(old[j], new);
		ck_assert_int_eq(find(&h, old[j], SPACE), PAGER_ESTALE);
		ck_assert_int_eq(find(&h, old[j], OBJECT), PAGER_ESTALE);
	}
	srv_handles_remove(&h, new);
	srv_handles_fini(&h);
}
END_TEST

START_TEST(a_made_up_handle_was_never_there)
{
	struct srv_handles h;
	uint64_t a;

	srv_handles_init(&h, 5);
	a = add(&h, SPACE, things);
	/* Next generation, next slot, last slot, other key, other type. */
	ck_assert_int_eq(find(&h, a + 4, SPACE), PAGER_ENOENT);
	ck_assert_int_eq(find(&h, a + (1 << 18), SPACE), PAGER_ENOENT);
	ck_assert_int_eq(find(&h, a | UINT64_C(0xfffff) << 18, SPACE),
			 PAGER_ENOENT);
	ck_assert_int_eq(find(&h, a ^ UINT64_C(1) << 38, SPACE), PAGER_ENOENT);
	ck_assert_int_eq(find(&h, (a & ~UINT64_C(3)) | OBJECT, OBJECT),
			 PAGER_ENOENT);
	ck_assert_int_eq(find(&h, a & ~UINT64_C(3), SRV_HANDLE_ANY),
			 PAGER_ENOENT);
	ck_assert_int_eq(find(&h, a - 4, SPACE), PAGER_ENOENT);
	ck_assert_int_eq(find(&h, UINT64_MAX, SPACE), PAGER_ENOENT);
	srv_handles_remove(&h, a);
	srv_handles_fini(&h);
}
END_TEST

START_TEST(somebody_elses_handle_was_never_there)
{
	struct srv_handles mine, yours;
	uint64_t a, b;

	srv_handles_init(&mine, 1);
	srv_handles_init(&yours, 2);
	a = add(&mine, SPACE, things);
	b = add(&yours, SPACE, things + 1);
	ck_assert_int_eq(find(&mine, b, SPACE), PAGER_ENOENT);
	srv_handles_remove(&yours, b);
	ck_assert_int_eq(find(&mine, b, SPACE), PAGER_ENOENT);
	srv_handles_remove(&mine, a);
	srv_handles_fini(&mine);
	srv_handles_fini(&yours);
}
END_TEST

START_TEST(seventy_thousand_at_once)
{
	static uint64_t handle[70000];
	struct srv_handles h;
	uint32_t index = 0;
	int *thing;

	srv_handles_init(&h, SRV_HANDLE_KEY_MAX);
	for (int i = 0; i < 70000; i++)
		handle[i] = add(&h, i & 1 ? SPACE : OBJECT, things + i);
	for (int i = 0; i < 70000; i++)
		expect(&h, handle[i], SRV_HANDLE_ANY, things + i);
	for (int i = 1; i < 70000; i += 2) {
		thing = srv_handles_next(&h, &index, SPACE);
		ck_assert_ptr_eq(thing, things + i);
		index++;
	}
	ck_assert_ptr_null(srv_handles_next(&h, &index, SPACE));
	for (int i = 0; i < 70000; i++)
		srv_handles_remove(&h, handle[i]);
	ck_assert_uint_eq(h.live, 0);
	srv_handles_fini(&h);
}
END_TEST

START_TEST(a_slot_is_given_up_before_its_generations_come_round)
{
	struct srv_handles h;
	uint64_t first, handle;

	srv_handles_init(&h, 1);
	first = handle = add(&h, SPACE, things);
	srv_handles_remove(&h, handle);
	for (unsigned int i = 1; i < 1u << SRV_HANDLE_GEN_BITS; i++) {
		handle = add(&h, SPACE, things);
		ck_assert_uint_ne(handle, first);
		srv_handles_remove(&h, handle);
	}
	ck_assert_uint_eq(h.used, 2);
	ck_assert_int_eq(find(&h, first, SPACE), PAGER_ESTALE);
	srv_handles_fini(&h);
}
END_TEST

START_TEST(without_a_slot_reserve_says_so)
{
	struct srv_handles h;
	uint64_t handle;

	srv_handles_init(&h, 1);
	h.used = h.capacity = 1u << SRV_HANDLE_INDEX_BITS;
	ck_assert_int_eq(srv_handles_reserve(&h), -1);
	srv_handles_init(&h, 1);
#ifdef PAGER_FAILPOINTS
	pager_fail_arm(1);
	ck_assert_int_eq(srv_handles_reserve(&h), -1);
	ck_assert_uint_eq(h.capacity, 0);
	pager_fail_arm(0);
#endif
	handle = add(&h, SPACE, things);
	srv_handles_remove(&h, handle);
	srv_handles_fini(&h);
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    a_handle_finds_its_thing_and_no_other,
	    a_removed_handle_is_stale_for_good,
	    a_made_up_handle_was_never_there,
	    somebody_elses_handle_was_never_there,
	    seventy_thousand_at_once,
	    a_slot_is_given_up_before_its_generations_come_round,
	    without_a_slot_reserve_says_so,
	};

	return UNIT_RUN("handle", tests);
}
