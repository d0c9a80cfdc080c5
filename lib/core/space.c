/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Spaces: made, cleared, freed, described.
 */
#include <assert.h>

#include "lib/core/account.h"
#include "lib/core/dirty_int.h"
#include "lib/core/large.h"
#include "lib/core/space.h"
#include "lib/core/table.h"

enum { DEFAULT_REGIONS = 65530, DEFAULT_STACK = 2048 };

static const struct pager_range everything = {0, PAGER_VPN_END};

static struct pager_limits limits_or_default(const struct pager_limits *l)
{
	struct pager_limits out = l ? *l : (struct pager_limits){0};

	if (!out.regions)
		out.regions = DEFAULT_REGIONS;
	if (!out.pages)
		out.pages = UINT64_MAX;
	if (!out.resident)
		out.resident = UINT64_MAX;
	if (!out.stack)
		out.stack = DEFAULT_STACK;
	return out;
}

int space_attach(struct pager_space *s)
{
	const struct pager_mmu mmu = s->table.mmu;

	if (core_mmu_get(s->core, mmu))
		return -1;
	if (mmu.ops->attach(mmu.mmu, s) == 0)
		return 0;
	core_mmu_put(s->core, mmu);
	return -1;
}

struct pager_status
pager_space_new(struct pager_core *core, struct pager_account *account,
		struct pager_mmu mmu, struct pager_range range,
		const struct pager_limits *limits, struct pager_space **out)
{
	struct pager_space *s;
	struct pager_status st;

	if (range.start >= range.end || range.end > PAGER_VPN_END)
		return pager_refuse(PAGER_ERANGE, PAGER_ARG_ADDR);
	if (!account_has_room(account, PAGER_RES_SPACES, 1))
		return pager_refuse(PAGER_ELIMIT, PAGER_ARG_NONE);
	if (pager_slab_reserve(&core->space_slab, 1))
		return pager_refuse(PAGER_ENOMEM, PAGER_ARG_NONE);
	st = node_reserve(core, account, 1);
	if (st.err)
		return st;
	s = pager_slab_take(&core->space_slab);
	s->core = core;
	s->account = account;
	s->table.core = core;
	s->table.account = account;
	s->table.mmu = mmu;
	s->range = range;
	s->limits = limits_or_default(limits);
	if (space_attach(s)) {
		pager_slab_give(&core->space_slab, s);
		return pager_refuse(PAGER_ENOMEM, PAGER_ARG_BACKEND);
	}
	s->table.root = node_take(core, account, PTE_LEVELS - 1);
	rtree_init(&s->regions, &core->rtree_pools);
	LIST_INIT(&s->logs);
	s->id = ++core->next_id;
	LIST_INSERT_HEAD(&core->spaces, s, all);
	core->space_count++;
	account_charge(account, PAGER_RES_SPACES, 1);
	*out = s;
	return pager_ok();
}

void pager_space_clear(struct pager_space *space)
{
	assert(!space->snapshot);
	space_remove(space, everything);
	space->peak = 0;
	space->minor_faults = 0;
	space->major_faults = 0;
	space->brk_start = 0;
	space->brk = 0;
	space->lazy = false;
}

void pager_space_free(struct pager_space *space)
{
	struct pager_core *core = space->core;

	if (space->snapshot)
		pager_space_snapshot_drop(space);
	dirty_orphan(space);
	space_remove(space, everything);
	space->table.mmu.ops->detach(space->table.mmu.mmu, space);
	core_mmu_put(core, space->table.mmu);
	large_forget(core, space);
	node_put(core, space->table.root);
	node_drain(core);
	rtree_fini(&space->regions);
	LIST_REMOVE(space, all);
	core->space_count--;
	account_uncharge(space->account, PAGER_RES_SPACES, 1);
	pager_slab_give(&core->space_slab, space);
}

struct pager_status pager_space_recharge(struct pager_space *space,
					 struct pager_account *account)
{
	struct pager_account *from = space->account;
	uint64_t regions = space->regions.count;
	uint64_t pages = space->virtual_pages;

	if (from == account)
		return pager_ok();
	if (!account_has_room(account, PAGER_RES_SPACES, 1) ||
	    !account_has_room(account, PAGER_RES_REGIONS, regions) ||
	    !account_has_room(account, PAGER_RES_PAGES, pages))
		return pager_refuse(PAGER_ELIMIT, PAGER_ARG_NONE);
	account_charge(account, PAGER_RES_SPACES, 1);
	account_charge(account, PAGER_RES_REGIONS, regions);
	account_charge(account, PAGER_RES_PAGES, pages);
	space->account = account;
	space->table.account = account;
	account_uncharge(from, PAGER_RES_PAGES, pages);
	account_uncharge(from, PAGER_RES_REGIONS, regions);
	account_uncharge(from, PAGER_RES_SPACES, 1);
	return pager_ok();
}

void pager_space_info(const struct pager_space *space,
		      struct pager_space_info *out)
{
	const struct node *root = node_at(space->core, space->table.root);

	*out = (struct pager_space_info){
	    .id = space->id,
	    .parent = space->parent,
	    .regions = space->regions.count,
	    .range = space->range,
	    .virtual_pages = space->virtual_pages,
	    .resident = node_resident(root),
	    .peak = space->peak,
	    .anon = root->anon,
	    .zero = root->zero,
	    .object = root->object,
	    .minor_faults = space->minor_faults,
	    .major_faults = space->major_faults,
	    .brk_start = space->brk_start,
	    .brk = space->brk,
	};
}

bool pager_space_region(const struct pager_space *space, uint64_t vpn,
			struct pager_region_info *out)
{
	const struct pager_region *r = rtree_find(&space->regions, vpn);

	if (!r)
		return false;
	*out = (struct pager_region_info){
	    .range = pager_region_range(r),
	    .prot = r->prot,
	    .flags = r->flags,
	    .object = r->object,
	    .offset = r->offset,
	};
	return true;
}

void pager_space_resident(const struct pager_space *space,
			  struct pager_range range, struct pager_resident *out)
{
	struct sums s = table_sum(&space->table, range);

	*out = (struct pager_resident){s.anon, s.zero, s.object};
}
