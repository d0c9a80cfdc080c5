/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the parts of the recount share: the tables (recount_table.c), pools
 * (recount_pool.c), and all other records (recount.c).
 */
#ifndef LIB_CORE_RECOUNT_INT_H
#define LIB_CORE_RECOUNT_INT_H

#include "lib/core/space.h"

struct recount {
	struct pager_core *core;
	uint32_t *node_refs;  /* by node: upper entries and roots seen */
	uint32_t *frame_refs; /* by frame: leaf entries and objects seen */
	uint8_t *places;      /* by place: lists that it is in */
	uint64_t (*used)[PAGER_RES_COUNT]; /* by account */
	uint32_t *pins;			   /* by frame; NULL: there are none */
	/* By node: the first space that reached it, or NULL. */
	const struct pager_space **first;
	uint64_t spaces;
	uint64_t objects;
	uint64_t regions;
	uint64_t large;	  /* large entries seen */
	uint64_t mapping; /* regions with an object */
	uint64_t mapped;  /* regions that objects know of */
	char *why;
	size_t size;
	bool bad;
};

/* Note the first difference. Returns false. */
bool recount_wrong(struct recount *rc, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Count a whole tree, of a space or of an object; the other is NULL. */
bool recount_tree(struct recount *rc, const struct pager_space *space,
		  const struct pager_object *object, uint32_t root);

/* Memory blocks, chunks, and what device and driver know of them. */
bool recount_pools(struct recount *rc);
/* Dirty logs; after the tables, before the accounts are compared. */
bool recount_dirty(struct recount *rc);
/* Is something pinned, or said to be? */
bool recount_needs_pins(const struct pager_core *core);
/* Count the pins, of tables and chunks that are right otherwise. */
bool recount_pins(struct recount *rc);

#endif
