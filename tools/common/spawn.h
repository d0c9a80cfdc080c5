/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A private daemon for a tool or a test: a pagerd child on a socket in a fresh
 * folder of its own, gone with its folder when it is stopped.
 *
 * Knows pagerd's command line and nothing of the protocol.
 */
#ifndef TOOLS_COMMON_SPAWN_H
#define TOOLS_COMMON_SPAWN_H

#include <sys/types.h>

#define PAGER_SPAWN_PATH_MAX 108 /* sun_path's size */

struct pager_spawn {
	pid_t pid;			   /* 0: not running */
	char dir[PAGER_SPAWN_PATH_MAX];	   /* the folder */
	char socket[PAGER_SPAWN_PATH_MAX]; /* what to connect to */
};

/*
 * Start a pagerd and wait until it listens. The program is $PAGERD, else the
 * pagerd beside the running program, else in $PAGER_BIN, else the one in $PATH.
 * args: more arguments for it, ended by NULL, or NULL. The folder is made in
 * $TMPDIR or /tmp. The child gets SIGTERM if its parent dies. What it says is
 * kept, and shown on standard error when it does not end well.
 *
 * 0, or -1 with one line in the 256 bytes at why; then nothing is left behind.
 */
#define PAGER_SPAWN_WHY 256
int pager_spawn(struct pager_spawn *spawn, const char *const *args, char *why);

/*
 * SIGTERM, wait (after 20 seconds SIGKILL), remove the folder. The wait
 * status as waitpid(2) tells it, so 0 is a clean exit; 0 too if it was not
 * running; -1 if it had to be killed.
 */
int pager_spawn_stop(struct pager_spawn *spawn);

#endif
