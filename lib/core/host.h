/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the model needs from outside: memory for its own records. The core does
 * no system calls; a daemon, a test or a benchmark passes this table in.
 */
#ifndef LIB_CORE_HOST_H
#define LIB_CORE_HOST_H

#include <stddef.h>

struct pager_host {
	void *ctx;
	/* bytes of zeroed memory, 64-byte aligned (page-aligned when bytes is
	 * at least a page), or NULL. Large pieces must cost nothing until
	 * touched. */
	void *(*alloc)(void *ctx, size_t bytes);
	void (*free)(void *ctx, void *p, size_t bytes);
};

#endif
