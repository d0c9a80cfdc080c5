/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pools that change size under a running model. The oracle knows nothing of
 * them; only how many frames are free is asked of the core, when it says that
 * there are none.
 */
#include <inttypes.h>

#include "tests/support/model.h"

static struct pager_pool_info info_of(const struct model *m,
				      const struct pager_pool *pool)
{
	struct pager_pool_info info;

	pager_pool_info(pool, m->world.now_ms, &info);
	return info;
}

/* Number 0 is boot memory. */
static struct pager_pool *pick_pool(struct model *m, const struct model_op *op)
{
	if (!m->config.pool_count)
		return NULL;
	return pager_pool_get(m->world.core,
			      1 + op->other % (uint32_t)m->config.pool_count);
}

/* With allocations that fail a wish may be refused, or the pool break. */
static void expect(const struct model *m, const struct model_op *op,
		   struct pager_status st, uint32_t errs)
{
	if (m->config.failing)
		errs |= ORACLE_ERR(PAGER_ENOMEM) | ORACLE_ERR(PAGER_EBUSY);
	if (!(ORACLE_ERR(st.err) & errs))
		model_die("pool", "what %u is answered %s", op->flags,
			  model_error_name(st.err));
}

/* What is plugged has its bytes, and nothing else has. */
static void check(const struct model *m)
{
	uint64_t plugged = 0;

	for (uint32_t i = 1; i <= m->config.pool_count; i++) {
		struct pager_pool_info info =
		    info_of(m, pager_pool_get(m->world.core, i));

		if (info.broken && !m->config.failing)
			model_die("pool", "pool %u is broken: %d", i,
				  info.last_error);
		plugged += info.plugged;
	}
	if (plugged != m->world.backing.committed)
		model_die("pool",
			  "%" PRIu64 " pages plugged, %" PRIu64 " committed",
			  plugged, m->world.backing.committed);
}

static void work(struct model *m, uint64_t steps)
{
	uint64_t due;

	while (steps-- && pager_core_work(m->world.core, m->world.now_ms, &due))
		check(m);
}

void model_pool(struct model *m, const struct model_op *op)
{
	const uint32_t by_hand =
	    ORACLE_ERR(PAGER_OK) | ORACLE_ERR(PAGER_EBUSY) |
	    ORACLE_ERR(PAGER_ENOENT) | ORACLE_ERR(PAGER_ENOMEM);
	struct pager_pool *pool = pick_pool(m, op);
	struct pager_pool_info info;
	uint64_t size, block;

	if (!pool)
		return;
	info = info_of(m, pool);
	size = op->pages % (info.region + info.block);
	size -= size % info.block;
	block = info.addr + op->pages % info.region;
	block -= block % info.memory_block;
	switch (op->flags) {
	case MODEL_POOL_WORK:
		work(m, op->pages);
		break;
	case MODEL_POOL_RESIZE:
		expect(m, op, pager_pool_resize(pool, size),
		       ORACLE_ERR(PAGER_OK));
		break;
	case MODEL_POOL_WAIT:
		m->world.now_ms += op->pages % 100;
		break;
	case MODEL_POOL_OFFLINE:
		expect(m, op, pager_pool_offline(pool, block), by_hand);
		break;
	case MODEL_POOL_ONLINE:
		expect(m, op,
		       pager_pool_online(pool, block,
					 op->pages % 3 ? VMEM_ZONE_MOVABLE
						       : VMEM_ZONE_KERNEL),
		       by_hand);
		break;
	default:
		if (m->config.grows)
			expect(m, op, pager_pool_set_grow(pool, size),
			       ORACLE_ERR(PAGER_OK));
		break;
	}
	check(m);
}

void model_pool_end(struct model *m)
{
	for (uint32_t i = 1; i <= m->config.pool_count; i++)
		pager_pool_resize(pager_pool_get(m->world.core, i), 0);
	if (m->config.pool_count)
		test_world_settle(&m->world, 20);
	check(m);
	if (m->world.backing.committed && !m->config.failing)
		model_die("pool", "%" PRIu64 " pages do not go back",
			  m->world.backing.committed);
}
