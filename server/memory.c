/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Large records are mapped, so that they are zero without being touched.
 */
#include "server/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/failpoint.h"
#include "lib/core/types.h"

#define MAPPED_FROM ((size_t)1 << 20)

/* Shared memory of so many bytes, zero and untouched, at a place (NULL:
 * anywhere); NULL with errno. */
static uint8_t *map_shared(const char *name, void *place, size_t bytes)
{
	uint8_t *p = MAP_FAILED;
	int fd, saved;

	errno = ENOMEM;
	fd = pager_fail("memory.memfd") ? -1 : memfd_create(name, MFD_CLOEXEC);
	if (fd < 0)
		return NULL;
	if (!pager_fail("memory.size") && ftruncate(fd, (off_t)bytes) == 0 &&
	    !pager_fail("memory.map"))
		p = mmap(place, bytes, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_NORESERVE | (place ? MAP_FIXED : 0),
			 fd, 0);
	saved = errno;
	/* The mapping keeps it. */
	close(fd);
	errno = saved;
	return p == MAP_FAILED ? NULL : p;
}

void *srv_memory_hold(void *place, size_t bytes)
{
	void *p = mmap(place, bytes, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
			   (place ? MAP_FIXED : 0),
		       -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* The layout's address space, and boot memory in it. */
static int map_physical(struct srv_memory *memory)
{
	const size_t frame_bytes = memory->frames * PAGER_PAGE_SIZE;

	errno = ENOMEM;
	if (!pager_fail("memory.hold"))
		memory->physical =
		    srv_memory_hold(NULL, memory->span * PAGER_PAGE_SIZE);
	if (!memory->physical)
		return -1;
	return map_shared("pagerd-frames", memory->physical, frame_bytes) ? 0
									  : -1;
}

int srv_memory_init(struct srv_memory *memory, uint64_t frames, uint64_t span,
		    uint64_t nodes, bool simulate)
{
	int saved;

	memset(memory, 0, sizeof(*memory));
	LIST_INIT(&memory->pools);
	memory->frames = frames;
	memory->span = span > frames ? span : frames;
	memory->table_bytes = nodes * PAGER_PAGE_SIZE;
	memory->tables = map_shared("pagerd-tables", NULL, memory->table_bytes);
	if (memory->tables && (simulate || map_physical(memory) == 0))
		return 0;
	saved = errno;
	srv_memory_fini(memory);
	errno = saved;
	return -1;
}

void srv_memory_fini(struct srv_memory *memory)
{
	srv_memory_pools_fini(memory);
	if (memory->physical)
		munmap(memory->physical, memory->span * PAGER_PAGE_SIZE);
	if (memory->tables)
		munmap(memory->tables, memory->table_bytes);
	memset(memory, 0, sizeof(*memory));
}

static void *host_alloc(void *ctx, size_t bytes)
{
	size_t align = bytes < PAGER_PAGE_SIZE ? 64 : PAGER_PAGE_SIZE;
	void *p;

	(void)ctx;
	if (pager_fail("memory.alloc"))
		return NULL;
	if (bytes >= MAPPED_FROM) {
		p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		return p == MAP_FAILED ? NULL : p;
	}
	if (posix_memalign(&p, align, bytes))
		return NULL;
	return memset(p, 0, bytes);
}

static void host_free(void *ctx, void *p, size_t bytes)
{
	(void)ctx;
	if (p && bytes >= MAPPED_FROM)
		munmap(p, bytes);
	else
		free(p);
}

struct pager_host srv_memory_host(void)
{
	return (struct pager_host){.alloc = host_alloc, .free = host_free};
}
