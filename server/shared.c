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
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lib/base/failpoint.h"
#include "lib/core/types.h"

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

	if (flags < 0 || (flags & O_ACCMODE) != O_RDWR || flags & O_APPEND ||
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

static enum pager_error map(struct srv_shared *shared, int fd)
{
	errno = ENOMEM;
	shared->memory = pager_fail("shared.map")
			     ? MAP_FAILED
			     : mmap(NULL, shared->size, PROT_READ | PROT_WRITE,
				    MAP_SHARED, fd, 0);
	if (shared->memory == MAP_FAILED)
		/* EPERM: sealed since we looked. */
		return errno == EPERM ? PAGER_EACCESS : PAGER_ENOMEM;
	if (!srv_guard_add(&shared->guard, shared->memory, shared->size))
		return PAGER_OK;
	munmap(shared->memory, shared->size);
	return PAGER_ENOMEM;
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
	/* What is behind the file's end in its last page is ours to use. */
	shared->size =
	    (bytes + PAGER_PAGE_SIZE - 1) & ~(size_t)(PAGER_PAGE_SIZE - 1);
	error = map(shared, fd);
	if (error)
		free(shared);
	else
		*out = shared;
	return error;
}

void srv_shared_unmap(struct srv_shared *shared)
{
	if (!shared)
		return;
	srv_guard_remove(&shared->guard);
	munmap(shared->memory, shared->size);
	free(shared);
}

/* --- or-ed into -----------------------------------------------------------
 */

/* All of it: a file cannot shrink, so less than asked for is an error. */
static int transfer(int fd, bool write, void *buf, size_t len, uint64_t offset)
{
	uint8_t *at = buf;

	while (len) {
		ssize_t n = write ? pwrite(fd, at, len, (off_t)offset)
				  : pread(fd, at, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		at += n;
		len -= (size_t)n;
		offset += (size_t)n;
	}
	return 0;
}

static int flush(struct srv_shared_or *o)
{
	const unsigned int first = o->first, n = o->end - o->first;
	const uint64_t offset = o->block + first * sizeof(uint64_t);
	uint64_t theirs[SRV_SHARED_WORDS];
	int error;

	if (!n)
		return 0;
	error =
	    pager_fail("shared.read")
		? -EIO
		: transfer(o->fd, false, theirs, n * sizeof(uint64_t), offset);
	if (error)
		return error;
	for (unsigned int i = 0; i < n; i++)
		theirs[i] |= o->words[first + i];
	error =
	    pager_fail("shared.write")
		? -ENOSPC
		: transfer(o->fd, true, theirs, n * sizeof(uint64_t), offset);
	if (error)
		return error;
	o->blocks++;
	memset(o->words + first, 0, n * sizeof(uint64_t));
	o->first = o->end = 0;
	return 0;
}

void srv_shared_or_begin(struct srv_shared_or *o, int fd)
{
	memset(o, 0, sizeof(*o));
	o->fd = fd;
}

static void keep(struct srv_shared_or *o, unsigned int i, uint64_t word)
{
	if (o->first == o->end)
		o->first = i;
	o->words[i] |= word;
	o->end = i + 1;
}

int srv_shared_or(struct srv_shared_or *o, uint64_t offset,
		  const uint64_t *words, size_t count)
{
	assert(offset % sizeof(uint64_t) == 0);
	for (size_t i = 0; i < count; i++, offset += sizeof(uint64_t)) {
		const uint64_t block = offset - offset % BLOCK;

		if (!words[i])
			continue;
		if (block != o->block) {
			int error = flush(o);

			if (error)
				return error;
			o->block = block;
		}
		keep(o, (unsigned int)(offset % BLOCK / sizeof(uint64_t)),
		     words[i]);
	}
	return 0;
}

int srv_shared_or_end(struct srv_shared_or *o)
{
	return flush(o);
}
