/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What both halves of sub-block mode use: sub-blocks, states of memory blocks.
 * Only vmem_sbm.c and vmem_sbm_unplug.c include this.
 */
#ifndef LIB_CORE_VMEM_SBM_INT_H
#define LIB_CORE_VMEM_SBM_INT_H

#include "lib/core/vmem_driver_int.h"

/* --- sub-blocks ------------------------------------------------------------
 */

/* [from, to) of the block's sub-blocks. */
struct sbm_subs {
	uint64_t from;
	uint64_t to;
};

static inline uint64_t sbm_bit(const struct vmem_driver *d, uint64_t block,
			       uint64_t sub)
{
	return block * d->parts + sub;
}

static inline uint64_t sbm_pfn(const struct vmem_driver *d, uint64_t block,
			       uint64_t sub)
{
	return vmem_block_pfn(d, block) + sub * d->unit;
}

static inline bool sbm_is_full(const struct vmem_driver *d, uint64_t block)
{
	return bits_all(d->bits, sbm_bit(d, block, 0),
			sbm_bit(d, block, d->parts));
}

static inline bool sbm_is_empty(const struct vmem_driver *d, uint64_t block)
{
	return bits_none(d->bits, sbm_bit(d, block, 0),
			 sbm_bit(d, block, d->parts));
}

/* --- states ----------------------------------------------------------------
 */

static inline bool sbm_is_online(unsigned int state)
{
	return state >= SBM_KERNEL;
}

static inline bool sbm_is_offline(unsigned int state)
{
	return state == SBM_OFFLINE || state == SBM_OFFLINE_PARTIAL;
}

/* The state of an added block as its bits say; like is any of its pair. */
static inline void sbm_set_added(struct vmem_driver *d, uint64_t block,
				 unsigned int like)
{
	unsigned int full = like - (like - SBM_OFFLINE) % 2;

	vmem_set_state(d, block, sbm_is_full(d, block) ? full : full + 1);
}

/* --- vmem_sbm_unplug.c -----------------------------------------------------
 */

/* Sub-blocks that are plugged and out of use; 0 or as vmem_unplug. */
int vmem_sbm_unplug_subs(struct vmem_driver *d, uint64_t block,
			 struct sbm_subs s);
/* As in struct vmem_mode. */
int vmem_sbm_unplug(struct vmem_driver *d, uint64_t n);
int vmem_sbm_pending(struct vmem_driver *d);
int vmem_sbm_cleanup(struct vmem_driver *d);

#endif
