/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pagerctl dirty watch: how fast each region is written. A log of its own is
 * got and cleared once an interval; pages are counted by the regions there are
 * then.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "tools/common/json.h"
#include "tools/common/number.h"
#include "tools/common/words.h"
#include "tools/pagerctl/dirty.h"

#define INTERVAL_MS 1000u
#define VPN(va)	    ((va) >> PAGER_PAGE_SHIFT & ((UINT64_C(1) << 36) - 1))

struct counted {
	struct pager_row_region region;
	uint64_t pages;
};

struct watch {
	struct dirty_call *call;
	uint64_t log;
	uint64_t first; /* page of the log's page 0 */
	uint64_t pages;
	struct counted *regions;
	size_t count;
	size_t room;
	uint64_t dirty;
	uint64_t outside; /* in no region any more */
	uint64_t words[PAGER_MSG_MAX / 8];
};

static int fetch_regions(struct watch *w)
{
	struct pager_list *list =
	    pager_list_regions(w->call->pager, w->call->number[0], 0);
	struct pager_row_region row;
	int ret;

	w->count = 0;
	while ((ret = pager_list_next(list, &row, sizeof(row))) > 0) {
		if (w->count == w->room) {
			size_t room = w->room ? w->room * 2 : 64;
			struct counted *more =
			    realloc(w->regions, room * sizeof(*more));

			if (!more)
				break;
			w->regions = more;
			w->room = room;
		}
		w->regions[w->count++] = (struct counted){.region = row};
	}
	pager_list_free(list);
	return ret < 0 ? ret : 0;
}

static void count_page(struct watch *w, uint64_t vpn, size_t *i)
{
	while (*i < w->count && VPN(w->regions[*i].region.end - 1) < vpn)
		(*i)++;
	w->dirty++;
	if (*i < w->count && VPN(w->regions[*i].region.start) <= vpn)
		w->regions[*i].pages++;
	else
		w->outside++;
}

static int fetch_dirty(struct watch *w)
{
	struct pager_rep_dirty_got got = {.next = 0};
	size_t region = 0;

	w->dirty = w->outside = 0;
	while (got.next < w->pages) {
		int ret = pager_call_dirty_get(
		    w->call->pager, w->log, got.next, w->pages - got.next,
		    PAGER_DIRTY_GET_CLEAR, w->words,
		    sizeof(w->words) / sizeof(w->words[0]), &got);

		if (ret < 0)
			return ret;
		for (uint64_t i = 0; i < got.pages; i++)
			if (w->words[i / 64] >> (i % 64) & 1)
				count_page(w, w->first + got.first + i,
					   &region);
	}
	return 0;
}

/* --- printing --------------------------------------------------------------
 */

static double rate(uint64_t pages, uint64_t ms)
{
	return (double)pages * PAGER_PAGE_SIZE / (1 << 20) * 1000 /
	       (double)(ms ? ms : 1);
}

static void print_json(const struct watch *w, uint64_t ms)
{
	struct tool_json json;

	tool_json_init(&json, w->call->view.out);
	tool_json_object(&json, NULL);
	tool_json_u64(&json, "ms", ms);
	tool_json_u64(&json, "pages", w->dirty);
	tool_json_u64(&json, "unmapped", w->outside);
	tool_json_double(&json, "mib_per_s", rate(w->dirty, ms));
	tool_json_array(&json, "regions");
	for (size_t i = 0; i < w->count; i++) {
		const struct counted *c = &w->regions[i];

		if (!c->pages)
			continue;
		tool_json_object(&json, NULL);
		tool_json_hex(&json, "start", c->region.start);
		tool_json_hex(&json, "end", c->region.end);
		tool_json_u64(&json, "pages", c->pages);
		tool_json_double(&json, "mib_per_s", rate(c->pages, ms));
		tool_json_end(&json);
	}
	tool_json_end(&json);
	tool_json_end(&json);
}

static void print_text(const struct watch *w, uint64_t ms)
{
	FILE *out = w->call->view.out;

	fprintf(out, "%" PRIu64 " ms: %" PRIu64 " pages, %.1f MiB/s\n", ms,
		w->dirty, rate(w->dirty, ms));
	for (size_t i = 0; i < w->count; i++) {
		const struct counted *c = &w->regions[i];
		char perm[4];

		if (!c->pages)
			continue;
		fprintf(out,
			"  %012" PRIx64 "-%012" PRIx64 " %s%c %8" PRIu64
			" pages %9.1f MiB/s\n",
			c->region.start, c->region.end,
			word_access(c->region.prot, perm),
			c->region.flags & PAGER_REGION_SHARED ? 's' : 'p',
			c->pages, rate(c->pages, ms));
	}
	if (w->outside)
		fprintf(out, "  unmapped since %22" PRIu64 " pages\n",
			w->outside);
}

/* --- the verb --------------------------------------------------------------
 */

static int loop(struct watch *w)
{
	const struct dirty_options *o = &w->call->options;
	uint64_t interval =
	    o->interval_ms != DIRTY_UNSAID ? o->interval_ms : INTERVAL_MS;
	uint64_t before = dirty_now_ms();
	int ret = 0;

	for (uint64_t n = 0; ret == 0 && n < o->count; n++) {
		uint64_t now;

		if (!dirty_sleep_until(before + interval))
			break;
		ret = fetch_regions(w);
		if (ret == 0)
			ret = fetch_dirty(w);
		if (ret < 0)
			break;
		now = dirty_now_ms();
		if (w->call->view.json)
			print_json(w, now - before);
		else
			print_text(w, now - before);
		before = now;
		/* Whoever reads has gone: no reason to go on. */
		if (fflush(w->call->view.out) != 0)
			break;
	}
	return ret;
}

int dirty_watch(struct dirty_call *c)
{
	struct pager_req_dirty_start r = {.space = c->number[0],
					  .method = c->method};
	struct watch *w = calloc(1, sizeof(*w));
	struct pager_rep_dirty_info info;
	int ret;

	if (!w) {
		fprintf(stderr, "pagerctl: out of memory\n");
		c->exit = 1;
		return 0;
	}
	w->call = c;
	ret = pager_call_dirty_start(c->pager, &r, &w->log);
	if (ret == 0)
		ret = pager_call_dirty_info(c->pager, w->log, &info);
	if (ret == 0) {
		w->first = VPN(info.addr);
		w->pages = info.len >> PAGER_PAGE_SHIFT;
		dirty_catch_signals();
		ret = loop(w);
	}
	free(w->regions);
	free(w);
	return ret;
}
