/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory blocks: their ways on- and offline, and out of use in part.
 *
 * Invariants, between operations
 *	plugged		<=> the chunk is not ABSENT
 *	block ABSENT	 => its chunks are ABSENT or OFFLINE
 *	block OFFLINE	 => the same
 *	block ONLINE	 => its chunks are ABSENT, OFFLINE (fake) or ONLINE in
 *			    the block's zone
 * Whatever fails puts back exactly what it took: chunks that were isolated are
 * given to the zone again, with the frames that are free in them by then.
 *
 * Must not know: how memory is plugged, and when; the driver calls.
 */
#include "lib/core/block.h"

#include <assert.h>
#include <errno.h>

#include "lib/core/internal.h"
#include "lib/core/migrate.h"
#include "lib/core/pool_int.h"

struct chunk *blocks_chunk(const struct blocks *b, uint64_t pfn)
{
	return &b->core->frames.chunk[block_chunk(pfn)];
}

int blocks_init(struct blocks *b, struct pager_core *core, uint64_t addr,
		uint64_t region, uint64_t size,
		const struct pager_online_policy *policy)
{
	assert(size % CHUNK_FRAMES == 0 && region % size == 0);
	*b = (struct blocks){
	    .core = core,
	    .addr = addr,
	    .region = region,
	    .size = size,
	    .unit = size,
	    .policy = *policy,
	};
	b->block = core_alloc(core, region / size * sizeof(*b->block));
	if (!b->block)
		return -ENOMEM;
	b->next = core->pools.blocks;
	core->pools.blocks = b;
	return 0;
}

void blocks_fini(struct blocks *b)
{
	struct blocks **at = &b->core->pools.blocks;

	while (*at != b)
		at = &(*at)->next;
	*at = b->next;
	core_free(b->core, b->block, b->region / b->size * sizeof(*b->block));
}

struct block *blocks_at(const struct blocks *b, uint64_t pfn)
{
	if (pfn < b->addr || pfn - b->addr >= b->region || pfn % b->size)
		return NULL;
	return &b->block[(pfn - b->addr) / b->size];
}

void blocks_note(struct blocks *b, unsigned int type, uint64_t pfn,
		 uint64_t value)
{
	if (b->event)
		b->event(b->ctx, type, pfn, value);
}

/* --- chunks ----------------------------------------------------------------
 */

static void isolate(struct blocks *b, uint64_t pfn, uint64_t pages)
{
	for (uint64_t end = pfn + pages; pfn < end; pfn += CHUNK_FRAMES)
		if (blocks_chunk(b, pfn)->state == CHUNK_ONLINE)
			chunk_isolate(b->core, block_chunk(pfn));
}

static void unisolate(struct blocks *b, uint64_t pfn, uint64_t pages)
{
	for (uint64_t end = pfn + pages; pfn < end; pfn += CHUNK_FRAMES)
		if (blocks_chunk(b, pfn)->state == CHUNK_ISOLATED)
			chunk_unisolate(b->core, block_chunk(pfn));
}

/* Does something in the range forbid to empty it? Known before any move. */
static bool pinned(const struct blocks *b, uint64_t pfn, uint64_t pages)
{
	for (uint64_t end = pfn + pages; pfn < end; pfn += CHUNK_FRAMES)
		if (blocks_chunk(b, pfn)->pinned)
			return true;
	return false;
}

/* All of it is isolated first, so that nothing moves from one end of the range
 * to the other. */
int blocks_take(struct blocks *b, uint64_t pfn, uint64_t pages, uint64_t *moved)
{
	const uint64_t end = pfn + pages;
	int error = 0;

	if (pinned(b, pfn, pages))
		return -EBUSY;
	isolate(b, pfn, pages);
	for (uint64_t at = pfn; at < end && !error; at += CHUNK_FRAMES)
		if (blocks_chunk(b, at)->state == CHUNK_ISOLATED)
			error = migrate_chunk(b->core, block_chunk(at), moved);
	if (error) {
		unisolate(b, pfn, pages);
		return error;
	}
	for (uint64_t at = pfn; at < end; at += CHUNK_FRAMES)
		if (blocks_chunk(b, at)->state == CHUNK_ISOLATED)
			chunk_offline(b->core, block_chunk(at));
	return 0;
}

/* --- notifiers -------------------------------------------------------------
 */

/* The listeners, then the driver. */
static int ask(struct blocks *b, enum vmem_event event, enum vmem_event cancel,
	       uint64_t pfn, enum vmem_zone zone)
{
	int error = listeners_ask(b->core, event, cancel, pfn, b->size);

	if (!error && b->driver) {
		error = vmem_driver_notify(b->driver, event, pfn, zone);
		if (error)
			listeners_cancel(b->core, cancel, pfn, b->size);
	}
	if (!error)
		return 0;
	blocks_note(b, PAGER_POOL_EVENT_BUSY, pfn, BLOCK_BUSY_VETO);
	return -EBUSY;
}

static void cancel(struct blocks *b, enum vmem_event event, uint64_t pfn,
		   enum vmem_zone zone)
{
	if (b->driver)
		vmem_driver_notify(b->driver, event, pfn, zone);
	listeners_cancel(b->core, event, pfn, b->size);
}

static void tell(struct blocks *b, enum vmem_event event, uint64_t pfn,
		 enum vmem_zone zone)
{
	listeners_tell(b->core, event, pfn, b->size);
	if (b->driver)
		vmem_driver_notify(b->driver, event, pfn, zone);
}

/* --- blocks ----------------------------------------------------------------
 */

int blocks_online(struct blocks *b, uint64_t pfn, enum vmem_zone zone)
{
	struct block *block = blocks_at(b, pfn);
	int error;

	if (!block)
		return -EINVAL;
	if (block->state != PAGER_BLOCK_OFFLINE)
		return block->state == PAGER_BLOCK_ONLINE ? -EALREADY : -ENOENT;
	error = ask(b, VMEM_GOING_ONLINE, VMEM_CANCEL_ONLINE, pfn, zone);
	if (error)
		return error;
	block->state = PAGER_BLOCK_ONLINE;
	block->zone = (uint8_t)zone;
	b->present[zone] += b->size;
	for (uint64_t at = pfn; at < pfn + b->size; at += CHUNK_FRAMES)
		if (blocks_chunk(b, at)->state == CHUNK_OFFLINE)
			chunk_online(b->core, block_chunk(at), zone);
	tell(b, VMEM_ONLINE, pfn, zone);
	blocks_note(b, PAGER_POOL_EVENT_ONLINE, pfn, zone);
	return 0;
}

/* Blocks [pfn, at) agreed to go, and it came to nothing: the last one first. */
static void cancel_going(struct blocks *b, uint64_t pfn, uint64_t at)
{
	while (at > pfn) {
		const struct block *block = blocks_at(b, at -= b->size);

		if (block->state == PAGER_BLOCK_ONLINE)
			cancel(b, VMEM_CANCEL_OFFLINE, at, block->zone);
	}
}

static void went_offline(struct blocks *b, uint64_t pfn)
{
	struct block *block = blocks_at(b, pfn);
	enum vmem_zone zone = block->zone;

	if (block->state != PAGER_BLOCK_ONLINE)
		return;
	block->state = PAGER_BLOCK_OFFLINE;
	b->present[zone] -= b->size;
	tell(b, VMEM_OFFLINE, pfn, zone);
	blocks_note(b, PAGER_POOL_EVENT_OFFLINE, pfn, zone);
}

/* Everybody is asked about each that is online, then all is emptied, and only
 * then anything is offline. */
int blocks_offline_run(struct blocks *b, uint64_t pfn, uint64_t pages)
{
	const uint64_t end = pfn + pages;
	uint64_t at, moved = 0;
	int error = 0;

	for (at = pfn; at < end; at += b->size) {
		const struct block *block = blocks_at(b, at);

		if (block->state == PAGER_BLOCK_ONLINE)
			error = ask(b, VMEM_GOING_OFFLINE, VMEM_CANCEL_OFFLINE,
				    at, block->zone);
		if (error)
			break;
	}
	if (!error) {
		error = blocks_take(b, pfn, pages, &moved);
		b->moved += moved;
	}
	if (error) {
		cancel_going(b, pfn, at);
		return error;
	}
	for (at = pfn; at < end; at += b->size)
		went_offline(b, at);
	return 0;
}

int blocks_offline(struct blocks *b, uint64_t pfn)
{
	const struct block *block = blocks_at(b, pfn);

	if (!block)
		return -EINVAL;
	if (block->state != PAGER_BLOCK_ONLINE)
		return block->state == PAGER_BLOCK_OFFLINE ? -EALREADY
							   : -ENOENT;
	return blocks_offline_run(b, pfn, b->size);
}
