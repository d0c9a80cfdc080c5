/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scripted device and memory manager.
 */
#include "tests/support/vmem_script.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const call_name[VS_CALLS] = {
    [VS_PLUG] = "PLUG",
    [VS_UNPLUG] = "UNPLUG",
    [VS_UNPLUG_ALL] = "UNPLUG_ALL",
    [VS_PLUGGED] = "plugged",
    [VS_UNPLUGGED] = "unplugged",
    [VS_ADD] = "add",
    [VS_REMOVE] = "remove",
    [VS_OFFLINE_AND_REMOVE] = "offline_and_remove",
    [VS_TAKE] = "take",
    [VS_RETURN] = "return",
    [VS_ONLINING] = "onlining",
    [VS_OFFLINING] = "offlining",
};

/* --- the log ---------------------------------------------------------------
 */

__attribute__((format(printf, 3, 4))) static void
append(char *log, size_t *len, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(log + *len, VS_LOG - *len, format, args);
	va_end(args);
	ck_assert(n >= 0 && *len + (size_t)n < VS_LOG);
	*len += (size_t)n;
}

static const char *response_name(int answer)
{
	static const char *const name[] = {"ACK", "NACK", "BUSY", "ERROR"};

	return answer >= 0 && answer < 4 ? name[answer] : "?";
}

static const char *errno_name(int error)
{
	switch (error) {
	case -EBUSY:
		return "EBUSY";
	case -ENOMEM:
		return "ENOMEM";
	case -EIO:
		return "EIO";
	default:
		return "?";
	}
}

static void note(struct vs *s, enum vs_call call, uint64_t pfn, uint64_t pages,
		 int answer)
{
	s->calls++;
	if (s->quiet)
		return;
	append(s->log, &s->log_len, "%s%s", s->log_len ? ", " : "",
	       call_name[call]);
	if (pages)
		append(s->log, &s->log_len, " %" PRIu64 "+%" PRIu64, pfn,
		       pages);
	if (answer)
		append(s->log, &s->log_len, "=%s",
		       call <= VS_UNPLUG_ALL ? response_name(answer)
					     : errno_name(answer));
}

/* Is there a rule for this call? Counts it in all of them. */
static bool ruled(struct vs *s, enum vs_call call, int *answer)
{
	bool found = false;

	if (s->hook)
		s->hook(s, call);
	for (unsigned int i = 0; i < s->rules; i++) {
		struct vs_rule *r = &s->rule[i];

		if (r->call != call || r->spent)
			continue;
		if (r->nth && --r->nth)
			continue;
		r->spent = r->once;
		*answer = r->answer;
		found = true;
	}
	return found;
}

/* --- pages and blocks ------------------------------------------------------
 */

static struct vs_page *page_at(struct vs *s, uint64_t pfn)
{
	uint64_t i = pfn - s->device.addr;

	if (pfn < s->device.addr || i >= s->device.region || i >= VS_PAGES)
		ck_abort_msg("page %" PRIu64 " is not in the region", pfn);
	return &s->page[i];
}

static struct vs_block *block_at(struct vs *s, uint64_t pfn)
{
	return &s->block[(pfn - s->device.addr) / s->memory_block];
}

static void whole_blocks(const struct vs *s, uint64_t pfn, uint64_t pages)
{
	ck_assert_uint_eq(pfn % s->memory_block, 0);
	ck_assert_uint_eq(pages % s->memory_block, 0);
	ck_assert_uint_gt(pages, 0);
}

/* --- the device ------------------------------------------------------------
 */

static bool in_state(struct vs *s, const struct vmem_request *r, bool plugged)
{
	for (uint64_t i = 0; i < r->blocks * s->device.block; i++)
		if (page_at(s, r->pfn + i)->device != plugged)
			return false;
	return true;
}

static void set_state(struct vs *s, const struct vmem_request *r, bool plugged)
{
	uint64_t pages = r->blocks * s->device.block;

	for (uint64_t i = 0; i < pages; i++)
		page_at(s, r->pfn + i)->device = plugged;
	s->device.plugged += plugged ? pages : -pages;
}

static enum vmem_response naive(struct vs *s, const struct vmem_request *r)
{
	uint64_t pages = r->blocks * s->device.block;
	bool plug = r->type == VMEM_PLUG;

	if (r->type == VMEM_UNPLUG_ALL) {
		for (uint64_t i = 0; i < s->device.region; i++)
			s->page[i].device = false;
		s->device.plugged = 0;
		return VMEM_ACK;
	}
	if (!r->blocks || r->pfn % s->device.block || r->pfn < s->device.addr ||
	    r->pfn + pages > s->device.addr + s->device.usable)
		return VMEM_ERROR;
	if (plug && s->device.plugged + pages > s->device.requested)
		return VMEM_NACK;
	if (!in_state(s, r, !plug))
		return VMEM_ERROR;
	set_state(s, r, plug);
	return VMEM_ACK;
}

static struct vmem_answer on_request(void *ctx, const struct vmem_request *r)
{
	static const enum vs_call calls[] = {VS_PLUG, VS_UNPLUG, VS_UNPLUG_ALL};
	struct vs *s = ctx;
	struct vmem_answer a = {VMEM_ACK, VMEM_MIXED};
	uint64_t pages = r->blocks * s->device.block;
	int answer;

	ck_assert_uint_le(r->type, VMEM_UNPLUG_ALL);
	for (uint64_t i = 0; r->type == VMEM_UNPLUG && i < pages; i++)
		if (page_at(s, r->pfn + i)->usable)
			ck_abort_msg("page %" PRIu64 " is unplugged in use",
				     r->pfn + i);
	if (ruled(s, calls[r->type], &answer))
		a.response = (enum vmem_response)answer;
	else if (s->inner.ops)
		a = s->inner.ops->request(s->inner.device, r);
	else
		a.response = naive(s, r);
	note(s, calls[r->type], r->pfn, pages, (int)a.response);
	return a;
}

static void on_config(void *ctx, struct vmem_config *out)
{
	struct vs *s = ctx;

	if (s->inner.ops)
		s->inner.ops->config(s->inner.device, out);
	else
		*out = s->device;
}

/* --- the memory manager ----------------------------------------------------
 */

static uint64_t on_memory_block(void *ctx)
{
	return ((struct vs *)ctx)->memory_block;
}

static void on_plugged(void *ctx, uint64_t pfn, uint64_t pages)
{
	struct vs *s = ctx;
	int answer;

	(void)ruled(s, VS_PLUGGED, &answer);
	for (uint64_t i = 0; i < pages; i++) {
		if (page_at(s, pfn + i)->plugged)
			ck_abort_msg("plugged twice");
		page_at(s, pfn + i)->plugged = true;
	}
	note(s, VS_PLUGGED, pfn, pages, 0);
}

static void on_unplugged(void *ctx, uint64_t pfn, uint64_t pages)
{
	struct vs *s = ctx;
	int answer;

	(void)ruled(s, VS_UNPLUGGED, &answer);
	for (uint64_t i = 0; i < pages; i++) {
		struct vs_page *p = page_at(s, pfn + i);

		ck_assert(p->plugged && !p->usable);
		p->plugged = false;
	}
	note(s, VS_UNPLUGGED, pfn, pages, 0);
}

/* What is used of the range is moved into the room. -EBUSY, -ENOMEM */
static int empty_out(struct vs *s, uint64_t pfn, uint64_t pages,
		     uint64_t *moved)
{
	uint64_t used = 0;

	for (uint64_t i = 0; i < pages; i++) {
		const struct vs_page *p = page_at(s, pfn + i);

		if (p->used && p->unmovable)
			return -EBUSY;
		used += p->used;
	}
	if (used > s->room)
		return -ENOMEM;
	s->room -= used;
	*moved += used;
	for (uint64_t i = 0; i < pages; i++)
		page_at(s, pfn + i)->used = false;
	return 0;
}

static int go_online(struct vs *s, uint64_t pfn, enum vmem_zone zone)
{
	struct vs_block *b = block_at(s, pfn);
	int rc = vmem_driver_notify(s->driver, VMEM_GOING_ONLINE, pfn, zone);
	int veto = 0;

	if (rc)
		return rc;
	if (ruled(s, VS_ONLINING, &veto)) {
		vmem_driver_notify(s->driver, VMEM_CANCEL_ONLINE, pfn, zone);
		return veto;
	}
	for (uint64_t i = 0; i < s->memory_block; i++) {
		struct vs_page *p = page_at(s, pfn + i);

		p->usable = vmem_driver_is_plugged(s->driver, pfn + i);
		ck_assert(!p->usable || p->plugged);
	}
	*b = (struct vs_block){VS_ONLINE, zone};
	vmem_driver_notify(s->driver, VMEM_ONLINE, pfn, zone);
	return 0;
}

static int go_offline(struct vs *s, uint64_t pfn, uint64_t *moved)
{
	struct vs_block *b = block_at(s, pfn);
	int rc =
	    vmem_driver_notify(s->driver, VMEM_GOING_OFFLINE, pfn, b->zone);

	if (rc)
		return rc;
	if (!ruled(s, VS_OFFLINING, &rc))
		rc = empty_out(s, pfn, s->memory_block, moved);
	if (rc) {
		vmem_driver_notify(s->driver, VMEM_CANCEL_OFFLINE, pfn,
				   b->zone);
		return rc;
	}
	for (uint64_t i = 0; i < s->memory_block; i++)
		page_at(s, pfn + i)->usable = false;
	b->state = VS_OFFLINE;
	vmem_driver_notify(s->driver, VMEM_OFFLINE, pfn, b->zone);
	return 0;
}

static int on_add(void *ctx, uint64_t pfn, uint64_t pages)
{
	struct vs *s = ctx;
	int rc = 0;

	whole_blocks(s, pfn, pages);
	(void)ruled(s, VS_ADD, &rc);
	note(s, VS_ADD, pfn, pages, rc);
	if (rc)
		return rc;
	for (uint64_t at = pfn; at < pfn + pages; at += s->memory_block) {
		ck_assert_int_eq(block_at(s, at)->state, VS_ABSENT);
		block_at(s, at)->state = VS_OFFLINE;
	}
	for (uint64_t at = pfn; at < pfn + pages; at += s->memory_block)
		if (s->auto_zone != VS_STAY_OFFLINE)
			(void)go_online(s, at, (enum vmem_zone)s->auto_zone);
	return 0;
}

static void forget(struct vs *s, uint64_t pfn, uint64_t pages)
{
	for (uint64_t at = pfn; at < pfn + pages; at += s->memory_block) {
		ck_assert_int_eq(block_at(s, at)->state, VS_OFFLINE);
		block_at(s, at)->state = VS_ABSENT;
	}
}

static int on_remove(void *ctx, uint64_t pfn, uint64_t pages)
{
	struct vs *s = ctx;
	int rc = 0;

	whole_blocks(s, pfn, pages);
	(void)ruled(s, VS_REMOVE, &rc);
	note(s, VS_REMOVE, pfn, pages, rc);
	if (!rc)
		forget(s, pfn, pages);
	return rc;
}

static int on_offline_and_remove(void *ctx, uint64_t pfn, uint64_t pages)
{
	struct vs *s = ctx;
	bool went[VS_PAGES] = {false};
	uint64_t at, moved = 0;
	int rc = 0;

	whole_blocks(s, pfn, pages);
	(void)ruled(s, VS_OFFLINE_AND_REMOVE, &rc);
	for (at = pfn; at < pfn + pages && !rc; at += s->memory_block) {
		ck_assert_int_ne(block_at(s, at)->state, VS_ABSENT);
		if (block_at(s, at)->state != VS_ONLINE)
			continue;
		rc = go_offline(s, at, &moved);
		went[at - pfn] = !rc;
	}
	note(s, VS_OFFLINE_AND_REMOVE, pfn, pages, rc);
	if (!rc) {
		forget(s, pfn, pages);
		return 0;
	}
	for (at = pfn; at < pfn + pages; at += s->memory_block)
		if (went[at - pfn])
			(void)go_online(s, at, block_at(s, at)->zone);
	return rc;
}

static int on_fake_offline(void *ctx, uint64_t pfn, uint64_t pages,
			   uint64_t *moved)
{
	struct vs *s = ctx;
	int rc = 0;

	for (uint64_t i = 0; i < pages; i++) {
		ck_assert_int_eq(block_at(s, pfn + i)->state, VS_ONLINE);
		ck_assert(page_at(s, pfn + i)->usable);
	}
	if (!ruled(s, VS_TAKE, &rc))
		rc = empty_out(s, pfn, pages, moved);
	note(s, VS_TAKE, pfn, pages, rc);
	for (uint64_t i = 0; !rc && i < pages; i++)
		page_at(s, pfn + i)->usable = false;
	return rc;
}

static void on_fake_online(void *ctx, uint64_t pfn, uint64_t pages)
{
	struct vs *s = ctx;
	int answer;

	(void)ruled(s, VS_RETURN, &answer);
	for (uint64_t i = 0; i < pages; i++) {
		ck_assert_int_eq(block_at(s, pfn + i)->state, VS_ONLINE);
		ck_assert(page_at(s, pfn + i)->plugged);
		ck_assert(!page_at(s, pfn + i)->usable);
		page_at(s, pfn + i)->usable = true;
	}
	note(s, VS_RETURN, pfn, pages, 0);
}

static uint64_t on_in_use(void *ctx, uint64_t pfn, uint64_t pages,
			  uint64_t *unmovable)
{
	struct vs *s = ctx;
	uint64_t used = 0;

	for (uint64_t i = 0; i < pages; i++) {
		const struct vs_page *p = page_at(s, pfn + i);

		used += p->used;
		*unmovable += p->used && p->unmovable;
	}
	return used;
}

/* --- events ----------------------------------------------------------------
 */

static void on_event(void *ctx, unsigned int type, uint64_t pfn, uint64_t value)
{
	static const char *const name[] = {
	    [PAGER_POOL_EVENT_PLUG] = "plug",
	    [PAGER_POOL_EVENT_UNPLUG] = "unplug",
	    [PAGER_POOL_EVENT_BUSY] = "busy",
	    [PAGER_POOL_EVENT_RETRY] = "retry",
	    [PAGER_POOL_EVENT_REACHED] = "reached",
	    [PAGER_POOL_EVENT_BROKEN] = "broken",
	    [PAGER_POOL_EVENT_BLOCKED] = "blocked",
	};
	struct vs *s = ctx;

	ck_assert(type < sizeof(name) / sizeof(name[0]) && name[type]);
	if (s->quiet)
		return;
	append(s->events, &s->events_len, "%s%s", s->events_len ? ", " : "",
	       name[type]);
	if (pfn && type != PAGER_POOL_EVENT_BUSY)
		append(s->events, &s->events_len, " %" PRIu64 "+%" PRIu64, pfn,
		       value);
	else if (pfn)
		append(s->events, &s->events_len, " %" PRIu64 " %s", pfn,
		       value ? "memory" : "device");
	else
		append(s->events, &s->events_len, " %" PRIu64, value);
}

/* --- the host --------------------------------------------------------------
 */

static void *on_alloc(void *ctx, size_t bytes)
{
	struct vs *s = ctx;

	if (s->host_limit && s->host_pieces == s->host_limit)
		return NULL;
	s->host_pieces++;
	return calloc(1, bytes);
}

static void on_free(void *ctx, void *p, size_t bytes)
{
	struct vs *s = ctx;

	(void)bytes;
	ck_assert_ptr_nonnull(p);
	s->host_pieces--;
	free(p);
}

/* --- what tests call -------------------------------------------------------
 */

static const struct vmem_link_ops link_ops = {on_request, on_config};
static const struct vmem_mm_ops mm_ops = {
    .memory_block = on_memory_block,
    .plugged = on_plugged,
    .unplugged = on_unplugged,
    .add = on_add,
    .remove = on_remove,
    .offline_and_remove = on_offline_and_remove,
    .fake_offline = on_fake_offline,
    .fake_online = on_fake_online,
    .in_use = on_in_use,
};

void vs_init(struct vs *s)
{
	memset(s, 0, sizeof(*s));
	s->memory_block = 4;
	s->device = (struct vmem_config){
	    .block = 1, .addr = 400, .region = 64, .usable = 64};
	s->auto_zone = VMEM_ZONE_MOVABLE;
	s->room = UINT64_MAX / 2;
	s->config.unit = 1;
	s->config.retry_ms = 10;
	s->config.retry_max_ms = 35;
}

void vs_host(struct vs *s, struct pager_host *out)
{
	*out = (struct pager_host){s, on_alloc, on_free};
}

void vs_start(struct vs *s)
{
	vs_host(s, &s->config.host);
	s->config.link = (struct vmem_link){&link_ops, s};
	s->config.mm = (struct vmem_mm){&mm_ops, s};
	s->config.event = on_event;
	s->config.ctx = s;
	s->driver = vmem_driver_new(&s->config);
}

void vs_end(struct vs *s)
{
	vmem_driver_free(s->driver);
	s->driver = NULL;
	ck_assert_uint_eq(s->host_pieces, 0);
}

void vs_answer(struct vs *s, enum vs_call call, unsigned int nth, int answer)
{
	ck_assert_uint_lt(s->rules, VS_RULES);
	s->rule[s->rules++] = (struct vs_rule){
	    .call = call, .nth = nth, .answer = answer, .once = nth != 0};
}

void vs_no_answers(struct vs *s)
{
	s->rules = 0;
}

void vs_request(struct vs *s, uint64_t pages)
{
	s->device.requested = pages;
	vmem_driver_config_changed(s->driver);
}

enum vmem_work vs_step(struct vs *s, uint64_t now)
{
	return vmem_driver_step(s->driver, now, &s->due);
}

enum vmem_work vs_run(struct vs *s, uint64_t now)
{
	enum vmem_work w;
	unsigned int steps = 0;

	while ((w = vs_step(s, now)) == VMEM_MORE)
		ck_assert_msg(++steps < 100000, "the worker does not end");
	return w;
}

int vs_online(struct vs *s, uint64_t pfn, enum vmem_zone zone)
{
	ck_assert_int_eq(block_at(s, pfn)->state, VS_OFFLINE);
	return go_online(s, pfn, zone);
}

int vs_offline(struct vs *s, uint64_t pfn)
{
	uint64_t moved = 0;

	ck_assert_int_eq(block_at(s, pfn)->state, VS_ONLINE);
	return go_offline(s, pfn, &moved);
}

void vs_use(struct vs *s, uint64_t pfn, uint64_t n, bool unmovable)
{
	for (uint64_t i = 0; i < n; i++) {
		struct vs_page *p = page_at(s, pfn + i);

		if (!p->usable || p->used)
			continue;
		p->used = true;
		p->unmovable = unmovable;
	}
}

void vs_unuse(struct vs *s, uint64_t pfn, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		page_at(s, pfn + i)->used = false;
}

static void same(char *log, size_t *len, const char *text, const char *file,
		 int line)
{
	ck_assert_msg(strcmp(log, text) == 0, "%s:%d:\n  is   %s\n  not  %s",
		      file, line, log, text);
	log[0] = 0;
	*len = 0;
}

void vs_said_at(struct vs *s, const char *text, const char *file, int line)
{
	same(s->log, &s->log_len, text, file, line);
}

void vs_told_at(struct vs *s, const char *text, const char *file, int line)
{
	same(s->events, &s->events_len, text, file, line);
}

void vs_hush(struct vs *s)
{
	s->log[0] = s->events[0] = 0;
	s->log_len = s->events_len = 0;
}

struct vmem_driver_info vs_info(const struct vs *s)
{
	struct vmem_driver_info info;

	vmem_driver_info(s->driver, &info);
	return info;
}
