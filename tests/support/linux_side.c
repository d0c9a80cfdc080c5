/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The controller's side of the processes.
 */
#include "tests/support/linux_side.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/world.h"

enum { ANSWER_MS = 20000 };

/* Some way above, since our own heap may still grow; over a boundary of leaf
 * table nodes. */
uint64_t linux_heap_window(void)
{
	const uint64_t way = 64 * 1024 * 1024 >> PAGER_PAGE_SHIFT;
	uint64_t now = (uint64_t)(uintptr_t)sbrk(0) >> PAGER_PAGE_SHIFT;

	return ((now + way) | 511) + 1 - 20;
}

static void open_pipe(int fd[2])
{
	if (pipe2(fd, O_CLOEXEC))
		test_die("linux: pipe: %s", strerror(errno));
}

void linux_start(struct linux_side *l, uint64_t start, uint64_t pages,
		 uint64_t stack, bool heap)
{
	memset(l, 0, sizeof(*l));
	l->start = start;
	l->pages = pages;
	l->stack = stack;
	l->heap = heap;
	l->shared_size = sizeof(*l->shared) + pages * (PAGER_PAGE_SIZE + 2);
	l->shared = mmap(NULL, l->shared_size, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (l->shared == MAP_FAILED)
		test_die("linux: no memory");
	for (int i = 0; i < MODEL_SPACES; i++)
		open_pipe(l->request[i]);
	open_pipe(l->answer);
	for (int i = 0; i < MODEL_OBJECTS; i++) {
		struct stat st;

		l->object[i] = memfd_create("object", MFD_CLOEXEC);
		if (l->object[i] < 0 || fstat(l->object[i], &st))
			test_die("linux: memfd: %s", strerror(errno));
		l->inode[i] = st.st_ino;
	}
	fflush(NULL);
}

static void close_pipe(int fd[2])
{
	close(fd[0]);
	close(fd[1]);
}

void linux_stop(struct linux_side *l)
{
	for (int i = 0; i < MODEL_SPACES; i++) {
		if (!l->live[i])
			continue;
		l->shared->request.call = LINUX_EXIT;
		linux_do(l, i);
	}
	for (unsigned int i = 0; i < l->roots; i++)
		while (waitpid(l->root[i], NULL, 0) < 0 && errno == EINTR)
			;
	for (int i = 0; i < MODEL_SPACES; i++)
		close_pipe(l->request[i]);
	close_pipe(l->answer);
	for (int i = 0; i < MODEL_OBJECTS; i++)
		close(l->object[i]);
	munmap(l->shared, l->shared_size);
}

void linux_spawn(struct linux_side *l, int slot)
{
	pid_t pid;

	if (l->roots == MODEL_SPACES) {
		while (waitpid(l->root[0], NULL, WNOHANG) < 0 && errno == EINTR)
			;
		memmove(l->root, l->root + 1,
			(MODEL_SPACES - 1) * sizeof(l->root[0]));
		l->roots--;
	}
	pid = fork();
	if (pid < 0)
		test_die("linux: fork: %s", strerror(errno));
	if (pid == 0) {
		linux_prepare(l);
		linux_serve(l, slot);
	}
	l->root[l->roots++] = pid;
	l->live[slot] = true;
}

const struct linux_answer *linux_do(struct linux_side *l, int slot)
{
	struct pollfd p = {.fd = l->answer[0], .events = POLLIN};
	bool leaves = l->shared->request.call == LINUX_EXIT;
	char byte = 0;
	int n;

	if (write(l->request[slot][1], &byte, 1) != 1)
		test_die("linux: no process in slot %d", slot);
	do
		n = poll(&p, 1, ANSWER_MS);
	while (n < 0 && errno == EINTR);
	if (n != 1 || read(l->answer[0], &byte, 1) != 1)
		test_die("linux: the process of slot %d does not answer", slot);
	if (leaves)
		l->live[slot] = false;
	else if (l->shared->request.call == LINUX_FORK &&
		 l->shared->answer.ret >= 0)
		l->live[l->shared->request.slot] = true;
	return &l->shared->answer;
}

void linux_resize(struct linux_side *l, int object, uint64_t pages)
{
	if (ftruncate(l->object[object], (off_t)(pages << PAGER_PAGE_SHIFT)))
		test_die("linux: ftruncate: %s", strerror(errno));
}

const uint8_t *linux_bytes(const struct linux_side *l, uint64_t page)
{
	return l->shared->page + l->pages + page * PAGER_PAGE_SIZE;
}

bool linux_written(const struct linux_side *l, uint64_t page)
{
	return l->shared->page[l->pages * (PAGER_PAGE_SIZE + 1) + page];
}
