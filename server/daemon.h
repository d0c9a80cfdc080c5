/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon as a whole: from options to an exit code.
 */
#ifndef SERVER_DAEMON_H
#define SERVER_DAEMON_H

#include "server/options.h"

/* Serve until a signal ends it. 0, or 1 after one line about why not. */
int srv_daemon_run(const struct srv_options *options);
/* Say whether the configuration is valid: 0 or 1. */
int srv_daemon_check(const struct srv_options *options);

#endif
