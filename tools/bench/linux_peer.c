/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A command and its answer go over a socket pair; both ends are pinned to one
 * CPU, and only one of them has something to do at any time.
 */
#include "tools/bench/linux_peer.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/bench/bench.h"
#include "tools/bench/machine.h"

enum { PAGE = 4096, FORKS_MAX = BENCH_ROUNDS_MAX };

enum task { TASK_FORK, TASK_COW, TASK_TABLES };

struct command {
	enum task task;
	uint64_t count;
};

struct linux_peer {
	pid_t pid;
	int fd;
};

/* The peer's own side. */
struct side {
	uint8_t *pages;
	uint64_t count;
	const uint32_t *order;
};

static void write_page(struct side *side, uint64_t index, uint64_t value)
{
	*(volatile uint64_t *)(side->pages + index * PAGE) = value;
}

/* Wait for a child: the ns it has run. */
static double wait_child(pid_t pid)
{
	struct rusage ru;
	int status;

	if (wait4(pid, &status, 0, &ru) != pid || status != 0)
		_exit(1);
	return ((double)ru.ru_utime.tv_sec + (double)ru.ru_stime.tv_sec) * 1e9 +
	       ((double)ru.ru_utime.tv_usec + (double)ru.ru_stime.tv_usec) *
		   1e3;
}

/* Times are what both processes have run, without what others took. */
static struct linux_forks do_fork(struct side *side, uint64_t forks)
{
	struct bench_series fork_ns = {.warm = true};
	struct bench_series total = {.warm = true};

	for (uint64_t i = 0; i < forks && i < FORKS_MAX; i++) {
		double start, forked, child;
		pid_t pid;

		write_page(side, i * 131 % side->count, i);
		start = bench_cpu();
		pid = fork();
		if (pid == 0)
			_exit(0);
		forked = bench_cpu();
		if (pid < 0)
			_exit(1);
		child = wait_child(pid);
		bench_add(&fork_ns, forked - start);
		bench_add(&total, bench_cpu() - start + child);
	}
	return (struct linux_forks){bench_median(&fork_ns),
				    bench_median(&total)};
}

static struct linux_forks do_cow(struct side *side, uint64_t writes)
{
	double start = bench_cpu(), child;
	pid_t pid = fork();

	if (pid < 0)
		_exit(1);
	if (pid == 0) {
		for (uint64_t i = 0; i < writes; i++)
			write_page(side, side->order[i], i);
		_exit(0);
	}
	child = wait_child(pid);
	return (struct linux_forks){0, bench_cpu() - start + child};
}

/* VmPTE of the calling process, bytes. */
static double own_tables(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];
	unsigned long long kib;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmPTE: %llu kB", &kib) == 1)
			return (double)kib * 1024;
	return NAN;
}

static struct linux_forks do_tables(void)
{
	struct linux_forks answer = {NAN, NAN};
	int fd[2];
	pid_t pid;

	if (pipe(fd) < 0)
		return answer;
	pid = fork();
	if (pid == 0) {
		answer.total = own_tables();
		if (write(fd[1], &answer, sizeof(answer)) != sizeof(answer))
			_exit(1);
		_exit(0);
	}
	if (pid > 0 && read(fd[0], &answer, sizeof(answer)) != sizeof(answer))
		answer.total = NAN;
	if (pid > 0)
		wait_child(pid);
	close(fd[0]);
	close(fd[1]);
	return answer;
}

static _Noreturn void serve(int fd, struct side *side)
{
	struct linux_forks answer;
	struct command c;

	while (read(fd, &c, sizeof(c)) == sizeof(c)) {
		switch (c.task) {
		case TASK_FORK:
			answer = do_fork(side, c.count);
			break;
		case TASK_COW:
			answer = do_cow(side, c.count);
			break;
		case TASK_TABLES:
			answer = do_tables();
			break;
		}
		if (write(fd, &answer, sizeof(answer)) != sizeof(answer))
			_exit(1);
	}
	_exit(0);
}

static _Noreturn void run(int fd, uint64_t pages, const uint32_t *order)
{
	struct side side = {.count = pages, .order = order};
	char ready = 1;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	signal(SIGPIPE, SIG_IGN);
	side.pages = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (side.pages == MAP_FAILED)
		_exit(1);
	madvise(side.pages, pages * PAGE, MADV_NOHUGEPAGE);
	for (uint64_t i = 0; i < pages; i++)
		write_page(&side, i, i);
	if (write(fd, &ready, 1) != 1)
		_exit(1);
	serve(fd, &side);
}

struct linux_peer *linux_peer_new(uint64_t pages, const uint32_t *order)
{
	struct linux_peer *peer;
	char ready;
	int fd[2];

	/* Twice the size: a child may write all of it. */
	if (pages * PAGE * (order ? 2 : 1) > machine_memory() / 10 * 7)
		return NULL;
	peer = calloc(1, sizeof(*peer));
	if (!peer ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) < 0) {
		free(peer);
		return NULL;
	}
	fflush(stdout);
	peer->pid = fork();
	if (peer->pid == 0) {
		close(fd[0]);
		run(fd[1], pages, order);
	}
	close(fd[1]);
	peer->fd = fd[0];
	if (peer->pid > 0 && read(peer->fd, &ready, 1) == 1)
		return peer;
	linux_peer_free(peer);
	return NULL;
}

void linux_peer_free(struct linux_peer *peer)
{
	if (!peer)
		return;
	close(peer->fd);
	if (peer->pid > 0)
		waitpid(peer->pid, NULL, 0);
	free(peer);
}

static struct linux_forks ask(struct linux_peer *peer, enum task task,
			      uint64_t count)
{
	struct command c = {.task = task, .count = count};
	struct linux_forks answer;

	if (peer && write(peer->fd, &c, sizeof(c)) == sizeof(c) &&
	    read(peer->fd, &answer, sizeof(answer)) == sizeof(answer))
		return answer;
	return (struct linux_forks){NAN, NAN};
}

struct linux_forks linux_peer_fork(struct linux_peer *peer, uint64_t forks)
{
	return ask(peer, TASK_FORK, forks);
}

double linux_peer_cow(struct linux_peer *peer, uint64_t writes)
{
	return ask(peer, TASK_COW, writes).total;
}

double linux_peer_tables(struct linux_peer *peer)
{
	return ask(peer, TASK_TABLES, 0).total;
}
