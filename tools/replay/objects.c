/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory objects for what a recording maps.
 *
 * All mappings of one file, whoever makes them, are over one object. How long
 * a file is, a recording does not say, so an object is always long enough for
 * every mapping of it, and a growing mremap's growth beyond: beyond-the-end
 * signals do not come from here. A handle is closed when no line maps the file
 * any more; mappings keep the object alive.
 */
#include "tools/replay/replay.h"

static uint64_t create(struct machine *m, struct proc *p,
		       const struct trace_event *e, uint64_t size)
{
	struct pager_req_object_create r = {.size = size};
	struct pager_rep_handle reply = {0};
	struct pager_reply refusal = {.call = PAGER_CALL_OBJECT_CREATE};

	refusal.error = stream_ask(m->stream, PAGER_CALL_OBJECT_CREATE, &r,
				   sizeof(r), &reply, sizeof(reply));
	if (refusal.error) {
		note_refusal(p, e->text, &refusal);
		return 0;
	}
	return reply.handle;
}

/* Make the object if it is not there, grow it if it is too short. */
static uint64_t ensure(struct machine *m, struct proc *p,
		       const struct trace_event *e, struct object *o,
		       uint64_t end)
{
	struct pager_req_object_resize r;
	struct note note = note_event(p, e);

	end += page_up(m->cast.max_grown);
	if (!o->handle) {
		o->handle = create(m, p, e, end);
		o->size = end;
	} else if (end > o->size) {
		r = (struct pager_req_object_resize){o->handle, end};
		stream_add(m->stream, PAGER_CALL_OBJECT_RESIZE, &r, sizeof(r),
			   &note);
		o->size = end;
	}
	return o->handle;
}

uint64_t object_for_file(struct machine *m, struct proc *p,
			 const struct trace_event *e, uint64_t end)
{
	uint32_t index = cast_find_file(&m->cast, &e->file);

	return ensure(m, p, e, &m->objects[index], end);
}

void object_release(struct machine *m, const struct trace_file *file)
{
	struct object *o = &m->objects[cast_find_file(&m->cast, file)];

	if (--o->uses > 0)
		return;
	object_close(m, o->handle);
	o->handle = 0;
}

uint64_t object_special(struct machine *m, struct proc *p,
			const struct trace_event *e, uint64_t end)
{
	return ensure(m, p, e, &m->special, end);
}

uint64_t object_anonymous(struct machine *m, struct proc *p,
			  const struct trace_event *e, uint64_t len)
{
	return create(m, p, e, len + page_up(m->cast.max_grown));
}

void object_close(struct machine *m, uint64_t handle)
{
	struct pager_req_object r = {.object = handle};
	struct note note = {.kind = NOTE_QUIET};

	if (handle)
		stream_add(m->stream, PAGER_CALL_OBJECT_CLOSE, &r, sizeof(r),
			   &note);
}
