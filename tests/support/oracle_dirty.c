/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Times of changes, and what logs owe their readers.
 */
#include "tests/support/oracle_dirty.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/world.h"

enum { OLD = 1, TOLD = 2 };

/* Looks of a page that follows an object without having changed itself. */
#define LOOKS_BORROWED UINT64_MAX

static void *xcalloc(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p)
		test_die("oracle: no memory");
	return p;
}

static bool has_bytes(const uint8_t *bytes)
{
	static const uint8_t zeros[PAGER_PAGE_SIZE];

	return bytes && memcmp(bytes, zeros, PAGER_PAGE_SIZE) != 0;
}

/* --- times ---------------------------------------------------------------- */

static struct oracle_when *find_in(const struct oracle *o,
				   const struct oracle_space *s,
				   const struct oracle_page *p)
{
	uintptr_t first = (uintptr_t)s->page, at = (uintptr_t)p;
	uint64_t i = (at - first) / sizeof(*p);

	return s->page && at >= first && i < o->config.pages ? &s->when[i]
							     : NULL;
}

/* Whose page it is: a space's or a snapshot's. */
static struct oracle_when *find(const struct oracle *o,
				const struct oracle_page *p)
{
	for (int i = 0; i < MODEL_SPACES; i++)
		for (const struct oracle_space *s = &o->space[i]; s;
		     s = s->snapshot) {
			struct oracle_when *w = find_in(o, s, p);

			if (w)
				return w;
		}
	return NULL;
}

enum note { CHANGED, MAYBE, FILLED };

static void note_at(const struct oracle *o, struct oracle_when *w,
		    enum note note)
{
	if (!w)
		return;
	switch (note) {
	case CHANGED:
		w->changed = o->now;
		break;
	case MAYBE:
		w->maybe = o->now;
		break;
	case FILLED:
		w->filled = o->now;
		break;
	}
}

static void note_one(const struct oracle *o, const struct oracle_page *p,
		     enum note note)
{
	note_at(o, find(o, p), note);
}

/* In every space that maps this page of the object to share it, snapshots
 * too: an object is not restored. */
static void note_views(const struct oracle *o, const struct oracle_page *p,
		       enum note note)
{
	for (int i = 0; i < MODEL_SPACES; i++)
		for (const struct oracle_space *s = &o->space[i]; s;
		     s = s->snapshot)
			for (uint64_t at = 0; s->page && at < o->config.pages;
			     at++) {
				const struct oracle_page *q = &s->page[at];

				if (q->mapped &&
				    q->flags & PAGER_REGION_SHARED &&
				    q->object == p->object &&
				    q->offset == p->offset)
					note_at(o, &s->when[at], note);
			}
}

static void note(const struct oracle *o, const struct oracle_page *p,
		 enum note what)
{
	if (p->flags & PAGER_REGION_SHARED)
		note_views(o, p, what);
	else
		note_one(o, p, what);
}

void oracle_note_written(struct oracle *o, const struct oracle_page *p)
{
	note(o, p, CHANGED);
}

void oracle_note_filled(struct oracle *o, const struct oracle_page *p)
{
	note(o, p, FILLED);
}

void oracle_note_dropped(struct oracle *o, const struct oracle_page *p)
{
	bool shows = p->object && p->offset < p->object->size &&
		     has_bytes(p->object->cell[p->offset].bytes);

	if (p->type == PAGER_PAGE_NONE)
		return;
	/* Behind a private copy the object's bytes come to light. */
	note_one(o, p,
		 p->type == PAGER_PAGE_ANON && (has_bytes(p->bytes) || shows)
		     ? CHANGED
		     : MAYBE);
}

/* A region with an object shows its bytes, also where no page is present. */
static void note_view(const struct oracle *o, const struct oracle_page *p)
{
	if (p->object)
		note_one(o, p, has_bytes(oracle_bytes(p)) ? CHANGED : MAYBE);
}

void oracle_note_unmapped(struct oracle *o, const struct oracle_page *p)
{
	note_view(o, p);
}

void oracle_note_mapped(struct oracle *o, const struct oracle_page *p)
{
	note_view(o, p);
}

void oracle_note_resized(struct oracle *o, const struct oracle_page *p)
{
	note_one(o, p,
		 p->flags & PAGER_REGION_SHARED &&
			 p->offset < p->object->size &&
			 has_bytes(p->object->cell[p->offset].bytes)
		     ? CHANGED
		     : MAYBE);
}

void oracle_note_moved(struct oracle *o, const struct oracle_page *from,
		       const struct oracle_page *to, bool stays)
{
	enum note what = MAYBE;

	if (from->type == PAGER_PAGE_NONE && !from->object)
		return;
	if (has_bytes(oracle_bytes(from)))
		what = CHANGED;
	note_one(o, to, what);
	/* A mapping that stays goes on showing its object. */
	note_one(o, from,
		 stays && from->type != PAGER_PAGE_ANON ? MAYBE : what);
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Private pages are again what they were. That they changed in between may be
 * said. */
void oracle_note_restored(struct oracle *o, struct oracle_space *snapshot,
			  const struct oracle_space *s)
{
	for (uint64_t i = 0; i < o->config.pages; i++) {
		struct oracle_when *to = &snapshot->when[i];
		const struct oracle_when *from = &s->when[i];

		to->maybe = later(to->maybe, later(from->maybe, from->changed));
		to->filled = later(to->filled, from->filled);
		to->large = later(to->large, from->large);
	}
}

struct oracle_when *oracle_when(const struct oracle *o,
				const struct oracle_space *s, uint64_t vpn)
{
	if (vpn < o->config.start || vpn - o->config.start >= o->config.pages)
		return NULL;
	return &s->when[vpn - o->config.start];
}

/* --- looks ---------------------------------------------------------------- */

static uint64_t hash(const uint8_t *bytes)
{
	uint64_t h = 0, word;

	for (unsigned int i = 0; bytes && i < PAGER_PAGE_SIZE; i += 8) {
		memcpy(&word, bytes + i, sizeof(word));
		h = (h ^ word) * UINT64_C(0x100000001b3);
		h ^= h >> 29;
	}
	return h >> 1;
}

static uint64_t looks_now(const struct oracle *o, const struct oracle_log *log,
			  uint64_t page)
{
	const struct oracle_page *p =
	    oracle_page(o, &o->space[log->space], log->range.start + page);

	if (p->object && !(p->flags & PAGER_REGION_SHARED) &&
	    p->type != PAGER_PAGE_ANON)
		return LOOKS_BORROWED;
	return hash(oracle_bytes(p));
}

bool oracle_log_looks(const struct oracle *o, const struct oracle_log *log,
		      uint64_t page)
{
	const struct oracle_when *w;
	uint64_t now;

	if (log->orphan)
		return true;
	w = oracle_when(o, &o->space[log->space], log->range.start + page);
	now = looks_now(o, log, page);
	return now == log->looks[page] || now == LOOKS_BORROWED ||
	       log->looks[page] == LOOKS_BORROWED ||
	       w->maybe > log->cleared[page];
}

/* --- logs ------------------------------------------------------------------
 */

bool oracle_log_applies(const struct oracle *o, const struct model_op *op)
{
	const struct oracle_log *log = &o->log[op->other % MODEL_LOGS];

	switch (op->flags) {
	case MODEL_DIRTY_START:
		return !log->live && o->space[op->space].live;
	case MODEL_DIRTY_RING:
		return log->live && !log->entries;
	case MODEL_DIRTY_UNRING:
	case MODEL_DIRTY_COLLECT:
	case MODEL_DIRTY_DRAIN:
	case MODEL_DIRTY_SCRIBBLE:
		return log->live && log->entries;
	case MODEL_DIRTY_GET_CLEAR:
		return log->live && !log->manual;
	default:
		return log->live;
	}
}

void oracle_log_start(struct oracle *o, struct oracle_log *log,
		      const struct model_op *op, bool write_protect)
{
	uint64_t n = op->pages;

	*log = (struct oracle_log){
	    .live = true,
	    .manual = op->prot & PAGER_DIRTY_MANUAL,
	    .all_set = op->prot & PAGER_DIRTY_ALL_SET,
	    .write_protect = write_protect,
	    .space = op->space,
	    .range = pager_range(op->addr, op->addr + n),
	    .cleared = xcalloc(n, sizeof(uint64_t)),
	    .begun = xcalloc(n, sizeof(uint64_t)),
	    .looks = xcalloc(n, sizeof(uint64_t)),
	    .last = xcalloc(n, sizeof(struct oracle_when)),
	    .old = xcalloc(n, sizeof(uint8_t)),
	};
	if (log->all_set && !write_protect)
		memset(log->old, OLD, n);
	for (uint64_t i = 0; i < n && !log->all_set; i++)
		oracle_log_cleared(o, log, i);
}

void oracle_log_stop(struct oracle_log *log)
{
	free(log->cleared);
	free(log->begun);
	free(log->looks);
	free(log->last);
	free(log->old);
	*log = (struct oracle_log){0};
}

/* What was there when it ended may count as dropped. */
void oracle_logs_orphan(struct oracle *o, uint8_t space)
{
	const struct oracle_space *s = &o->space[space];

	for (int i = 0; i < MODEL_LOGS; i++) {
		struct oracle_log *log = &o->log[i];

		if (!log->live || log->orphan || log->space != space)
			continue;
		for (uint64_t at = 0; at < oracle_log_pages(log); at++) {
			uint64_t vpn = log->range.start + at;

			log->last[at] = *oracle_when(o, s, vpn);
			if (oracle_page(o, s, vpn)->type != PAGER_PAGE_NONE)
				log->last[at].maybe = o->now;
		}
		log->orphan = true;
	}
}

void oracle_log_cleared(const struct oracle *o, struct oracle_log *log,
			uint64_t page)
{
	log->cleared[page] = o->now;
	if (log->old[page] == TOLD)
		log->old[page] = 0;
	if (!log->orphan)
		log->looks[page] = looks_now(o, log, page);
}

/* The looks are those of the beginning: they are what the reader writes back.
 */
void oracle_log_begin(const struct oracle *o, struct oracle_log *log,
		      uint64_t page)
{
	log->begun[page] = o->now;
	if (!log->orphan)
		log->looks[page] = looks_now(o, log, page);
}

void oracle_log_end(struct oracle_log *log, uint64_t page)
{
	log->cleared[page] = later(log->cleared[page], log->begun[page]);
	log->begun[page] = 0;
}

void oracle_log_told(struct oracle_log *log, uint64_t page)
{
	if (log->old[page])
		log->old[page] = TOLD;
}

enum oracle_why oracle_log_why(const struct oracle *o,
			       const struct oracle_log *log, uint64_t page)
{
	const struct oracle_when *w =
	    log->orphan ? &log->last[page]
			: oracle_when(o, &o->space[log->space],
				      log->range.start + page);
	uint64_t cleared = log->cleared[page];

	if (w->changed > cleared || !cleared)
		return ORACLE_MUST;
	if (w->maybe > cleared)
		return ORACLE_DROPPED;
	if (w->filled > cleared && log->write_protect)
		return ORACLE_FILLED;
	if (w->large > cleared)
		return ORACLE_LARGE;
	if (log->old[page])
		return ORACLE_BEFORE;
	return ORACLE_NOTHING;
}
