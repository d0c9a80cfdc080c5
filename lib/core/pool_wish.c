/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an administrator wants of a pool: its size, its bound of growth, single
 * memory blocks on- and offline. A size is only noted; the worker approaches
 * it. What is done by hand is done at once.
 */
#include <errno.h>

#include "lib/core/internal.h"
#include "lib/core/pool_int.h"

struct pager_status pager_pool_resize(struct pager_pool *pool, uint64_t pages)
{
	struct vmem_config before;
	struct pager_status st;
	struct vmem_link link;

	if (!pool->device)
		return pager_refuse(PAGER_EACCESS, PAGER_ARG_NONE);
	if (pool->work == VMEM_BROKEN)
		return pager_refuse(PAGER_EBUSY, PAGER_ARG_NONE);
	link = vmem_device_link(pool->device);
	link.ops->config(link.device, &before);
	st = vmem_device_resize(pool->device, pages);
	if (st.err != PAGER_OK)
		return pager_refuse(st.err, PAGER_ARG_SIZE);
	/* The same wish again changes nothing for the device; who makes it
	 * wants no more waiting for the next try. */
	if (before.requested == pages)
		vmem_driver_config_changed(pool->driver);
	pool->resizes++;
	pool_event(pool, PAGER_POOL_EVENT_RESIZE, pool->blocks.addr, pages);
	pool_wake(pool);
	return pager_ok();
}

struct pager_status pager_pool_unplug_all(struct pager_pool *pool)
{
	return pager_pool_resize(pool, 0);
}

struct pager_status pager_pool_set_grow(struct pager_pool *pool, uint64_t pages)
{
	struct vmem_config config;
	struct vmem_link link;

	if (!pool->device)
		return pager_refuse(PAGER_EACCESS, PAGER_ARG_NONE);
	link = vmem_device_link(pool->device);
	link.ops->config(link.device, &config);
	if (pages % config.block)
		return pager_refuse(PAGER_EALIGN, PAGER_ARG_SIZE);
	if (pages > config.region)
		return pager_refuse(PAGER_ERANGE, PAGER_ARG_SIZE);
	pool->grow_max = pages;
	return pager_ok();
}

/* --- by hand ---------------------------------------------------------------
 */

static struct pager_status check_block(const struct pager_pool *pool,
				       uint64_t pfn)
{
	const struct blocks *b = &pool->blocks;

	if (!pool->device)
		return pager_refuse(PAGER_EACCESS, PAGER_ARG_NONE);
	if (pfn < b->addr || pfn - b->addr >= b->region)
		return pager_refuse(PAGER_ERANGE, PAGER_ARG_ADDR);
	if (pfn % b->size)
		return pager_refuse(PAGER_EALIGN, PAGER_ARG_ADDR);
	return pager_ok();
}

/* What a block's refusal is to the caller; if none, the driver may have
 * something to do. */
static struct pager_status by_hand(struct pager_pool *pool, int error)
{
	switch (error) {
	case 0:
		pool_wake(pool);
		return pager_ok();
	case -ENOENT:
		return pager_refuse(PAGER_ENOENT, PAGER_ARG_ADDR);
	case -ENOMEM:
		return pager_refuse(PAGER_ENOMEM, PAGER_ARG_NONE);
	default:
		return pager_refuse(PAGER_EBUSY, PAGER_ARG_ADDR);
	}
}

struct pager_status pager_pool_online(struct pager_pool *pool, uint64_t pfn,
				      enum vmem_zone zone)
{
	struct pager_status st = check_block(pool, pfn);
	int error;

	if (st.err != PAGER_OK)
		return st;
	if ((unsigned int)zone >= VMEM_ZONES)
		return pager_refuse(PAGER_EINVAL, PAGER_ARG_FLAGS);
	pool->core->pools.working = true;
	error = blocks_online(&pool->blocks, pfn, zone);
	pool->core->pools.working = false;
	return by_hand(pool, error);
}

struct pager_status pager_pool_offline(struct pager_pool *pool, uint64_t pfn)
{
	struct pager_status st = check_block(pool, pfn);
	int error;

	if (st.err != PAGER_OK)
		return st;
	pool->core->pools.working = true;
	error = blocks_offline(&pool->blocks, pfn);
	pool->core->pools.working = false;
	return by_hand(pool, error);
}
