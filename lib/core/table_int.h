/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What table.c, table_range.c and table_move.c share.
 */
#ifndef LIB_CORE_TABLE_INT_H
#define LIB_CORE_TABLE_INT_H

#include "lib/core/table.h"

/* Commit: a copy of a node with several references, for one of them. */
uint32_t table_copy_node(struct table *t, uint32_t old);
/* Commit: the node below a slot that is not empty, made own. */
uint32_t table_own_child(struct table *t, uint64_t *slot);

/*
 * The part of [r.start, r.end) below slot i of a node that begins at base:
 *
 *	base            base + i*span    base + (i+1)*span
 *	|--- ... -------|################|---
 *	            r.start ..... r.end
 */
static inline struct pager_range table_clip(struct pager_range r, uint64_t base,
					    unsigned int i, unsigned int level)
{
	uint64_t lo = base + i * pte_span(level);
	uint64_t hi = lo + pte_span(level);

	return pager_range(lo > r.start ? lo : r.start,
			   hi < r.end ? hi : r.end);
}

/* First and last slot of a node at base that the range touches. */
static inline unsigned int table_first(struct pager_range r, uint64_t base,
				       unsigned int level)
{
	return r.start <= base ? 0 : pte_index(r.start, level);
}

static inline unsigned int table_last(struct pager_range r, uint64_t base,
				      unsigned int level)
{
	return r.end >= base + pte_span(level + 1)
		   ? PTE_SLOTS - 1
		   : pte_index(r.end - 1, level);
}

static inline uint64_t table_base(uint64_t vpn, unsigned int level)
{
	return vpn & ~(pte_span(level + 1) - 1);
}

#endif
