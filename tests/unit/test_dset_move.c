/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages that go from one set to another, against two arrays of bytes.
 */
#include <string.h>

#include "lib/core/dset.h"
#include "tests/support/rng.h"
#include "tests/support/unit.h"

enum { PAGES = 4 * DSET_BLOCK_PAGES + 777, ROUNDS = 60 };

static struct dset to, from;
static uint8_t in_to[PAGES], in_from[PAGES];

static void fill(struct rng *r, bool all)
{
	memset(in_from, 0, PAGES);
	for (unsigned int i = 0; i < 12; i++) {
		uint64_t at = rng_below(r, PAGES), n;
		uint64_t most = i % 2 ? 300 : PAGES / 4;

		if (most > PAGES - at)
			most = PAGES - at;
		n = rng_below(r, most + 1);
		dset_add_range(&from, at, n);
		memset(in_from + at, 1, n);
	}
	if (!all)
		return;
	dset_add_all(&from);
	memset(in_from, 1, PAGES);
}

static void same(const struct dset *s, const uint8_t *want)
{
	uint64_t n = 0;

	ck_assert_ptr_null(dset_check(s));
	for (uint64_t i = 0; i < PAGES; i++) {
		n += want[i];
		if (dset_test(s, i) != want[i])
			ck_abort_msg("page %u", (unsigned int)i);
	}
	ck_assert_uint_eq(s->count, n);
}

static void move(uint64_t first, uint64_t n)
{
	dset_move(&to, &from, first, n);
	for (uint64_t i = first; i < first + n; i++) {
		in_to[i] |= in_from[i];
		in_from[i] = 0;
	}
	same(&from, in_from);
	same(&to, in_to);
	ck_assert_uint_eq(unit_used(PAGER_RES_NODES), to.nodes + from.nodes);
}

START_TEST(pages_move_from_one_set_to_another)
{
	struct rng r = rng_new(77);

	unit_start(NULL);
	pager_space_free(unit_space);
	dset_init(&to, unit_world.core, unit_world.account, PAGES);
	memset(in_to, 0, PAGES);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		uint64_t first = rng_below(&r, PAGES) & ~UINT64_C(63);

		dset_init(&from, unit_world.core, unit_world.account, PAGES);
		fill(&r, round % 7 == 0);
		if (round % 3)
			move(first, rng_below(&r, PAGES - first + 1));
		else
			move(0, PAGES);
		dset_fini(&from);
		if (round % 3 == 2) {
			dset_remove_range(&to, 0, PAGES);
			memset(in_to, 0, PAGES);
		}
	}
	dset_fini(&to);
	unit_space = test_world_space(&unit_world, 0, 1024);
	unit_end();
}
END_TEST

START_TEST(whole_blocks_move_without_memory)
{
	unit_start(NULL);
	dset_init(&to, unit_world.core, unit_world.account, PAGES);
	dset_init(&from, unit_world.core, unit_world.account, PAGES);
	dset_add(&to, PAGES - 1);
	for (uint64_t i = 0; i < 4; i++)
		dset_add(&from, i * DSET_BLOCK_PAGES + i);
	unit_limit(PAGER_RES_NODES, unit_used(PAGER_RES_NODES));
	dset_move(&to, &from, 0, PAGES);
	ck_assert_uint_eq(to.count, 5);
	ck_assert_uint_eq(to.over, 0);
	ck_assert_uint_eq(from.count, 0);
	ck_assert_uint_eq(from.nodes, 1);
	dset_fini(&to);
	dset_fini(&from);
	unit_end();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	    pages_move_from_one_set_to_another,
	    whole_blocks_move_without_memory,
	};

	return UNIT_RUN("dset_move", tests);
}
