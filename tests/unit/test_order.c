/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The order of death: clear the entry, flush every MMU that may cache it, drop
 * the reference, free.
 *
 * A backend that stands before sim and remembers every translation that an
 * access has cached. It asserts
 *
 *	at every store	no frame that is still cached is free, nor given to
 *			somebody else
 *	at every flush	no frame that is cached in the range is free: the
 *			flush comes before the drop; and what is flushed has
 *			been cleared before
 *	at a frame's	every entry that was cached is not present, and the
 *	flush		frame is not free
 *	afterwards	nothing is narrower than it was when it was flushed:
 *			nobody cleared an entry after its flush
 */
#include <stdlib.h>

#include "lib/core/frame.h"
#include "lib/core/migrate.h"
#include "lib/core/node.h"
#include "lib/core/table.h"
#include "tests/support/unit.h"

enum { CACHED = 4096 };

struct cached {
	struct pager_space *space; /* NULL: empty */
	uint64_t vpn;
	uint32_t frame;
	bool write;
};

/* What a page's entry allowed when it was flushed. */
struct flushed {
	struct pager_space *space;
	uint64_t vpn;
	uint64_t pa;
	uint32_t access;
};

static struct {
	struct pager_mmu inner;
	struct pager_mmu_ops ops;
	struct cached cached[CACHED];
	struct flushed flushed[CACHED];
	size_t flushed_count;
	unsigned int flushes;
	unsigned int stores;
	const char *wrong;
} order;

static void wrong(const char *what)
{
	if (!order.wrong)
		order.wrong = what;
}

static bool frame_is_free(uint32_t frame)
{
	return frame_state(unit_world.core, frame) == FRAME_FREE;
}

static int order_attach(void *mmu, struct pager_space *space)
{
	(void)mmu;
	return order.inner.ops->attach(order.inner.mmu, space);
}

static void order_detach(void *mmu, struct pager_space *space)
{
	(void)mmu;
	for (int i = 0; i < CACHED; i++)
		if (order.cached[i].space == space)
			order.cached[i].space = NULL;
	for (size_t i = 0; i < order.flushed_count; i++)
		if (order.flushed[i].space == space)
			order.flushed[i].space = NULL;
	order.inner.ops->detach(order.inner.mmu, space);
}

static void order_install(void *mmu, uint64_t *slot, uint64_t entry)
{
	uint32_t frame = frame_from_pfn(unit_world.core, pte_pfn(entry));

	(void)mmu;
	order.stores++;
	for (int i = 0; i < CACHED; i++) {
		const struct cached *c = &order.cached[i];

		if (!c->space)
			continue;
		if (frame_is_free(c->frame))
			wrong("a frame was freed before the flush");
		/* An entry that moves has the accessed bit that caching it
		 * set; one made for a new owner has not. */
		if (c->frame == frame && !(entry & PTE_A) &&
		    pte_pfn(unit_page(c->space, c->vpn).entry).n !=
			pte_pfn(entry).n)
			wrong("a frame was reused before the flush");
	}
	order.inner.ops->install(order.inner.mmu, slot, entry);
}

static void note_flush(struct pager_space *space, struct pager_range r,
		       bool writes_only)
{
	order.flushes++;
	for (int i = 0; i < CACHED; i++) {
		struct cached *c = &order.cached[i];
		struct pager_page_info p;

		if (c->space != space || c->vpn < r.start || c->vpn >= r.end ||
		    (writes_only && !c->write))
			continue;
		if (frame_is_free(c->frame))
			wrong("a frame was freed before the flush");
		p = unit_page(space, c->vpn);
		ck_assert_uint_lt(order.flushed_count, CACHED);
		order.flushed[order.flushed_count++] = (struct flushed){
		    .space = space,
		    .vpn = c->vpn,
		    .pa = p.pa,
		    .access = p.access,
		};
		c->space = NULL;
	}
}

static void order_invalidate(void *mmu, struct pager_space *space,
			     struct pager_range r)
{
	(void)mmu;
	note_flush(space, r, false);
	order.inner.ops->invalidate(order.inner.mmu, space, r);
}

static void order_write_protect(void *mmu, struct pager_space *space,
				struct pager_range r)
{
	(void)mmu;
	note_flush(space, r, true);
	order.inner.ops->write_protect(order.inner.mmu, space, r);
}

static void order_forget(void *mmu, struct pager_pfn pfn, uint64_t pages)
{
	(void)mmu;
	order.flushes++;
	for (int i = 0; i < CACHED; i++) {
		struct cached *c = &order.cached[i];

		if (!c->space || c->frame - pfn.n >= pages)
			continue;
		if (frame_is_free(c->frame))
			wrong("a frame was freed before the flush");
		if (unit_page(c->space, c->vpn).entry & PTE_P)
			wrong("a frame was flushed with an entry present");
		c->space = NULL;
	}
	order.inner.ops->forget(order.inner.mmu, pfn, pages);
}

static uint64_t order_take(void *mmu, uint64_t *slot, uint64_t clear,
			   uint64_t set)
{
	(void)mmu;
	return order.inner.ops->take(order.inner.mmu, slot, clear, set);
}

static enum pager_access_result
order_access(void *mmu, unsigned int cpu, struct pager_space *space,
	     uint64_t vpn, unsigned int in_page, void *buf, unsigned int len,
	     uint32_t access, struct pager_mmu_fault *fault)
{
	enum pager_access_result result;
	struct cached *c = NULL;

	(void)mmu;
	result = order.inner.ops->access(order.inner.mmu, cpu, space, vpn,
					 in_page, buf, len, access, fault);
	if (result != PAGER_ACCESS_DONE)
		return result;
	for (int i = 0; i < CACHED; i++) {
		struct cached *at = &order.cached[i];

		if (at->space == space && at->vpn == vpn) {
			c = at;
			break;
		}
		if (!at->space && !c)
			c = at;
	}
	ck_assert_ptr_nonnull(c);
	*c = (struct cached){
	    .space = space,
	    .vpn = vpn,
	    .frame = frame_of(unit_page(space, vpn).entry),
	    .write = access == PAGER_ACCESS_WRITE ||
		     (c->space == space && c->vpn == vpn && c->write),
	};
	return result;
}

static struct pager_space *space;

static void start_with(const struct test_world_config *config)
{
	unit_start(config);
	order.inner = unit_world.mmu;
	order.ops = (struct pager_mmu_ops){
	    .name = "order",
	    .caps = order.inner.ops->caps & ~PAGER_MMU_PLAIN_STORE,
	    .cpus = order.inner.ops->cpus,
	    .attach = order_attach,
	    .detach = order_detach,
	    .install = order_install,
	    .invalidate = order_invalidate,
	    .write_protect = order_write_protect,
	    .forget = order_forget,
	    .take = order_take,
	    .access = order_access,
	};
	unit_ok(pager_space_new(
	    unit_world.core, unit_world.account,
	    (struct pager_mmu){.ops = &order.ops, .mmu = &order},
	    pager_range(0, PAGER_VPN_HALF), NULL, &space));
}

static void start(void)
{
	start_with(NULL);
	unit_map(space, 100, 20, UNIT_RW);
	unit_fill(space, 100, 20, 1);
	order.flushes = 0;
	order.stores = 0;
}

/* One operation is over: was anything cleared after its flush? */
static void judge(void)
{
	for (size_t i = 0; i < order.flushed_count; i++) {
		const struct flushed *f = &order.flushed[i];
		struct pager_page_info p;

		if (!f->space)
			continue;
		p = unit_page(f->space, f->vpn);
		if (f->access && (p.pa != f->pa || f->access & ~p.access))
			wrong("an entry was cleared after its flush");
	}
	order.flushed_count = 0;
}

static void verify(void)
{
	judge();
	ck_assert_msg(!order.wrong, "%s", order.wrong);
	unit_check();
}

static void end(void)
{
	verify();
	unit_end();
}

START_TEST(unmap_and_dontneed)
{
	start();
	unit_unmap(space, 103, 4);
	verify();
	ck_assert_uint_ge(order.flushes, 1);
	unit_advise(space, 110, 4, PAGER_ADV_DONTNEED);
	verify();
	unit_unmap(space, 0, 4096);
	end();
}
END_TEST

START_TEST(unmap_of_whole_subtrees)
{
	start();
	unit_map(space, 0, 4096, UNIT_RW);
	for (uint64_t v = 0; v < 4096; v += 100)
		unit_put(space, v, 1);
	unit_unmap(space, 0, 4096);
	end();
}
END_TEST

START_TEST(protect)
{
	start();
	unit_protect(space, 100, 20, UNIT_R);
	verify();
	unit_protect(space, 105, 5, 0);
	verify();
	unit_protect(space, 100, 20, UNIT_RW);
	end();
}
END_TEST

START_TEST(fork_flushes_the_parent_and_cow_flushes_the_writer)
{
	struct pager_space *child;

	start();
	child = unit_fork(space);
	ck_assert_uint_ge(order.flushes, 1);
	verify();
	for (uint64_t v = 100; v < 120; v++)
		ck_assert_uint_eq(unit_get(child, v), v - 99);
	for (uint64_t v = 100; v < 120; v++) {
		unit_put(v % 2 ? space : child, v, 77);
		verify();
		unit_put(v % 2 ? child : space, v, 78);
		verify();
	}
	pager_space_free(child);
	end();
}
END_TEST

START_TEST(cow_in_a_pool_without_a_spare_frame)
{
	const struct test_world_config config = {.frames = 6};
	struct pager_space *child;

	start_with(&config);
	unit_map(space, 100, 4, UNIT_RW);
	unit_fill(space, 100, 4, 1);
	child = unit_fork(space);
	for (uint64_t v = 100; v < 104; v++)
		ck_assert_uint_eq(unit_get(child, v), v - 99);
	for (uint64_t v = 100; v < 104; v++) {
		unit_put(child, v, 9);
		verify();
		unit_unmap(child, v, 1);
		verify();
	}
	end();
}
END_TEST

START_TEST(zero_and_object_pages_that_are_copied)
{
	struct pager_object *o;

	start();
	o = unit_object(4);
	unit_map(space, 200, 4, UNIT_RW);
	unit_map_object(space, 300, 4, UNIT_RW, 0, o, 0);
	for (uint64_t v = 0; v < 4; v++) {
		ck_assert_uint_eq(unit_get(space, 200 + v), 0);
		ck_assert_uint_eq(unit_get(space, 300 + v), 0);
		unit_put(space, 200 + v, 1);
		unit_put(space, 300 + v, 1);
		verify();
	}
	end();
}
END_TEST

START_TEST(remap_in_every_way)
{
	start();
	unit_map(space, 500, 20, UNIT_RW);
	unit_fill(space, 500, 20, 50);
	unit_remap(space, 100, 20, 12, PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED,
		   505);
	verify();
	unit_remap(space, 505, 12, 5, 0, 0);
	verify();
	unit_remap(space, 505, 5, 5,
		   PAGER_REMAP_MAYMOVE | PAGER_REMAP_DONTUNMAP, 0);
	verify();
	unit_map(space, 1024, 1024, UNIT_RW);
	unit_fill(space, 1024, 1024, 1);
	unit_remap(space, 1024, 1024, 1024,
		   PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED, 8192);
	end();
}
END_TEST

START_TEST(shrinking_an_object_that_several_map)
{
	struct pager_object *o;
	struct pager_space *child;

	start();
	o = unit_object(8);
	unit_map_object(space, 300, 8, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	unit_map_object(space, 400, 8, UNIT_RW, 0, o, 0);
	unit_fill(space, 300, 8, 1);
	unit_fill(space, 400, 4, 1);
	child = unit_fork(space);
	for (uint64_t v = 0; v < 8; v++) {
		unit_get(child, 300 + v);
		unit_get(child, 400 + v);
	}
	verify();
	unit_ok(pager_object_resize(o, 3));
	verify();
	unit_ok(pager_object_resize(o, 0));
	end();
}
END_TEST

START_TEST(fixed_mappings_break_clear_and_free)
{
	start();
	unit_map(space, 105, 5, UNIT_R);
	verify();
	unit_map_flags(space, 107, 8, UNIT_RW, PAGER_MAP_POPULATE);
	verify();
	unit_ok(pager_space_brk_start(space, 4096 << PAGER_PAGE_SHIFT));
	unit_ok(pager_space_brk(space, 4106 << PAGER_PAGE_SHIFT));
	unit_fill(space, 4096, 10, 1);
	unit_ok(pager_space_brk(space, 4100 << PAGER_PAGE_SHIFT));
	verify();
	pager_space_clear(space);
	verify();
	unit_map(space, 100, 20, UNIT_RW);
	unit_fill(space, 100, 20, 1);
	pager_space_free(space);
	end();
}
END_TEST

START_TEST(reclaim_flushes_before_it_reuses)
{
	const struct test_world_config config = {.frames = 22};

	start_with(&config);
	unit_map(space, 100, 20, UNIT_RW);
	unit_fill(space, 100, 20, 1);
	unit_advise(space, 100, 20, PAGER_ADV_FREE);
	verify();
	for (uint64_t v = 100; v < 120; v++)
		ck_assert_uint_eq(unit_get(space, v), v - 99);
	unit_map(space, 200, 15, UNIT_RW);
	for (uint64_t v = 200; v < 215; v++) {
		unit_put(space, v, 60);
		verify();
	}
	ck_assert_uint_eq(unit_get(space, 105), 0);
	end();
}
END_TEST

START_TEST(snapshot_restore_and_drop)
{
	start();
	unit_ok(pager_space_snapshot(space));
	verify();
	unit_fill(space, 100, 10, 80);
	verify();
	unit_unmap(space, 112, 3);
	verify();
	pager_space_snapshot_restore(space);
	verify();
	ck_assert_uint_eq(unit_get(space, 105), 6);
	unit_ok(pager_space_snapshot(space));
	verify();
	unit_fill(space, 100, 10, 80);
	verify();
	pager_space_snapshot_drop(space);
	end();
}
END_TEST

START_TEST(migration_hides_then_flushes_then_moves_then_frees)
{
	struct pager_space *child;
	struct pager_object *o;

	start();
	o = unit_object(8);
	unit_map_object(space, 300, 8, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	unit_fill(space, 300, 8, 1);
	child = unit_fork(space);
	unit_put(child, 119, 9);
	for (uint64_t v = 100; v < 119; v++) {
		ck_assert_uint_eq(unit_get(child, v), v - 99);
		ck_assert_uint_eq(unit_get(space, v), v - 99);
	}
	for (uint64_t v = 300; v < 308; v++)
		ck_assert_uint_eq(unit_get(child, v), v - 299);
	verify();
	for (uint64_t v = 100; v < 308; v = v == 118 ? 300 : v + 1) {
		uint32_t from = frame_of(unit_page(space, v).entry);
		uint32_t to = frame_take(unit_world.core, unit_world.account);

		order.flushes = 0;
		order.stores = 0;
		migrate_to(unit_world.core, from, to);
		/* Once, and not by space or page. */
		ck_assert_uint_eq(order.flushes, 1);
		ck_assert_uint_ge(order.stores, 2);
		verify();
		ck_assert_uint_eq(unit_get(space, v),
				  v < 300 ? v - 99 : v - 299);
	}
	end();
}
END_TEST

START_TEST(a_chunk_that_moves_at_once)
{
	const struct test_world_config config = {.frames = 2048};
	uint64_t moved = 0;
	uint32_t chunk;

	start_with(&config);
	unit_map(space, 100, 20, UNIT_RW);
	unit_fill(space, 100, 20, 1);
	chunk = frame_of(unit_page(space, 100).entry) >> CHUNK_SHIFT;
	ck_assert_uint_ne(chunk, 0); /* which has the zero frame */
	for (uint64_t v = 100; v < 120; v++)
		ck_assert_uint_eq(unit_get(space, v), v - 99);
	verify();
	chunk_isolate(unit_world.core, chunk);
	order.flushes = 0;
	ck_assert_int_eq(migrate_chunk(unit_world.core, chunk, &moved), 0);
	ck_assert_uint_eq(order.flushes, 1);
	ck_assert_uint_eq(moved, 20);
	verify();
	chunk_unisolate(unit_world.core, chunk);
	end();
}
END_TEST

/* The check itself: orders that it must not let pass. */

START_TEST(flushing_a_frame_that_is_still_reached_is_noticed)
{
	uint32_t frame;

	start();
	frame = frame_of(unit_page(space, 100).entry);
	core_forget(unit_world.core, frame, 1);
	ck_assert_ptr_nonnull(order.wrong);
	order.wrong = NULL;
	end();
}
END_TEST

START_TEST(dropping_before_the_flush_is_noticed)
{
	start();
	table_detach(&space->table, pager_range(100, 120));
	node_drain(unit_world.core);
	space->table.mmu.ops->invalidate(&order, space, pager_range(100, 120));
	ck_assert_ptr_nonnull(order.wrong);
	order.wrong = NULL;
	order.flushed_count = 0;
	unit_end();
}
END_TEST

START_TEST(reusing_before_the_flush_is_noticed)
{
	struct pager_space *other;

	start();
	unit_ok(pager_space_new(unit_world.core, unit_world.account,
				space->table.mmu, pager_range(0, 1000), NULL,
				&other));
	unit_map(other, 100, 20, UNIT_RW);
	unit_fault(other, 101, PAGER_ACCESS_READ);
	ck_assert_ptr_null(order.wrong);
	pager_sim_skip_flushes(unit_world.sim, 1);
	table_detach(&space->table, pager_range(100, 120));
	node_drain(unit_world.core);
	unit_fault(other, 100, PAGER_ACCESS_WRITE);
	ck_assert_ptr_nonnull(order.wrong);
	order.wrong = NULL;
	space->table.mmu.ops->invalidate(&order, space, pager_range(100, 120));
	space->table.mmu.ops->invalidate(&order, space, pager_range(100, 120));
	order.wrong = NULL;
	order.flushed_count = 0;
	unit_end();
}
END_TEST

START_TEST(flushing_before_the_clear_is_noticed)
{
	start();
	space->table.mmu.ops->invalidate(&order, space, pager_range(100, 120));
	table_detach(&space->table, pager_range(100, 120));
	node_drain(unit_world.core);
	ck_assert_ptr_null(order.wrong);
	judge();
	ck_assert_ptr_nonnull(order.wrong);
	order.wrong = NULL;
	unit_end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    unmap_and_dontneed,
	    unmap_of_whole_subtrees,
	    protect,
	    fork_flushes_the_parent_and_cow_flushes_the_writer,
	    cow_in_a_pool_without_a_spare_frame,
	    zero_and_object_pages_that_are_copied,
	    remap_in_every_way,
	    shrinking_an_object_that_several_map,
	    fixed_mappings_break_clear_and_free,
	    reclaim_flushes_before_it_reuses,
	    snapshot_restore_and_drop,
	    migration_hides_then_flushes_then_moves_then_frees,
	    a_chunk_that_moves_at_once,
	    flushing_a_frame_that_is_still_reached_is_noticed,
	    dropping_before_the_flush_is_noticed,
	    reusing_before_the_flush_is_noticed,
	    flushing_before_the_clear_is_noticed,
	};

	return UNIT_RUN("order", tests);
}
