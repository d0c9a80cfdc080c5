/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epoll(7), level-triggered. Signals come in through a descriptor as well, so
 * everything happens between two turns.
 */
#include "server/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/failpoint.h"
#include "server/accept.h"
#include "server/conn.h"
#include "server/pause.h"
#include "server/pools.h"
#include "server/reload.h"

enum {
	EVENTS_A_TURN = 64,
	FDS_KEPT = 64, /* not for connections: messages bring some */
	FDS_LOOKED_AT = 256,
	WORK_US = 500,
	BUFFERS = SRV_BURST * PAGER_MSG_MAX
};

static_assert(SRV_BURST * PAGER_FDS_MAX <= FDS_KEPT, "fds of one turn");

uint64_t srv_loop_now_ms(void)
{
	return srv_now_ms();
}

int srv_loop_watch(struct srv_loop *loop, struct srv_source *source,
		   uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = source};
	int op = source->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (source->watched && events == source->events)
		return 0;
	if (!source->watched && pager_fail("loop.watch")) {
		errno = ENOSPC;
		return -1;
	}
	if (epoll_ctl(loop->epoll_fd, op, source->fd, &event) < 0)
		return -1;
	source->watched = true;
	source->events = events;
	return 0;
}

void srv_loop_forget(struct srv_loop *loop, struct srv_source *source)
{
	if (source->watched)
		epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
	source->watched = false;
}

/* --- leaving ------------------------------------------------------------- */

static void start_draining(struct srv_loop *loop, const char *why)
{
	pager_log(PAGER_LOG_NOTICE, "leaving (%s)", why);
	srv_loop_forget(loop, &loop->accepting);
	srv_listener_shut(&loop->listener);
	loop->accept_at_ms = 0;
	loop->leave_at_ms = srv_loop_now_ms() + loop->srv->config.drain_ms;
	srv_conns_drain(loop);
}

static void signal_ready(struct srv_loop *loop, struct srv_source *source,
			 uint32_t events)
{
	struct signalfd_siginfo info;

	(void)events;
	while (read(source->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP) {
			if (!loop->leave_at_ms)
				srv_reload(loop);
		} else if (loop->leave_at_ms) {
			loop->leave_now = true;
		} else {
			start_draining(loop, info.ssi_signo == SIGTERM
						 ? "SIGTERM"
						 : "SIGINT");
		}
	}
}

/* --- beginning and end --------------------------------------------------- */

/* How many connections descriptors are there for? */
static uint64_t raise_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return FDS_KEPT;
	limit.rlim_cur = limit.rlim_max;
	if (limit.rlim_cur > SRV_CONNS_MAX + FDS_KEPT)
		limit.rlim_cur = SRV_CONNS_MAX + FDS_KEPT;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return FDS_KEPT;
	return limit.rlim_cur;
}

static int watch_signals(struct srv_loop *loop)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	loop->signals.fd = -1;
	loop->signals.ready = signal_ready;
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -1;
	if (!pager_fail("loop.signalfd"))
		loop->signals.fd =
		    signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (loop->signals.fd < 0)
		return -1;
	return srv_loop_watch(loop, &loop->signals, EPOLLIN);
}

int srv_loop_init(struct srv_loop *loop, struct srv *srv,
		  const struct srv_options *options,
		  struct srv_listener *listener)
{
	uint64_t fds = raise_limits();

	memset(loop, 0, sizeof(*loop));
	loop->srv = srv;
	loop->options = options;
	loop->listener = *listener;
	loop->signals.fd = -1;
	TAILQ_INIT(&loop->conns);
	TAILQ_INIT(&loop->dead);
	srv->fd_limit = fds < FDS_LOOKED_AT ? (unsigned int)fds : FDS_LOOKED_AT;
	loop->conn_max = fds > 2 * FDS_KEPT ? fds - FDS_KEPT : fds / 2;
	loop->packets = mmap(NULL, BUFFERS, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	loop->accepting.fd = listener->fd;
	loop->accepting.ready = srv_accept_ready;
	loop->epoll_fd =
	    pager_fail("loop.epoll") ? -1 : epoll_create1(EPOLL_CLOEXEC);
	if (loop->packets != MAP_FAILED && loop->epoll_fd >= 0 &&
	    watch_signals(loop) == 0 &&
	    srv_loop_watch(loop, &loop->accepting, EPOLLIN) == 0)
		return 0;
	pager_log(PAGER_LOG_ERROR, "cannot start the event loop: %s",
		  strerror(errno));
	srv_loop_fini(loop);
	return -1;
}

void srv_loop_fini(struct srv_loop *loop)
{
	struct srv_conn *conn;

	while ((conn = TAILQ_FIRST(&loop->conns)))
		srv_conn_close(loop, conn);
	srv_conns_bury(loop);
	srv_listener_close(&loop->listener);
	if (loop->signals.fd >= 0)
		close(loop->signals.fd);
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	if (loop->packets != MAP_FAILED)
		munmap(loop->packets, BUFFERS);
}

/* --- turns --------------------------------------------------------------- */

/* Milliseconds until something other than work is due; -1: nothing is. */
static int patience(const struct srv_loop *loop)
{
	uint64_t due =
	    loop->leave_at_ms ? loop->leave_at_ms : loop->accept_at_ms;
	uint64_t paused = srv_pause_due(loop->srv);
	uint64_t now;

	if (paused && (!due || paused < due))
		due = paused;
	if (!due)
		return -1;
	now = srv_loop_now_ms();
	return due > now ? (int)(due - now) : 0;
}

static bool is_over(const struct srv_loop *loop)
{
	if (!loop->leave_at_ms)
		return false;
	return loop->leave_now || loop->conn_count == 0 ||
	       srv_loop_now_ms() >= loop->leave_at_ms;
}

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* The model's own work has a share of each turn's time, at least one step: so
 * many clients do not starve it, and it keeps nobody waiting longer than for
 * the step that is under way. As srv_pools_work. */
static int own_work(struct srv_loop *loop)
{
	uint64_t end = now_us() + WORK_US;
	int wait;

	do
		wait = srv_pools_work(loop->srv, srv_loop_now_ms());
	while (wait == 0 && now_us() < end);
	return wait;
}

int srv_loop_turn(struct srv_loop *loop)
{
	struct epoll_event events[EVENTS_A_TURN];
	int n, wait = patience(loop);

	/* What waits for the model's own work may come first. */
	if (loop->work_ms >= 0 && (wait < 0 || loop->work_ms < wait))
		wait = loop->work_ms;
	n = epoll_wait(loop->epoll_fd, events, EVENTS_A_TURN, wait);
	if (n < 0 && errno != EINTR) {
		pager_log(PAGER_LOG_ERROR, "epoll_wait: %s", strerror(errno));
		return -1;
	}
	for (int i = 0; i < n; i++) {
		struct srv_source *source = events[i].data.ptr;

		/* Taken out earlier in this turn? */
		if (source->watched)
			source->ready(loop, source, events[i].events);
	}
	srv_pause_expire(loop->srv, srv_loop_now_ms());
	srv_conns_pauses(loop);
	srv_conns_bury(loop);
	srv_accept_resume(loop);
	loop->work_ms = loop->leave_at_ms ? -1 : own_work(loop);
	return 0;
}

int srv_loop_run(struct srv_loop *loop)
{
	while (!is_over(loop))
		if (srv_loop_turn(loop))
			return -1;
	return 0;
}
