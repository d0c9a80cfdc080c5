/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The child is told where to listen and to say so on a pipe; the parent waits
 * for that line, for the child's end, or for a time to pass. What the child
 * says goes into a file, which is shown if it does not end well.
 */
#include "tools/common/spawn.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define READY_MS 20000
#define STOP_MS	 20000
#define ARGS_MAX 64

static int fail(char *why, const char *what)
{
	snprintf(why, PAGER_SPAWN_WHY, "%s: %m", what);
	return -1;
}

/* Is there a program at dir/pagerd? */
static bool beside(char *path, size_t size, const char *dir, size_t len)
{
	int n = snprintf(path, size, "%.*s/pagerd", (int)len, dir);

	return n > 0 && (size_t)n < size && access(path, X_OK) == 0;
}

/* Where the program is; if nowhere else, a name for $PATH. */
static void find_program(char *path, size_t size)
{
	const char *from = getenv("PAGERD");
	char self[4096];
	ssize_t n;

	if (from && *from) {
		snprintf(path, size, "%s", from);
		return;
	}
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	while (n > 0 && self[n - 1] != '/')
		n--;
	if (n > 1 && beside(path, size, self, (size_t)n - 1))
		return;
	from = getenv("PAGER_BIN");
	if (from && *from && beside(path, size, from, strlen(from)))
		return;
	snprintf(path, size, "pagerd");
}

static int log_open(const struct pager_spawn *spawn, int flags)
{
	char path[PAGER_SPAWN_PATH_MAX + 8];

	snprintf(path, sizeof(path), "%s/log", spawn->dir);
	return open(path, flags | O_CLOEXEC, 0600);
}

static void log_show(const struct pager_spawn *spawn)
{
	int fd = log_open(spawn, O_RDONLY);
	char buf[4096];
	ssize_t n;

	while (fd >= 0 && (n = read(fd, buf, sizeof(buf))) > 0)
		fwrite(buf, 1, (size_t)n, stderr);
	if (fd >= 0)
		close(fd);
}

static void run_child(const char *program, const struct pager_spawn *spawn,
		      int ready, const char *const *args, pid_t parent)
{
	const char *argv[ARGS_MAX + 6] = {program, "--socket", spawn->socket,
					  "--ready-fd"};
	int log = log_open(spawn, O_WRONLY | O_CREAT | O_APPEND);
	char number[16];
	size_t n = 4;
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(126);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	snprintf(number, sizeof(number), "%d", ready);
	argv[n++] = number;
	for (; args && *args && n < ARGS_MAX + 5; args++)
		argv[n++] = *args;
	fcntl(ready, F_SETFD, 0);
	if (log >= 0)
		dup2(log, STDERR_FILENO);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	execvp(program, (char *const *)argv);
	fprintf(stderr, "%s: %m\n", program);
	_exit(127);
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Wait until a line has come through the pipe. */
static int wait_ready(int fd, const char *program, char *why)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	uint64_t end = now_ms() + READY_MS;
	char c = '\0';

	while (c != '\n') {
		uint64_t now = now_ms();
		int ret = now < end ? poll(&pfd, 1, (int)(end - now)) : 0;

		if (ret < 0 && errno == EINTR)
			continue;
		if (ret < 0)
			return fail(why, "poll");
		if (ret == 0) {
			snprintf(why, PAGER_SPAWN_WHY,
				 "%.150s does not say that it listens",
				 program);
			return -1;
		}
		if (read(fd, &c, 1) <= 0) {
			snprintf(why, PAGER_SPAWN_WHY,
				 "%.150s could not be started", program);
			return -1;
		}
	}
	return 0;
}

/* Everything in it is the daemon's: there are no folders. */
static void remove_dir(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(path);
}

static int make_dir(struct pager_spawn *spawn, char *why)
{
	const char *tmp = getenv("TMPDIR");
	int n;

	if (!tmp || !*tmp)
		tmp = "/tmp";
	n = snprintf(spawn->socket, sizeof(spawn->socket),
		     "%s/pagerd.XXXXXX/socket", tmp);
	if (n < 0 || (size_t)n >= sizeof(spawn->socket)) {
		errno = ENAMETOOLONG;
		return fail(why, tmp);
	}
	n -= (int)strlen("/socket");
	snprintf(spawn->dir, sizeof(spawn->dir), "%.*s", n, spawn->socket);
	if (!mkdtemp(spawn->dir))
		return fail(why, spawn->dir);
	memcpy(spawn->socket, spawn->dir, (size_t)n);
	return 0;
}

int pager_spawn(struct pager_spawn *spawn, const char *const *args, char *why)
{
	char program[4096];
	pid_t parent = getpid();
	int pipefd[2];
	int ret;

	spawn->pid = 0;
	find_program(program, sizeof(program));
	if (make_dir(spawn, why) < 0)
		return -1;
	if (pipe2(pipefd, O_CLOEXEC) < 0) {
		ret = fail(why, "pipe");
		remove_dir(spawn->dir);
		return ret;
	}
	spawn->pid = fork();
	if (spawn->pid == 0)
		run_child(program, spawn, pipefd[1], args, parent);
	close(pipefd[1]);
	ret = spawn->pid < 0 ? fail(why, "fork")
			     : wait_ready(pipefd[0], program, why);
	close(pipefd[0]);
	if (ret < 0) {
		if (spawn->pid < 0) {
			spawn->pid = 0;
			remove_dir(spawn->dir);
		}
		pager_spawn_stop(spawn);
	}
	return ret;
}

int pager_spawn_stop(struct pager_spawn *spawn)
{
	const struct timespec pause = {.tv_nsec = 2000000};
	uint64_t end = now_ms() + STOP_MS;
	int status = 0;
	pid_t pid;

	if (spawn->pid <= 0)
		return 0;
	kill(spawn->pid, SIGTERM);
	while ((pid = waitpid(spawn->pid, &status, WNOHANG)) == 0 &&
	       now_ms() < end)
		nanosleep(&pause, NULL);
	if (pid == 0) {
		kill(spawn->pid, SIGKILL);
		waitpid(spawn->pid, NULL, 0);
		status = -1;
	}
	if (status != 0)
		log_show(spawn);
	spawn->pid = 0;
	remove_dir(spawn->dir);
	return status;
}
