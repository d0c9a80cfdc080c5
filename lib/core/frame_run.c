/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Aligned runs of frames. One of 2 MiB is an empty chunk. Smaller ones come
 * from the chunk in the cache for runs, first from its word on; when it has
 * none left, from another partial chunk, of which a few are looked at, the
 * emptiest first; then from an empty one, which has many: so the time of a
 * search is spread over what it finds.
 *
 * Where all that fails, more partial chunks are looked at, but never all; and
 * when that fails too, the next calls do not look again, but for empty chunks.
 */
#include "lib/base/failpoint.h"
#include "lib/core/frame_int.h"

enum { PROBES = 8, LAST_PROBES = 64, PAUSE = 32 };

/* Bits where a run of 2^order may begin inside of a word. */
static const uint64_t aligned[] = {
    UINT64_MAX,		0x5555555555555555, 0x1111111111111111,
    0x0101010101010101, 0x0001000100010001, 0x0000000100000001,
    0x0000000000000001,
};

/* The first run inside of the words [from, to), as a frame of the chunk; or
 * CHUNK_FRAMES. */
static inline unsigned int find_short(const struct chunk *c, unsigned int order,
				      unsigned int from, unsigned int to)
{
	for (unsigned int w = from; w < to; w++) {
		uint64_t bits = c->free[w];

		for (unsigned int len = 1; len < 1u << order; len *= 2)
			bits &= bits >> len;
		bits &= aligned[order];
		if (bits)
			return w * 64 + (unsigned int)__builtin_ctzll(bits);
	}
	return CHUNK_FRAMES;
}

/* The same of whole words: orders 7 and 8. */
static unsigned int find_long(const struct chunk *c, unsigned int order)
{
	unsigned int words = (1u << order) / 64;

	for (unsigned int w = 0; w < CHUNK_WORDS; w += words) {
		uint64_t all = UINT64_MAX;

		for (unsigned int i = 0; i < words; i++)
			all &= c->free[w + i];
		if (all == UINT64_MAX)
			return w * 64;
	}
	return CHUNK_FRAMES;
}

static inline unsigned int find(const struct chunk *c, unsigned int order,
				unsigned int word)
{
	unsigned int at;

	if (order > 6)
		return find_long(c, order);
	at = find_short(c, order, word, CHUNK_WORDS);
	return at < CHUNK_FRAMES ? at : find_short(c, order, 0, word);
}

static struct chunk *probe(struct frames *p, const struct zone_lists *lists,
			   unsigned int order, unsigned int probes)
{
	uint64_t some = lists->some & UINT64_MAX << (1u << order) / ZONE_STEP;

	while (some) {
		unsigned int bucket = 63 - (unsigned int)__builtin_clzll(some);
		uint32_t n = lists->head[bucket];

		for (; n != CHUNK_NONE; n = p->chunk[n].next) {
			if (probes-- == 0)
				return NULL;
			if (find(&p->chunk[n], order, 0) < CHUNK_FRAMES)
				return &p->chunk[n];
		}
		some &= ~(UINT64_C(1) << bucket);
	}
	return NULL;
}

/* What was passed over: the other caches' chunks, more of the lists. */
static struct chunk *last_chunk(struct frames *p, unsigned int order,
				enum frame_kind kind,
				const enum vmem_zone *zones, unsigned int n)
{
	for (unsigned int z = 0; z < n; z++) {
		struct zone *zone = &p->zone[zones[z]];
		struct chunk *c;

		for (int i = 0; i < CACHES; i++) {
			c = p->cache[i].chunk;
			if (c && c->zone == zones[z] &&
			    find(c, order, 0) < CHUNK_FRAMES)
				return c;
		}
		c = probe(p, &zone->partial[kind], order, LAST_PROBES);
		if (!c)
			c = probe(p, &zone->partial[FRAME_KINDS - 1 - kind],
				  order, LAST_PROBES);
		if (c)
			return c;
	}
	return NULL;
}

static struct chunk *find_chunk(struct frames *p, unsigned int order,
				enum frame_kind kind)
{
	struct run_pause *pause = &p->run_pause[kind];
	bool paused = pause->calls && order >= pause->order;
	enum vmem_zone zones[VMEM_ZONES];
	unsigned int n = zone_order(kind, zones);
	struct chunk *c = NULL;

	for (unsigned int z = 0; z < n && !c; z++) {
		struct zone *zone = &p->zone[zones[z]];

		if (order < CHUNK_SHIFT && !paused)
			c = probe(p, &zone->partial[kind], order, PROBES);
		if (!c)
			c = zone_empty(p, zones[z]);
	}
	if (c || order == CHUNK_SHIFT)
		return c;
	if (paused) {
		pause->calls--;
		return NULL;
	}
	c = last_chunk(p, order, kind, zones, n);
	if (!c)
		*pause = (struct run_pause){(uint8_t)order, PAUSE};
	return c;
}

static uint32_t take_chunk(struct pager_core *core,
			   struct pager_account *account, enum frame_kind kind,
			   bool zeroed)
{
	struct frames *p = &core->frames;
	struct chunk *c = find_chunk(p, CHUNK_SHIFT, kind);
	uint32_t first;

	if (!c)
		return FRAME_NONE;
	first = (uint32_t)(c - p->chunk) << CHUNK_SHIFT;
	zone_touch(p, c);
	zone_remove(p, c);
	c->kind = kind;
	frame_unfree(p, c, 0, CHUNK_FRAMES);
	zone_insert(p, c);
	frame_born(core, account, c, first, CHUNK_FRAMES, zeroed);
	return first;
}

static uint32_t take_single(struct pager_core *core,
			    struct pager_account *account, enum frame_kind kind,
			    bool zeroed)
{
	if (kind == FRAME_UNMOVABLE)
		return frame_take_unmovable(core, account, zeroed);
	return zeroed ? frame_take_zeroed(core, account)
		      : frame_take(core, account);
}

uint32_t frame_take_run(struct pager_core *core, struct pager_account *account,
			unsigned int order, enum frame_kind kind, bool zeroed)
{
	struct frames *p = &core->frames;
	struct frame_cache *cache = &p->cache[CACHE_RUN + kind];
	struct chunk *c = cache->chunk;
	unsigned int at = CHUNK_FRAMES;
	uint32_t first;

	assert(order <= CHUNK_SHIFT);
	if (pager_fail("run") || frame_free_count(core, kind) < 1u << order)
		return FRAME_NONE;
	if (order == 0)
		return take_single(core, account, kind, zeroed);
	if (order == CHUNK_SHIFT)
		return take_chunk(core, account, kind, zeroed);
	if (c)
		at = find(c, order, (unsigned int)(cache->word - c->free));
	if (at == CHUNK_FRAMES) {
		c = find_chunk(p, order, kind);
		if (!c)
			return FRAME_NONE;
		zone_cache(p, CACHE_RUN + kind, c);
		at = find(c, order, 0);
	}
	first = ((uint32_t)(c - p->chunk) << CHUNK_SHIFT) + at;
	cache->word = &c->free[at / 64];
	cache->first = first & ~UINT32_C(63);
	frame_unfree(p, c, at, 1u << order);
	frame_born(core, account, c, first, 1u << order, zeroed);
	return first;
}
