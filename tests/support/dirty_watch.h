/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dirty logs in unit tests: a machine (unit.h) whose logs are stopped with it,
 * and what a log says as a line of text: its pages by address (vpn), runs with
 * a dash: "100 103-105".
 */
#ifndef TESTS_SUPPORT_DIRTY_WATCH_H
#define TESTS_SUPPORT_DIRTY_WATCH_H

#include "lib/core/dirty.h"
#include "lib/core/dirty_ring.h"
#include "tests/support/unit.h"

#define HARDWARE      PAGER_DIRTY_HARDWARE
#define WRITE_PROTECT PAGER_DIRTY_WRITE_PROTECT

/* The method of dirty_log; a test that is the same for both sets it. */
extern enum pager_dirty_method dirty_method;

/* A test with a machine, for each method. The body follows. */
#define DIRTY_TEST(name)                                      \
	static void name##_of(void);                          \
	START_TEST(name)                                      \
	{                                                     \
		dirty_method = _i ? WRITE_PROTECT : HARDWARE; \
		dirty_start(NULL);                            \
		name##_of();                                  \
		dirty_end();                                  \
	}                                                     \
	END_TEST                                              \
	static void name##_of(void)

/* As unit_run, but each test for both methods. */
int dirty_run(const char *name, const TTest *const *tests, size_t n);
#define DIRTY_RUN(name, tests) \
	dirty_run(name, tests, sizeof(tests) / sizeof((tests)[0]))

void dirty_start(const struct test_world_config *config);
/* Stops what logs are left. */
void dirty_end(void);

/* A log of pages of a space, by dirty_method. */
struct pager_dirty_log *dirty_log(struct pager_space *s, uint64_t start,
				  uint64_t pages);
struct pager_dirty_log *dirty_log_as(struct pager_space *s, uint64_t start,
				     uint64_t pages,
				     enum pager_dirty_method method,
				     uint32_t flags);
/* Known to dirty_end; what a test started by itself. */
void dirty_keep(struct pager_dirty_log *log);
void dirty_stop(struct pager_dirty_log *log);

/* A get of everything, with and without the clear; valid until the next. */
const char *dirty_text(struct pager_dirty_log *log);
const char *dirty_taken(struct pager_dirty_log *log);
/* A get says so. */
bool dirty_has(struct pager_dirty_log *log, uint64_t vpn);
/* Clear pages by address, one by one; returns how many were dirty. */
uint64_t dirty_wipe(struct pager_dirty_log *log, uint64_t vpn, uint64_t pages);
struct pager_dirty_info dirty_info(const struct pager_dirty_log *log);

/* Nothing but what is expected is dirty. */
#define dirty_is(log, text)   ck_assert_str_eq(dirty_text(log), text)
/* The same, and it is cleared. */
#define dirty_take(log, text) ck_assert_str_eq(dirty_taken(log), text)

/* --- rings ---------------------------------------------------------------- */

/* Attached to the log; freed by dirty_end. */
struct dring_entry *dirty_ring(struct pager_dirty_log *log, uint32_t entries);

#endif
