/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BATCH: many requests in one message.
 *
 * All of them are decoded, and a place for the least reply of each is set
 * aside, before the first is carried out; what is left over goes to whoever
 * can use it (lists), first come first served:
 *
 *	| header | body | reply 0 | reply 1 |   spare   | least 2 | least 3 |
 *	                          ^ out                 ^ set aside for later
 *
 * In an all-or-nothing batch every space is named by the first field of a
 * request (all ATOMIC operations begin with it), and is snapshot first. When a
 * request is refused all of them are restored, and the others' replies become
 * EABORTED.
 */
#include <assert.h>
#include <string.h>

#include "server/convert.h"
#include "server/dispatch.h"
#include "server/recount.h"

#define SPACE_FIRST(request)                                            \
	static_assert(offsetof(struct pager_req_##request, space) == 0, \
		      #request)
SPACE_FIRST(space);
SPACE_FIRST(range);
SPACE_FIRST(map);
SPACE_FIRST(protect);
SPACE_FIRST(remap);
SPACE_FIRST(brk);
SPACE_FIRST(advise);
SPACE_FIRST(fault);
SPACE_FIRST(populate);

struct batch {
	struct srv *srv;
	struct srv_client *client;
	const struct pager_request *outer;
	struct pager_request *requests;
	unsigned int count;
	bool atomic;
	size_t least; /* of all replies that are still to come */
	struct pager_rep_batch reply;
};

/* Bytes a request's reply needs at least; a refusal is a header alone. */
static size_t least(const struct pager_request *request)
{
	return request->error ? PAGER_HDR_SIZE : srv_reply_least(request);
}

/* May it stand in this batch? Sets its refusal if not. */
static void check_member(const struct batch *batch,
			 struct pager_request *request)
{
	if (request->error)
		return;
	if (request->op->batch == PAGER_OP_BATCH_NO ||
	    (batch->atomic && request->op->batch != PAGER_OP_BATCH_ATOMIC)) {
		request->error = PAGER_EBATCH;
		request->field = offsetof(struct pager_hdr, op);
	}
}

static struct srv_result violate(enum pager_violation violation)
{
	return (struct srv_result){.violation = (uint16_t)violation};
}

/* Decode all messages: done, a refusal of the whole batch, or a violation. */
static struct srv_result decode(struct batch *batch)
{
	const struct pager_req_batch *in = &batch->outer->body.batch;
	const uint8_t *data = batch->outer->data, *message;
	size_t at = 0, len;
	int cut;

	while ((cut = pager_batch_cut(data, batch->outer->data_len, &at,
				      &message, &len)) > 0) {
		struct pager_request *request = batch->requests + batch->count;

		if (batch->count == in->count)
			return srv_refuse(PAGER_EINVAL,
					  SRV_FIELD(batch, count));
		if (pager_member_decode(message, len, request) ==
		    PAGER_VERDICT_VIOLATE)
			return violate(request->violation);
		check_member(batch, request);
		batch->least += least(request);
		batch->count++;
	}
	if (cut < 0)
		return violate(PAGER_VIOLATION_LENGTH);
	if (batch->count != in->count)
		return srv_refuse(PAGER_EINVAL, SRV_FIELD(batch, count));
	return srv_done();
}

static struct srv_result check(const struct batch *batch)
{
	const struct pager_req_batch *in = &batch->outer->body.batch;

	if (in->flags & ~PAGER_BATCH_ATOMIC ||
	    (in->flags & PAGER_BATCH_ATOMIC &&
	     !(batch->client->session->features & PAGER_FEATURE_ATOMIC)))
		return srv_refuse(PAGER_EFLAGS, SRV_FIELD(batch, flags));
	if (in->count == 0)
		return srv_refuse(PAGER_EINVAL, SRV_FIELD(batch, count));
	if (in->count > PAGER_BATCH_MAX)
		return srv_refuse(PAGER_ETOOBIG, SRV_FIELD(batch, count));
	return srv_done();
}

static void note_refusal(struct batch *batch, unsigned int index)
{
	if (batch->reply.failed++ == 0)
		batch->reply.first = index;
}

/* Carry out (or refuse) request i at out, which has room bytes beyond what
 * later replies need at least. */
static size_t run_one(struct batch *batch, unsigned int i, uint8_t *out,
		      size_t room, struct srv_result *result)
{
	struct pager_request *request = batch->requests + i;

	if (!request->error)
		return srv_execute(batch->srv, batch->client, request, NULL,
				   out, room, result);
	*result = srv_refuse((enum pager_error)request->error, request->field);
	return srv_refuse_decoded(batch->srv, batch->client, request, out);
}

/* Run from the first on; stop at a refusal if it is all or nothing. Returns
 * the bytes of replies written at out; room is for all of them. */
static size_t run(struct batch *batch, uint8_t *out, size_t room,
		  struct srv_result *refusal)
{
	size_t at = 0;

	*refusal = srv_done();
	for (unsigned int i = 0; i < batch->count; i++) {
		struct srv_result result;

		batch->least -= least(batch->requests + i);
		at += run_one(batch, i, out + at, room - at - batch->least,
			      &result);
		if (!result.error)
			continue;
		note_refusal(batch, i);
		if (batch->atomic) {
			*refusal = result;
			break;
		}
	}
	return at;
}

/* --- all or nothing ------------------------------------------------------ */

static struct srv_result find_space(const struct batch *batch, unsigned int i,
				    struct srv_space **space)
{
	struct srv_call call = {
	    .srv = batch->srv,
	    .client = batch->client,
	    .session = batch->client->session,
	    .request = batch->requests + i,
	};

	return srv_call_space(&call, call.request->body.space.space,
			      SRV_FIELD(space, space), space);
}

/* End the snapshots of the first n requests' spaces, one way or the other. */
static void end_snapshots(const struct batch *batch, unsigned int n,
			  void (*end)(struct pager_space *space))
{
	struct srv_space *space;

	for (unsigned int i = 0; i < n; i++) {
		if (find_space(batch, i, &space).error || !space->snapshot)
			continue;
		space->snapshot = false;
		end(space->core);
	}
}

/* PAGER_OK; or the refusal, and no snapshot is left. */
static struct srv_result take_snapshots(const struct batch *batch)
{
	struct pager_status status;
	struct srv_space *space;

	for (unsigned int i = 0; i < batch->count; i++) {
		find_space(batch, i, &space);
		if (space->snapshot)
			continue;
		status = pager_space_snapshot(space->core);
		if (status.err) {
			end_snapshots(batch, i, pager_space_snapshot_drop);
			return srv_refuse((enum pager_error)status.err, 0);
		}
		space->snapshot = true;
	}
	return srv_done();
}

/* The replies of a batch that did not happen: request i was to blame. */
static size_t write_aborted(struct batch *batch, unsigned int blame,
			    struct srv_result refusal, uint8_t *out)
{
	struct srv_result result;
	size_t at = 0;

	batch->reply.failed = 0;
	for (unsigned int i = 0; i < batch->count; i++) {
		result = i == blame ? refusal : srv_refuse(PAGER_EABORTED, 0);
		at += pager_refusal_encode(out + at, batch->requests + i,
					   result.error, result.field);
		note_refusal(batch, i);
	}
	batch->reply.first = blame;
	return at;
}

/* A request that is refused before anything is done: its index, or count. */
static unsigned int first_refused(const struct batch *batch,
				  struct srv_result *refusal)
{
	struct srv_space *space;

	for (unsigned int i = 0; i < batch->count; i++) {
		const struct pager_request *request = batch->requests + i;

		*refusal = request->error
			       ? srv_refuse((enum pager_error)request->error,
					    request->field)
			       : find_space(batch, i, &space);
		if (refusal->error)
			return i;
	}
	return batch->count;
}

/* Bytes of replies at out; 0: the batch as a whole is refused. */
static size_t run_atomic(struct batch *batch, uint8_t *out, size_t room,
			 struct srv_result *refusal)
{
	unsigned int blame;
	size_t len;

	blame = first_refused(batch, refusal);
	if (blame == batch->count) {
		*refusal = take_snapshots(batch);
		if (refusal->error)
			return 0;
		len = run(batch, out, room, refusal);
		end_snapshots(batch, batch->count,
			      refusal->error ? pager_space_snapshot_restore
					     : pager_space_snapshot_drop);
		srv_recount_or_die(batch->srv, "an all-or-nothing batch");
		if (!refusal->error)
			return len;
		blame = batch->reply.first;
	} else {
		batch->srv->refusals++;
	}
	return write_aborted(batch, blame, *refusal, out);
}

struct srv_result srv_op_batch(struct srv_call *call)
{
	struct batch batch = {
	    .srv = call->srv,
	    .client = call->client,
	    .outer = call->request,
	    .requests = call->srv->batch,
	    .atomic = call->request->body.batch.flags & PAGER_BATCH_ATOMIC,
	};
	struct srv_result result;

	result = check(&batch);
	if (result.error)
		return result;
	result = decode(&batch);
	if (result.error || result.violation)
		return result;
	if (batch.least > call->room)
		return srv_refuse(PAGER_ETOOBIG, 0);
	batch.reply.count = batch.count;
	batch.reply.first = batch.count;
	call->data_len = (batch.atomic ? run_atomic : run)(&batch, call->data,
							   call->room, &result);
	if (!call->data_len)
		return result;
	call->reply.batch = batch.reply;
	return srv_done();
}
