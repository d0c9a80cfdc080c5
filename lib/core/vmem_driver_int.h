/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver's own records; only vmem_driver.c and the two modes include this.
 *
 *	worker (vmem_driver.c) ── run = pending, cleanup, then plug or unplug,
 *	       │                  one piece a step; ends with 0 or an error
 *	       └─ mode: vmem_sbm.c or vmem_bbm.c
 *
 * A block is the mode's: a memory block (SBM) or a big block (BBM), counted
 * from the first whole one of the region. Blocks from next on were never used:
 * they are in no map of states.
 *
 * Invariants: a block below next is in exactly one map of states; plugged is
 * what the device has ACKed; whatever stands in bits is plugged in the device.
 */
#ifndef LIB_CORE_VMEM_DRIVER_INT_H
#define LIB_CORE_VMEM_DRIVER_INT_H

#include <errno.h>

#include "lib/base/bits.h"
#include "lib/base/hbits.h"
#include "lib/core/vmem.h"

#define VMEM_NONE HBITS_NONE

/* What a piece of a run returns: a negative errno ends the run with it. */
enum vmem_piece {
	VMEM_PIECE_LAST = 0, /* nothing left to do in this phase */
	VMEM_PIECE_MORE = 1, /* call again */
};

struct vmem_mode {
	/* Undo what is half done; the cursor starts again. */
	void (*restart)(struct vmem_driver *d);
	/* Blocks that are plugged and not added: unplug them. */
	int (*pending)(struct vmem_driver *d);
	/* Blocks that are added and empty: remove them. */
	int (*cleanup)(struct vmem_driver *d);
	/* units > 0 of sub-blocks or big blocks, as many as a step may do. */
	int (*plug)(struct vmem_driver *d, uint64_t units);
	int (*unplug)(struct vmem_driver *d, uint64_t units);
	/* pfn is one of the driver's memory blocks. */
	int (*notify)(struct vmem_driver *d, enum vmem_event event,
		      uint64_t pfn, enum vmem_zone zone);
	bool (*usable)(const struct vmem_driver *d, uint64_t pfn);
	/* Pages of memory blocks that are added and offline, as a whole; and
	 * of all that are plugged and not online, exactly. */
	uint64_t (*offline)(const struct vmem_driver *d);
	uint64_t (*plugged_offline)(const struct vmem_driver *d);
};

extern const struct vmem_mode vmem_sbm;
extern const struct vmem_mode vmem_bbm;

enum vmem_phase {
	VMEM_PHASE_REST, /* no run; see due, blocked */
	VMEM_PHASE_START,
	VMEM_PHASE_PENDING,
	VMEM_PHASE_CLEANUP,
	VMEM_PHASE_WORK,
};

/* BBM: what an added big block's memory blocks are, for the passes. */
enum vmem_class {
	VMEM_CLASS_OFFLINE, /* all of them */
	VMEM_CLASS_MOVABLE, /* or MOVABLE */
	VMEM_CLASS_KERNEL,  /* some KERNEL */
	VMEM_CLASSES
};

/* Where a run is while it unplugs (SBM, BBM), or cleans up. */
struct vmem_cursor {
	unsigned int pass;
	unsigned int round; /* SBM, of passes over what is online */
	uint64_t least;	    /* cost of what the round passed over, or NONE */
	uint64_t below; /* blocks from here on were looked at, in this pass */
	uint64_t block; /* being worked on, or VMEM_NONE */
	uint64_t part;	/* SBM: sub-blocks from here on were tried; BBM: memory
			 * blocks before it are fake-offline */
	uint64_t empty; /* cleanup: blocks before it were tried */
};

struct vmem_driver {
	struct vmem_driver_config config;
	const struct vmem_mode *mode;
	struct vmem_config device; /* as last read; not its plugged */
	uint64_t memory_block;	   /* pages */
	uint64_t size;		   /* pages a block */
	uint64_t unit;		   /* pages a sub-block, or size */
	uint64_t parts; /* of a block: sub-blocks, or memory blocks */
	uint64_t first; /* pfn of block 0 */
	uint64_t blocks;
	uint64_t reach;	  /* blocks in the usable region */
	uint64_t next;	  /* blocks from here on are new */
	uint64_t plugged; /* pages */
	uint64_t threshold;

	void *memory; /* of all that follows */
	size_t memory_bytes;
	uint8_t *state; /* a block */
	uint64_t *bits; /* SBM: sub-blocks that are plugged; BBM: memory blocks
			 * that are online and kept fake-offline */
	uint8_t *part;	/* BBM: memory blocks: bbm_part */
	struct hbits map[SBM_STATES];	  /* blocks by state */
	struct hbits empty;		  /* SBM: added, nothing plugged */
	struct hbits class[VMEM_CLASSES]; /* BBM: added blocks */
	uint64_t offline_parts;		  /* BBM: memory blocks */

	enum vmem_phase phase;
	struct vmem_cursor at;
	uint64_t held;	     /* pfn of the memory block in use, or VMEM_NONE */
	uint64_t held_pages; /* from there */
	unsigned int going;  /* notifiers that were asked and not yet told */
	bool stepping;
	bool changed; /* the configuration, since it was read */
	bool kicked;  /* run again */
	bool unplug_all;
	bool nacked; /* since the last ACK or change */
	bool blocked;
	bool broken;
	bool reached; /* and told so */
	int skipped;  /* worst of what the run passed over */
	int last_error;
	uint64_t delay; /* ms of the next wait */
	uint64_t due;	/* 0: no timer */
	uint64_t busy;
	uint64_t moved;
	uint64_t retries;
};

/* --- what the modes and the worker use of vmem_driver.c --------------------
 */

static inline uint64_t vmem_max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static inline bool vmem_could_add(const struct vmem_driver *d, uint64_t pages)
{
	return d->mode->offline(d) + pages <= d->threshold;
}

/* A request and what its answer means; see vmem_plug. */
int vmem_send(struct vmem_driver *d, enum vmem_request_type type, uint64_t pfn,
	      uint64_t pages);

static inline uint64_t vmem_block_pfn(const struct vmem_driver *d,
				      uint64_t block)
{
	return d->first + block * d->size;
}

/* A block's state and its place in the maps. */
void vmem_set_state(struct vmem_driver *d, uint64_t block, unsigned int state);
/* The next block to plug and add: the lowest unused one, else a new one.
 * 0, or -ENOSPC: none, or the offline threshold is in the way. */
int vmem_next_block(struct vmem_driver *d, uint64_t *block);
/*
 * Requests to the device; the mm is told. -EAGAIN: the configuration has
 * changed (nothing was sent) or the device said NACK; -ETXTBSY: BUSY; -EINVAL:
 * ERROR, or an answer that is none.
 */
int vmem_plug(struct vmem_driver *d, uint64_t pfn, uint64_t pages);
int vmem_unplug(struct vmem_driver *d, uint64_t pfn, uint64_t pages);
/* Take a plugged range of online blocks out of use; bring it back. */
int vmem_take(struct vmem_driver *d, uint64_t pfn, uint64_t pages);
void vmem_return(struct vmem_driver *d, uint64_t pfn, uint64_t pages);
/* Memory blocks of the range cannot go on- or offline until the release. */
void vmem_hold(struct vmem_driver *d, uint64_t pfn, uint64_t pages);
void vmem_release(struct vmem_driver *d);
/* Memory blocks were removed: something more may be possible now. */
void vmem_kick(struct vmem_driver *d);
/* The run goes on without it, and ends with the error if that is not enough.
 * skip: memory at pfn is busy, which is told; of a veto the mm tells. */
void vmem_pass(struct vmem_driver *d, int error);
void vmem_skip(struct vmem_driver *d, int error, uint64_t pfn);
void vmem_tell(struct vmem_driver *d, unsigned int event, uint64_t pfn,
	       uint64_t value);

static inline bool vmem_passable(int error)
{
	return error == -EBUSY || error == -ENOMEM;
}

#endif
