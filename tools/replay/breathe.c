/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A pool that breathes: while recordings are replayed, its size is asked to be
 * the higher bound, then the lower one, and so on, a new wish every so many
 * requests. The daemon plugs and unplugs between requests; what is replayed
 * must not notice.
 *
 * After each wish the pool is looked at some times, one at a time: that gives
 * the daemon room for as many steps, and the answers say how far it has come.
 */
#include <string.h>

#include "tools/common/number.h"
#include "tools/replay/replay.h"

#define EVERY	  64		      /* requests between two wishes */
#define LOOKS	  12		      /* after each */
#define BLOCK	  (UINT64_C(8) << 20) /* bounds are multiples of it */
#define SUB_BLOCK (UINT64_C(2) << 20) /* wishes are */
#define POOL	  1u		      /* the first behind boot memory */

/* What is asked for, of the way from low to high, in quarters: not only the
 * bounds, so that a wish often replaces one that was under way. */
static const unsigned char quarters[] = {4, 0, 3, 1, 4, 2, 0, 4, 1, 3, 0, 2};

bool breathe_parse(const char *text, struct options *out)
{
	const char *dots = strstr(text, "..");
	uint64_t low, high;

	if (!dots || !tool_number_parse_n(text, (size_t)(dots - text), &low) ||
	    !tool_number_parse(dots + 2, &high) || low >= high ||
	    low % BLOCK != 0 || high % BLOCK != 0)
		return false;
	out->breathe_low = low;
	out->breathe_high = high;
	return true;
}

void breathe_look(struct breathe *b, const struct pager_row_pool *row)
{
	if (b->looks++ == 0)
		b->least = b->most = b->last = row->plugged;
	if (row->plugged < b->least)
		b->least = row->plugged;
	if (row->plugged > b->most)
		b->most = row->plugged;
	if (row->plugged < b->last)
		b->out += b->last - row->plugged;
	else
		b->in += row->plugged - b->last;
	b->last = row->plugged;
	b->moved = row->moved;
	b->busy = row->busy;
}

void breathe_maybe(struct machine *m)
{
	struct breathe *b = &m->totals.breathe;
	uint64_t low = m->options->breathe_low;
	uint64_t high = m->options->breathe_high;
	struct pager_req_pool_size r = {.pool = POOL};
	struct pager_req_pool ask = {.pool = POOL};
	struct note note = {.kind = NOTE_BREATHE};

	if (high == 0 || m->stream->requests < b->next)
		return;
	r.size =
	    low + (high - low) / 4 * quarters[b->wishes % sizeof(quarters)];
	r.size -= r.size % SUB_BLOCK;
	b->wishes++;
	stream_add(m->stream, PAGER_CALL_POOL_RESIZE, &r, sizeof(r), &note);
	for (unsigned int i = 0; i < LOOKS && !m->stream->lost; i++) {
		stream_add(m->stream, PAGER_CALL_POOL_INFO, &ask, sizeof(ask),
			   &note);
		stream_flush(m->stream);
	}
	b->next = m->stream->requests + EVERY;
}

void breathe_add(struct breathe *to, const struct breathe *from, bool at_once)
{
	if (from->looks == 0)
		return;
	if (to->looks == 0 || from->least < to->least)
		to->least = from->least;
	if (from->most > to->most)
		to->most = from->most;
	/* The pool's own counters: whoever looked last knows most. */
	if (from->moved > to->moved)
		to->moved = from->moved;
	if (from->busy > to->busy)
		to->busy = from->busy;
	to->looks += from->looks;
	to->wishes += from->wishes;
	to->refused += from->refused;
	/* Those who looked at the same time saw the same. */
	if (!at_once) {
		to->in += from->in;
		to->out += from->out;
		return;
	}
	if (from->in > to->in)
		to->in = from->in;
	if (from->out > to->out)
		to->out = from->out;
}
