/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A sequence as a script for "pagerctl run": each operation with what must be
 * answered, so that the script fails where the implementation does.
 */
#ifndef TESTS_SUPPORT_SCRIPT_H
#define TESTS_SUPPORT_SCRIPT_H

#include <stdio.h>

#include "tests/support/hunt.h"
#include "tests/support/model.h"

/* The oracle is run over the log to know the right answers. What the script
 * language has no words for becomes a comment. */
void script_print(FILE *out, const struct model_config *config,
		  const struct hunt_log *log);

#endif
