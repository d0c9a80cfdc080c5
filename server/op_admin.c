/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server itself: greeting, counters, recount, users, sessions.
 */
#include <bsd/string.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "server/call.h"
#include "server/pools.h"
#include "server/recount.h"
#include "server/session.h"
#include "server/user.h"

struct srv_result srv_op_hello(struct srv_call *call)
{
	const struct pager_req_hello *in = &call->request->body.hello;
	struct pager_rep_hello *out = &call->reply.hello;
	enum pager_error error;

	if (call->session)
		return srv_refuse(PAGER_EHELLO, 0);
	if (in->magic != PAGER_MAGIC)
		return srv_refuse(PAGER_EINVAL, SRV_FIELD(hello, magic));
	out->major = PAGER_VERSION_MAJOR;
	out->minor = PAGER_VERSION_MINOR;
	if (in->major != PAGER_VERSION_MAJOR)
		return srv_refuse(PAGER_EVERSION, SRV_FIELD(hello, major));
	if (in->minor < out->minor)
		out->minor = in->minor;
	out->features = in->features & PAGER_FEATURES;
	error = srv_session_new(call->srv, call->client, out->features);
	if (error)
		return srv_refuse(error, 0);
	out->max_message = PAGER_MSG_MAX;
	out->session = call->client->session->number;
	out->page_size = PAGER_PAGE_SIZE;
	out->admin = call->client->user->admin;
	return srv_done();
}

struct srv_result srv_op_ping(struct srv_call *call)
{
	call->reply.ping.cookie = call->request->body.ping.cookie;
	return srv_done();
}

/* File descriptors up to a number that are open, in one look: poll(2) says of
 * the others that they are invalid. */
static uint64_t count_fds(unsigned int limit)
{
	enum { CHUNK = 256 };
	struct pollfd fds[CHUNK];
	uint64_t open = 0;

	for (unsigned int at = 0, n; at < limit; at += n) {
		/* Never more than the limit: poll(2) would refuse. */
		n = limit - at < CHUNK ? limit - at : CHUNK;
		for (unsigned int i = 0; i < n; i++)
			fds[i] = (struct pollfd){.fd = (int)(at + i)};
		if (poll(fds, n, 0) < 0)
			break;
		for (unsigned int i = 0; i < n; i++)
			open += !(fds[i].revents & POLLNVAL);
	}
	return open;
}

struct srv_result srv_op_stats(struct srv_call *call)
{
	const struct srv *srv = call->srv;
	struct pager_stats in;

	pager_core_stats(srv->core, &in);
	call->reply.stats = (struct pager_rep_stats){
	    .frames_total = in.frames_total,
	    .frames_used = in.frames_used,
	    .frames_free = in.frames_free,
	    .frames_peak = in.frames_peak,
	    .nodes_total = in.nodes_total,
	    .nodes_used = in.nodes_used,
	    .nodes_peak = in.nodes_peak,
	    .spaces = in.spaces,
	    .objects = in.objects,
	    .regions = in.regions,
	    .forks = in.forks,
	    .minor_faults = in.minor_faults,
	    .major_faults = in.major_faults,
	    .cow_copies = in.cow_copies,
	    .cow_reuses = in.cow_reuses,
	    .zero_fills = in.zero_fills,
	    .node_copies = in.node_copies,
	    .recounts = in.recounts,
	    .metadata_bytes = in.metadata_bytes,
	    .migrations = in.migrations,
	    .large_entries = in.large_entries,
	    .large_splits = in.large_splits,
	    .large_collapses = in.large_collapses,
	    .dirty_logs = srv->dirty_logs,
	    .pauses = srv->pauses,
	    .paused = srv->paused_count,
	    .sessions = srv->session_count,
	    .handles = srv->handles,
	    .requests = srv->requests,
	    .refusals = srv->refusals,
	    .violations = srv->violations,
	    .fds_open = count_fds(srv->fd_limit),
	    .uptime_ms = srv_now_ms() - srv->started_ms,
	};
	srv_pools_stats(srv, &call->reply.stats);
	return srv_done();
}

struct srv_result srv_op_check(struct srv_call *call)
{
	struct pager_status status;
	struct pager_stats stats;
	char why[256];

	status = srv_recount(call->srv, why, sizeof(why));
	if (status.err && status.err != PAGER_ECORRUPT)
		return srv_result_of(call, status);
	pager_core_stats(call->srv->core, &stats);
	call->reply.check.ok = !status.err;
	call->reply.check.frames = stats.frames_used;
	call->reply.check.nodes = stats.nodes_used;
	call->reply.check.spaces = stats.spaces;
	if (status.err) {
		call->data_len = strnlen(why, sizeof(why));
		memcpy(call->data, why, call->data_len);
	}
	return srv_done();
}

struct srv_result srv_op_backends(struct srv_call *call)
{
	static const struct pager_row_backend rows[] = {
	    {PAGER_BACKEND_SIM, 1, "sim", ""},
	    {PAGER_BACKEND_KVM, 0, "kvm", "this daemon has no KVM backend"},
	};

	call->reply.list.row_size = sizeof(rows[0]);
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (!srv_call_row(call, rows + i, sizeof(rows[i])))
			return srv_refuse(PAGER_ETOOBIG, 0);
	return srv_done();
}

struct srv_result srv_op_user_info(struct srv_call *call)
{
	const struct srv_user *user = call->client->user;
	uid_t uid = call->request->body.user.uid;

	if (uid == UINT32_MAX)
		uid = user->uid;
	if (uid != user->uid && !user->admin)
		return srv_refuse(PAGER_EACCESS, SRV_FIELD(user, uid));
	srv_user_info(call->srv, uid, &call->reply.user);
	return srv_done();
}

struct srv_result srv_op_session_list(struct srv_call *call)
{
	const struct srv_session *session;

	call->reply.list.row_size = sizeof(struct pager_row_session);
	session =
	    srv_session_from(call->srv, call->request->body.cursor.cursor);
	for (; session; session = TAILQ_NEXT(session, link)) {
		struct pager_row_session row = {
		    .session = session->number,
		    .uid = session->user->uid,
		    .pid = (uint32_t)session->client->pid,
		    .requests = session->requests,
		    .spaces = session->spaces,
		    .objects = session->objects,
		    .queued_bytes = session->client->queued,
		};

		if (!srv_call_row(call, &row, sizeof(row))) {
			call->reply.list.next = session->number;
			break;
		}
	}
	return srv_done();
}
