/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A state digest: everything that can be observed of a model's core, as text,
 * a fact a line. Two states are equal if their digests are.
 *
 * Left out: the number of recounts, and memory kept in stock.
 */
#ifndef TESTS_SUPPORT_DIGEST_H
#define TESTS_SUPPORT_DIGEST_H

#include "tests/support/model.h"

/* The caller frees it. */
char *digest_take(const struct model *m);
/* NULL if they are equal; else the first lines that differ, as one message in
 * a buffer that the next call overwrites. */
const char *digest_difference(const char *before, const char *after);

#endif
