/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon's memory with one pool, over real memory files, and what the
 * kernel says of it: what can be accessed, what is mapped, what is open.
 */
#ifndef TESTS_SUPPORT_MEMORY_BED_H
#define TESTS_SUPPORT_MEMORY_BED_H

#include "server/memory.h"

enum {
	MEM_BOOT = 64, /* pages, as all of them */
	MEM_ADDR = 512,
	MEM_PAGES = 4096,
	MEM_SPAN = 16384,
	MEM_BLOCK = 512,
	MEM_NODES = 64,
};

#define MEM_PAGE	((uint64_t)4096) /* bytes */
#define MEM_BLOCK_BYTES (MEM_BLOCK * MEM_PAGE)

extern struct srv_memory mem;
extern struct vmem_backing mem_backing; /* of the pool */

void mem_start(void);
void mem_start_pool(bool reserve);
/* The same with a pool of so many pages, to the end of the span. */
void mem_start_large(uint64_t pages);
void mem_end(void);

int mem_commit(uint64_t pfn, uint64_t pages);
int mem_discard(uint64_t pfn, uint64_t pages);
/* Bytes the pool really has. */
uint64_t mem_resident(void);

uint8_t *mem_at(uint64_t pfn);
bool mem_zero(uint64_t pfn, uint64_t pages);
/* Can the page be read, by a system call that says so without a signal? */
bool mem_readable(uint64_t pfn);
/* And written? Then its first byte is the value. */
bool mem_writable(uint64_t pfn, char value);

/* The kernel's mappings that lie in the layout. */
unsigned int mem_mappings(void);
/* Descriptors and mappings of this process. */
struct mem_trace {
	unsigned int fds;
	unsigned int maps;
};
struct mem_trace mem_trace(void);
/* Nothing more and nothing less than before. */
void mem_traceless(struct mem_trace before);

#endif
