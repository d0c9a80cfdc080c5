/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What sessions own: spaces, handles to memory objects, and dirty logs. How
 * they come to be, change hands and end; and memory objects by name.
 *
 * Making one is reserve (may fail), then the model's call (may fail), then add
 * (cannot): nothing is left of what fails.
 */
#ifndef SERVER_THING_H
#define SERVER_THING_H

#include "server/state.h"

/* A record for a space that the model has yet to make; its handle is sure.
 * NULL: out of memory. Then either add, or discard. */
struct srv_space *srv_space_reserve(struct srv_session *session);
void srv_space_discard(struct srv_space *space);
void srv_space_add(struct srv *srv, struct srv_session *session,
		   struct srv_space *space, struct pager_space *core);

/* A record for a handle, likewise. ENOMEM, or ELIMIT: the user has as many
 * handles to objects as allowed. */
enum pager_error srv_object_reserve(struct srv_session *session,
				    struct srv_object_handle **out);
void srv_object_discard(struct srv_object_handle *handle);
void srv_object_add(struct srv *srv, struct srv_session *session,
		    struct srv_object_handle *handle,
		    struct srv_object *object);

/* A new object without handles around the model's, whose reference it takes;
 * name: empty, or free. NULL: out of memory, the reference stays. */
struct srv_object *srv_object_new(struct srv *srv, uid_t uid, const char *name,
				  struct pager_object *core);
/* The user's object of that name (PAGER_NAME_MAX bytes), or NULL. */
struct srv_object *srv_object_by_name(struct srv *srv, uid_t uid,
				      const char *name);

/* Logs that one session may have. */
#define SRV_DIRTY_MAX 1024u

/* A record for a log of a space, likewise. ENOMEM, or ELIMIT: the session has
 * SRV_DIRTY_MAX. */
enum pager_error srv_dirty_reserve(struct srv_session *session,
				   struct srv_dirty **out);
void srv_dirty_discard(struct srv_dirty *log);
void srv_dirty_add(struct srv *srv, struct srv_session *session,
		   struct srv_dirty *log, struct srv_space *space,
		   struct pager_dirty_log *core);
/* What is in the log's ring goes back to the log, and the ring's memory is let
 * go. Nothing if there is none. */
void srv_dirty_unring(struct srv_dirty *log);

/* End a thing: its handle is stale from here on. Logs of a space that ends
 * stay, without it. */
void srv_thing_destroy(struct srv *srv, struct srv_thing *thing);

/* Make session the owner of a thing that is no log; the old handle is stale,
 * the grant used up, and the logs that the former owner had of a space end.
 * Returns PAGER_OK and sets the new handle in thing; ENOMEM, or ELIMIT of the
 * new owner's user, and nothing is changed. */
enum pager_error srv_thing_move(struct srv *srv, struct srv_thing *thing,
				struct srv_session *session);

#endif
