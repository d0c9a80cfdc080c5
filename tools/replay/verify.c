/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The comparison at exit, by byte ranges: Linux may merge or split neighbours
 * differently.
 *
 *	linux	|---- r-xp ----|-- rw-p --|	      |-- rw-p --|
 *	pagerd	|-------- r-xp --------|-- rw-p --|   |-- rw-p --|
 *	differ		       |xxxxxxx|  |xxxxxxx|
 *
 * Pages that differ in being mapped, in permission or in being shared are
 * counted one by one; so are private pages that one side has more than the
 * other, for each private end line.
 */
#include <err.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/replay/replay.h"

/* What one side has at an address: nothing, or a permission. */
#define NOTHING	   UINT32_MAX
#define SHARED_BIT 0x8u

struct side {
	uint64_t until; /* where this answer ends */
	uint32_t what;	/* NOTHING, or TRACE_* | SHARED_BIT */
};

void ending_add(struct proc *p, const struct trace_event *e)
{
	if (p->ending_count == p->ending_room) {
		p->ending_room = p->ending_room ? p->ending_room * 2 : 64;
		p->endings = reallocarray(p->endings, p->ending_room,
					  sizeof(*p->endings));
		if (!p->endings)
			err(2, "end lines");
	}
	p->endings[p->ending_count++] = (struct ending){
	    .text = e->text,
	    .start = e->addr,
	    .end = e->end,
	    .anon = e->anon,
	    .prot = (uint32_t)e->prot,
	    .shared = e->shared,
	    .counted = !e->shared && !trace_text_begins(e->name, "[vv") &&
		       !trace_text_is(e->name, "[vdso]"),
	    .line = e->line,
	};
}

void difference_add(struct proc *p, const char *linux_side,
		    const char *pagerd_side)
{
	struct difference *d;

	if (p->shown_count == SHOWN_MAX) {
		p->unshown++;
		return;
	}
	d = &p->shown[p->shown_count++];
	d->linux_side = strdup(linux_side);
	d->pagerd_side = strdup(pagerd_side);
	if (!d->linux_side || !d->pagerd_side)
		err(2, "differences");
}

static int by_start(const void *a, const void *b)
{
	const struct ending *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* Sort the end lines; they may not overlap. */
static int order_endings(struct machine *m, struct proc *p)
{
	if (p->ending_count > 0)
		qsort(p->endings, p->ending_count, sizeof(*p->endings),
		      by_start);
	for (size_t i = 1; i < p->ending_count; i++) {
		if (p->endings[i - 1].end <= p->endings[i].start)
			continue;
		m->why_line = p->endings[i].line;
		snprintf(m->why, sizeof(m->why),
			 "end: overlaps the end line %lu of process %u",
			 p->endings[i - 1].line, p->pid);
		return -1;
	}
	return 0;
}

static void describe(char *text, size_t size, uint64_t start, uint64_t end,
		     uint32_t what)
{
	char perm[] = "---p";

	if (what == NOTHING) {
		snprintf(text, size, "%" PRIx64 "-%" PRIx64 " nothing", start,
			 end);
		return;
	}
	for (unsigned int i = 0; i < 3; i++)
		if (what & 1u << i)
			perm[i] = "rwx"[i];
	if (what & SHARED_BIT)
		perm[3] = 's';
	snprintf(text, size, "%" PRIx64 "-%" PRIx64 " %s", start, end, perm);
}

static void differ(struct proc *p, uint64_t start, uint64_t end,
		   uint32_t linux_what, uint32_t pagerd_what)
{
	char linux_side[80], pagerd_side[80];

	p->differing += (end - start) / PAGE;
	describe(linux_side, sizeof(linux_side), start, end, linux_what);
	describe(pagerd_side, sizeof(pagerd_side), start, end, pagerd_what);
	difference_add(p, linux_side, pagerd_side);
}

/* What Linux has at an address; *i moves along. */
static struct side linux_at(const struct proc *p, size_t *i, uint64_t at)
{
	const struct ending *x;

	while (*i < p->ending_count && p->endings[*i].end <= at)
		++*i;
	if (*i == p->ending_count)
		return (struct side){UINT64_MAX, NOTHING};
	x = &p->endings[*i];
	if (x->start > at)
		return (struct side){x->start, NOTHING};
	return (struct side){x->end, x->prot | (x->shared ? SHARED_BIT : 0)};
}

static struct side pagerd_at(const struct pager_row_region *rows, size_t count,
			     size_t *i, uint64_t at)
{
	const struct pager_row_region *x;

	while (*i < count && rows[*i].end <= at)
		++*i;
	if (*i == count)
		return (struct side){UINT64_MAX, NOTHING};
	x = &rows[*i];
	if (x->start > at)
		return (struct side){x->start, NOTHING};
	return (struct side){
	    x->end,
	    x->prot | (x->flags & PAGER_REGION_SHARED ? SHARED_BIT : 0),
	};
}

static void compare_mappings(struct proc *p,
			     const struct pager_row_region *rows, size_t count)
{
	uint64_t at = 0, end, from = 0;
	uint32_t was_linux = NOTHING, was_pagerd = NOTHING;
	size_t i = 0, j = 0;

	while (at != UINT64_MAX) {
		struct side x = linux_at(p, &i, at);
		struct side y = pagerd_at(rows, count, &j, at);

		end = x.until < y.until ? x.until : y.until;
		if (x.what != was_linux || y.what != was_pagerd) {
			if (was_linux != was_pagerd)
				differ(p, from, at, was_linux, was_pagerd);
			from = at;
			was_linux = x.what;
			was_pagerd = y.what;
		}
		at = end;
	}
}

/* Private pages of every end line that counts them. */
static int compare_private(struct machine *m, struct proc *p)
{
	struct pager_rep_space_resident *found;
	struct note note = {.kind = NOTE_QUIET, .out_len = sizeof(*found)};

	found = calloc(p->ending_count + 1, sizeof(*found));
	if (!found)
		err(2, "end lines");
	for (size_t i = 0; i < p->ending_count && p->space; i++) {
		const struct ending *x = &p->endings[i];
		struct pager_req_range r = {p->space, x->start,
					    x->end - x->start};

		note.out = &found[i];
		if (x->counted)
			stream_add(m->stream, PAGER_CALL_SPACE_RESIDENT, &r,
				   sizeof(r), &note);
	}
	stream_flush(m->stream);
	for (size_t i = 0; i < p->ending_count; i++) {
		const struct ending *x = &p->endings[i];
		uint64_t pages = found[i].anon + found[i].zero;
		char linux_side[128], pagerd_side[128];

		if (!x->counted)
			continue;
		p->private_pages += pages;
		if (pages == x->anon)
			continue;
		p->differing +=
		    pages > x->anon ? pages - x->anon : x->anon - pages;
		snprintf(linux_side, sizeof(linux_side),
			 "%" PRIx64 "-%" PRIx64 " %" PRIu64 " private pages",
			 x->start, x->end, x->anon);
		snprintf(pagerd_side, sizeof(pagerd_side),
			 "%" PRIx64 "-%" PRIx64 " %" PRIu64
			 " private pages (%" PRIu64 " of them zero)",
			 x->start, x->end, pages, found[i].zero);
		difference_add(p, linux_side, pagerd_side);
	}
	free(found);
	return m->stream->lost ? -1 : 0;
}

static int measure(struct machine *m, struct proc *p)
{
	struct pager_req_space r = {.space = p->space};
	struct pager_rep_space_info info = {0};

	if (p->space)
		stream_ask(m->stream, PAGER_CALL_SPACE_INFO, &r, sizeof(r),
			   &info, sizeof(info));
	p->regions = info.regions;
	p->private_pages = info.anon + info.zero;
	return m->stream->lost ? -1 : 0;
}

int verify_process(struct machine *m, struct proc *p)
{
	struct pager_row_region *rows = NULL;
	size_t count = 0;
	char text[64];

	if (!m->options->verify)
		return measure(m, p);
	if (order_endings(m, p) < 0)
		return -1;
	if (p->space &&
	    regions_within(m, p->space, 0, UINT64_MAX, &rows, &count) < 0)
		return -1;
	p->regions = count;
	if (p->ending_count == 0) {
		free(rows);
		snprintf(text, sizeof(text), "%zu regions", count);
		difference_add(p, "no end lines: nothing to compare with",
			       text);
		return measure(m, p);
	}
	compare_mappings(p, rows, count);
	free(rows);
	return compare_private(m, p);
}
