/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Regions: map, unmap, protect, remap, brk, advise, pin; listing and looking
 * them up.
 */
#include "server/call.h"
#include "server/convert.h"

/* The space, which is the first field of all these requests. */
static struct srv_result get_space(struct srv_call *call,
				   struct srv_space **space)
{
	return srv_call_space(call, call->request->body.space.space,
			      SRV_FIELD(space, space), space);
}

/* The space and its range; every request with both begins like this one. */
static struct srv_result get_range(struct srv_call *call,
				   struct srv_space **space,
				   struct pager_range *range)
{
	const struct pager_req_range *in = &call->request->body.range;
	struct srv_result result = get_space(call, space);

	if (result.error)
		return result;
	return srv_result_of(call, srv_convert_range(in->addr, in->len,
						     PAGER_ARG_ADDR,
						     PAGER_ARG_LEN, range));
}

#define BEGINS_AS_RANGE(request)                                         \
	static_assert(offsetof(struct pager_req_##request, space) ==     \
			      offsetof(struct pager_req_range, space) && \
			  offsetof(struct pager_req_##request, addr) ==  \
			      offsetof(struct pager_req_range, addr) &&  \
			  offsetof(struct pager_req_##request, len) ==   \
			      offsetof(struct pager_req_range, len),     \
		      #request)
BEGINS_AS_RANGE(map);
BEGINS_AS_RANGE(protect);
BEGINS_AS_RANGE(remap);
BEGINS_AS_RANGE(advise);

/* The model's object for a MAP, with a reference that the caller puts; NULL:
 * anonymous private memory. */
static struct srv_result map_object(struct srv_call *call, uint64_t pages,
				    struct pager_object **out)
{
	const struct pager_req_map *in = &call->request->body.map;
	struct srv_object_handle *handle;
	struct srv_result result;

	*out = NULL;
	if (in->object) {
		result = srv_call_object(call, in->object,
					 SRV_FIELD(map, object), &handle);
		if (!result.error)
			*out = pager_object_get(handle->object->core);
		return result;
	}
	if (!(in->flags & PAGER_MAP_SHARED))
		return srv_done();
	if (in->offset)
		return srv_refuse(PAGER_EINVAL, SRV_FIELD(map, offset));
	/* Shared memory is an object, here one that only its mappings keep. */
	return srv_result_of(call, pager_object_new(call->srv->core,
						    call->client->user->account,
						    pages, out));
}

/* Where a MAP goes: a place, a hint, or no wish. */
static struct pager_status map_place(const struct pager_req_map *in,
				     struct pager_map_args *args)
{
	struct pager_range range;
	struct pager_status status;

	if (in->flags & PAGER_MAP_FIXED) {
		status = srv_convert_range(in->addr, in->len, PAGER_ARG_ADDR,
					   PAGER_ARG_LEN, &range);
		if (status.err)
			return status;
		args->addr = range.start;
		args->pages = pager_range_len(range);
		return status;
	}
	args->addr = UINT64_MAX;
	if (in->addr) {
		status =
		    srv_convert_page(in->addr, PAGER_ARG_ADDR, &args->addr);
		if (status.err)
			return status;
	}
	status = srv_convert_len(in->len, PAGER_ARG_LEN, &args->pages);
	/* A hint that cannot be met is none. */
	if (!status.err && in->addr &&
	    srv_convert_range(in->addr, in->len, PAGER_ARG_ADDR, PAGER_ARG_LEN,
			      &range)
		.err)
		args->addr = UINT64_MAX;
	return status;
}

struct srv_result srv_op_map(struct srv_call *call)
{
	const struct pager_req_map *in = &call->request->body.map;
	struct pager_map_args args = {.prot = in->prot, .flags = in->flags};
	struct pager_status status;
	struct srv_result result;
	struct srv_space *space;
	uint64_t vpn;

	result = get_space(call, &space);
	if (result.error)
		return result;
	status = map_place(in, &args);
	if (!status.err)
		status = srv_convert_size(in->offset, PAGER_ARG_OFFSET,
					  &args.offset);
	if (status.err)
		return srv_result_of(call, status);
	result = map_object(call, args.pages, &args.object);
	if (result.error)
		return result;
	status = pager_space_map(space->core, &args, &vpn);
	if (args.object)
		pager_object_put(args.object);
	if (!status.err)
		call->reply.addr.addr = pager_vpn_to_va(vpn);
	return srv_result_of(call, status);
}

struct srv_result srv_op_unmap(struct srv_call *call)
{
	struct srv_result result;
	struct pager_range range;
	struct srv_space *space;

	result = get_range(call, &space, &range);
	if (result.error)
		return result;
	return srv_result_of(call, pager_space_unmap(space->core, range));
}

struct srv_result srv_op_protect(struct srv_call *call)
{
	struct srv_result result;
	struct pager_range range;
	struct srv_space *space;

	result = get_range(call, &space, &range);
	if (result.error)
		return result;
	return srv_result_of(
	    call, pager_space_protect(space->core, range,
				      call->request->body.protect.prot));
}

/* Old and new place of a REMAP. A length of 0 is a second view of shared
 * memory; the model says whether it is allowed. */
static struct pager_status remap_places(const struct pager_req_remap *in,
					struct pager_remap_args *args)
{
	struct pager_status status;
	struct pager_range range;

	status = srv_convert_page(in->addr, PAGER_ARG_ADDR, &args->addr);
	if (!status.err && in->len) {
		status = srv_convert_range(in->addr, in->len, PAGER_ARG_ADDR,
					   PAGER_ARG_LEN, &range);
		args->pages = status.err ? 0 : pager_range_len(range);
	}
	if (status.err)
		return status;
	if (!(in->flags & PAGER_REMAP_FIXED))
		return srv_convert_len(in->new_len, PAGER_ARG_NEW_LEN,
				       &args->new_pages);
	status =
	    srv_convert_range(in->new_addr, in->new_len, PAGER_ARG_NEW_ADDR,
			      PAGER_ARG_NEW_LEN, &range);
	if (status.err)
		return status;
	args->new_addr = range.start;
	args->new_pages = pager_range_len(range);
	return status;
}

struct srv_result srv_op_remap(struct srv_call *call)
{
	const struct pager_req_remap *in = &call->request->body.remap;
	struct pager_remap_args args = {.flags = in->flags};
	struct pager_status status;
	struct srv_result result;
	struct srv_space *space;
	uint64_t vpn;

	result = get_space(call, &space);
	if (result.error)
		return result;
	status = remap_places(in, &args);
	if (status.err)
		return srv_result_of(call, status);
	result = srv_call_inside(
	    call, space,
	    pager_range(args.addr, args.addr + (args.pages ? args.pages : 1)));
	if (result.error)
		return result;
	status = pager_space_remap(space->core, &args, &vpn);
	if (!status.err)
		call->reply.addr.addr = pager_vpn_to_va(vpn);
	return srv_result_of(call, status);
}

struct srv_result srv_op_brk(struct srv_call *call)
{
	const struct pager_req_brk *in = &call->request->body.brk;
	struct pager_space_info info;
	struct pager_status status;
	struct srv_result result;
	struct srv_space *space;
	uint64_t vpn;

	result = get_space(call, &space);
	if (result.error)
		return result;
	if (in->flags & ~PAGER_BRK_START)
		return srv_refuse(PAGER_EFLAGS, SRV_FIELD(brk, flags));
	if (in->brk == 0 && !in->flags) {
		pager_space_info(space->core, &info);
		call->reply.addr.addr = info.brk;
		return srv_done();
	}
	status = srv_convert_addr(in->brk, PAGER_ARG_ADDR, &vpn);
	if (!status.err)
		status = in->flags ? pager_space_brk_start(space->core, in->brk)
				   : pager_space_brk(space->core, in->brk);
	if (!status.err)
		call->reply.addr.addr = in->brk;
	return srv_result_of(call, status);
}

struct srv_result srv_op_advise(struct srv_call *call)
{
	uint32_t advice = call->request->body.advise.advice;
	struct srv_result result;
	struct pager_range range;
	struct srv_space *space;

	result = get_range(call, &space, &range);
	if (result.error)
		return result;
	if (advice < PAGER_ADV_DONTNEED || advice > PAGER_ADV_KEEPONFORK)
		return srv_refuse(PAGER_EINVAL, SRV_FIELD(advise, advice));
	return srv_result_of(
	    call,
	    pager_space_advise(space->core, range, (enum pager_advice)advice));
}

struct srv_result srv_op_pin(struct srv_call *call)
{
	struct srv_result result;
	struct pager_range range;
	struct srv_space *space;

	result = get_range(call, &space, &range);
	if (result.error)
		return result;
	return srv_result_of(call, pager_space_pin(space->core, range));
}

struct srv_result srv_op_unpin(struct srv_call *call)
{
	struct srv_result result;
	struct pager_range range;
	struct srv_space *space;

	result = get_range(call, &space, &range);
	if (result.error)
		return result;
	return srv_result_of(call, pager_space_unpin(space->core, range));
}

static void fill_row(const struct srv_space *space,
		     const struct pager_region_info *region, bool sharing,
		     struct pager_row_region *row)
{
	struct pager_object_info object = {0};
	struct pager_sharing shared = {0};
	struct pager_resident resident;

	pager_space_resident(space->core, region->range, &resident);
	if (region->object)
		pager_object_info(region->object, &object);
	if (sharing)
		pager_space_sharing(space->core, region->range, &shared);
	*row = (struct pager_row_region){
	    .start = pager_vpn_to_va(region->range.start),
	    .end = srv_convert_end(region->range.end),
	    .prot = region->prot,
	    .flags = region->flags,
	    .object = object.id,
	    .offset = region->object ? region->offset << PAGER_PAGE_SHIFT : 0,
	    .anon = resident.anon,
	    .zero = resident.zero,
	    .borrowed = resident.object,
	    .private_pages = shared.private_pages,
	    .shared_pages = shared.shared_pages,
	    .proportional = shared.proportional,
	};
}

struct srv_result srv_op_region_list(struct srv_call *call)
{
	const struct pager_req_region_list *in =
	    &call->request->body.region_list;
	uint32_t max = in->max ? in->max : UINT32_MAX;
	uint64_t vpn = srv_convert_cursor(in->cursor);
	struct pager_region_info region;
	struct pager_row_region row;
	struct srv_result result;
	struct srv_space *space;

	result = get_space(call, &space);
	if (result.error)
		return result;
	if (in->flags & ~PAGER_LIST_SHARING)
		return srv_refuse(PAGER_EFLAGS, SRV_FIELD(region_list, flags));
	call->reply.list.row_size = sizeof(row);
	for (; pager_space_region(space->core, vpn, &region);
	     vpn = region.range.end) {
		/* Look for room first: a row may be work. */
		if (call->reply.list.count == max ||
		    call->room - call->data_len < sizeof(row)) {
			call->reply.list.next =
			    pager_vpn_to_va(region.range.start);
			break;
		}
		fill_row(space, &region, in->flags & PAGER_LIST_SHARING, &row);
		srv_call_row(call, &row, sizeof(row));
	}
	return srv_done();
}

struct srv_result srv_op_region_lookup(struct srv_call *call)
{
	struct pager_region_info region;
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
	if (!pager_space_region(space->core, vpn, &region) ||
	    region.range.start > vpn)
		return srv_refuse(PAGER_ENOENT, SRV_FIELD(addr, addr));
	fill_row(space, &region, false, &call->reply.region.region);
	return srv_done();
}
