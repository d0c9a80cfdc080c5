/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A core and the oracle side by side: every operation is done by both, and
 * afterwards nothing that can be observed may differ.
 *
 * What differs is printed and ends the process (model_die): a sequence is run
 * in a child, by hunt.h.
 */
#ifndef TESTS_SUPPORT_MODEL_H
#define TESTS_SUPPORT_MODEL_H

#include "tests/support/model_dirty.h"
#include "tests/support/oracle.h"
#include "tests/support/world.h"

/* STRETCHES: aligned 2 MiB of the window. */
enum { MODEL_WOULD = 4096, MODEL_CHUNKS = 64, MODEL_STRETCHES = 8 };

struct model_config {
	uint64_t start; /* the window: vpn of its first page */
	uint64_t pages;
	uint64_t frames; /* 0: plenty */
	uint64_t nodes;	 /* 0: plenty */
	uint64_t stack;	 /* pages of a stack; 0: 2,048 */
	/* Limits of spaces and of account 1; 0: none. */
	uint64_t max_regions;
	uint64_t max_pages;
	uint64_t max_resident;
	uint64_t account_frames;
	uint64_t account_nodes;
	const struct pager_pool_config *pools; /* beside frames */
	size_t pool_count;
	uint64_t memory_block; /* 0: as the world's */
	bool grows;	       /* pools may grow by themselves */
	bool failing; /* allocations fail now and then, if built with it */
	unsigned int check_every; /* all bytes after so many steps; 0: 1 */
};

struct model {
	struct model_config config;
	struct test_world world;
	struct pager_account *account[MODEL_ACCOUNTS];
	struct pager_space *space[MODEL_SPACES];
	struct pager_object *object[MODEL_OBJECTS];
	struct model_log log[MODEL_LOGS];
	bool was_large[MODEL_SPACES][MODEL_STRETCHES];
	struct oracle oracle;
	uint64_t steps;
	uint64_t reclaims; /* of the core, at the last step */
	bool reclaimed;	   /* in this step */
	bool failed;	   /* an allocation, on purpose, in this step */
	uint8_t would[MODEL_WOULD]; /* page by page: see note_faults */
	struct model_result got;
	struct model_result want;
	uint32_t errs;
	bool offline[MODEL_CHUNKS]; /* emptied by MODEL_MOVE_AWAY */
	uint64_t migrated;	    /* frames */
	uint64_t gathered;	    /* runs */
};

/* May anything be refused for lack of room at all? */
static inline bool model_is_tight(const struct model_config *c)
{
	return c->frames || c->nodes || c->max_regions || c->max_pages ||
	       c->max_resident || c->account_frames || c->account_nodes;
}

/* kind: a word by which failures are told apart; then the message. */
_Noreturn void model_die(const char *kind, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Called by model_die instead of printing, when set. */
extern void (*model_on_death)(const char *kind, const char *message);

void model_init(struct model *m, const struct model_config *config);
/* Everything is freed and counted. */
void model_fini(struct model *m);
/* Do one operation on both sides and compare; got and want are filled. */
void model_step(struct model *m, const struct model_op *op);
/* Compare the state. everything: all bytes of all spaces. */
void model_check(struct model *m, bool everything);

/* Frames, or a whole chunk, move. Nothing else of m changes. */
void model_migrate(struct model *m, const struct model_op *op);
/* All that is offline comes back. */
void model_migrate_end(struct model *m);
/* A wish of a pool, a step of its worker. Nothing else of m changes. */
void model_pool(struct model *m, const struct model_op *op);
/* The marks of all pages' entries, and that they are the same afterwards (then
 * before is freed). together: large entries may have been made. */
uint64_t *model_marks(const struct model *m);
void model_same_marks(const struct model *m, uint64_t *before, bool together);
/* All memory of pools goes back; nothing is used any more. */
void model_pool_end(struct model *m);

/* Call the core; slots of m are filled and emptied. */
void model_call(struct model *m, const struct model_op *op,
		struct model_result *got);

#endif
