/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A server (serve.h) with a space of a tebibyte, and requests on dirty logs of
 * it in one line each; they must succeed.
 */
#ifndef TESTS_SUPPORT_DIRTY_TIB_H
#define TESTS_SUPPORT_DIRTY_TIB_H

#include "tests/support/serve.h"

#define DIRTY_BASE  UINT64_C(0x400000)
#define DIRTY_TIB   (UINT64_C(1) << 40)
#define DIRTY_PAGES (DIRTY_TIB / PAGER_PAGE_SIZE)

struct dirty_tib {
	struct srv_client *root, *ann, *twin, *ben; /* twin: Ann's, too */
	uint64_t space; /* ann's: a TiB at DIRTY_BASE */
};

extern struct dirty_tib dirty_tib;

/* config as serve_start() has it; serve_end() ends it. */
void dtib_begin(const char *config);

/* A DIRTY_START of pages of a space, counted from DIRTY_BASE. */
struct pager_req_dirty_start dtib_range(uint64_t space, uint64_t page,
					uint64_t pages);
/* Its log. */
uint64_t dtib_start(struct srv_client *client, uint64_t space, uint64_t page,
		    uint64_t pages, uint32_t method, uint32_t flags);
void dtib_stop(struct srv_client *client, uint64_t log);

/* ann's write fault at a page. */
void dtib_touch(uint64_t page);

/* The answer, which is serve_answer's. */
const struct pager_rep_dirty_got *dtib_get(struct srv_client *client,
					   uint64_t log, uint64_t first,
					   uint64_t pages, uint32_t flags);
/* Word i of it; it must be there. */
uint64_t dtib_word(unsigned int i);
struct pager_rep_dirty_info dtib_info_of(struct srv_client *client,
					 uint64_t log);
/* Logs of all sessions. */
uint64_t dtib_logs_alive(void);

#endif
