/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two pools, one by sub-blocks and one by big blocks, under random wishes,
 * hands, vetoes, a backing that fails and allocations that do, while spaces
 * write, fork, pin and forget pages. After every action the recount is clean
 * and no translation is stale; every page keeps its byte; and when all is
 * well again, both pools can be emptied.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/failpoint.h"
#include "tests/support/pool_bed.h"
#include "tests/support/rng.h"

enum { PAGES = 6000, ACTIONS = 800, BLOCKS = 6 };

static struct rng rng;
static struct pager_pool *pools[2];
static struct pager_space *child;
static uint8_t bytes[PAGES]; /* of the unit's space; 0: never written */
static uint8_t child_bytes[PAGES];
static struct pager_range pinned; /* of the unit's space */
static enum vmem_event refused;

static uint64_t below(uint64_t n)
{
	return rng_below(&rng, n);
}

/* One time in four, something that is asked for on the way is refused. */
static void arm(void)
{
#ifdef PAGER_FAILPOINTS
	pager_fail_arm(below(4) ? 0 : 1 + below(20));
#endif
}

static void disarm(void)
{
#ifdef PAGER_FAILPOINTS
	pager_fail_arm(0);
#endif
}

static int sometimes(void *ctx, enum vmem_event event, uint64_t pfn,
		     uint64_t pages)
{
	(void)ctx;
	(void)pfn;
	(void)pages;
	return event == refused;
}

static struct vmem_listener listener = {.notify = sometimes};

static void start(uint64_t seed)
{
	struct pager_pool_config c = pbed_config(BLOCKS);

	rng = rng_new(seed);
	pbed_start_with(&c, PBED_AT + 3 * BLOCKS * PBED_BLOCK);
	pools[0] = pbed_pool;
	c.addr = PBED_AT + BLOCKS * PBED_BLOCK;
	c.region = 2 * BLOCKS * PBED_BLOCK;
	c.mode = PAGER_POOL_MODE_BBM;
	c.big_block = 2 * PBED_BLOCK;
	c.policy.movable_only = false;
	strcpy(c.name, "q");
	pools[1] = test_world_pool(&unit_world, &c);
	pager_core_listen(pbed_core, &listener);
	unit_map(unit_space, 0, PAGES, UNIT_RW);
	memset(bytes, 0, sizeof(bytes));
	pinned = pager_range(0, 0);
	child = NULL;
	refused = 0;
}

static void write_some(struct pager_space *s, uint8_t *model)
{
	uint64_t at = below(PAGES), n = 1 + below(2500);
	struct pager_access_stop why;
	uint64_t done;

	for (uint64_t i = at; i < at + n && i < PAGES; i++) {
		uint8_t byte = (uint8_t)(1 + below(255));
		struct pager_status st = pager_space_write(
		    s, 0, pager_vpn_to_va(i), &byte, 1, &done, &why);

		if (st.err != PAGER_OK) {
			ck_assert_uint_eq(st.err, PAGER_ENOMEM);
			return;
		}
		model[i] = byte;
	}
}

static void forget_some(void)
{
	uint64_t at = below(PAGES), end = at + 1 + below(1000);
	struct pager_status st;

	if (end > PAGES)
		end = PAGES;
	st = pager_space_advise(unit_space, pager_range(at, end),
				PAGER_ADV_DONTNEED);
	if (st.err == PAGER_OK)
		memset(bytes + at, 0, end - at);
	else
		ck_assert(st.err == PAGER_EBUSY || st.err == PAGER_ENOMEM);
}

static void pin_some(void)
{
	struct pager_status st;

	if (pinned.end) {
		st = pager_space_unpin(unit_space, pinned);
		if (st.err == PAGER_OK)
			pinned = pager_range(0, 0);
		else
			ck_assert_uint_eq(st.err, PAGER_ENOMEM);
		return;
	}
	pinned.start = below(PAGES - 64);
	pinned.end = pinned.start + 1 + below(64);
	st = pager_space_pin(unit_space, pinned);
	if (st.err != PAGER_OK) {
		ck_assert_uint_eq(st.err, PAGER_ENOMEM);
		pinned = pager_range(0, 0);
	}
}

static void fork_or_end(void)
{
	struct pager_status st;

	if (child) {
		pager_space_free(child);
		child = NULL;
		return;
	}
	st = pager_space_fork(unit_space, unit_world.account, &child);
	if (st.err == PAGER_OK)
		memcpy(child_bytes, bytes, sizeof(bytes));
	else
		child = NULL;
}

static void by_hand(struct pager_pool *pool)
{
	struct pager_pool_info i;
	struct pager_status st;
	uint64_t pfn;

	pager_pool_info(pool, 0, &i);
	pfn = i.addr + below(i.region / PBED_BLOCK) * PBED_BLOCK;
	st = below(2) ? pager_pool_online(pool, pfn, below(2))
		      : pager_pool_offline(pool, pfn);
	ck_assert(st.err == PAGER_OK || st.err == PAGER_EBUSY ||
		  st.err == PAGER_ENOENT || st.err == PAGER_ENOMEM);
}

static void wish(struct pager_pool *pool)
{
	struct pager_pool_info i;

	pager_pool_info(pool, 0, &i);
	if (below(8) == 0)
		unit_ok(pager_pool_set_grow(
		    pool, below(i.region / i.block + 1) * i.block));
	else
		unit_ok(pager_pool_resize(pool, below(i.region / i.block + 1) *
						    i.block));
}

static void step(void)
{
	uint64_t due, n = 1 + below(6);

	for (uint64_t i = 0; i < n; i++) {
		arm();
		pager_core_work(pbed_core, unit_world.now_ms, &due);
		disarm();
		unit_check();
	}
	unit_world.now_ms += below(60);
}

static void trouble(void)
{
	static const enum vmem_event asks[] = {
	    VMEM_PLUGGING, VMEM_GOING_ONLINE, VMEM_GOING_OFFLINE, 0, 0, 0};

	refused = asks[below(6)];
	unit_world.backing.commit_error = below(4) ? 0 : -ENOSPC;
	unit_world.backing.discard_error = below(4) ? 0 : -EIO;
}

static void act(void)
{
	struct pager_pool *pool = pools[below(2)];

	arm();
	switch (below(16)) {
	case 0:
	case 1:
		wish(pool);
		break;
	case 2:
		by_hand(pool);
		break;
	case 3:
		trouble();
		break;
	case 4:
		fork_or_end();
		break;
	case 5:
		pin_some();
		break;
	case 6:
		forget_some();
		break;
	case 7:
		if (child)
			write_some(child, child_bytes);
		break;
	case 8:
	case 9:
		write_some(unit_space, bytes);
		break;
	default:
		step();
	}
	disarm();
	unit_check();
}

static void verify(struct pager_space *s, const uint8_t *model)
{
	struct pager_page_info p;

	for (uint64_t i = 0; i < PAGES; i++) {
		pager_space_page(s, i, &p);
		if (p.entry == 0)
			ck_assert_uint_eq(model[i], 0);
		else
			ck_assert_uint_eq(unit_get(s, i), model[i]);
	}
}

/* All is well: what is wished is reached. */
static void calm(void)
{
	struct pager_pool_info i;

	refused = 0;
	unit_world.backing.commit_error = 0;
	unit_world.backing.discard_error = 0;
	if (pinned.end)
		pin_some();
	if (child)
		fork_or_end();
	pager_space_clear(unit_space);
	for (unsigned int p = 0; p < 2; p++) {
		unit_ok(pager_pool_set_grow(pools[p], 0));
		unit_ok(pager_pool_unplug_all(pools[p]));
	}
	test_world_settle(&unit_world, 50);
	for (unsigned int p = 0; p < 2; p++) {
		pager_pool_info(pools[p], 0, &i);
		ck_assert(!i.broken && !i.working);
		ck_assert_uint_eq(i.plugged, 0);
		unit_ok(pager_pool_free(pools[p]));
	}
	ck_assert_uint_eq(unit_world.backing.committed, 0);
}

START_TEST(whatever_happens_no_frame_and_no_byte_is_lost)
{
	start((uint64_t)_i + 1);
	for (unsigned int n = 0; n < ACTIONS; n++) {
		act();
		if (n % 100 == 99) {
			verify(unit_space, bytes);
			if (child)
				verify(child, child_bytes);
		}
	}
	calm();
	pager_core_unlisten(pbed_core, &listener);
	unit_end();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pool_random");
	TCase *t = tcase_create("pool_random");
	SRunner *runner;
	const char *seeds = getenv("PAGER_SEEDS");
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, whatever_happens_no_frame_and_no_byte_is_lost, 0,
			    seeds ? atoi(seeds) : 3);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
