/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Accounts: who is charged, and up to what. An account lives until its maker
 * has let go of it and the last thing charged to it is gone.
 */
#include "lib/core/account.h"

#include <assert.h>
#include <string.h>

enum { ACCOUNT_SLOTS = 65536 };

struct pager_account *pager_account_new(struct pager_core *core,
					const uint64_t limit[PAGER_RES_COUNT])
{
	struct pager_account *a;
	uint32_t id = core->account_hint;

	if (core->account_count >= ACCOUNT_SLOTS - 2)
		return NULL;
	a = core_alloc(core, sizeof(*a));
	if (!a)
		return NULL;
	while (core->accounts[id])
		id = (id + 1) % ACCOUNT_SLOTS;
	core->account_hint = (id + 1) % ACCOUNT_SLOTS;
	core->accounts[id] = a;
	core->account_count++;
	if (id >= core->account_top)
		core->account_top = id + 1;
	a->core = core;
	a->id = (uint16_t)id;
	pager_account_set_limits(a, limit);
	return a;
}

void pager_account_set_limits(struct pager_account *account,
			      const uint64_t limit[PAGER_RES_COUNT])
{
	memcpy(account->limit, limit, sizeof(account->limit));
}

uint64_t pager_account_used(const struct pager_account *account,
			    enum pager_resource resource)
{
	return account->used[resource];
}

static void account_free_if_idle(struct pager_account *a)
{
	struct pager_core *core = a->core;

	for (int r = 0; r < PAGER_RES_COUNT; r++)
		if (a->used[r])
			return;
	core->accounts[a->id] = NULL;
	core->account_count--;
	/* Low numbers first: the recount looks at all up to the highest. */
	if (a->id < core->account_hint)
		core->account_hint = a->id;
	core_free(core, a, sizeof(*a));
}

void pager_account_put(struct pager_account *account)
{
	assert(!account->put);
	account->put = true;
	account_free_if_idle(account);
}

void account_uncharge(struct pager_account *a, enum pager_resource r,
		      uint64_t n)
{
	assert(a->used[r] >= n);
	a->used[r] -= n;
	if (a->used[r] == 0 && a->put)
		account_free_if_idle(a);
}
