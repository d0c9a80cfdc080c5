/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Large entries against a model that does not know them: random operations on
 * a few spaces that ask for 2 MiB at a fault, and one byte a page as the naive
 * truth. Every byte is compared again and again, through the MMU; the recount
 * runs after every step. PAGER_SEED is added to the seeds.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/core/frame.h"
#include "lib/core/large.h"
#include "lib/core/migrate.h"
#include "tests/support/hunt.h"
#include "tests/support/rmap_scan.h"
#include "tests/support/rng.h"
#include "tests/support/unit.h"

enum { SPACES = 4, STRETCHES = 6, PAGES = STRETCHES * 512, STEPS = 600 };

struct naive {
	struct pager_space *space;
	uint8_t prot[PAGES]; /* 0xff: not mapped */
	uint8_t value[PAGES];
};

static struct naive all[SPACES];
static struct rng rng;

static uint64_t below(uint64_t n)
{
	return rng_below(&rng, n);
}

/* Mostly at, or near, the borders of stretches. */
static struct pager_range some_range(void)
{
	uint64_t start = below(STRETCHES) * 512, pages = 512;

	switch (below(4)) {
	case 0:
		start += below(512);
		pages = 1 + below(40);
		break;
	case 1:
		pages = 512 * (1 + below(3));
		break;
	case 2:
		start += 256;
		break;
	default:
		break;
	}
	if (start + pages > PAGES)
		pages = PAGES - start;
	return pager_range(start, start + pages);
}

static void mapped(struct naive *n, struct pager_range r, uint8_t prot)
{
	memset(n->prot + r.start, prot, pager_range_len(r));
	memset(n->value + r.start, 0, pager_range_len(r));
}

static bool is_mapped(const struct naive *n, struct pager_range r)
{
	return !memchr(n->prot + r.start, 0xff, pager_range_len(r));
}

static void write_some(struct naive *n, struct pager_range r)
{
	uint64_t step = 1 + below(100);

	for (uint64_t v = r.start; v < r.end; v += step) {
		if (n->prot[v] == 0xff || !(n->prot[v] & PAGER_PROT_WRITE))
			continue;
		n->value[v] = (uint8_t)(1 + below(255));
		unit_put(n->space, v, n->value[v]);
	}
}

/* A read of a page never written puts the zero frame there, and the stretch is
 * not empty any more: seldom. */
static void read_some(struct naive *n, struct pager_range r)
{
	uint64_t step = 1 + below(30);
	bool all_of_them = below(20) == 0;

	for (uint64_t v = r.start; v < r.end; v += step)
		if (n->prot[v] != 0xff && n->prot[v] &&
		    (n->value[v] || all_of_them))
			ck_assert_uint_eq(unit_get(n->space, v), n->value[v]);
}

static void move(struct naive *n, struct pager_range r)
{
	uint64_t pages = pager_range_len(r);
	uint64_t to = below(2) ? below(STRETCHES) * 512 : below(PAGES);

	if (!is_mapped(n, r) || to + pages > PAGES ||
	    (to < r.end && r.start < to + pages))
		return;
	unit_remap(n->space, r.start, pages, pages,
		   PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED, to);
	memcpy(n->prot + to, n->prot + r.start, pages);
	memcpy(n->value + to, n->value + r.start, pages);
	memset(n->prot + r.start, 0xff, pages);
}

static void fork_into(struct naive *from, struct naive *to)
{
	if (from == to)
		return;
	pager_space_free(to->space);
	*to = *from;
	to->space = unit_fork(from->space);
}

/* A stretch with a large entry, shared with a new child, moves in one of them
 * as a whole, or nearly. */
static void share_and_move(struct naive *n)
{
	struct naive *to = &all[below(SPACES)];
	uint64_t first = below(STRETCHES), v;

	for (uint64_t i = 0; i < STRETCHES; i++) {
		v = (first + i) % STRETCHES * 512;
		if (pte_large(unit_page(n->space, v).entry))
			break;
	}
	if (n == to || !pte_large(unit_page(n->space, v).entry))
		return;
	fork_into(n, to);
	if (below(2))
		write_some(n, pager_range(v, v + 1 + below(3)));
	move(below(2) ? n : to,
	     pager_range(v, v + (below(4) ? 512 : 1 + below(511))));
}

static void empty_a_chunk(void)
{
	struct pager_core *core = unit_world.core;
	uint32_t chunk = (uint32_t)(1 + below(SPACES * PAGES * 3 / 512 - 1));
	uint64_t moved = 0;

	chunk_isolate(core, chunk);
	migrate_chunk(core, chunk, &moved);
	chunk_unisolate(core, chunk);
}

/* Single frames, out of large entries as well. */
static void move_some_frames(void)
{
	struct pager_core *core = unit_world.core;

	for (int i = 0; i < 20; i++) {
		uint32_t from = (uint32_t)below(frame_top(core)), to;

		if (!frame_is_used(core, from) || !migrate_may(core, from) ||
		    !frame_free_count(core, FRAME_MOVABLE) ||
		    migrate_prepare(core, NULL, from))
			continue;
		to = frame_take(core, unit_world.account);
		migrate_to(core, from, to);
		memset(frame_bytes(core, from), 0xee, PAGER_PAGE_SIZE);
	}
}

static void step(void)
{
	struct naive *n = &all[below(SPACES)];
	struct pager_range r = some_range();

	switch (below(14)) {
	case 0:
		unit_map(n->space, r.start, pager_range_len(r), UNIT_RW);
		mapped(n, r, UNIT_RW);
		break;
	case 1:
		unit_unmap(n->space, r.start, pager_range_len(r));
		memset(n->prot + r.start, 0xff, pager_range_len(r));
		break;
	case 2:
	case 3:
		if (is_mapped(n, r)) {
			uint8_t prot = below(3) ? UNIT_RW : (uint8_t)below(8);

			unit_protect(n->space, r.start, pager_range_len(r),
				     prot);
			memset(n->prot + r.start, prot, pager_range_len(r));
		}
		break;
	case 4:
		if (is_mapped(n, r)) {
			unit_advise(n->space, r.start, pager_range_len(r),
				    PAGER_ADV_DONTNEED);
			memset(n->value + r.start, 0, pager_range_len(r));
		}
		break;
	case 5:
		move(n, r);
		break;
	case 6:
		fork_into(n, &all[below(SPACES)]);
		break;
	case 7:
		large_collapse_all(unit_world.core);
		break;
	case 8:
		pager_space_harvest(n->space, r);
		break;
	case 9:
		empty_a_chunk();
		break;
	case 10:
		move_some_frames();
		break;
	case 11:
		share_and_move(n);
		break;
	default:
		write_some(n, r);
		break;
	}
	read_some(n, r);
}

static void run(uint64_t seed)
{
	const struct test_world_config config = {.frames = SPACES * PAGES * 3,
						 .nodes = 4096};

	rng = rng_new(seed);
	unit_start(&config);
	for (int i = 0; i < SPACES; i++) {
		memset(all[i].prot, 0xff, PAGES);
		all[i].space =
		    i ? test_world_space(&unit_world, 0, PAGER_VPN_HALF)
		      : unit_space;
		unit_ok(pager_space_set_around(all[i].space, PAGER_AROUND_2M));
	}
	for (int i = 0; i < STEPS; i++) {
		step();
		unit_check();
		if (i % 16 == 0)
			rmap_scan_verify(unit_world.core);
	}
	for (int i = 0; i < SPACES; i++)
		for (uint64_t v = 0; v < PAGES; v++)
			if (all[i].prot[v] != 0xff && all[i].prot[v])
				ck_assert_uint_eq(unit_get(all[i].space, v),
						  all[i].value[v]);
	ck_assert_uint_gt(unit_stats().large_fills, 0);
	ck_assert_uint_gt(unit_stats().large_splits, 0);
	ck_assert_uint_gt(unit_stats().migrations, 0);
	unit_space = all[0].space;
	unit_end();
}

#define SEED(n)                                                   \
	START_TEST(what_is_written_is_read_whatever_is_large_##n) \
	{                                                         \
		run(n + hunt_number("PAGER_SEED", 0));            \
	}                                                         \
	END_TEST

SEED(1)
SEED(2)
SEED(3)
SEED(4)
SEED(5)
SEED(6)

int main(void)
{
	const TTest *const tests[] = {
	    what_is_written_is_read_whatever_is_large_1,
	    what_is_written_is_read_whatever_is_large_2,
	    what_is_written_is_read_whatever_is_large_3,
	    what_is_written_is_read_whatever_is_large_4,
	    what_is_written_is_read_whatever_is_large_5,
	    what_is_written_is_read_whatever_is_large_6,
	};

	return UNIT_RUN("large_model", tests);
}
