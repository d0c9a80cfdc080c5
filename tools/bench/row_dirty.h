/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Row 9, in two files: how long it takes to find out what was written
 * (row_dirty.c), and what it costs those who write (row_dirty_fault.c).
 */
#ifndef TOOLS_BENCH_ROW_DIRTY_H
#define TOOLS_BENCH_ROW_DIRTY_H

#include "lib/core/dirty.h"
#include "tools/bench/bench.h"
#include "tools/bench/world.h"

/* Log a range of the space, charged to the world. Never fails: exits. */
struct pager_dirty_log *bench_dirty_start(struct bench_world *w,
					  struct pager_space *space,
					  struct pager_range range,
					  enum pager_dirty_method method);
/* Get and clear all of it; returns the pages it reported. */
uint64_t bench_dirty_take(struct pager_dirty_log *log);

void bench_dirty_fault(struct bench *bench);

#endif
