/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bed of the tests of the daemon's memory. It looks at pages by a pipe:
 * the kernel says EFAULT where an access would be a signal.
 */
#include "tests/support/memory_bed.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/support/unit.h"

struct srv_memory mem;
struct vmem_backing mem_backing;
static int probe[2] = {-1, -1};

static void start(uint64_t span)
{
	ck_assert_int_eq(pipe2(probe, O_CLOEXEC), 0);
	ck_assert_int_eq(
	    srv_memory_init(&mem, MEM_BOOT, span, MEM_NODES, false), 0);
}

static void start_pool(uint64_t pages, bool reserve)
{
	ck_assert_int_eq(
	    srv_memory_pool(&mem, MEM_ADDR, pages, reserve, &mem_backing), 0);
}

void mem_start(void)
{
	start(MEM_SPAN);
}

void mem_start_pool(bool reserve)
{
	start(MEM_SPAN);
	start_pool(MEM_PAGES, reserve);
}

void mem_start_large(uint64_t pages)
{
	start(MEM_ADDR + pages);
	start_pool(pages, true);
}

void mem_end(void)
{
	srv_memory_fini(&mem);
	close(probe[0]);
	close(probe[1]);
}

uint8_t *mem_at(uint64_t pfn)
{
	return mem.physical + pfn * MEM_PAGE;
}

bool mem_readable(uint64_t pfn)
{
	char c;

	if (write(probe[1], mem_at(pfn), 1) < 0) {
		ck_assert_int_eq(errno, EFAULT);
		return false;
	}
	ck_assert_int_eq(read(probe[0], &c, 1), 1);
	return true;
}

bool mem_writable(uint64_t pfn, char value)
{
	char c;

	ck_assert_int_eq(write(probe[1], &value, 1), 1);
	if (read(probe[0], mem_at(pfn), 1) == 1)
		return true;
	ck_assert_int_eq(errno, EFAULT);
	ck_assert_int_eq(read(probe[0], &c, 1), 1);
	return false;
}

bool mem_zero(uint64_t pfn, uint64_t pages)
{
	const uint64_t *p = (const uint64_t *)mem_at(pfn);

	for (uint64_t i = 0; i < pages * MEM_PAGE / 8; i++)
		if (p[i])
			return false;
	return true;
}

int mem_commit(uint64_t pfn, uint64_t pages)
{
	return mem_backing.commit(mem_backing.ctx, pfn, pages);
}

int mem_discard(uint64_t pfn, uint64_t pages)
{
	return mem_backing.discard(mem_backing.ctx, pfn, pages);
}

uint64_t mem_resident(void)
{
	return srv_memory_pool_resident(&mem, MEM_ADDR);
}

struct mem_trace mem_trace(void)
{
	struct mem_trace t = {0};
	DIR *dir = opendir("/proc/self/fd");
	int fd = open("/proc/self/maps", O_RDONLY);
	char text[4096];
	ssize_t n;

	while (readdir(dir))
		t.fds++;
	closedir(dir);
	while ((n = read(fd, text, sizeof(text))) > 0)
		for (ssize_t i = 0; i < n; i++)
			t.maps += text[i] == '\n';
	close(fd);
	return t;
}

unsigned int mem_mappings(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	const unsigned long base = (unsigned long)mem.physical;
	unsigned long low, high;
	unsigned int n = 0;
	char line[512];

	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx-%lx", &low, &high) == 2 &&
		    low < base + mem.span * MEM_PAGE && high > base)
			n++;
	fclose(f);
	return n;
}

void mem_traceless(struct mem_trace before)
{
	struct mem_trace t = mem_trace();

	ck_assert_uint_eq(t.fds, before.fds);
	ck_assert_uint_eq(t.maps, before.maps);
}
