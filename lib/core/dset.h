/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A sparse set of pages that can always be added to.
 *
 *	root    | . | . |ALL| . |          one slot 2^24 pages (64 GiB)
 *	          |
 *	dir     | . |ALL| . | .. 512       one slot 2^15 pages (128 MiB)
 *	          |
 *	block   32,768 bits
 *
 * Root, dir and block have a bit for each slot or word that is not empty, and
 * count what is below: an empty set is one look, and an empty part is skipped.
 *
 * Memory for blocks and dirs is taken when a page is added. Where there is none
 * (the host refuses, or the account's limit on nodes), the slot becomes ALL:
 * every page of it counts as added. So adding cannot fail; it can only say too
 * much, and over says how many pages that were. A slot that is full becomes ALL
 * as well.
 *
 * Blocks and dirs come from a slab of the core, and go back there when they are
 * empty or full. Each is charged to the account as one node; so is the root,
 * which stays from the first page on to the end.
 */
#ifndef LIB_CORE_DSET_H
#define LIB_CORE_DSET_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/slab.h"
#include "lib/core/types.h"

struct pager_account;
struct pager_core;

#define DSET_GROUP_PAGES 4096u	/* 64 words */
#define DSET_BLOCK_PAGES 32768u /* 512 words */
#define DSET_DIR_PAGES	 (UINT64_C(1) << 24)

/* A pointer, NULL (nothing below), or DSET_ALL. */
#define DSET_ALL ((void *)(uintptr_t)1)

struct dset {
	struct pager_core *core;
	struct pager_account *account;
	uint64_t pages; /* 1 .. 2^36 */
	uint64_t count; /* pages in the set: zero is empty */
	uint64_t over;	/* pages added for want of memory, ever */
	uint64_t nodes; /* charged */
	void **root;	/* NULL: nothing yet, or all of it */
	bool all;	/* no root, and every page is in the set */
};

/* The slab of a core's sets; its fail point is "dset". */
void dset_slab_init(struct pager_slab *slab, struct pager_slab_source src);

/* An empty set; takes no memory. The account is there as long as the set. */
void dset_init(struct dset *s, struct pager_core *core,
	       struct pager_account *account, uint64_t pages);
void dset_fini(struct dset *s);

/* page < pages; first + n <= pages. Pages that are in it already are fine.
 * Returns how many of those asked for were new; what an ALL slot adds beyond
 * them is in over and count only. */
uint64_t dset_add(struct dset *s, uint64_t page);
uint64_t dset_add_range(struct dset *s, uint64_t first, uint64_t n);
/* Bits of one word: page first + i where bit i is set; first a multiple of 64.
 * Bits beyond the end are ignored, and so is a word that begins there. */
uint64_t dset_add_word(struct dset *s, uint64_t first, uint64_t bits);
/* Every page: takes no memory (DSET_ALL all over), and is not counted as
 * over. */
void dset_add_all(struct dset *s);

bool dset_test(const struct dset *s, uint64_t page);
/* The word of pages first .. first + 63; first a multiple of 64. Bits beyond
 * the end are zero. */
uint64_t dset_word(const struct dset *s, uint64_t first);
/* Pages of a stretch. */
uint64_t dset_count(const struct dset *s, uint64_t first, uint64_t n);
/* Pages of a stretch, of both sets alike, that are in both; first a multiple of
 * 64. */
uint64_t dset_count_both(const struct dset *a, const struct dset *b,
			 uint64_t first, uint64_t n);
/* The first page in the set that is at least from and below end, or end. */
uint64_t dset_next(const struct dset *s, uint64_t from, uint64_t end);

/* Call fn for the words that are not zero of a stretch, in order: runs of at
 * most 64 words that lie in one aligned group of 4,096 pages. Bits outside of
 * the stretch are zero. fn may not change the set. Stops when fn returns other
 * than 0, and returns that. */
int dset_each(const struct dset *s, uint64_t first, uint64_t n,
	      int (*fn)(void *ctx, uint64_t first, const uint64_t *words,
			unsigned int count),
	      void *ctx);

/* Take pages out; returns how many. Part of an ALL slot needs memory: where
 * there is none, pages stay in the set, and are over again. */
uint64_t dset_remove_range(struct dset *s, uint64_t first, uint64_t n);
uint64_t dset_remove_word(struct dset *s, uint64_t first, uint64_t bits);

/* Add to a set what another has in [first, first + n), moved so that first
 * becomes to. */
uint64_t dset_add_set(struct dset *s, uint64_t to, const struct dset *from,
		      uint64_t first, uint64_t n);

/* Take the pages of a stretch out of one set and add them to another, of as
 * many pages and the same account. Where that needs memory that is not there,
 * pages may be over in either. */
void dset_move(struct dset *to, struct dset *from, uint64_t first, uint64_t n);

/* Bytes of memory held. */
uint64_t dset_bytes(const struct dset *s);
/* NULL, or what is wrong with counts and charges: for the recount. */
const char *dset_check(const struct dset *s);

#endif
