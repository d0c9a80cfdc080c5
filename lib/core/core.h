/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The model's public face: everything the server, the tests and the benchmarks
 * may call. One pager_core is a whole machine: one frame pool, one arena of
 * table nodes, accounts, memory objects, spaces.
 *
 * Single-threaded, deterministic, no system calls. Every call is plan, then
 * commit: it succeeds whole or changes nothing that can be observed. All
 * ranges are in pages.
 */
#ifndef LIB_CORE_CORE_H
#define LIB_CORE_CORE_H

#include "lib/core/dirty.h"
#include "lib/core/host.h"
#include "lib/core/mmu.h"
#include "lib/core/pool.h"
#include "lib/core/types.h"

struct pager_core;
struct pager_space;
struct pager_object;
struct pager_region;
struct pager_account;

/* --- the machine ---------------------------------------------------------- */

struct pager_core_config {
	struct pager_host host;
	uint64_t frames; /* boot memory, from pfn 0 on; 2 .. the arena's base */
	uint64_t span;	 /* pfns that pools may use end here; 0: frames; at
			  * most 2^32 - 2 */
	uint64_t memory_block; /* pages; 0: 32,768 (128 MiB) */
	uint8_t *memory;       /* span * 4096 bytes of address space, or NULL:
				* simulated. Those of frames are there and zero; those
				* of a pool once its backing has committed them. */
	uint64_t nodes;	       /* size of the table arena, 16 .. 2^22 - 2 */
	uint8_t *tables;       /* nodes * 4096 zeroed, page-aligned bytes */
};

/* The physical layout that entries use: boot memory from 0 on, pools above it,
 * and the arena where neither may reach. */
#define PAGER_ARENA_BASE_PFN UINT64_C(0x7800000) /* 480 GiB */
#define PAGER_ARENA_END_PFN  UINT64_C(0x8000000) /* 512 GiB */

struct pager_stats {
	uint64_t frames_total; /* online */
	uint64_t frames_used;  /* with a reference; the zero frame too */
	uint64_t frames_free;  /* that can be given to movable pages now */
	uint64_t frames_peak;
	uint64_t nodes_total;
	uint64_t nodes_used;
	uint64_t nodes_peak;
	uint64_t spaces;
	uint64_t objects;
	uint64_t regions;
	uint64_t forks;
	uint64_t minor_faults;
	uint64_t major_faults;
	uint64_t cow_copies;
	uint64_t cow_reuses;
	uint64_t zero_fills;
	uint64_t node_copies; /* table nodes unshared after a fork */
	uint64_t recounts;
	uint64_t migrations;   /* pages moved to another frame */
	uint64_t around_fills; /* runs of 64 KiB filled by one fault */
	uint64_t large_fills;  /* of 2 MiB */
	uint64_t large_splits;
	uint64_t large_collapses;
	uint64_t large_entries;	 /* now */
	uint64_t metadata_bytes; /* nodes, frame records, regions, spaces */
};

/* NULL: out of memory or a configuration outside the limits above. */
struct pager_core *pager_core_new(const struct pager_core_config *config);
/* All spaces and objects must be gone. */
void pager_core_free(struct pager_core *core);
void pager_core_stats(const struct pager_core *core, struct pager_stats *out);

/*
 * The full recount: every frame and node has exactly the references that the
 * tables and objects give it, sums match, regions are sorted, disjoint, inside
 * their space and indexed right, permissions imply ownership, accounts add up.
 * ENOMEM if there is no room to count in, ECORRUPT with the first difference
 * as a sentence in why (cut to size), else OK.
 */
struct pager_status pager_core_recount(struct pager_core *core, char *why,
				       size_t size);

/* --- accounts: who is charged --------------------------------------------- */

enum pager_resource {
	PAGER_RES_SPACES,
	PAGER_RES_OBJECTS,
	PAGER_RES_REGIONS,
	PAGER_RES_PAGES,  /* virtual, of all spaces, and sizes of objects */
	PAGER_RES_FRAMES, /* allocated for this account and not yet freed */
	PAGER_RES_NODES,  /* table nodes, likewise */
	PAGER_RES_COUNT
};

/* Limits are inclusive; UINT64_MAX is none. NULL if there is no memory or
 * 65,534 accounts are alive. The account dies when it is put and nothing is
 * charged to it any more. */
struct pager_account *pager_account_new(struct pager_core *core,
					const uint64_t limit[PAGER_RES_COUNT]);
void pager_account_put(struct pager_account *account);
void pager_account_set_limits(struct pager_account *account,
			      const uint64_t limit[PAGER_RES_COUNT]);
uint64_t pager_account_used(const struct pager_account *account,
			    enum pager_resource resource);

/* --- memory objects --------------------------------------------------------
 */

/* size in pages, 0 .. 2^36. The caller holds one reference. */
struct pager_status pager_object_new(struct pager_core *core,
				     struct pager_account *account,
				     uint64_t size, struct pager_object **out);
struct pager_object *pager_object_get(struct pager_object *object);
void pager_object_put(struct pager_object *object);
/* Growing adds empty pages. Shrinking drops the pages beyond the end and
 * unmaps them everywhere, private copies of them too, as truncate does. */
struct pager_status pager_object_resize(struct pager_object *object,
					uint64_t size);

struct pager_object_info {
	uint64_t size;	   /* pages */
	uint64_t resident; /* pages with a frame */
	uint64_t mappings; /* regions that map it */
	uint64_t id;	   /* unique in the life of the core */
};
void pager_object_info(const struct pager_object *object,
		       struct pager_object_info *out);

/* --- spaces ----------------------------------------------------------------
 */

struct pager_limits {
	uint64_t regions;  /* at most so many; 0: the default 65,530 */
	uint64_t pages;	   /* virtual; 0: none */
	uint64_t resident; /* pages; 0: none */
	uint64_t stack;	   /* pages a grows-down region may have; 0: 2,048 */
};

/* range: where regions may lie, inside [0, 2^36). */
struct pager_status
pager_space_new(struct pager_core *core, struct pager_account *account,
		struct pager_mmu mmu, struct pager_range range,
		const struct pager_limits *limits, struct pager_space **out);
/* Constant in pages; linear in regions. The child is charged to account and
 * starts with zeroed counters. */
struct pager_status pager_space_fork(struct pager_space *parent,
				     struct pager_account *account,
				     struct pager_space **out);
/* exec: all regions go; range, limits, backend and identity stay. Counters of
 * faults and the peak start again. */
void pager_space_clear(struct pager_space *space);
void pager_space_free(struct pager_space *space);
/* Charge what comes from now on, and the space, its regions and its virtual
 * pages, to another account; frames and nodes stay where they were charged
 * until they are freed. ELIMIT: the other has no room. */
struct pager_status pager_space_recharge(struct pager_space *space,
					 struct pager_account *account);

struct pager_space_info {
	uint64_t id;	 /* unique in the life of the core */
	uint64_t parent; /* id of the space it was forked from, or 0 */
	uint64_t regions;
	struct pager_range range;
	uint64_t virtual_pages;
	uint64_t resident; /* anon + zero + object */
	uint64_t peak;	   /* of resident */
	uint64_t anon;
	uint64_t zero;
	uint64_t object;
	uint64_t minor_faults;
	uint64_t major_faults;
	uint64_t nodes; /* table nodes only this space has; not O(1): see
			 * pager_space_sharing */
	uint64_t brk_start, brk; /* bytes; 0: not set */
};
/* O(1) (nodes is 0 here). */
void pager_space_info(const struct pager_space *space,
		      struct pager_space_info *out);

/* Pages that only this space can reach; pages that others can reach too; and
 * its proportional part, in 1/4096 pages. Below a table node that is shared as
 * a whole nothing is walked: see ARCHITECTURE.md for the definition. */
struct pager_sharing {
	uint64_t private_pages;
	uint64_t shared_pages;
	uint64_t proportional; /* unit: 1/4096 page, that is bytes */
	uint64_t nodes_private;
	uint64_t nodes_shared; /* reached without entering a shared one */
};
void pager_space_sharing(const struct pager_space *space,
			 struct pager_range range, struct pager_sharing *out);

/* Pages present in a range, by type, from per-node sums. */
struct pager_resident {
	uint64_t anon;
	uint64_t zero;
	uint64_t object;
};
void pager_space_resident(const struct pager_space *space,
			  struct pager_range range, struct pager_resident *out);

/* --- regions ----------------------------------------------------------------
 */

struct pager_map_args {
	uint64_t addr;	/* vpn: hint or place; UINT64_MAX: no wish */
	uint64_t pages; /* > 0 */
	uint32_t prot;	/* PAGER_PROT_* */
	uint32_t flags; /* PAGER_MAP_*: SHARED without object is refused */
	struct pager_object *object; /* or NULL: anonymous */
	uint64_t offset;	     /* first page of the object */
};
struct pager_status pager_space_map(struct pager_space *space,
				    const struct pager_map_args *args,
				    uint64_t *out);
/* Holes are fine. */
struct pager_status pager_space_unmap(struct pager_space *space,
				      struct pager_range range);
/* A hole is EUNMAPPED, and nothing is changed. */
struct pager_status pager_space_protect(struct pager_space *space,
					struct pager_range range,
					uint32_t prot);
struct pager_remap_args {
	uint64_t addr;
	uint64_t pages; /* 0 is allowed for a shared region: a second view */
	uint64_t new_pages; /* > 0 */
	uint32_t flags;	    /* PAGER_REMAP_* */
	uint64_t new_addr;  /* with FIXED */
};
struct pager_status pager_space_remap(struct pager_space *space,
				      const struct pager_remap_args *args,
				      uint64_t *out);
/* Set where the heap starts (bytes); only once until clear. */
struct pager_status pager_space_brk_start(struct pager_space *space,
					  uint64_t start);
/* Move the break (bytes). Refused: the break stays. */
struct pager_status pager_space_brk(struct pager_space *space, uint64_t brk);
struct pager_status pager_space_advise(struct pager_space *space,
				       struct pager_range range,
				       enum pager_advice advice);
/* Pinned ranges are populated and stay resident, in frames of the zone KERNEL
 * that are not moved: DONTNEED and FREE are refused with EBUSY. A page that is
 * shared copy-on-write gets another frame when it is written, nothing else.
 * Not inherited by fork, nor by a second view. unpin: EBUSY for a region mapped
 * CONTIG. */
struct pager_status pager_space_pin(struct pager_space *space,
				    struct pager_range range);
struct pager_status pager_space_unpin(struct pager_space *space,
				      struct pager_range range);

/* How much a write fault may fill at once; off at first, inherited by fork.
 * EINVAL (ARG_FLAGS): no such policy. */
struct pager_status pager_space_set_around(struct pager_space *space,
					   enum pager_around around);

struct pager_region_info {
	struct pager_range range;
	uint32_t prot;
	uint32_t flags;			   /* PAGER_REGION_* */
	const struct pager_object *object; /* or NULL */
	uint64_t offset;
};
/* The first region that ends after vpn. False: there is none. */
bool pager_space_region(const struct pager_space *space, uint64_t vpn,
			struct pager_region_info *out);

/* --- faults and accesses ----------------------------------------------------
 */

struct pager_fault_info {
	enum pager_fault_result result;
	enum pager_signal signal;
	uint32_t copied; /* 1: a frame was copied or zeroed for a write */
	uint64_t pa;	 /* of the page now there; 0 with a signal */
};
/* access: exactly one PAGER_ACCESS_*. A signal is an answer, not a refusal. */
struct pager_status pager_space_fault(struct pager_space *space, uint64_t vpn,
				      uint32_t access,
				      struct pager_fault_info *out);
/* Fault in every page of the range as access would; all or nothing: what is
 * missing is counted and reserved first. EUNMAPPED for a hole, ESIGNAL where
 * the access is not allowed. done: pages installed. */
struct pager_status pager_space_populate(struct pager_space *space,
					 struct pager_range range,
					 uint32_t access, uint64_t *done);
/* Bytes as the space's MMU would access them, faults included; va in bytes.
 * Atomic per page: *done bytes were transferred, whole pages' parts only.
 * ESIGNAL (signal and address in *why), ENODATA, ENOMEM, ELIMIT stop it; with
 * *done > 0 they are reported together with what was done. */
struct pager_access_stop {
	enum pager_signal signal;
	uint64_t va;
};
struct pager_status pager_space_read(struct pager_space *space,
				     unsigned int cpu, uint64_t va, void *buf,
				     uint64_t len, uint64_t *done,
				     struct pager_access_stop *why);
struct pager_status pager_space_write(struct pager_space *space,
				      unsigned int cpu, uint64_t va,
				      const void *buf, uint64_t len,
				      uint64_t *done,
				      struct pager_access_stop *why);

struct pager_page_info {
	uint64_t entry; /* the leaf entry, bit for bit; 0: nothing there */
	uint64_t pa;	/* physical address, bytes, or 0 */
	uint32_t refs;	/* of the frame: table nodes and objects that hold
			 * it; 0 for the zero frame */
	enum pager_page_type type;
	uint32_t access;  /* PAGER_ACCESS_* that would not fault now */
	uint32_t levels;  /* table levels the walk found, 0..4 */
	uint32_t sharers; /* most references of a node on the path (1: the
			   * path is this space's own) */
};
void pager_space_page(const struct pager_space *space, uint64_t vpn,
		      struct pager_page_info *out);

/*
 * Pages that hold something, as they are: no fault, no accessed bit, whatever
 * the protection. The first run of them in the range, max pages at most, goes
 * to buf (room for max). A page that was never written, or is the zero frame,
 * holds nothing; see enum pager_peek. ENODATA: the frames have no memory.
 */
struct pager_peek_info {
	uint64_t first;	   /* the run's first page; next if there is none */
	uint64_t pages;	   /* 0: nothing up to next */
	uint64_t next;	   /* where to go on; the range's end: done */
	uint64_t unbacked; /* the first page before next that lies beyond the
			    * end of its object; 0: none */
	const struct pager_object *object; /* of the run's region, or NULL */
	uint64_t offset;		   /* pages: of first in it */
};
struct pager_status pager_space_peek(const struct pager_space *space,
				     struct pager_range range,
				     enum pager_peek what, void *buf,
				     uint64_t max, struct pager_peek_info *out);

/* Take the accessed and dirty bits of the range: pages whose bits the MMU had
 * set since they were last taken here. Logs see the same writes, whoever asks
 * first. */
struct pager_harvest {
	uint64_t accessed;
	uint64_t dirty;
};
struct pager_harvest pager_space_harvest(struct pager_space *space,
					 struct pager_range range);

/* --- snapshots: all-or-nothing batches --------------------------------------
 */

/*
 * A snapshot is a fork that is never run: taken before a batch, restored if
 * one of its requests is refused. It keeps regions, table, counters and break.
 * Not kept: memory objects' own pages. Only one a space at a time.
 */
struct pager_status pager_space_snapshot(struct pager_space *space);
void pager_space_snapshot_restore(struct pager_space *space);
void pager_space_snapshot_drop(struct pager_space *space);

#endif
