/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random operations under dirty logs of all kinds, over spaces that do all that
 * spaces do: no page that changed is missing from an answer, and none is there
 * without a reason. The environment says what runs: see shapes.h. At the end
 * it is told how many pages were reported for which reason.
 */
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>

#include "tests/support/shapes.h"

static const struct pager_pool_config pools[] = {
    {.addr = 512,
     .region = 6 * 512,
     .requested = 512,
     .retry_ms = 10,
     .retry_max_ms = 80,
     .policy = {.movable_only = true}},
    {.addr = 8 * 1024, .region = 6 * 512, .retry_ms = 20, .retry_max_ms = 40},
};

static const struct shape shapes[] = {
    {.name = "dirty-small",
     .config = {.start = 0x12340, .pages = 48, .stack = 12},
     .lengths = 8,
     .object_pages = 16,
     .dirty_percent = 30,
     .seeds = 24,
     .steps = 400},
    {.name = "dirty-straddle",
     .config = {.start = (UINT64_C(3) << 18) - 90, .pages = 190},
     .lengths = 10,
     .object_pages = 24,
     .dirty_percent = 30,
     .seeds = 16,
     .steps = 400},
    {.name = "dirty-half",
     .config = {.start = PAGER_VPN_HALF - 32, .pages = 64},
     .lengths = 10,
     .object_pages = 24,
     .rings = true,
     .dirty_percent = 30,
     .seeds = 10,
     .steps = 400},
    {.name = "dirty-rings",
     .config = {.start = 0x40000 - 150, .pages = 300},
     .lengths = 90,
     .object_pages = 80,
     .rings = true,
     .dirty_percent = 35,
     .seeds = 10,
     .steps = 400},
    {.name = "dirty-large",
     .config = {.start = 0x40000 - 100, .pages = 1700, .check_every = 4},
     .lengths = 30,
     .object_pages = 300,
     .around = true,
     .one_page = true,
     .move_percent = 12,
     .stretch_percent = 20,
     .dirty_percent = 25,
     .seeds = 5,
     .steps = 300},
    {.name = "dirty-moving",
     .config = {.start = 0x40000 - 300, .pages = 700, .frames = 2000},
     .lengths = 200,
     .object_pages = 300,
     .one_page = true,
     .free_percent = 20,
     .move_percent = 15,
     .dirty_percent = 25,
     .seeds = 4,
     .steps = 250},
    {.name = "dirty-tight",
     .config = {.start = 0x12340, .pages = 48, .frames = 26},
     .lengths = 8,
     .object_pages = 16,
     .one_page = true,
     .rings = true,
     .free_percent = 40,
     .move_percent = 8,
     .dirty_percent = 30,
     .seeds = 48,
     .steps = 400},
    {.name = "dirty-failing",
     .config = {.start = (UINT64_C(3) << 18) - 30,
		.pages = 64,
		.failing = true},
     .lengths = 10,
     .object_pages = 24,
     .rings = true,
     .move_percent = 5,
     .dirty_percent = 30,
     .seeds = 16,
     .steps = 400},
    {.name = "dirty-limits",
     .config = {.start = 0x12340 - 20,
		.pages = 60,
		.max_regions = 9,
		.max_pages = 40,
		.max_resident = 25,
		.account_frames = 30,
		.account_nodes = 14},
     .lengths = 8,
     .object_pages = 16,
     .one_page = true,
     .dirty_percent = 30,
     .seeds = 16,
     .steps = 400},
    {.name = "dirty-breathing",
     .config = {.start = 0x40000 - 300,
		.pages = 1100,
		.frames = 400,
		.memory_block = 512,
		.pools = pools,
		.pool_count = 2,
		.check_every = 4},
     .lengths = 300,
     .object_pages = 400,
     .around = true,
     .one_page = true,
     .free_percent = 10,
     .move_percent = 5,
     .pin_percent = 8,
     .pool_percent = 25,
     .stretch_percent = 12,
     .dirty_percent = 25,
     .seeds = 4,
     .steps = 300},
};

static void print_totals(const struct model_dirty_totals *t)
{
	printf("logs %" PRIu64 ", gets %" PRIu64 "; pages reported: changed"
	       " %" PRIu64 ", dropped %" PRIu64 ", filled %" PRIu64
	       ", large %" PRIu64 ", from before %" PRIu64
	       ", for want of memory %" PRIu64 ", unexplained %" PRIu64
	       "; through rings %" PRIu64 ", writers stopped %" PRIu64 "\n",
	       t->logs, t->gets, t->why[ORACLE_MUST], t->why[ORACLE_DROPPED],
	       t->why[ORACLE_FILLED], t->why[ORACLE_LARGE],
	       t->why[ORACLE_BEFORE], t->memory, t->why[ORACLE_NOTHING],
	       t->ringed, t->stopped);
}

int main(void)
{
	int failed;

	model_dirty_totals =
	    mmap(NULL, sizeof(*model_dirty_totals), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (model_dirty_totals == MAP_FAILED)
		test_die("model: no memory");
	failed = shapes_main(shapes, sizeof(shapes) / sizeof(shapes[0]));
	if (model_dirty_totals->no_engine)
		printf("there is no engine of dirty logs\n");
	print_totals(model_dirty_totals);
	return failed;
}
