/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Spaces: create, fork, clear, destroy, list, and what is in them.
 */
#include <string.h>

#include "lib/mmu/sim.h"
#include "server/call.h"
#include "server/convert.h"
#include "server/pause.h"
#include "server/thing.h"

static uint64_t pages_of(uint64_t bytes)
{
	/* Rounded up, and never to 0, which would be the default. */
	return (bytes >> PAGER_PAGE_SHIFT) +
	       ((bytes & (PAGER_PAGE_SIZE - 1)) != 0);
}

struct srv_result srv_op_space_create(struct srv_call *call)
{
	const struct pager_req_space_create *in =
	    &call->request->body.space_create;
	struct pager_limits limits = {
	    .regions = in->max_regions,
	    .pages = pages_of(in->max_bytes),
	    .resident = pages_of(in->max_resident),
	    .stack = pages_of(in->max_stack),
	};
	struct srv_result result;
	struct pager_status status;
	struct pager_range range;
	struct pager_space *core;
	struct srv_space *space;

	if (in->backend > PAGER_BACKEND_KVM)
		return srv_refuse(PAGER_EINVAL,
				  SRV_FIELD(space_create, backend));
	if (in->backend == PAGER_BACKEND_KVM)
		return srv_refuse(PAGER_ENOBACKEND,
				  SRV_FIELD(space_create, backend));
	if (in->flags)
		return srv_refuse(PAGER_EFLAGS, SRV_FIELD(space_create, flags));
	status = srv_convert_space(in->start, in->end, &range);
	if (status.err)
		return srv_result_of(call, status);
	result = srv_call_name(in->name, SRV_FIELD(space_create, name));
	if (result.error)
		return result;
	space = srv_space_reserve(call->session);
	if (!space)
		return srv_refuse(PAGER_ENOMEM, 0);
	status = pager_space_new(call->srv->core, call->client->user->account,
				 pager_sim_mmu(call->srv->sim), range, &limits,
				 &core);
	if (status.err) {
		srv_space_discard(space);
		return srv_result_of(call, status);
	}
	space->backend = PAGER_BACKEND_SIM;
	memcpy(space->name, in->name, sizeof(space->name));
	srv_space_add(call->srv, call->session, space, core);
	call->reply.handle.handle = space->thing.handle;
	return srv_done();
}

struct srv_result srv_op_space_fork(struct srv_call *call)
{
	struct srv_space *parent, *child;
	struct pager_status status;
	struct srv_result result;
	struct pager_space *core;

	result = srv_call_space(call, call->request->body.space.space,
				SRV_FIELD(space, space), &parent);
	if (result.error)
		return result;
	child = srv_space_reserve(call->session);
	if (!child)
		return srv_refuse(PAGER_ENOMEM, 0);
	status =
	    pager_space_fork(parent->core, call->client->user->account, &core);
	if (status.err) {
		srv_space_discard(child);
		return srv_result_of(call, status);
	}
	child->backend = parent->backend;
	memcpy(child->name, parent->name, sizeof(child->name));
	srv_space_add(call->srv, call->session, child, core);
	call->reply.handle.handle = child->thing.handle;
	return srv_done();
}

struct srv_result srv_op_space_clear(struct srv_call *call)
{
	struct srv_result result;
	struct srv_space *space;

	result = srv_call_space(call, call->request->body.space.space,
				SRV_FIELD(space, space), &space);
	if (!result.error)
		pager_space_clear(space->core);
	return result;
}

struct srv_result srv_op_space_destroy(struct srv_call *call)
{
	struct srv_result result;
	struct srv_space *space;

	result = srv_call_space(call, call->request->body.space.space,
				SRV_FIELD(space, space), &space);
	if (!result.error)
		srv_thing_destroy(call->srv, &space->thing);
	return result;
}

struct srv_result srv_op_space_list(struct srv_call *call)
{
	uint64_t cursor = call->request->body.cursor.cursor;
	struct pager_space_info info;
	struct srv_thing *thing;

	call->reply.list.row_size = sizeof(struct pager_row_space);
	for (; (thing = srv_call_next(call, PAGER_HANDLE_SPACE, &cursor));
	     cursor++) {
		const struct srv_space *space = (const struct srv_space *)thing;
		struct pager_row_space row = {
		    .space = thing->handle,
		    .session = thing->session->number,
		    .uid = thing->session->user->uid,
		    .backend = space->backend,
		};

		pager_space_info(space->core, &info);
		row.id = info.id;
		row.parent = info.parent;
		row.virtual_bytes = info.virtual_pages << PAGER_PAGE_SHIFT;
		row.resident_bytes = info.resident << PAGER_PAGE_SHIFT;
		row.regions = info.regions;
		memcpy(row.name, space->name, sizeof(row.name));
		if (!srv_call_row(call, &row, sizeof(row))) {
			call->reply.list.next = cursor;
			break;
		}
	}
	return srv_done();
}

struct srv_result srv_op_space_info(struct srv_call *call)
{
	struct pager_rep_space_info *out = &call->reply.space_info;
	struct pager_space_info info;
	struct srv_result result;
	struct srv_space *space;

	result = srv_call_space(call, call->request->body.space.space,
				SRV_FIELD(space, space), &space);
	if (result.error)
		return result;
	pager_space_info(space->core, &info);
	*out = (struct pager_rep_space_info){
	    .space = space->thing.handle,
	    .id = info.id,
	    .parent = info.parent,
	    .start = pager_vpn_to_va(info.range.start),
	    .end = srv_convert_end(info.range.end),
	    .regions = info.regions,
	    .virtual_bytes = info.virtual_pages << PAGER_PAGE_SHIFT,
	    .resident_bytes = info.resident << PAGER_PAGE_SHIFT,
	    .peak_bytes = info.peak << PAGER_PAGE_SHIFT,
	    .anon = info.anon,
	    .zero = info.zero,
	    .borrowed = info.object,
	    .minor_faults = info.minor_faults,
	    .major_faults = info.major_faults,
	    .brk_start = info.brk_start,
	    .brk = info.brk,
	    .backend = space->backend,
	    .uid = space->thing.session->user->uid,
	};
	memcpy(out->name, space->name, sizeof(out->name));
	return srv_done();
}

struct srv_result srv_op_space_policy(struct srv_call *call)
{
	const struct pager_req_space_policy *in =
	    &call->request->body.space_policy;
	struct srv_result result;
	struct srv_space *space;

	result = srv_call_space(call, in->space, SRV_FIELD(space_policy, space),
				&space);
	if (result.error)
		return result;
	if (in->around > PAGER_AROUND_2M)
		return srv_refuse(PAGER_EINVAL,
				  SRV_FIELD(space_policy, around));
	return srv_result_of(
	    call,
	    pager_space_set_around(space->core, (enum pager_around)in->around));
}

struct srv_result srv_op_space_pause(struct srv_call *call)
{
	const struct pager_req_space_pause *in =
	    &call->request->body.space_pause;
	struct srv_result result;
	struct srv_space *space;

	result = srv_call_space(call, in->space, SRV_FIELD(space_pause, space),
				&space);
	if (result.error)
		return result;
	if (in->max_ms > PAGER_PAUSE_MAX_MS)
		return srv_refuse(PAGER_EINVAL, SRV_FIELD(space_pause, max_ms));
	if (space->thing.session == call->session)
		return srv_refuse(PAGER_EINVAL, SRV_FIELD(space_pause, space));
	if (!srv_pause_may(space->thing.session, call->session))
		return srv_refuse(PAGER_EBUSY, SRV_FIELD(space_pause, space));
	if (in->max_ms)
		srv_pause_begin(call->srv, space, call->session,
				srv_now_ms() + in->max_ms);
	else
		srv_pause_end(call->srv, space->thing.session);
	return result;
}

/* The space and range of a request in which addr = len = 0 is everything. */
static struct srv_result range_or_all(struct srv_call *call,
				      struct srv_space **space,
				      struct pager_range *range)
{
	const struct pager_req_range *in = &call->request->body.range;
	struct srv_result result;

	result =
	    srv_call_space(call, in->space, SRV_FIELD(range, space), space);
	if (result.error)
		return result;
	if (in->addr == 0 && in->len == 0) {
		*range = pager_range(0, PAGER_VPN_END);
		return result;
	}
	result = srv_result_of(call, srv_convert_range(in->addr, in->len,
						       PAGER_ARG_ADDR,
						       PAGER_ARG_LEN, range));
	return result.error ? result : srv_call_inside(call, *space, *range);
}

struct srv_result srv_op_space_sharing(struct srv_call *call)
{
	struct pager_sharing sharing;
	struct srv_result result;
	struct pager_range range;
	struct srv_space *space;

	result = range_or_all(call, &space, &range);
	if (result.error)
		return result;
	pager_space_sharing(space->core, range, &sharing);
	call->reply.space_sharing = (struct pager_rep_space_sharing){
	    .private_pages = sharing.private_pages,
	    .shared_pages = sharing.shared_pages,
	    .proportional = sharing.proportional,
	    .nodes_private = sharing.nodes_private,
	    .nodes_shared = sharing.nodes_shared,
	};
	return result;
}

struct srv_result srv_op_space_resident(struct srv_call *call)
{
	struct pager_resident resident;
	struct srv_result result;
	struct pager_range range;
	struct srv_space *space;

	result = range_or_all(call, &space, &range);
	if (result.error)
		return result;
	pager_space_resident(space->core, range, &resident);
	call->reply.space_resident = (struct pager_rep_space_resident){
	    .anon = resident.anon,
	    .zero = resident.zero,
	    .borrowed = resident.object,
	};
	return result;
}

struct srv_result srv_op_harvest(struct srv_call *call)
{
	struct pager_harvest harvest;
	struct srv_result result;
	struct pager_range range;
	struct srv_space *space;

	result = range_or_all(call, &space, &range);
	if (result.error)
		return result;
	harvest = pager_space_harvest(space->core, range);
	call->reply.harvest.accessed = harvest.accessed;
	call->reply.harvest.dirty = harvest.dirty;
	return result;
}
