/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pager-record: the address-space history of a command and its descendants.
 *
 * What it models: three views of the traced programs, kept apart.
 *   table.c   what the tracer knows now: tasks (threads), procs (thread
 *             groups), spaces (address spaces, which procs may share)
 *   faults.c  what the kernel's tracepoints say, some time later, per CPU
 *   out.c     what the file says: one line of time merged from both
 * tracee.c drives the first, gate.c keeps two calls on one space apart,
 * sys.c turns calls into lines, snap.c reads what Linux has built.
 *
 * Invariants: a line is written only when nothing older can still arrive;
 * whatever is missing is counted in rec.missing and said in the file.
 *
 * Must not know: pagerd, its protocol or its library.  A recording says what
 * Linux did.
 */
#ifndef PAGER_RECORD_H
#define PAGER_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define PAGE_SIZE UINT64_C(4096)
#define USER_TOP  (1ULL << 63) /* first address of the kernel's half */

struct out;
struct faults;

/* An address space as the tracer sees it; procs may share it (vfork). */
struct space {
	unsigned procs;	    /* thread groups that live in it */
	unsigned tasks;	    /* tasks in it that are not dying */
	struct task *owner; /* inside a call that changes the space */
	unsigned awaited;   /* running tasks the owner still waits for */
	uint64_t since;	    /* when owner was set, ns */
};

struct proc {
	struct proc *next; /* hash chain */
	pid_t pid;
	struct space *space;
	unsigned tasks;	   /* not yet reaped */
	unsigned live;	   /* tasks that have not begun to exit */
	struct task *last; /* held at its exit until the others are gone */
	bool ended;	   /* its end lines are queued */
	bool blind;	   /* no fault seen since its last exec */
	bool locked;	   /* it has locked memory: calls may populate */
	uint64_t renamed;  /* last task_rename event, ns */
};

enum call_kind {
	CALL_NONE,   /* changes no address space */
	CALL_SPACE,  /* changes the caller's space: goes through the gate */
	CALL_FORK,   /* makes a process: goes through the gate */
	CALL_THREAD, /* makes a thread */
	CALL_EXEC,
	CALL_EXIT, /* not a call: the process's last task reads its maps */
};

struct call {
	enum call_kind kind;
	uint64_t nr;
	uint64_t arg[6];
	uint64_t entry;	     /* time of its entry stop, ns */
	uint64_t clone;	     /* CLONE_ flags of a CALL_FORK */
	struct maps *before; /* the maps at entry, for calls shown as a diff */
};

struct task {
	struct task *next; /* hash chain */
	pid_t tid;
	struct proc *proc; /* NULL: seen before its parent's event */
	int early;	   /* the status it was seen with, then */
	struct call call;
	uint64_t forked;  /* last sched_process_fork event, ns */
	pid_t fork_child; /* the child it named */
	bool running;	  /* not in a ptrace stop */
	bool in_sys;	  /* between the entry and the exit stop of a call */
	bool fresh;	  /* has not made its first stop */
	bool dying;	  /* past PTRACE_EVENT_EXIT */
	bool awaited;	  /* interrupted; counted in space->awaited */
	bool held;	  /* stopped, to be resumed when the gate opens */
	bool wants;	  /* held because it wants the gate itself */
	int sig;	  /* signal to deliver when it is resumed */
};

struct rec {
	struct out *out;
	struct faults *faults;
	pid_t command; /* the first process */
	int status;    /* its wait status */
	bool verbose;
	unsigned terms;	    /* times SIGTERM was passed on */
	uint64_t missing;   /* things the file should have and has not */
	unsigned said;	    /* lines about them on stderr */
	uint64_t unordered; /* gates forced open */
	uint64_t processes, threads, calls, faults_seen;
	unsigned gates; /* spaces whose gate has an owner */
	struct task **tasks;
	struct proc **procs;
};

/* main.c */
uint64_t now_ns(void);
void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void *xcalloc(size_t n, size_t size);
void rec_missing(struct rec *r, uint64_t n, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* table.c */
void table_init(struct rec *r);
struct task *task_find(struct rec *r, pid_t tid);
struct task *task_add(struct rec *r, pid_t tid, struct proc *p);
void task_join(struct task *t, struct proc *p);
void task_drop(struct rec *r, struct task *t);
struct proc *proc_find(struct rec *r, pid_t pid);
struct proc *proc_add(struct rec *r, pid_t pid, struct space *s);
void proc_new_space(struct proc *p);
struct task *task_each(struct rec *r, struct task *prev);

/* gate.c */
bool gate_enter(struct rec *r, struct task *t);
void gate_leave(struct rec *r, struct task *t);
void gate_stopped(struct rec *r, struct task *t);
bool gate_holds(const struct task *t);
void gate_tick(struct rec *r);

/* loop.c */
void tracee_loop(struct rec *r, int sigfd);

/* tracee.c */
void tracee_stopped(struct rec *r, struct task *t, int status);
void tracee_resume(struct task *t, int request);
void tracee_go(struct rec *r, struct task *t);
void tracee_granted(struct rec *r, struct task *t);
void tracee_child(struct rec *r, struct task *t, pid_t child);

/* ending.c */
void ending_begins(struct rec *r, struct task *t);
void ending_granted(struct rec *r, struct task *t);
void ending_gone(struct rec *r, struct task *t, int status);
bool ending_tick(struct rec *r);

/* sys.c */
void sys_decode(struct rec *r, struct task *t, uint64_t nr,
		const uint64_t arg[6]);
void sys_before(struct rec *r, struct task *t);
void sys_after(struct rec *r, struct task *t, int64_t ret);

/* maps.c */
struct map {
	uint64_t start, end, offset;
	char perm[5];
	unsigned major, minor;
	uint64_t inode;
	char name[64]; /* last component, no blanks; "-" without a name */
};

struct maps {
	size_t n, room;
	struct map *map;
};

bool maps_read(pid_t tid, struct maps *m);
void maps_free(struct maps *m);
void maps_last_component(char *name, size_t room, const char *path);

/* pages.c */
#define PAGE_PRESENT 1u
#define PAGE_PRIVATE 2u

/* A run of pages from ADDR on, WHAT they are; true ends the scan. */
typedef bool page_fn(void *arg, uint64_t addr, uint64_t pages, unsigned what);

int pages_open(pid_t tid);
bool pages_scan(int fd, uint64_t start, uint64_t end, page_fn *fn, void *arg);

/* snap.c */
char *snap_text(pid_t tid, const char *event, bool resident, bool *whole);
void snap_populated(struct rec *r, struct task *t, uint64_t start, uint64_t end,
		    uint64_t time);
void snap_forked(struct rec *r, pid_t tid, pid_t child, uint64_t time);

/* faults.c, tracefs.c */
struct tracepoint {
	unsigned id;
	unsigned off[2], size[2]; /* of the two fields asked for */
};
void tracefs_lookup(const char *group, const char *name, const char *field0,
		    const char *field1, struct tracepoint *tp);
void faults_open(struct rec *r, pid_t pid);
void faults_execed(struct rec *r, struct task *t);
void faults_expected(struct rec *r, struct proc *p);
void faults_enable(struct rec *r, bool on);
void faults_drain(struct rec *r);
size_t faults_fds(struct rec *r, int *fds, size_t room);
void faults_close(struct rec *r);

/* out.c */
void out_open(struct rec *r, const char *path);
void out_fault(struct rec *r, uint64_t time, pid_t pid, uint64_t addr,
	       unsigned code);
void out_call(struct rec *r, uint64_t time, pid_t pid, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void out_thread(struct rec *r, uint64_t time, pid_t pid, pid_t tid);
void out_fork(struct rec *r, uint64_t time, pid_t pid, pid_t child,
	      bool shares);
void out_exec(struct rec *r, uint64_t time, pid_t pid, char *text,
	      uint64_t until);
void out_end(struct rec *r, uint64_t time, pid_t pid, char *text);
void out_void(struct rec *r, pid_t pid, uint64_t addr);
void out_note(struct rec *r, const char *text);
void out_flush(struct rec *r, uint64_t limit);
uint64_t out_close(struct rec *r);

#endif
