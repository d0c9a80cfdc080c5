/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The listening socket and its lock. PATH.pid is locked as long as a daemon
 * serves PATH, so of two that start at once one wins, and a socket that a dead
 * one left is known to be nobody's.
 */
#ifndef SERVER_LISTEN_H
#define SERVER_LISTEN_H

#include <stddef.h>
#include <sys/un.h>

#include "server/config.h"

struct pidfh;

#define SRV_WHY 512u

struct srv_listener {
	int fd; /* -1: closed */
	struct pidfh *lock;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

/*
 * Where to listen: path, or if it is NULL the default for this user. 0; or -1
 * with one line in why (too long; no default known).
 */
int srv_listener_path(const char *path, char *buf, size_t size,
		      char why[SRV_WHY]);
/*
 * Lock path and listen there, with the mode the configuration says. 0; or -1
 * with one line in why, and nothing is changed: the path is another daemon's,
 * is no socket, or its folder does not let us.
 */
int srv_listener_open(struct srv_listener *listener, const char *path,
		      const struct srv_config *config, char why[SRV_WHY]);
/* Owner, group and mode of the socket: 0600, or 0660 with a group. */
int srv_listener_mode(const struct srv_listener *listener,
		      const struct srv_config *config, char why[SRV_WHY]);
/* Nobody can connect any more. */
void srv_listener_shut(struct srv_listener *listener);
/* And somebody else may serve the path. */
void srv_listener_close(struct srv_listener *listener);

#endif
