/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine of the tests of pools.
 */
#include "tests/support/pool_bed.h"

#include <stdio.h>
#include <string.h>

struct pager_core *pbed_core;
struct pager_pool *pbed_pool;

/* One pool of so many memory blocks, named "p", behind boot memory. */
struct pager_pool_config pbed_config(uint64_t blocks)
{
	return (struct pager_pool_config){
	    .addr = PBED_AT,
	    .region = blocks * PBED_BLOCK,
	    .retry_ms = 10,
	    .retry_max_ms = 80,
	    .policy = {.movable_only = true},
	    .name = "p",
	};
}

void pbed_start_with(const struct pager_pool_config *c, uint64_t span)
{
	const struct test_world_config config = {
	    .frames = PBED_BOOT,
	    .span = span,
	    .memory_block = PBED_BLOCK,
	    .pools = c,
	    .pool_count = c ? 1 : 0,
	};

	unit_start(&config);
	pbed_core = unit_world.core;
	pbed_pool = c ? pager_pool_find(pbed_core, "p") : NULL;
}

void pbed_start(uint64_t blocks)
{
	struct pager_pool_config c = pbed_config(blocks);

	pbed_start_with(&c, 0);
}

struct pager_pool_info pbed_info(void)
{
	struct pager_pool_info i;

	pager_pool_info(pbed_pool, unit_world.now_ms, &i);
	return i;
}

void pbed_resize(uint64_t pages)
{
	unit_ok(pager_pool_resize(pbed_pool, pages));
	test_world_settle(&unit_world, 100);
	ck_assert_uint_eq(pbed_info().plugged, pages);
}

struct pager_block_info pbed_block(unsigned int n)
{
	struct pager_block_info b;

	ck_assert(pager_pool_block(pbed_pool, PBED_AT + n * PBED_BLOCK, &b));
	return b;
}

/* Fill n pages of the unit's space from page at on. */
void pbed_fill(uint64_t at, uint64_t n)
{
	unit_map(unit_space, at, n, UNIT_RW);
	unit_fill(unit_space, at, n, (uint8_t)at);
}

void pbed_filled(uint64_t at, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		ck_assert_uint_eq(unit_get(unit_space, at + i),
				  (uint8_t)(at + i));
}

/* The events from number on, by their types: "resize plug add". */
const char *pbed_events(uint64_t from)
{
	static const char *const names[] = {
	    "",	       "resize", "plug",    "unplug", "add",
	    "remove",  "online", "offline", "busy",   "retry",
	    "reached", "broken", "blocked", "grow",
	};
	static char text[1024];
	struct pager_pool_event e;
	size_t at = 0;

	text[0] = 0;
	for (; pager_core_event(pbed_core, from, &e); from = e.number + 1)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s",
				       at ? " " : "", names[e.type]);
	return text;
}

uint64_t pbed_next_event(void)
{
	return pbed_core->pools.next_event;
}
