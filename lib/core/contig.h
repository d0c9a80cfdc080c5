/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contiguous maps: private anonymous memory whose frames follow each other, as
 * a device wants it (MINIX's contiguous anonymous memory with PHYS64K,
 * LOWER1MB and LOWER16MB).
 *
 *	region	|  v  | v+1 | v+2 |		whole at once, zeroed, pinned,
 *	frames	|  f  | f+1 | f+2 |		in the zone KERNEL
 *
 * The frames are the region's for its life: a device was told where they are.
 * So the region is pinned and cannot be unpinned, is not inherited by fork and
 * cannot be made to (a child's write would have to copy either its own or the
 * parent's page, and both would believe theirs to be the device's), and a
 * write never copies. It can be unmapped in part, protected, and moved, with
 * the same frames; not grown.
 *
 * An all-or-nothing batch brings regions and frames back but, as with a memory
 * object's pages, not the bytes that were written there: the device would not
 * know about another frame. For that time alone a writable private entry's
 * frame has a second reference, the snapshot's.
 *
 * The flags of such a region are CONTIG, PINNED and DONTFORK, always.
 */
#ifndef LIB_CORE_CONTIG_H
#define LIB_CORE_CONTIG_H

#include "lib/core/space.h"

#define CONTIG_REGION \
	(PAGER_REGION_CONTIG | PAGER_REGION_PINNED | PAGER_REGION_DONTFORK)
/* Map flags that only go with CONTIG. */
#define CONTIG_WISHES                                                     \
	(PAGER_MAP_ALIGN_64K | PAGER_MAP_BELOW_1M | PAGER_MAP_BELOW_16M | \
	 PAGER_MAP_BELOW_4G)

/* May these map flags stand together, and with these arguments? */
bool contig_flags_ok(const struct pager_map_args *args);
/* Plan: resident limit, account, table nodes and frames for a map at r, in
 * place of what is there; *first is the first frame. ELIMIT; ENOMEM: no such
 * run of frames is free. */
struct pager_status contig_plan(struct pager_space *s,
				const struct pager_map_args *args,
				struct pager_range r, uint32_t *first);
/* Commit: the frames, for a region that was just added. */
void contig_commit(struct pager_space *s, const struct pager_region *region,
		   uint32_t first);

/* Do the frames of the second of two contiguous neighbours follow those of the
 * first? */
bool contig_continues(const struct pager_region *a,
		      const struct pager_region *b);
/* Commit: a page that the snapshot shows, too, is going to be written. */
void contig_write_shared(struct pager_space *s, uint32_t frame);

#endif
