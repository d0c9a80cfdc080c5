/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pagerctl pool events: what happened, once or as it happens.
 */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "tools/common/json.h"
#include "tools/pagerctl/pool.h"
#include "tools/pagerctl/pool_size.h"

#define EVENTS	  256 /* at a time */
#define FOLLOW_MS 200

/* Names of pools by number: those that are gone have none. */
struct names {
	char name[PAGER_POOLS_MAX][PAGER_POOL_NAME_MAX];
};

static int fetch_names(struct pool_call *c, struct names *out)
{
	struct pager_list *list = pager_list_pools(c->pager);
	struct pager_row_pool row;
	int ret;

	memset(out, 0, sizeof(*out));
	while ((ret = pager_list_next(list, &row, sizeof(row))) > 0)
		if (row.pool < PAGER_POOLS_MAX)
			pool_name_text(row.name, out->name[row.pool],
				       PAGER_POOL_NAME_MAX);
	pager_list_free(list);
	return ret;
}

static bool has_addr(uint32_t type)
{
	return type == PAGER_POOL_EVENT_PLUG ||
	       type == PAGER_POOL_EVENT_UNPLUG ||
	       type == PAGER_POOL_EVENT_ADD ||
	       type == PAGER_POOL_EVENT_REMOVE ||
	       type == PAGER_POOL_EVENT_ONLINE ||
	       type == PAGER_POOL_EVENT_OFFLINE ||
	       type == PAGER_POOL_EVENT_BUSY;
}

/* A time of the daemon's clock as one of the day's. */
static void clock_text(uint64_t time_ms, uint64_t now_ms, char out[16])
{
	struct timespec now;
	struct tm tm;
	int64_t ms;
	time_t s;

	clock_gettime(CLOCK_REALTIME, &now);
	ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 -
	     (int64_t)(now_ms - time_ms);
	s = (time_t)(ms / 1000);
	if (!localtime_r(&s, &tm))
		memset(&tm, 0, sizeof(tm));
	snprintf(out, 16, "%02d:%02d:%02d.%03d", tm.tm_hour % 24,
		 tm.tm_min % 60, tm.tm_sec % 61,
		 (int)(ms % 1000 + 1000) % 1000);
}

static const char *event_pool(const struct names *names, uint32_t pool,
			      char buf[16])
{
	if (pool < PAGER_POOLS_MAX && names->name[pool][0])
		return names->name[pool];
	snprintf(buf, 16, "%" PRIu32, pool);
	return buf;
}

static void event_text(const struct pool_call *c, const struct names *names,
		       const struct pager_row_event *e, uint64_t now_ms)
{
	char when[16], number[16], addr[24] = "", what[POOL_LINE];

	clock_text(e->time_ms, now_ms, when);
	if (has_addr(e->type) && e->addr)
		snprintf(addr, sizeof(addr), "0x%" PRIx64, e->addr);
	pool_event_say(e, what);
	fprintf(c->view.out, "%s  %-10s  %-7s", when,
		event_pool(names, e->pool, number), pool_event_word(e->type));
	if (*what)
		fprintf(c->view.out, "  %-12s  %s\n", addr, what);
	else
		fprintf(c->view.out, "  %s\n", addr);
}

static void event_json(struct tool_json *json, const struct names *names,
		       const struct pager_row_event *e, uint64_t now_ms)
{
	char number[16];

	tool_json_object(json, NULL);
	tool_json_u64(json, "number", e->number);
	tool_json_u64(json, "ago_ms",
		      now_ms > e->time_ms ? now_ms - e->time_ms : 0);
	tool_json_u64(json, "pool", e->pool);
	tool_json_string(json, "name", event_pool(names, e->pool, number));
	tool_json_string(json, "type", pool_event_word(e->type));
	if (has_addr(e->type))
		tool_json_hex(json, "addr", e->addr);
	tool_json_u64(json, "value", e->value);
	tool_json_end(json);
}

static void event_print(struct pool_call *c, const struct names *names,
			struct tool_json *json, const struct pager_row_event *e,
			uint64_t now_ms)
{
	struct tool_json own;

	if (c->pool.pool != UINT32_MAX && e->pool != c->pool.pool)
		return;
	if (!c->view.json) {
		event_text(c, names, e, now_ms);
		return;
	}
	tool_json_init(&own, c->view.out);
	event_json(c->options.follow ? &own : json, names, e, now_ms);
}

int pool_events(struct pool_call *c)
{
	const struct timespec pause = {.tv_nsec = FOLLOW_MS * 1000000};
	struct pager_row_event rows[EVENTS];
	struct pager_rep_pool_events head;
	struct tool_json json;
	struct names names;
	uint64_t cursor = 0;
	int ret = fetch_names(c, &names);

	tool_json_init(&json, c->view.out);
	if (ret == 0 && c->view.json && !c->options.follow)
		tool_json_array(&json, NULL);
	while (ret == 0) {
		ret = pager_call_pool_events(c->pager, cursor, rows, EVENTS,
					     &head);
		if (ret < 0)
			break;
		if (head.lost > 0)
			fprintf(stderr,
				"pagerctl: %" PRIu64 " events are no longer "
				"known\n",
				head.lost);
		for (uint32_t i = 0; i < head.count; i++)
			event_print(c, &names, &json, &rows[i], head.now_ms);
		cursor = head.next;
		if (head.count > 0)
			continue;
		if (!c->options.follow)
			break;
		/* Whoever reads has gone: no reason to go on. */
		if (fflush(c->view.out) != 0)
			break;
		nanosleep(&pause, NULL);
		ret = fetch_names(c, &names);
	}
	if (json.depth > 0)
		tool_json_end(&json);
	return ret;
}
