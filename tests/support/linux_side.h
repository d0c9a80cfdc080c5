/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux as an implementation of the model: every space is a real process, and
 * a window of its address space, far from everything else it has, is the
 * space. Memory objects are memfds that all of them have inherited.
 *
 * The controller sends one request at a time to one process through a pipe;
 * arguments, answers and contents lie in memory that all share. A fork is done
 * by the process that is forked.
 *
 * Transparent huge pages are off in these processes, and a guard stands at
 * both ends of the window, so that nothing grows out of it.
 */
#ifndef TESTS_SUPPORT_LINUX_SIDE_H
#define TESTS_SUPPORT_LINUX_SIDE_H

#include <sys/types.h>

#include "tests/support/model_op.h"

enum linux_call {
	LINUX_MMAP,
	LINUX_MUNMAP,
	LINUX_MPROTECT,
	LINUX_MREMAP,
	LINUX_MADVISE,
	LINUX_MLOCK,
	LINUX_MUNLOCK,
	LINUX_BRK,
	LINUX_READ,  /* len bytes into io */
	LINUX_WRITE, /* from io */
	LINUX_TOUCH, /* one access that changes no byte */
	LINUX_FORK,
	LINUX_EXIT,
	LINUX_LOOK,  /* list the mappings of the window */
	LINUX_STARE, /* and copy what is present */
	LINUX_TRACK, /* writes to the window, from now on */
	LINUX_TAKE,  /* which pages were written; flags 1: and begin anew */
	LINUX_COPY,  /* as STARE, but everything that can be read */
};

struct linux_request {
	enum linux_call call;
	uint64_t addr; /* bytes, all of them */
	uint64_t len;
	uint64_t new_addr;
	uint64_t new_len;
	uint64_t offset;
	uint32_t prot;	 /* PROT_* */
	uint32_t flags;	 /* MAP_*, MREMAP_*, MADV_* */
	uint32_t object; /* 0: none; else slot + 1 */
	uint32_t slot;	 /* where the fork goes */
	bool write;	 /* touch */
};

struct linux_answer {
	int64_t ret;	 /* or minus errno */
	uint32_t signal; /* pager_signal; the stack kind is MAPERR here */
	uint64_t done;
};

struct linux_vma {
	uint64_t start; /* bytes */
	uint64_t end;
	uint32_t prot; /* PAGER_PROT_* */
	bool shared;
	uint32_t object; /* 0: none; else slot + 1 */
	uint64_t offset; /* bytes */
};

enum { LINUX_VMAS = 4096 };

/* Bits of a page as LINUX_STARE or LINUX_COPY (READABLE too) found it. */
enum { LINUX_PRESENT = 1, LINUX_PRIVATE = 2, LINUX_READABLE = 4 };

/* How Linux can say which pages a process wrote. */
enum linux_tracker {
	LINUX_NO_TRACKER,
	LINUX_WP_ASYNC,	  /* userfaultfd, and PAGEMAP_SCAN */
	LINUX_SOFT_DIRTY, /* clear_refs, and bit 55 of pagemap */
};

struct linux_shared {
	struct linux_request request;
	struct linux_answer answer;
	uint8_t io[MODEL_IO];
	uint32_t vmas;
	struct linux_vma vma[LINUX_VMAS];
	/* pages flags, then pages times 4,096 bytes; then, as LINUX_TAKE found
	 * them, pages times 1: written, or 0 */
	uint8_t page[];
};

struct linux_side {
	uint64_t start; /* the window, pages */
	uint64_t pages;
	uint64_t stack; /* the stack limit, pages */
	struct linux_shared *shared;
	size_t shared_size;
	int request[MODEL_SPACES][2];
	int answer[2];
	int object[MODEL_OBJECTS];
	ino_t inode[MODEL_OBJECTS];
	pid_t root[MODEL_SPACES]; /* direct children, to wait for */
	bool live[MODEL_SPACES];
	unsigned int roots;
	enum linux_tracker tracker; /* before the first process is made */
	bool heap;    /* the process's own heap ends where the window begins */
	bool has_brk; /* the break can be moved into the window */
};

void linux_start(struct linux_side *l, uint64_t start, uint64_t pages,
		 uint64_t stack, bool heap);
/* Where a window with the heap can be: of a process forked from this one. */
uint64_t linux_heap_window(void);
void linux_stop(struct linux_side *l);
/* A new process with an empty window. */
void linux_spawn(struct linux_side *l, int slot);
/* l->shared->request, filled in by the caller, is done by the process. */
const struct linux_answer *linux_do(struct linux_side *l, int slot);
void linux_resize(struct linux_side *l, int object, uint64_t pages);
/* The bytes of a page that LINUX_STARE found present. */
const uint8_t *linux_bytes(const struct linux_side *l, uint64_t page);

/* Was the page written, says the last LINUX_TAKE? */
bool linux_written(const struct linux_side *l, uint64_t page);
/* What this kernel offers, and does right: tried with a process. */
enum linux_tracker linux_track_probe(uint64_t window);
const char *linux_tracker_name(enum linux_tracker tracker);

/* The process's side, in linux_process.c: serve until told to leave. */
_Noreturn void linux_serve(const struct linux_side *l, int slot);
/* Before serving: window empty, guards, limits. */
void linux_prepare(const struct linux_side *l);
_Noreturn void linux_leave(const char *why);

/* In linux_track.c. 0, or minus errno. */
int linux_track(const struct linux_side *l);
int linux_take(const struct linux_side *l);
/* After the mappings were listed. */
void linux_copy(const struct linux_side *l);

#endif
