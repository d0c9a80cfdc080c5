/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The naive oracle: what a set of spaces must look like, by the simplest means
 * there are. A space is an array with one element a page of a small window; an
 * object is an array of pages. Nothing is shared and nothing is clever: fork
 * copies every byte.
 *
 * A page of a space knows its whole policy, so regions are only runs of pages
 * that are alike, which is what "neighbours that are alike merge" must look
 * like from outside.
 *
 * Frames are numbers: a fork copies the bytes but keeps the numbers, and each
 * write to a page whose number somebody else has takes a new one. The count of
 * numbers in use is the count of frames that must be in use.
 *
 * The oracle knows core.h's words and nothing of the core's insides; it never
 * runs out of memory. Where an implementation may refuse for lack of memory or
 * by a limit, the caller simply does not apply the operation.
 */
#ifndef TESTS_SUPPORT_ORACLE_H
#define TESTS_SUPPORT_ORACLE_H

#include "tests/support/model_op.h"

/* A set of errors, any of which is right. */
#define ORACLE_ERR(e) (UINT32_C(1) << (e))

struct oracle_object {
	uint64_t size;
	bool handle; /* its maker still holds it */
	uint8_t account;
	struct oracle_cell {
		uint32_t frame;	  /* 0: none */
		uint32_t holders; /* scratch for who wants to count */
		uint8_t *bytes;
	} * cell; /* ORACLE_OBJECT_PAGES of them */
	struct oracle_object *next;
};

enum { ORACLE_OBJECT_PAGES = 4096 };

struct oracle_page {
	bool mapped;
	bool lazy;    /* may go when memory is short */
	uint8_t type; /* pager_page_type */
	uint32_t prot;
	uint32_t flags; /* PAGER_REGION_* */
	struct oracle_object *object;
	uint64_t offset; /* page of the object */
	uint32_t frame;	 /* anonymous: its frame's number */
	uint8_t *bytes;	 /* anonymous: 4,096 of them */
};

/* When a page last changed, by the oracle's clock; see oracle_dirty.h. */
struct oracle_when {
	uint64_t changed; /* a log has to say so */
	uint64_t maybe;	  /* something went that may have counted as data */
	uint64_t filled;  /* made writable, and not written */
	uint64_t large;	  /* a page under the same large entry changed */
};

struct oracle_space {
	bool live;
	uint8_t account;
	struct oracle_page *page; /* window pages */
	struct oracle_when *when; /* as many */
	uint64_t faults;
	uint64_t peak;
	uint64_t brk_start;
	uint64_t brk;
	uint8_t around; /* PAGER_AROUND_*: faults may fill more than asked */
	struct oracle_space *snapshot;
};

struct oracle_config {
	uint64_t start; /* the window: vpn of its first page */
	uint64_t pages;
	uint64_t stack; /* pages a stack may have */
};

/* A dirty log, as its reader must find it. Pages count from range.start. */
struct oracle_log {
	bool live;
	bool orphan;
	bool manual;
	bool all_set;
	bool write_protect;
	uint8_t space;
	struct pager_range range;
	uint64_t *cleared;	  /* when; 0: never */
	uint64_t *begun;	  /* when write-back began; 0: it did not */
	uint64_t *looks;	  /* of the bytes, when it was cleared */
	struct oracle_when *last; /* ORPHAN: how its space ended */
	uint8_t *old;	  /* ALL_SET: a write from before the start may show up,
			     once */
	uint32_t entries; /* of the ring; 0: none */
};

struct oracle {
	struct oracle_config config;
	uint64_t now; /* the clock: steps */
	struct oracle_log log[MODEL_LOGS];
	struct oracle_space space[MODEL_SPACES];
	struct oracle_object *object[MODEL_OBJECTS]; /* handles */
	struct oracle_object *objects;		     /* all alive */
	struct oracle_number {
		uint32_t refs;
		uint8_t account;
	} * frame; /* by number; 0 is unused */
	uint32_t frame_slots;
	uint32_t frame_hint;
	uint64_t frames[MODEL_ACCOUNTS]; /* in use, by account */
};

struct oracle_resident {
	uint64_t anon, zero, object;
};

void oracle_init(struct oracle *o, const struct oracle_config *config);
void oracle_fini(struct oracle *o);

/* True: op would do something (slots are filled or empty as it needs). */
bool oracle_applies(const struct oracle *o, const struct model_op *op);
/*
 * Do op and say what must be answered: errs is the set of right errors (OK
 * included or alone). got is what the implementation answered: the place that
 * it chose and how far it came are taken from there where they are free.
 */
void oracle_apply(struct oracle *o, const struct model_op *op,
		  const struct model_result *got, struct model_result *want,
		  uint32_t *errs);

/* The page, or NULL outside the window. */
struct oracle_page *oracle_page(const struct oracle *o,
				const struct oracle_space *s, uint64_t vpn);
/* The bytes an access would see, or NULL: all zero. */
const uint8_t *oracle_bytes(const struct oracle_page *p);
struct oracle_resident oracle_resident(const struct oracle *o,
				       const struct oracle_space *s,
				       uint64_t start, uint64_t end);
uint64_t oracle_virtual(const struct oracle *o, const struct oracle_space *s);
/* May vpn and the page before it belong to one region? None reaches across the
 * middle of the address space: the addresses are not neighbours. */
bool oracle_alike(const struct oracle *o, const struct oracle_space *s,
		  uint64_t vpn);
/* The run of pages alike around vpn, which is mapped. */
uint64_t oracle_run_start(const struct oracle *o, const struct oracle_space *s,
			  uint64_t vpn);
uint64_t oracle_run_end(const struct oracle *o, const struct oracle_space *s,
			uint64_t vpn);
uint64_t oracle_object_resident(const struct oracle_object *object);
/* Objects and pages of accounts, snapshots included. */
uint64_t oracle_objects(const struct oracle *o);
/* The page's frame can be reached from nowhere else. */
bool oracle_exclusive(const struct oracle *o, const struct oracle_page *p);
/* What an access to the page would be answered; stacks do not grow. */
enum pager_signal oracle_allows(const struct oracle_page *p, uint32_t access);
/* Could a write fault at vpn have filled this empty page as well? */
bool oracle_may_fill(const struct oracle *o, const struct oracle_space *s,
		     uint64_t vpn, uint64_t page);
/* The core did. */
void oracle_filled(struct oracle *o, struct oracle_space *s, uint64_t page);
/* The core took this page back because memory was short (it was lazy). */
void oracle_reclaimed(struct oracle *o, struct oracle_page *p);

#endif
