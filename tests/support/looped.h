/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The served state (serve.h) with its event loop around it, in this process
 * and turned by hand: connections are real sockets, and everything happens when
 * a test says so. So sockets can be made to fail, and a fuzzer can drive them.
 *
 * Needs no check. What must not happen ends the process (test_die).
 */
#ifndef TESTS_SUPPORT_LOOPED_H
#define TESTS_SUPPORT_LOOPED_H

#include "server/loop.h"

extern struct srv_loop looped;

/* config as serve_start() has it. options may be NULL. */
void looped_start(const char *config, const struct srv_options *options);
/* Closes what connections are left, and nothing else may be. */
void looped_end(void);

/* Connect to it; -1 with errno. The socket does not block. */
int looped_connect(void);
/* A connection as if that user had made it; -1: it was not taken. */
int looped_join(uid_t uid);

/* Turn until nothing is ready or due. */
void looped_turn(void);
/* Nothing of any client is left: connections, sessions, users, memory. */
void looped_idle(void);
/* Open file descriptors of this process. */
unsigned int looped_fds(void);

#endif
