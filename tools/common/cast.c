/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One pass over a recording, gathering its processes and files.
 *
 * Members of one pid form a chain from the latest back; their lines do not
 * overlap, so the member of a line is the latest that begins at or before it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/cast.h"

#define MADE_BY_FIRST_EVENT 0u /* the index of the first process */

/* Linux: MAP_LOCKED and MAP_POPULATE; MADV_POPULATE_READ and _WRITE. */
#define MAP_POPULATES	   UINT64_C(0xa000)
#define ADV_POPULATE_READ  22
#define ADV_POPULATE_WRITE 23

/* Open addressing from a hash to an index; the caller tells equals apart. */
struct cast_table {
	uint32_t *slots; /* index + 1, or 0 */
	uint32_t mask;
	uint32_t used;
};

typedef bool same_fn(const struct cast *cast, uint32_t index, const void *key);
typedef uint64_t hash_fn(const struct cast *cast, uint32_t index);

static uint64_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= UINT64_C(0xff51afd7ed558ccd);
	x ^= x >> 33;
	return x;
}

static struct cast_table *table_new(void)
{
	struct cast_table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->mask = 63;
	table->slots = calloc(table->mask + 1, sizeof(*table->slots));
	if (!table->slots) {
		free(table);
		return NULL;
	}
	return table;
}

static void table_free(struct cast_table *table)
{
	if (table)
		free(table->slots);
	free(table);
}

/* The slot of a key: its own, or the free one where it would go. */
static uint32_t *table_slot(const struct cast_table *table,
			    const struct cast *cast, uint64_t hash,
			    same_fn *same, const void *key)
{
	for (uint64_t i = hash;; i++) {
		uint32_t *slot = &table->slots[i & table->mask];

		if (*slot == 0 || same(cast, *slot - 1, key))
			return slot;
	}
}

/* Room for one more; false if there is no memory. */
static bool table_reserve(struct cast_table *table, const struct cast *cast,
			  hash_fn *hash)
{
	uint32_t *old = table->slots;
	uint32_t size = table->mask + 1;

	if (table->used < size / 2)
		return true;
	table->slots = calloc((size_t)size * 2, sizeof(*old));
	if (!table->slots) {
		table->slots = old;
		return false;
	}
	table->mask = size * 2 - 1;
	for (uint32_t i = 0; i < size; i++) {
		uint64_t at;

		if (old[i] == 0)
			continue;
		at = hash(cast, old[i] - 1);
		while (table->slots[at & table->mask] != 0)
			at++;
		table->slots[at & table->mask] = old[i];
	}
	free(old);
	return true;
}

static uint64_t hash_pid(uint32_t pid)
{
	return mix(pid);
}

static uint64_t hash_member(const struct cast *cast, uint32_t index)
{
	return hash_pid(cast->members[index].pid);
}

static bool same_pid(const struct cast *cast, uint32_t index, const void *key)
{
	return cast->members[index].pid == *(const uint32_t *)key;
}

static uint64_t hash_id(const struct trace_file *id)
{
	return mix(mix(id->inode) ^ (uint64_t)id->major << 32 ^ id->minor);
}

static uint64_t hash_file(const struct cast *cast, uint32_t index)
{
	return hash_id(&cast->files[index].id);
}

static bool same_file(const struct cast *cast, uint32_t index, const void *key)
{
	const struct trace_file *a = &cast->files[index].id;
	const struct trace_file *b = key;

	return a->inode == b->inode && a->major == b->major &&
	       a->minor == b->minor;
}

/* An array of count elements gets room for one more. */
static void *grown(void *array, uint32_t count, size_t size)
{
	if (count >= 16 && (count & (count - 1)) != 0)
		return array;
	if (count > 0 && count < 16)
		return array;
	return reallocarray(array, count ? (size_t)count * 2 : 16, size);
}

static uint32_t latest(const struct cast *cast, uint32_t pid)
{
	return *table_slot(cast->by_pid, cast, hash_pid(pid), same_pid, &pid) -
	       1; /* an empty slot is CAST_NONE */
}

/* A new member, the latest of its pid; CAST_NONE if there is no memory. */
static uint32_t add_member(struct cast *cast, uint32_t pid, unsigned long line)
{
	struct cast_member *members;
	uint32_t *slot;

	members = grown(cast->members, cast->count, sizeof(*members));
	if (!members)
		return CAST_NONE;
	cast->members = members;
	if (!table_reserve(cast->by_pid, cast, hash_member))
		return CAST_NONE;
	slot = table_slot(cast->by_pid, cast, hash_pid(pid), same_pid, &pid);
	cast->by_pid->used += *slot == 0;
	members[cast->count] = (struct cast_member){
	    .pid = pid,
	    .parent = CAST_NONE,
	    .older = *slot - 1,
	    .first = line,
	    .last = line,
	};
	*slot = cast->count + 1;
	return cast->count++;
}

static bool add_file(struct cast *cast, const struct trace_file *id)
{
	struct cast_file *files;
	uint32_t *slot;

	if (id->none)
		return true;
	if (!table_reserve(cast->by_file, cast, hash_file))
		return false;
	slot = table_slot(cast->by_file, cast, hash_id(id), same_file, id);
	if (*slot == 0) {
		files = grown(cast->files, cast->file_count, sizeof(*files));
		if (!files)
			return false;
		cast->files = files;
		files[cast->file_count] = (struct cast_file){.id = *id};
		*slot = ++cast->file_count;
		cast->by_file->used++;
	}
	cast->files[*slot - 1].uses++;
	return true;
}

static int bad(struct trace_reader *reader, unsigned long line,
	       const char *what, uint32_t pid)
{
	reader->line = line;
	snprintf(reader->why, sizeof(reader->why), "process %u %s", pid, what);
	return -1;
}

static int no_memory(struct trace_reader *reader)
{
	snprintf(reader->why, sizeof(reader->why), "out of memory");
	return -1;
}

static bool is_ancestor(const struct cast *cast, uint32_t who, uint32_t of)
{
	for (; of != CAST_NONE; of = cast->members[of].parent)
		if (of == who)
			return true;
	return false;
}

/* A fork line: the child is new, or is the one that was seen before it. */
static int cast_child(struct cast *cast, struct trace_reader *reader,
		      const struct trace_event *event, uint32_t parent)
{
	uint32_t child = latest(cast, event->child);
	bool known = child != CAST_NONE && child != MADE_BY_FIRST_EVENT &&
		     cast->members[child].fork_line == 0;

	if (child != CAST_NONE && !known && cast->members[child].exit_line == 0)
		return bad(reader, event->line, "is forked, but is there",
			   event->child);
	if (!known)
		child = add_member(cast, event->child, event->line);
	if (child == CAST_NONE)
		return no_memory(reader);
	if (known && is_ancestor(cast, child, parent))
		return bad(reader, event->line, "is its own ancestor",
			   event->child);
	cast->members[child].parent = parent;
	cast->members[child].fork_line = event->line;
	cast->members[child].last = event->line;
	cast->members[child].vfork = event->kind == TRACE_VFORK;
	return 0;
}

static int cast_event(struct cast *cast, struct trace_reader *reader,
		      const struct trace_event *event)
{
	uint32_t index = latest(cast, event->pid);
	struct cast_member *m;

	if (index == CAST_NONE || cast->members[index].exit_line != 0)
		index = add_member(cast, event->pid, event->line);
	if (index == CAST_NONE)
		return no_memory(reader);
	m = &cast->members[index];
	m->last = event->line;
	m->calls |= event->kind != TRACE_FAULT;

	switch (event->kind) {
	case TRACE_EXEC:
		m->execs = true;
		return 0;
	case TRACE_VMA:
		m->vma_start = event->addr;
		m->vma_end = event->end;
		if (trace_text_is(event->name, "[stack]") &&
		    event->end - event->addr > cast->max_stack)
			cast->max_stack = event->end - event->addr;
		return add_file(cast, &event->file) ? 0 : no_memory(reader);
	case TRACE_FAULT:
		cast->pages += 2;
		return 0;
	case TRACE_MADVISE:
		if (event->advice == ADV_POPULATE_READ ||
		    event->advice == ADV_POPULATE_WRITE)
			cast->pages += 2 * (event->len / 4096);
		return 0;
	case TRACE_RESIDENT:
		cast->pages++;
		if (event->addr < m->vma_start || event->addr >= m->vma_end)
			return bad(reader, event->line,
				   "has a resident page outside the vma above",
				   event->pid);
		return 0;
	case TRACE_MMAP:
		if (trace_is_errno(event->result))
			return 0;
		if (event->flags & MAP_POPULATES)
			cast->pages += 2 * (event->len / 4096);
		return add_file(cast, &event->file) ? 0 : no_memory(reader);
	case TRACE_MREMAP:
		if (event->new_len > event->len &&
		    event->new_len > cast->max_grown &&
		    !trace_is_errno(event->result))
			cast->max_grown = event->new_len;
		return 0;
	case TRACE_FORK:
	case TRACE_VFORK:
		return cast_child(cast, reader, event, index);
	case TRACE_END:
		if (trace_text_is(event->name, "[stack]") &&
		    event->end - event->addr > cast->max_stack)
			cast->max_stack = event->end - event->addr;
		return 0;
	case TRACE_EXIT:
		m->exit_line = event->line;
		return 0;
	default:
		return 0;
	}
}

/* A process begins no later than its children; but not before the end of the
 * process that had its pid. */
static void settle_beginnings(struct cast *cast)
{
	for (uint32_t i = 0; i < cast->count; i++) {
		uint32_t child = i, p;

		for (p = cast->members[i].parent; p != CAST_NONE;
		     child = p, p = cast->members[p].parent) {
			struct cast_member *m = &cast->members[p];
			unsigned long first = cast->members[child].first;

			if (m->older != CAST_NONE &&
			    cast->members[m->older].last >= first)
				first = cast->members[m->older].last + 1;
			if (m->first <= first)
				break;
			m->first = first;
		}
	}
}

static int check_ends(struct cast *cast, struct trace_reader *reader)
{
	if (cast->count == 0) {
		snprintf(reader->why, sizeof(reader->why),
			 "no process: the recording is cut short");
		return -1;
	}
	for (uint32_t i = 0; i < cast->count; i++) {
		struct cast_member *m = &cast->members[i];
		bool forked = m->fork_line != 0 || i == MADE_BY_FIRST_EVENT;

		if (!forked && m->older != CAST_NONE && !m->calls)
			m->late = true;
		else if (m->exit_line == 0)
			return bad(reader, m->last,
				   "has no exit: the recording is cut short",
				   m->pid);
		else if (!forked && !m->execs)
			return bad(reader, m->first,
				   "comes from nowhere: no fork, no exec",
				   m->pid);
	}
	return 0;
}

static int read_all(struct cast *cast, const char *data, size_t size,
		    struct trace_reader *reader)
{
	struct trace_event event;
	int got;

	trace_start(reader, data, size);
	cast->by_pid = table_new();
	cast->by_file = table_new();
	if (!cast->by_pid || !cast->by_file)
		return no_memory(reader);
	while ((got = trace_next(reader, &event)) > 0) {
		cast->events++;
		if (cast_event(cast, reader, &event) < 0)
			return -1;
	}
	if (got < 0)
		return -1;
	settle_beginnings(cast);
	return check_ends(cast, reader);
}

int cast_read(struct cast *cast, const char *data, size_t size,
	      struct trace_reader *reader)
{
	*cast = (struct cast){0};
	if (read_all(cast, data, size, reader) < 0) {
		cast_free(cast);
		return -1;
	}
	return 0;
}

void cast_free(struct cast *cast)
{
	table_free(cast->by_pid);
	table_free(cast->by_file);
	free(cast->members);
	free(cast->files);
	*cast = (struct cast){0};
}

uint32_t cast_find(const struct cast *cast, uint32_t pid, unsigned long line)
{
	uint32_t index = latest(cast, pid);

	while (index != CAST_NONE && cast->members[index].first > line)
		index = cast->members[index].older;
	return index;
}

uint32_t cast_find_file(const struct cast *cast, const struct trace_file *file)
{
	return *table_slot(cast->by_file, cast, hash_id(file), same_file,
			   file) -
	       1;
}
