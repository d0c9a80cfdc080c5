/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guarded mappings: what the kernel takes away becomes memory of our own, and
 * any other SIGBUS is what it was without a guard.
 */
#include "server/guard.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/failpoint.h"
#include "tests/support/unit.h"

enum { PAGE = 4096, PAGES = 4, SIZE = PAGES * PAGE };

struct victim {
	int fd;
	volatile uint8_t *bytes;
	struct srv_guard guard;
};

static void make(struct victim *v, bool guarded)
{
	void *p;

	v->fd = memfd_create("victim", MFD_CLOEXEC);
	ck_assert_int_ge(v->fd, 0);
	ck_assert_int_eq(ftruncate(v->fd, SIZE), 0);
	p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
	ck_assert(p != MAP_FAILED);
	v->bytes = p;
	memset(p, 0xaa, SIZE);
	if (guarded)
		ck_assert_int_eq(srv_guard_add(&v->guard, p, SIZE), 0);
}

static void drop(struct victim *v, bool guarded)
{
	if (guarded)
		srv_guard_remove(&v->guard);
	munmap((void *)(uintptr_t)v->bytes, SIZE);
	close(v->fd);
}

static void shrink(struct victim *v, off_t size)
{
	ck_assert_int_eq(ftruncate(v->fd, size), 0);
}

START_TEST(an_access_to_memory_that_is_gone_finds_zeroes)
{
	struct victim v;

	make(&v, true);
	ck_assert_int_eq(v.bytes[3 * PAGE], 0xaa);
	shrink(&v, PAGE);
	ck_assert_int_eq(v.bytes[0], 0xaa);
	ck_assert(!v.guard.broken);
	ck_assert_int_eq(v.bytes[3 * PAGE + 5], 0);
	ck_assert(v.guard.broken);
	for (int i = 0; i < SIZE; i++)
		if (v.bytes[i])
			ck_abort_msg("byte %d is theirs", i);
	v.bytes[0] = 1;
	v.bytes[SIZE - 1] = 2;
	ck_assert_int_eq(v.bytes[0] + v.bytes[SIZE - 1], 3);
	shrink(&v, SIZE);
	ck_assert_int_eq(v.bytes[0], 1);
	drop(&v, true);
}
END_TEST

START_TEST(a_write_at_any_place_of_it_is_survived)
{
	for (int at = 0; at < SIZE; at += at % PAGE ? 1 : PAGE - 1) {
		struct victim v;

		make(&v, true);
		shrink(&v, 0);
		v.bytes[at] = 7;
		ck_assert_int_eq(v.bytes[at], 7);
		ck_assert(v.guard.broken);
		drop(&v, true);
	}
}
END_TEST

START_TEST(each_of_many_breaks_for_itself)
{
	struct victim v[9];

	for (int i = 0; i < 9; i++)
		make(v + i, true);
	for (int i = 0; i < 9; i += 2)
		shrink(v + i, 0);
	srv_guard_remove(&v[8].guard);
	ck_assert_int_eq(
	    srv_guard_add(&v[8].guard, (void *)(uintptr_t)v[8].bytes, SIZE), 0);
	for (int i = 0; i < 9; i++) {
		ck_assert_int_eq(v[i].bytes[SIZE - 1], i % 2 ? 0xaa : 0);
		ck_assert_int_eq(v[i].guard.broken, i % 2 == 0);
	}
	for (int i = 0; i < 9; i++)
		drop(v + i, true);
}
END_TEST

/* How a child ends that does this. */
static int ends(void (*fn)(void))
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (!pid) {
		fn();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static struct victim guarded, bare;

static void touch_bare(void)
{
	signal(SIGBUS, SIG_DFL);
	make(&guarded, true);
	make(&bare, false);
	shrink(&bare, 0);
	bare.bytes[0] = 1;
}

static void touch_behind(void)
{
	signal(SIGBUS, SIG_DFL);
	make(&guarded, true);
	make(&bare, false);
	shrink(&bare, 0);
	srv_guard_remove(&guarded.guard);
	/* Now one guards the first page of what is larger. */
	ck_assert_int_eq(
	    srv_guard_add(&guarded.guard, (void *)(uintptr_t)bare.bytes, PAGE),
	    0);
	bare.bytes[PAGE] = 1;
}

static void touch_ignored(void)
{
	signal(SIGBUS, SIG_IGN);
	make(&guarded, true);
	make(&bare, false);
	shrink(&bare, 0);
	bare.bytes[0] = 1;
}

static void be_sent(void)
{
	signal(SIGBUS, SIG_DFL);
	make(&guarded, true);
	raise(SIGBUS);
}

START_TEST(any_other_sigbus_is_still_the_end)
{
	ck_assert_int_eq(WTERMSIG(ends(touch_bare)), SIGBUS);
	ck_assert_int_eq(WTERMSIG(ends(touch_behind)), SIGBUS);
	ck_assert_int_eq(WTERMSIG(ends(touch_ignored)), SIGBUS);
	ck_assert_int_eq(WTERMSIG(ends(be_sent)), SIGBUS);
}
END_TEST

static void be_sent_ignored(void)
{
	signal(SIGBUS, SIG_IGN);
	make(&guarded, true);
	raise(SIGBUS);
	shrink(&guarded, 0);
	guarded.bytes[0] = 1;
	if (!guarded.guard.broken)
		_exit(1);
	drop(&guarded, true);
	raise(SIGBUS);
}

static void exit_with_3(int sig)
{
	(void)sig;
	_exit(3);
}

static void exit_with_address(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)context;
	_exit(info->si_addr == (void *)(uintptr_t)(bare.bytes + 5) ? 4 : 5);
}

static void touch_handled(void)
{
	struct sigaction a = {.sa_handler = exit_with_3};

	sigaction(SIGBUS, &a, NULL);
	make(&guarded, true);
	make(&bare, false);
	shrink(&bare, 0);
	bare.bytes[0] = 1;
}

static void touch_told(void)
{
	struct sigaction a = {.sa_sigaction = exit_with_address,
			      .sa_flags = SA_SIGINFO};

	sigaction(SIGBUS, &a, NULL);
	make(&guarded, true);
	make(&bare, false);
	shrink(&bare, 0);
	bare.bytes[5] = 1;
}

static void handle_after(void)
{
	struct sigaction a = {.sa_handler = exit_with_3};

	sigaction(SIGBUS, &a, NULL);
	make(&guarded, true);
	drop(&guarded, true);
	raise(SIGBUS);
}

START_TEST(who_handled_it_before_still_does)
{
	ck_assert_int_eq(ends(be_sent_ignored), 0);
	ck_assert_int_eq(WEXITSTATUS(ends(touch_handled)), 3);
	ck_assert_int_eq(WEXITSTATUS(ends(touch_told)), 4);
	ck_assert_int_eq(WEXITSTATUS(ends(handle_after)), 3);
}
END_TEST

static void touch_blocked(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGBUS);
	sigprocmask(SIG_BLOCK, &set, NULL);
	make(&guarded, true);
	shrink(&guarded, 0);
	guarded.bytes[0] = 1;
	if (!guarded.guard.broken)
		_exit(1);
}

START_TEST(a_guard_works_where_the_signal_was_blocked)
{
	ck_assert_int_eq(ends(touch_blocked), 0);
}
END_TEST

#ifdef PAGER_FAILPOINTS
START_TEST(a_guard_that_cannot_be_set_up_is_none)
{
	struct victim v;

	make(&v, false);
	pager_fail_arm(1);
	ck_assert_int_eq(
	    srv_guard_add(&v.guard, (void *)(uintptr_t)v.bytes, SIZE), -1);
	ck_assert_int_ne(errno, 0);
	ck_assert_str_eq(pager_fail_fired(), "guard.sigaction");
	pager_fail_arm(0);
	ck_assert_int_eq(
	    srv_guard_add(&v.guard, (void *)(uintptr_t)v.bytes, SIZE), 0);
	drop(&v, true);
}
END_TEST
#endif

int main(void)
{
	const TTest *const tests[] = {
	    an_access_to_memory_that_is_gone_finds_zeroes,
	    a_write_at_any_place_of_it_is_survived,
	    each_of_many_breaks_for_itself,
	    any_other_sigbus_is_still_the_end,
	    who_handled_it_before_still_does,
	    a_guard_works_where_the_signal_was_blocked,
#ifdef PAGER_FAILPOINTS
	    a_guard_that_cannot_be_set_up_is_none,
#endif
	};

	return UNIT_RUN("guard", tests);
}
