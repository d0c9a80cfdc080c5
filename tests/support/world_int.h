/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the test machine share.
 */
#ifndef TESTS_SUPPORT_WORLD_INT_H
#define TESTS_SUPPORT_WORLD_INT_H

#include "tests/support/world.h"

/* Boot memory is committed, the rest of the span is not. */
void test_backing_init(struct test_world *w);
void test_backing_fini(struct test_world *w);

#endif
