/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon's memory is made and goes, with its pools: what is refused, and
 * what is left behind.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "lib/base/failpoint.h"
#include "lib/core/types.h"
#include "tests/support/memory_bed.h"
#include "tests/support/unit.h"

START_TEST(boot_memory_can_be_used_and_what_is_beyond_cannot)
{
	mem_start();
	ck_assert(mem_zero(0, MEM_BOOT));
	memset(mem_at(0), 0xaa, MEM_BOOT * MEM_PAGE);
	ck_assert(!mem_readable(MEM_BOOT));
	ck_assert(!mem_readable(MEM_SPAN - 1));
	ck_assert_ptr_nonnull(mem.tables);
	memset(mem.tables, 1, MEM_NODES * MEM_PAGE);
	mem_end();
}
END_TEST

START_TEST(a_span_of_nothing_is_that_of_boot_memory)
{
	ck_assert_int_eq(srv_memory_init(&mem, MEM_BOOT, 0, MEM_NODES, false),
			 0);
	ck_assert_uint_eq(mem.span, MEM_BOOT);
	memset(mem_at(0), 0xaa, MEM_BOOT * MEM_PAGE);
	ck_assert_int_eq(
	    srv_memory_pool(&mem, MEM_BOOT, 1, false, &mem_backing), -1);
	ck_assert_int_eq(errno, EINVAL);
	srv_memory_fini(&mem);
}
END_TEST

START_TEST(a_span_beyond_the_address_space_is_refused)
{
	struct mem_trace before = mem_trace();

	ck_assert_int_eq(srv_memory_init(&mem, MEM_BOOT, UINT64_C(1) << 40,
					 MEM_NODES, false),
			 -1);
	ck_assert_int_eq(errno, ENOMEM);
	ck_assert_ptr_null(mem.physical);
	mem_traceless(before);
}
END_TEST

START_TEST(simulated_memory_has_a_backing_of_nothing)
{
	ck_assert_int_eq(
	    srv_memory_init(&mem, MEM_BOOT, MEM_SPAN, MEM_NODES, true), 0);
	ck_assert_ptr_null(mem.physical);
	memset(&mem_backing, 0xff, sizeof(mem_backing));
	ck_assert_int_eq(
	    srv_memory_pool(&mem, MEM_ADDR, MEM_PAGES, true, &mem_backing), 0);
	ck_assert_ptr_null(mem_backing.ctx);
	ck_assert(!mem_backing.commit && !mem_backing.discard);
	ck_assert_int_eq(srv_memory_pool(&mem, 0, 1, true, &mem_backing), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_uint_eq(mem_resident(), 0);
	srv_memory_pool_drop(&mem, MEM_ADDR);
	srv_memory_fini(&mem);
}
END_TEST

START_TEST(a_pool_outside_or_over_another_is_refused)
{
	static const struct {
		uint64_t addr, pages;
		int error;
	} wrong[] = {
	    {0, MEM_BOOT, EINVAL},
	    {MEM_BOOT - 1, 2, EINVAL},
	    {MEM_ADDR, 0, EINVAL},
	    {MEM_SPAN, 1, EINVAL},
	    {MEM_SPAN - 1, 2, EINVAL},
	    {UINT64_MAX, 1, EINVAL},
	    {MEM_ADDR, UINT64_MAX, EINVAL},
	    {MEM_ADDR, UINT64_MAX / MEM_PAGE + 2, EINVAL},
	    {MEM_ADDR, MEM_PAGES, EEXIST},
	    {MEM_ADDR + MEM_PAGES - 1, 1, EEXIST},
	    {MEM_ADDR - 1, 2, EEXIST},
	    {MEM_ADDR - 1, MEM_PAGES + 2, EEXIST},
	};
	struct vmem_backing none;
	struct mem_trace before;

	mem_start_pool(false);
	before = mem_trace();
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		ck_assert_int_eq(srv_memory_pool(&mem, wrong[i].addr,
						 wrong[i].pages, false, &none),
				 -1);
		ck_assert_msg(errno == wrong[i].error, "%zu: %s", i,
			      strerror(errno));
		ck_assert_ptr_null(none.ctx);
	}
	ck_assert_uint_eq(mem_trace().fds, before.fds);
	ck_assert_int_eq(srv_memory_pool(&mem, MEM_ADDR + MEM_PAGES, MEM_PAGES,
					 false, &none),
			 0);
	ck_assert_int_eq(
	    srv_memory_pool(&mem, MEM_BOOT, MEM_ADDR - MEM_BOOT, false, &none),
	    0);
	mem_end();
}
END_TEST

START_TEST(a_pool_that_is_dropped_leaves_nothing_and_another_can_come)
{
	struct mem_trace before;

	mem_start();
	before = mem_trace();
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(srv_memory_pool(&mem, MEM_ADDR, MEM_PAGES,
						 false, &mem_backing),
				 0);
		ck_assert_int_eq(mem_commit(MEM_ADDR, MEM_BLOCK), 0);
		ck_assert(mem_zero(MEM_ADDR, MEM_BLOCK));
		memset(mem_at(MEM_ADDR), 0xee, MEM_BLOCK_BYTES);
		srv_memory_pool_drop(&mem, MEM_ADDR);
		ck_assert(!mem_readable(MEM_ADDR));
		ck_assert_uint_eq(mem_trace().fds, before.fds);
		ck_assert_uint_eq(mem_mappings(), 2);
		ck_assert_uint_eq(mem_resident(), 0);
	}
	srv_memory_pool_drop(&mem, MEM_ADDR);
	srv_memory_pool_drop(&mem, 0);
	mem_end();
}
END_TEST

START_TEST(the_end_leaves_no_descriptor_and_no_mapping)
{
	struct mem_trace before;

	/* What the first use of stdio and the sanitizer keep. */
	mem_start_pool(true);
	mem_end();
	before = mem_trace();
	mem_start_pool(true);
	ck_assert_int_eq(mem_commit(MEM_ADDR, MEM_PAGES), 0);
	mem_end();
	mem_traceless(before);
}
END_TEST

START_TEST(a_file_that_may_not_be_so_large_is_refused)
{
	const struct rlimit small = {MEM_BLOCK_BYTES, RLIM_INFINITY};
	struct mem_trace before;

	mem_start();
	before = mem_trace();
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	ck_assert_int_eq(
	    srv_memory_pool(&mem, MEM_ADDR, MEM_PAGES, false, &mem_backing),
	    -1);
	ck_assert_int_eq(errno, EFBIG);
	ck_assert_ptr_null(mem_backing.ctx);
	ck_assert_uint_eq(mem_trace().fds, before.fds);
	ck_assert_uint_eq(mem_mappings(), 2);
	ck_assert_int_eq(
	    srv_memory_pool(&mem, MEM_ADDR, MEM_BLOCK, false, &mem_backing), 0);
	mem_end();
}
END_TEST

#ifdef PAGER_FAILPOINTS

START_TEST(a_start_that_fails_anywhere_leaves_nothing)
{
	struct mem_trace before;
	unsigned long n = 1;

	mem_trace();
	before = mem_trace();
	for (;; n++) {
		int ret;

		pager_fail_arm(n);
		ret =
		    srv_memory_init(&mem, MEM_BOOT, MEM_SPAN, MEM_NODES, false);
		if (!pager_fail_fired())
			break;
		pager_fail_arm(0);
		ck_assert_int_eq(ret, -1);
		ck_assert_int_ne(errno, 0);
		mem_traceless(before);
	}
	pager_fail_arm(0);
	/* Two files of three calls each, and the address space. */
	ck_assert_uint_eq(n, 8);
	srv_memory_fini(&mem);
}
END_TEST

START_TEST(a_pool_that_fails_anywhere_leaves_nothing)
{
	static const int errors[] = {ENOMEM, EMFILE, EFBIG, ENOMEM};
	struct mem_trace before;
	unsigned long n = 1;

	mem_start();
	before = mem_trace();
	for (;; n++) {
		int ret;

		pager_fail_arm(n);
		ret = srv_memory_pool(&mem, MEM_ADDR, MEM_PAGES, true,
				      &mem_backing);
		if (!pager_fail_fired())
			break;
		pager_fail_arm(0);
		ck_assert_uint_le(n, 4);
		ck_assert_int_eq(ret, -1);
		ck_assert_int_eq(errno, errors[n - 1]);
		ck_assert_ptr_null(mem_backing.ctx);
		ck_assert_uint_eq(mem_trace().fds, before.fds);
		ck_assert_uint_eq(mem_mappings(), 2);
	}
	pager_fail_arm(0);
	ck_assert_uint_eq(n, 5);
	mem_end();
}
END_TEST

#endif

int main(void)
{
	const TTest *tests[] = {
	    boot_memory_can_be_used_and_what_is_beyond_cannot,
	    a_span_of_nothing_is_that_of_boot_memory,
	    a_span_beyond_the_address_space_is_refused,
	    simulated_memory_has_a_backing_of_nothing,
	    a_pool_outside_or_over_another_is_refused,
	    a_pool_that_is_dropped_leaves_nothing_and_another_can_come,
	    the_end_leaves_no_descriptor_and_no_mapping,
	    a_file_that_may_not_be_so_large_is_refused,
#ifdef PAGER_FAILPOINTS
	    a_start_that_fails_anywhere_leaves_nothing,
	    a_pool_that_fails_anywhere_leaves_nothing,
#endif
	};

	return UNIT_RUN("memory", tests);
}
