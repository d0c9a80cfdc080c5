/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random operations while frames move: single ones to anywhere, chunks that
 * are emptied, go offline and come back to one zone or the other. The oracle
 * is not told: bytes, protections, sharing, charges, counters and refusals
 * must be what they are without any of it. The environment says which: see
 * shapes.h.
 */
#include "tests/support/shapes.h"

static const struct shape shapes[] = {
    {.name = "moving-small",
     .config = {.start = 0x12340, .pages = 48, .stack = 12},
     .lengths = 8,
     .object_pages = 16,
     .move_percent = 30,
     .seeds = 16,
     .steps = 400},
    {.name = "moving-straddle",
     .config = {.start = (UINT64_C(3) << 18) - 30, .pages = 64},
     .lengths = 10,
     .object_pages = 24,
     .move_percent = 30,
     .seeds = 16,
     .steps = 400},
    {.name = "moving-large",
     .config = {.start = 0x40000 - 600, .pages = 1600, .check_every = 8},
     .lengths = 300,
     .object_pages = 700,
     .move_percent = 20,
     .seeds = 3,
     .steps = 250},
    {.name = "moving-chunks",
     .config = {.start = 0x40000 - 300, .pages = 700, .frames = 2000},
     .lengths = 200,
     .object_pages = 300,
     .one_page = true,
     .free_percent = 20,
     .move_percent = 20,
     .seeds = 4,
     .steps = 250},
    {.name = "moving-runs",
     .config = {.start = 0x40000 - 100, .pages = 1700, .check_every = 4},
     .lengths = 30,
     .object_pages = 300,
     .one_page = true,
     .move_percent = 30,
     .stretch_percent = 25,
     .seeds = 6,
     .steps = 250},
    {.name = "moving-tight",
     .config = {.start = 0x12340, .pages = 48, .frames = 26},
     .lengths = 8,
     .object_pages = 16,
     .one_page = true,
     .free_percent = 40,
     .move_percent = 30,
     .seeds = 16,
     .steps = 400},
    {.name = "moving-failing",
     .config = {.start = (UINT64_C(3) << 18) - 30,
		.pages = 64,
		.failing = true},
     .lengths = 10,
     .object_pages = 24,
     .move_percent = 30,
     .seeds = 16,
     .steps = 400},
    {.name = "moving-limits",
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
     .move_percent = 30,
     .seeds = 16,
     .steps = 400},
};

int main(void)
{
	return shapes_main(shapes, sizeof(shapes) / sizeof(shapes[0]));
}
