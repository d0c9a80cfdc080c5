/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lock is pidfile(3)'s flock(2). Whoever holds it may remove what is in
 * the socket's place; a listener there that has no lock is another program's
 * and is left alone.
 */
#include "server/listen.h"

#include <bsd/libutil.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/failpoint.h"

enum { BACKLOG = 128 };

int srv_listener_path(const char *path, char *buf, size_t size,
		      char why[SRV_WHY])
{
	const char *dir;
	int n;

	if (path) {
		n = snprintf(buf, size, "%s", path);
	} else if (geteuid() == 0) {
		n = snprintf(buf, size, "/run/pagerd.sock");
	} else {
		dir = getenv("XDG_RUNTIME_DIR");
		if (!dir || !*dir) {
			snprintf(why, SRV_WHY,
				 "no --socket is given and XDG_RUNTIME_DIR is "
				 "not set");
			return -1;
		}
		n = snprintf(buf, size, "%s/pagerd.sock", dir);
		path = dir;
	}
	if (n < 0 || (size_t)n >= size) {
		snprintf(why, SRV_WHY,
			 "%.200s...: the socket's path is longer than %zu "
			 "bytes",
			 path, size - 1);
		return -1;
	}
	return 0;
}

static int complain(char why[SRV_WHY], const char *path, const char *what,
		    int error)
{
	snprintf(why, SRV_WHY, "%s: %s: %s", path, what, strerror(error));
	return -1;
}

static int take_lock(struct srv_listener *listener, char why[SRV_WHY])
{
	char path[sizeof(listener->path) + sizeof(".pid")];
	pid_t other = -1;

	snprintf(path, sizeof(path), "%s.pid", listener->path);
	errno = EMFILE;
	listener->lock =
	    pager_fail("listen.lock") ? NULL : pidfile_open(path, 0600, &other);
	if (listener->lock) {
		fcntl(pidfile_fileno(listener->lock), F_SETFD, FD_CLOEXEC);
		return 0;
	}
	if (errno != EEXIST)
		return complain(why, path, "cannot lock", errno);
	if (other > 0)
		snprintf(why, SRV_WHY, "%s: in use by a pagerd, process %d",
			 listener->path, (int)other);
	else
		snprintf(why, SRV_WHY, "%s: in use by a pagerd",
			 listener->path);
	return -1;
}

static int make_socket(void)
{
	if (pager_fail("listen.socket")) {
		errno = EMFILE;
		return -1;
	}
	return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		      0);
}

static struct sockaddr_un address_of(const struct srv_listener *listener)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	memcpy(address.sun_path, listener->path, sizeof(address.sun_path));
	return address;
}

/* Remove what a dead daemon left in our place. */
static int clear_place(const struct srv_listener *listener, char why[SRV_WHY])
{
	struct sockaddr_un address = address_of(listener);
	struct stat st;
	int fd, error;

	if (lstat(listener->path, &st) < 0)
		return errno == ENOENT ? 0
				       : complain(why, listener->path,
						  "cannot look at it", errno);
	if (!S_ISSOCK(st.st_mode)) {
		snprintf(why, SRV_WHY, "%s: exists and is not a socket",
			 listener->path);
		return -1;
	}
	fd = make_socket();
	if (fd < 0)
		return complain(why, listener->path, "cannot make a socket",
				errno);
	error = connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0
		    ? errno
		    : 0;
	close(fd);
	if (error != ECONNREFUSED && error != ENOENT) {
		snprintf(why, SRV_WHY, "%s: in use by another program",
			 listener->path);
		return -1;
	}
	if (unlink(listener->path) < 0 && errno != ENOENT)
		return complain(why, listener->path, "cannot remove it", errno);
	return 0;
}

int srv_listener_mode(const struct srv_listener *listener,
		      const struct srv_config *config, char why[SRV_WHY])
{
	gid_t group = config->has_group ? config->group : getegid();
	mode_t mode = config->has_group ? 0660 : 0600;

	/* Closed to the group while the group changes. */
	if (pager_fail("listen.mode") || chmod(listener->path, 0600) < 0 ||
	    lchown(listener->path, (uid_t)-1, group) < 0 ||
	    chmod(listener->path, mode) < 0)
		return complain(why, listener->path, "cannot set its mode",
				errno);
	return 0;
}

static int listen_there(struct srv_listener *listener,
			const struct srv_config *config, char why[SRV_WHY])
{
	struct sockaddr_un address = address_of(listener);
	mode_t mask;
	int ret;

	listener->fd = make_socket();
	if (listener->fd < 0)
		return complain(why, listener->path, "cannot make a socket",
				errno);
	mask = umask(0177);
	ret = pager_fail("listen.bind")
		  ? -1
		  : bind(listener->fd, (struct sockaddr *)&address,
			 sizeof(address));
	umask(mask);
	if (ret < 0)
		return complain(why, listener->path, "cannot listen there",
				errno);
	if (srv_listener_mode(listener, config, why) == 0) {
		if (!pager_fail("listen.listen") &&
		    listen(listener->fd, BACKLOG) == 0)
			return 0;
		complain(why, listener->path, "cannot listen there", errno);
	}
	unlink(listener->path);
	return -1;
}

int srv_listener_open(struct srv_listener *listener, const char *path,
		      const struct srv_config *config, char why[SRV_WHY])
{
	memset(listener, 0, sizeof(*listener));
	listener->fd = -1;
	snprintf(listener->path, sizeof(listener->path), "%s", path);
	if (take_lock(listener, why))
		return -1;
	if (clear_place(listener, why) == 0 &&
	    listen_there(listener, config, why) == 0) {
		pidfile_write(listener->lock);
		return 0;
	}
	if (listener->fd >= 0)
		close(listener->fd);
	pidfile_remove(listener->lock);
	return -1;
}

void srv_listener_shut(struct srv_listener *listener)
{
	if (listener->fd < 0)
		return;
	unlink(listener->path);
	close(listener->fd);
	listener->fd = -1;
}

void srv_listener_close(struct srv_listener *listener)
{
	srv_listener_shut(listener);
	pidfile_remove(listener->lock);
	listener->lock = NULL;
}
