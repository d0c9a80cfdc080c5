/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pools. The daemon has none yet; what is asked of them is refused as an
 * operation that it does not know.
 */
#include "server/call.h"

static struct srv_result not_yet(void)
{
	return srv_refuse(PAGER_ENOSYS, offsetof(struct pager_hdr, op));
}

#define NOT_YET(name)                                          \
	struct srv_result srv_op_##name(struct srv_call *call) \
	{                                                      \
		(void)call;                                    \
		return not_yet();                              \
	}

NOT_YET(space_policy)
NOT_YET(pool_list)
NOT_YET(pool_info)
NOT_YET(pool_resize)
NOT_YET(pool_online)
NOT_YET(pool_offline)
NOT_YET(pool_unplug_all)
NOT_YET(pool_blocks)
NOT_YET(pool_cells)
NOT_YET(pool_holders)
NOT_YET(pool_events)
NOT_YET(pool_grow)
