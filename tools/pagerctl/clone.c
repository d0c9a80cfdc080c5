/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pagerctl clone: a copy of a space, by a fork or as a live migration makes
 * one. The copy belongs to this session and dies with it: so it is given away,
 * and waited for until somebody has taken it. load does the same with a space
 * from a file that clone has written.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "tools/common/json.h"
#include "tools/common/number.h"
#include "tools/common/options.h"
#include "tools/pagerctl/dirty.h"

#define LOOK_MS 200u

static void show_round(struct dirty_call *c,
		       const struct pager_precopy_progress *p)
{
	static const char *const phases[] = {"running", "stopped", "verifying"};
	const char *phase = phases[p->phase < 3 ? p->phase : 0];
	char size[TOOL_SIZE_TEXT];
	struct tool_json json;

	if (!c->view.json) {
		fprintf(c->view.out,
			"round %" PRIu32 ", %s: %" PRIu64 " pages, %s, %" PRIu64
			" ms\n",
			p->round, phase, p->pages,
			tool_size_text(p->bytes, size), p->ms);
		return;
	}
	tool_json_init(&json, c->view.out);
	tool_json_object(&json, NULL);
	tool_json_u64(&json, "round", p->round);
	tool_json_string(&json, "phase", phase);
	tool_json_u64(&json, "dirty", p->dirty);
	tool_json_u64(&json, "pages", p->pages);
	tool_json_u64(&json, "bytes", p->bytes);
	tool_json_u64(&json, "ms", p->ms);
	tool_json_end(&json);
}

static int progress(void *arg, const struct pager_precopy_progress *p)
{
	struct dirty_call *c = arg;
	char size[TOOL_SIZE_TEXT];

	if (p->ended) {
		if (isatty(STDERR_FILENO) == 1)
			fputs("\r\033[K", stderr);
		show_round(c, p);
		fflush(c->view.out);
	} else if (isatty(STDERR_FILENO) == 1) {
		fprintf(stderr, "\r\033[Kround %" PRIu32 ": %s", p->round,
			tool_size_text(p->bytes, size));
	}
	return dirty_interrupted();
}

static void show_result(struct dirty_call *c,
			const struct pager_precopy_result *r, bool live,
			const char *token)
{
	char size[TOOL_SIZE_TEXT];
	struct tool_json json;

	if (c->view.json) {
		tool_json_init(&json, c->view.out);
		tool_json_object(&json, NULL);
		tool_json_string(&json, "result", "done");
		if (r->space) {
			tool_json_hex(&json, "space", r->space);
			tool_json_string(&json, "token", token);
		}
		if (live) {
			tool_json_u64(&json, "rounds", r->rounds);
			tool_json_u64(&json, "pages", r->pages);
			tool_json_u64(&json, "bytes", r->bytes);
			tool_json_u64(&json, "last_pages", r->last_pages);
			tool_json_u64(&json, "regions", r->regions);
			tool_json_u64(&json, "skipped", r->skipped);
			tool_json_u64(&json, "verified", r->verified);
			tool_json_u64(&json, "pause_us", r->pause_us);
			tool_json_u64(&json, "verify_us", r->verify_us);
			tool_json_u64(&json, "total_us", r->total_us);
		}
		tool_json_end(&json);
		return;
	}
	if (live) {
		fprintf(c->view.out,
			"%" PRIu64 " rounds, %" PRIu64 " pages, %s in %" PRIu64
			" ms; paused for %" PRIu64 ".%03u ms\n",
			r->rounds, r->pages, tool_size_text(r->bytes, size),
			r->total_us / 1000, r->pause_us / 1000,
			(unsigned int)(r->pause_us % 1000));
		if (r->skipped)
			fprintf(c->view.out,
				"%" PRIu64 " regions of devices left out\n",
				r->skipped);
		if (c->options.verify)
			fprintf(c->view.out,
				"verified: %" PRIu64 " regions and %" PRIu64
				" pages are equal (%" PRIu64
				" ms of the pause)\n",
				r->regions, r->verified, r->verify_us / 1000);
	}
	if (r->space)
		fprintf(c->view.out, "space 0x%" PRIx64 "\ntoken %s\n",
			r->space, token);
}

/* Until somebody took the copy, the time is over, or a signal came. */
static int hold(struct dirty_call *c, uint64_t space)
{
	uint64_t until = UINT64_MAX;

	if (c->options.seconds != DIRTY_UNSAID)
		until = dirty_now_ms() + c->options.seconds * 1000;
	while (dirty_now_ms() < until && !dirty_interrupted()) {
		uint64_t next = dirty_now_ms() + LOOK_MS;
		int ret = pager_call_space_info(c->pager, space, NULL);

		if (ret == PAGER_REFUSED &&
		    pager_error(c->pager) == PAGER_ESTALE) {
			if (!c->view.json)
				fputs("taken\n", c->view.out);
			return 0;
		}
		if (ret < 0)
			return ret;
		dirty_sleep_until(next < until ? next : until);
	}
	return 0;
}

static int finish(struct dirty_call *c, const struct pager_precopy_result *r,
		  bool live)
{
	uint8_t token[PAGER_TOKEN_SIZE];
	char text[2 * PAGER_TOKEN_SIZE + 1] = "";
	int ret = 0;

	if (r->space)
		ret = pager_call_give(c->pager, r->space, token);
	if (ret < 0)
		return ret;
	for (size_t i = 0; r->space && i < sizeof(token); i++)
		snprintf(text + 2 * i, 3, "%02x", token[i]);
	show_result(c, r, live, text);
	fflush(c->view.out);
	return r->space ? hold(c, r->space) : 0;
}

/* The space is forked as it is at this moment. */
static int fork_it(struct dirty_call *c)
{
	struct pager_precopy_result r = {0};
	int ret = pager_call_space_fork(c->pager, c->number[0], &r.space);

	return ret < 0 ? ret : finish(c, &r, false);
}

static void say_failed(struct dirty_call *c,
		       const struct pager_precopy_result *r, const char *what,
		       int code)
{
	struct tool_json json;

	c->exit = code;
	fprintf(stderr, "pagerctl: %s: %s\n", what, r->why);
	if (!c->view.json)
		return;
	tool_json_init(&json, c->view.out);
	tool_json_object(&json, NULL);
	tool_json_string(&json, "result", "failed");
	tool_json_string(&json, "why", r->why);
	tool_json_end(&json);
}

static int copy_it(struct dirty_call *c, int fd)
{
	const struct dirty_options *o = &c->options;
	struct pager_precopy_options p = {
	    .flags = (o->verify ? PAGER_PRECOPY_VERIFY : 0) |
		     (o->skip_contig ? PAGER_PRECOPY_SKIP_CONTIG : 0) |
		     (o->file ? PAGER_PRECOPY_FILE : 0),
	    .method = c->method,
	    .max_pause_ms =
		o->max_pause_ms != DIRTY_UNSAID ? (uint32_t)o->max_pause_ms : 0,
	    .fd = fd,
	    .progress = progress,
	    .arg = c,
	};
	struct pager_precopy_result r;
	int ret = pager_precopy(c->pager, c->number[0], &p, &r);

	/* Why it was refused is in r; the connection has gone on since. */
	if (ret == PAGER_MISUSE || ret == PAGER_REFUSED) {
		say_failed(c, &r, "clone",
			   ret == PAGER_MISUSE ? DIRTY_EXIT_FAILED
					       : TOOL_REFUSED);
		return 0;
	}
	return ret < 0 ? ret : finish(c, &r, true);
}

int clone_run(struct dirty_call *c)
{
	const char *file = c->options.file;
	int fd = -1, ret;

	dirty_catch_signals();
	if (!c->options.live)
		return fork_it(c);
	if (file)
		fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (file && fd < 0) {
		fprintf(stderr, "pagerctl: %s: %s\n", file, strerror(errno));
		c->exit = 1;
		return 0;
	}
	ret = copy_it(c, fd);
	if (fd >= 0)
		close(fd);
	return ret;
}

int clone_load(struct dirty_call *c)
{
	int fd = open(c->args[0], O_RDONLY | O_CLOEXEC), ret;
	struct pager_precopy_result r;

	if (fd < 0) {
		fprintf(stderr, "pagerctl: %s: %s\n", c->args[0],
			strerror(errno));
		c->exit = TOOL_REFUSED;
		return 0;
	}
	dirty_catch_signals();
	ret = pager_precopy_load(c->pager, fd, &r);
	close(fd);
	if (ret == PAGER_MISUSE || ret == PAGER_REFUSED) {
		say_failed(c, &r, "load",
			   ret == PAGER_MISUSE ? DIRTY_EXIT_FAILED
					       : TOOL_REFUSED);
		return 0;
	}
	return ret < 0 ? ret : finish(c, &r, false);
}
