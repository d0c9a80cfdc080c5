/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sessions: made by HELLO, ended with the connection, and with them all they
 * own and did not give away.
 */
#ifndef SERVER_SESSION_H
#define SERVER_SESSION_H

#include "server/state.h"

/* PAGER_OK; ELIMIT: the user has as many as allowed; ENOMEM. */
enum pager_error srv_session_new(struct srv *srv, struct srv_client *client,
				 uint64_t features);
/* Destroys what it owns; the time goes with what there is to destroy. */
void srv_session_free(struct srv *srv, struct srv_session *session);

/* The key that handles of a session begin with. */
static inline uint64_t srv_session_key(const struct srv_session *session)
{
	return session->handles.key;
}
/* The session of a key; of a number: that one or the next newer. Or NULL. */
struct srv_session *srv_session_by_key(const struct srv *srv, uint64_t key);
struct srv_session *srv_session_from(const struct srv *srv, uint64_t number);

#endif
