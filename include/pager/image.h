/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file that pager_precopy writes: a space as it was at one moment. Native
 * endian; addresses, offsets and lengths in bytes.
 *
 *	0         4096                                        length
 *	+---------+---------------------+---------+---------+------+
 *	| image   | pages, 2 MiB a time | regions | objects | runs |
 *	+---------+---------------------+---------+---------+------+
 *
 * Pages that hold nothing are not in any run, and mostly holes of the file. The
 * header is written last: a file that was not finished has none.
 *
 * Objects are numbered from 1 in the order of their rows.
 */
#ifndef PAGER_IMAGE_H
#define PAGER_IMAGE_H

#include <stdint.h>

#include <pager/wire.h>

#define PAGER_IMAGE_MAGIC   "PAGERIMG"
#define PAGER_IMAGE_VERSION 1u

struct pager_image {
	char magic[8];
	uint32_t version;
	uint32_t page_size;
	uint64_t length; /* of the file */
	uint64_t start;	 /* of the space, as in rep_space_info */
	uint64_t end;
	uint64_t brk_start;
	uint64_t brk;
	uint32_t backend;
	uint32_t reserved;
	uint64_t regions_at; /* struct pager_image_region */
	uint64_t regions;
	uint64_t objects_at; /* uint64_t: their sizes */
	uint64_t objects;
	uint64_t runs_at; /* struct pager_image_run */
	uint64_t runs;
	char name[PAGER_NAME_MAX];
};

/* Sorted by address. */
struct pager_image_region {
	uint64_t start;
	uint64_t end; /* 0: 2^64 */
	uint64_t object;
	uint64_t offset;
	uint32_t prot;
	uint32_t flags; /* PAGER_REGION_* */
};

/* Pages that hold something. */
struct pager_image_run {
	uint64_t object; /* 0: private pages of the space */
	uint64_t addr;	 /* an address; with an object an offset in it */
	uint64_t len;
	uint64_t at; /* in the file */
};

#endif
