/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers are never used again. The key of the handles is the number as far as
 * it fits; when keys come round, those of living sessions are passed over.
 */
#include "server/session.h"

#include <assert.h>
#include <stdlib.h>

#include "lib/base/failpoint.h"
#include "server/pause.h"
#include "server/recount.h"
#include "server/thing.h"

struct srv_session *srv_session_by_key(const struct srv *srv, uint64_t key)
{
	struct srv_session *session;

	TAILQ_FOREACH (session, &srv->sessions, link)
		if (srv_session_key(session) == key)
			return session;
	return NULL;
}

struct srv_session *srv_session_from(const struct srv *srv, uint64_t number)
{
	struct srv_session *session;

	TAILQ_FOREACH (session, &srv->sessions, link)
		if (session->number >= number)
			return session;
	return NULL;
}

static uint64_t next_number(const struct srv *srv)
{
	uint64_t number = srv->last_session, key;

	do {
		number++;
		key = number & SRV_HANDLE_KEY_MAX;
	} while (key == 0 || srv_session_by_key(srv, key));
	return number;
}

enum pager_error srv_session_new(struct srv *srv, struct srv_client *client,
				 uint64_t features)
{
	struct srv_user *user = client->user;
	struct srv_session *session;

	if (user->sessions >= user->limits.max[PAGER_USER_SESSIONS])
		return PAGER_ELIMIT;
	session =
	    pager_fail("session.new") ? NULL : calloc(1, sizeof(*session));
	if (!session)
		return PAGER_ENOMEM;
	session->number = next_number(srv);
	session->user = user;
	session->client = client;
	session->features = features;
	srv_handles_init(&session->handles,
			 session->number & SRV_HANDLE_KEY_MAX);
	TAILQ_INSERT_TAIL(&srv->sessions, session, link);
	srv->last_session = session->number;
	srv->session_count++;
	user->sessions++;
	client->session = session;
	return PAGER_OK;
}

void srv_session_free(struct srv *srv, struct srv_session *session)
{
	/* Logs first: nothing need be kept for those who never come. */
	static const unsigned int types[] = {
	    PAGER_HANDLE_LOG, PAGER_HANDLE_SPACE, PAGER_HANDLE_OBJECT};
	struct srv_thing *thing;
	uint32_t index;

	srv_pause_session_ends(srv, session);
	for (unsigned int i = 0; i < 3; i++)
		for (index = 0; (thing = srv_handles_next(&session->handles,
							  &index, types[i]));
		     index++)
			srv_thing_destroy(srv, thing);
	assert(session->spaces == 0 && session->objects == 0 &&
	       session->logs == 0 && session->grants == 0);
	srv_handles_fini(&session->handles);
	TAILQ_REMOVE(&srv->sessions, session, link);
	srv->session_count--;
	session->user->sessions--;
	session->client->session = NULL;
	free(session);
	srv_recount_or_die(srv, "the end of a session");
}
