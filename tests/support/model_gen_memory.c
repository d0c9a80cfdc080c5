/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random operations below the spaces: on frames and on pools. The oracle has
 * no part in them.
 */
#include "tests/support/model_gen.h"

struct model_op model_gen_migrate(struct model_gen *g)
{
	struct rng *r = &g->rng;
	struct model_op op = {
	    .kind = MODEL_MIGRATE,
	    .flags = MODEL_MOVE_FRAMES,
	    .pages = 1 + rng_below(r, 12),
	    .seed = rng_below(r, UINT32_MAX),
	};

	if (g->stretch_percent && rng_percent(r, 40))
		op.flags = MODEL_MOVE_TOGETHER;
	else if (rng_percent(r, 40))
		op.flags = (uint32_t)rng_below(r, MODEL_MIGRATIONS);
	return op;
}

struct model_op model_gen_pool(struct model_gen *g)
{
	struct rng *r = &g->rng;
	struct model_op op = {
	    .kind = MODEL_POOL,
	    .flags = MODEL_POOL_WORK,
	    .other = (uint8_t)rng_below(r, 8),
	    .seed = rng_below(r, 1000),
	    .pages = 1 + rng_below(r, 6),
	};

	if (rng_percent(r, 25)) {
		op.flags = MODEL_POOL_RESIZE;
		op.pages = rng_below(r, UINT32_MAX);
	} else if (rng_percent(r, 30)) {
		op.flags = (uint32_t)rng_below(r, MODEL_POOLINGS);
		op.pages = rng_below(r, UINT32_MAX);
	}
	return op;
}
