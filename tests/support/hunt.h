/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hunting with random sequences: run them in a child process, so that a crash
 * is a finding like any other; shrink what fails to the shortest sequence that
 * fails in the same way; print it.
 *
 * A sequence writes its operations into memory shared with the hunter before
 * it does them, so they survive the child.
 */
#ifndef TESTS_SUPPORT_HUNT_H
#define TESTS_SUPPORT_HUNT_H

#include <stddef.h>

#include "tests/support/model_op.h"

enum { HUNT_STEPS = 20000 };

struct hunt_log {
	uint32_t count;
	bool failed;
	char kind[32];
	char message[1024];
	struct model_op op[HUNT_STEPS];
	uint16_t err[HUNT_STEPS];   /* what was answered */
	uint64_t value[HUNT_STEPS]; /* a place, bytes done */
	uint8_t skipped[HUNT_STEPS];
};

struct hunt_case {
	/* Make a sequence from the seed, at most steps long, logging and doing
	 * one operation after the other; a failure ends the process. */
	void (*make)(void *ctx, uint64_t seed, uint32_t steps,
		     struct hunt_log *log);
	/* Do these operations. */
	void (*replay)(void *ctx, const struct model_op *op, uint32_t count,
		       struct hunt_log *log);
	/* Print what was found, after the message. */
	void (*print)(void *ctx, const struct hunt_log *log);
	void *ctx;
	const char *name;
};

/* Seeds first .. first + count - 1, several to a child. 0: none failed; else
 * the first failure was shrunk and printed. */
int hunt(const struct hunt_case *c, uint64_t first, uint64_t count,
	 uint32_t steps);

/* For make and replay: note an operation that is about to be done, and what
 * came of it. */
void hunt_note(struct hunt_log *log, const struct model_op *op);
void hunt_result(struct hunt_log *log, const struct model_result *got);

/* Numbers from the environment: PAGER_SEED, PAGER_STEPS, ... */
uint64_t hunt_number(const char *name, uint64_t otherwise);

#endif
