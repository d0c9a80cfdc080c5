/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fail point counter. One for the process: tests that arm it are
 * single-threaded.
 */
#include "lib/base/failpoint.h"

#include <stddef.h>

#ifdef PAGER_FAILPOINTS

static unsigned long armed;
static unsigned long seen;
static const char *fired;

bool pager_fail(const char *point)
{
	seen++;
	if (armed == 0 || seen != armed)
		return false;
	fired = point;
	return true;
}

void pager_fail_arm(unsigned long nth)
{
	armed = nth;
	seen = 0;
	fired = NULL;
}

unsigned long pager_fail_seen(void)
{
	return seen;
}

const char *pager_fail_fired(void)
{
	return fired;
}

#else

typedef int pager_failpoint_not_built;

#endif
