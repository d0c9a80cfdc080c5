/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DIRTY_GET_FD: the bitmap in a client's memory file.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/failpoint.h"
#include "tests/support/dirty_bed.h"
#include "tests/support/unit.h"

enum { MANUAL = PAGER_DIRTY_MANUAL, ALL_SET = PAGER_DIRTY_ALL_SET };
enum { CLEAR = PAGER_DIRTY_GET_CLEAR };
enum { BITMAP = DLOG_PAGES / 8 };

static int sealed(uint64_t bytes)
{
	return dlog_file(bytes, F_SEAL_SHRINK);
}

static void got(uint64_t first, uint64_t pages, uint64_t dirty, uint64_t next)
{
	const struct pager_rep_dirty_got *a = &serve_answer.body.dirty_got;

	ck_assert_uint_eq(a->first, first);
	ck_assert_uint_eq(a->pages, pages);
	ck_assert_uint_eq(a->dirty, dirty);
	ck_assert_uint_eq(a->next, next);
}

static void get_ok(int fd, uint64_t first, uint64_t pages, uint32_t flags,
		   uint64_t offset)
{
	ck_assert_uint_eq(dlog_get(fd, dlog.log, first, pages, flags, offset),
			  0);
}

static void write_pages(const uint64_t *pages, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ck_assert_uint_eq(dlog_write(pages[i]), 0);
}
#define WRITE(...)                                   \
	write_pages((const uint64_t[]){__VA_ARGS__}, \
		    sizeof((const uint64_t[]){__VA_ARGS__}) / 8)

static void finds_what_was_written(enum pager_dirty_method method)
{
	int fd = sealed(BITMAP);

	dlog_start(method, 0);
	get_ok(fd, 0, DLOG_PAGES, 0, 0);
	got(DLOG_PAGES, 0, 0, DLOG_PAGES);
	ck_assert_int_eq(lseek(fd, 0, SEEK_DATA), -1);
	WRITE(65, 66, 300, 1023);
	get_ok(fd, 0, DLOG_PAGES, 0, 0);
	got(64, 960, 4, DLOG_PAGES);
	ck_assert_uint_eq(dlog_word(fd, 0), 0);
	ck_assert_uint_eq(dlog_word(fd, 1), 6);
	ck_assert_uint_eq(dlog_word(fd, 4), UINT64_C(1) << 44);
	ck_assert_uint_eq(dlog_word(fd, 15), UINT64_C(1) << 63);
	get_ok(fd, 320, 640, 0, 0);
	got(960, 0, 0, 960);
	get_ok(fd, 256, 64, 0, 0);
	got(256, 64, 1, 320);
	ck_assert_uint_eq(dlog_word(fd, 0), UINT64_C(1) << 44);
	dlog_end();
	close(fd);
}

START_TEST(what_was_written_stands_in_the_file)
{
	finds_what_was_written(PAGER_DIRTY_HARDWARE);
	finds_what_was_written(PAGER_DIRTY_WRITE_PROTECT);
}
END_TEST

START_TEST(words_are_added_to_what_is_there)
{
	const uint64_t was[3] = {8, 16, 32};
	int fd = sealed(8192 + BITMAP);
	uint64_t at = 4096 + 16;

	dlog_start(PAGER_DIRTY_AUTO, 0);
	ck_assert_int_eq(pwrite(fd, was, sizeof(was), (off_t)at), 24);
	WRITE(0, 3, 130);
	get_ok(fd, 0, DLOG_PAGES, 0, at);
	got(0, 192, 3, DLOG_PAGES);
	ck_assert_uint_eq(dlog_word(fd, at / 8), 9);
	ck_assert_uint_eq(dlog_word(fd, at / 8 + 1), 16);
	ck_assert_uint_eq(dlog_word(fd, at / 8 + 2), 36);
	ck_assert_uint_eq(dlog_word(fd, at / 8 + 3), 0);
	ck_assert_uint_eq(dlog_word(fd, at / 8 - 1), 0);
	dlog_end();
	close(fd);
}
END_TEST

START_TEST(with_clear_exactly_what_was_told_is_clean)
{
	int fd = sealed(BITMAP);

	dlog_start(PAGER_DIRTY_WRITE_PROTECT, 0);
	WRITE(1, 63, 64, 700);
	get_ok(fd, 0, 64, CLEAR, 0);
	got(0, 64, 2, 64);
	get_ok(fd, 0, DLOG_PAGES, CLEAR, 0);
	got(64, 640, 2, DLOG_PAGES);
	get_ok(fd, 0, DLOG_PAGES, CLEAR, 0);
	got(DLOG_PAGES, 0, 0, DLOG_PAGES);
	WRITE(700);
	get_ok(fd, 0, DLOG_PAGES, 0, 0);
	got(640, 64, 1, DLOG_PAGES);
	dlog_end();
	close(fd);
}
END_TEST

START_TEST(a_log_that_ends_within_a_word_is_told_to_its_end)
{
	int fd = sealed(64);
	uint64_t log;

	dlog_start(PAGER_DIRTY_AUTO, 0);
	log = dlog_log(10, 100, PAGER_DIRTY_AUTO, ALL_SET);
	ck_assert_uint_eq(dlog_get(fd, log, 0, 100, 0, 48), 0);
	got(0, 100, 100, 100);
	ck_assert_uint_eq(dlog_word(fd, 5), 0);
	ck_assert_uint_eq(dlog_word(fd, 6), UINT64_MAX);
	ck_assert_uint_eq(dlog_word(fd, 7), (UINT64_C(1) << 36) - 1);
	ck_assert_uint_eq(dlog_get(fd, log, 64, 36, CLEAR, 0), 0);
	got(64, 36, 36, 100);
	ck_assert_uint_eq(dlog_get(fd, log, 0, 100, CLEAR, 0), 0);
	got(0, 64, 64, 100);
	dlog_end();
	close(fd);
}
END_TEST

/* 1 TiB of dirty pages takes 32 MiB of words. */
START_TEST(a_terabyte_all_of_which_is_dirty_is_told_in_parts)
{
	const uint64_t pages = UINT64_C(1) << 28;
	struct pager_req_dirty_start body = {
	    .addr = 0x10000, .len = pages * DLOG_PAGE, .flags = ALL_SET};
	int fd = sealed(pages / 8);
	uint64_t at = 0, dirty = 0;
	unsigned int parts = 0;

	dlog_start(PAGER_DIRTY_AUTO, 0);
	body.space = dlog.space;
	serve_ok(dlog.me, PAGER_OP_DIRTY_START, body);
	dlog.log = serve_answer.body.handle.handle;
	while (at < pages) {
		const struct pager_rep_dirty_got *a =
		    &serve_answer.body.dirty_got;

		get_ok(fd, at, pages - at, CLEAR, at / 8);
		ck_assert_uint_eq(a->first, at);
		ck_assert_uint_gt(a->next, at);
		ck_assert_uint_eq(a->pages, a->next - at);
		ck_assert_uint_eq(a->dirty, a->pages);
		dirty += a->dirty;
		at = a->next;
		parts++;
	}
	ck_assert_uint_eq(at, pages);
	ck_assert_uint_eq(dirty, pages);
	ck_assert_uint_eq(parts, 8);
	ck_assert_uint_eq(dlog_word(fd, 0), UINT64_MAX);
	ck_assert_uint_eq(dlog_word(fd, pages / 64 - 1), UINT64_MAX);
	get_ok(fd, 0, pages, 0, 0);
	got(pages, 0, 0, pages);
	dlog_end();
	close(fd);
}
END_TEST

/* --- refusals -------------------------------------------------------------
 */

/* Refused so, and nothing is changed; closes fd. */
static void refused_fd(int fd, const char *what, enum pager_error error)
{
	struct pager_req_dirty_get_fd body = {.log = dlog.log,
					      .pages = DLOG_PAGES};

	serve_fd = fd;
	serve_refused(dlog.me, PAGER_OP_DIRTY_GET_FD, body, error, what);
	serve_fd = -1;
	close(fd);
}

static int reopened(int fd, int flags)
{
	char path[64];
	int other;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	other = open(path, flags | O_CLOEXEC);
	ck_assert_int_ge(other, 0);
	close(fd);
	return other;
}

START_TEST(a_file_that_will_not_do_is_refused)
{
	int pipes[2];

	dlog_start(PAGER_DIRTY_AUTO, 0);
	WRITE(5);
	refused_fd(dlog_file(BITMAP, 0), "nfds", PAGER_EINVAL);
	refused_fd(dlog_file(BITMAP, F_SEAL_GROW), "nfds", PAGER_EINVAL);
	refused_fd(dlog_file(BITMAP, F_SEAL_SHRINK | F_SEAL_WRITE), "nfds",
		   PAGER_EACCESS);
	refused_fd(reopened(sealed(BITMAP), O_RDONLY), "nfds", PAGER_EACCESS);
	refused_fd(reopened(sealed(BITMAP), O_PATH), "nfds", PAGER_EINVAL);
	refused_fd(open("/dev/null", O_RDWR), "nfds", PAGER_EINVAL);
	ck_assert_int_eq(pipe(pipes), 0);
	refused_fd(pipes[0], "nfds", PAGER_EINVAL);
	refused_fd(pipes[1], "nfds", PAGER_EINVAL);
	refused_fd(sealed(BITMAP - 1), "offset", PAGER_ERANGE);
	refused_fd(sealed(0), "offset", PAGER_ERANGE);
	dlog_end();
}
END_TEST

START_TEST(a_stretch_or_place_that_is_none_is_refused)
{
	static const struct {
		uint64_t first, pages, offset;
		enum pager_error error;
		const char *field;
	} wrong[] = {
	    {0, DLOG_PAGES, 1, PAGER_EALIGN, "offset"},
	    {0, DLOG_PAGES, 4, PAGER_EALIGN, "offset"},
	    {0, DLOG_PAGES, 8, PAGER_ERANGE, "offset"},
	    {0, 64, BITMAP, PAGER_ERANGE, "offset"},
	    {0, 64, UINT64_MAX - 7, PAGER_ERANGE, "offset"},
	    {0, 64, UINT64_C(1) << 63, PAGER_ERANGE, "offset"},
	    {1, 64, 0, PAGER_EALIGN, "first"},
	    {0, 63, 0, PAGER_EALIGN, "pages"},
	    {0, 0, 0, PAGER_EINVAL, "pages"},
	    {DLOG_PAGES, 64, 0, PAGER_ERANGE, "first"},
	    {DLOG_PAGES + 64, 64, 0, PAGER_ERANGE, "first"},
	    {64, DLOG_PAGES, 0, PAGER_ERANGE, "pages"},
	    {64, UINT64_MAX - 63, 0, PAGER_ERANGE, "pages"},
	    {0, UINT64_MAX, 0, PAGER_ERANGE, "pages"},
	};

	dlog_start(PAGER_DIRTY_AUTO, 0);
	WRITE(5);
	serve_fd = sealed(BITMAP);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const struct pager_req_dirty_get_fd body = {
		    .log = dlog.log,
		    .first = wrong[i].first,
		    .pages = wrong[i].pages,
		    .offset = wrong[i].offset};

		serve_refused(dlog.me, PAGER_OP_DIRTY_GET_FD, body,
			      wrong[i].error, wrong[i].field);
	}
	ck_assert_int_eq(lseek(serve_fd, 0, SEEK_DATA), -1);
	close(serve_fd);
	dlog_end();
}
END_TEST

START_TEST(flags_and_logs_that_do_not_fit_are_refused)
{
	struct pager_req_dirty_get_fd body = {.pages = DLOG_PAGES};
	struct srv_client *ben;
	struct dlog_ring ring;

	dlog_start(PAGER_DIRTY_AUTO, MANUAL);
	ben = serve_join(SERVE_BEN);
	body.log = dlog.log;
	body.flags = CLEAR;
	serve_refused(dlog.me, PAGER_OP_DIRTY_GET_FD, body, PAGER_EFLAGS,
		      "flags");
	body.flags = 2;
	serve_refused(dlog.me, PAGER_OP_DIRTY_GET_FD, body, PAGER_EFLAGS,
		      "flags");
	body.flags = 0;
	serve_refused(ben, PAGER_OP_DIRTY_GET_FD, body, PAGER_ENOENT, "log");
	body.log = dlog.space;
	serve_refused(dlog.me, PAGER_OP_DIRTY_GET_FD, body, PAGER_ETYPE, "log");
	body.log = dlog.log;
	dlog_ring_make(&ring, 64);
	ck_assert_uint_eq(dlog_ring_attach(&ring, dlog.log), 0);
	serve_refused(dlog.me, PAGER_OP_DIRTY_GET_FD, body, PAGER_EBUSY, "log");
	dlog_ring_drop(&ring);
	dlog_stop(dlog.log);
	serve_refused(dlog.me, PAGER_OP_DIRTY_GET_FD, body, PAGER_ESTALE,
		      "log");
	dlog_end();
}
END_TEST

#ifdef PAGER_FAILPOINTS
START_TEST(a_file_that_cannot_be_written_clears_nothing)
{
	int fd = sealed(BITMAP);
	unsigned int failures = 0;
	unsigned long n;

	dlog_start(PAGER_DIRTY_WRITE_PROTECT, 0);
	for (n = 1;; n++) {
		const char *point;
		unsigned int error;

		WRITE(5, 900);
		pager_fail_arm(n);
		error = dlog_get(fd, dlog.log, 0, DLOG_PAGES, CLEAR, 0);
		point = pager_fail_fired();
		pager_fail_arm(0);
		if (!point)
			break;
		if (strcmp(point, "shared.map") == 0 ||
		    strcmp(point, "guard.sigaction") == 0)
			ck_assert_uint_eq(error, PAGER_ENOSPACE);
		/* The log has means against the model's own failures. */
		ck_assert_msg(error || strcmp(point, "host") == 0 ||
				  strcmp(point, "memory.alloc") == 0,
			      "%s", point);
		if (!error)
			continue;
		get_ok(fd, 0, DLOG_PAGES, 0, 0);
		ck_assert_uint_eq(serve_answer.body.dirty_got.dirty, 2);
		failures++;
	}
	/* Four looks at the file, the mapping, and its guard. */
	ck_assert_uint_eq(failures, 6);
	get_ok(fd, 0, DLOG_PAGES, 0, 0);
	ck_assert_uint_eq(serve_answer.body.dirty_got.dirty, 0);
	dlog_end();
	close(fd);
}
END_TEST
#endif

int main(void)
{
	const TTest *const tests[] = {
	    what_was_written_stands_in_the_file,
	    words_are_added_to_what_is_there,
	    with_clear_exactly_what_was_told_is_clean,
	    a_log_that_ends_within_a_word_is_told_to_its_end,
	    a_terabyte_all_of_which_is_dirty_is_told_in_parts,
	    a_file_that_will_not_do_is_refused,
	    a_stretch_or_place_that_is_none_is_refused,
	    flags_and_logs_that_do_not_fit_are_refused,
#ifdef PAGER_FAILPOINTS
	    a_file_that_cannot_be_written_clears_nothing,
#endif
	};

	return UNIT_RUN("dirty_get_fd", tests);
}
