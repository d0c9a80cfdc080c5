/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The states of a chunk: what is flipped on each way. See chunk.h.
 */
#include "lib/core/chunk.h"

#include <assert.h>
#include <string.h>

#include "lib/core/internal.h"

static struct chunk *at(struct pager_core *core, uint32_t chunk,
			enum chunk_state state)
{
	assert(chunk < core->frames.chunks);
	assert(core->frames.chunk[chunk].state == state);
	return &core->frames.chunk[chunk];
}

void chunk_add(struct pager_core *core, uint32_t chunk, unsigned int total)
{
	struct chunk *c = at(core, chunk, CHUNK_ABSENT);
	unsigned int w;

	assert(total > 0 && total <= CHUNK_FRAMES);
	*c = (struct chunk){
	    .nfree = (uint16_t)total,
	    .total = (uint16_t)total,
	    .state = CHUNK_OFFLINE,
	    .bucket = CHUNK_OUT,
	    .prev = CHUNK_NONE,
	    .next = CHUNK_NONE,
	};
	for (w = 0; w < total / 64; w++)
		c->free[w] = UINT64_MAX;
	if (total % 64)
		c->free[w] = (UINT64_C(1) << total % 64) - 1;
	core->frames.added++;
	if (chunk >= core->frames.chunk_top)
		core->frames.chunk_top = chunk + 1;
}

void chunk_remove(struct pager_core *core, uint32_t chunk)
{
	struct chunk *c = at(core, chunk, CHUNK_OFFLINE);

	if (c->touched)
		core->frames.records -= c->total;
	core->frames.added--;
	memset(c, 0, sizeof(*c));
}

/* The chunk's frames can be given: the zone has them. */
static void enter(struct frames *p, struct chunk *c)
{
	struct zone *zone = &p->zone[c->zone];
	bool revived = zone->free == 0 && c->nfree;

	c->state = CHUNK_ONLINE;
	zone->managed += c->total;
	zone->free += c->nfree;
	zone_insert(p, c);
	if (revived)
		zone_revive(p, c->zone);
}

void chunk_online(struct pager_core *core, uint32_t chunk, enum vmem_zone zone)
{
	struct frames *p = &core->frames;
	struct chunk *c = at(core, chunk, CHUNK_OFFLINE);

	c->zone = zone;
	c->kind = FRAME_MOVABLE;
	p->total += c->total;
	enter(p, c);
}

void chunk_isolate(struct pager_core *core, uint32_t chunk)
{
	struct frames *p = &core->frames;
	struct chunk *c = at(core, chunk, CHUNK_ONLINE);
	struct zone *zone = &p->zone[c->zone];

	zone_remove(p, c);
	zone->managed -= c->total;
	zone->free -= c->nfree;
	c->state = CHUNK_ISOLATED;
}

void chunk_unisolate(struct pager_core *core, uint32_t chunk)
{
	enter(&core->frames, at(core, chunk, CHUNK_ISOLATED));
}

void chunk_offline(struct pager_core *core, uint32_t chunk)
{
	struct chunk *c = at(core, chunk, CHUNK_ISOLATED);

	assert(c->nfree == c->total && c->pinned == 0);
	core->frames.total -= c->total;
	c->state = CHUNK_OFFLINE;
	c->zone = 0;
	c->kind = 0;
}
