/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a process ends: which of its threads reads the maps, and when.
 *
 * The maps must be read when nobody uses them any more, but before the last
 * thread lets go of them.  A thread says that it is about to exit
 * (PTRACE_EVENT_EXIT), is resumed, and then still touches memory: its robust
 * list and its tid are cleared.  So the last thread is held in that stop
 * until the others are zombies or reaped.
 *
 * Which one is the last cannot be told from the stops that were seen: a
 * thread that exits by itself while the process is being killed loses its
 * stop.  So whenever a whole process dies, the newest thread to say so is
 * held (proc->last) until another one takes its place.
 *
 * Invariants: proc->last is stopped at its exit, or NULL; nothing of a
 * process is read after proc->ended.
 *
 * Must not know: how the maps are read, or written.
 */
#include "tools/record/record.h"

#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>

static void read_end(struct rec *r, struct task *t)
{
	struct proc *p = t->proc;
	unsigned long msg;
	bool whole;
	char *text = snap_text(t->tid, "end", false, &whole);

	/* A second SIGKILL ends the stop; the maps may be half gone then. */
	if (ptrace(PTRACE_GETEVENTMSG, t->tid, 0, &msg) != 0)
		whole = false;
	if (!whole)
		rec_missing(r, 1, "process %d: its end could not be read",
			    p->pid);
	p->ended = true;
	out_end(r, now_ns(), p->pid, text);
}

/* T, the last of its process, has its space for itself. */
void ending_granted(struct rec *r, struct task *t)
{
	read_end(r, t);
	gate_leave(r, t);
	tracee_resume(t, PTRACE_CONT);
}

static bool is_zombie(pid_t tid)
{
	char path[64], line[512], *at;
	bool zombie = true;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", tid, tid);
	f = fopen(path, "re");
	if (!f)
		return true;
	if (fgets(line, sizeof(line), f) && (at = strrchr(line, ')')))
		zombie = at[1] && (at[2] == 'Z' || at[2] == 'X');
	fclose(f);
	return zombie;
}

/*
 * The last task of P reads the maps once all others are really gone: the
 * kernel still touches their robust lists and tids after their exit stop.
 */
static void process_last(struct rec *r, struct proc *p)
{
	struct task *t = p->last;
	unsigned others = p->tasks - 1;

	if (!t || p->ended)
		return;
	if (others == 1 && t->tid != p->pid && task_find(r, p->pid) &&
	    is_zombie(p->pid))
		others = 0;
	if (others > 0)
		return;
	p->last = NULL;
	t->call.kind = CALL_EXIT;
	if (gate_enter(r, t))
		tracee_granted(r, t);
}

static bool in_exec(struct rec *r, const struct proc *p)
{
	for (struct task *t = task_each(r, NULL); t; t = task_each(r, t))
		if (t->proc == p && t->in_sys && !t->dying &&
		    t->call.kind == CALL_EXEC)
			return true;
	return false;
}

static void count_dying(struct rec *r, struct task *t)
{
	gate_stopped(r, t);
	gate_leave(r, t);
	t->held = t->wants = false;
	t->sig = 0;
	if (t->dying)
		return;
	t->dying = true;
	t->proc->live--;
	t->proc->space->tasks--;
}

/*
 * T was killed inside a call, so that the stop which would have told is
 * missing; the call may have been made all the same.
 */
static void finish_call(struct rec *r, struct task *t)
{
	struct user_regs_struct regs;

	if (!t->in_sys)
		return;
	if (t->call.kind == CALL_FORK || t->call.kind == CALL_THREAD) {
		faults_drain(r);
		if (t->forked >= t->call.entry)
			tracee_child(r, t, t->fork_child);
	} else if (t->call.kind == CALL_SPACE &&
		   ptrace(PTRACE_GETREGS, t->tid, 0, &regs) == 0 &&
		   (int64_t)regs.rax != -ENOSYS) {
		sys_after(r, t, (int64_t)regs.rax);
	}
}

/* T is stopped at PTRACE_EVENT_EXIT. */
void ending_begins(struct rec *r, struct task *t)
{
	struct proc *p = t->proc;
	bool alone = t->in_sys && t->call.nr == SYS_exit;
	struct task *before;

	finish_call(r, t);
	count_dying(r, t);
	t->call.kind = CALL_NONE;
	if (p->ended || (alone && p->live > 0) || in_exec(r, p)) {
		tracee_resume(t, PTRACE_CONT);
		return;
	}
	before = p->last;
	p->last = t;
	if (before)
		tracee_resume(before, PTRACE_CONT);
	process_last(r, p);
}

/* T is gone, with the wait status STATUS. */
void ending_gone(struct rec *r, struct task *t, int status)
{
	struct proc *p = t->proc;

	if (t->tid == r->command)
		r->status = status;
	if (!p) {
		task_drop(r, t);
		return;
	}
	count_dying(r, t);
	if (p->tasks > 1) {
		task_drop(r, t);
		process_last(r, p);
		return;
	}
	if (!p->ended) {
		rec_missing(r, 1, "process %d: its end could not be read",
			    p->pid);
		out_end(r, now_ns(), p->pid, NULL);
	}
	task_drop(r, t);
}

/* True while a process waits for a thread that nobody will report. */
bool ending_tick(struct rec *r)
{
	for (struct task *t = task_each(r, NULL); t; t = task_each(r, t))
		if (t->proc && t->proc->last == t) {
			process_last(r, t->proc);
			return true;
		}
	return false;
}
