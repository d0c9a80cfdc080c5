/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory files of clients: which are taken, that a mapping of one survives
 * whatever is done to it, and words or-ed into one.
 */
#include "server/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/failpoint.h"
#include "tests/support/memory_bed.h"
#include "tests/support/rng.h"
#include "tests/support/unit.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif
#ifndef MFD_HUGETLB
#define MFD_HUGETLB 4U
#endif

enum { PAGE = 4096, SIZE = 16 * PAGE, WORDS = SIZE / 8 };

static int file(off_t size, int seals)
{
	int fd = memfd_create("client", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, size), 0);
	if (seals)
		ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static int sealed(void)
{
	return file(SIZE, F_SEAL_SHRINK);
}

/* The same file by another open file. */
static int again(int fd, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fd = open(path, flags | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	return fd;
}

/* Both uses say the same of it; closes fd. */
static void refused(int fd, enum pager_error error)
{
	struct srv_shared *shared = NULL;
	struct mem_trace before = mem_trace();

	ck_assert_int_eq(srv_shared_check(fd, 0, SIZE), error);
	ck_assert_int_eq(srv_shared_map(fd, SIZE, &shared), error);
	ck_assert_ptr_null(shared);
	mem_traceless(before);
	if (fd >= 0)
		close(fd);
}

START_TEST(a_file_that_may_shrink_is_refused)
{
	refused(file(SIZE, 0), PAGER_EINVAL);
	refused(file(SIZE, F_SEAL_GROW), PAGER_EINVAL);
	refused(file(SIZE, F_SEAL_WRITE), PAGER_EINVAL);
	refused(file(SIZE, F_SEAL_SEAL), PAGER_EINVAL);
}
END_TEST

START_TEST(what_is_no_memory_file_is_refused)
{
	char path[] = "/tmp/pager-shared-XXXXXX";
	int pipes[2], fd;

	refused(-1, PAGER_EINVAL);
	refused(1000, PAGER_EINVAL);
	refused(open("/dev/null", O_RDWR), PAGER_EINVAL);
	refused(open("/dev/zero", O_RDWR), PAGER_EINVAL);
	refused(open("/", O_RDONLY | O_DIRECTORY), PAGER_EINVAL);
	ck_assert_int_eq(pipe(pipes), 0);
	refused(pipes[0], PAGER_EINVAL);
	refused(pipes[1], PAGER_EINVAL);
	fd = mkstemp(path);
	unlink(path);
	ck_assert_int_eq(ftruncate(fd, SIZE), 0);
	refused(fd, PAGER_EINVAL);
	fd = sealed();
	refused(again(fd, O_PATH), PAGER_EINVAL);
	close(fd);
	/* Never sealed, so that nobody may seal it. */
	fd = memfd_create("plain", MFD_CLOEXEC);
	ck_assert_int_eq(ftruncate(fd, SIZE), 0);
	refused(fd, PAGER_EINVAL);
	/* A file of a tmpfs is of the same kind, but has no seals. */
	fd = open("/dev/shm", O_TMPFILE | O_RDWR, 0600);
	if (fd >= 0)
		ck_assert_int_eq(ftruncate(fd, SIZE), 0);
	refused(fd, PAGER_EINVAL);
}
END_TEST

START_TEST(huge_pages_are_refused)
{
	int fd =
	    memfd_create("huge", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB);

	if (fd < 0) {
		printf("skipped: no huge memory files: %s\n", strerror(errno));
		return;
	}
	ck_assert_int_eq(ftruncate(fd, 2 << 20), 0);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	refused(fd, PAGER_EINVAL);
}
END_TEST

START_TEST(a_file_that_cannot_be_written_is_refused)
{
	int fd = sealed();

	refused(again(fd, O_RDONLY), PAGER_EACCESS);
	refused(again(fd, O_WRONLY), PAGER_EACCESS);
	close(fd);
	refused(file(SIZE, F_SEAL_SHRINK | F_SEAL_WRITE), PAGER_EACCESS);
	refused(file(SIZE, F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE), PAGER_EACCESS);
}
END_TEST

START_TEST(a_file_that_is_too_small_or_a_range_that_wraps_is_refused)
{
	static const struct {
		uint64_t offset, bytes;
		enum pager_error error;
	} ranges[] = {
	    {0, 0, PAGER_OK},
	    {0, SIZE - 3, PAGER_OK},
	    {0, SIZE - 2, PAGER_ERANGE},
	    {SIZE - 3, 0, PAGER_OK},
	    {SIZE - 2, 0, PAGER_ERANGE},
	    {8, SIZE - 11, PAGER_OK},
	    {8, SIZE - 10, PAGER_ERANGE},
	    {UINT64_MAX, 0, PAGER_ERANGE},
	    {UINT64_MAX, 1, PAGER_ERANGE},
	    {UINT64_MAX - 7, 8, PAGER_ERANGE},
	    {1, UINT64_MAX, PAGER_ERANGE},
	    {0, UINT64_MAX, PAGER_ERANGE},
	    {UINT64_C(1) << 63, UINT64_C(1) << 63, PAGER_ERANGE},
	    {8, UINT64_MAX - 7, PAGER_ERANGE},
	};
	int fd = file(SIZE - 3, F_SEAL_SHRINK);

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		ck_assert_msg(
		    srv_shared_check(fd, ranges[i].offset, ranges[i].bytes) ==
			ranges[i].error,
		    "range %zu", i);
	refused(fd, PAGER_ERANGE);
}
END_TEST

START_TEST(a_mapping_is_the_file_and_outlives_its_descriptor)
{
	struct mem_trace before = mem_trace();
	struct srv_shared *shared;
	uint64_t word = 77;
	int fd = file(PAGE + 100, F_SEAL_SHRINK), keep;

	ck_assert_int_eq(pwrite(fd, &word, 8, PAGE + 8), 8);
	keep = dup(fd);
	ck_assert_int_eq(srv_shared_map(fd, PAGE + 100, &shared), PAGER_OK);
	close(fd);
	ck_assert_uint_eq(shared->guard.size, 2 * PAGE);
	ck_assert_uint_eq(((uint64_t *)shared->memory)[513], 77);
	((uint64_t *)shared->memory)[0] = 78;
	ck_assert_int_eq(pread(keep, &word, 8, 0), 8);
	ck_assert_uint_eq(word, 78);
	ck_assert(!srv_shared_broken(shared));
	srv_shared_unmap(shared);
	srv_shared_unmap(NULL);
	close(keep);
	mem_traceless(before);
}
END_TEST

/* --- what a client may do meanwhile --------------------------------------- */

/* Everything that can be done to a file, until killed. */
static void torment(int fd, uint64_t seed)
{
	const int append = again(fd, O_RDWR | O_APPEND);
	struct rng r = rng_new(seed);
	uint64_t bytes[64];
	uint8_t *p =
	    mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	for (;;) {
		const off_t at = (off_t)rng_below(&r, SIZE);
		const off_t len = 1 + (off_t)rng_below(&r, SIZE);

		switch (rng_below(&r, 9)) {
		case 0:
			fallocate(fd,
				  FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				  at, len);
			break;
		case 1:
			if (!ftruncate(fd, at) && at < SIZE)
				_exit(9);
			break;
		case 2:
			fcntl(fd, F_SETFL, O_APPEND);
			break;
		case 3:
			fcntl(fd, F_SETFL, 0);
			break;
		case 4:
			/* Cannot be, while we map it for writing. */
			fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE);
			break;
		case 5:
			for (int i = 0; i < 64; i++)
				bytes[i] = rng_next(&r);
			pwrite(fd, bytes, sizeof(bytes), at);
			break;
		case 6:
			madvise(p + at / PAGE * PAGE, PAGE, MADV_REMOVE);
			break;
		case 7:
			fallocate(append, FALLOC_FL_KEEP_SIZE, at, len);
			break;
		case 8:
			p[at] = (uint8_t)rng_next(&r);
			break;
		}
	}
}

static pid_t tormentor(int fd, uint64_t seed)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (!pid)
		torment(fd, seed);
	return pid;
}

static void end(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, WNOHANG), 0);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}

START_TEST(nothing_a_client_does_to_a_mapped_file_is_the_end_of_us)
{
	struct srv_shared *shared;
	struct rng r = rng_new(4);
	volatile uint64_t *words;
	int fd = sealed();
	pid_t pid;

	ck_assert_int_eq(srv_shared_map(fd, SIZE, &shared), PAGER_OK);
	words = shared->memory;
	pid = tormentor(fd, 5);
	for (int i = 0; i < 500000; i++) {
		const uint64_t at = rng_below(&r, WORDS);

		words[at] = words[at] + 1;
	}
	end(pid);
	ck_assert(!srv_shared_broken(shared));
	srv_shared_unmap(shared);
	close(fd);
}
END_TEST

START_TEST(nothing_a_client_does_to_a_bitmap_is_more_than_an_error)
{
	struct srv_shared_or o;
	struct rng r = rng_new(6);
	uint64_t words[64];
	int fd = sealed();
	pid_t pid = tormentor(fd, 7);

	for (int i = 0; i < 20000; i++) {
		const uint64_t at = rng_below(&r, WORDS - 64) * 8;

		for (int w = 0; w < 64; w++)
			words[w] = rng_percent(&r, 50) ? rng_next(&r) : 0;
		srv_shared_check(fd, at, sizeof(words));
		srv_shared_or_begin(&o, fd, SIZE);
		srv_shared_or(&o, at, words, 64);
		srv_shared_or_end(&o);
	}
	end(pid);
	close(fd);
}
END_TEST

START_TEST(a_file_that_is_sealed_after_the_look_is_an_error_at_the_write)
{
	const uint64_t word = 1;
	struct srv_shared_or o;
	int fd = sealed();

	ck_assert_int_eq(srv_shared_check(fd, 0, SIZE), PAGER_OK);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	srv_shared_or_begin(&o, fd, SIZE);
	ck_assert_int_eq(srv_shared_or(&o, 0, &word, 1), -EPERM);
	ck_assert_int_eq(srv_shared_or_end(&o), 0);
	close(fd);
}
END_TEST

/* A process that writes to the file from a page that does not come, until it is
 * killed; 0: there can be none. */
static pid_t holder(int fd)
{
	struct uffdio_register range = {.mode = UFFDIO_REGISTER_MODE_MISSING};
	struct uffdio_api api = {.api = UFFD_API};
	int told[2], uffd;
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(told), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid) {
		void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		range.range.start = (uintptr_t)page;
		range.range.len = PAGE;
		uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
		if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api) ||
		    ioctl(uffd, UFFDIO_REGISTER, &range) ||
		    write(told[1], "x", 1) != 1)
			_exit(1);
		pwrite(fd, page, PAGE, 0);
		_exit(1);
	}
	close(told[1]);
	if (read(told[0], &byte, 1) != 1)
		pid = 0;
	close(told[0]);
	/* Until it is in the call. */
	usleep(100000);
	return pid;
}

/* While somebody holds the file's lock, for ever, in a write of its own. */
START_TEST(a_client_that_holds_the_files_lock_does_not_hold_us)
{
	struct srv_shared *shared;
	struct srv_shared_or o;
	const uint64_t word = 1;
	int fd = sealed();
	pid_t pid = holder(fd);

	if (!pid) {
		puts("skipped: no memory whose pages do not come");
		return;
	}
	ck_assert_int_eq(srv_shared_check(fd, 0, SIZE), PAGER_OK);
	srv_shared_or_begin(&o, fd, SIZE);
	ck_assert_int_eq(srv_shared_or(&o, PAGE, &word, 1), 0);
	ck_assert_int_eq(srv_shared_or_end(&o), 0);
	ck_assert_int_eq(srv_shared_map(fd, SIZE, &shared), PAGER_OK);
	((volatile uint64_t *)shared->memory)[PAGE] = 1;
	srv_shared_unmap(shared);
	end(pid);
	close(fd);
}
END_TEST

/* --- words ----------------------------------------------------------------
 */

START_TEST(words_are_or_ed_and_what_is_between_blocks_is_not_touched)
{
	struct srv_shared_or o;
	uint64_t words[600] = {[0] = 1, [3] = 6, [599] = UINT64_MAX};
	uint64_t got;
	int fd = sealed();

	got = 8;
	ck_assert_int_eq(pwrite(fd, &got, 8, PAGE + 24 + 24), 8);
	srv_shared_or_begin(&o, fd, SIZE);
	ck_assert_int_eq(srv_shared_or(&o, PAGE + 24, words, 600), 0);
	ck_assert_int_eq(srv_shared_or_end(&o), 0);
	ck_assert_uint_eq(o.blocks, 2);
	ck_assert_int_eq(pread(fd, &got, 8, PAGE + 24), 8);
	ck_assert_uint_eq(got, 1);
	ck_assert_int_eq(pread(fd, &got, 8, PAGE + 48), 8);
	ck_assert_uint_eq(got, 14);
	ck_assert_int_eq(pread(fd, &got, 8, PAGE + 24 + 599 * 8), 8);
	ck_assert_uint_eq(got, UINT64_MAX);
	/* Three pages have memory if a clean one was written. */
	ck_assert_int_eq(lseek(fd, 0, SEEK_HOLE), 0);
	ck_assert_int_eq(lseek(fd, 0, SEEK_DATA), PAGE);
	ck_assert_int_eq(lseek(fd, PAGE, SEEK_HOLE), 3 * PAGE);
	ck_assert_int_eq(srv_shared_or_end(&o), 0);
	ck_assert_uint_eq(o.blocks, 2);
	close(fd);
}
END_TEST

START_TEST(words_that_are_zero_cost_nothing)
{
	struct srv_shared_or o;
	uint64_t words[WORDS] = {0};
	int fd = sealed();

	srv_shared_or_begin(&o, fd, SIZE);
	ck_assert_int_eq(srv_shared_or(&o, 0, words, WORDS), 0);
	ck_assert_int_eq(srv_shared_or_end(&o), 0);
	ck_assert_uint_eq(o.blocks, 0);
	ck_assert_int_eq(lseek(fd, 0, SEEK_DATA), -1);
	close(fd);
}
END_TEST

static void random_words(uint64_t seed)
{
	static uint64_t want[WORDS], got[WORDS], words[WORDS];
	struct rng r = rng_new(seed);
	struct srv_shared_or o;
	int fd = sealed();
	uint64_t at = 0;

	for (int i = 0; i < WORDS; i++)
		want[i] = rng_percent(&r, 10) ? rng_next(&r) : 0;
	ck_assert_int_eq(pwrite(fd, want, SIZE, 0), SIZE);
	srv_shared_or_begin(&o, fd, SIZE);
	while (at < WORDS) {
		uint64_t n = 1 + rng_below(&r, 64);

		at += rng_below(&r, 700);
		n = at > WORDS ? 0 : at + n > WORDS ? WORDS - at : n;
		for (uint64_t i = 0; i < n; i++) {
			words[i] = rng_percent(&r, 60) ? rng_next(&r) : 0;
			want[at + i] |= words[i];
		}
		ck_assert_int_eq(srv_shared_or(&o, at * 8, words, n), 0);
		at += n;
	}
	ck_assert_int_eq(srv_shared_or_end(&o), 0);
	ck_assert_int_eq(pread(fd, got, SIZE, 0), SIZE);
	ck_assert_mem_eq(got, want, SIZE);
	close(fd);
}

START_TEST(words_anywhere_come_out_as_or_ed_by_hand)
{
	for (uint64_t seed = 1; seed <= 200; seed++)
		random_words(seed);
}
END_TEST

/* --- failures -------------------------------------------------------------
 */

#ifdef PAGER_FAILPOINTS

START_TEST(a_mapping_that_fails_anywhere_leaves_nothing)
{
	static const enum pager_error errors[] = {
	    PAGER_EINVAL, PAGER_EINVAL, PAGER_EACCESS, PAGER_EINVAL,
	    PAGER_ENOMEM, PAGER_ENOMEM, PAGER_ENOMEM};
	struct srv_shared *shared = NULL;
	struct mem_trace before;
	unsigned long n;
	int fd = sealed();

	mem_trace();
	before = mem_trace();
	for (n = 1;; n++) {
		enum pager_error error;

		pager_fail_arm(n);
		error = srv_shared_map(fd, SIZE, &shared);
		if (!pager_fail_fired())
			break;
		pager_fail_arm(0);
		ck_assert_uint_le(n, 7);
		ck_assert_int_eq(error, errors[n - 1]);
		ck_assert_ptr_null(shared);
		mem_traceless(before);
	}
	pager_fail_arm(0);
	ck_assert_uint_eq(n, 8);
	srv_shared_unmap(shared);
	mem_traceless(before);
	close(fd);
}
END_TEST

START_TEST(a_file_that_cannot_be_mapped_is_an_error)
{
	uint64_t words[1024];
	struct srv_shared_or o;
	int fd = sealed();

	memset(words, 0x55, sizeof(words));
	for (unsigned long n = 1; n <= 2; n++) {
		pager_fail_arm(n);
		srv_shared_or_begin(&o, fd, SIZE);
		ck_assert_int_lt(srv_shared_or(&o, 0, words, 1024), 0);
		ck_assert_int_eq(srv_shared_or_end(&o), 0);
		ck_assert_ptr_nonnull(pager_fail_fired());
		ck_assert_uint_eq(o.blocks, 0);
		ck_assert_int_eq(lseek(fd, 0, SEEK_DATA), -1);
	}
	pager_fail_arm(3);
	srv_shared_or_begin(&o, fd, SIZE);
	ck_assert_int_eq(srv_shared_or(&o, 0, words, 1024), 0);
	ck_assert_int_eq(srv_shared_or_end(&o), 0);
	ck_assert_ptr_null(pager_fail_fired());
	pager_fail_arm(0);
	close(fd);
}
END_TEST

#endif

int main(void)
{
	const TTest *const tests[] = {
	    a_file_that_may_shrink_is_refused,
	    what_is_no_memory_file_is_refused,
	    huge_pages_are_refused,
	    a_file_that_cannot_be_written_is_refused,
	    a_file_that_is_too_small_or_a_range_that_wraps_is_refused,
	    a_mapping_is_the_file_and_outlives_its_descriptor,
	    nothing_a_client_does_to_a_mapped_file_is_the_end_of_us,
	    nothing_a_client_does_to_a_bitmap_is_more_than_an_error,
	    a_file_that_is_sealed_after_the_look_is_an_error_at_the_write,
	    a_client_that_holds_the_files_lock_does_not_hold_us,
	    words_are_or_ed_and_what_is_between_blocks_is_not_touched,
	    words_that_are_zero_cost_nothing,
	    words_anywhere_come_out_as_or_ed_by_hand,
#ifdef PAGER_FAILPOINTS
	    a_mapping_that_fails_anywhere_leaves_nothing,
	    a_file_that_cannot_be_mapped_is_an_error,
#endif
	};

	return UNIT_RUN("shared", tests);
}
