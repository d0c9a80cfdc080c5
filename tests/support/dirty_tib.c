/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests as a client sends them.
 */
#include "tests/support/dirty_tib.h"

#include <check.h>
#include <string.h>

enum { PAGE = PAGER_PAGE_SIZE };

struct dirty_tib dirty_tib;

void dtib_begin(const char *config)
{
	const struct pager_req_map map = {.addr = DIRTY_BASE,
					  .len = DIRTY_TIB,
					  .prot = 3,
					  .flags = PAGER_MAP_FIXED |
						   PAGER_MAP_NORESERVE};
	struct pager_req_map in = map;

	serve_start(config);
	dirty_tib.root = serve_join(SERVE_ROOT);
	dirty_tib.ann = serve_join(SERVE_ANN);
	dirty_tib.twin = serve_join(SERVE_ANN);
	dirty_tib.ben = serve_join(SERVE_BEN);
	in.space = dirty_tib.space = serve_space(dirty_tib.ann);
	serve_ok(dirty_tib.ann, PAGER_OP_MAP, in);
}

/* --- requests in a line -----------------------------------------------------
 */

struct pager_req_dirty_start dtib_range(uint64_t of, uint64_t page,
					uint64_t pages)
{
	return (struct pager_req_dirty_start){
	    .space = of, .addr = DIRTY_BASE + page * PAGE, .len = pages * PAGE};
}

uint64_t dtib_start(struct srv_client *client, uint64_t of, uint64_t page,
		    uint64_t pages, uint32_t method, uint32_t flags)
{
	struct pager_req_dirty_start in = dtib_range(of, page, pages);

	in.method = method;
	in.flags = flags;
	serve_ok(client, PAGER_OP_DIRTY_START, in);
	return serve_answer.body.handle.handle;
}

void dtib_stop(struct srv_client *client, uint64_t log)
{
	serve_ok(client, PAGER_OP_DIRTY_STOP, log);
}

void dtib_touch(uint64_t page)
{
	const struct pager_req_fault in = {.space = dirty_tib.space,
					   .addr = DIRTY_BASE + page * PAGE,
					   .access = PAGER_ACCESS_WRITE};

	serve_ok(dirty_tib.ann, PAGER_OP_FAULT, in);
}

const struct pager_rep_dirty_got *dtib_get(struct srv_client *client,
					   uint64_t log, uint64_t first,
					   uint64_t pages, uint32_t flags)
{
	const struct pager_req_dirty_get in = {
	    .log = log, .first = first, .pages = pages, .flags = flags};

	serve_ok(client, PAGER_OP_DIRTY_GET, in);
	return &serve_answer.body.dirty_got;
}

uint64_t dtib_word(unsigned int i)
{
	uint64_t value;

	ck_assert_uint_lt(i, serve_answer.data_len / 8);
	memcpy(&value, serve_answer.data + 8 * (size_t)i, 8);
	return value;
}

struct pager_rep_dirty_info dtib_info_of(struct srv_client *client,
					 uint64_t log)
{
	serve_ok(client, PAGER_OP_DIRTY_INFO, log);
	return serve_answer.body.dirty_info;
}

uint64_t dtib_logs_alive(void)
{
	const struct pager_req_none in = {0};

	serve_ok(dirty_tib.root, PAGER_OP_STATS, in);
	return serve_answer.body.stats.dirty_logs;
}
