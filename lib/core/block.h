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

enum {
	BLOCK_BUSY_MEMORY = 1, /* of PAGER_POOL_EVENT_BUSY */
	BLOCK_BUSY_VETO = 2,
};

/* One pool's blocks. */
struct blocks {
	struct pager_core *core;
	struct vmem_driver *driver; /* told of everything; NULL in tests */
	struct block *block;	    /* region / memory_block of them */
	uint64_t addr;		    /* pfn */
	uint64_t region;	    /* pages */
	uint64_t size;		    /* pages a memory block */
	uint64_t unit; /* pages that should come online to one zone: a memory
			* block, or a big block of the driver's */
	struct pager_online_policy policy;
	uint64_t present[VMEM_ZONES]; /* pages of the blocks in the zone,
				       * plugged or not */
	void (*event)(void *ctx, unsigned int type, uint64_t pfn,
		      uint64_t value); /* PAGER_POOL_EVENT_*; may be NULL */
	void *ctx;
	uint64_t moved;	     /* pages migrated */
	struct blocks *next; /* the core's list */
};

/* 0 or -ENOMEM. size divides region and is a multiple of 512. unit is the
 * size; driver, event and ctx are the caller's to set. */
int blocks_init(struct blocks *b, struct pager_core *core, uint64_t addr,
		uint64_t region, uint64_t size,
		const struct pager_online_policy *policy);
void blocks_fini(struct blocks *b);
/* The table the driver works with. */
struct vmem_mm blocks_mm(struct blocks *b);

/* By hand; negative errnos as in vmem_mm_ops; -EINVAL: no such block; -ENOENT:
 * absent; -EALREADY. A veto is -EBUSY, whatever the listener answered. */
int blocks_online(struct blocks *b, uint64_t pfn, enum vmem_zone zone);
int blocks_offline(struct blocks *b, uint64_t pfn);

/*
 * The zone the policy gives a block that comes online now, by the rule of
 * Linux (mm/memory_hotplug.c, auto_movable_ratio): MOVABLE if the pool's
 * movable memory, with this block's whole unit, stays within the percentage of
 * the kernel memory that it may lean on: what is left of boot memory when
 * every other pool has taken what it needs for its own movable memory beyond
 * what its own kernel memory carries, plus this pool's own kernel memory.
 * A unit that has a block in KERNEL goes on there.
 */
enum vmem_zone blocks_auto_zone(const struct blocks *b, uint64_t pfn);

/* --- inside ----------------------------------------------------------------
 */

static inline uint32_t block_chunk(uint64_t pfn)
{
	return (uint32_t)(pfn >> CHUNK_SHIFT);
}

/* The chunk that pfn lies in. */
struct chunk *blocks_chunk(const struct blocks *b, uint64_t pfn);
/* The block that begins at pfn, or NULL. */
struct block *blocks_at(const struct blocks *b, uint64_t pfn);
void blocks_note(struct blocks *b, unsigned int type, uint64_t pfn,
		 uint64_t value);
/* Take what is online in the range out of use, moving what is there elsewhere.
 * 0; -EBUSY, -ENOMEM: all of it is in use as before, but for pages that were
 * moved. moved is added to. */
int blocks_take(struct blocks *b, uint64_t pfn, uint64_t pages,
		uint64_t *moved);
/* A run of blocks that exist goes offline, all or none; those that are offline
 * stay so. Errors as of blocks_offline. */
int blocks_offline_run(struct blocks *b, uint64_t pfn, uint64_t pages);

#endif
