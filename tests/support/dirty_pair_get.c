/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a log says, held against it; clearing, write-back.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "tests/support/dirty_pair_int.h"

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

void dirty_must_work(struct pager_status st, const char *what)
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

	dirty_must_work(
	    pager_dirty_get(g->log, first, pages, note_words, &got, &out),
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
	if (info.over)
		d->counts->beyond[DIRTY_WHY_OVER]++;
	else if (d->forked[slot])
		d->counts->beyond[DIRTY_WHY_FORKED]++;
	else if (d->pair.model.oracle.space[slot].around)
		d->counts->beyond[DIRTY_WHY_AROUND]++;
	else
		model_die("dirty-over",
			  "space %d: page 0x%" PRIx64
			  " is dirty, and nothing happened to it (method %u)",
			  slot, d->pair.model.config.start + g->first + i,
			  info.method);
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
static void get_again(const struct dirty_pair *d, const struct dirty_log *g,
		      uint64_t first, uint64_t pages, const uint64_t *want)
{
	uint64_t *words = words_new(g);

	get(g, first, pages, words);
	for (uint64_t i = first / 64; i < (first + pages + 63) / 64; i++)
		if (words[i] != want[i] &&
		    (!d->is_scarce || want[i] & ~words[i]))
			model_die("dirty-clear",
				  "pages %" PRIu64 " on are %016" PRIx64
				  " after a clear, not %016" PRIx64,
				  i * 64, words[i], want[i]);
	free(words);
}

static void clear(const struct dirty_pair *d, struct dirty_log *g,
		  const struct model_op *op, uint64_t first, uint64_t pages,
		  const uint64_t *words, uint64_t *named)
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
	dirty_must_work(pager_dirty_clear(g->log, first, pages,
					  all ? NULL : named + first / 64,
					  &cleared),
			"clear");
	if (cleared > dirty || (cleared < dirty && !d->is_scarce))
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

void dirty_get_and_clear(struct dirty_pair *d, const struct model_op *op)
{
	struct dirty_log *g = &d->log[op->space][op->other];
	uint64_t first, pages, *words, *named;
	bool manual = g->flags & PAGER_DIRTY_MANUAL;

	if (!stretch(g, op, &first, &pages))
		return;
	if (!g->orphan) {
		dirty_update(d, op->space);
		dirty_same_bytes(d, op->space);
	}
	words = words_new(g);
	named = words_new(g);
	get(g, first, pages, words);
	compare(d, op->space, g, first, pages, words);
	if (op->prot == DIRTY_KEEP || (op->prot == DIRTY_GOT && manual)) {
		get_again(d, g, first, pages, words);
	} else {
		clear(d, g, op, first, pages, words, named);
		for (uint64_t i = first; i < first + pages; i++) {
			/* What is not dirty is as clean as what is cleared. */
			if (has(named, i) || !has(words, i)) {
				dirty_now_clean(d, op->space, g, i);
				g->must[i] = 0;
			}
		}
		for (uint64_t w = first / 64; w < (first + pages + 63) / 64;
		     w++)
			words[w] &= ~named[w];
		get_again(d, g, first, pages, words);
	}
	free(named);
	free(words);
}

/* --- write-back ----------------------------------------------------------- */

void dirty_write_back(struct dirty_pair *d, const struct model_op *op)
{
	struct dirty_log *g = &d->log[op->space][op->other];
	uint64_t first, pages, n;
	bool begin = op->kind == DIRTY_BEGIN;

	if (!stretch(g, op, &first, &pages))
		return;
	if (!g->orphan)
		dirty_update(d, op->space);
	if (begin)
		dirty_must_work(pager_dirty_begin(g->log, first, pages, &n),
				"begin");
	else
		dirty_must_work(pager_dirty_end(g->log, first, pages, &n),
				"end");
	for (uint64_t i = first; i < first + pages; i++) {
		uint8_t was = g->must[i], why = g->why[i];

		if (!begin) {
			g->must[i] &= (uint8_t)~DIRTY_AWAITING;
			continue;
		}
		dirty_now_clean(d, op->space, g, i);
		/* Until the end all of it may still be dirty. */
		g->why[i] |= why & (uint8_t)~BIT(DIRTY_WHY_ALL_SET);
		if (was || why & BIT(DIRTY_WHY_ALL_SET))
			g->must[i] = DIRTY_AWAITING;
	}
}
