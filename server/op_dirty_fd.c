/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dirty logs and memory that a client passed: the bitmap in a memfd, and rings.
 *
 * There is no field for a descriptor: what is wrong with one is blamed on nfds
 * of the header.
 */
#include "lib/core/dirty.h"
#include "server/call.h"
#include "server/shared.h"
#include "server/thing.h"

/* Blocks of 4 KiB that one request writes: enough for 128 GiB all of which is
 * dirty, and done within milliseconds. */
#define BLOCKS_MAX  1024u
#define BLOCK_BYTES (SRV_SHARED_WORDS * sizeof(uint64_t))

static struct srv_result refuse_fd(enum pager_error error)
{
	return srv_refuse(error, offsetof(struct pager_hdr, nfds));
}

/* --- the bitmap -------------------------------------------------------------
 */

/* A get on its way into the file; as struct gather in op_dirty.c. */
struct pouring {
	const struct pager_req_dirty_get_fd *in;
	struct srv_shared_or file;
	uint64_t start, end; /* pages of the words that were not zero */
	uint64_t next;	     /* where it had to stop */
	uint64_t dirty;
	bool failed;
};

static int pour(void *ctx, uint64_t first, const uint64_t *words,
		unsigned int count)
{
	struct pouring *p = ctx;
	const uint64_t offset = p->in->offset + (first - p->in->first) / 8;
	const uint64_t last = offset + (count - 1) * sizeof(uint64_t);

	/* Not the word that would begin a block more, wherever it stands. */
	if (p->file.blocks >= BLOCKS_MAX &&
	    last / BLOCK_BYTES != p->file.block) {
		p->next = first;
		return 1;
	}
	if (srv_shared_or(&p->file, offset, words, count)) {
		p->failed = true;
		return 1;
	}
	for (unsigned int i = 0; i < count; i++) {
		if (!words[i])
			continue;
		if (!p->dirty)
			p->start = first + 64 * (uint64_t)i;
		p->end = first + 64 * (uint64_t)(i + 1);
		p->dirty += (uint64_t)__builtin_popcountll(words[i]);
	}
	return 0;
}

/* Bytes of the words of so many pages. */
static uint64_t words_of(uint64_t pages)
{
	return (pages + 63) / 64 * sizeof(uint64_t);
}

/* What the file must be able to take. A stretch that is not the log's is the
 * model's to refuse. */
static struct srv_result check_file(const struct srv_call *call,
				    const struct srv_dirty *log)
{
	const struct pager_req_dirty_get_fd *in =
	    &call->request->body.dirty_get_fd;
	const uint64_t all = pager_range_len(log->range);
	enum pager_error error;

	if (in->offset % sizeof(uint64_t))
		return srv_refuse(PAGER_EALIGN,
				  SRV_FIELD(dirty_get_fd, offset));
	if (in->first > all || in->pages > all - in->first)
		return srv_done();
	error = srv_shared_check(call->fds[0], in->offset, words_of(in->pages));
	if (error == PAGER_ERANGE)
		return srv_refuse(error, SRV_FIELD(dirty_get_fd, offset));
	return error ? refuse_fd(error) : srv_done();
}

static void answer(struct pager_rep_dirty_got *out, const struct pouring *p,
		   bool stopped)
{
	const uint64_t end = p->in->first + p->in->pages;

	out->next = stopped ? p->next : end;
	out->first = out->next;
	if (!p->dirty)
		return;
	out->first = p->start;
	/* The last word may go beyond the log. */
	out->pages = (p->end < end ? p->end : end) - p->start;
	out->dirty = p->dirty;
}

struct srv_result srv_op_dirty_get_fd(struct srv_call *call)
{
	const struct pager_req_dirty_get_fd *in =
	    &call->request->body.dirty_get_fd;
	struct pouring p = {.in = in};
	struct pager_dirty_got got;
	struct pager_status status;
	struct srv_result result;
	struct srv_dirty *log;

	result =
	    srv_call_dirty(call, in->log, SRV_FIELD(dirty_get_fd, log), &log);
	if (result.error)
		return result;
	if (in->flags & ~PAGER_DIRTY_GET_CLEAR ||
	    (in->flags && log->flags & PAGER_DIRTY_MANUAL))
		return srv_refuse(PAGER_EFLAGS, SRV_FIELD(dirty_get_fd, flags));
	result = check_file(call, log);
	if (result.error)
		return result;
	srv_shared_or_begin(&p.file, call->fds[0],
			    in->offset + words_of(in->pages));
	status =
	    pager_dirty_get(log->core, in->first, in->pages, pour, &p, &got);
	if (srv_shared_or_end(&p.file))
		p.failed = true;
	if (status.err)
		return srv_result_of(call, status);
	if (p.failed)
		return refuse_fd(PAGER_ENOSPACE);
	answer(&call->reply.dirty_got, &p, got.stopped);
	if (in->flags & PAGER_DIRTY_GET_CLEAR)
		pager_dirty_got_clear(log->core, in->first,
				      call->reply.dirty_got.next - in->first);
	return result;
}

/* --- the ring ---------------------------------------------------------------
 */

struct srv_result srv_op_dirty_ring(struct srv_call *call)
{
	const struct pager_req_dirty_ring *in = &call->request->body.dirty_ring;
	struct srv_shared *memory;
	struct pager_status status;
	struct srv_result result;
	struct srv_dirty *log;
	enum pager_error error;

	result =
	    srv_call_dirty(call, in->log, SRV_FIELD(dirty_ring, log), &log);
	if (result.error)
		return result;
	if (in->entries < PAGER_RING_MIN || in->entries > PAGER_RING_MAX ||
	    in->entries & (in->entries - 1))
		return srv_refuse(PAGER_EINVAL, SRV_FIELD(dirty_ring, entries));
	if (log->ring)
		return srv_refuse(PAGER_EEXIST, SRV_FIELD(dirty_ring, log));
	error = srv_shared_map(
	    call->fds[0], (size_t)in->entries * PAGER_RING_ENTRY_SIZE, &memory);
	if (error)
		return refuse_fd(error);
	status =
	    pager_dirty_ring_attach(log->core, memory->memory, in->entries);
	if (status.err) {
		srv_shared_unmap(memory);
		return srv_result_of(call, status);
	}
	log->ring = memory;
	return result;
}

/* The model lets go of it before its memory goes. */
void srv_dirty_unring(struct srv_dirty *log)
{
	pager_dirty_ring_detach(log->core);
	srv_shared_unmap(log->ring);
	log->ring = NULL;
}
