/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pools as the server shows them: its steps of work, lists with little room,
 * cursors anywhere, events that were forgotten, what a new configuration
 * changes. Real memory of 2 MiB blocks.
 */
#include "server/pools.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/serve.h"
#include "tests/support/unit.h"

#define MB   UINT64_C(0x100000)
#define POND (4 * MB) /* where it begins */

static struct srv_client *root;

static void begin(const char *pool)
{
	char text[512];

	snprintf(text, sizeof(text), "memory-block 2M\n%s\n", pool);
	serve_start(text);
	root = serve_join(SERVE_ROOT);
}

static struct pager_row_pool info(uint32_t number)
{
	const struct pager_req_pool in = {.pool = number};

	serve_ok(root, PAGER_OP_POOL_INFO, in);
	return serve_answer.body.pool.pool;
}

static void resize(uint64_t size)
{
	const struct pager_req_pool_size in = {.pool = 1, .size = size};

	serve_ok(root, PAGER_OP_POOL_RESIZE, in);
}

static struct pager_row_block block_at(uint64_t addr)
{
	const struct pager_req_pool_cursor in = {.pool = 1, .cursor = addr};
	struct pager_row_block row;

	serve_ok(root, PAGER_OP_POOL_BLOCKS, in);
	ck_assert_uint_ge(serve_answer.body.list.count, 1);
	memcpy(&row, serve_answer.data, sizeof(row));
	return row;
}

START_TEST(the_boot_pool_is_there_and_stays)
{
	struct pager_row_pool row;

	begin("");
	row = info(0);
	ck_assert_str_eq(row.name, "boot");
	ck_assert_uint_eq(row.flags, PAGER_POOL_BOOT);
	ck_assert(row.addr == 0 && row.region == 4 * MB);
	ck_assert(row.plugged == row.region && row.used >= 4096);
	ck_assert_int_eq(srv_pools_work(&serve_srv, 1), -1);
	ck_assert_uint_eq(serve_srv.work_steps, 0);
	serve_end();
}
END_TEST

START_TEST(a_wish_is_worked_on_step_by_step)
{
	struct pager_row_pool row;
	unsigned int steps = 0;

	begin("pool pond region 32M");
	serve_settle();
	resize(16 * MB);
	ck_assert(serve_answer.body.pool_resize.requested == 16 * MB &&
		  serve_answer.body.pool_resize.wish == 1);
	row = info(1);
	ck_assert(row.plugged == 0 && row.flags & PAGER_POOL_WORKING);
	while (srv_pools_work(&serve_srv, 1) == 0) {
		steps++;
		ck_assert_uint_le(info(1).plugged, steps * 2 * MB);
	}
	row = info(1);
	ck_assert(row.plugged == 16 * MB && !(row.flags & PAGER_POOL_WORKING));
	ck_assert_uint_ge(steps, 7);
	serve_end();
}
END_TEST

START_TEST(the_newer_wish_counts)
{
	begin("pool pond region 32M");
	resize(16 * MB);
	srv_pools_work(&serve_srv, 1);
	srv_pools_work(&serve_srv, 1);
	resize(4 * MB);
	ck_assert_uint_eq(serve_answer.body.pool_resize.wish, 2);
	serve_settle();
	ck_assert_uint_eq(info(1).plugged, 4 * MB);
	serve_end();
}
END_TEST

START_TEST(memory_goes_where_the_configuration_says)
{
	static const struct {
		const char *online;
		uint32_t state, zone;
	} rows[] = {{"kernel", PAGER_BLOCK_ONLINE, PAGER_ZONE_KERNEL},
		    {"movable", PAGER_BLOCK_ONLINE, PAGER_ZONE_MOVABLE},
		    {"keep", PAGER_BLOCK_OFFLINE, PAGER_ZONE_KERNEL}};
	char text[128];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(text, sizeof(text),
			 "pool pond region 32M requested 4M online %s",
			 rows[i].online);
		begin(text);
		serve_settle();
		ck_assert_uint_eq(block_at(POND).state, rows[i].state);
		ck_assert_uint_eq(block_at(POND).zone, rows[i].zone);
		ck_assert_uint_eq(block_at(POND + 4 * MB).state,
				  PAGER_BLOCK_ABSENT);
		serve_end();
	}
}
END_TEST

START_TEST(lists_begin_anywhere_and_end)
{
	static const struct {
		uint64_t cursor;
		uint32_t blocks, cells;
	} rows[] = {{0, 16, 16},
		    {1, 16, 16},
		    {POND, 16, 16},
		    {POND + 2 * MB - 1, 16, 16},
		    {POND + 2 * MB, 15, 15},
		    {POND + 32 * MB - 1, 1, 1},
		    {POND + 32 * MB, 0, 0},
		    {UINT64_C(1) << 63, 0, 0},
		    {UINT64_MAX, 0, 0}};
	struct pager_req_pool_cursor in = {.pool = 1};

	begin("pool pond region 32M");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		in.cursor = rows[i].cursor;
		serve_ok(root, PAGER_OP_POOL_BLOCKS, in);
		ck_assert_uint_eq(serve_answer.body.list.count, rows[i].blocks);
		ck_assert_uint_eq(serve_answer.body.list.next, 0);
		serve_ok(root, PAGER_OP_POOL_CELLS, in);
		ck_assert_uint_eq(serve_answer.body.list.count, rows[i].cells);
		ck_assert_uint_eq(serve_answer.body.list.next, 0);
	}
	serve_end();
}
END_TEST

/* 10 GiB have more cells than a message. */
START_TEST(cells_go_on_where_they_ended)
{
	struct pager_req_pool_cursor in = {.pool = 1};
	uint64_t cells = 0;

	begin("simulate yes\npool pond region 10G");
	do {
		serve_ok(root, PAGER_OP_POOL_CELLS, in);
		ck_assert_uint_gt(serve_answer.body.list.count, 0);
		cells += serve_answer.body.list.count;
		in.cursor = serve_answer.body.list.next;
		if (in.cursor)
			ck_assert_uint_eq(in.cursor, POND + cells * 2 * MB);
	} while (in.cursor);
	ck_assert_uint_eq(cells, 5120);
	serve_end();
}
END_TEST

START_TEST(a_batch_has_room_for_a_row_of_each_list)
{
	static struct serve_batch batch;
	const struct pager_req_pool_cursor in = {.pool = 1};
	const struct pager_req_cursor all = {0};
	struct pager_answer answer;

	begin("pool pond region 32M requested 8M");
	serve_settle();
	memset(&batch, 0, sizeof(batch));
	for (unsigned int i = 0; i < 240; i++) {
		if (i % 4 == 0)
			serve_batch_put(&batch, PAGER_OP_POOL_LIST, all);
		else if (i % 4 == 1)
			serve_batch_put(&batch, PAGER_OP_POOL_BLOCKS, in);
		else if (i % 4 == 2)
			serve_batch_put(&batch, PAGER_OP_POOL_CELLS, in);
		else
			serve_batch_put(&batch, PAGER_OP_POOL_EVENTS, all);
	}
	ck_assert_uint_eq(serve_batch_run(root, &batch), PAGER_OK);
	ck_assert_uint_eq(serve_answer.body.batch.failed, 0);
	for (unsigned int i = 0; i < 240; i++) {
		serve_batch_answer(i, &answer);
		ck_assert_uint_eq(answer.hdr.error, 0);
		ck_assert_uint_ge(i % 4 == 3 ? answer.body.pool_events.count
					     : answer.body.list.count,
				  1);
	}
	serve_end();
}
END_TEST

static const struct pager_rep_pool_events *events(uint64_t cursor)
{
	const struct pager_req_cursor in = {.cursor = cursor};

	serve_ok(root, PAGER_OP_POOL_EVENTS, in);
	return &serve_answer.body.pool_events;
}

START_TEST(events_are_found_from_any_number)
{
	const struct pager_rep_pool_events *head;
	struct pager_row_event row;

	begin("pool pond region 32M");
	head = events(0);
	ck_assert(head->count == 0 && head->next == 1 && head->newest == 0);
	ck_assert_uint_eq(events(UINT64_MAX)->next, 1);
	for (uint64_t n = 1; n <= 5000; n++) {
		resize(n % 2 ? 2 * MB : 4 * MB);
		if (n < 70 || n % 499 == 0) {
			head = events(n);
			ck_assert(head->newest == n && head->next == n + 1);
			ck_assert(head->count == 1 && head->lost == 0);
		}
	}
	memcpy(&row, serve_answer.data, sizeof(row));
	head = events(1);
	ck_assert_uint_eq(head->lost, 5000 - 4096);
	memcpy(&row, serve_answer.data, sizeof(row));
	ck_assert(row.number == head->lost + 1 && row.pool == 1);
	ck_assert(row.type == PAGER_POOL_EVENT_RESIZE);
	ck_assert_uint_eq(row.value, row.number % 2 ? 2 * MB : 4 * MB);
	ck_assert_uint_eq(events(0)->lost, 0);
	ck_assert_uint_eq(events(5001)->count, 0);
	ck_assert_uint_eq(events(UINT64_MAX)->next, 5001);
	serve_end();
}
END_TEST

START_TEST(statistics_have_pools_at_their_end)
{
	const struct pager_req_none none = {0};
	struct pager_rep_stats s;

	begin("pool a region 32M requested 8M\npool b region 32M requested 2M");
	serve_settle();
	serve_ok(root, PAGER_OP_STATS, none);
	s = serve_answer.body.stats;
	ck_assert_uint_eq(s.pools, 3);
	ck_assert(s.pool_requested == 10 * MB && s.pool_plugged == 10 * MB);
	ck_assert_uint_gt(s.pool_events, 0);
	ck_assert_uint_gt(s.work_steps, 4);
	ck_assert_uint_eq(s.frames_total, (4 + 10) * MB / 4096);
	serve_end();
}
END_TEST

START_TEST(holders_are_shown_with_their_addresses)
{
	const struct pager_req_pool_range in = {
	    .pool = 0, .addr = 0, .len = 4 * MB};
	struct pager_row_holder row;
	struct srv_client *ann;
	uint64_t handle;

	begin("");
	ann = serve_join(SERVE_ANN);
	handle = serve_space(ann);
	serve_map(ann, handle, 0x400000, 3 * 4096, 0, 0);
	serve_write(ann, handle, 0x401000, "here");
	serve_ok(root, PAGER_OP_POOL_HOLDERS, in);
	ck_assert_uint_eq(serve_answer.body.list.count, 1);
	ck_assert_uint_eq(serve_answer.body.list.next, 0);
	memcpy(&row, serve_answer.data, sizeof(row));
	serve_ok(ann, PAGER_OP_SPACE_INFO, handle);
	ck_assert_uint_eq(row.space, serve_answer.body.space_info.id);
	ck_assert(row.addr == 0x401000 && row.len == 4096 && !row.pinned);
	ck_assert_uint_eq(row.object, 0);
	serve_end();
}
END_TEST

static void reload(const char *pools)
{
	char text[512], why[SRV_CONFIG_WHY];
	struct srv_config new;

	snprintf(text, sizeof(text),
		 "memory 4M\nnodes 1024\nmemory-block 2M\n%s\n", pools);
	ck_assert_int_eq(srv_config_parse(&new, "new", text, strlen(text), why),
			 0);
	ck_assert_int_eq(srv_pools_place(&new, why, sizeof(why)), 0);
	srv_pools_reload(&serve_srv, &new);
	srv_config_fini(&serve_srv.config);
	serve_srv.config = new;
}

START_TEST(a_new_configuration_changes_size_and_growth)
{
	begin("pool pond region 32M requested 8M");
	serve_settle();
	reload("pool pond region 32M requested 4M grow 16M");
	ck_assert_uint_eq(info(1).requested, 4 * MB);
	ck_assert_uint_eq(info(1).grow_max, 16 * MB);
	resize(6 * MB);
	/* The file says what it said. */
	reload("pool pond region 32M requested 4M grow 16M");
	ck_assert_uint_eq(info(1).requested, 6 * MB);
	/* Anything else is for the next start, and so is all that stands
	 * beside it. */
	reload("pool pond region 32M requested 2M node 1");
	reload("pool pool region 32M requested 2M");
	reload("pool pond region 32M requested 2M\npool more region 2M");
	reload("");
	ck_assert_uint_eq(info(1).requested, 6 * MB);
	ck_assert_uint_eq(serve_srv.config.pool_count, 1);
	reload("pool pond region 32M requested 10M grow 16M");
	ck_assert_uint_eq(info(1).requested, 10 * MB);
	serve_end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    the_boot_pool_is_there_and_stays,
	    a_wish_is_worked_on_step_by_step,
	    the_newer_wish_counts,
	    memory_goes_where_the_configuration_says,
	    lists_begin_anywhere_and_end,
	    cells_go_on_where_they_ended,
	    a_batch_has_room_for_a_row_of_each_list,
	    events_are_found_from_any_number,
	    statistics_have_pools_at_their_end,
	    holders_are_shown_with_their_addresses,
	    a_new_configuration_changes_size_and_growth,
	};

	return UNIT_RUN("server pools", tests);
}
