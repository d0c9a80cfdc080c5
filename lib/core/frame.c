/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The frame pool: a high-water mark over frames never used, which are known to
 * be zero, and a free list through the records of those that came back.
 *
 *	0      zero frame          fresh                    total
 *	+------+-------------------+------------------------+
 *	|  Z   | used, free, limbo | never touched          |
 *	+------+-------------------+------------------------+
 *
 * Two tiers and hotplug take this file's place, not its interface.
 */
#include "lib/core/frame.h"

#include <assert.h>
#include <string.h>

#include "lib/base/failpoint.h"
#include "lib/core/account.h"
#include "lib/core/reclaim.h"
#include "lib/core/rmap.h"

int frame_pool_init(struct pager_core *core, uint64_t total, uint8_t *memory)
{
	struct frames *p = &core->frames;

	p->refs = core_alloc(core, total * sizeof(*p->refs));
	if (!p->refs)
		return -1;
	p->frame = core_alloc(core, total * sizeof(*p->frame));
	if (!p->frame) {
		core_free(core, p->refs, total * sizeof(*p->refs));
		return -1;
	}
	p->memory = memory;
	p->total = total;
	p->free_head = FRAME_NONE;
	p->limbo = FRAME_NONE;
	p->zero = 0;
	p->refs[0] = 1;
	p->frame[0].state = FRAME_USED;
	p->fresh = 1;
	p->used = 1;
	p->peak = 1;
	return 0;
}

void frame_pool_fini(struct pager_core *core)
{
	struct frames *p = &core->frames;

	assert(p->used == 1);
	core_free(core, p->frame, p->total * sizeof(*p->frame));
	core_free(core, p->refs, p->total * sizeof(*p->refs));
}

static inline struct pager_status reserve(struct pager_core *core, uint64_t n)
{
	struct frames *p = &core->frames;

	if (n == 0)
		return pager_ok();
	if (pager_fail("frame"))
		return pager_refuse(PAGER_ENOMEM, PAGER_ARG_NONE);
	if (p->total - p->used < n)
		reclaim_lazy(core);
	if (p->total - p->used < n)
		return pager_refuse(PAGER_ENOMEM, PAGER_ARG_NONE);
	return pager_ok();
}

struct pager_status frame_reserve(struct pager_core *core,
				  struct pager_account *account, uint64_t n)
{
	if (n && !account_has_room(account, PAGER_RES_FRAMES, n))
		return pager_refuse(PAGER_ELIMIT, PAGER_ARG_NONE);
	return reserve(core, n);
}

struct pager_status frame_reserve_pool(struct pager_core *core, uint64_t n)
{
	return reserve(core, n);
}

static uint32_t take(struct pager_core *core, struct pager_account *account,
		     bool zeroed)
{
	struct frames *p = &core->frames;
	uint32_t f = p->free_head;

	if (f != FRAME_NONE) {
		p->free_head = p->refs[f];
		if (p->free_head != FRAME_NONE)
			__builtin_prefetch(&p->refs[p->free_head]);
		if (zeroed && p->memory)
			memset(frame_bytes(core, f), 0, PAGER_PAGE_SIZE);
	} else {
		assert(p->fresh < p->total);
		f = (uint32_t)p->fresh++;
	}
	p->refs[f] = 1;
	p->frame[f] = (struct frame){account->id, FRAME_USED};
	account->used[PAGER_RES_FRAMES]++;
	if (++p->used > p->peak)
		p->peak = p->used;
	return f;
}

uint32_t frame_take(struct pager_core *core, struct pager_account *account)
{
	return take(core, account, false);
}

uint32_t frame_take_zeroed(struct pager_core *core,
			   struct pager_account *account)
{
	return take(core, account, true);
}

void frame_release(struct pager_core *core, uint32_t frame)
{
	struct frames *p = &core->frames;
	struct frame *f = &p->frame[frame];

	assert(f->state == FRAME_USED && p->refs[frame] == 1);
	account_uncharge_id(core, f->account, PAGER_RES_FRAMES, 1);
	rmap_drop(core, frame);
	f->state = FRAME_LIMBO;
	p->refs[frame] = p->limbo;
	p->limbo = frame;
}

static void put_free(struct frames *p, uint32_t frame)
{
	p->frame[frame].state = FRAME_FREE;
	p->refs[frame] = p->free_head;
	p->free_head = frame;
	p->used--;
}

void frame_free(struct pager_core *core, uint32_t frame)
{
	struct frames *p = &core->frames;
	struct frame *f = &p->frame[frame];

	assert(f->state == FRAME_USED && p->refs[frame] == 1);
	account_uncharge_id(core, f->account, PAGER_RES_FRAMES, 1);
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
