/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The codec: packets to checked requests, replies to packets, and both the
 * other way round. Pure functions: no memory is allocated, no socket touched,
 * nothing global. What it accepts has a known operation, the right number of
 * file descriptors, no reserved bit set and no byte unaccounted for; what the
 * fields mean is not its business.
 */
#ifndef PROTO_CODEC_H
#define PROTO_CODEC_H

#include <string.h>

#include "proto/ops.h"

/* A breach of the framing: the connection is dropped. */
enum pager_violation {
	PAGER_VIOLATION_NONE = 0,
	PAGER_VIOLATION_SHORT,	/* no room for a header, or truncated */
	PAGER_VIOLATION_LONG,	/* longer than PAGER_MSG_MAX */
	PAGER_VIOLATION_LENGTH, /* the header's length is not the packet's */
	PAGER_VIOLATION_ODD,	/* not a multiple of 8 */
	PAGER_VIOLATION_FLAGS,	/* an unknown flag in the header */
	PAGER_VIOLATION_FDS,	/* not as many file descriptors as said, or as
				 * the operation takes */
	PAGER_VIOLATION_DATA,	/* data_len is more than there is */
	PAGER_VIOLATION_COUNT
};

/* Every request body, by the name the table of operations uses. */
union pager_request_body {
	struct pager_req_none none;
	struct pager_req_hello hello;
	struct pager_req_ping ping;
	struct pager_req_batch batch;
	struct pager_req_user user;
	struct pager_req_cursor cursor;
	struct pager_req_space_create space_create;
	struct pager_req_space space;
	struct pager_req_handle handle;
	struct pager_req_range range;
	struct pager_req_map map;
	struct pager_req_protect protect;
	struct pager_req_remap remap;
	struct pager_req_brk brk;
	struct pager_req_advise advise;
	struct pager_req_region_list region_list;
	struct pager_req_addr addr;
	struct pager_req_fault fault;
	struct pager_req_populate populate;
	struct pager_req_read read;
	struct pager_req_write write;
	struct pager_req_object_create object_create;
	struct pager_req_object_open object_open;
	struct pager_req_object object;
	struct pager_req_object_resize object_resize;
	struct pager_req_token token;
	struct pager_req_space_policy space_policy;
	struct pager_req_space_pause space_pause;
	struct pager_req_pool pool;
	struct pager_req_pool_size pool_size;
	struct pager_req_pool_online pool_online;
	struct pager_req_pool_addr pool_addr;
	struct pager_req_pool_cursor pool_cursor;
	struct pager_req_pool_range pool_range;
	struct pager_req_dirty_start dirty_start;
	struct pager_req_dirty_get dirty_get;
	struct pager_req_dirty_get_fd dirty_get_fd;
	struct pager_req_dirty_clear dirty_clear;
	struct pager_req_dirty_writeback dirty_writeback;
	struct pager_req_dirty_ring dirty_ring;
	struct pager_req_peek peek;
};

/* Every reply body, likewise. */
union pager_reply_body {
	struct pager_rep_none none;
	struct pager_rep_hello hello;
	struct pager_rep_ping ping;
	struct pager_rep_batch batch;
	struct pager_rep_stats stats;
	struct pager_rep_check check;
	struct pager_rep_list list;
	struct pager_rep_user user;
	struct pager_rep_handle handle;
	struct pager_rep_space_info space_info;
	struct pager_rep_space_sharing space_sharing;
	struct pager_rep_space_resident space_resident;
	struct pager_rep_addr addr;
	struct pager_rep_region region;
	struct pager_rep_page page;
	struct pager_rep_fault fault;
	struct pager_rep_populate populate;
	struct pager_rep_access access;
	struct pager_rep_harvest harvest;
	struct pager_rep_object_info object_info;
	struct pager_rep_token token;
	struct pager_rep_take take;
	struct pager_rep_pool pool;
	struct pager_rep_pool_resize pool_resize;
	struct pager_rep_pool_events pool_events;
	struct pager_rep_dirty_got dirty_got;
	struct pager_rep_dirty_count dirty_count;
	struct pager_rep_dirty_reset dirty_reset;
	struct pager_rep_dirty_info dirty_info;
	struct pager_rep_peek peek;
};

enum pager_verdict {
	PAGER_VERDICT_OK,      /* a request to carry out */
	PAGER_VERDICT_REFUSE,  /* answer with error and field */
	PAGER_VERDICT_VIOLATE, /* drop the connection: violation says why */
};

/* A message as the codec understood it. data points into the packet and is
 * 8-aligned if the packet is. */
struct pager_request {
	struct pager_hdr hdr;	   /* valid unless VIOLATE */
	const struct pager_op *op; /* valid if OK; NULL: unknown */
	const uint8_t *data;
	uint32_t data_len;
	uint16_t error;
	uint32_t field;
	enum pager_violation violation;
	union pager_request_body body; /* as long as op->request says */
};

static inline size_t pager_pad8(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

/*
 * Check one packet of len bytes that came with nfds file descriptors, in the
 * order of pager-protocol(7): first what drops the connection, then what is
 * refused. packet needs no alignment.
 */
enum pager_verdict pager_request_decode(const void *packet, size_t len,
					unsigned int nfds,
					struct pager_request *out);

/* The same for a message inside a BATCH: it comes without file descriptors,
 * also if its operation takes some (which may not stand there: not checked
 * here). */
enum pager_verdict pager_member_decode(const void *message, size_t len,
				       struct pager_request *out);

/*
 * Cut the next message out of a batch's data: its length stands at *at, which
 * is moved behind it. 1: *message and *message_len are set; 0: the end; -1:
 * what is there is no message (a violation). The message itself is not checked
 * but for its length.
 */
int pager_batch_cut(const uint8_t *data, size_t data_len, size_t *at,
		    const uint8_t **message, size_t *message_len);

/* A reason for the log. */
const char *pager_violation_text(enum pager_violation violation);

/* --- replies, the server's side ------------------------------------------ */

/* Length of op's reply with data_len bytes of data. */
static inline size_t pager_reply_size(const struct pager_op *op,
				      size_t data_len)
{
	return PAGER_HDR_SIZE + op->reply->size + pager_pad8(data_len);
}

/* Where the data of op's reply goes in a buffer that will hold the message. */
static inline uint8_t *pager_reply_data(void *buf, const struct pager_op *op)
{
	return (uint8_t *)buf + PAGER_HDR_SIZE + op->reply->size;
}

/*
 * Write the reply to request: header, body (op's reply struct), padding; the
 * data_len bytes of data stand at pager_reply_data() already. buf has room for
 * pager_reply_size(). Returns the message's length.
 */
size_t pager_reply_encode(void *buf, const struct pager_request *request,
			  const union pager_reply_body *body, size_t data_len);
/* The same for a refusal: a header alone, PAGER_HDR_SIZE bytes. */
size_t pager_refusal_encode(void *buf, const struct pager_request *request,
			    uint16_t error, uint32_t field);

/* --- requests and replies, the client's side ----------------------------- */

/*
 * Write a request. body: body_len bytes, a multiple of 8 (NULL and 0: all
 * zero). Returns its length, or 0 if it does not fit into cap bytes or a
 * message. It says that no file descriptors come with it.
 */
size_t pager_request_encode(void *buf, size_t cap, const struct pager_op *op,
			    uint64_t seq, const void *body, size_t body_len,
			    const void *data, size_t data_len);

/* Say that nfds file descriptors come with the request at buf. */
static inline void pager_request_set_fds(void *buf, uint16_t nfds)
{
	memcpy((uint8_t *)buf + offsetof(struct pager_hdr, nfds), &nfds,
	       sizeof(nfds));
}

/* A reply as a client sees it; body is zero-extended to its struct. */
struct pager_answer {
	struct pager_hdr hdr;
	const struct pager_op *op;
	const uint8_t *data;
	uint32_t data_len;
	union pager_reply_body body;
};

/* False: that is no reply of this protocol. */
bool pager_answer_decode(const void *packet, size_t len,
			 struct pager_answer *out);

#endif
