/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows of pools and events in words, and when waiting for a wish is over.
 */
#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/unit.h"
#include "tools/pagerctl/pool_words.h"

#define MB UINT64_C(1048576)

static struct pager_row_pool row_of(uint32_t flags, uint64_t plugged_mb,
				    uint64_t requested_mb, uint64_t next_try)
{
	return (struct pager_row_pool){
	    .pool = 1,
	    .name = "dimm0",
	    .flags = flags,
	    .plugged = plugged_mb * MB,
	    .requested = requested_mb * MB,
	    .next_try_ms = next_try,
	    .wishes = 3,
	};
}

/* --- states --------------------------------------------------------------- */

static const struct {
	uint32_t flags;
	uint64_t plugged, requested, next_try;
	enum pool_state state;
	const char *word;
	const char *say; /* a part of it */
} states[] = {
    {PAGER_POOL_BOOT, 64, 64, 0, POOL_BOOT, "boot", "nothing of it can be"},
    {0, 64, 64, 0, POOL_REACHED, "as-requested", "nothing is to do"},
    {PAGER_POOL_WORKING, 64, 96, 0, POOL_GROWING, "growing",
     "working: 32M more to plug"},
    {PAGER_POOL_WORKING, 96, 64, 0, POOL_SHRINKING, "shrinking",
     "working: 32M more to take out"},
    {PAGER_POOL_WORKING, 96, 64, 42100, POOL_RETRYING, "waiting",
     "next try in 42.1 s, 32M to go"},
    {0, 64, 96, 0, POOL_BLOCKED, "out-of-threshold",
     "try pagerctl pool online dimm0 all"},
    {0, 96, 64, 0, POOL_ABOVE, "above-request",
     "try pagerctl pool offline dimm0 all"},
    {PAGER_POOL_BROKEN, 64, 64, 0, POOL_BROKEN, "broken",
     "see pagerctl pool events dimm0"},
    {PAGER_POOL_BROKEN | PAGER_POOL_WORKING, 64, 96, 7, POOL_BROKEN, "broken",
     "gave up for good"},
};

START_TEST(a_state_has_a_word_and_a_sentence)
{
	struct pager_row_pool row =
	    row_of(states[_i].flags, states[_i].plugged, states[_i].requested,
		   states[_i].next_try);
	char say[POOL_LINE];

	ck_assert_int_eq(pool_state(&row), states[_i].state);
	ck_assert_str_eq(pool_state_word(pool_state(&row)), states[_i].word);
	pool_state_say(&row, say);
	ck_assert_msg(strstr(say, states[_i].say) != NULL, "%s", say);
}
END_TEST

START_TEST(an_error_is_named)
{
	struct pager_row_pool row = row_of(PAGER_POOL_BROKEN, 1, 2, 0);
	char say[POOL_LINE];

	row.error = EINVAL;
	pool_state_say(&row, say);
	ck_assert_ptr_nonnull(strstr(say, strerror(EINVAL)));
	row = row_of(PAGER_POOL_WORKING, 1, 2, 9);
	row.error = ENOSPC;
	pool_state_say(&row, say);
	ck_assert_ptr_nonnull(strstr(say, strerror(ENOSPC)));
}
END_TEST

/* Numbers that a newer daemon may send. */
START_TEST(what_is_not_known_is_a_question_mark)
{
	struct pager_row_pool row = row_of(0, 0, 0, 0);
	struct pager_row_event event = {.type = 99, .value = UINT64_MAX};
	char say[POOL_LINE] = "x";

	ck_assert_str_eq(pool_block_word(3), "?");
	ck_assert_str_eq(pool_zone_word(2), "?");
	ck_assert_str_eq(pool_driver_word(&row, 8), "?");
	row.flags = PAGER_POOL_BBM;
	ck_assert_str_eq(pool_driver_word(&row, 4), "?");
	ck_assert_str_eq(pool_event_word(0), "?");
	ck_assert_str_eq(pool_event_word(99), "?");
	pool_event_say(&event, say);
	ck_assert_str_eq(say, "");
	event.type = PAGER_POOL_EVENT_BUSY;
	pool_event_say(&event, say);
	ck_assert_str_eq(say, "?");
}
END_TEST

START_TEST(words_of_the_driver_depend_on_its_mode)
{
	struct pager_row_pool row = row_of(0, 0, 0, 0);

	ck_assert_str_eq(pool_driver_word(&row, PAGER_SBM_OFFLINE), "offline");
	ck_assert_str_eq(pool_driver_word(&row, PAGER_SBM_MOVABLE_PARTIAL),
			 "movable-partial");
	ck_assert_str_eq(pool_mode_word(&row), "sub-blocks");
	row.flags = PAGER_POOL_BBM;
	ck_assert_str_eq(pool_driver_word(&row, PAGER_BBM_ADDED), "added");
	ck_assert_str_eq(pool_mode_word(&row), "big-blocks");
	row.flags = PAGER_POOL_BOOT;
	ck_assert_str_eq(pool_mode_word(&row), "boot");
}
END_TEST

static const struct {
	uint32_t type;
	uint64_t value;
	const char *word;
	const char *say;
} events[] = {
    {PAGER_POOL_EVENT_RESIZE, 2 * MB, "resize", "2M requested"},
    {PAGER_POOL_EVENT_PLUG, 2 * MB, "plug", "2M"},
    {PAGER_POOL_EVENT_UNPLUG, 2 * MB, "unplug", "2M"},
    {PAGER_POOL_EVENT_ADD, 0, "add", ""},
    {PAGER_POOL_EVENT_REMOVE, 0, "remove", ""},
    {PAGER_POOL_EVENT_ONLINE, 1, "online", "movable"},
    {PAGER_POOL_EVENT_OFFLINE, 0, "offline", ""},
    {PAGER_POOL_EVENT_BUSY, 0, "busy", "device"},
    {PAGER_POOL_EVENT_BUSY, 1, "busy", "memory"},
    {PAGER_POOL_EVENT_BUSY, 2, "busy", "veto"},
    {PAGER_POOL_EVENT_RETRY, 50007, "retry", "in 50.007 s"},
    {PAGER_POOL_EVENT_REACHED, 0, "reached", "0 plugged, as requested"},
    {PAGER_POOL_EVENT_BLOCKED, 0, "blocked", "too much is offline"},
    {PAGER_POOL_EVENT_GROW, 4 * MB, "grow", "memory was short: 4M requested"},
};

START_TEST(an_event_has_a_word_and_what_it_says)
{
	struct pager_row_event event = {.type = events[_i].type,
					.value = events[_i].value};
	char say[POOL_LINE];

	ck_assert_str_eq(pool_event_word(event.type), events[_i].word);
	pool_event_say(&event, say);
	ck_assert_str_eq(say, events[_i].say);
}
END_TEST

/* --- waiting -------------------------------------------------------------- */

static struct pool_wait wait_for(uint64_t from_mb, uint64_t target_mb)
{
	return (struct pool_wait){.pool = 1,
				  .wish = 3,
				  .from = from_mb * MB,
				  .target = target_mb * MB};
}

static enum pool_wait_end tell(struct pool_wait *wait, uint32_t pool,
			       uint32_t type, uint64_t value)
{
	struct pager_row_event event = {
	    .pool = pool, .type = type, .value = value, .addr = 0x100000000};

	return pool_wait_event(wait, &event);
}

START_TEST(it_is_over_when_the_size_is_there)
{
	struct pool_wait wait = wait_for(0, 64);
	struct pager_row_pool row = row_of(PAGER_POOL_WORKING, 62, 64, 0);

	ck_assert_int_eq(pool_wait_look(&wait, &row), POOL_WAIT_ON);
	row.plugged = 64 * MB;
	ck_assert_int_eq(pool_wait_look(&wait, &row), POOL_WAIT_REACHED);
	ck_assert_int_eq(tell(&wait, 1, PAGER_POOL_EVENT_REACHED, 62 * MB),
			 POOL_WAIT_ON);
	ck_assert_int_eq(tell(&wait, 1, PAGER_POOL_EVENT_REACHED, 64 * MB),
			 POOL_WAIT_REACHED);
}
END_TEST

START_TEST(a_newer_wish_ends_it_unless_it_is_the_same)
{
	struct pool_wait wait = wait_for(0, 64);
	struct pager_row_pool row = row_of(PAGER_POOL_WORKING, 62, 64, 0);

	row.wishes = 4;
	ck_assert_int_eq(pool_wait_look(&wait, &row), POOL_WAIT_ON);
	row.requested = 32 * MB;
	ck_assert_int_eq(pool_wait_look(&wait, &row), POOL_WAIT_REPLACED);
	ck_assert_uint_eq(wait.newer, 32 * MB);
	wait = wait_for(0, 64);
	ck_assert_int_eq(tell(&wait, 1, PAGER_POOL_EVENT_RESIZE, 64 * MB),
			 POOL_WAIT_ON);
	ck_assert_int_eq(tell(&wait, 1, PAGER_POOL_EVENT_RESIZE, 96 * MB),
			 POOL_WAIT_REPLACED);
	ck_assert_uint_eq(wait.newer, 96 * MB);
	ck_assert(!wait.grown);
	ck_assert_int_eq(tell(&wait, 1, PAGER_POOL_EVENT_GROW, 98 * MB),
			 POOL_WAIT_REPLACED);
	ck_assert(wait.grown);
}
END_TEST

/* The old row of a daemon that has not seen the wish yet says nothing. */
START_TEST(an_older_wish_ends_nothing)
{
	struct pool_wait wait = wait_for(0, 64);
	struct pager_row_pool row = row_of(PAGER_POOL_WORKING, 62, 32, 0);

	ck_assert_int_eq(pool_wait_look(&wait, &row), POOL_WAIT_ON);
}
END_TEST

START_TEST(a_broken_pool_ends_it)
{
	struct pool_wait wait = wait_for(0, 64);
	struct pager_row_pool row = row_of(PAGER_POOL_BROKEN, 62, 64, 0);

	ck_assert_int_eq(pool_wait_look(&wait, &row), POOL_WAIT_BROKEN);
	ck_assert_int_eq(tell(&wait, 1, PAGER_POOL_EVENT_BROKEN, EINVAL),
			 POOL_WAIT_BROKEN);
}
END_TEST

START_TEST(other_pools_end_nothing)
{
	struct pool_wait wait = wait_for(0, 64);

	ck_assert_int_eq(tell(&wait, 2, PAGER_POOL_EVENT_REACHED, 64 * MB),
			 POOL_WAIT_ON);
	ck_assert_int_eq(tell(&wait, 2, PAGER_POOL_EVENT_RESIZE, 1),
			 POOL_WAIT_ON);
	ck_assert_int_eq(tell(&wait, 2, PAGER_POOL_EVENT_BROKEN, 1),
			 POOL_WAIT_ON);
	ck_assert_int_eq(tell(&wait, 2, PAGER_POOL_EVENT_BUSY, 1),
			 POOL_WAIT_ON);
	ck_assert(!wait.busy);
}
END_TEST

START_TEST(busy_is_waited_for_and_shown)
{
	struct pool_wait wait = wait_for(96, 64);
	struct pager_row_pool row = row_of(PAGER_POOL_WORKING, 72, 64, 41500);
	char say[POOL_LINE];

	ck_assert_int_eq(tell(&wait, 1, PAGER_POOL_EVENT_BUSY, 1),
			 POOL_WAIT_ON);
	ck_assert_int_eq(tell(&wait, 1, PAGER_POOL_EVENT_RETRY, 50000),
			 POOL_WAIT_ON);
	ck_assert_int_eq(pool_wait_look(&wait, &row), POOL_WAIT_ON);
	pool_wait_say(&wait, &row, 0, say);
	ck_assert_str_eq(say, "dimm0: 72M of 64M (75%), busy: 0x100000000, "
			      "memory; next try in 42 s");
	row.next_try_ms = 0;
	ck_assert_int_eq(tell(&wait, 1, PAGER_POOL_EVENT_UNPLUG, 2 * MB),
			 POOL_WAIT_ON);
	pool_wait_say(&wait, &row, 8, say);
	ck_assert_str_eq(say, "dimm0 [######..] 72M of 64M (75%)");
	row.flags = 0;
	pool_wait_say(&wait, &row, 0, say);
	ck_assert_str_eq(say, "dimm0: 72M of 64M (75%); waits: online memory "
			      "is not taken out here");
}
END_TEST

static const struct {
	uint64_t from, target, plugged;
	unsigned int percent;
} percents[] = {
    {0, 64, 0, 0},   {0, 64, 32, 50},	     {0, 64, 64, 100},	{64, 0, 64, 0},
    {64, 0, 16, 75}, {64, 0, 0, 100},	     {64, 64, 64, 100}, {64, 64, 32, 0},
    {32, 64, 16, 0}, {0, 100000, 99999, 99}, {64, 32, 96, 0},	{0, 64, 96, 50},
};

START_TEST(percents_are_of_the_way)
{
	struct pool_wait wait =
	    wait_for(percents[_i].from, percents[_i].target);

	ck_assert_uint_eq(pool_wait_percent(&wait, percents[_i].plugged * MB),
			  percents[_i].percent);
}
END_TEST

START_TEST(a_line_that_is_too_long_is_cut)
{
	struct pool_wait wait = wait_for(0, 64);
	struct pager_row_pool row = row_of(PAGER_POOL_WORKING, 32, 64, 9);
	char say[POOL_LINE];

	pool_wait_say(&wait, &row, 1000, say);
	ck_assert_uint_eq(strlen(say), POOL_LINE - 1);
}
END_TEST

#define LOOP(t, test, array) \
	tcase_add_loop_test(t, test, 0, sizeof(array) / sizeof((array)[0]))

int main(void)
{
	Suite *suite = suite_create("pool words");
	TCase *t = tcase_create("pool words");
	SRunner *runner;
	int failed;

	LOOP(t, a_state_has_a_word_and_a_sentence, states);
	tcase_add_test(t, an_error_is_named);
	tcase_add_test(t, what_is_not_known_is_a_question_mark);
	tcase_add_test(t, words_of_the_driver_depend_on_its_mode);
	LOOP(t, an_event_has_a_word_and_what_it_says, events);
	tcase_add_test(t, it_is_over_when_the_size_is_there);
	tcase_add_test(t, a_newer_wish_ends_it_unless_it_is_the_same);
	tcase_add_test(t, an_older_wish_ends_nothing);
	tcase_add_test(t, a_broken_pool_ends_it);
	tcase_add_test(t, other_pools_end_nothing);
	tcase_add_test(t, busy_is_waited_for_and_shown);
	LOOP(t, percents_are_of_the_way, percents);
	tcase_add_test(t, a_line_that_is_too_long_is_cut);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
