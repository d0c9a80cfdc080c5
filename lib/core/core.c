/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine: made, freed, counted.
 */
#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "lib/base/failpoint.h"
#include "lib/core/dirty_int.h"
#include "lib/core/dset.h"
#include "lib/core/frame.h"
#include "lib/core/internal.h"
#include "lib/core/node.h"
#include "lib/core/rmap.h"

enum { ACCOUNT_SLOTS = 65536 };
#define MAX_SPAN     ((UINT64_C(1) << 32) - 2)
#define MEMORY_BLOCK UINT64_C(32768)
#define MAX_NODES    ((UINT64_C(1) << 22) - 2)

void *core_alloc(struct pager_core *core, size_t bytes)
{
	void *p;

	if (pager_fail("host"))
		return NULL;
	p = core->host.alloc(core->host.ctx, bytes);
	if (p)
		core->host_bytes += bytes;
	return p;
}

void core_free(struct pager_core *core, void *p, size_t bytes)
{
	if (!p)
		return;
	core->host_bytes -= bytes;
	core->host.free(core->host.ctx, p, bytes);
}

int core_mmu_get(struct pager_core *core, struct pager_mmu mmu)
{
	struct core_mmu *free = NULL;

	for (unsigned int i = 0; i < CORE_MMUS; i++) {
		struct core_mmu *m = &core->mmus[i];

		if (m->spaces && m->mmu.mmu == mmu.mmu &&
		    m->mmu.ops == mmu.ops) {
			m->spaces++;
			return 0;
		}
		if (!m->spaces && !free)
			free = m;
	}
	if (!free)
		return -1;
	*free = (struct core_mmu){.mmu = mmu, .spaces = 1};
	return 0;
}

void core_mmu_put(struct pager_core *core, struct pager_mmu mmu)
{
	struct core_mmu *m = core->mmus;

	while (!m->spaces || m->mmu.mmu != mmu.mmu || m->mmu.ops != mmu.ops)
		m++;
	m->spaces--;
}

void core_forget(struct pager_core *core, uint32_t first, uint64_t frames)
{
	for (unsigned int i = 0; i < CORE_MMUS; i++) {
		const struct core_mmu *m = &core->mmus[i];

		if (m->spaces)
			m->mmu.ops->forget(m->mmu.mmu,
					   (struct pager_pfn){first}, frames);
	}
}

uint64_t core_swap(struct pager_core *core, uint64_t *slot, uint64_t entry)
{
	for (unsigned int i = 0; i < CORE_MMUS; i++) {
		const struct core_mmu *m = &core->mmus[i];

		if (m->spaces && !(m->mmu.ops->caps & PAGER_MMU_PLAIN_STORE)) {
			uint64_t was = *slot;

			m->mmu.ops->install(m->mmu.mmu, slot, entry);
			return was;
		}
	}
	return atomic_exchange((_Atomic uint64_t *)slot, entry);
}

void core_store(struct pager_core *core, uint64_t *slot, uint64_t entry)
{
	for (unsigned int i = 0; i < CORE_MMUS; i++) {
		const struct core_mmu *m = &core->mmus[i];

		if (m->spaces && !(m->mmu.ops->caps & PAGER_MMU_PLAIN_STORE)) {
			m->mmu.ops->install(m->mmu.mmu, slot, entry);
			return;
		}
	}
	*(volatile uint64_t *)slot = entry;
}

static void *slab_alloc(void *ctx, size_t bytes)
{
	return core_alloc(ctx, bytes);
}

static void slab_free(void *ctx, void *p, size_t bytes)
{
	core_free(ctx, p, bytes);
}

struct pager_core *pager_core_new(const struct pager_core_config *config)
{
	struct pager_core *core;
	struct pager_slab_source src = {.alloc = slab_alloc, .free = slab_free};
	const size_t slots = ACCOUNT_SLOTS * sizeof(core->accounts[0]);

	const uint64_t span = config->span ? config->span : config->frames;
	const uint64_t block =
	    config->memory_block ? config->memory_block : MEMORY_BLOCK;

	if (config->frames < 2 || config->frames > PAGER_ARENA_BASE_PFN ||
	    span < config->frames || span > MAX_SPAN || block < CHUNK_FRAMES ||
	    block > MAX_SPAN || block & (block - 1) || config->nodes < 16 ||
	    config->nodes > MAX_NODES || !config->tables)
		return NULL;
	core = config->host.alloc(config->host.ctx, sizeof(*core));
	if (!core)
		return NULL;
	core->host = config->host;
	core->host_bytes = sizeof(*core);
	src.ctx = core;
	core->accounts = core_alloc(core, slots);
	if (!core->accounts)
		goto no_accounts;
	core->memory_block = block;
	if (frame_pool_init(core, config->frames, span, config->memory))
		goto no_pool;
	if (node_arena_init(core, config->nodes, config->tables))
		goto no_arena;
	if (rmap_init(core, config->span ? config->span : config->frames))
		goto no_rmap;
	pager_slab_init(&core->region_slab, "region",
			sizeof(struct pager_region), src);
	pager_slab_init(&core->space_slab, "space", sizeof(struct pager_space),
			src);
	pager_slab_init(&core->object_slab, "object",
			sizeof(struct pager_object), src);
	pager_slab_init(&core->log_slab, "dirty log",
			sizeof(struct pager_dirty_log), src);
	dset_slab_init(&core->dset_slab, src);
	rtree_pools_init(&core->rtree_pools, src);
	LIST_INIT(&core->spaces);
	LIST_INIT(&core->objects);
	LIST_INIT(&core->snapped);
	LIST_INIT(&core->logs);
	pools_init(core, config);
	return core;

no_rmap:
	node_arena_fini(core);
no_arena:
	frame_pool_fini(core);
no_pool:
	core_free(core, core->accounts, slots);
no_accounts:
	config->host.free(config->host.ctx, core, sizeof(*core));
	return NULL;
}

void pager_core_free(struct pager_core *core)
{
	struct pager_host host = core->host;

	assert(LIST_EMPTY(&core->spaces) && LIST_EMPTY(&core->objects));
	assert(core->account_count == 0 && LIST_EMPTY(&core->logs));
	pools_fini(core);
	rtree_pools_fini(&core->rtree_pools);
	pager_slab_fini(&core->log_slab);
	pager_slab_fini(&core->dset_slab);
	pager_slab_fini(&core->object_slab);
	pager_slab_fini(&core->space_slab);
	pager_slab_fini(&core->region_slab);
	rmap_fini(core);
	node_arena_fini(core);
	frame_pool_fini(core);
	core_free(core, core->accounts,
		  ACCOUNT_SLOTS * sizeof(core->accounts[0]));
	assert(core->host_bytes == sizeof(*core));
	host.free(host.ctx, core, sizeof(*core));
}

void pager_core_stats(const struct pager_core *core, struct pager_stats *out)
{
	*out = core->stats;
	out->frames_total = core->frames.total;
	out->frames_used = core->frames.used;
	out->frames_free = frame_free_count(core, FRAME_MOVABLE);
	out->frames_peak = core->frames.peak;
	out->nodes_total = core->arena.total - 1;
	out->nodes_used = core->arena.used;
	out->nodes_peak = core->arena.peak;
	out->spaces = core->space_count;
	out->objects = core->object_count;
	out->regions = core->region_count;
	out->large_entries = core->large.entries;
	out->metadata_bytes =
	    core->frames.records * FRAME_RECORD_BYTES +
	    core->frames.added * sizeof(struct chunk) +
	    core->arena.used * (PAGER_PAGE_SIZE + sizeof(struct node) +
				sizeof(*core->rmap.head)) +
	    core->rmap.room * sizeof(*core->rmap.list) +
	    core->region_slab.taken * core->region_slab.size +
	    core->space_slab.taken * core->space_slab.size +
	    core->object_slab.taken * core->object_slab.size +
	    core->dset_slab.taken * core->dset_slab.size +
	    core->rtree_pools.leaves.taken * core->rtree_pools.leaves.size +
	    core->rtree_pools.inners.taken * core->rtree_pools.inners.size;
}
