/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose is what: sessions, tokens, names, lists, limits of users.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/token.h"
#include "tests/support/serve.h"
#include "tests/support/unit.h"

static struct pager_req_token give(struct srv_client *client, uint64_t handle)
{
	struct pager_req_token token;

	serve_ok(client, PAGER_OP_GIVE, handle);
	memcpy(token.token, serve_answer.body.token.token, PAGER_TOKEN_SIZE);
	return token;
}

static uint64_t take(struct srv_client *client, struct pager_req_token token)
{
	serve_ok(client, PAGER_OP_TAKE, token);
	return serve_answer.body.take.handle;
}

START_TEST(a_token_moves_a_space)
{
	struct srv_client *ann, *ben;
	struct pager_req_token token;
	uint64_t space, taken;

	serve_start(NULL);
	ann = serve_join(SERVE_ANN);
	ben = serve_join(SERVE_BEN);
	space = serve_space(ann);
	serve_map(ann, space, 0x400000, 0x1000, 0, 0);
	serve_write(ann, space, 0x400000, "given");
	token = give(ann, space);
	serve_reads(ann, space, 0x400000, "given");
	taken = take(ben, token);
	ck_assert_uint_eq(serve_answer.body.take.type, PAGER_HANDLE_SPACE);
	serve_refused(ann, PAGER_OP_SPACE_INFO, space, PAGER_ESTALE, "space");
	serve_refused(ben, PAGER_OP_TAKE, token, PAGER_ENOENT, "token");
	serve_leave(ann);
	serve_reads(ben, taken, 0x400000, "given");
	serve_ok(ben, PAGER_OP_SPACE_INFO, taken);
	ck_assert_uint_eq(serve_answer.body.space_info.uid, SERVE_BEN);
	serve_end();
}
END_TEST

START_TEST(a_token_moves_a_handle_to_an_object)
{
	struct pager_req_object_open open = {.name = "named"};
	struct srv_client *ann, *ben;
	uint64_t object, taken;

	serve_start(NULL);
	ann = serve_join(SERVE_ANN);
	ben = serve_join(SERVE_BEN);
	object = serve_object(ann, 4, "named");
	taken = take(ben, give(ann, object));
	ck_assert_uint_eq(serve_answer.body.take.type, PAGER_HANDLE_OBJECT);
	serve_refused(ann, PAGER_OP_OBJECT_INFO, object, PAGER_ESTALE,
		      "object");
	serve_ok(ben, PAGER_OP_OBJECT_INFO, taken);
	ck_assert_str_eq(serve_answer.body.object_info.name, "named");
	/* The name stays its maker's. */
	serve_refused(ben, PAGER_OP_OBJECT_OPEN, open, PAGER_ENOENT, "name");
	serve_ok(ann, PAGER_OP_OBJECT_OPEN, open);
	serve_end();
}
END_TEST

START_TEST(a_token_ends)
{
	struct srv_client *ann, *ben;
	struct pager_req_token first, second;
	uint64_t space;

	serve_start(NULL);
	ann = serve_join(SERVE_ANN);
	ben = serve_join(SERVE_BEN);
	/* With the next one. */
	space = serve_space(ann);
	first = give(ann, space);
	second = give(ann, space);
	ck_assert_mem_ne(first.token, second.token, PAGER_TOKEN_SIZE);
	serve_refused(ben, PAGER_OP_TAKE, first, PAGER_ENOENT, "token");
	/* With the thing. */
	serve_ok(ann, PAGER_OP_SPACE_DESTROY, space);
	serve_refused(ben, PAGER_OP_TAKE, second, PAGER_ENOENT, "token");
	/* With the giver. */
	first = give(ann, serve_space(ann));
	serve_leave(ann);
	serve_refused(ben, PAGER_OP_TAKE, first, PAGER_ENOENT, "token");
	/* With the taking by the giver itself, too. */
	space = serve_space(ben);
	first = give(ben, space);
	ck_assert_uint_ne(take(ben, first), space);
	serve_refused(ben, PAGER_OP_TAKE, first, PAGER_ENOENT, "token");
	serve_refused(ben, PAGER_OP_SPACE_INFO, space, PAGER_ESTALE, "space");
	serve_end();
}
END_TEST

START_TEST(a_guess_is_no_token)
{
	struct pager_req_token token = {{0}};
	struct srv_client *ann;

	serve_start(NULL);
	ann = serve_join(SERVE_ANN);
	serve_refused(ann, PAGER_OP_TAKE, token, PAGER_ENOENT, "token");
	token = give(ann, serve_space(ann));
	for (unsigned int bit = 0; bit < 128; bit++) {
		struct pager_req_token near = token;

		near.token[bit / 8] ^= (uint8_t)(1u << bit % 8);
		serve_refused(ann, PAGER_OP_TAKE, near, PAGER_ENOENT, "token");
	}
	take(ann, token);
	serve_end();
}
END_TEST

START_TEST(a_session_has_so_many_tokens_out)
{
	struct srv_client *ann;
	uint64_t space;

	serve_start(NULL);
	ann = serve_join(SERVE_ANN);
	for (unsigned int i = 0; i < SRV_GRANTS_MAX; i++)
		give(ann, serve_space(ann));
	space = serve_space(ann);
	serve_refused(ann, PAGER_OP_GIVE, space, PAGER_ELIMIT, NULL);
	serve_end();
}
END_TEST

START_TEST(the_taker_needs_room)
{
	struct srv_client *ann, *ben;
	struct pager_req_token token;
	uint64_t space;

	serve_start("user 1002 limit bytes 4K\nuser 1002 limit objects 1\n");
	ann = serve_join(SERVE_ANN);
	ben = serve_join(SERVE_BEN);
	space = serve_space(ann);
	serve_map(ann, space, 0x400000, 0x2000, 0, 0);
	token = give(ann, space);
	serve_refused(ben, PAGER_OP_TAKE, token, PAGER_ELIMIT, NULL);
	serve_ok(ann, PAGER_OP_SPACE_INFO, space);
	serve_object(ben, 0, "");
	token = give(ann, serve_object(ann, 0, ""));
	serve_refused(ben, PAGER_OP_TAKE, token, PAGER_ELIMIT, NULL);
	/* It is still there for somebody else. */
	take(serve_join(SERVE_ROOT), token);
	serve_end();
}
END_TEST

START_TEST(names_are_a_users_own)
{
	struct pager_req_object_create create = {.size = 4096, .name = "n"};
	struct pager_req_object_open open = {.name = "n"};
	struct srv_client *ann, *other, *ben;
	uint64_t first, second;

	serve_start(NULL);
	ann = serve_join(SERVE_ANN);
	other = serve_join(SERVE_ANN);
	ben = serve_join(SERVE_BEN);
	serve_refused(ann, PAGER_OP_OBJECT_OPEN, open, PAGER_ENOENT, "name");
	first = serve_object(ann, 1, "n");
	serve_refused(other, PAGER_OP_OBJECT_CREATE, create, PAGER_EEXIST,
		      "name");
	serve_refused(ben, PAGER_OP_OBJECT_OPEN, open, PAGER_ENOENT, "name");
	serve_object(ben, 1, "n");
	serve_ok(other, PAGER_OP_OBJECT_OPEN, open);
	second = serve_answer.body.handle.handle;
	serve_ok(ann, PAGER_OP_OBJECT_CLOSE, first);
	serve_ok(other, PAGER_OP_OBJECT_INFO, second);
	serve_refused(ann, PAGER_OP_OBJECT_CREATE, create, PAGER_EEXIST,
		      "name");
	serve_ok(other, PAGER_OP_OBJECT_CLOSE, second);
	serve_ok(ann, PAGER_OP_OBJECT_CREATE, create);
	memset(open.name, 0, sizeof(open.name));
	serve_refused(ann, PAGER_OP_OBJECT_OPEN, open, PAGER_ENOENT, "name");
	memset(open.name, 'n', sizeof(open.name));
	serve_refused(ann, PAGER_OP_OBJECT_OPEN, open, PAGER_EINVAL, "name");
	serve_end();
}
END_TEST

START_TEST(mappings_outlive_handles)
{
	struct srv_client *ann;
	uint64_t space, object;

	serve_start(NULL);
	ann = serve_join(SERVE_ANN);
	space = serve_space(ann);
	object = serve_object(ann, 2, "n");
	serve_map(ann, space, 0x400000, 0x2000, PAGER_MAP_SHARED, object);
	serve_write(ann, space, 0x401000, "kept");
	serve_ok(ann, PAGER_OP_OBJECT_CLOSE, object);
	serve_reads(ann, space, 0x401000, "kept");
	serve_object(ann, 1, "n");
	serve_end();
}
END_TEST

/* All rows of a list, counted; each must fit the message. */
static unsigned int count_rows(struct srv_client *client, enum pager_opcode op,
			       uint64_t *last)
{
	struct pager_req_cursor cursor = {0};
	unsigned int rows = 0, messages = 0;

	do {
		const struct pager_rep_list *list = &serve_answer.body.list;

		serve_ok(client, op, cursor);
		ck_assert_uint_eq(serve_answer.data_len,
				  (size_t)list->count * list->row_size);
		rows += list->count;
		if (list->count)
			memcpy(last,
			       serve_answer.data + serve_answer.data_len -
				   list->row_size,
			       sizeof(*last));
		cursor.cursor = list->next;
		ck_assert_uint_lt(messages++, 100);
	} while (cursor.cursor);
	return rows;
}

START_TEST(lists_go_on_where_they_stopped)
{
	struct srv_client *ann, *ben, *root;
	uint64_t last, space = 0;

	serve_start("limit nodes none\n");
	ann = serve_join(SERVE_ANN);
	ben = serve_join(SERVE_BEN);
	root = serve_join(SERVE_ROOT);
	for (int i = 0; i < 900; i++) {
		space = serve_space(ann);
		if (i % 3 == 0)
			serve_object(ann, 0, "");
	}
	ck_assert_uint_eq(count_rows(ann, PAGER_OP_SPACE_LIST, &last), 900);
	ck_assert_uint_eq(last, space);
	ck_assert_uint_eq(count_rows(ann, PAGER_OP_OBJECT_LIST, &last), 300);
	ck_assert_uint_eq(count_rows(ben, PAGER_OP_SPACE_LIST, &last), 0);
	space = serve_space(ben);
	ck_assert_uint_eq(count_rows(ben, PAGER_OP_SPACE_LIST, &last), 1);
	ck_assert_uint_eq(last, space);
	ck_assert_uint_eq(count_rows(root, PAGER_OP_SPACE_LIST, &last), 901);
	ck_assert_uint_eq(last, space);
	ck_assert_uint_eq(count_rows(root, PAGER_OP_OBJECT_LIST, &last), 300);
	ck_assert_uint_eq(count_rows(root, PAGER_OP_SESSION_LIST, &last), 3);
	serve_end();
}
END_TEST

START_TEST(a_cursor_may_be_anything)
{
	static const uint64_t cursors[] = {
	    1, 1 << 20, 2 << 20, 0xfffff, UINT64_MAX, UINT64_C(1) << 63};
	struct srv_client *ann;

	serve_start(NULL);
	ann = serve_join(SERVE_ANN);
	serve_space(ann);
	for (size_t i = 0; i < sizeof(cursors) / sizeof(*cursors); i++) {
		struct pager_req_cursor cursor = {cursors[i]};

		serve_ok(ann, PAGER_OP_SPACE_LIST, cursor);
		serve_ok(ann, PAGER_OP_OBJECT_LIST, cursor);
	}
	serve_end();
}
END_TEST

START_TEST(regions_are_listed_in_pieces)
{
	struct pager_req_region_list list = {.flags = PAGER_LIST_SHARING};
	unsigned int rows = 0;
	struct srv_client *ann;

	serve_start(NULL);
	ann = serve_join(SERVE_ANN);
	list.space = serve_space(ann);
	for (uint64_t i = 0; i < 1000; i++)
		serve_map(ann, list.space, 0x400000 + i * 0x2000, 0x1000, 0, 0);
	do {
		serve_ok(ann, PAGER_OP_REGION_LIST, list);
		rows += serve_answer.body.list.count;
		list.cursor = serve_answer.body.list.next;
	} while (list.cursor);
	ck_assert_uint_eq(rows, 1000);
	list.max = 3;
	serve_ok(ann, PAGER_OP_REGION_LIST, list);
	ck_assert_uint_eq(serve_answer.body.list.count, 3);
	ck_assert_uint_eq(serve_answer.body.list.next, 0x406000);
	list.cursor = 0x405fff;
	serve_ok(ann, PAGER_OP_REGION_LIST, list);
	ck_assert_uint_eq(serve_answer.body.list.next, 0x40c000);
	list.flags = 2;
	serve_refused(ann, PAGER_OP_REGION_LIST, list, PAGER_EFLAGS, "flags");
	serve_end();
}
END_TEST

START_TEST(sessions_of_a_user_are_limited)
{
	const struct pager_req_hello hello = {PAGER_MAGIC, PAGER_VERSION_MAJOR,
					      0, 0};
	struct srv_client *more[SRV_CLIENTS_SPARE];
	struct srv_client *ann;

	serve_start("limit sessions 2\n");
	ann = serve_join(SERVE_ANN);
	serve_join(SERVE_ANN);
	serve_join(SERVE_BEN);
	for (unsigned int i = 0; i < SRV_CLIENTS_SPARE; i++) {
		ck_assert(srv_user_admits(&serve_srv, SERVE_ANN));
		more[i] = serve_connect(SERVE_ANN);
	}
	ck_assert(!srv_user_admits(&serve_srv, SERVE_ANN));
	ck_assert(srv_user_admits(&serve_srv, SERVE_BEN));
	serve_refused(more[0], PAGER_OP_HELLO, hello, PAGER_ELIMIT, NULL);
	serve_leave(ann);
	serve_ok(more[0], PAGER_OP_HELLO, hello);
	for (unsigned int i = 1; i < SRV_CLIENTS_SPARE; i++)
		serve_leave(more[i]);
	serve_end();
}
END_TEST

START_TEST(what_a_user_has_is_limited)
{
	const struct pager_req_space_create create = {0};
	struct pager_req_object_create object = {.size = 0, .name = "o"};
	struct pager_req_object_open open = {.name = "o"};
	struct pager_req_map map = {.len = 0x1000, .prot = 3};
	struct pager_req_fault fault = {.access = PAGER_ACCESS_WRITE};
	struct srv_client *ann, *other;

	serve_start("limit spaces 1\nlimit objects 2\nlimit regions 1\n"
		    "limit bytes 8K\nlimit frames 1\n");
	ann = serve_join(SERVE_ANN);
	other = serve_join(SERVE_ANN);
	map.space = serve_space(ann);
	serve_refused(other, PAGER_OP_SPACE_CREATE, create, PAGER_ELIMIT, NULL);
	serve_refused(ann, PAGER_OP_SPACE_FORK, map.space, PAGER_ELIMIT, NULL);
	serve_ok(ann, PAGER_OP_OBJECT_CREATE, object);
	serve_ok(other, PAGER_OP_OBJECT_OPEN, open);
	serve_refused(other, PAGER_OP_OBJECT_OPEN, open, PAGER_ELIMIT, NULL);
	map.len = 0x3000;
	serve_refused(ann, PAGER_OP_MAP, map, PAGER_ELIMIT, "len");
	map.len = 0x2000;
	serve_ok(ann, PAGER_OP_MAP, map);
	fault.space = map.space;
	fault.addr = serve_answer.body.addr.addr;
	serve_ok(ann, PAGER_OP_FAULT, fault);
	fault.addr += 0x1000;
	serve_refused(ann, PAGER_OP_FAULT, fault, PAGER_ELIMIT, NULL);
	/* Others have limits of their own. */
	serve_space(serve_join(SERVE_BEN));
	serve_end();
}
END_TEST

START_TEST(who_comes_back_finds_what_is_still_charged)
{
	const struct pager_req_user self = {.uid = UINT32_MAX};
	const uint64_t *used = serve_answer.body.user.used;
	struct srv_client *ann, *ben;
	uint64_t object;

	serve_start(NULL);
	ann = serve_join(SERVE_ANN);
	ben = serve_join(SERVE_BEN);
	object = take(ben, give(ann, serve_object(ann, 16, "")));
	serve_leave(ann);
	ann = serve_join(SERVE_ANN);
	serve_ok(ann, PAGER_OP_USER_INFO, self);
	ck_assert_uint_eq(used[PAGER_USER_OBJECTS], 1);
	ck_assert_uint_eq(used[PAGER_USER_BYTES], 65536);
	serve_ok(ben, PAGER_OP_OBJECT_CLOSE, object);
	serve_ok(ann, PAGER_OP_USER_INFO, self);
	ck_assert_uint_eq(used[PAGER_USER_OBJECTS], 0);
	serve_end();
}
END_TEST

START_TEST(users_of_whom_nothing_is_left_are_forgotten)
{
	struct srv_client *ann, *ben;
	uint64_t object;

	serve_start(NULL);
	ann = serve_join(SERVE_ANN);
	ben = serve_join(SERVE_BEN);
	object = take(ben, give(ann, serve_object(ann, 1, "")));
	serve_leave(ann);
	ck_assert_ptr_nonnull(srv_user_find(&serve_srv, SERVE_ANN));
	serve_ok(ben, PAGER_OP_OBJECT_CLOSE, object);
	serve_leave(ben);
	ck_assert_ptr_null(srv_user_find(&serve_srv, SERVE_ANN));
	ck_assert_ptr_null(srv_user_find(&serve_srv, SERVE_BEN));
	serve_end();
}
END_TEST

START_TEST(a_new_configuration_reaches_users_who_are_there)
{
	const struct pager_req_space_create create = {0};
	struct srv_config config;
	char why[SRV_CONFIG_WHY];
	struct srv_client *ann;

	serve_start(NULL);
	ann = serve_join(SERVE_ANN);
	serve_space(ann);
	ck_assert_int_eq(srv_config_parse(&config, "new",
					  "memory 4M\nlimit spaces 1", 24, why),
			 0);
	srv_config_fini(&serve_srv.config);
	serve_srv.config = config;
	srv_users_reload(&serve_srv);
	serve_refused(ann, PAGER_OP_SPACE_CREATE, create, PAGER_ELIMIT, NULL);
	serve_end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    a_token_moves_a_space,
	    a_token_moves_a_handle_to_an_object,
	    a_token_ends,
	    a_guess_is_no_token,
	    a_session_has_so_many_tokens_out,
	    the_taker_needs_room,
	    names_are_a_users_own,
	    mappings_outlive_handles,
	    lists_go_on_where_they_stopped,
	    a_cursor_may_be_anything,
	    regions_are_listed_in_pieces,
	    sessions_of_a_user_are_limited,
	    what_a_user_has_is_limited,
	    who_comes_back_finds_what_is_still_charged,
	    users_of_whom_nothing_is_left_are_forgotten,
	    a_new_configuration_reaches_users_who_are_there,
	};

	return UNIT_RUN("ownership", tests);
}
