/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The TLBs of sim: one a CPU, 64 sets of 4 ways, tagged with address-space
 * ids that are never used twice. Large pages are cached as 4 KiB pieces.
 */
#include "lib/mmu/sim_int.h"

static unsigned int set_of(uint64_t asid, uint64_t vpn)
{
	return (unsigned int)(vpn ^ asid) & (TLB_SETS - 1);
}

struct tlb_entry *tlb_find(struct pager_sim *sim, unsigned int cpu,
			   uint64_t asid, uint64_t vpn)
{
	struct tlb_entry *way = sim->tlb[cpu].way[set_of(asid, vpn)];

	for (unsigned int i = 0; i < TLB_WAYS; i++)
		if (way[i].asid == asid && way[i].vpn == vpn)
			return &way[i];
	return NULL;
}

void tlb_fill(struct pager_sim *sim, unsigned int cpu, struct tlb_entry e)
{
	struct tlb *tlb = &sim->tlb[cpu];
	unsigned int set = set_of(e.asid, e.vpn);
	struct tlb_entry *old = tlb_find(sim, cpu, e.asid, e.vpn);

	if (!old) {
		old = &tlb->way[set][tlb->victim[set]];
		tlb->victim[set] = (tlb->victim[set] + 1) % TLB_WAYS;
	}
	*old = e;
}

void tlb_flush_page(struct pager_sim *sim, uint64_t cpus, uint64_t asid,
		    uint64_t vpn)
{
	for (unsigned int cpu = 0; cpus; cpu++, cpus >>= 1) {
		struct tlb_entry *e =
		    cpus & 1 ? tlb_find(sim, cpu, asid, vpn) : NULL;

		if (e)
			e->asid = 0;
	}
}

void tlb_flush_frames(struct pager_sim *sim, uint64_t pfn, uint64_t pages)
{
	for (unsigned int cpu = 0; cpu < sim->cpus; cpu++) {
		struct tlb_entry *e = &sim->tlb[cpu].way[0][0];

		for (unsigned int i = 0; i < TLB_SETS * TLB_WAYS; i++, e++)
			if (e->pfn - pfn < pages)
				e->asid = 0;
	}
}
