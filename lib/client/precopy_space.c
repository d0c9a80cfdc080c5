/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A target that is a space. Requests are sent without waiting for their
 * replies, which are looked at later: the connection keeps their order. What
 * was refused is told by the next function that looks.
 *
 * Pages of objects are written through a space of its own, the scratch, in
 * which every object is mapped shared; regions of the target may be private or
 * show only a part.
 */
#include "lib/client/internal.h"
#include "lib/client/precopy_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW 32u

#define RW (PAGER_PROT_READ | PAGER_PROT_WRITE)

struct object {
	uint64_t source; /* its id there */
	uint64_t id;	 /* and here */
	uint64_t handle;
	uint64_t pages;
	uint64_t addr; /* in the scratch */
};

struct pc_target_space {
	struct pager *pager;
	uint64_t space;
	uint64_t scratch;
	uint64_t brk_start;
	struct object *objects;
	size_t object_count;
	uint64_t sent[WINDOW];
	unsigned int first;
	unsigned int count;
	uint64_t buffer[PAGER_DATA_MAX / 8];
};

struct pc_target_space *pc_target_space_new(struct pager *pager)
{
	struct pc_target_space *t = calloc(1, sizeof(*t));

	if (t)
		t->pager = pager;
	return t;
}

void pc_target_space_free(struct pc_target_space *t)
{
	if (!t)
		return;
	free(t->objects);
	free(t);
}

/* --- requests under way ----------------------------------------------------
 */

static int wait_one(struct pc_target_space *t)
{
	uint64_t seq = t->sent[t->first];
	struct pager_reply reply;
	int ret = pager_wait(t->pager, seq, &reply);

	t->first = (t->first + 1) % WINDOW;
	t->count--;
	if (ret == 0 && reply.call == PAGER_CALL_WRITE) {
		struct pager_rep_access got;

		memcpy(&got, reply.body, sizeof(got));
		if (got.error) {
			size_t n;

			ret =
			    client_refused(t->pager, reply.call, got.error, 0);
			n = strlen(t->pager->text);
			snprintf(t->pager->text + n, sizeof(t->pager->text) - n,
				 " at 0x%llx, signal %u",
				 (unsigned long long)got.addr,
				 (unsigned int)got.signal);
		}
	}
	return ret;
}

static int send_one(struct pc_target_space *t, enum pager_call call,
		    const void *body, size_t body_len, const void *data,
		    size_t data_len)
{
	int ret = t->count == WINDOW ? wait_one(t) : 0;

	if (ret == 0)
		ret =
		    pager_submit(t->pager, call, body, body_len, data, data_len,
				 &t->sent[(t->first + t->count) % WINDOW]);
	if (ret == 0)
		t->count++;
	return ret;
}

static int flush(void *ctx)
{
	struct pc_target_space *t = ctx;
	int ret = 0;

	while (ret == 0 && t->count > 0)
		ret = wait_one(t);
	return ret;
}

static int send_range(struct pc_target_space *t, enum pager_call call,
		      uint64_t start, uint64_t end)
{
	struct pager_req_range r = {.space = t->space,
				    .addr = pc_va(start),
				    .len = (end - start) << PAGER_PAGE_SHIFT};

	return send_one(t, call, &r, sizeof(r), NULL, 0);
}

static int send_advice(struct pc_target_space *t, uint64_t start, uint64_t end,
		       uint32_t advice)
{
	struct pager_req_advise r = {.space = t->space,
				     .addr = pc_va(start),
				     .len = (end - start) << PAGER_PAGE_SHIFT,
				     .advice = advice};

	return send_one(t, PAGER_CALL_ADVISE, &r, sizeof(r), NULL, 0);
}

/* --- the space -------------------------------------------------------------
 */

static int begin(void *ctx, const struct pager_rep_space_info *info)
{
	struct pc_target_space *t = ctx;
	struct pager_req_space_create r = {
	    .backend = info->backend, .start = info->start, .end = info->end};
	int ret;

	memcpy(r.name, info->name, sizeof(r.name));
	ret = pager_call_space_create(t->pager, &r, &t->space);
	if (ret < 0)
		return ret;
	r = (struct pager_req_space_create){.name = "precopy"};
	return pager_call_space_create(t->pager, &r, &t->scratch);
}

static int clear(void *ctx)
{
	struct pc_target_space *t = ctx;
	struct pager_req_space r = {.space = t->space};

	t->brk_start = 0;
	return send_one(t, PAGER_CALL_SPACE_CLEAR, &r, sizeof(r), NULL, 0);
}

static int set_brk(void *ctx, uint64_t start, uint64_t brk)
{
	struct pc_target_space *t = ctx;
	struct pager_req_brk r = {
	    .space = t->space, .brk = start, .flags = PAGER_BRK_START};
	int ret = 0;

	if (!t->brk_start)
		ret = send_one(t, PAGER_CALL_BRK, &r, sizeof(r), NULL, 0);
	t->brk_start = start;
	r.brk = brk;
	r.flags = 0;
	if (ret == 0)
		ret = send_one(t, PAGER_CALL_BRK, &r, sizeof(r), NULL, 0);
	return ret;
}

static struct object *find(struct pc_target_space *t, uint64_t source)
{
	for (size_t i = 0; i < t->object_count; i++)
		if (t->objects[i].source == source)
			return &t->objects[i];
	return NULL;
}

static int map(void *ctx, const struct pc_region *region)
{
	static const struct {
		uint32_t region;
		uint32_t map;
	} flags[] = {
	    {PAGER_REGION_SHARED, PAGER_MAP_SHARED},
	    {PAGER_REGION_GROWSDOWN, PAGER_MAP_GROWSDOWN},
	    {PAGER_REGION_NORESERVE, PAGER_MAP_NORESERVE},
	};
	struct pc_target_space *t = ctx;
	struct pager_req_map r = {
	    .space = t->space,
	    .addr = pc_va(region->start),
	    .len = (region->end - region->start) << PAGER_PAGE_SHIFT,
	    .prot = RW,
	    .flags = PAGER_MAP_FIXED | PAGER_MAP_NOREPLACE,
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (region->flags & flags[i].region)
			r.flags |= flags[i].map;
	if (region->object) {
		const struct object *o = find(t, region->object);

		if (!o)
			return client_misuse(t->pager, EINVAL, "an object");
		r.object = o->handle;
		r.offset = region->offset << PAGER_PAGE_SHIFT;
	}
	return send_one(t, PAGER_CALL_MAP, &r, sizeof(r), NULL, 0);
}

static int unmap(void *ctx, uint64_t start, uint64_t end)
{
	return send_range(ctx, PAGER_CALL_UNMAP, start, end);
}

/* --- objects ---------------------------------------------------------------
 */

/* Map all of it in the scratch, where it was mapped before or not. */
static int object_map(struct pc_target_space *t, struct object *o)
{
	struct pager_req_map r = {.space = t->scratch,
				  .len = o->pages << PAGER_PAGE_SHIFT,
				  .prot = RW,
				  .flags = PAGER_MAP_SHARED,
				  .object = o->handle};

	o->addr = 0;
	return o->pages ? pager_call_map(t->pager, &r, &o->addr) : 0;
}

static int object_new(struct pc_target_space *t, uint64_t source,
		      uint64_t pages)
{
	struct pager_rep_object_info got;
	struct object *objects, *o;
	int ret;

	objects =
	    realloc(t->objects, (t->object_count + 1) * sizeof(*t->objects));
	if (!objects)
		return client_misuse(t->pager, ENOMEM, "a list of objects");
	t->objects = objects;
	o = &objects[t->object_count];
	*o = (struct object){.source = source, .pages = pages};
	ret = pager_call_object_create(t->pager, pages << PAGER_PAGE_SHIFT,
				       NULL, &o->handle);
	if (ret < 0)
		return ret;
	t->object_count++;
	ret = pager_call_object_info(t->pager, o->handle, &got);
	o->id = got.id;
	return ret < 0 ? ret : object_map(t, o);
}

static int object(void *ctx, uint64_t source, uint64_t pages)
{
	struct pc_target_space *t = ctx;
	struct object *o = find(t, source);
	int ret = flush(t);

	if (ret < 0)
		return ret;
	if (!o)
		return object_new(t, source, pages);
	if (o->pages == pages)
		return 0;
	ret = pager_call_object_resize(t->pager, o->handle,
				       pages << PAGER_PAGE_SHIFT);
	if (ret == 0 && o->pages)
		ret = pager_call_unmap(t->pager, t->scratch, o->addr,
				       o->pages << PAGER_PAGE_SHIFT);
	if (ret < 0)
		return ret;
	o->pages = pages;
	return object_map(t, o);
}

/* --- pages -----------------------------------------------------------------
 */

static int put(void *ctx, uint64_t source, uint64_t page, uint64_t pages,
	       const uint8_t *data)
{
	struct pc_target_space *t = ctx;
	struct pager_req_write r = {.space = t->space, .addr = pc_va(page)};

	if (source) {
		const struct object *o = find(t, source);

		if (!o || page >= o->pages)
			return 0; /* it has shrunk meanwhile */
		if (pages > o->pages - page)
			pages = o->pages - page;
		r.space = t->scratch;
		r.addr = o->addr + (page << PAGER_PAGE_SHIFT);
	}
	return send_one(t, PAGER_CALL_WRITE, &r, sizeof(r), data,
			pages << PAGER_PAGE_SHIFT);
}

/* What is there in a stretch of an object becomes zero. */
static int object_zero(struct pc_target_space *t, const struct object *o,
		       uint64_t page, uint64_t pages)
{
	uint64_t base = pc_vpn(o->addr), end;
	struct pc_look got;
	int ret;

	if (page >= o->pages)
		return 0;
	if (pages > o->pages - page)
		pages = o->pages - page;
	end = base + page + pages;
	got.next = base + page;
	while (got.next < end) {
		ret = pc_space_look(t->pager, t->scratch, PAGER_PEEK_OBJECT,
				    got.next, end, (uint8_t *)t->buffer, &got,
				    NULL);
		if (ret < 0)
			return ret;
		if (!got.pages)
			continue;
		memset(t->buffer, 0, got.pages << PAGER_PAGE_SHIFT);
		ret = put(t, o->source, got.first - base, got.pages,
			  (const uint8_t *)t->buffer);
		if (ret < 0)
			return ret;
	}
	return 0;
}

static int hole(void *ctx, uint64_t source, uint64_t page, uint64_t pages)
{
	struct pc_target_space *t = ctx;
	const struct object *o;

	if (!source)
		return send_advice(t, page, page + pages, PAGER_ADV_DONTNEED);
	o = find(t, source);
	return o ? object_zero(t, o, page, pages) : 0;
}

/* --- the end ---------------------------------------------------------------
 */

static int finish_region(struct pc_target_space *t, const struct pc_region *r)
{
	struct pager_req_protect p = {.space = t->space,
				      .addr = pc_va(r->start),
				      .len = (r->end - r->start)
					     << PAGER_PAGE_SHIFT,
				      .prot = r->prot};
	bool pin = r->flags & PAGER_REGION_PINNED;
	int ret = 0;

	if (r->flags & PAGER_REGION_DONTFORK)
		ret = send_advice(t, r->start, r->end, PAGER_ADV_DONTFORK);
	if (ret == 0 && r->flags & PAGER_REGION_WIPEONFORK)
		ret = send_advice(t, r->start, r->end, PAGER_ADV_WIPEONFORK);
	if (ret == 0 && pin && !r->prot)
		ret = send_range(t, PAGER_CALL_PIN, r->start, r->end);
	if (ret == 0 && r->prot != RW)
		ret = send_one(t, PAGER_CALL_PROTECT, &p, sizeof(p), NULL, 0);
	if (ret == 0 && pin && r->prot)
		ret = send_range(t, PAGER_CALL_PIN, r->start, r->end);
	return ret;
}

static int finish(void *ctx, const struct pc_list *list)
{
	struct pc_target_space *t = ctx;
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < list->count; i++)
		ret = finish_region(t, &list->at[i]);
	return ret == 0 ? flush(t) : ret;
}

/* With the source's ids of objects. */
static int regions(void *ctx, struct pc_list *out)
{
	struct pc_target_space *t = ctx;
	int ret = pc_space_regions(t->pager, t->space, out);

	for (size_t i = 0; ret == 0 && i < out->count; i++)
		for (size_t j = 0; j < t->object_count; j++)
			if (out->at[i].object == t->objects[j].id) {
				out->at[i].object = t->objects[j].source;
				break;
			}
	return ret;
}

static int look(void *ctx, uint64_t vpn, uint64_t end, uint8_t *buf,
		struct pc_look *out)
{
	struct pc_target_space *t = ctx;

	return pc_space_look(t->pager, t->space, PAGER_PEEK_ALL, vpn, end, buf,
			     out, NULL);
}

/* Objects live on in what maps them; the scratch goes. */
static int let_go(struct pc_target_space *t)
{
	int ret = flush(t), one;

	for (size_t i = 0; i < t->object_count; i++) {
		one = pager_call_object_close(t->pager, t->objects[i].handle);
		ret = ret < 0 ? ret : one;
	}
	t->object_count = 0;
	if (t->scratch) {
		one = pager_call_space_destroy(t->pager, t->scratch);
		ret = ret < 0 ? ret : one;
	}
	t->scratch = 0;
	return ret;
}

static int commit(void *ctx, uint64_t *space)
{
	struct pc_target_space *t = ctx;
	int ret = let_go(t);

	if (ret == 0)
		*space = t->space;
	return ret;
}

static void give_up(void *ctx)
{
	struct pc_target_space *t = ctx;

	while (t->count > 0 && wait_one(t) != PAGER_LOST)
		;
	t->count = 0;
	let_go(t);
	if (t->space)
		pager_call_space_destroy(t->pager, t->space);
	t->space = 0;
}

static const char *why(void *ctx)
{
	const struct pc_target_space *t = ctx;

	return pager_errstr(t->pager);
}

const struct pc_target_ops pc_target_space_ops = {
    .begin = begin,
    .object = object,
    .clear = clear,
    .brk = set_brk,
    .map = map,
    .unmap = unmap,
    .put = put,
    .hole = hole,
    .flush = flush,
    .finish = finish,
    .regions = regions,
    .look = look,
    .commit = commit,
    .abort = give_up,
    .why = why,
};
