/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes of a space as a program in it would see them: across pages, with the
 * faults that it takes, up to what stops it. And what is told of a page.
 */
#include <string.h>

#include "lib/core/pte.h"
#include "tests/support/unit.h"

enum { PAGE = PAGER_PAGE_SIZE };

static uint64_t done;
static struct pager_access_stop why;

static struct pager_status put(unsigned int cpu, uint64_t va, const void *buf,
			       uint64_t len)
{
	return pager_space_write(unit_space, cpu, va, buf, len, &done, &why);
}

static struct pager_status get(unsigned int cpu, uint64_t va, void *buf,
			       uint64_t len)
{
	return pager_space_read(unit_space, cpu, va, buf, len, &done, &why);
}

static uint8_t out[5 * PAGE], in[5 * PAGE];

static void start(void)
{
	unit_start(NULL);
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 7 + i / PAGE + 1);
	memset(in, 0, sizeof(in));
}

START_TEST(what_is_written_across_pages_is_read_again)
{
	const uint64_t va = 100 * PAGE + 4000;

	start();
	unit_map(unit_space, 100, 6, UNIT_RW);
	unit_ok(put(0, va, out, sizeof(out)));
	ck_assert_uint_eq(done, sizeof(out));
	unit_ok(get(1, va, in, sizeof(in)));
	ck_assert_uint_eq(done, sizeof(in));
	ck_assert_mem_eq(in, out, sizeof(in));
	ck_assert_uint_eq(unit_info(unit_space).anon, 6);
	ck_assert_mem_eq(
	    test_world_bytes(&unit_world, unit_page(unit_space, 101).pa),
	    out + 96, PAGE);
	unit_ok(get(0, va - 1, in, 1));
	ck_assert_uint_eq(in[0], 0);
	unit_end();
}
END_TEST

START_TEST(nothing_is_transferred_for_no_bytes)
{
	start();
	unit_ok(put(0, 5 * PAGE, out, 0));
	ck_assert_uint_eq(done, 0);
	unit_ok(get(0, 5 * PAGE, in, 0));
	ck_assert_uint_eq(done, 0);
	unit_end();
}
END_TEST

START_TEST(it_stops_at_the_page_that_may_not_be_and_tells_which_and_why)
{
	struct pager_status st;

	start();
	unit_map(unit_space, 100, 2, UNIT_RW);
	unit_map(unit_space, 102, 1, UNIT_R);
	st = put(0, 101 * PAGE + 1000, out, sizeof(out));
	ck_assert_uint_eq(st.err, PAGER_ESIGNAL);
	ck_assert_uint_eq(done, PAGE - 1000);
	ck_assert_uint_eq(why.signal, PAGER_SEGV_ACCERR);
	ck_assert_uint_eq(why.va, 102 * PAGE);
	st = get(0, 101 * PAGE + 1000, in, sizeof(in));
	ck_assert_uint_eq(st.err, PAGER_ESIGNAL);
	ck_assert_uint_eq(done, 2 * PAGE - 1000);
	ck_assert_uint_eq(why.signal, PAGER_SEGV_MAPERR);
	ck_assert_uint_eq(why.va, 103 * PAGE);
	ck_assert_mem_eq(in, out, PAGE - 1000);
	st = get(0, 50 * PAGE + 7, in, 1);
	ck_assert_uint_eq(st.err, PAGER_ESIGNAL);
	ck_assert_uint_eq(done, 0);
	ck_assert_uint_eq(why.va, 50 * PAGE + 7);
	unit_end();
}
END_TEST

START_TEST(beyond_the_end_of_an_object_it_is_a_bus_error)
{
	struct pager_object *o;

	start();
	o = unit_object(2);
	unit_map_object(unit_space, 100, 4, UNIT_RW, PAGER_MAP_SHARED, o, 0);
	ck_assert_uint_eq(put(0, 100 * PAGE, out, sizeof(out)).err,
			  PAGER_ESIGNAL);
	ck_assert_uint_eq(done, 2 * PAGE);
	ck_assert_uint_eq(why.signal, PAGER_BUS_ADRERR);
	ck_assert_uint_eq(why.va, 102 * PAGE);
	unit_end();
}
END_TEST

START_TEST(without_memory_it_stops_with_what_was_done)
{
	const struct test_world_config config = {.frames = 4};
	struct pager_status st;

	unit_start(&config);
	unit_map(unit_space, 100, 6, UNIT_RW);
	st = put(0, 100 * PAGE, out, sizeof(out));
	ck_assert_uint_eq(st.err, PAGER_ENOMEM);
	ck_assert_uint_eq(done, 3 * PAGE);
	unit_unmap(unit_space, 100, 1);
	unit_limit(PAGER_RES_FRAMES, 2);
	st = put(0, 103 * PAGE, out, 1);
	ck_assert_uint_eq(st.err, PAGER_ELIMIT);
	ck_assert_uint_eq(done, 0);
	unit_no_limits();
	unit_end();
}
END_TEST

START_TEST(a_cpu_that_is_not_there_is_erange)
{
	start();
	unit_map(unit_space, 100, 1, UNIT_RW);
	unit_refused(put(2, 100 * PAGE, out, 1), PAGER_ERANGE, PAGER_ARG_CPU);
	unit_refused(get(UINT32_MAX, 100 * PAGE, in, 1), PAGER_ERANGE,
		     PAGER_ARG_CPU);
	unit_end();
}
END_TEST

START_TEST(the_last_bytes_of_both_halves_can_be_reached)
{
	const uint64_t low = (PAGER_VPN_HALF << 12) - 1;

	start();
	unit_map(unit_space, PAGER_VPN_HALF - 1, 1, UNIT_RW);
	unit_map(unit_space, PAGER_VPN_HALF, 1, UNIT_RW);
	unit_map(unit_space, PAGER_VPN_END - 1, 1, UNIT_RW);
	unit_ok(put(0, low, "a", 1));
	unit_ok(put(0, UINT64_C(0xffff800000000000), "b", 1));
	unit_ok(put(0, UINT64_MAX, "c", 1));
	unit_ok(get(0, low, in, 1));
	ck_assert_uint_eq(in[0], 'a');
	unit_ok(get(0, UINT64_MAX, in, 1));
	ck_assert_uint_eq(in[0], 'c');
	unit_end();
}
END_TEST

START_TEST(no_access_crosses_the_non_canonical_hole_or_the_top)
{
	const uint64_t low = PAGER_VPN_HALF << 12;

	start();
	unit_map(unit_space, 0, 1, UNIT_RW);
	unit_map(unit_space, PAGER_VPN_HALF - 1, 1, UNIT_RW);
	unit_map(unit_space, PAGER_VPN_HALF, 1, UNIT_RW);
	unit_map(unit_space, PAGER_VPN_END - 1, 1, UNIT_RW);
	ck_assert_uint_eq(put(0, low - 4, out, 8).err, PAGER_ESIGNAL);
	ck_assert_uint_eq(done, 4);
	ck_assert_uint_eq(why.signal, PAGER_SEGV_MAPERR);
	ck_assert_uint_eq(why.va, low);
	ck_assert_uint_eq(unit_get(unit_space, PAGER_VPN_HALF), 0);
	ck_assert_uint_eq(put(0, UINT64_MAX - 3, out, 8).err, PAGER_ESIGNAL);
	ck_assert_uint_eq(done, 4);
	ck_assert_uint_eq(unit_get(unit_space, 0), 0);
	ck_assert_uint_eq(put(0, low, out, 1).err, PAGER_ESIGNAL);
	ck_assert_uint_eq(
	    get(0, UINT64_C(0xffff7ffffffff000), in, PAGE + 1).err,
	    PAGER_ESIGNAL);
	ck_assert_uint_eq(done, 0);
	ck_assert_uint_eq(get(0, UINT64_C(0x1000000000000), in, 1).err,
			  PAGER_ESIGNAL);
	unit_end();
}
END_TEST

START_TEST(a_page_tells_entry_address_holders_and_what_would_not_fault)
{
	struct pager_page_info p;
	struct pager_space *child;

	start();
	unit_map(unit_space, 100, 3, UNIT_RW);
	p = unit_page(unit_space, 100);
	ck_assert_uint_eq(p.entry, 0);
	ck_assert_uint_eq(p.levels, 0);
	ck_assert_uint_eq(p.type, PAGER_PAGE_NONE);
	unit_put(unit_space, 100, 1);
	p = unit_page(unit_space, 101);
	ck_assert_uint_eq(p.entry, 0);
	ck_assert_uint_eq(p.levels, 3);
	p = unit_page(unit_space, 100);
	ck_assert_uint_eq(p.levels, 4);
	ck_assert_uint_eq(p.entry & PTE_ADDR, p.pa);
	ck_assert(p.entry & PTE_A && p.entry & PTE_D && p.entry & PTE_NX);
	ck_assert_uint_eq(p.type, PAGER_PAGE_ANON);
	ck_assert_uint_eq(p.refs, 1);
	ck_assert_uint_eq(p.sharers, 1);
	ck_assert_uint_eq(p.access, PAGER_ACCESS_READ | PAGER_ACCESS_WRITE);
	ck_assert_uint_gt(p.pa, 0);
	child = unit_fork(unit_space);
	ck_assert_uint_eq(unit_page(child, 100).sharers, 2);
	unit_put(child, 101, 1);
	p = unit_page(child, 100);
	ck_assert_uint_eq(p.sharers, 1);
	ck_assert_uint_eq(p.refs, 2);
	ck_assert_uint_eq(p.access, PAGER_ACCESS_READ);
	unit_end();
}
END_TEST

START_TEST(harvest_takes_accessed_and_dirty_and_loses_no_dirtiness)
{
	const struct pager_range all = pager_range(0, PAGER_VPN_END);
	struct pager_harvest h;

	start();
	unit_map(unit_space, 100, 8, UNIT_RW);
	unit_fill(unit_space, 100, 3, 1);
	unit_get(unit_space, 104);
	h = pager_space_harvest(unit_space, all);
	ck_assert_uint_eq(h.accessed, 4);
	ck_assert_uint_eq(h.dirty, 3);
	ck_assert(unit_page(unit_space, 100).entry & PTE_CHANGED);
	ck_assert(!(unit_page(unit_space, 100).entry & (PTE_A | PTE_D)));
	ck_assert(!(unit_page(unit_space, 104).entry & PTE_CHANGED));
	h = pager_space_harvest(unit_space, all);
	ck_assert_uint_eq(h.accessed + h.dirty, 0);
	/* The next write is seen although the translation was cached. */
	unit_put(unit_space, 101, 9);
	unit_get(unit_space, 102);
	h = pager_space_harvest(unit_space, pager_range(101, 102));
	ck_assert_uint_eq(h.dirty, 1);
	h = pager_space_harvest(unit_space, all);
	ck_assert_uint_eq(h.accessed, 1);
	ck_assert_uint_eq(h.dirty, 0);
	unit_check();
	unit_end();
}
END_TEST

START_TEST(harvest_of_a_forked_space_sees_what_both_wrote_before)
{
	const struct pager_range all = pager_range(0, PAGER_VPN_END);
	struct pager_space *child;

	start();
	unit_map(unit_space, 100, 8, UNIT_RW);
	unit_fill(unit_space, 100, 3, 1);
	child = unit_fork(unit_space);
	ck_assert_uint_eq(pager_space_harvest(child, all).dirty, 3);
	ck_assert(unit_page(unit_space, 100).entry & PTE_CHANGED);
	unit_put(child, 100, 5);
	ck_assert_uint_eq(pager_space_harvest(unit_space, all).dirty, 0);
	ck_assert_uint_eq(pager_space_harvest(child, all).dirty, 1);
	unit_check();
	unit_end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    what_is_written_across_pages_is_read_again,
	    nothing_is_transferred_for_no_bytes,
	    it_stops_at_the_page_that_may_not_be_and_tells_which_and_why,
	    beyond_the_end_of_an_object_it_is_a_bus_error,
	    without_memory_it_stops_with_what_was_done,
	    a_cpu_that_is_not_there_is_erange,
	    the_last_bytes_of_both_halves_can_be_reached,
	    no_access_crosses_the_non_canonical_hole_or_the_top,
	    a_page_tells_entry_address_holders_and_what_would_not_fault,
	    harvest_takes_accessed_and_dirty_and_loses_no_dirtiness,
	    harvest_of_a_forked_space_sees_what_both_wrote_before,
	};

	return UNIT_RUN("access", tests);
}
