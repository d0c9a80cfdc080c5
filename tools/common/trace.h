/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmtrace 1: the lines of a recording, one event at a time.
 *
 * A reader walks a file that lies in memory; every event points into it, so
 * the text must outlive the events. Each line stands alone here: that a
 * process has a beginning and an end is cast.h's business.
 *
 * Knows the format (tests/data/traces/FORMAT.md) and nothing of pagerd.
 */
#ifndef TOOLS_COMMON_TRACE_H
#define TOOLS_COMMON_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRACE_LINE_MAX 16384u /* bytes, without the newline */
#define TRACE_WHY_MAX  160u

enum trace_kind {
	TRACE_EXEC,
	TRACE_VMA,
	TRACE_RESIDENT,
	TRACE_MMAP,
	TRACE_MUNMAP,
	TRACE_MPROTECT,
	TRACE_MREMAP,
	TRACE_BRK,
	TRACE_MADVISE,
	TRACE_FORK,
	TRACE_VFORK,
	TRACE_THREAD,
	TRACE_FAULT,
	TRACE_END,
	TRACE_EXIT,
};

/* Protections as mmap(2) has them, of vma and end lines. */
#define TRACE_READ    0x1u
#define TRACE_WRITE   0x2u
#define TRACE_EXECUTE 0x4u

/* A piece of a line; not terminated. */
struct trace_text {
	const char *at;
	size_t len;
};

struct trace_file {
	bool none; /* anonymous: "-" or 0:0:0 */
	uint32_t major;
	uint32_t minor;
	uint64_t inode;
};

/* Fields that a kind of event does not have are zero. */
struct trace_event {
	enum trace_kind kind;
	uint64_t time; /* ns */
	uint32_t pid;
	unsigned long line;	/* from 1 */
	struct trace_text text; /* the line after TIME and PID */
	uint64_t addr;		/* start of a vma or end line */
	uint64_t end;
	uint64_t len;
	uint64_t new_len;
	uint64_t new_addr;
	uint64_t prot; /* calls: as the program gave it; vma, end: rwx */
	uint64_t flags;
	uint64_t offset;
	uint64_t result; /* an address, or a negative errno */
	int64_t ret;
	int64_t advice;
	uint32_t child; /* fork, vfork, thread */
	uint32_t code;
	bool shared; /* vma, end */
	uint64_t present;
	uint64_t anon;
	struct trace_file file;
	struct trace_text name;
};

struct trace_reader {
	const char *at;
	const char *stop;
	unsigned long line; /* the line that was read last */
	bool incomplete;    /* the recorder said so, in a comment */
	char why[TRACE_WHY_MAX];
};

void trace_start(struct trace_reader *reader, const char *data, size_t size);

/* 1 with the next event, 0 at the end, -1 with reader->line and reader->why
 * telling what is wrong; after that it is not called again. */
int trace_next(struct trace_reader *reader, struct trace_event *event);

/* mmap and mremap results: a negative errno instead of an address. */
bool trace_is_errno(uint64_t result);
bool trace_text_is(struct trace_text text, const char *word);
bool trace_text_begins(struct trace_text text, const char *word);

#endif
