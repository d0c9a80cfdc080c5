/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cast of a recording: which processes appear in it, from which line to
 * which, who is whose child, and how often each file is mapped.
 *
 * A recorder sees a child's first faults before the parent's fork returns, so
 * a child may act before its fork line; process ids are used again. Reading a
 * recording once from end to end settles both before anything is replayed,
 * and finds what is wrong with it as a whole: a process without an end.
 *
 * Knows the format and nothing of pagerd.
 */
#ifndef TOOLS_COMMON_CAST_H
#define TOOLS_COMMON_CAST_H

#include "tools/common/trace.h"

#define CAST_NONE UINT32_MAX

/* One process; lines are counted from 1, 0 is none. */
struct cast_member {
	uint32_t pid;
	uint32_t parent; /* a member, or CAST_NONE */
	uint32_t older;	 /* the member that had this pid before, or CAST_NONE */
	bool vfork;	 /* lives in the parent's space until it execs */
	bool late; /* not a process: what the pid's last one left behind */
	bool execs;
	bool calls; /* has more than faults */
	unsigned long first;
	unsigned long last;
	unsigned long fork_line;
	unsigned long exit_line;
	uint64_t vma_start; /* of its last vma line */
	uint64_t vma_end;
};

struct cast_file {
	struct trace_file id;
	uint64_t uses; /* vma and successful mmap lines that map it */
};

struct cast_table;

struct cast {
	struct cast_member *members;
	uint32_t count;
	struct cast_file *files;
	uint32_t file_count;
	uint64_t events;
	uint64_t pages;	    /* that it can want at most: two for each fault, and
			     * what is populated */
	uint64_t max_grown; /* bytes: the largest new length that a growing
			     * mremap asked for */
	uint64_t max_stack; /* bytes: the longest [stack] */
	struct cast_table *by_pid;
	struct cast_table *by_file;
};

/* 0, or -1 with line and why of *reader telling what is wrong with the
 * recording; then there is nothing to free. */
int cast_read(struct cast *cast, const char *data, size_t size,
	      struct trace_reader *reader);
void cast_free(struct cast *cast);

/* The member that a line of a pid belongs to; CAST_NONE if there is none. */
uint32_t cast_find(const struct cast *cast, uint32_t pid, unsigned long line);

/* The index of a file that the recording maps. */
uint32_t cast_find_file(const struct cast *cast, const struct trace_file *file);

#endif
