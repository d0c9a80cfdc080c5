/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Row 9, those who write: faults in process, metadata only, in spaces alike but
 * for their logs.
 *
 *	off		no log, while another space of the core has one
 *	hardware	one over the whole region
 *	write-protect	the same
 *
 * Zero-fill is the first write to a page of a fresh region, COW that of a
 *forked child to a page of its parent, with the log in the child. Again is a
 *write to a page that is there and was got and cleared: a fault under write
 *protection, and else none; to get and to clear is a figure of its own.
 *Baseline: the same in a space of a core without any log, right before.
 */
#include <math.h>
#include <stdio.h>

#include "tools/bench/row_dirty.h"

enum method { NONE, OFF, HARDWARE, PROTECT, METHODS };
enum what { ZERO, COW, AGAIN, TAKE, WHATS };

static const char *const methods[METHODS] = {NULL, "off", "hardware",
					     "write-protect"};
static const char *const whats[WHATS] = {"zero-fill", "cow", "write again",
					 "get and clear"};

struct contest {
	uint64_t pages;
	struct bench_world plain; /* without logs */
	struct bench_world logged;
	struct pager_space *other; /* of logged: has a log, does nothing */
	struct pager_dirty_log *others;
};

static struct pager_range region(const struct contest *c)
{
	return pager_range(BENCH_BASE, BENCH_BASE + c->pages);
}

static struct bench_world *world_of(struct contest *c, enum method m)
{
	return m == NONE ? &c->plain : &c->logged;
}

static struct pager_dirty_log *start(struct contest *c, enum method m,
				     struct pager_space *s)
{
	if (m < HARDWARE)
		return NULL;
	return bench_dirty_start(&c->logged, s, region(c),
				 m == HARDWARE ? PAGER_DIRTY_HARDWARE
					       : PAGER_DIRTY_WRITE_PROTECT);
}

static void stop(struct pager_dirty_log *log)
{
	if (log)
		pager_dirty_stop(log);
}

static double faults(const struct contest *c, struct pager_space *s)
{
	double begin = bench_cpu();

	for (uint64_t i = 0; i < c->pages; i++)
		bench_world_write(s, BENCH_BASE + i);
	return (bench_cpu() - begin) / (double)c->pages;
}

/* Through the software MMU, with the fault that it may take. */
static double writes(const struct contest *c, struct pager_space *s)
{
	double begin = bench_cpu();

	for (uint64_t i = 0; i < c->pages; i++) {
		const uint64_t va = pager_vpn_to_va(BENCH_BASE + i);
		const uint8_t byte = 1;
		struct pager_access_stop why;
		uint64_t done;
		struct pager_status st =
		    pager_space_write(s, 0, va, &byte, 1, &done, &why);

		if (st.err && st.err != PAGER_ENODATA)
			bench_die("write: error %u", st.err);
	}
	return (bench_cpu() - begin) / (double)c->pages;
}

static double take(const struct contest *c, struct pager_dirty_log *log)
{
	double begin = bench_cpu();

	if (!log)
		return NAN;
	if (bench_dirty_take(log) != c->pages)
		bench_die("not every page that was written is in the log");
	return (bench_cpu() - begin) / (double)c->pages;
}

static void one(struct contest *c, enum method m, double ns[WHATS])
{
	struct bench_world *w = world_of(c, m);
	struct pager_space *s = bench_world_space(w), *child;
	struct pager_dirty_log *log;

	bench_world_map(s, BENCH_BASE, c->pages, false);
	log = start(c, m, s);
	ns[ZERO] = faults(c, s);
	take(c, log);
	writes(c, s);
	/* The figures are of the second time: the log has its memory. */
	take(c, log);
	ns[AGAIN] = writes(c, s);
	ns[TAKE] = take(c, log);
	stop(log);
	child = bench_world_fork(w, s);
	bench_world_run(child, BENCH_BASE);
	log = start(c, m, child);
	ns[COW] = faults(c, child);
	stop(log);
	pager_space_free(child);
	pager_space_free(s);
}

static void report(struct bench *b, enum what what, enum method m,
		   const struct bench_series *ours,
		   const struct bench_series *base)
{
	static const double most[METHODS] = {0, 1.05, 1.5, 1.5};
	char name[64], goal[64] = "follows pages: at most 20 ns";
	struct bench_result r = {
	    .row = 9,
	    .name = name,
	    .unit = "ns",
	    .ours = bench_median(ours),
	    .linux_peer = NAN,
	    .baseline = bench_median(base),
	    .limit = NAN,
	    .goal = goal,
	    .rounds = ours->count,
	};

	snprintf(name, sizeof(name), "%s/%s", whats[what], methods[m]);
	r.met = r.ours <= 20;
	if (what == AGAIN && m == PROTECT) {
		snprintf(goal, sizeof(goal), "a fault: at most 200 ns");
		r.met = r.ours <= 200;
	} else if (what != TAKE) {
		snprintf(goal, sizeof(goal), "at most %.2f times as long",
			 most[m]);
		r.met = r.ours <= most[m] * r.baseline;
	}
	bench_report(b, &r);
}

void bench_dirty_fault(struct bench *b)
{
	static struct bench_series series[METHODS][WHATS];
	static struct contest c;
	uint64_t nodes;

	c.pages = b->quick ? 1 << 16 : 1 << 18;
	nodes = 3 * bench_world_nodes(c.pages);
	bench_world_init(&c.plain, 2 * c.pages + 64, nodes, false);
	bench_world_init(&c.logged, 2 * c.pages + 64, nodes, false);
	c.other = bench_world_space(&c.logged);
	c.others = bench_dirty_start(&c.logged, c.other, region(&c),
				     PAGER_DIRTY_WRITE_PROTECT);
	for (unsigned int round = 0; round <= b->rounds; round++) {
		bench_step(b);
		for (enum method m = NONE; m < METHODS; m++) {
			double ns[WHATS];

			one(&c, m, ns);
			for (enum what i = ZERO; i < WHATS; i++)
				bench_add(&series[m][i], ns[i]);
		}
	}
	for (enum what i = ZERO; i < WHATS; i++)
		for (enum method m = i == TAKE ? HARDWARE : OFF; m < METHODS;
		     m++)
			report(b, i, m, &series[m][i], &series[NONE][i]);
	pager_dirty_stop(c.others);
	pager_space_free(c.other);
	bench_world_fini(&c.logged);
	bench_world_fini(&c.plain);
}
