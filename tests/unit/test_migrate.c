/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Migration: nobody notices. A picture of all that can be observed is the same
 * before and after but for the frames' addresses; the bytes are; every CPU
 * reads them; and the reverse map, compared with a scan of all tables, knows
 * the new frames.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/core/frame.h"
#include "lib/core/migrate.h"
#include "lib/core/space.h"
#include "tests/support/rmap_scan.h"
#include "tests/support/unit.h"

static struct pager_core *core;
static struct pager_object *object;
static struct pager_space *child, *third;
static struct pager_account *other; /* pays for third's own pages */

/*
 * Pages of every kind:
 *	100..107  written			108, 109  zero pages
 *	110  lazy		111  harvested (CHANGED)
 *	112  none		113  read and execute
 *	300..307  an object, shared	400..407  private: borrowed and copied
 * A child has copied the leaf and moved 104..107 to 700; a third space, of
 * another account, shares what it did not write.
 */
static void start_with(const struct test_world_config *config)
{
	static const uint64_t none[PAGER_RES_COUNT] = {UINT64_MAX, UINT64_MAX,
						       UINT64_MAX, UINT64_MAX,
						       UINT64_MAX, UINT64_MAX};

	unit_start(config);
	core = unit_world.core;
	other = pager_account_new(core, none);
	object = unit_object(16);
	unit_map(unit_space, 100, 14, UNIT_RW);
	unit_fill(unit_space, 100, 8, 1);
	unit_get(unit_space, 108);
	unit_get(unit_space, 109);
	unit_fill(unit_space, 110, 4, 30);
	unit_ok(pager_space_populate(unit_space, pager_range(100, 101),
				     PAGER_ACCESS_WRITE, &(uint64_t){0}));
	unit_advise(unit_space, 110, 1, PAGER_ADV_FREE);
	pager_space_harvest(unit_space, pager_range(111, 112));
	unit_protect(unit_space, 112, 1, 0);
	unit_protect(unit_space, 113, 1, UNIT_RX);
	unit_map_object(unit_space, 300, 8, UNIT_RW, PAGER_MAP_SHARED, object,
			2);
	unit_fill(unit_space, 300, 8, 50);
	unit_map_object(unit_space, 400, 8, UNIT_RW, 0, object, 4);
	for (uint64_t v = 400; v < 406; v++)
		unit_get(unit_space, v);
	unit_put(unit_space, 400, 70);
	child = unit_fork(unit_space);
	unit_remap(child, 104, 4, 4, PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED,
		   700);
	unit_put(child, 100, 80);
	unit_ok(pager_space_fork(child, other, &third));
	unit_put(third, 701, 90);
	unit_put(unit_space, 108, 33);
}

static void start(void)
{
	start_with(NULL);
}

static void verify(void)
{
	unit_check();
	rmap_scan_verify(core);
}

static void end(void)
{
	verify();
	while (!LIST_EMPTY(&core->spaces))
		pager_space_free(LIST_FIRST(&core->spaces));
	verify();
	ck_assert_uint_eq(core->rmap.used, 0);
	pager_account_put(other);
	unit_end();
}

static uint32_t frame_at(const struct pager_space *s, uint64_t vpn)
{
	return frame_of(unit_page(s, vpn).entry);
}

/* --- looking -----------------------------------------------------------------
 */

/* The machine's picture without the addresses of frames. */
static char *picture(void)
{
	char *text = unit_picture(), *at = text;

	while ((at = strstr(at, " entry 0x"))) {
		char *end, masked[32];
		uint64_t e = strtoull(at + 7, &end, 16) & ~PTE_ADDR;

		snprintf(masked, sizeof(masked), "%#0*" PRIx64,
			 (int)(end - at - 7), e);
		memcpy(at + 7, masked, (size_t)(end - at - 7));
		at = end;
	}
	return text;
}

static void same_picture(char *before, const char *what)
{
	char *now = picture();

	if (strcmp(before, now) != 0)
		test_die("%s was noticed\nfrom\n%sto\n%s", what, before, now);
	free(before);
	free(now);
}

/* The bytes of all pages of all spaces, as the table has them. */
struct bytes {
	size_t count;
	uint8_t page[256][PAGER_PAGE_SIZE];
};

static void take_bytes(struct bytes *b)
{
	struct pager_region_info r;
	struct pager_space *s;

	b->count = 0;
	LIST_FOREACH (s, &core->spaces, all)
		for (uint64_t v = 0; pager_space_region(s, v, &r);
		     v = r.range.end)
			for (v = r.range.start; v < r.range.end; v++) {
				struct pager_page_info p = unit_page(s, v);

				if (!p.entry || !core->frames.memory)
					continue;
				ck_assert_uint_lt(b->count, 256);
				memcpy(b->page[b->count++],
				       frame_bytes(core, frame_of(p.entry)),
				       PAGER_PAGE_SIZE);
			}
}

static void same_bytes(const struct bytes *before)
{
	struct bytes *now = malloc(sizeof(*now));

	ck_assert_ptr_nonnull(now);
	take_bytes(now);
	ck_assert_uint_eq(now->count, before->count);
	for (size_t i = 0; i < now->count; i++)
		ck_assert_mem_eq(now->page[i], before->page[i],
				 PAGER_PAGE_SIZE);
	free(now);
}

/* --- one frame ---------------------------------------------------------------
 */

static bool is_used(uint32_t frame)
{
	return frame != core->frames.zero &&
	       frame_state(core, frame) == FRAME_USED;
}

/* Move a frame; what it was is made unlike it. */
static uint32_t move(uint32_t from)
{
	struct bytes *b = malloc(sizeof(*b));
	uint16_t account = core->frames.account[from];
	uint32_t refs = frame_refs(core, from);
	uint64_t moved = unit_stats().migrations;
	char *before = picture();
	uint32_t to;

	ck_assert_ptr_nonnull(b);
	ck_assert(migrate_may(core, from));
	take_bytes(b);
	to = frame_take(core, unit_world.account);
	if (core->frames.memory)
		memset(frame_bytes(core, to), 0xdd, PAGER_PAGE_SIZE);
	migrate_to(core, from, to);
	if (core->frames.memory)
		memset(frame_bytes(core, from), 0xee, PAGER_PAGE_SIZE);
	ck_assert_uint_eq(frame_state(core, from), FRAME_FREE);
	ck_assert_uint_eq(core->frames.account[to], account);
	ck_assert_uint_eq(frame_refs(core, to), refs);
	ck_assert_uint_eq(unit_stats().migrations, moved + 1);
	same_picture(before, "a migration");
	same_bytes(b);
	free(b);
	verify();
	return to;
}

START_TEST(every_frame_moves_and_nobody_notices)
{
	unsigned int moved = 0;

	start();
	for (uint32_t f = 0; f < 4096; f++)
		if (is_used(f)) {
			move(f);
			moved++;
		}
	ck_assert_uint_ge(moved, 24);
	end();
}
END_TEST

START_TEST(frames_that_move_again_and_again)
{
	uint32_t shared, lone, obj;

	start();
	shared = frame_at(unit_space, 105);
	lone = frame_at(child, 100);
	obj = frame_at(unit_space, 302);
	for (int i = 0; i < 10; i++) {
		shared = move(shared);
		lone = move(lone);
		obj = move(obj);
	}
	ck_assert_uint_eq(frame_at(unit_space, 105), shared);
	ck_assert_uint_eq(frame_at(child, 100), lone);
	ck_assert_uint_eq(object_page(object, 4), obj);
	end();
}
END_TEST

START_TEST(without_memory_only_the_tables_change)
{
	const struct test_world_config config = {.no_memory = true};
	struct pager_fault_info info;
	char *before;
	uint32_t to;

	unit_start(&config);
	core = unit_world.core;
	unit_map(unit_space, 100, 2, UNIT_RW);
	info = unit_fault(unit_space, 100, PAGER_ACCESS_WRITE);
	child = unit_fork(unit_space);
	before = picture();
	to = frame_take(core, unit_world.account);
	migrate_to(core, (uint32_t)(info.pa >> PAGER_PAGE_SHIFT), to);
	same_picture(before, "a migration");
	ck_assert_uint_eq(frame_at(child, 100), to);
	verify();
	unit_end();
}
END_TEST

START_TEST(who_paid_goes_on_paying)
{
	uint64_t mine, theirs;
	uint32_t to;

	start();
	mine = unit_used(PAGER_RES_FRAMES);
	theirs = pager_account_used(other, PAGER_RES_FRAMES);
	ck_assert_uint_ge(theirs, 1);
	move(frame_at(third, 701)); /* taken by us, paid by them */
	to = frame_take(core, other);
	migrate_to(core, frame_at(unit_space, 101), to);
	verify();
	ck_assert_uint_eq(unit_used(PAGER_RES_FRAMES), mine);
	ck_assert_uint_eq(pager_account_used(other, PAGER_RES_FRAMES), theirs);
	end();
}
END_TEST

START_TEST(marks_of_entries_stay)
{
	uint64_t e;

	start();
	e = unit_page(unit_space, 111).entry;
	ck_assert(e & PTE_CHANGED && !(e & (PTE_D | PTE_A)));
	move(frame_of(e));
	ck_assert_uint_eq(unit_page(unit_space, 111).entry & ~PTE_ADDR,
			  e & ~PTE_ADDR);
	/* Only the leaf of a space that still has it alone keeps LAZY. */
	unit_put(unit_space, 110, 1);
	unit_advise(unit_space, 110, 1, PAGER_ADV_FREE);
	e = unit_page(unit_space, 110).entry;
	move(frame_of(e));
	ck_assert_uint_eq(unit_page(unit_space, 110).entry & ~PTE_ADDR,
			  e & ~PTE_ADDR);
	e = unit_page(unit_space, 112).entry;
	ck_assert(e && !(e & PTE_P));
	move(frame_of(e));
	unit_protect(unit_space, 112, 1, UNIT_RW);
	ck_assert_uint_eq(unit_get(unit_space, 112), 32);
	e = unit_page(unit_space, 102).entry;
	ck_assert(e & PTE_D && e & PTE_A);
	move(frame_of(e));
	ck_assert(unit_page(unit_space, 102).entry & PTE_D);
	end();
}
END_TEST

START_TEST(a_lazy_page_that_moved_goes_when_memory_is_short)
{
	const struct test_world_config config = {.frames = 24};
	uint32_t to;

	unit_start(&config);
	core = unit_world.core;
	unit_map(unit_space, 100, 32, UNIT_RW);
	unit_fill(unit_space, 100, 20, 1);
	unit_advise(unit_space, 100, 20, PAGER_ADV_FREE);
	ck_assert(unit_page(unit_space, 105).entry & PTE_LAZY);
	to = frame_take(core, unit_world.account);
	migrate_to(core, frame_at(unit_space, 105), to);
	ck_assert(unit_page(unit_space, 105).entry & PTE_LAZY);
	verify();
	unit_fill(unit_space, 120, 12, 1);
	ck_assert_uint_eq(unit_page(unit_space, 105).entry, 0);
	verify();
	unit_end();
}
END_TEST

START_TEST(pages_are_still_copied_on_write_afterwards)
{
	uint32_t frame;

	start();
	frame = move(frame_at(unit_space, 103));
	ck_assert_uint_eq(frame_refs(core, frame), 2);
	unit_put(child, 103, 99);
	verify();
	ck_assert_uint_eq(unit_get(unit_space, 103), 4);
	ck_assert_uint_eq(unit_get(third, 103), 4);
	unit_put(unit_space, 103, 98);
	unit_put(third, 103, 97);
	verify();
	ck_assert_uint_eq(frame_refs(core, frame), 1);
	/* The last one writes without a copy. */
	ck_assert_uint_eq(frame_at(third, 103), frame);
	end();
}
END_TEST

START_TEST(lists_of_places_go_along)
{
	uint32_t frame, used;

	start();
	used = core->rmap.used;
	ck_assert_uint_gt(used, 0);
	frame = move(frame_at(unit_space, 106));
	ck_assert_uint_eq(core->rmap.used, used);
	unit_remap(unit_space, 106, 1, 1,
		   PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED, 1500);
	verify();
	frame = move(frame);
	unit_remap(child, 702, 1, 1, PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED,
		   106);
	verify();
	frame = move(frame);
	ck_assert_uint_eq(frame_at(child, 106), frame);
	ck_assert_uint_eq(frame_at(unit_space, 1500), frame);
	ck_assert_uint_eq(frame_at(third, 702), frame);
	end();
}
END_TEST

START_TEST(an_objects_page_moves_under_all_who_map_it)
{
	struct pager_space *s;
	uint32_t frame;

	start();
	s = test_world_space(&unit_world, 0, 64);
	unit_map_object(s, 1, 16, UNIT_R, PAGER_MAP_SHARED, object, 0);
	for (uint64_t v = 1; v < 17; v++)
		unit_get(s, v);
	frame = frame_at(unit_space, 304);
	ck_assert_uint_eq(frame_at(s, 7), frame);
	ck_assert_uint_eq(frame_at(unit_space, 402), frame);
	frame = move(frame);
	ck_assert_uint_eq(object_page(object, 6), frame);
	ck_assert_uint_eq(frame_at(s, 7), frame);
	ck_assert_uint_eq(frame_at(unit_space, 402), frame);
	unit_put(unit_space, 304, 123);
	ck_assert_uint_eq(unit_get(s, 7), 123);
	ck_assert_uint_eq(unit_get(child, 402), 123);
	ck_assert_uint_eq(unit_get(third, 304), 123);
	unit_ok(pager_object_resize(object, 5));
	end();
}
END_TEST

START_TEST(what_a_snapshot_keeps_moves_too)
{
	uint8_t first;

	start();
	unit_ok(pager_space_snapshot(unit_space));
	unit_fill(unit_space, 100, 3, 99);
	unit_unmap(unit_space, 300, 4);
	unit_unmap(unit_space, 400, 8);
	unit_remap(unit_space, 105, 2, 2,
		   PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED, 2000);
	verify();
	for (uint32_t f = 0; f < 4096; f++)
		if (is_used(f))
			move(f);
	pager_space_snapshot_restore(unit_space);
	verify();
	for (uint64_t v = 100; v < 108; v++)
		ck_assert_uint_eq(unit_get(unit_space, v), v - 99);
	for (uint64_t v = 300; v < 308; v++)
		ck_assert_uint_eq(unit_get(unit_space, v), v - 250);
	first = unit_get(unit_space, 400);
	ck_assert_uint_eq(first, 70);
	end();
}
END_TEST

START_TEST(the_zero_frame_and_pinned_ones_stay)
{
	uint32_t frame;

	start();
	ck_assert(!migrate_may(core, core->frames.zero));
	frame = frame_at(unit_space, 101);
	ck_assert(migrate_may(core, frame));
	core->frames.pins[frame] = 1;
	ck_assert(!migrate_may(core, frame));
	core->frames.pins[frame] = 0;
	end();
}
END_TEST

/* --- processors --------------------------------------------------------------
 */

static uint8_t get_by(struct pager_space *s, unsigned int cpu, uint64_t vpn)
{
	struct pager_access_stop why;
	uint64_t done;
	uint8_t value;

	unit_ok(pager_space_read(s, cpu, pager_vpn_to_va(vpn), &value, 1, &done,
				 &why));
	return value;
}

static void by_all(uint64_t vpn, uint8_t value)
{
	struct pager_space *all[] = {unit_space, child, third};

	for (int i = 0; i < 3; i++)
		for (unsigned int cpu = 0; cpu < 4; cpu++)
			ck_assert_uint_eq(get_by(all[i], cpu, vpn), value);
}

START_TEST(no_processor_goes_on_with_the_old_frame)
{
	const struct test_world_config config = {.cpus = 4};

	start_with(&config);
	for (uint64_t v = 101; v < 104; v++)
		by_all(v, (uint8_t)(v - 99));
	by_all(302, 52);
	for (uint64_t v = 101; v < 104; v++)
		move(frame_at(unit_space, v));
	move(frame_at(unit_space, 302));
	for (uint64_t v = 101; v < 104; v++)
		by_all(v, (uint8_t)(v - 99));
	by_all(302, 52);
	end();
}
END_TEST

START_TEST(a_flush_that_is_left_out_is_noticed)
{
	uint64_t stale = 0;
	uint32_t from, to;

	start();
	unit_put(unit_space, 101, 5);
	from = frame_at(unit_space, 101);
	to = frame_take(core, unit_world.account);
	pager_sim_skip_flushes(unit_world.sim, 1);
	migrate_to(core, from, to);
	memset(frame_bytes(core, from), 0xee, PAGER_PAGE_SIZE);
	ck_assert(!pager_sim_check(unit_world.sim, unit_space, &stale));
	ck_assert_uint_eq(stale, 101);
	ck_assert_uint_eq(unit_get(unit_space, 101), 0xee);
	core_forget(core, from, 1);
	ck_assert_uint_eq(unit_get(unit_space, 101), 5);
	end();
}
END_TEST

/* A backend before sim at whose flush of frames other processors are still at
 * work. */
static struct {
	struct pager_mmu inner;
	struct pager_mmu_ops ops;
	struct pager_space *space;
	uint64_t vpn;
	uint64_t bits; /* a walk that began before sets these */
	bool write;    /* and a cached translation is written through */
	bool visible;  /* an entry was still present */
	unsigned int forgets;
} late;

static void late_forget(void *mmu, struct pager_pfn pfn, uint64_t pages)
{
	uint8_t value = 0xab;
	struct pager_mmu_fault fault;
	struct path p;
	uint64_t eff;
	uint64_t *slot = table_walk(&late.space->table, late.vpn, &p, &eff);

	late.forgets++;
	ck_assert_uint_le(pfn.n, frame_of(*slot));
	ck_assert_uint_gt(pfn.n + pages, frame_of(*slot));
	late.visible |= *slot & PTE_P;
	*slot |= late.bits;
	if (late.write)
		ck_assert_int_eq(late.inner.ops->access(
				     mmu, 1, late.space, late.vpn, 77, &value,
				     1, PAGER_ACCESS_WRITE, &fault),
				 PAGER_ACCESS_DONE);
	late.inner.ops->forget(mmu, pfn, pages);
}

static struct pager_space *late_space(void)
{
	struct pager_space *s;

	unit_start(NULL);
	core = unit_world.core;
	/* Nobody but this backend may flush. */
	pager_space_free(unit_space);
	late.inner = unit_world.mmu;
	late.ops = *unit_world.mmu.ops;
	late.ops.forget = late_forget;
	late.ops.caps = 0;
	unit_ok(pager_space_new(
	    core, unit_world.account,
	    (struct pager_mmu){.ops = &late.ops, .mmu = late.inner.mmu},
	    pager_range(0, 4096), NULL, &s));
	late.space = s;
	late.vpn = 100;
	unit_map(s, 100, 4, UNIT_RW);
	return s;
}

static void migrate_late(struct pager_space *s)
{
	uint32_t to = frame_take(core, unit_world.account);

	late.forgets = 0;
	migrate_to(core, frame_at(s, 100), to);
	ck_assert_uint_eq(late.forgets, 1);
	ck_assert(!late.visible);
	verify();
}

START_TEST(a_write_through_a_cached_translation_is_not_lost)
{
	struct pager_access_stop why;
	struct pager_space *s = late_space();
	uint8_t value = 1, got;
	uint64_t done;

	unit_ok(pager_space_write(s, 1, pager_vpn_to_va(100), &value, 1, &done,
				  &why));
	late.write = true;
	migrate_late(s);
	unit_ok(pager_space_read(s, 0, pager_vpn_to_va(100) + 77, &got, 1,
				 &done, &why));
	ck_assert_uint_eq(got, 0xab);
	unit_end();
}
END_TEST

START_TEST(bits_that_a_processor_sets_until_the_flush_are_kept)
{
	struct pager_space *s = late_space();

	unit_fault(s, 100, PAGER_ACCESS_WRITE);
	ck_assert(!(unit_page(s, 100).entry & (PTE_A | PTE_D)));
	late.bits = PTE_A;
	migrate_late(s);
	ck_assert_uint_eq(unit_page(s, 100).entry & (PTE_A | PTE_D), PTE_A);
	late.bits = PTE_D;
	migrate_late(s);
	ck_assert(unit_page(s, 100).entry & PTE_D);
	ck_assert_uint_eq(pager_space_harvest(s, pager_range(100, 101)).dirty,
			  1);
	unit_end();
}
END_TEST

START_TEST(a_page_that_is_not_present_stays_so)
{
	struct pager_space *s = late_space();

	unit_put(s, 100, 9);
	unit_protect(s, 100, 1, 0);
	migrate_late(s);
	ck_assert(!(unit_page(s, 100).entry & PTE_P));
	unit_protect(s, 100, 1, UNIT_R);
	ck_assert_uint_eq(unit_get(s, 100), 9);
	unit_end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    every_frame_moves_and_nobody_notices,
	    frames_that_move_again_and_again,
	    without_memory_only_the_tables_change,
	    who_paid_goes_on_paying,
	    marks_of_entries_stay,
	    a_lazy_page_that_moved_goes_when_memory_is_short,
	    pages_are_still_copied_on_write_afterwards,
	    lists_of_places_go_along,
	    an_objects_page_moves_under_all_who_map_it,
	    what_a_snapshot_keeps_moves_too,
	    the_zero_frame_and_pinned_ones_stay,
	    no_processor_goes_on_with_the_old_frame,
	    a_flush_that_is_left_out_is_noticed,
	    a_write_through_a_cached_translation_is_not_lost,
	    bits_that_a_processor_sets_until_the_flush_are_kept,
	    a_page_that_is_not_present_stays_so,
	};

	return UNIT_RUN("migrate", tests);
}
