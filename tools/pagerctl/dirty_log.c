/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pagerctl dirty list, info, start, stop, get. A log ends with the session
 * that started it: so start stays, and an admin's get in another pagerctl asks
 * for what the log holds meanwhile.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "tools/common/json.h"
#include "tools/common/number.h"
#include "tools/common/show.h"
#include "tools/common/table.h"
#include "tools/common/words.h"
#include "tools/pagerctl/dirty.h"

static const char *method_name(uint32_t method)
{
	const char *name = word_text(WORD_METHOD, method);

	return name ? name : "?";
}

int dirty_list(struct dirty_call *c)
{
	struct pager_list *list = pager_list_dirty(c->pager);
	struct tool_table *table = NULL;
	struct pager_row_dirty row;
	struct tool_json json;
	int ret = pager_list_next(list, &row, sizeof(row));

	tool_json_init(&json, c->view.out);
	if (ret >= 0 && c->view.json)
		tool_json_array(&json, NULL);
	else if (ret >= 0)
		table = tool_table_new("log|>space id|from|>kB|method|>dirty "
				       "pages|flags");
	for (; ret > 0; ret = pager_list_next(list, &row, sizeof(row))) {
		if (c->view.json) {
			tool_json_object(&json, NULL);
			show_json(&json, show_struct("row_dirty"), &row);
			tool_json_end(&json);
			continue;
		}
		tool_table_cell(table, "0x%" PRIx64, row.log);
		tool_table_cell(table, "%" PRIu64, row.space_id);
		tool_table_cell(table, "0x%" PRIx64, row.addr);
		tool_table_cell(table, "%" PRIu64, row.len / 1024);
		tool_table_cell(table, "%s", method_name(row.method));
		tool_table_cell(table, "%" PRIu64, row.dirty);
		tool_table_cell(table, "%s%s%s%s",
				row.flags & PAGER_DIRTY_MANUAL ? "manual " : "",
				row.flags & PAGER_DIRTY_ALL_SET ? "all-set "
								: "",
				row.flags & PAGER_DIRTY_RING ? "ring " : "",
				row.flags & PAGER_DIRTY_ORPHAN ? "ended" : "");
	}
	if (json.depth > 0)
		tool_json_end(&json);
	if (table)
		tool_table_print(table, c->view.out);
	tool_table_free(table);
	pager_list_free(list);
	return ret;
}

static int show_info(struct dirty_call *c, uint64_t log)
{
	const struct pager_struct *s = show_struct("rep_dirty_info");
	struct pager_rep_dirty_info info;
	struct tool_json json;
	int ret = pager_call_dirty_info(c->pager, log, &info);

	if (ret < 0)
		return ret;
	if (!c->view.json) {
		show_text(c->view.out, s, &info);
		return 0;
	}
	tool_json_init(&json, c->view.out);
	tool_json_object(&json, NULL);
	show_json(&json, s, &info);
	tool_json_end(&json);
	return 0;
}

int dirty_info(struct dirty_call *c)
{
	return show_info(c, c->number[0]);
}

int dirty_stop(struct dirty_call *c)
{
	return pager_call_dirty_stop(c->pager, c->number[0]);
}

/* --- start -----------------------------------------------------------------
 */

static int begin(struct dirty_call *c, uint64_t *log)
{
	struct pager_req_dirty_start r = {
	    .space = c->number[0],
	    .addr = c->number[1],
	    .len = c->number[2],
	    .method = c->method,
	    .flags = (c->options.manual ? PAGER_DIRTY_MANUAL : 0) |
		     (c->options.all_set ? PAGER_DIRTY_ALL_SET : 0),
	};

	return pager_call_dirty_start(c->pager, &r, log);
}

int dirty_start(struct dirty_call *c)
{
	uint64_t until = UINT64_MAX, log;
	struct tool_json json;
	int ret = begin(c, &log);

	if (ret < 0)
		return ret;
	if (c->view.json) {
		tool_json_init(&json, c->view.out);
		tool_json_object(&json, NULL);
		tool_json_hex(&json, "log", log);
		tool_json_end(&json);
	} else {
		fprintf(c->view.out, "log 0x%" PRIx64 "\n", log);
	}
	fflush(c->view.out);
	if (c->options.seconds != DIRTY_UNSAID)
		until = dirty_now_ms() + c->options.seconds * 1000;
	dirty_catch_signals();
	/* Who looks now and then finds out when the daemon is gone, or the log
	 * was stopped by somebody else. */
	do {
		uint64_t next = dirty_now_ms() + 500;

		if (!dirty_sleep_until(next < until ? next : until))
			break;
		ret = pager_call_dirty_info(c->pager, log, NULL);
		if (ret == PAGER_REFUSED &&
		    pager_error(c->pager) == PAGER_ESTALE) {
			fprintf(stderr, "pagerctl: the log was stopped\n");
			return 0;
		}
	} while (ret == 0 && dirty_now_ms() < until);
	return ret < 0 ? ret : show_info(c, log);
}

/* --- get -------------------------------------------------------------------
 */

struct printer {
	struct dirty_call *call;
	struct tool_json json;
	uint64_t base;	/* address of the log's page 0 */
	uint64_t start; /* of the run that is open, pages; UINT64_MAX: none */
	uint64_t end;
	uint64_t pages;
};

static uint64_t address(const struct printer *p, uint64_t page)
{
	uint64_t va = p->base + (page << PAGER_PAGE_SHIFT);

	/* The lower half's last page and the upper half's first are
	 * neighbours. */
	if (!(p->base >> 47) && va >> 47)
		va |= ~((UINT64_C(1) << 48) - 1);
	return va;
}

static void run_end(struct printer *p)
{
	uint64_t len = (p->end - p->start) << PAGER_PAGE_SHIFT;

	if (p->start == UINT64_MAX)
		return;
	p->pages += p->end - p->start;
	if (p->call->view.json) {
		tool_json_object(&p->json, NULL);
		tool_json_hex(&p->json, "addr", address(p, p->start));
		tool_json_u64(&p->json, "len", len);
		tool_json_end(&p->json);
	} else {
		fprintf(p->call->view.out, "0x%012" PRIx64 "  %" PRIu64 " kB\n",
			address(p, p->start), len / 1024);
	}
	p->start = UINT64_MAX;
}

static void run_page(struct printer *p, uint64_t page)
{
	if (p->start != UINT64_MAX && p->end == page) {
		p->end++;
		return;
	}
	run_end(p);
	p->start = page;
	p->end = page + 1;
}

static int get_all(struct printer *p, uint64_t log, uint64_t first,
		   uint64_t pages, uint32_t flags)
{
	static uint64_t words[PAGER_MSG_MAX / 8];
	struct pager_rep_dirty_got got = {.next = first};
	uint64_t end = first + pages;

	while (got.next < end) {
		int ret = pager_call_dirty_get(
		    p->call->pager, log, got.next, end - got.next, flags, words,
		    sizeof(words) / sizeof(words[0]), &got);

		if (ret < 0)
			return ret;
		for (uint64_t i = 0; i < got.pages; i++)
			if (words[i / 64] >> (i % 64) & 1)
				run_page(p, got.first + i);
	}
	run_end(p);
	return 0;
}

static int get_log(struct dirty_call *c, uint64_t log, uint64_t first,
		   uint64_t pages, uint32_t flags)
{
	struct printer p = {.call = c, .start = UINT64_MAX};
	struct pager_rep_dirty_info info;
	char size[TOOL_SIZE_TEXT];
	int ret = pager_call_dirty_info(c->pager, log, &info);

	if (ret < 0)
		return ret;
	p.base = info.addr;
	if (pages == 0)
		pages = info.len >> PAGER_PAGE_SHIFT;
	tool_json_init(&p.json, c->view.out);
	if (c->view.json) {
		tool_json_object(&p.json, NULL);
		tool_json_hex(&p.json, "log", log);
		tool_json_array(&p.json, "runs");
	}
	ret = get_all(&p, log, first, pages, flags);
	if (c->view.json) {
		tool_json_end(&p.json);
		tool_json_u64(&p.json, "pages", p.pages);
		tool_json_bool(&p.json, "cleared",
			       flags & PAGER_DIRTY_GET_CLEAR);
		tool_json_end(&p.json);
	} else if (ret == 0) {
		fprintf(c->view.out, "%" PRIu64 " pages, %s\n", p.pages,
			tool_size_text(p.pages << PAGER_PAGE_SHIFT, size));
	}
	return ret;
}

int dirty_get(struct dirty_call *c)
{
	uint32_t flags = c->options.clear ? PAGER_DIRTY_GET_CLEAR : 0;
	uint64_t log;
	int ret;

	if (c->options.seconds == DIRTY_UNSAID)
		return get_log(c, c->number[0], c->number[1], c->number[2],
			       flags);
	ret = begin(c, &log);
	if (ret < 0)
		return ret;
	dirty_catch_signals();
	dirty_sleep_until(dirty_now_ms() + c->options.seconds * 1000);
	return get_log(c, log, 0, 0, 0);
}
