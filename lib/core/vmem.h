/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-mem as two machines that know nothing of each other but the requests
 * between them (virtio 1.2, 5.15; the behaviour of QEMU's device and of Linux's
 * driver):
 *
 *	      requested size                     vmem_mm: blocks, zones
 *	            |                                     ^
 *	            v     PLUG UNPLUG UNPLUG_ALL STATE    |
 *	  +---------------+ <----------------- +---------------+
 *	  | device        |  ACK NACK BUSY ERR | driver        |
 *	  | backing,      | -----------------> | SBM or BBM,   |
 *	  | listeners     |  configuration     | worker        |
 *	  +---------------+                    +---------------+
 *
 * Either can be run against a scripted other side: the link and the mm are
 * tables of functions. All sizes are in pages, all places are pfns of the
 * physical layout; "block" alone is the device's, a "memory block" is what
 * goes on- and offline, a "sub-block" what the driver plugs inside of one.
 */
#ifndef LIB_CORE_VMEM_H
#define LIB_CORE_VMEM_H

#include "lib/core/host.h"
#include "lib/core/types.h"

/* --- the link ---------------------------------------------------------------
 */

enum vmem_request_type {
	VMEM_PLUG,
	VMEM_UNPLUG,
	VMEM_UNPLUG_ALL, /* pfn and blocks do not matter */
	VMEM_STATE,
};

enum vmem_response {
	VMEM_ACK,
	VMEM_NACK,  /* more than requested: not now */
	VMEM_BUSY,  /* cannot be done now: try again later */
	VMEM_ERROR, /* a wrong request */
};

enum vmem_state { VMEM_PLUGGED, VMEM_UNPLUGGED, VMEM_MIXED };

struct vmem_request {
	enum vmem_request_type type;
	uint64_t pfn;	 /* of the first block */
	uint64_t blocks; /* of the device's block size */
};

struct vmem_answer {
	enum vmem_response response;
	enum vmem_state state; /* of STATE that was ACKed */
};

/* What the driver reads; see virtio 1.2, 5.15.4. Pages and a pfn. */
struct vmem_config {
	uint64_t block;	 /* a power of two */
	uint64_t addr;	 /* multiple of block */
	uint64_t region; /* multiple of block; fixed, as the three above */
	uint64_t usable; /* requests beyond it are errors */
	uint64_t plugged;
	uint64_t requested;
	uint32_t node;
};

struct vmem_link_ops {
	struct vmem_answer (*request)(void *device,
				      const struct vmem_request *request);
	void (*config)(void *device, struct vmem_config *out);
};

struct vmem_link {
	const struct vmem_link_ops *ops;
	void *device;
};

/* --- listeners --------------------------------------------------------------
 */

/* What happens to a range of physical memory. The three marked with a star
 * ask: an answer other than 0 is a veto, and those that had agreed are told
 * CANCEL of it in reverse order. The others only tell. */
enum vmem_event {
	VMEM_PLUGGING = 1,	  /* * device: before the bitmap is set */
	VMEM_CANCEL_PLUGGING = 2, /* */
	VMEM_UNPLUGGED_NOW = 3,	  /* device: discarded; before the bit goes */
	VMEM_GOING_ONLINE = 4,	  /* * memory block */
	VMEM_CANCEL_ONLINE = 5,	  /* */
	VMEM_ONLINE = 6,	  /* */
	VMEM_GOING_OFFLINE = 7,	  /* * */
	VMEM_CANCEL_OFFLINE = 8,  /* */
	VMEM_OFFLINE = 9,	  /* */
};

/* Told in the order they were added. Inside of notify, PLUG and UNPLUG are
 * answered BUSY, and listeners stay as they are. */
struct vmem_listener {
	int (*notify)(void *ctx, enum vmem_event event, uint64_t pfn,
		      uint64_t pages);
	void *ctx;
	struct vmem_listener *next; /* the list's; zero before it is added */
};

/* --- the device --------------------------------------------------------------
 */

/* Where the bytes come from. Both may be NULL: simulated memory. Each call
 * works or changes nothing. */
struct vmem_backing {
	void *ctx;
	/* Make sure that there is memory behind the range, reading as zero.
	 * 0, or a negative errno (-ENOSPC: the answer is BUSY). The range may
	 * have been committed before, without having been plugged. */
	int (*commit)(void *ctx, uint64_t pfn, uint64_t pages);
	/* Give it back; an access afterwards is an error. 0 or -errno (BUSY).
	 * Some of the range may never have been committed: UNPLUG_ALL is one
	 * call for the whole region. */
	int (*discard)(void *ctx, uint64_t pfn, uint64_t pages);
};

struct vmem_device;

struct vmem_device_config {
	struct pager_host host;
	uint64_t addr;
	uint64_t region;
	uint64_t block;
	uint64_t requested; /* at first */
	uint32_t node;
	struct vmem_backing backing;
};

/*
 * A request is checked in this order (QEMU's):
 *   1. aligned, not empty, inside of the usable region; else ERROR
 *   2. PLUG: plugged + that <= requested; else NACK
 *   3. PLUG: every block is unplugged, UNPLUG: plugged; else ERROR
 *   4. no other request is under way, the backing and every listener agree;
 *      else BUSY
 * and is done whole or not at all. PLUG commits, asks the listeners, and sets
 * the bits; UNPLUG and UNPLUG_ALL discard, tell the listeners (each run of
 * blocks), and clear the bits. Fail points: vmem.commit, vmem.discard.
 *
 * Nothing is plugged. NULL: no memory (fail point "host"), or sizes that are
 * not multiples of the block, which must be a power of two.
 */
struct vmem_device *vmem_device_new(const struct vmem_device_config *config);
/* Whatever is plugged is forgotten, not discarded. */
void vmem_device_free(struct vmem_device *device);
struct vmem_link vmem_device_link(struct vmem_device *device);
/*
 * The user's wish. EALIGN: not a multiple of block; ERANGE: beyond the region.
 * usable grows with it: QEMU keeps it at requested + 2 * max(block, 128 MiB),
 * at most the region, and at 0 if nothing is requested; it never shrinks here,
 * but with UNPLUG_ALL and reset. The same wish again is no change.
 */
struct pager_status vmem_device_resize(struct vmem_device *device,
				       uint64_t requested);
/* As after a machine's reset: everything unplugged and discarded, usable as
 * requested says. 0, or -EBUSY if it could not be discarded: no change. */
int vmem_device_reset(struct vmem_device *device);
/* Called on every change of requested (and by reset): the driver's config
 * interrupt. */
void vmem_device_on_config(struct vmem_device *device, void (*fn)(void *ctx),
			   void *ctx);
/* The caller owns the listener, and removes it before it dies. */
void vmem_device_listen(struct vmem_device *device, struct vmem_listener *l);
void vmem_device_unlisten(struct vmem_device *device, struct vmem_listener *l);
/* Is every block of the range plugged? For checks of accesses. O(blocks/64).
 * No, if it is empty or leaves the region. */
bool vmem_device_is_plugged(const struct vmem_device *device, uint64_t pfn,
			    uint64_t pages);
/* For recounts: the bits and the sizes agree, nothing is plugged beyond
 * usable, and no request is under way. */
bool vmem_device_check(const struct vmem_device *device);

/* --- what the driver asks of the memory manager ------------------------------
 */

enum vmem_zone { VMEM_ZONE_KERNEL = 0, VMEM_ZONE_MOVABLE = 1, VMEM_ZONES = 2 };

/* Errors are negative errnos: -ENOMEM, -EBUSY, -EINVAL, others. A memory
 * block is named by its first pfn, a run of them by its first and the pages of
 * all. The driver hears of the blocks' ways on- and offline by
 * vmem_driver_notify, from inside of these calls too. The mm tells ADD, REMOVE,
 * ONLINE, OFFLINE and vetoes as events; the driver tells the rest. */
struct vmem_mm_ops {
	uint64_t (*memory_block)(void *mm); /* pages a memory block: 2^n */
	/* The device has plugged the range, which reads as zero: it can be
	 * used once its block is online (fake_online follows if it is); or has
	 * unplugged it, and all is lost: it was offline, fake-offline, or of a
	 * block that is not added, which is only noted. */
	void (*plugged)(void *mm, uint64_t pfn, uint64_t pages);
	void (*unplugged)(void *mm, uint64_t pfn, uint64_t pages);
	/* Memory hot-add of a run of memory blocks, whole or not at all: they
	 * exist, offline, or online at once if the policy says so; what is not
	 * plugged of them is never given out. */
	int (*add)(void *mm, uint64_t pfn, uint64_t pages);
	/* A run of offline blocks is forgotten. -EBUSY: one is not offline. */
	int (*remove)(void *mm, uint64_t pfn, uint64_t pages);
	/* Both in one of a run of which some may be offline already; if one
	 * cannot go offline, those that went are online again. */
	int (*offline_and_remove)(void *mm, uint64_t pfn, uint64_t pages);
	/* Take a plugged range of an online block out of use, moving what is
	 * there elsewhere. All or nothing. moved: pages moved, added to. */
	int (*fake_offline)(void *mm, uint64_t pfn, uint64_t pages,
			    uint64_t *moved);
	/* A range that was taken out so, or was just plugged, is in use. */
	void (*fake_online)(void *mm, uint64_t pfn, uint64_t pages);
	/* Of the range's pages, those that would have to be moved, and those
	 * that cannot. Cheap; an estimate is enough. */
	uint64_t (*in_use)(void *mm, uint64_t pfn, uint64_t pages,
			   uint64_t *unmovable);
};

struct vmem_mm {
	const struct vmem_mm_ops *ops;
	void *mm;
};

/* --- the driver --------------------------------------------------------------
 */

enum vmem_sbm_state {
	SBM_UNUSED,
	SBM_PLUGGED, /* plugged, not added: neither add nor unplug worked */
	SBM_OFFLINE,
	SBM_OFFLINE_PARTIAL,
	SBM_KERNEL,
	SBM_KERNEL_PARTIAL,
	SBM_MOVABLE,
	SBM_MOVABLE_PARTIAL,
	SBM_STATES
};

enum vmem_bbm_state {
	BBM_UNUSED,
	BBM_PLUGGED,
	BBM_ADDED,
	BBM_FAKE_OFFLINE,
	BBM_STATES
};

struct vmem_driver;

struct vmem_driver_config {
	struct pager_host host;
	struct vmem_link link;
	struct vmem_mm mm;
	uint64_t unit;	    /* largest allocation unit of the mm, pages */
	bool force_bbm;	    /* else: SBM if a sub-block fits a memory block */
	uint64_t bbm_block; /* pages; 0: the smallest that is allowed */
	bool offline_only;  /* do not unplug what is online */
	bool in_order;	    /* SBM: unplug from the top even where that moves
			     * memory that could stay, as Linux does */
	bool unsafe;	    /* BBM: no fake-offline before the offlining */
	uint64_t piece;	    /* pages that a step gives back at most of what is
			     * online, at least a sub-block; 0: a memory block */
	uint64_t threshold; /* of offline memory, whole blocks, in pages;
			     * 0: 1 GiB; at least two blocks (or big ones) */
	uint64_t retry_ms;  /* 0: 50,000; doubles up to the next */
	uint64_t retry_max_ms; /* 0: 300,000 */
	/* Told of each step; may be NULL. */
	void (*event)(void *ctx, unsigned int type, uint64_t pfn,
		      uint64_t value);
	void *ctx;
};

/* Reads the configuration. NULL: no memory (fail point "host"), or sizes that
 * do not fit: unit and bbm_block are powers of two, a big block is neither
 * smaller than a memory block nor than the device's, one fits the region. */
struct vmem_driver *vmem_driver_new(const struct vmem_driver_config *config);
/* All blocks must be unused, or the mm must be going too. */
void vmem_driver_free(struct vmem_driver *driver);
/* The configuration changed: again at once, visibly. */
void vmem_driver_config_changed(struct vmem_driver *driver);
/* From the mm: a memory block (its first pfn) goes on- or offline, to or from
 * a zone. Returns 0, or -EBUSY as a veto of GOING_OFFLINE. */
int vmem_driver_notify(struct vmem_driver *driver, enum vmem_event event,
		       uint64_t pfn, enum vmem_zone zone);
/* Of a block that comes online: is the sub-block at pfn plugged? */
bool vmem_driver_is_plugged(const struct vmem_driver *driver, uint64_t pfn);

enum vmem_work {
	VMEM_IDLE,    /* nothing to do until the configuration changes */
	VMEM_MORE,    /* call again */
	VMEM_WAIT,    /* not before *due_ms */
	VMEM_BLOCKED, /* out of the offline threshold: waits for an event */
	VMEM_BROKEN,  /* for good */
};
/*
 * One step of the worker at the time now_ms (any clock that only grows): at
 * most one sub-block (SBM) or one memory block (BBM; unsafe: a big block) whose
 * contents have to be moved, or at most one memory block's worth of work that
 * moves nothing. Between a question to vmem_driver_notify and its end nothing
 * is done.
 */
enum vmem_work vmem_driver_step(struct vmem_driver *driver, uint64_t now_ms,
				uint64_t *due_ms);

struct vmem_driver_info {
	bool bbm;
	bool broken;
	uint64_t sub_block; /* pages: of a sub-block, or of a big block */
	uint64_t requested; /* as last read */
	uint64_t plugged;
	uint64_t offline; /* pages plugged and not online, PLUGGED ones too */
	uint64_t threshold;
	uint64_t states[SBM_STATES]; /* blocks by state, of the mode */
	uint64_t busy;		     /* times something was busy */
	uint64_t moved;		     /* pages moved */
	uint64_t retries;
	uint64_t due_ms; /* of the next try, or 0 */
	int last_error;	 /* negative errno of the last run, or 0 */
};
void vmem_driver_info(const struct vmem_driver *driver,
		      struct vmem_driver_info *out);
/* State of the memory block (SBM) or big block (BBM) that holds pfn. */
unsigned int vmem_driver_state(const struct vmem_driver *driver, uint64_t pfn);

#endif
