/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random operations on a machine with little boot memory and pools that are
 * resized up and down all the time, a step of their workers now and then. The
 * oracle is not told: whatever is plugged and unplugged, migrated, on- or
 * offline, every byte, count and answer must be what it is on a machine that
 * stands still; only whether there is a frame left is asked of the machine.
 * The environment says which: see shapes.h.
 */
#include "tests/support/shapes.h"

/* Behind less than 512 pages of boot memory, in memory blocks of 512. */
static const struct pager_pool_config one[] = {
    {.addr = 512,
     .region = 10 * 512,
     .requested = 1024,
     .retry_ms = 10,
     .retry_max_ms = 80,
     .policy = {.movable_only = true}},
};

static const struct pager_pool_config two[] = {
    {.addr = 512,
     .region = 6 * 512,
     .requested = 512,
     .retry_ms = 10,
     .retry_max_ms = 80,
     .policy = {.movable_only = true}},
    {.addr = 8 * 1024, .region = 6 * 512, .retry_ms = 20, .retry_max_ms = 40},
};

/* Of memory blocks that have two sub-blocks, and of blocks of two of them. */
static const struct pager_pool_config big[] = {
    {.addr = 1024,
     .region = 4 * 1024,
     .requested = 1024,
     .retry_ms = 10,
     .retry_max_ms = 80,
     .policy = {.movable_only = true}},
    {.addr = 16 * 1024,
     .region = 6 * 1024,
     .mode = PAGER_POOL_MODE_BBM,
     .big_block = 2048,
     .retry_ms = 10,
     .retry_max_ms = 80,
     .policy = {.movable_only = true}},
};

#define WINDOW .start = 0x40000 - 300, .pages = 1100

static const struct shape shapes[] = {
    {.name = "breathing-small",
     .config = {.start = (UINT64_C(3) << 18) - 30,
		.pages = 64,
		.frames = 40,
		.memory_block = 512,
		.pools = two,
		.pool_count = 2},
     .lengths = 10,
     .object_pages = 24,
     .one_page = true,
     .free_percent = 20,
     .move_percent = 5,
     .pool_percent = 40,
     .seeds = 12,
     .steps = 400},
    {.name = "breathing-one",
     .config = {WINDOW, .frames = 400, .memory_block = 512, .pools = one,
		.pool_count = 1, .check_every = 4},
     .lengths = 300,
     .object_pages = 400,
     .one_page = true,
     .free_percent = 20,
     .move_percent = 5,
     .pool_percent = 40,
     .stretch_percent = 10,
     .seeds = 6,
     .steps = 300},
    {.name = "breathing-two",
     .config = {WINDOW, .frames = 400, .memory_block = 512, .pools = two,
		.pool_count = 2, .check_every = 4},
     .lengths = 300,
     .object_pages = 400,
     .around = true,
     .one_page = true,
     .free_percent = 10,
     .move_percent = 8,
     .pool_percent = 40,
     .stretch_percent = 15,
     .seeds = 6,
     .steps = 300},
    {.name = "breathing-big",
     .config = {WINDOW, .frames = 800, .pools = big, .pool_count = 2,
		.check_every = 4},
     .lengths = 300,
     .object_pages = 400,
     .one_page = true,
     .move_percent = 5,
     .pool_percent = 40,
     .stretch_percent = 10,
     .seeds = 4,
     .steps = 300},
    {.name = "breathing-failing",
     .config = {WINDOW, .frames = 400, .memory_block = 512, .pools = two,
		.pool_count = 2, .failing = true, .grows = true,
		.check_every = 4},
     .lengths = 300,
     .object_pages = 400,
     .one_page = true,
     .move_percent = 5,
     .pool_percent = 40,
     .stretch_percent = 15,
     .seeds = 6,
     .steps = 300},
    {.name = "breathing-pinned",
     .config = {WINDOW, .frames = 400, .memory_block = 512, .pools = two,
		.pool_count = 2, .check_every = 4},
     .lengths = 100,
     .object_pages = 400,
     .one_page = true,
     .free_percent = 10,
     .move_percent = 5,
     .pin_percent = 20,
     .pool_percent = 35,
     .stretch_percent = 5,
     .seeds = 6,
     .steps = 300},
    {.name = "breathing-growth",
     .config = {WINDOW, .frames = 400, .memory_block = 512, .pools = two,
		.pool_count = 2, .grows = true, .check_every = 4},
     .lengths = 300,
     .object_pages = 400,
     .around = true,
     .one_page = true,
     .free_percent = 10,
     .move_percent = 5,
     .pool_percent = 25,
     .stretch_percent = 15,
     .seeds = 6,
     .steps = 300},
};

int main(void)
{
	return shapes_main(shapes, sizeof(shapes) / sizeof(shapes[0]));
}
