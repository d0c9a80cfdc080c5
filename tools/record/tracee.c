/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ptrace state machine: every stop of every traced task.
 *
 * A task is either running or in a stop this file has not ended yet (held by
 * the gate, or waiting for its parent's event).  A stop is handled in three
 * steps: note what it says, let the gate know, resume.
 *
 * Which time a line carries, so that the merge with the faults is right:
 *   calls       the exit stop: every fault after it sees the changed space
 *   fork        the kernel's sched_process_fork event: after the copy, and
 *               before the first fault of either side that follows it
 *   exec        the kernel's task_rename event: between the last access to
 *               the old space and the first to the new one
 *   end         when the maps were read, all other users of the space stopped
 *
 * Must not know: the format of the file.
 */
#include "tools/record/record.h"

#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#define EVENT_STOP   128 /* PTRACE_EVENT_STOP, not in every libc */
#define AUDIT_X86_64 0xc000003eu

/* What PTRACE_GET_SYSCALL_INFO fills in; the kernel's ABI, uapi ptrace.h. */
struct syscall_info {
	uint8_t op;
	uint8_t pad[3];
	uint32_t arch;
	uint64_t ip, sp;
	union {
		struct {
			uint64_t nr, arg[6];
		} entry;
		struct {
			int64_t ret;
			uint8_t is_error;
		} exit;
	};
};

enum { INFO_ENTRY = 1, INFO_EXIT = 2 };

/* Ends the stop of T by REQUEST, with the signal it is owed. */
void tracee_resume(struct task *t, int request)
{
	int sig = t->sig;

	t->sig = 0;
	t->running = true;
	ptrace(request, t->tid, 0, (long)sig);
}

/* Resumes T, or holds it if another task owns its space. */
void tracee_go(struct rec *r, struct task *t)
{
	(void)r;
	if (gate_holds(t)) {
		t->held = true;
		return;
	}
	tracee_resume(t, PTRACE_SYSCALL);
}

static unsigned long event_msg(const struct task *t)
{
	unsigned long msg = 0;

	ptrace(PTRACE_GETEVENTMSG, t->tid, 0, &msg);
	return msg;
}

/* T, which was refused by the gate or is new to it, now owns its space. */
void tracee_granted(struct rec *r, struct task *t)
{
	if (t->call.kind == CALL_EXIT) {
		ending_granted(r, t);
		return;
	}
	sys_before(r, t);
	tracee_resume(t, PTRACE_SYSCALL);
}

/*
 * T has made CHILD, by the call in T->call.  The line's time is the kernel's
 * own; a child that has already stopped is let go.
 */
void tracee_child(struct rec *r, struct task *t, pid_t child)
{
	struct proc *p = t->proc;
	struct task *c = task_find(r, child);
	uint64_t shares = t->call.clone & 0x100; /* CLONE_VM */

	if (c && c->proc)
		return;
	if (t->call.kind == CALL_THREAD) {
		r->threads++;
		out_thread(r, now_ns(), p->pid, child);
	} else {
		uint64_t time = t->forked;

		if (time < t->call.entry) {
			rec_missing(r, 1, "no fork event for process %d",
				    child);
			time = t->call.entry;
		}
		r->processes++;
		out_fork(r, time, p->pid, child, shares != 0);
		if (!shares)
			snap_forked(r, t->tid, child, time);
		p = proc_add(r, child, shares ? p->space : NULL);
	}
	if (c)
		task_join(c, p);
	else
		c = task_add(r, child, p);
	if (t->call.kind == CALL_FORK)
		gate_leave(r, t);
	t->call.kind = CALL_NONE;
	if (c->early) {
		int status = c->early;

		c->early = 0;
		tracee_stopped(r, c, status);
	}
}

/* The process of T has a new space; its other threads are gone. */
static void on_exec(struct rec *r, struct task *t)
{
	struct proc *p = t->proc;
	pid_t former = (pid_t)event_msg(t);
	struct task *f = task_find(r, former), *u;
	uint64_t entry = f && f->proc == p ? f->call.entry : t->call.entry;
	uint64_t now = now_ns(), time;
	bool whole;
	char *text;

	do {
		for (u = task_each(r, NULL); u; u = task_each(r, u))
			if (u != t && u->proc == p)
				break;
		if (u) {
			gate_stopped(r, u);
			gate_leave(r, u);
			task_drop(r, u);
		}
	} while (u);
	if (t->dying) { /* the first thread had left before the others */
		t->dying = false;
		p->live++;
		p->space->tasks++;
	}
	proc_new_space(p);
	p->locked = false;
	t->held = t->wants = false;
	t->in_sys = true;
	t->call.kind = CALL_NONE;
	faults_drain(r);
	time = p->renamed;
	if (time < entry) {
		rec_missing(r, 1, "no exec event for process %d", p->pid);
		time = entry;
	}
	text = snap_text(t->tid, "vma", true, &whole);
	if (!whole)
		rec_missing(r, 1, "process %d: its start could not be read",
			    p->pid);
	out_exec(r, time, p->pid, text, now);
	faults_execed(r, t);
}

static void on_syscall(struct rec *r, struct task *t)
{
	struct syscall_info in;
	int64_t ret;

	memset(&in, 0, sizeof(in));
	if (ptrace(PTRACE_GET_SYSCALL_INFO, t->tid, (void *)sizeof(in), &in) <=
	    0) {
		tracee_go(r, t);
		return;
	}
	if (in.op == INFO_ENTRY) {
		t->in_sys = true;
		faults_expected(r, t->proc);
		if (in.arch != AUDIT_X86_64) {
			rec_missing(r, 1, "process %d: 32-bit system call",
				    t->proc->pid);
			t->call.kind = CALL_NONE;
		} else {
			sys_decode(r, t, in.entry.nr, in.entry.arg);
		}
		t->call.entry = now_ns();
		if (t->call.kind == CALL_SPACE || t->call.kind == CALL_FORK) {
			if (gate_enter(r, t))
				tracee_granted(r, t);
			return;
		}
	} else if (in.op == INFO_EXIT) {
		ret = in.exit.ret;
		t->in_sys = false;
		if (t->call.kind == CALL_SPACE)
			sys_after(r, t, ret);
		t->call.kind = CALL_NONE;
		gate_leave(r, t);
	}
	tracee_go(r, t);
}

static void on_signal(struct rec *r, struct task *t, int sig)
{
	siginfo_t si;

	/* A fault beyond the end of a file has made nothing present. */
	if (sig == SIGBUS && ptrace(PTRACE_GETSIGINFO, t->tid, 0, &si) == 0 &&
	    si.si_code > 0) {
		faults_drain(r);
		out_void(r, t->proc->pid, (uint64_t)(uintptr_t)si.si_addr);
	}
	t->sig = sig;
	tracee_go(r, t);
}

/* T has stopped with STATUS: notes what that means and lets it go on. */
void tracee_stopped(struct rec *r, struct task *t, int status)
{
	int sig = WSTOPSIG(status), event = status >> 16;

	t->running = false;
	t->fresh = false;
	if (event != PTRACE_EVENT_EXIT)
		gate_stopped(r, t);
	switch (event) {
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		faults_drain(r);
		tracee_child(r, t, (pid_t)event_msg(t));
		tracee_go(r, t);
		return;
	case PTRACE_EVENT_EXEC:
		on_exec(r, t);
		tracee_go(r, t);
		return;
	case PTRACE_EVENT_EXIT:
		ending_begins(r, t);
		return;
	case EVENT_STOP:
		if (sig != SIGTRAP) /* a group stop: it stays stopped */
			ptrace(PTRACE_LISTEN, t->tid, 0, 0);
		else
			tracee_go(r, t);
		return;
	case 0:
		if (sig == (SIGTRAP | 0x80))
			on_syscall(r, t);
		else
			on_signal(r, t, sig);
		return;
	default:
		tracee_go(r, t);
	}
}
