/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counts kept here: handles and logs of the server, spaces, objects and logs of
 * a session, object handles of a user.
 */
#include "server/thing.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/failpoint.h"
#include "lib/core/dirty.h"
#include "server/pause.h"
#include "server/token.h"

static int compare(const struct srv_object *a, const struct srv_object *b)
{
	if (a->uid != b->uid)
		return a->uid < b->uid ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* libbsd's RB_GENERATE_STATIC does not compile: its __unused has no meaning
 * on Linux. */
RB_GENERATE_INTERNAL(srv_object_tree, srv_object, link, compare,
		     __attribute__((__unused__)) static)

static struct srv_space *to_space(struct srv_thing *thing)
{
	return (struct srv_space *)thing;
}

static struct srv_object_handle *to_object(struct srv_thing *thing)
{
	return (struct srv_object_handle *)thing;
}

static struct srv_dirty *to_dirty(struct srv_thing *thing)
{
	return (struct srv_dirty *)thing;
}

/* One more thing of its type, or one less (UINT64_MAX). */
static void count(struct srv *srv, const struct srv_thing *thing, uint64_t n)
{
	struct srv_session *session = thing->session;

	srv->handles += n;
	switch (thing->type) {
	case PAGER_HANDLE_SPACE:
		session->spaces += n;
		break;
	case PAGER_HANDLE_OBJECT:
		session->objects += n;
		session->user->object_handles += n;
		break;
	default:
		session->logs += n;
		srv->dirty_logs += n;
		break;
	}
}

/* Put a thing into a session whose table has room. */
static void enter(struct srv *srv, struct srv_session *session,
		  struct srv_thing *thing)
{
	thing->session = session;
	thing->handle = srv_handles_add(&session->handles, thing->type, thing);
	count(srv, thing, 1);
}

static void leave(struct srv *srv, struct srv_thing *thing)
{
	struct srv_session *session = thing->session;

	if (thing->grant)
		srv_grant_free(srv, thing->grant);
	srv_handles_remove(&session->handles, thing->handle);
	count(srv, thing, UINT64_MAX);
}

/* --- spaces -------------------------------------------------------------- */

struct srv_space *srv_space_reserve(struct srv_session *session)
{
	struct srv_space *space;

	if (srv_handles_reserve(&session->handles))
		return NULL;
	space = pager_fail("space.record") ? NULL : calloc(1, sizeof(*space));
	if (!space)
		return NULL;
	space->thing.type = PAGER_HANDLE_SPACE;
	LIST_INIT(&space->logs);
	return space;
}

void srv_space_discard(struct srv_space *space)
{
	free(space);
}

void srv_space_add(struct srv *srv, struct srv_session *session,
		   struct srv_space *space, struct pager_space *core)
{
	space->core = core;
	enter(srv, session, &space->thing);
}

/* --- objects ------------------------------------------------------------- */

enum pager_error srv_object_reserve(struct srv_session *session,
				    struct srv_object_handle **out)
{
	const struct srv_user *user = session->user;

	if (user->object_handles >= user->limits.max[PAGER_USER_OBJECTS])
		return PAGER_ELIMIT;
	if (srv_handles_reserve(&session->handles))
		return PAGER_ENOMEM;
	*out = pager_fail("object.handle") ? NULL : calloc(1, sizeof(**out));
	if (!*out)
		return PAGER_ENOMEM;
	(*out)->thing.type = PAGER_HANDLE_OBJECT;
	return PAGER_OK;
}

void srv_object_discard(struct srv_object_handle *handle)
{
	free(handle);
}

void srv_object_add(struct srv *srv, struct srv_session *session,
		    struct srv_object_handle *handle, struct srv_object *object)
{
	handle->object = object;
	object->handles++;
	enter(srv, session, &handle->thing);
}

struct srv_object *srv_object_new(struct srv *srv, uid_t uid, const char *name,
				  struct pager_object *core)
{
	struct srv_object *object;

	object =
	    pager_fail("object.record") ? NULL : calloc(1, sizeof(*object));
	if (!object)
		return NULL;
	object->core = core;
	object->uid = uid;
	memcpy(object->name, name, sizeof(object->name));
	if (object->name[0])
		RB_INSERT(srv_object_tree, &srv->named, object);
	return object;
}

struct srv_object *srv_object_by_name(struct srv *srv, uid_t uid,
				      const char *name)
{
	struct srv_object key = {.uid = uid};

	memcpy(key.name, name, sizeof(key.name));
	return RB_FIND(srv_object_tree, &srv->named, &key);
}

static void put_object(struct srv *srv, struct srv_object *object)
{
	assert(object->handles);
	if (--object->handles)
		return;
	if (object->name[0])
		RB_REMOVE(srv_object_tree, &srv->named, object);
	pager_object_put(object->core);
	free(object);
}

/* --- dirty logs ---------------------------------------------------------- */

enum pager_error srv_dirty_reserve(struct srv_session *session,
				   struct srv_dirty **out)
{
	if (session->logs >= SRV_DIRTY_MAX)
		return PAGER_ELIMIT;
	if (srv_handles_reserve(&session->handles))
		return PAGER_ENOMEM;
	*out = pager_fail("dirty.record") ? NULL : calloc(1, sizeof(**out));
	if (!*out)
		return PAGER_ENOMEM;
	(*out)->thing.type = PAGER_HANDLE_LOG;
	return PAGER_OK;
}

void srv_dirty_discard(struct srv_dirty *log)
{
	free(log);
}

void srv_dirty_add(struct srv *srv, struct srv_session *session,
		   struct srv_dirty *log, struct srv_space *space,
		   struct pager_dirty_log *core)
{
	log->core = core;
	log->space = space;
	LIST_INSERT_HEAD(&space->logs, log, link);
	enter(srv, session, &log->thing);
}

static void stop_log(struct srv_dirty *log)
{
	if (log->space)
		LIST_REMOVE(log, link);
	srv_dirty_unring(log);
	pager_dirty_stop(log->core);
}

/* --- all of them --------------------------------------------------------- */

static void end_space(struct srv *srv, struct srv_space *space)
{
	struct srv_dirty *log;

	while ((log = LIST_FIRST(&space->logs))) {
		LIST_REMOVE(log, link);
		log->space = NULL;
	}
	srv_pause_space_goes(srv, space);
	pager_space_free(space->core);
}

void srv_thing_destroy(struct srv *srv, struct srv_thing *thing)
{
	leave(srv, thing);
	switch (thing->type) {
	case PAGER_HANDLE_SPACE:
		end_space(srv, to_space(thing));
		break;
	case PAGER_HANDLE_OBJECT:
		put_object(srv, to_object(thing)->object);
		break;
	default:
		stop_log(to_dirty(thing));
		break;
	}
	free(thing);
}

/* A space has left a session, whose logs of it end with that. */
static void end_logs_of(struct srv *srv, struct srv_space *space,
			const struct srv_session *session)
{
	struct srv_dirty *log, *next;

	LIST_FOREACH_SAFE (log, &space->logs, link, next)
		if (log->thing.session == session)
			srv_thing_destroy(srv, &log->thing);
}

enum pager_error srv_thing_move(struct srv *srv, struct srv_thing *thing,
				struct srv_session *session)
{
	struct srv_session *former = thing->session;
	struct srv_user *user = session->user;
	struct pager_status status;

	assert(thing->type != PAGER_HANDLE_LOG);
	if (srv_handles_reserve(&session->handles))
		return PAGER_ENOMEM;
	if (user != former->user) {
		if (thing->type == PAGER_HANDLE_SPACE) {
			status = pager_space_recharge(to_space(thing)->core,
						      user->account);
			if (status.err)
				return (enum pager_error)status.err;
		} else if (user->object_handles >=
			   user->limits.max[PAGER_USER_OBJECTS]) {
			return PAGER_ELIMIT;
		}
	}
	leave(srv, thing);
	enter(srv, session, thing);
	if (thing->type == PAGER_HANDLE_SPACE && session != former) {
		srv_pause_space_goes(srv, to_space(thing));
		end_logs_of(srv, to_space(thing), former);
	}
	return PAGER_OK;
}
