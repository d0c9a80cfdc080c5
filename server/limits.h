/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How much one user may have. Indexed by pager_user_index, in the units of the
 * wire; UINT64_MAX is no limit, UINT64_MAX - 1 in a configuration is "not
 * said": the default, which depends on the size of the pool, is taken.
 */
#ifndef SERVER_LIMITS_H
#define SERVER_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/core/core.h"
#include "proto/pager_wire.h"

#define SRV_LIMIT_NONE	 UINT64_MAX
#define SRV_LIMIT_UNSAID (UINT64_MAX - 1)

struct srv_limits {
	uint64_t max[PAGER_USER_COUNT];
};

/* The name of a limit in the configuration ("spaces"), NULL beyond the last;
 * and whether it is written as a size in bytes. */
const char *srv_limits_name(unsigned int index);
bool srv_limits_in_bytes(unsigned int index);

/* All of them unsaid. */
void srv_limits_clear(struct srv_limits *limits);
/* Fill what is unsaid from other. */
void srv_limits_fill(struct srv_limits *limits, const struct srv_limits *other);
/*
 * The defaults for a pool of that many frames and nodes. Users who are no
 * admins get half of either, so that one of them cannot stop the others.
 */
void srv_limits_default(struct srv_limits *limits, uint64_t frames,
			uint64_t nodes, bool admin);
/* As the model wants them. */
void srv_limits_to_core(const struct srv_limits *limits,
			uint64_t out[PAGER_RES_COUNT]);

#endif
