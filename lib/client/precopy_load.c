/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a file to a space. The file is a source that does not run: its regions
 * are mapped as those of a live copy are, then its runs are written. Nothing in
 * it is believed: what the daemon would not find wrong by itself is checked
 * here.
 */
#include "lib/client/internal.h"
#include "lib/client/precopy_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <pager/image.h>

struct load {
	int fd;
	struct pager_image head;
	uint64_t size;
	uint64_t *objects;
	struct pc_list regions;
};

static int damaged(struct pc *pc, const char *what)
{
	return pc_fail(pc, EBADMSG, "the file is damaged: %s", what);
}

static int read_at(struct pc *pc, void *buf, size_t len, uint64_t at)
{
	const struct load *l = pc->src;
	uint8_t *p = buf;

	while (len > 0) {
		ssize_t n = pread(l->fd, p, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return pc_fail(pc, errno, "reading the file: %s",
				       strerror(errno));
		if (n == 0)
			return damaged(pc, "it is too short");
		p += n;
		len -= (size_t)n;
		at += (uint64_t)n;
	}
	return 0;
}

/* count rows of size bytes at an offset lie in the file. */
static bool fits(const struct load *l, uint64_t at, uint64_t count, size_t size)
{
	return at <= l->size && count <= (l->size - at) / size;
}

static int read_head(struct pc *pc)
{
	struct load *l = pc->src;
	struct pager_image *h = &l->head;
	struct stat st;
	int ret;

	if (fstat(l->fd, &st) < 0 || !S_ISREG(st.st_mode))
		return pc_fail(pc, EINVAL, "not a regular file");
	l->size = (uint64_t)st.st_size;
	if (l->size < sizeof(*h))
		return pc_fail(pc, EBADMSG, "not the file of a space");
	ret = read_at(pc, h, sizeof(*h), 0);
	if (ret < 0)
		return ret;
	if (memcmp(h->magic, PAGER_IMAGE_MAGIC, sizeof(h->magic)) != 0)
		return pc_fail(pc, EBADMSG, "not the file of a space");
	if (h->version != PAGER_IMAGE_VERSION ||
	    h->page_size != PAGER_PAGE_SIZE)
		return pc_fail(pc, EBADMSG,
			       "a version of the file that is "
			       "not known");
	if (h->length != l->size)
		return damaged(pc, "it has another length than it says");
	if (!fits(l, h->regions_at, h->regions,
		  sizeof(struct pager_image_region)) ||
	    !fits(l, h->objects_at, h->objects, sizeof(uint64_t)) ||
	    !fits(l, h->runs_at, h->runs, sizeof(struct pager_image_run)))
		return damaged(pc, "a table does not fit in it");
	h->name[PAGER_NAME_MAX - 1] = '\0';
	return 0;
}

static bool page_aligned(uint64_t n)
{
	return n % PAGER_PAGE_SIZE == 0;
}

static const char *region_wrong(const struct load *l,
				const struct pager_image_region *row,
				struct pc_region *out)
{
	const struct pc_list *list = &l->regions;

	*out = (struct pc_region){
	    .start = pc_vpn(row->start),
	    .end = pc_vpn_end(row->end),
	    .object = row->object,
	    .offset = row->offset >> PAGER_PAGE_SHIFT,
	    .prot = row->prot,
	    .flags = row->flags,
	};
	if (!page_aligned(row->start) || !page_aligned(row->end) ||
	    !page_aligned(row->offset) || pc_va(out->start) != row->start ||
	    out->start >= out->end)
		return "a region at an address that is none";
	if (list->count && list->at[list->count - 1].end > out->start)
		return "regions that are not sorted";
	if (row->object > l->head.objects ||
	    !row->object != !(row->flags & PAGER_REGION_OBJECT))
		return "a region of an object that is not there";
	return NULL;
}

static int read_tables(struct pc *pc)
{
	struct load *l = pc->src;
	uint64_t at = l->head.regions_at;
	int ret;

	for (uint64_t i = 0; i < l->head.regions; i++) {
		struct pager_image_region row;
		struct pc_region r;
		const char *wrong;

		ret = read_at(pc, &row, sizeof(row), at + i * sizeof(row));
		if (ret < 0)
			return ret;
		wrong = region_wrong(l, &row, &r);
		if (wrong)
			return damaged(pc, wrong);
		if (!pc_list_add(&l->regions, &r))
			return pc_fail(pc, ENOMEM, "no memory for regions");
	}
	if (!l->head.objects)
		return 0;
	l->objects = malloc(l->head.objects * sizeof(*l->objects));
	if (!l->objects)
		return pc_fail(pc, ENOMEM, "no memory for objects");
	ret = read_at(pc, l->objects, l->head.objects * sizeof(*l->objects),
		      l->head.objects_at);
	for (uint64_t i = 0; ret == 0 && i < l->head.objects; i++)
		if (!page_aligned(l->objects[i]))
			ret = damaged(pc, "an object of a broken page");
	return ret;
}

/* --- what pc_sync asks a source for ----------------------------------------
 */

static int info(void *ctx, struct pager_rep_space_info *out)
{
	const struct load *l = ctx;

	*out = (struct pager_rep_space_info){.start = l->head.start,
					     .end = l->head.end,
					     .brk_start = l->head.brk_start,
					     .brk = l->head.brk,
					     .backend = l->head.backend};
	memcpy(out->name, l->head.name, sizeof(out->name));
	return 0;
}

static int regions(void *ctx, struct pc_list *out)
{
	const struct load *l = ctx;

	for (size_t i = 0; i < l->regions.count; i++)
		if (!pc_list_add(out, &l->regions.at[i])) {
			errno = ENOMEM;
			return PAGER_MISUSE;
		}
	return 0;
}

static int object_size(void *ctx, uint64_t object, uint64_t *pages)
{
	const struct load *l = ctx;

	*pages = l->objects[object - 1] >> PAGER_PAGE_SHIFT;
	return 0;
}

static const char *why(void *ctx)
{
	(void)ctx;
	return "out of memory";
}

static uint64_t now_us(void *ctx)
{
	struct timespec t;

	(void)ctx;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static const struct pc_source_ops file_ops = {.info = info,
					      .regions = regions,
					      .object_size = object_size,
					      .why = why,
					      .now_us = now_us};

/* --- pages -----------------------------------------------------------------
 */

static int load_run(struct pc *pc, const struct pager_image_run *run,
		    uint8_t *buf)
{
	const struct load *l = pc->src;
	uint64_t pages = run->len >> PAGER_PAGE_SHIFT, at = run->at;
	uint64_t page =
	    run->object ? run->addr >> PAGER_PAGE_SHIFT : pc_vpn(run->addr);

	if (!page_aligned(run->addr) || !page_aligned(run->len) || !pages ||
	    run->object > l->head.objects || run->at > l->size ||
	    run->len > l->size - run->at ||
	    (!run->object && pc_va(page) != run->addr))
		return damaged(pc, "a run of pages that cannot be");
	while (pages > 0) {
		uint64_t n = pages < PC_RUN_PAGES ? pages : PC_RUN_PAGES;
		int ret = read_at(pc, buf, n << PAGER_PAGE_SHIFT, at);

		if (ret < 0)
			return ret;
		ret = pc->target->put(pc->dst, run->object, page, n, buf);
		if (ret < 0)
			return pc_target_failed(pc, ret);
		pc->result->pages += n;
		pc->result->bytes += n << PAGER_PAGE_SHIFT;
		pages -= n;
		page += n;
		at += n << PAGER_PAGE_SHIFT;
	}
	return 0;
}

static int load_runs(struct pc *pc)
{
	const struct load *l = pc->src;
	uint8_t *buf = malloc(PAGER_DATA_MAX);
	int ret = buf ? 0 : pc_fail(pc, ENOMEM, "no memory for pages");

	for (uint64_t i = 0; ret == 0 && i < l->head.runs; i++) {
		struct pager_image_run run;

		ret = read_at(pc, &run, sizeof(run),
			      l->head.runs_at + i * sizeof(run));
		if (ret == 0)
			ret = load_run(pc, &run, buf);
	}
	free(buf);
	return ret;
}

static int load_space(struct pc *pc)
{
	bool changed;
	int ret = read_head(pc);

	if (ret == 0)
		ret = read_tables(pc);
	if (ret < 0)
		return ret;
	info(pc->src, &pc->info);
	pc->begun = true;
	ret = pc->target->begin(pc->dst, &pc->info);
	if (ret < 0)
		return pc_target_failed(pc, ret);
	ret = pc_sync(pc, &changed);
	if (ret == 0)
		ret = load_runs(pc);
	if (ret < 0)
		return ret;
	ret = pc->target->finish(pc->dst, &pc->want);
	if (ret < 0)
		return pc_target_failed(pc, ret);
	ret = pc_verify(pc, false);
	if (ret < 0)
		return ret;
	ret = pc->target->commit(pc->dst, &pc->result->space);
	if (ret < 0)
		return pc_target_failed(pc, ret);
	pc->result->regions = pc->want.count;
	return 0;
}

int pager_precopy_load(struct pager *pager, int fd,
		       struct pager_precopy_result *result)
{
	struct pager_precopy_result own;
	struct load load = {.fd = fd};
	struct pc *pc = calloc(1, sizeof(*pc));
	struct pc_target_space *target = pc_target_space_new(pager);
	uint64_t from = now_us(NULL);
	int ret;

	if (!result)
		result = &own;
	*result = (struct pager_precopy_result){0};
	if (!pc || !target) {
		free(pc);
		pc_target_space_free(target);
		return client_misuse(pager, ENOMEM, "a space from a file");
	}
	pc->result = result;
	pc->source = &file_ops;
	pc->src = &load;
	pc->target = &pc_target_space_ops;
	pc->dst = target;
	ret = load_space(pc);
	if (ret < 0 && pc->begun)
		pc->target->abort(pc->dst);
	result->total_us = now_us(NULL) - from;
	pc_target_space_free(target);
	free(load.objects);
	pc_list_fini(&load.regions);
	pc_list_fini(&pc->want);
	pc_list_fini(&pc->have);
	pc_list_fini(&pc->fresh);
	free(pc->objects);
	free(pc);
	return ret;
}
