/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What readers of a log do: get, clear, write-back, and the ring.
 *
 *	       write                     get: dirty + awaiting
 *	clean ───────> dirty ── begin ──> awaiting ── end ──> clean
 *	  ^              │  │
 *	  └─── clear ────┘  └─ pump ─> ring ── reset ──> clean
 *
 * A page is armed (write protection) before it leaves dirty, and W is flushed
 * before the reader is told. D bits need no arming: the harvest cleared them.
 */
#include <assert.h>

#include "lib/core/account.h"
#include "lib/core/dirty_int.h"

enum { GROUP_WORDS = DSET_GROUP_PAGES / 64 };

/* Where more pages than this are dirty, stretches are armed as a whole: upper
 * entries lose W, and the clean pages below have none anyway. */
enum { ARM_WHOLE = 4096 };

/* --- stretches --------------------------------------------------------------
 */

static struct pager_status check_stretch(const struct pager_dirty_log *log,
					 uint64_t first, uint64_t pages)
{
	const uint64_t all = log->dirty.pages;

	if (first >= all)
		return pager_refuse(PAGER_ERANGE, PAGER_ARG_FIRST);
	if (pages > all - first)
		return pager_refuse(PAGER_ERANGE, PAGER_ARG_COUNT_PAGES);
	if (pages == 0)
		return pager_refuse(PAGER_EINVAL, PAGER_ARG_COUNT_PAGES);
	if (first % 64)
		return pager_refuse(PAGER_EALIGN, PAGER_ARG_FIRST);
	if (pages % 64 && pages != all - first)
		return pager_refuse(PAGER_EALIGN, PAGER_ARG_COUNT_PAGES);
	return pager_ok();
}

static struct pager_range vpns(const struct pager_dirty_log *log,
			       uint64_t first, uint64_t pages)
{
	return pager_range(log->range.start + first,
			   log->range.start + first + pages);
}

void log_sync(struct pager_dirty_log *log, struct pager_range r)
{
	struct pager_space *s = log->space;

	if (!s)
		return;
	dirty_harvest(s, r);
	dirty_pull(s, r);
}

void pager_dirty_update(struct pager_dirty_log *log)
{
	log_sync(log, log->range);
}

/* --- arming -----------------------------------------------------------------
 */

/* Pages to be armed, collected into runs. */
struct arming {
	struct pager_dirty_log *log;
	struct pager_range run;	 /* vpns */
	struct pager_range hull; /* of all runs */
	bool needed;
};

static struct arming arming_begin(struct pager_dirty_log *log)
{
	return (struct arming){
	    .log = log,
	    .needed = log->space && log->method == PAGER_DIRTY_WRITE_PROTECT,
	};
}

static void arm_run(struct arming *a)
{
	if (a->run.start >= a->run.end)
		return;
	dirty_arm(a->log->space, a->run);
	if (a->hull.start >= a->hull.end)
		a->hull = a->run;
	if (a->run.start < a->hull.start)
		a->hull.start = a->run.start;
	if (a->run.end > a->hull.end)
		a->hull.end = a->run.end;
	a->run = pager_range(0, 0);
}

/* Pages first + i, in order, where bit i is set. */
static void arm_word(struct arming *a, uint64_t first, uint64_t bits)
{
	uint64_t vpn = a->log->range.start + first;

	while (a->needed && bits) {
		unsigned int lo = (unsigned int)__builtin_ctzll(bits);
		uint64_t rest = ~(bits >> lo);
		unsigned int n =
		    rest ? (unsigned int)__builtin_ctzll(rest) : 64;

		if (a->run.end != vpn + lo || a->run.start >= a->run.end) {
			arm_run(a);
			a->run.start = vpn + lo;
		}
		a->run.end = vpn + lo + n;
		bits = lo + n == 64 ? 0 : bits & UINT64_MAX << (lo + n);
	}
}

static int arm_words(void *ctx, uint64_t first, const uint64_t *words,
		     unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		arm_word(ctx, first + 64 * i, words[i]);
	return 0;
}

static void arming_end(struct arming *a)
{
	struct pager_space *s = a->log->space;

	if (!a->needed)
		return;
	arm_run(a);
	if (a->hull.start < a->hull.end)
		s->table.mmu.ops->write_protect(s->table.mmu.mmu, s, a->hull);
}

static void arm_stretch(struct pager_dirty_log *log, uint64_t first,
			uint64_t pages)
{
	struct arming a = arming_begin(log);

	if (a.needed && log->dirty.count > ARM_WHOLE)
		a.run = vpns(log, first, pages);
	else if (a.needed)
		dset_each(&log->dirty, first, pages, arm_words, &a);
	arming_end(&a);
}

/* --- get --------------------------------------------------------------------
 */

struct getting {
	const struct pager_dirty_log *log;
	pager_dirty_fn *fn;
	void *ctx;
	struct pager_dirty_got *out;
};

static int give(void *ctx, uint64_t first, const uint64_t *words,
		unsigned int count)
{
	struct getting *g = ctx;
	int stopped = g->fn(g->ctx, first, words, count);

	if (stopped)
		return stopped;
	for (unsigned int i = 0; i < count; i++)
		g->out->pages += (uint64_t)__builtin_popcountll(words[i]);
	return 0;
}

/* The words of a group that either set has pages of. */
static int give_both(struct getting *g, uint64_t first, uint64_t end)
{
	const struct pager_dirty_log *log = g->log;
	uint64_t words[GROUP_WORDS];
	unsigned int n = 0, from = 0;

	for (uint64_t at = first; at < end; at += 64, n++)
		words[n] =
		    dset_word(&log->dirty, at) | dset_word(&log->awaiting, at);
	while (n && !words[n - 1])
		n--;
	while (from < n && !words[from])
		from++;
	return from < n ? give(g, first + 64 * from, words + from, n - from)
			: 0;
}

static int give_merged(struct getting *g, uint64_t first, uint64_t pages)
{
	const struct pager_dirty_log *log = g->log;
	uint64_t end = first + pages;
	int stopped = 0;

	while (first < end && !stopped) {
		uint64_t a = dset_next(&log->dirty, first, end);
		uint64_t b = dset_next(&log->awaiting, first, end);
		uint64_t at = (a < b ? a : b) & ~UINT64_C(63);
		uint64_t next = (at | (DSET_GROUP_PAGES - 1)) + 1;

		if (a == end && b == end)
			break;
		if (at < first)
			at = first;
		if (next > end)
			next = end;
		stopped = give_both(g, at, next);
		first = next;
	}
	return stopped;
}

struct pager_status pager_dirty_get(struct pager_dirty_log *log, uint64_t first,
				    uint64_t pages, pager_dirty_fn *fn,
				    void *ctx, struct pager_dirty_got *out)
{
	struct pager_status st = check_stretch(log, first, pages);
	struct getting g = {.log = log, .fn = fn, .ctx = ctx, .out = out};

	*out = (struct pager_dirty_got){0};
	if (log->ring.memory)
		return pager_refuse(PAGER_EBUSY, PAGER_ARG_LOG);
	if (st.err)
		return st;
	log_sync(log, vpns(log, first, pages));
	out->stopped = log->awaiting.count
			   ? give_merged(&g, first, pages)
			   : dset_each(&log->dirty, first, pages, give, &g);
	log->reported += out->pages;
	return st;
}

/* --- clear ------------------------------------------------------------------
 */

void pager_dirty_got_clear(struct pager_dirty_log *log, uint64_t first,
			   uint64_t pages)
{
	assert(first <= log->dirty.pages && pages <= log->dirty.pages - first);
	arm_stretch(log, first, pages);
	dset_remove_range(&log->dirty, first, pages);
	dset_remove_range(&log->awaiting, first, pages);
}

static uint64_t clear_words(struct pager_dirty_log *log, uint64_t first,
			    uint64_t pages, const uint64_t *words)
{
	struct arming a = arming_begin(log);
	uint64_t n = 0;

	for (uint64_t at = first, w = 0; at < first + pages; at += 64, w++)
		if (words[w])
			arm_word(&a, at, words[w] & dset_word(&log->dirty, at));
	arming_end(&a);
	for (uint64_t at = first, w = 0; at < first + pages; at += 64, w++) {
		uint64_t was;

		if (!words[w])
			continue;
		was =
		    dset_word(&log->dirty, at) | dset_word(&log->awaiting, at);
		dset_remove_word(&log->dirty, at, words[w]);
		dset_remove_word(&log->awaiting, at, words[w]);
		n += (uint64_t)__builtin_popcountll(was & words[w]);
	}
	return n;
}

uint64_t log_count(const struct pager_dirty_log *log, uint64_t first,
		   uint64_t pages)
{
	return dset_count(&log->dirty, first, pages) +
	       dset_count(&log->awaiting, first, pages) -
	       dset_count_both(&log->awaiting, &log->dirty, first, pages);
}

struct pager_status pager_dirty_clear(struct pager_dirty_log *log,
				      uint64_t first, uint64_t pages,
				      const uint64_t *words, uint64_t *cleared)
{
	struct pager_status st = check_stretch(log, first, pages);

	*cleared = 0;
	if (log->ring.memory)
		return pager_refuse(PAGER_EBUSY, PAGER_ARG_LOG);
	if (st.err)
		return st;
	log_sync(log, vpns(log, first, pages));
	if (words) {
		*cleared = clear_words(log, first, pages, words);
	} else {
		*cleared = log_count(log, first, pages);
		pager_dirty_got_clear(log, first, pages);
	}
	return st;
}

/* --- write-back -------------------------------------------------------------
 */

struct pager_status pager_dirty_begin(struct pager_dirty_log *log,
				      uint64_t first, uint64_t pages,
				      uint64_t *begun)
{
	struct pager_status st = check_stretch(log, first, pages);

	*begun = 0;
	if (log->ring.memory)
		return pager_refuse(PAGER_EBUSY, PAGER_ARG_LOG);
	if (st.err)
		return st;
	log_sync(log, vpns(log, first, pages));
	arm_stretch(log, first, pages);
	dset_move(&log->awaiting, &log->dirty, first, pages);
	*begun = dset_count(&log->awaiting, first, pages);
	return st;
}

struct pager_status pager_dirty_end(struct pager_dirty_log *log, uint64_t first,
				    uint64_t pages, uint64_t *ended)
{
	struct pager_status st = check_stretch(log, first, pages);

	*ended = 0;
	if (log->ring.memory)
		return pager_refuse(PAGER_EBUSY, PAGER_ARG_LOG);
	if (st.err)
		return st;
	*ended = dset_remove_range(&log->awaiting, first, pages);
	return st;
}

/* --- ring -------------------------------------------------------------------
 */

static bool size_ok(uint32_t entries)
{
	return entries >= PAGER_RING_MIN && entries <= PAGER_RING_MAX &&
	       !(entries & (entries - 1));
}

struct pager_status pager_dirty_ring_attach(struct pager_dirty_log *log,
					    void *memory, uint32_t entries)
{
	uint64_t *page;

	if (log->ring.memory)
		return pager_refuse(PAGER_EEXIST, PAGER_ARG_RING);
	if (!size_ok(entries))
		return pager_refuse(PAGER_EINVAL, PAGER_ARG_RING);
	if (!account_has_room(log->account, PAGER_RES_NODES,
			      log_ring_nodes(entries)))
		return pager_refuse(PAGER_ELIMIT, PAGER_ARG_NONE);
	page = core_alloc(log->core, entries * sizeof(*page));
	if (!page)
		return pager_refuse(PAGER_ENOMEM, PAGER_ARG_NONE);
	account_charge(log->account, PAGER_RES_NODES, log_ring_nodes(entries));
	dring_init(&log->ring, memory, entries, page);
	/* What is between begin and end is dirty, and nobody can end it. */
	dset_move(&log->dirty, &log->awaiting, 0, log->dirty.pages);
	if (log->space && log->method == PAGER_DIRTY_WRITE_PROTECT)
		log->space->log_rings++;
	log_sync(log, log->range);
	log_pump(log);
	return pager_ok();
}

void pager_dirty_ring_detach(struct pager_dirty_log *log)
{
	struct dring *ring = &log->ring;

	if (!ring->memory)
		return;
	for (uint32_t i = 0; i < dring_used(ring); i++)
		dset_add(&log->dirty, dring_page(ring, i));
	dset_remove_range(&log->awaiting, 0, log->awaiting.pages);
	account_uncharge(log->account, PAGER_RES_NODES,
			 log_ring_nodes(ring->entries));
	core_free(log->core, ring->page, ring->entries * sizeof(*ring->page));
	*ring = (struct dring){0};
	if (log->space && log->method == PAGER_DIRTY_WRITE_PROTECT)
		log->space->log_rings--;
}

/* What was written before the reset the reader has yet to read. */
static void reset_page(void *ctx, uint64_t page)
{
	struct arming *a = ctx;

	arm_word(a, page & ~UINT64_C(63), UINT64_C(1) << (page % 64));
	dset_remove_range(&a->log->dirty, page, 1);
	dset_remove_range(&a->log->awaiting, page, 1);
}

struct pager_status pager_dirty_ring_reset(struct pager_dirty_log *log,
					   uint64_t *reset)
{
	struct arming a = arming_begin(log);

	*reset = 0;
	if (!log->ring.memory)
		return pager_refuse(PAGER_EINVAL, PAGER_ARG_LOG);
	/* Into the set, not yet on to the ring. */
	log->held = true;
	log_sync(log, log->range);
	*reset = dring_reset(&log->ring, log->ring.entries, reset_page, &a);
	arming_end(&a);
	log->held = false;
	log_pump(log);
	return pager_ok();
}
