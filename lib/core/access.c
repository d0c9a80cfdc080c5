/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes and translations: what a program running in the space would see.
 */
#include <assert.h>

#include "lib/core/large.h"
#include "lib/core/space.h"
#include "lib/core/table.h"

/* One page's part of an access: translate, fault, try again. The second try
 * can only fail by a backend that does not see what the core installed. */
static struct pager_status one_page(struct pager_space *s, unsigned int cpu,
				    uint64_t va, void *buf, unsigned int len,
				    uint32_t access,
				    struct pager_access_stop *why)
{
	const struct pager_mmu *mmu = &s->table.mmu;
	unsigned int in_page = (unsigned int)(va & (PAGER_PAGE_SIZE - 1));
	uint64_t vpn = pager_va_to_vpn(va);
	struct pager_mmu_fault fault;
	struct pager_fault_info info;
	struct pager_status st;

	for (int tries = 0; tries < 3; tries++) {
		switch (mmu->ops->access(mmu->mmu, cpu, s, vpn, in_page, buf,
					 len, access, &fault)) {
		case PAGER_ACCESS_DONE:
			return pager_ok();
		case PAGER_ACCESS_NODATA:
			return pager_refuse(PAGER_ENODATA, PAGER_ARG_NONE);
		case PAGER_ACCESS_FAULT:
			break;
		}
		st = pager_space_fault(s, vpn, access, &info);
		if (st.err)
			return st;
		if (info.result == PAGER_FAULT_SIGNAL) {
			why->signal = info.signal;
			return pager_refuse(PAGER_ESIGNAL, PAGER_ARG_ADDR);
		}
	}
	assert(!"the backend does not see installed entries");
	return pager_refuse(PAGER_ECORRUPT, PAGER_ARG_NONE);
}

/* Bits 47 to 63 alike: no other address can be translated. */
static bool canonical(uint64_t va)
{
	return pager_vpn_to_va(pager_va_to_vpn(va)) ==
	       (va & ~(uint64_t)(PAGER_PAGE_SIZE - 1));
}

static struct pager_status transfer(struct pager_space *s, unsigned int cpu,
				    uint64_t va, uint8_t *buf, uint64_t len,
				    uint32_t access, uint64_t *done,
				    struct pager_access_stop *why)
{
	*done = 0;
	*why = (struct pager_access_stop){.va = va};
	if (cpu >= s->table.mmu.ops->cpus)
		return pager_refuse(PAGER_ERANGE, PAGER_ARG_CPU);
	while (*done < len) {
		uint64_t at = va + *done;
		uint64_t part = PAGER_PAGE_SIZE - (at & (PAGER_PAGE_SIZE - 1));
		struct pager_status st;

		if (part > len - *done)
			part = len - *done;
		why->va = at;
		if (!canonical(at) || at < va) {
			why->signal = PAGER_SEGV_MAPERR;
			return pager_refuse(PAGER_ESIGNAL, PAGER_ARG_ADDR);
		}
		st = one_page(s, cpu, at, buf + *done, (unsigned int)part,
			      access, why);
		if (st.err)
			return st;
		*done += part;
	}
	return pager_ok();
}

struct pager_status pager_space_read(struct pager_space *space,
				     unsigned int cpu, uint64_t va, void *buf,
				     uint64_t len, uint64_t *done,
				     struct pager_access_stop *why)
{
	return transfer(space, cpu, va, buf, len, PAGER_ACCESS_READ, done, why);
}

struct pager_status pager_space_write(struct pager_space *space,
				      unsigned int cpu, uint64_t va,
				      const void *buf, uint64_t len,
				      uint64_t *done,
				      struct pager_access_stop *why)
{
	return transfer(space, cpu, va, (uint8_t *)(uintptr_t)buf, len,
			PAGER_ACCESS_WRITE, done, why);
}

void pager_space_page(const struct pager_space *space, uint64_t vpn,
		      struct pager_page_info *out)
{
	const struct pager_core *core = space->core;
	uint32_t node = space->table.root;
	uint64_t all = ~UINT64_C(0), e = 0;

	*out = (struct pager_page_info){.sharers = 1};
	for (unsigned int l = PTE_LEVELS; l-- > 0;) {
		e = node_slots(core, node)[pte_index(vpn, l)];
		if (!e)
			return;
		out->levels++;
		if (l == 0 || pte_large(e))
			break;
		all &= e;
		node = node_of(e);
		if (node_at(core, node)->refs > out->sharers)
			out->sharers = node_at(core, node)->refs;
	}
	out->entry = e;
	out->pa = page_pa(e, vpn);
	out->type = pte_type(e);
	if (out->type != PAGER_PAGE_ZERO)
		out->refs =
		    frame_refs(core, (uint32_t)(out->pa >> PAGER_PAGE_SHIFT));
	if (!(e & PTE_P))
		return;
	out->access = PAGER_ACCESS_READ |
		      (all & e & PTE_W ? PAGER_ACCESS_WRITE : 0) |
		      (e & PTE_NX ? 0 : PAGER_ACCESS_EXEC);
}
