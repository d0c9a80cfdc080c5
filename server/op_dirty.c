/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dirty logs: begin, end, report, clear, write back, and how they are doing.
 * What needs file descriptors stands in op_dirty_fd.c.
 */
#include <assert.h>

#include "lib/core/dirty.h"
#include "server/call.h"
#include "server/convert.h"
#include "server/shared.h"
#include "server/thing.h"

/* The log that the request begins with. */
static struct srv_result get_log(const struct srv_call *call,
				 struct srv_dirty **log)
{
	static_assert(offsetof(struct pager_req_dirty_get, log) == 0, "get");
	static_assert(offsetof(struct pager_req_dirty_clear, log) == 0,
		      "clear");
	static_assert(offsetof(struct pager_req_dirty_writeback, log) == 0,
		      "writeback");
	static_assert(offsetof(struct pager_req_handle, handle) == 0, "handle");

	return srv_call_dirty(call, call->request->body.handle.handle,
			      SRV_FIELD(handle, handle), log);
}

/* --- begin and end ---------------------------------------------------------
 */

static struct srv_result range_of(const struct srv_call *call,
				  const struct srv_space *space,
				  struct pager_range *range)
{
	const struct pager_req_dirty_start *in =
	    &call->request->body.dirty_start;
	struct pager_space_info info;
	struct pager_status status;

	if (in->addr == 0 && in->len == 0) {
		pager_space_info(space->core, &info);
		*range = info.range;
		return srv_done();
	}
	status = srv_convert_range(in->addr, in->len, PAGER_ARG_ADDR,
				   PAGER_ARG_LEN, range);
	if (status.err)
		return srv_result_of(call, status);
	return srv_call_inside(call, space, *range);
}

/* Does the session log just this already? */
static bool is_logged(const struct srv_session *session,
		      const struct srv_space *space, struct pager_range range)
{
	const struct srv_dirty *log;

	LIST_FOREACH (log, &space->logs, link)
		if (log->thing.session == session &&
		    log->range.start == range.start &&
		    log->range.end == range.end)
			return true;
	return false;
}

struct srv_result srv_op_dirty_start(struct srv_call *call)
{
	const struct pager_req_dirty_start *in =
	    &call->request->body.dirty_start;
	struct pager_dirty_log *core;
	struct pager_status status;
	struct srv_result result;
	struct srv_space *space;
	struct srv_dirty *log;
	enum pager_error error;
	struct pager_range range;

	result = srv_call_space(call, in->space, SRV_FIELD(dirty_start, space),
				&space);
	if (result.error)
		return result;
	result = range_of(call, space, &range);
	if (result.error)
		return result;
	if (is_logged(call->session, space, range))
		return srv_refuse(PAGER_EEXIST, SRV_FIELD(dirty_start, addr));
	error = srv_dirty_reserve(call->session, &log);
	if (error)
		return srv_refuse(error, 0);
	status = pager_dirty_start(space->core, call->client->user->account,
				   range, (enum pager_dirty_method)in->method,
				   in->flags, &core);
	if (status.err) {
		srv_dirty_discard(log);
		return srv_result_of(call, status);
	}
	log->range = range;
	log->flags = in->flags;
	srv_dirty_add(call->srv, call->session, log, space, core);
	call->reply.handle.handle = log->thing.handle;
	return result;
}

struct srv_result srv_op_dirty_stop(struct srv_call *call)
{
	struct srv_result result;
	struct srv_dirty *log;

	result = get_log(call, &log);
	if (!result.error)
		srv_thing_destroy(call->srv, &log->thing);
	return result;
}

/* --- report and clear ------------------------------------------------------
 */

/*
 * The answer to a get: the words from the first one with a dirty page to the
 * last one that fits.
 *
 *	asked first      start                 next        asked end
 *	|   clean        | words[0] .. [used)  | not looked at    |
 */
struct gather {
	uint64_t *words;
	uint64_t cap, used; /* words */
	uint64_t start;	    /* page of words[0], if any is used */
	uint64_t next;	    /* of the first word that did not fit */
	uint64_t dirty;
};

static int gather(void *ctx, uint64_t first, const uint64_t *words,
		  unsigned int count)
{
	struct gather *g = ctx;
	uint64_t at;

	for (unsigned int i = 0; i < count; i++) {
		if (!words[i])
			continue;
		if (!g->used)
			g->start = first + 64 * (uint64_t)i;
		at = (first - g->start) / 64 + i;
		if (at >= g->cap) {
			g->next = first + 64 * (uint64_t)i;
			return 1;
		}
		while (g->used < at)
			g->words[g->used++] = 0;
		g->words[g->used++] = words[i];
		g->dirty += (uint64_t)__builtin_popcountll(words[i]);
	}
	return 0;
}

struct srv_result srv_op_dirty_get(struct srv_call *call)
{
	const struct pager_req_dirty_get *in = &call->request->body.dirty_get;
	struct pager_rep_dirty_got *out = &call->reply.dirty_got;
	struct gather g = {.words = (uint64_t *)(void *)call->data,
			   .cap = call->room / sizeof(uint64_t)};
	struct pager_dirty_got got;
	struct pager_status status;
	struct srv_result result;
	struct srv_dirty *log;

	result = get_log(call, &log);
	if (result.error)
		return result;
	if (in->flags & ~PAGER_DIRTY_GET_CLEAR ||
	    (in->flags && log->flags & PAGER_DIRTY_MANUAL))
		return srv_refuse(PAGER_EFLAGS, SRV_FIELD(dirty_get, flags));
	status =
	    pager_dirty_get(log->core, in->first, in->pages, gather, &g, &got);
	if (status.err)
		return srv_result_of(call, status);
	out->next = got.stopped ? g.next : in->first + in->pages;
	out->first = out->next;
	if (g.used) {
		out->first = g.start;
		out->pages = out->next - g.start;
		if (out->pages > g.used * 64)
			out->pages = g.used * 64;
		out->dirty = g.dirty;
		call->data_len = g.used * sizeof(uint64_t);
		if (in->flags & PAGER_DIRTY_GET_CLEAR)
			pager_dirty_got_clear(log->core, in->first,
					      out->next - in->first);
	}
	return result;
}

struct srv_result srv_op_dirty_clear(struct srv_call *call)
{
	const struct pager_req_dirty_clear *in =
	    &call->request->body.dirty_clear;
	const uint64_t *words = NULL;
	struct srv_result result;
	struct srv_dirty *log;

	result = get_log(call, &log);
	if (result.error)
		return result;
	if (call->request->data_len) {
		if (call->request->data_len % 8 ||
		    call->request->data_len / 8 !=
			in->pages / 64 + (in->pages % 64 != 0))
			return srv_refuse(PAGER_EINVAL,
					  offsetof(struct pager_hdr, data_len));
		words = (const uint64_t *)(const void *)call->request->data;
	}
	return srv_result_of(
	    call, pager_dirty_clear(log->core, in->first, in->pages, words,
				    &call->reply.dirty_count.pages));
}

struct srv_result srv_op_dirty_writeback(struct srv_call *call)
{
	const struct pager_req_dirty_writeback *in =
	    &call->request->body.dirty_writeback;
	struct pager_status status;
	struct srv_result result;
	struct srv_dirty *log;

	result = get_log(call, &log);
	if (result.error)
		return result;
	switch (in->step) {
	case PAGER_WRITEBACK_BEGIN:
		status = pager_dirty_begin(log->core, in->first, in->pages,
					   &call->reply.dirty_count.pages);
		break;
	case PAGER_WRITEBACK_END:
		status = pager_dirty_end(log->core, in->first, in->pages,
					 &call->reply.dirty_count.pages);
		break;
	default:
		return srv_refuse(PAGER_EINVAL,
				  SRV_FIELD(dirty_writeback, step));
	}
	return srv_result_of(call, status);
}

struct srv_result srv_op_dirty_reset(struct srv_call *call)
{
	struct pager_dirty_info info;
	struct pager_status status;
	struct srv_result result;
	struct srv_dirty *log;

	result = get_log(call, &log);
	if (result.error)
		return result;
	if (log->ring && srv_shared_broken(log->ring))
		srv_dirty_unring(log);
	status =
	    pager_dirty_ring_reset(log->core, &call->reply.dirty_reset.reset);
	if (status.err)
		return srv_result_of(call, status);
	pager_dirty_info(log->core, &info);
	call->reply.dirty_reset.used = info.ring_used;
	return result;
}

/* --- how they are doing ----------------------------------------------------
 */

static uint64_t bytes(uint64_t pages)
{
	return pages << PAGER_PAGE_SHIFT;
}

struct srv_result srv_op_dirty_info(struct srv_call *call)
{
	struct pager_dirty_info info;
	struct srv_result result;
	struct srv_dirty *log;

	result = get_log(call, &log);
	if (result.error)
		return result;
	pager_dirty_update(log->core);
	pager_dirty_info(log->core, &info);
	call->reply.dirty_info = (struct pager_rep_dirty_info){
	    .space_id = info.space,
	    .addr = pager_vpn_to_va(info.range.start),
	    .len = bytes(pager_range_len(info.range)),
	    .method = (uint32_t)info.method,
	    .flags = info.flags,
	    .dirty = info.dirty,
	    .awaiting = info.awaiting,
	    .reported = info.reported,
	    .over = info.over,
	    .faults = info.faults,
	    .harvests = info.harvests,
	    .harvested = info.harvested,
	    .ring_entries = info.ring_entries,
	    .ring_used = info.ring_used,
	    .ring_stops = info.ring_stops,
	    .bytes = info.bytes,
	};
	return result;
}

struct srv_result srv_op_dirty_list(struct srv_call *call)
{
	uint64_t cursor = call->request->body.cursor.cursor;
	struct pager_dirty_info info;
	struct srv_thing *thing;

	call->reply.list.row_size = sizeof(struct pager_row_dirty);
	for (; (thing = srv_call_next(call, PAGER_HANDLE_LOG, &cursor));
	     cursor++) {
		const struct srv_dirty *log = (const struct srv_dirty *)thing;
		struct pager_row_dirty row = {.log = thing->handle};

		pager_dirty_info(log->core, &info);
		row.space_id = info.space;
		row.addr = pager_vpn_to_va(info.range.start);
		row.len = bytes(pager_range_len(info.range));
		row.method = (uint32_t)info.method;
		row.flags = info.flags;
		row.dirty = info.dirty;
		if (!srv_call_row(call, &row, sizeof(row))) {
			call->reply.list.next = cursor;
			break;
		}
	}
	return srv_done();
}
