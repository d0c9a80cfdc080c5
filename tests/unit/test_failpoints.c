/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fail points: every operation of the core, in several prepared states, with
 * its first, second, third ... allocation failing, until it passes without
 * meeting the failure. After each failure nothing that can be observed has
 * changed, the recount is clean, and the same operation then succeeds as if
 * nothing had happened.
 */
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/failpoint.h"

#ifndef PAGER_FAILPOINTS

int main(void)
{
	puts("skipped: built without PAGER_FAILPOINTS");
	return 77;
}

#else

#include <check.h>
#include <inttypes.h>

#include "tests/support/digest.h"

enum {
	START = (3 << 18) - 16, /* pages over a boundary of table nodes */
	PAGES = 48,
	RW = PAGER_PROT_READ | PAGER_PROT_WRITE,
	FIXED = PAGER_MAP_FIXED,
	SHARED = PAGER_MAP_SHARED,
};

#define VA(page) ((uint64_t)(START + (page)) << PAGER_PAGE_SHIFT)

struct state {
	const char *name;
	struct model_config config;
	const struct model_op *ops;
	size_t count;
};

#define MAP(s, at, n, p, f, o, off)                                           \
	{                                                                     \
		.kind = MODEL_MAP, .space = s, .addr = START + (at),          \
		.pages = n, .prot = p, .flags = f, .object = o, .offset = off \
	}
#define WRITE(s, at, n)                                                      \
	{                                                                    \
		.kind = MODEL_WRITE, .space = s, .addr = VA(at), .pages = n, \
		.seed = (at) + 3                                             \
	}
#define READ(s, at, n)                                                     \
	{                                                                  \
		.kind = MODEL_READ, .space = s, .addr = VA(at), .pages = n \
	}
#define FORK(s, o)                                         \
	{                                                  \
		.kind = MODEL_FORK, .space = s, .other = o \
	}
#define RANGE(k, s, at, n)                                              \
	{                                                               \
		.kind = k, .space = s, .addr = START + (at), .pages = n \
	}
#define ADVISE(s, at, n, a)                                             \
	{                                                               \
		.kind = MODEL_ADVISE, .space = s, .addr = START + (at), \
		.pages = n, .flags = a                                  \
	}
#define PROTECT(s, at, n, p)                                             \
	{                                                                \
		.kind = MODEL_PROTECT, .space = s, .addr = START + (at), \
		.pages = n, .prot = p                                    \
	}
#define POPULATE(s, at, n, a)                                             \
	{                                                                 \
		.kind = MODEL_POPULATE, .space = s, .addr = START + (at), \
		.pages = n, .access = a                                   \
	}
#define FAULT(s, at, a)                                                \
	{                                                              \
		.kind = MODEL_FAULT, .space = s, .addr = START + (at), \
		.access = a                                            \
	}
#define REMAP(s, at, n, to_n, f, to)                                   \
	{                                                              \
		.kind = MODEL_REMAP, .space = s, .addr = START + (at), \
		.pages = n, .new_pages = to_n, .flags = f,             \
		.new_addr = START + (to)                               \
	}

/*
 *	 0        8     12       16       20   24     28      32   36    40
 *	 | rw wwww| r zz | rw s   | rw p o |    | rw   | heap  |    | stk |
 *	              objects: ^shared  ^private
 */
static const struct model_op plain[] = {
    {.kind = MODEL_SPACE, .space = 0},
    {.kind = MODEL_OBJECT, .object = 1, .pages = 20},
    {.kind = MODEL_OBJECT, .object = 2, .pages = 8},
    MAP(0, 0, 8, RW, FIXED, 0, 0),
    MAP(0, 8, 4, PAGER_PROT_READ, FIXED, 0, 0),
    MAP(0, 12, 4, RW, FIXED | SHARED, 1, 2),
    MAP(0, 16, 4, RW, FIXED, 1, 2),
    MAP(0, 24, 4, RW, FIXED, 0, 0),
    MAP(0, 40, 2, RW, FIXED | PAGER_MAP_GROWSDOWN, 0, 0),
    {.kind = MODEL_BRK_START, .space = 0, .addr = VA(28)},
    {.kind = MODEL_BRK, .space = 0, .addr = VA(30) + 5},
    WRITE(0, 0, 12000),
    WRITE(0, 4, 5000),
    READ(0, 8, 5000),
    WRITE(0, 12, 4000),
    READ(0, 13, 4000),
    WRITE(0, 16, 4000),
    READ(0, 17, 4000),
    WRITE(0, 24, 10),
    WRITE(0, 28, 10),
    WRITE(0, 40, 10),
    ADVISE(0, 4, 1, PAGER_ADV_DONTFORK),
    ADVISE(0, 24, 1, PAGER_ADV_WIPEONFORK),
};

static const struct model_op more_forks[] = {
    FORK(0, 1),
    WRITE(1, 0, 10),
    FORK(1, 2),
    WRITE(0, 1, 10),
    {.kind = MODEL_PIN, .space = 0, .addr = START + 25, .pages = 1},
};

static const struct model_op more_shared[] = {
    FORK(0, 1),
};

static const struct model_op more_account[] = {
    {.kind = MODEL_RECHARGE, .space = 0, .other = 1},
    FORK(0, 1),
    {.kind = MODEL_FREE, .space = 0},
    {.kind = MODEL_FORK, .space = 1, .other = 0, .account = 1},
};

/* config.frames only makes refusals for room legal. */
#define CONFIG                                                 \
	{                                                      \
		.start = START, .pages = PAGES, .frames = 4096 \
	}

static const struct state states[] = {
    {"plain", CONFIG, NULL, 0},
    {"forked", CONFIG, more_forks, sizeof(more_forks) / sizeof(plain[0])},
    {"sharing", CONFIG, more_shared, sizeof(more_shared) / sizeof(plain[0])},
    {"charged to another", CONFIG, more_account,
     sizeof(more_account) / sizeof(plain[0])},
    {"few frames",
     {.start = START, .pages = PAGES, .frames = 20},
     more_forks,
     sizeof(more_forks) / sizeof(plain[0])},
    {"few nodes",
     {.start = START, .pages = PAGES, .nodes = 20},
     more_shared,
     sizeof(more_shared) / sizeof(plain[0])},
    {"few regions",
     {.start = START, .pages = PAGES, .max_regions = 10, .max_resident = 18},
     more_shared,
     sizeof(more_shared) / sizeof(plain[0])},
};

/* All done in space 0, each from the same state. */
static const struct model_op operations[] = {
    {.kind = MODEL_SPACE, .space = 4},
    {.kind = MODEL_OBJECT, .object = 3, .pages = 4},
    FORK(0, 4),
    {.kind = MODEL_RESIZE, .object = 1, .pages = 3},
    {.kind = MODEL_RESIZE, .object = 1, .pages = 0},
    {.kind = MODEL_RESIZE, .object = 1, .pages = 40},
    {.kind = MODEL_RECHARGE, .space = 0, .other = 1},
    {.kind = MODEL_SNAPSHOT, .space = 0},
    {.kind = MODEL_CLEAR, .space = 0},
    {.kind = MODEL_FREE, .space = 0},
    MAP(0, 20, 3, RW, FIXED, 0, 0),
    MAP(0, 20, 4, RW, FIXED | PAGER_MAP_POPULATE, 0, 0),
    MAP(0, 2, 3, RW, FIXED, 0, 0),
    MAP(0, 2, 12, PAGER_PROT_READ, FIXED | PAGER_MAP_POPULATE, 0, 0),
    MAP(0, 6, 4, RW, FIXED | SHARED | PAGER_MAP_POPULATE, 2, 3),
    MAP(0, 6, 4, RW, FIXED | PAGER_MAP_POPULATE, 2, 3),
    MAP(0, 0, 2, RW, 0, 0, 0),
    RANGE(MODEL_UNMAP, 0, 0, 8),
    RANGE(MODEL_UNMAP, 0, 2, 1),
    RANGE(MODEL_UNMAP, 0, 3, 14),
    RANGE(MODEL_UNMAP, 0, 0, PAGES),
    PROTECT(0, 0, 8, PAGER_PROT_READ),
    PROTECT(0, 2, 2, 0),
    PROTECT(0, 2, 16, PAGER_PROT_ALL),
    PROTECT(0, 8, 4, RW),
    REMAP(0, 0, 4, 2, 0, 0),
    REMAP(0, 24, 2, 1, 0, 0),
    REMAP(0, 16, 4, 8, 0, 0),
    REMAP(0, 0, 8, 12, PAGER_REMAP_MAYMOVE, 0),
    REMAP(0, 1, 6, 6, PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED, 18),
    REMAP(0, 1, 18, 18, PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED, 24),
    REMAP(0, 1, 3, 3, PAGER_REMAP_MAYMOVE | PAGER_REMAP_DONTUNMAP, 0),
    REMAP(0, 12, 0, 2, PAGER_REMAP_MAYMOVE, 0),
    {.kind = MODEL_BRK, .space = 0, .addr = VA(33)},
    {.kind = MODEL_BRK, .space = 0, .addr = VA(29) - 7},
    ADVISE(0, 1, 10, PAGER_ADV_DONTNEED),
    ADVISE(0, 0, 20, PAGER_ADV_WILLNEED),
    ADVISE(0, 1, 5, PAGER_ADV_FREE),
    ADVISE(0, 1, 2, PAGER_ADV_DONTFORK),
    ADVISE(0, 3, 3, PAGER_ADV_DOFORK),
    ADVISE(0, 1, 2, PAGER_ADV_WIPEONFORK),
    ADVISE(0, 24, 1, PAGER_ADV_KEEPONFORK),
    RANGE(MODEL_PIN, 0, 2, 16),
    RANGE(MODEL_UNPIN, 0, 2, 16),
    RANGE(MODEL_UNPIN, 0, 25, 1),
    FAULT(0, 0, PAGER_ACCESS_WRITE),
    FAULT(0, 7, PAGER_ACCESS_WRITE),
    FAULT(0, 7, PAGER_ACCESS_READ),
    FAULT(0, 13, PAGER_ACCESS_WRITE),
    FAULT(0, 15, PAGER_ACCESS_READ),
    FAULT(0, 17, PAGER_ACCESS_WRITE),
    FAULT(0, 18, PAGER_ACCESS_READ),
    FAULT(0, 37, PAGER_ACCESS_WRITE),
    POPULATE(0, 0, 8, PAGER_ACCESS_WRITE),
    POPULATE(0, 0, 20, PAGER_ACCESS_READ),
    WRITE(0, 0, 12000),
    WRITE(0, 17, 9000),
    READ(0, 5, 12000),
    RANGE(MODEL_HARVEST, 0, 0, PAGES),
};

enum {
	STATES = sizeof(states) / sizeof(states[0]),
	OPERATIONS = sizeof(operations) / sizeof(operations[0]),
	MOST = 1000, /* no operation has so many fail points */
};

static struct model model;

static void prepare(const struct state *s)
{
	model_init(&model, &s->config);
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		model_step(&model, &plain[i]);
	for (size_t i = 0; i < s->count; i++)
		model_step(&model, &s->ops[i]);
}

/* True: the failure was met; nothing may have changed then. */
static bool fail_nth(const struct state *s, const struct model_op *op,
		     unsigned long n)
{
	bool partial = op->kind == MODEL_READ || op->kind == MODEL_WRITE;
	const char *fired, *difference;
	char *before, *after;

	prepare(s);
	ck_assert(oracle_applies(&model.oracle, op));
	before = digest_take(&model);
	pager_fail_arm(n);
	model_call(&model, op, &model.got);
	fired = pager_fail_fired();
	pager_fail_arm(0);
	if (fired)
		ck_assert_msg(model.got.err == PAGER_ENOMEM,
			      "%s: %s: failure %lu (%s) answered %s", s->name,
			      model_kind_name(op->kind), n, fired,
			      model_error_name(model.got.err));
	if (model.got.err != PAGER_OK && !(partial && model.got.value)) {
		after = digest_take(&model);
		difference = digest_difference(before, after);
		ck_assert_msg(!difference, "%s: %s: failure %lu (%s): %s",
			      s->name, model_kind_name(op->kind), n,
			      fired ? fired : "none", difference);
		free(after);
		model_check(&model, true);
		/* As if nothing had happened. */
		model_step(&model, op);
	}
	free(before);
	return fired;
}

/* A read or write that fails half-way has done the first pages: the model
 * follows it there, and checks everything. */
static void fail_half_way(const struct state *s, const struct model_op *op,
			  unsigned long n)
{
	prepare(s);
	pager_fail_arm(n);
	model_step(&model, op);
	pager_fail_arm(0);
	model_step(&model, op);
	model_fini(&model);
}

/* The model's own teardown finds leaks; what model_call did outside of the
 * oracle's knowledge must go first. */
static void finish(bool known)
{
	if (known) {
		model_fini(&model);
		return;
	}
	for (int i = 0; i < MODEL_SPACES; i++)
		if (model.space[i])
			pager_space_free(model.space[i]);
	for (int i = 0; i < MODEL_OBJECTS; i++)
		if (model.object[i])
			pager_object_put(model.object[i]);
	oracle_fini(&model.oracle);
	pager_account_put(model.account[1]);
	test_world_fini(&model.world);
}

START_TEST(test_every_operation_in_every_state)
{
	const struct state *s = &states[_i / OPERATIONS];
	const struct model_op *op = &operations[_i % OPERATIONS];
	unsigned long n = 1;
	bool met;

	do {
		ck_assert_int_lt(n, MOST);
		met = fail_nth(s, op, n);
		finish(false);
		if (met && (op->kind == MODEL_READ || op->kind == MODEL_WRITE))
			fail_half_way(s, op, n);
		n++;
	} while (met);
	/* And without any failure it does what the oracle says. */
	prepare(s);
	model_step(&model, op);
	finish(true);
}
END_TEST

START_TEST(test_restore_and_drop_meet_no_fail_point)
{
	static const struct model_op batch[] = {
	    {.kind = MODEL_SNAPSHOT, .space = 0},
	    WRITE(0, 0, 12000),
	    RANGE(MODEL_UNMAP, 0, 3, 14),
	    MAP(0, 6, 4, RW, FIXED | SHARED | PAGER_MAP_POPULATE, 2, 3),
	};
	static const uint8_t ends[] = {MODEL_RESTORE, MODEL_DROP};
	struct model_op end = {.kind = ends[_i % 2], .space = 0};

	prepare(&states[_i / 2]);
	for (size_t i = 0; i < sizeof(batch) / sizeof(batch[0]); i++)
		model_step(&model, &batch[i]);
	if (model.oracle.space[0].snapshot) {
		pager_fail_arm(1);
		model_call(&model, &end, &model.got);
		ck_assert_ptr_null(pager_fail_fired());
		pager_fail_arm(0);
	}
	finish(false);
}
END_TEST

START_TEST(test_recount_without_room)
{
	char why[64];
	char *before, *after;
	struct pager_status st;
	const char *difference;

	prepare(&states[1]);
	before = digest_take(&model);
	for (unsigned long n = 1;; n++) {
		pager_fail_arm(n);
		st = pager_core_recount(model.world.core, why, sizeof(why));
		if (!pager_fail_fired())
			break;
		ck_assert_uint_eq(st.err, PAGER_ENOMEM);
	}
	pager_fail_arm(0);
	ck_assert_uint_eq(st.err, PAGER_OK);
	after = digest_take(&model);
	difference = digest_difference(before, after);
	ck_assert_msg(!difference, "%s", difference);
	free(before);
	free(after);
	finish(true);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("failpoints");
	TCase *tc = tcase_create("core");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, test_every_operation_in_every_state, 0,
			    STATES * OPERATIONS);
	tcase_add_loop_test(tc, test_restore_and_drop_meet_no_fail_point, 0,
			    STATES * 2);
	tcase_add_test(tc, test_recount_without_room);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
