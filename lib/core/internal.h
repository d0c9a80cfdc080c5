/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The core's own records. Only lib/core and tests of its insides include this.
 *
 *	core ── frames             (frame.c)   4 + 2 bytes a frame
 *	        zones, chunks      (zone.c, chunk.c)  88 bytes a 2 MiB
 *	     ── arena of nodes     (node.c)    40 bytes a node beside its page
 *	     ── accounts, objects, spaces
 *	space ─ rtree of regions   policy
 *	      ─ table              what is present; the truth
 *
 * Plan and commit: plan makes sure that the stocks (regions, rtree nodes,
 * table nodes, frames) hold enough; commit takes from them and cannot fail.
 * Nothing runs between the two, so a stock needs no reservation of its own.
 */
#ifndef LIB_CORE_INTERNAL_H
#define LIB_CORE_INTERNAL_H

#include "lib/core/core.h"
#include "lib/core/dset.h"
#include "lib/core/pool_int.h"
#include "lib/core/pte.h"
#include "lib/core/rtree.h"
#include "lib/core/zone.h"

#define FRAME_NONE UINT32_MAX
#define NODE_NONE  0u

enum { CORE_MMUS = 16 };

enum frame_state { FRAME_FREE = 0, FRAME_USED = 1, FRAME_LIMBO = 2 };

/* Runs of at least the order were not found: so many calls that ask for one do
 * not search again. */
struct run_pause {
	uint8_t order;
	uint8_t calls;
};

/* Arrays by pfn: as long as the span, in use (touched) only where frames were
 * ever given. That a frame is free says its chunk's bit alone. */
struct frames {
	uint32_t *refs; /* used: who points to it; limbo: the next; free: 0 */
	uint16_t *account; /* used: who pays; limbo: FRAME_IN_LIMBO */
	uint32_t *pins;	   /* zero nearly everywhere */
	struct chunk *chunk;
	uint64_t *zone_words; /* of the zones' bitmaps */
	uint8_t *memory;      /* span * 4096 bytes, or NULL */
	uint64_t used;
	uint64_t peak;
	uint64_t pinned; /* frames with pins */
	struct frame_cache cache[CACHES];
	struct zone zone[VMEM_ZONES];
	struct run_pause run_pause[FRAME_KINDS];
	uint64_t span;
	uint64_t total;	    /* frames of chunks ONLINE or ISOLATED */
	uint64_t top;	    /* no frame from here on was ever given */
	uint64_t added;	    /* chunks that are not ABSENT */
	uint64_t records;   /* frames whose records are in use */
	uint64_t no_frames; /* 0: the word of a cache without a chunk */
	uint32_t chunks;    /* span / 512, rounded up */
	uint32_t chunk_top; /* beyond the highest that was ever added */
	uint32_t limbo;	    /* unreferenced, waiting for the flush */
	uint32_t zero;	    /* the one shared zero frame */
};

/* In the place of an account's id, of which the highest is 65,533. */
#define FRAME_IN_LIMBO UINT16_MAX
/* Bytes of records a frame, where frames are in use: refs, account and place
 * (rmap.h). */
#define FRAME_RECORD_BYTES \
	(sizeof(uint32_t) + sizeof(uint16_t) + sizeof(uint32_t))

/* A table node's record; its 512 entries stand in the arena's page. */
struct node {
	uint32_t refs; /* upper entries that point to it; a root has one */
	uint32_t anon; /* pages below, by type */
	uint32_t zero;
	uint32_t object;
	uint32_t next; /* in the free list or in limbo */
	uint16_t account;
	uint8_t level; /* 0: leaf .. 3: root */
	uint8_t used;  /* enum node_use */
	/* What the reverse map knows of it; see rmap.h. */
	uint32_t family;
	uint32_t base; /* an object's leaf: its pages / 512; else NODE_* */
	union {
		struct {
			uint32_t next;
			uint32_t prev;
		} ring;
		struct pager_object *object; /* an object's leaf */
	} of;
};

enum node_use { NODE_FREE = 0, NODE_USED = 1, NODE_OBJECT = 2 };

/* In base of a leaf that a large entry was split into, or a copy of one: that
 * it was, and that frames of it may be known by a place of level 1. */
#define NODE_SPLIT	 1u
#define NODE_FOUND_ABOVE 2u

/* A place more of a frame that has several. */
struct place {
	uint32_t place;
	uint32_t next; /* index, or 0 */
};

struct rmap {
	uint32_t *place; /* by frame: a place, or RMAP_LIST and an index */
	uint32_t *head;	 /* by family: a member; while free: the next one */
	struct place *list;
	uint64_t span;
	uint32_t families; /* names ever used */
	uint32_t free_family;
	uint32_t fresh; /* places ever used; [0] is none */
	uint32_t room;
	uint32_t used;
	uint32_t free_place;
};

/* Large entries, and the worker that puts split ones together again. */
struct large {
	uint64_t entries;
	uint64_t leaves; /* leaf nodes with NODE_SPLIT */
	uint64_t pass;	 /* leaves collapsed in this one */
	uint64_t due_ms;
	uint64_t wait_ms;
	struct pager_space *space; /* where the pass is, or NULL */
	uint64_t vpn;
};

/* A backend that spaces use. */
struct core_mmu {
	struct pager_mmu mmu;
	uint64_t spaces;
};

struct arena {
	struct node *node;
	uint8_t *pages;
	uint64_t total;
	uint64_t fresh;
	uint64_t used;
	uint64_t peak;
	uint32_t free_head;
	uint32_t limbo;
};

struct pager_account {
	struct pager_core *core;
	uint64_t used[PAGER_RES_COUNT];
	uint64_t limit[PAGER_RES_COUNT];
	uint64_t promised; /* nodes that the plan under way has yet to take */
	uint16_t id;
	bool put; /* its maker let go */
};

/* One radix tree: a space's or an object's. */
struct table {
	struct pager_core *core;
	struct pager_account *account; /* its nodes are charged to it */
	struct pager_mmu mmu;	       /* ops is NULL for an object's */
	uint32_t root;
	/* W that comes back to an upper entry does not reach what is below:
	 * there is a log by write protection. */
	bool guarded;
};

struct pager_object {
	struct pager_core *core;
	struct pager_account *account;
	struct table table; /* root NODE_NONE until the first page */
	uint64_t size;	    /* pages */
	uint64_t id;
	uint64_t refs;
	uint64_t mappings;
	LIST_HEAD(, pager_region) regions;
	LIST_ENTRY(pager_object) all;
	/* Dirty logs (dirty_view.c). */
	uint64_t log_users;  /* views of it in spaces that have a log */
	struct dset written; /* by anybody, not yet told to their logs */
	uint64_t pulled;     /* the core's count of pulls, at the last one */
};

struct pager_space {
	struct pager_core *core;
	struct pager_account *account;
	struct table table;
	struct rtree regions;
	struct pager_region *last; /* where the last fault fell, or NULL */
	struct pager_range range;
	struct pager_limits limits;
	uint64_t id;
	uint64_t parent;
	uint64_t virtual_pages;
	uint64_t peak;
	uint64_t minor_faults;
	uint64_t major_faults;
	uint64_t brk_start; /* bytes */
	uint64_t brk;
	bool lazy;	/* some page may be marked PTE_LAZY */
	uint8_t around; /* PAGER_AROUND_* */
	/* Dirty logs; a view is a shared region. */
	LIST_HEAD(, pager_dirty_log) logs;
	uint32_t log_count;
	uint32_t log_guards;   /* of them by write protection */
	uint32_t log_rings;    /* of them with a ring */
	uint64_t pulled;       /* the core's count of pulls, at the last one */
	uint64_t views;	       /* regions that are shared */
	uint64_t logged_views; /* of objects with log_users */
	struct pager_space *snapshot;
	bool repinned; /* some pin changed since the snapshot */
	LIST_ENTRY(pager_space) snapped; /* if there is one */
	LIST_ENTRY(pager_space) all;
	uint64_t mmu_tag;  /* the backend's: an address-space id */
	uint64_t mmu_cpus; /* the backend's: CPUs that may cache it */
};

struct pager_core {
	struct pager_host host;
	struct frames frames;
	uint64_t memory_block; /* pages that go on- and offline together */
	struct arena arena;
	struct rmap rmap;
	struct large large;
	struct core_mmu mmus[CORE_MMUS];
	struct pools pools;
	struct pager_slab region_slab;
	struct pager_slab space_slab;
	struct pager_slab object_slab;
	struct pager_slab log_slab;
	struct pager_slab dset_slab; /* dirs and blocks (dset.h) */
	struct rtree_pools rtree_pools;
	struct pager_account **accounts; /* by id; 65,536 slots */
	uint32_t account_count;
	uint32_t account_hint;
	uint32_t account_top; /* beyond the highest id ever used */
	LIST_HEAD(, pager_space) spaces;
	LIST_HEAD(, pager_object) objects;
	LIST_HEAD(, pager_space) snapped;  /* those that have a snapshot */
	LIST_HEAD(, pager_dirty_log) logs; /* of all spaces, and orphans */
	uint64_t pulls;
	uint64_t space_count;
	uint64_t object_count;
	uint64_t region_count;
	uint64_t next_id;
	uint64_t reclaims; /* times reclaim took pages: plans start over */
	struct pager_stats stats; /* the counters only */
	size_t host_bytes;	  /* taken from the host */
};

/* Plan: a space more will use the backend. -1: too many backends. */
int core_mmu_get(struct pager_core *core, struct pager_mmu mmu);
void core_mmu_put(struct pager_core *core, struct pager_mmu mmu);
/* Every backend forgets its translations to the frames from first on. */
void core_forget(struct pager_core *core, uint32_t first, uint64_t frames);
/* Store an entry and return what was there, which a processor may have marked
 * up to then: where stores are plain, in one atomic step. */
uint64_t core_swap(struct pager_core *core, uint64_t *slot, uint64_t entry);
/* Store an entry of a table that several spaces may reach. */
void core_store(struct pager_core *core, uint64_t *slot, uint64_t entry);

/* Memory of the host, counted; the fail point is "host". */
void *core_alloc(struct pager_core *core, size_t bytes);
void core_free(struct pager_core *core, void *p, size_t bytes);

#endif
