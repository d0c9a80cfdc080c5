/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Row 11: how much of a pool can be unplugged while it is in use, and how many
 * pages are moved for that.
 *
 * Memory is filled by owners of 1 to 2,048 pages, one after the other, and then
 * owners chosen at random leave until only a part of it is used: as when
 * programs of all sizes end. 1% of the pages that stay, chosen at random too,
 * is pinned, or none. Then the pool is asked to shrink by as many sub-blocks as
 * there are free frames for: everything that is free would be given back.
 *
 *	left	percent of these sub-blocks that could not be unplugged
 *	moved	pages moved for each that could, those in vain as well
 *
 * The limit is the exact optimum for the same layout, at the moment of the
 * wish. A sub-block that holds a pin stays; of the others, any k can be emptied
 * if and only if k * 512 frames are free, as whatever is in them has to go
 * where the rest is free; so as many as there are free frames for go, and the
 * emptiest of them move least. The baseline goes by addresses, over the same
 * layout: from the top, each page to the lowest free frame, until it meets a
 * pin. In Linux's order: our driver as it is without rounds by how much is
 *used.
 *
 * The pool is in the zone MOVABLE, where pins do not stay; or in KERNEL, where
 * they do. No times: counts, of each round's own choice of pages.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/core/frame.h"
#include "lib/mmu/sim.h"
#include "server/memory.h"
#include "tools/bench/base_unplug.h"
#include "tools/bench/bench.h"
#include "tools/bench/world.h"

#define BOOT  UINT64_C(32768) /* pages */
#define PIECE UINT64_C(512)   /* a sub-block */

enum { FULL = 98, CPUS = 1, OWNER_BITS = 12 };

struct layout {
	const char *name;
	unsigned int fill;   /* percent */
	unsigned int pinned; /* percent of what is used */
	enum vmem_zone zone;
};

static const struct layout layouts[] = {
    {"50%", 50, 0, VMEM_ZONE_MOVABLE},
    {"80%", 80, 0, VMEM_ZONE_MOVABLE},
    {"95%", 95, 0, VMEM_ZONE_MOVABLE},
    {"50%, 1% pinned", 50, 1, VMEM_ZONE_MOVABLE},
    {"80%, 1% pinned", 80, 1, VMEM_ZONE_MOVABLE},
    {"95%, 1% pinned", 95, 1, VMEM_ZONE_MOVABLE},
    {"50%, 1% pinned, KERNEL", 50, 1, VMEM_ZONE_KERNEL},
    {"80%, 1% pinned, KERNEL", 80, 1, VMEM_ZONE_KERNEL},
    {"95%, 1% pinned, KERNEL", 95, 1, VMEM_ZONE_KERNEL},
};

enum { LAYOUTS = sizeof(layouts) / sizeof(layouts[0]) };

enum contestant { OURS, IN_ORDER, ADDRESS, OPTIMUM, CONTESTANTS };

/* What came of one round. */
struct outcome {
	double left;
	double moved; /* a sub-block; NAN: none went */
};

static struct outcome outcome(uint64_t gone, uint64_t wanted, uint64_t moved)
{
	return (struct outcome){
	    .left = 100.0 * (double)(wanted - gone) / (double)wanted,
	    .moved = gone ? (double)moved / (double)gone : NAN,
	};
}

/* --- ours ------------------------------------------------------------------
 */

struct subject {
	struct srv_memory memory;
	struct pager_core *core;
	struct pager_pool *pool;
	struct pager_sim *sim;
	struct pager_account *account;
	struct pager_space *space;
	uint64_t pages; /* of the pool */
	uint64_t used;	/* pages of the space */
};

static void must(struct pager_status st, const char *what)
{
	if (st.err)
		bench_die("%s: error %u", what, st.err);
}

static void work(struct subject *s)
{
	uint64_t due;

	while (pager_core_work(s->core, 0, &due))
		;
}

static void plug(struct subject *s, const struct layout *l, bool in_order)
{
	const struct pager_pool_config config = {
	    .addr = BOOT,
	    .region = s->pages,
	    .requested = s->pages,
	    .threshold = s->pages,
	    .in_order = in_order,
	    .policy = {.keep_offline = true},
	    .name = "bench",
	};
	struct pager_pool_info info;

	must(pager_pool_new(s->core, &config, &s->pool), "a pool");
	work(s);
	pager_pool_info(s->pool, 0, &info);
	for (uint64_t at = 0; at < s->pages; at += info.memory_block)
		must(pager_pool_online(s->pool, BOOT + at, l->zone), "online");
}

static void subject_init(struct subject *s, uint64_t pages, uint64_t block,
			 const struct layout *l, bool in_order)
{
	static const struct pager_limits limits = {.regions = 10000000};
	uint64_t nodes = 2 * bench_world_nodes(BOOT + pages);
	struct pager_core_config config = {
	    .host = srv_memory_host(),
	    .frames = BOOT,
	    .span = BOOT + pages,
	    .memory_block = block,
	    .nodes = nodes,
	};
	uint64_t limit[PAGER_RES_COUNT];

	*s = (struct subject){.pages = pages};
	if (srv_memory_init(&s->memory, BOOT, BOOT + pages, nodes, true))
		bench_die("no memory for a core");
	config.memory = s->memory.physical;
	config.tables = s->memory.tables;
	s->core = pager_core_new(&config);
	s->sim = pager_sim_new(&config.host, CPUS);
	for (int i = 0; i < PAGER_RES_COUNT; i++)
		limit[i] = UINT64_MAX;
	s->account = s->core ? pager_account_new(s->core, limit) : NULL;
	if (!s->account || !s->sim)
		bench_die("no memory for a core");
	plug(s, l, in_order);
	must(pager_space_new(s->core, s->account, pager_sim_mmu(s->sim),
			     pager_range(1, PAGER_VPN_HALF), &limits,
			     &s->space),
	     "a space");
	s->used = (BOOT + pages) * l->fill / 100;
}

static void subject_fini(struct subject *s)
{
	pager_space_free(s->space);
	pager_account_put(s->account);
	pager_core_free(s->core);
	pager_sim_free(s->sim);
	srv_memory_fini(&s->memory);
}

/* A run of pages that comes and goes together. */
struct owner {
	uint64_t vpn;
	uint64_t pages;
};

/* 1, 2, 4 .. pages on average, all as often. */
static uint64_t some_pages(uint64_t *chance, uint64_t most)
{
	uint64_t bits = bench_random(chance) % OWNER_BITS;
	uint64_t n = 1 + bench_random(chance) % (UINT64_C(1) << bits);

	return n < most ? n : most;
}

static void swap(struct owner *a, struct owner *b)
{
	struct owner was = *a;

	*a = *b;
	*b = was;
}

/* Fill; owners leave at random until used pages are left. Returns how many
 * owners stay. A page between any two keeps their regions apart. */
static uint64_t subject_fill(struct subject *s, struct owner *owner,
			     uint64_t *chance)
{
	uint64_t rest = (BOOT + s->pages) * FULL / 100, all = rest, n = 0;
	uint64_t vpn = BENCH_BASE;

	for (; rest; n++) {
		owner[n] = (struct owner){vpn, some_pages(chance, rest)};
		bench_world_map(s->space, vpn, owner[n].pages, true);
		vpn += owner[n].pages + 1;
		rest -= owner[n].pages;
	}
	while (all > s->used) {
		struct owner *o = &owner[bench_random(chance) % n];

		must(pager_space_unmap(s->space,
				       pager_range(o->vpn, o->vpn + o->pages)),
		     "unmap");
		all -= o->pages;
		swap(o, &owner[--n]);
	}
	return n;
}

static void subject_use(struct subject *s, const struct layout *l,
			uint64_t chance)
{
	uint64_t pins = s->used * l->pinned / 100, n;
	struct owner *owner = malloc((BOOT + s->pages) * sizeof(*owner));

	if (!owner)
		bench_die("no memory for a list of owners");
	n = subject_fill(s, owner, &chance);
	/* Each page is as likely: an owner by its size. */
	while (pins) {
		const struct owner *o = &owner[bench_random(&chance) % n];
		uint64_t at = bench_random(&chance) % (1u << OWNER_BITS);

		if (at >= o->pages)
			continue;
		must(pager_space_pin(s->space,
				     pager_range(o->vpn + at, o->vpn + at + 1)),
		     "pin");
		pins--;
	}
	free(owner);
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* The exact optimum: see the head of this file. */
static struct outcome optimum(const struct subject *s, uint64_t wanted)
{
	uint64_t pieces = s->pages / PIECE, n = 0, moved = 0;
	uint32_t *used = malloc(pieces * sizeof(*used));

	if (!used)
		bench_die("no memory for a list of sub-blocks");
	for (uint64_t i = 0; i < pieces; i++) {
		const struct chunk *c =
		    &s->core->frames.chunk[BOOT / PIECE + i];

		if (!c->pinned)
			used[n++] = (uint32_t)c->total - c->nfree;
	}
	qsort(used, n, sizeof(*used), by_value);
	if (n > wanted)
		n = wanted;
	for (uint64_t i = 0; i < n; i++)
		moved += used[i];
	free(used);
	return outcome(n, wanted, moved);
}

/* By addresses, over the layout as it is. */
static struct outcome by_address(const struct subject *s, uint64_t wanted)
{
	const struct pager_core *core = s->core;
	struct base_unplug b;
	uint64_t gone;

	if (base_unplug_init(&b, BOOT + s->pages))
		bench_die("no memory for a baseline");
	for (uint64_t f = 0; f < BOOT + s->pages; f++)
		if (frame_is_used(core, (uint32_t)f))
			base_unplug_use(&b, f, core->frames.pins[f] != 0);
	gone = base_unplug_run(&b, BOOT, PIECE, wanted);
	base_unplug_fini(&b);
	return outcome(gone, wanted, b.moved);
}

/* others: what the baseline and the optimum make of the layout; or NULL. */
static struct outcome ours(const struct layout *l, uint64_t pages,
			   uint64_t block, bool in_order, uint64_t seed,
			   struct outcome others[2])
{
	struct pager_pool_info before, after;
	struct subject s;
	uint64_t wanted;

	subject_init(&s, pages, block, l, in_order);
	subject_use(&s, l, seed);
	wanted = frame_free_count(s.core, FRAME_MOVABLE) / PIECE;
	if (wanted > pages / PIECE)
		wanted = pages / PIECE;
	if (others) {
		others[0] = by_address(&s, wanted);
		others[1] = optimum(&s, wanted);
	}
	pager_pool_info(s.pool, 0, &before);
	must(pager_pool_resize(s.pool, pages - wanted * PIECE), "resize");
	work(&s);
	pager_pool_info(s.pool, 0, &after);
	subject_fini(&s);
	return outcome((before.plugged - after.plugged) / PIECE, wanted,
		       after.moved - before.moved);
}

/* --- the row -----------------------------------------------------------------
 */

struct figures {
	struct bench_series left[CONTESTANTS];
	struct bench_series moved[CONTESTANTS];
};

static void note(struct figures *f, enum contestant who,
		 const struct outcome *o)
{
	bench_add(&f->left[who], o->left);
	bench_add(&f->moved[who], o->moved);
}

static void round_of(struct figures *f, const struct layout *l, uint64_t pages,
		     uint64_t block, uint64_t seed)
{
	struct outcome others[2];
	struct outcome o = ours(l, pages, block, false, seed, others);

	note(f, OURS, &o);
	note(f, ADDRESS, &others[0]);
	note(f, OPTIMUM, &others[1]);
	o = ours(l, pages, block, true, seed, NULL);
	note(f, IN_ORDER, &o);
}

static void report(struct bench *b, const struct layout *l, const char *what,
		   const char *unit, const struct bench_series *s,
		   enum contestant peer, double slack, const char *goal)
{
	char name[64];
	struct bench_result r = {
	    .row = 11,
	    .name = name,
	    .unit = unit,
	    .ours = bench_median(&s[OURS]),
	    .linux_peer = NAN,
	    .baseline = bench_median(&s[peer]),
	    .limit = bench_median(&s[OPTIMUM]),
	    .goal = goal,
	    .rounds = s[OURS].count,
	};

	snprintf(name, sizeof(name), "%s/%s", what, l->name);
	r.met = r.ours <= r.limit * slack;
	bench_report(b, &r);
}

void bench_row_unplug(struct bench *b)
{
	static struct figures figures[LAYOUTS];
	const uint64_t block = b->quick ? 8192 : 32768;
	const uint64_t pages = 8 * block;

	for (unsigned int round = 0; round <= b->rounds; round++) {
		bench_step(b);
		for (int i = 0; i < LAYOUTS; i++)
			round_of(&figures[i], &layouts[i], pages, block,
				 round * 2 + 1);
	}
	for (int i = 0; i < LAYOUTS; i++)
		report(b, &layouts[i], "unplug left", "%", figures[i].left,
		       ADDRESS, 1, "the optimum");
	for (int i = 0; i < LAYOUTS; i++)
		report(b, &layouts[i], "moved a sub-block", "pages",
		       figures[i].moved, ADDRESS, 1.5,
		       "at most 1.5 times the optimum");
	for (int i = 0; i < LAYOUTS; i++)
		report(b, &layouts[i], "moved, in Linux's order", "pages",
		       figures[i].moved, IN_ORDER, 1.5,
		       "at most 1.5 times the optimum");
}
