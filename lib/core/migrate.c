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
#include "lib/core/large.h"
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

/* References, places and who pays change frames; the old frame is free. */
static void hand_over(struct pager_core *core, uint32_t from, uint32_t to)
{
	uint32_t *refs = core->frames.refs;
	uint16_t *account = core->frames.account;
	uint16_t taker = account[to];

	rmap_transfer(core, from, to);
	refs[to] = refs[from];
	refs[from] = 1;
	account[to] = account[from];
	account[from] = taker;
	frame_free(core, from);
	core->stats.migrations++;
}

/* After the flush: contents and entries follow. */
static void follow(struct moving *m, uint32_t frames)
{
	struct pager_core *core = m->core;

	m->entries = 0;
	if (core->frames.memory)
		memcpy(frame_bytes(core, m->to), frame_bytes(core, m->from),
		       (size_t)frames * PAGER_PAGE_SIZE);
	rmap_each(core, m->from, replace, m);
	assert(m->entries == frame_refs(core, m->from));
	for (uint32_t i = 0; i < frames; i++)
		hand_over(core, m->from + i, m->to + i);
}

void migrate_to(struct pager_core *core, uint32_t from, uint32_t to)
{
	struct moving m = {.core = core, .from = from, .to = to};

	rmap_each(core, from, hide, &m);
	core_forget(core, from, 1);
	follow(&m, 1);
}

/* --- large entries ----------------------------------------------------------
 */

struct finding {
	uint32_t large;	 /* entries seen that are large, */
	uint32_t single; /* or not */
	uint32_t node;	 /* of the last large one */
	uint64_t *slot;
};

static void look(void *ctx, uint32_t node, uint64_t *slot)
{
	struct finding *f = ctx;

	if (!pte_large(*slot)) {
		f->single++;
		return;
	}
	f->large++;
	f->node = node;
	f->slot = slot;
}

static struct finding look_for(struct pager_core *core, uint32_t frame)
{
	struct finding f = {0};

	rmap_each(core, frame, look, &f);
	return f;
}

static struct pager_account *payer(const struct pager_core *core, uint32_t node)
{
	return core->accounts[node_at(core, node)->account];
}

int migrate_need(struct pager_core *core, uint32_t frame, uint64_t *nodes)
{
	*nodes = 0;
	if (!rmap_is_above(core, frame))
		return 0;
	if (frame_refs(core, frame) > MIGRATE_SHARERS)
		return -EBUSY;
	*nodes = look_for(core, frame).large;
	return 0;
}

int migrate_prepare(struct pager_core *core, struct pager_account *account,
		    uint32_t frame)
{
	uint64_t nodes;
	int err = migrate_need(core, frame, &nodes);

	if (err)
		return err;
	if (node_reserve_arena(core, nodes).err)
		return -ENOMEM;
	while (nodes--) {
		struct finding f = look_for(core, frame);

		assert(f.large);
		large_split(core, account ? account : payer(core, f.node),
			    f.slot);
	}
	return rmap_settle(core, frame).err ? -ENOMEM : 0;
}

/* Do large entries alone map the run, and each of its frames? */
static bool is_large(struct pager_core *core, uint32_t first)
{
	struct finding f;

	if (!rmap_is_above(core, first))
		return false;
	f = look_for(core, first);
	return f.large && !f.single &&
	       large_refs_are(core, frame_entry(first), f.large);
}

/* The whole run to another one, entries and all. */
static bool move_run(struct pager_core *core, uint32_t first)
{
	struct moving m = {.core = core, .from = first};

	if (!is_large(core, first))
		return false;
	m.to = frame_take_run(core, core->accounts[core->frames.account[first]],
			      CHUNK_SHIFT, FRAME_MOVABLE, false);
	if (m.to == FRAME_NONE)
		return false;
	rmap_each(core, first, hide, &m);
	core_forget(core, first, CHUNK_FRAMES);
	follow(&m, CHUNK_FRAMES);
	return true;
}

/* --- chunks -----------------------------------------------------------------
 */

/* All used frames of a chunk on their way. */
struct moving_chunk {
	struct pager_core *core;
	uint32_t first;
	unsigned int n;
	uint32_t from[CHUNK_FRAMES];
	uint32_t to[CHUNK_FRAMES];	/* by frame of the chunk, */
	uint32_t entries[CHUNK_FRAMES]; /* as the entries found */
};

static void list_used(struct moving_chunk *m, const struct chunk *c)
{
	for (unsigned int i = 0; i < c->total; i++)
		if (!(c->free[i / 64] >> i % 64 & 1))
			m->from[m->n++] = m->first + i;
}

static void replace_one(void *ctx, uint32_t node, uint64_t *slot)
{
	struct moving_chunk *m = ctx;
	uint32_t i = frame_of(*slot) - m->first;
	struct moving one = {.core = m->core, .to = m->to[i]};

	replace(&one, node, slot);
	m->entries[i]++;
}

/* One flush for all of them. */
static void move_all(struct moving_chunk *m)
{
	struct pager_core *core = m->core;

	rmap_each_of(core, m->from, m->n, hide, NULL);
	core_forget(core, m->first, CHUNK_FRAMES);
	for (unsigned int i = 0; i < m->n; i++) {
		uint32_t from = m->from[i];
		uint32_t to = frame_take(
		    core, core->accounts[core->frames.account[from]]);

		m->to[from - m->first] = to;
		if (core->frames.memory)
			memcpy(frame_bytes(core, to), frame_bytes(core, from),
			       PAGER_PAGE_SIZE);
	}
	rmap_each_of(core, m->from, m->n, replace_one, m);
	for (unsigned int i = 0; i < m->n; i++) {
		uint32_t at = m->from[i] - m->first;

		assert(m->entries[at] == frame_refs(core, m->from[i]));
		hand_over(core, m->from[i], m->to[at]);
	}
}

int migrate_chunk(struct pager_core *core, uint32_t chunk, uint64_t *moved)
{
	const struct chunk *c = &core->frames.chunk[chunk];
	struct moving_chunk m = {.core = core, .first = chunk << CHUNK_SHIFT};
	int err;

	assert(c->state == CHUNK_ISOLATED);
	if (c->pinned || core->frames.zero >> CHUNK_SHIFT == chunk)
		return -EBUSY;
	list_used(&m, c);
	if (frame_free_count(core, FRAME_MOVABLE) < m.n)
		return -ENOMEM;
	if (m.n < CHUNK_FRAMES || !move_run(core, m.first)) {
		for (unsigned int i = 0; i < m.n; i++)
			if ((err = migrate_prepare(core, NULL, m.from[i])))
				return err;
		move_all(&m);
	}
	*moved += m.n;
	return 0;
}
