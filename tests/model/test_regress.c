/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sequences that once failed, shrunk, each under the name of what was wrong.
 * They run on core and oracle like any other sequence.
 */
#include <check.h>
#include <stdlib.h>

#include "tests/support/model.h"

static struct model model;

static void run(const struct model_config *config, const struct model_op *op,
		size_t count)
{
	model_init(&model, config);
	for (size_t i = 0; i < count; i++)
		model_step(&model, &op[i]);
	model_fini(&model);
}

#define RUN(config, ops) run(&(config), ops, sizeof(ops) / sizeof((ops)[0]))

/* A fixed mapping over a hole cleared the hole, which copied shared table
 * nodes that nobody had reserved. */
START_TEST(test_map_fixed_over_hole_needs_no_nodes)
{
	static const struct model_config config = {
	    .start = 0xbffe2, .pages = 64, .nodes = 24};
	static const struct model_op ops[] = {
	    {.kind = MODEL_SPACE, .space = 1},
	    {.kind = MODEL_SPACE, .space = 0},
	    {.kind = MODEL_FORK, .space = 0, .other = 2},
	    {.kind = MODEL_MAP,
	     .space = 0,
	     .prot = 2,
	     .flags = PAGER_MAP_GROWSDOWN,
	     .addr = 0xc001f,
	     .pages = 1},
	    {.kind = MODEL_READ, .space = 0, .addr = 0xc001da49, .pages = 1},
	    {.kind = MODEL_SNAPSHOT, .space = 0},
	    {.kind = MODEL_FORK, .space = 1, .other = 3},
	    {.kind = MODEL_MAP,
	     .space = 3,
	     .prot = 3,
	     .flags = PAGER_MAP_GROWSDOWN,
	     .addr = 0xbfffe,
	     .pages = 1},
	    {.kind = MODEL_SNAPSHOT, .space = 2},
	    {.kind = MODEL_FREE, .space = 1},
	    {.kind = MODEL_FORK, .space = 3, .other = 4},
	    {.kind = MODEL_READ, .space = 4, .addr = 0xbffebffb, .pages = 1},
	    {.kind = MODEL_MAP,
	     .space = 4,
	     .prot = 7,
	     .addr = 0xbffec,
	     .pages = 0x14},
	    {.kind = MODEL_FORK, .space = 4, .other = 1},
	    {.kind = MODEL_WRITE, .space = 4, .addr = 0xc000e006, .pages = 1},
	    {.kind = MODEL_FREE, .space = 3},
	    {.kind = MODEL_FAULT, .space = 1, .access = 2, .addr = 0xc000e},
	    {.kind = MODEL_MAP,
	     .space = 0,
	     .prot = 1,
	     .flags = PAGER_MAP_FIXED,
	     .addr = 0xc000e,
	     .pages = 1},
	    {.kind = MODEL_FORK, .space = 1, .other = 3},
	    {.kind = MODEL_MAP,
	     .space = 3,
	     .prot = 4,
	     .flags = PAGER_MAP_FIXED,
	     .addr = 0xc0003,
	     .pages = 1},
	};

	RUN(config, ops);
}
END_TEST

/* A child does not inherit pins, so pinned and unpinned neighbours are alike
 * in it: they stayed two regions, and could not grow as one. */
START_TEST(test_fork_merges_what_was_pinned)
{
	static const struct model_config config = {.start = 0x12340,
						   .pages = 48};
	static const struct model_op ops[] = {
	    {.kind = MODEL_SPACE, .space = 1},
	    {.kind = MODEL_MAP,
	     .space = 1,
	     .prot = 3,
	     .addr = 0x12355,
	     .pages = 2},
	    {.kind = MODEL_PIN, .space = 1, .addr = 0x12355, .pages = 1},
	    {.kind = MODEL_FORK, .space = 1, .other = 2},
	    {.kind = MODEL_REMAP,
	     .space = 2,
	     .addr = 0x12355,
	     .pages = 2,
	     .new_pages = 3},
	};

	RUN(config, ops);
}
END_TEST

/* A second view (length 0) put exactly over the region it is a view of
 * removed the region and then looked for it. */
START_TEST(test_second_view_over_itself)
{
	static const struct model_config config = {.start = 0x12340,
						   .pages = 48};
	static const struct model_op ops[] = {
	    {.kind = MODEL_SPACE, .space = 3},
	    {.kind = MODEL_OBJECT, .object = 1, .pages = 4},
	    {.kind = MODEL_MAP,
	     .space = 3,
	     .object = 1,
	     .prot = 3,
	     .flags = PAGER_MAP_FIXED | PAGER_MAP_SHARED,
	     .addr = 0x12342,
	     .pages = 1},
	    {.kind = MODEL_REMAP,
	     .space = 3,
	     .flags = PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED,
	     .addr = 0x12342,
	     .new_addr = 0x12342,
	     .new_pages = 1},
	};

	RUN(config, ops);
	ck_assert_uint_eq(model.got.err, PAGER_EINVAL);
}
END_TEST

/* A move entered a shared leaf node that had no page in the range and copied
 * it, which the plan had not counted. */
START_TEST(test_move_leaves_nodes_without_pages_alone)
{
	static const struct model_config config = {
	    .start = 0xbffe2, .pages = 64, .nodes = 24};
	static const struct model_op ops[] = {
	    {.kind = MODEL_SPACE, .space = 2},
	    {.kind = MODEL_FORK, .space = 2, .other = 0},
	    {.kind = MODEL_MAP,
	     .space = 0,
	     .prot = 3,
	     .flags = PAGER_MAP_GROWSDOWN,
	     .addr = 0xc000f,
	     .pages = 1},
	    {.kind = MODEL_FORK, .space = 0, .other = 4},
	    {.kind = MODEL_MAP,
	     .space = 4,
	     .prot = 2,
	     .addr = 0xc0011,
	     .pages = 1},
	    {.kind = MODEL_WRITE, .space = 4, .addr = 0xbffebff9, .pages = 1},
	    {.kind = MODEL_SPACE, .space = 3},
	    {.kind = MODEL_WRITE, .space = 4, .addr = 0xc0011ff8, .pages = 1},
	    {.kind = MODEL_MAP,
	     .space = 3,
	     .prot = 3,
	     .addr = 0xbfff7,
	     .pages = 1},
	    {.kind = MODEL_FORK, .space = 4, .other = 1},
	    {.kind = MODEL_MAP,
	     .space = 3,
	     .prot = 7,
	     .addr = 0xbfff7,
	     .pages = 9},
	    {.kind = MODEL_FREE, .space = 0},
	    {.kind = MODEL_FAULT, .space = 3, .access = 2, .addr = 0xbffed},
	    {.kind = MODEL_WRITE, .space = 1, .addr = 0xbffef33f, .pages = 1},
	    {.kind = MODEL_FAULT, .space = 3, .access = 4, .addr = 0xbfff2},
	    {.kind = MODEL_FORK, .space = 1, .other = 0},
	    {.kind = MODEL_REMAP,
	     .space = 3,
	     .flags = PAGER_REMAP_MAYMOVE,
	     .addr = 0xbffed,
	     .pages = 1,
	     .new_pages = 2},
	    {.kind = MODEL_MAP,
	     .space = 4,
	     .prot = 5,
	     .flags = PAGER_MAP_FIXED,
	     .addr = 0xc0016,
	     .pages = 1},
	    {.kind = MODEL_READ, .space = 4, .addr = 0xc0016003, .pages = 1},
	    {.kind = MODEL_REMAP,
	     .space = 1,
	     .flags = PAGER_REMAP_MAYMOVE | PAGER_REMAP_DONTUNMAP,
	     .addr = 0xbfffd,
	     .pages = 5,
	     .new_pages = 5},
	};

	RUN(config, ops);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("model-regress");
	TCase *tc = tcase_create("sequences");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, test_map_fixed_over_hole_needs_no_nodes);
	tcase_add_test(tc, test_fork_merges_what_was_pinned);
	tcase_add_test(tc, test_second_view_over_itself);
	tcase_add_test(tc, test_move_leaves_nodes_without_pages_alone);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
