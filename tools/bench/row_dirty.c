/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Row 9: what was written is found out and cleared, of a region of 1 TiB whose
 * table is complete, by the dirty bits.
 *
 *	region	| data | zero | zero | zero | data | zero ..   2 MiB each
 *
 * Frames end below 480 GiB, so a quarter of the pages, every fourth leaf node,
 * has its own frame, and the rest shows the zero page; written are only pages
 * with frames. The pool has no memory behind it. Where not even the tables fit
 * into memory, the region is smaller, and the figures' names say so.
 *
 * The writes are the software MMU's; all pages at once are marked as a
 * processor would mark them. They are not in the figures, in neither's. Each
 * figure is taken when the same had been written and taken once before, so that
 * what the last harvest left to be looked at again is in it.
 */
#include "tools/bench/row_dirty.h"

#include <math.h>
#include <stdio.h>

#include "lib/core/node.h"
#include "tools/bench/base_dirty.h"
#include "tools/bench/machine.h"

#define TIB   UINT64_C(0x10000000) /* pages */
#define QUICK UINT64_C(0x1000000)
#define LEAF  UINT64_C(512)

enum { STRIDE = 4, MIB = 1 << 20 };

/* Bytes a page of the region: an entry in a node with its records, and the
 * records of its frame, if it has one. */
enum { PAGE_COST = 9 + 16 / STRIDE };

enum kind { CLEAN, SCATTERED, IN_A_RUN, ALL };

struct figure {
	const char *name;
	enum kind kind;
	uint64_t writes;
	unsigned int repeat; /* a round; the mean of them counts */
};

static const struct figure figures[] = {
    {"clean", CLEAN, 0, 1000},
    {"10 pages", SCATTERED, 10, 100},
    {"1,000 pages", SCATTERED, 1000, 10},
    {"1M scattered", SCATTERED, MIB, 1},
    {"1M in a run", IN_A_RUN, MIB, 1},
    {"all", ALL, 0, 1},
};

enum { FIGURES = sizeof(figures) / sizeof(figures[0]) };

struct contest {
	struct bench_world world;
	struct pager_space *space;
	struct pager_dirty_log *log;
	struct base_dirty base;
	uint64_t pages; /* of the region */
	uint64_t data;	/* of them with frames */
	uint64_t random;
};

struct pager_dirty_log *bench_dirty_start(struct bench_world *w,
					  struct pager_space *space,
					  struct pager_range range,
					  enum pager_dirty_method method)
{
	struct pager_dirty_log *log;
	struct pager_status st =
	    pager_dirty_start(space, w->account, range, method, 0, &log);

	if (st.err)
		bench_die("no dirty log: error %u", st.err);
	return log;
}

static int count(void *ctx, uint64_t first, const uint64_t *words,
		 unsigned int n)
{
	uint64_t *pages = ctx;

	(void)first;
	for (unsigned int i = 0; i < n; i++)
		*pages += (uint64_t)__builtin_popcountll(words[i]);
	return 0;
}

uint64_t bench_dirty_take(struct pager_dirty_log *log)
{
	struct pager_dirty_info info;
	struct pager_dirty_got got;
	uint64_t pages = 0;

	pager_dirty_info(log, &info);
	if (pager_dirty_get(log, 0, pager_range_len(info.range), count, &pages,
			    &got)
		.err)
		bench_die("a get was refused");
	if (pages)
		pager_dirty_got_clear(log, 0, pager_range_len(info.range));
	return pages;
}

/* --- writes ------------------------------------------------------------------
 */

/* The page of the region that the ith frame is at. */
static uint64_t page_of(uint64_t i)
{
	return i / LEAF * LEAF * STRIDE + i % LEAF;
}

static void write_page(struct contest *c, uint64_t page)
{
	const uint8_t byte = 1;
	struct pager_access_stop why;
	uint64_t done;
	struct pager_status st =
	    pager_space_write(c->space, 0, pager_vpn_to_va(BENCH_BASE + page),
			      &byte, 1, &done, &why);

	if (st.err && st.err != PAGER_ENODATA)
		bench_die("write: error %u", st.err);
	base_dirty_set(&c->base, page);
}

/* Down to the leaf over a page, as a walk for a write. */
static uint64_t *walk(struct contest *c, uint64_t vpn)
{
	uint32_t node = c->space->table.root;

	for (unsigned int level = PTE_LEVELS - 1; level; level--) {
		uint64_t *slot =
		    node_slots(c->world.core, node) + pte_index(vpn, level);

		*slot |= PTE_A;
		node = node_of(*slot);
	}
	return node_slots(c->world.core, node);
}

static void write_all(struct contest *c)
{
	for (uint64_t i = 0; i < c->data; i += LEAF) {
		const uint64_t page = page_of(i);
		uint64_t *slot = walk(c, BENCH_BASE + page);

		for (unsigned int at = 0; at < LEAF; at++)
			slot[at] |= PTE_A | PTE_D;
		for (unsigned int w = 0; w < LEAF / 64; w++)
			c->base.word[page / 64 + w] = UINT64_MAX;
	}
}

static void write_some(struct contest *c, const struct figure *f)
{
	uint64_t at = 0;

	if (f->kind == ALL)
		write_all(c);
	if (f->kind == IN_A_RUN)
		at = bench_random(&c->random) % (c->data - f->writes);
	for (uint64_t i = 0; i < f->writes; i++)
		write_page(c,
			   page_of(f->kind == IN_A_RUN
				       ? at + i
				       : bench_random(&c->random) % c->data));
}

/* --- rounds ------------------------------------------------------------------
 */

/* Both take the same writes; nanoseconds of each are added. */
static void take_both(struct contest *c, const struct figure *f, double *ours,
		      double *base)
{
	uint64_t found = 0, want;
	double a, b, end;

	write_some(c, f);
	a = bench_cpu();
	want = bench_dirty_take(c->log);
	b = bench_cpu();
	base_dirty_take(&c->base, count, &found);
	end = bench_cpu();
	if (want != found)
		bench_die("%llu pages were written, the log has %llu",
			  (unsigned long long)found, (unsigned long long)want);
	*ours += b - a;
	*base += end - b;
}

/* A get that finds nothing is shorter than the clock's reading. */
static void take_clean(struct contest *c, const struct figure *f, double *ours,
		       double *base)
{
	double start = bench_cpu();
	uint64_t found = 0;

	for (unsigned int i = 0; i < f->repeat; i++)
		found += bench_dirty_take(c->log);
	*ours = bench_cpu() - start;
	if (found)
		bench_die("nothing was written, but the log has pages");
	start = bench_cpu();
	base_dirty_take(&c->base, count, &found);
	*base = (bench_cpu() - start) * f->repeat;
}

static void round_of(struct contest *c, const struct figure *f,
		     struct bench_series *ours, struct bench_series *base)
{
	double unused = 0, a = 0, b = 0;

	take_both(c, f, &unused, &unused);
	if (f->kind == CLEAN) {
		take_both(c, f, &unused, &unused);
		take_clean(c, f, &a, &b);
	}
	for (unsigned int i = 0; f->kind != CLEAN && i < f->repeat; i++)
		take_both(c, f, &a, &b);
	bench_add(ours, a / f->repeat / 1e3);
	bench_add(base, b / f->repeat / 1e3);
}

/* --- the region --------------------------------------------------------------
 */

static void must(struct pager_status st, const char *what)
{
	if (st.err)
		bench_die("%s: error %u", what, st.err);
}

static void fill(struct contest *c)
{
	const struct pager_range all =
	    pager_range(BENCH_BASE, BENCH_BASE + c->pages);
	struct pager_map_args args = {
	    .addr = BENCH_BASE,
	    .pages = c->pages,
	    .prot = PAGER_PROT_READ,
	    .flags = PAGER_MAP_FIXED | PAGER_MAP_POPULATE,
	};
	uint64_t at;

	must(pager_space_map(c->space, &args, &at), "map");
	must(pager_space_protect(c->space, all,
				 PAGER_PROT_READ | PAGER_PROT_WRITE),
	     "protect");
	for (uint64_t i = 0; i < c->data; i++)
		bench_world_write(c->space, BENCH_BASE + page_of(i));
}

static uint64_t region_pages(const struct bench *b)
{
	uint64_t pages = b->quick ? QUICK : TIB;

	while (pages > QUICK && pages * PAGE_COST > machine_memory() / 4 * 3)
		pages /= 2;
	return pages;
}

static void contest_init(struct contest *c, uint64_t pages)
{
	struct pager_stats stats;

	*c = (struct contest){
	    .pages = pages, .data = pages / STRIDE, .random = 9};
	bench_world_init(&c->world, c->data + 64, bench_world_nodes(c->pages),
			 false);
	c->space = bench_world_space(&c->world);
	base_dirty_init(&c->base, c->pages);
	fill(c);
	pager_core_stats(c->world.core, &stats);
	if (stats.large_entries)
		bench_die("pages are not alone");
	c->log = bench_dirty_start(
	    &c->world, c->space, pager_range(BENCH_BASE, BENCH_BASE + c->pages),
	    PAGER_DIRTY_HARDWARE);
}

static void contest_fini(struct contest *c)
{
	pager_dirty_stop(c->log);
	base_dirty_fini(&c->base);
	pager_space_free(c->space);
	bench_world_fini(&c->world);
}

static void report(struct bench *b, const struct contest *c,
		   const struct figure *f, const struct bench_series *ours,
		   const struct bench_series *base)
{
	char name[64];
	struct bench_result r = {
	    .row = 9,
	    .name = name,
	    .unit = "us",
	    .ours = bench_median(ours),
	    .linux_peer = NAN,
	    .baseline = bench_median(base),
	    .limit = NAN,
	    .rounds = ours->count,
	};

	snprintf(name, sizeof(name), "harvest %lluGiB/%s",
		 (unsigned long long)(c->pages >> 18), f->name);
	if (f->kind == CLEAN) {
		r.goal = "1,000x the scan";
		r.met = r.ours * 1000 <= r.baseline;
	} else if (f->writes && f->writes < MIB) {
		r.goal = "at most 10 us a page";
		r.met = r.ours <= 10 * (double)f->writes;
	} else {
		uint64_t n = f->writes ? f->writes : c->data;

		r.goal = f->kind == SCATTERED ? "at most 1 us a page"
					      : "at most 20 ns a page";
		r.met = r.ours * 1e3 <=
			(f->kind == SCATTERED ? 1000 : 20) * (double)n;
	}
	bench_report(b, &r);
}

void bench_row_dirty(struct bench *b)
{
	static struct bench_series ours[FIGURES], base[FIGURES];
	static struct contest c;

	contest_init(&c, region_pages(b));
	for (unsigned int round = 0; round <= b->rounds; round++)
		for (unsigned int i = 0; i < FIGURES; i++) {
			bench_step(b);
			round_of(&c, &figures[i], &ours[i], &base[i]);
		}
	for (unsigned int i = 0; i < FIGURES; i++)
		report(b, &c, &figures[i], &ours[i], &base[i]);
	contest_fini(&c);
	bench_dirty_fault(b);
}
