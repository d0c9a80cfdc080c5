/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file: events wait here until nothing older can arrive, then are
 * written in the order of their times.
 *
 * The writer keeps its own view of who is alive and who shares a space,
 * because it lives later than the tracer.  A vfork child is recorded as a
 * fork; so that both sides stay right, whatever happens in the shared space
 * is written once for each process that shares it.  Faults of processes that
 * are not in the recording, and those between an exec's start and the
 * reading of its maps (`vma` and `resident` lines have them), are dropped.
 *
 * Invariants: times never go back; a fork line stands before every line of
 * the child; an event that comes too late is counted as missing.
 *
 * Must not know: where events come from.
 */
#include "tools/record/record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define VIEWS 1024u

enum kind {
	EV_FAULT,
	EV_VOID, /* a fault that has made nothing present */
	EV_CALL,
	EV_THREAD,
	EV_FORK,
	EV_VFORK,
	EV_EXEC,
	EV_END,
	EV_NOTE,
};

struct event {
	uint64_t time, seq;
	uint64_t addr; /* of a fault; for EV_EXEC the end of its deafness */
	char *text;    /* malloc'd */
	pid_t pid, child;
	unsigned code;
	enum kind kind;
};

/* A process the file knows; ring links those that share its space. */
struct view {
	struct view *next, *ring;
	pid_t pid;
	uint64_t until; /* faults before it are part of the exec */
};

struct out {
	FILE *file;
	const char *path;
	struct event *event;
	size_t n, room;
	uint64_t seq, base, last, lines;
	bool begun, failed;
	struct view *view[VIEWS];
};

/* Creates PATH and writes the first line; ends the program if it cannot. */
void out_open(struct rec *r, const char *path)
{
	struct out *o = xcalloc(1, sizeof(*o));

	r->out = o;
	o->path = path;
	o->file = fopen(path, "we");
	if (!o->file)
		die("cannot write %s: %s", path, strerror(errno));
	fputs("# vmtrace 1\n", o->file);
}

static struct event *queue(struct rec *r, enum kind kind, uint64_t time,
			   pid_t pid)
{
	struct out *o = r->out;
	struct event *e;

	if (o->n == o->room) {
		o->room = o->room ? 2 * o->room : 4096;
		o->event = realloc(o->event, o->room * sizeof(*o->event));
		if (!o->event)
			die("out of memory");
	}
	e = &o->event[o->n++];
	memset(e, 0, sizeof(*e));
	e->kind = kind;
	e->time = time;
	e->seq = o->seq++;
	e->pid = pid;
	return e;
}

/* A page fault of process PID at ADDR with the x86 error code CODE. */
void out_fault(struct rec *r, uint64_t time, pid_t pid, uint64_t addr,
	       unsigned code)
{
	struct event *e = queue(r, EV_FAULT, time, pid);

	e->addr = addr;
	e->code = code;
}

/* A call of process PID: the rest of its line. */
void out_call(struct rec *r, uint64_t time, pid_t pid, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	r->calls++;
	queue(r, EV_CALL, time, pid)->text = strdup(text);
}

/* Process PID has a new thread. */
void out_thread(struct rec *r, uint64_t time, pid_t pid, pid_t tid)
{
	queue(r, EV_THREAD, time, pid)->child = tid;
}

/* Process PID has made CHILD, which SHARES its space (vfork) or copied it. */
void out_fork(struct rec *r, uint64_t time, pid_t pid, pid_t child, bool shares)
{
	queue(r, shares ? EV_VFORK : EV_FORK, time, pid)->child = child;
}

/* Process PID has a new space: the lines TEXT, complete at time UNTIL. */
void out_exec(struct rec *r, uint64_t time, pid_t pid, char *text,
	      uint64_t until)
{
	struct event *e = queue(r, EV_EXEC, time, pid);

	e->text = text;
	e->addr = until;
}

/* Process PID is over; TEXT (or NULL) is what it had in the end. */
void out_end(struct rec *r, uint64_t time, pid_t pid, char *text)
{
	queue(r, EV_END, time, pid)->text = text;
}

/* The newest fault of PID at ADDR has made nothing present. */
void out_void(struct rec *r, pid_t pid, uint64_t addr)
{
	struct out *o = r->out;
	struct event *found = NULL;

	for (size_t i = 0; i < o->n; i++) {
		struct event *e = &o->event[i];

		if (e->kind == EV_FAULT && e->pid == pid &&
		    e->addr / PAGE_SIZE == addr / PAGE_SIZE &&
		    (!found || e->time >= found->time))
			found = e;
	}
	if (found)
		found->kind = EV_VOID;
}

/* A comment line. */
void out_note(struct rec *r, const char *text)
{
	queue(r, EV_NOTE, now_ns(), 0)->text = strdup(text);
}

static struct view *view_find(struct out *o, pid_t pid)
{
	struct view *v = o->view[(unsigned)pid % VIEWS];

	while (v && v->pid != pid)
		v = v->next;
	return v;
}

static struct view *view_add(struct out *o, pid_t pid)
{
	struct view *v = xcalloc(1, sizeof(*v));

	v->pid = pid;
	v->ring = v;
	v->next = o->view[(unsigned)pid % VIEWS];
	o->view[(unsigned)pid % VIEWS] = v;
	return v;
}

static void view_leave_ring(struct view *v)
{
	struct view *at = v;

	while (at->ring != v)
		at = at->ring;
	at->ring = v->ring;
	v->ring = v;
}

static void view_drop(struct out *o, struct view *v)
{
	struct view **at = &o->view[(unsigned)v->pid % VIEWS];

	view_leave_ring(v);
	while (*at != v)
		at = &(*at)->next;
	*at = v->next;
	free(v);
}

static uint64_t stamp(struct rec *r, uint64_t time)
{
	struct out *o = r->out;

	if (!o->begun) {
		o->begun = true;
		o->base = o->last = time;
	}
	if (time < o->last) {
		r->missing++;
		time = o->last;
	}
	o->last = time;
	o->lines++;
	return time - o->base;
}

static void write_line(struct rec *r, uint64_t time, pid_t pid,
		       const char *text, int len)
{
	fprintf(r->out->file, "%" PRIu64 " %d %.*s\n", stamp(r, time), pid, len,
		text);
}

static void tell(const struct rec *r, pid_t pid, const char *text, int len)
{
	if (r->verbose)
		fprintf(stderr, "pager-record: %d %.*s\n", pid, len, text);
}

static void write_lines(struct rec *r, const struct event *e)
{
	const char *at = e->text, *end;

	for (; at && (end = strchr(at, '\n')); at = end + 1)
		write_line(r, e->time, e->pid, at, (int)(end - at));
}

static void write_shared(struct rec *r, struct view *v, const struct event *e)
{
	struct view *w = v;
	char text[64];

	do {
		if (e->kind == EV_CALL) {
			write_line(r, e->time, w->pid, e->text,
				   (int)strlen(e->text));
		} else if (e->time >= w->until) {
			int n =
			    snprintf(text, sizeof(text), "fault %" PRIx64 " %x",
				     e->addr, e->code);

			write_line(r, e->time, w->pid, text, n);
			r->faults_seen++;
		}
		w = w->ring;
	} while (w != v);
}

static void write_child(struct rec *r, struct view *v, const struct event *e)
{
	static const char *const word[] = {
	    [EV_THREAD] = "thread", [EV_FORK] = "fork", [EV_VFORK] = "vfork"};
	struct view *c;
	char text[64];
	int n = snprintf(text, sizeof(text), "%s %d", word[e->kind], e->child);

	write_line(r, e->time, e->pid, text, n);
	tell(r, e->pid, text, n);
	if (e->kind == EV_THREAD)
		return;
	c = view_find(r->out, e->child);
	if (c)
		view_drop(r->out, c);
	c = view_add(r->out, e->child);
	if (e->kind == EV_VFORK) {
		c->ring = v->ring;
		v->ring = c;
	}
}

static void write_event(struct rec *r, const struct event *e)
{
	struct out *o = r->out;
	struct view *v = view_find(o, e->pid);

	if (e->kind == EV_NOTE)
		fprintf(o->file, "# %s\n", e->text);
	else if (!v && e->kind == EV_EXEC && e->pid == r->command)
		v = view_add(o, e->pid);
	if (!v)
		return;
	switch (e->kind) {
	case EV_FAULT:
	case EV_CALL:
		write_shared(r, v, e);
		break;
	case EV_VOID:
		fprintf(o->file, "# %d fault %" PRIx64 " %x raised SIGBUS\n",
			e->pid, e->addr, e->code);
		break;
	case EV_THREAD:
	case EV_FORK:
	case EV_VFORK:
		write_child(r, v, e);
		break;
	case EV_EXEC:
		view_leave_ring(v);
		v->until = e->addr;
		tell(r, e->pid, e->text, (int)strcspn(e->text, "\n"));
		write_lines(r, e);
		break;
	case EV_END:
		write_lines(r, e);
		write_line(r, e->time, e->pid, "exit", 4);
		tell(r, e->pid, "exit", 4);
		view_drop(o, v);
		break;
	case EV_NOTE:
		break;
	}
}

static int by_time(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* Writes what is not newer than LIMIT. */
void out_flush(struct rec *r, uint64_t limit)
{
	struct out *o = r->out;
	size_t i;

	if (o->n)
		qsort(o->event, o->n, sizeof(*o->event), by_time);
	for (i = 0; i < o->n && o->event[i].time <= limit; i++) {
		write_event(r, &o->event[i]);
		free(o->event[i].text);
	}
	if (i == 0)
		return;
	o->n -= i;
	memmove(o->event, o->event + i, o->n * sizeof(*o->event));
	if (ferror(o->file) && !o->failed) {
		o->failed = true;
		rec_missing(r, 1, "cannot write %s: %s", o->path,
			    strerror(errno));
	}
}

/* Writes the rest and closes the file; the number of lines written. */
uint64_t out_close(struct rec *r)
{
	struct out *o = r->out;
	uint64_t lines;

	out_flush(r, UINT64_MAX);
	if (r->missing)
		fprintf(o->file,
			"# incomplete: %" PRIu64 " events are missing\n",
			r->missing);
	if (fclose(o->file) != 0 && !o->failed)
		rec_missing(r, 1, "cannot write %s: %s", o->path,
			    strerror(errno));
	for (unsigned b = 0; b < VIEWS; b++)
		while (o->view[b])
			view_drop(o, o->view[b]);
	lines = o->lines;
	free(o->event);
	free(o);
	r->out = NULL;
	return lines;
}
