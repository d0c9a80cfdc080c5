/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random operations on dirty logs.
 */
#include "tests/support/model_gen.h"
#include "tests/support/oracle_dirty.h"

struct choice {
	uint8_t what;
	uint8_t weight;
};

static const struct choice plain[] = {
    {MODEL_DIRTY_GET, 24},   {MODEL_DIRTY_GET_CLEAR, 24},
    {MODEL_DIRTY_CLEAR, 18}, {MODEL_DIRTY_BEGIN, 7},
    {MODEL_DIRTY_END, 7},    {MODEL_DIRTY_STOP, 5},
    {MODEL_DIRTY_RESET, 1},
};

static const struct choice ringed[] = {
    {MODEL_DIRTY_COLLECT, 24}, {MODEL_DIRTY_RESET, 24}, {MODEL_DIRTY_DRAIN, 16},
    {MODEL_DIRTY_SCRIBBLE, 5}, {MODEL_DIRTY_UNRING, 6}, {MODEL_DIRTY_STOP, 3},
    {MODEL_DIRTY_GET, 2},      {MODEL_DIRTY_CLEAR, 2},	{MODEL_DIRTY_BEGIN, 2},
    {MODEL_DIRTY_END, 2},
};

static uint8_t choose(struct rng *r, const struct choice *c, size_t count)
{
	unsigned int total = 0, at;

	for (size_t i = 0; i < count; i++)
		total += c[i].weight;
	at = (unsigned int)rng_below(r, total);
	for (size_t i = 0; i < count; i++) {
		if (at < c[i].weight)
			return c[i].what;
		at -= c[i].weight;
	}
	return c[0].what;
}

static uint8_t live_space(struct rng *r, const struct oracle *o)
{
	uint8_t at = (uint8_t)rng_below(r, MODEL_SPACES);

	for (int i = 0; i < MODEL_SPACES && !o->space[at].live; i++)
		at = (uint8_t)((at + 1) % MODEL_SPACES);
	return at;
}

static void gen_start(struct model_gen *g, const struct oracle *o,
		      struct model_op *op)
{
	struct rng *r = &g->rng;

	op->flags = MODEL_DIRTY_START;
	op->space = live_space(r, o);
	op->account = (uint8_t)rng_below(r, MODEL_ACCOUNTS);
	op->access = (uint32_t)rng_below(r, 3);
	op->prot = rng_percent(r, 40) ? PAGER_DIRTY_MANUAL : 0;
	op->prot |= rng_percent(r, 20) ? PAGER_DIRTY_ALL_SET : 0;
	if (rng_percent(r, 40))
		return; /* the whole space */
	op->addr = o->config.start + rng_below(r, o->config.pages);
	op->pages = 1 + rng_below(r, o->config.pages);
}

struct model_op model_gen_dirty(struct model_gen *g, const struct oracle *o)
{
	struct rng *r = &g->rng;
	struct model_op op = {
	    .kind = MODEL_DIRTY,
	    .other = (uint8_t)rng_below(r, MODEL_LOGS),
	    .seed = rng_below(r, 1000),
	    .offset = rng_below(r, 1000),
	};
	const struct oracle_log *log = &o->log[op.other];

	/* While there is a snapshot no log can be asked: so it ends. */
	for (uint8_t i = 0; i < MODEL_SPACES; i++)
		if (o->space[i].snapshot)
			return (struct model_op){.kind = rng_percent(r, 60)
							     ? MODEL_RESTORE
							     : MODEL_DROP,
						 .space = i};
	if (!log->live) {
		gen_start(g, o, &op);
		return op;
	}
	op.flags = log->entries
		       ? choose(r, ringed, sizeof(ringed) / sizeof(ringed[0]))
		       : choose(r, plain, sizeof(plain) / sizeof(plain[0]));
	if (g->rings && !log->entries && rng_percent(r, 20))
		op.flags = MODEL_DIRTY_RING;
	if (op.flags == MODEL_DIRTY_GET_CLEAR && log->manual)
		op.flags = MODEL_DIRTY_CLEAR;
	if (log->orphan && rng_percent(r, 20))
		op.flags = MODEL_DIRTY_STOP;
	if (rng_percent(r, 40)) {
		op.addr = rng_below(r, oracle_log_pages(log));
		op.pages = 1 + rng_below(r, oracle_log_pages(log));
	}
	if (rng_percent(r, 30))
		op.seed = 0;
	return op;
}
