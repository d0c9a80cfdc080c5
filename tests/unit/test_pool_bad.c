/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bad input to pools, and a world that does not play along: refused with the
 * field that is wrong, or retried as the rules say; and no frame is lost.
 */
#include <errno.h>
#include <string.h>

#include "lib/core/internal.h"
#include "tests/support/unit.h"

enum { BLOCK = 1024, SUB = 512, BOOT = 2048 };

#define AT   UINT64_C(2048)
#define SPAN (AT + 16 * BLOCK)

static struct pager_core *core;
static struct pager_pool *pool; /* "p", at AT, of four memory blocks */

static struct pager_pool_config good(uint64_t at, uint64_t blocks,
				     const char *name)
{
	struct pager_pool_config c = {
	    .addr = at,
	    .region = blocks * BLOCK,
	    .retry_ms = 10,
	    .retry_max_ms = 80,
	    .policy = {.movable_only = true},
	};

	strcpy(c.name, name);
	return c;
}

static void start(void)
{
	const struct pager_pool_config c = good(AT, 4, "p");
	const struct test_world_config config = {
	    .frames = BOOT,
	    .span = SPAN,
	    .memory_block = BLOCK,
	    .pools = &c,
	    .pool_count = 1,
	};

	unit_start(&config);
	core = unit_world.core;
	pool = pager_pool_find(core, "p");
	test_world_work(&unit_world);
}

static struct pager_pool_info info(void)
{
	struct pager_pool_info i;

	pager_pool_info(pool, unit_world.now_ms, &i);
	return i;
}

static struct pager_status new_pool(const struct pager_pool_config *c)
{
	struct pager_pool *out = NULL;
	struct pager_status st = pager_pool_new(core, c, &out);

	ck_assert((st.err == PAGER_OK) == (out != NULL));
	return st;
}

/* A good configuration with one thing wrong is refused for that. */
#define REFUSED(change, error, argument)                                   \
	do {                                                               \
		struct pager_pool_config c = good(AT + 8 * BLOCK, 4, "q"); \
		change;                                                    \
		unit_refused(new_pool(&c), error, argument);               \
	} while (0)

START_TEST(a_pool_of_wrong_sizes_or_places_is_refused)
{
	start();
	REFUSED(c.addr += SUB, PAGER_EALIGN, PAGER_ARG_ADDR);
	REFUSED(c.addr = 1, PAGER_EALIGN, PAGER_ARG_ADDR);
	REFUSED(c.region = 0, PAGER_EINVAL, PAGER_ARG_SIZE);
	REFUSED(c.region += SUB, PAGER_EALIGN, PAGER_ARG_SIZE);
	REFUSED(c.addr = SPAN, PAGER_ERANGE, PAGER_ARG_ADDR);
	REFUSED(c.region = 16 * BLOCK, PAGER_ERANGE, PAGER_ARG_SIZE);
	REFUSED(c.region = UINT64_MAX - BLOCK + 1, PAGER_ERANGE,
		PAGER_ARG_SIZE);
	REFUSED(c.addr = UINT64_MAX - BLOCK + 1, PAGER_ERANGE, PAGER_ARG_ADDR);
	REFUSED(c.block = 511, PAGER_EINVAL, PAGER_ARG_SIZE);
	REFUSED(c.block = UINT64_C(1) << 63, PAGER_EINVAL, PAGER_ARG_SIZE);
	REFUSED(c.block = 8 * BLOCK, PAGER_EINVAL, PAGER_ARG_SIZE);
	REFUSED((c.addr += BLOCK, c.block = 2 * BLOCK), PAGER_EALIGN,
		PAGER_ARG_ADDR);
	REFUSED((c.region += BLOCK, c.block = 2 * BLOCK), PAGER_EALIGN,
		PAGER_ARG_SIZE);
	REFUSED(c.requested = 1, PAGER_EALIGN, PAGER_ARG_SIZE);
	REFUSED(c.requested = 5 * BLOCK, PAGER_ERANGE, PAGER_ARG_SIZE);
	REFUSED(c.grow_max = 1, PAGER_EALIGN, PAGER_ARG_SIZE);
	REFUSED(c.grow_max = 5 * BLOCK, PAGER_ERANGE, PAGER_ARG_SIZE);
	REFUSED(c.retry_ms = UINT64_MAX, PAGER_EINVAL, PAGER_ARG_LIMITS);
	REFUSED(c.retry_max_ms = UINT64_MAX, PAGER_EINVAL, PAGER_ARG_LIMITS);
	REFUSED(c.mode = 3, PAGER_EINVAL, PAGER_ARG_FLAGS);
	REFUSED((c.mode = PAGER_POOL_MODE_SBM, c.block = 2 * BLOCK),
		PAGER_EINVAL, PAGER_ARG_SIZE);
	REFUSED((c.mode = PAGER_POOL_MODE_BBM, c.big_block = SUB), PAGER_EINVAL,
		PAGER_ARG_SIZE);
	REFUSED((c.mode = PAGER_POOL_MODE_BBM, c.big_block = 3 * BLOCK),
		PAGER_EINVAL, PAGER_ARG_SIZE);
	REFUSED((c.mode = PAGER_POOL_MODE_BBM, c.big_block = 8 * BLOCK),
		PAGER_EINVAL, PAGER_ARG_SIZE);
	unit_end();
}
END_TEST

START_TEST(a_region_that_holds_no_whole_big_block_is_refused)
{
	start();
	REFUSED((c.addr = AT + 7 * BLOCK, c.mode = PAGER_POOL_MODE_BBM,
		 c.big_block = 4 * BLOCK),
		PAGER_EINVAL, PAGER_ARG_SIZE);
	unit_end();
}
END_TEST

START_TEST(a_pool_over_another_or_over_boot_memory_is_refused)
{
	start();
	REFUSED(c.addr = AT, PAGER_EEXIST, PAGER_ARG_ADDR);
	REFUSED(c.addr = AT + 3 * BLOCK, PAGER_EEXIST, PAGER_ARG_ADDR);
	REFUSED((c.addr = AT - BLOCK, c.region = BLOCK), PAGER_EEXIST,
		PAGER_ARG_ADDR);
	REFUSED((c.addr = 0, c.region = 16 * BLOCK), PAGER_EEXIST,
		PAGER_ARG_ADDR);
	unit_end();
}
END_TEST

START_TEST(a_pool_over_the_arena_is_refused)
{
	const struct test_world_config config = {
	    .frames = BOOT,
	    .span = PAGER_ARENA_END_PFN + 4 * BLOCK,
	    .memory_block = BLOCK,
	    .no_memory = true,
	};

	unit_start(&config);
	core = unit_world.core;
	REFUSED(c.addr = PAGER_ARENA_BASE_PFN, PAGER_ERANGE, PAGER_ARG_ADDR);
	REFUSED(c.addr = PAGER_ARENA_BASE_PFN - BLOCK, PAGER_ERANGE,
		PAGER_ARG_ADDR);
	REFUSED(c.addr = PAGER_ARENA_END_PFN - BLOCK, PAGER_ERANGE,
		PAGER_ARG_ADDR);
	REFUSED((c.addr = AT, c.region = PAGER_ARENA_END_PFN), PAGER_ERANGE,
		PAGER_ARG_ADDR);
	unit_end();
}
END_TEST

START_TEST(pools_below_and_above_the_arena_are_fine)
{
	const struct test_world_config config = {
	    .frames = BOOT,
	    .span = PAGER_ARENA_END_PFN + 4 * BLOCK,
	    .memory_block = BLOCK,
	    .no_memory = true,
	};
	struct pager_pool_config c;

	unit_start(&config);
	core = unit_world.core;
	c = good(PAGER_ARENA_BASE_PFN - 4 * BLOCK, 4, "below");
	unit_ok(new_pool(&c));
	c = good(PAGER_ARENA_END_PFN, 4, "above");
	c.requested = 4 * BLOCK;
	unit_ok(new_pool(&c));
	test_world_settle(&unit_world, 2);
	pool = pager_pool_find(core, "above");
	ck_assert_uint_eq(info().online, 4 * BLOCK);
	unit_end();
}
END_TEST

START_TEST(a_name_must_be_one_and_new)
{
	start();
	REFUSED(c.name[0] = 0, PAGER_EINVAL, PAGER_ARG_NAME);
	REFUSED(memset(c.name, 'x', sizeof(c.name)), PAGER_EINVAL,
		PAGER_ARG_NAME);
	REFUSED(strcpy(c.name, "p"), PAGER_EEXIST, PAGER_ARG_NAME);
	REFUSED(strcpy(c.name, "boot"), PAGER_EEXIST, PAGER_ARG_NAME);
	unit_end();
}
END_TEST

START_TEST(there_are_at_most_64_pools)
{
	const struct test_world_config config = {
	    .frames = BOOT, .span = AT + 64 * SUB, .memory_block = SUB};
	struct pager_pool_config c = good(AT, 1, "n00");

	unit_start(&config);
	core = unit_world.core;
	c.region = SUB;
	for (unsigned int i = 1; i < 64; i++) {
		c.name[1] = (char)('0' + i / 10);
		c.name[2] = (char)('0' + i % 10);
		unit_ok(new_pool(&c));
		c.addr += SUB;
	}
	strcpy(c.name, "more");
	unit_refused(new_pool(&c), PAGER_ELIMIT, PAGER_ARG_NONE);
	unit_ok(pager_pool_free(pager_pool_find(core, "n07")));
	unit_ok(new_pool(&c));
	unit_end();
}
END_TEST

/* --- wishes ----------------------------------------------------------------
 */

START_TEST(a_size_must_be_of_blocks_and_inside_the_region)
{
	start();
	unit_refused(pager_pool_resize(pool, 1), PAGER_EALIGN, PAGER_ARG_SIZE);
	unit_refused(pager_pool_resize(pool, SUB - 1), PAGER_EALIGN,
		     PAGER_ARG_SIZE);
	unit_refused(pager_pool_resize(pool, 4 * BLOCK + SUB), PAGER_ERANGE,
		     PAGER_ARG_SIZE);
	unit_refused(pager_pool_resize(pool, UINT64_MAX), PAGER_EALIGN,
		     PAGER_ARG_SIZE);
	unit_refused(pager_pool_resize(pool, UINT64_MAX - SUB + 1),
		     PAGER_ERANGE, PAGER_ARG_SIZE);
	unit_refused(pager_pool_set_grow(pool, 1), PAGER_EALIGN,
		     PAGER_ARG_SIZE);
	unit_refused(pager_pool_set_grow(pool, 5 * BLOCK), PAGER_ERANGE,
		     PAGER_ARG_SIZE);
	unit_refused(pager_pool_set_grow(pool, UINT64_MAX - SUB + 1),
		     PAGER_ERANGE, PAGER_ARG_SIZE);
	unit_end();
}
END_TEST

START_TEST(a_refused_size_does_not_disturb_the_one_worked_on)
{
	uint64_t due;

	start();
	unit_ok(pager_pool_resize(pool, 4 * BLOCK));
	while (info().plugged == 0)
		ck_assert(pager_core_work(core, 0, &due));
	unit_refused(pager_pool_resize(pool, 8 * BLOCK), PAGER_ERANGE,
		     PAGER_ARG_SIZE);
	test_world_settle(&unit_world, 2);
	ck_assert_uint_eq(info().plugged, 4 * BLOCK);
	unit_end();
}
END_TEST

START_TEST(every_wish_may_come_while_another_is_worked_on)
{
	static const unsigned int wish[] = {4, 0, 3, 1, 4, 2, 0, 4, 0, 1};
	uint64_t due;

	start();
	unit_map(unit_space, 0, 500, UNIT_RW);
	unit_fill(unit_space, 0, 500, 1);
	for (unsigned int i = 0; i < 100; i++) {
		uint64_t pages = wish[i % 10] * BLOCK + i % 2 * SUB;

		if (pages > 4 * BLOCK)
			pages = 4 * BLOCK;
		unit_ok(pager_pool_resize(pool, pages));
		for (unsigned int step = 0; step < i % 7; step++) {
			pager_core_work(core, 0, &due);
			unit_check();
		}
		if (i == 50)
			unit_fill(unit_space, 0, 500, 1);
	}
	for (unsigned int i = 0; i < 500; i++)
		ck_assert_uint_eq(unit_get(unit_space, i), (uint8_t)(1 + i));
	unit_ok(pager_pool_resize(pool, 0));
	test_world_settle(&unit_world, 20);
	ck_assert_uint_eq(info().plugged, 0);
	ck_assert_uint_eq(unit_world.backing.committed, 0);
	unit_end();
}
END_TEST

START_TEST(a_block_by_hand_must_be_one_of_the_pool_and_be_there)
{
	start();
	unit_ok(pager_pool_resize(pool, BLOCK));
	test_world_settle(&unit_world, 2);
	unit_refused(pager_pool_offline(pool, AT + BLOCK), PAGER_ENOENT,
		     PAGER_ARG_ADDR);
	unit_refused(pager_pool_online(pool, AT + BLOCK, VMEM_ZONE_KERNEL),
		     PAGER_ENOENT, PAGER_ARG_ADDR);
	unit_refused(pager_pool_offline(pool, AT + SUB), PAGER_EALIGN,
		     PAGER_ARG_ADDR);
	unit_refused(pager_pool_offline(pool, AT + 1), PAGER_EALIGN,
		     PAGER_ARG_ADDR);
	unit_refused(pager_pool_offline(pool, AT - BLOCK), PAGER_ERANGE,
		     PAGER_ARG_ADDR);
	unit_refused(pager_pool_offline(pool, AT + 4 * BLOCK), PAGER_ERANGE,
		     PAGER_ARG_ADDR);
	unit_refused(pager_pool_offline(pool, UINT64_MAX), PAGER_ERANGE,
		     PAGER_ARG_ADDR);
	unit_refused(pager_pool_online(pool, 0, VMEM_ZONE_KERNEL), PAGER_ERANGE,
		     PAGER_ARG_ADDR);
	unit_ok(pager_pool_offline(pool, AT));
	unit_refused(pager_pool_online(pool, AT, (enum vmem_zone)2),
		     PAGER_EINVAL, PAGER_ARG_FLAGS);
	unit_end();
}
END_TEST

START_TEST(a_machine_with_a_wrong_memory_block_or_span_is_refused)
{
	static const struct {
		uint64_t frames, span, block;
	} bad[] = {
	    {BOOT, SPAN, 511},
	    {BOOT, SPAN, 1},
	    {BOOT, SPAN, 768},
	    {BOOT, SPAN, UINT64_MAX},
	    {BOOT, BOOT - 1, BLOCK},
	    {BOOT, UINT64_MAX, BLOCK},
	    {BOOT, UINT64_C(1) << 32, BLOCK},
	};
	struct pager_core_config c = {0};

	unit_start(NULL);
	c.host = unit_world.core->host;
	c.nodes = 64;
	c.tables = unit_world.tables;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		c.frames = bad[i].frames;
		c.span = bad[i].span;
		c.memory_block = bad[i].block;
		ck_assert_ptr_null(pager_core_new(&c));
	}
	unit_end();
}
END_TEST

/* --- a backing that does not play along -------------------------------------
 */

START_TEST(a_backing_without_room_is_asked_again_later_and_later)
{
	static const unsigned int wait[] = {10, 20, 40, 80, 80};

	start();
	unit_world.backing.commit_error = -ENOSPC;
	unit_ok(pager_pool_resize(pool, 2 * BLOCK));
	test_world_work(&unit_world);
	for (unsigned int i = 0; i < 5; i++) {
		ck_assert_uint_eq(info().plugged, 0);
		ck_assert(info().working && !info().broken);
		ck_assert_uint_eq(info().next_try, wait[i]);
		test_world_settle(&unit_world, 1);
	}
	unit_world.backing.commit_error = 0;
	test_world_settle(&unit_world, 1);
	ck_assert_uint_eq(info().plugged, 2 * BLOCK);
	ck_assert_uint_eq(info().next_try, 0);
	unit_end();
}
END_TEST

START_TEST(a_backing_with_too_little_room_gives_what_it_has)
{
	start();
	unit_world.backing.room = BLOCK + SUB;
	unit_ok(pager_pool_resize(pool, 4 * BLOCK));
	test_world_settle(&unit_world, 3);
	ck_assert_uint_le(info().plugged, BLOCK + SUB);
	ck_assert_uint_ge(info().plugged, BLOCK);
	ck_assert_uint_eq(info().plugged, unit_world.backing.committed);
	unit_end();
}
END_TEST

START_TEST(a_backing_that_keeps_its_memory_keeps_it_plugged)
{
	start();
	unit_ok(pager_pool_resize(pool, 2 * BLOCK));
	test_world_settle(&unit_world, 1);
	unit_map(unit_space, 0, 100, UNIT_RW);
	unit_fill(unit_space, 0, 100, 1);
	unit_world.backing.discard_error = -EIO;
	unit_ok(pager_pool_resize(pool, 0));
	test_world_settle(&unit_world, 5);
	ck_assert_uint_eq(info().plugged, 2 * BLOCK);
	ck_assert(info().working && !info().broken);
	unit_check();
	/* It can still be used. */
	unit_map(unit_space, 100, BOOT + BLOCK, UNIT_RW);
	unit_fill(unit_space, 100, BOOT + BLOCK, 1);
	unit_unmap(unit_space, 100, BOOT + BLOCK);
	unit_world.backing.discard_error = 0;
	test_world_settle(&unit_world, 5);
	ck_assert_uint_eq(info().plugged, 0);
	for (unsigned int i = 0; i < 100; i++)
		ck_assert_uint_eq(unit_get(unit_space, i), 1 + i);
	unit_end();
}
END_TEST

START_TEST(a_pool_that_is_still_shrinking_when_the_machine_ends_is_no_leak)
{
	uint64_t due;

	start();
	unit_ok(pager_pool_resize(pool, 4 * BLOCK));
	test_world_settle(&unit_world, 1);
	unit_ok(pager_pool_resize(pool, 0));
	pager_core_work(core, 0, &due);
	pager_core_work(core, 0, &due);
	unit_end();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	    a_pool_of_wrong_sizes_or_places_is_refused,
	    a_region_that_holds_no_whole_big_block_is_refused,
	    a_pool_over_another_or_over_boot_memory_is_refused,
	    a_pool_over_the_arena_is_refused,
	    pools_below_and_above_the_arena_are_fine,
	    a_name_must_be_one_and_new,
	    there_are_at_most_64_pools,
	    a_size_must_be_of_blocks_and_inside_the_region,
	    a_refused_size_does_not_disturb_the_one_worked_on,
	    every_wish_may_come_while_another_is_worked_on,
	    a_block_by_hand_must_be_one_of_the_pool_and_be_there,
	    a_machine_with_a_wrong_memory_block_or_span_is_refused,
	    a_backing_without_room_is_asked_again_later_and_later,
	    a_backing_with_too_little_room_gives_what_it_has,
	    a_backing_that_keeps_its_memory_keeps_it_plugged,
	    a_pool_that_is_still_shrinking_when_the_machine_ends_is_no_leak,
	};

	return UNIT_RUN("pool_bad", tests);
}
