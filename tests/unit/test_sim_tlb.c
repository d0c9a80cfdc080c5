/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The TLB of the software MMU really caches: where a flush is left out, what
 * was cached is used, the leak can be seen, and the check finds it. Where none
 * is left out, it cannot.
 */
#include "lib/core/node.h"
#include "tests/support/unit.h"

static uint64_t stale;

/* Leave out the next flush. */
static void leak(void)
{
	pager_sim_skip_flushes(unit_world.sim, 1);
}

static bool clean(const struct pager_space *s)
{
	return pager_sim_check(unit_world.sim, s, &stale);
}

static struct pager_sim_stats stats(void)
{
	struct pager_sim_stats st;

	pager_sim_stats(unit_world.sim, &st);
	return st;
}

/* Forget all that is cached, so that the end of the test is clean. */
static void flush(struct pager_space *s)
{
	const struct pager_mmu *mmu = &s->table.mmu;

	mmu->ops->invalidate(mmu->mmu, s, pager_range(0, PAGER_VPN_END));
	ck_assert(clean(s));
}

/* One access by a processor, past all fault handling. */
static enum pager_access_result touch(struct pager_space *s, unsigned int cpu,
				      uint64_t vpn, uint8_t *value,
				      uint32_t access)
{
	const struct pager_mmu *mmu = &s->table.mmu;
	struct pager_mmu_fault fault;

	return mmu->ops->access(mmu->mmu, cpu, s, vpn, 0, value, 1, access,
				&fault);
}

/* Where a page's entry stands. */
static uint64_t *table_slot(const struct pager_space *s, uint64_t vpn)
{
	uint32_t node = s->table.root;

	for (unsigned int l = PTE_LEVELS - 1; l > 0; l--)
		node = node_of(node_slots(s->core, node)[pte_index(vpn, l)]);
	return node_slots(s->core, node) + pte_index(vpn, 0);
}

static void start(void)
{
	unit_start(NULL);
	unit_map(unit_space, 100, 8, UNIT_RW);
	unit_fill(unit_space, 100, 8, 1);
}

START_TEST(a_translation_is_cached_and_used_without_a_walk)
{
	struct pager_sim_stats before, after;
	uint64_t *slot, entry;

	start();
	before = stats();
	for (int i = 0; i < 10; i++)
		unit_get(unit_space, 100);
	after = stats();
	ck_assert_uint_eq(after.hits - before.hits, 10);
	ck_assert_uint_eq(after.misses, before.misses);
	/* Behind its back the page changes places, and nobody says so. */
	slot = table_slot(unit_space, 100);
	entry = *slot;
	*slot = *table_slot(unit_space, 101);
	ck_assert_uint_eq(unit_get(unit_space, 100), 1);
	ck_assert(!clean(unit_space));
	ck_assert_uint_eq(stale, 100);
	flush(unit_space);
	ck_assert_uint_eq(unit_get(unit_space, 100), 2);
	*slot = entry;
	flush(unit_space);
	unit_end();
}
END_TEST

START_TEST(unmap_without_its_flush_leaks_and_is_found)
{
	uint8_t value = 0;

	start();
	leak();
	unit_unmap(unit_space, 103, 1);
	ck_assert_uint_eq(unit_page(unit_space, 103).entry, 0);
	ck_assert_uint_eq(touch(unit_space, 0, 103, &value, PAGER_ACCESS_READ),
			  PAGER_ACCESS_DONE);
	ck_assert_uint_eq(value, 4);
	ck_assert(!clean(unit_space));
	ck_assert_uint_eq(stale, 103);
	flush(unit_space);

	unit_unmap(unit_space, 104, 1);
	ck_assert_uint_eq(touch(unit_space, 0, 104, &value, PAGER_ACCESS_READ),
			  PAGER_ACCESS_FAULT);
	ck_assert(clean(unit_space));
	unit_end();
}
END_TEST

START_TEST(a_frame_reused_after_a_lost_flush_shows_its_new_owner)
{
	const struct test_world_config config = {.frames = 3};
	struct pager_space *other;
	uint8_t value = 0;

	unit_start(&config);
	other = test_world_space(&unit_world, 0, 1000);
	unit_map(unit_space, 100, 2, UNIT_RW);
	unit_map(other, 200, 1, UNIT_RW);
	unit_fill(unit_space, 100, 2, 1);
	leak();
	unit_unmap(unit_space, 100, 2);
	unit_put(other, 200, 77);
	touch(unit_space, 0, 100, &value, PAGER_ACCESS_READ);
	if (value != 77)
		touch(unit_space, 0, 101, &value, PAGER_ACCESS_READ);
	ck_assert_uint_eq(value, 77);
	ck_assert(!clean(unit_space));
	ck_assert(clean(other));
	flush(unit_space);
	unit_end();
}
END_TEST

START_TEST(fork_without_its_flush_lets_the_parent_write_into_the_child)
{
	struct pager_space *child;

	start();
	leak();
	child = unit_fork(unit_space);
	unit_put(unit_space, 100, 50);
	ck_assert_uint_eq(unit_get(child, 100), 50);
	ck_assert(!clean(unit_space));
	flush(unit_space);
	pager_space_free(child);

	unit_put(unit_space, 101, 51);
	child = unit_fork(unit_space);
	unit_put(unit_space, 101, 52);
	ck_assert_uint_eq(unit_get(child, 101), 51);
	ck_assert(clean(unit_space));
	unit_end();
}
END_TEST

START_TEST(snapshot_without_its_flush_cannot_be_restored)
{
	start();
	leak();
	unit_ok(pager_space_snapshot(unit_space));
	unit_put(unit_space, 100, 50);
	ck_assert(!clean(unit_space));
	pager_space_snapshot_restore(unit_space);
	ck_assert_uint_eq(unit_get(unit_space, 100), 50);
	flush(unit_space);

	unit_ok(pager_space_snapshot(unit_space));
	unit_put(unit_space, 101, 51);
	pager_space_snapshot_restore(unit_space);
	ck_assert_uint_eq(unit_get(unit_space, 101), 2);
	unit_end();
}
END_TEST

START_TEST(protect_without_its_flush_leaks_and_is_found)
{
	uint8_t value = 60;

	start();
	leak();
	unit_protect(unit_space, 102, 1, UNIT_R);
	ck_assert_uint_eq(touch(unit_space, 0, 102, &value, PAGER_ACCESS_WRITE),
			  PAGER_ACCESS_DONE);
	ck_assert_uint_eq(unit_get(unit_space, 102), 60);
	ck_assert(!clean(unit_space));
	ck_assert_uint_eq(stale, 102);
	flush(unit_space);

	unit_protect(unit_space, 103, 1, UNIT_R);
	ck_assert_uint_eq(touch(unit_space, 0, 103, &value, PAGER_ACCESS_WRITE),
			  PAGER_ACCESS_FAULT);
	ck_assert_uint_eq(unit_get(unit_space, 104), 5);
	leak();
	unit_protect(unit_space, 104, 1, 0);
	ck_assert_uint_eq(unit_get(unit_space, 104), 5);
	ck_assert(!clean(unit_space));
	flush(unit_space);
	unit_end();
}
END_TEST

START_TEST(cow_without_its_flush_shows_another_processor_the_old_page)
{
	struct pager_space *child;
	uint8_t value = 0;

	start();
	child = unit_fork(unit_space);
	touch(child, 1, 100, &value, PAGER_ACCESS_READ);
	leak();
	unit_put(child, 100, 70); /* by processor 0 */
	ck_assert_uint_eq(touch(child, 1, 100, &value, PAGER_ACCESS_READ),
			  PAGER_ACCESS_DONE);
	ck_assert_uint_eq(value, 1);
	ck_assert(!clean(child));
	ck_assert_uint_eq(stale, 100);
	flush(child);

	touch(child, 1, 101, &value, PAGER_ACCESS_READ);
	unit_put(child, 101, 71);
	touch(child, 1, 101, &value, PAGER_ACCESS_READ);
	ck_assert_uint_eq(value, 71);
	ck_assert(clean(child));
	unit_end();
}
END_TEST

START_TEST(a_zero_page_written_without_a_flush_stays_zero_elsewhere)
{
	uint8_t value = 9;

	start();
	unit_map(unit_space, 200, 2, UNIT_RW);
	unit_get(unit_space, 200);
	touch(unit_space, 1, 200, &value, PAGER_ACCESS_READ);
	leak();
	unit_put(unit_space, 200, 80);
	touch(unit_space, 1, 200, &value, PAGER_ACCESS_READ);
	ck_assert_uint_eq(value, 0);
	ck_assert(!clean(unit_space));
	flush(unit_space);
	unit_end();
}
END_TEST

START_TEST(dontneed_and_remap_without_their_flush_leak_and_are_found)
{
	uint8_t value = 0;

	start();
	leak();
	unit_advise(unit_space, 105, 1, PAGER_ADV_DONTNEED);
	touch(unit_space, 0, 105, &value, PAGER_ACCESS_READ);
	ck_assert_uint_eq(value, 6);
	ck_assert(!clean(unit_space));
	flush(unit_space);
	/* A move flushes the target, what moved, and what went. */
	unit_get(unit_space, 100);
	pager_sim_skip_flushes(unit_world.sim, 3);
	unit_remap(unit_space, 100, 2, 2,
		   PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED, 900);
	pager_sim_skip_flushes(unit_world.sim, 0);
	ck_assert_uint_eq(touch(unit_space, 0, 100, &value, PAGER_ACCESS_READ),
			  PAGER_ACCESS_DONE);
	ck_assert(!clean(unit_space));
	flush(unit_space);
	unit_end();
}
END_TEST

START_TEST(shrinking_an_object_without_a_flush_leaks_and_is_found)
{
	struct pager_object *o;
	uint8_t value = 0;

	start();
	o = unit_object(4);
	unit_map_object(unit_space, 300, 4, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	unit_put(unit_space, 303, 33);
	leak();
	unit_ok(pager_object_resize(o, 2));
	ck_assert_uint_eq(touch(unit_space, 0, 303, &value, PAGER_ACCESS_READ),
			  PAGER_ACCESS_DONE);
	ck_assert_uint_eq(value, 33);
	ck_assert(!clean(unit_space));
	flush(unit_space);
	unit_end();
}
END_TEST

START_TEST(harvest_without_its_flush_loses_a_write)
{
	const struct pager_range page = pager_range(100, 101);

	start();
	leak();
	ck_assert_uint_eq(pager_space_harvest(unit_space, page).dirty, 1);
	unit_put(unit_space, 100, 9);
	ck_assert_uint_eq(pager_space_harvest(unit_space, page).dirty, 0);
	flush(unit_space);
	unit_put(unit_space, 100, 10);
	ck_assert_uint_eq(pager_space_harvest(unit_space, page).dirty, 1);
	unit_put(unit_space, 100, 11);
	ck_assert_uint_eq(pager_space_harvest(unit_space, page).dirty, 1);
	unit_put(unit_space, 100, 12);
	leak();
	pager_space_harvest(unit_space, page);
	ck_assert(!clean(unit_space)); /* cached as dirty, and it is not */
	flush(unit_space);
	unit_end();
}
END_TEST

START_TEST(a_page_read_first_and_written_then_is_dirty)
{
	start();
	pager_space_harvest(unit_space, pager_range(0, PAGER_VPN_END));
	unit_get(unit_space, 100);
	ck_assert(!(unit_page(unit_space, 100).entry & PTE_D));
	unit_put(unit_space, 100, 2);
	ck_assert(unit_page(unit_space, 100).entry & PTE_D);
	unit_end();
}
END_TEST

START_TEST(execution_is_checked_for_cached_pages_too)
{
	uint8_t value = 0;

	start();
	ck_assert_uint_eq(unit_get(unit_space, 100), 1);
	ck_assert_uint_eq(touch(unit_space, 0, 100, &value, PAGER_ACCESS_EXEC),
			  PAGER_ACCESS_FAULT);
	unit_protect(unit_space, 100, 8, UNIT_RX);
	ck_assert_uint_eq(unit_get(unit_space, 100), 1);
	ck_assert_uint_eq(touch(unit_space, 0, 100, &value, PAGER_ACCESS_EXEC),
			  PAGER_ACCESS_DONE);
	ck_assert_uint_eq(value, 1);
	ck_assert_uint_eq(touch(unit_space, 0, 100, &value, PAGER_ACCESS_WRITE),
			  PAGER_ACCESS_FAULT);
	unit_end();
}
END_TEST

START_TEST(a_short_range_is_flushed_by_pages_a_long_one_at_once)
{
	struct pager_sim_stats before, after;
	uint8_t value;

	start();
	before = stats();
	unit_unmap(unit_space, 100, 1);
	after = stats();
	ck_assert_uint_eq(after.page_flushes, before.page_flushes + 1);
	ck_assert_uint_eq(after.space_flushes, before.space_flushes);
	unit_unmap(unit_space, 0, 100000);
	after = stats();
	ck_assert_uint_eq(after.space_flushes, before.space_flushes + 1);
	for (uint64_t v = 100; v < 108; v++)
		ck_assert_uint_eq(
		    touch(unit_space, 0, v, &value, PAGER_ACCESS_READ),
		    PAGER_ACCESS_FAULT);
	unit_end();
}
END_TEST

START_TEST(a_flush_reaches_every_processor)
{
	const struct test_world_config config = {.cpus = 8};
	uint8_t value;

	unit_start(&config);
	unit_map(unit_space, 100, 200, UNIT_RW);
	unit_fill(unit_space, 100, 200, 1);
	for (uint64_t n = 1; n <= 100; n += 99) {
		for (unsigned int cpu = 0; cpu < 8; cpu++)
			touch(unit_space, cpu, 100, &value, PAGER_ACCESS_READ);
		unit_unmap(unit_space, 100, n);
		for (unsigned int cpu = 0; cpu < 8; cpu++)
			ck_assert_uint_eq(touch(unit_space, cpu, 100, &value,
						PAGER_ACCESS_READ),
					  PAGER_ACCESS_FAULT);
		unit_map(unit_space, 100, n, UNIT_RW);
		unit_put(unit_space, 100, 9);
	}
	unit_end();
}
END_TEST

START_TEST(spaces_do_not_see_each_others_translations)
{
	struct pager_space *other;

	start();
	other = test_world_space(&unit_world, 0, 1000);
	unit_map(other, 100, 8, UNIT_RW);
	unit_fill(other, 100, 8, 50);
	for (uint64_t v = 100; v < 108; v++) {
		ck_assert_uint_eq(unit_get(unit_space, v), v - 99);
		ck_assert_uint_eq(unit_get(other, v), v - 50);
	}
	/* Nor does a space that comes after another. */
	for (int i = 0; i < 1000; i++) {
		uint8_t value;

		pager_space_free(other);
		other = test_world_space(&unit_world, 0, 1000);
		ck_assert_uint_eq(
		    touch(other, 0, 100, &value, PAGER_ACCESS_READ),
		    PAGER_ACCESS_FAULT);
		unit_map(other, 100, 1, UNIT_RW);
		unit_put(other, 100, 1);
	}
	unit_end();
}
END_TEST

START_TEST(more_pages_than_it_holds_fall_out_and_come_back_right)
{
	struct pager_sim_stats before;

	unit_start(NULL);
	unit_map(unit_space, 0, 2000, UNIT_RW);
	unit_fill(unit_space, 0, 2000, 0);
	before = stats();
	for (uint64_t v = 0; v < 2000; v++)
		ck_assert_uint_eq(unit_get(unit_space, v), (uint8_t)v);
	ck_assert_uint_gt(stats().misses, before.misses + 1000);
	unit_check();
	unit_end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    a_translation_is_cached_and_used_without_a_walk,
	    unmap_without_its_flush_leaks_and_is_found,
	    a_frame_reused_after_a_lost_flush_shows_its_new_owner,
	    fork_without_its_flush_lets_the_parent_write_into_the_child,
	    snapshot_without_its_flush_cannot_be_restored,
	    protect_without_its_flush_leaks_and_is_found,
	    cow_without_its_flush_shows_another_processor_the_old_page,
	    a_zero_page_written_without_a_flush_stays_zero_elsewhere,
	    dontneed_and_remap_without_their_flush_leak_and_are_found,
	    shrinking_an_object_without_a_flush_leaks_and_is_found,
	    harvest_without_its_flush_loses_a_write,
	    a_page_read_first_and_written_then_is_dirty,
	    execution_is_checked_for_cached_pages_too,
	    a_short_range_is_flushed_by_pages_a_long_one_at_once,
	    a_flush_reaches_every_processor,
	    spaces_do_not_see_each_others_translations,
	    more_pages_than_it_holds_fall_out_and_come_back_right,
	};

	return UNIT_RUN("sim_tlb", tests);
}
