/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sessions are counted from their tables, not from the counters kept beside
 * them.
 */
#include "server/recount.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t count(const struct srv_session *session, unsigned int type)
{
	uint32_t index = 0;
	uint64_t n = 0;

	for (; srv_handles_next(&session->handles, &index, type); index++)
		n++;
	return n;
}

static const char *recount_sessions(const struct srv *srv, uint64_t spaces_max)
{
	uint64_t sessions = 0, spaces = 0, objects = 0, logs = 0;
	const struct srv_session *session;

	TAILQ_FOREACH (session, &srv->sessions, link) {
		uint64_t s = count(session, PAGER_HANDLE_SPACE);
		uint64_t o = count(session, PAGER_HANDLE_OBJECT);
		uint64_t l = count(session, PAGER_HANDLE_LOG);

		if (s != session->spaces || o != session->objects ||
		    l != session->logs)
			return "a session's table differs from its counts";
		sessions++;
		spaces += s;
		objects += o;
		logs += l;
	}
	if (sessions != srv->session_count)
		return "the number of sessions is wrong";
	if (spaces + objects + logs != srv->handles)
		return "the number of handles is wrong";
	if (logs != srv->dirty_logs)
		return "the number of dirty logs is wrong";
	if (spaces != spaces_max)
		return "sessions do not own as many spaces as there are";
	return NULL;
}

struct pager_status srv_recount(struct srv *srv, char *why, size_t size)
{
	struct pager_status status;
	struct pager_stats stats;
	const char *wrong;

	status = pager_core_recount(srv->core, why, size);
	if (status.err)
		return status;
	pager_core_stats(srv->core, &stats);
	wrong = recount_sessions(srv, stats.spaces);
	if (!wrong)
		return status;
	snprintf(why, size, "%s", wrong);
	return pager_refuse(PAGER_ECORRUPT, PAGER_ARG_NONE);
}

#ifdef PAGER_RECOUNT
void srv_recount_or_die(struct srv *srv, const char *after)
{
	char why[256];

	if (srv_recount(srv, why, sizeof(why)).err != PAGER_ECORRUPT)
		return;
	pager_log(PAGER_LOG_ERROR, "recount after %s: %s", after, why);
	abort();
}
#endif
