/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of bad_fields.h: how a wrong value is added, and the rules
 * for fields of operations on pools.
 */
#ifndef TESTS_SUPPORT_BAD_INT_H
#define TESTS_SUPPORT_BAD_INT_H

#include "tests/support/bad_fields.h"

#define HALF  (UINT64_C(1) << 47)
#define UPPER (0 - HALF)
#define SPAN  (UINT64_C(1) << 48)
#define LAST  (0 - UINT64_C(0x1000)) /* the last page there is */

enum { PAGE = PAGER_PAGE_SIZE };

typedef void rule_fn(const struct request *r, struct bads *out);

void bads_add(struct bads *b, uint64_t value, enum pager_error error,
	      const char *blame);
/* The value of a field in a request's body. */
uint64_t request_value(const struct request *r, const char *name);

rule_fn bad_around, bad_what, bad_pause, bad_paused, bad_pool, bad_own_pool,
    bad_pool_size, bad_zone, bad_block_on, bad_block_off, bad_phys,
    bad_phys_len;

#endif
