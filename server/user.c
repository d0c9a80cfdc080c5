/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * There are as many users as user ids that ever connect, few: a list will do.
 */
#include "server/user.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/failpoint.h"

bool srv_user_is_admin(const struct srv *srv, uid_t uid)
{
	return uid == 0 || uid == srv->uid;
}

struct srv_user *srv_user_find(const struct srv *srv, uid_t uid)
{
	struct srv_user *user;

	LIST_FOREACH (user, &srv->users, link)
		if (user->uid == uid)
			return user;
	return NULL;
}

static bool is_idle(const struct srv_user *user)
{
	if (user->clients)
		return false;
	for (unsigned int i = 0; i < PAGER_RES_COUNT; i++)
		if (pager_account_used(user->account, (enum pager_resource)i))
			return false;
	return true;
}

static void free_user(struct srv_user *user)
{
	LIST_REMOVE(user, link);
	pager_account_put(user->account);
	free(user);
}

/* Forget those of whom nothing is left; what others shared with them may have
 * gone at any time. */
static void sweep(struct srv *srv)
{
	struct srv_user *user, *next;

	LIST_FOREACH_SAFE (user, &srv->users, link, next)
		if (is_idle(user))
			free_user(user);
}

struct srv_user *srv_user_join(struct srv *srv, uid_t uid)
{
	struct srv_user *user = srv_user_find(srv, uid);
	uint64_t limit[PAGER_RES_COUNT];

	if (user) {
		user->clients++;
		return user;
	}
	sweep(srv);
	user = pager_fail("user.new") ? NULL : calloc(1, sizeof(*user));
	if (!user)
		return NULL;
	user->uid = uid;
	user->admin = srv_user_is_admin(srv, uid);
	srv_config_limits(&srv->config, uid, user->admin, &user->limits);
	srv_limits_to_core(&user->limits, limit);
	user->account = pager_account_new(srv->core, limit);
	if (!user->account) {
		free(user);
		return NULL;
	}
	user->clients = 1;
	LIST_INSERT_HEAD(&srv->users, user, link);
	return user;
}

void srv_user_leave(struct srv *srv, struct srv_user *user)
{
	assert(user->clients);
	user->clients--;
	sweep(srv);
}

bool srv_user_admits(const struct srv *srv, uid_t uid)
{
	const struct srv_user *user = srv_user_find(srv, uid);
	uint64_t max;

	if (!user)
		return true;
	max = user->limits.max[PAGER_USER_SESSIONS];
	return user->clients < max || user->clients - max < SRV_CLIENTS_SPARE;
}

void srv_users_reload(struct srv *srv)
{
	uint64_t limit[PAGER_RES_COUNT];
	struct srv_user *user;

	LIST_FOREACH (user, &srv->users, link) {
		srv_config_limits(&srv->config, user->uid, user->admin,
				  &user->limits);
		srv_limits_to_core(&user->limits, limit);
		pager_account_set_limits(user->account, limit);
	}
}

void srv_users_free(struct srv *srv)
{
	struct srv_user *user;

	while ((user = LIST_FIRST(&srv->users)))
		free_user(user);
}

void srv_user_info(const struct srv *srv, uid_t uid, struct pager_rep_user *out)
{
	const struct srv_user *user = srv_user_find(srv, uid);
	struct srv_limits limits;

	memset(out, 0, sizeof(*out));
	out->uid = uid;
	srv_config_limits(&srv->config, uid, srv_user_is_admin(srv, uid),
			  &limits);
	memcpy(out->limit, limits.max, sizeof(out->limit));
	if (!user)
		return;
	out->used[PAGER_USER_SPACES] =
	    pager_account_used(user->account, PAGER_RES_SPACES);
	out->used[PAGER_USER_OBJECTS] =
	    pager_account_used(user->account, PAGER_RES_OBJECTS);
	out->used[PAGER_USER_REGIONS] =
	    pager_account_used(user->account, PAGER_RES_REGIONS);
	out->used[PAGER_USER_BYTES] =
	    pager_account_used(user->account, PAGER_RES_PAGES)
	    << PAGER_PAGE_SHIFT;
	out->used[PAGER_USER_FRAMES] =
	    pager_account_used(user->account, PAGER_RES_FRAMES);
	out->used[PAGER_USER_NODES] =
	    pager_account_used(user->account, PAGER_RES_NODES);
	out->used[PAGER_USER_SESSIONS] = user->sessions;
	out->used[PAGER_USER_QUEUED] = user->queued;
	out->sessions = (uint32_t)user->sessions;
}
