/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parser of recordings. Any bytes are a recording or are refused with a
 * line and a reason; a recording that is accepted keeps what a replay builds
 * on: every line has its process, every fork its child, every mapped file an
 * index, and every process an end.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "tools/common/cast.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_event(const struct cast *cast, const struct trace_event *e)
{
	uint32_t index = cast_find(cast, e->pid, e->line), child;

	assert(index < cast->count);
	assert(cast->members[index].pid == e->pid);
	assert(cast->members[index].first <= e->line);
	if (e->kind == TRACE_FORK || e->kind == TRACE_VFORK) {
		child = cast_find(cast, e->child, e->line);
		assert(child < cast->count);
		assert(cast->members[child].fork_line == e->line);
		assert(cast->members[child].parent == index);
	}
	if (e->kind == TRACE_VMA && !e->file.none)
		assert(cast_find_file(cast, &e->file) < cast->file_count);
	if (e->kind == TRACE_MMAP && !e->file.none &&
	    !trace_is_errno(e->result))
		assert(cast_find_file(cast, &e->file) < cast->file_count);
}

/* Nobody is an ancestor of itself, and everybody but leftovers ends. */
static void check_members(const struct cast *cast)
{
	for (uint32_t i = 0; i < cast->count; i++) {
		uint32_t steps = 0;

		assert(cast->members[i].late || cast->members[i].exit_line);
		for (uint32_t p = i; p != CAST_NONE;
		     p = cast->members[p].parent)
			assert(steps++ <= cast->count);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trace_reader reader;
	struct trace_event event;
	struct cast cast;
	uint64_t events = 0;

	if (cast_read(&cast, (const char *)data, size, &reader) < 0) {
		assert(reader.line > 0);
		assert(strlen(reader.why) > 0);
		return 0;
	}
	check_members(&cast);
	trace_start(&reader, (const char *)data, size);
	while (trace_next(&reader, &event) > 0) {
		check_event(&cast, &event);
		events++;
	}
	assert(events == cast.events);
	cast_free(&cast);
	return 0;
}
