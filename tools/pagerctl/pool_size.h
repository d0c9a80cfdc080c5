/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sizes of pools as people say them, and what to say when one does not fit.
 * Pure functions.
 */
#ifndef TOOLS_PAGERCTL_POOL_SIZE_H
#define TOOLS_PAGERCTL_POOL_SIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POOL_SIZE_TEXT 24

/* Exact, in the largest unit that leaves no fraction, so that it can be given
 * back as an argument: "1536M", "2G", "0". */
const char *pool_size_text(uint64_t bytes, char buf[POOL_SIZE_TEXT]);

/* A name that came from elsewhere: control characters as '?', cut to size. */
const char *pool_name_text(const char *name, char *buf, size_t size);

struct pool_size_rule {
	uint64_t now;	/* what + and - count from */
	uint64_t block; /* the size is a multiple of it */
	uint64_t max;	/* and no more than this */
};

/*
 * "2G" (absolute), "+512M", "-512M" within the rule. False, with a sentence at
 * why that says what to do: "513M: not a multiple of the block (2M): try 512M
 * or 514M".
 */
#define POOL_SIZE_WHY 192
bool pool_size_read(const char *text, const struct pool_size_rule *rule,
		    uint64_t *out, char why[POOL_SIZE_WHY]);

#endif
