/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The handler of SIGBUS. It is there while anything is guarded.
 */
#include "server/guard.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/base/failpoint.h"

static LIST_HEAD(, srv_guard) guards = LIST_HEAD_INITIALIZER(guards);
static struct sigaction before;

/* The access is made again, and finds memory. */
static int replace(struct srv_guard *guard)
{
	void *p = mmap(guard->memory, guard->size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE,
		       -1, 0);

	if (p == MAP_FAILED)
		return -1;
	guard->broken = 1;
	return 0;
}

static int caught(uintptr_t at)
{
	struct srv_guard *guard;

	LIST_FOREACH (guard, &guards, link)
		if (at - (uintptr_t)guard->memory < guard->size)
			return replace(guard);
	return -1;
}

/* What would have happened without us. */
static void pass_on(int sig, siginfo_t *info, void *context, bool sent)
{
	if (before.sa_flags & SA_SIGINFO) {
		before.sa_sigaction(sig, info, context);
	} else if (before.sa_handler == SIG_IGN && sent) {
		return;
	} else if (before.sa_handler == SIG_IGN ||
		   before.sa_handler == SIG_DFL) {
		/* It is met again where this returns to, and is the end. */
		signal(sig, SIG_DFL);
		if (sent)
			raise(sig);
	} else {
		before.sa_handler(sig);
	}
}

/* Async-signal-safe: mmap is a bare system call with glibc and musl. */
static void on_sigbus(int sig, siginfo_t *info, void *context)
{
	const int saved = errno;
	/* By a process; what the kernel finds is positive. */
	const bool sent = info->si_code <= 0;

	if (sent || caught((uintptr_t)info->si_addr))
		pass_on(sig, info, context, sent);
	errno = saved;
}

static int install(void)
{
	struct sigaction action;
	sigset_t set;

	memset(&action, 0, sizeof(action));
	action.sa_sigaction = on_sigbus;
	action.sa_flags = SA_SIGINFO;
	sigemptyset(&action.sa_mask);
	sigemptyset(&set);
	sigaddset(&set, SIGBUS);
	errno = EINVAL;
	if (pager_fail("guard.sigaction") ||
	    sigprocmask(SIG_UNBLOCK, &set, NULL))
		return -1;
	return sigaction(SIGBUS, &action, &before);
}

int srv_guard_add(struct srv_guard *guard, void *memory, size_t size)
{
	if (LIST_EMPTY(&guards) && install())
		return -1;
	guard->memory = memory;
	guard->size = size;
	guard->broken = 0;
	LIST_INSERT_HEAD(&guards, guard, link);
	return 0;
}

void srv_guard_remove(struct srv_guard *guard)
{
	LIST_REMOVE(guard, link);
	if (LIST_EMPTY(&guards))
		sigaction(SIGBUS, &before, NULL);
}
