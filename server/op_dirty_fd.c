/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dirty logs and memory that a client passed: the bitmap in a memfd, and rings.
 */
#include "server/call.h"

struct srv_result srv_op_dirty_get_fd(struct srv_call *call)
{
	struct srv_result result;
	struct srv_dirty *log;

	result = srv_call_dirty(call, call->request->body.dirty_get_fd.log,
				SRV_FIELD(dirty_get_fd, log), &log);
	if (result.error)
		return result;
	return srv_refuse(PAGER_ENOSYS, offsetof(struct pager_hdr, op));
}

struct srv_result srv_op_dirty_ring(struct srv_call *call)
{
	struct srv_result result;
	struct srv_dirty *log;

	result = srv_call_dirty(call, call->request->body.dirty_ring.log,
				SRV_FIELD(dirty_ring, log), &log);
	if (result.error)
		return result;
	return srv_refuse(PAGER_ENOSYS, offsetof(struct pager_hdr, op));
}
