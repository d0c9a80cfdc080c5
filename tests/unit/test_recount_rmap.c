/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The recount notices every kind of damage to the reverse map: places, lists
 * of places, families and rings, the leaves of objects.
 */
#include <string.h>

#include "lib/core/frame.h"
#include "lib/core/node.h"
#include "lib/core/rmap.h"
#include "lib/core/space.h"
#include "tests/support/unit.h"

static struct pager_core *core;
static struct pager_object *object;
static struct pager_space *child, *third;

/*
 * 100..107 written; two children have copies of the leaf, one of them has
 * moved 104..107 to 700, so that these have lists. An object of two leaves is
 * mapped at 2048.
 */
static void start(void)
{
	unit_start(NULL);
	core = unit_world.core;
	object = unit_object(1024);
	unit_map(unit_space, 100, 8, UNIT_RW);
	unit_fill(unit_space, 100, 8, 1);
	unit_map_object(unit_space, 2048, 1024, UNIT_RW, PAGER_MAP_SHARED,
			object, 0);
	unit_put(unit_space, 2048, 1);
	unit_put(unit_space, 2048 + 600, 1);
	child = unit_fork(unit_space);
	third = unit_fork(unit_space);
	unit_put(child, 100, 50);
	unit_put(third, 100, 60);
	unit_remap(child, 104, 4, 4, PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED,
		   700);
	unit_check();
}

/* The recount says no, and says this. */
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

static uint32_t leaf_at(const struct table *t, uint64_t vpn)
{
	struct path p;
	uint64_t eff;

	ck_assert_ptr_nonnull(table_walk(t, vpn, &p, &eff));
	return p.node[0];
}

static struct node *leaf(const struct pager_space *s, uint64_t vpn)
{
	return node_at(core, leaf_at(&s->table, vpn));
}

static uint32_t *place_of(const struct pager_space *s, uint64_t vpn)
{
	return &core->rmap.place[frame_of(unit_page(s, vpn).entry)];
}

START_TEST(a_frame_with_a_wrong_place)
{
	uint32_t *place, was;

	start();
	place = place_of(unit_space, 101);
	was = *place;
	ck_assert(!(was & RMAP_LIST));
	BROKEN(uint32_t, *place, RMAP_NONE, "does not know of it");
	BROKEN(uint32_t, *place, was + 1, "does not know of it");
	BROKEN(uint32_t, *place, was + (1 << 9), "does not know of it");
	BROKEN(uint32_t, *place, *place_of(unit_space, 102),
	       "does not know of it");
	BROKEN(uint32_t, *place, *place_of(child, 704), "does not know of it");
	BROKEN(uint32_t, *place, RMAP_LIST, "does not know of it");
	BROKEN(uint32_t, *place, RMAP_LIST | 1000000, "does not know of it");
	BROKEN(uint32_t, *place, RMAP_LIST - 1, "does not know of it");
	place = place_of(child, 100);
	BROKEN(uint32_t, *place, RMAP_NONE, "does not know of it");
	unit_end();
}
END_TEST

START_TEST(an_objects_page_with_a_wrong_place)
{
	uint32_t *place;

	start();
	place = place_of(unit_space, 2048);
	BROKEN(uint32_t, *place, RMAP_NONE, "does not know of it");
	BROKEN(uint32_t, *place, *place + 1, "does not know of it");
	BROKEN(uint32_t, *place, *place_of(unit_space, 2648),
	       "does not know of it");
	BROKEN(uint32_t, *place, *place_of(unit_space, 101),
	       "does not know of it");
	unit_end();
}
END_TEST

START_TEST(a_list_that_lacks_a_place)
{
	uint32_t *place, first, second;
	struct rmap *m;

	start();
	m = &core->rmap;
	place = place_of(child, 701);
	ck_assert(*place & RMAP_LIST);
	first = *place & ~RMAP_LIST;
	second = m->list[first].next;
	ck_assert_uint_ne(second, 0);
	ck_assert_uint_eq(m->list[second].next, 0);
	BROKEN(uint32_t, *place, m->list[first].place, "does not know of it");
	BROKEN(uint32_t, *place, m->list[second].place, "does not know of it");
	BROKEN(uint32_t, *place, RMAP_LIST | second, "does not know of it");
	BROKEN(uint32_t, m->list[first].next, 0, "does not know of it");
	BROKEN(uint32_t, m->list[first].next, first, "does not know of it");
	BROKEN(uint32_t, m->list[first].next, 1000000, "does not know of it");
	BROKEN(uint32_t, m->list[first].place, m->list[second].place,
	       "does not know of it");
	BROKEN(uint32_t, m->list[second].place, m->list[first].place,
	       "does not know of it");
	BROKEN(uint32_t, m->list[second].place, m->list[second].place + 1,
	       "does not know of it");
	unit_end();
}
END_TEST

START_TEST(a_list_that_is_wrong_beside_what_is_looked_for)
{
	uint32_t *place, first, second, other;
	struct rmap *m;

	start();
	m = &core->rmap;
	place = place_of(child, 701);
	first = *place & ~RMAP_LIST;
	second = m->list[first].next;
	other = *place_of(child, 702) & ~RMAP_LIST;
	BROKEN(uint32_t, m->list[second].next, first, "list of places");
	BROKEN(uint32_t, m->list[second].next, second, "list of places");
	BROKEN(uint32_t, m->list[second].next, 1000000, "list of places");
	BROKEN(uint32_t, m->list[second].next, other, "list of places");
	unit_end();
}
END_TEST

START_TEST(a_list_that_no_used_frame_has)
{
	uint32_t *place, frame, list;

	start();
	place = place_of(child, 701);
	list = *place;
	frame = frame_of(unit_page(child, 701).entry);
	unit_unmap(child, 701, 1);
	unit_unmap(unit_space, 105, 1);
	unit_unmap(third, 105, 1);
	ck_assert_uint_eq(frame_state(core, frame), FRAME_FREE);
	test_world_recount(&unit_world);
	(void)list;
	/* Another frame's list, by a free one. */
	BROKEN(uint32_t, *place, *place_of(child, 702), "list of places");
	unit_end();
}
END_TEST

START_TEST(places_that_are_lost_or_free_twice)
{
	uint32_t gone, *place;
	struct rmap *m;

	start();
	m = &core->rmap;
	unit_put(child, 700, 1);
	unit_unmap(unit_space, 104, 1);
	unit_unmap(third, 104, 1); /* two places are free */
	gone = m->free_place;
	ck_assert_uint_ne(gone, 0);
	test_world_recount(&unit_world);
	BROKEN(uint32_t, m->used, m->used + 1, "places are miscounted");
	BROKEN(uint32_t, m->used, m->used - 1, "places are miscounted");
	BROKEN(uint32_t, m->fresh, m->fresh + 1, "places are miscounted");
	BROKEN(uint32_t, m->fresh, m->room + 1, "more places than");
	BROKEN(uint32_t, m->free_place, 0, "places are miscounted");
	BROKEN(uint32_t, m->free_place, 1000000, "free list of places");
	BROKEN(uint32_t, m->list[gone].next, gone, "free list of places");
	place = place_of(child, 701);
	BROKEN(uint32_t, m->free_place, *place & ~RMAP_LIST, "place");
	/* A list that its frame no longer knows. */
	m->used += 1;
	m->free_place = m->list[gone].next;
	noticed("places are lost");
	m->free_place = gone;
	m->used -= 1;
	test_world_recount(&unit_world);
	unit_end();
}
END_TEST

START_TEST(a_leaf_of_no_family_or_a_wrong_one)
{
	struct node *n;

	start();
	n = leaf(child, 100);
	BROKEN(uint32_t, n->family, FAMILY_NONE, "does not know of it");
	BROKEN(uint32_t, n->family, leaf(child, 700)->family,
	       "does not know of it");
	BROKEN(uint32_t, n->family, 1000000, "does not know of it");
	n = leaf(unit_space, 2048); /* shared, and only an object's pages */
	BROKEN(uint32_t, n->family, FAMILY_NONE, "a leaf has no family");
	BROKEN(uint32_t, n->family, 1000000, "of no family");
	BROKEN(uint32_t, n->family, leaf(child, 700)->family, "ring");
	n = node_at(core, child->table.root);
	BROKEN(uint32_t, n->family, 1, "ring");
	unit_end();
}
END_TEST

START_TEST(a_ring_that_is_broken)
{
	uint32_t family, head, node;
	struct node *n;

	start();
	node = leaf_at(&child->table, 100);
	n = node_at(core, node);
	family = n->family;
	head = core->rmap.head[family];
	BROKEN(uint32_t, n->of.ring.next, NODE_NONE, "ring");
	BROKEN(uint32_t, n->of.ring.next, node, "ring");
	BROKEN(uint32_t, n->of.ring.next, 1000000, "ring");
	BROKEN(uint32_t, n->of.ring.next, leaf_at(&child->table, 700), "ring");
	BROKEN(uint32_t, n->of.ring.prev, NODE_NONE, "ring");
	BROKEN(uint32_t, n->of.ring.prev, node, "ring");
	BROKEN(uint32_t, n->of.ring.prev, n->of.ring.next, "ring");
	BROKEN(uint32_t, core->rmap.head[family], NODE_NONE, "ring");
	BROKEN(uint32_t, core->rmap.head[family], child->table.root, "ring");
	BROKEN(uint32_t, core->rmap.head[family], 1000000, "ring");
	/* Another member is as good an anchor. */
	core->rmap.head[family] = n->of.ring.next;
	test_world_recount(&unit_world);
	core->rmap.head[family] = head;
	unit_end();
}
END_TEST

START_TEST(a_member_that_is_in_no_ring)
{
	uint32_t node;
	struct node *n;

	start();
	node = leaf_at(&child->table, 100);
	n = node_at(core, node);
	ck_assert_uint_ne(n->of.ring.next, node);
	if (core->rmap.head[n->family] == node)
		core->rmap.head[n->family] = n->of.ring.next;
	node_at(core, n->of.ring.next)->of.ring.prev = n->of.ring.prev;
	node_at(core, n->of.ring.prev)->of.ring.next = n->of.ring.next;
	noticed("in no ring");
	n->of.ring.next = node;
	n->of.ring.prev = node;
	noticed("in no ring");
	n->family = FAMILY_NONE;
	family_join(core, node, leaf_at(&third->table, 100));
	unit_end();
}
END_TEST

START_TEST(names_of_families_that_are_lost_or_free_twice)
{
	struct pager_space *s;
	struct rmap *m;
	uint32_t name;

	start();
	m = &core->rmap;
	s = test_world_space(&unit_world, 0, 4096);
	unit_map(s, 0, 1024, UNIT_RW);
	unit_put(s, 0, 1);
	unit_put(s, 512, 1);
	unit_unmap(s, 0, 1024); /* two names are free */
	name = m->free_family;
	ck_assert_uint_ne(name, FAMILY_NONE);
	BROKEN(uint32_t, m->free_family, FAMILY_NONE,
	       "families are miscounted");
	BROKEN(uint32_t, m->free_family, m->head[name],
	       "families are miscounted");
	BROKEN(uint32_t, m->free_family, 1000000, "free list of families");
	BROKEN(uint32_t, m->head[name], name, "free list of families");
	BROKEN(uint32_t, m->families, m->families + 1,
	       "families are miscounted");
	BROKEN(uint32_t, m->families, 2, "famil");
	BROKEN(uint32_t, m->free_family, leaf(child, 100)->family, "famil");
	unit_end();
}
END_TEST

START_TEST(a_leaf_of_an_object_that_names_another_or_another_part)
{
	struct pager_object *other;
	struct node *n;

	start();
	other = unit_object(1024);
	n = node_at(core, leaf_at(&object->table, 600));
	ck_assert_uint_eq(n->base, 1);
	BROKEN(uint32_t, n->base, 0, "leaf");
	BROKEN(uint32_t, n->base, 2, "leaf");
	BROKEN(struct pager_object *, n->of.object, other, "leaf");
	BROKEN(struct pager_object *, n->of.object, NULL, "leaf");
	BROKEN(uint8_t, n->used, NODE_USED, "leaf");
	n = leaf(child, 100);
	BROKEN(uint8_t, n->used, NODE_OBJECT, "leaf");
	n = node_at(core, child->table.root);
	BROKEN(uint8_t, n->used, NODE_OBJECT, "leaf");
	unit_end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    a_frame_with_a_wrong_place,
	    an_objects_page_with_a_wrong_place,
	    a_list_that_lacks_a_place,
	    a_list_that_is_wrong_beside_what_is_looked_for,
	    a_list_that_no_used_frame_has,
	    places_that_are_lost_or_free_twice,
	    a_leaf_of_no_family_or_a_wrong_one,
	    a_ring_that_is_broken,
	    a_member_that_is_in_no_ring,
	    names_of_families_that_are_lost_or_free_twice,
	    a_leaf_of_an_object_that_names_another_or_another_part,
	};

	return UNIT_RUN("recount-rmap", tests);
}
