/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One message: written from a request's parts, and a reply looked at before
 * anything in it is believed. No sockets here.
 */
#include "lib/client/internal.h"

#include <errno.h>
#include <string.h>

static bool all_zero(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i])
			return false;
	return true;
}

/*
 *	0            32           32 + body_len          length
 *	+------------+------------+----------------------+
 *	| hdr        | body       | data, padding        |
 *	+------------+------------+----------------------+
 *	                          |<-- pad8(data_len) -->|
 */
const char *client_message_check(const void *buf, size_t len,
				 struct client_message *out)
{
	const struct pager_op *op;
	size_t padded;

	if (len < sizeof(out->hdr))
		return "a reply shorter than its header";
	memcpy(&out->hdr, buf, sizeof(out->hdr));
	if (out->hdr.length != len || len % 8 != 0)
		return "a reply whose length is not its packet's";
	if (out->hdr.flags != PAGER_HDR_REPLY)
		return "a message that is no reply";
	if (out->hdr.reserved != 0 || out->hdr.nfds != 0)
		return "a reply with unknown fields set";
	out->op = op = pager_op_find(out->hdr.op);
	if (!op)
		return "a reply to an unknown operation";
	if (out->hdr.data_len > 0 && !(op->data & PAGER_OP_DATA_OUT))
		return "a reply with data where there is none";
	padded = pager_pad8(out->hdr.data_len);
	if (padded > len - sizeof(out->hdr))
		return "a reply whose data does not fit in it";
	out->body = (const uint8_t *)buf + sizeof(out->hdr);
	out->body_len = len - sizeof(out->hdr) - padded;
	out->data = out->body + out->body_len;
	if (!all_zero(out->data + out->hdr.data_len,
		      padded - out->hdr.data_len))
		return "a reply with something in its padding";
	if (out->body_len > op->reply->size &&
	    !all_zero(out->body + op->reply->size,
		      out->body_len - op->reply->size))
		return "a reply with an unknown tail";
	return NULL;
}

void client_body_copy(union pager_reply_body *to,
		      const struct client_message *message)
{
	size_t size = message->op->reply->size;
	size_t n = message->body_len < size ? message->body_len : size;

	memcpy(to, message->body, n);
	memset((uint8_t *)to + n, 0, size - n);
}

size_t client_request_write(void *buf, size_t room, unsigned int call,
			    uint64_t seq, const void *body, size_t body_len,
			    const void *data, size_t data_len, unsigned int fds)
{
	const struct pager_op *op = pager_op_find(call);
	size_t length;

	if (!op || op->fds != fds || body_len > op->request->size ||
	    body_len % 8 != 0 ||
	    (data_len > 0 && !(op->data & PAGER_OP_DATA_IN))) {
		errno = EINVAL;
		return 0;
	}
	length = pager_request_encode(buf, room, op, seq, body, body_len, data,
				      data_len);
	if (length == 0)
		errno = EMSGSIZE;
	else
		pager_request_set_fds(buf, (uint16_t)fds);
	return length;
}
