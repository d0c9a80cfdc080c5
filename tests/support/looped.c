/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The listener has an address that the kernel makes up, outside of the file
 * system.
 */
#include "tests/support/looped.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/conn.h"
#include "tests/support/serve.h"
#include "tests/support/world.h"

/* Turns after which something must be wrong. */
enum { TURNS_MAX = 100000 };

struct srv_loop looped;

static struct sockaddr_un address;
static socklen_t address_len;
static struct pager_stats start;

static int make_listener(void)
{
	int fd =
	    socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memset(&address, 0, sizeof(address));
	address.sun_family = AF_UNIX;
	address_len = sizeof(address);
	if (fd < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(sa_family_t)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &address_len) < 0 ||
	    listen(fd, 64) < 0)
		test_die("no listener: %s", strerror(errno));
	return fd;
}

void looped_start(const char *config, const struct srv_options *options)
{
	static const struct srv_options none = {.ready_fd = -1};
	struct srv_listener listener;

	serve_start(config);
	memset(&listener, 0, sizeof(listener));
	listener.fd = make_listener();
	if (srv_loop_init(&looped, &serve_srv, options ? options : &none,
			  &listener))
		test_die("no loop");
	pager_core_stats(serve_srv.core, &start);
}

void looped_end(void)
{
	srv_loop_fini(&looped);
	serve_end();
}

int looped_connect(void)
{
	int fd =
	    socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&address, address_len) < 0)
		test_die("cannot connect: %s", strerror(errno));
	return fd;
}

int looped_join(uid_t uid)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		       0, pair) < 0)
		test_die("no socketpair: %s", strerror(errno));
	if (srv_conn_new(&looped, pair[0], uid, 1) == 0)
		return pair[1];
	close(pair[1]);
	return -1;
}

void looped_turn(void)
{
	struct pollfd pfd = {.fd = looped.epoll_fd, .events = POLLIN};

	for (unsigned int i = 0; poll(&pfd, 1, 0) > 0 || looped.accept_at_ms;
	     i++) {
		if (i == TURNS_MAX)
			test_die("the loop does not come to rest");
		if (srv_loop_turn(&looped))
			test_die("the loop has failed");
	}
}

void looped_idle(void)
{
	struct pager_stats now;

	pager_core_stats(serve_srv.core, &now);
	if (looped.conn_count || !TAILQ_EMPTY(&looped.conns) ||
	    !TAILQ_EMPTY(&looped.dead) || looped.held_back)
		test_die("a connection is left");
	if (serve_srv.session_count || serve_srv.handles ||
	    !TAILQ_EMPTY(&serve_srv.grants) || !RB_EMPTY(&serve_srv.named))
		test_die("a session is left, or something of it");
	if (now.spaces || now.objects || now.regions ||
	    now.frames_used != start.frames_used ||
	    now.nodes_used != start.nodes_used)
		test_die("memory is left");
	if (!LIST_EMPTY(&serve_srv.users))
		test_die("a user is left");
}

unsigned int looped_fds(void)
{
	struct dirent *entry;
	unsigned int n = 0;
	DIR *dir = opendir("/proc/self/fd");

	if (!dir)
		test_die("no /proc");
	while ((entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}
