/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Migration: a page's contents go to another frame, and every entry that maps
 * it follows. Nobody notices: contents, protections, sharing, accessed, dirty
 * and changed bits, charges and counts stay.
 *
 *	each entry: not present, marked MIGRATING	nobody writes any more
 *	flush the frame in every MMU			now the bits are stable
 *	copy
 *	each entry: the new frame, present as before
 *	free the old frame
 */
#ifndef LIB_CORE_MIGRATE_H
#define LIB_CORE_MIGRATE_H

#include "lib/core/rmap.h"

/* May the frame be moved? Not if it is pinned, or the zero frame. */
bool migrate_may(const struct pager_core *core, uint32_t frame);

/* A large entry that so many share is not taken apart for a page's sake: each
 * of them would need a leaf. The run still moves as a whole. */
enum { MIGRATE_SHARERS = 64 };

/* Plan: nodes that migrate_prepare needs: one a large entry over the frame.
 * -EBUSY: more than MIGRATE_SHARERS. */
int migrate_need(struct pager_core *core, uint32_t frame, uint64_t *nodes);
/* Plan: large entries over the frame are split, and its places are leaves';
 * that nobody can see but in the nodes charged: to account, within whose limit
 * the caller has made sure they are, or, if NULL, to whom the nodes above are.
 * 0, -EBUSY as above, or -ENOMEM: no node, or no place. */
int migrate_prepare(struct pager_core *core, struct pager_account *account,
		    uint32_t frame);

/* Commit: move a prepared frame, that may be moved, to one that the caller
 * took: charged to anybody, with one reference and no entry. The old frame is
 * free then, and the taker's charge gone; who paid for the page goes on paying.
 */
void migrate_to(struct pager_core *core, uint32_t from, uint32_t to);

/*
 * Move every used frame of an ISOLATED chunk elsewhere. 0; -EBUSY: a frame
 * that may not be moved, or a large entry with too many sharers and no run to
 * move it to, found before anything moves; -ENOMEM: nowhere to move
 * to, or no room to split large entries. A run that large entries alone map
 * moves as one, if there is another. *moved is added to.
 */
int migrate_chunk(struct pager_core *core, uint32_t chunk, uint64_t *moved);

#endif
