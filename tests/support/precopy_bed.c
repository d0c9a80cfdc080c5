/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The source keeps its rules: what is written is dirty, what is dropped, moved
 * or replaced is dirty where it was and where it is.
 */
#include "tests/support/precopy_bed.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RW (PAGER_PROT_READ | PAGER_PROT_WRITE)

uint64_t precopy_below(struct precopy_bed *bed, uint64_t n)
{
	bed->random = bed->random * UINT64_C(6364136223846793005) + 1442695041;
	return (bed->random >> 33) % n;
}

static void mark(struct precopy_bed *bed, uint64_t vpn)
{
	uint64_t n = vpn - BED_FIRST;

	if (bed->logging)
		bed->dirty[n / 64] |= UINT64_C(1) << (n % 64);
}

static const struct pc_region *at(const struct bed_side *s, uint64_t vpn)
{
	size_t i = pc_list_find(&s->regions, vpn);

	return i < s->regions.count && s->regions.at[i].start <= vpn
		   ? &s->regions.at[i]
		   : NULL;
}

static uint64_t seen(const struct bed_side *s, uint64_t vpn)
{
	const struct pc_region *r = at(s, vpn);
	uint64_t page;

	if (!r)
		return 0;
	if (!(r->flags & PAGER_REGION_SHARED) && s->own[vpn])
		return s->own[vpn];
	if (!r->object)
		return 0;
	page = r->offset + (vpn - r->start);
	return page < s->sizes[r->object - 1] ? s->object[r->object - 1][page]
					      : 0;
}

void bed_write(struct precopy_bed *bed, uint64_t vpn)
{
	struct bed_side *s = &bed->from;
	const struct pc_region *r = at(s, vpn);
	uint64_t page, value = 1 + precopy_below(bed, 1u << 30);

	if (!r)
		return;
	if (!(r->flags & PAGER_REGION_SHARED)) {
		s->own[vpn] = value;
		mark(bed, vpn);
		return;
	}
	page = r->offset + (vpn - r->start);
	if (page >= s->sizes[r->object - 1])
		return;
	s->object[r->object - 1][page] = value;
	for (size_t i = 0; i < s->regions.count; i++) {
		const struct pc_region *o = &s->regions.at[i];

		if (o->object == r->object && o->flags & PAGER_REGION_SHARED &&
		    page >= o->offset && page - o->offset < o->end - o->start)
			mark(bed, o->start + (page - o->offset));
	}
}

void bed_drop(struct precopy_bed *bed, uint64_t start, uint64_t end)
{
	for (uint64_t v = start; v < end; v++) {
		if (bed->from.own[v])
			mark(bed, v);
		bed->from.own[v] = 0;
	}
}

void bed_unmap(struct precopy_bed *bed, uint64_t start, uint64_t end)
{
	bed_drop(bed, start, end);
	ck_assert(pc_list_cut(&bed->from.regions, start, end));
}

void bed_map(struct precopy_bed *bed, uint64_t start, uint64_t end,
	     uint32_t flags, uint64_t object, uint64_t offset)
{
	struct pc_region r = {.start = start,
			      .end = end,
			      .prot = RW,
			      .flags =
				  flags | (object ? PAGER_REGION_OBJECT : 0),
			      .object = object,
			      .offset = offset};

	bed_unmap(bed, start, end);
	ck_assert(pc_list_add(&bed->from.regions, &r));
}

void bed_protect(struct precopy_bed *bed, uint64_t start, uint64_t end,
		 uint32_t prot)
{
	struct pc_list *list = &bed->from.regions;
	struct pc_list mine = {0};

	for (uint64_t v = start; v < end;) {
		const struct pc_region *r = at(&bed->from, v);
		struct pc_region piece;

		if (!r) {
			v++;
			continue;
		}
		piece = *r;
		if (piece.object)
			piece.offset += v - piece.start;
		piece.start = v;
		if (piece.end > end)
			piece.end = end;
		piece.prot = prot;
		ck_assert(pc_list_add(&mine, &piece));
		v = piece.end;
	}
	ck_assert(pc_list_cut(list, start, end));
	for (size_t i = 0; i < mine.count; i++)
		ck_assert(pc_list_add(list, &mine.at[i]));
	pc_list_fini(&mine);
}

void bed_move(struct precopy_bed *bed, uint64_t start, uint64_t end,
	      uint64_t to)
{
	const struct pc_region *r = at(&bed->from, start);
	struct pc_region moved;

	if (!r || r->end < end)
		return;
	moved = *r;
	if (moved.object)
		moved.offset += start - moved.start;
	moved.start = to;
	moved.end = to + (end - start);
	moved.flags &= ~PAGER_REGION_HEAP;
	for (uint64_t v = start; v < end; v++) {
		uint64_t value = bed->from.own[v];

		bed->from.own[v] = 0;
		bed->from.own[to + (v - start)] = value;
		if (value) {
			mark(bed, v);
			mark(bed, to + (v - start));
		}
	}
	ck_assert(pc_list_cut(&bed->from.regions, start, end));
	ck_assert(pc_list_add(&bed->from.regions, &moved));
}

static uint64_t page_up(uint64_t bytes)
{
	return (bytes + 4095) >> 12;
}

void bed_brk(struct precopy_bed *bed, uint64_t brk)
{
	struct bed_side *s = &bed->from;
	uint64_t now, then = page_up(brk);

	if (!s->brk_start)
		s->brk_start = s->brk = (uint64_t)(BED_FIRST + 1000) << 12;
	now = page_up(s->brk);
	for (uint64_t v = now; v < then; v++)
		if (at(s, v))
			return;
	if (then < now)
		bed_unmap(bed, then, now);
	if (then > now)
		bed_map(bed, now, then, PAGER_REGION_HEAP, 0, 0);
	s->brk = brk;
}

/* --- what the algorithm asks -----------------------------------------------
 */

static int call(struct precopy_bed *bed)
{
	bed->now_us += 10;
	if (++bed->calls != bed->fails)
		return 0;
	bed->failed = true;
	errno = EIO;
	return PAGER_REFUSED;
}

static void moment(struct precopy_bed *bed)
{
	bed->moments++;
	if (bed->others && (!bed->stopped || bed->cheats))
		bed->others(bed);
}

static int info(void *ctx, struct pager_rep_space_info *out)
{
	struct precopy_bed *bed = ctx;

	*out = (struct pager_rep_space_info){.brk_start = bed->from.brk_start,
					     .brk = bed->from.brk};
	return call(bed);
}

static int regions_of(struct precopy_bed *bed, const struct bed_side *s,
		      struct pc_list *out)
{
	for (size_t i = 0; i < s->regions.count; i++)
		if (!pc_list_add(out, &s->regions.at[i]))
			return PAGER_MISUSE;
	return call(bed);
}

static int source_regions(void *ctx, struct pc_list *out)
{
	struct precopy_bed *bed = ctx;
	int ret = regions_of(bed, &bed->from, out);

	moment(bed);
	return ret;
}

static int target_regions(void *ctx, struct pc_list *out)
{
	struct precopy_bed *bed = ctx;

	return regions_of(bed, &bed->to, out);
}

static int object_size(void *ctx, uint64_t object, uint64_t *pages)
{
	struct precopy_bed *bed = ctx;

	*pages = object == 1 ? bed->from.sizes[0] : UINT64_MAX;
	return call(bed);
}

static int log_start(void *ctx, uint32_t method, uint64_t *first,
		     uint64_t *pages)
{
	struct precopy_bed *bed = ctx;

	if (call(bed) < 0 || method > PAGER_DIRTY_WRITE_PROTECT)
		return PAGER_REFUSED;
	bed->logging = true;
	*first = BED_FIRST;
	*pages = BED_PAGES;
	return 0;
}

static void log_stop(void *ctx)
{
	struct precopy_bed *bed = ctx;

	ck_assert(bed->logging);
	bed->logging = false;
}

static int dirty(void *ctx, uint64_t first, uint64_t pages,
		 struct pager_rep_dirty_got *got, uint64_t *words)
{
	struct precopy_bed *bed = ctx;
	uint64_t w = first / 64, end = (first + pages) / 64, n = 0;

	ck_assert_uint_eq(first % 64, 0);
	moment(bed);
	while (w < end && !bed->dirty[w])
		w++;
	for (; w + n < end && n < 7; n++)
		words[n] = bed->dirty[w + n];
	*got = (struct pager_rep_dirty_got){
	    .first = w * 64, .pages = n * 64, .next = (w + n) * 64};
	if (n == 0)
		got->first = first + pages - 1;
	return call(bed);
}

static uint64_t value_at(const struct bed_side *s, const struct pc_extent *e,
			 uint64_t vpn, bool *moved)
{
	const struct pc_region *r = at(s, vpn);
	uint64_t page;

	*moved = false;
	if (!r)
		return 0;
	page = r->offset + (vpn - r->start);
	*moved =
	    r->object != e->region->object ||
	    (r->object && page != e->region->offset + (vpn - e->region->start));
	if (!e->object)
		return r->flags & PAGER_REGION_SHARED ? 0 : s->own[vpn];
	if (!r->object)
		return 0;
	return page < s->sizes[r->object - 1] ? s->object[r->object - 1][page]
					      : 0;
}

static int take_extent(struct precopy_bed *bed, const struct pc_extent *e,
		       pc_sink_fn *sink, void *ctx)
{
	for (uint64_t v = e->start; v < e->end; v++) {
		uint64_t page[512] = {0};
		bool moved;
		int ret;

		if (v % 16 == 0)
			moment(bed);
		page[0] = page[511] = value_at(&bed->from, e, v, &moved);
		ret = call(bed);
		if (ret == 0 && page[0] && moved && !e->object)
			continue;
		if (ret == 0 && page[0])
			ret = sink(ctx, e, v, 1,
				   moved ? NULL : (const uint8_t *)page);
		else if (ret == 0 && !e->fresh)
			ret = sink(ctx, e, v, 1, NULL);
		if (ret < 0)
			return ret;
	}
	return 0;
}

static int take(void *ctx, const struct pc_clear *clear,
		const struct pc_extent *extents, size_t count, pc_sink_fn *sink,
		void *sink_ctx)
{
	struct precopy_bed *bed = ctx;

	moment(bed);
	for (uint64_t w = 0; clear && w < (clear->pages + 63) / 64; w++)
		bed->dirty[clear->first / 64 + w] &= ~clear->words[w];
	moment(bed);
	for (size_t i = 0; i < count; i++) {
		int ret = take_extent(bed, &extents[i], sink, sink_ctx);

		if (ret < 0)
			return ret;
	}
	return call(bed);
}

static int unbacked(void *ctx, uint64_t vpn, uint64_t end, uint64_t *out)
{
	struct precopy_bed *bed = ctx;

	for (*out = vpn; *out < end; (*out)++) {
		const struct pc_region *r = at(&bed->from, *out);

		if (r && r->object &&
		    r->offset + (*out - r->start) >=
			bed->from.sizes[r->object - 1])
			break;
	}
	return call(bed);
}

static int look_at(struct precopy_bed *bed, const struct bed_side *s,
		   uint64_t vpn, uint64_t end, uint8_t *buf,
		   struct pc_look *out)
{
	while (vpn < end && !seen(s, vpn))
		vpn++;
	out->first = vpn;
	out->pages = 0;
	for (; vpn < end && out->pages < PC_RUN_PAGES && seen(s, vpn); vpn++) {
		uint64_t value = seen(s, vpn);
		uint8_t *to = buf + out->pages++ * PAGER_PAGE_SIZE;

		memset(to, 0, PAGER_PAGE_SIZE);
		memcpy(to, &value, 8);
	}
	out->next = vpn;
	return call(bed);
}

static int source_look(void *ctx, uint64_t vpn, uint64_t end, uint8_t *buf,
		       struct pc_look *out)
{
	struct precopy_bed *bed = ctx;

	return look_at(bed, &bed->from, vpn, end, buf, out);
}

static int target_look(void *ctx, uint64_t vpn, uint64_t end, uint8_t *buf,
		       struct pc_look *out)
{
	struct precopy_bed *bed = ctx;

	return look_at(bed, &bed->to, vpn, end, buf, out);
}

static int stop(void *ctx)
{
	struct precopy_bed *bed = ctx;
	int ret = call(bed);

	ck_assert(!bed->stopped);
	bed->stopped = ret == 0;
	return ret;
}

static int resume(void *ctx)
{
	struct precopy_bed *bed = ctx;

	ck_assert(bed->stopped);
	bed->stopped = false;
	return 0;
}

static const char *why(void *ctx)
{
	(void)ctx;
	return "because";
}

static uint64_t now_us(void *ctx)
{
	return ((struct precopy_bed *)ctx)->now_us;
}

static const struct pc_source_ops source_ops = {
    .info = info,
    .regions = source_regions,
    .object_size = object_size,
    .log_start = log_start,
    .log_stop = log_stop,
    .dirty = dirty,
    .take = take,
    .unbacked = unbacked,
    .look = source_look,
    .stop = stop,
    .resume = resume,
    .why = why,
    .now_us = now_us,
};

static void nothing_mapped(const struct bed_side *s, uint64_t start,
			   uint64_t end)
{
	for (uint64_t v = start; v < end; v++)
		ck_assert_msg(!at(s, v), "page %u is mapped", (unsigned)v);
}

static int begin(void *ctx, const struct pager_rep_space_info *about)
{
	struct precopy_bed *bed = ctx;

	(void)about;
	bed->begun = true;
	return call(bed);
}

static int object(void *ctx, uint64_t id, uint64_t pages)
{
	struct precopy_bed *bed = ctx;

	ck_assert(id >= 1 && id <= BED_OBJECTS && pages <= BED_OPAGES);
	for (uint64_t p = pages; p < BED_OPAGES; p++)
		bed->to.object[id - 1][p] = 0;
	bed->to.sizes[id - 1] = pages;
	return call(bed);
}

static int clear(void *ctx)
{
	struct precopy_bed *bed = ctx;

	bed->to.regions.count = 0;
	bed->to.brk_start = bed->to.brk = 0;
	memset(bed->to.own, 0, sizeof(bed->to.own));
	return call(bed);
}

static int unmap(void *ctx, uint64_t start, uint64_t end)
{
	struct precopy_bed *bed = ctx;

	if (!pc_list_cut(&bed->to.regions, start, end))
		return PAGER_MISUSE;
	memset(bed->to.own + start, 0, (end - start) * 8);
	return call(bed);
}

static int map(void *ctx, const struct pc_region *region)
{
	struct precopy_bed *bed = ctx;
	struct pc_region r = *region;

	ck_assert(!(r.flags & PAGER_REGION_HEAP));
	nothing_mapped(&bed->to, r.start, r.end);
	r.flags &= PC_KIND;
	r.prot = RW;
	return pc_list_add(&bed->to.regions, &r) ? call(bed) : PAGER_MISUSE;
}

static int set_brk(void *ctx, uint64_t start, uint64_t brk)
{
	struct precopy_bed *bed = ctx;
	struct pc_region heap = {.flags = PAGER_REGION_HEAP, .prot = RW};

	if (!bed->to.brk_start)
		bed->to.brk_start = bed->to.brk = start;
	ck_assert_uint_eq(bed->to.brk_start, start);
	ck_assert_uint_ge(brk, start);
	heap.start = page_up(bed->to.brk);
	heap.end = page_up(brk);
	bed->to.brk = brk;
	if (heap.end < heap.start)
		return unmap(bed, heap.end, heap.start);
	nothing_mapped(&bed->to, heap.start, heap.end);
	if (heap.end > heap.start && !pc_list_add(&bed->to.regions, &heap))
		return PAGER_MISUSE;
	return call(bed);
}

static void mapped(const struct precopy_bed *bed, uint64_t id, uint64_t page,
		   uint64_t pages)
{
	for (uint64_t p = page; p < page + pages; p++)
		ck_assert_msg(id ? p < bed->to.sizes[id - 1]
				 : at(&bed->to, p) != NULL,
			      "page %u is not mapped", (unsigned)p);
}

static int put(void *ctx, uint64_t id, uint64_t page, uint64_t pages,
	       const uint8_t *data)
{
	struct precopy_bed *bed = ctx;

	if (id && page >= bed->to.sizes[id - 1])
		return call(bed);
	mapped(bed, id, page, pages);
	for (uint64_t p = page; p < page + pages; p++, data += PAGER_PAGE_SIZE)
		memcpy(id ? &bed->to.object[id - 1][p] : &bed->to.own[p], data,
		       8);
	return call(bed);
}

static int hole(void *ctx, uint64_t id, uint64_t page, uint64_t pages)
{
	struct precopy_bed *bed = ctx;

	if (!id)
		mapped(bed, id, page, pages);
	for (uint64_t p = page; p < page + pages; p++)
		if (!id)
			bed->to.own[p] = 0;
		else if (p < bed->to.sizes[id - 1])
			bed->to.object[id - 1][p] = 0;
	return call(bed);
}

static int flush(void *ctx)
{
	return call(ctx);
}

static int finish(void *ctx, const struct pc_list *list)
{
	struct precopy_bed *bed = ctx;

	bed->to.regions.count = 0;
	for (size_t i = 0; i < list->count; i++)
		if (!pc_list_add(&bed->to.regions, &list->at[i]))
			return PAGER_MISUSE;
	return call(bed);
}

static int commit(void *ctx, uint64_t *space)
{
	struct precopy_bed *bed = ctx;
	int ret = call(bed);

	bed->committed = ret == 0;
	*space = 99;
	return ret;
}

static void give_up(void *ctx)
{
	struct precopy_bed *bed = ctx;

	ck_assert(bed->begun);
	bed->begun = false;
}

static const struct pc_target_ops target_ops = {
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
    .regions = target_regions,
    .look = target_look,
    .commit = commit,
    .abort = give_up,
    .why = why,
};

void precopy_bed_init(struct precopy_bed *bed)
{
	memset(bed, 0, sizeof(*bed));
	bed->random = 1;
	for (unsigned int i = 0; i < BED_OBJECTS; i++)
		bed->from.sizes[i] = 60 + 20 * i;
	bed->pc.options.stop_pages = 8;
}

void precopy_bed_fini(struct precopy_bed *bed)
{
	pc_list_fini(&bed->from.regions);
	pc_list_fini(&bed->to.regions);
}

int precopy_bed_run(struct precopy_bed *bed)
{
	return precopy_bed_run_to(bed, &target_ops, bed);
}

int precopy_bed_run_to(struct precopy_bed *bed, const struct pc_target_ops *ops,
		       void *target)
{
	const struct pager_precopy_options options = bed->pc.options;

	memset(&bed->pc, 0, sizeof(bed->pc));
	bed->pc.options = options;
	pc_list_fini(&bed->to.regions);
	memset(&bed->to, 0, sizeof(bed->to));
	memset(bed->dirty, 0, sizeof(bed->dirty));
	bed->pc.source = &source_ops;
	bed->pc.target = ops;
	bed->pc.src = bed;
	bed->pc.dst = target;
	bed->pc.result = &bed->result;
	bed->result = (struct pager_precopy_result){0};
	return pc_run(&bed->pc);
}

void precopy_bed_equal(const struct precopy_bed *bed)
{
	struct pc_list lack = {0};

	ck_assert(
	    pc_list_without(&bed->from.regions, &bed->to.regions, true, &lack));
	ck_assert(
	    pc_list_without(&bed->to.regions, &bed->from.regions, true, &lack));
	ck_assert_uint_eq(lack.count, 0);
	for (uint64_t v = BED_FIRST; v < BED_FIRST + BED_PAGES; v++) {
		const struct pc_region *r = at(&bed->from, v);

		ck_assert_msg(seen(&bed->from, v) == seen(&bed->to, v),
			      "page %u holds 0x%lx, not 0x%lx", (unsigned)v,
			      (unsigned long)seen(&bed->to, v),
			      (unsigned long)seen(&bed->from, v));
		if (r && r->flags & PAGER_REGION_SHARED)
			continue;
		ck_assert_msg(bed->from.own[v] == bed->to.own[v],
			      "page %u: 0x%lx, not 0x%lx", (unsigned)v,
			      (unsigned long)bed->to.own[v],
			      (unsigned long)bed->from.own[v]);
	}
	ck_assert_uint_eq(bed->from.brk_start, bed->to.brk_start);
	ck_assert_uint_eq(bed->from.brk, bed->to.brk);
	ck_assert(bed->committed && !bed->logging && !bed->stopped);
}

void precopy_bed_undone(const struct precopy_bed *bed)
{
	ck_assert(!bed->committed && !bed->logging && !bed->stopped &&
		  !bed->begun);
	ck_assert_str_ne(bed->result.why, "");
}
