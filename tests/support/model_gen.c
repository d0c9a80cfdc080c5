/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The generator of random operations: a kind by weight, a place by interest,
 * arguments by kind.
 */
#include "tests/support/model_gen.h"

#include <string.h>

static const uint8_t weights[MODEL_KINDS] = {
    [MODEL_SPACE] = 1,	  [MODEL_FORK] = 9,	[MODEL_CLEAR] = 1,
    [MODEL_FREE] = 2,	  [MODEL_OBJECT] = 4,	[MODEL_RESIZE] = 3,
    [MODEL_PUT] = 2,	  [MODEL_MAP] = 25,	[MODEL_UNMAP] = 7,
    [MODEL_PROTECT] = 12, [MODEL_REMAP] = 14,	[MODEL_BRK_START] = 1,
    [MODEL_BRK] = 4,	  [MODEL_ADVISE] = 14,	[MODEL_PIN] = 2,
    [MODEL_UNPIN] = 3,	  [MODEL_FAULT] = 14,	[MODEL_POPULATE] = 8,
    [MODEL_READ] = 18,	  [MODEL_WRITE] = 45,	[MODEL_PROBE] = 18,
    [MODEL_HARVEST] = 2,  [MODEL_SNAPSHOT] = 3, [MODEL_RESTORE] = 5,
    [MODEL_DROP] = 5,	  [MODEL_RECHARGE] = 1,
};

static const uint8_t linux_weights[MODEL_KINDS] = {
    [MODEL_FORK] = 8,	  [MODEL_FREE] = 1,  [MODEL_RESIZE] = 3,
    [MODEL_MAP] = 22,	  [MODEL_UNMAP] = 7, [MODEL_PROTECT] = 12,
    [MODEL_REMAP] = 14,	  [MODEL_BRK] = 5,   [MODEL_ADVISE] = 12,
    [MODEL_PIN] = 1,	  [MODEL_UNPIN] = 3, [MODEL_FAULT] = 10,
    [MODEL_POPULATE] = 6, [MODEL_READ] = 15, [MODEL_WRITE] = 40,
};

static enum model_kind pick_kind(struct model_gen *g)
{
	const uint8_t *w = g->linux_like ? linux_weights : weights;
	unsigned int total = 0, at;

	for (int i = 0; i < MODEL_KINDS; i++)
		total += w[i];
	at = (unsigned int)rng_below(&g->rng, total);
	for (int i = 0; i < MODEL_KINDS; i++) {
		if (at < w[i])
			return (enum model_kind)i;
		at -= w[i];
	}
	return MODEL_MAP;
}

static uint8_t pick_slot(struct model_gen *g, const struct oracle *o, bool live)
{
	uint8_t at = (uint8_t)rng_below(&g->rng, MODEL_SPACES);
	bool empty = rng_percent(&g->rng, 20);

	for (int i = 0; i < MODEL_SPACES; i++) {
		const struct oracle_space *s = &o->space[at];

		/* Rather one where something is. */
		if (s->live == live && (!live || empty || oracle_virtual(o, s)))
			return at;
		at = (uint8_t)((at + 1) % MODEL_SPACES);
	}
	for (int i = 0; i < MODEL_SPACES; i++) {
		if (o->space[at].live == live)
			return at;
		at = (uint8_t)((at + 1) % MODEL_SPACES);
	}
	return at;
}

/* An end of a run of pages that are alike, or of presence. */
static uint64_t pick_edge(struct model_gen *g, const struct oracle *o,
			  const struct oracle_space *s)
{
	uint64_t at = rng_below(&g->rng, o->config.pages);

	for (uint64_t i = 0; i + 1 < o->config.pages; i++) {
		uint64_t vpn;

		at = (at + 1) % o->config.pages;
		vpn = o->config.start + at;
		if (at && (s->page[at].mapped || s->page[at - 1].mapped) &&
		    !oracle_alike(o, s, vpn))
			return vpn;
	}
	return o->config.start + at;
}

static bool is_mapped(const struct oracle *o, const struct oracle_page *p)
{
	(void)o;
	return p->mapped;
}

static bool is_readable(const struct oracle *o, const struct oracle_page *p)
{
	(void)o;
	return oracle_allows(p, PAGER_ACCESS_READ) == PAGER_SIGNAL_NONE;
}

static bool is_writable(const struct oracle *o, const struct oracle_page *p)
{
	(void)o;
	return oracle_allows(p, PAGER_ACCESS_WRITE) == PAGER_SIGNAL_NONE;
}

/* Its frame is somebody else's, too: a write must copy. */
static bool is_cow(const struct oracle *o, const struct oracle_page *p)
{
	return is_writable(o, p) && !(p->flags & PAGER_REGION_SHARED) &&
	       p->type != PAGER_PAGE_NONE && !oracle_exclusive(o, p);
}

static bool is_lazy(const struct oracle *o, const struct oracle_page *p)
{
	return p->lazy && is_readable(o, p);
}

static bool is_stack(const struct oracle *o, const struct oracle_page *p)
{
	(void)o;
	return p->flags & PAGER_REGION_GROWSDOWN;
}

/* A page like that, if there is one; else any. */
static uint64_t pick_page(struct model_gen *g, const struct oracle *o,
			  const struct oracle_space *s,
			  bool (*is)(const struct oracle *o,
				     const struct oracle_page *p))
{
	uint64_t at = rng_below(&g->rng, o->config.pages);

	for (uint64_t i = 0; i < o->config.pages; i++) {
		if (is(o, &s->page[at]))
			break;
		at = (at + 1) % o->config.pages;
	}
	return o->config.start + at;
}

/* Below a stack, where its growth just ends: at its limit, or at the gap to
 * what lies below. */
static uint64_t pick_below_stack(struct model_gen *g, const struct oracle *o,
				 const struct oracle_space *s)
{
	uint64_t at = pick_page(g, o, s, is_stack), below, top;

	if (!is_stack(o, oracle_page(o, s, at)))
		return at;
	top = oracle_run_end(o, s, at);
	at = oracle_run_start(o, s, at);
	for (below = at; below > o->config.start; below--)
		if (oracle_page(o, s, below - 1)->mapped)
			break;
	switch (rng_below(&g->rng, 3)) {
	case 0:
		at = top > o->config.stack ? top - o->config.stack : at;
		break;
	case 1:
		at = below + 256;
		break;
	default:
		at -= 1 + rng_below(&g->rng, 3);
		break;
	}
	at = at + 1 - rng_below(&g->rng, 3);
	return g->decent && !oracle_page(o, s, at) ? o->config.start : at;
}

/* Where an access goes: mostly where it is allowed. */
static uint64_t pick_target(struct model_gen *g, const struct oracle *o,
			    const struct oracle_space *s, uint32_t access,
			    uint64_t otherwise)
{
	unsigned int dice = (unsigned int)rng_below(&g->rng, 10);

	if (rng_percent(&g->rng, 15))
		return pick_below_stack(g, o, s);
	if (dice < 2)
		return otherwise;
	if (dice < 4 && access == PAGER_ACCESS_READ)
		return pick_page(g, o, s, is_lazy);
	if (access != PAGER_ACCESS_WRITE)
		return pick_page(g, o, s, is_readable);
	return pick_page(g, o, s, dice < 6 ? is_cow : is_writable);
}

static uint64_t pick_addr(struct model_gen *g, const struct oracle *o,
			  const struct oracle_space *s)
{
	uint64_t end = o->config.start + o->config.pages, at;

	switch (rng_below(&g->rng, 10)) {
	case 0:
	case 1:
	case 2:
		at = pick_edge(g, o, s);
		if (rng_percent(&g->rng, 30) && at > o->config.start)
			at--;
		break;
	case 3:
	case 4:
	case 5:
	case 6:
		at = pick_page(g, o, s, is_mapped);
		break;
	case 7: /* near a boundary of table nodes, if there is one */
		at = ((o->config.start + 511) & ~UINT64_C(511)) +
		     rng_below(&g->rng, 3) * 512;
		at += rng_below(&g->rng, 5);
		at = at < 2 ? at : at - 2;
		if (at >= o->config.start && at < end)
			break;
		/* fall through */
	default:
		at = o->config.start + rng_below(&g->rng, o->config.pages);
		break;
	}
	if (!g->decent && rng_percent(&g->rng, 1))
		at = rng_percent(&g->rng, 50) && o->config.start
			 ? o->config.start - 1
			 : end + rng_below(&g->rng, 3);
	return at;
}

/* Ranges do not reach across the middle: no request can say that. */
static uint64_t clip(uint64_t addr, uint64_t len)
{
	if (addr < PAGER_VPN_HALF && len > PAGER_VPN_HALF - addr)
		return PAGER_VPN_HALF - addr;
	return len;
}

static uint64_t pick_len(struct model_gen *g, const struct oracle *o,
			 uint64_t addr)
{
	uint64_t end = o->config.start + o->config.pages;
	uint64_t left = addr < end ? end - addr : 1;
	uint64_t len;

	switch (rng_below(&g->rng, 8)) {
	case 0:
		len = 1;
		break;
	case 1:
		len = 1 + rng_below(&g->rng, left);
		break;
	case 2: /* to a table node's end */
		len = 512 - addr % 512;
		break;
	default:
		len = 1 + rng_below(&g->rng, g->lengths);
		break;
	}
	if (len > left && (g->decent || !rng_percent(&g->rng, 3)))
		len = left;
	if (!g->decent && rng_percent(&g->rng, 1))
		len = 0;
	return clip(addr, len);
}

/* Most of the time a range without a hole. */
static void pick_mapped_range(struct model_gen *g, const struct oracle *o,
			      const struct oracle_space *s, struct model_op *op)
{
	uint64_t start, end, last;

	if (rng_percent(&g->rng, 20))
		return;
	start = pick_page(g, o, s, is_mapped);
	if (!oracle_page(o, s, start)->mapped)
		return;
	if (rng_percent(&g->rng, 40))
		start = oracle_run_start(o, s, start);
	end = last = oracle_run_end(o, s, start);
	while (oracle_page(o, s, end) && oracle_page(o, s, end)->mapped &&
	       rng_percent(&g->rng, 60))
		end = oracle_run_end(o, s, end);
	op->addr = start;
	switch (rng_below(&g->rng, 4)) {
	case 0:
		op->pages = end - start;
		break;
	case 1:
		op->pages = last - start;
		break;
	default:
		op->pages = 1 + rng_below(&g->rng, end - start);
		break;
	}
	op->pages = clip(op->addr, op->pages);
}

static uint32_t pick_prot(struct model_gen *g)
{
	static const uint32_t usual[] = {
	    PAGER_PROT_READ | PAGER_PROT_WRITE,
	    PAGER_PROT_READ | PAGER_PROT_WRITE,
	    PAGER_PROT_READ | PAGER_PROT_WRITE,
	    PAGER_PROT_READ,
	    PAGER_PROT_READ | PAGER_PROT_EXEC,
	    0,
	    PAGER_PROT_ALL,
	    PAGER_PROT_WRITE,
	};

	if (!g->decent && rng_percent(&g->rng, 1))
		return 8;
	if (!g->decent && rng_percent(&g->rng, 3))
		return PAGER_PROT_EXEC;
	return usual[rng_below(&g->rng, sizeof(usual) / sizeof(usual[0]))];
}

static uint8_t pick_object(struct model_gen *g, const struct oracle *o)
{
	uint8_t at = (uint8_t)rng_below(&g->rng, MODEL_OBJECTS);

	return o->object[at] ? (uint8_t)(at + 1) : 0;
}

static void gen_map(struct model_gen *g, const struct oracle *o,
		    struct model_op *op)
{
	struct rng *r = &g->rng;

	op->prot = pick_prot(g);
	if (rng_percent(r, 15))
		op->pages =
		    clip(op->addr, 1 + rng_below(r, o->config.pages / 4));
	if (rng_percent(r, 40))
		op->object = pick_object(g, o);
	if (op->object) {
		op->offset = rng_below(r, g->object_pages);
		if (rng_percent(r, 50))
			op->flags |= PAGER_MAP_SHARED;
		if (!g->decent && rng_percent(r, 1))
			op->offset = PAGER_VPN_END - rng_below(r, 20);
	} else if (!g->no_stacks && rng_percent(r, 12)) {
		op->flags |= PAGER_MAP_GROWSDOWN;
	}
	if (rng_percent(r, 70))
		op->flags |= PAGER_MAP_FIXED;
	else if (rng_percent(r, 30))
		op->addr = UINT64_MAX;
	if (op->flags & PAGER_MAP_FIXED && rng_percent(r, 25))
		op->flags |= PAGER_MAP_NOREPLACE;
	if (rng_percent(r, 20))
		op->flags |= PAGER_MAP_POPULATE;
	if (rng_percent(r, 10))
		op->flags |= PAGER_MAP_NORESERVE;
	if (!g->decent && rng_percent(r, 2)) {
		uint64_t bit = rng_below(r, 7);

		/* The last one is unknown. */
		op->flags ^= bit < 6 ? 1u << bit : PAGER_MAP_ALL + 1;
	}
	if (!g->decent && rng_percent(r, 1))
		op->offset++;
	if (g->pin_percent && rng_percent(r, 25)) {
		op->flags = PAGER_MAP_FIXED | PAGER_MAP_CONTIG;
		op->flags |= rng_percent(r, 30) ? PAGER_MAP_ALIGN_64K : 0;
		op->object = 0;
		op->offset = 0;
	}
}

static void gen_remap(struct model_gen *g, const struct oracle *o,
		      const struct oracle_space *s, struct model_op *op)
{
	struct rng *r = &g->rng;

	op->new_pages = op->pages;
	if (rng_percent(r, 60))
		op->new_pages = 1 + rng_below(r, g->lengths * 2);
	if (rng_percent(r, 70))
		op->flags |= PAGER_REMAP_MAYMOVE;
	if (op->flags && rng_percent(r, 50)) {
		op->flags |= PAGER_REMAP_FIXED;
		op->new_addr = pick_addr(g, o, s);
		/* Whole table nodes can move as they are. */
		if (rng_percent(r, 30))
			op->new_addr =
			    (op->new_addr & ~UINT64_C(511)) | (op->addr & 511);
	}
	if (op->flags & PAGER_REMAP_FIXED &&
	    clip(op->new_addr, op->new_pages) != op->new_pages)
		op->flags = 0;
	if (op->flags && rng_percent(r, 15)) {
		op->flags |= PAGER_REMAP_DONTUNMAP;
		if (g->decent || rng_percent(r, 90))
			op->new_pages = op->pages;
	}
	if (rng_percent(r, 5))
		op->pages = 0;
	if (!g->decent && rng_percent(r, 2))
		op->new_addr = op->addr;
	if (!g->decent && rng_percent(r, 1))
		op->new_pages = 0;
	if (!g->decent && rng_percent(r, 1))
		op->flags ^= 1u << rng_below(r, 4);
}

static void gen_access(struct model_gen *g, struct model_op *op)
{
	struct rng *r = &g->rng;
	uint64_t in_page = 0;

	op->cpu = (uint8_t)rng_below(r, 2);
	switch (rng_below(r, 4)) {
	case 0: /* the page's first bytes */
		in_page = rng_below(r, 8);
		op->pages = 1 + rng_below(r, 8);
		break;
	case 1: /* the last ones */
		in_page = PAGER_PAGE_SIZE - 1 - rng_below(r, 8);
		op->pages = PAGER_PAGE_SIZE - in_page;
		break;
	case 2: /* across the end */
		in_page = PAGER_PAGE_SIZE - 1 - rng_below(r, 8);
		op->pages = 16;
		break;
	default:
		in_page = rng_below(r, PAGER_PAGE_SIZE);
		op->pages = 1 + rng_below(r, MODEL_IO);
		break;
	}
	if (g->one_page && op->pages > PAGER_PAGE_SIZE - in_page)
		op->pages = PAGER_PAGE_SIZE - in_page;
	if (op->addr < PAGER_VPN_HALF && PAGER_VPN_HALF - op->addr < 4) {
		uint64_t room = (PAGER_VPN_HALF - op->addr) * PAGER_PAGE_SIZE;

		if (op->pages > room - in_page)
			op->pages = room - in_page;
	}
	op->addr = pager_vpn_to_va(op->addr) + in_page;
}

static void gen_brk(struct model_gen *g, const struct oracle *o,
		    const struct oracle_space *s, struct model_op *op)
{
	struct rng *r = &g->rng;
	uint64_t base = s->brk;

	if (op->kind == MODEL_BRK_START || !s->brk_start) {
		op->kind = MODEL_BRK_START;
		if (g->brk_at_start) {
			op->addr = pager_vpn_to_va(o->config.start);
			return;
		}
		op->addr = (o->config.start + rng_below(r, o->config.pages))
			       << PAGER_PAGE_SHIFT |
			   (rng_percent(r, 50) ? rng_below(r, 4096) : 0);
		return;
	}
	op->addr = base + rng_below(r, 8 * 4096);
	if (rng_percent(r, 50))
		op->addr = base - rng_below(r, 8 * 4096);
	if (rng_percent(r, 10))
		op->addr = s->brk_start;
}

static void gen_advise(struct model_gen *g, struct model_op *op)
{
	struct rng *r = &g->rng;

	op->flags = PAGER_ADV_DONTNEED + (uint32_t)rng_below(r, 7);
	if (rng_percent(r, 20))
		op->flags = PAGER_ADV_DONTNEED;
	else if (rng_percent(r, 20 + g->free_percent))
		op->flags = PAGER_ADV_FREE;
	if (!g->decent && rng_percent(r, 1))
		op->flags = rng_percent(r, 50) ? 0 : 8;
}

static uint32_t pick_access(struct model_gen *g)
{
	if (!g->decent && rng_percent(&g->rng, 1))
		return (uint32_t)rng_below(&g->rng, 9);
	if (g->linux_like)
		return 1u << rng_below(&g->rng, 2);
	return 1u << rng_below(&g->rng, 3);
}

static uint32_t likely_access(const struct oracle *o,
			      const struct oracle_space *s, uint64_t vpn)
{
	const struct oracle_page *p = oracle_page(o, s, vpn);

	return p && is_writable(o, p) ? PAGER_ACCESS_WRITE : PAGER_ACCESS_READ;
}

static bool slot_is_free(const struct oracle *o)
{
	for (int i = 0; i < MODEL_SPACES; i++)
		if (!o->space[i].live)
			return true;
	return false;
}

/* Something else where the kind would come to nothing, and more mappings where
 * there are few. */
static enum model_kind sensible(struct model_gen *g, const struct oracle *o,
				const struct oracle_space *s,
				enum model_kind kind)
{
	if (!s->live)
		return MODEL_SPACE;
	if (oracle_virtual(o, s) < o->config.pages / 3 &&
	    rng_percent(&g->rng, 40))
		return MODEL_MAP;
	if (kind == MODEL_FORK && !slot_is_free(o))
		return MODEL_FREE;
	if ((kind == MODEL_RESTORE || kind == MODEL_DROP) && !s->snapshot)
		return MODEL_WRITE;
	if (g->scriptable && (kind == MODEL_SNAPSHOT || kind == MODEL_PROBE ||
			      kind == MODEL_RECHARGE))
		return MODEL_WRITE;
	return kind;
}

static struct model_op gen_space(struct model_gen *g, const struct oracle *o)
{
	struct model_op op = {
	    .kind = MODEL_SPACE,
	    .space = pick_slot(g, o, false),
	    .account = (uint8_t)rng_below(&g->rng, MODEL_ACCOUNTS),
	};

	if (g->around)
		op.flags = (uint32_t)rng_below(&g->rng, PAGER_AROUND_2M + 1);
	return op;
}

/* An aligned stretch inside of the window, which has some. */
static uint64_t pick_stretch(struct model_gen *g, const struct oracle *o)
{
	uint64_t first = (o->config.start + 511) / 512;
	uint64_t end = (o->config.start + o->config.pages) / 512;

	return (first + rng_below(&g->rng, end - first)) * 512;
}

/* Whole stretches that are mapped and written, so that large entries can stand
 * there; and moved, and protected. */
static struct model_op gen_stretch(struct model_gen *g, const struct oracle *o)
{
	struct rng *r = &g->rng;
	struct model_op op = {
	    .kind = MODEL_MAP,
	    .space = pick_slot(g, o, true),
	    .addr = pick_stretch(g, o),
	    .pages = 512,
	    .prot = PAGER_PROT_READ | PAGER_PROT_WRITE,
	    .flags = PAGER_MAP_FIXED | PAGER_MAP_POPULATE,
	    .access = PAGER_ACCESS_WRITE,
	    .seed = rng_below(r, 1000),
	};

	if (!o->space[op.space].live)
		return gen_space(g, o);
	switch (rng_below(r, 8)) {
	case 0:
	case 1:
	case 2:
		break;
	case 3:
	case 4:
		op.kind = MODEL_POPULATE;
		break;
	case 5:
		op.kind = MODEL_PROTECT;
		op.prot &= ~(rng_percent(r, 30) ? PAGER_PROT_WRITE : 0);
		break;
	default:
		op.kind = MODEL_REMAP;
		op.flags = PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED;
		op.new_addr = pick_stretch(g, o);
		op.new_pages = op.pages;
		if (rng_percent(r, 20))
			op.new_addr -= rng_below(r, 30);
		break;
	}
	return op;
}

struct model_op model_gen_next(struct model_gen *g, const struct oracle *o)
{
	const struct oracle_space *s;
	struct rng *r = &g->rng;
	struct model_op op = {0};

	if (g->move_percent && rng_percent(r, g->move_percent))
		return model_gen_migrate(g);
	if (g->pool_percent && rng_percent(r, g->pool_percent))
		return model_gen_pool(g);
	if (g->dirty_percent && rng_percent(r, g->dirty_percent))
		return model_gen_dirty(g, o);
	if (g->stretch_percent && rng_percent(r, g->stretch_percent))
		return gen_stretch(g, o);
	op.kind = (uint8_t)pick_kind(g);
	if (g->pin_percent && rng_percent(r, g->pin_percent))
		op.kind = rng_percent(r, 40)   ? MODEL_PIN
			  : rng_percent(r, 50) ? MODEL_UNPIN
					       : MODEL_MAP;
	op.space = pick_slot(g, o, true);
	s = &o->space[op.space];
	op.kind = (uint8_t)sensible(g, o, s, (enum model_kind)op.kind);
	op.account = (uint8_t)rng_below(r, MODEL_ACCOUNTS);
	op.seed = rng_below(r, 1000);
	if (op.kind == MODEL_SPACE) {
		op.space = pick_slot(g, o, false);
		if (g->around)
			op.flags = (uint32_t)rng_below(r, PAGER_AROUND_2M + 1);
		return op;
	}
	op.addr = pick_addr(g, o, s);
	op.pages = pick_len(g, o, op.addr);
	switch (op.kind) {
	case MODEL_FORK:
	case MODEL_RECHARGE:
		op.other = op.kind == MODEL_FORK
			       ? pick_slot(g, o, false)
			       : (uint8_t)rng_below(r, MODEL_ACCOUNTS);
		break;
	case MODEL_OBJECT:
	case MODEL_RESIZE:
	case MODEL_PUT:
		op.object = (uint8_t)(1 + rng_below(r, MODEL_OBJECTS));
		op.pages = rng_below(r, g->object_pages * 2);
		break;
	case MODEL_MAP:
		gen_map(g, o, &op);
		break;
	case MODEL_PROTECT:
		pick_mapped_range(g, o, s, &op);
		op.prot = pick_prot(g);
		break;
	case MODEL_PIN:
	case MODEL_UNPIN:
		pick_mapped_range(g, o, s, &op);
		break;
	case MODEL_REMAP:
		pick_mapped_range(g, o, s, &op);
		gen_remap(g, o, s, &op);
		break;
	case MODEL_BRK_START:
	case MODEL_BRK:
		gen_brk(g, o, s, &op);
		break;
	case MODEL_ADVISE:
		pick_mapped_range(g, o, s, &op);
		gen_advise(g, &op);
		break;
	case MODEL_FAULT:
		op.access = pick_access(g);
		op.addr = pick_target(g, o, s, op.access, op.addr);
		break;
	case MODEL_POPULATE:
		pick_mapped_range(g, o, s, &op);
		op.access = pick_access(g);
		if (rng_percent(r, 60))
			op.access = likely_access(o, s, op.addr);
		break;
	case MODEL_READ:
	case MODEL_WRITE:
		op.addr =
		    pick_target(g, o, s,
				op.kind == MODEL_WRITE ? PAGER_ACCESS_WRITE
						       : PAGER_ACCESS_READ,
				op.addr);
		gen_access(g, &op);
		break;
	case MODEL_HARVEST: /* has no way to refuse */
		if (op.addr < o->config.start ||
		    op.addr >= o->config.start + o->config.pages)
			op.addr = o->config.start;
		op.pages = 1;
		pick_mapped_range(g, o, s, &op);
		break;
	case MODEL_PROBE:
		op.access = 1u << rng_below(r, 3);
		op.addr = pick_target(g, o, s, op.access, op.addr);
		op.cpu = (uint8_t)rng_below(r, 2);
		op.offset = rng_below(r, PAGER_PAGE_SIZE - 8);
		if (op.addr < o->config.start ||
		    op.addr >= o->config.start + o->config.pages)
			op.addr = o->config.start;
		break;
	}
	return op;
}
