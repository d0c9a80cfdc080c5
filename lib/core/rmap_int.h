/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the two halves of the reverse map share: places (rmap.c), and the way
 * from them to entries (rmap_each.c).
 */
#ifndef LIB_CORE_RMAP_INT_H
#define LIB_CORE_RMAP_INT_H

#include "lib/core/rmap.h"

/* A place is a family and a slot of 512. */
static inline uint32_t rmap_family_of(uint32_t place)
{
	return place >> 9;
}

static inline unsigned int rmap_slot_of(uint32_t place)
{
	return place & (PTE_SLOTS - 1);
}

/* A member of the place's family, or the object's leaf that it names;
 * NODE_NONE: the family is no more. */
uint32_t rmap_head_of(const struct pager_core *core, uint32_t place);

/* What slot i of a family's member knows of the frame, and in *node then whose
 * slot it is; or NULL. */
uint64_t *rmap_look(const struct pager_core *core, uint32_t *node,
		    unsigned int i, uint32_t frame);

#endif
