/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Users by user id, and the clients that are connected in their name.
 *
 * A record stays while a client of the user is connected or anything is still
 * charged to it (an object given away, frames shared with somebody else), so
 * that coming back does not make a user forget what is in use.
 */
#ifndef SERVER_USER_H
#define SERVER_USER_H

#include "server/state.h"

/* How many connections without a session a user may have beyond the limit on
 * sessions; they are there to be told about it. */
#define SRV_CLIENTS_SPARE 8u

/* Root and the daemon's own user are admins. */
bool srv_user_is_admin(const struct srv *srv, uid_t uid);

/* A client of uid has come. NULL: out of memory. */
struct srv_user *srv_user_join(struct srv *srv, uid_t uid);
/* It has gone. The record may be freed. */
void srv_user_leave(struct srv *srv, struct srv_user *user);
/* Could one more client of uid be served or at least be told why not? */
bool srv_user_admits(const struct srv *srv, uid_t uid);

/* The record of uid, or NULL. */
struct srv_user *srv_user_find(const struct srv *srv, uid_t uid);
/* Take the limits of a new configuration. */
void srv_users_reload(struct srv *srv);
/* The daemon ends: all clients are gone. */
void srv_users_free(struct srv *srv);

/* What uid has and may have; a user without a record has nothing. */
void srv_user_info(const struct srv *srv, uid_t uid,
		   struct pager_rep_user *out);

#endif
