/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mremap.
 *
 * Where Linux chose the new place itself, a mapping is put there first that
 * replaces nothing: if that is refused, pagerd has something where Linux had
 * room. The move then replaces it.
 *
 * Linux counts mappings, pagerd regions, and they need not be cut the same
 * way; Linux 6.17 moves several mappings at once, holes included. So what
 * pagerd does not move as one is moved piece by piece.
 */
#include <stdlib.h>

#include "tools/replay/replay.h"

#define LINUX_MREMAP_FIXED     UINT64_C(0x2)
#define LINUX_MREMAP_DONTUNMAP UINT64_C(0x4)

struct move {
	uint64_t from;
	uint64_t len;
	uint64_t to;
	uint64_t new_len;
	uint32_t flags; /* PAGER_REMAP_* */
};

int regions_within(struct machine *m, uint64_t space, uint64_t start,
		   uint64_t end, struct pager_row_region **rows, size_t *count)
{
	struct pager_list *list;
	struct pager_row_region row;
	size_t room = 0;
	int ret;

	*rows = NULL;
	*count = 0;
	stream_flush(m->stream);
	if (m->stream->lost)
		return -1;
	list = pager_list_regions(m->stream->pager, space, 0);
	m->stream->requests++;
	while ((ret = pager_list_next(list, &row, sizeof(row))) > 0) {
		uint64_t last = row.end - 1;

		if (last < start)
			continue;
		if (row.start >= end)
			break;
		if (*count == room) {
			room = room ? room * 2 : 64;
			*rows = reallocarray(*rows, room, sizeof(**rows));
			if (!*rows)
				abort();
		}
		if (row.start < start) {
			row.offset += start - row.start;
			row.start = start;
		}
		if (last >= end)
			row.end = end;
		(*rows)[(*count)++] = row;
	}
	pager_list_free(list);
	if (ret < 0) {
		m->stream->lost |= ret != PAGER_REFUSED;
		free(*rows);
		*rows = NULL;
		*count = 0;
		return -1;
	}
	return 0;
}

static uint16_t ask_remap(struct machine *m, struct proc *p,
			  const struct move *v)
{
	struct pager_req_remap r = {
	    .space = p->space,
	    .addr = v->from,
	    .len = v->len,
	    .new_len = v->new_len,
	    .new_addr = v->flags & PAGER_REMAP_FIXED ? v->to : 0,
	    .flags = v->flags,
	};

	return stream_ask(m->stream, PAGER_CALL_REMAP, &r, sizeof(r), NULL, 0);
}

static void unmap(struct machine *m, struct proc *p, uint64_t start,
		  uint64_t len, const struct note *note)
{
	struct pager_req_range r = {p->space, start, len};

	stream_add(m->stream, PAGER_CALL_UNMAP, &r, sizeof(r), note);
}

/* The move region by region; the last one takes the growth. */
static uint16_t move_pieces(struct machine *m, struct proc *p, struct move v,
			    const struct note *note)
{
	struct pager_row_region *rows;
	uint16_t error = PAGER_EUNMAPPED;
	uint64_t end;
	size_t count;

	if (v.new_len < v.len) {
		unmap(m, p, v.from + v.new_len, v.len - v.new_len, note);
		v.len = v.new_len;
		if (!(v.flags & PAGER_REMAP_FIXED))
			return PAGER_OK;
	}
	end = v.from + v.len;
	if (regions_within(m, p->space, v.from, end, &rows, &count) < 0)
		return STREAM_LOST;
	for (size_t i = 0; i < count; i++) {
		struct move piece = {
		    .from = rows[i].start,
		    .len = rows[i].end - rows[i].start,
		    .to = rows[i].start - v.from + v.to,
		    .flags = v.flags,
		};

		piece.new_len = piece.len;
		if (rows[i].end == end)
			piece.new_len += v.new_len - v.len;
		error = PAGER_OK;
		if (piece.new_len != piece.len || v.flags & PAGER_REMAP_FIXED)
			error = ask_remap(m, p, &piece);
		if (error)
			break;
	}
	free(rows);
	return error;
}

/* A place that nothing is mapped at yet, for the move to replace. */
static void reserve(struct machine *m, struct proc *p, const struct move *v,
		    const struct note *note)
{
	struct pager_req_map r = {
	    .space = p->space,
	    .addr = v->to,
	    .len = v->new_len,
	    .flags =
		PAGER_MAP_FIXED | PAGER_MAP_NOREPLACE | PAGER_MAP_NORESERVE,
	};

	stream_add(m->stream, PAGER_CALL_MAP, &r, sizeof(r), note);
}

static void move_guards(struct proc *p, const struct move *v)
{
	uint64_t kept = v->len < v->new_len ? v->len : v->new_len;

	if (p->guards.count == 0)
		return;
	if (v->len > v->new_len)
		ranges_remove(&p->guards, v->from + v->new_len,
			      v->from + v->len);
	if (v->flags & PAGER_REMAP_FIXED) {
		ranges_remove(&p->guards, v->to, v->to + v->new_len);
		ranges_move(&p->guards, v->from, v->from + kept, v->to);
	}
}

void call_mremap(struct machine *m, struct proc *p, const struct trace_event *e)
{
	struct move v = {
	    .from = e->addr,
	    .len = page_up(e->len),
	    .to = e->result,
	    .new_len = page_up(e->new_len),
	};
	struct note note = note_event(p, e);
	struct pager_reply refusal = {.call = PAGER_CALL_REMAP};
	bool chosen = !(e->flags & LINUX_MREMAP_FIXED);

	if (trace_is_errno(e->result))
		return;
	if (v.to != v.from)
		v.flags = PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED;
	else if (v.len == v.new_len)
		return;
	if (v.flags && e->flags & LINUX_MREMAP_DONTUNMAP)
		v.flags |= PAGER_REMAP_DONTUNMAP;

	if (v.flags && chosen)
		reserve(m, p, &v, &note);
	refusal.error = ask_remap(m, p, &v);
	if (refusal.error && v.len > 0)
		refusal.error = move_pieces(m, p, v, &note);
	if (refusal.error) {
		note_refusal(p, e->text, &refusal);
		if (v.flags && chosen)
			unmap(m, p, v.to, v.new_len,
			      &(struct note){.kind = NOTE_QUIET});
	}
	move_guards(p, &v);
}
