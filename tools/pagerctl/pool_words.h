/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What rows of pools, blocks and events say, in words; and when waiting for a
 * wish is over. Pure functions of the rows.
 */
#ifndef TOOLS_PAGERCTL_POOL_WORDS_H
#define TOOLS_PAGERCTL_POOL_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pager/pager.h>

#define POOL_LINE 256

enum pool_state {
	POOL_BOOT,	/* always there */
	POOL_REACHED,	/* plugged is what was requested */
	POOL_GROWING,	/* more is being plugged */
	POOL_SHRINKING, /* memory is being taken out */
	POOL_RETRYING,	/* something was busy: again in a while */
	POOL_BLOCKED,	/* too much is offline: waits until that changes */
	POOL_ABOVE,	/* what is left is not taken out by itself */
	POOL_BROKEN,	/* the driver gave up */
	POOL_STATES
};

enum pool_state pool_state(const struct pager_row_pool *row);
/* "working", "waiting", ...: one word, stable, for tables and JSON. */
const char *pool_state_word(enum pool_state state);
/* A sentence for people that says what to do, if there is something. */
void pool_state_say(const struct pager_row_pool *row, char out[POOL_LINE]);

const char *pool_mode_word(const struct pager_row_pool *row);
const char *pool_block_word(uint32_t state);
const char *pool_zone_word(uint32_t zone);
/* What the driver knows of a memory block: "movable-partial", ... */
const char *pool_driver_word(const struct pager_row_pool *row, uint32_t driver);
/* "plug", "busy", ...: stable. */
const char *pool_event_word(uint32_t type);
/* What the event says beside its word and address: "2M", "memory", ... */
void pool_event_say(const struct pager_row_event *event, char out[POOL_LINE]);

/* --- waiting for a wish --------------------------------------------------- */

enum pool_wait_end {
	POOL_WAIT_ON,
	POOL_WAIT_REACHED,
	POOL_WAIT_REPLACED, /* a newer wish counts now */
	POOL_WAIT_BROKEN,
};

struct pool_wait {
	uint32_t pool;
	uint64_t wish;	 /* its number */
	uint64_t target; /* bytes */
	uint64_t from;	 /* plugged when it began */

	/* what was learnt since */
	uint64_t newer;	    /* the size that replaced it */
	bool grown;	    /* by itself, as memory was short */
	bool busy;	    /* what is below counts */
	uint64_t busy_addr; /* 0: not known */
	uint64_t busy_who;  /* 0 device, 1 memory, 2 a veto */
};

/* The next event, in order; events of other pools are nothing. */
enum pool_wait_end pool_wait_event(struct pool_wait *wait,
				   const struct pager_row_event *event);
/* The pool as it is now, after its events. */
enum pool_wait_end pool_wait_look(struct pool_wait *wait,
				  const struct pager_row_pool *row);
/* How far, 0 to 100; 100 only when it is there. */
unsigned int pool_wait_percent(const struct pool_wait *wait, uint64_t plugged);
/*
 * "dimm0: 256M of 512M (50%), busy: 0x118000000, memory; next try in 42 s".
 * bar: with a bar of so many cells, 0 for none.
 */
void pool_wait_say(const struct pool_wait *wait,
		   const struct pager_row_pool *row, unsigned int bar,
		   char out[POOL_LINE]);

#endif
