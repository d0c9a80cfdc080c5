/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory of pools: for each a memory file as large as its region, mapped into
 * the layout without access. What is committed is made accessible; what is
 * discarded loses its memory (a hole in the file) and then the access.
 *
 *	commit   [allocate]        ->  access   undone: hole again
 *	discard   hole             ->  no access
 *
 * The step that may fail with something to lose comes first: a hole that could
 * not be made leaves everything as it was, and a guard that is missing costs
 * nothing but the signal at a wrong access.
 *
 * Neighbours of the same access are one mapping of the kernel, so that the
 * number of mappings follows the number of runs, not of blocks.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/failpoint.h"
#include "lib/core/types.h"
#include "server/memory.h"

struct srv_memory_pool {
	LIST_ENTRY(srv_memory_pool) link;
	struct srv_memory *memory;
	uint64_t addr; /* pfn */
	uint64_t pages;
	uint8_t *base;
	int fd;
	bool reserve;
};

/* 0, or a negative errno. */
static int file_space(const struct srv_memory_pool *pool, int mode, off_t at,
		      off_t len)
{
	while (fallocate(pool->fd, mode, at, len) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

static int allocate(const struct srv_memory_pool *pool, off_t at, off_t len)
{
	if (pager_fail("memory.allocate"))
		return -ENOSPC;
	return file_space(pool, FALLOC_FL_KEEP_SIZE, at, len);
}

static int punch(const struct srv_memory_pool *pool, off_t at, off_t len)
{
	if (pager_fail("memory.punch"))
		return -EIO;
	return file_space(pool, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at,
			  len);
}

static int allow(const struct srv_memory_pool *pool, int prot, off_t at,
		 off_t len)
{
	if (pager_fail("memory.protect"))
		return -ENOMEM;
	return mprotect(pool->base + at, (size_t)len, prot) ? -errno : 0;
}

/* The driver only hears that it was busy. */
static int refused(struct srv_memory_pool *pool, const char *what, int error)
{
	if (error)
		pager_log_limited(&pool->memory->log, PAGER_LOG_ERROR,
				  "pool at %#llx: memory cannot be %s: %s",
				  (unsigned long long)pool->addr *
				      PAGER_PAGE_SIZE,
				  what, strerror(-error));
	return error;
}

/* Where a range of the pool is in its file. */
static off_t locate(const struct srv_memory_pool *pool, uint64_t pfn,
		    uint64_t pages)
{
	assert(pfn >= pool->addr && pages > 0 && pages <= pool->pages &&
	       pfn - pool->addr <= pool->pages - pages);
	return (off_t)((pfn - pool->addr) * PAGER_PAGE_SIZE);
}

static int commit(void *ctx, uint64_t pfn, uint64_t pages)
{
	struct srv_memory_pool *pool = ctx;
	const off_t at = locate(pool, pfn, pages);
	const off_t len = (off_t)(pages * PAGER_PAGE_SIZE);
	int ret;

	ret = pool->reserve ? allocate(pool, at, len) : 0;
	if (ret)
		return refused(pool, "reserved", ret);
	ret = allow(pool, PROT_READ | PROT_WRITE, at, len);
	if (ret) {
		/* Of several mappings the first may have been changed. */
		allow(pool, PROT_NONE, at, len);
		if (pool->reserve)
			punch(pool, at, len);
	}
	return refused(pool, "mapped", ret);
}

static int discard(void *ctx, uint64_t pfn, uint64_t pages)
{
	struct srv_memory_pool *pool = ctx;
	const off_t at = locate(pool, pfn, pages);
	const off_t len = (off_t)(pages * PAGER_PAGE_SIZE);
	int ret;

	ret = punch(pool, at, len);
	if (ret)
		return refused(pool, "given back", ret);
	ret = allow(pool, PROT_NONE, at, len);
	if (refused(pool, "guarded, but is given back", ret))
		pool->memory->unguarded++;
	return 0;
}

/* --- made and dropped -------------------------------------------------------
 */

static struct srv_memory_pool *find(const struct srv_memory *memory,
				    uint64_t addr)
{
	struct srv_memory_pool *pool;

	LIST_FOREACH (pool, &memory->pools, link)
		if (pool->addr == addr)
			return pool;
	return NULL;
}

/* 0, or what is wrong with the place. */
static int check_place(const struct srv_memory *memory, uint64_t addr,
		       uint64_t pages)
{
	const struct srv_memory_pool *pool;

	if (pages == 0 || addr < memory->frames || addr > memory->span ||
	    pages > memory->span - addr)
		return EINVAL;
	LIST_FOREACH (pool, &memory->pools, link)
		if (addr < pool->addr + pool->pages &&
		    pool->addr < addr + pages)
			return EEXIST;
	return 0;
}

/* The pool's file, mapped. 0, or an errno and nothing left behind. */
static int open_file(struct srv_memory_pool *pool)
{
	const size_t bytes = pool->pages * PAGER_PAGE_SIZE;
	int error = 0;

	if (pager_fail("memory.memfd"))
		return EMFILE;
	pool->fd = memfd_create("pagerd-pool", MFD_CLOEXEC);
	if (pool->fd < 0)
		return errno;
	if (pager_fail("memory.size"))
		error = EFBIG;
	else if (ftruncate(pool->fd, (off_t)bytes) < 0)
		error = errno;
	else if (pager_fail("memory.map"))
		error = ENOMEM;
	else if (mmap(pool->base, bytes, PROT_NONE,
		      MAP_SHARED | MAP_FIXED | MAP_NORESERVE, pool->fd,
		      0) == MAP_FAILED) {
		error = errno;
		/* It may have unmapped what was there. */
		srv_memory_hold(pool->base, bytes);
	}
	if (error)
		close(pool->fd);
	return error;
}

int srv_memory_pool(struct srv_memory *memory, uint64_t addr, uint64_t pages,
		    bool reserve, struct vmem_backing *backing)
{
	struct srv_memory_pool *pool;
	int error = check_place(memory, addr, pages);

	memset(backing, 0, sizeof(*backing));
	if (error == 0 && !memory->physical)
		return 0;
	pool = error || pager_fail("memory.alloc") ? NULL
						   : calloc(1, sizeof(*pool));
	if (!pool) {
		errno = error ? error : ENOMEM;
		return -1;
	}
	pool->memory = memory;
	pool->addr = addr;
	pool->pages = pages;
	pool->base = memory->physical + addr * PAGER_PAGE_SIZE;
	pool->reserve = reserve;
	error = open_file(pool);
	if (error) {
		free(pool);
		errno = error;
		return -1;
	}
	LIST_INSERT_HEAD(&memory->pools, pool, link);
	*backing = (struct vmem_backing){pool, commit, discard};
	return 0;
}

static void drop(struct srv_memory_pool *pool)
{
	/* If the kernel has no room for this, the mapping stays and keeps an
	 * empty file. */
	punch(pool, 0, (off_t)(pool->pages * PAGER_PAGE_SIZE));
	srv_memory_hold(pool->base, pool->pages * PAGER_PAGE_SIZE);
	close(pool->fd);
	LIST_REMOVE(pool, link);
	free(pool);
}

void srv_memory_pool_drop(struct srv_memory *memory, uint64_t addr)
{
	struct srv_memory_pool *pool = find(memory, addr);

	if (pool)
		drop(pool);
}

void srv_memory_pools_fini(struct srv_memory *memory)
{
	while (!LIST_EMPTY(&memory->pools))
		drop(LIST_FIRST(&memory->pools));
}

uint64_t srv_memory_pool_resident(const struct srv_memory *memory,
				  uint64_t addr)
{
	const struct srv_memory_pool *pool = find(memory, addr);
	struct stat st;

	if (!pool || fstat(pool->fd, &st) < 0)
		return 0;
	return (uint64_t)st.st_blocks * 512;
}
