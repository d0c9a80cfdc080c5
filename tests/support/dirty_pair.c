/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bookkeeping of writes on Linux's side, and the comparison at a get.
 */
#include "tests/support/dirty_pair.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { DIRTY_NEW = 1, DIRTY_AWAITING = 2 };

#define BIT(n) ((uint8_t)(1u << (n)))

static struct linux_shared *shared_of(struct dirty_pair *d)
{
	return d->pair.linux.shared;
}

/* The oracle's page under page i of the log. */
static const struct oracle_page *policy(const struct dirty_pair *d, int slot,
					const struct dirty_log *g, uint64_t i)
{
	return &d->pair.model.oracle.space[slot].page[g->first + i];
}

static bool others_write(const struct oracle_page *p)
{
	return p->mapped && p->object && p->flags & PAGER_REGION_SHARED;
}

/* --- what Linux knows ----------------------------------------------------- */

/* Written pages go to the logs; or are forgotten. */
static void take(struct dirty_pair *d, int slot, bool keep, bool anew)
{
	struct linux_side *l = &d->pair.linux;

	if (!d->tracked[slot])
		return;
	l->shared->request =
	    (struct linux_request){.call = LINUX_TAKE, .flags = anew};
	if (linux_do(l, slot)->ret)
		model_die("tracker", "Linux's tracker: %" PRId64,
			  l->shared->answer.ret);
	for (int n = 0; keep && n < DIRTY_LOGS; n++) {
		struct dirty_log *g = &d->log[slot][n];

		for (uint64_t i = 0; g->log && !g->orphan && i < g->pages; i++)
			if (linux_written(l, g->first + i))
				g->must[i] |= DIRTY_NEW;
	}
}

static void copy_all(struct dirty_pair *d, int slot)
{
	shared_of(d)->request = (struct linux_request){.call = LINUX_COPY};
	linux_do(&d->pair.linux, slot);
}

static bool holds_data(uint8_t there, const uint8_t *bytes)
{
	static const uint8_t zeros[PAGER_PAGE_SIZE];

	return there & LINUX_READABLE && there & LINUX_PRIVATE &&
	       memcmp(bytes, zeros, PAGER_PAGE_SIZE) != 0;
}

/* The copies are fresh: must page i be dirty, since its bytes are others? */
static bool changed(struct dirty_pair *d, int slot, const struct dirty_log *g,
		    uint64_t i)
{
	const struct oracle_page *p = policy(d, slot, g, i);
	uint64_t at = g->first + i;
	uint8_t now = shared_of(d)->page[at];
	const uint8_t *old = g->bytes + i * PAGER_PAGE_SIZE;
	const uint8_t *new = linux_bytes(&d->pair.linux, at);
	bool was = holds_data(g->then[i], old), same_memory;
	/* A copy that populating made is no write. */
	bool is =
	    holds_data(now, new) && !(g->why[i] & BIT(DIRTY_WHY_POPULATE));

	if (!(now & LINUX_READABLE))
		return was;
	if (!(g->then[i] & LINUX_READABLE))
		return is;
	if (memcmp(old, new, PAGER_PAGE_SIZE) == 0)
		return false;
	if (was || is)
		return true;
	same_memory = !(g->why[i] & BIT(DIRTY_WHY_MAPPED));
	if (same_memory && !p->object && !(g->why[i] & BIT(DIRTY_WHY_DROPPED)))
		model_die("tracker",
			  "space %d: page 0x%" PRIx64
			  " has changed and Linux saw no write",
			  slot, d->pair.model.config.start + at);
	if (same_memory && (!p->object || others_write(p)))
		return true;
	d->counts->behind++;
	return false;
}

/* All that Linux knows about the space goes to its logs. */
static void update(struct dirty_pair *d, int slot)
{
	take(d, slot, true, true);
	if (!d->tracked[slot])
		return;
	copy_all(d, slot);
	for (int n = 0; n < DIRTY_LOGS; n++) {
		struct dirty_log *g = &d->log[slot][n];

		for (uint64_t i = 0; g->log && !g->orphan && i < g->pages; i++)
			if (!(g->must[i] & DIRTY_NEW) && changed(d, slot, g, i))
				g->must[i] |= DIRTY_NEW, d->counts->changed++;
	}
}

/* Page i is clean from here on; the copies are fresh. */
static void now_clean(struct dirty_pair *d, int slot, struct dirty_log *g,
		      uint64_t i)
{
	uint64_t at = g->first + i;

	g->must[i] &= (uint8_t)~DIRTY_NEW;
	g->why[i] = 0;
	if (g->orphan)
		return;
	if (others_write(policy(d, slot, g, i)))
		g->why[i] = BIT(DIRTY_WHY_OBJECT);
	g->then[i] = shared_of(d)->page[at];
	memcpy(g->bytes + i * PAGER_PAGE_SIZE, linux_bytes(&d->pair.linux, at),
	       PAGER_PAGE_SIZE);
}

/* Both sides are the same machine still. */
static void compare_bytes(struct dirty_pair *d, int slot)
{
	static const uint8_t zeros[PAGER_PAGE_SIZE];
	const struct oracle_space *s = &d->pair.model.oracle.space[slot];

	for (uint64_t i = 0; i < d->pair.linux.pages; i++) {
		const struct oracle_page *p = &s->page[i];
		const uint8_t *want = oracle_bytes(p);

		if (!(shared_of(d)->page[i] & LINUX_READABLE))
			continue;
		if (memcmp(want ? want : zeros, linux_bytes(&d->pair.linux, i),
			   PAGER_PAGE_SIZE))
			model_die("linux-bytes",
				  "space %d: page 0x%" PRIx64
				  " differs from what Linux has there",
				  slot, d->pair.model.config.start + i);
	}
}

/* --- what a log says ------------------------------------------------------ */

struct got {
	const struct dirty_log *log;
	uint64_t next; /* words before it were passed */
	uint64_t end;
	uint64_t pages;
	uint64_t *words;
};

static int note_words(void *ctx, uint64_t first, const uint64_t *words,
		      unsigned int count)
{
	struct got *got = ctx;

	if (count == 0 || count > 64 || first % 64 || first < got->next ||
	    first / 4096 != (first + 64 * count - 1) / 4096)
		model_die("dirty-words",
			  "%u words at page %" PRIu64 " after %" PRIu64, count,
			  first, got->next);
	got->next = first + 64 * (uint64_t)count;
	for (unsigned int i = 0; i < count; i++) {
		uint64_t page = first + 64 * (uint64_t)i;
		uint64_t left = page < got->end ? got->end - page : 0;

		if (left < 64 && words[i] >> left)
			model_die("dirty-words",
				  "bits beyond the end at page %" PRIu64, page);
		got->words[page / 64] = words[i];
		got->pages += (uint64_t)__builtin_popcountll(words[i]);
	}
	return 0;
}

static void must_work(struct pager_status st, const char *what)
{
	if (st.err != PAGER_OK)
		model_die("dirty-refused", "%s: %s, argument %u", what,
			  model_error_name(st.err), st.arg);
}

static uint64_t *words_new(const struct dirty_log *g)
{
	uint64_t *words = calloc(g->pages / 64 + 1, sizeof(*words));

	if (!words)
		test_die("dirty: no memory");
	return words;
}

static uint64_t get(const struct dirty_log *g, uint64_t first, uint64_t pages,
		    uint64_t *words)
{
	struct got got = {
	    .log = g, .next = first, .end = first + pages, .words = words};
	struct pager_dirty_got out;

	must_work(pager_dirty_get(g->log, first, pages, note_words, &got, &out),
		  "get");
	if (out.stopped || out.pages != got.pages)
		model_die("dirty-words", "%" PRIu64 " pages, said %" PRIu64,
			  got.pages, out.pages);
	return got.pages;
}

static bool has(const uint64_t *words, uint64_t i)
{
	return words[i / 64] >> (i % 64) & 1;
}

/* --- comparing ------------------------------------------------------------ */

static void count_reason(struct dirty_pair *d, int slot,
			 const struct dirty_log *g, uint64_t i)
{
	struct pager_dirty_info info;
	uint8_t why = g->why[i];

	if (!g->orphan && others_write(policy(d, slot, g, i)))
		why |= BIT(DIRTY_WHY_OBJECT);
	for (int w = 0; w < DIRTY_WHYS; w++)
		if (why & BIT(w)) {
			d->counts->beyond[w]++;
			return;
		}
	pager_dirty_info(g->log, &info);
	if (!info.over)
		model_die("dirty-over",
			  "space %d: page 0x%" PRIx64
			  " is dirty, and nothing happened to it (method %u)",
			  slot, d->pair.model.config.start + g->first + i,
			  info.method);
	d->counts->beyond[DIRTY_WHY_MEMORY]++;
}

static void compare(struct dirty_pair *d, int slot, const struct dirty_log *g,
		    uint64_t first, uint64_t pages, const uint64_t *words)
{
	struct pager_dirty_info info;

	d->counts->gets++;
	for (uint64_t i = first; i < first + pages; i++) {
		d->counts->written += g->must[i] != 0;
		if (has(words, i) && !g->must[i])
			count_reason(d, slot, g, i);
		if (has(words, i) ||
		    (!g->must[i] && !(g->why[i] & BIT(DIRTY_WHY_ALL_SET))))
			continue;
		pager_dirty_info(g->log, &info);
		model_die("dirty-lost",
			  "space %d: page 0x%" PRIx64
			  " was written or has changed, says Linux; not "
			  "dirty, says the log (method %u, why 0x%x)",
			  slot, d->pair.model.config.start + g->first + i,
			  info.method, g->why[i]);
	}
}

/* The same get once more: what was cleared is clean, the rest as before. */
static void get_again(const struct dirty_log *g, uint64_t first, uint64_t pages,
		      const uint64_t *want)
{
	uint64_t *words = words_new(g);

	get(g, first, pages, words);
	for (uint64_t i = first / 64; i < (first + pages + 63) / 64; i++)
		if (words[i] != want[i])
			model_die("dirty-clear",
				  "pages %" PRIu64 " on are %016" PRIx64
				  " after a clear, not %016" PRIx64,
				  i * 64, words[i], want[i]);
	free(words);
}

static void clear(struct dirty_log *g, const struct model_op *op,
		  uint64_t first, uint64_t pages, const uint64_t *words,
		  uint64_t *named)
{
	uint64_t x = op->seed + 1, cleared = 0, dirty = 0;
	bool all = op->prot == DIRTY_ALL || op->prot == DIRTY_GOT;

	for (uint64_t w = first / 64; w < (first + pages + 63) / 64; w++) {
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		named[w] = op->prot == DIRTY_SOME ? x & words[w]
			   : all		  ? UINT64_MAX
						  : words[w];
		dirty += (uint64_t)__builtin_popcountll(named[w] & words[w]);
	}
	if (op->prot == DIRTY_GOT) {
		pager_dirty_got_clear(g->log, first, pages);
		return;
	}
	must_work(pager_dirty_clear(g->log, first, pages,
				    all ? NULL : named + first / 64, &cleared),
		  "clear");
	if (cleared != dirty)
		model_die("dirty-clear",
			  "cleared %" PRIu64 " pages, not %" PRIu64, cleared,
			  dirty);
}

/* The stretch that the operation means, as it can be asked for. */
static bool stretch(const struct dirty_log *g, const struct model_op *op,
		    uint64_t *first, uint64_t *pages)
{
	*first = op->addr & ~UINT64_C(63);
	*pages = (op->pages + 63) & ~UINT64_C(63);
	if (*first >= g->pages || *pages == 0)
		return false;
	if (*pages > g->pages - *first)
		*pages = g->pages - *first;
	return true;
}

static void get_and_clear(struct dirty_pair *d, const struct model_op *op)
{
	struct dirty_log *g = &d->log[op->space][op->other];
	uint64_t first, pages, *words, *named;
	bool manual = g->flags & PAGER_DIRTY_MANUAL;

	if (!stretch(g, op, &first, &pages))
		return;
	if (!g->orphan) {
		update(d, op->space);
		compare_bytes(d, op->space);
	}
	words = words_new(g);
	named = words_new(g);
	get(g, first, pages, words);
	compare(d, op->space, g, first, pages, words);
	if (op->prot == DIRTY_KEEP || (op->prot == DIRTY_GOT && manual)) {
		get_again(g, first, pages, words);
	} else {
		clear(g, op, first, pages, words, named);
		for (uint64_t i = first; i < first + pages; i++) {
			/* What is not dirty is as clean as what is cleared. */
			if (has(named, i) || !has(words, i)) {
				now_clean(d, op->space, g, i);
				g->must[i] = 0;
			}
		}
		for (uint64_t w = first / 64; w < (first + pages + 63) / 64;
		     w++)
			words[w] &= ~named[w];
		get_again(g, first, pages, words);
	}
	free(named);
	free(words);
}

/* --- write-back ----------------------------------------------------------- */

static void write_back(struct dirty_pair *d, const struct model_op *op)
{
	struct dirty_log *g = &d->log[op->space][op->other];
	uint64_t first, pages, n;
	bool begin = op->kind == DIRTY_BEGIN;

	if (!stretch(g, op, &first, &pages))
		return;
	if (!g->orphan)
		update(d, op->space);
	if (begin)
		must_work(pager_dirty_begin(g->log, first, pages, &n), "begin");
	else
		must_work(pager_dirty_end(g->log, first, pages, &n), "end");
	for (uint64_t i = first; i < first + pages; i++) {
		uint8_t was = g->must[i], why = g->why[i];

		if (!begin) {
			g->must[i] &= (uint8_t)~DIRTY_AWAITING;
			continue;
		}
		now_clean(d, op->space, g, i);
		/* Until the end all of it may still be dirty. */
		g->why[i] |= why;
		if (was || why & BIT(DIRTY_WHY_ALL_SET))
			g->must[i] = DIRTY_AWAITING;
	}
}

/* --- logs begin and end --------------------------------------------------- */

static void stop(struct dirty_log *g)
{
	pager_dirty_stop(g->log);
	free(g->must);
	free(g->why);
	free(g->then);
	free(g->bytes);
	*g = (struct dirty_log){0};
}

static void last_get(struct dirty_pair *d, int slot, int n)
{
	const struct model_op op = {.kind = DIRTY_GET,
				    .space = (uint8_t)slot,
				    .other = (uint8_t)n,
				    .pages = d->pair.linux.pages,
				    .prot = DIRTY_KEEP};

	get_and_clear(d, &op);
	stop(&d->log[slot][n]);
}

static void track(struct dirty_pair *d, int slot)
{
	if (d->tracked[slot])
		return;
	shared_of(d)->request = (struct linux_request){.call = LINUX_TRACK};
	if (linux_do(&d->pair.linux, slot)->ret)
		model_die("tracker", "no tracker: %" PRId64,
			  shared_of(d)->answer.ret);
	d->tracked[slot] = true;
}

static void start(struct dirty_pair *d, const struct model_op *op)
{
	struct model *m = &d->pair.model;
	struct dirty_log *g = &d->log[op->space][op->other];
	uint64_t base = m->config.start;

	if (g->log)
		last_get(d, op->space, op->other);
	track(d, op->space);
	update(d, op->space);
	g->first = op->addr;
	g->pages = op->pages;
	g->flags = op->flags;
	g->must = calloc(g->pages, 1);
	g->why = calloc(g->pages, 1);
	g->then = calloc(g->pages, 1);
	g->bytes = calloc(g->pages, PAGER_PAGE_SIZE);
	if (!g->must || !g->why || !g->then || !g->bytes)
		test_die("dirty: no memory");
	must_work(pager_dirty_start(
		      m->space[op->space], m->account[0],
		      pager_range(base + g->first, base + g->first + g->pages),
		      (enum pager_dirty_method)op->prot, op->flags, &g->log),
		  "start");
	for (uint64_t i = 0; i < g->pages; i++) {
		now_clean(d, op->space, g, i);
		if (op->flags & PAGER_DIRTY_ALL_SET)
			g->why[i] |= BIT(DIRTY_WHY_ALL_SET);
	}
}

static bool dirty_op(struct dirty_pair *d, const struct model_op *op)
{
	const struct dirty_log *g;

	if (op->space >= MODEL_SPACES || op->other >= DIRTY_LOGS)
		return false;
	g = &d->log[op->space][op->other];
	if (op->kind == DIRTY_START) {
		if (!d->pair.model.oracle.space[op->space].live ||
		    op->pages == 0 || op->addr >= d->pair.linux.pages ||
		    op->pages > d->pair.linux.pages - op->addr ||
		    op->flags & ~PAGER_DIRTY_FLAGS)
			return false;
		start(d, op);
		return true;
	}
	if (!g->log)
		return false;
	switch (op->kind) {
	case DIRTY_GET:
		get_and_clear(d, op);
		return true;
	case DIRTY_BEGIN:
	case DIRTY_END:
		write_back(d, op);
		return true;
	default:
		last_get(d, op->space, op->other);
		return true;
	}
}

/* --- the model's operations ----------------------------------------------- */

static void note(struct dirty_pair *d, int slot, uint64_t vpn, uint64_t pages,
		 enum dirty_why why)
{
	uint64_t at = vpn - d->pair.model.config.start;

	for (int n = 0; n < DIRTY_LOGS; n++) {
		struct dirty_log *g = &d->log[slot][n];

		for (uint64_t i = 0; g->log && !g->orphan && i < g->pages; i++)
			if (g->first + i >= at && g->first + i - at < pages)
				g->why[i] |= BIT(why);
	}
}

/* What a call did beside writing. */
static void note_call(struct dirty_pair *d, const struct model_op *op)
{
	const struct model_config *c = &d->pair.model.config;
	uint64_t at = d->pair.model.got.value;

	switch (op->kind) {
	case MODEL_MAP:
		note(d, op->space, at, op->pages, DIRTY_WHY_MAPPED);
		if (op->flags & PAGER_MAP_POPULATE)
			note(d, op->space, at, op->pages, DIRTY_WHY_POPULATE);
		break;
	case MODEL_UNMAP:
		note(d, op->space, op->addr, op->pages, DIRTY_WHY_MAPPED);
		break;
	case MODEL_REMAP:
		note(d, op->space, op->addr, op->pages, DIRTY_WHY_MAPPED);
		note(d, op->space, at, op->new_pages, DIRTY_WHY_MAPPED);
		break;
	case MODEL_BRK_START:
	case MODEL_BRK:
		note(d, op->space, c->start, c->pages, DIRTY_WHY_MAPPED);
		break;
	case MODEL_ADVISE:
		if (op->flags == PAGER_ADV_DONTNEED ||
		    op->flags == PAGER_ADV_FREE)
			note(d, op->space, op->addr, op->pages,
			     DIRTY_WHY_DROPPED);
		break;
	case MODEL_POPULATE:
	case MODEL_PIN:
		note(d, op->space, op->addr, op->pages, DIRTY_WHY_POPULATE);
		break;
	case MODEL_RESIZE:
		for (int i = 0; i < MODEL_SPACES; i++)
			note(d, i, c->start, c->pages, DIRTY_WHY_DROPPED);
		break;
	}
}

/* Linux has to be asked before the call, and set up again after it; what the
 * call itself seems to write does not count. */
static bool remakes(const struct dirty_pair *d, const struct model_op *op)
{
	switch (op->kind) {
	case MODEL_MAP:
	case MODEL_UNMAP:
	case MODEL_REMAP:
	case MODEL_BRK_START:
	case MODEL_BRK:
	case MODEL_ADVISE:
	case MODEL_POPULATE:
	case MODEL_PIN:
		return true;
	case MODEL_READ:
	case MODEL_FAULT:
		return d->stacks && op->access != PAGER_ACCESS_WRITE;
	default:
		return false;
	}
}

static void take_all(struct dirty_pair *d, bool keep, bool anew)
{
	for (int i = 0; i < MODEL_SPACES; i++)
		take(d, i, keep, anew);
}

/* The process is about to end: what it wrote stays. */
static void bury(struct dirty_pair *d, int slot)
{
	update(d, slot);
	for (int n = 0; n < DIRTY_LOGS; n++) {
		struct dirty_log *g = &d->log[slot][n];

		/* Its memory goes as if it was unmapped. */
		for (uint64_t i = 0; g->log && i < g->pages; i++)
			g->why[i] |= BIT(DIRTY_WHY_MAPPED);
		g->orphan = g->log != NULL;
	}
	d->tracked[slot] = false;
}

static void end_orphans(struct dirty_pair *d, int slot)
{
	for (int n = 0; n < DIRTY_LOGS; n++)
		if (d->log[slot][n].log)
			last_get(d, slot, n);
}

bool dirty_pair_step(struct dirty_pair *d, const struct model_op *op)
{
	struct pair *p = &d->pair;
	struct model *m = &p->model;

	m->got = (struct model_result){0};
	if (op->kind >= DIRTY_START)
		return dirty_op(d, op);
	if (!oracle_applies(&m->oracle, op) || linux_pair_unlike(p, op))
		return false;
	if (op->kind == MODEL_SPACE)
		end_orphans(d, op->space);
	if (op->kind == MODEL_FORK)
		end_orphans(d, op->other);
	if (op->kind == MODEL_FREE)
		bury(d, op->space);
	if (op->kind == MODEL_RESIZE)
		take_all(d, true, false);
	if (remakes(d, op))
		take(d, op->space, true, false);
	model_step(m, op);
	if (linux_pair_leave_out(p, op))
		return false;
	if (linux_pair_request(p, op, &p->linux.shared->request))
		linux_pair_compare(p, op, linux_do(&p->linux, op->space));
	if (op->kind == MODEL_RESIZE)
		take_all(d, false, true);
	if (remakes(d, op))
		take(d, op->space, false, true);
	else if (d->stacks &&
		 (op->kind == MODEL_WRITE || op->kind == MODEL_FAULT))
		take(d, op->space, true, true);
	if (m->got.err == PAGER_OK)
		note_call(d, op);
	return true;
}

void dirty_pair_end(struct dirty_pair *d)
{
	for (int i = 0; i < MODEL_SPACES; i++)
		for (int n = 0; n < DIRTY_LOGS; n++)
			if (d->log[i][n].log)
				last_get(d, i, n);
}

const char *dirty_kind_name(unsigned int kind)
{
	static const char *const names[] = {"START", "GET", "BEGIN", "END",
					    "STOP"};

	return kind >= DIRTY_START && kind <= DIRTY_STOP
		   ? names[kind - DIRTY_START]
		   : "?";
}

const char *dirty_why_name(enum dirty_why why)
{
	static const char *const names[DIRTY_WHYS] = {
	    [DIRTY_WHY_ALL_SET] = "initially all set",
	    [DIRTY_WHY_MAPPED] = "mapped, unmapped or moved",
	    [DIRTY_WHY_DROPPED] = "dropped",
	    [DIRTY_WHY_POPULATE] = "populated",
	    [DIRTY_WHY_OBJECT] = "shared with others",
	    [DIRTY_WHY_MEMORY] = "no memory for the log",
	};

	return names[why];
}
