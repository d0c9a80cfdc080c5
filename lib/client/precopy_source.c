/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A source that is a space: its log, and its pages by PEEK. Several requests
 * are under way at a time. A stretch of the log is cleared and read in one go:
 * requests of a connection are served in their order, so all of it is read
 * after it was cleared.
 */
#include "lib/client/internal.h"
#include "lib/client/precopy_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FLIGHTS 16u

struct object_row {
	uint64_t id;
	uint64_t pages;
};

struct pc_source_space {
	struct pager *pager;
	uint64_t space;
	uint64_t log;
	uint32_t pause_ms;
	bool paused;
	struct object_row *objects; /* those with a handle that is known */
	size_t object_count;
	uint64_t buffer[PAGER_DATA_MAX / 8];
};

struct pc_source_space *pc_source_space_new(struct pager *pager, uint64_t space,
					    uint32_t pause_ms)
{
	struct pc_source_space *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->pager = pager;
	s->space = space;
	s->pause_ms = pause_ms;
	return s;
}

void pc_source_space_free(struct pc_source_space *s)
{
	if (!s)
		return;
	free(s->objects);
	free(s);
}

/* --- what there is ---------------------------------------------------------
 */

int pc_space_regions(struct pager *pager, uint64_t space, struct pc_list *out)
{
	struct pager_list *list = pager_list_regions(pager, space, 0);
	struct pager_row_region row;
	uint64_t before = 0;
	int ret;

	while ((ret = pager_list_next(list, &row, sizeof(row))) > 0) {
		struct pc_region r = {
		    .start = pc_vpn(row.start),
		    .end = pc_vpn_end(row.end),
		    .object = row.object,
		    .offset = row.offset >> PAGER_PAGE_SHIFT,
		    .prot = row.prot,
		    .flags = row.flags,
		};

		if (r.start >= r.end) {
			ret = client_broken(pager, "a region of no pages");
			break;
		}
		/* A list of several messages: regions changed in between. */
		if (r.end <= before)
			continue;
		if (r.start < before) {
			if (r.object)
				r.offset += before - r.start;
			r.start = before;
		}
		before = r.end;
		if (!pc_list_add(out, &r)) {
			ret = client_misuse(pager, ENOMEM, "a list of regions");
			break;
		}
	}
	pager_list_free(list);
	return ret;
}

int pc_space_look(struct pager *pager, uint64_t space, uint32_t what,
		  uint64_t vpn, uint64_t end, uint8_t *buf, struct pc_look *out,
		  uint64_t *unbacked)
{
	struct pager_rep_peek got;
	int ret = pager_call_peek(pager, space, pc_va(vpn),
				  (end - vpn) << PAGER_PAGE_SHIFT, what, buf,
				  PAGER_DATA_MAX, &got);

	if (ret < 0)
		return ret;
	out->first = pc_vpn(got.addr);
	out->pages = got.len >> PAGER_PAGE_SHIFT;
	out->next = pc_vpn_end(got.next);
	if (out->pages == 0)
		out->first = out->next;
	if (out->first < vpn || out->next <= vpn || out->next > end ||
	    out->pages > out->next - out->first)
		return client_broken(pager, "a peek that makes no sense");
	if (unbacked)
		*unbacked = got.unbacked ? pc_vpn(got.unbacked) : end;
	return 0;
}

static int info(void *ctx, struct pager_rep_space_info *out)
{
	struct pc_source_space *s = ctx;

	return pager_call_space_info(s->pager, s->space, out);
}

static int list_objects(struct pc_source_space *s)
{
	struct pager_list *list = pager_list_objects(s->pager);
	struct pager_row_object row;
	size_t room = 0;
	int ret;

	free(s->objects);
	s->objects = NULL;
	s->object_count = 0;
	while ((ret = pager_list_next(list, &row, sizeof(row))) > 0) {
		if (s->object_count == room) {
			struct object_row *more;

			room = room ? room * 2 : 16;
			more = realloc(s->objects, room * sizeof(*more));
			if (!more) {
				ret = client_misuse(s->pager, ENOMEM,
						    "a list of objects");
				break;
			}
			s->objects = more;
		}
		s->objects[s->object_count++] = (struct object_row){
		    .id = row.id, .pages = row.size >> PAGER_PAGE_SHIFT};
	}
	pager_list_free(list);
	return ret;
}

static int regions(void *ctx, struct pc_list *out)
{
	struct pc_source_space *s = ctx;
	int ret = pc_space_regions(s->pager, s->space, out);

	for (size_t i = 0; ret == 0 && i < out->count; i++)
		if (out->at[i].object)
			return list_objects(s);
	return ret;
}

static int object_size(void *ctx, uint64_t object, uint64_t *pages)
{
	struct pc_source_space *s = ctx;

	*pages = UINT64_MAX;
	for (size_t i = 0; i < s->object_count; i++)
		if (s->objects[i].id == object)
			*pages = s->objects[i].pages;
	return 0;
}

static int unbacked(void *ctx, uint64_t vpn, uint64_t end, uint64_t *out)
{
	struct pc_source_space *s = ctx;
	struct pc_look got = {.next = vpn};

	*out = end;
	while (got.next < end && *out == end) {
		int ret = pc_space_look(s->pager, s->space, PAGER_PEEK_OBJECT,
					got.next, end, (uint8_t *)s->buffer,
					&got, out);

		if (ret < 0)
			return ret;
	}
	return 0;
}

static int look(void *ctx, uint64_t vpn, uint64_t end, uint8_t *buf,
		struct pc_look *out)
{
	struct pc_source_space *s = ctx;

	return pc_space_look(s->pager, s->space, PAGER_PEEK_ALL, vpn, end, buf,
			     out, NULL);
}

/* --- the log ---------------------------------------------------------------
 */

static int log_start(void *ctx, uint32_t method, uint64_t *first,
		     uint64_t *pages)
{
	struct pc_source_space *s = ctx;
	struct pager_req_dirty_start r = {
	    .space = s->space, .method = method, .flags = PAGER_DIRTY_MANUAL};
	struct pager_rep_dirty_info got;
	int ret = pager_call_dirty_start(s->pager, &r, &s->log);

	if (ret < 0)
		return ret;
	ret = pager_call_dirty_info(s->pager, s->log, &got);
	if (ret < 0) {
		pager_call_dirty_stop(s->pager, s->log);
		return ret;
	}
	*first = pc_vpn(got.addr);
	*pages = got.len >> PAGER_PAGE_SHIFT;
	return 0;
}

static void log_stop(void *ctx)
{
	struct pc_source_space *s = ctx;

	pager_call_dirty_stop(s->pager, s->log);
}

static int dirty(void *ctx, uint64_t first, uint64_t pages,
		 struct pager_rep_dirty_got *got, uint64_t *words)
{
	struct pc_source_space *s = ctx;

	return pager_call_dirty_get(s->pager, s->log, first, pages, 0, words,
				    PAGER_MSG_MAX / 8, got);
}

/* --- pages -----------------------------------------------------------------
 */

/* Requests under way; the oldest is waited for first. */
struct flight {
	uint64_t seq;
	const struct pc_extent *extent;
	uint64_t start;
	uint64_t end;
	bool open; /* as far as there is something, to the extent's end */
};

struct flights {
	struct pc_source_space *source;
	struct flight at[FLIGHTS];
	unsigned int first;
	unsigned int count;
	/* What is sent next. */
	const struct pc_extent *extents;
	size_t left;
	uint64_t pos;
	bool dense; /* pages were found: then ask for several runs at once */
	bool wait;  /* an open one is under way: only it knows where to go on */
};

static int launch(struct flights *f, const struct pc_extent *e, uint64_t start,
		  uint64_t end, bool open)
{
	struct flight *n = &f->at[(f->first + f->count) % FLIGHTS];
	struct pager_req_peek r = {
	    .space = f->source->space,
	    .addr = pc_va(start),
	    .len = (end - start) << PAGER_PAGE_SHIFT,
	    .what = e->object ? PAGER_PEEK_OBJECT : PAGER_PEEK_OWN,
	};
	int ret;

	*n = (struct flight){
	    .extent = e, .start = start, .end = end, .open = open};
	ret = pager_submit(f->source->pager, PAGER_CALL_PEEK, &r, sizeof(r),
			   NULL, 0, &n->seq);
	if (ret == 0)
		f->count++;
	return ret;
}

static int launch_more(struct flights *f)
{
	int ret = 0;

	while (ret == 0 && f->count < FLIGHTS && f->left > 0 && !f->wait) {
		const struct pc_extent *e = f->extents;
		uint64_t end = e->end;

		if (f->pos < e->start)
			f->pos = e->start;
		f->wait = end - f->pos > PC_RUN_PAGES && !f->dense;
		if (!f->wait && end - f->pos > PC_RUN_PAGES)
			end = f->pos + PC_RUN_PAGES;
		ret = launch(f, e, f->pos, end, f->wait);
		f->pos = end;
		if (f->pos < e->end || f->wait)
			continue;
		f->extents++;
		f->left--;
		f->pos = 0;
	}
	return ret;
}

/* What a reply says of a stretch, to the sink. *next: where the stretch goes
 * on. */
static int land(struct flights *f, const struct flight *l,
		const struct pager_reply *reply, pc_sink_fn *sink, void *ctx,
		uint64_t *next)
{
	const struct pc_extent *e = l->extent;
	const struct pc_region *r = e->region;
	struct pager_rep_peek got;
	uint64_t first, pages;
	bool moved;
	int ret = 0;

	memcpy(&got, reply->body, sizeof(got));
	pages = got.len >> PAGER_PAGE_SHIFT;
	*next = pc_vpn_end(got.next);
	first = pages ? pc_vpn(got.addr) : *next;
	if (first < l->start || *next <= l->start || *next > l->end ||
	    pages > *next - first || got.len != reply->data_len ||
	    got.len > sizeof(f->source->buffer))
		return client_broken(f->source->pager,
				     "a peek that makes no sense");
	f->dense = pages == PC_RUN_PAGES || (f->dense && pages > 0);
	if (pages)
		memcpy(f->source->buffer, reply->data, reply->data_len);
	if (first > l->start && !e->fresh)
		ret = sink(ctx, e, l->start, first - l->start, NULL);
	/* Something else is mapped there by now: the next list of regions has
	 * it, and all of it is copied then. */
	moved = got.object != r->object ||
		(r->object && got.offset >> PAGER_PAGE_SHIFT !=
				  r->offset + (first - r->start));
	if (ret == 0 && pages && !moved)
		ret = sink(ctx, e, first, pages,
			   (const uint8_t *)f->source->buffer);
	else if (ret == 0 && pages && e->object)
		ret = sink(ctx, e, first, pages, NULL);
	return ret;
}

static void drain(struct flights *f)
{
	for (; f->count > 0; f->count--, f->first = (f->first + 1) % FLIGHTS)
		pager_wait(f->source->pager, f->at[f->first].seq, NULL);
}

static int clear_submit(struct pc_source_space *s, const struct pc_clear *c,
			uint64_t *seq)
{
	struct pager_req_dirty_clear r = {
	    .log = s->log, .first = c->first, .pages = c->pages};

	return pager_submit(s->pager, PAGER_CALL_DIRTY_CLEAR, &r, sizeof(r),
			    c->words, (size_t)((c->pages + 63) / 64 * 8), seq);
}

static int take(void *ctx, const struct pc_clear *clear,
		const struct pc_extent *extents, size_t count, pc_sink_fn *sink,
		void *sink_ctx)
{
	struct flights f = {.source = ctx, .extents = extents, .left = count};
	struct pager *pager = f.source->pager;
	uint64_t cleared = 0, next = 0;
	struct pager_reply reply;
	int ret = clear ? clear_submit(f.source, clear, &cleared) : 0;
	int last;

	if (ret == 0)
		ret = launch_more(&f);
	if (cleared) {
		last = pager_wait(pager, cleared, NULL);
		ret = ret < 0 ? ret : last;
	}
	while (ret == 0 && f.count > 0) {
		struct flight l = f.at[f.first];

		f.first = (f.first + 1) % FLIGHTS;
		f.count--;
		ret = pager_wait(pager, l.seq, &reply);
		if (ret == 0)
			ret = land(&f, &l, &reply, sink, sink_ctx, &next);
		if (ret < 0)
			break;
		if (l.open) {
			f.wait = false;
			f.pos = next;
			if (next == l.end) {
				f.extents++;
				f.left--;
				f.pos = 0;
			}
		} else if (next < l.end) {
			ret = launch(&f, l.extent, next, l.end, false);
		}
		if (ret == 0)
			ret = launch_more(&f);
	}
	drain(&f);
	return ret;
}

/* --- stopping --------------------------------------------------------------
 */

/* A space of the same session is written by nobody else. */
static int stop(void *ctx)
{
	struct pc_source_space *s = ctx;
	int ret = pager_call_space_pause(s->pager, s->space, s->pause_ms);

	if (ret == PAGER_REFUSED && pager_error(s->pager) == PAGER_EINVAL &&
	    strcmp(pager_field_name(s->pager), "space") == 0)
		return 1;
	s->paused = ret == 0;
	return ret;
}

static int resume(void *ctx)
{
	struct pc_source_space *s = ctx;

	if (!s->paused)
		return 0;
	s->paused = false;
	return pager_call_space_pause(s->pager, s->space, 0);
}

static const char *why(void *ctx)
{
	const struct pc_source_space *s = ctx;

	return pager_errstr(s->pager);
}

static uint64_t now_us(void *ctx)
{
	struct timespec t;

	(void)ctx;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

const struct pc_source_ops pc_source_space_ops = {
    .info = info,
    .regions = regions,
    .object_size = object_size,
    .log_start = log_start,
    .log_stop = log_stop,
    .dirty = dirty,
    .take = take,
    .unbacked = unbacked,
    .look = look,
    .stop = stop,
    .resume = resume,
    .why = why,
    .now_us = now_us,
};
