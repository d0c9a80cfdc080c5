/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory blocks: the mm side of vmem.h for one pool. A memory block is ABSENT,
 * OFFLINE or ONLINE in a zone; its 2 MiB chunks are plugged (OFFLINE, ONLINE,
 * ISOLATED) or not (ABSENT).
 *
 *	block ONLINE, partial	|ONLINE|ONLINE|ABSENT|ONLINE|ABSENT|...
 *	fake-offline		|ISOLATED -> emptied -> OFFLINE|
 *
 * Notifiers: GOING_ONLINE and GOING_OFFLINE ask the core's listeners and then
 * the pool's driver; whoever agreed is told CANCEL if a later one says no or
 * the operation fails.
 */
#ifndef LIB_CORE_BLOCK_H
#define LIB_CORE_BLOCK_H

#include "lib/core/chunk.h"
#include "lib/core/pool.h"
#include "lib/core/vmem.h"

struct block {
	uint8_t state; /* PAGER_BLOCK_* */
	uint8_t zone;
};

/* One pool's blocks. */
struct blocks {
	struct pager_core *core;
	struct vmem_driver *driver; /* told of everything; NULL in tests */
	struct block *block;	    /* region / memory_block of them */
	uint64_t addr;		    /* pfn */
	uint64_t region;	    /* pages */
	uint64_t size;		    /* pages a memory block */
	uint64_t unit; /* pages of a sub-block, as the driver plugs them */
	struct pager_online_policy policy;
	void (*event)(void *ctx, unsigned int type, uint64_t pfn,
		      uint64_t value); /* PAGER_POOL_EVENT_*; may be NULL */
	void *ctx;
	uint64_t moved; /* pages migrated */
};

/* 0 or -ENOMEM. size divides region and is a multiple of 512. */
int blocks_init(struct blocks *b, struct pager_core *core, uint64_t addr,
		uint64_t region, uint64_t size,
		const struct pager_online_policy *policy);
void blocks_fini(struct blocks *b);
/* The table the driver works with. */
struct vmem_mm blocks_mm(struct blocks *b);

/* By hand; negative errnos as in vmem_mm_ops; -ENOENT: absent; -EALREADY. */
int blocks_online(struct blocks *b, uint64_t pfn, enum vmem_zone zone);
int blocks_offline(struct blocks *b, uint64_t pfn);

/* The zone the policy gives a block that comes online now. */
enum vmem_zone blocks_auto_zone(const struct blocks *b);

#endif
