/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A target that is a file, <pager/image.h>. Pages come in any order and more
 * than once; each stretch of 2 MiB gets its place in the file when the first
 * page of it comes, and a bit a page says what is there.
 */
#include "lib/client/precopy_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <pager/image.h>

#define CHUNK_PAGES 512u

struct chunk {
	uint64_t object;
	uint64_t index; /* page / CHUNK_PAGES */
	uint64_t at;	/* in the file; 0: an empty slot */
	uint64_t bits[CHUNK_PAGES / 64];
};

struct pc_target_file {
	int fd;
	struct pager_image head;
	struct chunk *chunks; /* a hash table */
	size_t room;	      /* a power of two */
	size_t count;
	uint64_t end; /* where the next chunk goes */
	struct pc_list regions;
	uint64_t *ids; /* of objects, and their pages, two by two */
	size_t id_count;
	char why[128];
};

struct pc_target_file *pc_target_file_new(int fd)
{
	struct pc_target_file *t = calloc(1, sizeof(*t));

	if (t)
		t->fd = fd;
	return t;
}

void pc_target_file_free(struct pc_target_file *t)
{
	if (!t)
		return;
	free(t->chunks);
	free(t->ids);
	pc_list_fini(&t->regions);
	free(t);
}

static int failed(struct pc_target_file *t, const char *what)
{
	int err = errno;

	snprintf(t->why, sizeof(t->why), "%s: %s", what, strerror(err));
	errno = err;
	return PAGER_MISUSE;
}

static int no_memory(struct pc_target_file *t)
{
	errno = ENOMEM;
	return failed(t, "the file");
}

static int write_at(struct pc_target_file *t, const void *buf, size_t len,
		    uint64_t at)
{
	const uint8_t *p = buf;

	while (len > 0) {
		ssize_t n = pwrite(t->fd, p, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = ENOSPC;
		if (n <= 0)
			return failed(t, "writing the file");
		p += n;
		len -= (size_t)n;
		at += (uint64_t)n;
	}
	return 0;
}

/* --- chunks ----------------------------------------------------------------
 */

static struct chunk *slot(struct chunk *chunks, size_t room, uint64_t object,
			  uint64_t index)
{
	uint64_t h = (index + object * 0x9e3779b97f4a7c15u) *
		     UINT64_C(0x9e3779b97f4a7c15);
	size_t i = (size_t)(h >> 20) & (room - 1);

	while (chunks[i].at &&
	       (chunks[i].object != object || chunks[i].index != index))
		i = (i + 1) & (room - 1);
	return &chunks[i];
}

static bool grow(struct pc_target_file *t)
{
	size_t room = t->room ? t->room * 2 : 64;
	struct chunk *chunks = calloc(room, sizeof(*chunks));

	if (!chunks)
		return false;
	for (size_t i = 0; i < t->room; i++)
		if (t->chunks[i].at)
			*slot(chunks, room, t->chunks[i].object,
			      t->chunks[i].index) = t->chunks[i];
	free(t->chunks);
	t->chunks = chunks;
	t->room = room;
	return true;
}

/* NULL: not there, or no memory to make it. */
static struct chunk *chunk_get(struct pc_target_file *t, uint64_t object,
			       uint64_t index, bool make)
{
	struct chunk *c;

	if (t->count * 2 >= t->room && make && !grow(t))
		return NULL;
	if (t->room == 0)
		return NULL;
	c = slot(t->chunks, t->room, object, index);
	if (c->at || !make)
		return c->at ? c : NULL;
	c->object = object;
	c->index = index;
	c->at = t->end;
	t->end += (uint64_t)CHUNK_PAGES * PAGER_PAGE_SIZE;
	t->count++;
	return c;
}

static void set(struct chunk *c, uint64_t page, uint64_t pages, bool there)
{
	for (uint64_t p = page % CHUNK_PAGES; pages > 0; p++, pages--)
		if (there)
			c->bits[p / 64] |= UINT64_C(1) << (p % 64);
		else
			c->bits[p / 64] &= ~(UINT64_C(1) << (p % 64));
}

static uint64_t in_chunk(uint64_t page, uint64_t pages)
{
	uint64_t left = CHUNK_PAGES - page % CHUNK_PAGES;

	return pages < left ? pages : left;
}

static int put(void *ctx, uint64_t object, uint64_t page, uint64_t pages,
	       const uint8_t *data)
{
	struct pc_target_file *t = ctx;

	while (pages > 0) {
		uint64_t n = in_chunk(page, pages);
		struct chunk *c =
		    chunk_get(t, object, page / CHUNK_PAGES, true);
		uint64_t at;
		int ret;

		if (!c)
			return no_memory(t);
		at = c->at + page % CHUNK_PAGES * PAGER_PAGE_SIZE;
		ret = write_at(t, data, n * PAGER_PAGE_SIZE, at);
		if (ret < 0)
			return ret;
		set(c, page, n, true);
		data += n * PAGER_PAGE_SIZE;
		page += n;
		pages -= n;
	}
	return 0;
}

/* Long stretches look at the chunks there are, short ones at their own. */
static int hole(void *ctx, uint64_t object, uint64_t page, uint64_t pages)
{
	struct pc_target_file *t = ctx;
	uint64_t end = page + pages;

	for (size_t i = 0; pages / CHUNK_PAGES > t->room && i < t->room; i++) {
		struct chunk *c = &t->chunks[i];
		uint64_t from = c->index * CHUNK_PAGES;
		uint64_t to = from + CHUNK_PAGES;

		if (!c->at || c->object != object || to <= page || from >= end)
			continue;
		if (from < page)
			from = page;
		if (to > end)
			to = end;
		set(c, from, to - from, false);
	}
	while (pages / CHUNK_PAGES <= t->room && page < end) {
		uint64_t n = in_chunk(page, end - page);
		struct chunk *c =
		    chunk_get(t, object, page / CHUNK_PAGES, false);

		if (c)
			set(c, page, n, false);
		page += n;
	}
	return 0;
}

/* --- the space -------------------------------------------------------------
 */

static int begin(void *ctx, const struct pager_rep_space_info *info)
{
	struct pc_target_file *t = ctx;
	struct stat st;

	if (fstat(t->fd, &st) < 0)
		return failed(t, "the file");
	errno = EINVAL;
	if (!S_ISREG(st.st_mode))
		return failed(t, "not a regular file");
	if (ftruncate(t->fd, 0) < 0)
		return failed(t, "emptying the file");
	t->end = PAGER_PAGE_SIZE;
	t->head = (struct pager_image){.version = PAGER_IMAGE_VERSION,
				       .page_size = PAGER_PAGE_SIZE,
				       .start = info->start,
				       .end = info->end,
				       .backend = info->backend};
	memcpy(t->head.magic, PAGER_IMAGE_MAGIC, sizeof(t->head.magic));
	memcpy(t->head.name, info->name, sizeof(t->head.name));
	return 0;
}

static int object(void *ctx, uint64_t id, uint64_t pages)
{
	struct pc_target_file *t = ctx;
	uint64_t *ids;

	for (size_t i = 0; i < t->id_count; i++)
		if (t->ids[2 * i] == id) {
			t->ids[2 * i + 1] = pages;
			return hole(t, id, pages, PC_VPN_END);
		}
	ids = realloc(t->ids, (t->id_count + 1) * 2 * sizeof(*ids));
	if (!ids)
		return no_memory(t);
	t->ids = ids;
	ids[2 * t->id_count] = id;
	ids[2 * t->id_count++ + 1] = pages;
	return 0;
}

static int unmap(void *ctx, uint64_t start, uint64_t end)
{
	return hole(ctx, 0, start, end - start);
}

static int clear(void *ctx)
{
	return unmap(ctx, 0, PC_VPN_END);
}

static int set_brk(void *ctx, uint64_t start, uint64_t brk)
{
	struct pc_target_file *t = ctx;
	uint64_t was = t->head.brk;

	t->head.brk_start = start;
	t->head.brk = brk;
	/* What lay above the break is gone. */
	return brk < was
		   ? unmap(t, (brk + PAGER_PAGE_SIZE - 1) >> PAGER_PAGE_SHIFT,
			   (was + PAGER_PAGE_SIZE - 1) >> PAGER_PAGE_SHIFT)
		   : 0;
}

static int map(void *ctx, const struct pc_region *region)
{
	(void)ctx;
	(void)region;
	return 0;
}

static int flush(void *ctx)
{
	(void)ctx;
	return 0;
}

static int finish(void *ctx, const struct pc_list *regions)
{
	struct pc_target_file *t = ctx;

	t->regions.count = 0;
	for (size_t i = 0; i < regions->count; i++)
		if (!pc_list_add(&t->regions, &regions->at[i]))
			return no_memory(t);
	return 0;
}

/* --- the tables ------------------------------------------------------------
 */

/* From 1 on; 0 for none. */
static uint64_t number_of(const struct pc_target_file *t, uint64_t id)
{
	for (size_t i = 0; i < t->id_count; i++)
		if (t->ids[2 * i] == id)
			return i + 1;
	return 0;
}

static int append(struct pc_target_file *t, const void *row, size_t size)
{
	int ret = write_at(t, row, size, t->end);

	t->end += size;
	return ret;
}

static int write_regions(struct pc_target_file *t)
{
	int ret = 0;

	t->head.regions_at = t->end;
	t->head.regions = t->regions.count;
	for (size_t i = 0; ret == 0 && i < t->regions.count; i++) {
		const struct pc_region *r = &t->regions.at[i];
		struct pager_image_region row = {
		    .start = pc_va(r->start),
		    .end = pc_va(r->end - 1) + PAGER_PAGE_SIZE,
		    .object = number_of(t, r->object),
		    .offset = r->offset << PAGER_PAGE_SHIFT,
		    .prot = r->prot,
		    .flags = r->flags,
		};

		ret = append(t, &row, sizeof(row));
	}
	t->head.objects_at = t->end;
	t->head.objects = t->id_count;
	for (size_t i = 0; ret == 0 && i < t->id_count; i++) {
		uint64_t size = t->ids[2 * i + 1] << PAGER_PAGE_SHIFT;

		ret = append(t, &size, sizeof(size));
	}
	return ret;
}

static int write_chunk_runs(struct pc_target_file *t, const struct chunk *c)
{
	unsigned int p = 0, from;
	int ret = 0;

	while (ret == 0 && p < CHUNK_PAGES) {
		struct pager_image_run row = {.object =
						  number_of(t, c->object)};
		uint64_t page;

		if (!(c->bits[p / 64] >> (p % 64) & 1)) {
			p++;
			continue;
		}
		for (from = p;
		     p < CHUNK_PAGES && c->bits[p / 64] >> (p % 64) & 1;)
			p++;
		page = c->index * CHUNK_PAGES + from;
		row.addr = c->object ? page << PAGER_PAGE_SHIFT : pc_va(page);
		row.len = (uint64_t)(p - from) << PAGER_PAGE_SHIFT;
		row.at = c->at + ((uint64_t)from << PAGER_PAGE_SHIFT);
		t->head.runs++;
		ret = append(t, &row, sizeof(row));
	}
	return ret;
}

static int commit(void *ctx, uint64_t *space)
{
	struct pc_target_file *t = ctx;
	int ret = write_regions(t);

	*space = 0;
	t->head.runs_at = t->end;
	t->head.runs = 0;
	for (size_t i = 0; ret == 0 && i < t->room; i++)
		if (t->chunks[i].at)
			ret = write_chunk_runs(t, &t->chunks[i]);
	t->head.length = t->end;
	if (ret == 0 && ftruncate(t->fd, (off_t)t->end) < 0)
		ret = failed(t, "the file's length");
	if (ret == 0)
		ret = write_at(t, &t->head, sizeof(t->head), 0);
	if (ret == 0 && fsync(t->fd) < 0)
		ret = failed(t, "writing the file");
	return ret;
}

static void give_up(void *ctx)
{
	struct pc_target_file *t = ctx;

	/* Nothing can be done about it if that fails, too; the file has no
	 * header then. */
	if (t->end > 0 && ftruncate(t->fd, 0) < 0)
		failed(t, "emptying the file");
}

static const char *why(void *ctx)
{
	const struct pc_target_file *t = ctx;

	return t->why;
}

const struct pc_target_ops pc_target_file_ops = {
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
    .commit = commit,
    .abort = give_up,
    .why = why,
};
