/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fail points through the server: each allocation behind each operation fails
 * in turn. Every time the answer says so, and everything is as it was.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/failpoint.h"
#include "server/memory.h"
#include "tests/support/serve.h"
#include "tests/support/unit.h"

#ifdef PAGER_FAILPOINTS

static struct srv_client *ann, *ben;
static uint64_t space, child, object;
static struct pager_req_token token;

/* A forked pair, an object, a token: something of everything to work on. */
static void prepare(void)
{
	serve_start(NULL);
	ann = serve_join(SERVE_ANN);
	ben = serve_join(SERVE_BEN);
	space = serve_space(ann);
	object = serve_object(ann, 64, "named");
	serve_map(ann, space, 0x400000, 0x10000, 0, 0);
	serve_map(ann, space, 0x800000, 0x10000, PAGER_MAP_SHARED, object);
	serve_write(ann, space, 0x401000, "private");
	serve_write(ann, space, 0x801000, "shared");
	child = serve_fork(ann, space);
	serve_ok(ann, PAGER_OP_GIVE, child);
	memcpy(token.token, serve_answer.body.token.token, PAGER_TOKEN_SIZE);
}

/* Was the last answer one of having run out? */
static bool ran_out(void)
{
	if (serve_answer.hdr.error == PAGER_ENOMEM)
		return true;
	return serve_answer.hdr.error == 0 &&
	       (serve_answer.hdr.op == PAGER_OP_READ ||
		serve_answer.hdr.op == PAGER_OP_WRITE) &&
	       serve_answer.body.access.error == PAGER_ENOMEM;
}

/*
 * Fail the first point the request meets, then the second, and so on until it
 * meets no more and is done. A point may be met without being needed (memory
 * that is only looked for first): then the request is done all the same.
 */
static void fail_each(struct srv_client *client, enum pager_opcode op,
		      const void *body, size_t body_len, size_t data_len,
		      unsigned int least)
{
	const char *name = pager_op_find(op)->name;
	unsigned int failed = 0;

	for (unsigned long n = 1; n < 1000; n++) {
		char *before = serve_picture();
		const char *fired;

		pager_fail_arm(n);
		serve_ask_data(client, op, body, body_len, "sixteen bytes...",
			       data_len);
		fired = pager_fail_fired();
		pager_fail_arm(0);
		if (!ran_out()) {
			free(before);
			break;
		}
		ck_assert_msg(fired != NULL, "%s", name);
		serve_unchanged(before, name);
		failed++;
	}
	ck_assert_msg(serve_answer.hdr.error == 0, "%s: %s", name,
		      pager_error_name(serve_answer.hdr.error));
	ck_assert_msg(failed >= least, "%s met %u points", name, failed);
}

#define EACH(client, op, body, least) \
	fail_each(client, op, &(body), sizeof(body), 0, least)

START_TEST(making_things)
{
	const struct pager_req_space_create create = {0};
	struct pager_req_object_create with_name = {.size = 4096, .name = "x"};
	const struct pager_req_object_open open = {.name = "named"};

	prepare();
	for (int i = 0; i < 14; i++)
		serve_object(ann, 0, "");
	/* The table of handles has to grow. */
	EACH(ann, PAGER_OP_SPACE_CREATE, create, 3);
	EACH(ann, PAGER_OP_OBJECT_CREATE, with_name, 3);
	EACH(ann, PAGER_OP_OBJECT_OPEN, open, 1);
	EACH(ann, PAGER_OP_SPACE_FORK, space, 3);
	EACH(ben, PAGER_OP_TAKE, token, 1);
	EACH(ann, PAGER_OP_GIVE, object, 1);
	serve_end();
}
END_TEST

START_TEST(regions_and_pages)
{
	struct pager_req_map map = {.space = space,
				    .len = 0x4000,
				    .prot = 3,
				    .flags = PAGER_MAP_POPULATE};
	struct pager_req_protect protect = {
	    .addr = 0x402000, .len = 0x1000, .prot = 1};
	struct pager_req_remap remap = {.addr = 0x400000,
					.len = 0x2000,
					.new_len = 0x8000,
					.flags = PAGER_REMAP_MAYMOVE};
	struct pager_req_advise advise = {
	    .addr = 0x801000, .len = 0x1000, .advice = PAGER_ADV_DONTFORK};
	struct pager_req_range range = {.addr = 0x805000, .len = 0x1000};
	struct pager_req_populate populate = {
	    .addr = 0x806000, .len = 0x4000, .access = PAGER_ACCESS_WRITE};
	struct pager_req_fault fault = {.addr = 0x401000,
					.access = PAGER_ACCESS_WRITE};
	struct pager_req_brk brk = {.brk = 0x900000, .flags = 1};

	prepare();
	map.space = protect.space = remap.space = advise.space = range.space =
	    populate.space = fault.space = brk.space = space;
	EACH(ann, PAGER_OP_FAULT, fault, 1);
	EACH(ann, PAGER_OP_MAP, map, 1);
	map.flags = PAGER_MAP_SHARED;
	EACH(ann, PAGER_OP_MAP, map, 1);
	EACH(ann, PAGER_OP_PROTECT, protect, 1);
	EACH(ann, PAGER_OP_REMAP, remap, 1);
	EACH(ann, PAGER_OP_ADVISE, advise, 1);
	EACH(ann, PAGER_OP_PIN, range, 1);
	EACH(ann, PAGER_OP_UNPIN, range, 0);
	EACH(ann, PAGER_OP_POPULATE, populate, 1);
	EACH(ann, PAGER_OP_BRK, brk, 0);
	brk.flags = 0;
	brk.brk = 0x910000;
	EACH(ann, PAGER_OP_BRK, brk, 1);
	EACH(ann, PAGER_OP_UNMAP, range, 0);
	serve_end();
}
END_TEST

START_TEST(bytes)
{
	struct pager_req_write write = {.addr = 0x402000};
	struct pager_req_read read = {.addr = 0x40a000, .len = 16};

	prepare();
	write.space = read.space = space;
	EACH(ann, PAGER_OP_READ, read, 1);
	fail_each(ann, PAGER_OP_WRITE, &write, sizeof(write), 16, 1);
	serve_end();
}
END_TEST

START_TEST(hello)
{
	const struct pager_req_hello body = {PAGER_MAGIC, PAGER_VERSION_MAJOR,
					     0, 0};
	struct srv_client *client;

	prepare();
	client = serve_connect(SERVE_BEN);
	EACH(client, PAGER_OP_HELLO, body, 1);
	serve_end();
}
END_TEST

START_TEST(connecting)
{
	serve_start(NULL);
	for (unsigned long n = 1;; n++) {
		struct srv_user *user;

		pager_fail_arm(n);
		user = srv_user_join(&serve_srv, SERVE_ANN);
		pager_fail_arm(0);
		if (user) {
			ck_assert_uint_gt(n, 1);
			srv_user_leave(&serve_srv, user);
			break;
		}
		ck_assert_ptr_null(srv_user_find(&serve_srv, SERVE_ANN));
	}
	serve_end();
}
END_TEST

START_TEST(starting)
{
	static const char text[] = "memory 1M\nnodes 64\nmemory-block 2M\n"
				   "pool a region 8M requested 4M\n"
				   "pool b region 8M mode bbm\n";
	char why[SRV_CONFIG_WHY];
	struct srv_config config;
	unsigned int failed = 0;
	struct srv srv;

	for (unsigned long n = 1; n < 1000; n++) {
		int ret;

		ck_assert_int_eq(srv_config_parse(&config, "test", text,
						  sizeof(text) - 1, why),
				 0);
		ck_assert_int_eq(srv_pools_place(&config, why, sizeof(why)), 0);
		pager_fail_arm(n);
		ret = srv_init(&srv, &config, why);
		pager_fail_arm(0);
		if (ret == 0) {
			srv_fini(&srv);
			break;
		}
		ck_assert_uint_ne(strlen(why), 0);
		srv_config_fini(&config);
		failed++;
	}
	/* Two memories of three calls each, the model's, the MMU's and those
	 * of the pools. */
	ck_assert_uint_ge(failed, 16);
	ck_assert_uint_lt(failed, 999);
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    making_things, regions_and_pages, bytes,
	    hello,	   connecting,	      starting,
	};

	return UNIT_RUN("failure", tests);
}

#else

int main(void)
{
	puts("skipped: built without fail points");
	return 77;
}

#endif
