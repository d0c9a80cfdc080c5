/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Zones: where a chunk is found again, and the caches above them.
 *
 *	zone    by kind: partial[ZONE_BUCKETS]   lists by fill, fullest first
 *	        empty                            bitmap, lowest address first
 *	cache   by kind, for single frames and for runs: the one chunk that is
 *	        taken from now, in no list
 *
 * A chunk of a zone is in exactly one place, which chunk.bucket names: the list
 * of its fill (changed only when a frame more or less changes that),
 * the bitmap when all 512 frames are free, a cache, or nowhere when it is full.
 * Each move is O(1).
 *
 * Movable frames come from the zone MOVABLE as long as it has any, so that a
 * plan may count movable frames of both zones and unmovable ones of KERNEL: a
 * cache for movable frames gives up its chunk of KERNEL when MOVABLE has frames
 * again. A zone's frames in caches count as free, and are found by everyone:
 * who finds no other frame takes them from the other caches.
 *
 * Nothing here knows accounts, references or entries.
 */
#ifndef LIB_CORE_ZONE_H
#define LIB_CORE_ZONE_H

#include "lib/base/hbits.h"
#include "lib/core/chunk.h"

#define ZONE_STEP    32u /* frames from one list to the next */
#define ZONE_BUCKETS (CHUNK_FRAMES / ZONE_STEP)

/* chunk.bucket beyond the lists. */
enum {
	CHUNK_EMPTY = ZONE_BUCKETS, /* in the bitmap */
	CHUNK_FULL,
	CHUNK_CACHED,	       /* + the cache's number */
	CHUNK_OUT = UINT8_MAX, /* not ONLINE */
};

struct zone_lists {
	uint64_t some; /* bit set: the list has a chunk */
	uint32_t head[ZONE_BUCKETS];
};

struct zone {
	struct zone_lists partial[FRAME_KINDS];
	struct hbits empty;
	uint64_t managed; /* frames of ONLINE chunks */
	uint64_t free;
	uint64_t partial_chunks; /* in the lists */
};

/* The caches: CACHE_SINGLE + kind, CACHE_RUN + kind. */
enum { CACHE_SINGLE = 0, CACHE_RUN = 2, CACHES = 4 };

struct frame_cache {
	uint64_t *word;	     /* where the next is taken; never NULL */
	struct chunk *chunk; /* or NULL: *word is 0 */
	uint32_t first;	     /* frame of the word's lowest bit */
};

struct frames;

/* The records of the zones; words: twice hbits_words(chunks). */
void zone_init(struct frames *p, uint64_t *words);
/* Into the place that its fill says, and out of the one it is in (a cache lets
 * go of it). Counters of chunks follow, those of frames do not. */
void zone_insert(struct frames *p, struct chunk *c);
void zone_remove(struct frames *p, struct chunk *c);
/* Its fill has changed: to the right place, if it is in no cache. */
void zone_settle(struct frames *p, struct chunk *c);
/* The zone had no free frame, and has one now. */
void zone_revive(struct frames *p, unsigned int zone);
/* A cache gets another chunk, which is taken from its place; what it had goes
 * to its own. The chunk has a free frame. */
void zone_cache(struct frames *p, unsigned int cache, struct chunk *c);
/* A cache's chunk goes to its place. */
void zone_uncache(struct frames *p, unsigned int cache);
/* The cache for single frames has none in its word: another word, or another
 * chunk. There is a free frame of the kind. */
void zone_refill(struct frames *p, enum frame_kind kind);
/* The lowest chunk of the zone whose 512 frames are free; NULL: there is none.
 * It may be a cache's. */
struct chunk *zone_empty(struct frames *p, unsigned int zone);
/* Frames of the chunk are about to be given: its records are in use. */
void zone_touch(struct frames *p, const struct chunk *c);

static inline unsigned int chunk_bucket(const struct chunk *c)
{
	return c->nfree ? c->nfree / ZONE_STEP : CHUNK_FULL;
}

/* The zones that serve a kind, best first: of zones[] the first so many. */
static inline unsigned int zone_order(enum frame_kind kind,
				      enum vmem_zone zones[VMEM_ZONES])
{
	unsigned int n = 0;

	if (kind == FRAME_MOVABLE)
		zones[n++] = VMEM_ZONE_MOVABLE;
	zones[n++] = VMEM_ZONE_KERNEL;
	return n;
}

#endif
