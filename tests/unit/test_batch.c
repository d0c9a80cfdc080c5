/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BATCH: independent and all-or-nothing, what may stand in it, how much fits,
 * and that a violation inside does nothing at all.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/failpoint.h"
#include "tests/support/serve.h"
#include "tests/support/unit.h"

static struct serve_batch batch;
static struct pager_answer answer;

static struct srv_client *begin(uint64_t *space)
{
	struct srv_client *ann;

	serve_start(NULL);
	memset(&batch, 0, sizeof(batch));
	ann = serve_join(SERVE_ANN);
	*space = serve_space(ann);
	return ann;
}

static struct pager_req_map map_of(uint64_t space, uint64_t addr, uint64_t len)
{
	return (struct pager_req_map){
	    .space = space,
	    .addr = addr,
	    .len = len,
	    .prot = PAGER_PROT_READ | PAGER_PROT_WRITE,
	    .flags = PAGER_MAP_FIXED | PAGER_MAP_NOREPLACE};
}

static void expect(unsigned int i, unsigned int error)
{
	serve_batch_answer(i, &answer);
	ck_assert_msg(answer.hdr.error == error, "%u: %s", i,
		      pager_error_name(answer.hdr.error));
}

START_TEST(independent_requests_do_not_disturb_each_other)
{
	struct pager_req_map map;
	struct srv_client *ann;
	uint64_t space;

	ann = begin(&space);
	map = map_of(space, 0x400000, 0x1000);
	serve_batch_put(&batch, PAGER_OP_MAP, map);
	serve_batch_put(&batch, PAGER_OP_MAP, map);
	map.addr = 0x500000;
	serve_batch_put(&batch, PAGER_OP_MAP, map);
	ck_assert_uint_eq(serve_batch_run(ann, &batch), 0);
	ck_assert_uint_eq(serve_answer.body.batch.count, 3);
	ck_assert_uint_eq(serve_answer.body.batch.failed, 1);
	ck_assert_uint_eq(serve_answer.body.batch.first, 1);
	expect(0, PAGER_OK);
	ck_assert_uint_eq(answer.body.addr.addr, 0x400000);
	expect(1, PAGER_EEXIST);
	ck_assert_str_eq(pager_op_field_name(answer.op, answer.hdr.field),
			 "addr");
	expect(2, PAGER_OK);
	serve_write(ann, space, 0x500000, "there");
	serve_end();
}
END_TEST

START_TEST(bytes_and_lists_travel_in_batches)
{
	const struct pager_req_read read = {.addr = 0x400000, .len = 5};
	struct pager_req_write write = {.addr = 0x400000};
	struct pager_req_region_list list = {0};
	const struct pager_req_none none = {0};
	struct pager_req_read in = read;
	struct srv_client *ann;
	uint64_t space;

	ann = begin(&space);
	serve_map(ann, space, 0x400000, 0x1000, 0, 0);
	write.space = in.space = list.space = space;
	serve_batch_add(&batch, PAGER_OP_WRITE, &write, sizeof(write), "bytes",
			5);
	serve_batch_put(&batch, PAGER_OP_READ, in);
	serve_batch_put(&batch, PAGER_OP_REGION_LIST, list);
	serve_batch_put(&batch, PAGER_OP_BACKENDS, none);
	ck_assert_uint_eq(serve_batch_run(ann, &batch), 0);
	ck_assert_uint_eq(serve_answer.body.batch.failed, 0);
	ck_assert_uint_eq(serve_answer.body.batch.first, 4);
	expect(1, PAGER_OK);
	ck_assert_uint_eq(answer.data_len, 5);
	ck_assert_mem_eq(answer.data, "bytes", 5);
	expect(2, PAGER_OK);
	ck_assert_uint_eq(answer.body.list.count, 1);
	ck_assert_uint_eq(answer.body.list.next, 0);
	expect(3, PAGER_OK);
	ck_assert_uint_eq(answer.body.list.count, 2);
	serve_end();
}
END_TEST

START_TEST(all_or_nothing_does_all)
{
	struct pager_req_map map;
	struct pager_req_fault fault = {.addr = 0x400000,
					.access = PAGER_ACCESS_WRITE};
	struct srv_client *ann;
	uint64_t space;

	ann = begin(&space);
	map = map_of(space, 0x400000, 0x2000);
	fault.space = space;
	batch.body.flags = PAGER_BATCH_ATOMIC;
	serve_batch_put(&batch, PAGER_OP_MAP, map);
	serve_batch_put(&batch, PAGER_OP_FAULT, fault);
	ck_assert_uint_eq(serve_batch_run(ann, &batch), 0);
	ck_assert_uint_eq(serve_answer.body.batch.failed, 0);
	expect(0, PAGER_OK);
	expect(1, PAGER_OK);
	ck_assert_uint_eq(answer.body.fault.result, PAGER_FAULT_INSTALLED);
	serve_write(ann, space, 0x401000, "there");
	serve_end();
}
END_TEST

/* Two spaces, three requests that work, one that does not. */
static void half_way(uint64_t one, uint64_t two)
{
	struct pager_req_map map = map_of(one, 0x500000, 0x4000);
	struct pager_req_populate populate = {.space = one,
					      .addr = 0x500000,
					      .len = 0x4000,
					      .access = PAGER_ACCESS_WRITE};
	struct pager_req_range range = {two, 0x400000, 0x1000};

	batch.body.flags = PAGER_BATCH_ATOMIC;
	serve_batch_put(&batch, PAGER_OP_MAP, map);
	serve_batch_put(&batch, PAGER_OP_POPULATE, populate);
	serve_batch_put(&batch, PAGER_OP_UNMAP, range);
	map.space = two;
	map.flags |= PAGER_MAP_SHARED;
	serve_batch_put(&batch, PAGER_OP_MAP, map);
	serve_batch_put(&batch, PAGER_OP_MAP, map);
	serve_batch_put(&batch, PAGER_OP_UNMAP, range);
}

START_TEST(all_or_nothing_does_nothing)
{
	struct srv_client *ann;
	uint64_t one, two, objects;
	const struct pager_req_none none = {0};

	ann = begin(&one);
	serve_map(ann, one, 0x400000, 0x1000, 0, 0);
	serve_write(ann, one, 0x400000, "stays");
	two = serve_fork(ann, one);
	serve_write(ann, two, 0x400000, "too");
	serve_ok(ann, PAGER_OP_STATS, none);
	objects = serve_answer.body.stats.objects;
	half_way(one, two);
	ck_assert_uint_eq(serve_batch_run(ann, &batch), 0);
	ck_assert_uint_eq(serve_answer.body.batch.count, 6);
	ck_assert_uint_eq(serve_answer.body.batch.failed, 6);
	ck_assert_uint_eq(serve_answer.body.batch.first, 4);
	for (unsigned int i = 0; i < 6; i++)
		expect(i, i == 4 ? PAGER_EEXIST : PAGER_EABORTED);
	serve_reads(ann, one, 0x400000, "stays");
	serve_reads(ann, two, 0x400000, "tooys");
	serve_ok(ann, PAGER_OP_SPACE_INFO, one);
	ck_assert_uint_eq(serve_answer.body.space_info.regions, 1);
	ck_assert_uint_eq(serve_answer.body.space_info.anon, 1);
	serve_ok(ann, PAGER_OP_SPACE_INFO, two);
	ck_assert_uint_eq(serve_answer.body.space_info.regions, 1);
	serve_ok(ann, PAGER_OP_STATS, none);
	ck_assert_uint_eq(serve_answer.body.stats.objects, objects);
	serve_end();
}
END_TEST

START_TEST(what_cannot_work_is_not_begun)
{
	struct pager_req_map map;
	struct srv_client *ann;
	uint64_t space;
	char *before;

	ann = begin(&space);
	map = map_of(space, 0x400000, 0x1000);
	batch.body.flags = PAGER_BATCH_ATOMIC;
	serve_batch_put(&batch, PAGER_OP_MAP, map);
	map.space = 5;
	serve_batch_put(&batch, PAGER_OP_MAP, map);
	before = serve_picture();
	ck_assert_uint_eq(serve_batch_run(ann, &batch), 0);
	serve_unchanged(before, "a batch with a handle of nobody");
	ck_assert_uint_eq(serve_answer.body.batch.first, 1);
	expect(0, PAGER_EABORTED);
	expect(1, PAGER_ENOENT);
	serve_end();
}
END_TEST

START_TEST(what_may_stand_in_which_batch)
{
	static const uint8_t zero[256];
	const struct pager_op *op = NULL;
	struct srv_client *ann;
	uint64_t space;

	ann = begin(&space);
	while ((op = pager_op_next(op)))
		for (unsigned int atomic = 0; atomic < 2; atomic++) {
			bool may = op->batch == PAGER_OP_BATCH_ATOMIC ||
				   (op->batch == PAGER_OP_BATCH_YES && !atomic);

			memset(&batch, 0, sizeof(batch));
			batch.body.flags = atomic;
			serve_batch_add(&batch, (enum pager_opcode)op->number,
					zero, op->request->size, NULL, 0);
			ck_assert_uint_eq(serve_batch_run(ann, &batch), 0);
			serve_batch_answer(0, &answer);
			ck_assert_msg((answer.hdr.error != PAGER_EBATCH) == may,
				      "%s", op->name);
			if (!may)
				ck_assert_uint_eq(answer.hdr.field, 4);
		}
	serve_end();
}
END_TEST

START_TEST(a_refusal_by_form_inside_is_that_requests)
{
	struct pager_req_protect protect = {.reserved = 1};
	const struct pager_req_ping ping = {7};
	struct srv_client *ann;
	uint64_t space;

	ann = begin(&space);
	serve_batch_put(&batch, PAGER_OP_PROTECT, protect);
	serve_batch_put(&batch, PAGER_OP_PING, ping);
	ck_assert_uint_eq(serve_batch_run(ann, &batch), 0);
	expect(0, PAGER_ERESERVED);
	ck_assert_str_eq(pager_op_field_name(answer.op, answer.hdr.field),
			 "reserved");
	expect(1, PAGER_OK);
	ck_assert_uint_eq(answer.body.ping.cookie, 7);
	serve_end();
}
END_TEST

START_TEST(the_whole_is_refused_for_its_own_fields)
{
	const struct pager_req_ping ping = {7};
	struct srv_client *ann;
	uint64_t space;

	ann = begin(&space);
	ck_assert_uint_eq(serve_batch_run(ann, &batch), PAGER_EINVAL);
	ck_assert_uint_eq(serve_answer.hdr.field, 36);
	for (int i = 0; i < 256; i++)
		serve_batch_put(&batch, PAGER_OP_PING, ping);
	ck_assert_uint_eq(serve_batch_run(ann, &batch), 0);
	batch.body.count = 255;
	ck_assert_uint_eq(serve_batch_run(ann, &batch), PAGER_EINVAL);
	serve_batch_put(&batch, PAGER_OP_PING, ping);
	ck_assert_uint_eq(serve_batch_run(ann, &batch), PAGER_EINVAL);
	batch.body.count = 257;
	ck_assert_uint_eq(serve_batch_run(ann, &batch), PAGER_ETOOBIG);
	ck_assert_uint_eq(serve_answer.hdr.field, 36);
	batch.body.count = 256;
	batch.body.flags = 2;
	ck_assert_uint_eq(serve_batch_run(ann, &batch), PAGER_EFLAGS);
	ck_assert_uint_eq(serve_answer.hdr.field, 32);
	serve_end();
}
END_TEST

START_TEST(a_violation_inside_does_nothing_at_all)
{
	static const struct {
		size_t at;
		uint8_t value;
		enum pager_violation why;
	} rows[] = {
	    {offsetof(struct pager_hdr, flags), 1, PAGER_VIOLATION_FLAGS},
	    {offsetof(struct pager_hdr, nfds), 1, PAGER_VIOLATION_FDS},
	    {offsetof(struct pager_hdr, length), 41, PAGER_VIOLATION_LENGTH},
	    {offsetof(struct pager_hdr, length), 48, PAGER_VIOLATION_LENGTH},
	    {offsetof(struct pager_hdr, length), 24, PAGER_VIOLATION_LENGTH},
	    {offsetof(struct pager_hdr, data_len), 9, PAGER_VIOLATION_DATA},
	};
	static _Alignas(8) uint8_t packet[PAGER_MSG_MAX];
	const struct pager_req_ping ping = {7};
	struct pager_req_map map;
	enum pager_violation why;
	struct srv_client *ann;
	uint64_t space;
	char *before;
	size_t len;

	ann = begin(&space);
	map = map_of(space, 0x400000, 0x1000);
	serve_batch_put(&batch, PAGER_OP_MAP, map);
	serve_batch_put(&batch, PAGER_OP_PING, ping);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		len = pager_request_encode(
		    packet, sizeof(packet), pager_op_find(PAGER_OP_BATCH), 1,
		    &batch.body, sizeof(batch.body), batch.data, batch.len);
		packet[len - 40 + rows[i].at] = rows[i].value;
		before = serve_picture();
		ck_assert(!serve_packet(ann, packet, len, &why));
		ck_assert_int_eq(why, rows[i].why);
		serve_unchanged(before, "a violation inside a batch");
	}
	serve_end();
}
END_TEST

START_TEST(replies_that_do_not_fit_refuse_the_whole)
{
	struct pager_req_read read = {.addr = 0x400000, .len = 30000};
	struct srv_client *ann;
	uint64_t space;
	char *before;

	ann = begin(&space);
	serve_map(ann, space, 0x400000, 0x10000, 0, 0);
	read.space = space;
	serve_batch_put(&batch, PAGER_OP_READ, read);
	serve_batch_put(&batch, PAGER_OP_READ, read);
	ck_assert_uint_eq(serve_batch_run(ann, &batch), 0);
	ck_assert_uint_eq(serve_answer.body.batch.failed, 0);
	serve_batch_put(&batch, PAGER_OP_READ, read);
	before = serve_picture();
	ck_assert_uint_eq(serve_batch_run(ann, &batch), PAGER_ETOOBIG);
	serve_unchanged(before, "a batch too big");
	serve_end();
}
END_TEST

START_TEST(lists_share_what_room_is_left)
{
	struct pager_req_region_list list = {0};
	struct pager_req_read read = {.addr = 0x400000, .len = 40000};
	struct srv_client *ann;
	uint64_t space, seen;

	ann = begin(&space);
	for (uint64_t i = 0; i < 600; i++)
		serve_map(ann, space, 0x400000 + i * 0x2000, 0x1000, 0, 0);
	serve_map(ann, space, 0x300000, 0x1000, 0, 0);
	read.space = list.space = space;
	read.addr = 0x300000;
	serve_batch_put(&batch, PAGER_OP_REGION_LIST, list);
	serve_batch_put(&batch, PAGER_OP_REGION_LIST, list);
	serve_batch_put(&batch, PAGER_OP_READ, read);
	ck_assert_uint_eq(serve_batch_run(ann, &batch), 0);
	expect(0, PAGER_OK);
	seen = answer.body.list.count;
	ck_assert_uint_gt(seen, 100);
	ck_assert_uint_ne(answer.body.list.next, 0);
	expect(1, PAGER_OK);
	ck_assert_uint_ge(answer.body.list.count, 1);
	expect(2, PAGER_OK);
	ck_assert_uint_eq(answer.body.access.done, 4096);
	serve_end();
}
END_TEST

START_TEST(a_batch_that_runs_out_of_anything_leaves_no_trace)
{
#ifdef PAGER_FAILPOINTS
	const struct pager_req_none none = {0};
	unsigned int failed = 0;
	struct srv_client *ann;
	uint64_t one, two, fills;

	ann = begin(&one);
	serve_map(ann, one, 0x400000, 0x1000, 0, 0);
	two = serve_fork(ann, one);
	for (unsigned long n = 1;; n++) {
		bool fired;

		memset(&batch, 0, sizeof(batch));
		half_way(one, two);
		serve_ok(ann, PAGER_OP_STATS, none);
		fills = serve_answer.body.stats.zero_fills;
		pager_fail_arm(n);
		serve_batch_run(ann, &batch);
		fired = pager_fail_fired();
		pager_fail_arm(0);
		serve_ok(ann, PAGER_OP_SPACE_INFO, one);
		ck_assert_uint_eq(serve_answer.body.space_info.regions, 1);
		ck_assert_uint_eq(serve_answer.body.space_info.anon, 0);
		serve_ok(ann, PAGER_OP_SPACE_INFO, two);
		ck_assert_uint_eq(serve_answer.body.space_info.regions, 1);
		serve_ok(ann, PAGER_OP_STATS, none);
		ck_assert_uint_eq(serve_answer.body.stats.frames_used, 1);
		ck_assert_uint_eq(serve_answer.body.stats.objects, 0);
		if (!fired)
			break;
		failed++;
	}
	ck_assert_uint_gt(failed, 5);
	ck_assert_uint_ge(fills, 4);
	serve_end();
#endif
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    independent_requests_do_not_disturb_each_other,
	    bytes_and_lists_travel_in_batches,
	    all_or_nothing_does_all,
	    all_or_nothing_does_nothing,
	    what_cannot_work_is_not_begun,
	    what_may_stand_in_which_batch,
	    a_refusal_by_form_inside_is_that_requests,
	    the_whole_is_refused_for_its_own_fields,
	    a_violation_inside_does_nothing_at_all,
	    replies_that_do_not_fit_refuse_the_whole,
	    lists_share_what_room_is_left,
	    a_batch_that_runs_out_of_anything_leaves_no_trace,
	};

	return UNIT_RUN("batch", tests);
}
