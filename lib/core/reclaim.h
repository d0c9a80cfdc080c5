/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking back pages that their owners said may go (advice FREE).
 */
#ifndef LIB_CORE_RECLAIM_H
#define LIB_CORE_RECLAIM_H

#include "lib/core/internal.h"

/* Free every page of every space that is still marked and that nobody else
 * holds. Needs no memory. Counts itself in core->reclaims if it freed any. */
void reclaim_lazy(struct pager_core *core);

#endif
