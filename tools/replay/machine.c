/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One recording, line by line: who acts, in which space, and how processes
 * begin and end.
 *
 * A process begins with the first line that speaks of it, be it its parent's
 * fork line or, as recorders may see it, something it does itself. A vfork
 * child is given a copy like any other (FORMAT.md).
 */
#include <stdlib.h>
#include <string.h>

#include "tools/replay/replay.h"

#define TICK 4096 /* lines between two looks at the clock */

/* All but the last page: a space's end is a page address, 0 being 2^64. */
#define SPACE_END   (-PAGE)
/* As much as the recording's own stacks, at least Linux's usual limit. */
#define STACK_LIMIT (UINT64_C(8) << 20)
#define REGIONS_MAX (UINT64_C(1) << 31)

struct note note_event(struct proc *p, const struct trace_event *e)
{
	return (struct note){.kind = NOTE_EVENT, .proc = p, .text = e->text};
}

void note_refusal(struct proc *p, struct trace_text text,
		  const struct pager_reply *reply)
{
	char linux_side[256], pagerd_side[256];
	const char *call = pager_call_name(reply->call);

	if (reply->error == STREAM_LOST || p->refused_at == text.at)
		return;
	p->refused_at = text.at;
	p->refused++;
	snprintf(linux_side, sizeof(linux_side), "%.*s",
		 text.len < 200 ? (int)text.len : 200, text.at);
	snprintf(pagerd_side, sizeof(pagerd_side), "%s refused: %s (%s)",
		 call ? call : "?", pager_errtext(reply->error),
		 pager_errname(reply->error));
	difference_add(p, linux_side, pagerd_side);
}

static void answer_breathe(struct machine *m, const struct pager_reply *reply)
{
	const struct pager_rep_pool *pool = reply->body;

	if (reply->error)
		m->totals.breathe.refused++;
	else if (reply->call == PAGER_CALL_POOL_INFO)
		breathe_look(&m->totals.breathe, &pool->pool);
}

/* What every reply goes through: stream.h. */
static void answer(void *owner, const struct note *note,
		   const struct pager_reply *reply)
{
	const struct pager_rep_fault *fault = reply->body;
	const struct pager_rep_space_info *info = reply->body;

	if (note->kind == NOTE_QUIET)
		return;
	if (note->kind == NOTE_BREATHE) {
		answer_breathe(owner, reply);
		return;
	}
	if (reply->error)
		note_refusal(note->proc, note->text, reply);
	else if (note->kind == NOTE_FAULT)
		note->proc->signals += fault->result == PAGER_FAULT_SIGNAL;
	else if (note->kind == NOTE_FORKED)
		note->proc->cow += info->anon;
}

static void reset(struct proc *p)
{
	p->brk_known = false;
	p->brk = 0;
	ranges_clear(&p->guards);
	p->vma = (struct trace_event){0};
	p->ending_count = 0;
}

/* A new, empty space for p; on a refusal p goes without one. */
static void create_space(struct machine *m, struct proc *p,
			 const struct trace_event *e)
{
	struct pager_req_space_create r = {
	    .backend = PAGER_BACKEND_AUTO,
	    .end = SPACE_END,
	    .max_regions = REGIONS_MAX,
	    .max_stack = m->cast.max_stack > STACK_LIMIT ? m->cast.max_stack
							 : STACK_LIMIT,
	};
	struct pager_rep_handle reply = {0};
	struct pager_reply refusal = {.call = PAGER_CALL_SPACE_CREATE};

	snprintf(r.name, sizeof(r.name), "%u", p->pid);
	refusal.error = stream_ask(m->stream, PAGER_CALL_SPACE_CREATE, &r,
				   sizeof(r), &reply, sizeof(reply));
	p->space = refusal.error ? 0 : reply.handle;
	if (refusal.error)
		note_refusal(p, e->text, &refusal);
}

static void fork_space(struct machine *m, struct proc *p, struct proc *parent,
		       const struct trace_event *e)
{
	struct pager_req_space r = {.space = parent->space};
	struct pager_rep_handle reply = {0};
	struct pager_reply refusal = {.call = PAGER_CALL_SPACE_FORK};
	struct note note = note_event(p, e);

	p->forked = true;
	p->execs = 0;
	p->parent_execs = parent->execs;
	p->name = parent->name;
	p->brk_known = parent->brk_known;
	p->brk = parent->brk;
	ranges_copy(&p->guards, &parent->guards);
	if (!parent->space)
		return;
	refusal.error = stream_ask(m->stream, PAGER_CALL_SPACE_FORK, &r,
				   sizeof(r), &reply, sizeof(reply));
	if (refusal.error) {
		note_refusal(p, e->text, &refusal);
		return;
	}
	p->space = reply.handle;
	note.kind = NOTE_FORKED;
	r.space = p->space;
	stream_add(m->stream, PAGER_CALL_SPACE_INFO, &r, sizeof(r), &note);
	if (m->options->picture)
		picture_remember(m, p);
}

static void begin_one(struct machine *m, uint32_t member,
		      const struct trace_event *e)
{
	struct proc *p = &m->procs[member];
	uint32_t parent = m->cast.members[member].parent;

	p->started = true;
	p->member = member;
	p->pid = m->cast.members[member].pid;
	if (parent == CAST_NONE)
		create_space(m, p, e);
	else
		fork_space(m, p, &m->procs[parent], e);
}

/* Bring a member of the cast to life, its parents first. */
static struct proc *begin(struct machine *m, uint32_t member,
			  const struct trace_event *e)
{
	while (!m->procs[member].started) {
		uint32_t first = member, parent;

		while ((parent = m->cast.members[first].parent) != CAST_NONE &&
		       !m->procs[parent].started)
			first = parent;
		begin_one(m, first, e);
	}
	return &m->procs[member];
}

static void exec(struct machine *m, struct proc *p, const struct trace_event *e)
{
	struct pager_req_space r = {.space = p->space};
	struct note note = note_event(p, e);

	reset(p);
	picture_forget(p);
	p->name = e->name;
	if (!m->program[0])
		printable(e->name, m->program, sizeof(m->program));
	p->forked = false;
	p->execs++;
	if (p->space)
		stream_add(m->stream, PAGER_CALL_SPACE_CLEAR, &r, sizeof(r),
			   &note);
	else
		create_space(m, p, e);
}

static void map_vma(struct machine *m, struct proc *p,
		    const struct trace_event *e)
{
	uint32_t flags = 0;

	if (e->shared)
		flags |= PAGER_MAP_SHARED;
	if (trace_text_is(e->name, "[stack]"))
		flags |= PAGER_MAP_GROWSDOWN;
	p->vma = *e;
	call_map(m, p, e, e->addr, e->end - e->addr, (uint32_t)e->prot, flags);
}

/* A private page that exec left in the vma above: written to, whatever the
 * vma allows now. */
static void make_resident(struct machine *m, struct proc *p,
			  const struct trace_event *e)
{
	struct pager_req_protect protect = {
	    .space = p->space,
	    .addr = p->vma.addr,
	    .len = p->vma.end - p->vma.addr,
	    .prot = PAGER_PROT_READ | PAGER_PROT_WRITE,
	};
	struct pager_req_fault fault = {
	    .space = p->space,
	    .addr = e->addr,
	    .access = PAGER_ACCESS_WRITE,
	};
	struct note note = note_event(p, e);
	bool open = !(p->vma.prot & TRACE_WRITE);

	if (p->vma.shared)
		return;
	if (open)
		stream_add(m->stream, PAGER_CALL_PROTECT, &protect,
			   sizeof(protect), &note);
	stream_add(m->stream, PAGER_CALL_FAULT, &fault, sizeof(fault), &note);
	protect.prot = (uint32_t)p->vma.prot;
	if (open)
		stream_add(m->stream, PAGER_CALL_PROTECT, &protect,
			   sizeof(protect), &note);
}

static void forget(struct proc *p)
{
	picture_forget(p);
	for (size_t i = 0; i < p->shown_count; i++) {
		free(p->shown[i].linux_side);
		free(p->shown[i].pagerd_side);
	}
	ranges_clear(&p->guards);
	free(p->endings);
	p->endings = NULL;
	p->ending_count = p->ending_room = 0;
	p->shown_count = 0;
}

static void count_process(struct machine *m, const struct proc *p)
{
	struct totals *t = &m->totals;

	t->processes++;
	t->identical += m->options->verify && p->differing == 0 &&
			p->refused == 0 && p->ending_count > 0;
	t->regions += p->regions;
	t->private_pages += p->private_pages;
	t->cow += p->cow;
	t->differing += p->differing;
	t->refused += p->refused;
	t->signals += p->signals;
}

/* The parent of a process that was forked and has not called exec, if the
 * parent is there and has not either. */
static struct proc *forked_from(struct machine *m, const struct proc *p)
{
	uint32_t index = m->cast.members[p->member].parent;
	struct proc *parent;

	if (!p->forked || index == CAST_NONE)
		return NULL;
	parent = &m->procs[index];
	return parent->space && parent->execs == p->parent_execs ? parent
								 : NULL;
}

static int end_process(struct machine *m, struct proc *p)
{
	struct pager_req_space r = {.space = p->space};
	struct note note = {.kind = NOTE_QUIET};
	struct proc *parent = forked_from(m, p);

	if (m->options->picture && parent && p->space)
		picture_consider(m, p, parent);
	if (verify_process(m, p) < 0)
		return -1;
	if (p->space)
		stream_add(m->stream, PAGER_CALL_SPACE_DESTROY, &r, sizeof(r),
			   &note);
	p->space = 0;
	count_process(m, p);
	report_process(m, p);
	forget(p);
	return 0;
}

/* What a process without a space cannot do counts as refused. */
static bool has_space(struct proc *p, const struct trace_event *e)
{
	struct pager_reply refusal = {
	    .call = PAGER_CALL_SPACE_CREATE,
	    .error = PAGER_ENOENT,
	};

	if (p->space)
		return true;
	if (e->kind != TRACE_FAULT && e->kind != TRACE_THREAD)
		note_refusal(p, e->text, &refusal);
	return false;
}

static int handle(struct machine *m, struct proc *p,
		  const struct trace_event *e)
{
	uint32_t child;

	switch (e->kind) {
	case TRACE_EXEC:
		exec(m, p, e);
		return 0;
	case TRACE_EXIT:
		return end_process(m, p);
	case TRACE_END:
		ending_add(p, e);
		return 0;
	case TRACE_FORK:
	case TRACE_VFORK:
		child = cast_find(&m->cast, e->child, e->line);
		begin(m, child, e);
		return 0;
	default:
		break;
	}
	if (!has_space(p, e))
		return 0;
	switch (e->kind) {
	case TRACE_VMA:
		map_vma(m, p, e);
		break;
	case TRACE_RESIDENT:
		make_resident(m, p, e);
		break;
	case TRACE_MMAP:
		call_mmap(m, p, e);
		break;
	case TRACE_MUNMAP:
		call_munmap(m, p, e);
		break;
	case TRACE_MPROTECT:
		call_mprotect(m, p, e);
		break;
	case TRACE_MREMAP:
		call_mremap(m, p, e);
		break;
	case TRACE_BRK:
		call_brk(m, p, e);
		break;
	case TRACE_MADVISE:
		call_madvise(m, p, e);
		break;
	case TRACE_FAULT:
		call_fault(m, p, e);
		break;
	default: /* a thread: the same space */
		break;
	}
	return 0;
}

/* Something the program did: not what was found when it began or ended. */
static bool is_event(enum trace_kind kind)
{
	return kind != TRACE_VMA && kind != TRACE_RESIDENT && kind != TRACE_END;
}

static int run_lines(struct machine *m, const char *data, size_t size,
		     void (*tick)(uint64_t events), const volatile bool *stop)
{
	struct trace_reader reader;
	struct trace_event e;
	uint64_t lines = 0, told = 0;

	trace_start(&reader, data, size);
	while (trace_next(&reader, &e) > 0) {
		uint32_t member = cast_find(&m->cast, e.pid, e.line);
		struct proc *p;

		if (++lines % TICK == 0) {
			tick(lines - told);
			told = lines;
		}
		if (m->cast.members[member].late)
			continue;
		p = begin(m, member, &e);
		p->events += is_event(e.kind);
		m->totals.events += is_event(e.kind);
		breathe_maybe(m);
		if (handle(m, p, &e) < 0)
			return m->stream->lost ? 2 : 1;
		if (m->stream->lost || *stop)
			return 2;
	}
	object_close(m, m->special.handle);
	stream_flush(m->stream);
	tick(lines - told);
	return m->stream->lost ? 2 : 0;
}

int machine_run(struct machine *m, const char *data, size_t size,
		void (*tick)(uint64_t events), const volatile bool *stop)
{
	int ret = 2;

	m->procs = calloc(m->cast.count + 1u, sizeof(*m->procs));
	m->objects = calloc(m->cast.file_count + 1u, sizeof(*m->objects));
	m->stream->answer = answer;
	m->stream->owner = m;
	if (!m->procs || !m->objects)
		abort();
	for (uint32_t i = 0; i < m->cast.file_count; i++)
		m->objects[i].uses = m->cast.files[i].uses;
	ret = run_lines(m, data, size, tick, stop);
	for (uint32_t i = 0; i < m->cast.count; i++)
		forget(&m->procs[i]);
	m->totals.requests = m->stream->requests;
	free(m->procs);
	free(m->objects);
	return ret;
}
