/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets, /proc and the log of a daemon that pager_spawn() has started.
 */
#include "tests/support/wire.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* USERS: a group and, behind it, users; nobody of that number need exist. */
enum { FDS_MAX = 64, USERS = 51000 };

struct pager_answer wire_got;

static uint64_t reply[PAGER_MSG_MAX / 8];

/* --- sockets ----------------------------------------------------------------
 */

int wire_try(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int saved;

	ck_assert_int_ge(fd, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

int wire_connect(const char *path)
{
	int fd = wire_try(path);

	ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
	return fd;
}

int wire_session(const char *path)
{
	struct pager_req_hello hello = {PAGER_MAGIC, PAGER_VERSION_MAJOR,
					PAGER_VERSION_MINOR, PAGER_FEATURES};
	int fd = wire_connect(path);

	ck_assert_uint_eq(wire_call(fd, PAGER_OP_HELLO, &hello, sizeof(hello)),
			  0);
	return fd;
}

int wire_send(int fd, const void *packet, size_t len, const int *fds,
	      unsigned int nfds)
{
	union {
		char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = {.iov_base = (void *)(uintptr_t)packet,
			    .iov_len = len};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *c;

	if (nfds) {
		ck_assert_uint_le(nfds, FDS_MAX);
		memset(&control, 0, sizeof(control));
		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		c = CMSG_FIRSTHDR(&message);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, nfds * sizeof(int));
	}
	return sendmsg(fd, &message, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

bool wire_readable(int fd, int ms)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	int ret;

	do
		ret = poll(&pfd, 1, ms);
	while (ret < 0 && errno == EINTR);
	return ret > 0;
}

size_t wire_receive(int fd, void *buf)
{
	ssize_t n;

	ck_assert_msg(wire_readable(fd, WIRE_PATIENCE_MS),
		      "the daemon says nothing");
	do
		n = recv(fd, buf, PAGER_MSG_MAX, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		ck_assert_int_eq(errno, ECONNRESET);
	return n < 0 ? 0 : (size_t)n;
}

void wire_hung_up(int fd)
{
	ck_assert_uint_eq(wire_receive(fd, reply), 0);
}

bool wire_ask(int fd, unsigned int op, uint64_t seq, const void *body,
	      size_t body_len, const void *data, size_t data_len)
{
	static uint64_t packet[PAGER_MSG_MAX / 8];
	size_t len =
	    pager_request_encode(packet, sizeof(packet), pager_op_find(op), seq,
				 body, body_len, data, data_len);

	ck_assert_uint_ne(len, 0);
	if (wire_send(fd, packet, len, NULL, 0) == 0)
		return true;
	ck_assert_int_eq(errno, EAGAIN);
	return false;
}

const struct pager_answer *wire_answer(int fd)
{
	size_t len = wire_receive(fd, reply);

	ck_assert_msg(len > 0, "the daemon has hung up");
	ck_assert(pager_answer_decode(reply, len, &wire_got));
	return &wire_got;
}

unsigned int wire_call(int fd, unsigned int op, const void *body,
		       size_t body_len)
{
	static uint64_t seq;

	wire_ask(fd, op, ++seq, body, body_len, NULL, 0);
	wire_answer(fd);
	ck_assert_uint_eq(wire_got.hdr.seq, seq);
	ck_assert_uint_eq(wire_got.hdr.op, op);
	return wire_got.hdr.error;
}

/* --- the daemon -------------------------------------------------------------
 */

void wire_spawn(struct pager_spawn *spawn, const char *const *args)
{
	char why[PAGER_SPAWN_WHY] = "";

	/* What the sanitizer keeps of freed memory is not the daemon's. */
	setenv("ASAN_OPTIONS", "quarantine_size_mb=4", 0);
	ck_assert_msg(pager_spawn(spawn, args, why) == 0, "%s", why);
}

void wire_spawn_users(struct pager_spawn *spawn, const char *config)
{
	char path[] = "/tmp/pager-config.XXXXXX";
	const char *const args[] = {"--config", path, NULL};
	int fd = mkstemp(path);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

	ck_assert_ptr_nonnull(file);
	fputs(config, file);
	if (geteuid() == 0)
		fprintf(file, "group %d\n", USERS);
	ck_assert_int_eq(fclose(file), 0);
	wire_spawn(spawn, args);
	ck_assert_int_eq(unlink(path), 0);
	if (geteuid() == 0)
		ck_assert_int_eq(chmod(spawn->dir, 0711), 0);
}

void wire_be(unsigned int user)
{
	const uid_t uid = USERS + 1 + user;

	if (geteuid() == 0) {
		ck_assert_int_eq(setgroups(0, NULL), 0);
		ck_assert_int_eq(setresgid(USERS, USERS, USERS), 0);
		ck_assert_int_eq(setresuid(uid, uid, uid), 0);
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == 1)
		_exit(1);
}

void wire_stop(struct pager_spawn *spawn)
{
	ck_assert_int_eq(pager_spawn_stop(spawn), 0);
}

struct pager_rep_stats wire_stats(int fd)
{
	ck_assert_uint_eq(wire_call(fd, PAGER_OP_STATS, NULL, 0), 0);
	return wire_got.body.stats;
}

void wire_check(int fd)
{
	ck_assert_uint_eq(wire_call(fd, PAGER_OP_CHECK, NULL, 0), 0);
	ck_assert_msg(wire_got.body.check.ok, "%.*s", (int)wire_got.data_len,
		      (const char *)wire_got.data);
}

struct pager_rep_stats wire_settle(int fd, uint64_t sessions)
{
	const struct timespec moment = {.tv_nsec = 1000000};
	struct pager_rep_stats stats;

	for (int i = 0; i < WIRE_PATIENCE_MS; i++) {
		stats = wire_stats(fd);
		if (stats.sessions == sessions)
			return stats;
		nanosleep(&moment, NULL);
	}
	ck_abort_msg("%" PRIu64 " sessions do not go away", stats.sessions);
}

void wire_same(int fd, const struct pager_rep_stats *before)
{
	struct pager_rep_stats now = wire_settle(fd, before->sessions);

	/* A connection without a session goes a moment later, perhaps. */
	for (int i = 0; i < 1000 && now.fds_open != before->fds_open; i++) {
		usleep(1000);
		now = wire_stats(fd);
	}
	ck_assert_uint_eq(now.fds_open, before->fds_open);
	ck_assert_uint_eq(now.frames_used, before->frames_used);
	ck_assert_uint_eq(now.nodes_used, before->nodes_used);
	ck_assert_uint_eq(now.spaces, before->spaces);
	ck_assert_uint_eq(now.objects, before->objects);
	ck_assert_uint_eq(now.regions, before->regions);
	ck_assert_uint_eq(now.handles, before->handles);
	wire_check(fd);
}

unsigned int wire_fds_of(pid_t pid)
{
	struct dirent *entry;
	unsigned int n = 0;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	ck_assert_msg(dir != NULL, "%s", path);
	while ((entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

uint64_t wire_memory_of(pid_t pid)
{
	uint64_t kib = 0;
	char path[64], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "re");
	ck_assert_msg(file != NULL, "%s", path);
	while (fgets(line, sizeof(line), file))
		if (strncmp(line, "VmRSS:", 6) == 0)
			kib = strtoull(line + 6, NULL, 10);
	fclose(file);
	ck_assert_uint_gt(kib, 0);
	return kib;
}

unsigned int wire_logged(const struct pager_spawn *spawn, const char *text)
{
	char path[PAGER_SPAWN_PATH_MAX + 8], line[2048];
	unsigned int n = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/log", spawn->dir);
	file = fopen(path, "re");
	ck_assert_msg(file != NULL, "%s", path);
	while (fgets(line, sizeof(line), file))
		n += strstr(line, text) != NULL;
	fclose(file);
	return n;
}
