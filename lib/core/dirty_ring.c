/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The dirty ring. Each word of the shared memory is accessed by one atomic
 * load or store, and none is read twice: only the flags of the entry at the
 * tail are read at all, once in each reset that comes by.
 *
 * The reader sees DIRTY after the offset it stands for (release), and we see
 * RESET after what the reader did with it (acquire). An entry is zero before
 * its page is armed, and the page is armed before the entry can be pushed
 * again.
 */
#include "lib/core/dirty_ring.h"

#include <assert.h>
#include <stdatomic.h>

#include "proto/pager_abi.h"

_Static_assert(sizeof(struct dring_entry) == PAGER_RING_ENTRY_SIZE,
	       "as the client sees it");

static void set_flags(struct dring_entry *e, uint32_t flags)
{
	atomic_store_explicit((_Atomic uint32_t *)&e->flags, flags,
			      memory_order_release);
}

static void set_page(struct dring_entry *e, uint64_t page)
{
	atomic_store_explicit((_Atomic uint32_t *)&e->slot, 0,
			      memory_order_relaxed);
	atomic_store_explicit((_Atomic uint64_t *)&e->offset, page,
			      memory_order_relaxed);
}

static bool was_reset(struct dring_entry *e)
{
	return atomic_load_explicit((_Atomic uint32_t *)&e->flags,
				    memory_order_acquire) &
	       PAGER_RING_RESET;
}

void dring_init(struct dring *r, void *memory, uint32_t entries, uint64_t *page)
{
	assert(entries >= PAGER_RING_MIN && entries <= PAGER_RING_MAX);
	assert(!(entries & (entries - 1)));
	*r = (struct dring){.memory = memory,
			    .page = page,
			    .entries = entries,
			    .soft = entries - entries / 8};
	for (uint32_t i = 0; i < entries; i++) {
		set_page(r->memory + i, 0);
		set_flags(r->memory + i, 0);
	}
}

void dring_push(struct dring *r, uint64_t page)
{
	const uint64_t at = r->head & (r->entries - 1);

	assert(!dring_full(r));
	r->page[at] = page;
	set_page(r->memory + at, page);
	set_flags(r->memory + at, PAGER_RING_DIRTY);
	r->head++;
}

uint32_t dring_reset(struct dring *r, uint32_t max,
		     void (*fn)(void *ctx, uint64_t page), void *ctx)
{
	uint32_t n;

	for (n = 0; n < max && dring_used(r); n++) {
		const uint64_t at = r->tail & (r->entries - 1);

		if (!was_reset(r->memory + at))
			break;
		set_flags(r->memory + at, 0);
		r->tail++;
		fn(ctx, r->page[at]);
	}
	return n;
}
