/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A pool as a picture: cells in rows, a row a memory block.
 *
 *	pieces of 2 MiB --pool_map_new--> cells --+-> pool_map_print (text)
 *	(as the daemon tells them)                +-> pool_map_svg
 *
 * A cell is a sub-block, or as many of them as it takes to make a row fit the
 * width. Pure functions: what they draw is what they are given, to a stream;
 * nothing here knows the daemon, the wire or a terminal. Sizes and addresses
 * are in bytes.
 *
 * Invariants: cells are in the order of their addresses, without gaps, all of
 * one size; a memory block is a whole number of them. Only boot memory may end
 * within a memory block: the last cell may be smaller, and those behind it have
 * no bytes and are not drawn.
 */
#ifndef TOOLS_PAGERCTL_POOL_MAP_H
#define TOOLS_PAGERCTL_POOL_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What the picture says beside the cells. */
struct pool_map_head {
	const char *name;
	uint64_t addr;
	uint64_t region;
	uint64_t memory_block; /* a power of two */
	uint64_t unit;	       /* a cell is no smaller: a power of two */
	uint64_t plugged;
	uint64_t requested;
	uint64_t used;
	uint64_t pinned;
};

/* A piece or a cell. */
struct pool_cell {
	uint64_t addr;
	uint64_t bytes;
	uint64_t plugged;
	uint64_t used;
	uint64_t pinned;
	uint32_t state; /* of its memory block: PAGER_BLOCK_* */
	uint32_t zone;	/* PAGER_ZONE_*, if that is online */
};

/* What a cell looks like. */
enum pool_look {
	POOL_LOOK_ABSENT,  /* its memory block is not there */
	POOL_LOOK_HOLE,	   /* it is, but this part is not plugged */
	POOL_LOOK_OFFLINE, /* plugged, and nobody may use it */
	POOL_LOOK_PARTLY,  /* a cell of several sub-blocks: some are plugged */
	POOL_LOOK_KERNEL,
	POOL_LOOK_MOVABLE,
	POOL_LOOKS
};

struct pool_map {
	struct pool_map_head head;
	uint64_t cell_bytes;
	size_t per_row; /* cells */
	size_t rows;
	struct pool_cell *cells; /* rows * per_row */
};

/*
 * Pieces, ascending and disjoint, each within a memory block, as cells; what
 * no piece tells of is absent. A row has at most width cells, at least one.
 * NULL: out of memory, or the head contradicts itself.
 */
struct pool_map *pool_map_new(const struct pool_map_head *head,
			      const struct pool_cell *pieces, size_t count,
			      size_t width);
void pool_map_free(struct pool_map *map);

enum pool_look pool_map_look(const struct pool_cell *cell);
/* How full: 0 (empty) to steps (no page is free); used at all is at least 1,
 * a free page at most steps - 1. */
unsigned int pool_map_fill(const struct pool_cell *cell, unsigned int steps);
/* "kernel", "offline", ...: of a row's memory block. */
const char *pool_map_word(const struct pool_cell *cell);
/* Both rows of cells look the same but for their addresses. */
bool pool_map_same(const struct pool_map *map, size_t row, size_t other);

/* For people: utf8 takes block characters, else ASCII; colour takes escape
 * sequences. Alike rows that follow each other are drawn once. */
void pool_map_print(const struct pool_map *map, bool utf8, bool colour,
		    FILE *out);
/* One self-contained picture, on dark and on light ground. */
void pool_map_svg(const struct pool_map *map, FILE *out);

#endif
