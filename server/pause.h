/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Paused sessions: nothing of theirs is served until the pause ends, so that
 * what they own stands still while somebody copies the rest of it.
 *
 *	begin ──> paused ──┬── the one who paused it says so (max_ms 0)
 *	                   ├── the time is over
 *	                   ├── that one's session ends, or its own
 *	                   └── the space that was named ends or is taken
 *
 * A session is paused by one other session at a time, never by itself. Every
 * pause has an end that no client has to bring about, so sessions that pause
 * each other cannot wait for ever.
 *
 * Knows nothing of connections: who serves asks srv_is_paused(), and asks again
 * when srv.pause_changes has changed.
 */
#ifndef SERVER_PAUSE_H
#define SERVER_PAUSE_H

#include "server/state.h"

static inline bool srv_is_paused(const struct srv_session *session)
{
	return session->pause.by != NULL;
}

/* Is session not paused, or by this one? */
static inline bool srv_pause_may(const struct srv_session *session,
				 const struct srv_session *by)
{
	return !session->pause.by || session->pause.by == by;
}

/* Pause the owner of space, another session than by, until then; or, if by has
 * paused it already, until then and not as said before. Only if it may. */
void srv_pause_begin(struct srv *srv, struct srv_space *space,
		     struct srv_session *by, uint64_t until_ms);
/* Nothing if the session is not paused. */
void srv_pause_end(struct srv *srv, struct srv_session *session);

/* The session ends: its own pause, and those it has begun. */
void srv_pause_session_ends(struct srv *srv, struct srv_session *session);
/* The space ends, or has changed hands: a pause for its sake is over. */
void srv_pause_space_goes(struct srv *srv, const struct srv_space *space);

/* When the next pause is over, in srv_now_ms()'s time; 0: there is none. */
uint64_t srv_pause_due(const struct srv *srv);
/* End those that are over. */
void srv_pause_expire(struct srv *srv, uint64_t now_ms);

#endif
