/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The allocator's part of the recount: builds every counter again from the
 * chunks' bitfields, and sees that each chunk is in the one place that its
 * fill says. It trusts nothing: indices are bounded before they are used.
 *
 *	chunks -> bitfields	counters, marks, records of free frames
 *	zones			sums, lists, bitmaps
 *	caches			their chunk is theirs
 *
 * What used frames owe to whom, recount.c sees.
 */
#include "lib/base/bits.h"
#include "lib/core/frame.h"

struct tally {
	const struct frames *p;
	uint64_t managed[VMEM_ZONES];
	uint64_t free[VMEM_ZONES];
	uint64_t empty[VMEM_ZONES];
	uint64_t partial[VMEM_ZONES];
	uint64_t total;
	uint64_t used;
	uint64_t added;
	uint64_t records;
};

static bool is_free(const struct chunk *c, unsigned int i)
{
	return bits_test(c->free, i);
}

/* Bits that are set, of the frames it has; beyond: more than any has. */
static unsigned int count_free(const struct chunk *c)
{
	unsigned int n = 0;

	for (unsigned int w = 0; w < CHUNK_WORDS; w++)
		n += (unsigned int)__builtin_popcountll(c->free[w]);
	for (unsigned int i = c->total; i < CHUNK_FRAMES; i++)
		if (is_free(c, i))
			return UINT16_MAX;
	return n;
}

static const char *check_records(const struct frames *p, const struct chunk *c)
{
	uint64_t first = (uint64_t)(c - p->chunk) << CHUNK_SHIFT;
	unsigned int pinned = 0;

	for (unsigned int i = 0; i < c->total; i++) {
		uint64_t f = first + i;

		if (is_free(c, i)) {
			if (p->refs[f])
				return "a free frame has references";
			if (p->pins[f])
				return "a free frame is pinned";
			continue;
		}
		if (i >= c->touched)
			return "a used frame beyond what was ever given";
		if (f >= p->top)
			return "a used frame beyond the top";
		pinned += p->pins[f] != 0;
	}
	return pinned == c->pinned ? NULL : "a chunk's pinned frames";
}

/* Is it where its fill says? */
static const char *check_place(const struct frames *p, const struct chunk *c)
{
	uint32_t n = (uint32_t)(c - p->chunk);
	bool cached =
	    c->bucket >= CHUNK_CACHED && c->bucket < CHUNK_CACHED + CACHES;

	for (unsigned int z = 0; z < VMEM_ZONES; z++) {
		bool here = c->state == CHUNK_ONLINE && z == c->zone &&
			    c->bucket == CHUNK_EMPTY;

		if (hbits_test(&p->zone[z].empty, n) != here)
			return "a bit of a zone's empty chunks";
	}
	if (c->state != CHUNK_ONLINE)
		return c->bucket == CHUNK_OUT ? NULL
					      : "a chunk in a zone, not online";
	if (cached)
		return p->cache[c->bucket - CHUNK_CACHED].chunk == c
			   ? NULL
			   : "a cached chunk that no cache has";
	return c->bucket == chunk_bucket(c) ? NULL : "a chunk's bucket";
}

static bool is_zero(const struct chunk *c)
{
	const uint8_t *byte = (const void *)c;

	for (size_t i = 0; i < sizeof(*c); i++)
		if (byte[i])
			return false;
	return true;
}

static const char *check_chunk(struct tally *t, const struct chunk *c)
{
	bool in = c->state == CHUNK_ONLINE || c->state == CHUNK_ISOLATED;
	const char *why;

	if (c->state == CHUNK_ABSENT)
		return is_zero(c) ? NULL : "an absent chunk has a record";
	if (c->state > CHUNK_ISOLATED || c->zone >= VMEM_ZONES ||
	    c->kind >= FRAME_KINDS || c->total == 0 ||
	    c->total > CHUNK_FRAMES || c->touched > c->total)
		return "a chunk's record";
	if (c->zone == VMEM_ZONE_MOVABLE && c->kind != FRAME_MOVABLE)
		return "an unmovable chunk in the zone MOVABLE";
	if (c->nfree != count_free(c))
		return "a chunk's free frames";
	if (c->state == CHUNK_OFFLINE && c->nfree != c->total)
		return "an offline chunk that is in use";
	why = check_place(t->p, c);
	if (!why && c->nfree != c->total)
		why = check_records(t->p, c);
	else if (!why && c->pinned)
		why = "a free chunk with pinned frames";
	t->added++;
	t->records += c->touched ? c->total : 0;
	t->total += in ? c->total : 0;
	t->used += in ? (uint64_t)(c->total - c->nfree) : 0;
	if (c->state == CHUNK_ONLINE) {
		t->managed[c->zone] += c->total;
		t->free[c->zone] += c->nfree;
		t->empty[c->zone] += c->bucket == CHUNK_EMPTY;
		t->partial[c->zone] += c->bucket < ZONE_BUCKETS;
	}
	return why;
}

/* Chunks of a zone's lists; UINT64_MAX: a list is broken. Every chunk that is
 * met is online, as check_chunk has seen, and its bucket is right. */
static uint64_t count_listed(const struct frames *p, unsigned int z,
			     unsigned int kind)
{
	const struct zone_lists *lists = &p->zone[z].partial[kind];
	uint64_t n = 0;

	for (unsigned int b = 0; b < ZONE_BUCKETS; b++) {
		uint32_t prev = CHUNK_NONE, at = lists->head[b];

		if ((at != CHUNK_NONE) != (lists->some >> b & 1))
			return UINT64_MAX;
		for (; at != CHUNK_NONE; prev = at, at = p->chunk[at].next) {
			const struct chunk *c = p->chunk;

			if (at >= p->chunk_top || ++n > p->chunk_top)
				return UINT64_MAX;
			c += at;
			if (c->state != CHUNK_ONLINE || c->zone != z ||
			    c->kind != kind || c->bucket != b ||
			    c->prev != prev)
				return UINT64_MAX;
		}
	}
	return n;
}

/* Do the upper levels say what those below are? */
static bool check_levels(const struct hbits *h, uint64_t bits)
{
	for (unsigned int l = 0; l + 1 < h->levels; l++) {
		bits = (bits + 63) / 64;
		for (uint64_t w = 0; w < bits; w++)
			if ((h->level[l][w] != 0) !=
			    bits_test(h->level[l + 1], w))
				return false;
	}
	return true;
}

static const char *check_zone(const struct tally *t, unsigned int z)
{
	const struct frames *p = t->p;
	const struct zone *zone = &p->zone[z];
	uint64_t movable = count_listed(p, z, FRAME_MOVABLE);
	uint64_t unmovable = count_listed(p, z, FRAME_UNMOVABLE);

	if (zone->managed != t->managed[z])
		return "a zone's frames";
	if (zone->free != t->free[z])
		return "a zone's free frames";
	if (zone->partial_chunks != t->partial[z] || movable == UINT64_MAX ||
	    unmovable == UINT64_MAX || movable + unmovable != t->partial[z])
		return "a zone's lists of partial chunks";
	if (zone->empty.count != t->empty[z] ||
	    !check_levels(&zone->empty, p->chunk_top))
		return "a zone's bitmap of empty chunks";
	return NULL;
}

static const char *check_cache(const struct frames *p, unsigned int i)
{
	const struct frame_cache *cache = &p->cache[i];
	const struct chunk *c = cache->chunk;
	uint32_t word;

	if (!c)
		return cache->word == &p->no_frames && p->no_frames == 0
			   ? NULL
			   : "an empty cache has frames";
	word = cache->first / 64;
	if (c < p->chunk || c >= p->chunk + p->chunk_top ||
	    c->bucket != CHUNK_CACHED + i || cache->first % 64 ||
	    word / CHUNK_WORDS != (uint32_t)(c - p->chunk) ||
	    cache->word != &c->free[word % CHUNK_WORDS])
		return "a cache's chunk";
	if (i % FRAME_KINDS == FRAME_MOVABLE && c->zone != VMEM_ZONE_MOVABLE &&
	    i < CACHE_RUN && p->zone[VMEM_ZONE_MOVABLE].free)
		return "movable frames of KERNEL before those of MOVABLE";
	if (i % FRAME_KINDS == FRAME_UNMOVABLE && c->zone != VMEM_ZONE_KERNEL)
		return "unmovable frames of MOVABLE";
	return NULL;
}

static const char *check_sums(const struct tally *t)
{
	const struct frames *p = t->p;

	if (p->total != t->total)
		return "frames that are online";
	if (p->used != t->used || p->peak < p->used)
		return "used frames";
	if (p->added != t->added)
		return "chunks that were added";
	if (p->records != t->records)
		return "frames with records";
	if (p->top > (uint64_t)p->chunk_top << CHUNK_SHIFT)
		return "the top";
	return NULL;
}

const char *frame_check(const struct pager_core *core)
{
	struct tally t = {.p = &core->frames};
	const struct frames *p = t.p;
	const char *why = NULL;

	if (p->chunk_top > p->chunks)
		return "the highest chunk";
	for (uint32_t n = 0; !why && n < p->chunk_top; n++)
		why = check_chunk(&t, &p->chunk[n]);
	for (unsigned int z = 0; !why && z < VMEM_ZONES; z++)
		why = check_zone(&t, z);
	for (unsigned int i = 0; !why && i < CACHES; i++)
		why = check_cache(p, i);
	return why ? why : check_sums(&t);
}
