/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reverse map by the most naive means: a walk of every table there is, of
 * spaces, of their snapshots and of objects, that notes each entry that holds a
 * frame. rmap_each must find exactly these.
 *
 * It knows the form of tables and nothing of places, families and rings.
 */
#ifndef TESTS_SUPPORT_RMAP_SCAN_H
#define TESTS_SUPPORT_RMAP_SCAN_H

#include "lib/core/internal.h"

/* NULL, or what differs: for every frame that an entry holds, rmap_each finds
 * all its entries and no others, and the frame has as many references. The
 * text lasts until the next call. */
const char *rmap_scan_differs(struct pager_core *core);
/* Aborts with what differs. */
void rmap_scan_verify(struct pager_core *core);
/* Entries that hold the frame, as the scan finds them. */
unsigned int rmap_scan_entries(struct pager_core *core, uint32_t frame);

#endif
