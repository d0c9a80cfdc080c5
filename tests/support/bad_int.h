/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of bad_fields.h: how a wrong value is added, and the rules
 * for fields of operations on pools and dirty logs.
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

/* Of more than one file: handles of any kind, any address; bits that are none
 * of those known. */
rule_fn bad_thing, bad_addr;
void bad_bits(struct bads *out, uint32_t known, enum pager_error error);

rule_fn bad_around, bad_what, bad_pause, bad_paused, bad_pool, bad_own_pool,
    bad_pool_size, bad_zone, bad_block_on, bad_block_off, bad_phys,
    bad_phys_len, bad_log, bad_read_log, bad_reset_log, bad_given, bad_first,
    bad_pages, bad_words_pages, bad_manual_first, bad_manual_pages,
    bad_orphan_first, bad_orphan_pages, bad_step, bad_entries, bad_word_offset,
    bad_method, bad_log_flags, bad_get_flags, bad_manual_flags, bad_all_addr,
    bad_all_len;

#endif
