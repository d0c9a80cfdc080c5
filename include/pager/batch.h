/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many requests in one message. Include <pager/pager.h>.
 *
 * A batch is filled, run, read, and can be filled again after a reset. The
 * requests of an independent batch are done one after the other, whatever
 * becomes of each; those of an atomic one (PAGER_BATCH_ATOMIC) all or none.
 */
#ifndef PAGER_BATCH_H
#define PAGER_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include <pager/connection.h>

#ifdef __cplusplus
extern "C" {
#endif

struct pager_batch;

/* flags: 0 or PAGER_BATCH_ATOMIC. NULL: out of memory. */
struct pager_batch *pager_batch_new(struct pager *pager, uint32_t flags);
void pager_batch_free(struct pager_batch *batch);

/* Arguments as pager_submit()'s. The index of the request, PAGER_FULL if no
 * more fit (nothing was added), PAGER_MISUSE if it was run and not reset. */
int pager_batch_add(struct pager_batch *batch, enum pager_call call,
		    const void *body, size_t body_len, const void *data,
		    size_t data_len);
unsigned int pager_batch_count(const struct pager_batch *batch);

/*
 * Send it and wait. PAGER_REFUSED: the batch as a whole was refused, or, if it
 * is atomic, one of its requests: pager_error() and pager_field() are that
 * request's. In an independent batch refused requests are only counted.
 * An empty batch is done at once.
 */
int pager_batch_run(struct pager_batch *batch);
/* The two halves of it, to have other requests under way meanwhile. */
int pager_batch_submit(struct pager_batch *batch);
int pager_batch_wait(struct pager_batch *batch);

/* After run: how many requests were refused, the first of them (or count). */
unsigned int pager_batch_failed(const struct pager_batch *batch);
unsigned int pager_batch_first(const struct pager_batch *batch);
/* After run: the reply to one request, 0 or PAGER_REFUSED; its pointers live
 * until the batch is reset or freed. */
int pager_batch_reply(const struct pager_batch *batch, unsigned int index,
		      struct pager_reply *reply);
/* Empty it for another use. */
void pager_batch_reset(struct pager_batch *batch);

#ifdef __cplusplus
}
#endif

#endif
