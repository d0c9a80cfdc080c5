/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What clients passed is let go of, at once or by the thread.
 */
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/failpoint.h"
#include "server/closer.h"
#include "tests/support/unit.h"

enum { PIPES = 300, PATIENCE_MS = 10000 };

/* The other end of a pipe says when one is closed. */
static void closed(int reader, int wait_ms)
{
	struct pollfd p = {.fd = reader, .events = POLLIN};

	ck_assert_int_eq(poll(&p, 1, wait_ms), 1);
	ck_assert_int_ne(p.revents & POLLHUP, 0);
	close(reader);
}

static bool is_mapped(void *p)
{
	unsigned char in_core;

	return !mincore(p, 4096, &in_core);
}

static void *map(void)
{
	void *p =
	    mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(p, MAP_FAILED);
	return p;
}

START_TEST(without_a_thread_it_is_done_at_once)
{
	void *p = map();
	int fd[2];

	ck_assert_int_eq(pipe(fd), 0);
	srv_closer_close(fd[1]);
	closed(fd[0], 0);
	srv_closer_unmap(p, 4096);
	ck_assert(!is_mapped(p));
}
END_TEST

START_TEST(a_thread_that_cannot_be_made_is_done_without)
{
#ifdef PAGER_FAILPOINTS
	int fd[2];

	pager_fail_arm(1);
	ck_assert_int_eq(srv_closer_start(), -1);
	pager_fail_arm(0);
	ck_assert_int_eq(pipe(fd), 0);
	srv_closer_close(fd[1]);
	closed(fd[0], 0);
#endif
}
END_TEST

START_TEST(the_thread_lets_go_of_everything_more_than_the_queue_holds_too)
{
	int fd[PIPES][2];
	void *p = map();

	ck_assert_int_eq(srv_closer_start(), 0);
	ck_assert_int_eq(srv_closer_start(), 0);
	for (int i = 0; i < PIPES; i++)
		ck_assert_int_eq(pipe(fd[i]), 0);
	for (int i = 0; i < PIPES; i++)
		srv_closer_close(fd[i][1]);
	srv_closer_unmap(p, 4096);
	for (int i = 0; i < PIPES; i++)
		closed(fd[i][0], PATIENCE_MS);
	for (int i = 0; i < PATIENCE_MS && is_mapped(p); i++)
		usleep(1000);
	ck_assert(!is_mapped(p));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	    without_a_thread_it_is_done_at_once,
	    a_thread_that_cannot_be_made_is_done_without,
	    the_thread_lets_go_of_everything_more_than_the_queue_holds_too,
	};

	return UNIT_RUN("closer", tests);
}
