/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dirty logs of a model: the calls, the reader's side of a ring, and what is
 * wrong with an answer.
 *
 * A page that must be reported and is not ends the sequence ("lost"); so does
 * one that is reported without any of the reasons that the contract gives
 * ("unexplained"). The rest is counted.
 */
#ifndef TESTS_SUPPORT_MODEL_DIRTY_H
#define TESTS_SUPPORT_MODEL_DIRTY_H

#include "lib/core/dirty.h"
#include "tests/support/oracle_dirty.h"

struct model;

/* The core's side of a log, and the reader's of its ring. */
struct model_log {
	struct pager_dirty_log *log;
	struct dring_entry *memory; /* of the ring, or NULL */
	uint64_t *pushed;	    /* pages, as they came */
	bool *given;		    /* back: RESET was written */
	uint64_t head;
	uint64_t tail;
};

/* Over all sequences of the process, and of its children if the caller puts it
 * into memory that they share. */
struct model_dirty_totals {
	uint64_t logs;
	uint64_t gets;
	uint64_t why[ORACLE_WHYS]; /* pages reported */
	uint64_t memory; /* without a reason, but for want of memory */
	uint64_t ringed;
	uint64_t stopped; /* writes */
	uint64_t no_engine;
};
extern struct model_dirty_totals *model_dirty_totals;

void model_dirty(struct model *m, const struct model_op *op);
/* A space is about to be freed. */
void model_dirty_ends(struct model *m, const struct model_op *op);
/* After every operation: rings, and what large entries blur. */
void model_dirty_after(struct model *m);
/* A write was refused with EDIRTYFULL: by right? */
void model_dirty_full(const struct model *m, const struct model_op *op);
/* All logs stop. */
void model_dirty_end(struct model *m);

#endif
