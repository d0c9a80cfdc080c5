/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim: a software MMU that walks the core's tables by the x86-64 rules.
 *
 * Every CPU has a set-associative TLB tagged with address-space ids, and it
 * really caches: a translation that the core forgot to invalidate is used
 * until it falls out, so a missing flush is seen as a stale read or a lost
 * write. pager_sim_check compares every cached translation with the tables.
 */
#ifndef LIB_MMU_SIM_H
#define LIB_MMU_SIM_H

#include "lib/core/host.h"
#include "lib/core/mmu.h"

struct pager_sim;

/* cpus: 1 .. 64. NULL: out of memory, or cpus out of range. */
struct pager_sim *pager_sim_new(const struct pager_host *host,
				unsigned int cpus);
/* No space may be attached. */
void pager_sim_free(struct pager_sim *sim);
/* What spaces are made with. */
struct pager_mmu pager_sim_mmu(struct pager_sim *sim);

struct pager_sim_stats {
	uint64_t hits;
	uint64_t misses;
	uint64_t faults;
	uint64_t page_flushes;
	uint64_t space_flushes;
	uint64_t frame_flushes;
};
void pager_sim_stats(const struct pager_sim *sim, struct pager_sim_stats *out);

/* Walk the space's table as a CPU would for one user access, setting accessed
 * and dirty, past the TLB. Returns the leaf entry's frame address and whether
 * the page is large, or a fault with its x86-64 error code. */
struct pager_sim_walk {
	bool fault;
	uint32_t code;	    /* PAGER_PF_* */
	uint64_t entry;	    /* the entry that ended the walk */
	unsigned int level; /* of that entry: 0, or 1 and 2 for large pages */
	uint64_t pa;	    /* of the byte */
	bool writable;
	bool executable;
};
struct pager_sim_walk pager_sim_walk(struct pager_sim *sim,
				     struct pager_space *space, uint64_t va,
				     uint32_t access);

/* Test hook: leave out the next n flushes (invalidate and write_protect). */
void pager_sim_skip_flushes(struct pager_sim *sim, unsigned int n);

/* Is every cached translation of the space still what its table says? False:
 * *vpn is the first that is stale. */
bool pager_sim_check(const struct pager_sim *sim,
		     const struct pager_space *space, uint64_t *vpn);

#endif
