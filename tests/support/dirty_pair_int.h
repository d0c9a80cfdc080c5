/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the parts of dirty_pair.h know of each other.
 */
#ifndef TESTS_SUPPORT_DIRTY_PAIR_INT_H
#define TESTS_SUPPORT_DIRTY_PAIR_INT_H

#include "tests/support/dirty_pair.h"

/* Of dirty_log.must. */
enum { DIRTY_NEW = 1, DIRTY_AWAITING = 2 };

#define BIT(n) ((uint8_t)(1u << (n)))

static inline struct linux_shared *shared_of(struct dirty_pair *d)
{
	return d->pair.linux.shared;
}

/* The oracle's page under page i of the log. */
static inline const struct oracle_page *policy(const struct dirty_pair *d,
					       int slot,
					       const struct dirty_log *g,
					       uint64_t i)
{
	return &d->pair.model.oracle.space[slot].page[g->first + i];
}

static inline bool others_write(const struct oracle_page *p)
{
	return p->mapped && p->object && p->flags & PAGER_REGION_SHARED;
}

/* --- dirty_pair_linux.c --------------------------------------------------- */

/* What Linux saw written in the space goes to its logs, or (keep is false) is
 * forgotten; anew: everything is clean for Linux now. */
void dirty_take(struct dirty_pair *d, int slot, bool keep, bool anew);
/* All that Linux knows about the space goes to its logs, and its bytes are
 * copied. */
void dirty_update(struct dirty_pair *d, int slot);
/* Page i is clean from here on; the copies are fresh. */
void dirty_now_clean(struct dirty_pair *d, int slot, struct dirty_log *g,
		     uint64_t i);
/* Dies if the two are not the same machine any more; the copies are fresh. */
void dirty_same_bytes(struct dirty_pair *d, int slot);

/* --- dirty_pair_get.c ----------------------------------------------------- */

/* Dies of a refusal. */
void dirty_must_work(struct pager_status st, const char *what);
/* DIRTY_GET; DIRTY_BEGIN and _END. The log is there. */
void dirty_get_and_clear(struct dirty_pair *d, const struct model_op *op);
void dirty_write_back(struct dirty_pair *d, const struct model_op *op);

#endif
