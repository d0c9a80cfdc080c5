/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counts kept here: handles of the server, spaces and objects of a session,
 * object handles of a user.
 */
#include "server/thing.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/failpoint.h"
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

/* Put a thing into a session whose table has room. */
static void enter(struct srv *srv, struct srv_session *session,
		  struct srv_thing *thing)
{
	thing->session = session;
	thing->handle = srv_handles_add(&session->handles, thing->type, thing);
	srv->handles++;
	if (thing->type == PAGER_HANDLE_SPACE) {
		session->spaces++;
	} else {
		session->objects++;
		session->user->object_handles++;
	}
}

static void leave(struct srv *srv, struct srv_thing *thing)
{
	struct srv_session *session = thing->session;

	if (thing->grant)
		srv_grant_free(srv, thing->grant);
	srv_handles_remove(&session->handles, thing->handle);
	srv->handles--;
	if (thing->type == PAGER_HANDLE_SPACE) {
		session->spaces--;
	} else {
		session->objects--;
		session->user->object_handles--;
	}
}

/* --- spaces -------------------------------------------------------------- */

struct srv_space *srv_space_reserve(struct srv_session *session)
{
	struct srv_space *space;

	if (srv_handles_reserve(&session->handles))
		return NULL;
	space = pager_fail("space.record") ? NULL : calloc(1, sizeof(*space));
	if (space)
		space->thing.type = PAGER_HANDLE_SPACE;
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

/* --- both ---------------------------------------------------------------- */

void srv_thing_destroy(struct srv *srv, struct srv_thing *thing)
{
	leave(srv, thing);
	if (thing->type == PAGER_HANDLE_SPACE)
		pager_space_free(to_space(thing)->core);
	else
		put_object(srv, to_object(thing)->object);
	free(thing);
}

enum pager_error srv_thing_move(struct srv *srv, struct srv_thing *thing,
				struct srv_session *session)
{
	struct srv_user *user = session->user;
	struct pager_status status;

	if (srv_handles_reserve(&session->handles))
		return PAGER_ENOMEM;
	if (user != thing->session->user) {
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
	return PAGER_OK;
}
