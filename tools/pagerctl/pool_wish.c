/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Wishes: a size is asked for, and with --wait watched until it is there, was
 * replaced, or cannot come. Whatever ends the watching leaves the wish
 * standing.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/common/json.h"
#include "tools/common/options.h"
#include "tools/pagerctl/pool.h"
#include "tools/pagerctl/pool_size.h"

#define POLL_MS	   100
#define LINE_MS	   1000 /* between two lines where no terminal is */
#define BAR	   24
#define EVENTS_MAX 256

static volatile sig_atomic_t stop_signal;

static void on_signal(int number)
{
	stop_signal = number;
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

struct watch {
	struct pool_call *call;
	struct pool_wait wait;
	uint64_t cursor;
	uint64_t before; /* what was requested until then */
	bool terminal;	 /* standard error is one */
	bool shown;	 /* a bar is on it */
	uint64_t next_line_ms;
	char last[POOL_LINE];
};

/* --- what is shown meanwhile ---------------------------------------------- */

static void wipe(struct watch *w)
{
	if (w->shown)
		fputs("\r\033[K", stderr);
	w->shown = false;
}

static void progress_json(const struct watch *w, const char *what)
{
	const struct pager_row_pool *p = &w->call->pool;
	struct tool_json json;

	tool_json_init(&json, w->call->view.out);
	tool_json_object(&json, NULL);
	tool_json_string(&json, "name", p->name);
	tool_json_string(&json, "result", what);
	tool_json_u64(&json, "target", w->wait.target);
	tool_json_u64(&json, "requested", p->requested);
	tool_json_u64(&json, "plugged", p->plugged);
	tool_json_u64(&json, "percent",
		      pool_wait_percent(&w->wait, p->plugged));
	tool_json_string(&json, "state", pool_state_word(pool_state(p)));
	if (w->wait.busy)
		tool_json_hex(&json, "busy", w->wait.busy_addr);
	if (p->next_try_ms > 0)
		tool_json_u64(&json, "next_try_ms", p->next_try_ms);
	tool_json_end(&json);
	fflush(w->call->view.out);
}

static void show(struct watch *w)
{
	bool bar = w->terminal && !w->call->view.json;
	char text[POOL_LINE];

	if (!bar && now_ms() < w->next_line_ms)
		return;
	pool_wait_say(&w->wait, &w->call->pool, bar ? BAR : 0, text);
	if (strcmp(text, w->last) == 0)
		return;
	memcpy(w->last, text, sizeof(text));
	w->next_line_ms = now_ms() + LINE_MS;
	if (bar) {
		fprintf(stderr, "\r\033[K%s", text);
		fflush(stderr);
		w->shown = true;
	} else if (w->call->view.json) {
		progress_json(w, "waiting");
	} else {
		fprintf(stderr, "%s\n", text);
	}
}

/* --- watching ------------------------------------------------------------- */

/* What happened since the last look. 0 with *end; or as the calls. */
static int read_events(struct watch *w, enum pool_wait_end *end)
{
	struct pager_row_event rows[EVENTS_MAX];
	struct pager_rep_pool_events head;
	int ret;

	*end = POOL_WAIT_ON;
	do {
		ret = pager_call_pool_events(w->call->pager, w->cursor, rows,
					     EVENTS_MAX, &head);
		if (ret < 0)
			return ret;
		w->cursor = head.next;
		for (uint32_t i = 0; i < head.count && *end == POOL_WAIT_ON;
		     i++)
			*end = pool_wait_event(&w->wait, &rows[i]);
	} while (head.count > 0 && *end == POOL_WAIT_ON);
	return 0;
}

static int look(struct watch *w, enum pool_wait_end *end)
{
	int ret = read_events(w, end);

	if (ret < 0)
		return ret;
	ret = pager_call_pool_info(w->call->pager, w->call->pool.pool,
				   &w->call->pool);
	if (ret < 0 || *end != POOL_WAIT_ON)
		return ret;
	if (pool_wait_look(&w->wait, &w->call->pool) == POOL_WAIT_ON)
		return 0;
	/* Between the two looks: events know more, if they are not lost. */
	ret = read_events(w, end);
	if (ret == 0 && *end == POOL_WAIT_ON)
		*end = pool_wait_look(&w->wait, &w->call->pool);
	return ret;
}

/* Who is where it was busy last. */
static void say_busy(struct watch *w)
{
	struct pool_call *c = w->call;
	struct pool_holders holders;
	uint64_t len = c->pool.sub_block ? c->pool.sub_block : PAGER_PAGE_SIZE;

	if (!w->wait.busy || w->wait.busy_addr == 0 || c->view.json)
		return;
	if (pool_holders_get(c, w->wait.busy_addr, len, &holders) == 0 &&
	    holders.count > 0) {
		fprintf(stderr, "in the way at 0x%" PRIx64 ":\n",
			w->wait.busy_addr);
		pool_holders_print(stderr, &holders);
		/* They come sorted. */
		if (holders.rows[0].pinned == 0)
			fputs("nothing of it is pinned: there may be too "
			      "little memory elsewhere\n",
			      stderr);
	}
	free(holders.rows);
}

/* The end, in words or as the last object; the exit code. */
static int say_end(struct watch *w, enum pool_wait_end end)
{
	struct pool_call *c = w->call;
	char name[PAGER_POOL_NAME_MAX], target[POOL_SIZE_TEXT],
	    text[POOL_SIZE_TEXT], why[POOL_LINE];
	FILE *out = c->view.out;

	wipe(w);
	pool_name_text(c->pool.name, name, sizeof(name));
	pool_size_text(w->wait.target, target);
	if (c->view.json)
		progress_json(w, end == POOL_WAIT_REACHED    ? "reached"
				 : end == POOL_WAIT_REPLACED ? "replaced"
							     : "broken");
	switch (end) {
	case POOL_WAIT_REACHED:
		if (!c->view.json)
			fprintf(out, "%s: %s plugged, as requested\n", name,
				target);
		return TOOL_DONE;
	case POOL_WAIT_REPLACED:
		fprintf(stderr,
			"pagerctl: %s: %s: %s is requested now instead of %s\n",
			name,
			w->wait.grown ? "memory was short and the pool grew"
				      : "a newer wish replaced this one",
			pool_size_text(w->wait.newer, text), target);
		return POOL_EXIT_REPLACED;
	default:
		pool_state_say(&c->pool, why);
		fprintf(stderr, "pagerctl: %s: %s\n", name, why);
		return POOL_EXIT_BROKEN;
	}
}

static int say_stopped(struct watch *w, bool timeout)
{
	struct pool_call *c = w->call;
	char name[PAGER_POOL_NAME_MAX], target[POOL_SIZE_TEXT],
	    before[POOL_SIZE_TEXT], now[POOL_SIZE_TEXT];

	wipe(w);
	if (c->view.json)
		progress_json(w, timeout ? "timeout" : "interrupted");
	if (timeout)
		say_busy(w);
	pool_name_text(c->pool.name, name, sizeof(name));
	fprintf(stderr,
		"pagerctl: %s: %s at %s; the wish of %s stands. Take it back "
		"with pagerctl pool resize %s %s\n",
		name, timeout ? "not there in time," : "stopped waiting",
		pool_size_text(c->pool.plugged, now),
		pool_size_text(w->wait.target, target), name,
		pool_size_text(w->before, before));
	return timeout ? POOL_EXIT_TIMEOUT : 128 + (int)stop_signal;
}

static int watch(struct pool_call *c, const struct pager_rep_pool_resize *wish,
		 uint64_t cursor)
{
	const struct timespec pause = {.tv_nsec = POLL_MS * 1000000};
	struct sigaction action = {.sa_handler = on_signal};
	struct watch w = {
	    .call = c,
	    .wait = {.pool = c->pool.pool,
		     .wish = wish->wish,
		     .target = wish->requested,
		     .from = c->pool.plugged},
	    .cursor = cursor,
	    .before = c->pool.requested,
	    .terminal = isatty(STDERR_FILENO) == 1,
	    .next_line_ms = now_ms() + LINE_MS / 2,
	};
	uint64_t timeout = c->options.timeout;
	uint64_t until = timeout < UINT64_MAX / 2000 ? now_ms() + timeout * 1000
						     : UINT64_MAX;
	enum pool_wait_end end;
	int ret;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	for (;;) {
		ret = look(&w, &end);
		if (ret < 0) {
			wipe(&w);
			return ret;
		}
		if (end != POOL_WAIT_ON) {
			c->exit = say_end(&w, end);
			return 0;
		}
		if (stop_signal || now_ms() >= until) {
			c->exit = say_stopped(&w, !stop_signal);
			return 0;
		}
		show(&w);
		nanosleep(&pause, NULL);
	}
}

/* --- asking --------------------------------------------------------------- */

static int boot(void)
{
	fputs("pagerctl: boot memory cannot be changed: name another pool, see "
	      "pagerctl pool list\n",
	      stderr);
	return TOOL_USAGE;
}

/* The wish was taken: say so, or watch. */
static int taken(struct pool_call *c, const struct pager_rep_pool_resize *wish,
		 uint64_t cursor)
{
	char name[PAGER_POOL_NAME_MAX], now[POOL_SIZE_TEXT],
	    size[POOL_SIZE_TEXT];
	struct tool_json json;

	if (c->options.wait)
		return watch(c, wish, cursor);
	if (c->view.json) {
		tool_json_init(&json, c->view.out);
		tool_json_object(&json, NULL);
		tool_json_string(&json, "name", c->pool.name);
		tool_json_string(&json, "result", "taken");
		tool_json_u64(&json, "requested", wish->requested);
		tool_json_u64(&json, "wish", wish->wish);
		tool_json_u64(&json, "plugged", c->pool.plugged);
		tool_json_end(&json);
		return 0;
	}
	fprintf(c->view.out, "%s: %s requested, %s plugged so far\n",
		pool_name_text(c->pool.name, name, sizeof(name)),
		pool_size_text(wish->requested, size),
		pool_size_text(c->pool.plugged, now));
	return 0;
}

/* A refusal that the daemon's words do not explain. */
static int refused(const struct pool_call *c, int ret)
{
	char why[POOL_LINE];

	if (ret == PAGER_REFUSED && pager_error(c->pager) == PAGER_EBUSY &&
	    c->pool.flags & PAGER_POOL_BROKEN) {
		pool_state_say(&c->pool, why);
		fprintf(stderr, "pagerctl: the pool is %s\n", why);
	}
	return ret;
}

/* The number that the next event will have. */
static int next_event(struct pool_call *c, uint64_t *cursor)
{
	struct pager_rep_pool_events head;
	int ret;

	if (!c->options.wait)
		return 0;
	ret = pager_call_pool_events(c->pager, UINT64_MAX, NULL, 0, &head);
	if (ret == 0)
		*cursor = head.next;
	return ret;
}

int pool_resize(struct pool_call *c)
{
	const struct pool_size_rule rule = {.now = c->pool.requested,
					    .block = c->pool.block,
					    .max = c->pool.region};
	struct pager_rep_pool_resize wish;
	char why[POOL_SIZE_WHY];
	uint64_t size, cursor = 0;
	int ret;

	if (c->pool.flags & PAGER_POOL_BOOT)
		return boot();
	if (!pool_size_read(c->args[0], &rule, &size, why)) {
		fprintf(stderr, "pagerctl: %s\n", why);
		return TOOL_USAGE;
	}
	ret = pager_call_pool_resize(c->pager, c->pool.pool, size, &wish);
	if (ret == 0)
		ret = next_event(c, &cursor);
	return ret == 0 ? taken(c, &wish, cursor) : refused(c, ret);
}

int pool_unplug_all(struct pool_call *c)
{
	struct pager_rep_pool_resize wish;
	uint64_t cursor = 0;
	int ret;

	if (c->pool.flags & PAGER_POOL_BOOT)
		return boot();
	ret = pager_call_pool_unplug_all(c->pager, c->pool.pool, &wish);
	if (ret == 0)
		ret = next_event(c, &cursor);
	return ret == 0 ? taken(c, &wish, cursor) : refused(c, ret);
}

int pool_grow(struct pool_call *c)
{
	const struct pool_size_rule rule = {.now = c->pool.grow_max,
					    .block = c->pool.block,
					    .max = c->pool.region};
	char why[POOL_SIZE_WHY], name[PAGER_POOL_NAME_MAX],
	    text[POOL_SIZE_TEXT];
	struct tool_json json;
	uint64_t size = 0;
	int ret;

	if (c->pool.flags & PAGER_POOL_BOOT)
		return boot();
	if (strcmp(c->args[0], "off") != 0 &&
	    !pool_size_read(c->args[0], &rule, &size, why)) {
		fprintf(stderr, "pagerctl: %s\n", why);
		return TOOL_USAGE;
	}
	ret = pager_call_pool_grow(c->pager, c->pool.pool, size);
	if (ret < 0)
		return ret;
	if (c->view.json) {
		tool_json_init(&json, c->view.out);
		tool_json_object(&json, NULL);
		tool_json_string(&json, "name", c->pool.name);
		tool_json_u64(&json, "grow_max", size);
		tool_json_end(&json);
		return 0;
	}
	pool_name_text(c->pool.name, name, sizeof(name));
	if (size > 0)
		fprintf(c->view.out, "%s: grows by itself up to %s\n", name,
			pool_size_text(size, text));
	else
		fprintf(c->view.out, "%s: does not grow by itself\n", name);
	return 0;
}
