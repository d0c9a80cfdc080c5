/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Row 7: a pool shrinks and grows; time a GiB.
 *
 * device: the virtio-mem device alone, nothing behind it, 18 GiB: requests,
 * bitmap, sizes. reserved and touched: with the daemon's memory behind it;
 * growing allocates, then every page is touched, and shrinking gives all of it
 * back to the system. lazy and untouched: the same without allocating at plug,
 * and no page touched. The limit is the bare system calls, over a file of the
 * same size, mapped and touched alike, in pieces of the same size; piece by
 * piece in turn with ours where there is memory to move.
 *
 * By pieces of 2 MiB, as a driver in sub-block mode asks, and of 128 MiB, a
 * memory block. What there is no memory for is scaled down; names say how far.
 */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/core/vmem.h"
#include "server/memory.h"
#include "tools/bench/bench.h"
#include "tools/bench/machine.h"
#include "tools/bench/row_pool.h"

#define GIB	   (UINT64_C(1) << 30)
#define PAGE	   UINT64_C(4096)
#define BLOCK	   UINT64_C(512) /* the device's, pages */
#define POOL_ADDR  UINT64_C(32768)
#define POOL_BYTES (18 * GIB)

enum { PIECES = 2, REPEAT = 20, ROUNDS_TOUCHED = 5 };

static const struct {
	uint64_t pages;
	const char *name;
} piece[PIECES] = {{512, "2MiB"}, {32768, "128MiB"}};

/* Times a GiB, in us, by piece. */
struct times {
	struct bench_series grow[PIECES];
	struct bench_series shrink[PIECES];
};

struct contest {
	uint64_t pages;
	struct vmem_device *device;
	struct vmem_link link;
};

static void ask(const struct contest *c, enum vmem_request_type type,
		uint64_t offset, uint64_t pages)
{
	const struct vmem_request r = {type, POOL_ADDR + offset, pages / BLOCK};

	if (c->link.ops->request(c->link.device, &r).response != VMEM_ACK)
		bench_die("the device did not acknowledge");
}

static void grow(const struct contest *c, uint64_t by)
{
	for (uint64_t at = 0; at < c->pages; at += by)
		ask(c, VMEM_PLUG, at, by);
}

static void shrink(const struct contest *c, uint64_t by)
{
	for (uint64_t at = c->pages; at > 0; at -= by)
		ask(c, VMEM_UNPLUG, at - by, by);
}

static void contest_init(struct contest *c, uint64_t pages,
			 const struct vmem_backing *backing)
{
	struct vmem_device_config config = {
	    .host = srv_memory_host(),
	    .addr = POOL_ADDR,
	    .region = pages,
	    .block = BLOCK,
	    .requested = pages,
	};

	if (backing)
		config.backing = *backing;
	c->pages = pages;
	c->device = vmem_device_new(&config);
	if (!c->device)
		bench_die("no memory for a device");
	c->link = vmem_device_link(c->device);
}

static double gib(uint64_t pages)
{
	return (double)(pages * PAGE) / (double)GIB;
}

/* REPEAT times in one go: what is short. */
static void round_short(const struct contest *c, struct times *t)
{
	for (int i = 0; i < PIECES; i++) {
		double up = 0, down = 0, start;

		for (int n = 0; n < REPEAT; n++) {
			start = bench_cpu();
			grow(c, piece[i].pages);
			up += bench_cpu() - start;
			start = bench_cpu();
			shrink(c, piece[i].pages);
			down += bench_cpu() - start;
		}
		bench_add(&t->grow[i], up / REPEAT / 1e3 / gib(c->pages));
		bench_add(&t->shrink[i], down / REPEAT / 1e3 / gib(c->pages));
	}
}

/* --- with memory -----------------------------------------------------------
 */

/* One pool of the daemon's memory. */
struct pool {
	struct srv_memory memory;
	struct vmem_backing backing;
	struct contest contest;
};

static void pool_init(struct pool *p, uint64_t pages, bool reserve)
{
	if (srv_memory_init(&p->memory, 2, POOL_ADDR + pages, 16, false) ||
	    srv_memory_pool(&p->memory, POOL_ADDR, pages, reserve, &p->backing))
		bench_die("no memory for a pool of %.1f GiB", gib(pages));
	contest_init(&p->contest, pages, &p->backing);
}

static void pool_fini(struct pool *p)
{
	vmem_device_free(p->contest.device);
	srv_memory_fini(&p->memory);
}

static void expect(const struct pool *p, uint64_t pages)
{
	uint64_t is = srv_memory_pool_resident(&p->memory, POOL_ADDR);

	if (is != pages * PAGE || p->memory.unguarded)
		bench_die("the pool has %llu bytes, not %llu",
			  (unsigned long long)is,
			  (unsigned long long)(pages * PAGE));
}

/* The bare system calls. */
struct bare {
	int fd;
	uint64_t pages;
	uint8_t *map;
};

static void bare_init(struct bare *b, uint64_t pages)
{
	b->pages = pages;
	b->fd = memfd_create("bare", MFD_CLOEXEC);
	if (b->fd < 0 || ftruncate(b->fd, (off_t)(pages * PAGE)) < 0)
		bench_die("no memory file");
	b->map = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_NORESERVE, b->fd, 0);
	if (b->map == MAP_FAILED)
		bench_die("no address space");
}

static void bare_fini(struct bare *b)
{
	munmap(b->map, b->pages * PAGE);
	close(b->fd);
}

static void bare_file(const struct bare *b, int mode, uint64_t at, uint64_t by)
{
	if (fallocate(b->fd, mode | FALLOC_FL_KEEP_SIZE, (off_t)(at * PAGE),
		      (off_t)(by * PAGE)) < 0)
		bench_die("fallocate failed");
}

static void bare_access(const struct bare *b, int prot, uint64_t at,
			uint64_t by)
{
	if (mprotect(b->map + at * PAGE, by * PAGE, prot) < 0)
		bench_die("mprotect failed");
}

/* What lazy growing and shrinking cannot do without; over a file that was never
 * touched, as the pool's: page tables that are there cost time. */
static void round_bare(const struct bare *b, struct times *t)
{
	const int rw = PROT_READ | PROT_WRITE;

	for (int i = 0; i < PIECES; i++) {
		const uint64_t by = piece[i].pages;
		double up = 0, down = 0, start;

		bare_access(b, PROT_NONE, 0, b->pages);
		for (int n = 0; n < REPEAT; n++) {
			start = bench_cpu();
			for (uint64_t at = 0; at < b->pages; at += by)
				bare_access(b, rw, at, by);
			up += bench_cpu() - start;
			start = bench_cpu();
			for (uint64_t at = b->pages; at > 0; at -= by) {
				bare_file(b, FALLOC_FL_PUNCH_HOLE, at - by, by);
				bare_access(b, PROT_NONE, at - by, by);
			}
			down += bench_cpu() - start;
		}
		bare_access(b, rw, 0, b->pages);
		bench_add(&t->grow[i], up / REPEAT / 1e3 / gib(b->pages));
		bench_add(&t->shrink[i], down / REPEAT / 1e3 / gib(b->pages));
	}
}

static void touch(uint8_t *p, uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++)
		((volatile uint8_t *)p)[i * PAGE] = 1;
}

/* Allocate, touch, give back: a piece of ours, a piece of the bare file. */
static void touched(struct pool *p, const struct bare *b, uint64_t by,
		    double up[2], double down[2])
{
	const uint64_t pages = b->pages;

	for (uint64_t at = 0; at < pages; at += by) {
		double start = bench_cpu(), middle;

		ask(&p->contest, VMEM_PLUG, at, by);
		middle = bench_cpu();
		bare_file(b, 0, at, by);
		up[1] += bench_cpu() - middle;
		up[0] += middle - start;
	}
	touch(p->memory.physical + POOL_ADDR * PAGE, pages);
	touch(b->map, pages);
	expect(p, pages);
	for (uint64_t at = pages; at > 0; at -= by) {
		double start = bench_cpu(), middle;

		ask(&p->contest, VMEM_UNPLUG, at - by, by);
		middle = bench_cpu();
		bare_file(b, FALLOC_FL_PUNCH_HOLE, at - by, by);
		down[1] += bench_cpu() - middle;
		down[0] += middle - start;
	}
	expect(p, 0);
}

static void round_touched(struct pool *p, const struct bare *b,
			  struct times *ours, struct times *bare)
{
	const double scale = 1e3 * gib(b->pages);

	for (int i = 0; i < PIECES; i++) {
		double up[2] = {0}, down[2] = {0};

		touched(p, b, piece[i].pages, up, down);
		bench_add(&ours->grow[i], up[0] / scale);
		bench_add(&bare->grow[i], up[1] / scale);
		bench_add(&ours->shrink[i], down[0] / scale);
		bench_add(&bare->shrink[i], down[1] / scale);
	}
}

/* --- the row -----------------------------------------------------------------
 */

void bench_pool_report(struct bench *b, const char *name,
		       const struct bench_series *ours,
		       const struct bench_series *limit)
{
	struct bench_result r = {
	    .row = 7,
	    .name = name,
	    .unit = "us/GiB",
	    .ours = bench_median(ours),
	    .linux_peer = NAN,
	    .baseline = NAN,
	    .limit = limit ? bench_median(limit) : NAN,
	    .goal = limit ? "0.9 of the limit's speed"
			  : "at most 250 us: 4000 GiB/s",
	    .rounds = ours->count,
	};

	r.met = r.ours <= (limit ? r.limit / 0.9 : 250);
	bench_report(b, &r);
}

static void report(struct bench *b, const char *what, uint64_t pages, int i,
		   const struct bench_series *ours,
		   const struct bench_series *limit)
{
	char name[64];

	snprintf(name, sizeof(name), "%s/%.4gGiB/%s", what, gib(pages),
		 piece[i].name);
	bench_pool_report(b, name, ours, limit);
}

/* As much as there is for it, in memory blocks. */
static uint64_t memory_pages(const struct bench *b)
{
	uint64_t bytes = b->quick ? GIB / 2 : POOL_BYTES;
	uint64_t most = machine_memory() / 4;
	uint64_t pages = (bytes < most ? bytes : most) / PAGE;

	pages -= pages % piece[PIECES - 1].pages;
	return pages ? pages : piece[PIECES - 1].pages;
}

static void report_both(struct bench *b, const char *up, const char *down,
			uint64_t pages, const struct times *ours,
			const struct times *limit)
{
	for (int i = 0; i < PIECES; i++) {
		report(b, up, pages, i, &ours->grow[i],
		       limit ? &limit->grow[i] : NULL);
		report(b, down, pages, i, &ours->shrink[i],
		       limit ? &limit->shrink[i] : NULL);
	}
}

void bench_row_pool(struct bench *b)
{
	static struct times device, lazy, lazy_bare, full, full_bare;
	const uint64_t pages = memory_pages(b);
	struct contest alone;
	struct pool pool[2]; /* full, lazy; as the next */
	struct bare bare[2];

	contest_init(&alone, POOL_BYTES / PAGE, NULL);
	pool_init(&pool[0], pages, true);
	pool_init(&pool[1], pages, false);
	bare_init(&bare[0], pages);
	bare_init(&bare[1], pages);
	for (unsigned int round = 0; round <= b->rounds; round++) {
		bench_step(b);
		round_short(&alone, &device);
		round_short(&pool[1].contest, &lazy);
		round_bare(&bare[1], &lazy_bare);
		expect(&pool[1], 0);
		if (round <= ROUNDS_TOUCHED)
			round_touched(&pool[0], &bare[0], &full, &full_bare);
	}
	report_both(b, "grow/device", "shrink/device", alone.pages, &device,
		    NULL);
	report_both(b, "grow/lazy", "shrink/untouched", pages, &lazy,
		    &lazy_bare);
	report_both(b, "grow/reserved", "shrink/touched", pages, &full,
		    &full_bare);
	bare_fini(&bare[1]);
	bare_fini(&bare[0]);
	pool_fini(&pool[1]);
	pool_fini(&pool[0]);
	vmem_device_free(alone.device);
	bench_pool_whole(b, pages, ROUNDS_TOUCHED);
}
