/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BATCH from the table of operations: which operation may stand in which kind,
 * every field of every operation wrong in the middle of a batch, and random
 * batches over several spaces that are undone.
 *
 * PAGER_SEED and PAGER_ROUNDS choose another run of the random ones.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/bad_fields.h"
#include "tests/support/hunt.h"
#include "tests/support/noise.h"
#include "tests/support/unit.h"

enum { PAGE = PAGER_PAGE_SIZE, ROUNDS = 300 };

static struct serve_batch batch;

static void empty(uint32_t flags)
{
	memset(&batch.body, 0, sizeof(batch.body));
	batch.body.flags = flags;
	batch.len = 0;
}

static void add(const struct request *r)
{
	serve_batch_add(&batch, r->op->number, &r->body, r->op->request->size,
			r->data, r->data_len);
}

/* The reply to member i: its error. */
static unsigned int error_of(unsigned int i)
{
	struct pager_answer answer;

	serve_batch_answer(i, &answer);
	return answer.hdr.error;
}

static void blamed(const struct request *r, unsigned int i, const char *field,
		   const char *what)
{
	struct pager_answer answer;
	const char *name;

	serve_batch_answer(i, &answer);
	name = pager_op_field_name(r->op, answer.hdr.field);
	ck_assert_msg(name && strcmp(name, field) == 0,
		      "%s: %s: %s is to blame, not %s", r->name, what,
		      name ? name : "nothing", field);
}

/* --- which may stand where
 * ----------------------------------------------------
 */

static bool is_allowed(const struct request *r, bool atomic)
{
	return r->op->batch == PAGER_OP_BATCH_ATOMIC ||
	       (!atomic && r->op->batch == PAGER_OP_BATCH_YES);
}

START_TEST(every_operation_alone)
{
	struct request r;

	for (unsigned int atomic = 0; atomic < 2; atomic++) {
		char *before;

		bed_start(NULL);
		request_get((unsigned int)_i, &r);
		if (r.op->access == PAGER_OP_ACCESS_ADMIN)
			r.client = bed.me;
		empty(atomic ? PAGER_BATCH_ATOMIC : 0);
		add(&r);
		before = serve_picture();
		ck_assert_uint_eq(serve_batch_run(bed.me, &batch), PAGER_OK);
		if (!is_allowed(&r, atomic)) {
			ck_assert_msg(error_of(0) == PAGER_EBATCH, "%s",
				      r.name);
			blamed(&r, 0, "op", "not in this batch");
		} else if (r.op->access == PAGER_OP_ACCESS_ADMIN) {
			ck_assert_uint_eq(error_of(0), PAGER_EACCESS);
			blamed(&r, 0, "op", "no admin");
		} else {
			ck_assert_msg(error_of(0) == PAGER_OK, "%s: %s", r.name,
				      pager_error_name(error_of(0)));
		}
		ck_assert_uint_eq(serve_answer.body.batch.failed,
				  error_of(0) != PAGER_OK);
		ck_assert_uint_eq(serve_answer.body.batch.first,
				  error_of(0) == PAGER_OK);
		if (error_of(0))
			bed_undone(before, r.name);
		else
			free(before);
		bed_end();
	}
}
END_TEST

/* --- every field, in the middle
 * -----------------------------------------------
 */

/* Two requests of other spaces before it and one behind it, all valid. */
static void surround(const struct request *r, uint32_t flags)
{
	struct pager_req_map map = {.space = bed.empty,
				    .addr = 0x10000000,
				    .len = 4 * PAGE,
				    .prot = 3,
				    .flags =
					PAGER_MAP_FIXED | PAGER_MAP_POPULATE};
	struct pager_req_range unmap = {
	    .space = bed.child, .addr = BED_ANON, .len = 3 * PAGE};

	empty(flags);
	serve_batch_put(&batch, PAGER_OP_MAP, map);
	serve_batch_put(&batch, PAGER_OP_UNMAP, unmap);
	add(r);
	map.addr += 4 * PAGE;
	serve_batch_put(&batch, PAGER_OP_MAP, map);
}

static void bad_in_atomic(const struct request *r, enum pager_error error,
			  const char *field, const char *what)
{
	char *before = serve_picture();

	surround(r, PAGER_BATCH_ATOMIC);
	ck_assert_uint_eq(serve_batch_run(bed.me, &batch), PAGER_OK);
	ck_assert_msg(error_of(2) == error, "%s: %s: %s, not %s", r->name, what,
		      pager_error_name(error_of(2)), pager_error_name(error));
	blamed(r, 2, field, what);
	ck_assert_uint_eq(error_of(0), PAGER_EABORTED);
	ck_assert_uint_eq(error_of(1), PAGER_EABORTED);
	ck_assert_uint_eq(error_of(3), PAGER_EABORTED);
	ck_assert_uint_eq(serve_answer.body.batch.count, 4);
	ck_assert_uint_eq(serve_answer.body.batch.failed, 4);
	ck_assert_uint_eq(serve_answer.body.batch.first, 2);
	bed_undone(before, what);
}

START_TEST(every_field_in_an_atomic_batch)
{
	struct request r, bent;
	struct bads bads;
	char what[128];

	bed_start(NULL);
	request_get((unsigned int)_i, &r);
	for (unsigned int i = 0;
	     is_allowed(&r, true) && i < r.op->request->count; i++) {
		const struct pager_field *f = r.op->request->fields + i;

		if (f->reserved) {
			bent = r;
			((uint8_t *)&bent.body)[f->offset] = 1;
			bad_in_atomic(&bent, PAGER_ERESERVED, f->name,
				      "a reserved member");
			continue;
		}
		if (bad_fields(&r, f, &bads) != BAD_VALUES)
			continue;
		for (size_t n = 0; n < bads.count; n++) {
			const struct bad *b = bads.list + n;

			bent = r;
			memcpy((uint8_t *)&bent.body + f->offset, &b->value,
			       f->size);
			snprintf(what, sizeof(what), "%s = %#llx", f->name,
				 (unsigned long long)b->value);
			bad_in_atomic(&bent, b->error,
				      b->blame ? b->blame : f->name, what);
		}
	}
	bed_end();
}
END_TEST

/* In an independent one it is refused as anywhere, and the others are done. */
START_TEST(every_field_in_an_independent_batch)
{
	struct request r, bent;
	struct bads bads;

	bed_start(NULL);
	request_get((unsigned int)_i, &r);
	for (unsigned int i = 0;
	     is_allowed(&r, false) && r.op->access != PAGER_OP_ACCESS_ADMIN &&
	     i < r.op->request->count;
	     i++) {
		const struct pager_field *f = r.op->request->fields + i;

		if (f->reserved || bad_fields(&r, f, &bads) != BAD_VALUES)
			continue;
		for (size_t n = 0; n < bads.count; n++) {
			const struct bad *b = bads.list + n;

			bent = r;
			memcpy((uint8_t *)&bent.body + f->offset, &b->value,
			       f->size);
			surround(&bent, 0);
			ck_assert_uint_eq(serve_batch_run(bed.me, &batch),
					  PAGER_OK);
			ck_assert_msg(error_of(2) == b->error,
				      "%s: %s = %#llx: %s, not %s", r.name,
				      f->name, (unsigned long long)b->value,
				      pager_error_name(error_of(2)),
				      pager_error_name(b->error));
			ck_assert_uint_eq(error_of(0), PAGER_OK);
			ck_assert_uint_eq(error_of(1), PAGER_OK);
			ck_assert_uint_eq(error_of(3), PAGER_OK);
			ck_assert_uint_eq(serve_answer.body.batch.failed, 1);
			ck_assert_uint_eq(serve_answer.body.batch.first, 2);
		}
	}
	bed_end();
}
END_TEST

/* --- many
 * ---------------------------------------------------------------------
 */

/* 256 requests over 16 spaces; the last one is refused. */
START_TEST(a_full_batch)
{
	enum { SPACES = 16 };
	uint64_t spaces[SPACES];
	struct pager_req_map map = {.len = 2 * PAGE,
				    .prot = 3,
				    .flags =
					PAGER_MAP_FIXED | PAGER_MAP_POPULATE};
	char *before;

	serve_start(NULL);
	bed.me = serve_join(SERVE_ANN);
	for (unsigned int i = 0; i < SPACES; i++)
		spaces[i] = serve_space(bed.me);
	for (unsigned int last = 0; last < 2; last++) {
		empty(PAGER_BATCH_ATOMIC);
		for (unsigned int i = 0; i < PAGER_BATCH_MAX; i++) {
			map.space = spaces[i % SPACES];
			map.addr = 0x400000 + i * PAGE;
			map.prot = last == 0 && i == 255 ? 8 : 3;
			serve_batch_put(&batch, PAGER_OP_MAP, map);
		}
		before = serve_picture();
		ck_assert_uint_eq(serve_batch_run(bed.me, &batch), PAGER_OK);
		ck_assert_uint_eq(serve_answer.body.batch.count,
				  PAGER_BATCH_MAX);
		if (last == 0) {
			ck_assert_uint_eq(serve_answer.body.batch.failed,
					  PAGER_BATCH_MAX);
			ck_assert_uint_eq(serve_answer.body.batch.first, 255);
			ck_assert_uint_eq(error_of(0), PAGER_EABORTED);
			ck_assert_uint_eq(error_of(255), PAGER_EINVAL);
			bed_undone(before, "256 requests");
		} else {
			ck_assert_uint_eq(serve_answer.body.batch.failed, 0);
			ck_assert_uint_eq(serve_answer.body.batch.first,
					  PAGER_BATCH_MAX);
			free(before);
		}
	}
	serve_batch_put(&batch, PAGER_OP_MAP, map);
	before = serve_picture();
	ck_assert_uint_eq(serve_batch_run(bed.me, &batch), PAGER_ETOOBIG);
	ck_assert_uint_eq(serve_answer.hdr.field,
			  PAGER_HDR_SIZE +
			      offsetof(struct pager_req_batch, count));
	serve_unchanged(before, "257 requests");
	serve_end();
}
END_TEST

/* Nothing shared: pages that objects got in a batch stay. */
static void make_private(uint8_t *message)
{
	struct pager_req_map map;

	memcpy(&map, message + PAGER_HDR_SIZE, sizeof(map));
	map.flags &= ~PAGER_MAP_SHARED;
	map.object = map.offset = 0;
	memcpy(message + PAGER_HDR_SIZE, &map, sizeof(map));
}

static void add_random(struct noise *noise)
{
	static const uint8_t ops[] = {
	    PAGER_OP_MAP,   PAGER_OP_UNMAP, PAGER_OP_PROTECT, PAGER_OP_REMAP,
	    PAGER_OP_BRK,   PAGER_OP_PIN,   PAGER_OP_UNPIN,   PAGER_OP_ADVISE,
	    PAGER_OP_FAULT, PAGER_OP_FAULT, PAGER_OP_POPULATE};
	unsigned int op = ops[rng_below(&noise->rng, sizeof(ops))];
	uint8_t *message = batch.data + batch.len;

	batch.len += noise_member(noise, op, message, batch.body.count++);
	if (op == PAGER_OP_MAP)
		make_private(message);
}

/* Random batches of what may stand in an atomic one, over three spaces that
 * share pages: each as it is (undone if anything was refused), then with a
 * last request that is always refused. */
START_TEST(random_batches_are_undone)
{
	struct pager_req_range never = {.addr = 1, .len = 1};
	struct pager_req_range unshared = {.addr = BED_SHARED,
					   .len = BED_HOLE - BED_SHARED};
	uint64_t rounds = hunt_number("PAGER_ROUNDS", ROUNDS);
	unsigned int done = 0;
	struct noise noise;

	bed_start("limit frames 512\nlimit nodes 512\n");
	noise_init(&noise, hunt_number("PAGER_SEED", 1), 1);
	noise.spaces[0] = never.space = bed.space;
	noise.spaces[1] = bed.child;
	noise.spaces[2] = bed.empty;
	noise.space_count = 3;
	unshared.space = bed.space;
	serve_ok(bed.me, PAGER_OP_UNMAP, unshared);
	unshared.space = bed.child;
	serve_ok(bed.me, PAGER_OP_UNMAP, unshared);
	for (uint64_t round = 0; round < rounds; round++) {
		unsigned int count =
		    (unsigned int)(1 +
				   rng_below(&noise.rng, round % 4 ? 4 : 12));
		char *before = serve_picture();

		empty(PAGER_BATCH_ATOMIC);
		for (unsigned int i = 0; i < count; i++)
			add_random(&noise);
		ck_assert_uint_eq(serve_batch_run(bed.me, &batch), PAGER_OK);
		if (serve_answer.body.batch.failed) {
			ck_assert_uint_eq(serve_answer.body.batch.failed,
					  count);
			bed_undone(before, "a refused batch");
		} else {
			done++;
			free(before);
		}
		before = serve_picture();
		serve_batch_put(&batch, PAGER_OP_UNMAP, never);
		ck_assert_uint_eq(serve_batch_run(bed.me, &batch), PAGER_OK);
		ck_assert_uint_eq(serve_answer.body.batch.failed, count + 1);
		bed_undone(before, "a batch with a bad end");
	}
	ck_assert_uint_gt(done, rounds / 10);
	bed_end();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("batches");
	TCase *t = tcase_create("batches");
	SRunner *runner;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, every_operation_alone, 0, REQUEST_COUNT);
	tcase_add_loop_test(t, every_field_in_an_atomic_batch, 0,
			    REQUEST_COUNT);
	tcase_add_loop_test(t, every_field_in_an_independent_batch, 0,
			    REQUEST_COUNT);
	tcase_add_test(t, a_full_batch);
	tcase_add_test(t, random_batches_are_undone);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
