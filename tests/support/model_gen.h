/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random operations. The generator looks at the oracle, so that most of what
 * it makes hits something: ends of regions, pages that are there, neighbours.
 * The rest is at random, and some of it is wrong on purpose.
 */
#ifndef TESTS_SUPPORT_MODEL_GEN_H
#define TESTS_SUPPORT_MODEL_GEN_H

#include "tests/support/oracle.h"
#include "tests/support/rng.h"

struct model_gen {
	struct rng rng;
	bool decent;	 /* no arguments that are wrong in themselves */
	bool linux_like; /* only what Linux has, too; decent as well */
	bool scriptable; /* only what a script can say */
	bool no_stacks;
	bool brk_at_start;	    /* the heap begins where the window does */
	unsigned int free_percent;  /* advice that is FREE, besides the usual */
	unsigned int pool_percent;  /* of all: pools and their workers */
	unsigned int pin_percent;   /* of all: pins, contiguous maps */
	unsigned int move_percent;  /* of all: frames move */
	unsigned int dirty_percent; /* of all: dirty logs */
	bool rings;
	unsigned int stretch_percent; /* of all: whole aligned 2 MiB */
	bool around;		      /* some spaces fill around a fault */
	bool one_page;		      /* reads and writes stay in one page */
	unsigned int lengths;	      /* usual longest range, pages */
	uint64_t object_pages;	      /* usual largest object */
};

struct model_op model_gen_next(struct model_gen *g, const struct oracle *o);
/* Mostly single frames; a chunk is emptied now and then. */
struct model_op model_gen_migrate(struct model_gen *g);
/* Mostly steps of the workers; a wish now and then. */
struct model_op model_gen_pool(struct model_gen *g);

/* Starts, gets, clears, rings; each for a log that can take it. */
struct model_op model_gen_dirty(struct model_gen *g, const struct oracle *o);

#endif
