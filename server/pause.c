/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * There are few pauses at a time, so all of them are looked at.
 */
#include "server/pause.h"

#include <assert.h>

void srv_pause_begin(struct srv *srv, struct srv_space *space,
		     struct srv_session *by, uint64_t until_ms)
{
	struct srv_session *session = space->thing.session;
	struct srv_pause *pause = &session->pause;

	assert(session != by && srv_pause_may(session, by));
	if (!pause->by) {
		LIST_INSERT_HEAD(&srv->paused, session, pause.link);
		srv->paused_count++;
		srv->pauses++;
		srv->pause_changes++;
	}
	pause->by = by;
	pause->space = space;
	pause->until_ms = until_ms;
}

void srv_pause_end(struct srv *srv, struct srv_session *session)
{
	if (!session->pause.by)
		return;
	LIST_REMOVE(session, pause.link);
	session->pause.by = NULL;
	session->pause.space = NULL;
	srv->paused_count--;
	srv->pause_changes++;
}

void srv_pause_session_ends(struct srv *srv, struct srv_session *session)
{
	struct srv_session *paused, *next;

	srv_pause_end(srv, session);
	LIST_FOREACH_SAFE (paused, &srv->paused, pause.link, next)
		if (paused->pause.by == session)
			srv_pause_end(srv, paused);
}

void srv_pause_space_goes(struct srv *srv, const struct srv_space *space)
{
	struct srv_session *paused, *next;

	LIST_FOREACH_SAFE (paused, &srv->paused, pause.link, next)
		if (paused->pause.space == space)
			srv_pause_end(srv, paused);
}

uint64_t srv_pause_due(const struct srv *srv)
{
	const struct srv_session *paused;
	uint64_t due = 0;

	LIST_FOREACH (paused, &srv->paused, pause.link)
		if (!due || paused->pause.until_ms < due)
			due = paused->pause.until_ms;
	return due;
}

void srv_pause_expire(struct srv *srv, uint64_t now_ms)
{
	struct srv_session *paused, *next;

	LIST_FOREACH_SAFE (paused, &srv->paused, pause.link, next)
		if (now_ms >= paused->pause.until_ms)
			srv_pause_end(srv, paused);
}
