/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory manager as the virtio-mem driver sees it (struct vmem_mm_ops):
 * what is plugged becomes chunks, runs of memory blocks come and go whole, and
 * ranges of online blocks are taken out of use and given back.
 *
 * It trusts the driver's ranges: they are the driver's own, not a client's.
 */
#include <errno.h>

#include "lib/base/failpoint.h"
#include "lib/core/block.h"
#include "lib/core/internal.h"

static uint64_t mm_memory_block(void *mm)
{
	const struct blocks *b = mm;

	return b->size;
}

static void mm_plugged(void *mm, uint64_t pfn, uint64_t pages)
{
	struct blocks *b = mm;

	for (uint64_t end = pfn + pages; pfn < end; pfn += CHUNK_FRAMES)
		if (blocks_chunk(b, pfn)->state == CHUNK_ABSENT)
			chunk_add(b->core, block_chunk(pfn), CHUNK_FRAMES);
}

static void mm_unplugged(void *mm, uint64_t pfn, uint64_t pages)
{
	struct blocks *b = mm;

	for (uint64_t end = pfn + pages; pfn < end; pfn += CHUNK_FRAMES)
		if (blocks_chunk(b, pfn)->state != CHUNK_ABSENT)
			chunk_remove(b->core, block_chunk(pfn));
}

/* Whole blocks of the pool, none of them in that state? */
static int check_run(const struct blocks *b, uint64_t pfn, uint64_t pages,
		     unsigned int state, int error)
{
	if (pages == 0 || pages % b->size || !blocks_at(b, pfn) ||
	    !blocks_at(b, pfn + pages - b->size))
		return -EINVAL;
	for (uint64_t end = pfn + pages; pfn < end; pfn += b->size)
		if (blocks_at(b, pfn)->state == state)
			return error;
	return 0;
}

/* That a block does not come online by itself does not undo its coming. */
static int mm_add(void *mm, uint64_t pfn, uint64_t pages)
{
	struct blocks *b = mm;
	const uint64_t end = pfn + pages;
	int error = check_run(b, pfn, pages, PAGER_BLOCK_OFFLINE, -EEXIST);

	if (!error)
		error = check_run(b, pfn, pages, PAGER_BLOCK_ONLINE, -EEXIST);
	if (!error && pager_fail("block"))
		error = -ENOMEM;
	if (error)
		return error;
	for (uint64_t at = pfn; at < end; at += b->size) {
		blocks_at(b, at)->state = PAGER_BLOCK_OFFLINE;
		blocks_note(b, PAGER_POOL_EVENT_ADD, at, b->size);
	}
	for (uint64_t at = pfn; at < end && !b->policy.keep_offline;
	     at += b->size)
		blocks_online(b, at, blocks_auto_zone(b, at));
	return 0;
}

static int mm_remove(void *mm, uint64_t pfn, uint64_t pages)
{
	struct blocks *b = mm;
	int error = check_run(b, pfn, pages, PAGER_BLOCK_ONLINE, -EBUSY);

	if (!error)
		error = check_run(b, pfn, pages, PAGER_BLOCK_ABSENT, -ENOENT);
	if (error)
		return error;
	for (uint64_t end = pfn + pages; pfn < end; pfn += b->size) {
		blocks_at(b, pfn)->state = PAGER_BLOCK_ABSENT;
		blocks_note(b, PAGER_POOL_EVENT_REMOVE, pfn, b->size);
	}
	return 0;
}

static int mm_offline_and_remove(void *mm, uint64_t pfn, uint64_t pages)
{
	struct blocks *b = mm;
	int error = check_run(b, pfn, pages, PAGER_BLOCK_ABSENT, -ENOENT);

	if (!error)
		error = blocks_offline_run(b, pfn, pages);
	return error ? error : mm_remove(b, pfn, pages);
}

static int mm_fake_offline(void *mm, uint64_t pfn, uint64_t pages,
			   uint64_t *moved)
{
	struct blocks *b = mm;
	uint64_t n = 0;
	int error = blocks_take(b, pfn, pages, &n);

	b->moved += n;
	*moved += n;
	return error;
}

static void mm_fake_online(void *mm, uint64_t pfn, uint64_t pages)
{
	struct blocks *b = mm;

	for (uint64_t end = pfn + pages; pfn < end; pfn += CHUNK_FRAMES) {
		const struct block *block =
		    &b->block[(pfn - b->addr) / b->size];

		if (block->state == PAGER_BLOCK_ONLINE &&
		    blocks_chunk(b, pfn)->state == CHUNK_OFFLINE)
			chunk_online(b->core, block_chunk(pfn), block->zone);
	}
}

static uint64_t mm_in_use(void *mm, uint64_t pfn, uint64_t pages,
			  uint64_t *unmovable)
{
	const struct blocks *b = mm;
	uint64_t used = 0;

	*unmovable = 0;
	for (uint64_t end = pfn + pages; pfn < end; pfn += CHUNK_FRAMES) {
		const struct chunk *c = blocks_chunk(b, pfn);

		if (c->state != CHUNK_ONLINE)
			continue;
		used += (uint64_t)c->total - c->nfree;
		*unmovable += c->pinned;
	}
	return used - *unmovable;
}

static const struct vmem_mm_ops mm_ops = {
    .memory_block = mm_memory_block,
    .plugged = mm_plugged,
    .unplugged = mm_unplugged,
    .add = mm_add,
    .remove = mm_remove,
    .offline_and_remove = mm_offline_and_remove,
    .fake_offline = mm_fake_offline,
    .fake_online = mm_fake_online,
    .in_use = mm_in_use,
};

struct vmem_mm blocks_mm(struct blocks *b)
{
	return (struct vmem_mm){&mm_ops, b};
}
