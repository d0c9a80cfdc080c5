/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The test machine. Small pieces come from malloc, so that the address
 * sanitizer guards each; large ones from mmap, so that they cost nothing
 * until touched, as host.h asks.
 */
#include "tests/support/world.h"

#include "tests/support/world_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { LARGE = 1024 * 1024 };

void test_die(const char *format, ...)
{
	va_list ap;

	fflush(stdout);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	fflush(stderr);
	abort();
}

static uint8_t *pages_new(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void *host_alloc(void *ctx, size_t bytes)
{
	struct test_world *w = ctx;
	size_t align = bytes >= PAGER_PAGE_SIZE ? PAGER_PAGE_SIZE : 64;
	size_t whole = (bytes + align - 1) / align * align;
	void *p;

	if (w->host_limit && w->host_bytes + bytes > w->host_limit)
		return NULL;
	if (bytes >= LARGE)
		p = pages_new(bytes);
	else
		p = aligned_alloc(align, whole);
	if (!p)
		return NULL;
	if (bytes < LARGE)
		memset(p, 0, whole);
	w->host_bytes += bytes;
	w->host_pieces++;
	return p;
}

static void host_free(void *ctx, void *p, size_t bytes)
{
	struct test_world *w = ctx;

	if (!p)
		return;
	if (bytes > w->host_bytes || w->host_pieces == 0)
		test_die("world: %zu bytes given back, %llu are out", bytes,
			 (unsigned long long)w->host_bytes);
	w->host_bytes -= bytes;
	w->host_pieces--;
	if (bytes >= LARGE)
		munmap(p, bytes);
	else
		free(p);
}

static uint64_t span_of(const struct test_world_config *config, uint64_t frames)
{
	uint64_t span = config->span ? config->span : frames;

	for (size_t i = 0; !config->span && i < config->pool_count; i++) {
		const struct pager_pool_config *p = &config->pools[i];

		if (p->addr + p->region > span)
			span = p->addr + p->region;
	}
	return span;
}

void test_world_init(struct test_world *w,
		     const struct test_world_config *config)
{
	static const struct test_world_config defaults;
	struct pager_core_config cc = {0};
	uint64_t limit[PAGER_RES_COUNT];

	if (!config)
		config = &defaults;
	memset(w, 0, sizeof(*w));
	w->frames = config->frames ? config->frames : 4096;
	w->nodes = config->nodes ? config->nodes : 1024;
	w->tables = pages_new(w->nodes * PAGER_PAGE_SIZE);
	w->span = span_of(config, w->frames);
	if (!config->no_memory)
		w->memory = pages_new(w->span * PAGER_PAGE_SIZE);
	if (!w->tables || (!w->memory && !config->no_memory))
		test_die("world: no memory for the pool");
	test_backing_init(w);
	w->host_limit = config->host_bytes;

	cc.host = (struct pager_host){w, host_alloc, host_free};
	cc.frames = w->frames;
	cc.span = w->span;
	cc.memory_block = config->memory_block ? config->memory_block : 1024;
	cc.memory = w->memory;
	cc.nodes = w->nodes;
	cc.tables = w->tables;
	w->core = pager_core_new(&cc);
	if (!w->core)
		test_die("world: no core");
	w->sim = pager_sim_new(&cc.host, config->cpus ? config->cpus : 2);
	if (!w->sim)
		test_die("world: no software MMU");
	w->mmu = pager_sim_mmu(w->sim);
	for (int i = 0; i < PAGER_RES_COUNT; i++)
		limit[i] = UINT64_MAX;
	w->account = pager_account_new(w->core, limit);
	if (!w->account)
		test_die("world: no account");
	for (size_t i = 0; i < config->pool_count; i++)
		test_world_pool(w, &config->pools[i]);
	pager_core_stats(w->core, &w->start);
}

static void same(const char *what, uint64_t now, uint64_t start)
{
	if (now != start)
		test_die("world: %s: %llu at the end, %llu at the start", what,
			 (unsigned long long)now, (unsigned long long)start);
}

void test_world_fini(struct test_world *w)
{
	struct pager_stats now;

	test_world_recount(w);
	pager_core_stats(w->core, &now);
	same("spaces", now.spaces, 0);
	same("objects", now.objects, 0);
	same("regions", now.regions, 0);
	same("frames used", now.frames_used, w->start.frames_used);
	same("frames free", now.frames_free,
	     w->start.frames_free + now.frames_total - w->start.frames_total);
	same("nodes used", now.nodes_used, w->start.nodes_used);
	for (int i = 0; i < PAGER_RES_COUNT; i++)
		if (pager_account_used(w->account, i))
			test_die("world: resource %d: %llu still charged", i,
				 (unsigned long long)pager_account_used(
				     w->account, i));
	pager_account_put(w->account);
	pager_core_free(w->core);
	pager_sim_free(w->sim);
	same("bytes of the host", w->host_bytes, 0);
	same("pieces of the host", w->host_pieces, 0);
	munmap(w->tables, w->nodes * PAGER_PAGE_SIZE);
	if (w->memory)
		munmap(w->memory, w->span * PAGER_PAGE_SIZE);
	test_backing_fini(w);
}

void test_world_recount(struct test_world *w)
{
	char why[256] = "";
	struct pager_status st = pager_core_recount(w->core, why, sizeof(why));

	if (st.err != PAGER_OK)
		test_die("recount: error %u: %s", st.err, why);
}

struct pager_space *test_world_space(struct test_world *w, uint64_t start,
				     uint64_t end)
{
	static const struct pager_limits limits = {.regions = 1000000};
	struct pager_space *space = NULL;
	struct pager_status st;

	st = pager_space_new(w->core, w->account, w->mmu,
			     pager_range(start, end), &limits, &space);
	if (st.err != PAGER_OK || !space)
		test_die("world: no space: error %u", st.err);
	return space;
}

const uint8_t *test_world_bytes(const struct test_world *w, uint64_t pa)
{
	uint64_t pfn = pa >> PAGER_PAGE_SHIFT;

	if (!w->memory || pfn >= w->span || !w->committed[pfn])
		return NULL;
	return w->memory + pfn * (uint64_t)PAGER_PAGE_SIZE;
}
