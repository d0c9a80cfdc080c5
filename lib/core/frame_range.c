/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contiguous ranges of any length, alignment and address limit, for devices and
 * for who must know physical addresses. The zone KERNEL alone; frames in caches
 * are free as others. Found by scanning bitfields, whole chunks at a time where
 * they are free or taken as a whole.
 */
#include "lib/base/failpoint.h"
#include "lib/core/frame_int.h"

/* The first frame of [at, end) that is free (or, not free), or end. */
static uint64_t scan(const struct frames *p, uint64_t at, uint64_t end,
		     bool free)
{
	while (at < end) {
		const struct chunk *c = &p->chunk[at >> CHUNK_SHIFT];
		bool has = c->state == CHUNK_ONLINE &&
			   c->zone == VMEM_ZONE_KERNEL && c->nfree;
		uint64_t bits = has ? c->free[at / 64 % CHUNK_WORDS] : 0;

		if (free ? !has : has && c->nfree == CHUNK_FRAMES) {
			at = (at | (CHUNK_FRAMES - 1)) + 1;
			continue;
		}
		bits = (free ? bits : ~bits) >> (at % 64);
		if (bits) {
			at += (uint64_t)__builtin_ctzll(bits);
			break;
		}
		at = (at | 63) + 1;
	}
	return at < end ? at : end;
}

uint32_t frame_find_range(const struct pager_core *core, uint64_t n,
			  uint64_t align, uint64_t limit)
{
	const struct frames *p = &core->frames;
	uint64_t end = (uint64_t)p->chunk_top << CHUNK_SHIFT, at = 0, stop;

	assert(align && !(align & (align - 1)));
	if (pager_fail("range") || n == 0)
		return FRAME_NONE;
	if (end > limit)
		end = limit;
	for (;;) {
		at = scan(p, at, end, true);
		if (align - 1 > UINT64_MAX - at)
			return FRAME_NONE;
		at = (at + align - 1) & ~(align - 1);
		if (at >= end || n > end - at)
			return FRAME_NONE;
		stop = scan(p, at, at + n, false);
		if (stop == at + n)
			return (uint32_t)at;
		at = stop;
	}
}

void frame_take_range(struct pager_core *core, struct pager_account *account,
		      uint32_t first, uint64_t n, bool zeroed)
{
	struct frames *p = &core->frames;

	while (n) {
		struct chunk *c = &p->chunk[first >> CHUNK_SHIFT];
		unsigned int at = first % CHUNK_FRAMES;
		unsigned int len = CHUNK_FRAMES - at;

		if (n < len)
			len = (unsigned int)n;
		assert(c->zone == VMEM_ZONE_KERNEL);
		zone_touch(p, c);
		zone_remove(p, c);
		if (c->nfree == c->total)
			c->kind = FRAME_UNMOVABLE;
		frame_unfree(p, c, at, len);
		zone_insert(p, c);
		frame_born(core, account, c, first, len, zeroed);
		first += len;
		n -= len;
	}
}
