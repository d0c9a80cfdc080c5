/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages: faults, populating, bytes read and written, translation.
 */
#include "server/call.h"
#include "server/convert.h"

static struct srv_result get_space(struct srv_call *call,
				   struct srv_space **space)
{
	return srv_call_space(call, call->request->body.space.space,
			      SRV_FIELD(space, space), space);
}

struct srv_result srv_op_fault(struct srv_call *call)
{
	const struct pager_req_fault *in = &call->request->body.fault;
	struct pager_fault_info info;
	struct pager_status status;
	struct srv_result result;
	struct srv_space *space;
	uint64_t vpn;

	result = get_space(call, &space);
	if (result.error)
		return result;
	status = srv_convert_addr(in->addr, PAGER_ARG_ADDR, &vpn);
	if (!status.err)
		status = pager_space_fault(space->core, vpn, in->access, &info);
	if (status.err)
		return srv_result_of(call, status);
	call->reply.fault.result = info.result;
	call->reply.fault.signal = info.signal;
	call->reply.fault.copied = info.copied;
	return result;
}

struct srv_result srv_op_populate(struct srv_call *call)
{
	const struct pager_req_populate *in = &call->request->body.populate;
	struct pager_status status;
	struct srv_result result;
	struct pager_range range;
	struct srv_space *space;

	result = get_space(call, &space);
	if (result.error)
		return result;
	status = srv_convert_range(in->addr, in->len, PAGER_ARG_ADDR,
				   PAGER_ARG_LEN, &range);
	if (!status.err)
		status = pager_space_populate(space->core, range, in->access,
					      &call->reply.populate.pages);
	return srv_result_of(call, status);
}

/* What stopped a READ or WRITE after done bytes. What the space is to blame
 * for is an answer; the rest is a refusal, and nothing was done. */
static struct srv_result stopped(struct srv_call *call,
				 struct pager_status status, uint64_t done,
				 const struct pager_access_stop *why)
{
	struct pager_rep_access *out = &call->reply.access;

	switch (status.err) {
	case PAGER_OK:
		break;
	case PAGER_ESIGNAL:
	case PAGER_ENODATA:
	case PAGER_ENOMEM:
	case PAGER_ELIMIT:
	case PAGER_EDIRTYFULL:
		out->addr = why->va;
		out->error = status.err;
		if (status.err == PAGER_ESIGNAL)
			out->signal = why->signal;
		break;
	default:
		return srv_result_of(call, status);
	}
	out->done = done;
	return srv_done();
}

struct srv_result srv_op_read(struct srv_call *call)
{
	const struct pager_req_read *in = &call->request->body.read;
	struct pager_access_stop why = {0};
	struct pager_status status;
	struct srv_result result;
	struct srv_space *space;
	uint64_t done = 0;

	result = get_space(call, &space);
	if (result.error)
		return result;
	status = srv_convert_bytes(in->addr, in->len);
	if (status.err)
		return srv_result_of(call, status);
	if (in->len > PAGER_DATA_MAX || in->len > call->room)
		return srv_refuse(PAGER_ETOOBIG, SRV_FIELD(read, len));
	status = pager_space_read(space->core, in->cpu, in->addr, call->data,
				  in->len, &done, &why);
	result = stopped(call, status, done, &why);
	if (!result.error)
		call->data_len = done;
	return result;
}

struct srv_result srv_op_write(struct srv_call *call)
{
	const struct pager_req_write *in = &call->request->body.write;
	struct pager_access_stop why = {0};
	struct pager_status status;
	struct srv_result result;
	struct srv_space *space;
	uint64_t done = 0;

	result = get_space(call, &space);
	if (result.error)
		return result;
	status = srv_convert_bytes(in->addr, call->request->data_len);
	if (status.err)
		return srv_result_of(call, status);
	if (call->request->data_len > PAGER_DATA_MAX)
		return srv_refuse(PAGER_ETOOBIG,
				  offsetof(struct pager_hdr, data_len));
	status = pager_space_write(space->core, in->cpu, in->addr,
				   call->request->data, call->request->data_len,
				   &done, &why);
	return stopped(call, status, done, &why);
}

struct srv_result srv_op_page(struct srv_call *call)
{
	struct pager_page_info info;
	struct pager_status status;
	struct srv_result result;
	struct srv_space *space;
	uint64_t vpn;

	result = get_space(call, &space);
	if (result.error)
		return result;
	status = srv_convert_addr(call->request->body.addr.addr, PAGER_ARG_ADDR,
				  &vpn);
	if (status.err)
		return srv_result_of(call, status);
	pager_space_page(space->core, vpn, &info);
	call->reply.page = (struct pager_rep_page){
	    .entry = info.entry,
	    .pa = info.pa,
	    .refs = info.refs,
	    .type = info.type,
	    .access = info.access,
	    .levels = info.levels,
	    .sharers = info.sharers,
	};
	return result;
}

struct srv_result srv_op_peek(struct srv_call *call)
{
	const struct pager_req_peek *in = &call->request->body.peek;
	struct pager_rep_peek *out = &call->reply.peek;
	uint64_t max = call->room / PAGER_PAGE_SIZE;
	struct pager_peek_info info;
	struct pager_status status;
	struct srv_result result;
	struct pager_range range;
	struct srv_space *space;

	result = get_space(call, &space);
	if (result.error)
		return result;
	if (in->what > PAGER_PEEK_OBJECT)
		return srv_refuse(PAGER_EINVAL, SRV_FIELD(peek, what));
	status = srv_convert_range(in->addr, in->len, PAGER_ARG_ADDR,
				   PAGER_ARG_LEN, &range);
	if (status.err)
		return srv_result_of(call, status);
	if (max > PAGER_DATA_MAX / PAGER_PAGE_SIZE)
		max = PAGER_DATA_MAX / PAGER_PAGE_SIZE;
	status = pager_space_peek(space->core, range, (enum pager_peek)in->what,
				  call->data, max, &info);
	if (status.err)
		return srv_result_of(call, status);
	out->addr = pager_vpn_to_va(info.first);
	out->len = info.pages * PAGER_PAGE_SIZE;
	out->next = srv_convert_end(info.next);
	if (info.unbacked)
		out->unbacked = pager_vpn_to_va(info.unbacked);
	if (info.object) {
		struct pager_object_info object;

		pager_object_info(info.object, &object);
		out->object = object.id;
	}
	out->offset = info.offset << PAGER_PAGE_SHIFT;
	call->data_len = out->len;
	return result;
}
