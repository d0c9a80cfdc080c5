/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A picture of a forked pair: the private memory of a child just before it
 * ends, and the same addresses of its parent, page by page as pagerd's PAGE
 * tells them. What each page's frame was right after the fork is remembered,
 * so that it shows who copied.
 *
 *	shared	both reach the same frame: nobody wrote to it since
 *	kept	the frame of the fork, which the other one has left
 *	copied	a frame of its own, copied by a write or new since the fork
 *	zero	the one zero frame, until somebody writes
 *	file	borrowed from a file's object
 *
 * Of all pairs of a recording the one with the most to show is kept.
 */
#include <err.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/replay/replay.h"

#define WIDTH	       64     /* cells in a row */
#define ROWS_MAX       6      /* regions shown */
#define PAGES_MAX      65536u /* pages looked at, for one pair */
#define CANDIDATES_MAX 64     /* pairs looked at, for one recording */

/* Of a page; the last one only of a cell: copied pages and others. */
enum state {
	EMPTY,
	SHARED,
	KEPT,
	COPIED,
	ZERO,
	FILE_PAGE,
	STATES,
	MIXED = STATES
};

/* A stretch of the child as it was right after the fork. */
struct before {
	struct before *next;
	uint64_t start;
	uint64_t pages;
	uint64_t frame[]; /* physical addresses; 0: no private frame */
};

struct strip {
	uint64_t start;
	uint64_t pages;
	uint64_t per_cell;
	unsigned int cells;
	uint32_t flags; /* PAGER_REGION_* */
	uint32_t prot;
	uint64_t copied; /* pages that one of them copied */
	uint64_t shared; /* pages that both reach */
	unsigned char parent[WIDTH];
	unsigned char child[WIDTH];
};

struct picture {
	uint64_t score;
	uint32_t parent_pid;
	uint32_t child_pid;
	char program[NAME_SIZE];
	uint64_t count[2][STATES]; /* pages of parent and child */
	struct strip strips[ROWS_MAX];
	unsigned int strip_count;
	unsigned int candidates;
};

void picture_free(struct picture *picture)
{
	free(picture);
}

struct picture *picture_better(struct picture *a, struct picture *b)
{
	if (!a || (b && b->score > a->score)) {
		free(a);
		return b;
	}
	free(b);
	return a;
}

static uint64_t frame_before(const struct before *list, uint64_t addr)
{
	for (; list; list = list->next)
		if (addr >= list->start &&
		    addr < list->start + list->pages * PAGE)
			return list->frame[(addr - list->start) / PAGE];
	return 0;
}

static enum state state_of(const struct pager_rep_page *mine,
			   const struct pager_rep_page *other, uint64_t before)
{
	switch (mine->type) {
	case PAGER_PAGE_ANON:
		if (other->type == PAGER_PAGE_ANON && mine->pa == other->pa)
			return SHARED;
		return mine->pa == before ? KEPT : COPIED;
	case PAGER_PAGE_ZERO:
		return ZERO;
	case PAGER_PAGE_OBJECT:
		return FILE_PAGE;
	default:
		return EMPTY;
	}
}

/* What a cell of several pages shows: that some of them are copied, else what
 * most of them are. */
static enum state cell_state(const uint64_t count[STATES], uint64_t pages)
{
	enum state best = EMPTY;

	if (count[COPIED] > 0)
		return count[COPIED] == pages ? COPIED : MIXED;
	for (enum state s = EMPTY; s < STATES; s++)
		if (count[s] > count[best])
			best = s;
	return best;
}

static void ask_pages(struct machine *m, uint64_t space, uint64_t start,
		      uint64_t pages, struct pager_rep_page *out)
{
	struct note note = {.kind = NOTE_QUIET, .out_len = sizeof(*out)};

	for (uint64_t i = 0; i < pages; i++) {
		struct pager_req_addr r = {space, start + i * PAGE};

		note.out = &out[i];
		stream_add(m->stream, PAGER_CALL_PAGE, &r, sizeof(r), &note);
	}
}

static void draw_strip(struct picture *pic, struct strip *strip,
		       const struct before *before,
		       const struct pager_rep_page *parent,
		       const struct pager_rep_page *child)
{
	strip->per_cell = (strip->pages + WIDTH - 1) / WIDTH;
	for (uint64_t i = 0; i < strip->pages; strip->cells++) {
		uint64_t count[2][STATES] = {0};
		uint64_t from = i;

		for (; i < from + strip->per_cell && i < strip->pages; i++) {
			uint64_t frame =
			    frame_before(before, strip->start + i * PAGE);

			count[0][state_of(&parent[i], &child[i], frame)]++;
			count[1][state_of(&child[i], &parent[i], frame)]++;
		}
		strip->parent[strip->cells] =
		    (unsigned char)cell_state(count[0], i - from);
		strip->child[strip->cells] =
		    (unsigned char)cell_state(count[1], i - from);
		strip->copied += count[0][COPIED] + count[1][COPIED];
		strip->shared += count[1][SHARED];
		for (enum state s = EMPTY; s < STATES; s++) {
			pic->count[0][s] += count[0][s];
			pic->count[1][s] += count[1][s];
		}
	}
}

/* Keep the strips with the most copied pages, then the most shared ones. */
static void keep_strip(struct picture *pic, const struct strip *strip)
{
	unsigned int worst = 0;

	if (pic->strip_count < ROWS_MAX) {
		pic->strips[pic->strip_count++] = *strip;
		return;
	}
	for (unsigned int i = 1; i < ROWS_MAX; i++) {
		const struct strip *a = &pic->strips[i];
		const struct strip *b = &pic->strips[worst];

		if (a->copied < b->copied ||
		    (a->copied == b->copied && a->shared < b->shared))
			worst = i;
	}
	if (strip->copied < pic->strips[worst].copied ||
	    (strip->copied == pic->strips[worst].copied &&
	     strip->shared <= pic->strips[worst].shared))
		return;
	/* The rest moves up, so that addresses stay in order. */
	memmove(&pic->strips[worst], &pic->strips[worst + 1],
		(ROWS_MAX - 1 - worst) * sizeof(*strip));
	pic->strips[ROWS_MAX - 1] = *strip;
}

static void look_at(struct machine *m, struct picture *pic,
		    const struct pager_row_region *row,
		    const struct proc *parent, const struct proc *child)
{
	struct strip strip = {
	    .start = row->start,
	    .pages = (row->end - row->start) / PAGE,
	    .flags = row->flags,
	    .prot = row->prot,
	};
	struct pager_rep_page *pages = calloc(strip.pages * 2, sizeof(*pages));

	if (!pages)
		err(2, "picture");
	ask_pages(m, parent->space, strip.start, strip.pages, pages);
	ask_pages(m, child->space, strip.start, strip.pages,
		  pages + strip.pages);
	stream_flush(m->stream);
	draw_strip(pic, &strip, child->before, pages, pages + strip.pages);
	if (strip.copied > 0 || strip.shared > 0)
		keep_strip(pic, &strip);
	free(pages);
}

/* Private regions with pages in them, as many as the budget allows. */
static size_t private_regions(struct machine *m, const struct proc *p,
			      struct pager_row_region **rows)
{
	uint64_t budget = PAGES_MAX;
	size_t count, kept = 0;

	if (regions_within(m, p->space, 0, UINT64_MAX, rows, &count) < 0)
		return 0;
	for (size_t i = 0; i < count; i++) {
		const struct pager_row_region *row = &(*rows)[i];
		uint64_t pages = (row->end - row->start) / PAGE;

		if (row->flags & PAGER_REGION_SHARED ||
		    row->anon + row->zero == 0 || pages > budget)
			continue;
		budget -= pages;
		(*rows)[kept++] = *row;
	}
	return kept;
}

static bool enough(const struct machine *m)
{
	return m->picture && m->picture->candidates == CANDIDATES_MAX;
}

void picture_remember(struct machine *m, struct proc *child)
{
	struct pager_row_region *rows;
	size_t count;

	if (enough(m))
		return;
	count = private_regions(m, child, &rows);
	for (size_t i = 0; i < count; i++) {
		uint64_t pages = (rows[i].end - rows[i].start) / PAGE;
		struct pager_rep_page *found = calloc(pages, sizeof(*found));
		struct before *b =
		    calloc(1, sizeof(*b) + pages * sizeof(b->frame[0]));

		if (!found || !b)
			err(2, "picture");
		ask_pages(m, child->space, rows[i].start, pages, found);
		stream_flush(m->stream);
		b->next = child->before;
		b->start = rows[i].start;
		b->pages = pages;
		for (uint64_t n = 0; n < pages; n++)
			if (found[n].type == PAGER_PAGE_ANON)
				b->frame[n] = found[n].pa;
		child->before = b;
		free(found);
	}
	free(rows);
}

void picture_forget(struct proc *p)
{
	while (p->before) {
		struct before *next = p->before->next;

		free(p->before);
		p->before = next;
	}
}

void picture_consider(struct machine *m, struct proc *child,
		      struct proc *parent)
{
	unsigned int candidates = m->picture ? m->picture->candidates : 0;
	struct pager_row_region *rows;
	struct picture *pic;
	uint64_t copied, shared;
	size_t count;

	if (enough(m))
		return;
	pic = calloc(1, sizeof(*pic));
	if (!pic)
		err(2, "picture");
	pic->parent_pid = parent->pid;
	pic->child_pid = child->pid;
	printable(child->name, pic->program, sizeof(pic->program));
	count = private_regions(m, child, &rows);
	for (size_t i = 0; i < count; i++)
		look_at(m, pic, &rows[i], parent, child);
	free(rows);
	copied = pic->count[0][COPIED] + pic->count[1][COPIED];
	shared = pic->count[1][SHARED];
	pic->score = copied < shared ? copied : shared;
	m->picture = picture_better(m->picture, pic);
	m->picture->candidates = candidates + 1;
}

struct look {
	const char *utf8;
	const char *ascii;
	const char *colour;
	const char *word;
};

static const struct look looks[] = {
    [EMPTY] = {"\u00b7", ".", "\033[2m", "nothing"},
    [SHARED] = {"\u2588", "#", "\033[34m", "shared"},
    [KEPT] = {"\u2593", "k", "\033[32m", "kept: the other one has copied"},
    [COPIED] = {"\u2591", "C", "\033[33m", "copied, or new since the fork"},
    [ZERO] = {"0", "0", "\033[36m", "the zero page"},
    [FILE_PAGE] = {"f", "f", "\033[2m", "borrowed from a file"},
    [MIXED] = {"\u2592", "c", "\033[33m", "some copied (a cell of several)"},
};

static void print_cell(FILE *out, enum state s, bool colour, bool utf8)
{
	fprintf(out, "%s%s%s", colour ? looks[s].colour : "",
		utf8 ? looks[s].utf8 : looks[s].ascii, colour ? "\033[0m" : "");
}

static const char *strip_name(const struct strip *strip)
{
	if (strip->flags & PAGER_REGION_HEAP)
		return "heap";
	if (strip->flags & PAGER_REGION_GROWSDOWN)
		return "stack";
	return strip->flags & PAGER_REGION_OBJECT ? "file" : "anonymous";
}

static void print_strip(const struct strip *strip, FILE *out, bool colour,
			bool utf8)
{
	char n[2][GROUPED_SIZE];

	fprintf(out, "\n  %" PRIx64 " %c%c%c %s, %s page%s", strip->start,
		strip->prot & PAGER_PROT_READ ? 'r' : '-',
		strip->prot & PAGER_PROT_WRITE ? 'w' : '-',
		strip->prot & PAGER_PROT_EXEC ? 'x' : '-', strip_name(strip),
		grouped(strip->pages, n[0]), strip->pages == 1 ? "" : "s");
	if (strip->per_cell > 1)
		fprintf(out, ", %s to a cell", grouped(strip->per_cell, n[1]));
	fputs("\n    parent ", out);
	for (unsigned int i = 0; i < strip->cells; i++)
		print_cell(out, strip->parent[i], colour, utf8);
	fputs("\n    child  ", out);
	for (unsigned int i = 0; i < strip->cells; i++)
		print_cell(out, strip->child[i], colour, utf8);
	putc('\n', out);
}

void picture_print(const struct picture *picture, FILE *out, bool colour,
		   bool utf8)
{
	char n[2][GROUPED_SIZE];

	fprintf(out,
		"\nA forked pair of %s: process %u and its child %u, just "
		"before the child ends\n",
		picture->program, picture->parent_pid, picture->child_pid);
	for (unsigned int i = 0; i < picture->strip_count; i++)
		print_strip(&picture->strips[i], out, colour, utf8);
	fputs(
	    "\n                                      parent     child  pages\n",
	    out);
	for (enum state s = SHARED; s < STATES; s++) {
		fputs("    ", out);
		print_cell(out, s, colour, utf8);
		fprintf(out, " %-30s %8s  %8s\n", looks[s].word,
			grouped(picture->count[0][s], n[0]),
			grouped(picture->count[1][s], n[1]));
	}
	fputs("    ", out);
	print_cell(out, MIXED, colour, utf8);
	fprintf(out, " %s\n\n", looks[MIXED].word);
}
