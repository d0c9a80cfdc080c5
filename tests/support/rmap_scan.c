/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The naive reverse map.
 */
#include "tests/support/rmap_scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/core/frame.h"
#include "lib/core/large.h"
#include "lib/core/node.h"
#include "lib/core/rmap.h"
#include "tests/support/world.h"

struct hit {
	uint32_t frame;
	uint32_t node;
	uint64_t *slot;
};

struct scan {
	struct pager_core *core;
	uint8_t *seen; /* by node */
	struct hit *hit;
	size_t count;
	size_t room;
};

static void note(struct scan *s, struct hit hit)
{
	if (s->count == s->room) {
		s->room = s->room ? 2 * s->room : 256;
		s->hit = realloc(s->hit, s->room * sizeof(*s->hit));
		if (!s->hit)
			test_die("scan: no memory");
	}
	s->hit[s->count++] = hit;
}

/* A large entry holds each of its 512 frames. */
static void note_large(struct scan *s, uint32_t node, uint64_t *slot)
{
	for (uint32_t i = 0; i < PTE_SLOTS; i++)
		note(s, (struct hit){large_first(*slot) + i, node, slot});
}

static void walk(struct scan *s, uint32_t node, unsigned int level)
{
	uint64_t *slot = node_slots(s->core, node);

	if (s->seen[node])
		return;
	s->seen[node] = 1;
	for (unsigned int i = 0; i < PTE_SLOTS; i++) {
		enum pager_page_type type = pte_type(slot[i]);

		if (!slot[i])
			continue;
		if (level && pte_large(slot[i]))
			note_large(s, node, &slot[i]);
		else if (level)
			walk(s, node_of(slot[i]), level - 1);
		else if (type == PAGER_PAGE_ANON || type == PAGER_PAGE_OBJECT)
			note(s,
			     (struct hit){frame_of(slot[i]), node, &slot[i]});
	}
}

static int by_frame_and_slot(const void *a, const void *b)
{
	const struct hit *x = a, *y = b;

	if (x->frame != y->frame)
		return x->frame < y->frame ? -1 : 1;
	return (x->slot > y->slot) - (x->slot < y->slot);
}

static void sort(struct scan *s)
{
	if (s->count)
		qsort(s->hit, s->count, sizeof(*s->hit), by_frame_and_slot);
}

static void scan(struct scan *s, struct pager_core *core)
{
	const struct pager_space *space;
	const struct pager_object *object;

	*s = (struct scan){.core = core};
	s->seen = calloc(core->arena.fresh, 1);
	if (!s->seen)
		test_die("scan: no memory");
	LIST_FOREACH (space, &core->spaces, all) {
		walk(s, space->table.root, PTE_LEVELS - 1);
		if (space->snapshot)
			walk(s, space->snapshot->table.root, PTE_LEVELS - 1);
	}
	LIST_FOREACH (object, &core->objects, all)
		if (object->table.root != NODE_NONE)
			walk(s, object->table.root, PTE_LEVELS - 1);
	sort(s);
}

static void end(struct scan *s)
{
	free(s->seen);
	free(s->hit);
}

/* What rmap_each says, in the same form. */
struct asking {
	struct scan found;
	uint32_t frame;
};

static void note_found(void *ctx, uint32_t node, uint64_t *slot)
{
	struct asking *a = ctx;

	for (size_t i = 0; i < a->found.count; i++)
		if (a->found.hit[i].slot == slot)
			return;
	note(&a->found, (struct hit){a->frame, node, slot});
}

static bool same(const struct hit *a, const struct hit *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (a[i].node != b[i].node || a[i].slot != b[i].slot)
			return false;
	return true;
}

static const char *compare(struct scan *s, size_t at, size_t n)
{
	struct asking a = {.frame = s->hit[at].frame};
	static char text[160];
	const char *wrong = NULL;

	rmap_each(s->core, a.frame, note_found, &a);
	sort(&a.found);
	if (a.found.count != n || !same(a.found.hit, &s->hit[at], n))
		wrong = "finds others";
	else if (frame_refs(s->core, a.frame) != n)
		wrong = "has other references";
	if (wrong)
		snprintf(text, sizeof(text),
			 "frame %u: %zu entries, the reverse map %s: %zu, and"
			 " %u references",
			 a.frame, n, wrong, a.found.count,
			 frame_refs(s->core, a.frame));
	free(a.found.hit);
	return wrong ? text : NULL;
}

const char *rmap_scan_differs(struct pager_core *core)
{
	const char *wrong = NULL;
	struct scan s;
	size_t n;

	scan(&s, core);
	for (size_t at = 0; at < s.count && !wrong; at += n) {
		for (n = 1; at + n < s.count; n++)
			if (s.hit[at + n].frame != s.hit[at].frame)
				break;
		wrong = compare(&s, at, n);
	}
	end(&s);
	return wrong;
}

void rmap_scan_verify(struct pager_core *core)
{
	const char *wrong = rmap_scan_differs(core);

	if (wrong)
		test_die("%s", wrong);
}

unsigned int rmap_scan_entries(struct pager_core *core, uint32_t frame)
{
	unsigned int n = 0;
	struct scan s;

	scan(&s, core);
	for (size_t i = 0; i < s.count; i++)
		n += s.hit[i].frame == frame;
	end(&s);
	return n;
}
