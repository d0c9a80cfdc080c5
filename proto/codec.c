/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks are written over bytes and copies, never over casts of the packet:
 * a message inside a batch has no alignment of its own worth relying on.
 */
#include "proto/codec.h"

#include <string.h>

/* A request struct that the union forgot does not compile here. */
#define PAGER_OP(NAME, name, number, request, reply, fds, data, access, batch, \
		 text)                                                         \
	static_assert(sizeof(((union pager_request_body *)0)->request) ==      \
			  sizeof(struct pager_req_##request),                  \
		      #request);                                               \
	static_assert(sizeof(((union pager_reply_body *)0)->reply) ==          \
			  sizeof(struct pager_rep_##reply),                    \
		      #reply);                                                 \
	static_assert((fds) <= PAGER_FDS_MAX, #name);
#include "proto/pager_ops.def"
#undef PAGER_OP

/* Index of the first byte that is not zero, or len. */
static size_t first_nonzero(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i])
			return i;
	return len;
}

/* Bodies are a few words: a loop over those is done before memcpy(3) knows how
 * long they are. Both lengths are multiples of 8. */
static void copy_words(void *to, const void *from, size_t len)
{
	for (size_t i = 0; i < len; i += 8)
		memcpy((uint8_t *)to + i, (const uint8_t *)from + i, 8);
}

static void zero_words(void *to, size_t len)
{
	for (size_t i = 0; i < len; i += 8)
		memset((uint8_t *)to + i, 0, 8);
}

static enum pager_verdict violate(struct pager_request *out,
				  enum pager_violation violation)
{
	out->violation = violation;
	return PAGER_VERDICT_VIOLATE;
}

static enum pager_verdict refuse(struct pager_request *out, uint16_t error,
				 size_t field)
{
	out->error = error;
	out->field = (uint32_t)field;
	return PAGER_VERDICT_REFUSE;
}

/* A member of a BATCH never comes with file descriptors, whatever its operation
 * takes. */
static enum pager_violation check_frame(const struct pager_hdr *hdr, size_t len,
					unsigned int nfds, bool member)
{
	const struct pager_op *op = pager_op_find(hdr->op);

	if (hdr->length != len)
		return PAGER_VIOLATION_LENGTH;
	if (len % 8)
		return PAGER_VIOLATION_ODD;
	if (hdr->flags)
		return PAGER_VIOLATION_FLAGS;
	if (hdr->nfds != nfds || nfds > PAGER_FDS_MAX ||
	    (op && op->fds != nfds && !member))
		return PAGER_VIOLATION_FDS;
	if (pager_pad8(hdr->data_len) > len - PAGER_HDR_SIZE)
		return PAGER_VIOLATION_DATA;
	return PAGER_VIOLATION_NONE;
}

static enum pager_verdict check_reserved(struct pager_request *out)
{
	const struct pager_struct *s = out->op->request;
	const uint8_t *body = (const uint8_t *)&out->body;

	if (!s->reserved)
		return PAGER_VERDICT_OK;
	for (unsigned int i = 0; i < s->count; i++) {
		const struct pager_field *f = s->fields + i;

		if (f->reserved &&
		    first_nonzero(body + f->offset, f->size) < f->size)
			return refuse(out, PAGER_ERESERVED,
				      PAGER_HDR_SIZE + f->offset);
	}
	return PAGER_VERDICT_OK;
}

static enum pager_verdict check_header(struct pager_request *out)
{
	const struct pager_hdr *hdr = &out->hdr;

	if (hdr->error)
		return refuse(out, PAGER_ERESERVED,
			      offsetof(struct pager_hdr, error));
	if (hdr->field)
		return refuse(out, PAGER_ERESERVED,
			      offsetof(struct pager_hdr, field));
	if (hdr->reserved)
		return refuse(out, PAGER_ERESERVED,
			      offsetof(struct pager_hdr, reserved));
	if (!out->op)
		return refuse(out, PAGER_ENOSYS,
			      offsetof(struct pager_hdr, op));
	if (hdr->data_len && !(out->op->data & PAGER_OP_DATA_IN))
		return refuse(out, PAGER_EINVAL,
			      offsetof(struct pager_hdr, data_len));
	return PAGER_VERDICT_OK;
}

static enum pager_verdict decode(const void *packet, size_t len,
				 unsigned int nfds, bool member,
				 struct pager_request *out)
{
	const uint8_t *bytes = packet;
	size_t body_len, known, at;
	enum pager_verdict verdict;

	out->op = NULL;
	out->data = NULL;
	out->data_len = 0;
	out->error = PAGER_OK;
	out->field = 0;
	out->violation = PAGER_VIOLATION_NONE;
	if (len < PAGER_HDR_SIZE)
		return violate(out, PAGER_VIOLATION_SHORT);
	if (len > PAGER_MSG_MAX)
		return violate(out, PAGER_VIOLATION_LONG);
	memcpy(&out->hdr, bytes, PAGER_HDR_SIZE);
	out->violation = check_frame(&out->hdr, len, nfds, member);
	if (out->violation)
		return PAGER_VERDICT_VIOLATE;

	out->op = pager_op_find(out->hdr.op);
	verdict = check_header(out);
	if (verdict != PAGER_VERDICT_OK)
		return verdict;

	/*
	 *	32            32 + known         32 + body_len      len
	 *	+-------------+------------------+--------+---------+
	 *	| its struct  | unknown tail     | data   | padding |
	 *	+-------------+------------------+--------+---------+
	 */
	body_len = len - PAGER_HDR_SIZE - pager_pad8(out->hdr.data_len);
	known = body_len < out->op->request->size ? body_len
						  : out->op->request->size;
	at = PAGER_HDR_SIZE + known;
	at += first_nonzero(bytes + at, body_len - known);
	if (at < PAGER_HDR_SIZE + body_len)
		return refuse(out, PAGER_ERESERVED, at);
	at = PAGER_HDR_SIZE + body_len + out->hdr.data_len;
	at += first_nonzero(bytes + at, len - at);
	if (at < len)
		return refuse(out, PAGER_ERESERVED, at);

	copy_words(&out->body, bytes + PAGER_HDR_SIZE, known);
	zero_words((uint8_t *)&out->body + known,
		   out->op->request->size - known);
	out->data = bytes + PAGER_HDR_SIZE + body_len;
	out->data_len = out->hdr.data_len;
	return check_reserved(out);
}

enum pager_verdict pager_request_decode(const void *packet, size_t len,
					unsigned int nfds,
					struct pager_request *out)
{
	return decode(packet, len, nfds, false, out);
}

enum pager_verdict pager_member_decode(const void *message, size_t len,
				       struct pager_request *out)
{
	return decode(message, len, 0, true, out);
}

int pager_batch_cut(const uint8_t *data, size_t data_len, size_t *at,
		    const uint8_t **message, size_t *message_len)
{
	size_t left = data_len - *at;
	uint32_t length;

	if (left == 0)
		return 0;
	if (left < PAGER_HDR_SIZE)
		return -1;
	memcpy(&length, data + *at + offsetof(struct pager_hdr, length),
	       sizeof(length));
	if (length < PAGER_HDR_SIZE || length > left || length % 8)
		return -1;
	*message = data + *at;
	*message_len = length;
	*at += length;
	return 1;
}

const char *pager_violation_text(enum pager_violation violation)
{
	static const char *const texts[PAGER_VIOLATION_COUNT] = {
	    [PAGER_VIOLATION_NONE] = "none",
	    [PAGER_VIOLATION_SHORT] = "truncated message",
	    [PAGER_VIOLATION_LONG] = "message longer than 65536 bytes",
	    [PAGER_VIOLATION_LENGTH] =
		"length field is not the packet's length",
	    [PAGER_VIOLATION_ODD] = "length is not a multiple of 8",
	    [PAGER_VIOLATION_FLAGS] = "unknown flag in the header",
	    [PAGER_VIOLATION_FDS] = "wrong number of file descriptors",
	    [PAGER_VIOLATION_DATA] = "data_len is more than the message has",
	};

	return (unsigned int)violation < PAGER_VIOLATION_COUNT
		   ? texts[violation]
		   : "unknown violation";
}

/* Member by member: a struct that is built and then copied has to wait for
 * its own stores. */
static void put_header(uint8_t *out, const struct pager_request *request,
		       uint32_t length, uint16_t error, uint32_t field,
		       uint32_t data_len)
{
	const uint16_t op = request->hdr.op, flags = PAGER_HDR_REPLY;
	const uint16_t nfds = 0;
	const uint32_t reserved = 0;

	memcpy(out + offsetof(struct pager_hdr, length), &length, 4);
	memcpy(out + offsetof(struct pager_hdr, op), &op, 2);
	memcpy(out + offsetof(struct pager_hdr, flags), &flags, 2);
	memcpy(out + offsetof(struct pager_hdr, seq), &request->hdr.seq, 8);
	memcpy(out + offsetof(struct pager_hdr, error), &error, 2);
	memcpy(out + offsetof(struct pager_hdr, nfds), &nfds, 2);
	memcpy(out + offsetof(struct pager_hdr, field), &field, 4);
	memcpy(out + offsetof(struct pager_hdr, data_len), &data_len, 4);
	memcpy(out + offsetof(struct pager_hdr, reserved), &reserved, 4);
}

size_t pager_reply_encode(void *buf, const struct pager_request *request,
			  const union pager_reply_body *body, size_t data_len)
{
	const struct pager_op *op = request->op;
	size_t len = pager_reply_size(op, data_len);
	uint8_t *out = buf;

	put_header(out, request, (uint32_t)len, PAGER_OK, 0,
		   (uint32_t)data_len);
	copy_words(out + PAGER_HDR_SIZE, body, op->reply->size);
	for (size_t i = data_len; i % 8; i++)
		pager_reply_data(buf, op)[i] = 0;
	return len;
}

size_t pager_refusal_encode(void *buf, const struct pager_request *request,
			    uint16_t error, uint32_t field)
{
	put_header(buf, request, PAGER_HDR_SIZE, error, field, 0);
	return PAGER_HDR_SIZE;
}

size_t pager_request_encode(void *buf, size_t cap, const struct pager_op *op,
			    uint64_t seq, const void *body, size_t body_len,
			    const void *data, size_t data_len)
{
	struct pager_hdr hdr = {.op = op->number, .seq = seq};
	uint8_t *out = buf;
	size_t len;

	if (body_len % 8 || body_len > PAGER_MSG_MAX ||
	    data_len > PAGER_MSG_MAX)
		return 0;
	len = PAGER_HDR_SIZE + body_len + pager_pad8(data_len);
	if (len > cap || len > PAGER_MSG_MAX)
		return 0;
	hdr.length = (uint32_t)len;
	hdr.data_len = (uint32_t)data_len;
	memcpy(out, &hdr, sizeof(hdr));
	out += PAGER_HDR_SIZE;
	if (body_len)
		memcpy(out, body, body_len);
	out += body_len;
	if (data_len)
		memcpy(out, data, data_len);
	memset(out + data_len, 0, pager_pad8(data_len) - data_len);
	return len;
}

bool pager_answer_decode(const void *packet, size_t len,
			 struct pager_answer *out)
{
	const uint8_t *bytes = packet;
	size_t body_len, known;

	if (len < PAGER_HDR_SIZE || len > PAGER_MSG_MAX || len % 8)
		return false;
	memcpy(&out->hdr, bytes, PAGER_HDR_SIZE);
	if (out->hdr.length != len || out->hdr.flags != PAGER_HDR_REPLY ||
	    pager_pad8(out->hdr.data_len) > len - PAGER_HDR_SIZE)
		return false;
	out->op = pager_op_find(out->hdr.op);
	body_len = len - PAGER_HDR_SIZE - pager_pad8(out->hdr.data_len);
	out->data = bytes + PAGER_HDR_SIZE + body_len;
	out->data_len = out->hdr.data_len;
	memset(&out->body, 0, sizeof(out->body));
	if (out->op) {
		known = body_len < out->op->reply->size ? body_len
							: out->op->reply->size;
		memcpy(&out->body, bytes + PAGER_HDR_SIZE, known);
	}
	return true;
}
