/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dirty logs and processors that remember: a write after a clear is seen though
 * the processor had the page as writable and dirty. The software MMU really
 * caches, so where the flush is left out the write is lost, and the check of
 * the TLB says so; that is tested too, else these tests could not fail.
 */
#include "lib/core/node.h"
#include "tests/support/dirty_watch.h"

static struct pager_dirty_log *watch;

static void put(struct pager_space *s, unsigned int cpu, uint64_t vpn)
{
	struct pager_access_stop why;
	uint8_t value = 5;
	uint64_t done;

	unit_ok(pager_space_write(s, cpu, pager_vpn_to_va(vpn), &value, 1,
				  &done, &why));
}

/* A write by a processor alone: no fault is handled. */
static enum pager_access_result touch(unsigned int cpu, uint64_t vpn)
{
	const struct pager_mmu *mmu = &unit_world.mmu;
	struct pager_mmu_fault fault;
	uint8_t value = 6;

	return mmu->ops->access(mmu->mmu, cpu, unit_space, vpn, 0, &value, 1,
				PAGER_ACCESS_WRITE, &fault);
}

static void prepare(void)
{
	unit_map(unit_space, 100, 50, UNIT_RW);
	for (uint64_t v = 100; v < 108; v++) {
		put(unit_space, 0, v);
		put(unit_space, 1, v);
	}
	watch = dirty_log(unit_space, 100, 200);
}

static bool stale(void)
{
	uint64_t vpn;

	return !pager_sim_check(unit_world.sim, unit_space, &vpn);
}

DIRTY_TEST(the_start_of_a_log_is_seen_by_every_processor)
{
	prepare();
	put(unit_space, 0, 101);
	put(unit_space, 1, 102);
	dirty_is(watch, "101-102");
}

DIRTY_TEST(a_write_through_a_stale_translation_is_seen_after_a_clear)
{
	prepare();
	for (unsigned int cpu = 0; cpu < 2; cpu++) {
		put(unit_space, 0, 103);
		put(unit_space, 1, 103);
		dirty_take(watch, "103");
		put(unit_space, cpu, 103);
		dirty_is(watch, "103");
		dirty_wipe(watch, 103, 1);
		put(unit_space, cpu, 103);
		dirty_take(watch, "103");
	}
	ck_assert(!stale());
}

DIRTY_TEST(a_get_alone_leaves_no_write_behind)
{
	prepare();
	put(unit_space, 0, 104);
	dirty_is(watch, "104");
	put(unit_space, 0, 104); /* cached as dirty, or not any more */
	dirty_take(watch, "104");
	put(unit_space, 0, 104);
	dirty_take(watch, "104");
	dirty_is(watch, "");
}

DIRTY_TEST(a_processor_of_another_space_is_flushed_too)
{
	struct pager_object *o = unit_object(8);
	struct pager_space *other = test_world_space(&unit_world, 0, 1024);

	unit_map_object(unit_space, 100, 8, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	unit_map_object(other, 500, 8, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	put(other, 1, 502);
	watch = dirty_log(unit_space, 100, 200);
	put(other, 1, 502);
	dirty_take(watch, "102");
	put(other, 1, 502);
	put(other, 0, 503);
	dirty_take(watch, "102-103");
	put(other, 0, 503);
	dirty_take(watch, "103");
}

DIRTY_TEST(a_write_back_that_begins_is_seen_by_every_processor)
{
	uint64_t n;

	prepare();
	put(unit_space, 1, 105);
	unit_ok(pager_dirty_begin(watch, 0, 200, &n));
	put(unit_space, 1, 105);
	unit_ok(pager_dirty_end(watch, 0, 200, &n));
	dirty_is(watch, "105");
}

DIRTY_TEST(a_reset_is_seen_by_every_processor)
{
	struct dring_entry *ring;
	uint64_t n;

	prepare();
	ring = dirty_ring(watch, PAGER_RING_MIN);
	put(unit_space, 1, 106);
	unit_ok(pager_dirty_ring_reset(watch, &n));
	ck_assert_uint_eq(ring[0].flags, PAGER_RING_DIRTY);
	ck_assert_uint_eq(ring[0].offset, 6);
	ring[0].flags = PAGER_RING_RESET;
	unit_ok(pager_dirty_ring_reset(watch, &n));
	ck_assert_uint_eq(n, 1);
	put(unit_space, 1, 106);
	unit_ok(pager_dirty_ring_reset(watch, &n));
	ck_assert_uint_eq(ring[1].flags, PAGER_RING_DIRTY);
	ck_assert_uint_eq(ring[1].offset, 6);
}

DIRTY_TEST(more_pages_than_are_flushed_one_by_one)
{
	unit_map(unit_space, 1024, 1024, UNIT_RW);
	for (uint64_t v = 1024; v < 2048; v++)
		put(unit_space, 1, v);
	watch = dirty_log(unit_space, 0, 4096);
	for (uint64_t v = 1024; v < 2048; v++)
		put(unit_space, 1, v);
	dirty_take(watch, "1024-2047");
	for (uint64_t v = 1024; v < 2048; v += 2)
		put(unit_space, 1, v);
	dirty_wipe(watch, 1500, 1);
	ck_assert(!dirty_has(watch, 1500) && dirty_has(watch, 1502));
	put(unit_space, 1, 1500);
	ck_assert(dirty_has(watch, 1500));
}

/* --- while bits are taken ---------------------------------------------------
 */

static uint64_t *late; /* written just before the flush */

static void late_invalidate(void *mmu, struct pager_space *s,
			    struct pager_range r)
{
	if (late)
		*late |= PTE_D;
	late = NULL;
	unit_world.mmu.ops->invalidate(mmu, s, r);
}

/* A processor may remember the upper entries of a walk: it then marks the page
 * as dirty and leaves A, which was just taken, as it is. */
START_TEST(a_write_between_the_bits_and_the_flush_is_told_the_next_time)
{
	struct pager_mmu_ops ops;
	struct pager_space *s;
	uint32_t node;

	(void)_i;
	dirty_method = HARDWARE;
	dirty_start(NULL);
	ops = *unit_world.mmu.ops;
	ops.invalidate = late_invalidate;
	unit_ok(pager_space_new(
	    unit_world.core, unit_world.account,
	    (struct pager_mmu){.ops = &ops, .mmu = unit_world.mmu.mmu},
	    pager_range(0, PAGER_VPN_END), &(struct pager_limits){0}, &s));
	unit_map(s, 100, 50, UNIT_RW);
	unit_fill(s, 100, 8, 1);
	watch = dirty_log(s, 100, 200);
	unit_put(s, 101, 2);
	node = s->table.root;
	for (unsigned int l = PTE_LEVELS - 1; l > 0; l--)
		node = node_of(node_slots(s->core, node)[pte_index(102, l)]);
	late = &node_slots(s->core, node)[pte_index(102, 0)];
	dirty_take(watch, "101");
	ck_assert_ptr_null(late);
	dirty_take(watch, "102");
	dirty_is(watch, "");
	dirty_stop(watch);
	pager_space_free(s);
	dirty_end();
}
END_TEST

/* --- without the flush ------------------------------------------------------
 */

DIRTY_TEST(without_the_flush_a_write_is_lost_and_the_check_finds_it)
{
	const struct pager_mmu *mmu = &unit_world.mmu;

	prepare();
	put(unit_space, 0, 103);
	pager_sim_skip_flushes(unit_world.sim, 1000);
	dirty_take(watch, "103");
	pager_sim_skip_flushes(unit_world.sim, 0);
	ck_assert(stale());
	ck_assert_uint_eq(touch(0, 103), PAGER_ACCESS_DONE);
	dirty_is(watch, "");
	mmu->ops->invalidate(mmu->mmu, unit_space,
			     pager_range(0, PAGER_VPN_END));
	ck_assert(!stale());
	put(unit_space, 0, 103);
	dirty_is(watch, "103");
}

DIRTY_TEST(without_the_flush_of_the_start_a_write_is_lost)
{
	const struct pager_mmu *mmu = &unit_world.mmu;

	unit_map(unit_space, 100, 50, UNIT_RW);
	put(unit_space, 0, 103);
	pager_sim_skip_flushes(unit_world.sim, 1000);
	watch = dirty_log(unit_space, 100, 200);
	pager_sim_skip_flushes(unit_world.sim, 0);
	ck_assert(stale());
	ck_assert_uint_eq(touch(0, 103), PAGER_ACCESS_DONE);
	dirty_is(watch, "");
	mmu->ops->invalidate(mmu->mmu, unit_space,
			     pager_range(0, PAGER_VPN_END));
}

int main(void)
{
	const TTest *const tests[] = {
	    the_start_of_a_log_is_seen_by_every_processor,
	    a_write_through_a_stale_translation_is_seen_after_a_clear,
	    a_get_alone_leaves_no_write_behind,
	    a_processor_of_another_space_is_flushed_too,
	    a_write_back_that_begins_is_seen_by_every_processor,
	    a_reset_is_seen_by_every_processor,
	    more_pages_than_are_flushed_one_by_one,
	    a_write_between_the_bits_and_the_flush_is_told_the_next_time,
	    without_the_flush_a_write_is_lost_and_the_check_finds_it,
	    without_the_flush_of_the_start_a_write_is_lost,
	};

	return DIRTY_RUN("dirty_tlb", tests);
}
