/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bed of the frame allocator. Memory of its own by mmap, so that a span of
 * which little is used costs little.
 */
#include "tests/support/frame_bed.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/support/world.h"

enum { NODES = 16 };

struct pager_core *frame_bed_core;
struct pager_account *frame_bed_account;

static struct {
	uint8_t *memory;
	uint8_t *tables;
	uint64_t span;
	size_t out; /* bytes of the host */
} bed;

static void *pages_new(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		test_die("frame bed: no memory");
	return p;
}

static void *host_alloc(void *ctx, size_t bytes)
{
	(void)ctx;
	bed.out += bytes;
	return pages_new(bytes);
}

static void host_free(void *ctx, void *p, size_t bytes)
{
	(void)ctx;
	bed.out -= bytes;
	munmap(p, bytes);
}

void frame_bed_start(uint64_t boot, uint64_t span, bool memory)
{
	struct pager_core_config config = {
	    .host = {NULL, host_alloc, host_free},
	    .frames = boot,
	    .span = span,
	    .nodes = NODES,
	};
	uint64_t limit[PAGER_RES_COUNT];

	bed.span = span ? span : boot;
	bed.tables = pages_new(NODES * PAGER_PAGE_SIZE);
	bed.memory = memory ? pages_new(bed.span * PAGER_PAGE_SIZE) : NULL;
	config.memory = bed.memory;
	config.tables = bed.tables;
	frame_bed_core = pager_core_new(&config);
	if (!frame_bed_core)
		test_die("frame bed: no core");
	for (int i = 0; i < PAGER_RES_COUNT; i++)
		limit[i] = UINT64_MAX;
	frame_bed_account = pager_account_new(frame_bed_core, limit);
	if (!frame_bed_account)
		test_die("frame bed: no account");
	frame_bed_check();
}

void frame_bed_end(void)
{
	frame_bed_check();
	ck_assert_uint_eq(frame_bed_core->frames.used, 1);
	ck_assert_uint_eq(
	    pager_account_used(frame_bed_account, PAGER_RES_FRAMES), 0);
	pager_account_put(frame_bed_account);
	pager_core_free(frame_bed_core);
	ck_assert_uint_eq(bed.out, 0);
	munmap(bed.tables, NODES * PAGER_PAGE_SIZE);
	if (bed.memory)
		munmap(bed.memory, bed.span * PAGER_PAGE_SIZE);
}

void frame_bed_check(void)
{
	const char *why = frame_check(frame_bed_core);

	ck_assert_msg(why == NULL, "frame_check: %s", why);
}

void frame_bed_plug(uint32_t chunk, enum vmem_zone zone)
{
	chunk_add(frame_bed_core, chunk, CHUNK_FRAMES);
	chunk_online(frame_bed_core, chunk, zone);
}

uint32_t frame_bed_take(enum frame_kind kind)
{
	if (frame_free_count(frame_bed_core, kind) == 0)
		test_die("frame bed: no frame is free");
	if (kind == FRAME_UNMOVABLE)
		return frame_take_unmovable(frame_bed_core, frame_bed_account,
					    false);
	return frame_take(frame_bed_core, frame_bed_account);
}

void frame_bed_take_all(uint32_t *frames, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		frames[i] = frame_bed_take(FRAME_MOVABLE);
}

void frame_bed_put(uint32_t frame)
{
	frame_drop(frame_bed_core, frame);
}

void frame_bed_put_all(const uint32_t *frames, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		frame_bed_put(frames[i]);
}

void frame_bed_put_run(uint32_t first, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		frame_bed_put(first + (uint32_t)i);
}

struct frame_zone_info frame_bed_info(enum vmem_zone zone)
{
	struct frame_zone_info info;

	frame_zone_info(frame_bed_core, zone, &info);
	return info;
}

const struct chunk *frame_bed_chunk(uint32_t chunk)
{
	return &frame_bed_core->frames.chunk[chunk];
}

uint32_t frame_bed_chunk_of(uint32_t frame)
{
	return frame >> CHUNK_SHIFT;
}
