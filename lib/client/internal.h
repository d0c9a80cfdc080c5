/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inside of a connection, shared by the files of libpager.
 *
 * A request that is on its way has a slot, found by its sequence number:
 * pipelined ones by the number modulo the window, the one blocking call there
 * can be (its number has the top bit set) in a slot of its own. A reply is
 * either handed out from the receive buffer at once or kept in its slot until
 * it is waited for. Nothing the daemon sends is used before message.c has
 * looked at it.
 *
 * Knows the wire; knows no address spaces.
 */
#ifndef LIB_CLIENT_INTERNAL_H
#define LIB_CLIENT_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pager/pager.h>

#include "proto/codec.h"

#define CLIENT_SYNC_BIT	 (UINT64_C(1) << 63)
#define CLIENT_ERROR_MAX 256

/* A reply that was looked at; the pointers lead into the message. */
struct client_message {
	struct pager_hdr hdr;
	const struct pager_op *op;
	const uint8_t *body;
	size_t body_len;
	const uint8_t *data;
};

enum client_slot_state {
	CLIENT_SLOT_FREE = 0,
	CLIENT_SLOT_SENT,
	CLIENT_SLOT_ARRIVED,
	CLIENT_SLOT_NOMEM, /* arrived, and there was no room for its data */
};

struct client_slot {
	uint64_t seq;
	enum client_slot_state state;
	uint16_t call;
	uint16_t error;
	uint32_t field;
	uint32_t data_len;
	void *data; /* malloc'd, or NULL */
	union pager_reply_body body;
};

struct pager {
	int fd;
	int lost; /* errno of the end, or 0 */
	uint32_t max_message;
	struct pager_rep_hello hello;

	uint64_t next;	 /* sequence number of the next pipelined request */
	uint64_t oldest; /* none below it is waited for */
	uint64_t calls;	 /* number of the next blocking call */
	unsigned int pending;

	unsigned int error;
	uint32_t field;
	unsigned int refused; /* the call that was refused */
	char text[CLIENT_ERROR_MAX];

	void *held;				    /* data handed out last */
	union pager_reply_body body;		    /* body handed out last */
	struct client_slot slots[PAGER_WINDOW + 1]; /* the last: blocking */
	uint64_t rx[PAGER_MSG_MAX / 8];
};

/*
 * Look at a reply of len bytes at an 8-aligned place: sizes agree with each
 * other and with the operation, nothing unknown is set. NULL, or what is wrong
 * with it as words.
 */
const char *client_message_check(const void *buf, size_t len,
				 struct client_message *out);

/* Copy a body into its struct's room: what is missing reads as zero. */
void client_body_copy(union pager_reply_body *to,
		      const struct client_message *message);

/* Write a request that goes with fds file descriptors to buf if it fits in
 * room. Its length; or 0 with errno: EINVAL for arguments the operation does
 * not have, EMSGSIZE if it does not fit. */
size_t client_request_write(void *buf, size_t room, unsigned int call,
			    uint64_t seq, const void *body, size_t body_len,
			    const void *data, size_t data_len,
			    unsigned int fds);

/* As pager_call, for an operation that takes a file descriptor, which stays the
 * caller's. PAGER_MISUSE with EBADF: it is none. */
int client_call_fd(struct pager *pager, enum pager_call call, const void *body,
		   size_t body_len, int fd, struct pager_reply *reply);

/* Record the end of the connection; PAGER_LOST with errno. */
int client_lost(struct pager *pager, int err, const char *what);
/* The daemon broke the protocol; PAGER_LOST with errno EPROTO. */
int client_broken(struct pager *pager, const char *what);
/* PAGER_MISUSE with errno. */
int client_misuse(struct pager *pager, int err, const char *what);
/* Record a refusal; PAGER_REFUSED. */
int client_refused(struct pager *pager, unsigned int call, unsigned int error,
		   uint32_t field);

#endif
