/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Live copies of a running space. Include <pager/pager.h>.
 *
 * What a live migration does: while the space runs, all of it is copied, then
 * again and again what was written meanwhile, until that is little; then it is
 * stopped, the rest is copied, regions and protections are brought up to date,
 * and it goes on. The copy is the space as it was while it was stopped.
 *
 *	log on ── all ── written ── written ── .. ── stop ── rest ── resume
 *	                 round 1    round 2            '── pause ──'
 *
 * What is copied: regions with their protections, advice, pins and the break;
 * every page that holds something, whatever its protection; the memory objects
 * that regions map, which the copy gets its own ones of (without names).
 *
 * What is not: a region that is mapped CONTIG belongs to a device that knows
 * its physical address, so there can be no second one: the space is refused, or
 * PAGER_PRECOPY_SKIP_CONTIG leaves such regions out. Limits of the space, its
 * counters and policy are those of a new one. An object that the session has no
 * handle to is as long as the regions show it; parts of an object that no
 * region shows are not copied. Objects that other spaces write while this one
 * is stopped cannot be copied exactly, which is found and told.
 */
#ifndef PAGER_PRECOPY_H
#define PAGER_PRECOPY_H

#include <stddef.h>
#include <stdint.h>

#include <pager/connection.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Options' flags. VERIFY: compare all bytes and all regions of the two before
 * the source goes on, which makes the pause longer; not for a file. */
#define PAGER_PRECOPY_VERIFY	  0x1u
#define PAGER_PRECOPY_SKIP_CONTIG 0x2u
#define PAGER_PRECOPY_FILE	  0x4u /* to the file fd, not to a space */
#define PAGER_PRECOPY_FLAGS	  0x7u

enum pager_precopy_phase {
	PAGER_PRECOPY_RUNNING = 0, /* a round while the source runs */
	PAGER_PRECOPY_STOPPED = 1, /* the last round */
	PAGER_PRECOPY_VERIFYING = 2,
};

struct pager_precopy_progress {
	uint32_t round; /* 0: all of it */
	uint32_t phase; /* pager_precopy_phase */
	uint32_t ended; /* 1: of this round this is the last word */
	uint32_t reserved;
	uint64_t pages; /* copied in this round so far */
	uint64_t bytes;
	uint64_t dirty; /* pages it began with; round 0: resident ones */
	uint64_t ms;	/* since the round began */
};

struct pager_precopy_options {
	uint32_t flags;	       /* PAGER_PRECOPY_* */
	uint32_t method;       /* pager_dirty_method of the log */
	uint32_t max_rounds;   /* while it runs, beside the first; 0: 30 */
	uint32_t max_pause_ms; /* of SPACE_PAUSE, at most 60,000; 0: 10,000. Not
				* done in this time: it fails */
	uint64_t stop_pages;   /* few enough to stop the source; 0: 512. Rounds
				* also end when they stop getting shorter. */
	struct pager *target;  /* where the new space is made; NULL: on the
				* source's connection */
	int fd;		       /* with FILE: a regular file, opened for reading
				* and writing; what was in it is gone */
	/* Now and then, and at the end of each round. Not 0: give up. It may
	 * not use the connections. */
	int (*progress)(void *arg, const struct pager_precopy_progress *p);
	/* Stop the source, and let it go on: 0, or not 0 if that failed. NULL:
	 * SPACE_PAUSE; a space of the caller's own session is written by nobody
	 * but the caller, so there is nothing to stop. */
	int (*stop)(void *arg);
	int (*resume)(void *arg);
	void *arg;
};

#define PAGER_PRECOPY_WHY 256

struct pager_precopy_result {
	uint64_t space;	 /* the new one; the target connection's */
	uint64_t rounds; /* while it ran, with the first */
	uint64_t pages;	 /* copied, in all rounds */
	uint64_t bytes;
	uint64_t last_pages; /* of these while it was stopped */
	uint64_t regions;
	uint64_t skipped;   /* regions that were left out */
	uint64_t pause_us;  /* from stop to resume */
	uint64_t verify_us; /* of that */
	uint64_t total_us;
	uint64_t verified;	     /* pages that were compared */
	char why[PAGER_PRECOPY_WHY]; /* a failure in a sentence, or "" */
};

/*
 * 0, or what a libpager call on either connection returned, or PAGER_MISUSE for
 * what no daemon is to blame for; then result->why says what it was, and all is
 * undone: the log is stopped, the source goes on, the new space is gone, the
 * file is empty. options and result may be NULL. Neither connection may have
 * requests under way that write to the source or its regions.
 */
int pager_precopy(struct pager *pager, uint64_t space,
		  const struct pager_precopy_options *options,
		  struct pager_precopy_result *result);

/*
 * Make a space of what pager_precopy wrote to a file. fd: opened for reading.
 * result->space, pages, bytes, regions, total_us and why are set. PAGER_MISUSE:
 * that is no such file, or it is damaged; nothing is left behind.
 */
int pager_precopy_load(struct pager *pager, int fd,
		       struct pager_precopy_result *result);

#ifdef __cplusplus
}
#endif

#endif
