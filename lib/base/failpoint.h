/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fail points: every allocation and system call that may fail asks here first.
 * Tests make the n-th one fail, for n = 1, 2, 3 ... until an operation passes
 * without meeting it. Compiled to nothing unless PAGER_FAILPOINTS is defined.
 */
#ifndef LIB_BASE_FAILPOINT_H
#define LIB_BASE_FAILPOINT_H

#include <stdbool.h>

#ifdef PAGER_FAILPOINTS
/* True: the caller behaves as if its allocation or call had failed. */
bool pager_fail(const char *point);
/* The nth call from now fails, once; 0: none does. Resets the count. */
void pager_fail_arm(unsigned long nth);
/* Calls seen since the last arm. */
unsigned long pager_fail_seen(void);
/* Name of the point that failed last since arm, or NULL. */
const char *pager_fail_fired(void);
#else
#define pager_fail(point) (false)
#endif

#endif
