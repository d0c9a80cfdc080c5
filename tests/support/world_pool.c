/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pools of the test machine: their backing, and a clock to work by.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/base/failpoint.h"
#include "tests/support/world_int.h"

static void access_is(struct test_world *w, uint64_t pfn, uint64_t pages,
		      bool allowed)
{
	uint8_t *at;

	memset(w->committed + pfn, allowed, pages);
	if (!w->memory || pages == 0)
		return;
	at = w->memory + pfn * PAGER_PAGE_SIZE;
	if (mprotect(at, pages * PAGER_PAGE_SIZE,
		     allowed ? PROT_READ | PROT_WRITE : PROT_NONE) ||
	    (!allowed && madvise(at, pages * PAGER_PAGE_SIZE, MADV_DONTNEED)))
		test_die("world: memory cannot be protected");
}

void test_backing_init(struct test_world *w)
{
	w->committed = calloc(1, w->span);
	if (!w->committed)
		test_die("world: no memory for the backing");
	memset(w->committed, 1, w->frames);
	access_is(w, w->frames, w->span - w->frames, false);
}

void test_backing_fini(struct test_world *w)
{
	free(w->committed);
}

static uint64_t count(const struct test_world *w, uint64_t pfn, uint64_t pages)
{
	uint64_t n = 0;

	if (pfn < w->frames || pfn + pages > w->span)
		test_die("world: %llu pages at %#llx are in no pool",
			 (unsigned long long)pages, (unsigned long long)pfn);
	for (uint64_t i = 0; i < pages; i++)
		n += w->committed[pfn + i];
	return n;
}

static int commit(void *ctx, uint64_t pfn, uint64_t pages)
{
	struct test_world *w = ctx;
	struct test_backing *b = &w->backing;
	uint64_t had = count(w, pfn, pages);

	if (b->commit_error)
		return b->commit_error;
	if (pager_fail("backing.commit") ||
	    (b->room && b->committed - had + pages > b->room))
		return -ENOSPC;
	access_is(w, pfn, pages, false);
	access_is(w, pfn, pages, true);
	b->committed += pages - had;
	b->commits++;
	return 0;
}

static int discard(void *ctx, uint64_t pfn, uint64_t pages)
{
	struct test_world *w = ctx;
	struct test_backing *b = &w->backing;
	uint64_t had = count(w, pfn, pages);

	if (b->discard_error)
		return b->discard_error;
	if (pager_fail("backing.discard"))
		return -EIO;
	access_is(w, pfn, pages, false);
	b->committed -= had;
	b->discards++;
	return 0;
}

struct vmem_backing test_world_backing(struct test_world *w)
{
	return (struct vmem_backing){w, commit, discard};
}

struct pager_pool *test_world_pool(struct test_world *w,
				   const struct pager_pool_config *config)
{
	struct pager_pool_config c = *config;
	struct pager_pool *pool = NULL;
	struct pager_status st;
	uint32_t n = 0;

	if (!c.backing.commit && !c.backing.discard)
		c.backing = test_world_backing(w);
	while (!c.name[0] && pager_pool_get(w->core, n))
		n++;
	if (!c.name[0])
		snprintf(c.name, sizeof(c.name), "pool%u", n);
	st = pager_pool_new(w->core, &c, &pool);
	if (st.err != PAGER_OK)
		test_die("world: no pool: error %u, argument %u", st.err,
			 st.arg);
	return pool;
}

/* Far beyond what any test has to do. */
enum { STEPS_MAX = 1000000 };

static uint64_t work(struct test_world *w, uint64_t *due)
{
	uint64_t steps = 1;

	while (pager_core_work(w->core, w->now_ms, due)) {
		test_world_recount(w);
		if (steps++ == STEPS_MAX)
			test_die("world: the work never ends");
	}
	test_world_recount(w);
	return steps;
}

uint64_t test_world_work(struct test_world *w)
{
	uint64_t due;

	return work(w, &due);
}

uint64_t test_world_settle(struct test_world *w, unsigned int retries)
{
	uint64_t due, steps = work(w, &due);

	while (due != UINT64_MAX && retries--) {
		if (due > w->now_ms)
			w->now_ms = due;
		steps += work(w, &due);
	}
	return steps;
}
