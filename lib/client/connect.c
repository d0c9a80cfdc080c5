/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The beginning and the end of a connection: where the daemon is, HELLO, and
 * what it promised there.
 */
#include "lib/client/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PAGER_ROOT_SOCKET "/run/pagerd.sock"

/* A daemon that takes less than this cannot answer a list with one row. */
#define MESSAGE_MIN 1024u

int pager_default_path(char *buf, size_t size)
{
	const char *path = secure_getenv("PAGER_SOCKET");
	const char *dir = NULL;
	int n;

	if (!path || !*path) {
		path = PAGER_ROOT_SOCKET;
		if (geteuid() != 0) {
			dir = secure_getenv("XDG_RUNTIME_DIR");
			path = "/pagerd.sock";
			if (!dir || !*dir) {
				errno = EDESTADDRREQ;
				return -1;
			}
		}
	}
	n = snprintf(buf, size, "%s%s", dir ? dir : "", path);
	if (n < 0 || (size_t)n >= size) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return 0;
}

static int socket_open(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd, err;

	if (!path) {
		if (pager_default_path(addr.sun_path, sizeof(addr.sun_path)))
			return -1;
	} else {
		size_t len = strlen(path);

		if (len >= sizeof(addr.sun_path)) {
			errno = ENAMETOOLONG;
			return -1;
		}
		memcpy(addr.sun_path, path, len + 1);
	}
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	while (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		if (errno == EINTR)
			continue;
		err = errno;
		close(fd);
		errno = err;
		return -1;
	}
	return fd;
}

/* HELLO, and whether its answer is one this library can live with: 0 or an
 * errno. */
static int hello(struct pager *pager)
{
	struct pager_req_hello request = {
	    .magic = PAGER_MAGIC,
	    .major = PAGER_VERSION_MAJOR,
	    .minor = PAGER_VERSION_MINOR,
	    .features = PAGER_FEATURES,
	};
	struct pager_rep_hello *h = &pager->hello;
	struct pager_reply reply;
	int ret = pager_call(pager, PAGER_CALL_HELLO, &request, sizeof(request),
			     NULL, 0, &reply);

	if (ret == PAGER_REFUSED && pager->error == PAGER_EVERSION)
		return EPROTONOSUPPORT;
	if (ret == PAGER_REFUSED && pager->error == PAGER_ELIMIT)
		return EDQUOT;
	if (ret == PAGER_REFUSED)
		return EPROTO;
	if (ret < 0)
		return errno;
	memcpy(h, reply.body, sizeof(*h));
	if (h->major != PAGER_VERSION_MAJOR)
		return EPROTONOSUPPORT;
	if (h->minor > PAGER_VERSION_MINOR || (h->features & ~PAGER_FEATURES) ||
	    h->page_size != PAGER_PAGE_SIZE || h->max_message < MESSAGE_MIN)
		return EPROTO;
	if (h->max_message < pager->max_message)
		pager->max_message = h->max_message & ~7u;
	return 0;
}

struct pager *pager_connect_fd(int fd)
{
	struct pager *pager = calloc(1, sizeof(*pager));
	int err;

	if (!pager) {
		close(fd);
		errno = ENOMEM;
		return NULL;
	}
	pager->fd = fd;
	pager->max_message = PAGER_MSG_MAX;
	pager->next = pager->oldest = 1;
	err = hello(pager);
	if (err) {
		pager_close(pager);
		errno = err;
		return NULL;
	}
	return pager;
}

struct pager *pager_connect(const char *path)
{
	int fd = socket_open(path);

	return fd < 0 ? NULL : pager_connect_fd(fd);
}

void pager_close(struct pager *pager)
{
	if (!pager)
		return;
	close(pager->fd);
	free(pager->held);
	for (size_t i = 0; i <= PAGER_WINDOW; i++)
		free(pager->slots[i].data);
	free(pager);
}

const struct pager_rep_hello *pager_hello(const struct pager *pager)
{
	return &pager->hello;
}

int pager_fd(const struct pager *pager)
{
	return pager->fd;
}
