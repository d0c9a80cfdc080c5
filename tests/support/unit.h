/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the unit tests of the model share: one machine with one space, calls
 * that must succeed in one line each, and a picture of everything that can be
 * observed, so that a refusal is always checked to have changed nothing.
 *
 * One machine at a time; a test that runs in a process of its own starts it
 * and ends it, and the end proves that nothing leaked (world.h).
 */
#ifndef TESTS_SUPPORT_UNIT_H
#define TESTS_SUPPORT_UNIT_H

#include <check.h>

#include "lib/core/core.h"
#include "tests/support/world.h"

#define UNIT_R	PAGER_PROT_READ
#define UNIT_RW (PAGER_PROT_READ | PAGER_PROT_WRITE)
#define UNIT_RX (PAGER_PROT_READ | PAGER_PROT_EXEC)

extern struct test_world unit_world;
extern struct pager_space *unit_space; /* over all of [0, 2^36) */

/* config may be NULL. */
void unit_start(const struct test_world_config *config);
/* Free what spaces and objects (unit_object's) are left, then the machine. */
void unit_end(void);
/* The recount, and no MMU caches what its table does not say. */
void unit_check(void);

/* Run tests, each in a process of its own. The result is main's. */
int unit_run(const char *name, const TTest *const *tests, size_t n);
#define UNIT_RUN(name, tests) \
	unit_run(name, tests, sizeof(tests) / sizeof((tests)[0]))

/* --- calls that must succeed ---------------------------------------------- */

#define unit_ok(call)                                                        \
	do {                                                                 \
		struct pager_status ok_ = (call);                            \
		ck_assert_msg(ok_.err == PAGER_OK,                           \
			      "%s: error %u, argument %u", #call,            \
			      (unsigned int)ok_.err, (unsigned int)ok_.arg); \
	} while (0)

/* Refused with this error and argument, and nothing has changed. */
#define unit_refused(call, error, argument)                                   \
	do {                                                                  \
		char *before_ = unit_picture();                               \
		struct pager_status no_ = (call);                             \
		ck_assert_msg(no_.err == (error) && no_.arg == (argument),    \
			      "%s: error %u, argument %u; not %s, %s", #call, \
			      (unsigned int)no_.err, (unsigned int)no_.arg,   \
			      #error, #argument);                             \
		unit_unchanged(before_, #call);                               \
	} while (0)

/* Private and anonymous, exactly there, in place of what was there. */
void unit_map(struct pager_space *s, uint64_t start, uint64_t pages,
	      uint32_t prot);
/* The same with more flags. */
void unit_map_flags(struct pager_space *s, uint64_t start, uint64_t pages,
		    uint32_t prot, uint32_t flags);
/* An object, exactly there; flags: SHARED or 0, and others. */
void unit_map_object(struct pager_space *s, uint64_t start, uint64_t pages,
		     uint32_t prot, uint32_t flags, struct pager_object *object,
		     uint64_t offset);
/* Without FIXED; the status is the caller's to look at. */
struct pager_status unit_place(struct pager_space *s, uint64_t hint,
			       uint64_t pages, uint64_t *out);
void unit_unmap(struct pager_space *s, uint64_t start, uint64_t pages);
void unit_protect(struct pager_space *s, uint64_t start, uint64_t pages,
		  uint32_t prot);
void unit_advise(struct pager_space *s, uint64_t start, uint64_t pages,
		 enum pager_advice advice);
uint64_t unit_remap(struct pager_space *s, uint64_t start, uint64_t pages,
		    uint64_t new_pages, uint32_t flags, uint64_t new_start);
struct pager_space *unit_fork(struct pager_space *s);
struct pager_object *unit_object(uint64_t pages);

/* One fault; the status must be OK. */
struct pager_fault_info unit_fault(struct pager_space *s, uint64_t vpn,
				   uint32_t access);
/* The signal a fault is answered with, or PAGER_SIGNAL_NONE. */
enum pager_signal unit_signal(struct pager_space *s, uint64_t vpn,
			      uint32_t access);
/* The first byte of a page, through the MMU of CPU 0, faults and all. */
void unit_put(struct pager_space *s, uint64_t vpn, uint8_t value);
uint8_t unit_get(struct pager_space *s, uint64_t vpn);
/* Put values first, first + 1, ... into the pages of a range. */
void unit_fill(struct pager_space *s, uint64_t start, uint64_t pages,
	       uint8_t first);
/* Put into a page of an object, through a space made for it. */
void unit_object_put(struct pager_object *object, uint64_t index,
		     uint8_t value);

/* --- looking ---------------------------------------------------------------
 */

struct pager_page_info unit_page(const struct pager_space *s, uint64_t vpn);
struct pager_space_info unit_info(const struct pager_space *s);
struct pager_stats unit_stats(void);
/* The region that holds vpn; there must be one. */
struct pager_region_info unit_region(const struct pager_space *s, uint64_t vpn);
bool unit_mapped(const struct pager_space *s, uint64_t vpn);
uint64_t unit_used(enum pager_resource resource);
/* Set one limit of the world's account; the others are none. */
void unit_limit(enum pager_resource resource, uint64_t limit);
void unit_no_limits(void);

/* All that can be observed of the machine, as text; free it. */
char *unit_picture(void);
/* Fails if the machine does not look like before (which is freed). */
void unit_unchanged(char *before, const char *what);

#endif
