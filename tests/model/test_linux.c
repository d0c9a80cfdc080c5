/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux as oracle: random sequences are done by real processes, by the core
 * and by the naive oracle. Core and oracle are compared after every step as in
 * test_model.c; Linux and the oracle in: what every call answers, the mappings
 * byte by byte with their protections, objects and offsets, which private
 * pages are resident, and what is in them.
 *
 * Where pagerd means to differ from Linux, the operation is left out on both
 * sides (linux_pair_unlike) or on Linux's when pagerd refused it
 * (linux_pair_leave_out). The
 * list:
 *  - a range with a hole: mprotect, madvise and mlock of Linux do the mapped
 *    parts and then say ENOMEM; pagerd changes nothing. The same where a part
 *    may not be populated, or is pinned.
 *  - a place: Linux chooses another one. It is told to use pagerd's.
 *  - the window: what pagerd refuses because the space ends, Linux would do
 *    outside of it.
 *  - mremap over several of Linux's mappings: Linux does not merge all that is
 *    alike (an anonymous mapping that was touched keeps to itself).
 *  - mremap that fails may have unmapped its target on Linux.
 *  - brk wants a free page above itself on Linux, and something to unmap.
 *  - WILLNEED does nothing visible on Linux: pagerd prefaults, and so does
 *    MADV_POPULATE_READ, which wants read permission, not any.
 *  - a write through a pinned mapping made writable is copied at once by
 *    Linux, by the first write in pagerd.
 *  - zero pages of a mapping never written are not inherited by fork on
 *    Linux; in pagerd they are, as all other pages.
 *  - a stack grows on Linux even if the access is not allowed afterwards.
 *
 * Environment: PAGER_SEED, PAGER_SEEDS, PAGER_STEPS, PAGER_SHAPE,
 * PAGER_FOREVER, PAGER_LOUD as in test_model.c.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/support/hunt.h"
#include "tests/support/linux_compat.h"
#include "tests/support/linux_pair.h"
#include "tests/support/model.h"
#include "tests/support/model_gen.h"
#include "tests/support/script.h"

/* Far from programs, heaps, libraries, stacks and sanitizers' own memory, and
 * over a boundary of large table nodes. */
#define WINDOW (UINT64_C(0x6a0000000000) >> PAGER_PAGE_SHIFT)

struct shape {
	const char *name;
	struct model_config config;
	unsigned int lengths;
	uint64_t object_pages;
	bool heap; /* the window begins where the process's heap ends */
	uint64_t seeds;
	uint32_t steps;
};

static struct shape shapes[] = {
    {.name = "linux-small",
     .config = {.start = WINDOW - 20, .pages = 48},
     .lengths = 8,
     .object_pages = 16,
     .seeds = 60,
     .steps = 120},
    {.name = "linux-heap",
     .config = {.pages = 48},
     .lengths = 8,
     .object_pages = 16,
     .heap = true,
     .seeds = 20,
     .steps = 120},
    {.name = "linux-stacks",
     .config = {.start = WINDOW - 300, .pages = 700},
     .lengths = 12,
     .object_pages = 16,
     .seeds = 12,
     .steps = 100},
    {.name = "linux-large",
     .config = {.start = WINDOW - 600, .pages = 1700},
     .lengths = 60,
     .object_pages = 700,
     .seeds = 6,
     .steps = 100},
};

enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

/* What this machine lets us do. */
static bool has_populate;

/* --- comparing ------------------------------------------------------------ */

static void compare_mapping(const struct pair *p, int slot, uint64_t vpn,
			    const struct linux_vma *v)
{
	const struct oracle *o = &p->model.oracle;
	const struct oracle_page *page = oracle_page(o, &o->space[slot], vpn);
	uint32_t object = 0;

	if (!page->mapped || !v) {
		if (page->mapped != (v != NULL))
			model_die("linux-map",
				  "space %d: page 0x%" PRIx64
				  " is %s here and %s on Linux",
				  slot, vpn, page->mapped ? "mapped" : "free",
				  v ? "mapped" : "free");
		return;
	}
	for (uint32_t i = 0; i < MODEL_OBJECTS; i++)
		if (page->object && page->object == o->object[i])
			object = i + 1;
	if (page->prot != v->prot ||
	    !(page->flags & PAGER_REGION_SHARED) != !v->shared)
		model_die("linux-prot",
			  "space %d: page 0x%" PRIx64
			  ": prot %u%s here, %u%s on Linux",
			  slot, vpn, page->prot,
			  page->flags & PAGER_REGION_SHARED ? " shared" : "",
			  v->prot, v->shared ? " shared" : "");
	if (object != v->object ||
	    (object &&
	     BYTES(page->offset) != v->offset + BYTES(vpn) - v->start))
		model_die("linux-object",
			  "space %d: page 0x%" PRIx64
			  ": object %u page %" PRIu64
			  " here, object %u page %" PRIu64 " on Linux",
			  slot, vpn, object, page->offset, v->object,
			  (v->offset + BYTES(vpn) - v->start) >> 12);
}

static void compare_page(const struct pair *p, int slot, uint64_t at)
{
	static const uint8_t zeros[PAGER_PAGE_SIZE];
	const struct oracle *o = &p->model.oracle;
	const struct oracle_page *page = &o->space[slot].page[at];
	uint8_t there = p->linux.shared->page[at];
	bool here =
	    page->type == PAGER_PAGE_ANON || page->type == PAGER_PAGE_ZERO;
	const uint8_t *bytes = oracle_bytes(page);

	if (page->type == PAGER_PAGE_ZERO && p->forked[slot])
		here = there & LINUX_PRIVATE;
	if (here != !!(there & LINUX_PRIVATE))
		model_die("linux-resident",
			  "space %d: page 0x%" PRIx64
			  ": private and resident %d here, %d on Linux",
			  slot, o->config.start + at, here,
			  !!(there & LINUX_PRIVATE));
	if (!(there & LINUX_PRESENT))
		return;
	if (memcmp(bytes ? bytes : zeros, linux_bytes(&p->linux, at),
		   PAGER_PAGE_SIZE))
		model_die("linux-bytes",
			  "space %d: page 0x%" PRIx64
			  " differs from what Linux has there",
			  slot, o->config.start + at);
}

static void compare_space(struct pair *p, int slot)
{
	const struct model_config *c = &p->model.config;
	struct linux_shared *sh = p->linux.shared;
	uint32_t next = 0;

	sh->request = (struct linux_request){.call = LINUX_STARE};
	linux_do(&p->linux, slot);
	for (uint64_t i = 0; i < c->pages; i++) {
		uint64_t va = BYTES(c->start + i);

		while (next < sh->vmas && sh->vma[next].end <= va)
			next++;
		compare_mapping(p, slot, c->start + i,
				next < sh->vmas && sh->vma[next].start <= va
				    ? &sh->vma[next]
				    : NULL);
		compare_page(p, slot, i);
	}
}

/* The objects themselves: pages that nobody maps included. */
static void compare_objects(const struct pair *p)
{
	static uint8_t there[PAGER_PAGE_SIZE], zeros[PAGER_PAGE_SIZE];

	for (int i = 0; i < MODEL_OBJECTS; i++) {
		const struct oracle_object *b = p->model.oracle.object[i];

		for (uint64_t at = 0; b && at < b->size; at++) {
			const uint8_t *here = b->cell[at].bytes;

			if (pread(p->linux.object[i], there, sizeof(there),
				  (off_t)BYTES(at)) != (ssize_t)sizeof(there))
				model_die("linux-object",
					  "object %d is too short", i);
			if (memcmp(here ? here : zeros, there, sizeof(there)))
				model_die("linux-object",
					  "object %d page %" PRIu64 " differs",
					  i, at);
		}
	}
}

/* --- running -------------------------------------------------------------- */

static void one(struct pair *p, struct hunt_log *log, const struct model_op *op)
{
	struct model *m = &p->model;
	const struct linux_answer *a;

	hunt_note(log, op);
	if (!oracle_applies(&m->oracle, op) || linux_pair_unlike(p, op)) {
		m->got.skipped = true;
		hunt_result(log, &m->got);
		return;
	}
	model_step(m, op);
	hunt_result(log, &m->got);
	if (linux_pair_leave_out(p, op))
		return;
	if (linux_pair_request(p, op, &p->linux.shared->request)) {
		a = linux_do(&p->linux, op->space);
		linux_pair_compare(p, op, a);
	}
	if (m->oracle.space[op->space].live)
		compare_space(p, op->space);
	if (op->kind == MODEL_SPACE)
		p->forked[op->space] = false;
	if (op->kind != MODEL_FORK)
		return;
	p->forked[op->other] = true;
	compare_space(p, op->other);
}

static void begin(struct pair *p, const struct shape *s)
{
	model_init(&p->model, &s->config);
	linux_start(&p->linux, s->config.start, s->config.pages, 2048, s->heap);
}

static void end(struct pair *p)
{
	for (int i = 0; i < MODEL_SPACES; i++)
		if (p->model.oracle.space[i].live)
			compare_space(p, i);
	compare_objects(p);
	linux_stop(&p->linux);
	model_fini(&p->model);
}

static struct pair *pair_new(void)
{
	struct pair *p = calloc(1, sizeof(*p));

	if (!p)
		test_die("linux: no memory");
	p->has_populate = has_populate;
	return p;
}

static void make(void *ctx, uint64_t seed, uint32_t steps, struct hunt_log *log)
{
	const struct shape *s = ctx;
	struct model_gen g = {
	    .rng = rng_new(seed),
	    .decent = true,
	    .linux_like = true,
	    .no_stacks = s->heap,
	    .brk_at_start = s->heap,
	    .lengths = s->lengths,
	    .object_pages = s->object_pages,
	};
	struct pair *p = pair_new();
	struct model_op op;

	begin(p, s);
	for (uint8_t i = 0; i < MODEL_OBJECTS; i++) {
		op = (struct model_op){.kind = MODEL_OBJECT,
				       .object = (uint8_t)(i + 1),
				       .pages = s->object_pages / (i + 1u)};
		one(p, log, &op);
	}
	for (uint32_t i = MODEL_OBJECTS; i < steps; i++) {
		op = model_gen_next(&g, &p->model.oracle);
		one(p, log, &op);
	}
	end(p);
	free(p);
}

static void replay(void *ctx, const struct model_op *op, uint32_t count,
		   struct hunt_log *log)
{
	struct pair *p = pair_new();

	begin(p, ctx);
	for (uint32_t i = 0; i < count; i++)
		one(p, log, &op[i]);
	end(p);
	free(p);
}

static void print(void *ctx, const struct hunt_log *log)
{
	const struct shape *s = ctx;

	printf("# --- as a script for pagerctl run\n");
	script_print(stdout, &s->config, log);
	printf("# --- in C, shape %s\n", s->name);
	for (uint32_t i = 0; i < log->count; i++) {
		printf("\t");
		model_op_print_c(stdout, &log->op[i]);
	}
}

static int run_shape(const struct shape *s, uint64_t first, uint64_t seeds)
{
	struct hunt_case c = {
	    .make = make,
	    .replay = replay,
	    .print = print,
	    .ctx = (void *)(uintptr_t)s,
	    .name = s->name,
	};
	uint32_t steps = (uint32_t)hunt_number("PAGER_STEPS", s->steps);

	if (hunt(&c, first, seeds, steps))
		return 1;
	printf("%s: %" PRIu64 " sequences of %u operations\n", s->name, seeds,
	       steps);
	fflush(stdout);
	return 0;
}

/* Which of the rarer calls work here? Found out with a process of our own. */
static void find_abilities(void)
{
	struct linux_side l;
	struct linux_request *r;

	linux_start(&l, WINDOW, 8, 2048, false);
	linux_spawn(&l, 0);
	r = &l.shared->request;
	*r = (struct linux_request){.call = LINUX_MMAP,
				    .addr = BYTES(WINDOW + 4),
				    .len = BYTES(2),
				    .prot = PROT_READ | PROT_WRITE,
				    .flags = MAP_PRIVATE | MAP_FIXED};
	linux_do(&l, 0);
	r->call = LINUX_MADVISE;
	r->flags = MADV_POPULATE_WRITE;
	has_populate = linux_do(&l, 0)->ret == 0;
	linux_stop(&l);
	if (!has_populate)
		puts("no MADV_POPULATE: populate and WILLNEED are left out");
}

int main(void)
{
	const char *only = getenv("PAGER_SHAPE");
	uint64_t first = hunt_number("PAGER_SEED", 1);
	uint64_t forever = hunt_number("PAGER_FOREVER", 0);
	int failed = 0;

	find_abilities();
	do {
		for (int i = 0; i < SHAPES && !failed; i++) {
			struct shape *s = &shapes[i];

			if (s->heap)
				s->config.start = linux_heap_window();
			if (only && strcmp(only, s->name))
				continue;
			failed |= run_shape(
			    s, first, hunt_number("PAGER_SEEDS", s->seeds));
		}
		first += 1000;
	} while (forever && !failed);
	return failed;
}
