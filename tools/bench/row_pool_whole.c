/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Row 7, the whole way: a wish of a pool, and the core's own work until it is
 * reached: driver, device, memory blocks, zones, chunks; time a GiB.
 *
 * whole: nothing behind it. whole-reserved: with the daemon's memory, which is
 * allocated when it grows and given back when it shrinks; the limit is the bare
 * fallocate(2), a memory block at a time, over a file of the same size, right
 * after ours. Every page is touched in between, on both sides.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/core/core.h"
#include "server/memory.h"
#include "tools/bench/bench.h"
#include "tools/bench/row_pool.h"

#define GIB   (UINT64_C(1) << 30)
#define PAGE  UINT64_C(4096)
#define BOOT  UINT64_C(32768) /* pages */
#define BLOCK UINT64_C(32768) /* a memory block */
#define WHOLE (18 * GIB / PAGE)

enum { NODES = 64, REPEAT = 5 };

struct whole {
	struct srv_memory memory;
	struct pager_core *core;
	struct pager_pool *pool;
	uint64_t pages;
};

static void whole_init(struct whole *w, uint64_t pages, bool simulate)
{
	struct pager_core_config config = {
	    .host = srv_memory_host(),
	    .frames = BOOT,
	    .span = BOOT + pages,
	    .memory_block = BLOCK,
	    .nodes = NODES,
	};
	struct pager_pool_config pool = {
	    .addr = BOOT, .region = pages, .name = "bench"};

	if (srv_memory_init(&w->memory, BOOT, BOOT + pages, NODES, simulate) ||
	    srv_memory_pool(&w->memory, BOOT, pages, true, &pool.backing))
		bench_die("no memory for a pool");
	config.memory = w->memory.physical;
	config.tables = w->memory.tables;
	w->pages = pages;
	w->core = pager_core_new(&config);
	if (!w->core ||
	    pager_pool_new(w->core, &pool, &w->pool).err != PAGER_OK)
		bench_die("no pool");
}

static void whole_fini(struct whole *w)
{
	pager_core_free(w->core);
	srv_memory_fini(&w->memory);
}

/* Nanoseconds until the wish is reached. */
static double wish(struct whole *w, uint64_t pages)
{
	struct pager_pool_info info;
	double start = bench_cpu(), end;
	uint64_t due;

	if (pager_pool_resize(w->pool, pages).err != PAGER_OK)
		bench_die("the wish was refused");
	while (pager_core_work(w->core, 0, &due))
		;
	end = bench_cpu();
	pager_pool_info(w->pool, 0, &info);
	if (info.plugged != pages || info.broken)
		bench_die("the pool did not reach its size");
	return end - start;
}

static void touch(uint8_t *p, uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++)
		((volatile uint8_t *)p)[i * PAGE] = 1;
}

static double bare(int fd, int mode, uint64_t pages)
{
	double start = bench_cpu();

	for (uint64_t at = 0; at < pages; at += BLOCK)
		if (fallocate(fd, mode | FALLOC_FL_KEEP_SIZE,
			      (off_t)(at * PAGE), (off_t)(BLOCK * PAGE)) < 0)
			bench_die("fallocate failed");
	return bench_cpu() - start;
}

static void report(struct bench *b, const char *what, uint64_t pages,
		   const struct bench_series *ours,
		   const struct bench_series *limit)
{
	char name[64];

	snprintf(name, sizeof(name), "%s/%.4gGiB", what,
		 (double)(pages * PAGE) / (double)GIB);
	bench_pool_report(b, name, ours, limit);
}

static void without_memory(struct bench *b)
{
	static struct bench_series up, down;
	const double scale = 1e3 * (double)(WHOLE * PAGE) / (double)GIB;
	struct whole w;

	whole_init(&w, WHOLE, true);
	for (unsigned int i = 0; i <= b->rounds; i++) {
		double grow = 0, shrink = 0;

		bench_step(b);
		for (int n = 0; n < REPEAT; n++) {
			grow += wish(&w, WHOLE);
			shrink += wish(&w, 0);
		}
		bench_add(&up, grow / REPEAT / scale);
		bench_add(&down, shrink / REPEAT / scale);
	}
	whole_fini(&w);
	report(b, "whole-grow", WHOLE, &up, NULL);
	report(b, "whole-shrink", WHOLE, &down, NULL);
}

static void with_memory(struct bench *b, uint64_t pages, unsigned int rounds)
{
	static struct bench_series up, down, bare_up, bare_down;
	const double scale = 1e3 * (double)(pages * PAGE) / (double)GIB;
	int fd = memfd_create("bare", MFD_CLOEXEC);
	uint8_t *map;
	struct whole w;

	if (fd < 0 || ftruncate(fd, (off_t)(pages * PAGE)) < 0)
		bench_die("no memory file");
	map = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (map == MAP_FAILED)
		bench_die("no address space");
	whole_init(&w, pages, false);
	for (unsigned int i = 0; i <= rounds; i++) {
		bench_step(b);
		bench_add(&up, wish(&w, pages) / scale);
		bench_add(&bare_up, bare(fd, 0, pages) / scale);
		touch(w.memory.physical + BOOT * PAGE, pages);
		touch(map, pages);
		bench_add(&down, wish(&w, 0) / scale);
		bench_add(&bare_down,
			  bare(fd, FALLOC_FL_PUNCH_HOLE, pages) / scale);
	}
	whole_fini(&w);
	munmap(map, pages * PAGE);
	close(fd);
	report(b, "whole-grow-reserved", pages, &up, &bare_up);
	report(b, "whole-shrink-touched", pages, &down, &bare_down);
}

void bench_pool_whole(struct bench *b, uint64_t pages, unsigned int rounds)
{
	without_memory(b);
	with_memory(b, pages, rounds);
}
