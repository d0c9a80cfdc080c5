/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A server with something in it (serve.h), and for every operation there is
 * one or more requests that it would carry out: the valid ones that tests bend
 * out of shape, make fail, cut short or lengthen.
 *
 * Each request is valid on a fresh bed; after it was done, make another bed.
 */
#ifndef TESTS_SUPPORT_REQUESTS_H
#define TESTS_SUPPORT_REQUESTS_H

#include "tests/support/serve.h"

/* What lies in the space, all readable and writable but the hole. */
#define BED_ANON   UINT64_C(0x400000)  /* 16 pages, the first 4 written */
#define BED_PINNED UINT64_C(0x500000)  /* 4 pages */
#define BED_SHARED UINT64_C(0xc00000)  /* 8 pages of nameless shared memory */
#define BED_HEAP   UINT64_C(0x1000000) /* 3 pages, the break behind them */
#define BED_VIEW   UINT64_C(0x2000000) /* 8 pages of the object, private */
#define BED_HOLE   UINT64_C(0x3000000) /* nothing from here to the end */
#define BED_START  UINT64_C(0x10000)   /* the space's own range */
#define BED_END	   UINT64_C(0x7ffffffff000)

#define BED_LOG_PAGES 200u /* of a log: the last word is not a whole one */

/* And pool 1: sixteen memory blocks of 2 MiB behind boot memory, the first four
 * with memory, online but for the third. */
#define BED_BLOCK UINT64_C(0x200000)
#define BED_POOL  UINT64_C(0x400000)
#define BED_POND  (16 * BED_BLOCK)

struct bed {
	struct srv_client *admin;
	struct srv_client *me, *twin; /* two sessions of Ann's */
	struct srv_client *other;     /* one of Ben's */
	struct srv_client *fresh;     /* Ann's, before HELLO */
	uint64_t space;
	uint64_t child;	 /* forked from it; its second page is its own */
	uint64_t empty;	 /* a space without anything */
	uint64_t object; /* "thing", 16 pages */
	uint64_t dead_space, dead_object;
	uint64_t twins_space, twins_object, twins_log;
	uint64_t others_space, others_object;
	uint64_t logged;   /* another space: BED_LOG_PAGES at BED_ANON */
	uint64_t log;	   /* of these; pages 0, 70 and the last are dirty */
	uint64_t manual;   /* of all of it: MANUAL, write protection */
	uint64_t ringed;   /* of the first 64 pages, with a ring */
	uint64_t orphan;   /* of a space that has ended */
	uint64_t dead_log; /* stopped */
	uint8_t token[PAGER_TOKEN_SIZE];      /* for the other's object */
	uint8_t used_token[PAGER_TOKEN_SIZE]; /* has been taken */
};

struct request {
	const char *name; /* "map", or "map hint" */
	struct srv_client *client;
	const struct pager_op *op;
	union pager_request_body body;
	uint8_t data[512];
	size_t data_len;
};

extern struct bed bed;

/* config as serve_start() has it. */
void bed_start(const char *config);
void bed_end(void);

/* The requests, by number and by name (dies if there is none); both need a
 * bed, whose handles they name. */
#define REQUEST_COUNT 105u
void request_get(unsigned int i, struct request *out);
void request_find(const char *name, struct request *out);

/* Fails if the server does not look like before (which is freed) in anything
 * but what a batch does not undo: the counters of the whole server, and pages
 * that could be written without a fault. */
void bed_undone(char *before, const char *what);

/* Send it; the error of the answer. */
unsigned int request_send(const struct request *r);
/* Append it to a BATCH's data, as message seq. */
size_t request_put(const struct request *r, uint8_t *data, size_t at,
		   size_t cap, uint64_t seq);

#endif
