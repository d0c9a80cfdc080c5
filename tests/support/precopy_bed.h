/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A source and a target for live copies that are not spaces: a few thousand
 * pages of which only a number is kept, a log, and somebody who changes the
 * source while it is copied: at any moment at which a real one could. What no
 * daemon would do for the copy is an assertion here.
 */
#ifndef TESTS_SUPPORT_PRECOPY_BED_H
#define TESTS_SUPPORT_PRECOPY_BED_H

#include "lib/client/precopy_int.h"

#define BED_FIRST   64u	  /* page that the space begins with */
#define BED_PAGES   4096u /* pages of it */
#define BED_OBJECTS 2u
#define BED_OPAGES  128u

/* One side. */
struct bed_side {
	struct pc_list regions;
	uint64_t own[BED_FIRST + BED_PAGES]; /* what a page holds; 0: nothing */
	uint64_t object[BED_OBJECTS][BED_OPAGES];
	uint64_t sizes[BED_OBJECTS]; /* pages */
	uint64_t brk_start;
	uint64_t brk;
};

struct precopy_bed {
	struct bed_side from;
	struct bed_side to;
	uint64_t dirty[BED_PAGES / 64 + 1];
	struct pc pc;
	struct pager_precopy_result result;

	/* Called at every moment at which others could change the source. */
	void (*others)(struct precopy_bed *bed);
	bool cheats; /* .. also while it is stopped */
	uint64_t moments;
	uint64_t random;
	uint64_t now_us;

	unsigned int calls;
	unsigned int fails; /* this one fails, counted from 1; 0: none */
	bool failed;
	bool logging;
	bool stopped;
	bool begun;
	bool committed;
	unsigned int cleared_words;
};

void precopy_bed_init(struct precopy_bed *bed);
void precopy_bed_fini(struct precopy_bed *bed);
/* Copy; what pc_run says. */
int precopy_bed_run(struct precopy_bed *bed);
/* To another target than the bed's. */
int precopy_bed_run_to(struct precopy_bed *bed, const struct pc_target_ops *ops,
		       void *target);
/* Both sides are equal. */
void precopy_bed_equal(const struct precopy_bed *bed);
/* Nothing is left of an attempt. */
void precopy_bed_undone(const struct precopy_bed *bed);

/* The others' operations on the source. flags: PAGER_REGION_*; object 0: none,
 * else 1 .. BED_OBJECTS. */
void bed_map(struct precopy_bed *bed, uint64_t start, uint64_t end,
	     uint32_t flags, uint64_t object, uint64_t offset);
void bed_unmap(struct precopy_bed *bed, uint64_t start, uint64_t end);
void bed_protect(struct precopy_bed *bed, uint64_t start, uint64_t end,
		 uint32_t prot);
void bed_write(struct precopy_bed *bed, uint64_t vpn);
void bed_drop(struct precopy_bed *bed, uint64_t start, uint64_t end);
/* Move to a free place. */
void bed_move(struct precopy_bed *bed, uint64_t start, uint64_t end,
	      uint64_t to);
void bed_brk(struct precopy_bed *bed, uint64_t brk);
uint64_t precopy_below(struct precopy_bed *bed, uint64_t n);

#endif
