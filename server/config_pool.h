/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pools as pagerd.conf(5) and --pool describe them: a name, then pairs of
 * words, a key and its value, in any order. All sizes are in bytes here.
 *
 * What a pool says of itself is checked as it is read; where pools lie among
 * each other and beside boot memory only when all is read, since the size of
 * boot memory may come later.
 */
#ifndef SERVER_CONFIG_POOL_H
#define SERVER_CONFIG_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/pager_abi.h"

#define SRV_POOL_MAX (PAGER_POOLS_MAX - 1) /* the boot pool is one too */

/* Memory blocks: powers of two. */
#define SRV_MEMORY_BLOCK_MIN	 (UINT64_C(2) << 20)
#define SRV_MEMORY_BLOCK_MAX	 (UINT64_C(4) << 30)
#define SRV_MEMORY_BLOCK_DEFAULT (UINT64_C(128) << 20)

enum srv_pool_online {
	SRV_ONLINE_AUTO, /* MOVABLE as long as the ratio allows */
	SRV_ONLINE_KERNEL,
	SRV_ONLINE_MOVABLE,
	SRV_ONLINE_KEEP, /* offline, until somebody says so */
};

struct srv_config_pool {
	char name[PAGER_POOL_NAME_MAX];
	uint32_t line; /* of the file; 0: the command line's */
	bool has_addr; /* said, or given by srv_pools_place() */
	bool placed;   /* that gave it */
	uint64_t addr;
	uint64_t region;
	uint64_t block;
	uint64_t requested;
	uint64_t big_block; /* 0: by the rule */
	uint64_t threshold; /* 0: by the rule */
	uint64_t grow;
	uint64_t retry_ms; /* 0: the default */
	uint64_t retry_max_ms;
	uint32_t node;
	uint32_t mode;	/* PAGER_POOL_MODE_* */
	uint32_t ratio; /* percent; 0: the default */
	enum srv_pool_online online;
	bool offline_only;
	bool in_order;
	bool reserve;
};

struct srv_config;

/* One pool from its words, which end with NULL and may be changed. NULL, or why
 * they are refused: a static text. */
const char *srv_pool_parse(struct srv_config_pool *pool, char **words);
/* The same from text, in which commas and equals signs are blanks too. */
const char *srv_pool_parse_text(struct srv_config_pool *pool, const char *text);

/* Put it among the others. With replace it takes the place of one of the same
 * name, else that is refused. NULL, or why not. */
const char *srv_pool_add(struct srv_config *config,
			 const struct srv_config_pool *pool, bool replace);

/*
 * When all is said: give places to the pools that have none, and look at all
 * of them beside each other, boot memory, the table nodes' place and the
 * memory block. 0; or -1 with one line in why, which begins with the file and
 * the pool's line, or with --pool.
 */
int srv_pools_place(struct srv_config *config, char *why, size_t size);
/* Such a line about one pool; -1. */
int srv_pool_complain(const struct srv_config *config,
		      const struct srv_config_pool *pool, const char *reason,
		      char *why, size_t size);

/* First byte beyond all pools and boot memory; bytes there can be at most. */
uint64_t srv_pools_end(const struct srv_config *config);
uint64_t srv_pools_total(const struct srv_config *config);

#endif
