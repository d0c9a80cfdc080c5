/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory objects by handle and by name, and giving things away.
 */
#include <string.h>

#include "server/call.h"
#include "server/convert.h"
#include "server/session.h"
#include "server/thing.h"
#include "server/token.h"

struct srv_result srv_op_object_create(struct srv_call *call)
{
	const struct pager_req_object_create *in =
	    &call->request->body.object_create;
	struct srv_user *user = call->client->user;
	struct srv_object_handle *handle;
	struct srv_object *object;
	struct pager_object *core;
	struct pager_status status;
	struct srv_result result;
	enum pager_error error;
	uint64_t pages;

	status = srv_convert_size(in->size, PAGER_ARG_SIZE, &pages);
	if (status.err)
		return srv_result_of(call, status);
	if (in->flags)
		return srv_refuse(PAGER_EFLAGS,
				  SRV_FIELD(object_create, flags));
	result = srv_call_name(in->name, SRV_FIELD(object_create, name));
	if (result.error)
		return result;
	if (in->name[0] && srv_object_by_name(call->srv, user->uid, in->name))
		return srv_refuse(PAGER_EEXIST, SRV_FIELD(object_create, name));
	error = srv_object_reserve(call->session, &handle);
	if (error)
		return srv_refuse(error, 0);
	status = pager_object_new(call->srv->core, user->account, pages, &core);
	if (status.err) {
		srv_object_discard(handle);
		return srv_result_of(call, status);
	}
	object = srv_object_new(call->srv, user->uid, in->name, core);
	if (!object) {
		pager_object_put(core);
		srv_object_discard(handle);
		return srv_refuse(PAGER_ENOMEM, 0);
	}
	srv_object_add(call->srv, call->session, handle, object);
	call->reply.handle.handle = handle->thing.handle;
	return srv_done();
}

struct srv_result srv_op_object_open(struct srv_call *call)
{
	const char *name = call->request->body.object_open.name;
	struct srv_object_handle *handle;
	struct srv_object *object;
	struct srv_result result;
	enum pager_error error;

	result = srv_call_name(name, SRV_FIELD(object_open, name));
	if (result.error)
		return result;
	object = name[0] ? srv_object_by_name(call->srv,
					      call->client->user->uid, name)
			 : NULL;
	if (!object)
		return srv_refuse(PAGER_ENOENT, SRV_FIELD(object_open, name));
	error = srv_object_reserve(call->session, &handle);
	if (error)
		return srv_refuse(error, 0);
	srv_object_add(call->srv, call->session, handle, object);
	call->reply.handle.handle = handle->thing.handle;
	return srv_done();
}

struct srv_result srv_op_object_resize(struct srv_call *call)
{
	const struct pager_req_object_resize *in =
	    &call->request->body.object_resize;
	struct srv_object_handle *handle;
	struct pager_status status;
	struct srv_result result;
	uint64_t pages;

	result = srv_call_object(call, in->object,
				 SRV_FIELD(object_resize, object), &handle);
	if (result.error)
		return result;
	status = srv_convert_size(in->size, PAGER_ARG_SIZE, &pages);
	if (!status.err)
		status = pager_object_resize(handle->object->core, pages);
	return srv_result_of(call, status);
}

struct srv_result srv_op_object_info(struct srv_call *call)
{
	struct srv_object_handle *handle;
	struct pager_object_info info;
	struct srv_result result;

	result = srv_call_object(call, call->request->body.object.object,
				 SRV_FIELD(object, object), &handle);
	if (result.error)
		return result;
	pager_object_info(handle->object->core, &info);
	call->reply.object_info = (struct pager_rep_object_info){
	    .size = info.size << PAGER_PAGE_SHIFT,
	    .resident_bytes = info.resident << PAGER_PAGE_SHIFT,
	    .mappings = info.mappings,
	    .id = info.id,
	};
	memcpy(call->reply.object_info.name, handle->object->name,
	       sizeof(handle->object->name));
	return result;
}

struct srv_result srv_op_object_list(struct srv_call *call)
{
	uint64_t cursor = call->request->body.cursor.cursor;
	struct pager_object_info info;
	struct srv_thing *thing;

	call->reply.list.row_size = sizeof(struct pager_row_object);
	for (; (thing = srv_call_next(call, PAGER_HANDLE_OBJECT, &cursor));
	     cursor++) {
		const struct srv_object *object =
		    ((const struct srv_object_handle *)thing)->object;
		struct pager_row_object row = {
		    .object = thing->handle,
		    .session = thing->session->number,
		    .uid = thing->session->user->uid,
		};

		pager_object_info(object->core, &info);
		row.id = info.id;
		row.size = info.size << PAGER_PAGE_SHIFT;
		row.resident_bytes = info.resident << PAGER_PAGE_SHIFT;
		row.mappings = info.mappings;
		memcpy(row.name, object->name, sizeof(row.name));
		if (!srv_call_row(call, &row, sizeof(row))) {
			call->reply.list.next = cursor;
			break;
		}
	}
	return srv_done();
}

struct srv_result srv_op_object_close(struct srv_call *call)
{
	struct srv_object_handle *handle;
	struct srv_result result;

	result = srv_call_object(call, call->request->body.object.object,
				 SRV_FIELD(object, object), &handle);
	if (!result.error)
		srv_thing_destroy(call->srv, &handle->thing);
	return result;
}

struct srv_result srv_op_give(struct srv_call *call)
{
	struct srv_thing *thing;
	struct srv_result result;
	enum pager_error error;

	result = srv_call_thing(call, call->request->body.handle.handle,
				SRV_FIELD(handle, handle), &thing);
	if (result.error)
		return result;
	if (thing->type == PAGER_HANDLE_LOG)
		return srv_refuse(PAGER_ETYPE, SRV_FIELD(handle, handle));
	error = srv_grant_new(call->srv, thing);
	if (error)
		return srv_refuse(error, 0);
	memcpy(call->reply.token.token, thing->grant->token, PAGER_TOKEN_SIZE);
	return result;
}

struct srv_result srv_op_take(struct srv_call *call)
{
	struct srv_grant *grant;
	struct srv_thing *thing;
	enum pager_error error;

	grant = srv_grant_find(call->srv, call->request->body.token.token);
	if (!grant)
		return srv_refuse(PAGER_ENOENT, SRV_FIELD(token, token));
	thing = grant->thing;
	error = srv_thing_move(call->srv, thing, call->session);
	if (error)
		return srv_refuse(error, 0);
	call->reply.take.handle = thing->handle;
	call->reply.take.type = thing->type;
	return srv_done();
}
