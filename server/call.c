/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the handlers have in common: whose thing is this, and rows of lists.
 */
#include "server/call.h"

#include <string.h>

#include "server/convert.h"
#include "server/session.h"

struct srv_result srv_result_of(const struct srv_call *call,
				struct pager_status status)
{
	if (!status.err)
		return srv_done();
	return srv_refuse(
	    (enum pager_error)status.err,
	    srv_convert_field(call->request->op, (enum pager_arg)status.arg));
}

static struct srv_result find(const struct srv_call *call, uint64_t handle,
			      unsigned int type, uint32_t field, void **out)
{
	const struct srv_session *owner = call->session;
	uint64_t key = srv_handle_key(handle);
	enum pager_error error;

	if (key != srv_session_key(owner)) {
		owner = call->client->user->admin
			    ? srv_session_by_key(call->srv, key)
			    : NULL;
		if (!owner)
			return srv_refuse(PAGER_ENOENT, field);
	}
	error = srv_handles_find(&owner->handles, handle, type, out, NULL);
	return error ? srv_refuse(error, field) : srv_done();
}

struct srv_result srv_call_space(const struct srv_call *call, uint64_t handle,
				 uint32_t field, struct srv_space **out)
{
	struct srv_result result;
	void *thing = NULL;

	result = find(call, handle, PAGER_HANDLE_SPACE, field, &thing);
	*out = thing;
	return result;
}

struct srv_result srv_call_object(const struct srv_call *call, uint64_t handle,
				  uint32_t field,
				  struct srv_object_handle **out)
{
	struct srv_result result;
	void *thing = NULL;

	result = find(call, handle, PAGER_HANDLE_OBJECT, field, &thing);
	*out = thing;
	return result;
}

struct srv_result srv_call_dirty(const struct srv_call *call, uint64_t handle,
				 uint32_t field, struct srv_dirty **out)
{
	struct srv_result result;
	void *thing = NULL;

	result = find(call, handle, PAGER_HANDLE_LOG, field, &thing);
	*out = thing;
	return result;
}

struct srv_result srv_call_thing(const struct srv_call *call, uint64_t handle,
				 uint32_t field, struct srv_thing **out)
{
	struct srv_result result;
	void *thing = NULL;

	result = find(call, handle, SRV_HANDLE_ANY, field, &thing);
	*out = thing;
	return result;
}

struct srv_result srv_call_inside(const struct srv_call *call,
				  const struct srv_space *space,
				  struct pager_range range)
{
	struct pager_status status = pager_ok();
	struct pager_space_info info;

	pager_space_info(space->core, &info);
	if (range.start < info.range.start || range.start >= info.range.end)
		status = pager_refuse(PAGER_ERANGE, PAGER_ARG_ADDR);
	else if (range.end > info.range.end)
		status = pager_refuse(PAGER_ERANGE, PAGER_ARG_LEN);
	return srv_result_of(call, status);
}

struct srv_result srv_call_name(const char name[PAGER_NAME_MAX], uint32_t field)
{
	size_t len = strnlen(name, PAGER_NAME_MAX);

	if (len == PAGER_NAME_MAX)
		return srv_refuse(PAGER_EINVAL, field);
	for (; len < PAGER_NAME_MAX; len++)
		if (name[len])
			return srv_refuse(PAGER_EINVAL, field);
	return srv_done();
}

/*
 * A cursor is a session's number and a slot of its table, so going on costs
 * nothing and what comes and goes meanwhile does no harm:
 *
 *	63                 20 19    0
 *	+--------------------+-------+
 *	| number of session  | slot  |
 *	+--------------------+-------+
 */
struct srv_thing *srv_call_next(const struct srv_call *call, unsigned int type,
				uint64_t *cursor)
{
	bool admin = call->client->user->admin;
	uint64_t number = *cursor >> SRV_HANDLE_INDEX_BITS;
	uint32_t slot =
	    (uint32_t)*cursor & ((UINT32_C(1) << SRV_HANDLE_INDEX_BITS) - 1);
	const struct srv_session *session;
	struct srv_thing *thing;

	if (admin)
		session = srv_session_from(call->srv, number);
	else
		session =
		    number <= call->session->number ? call->session : NULL;
	if (session && session->number != number)
		slot = 0;
	while (session) {
		thing = srv_handles_next(&session->handles, &slot, type);
		if (thing) {
			*cursor =
			    session->number << SRV_HANDLE_INDEX_BITS | slot;
			return thing;
		}
		session = admin ? TAILQ_NEXT(session, link) : NULL;
		slot = 0;
	}
	return NULL;
}

bool srv_call_row(struct srv_call *call, const void *row, size_t size)
{
	if (call->room - call->data_len < size)
		return false;
	memcpy(call->data + call->data_len, row, size);
	call->data_len += size;
	call->reply.list.count++;
	return true;
}
