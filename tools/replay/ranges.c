/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sorted arrays of ranges; neighbours that touch are one.
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "tools/replay/ranges.h"

static void append(struct ranges *set, uint64_t start, uint64_t end)
{
	if (start >= end)
		return;
	if (set->count > 0 && set->at[set->count - 1].end == start) {
		set->at[set->count - 1].end = end;
		return;
	}
	if (set->count == set->room) {
		set->room = set->room ? set->room * 2 : 8;
		set->at = reallocarray(set->at, set->room, sizeof(*set->at));
		if (!set->at)
			err(2, "guard ranges");
	}
	set->at[set->count++] = (struct span){start, end};
}

/*
 * The set without [start, end), or with it:
 *
 *	....[####]....[####]....[####]....
 *	        |start          end|
 */
static void rebuild(struct ranges *set, uint64_t start, uint64_t end, bool with)
{
	struct ranges out = {0};
	bool done = !with;

	for (size_t i = 0; i < set->count; i++) {
		struct span s = set->at[i];

		append(&out, s.start, s.end < start ? s.end : start);
		if (!done && s.end > start) {
			append(&out, start, end);
			done = true;
		}
		append(&out, s.start > end ? s.start : end, s.end);
	}
	if (!done)
		append(&out, start, end);
	free(set->at);
	*set = out;
}

void ranges_add(struct ranges *set, uint64_t start, uint64_t end)
{
	if (start < end)
		rebuild(set, start, end, true);
}

void ranges_remove(struct ranges *set, uint64_t start, uint64_t end)
{
	if (set->count > 0 && start < end)
		rebuild(set, start, end, false);
}

void ranges_move(struct ranges *set, uint64_t start, uint64_t end, uint64_t to)
{
	struct ranges moved = {0};

	if (set->count == 0 || start >= end)
		return;
	for (size_t i = 0; i < set->count; i++) {
		struct span s = set->at[i];

		if (s.start < start)
			s.start = start;
		if (s.end > end)
			s.end = end;
		if (s.start < s.end)
			append(&moved, s.start - start + to,
			       s.end - start + to);
	}
	ranges_remove(set, start, end);
	ranges_remove(set, to, to + (end - start));
	for (size_t i = 0; i < moved.count; i++)
		ranges_add(set, moved.at[i].start, moved.at[i].end);
	ranges_clear(&moved);
}

void ranges_copy(struct ranges *to, const struct ranges *from)
{
	ranges_clear(to);
	for (size_t i = 0; i < from->count; i++)
		append(to, from->at[i].start, from->at[i].end);
}

bool ranges_has(const struct ranges *set, uint64_t addr)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (set->at[middle].end <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low < set->count && set->at[low].start <= addr;
}

void ranges_clear(struct ranges *set)
{
	free(set->at);
	*set = (struct ranges){0};
}
