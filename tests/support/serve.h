/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The served state without sockets: a small machine, clients made up out of a
 * user id, and requests that go straight through dispatch. Every request is
 * followed by a recount; a refusal is checked to have changed nothing.
 *
 * One at a time; a test that runs in a process of its own starts it and ends
 * it, and the end proves that sessions leave nothing behind.
 */
#ifndef TESTS_SUPPORT_SERVE_H
#define TESTS_SUPPORT_SERVE_H

#include "proto/codec.h"
#include "server/dispatch.h"
#include "server/session.h"
#include "server/user.h"

/* User ids: one admin, two users. */
#define SERVE_ROOT 0u
#define SERVE_ANN  1001u
#define SERVE_BEN  1002u

extern struct srv serve_srv;
/* The last answer; its data stands in serve_out. */
extern struct pager_answer serve_answer;
extern _Alignas(8) uint8_t serve_out[PAGER_MSG_MAX];

/* Sees every packet before it is served, if it is set. */
extern void (*serve_tap)(const struct srv_client *client, const void *packet,
			 size_t len);

/* What goes with requests that take a file descriptor; -1: a new memfd of
 * SERVE_MEMFD bytes, sealed against shrinking, each time. It stays open. */
#define SERVE_MEMFD (UINT64_C(1) << 20)
extern int serve_fd;

/* config: lines as in pagerd.conf(5) behind "memory 4M" and "nodes 1024", or
 * NULL. */
void serve_start(const char *config);
void serve_end(void);

/* Let the model do its own work, until there is none. */
void serve_settle(void);

/* Somebody connects; with HELLO said, both features, or without. */
struct srv_client *serve_join(uid_t uid);
struct srv_client *serve_connect(uid_t uid);
/* And goes, which ends the session. */
void serve_leave(struct srv_client *client);

/* One request; the error of its answer. */
unsigned int serve_ask(struct srv_client *client, enum pager_opcode op,
		       const void *body, size_t body_len);
unsigned int serve_ask_data(struct srv_client *client, enum pager_opcode op,
			    const void *body, size_t body_len, const void *data,
			    size_t data_len);
/* A packet as it is. True: answered; false: a violation, in *why. */
bool serve_packet(struct srv_client *client, const void *packet, size_t len,
		  enum pager_violation *why);

#define serve_ok(client, op, body)                                       \
	ck_assert_msg(serve_ask(client, op, &(body), sizeof(body)) == 0, \
		      "%s: %s at %u", #op,                               \
		      pager_error_name(serve_answer.hdr.error),          \
		      serve_answer.hdr.field)
/* Refused with this error and this field (its name; NULL: none). */
#define serve_refused(client, op, body, err, fieldname)                        \
	serve_check_refusal(client, op, &(body), sizeof(body), err, fieldname, \
			    __LINE__)
void serve_check_refusal(struct srv_client *client, enum pager_opcode op,
			 const void *body, size_t len, unsigned int error,
			 const char *field, int line);

/* Requests in one line each; they must succeed. */
uint64_t serve_space(struct srv_client *client);
uint64_t serve_fork(struct srv_client *client, uint64_t space);
uint64_t serve_object(struct srv_client *client, uint64_t pages,
		      const char *name);
/* Readable and writable, FIXED and more flags. */
void serve_map(struct srv_client *client, uint64_t space, uint64_t addr,
	       uint64_t len, uint32_t flags, uint64_t object);
void serve_write(struct srv_client *client, uint64_t space, uint64_t addr,
		 const char *text);
/* The bytes there are text. */
void serve_reads(struct srv_client *client, uint64_t space, uint64_t addr,
		 const char *text);

/* All that can be observed, as text; free it. */
char *serve_picture(void);
/* Fails if it does not look like before (which is freed). */
void serve_unchanged(char *before, const char *what);

/* Put messages together for a BATCH. */
struct serve_batch {
	struct pager_req_batch body;
	uint8_t data[PAGER_MSG_MAX];
	size_t len;
};
void serve_batch_add(struct serve_batch *batch, enum pager_opcode op,
		     const void *body, size_t body_len, const void *data,
		     size_t data_len);
#define serve_batch_put(batch, op, body) \
	serve_batch_add(batch, op, &(body), sizeof(body), NULL, 0)
/* Run it; the error of the whole. */
unsigned int serve_batch_run(struct srv_client *client,
			     struct serve_batch *batch);
/* The answer to request i of the last batch. */
void serve_batch_answer(unsigned int i, struct pager_answer *out);

#endif
