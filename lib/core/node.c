/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Table nodes: taken, shared by reference, dropped. A node that loses its last
 * reference keeps what it holds until the flush is over (node_drain); only
 * then do its frames and children lose theirs.
 */
#include "lib/core/node.h"

#include <assert.h>
#include <string.h>

#include "lib/base/failpoint.h"
#include "lib/core/account.h"
#include "lib/core/frame.h"
#include "lib/core/large.h"
#include "lib/core/rmap.h"

int node_arena_init(struct pager_core *core, uint64_t total, uint8_t *pages)
{
	struct arena *a = &core->arena;

	a->node = core_alloc(core, total * sizeof(struct node));
	if (!a->node)
		return -1;
	a->pages = pages;
	a->total = total;
	a->fresh = 1;
	a->free_head = NODE_NONE;
	a->limbo = NODE_NONE;
	return 0;
}

void node_arena_fini(struct pager_core *core)
{
	struct arena *a = &core->arena;

	assert(a->used == 0);
	core_free(core, a->node, a->total * sizeof(struct node));
}

struct pager_status node_reserve_arena(struct pager_core *core, uint64_t n)
{
	struct arena *a = &core->arena;

	if (n && (pager_fail("node") || a->total - 1 - a->used < n))
		return pager_refuse(PAGER_ENOMEM, PAGER_ARG_NONE);
	return pager_ok();
}

struct pager_status node_reserve(struct pager_core *core,
				 struct pager_account *account, uint64_t n)
{
	struct pager_status st = node_reserve_arena(core, n);

	if (st.err)
		return st;
	if (!account_has_room(account, PAGER_RES_NODES, n))
		return pager_refuse(PAGER_ELIMIT, PAGER_ARG_NONE);
	account->promised = n;
	return pager_ok();
}

struct pager_status node_reserve_two(struct pager_core *core,
				     struct pager_account *a, uint64_t n,
				     struct pager_account *b, uint64_t m)
{
	struct pager_status st;

	if (m && a == b)
		return node_reserve(core, a, n + m);
	st = node_reserve_arena(core, n + m);
	if (st.err)
		return st;
	if (!account_has_room(a, PAGER_RES_NODES, n) ||
	    (m && !account_has_room(b, PAGER_RES_NODES, m)))
		return pager_refuse(PAGER_ELIMIT, PAGER_ARG_NONE);
	a->promised = n;
	if (m)
		b->promised = m;
	return pager_ok();
}

static uint32_t take(struct pager_core *core, struct pager_account *account,
		     unsigned int level, bool zeroed)
{
	struct arena *a = &core->arena;
	uint32_t n = a->free_head;

	if (n != NODE_NONE) {
		a->free_head = a->node[n].next;
		if (zeroed)
			memset(node_slots(core, n), 0, PAGER_PAGE_SIZE);
	} else {
		assert(a->fresh < a->total);
		n = (uint32_t)a->fresh++;
	}
	a->node[n] = (struct node){.refs = 1,
				   .account = account->id,
				   .level = (uint8_t)level,
				   .used = NODE_USED};
	account_charge(account, PAGER_RES_NODES, 1);
	account->promised -= account->promised != 0;
	if (++a->used > a->peak)
		a->peak = a->used;
	return n;
}

uint32_t node_take(struct pager_core *core, struct pager_account *account,
		   unsigned int level)
{
	uint32_t n = take(core, account, level, true);

	if (level == 0)
		family_new(core, n);
	return n;
}

uint32_t node_take_raw(struct pager_core *core, struct pager_account *account,
		       unsigned int level)
{
	return take(core, account, level, false);
}

void node_put(struct pager_core *core, uint32_t node)
{
	struct node *n = node_at(core, node);

	assert(n->used && n->refs > 0);
	if (--n->refs)
		return;
	n->next = core->arena.limbo;
	core->arena.limbo = node;
}

static void drop_leaf(struct pager_core *core, uint32_t node)
{
	enum { AHEAD = 8 };
	const uint64_t *slot = node_slots(core, node);
	const struct node *n = node_at(core, node);
	uint64_t left = (uint64_t)n->anon + n->object + n->zero;

	for (unsigned int i = 0; left; i++) {
		uint64_t e = slot[i];

		if (i + AHEAD < PTE_SLOTS)
			frame_prefetch(core, frame_of(slot[i + AHEAD]));
		if (!e)
			continue;
		left--;
		if (pte_type(e) != PAGER_PAGE_ZERO)
			frame_drop(core, frame_of(e));
	}
}

static void drop_upper(struct pager_core *core, uint32_t node)
{
	const uint64_t *slot = node_slots(core, node);

	for (unsigned int i = 0; i < PTE_SLOTS; i++)
		if (pte_large(slot[i]))
			large_drop(core, slot[i]);
		else if (slot[i])
			node_put(core, node_of(slot[i]));
}

void node_drain(struct pager_core *core)
{
	struct arena *a = &core->arena;

	while (a->limbo != NODE_NONE) {
		uint32_t node = a->limbo;
		struct node *n = node_at(core, node);

		a->limbo = n->next;
		if (n->level == 0)
			drop_leaf(core, node);
		else if (!node_empty(n))
			drop_upper(core, node);
		account_uncharge_id(core, n->account, PAGER_RES_NODES, 1);
		if (n->level == 0 && n->used == NODE_USED)
			core->large.leaves -= n->base & NODE_SPLIT;
		family_leave(core, node);
		n->used = NODE_FREE;
		n->next = a->free_head;
		a->free_head = node;
		a->used--;
	}
	frame_drain(core);
}
