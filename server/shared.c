/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nothing here trusts an earlier look at the file, but for the seal against
 * shrinking and what that says about its size.
 */
#include "server/shared.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lib/base/failpoint.h"
#include "lib/core/types.h"
#include "server/closer.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

enum { BLOCK = SRV_SHARED_WORDS * sizeof(uint64_t) };

static enum pager_error check_kind(int fd, int *seals)
{
	struct statfs fs;

	*seals = pager_fail("shared.seals") ? -1 : fcntl(fd, F_GET_SEALS);
	if (*seals < 0 || !(*seals & F_SEAL_SHRINK))
		return PAGER_EINVAL;
	if (pager_fail("shared.statfs") || fstatfs(fd, &fs) < 0 ||
	    fs.f_type == HUGETLBFS_MAGIC)
		return PAGER_EINVAL;
	return PAGER_OK;
}

static enum pager_error check_access(int fd, int seals)
{
	int flags = pager_fail("shared.flags") ? -1 : fcntl(fd, F_GETFL);

	if (flags < 0 || (flags & O_ACCMODE) != O_RDWR ||
	    seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return PAGER_EACCESS;
	return PAGER_OK;
}

static enum pager_error check_size(int fd, uint64_t offset, uint64_t bytes)
{
	struct stat st;

	if (pager_fail("shared.stat") || fstat(fd, &st) < 0)
		return PAGER_EINVAL;
	if (offset > (uint64_t)st.st_size ||
	    bytes > (uint64_t)st.st_size - offset)
		return PAGER_ERANGE;
	return PAGER_OK;
}

enum pager_error srv_shared_check(int fd, uint64_t offset, uint64_t bytes)
{
	enum pager_error error;
	int seals;

	error = check_kind(fd, &seals);
	if (!error)
		error = check_access(fd, seals);
	if (!error)
		error = check_size(fd, offset, bytes);
	return error;
}

/* --- mapped ---------------------------------------------------------------
 */

/* Map a part of a file, from a page's start, under guard. 0 or -errno: EPERM,
 * it was sealed since we looked. */
static int map(struct srv_guard *guard, int fd, uint64_t offset, size_t size)
{
	void *p;
	int error;

	errno = ENOMEM;
	p = pager_fail("shared.map") ? MAP_FAILED
				     : mmap(NULL, size, PROT_READ | PROT_WRITE,
					    MAP_SHARED, fd, (off_t)offset);
	if (p == MAP_FAILED)
		return -errno;
	if (!srv_guard_add(guard, p, size))
		return 0;
	error = -errno;
	munmap(p, size);
	return error;
}

static void unmap(struct srv_guard *guard)
{
	srv_guard_remove(guard);
	srv_closer_unmap(guard->memory, guard->size);
}

static uint64_t page_up(uint64_t bytes)
{
	return (bytes + PAGER_PAGE_SIZE - 1) & ~(uint64_t)(PAGER_PAGE_SIZE - 1);
}

enum pager_error srv_shared_map(int fd, size_t bytes, struct srv_shared **out)
{
	enum pager_error error = srv_shared_check(fd, 0, bytes);
	struct srv_shared *shared;

	if (error)
		return error;
	shared = pager_fail("shared.alloc") ? NULL : calloc(1, sizeof(*shared));
	if (!shared)
		return PAGER_ENOMEM;
	switch (map(&shared->guard, fd, 0, page_up(bytes))) {
	case 0:
		shared->memory = shared->guard.memory;
		*out = shared;
		return PAGER_OK;
	case -EPERM:
		error = PAGER_EACCESS;
		break;
	default:
		error = PAGER_ENOMEM;
		break;
	}
	free(shared);
	return error;
}

void srv_shared_unmap(struct srv_shared *shared)
{
	if (!shared)
		return;
	unmap(&shared->guard);
	free(shared);
}

/* --- or-ed into -----------------------------------------------------------
 */

void srv_shared_or_begin(struct srv_shared_or *o, int fd, uint64_t end)
{
	memset(o, 0, sizeof(*o));
	o->fd = fd;
	o->end = end;
}

static int open_window(struct srv_shared_or *o, uint64_t offset)
{
	int error;

	o->start = offset - offset % PAGER_PAGE_SIZE;
	error = map(&o->guard, o->fd, o->start, page_up(o->end) - o->start);
	if (!error)
		o->memory = o->guard.memory;
	return error;
}

static int or_word(struct srv_shared_or *o, uint64_t offset, uint64_t word)
{
	const uint64_t block = offset / BLOCK;
	int error = o->memory ? 0 : open_window(o, offset);

	if (error)
		return error;
	assert(offset >= o->start && offset + sizeof(word) <= o->end);
	atomic_fetch_or_explicit(
	    (_Atomic uint64_t *)(void *)(o->memory + (offset - o->start)), word,
	    memory_order_relaxed);
	if (!o->blocks || block != o->block)
		o->blocks++;
	o->block = block;
	return o->guard.broken ? -EIO : 0;
}

int srv_shared_or(struct srv_shared_or *o, uint64_t offset,
		  const uint64_t *words, size_t count)
{
	int error = 0;

	assert(offset % sizeof(uint64_t) == 0);
	for (size_t i = 0; i < count && !error; i++)
		if (words[i])
			error =
			    or_word(o, offset + i * sizeof(uint64_t), words[i]);
	return error;
}

int srv_shared_or_end(struct srv_shared_or *o)
{
	if (!o->memory)
		return 0;
	unmap(&o->guard);
	o->memory = NULL;
	return o->guard.broken ? -EIO : 0;
}
