/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Logs that come and go, and operations of the model on both sides.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/dirty_pair_int.h"

/* --- logs begin and end --------------------------------------------------- */

static void stop(struct dirty_log *g)
{
	pager_dirty_stop(g->log);
	free(g->must);
	free(g->why);
	free(g->then);
	free(g->bytes);
	*g = (struct dirty_log){0};
}

static void last_get(struct dirty_pair *d, int slot, int n)
{
	const struct model_op op = {.kind = DIRTY_GET,
				    .space = (uint8_t)slot,
				    .other = (uint8_t)n,
				    .pages = d->pair.linux.pages,
				    .prot = DIRTY_KEEP};

	dirty_get_and_clear(d, &op);
	stop(&d->log[slot][n]);
}

static void track(struct dirty_pair *d, int slot)
{
	if (d->tracked[slot])
		return;
	shared_of(d)->request = (struct linux_request){.call = LINUX_TRACK};
	if (linux_do(&d->pair.linux, slot)->ret)
		model_die("tracker", "no tracker: %" PRId64,
			  shared_of(d)->answer.ret);
	d->tracked[slot] = true;
}

static void limit_nodes(struct dirty_pair *d, uint64_t nodes)
{
	uint64_t limit[PAGER_RES_COUNT];

	for (int i = 0; i < PAGER_RES_COUNT; i++)
		limit[i] = UINT64_MAX;
	limit[PAGER_RES_NODES] = nodes;
	pager_account_set_limits(d->account, limit);
}

static void start(struct dirty_pair *d, const struct model_op *op)
{
	struct model *m = &d->pair.model;
	struct dirty_log *g = &d->log[op->space][op->other];
	uint64_t base = m->config.start;
	struct pager_dirty_log *log;
	struct pager_status st;

	if (g->log)
		last_get(d, op->space, op->other);
	track(d, op->space);
	dirty_update(d, op->space);
	if (d->is_scarce)
		limit_nodes(d, op->seed % 4);
	st = pager_dirty_start(
	    m->space[op->space], d->account,
	    pager_range(base + op->addr, base + op->addr + op->pages),
	    (enum pager_dirty_method)op->prot, op->flags, &log);
	if (d->is_scarce && (st.err == PAGER_ENOMEM || st.err == PAGER_ELIMIT))
		return;
	dirty_must_work(st, "start");
	g->log = log;
	g->first = op->addr;
	g->pages = op->pages;
	g->flags = op->flags;
	g->must = calloc(g->pages, 1);
	g->why = calloc(g->pages, 1);
	g->then = calloc(g->pages, 1);
	g->bytes = calloc(g->pages, PAGER_PAGE_SIZE);
	if (!g->must || !g->why || !g->then || !g->bytes)
		test_die("dirty: no memory");
	for (uint64_t i = 0; i < g->pages; i++) {
		dirty_now_clean(d, op->space, g, i);
		if (op->flags & PAGER_DIRTY_ALL_SET)
			g->why[i] |= BIT(DIRTY_WHY_ALL_SET);
	}
}

static bool dirty_op(struct dirty_pair *d, const struct model_op *op)
{
	const struct dirty_log *g;

	if (op->space >= MODEL_SPACES || op->other >= DIRTY_LOGS)
		return false;
	g = &d->log[op->space][op->other];
	if (op->kind == DIRTY_START) {
		if (!d->pair.model.oracle.space[op->space].live ||
		    op->pages == 0 || op->addr >= d->pair.linux.pages ||
		    op->pages > d->pair.linux.pages - op->addr ||
		    op->flags & ~PAGER_DIRTY_FLAGS)
			return false;
		start(d, op);
		return true;
	}
	if (!g->log)
		return false;
	switch (op->kind) {
	case DIRTY_GET:
		dirty_get_and_clear(d, op);
		return true;
	case DIRTY_BEGIN:
	case DIRTY_END:
		dirty_write_back(d, op);
		return true;
	default:
		last_get(d, op->space, op->other);
		return true;
	}
}

/* --- the model's operations ----------------------------------------------- */

static void note(struct dirty_pair *d, int slot, uint64_t vpn, uint64_t pages,
		 enum dirty_why why)
{
	uint64_t at = vpn - d->pair.model.config.start;

	for (int n = 0; n < DIRTY_LOGS; n++) {
		struct dirty_log *g = &d->log[slot][n];

		for (uint64_t i = 0; g->log && !g->orphan && i < g->pages; i++)
			if (g->first + i >= at && g->first + i - at < pages)
				g->why[i] |= BIT(why);
	}
}

static struct dirty_view view_of(const struct oracle_page *p)
{
	return (struct dirty_view){p->mapped, p->object, p->offset};
}

static void note_before(struct dirty_pair *d, int slot)
{
	const struct oracle_space *s = &d->pair.model.oracle.space[slot];

	for (uint64_t i = 0; i < d->pair.linux.pages; i++)
		d->before[i] = view_of(&s->page[i]);
}

/* The pages where something else is mapped now. */
static void note_regions(struct dirty_pair *d, int slot)
{
	const struct oracle_space *s = &d->pair.model.oracle.space[slot];

	for (uint64_t i = 0; i < d->pair.linux.pages; i++) {
		const struct dirty_view *a = &d->before[i];
		struct dirty_view b = view_of(&s->page[i]);

		if (a->mapped != b.mapped || a->object != b.object ||
		    (a->object && a->offset != b.offset))
			note(d, slot, d->pair.model.config.start + i, 1,
			     DIRTY_WHY_REGION);
	}
}

/* What a call did beside writing. */
static void note_call(struct dirty_pair *d, const struct model_op *op)
{
	const struct model_config *c = &d->pair.model.config;
	uint64_t at = d->pair.model.got.value;

	switch (op->kind) {
	case MODEL_MAP:
		note(d, op->space, at, op->pages, DIRTY_WHY_MAPPED);
		if (op->flags & PAGER_MAP_POPULATE)
			note(d, op->space, at, op->pages, DIRTY_WHY_POPULATE);
		break;
	case MODEL_UNMAP:
		note(d, op->space, op->addr, op->pages, DIRTY_WHY_MAPPED);
		break;
	case MODEL_REMAP:
		note(d, op->space, op->addr, op->pages, DIRTY_WHY_MAPPED);
		note(d, op->space, at, op->new_pages, DIRTY_WHY_MAPPED);
		break;
	case MODEL_ADVISE:
		if (op->flags == PAGER_ADV_DONTNEED ||
		    op->flags == PAGER_ADV_FREE)
			note(d, op->space, op->addr, op->pages,
			     DIRTY_WHY_DROPPED);
		break;
	case MODEL_POPULATE:
	case MODEL_PIN:
		note(d, op->space, op->addr, op->pages, DIRTY_WHY_POPULATE);
		break;
	case MODEL_RESIZE:
		for (int i = 0; i < MODEL_SPACES; i++)
			note(d, i, c->start, c->pages, DIRTY_WHY_DROPPED);
		break;
	}
}

/* Linux has to be asked before the call, and set up again after it; what the
 * call itself seems to write does not count. */
static bool remakes(const struct dirty_pair *d, const struct model_op *op)
{
	switch (op->kind) {
	case MODEL_MAP:
	case MODEL_UNMAP:
	case MODEL_REMAP:
	case MODEL_BRK_START:
	case MODEL_BRK:
	case MODEL_ADVISE:
	case MODEL_POPULATE:
	case MODEL_PIN:
		return true;
	case MODEL_READ:
	case MODEL_FAULT:
		return d->stacks && op->access != PAGER_ACCESS_WRITE;
	default:
		return false;
	}
}

static void take_all(struct dirty_pair *d, bool keep, bool anew)
{
	for (int i = 0; i < MODEL_SPACES; i++)
		dirty_take(d, i, keep, anew);
}

/* The process is about to end: what it wrote stays. */
static void bury(struct dirty_pair *d, int slot)
{
	dirty_update(d, slot);
	for (int n = 0; n < DIRTY_LOGS; n++) {
		struct dirty_log *g = &d->log[slot][n];

		/* Its memory goes as if it was unmapped. */
		for (uint64_t i = 0; g->log && i < g->pages; i++)
			g->why[i] |= BIT(DIRTY_WHY_MAPPED);
		g->orphan = g->log != NULL;
	}
	d->tracked[slot] = false;
}

static void end_logs(struct dirty_pair *d, int slot)
{
	for (int n = 0; n < DIRTY_LOGS; n++)
		if (d->log[slot][n].log)
			last_get(d, slot, n);
}

bool dirty_pair_step(struct dirty_pair *d, const struct model_op *op)
{
	struct pair *p = &d->pair;
	struct model *m = &p->model;

	m->got = (struct model_result){0};
	if (op->kind >= DIRTY_START)
		return dirty_op(d, op);
	if (!oracle_applies(&m->oracle, op) || linux_pair_unlike(p, op))
		return false;
	if (op->kind == MODEL_SPACE)
		end_logs(d, op->space);
	if (op->kind == MODEL_FORK)
		end_logs(d, op->other);
	if (op->kind == MODEL_FREE)
		bury(d, op->space);
	if (op->kind == MODEL_RESIZE)
		take_all(d, true, false);
	if (remakes(d, op)) {
		dirty_take(d, op->space, true, false);
		note_before(d, op->space);
	}
	model_step(m, op);
	if (linux_pair_leave_out(p, op))
		return false;
	if (linux_pair_request(p, op, &p->linux.shared->request))
		linux_pair_compare(p, op, linux_do(&p->linux, op->space));
	if (op->kind == MODEL_RESIZE)
		take_all(d, false, true);
	if (remakes(d, op)) {
		dirty_take(d, op->space, false, true);
		note_regions(d, op->space);
	}
	if (d->stacks &&
	    (op->kind == MODEL_WRITE || op->access == PAGER_ACCESS_WRITE))
		dirty_take(d, op->space, true, true);
	if (op->kind == MODEL_SPACE)
		d->forked[op->space] = false;
	if (op->kind == MODEL_FORK)
		d->forked[op->space] = d->forked[op->other] = true;
	if (m->got.err == PAGER_OK)
		note_call(d, op);
	return true;
}

void dirty_pair_begin(struct dirty_pair *d, const struct model_config *c,
		      enum linux_tracker tracker)
{
	const uint64_t limit[PAGER_RES_COUNT] = {0};

	d->before = calloc(c->pages, sizeof(*d->before));
	if (!d->before)
		test_die("dirty: no memory");
	d->pair.has_populate = true;
	model_init(&d->pair.model, c);
	d->account = pager_account_new(d->pair.model.world.core, limit);
	if (!d->account)
		test_die("dirty: no account");
	limit_nodes(d, UINT64_MAX);
	linux_start(&d->pair.linux, c->start, c->pages, 2048, false);
	d->pair.linux.tracker = tracker;
}

void dirty_pair_end(struct dirty_pair *d)
{
	for (int i = 0; i < MODEL_SPACES; i++)
		end_logs(d, i);
	linux_stop(&d->pair.linux);
	pager_account_put(d->account);
	model_fini(&d->pair.model);
	free(d->before);
}

const char *dirty_kind_name(unsigned int kind)
{
	static const char *const names[] = {"START", "GET", "BEGIN", "END",
					    "STOP"};

	return kind >= DIRTY_START && kind <= DIRTY_STOP
		   ? names[kind - DIRTY_START]
		   : "?";
}

const char *dirty_why_name(enum dirty_why why)
{
	static const char *const names[DIRTY_WHYS] = {
	    [DIRTY_WHY_ALL_SET] = "initially all set",
	    [DIRTY_WHY_REGION] = "another mapping",
	    [DIRTY_WHY_MAPPED] = "mapped over, moved",
	    [DIRTY_WHY_DROPPED] = "dropped",
	    [DIRTY_WHY_POPULATE] = "populated",
	    [DIRTY_WHY_OBJECT] = "shared with others",
	    [DIRTY_WHY_FORKED] = "written before a fork",
	    [DIRTY_WHY_AROUND] = "filled with a neighbour",
	    [DIRTY_WHY_OVER] = "large or for want of memory",
	};

	return names[why];
}
