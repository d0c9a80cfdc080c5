/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers as people write them in options and configuration: decimal, and for
 * sizes a unit of 1,024s. Strict: no sign, no blanks, nothing after it.
 */
#ifndef SERVER_NUMBER_H
#define SERVER_NUMBER_H

#include <stdint.h>

/* A count from min to max (max at most 2^63 - 1). NULL, or why not: a static
 * text such as "too large"; *out is untouched then. */
const char *srv_number_count(const char *text, uint64_t min, uint64_t max,
			     uint64_t *out);
/* Bytes: a count, or one with K, M, G or T behind it. Likewise. */
const char *srv_number_size(const char *text, uint64_t min, uint64_t max,
			    uint64_t *out);
/* Either of them, or "none" for UINT64_MAX. */
const char *srv_number_limit(const char *text, int bytes, uint64_t *out);

#endif
