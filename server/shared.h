/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory files that a client passed, and goes on using: what is asked of them,
 * and the two ways in which the server uses them.
 *
 * A client may write to the file, punch holes in it, seal it, make it larger,
 * at any moment. It cannot make it smaller, for that is asked of it
 * (F_SEAL_SHRINK, which cannot be taken back; looked at before the size). So a
 * mapping of it stays within the file; where the kernel has no page for it
 * nevertheless, guard.h takes over.
 *
 *	memfd of 4 KiB pages  F_SEAL_SHRINK  open for reading and writing
 *	offset + bytes <= size
 *
 * It is used through mappings alone. write(2) waits for the file's lock, and a
 * client can hold that for as long as it likes (in a write of its own, from
 * memory whose page does not come). A page fault waits only while a hole is
 * being punched there: for as long as the kernel needs to free what the client
 * had in it.
 *
 * Huge pages are refused: a hole in them may find no page again, and nothing
 * smaller can take its place.
 *
 * Memory that the server's writes give to holes of the file is charged to the
 * server's memory cgroup, not the client's: at most what one request writes,
 * and a ring.
 */
#ifndef SERVER_SHARED_H
#define SERVER_SHARED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/pager_abi.h"
#include "server/guard.h"

/*
 * May the server read and write [offset, offset + bytes) of what fd stands for?
 * PAGER_OK; EINVAL: not a memfd of ordinary pages, or it may shrink; EACCESS:
 * not open for reading and writing, or sealed against writing; ERANGE: the file
 * ends before, or the range wraps. fd stays the caller's.
 */
enum pager_error srv_shared_check(int fd, uint64_t offset, uint64_t bytes);

/* The first size bytes of a file, mapped and guarded. */
struct srv_shared {
	struct srv_guard guard; /* whole pages */
	void *memory;
};

/* As srv_shared_check; ENOMEM: it cannot be mapped. The mapping outlives fd,
 * which stays the caller's. *out is only set when PAGER_OK. */
enum pager_error srv_shared_map(int fd, size_t bytes, struct srv_shared **out);
/* NULL: nothing. */
void srv_shared_unmap(struct srv_shared *shared);
/* The file's memory was taken away: what is seen now, nobody else sees. */
static inline bool srv_shared_broken(const struct srv_shared *shared)
{
	return shared->guard.broken;
}

#define SRV_SHARED_WORDS 512u /* of a block of 4 KiB */

/*
 * Words or-ed into a file that was checked. Words that are zero are not
 * touched, and where there are no others it is not even mapped.
 */
struct srv_shared_or {
	struct srv_guard guard;
	int fd;
	uint64_t end;	 /* of the range that was checked; bytes of the file */
	uint64_t start;	 /* of what is mapped */
	uint8_t *memory; /* NULL: nothing yet */
	uint64_t block;	 /* that was written to last */
	uint64_t blocks; /* written to, if they came in order */
};

/* The range ends at end. */
void srv_shared_or_begin(struct srv_shared_or *o, int fd, uint64_t end);
/* count words at offset, a multiple of 8 and not below what was given first,
 * within the range. 0, or -errno; what was written before an error stays. */
int srv_shared_or(struct srv_shared_or *o, uint64_t offset,
		  const uint64_t *words, size_t count);
/* In any case. 0: all of it is in the file. */
int srv_shared_or_end(struct srv_shared_or *o);

#endif
