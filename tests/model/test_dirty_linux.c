/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux as reference for dirty logs: random sequences are done by real
 * processes and by a core, and at every get of a log of the core Linux is asked
 * which pages were written: by its own tracker (userfaultfd WP_ASYNC with
 * PAGEMAP_SCAN, or soft-dirty bits, whichever this kernel has), and by
 * comparing the pages' bytes with those of the last time. None of those may be
 * missing from the log; what the log has beyond them is counted by reason, and
 * must have one. tests/support/dirty_pair.h has the rules.
 *
 * In one shape frames migrate meanwhile, and stretches become large entries: no
 * log may say so. In another the logs have hardly any memory: they may say too
 * much then.
 *
 * Logs are started and stopped anywhere, over all or a part of the window, two
 * of a space at most, by either method; gets keep, clear all, a part, or page
 * by page; write-back begins and ends. The space may end before its logs.
 *
 * Environment: PAGER_SEED, PAGER_SEEDS, PAGER_STEPS, PAGER_SHAPE,
 * PAGER_FOREVER, PAGER_LOUD as in test_model.c.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/support/dirty_pair.h"
#include "tests/support/hunt.h"
#include "tests/support/linux_compat.h"
#include "tests/support/model_gen.h"

/* As in test_linux.c. */
#define WINDOW (UINT64_C(0x6a0000000000) >> PAGER_PAGE_SHIFT)

struct shape {
	const char *name;
	struct model_config config;
	unsigned int lengths;
	uint64_t object_pages;
	bool stacks;
	bool is_scarce;
	unsigned int move_percent; /* of frames, which Linux knows nothing of */
	unsigned int stretch_percent;
	uint64_t seeds;
	uint32_t steps;
};

static const struct shape shapes[] = {
    {.name = "dirty-small",
     .config = {.start = WINDOW - 20, .pages = 48},
     .lengths = 8,
     .object_pages = 16,
     .seeds = 40,
     .steps = 150},
    {.name = "dirty-stacks",
     .config = {.start = WINDOW - 300, .pages = 700},
     .lengths = 12,
     .object_pages = 16,
     .stacks = true,
     .seeds = 4,
     .steps = 120},
    {.name = "dirty-large",
     .config = {.start = WINDOW - 600, .pages = 1700},
     .lengths = 60,
     .object_pages = 700,
     .seeds = 4,
     .steps = 120},
    {.name = "dirty-scarce",
     .config = {.start = WINDOW - 20, .pages = 48},
     .lengths = 8,
     .object_pages = 16,
     .is_scarce = true,
     .seeds = 8,
     .steps = 150},
    {.name = "dirty-moving",
     .config = {.start = WINDOW - 100, .pages = 1300, .check_every = 4},
     .lengths = 30,
     .object_pages = 300,
     .move_percent = 20,
     .stretch_percent = 20,
     .seeds = 4,
     .steps = 150},
};

enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

static enum linux_tracker tracker;
static struct dirty_counts *counts;

/* --- making sequences ----------------------------------------------------- */

static struct model_op make_start(struct rng *r, const struct dirty_pair *d,
				  unsigned int methods)
{
	uint64_t window = d->pair.linux.pages;
	struct model_op op = {
	    .kind = DIRTY_START,
	    .prot = PAGER_DIRTY_HARDWARE,
	    .pages = window,
	    .seed = rng_below(r, 1000),
	};

	if (methods == 1 || (methods == 2 && rng_percent(r, 50)))
		op.prot = PAGER_DIRTY_WRITE_PROTECT;
	if (rng_percent(r, 40)) {
		op.addr = rng_below(r, window);
		op.pages = 1 + rng_below(r, window - op.addr);
	}
	if (rng_percent(r, 40))
		op.flags |= PAGER_DIRTY_MANUAL;
	if (rng_percent(r, 20))
		op.flags |= PAGER_DIRTY_ALL_SET;
	return op;
}

static struct model_op make_get(struct rng *r, const struct dirty_log *g)
{
	struct model_op op = {.kind = DIRTY_GET, .pages = g->pages};
	unsigned int dice = (unsigned int)rng_below(r, 100);

	op.seed = rng_below(r, 1000);
	op.prot = g->flags & PAGER_DIRTY_MANUAL ? DIRTY_WORDS : DIRTY_GOT;
	if (dice < 40)
		op.prot = (uint32_t)rng_below(r, DIRTY_CLEARS);
	if (dice % 10 == 0)
		op.kind = DIRTY_STOP;
	else if (dice % 10 < 2)
		op.kind = rng_percent(r, 50) ? DIRTY_BEGIN : DIRTY_END;
	if (rng_percent(r, 30)) {
		op.addr = rng_below(r, g->pages);
		op.pages = 1 + rng_below(r, g->pages - op.addr);
	}
	return op;
}

/* Something about a log of a space that lives or of one that has ended. */
static bool make_dirty(struct rng *r, const struct dirty_pair *d,
		       unsigned int methods, struct model_op *op)
{
	uint8_t slot = (uint8_t)rng_below(r, MODEL_SPACES);
	uint8_t n = (uint8_t)rng_below(r, DIRTY_LOGS);
	const struct dirty_log *g = &d->log[slot][n];

	if (g->log)
		*op = make_get(r, g);
	else if (d->pair.model.oracle.space[slot].live)
		*op = make_start(r, d, methods);
	else
		return false;
	op->space = slot;
	op->other = n;
	return true;
}

/* What is in an object goes, and there is room again. */
static struct model_op make_resize(struct rng *r, const struct shape *s)
{
	return (struct model_op){.kind = MODEL_RESIZE,
				 .object =
				     (uint8_t)(1 + rng_below(r, MODEL_OBJECTS)),
				 .pages = rng_below(r, s->object_pages)};
}

/* Three times as many writes as elsewhere, and more of what drops pages. */
static struct model_op make_op(struct model_gen *g, const struct dirty_pair *d,
			       const struct shape *s, unsigned int methods)
{
	struct model_op op;
	bool write;

	if (rng_percent(&g->rng, 20) && make_dirty(&g->rng, d, methods, &op))
		return op;
	if (rng_percent(&g->rng, 4))
		return make_resize(&g->rng, s);
	write = rng_percent(&g->rng, 40);
	for (int tries = 0; tries < 16; tries++) {
		op = model_gen_next(g, &d->pair.model.oracle);
		if (!write || op.kind == MODEL_WRITE)
			break;
	}
	return op;
}

/* --- running -------------------------------------------------------------- */

static struct dirty_pair *begin(const struct shape *s)
{
	struct dirty_pair *d = calloc(1, sizeof(*d));

	if (!d)
		test_die("dirty: no memory");
	d->stacks = s->stacks;
	d->is_scarce = s->is_scarce;
	d->counts = counts;
	dirty_pair_begin(d, &s->config, tracker);
	return d;
}

static void end(struct dirty_pair *d)
{
	dirty_pair_end(d);
	free(d);
}

static void one(struct dirty_pair *d, struct hunt_log *log,
		const struct model_op *op)
{
	struct model_result *got = &d->pair.model.got;

	hunt_note(log, op);
	got->skipped = !dirty_pair_step(d, op);
	hunt_result(log, got);
}

/* Two stretches under large entries, with something in them, and a log. */
static void make_large(struct dirty_pair *d, struct hunt_log *log,
		       struct rng *r, const struct shape *s,
		       unsigned int methods)
{
	uint64_t at = (s->config.start + 511) & ~UINT64_C(511);
	const struct model_op together = {.kind = MODEL_MIGRATE,
					  .flags = MODEL_MOVE_TOGETHER,
					  .seed = rng_below(r, 1000)};
	struct model_op op = {.kind = MODEL_SPACE};

	one(d, log, &op);
	op = (struct model_op){
	    .kind = MODEL_MAP,
	    .addr = at,
	    .pages = 1024,
	    .prot = PAGER_PROT_READ | PAGER_PROT_WRITE,
	    .flags = PAGER_MAP_FIXED | PAGER_MAP_POPULATE,
	};
	one(d, log, &op);
	for (int i = 0; i < 8; i++) {
		op = (struct model_op){
		    .kind = MODEL_WRITE,
		    .addr = BYTES(at) + rng_below(r, BYTES(1020)),
		    .pages = 1 + rng_below(r, 4096),
		    .seed = rng_below(r, 1000),
		};
		one(d, log, &op);
	}
	one(d, log, &together);
	op = make_start(r, d, methods);
	one(d, log, &op);
}

static void make(void *ctx, uint64_t seed, uint32_t steps, struct hunt_log *log)
{
	const struct shape *s = ctx;
	struct model_gen g = {
	    .rng = rng_new(seed),
	    .decent = true,
	    .linux_like = true,
	    .no_stacks = !s->stacks,
	    .around = s->move_percent > 0,
	    .move_percent = s->move_percent,
	    .stretch_percent = s->stretch_percent,
	    .lengths = s->lengths,
	    .object_pages = s->object_pages,
	};
	struct dirty_pair *d = begin(s);
	struct model_op op;

	for (uint8_t i = 0; i < MODEL_OBJECTS; i++) {
		op = (struct model_op){.kind = MODEL_OBJECT,
				       .object = (uint8_t)(i + 1),
				       .pages = s->object_pages / (i + 1u)};
		one(d, log, &op);
	}
	if (s->move_percent && rng_percent(&g.rng, 60))
		make_large(d, log, &g.rng, s, (unsigned int)(seed % 3));
	while (log->count < steps) {
		op = make_op(&g, d, s, (unsigned int)(seed % 3));
		one(d, log, &op);
	}
	end(d);
}

static void replay(void *ctx, const struct model_op *op, uint32_t count,
		   struct hunt_log *log)
{
	struct dirty_pair *d = begin(ctx);

	for (uint32_t i = 0; i < count; i++)
		one(d, log, &op[i]);
	end(d);
}

static void print(void *ctx, const struct hunt_log *log)
{
	const struct shape *s = ctx;

	printf("# --- shape %s\n", s->name);
	for (uint32_t i = 0; i < log->count; i++) {
		const struct model_op *op = &log->op[i];

		if (op->kind < DIRTY_START) {
			printf("\t");
			model_op_print_c(stdout, op);
			continue;
		}
		printf("\tlog %u of space %u: %s page %" PRIu64 ", %" PRIu64
		       " pages; %s %u, flags %u, seed %" PRIu64 "\n",
		       op->other, op->space, dirty_kind_name(op->kind),
		       op->addr, op->pages,
		       op->kind == DIRTY_START ? "method" : "clear", op->prot,
		       op->flags, op->seed);
	}
}

static void print_counts(const struct shape *s, uint64_t seeds, uint32_t steps)
{
	printf("%s: %" PRIu64 " sequences of %u operations, %" PRIu64
	       " gets: %" PRIu64
	       " pages that Linux saw written or changed (%" PRIu64
	       " only by their bytes); beyond them",
	       s->name, seeds, steps, counts->gets, counts->written,
	       counts->changed);
	for (int w = 0; w < DIRTY_WHYS; w++)
		printf("%s %" PRIu64 " %s", w ? "," : "", counts->beyond[w],
		       dirty_why_name((enum dirty_why)w));
	printf("; behind a private mapping, or another one %" PRIu64 "\n",
	       counts->behind);
	fflush(stdout);
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

	memset(counts, 0, sizeof(*counts));
	if (hunt(&c, first, seeds, steps))
		return 1;
	print_counts(s, seeds, steps);
	return 0;
}

static void skip(const char *why)
{
	puts(why);
	exit(77);
}

/* Is there an engine yet? */
static void need_logs(void)
{
	struct pager_dirty_log *log = NULL;
	struct pager_space *space;
	struct test_world w;
	struct pager_status st;

	test_world_init(&w, NULL);
	space = test_world_space(&w, 0, 64);
	st = pager_dirty_start(space, w.account, pager_range(0, 64),
			       PAGER_DIRTY_AUTO, 0, &log);
	if (st.err == PAGER_OK)
		pager_dirty_stop(log);
	pager_space_free(space);
	test_world_fini(&w);
	if (st.err == PAGER_ENOSYS)
		skip("skipped: this core has no dirty logs");
}

int main(void)
{
	const char *only = getenv("PAGER_SHAPE");
	uint64_t first = hunt_number("PAGER_SEED", 1);
	uint64_t forever = hunt_number("PAGER_FOREVER", 0);
	int failed = 0;

	tracker = linux_track_probe(WINDOW);
	printf("tracker: %s\n", linux_tracker_name(tracker));
	if (tracker == LINUX_NO_TRACKER)
		skip("skipped: this kernel lets no process know what it wrote "
		     "(neither userfaultfd WP_ASYNC nor soft-dirty bits)");
	need_logs();
	counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (counts == MAP_FAILED)
		test_die("dirty: no memory");
	do {
		for (int i = 0; i < SHAPES && !failed; i++) {
			const struct shape *s = &shapes[i];

			if (only && strcmp(only, s->name))
				continue;
			failed |= run_shape(
			    s, first, hunt_number("PAGER_SEEDS", s->seeds));
		}
		first += 1000;
	} while (forever && !failed);
	return failed;
}
