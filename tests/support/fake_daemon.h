/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A daemon that is not one: a thread at the other end of a socketpair that
 * answers as a test of libpager wants it, also as no daemon ever should.
 */
#ifndef TESTS_SUPPORT_FAKE_DAEMON_H
#define TESTS_SUPPORT_FAKE_DAEMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pager/pager.h>

#include "proto/codec.h"

/* Answers one request on fd; false: hang up. */
typedef bool fake_answer_fn(int fd, const struct pager_request *request);

/* The message that is built and sent next; room for one that is too long. */
extern uint64_t fake_out[PAGER_MSG_MAX / 8 + 1024];

/* The last descriptor that came with a request, or -1. */
extern int fake_fd;

/* Its header, and where its data goes. */
struct pager_hdr *fake_hdr(void);
uint8_t *fake_data(const struct pager_request *request);

/* Write a well-formed reply: a body of zeros but for body_len bytes, data as
 * it stands there already. Its length. */
size_t fake_reply(const struct pager_request *request, const void *body,
		  size_t body_len, size_t data_len);

/* Send len bytes of it. The client may have had enough and be gone. */
void fake_post(int fd, size_t len);

/* Answer a HELLO as it should be. */
bool fake_hello(int fd, const struct pager_request *request);

/* Start it and connect; HELLO too is answered by the function. What
 * pager_connect_fd() returned. */
struct pager *fake_connect(fake_answer_fn *answer);
/* The same with a HELLO that works. */
struct pager *fake_session(fake_answer_fn *answer);
/* Close the connection and end the thread. */
void fake_end(struct pager *pager);

#endif
