/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pools: made, freed, found. What comes from outside is checked here; what is
 * done with a pool stands in pool_wish.c, and its worker in pool_work.c.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "lib/core/internal.h"
#include "lib/core/pool_int.h"

enum { DEFAULT_BLOCK = 512 };
/* So that no sum of times wraps around. */
#define MAX_RETRY_MS (UINT64_C(1) << 48)

static bool power_of_two(uint64_t n)
{
	return n && !(n & (n - 1));
}

static uint64_t max64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* --- with the core ---------------------------------------------------------
 */

void pools_init(struct pager_core *core, const struct pager_core_config *config)
{
	struct pools *pools = &core->pools;
	struct pager_pool *boot = &pools->boot;

	pools->boot_pages = config->frames;
	pools->next_event = 1;
	boot->core = core;
	boot->work = VMEM_IDLE;
	boot->blocks.core = core;
	boot->blocks.region = config->frames;
	boot->blocks.size = core->memory_block;
	memcpy(boot->name, "boot", sizeof("boot"));
	pools->pool[0] = boot;
	pools->count = 1;
}

static void destroy(struct pager_pool *pool)
{
	struct pager_core *core = pool->core;

	vmem_driver_free(pool->driver);
	vmem_device_unlisten(pool->device, &pool->forwarder);
	vmem_device_free(pool->device);
	blocks_fini(&pool->blocks);
	core_free(core, pool, sizeof(*pool));
}

void pools_fini(struct pager_core *core)
{
	struct pools *pools = &core->pools;

	while (pools->count > 1)
		destroy(pools->pool[--pools->count]);
	core_free(core, pools->events, POOL_EVENTS * sizeof(*pools->events));
	pools->events = NULL;
}

/* --- looking up ------------------------------------------------------------
 */

struct pager_pool *pager_pool_get(struct pager_core *core, uint32_t number)
{
	struct pools *pools = &core->pools;

	for (uint32_t i = 0; i < pools->count; i++)
		if (pools->pool[i]->number == number)
			return pools->pool[i];
	return NULL;
}

struct pager_pool *pager_pool_find(struct pager_core *core, const char *name)
{
	struct pools *pools = &core->pools;

	for (uint32_t i = 0; i < pools->count; i++)
		if (strncmp(pools->pool[i]->name, name, PAGER_POOL_NAME_MAX) ==
		    0)
			return pools->pool[i];
	return NULL;
}

struct pager_pool *pools_at(const struct pager_core *core, uint64_t pfn)
{
	const struct pools *pools = &core->pools;

	for (uint32_t i = 0; i < pools->count; i++) {
		const struct blocks *b = &pools->pool[i]->blocks;

		if (pfn >= b->addr && pfn - b->addr < b->region)
			return pools->pool[i];
	}
	return NULL;
}

/* --- a pool more -----------------------------------------------------------
 */

/* Sizes and places against the memory block, the span and each other. */
static struct pager_status check_place(const struct pager_core *core,
				       const struct pager_pool_config *c)
{
	const struct pools *pools = &core->pools;
	const uint64_t span = core->frames.span;
	const uint64_t arena = PAGER_ARENA_BASE_PFN;

	if (c->region == 0)
		return pager_refuse(PAGER_EINVAL, PAGER_ARG_SIZE);
	if (c->addr % core->memory_block)
		return pager_refuse(PAGER_EALIGN, PAGER_ARG_ADDR);
	if (c->region % core->memory_block)
		return pager_refuse(PAGER_EALIGN, PAGER_ARG_SIZE);
	if (c->addr >= span)
		return pager_refuse(PAGER_ERANGE, PAGER_ARG_ADDR);
	if (c->region > span - c->addr)
		return pager_refuse(PAGER_ERANGE, PAGER_ARG_SIZE);
	if (c->addr < PAGER_ARENA_END_PFN && c->addr + c->region > arena)
		return pager_refuse(PAGER_ERANGE, PAGER_ARG_ADDR);
	for (uint32_t i = 0; i < pools->count; i++) {
		const struct blocks *b = &pools->pool[i]->blocks;

		if (c->addr < b->addr + b->region &&
		    b->addr < c->addr + c->region)
			return pager_refuse(PAGER_EEXIST, PAGER_ARG_ADDR);
	}
	return pager_ok();
}

/* What the device and the driver need to be made of. */
static struct pager_status check_sizes(const struct pager_core *core,
				       const struct pager_pool_config *c,
				       uint64_t block)
{
	const uint64_t big = c->big_block, mb = core->memory_block;
	uint64_t unit, first;

	if (c->mode > PAGER_POOL_MODE_BBM)
		return pager_refuse(PAGER_EINVAL, PAGER_ARG_FLAGS);
	if (!power_of_two(block) || block > c->region)
		return pager_refuse(PAGER_EINVAL, PAGER_ARG_SIZE);
	if (c->addr % block)
		return pager_refuse(PAGER_EALIGN, PAGER_ARG_ADDR);
	if (c->region % block || c->requested % block || c->grow_max % block)
		return pager_refuse(PAGER_EALIGN, PAGER_ARG_SIZE);
	if (c->requested > c->region || c->grow_max > c->region)
		return pager_refuse(PAGER_ERANGE, PAGER_ARG_SIZE);
	if (c->retry_ms > MAX_RETRY_MS || c->retry_max_ms > MAX_RETRY_MS)
		return pager_refuse(PAGER_EINVAL, PAGER_ARG_LIMITS);
	if (c->mode == PAGER_POOL_MODE_SBM && max64(block, CHUNK_FRAMES) >= mb)
		return pager_refuse(PAGER_EINVAL, PAGER_ARG_SIZE);
	if (big && (!power_of_two(big) || big < block || big < mb))
		return pager_refuse(PAGER_EINVAL, PAGER_ARG_SIZE);
	/* One whole block of the driver's, at least. */
	unit = c->mode == PAGER_POOL_MODE_BBM || block >= mb
		   ? max64(big, max64(block, mb))
		   : mb;
	first = (c->addr + unit - 1) & ~(unit - 1);
	if (first + unit > c->addr + c->region)
		return pager_refuse(PAGER_EINVAL, PAGER_ARG_SIZE);
	return pager_ok();
}

static struct pager_status check_name(struct pager_core *core, const char *name)
{
	if (!name[0] || !memchr(name, 0, PAGER_POOL_NAME_MAX))
		return pager_refuse(PAGER_EINVAL, PAGER_ARG_NAME);
	if (pager_pool_find(core, name))
		return pager_refuse(PAGER_EEXIST, PAGER_ARG_NAME);
	return pager_ok();
}

static void config_changed(void *ctx)
{
	struct pager_pool *pool = ctx;

	vmem_driver_config_changed(pool->driver);
	pool_wake(pool);
}

/* Both sides of virtio-mem, and the blocks that the driver works with. */
static int make_sides(struct pager_pool *pool,
		      const struct pager_pool_config *c, uint64_t block)
{
	struct pager_core *core = pool->core;
	struct vmem_driver_info info;
	const struct vmem_device_config dc = {
	    .host = core->host,
	    .addr = c->addr,
	    .region = c->region,
	    .block = block,
	    .requested = c->requested,
	    .node = c->node,
	    .backing = c->backing,
	};
	struct vmem_driver_config rc = {
	    .host = core->host,
	    .mm = blocks_mm(&pool->blocks),
	    .unit = CHUNK_FRAMES,
	    .force_bbm = c->mode == PAGER_POOL_MODE_BBM,
	    .bbm_block = c->big_block,
	    .offline_only = c->offline_only,
	    .in_order = c->in_order,
	    .piece = c->piece,
	    .threshold = c->threshold,
	    .retry_ms = c->retry_ms,
	    .retry_max_ms = c->retry_max_ms,
	    .event = pool_event,
	    .ctx = pool,
	};

	if (blocks_init(&pool->blocks, core, c->addr, c->region,
			core->memory_block, &c->policy))
		return -ENOMEM;
	pool->blocks.event = pool_event;
	pool->blocks.ctx = pool;
	pool->device = vmem_device_new(&dc);
	if (!pool->device)
		goto no_device;
	rc.link = vmem_device_link(pool->device);
	pool->driver = vmem_driver_new(&rc);
	if (!pool->driver)
		goto no_driver;
	vmem_driver_info(pool->driver, &info);
	if (info.bbm)
		pool->blocks.unit = info.sub_block;
	pool->blocks.driver = pool->driver;
	pool->forwarder = (struct vmem_listener){
	    .notify = listeners_forward,
	    .ctx = core,
	};
	vmem_device_listen(pool->device, &pool->forwarder);
	vmem_device_on_config(pool->device, config_changed, pool);
	return 0;

no_driver:
	vmem_device_free(pool->device);
no_device:
	blocks_fini(&pool->blocks);
	return -ENOMEM;
}

struct pager_status pager_pool_new(struct pager_core *core,
				   const struct pager_pool_config *config,
				   struct pager_pool **out)
{
	const uint64_t block = config->block ? config->block : DEFAULT_BLOCK;
	struct pools *pools = &core->pools;
	struct pager_status st = check_name(core, config->name);
	struct pager_pool *pool;

	if (st.err == PAGER_OK)
		st = check_place(core, config);
	if (st.err == PAGER_OK)
		st = check_sizes(core, config, block);
	if (st.err != PAGER_OK)
		return st;
	if (pools->count == POOLS_MAX)
		return pager_refuse(PAGER_ELIMIT, PAGER_ARG_NONE);
	if (pool_events_init(core))
		return pager_refuse(PAGER_ENOMEM, PAGER_ARG_NONE);
	pool = core_alloc(core, sizeof(*pool));
	if (!pool)
		return pager_refuse(PAGER_ENOMEM, PAGER_ARG_NONE);
	pool->core = core;
	pool->number = pools->pool[pools->count - 1]->number + 1;
	pool->node = config->node;
	pool->grow_max = config->grow_max;
	pool->work = VMEM_MORE;
	memcpy(pool->name, config->name, strlen(config->name));
	if (make_sides(pool, config, block)) {
		core_free(core, pool, sizeof(*pool));
		return pager_refuse(PAGER_ENOMEM, PAGER_ARG_NONE);
	}
	pools->pool[pools->count++] = pool;
	*out = pool;
	return pager_ok();
}

static bool empty(const struct pager_pool *pool)
{
	const struct blocks *b = &pool->blocks;
	struct vmem_config config;
	struct vmem_link link = vmem_device_link(pool->device);

	link.ops->config(link.device, &config);
	if (config.plugged)
		return false;
	for (uint64_t i = 0; i < b->region / b->size; i++)
		if (b->block[i].state != PAGER_BLOCK_ABSENT)
			return false;
	return true;
}

struct pager_status pager_pool_free(struct pager_pool *pool)
{
	struct pools *pools = &pool->core->pools;
	uint32_t i = 0;

	if (!pool->device)
		return pager_refuse(PAGER_EACCESS, PAGER_ARG_NONE);
	if (!empty(pool))
		return pager_refuse(PAGER_EBUSY, PAGER_ARG_NONE);
	while (pools->pool[i] != pool)
		i++;
	pools->count--;
	memmove(&pools->pool[i], &pools->pool[i + 1],
		(pools->count - i) * sizeof(pools->pool[0]));
	destroy(pool);
	return pager_ok();
}
