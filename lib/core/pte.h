/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page-table entries: exact x86-64 4-level format (Intel SDM vol. 3, 4.5), so
 * that a real MMU can walk what we write.
 *
 *	63  62..59 58..52     51..12           11..9   8 7  6 5 4 3 2 1 0
 *	NX  -      software   physical address software G PS D A - - U W P
 *
 * The software MMU and the hardware ignore bits 9-11 and 52-58, and all of an
 * entry that is not present; there the model keeps the page's type and two
 * marks. An entry that is not present but not zero is a page that is kept and
 * may not be looked at (protection none).
 *
 * Invariants (the recount checks them)
 *	upper entry with W	=> its node has exactly one reference
 *	leaf, anonymous, with W	=> its frame has exactly one reference
 *	leaf, zero		=> no W
 *	leaf, object, W		=> the region is shared and writable
 */
#ifndef LIB_CORE_PTE_H
#define LIB_CORE_PTE_H

#include "lib/core/types.h"

#define PTE_P	 UINT64_C(0x1)
#define PTE_W	 UINT64_C(0x2)
#define PTE_U	 UINT64_C(0x4)
#define PTE_A	 UINT64_C(0x20)
#define PTE_D	 UINT64_C(0x40)
#define PTE_PS	 UINT64_C(0x80)
#define PTE_ADDR UINT64_C(0x000ffffffffff000)
#define PTE_NX	 (UINT64_C(1) << 63)

#define PTE_TYPE_SHIFT 9
#define PTE_TYPE       (UINT64_C(3) << PTE_TYPE_SHIFT)
#define PTE_ANON       ((uint64_t)PAGER_PAGE_ANON << PTE_TYPE_SHIFT)
#define PTE_ZERO       ((uint64_t)PAGER_PAGE_ZERO << PTE_TYPE_SHIFT)
#define PTE_OBJECT     ((uint64_t)PAGER_PAGE_OBJECT << PTE_TYPE_SHIFT)

/* It was written, as HARVEST has found. */
#define PTE_CHANGED (UINT64_C(1) << 52)
/* The page may go when memory is short, until it is written again. */
#define PTE_LAZY    (UINT64_C(1) << 53)

/* Inside of a migration alone: it was present, and will be again. */
#define PTE_MIGRATING (UINT64_C(1) << 54)

/* A leaf or large entry: a log has taken D; HARVEST has yet to count it. */
#define PTE_TAKEN  (UINT64_C(1) << 55)
/* An upper entry: A was set when dirty bits were last looked for below. */
#define PTE_RECENT (UINT64_C(1) << 55)

#define PTE_LEVELS 4u
#define PTE_SLOTS  512u

static inline enum pager_page_type pte_type(uint64_t e)
{
	return (enum pager_page_type)((e & PTE_TYPE) >> PTE_TYPE_SHIFT);
}

static inline struct pager_pfn pte_pfn(uint64_t e)
{
	return (struct pager_pfn){(e & PTE_ADDR) >> 12};
}

static inline uint64_t pte_from_pfn(struct pager_pfn pfn)
{
	return pfn.n << 12;
}

/* The slot of vpn in a node of the level; the leaf is level 0, the root 3. */
static inline unsigned int pte_index(uint64_t vpn, unsigned int level)
{
	return (unsigned int)(vpn >> (9 * level)) & (PTE_SLOTS - 1);
}

/* Pages below one slot of a node of the level. */
static inline uint64_t pte_span(unsigned int level)
{
	return UINT64_C(1) << (9 * level);
}

/* P, U and NX of a leaf under a protection; W is the fault's to give. x86 has
 * no read bit: whatever may be written or executed may be read. */
static inline uint64_t pte_perms(uint32_t prot)
{
	return (prot ? PTE_P : 0) | PTE_U |
	       (prot & PAGER_PROT_EXEC ? 0 : PTE_NX);
}

#endif
