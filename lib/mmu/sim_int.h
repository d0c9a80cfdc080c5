/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the walker, the TLB and the backend table of sim share.
 */
#ifndef LIB_MMU_SIM_INT_H
#define LIB_MMU_SIM_INT_H

#include "lib/core/internal.h"
#include "lib/mmu/sim.h"

enum { TLB_SETS = 64, TLB_WAYS = 4 };

struct tlb_entry {
	uint64_t asid; /* 0: empty */
	uint64_t vpn;
	uint64_t pfn;
	uint8_t writable;
	uint8_t executable;
	uint8_t dirty; /* D is set in the table: writes need no walk */
};

struct tlb {
	struct tlb_entry way[TLB_SETS][TLB_WAYS];
	uint8_t victim[TLB_SETS];
};

struct pager_sim {
	struct pager_host host;
	unsigned int cpus;
	uint64_t next_asid;
	uint64_t spaces;
	unsigned int skip;
	struct pager_mmu_ops ops;
	struct pager_sim_stats stats;
	struct tlb tlb[];
};

struct tlb_entry *tlb_find(struct pager_sim *sim, unsigned int cpu,
			   uint64_t asid, uint64_t vpn);
void tlb_fill(struct pager_sim *sim, unsigned int cpu, struct tlb_entry e);
/* Forget one page of a space on each of the CPUs (a bit mask). */
void tlb_flush_page(struct pager_sim *sim, uint64_t cpus, uint64_t asid,
		    uint64_t vpn);

/* Forget whatever leads to one of the frames, on all CPUs. */
void tlb_flush_frames(struct pager_sim *sim, uint64_t pfn, uint64_t pages);

/* The walk; mark: set accessed and dirty as the hardware would. */
struct pager_sim_walk sim_walk(const struct pager_core *core, uint32_t root,
			       uint64_t va, uint32_t access, bool mark);

#endif
