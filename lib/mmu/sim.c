/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The software MMU as a backend: accesses through TLB and walk, invalidation.
 */
#include "lib/mmu/sim.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "lib/base/failpoint.h"
#include "lib/core/frame.h"
#include "lib/core/table.h"
#include "lib/mmu/sim_int.h"

/* Beyond so many pages a new address-space id is cheaper than single flushes.
 */
enum { FLUSH_SINGLE = 64, MAX_CPUS = 64 };

static int sim_attach(void *mmu, struct pager_space *space)
{
	struct pager_sim *sim = mmu;

	if (pager_fail("sim attach"))
		return -1;
	space->mmu_tag = ++sim->next_asid;
	space->mmu_cpus = 0;
	sim->spaces++;
	return 0;
}

static void sim_detach(void *mmu, struct pager_space *space)
{
	struct pager_sim *sim = mmu;

	assert(sim->spaces > 0);
	sim->spaces--;
	space->mmu_tag = 0; /* its id is never used again: nothing to flush */
}

static void sim_install(void *mmu, uint64_t *slot, uint64_t entry)
{
	(void)mmu;
	*(volatile uint64_t *)slot = entry;
}

static uint64_t sim_take(void *mmu, uint64_t *slot, uint64_t clear,
			 uint64_t set)
{
	_Atomic uint64_t *entry = (_Atomic uint64_t *)slot;
	uint64_t was = atomic_load(entry);

	(void)mmu;
	while (!atomic_compare_exchange_weak(entry, &was, (was & ~clear) | set))
		;
	return was;
}

static bool skipped(struct pager_sim *sim)
{
	if (!sim->skip)
		return false;
	sim->skip--;
	return true;
}

static void sim_invalidate(void *mmu, struct pager_space *space,
			   struct pager_range range)
{
	struct pager_sim *sim = mmu;

	if (skipped(sim))
		return;
	if (!space->mmu_cpus)
		return; /* no CPU has walked it since it got its id */
	if (pager_range_len(range) > FLUSH_SINGLE) {
		space->mmu_tag = ++sim->next_asid;
		space->mmu_cpus = 0;
		sim->stats.space_flushes++;
		return;
	}
	for (uint64_t vpn = range.start; vpn < range.end; vpn++)
		tlb_flush_page(sim, space->mmu_cpus, space->mmu_tag, vpn);
	sim->stats.page_flushes += pager_range_len(range);
}

static void sim_forget(void *mmu, struct pager_pfn pfn, uint64_t pages)
{
	struct pager_sim *sim = mmu;

	if (!skipped(sim))
		tlb_flush_frames(sim, pfn.n, pages);
	sim->stats.frame_flushes += pages;
}

static enum pager_access_result transfer(const struct pager_core *core,
					 uint64_t pfn, unsigned int in_page,
					 void *buf, unsigned int len,
					 uint32_t access)
{
	uint32_t frame = frame_from_pfn(core, (struct pager_pfn){pfn});
	uint8_t *bytes;

	assert(frame != FRAME_NONE);
	bytes = frame_bytes(core, frame);
	if (!bytes)
		return PAGER_ACCESS_NODATA;
	if (access == PAGER_ACCESS_WRITE)
		memcpy(bytes + in_page, buf, len);
	else
		memcpy(buf, bytes + in_page, len);
	return PAGER_ACCESS_DONE;
}

static enum pager_access_result
sim_access(void *mmu, unsigned int cpu, struct pager_space *space, uint64_t vpn,
	   unsigned int in_page, void *buf, unsigned int len, uint32_t access,
	   struct pager_mmu_fault *fault)
{
	struct pager_sim *sim = mmu;
	struct tlb_entry *hit = tlb_find(sim, cpu, space->mmu_tag, vpn);
	struct pager_sim_walk w;

	assert(cpu < sim->cpus && in_page + len <= PAGER_PAGE_SIZE);
	if (hit &&
	    (access != PAGER_ACCESS_WRITE || (hit->writable && hit->dirty)) &&
	    (access != PAGER_ACCESS_EXEC || hit->executable)) {
		sim->stats.hits++;
		return transfer(space->core, hit->pfn, in_page, buf, len,
				access);
	}
	/* A translation that does not allow the access is dropped and walked
	 * again, as a processor does before it faults. */
	sim->stats.misses++;
	w = pager_sim_walk(sim, space, pager_vpn_to_va(vpn), access);
	if (w.fault) {
		if (hit)
			hit->asid = 0;
		sim->stats.faults++;
		*fault = (struct pager_mmu_fault){.vpn = vpn, .code = w.code};
		return PAGER_ACCESS_FAULT;
	}
	space->mmu_cpus |= UINT64_C(1) << cpu;
	tlb_fill(sim, cpu,
		 (struct tlb_entry){.asid = space->mmu_tag,
				    .vpn = vpn,
				    .pfn = w.pa >> PAGER_PAGE_SHIFT,
				    .writable = w.writable,
				    .executable = w.executable,
				    .dirty = (w.entry & PTE_D) != 0});
	return transfer(space->core, w.pa >> PAGER_PAGE_SHIFT, in_page, buf,
			len, access);
}

static const struct pager_mmu_ops sim_ops = {
    .name = "sim",
    .caps = PAGER_MMU_PLAIN_STORE | PAGER_MMU_DIRTY_BITS,
    .attach = sim_attach,
    .detach = sim_detach,
    .install = sim_install,
    .invalidate = sim_invalidate,
    .write_protect = sim_invalidate,
    .forget = sim_forget,
    .take = sim_take,
    .access = sim_access,
};

struct pager_sim *pager_sim_new(const struct pager_host *host,
				unsigned int cpus)
{
	struct pager_sim *sim;
	size_t bytes = sizeof(*sim) + cpus * sizeof(sim->tlb[0]);

	if (cpus == 0 || cpus > MAX_CPUS)
		return NULL;
	sim = host->alloc(host->ctx, bytes);
	if (!sim)
		return NULL;
	sim->host = *host;
	sim->cpus = cpus;
	sim->ops = sim_ops;
	sim->ops.cpus = cpus;
	return sim;
}

void pager_sim_free(struct pager_sim *sim)
{
	struct pager_host host = sim->host;

	assert(sim->spaces == 0);
	host.free(host.ctx, sim,
		  sizeof(*sim) + sim->cpus * sizeof(sim->tlb[0]));
}

struct pager_mmu pager_sim_mmu(struct pager_sim *sim)
{
	return (struct pager_mmu){.ops = &sim->ops, .mmu = sim};
}

void pager_sim_stats(const struct pager_sim *sim, struct pager_sim_stats *out)
{
	*out = sim->stats;
}

void pager_sim_skip_flushes(struct pager_sim *sim, unsigned int n)
{
	sim->skip = n;
}

struct pager_sim_walk pager_sim_walk(struct pager_sim *sim,
				     struct pager_space *space, uint64_t va,
				     uint32_t access)
{
	(void)sim;
	return sim_walk(space->core, space->table.root, va, access, true);
}

bool pager_sim_check(const struct pager_sim *sim,
		     const struct pager_space *space, uint64_t *vpn)
{
	const struct tlb_entry *e = &sim->tlb[0].way[0][0];
	const size_t all = (size_t)sim->cpus * TLB_SETS * TLB_WAYS;

	for (unsigned int cpu = 0; cpu < sim->cpus; cpu++) {
		e = &sim->tlb[cpu].way[0][0];
		for (size_t i = 0; i < all / sim->cpus; i++, e++) {
			struct pager_sim_walk w;

			if (e->asid != space->mmu_tag)
				continue;
			w = sim_walk(space->core, space->table.root,
				     pager_vpn_to_va(e->vpn), PAGER_ACCESS_READ,
				     false);
			if (!w.fault && w.pa >> PAGER_PAGE_SHIFT == e->pfn &&
			    (!e->writable || w.writable) &&
			    (!e->executable || w.executable) &&
			    (!e->dirty || !e->writable || w.entry & PTE_D))
				continue;
			*vpn = e->vpn;
			return false;
		}
	}
	return true;
}
