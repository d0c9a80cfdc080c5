/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The limits of a user: each is reached exactly, over all sessions of that user
 * together, by every operation that takes some of it; one more is refused with
 * ELIMIT and changes nothing; other users do not notice; and what is given back
 * can be had again. Unread replies, the eighth, are in test_flow.c.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/serve.h"
#include "tests/support/unit.h"

enum { PAGE = PAGER_PAGE_SIZE, LIMIT = 8 };

static struct srv_client *root, *ann, *twin, *ben;
static uint64_t space; /* ann's */

static void begin(const char *config)
{
	serve_start(config);
	root = serve_join(SERVE_ROOT);
	ann = serve_join(SERVE_ANN);
	twin = serve_join(SERVE_ANN);
	ben = serve_join(SERVE_BEN);
	space = serve_space(ann);
}

static uint64_t used(uint32_t uid, enum pager_user_index what)
{
	struct pager_req_user in = {.uid = uid};

	serve_ok(root, PAGER_OP_USER_INFO, in);
	return serve_answer.body.user.used[what];
}

static uint64_t limit_of(uint32_t uid, enum pager_user_index what)
{
	struct pager_req_user in = {.uid = uid};

	serve_ok(root, PAGER_OP_USER_INFO, in);
	return serve_answer.body.user.limit[what];
}

#define TAKES(client, op, body) serve_ok(client, PAGER_OP_##op, body)

/* One too many: refused, and nothing has changed. */
#define FULL(client, op, body) \
	full(client, PAGER_OP_##op, &(body), sizeof(body), __LINE__)

static void full(struct srv_client *client, enum pager_opcode op,
		 const void *body, size_t len, int line)
{
	char *before = serve_picture();
	unsigned int error = serve_ask(client, op, body, len);

	ck_assert_msg(error == PAGER_ELIMIT, "line %d: %s: %s", line,
		      pager_op_find(op)->name, pager_error_name(error));
	serve_unchanged(before, "one too many");
}

START_TEST(spaces)
{
	const struct pager_req_space_create create = {.name = "one"};
	struct pager_req_token token;
	uint64_t bens;

	begin("limit spaces 8\n");
	for (int i = 1; i < LIMIT; i++)
		TAKES(i % 2 ? ann : twin, SPACE_CREATE, create);
	ck_assert_uint_eq(used(SERVE_ANN, PAGER_USER_SPACES), LIMIT);
	ck_assert_uint_eq(limit_of(SERVE_ANN, PAGER_USER_SPACES), LIMIT);
	FULL(ann, SPACE_CREATE, create);
	FULL(twin, SPACE_CREATE, create);
	FULL(ann, SPACE_FORK, space);
	/* Nor as a present; and an admin who forks pays. */
	bens = serve_space(ben);
	TAKES(ben, GIVE, bens);
	memcpy(token.token, serve_answer.body.token.token, PAGER_TOKEN_SIZE);
	FULL(ann, TAKE, token);
	TAKES(root, SPACE_FORK, space);
	ck_assert_uint_eq(used(0, PAGER_USER_SPACES), 1);
	TAKES(ann, SPACE_DESTROY, space);
	TAKES(ann, TAKE, token);
	ck_assert_uint_eq(used(SERVE_BEN, PAGER_USER_SPACES), 0);
	FULL(twin, SPACE_CREATE, create);
	/* What a session had is free with its end. */
	serve_leave(ann);
	ck_assert_uint_lt(used(SERVE_ANN, PAGER_USER_SPACES), LIMIT);
	while (used(SERVE_ANN, PAGER_USER_SPACES) < LIMIT)
		TAKES(twin, SPACE_CREATE, create);
	FULL(twin, SPACE_CREATE, create);
	serve_end();
}
END_TEST

START_TEST(objects)
{
	struct pager_req_object_create create = {.size = PAGE};
	struct pager_req_map shared = {
	    .space = space, .len = PAGE, .prot = 3, .flags = PAGER_MAP_SHARED};
	struct pager_req_range unmap = {.len = PAGE};
	const struct pager_req_object_open open = {.name = "n"};
	uint64_t object = 0;

	begin("limit objects 8\n");
	shared.space = unmap.space = space;
	/* Shared memory without a name is an object as well. */
	TAKES(ann, MAP, shared);
	unmap.addr = serve_answer.body.addr.addr;
	for (int i = 1; i < LIMIT; i++) {
		TAKES(i % 2 ? ann : twin, OBJECT_CREATE, create);
		if (i % 2)
			object = serve_answer.body.handle.handle;
	}
	ck_assert_uint_eq(used(SERVE_ANN, PAGER_USER_OBJECTS), LIMIT);
	FULL(ann, OBJECT_CREATE, create);
	FULL(twin, OBJECT_CREATE, create);
	FULL(ann, MAP, shared);
	TAKES(ben, OBJECT_CREATE, create);
	TAKES(ann, UNMAP, unmap);
	TAKES(ann, OBJECT_CLOSE, object);
	memcpy(create.name, "n", 1);
	TAKES(twin, OBJECT_CREATE, create);
	/* As many handles; that object has one. */
	TAKES(ann, OBJECT_OPEN, open);
	FULL(ann, OBJECT_OPEN, open);
	FULL(twin, OBJECT_OPEN, open);
	serve_leave(ann);
	for (int i = 0; i < 4; i++)
		TAKES(twin, OBJECT_OPEN, open);
	FULL(twin, OBJECT_OPEN, open);
	serve_end();
}
END_TEST

static struct pager_req_map page_at(uint64_t of, uint64_t index, uint32_t flags)
{
	return (struct pager_req_map){.space = of,
				      .addr = 0x400000 + index * 2 * PAGE,
				      .len = PAGE,
				      .prot = 3,
				      .flags = flags | PAGER_MAP_FIXED};
}

START_TEST(regions)
{
	struct pager_req_range middle = {.addr = 0x200000 + PAGE, .len = PAGE};
	struct pager_req_map three = {.addr = 0x200000,
				      .len = 3 * PAGE,
				      .prot = 3,
				      .flags = PAGER_MAP_FIXED};
	struct pager_req_protect protect = {.addr = 0x200000 + PAGE,
					    .len = PAGE};
	struct pager_req_advise advise = {
	    .addr = 0x200000 + PAGE, .len = PAGE, .advice = PAGER_ADV_DONTFORK};
	struct pager_req_remap remap = {.addr = 0x200000 + PAGE,
					.len = PAGE,
					.new_len = PAGE,
					.new_addr = 0x900000,
					.flags = PAGER_REMAP_MAYMOVE |
						 PAGER_REMAP_FIXED};
	struct pager_req_brk brk = {.brk = 0x800000, .flags = PAGER_BRK_START};
	uint64_t other;

	begin("limit regions 8\n");
	other = serve_space(twin);
	middle.space = three.space = protect.space = advise.space =
	    remap.space = brk.space = space;
	TAKES(ann, MAP, three);
	TAKES(ann, BRK, brk);
	for (uint64_t i = 1; i < LIMIT; i++) {
		struct pager_req_map map = page_at(i % 2 ? space : other, i, 0);

		TAKES(i % 2 ? ann : twin, MAP, map);
	}
	ck_assert_uint_eq(used(SERVE_ANN, PAGER_USER_REGIONS), LIMIT);
	{
		struct pager_req_map map = page_at(space, LIMIT + 1, 0);

		FULL(ann, MAP, map);
		map = page_at(other, LIMIT + 1, PAGER_MAP_SHARED);
		FULL(twin, MAP, map);
		/* In the place of another it takes none. */
		map = page_at(space, 1, 0);
		TAKES(ann, MAP, map);
	}
	/* Every cut would make one more. */
	FULL(ann, UNMAP, middle);
	FULL(ann, PROTECT, protect);
	FULL(ann, ADVISE, advise);
	FULL(ann, PIN, middle);
	FULL(ann, REMAP, remap);
	FULL(ann, SPACE_FORK, space);
	brk = (struct pager_req_brk){.space = space, .brk = 0x801000};
	FULL(ann, BRK, brk);
	/* Without a cut it works. */
	protect.addr -= PAGE;
	protect.len = 3 * PAGE;
	TAKES(ann, PROTECT, protect);
	TAKES(twin, SPACE_CLEAR, other);
	TAKES(ann, BRK, brk);
	TAKES(ann, UNMAP, middle);
	ck_assert_uint_eq(used(SERVE_ANN, PAGER_USER_REGIONS), 7);
	serve_leave(ann);
	ck_assert_uint_eq(used(SERVE_ANN, PAGER_USER_REGIONS), 0);
	serve_end();
}
END_TEST

START_TEST(bytes)
{
	struct pager_req_object_create create = {.size = PAGE};
	struct pager_req_object_resize resize = {.size = 2 * PAGE};
	struct pager_req_remap grow = {.addr = 0x500000,
				       .len = PAGE,
				       .new_len = 2 * PAGE,
				       .flags = PAGER_REMAP_MAYMOVE};
	struct pager_req_remap keep = {.addr = 0x500000,
				       .len = PAGE,
				       .new_len = PAGE,
				       .flags = PAGER_REMAP_MAYMOVE |
						PAGER_REMAP_DONTUNMAP};
	struct pager_req_fault fault = {.addr = 0x6ff000,
					.access = PAGER_ACCESS_WRITE};
	struct pager_req_brk brk = {.brk = 0x800000, .flags = PAGER_BRK_START};
	struct pager_req_map map;

	begin("limit bytes 32K\n");
	grow.space = keep.space = fault.space = brk.space = space;
	serve_map(ann, space, 0x500000, PAGE, 0, 0);
	serve_map(ann, space, 0x700000, PAGE, PAGER_MAP_GROWSDOWN, 0);
	TAKES(ann, BRK, brk);
	brk = (struct pager_req_brk){.space = space, .brk = 0x800001};
	TAKES(ann, BRK, brk);
	TAKES(twin, OBJECT_CREATE, create);
	resize.object = serve_answer.body.handle.handle;
	serve_map(twin, serve_space(twin), 0x500000, 3 * PAGE, 0, 0);
	/* Shared memory is charged as an object and as a mapping. */
	map = page_at(space, 0, PAGER_MAP_SHARED);
	FULL(ann, MAP, map);
	map.flags = PAGER_MAP_FIXED;
	TAKES(ann, MAP, map);
	ck_assert_uint_eq(used(SERVE_ANN, PAGER_USER_BYTES), LIMIT * PAGE);
	map = page_at(space, 1, 0);
	FULL(ann, MAP, map);
	FULL(ann, OBJECT_CREATE, create);
	FULL(twin, OBJECT_RESIZE, resize);
	FULL(ann, REMAP, grow);
	FULL(ann, REMAP, keep);
	FULL(ann, FAULT, fault);
	FULL(ann, SPACE_FORK, space);
	brk.brk = 0x801001;
	FULL(ann, BRK, brk);
	brk.brk = 0x801000;
	TAKES(ann, BRK, brk);
	resize.size = 0;
	TAKES(twin, OBJECT_RESIZE, resize);
	TAKES(ann, FAULT, fault);
	ck_assert_uint_eq(used(SERVE_ANN, PAGER_USER_BYTES), LIMIT * PAGE);
	serve_leave(ann);
	ck_assert_uint_eq(used(SERVE_ANN, PAGER_USER_BYTES), 3 * PAGE);
	serve_end();
}
END_TEST

START_TEST(frames)
{
	struct pager_req_fault fault = {.access = PAGER_ACCESS_WRITE};
	struct pager_req_populate populate = {
	    .addr = 0x400000, .len = 16 * PAGE, .access = PAGER_ACCESS_WRITE};
	struct pager_req_range range = {.addr = 0x400000, .len = 16 * PAGE};
	struct pager_req_write write = {.addr = 0x400000};
	static uint8_t data[16 * PAGE - 4096];
	struct pager_req_map map;
	struct pager_req_advise advise = {
	    .addr = 0x400000, .len = PAGE, .advice = PAGER_ADV_DONTNEED};
	uint64_t object, child;

	begin("limit frames 8\n");
	object = serve_object(twin, 16, "");
	fault.space = populate.space = range.space = write.space =
	    advise.space = space;
	serve_map(ann, space, 0x400000, 16 * PAGE, 0, 0);
	populate.len = 6 * PAGE;
	TAKES(ann, POPULATE, populate);
	/* The object's pages are the user's who made it. */
	map = (struct pager_req_map){.space = serve_space(twin),
				     .len = 2 * PAGE,
				     .prot = 1,
				     .flags = PAGER_MAP_POPULATE,
				     .object = object};
	TAKES(twin, MAP, map);
	ck_assert_uint_eq(used(SERVE_ANN, PAGER_USER_FRAMES), LIMIT);
	fault.addr = 0x406000;
	FULL(ann, FAULT, fault);
	populate.len = 7 * PAGE;
	FULL(ann, POPULATE, populate);
	FULL(ann, PIN, range);
	map.offset = 2 * PAGE;
	FULL(twin, MAP, map);
	/* What is there may be written, and the zero page is nobody's. */
	fault.addr = 0x400000;
	TAKES(ann, FAULT, fault);
	fault.addr = 0x408000;
	fault.access = PAGER_ACCESS_READ;
	TAKES(ann, FAULT, fault);
	/* A WRITE goes as far as it can. */
	ck_assert_uint_eq(serve_ask_data(ann, PAGER_OP_WRITE, &write,
					 sizeof(write), data, sizeof(data)),
			  0);
	ck_assert_uint_eq(serve_answer.body.access.error, PAGER_ELIMIT);
	ck_assert_uint_eq(serve_answer.body.access.done, 6 * PAGE);
	ck_assert_uint_eq(serve_answer.body.access.addr, 0x406000);
	/* A copy on write is one more; the parent's page stays as it is. */
	child = serve_fork(ann, space);
	fault = (struct pager_req_fault){
	    .space = child, .addr = 0x400000, .access = PAGER_ACCESS_WRITE};
	FULL(ann, FAULT, fault);
	TAKES(ann, ADVISE, advise);
	/* Alone now, it needs no copy. */
	TAKES(ann, FAULT, fault);
	ck_assert_uint_eq(used(SERVE_ANN, PAGER_USER_FRAMES), LIMIT);
	serve_leave(ann);
	ck_assert_uint_eq(used(SERVE_ANN, PAGER_USER_FRAMES), 2);
	serve_end();
}
END_TEST

/* Frames of a page that two users share stay with whom they were made for. */
START_TEST(frames_of_others)
{
	struct pager_req_fault fault = {.addr = 0x400000,
					.access = PAGER_ACCESS_WRITE};
	struct pager_req_token token;
	uint64_t child;

	begin("limit frames 8\n");
	serve_map(ann, space, 0x400000, 8 * PAGE, 0, 0);
	for (int i = 0; i < LIMIT; i++) {
		fault.space = space;
		fault.addr = 0x400000 + (uint64_t)i * PAGE;
		TAKES(ann, FAULT, fault);
	}
	child = serve_fork(ann, space);
	TAKES(ann, GIVE, child);
	memcpy(token.token, serve_answer.body.token.token, PAGER_TOKEN_SIZE);
	TAKES(ben, TAKE, token);
	child = serve_answer.body.take.handle;
	ck_assert_uint_eq(used(SERVE_BEN, PAGER_USER_FRAMES), 0);
	fault.space = child;
	TAKES(ben, FAULT, fault);
	ck_assert_uint_eq(used(SERVE_BEN, PAGER_USER_FRAMES), 1);
	/* Ben still holds seven of hers when she is gone. */
	serve_leave(ann);
	serve_leave(twin);
	ck_assert_uint_eq(used(SERVE_ANN, PAGER_USER_FRAMES), 7);
	ann = serve_join(SERVE_ANN);
	space = serve_space(ann);
	serve_map(ann, space, 0x400000, 8 * PAGE, 0, 0);
	fault.space = space;
	TAKES(ann, FAULT, fault);
	fault.addr -= PAGE;
	FULL(ann, FAULT, fault);
	TAKES(ben, SPACE_DESTROY, child);
	TAKES(ann, FAULT, fault);
	ck_assert_uint_eq(used(SERVE_ANN, PAGER_USER_FRAMES), 2);
	serve_end();
}
END_TEST

START_TEST(nodes)
{
	struct pager_req_fault fault = {.access = PAGER_ACCESS_READ};
	const struct pager_req_space_create create = {.name = "root"};
	uint64_t had, step = UINT64_C(1) << 21;

	begin("limit nodes 8\n");
	fault.space = space;
	serve_map(ann, space, 0x40000000, 16 * step, 0, 0);
	for (uint64_t i = 0; used(SERVE_ANN, PAGER_USER_NODES) < LIMIT; i++) {
		fault.addr = 0x40000000 + i * step;
		TAKES(ann, FAULT, fault);
	}
	ck_assert_uint_eq(used(SERVE_ANN, PAGER_USER_NODES), LIMIT);
	fault.addr += step;
	FULL(ann, FAULT, fault);
	/* A new space needs its root, a fork too. */
	FULL(twin, SPACE_CREATE, create);
	TAKES(ben, SPACE_CREATE, create);
	fault.addr -= step - PAGE;
	TAKES(ann, FAULT, fault);
	had = used(SERVE_ANN, PAGER_USER_NODES);
	TAKES(ann, SPACE_CLEAR, space);
	ck_assert_uint_lt(used(SERVE_ANN, PAGER_USER_NODES), had);
	TAKES(twin, SPACE_CREATE, create);
	serve_end();
}
END_TEST

START_TEST(sessions)
{
	const struct pager_req_hello hello = {PAGER_MAGIC, PAGER_VERSION_MAJOR,
					      0, 0};
	struct srv_client *clients[LIMIT + 1];

	begin("limit sessions 8\n");
	for (int i = 0; i < LIMIT - 1; i++)
		clients[i] = serve_connect(SERVE_ANN);
	for (int i = 0; i < LIMIT - 2; i++)
		TAKES(clients[i], HELLO, hello);
	ck_assert_uint_eq(used(SERVE_ANN, PAGER_USER_SESSIONS), LIMIT);
	FULL(clients[LIMIT - 2], HELLO, hello);
	serve_leave(clients[0]);
	TAKES(clients[LIMIT - 2], HELLO, hello);
	serve_join(SERVE_BEN);
	serve_end();
}
END_TEST

/* A limit for one user wins over the general one; 0 is nothing at all; a limit
 * below what is in use takes nothing away. */
START_TEST(whose_limit)
{
	const struct pager_req_space_create create = {.name = ""};
	struct srv_config config;
	char why[SRV_CONFIG_WHY];
	static const char less[] = "memory 4M\nnodes 1024\nlimit spaces 1\n";

	begin("limit spaces 2\nuser 1002 limit spaces 0\n"
	      "user 0 limit spaces none\n");
	ck_assert_uint_eq(limit_of(SERVE_ANN, PAGER_USER_SPACES), 2);
	ck_assert_uint_eq(limit_of(SERVE_BEN, PAGER_USER_SPACES), 0);
	ck_assert_uint_eq(limit_of(0, PAGER_USER_SPACES), UINT64_MAX);
	FULL(ben, SPACE_CREATE, create);
	TAKES(twin, SPACE_CREATE, create);
	FULL(twin, SPACE_CREATE, create);
	ck_assert_int_eq(
	    srv_config_parse(&config, "less", less, sizeof(less) - 1, why), 0);
	srv_config_fini(&serve_srv.config);
	serve_srv.config = config;
	srv_users_reload(&serve_srv);
	ck_assert_uint_eq(used(SERVE_ANN, PAGER_USER_SPACES), 2);
	ck_assert_uint_eq(limit_of(SERVE_ANN, PAGER_USER_SPACES), 1);
	TAKES(ann, SPACE_DESTROY, space);
	FULL(ann, SPACE_CREATE, create);
	TAKES(ben, SPACE_CREATE, create);
	serve_end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    spaces, objects,	      regions,	bytes,	     frames,
	    nodes,  frames_of_others, sessions, whose_limit,
	};

	return UNIT_RUN("limits", tests);
}
