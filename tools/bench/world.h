/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A machine to measure: a core with the software MMU as the daemon has it and
 * one account without limits.
 */
#ifndef TOOLS_BENCH_WORLD_H
#define TOOLS_BENCH_WORLD_H

#include "lib/core/core.h"
#include "lib/mmu/sim.h"
#include "tools/bench/base_cow.h"
#include "tools/bench/bench.h"

struct bench_world {
	struct pager_core *core;
	struct pager_sim *sim;
	struct pager_account *account;
	uint8_t *memory; /* NULL: the pool is simulated */
	uint8_t *tables;
	uint64_t frames;
	uint64_t nodes;
	struct pager_space *base; /* whose pages the baseline flushes */
};

/* memory: give the frames real, touched memory. Never fails: exits. */
void bench_world_init(struct bench_world *w, uint64_t frames, uint64_t nodes,
		      bool memory);
/* All spaces must be gone, and the baseline. */
void bench_world_fini(struct bench_world *w);

/* A baseline of the same size, over the same memory and MMU. What either writes
 * overwrites the other's pages. */
struct cow *bench_world_cow(struct bench_world *w, uint64_t tables);

/* Table nodes that a space of that many pages in one piece needs, and some. */
uint64_t bench_world_nodes(uint64_t pages);

/* An empty space over all of the lower half. */
struct pager_space *bench_world_space(struct bench_world *w);
struct pager_space *bench_world_space_in(struct bench_world *w,
					 struct pager_range range);
/* Where the regions of the rows begin, vpn. */
#define BENCH_BASE UINT64_C(0x10000000)

/* Map pages at vpn, readable and writable; populate: with all pages. */
void bench_world_map(struct pager_space *space, uint64_t vpn, uint64_t pages,
		     bool populate);
/* A write fault that must install something; where the page's bytes are. */
static inline uint64_t bench_world_write(struct pager_space *space,
					 uint64_t vpn)
{
	struct pager_fault_info info;
	struct pager_status st =
	    pager_space_fault(space, vpn, PAGER_ACCESS_WRITE, &info);

	if (st.err || info.result != PAGER_FAULT_INSTALLED)
		bench_die("a fault installed nothing: error %u", st.err);
	return info.pa;
}
/* Let a CPU look at a page that is there: from now on it may have translations
 * of the space, which must be flushed. */
void bench_world_run(struct pager_space *space, uint64_t vpn);
struct pager_space *bench_world_fork(struct bench_world *w,
				     struct pager_space *parent);
/* The bytes of a frame at a physical address; memory worlds only. */
static inline uint8_t *bench_world_bytes(const struct bench_world *w,
					 uint64_t pa)
{
	return w->memory + pa;
}

#endif
