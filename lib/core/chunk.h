/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lower tier of the frame allocator: chunks of 512 frames (2 MiB), each
 * with a bitfield of its free frames and a counter; and the zones that keep
 * chunks by how full they are.
 *
 *	zone ── by kind (movable, unmovable) ── lists by fill ── partial chunks
 *	     ── empty chunks, lowest address first (bitmap of bitmaps)
 *	chunk ── free[8]: one bit a frame
 *
 * State of a chunk
 *	ABSENT ── add ──> OFFLINE ── online ──> ONLINE ── isolate ──> ISOLATED
 *	       <─ remove ─        <───────────── offline (when empty) ──
 *	                                  ONLINE <── unisolate ──────────
 * Only ONLINE chunks are in a zone and give frames. An ISOLATED one takes back
 * what was given (its counter grows) and gives nothing. Going on- or offline
 * flips a chunk's counters; no frame is looked at.
 */
#ifndef LIB_CORE_CHUNK_H
#define LIB_CORE_CHUNK_H

#include "lib/core/types.h"
#include "lib/core/vmem.h"

#define CHUNK_FRAMES 512u
#define CHUNK_SHIFT  9
#define CHUNK_WORDS  8u
#define CHUNK_NONE   UINT32_MAX

enum chunk_state {
	CHUNK_ABSENT = 0,
	CHUNK_OFFLINE = 1,
	CHUNK_ONLINE = 2,
	CHUNK_ISOLATED = 3,
};

/* Who may be moved elsewhere. A chunk serves one kind as long as others of
 * its zone can serve the other. */
enum frame_kind { FRAME_MOVABLE = 0, FRAME_UNMOVABLE = 1, FRAME_KINDS = 2 };

struct chunk {
	uint64_t free[CHUNK_WORDS]; /* bit set: the frame is free */
	uint16_t nfree;		    /* bits set */
	uint16_t total;	     /* frames it has: 512, fewer at the end of boot */
	uint16_t touched;    /* frames from here on still read as zero */
	uint16_t pinned;     /* frames with pins */
	uint8_t state;	     /* chunk_state */
	uint8_t zone;	     /* vmem_zone, while ONLINE or ISOLATED */
	uint8_t kind;	     /* frame_kind, while some frame is used */
	uint8_t bucket;	     /* the list it is in */
	uint32_t prev, next; /* in that list, or CHUNK_NONE */
};

struct pager_core;

/* ABSENT -> OFFLINE: total frames (512 but at the end of boot memory) that
 * read as zero. Needs no memory: the records were made with the core. */
void chunk_add(struct pager_core *core, uint32_t chunk, unsigned int total);
/* OFFLINE -> ABSENT. */
void chunk_remove(struct pager_core *core, uint32_t chunk);
/* OFFLINE -> ONLINE: all its frames are free, in the zone. */
void chunk_online(struct pager_core *core, uint32_t chunk, enum vmem_zone zone);
/* ONLINE -> ISOLATED. Frames that a cache holds of it are returned first. */
void chunk_isolate(struct pager_core *core, uint32_t chunk);
/* ISOLATED -> ONLINE, with what is free in it now. */
void chunk_unisolate(struct pager_core *core, uint32_t chunk);
/* ISOLATED, all frames free -> OFFLINE. Contents are kept as anything:
 * touched stays, chunk_add resets it. */
void chunk_offline(struct pager_core *core, uint32_t chunk);

#endif
