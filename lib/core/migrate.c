/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Migration of single frames and of whole chunks. Between hide and replace the
 * entries are not present: no processor writes the page, and what it had cached
 * it has forgotten; nothing else of the core runs.
 */
#include "lib/core/migrate.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "lib/core/frame.h"
#include "lib/core/table.h"

bool migrate_may(const struct pager_core *core, uint32_t frame)
{
	return frame != core->frames.zero && !core->frames.pins[frame];
}

struct moving {
	struct pager_core *core;
	uint32_t from;
	uint32_t to;
	uint32_t entries;
};

/* A processor may set A and D until the flush: only P goes, atomically. */
static void hide(void *ctx, uint32_t node, uint64_t *slot)
{
	(void)ctx;
	(void)node;
	if (!(*slot & PTE_P))
		return;
	atomic_fetch_or((_Atomic uint64_t *)slot, PTE_MIGRATING);
	atomic_fetch_and((_Atomic uint64_t *)slot, ~PTE_P);
}

static void replace(void *ctx, uint32_t node, uint64_t *slot)
{
	struct moving *m = ctx;
	uint64_t e = *slot;

	(void)node;
	if (e & PTE_MIGRATING)
		e = (e & ~PTE_MIGRATING) | PTE_P;
	core_store(m->core, slot, (e & ~PTE_ADDR) | frame_entry(m->to));
	m->entries++;
}

/* After the flush: contents, entries, references, and who pays; the old frame
 * is free. */
static void follow(struct moving *m)
{
	struct pager_core *core = m->core;
	uint32_t *refs = core->frames.refs;
	uint16_t *account = core->frames.account;
	uint16_t taker = account[m->to];

	m->entries = 0;
	if (core->frames.memory)
		memcpy(frame_bytes(core, m->to), frame_bytes(core, m->from),
		       PAGER_PAGE_SIZE);
	rmap_each(core, m->from, replace, m);
	assert(m->entries == refs[m->from]);
	rmap_transfer(core, m->from, m->to);
	refs[m->to] = refs[m->from];
	refs[m->from] = 1;
	account[m->to] = account[m->from];
	account[m->from] = taker;
	frame_free(core, m->from);
	core->stats.migrations++;
}

void migrate_to(struct pager_core *core, uint32_t from, uint32_t to)
{
	struct moving m = {.core = core, .from = from, .to = to};

	rmap_each(core, from, hide, &m);
	core_forget(core, from, 1);
	follow(&m);
}

/* The frames of a chunk that are used, in order. */
static unsigned int list_used(const struct chunk *c,
			      uint16_t used[CHUNK_FRAMES])
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < c->total; i++)
		if (!(c->free[i / 64] >> i % 64 & 1))
			used[n++] = (uint16_t)i;
	return n;
}

/* One flush for all of them. */
int migrate_chunk(struct pager_core *core, uint32_t chunk, uint64_t *moved)
{
	const struct chunk *c = &core->frames.chunk[chunk];
	uint32_t first = chunk << CHUNK_SHIFT;
	uint16_t used[CHUNK_FRAMES];
	struct moving m = {.core = core};
	unsigned int n;

	assert(c->state == CHUNK_ISOLATED);
	if (c->pinned || core->frames.zero >> CHUNK_SHIFT == chunk)
		return -EBUSY;
	n = list_used(c, used);
	if (frame_free_count(core, FRAME_MOVABLE) < n)
		return -ENOMEM;
	for (unsigned int i = 0; i < n; i++)
		rmap_each(core, first + used[i], hide, &m);
	core_forget(core, first, CHUNK_FRAMES);
	for (unsigned int i = 0; i < n; i++) {
		m.from = first + used[i];
		m.to = frame_take(core,
				  core->accounts[core->frames.account[m.from]]);
		follow(&m);
	}
	*moved += n;
	return 0;
}
