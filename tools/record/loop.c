/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event loop: ptrace stops, the rings' wake-ups, the clock.
 *
 * Invariants: the rings are read at least every DRAIN_EVERY, and nothing is
 * written that could still be preceded: not what is younger than LAG, nor
 * what is younger than a fork or exec that is under way.
 *
 * Must not know: what a stop means.
 */
#include "tools/record/record.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define LAG	    500000000ULL /* how late a tracepoint may come, ns */
#define DRAIN_EVERY 10000000ULL	 /* ns */
#define FLUSH_EVERY 250000000ULL /* ns */

static void on_wait(struct rec *r, pid_t tid, int status)
{
	struct task *t = task_find(r, tid);

	if (WIFEXITED(status) || WIFSIGNALED(status)) {
		if (t)
			ending_gone(r, t, status);
		return;
	}
	if (!WIFSTOPPED(status))
		return;
	if (!t)
		t = task_add(r, tid, NULL);
	if (!t->proc) {
		t->running = false;
		t->early = status;
		return;
	}
	tracee_stopped(r, t, status);
}

/* Nothing older than this can still arrive. */
static uint64_t horizon(struct rec *r)
{
	uint64_t limit = now_ns() - LAG;

	for (struct task *t = task_each(r, NULL); t; t = task_each(r, t)) {
		bool open = t->call.kind == CALL_FORK ||
			    t->call.kind == CALL_THREAD ||
			    t->call.kind == CALL_EXEC;

		if (open && t->in_sys && t->call.entry < limit)
			limit = t->call.entry;
	}
	return limit;
}

static void pass_on_term(struct rec *r, int sig)
{
	for (struct task *t = task_each(r, NULL); t; t = task_each(r, t))
		if (t->proc && t->tid == t->proc->pid)
			kill(t->tid, sig);
}

static void read_signals(struct rec *r, int sigfd)
{
	struct signalfd_siginfo si;

	while (read(sigfd, &si, sizeof(si)) == (ssize_t)sizeof(si))
		if (si.ssi_signo == SIGTERM)
			pass_on_term(r, ++r->terms > 1 ? SIGKILL : SIGTERM);
}

/*
 * Runs until the last traced task is gone.  SIGFD reports SIGCHLD and
 * SIGTERM; the second is passed on to all processes.
 */
void tracee_loop(struct rec *r, int sigfd)
{
	struct pollfd fd[1024];
	int fds[1023], status;
	size_t n = faults_fds(r, fds, 1023);
	uint64_t drained = 0, flushed = 0, now;
	pid_t tid;

	fd[0] = (struct pollfd){.fd = sigfd, .events = POLLIN};
	for (size_t i = 0; i < n; i++)
		fd[i + 1] = (struct pollfd){.fd = fds[i], .events = POLLIN};
	for (;;) {
		tid = waitpid(-1, &status, __WALL | WNOHANG);
		if (tid > 0)
			on_wait(r, tid, status);
		else if (tid < 0 && errno == ECHILD)
			return;
		now = now_ns();
		if (now - drained > DRAIN_EVERY) {
			drained = now;
			faults_drain(r);
			gate_tick(r);
		}
		if (now - flushed > FLUSH_EVERY) {
			flushed = now;
			out_flush(r, horizon(r));
		}
		if (tid > 0)
			continue;
		if (poll(fd, (nfds_t)n + 1, ending_tick(r) ? 1 : 50) > 0) {
			if (fd[0].revents)
				read_signals(r, sigfd);
			for (size_t i = 1; i <= n; i++)
				if (fd[i].revents & (POLLHUP | POLLERR))
					fd[i].fd = -1; /* the command left */
			faults_drain(r);
		}
	}
}
