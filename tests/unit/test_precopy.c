/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Live copies against a source that changes at every moment at which it could,
 * and against whatever fails.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/precopy_bed.h"
#include "tests/support/unit.h"

static struct precopy_bed bed;

#define at(n) (BED_FIRST + (n))

/* Regions of every kind, pages in all of them. */
static void populate(void)
{
	bed_map(&bed, at(0), at(400), 0, 0, 0);
	bed_map(&bed, at(500), at(540), 0, 1, 10);
	bed_map(&bed, at(600), at(660), PAGER_REGION_SHARED, 2, 0);
	bed_map(&bed, at(700), at(760), PAGER_REGION_SHARED, 2, 40);
	bed_map(&bed, at(800), at(860), PAGER_REGION_GROWSDOWN, 0, 0);
	bed_brk(&bed, ((uint64_t)at(1000) << 12) + 50 * 4096 + 123);
	for (unsigned int i = 0; i < 60; i++)
		bed.from.object[0][i] = 1000 + i;
	for (unsigned int i = 0; i < 1200; i += 3)
		bed_write(&bed, at(i));
	bed_protect(&bed, at(100), at(120), 0);
}

static void begin(void)
{
	precopy_bed_init(&bed);
	populate();
}

START_TEST(a_space_that_is_left_alone_is_copied_once)
{
	begin();
	bed.pc.options.flags = PAGER_PRECOPY_VERIFY;
	ck_assert_int_eq(precopy_bed_run(&bed), 0);
	precopy_bed_equal(&bed);
	ck_assert_uint_eq(bed.result.rounds, 1);
	ck_assert_uint_gt(bed.result.pages, 200);
	ck_assert_uint_gt(bed.result.verified, 200);
	ck_assert_uint_eq(bed.result.space, 99);
	ck_assert_uint_eq(bed.result.regions, bed.from.regions.count);
	precopy_bed_fini(&bed);
}
END_TEST

static void write_some(struct precopy_bed *b)
{
	if (b->moments % 16 == 0)
		bed_write(b, at(precopy_below(b, 400)));
}

START_TEST(what_is_written_meanwhile_is_copied_again)
{
	begin();
	bed.others = write_some;
	bed.pc.options.stop_pages = 1;
	ck_assert_int_eq(precopy_bed_run(&bed), 0);
	precopy_bed_equal(&bed);
	ck_assert_uint_gt(bed.result.rounds, 1);
	precopy_bed_fini(&bed);
}
END_TEST

static void write_much(struct precopy_bed *b)
{
	for (unsigned int i = 0; i < 50; i++)
		bed_write(b, at(precopy_below(b, 400)));
}

START_TEST(rounds_end_when_they_do_not_get_shorter)
{
	begin();
	bed.others = write_much;
	ck_assert_int_eq(precopy_bed_run(&bed), 0);
	precopy_bed_equal(&bed);
	ck_assert_uint_le(bed.result.rounds, 5);
	ck_assert_uint_gt(bed.result.last_pages, 100);
	precopy_bed_fini(&bed);
}
END_TEST

/* Anything at all. */
static void anything(struct precopy_bed *b)
{
	uint64_t start = at(precopy_below(b, 1300));
	uint64_t end = start + 1 + precopy_below(b, 40);
	uint64_t to = at(1500 + precopy_below(b, 2000));

	switch (precopy_below(b, 24)) {
	case 0:
		bed_map(b, start, end, 0, 0, 0);
		break;
	case 1:
		bed_unmap(b, start, end);
		break;
	case 2:
		bed_map(b, start, end, PAGER_REGION_SHARED, 2,
			precopy_below(b, 80));
		break;
	case 3:
		bed_map(b, start, end, 0, 1 + precopy_below(b, 2),
			precopy_below(b, 40));
		break;
	case 4:
		bed_protect(b, start, end, (uint32_t)precopy_below(b, 8));
		break;
	case 5:
		bed_drop(b, start, end);
		break;
	case 6:
		bed_unmap(b, to, to + (end - start));
		bed_move(b, start, end, to);
		break;
	case 7:
		bed_brk(b,
			((uint64_t)at(1000) << 12) + precopy_below(b, 400000));
		break;
	case 8:
		bed_map(b, start, end, PAGER_REGION_GROWSDOWN, 0, 0);
		break;
	default:
		for (unsigned int i = 0; i < 8; i++)
			bed_write(b, at(precopy_below(b, 1400)));
		break;
	}
}

START_TEST(whatever_happens_at_whatever_moment_both_are_equal)
{
	for (unsigned int seed = 0; seed < 40; seed++) {
		begin();
		bed.random = (unsigned int)_i * 1000u + seed;
		bed.others = anything;
		bed.pc.options.flags = seed & 1 ? PAGER_PRECOPY_VERIFY : 0;
		bed.pc.options.max_rounds = 6;
		ck_assert_msg(precopy_bed_run(&bed) == 0, "seed %u: %s", seed,
			      bed.result.why);
		precopy_bed_equal(&bed);
		precopy_bed_fini(&bed);
	}
}
END_TEST

/* After what failed the source may be copied again at once. */
START_TEST(whatever_fails_all_is_undone)
{
	for (unsigned int nth = 1;; nth += 1 + nth / 50) {
		int ret;

		begin();
		bed.others = anything;
		bed.random = nth;
		bed.fails = nth;
		bed.pc.options.flags = PAGER_PRECOPY_VERIFY;
		bed.pc.options.max_rounds = 3;
		ret = precopy_bed_run(&bed);
		if (!bed.failed) {
			ck_assert_int_eq(ret, 0);
			ck_assert_uint_gt(nth, 100);
			precopy_bed_fini(&bed);
			break;
		}
		ck_assert_int_eq(ret, PAGER_REFUSED);
		precopy_bed_undone(&bed);
		precopy_bed_fini(&bed);
	}
}
END_TEST

START_TEST(a_source_that_writes_while_it_is_stopped_is_found_out)
{
	begin();
	bed.others = write_much;
	bed.cheats = true;
	ck_assert_int_eq(precopy_bed_run(&bed), PAGER_MISUSE);
	ck_assert_int_eq(errno, EBUSY);
	precopy_bed_undone(&bed);
	precopy_bed_fini(&bed);
}
END_TEST

START_TEST(what_a_device_knows_is_not_copied)
{
	begin();
	bed_map(&bed, at(2000), at(2010),
		PAGER_REGION_CONTIG | PAGER_REGION_PINNED, 0, 0);
	ck_assert_int_eq(precopy_bed_run(&bed), PAGER_MISUSE);
	ck_assert_int_eq(errno, ENOTSUP);
	ck_assert_ptr_nonnull(strstr(bed.result.why, "0x810000"));
	precopy_bed_undone(&bed);
	bed.pc.options.flags = PAGER_PRECOPY_SKIP_CONTIG;
	ck_assert_int_eq(precopy_bed_run(&bed), 0);
	ck_assert_uint_eq(bed.result.skipped, 1);
	bed_unmap(&bed, at(2000), at(2010));
	precopy_bed_equal(&bed);
	precopy_bed_fini(&bed);
}
END_TEST

/* Objects that a private region alone shows: nobody logs their writes. */
static void write_object(struct precopy_bed *b)
{
	b->from.object[0][precopy_below(b, 60)] = 1 + precopy_below(b, 1000);
}

START_TEST(objects_that_others_write_are_copied_at_the_end)
{
	begin();
	bed.others = write_object;
	ck_assert_int_eq(precopy_bed_run(&bed), 0);
	precopy_bed_equal(&bed);
	precopy_bed_fini(&bed);
}
END_TEST

/* Written through a shared region that is gone before anybody looks at the log:
 * a private one goes on showing it. */
static void write_and_go(struct precopy_bed *b)
{
	if (b->result.rounds != 1 || b->stopped || !b->logging)
		return;
	bed_write(b, at(608));
	bed_unmap(b, at(608), at(609));
	b->others = NULL;
}

START_TEST(objects_are_what_private_regions_show_of_them)
{
	begin();
	bed_unmap(&bed, at(700), at(760));
	bed_map(&bed, at(2000), at(2020), 0, 2, 0);
	bed_write(&bed, at(608));
	bed.others = write_and_go;
	ck_assert_int_eq(precopy_bed_run(&bed), 0);
	ck_assert_ptr_null(bed.others);
	precopy_bed_equal(&bed);
	precopy_bed_fini(&bed);
}
END_TEST

START_TEST(objects_are_as_long_as_they_show)
{
	begin();
	/* Nobody knows how long the second is, and this is beyond its end. */
	bed_map(&bed, at(3000), at(3050), PAGER_REGION_SHARED, 2, 70);
	ck_assert_int_eq(precopy_bed_run(&bed), 0);
	ck_assert_uint_eq(bed.to.sizes[1], 80);
	ck_assert_uint_eq(bed.to.sizes[0], 60);
	precopy_bed_equal(&bed);
	precopy_bed_fini(&bed);
}
END_TEST

static unsigned int shown, ended;
static uint32_t phases;

static int watch(void *arg, const struct pager_precopy_progress *p)
{
	unsigned int *limit = arg;

	shown++;
	ended += p->ended;
	phases |= 1u << p->phase;
	return shown == *limit;
}

START_TEST(progress_is_told_and_can_end_it)
{
	unsigned int limit = 0;

	begin();
	bed.pc.options.flags = PAGER_PRECOPY_VERIFY;
	bed.pc.options.progress = watch;
	bed.pc.options.arg = &limit;
	ck_assert_int_eq(precopy_bed_run(&bed), 0);
	ck_assert_uint_eq(ended, 3);
	ck_assert_uint_eq(phases, 7);
	precopy_bed_fini(&bed);
	for (limit = 1; limit <= 3; limit++) {
		shown = 0;
		begin();
		bed.pc.options.flags = PAGER_PRECOPY_VERIFY;
		bed.pc.options.progress = watch;
		bed.pc.options.arg = &limit;
		ck_assert_int_eq(precopy_bed_run(&bed), PAGER_MISUSE);
		ck_assert_int_eq(errno, ECANCELED);
		precopy_bed_undone(&bed);
		precopy_bed_fini(&bed);
	}
}
END_TEST

static int stops, resumes;

static int own_stop(void *arg)
{
	(void)arg;
	bed.stopped = true;
	return ++stops == 2;
}

static int own_resume(void *arg)
{
	(void)arg;
	bed.stopped = false;
	return ++resumes == 2;
}

START_TEST(callers_stop_and_resume_in_their_own_way)
{
	begin();
	bed.others = anything;
	bed.pc.options.stop = own_stop;
	bed.pc.options.resume = own_resume;
	ck_assert_int_eq(precopy_bed_run(&bed), 0);
	ck_assert(stops == 1 && resumes == 1);
	precopy_bed_equal(&bed);
	precopy_bed_fini(&bed);
	/* It cannot be stopped; then it is not resumed. */
	begin();
	bed.pc.options.stop = own_stop;
	bed.pc.options.resume = own_resume;
	ck_assert_int_eq(precopy_bed_run(&bed), PAGER_MISUSE);
	ck_assert(stops == 2 && resumes == 1);
	bed.stopped = false;
	precopy_bed_undone(&bed);
	/* It cannot be resumed. */
	ck_assert_int_eq(precopy_bed_run(&bed), PAGER_MISUSE);
	ck_assert(stops == 3 && resumes == 2);
	precopy_bed_undone(&bed);
	precopy_bed_fini(&bed);
}
END_TEST

START_TEST(a_pause_that_is_too_long_is_a_failure)
{
	begin();
	bed.pc.options.max_pause_ms = 1;
	bed.others = write_much;
	ck_assert_int_eq(precopy_bed_run(&bed), PAGER_MISUSE);
	ck_assert_int_eq(errno, ETIMEDOUT);
	precopy_bed_undone(&bed);
	precopy_bed_fini(&bed);
}
END_TEST

/* --- lists -----------------------------------------------------------------
 */

START_TEST(lists_are_cut_and_compared)
{
	struct pc_list a = {0}, b = {0}, out = {0};
	struct pc_region r = {.start = 10, .end = 20, .object = 1, .offset = 5};

	ck_assert(pc_list_add(&a, &r));
	ck_assert(pc_list_cut(&a, 12, 15));
	ck_assert_uint_eq(a.count, 2);
	ck_assert(a.at[0].start == 10 && a.at[0].end == 12);
	ck_assert(a.at[1].start == 15 && a.at[1].offset == 10);
	ck_assert(pc_list_cut(&a, 0, 11));
	ck_assert(a.at[0].start == 11 && a.at[0].offset == 6);
	ck_assert(pc_list_add(&b, &r));
	ck_assert(pc_list_without(&b, &a, false, &out));
	ck_assert_uint_eq(out.count, 2);
	ck_assert(out.at[0].start == 10 && out.at[0].end == 11);
	ck_assert(out.at[1].start == 12 && out.at[1].end == 15 &&
		  out.at[1].offset == 7);
	out.count = 0;
	ck_assert(pc_list_without(&a, &b, true, &out));
	ck_assert_uint_eq(out.count, 0);
	b.at[0].prot = 1;
	ck_assert(pc_list_without(&a, &b, false, &out));
	ck_assert_uint_eq(out.count, 0);
	ck_assert(pc_list_without(&a, &b, true, &out));
	ck_assert_uint_eq(out.count, 2);
	ck_assert(pc_list_cut(&a, 0, 100));
	ck_assert_uint_eq(a.count, 0);
	pc_list_fini(&a);
	pc_list_fini(&b);
	pc_list_fini(&out);
}
END_TEST

START_TEST(addresses_are_pages_and_back)
{
	static const uint64_t va[] = {0,
				      0x1000,
				      UINT64_C(1) << 46,
				      0x7ffffffff000,
				      0xffff800000000000,
				      0xfffffffffffff000};

	for (size_t i = 0; i < sizeof(va) / sizeof(va[0]); i++)
		ck_assert_uint_eq(pc_va(pc_vpn(va[i])), va[i]);
	ck_assert_uint_eq(pc_vpn_end(0), PC_VPN_END);
	ck_assert_uint_eq(pc_vpn_end(UINT64_C(1) << 47), PC_VPN_END / 2);
	ck_assert_uint_eq(pc_vpn_end(0x2000), 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("precopy");
	TCase *t = tcase_create("precopy");
	SRunner *runner;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, a_space_that_is_left_alone_is_copied_once);
	tcase_add_test(t, what_is_written_meanwhile_is_copied_again);
	tcase_add_test(t, rounds_end_when_they_do_not_get_shorter);
	tcase_add_loop_test(
	    t, whatever_happens_at_whatever_moment_both_are_equal, 0, 5);
	tcase_add_test(t, whatever_fails_all_is_undone);
	tcase_add_test(t,
		       a_source_that_writes_while_it_is_stopped_is_found_out);
	tcase_add_test(t, what_a_device_knows_is_not_copied);
	tcase_add_test(t, objects_that_others_write_are_copied_at_the_end);
	tcase_add_test(t, objects_are_what_private_regions_show_of_them);
	tcase_add_test(t, objects_are_as_long_as_they_show);
	tcase_add_test(t, progress_is_told_and_can_end_it);
	tcase_add_test(t, callers_stop_and_resume_in_their_own_way);
	tcase_add_test(t, a_pause_that_is_too_long_is_a_failure);
	tcase_add_test(t, lists_are_cut_and_compared);
	tcase_add_test(t, addresses_are_pages_and_back);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
