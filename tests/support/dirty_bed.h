/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A server (serve.h) with a client that logs a space of its own, and passes
 * memory for it: bitmaps and rings.
 */
#ifndef TESTS_SUPPORT_DIRTY_BED_H
#define TESTS_SUPPORT_DIRTY_BED_H

#include "lib/core/dirty_ring.h"
#include "tests/support/serve.h"

#define DLOG_BASE  UINT64_C(0x10000000)
#define DLOG_PAGES 1024u
#define DLOG_PAGE  UINT64_C(4096)

struct dlog_bed {
	struct srv_client *me;
	uint64_t space; /* DLOG_PAGES at DLOG_BASE, readable and writable */
	uint64_t log;	/* of these */
};
extern struct dlog_bed dlog;

void dlog_start(enum pager_dirty_method method, uint32_t flags);
void dlog_end(void);

/* One more log of pages [first, first + pages) of the space. */
uint64_t dlog_log(uint64_t first, uint64_t pages,
		  enum pager_dirty_method method, uint32_t flags);
void dlog_stop(uint64_t log);
/* Write a byte to a page; the error that stopped it. */
unsigned int dlog_write(uint64_t page);
/* FAULT for writing; likewise. */
unsigned int dlog_fault(uint64_t page);

/* A memory file with these seals (fcntl.h); it is closed by the caller. */
int dlog_file(uint64_t bytes, int seals);
/* DIRTY_GET_FD of log pages into a file; the error. */
unsigned int dlog_get(int fd, uint64_t log, uint64_t first, uint64_t pages,
		      uint32_t flags, uint64_t offset);
/* Word i of a file. */
uint64_t dlog_word(int fd, uint64_t i);

/* A ring as its reader has it. */
struct dlog_ring {
	struct dring_entry *entry;
	uint32_t entries;
	uint64_t fetch; /* collected, ever */
	int fd;
};
/* A file for a ring, mapped. */
void dlog_ring_make(struct dlog_ring *ring, uint32_t entries);
void dlog_ring_drop(struct dlog_ring *ring);
/* DIRTY_RING; the error. */
unsigned int dlog_ring_attach(const struct dlog_ring *ring, uint64_t log);
/* Collect what is dirty, at most max entries; told gets the pages. How many. */
uint32_t dlog_ring_collect(struct dlog_ring *ring, uint32_t max,
			   void (*told)(uint64_t page));
/* DIRTY_RESET, which must be done; how many. */
uint64_t dlog_ring_reset(uint64_t log);

#endif
