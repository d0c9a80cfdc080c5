/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The contract between the model and a page-table backend.
 *
 * The table is the truth and the core writes it; a backend is whatever walks
 * it (a software MMU, a KVM guest) and may cache what it walked. The core
 * tells it what to forget. Every slot is filled; an optional ability is a
 * capability bit.
 *
 * Order of death, kept by the core: clear the entry (store), invalidate the
 * range in every space that may cache it, drop the reference, free.
 */
#ifndef LIB_CORE_MMU_H
#define LIB_CORE_MMU_H

#include "lib/core/types.h"

struct pager_space;

/* Why a walk stopped: an x86-64 page-fault error code and the address. */
#define PAGER_PF_PRESENT  0x01u
#define PAGER_PF_WRITE	  0x02u
#define PAGER_PF_USER	  0x04u
#define PAGER_PF_RESERVED 0x08u
#define PAGER_PF_FETCH	  0x10u

struct pager_mmu_fault {
	uint64_t vpn;
	uint32_t code; /* PAGER_PF_* */
};

enum pager_access_result {
	PAGER_ACCESS_DONE = 0,
	PAGER_ACCESS_FAULT = 1,	 /* *fault says where and why; nothing done */
	PAGER_ACCESS_NODATA = 2, /* translated, but there is no memory */
};

/* Capabilities. */
/* Install is one plain 64-bit store: the core may make it itself. */
#define PAGER_MMU_PLAIN_STORE 0x1u
/* It sets A at every level, and D at the last, as x86-64 hardware does. */
#define PAGER_MMU_DIRTY_BITS  0x2u

struct pager_mmu_ops {
	const char *name;
	uint32_t caps;
	unsigned int cpus; /* how many may make accesses: 0 .. cpus - 1 */

	/* A space begins to use this backend. Returns 0, or -1 if the backend
	 * has no room; then detach is not called. */
	int (*attach)(void *mmu, struct pager_space *space);
	/* The space ends: forget all of it. */
	void (*detach)(void *mmu, struct pager_space *space);

	/* Store an entry, atomically, on behalf of every space that can reach
	 * it. The only way entries change but for the accessed and dirty bits,
	 * which belong to the MMU. Narrowing stores are followed by an
	 * invalidate or write_protect before anything depends on them. */
	void (*install)(void *mmu, uint64_t *slot, uint64_t entry);

	/* Forget translations of the range (all of them). */
	void (*invalidate)(void *mmu, struct pager_space *space,
			   struct pager_range range);
	/* Forget at least the writable translations of the range. */
	void (*write_protect)(void *mmu, struct pager_space *space,
			      struct pager_range range);

	/* Forget every translation, of any space, to the frames from pfn on. */
	void (*forget)(void *mmu, struct pager_pfn pfn, uint64_t pages);

	/* Change bits of an entry, atomically with what a processor may be
	 * marking in it: clear some, set others; returns what was there. A
	 * processor that has cached D goes on writing without setting it until
	 * the core invalidates. */
	uint64_t (*take)(void *mmu, uint64_t *slot, uint64_t clear,
			 uint64_t set);

	/* One access of len bytes at offset in_page of page vpn (within the
	 * page) by a CPU: user mode, walking the space's table, setting
	 * accessed and dirty. buf is read for WRITE, written otherwise; an
	 * EXEC access reads. */
	enum pager_access_result (*access)(void *mmu, unsigned int cpu,
					   struct pager_space *space,
					   uint64_t vpn, unsigned int in_page,
					   void *buf, unsigned int len,
					   uint32_t access,
					   struct pager_mmu_fault *fault);
};

/* A backend as a space holds it. */
struct pager_mmu {
	const struct pager_mmu_ops *ops;
	void *mmu;
};

#endif
