/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration: what pagerd.conf(5) describes, as values. Reading it is
 * all or nothing, and touches nothing but memory, so that a running daemon can
 * look at a new one before it takes it.
 */
#ifndef SERVER_CONFIG_H
#define SERVER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "server/config_pool.h"
#include "server/limits.h"

#define SRV_CONFIG_LINE_MAX  1024u
#define SRV_CONFIG_USERS_MAX 256u
#define SRV_CONFIG_WHY	     512u

/* Sizes and counts of the machine. */
#define SRV_MEMORY_MIN	 (UINT64_C(8) << 12)
#define SRV_MEMORY_MAX	 (UINT64_C(480) << 30) /* where table nodes begin */
#define SRV_NODES_MIN	 UINT64_C(16)
#define SRV_NODES_MAX	 ((UINT64_C(1) << 22) - 2)
#define SRV_CPUS_MAX	 UINT64_C(64)
#define SRV_CONNS_MAX	 UINT64_C(4096)
#define SRV_DRAIN_MAX_MS UINT64_C(60000)

struct srv_config_user {
	uid_t uid;
	struct srv_limits limits;
};

struct srv_config {
	/* Fixed when the daemon starts. */
	char *socket;	       /* NULL: the default place */
	uint64_t memory;       /* bytes of boot memory, a multiple of 4096 */
	uint64_t nodes;	       /* table nodes; 0: chosen to suit the memory */
	uint64_t cpus;	       /* of the software MMU */
	bool simulate;	       /* no memory behind the frames */
	uint64_t memory_block; /* bytes */
	struct srv_config_pool *pools; /* but for size and growth */
	size_t pool_count;
	/* May change while it runs. */
	bool has_group;
	gid_t group;
	uint64_t connections;
	uint64_t drain_ms;
	struct srv_limits limits; /* of everybody */
	struct srv_config_user *users;
	size_t user_count;
	uint32_t line;	  /* being read */
	const char *file; /* it was read from, or NULL; the command line's */
};

/* The values that hold if nothing is said. */
void srv_config_init(struct srv_config *config);
void srv_config_fini(struct srv_config *config);

/*
 * Where the pools lie is not looked at: that is for srv_pools_place(), when
 * options were put over it.
 *
 * Read a file, or text of len bytes that name stands for, over the defaults.
 * 0; or -1 with "NAME:LINE: reason" in why, and *config as fini leaves it.
 */
int srv_config_read(struct srv_config *config, const char *path,
		    char why[SRV_CONFIG_WHY]);
int srv_config_parse(struct srv_config *config, const char *name,
		     const char *text, size_t len, char why[SRV_CONFIG_WHY]);

/* The number of table nodes: what is said, or what suits the memory. */
uint64_t srv_config_nodes(const struct srv_config *config);
/* The limits of a user: the user's own lines, everybody's, the defaults. */
void srv_config_limits(const struct srv_config *config, uid_t uid, bool admin,
		       struct srv_limits *out);

#endif
