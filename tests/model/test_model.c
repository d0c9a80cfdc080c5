/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random sequences of operations, done by the core and by a naive oracle:
 * results, bytes, protections, residence, counters and charges must be the
 * same after every step, and the recount clean.
 *
 * Environment: PAGER_SEED (first seed), PAGER_SEEDS (how many of each shape),
 * PAGER_STEPS (operations a sequence), PAGER_SHAPE (only this one),
 * PAGER_PRINT (only print the first sequence of the shape as a script, made of
 * what scripts can say), PAGER_FOREVER (until something is found), PAGER_LOUD
 * (run the shrunk sequence once more with its output shown).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/hunt.h"
#include "tests/support/model.h"
#include "tests/support/model_gen.h"
#include "tests/support/script.h"

struct shape {
	const char *name;
	struct model_config config;
	unsigned int lengths;
	uint64_t object_pages;
	bool one_page;
	unsigned int free_percent;
	uint64_t seeds;
	uint32_t steps;
};

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

static bool for_script;

enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

static void one(struct model *m, struct hunt_log *log,
		const struct model_op *op)
{
	hunt_note(log, op);
	model_step(m, op);
	hunt_result(log, &m->got);
}

static void make(void *ctx, uint64_t seed, uint32_t steps, struct hunt_log *log)
{
	const struct shape *s = ctx;
	struct model_gen g = {
	    .rng = rng_new(seed),
	    .lengths = s->lengths,
	    .object_pages = s->object_pages,
	    .one_page = s->one_page,
	    .free_percent = s->free_percent,
	    .scriptable = for_script,
	    .decent = for_script,
	};
	struct model *m = malloc(sizeof(*m));

	if (!m)
		test_die("model: no memory");
	model_init(m, &s->config);
	for (uint32_t i = 0; i < steps; i++) {
		struct model_op op = model_gen_next(&g, &m->oracle);

		one(m, log, &op);
	}
	model_fini(m);
	free(m);
}

static void replay(void *ctx, const struct model_op *op, uint32_t count,
		   struct hunt_log *log)
{
	const struct shape *s = ctx;
	struct model *m = malloc(sizeof(*m));

	if (!m)
		test_die("model: no memory");
	model_init(m, &s->config);
	for (uint32_t i = 0; i < count; i++)
		one(m, log, &op[i]);
	model_fini(m);
	free(m);
}

static void print(void *ctx, const struct hunt_log *log)
{
	const struct shape *s = ctx;

	printf("# --- as a script for pagerctl run\n");
	script_print(stdout, &s->config, log);
	printf("# --- in C, shape %s\n", s->name);
	for (uint32_t i = 0; i < log->count; i++) {
		printf("\t");
		model_op_print_c(stdout, &log->op[i]);
	}
}

static int run_shape(const struct shape *s, uint64_t first, uint64_t seeds)
{
	struct hunt_case c = {
	    .make = make,
	    .replay = replay,
	    .print = print,
	    .ctx = (void *)(uintptr_t)s,
	    .name = s->name,
	};
	uint32_t steps = (uint32_t)hunt_number("PAGER_STEPS", s->steps);

	if (hunt(&c, first, seeds, steps))
		return 1;
	printf("%s: %" PRIu64 " sequences of %u operations\n", s->name, seeds,
	       steps);
	fflush(stdout);
	return 0;
}

/* The script goes to standard output, for pagerctl run. */
static void print_script(const struct shape *s, uint64_t seed)
{
	struct hunt_log *log = calloc(1, sizeof(*log));

	if (!log)
		test_die("model: no memory");
	make((void *)(uintptr_t)s, seed,
	     (uint32_t)hunt_number("PAGER_STEPS", s->steps), log);
	script_print(stdout, &s->config, log);
	free(log);
}

int main(void)
{
	const char *only = getenv("PAGER_SHAPE");
	uint64_t first = hunt_number("PAGER_SEED", 1);
	uint64_t forever = hunt_number("PAGER_FOREVER", 0);
	int failed = 0;

	for_script = hunt_number("PAGER_PRINT", 0);
	do {
		for (int i = 0; i < SHAPES && !failed; i++) {
			const struct shape *s = &shapes[i];

			if (only && strcmp(only, s->name))
				continue;
			if (for_script) {
				print_script(s, first);
				return 0;
			}
			failed |= run_shape(
			    s, first, hunt_number("PAGER_SEEDS", s->seeds));
		}
		first += 1000;
	} while (forever && !failed);
	return failed;
}
