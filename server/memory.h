/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the model's memory comes from: the frames and the arena's table nodes
 * are shared memory of their own, which costs nothing until it is touched; the
 * model's records come from the process's heap.
 *
 *	physical 0      boot         addr          addr + pages       span
 *	+---------------+------------+-------------+------------------+
 *	| read, write   | no access  | pool's own memfd               |
 *	| one memfd     | nothing    |  rw  | none |  rw |    none     |
 *	+---------------+------------+-------------+------------------+
 *
 * All of the physical layout is one stretch of reserved address space, so that
 * a frame's bytes are at a fixed place whatever is plugged. In a pool only what
 * was committed can be accessed; what was discarded has no memory, and an
 * access to it is SIGSEGV.
 */
#ifndef SERVER_MEMORY_H
#define SERVER_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/list.h"
#include "lib/base/log.h"
#include "lib/core/host.h"
#include "lib/core/vmem.h"

struct srv_memory_pool;

struct srv_memory {
	uint64_t frames;   /* of boot memory */
	uint64_t span;	   /* of all the layout, pages */
	uint8_t *physical; /* where physical 0 is; NULL: simulated */
	uint8_t *tables;
	size_t table_bytes;
	LIST_HEAD(srv_memory_pools, srv_memory_pool) pools;
	struct pager_log_limit log; /* for what the system refuses */
	uint64_t unguarded; /* discards after which the range still could be
			     * accessed: no room for one mapping more */
};

/*
 * frames: of boot memory; span: of the whole layout, at least frames (0: as
 * many); nodes: of the arena. 0, or -1 with errno and nothing left behind.
 */
int srv_memory_init(struct srv_memory *memory, uint64_t frames, uint64_t span,
		    uint64_t nodes, bool simulate);
/* Pools that are left go too. */
void srv_memory_fini(struct srv_memory *memory);

/*
 * Memory for a pool's region [addr, addr + pages): nothing is committed yet,
 * and nothing can be accessed. The backing is for vmem_device_config, and
 * stays as long as the pool; memory must not move in between. All-zero, if the
 * memory is simulated.
 *
 * commit makes the range accessible, reading as zero. With reserve it also
 * allocates it (-ENOSPC: there is none), so that a later write cannot fail for
 * want of memory; without, a page is allocated at its first write, and if
 * there is none then the kernel kills.
 * discard gives the memory back; a range in it may have been discarded before
 * or never committed. It works or changes nothing; the guard against accesses
 * alone may be missing (memory->unguarded), if the process has as many
 * mappings as it may (vm.max_map_count): the range then reads as zero, and
 * the next commit or discard of it finds it as it should be.
 * Both are one or two system calls for a range of any size.
 *
 * 0, or -1 with errno and nothing left behind: EINVAL outside of the span or
 * over boot memory, EEXIST over another pool, EFBIG a memory file may not be
 * as large, or what the system says.
 */
int srv_memory_pool(struct srv_memory *memory, uint64_t addr, uint64_t pages,
		    bool reserve, struct vmem_backing *backing);
/* The pool that begins at addr gives everything back. None there: nothing. */
void srv_memory_pool_drop(struct srv_memory *memory, uint64_t addr);
/* Bytes of memory that the pool at addr really has now; 0: no such pool. */
uint64_t srv_memory_pool_resident(const struct srv_memory *memory,
				  uint64_t addr);

/* For srv_memory_init and _fini: address space at a place (NULL: anywhere) that
 * cannot be accessed and costs nothing; NULL with errno. */
void *srv_memory_hold(void *place, size_t bytes);
/* All pools are dropped. */
void srv_memory_pools_fini(struct srv_memory *memory);

/* The heap as the model wants it. */
struct pager_host srv_memory_host(void);

#endif
