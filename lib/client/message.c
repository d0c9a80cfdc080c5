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
	const struct client_op *op;
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
	op = client_op(out->hdr.op);
	if (!op)
		return "a reply to an unknown operation";
	if (out->hdr.data_len > len - sizeof(out->hdr))
		return "a reply whose data does not fit in it";
	if (out->hdr.data_len > 0 && !op->data_out)
		return "a reply with data where there is none";
	padded = client_pad8(out->hdr.data_len);
	if (padded > len - sizeof(out->hdr))
		return "a reply whose data does not fit in it";
	out->body = (const uint8_t *)buf + sizeof(out->hdr);
	out->body_len = len - sizeof(out->hdr) - padded;
	out->data = out->body + out->body_len;
	if (!all_zero(out->data + out->hdr.data_len,
		      padded - out->hdr.data_len))
		return "a reply with something in its padding";
	if (out->body_len > op->reply &&
	    !all_zero(out->body + op->reply, out->body_len - op->reply))
		return "a reply with an unknown tail";
	return NULL;
}

void client_body_copy(uint64_t *to, const struct client_op *op,
		      const struct client_message *message)
{
	size_t n = message->body_len;

	if (n > op->reply)
		n = op->reply;
	memcpy(to, message->body, n);
	memset((uint8_t *)to + n, 0, op->reply - n);
}

size_t client_request_write(void *buf, size_t room, unsigned int call,
			    uint64_t seq, const void *body, size_t body_len,
			    const void *data, size_t data_len)
{
	const struct client_op *op = client_op(call);
	struct pager_hdr hdr = {.op = (uint16_t)call, .seq = seq};
	uint8_t *p = buf;
	size_t padded, length;

	if (!op || body_len > op->request || (data_len > 0 && !op->data_in)) {
		errno = EINVAL;
		return 0;
	}
	padded = client_pad8(body_len);
	if (room < sizeof(hdr) + padded ||
	    data_len > room - sizeof(hdr) - padded ||
	    client_pad8(data_len) > room - sizeof(hdr) - padded) {
		errno = EMSGSIZE;
		return 0;
	}
	length = sizeof(hdr) + padded + client_pad8(data_len);
	hdr.length = (uint32_t)length;
	hdr.data_len = (uint32_t)data_len;
	memcpy(p, &hdr, sizeof(hdr));
	p += sizeof(hdr);
	if (body_len > 0)
		memcpy(p, body, body_len);
	memset(p + body_len, 0, padded - body_len);
	p += padded;
	if (data_len > 0)
		memcpy(p, data, data_len);
	memset(p + data_len, 0, client_pad8(data_len) - data_len);
	return length;
}
