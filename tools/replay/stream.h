/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests in a stream: they are gathered into batches, several batches are
 * under way at once, and every reply meets the note that was left with its
 * request. Order is kept: pagerd does them in the order they were added.
 *
 * When the daemon is lost the stream stays lost: adding does nothing more, and
 * who waits for a result finds the error STREAM_LOST, which no daemon sends.
 * Knows libpager and nothing of recordings but their lines.
 */
#ifndef TOOLS_REPLAY_STREAM_H
#define TOOLS_REPLAY_STREAM_H

#include <pager/pager.h>

#include "tools/common/trace.h"

#define STREAM_SLOTS 4
#define STREAM_LOST  UINT16_MAX /* the error of a request to a lost daemon */

struct proc;

enum note_kind {
	NOTE_EVENT,   /* a refusal is counted against the process */
	NOTE_FAULT,   /* the same; and signals are counted */
	NOTE_FORKED,  /* the child's SPACE_INFO: what it shares */
	NOTE_BREATHE, /* a wish, or the pool's POOL_INFO */
	NOTE_QUIET,   /* whoever asked looks at the error himself */
};

struct note {
	enum note_kind kind;
	struct proc *proc;
	struct trace_text text; /* the line it comes from */
	void *out;		/* where the reply's body goes, or NULL */
	size_t out_len;
	uint16_t *error; /* where its error goes, or NULL */
};

typedef void stream_answer(void *owner, const struct note *note,
			   const struct pager_reply *reply);

struct stream {
	struct pager *pager;
	stream_answer *answer;
	void *owner;
	uint64_t requests;
	bool lost;
	unsigned int filling; /* the slot that is being filled */
	unsigned int oldest;  /* the slot that was submitted first */
	struct pager_batch *slots[STREAM_SLOTS];
	struct note notes[STREAM_SLOTS][PAGER_BATCH_MAX];
};

/* Takes the connection over. NULL: no memory; then it is closed. */
struct stream *stream_new(struct pager *pager, stream_answer *answer,
			  void *owner);
void stream_free(struct stream *stream);

/* Add one request; it is sent when the batch is full. */
void stream_add(struct stream *stream, enum pager_call call, const void *body,
		size_t len, const struct note *note);
/* Send what was added and wait until all of it is answered. */
void stream_flush(struct stream *stream);
/* Add, flush, and tell the error; out (may be NULL) takes the reply's body.
 * A refusal is not counted. */
uint16_t stream_ask(struct stream *stream, enum pager_call call,
		    const void *body, size_t len, void *out, size_t out_len);

#endif
