/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking for bits in many words at once: with AVX-512 or AVX2 where the
 * processor has them, else (and in tests, to compare) word by word.
 */
#ifndef LIB_BASE_SCAN_H
#define LIB_BASE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum scan_kind { SCAN_PORTABLE, SCAN_AVX2, SCAN_AVX512, SCAN_KINDS };

/* What the processor can do best; and can it do this one? */
enum scan_kind scan_best(void);
bool scan_can(enum scan_kind kind);
/* Use this kind from now on, for tests and benchmarks. */
void scan_use(enum scan_kind kind);

/* Of 512 page-table entries: bit i of out is set if entry[i] has all bits of
 * mask. Returns whether any is. The entries may change meanwhile. */
bool scan_entries(const uint64_t *entry, uint64_t mask, uint64_t out[8]);
/* Bits set in n words. */
uint64_t scan_count(const uint64_t *word, size_t n);

#endif
