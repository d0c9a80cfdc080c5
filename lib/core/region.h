/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A region: a stretch of a space with one policy. What is present, and what
 * each page is, stands in the page table alone.
 */
#ifndef LIB_CORE_REGION_H
#define LIB_CORE_REGION_H

#include "lib/base/list.h"
#include "lib/core/types.h"

struct pager_object;
struct pager_space;
struct rtree_leaf;

struct pager_region {
	uint64_t start; /* vpn; half-open; start < end */
	uint64_t end;
	uint32_t prot;		     /* PAGER_PROT_* */
	uint32_t flags;		     /* PAGER_REGION_* */
	struct pager_object *object; /* one reference held, or NULL */
	uint64_t offset;	     /* object page at start */
	struct pager_space *space;
	struct rtree_leaf *leaf; /* the rtree's: the leaf that holds it */
	LIST_ENTRY(pager_region) mapped; /* the object's regions */
};

static inline struct pager_range
pager_region_range(const struct pager_region *r)
{
	return (struct pager_range){r->start, r->end};
}

#endif
