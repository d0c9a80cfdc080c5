/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The gate: one call at a time changes an address space, and while it does
 * so no other thread of that space runs user code.
 *
 * Why: a recording has one order.  Two concurrent calls would be seen at
 * their exit stops, in an order that says nothing about the kernel's; and a
 * fault that another thread takes while a fork copies the tables may or may
 * not be in the copy.  So the owner of the gate is held at its entry stop
 * until every thread that runs user code has stopped, and whatever stops
 * meanwhile is held until the owner is through.  A thread that is inside
 * another system call is left alone (an interruption could be seen by the
 * program); it is held at that call's exit.  What remains open: a fault the
 * kernel takes inside such a call, at just that moment.
 *
 * Invariants: space->owner is NULL or a task of that space that is not dying
 * (except for CALL_EXIT); space->awaited counts its tasks with awaited set.
 * A gate is forced open after GATE_LIMIT: a call may depend on a thread that
 * is held (userfaultfd, a FUSE server in the same process).
 */
#include "tools/record/record.h"

#include <sys/ptrace.h>

#define GATE_LIMIT 1000000000ULL /* ns */

static bool in_space(const struct task *t, const struct space *s)
{
	return t->proc && t->proc->space == s;
}

/*
 * T, stopped at the entry of a call (or at its exit), asks for its space.
 * True: it owns it and may go on.  False: it is held; tracee_granted() is
 * called when its turn comes.
 */
bool gate_enter(struct rec *r, struct task *t)
{
	struct space *s = t->proc->space;

	if (s->owner && s->owner != t) {
		t->held = t->wants = true;
		return false;
	}
	t->wants = false;
	s->owner = t;
	s->since = now_ns();
	s->awaited = 0;
	r->gates++;
	if (s->tasks <= (t->dying ? 0 : 1))
		return true;
	for (struct task *u = task_each(r, NULL); u; u = task_each(r, u)) {
		if (u == t || !in_space(u, s) || !u->running || u->in_sys ||
		    u->fresh || u->dying)
			continue;
		if (ptrace(PTRACE_INTERRUPT, u->tid, 0, 0) != 0)
			continue;
		u->awaited = true;
		s->awaited++;
	}
	t->held = s->awaited != 0;
	return s->awaited == 0;
}

/* True if T, which has just stopped, must not be resumed now. */
bool gate_holds(const struct task *t)
{
	const struct task *owner = t->proc->space->owner;

	return owner && owner != t && !t->dying;
}

static void grant(struct rec *r, struct space *s)
{
	s->owner->held = false;
	tracee_granted(r, s->owner);
}

/* T has stopped or died: if an owner waits for it, that wait is over. */
void gate_stopped(struct rec *r, struct task *t)
{
	struct space *s = t->proc->space;

	if (!t->awaited)
		return;
	t->awaited = false;
	if (s->awaited && --s->awaited == 0 && s->owner)
		grant(r, s);
}

static struct task *next_held(struct rec *r, const struct space *s)
{
	struct task *t = task_each(r, NULL);

	while (t && !(in_space(t, s) && t->held && t != s->owner &&
		      (t->wants || !s->owner)))
		t = task_each(r, t);
	return t;
}

/*
 * T is through with its call: the next one that wants the space gets it; if
 * there is none everybody held goes on.  Nothing happens if T is not the
 * owner.
 */
void gate_leave(struct rec *r, struct task *t)
{
	struct space *s = t->proc->space;
	struct task *u, *first = NULL;

	if (s->owner != t)
		return;
	s->owner = NULL;
	r->gates--;
	for (u = task_each(r, NULL); u; u = task_each(r, u)) {
		if (!in_space(u, s))
			continue;
		u->awaited = false;
		if (u->held && u->wants && !first)
			first = u;
	}
	s->awaited = 0;
	if (first) {
		first->held = false;
		if (gate_enter(r, first))
			tracee_granted(r, first);
		return;
	}
	while ((u = next_held(r, s)) != NULL) {
		u->held = false;
		tracee_go(r, u);
	}
}

/* Forces gates open that have been shut for too long. */
void gate_tick(struct rec *r)
{
	uint64_t now = now_ns();

	if (r->gates == 0)
		return;
	for (struct task *t = task_each(r, NULL); t; t = task_each(r, t)) {
		struct space *s = t->proc ? t->proc->space : NULL;

		if (!s || s->owner != t || now - s->since < GATE_LIMIT)
			continue;
		r->unordered++;
		s->since = now;
		if (s->awaited) {
			s->awaited = 0;
			grant(r, s);
		} else {
			gate_leave(r, t);
		}
		return;
	}
}
