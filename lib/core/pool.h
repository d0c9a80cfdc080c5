/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pools: ranges of physical addresses that memory is plugged into and taken
 * out of while spaces run. Part of core.h.
 *
 *	0         boot            addr                       addr + region
 *	+---------+------ ... ----+------------+-------------+
 *	| pool 0  |               | block | block | block | .. |  pool 1 ..
 *	+---------+               +------------+-------------+
 *	 always there, KERNEL      each memory block: absent, offline, or
 *				   online in a zone; sub-blocks plugged or not
 *
 * Pool 0 is what the core was made with. Every other pool is a virtio-mem
 * device and its driver (vmem.h) and their meeting with the allocator
 * (block.h). All sizes are pages, all places pfns.
 */
#ifndef LIB_CORE_POOL_H
#define LIB_CORE_POOL_H

#include "lib/core/vmem.h"

struct pager_core;
struct pager_pool;

/* Which zone a memory block goes to when it comes online by itself. */
struct pager_online_policy {
	bool keep_offline; /* nothing comes online by itself */
	bool kernel_only;  /* always KERNEL */
	bool movable_only; /* always MOVABLE; else the automatic rule: */
	/* MOVABLE as long as the pool's and the machine's movable memory
	 * stays within percent of the kernel memory that was there at boot
	 * or came later. 0: 301, as in Linux (auto_movable_ratio). */
	uint32_t movable_percent;
};

struct pager_pool_config {
	uint64_t addr;	 /* multiple of the memory block */
	uint64_t region; /* pages; multiple of the memory block */
	uint64_t block;	 /* the device's; 0: 512 (2 MiB) */
	uint64_t requested;
	uint32_t node;
	uint32_t mode;	    /* PAGER_POOL_MODE_* */
	uint64_t big_block; /* BBM; 0: by the rule */
	bool offline_only;
	bool in_order;	/* unplug from the top, as Linux does; see vmem.h */
	uint64_t piece; /* as in vmem_driver_config, as is what follows */
	uint64_t threshold;
	uint64_t retry_ms;
	uint64_t retry_max_ms;
	uint64_t grow_max; /* auto-grow up to so many requested pages; 0: off */
	struct pager_online_policy policy;
	struct vmem_backing backing;
	char name[PAGER_POOL_NAME_MAX];
};

/*
 * A pool more. It starts unplugged; pager_core_work does the rest.
 * EALIGN, ERANGE (outside of the core's span, over the arena), EEXIST (over
 * another pool, ARG_ADDR; its name taken, ARG_NAME), EINVAL, ENOMEM, ELIMIT
 * (64 pools, boot memory among them). The sizes are ARG_SIZE, the mode
 * ARG_FLAGS, times of retry ARG_LIMITS (at most 2^48 ms).
 */
struct pager_status pager_pool_new(struct pager_core *core,
				   const struct pager_pool_config *config,
				   struct pager_pool **out);
/* EBUSY: something of it is plugged. Pools that are left go with the core. */
struct pager_status pager_pool_free(struct pager_pool *pool);
/* By number, 0 .. ; NULL: none (a number is not used again while another pool
 * has a higher one). By name. */
struct pager_pool *pager_pool_get(struct pager_core *core, uint32_t number);
struct pager_pool *pager_pool_find(struct pager_core *core, const char *name);

struct pager_pool_info {
	uint32_t number;
	uint32_t node;
	char name[PAGER_POOL_NAME_MAX];
	bool boot; /* pool 0: everything is plugged, nothing can be changed */
	bool bbm;
	bool broken;
	bool working; /* the worker has something to do, or waits to retry */
	uint64_t addr;
	uint64_t region;
	uint64_t usable;
	uint64_t requested;
	uint64_t plugged;
	uint64_t online;
	uint64_t offline;
	uint64_t used;
	uint64_t pinned;
	uint64_t block;	       /* device */
	uint64_t sub_block;    /* or big block */
	uint64_t memory_block; /* pages */
	uint64_t grow_max;
	uint64_t moved;	    /* pages migrated for it */
	uint64_t busy;	    /* times a sub-block could not be emptied */
	uint64_t next_try;  /* ms from now; 0: none */
	uint64_t resizes;   /* wishes so far; the newest counts */
	int32_t last_error; /* negative errno or 0 */
};
void pager_pool_info(const struct pager_pool *pool, uint64_t now_ms,
		     struct pager_pool_info *out);
/* The same without used and pinned, which are counted chunk by chunk: O(1). */
void pager_pool_sizes(const struct pager_pool *pool, uint64_t now_ms,
		      struct pager_pool_info *out);

/* Set the requested size; the worker approaches it, at once also if the wish is
 * not new. A newer wish replaces one
 * that is being worked on, visibly (event, info.resizes). EALIGN, ERANGE,
 * EACCESS for the boot pool, EBUSY if it is broken. */
struct pager_status pager_pool_resize(struct pager_pool *pool, uint64_t pages);
/* Bound of auto-grow, pages; 0: off. EALIGN, ERANGE. */
struct pager_status pager_pool_set_grow(struct pager_pool *pool,
					uint64_t pages);
/* Take everything out at once, sub-block by sub-block: requested becomes 0. */
struct pager_status pager_pool_unplug_all(struct pager_pool *pool);
/* By hand, one memory block (its first pfn). ERANGE, EALIGN: no such block;
 * ENOENT: absent; EBUSY: already so, vetoed, or (offline) something in it
 * cannot be moved; ENOMEM: nowhere to move to. */
struct pager_status pager_pool_online(struct pager_pool *pool, uint64_t pfn,
				      enum vmem_zone zone);
struct pager_status pager_pool_offline(struct pager_pool *pool, uint64_t pfn);

struct pager_block_info {
	uint64_t pfn;
	uint32_t state; /* PAGER_BLOCK_* */
	uint32_t zone;	/* if online */
	uint32_t sbm;	/* the driver's state of it */
	uint64_t plugged;
	uint64_t used;
	uint64_t pinned;
	uint64_t free_runs; /* of 2 MiB */
};
/* The memory block that holds pfn. False: not in the pool. */
bool pager_pool_block(const struct pager_pool *pool, uint64_t pfn,
		      struct pager_block_info *out);
/* The same of a 2 MiB piece: the cells of a map. */
bool pager_pool_cell(const struct pager_pool *pool, uint64_t pfn,
		     struct pager_block_info *out);

/* Who is in the way: pages of spaces and objects in [pfn, pfn + pages), one
 * row a run of pages, from *cursor (0 first) on; at most n rows. Walks all
 * spaces: for an admin's eyes. Returns the rows; *cursor is 0 at the end. */
struct pager_holder {
	uint64_t space;	 /* id, or 0 */
	uint64_t object; /* id, or 0 */
	uint64_t vpn;	 /* or the object's page */
	uint64_t pages;
	uint64_t pinned; /* of them */
};
size_t pager_pool_holders(struct pager_pool *pool, uint64_t pfn, uint64_t pages,
			  uint64_t *cursor, struct pager_holder *rows,
			  size_t n);

/* Backends and devices that want to know, of all pools; see vmem_event. */
void pager_core_listen(struct pager_core *core, struct vmem_listener *l);
void pager_core_unlisten(struct pager_core *core, struct vmem_listener *l);

/*
 * The core's own work, between requests: one bounded step of one pool's worker
 * or of the collapse of whole stretches into large entries. True: call again
 * soon. *due_ms: if false, when to call again at the latest; UINT64_MAX: when
 * something changed (any call of the core may make work).
 */
bool pager_core_work(struct pager_core *core, uint64_t now_ms,
		     uint64_t *due_ms);

/* What happened to pools, oldest first. Kept in a ring of 4,096. */
struct pager_pool_event {
	uint64_t number; /* 1 .. , never reused */
	uint64_t time_ms;
	uint64_t pfn;
	uint64_t value;
	uint32_t pool;
	uint32_t type; /* PAGER_POOL_EVENT_* */
};
/* The first event whose number is at least from. False: none yet. */
bool pager_core_event(const struct pager_core *core, uint64_t from,
		      struct pager_pool_event *out);

/* Bytes at a physical address that must lie in plugged memory and not cross a
 * page, as a device or a debugger would see them. ERANGE: no pool; ENOENT: not
 * plugged or not added; ENODATA: simulated; EACCESS: a write to the zero frame
 * or to a frame that is nobody's. */
struct pager_status pager_core_phys(struct pager_core *core, uint64_t pa,
				    void *buf, size_t len, bool write);

#endif
