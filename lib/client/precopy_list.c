/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sorted lists of regions: short enough to be arrays.
 */
#include "lib/client/precopy_int.h"

#include <stdlib.h>
#include <string.h>

void pc_list_fini(struct pc_list *list)
{
	free(list->at);
	*list = (struct pc_list){0};
}

size_t pc_list_find(const struct pc_list *list, uint64_t vpn)
{
	size_t lo = 0, hi = list->count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (list->at[mid].end > vpn)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

static bool room_for(struct pc_list *list, size_t more)
{
	size_t room = list->room ? list->room : 32;
	struct pc_region *at;

	while (room < list->count + more)
		room *= 2;
	if (room == list->room)
		return true;
	at = realloc(list->at, room * sizeof(*at));
	if (!at)
		return false;
	list->at = at;
	list->room = room;
	return true;
}

static void insert(struct pc_list *list, size_t i, const struct pc_region *r)
{
	memmove(list->at + i + 1, list->at + i,
		(list->count - i) * sizeof(*list->at));
	list->at[i] = *r;
	list->count++;
}

bool pc_list_add(struct pc_list *list, const struct pc_region *region)
{
	if (!room_for(list, 1))
		return false;
	insert(list, pc_list_find(list, region->start), region);
	return true;
}

static void move_start(struct pc_region *r, uint64_t start)
{
	if (r->object)
		r->offset += start - r->start;
	r->start = start;
}

/*
 *	before	|--a--|   |----b----|  |--c--|
 *	cut	    |-----------|
 *	after	|-a-|           |b--|  |--c--|
 */
bool pc_list_cut(struct pc_list *list, uint64_t start, uint64_t end)
{
	size_t i = pc_list_find(list, start), n = 0;

	if (start >= end || i == list->count || list->at[i].start >= end)
		return true;
	if (!room_for(list, 1))
		return false;
	if (list->at[i].start < start) {
		struct pc_region tail = list->at[i];

		list->at[i].end = start;
		if (tail.end > end) {
			move_start(&tail, end);
			insert(list, i + 1, &tail);
			return true;
		}
		i++;
	}
	while (i + n < list->count && list->at[i + n].end <= end)
		n++;
	memmove(list->at + i, list->at + i + n,
		(list->count - i - n) * sizeof(*list->at));
	list->count -= n;
	if (i < list->count && list->at[i].start < end)
		move_start(&list->at[i], end);
	return true;
}

static bool alike(const struct pc_region *a, const struct pc_region *b,
		  bool whole)
{
	if ((a->flags ^ b->flags) & PC_KIND || a->object != b->object)
		return false;
	if (a->object && a->offset - a->start != b->offset - b->start)
		return false;
	return !whole || (a->flags == b->flags && a->prot == b->prot);
}

bool pc_list_without(const struct pc_list *a, const struct pc_list *b,
		     bool whole, struct pc_list *out)
{
	size_t j = 0;

	for (size_t i = 0; i < a->count; i++) {
		struct pc_region piece = a->at[i];

		while (piece.start < a->at[i].end) {
			const struct pc_region *r;

			while (j < b->count && b->at[j].end <= piece.start)
				j++;
			r = j < b->count ? &b->at[j] : NULL;
			piece.end = a->at[i].end;
			if (r && r->start > piece.start) {
				if (r->start < piece.end)
					piece.end = r->start;
			} else if (r) {
				if (r->end < piece.end)
					piece.end = r->end;
				if (alike(&piece, r, whole)) {
					move_start(&piece, piece.end);
					continue;
				}
			}
			if (!room_for(out, 1))
				return false;
			out->at[out->count++] = piece;
			move_start(&piece, piece.end);
		}
	}
	return true;
}
