/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The arena of table nodes: 4 KiB pages in one piece that can become a memory
 * slot of a guest, with a record beside each. Node 0 is never used.
 */
#ifndef LIB_CORE_NODE_H
#define LIB_CORE_NODE_H

#include "lib/core/internal.h"

int node_arena_init(struct pager_core *core, uint64_t total, uint8_t *pages);
void node_arena_fini(struct pager_core *core);

/* Plan: can arena and account give n nodes? */
struct pager_status node_reserve(struct pager_core *core,
				 struct pager_account *account, uint64_t n);
/* The same for n nodes charged to a and m charged to b, which may be a; b is
 * not looked at if m is 0. */
struct pager_status node_reserve_two(struct pager_core *core,
				     struct pager_account *a, uint64_t n,
				     struct pager_account *b, uint64_t m);
/* The same for the arena alone, for changes that no limit may stop. */
struct pager_status node_reserve_arena(struct pager_core *core, uint64_t n);
/* Commit: an empty node of a level with one reference. */
uint32_t node_take(struct pager_core *core, struct pager_account *account,
		   unsigned int level);
/* Commit: the same with contents anything and, a leaf, of no family: the caller
 * writes all 512 and sees to the family. */
uint32_t node_take_raw(struct pager_core *core, struct pager_account *account,
		       unsigned int level);
/* Drop a reference; a node without one waits in limbo with all it holds. */
void node_put(struct pager_core *core, uint32_t node);
/* After the flush: what waits is dropped, downwards, and free. */
void node_drain(struct pager_core *core);

static inline struct node *node_at(const struct pager_core *core, uint32_t node)
{
	return &core->arena.node[node];
}

static inline uint64_t *node_slots(const struct pager_core *core, uint32_t node)
{
	return (uint64_t *)(void *)(core->arena.pages +
				    ((uint64_t)node << PAGER_PAGE_SHIFT));
}

static inline uint32_t node_of(uint64_t entry)
{
	return (uint32_t)(pte_pfn(entry).n - PAGER_ARENA_BASE_PFN);
}

static inline uint64_t node_entry(uint32_t node)
{
	return pte_from_pfn((struct pager_pfn){PAGER_ARENA_BASE_PFN + node}) |
	       PTE_P | PTE_U;
}

static inline bool node_empty(const struct node *n)
{
	return n->anon == 0 && n->zero == 0 && n->object == 0;
}

static inline uint64_t node_resident(const struct node *n)
{
	return (uint64_t)n->anon + n->zero + n->object;
}

#endif
