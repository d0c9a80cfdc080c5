/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The walk: x86-64 4-level paging with NX, for user accesses (Intel SDM vol. 3,
 * 4.5 to 4.8).
 *
 *	va	47..39	38..30	29..21	20..12	11..0
 *		slot 3	slot 2	slot 1	slot 0	byte
 *			1 GiB	2 MiB	4 KiB pages
 *
 * A present entry with a reserved bit set faults with RSVD, whatever else it
 * says. Rights are the AND over all levels (OR for NX). Accessed bits are set
 * at all levels, and dirty at the last, when the access is allowed; they are
 * the only bits that the MMU writes.
 */
#include <stdatomic.h>

#include "lib/core/node.h"
#include "lib/mmu/sim_int.h"

enum { PHYS_BITS = 46 };

static uint64_t reserved_bits(uint64_t e, unsigned int level)
{
	uint64_t bits = PTE_ADDR & ~((UINT64_C(1) << PHYS_BITS) - 1);

	if (level == 3)
		return bits | PTE_PS;
	if (level > 0 && e & PTE_PS)
		bits |= ((UINT64_C(1) << (12 + 9 * level)) - 1) &
			~UINT64_C(0x1fff); /* bit 12 is the PAT bit */
	return bits;
}

static void set_bits(uint64_t *slot, uint64_t bits)
{
	if ((*slot & bits) != bits)
		atomic_fetch_or((_Atomic uint64_t *)slot, bits);
}

static struct pager_sim_walk fault(uint32_t code, uint64_t e,
				   unsigned int level)
{
	return (struct pager_sim_walk){
	    .fault = true, .code = code, .entry = e, .level = level};
}

struct pager_sim_walk sim_walk(const struct pager_core *core, uint32_t root,
			       uint64_t va, uint32_t access, bool mark)
{
	uint32_t code = PAGER_PF_USER |
			(access == PAGER_ACCESS_WRITE ? PAGER_PF_WRITE : 0) |
			(access == PAGER_ACCESS_EXEC ? PAGER_PF_FETCH : 0);
	uint64_t vpn = pager_va_to_vpn(va);
	uint64_t *visited[PTE_LEVELS];
	uint64_t all = ~UINT64_C(0), nx = 0, e, span;
	struct pager_sim_walk w = {0};
	uint32_t node = root;
	unsigned int level = PTE_LEVELS - 1;

	for (;; level--) {
		visited[level] = node_slots(core, node) + pte_index(vpn, level);
		e = *visited[level];
		if (!(e & PTE_P))
			return fault(code, e, level);
		if (e & reserved_bits(e, level))
			return fault(code | PAGER_PF_PRESENT |
					 PAGER_PF_RESERVED,
				     e, level);
		all &= e;
		nx |= e & PTE_NX;
		if (level == 0 || e & PTE_PS)
			break;
		node = node_of(e);
	}
	if (!(all & PTE_U) ||
	    (access == PAGER_ACCESS_WRITE && !(all & PTE_W)) ||
	    (access == PAGER_ACCESS_EXEC && nx))
		return fault(code | PAGER_PF_PRESENT, e, level);
	if (mark) {
		for (unsigned int l = PTE_LEVELS - 1; l > level; l--)
			set_bits(visited[l], PTE_A);
		set_bits(visited[level],
			 PTE_A | (access == PAGER_ACCESS_WRITE ? PTE_D : 0));
	}
	span = UINT64_C(1) << (12 + 9 * level);
	w.entry = *visited[level];
	w.level = level;
	w.pa = ((e & PTE_ADDR) & ~(span - 1)) | (va & (span - 1));
	w.writable = all & PTE_W;
	w.executable = !nx;
	return w;
}
