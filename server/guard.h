/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that somebody else can take away: an access to it that the kernel
 * answers with SIGBUS goes on in memory of our own.
 *
 * A mapping that is guarded is replaced as a whole, at the first SIGBUS in it,
 * by private zero memory at the same place, and says so in broken. Whole, for
 * then it needs no mapping more, and nobody has to reason about halves.
 * SIGBUS anywhere else, or one that was sent, does what it did before.
 *
 * SIGBUS is looked for where memory is accessed, so never while the list of
 * guards changes. One thread.
 */
#ifndef SERVER_GUARD_H
#define SERVER_GUARD_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/list.h"

struct srv_guard {
	LIST_ENTRY(srv_guard) link;
	uint8_t *memory;
	size_t size;
	volatile sig_atomic_t broken;
};

/* Guard a mapping: whole pages. 0, or -1 with errno and no guard. */
int srv_guard_add(struct srv_guard *guard, void *memory, size_t size);
/* Before it is unmapped. */
void srv_guard_remove(struct srv_guard *guard);

#endif
