/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Accounts inside the core: room is asked for in plan, charges are made in
 * commit. Frames and nodes name their account by a 16-bit id, so what a user
 * allocated stays charged to that user for as long as it lives, whoever shares
 * it since.
 */
#ifndef LIB_CORE_ACCOUNT_H
#define LIB_CORE_ACCOUNT_H

#include "lib/core/internal.h"

static inline bool account_has_room(const struct pager_account *a,
				    enum pager_resource r, uint64_t n)
{
	return n == 0 ||
	       (a->used[r] <= a->limit[r] && n <= a->limit[r] - a->used[r]);
}

static inline void account_charge(struct pager_account *a,
				  enum pager_resource r, uint64_t n)
{
	a->used[r] += n;
}

void account_uncharge(struct pager_account *a, enum pager_resource r,
		      uint64_t n);
/* The same by id; inline, as every frame that is freed passes here. */
static inline void account_uncharge_id(struct pager_core *core, uint16_t id,
				       enum pager_resource r, uint64_t n)
{
	struct pager_account *a = core->accounts[id];

	if (a->used[r] > n)
		a->used[r] -= n;
	else
		account_uncharge(a, r, n);
}

#endif
