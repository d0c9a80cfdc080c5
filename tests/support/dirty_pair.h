/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dirty logs of a core held against what Linux says was written: one sequence
 * on two sides, as linux_pair.h, where every process that is logged is watched
 * by Linux's own tracker.
 *
 * For every page of every log three things are kept from the moment it was last
 * clean: was it written (Linux's tracker); what was in it (a copy of Linux's
 * bytes); what else happened to it that pagerd may call dirty. A get must have
 *  - every page that was written, whether it is still there or not;
 *  - every page whose bytes are others: one that is not mapped counts as zero.
 * What it has beyond that is counted by reason; where it has more for no reason
 * at all, it fails, too.
 *
 * The exception: a page of a private mapping that was not copied shows what
 * others write to the object. That is no write to the page.
 */
#ifndef TESTS_SUPPORT_DIRTY_PAIR_H
#define TESTS_SUPPORT_DIRTY_PAIR_H

#include "tests/support/linux_pair.h"

/* Logs of one space, at most. */
enum { DIRTY_LOGS = 2 };

/* Operations beside those of the model. */
enum dirty_kind {
	/* A log in slot other of the space, of pages from addr on; prot: the
	 * method; flags: PAGER_DIRTY_*. One that is there ends. */
	DIRTY_START = 0x80,
	/* Get, compare, clear: pages from page addr of the log on, whole
	 * words; prot: enum dirty_clear. */
	DIRTY_GET,
	/* Write-back begins and ends, for the same. */
	DIRTY_BEGIN,
	DIRTY_END,
	DIRTY_STOP,
};

/* What is done after a get. */
enum dirty_clear {
	DIRTY_KEEP,  /* nothing: the same is dirty the next time */
	DIRTY_GOT,   /* what was got, as a get-and-clear (not MANUAL) */
	DIRTY_WORDS, /* what was got, named page by page */
	DIRTY_SOME,  /* a part of it, by seed */
	DIRTY_ALL,   /* the stretch */
	DIRTY_CLEARS
};

/* Why a page may be dirty that was not written. */
enum dirty_why {
	DIRTY_WHY_ALL_SET,  /* not cleared yet since the start */
	DIRTY_WHY_REGION,   /* another mapping, or another part of one */
	DIRTY_WHY_MAPPED,   /* mapped, unmapped, moved over or away */
	DIRTY_WHY_DROPPED,  /* DONTNEED, FREE, a shorter object */
	DIRTY_WHY_POPULATE, /* populated, as if for writing; pinned */
	DIRTY_WHY_OBJECT,   /* others can write it */
	DIRTY_WHY_FORKED,   /* tables that a fork shares know of old writes */
	DIRTY_WHY_AROUND,   /* filled with a neighbour, by the space's policy */
	DIRTY_WHY_OVER,	    /* a large entry, no memory: the log says so */
	DIRTY_WHYS
};

/* In memory that children share with their parent. */
struct dirty_counts {
	uint64_t gets;
	uint64_t written;	     /* pages that Linux saw written, at gets */
	uint64_t changed;	     /* and others that had to be reported */
	uint64_t beyond[DIRTY_WHYS]; /* reported beside those */
	uint64_t behind; /* others that look different: the exception */
};

struct dirty_log {
	struct pager_dirty_log *log; /* NULL: none */
	uint64_t first;		     /* page of the window */
	uint64_t pages;
	uint32_t flags;
	bool orphan;
	uint8_t *must;	/* by page: DIRTY_NEW, DIRTY_AWAITING */
	uint8_t *why;	/* bits of enum dirty_why */
	uint8_t *then;	/* what LINUX_COPY said when it was last clean */
	uint8_t *bytes; /* and gave */
};

struct dirty_pair {
	struct pair pair;
	struct dirty_log log[MODEL_SPACES][DIRTY_LOGS];
	bool tracked[MODEL_SPACES];
	bool forked[MODEL_SPACES]; /* parents and children */
	struct dirty_view {
		bool mapped;
		const struct oracle_object *object;
		uint64_t offset;
	} * before; /* what a call may change, by page of the window */
	struct pager_account *account; /* of the logs */
	bool stacks;		       /* reading may map pages */
	bool is_scarce; /* a log's start limits the memory of all: seed % 4
			 * nodes. Then they may say more, never less. */
	struct dirty_counts *counts;
};

/* Both sides begin, with shape and window of c, or end: all logs are read once
 * more. */
void dirty_pair_begin(struct dirty_pair *d, const struct model_config *c,
		      enum linux_tracker tracker);
void dirty_pair_end(struct dirty_pair *d);
/* An operation of the model, or one of the above, on both sides. False: it does
 * not apply, or is not compared. */
bool dirty_pair_step(struct dirty_pair *d, const struct model_op *op);
const char *dirty_kind_name(unsigned int kind);
const char *dirty_why_name(enum dirty_why why);

#endif
