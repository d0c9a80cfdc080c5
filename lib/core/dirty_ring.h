/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A dirty ring: the states, and the order, of KVM's (Documentation/virt/kvm/
 * api.rst, KVM_CAP_DIRTY_LOG_RING).
 *
 *	   tail (next to reset)      head (next to fill)
 *	    |                         |
 *	| 0 | RESET RESET DIRTY DIRTY | 0 | 0 | ..
 *	    '---- used ---------------'
 *
 *	0 ── push ──> DIRTY ── the reader ──> RESET ── reset ──> 0
 *
 * The entries stand in memory that a client can write. So what was pushed is
 * kept in a copy of our own, and of theirs only the RESET flag is believed: a
 * client that writes something else loses track of its own pages and harms
 * nobody. Knows nothing of logs.
 */
#ifndef LIB_CORE_DIRTY_RING_H
#define LIB_CORE_DIRTY_RING_H

#include <stdbool.h>
#include <stdint.h>

/* As struct kvm_dirty_gfn. */
struct dring_entry {
	uint32_t flags;	 /* PAGER_RING_* */
	uint32_t slot;	 /* always 0 */
	uint64_t offset; /* page of the log */
};

struct dring {
	struct dring_entry *memory; /* shared; NULL: no ring */
	uint64_t *page;		    /* ours: what was pushed */
	uint32_t entries;	    /* a power of two */
	uint32_t soft;		    /* used at which writers stop */
	uint64_t head;		    /* pushed, ever */
	uint64_t tail;		    /* reset, ever */
};

/* page: room for entries pages, the caller's. memory is zeroed here. */
void dring_init(struct dring *r, void *memory, uint32_t entries,
		uint64_t *page);

static inline uint32_t dring_used(const struct dring *r)
{
	return (uint32_t)(r->head - r->tail);
}

static inline bool dring_full(const struct dring *r)
{
	return dring_used(r) == r->entries;
}

/* From here on writers wait: an eighth, at least 8 entries, is kept for what
 * cannot wait. */
static inline bool dring_soft_full(const struct dring *r)
{
	return dring_used(r) >= r->soft;
}

/* Not if it is full. */
void dring_push(struct dring *r, uint64_t page);
/* In order from the tail, as far as the reader said RESET, at most max: fn,
 * which arms the page, is called once for each after its entry is zero. How
 * many. */
uint32_t dring_reset(struct dring *r, uint32_t max,
		     void (*fn)(void *ctx, uint64_t page), void *ctx);
/* Pages that were pushed and not reset, i of 0 .. used - 1. */
static inline uint64_t dring_page(const struct dring *r, uint32_t i)
{
	return r->page[(r->tail + i) & (r->entries - 1)];
}

#endif
