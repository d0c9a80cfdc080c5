/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moving frames under a running model: the oracle knows nothing of it and must
 * not need to. What a move is answered (no room, busy) is predicted here, from
 * the allocator's own bitfields.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "lib/core/frame.h"
#include "lib/core/large.h"
#include "lib/core/migrate.h"
#include "tests/support/model.h"
#include "tests/support/rng.h"

/* A used frame that may move, at or after a random one; FRAME_NONE. */
static uint32_t pick_frame(struct model *m, struct rng *r)
{
	struct pager_core *core = m->world.core;
	uint32_t top = (uint32_t)frame_top(core);
	uint32_t at = (uint32_t)rng_below(r, top);

	for (uint32_t i = 0; i < top; i++, at = (at + 1) % top)
		if (frame_is_used(core, at) && migrate_may(core, at) &&
		    core->frames.chunk[at >> CHUNK_SHIFT].state == CHUNK_ONLINE)
			return at;
	return FRAME_NONE;
}

static bool move_one(struct model *m, uint32_t from, uint32_t to)
{
	struct pager_core *core = m->world.core;

	if (migrate_prepare(core, NULL, from))
		return false;
	migrate_to(core, from, to);
	m->migrated++;
	return true;
}

/* To a frame that some account took: who pays must not change. */
static void move_frames(struct model *m, struct rng *r, uint64_t n)
{
	struct pager_core *core = m->world.core;

	for (; n; n--) {
		uint32_t from = pick_frame(m, r), to;

		if (from == FRAME_NONE ||
		    !frame_free_count(core, FRAME_MOVABLE))
			return;
		to = frame_take(core, m->account[rng_below(r, 2)]);
		if (core->frames.memory)
			memset(frame_bytes(core, to), 0xdd, PAGER_PAGE_SIZE);
		if (!move_one(m, from, to))
			frame_free(core, to);
		else if (core->frames.memory)
			memset(frame_bytes(core, from), 0xee, PAGER_PAGE_SIZE);
	}
}

static unsigned int used_in(const struct pager_core *core, uint32_t chunk,
			    bool *stays)
{
	uint32_t first = chunk << CHUNK_SHIFT;
	unsigned int n = 0;

	*stays = false;
	for (uint32_t f = first; f < first + CHUNK_FRAMES; f++) {
		if (!frame_is_used(core, f))
			continue;
		n++;
		*stays |= !migrate_may(core, f);
	}
	return n;
}

/* A chunk that has used frames, or any; CHUNK_NONE: none is online. */
static uint32_t pick_chunk(struct model *m, struct rng *r)
{
	struct pager_core *core = m->world.core;
	uint32_t frame = rng_percent(r, 90) ? pick_frame(m, r) : FRAME_NONE;
	uint32_t at;

	if (frame != FRAME_NONE)
		return frame >> CHUNK_SHIFT;
	at = (uint32_t)rng_below(r, core->frames.chunk_top);
	return core->frames.chunk[at].state == CHUNK_ONLINE ? at : CHUNK_NONE;
}

static bool empty_chunk(struct model *m, uint32_t chunk)
{
	struct pager_core *core = m->world.core;
	uint64_t moved = 0, want;
	bool stays;
	int error = 0, got;

	chunk_isolate(core, chunk);
	want = used_in(core, chunk, &stays);
	if (stays)
		error = -EBUSY;
	else if (frame_free_count(core, FRAME_MOVABLE) < want)
		error = -ENOMEM;
	got = migrate_chunk(core, chunk, &moved);
	/* No node, or no place, to split a large entry. */
	if (m->config.failing && got == -ENOMEM)
		error = got;
	if (got != error || moved != (error ? 0 : want))
		model_die("migrate",
			  "chunk %u: %d and %" PRIu64 " moved, not %d and"
			  " %" PRIu64,
			  chunk, got, moved, error, error ? 0 : want);
	m->migrated += moved;
	return !error;
}

static void move_chunk(struct model *m, struct rng *r, bool away)
{
	struct pager_core *core = m->world.core;
	uint32_t chunk = pick_chunk(m, r);

	if (chunk >= MODEL_CHUNKS)
		return;
	/* Those of pools are their workers' to take away. */
	away &= chunk < m->world.frames / CHUNK_FRAMES;
	if (empty_chunk(m, chunk) && away) {
		chunk_offline(core, chunk);
		m->offline[chunk] = true;
	} else {
		chunk_unisolate(core, chunk);
	}
}

/* Where an unmovable frame must come from, there must be some. */
static enum vmem_zone pick_zone(struct rng *r)
{
	return rng_percent(r, 50) ? VMEM_ZONE_KERNEL : VMEM_ZONE_MOVABLE;
}

static void bring_back(struct model *m, struct rng *r)
{
	uint32_t at = (uint32_t)rng_below(r, MODEL_CHUNKS);

	for (uint32_t i = 0; i < MODEL_CHUNKS; i++) {
		uint32_t chunk = (at + i) % MODEL_CHUNKS;

		if (!m->offline[chunk])
			continue;
		chunk_online(m->world.core, chunk, pick_zone(r));
		m->offline[chunk] = false;
		return;
	}
}

/* --- large entries ---------------------------------------------------------
 */

/* The frame of a private page that may move; FRAME_NONE. */
static uint32_t private_frame(struct model *m, const struct pager_space *s,
			      uint64_t vpn)
{
	struct pager_page_info page;
	uint32_t frame;

	pager_space_page(s, vpn, &page);
	if (page.type != PAGER_PAGE_ANON)
		return FRAME_NONE;
	frame = (uint32_t)(page.pa >> PAGER_PAGE_SHIFT);
	return migrate_may(m->world.core, frame) ? frame : FRAME_NONE;
}

static bool all_private(struct model *m, const struct pager_space *s,
			uint64_t base)
{
	for (uint64_t v = base; v < base + PTE_SLOTS; v++)
		if (private_frame(m, s, v) == FRAME_NONE)
			return false;
	return true;
}

/* The leaf at base may have been a large entry, for all that is known of it. */
static void offer(struct pager_core *core, const struct pager_space *s,
		  uint64_t base)
{
	struct node *n;
	struct path p;
	uint64_t eff;

	if (!table_walk(&s->table, base, &p, &eff) || p.level)
		return;
	n = node_at(core, p.node[0]);
	core->large.leaves += !(n->base & NODE_SPLIT);
	n->base |= NODE_SPLIT;
}

/* An aligned stretch of a space to one run, page by page and in order; a few
 * may lie elsewhere. */
static void gather(struct model *m, const struct pager_space *s, uint64_t base,
		   uint64_t but)
{
	struct pager_core *core = m->world.core;
	uint32_t run;

	if (!all_private(m, s, base))
		return;
	run = frame_take_run(core, m->account[0], CHUNK_SHIFT, FRAME_MOVABLE,
			     false);
	for (uint32_t i = 0; run != FRAME_NONE && i < PTE_SLOTS; i++)
		if (i + 1 == but ||
		    !move_one(m, private_frame(m, s, base + i), run + i))
			frame_free(core, run + i);
	if (run == FRAME_NONE)
		return;
	m->gathered++;
	offer(core, s, base);
}

/* The background work of spaces that ask for 2 MiB; no fault does. */
static void collapse(struct model *m)
{
	for (int i = 0; i < MODEL_SPACES; i++)
		if (m->space[i])
			m->space[i]->around = PAGER_AROUND_2M;
	large_collapse_all(m->world.core);
	for (int i = 0; i < MODEL_SPACES; i++)
		if (m->space[i])
			m->space[i]->around = m->oracle.space[i].around;
}

/* The stretches that a space's window covers whole, one after the other. */
static void move_together(struct model *m, struct rng *r, uint64_t n)
{
	uint64_t end = m->config.start + m->config.pages;
	uint64_t first = (m->config.start + PTE_SLOTS - 1) & ~(PTE_SLOTS - 1ul);

	for (int i = 0; i < MODEL_SPACES; i++)
		for (uint64_t v = first; m->space[i] && v + PTE_SLOTS <= end;
		     v += PTE_SLOTS)
			if (rng_percent(r, 80))
				gather(m, m->space[i], v,
				       n == 1 ? 1 + rng_below(r, PTE_SLOTS)
					      : 0);
	collapse(m);
}

void model_migrate(struct model *m, const struct model_op *op)
{
	struct rng r = rng_new(op->seed);

	switch (op->flags) {
	case MODEL_MOVE_FRAMES:
		move_frames(m, &r, op->pages);
		return;
	case MODEL_MOVE_CHUNK:
		move_chunk(m, &r, false);
		return;
	case MODEL_MOVE_AWAY:
		move_chunk(m, &r, true);
		return;
	case MODEL_MOVE_TOGETHER:
		move_together(m, &r, op->pages);
		return;
	default:
		bring_back(m, &r);
		return;
	}
}

void model_migrate_end(struct model *m)
{
	for (uint32_t chunk = 0; chunk < MODEL_CHUNKS; chunk++)
		if (m->offline[chunk])
			chunk_online(m->world.core, chunk, VMEM_ZONE_KERNEL);
}
