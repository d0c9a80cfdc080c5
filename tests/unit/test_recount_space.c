/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The recount notices damage to spaces, regions, objects and accounts; and
 * policy that only one of several spaces over the same tables breaks.
 */
#include <stdio.h>
#include <string.h>

#include "lib/core/node.h"
#include "lib/core/space.h"
#include "tests/support/unit.h"

static struct pager_core *core;
static struct pager_object *object, *other;
static struct pager_space *child;

static void start(void)
{
	unit_start(NULL);
	core = unit_world.core;
	object = unit_object(8);
	other = unit_object(8);
	unit_map(unit_space, 100, 8, UNIT_RW);
	unit_fill(unit_space, 100, 4, 1);
	unit_map_object(unit_space, 200, 8, UNIT_R, 0, object, 0);
	unit_get(unit_space, 200);
	unit_map_object(unit_space, 300, 8, UNIT_RW, PAGER_MAP_SHARED, other,
			0);
	unit_put(unit_space, 300, 1);
	child = unit_fork(unit_space);
	unit_check();
}

static void noticed(const char *word)
{
	char why[256] = "";
	struct pager_status st = pager_core_recount(core, why, sizeof(why));

	ck_assert_msg(st.err == PAGER_ECORRUPT, "not noticed: %s", word);
	ck_assert_msg(strstr(why, word) != NULL,
		      "noticed as \"%s\", not \"%s\"", why, word);
}

#define BROKEN(type, lvalue, value, word)        \
	do {                                     \
		type *broken_ = &(lvalue);       \
		type was_ = *broken_;            \
		*broken_ = (value);              \
		noticed(word);                   \
		*broken_ = was_;                 \
		test_world_recount(&unit_world); \
	} while (0)

static struct pager_region *at(const struct pager_space *s, uint64_t vpn)
{
	return rtree_find(&s->regions, vpn);
}

START_TEST(bounds_of_a_region)
{
	struct pager_region *r;

	start();
	r = at(unit_space, 100);
	BROKEN(uint64_t, r->start, 90, "regions");
	BROKEN(uint64_t, r->end, 109, "regions");
	BROKEN(uint64_t, r->end, 250, "regions");
	BROKEN(uint64_t, r->start, 108, "regions");
	BROKEN(uint64_t, unit_space->range.start, 150, "outside");
	BROKEN(uint64_t, unit_space->range.end, 300, "outside");
	BROKEN(uint64_t, unit_space->regions.count, 2, "regions");
	unit_end();
}
END_TEST

START_TEST(a_region_moved_in_the_index_but_not_in_the_table)
{
	struct pager_region *r;

	start();
	r = at(child, 100);
	rtree_resize(&child->regions, r, 101, 109);
	noticed("outside all regions");
	rtree_resize(&child->regions, r, 100, 107);
	noticed("virtual pages");
	rtree_resize(&child->regions, r, 100, 108);
	test_world_recount(&unit_world);
	/* The other of the two spaces that share the pages. */
	r = at(unit_space, 100);
	rtree_resize(&unit_space->regions, r, 101, 109);
	noticed("outside all regions");
	rtree_resize(&unit_space->regions, r, 100, 108);
	unit_end();
}
END_TEST

START_TEST(policy_is_checked_for_each_space_over_shared_tables)
{
	start();
	for (int i = 0; i < 2; i++) {
		struct pager_space *s = i ? child : unit_space;

		BROKEN(uint32_t, at(s, 100)->prot, 0, "under protection");
		BROKEN(uint32_t, at(s, 100)->prot, PAGER_PROT_ALL,
		       "under protection");
		BROKEN(uint64_t, at(s, 200)->offset, 1, "not its object's");
		BROKEN(uint64_t, at(s, 300)->offset, 1, "not its object's");
		BROKEN(uint32_t, at(s, 300)->flags, PAGER_REGION_OBJECT,
		       "not its object's");
	}
	unit_end();
}
END_TEST

START_TEST(regions_without_pages_may_differ_over_shared_tables)
{
	start();
	unit_protect(child, 106, 2, UNIT_R); /* untouched pages */
	unit_map(unit_space, 400, 50, UNIT_RW);
	unit_unmap(child, 205, 3);
	unit_check();
	unit_end();
}
END_TEST

START_TEST(kind_and_owner_of_a_region)
{
	start();
	BROKEN(uint32_t, at(unit_space, 100)->flags, PAGER_REGION_OBJECT,
	       "of no type");
	BROKEN(uint32_t, at(unit_space, 100)->flags, PAGER_REGION_SHARED,
	       "of no type");
	BROKEN(uint32_t, at(unit_space, 200)->flags, 0, "of no type");
	BROKEN(uint32_t, at(unit_space, 100)->prot, 8, "of no type");
	BROKEN(struct pager_object *, at(unit_space, 200)->object, NULL,
	       "of no type");
	BROKEN(struct pager_space *, at(unit_space, 100)->space, child,
	       "another's");
	unit_end();
}
END_TEST

START_TEST(counters_of_a_space)
{
	start();
	BROKEN(uint64_t, unit_space->virtual_pages, 23, "virtual pages");
	BROKEN(uint64_t, unit_space->peak, 1, "peak below resident");
	BROKEN(struct pager_region *, unit_space->last, at(child, 100),
	       "last region");
	BROKEN(uint64_t, core->space_count, 3, "spaces");
	BROKEN(uint64_t, core->object_count, 1, "objects");
	BROKEN(uint64_t, core->region_count, 7, "regions");
	unit_end();
}
END_TEST

START_TEST(a_snapshots_regions_and_table)
{
	struct pager_space *snap;

	start();
	unit_ok(pager_space_snapshot(unit_space));
	snap = unit_space->snapshot;
	BROKEN(uint64_t, snap->virtual_pages, 1, "virtual pages");
	BROKEN(uint64_t, at(snap, 100)->end, 120, "regions");
	BROKEN(uint32_t, at(snap, 100)->prot, 0, "under protection");
	BROKEN(uint32_t, snap->table.root, unit_space->table.root, "no root");
	BROKEN(uint32_t, node_at(core, snap->table.root)->refs, 2,
	       "references, counted");
	pager_space_snapshot_drop(unit_space);
	unit_end();
}
END_TEST

START_TEST(an_objects_mappings)
{
	struct pager_region *r;

	start();
	BROKEN(uint64_t, object->mappings, 1, "mappings, counted");
	BROKEN(uint64_t, object->mappings, 3, "mappings, counted");
	BROKEN(uint64_t, object->refs, 1, "mappings, counted");
	/* A region that its object does not know: shrinking would miss it. */
	r = at(unit_space, 200);
	LIST_REMOVE(r, mapped);
	noticed("mappings, counted");
	object->mappings--;
	noticed("map objects, which know of");
	/* A region in the list of another object. */
	LIST_INSERT_HEAD(&other->regions, r, mapped);
	noticed("a region of another");
	LIST_REMOVE(r, mapped);
	LIST_INSERT_HEAD(&object->regions, r, mapped);
	object->mappings++;
	test_world_recount(&unit_world);
	unit_end();
}
END_TEST

START_TEST(an_objects_region_that_is_in_no_space)
{
	struct pager_region stray = {
	    .start = 200, .end = 208, .flags = PAGER_REGION_OBJECT};

	start();
	stray.space = unit_space;
	stray.object = object;
	LIST_INSERT_HEAD(&object->regions, &stray, mapped);
	object->mappings++;
	object->refs++;
	noticed("a region of another");
	LIST_REMOVE(&stray, mapped);
	object->mappings--;
	object->refs--;
	test_world_recount(&unit_world);
	unit_end();
}
END_TEST

START_TEST(every_resource_of_an_account)
{
	struct pager_account *a;

	start();
	a = unit_world.account;
	for (int r = 0; r < PAGER_RES_COUNT; r++) {
		char word[32];

		snprintf(word, sizeof(word), "resource %d", r);
		BROKEN(uint64_t, a->used[r], a->used[r] + 1, word);
		BROKEN(uint64_t, a->used[r], a->used[r] - 1, word);
	}
	BROKEN(uint32_t, core->account_count, 2, "accounts, counted");
	unit_end();
}
END_TEST

START_TEST(what_is_charged_to_somebody_else)
{
	uint64_t limit[PAGER_RES_COUNT] = {0};
	struct pager_account *b;

	start();
	b = pager_account_new(core, limit);
	ck_assert_ptr_nonnull(b);
	BROKEN(struct pager_account *, child->account, b, "resource");
	BROKEN(struct pager_account *, object->account, b, "resource");
	BROKEN(uint16_t, node_at(core, child->table.root)->account, b->id,
	       "resource");
	pager_account_put(b);
	unit_end();
}
END_TEST

START_TEST(the_sentence_is_cut_to_the_room_there_is)
{
	char why[8] = "xxxxxxx";

	start();
	unit_space->virtual_pages++;
	ck_assert_uint_eq(pager_core_recount(core, why, sizeof(why)).err,
			  PAGER_ECORRUPT);
	ck_assert_str_eq(why, "space 1");
	ck_assert_uint_eq(pager_core_recount(core, NULL, 0).err,
			  PAGER_ECORRUPT);
	unit_space->virtual_pages--;
	unit_end();
}
END_TEST

START_TEST(without_room_to_count_it_says_so_and_is_not_wrong)
{
	char why[64] = "";

	start();
	unit_world.host_limit = unit_world.host_bytes;
	ck_assert_uint_eq(pager_core_recount(core, why, sizeof(why)).err,
			  PAGER_ENOMEM);
	unit_world.host_limit = 0;
	unit_ok(pager_core_recount(core, why, sizeof(why)));
	ck_assert_str_eq(why, "");
	unit_end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    bounds_of_a_region,
	    a_region_moved_in_the_index_but_not_in_the_table,
	    policy_is_checked_for_each_space_over_shared_tables,
	    regions_without_pages_may_differ_over_shared_tables,
	    kind_and_owner_of_a_region,
	    counters_of_a_space,
	    a_snapshots_regions_and_table,
	    an_objects_mappings,
	    an_objects_region_that_is_in_no_space,
	    every_resource_of_an_account,
	    what_is_charged_to_somebody_else,
	    the_sentence_is_cut_to_the_room_there_is,
	    without_room_to_count_it_says_so_and_is_not_wrong,
	};

	return UNIT_RUN("recount_space", tests);
}
