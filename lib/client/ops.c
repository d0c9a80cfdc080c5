/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of operations as the library needs it: sizes, names, and whether
 * data goes with a request or comes with a reply.
 */
#include "lib/client/internal.h"

#include <assert.h>

enum { NONE = 0, IN = 1, OUT = 2, BOTH = 3 };

static const struct client_op ops[] = {
#define PAGER_OP(NAME, name, number, request, reply, fds, data, access, batch, \
		 text)                                                         \
	[number] = {#name, sizeof(struct pager_req_##request),                 \
		    sizeof(struct pager_rep_##reply), ((data)&IN) != 0,        \
		    ((data)&OUT) != 0},
#include <pager/ops.def>
#undef PAGER_OP
};

#define PAGER_OP(NAME, name, number, request, reply, fds, data, access, batch, \
		 text)                                                         \
	static_assert(sizeof(struct pager_rep_##reply) <= CLIENT_BODY_MAX &&   \
			  (fds) == 0,                                          \
		      #name ": a longer reply, or descriptors");
#include <pager/ops.def>
#undef PAGER_OP

const struct client_op *client_op(unsigned int call)
{
	if (call >= sizeof(ops) / sizeof(ops[0]) || !ops[call].name)
		return NULL;
	return &ops[call];
}

const char *pager_call_name(unsigned int call)
{
	const struct client_op *op = client_op(call);

	return op ? op->name : NULL;
}
