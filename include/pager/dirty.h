/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dirty logs: which pages of a space were written, and what goes with copying
 * one that runs. The operations are described in pager-protocol(7). Include
 * <pager/pager.h>.
 *
 * Pages of a log are numbered from 0, the first of its range; stretches begin
 * at a multiple of 64 and are a multiple of 64 long or end with the log. A
 * bitmap has a word for each 64 pages, bit i of word w is page 64 * w + i.
 */
#ifndef PAGER_DIRTY_H
#define PAGER_DIRTY_H

#include <stddef.h>
#include <stdint.h>

#include <pager/connection.h>

#ifdef __cplusplus
extern "C" {
#endif

/* addr = len = 0 in the request: the whole space. */
int pager_call_dirty_start(struct pager *pager,
			   const struct pager_req_dirty_start *request,
			   uint64_t *log);
int pager_call_dirty_stop(struct pager *pager, uint64_t log);
/*
 * What is dirty of a stretch. out says of which pages the words are, how many
 * bits are set in them, and where to go on (the stretch's end: done). At most n
 * words are stored; what has no room is left for the next call, and not
 * reported, so that with PAGER_DIRTY_GET_CLEAR n must be room for a message
 * (PAGER_MSG_MAX / 8), else PAGER_MISUSE.
 */
int pager_call_dirty_get(struct pager *pager, uint64_t log, uint64_t first,
			 uint64_t pages, uint32_t flags, uint64_t *words,
			 size_t n, struct pager_rep_dirty_got *out);
/* The same or-ed into a memfd that cannot shrink; offset is where the word of
 * page first stands in it. */
int pager_call_dirty_get_fd(struct pager *pager,
			    const struct pager_req_dirty_get_fd *request,
			    int memfd, struct pager_rep_dirty_got *out);
/* words: (pages + 63) / 64 of them; NULL: all of the stretch. *cleared: how
 * many were dirty. */
int pager_call_dirty_clear(struct pager *pager, uint64_t log, uint64_t first,
			   uint64_t pages, const uint64_t *words,
			   uint64_t *cleared);
/* step: PAGER_WRITEBACK_*. */
int pager_call_dirty_writeback(struct pager *pager, uint64_t log,
			       uint64_t first, uint64_t pages, uint32_t step,
			       uint64_t *count);
/* memfd: entries * PAGER_RING_ENTRY_SIZE bytes at least, which cannot shrink.
 */
int pager_call_dirty_ring(struct pager *pager, uint64_t log, uint32_t entries,
			  int memfd);
int pager_call_dirty_reset(struct pager *pager, uint64_t log,
			   struct pager_rep_dirty_reset *out);
int pager_call_dirty_info(struct pager *pager, uint64_t log,
			  struct pager_rep_dirty_info *out);

/* Hold back the session that owns the space for at most max_ms; 0: let it go
 * on. */
int pager_call_space_pause(struct pager *pager, uint64_t space,
			   uint32_t max_ms);
/*
 * The first run of pages in a range that hold something, as they are. what: a
 * pager_peek. At most size bytes are stored, whole pages; out->len says how
 * many, out->addr of which address, and out->next where to go on.
 */
int pager_call_peek(struct pager *pager, uint64_t space, uint64_t addr,
		    uint64_t len, uint32_t what, void *buf, size_t size,
		    struct pager_rep_peek *out);

#ifdef __cplusplus
}
#endif

#endif
