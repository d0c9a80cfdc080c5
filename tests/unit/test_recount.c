/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The recount notices every kind of damage to tables, nodes and frames, and
 * names it. Spaces, regions, objects and accounts are in
 * test_recount_space.c.
 */
#include <string.h>

#include "lib/core/frame.h"
#include "lib/core/node.h"
#include "tests/support/unit.h"

static struct pager_core *core;
static struct pager_object *object;
static struct pager_space *child;

/* Anonymous at 100 (written) and 101 (zero), an object's private page at 200,
 * shared at 300, read-only at 400, none at 500, alone in its tables. */
static void start(void)
{
	unit_start(NULL);
	core = unit_world.core;
	object = unit_object(8);
	unit_map(unit_space, 100, 8, UNIT_RW);
	unit_put(unit_space, 100, 1);
	unit_get(unit_space, 101);
	unit_put(unit_space, 102, 1);
	unit_map_object(unit_space, 200, 8, UNIT_RW, 0, object, 0);
	unit_get(unit_space, 200);
	unit_put(unit_space, 201, 1);
	unit_map_object(unit_space, 300, 8, UNIT_RW, PAGER_MAP_SHARED, object,
			0);
	unit_put(unit_space, 300, 1);
	unit_put(unit_space, 301, 1);
	unit_map(unit_space, 400, 8, UNIT_RX);
	unit_get(unit_space, 400);
	unit_map(unit_space, 500, 8, UNIT_RW);
	unit_put(unit_space, 500, 1);
	unit_protect(unit_space, 500, 8, 0);
	unit_check();
}

/* The same, with a child that shares all but its root. */
static void start_forked(void)
{
	start();
	child = unit_fork(unit_space);
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

static uint64_t *slot(const struct pager_space *s, uint64_t vpn,
		      unsigned int level)
{
	uint32_t node = s->table.root;

	for (unsigned int l = PTE_LEVELS - 1; l > level; l--)
		node = node_of(node_slots(core, node)[pte_index(vpn, l)]);
	return node_slots(core, node) + pte_index(vpn, level);
}

static uint64_t entry(uint64_t vpn)
{
	return *slot(unit_space, vpn, 0);
}

static void leaf(uint64_t vpn, uint64_t e, const char *word)
{
	BROKEN(uint64_t, *slot(unit_space, vpn, 0), e, word);
}

/* --- leaf entries ------------------------------------------------------------
 */

START_TEST(an_entry_that_points_to_no_used_frame)
{
	start();
	leaf(100, (entry(100) & ~PTE_ADDR), "the zero frame as 1");
	leaf(100, entry(100) | UINT64_C(1) << 50, "points to no used frame");
	leaf(100, (entry(100) & ~PTE_ADDR) | frame_entry(4095),
	     "points to no used frame");
	leaf(100, (entry(100) & ~PTE_ADDR) | node_entry(1),
	     "points to no used frame");
	unit_end();
}
END_TEST

START_TEST(an_entry_without_a_type)
{
	start();
	leaf(100, entry(100) & ~PTE_TYPE, "without a type");
	leaf(103, PTE_A, "without a type");
	leaf(500, entry(500) & ~PTE_TYPE, "without a type");
	unit_end();
}
END_TEST

START_TEST(a_zero_page_that_is_none)
{
	start();
	leaf(101, entry(101) | PTE_W, "is no zero page");
	leaf(101, (entry(101) & ~PTE_ADDR) | (entry(100) & PTE_ADDR),
	     "is no zero page");
	leaf(101, (entry(101) & ~PTE_TYPE) | PTE_ANON, "the zero frame as");
	leaf(100, (entry(100) & ~PTE_TYPE) | PTE_ZERO, "is no zero page");
	unit_end();
}
END_TEST

START_TEST(the_zero_frame_written)
{
	start();
	BROKEN(uint8_t, unit_world.memory[4095], 1, "zero frame was written");
	unit_end();
}
END_TEST

START_TEST(write_permission_on_a_frame_that_others_hold)
{
	start_forked();
	unit_put(child, 103, 1); /* a leaf of its own, the frames shared */
	BROKEN(uint64_t, *slot(child, 100, 0), *slot(child, 100, 0) | PTE_W,
	       "writable, but frame");
	unit_end();
}
END_TEST

START_TEST(an_entry_that_is_not_what_its_region_says)
{
	static const uint64_t pages[] = {100, 101, 200, 201, 300, 400, 500};

	start();
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		leaf(pages[i], entry(pages[i]) ^ PTE_P, "under protection");
		leaf(pages[i], entry(pages[i]) ^ PTE_U, "under protection");
		leaf(pages[i], entry(pages[i]) ^ PTE_NX, "under protection");
	}
	leaf(500, entry(500) | PTE_W, "under protection");
	unit_end();
}
END_TEST

START_TEST(bits_that_nobody_may_set)
{
	static const unsigned int unknown[] = {3,  4,  7,  8,  11, 54, 56,
					       57, 58, 59, 60, 61, 62};

	start();
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		leaf(100, entry(100) | UINT64_C(1) << unknown[i],
		     "do not belong there");
	leaf(100, entry(100) | PTE_LAZY, "do not belong there");
	leaf(101, entry(101) | PTE_LAZY, "do not belong there");
	unit_end();
}
END_TEST

START_TEST(a_page_outside_all_regions)
{
	start();
	leaf(50, entry(101), "outside all regions");
	unit_end();
}
END_TEST

START_TEST(an_object_page_that_is_not_the_objects)
{
	start();
	leaf(300, (entry(300) & ~PTE_ADDR) | (entry(301) & PTE_ADDR),
	     "is not its object's");
	leaf(200, entry(200) | PTE_W, "is not its object's");
	leaf(100, (entry(100) & ~PTE_TYPE) | PTE_OBJECT, "is not its object's");
	unit_end();
}
END_TEST

START_TEST(a_private_page_in_a_shared_region)
{
	start();
	leaf(303, entry(101) & ~PTE_W, "private page");
	unit_end();
}
END_TEST

START_TEST(pages_of_an_object_of_a_wrong_type_or_beyond_its_end)
{
	uint64_t *own;
	uint32_t node;

	start();
	node = object->table.root;
	for (unsigned int l = PTE_LEVELS - 1; l > 0; l--)
		node = node_of(node_slots(core, node)[0]);
	own = node_slots(core, node);
	BROKEN(uint64_t, own[0], (own[0] & ~(PTE_TYPE | PTE_W)) | PTE_ANON,
	       "beyond its end or of a wrong type");
	BROKEN(uint64_t, own[8],
	       frame_entry(0) | PTE_P | PTE_U | PTE_NX | PTE_ZERO,
	       "beyond its end or of a wrong type");
	BROKEN(uint64_t, object->size, 1, "beyond its end or of a wrong type");
	unit_end();
}
END_TEST

/* --- upper entries and nodes -------------------------------------------------
 */

START_TEST(an_upper_entry_that_points_to_no_node_of_its_level)
{
	start();
	for (unsigned int l = 1; l < PTE_LEVELS; l++) {
		uint64_t *s = slot(unit_space, 100, l);
		uint64_t e = *s;

		BROKEN(uint64_t, *s, e & ~PTE_ADDR, "points to no node");
		BROKEN(uint64_t, *s, e & ~PTE_P, "points to no node");
		BROKEN(uint64_t, *s, e & ~PTE_U, "points to no node");
		BROKEN(uint64_t, *s, e | PTE_NX, "points to no node");
		BROKEN(uint64_t, *s, e | PTE_PS, "is no large one");
		BROKEN(uint64_t, *s, e | PTE_CHANGED, "points to no node");
		BROKEN(uint64_t, *s, (e & ~PTE_ADDR) | node_entry(0),
		       "points to no node");
		BROKEN(uint64_t, *s, (e & ~PTE_ADDR) | node_entry(1000),
		       "points to no node");
		BROKEN(uint64_t, *s,
		       (e & ~PTE_ADDR) | node_entry(unit_space->table.root),
		       "points to no node");
		BROKEN(uint64_t, *s, (e & ~PTE_ADDR) | frame_entry(1),
		       "points to no node");
	}
	unit_end();
}
END_TEST

START_TEST(write_permission_on_a_node_that_others_hold)
{
	start_forked();
	BROKEN(uint64_t, *slot(child, 100, 3), *slot(child, 100, 3) | PTE_W,
	       "writable, but has");
	BROKEN(uint64_t, *slot(unit_space, 100, 3),
	       *slot(unit_space, 100, 3) | PTE_W, "writable, but has");
	unit_end();
}
END_TEST

static uint32_t node_below(const struct pager_space *s, uint64_t vpn,
			   unsigned int level)
{
	return node_of(*slot(s, vpn, level));
}

START_TEST(a_nodes_references_sums_and_level)
{
	start();
	for (unsigned int l = 1; l < PTE_LEVELS; l++) {
		struct node *n = node_at(core, node_below(unit_space, 100, l));

		BROKEN(uint32_t, n->anon, n->anon + 1, "sums");
		BROKEN(uint32_t, n->zero, n->zero - 1, "sums");
		BROKEN(uint32_t, n->object, 0, "sums");
		BROKEN(uint8_t, n->level, 3, "points to no node");
		BROKEN(uint8_t, n->used, 0, "points to no node");
	}
	unit_end();
	start_forked();
	for (unsigned int l = 1; l < PTE_LEVELS; l++) {
		struct node *n = node_at(core, node_below(unit_space, 100, l));
		const char *word =
		    l == 3 ? "references, counted" : "writable, but has";

		BROKEN(uint32_t, n->refs, n->refs + 1, word);
		BROKEN(uint32_t, n->refs, n->refs + 70000, word);
	}
	BROKEN(uint32_t, node_at(core, node_below(child, 100, 3))->refs, 1,
	       "references, counted");
	unit_end();
}
END_TEST

START_TEST(the_roots_own_record)
{
	struct node *root;

	start();
	root = node_at(core, unit_space->table.root);
	BROKEN(uint32_t, root->anon, root->anon + 1, "sums");
	BROKEN(uint32_t, root->refs, 2, "references, counted");
	BROKEN(uint8_t, root->level, 2, "no root");
	BROKEN(uint8_t, root->used, 0, "no root");
	BROKEN(uint32_t, unit_space->table.root, NODE_NONE, "no root");
	BROKEN(uint32_t, unit_space->table.root, 1000000, "no root");
	BROKEN(uint32_t, unit_space->table.root, node_below(unit_space, 100, 3),
	       "no root");
	unit_end();
	start_forked();
	BROKEN(uint32_t, child->table.root, unit_space->table.root, "no root");
	unit_end();
}
END_TEST

START_TEST(an_empty_node_that_was_kept)
{
	uint64_t *top;
	uint32_t node;

	start();
	node = node_take(core, unit_world.account, 2);
	top = slot(unit_space, UINT64_C(1) << 30, 3);
	*top = node_entry(node) | PTE_W;
	noticed("is empty and was kept");
	*top = 0;
	node_put(core, node);
	node_drain(core);
	unit_end();
}
END_TEST

START_TEST(a_node_that_nobody_holds)
{
	uint32_t node;

	start();
	node = node_take(core, unit_world.account, 0);
	noticed("references, counted 0");
	node_put(core, node);
	noticed("counted"); /* in limbo: used, without a reference */
	node_drain(core);
	unit_end();
}
END_TEST

START_TEST(the_arenas_lists_and_counts)
{
	struct arena *a;

	start();
	unit_map(unit_space, 1 << 20, 10, UNIT_RW);
	unit_put(unit_space, 1 << 20, 1);
	unit_unmap(unit_space, 1 << 20, 10); /* two nodes are free */
	a = &core->arena;
	ck_assert_uint_ne(a->free_head, NODE_NONE);
	BROKEN(uint64_t, a->used, a->used + 1, "arena");
	BROKEN(uint64_t, a->peak, 1, "arena");
	BROKEN(uint32_t, a->free_head, NODE_NONE, "arena");
	BROKEN(uint32_t, a->free_head, 1000000, "arena");
	BROKEN(uint32_t, a->free_head, unit_space->table.root, "arena");
	BROKEN(uint32_t, a->node[a->free_head].next, a->free_head, "arena");
	BROKEN(uint32_t, a->limbo, a->free_head, "arena");
	unit_end();
}
END_TEST

START_TEST(who_pays_for_a_node)
{
	struct node *n;

	start();
	n = node_at(core, node_below(unit_space, 100, 1));
	BROKEN(uint16_t, n->account, 1, "charged to no account");
	BROKEN(uint16_t, n->account, 65535, "charged to no account");
	unit_end();
}
END_TEST

/* --- frames
 * -------------------------------------------------------------------
 */

START_TEST(a_frames_references)
{
	uint32_t f;

	start_forked();
	unit_put(child, 103, 1);
	f = frame_of(*slot(child, 100, 0));
	ck_assert_uint_eq(frame_refs(core, f), 2);
	frame_get(core, f);
	noticed("3 references, counted 2");
	frame_put(core, f);
	test_world_recount(&unit_world);
	frame_put(core, f);
	noticed("1 references, counted 2");
	frame_get(core, f);
	test_world_recount(&unit_world);
	unit_end();
}
END_TEST

START_TEST(a_frame_that_nobody_holds)
{
	uint32_t f;

	start();
	f = frame_take(core, unit_world.account);
	noticed("1 references, counted 0");
	frame_put(core, f);
	noticed("limbo");
	frame_drain(core);
	test_world_recount(&unit_world);
	unit_end();
}
END_TEST

/* The word of its chunk's bitfield that has the frame's bit. */
static uint64_t *free_word(uint32_t frame)
{
	struct chunk *c = &core->frames.chunk[frame >> CHUNK_SHIFT];

	return &c->free[frame / 64 % CHUNK_WORDS];
}

START_TEST(a_frame_that_is_free_and_used)
{
	uint32_t f;
	uint64_t *word, bit;

	start();
	f = frame_of(entry(100));
	word = free_word(f);
	bit = UINT64_C(1) << (f % 64);
	BROKEN(uint64_t, *word, *word | bit, "no used frame");
	BROKEN(uint16_t, core->frames.account[f], FRAME_IN_LIMBO,
	       "no used frame");
	word = free_word(0);
	BROKEN(uint64_t, *word, *word | 1, "no used frame");
	unit_end();
}
END_TEST

START_TEST(the_zero_frames_references)
{
	start();
	frame_get(core, core->frames.zero);
	noticed("2 references, counted 1");
	frame_put(core, core->frames.zero);
	unit_end();
}
END_TEST

START_TEST(the_pools_counts_and_limbo)
{
	struct frames *p;
	uint32_t f;

	start();
	f = frame_of(entry(102));
	unit_unmap(unit_space, 102, 1);
	ck_assert_uint_eq(frame_state(core, f), FRAME_FREE);
	p = &core->frames;
	BROKEN(uint64_t, p->used, p->used - 1, "pool");
	BROKEN(uint64_t, p->peak, 1, "pool");
	BROKEN(uint64_t, p->total, p->total + 1, "pool");
	BROKEN(uint32_t, p->refs[f], 1, "pool: a free frame has references");
	BROKEN(uint32_t, p->limbo, f, "flush");
	unit_end();
}
END_TEST

START_TEST(a_frame_that_is_lost)
{
	uint64_t *word, bit;
	struct chunk *c;
	uint32_t f;

	start();
	f = frame_of(entry(102));
	unit_unmap(unit_space, 102, 1);
	word = free_word(f);
	bit = UINT64_C(1) << (f % 64);
	c = &core->frames.chunk[f >> CHUNK_SHIFT];
	BROKEN(uint64_t, *word, *word & ~bit, "pool: a chunk's free frames");
	*word &= ~bit;
	c->nfree--;
	core->frames.zone[c->zone].free--;
	core->frames.used++;
	noticed("limbo");
	core->frames.account[f] = 0;
	core->frames.refs[f] = 1;
	noticed("1 references, counted 0");
	core->frames.refs[f] = 0;
	*word |= bit;
	c->nfree++;
	core->frames.zone[c->zone].free++;
	core->frames.used--;
	unit_end();
}
END_TEST

START_TEST(who_pays_for_a_frame)
{
	uint16_t *account;

	start();
	account = &core->frames.account[frame_of(entry(100))];
	BROKEN(uint16_t, *account, 1, "charged to no account");
	BROKEN(uint16_t, *account, 65534, "charged to no account");
	unit_end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    an_entry_that_points_to_no_used_frame,
	    an_entry_without_a_type,
	    a_zero_page_that_is_none,
	    the_zero_frame_written,
	    write_permission_on_a_frame_that_others_hold,
	    an_entry_that_is_not_what_its_region_says,
	    bits_that_nobody_may_set,
	    a_page_outside_all_regions,
	    an_object_page_that_is_not_the_objects,
	    a_private_page_in_a_shared_region,
	    pages_of_an_object_of_a_wrong_type_or_beyond_its_end,
	    an_upper_entry_that_points_to_no_node_of_its_level,
	    write_permission_on_a_node_that_others_hold,
	    a_nodes_references_sums_and_level,
	    the_roots_own_record,
	    an_empty_node_that_was_kept,
	    a_node_that_nobody_holds,
	    the_arenas_lists_and_counts,
	    who_pays_for_a_node,
	    a_frames_references,
	    a_frame_that_nobody_holds,
	    a_frame_that_is_free_and_used,
	    the_zero_frames_references,
	    the_pools_counts_and_limbo,
	    a_frame_that_is_lost,
	    who_pays_for_a_frame,
	};

	return UNIT_RUN("recount", tests);
}
