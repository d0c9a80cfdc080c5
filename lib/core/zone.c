/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Choosing a chunk. Fullest first, so that what is freed gathers in chunks that
 * become empty; an empty one only when there is no partial one of the kind, the
 * lowest, so that the upper end stays empty; one of the other kind last.
 */
#include "lib/core/zone.h"

#include <assert.h>

#include "lib/core/internal.h"

void zone_init(struct frames *p, uint64_t *words)
{
	for (int z = 0; z < VMEM_ZONES; z++) {
		struct zone *zone = &p->zone[z];

		for (int kind = 0; kind < FRAME_KINDS; kind++)
			for (unsigned int b = 0; b < ZONE_BUCKETS; b++)
				zone->partial[kind].head[b] = CHUNK_NONE;
		hbits_init(&zone->empty, p->chunks, words);
		words += hbits_words(p->chunks);
	}
	for (int i = 0; i < CACHES; i++)
		p->cache[i].word = &p->no_frames;
}

static uint32_t chunk_index(const struct frames *p, const struct chunk *c)
{
	return (uint32_t)(c - p->chunk);
}

void zone_insert(struct frames *p, struct chunk *c)
{
	struct zone *zone = &p->zone[c->zone];
	struct zone_lists *lists = &zone->partial[c->kind];
	unsigned int bucket = chunk_bucket(c);
	uint32_t n = chunk_index(p, c);

	assert(c->state == CHUNK_ONLINE && c->bucket == CHUNK_OUT);
	c->bucket = (uint8_t)bucket;
	if (bucket == CHUNK_FULL)
		return;
	if (bucket == CHUNK_EMPTY) {
		hbits_set(&zone->empty, n);
		return;
	}
	c->prev = CHUNK_NONE;
	c->next = lists->head[bucket];
	if (c->next != CHUNK_NONE)
		p->chunk[c->next].prev = n;
	lists->head[bucket] = n;
	lists->some |= UINT64_C(1) << bucket;
	zone->partial_chunks++;
}

static void unlink_partial(struct frames *p, struct chunk *c)
{
	struct zone *zone = &p->zone[c->zone];
	struct zone_lists *lists = &zone->partial[c->kind];

	if (c->next != CHUNK_NONE)
		p->chunk[c->next].prev = c->prev;
	if (c->prev != CHUNK_NONE)
		p->chunk[c->prev].next = c->next;
	else
		lists->head[c->bucket] = c->next;
	if (lists->head[c->bucket] == CHUNK_NONE)
		lists->some &= ~(UINT64_C(1) << c->bucket);
	zone->partial_chunks--;
}

void zone_remove(struct frames *p, struct chunk *c)
{
	struct zone *zone = &p->zone[c->zone];

	if (c->bucket < ZONE_BUCKETS) {
		unlink_partial(p, c);
	} else if (c->bucket == CHUNK_EMPTY) {
		hbits_clear(&zone->empty, chunk_index(p, c));
	} else if (c->bucket != CHUNK_FULL) {
		struct frame_cache *cache = &p->cache[c->bucket - CHUNK_CACHED];

		assert(cache->chunk == c);
		cache->chunk = NULL;
		cache->word = &p->no_frames;
	}
	c->bucket = CHUNK_OUT;
}

void zone_settle(struct frames *p, struct chunk *c)
{
	if (c->bucket >= CHUNK_CACHED || c->bucket == chunk_bucket(c))
		return;
	zone_remove(p, c);
	zone_insert(p, c);
}

void zone_uncache(struct frames *p, unsigned int cache)
{
	struct chunk *c = p->cache[cache].chunk;

	if (!c)
		return;
	zone_remove(p, c);
	zone_insert(p, c);
}

void zone_touch(struct frames *p, const struct chunk *c)
{
	uint64_t end = ((uint64_t)chunk_index(p, c) << CHUNK_SHIFT) + c->total;

	if (c->touched == 0)
		p->records += c->total;
	if (p->top < end)
		p->top = end;
}

static void point(struct frames *p, struct frame_cache *cache)
{
	struct chunk *c = cache->chunk;
	unsigned int w = 0;

	while (!c->free[w])
		w++;
	cache->word = &c->free[w];
	cache->first = (chunk_index(p, c) << CHUNK_SHIFT) + w * 64;
}

void zone_cache(struct frames *p, unsigned int cache, struct chunk *c)
{
	zone_uncache(p, cache);
	zone_remove(p, c);
	/* Of one of the other kind only the frames are taken. */
	if (c->nfree == c->total)
		c->kind = cache % FRAME_KINDS;
	zone_touch(p, c);
	c->bucket = (uint8_t)(CHUNK_CACHED + cache);
	p->cache[cache].chunk = c;
	point(p, &p->cache[cache]);
}

void zone_revive(struct frames *p, unsigned int zone)
{
	static const unsigned int movable[] = {CACHE_SINGLE + FRAME_MOVABLE,
					       CACHE_RUN + FRAME_MOVABLE};

	if (zone != VMEM_ZONE_MOVABLE)
		return;
	for (int i = 0; i < 2; i++) {
		struct chunk *c = p->cache[movable[i]].chunk;

		if (c && c->zone != VMEM_ZONE_MOVABLE)
			zone_uncache(p, movable[i]);
	}
}

static struct chunk *lowest_empty(struct frames *p, const struct zone *zone)
{
	uint64_t n = hbits_next(&zone->empty, 0);

	return n == HBITS_NONE ? NULL : &p->chunk[n];
}

static struct chunk *fullest(struct frames *p, const struct zone_lists *lists)
{
	if (!lists->some)
		return NULL;
	return &p->chunk[lists->head[__builtin_ctzll(lists->some)]];
}

static struct chunk *choose(struct frames *p, const struct zone *zone,
			    enum frame_kind kind)
{
	struct chunk *c = fullest(p, &zone->partial[kind]);

	if (!c)
		c = lowest_empty(p, zone);
	if (!c)
		c = fullest(p, &zone->partial[FRAME_KINDS - 1 - kind]);
	return c;
}

void zone_refill(struct frames *p, enum frame_kind kind)
{
	struct frame_cache *cache = &p->cache[CACHE_SINGLE + kind];
	enum vmem_zone order[VMEM_ZONES];
	unsigned int zones = zone_order(kind, order);
	struct chunk *c = NULL;

	if (cache->chunk && cache->chunk->nfree) {
		point(p, cache);
		return;
	}
	for (unsigned int z = 0; z < zones && !c; z++) {
		const struct zone *zone = &p->zone[order[z]];

		if (!zone->free)
			continue;
		c = choose(p, zone, kind);
		if (c)
			break;
		for (unsigned int i = 0; i < CACHES; i++)
			zone_uncache(p, i);
		c = choose(p, zone, kind);
	}
	assert(c);
	zone_cache(p, CACHE_SINGLE + kind, c);
}

struct chunk *zone_empty(struct frames *p, unsigned int zone)
{
	struct chunk *c = lowest_empty(p, &p->zone[zone]);

	for (unsigned int i = 0; !c && i < CACHES; i++) {
		struct chunk *x = p->cache[i].chunk;

		if (x && x->nfree == CHUNK_FRAMES && x->zone == zone)
			c = x;
	}
	return c;
}
