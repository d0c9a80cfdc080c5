/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A core for tests of the frame allocator alone: boot memory, more chunks
 * above it that a test adds itself, one account. No spaces, no MMU.
 *
 *	0		 boot		      span
 *	|== KERNEL ======|.. absent chunks ...|
 *
 * One at a time.
 */
#ifndef TESTS_SUPPORT_FRAME_BED_H
#define TESTS_SUPPORT_FRAME_BED_H

#include "lib/core/frame.h"

extern struct pager_core *frame_bed_core;
extern struct pager_account *frame_bed_account;

/* In frames; span 0: as many as boot. memory: they have bytes, all zero. */
void frame_bed_start(uint64_t boot, uint64_t span, bool memory);
/* Every frame must have been put. */
void frame_bed_end(void);
/* The allocator finds nothing wrong with itself. */
void frame_bed_check(void);

/* ABSENT -> ONLINE. */
void frame_bed_plug(uint32_t chunk, enum vmem_zone zone);
/* A frame; there must be one. */
uint32_t frame_bed_take(enum frame_kind kind);
/* n movable ones, into an array of the caller's. */
void frame_bed_take_all(uint32_t *frames, uint64_t n);
/* The last reference goes, and the frame is free at once. */
void frame_bed_put(uint32_t frame);
void frame_bed_put_all(const uint32_t *frames, uint64_t n);
/* Put so many frames, one after the other. */
void frame_bed_put_run(uint32_t first, uint64_t n);
struct frame_zone_info frame_bed_info(enum vmem_zone zone);
const struct chunk *frame_bed_chunk(uint32_t chunk);
/* The chunk that a frame lies in. */
uint32_t frame_bed_chunk_of(uint32_t frame);

#endif
