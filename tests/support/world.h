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

/* Pools beside boot memory. Their backing is the world's, unless they bring
 * one; a name may be left out. */
struct test_world_config {
	uint64_t frames;       /* 0: 4,096 */
	uint64_t nodes;	       /* 0: 1,024 */
	unsigned int cpus;     /* 0: 2 */
	bool no_memory;	       /* frames without backing memory */
	uint64_t host_bytes;   /* the host refuses beyond so many; 0: never */
	uint64_t memory_block; /* 0: 1,024 (4 MiB) */
	uint64_t span;	       /* 0: to the end of the last pool */
	const struct pager_pool_config *pools;
	size_t pool_count;
};

/*
 * Where pools' bytes come from: address space that can be accessed only while
 * it is committed, so that a stale access of discarded memory ends the test;
 * and every byte that is committed reads as zero. Fail points backing.commit
 * and backing.discard; or the errors here, until they are taken back.
 */
struct test_backing {
	int commit_error; /* 0, or what commit answers */
	int discard_error;
	uint64_t room; /* pages that can be committed at a time; 0: all */
	uint64_t committed;
	uint64_t commits; /* that worked */
	uint64_t discards;
};

struct test_world {
	struct pager_core *core;
	struct pager_sim *sim;
	struct pager_mmu mmu;
	struct pager_account *account;
	uint8_t *memory; /* NULL with no_memory */
	uint8_t *tables;
	uint64_t frames;
	uint64_t span;
	uint64_t nodes;
	struct test_backing backing;
	uint8_t *committed; /* by page of the span: 1 if it is */
	uint64_t now_ms;    /* of the fake clock that test_world_work turns */
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

/* A pool of the world; config as above. */
struct pager_pool *test_world_pool(struct test_world *w,
				   const struct pager_pool_config *config);
/* The world's backing, for a pool that is made by hand. */
struct vmem_backing test_world_backing(struct test_world *w);
/* The core's own work until there is none, or none before a later time; the
 * recount after each step. Returns the steps. */
uint64_t test_world_work(struct test_world *w);
/* The same, with the clock turned on to each retry, at most so often; the
 * steps of retries that never end are thus bounded. */
uint64_t test_world_settle(struct test_world *w, unsigned int retries);

/* A space of the world's account and MMU over [start, end), no limits. */
struct pager_space *test_world_space(struct test_world *w, uint64_t start,
				     uint64_t end);
/* The 4,096 bytes at a physical address (bytes) of boot memory or a pool, or
 * NULL if it is in none, is not committed or has no memory. */
const uint8_t *test_world_bytes(const struct test_world *w, uint64_t pa);

#endif
