/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client that may misbehave: packets as they are over a SOCK_SEQPACKET
 * socket, with any file descriptors, and looks at the daemon from outside.
 * libpager keeps the protocol; this does not have to.
 *
 * For tests run by check: what must not happen fails the test.
 */
#ifndef TESTS_SUPPORT_WIRE_H
#define TESTS_SUPPORT_WIRE_H

#include <stdbool.h>
#include <sys/types.h>

#include "proto/codec.h"
#include "tools/common/spawn.h"

/* How long anything may take before a test gives up. */
enum { WIRE_PATIENCE_MS = 60000 };

/* A connected socket, blocking; -1 with errno if path does not let us. */
int wire_try(const char *path);
/* The same; it must work. */
int wire_connect(const char *path);
/* And with HELLO said, all features. */
int wire_session(const char *path);

/* One packet with nfds file descriptors. 0; -1 with errno: it was not sent. */
int wire_send(int fd, const void *packet, size_t len, const int *fds,
	      unsigned int nfds);
/* The next packet into buf, PAGER_MSG_MAX bytes; 0: the daemon has hung up. */
size_t wire_receive(int fd, void *buf);
/* It hangs up, without another packet before that. */
void wire_hung_up(int fd);
/* Is something there to be read, after so many milliseconds at most? */
bool wire_readable(int fd, int ms);

/* Send a well-formed request, without waiting. False: there is no room now (on
 * a socket that does not block). */
bool wire_ask(int fd, unsigned int op, uint64_t seq, const void *body,
	      size_t body_len, const void *data, size_t data_len);
/* The next reply; its pointers live until the next one. */
const struct pager_answer *wire_answer(int fd);
/* Both, and the error. */
unsigned int wire_call(int fd, unsigned int op, const void *body,
		       size_t body_len);
/* The last answer. */
extern struct pager_answer wire_got;

/* --- the daemon -------------------------------------------------------------
 */

/* Start one, with more arguments as pager_spawn() has them. */
void wire_spawn(struct pager_spawn *spawn, const char *const *args);
/* The same with a configuration of these lines; if we are root, it serves the
 * users that wire_be() makes, who are no admins. */
void wire_spawn_users(struct pager_spawn *spawn, const char *config);
/* For a child process: be user 0, 1, 2 ... of those for good, if we are root.
 * The child dies with its parent. */
void wire_be(unsigned int user);
/* SIGTERM; it must leave with exit code 0. */
void wire_stop(struct pager_spawn *spawn);

struct pager_rep_stats wire_stats(int fd);
/* The recount, which must find nothing. */
void wire_check(int fd);
/* Wait until that many sessions are left (those that are gone take a moment);
 * the statistics of then. */
struct pager_rep_stats wire_settle(int fd, uint64_t sessions);
/* Nothing but these many sessions is left of what there was since before: no
 * frame, node, space, object, region, handle, descriptor. */
void wire_same(int fd, const struct pager_rep_stats *before);

/* File descriptors of a process, as the kernel counts them. */
unsigned int wire_fds_of(pid_t pid);
/* Its resident memory in KiB. */
uint64_t wire_memory_of(pid_t pid);
/* How many lines of the daemon's log contain the text. */
unsigned int wire_logged(const struct pager_spawn *spawn, const char *text);

#endif
