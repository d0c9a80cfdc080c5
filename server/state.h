/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the daemon serves, without how it is reached: the model, the users, the
 * sessions and what they own. Everything right of dispatch sees this; nothing
 * here knows a socket.
 *
 *	user 1---n session 1---n thing (a space, a handle to an object, a dirty
 *				 log)
 *
 * A user is charged for all of that user's sessions. A thing lives in exactly
 * one session's table of handles, and dies with that session.
 */
#ifndef SERVER_STATE_H
#define SERVER_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <bsd/sys/tree.h>

#include "lib/base/list.h"
#include "lib/base/log.h"
#include "lib/core/core.h"
#include "proto/codec.h"
#include "server/config.h"
#include "server/handle.h"
#include "server/limits.h"
#include "server/memory.h"

struct pager_dirty_log;
struct pager_sim;
struct srv_client;
struct srv_grant;
struct srv_object;
struct srv_session;
struct srv_shared;

/* One user id: limits, and what is in use beside what the model counts. */
struct srv_user {
	LIST_ENTRY(srv_user) link;
	uid_t uid;
	bool admin;
	struct srv_limits limits;
	struct pager_account *account;
	uint64_t clients;	 /* connections, with a session or not */
	uint64_t sessions;	 /* those with one */
	uint64_t object_handles; /* handles to objects, of all sessions */
	uint64_t queued;	 /* reply bytes not read yet */
};

/* The head of everything a handle can stand for. */
struct srv_thing {
	unsigned int type; /* PAGER_HANDLE_* */
	uint64_t handle;
	struct srv_session *session; /* the owner */
	struct srv_grant *grant;     /* on offer by a token, or NULL */
};

struct srv_space {
	struct srv_thing thing;
	struct pager_space *core;
	uint32_t backend;
	bool snapshot; /* an all-or-nothing batch is under way */
	LIST_HEAD(srv_dirty_list, srv_dirty) logs; /* of any session */
	char name[PAGER_NAME_MAX];
};

/* A memory object, as long as a handle to it is left: then its name is free
 * again, and what is mapped of it lives on in the model. */
struct srv_object {
	RB_ENTRY(srv_object) link; /* if it has a name */
	struct pager_object *core;
	uid_t uid; /* of the user that made it: names are a user's own */
	uint32_t handles;
	char name[PAGER_NAME_MAX];
};

struct srv_object_handle {
	struct srv_thing thing;
	struct srv_object *object;
};

/* A dirty log of a space of its session, or, if that is an admin's, of any. It
 * outlives the space. */
struct srv_dirty {
	struct srv_thing thing;
	LIST_ENTRY(srv_dirty) link; /* logs of the space */
	struct srv_space *space;    /* NULL: it has ended */
	struct pager_dirty_log *core;
	struct pager_range range;
	uint32_t flags;		 /* PAGER_DIRTY_FLAGS */
	struct srv_shared *ring; /* memory of its ring, or NULL */
};

/* Why nothing of a session is served for now; see pause.h. */
struct srv_pause {
	LIST_ENTRY(srv_session) link;
	struct srv_session *by; /* NULL: it is not paused */
	struct srv_space *space;
	uint64_t until_ms;
};

struct srv_session {
	TAILQ_ENTRY(srv_session) link; /* by number */
	uint64_t number;
	struct srv_user *user;
	struct srv_client *client;
	uint64_t features; /* PAGER_FEATURE_* of both sides */
	uint64_t requests;
	uint64_t spaces;
	uint64_t objects;
	uint64_t logs;
	uint32_t grants;
	struct srv_handles handles;
	struct srv_pause pause;
};

/* Somebody connected: known by credentials, without a session until HELLO. */
struct srv_client {
	struct srv_user *user;
	pid_t pid;
	struct srv_session *session; /* or NULL */
	uint64_t queued;	     /* reply bytes not read yet */
};

/* A thing on offer. */
struct srv_grant {
	TAILQ_ENTRY(srv_grant) link;
	uint8_t token[PAGER_TOKEN_SIZE];
	struct srv_thing *thing;
};

struct srv {
	struct srv_config config;
	struct srv_memory memory;
	uid_t uid; /* the daemon's own */
	struct pager_core *core;
	struct pager_sim *sim;
	LIST_HEAD(srv_user_list, srv_user) users;
	TAILQ_HEAD(srv_session_list, srv_session) sessions;
	RB_HEAD(srv_object_tree, srv_object) named; /* by user and name */
	TAILQ_HEAD(srv_grant_list, srv_grant) grants;
	struct pager_request *batch; /* PAGER_BATCH_MAX decoded requests */
	struct pager_log_limit log;  /* for what clients cause */
	uint64_t session_count;
	uint64_t last_session; /* number of the newest */
	LIST_HEAD(srv_paused_list, srv_session) paused;
	uint64_t paused_count;
	uint64_t pauses;	/* ever */
	uint64_t pause_changes; /* begun or ended */
	uint64_t dirty_logs;
	uint64_t handles;
	uint64_t requests;
	uint64_t refusals;
	uint64_t violations;
	uint64_t started_ms;
	bool work_more; /* the model has work to do at once */
	uint64_t work_due_ms;
	uint64_t work_steps;
	uint64_t work_longest_us;
	unsigned int fd_limit; /* open descriptors are below it */
};

/* Make the machine that config describes, in which the pools have their places.
 * 0, and config belongs to srv; or -1 with one line in why, and it does not. */
int srv_init(struct srv *srv, const struct srv_config *config,
	     char why[SRV_CONFIG_WHY]);
/* Milliseconds of a clock that only grows. */
uint64_t srv_now_ms(void);
/* All clients are gone. */
void srv_fini(struct srv *srv);

#endif
