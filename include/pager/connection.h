/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connections, refusals, and pipelined requests. Include <pager/pager.h>.
 */
#ifndef PAGER_CONNECTION_H
#define PAGER_CONNECTION_H

#include <stddef.h>
#include <stdint.h>

#include <pager/wire.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PAGER_REFUSED (-1)
#define PAGER_LOST    (-2)
#define PAGER_FULL    (-3)
#define PAGER_MISUSE  (-4)

/* The numbers of the operations: PAGER_CALL_MAP and so on. */
enum pager_call {
#define PAGER_OP(NAME, name, number, request, reply, fds, data, access, batch, \
		 text)                                                         \
	PAGER_CALL_##NAME = number,
#include <pager/ops.def>
#undef PAGER_OP
};

struct pager;

/*
 * Connect and say HELLO. path NULL: $PAGER_SOCKET, else /run/pagerd.sock for
 * root, else $XDG_RUNTIME_DIR/pagerd.sock.
 *
 * NULL with errno: what socket(2) and connect(2) say; ENAMETOOLONG;
 * EDESTADDRREQ (no path given and none known); EPROTO (that is no pagerd);
 * EPROTONOSUPPORT (no common version); EDQUOT (too many sessions of this
 * user); ENOMEM.
 */
struct pager *pager_connect(const char *path);

/* The same over a connected SOCK_SEQPACKET socket, which belongs to the library
 * from here on, also if the call fails. */
struct pager *pager_connect_fd(int fd);

/* End the session: what it made and did not give away dies. NULL is fine. */
void pager_close(struct pager *pager);

/* The path pager_connect(NULL) takes: 0, or -1 with errno (ENAMETOOLONG if it
 * does not fit, EDESTADDRREQ if there is none). */
int pager_default_path(char *buf, size_t size);

/* What was negotiated; lives as long as the connection. */
const struct pager_rep_hello *pager_hello(const struct pager *pager);

/* For poll(2): readable when replies are there or the daemon is gone. */
int pager_fd(const struct pager *pager);

/* The last refusal: enum pager_error (0: none yet); the offset of the field to
 * blame from the start of the request (its header is 32 bytes), 0 for none;
 * that field's name as in <pager/wire.h>, or "". */
unsigned int pager_error(const struct pager *pager);
uint32_t pager_field(const struct pager *pager);
const char *pager_field_name(const struct pager *pager);

/* What went wrong last, in a sentence ("map: addr: not a multiple of the page
 * size (EALIGN)"); until the next call on this connection. */
const char *pager_errstr(const struct pager *pager);

/* "EALIGN", and its sentence; "EUNKNOWN" and "an unknown error" for a number
 * this library does not know. */
const char *pager_errname(unsigned int error);
const char *pager_errtext(unsigned int error);

/* "map" for PAGER_CALL_MAP; NULL for an unknown number. */
const char *pager_call_name(unsigned int call);

/* --- pipelined requests -----------------------------------------------------
 *
 * Submit some, then wait for each. At most PAGER_WINDOW sequence numbers may
 * lie between the oldest request that was not waited for and the next one.
 * Replies that arrive while something is sent or waited for are kept, so
 * neither side can block the other for good. Blocking calls may be made in
 * between, even when the window is full.
 */

#define PAGER_WINDOW 256

struct pager_reply {
	uint64_t seq;
	uint16_t call;	  /* enum pager_call */
	uint16_t error;	  /* enum pager_error; 0: done */
	uint32_t field;	  /* refusals: the offset of the field to blame, or 0 */
	const void *body; /* the call's struct pager_rep_*, whole, 8-aligned */
	const void *data; /* what came after it, 8-aligned */
	size_t data_len;
};

/* Send one request. body is the call's struct pager_req_*, body_len its size
 * (0: all zero); data as the operation has it, or NULL and 0. */
int pager_submit(struct pager *pager, enum pager_call call, const void *body,
		 size_t body_len, const void *data, size_t data_len,
		 uint64_t *seq);

/* Wait for the reply to seq (0: to the oldest request not waited for). The
 * reply is PAGER_REFUSED or 0, with *reply filled in either way; its pointers
 * live until the next call on this connection. */
int pager_wait(struct pager *pager, uint64_t seq, struct pager_reply *reply);

/* How many requests were submitted and not waited for. */
unsigned int pager_pending(const struct pager *pager);

/* Submit and wait for one. */
int pager_call(struct pager *pager, enum pager_call call, const void *body,
	       size_t body_len, const void *data, size_t data_len,
	       struct pager_reply *reply);

#ifdef __cplusplus
}
#endif

#endif
