/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls: which ones change an address space, and the lines they give.
 *
 * Lengths, addresses and flags are written as the program gave them.  Calls
 * that have no event of their own are written as the events that have the
 * same effect:
 *   shmat, shmdt, io_setup, io_destroy, remap_file_pages, map_shadow_stack
 *	mmap and munmap lines for the difference of the maps
 *   mlock, mlockall, MAP_POPULATE, MAP_LOCKED, MADV_POPULATE_*
 *	kernel-mode faults for the private pages that are present afterwards
 *   mprotect or madvise that failed with ENOMEM half way
 *	one line with result 0 for each part that was done, then the failure
 *
 * Must not know: ptrace, threads, order.
 */
#include "tools/record/record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>

#ifndef MAP_POPULATE
#define MAP_POPULATE 0x8000
#endif
#define NR_CLONE3	    435
#define NR_PKEY_MPROTECT    329
#define NR_PROCESS_MADVISE  440
#define NR_MAP_SHADOW_STACK 453
#define FLAG_VM		    0x100u  /* CLONE_VM */
#define FLAG_VFORK	    0x4000u /* CLONE_VFORK */
#define FLAG_THREAD	    0x10000u
#define FLAG_UNTRACED	    0x800000u
#define DONTNEED	    4
#define POPULATE_READ	    22
#define POPULATE_WRITE	    23
#define REMAP_TAKES_ADDR    6u /* MREMAP_FIXED, MREMAP_DONTUNMAP */

static void decode_clone(struct rec *r, struct task *t, uint64_t flags)
{
	t->call.clone = flags;
	t->call.kind = flags & FLAG_THREAD ? CALL_THREAD : CALL_FORK;
	if (flags & FLAG_UNTRACED)
		rec_missing(r, 1, "process %d: clone with CLONE_UNTRACED",
			    t->proc->pid);
}

/* Sets T->call from the number and the arguments of the call it enters. */
void sys_decode(struct rec *r, struct task *t, uint64_t nr,
		const uint64_t arg[6])
{
	struct iovec here, there;
	uint64_t flags = 0;

	t->call.nr = nr;
	memcpy(t->call.arg, arg, sizeof(t->call.arg));
	t->call.clone = 0;
	t->call.kind = CALL_NONE;
	switch (nr) {
	case SYS_mmap:
	case SYS_munmap:
	case SYS_mprotect:
	case SYS_mremap:
	case SYS_brk:
	case SYS_madvise:
	case SYS_shmat:
	case SYS_shmdt:
	case SYS_io_setup:
	case SYS_io_destroy:
	case SYS_remap_file_pages:
	case SYS_mlock:
	case SYS_mlock2:
	case SYS_mlockall:
	case NR_PKEY_MPROTECT:
	case NR_PROCESS_MADVISE:
	case NR_MAP_SHADOW_STACK:
		t->call.kind = CALL_SPACE;
		break;
	case SYS_fork:
		decode_clone(r, t, 0);
		break;
	case SYS_vfork:
		decode_clone(r, t, FLAG_VM | FLAG_VFORK);
		break;
	case SYS_clone:
		decode_clone(r, t, arg[0]);
		break;
	case NR_CLONE3:
		here.iov_base = &flags;
		there.iov_base = (void *)(uintptr_t)arg[0];
		here.iov_len = there.iov_len = sizeof(flags);
		if (process_vm_readv(t->tid, &here, 1, &there, 1, 0) > 0)
			decode_clone(r, t, flags);
		break;
	case SYS_execve:
	case SYS_execveat:
		t->call.kind = CALL_EXEC;
		break;
	default:
		break;
	}
}

static bool is_diffed(uint64_t nr)
{
	return nr == SYS_shmat || nr == SYS_shmdt || nr == SYS_io_setup ||
	       nr == SYS_io_destroy || nr == SYS_remap_file_pages ||
	       nr == NR_MAP_SHADOW_STACK;
}

/* T owns its space and is about to make its call. */
void sys_before(struct rec *r, struct task *t)
{
	(void)r;
	if (t->call.kind != CALL_SPACE || !is_diffed(t->call.nr))
		return;
	if (t->call.before)
		maps_free(t->call.before);
	else
		t->call.before = xcalloc(1, sizeof(*t->call.before));
	maps_read(t->tid, t->call.before);
}

static unsigned perm_bits(const struct map *m)
{
	return (m->perm[0] == 'r' ? PROT_READ : 0u) |
	       (m->perm[1] == 'w' ? PROT_WRITE : 0u) |
	       (m->perm[2] == 'x' ? PROT_EXEC : 0u);
}

static bool is_anonymous(const struct map *m)
{
	return m->major == 0 && m->minor == 0 && m->inode == 0;
}

static bool same_map(const struct map *a, const struct map *b)
{
	return a->start == b->start && a->end == b->end &&
	       a->offset == b->offset && a->inode == b->inode &&
	       a->major == b->major && a->minor == b->minor &&
	       strcmp(a->perm, b->perm) == 0;
}

static bool has_map(const struct maps *v, const struct map *m)
{
	for (size_t i = 0; i < v->n; i++)
		if (same_map(&v->map[i], m))
			return true;
	return false;
}

static void line_diff(struct rec *r, struct task *t, uint64_t time)
{
	struct maps none = {0}, after = {0};
	const struct maps *before = t->call.before ? t->call.before : &none;
	pid_t pid = t->proc->pid;

	maps_read(t->tid, &after);
	for (size_t i = 0; i < before->n; i++) {
		const struct map *m = &before->map[i];

		if (!has_map(&after, m))
			out_call(r, time, pid,
				 "munmap %" PRIx64 " %" PRIx64 " = 0", m->start,
				 m->end - m->start);
	}
	for (size_t i = 0; i < after.n; i++) {
		const struct map *m = &after.map[i];
		unsigned flags = MAP_FIXED;

		if (has_map(before, m))
			continue;
		flags |= m->perm[3] == 's' ? MAP_SHARED : MAP_PRIVATE;
		if (is_anonymous(m)) {
			out_call(r, time, pid,
				 "mmap %" PRIx64 " %" PRIx64
				 " %x %x - 0 = %" PRIx64,
				 m->start, m->end - m->start, perm_bits(m),
				 flags | MAP_ANONYMOUS, m->start);
			continue;
		}
		out_call(r, time, pid,
			 "mmap %" PRIx64 " %" PRIx64 " %x %x %x:%x:%" PRIu64
			 " %" PRIx64 " = %" PRIx64,
			 m->start, m->end - m->start, perm_bits(m), flags,
			 m->major, m->minor, m->inode, m->offset, m->start);
	}
	maps_free(&after);
}

/* Says which file FD was; as the maps say it when the mapping was made. */
static void file_id(struct task *t, int fd, int64_t ret, char *id, size_t room)
{
	struct maps m = {0};
	struct stat st;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", t->tid, fd);
	if (stat(path, &st) != 0)
		memset(&st, 0, sizeof(st));
	/* A private mapping of /dev/zero is an anonymous one. */
	if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 5) &&
	    (t->call.arg[3] & 3) == MAP_PRIVATE) {
		snprintf(id, room, "-");
		return;
	}
	snprintf(id, room, "%x:%x:%ju", major(st.st_dev), minor(st.st_dev),
		 (uintmax_t)st.st_ino);
	if (ret < 0 && ret > -4096)
		return;
	maps_read(t->tid, &m);
	for (size_t i = 0; i < m.n; i++)
		if (m.map[i].start <= (uint64_t)ret &&
		    m.map[i].end > (uint64_t)ret)
			snprintf(id, room, "%x:%x:%" PRIu64, m.map[i].major,
				 m.map[i].minor, m.map[i].inode);
	maps_free(&m);
}

static void line_mmap(struct rec *r, struct task *t, int64_t ret, uint64_t time)
{
	const uint64_t *a = t->call.arg;
	uint64_t flags = a[3], offset = a[5];
	char id[64] = "-";

	if (flags & MAP_ANONYMOUS)
		offset = 0;
	else
		file_id(t, (int)a[4], ret, id, sizeof(id));
	if (strcmp(id, "-") == 0) {
		flags |= MAP_ANONYMOUS;
		offset = 0;
	}
	out_call(r, time, t->proc->pid,
		 "mmap %" PRIx64 " %" PRIx64 " %x %x %s %" PRIx64 " = %" PRIx64,
		 a[0], a[1], (unsigned)a[2], (unsigned)flags, id, offset,
		 (uint64_t)ret);
	if (ret < 0 && ret > -4096)
		return;
	if (flags & MAP_LOCKED)
		t->proc->locked = true;
	if (t->proc->locked || (flags & MAP_POPULATE))
		snap_populated(r, t, (uint64_t)ret, (uint64_t)ret + a[1], time);
}

/*
 * An ENOMEM tells of a hole; what lies before it (mprotect) or around it
 * (madvise) has been done all the same.
 */
static void line_partial(struct rec *r, struct task *t, const char *name,
			 bool past_holes, uint64_t time)
{
	uint64_t at = t->call.arg[0], end = at + t->call.arg[1];
	unsigned what = (unsigned)t->call.arg[2];
	struct maps m = {0};

	maps_read(t->tid, &m);
	for (size_t i = 0; i < m.n && at < end; i++) {
		uint64_t stop = m.map[i].end < end ? m.map[i].end : end;

		if (m.map[i].end <= at)
			continue;
		if (m.map[i].start > at) {
			if (!past_holes)
				break;
			at = m.map[i].start;
		}
		if (at >= end || (!past_holes && perm_bits(&m.map[i]) != what))
			break;
		out_call(r, time, t->proc->pid,
			 past_holes ? "%s %" PRIx64 " %" PRIx64 " %u = 0"
				    : "%s %" PRIx64 " %" PRIx64 " %x = 0",
			 name, at, stop - at, what);
		at = stop;
	}
	maps_free(&m);
}

static void line_madvise(struct rec *r, struct task *t, int64_t ret,
			 uint64_t time)
{
	const uint64_t *a = t->call.arg;
	unsigned advice = (unsigned)a[2];

	if (ret == -ENOMEM && advice != POPULATE_READ &&
	    advice != POPULATE_WRITE)
		line_partial(r, t, "madvise", true, time);
	out_call(r, time, t->proc->pid,
		 "madvise %" PRIx64 " %" PRIx64 " %u = %" PRId64, a[0], a[1],
		 advice, ret);
	if (advice == POPULATE_READ || advice == POPULATE_WRITE)
		snap_populated(r, t, a[0], a[0] + a[1], time);
}

/* T has come back from the call in T->call with RET: queues its lines. */
void sys_after(struct rec *r, struct task *t, int64_t ret)
{
	const uint64_t *a = t->call.arg;
	uint64_t time = now_ns(), end = USER_TOP;
	pid_t pid = t->proc->pid;

	if (ret <= -512 && ret >= -516) /* it will be made again */
		return;
	switch (t->call.nr) {
	case SYS_mmap:
		line_mmap(r, t, ret, time);
		break;
	case SYS_munmap:
		out_call(r, time, pid,
			 "munmap %" PRIx64 " %" PRIx64 " = %" PRId64, a[0],
			 a[1], ret);
		break;
	case SYS_mprotect:
	case NR_PKEY_MPROTECT:
		if (ret == -ENOMEM || ret == -EACCES)
			line_partial(r, t, "mprotect", false, time);
		out_call(r, time, pid,
			 "mprotect %" PRIx64 " %" PRIx64 " %x = %" PRId64, a[0],
			 a[1], (unsigned)a[2], ret);
		break;
	case SYS_mremap:
		out_call(r, time, pid,
			 "mremap %" PRIx64 " %" PRIx64 " %" PRIx64
			 " %x %" PRIx64 " = %" PRIx64,
			 a[0], a[1], a[2], (unsigned)a[3],
			 a[3] & REMAP_TAKES_ADDR ? a[4] : 0, (uint64_t)ret);
		if (t->proc->locked)
			snap_populated(r, t, 0, end, time);
		break;
	case SYS_brk:
		out_call(r, time, pid, "brk %" PRIx64 " = %" PRIx64, a[0],
			 (uint64_t)ret);
		if (t->proc->locked)
			snap_populated(r, t, 0, end, time);
		break;
	case SYS_madvise:
		line_madvise(r, t, ret, time);
		break;
	case SYS_mlock:
	case SYS_mlock2:
	case SYS_mlockall:
		t->proc->locked = true;
		if (t->call.nr != SYS_mlockall)
			end = a[0] + a[1];
		snap_populated(r, t, t->call.nr == SYS_mlockall ? 0 : a[0], end,
			       time);
		break;
	case NR_PROCESS_MADVISE:
		if (ret > 0 && a[3] == DONTNEED)
			rec_missing(r, 1, "process %d: process_madvise", pid);
		break;
	default:
		line_diff(r, t, time);
	}
}
