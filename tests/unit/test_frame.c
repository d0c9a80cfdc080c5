/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The frame pool: references, limbo, zeroing, limits.
 */
#include "lib/core/frame.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/unit.h"

static struct pager_core *core;
static struct pager_account *account;

static void start(uint64_t frames)
{
	const struct test_world_config config = {.frames = frames};

	unit_start(&config);
	core = unit_world.core;
	account = unit_world.account;
}

START_TEST(a_frame_lives_as_long_as_its_references)
{
	uint32_t f;

	start(8);
	unit_ok(frame_reserve(core, account, 1));
	f = frame_take(core, account);
	ck_assert_uint_eq(frame_refs(core, f), 1);
	frame_get(core, f);
	frame_put(core, f);
	frame_drain(core);
	ck_assert_uint_eq(frame_state(core, f), FRAME_USED);
	ck_assert_uint_eq(unit_used(PAGER_RES_FRAMES), 1);
	frame_put(core, f);
	frame_drain(core);
	ck_assert_uint_eq(frame_state(core, f), FRAME_FREE);
	ck_assert_uint_eq(unit_used(PAGER_RES_FRAMES), 0);
	unit_end();
}
END_TEST

START_TEST(a_frame_without_references_is_not_reused_before_the_drain)
{
	uint32_t first, second, third;

	start(3);
	first = frame_take(core, account);
	frame_put(core, first);
	ck_assert_uint_eq(frame_state(core, first), FRAME_LIMBO);
	second = frame_take(core, account);
	ck_assert_uint_ne(second, first);
	ck_assert_uint_eq(unit_stats().frames_free, 0);
	frame_drain(core);
	ck_assert_uint_eq(unit_stats().frames_free, 1);
	unit_ok(frame_reserve(core, account, 1));
	third = frame_take(core, account);
	ck_assert_uint_eq(third, first);
	frame_put(core, second);
	frame_put(core, third);
	frame_drain(core);
	unit_end();
}
END_TEST

START_TEST(a_frame_taken_zeroed_reads_as_zero_whatever_it_held)
{
	static const uint8_t zero[PAGER_PAGE_SIZE];
	uint32_t f, again;

	start(8);
	f = frame_take_zeroed(core, account);
	ck_assert_mem_eq(frame_bytes(core, f), zero, sizeof(zero));
	memset(frame_bytes(core, f), 0xee, sizeof(zero));
	frame_put(core, f);
	frame_drain(core);
	again = frame_take_zeroed(core, account);
	ck_assert_uint_eq(again, f);
	ck_assert_mem_eq(frame_bytes(core, f), zero, sizeof(zero));
	frame_put(core, f);
	frame_drain(core);
	unit_end();
}
END_TEST

START_TEST(all_frames_but_the_zero_frame_can_be_taken_once)
{
	uint8_t seen[64] = {0};

	start(64);
	unit_ok(frame_reserve(core, account, 63));
	ck_assert_uint_eq(frame_reserve(core, account, 64).err, PAGER_ENOMEM);
	for (int i = 0; i < 63; i++) {
		uint32_t f = frame_take(core, account);

		ck_assert_uint_lt(f, 64);
		ck_assert_uint_ne(f, core->frames.zero);
		ck_assert_uint_eq(seen[f]++, 0);
	}
	ck_assert_uint_eq(unit_stats().frames_free, 0);
	ck_assert_uint_eq(frame_reserve(core, account, 1).err, PAGER_ENOMEM);
	unit_ok(frame_reserve(core, account, 0));
	for (uint32_t f = 0; f < 64; f++)
		if (seen[f])
			frame_put(core, f);
	frame_drain(core);
	ck_assert_uint_eq(unit_stats().frames_free, 63);
	ck_assert_uint_eq(unit_stats().frames_peak, 64);
	unit_end();
}
END_TEST

START_TEST(an_account_without_room_is_elimit_and_a_short_pool_enomem)
{
	start(8);
	unit_limit(PAGER_RES_FRAMES, 3);
	unit_ok(frame_reserve(core, account, 3));
	ck_assert_uint_eq(frame_reserve(core, account, 4).err, PAGER_ELIMIT);
	unit_ok(frame_reserve_pool(core, 7));
	ck_assert_uint_eq(frame_reserve_pool(core, 8).err, PAGER_ENOMEM);
	ck_assert_uint_eq(frame_reserve_pool(core, UINT64_MAX).err,
			  PAGER_ENOMEM);
	unit_limit(PAGER_RES_FRAMES, 0);
	unit_ok(frame_reserve(core, account, 0));
	unit_no_limits();
	unit_end();
}
END_TEST

START_TEST(a_limit_set_below_what_is_used_gives_no_room)
{
	uint32_t f;

	start(8);
	f = frame_take(core, account);
	unit_limit(PAGER_RES_FRAMES, 0);
	ck_assert_uint_eq(frame_reserve(core, account, 1).err, PAGER_ELIMIT);
	ck_assert_uint_eq(frame_reserve(core, account, UINT64_MAX).err,
			  PAGER_ELIMIT);
	frame_put(core, f);
	frame_drain(core);
	unit_no_limits();
	unit_end();
}
END_TEST

START_TEST(the_zero_frame_is_immortal_and_charged_to_nobody)
{
	start(8);
	ck_assert_uint_eq(unit_stats().frames_used, 1);
	ck_assert_uint_eq(unit_used(PAGER_RES_FRAMES), 0);
	unit_map(unit_space, 100, 3, UNIT_RW);
	for (uint64_t v = 100; v < 103; v++)
		unit_fault(unit_space, v, PAGER_ACCESS_READ);
	unit_check();
	unit_unmap(unit_space, 100, 3);
	ck_assert_uint_eq(unit_stats().frames_used, 1);
	ck_assert_uint_eq(frame_refs(core, core->frames.zero), 1);
	unit_end();
}
END_TEST

START_TEST(physical_addresses_and_frames_are_one_to_one)
{
	start(8);
	for (uint32_t f = 0; f < 8; f++) {
		ck_assert_uint_eq(frame_of(frame_entry(f)), f);
		ck_assert_uint_eq(frame_from_pfn(core, pte_pfn(frame_entry(f))),
				  f);
	}
	ck_assert_uint_eq(frame_from_pfn(core, pte_pfn(frame_entry(8))),
			  FRAME_NONE);
	ck_assert_uint_eq(
	    frame_from_pfn(core, (struct pager_pfn){PAGER_ARENA_BASE_PFN}),
	    FRAME_NONE);
	unit_end();
}
END_TEST

START_TEST(a_pool_without_memory_has_no_bytes)
{
	const struct test_world_config config = {.frames = UINT64_C(1) << 26,
						 .no_memory = true};
	struct pager_access_stop why;
	struct pager_status st;
	uint64_t done;
	uint8_t byte = 1;

	unit_start(&config);
	core = unit_world.core;
	unit_map(unit_space, 100, 2, UNIT_RW);
	ck_assert_uint_eq(
	    unit_fault(unit_space, 100, PAGER_ACCESS_WRITE).result,
	    PAGER_FAULT_INSTALLED);
	ck_assert_ptr_null(
	    frame_bytes(core, frame_of(unit_page(unit_space, 100).entry)));
	st = pager_space_write(unit_space, 0, pager_vpn_to_va(100), &byte, 1,
			       &done, &why);
	ck_assert_uint_eq(st.err, PAGER_ENODATA);
	ck_assert_uint_eq(done, 0);
	pager_space_free(unit_fork(unit_space));
	unit_fork(unit_space);
	ck_assert_uint_eq(
	    unit_fault(unit_space, 100, PAGER_ACCESS_WRITE).copied, 1);
	ck_assert_uint_eq(unit_stats().frames_used, 1 + 2);
	unit_end();
}
END_TEST

static void *refuse(void *ctx, size_t bytes)
{
	(void)ctx;
	(void)bytes;
	return NULL;
}

static void *give(void *ctx, size_t bytes)
{
	int *left = ctx;
	void *p;

	if ((*left)-- <= 0)
		return NULL;
	p = aligned_alloc(64, (bytes + 63) & ~(size_t)63);
	memset(p, 0, bytes);
	return p;
}

static void take_back(void *ctx, void *p, size_t bytes)
{
	(void)ctx;
	(void)bytes;
	free(p);
}

START_TEST(a_machine_outside_the_limits_or_without_memory_is_refused)
{
	static uint8_t tables[16 * PAGER_PAGE_SIZE]
	    __attribute__((aligned(PAGER_PAGE_SIZE)));
	int left = 0;
	struct pager_core_config c = {
	    .host = {&left, refuse, take_back},
	    .frames = 8,
	    .nodes = 16,
	    .tables = tables,
	};
	static const uint64_t bad_frames[] = {0, 1, (UINT64_C(1) << 32) - 1,
					      UINT64_MAX};
	static const uint64_t bad_nodes[] = {0, 15, (UINT64_C(1) << 22) - 1,
					     UINT64_MAX};
	struct pager_core *made = NULL;

	for (int i = 0; i < 4; i++) {
		c.frames = bad_frames[i];
		ck_assert_ptr_null(pager_core_new(&c));
	}
	c.frames = 8;
	for (int i = 0; i < 4; i++) {
		c.nodes = bad_nodes[i];
		ck_assert_ptr_null(pager_core_new(&c));
	}
	c.nodes = 16;
	c.tables = NULL;
	ck_assert_ptr_null(pager_core_new(&c));
	c.tables = tables;
	ck_assert_ptr_null(pager_core_new(&c));
	c.host.alloc = give;
	/* Each of its allocations fails in turn. */
	for (int n = 0; !made; n++) {
		left = n;
		made = pager_core_new(&c);
		ck_assert(made == NULL || n >= 8);
	}
	pager_core_free(made);
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    a_frame_lives_as_long_as_its_references,
	    a_frame_without_references_is_not_reused_before_the_drain,
	    a_frame_taken_zeroed_reads_as_zero_whatever_it_held,
	    all_frames_but_the_zero_frame_can_be_taken_once,
	    an_account_without_room_is_elimit_and_a_short_pool_enomem,
	    a_limit_set_below_what_is_used_gives_no_room,
	    the_zero_frame_is_immortal_and_charged_to_nobody,
	    physical_addresses_and_frames_are_one_to_one,
	    a_pool_without_memory_has_no_bytes,
	    a_machine_outside_the_limits_or_without_memory_is_refused,
	};

	return UNIT_RUN("frame", tests);
}
