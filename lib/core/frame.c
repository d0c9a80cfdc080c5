/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Single frames: taken from the cache of their kind, a word of a chunk's
 * bitfield at a time, lowest first; put back into their chunk. Both touch the
 * frame's reference count and account, its chunk, and counters.
 *
 *	take	cache ── word ── lowest bit	(zone_refill when it is 0)
 *	put	chunk ── bit, nfree		(zone_settle at each 32nd)
 *
 * Frames that were never given since their chunk was added are known to be
 * zero: those from the chunk's high-water mark (touched) on.
 */
#include "lib/core/frame.h"

#include <assert.h>

#include "lib/base/failpoint.h"
#include "lib/core/account.h"
#include "lib/core/frame_int.h"
#include "lib/core/pin.h"
#include "lib/core/reclaim.h"
#include "lib/core/rmap.h"

/* The arrays, all or none. */
static int make_records(struct pager_core *core)
{
	struct frames *p = &core->frames;
	uint64_t words = VMEM_ZONES * hbits_words(p->chunks);

	p->refs = core_alloc(core, p->span * sizeof(*p->refs));
	p->account = core_alloc(core, p->span * sizeof(*p->account));
	p->pins = core_alloc(core, p->span * sizeof(*p->pins));
	p->chunk = core_alloc(core, p->chunks * sizeof(*p->chunk));
	p->zone_words = core_alloc(core, words * sizeof(*p->zone_words));
	return p->refs && p->account && p->pins && p->chunk && p->zone_words
		   ? 0
		   : -1;
}

static void free_records(struct pager_core *core)
{
	struct frames *p = &core->frames;
	uint64_t words = VMEM_ZONES * hbits_words(p->chunks);

	core_free(core, p->zone_words, words * sizeof(*p->zone_words));
	core_free(core, p->chunk, p->chunks * sizeof(*p->chunk));
	core_free(core, p->pins, p->span * sizeof(*p->pins));
	core_free(core, p->account, p->span * sizeof(*p->account));
	core_free(core, p->refs, p->span * sizeof(*p->refs));
}

/* Out of the first chunk, which is a kernel's from then on. */
static void make_zero_frame(struct pager_core *core)
{
	struct frames *p = &core->frames;
	struct chunk *c = &p->chunk[0];

	zone_touch(p, c);
	zone_remove(p, c);
	c->free[0] &= ~UINT64_C(1);
	c->nfree--;
	c->touched = 1;
	c->kind = FRAME_UNMOVABLE;
	p->zone[VMEM_ZONE_KERNEL].free--;
	zone_insert(p, c);
	p->zero = 0;
	p->refs[0] = 1;
	p->used = 1;
	p->peak = 1;
}

int frame_pool_init(struct pager_core *core, uint64_t frames, uint64_t span,
		    uint8_t *memory)
{
	struct frames *p = &core->frames;
	uint32_t chunk = 0;

	p->span = span;
	p->chunks = (uint32_t)((span + CHUNK_FRAMES - 1) / CHUNK_FRAMES);
	if (make_records(core)) {
		free_records(core);
		return -1;
	}
	p->memory = memory;
	p->limbo = FRAME_NONE;
	zone_init(p, p->zone_words);
	for (uint64_t at = 0; at < frames; at += CHUNK_FRAMES, chunk++) {
		uint64_t left = frames - at;

		chunk_add(core, chunk,
			  left < CHUNK_FRAMES ? (unsigned int)left
					      : CHUNK_FRAMES);
		chunk_online(core, chunk, VMEM_ZONE_KERNEL);
	}
	make_zero_frame(core);
	return 0;
}

void frame_pool_fini(struct pager_core *core)
{
	assert(core->frames.used == 1);
	free_records(core);
}

static inline struct pager_status reserve(struct pager_core *core, uint64_t n,
					  enum frame_kind kind)
{
	if (n == 0)
		return pager_ok();
	if (pager_fail("frame"))
		return pager_refuse(PAGER_ENOMEM, PAGER_ARG_NONE);
	if (frame_free_count(core, kind) < n)
		reclaim_lazy(core);
	if (frame_free_count(core, FRAME_MOVABLE) < n)
		pools_grow(core, n - frame_free_count(core, FRAME_MOVABLE));
	if (kind == FRAME_UNMOVABLE && frame_free_count(core, kind) < n)
		pin_make_room(core, n);
	if (frame_free_count(core, kind) < n)
		return pager_refuse(PAGER_ENOMEM, PAGER_ARG_NONE);
	return pager_ok();
}

struct pager_status frame_reserve(struct pager_core *core,
				  struct pager_account *account, uint64_t n)
{
	if (n && !account_has_room(account, PAGER_RES_FRAMES, n))
		return pager_refuse(PAGER_ELIMIT, PAGER_ARG_NONE);
	return reserve(core, n, FRAME_MOVABLE);
}

struct pager_status frame_reserve_pool(struct pager_core *core, uint64_t n)
{
	return reserve(core, n, FRAME_MOVABLE);
}

struct pager_status frame_reserve_unmovable(struct pager_core *core, uint64_t n)
{
	return reserve(core, n, FRAME_UNMOVABLE);
}

static inline uint32_t take(struct pager_core *core,
			    struct pager_account *account, enum frame_kind kind,
			    bool zeroed)
{
	struct frames *p = &core->frames;
	struct frame_cache *cache = &p->cache[CACHE_SINGLE + kind];
	struct chunk *c;
	uint64_t bits;
	uint32_t f;

	if (!*cache->word)
		zone_refill(p, kind);
	bits = *cache->word;
	*cache->word = bits & (bits - 1);
	f = cache->first + (uint32_t)__builtin_ctzll(bits);
	c = cache->chunk;
	c->nfree--;
	p->zone[c->zone].free--;
	frame_born(core, account, c, f, 1, zeroed);
	return f;
}

uint32_t frame_take(struct pager_core *core, struct pager_account *account)
{
	return take(core, account, FRAME_MOVABLE, false);
}

uint32_t frame_take_zeroed(struct pager_core *core,
			   struct pager_account *account)
{
	return take(core, account, FRAME_MOVABLE, true);
}

uint32_t frame_take_unmovable(struct pager_core *core,
			      struct pager_account *account, bool zeroed)
{
	return take(core, account, FRAME_UNMOVABLE, zeroed);
}

void frame_release(struct pager_core *core, uint32_t frame)
{
	struct frames *p = &core->frames;

	assert(p->refs[frame] == 1 && p->account[frame] != FRAME_IN_LIMBO);
	account_uncharge_id(core, p->account[frame], PAGER_RES_FRAMES, 1);
	rmap_drop(core, frame);
	p->account[frame] = FRAME_IN_LIMBO;
	p->refs[frame] = p->limbo;
	p->limbo = frame;
}

static inline void put_free(struct frames *p, uint32_t frame)
{
	struct chunk *c = &p->chunk[frame >> CHUNK_SHIFT];
	uint64_t *word = &c->free[frame / 64 % CHUNK_WORDS];
	uint64_t bit = UINT64_C(1) << (frame % 64);

	assert(!(*word & bit));
	*word |= bit;
	c->nfree++;
	p->refs[frame] = 0;
	p->used--;
	if (c->bucket == CHUNK_OUT)
		return;
	if (p->zone[c->zone].free++ == 0)
		zone_revive(p, c->zone);
	if (c->nfree / ZONE_STEP != c->bucket)
		zone_settle(p, c);
}

void frame_free(struct pager_core *core, uint32_t frame)
{
	struct frames *p = &core->frames;

	assert(p->refs[frame] == 1 && p->account[frame] != FRAME_IN_LIMBO);
	account_uncharge_id(core, p->account[frame], PAGER_RES_FRAMES, 1);
	rmap_drop(core, frame);
	put_free(p, frame);
}

void frame_drain(struct pager_core *core)
{
	struct frames *p = &core->frames;

	while (p->limbo != FRAME_NONE) {
		uint32_t frame = p->limbo;

		p->limbo = p->refs[frame];
		put_free(p, frame);
	}
}

void frame_zone_info(const struct pager_core *core, enum vmem_zone zone,
		     struct frame_zone_info *out)
{
	const struct zone *z = &core->frames.zone[zone];

	*out = (struct frame_zone_info){
	    .managed = z->managed,
	    .free = z->free,
	    .empty_chunks = z->empty.count,
	    .partial_chunks = z->partial_chunks,
	};
	for (int i = 0; i < CACHES; i++) {
		const struct chunk *c = core->frames.cache[i].chunk;

		if (!c || c->zone != zone || c->nfree == 0)
			continue;
		if (c->nfree == CHUNK_FRAMES)
			out->empty_chunks++;
		else
			out->partial_chunks++;
	}
}
