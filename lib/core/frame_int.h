/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the frame allocator share: marking frames as taken.
 */
#ifndef LIB_CORE_FRAME_INT_H
#define LIB_CORE_FRAME_INT_H

#include <assert.h>
#include <string.h>

#include "lib/base/bits.h"
#include "lib/core/frame.h"

/* Frames of an ONLINE chunk, all free, are so no more. Its place is the
 * caller's to change. */
static inline void frame_unfree(struct frames *p, struct chunk *c,
				unsigned int at, unsigned int n)
{
	assert(bits_all(c->free, at, at + n));
	bits_clear(c->free, at, at + n);
	c->nfree = (uint16_t)(c->nfree - n);
	p->zone[c->zone].free -= n;
}

/* Frames of one chunk, no longer free in it, get their references, their
 * account (which is charged) and, if it is wished, zeroes. */
static inline void frame_born(struct pager_core *core,
			      struct pager_account *account, struct chunk *c,
			      uint32_t first, uint32_t n, bool zeroed)
{
	struct frames *p = &core->frames;
	uint32_t at = first % CHUNK_FRAMES, dirty = n;

	if (at + n > c->touched) {
		dirty = at < c->touched ? c->touched - at : 0;
		c->touched = (uint16_t)(at + n);
	}
	if (zeroed && dirty && p->memory)
		memset(frame_bytes(core, first), 0,
		       (size_t)dirty * PAGER_PAGE_SIZE);
	for (uint32_t f = first; f < first + n; f++)
		p->refs[f] = 1;
	for (uint32_t f = first; f < first + n; f++)
		p->account[f] = account->id;
	account->used[PAGER_RES_FRAMES] += n;
	p->used += n;
	if (p->used > p->peak)
		p->peak = p->used;
}

#endif
