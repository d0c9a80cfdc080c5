/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pager-replay: recorded programs, lived again inside pagerd.
 *
 * What it models: one machine a recording. Every process of it has a space in
 * the daemon, every file it maps a memory object, grown as needed; the lines
 * become requests, and at each exit the space is compared with what Linux had
 * built (FORMAT.md says how).
 *
 *	main.c     options, files, jobs       machine.c  lines, processes, exec
 *	calls.c    mmap, munmap, mprotect,    move.c     mremap
 *		   madvise, brk, faults       verify.c   the comparison
 *	objects.c  memory objects of files    picture.c  a forked pair's memory
 *	report.c   rows, totals, JSON         stream.c   pipelined requests
 *	breathe.c  a pool that grows and shrinks meanwhile
 *
 * Invariants: requests are sent in the order of the lines; where Linux put
 * something is where pagerd must put it; nothing is decided by what the end
 * lines say but the verdict.
 */
#ifndef TOOLS_REPLAY_REPLAY_H
#define TOOLS_REPLAY_REPLAY_H

#include <stdio.h>

#include "tools/common/cast.h"
#include "tools/replay/ranges.h"
#include "tools/replay/stream.h"

#define PAGE	  UINT64_C(4096)
#define NAME_SIZE 25 /* a program's name, with its NUL */
#define SHOWN_MAX 20 /* differences shown in full, for each process */

struct options {
	bool verify;
	bool json;
	bool by_file;
	bool picture;
	uint64_t breathe_low;  /* bytes */
	uint64_t breathe_high; /* 0: no pool breathes */
};

/* One mapping that Linux had at the end. */
struct ending {
	struct trace_text text;
	uint64_t start;
	uint64_t end;
	uint64_t anon;
	uint32_t prot;
	bool shared;
	bool counted; /* its private pages must match */
	unsigned long line;
};

/* A difference or a refusal, as the two sides say it. */
struct difference {
	char *linux_side;
	char *pagerd_side;
};

struct proc {
	uint32_t pid;
	uint32_t member;
	bool started;
	bool forked; /* and has not called exec since */
	unsigned int execs;
	unsigned int parent_execs; /* what the parent's execs were at fork */
	uint64_t space;		   /* handle; 0: none (refused, or gone) */
	struct trace_text name;

	bool brk_known;
	uint64_t brk;
	struct ranges guards;
	struct trace_event vma; /* the last vma line */

	struct ending *endings;
	size_t ending_count;
	size_t ending_room;

	uint64_t events;
	uint64_t signals;
	uint64_t refused;
	unsigned long refused_line; /* the line that was counted last */
	const char *refused_at;
	uint64_t cow; /* private pages the fork shared instead of copying */
	uint64_t regions;
	uint64_t private_pages;
	uint64_t differing;
	struct before *before; /* the picture's: pages right after the fork */
	struct difference shown[SHOWN_MAX];
	size_t shown_count;
	uint64_t unshown;
};

struct object {
	uint64_t handle; /* 0: not made yet */
	uint64_t size;	 /* bytes */
	uint64_t uses;	 /* lines that will map it still */
};

/* How a pool breathed, as the answers to wishes told: bytes. */
struct breathe {
	uint64_t next; /* requests until the next wish */
	uint64_t wishes;
	uint64_t refused;
	uint64_t looks;
	uint64_t least, most, last; /* plugged */
	uint64_t in, out;	    /* plugged, unplugged, from look to look */
	uint64_t moved;
	uint64_t busy;
};

struct totals {
	uint64_t processes;
	uint64_t identical;
	uint64_t regions;
	uint64_t private_pages;
	uint64_t cow;
	uint64_t differing;
	uint64_t refused;
	uint64_t signals;
	uint64_t events;
	uint64_t requests;
	double seconds;
	struct breathe breathe;
};

struct before;
struct picture;

struct machine {
	const struct options *options;
	const char *path;
	char program[NAME_SIZE]; /* the first exec's name, printable */
	struct cast cast;
	struct stream *stream;
	struct proc *procs;	/* one for each member of the cast */
	struct object *objects; /* one for each file of the cast */
	struct object special;	/* behind [vvar], [vdso], [vsyscall] */
	struct totals totals;
	struct picture *picture; /* the best so far, or NULL */
	FILE *out;		 /* rows go here */
	char why[TRACE_WHY_MAX]; /* with machine_run's failure */
	unsigned long why_line;
};

/* --- machine.c ------------------------------------------------------------ */

/* Replay a recording that cast_read found good: 0; 1 if the recording is bad
 * after all (why, why_line); 2 if the daemon was lost. tick counts lines for
 * the progress display; stop, when it becomes true, ends it early with 2. */
int machine_run(struct machine *m, const char *data, size_t size,
		void (*tick)(uint64_t events), const volatile bool *stop);

struct note note_event(struct proc *p, const struct trace_event *e);
/* Count a refusal: once for each line of the recording. */
void note_refusal(struct proc *p, struct trace_text text,
		  const struct pager_reply *reply);

/* --- objects.c ------------------------------------------------------------ */

/* The handle of the file's object, which is at least end bytes long then; 0:
 * refused. One use of the file is over. */
uint64_t object_for_file(struct machine *m, struct proc *p,
			 const struct trace_event *e, uint64_t end);
/* After the mapping line: files that are mapped no more are closed. */
void object_release(struct machine *m, const struct trace_file *file);
uint64_t object_special(struct machine *m, struct proc *p,
			const struct trace_event *e, uint64_t end);
/* A new object of one mapping's own; close it when it is mapped. */
uint64_t object_anonymous(struct machine *m, struct proc *p,
			  const struct trace_event *e, uint64_t len);
void object_close(struct machine *m, uint64_t handle);

/* --- calls.c -------------------------------------------------------------- */

/* Round a length up to pages; 0 if it wraps around. */
uint64_t page_up(uint64_t len);
/* Map e's vma or mmap line at start. */
void call_map(struct machine *m, struct proc *p, const struct trace_event *e,
	      uint64_t start, uint64_t len, uint32_t prot, uint32_t flags);
void call_mmap(struct machine *m, struct proc *p, const struct trace_event *e);
void call_munmap(struct machine *m, struct proc *p,
		 const struct trace_event *e);
void call_mprotect(struct machine *m, struct proc *p,
		   const struct trace_event *e);
void call_madvise(struct machine *m, struct proc *p,
		  const struct trace_event *e);
void call_brk(struct machine *m, struct proc *p, const struct trace_event *e);
void call_fault(struct machine *m, struct proc *p, const struct trace_event *e);

/* --- move.c --------------------------------------------------------------- */

void call_mremap(struct machine *m, struct proc *p,
		 const struct trace_event *e);
/* The regions of [start, end), cut to it; *rows is the caller's to free. The
 * stream is flushed. 0 with *count = 0 too if there are none; -1: lost. */
int regions_within(struct machine *m, uint64_t space, uint64_t start,
		   uint64_t end, struct pager_row_region **rows, size_t *count);

/* --- verify.c ------------------------------------------------------------- */

void ending_add(struct proc *p, const struct trace_event *e);
/* Compare the process's space with its end lines, or without --verify only
 * measure it. 0, or -1: the end lines contradict themselves (why, why_line),
 * or the stream is lost. */
int verify_process(struct machine *m, struct proc *p);
/* Tell of a difference; both sides are copied. */
void difference_add(struct proc *p, const char *linux_side,
		    const char *pagerd_side);

/* --- breathe.c ------------------------------------------------------------ */

/* "64M..256M". False: that is no such thing. */
bool breathe_parse(const char *text, struct options *out);
/* Before a line: a new wish, if it is time for one. */
void breathe_maybe(struct machine *m);
/* The pool, as the answer to a wish tells it. */
void breathe_look(struct breathe *b, const struct pager_row_pool *row);
/* Sum up; at_once: they ran side by side, and have seen the same pool. */
void breathe_add(struct breathe *to, const struct breathe *from, bool at_once);

/* --- picture.c ------------------------------------------------------------ */

/* A process was just forked, and is about to go: for the picture. */
void picture_remember(struct machine *m, struct proc *child);
void picture_forget(struct proc *p);
/* A forked process is about to end: a picture of it and its parent, kept if it
 * is better than what there was. */
void picture_consider(struct machine *m, struct proc *child,
		      struct proc *parent);
void picture_print(const struct picture *picture, FILE *out, bool colour,
		   bool utf8);
/* Which of two (or NULL) is better; the other is freed. */
struct picture *picture_better(struct picture *a, struct picture *b);
void picture_free(struct picture *picture);

/* --- report.c ------------------------------------------------------------- */

/* The text with what is not printable as '?', cut to size; "-" if empty. */
const char *printable(struct trace_text text, char *buf, size_t size);
/* 1234567 as 1,234,567. */
#define GROUPED_SIZE 32
const char *grouped(uint64_t n, char buf[GROUPED_SIZE]);
void report_head(const struct options *options, FILE *out);
void report_process(const struct machine *m, const struct proc *p);
void report_file(const struct machine *m);
void report_totals(const struct options *options, const struct totals *t,
		   bool last_only, FILE *out);
void totals_add(struct totals *to, const struct totals *from);

#endif
