/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver's two other sides, as naive as can be: a device with one bool a
 * block and a memory manager with one record a page. Both write down every
 * call in order, both answer as a rule says instead of doing it, and both fail
 * the test when the driver asks for what makes no sense: unplugging memory
 * that is in use, adding twice, removing what is online.
 *
 * The log is one line of calls with their ranges, "first+pages", and the
 * answer if it is not the good one:
 *
 *	PLUG 400+4, plugged 400+4, add 400+4=ENOMEM, UNPLUG 400+4=BUSY
 *
 * Requests are in capitals. What the driver only looks at (its configuration,
 * in_use) is not written down.
 */
#ifndef TESTS_SUPPORT_VMEM_SCRIPT_H
#define TESTS_SUPPORT_VMEM_SCRIPT_H

#include <check.h>

#include "lib/core/vmem.h"

enum { VS_PAGES = 4096, VS_RULES = 16, VS_LOG = 1 << 16 };

enum vs_call {
	VS_PLUG,
	VS_UNPLUG,
	VS_UNPLUG_ALL,
	VS_PLUGGED,
	VS_UNPLUGGED,
	VS_ADD,
	VS_REMOVE,
	VS_OFFLINE_AND_REMOVE,
	VS_TAKE,      /* fake_offline */
	VS_RETURN,    /* fake_online */
	VS_ONLINING,  /* the mm asks: a veto of another listener */
	VS_OFFLINING, /* likewise */
	VS_CALLS
};

/* What stands for a block of the mm that does not come online by itself. */
#define VS_STAY_OFFLINE (-1)

struct vs_rule {
	enum vs_call call;
	unsigned int nth; /* call from now on, 1 ..; 0: every */
	int answer;	  /* vmem_response, or a negative errno */
	bool once;
	bool spent;
};

struct vs_page {
	bool device;	/* plugged, in the naive device */
	bool plugged;	/* the mm was told so */
	bool usable;	/* given out, or free to be */
	bool used;	/* given out */
	bool unmovable; /* and cannot be moved */
};

enum vs_state { VS_ABSENT, VS_OFFLINE, VS_ONLINE };

struct vs_block {
	enum vs_state state;
	enum vmem_zone zone;
};

struct vs {
	/* To be set before vs_start; zero is a default. */
	struct vmem_driver_config config; /* link, mm, host, event are ours */
	struct vmem_config device;	  /* naive: addr 400, block 1 */
	struct vmem_link inner; /* another device: ours only writes down */
	bool (*inner_has)(void *device, uint64_t pfn);
	uint64_t memory_block; /* 4 */
	int auto_zone;	       /* a vmem_zone, or VS_STAY_OFFLINE */
	uint64_t room;	       /* pages elsewhere for what is moved */
	bool quiet;	       /* write nothing down */
	void (*hook)(struct vs *s, enum vs_call call); /* inside of it */
	uint64_t host_limit; /* pieces of memory that the host gives; 0: any */

	struct vmem_driver *driver;
	struct vs_page page[VS_PAGES]; /* from device.addr on */
	struct vs_block block[VS_PAGES];
	struct vs_rule rule[VS_RULES];
	unsigned int rules;
	uint64_t calls; /* everything that would be in the log */
	uint64_t host_pieces;
	uint64_t due;
	char log[VS_LOG];
	size_t log_len;
	char events[VS_LOG];
	size_t events_len;
};

/* Fill in defaults: 16 memory blocks of 4 pages from 400 on, sub-blocks of one
 * page, no threshold to speak of, everything comes online MOVABLE. */
void vs_init(struct vs *s);
/* The driver; it must be made. */
void vs_start(struct vs *s);
/* Free it; the host has everything back. */
void vs_end(struct vs *s);

/* The host that counts, for others. */
void vs_host(struct vs *s, struct pager_host *out);
/* Pages of a memory block (SBM) or a big block (BBM). */
uint64_t vs_block(const struct vs *s);

/* From now on the nth such call is answered so (0: all of them). */
void vs_answer(struct vs *s, enum vs_call call, unsigned int nth, int answer);
void vs_no_answers(struct vs *s);

/* A new wish, and the driver is told. */
void vs_request(struct vs *s, uint64_t pages);
enum vmem_work vs_step(struct vs *s, uint64_t now);
/* Steps at this time until there is no more to do. */
enum vmem_work vs_run(struct vs *s, uint64_t now);

/* By hand; 0 or -EBUSY. What is used of it is moved. */
int vs_online(struct vs *s, uint64_t pfn, enum vmem_zone zone);
int vs_offline(struct vs *s, uint64_t pfn);
/* Pages of [pfn, pfn + n) that can be given out are. */
void vs_use(struct vs *s, uint64_t pfn, uint64_t n, bool unmovable);
void vs_unuse(struct vs *s, uint64_t pfn, uint64_t n);

/* The log so far is this; it is empty afterwards. */
#define vs_said(s, text) vs_said_at((s), (text), __FILE__, __LINE__)
void vs_said_at(struct vs *s, const char *text, const char *file, int line);
/* Likewise of the driver's events: "plug 400+4, reached 4". */
#define vs_told(s, text) vs_told_at((s), (text), __FILE__, __LINE__)
void vs_told_at(struct vs *s, const char *text, const char *file, int line);
/* Forget both. */
void vs_hush(struct vs *s);

struct vmem_driver_info vs_info(const struct vs *s);
/* Plugged pages, as the device sees it. */
uint64_t vs_plugged(const struct vs *s);
/* States, bits, counts of the driver, the mm and the device agree. */
void vs_check(const struct vs *s);

/* --- the one of a test -----------------------------------------------------
 */

extern struct vs vs;

/* A driver of nothing; what comes, comes online so. */
struct vs *vs_fresh(int auto_zone);
/* One that has so many pages. */
struct vs *vs_with(int auto_zone, uint64_t pages);
/* Go to this size at once, which must work; checked. */
void vs_go(uint64_t pages);
unsigned int vs_state(uint64_t pfn);
/* Checked, and the end. */
void vs_done(void);

#endif
