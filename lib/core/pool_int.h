/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The insides of pools, and what the core keeps of all of them. Included by
 * internal.h; see pool.h for the model.
 *
 *	pool ── device (vmem.h) <── requests ── driver ── blocks ── chunks
 *	pools ─ all pools by number, listeners, events, whose turn it is
 *
 * Who calls whom: the worker (pool_work.c) steps a driver; the driver asks the
 * device and the blocks; both tell the listeners. Nothing of it may run while
 * an operation of a space is between plan and commit, but for pools_grow, which
 * only adds memory.
 */
#ifndef LIB_CORE_POOL_INT_H
#define LIB_CORE_POOL_INT_H

#include "lib/core/block.h"
#include "lib/core/pool.h"
#include "lib/core/vmem.h"

enum { POOLS_MAX = 64, POOL_EVENTS = 4096 };

struct pager_core_config;

struct pager_pool {
	struct pager_core *core;
	struct vmem_device *device; /* NULL: boot memory */
	struct vmem_driver *driver;
	struct blocks blocks; /* of boot memory: place and size only */
	struct vmem_listener forwarder; /* of the device, to all listeners */
	uint64_t grow_max;
	uint64_t resizes;
	uint64_t due_ms;     /* WAIT: until then */
	enum vmem_work work; /* what the worker said last; MORE: wake it */
	uint32_t number;
	uint32_t node;
	char name[PAGER_POOL_NAME_MAX];
};

struct pools {
	struct pager_pool boot;
	struct pager_pool *pool[POOLS_MAX]; /* numbers ascend; [0] is boot */
	uint32_t count;
	uint32_t turn;	       /* index of the pool whose worker is next */
	bool working;	       /* a worker or a hand is at a pool */
	struct blocks *blocks; /* of all pools but boot memory */
	uint64_t boot_pages;
	uint64_t now_ms; /* as last told */
	struct vmem_listener *listeners;
	struct pager_pool_event *events; /* ring; NULL: none ever */
	uint64_t next_event;		 /* its number */
};

/* Pool 0. The core knows its memory block by now. */
void pools_init(struct pager_core *core,
		const struct pager_core_config *config);
/* Frees the pools that are left: what is plugged is forgotten. */
void pools_fini(struct pager_core *core);

/* Ring of events: ctx is the pool. */
void pool_event(void *ctx, unsigned int type, uint64_t pfn, uint64_t value);
/* Make room for events: 0 or -ENOMEM. */
int pool_events_init(struct pager_core *core);

/* All listeners of the core, in order; the first answer other than 0 is
 * returned, and those before it are told cancel in reverse order. */
int listeners_ask(struct pager_core *core, enum vmem_event event,
		  enum vmem_event cancel, uint64_t pfn, uint64_t pages);
void listeners_tell(struct pager_core *core, enum vmem_event event,
		    uint64_t pfn, uint64_t pages);
/* All of them agreed, and it came to nothing: in reverse order. */
void listeners_cancel(struct pager_core *core, enum vmem_event cancel,
		      uint64_t pfn, uint64_t pages);
/* A vmem_listener's notify whose ctx is the core: a device's events. */
int listeners_forward(void *ctx, enum vmem_event event, uint64_t pfn,
		      uint64_t pages);

/* The worker has something to look at. */
static inline void pool_wake(struct pager_pool *pool)
{
	if (pool->work != VMEM_BROKEN)
		pool->work = VMEM_MORE;
}

/* One step of one pool's worker; see pager_core_work. */
bool pools_work(struct pager_core *core, uint64_t now_ms, uint64_t *due_ms);

/*
 * Plan of whoever needs frames: so many are missing. Pools that may grow by
 * themselves (grow_max) plug what is needed, at once. True: there may be
 * enough now. False: nothing was changed, or the device refused. Moves no
 * page, so that no table changes; does nothing inside of a worker's step.
 */
bool pools_grow(struct pager_core *core, uint64_t pages);
/* By how many pages pools might grow so. */
uint64_t pools_growable(const struct pager_core *core);

/* The pool that pfn lies in, or NULL. */
struct pager_pool *pools_at(const struct pager_core *core, uint64_t pfn);

#endif
