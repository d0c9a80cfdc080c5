/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SIGHUP: look at the configuration again.
 */
#ifndef SERVER_RELOAD_H
#define SERVER_RELOAD_H

#include "server/loop.h"

/* Take what changed. An invalid file is refused with a log line, and the old
 * configuration stays; so do settings that are fixed at the start. */
void srv_reload(struct srv_loop *loop);

#endif
