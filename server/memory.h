/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the model's memory comes from: the pool's frames and the arena's table
 * nodes are shared memory of their own, which costs nothing until it is
 * touched; the model's records come from the process's heap.
 */
#ifndef SERVER_MEMORY_H
#define SERVER_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/core/host.h"

struct srv_memory {
	uint8_t *frames; /* NULL: simulated */
	size_t frame_bytes;
	uint8_t *tables;
	size_t table_bytes;
};

/* 0, or -1 with errno and nothing left behind. */
int srv_memory_init(struct srv_memory *memory, uint64_t frames, uint64_t nodes,
		    bool simulate);
void srv_memory_fini(struct srv_memory *memory);

/* The heap as the model wants it. */
struct pager_host srv_memory_host(void);

#endif
