/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One operation of a random sequence, and what an implementation answered.
 *
 * A sequence names spaces and objects by slot, so that any part of it can be
 * left out and the rest still means something: an operation on an empty slot,
 * or one that fills a full slot, is nothing at all. That is what makes
 * sequences shrinkable.
 */
#ifndef TESTS_SUPPORT_MODEL_OP_H
#define TESTS_SUPPORT_MODEL_OP_H

#include <stdio.h>

#include "lib/core/types.h"

enum {
	MODEL_SPACES = 5,
	MODEL_OBJECTS = 4,
	MODEL_ACCOUNTS = 2,
	MODEL_IO = 3 * 4096, /* longest read or write */
	MODEL_LOGS = 6,
};

enum model_kind {
	MODEL_SPACE = 0, /* a new space in slot space; flags: around */
	MODEL_FORK,	 /* space, into slot other */
	MODEL_CLEAR,
	MODEL_FREE,
	MODEL_OBJECT, /* a new object of so many pages in slot object */
	MODEL_RESIZE,
	MODEL_PUT,
	MODEL_MAP,
	MODEL_UNMAP,
	MODEL_PROTECT,
	MODEL_REMAP,
	MODEL_BRK_START, /* addr: bytes */
	MODEL_BRK,	 /* addr: bytes */
	MODEL_ADVISE,	 /* flags: the advice */
	MODEL_PIN,
	MODEL_UNPIN,
	MODEL_FAULT,
	MODEL_POPULATE,
	MODEL_READ,  /* addr, pages: bytes */
	MODEL_WRITE, /* addr, pages: bytes; what is written follows seed */
	MODEL_PROBE, /* one access of the MMU alone, no fault handled */
	MODEL_HARVEST,
	MODEL_SNAPSHOT,
	MODEL_RESTORE,
	MODEL_DROP,
	MODEL_RECHARGE, /* to account other */
	MODEL_MIGRATE,	/* flags: what; pages: of frames; seed: which */
	MODEL_POOL,	/* flags: what; other: which pool; pages */
	MODEL_DIRTY,	/* flags: what; other: which log; see below */
	MODEL_KINDS
};

/* What MODEL_MIGRATE does; nobody may notice any of it. */
enum model_migration {
	MODEL_MOVE_FRAMES = 0, /* so many used ones, somewhere else */
	MODEL_MOVE_CHUNK,      /* all of one chunk, which stays online */
	MODEL_MOVE_AWAY,       /* the same, and it goes offline */
	MODEL_MOVE_BACK,       /* one that is offline comes back, to a zone */
	MODEL_MOVE_TOGETHER,   /* 512 pages into one run, then a large entry */
	MODEL_MIGRATIONS
};

/* What MODEL_POOL does; nobody may notice any of it. */
enum model_pooling {
	MODEL_POOL_WORK = 0, /* pages: steps of the workers */
	MODEL_POOL_RESIZE,   /* to pages, rounded down to blocks */
	MODEL_POOL_WAIT,     /* pages: milliseconds */
	MODEL_POOL_OFFLINE,  /* the memory block with page pages, by hand */
	MODEL_POOL_ONLINE,
	MODEL_POOL_GROW, /* the bound of growth by itself, as RESIZE */
	MODEL_POOLINGS
};

/*
 * What MODEL_DIRTY does. addr, pages: of START pages of the space, of the rest
 * a stretch of the log, rounded to what is allowed. access: the method; prot:
 * the log's flags; seed: which pages, how many entries.
 */
enum model_dirtying {
	MODEL_DIRTY_START = 0,
	MODEL_DIRTY_STOP,
	MODEL_DIRTY_GET,       /* twice; seed: or stopped half-way */
	MODEL_DIRTY_GET_CLEAR, /* of what is not MANUAL */
	MODEL_DIRTY_CLEAR,     /* seed 0: all of it, else some pages */
	MODEL_DIRTY_BEGIN,
	MODEL_DIRTY_END,
	MODEL_DIRTY_RING, /* offset: so many entries */
	MODEL_DIRTY_UNRING,
	MODEL_DIRTY_COLLECT, /* the reader's part alone; offset: entries */
	MODEL_DIRTY_RESET,
	MODEL_DIRTY_DRAIN,    /* both, until nothing is left */
	MODEL_DIRTY_SCRIBBLE, /* the reader writes nonsense */
	MODEL_DIRTYINGS
};

struct model_op {
	uint8_t kind;
	uint8_t space;
	uint8_t other;
	uint8_t object; /* 0: none; else slot + 1 */
	uint8_t cpu;
	uint8_t account;
	uint32_t prot;
	uint32_t flags;
	uint32_t access;
	uint64_t addr;
	uint64_t pages;
	uint64_t new_addr;
	uint64_t new_pages;
	uint64_t offset;
	uint64_t seed;
};

struct model_result {
	bool skipped; /* an empty slot or the like: nothing was called */
	uint16_t err;
	uint32_t signal; /* of a fault, read or write */
	uint32_t fault;	 /* pager_fault_result */
	uint64_t value;	 /* address chosen, pages or bytes done */
	uint64_t stop;	 /* va of the signal */
	uint8_t bytes[MODEL_IO];
};

/* The i-th byte that a write with this seed writes; never 0. */
static inline uint8_t model_byte(uint64_t seed, uint64_t i)
{
	return (uint8_t)((seed * 7 + i * 31 + (i >> 8) * 13) % 255 + 1);
}

const char *model_kind_name(enum model_kind kind);
const char *model_error_name(unsigned int err);
/* As an initialiser of struct model_op, one line: for regression tests. */
void model_op_print_c(FILE *out, const struct model_op *op);

#endif
