/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One request on its way through its handler.
 *
 * A handler plans with calls that may be refused, and returns the refusal;
 * then it commits. It fills in reply (zeroed) and, if the operation has data
 * in its reply, up to room bytes at data, and sets data_len. The reply's place
 * in the queue is there before the handler is called.
 *
 * File descriptors that came with the request belong to the connection, which
 * closes them when the handler has returned, whatever it said. A handler may
 * use them until then; one that wants to keep a descriptor puts -1 in its
 * place.
 */
#ifndef SERVER_CALL_H
#define SERVER_CALL_H

#include "server/state.h"

struct srv_call {
	struct srv *srv;
	struct srv_client *client;
	struct srv_session *session; /* NULL: HELLO */
	const struct pager_request *request;
	int *fds; /* as many as the operation takes; NULL: none */
	union pager_reply_body reply;
	uint8_t *data; /* 8-aligned */
	size_t room;
	size_t data_len;
};

/* PAGER_OK, or a refusal: which, and the offset of the field to blame; or (only
 * BATCH can find one so late) a violation: then nothing was done. */
struct srv_result {
	uint16_t error;
	uint16_t violation; /* enum pager_violation */
	uint32_t field;
};

static inline struct srv_result srv_done(void)
{
	return (struct srv_result){.error = PAGER_OK};
}

static inline struct srv_result srv_refuse(enum pager_error error, size_t field)
{
	return (struct srv_result){.error = (uint16_t)error,
				   .field = (uint32_t)field};
}

/* Offset of a member of a request struct, as refusals have it. */
#define SRV_FIELD(request, member) \
	(PAGER_HDR_SIZE + offsetof(struct pager_req_##request, member))

/* What the model or convert.c said, for the wire. */
struct srv_result srv_result_of(const struct srv_call *call,
				struct pager_status status);

/* The space, object or log of a handle: the session's own; an admin may name
 * anybody's. ENOENT, ESTALE or ETYPE, with field to blame. */
struct srv_result srv_call_space(const struct srv_call *call, uint64_t handle,
				 uint32_t field, struct srv_space **out);
struct srv_result srv_call_object(const struct srv_call *call, uint64_t handle,
				  uint32_t field,
				  struct srv_object_handle **out);
struct srv_result srv_call_dirty(const struct srv_call *call, uint64_t handle,
				 uint32_t field, struct srv_dirty **out);
/* Any of them. */
struct srv_result srv_call_thing(const struct srv_call *call, uint64_t handle,
				 uint32_t field, struct srv_thing **out);

/* The range of a request, which the model does not look at: ERANGE if it is
 * not inside the space. */
struct srv_result srv_call_inside(const struct srv_call *call,
				  const struct srv_space *space,
				  struct pager_range range);

/* A name of the wire: EINVAL if it has no NUL, or something else behind it. */
struct srv_result srv_call_name(const char name[PAGER_NAME_MAX],
				uint32_t field);

/*
 * Lists of things: the next one of type at *cursor or after it among those the
 * client may see (its session's own; an admin: all), or NULL. *cursor becomes
 * the thing's own; more than that is the one behind it.
 */
struct srv_thing *srv_call_next(const struct srv_call *call, unsigned int type,
				uint64_t *cursor);

/* Append a row to a list's data. False: there is no room for it. */
bool srv_call_row(struct srv_call *call, const void *row, size_t size);

/* --- the handlers, one an operation -------------------------------------- */

#define PAGER_OP(NAME, name, number, request, reply, fds, data, access, batch, \
		 text)                                                         \
	struct srv_result srv_op_##name(struct srv_call *call);
#include "proto/pager_ops.def"
#undef PAGER_OP

#endif
