/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A unit-test machine with boot memory of two memory blocks and one pool, "p",
 * behind it; and what tests of pools say of it in one line.
 */
#ifndef TESTS_SUPPORT_POOL_BED_H
#define TESTS_SUPPORT_POOL_BED_H

#include "lib/core/internal.h"
#include "tests/support/unit.h"

/* Pages: of a memory block, of a sub-block, of boot memory. */
enum { PBED_BLOCK = 1024, PBED_SUB = 512, PBED_BOOT = 2048 };

#define PBED_AT UINT64_C(2048) /* pfn of the pool */

extern struct pager_core *pbed_core;
extern struct pager_pool *pbed_pool; /* what the functions below are about */

/* A pool of so many memory blocks: unplugged, all of it MOVABLE, retries after
 * 10 ms, doubling to 80. */
struct pager_pool_config pbed_config(uint64_t blocks);
/* The machine with that pool, or none; span 0: to the pool's end. */
void pbed_start_with(const struct pager_pool_config *config, uint64_t span);
void pbed_start(uint64_t blocks);

struct pager_pool_info pbed_info(void);
/* Resize and work, through 100 retries; it must be reached. */
void pbed_resize(uint64_t pages);
struct pager_block_info pbed_block(unsigned int n);

/* Map pages of the unit's space from page at on and fill them; check that they
 * still are what they were. */
void pbed_fill(uint64_t at, uint64_t pages);
void pbed_filled(uint64_t at, uint64_t pages);

/* The number of the next event; the events from a number on, by their types:
 * "resize plug add". */
uint64_t pbed_next_event(void);
const char *pbed_events(uint64_t from);

#endif
