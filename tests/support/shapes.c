/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hunting in machines of several shapes.
 */
#include "tests/support/shapes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/hunt.h"
#include "tests/support/model_gen.h"
#include "tests/support/script.h"

static bool for_script;

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
	    .move_percent = for_script ? 0 : s->move_percent,
	    .pin_percent = s->pin_percent,
	    .pool_percent = for_script ? 0 : s->pool_percent,
	    .dirty_percent = for_script ? 0 : s->dirty_percent,
	    .rings = s->rings,
	    .around = s->around && !for_script,
	    .stretch_percent = s->stretch_percent,
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
	printf("%s: %" PRIu64 " sequences of %u operations, seeds from %" PRIu64
	       "\n",
	       s->name, seeds, steps, first);
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

int shapes_main(const struct shape *shapes, size_t count)
{
	const char *only = getenv("PAGER_SHAPE");
	uint64_t first = hunt_number("PAGER_SEED", 1);
	uint64_t forever = hunt_number("PAGER_FOREVER", 0);
	int failed = 0;

	for_script = hunt_number("PAGER_PRINT", 0);
	do {
		for (size_t i = 0; i < count && !failed; i++) {
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
