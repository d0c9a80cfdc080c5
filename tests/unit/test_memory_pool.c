/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A pool's memory is committed and discarded, with real memory files: what can
 * be accessed, and how much the kernel has given.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/failpoint.h"
#include "tests/support/memory_bed.h"
#include "tests/support/unit.h"

START_TEST(nothing_of_a_new_pool_can_be_accessed_or_costs_memory)
{
	mem_start_pool(true);
	for (uint64_t pfn = MEM_ADDR; pfn < MEM_ADDR + MEM_PAGES; pfn += 7)
		ck_assert(!mem_readable(pfn));
	ck_assert_uint_eq(mem_resident(), 0);
	mem_end();
}
END_TEST

START_TEST(what_is_committed_reads_as_zero_and_nothing_else_can_be_accessed)
{
	for (int reserve = 0; reserve < 2; reserve++) {
		mem_start_pool(reserve);
		ck_assert_int_eq(
		    mem_commit(MEM_ADDR + MEM_BLOCK, 2 * MEM_BLOCK), 0);
		ck_assert(!mem_readable(MEM_ADDR + MEM_BLOCK - 1));
		ck_assert(!mem_writable(MEM_ADDR + MEM_BLOCK - 1, 'x'));
		ck_assert(mem_zero(MEM_ADDR + MEM_BLOCK, 2 * MEM_BLOCK));
		memset(mem_at(MEM_ADDR + MEM_BLOCK), 0xee, 2 * MEM_BLOCK_BYTES);
		ck_assert(!mem_readable(MEM_ADDR + 3 * MEM_BLOCK));
		mem_end();
	}
}
END_TEST

START_TEST(only_reserved_memory_is_allocated_by_commit)
{
	mem_start_pool(true);
	ck_assert_int_eq(mem_commit(MEM_ADDR + MEM_BLOCK, 2 * MEM_BLOCK), 0);
	ck_assert_uint_eq(mem_resident(), 2 * MEM_BLOCK_BYTES);
	mem_end();
	mem_start_pool(false);
	ck_assert_int_eq(mem_commit(MEM_ADDR + MEM_BLOCK, 2 * MEM_BLOCK), 0);
	ck_assert_uint_eq(mem_resident(), 0);
	ck_assert(mem_writable(MEM_ADDR + MEM_BLOCK, 'x'));
	ck_assert_uint_eq(mem_resident(), MEM_PAGE);
	mem_end();
}
END_TEST

START_TEST(what_is_discarded_is_gone_and_cannot_be_accessed)
{
	for (int reserve = 0; reserve < 2; reserve++) {
		mem_start_pool(reserve);
		ck_assert_int_eq(mem_commit(MEM_ADDR, MEM_PAGES), 0);
		memset(mem_at(MEM_ADDR), 0xee, MEM_PAGES * MEM_PAGE);
		ck_assert_uint_eq(mem_resident(), MEM_PAGES * MEM_PAGE);
		ck_assert_int_eq(mem_discard(MEM_ADDR + MEM_BLOCK, MEM_BLOCK),
				 0);
		ck_assert_uint_eq(mem_resident(),
				  MEM_PAGES * MEM_PAGE - MEM_BLOCK_BYTES);
		ck_assert(!mem_readable(MEM_ADDR + MEM_BLOCK));
		ck_assert(!mem_writable(MEM_ADDR + 2 * MEM_BLOCK - 1, 'x'));
		ck_assert_uint_eq(*mem_at(MEM_ADDR + MEM_BLOCK - 1), 0xee);
		ck_assert_uint_eq(*mem_at(MEM_ADDR + 2 * MEM_BLOCK), 0xee);
		ck_assert_int_eq(mem_commit(MEM_ADDR + MEM_BLOCK, MEM_BLOCK),
				 0);
		ck_assert(mem_zero(MEM_ADDR + MEM_BLOCK, MEM_BLOCK));
		ck_assert_int_eq(mem_discard(MEM_ADDR, MEM_PAGES), 0);
		ck_assert_uint_eq(mem_resident(), 0);
		ck_assert_uint_eq(mem.unguarded, 0);
		mem_end();
	}
}
END_TEST

static volatile sig_atomic_t signals;
static sigjmp_buf back;

static void on_signal(int number)
{
	signals = number;
	siglongjmp(back, 1);
}

START_TEST(an_access_to_discarded_memory_is_a_signal)
{
	const struct sigaction action = {.sa_handler = on_signal};

	mem_start_pool(false);
	sigaction(SIGSEGV, &action, NULL);
	ck_assert_int_eq(mem_commit(MEM_ADDR, MEM_BLOCK), 0);
	*(volatile uint8_t *)mem_at(MEM_ADDR) = 1;
	ck_assert_int_eq(mem_discard(MEM_ADDR, MEM_BLOCK), 0);
	if (sigsetjmp(back, 1) == 0)
		*(volatile uint8_t *)mem_at(MEM_ADDR) = 2;
	ck_assert_int_eq(signals, SIGSEGV);
	ck_assert_uint_eq(mem_resident(), 0);
	mem_end();
}
END_TEST

START_TEST(the_whole_region_can_be_discarded_whatever_is_committed)
{
	mem_start_pool(true);
	ck_assert_int_eq(mem_discard(MEM_ADDR, MEM_PAGES), 0);
	ck_assert_int_eq(mem_commit(MEM_ADDR + 3 * MEM_BLOCK, MEM_BLOCK), 0);
	ck_assert_int_eq(mem_commit(MEM_ADDR + 6 * MEM_BLOCK, MEM_BLOCK), 0);
	ck_assert_int_eq(mem_discard(MEM_ADDR, MEM_PAGES), 0);
	ck_assert_uint_eq(mem_resident(), 0);
	ck_assert(!mem_readable(MEM_ADDR + 3 * MEM_BLOCK));
	ck_assert_uint_eq(mem_mappings(), 4);
	mem_end();
}
END_TEST

START_TEST(committing_again_keeps_what_is_there)
{
	mem_start_pool(true);
	ck_assert_int_eq(mem_commit(MEM_ADDR, MEM_BLOCK), 0);
	memset(mem_at(MEM_ADDR), 0x55, MEM_BLOCK_BYTES);
	ck_assert_int_eq(mem_commit(MEM_ADDR, 2 * MEM_BLOCK), 0);
	ck_assert_uint_eq(*mem_at(MEM_ADDR + MEM_BLOCK - 1), 0x55);
	ck_assert_uint_eq(mem_resident(), 2 * MEM_BLOCK_BYTES);
	mem_end();
}
END_TEST

START_TEST(neighbours_are_one_mapping_of_the_kernel)
{
	mem_start_pool(false);
	/* boot, nothing, the pool, nothing */
	ck_assert_uint_eq(mem_mappings(), 4);
	for (uint64_t i = 0; i < MEM_PAGES / MEM_BLOCK; i++)
		ck_assert_int_eq(
		    mem_commit(MEM_ADDR + i * MEM_BLOCK, MEM_BLOCK), 0);
	ck_assert_uint_eq(mem_mappings(), 4);
	for (uint64_t i = MEM_PAGES / MEM_BLOCK; i-- > 0;) {
		ck_assert_int_eq(
		    mem_discard(MEM_ADDR + i * MEM_BLOCK, MEM_BLOCK), 0);
		ck_assert_uint_le(mem_mappings(), 5);
	}
	ck_assert_uint_eq(mem_mappings(), 4);
	mem_end();
}
END_TEST

/* --- the system says no ----------------------------------------------------
 */

/* The descriptor of the pool's file, as the kernel names it. */
static int pool_fd(void)
{
	char name[64], path[64];

	for (int fd = 0; fd < 256; fd++) {
		ssize_t n;

		snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
		n = readlink(name, path, sizeof(path) - 1);
		path[n > 0 ? n : 0] = '\0';
		if (strstr(path, "pagerd-pool"))
			return fd;
	}
	ck_abort_msg("the pool has no file");
	return -1;
}

/* Put a file of another making in place of the pool's. */
static void replace_file(off_t bytes, int seals)
{
	int fd = memfd_create("sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, bytes), 0);
	ck_assert_int_eq(fallocate(fd, 0, 0, bytes), 0);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, seals), 0);
	ck_assert_int_ge(dup3(fd, pool_fd(), O_CLOEXEC), 0);
	close(fd);
}

START_TEST(a_sealed_file_gives_nothing_and_takes_nothing_back)
{
	mem_start_pool(true);
	ck_assert_int_eq(mem_commit(MEM_ADDR, MEM_BLOCK), 0);
	*mem_at(MEM_ADDR) = 7;
	replace_file((off_t)MEM_BLOCK_BYTES, F_SEAL_GROW | F_SEAL_WRITE);
	ck_assert_int_eq(mem_commit(MEM_ADDR + MEM_BLOCK, MEM_BLOCK), -EPERM);
	ck_assert(!mem_readable(MEM_ADDR + MEM_BLOCK));
	ck_assert_int_eq(mem_discard(MEM_ADDR, MEM_BLOCK), -EPERM);
	ck_assert_uint_eq(*mem_at(MEM_ADDR), 7);
	mem_end();
}
END_TEST

/* The most mappings a process may have; 0: more than is sensible to try. */
static uint64_t mapping_limit(void)
{
	FILE *f = fopen("/proc/sys/vm/max_map_count", "re");
	unsigned long n = 0;

	if (f) {
		if (fscanf(f, "%lu", &n) != 1)
			n = 0;
		fclose(f);
	}
	return n <= 70000 ? n : 0;
}

START_TEST(at_the_limit_of_mappings_plug_is_refused_and_unplug_goes_unguarded)
{
	const uint64_t limit = mapping_limit();
	uint64_t n = 0, last;
	int ret = 0;

	if (limit == 0)
		return;
	mem_start_large(2 * limit);
	ck_assert_int_eq(mem_commit(MEM_ADDR, 3), 0);
	memset(mem_at(MEM_ADDR), 0xee, 3 * MEM_PAGE);
	/* Every other page is a mapping, and every one between. */
	for (last = MEM_ADDR + 4; ret == 0 && last < mem.span; last += 2)
		if ((ret = mem_commit(last, 1)) == 0)
			n++;
	ck_assert_int_eq(ret, -ENOMEM);
	ck_assert_uint_eq(mem_resident(), (3 + n) * MEM_PAGE);
	ck_assert(!mem_readable(last - 2));
	ck_assert_uint_eq(mem.unguarded, 0);
	ck_assert_int_eq(mem_discard(MEM_ADDR + 1, 1), 0);
	ck_assert_uint_eq(mem.unguarded, 1);
	ck_assert_uint_eq(mem_resident(), (2 + n) * MEM_PAGE);
	ck_assert(mem_zero(MEM_ADDR + 1, 1));
	ck_assert_uint_eq(*mem_at(MEM_ADDR), 0xee);
	ck_assert_uint_eq(*mem_at(MEM_ADDR + 2), 0xee);
	/* With room again it is as if it had been guarded. */
	ck_assert_int_eq(mem_discard(MEM_ADDR + 4, mem.span - MEM_ADDR - 4), 0);
	ck_assert_int_eq(mem_discard(MEM_ADDR + 1, 1), 0);
	ck_assert_uint_eq(mem.unguarded, 1);
	ck_assert(!mem_readable(MEM_ADDR + 1));
	ck_assert_int_eq(mem_commit(MEM_ADDR + 1, 1), 0);
	ck_assert(mem_zero(MEM_ADDR + 1, 1));
	ck_assert_uint_eq(mem_resident(), 3 * MEM_PAGE);
	mem_end();
}
END_TEST

#ifdef PAGER_FAILPOINTS

START_TEST(a_commit_that_fails_anywhere_changes_nothing)
{
	static const char *const points[2][2] = {
	    {"memory.protect"},
	    {"memory.allocate", "memory.protect"},
	};

	for (int reserve = 0; reserve < 2; reserve++) {
		unsigned long n = 1;

		mem_start_pool(reserve);
		for (;; n++) {
			int ret;

			pager_fail_arm(n);
			ret = mem_commit(MEM_ADDR, MEM_BLOCK);
			if (!pager_fail_fired())
				break;
			ck_assert_str_eq(pager_fail_fired(),
					 points[reserve][n - 1]);
			pager_fail_arm(0);
			ck_assert_int_eq(ret, points[reserve][n - 1][7] == 'a'
						  ? -ENOSPC
						  : -ENOMEM);
			ck_assert_uint_eq(mem_resident(), 0);
			ck_assert(!mem_readable(MEM_ADDR));
		}
		pager_fail_arm(0);
		ck_assert_uint_eq(n, reserve ? 3 : 2);
		ck_assert(mem_readable(MEM_ADDR));
		mem_end();
	}
}
END_TEST

START_TEST(a_discard_that_cannot_make_the_hole_changes_nothing)
{
	mem_start_pool(true);
	ck_assert_int_eq(mem_commit(MEM_ADDR, MEM_BLOCK), 0);
	memset(mem_at(MEM_ADDR), 0x77, MEM_BLOCK_BYTES);
	pager_fail_arm(1);
	ck_assert_int_eq(mem_discard(MEM_ADDR, MEM_BLOCK), -EIO);
	ck_assert_str_eq(pager_fail_fired(), "memory.punch");
	ck_assert_uint_eq(mem_resident(), MEM_BLOCK_BYTES);
	ck_assert_uint_eq(*mem_at(MEM_ADDR + MEM_BLOCK - 1), 0x77);
	pager_fail_arm(2);
	ck_assert_int_eq(mem_discard(MEM_ADDR, MEM_BLOCK), 0);
	ck_assert_str_eq(pager_fail_fired(), "memory.protect");
	pager_fail_arm(0);
	ck_assert_uint_eq(mem.unguarded, 1);
	ck_assert_uint_eq(mem_resident(), 0);
	ck_assert(mem_readable(MEM_ADDR));
	mem_end();
}
END_TEST

#endif

/* --- a device over it ------------------------------------------------------
 */

static enum vmem_response ask(struct vmem_link link,
			      enum vmem_request_type type, uint64_t first,
			      uint64_t blocks)
{
	const struct vmem_request r = {type, MEM_ADDR + first * MEM_BLOCK,
				       blocks};

	return link.ops->request(link.device, &r).response;
}

START_TEST(a_device_gives_back_to_the_system_what_is_unplugged)
{
	struct vmem_device_config config = {
	    .host = srv_memory_host(),
	    .addr = MEM_ADDR,
	    .region = MEM_PAGES,
	    .block = MEM_BLOCK,
	    .requested = MEM_PAGES,
	};
	struct vmem_device *device;
	struct vmem_link link;

	mem_start_pool(false);
	config.backing = mem_backing;
	device = vmem_device_new(&config);
	ck_assert_ptr_nonnull(device);
	link = vmem_device_link(device);
	ck_assert_int_eq(ask(link, VMEM_PLUG, 0, 8), VMEM_ACK);
	memset(mem_at(MEM_ADDR), 0x33, MEM_PAGES * MEM_PAGE);
	ck_assert_uint_eq(mem_resident(), 8 * MEM_BLOCK_BYTES);
	ck_assert_int_eq(ask(link, VMEM_UNPLUG, 5, 2), VMEM_ACK);
	ck_assert_uint_eq(mem_resident(), 6 * MEM_BLOCK_BYTES);
	ck_assert(!mem_readable(MEM_ADDR + 5 * MEM_BLOCK));
	ck_assert(!mem_readable(MEM_ADDR + 7 * MEM_BLOCK - 1));
	ck_assert_int_eq(ask(link, VMEM_PLUG, 5, 1), VMEM_ACK);
	ck_assert(mem_zero(MEM_ADDR + 5 * MEM_BLOCK, MEM_BLOCK));
#ifdef PAGER_FAILPOINTS
	/* Of a plug: vmem.commit, memory.protect; an unplug: vmem.discard,
	 * memory.punch. */
	for (unsigned long n = 1; n <= 2; n++) {
		pager_fail_arm(n);
		ck_assert_int_eq(ask(link, VMEM_PLUG, 6, 1), VMEM_BUSY);
		ck_assert(!mem_readable(MEM_ADDR + 6 * MEM_BLOCK));
		pager_fail_arm(n);
		ck_assert_int_eq(ask(link, VMEM_UNPLUG, 0, 1), VMEM_BUSY);
		ck_assert_uint_eq(*mem_at(MEM_ADDR), 0x33);
	}
	pager_fail_arm(0);
#endif
	ck_assert_int_eq(ask(link, VMEM_UNPLUG_ALL, 0, 0), VMEM_ACK);
	ck_assert_uint_eq(mem_resident(), 0);
	ck_assert(!mem_readable(MEM_ADDR));
	vmem_device_free(device);
	mem_end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    nothing_of_a_new_pool_can_be_accessed_or_costs_memory,
	    what_is_committed_reads_as_zero_and_nothing_else_can_be_accessed,
	    only_reserved_memory_is_allocated_by_commit,
	    what_is_discarded_is_gone_and_cannot_be_accessed,
	    an_access_to_discarded_memory_is_a_signal,
	    the_whole_region_can_be_discarded_whatever_is_committed,
	    committing_again_keeps_what_is_there,
	    neighbours_are_one_mapping_of_the_kernel,
	    a_sealed_file_gives_nothing_and_takes_nothing_back,
	    at_the_limit_of_mappings_plug_is_refused_and_unplug_goes_unguarded,
	    a_device_gives_back_to_the_system_what_is_unplugged,
#ifdef PAGER_FAILPOINTS
	    a_commit_that_fails_anywhere_changes_nothing,
	    a_discard_that_cannot_make_the_hole_changes_nothing,
#endif
	};

	return UNIT_RUN("memory_pool", tests);
}
