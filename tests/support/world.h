/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A whole machine for a test: a core, its memory, the software MMU and one
 * account without limits, made and taken down in one line each.
 *
 * Invariant: tearing a world down proves that nothing leaked: statistics are
 * back where they started, the account owes nothing, the recount is clean and
 * every byte asked from the host was given back.
 *
 * A world that finds something wrong says what on standard error and aborts:
 * a test framework that forks sees the signal, and so does a shrinker.
 */
#ifndef TESTS_SUPPORT_WORLD_H
#define TESTS_SUPPORT_WORLD_H

#include "lib/core/core.h"
#include "lib/mmu/sim.h"

struct test_world_config {
	uint64_t frames;     /* 0: 4,096 */
	uint64_t nodes;	     /* 0: 1,024 */
	unsigned int cpus;   /* 0: 2 */
	bool no_memory;	     /* frames without backing memory */
	uint64_t host_bytes; /* the host refuses beyond so many; 0: never */
};

struct test_world {
	struct pager_core *core;
	struct pager_sim *sim;
	struct pager_mmu mmu;
	struct pager_account *account;
	uint8_t *memory; /* NULL with no_memory */
	uint8_t *tables;
	uint64_t frames;
	uint64_t nodes;
	uint64_t host_limit;
	uint64_t host_bytes; /* given out and not yet back */
	uint64_t host_pieces;
	struct pager_stats start; /* right after it was made */
};

/* Print a message and abort. */
_Noreturn void test_die(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* config may be NULL: all defaults. Never fails: a test without a machine
 * aborts. */
void test_world_init(struct test_world *w,
		     const struct test_world_config *config);
/* All spaces and objects must be gone; aborts if anything is left. */
void test_world_fini(struct test_world *w);
/* Aborts with the first difference. */
void test_world_recount(struct test_world *w);

/* A space of the world's account and MMU over [start, end), no limits. */
struct pager_space *test_world_space(struct test_world *w, uint64_t start,
				     uint64_t end);
/* The 4,096 bytes at a physical address (bytes) of the pool, or NULL if it is
 * not in the pool or the pool has no memory. */
const uint8_t *test_world_bytes(const struct test_world *w, uint64_t pa);

#endif
