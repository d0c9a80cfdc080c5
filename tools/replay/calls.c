/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls that change an address space, and faults, as requests.
 *
 * A call that failed in Linux is not sent, but for the part of it that Linux
 * had done when it met a hole: mprotect changes what lies before the hole,
 * madvise acts on all that is mapped. What is populated without faults
 * (MAP_POPULATE, MAP_LOCKED, MADV_POPULATE_*) is populated here, private pages
 * only: nothing else is compared. Guard markers live here, not in pagerd.
 * (Linux 6.18: mm/mmap.c, mm/mprotect.c, mm/madvise.c, mm/gup.c.)
 */
#include <stdlib.h>

#include "tools/replay/replay.h"

/* Linux's numbers, x86-64; the recording's machine may know more of them than
 * this machine's headers. */
#define LINUX_EACCES 13
#define LINUX_ENOMEM 12

#define LINUX_PROT_GROWSDOWN UINT64_C(0x01000000)

#define LINUX_MAP_TYPE		  UINT64_C(0xf)
#define LINUX_MAP_SHARED	  UINT64_C(0x1)
#define LINUX_MAP_SHARED_VALIDATE UINT64_C(0x3)
#define LINUX_MAP_FIXED		  UINT64_C(0x10)
#define LINUX_MAP_GROWSDOWN	  UINT64_C(0x100)
#define LINUX_MAP_LOCKED	  UINT64_C(0x2000)
#define LINUX_MAP_NORESERVE	  UINT64_C(0x4000)
#define LINUX_MAP_POPULATE	  UINT64_C(0x8000)
#define LINUX_MAP_NONBLOCK	  UINT64_C(0x10000)
#define LINUX_MAP_HUGETLB	  UINT64_C(0x40000)
#define LINUX_MAP_NOREPLACE	  UINT64_C(0x100000)

#define FAULT_WRITE 0x02u
#define FAULT_FETCH 0x10u
#define FAULT_KEY   0x20u

enum {
	LINUX_MADV_DONTNEED = 4,
	LINUX_MADV_FREE = 8,
	LINUX_MADV_DONTFORK = 10,
	LINUX_MADV_DOFORK = 11,
	LINUX_MADV_WIPEONFORK = 18,
	LINUX_MADV_KEEPONFORK = 19,
	LINUX_MADV_POPULATE_READ = 22,
	LINUX_MADV_POPULATE_WRITE = 23,
	LINUX_MADV_DONTNEED_LOCKED = 24,
	LINUX_MADV_GUARD_INSTALL = 102,
	LINUX_MADV_GUARD_REMOVE = 103,
};

/* pagerd's memory objects end at 2^48. */
#define OBJECT_MAX (UINT64_C(1) << 48)

uint64_t page_up(uint64_t len)
{
	return (len + PAGE - 1) & ~(PAGE - 1);
}

/* start + len, or the last page's end if that wraps. */
static uint64_t range_end(uint64_t start, uint64_t len)
{
	return len > -PAGE - start ? -PAGE : start + len;
}

static void send_populate(struct machine *m, struct proc *p, struct note *note,
			  uint64_t start, uint64_t len, uint32_t access)
{
	struct pager_req_populate r = {
	    .space = p->space,
	    .addr = start,
	    .len = len,
	    .access = access,
	};

	stream_add(m->stream, PAGER_CALL_POPULATE, &r, sizeof(r), note);
}

static void send_protect(struct machine *m, struct proc *p, struct note *note,
			 uint64_t start, uint64_t len, uint32_t prot)
{
	struct pager_req_protect r = {
	    .space = p->space,
	    .addr = start,
	    .len = len,
	    .prot = prot,
	};

	stream_add(m->stream, PAGER_CALL_PROTECT, &r, sizeof(r), note);
}

/* File offsets beyond what an object can have are folded: only that mappings
 * of one page of a file meet matters here. */
static uint64_t fold(uint64_t offset, uint64_t len)
{
	if (len < OBJECT_MAX / 4 && offset > OBJECT_MAX / 4)
		return offset & (OBJECT_MAX / 4 - 1) & ~(PAGE - 1);
	return offset;
}

/* [vvar], [vdso] and the like: pages of the kernel, which nobody owns. */
static bool is_special(const struct trace_event *e)
{
	return e->kind == TRACE_VMA && e->file.none &&
	       trace_text_begins(e->name, "[v");
}

void call_map(struct machine *m, struct proc *p, const struct trace_event *e,
	      uint64_t start, uint64_t len, uint32_t prot, uint32_t flags)
{
	struct pager_req_map r = {
	    .space = p->space,
	    .addr = start,
	    .len = len,
	    .prot = prot,
	    .flags = flags | PAGER_MAP_FIXED,
	};
	struct note note = note_event(p, e);
	bool shared = flags & PAGER_MAP_SHARED;
	bool object = shared || !e->file.none || is_special(e);

	if (!e->file.none) {
		r.offset = fold(e->offset, len);
		r.object = object_for_file(m, p, e, range_end(r.offset, len));
	} else if (is_special(e)) {
		r.object = object_special(m, p, e, len);
	} else if (shared) {
		r.object = object_anonymous(m, p, e, len);
	}
	if (!object || r.object)
		stream_add(m->stream, PAGER_CALL_MAP, &r, sizeof(r), &note);
	if (!e->file.none)
		object_release(m, &e->file);
	else if (shared && !is_special(e))
		object_close(m, r.object);
	ranges_remove(&p->guards, start, range_end(start, len));
}

static bool is_shared(uint64_t flags)
{
	flags &= LINUX_MAP_TYPE;
	return flags == LINUX_MAP_SHARED || flags == LINUX_MAP_SHARED_VALIDATE;
}

/* Huge pages: what the length is rounded up to. */
static uint64_t map_length(const struct trace_event *e)
{
	unsigned int shift = e->flags >> 26 & 0x3f;
	uint64_t unit = PAGE;

	if (e->flags & LINUX_MAP_HUGETLB)
		unit = UINT64_C(1) << (shift ? shift : 21);
	return (e->len + unit - 1) & ~(unit - 1);
}

void call_mmap(struct machine *m, struct proc *p, const struct trace_event *e)
{
	uint64_t len = map_length(e);
	uint32_t prot = e->prot & PAGER_PROT_ALL;
	uint32_t flags = 0;
	struct note note = note_event(p, e);
	bool populate;

	if (trace_is_errno(e->result))
		return;
	if (is_shared(e->flags))
		flags |= PAGER_MAP_SHARED;
	if (!(e->flags & LINUX_MAP_FIXED) || e->flags & LINUX_MAP_NOREPLACE)
		flags |= PAGER_MAP_NOREPLACE;
	if (e->flags & LINUX_MAP_GROWSDOWN)
		flags |= PAGER_MAP_GROWSDOWN;
	if (e->flags & LINUX_MAP_NORESERVE)
		flags |= PAGER_MAP_NORESERVE;
	call_map(m, p, e, e->result, len, prot, flags);

	populate = e->flags & LINUX_MAP_LOCKED ||
		   (e->flags & (LINUX_MAP_POPULATE | LINUX_MAP_NONBLOCK)) ==
		       LINUX_MAP_POPULATE;
	if (!populate || prot == 0 || is_shared(e->flags))
		return;
	if (prot & PAGER_PROT_WRITE)
		send_populate(m, p, &note, e->result, len, PAGER_ACCESS_WRITE);
	else if (e->file.none)
		send_populate(m, p, &note, e->result, len, PAGER_ACCESS_READ);
}

void call_munmap(struct machine *m, struct proc *p, const struct trace_event *e)
{
	struct pager_req_range r = {
	    .space = p->space,
	    .addr = e->addr,
	    .len = page_up(e->len),
	};
	struct note note = note_event(p, e);

	if (e->ret != 0)
		return;
	stream_add(m->stream, PAGER_CALL_UNMAP, &r, sizeof(r), &note);
	ranges_remove(&p->guards, e->addr, range_end(e->addr, r.len));
}

/*
 * mprotect that failed: what lies before the hole (ENOMEM), or before the
 * shared file that may not be written (EACCES), has the new protection.
 *
 *	|start         |hole|        end|
 *	[####][####][##]....[####][#####]
 *	 changed               as before
 */
static void protect_part(struct machine *m, struct proc *p,
			 const struct trace_event *e, uint64_t len)
{
	struct pager_row_region *rows;
	uint64_t done = e->addr;
	struct note note = note_event(p, e);
	size_t count;

	if (regions_within(m, p->space, e->addr, range_end(e->addr, len), &rows,
			   &count) < 0)
		return;
	for (size_t i = 0; i < count && rows[i].start == done; i++) {
		if (e->ret == -LINUX_EACCES &&
		    rows[i].flags & PAGER_REGION_SHARED && rows[i].object)
			break;
		done = rows[i].end;
	}
	free(rows);
	if (done == range_end(e->addr, len) || done == e->addr)
		return;
	send_protect(m, p, &note, e->addr, done - e->addr,
		     e->prot & PAGER_PROT_ALL);
}

/* PROT_GROWSDOWN: from the start of the mapping that grows down. */
static uint64_t grown_start(struct machine *m, struct proc *p, uint64_t addr)
{
	struct pager_req_addr r = {.space = p->space, .addr = addr};
	struct pager_rep_region reply;

	if (stream_ask(m->stream, PAGER_CALL_REGION_LOOKUP, &r, sizeof(r),
		       &reply, sizeof(reply)) != PAGER_OK)
		return addr;
	return reply.region.start < addr ? reply.region.start : addr;
}

void call_mprotect(struct machine *m, struct proc *p,
		   const struct trace_event *e)
{
	uint64_t start = e->addr, len = page_up(e->len);
	struct note note = note_event(p, e);

	if (len == 0)
		return;
	if (e->ret == -LINUX_ENOMEM || e->ret == -LINUX_EACCES)
		protect_part(m, p, e, len);
	if (e->ret != 0)
		return;
	if (e->prot & LINUX_PROT_GROWSDOWN)
		start = grown_start(m, p, e->addr);
	send_protect(m, p, &note, start, range_end(e->addr, len) - start,
		     e->prot & PAGER_PROT_ALL);
}

/* What pagerd is told for an advice of Linux; 0: nothing. */
static uint32_t advice_for(int64_t advice)
{
	switch (advice) {
	case LINUX_MADV_DONTNEED:
	case LINUX_MADV_DONTNEED_LOCKED:
	case LINUX_MADV_GUARD_INSTALL:
		return PAGER_ADV_DONTNEED;
	case LINUX_MADV_FREE:
		return PAGER_ADV_FREE;
	case LINUX_MADV_DONTFORK:
		return PAGER_ADV_DONTFORK;
	case LINUX_MADV_DOFORK:
		return PAGER_ADV_DOFORK;
	case LINUX_MADV_WIPEONFORK:
		return PAGER_ADV_WIPEONFORK;
	case LINUX_MADV_KEEPONFORK:
		return PAGER_ADV_KEEPONFORK;
	default:
		return 0;
	}
}

static void advise(struct machine *m, struct proc *p,
		   const struct trace_event *e, uint64_t start, uint64_t end)
{
	struct pager_req_advise r = {
	    .space = p->space,
	    .addr = start,
	    .len = end - start,
	    .advice = advice_for(e->advice),
	};
	struct note note = note_event(p, e);

	if (r.advice)
		stream_add(m->stream, PAGER_CALL_ADVISE, &r, sizeof(r), &note);
	if (e->advice == LINUX_MADV_POPULATE_READ)
		send_populate(m, p, &note, start, end - start,
			      PAGER_ACCESS_READ);
	if (e->advice == LINUX_MADV_POPULATE_WRITE)
		send_populate(m, p, &note, start, end - start,
			      PAGER_ACCESS_WRITE);
	if (e->advice == LINUX_MADV_GUARD_INSTALL)
		ranges_add(&p->guards, start, end);
	if (e->advice == LINUX_MADV_GUARD_REMOVE)
		ranges_remove(&p->guards, start, end);
}

/* ENOMEM: a hole. Populating stops there, every other advice goes on. */
static void advise_parts(struct machine *m, struct proc *p,
			 const struct trace_event *e, uint64_t end)
{
	bool stops = e->advice == LINUX_MADV_POPULATE_READ ||
		     e->advice == LINUX_MADV_POPULATE_WRITE;
	struct pager_row_region *rows;
	uint64_t at = e->addr;
	size_t count;

	if (regions_within(m, p->space, e->addr, end, &rows, &count) < 0)
		return;
	for (size_t i = 0; i < count; i++) {
		if (stops && rows[i].start != at)
			break;
		advise(m, p, e, rows[i].start, rows[i].end);
		at = rows[i].end;
	}
	free(rows);
}

void call_madvise(struct machine *m, struct proc *p,
		  const struct trace_event *e)
{
	uint64_t len = page_up(e->len), end = range_end(e->addr, len);

	if (len == 0)
		return;
	if (e->ret == 0)
		advise(m, p, e, e->addr, end);
	else if (e->ret == -LINUX_ENOMEM)
		advise_parts(m, p, e, end);
}

static void send_brk(struct machine *m, struct proc *p,
		     const struct trace_event *e, uint32_t flags)
{
	struct pager_req_brk r = {
	    .space = p->space,
	    .brk = e->result,
	    .flags = flags,
	};
	struct note note = note_event(p, e);

	stream_add(m->stream, PAGER_CALL_BRK, &r, sizeof(r), &note);
}

/* The answer is the break as it is then; a wish that was not granted left it
 * where it was. */
void call_brk(struct machine *m, struct proc *p, const struct trace_event *e)
{
	if (!p->brk_known) {
		send_brk(m, p, e, PAGER_BRK_START);
	} else if (e->result != p->brk) {
		if (e->result < p->brk)
			ranges_remove(&p->guards, page_up(e->result),
				      page_up(p->brk));
		send_brk(m, p, e, 0);
	}
	p->brk_known = true;
	p->brk = e->result;
}

void call_fault(struct machine *m, struct proc *p, const struct trace_event *e)
{
	struct pager_req_fault r = {
	    .space = p->space,
	    .addr = e->addr,
	    .access = e->code & FAULT_WRITE   ? PAGER_ACCESS_WRITE
		      : e->code & FAULT_FETCH ? PAGER_ACCESS_EXEC
					      : PAGER_ACCESS_READ,
	};
	struct note note = note_event(p, e);

	note.kind = NOTE_FAULT;
	if (e->code & FAULT_KEY || ranges_has(&p->guards, e->addr)) {
		p->signals++;
		return;
	}
	stream_add(m->stream, PAGER_CALL_FAULT, &r, sizeof(r), &note);
}
