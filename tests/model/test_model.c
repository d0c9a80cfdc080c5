/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random sequences of operations, done by the core and by a naive oracle:
 * results, bytes, protections, residence, counters and charges must be the
 * same after every step, and the recount clean. The environment says which:
 * shapes.h.
 */
#include "tests/support/shapes.h"

/*
 * Windows lie where addresses are special: at page 0, over the boundary of
 * leaf nodes (512 pages), of nodes above them (2^18), at the end of the lower
 * half, at the end of all.
 */
static const struct shape shapes[] = {
    {.name = "small",
     .config = {.start = 0x12340, .pages = 48, .stack = 12},
     .lengths = 8,
     .object_pages = 16,
     .seeds = 60,
     .steps = 400},
    {.name = "zero",
     .config = {.start = 0, .pages = 40},
     .lengths = 8,
     .object_pages = 12,
     .seeds = 20,
     .steps = 300},
    {.name = "straddle",
     .config = {.start = (UINT64_C(3) << 18) - 30, .pages = 64},
     .lengths = 10,
     .object_pages = 24,
     .seeds = 40,
     .steps = 400},
    {.name = "half",
     .config = {.start = PAGER_VPN_HALF - 32, .pages = 64},
     .lengths = 10,
     .object_pages = 24,
     .seeds = 20,
     .steps = 300},
    {.name = "top",
     .config = {.start = PAGER_VPN_END - 48, .pages = 48},
     .lengths = 10,
     .object_pages = 24,
     .seeds = 20,
     .steps = 300},
    {.name = "stacks",
     .config = {.start = 0x7ff000 - 40, .pages = 700, .stack = 60},
     .lengths = 16,
     .object_pages = 24,
     .seeds = 10,
     .steps = 300},
    {.name = "large",
     .config = {.start = 0x40000 - 600, .pages = 2400, .check_every = 8},
     .lengths = 40,
     .object_pages = 1200,
     .seeds = 6,
     .steps = 300},
    {.name = "failing",
     .config = {.start = (UINT64_C(3) << 18) - 30,
		.pages = 64,
		.failing = true},
     .lengths = 10,
     .object_pages = 24,
     .seeds = 40,
     .steps = 400},
    {.name = "tight-frames",
     .config = {.start = 0x12340, .pages = 48, .frames = 22},
     .lengths = 8,
     .object_pages = 16,
     .one_page = true,
     .free_percent = 40,
     .seeds = 30,
     .steps = 400},
    {.name = "tight-nodes",
     .config = {.start = (UINT64_C(3) << 18) - 30, .pages = 64, .nodes = 24},
     .lengths = 8,
     .object_pages = 16,
     .one_page = true,
     .seeds = 30,
     .steps = 400},
    {.name = "tight-limits",
     .config = {.start = 0x12340 - 20,
		.pages = 60,
		.max_regions = 9,
		.max_pages = 40,
		.max_resident = 25,
		.account_frames = 30,
		.account_nodes = 12},
     .lengths = 8,
     .object_pages = 16,
     .one_page = true,
     .seeds = 30,
     .steps = 400},
};

int main(void)
{
	return shapes_main(shapes, sizeof(shapes) / sizeof(shapes[0]));
}
