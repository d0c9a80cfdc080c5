/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dirty logs, called and checked.
 */
#include "tests/support/model_dirty.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/core/dirty_ring.h"
#include "lib/core/pte.h"
#include "tests/support/model.h"
#include "tests/support/rng.h"

static struct model_dirty_totals own_totals;
struct model_dirty_totals *model_dirty_totals = &own_totals;

static void *xcalloc(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p)
		test_die("model: no memory");
	return p;
}

static struct pager_dirty_info info_of(const struct model_log *log)
{
	struct pager_dirty_info info;

	pager_dirty_info(log->log, &info);
	return info;
}

/* --- answers -------------------------------------------------------------- */

/* May the core be short of memory at all? Then pages may be reported that only
 * want of memory explains. */
static bool may_be_short(const struct model *m)
{
	return m->config.failing || m->config.account_nodes || m->config.nodes;
}

static void judge(struct model *m, int slot, uint64_t page, bool reported)
{
	struct oracle_log *log = &m->oracle.log[slot];
	enum oracle_why why = oracle_log_why(&m->oracle, log, page);
	uint64_t vpn = log->range.start + page;

	if (!reported) {
		if (why == ORACLE_MUST)
			model_die("lost",
				  "log %d: page 0x%" PRIx64
				  " changed and is not reported",
				  slot, vpn);
		if (!oracle_log_looks(&m->oracle, log, page))
			model_die("looks",
				  "log %d: page 0x%" PRIx64
				  " looks different and is not reported",
				  slot, vpn);
		return;
	}
	if (why == ORACLE_NOTHING && may_be_short(m) &&
	    info_of(&m->log[slot]).over) {
		model_dirty_totals->memory++;
		return;
	}
	model_dirty_totals->why[why]++;
	if (why == ORACLE_BEFORE)
		oracle_log_told(log, page);
	if (why == ORACLE_NOTHING)
		model_die("unexplained",
			  "log %d: page 0x%" PRIx64
			  " is reported, and nothing happened to it",
			  slot, vpn);
}

static void expect(const struct model *m, const char *what,
		   struct pager_status st, uint32_t errs)
{
	if (may_be_short(m))
		errs |= ORACLE_ERR(PAGER_ENOMEM) | ORACLE_ERR(PAGER_ELIMIT);
	if (!(ORACLE_ERR(st.err) & errs))
		model_die("dirty", "%s is answered %s, argument %u", what,
			  model_error_name(st.err), st.arg);
}

/* --- get, clear ----------------------------------------------------------- */

struct taking {
	uint64_t first;
	uint64_t end;
	uint64_t next; /* words come in order */
	uint64_t pages;
	uint64_t taken; /* without the call that stopped it */
	unsigned int calls;
	unsigned int stop_at; /* call; 0: none */
	bool *seen;	      /* by page of the log */
};

static int take(void *ctx, uint64_t first, const uint64_t *words,
		unsigned int count)
{
	struct taking *t = ctx;

	if (first % 64 || !count || count > 64 || first < t->next ||
	    first >= t->end || first / 4096 != (first + 64 * count - 1) / 4096)
		model_die("dirty",
			  "%u words from page %" PRIu64 " on, after %" PRIu64,
			  count, first, t->next);
	if (!words[0] || !words[count - 1])
		model_die("dirty", "a word of clean pages at an end");
	t->next = first + 64 * count;
	t->taken = t->pages;
	for (unsigned int w = 0; w < count; w++)
		for (unsigned int b = 0; b < 64; b++) {
			uint64_t page = first + 64 * w + b;

			if (!(words[w] >> b & 1))
				continue;
			if (page >= t->end)
				model_die("dirty",
					  "page %" PRIu64 " of %" PRIu64, page,
					  t->end);
			t->seen[page] = true;
			t->pages++;
		}
	if (++t->calls == t->stop_at)
		return -(int)t->calls;
	t->taken = t->pages;
	return 0;
}

/* The stretch that an operation means, as the contract has it. */
static struct pager_range stretch(const struct oracle_log *log,
				  const struct model_op *op)
{
	uint64_t n = oracle_log_pages(log);
	uint64_t first = op->addr % n & ~UINT64_C(63);
	uint64_t pages = (op->pages + 63) & ~UINT64_C(63);

	if (!pages || pages > n - first)
		pages = n - first;
	return pager_range(first, first + pages);
}

/* One get; false: it was refused for memory. */
static bool get(struct model *m, int slot, struct pager_range r,
		unsigned int stop_at, struct taking *t)
{
	struct oracle_log *log = &m->oracle.log[slot];
	struct pager_dirty_got got = {0};
	struct pager_status st;

	*t = (struct taking){
	    .first = r.start,
	    .end = r.end,
	    .next = r.start,
	    .stop_at = stop_at,
	    .seen = xcalloc(oracle_log_pages(log), sizeof(bool)),
	};
	st = pager_dirty_get(m->log[slot].log, r.start, pager_range_len(r),
			     take, t, &got);
	expect(m, "get", st, ORACLE_ERR(log->entries ? PAGER_EBUSY : PAGER_OK));
	m->got.err = st.err;
	m->got.value = got.pages;
	if (st.err)
		return false;
	model_dirty_totals->gets++;
	if (got.stopped != (stop_at && t->calls == stop_at ? -(int)stop_at : 0))
		model_die("dirty", "the get says %d", got.stopped);
	if (got.pages != t->taken)
		model_die("dirty", "%" PRIu64 " pages taken, %" PRIu64 " told",
			  t->taken, got.pages);
	return true;
}

static void check_get(struct model *m, int slot, struct pager_range r,
		      const struct taking *t)
{
	const struct oracle_log *log = &m->oracle.log[slot];
	struct pager_dirty_info info = info_of(&m->log[slot]);

	for (uint64_t page = r.start; page < r.end; page++)
		judge(m, slot, page, t->seen[page]);
	if (pager_range_len(r) < oracle_log_pages(log))
		return;
	if (info.dirty > t->pages || info.awaiting > t->pages ||
	    info.dirty + info.awaiting < t->pages)
		model_die("dirty",
			  "log %d: %" PRIu64 " dirty, %" PRIu64 " reported",
			  slot, info.dirty, t->pages);
}

static void call_get(struct model *m, int slot, const struct model_op *op)
{
	struct oracle_log *log = &m->oracle.log[slot];
	struct pager_range r = stretch(log, op);
	struct taking first, again;

	if (op->flags == MODEL_DIRTY_GET && op->seed % 4 == 1) {
		if (get(m, slot, r, 1 + op->seed / 4 % 3, &first) &&
		    first.calls < first.stop_at)
			check_get(m, slot, r, &first);
		free(first.seen);
		return;
	}
	if (!get(m, slot, r, 0, &first)) {
		free(first.seen);
		return;
	}
	check_get(m, slot, r, &first);
	if (op->flags == MODEL_DIRTY_GET_CLEAR) {
		pager_dirty_got_clear(m->log[slot].log, r.start,
				      pager_range_len(r));
		for (uint64_t page = r.start; page < r.end; page++)
			if (first.seen[page])
				oracle_log_cleared(&m->oracle, log, page);
		free(first.seen);
		return;
	}
	if (get(m, slot, r, 0, &again) &&
	    memcmp(first.seen, again.seen, oracle_log_pages(log)) != 0)
		model_die("dirty", "log %d: a second get tells something else",
			  slot);
	free(first.seen);
	free(again.seen);
}

/* Of the pages named: how many had to be dirty. */
static uint64_t owed(const struct model *m, int slot, struct pager_range r,
		     const uint64_t *words)
{
	uint64_t n = 0;

	for (uint64_t page = r.start; page < r.end; page++) {
		uint64_t at = page - r.start;

		if (!words || words[at / 64] >> at % 64 & 1)
			n += oracle_log_why(&m->oracle, &m->oracle.log[slot],
					    page) == ORACLE_MUST;
	}
	return n;
}

static void call_clear(struct model *m, int slot, const struct model_op *op)
{
	struct oracle_log *log = &m->oracle.log[slot];
	struct pager_range r = stretch(log, op);
	uint64_t count = (pager_range_len(r) + 63) / 64, cleared = 0, want;
	struct rng rng = rng_new(op->seed);
	uint64_t *words = NULL;
	struct pager_status st;

	if (op->seed) {
		words = xcalloc(count, sizeof(*words));
		for (uint64_t i = 0; i < pager_range_len(r); i++)
			if (rng_percent(&rng, op->seed % 3 ? 50 : 90))
				words[i / 64] |= UINT64_C(1) << i % 64;
	}
	want = owed(m, slot, r, words);
	st = pager_dirty_clear(m->log[slot].log, r.start, pager_range_len(r),
			       words, &cleared);
	expect(m, "clear", st,
	       ORACLE_ERR(log->entries ? PAGER_EBUSY : PAGER_OK));
	m->got.err = st.err;
	m->got.value = cleared;
	if (!st.err && cleared < want)
		model_die("lost",
			  "log %d: %" PRIu64 " of %" PRIu64
			  " dirty pages cleared",
			  slot, cleared, want);
	for (uint64_t i = 0; i < pager_range_len(r) && !st.err; i++)
		if (!words || words[i / 64] >> i % 64 & 1)
			oracle_log_cleared(&m->oracle, log, r.start + i);
	free(words);
}

static void call_write_back(struct model *m, int slot,
			    const struct model_op *op)
{
	struct oracle_log *log = &m->oracle.log[slot];
	bool begin = op->flags == MODEL_DIRTY_BEGIN;
	struct pager_range r = stretch(log, op);
	uint64_t want = begin ? owed(m, slot, r, NULL) : 0, n = 0;
	struct pager_status st;

	st = (begin ? pager_dirty_begin : pager_dirty_end)(
	    m->log[slot].log, r.start, pager_range_len(r), &n);
	expect(m, begin ? "begin" : "end", st,
	       ORACLE_ERR(PAGER_OK) |
		   (log->entries ? ORACLE_ERR(PAGER_EBUSY) : 0));
	m->got.err = st.err;
	m->got.value = n;
	if (st.err)
		return;
	if (n < want)
		model_die("lost",
			  "log %d: write-back of %" PRIu64
			  " pages, not %" PRIu64,
			  slot, n, want);
	for (uint64_t page = r.start; page < r.end; page++)
		if (begin)
			oracle_log_begin(&m->oracle, log, page);
		else
			oracle_log_end(log, page);
}

/* --- rings ---------------------------------------------------------------- */

static uint32_t at(const struct oracle_log *log, uint64_t i)
{
	return (uint32_t)i & (log->entries - 1);
}

/* What the core pushed since we looked last. */
static void see_pushed(struct model *m, int slot)
{
	struct oracle_log *log = &m->oracle.log[slot];
	struct model_log *l = &m->log[slot];

	while (l->head - l->tail < log->entries) {
		const struct dring_entry *e = &l->memory[at(log, l->head)];

		if (!e->flags)
			break;
		if (e->flags != PAGER_RING_DIRTY || e->slot ||
		    e->offset >= oracle_log_pages(log))
			model_die("ring",
				  "log %d: flags %u slot %u page %" PRIu64,
				  slot, e->flags, e->slot, e->offset);
		judge(m, slot, e->offset, true);
		l->pushed[at(log, l->head)] = e->offset;
		l->given[at(log, l->head)] = false;
		l->head++;
		model_dirty_totals->ringed++;
	}
	if (info_of(l).ring_used != l->head - l->tail)
		model_die("ring", "log %d: %u used, %" PRIu64 " seen", slot,
			  info_of(l).ring_used, l->head - l->tail);
}

static void give_back(struct model *m, int slot, uint64_t n)
{
	const struct oracle_log *log = &m->oracle.log[slot];
	struct model_log *l = &m->log[slot];

	for (uint64_t i = l->tail; i < l->head && n; i++) {
		if (l->given[at(log, i)])
			continue;
		l->memory[at(log, i)].flags = PAGER_RING_RESET;
		l->given[at(log, i)] = true;
		n--;
	}
}

/* A page that is dropped while its entry is out comes a second time: the reader
 * has both to give back. */
static bool is_ringed(const struct oracle_log *log, const struct model_log *l,
		      uint64_t page)
{
	for (uint64_t i = l->tail; i < l->head; i++)
		if (l->pushed[at(log, i)] == page)
			return true;
	return false;
}

/* Those that were given back, in order and as far as none is left out, are
 * armed. */
static uint64_t reset(struct model *m, int slot)
{
	struct oracle_log *log = &m->oracle.log[slot];
	struct model_log *l = &m->log[slot];
	uint64_t n = 0, want = 0;
	struct pager_status st;

	while (want < l->head - l->tail && l->given[at(log, l->tail + want)])
		want++;
	st = pager_dirty_ring_reset(l->log, &n);
	expect(m, "reset", st, ORACLE_ERR(PAGER_OK));
	m->got.err = st.err;
	m->got.value = n;
	if (st.err)
		return 0;
	if (n != want)
		model_die("ring",
			  "log %d: %" PRIu64 " entries reset, not %" PRIu64,
			  slot, n, want);
	for (; n; n--) {
		uint64_t page = l->pushed[at(log, l->tail++)];

		if (!is_ringed(log, l, page))
			oracle_log_cleared(&m->oracle, log, page);
	}
	see_pushed(m, slot);
	return want;
}

/* Then nothing that changed is left. */
static void drain(struct model *m, int slot)
{
	const struct oracle_log *log = &m->oracle.log[slot];
	struct model_log *l = &m->log[slot];
	uint64_t rounds = 0;

	do {
		if (rounds++ > oracle_log_pages(log) + 4)
			model_die("ring", "log %d: it never ends", slot);
		see_pushed(m, slot);
		give_back(m, slot, UINT64_MAX);
	} while (reset(m, slot) || l->head != l->tail);
	if (m->got.err)
		return;
	for (uint64_t page = 0; page < oracle_log_pages(log); page++)
		judge(m, slot, page, false);
}

static void scribble(struct model *m, int slot, uint64_t seed)
{
	const struct oracle_log *log = &m->oracle.log[slot];
	struct model_log *l = &m->log[slot];
	struct rng r = rng_new(seed);

	for (uint64_t i = l->tail; i < l->head; i++) {
		struct dring_entry *e = &l->memory[at(log, i)];

		if (rng_percent(&r, 50))
			continue;
		e->slot = (uint32_t)rng_next(&r);
		e->offset = rng_next(&r);
		if (rng_percent(&r, 50))
			e->flags = (uint32_t)rng_next(&r);
		l->given[at(log, i)] = e->flags & PAGER_RING_RESET;
	}
}

static void attach(struct model *m, int slot, const struct model_op *op)
{
	struct oracle_log *log = &m->oracle.log[slot];
	struct model_log *l = &m->log[slot];
	uint32_t entries = op->offset % 3 == 0 ? 256 : PAGER_RING_MIN;
	struct pager_status st;

	l->memory = aligned_alloc(PAGER_PAGE_SIZE,
				  entries * sizeof(*l->memory) < PAGER_PAGE_SIZE
				      ? PAGER_PAGE_SIZE
				      : entries * sizeof(*l->memory));
	if (!l->memory)
		test_die("model: no memory");
	memset(l->memory, 0, entries * sizeof(*l->memory));
	l->pushed = xcalloc(entries, sizeof(*l->pushed));
	l->given = xcalloc(entries, sizeof(*l->given));
	l->head = l->tail = 0;
	log->entries = entries;
	st = pager_dirty_ring_attach(l->log, l->memory, entries);
	expect(m, "ring", st, ORACLE_ERR(PAGER_OK));
	m->got.err = st.err;
	if (st.err)
		log->entries = 0;
	else
		see_pushed(m, slot);
}

static void forget_ring(struct model_log *l)
{
	free(l->memory);
	free(l->pushed);
	free(l->given);
	*l = (struct model_log){.log = l->log};
}

static void detach(struct model *m, int slot)
{
	pager_dirty_ring_detach(m->log[slot].log);
	m->oracle.log[slot].entries = 0;
	forget_ring(&m->log[slot]);
}

static void call_ring(struct model *m, int slot, const struct model_op *op)
{
	struct pager_status st;
	uint64_t n;

	switch (op->flags) {
	case MODEL_DIRTY_RING:
		attach(m, slot, op);
		return;
	case MODEL_DIRTY_UNRING:
		detach(m, slot);
		return;
	case MODEL_DIRTY_COLLECT:
		give_back(m, slot, 1 + op->offset % 80);
		return;
	case MODEL_DIRTY_DRAIN:
		drain(m, slot);
		return;
	case MODEL_DIRTY_SCRIBBLE:
		scribble(m, slot, op->seed);
		return;
	default:
		if (m->oracle.log[slot].entries) {
			reset(m, slot);
			return;
		}
		st = pager_dirty_ring_reset(m->log[slot].log, &n);
		expect(m, "reset", st, ORACLE_ERR(PAGER_EINVAL));
		return;
	}
}

/* --- start, stop ---------------------------------------------------------- */

static void stop(struct model *m, int slot)
{
	pager_dirty_stop(m->log[slot].log);
	m->log[slot].log = NULL;
	forget_ring(&m->log[slot]);
	oracle_log_stop(&m->oracle.log[slot]);
}

static void start(struct model *m, int slot, const struct model_op *op)
{
	uint64_t end = m->config.start + m->config.pages;
	struct pager_dirty_info info;
	struct model_op in = *op;
	struct pager_status st;

	if (in.addr < m->config.start || in.addr >= end)
		in.addr = m->config.start;
	if (!in.pages || in.pages > end - in.addr)
		in.pages = end - in.addr;
	in.prot &= PAGER_DIRTY_FLAGS;
	st = pager_dirty_start(m->space[op->space], m->account[op->account],
			       pager_range(in.addr, in.addr + in.pages),
			       (enum pager_dirty_method)(op->access % 3),
			       in.prot, &m->log[slot].log);
	m->got.err = st.err;
	if (st.err == PAGER_ENOSYS) {
		model_dirty_totals->no_engine++;
		return;
	}
	expect(m, "start", st, ORACLE_ERR(PAGER_OK));
	if (st.err)
		return;
	model_dirty_totals->logs++;
	info = info_of(&m->log[slot]);
	if (info.method == PAGER_DIRTY_AUTO ||
	    (op->access % 3 && info.method != op->access % 3) ||
	    info.range.start != in.addr ||
	    pager_range_len(info.range) != in.pages || info.flags != in.prot)
		model_die("dirty", "log %d is not what was asked for", slot);
	oracle_log_start(&m->oracle, &m->oracle.log[slot], &in,
			 info.method == PAGER_DIRTY_WRITE_PROTECT);
}

void model_dirty(struct model *m, const struct model_op *op)
{
	int slot = op->other % MODEL_LOGS;

	m->got.err = PAGER_OK;
	m->got.value = 0;
	switch (op->flags) {
	case MODEL_DIRTY_START:
		start(m, slot, op);
		return;
	case MODEL_DIRTY_STOP:
		stop(m, slot);
		return;
	case MODEL_DIRTY_GET:
	case MODEL_DIRTY_GET_CLEAR:
		call_get(m, slot, op);
		return;
	case MODEL_DIRTY_CLEAR:
		call_clear(m, slot, op);
		return;
	case MODEL_DIRTY_BEGIN:
	case MODEL_DIRTY_END:
		call_write_back(m, slot, op);
		return;
	default:
		call_ring(m, slot, op);
		return;
	}
}

void model_dirty_ends(struct model *m, const struct model_op *op)
{
	oracle_logs_orphan(&m->oracle, op->space);
	for (int i = 0; i < MODEL_LOGS; i++)
		if (m->log[i].log && m->oracle.log[i].orphan &&
		    (info_of(&m->log[i]).space ||
		     !(info_of(&m->log[i]).flags & PAGER_DIRTY_ORPHAN)))
			model_die("dirty", "log %d is no orphan", i);
}

void model_dirty_end(struct model *m)
{
	for (int i = 0; i < MODEL_LOGS; i++)
		if (m->log[i].log)
			stop(m, i);
}

/* --- after every operation ------------------------------------------------ */

static bool large_now(const struct model *m, int space, uint64_t vpn)
{
	struct pager_page_info info;

	if (!m->space[space])
		return false;
	pager_space_page(m->space[space], vpn, &info);
	return info.entry & PTE_PS;
}

/* A stretch that has or had a large entry: what happened to one of its pages
 * happened to all, for all that the entry can say. */
static void blur(struct model *m, int space, uint64_t first, uint64_t end,
		 bool *was)
{
	struct oracle_when *when = m->oracle.space[space].when;
	bool is = large_now(m, space, m->config.start + first);
	bool any = is && !*was;

	for (uint64_t i = first; i < end && (is || *was); i++)
		any |= when[i].changed == m->oracle.now ||
		       when[i].maybe == m->oracle.now ||
		       when[i].filled == m->oracle.now;
	for (uint64_t i = first; i < end && any; i++)
		when[i].large = m->oracle.now;
	*was = is;
}

void model_dirty_after(struct model *m)
{
	for (int i = 0; i < MODEL_LOGS; i++)
		if (m->oracle.log[i].entries)
			see_pushed(m, i);
	for (int i = 0; i < MODEL_SPACES; i++) {
		uint64_t first = -m->config.start % PTE_SLOTS;

		if (!m->oracle.space[i].live)
			continue;
		for (int n = 0; first + PTE_SLOTS <= m->config.pages;
		     n++, first += PTE_SLOTS)
			blur(m, i, first, first + PTE_SLOTS,
			     &m->was_large[i][n]);
	}
}

void model_dirty_full(const struct model *m, const struct model_op *op)
{
	bool soft = false;

	for (int i = 0; i < MODEL_LOGS; i++)
		soft |= m->oracle.log[i].entries && !m->oracle.log[i].orphan &&
			info_of(&m->log[i]).flags & PAGER_DIRTY_RING_SOFT;
	model_dirty_totals->stopped++;
	if (!soft)
		model_die("ring", "%s: EDIRTYFULL, but no ring is",
			  model_kind_name(op->kind));
}
