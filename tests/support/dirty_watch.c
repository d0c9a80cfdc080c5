/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Logs as text.
 */
#include "tests/support/dirty_watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOGS = 32, RINGS = 4 };

enum pager_dirty_method dirty_method = HARDWARE;

static struct pager_dirty_log *logs[LOGS];
static struct dring_entry *rings[RINGS];

int dirty_run(const char *name, const TTest *const *tests, size_t n)
{
	Suite *suite = suite_create(name);
	TCase *t = tcase_create(name);
	SRunner *runner;
	int failed;

	tcase_set_timeout(t, 60);
	for (size_t i = 0; i < n; i++)
		tcase_add_loop_test(t, tests[i], 0, 2);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}

void dirty_start(const struct test_world_config *config)
{
	unit_start(config);
	memset(logs, 0, sizeof(logs));
	memset(rings, 0, sizeof(rings));
}

void dirty_end(void)
{
	unit_check();
	for (int i = 0; i < LOGS; i++)
		if (logs[i])
			pager_dirty_stop(logs[i]);
	for (int i = 0; i < RINGS; i++)
		free(rings[i]);
	unit_end();
}

void dirty_keep(struct pager_dirty_log *log)
{
	for (int i = 0; i < LOGS; i++)
		if (!logs[i]) {
			logs[i] = log;
			return;
		}
	test_die("dirty: too many logs");
}

struct pager_dirty_log *dirty_log_as(struct pager_space *s, uint64_t start,
				     uint64_t pages,
				     enum pager_dirty_method method,
				     uint32_t flags)
{
	struct pager_dirty_log *log = NULL;

	unit_ok(pager_dirty_start(s, unit_world.account,
				  pager_range(start, start + pages), method,
				  flags, &log));
	dirty_keep(log);
	return log;
}

struct pager_dirty_log *dirty_log(struct pager_space *s, uint64_t start,
				  uint64_t pages)
{
	return dirty_log_as(s, start, pages, dirty_method, 0);
}

void dirty_stop(struct pager_dirty_log *log)
{
	for (int i = 0; i < LOGS; i++)
		if (logs[i] == log)
			logs[i] = NULL;
	pager_dirty_stop(log);
}

struct pager_dirty_info dirty_info(const struct pager_dirty_log *log)
{
	struct pager_dirty_info info;

	pager_dirty_info(log, &info);
	return info;
}

/* --- text ----------------------------------------------------------------- */

struct printing {
	char text[8192];
	size_t used;
	uint64_t base;
	uint64_t first;
	uint64_t next; /* run [first, next) */
};

static void print(struct printing *p)
{
	if (p->first == p->next)
		return;
	p->used += (size_t)snprintf(p->text + p->used,
				    sizeof(p->text) - p->used, "%s%" PRIu64,
				    p->used ? " " : "", p->base + p->first);
	if (p->next - p->first > 1)
		p->used += (size_t)snprintf(p->text + p->used,
					    sizeof(p->text) - p->used,
					    "-%" PRIu64, p->base + p->next - 1);
	if (p->used > sizeof(p->text) - 64)
		test_die("dirty: too many runs");
}

static int take(void *ctx, uint64_t first, const uint64_t *words,
		unsigned int count)
{
	struct printing *p = ctx;

	ck_assert_uint_eq(first % 64, 0);
	for (uint64_t i = 0; i < 64 * (uint64_t)count; i++) {
		if (!(words[i / 64] >> i % 64 & 1))
			continue;
		if (first + i != p->next || p->first == p->next) {
			print(p);
			p->first = first + i;
		}
		p->next = first + i + 1;
	}
	return 0;
}

static const char *get(struct pager_dirty_log *log, bool clear)
{
	static struct printing p;
	struct pager_range r = dirty_info(log).range;
	struct pager_dirty_got got;

	p.used = p.first = p.next = 0;
	p.text[0] = '\0';
	p.base = r.start;
	unit_ok(pager_dirty_get(log, 0, pager_range_len(r), take, &p, &got));
	print(&p);
	ck_assert_int_eq(got.stopped, 0);
	if (clear)
		pager_dirty_got_clear(log, 0, pager_range_len(r));
	return p.text;
}

const char *dirty_text(struct pager_dirty_log *log)
{
	return get(log, false);
}

const char *dirty_taken(struct pager_dirty_log *log)
{
	return get(log, true);
}

static int find(void *ctx, uint64_t first, const uint64_t *words,
		unsigned int count)
{
	const uint64_t *page = ctx;
	uint64_t at = *page - first;

	return *page >= first && at < 64 * (uint64_t)count &&
	       words[at / 64] >> at % 64 & 1;
}

bool dirty_has(struct pager_dirty_log *log, uint64_t vpn)
{
	struct pager_range r = dirty_info(log).range;
	uint64_t page = vpn - r.start;
	struct pager_dirty_got got;

	unit_ok(pager_dirty_get(log, 0, pager_range_len(r), find, &page, &got));
	return got.stopped;
}

uint64_t dirty_wipe(struct pager_dirty_log *log, uint64_t vpn, uint64_t pages)
{
	struct pager_range r = dirty_info(log).range;
	uint64_t n = 0, all = 0;

	for (uint64_t v = vpn; v < vpn + pages; v++) {
		uint64_t page = v - r.start, first = page & ~UINT64_C(63);
		uint64_t word = UINT64_C(1) << page % 64;
		uint64_t left = pager_range_len(r) - first;

		unit_ok(pager_dirty_clear(log, first, left < 64 ? left : 64,
					  &word, &n));
		all += n;
	}
	return all;
}

struct dring_entry *dirty_ring(struct pager_dirty_log *log, uint32_t entries)
{
	size_t bytes = entries * sizeof(struct dring_entry);
	struct dring_entry *ring = calloc(1, bytes);

	if (!ring)
		test_die("dirty: no memory");
	unit_ok(pager_dirty_ring_attach(log, ring, entries));
	for (int i = 0; i < RINGS; i++)
		if (!rings[i]) {
			rings[i] = ring;
			return ring;
		}
	test_die("dirty: too many rings");
}
