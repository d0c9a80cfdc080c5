/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of handlers is the table of operations.
 */
#include "server/dispatch.h"

#include <string.h>

#include "server/recount.h"

typedef struct srv_result (*srv_handler)(struct srv_call *call);

static const srv_handler handlers[PAGER_OP_END] = {
#define PAGER_OP(NAME, name, number, request, reply, fds, data, access, batch, \
		 text)                                                         \
	[number] = srv_op_##name,
#include "proto/pager_ops.def"
#undef PAGER_OP
};

static size_t refusal(struct srv *srv, const struct pager_request *request,
		      struct srv_result result, uint8_t *out)
{
	srv->refusals++;
	pager_log(PAGER_LOG_DEBUG, "refused %s: %s at offset %u",
		  request->op ? request->op->name : "an unknown operation",
		  pager_error_name(result.error), result.field);
	return pager_refusal_encode(out, request, result.error, result.field);
}

/* May this client ask for this now? */
static struct srv_result check_access(const struct srv_client *client,
				      const struct pager_op *op)
{
	size_t field = offsetof(struct pager_hdr, op);

	if (op->number == PAGER_OP_HELLO)
		return srv_done();
	if (!client->session)
		return srv_refuse(PAGER_EHELLO, field);
	if (op->access == PAGER_OP_ACCESS_ADMIN && !client->user->admin)
		return srv_refuse(PAGER_EACCESS, field);
	if (op->number == PAGER_OP_BATCH &&
	    !(client->session->features & PAGER_FEATURE_BATCH))
		return srv_refuse(PAGER_ENOSYS, field);
	return srv_done();
}

static void count_request(struct srv *srv, struct srv_client *client)
{
	srv->requests++;
	if (client->session)
		client->session->requests++;
}

size_t srv_refuse_decoded(struct srv *srv, struct srv_client *client,
			  const struct pager_request *request, uint8_t *out)
{
	count_request(srv, client);
	return refusal(
	    srv, request,
	    srv_refuse((enum pager_error)request->error, request->field), out);
}

size_t srv_reply_least(const struct pager_request *request)
{
	const struct pager_op *op = request->op;
	size_t data = 0;

	switch (op->number) {
	case PAGER_OP_READ:
		data = request->body.read.len;
		if (data > PAGER_DATA_MAX)
			data = 0;
		break;
	case PAGER_OP_PEEK:
		data = PAGER_PAGE_SIZE;
		break;
	case PAGER_OP_BACKENDS:
		data = 2 * sizeof(struct pager_row_backend);
		break;
	case PAGER_OP_SESSION_LIST:
		data = sizeof(struct pager_row_session);
		break;
	case PAGER_OP_SPACE_LIST:
		data = sizeof(struct pager_row_space);
		break;
	case PAGER_OP_OBJECT_LIST:
		data = sizeof(struct pager_row_object);
		break;
	case PAGER_OP_REGION_LIST:
		data = sizeof(struct pager_row_region);
		break;
	case PAGER_OP_POOL_LIST:
		data = sizeof(struct pager_row_pool);
		break;
	case PAGER_OP_POOL_BLOCKS:
		data = sizeof(struct pager_row_block);
		break;
	case PAGER_OP_POOL_CELLS:
		data = sizeof(struct pager_row_cell);
		break;
	case PAGER_OP_POOL_EVENTS:
		data = sizeof(struct pager_row_event);
		break;
	case PAGER_OP_DIRTY_GET:
		data = sizeof(uint64_t);
		break;
	case PAGER_OP_DIRTY_LIST:
		data = sizeof(struct pager_row_dirty);
		break;
	default:
		break;
	}
	return pager_reply_size(op, data);
}

size_t srv_execute(struct srv *srv, struct srv_client *client,
		   const struct pager_request *request, int *fds, uint8_t *out,
		   size_t room, struct srv_result *result)
{
	const struct pager_op *op = request->op;
	struct srv_call call;
	size_t len;

	count_request(srv, client);
	*result = check_access(client, op);
	if (result->error)
		return refusal(srv, request, *result, out);
	call.srv = srv;
	call.client = client;
	call.session = client->session;
	call.request = request;
	call.fds = fds;
	call.data = pager_reply_data(out, op);
	call.room = (room - pager_reply_size(op, 0)) & ~(size_t)7;
	call.data_len = 0;
	memset(&call.reply, 0, op->reply->size);
	*result = handlers[op->number](&call);
	srv_recount_or_die(srv, op->name);
	if (result->violation)
		return 0;
	if (result->error == PAGER_EVERSION) {
		/* The one refusal with a body: the server's version. */
		struct pager_hdr hdr;

		len = pager_reply_encode(out, request, &call.reply, 0);
		memcpy(&hdr, out, sizeof(hdr));
		hdr.error = result->error;
		hdr.field = result->field;
		memcpy(out, &hdr, sizeof(hdr));
		srv->refusals++;
		return len;
	}
	if (result->error)
		return refusal(srv, request, *result, out);
	if (pager_log_level() >= PAGER_LOG_DEBUG)
		pager_log(PAGER_LOG_DEBUG, "done %s", op->name);
	return pager_reply_encode(out, request, &call.reply, call.data_len);
}

size_t srv_dispatch(struct srv *srv, struct srv_client *client,
		    const uint8_t *packet, size_t len, int *fds,
		    unsigned int nfds, uint8_t *out, enum pager_violation *why)
{
	struct pager_request request;
	struct srv_result result;

	switch (pager_request_decode(packet, len, nfds, &request)) {
	case PAGER_VERDICT_VIOLATE:
		*why = request.violation;
		return 0;
	case PAGER_VERDICT_REFUSE:
		return srv_refuse_decoded(srv, client, &request, out);
	case PAGER_VERDICT_OK:
		break;
	}
	len = srv_execute(srv, client, &request, nfds ? fds : NULL, out,
			  PAGER_MSG_MAX, &result);
	*why = (enum pager_violation)result.violation;
	return len;
}
