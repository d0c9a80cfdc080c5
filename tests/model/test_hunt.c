/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hunter itself: planted faults must be found, and shrunk.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/hunt.h"
#include "tests/support/model.h"
#include "tests/support/model_gen.h"

static const struct model_config config = {.start = 0x12340, .pages = 48};

struct plant {
	uint32_t skip_at;  /* leave out flushes from this step on; 0: none */
	bool trap;	   /* a write that follows an unmap "fails" */
	bool crash;	   /* and is a null pointer */
	uint32_t shortest; /* operations of the shrunk sequence */
};

static void run(const struct plant *p, struct model_gen *g,
		const struct model_op *op, uint32_t count, struct hunt_log *log)
{
	struct model *m = malloc(sizeof(*m));
	bool unmapped = false;

	if (!m)
		test_die("hunt: no memory");
	model_init(m, &config);
	for (uint32_t i = 0; i < count; i++) {
		struct model_op next =
		    g ? model_gen_next(g, &m->oracle) : op[i];

		hunt_note(log, &next);
		if (p->skip_at && i >= p->skip_at)
			pager_sim_skip_flushes(m->world.sim, 1000);
		model_step(m, &next);
		unmapped |= next.kind == MODEL_UNMAP;
		if (!unmapped || next.kind != MODEL_WRITE)
			continue;
		if (p->crash)
			abort();
		if (p->trap)
			model_die("planted", "a write after an unmap");
	}
	if (p->skip_at)
		pager_sim_skip_flushes(m->world.sim, 0);
	model_fini(m);
	free(m);
}

static void make(void *ctx, uint64_t seed, uint32_t steps, struct hunt_log *log)
{
	struct model_gen g = {
	    .rng = rng_new(seed), .lengths = 8, .object_pages = 16};

	run(ctx, &g, NULL, steps, log);
}

static void replay(void *ctx, const struct model_op *op, uint32_t count,
		   struct hunt_log *log)
{
	run(ctx, NULL, op, count, log);
}

static void note_length(void *ctx, const struct hunt_log *log)
{
	struct plant *p = ctx;

	p->shortest = log->count;
}

static int seek(struct plant *p)
{
	const struct hunt_case c = {
	    .make = make,
	    .replay = replay,
	    .print = note_length,
	    .ctx = p,
	    .name = "planted",
	};

	return hunt(&c, 1, 32, 200);
}

START_TEST(test_nothing_planted_nothing_found)
{
	struct plant p = {0};

	ck_assert_int_eq(seek(&p), 0);
}
END_TEST

START_TEST(test_difference_is_found_and_shrunk)
{
	struct plant p = {.trap = true};

	ck_assert_int_eq(seek(&p), 1);
	/* A space for each of the two, or one, and the two. */
	ck_assert_uint_ge(p.shortest, 2);
	ck_assert_uint_le(p.shortest, 4);
}
END_TEST

START_TEST(test_crash_is_found_and_shrunk)
{
	struct plant p = {.crash = true};

	ck_assert_int_eq(seek(&p), 1);
	ck_assert_uint_le(p.shortest, 4);
}
END_TEST

START_TEST(test_missing_flush_is_found)
{
	struct plant p = {.skip_at = 1};

	ck_assert_int_eq(seek(&p), 1);
	ck_assert_uint_le(p.shortest, 8);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("model-hunt");
	TCase *tc = tcase_create("planted");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, test_nothing_planted_nothing_found);
	tcase_add_test(tc, test_difference_is_found_and_shrunk);
	tcase_add_test(tc, test_crash_is_found_and_shrunk);
	tcase_add_test(tc, test_missing_flush_is_found);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
