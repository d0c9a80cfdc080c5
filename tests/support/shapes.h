/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random sequences of operations in machines of several shapes, done by the
 * core and by the oracle.
 *
 * Environment: PAGER_SEED (first seed), PAGER_SEEDS (how many of each shape),
 * PAGER_STEPS (operations a sequence), PAGER_SHAPE (only this one),
 * PAGER_PRINT (only print the first sequence of the shape as a script, made of
 * what scripts can say), PAGER_FOREVER (until something is found), PAGER_LOUD
 * (run the shrunk sequence once more with its output shown).
 */
#ifndef TESTS_SUPPORT_SHAPES_H
#define TESTS_SUPPORT_SHAPES_H

#include "tests/support/model.h"

struct shape {
	const char *name;
	struct model_config config;
	unsigned int lengths;
	uint64_t object_pages;
	bool one_page;
	unsigned int free_percent;
	unsigned int move_percent;    /* of the operations are migrations */
	unsigned int stretch_percent; /* are about aligned 2 MiB */
	unsigned int pin_percent;     /* are pins and contiguous maps */
	unsigned int pool_percent;    /* are pools' and their workers' */
	unsigned int dirty_percent;   /* are about dirty logs */
	bool rings;
	bool around; /* some spaces fill around a fault */
	uint64_t seeds;
	uint32_t steps;
};

/* The result is main's. */
int shapes_main(const struct shape *shapes, size_t count);

#endif
