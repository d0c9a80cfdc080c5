/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tracer's tables: tasks by tid, procs by pid, and the spaces they share.
 *
 * Invariants: proc->tasks and proc->live count the tasks that point to it;
 * space->tasks counts the tasks of its procs that are not dying, space->procs
 * the procs.  A proc goes with its last task, a space with its last proc.
 *
 * Must not know: ptrace, and why any of this changes.
 */
#include "tools/record/record.h"

#include <stdlib.h>

#define BUCKETS 1024u

static unsigned bucket(pid_t id)
{
	return (unsigned)id % BUCKETS;
}

/* Makes the two empty tables of R. */
void table_init(struct rec *r)
{
	r->tasks = xcalloc(BUCKETS, sizeof(*r->tasks));
	r->procs = xcalloc(BUCKETS, sizeof(*r->procs));
}

/* The task TID, or NULL. */
struct task *task_find(struct rec *r, pid_t tid)
{
	struct task *t = r->tasks[bucket(tid)];

	while (t && t->tid != tid)
		t = t->next;
	return t;
}

/* Makes a task that has not stopped yet; P may be NULL (see task_join). */
struct task *task_add(struct rec *r, pid_t tid, struct proc *p)
{
	struct task *t = xcalloc(1, sizeof(*t));

	t->tid = tid;
	t->fresh = true;
	t->running = true;
	t->next = r->tasks[bucket(tid)];
	r->tasks[bucket(tid)] = t;
	if (p)
		task_join(t, p);
	return t;
}

/* Puts a task that belongs to nobody into P. */
void task_join(struct task *t, struct proc *p)
{
	t->proc = p;
	p->tasks++;
	p->live++;
	p->space->tasks++;
}

static void space_put(struct space *s)
{
	if (--s->procs == 0)
		free(s);
}

static void proc_drop(struct rec *r, struct proc *p)
{
	struct proc **at = &r->procs[bucket(p->pid)];

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	space_put(p->space);
	free(p);
}

/* Forgets T, and its proc with the last task.  T must not own a gate. */
void task_drop(struct rec *r, struct task *t)
{
	struct task **at = &r->tasks[bucket(t->tid)];
	struct proc *p = t->proc;

	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	if (p) {
		if (!t->dying) {
			p->live--;
			p->space->tasks--;
		}
		if (p->last == t)
			p->last = NULL;
		if (--p->tasks == 0)
			proc_drop(r, p);
	}
	if (t->call.before)
		maps_free(t->call.before);
	free(t->call.before);
	free(t);
}

/* The process PID, or NULL. */
struct proc *proc_find(struct rec *r, pid_t pid)
{
	struct proc *p = r->procs[bucket(pid)];

	while (p && p->pid != pid)
		p = p->next;
	return p;
}

/* Makes a process without tasks in space S, or in a new one if S is NULL. */
struct proc *proc_add(struct rec *r, pid_t pid, struct space *s)
{
	struct proc *p = xcalloc(1, sizeof(*p));

	p->pid = pid;
	p->space = s ? s : xcalloc(1, sizeof(*s));
	p->space->procs++;
	p->next = r->procs[bucket(pid)];
	r->procs[bucket(pid)] = p;
	return p;
}

/* Moves P with its one live task to a new space. */
void proc_new_space(struct proc *p)
{
	struct space *old = p->space;

	p->space = xcalloc(1, sizeof(*p->space));
	p->space->procs++;
	p->space->tasks += p->live;
	old->tasks -= p->live;
	space_put(old);
}

/*
 * Walks all tasks: the one after PREV, the first if PREV is NULL, NULL at the
 * end.  The walk must not add or drop tasks.
 */
struct task *task_each(struct rec *r, struct task *prev)
{
	unsigned b = 0;

	if (prev) {
		if (prev->next)
			return prev->next;
		b = bucket(prev->tid) + 1;
	}
	for (; b < BUCKETS; b++)
		if (r->tasks[b])
			return r->tasks[b];
	return NULL;
}
