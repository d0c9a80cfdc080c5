/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Built from what the daemon builds its own from, with memory by mmap.
 */
#include "tools/bench/world.h"

#include <stdlib.h>
#include <string.h>

#include "tools/bench/bench.h"

/* As many CPUs as the daemon's software MMU has by default. */
enum { CPUS = 4, LARGE = 1024 * 1024 };

static void *host_alloc(void *ctx, size_t bytes)
{
	size_t align = bytes >= PAGER_PAGE_SIZE ? PAGER_PAGE_SIZE : 64;
	void *p;

	(void)ctx;
	if (bytes >= LARGE)
		return bench_pages_new(bytes, true);
	p = aligned_alloc(align, (bytes + align - 1) / align * align);
	if (p)
		memset(p, 0, bytes);
	return p;
}

static void host_free(void *ctx, void *p, size_t bytes)
{
	(void)ctx;
	if (bytes >= LARGE)
		bench_pages_free(p, bytes);
	else
		free(p);
}

void bench_world_init(struct bench_world *w, uint64_t frames, uint64_t nodes,
		      bool memory)
{
	struct pager_core_config config = {
	    .host = {NULL, host_alloc, host_free},
	    .frames = frames,
	    .nodes = nodes,
	};
	uint64_t limit[PAGER_RES_COUNT];

	*w = (struct bench_world){.frames = frames, .nodes = nodes};
	w->tables = bench_pages_new(nodes * PAGER_PAGE_SIZE, true);
	if (memory)
		w->memory = bench_pages_new(frames * PAGER_PAGE_SIZE, true);
	config.memory = w->memory;
	config.tables = w->tables;
	w->core = pager_core_new(&config);
	w->sim = pager_sim_new(&config.host, CPUS);
	for (int i = 0; i < PAGER_RES_COUNT; i++)
		limit[i] = UINT64_MAX;
	w->account = w->core ? pager_account_new(w->core, limit) : NULL;
	if (!w->account || !w->sim)
		bench_die("no memory for a core of %llu frames",
			  (unsigned long long)frames);
	w->base = bench_world_space(w);
	bench_world_map(w->base, BENCH_BASE, 1, true);
	bench_world_run(w->base, BENCH_BASE);
}

void bench_world_fini(struct bench_world *w)
{
	pager_space_free(w->base);
	pager_account_put(w->account);
	pager_core_free(w->core);
	pager_sim_free(w->sim);
	bench_pages_free(w->tables, w->nodes * PAGER_PAGE_SIZE);
	bench_pages_free(w->memory, w->frames * PAGER_PAGE_SIZE);
}

static void invalidate(void *ctx, uint64_t vpn)
{
	struct bench_world *w = ctx;
	struct pager_mmu mmu = pager_sim_mmu(w->sim);

	mmu.ops->invalidate(mmu.mmu, w->base, pager_range(vpn, vpn + 1));
}

struct cow *bench_world_cow(struct bench_world *w, uint64_t tables)
{
	const struct cow_mmu mmu = {invalidate, w};

	return cow_new(w->frames, tables, w->memory, mmu);
}

uint64_t bench_world_nodes(uint64_t pages)
{
	return pages / 512 + pages / (512 * 512) + 16;
}

struct pager_space *bench_world_space(struct bench_world *w)
{
	return bench_world_space_in(w, pager_range(1, PAGER_VPN_HALF));
}

struct pager_space *bench_world_space_in(struct bench_world *w,
					 struct pager_range range)
{
	static const struct pager_limits limits = {.regions = 10000000};
	struct pager_space *space = NULL;
	struct pager_status st = pager_space_new(
	    w->core, w->account, pager_sim_mmu(w->sim), range, &limits, &space);

	if (st.err)
		bench_die("no space: error %u", st.err);
	return space;
}

void bench_world_map(struct pager_space *space, uint64_t vpn, uint64_t pages,
		     bool populate)
{
	struct pager_map_args args = {
	    .addr = vpn,
	    .pages = pages,
	    .prot = PAGER_PROT_READ | PAGER_PROT_WRITE,
	    .flags = PAGER_MAP_FIXED | PAGER_MAP_NOREPLACE |
		     (populate ? PAGER_MAP_POPULATE : 0),
	};
	uint64_t at;
	struct pager_status st = pager_space_map(space, &args, &at);

	if (st.err)
		bench_die("map of %llu pages: error %u",
			  (unsigned long long)pages, st.err);
}

void bench_world_run(struct pager_space *space, uint64_t vpn)
{
	struct pager_access_stop why;
	uint64_t word, done;
	struct pager_status st = pager_space_read(
	    space, 0, pager_vpn_to_va(vpn), &word, sizeof(word), &done, &why);

	if (st.err && st.err != PAGER_ENODATA)
		bench_die("read: error %u", st.err);
}

struct pager_space *bench_world_fork(struct bench_world *w,
				     struct pager_space *parent)
{
	struct pager_space *child = NULL;
	struct pager_status st = pager_space_fork(parent, w->account, &child);

	if (st.err)
		bench_die("fork: error %u", st.err);
	return child;
}
