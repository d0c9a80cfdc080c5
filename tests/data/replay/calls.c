/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program that does what ordinary programs seldom do to their address space,
 * to be recorded: calls.vmtrace is a recording of it by pager-record on Linux
 * 6.18, x86-64, and system-replay replays that.
 *
 *	cc -O0 -o calls calls.c
 *	pager-record -o calls.vmtrace -- ./calls
 *
 * Results are not looked at: half of the calls are meant to fail.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define P	       4096
#define POPULATE_READ  22
#define POPULATE_WRITE 23
#define GUARD_INSTALL  102
#define GUARD_REMOVE   103
#define RESIZE_MOVE    (MREMAP_MAYMOVE | MREMAP_FIXED)

static sigjmp_buf back;

static void on_signal(int number)
{
	siglongjmp(back, number);
}

/* Do something that may be a signal. */
#define TRY(action)                        \
	do {                               \
		if (!sigsetjmp(back, 1)) { \
			action;            \
		}                          \
	} while (0)

static char *map(size_t pages, int prot, int flags)
{
	return mmap(NULL, pages * P, prot, MAP_PRIVATE | MAP_ANONYMOUS | flags,
		    -1, 0);
}

static char *map_at(char *at, size_t pages, int prot, int flags)
{
	return mmap(at, pages * P, prot, MAP_PRIVATE | MAP_ANONYMOUS | flags,
		    -1, 0);
}

static void look(volatile char *p, int pages)
{
	for (int i = 0; i < pages; i++)
		(void)p[i * P];
}

static void write_to(volatile char *p, int pages)
{
	for (int i = 0; i < pages; i++)
		p[i * P] = (char)(i + 1);
}

static void wait_for_child(void)
{
	wait(NULL);
}

static void populating(void)
{
	char *a;

	map(8, PROT_READ | PROT_WRITE, MAP_POPULATE);
	map(8, PROT_READ, MAP_POPULATE);
	map(8, PROT_NONE, MAP_POPULATE);
	map(4, PROT_READ | PROT_WRITE, MAP_LOCKED);
	a = map(16, PROT_READ | PROT_WRITE, 0);
	madvise(a, 4 * P, POPULATE_READ);
	madvise(a + 2 * P, 5 * P, POPULATE_WRITE);
	munmap(a + 10 * P, P);
	madvise(a + 8 * P, 8 * P, POPULATE_WRITE);
	mprotect(a + 12 * P, P, PROT_NONE);
	madvise(a + 11 * P, 4 * P, POPULATE_READ);
	madvise(a, 16 * P, MADV_DONTNEED);
	write_to(a + 3 * P, 3);
}

static void protections(void)
{
	char *a = map(8, PROT_WRITE, 0);

	look(a, 3);
	a = map(8, PROT_EXEC, 0);
	TRY(look(a, 3));
	a = map(64, PROT_READ | PROT_WRITE, MAP_NORESERVE);
	write_to(a, 64);
	munmap(a + 3 * P, 2 * P - 5);
	mprotect(a, 64 * P, PROT_READ);
	mprotect(a, 64 * P, PROT_READ | PROT_WRITE | 8);
	mprotect(a, 0, PROT_NONE);
	mprotect(a + 1, P, PROT_NONE);
	madvise(a, 64 * P, MADV_DONTNEED);
	write_to(a + 10 * P, 5);
	madvise(a + 8 * P, 4 * P + 100, MADV_FREE);
	write_to(a + 40 * P, 8);
}

/*	|-- none --|<- 256 or less ->|  b grows down  |--|	*/
static void growing_down(void)
{
	char *a = map(0x400, PROT_NONE, 0), *b;

	munmap(a + 0x80 * P, 0x300 * P);
	b = map_at(a + 0x300 * P, 0x10, PROT_READ | PROT_WRITE,
		   MAP_GROWSDOWN | MAP_FIXED);
	write_to(b, 2);
	write_to(b - 7 * P, 1);
	write_to(b - 100 * P - 5, 1);
	mprotect(b + 2 * P, P, PROT_READ | PROT_GROWSDOWN);
	mprotect(b + 2 * P, P, PROT_READ | PROT_WRITE | PROT_GROWSDOWN);
	TRY(a[0x90 * P] = 1);
	mprotect(a, 0x80 * P, PROT_READ);
	TRY(a[0x91 * P] = 1);
}

static void guards(void)
{
	char *a = map(32, PROT_READ | PROT_WRITE, 0), *b;

	write_to(a, 32);
	madvise(a, 4 * P, GUARD_INSTALL);
	TRY(a[P] = 1);
	madvise(a + P, P, GUARD_REMOVE);
	write_to(a + P, 1);
	madvise(a, 32 * P, MADV_DONTNEED);
	TRY(a[0] = 1);
	write_to(a + 5 * P, 3);
	b = mremap(a, 32 * P, 64 * P, MREMAP_MAYMOVE);
	TRY(b[0] = 1);
	write_to(b + 40 * P, 3);
	if (fork() == 0) {
		TRY(b[2 * P] = 1);
		write_to(b + 41 * P, 10);
		_exit(0);
	}
	wait_for_child();
}

static char *written(size_t pages)
{
	char *a = map(pages, PROT_READ | PROT_WRITE, 0);

	write_to(a, (int)pages);
	return a;
}

static void moving(void)
{
	char *a = written(16), *b = written(32);

	munmap(a + 2 * P, P);
	mprotect(a + 4 * P, P, PROT_READ);
	mremap(a, 16 * P, 16 * P, RESIZE_MOVE, b + 8 * P);
	a = written(16);
	mprotect(a + 4 * P, P, PROT_READ);
	mremap(a, 16 * P, 3 * P, 0);
	a = written(8);
	mremap(a, 8 * P, 8 * P, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	write_to(a, 2);
	a = written(8);
	b = written(20);
	mremap(a, 8 * P, 4 * P, RESIZE_MOVE, b + 3 * P);
	a = written(8);
	b = written(20);
	mremap(a, 6 * P, 10 * P, RESIZE_MOVE, b + 3 * P);
	write_to(b + 9 * P, 4);
	a = written(4);
	mremap(a, 4 * P, 4 * P, MREMAP_FIXED, b);
	mremap(a + 4 * P, 4 * P, 8 * P, MREMAP_MAYMOVE);
}

static void sharing(int fd)
{
	char *a = mmap(NULL, 8 * P, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char *b = a;

	write_to(a, 4);
	b = mremap(a, 0, 8 * P, MREMAP_MAYMOVE);
	write_to(b, 8);
	mremap(a, 8 * P, 16 * P, MREMAP_MAYMOVE);
	a = mmap(NULL, 40 * P, PROT_READ | PROT_WRITE, MAP_SHARED_VALIDATE, fd,
		 0);
	write_to(a, 10);
	b = mmap(NULL, 21 * P, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	look(b, 15);
	write_to(b + 5 * P, 4);
	TRY(look(a + 25 * P, 1));
	madvise(a, 4 * P, MADV_REMOVE);
	madvise(a, 8 * P, MADV_WILLNEED);
	madvise(b, 8 * P, MADV_WILLNEED);
	b = mmap(NULL, 10 * P, PROT_READ, MAP_PRIVATE, fd, 5 * P);
	look(b, 10);
	mprotect(b, 10 * P, PROT_READ | PROT_WRITE);
	write_to(b, 3);
	b = mremap(b, 10 * P, 16 * P, MREMAP_MAYMOVE);
	write_to(b + 12 * P, 2);
	madvise(b, 16 * P, MADV_DONTNEED);
	write_to(b + 3 * P, 1);
}

static void forking(void)
{
	char *a = written(8), *b = map(6, PROT_READ | PROT_WRITE, 0);

	write_to(b, 3);
	look(b + 3 * P, 3);
	madvise(a, 2 * P, MADV_DONTFORK);
	madvise(a + 4 * P, 2 * P, MADV_WIPEONFORK);
	if (fork() == 0) {
		look(a + 4 * P, 2);
		write_to(a + 6 * P, 1);
		write_to(b, 6);
		TRY(a[0] = 1);
		if (fork() == 0) {
			write_to(b + 2 * P, 2);
			madvise(b, P, MADV_DONTNEED);
			execl("/bin/true", "true", NULL);
			_exit(1);
		}
		wait_for_child();
		raise(SIGKILL);
	}
	wait_for_child();
	madvise(a, 2 * P, MADV_DOFORK);
	madvise(a + 4 * P, 2 * P, MADV_KEEPONFORK);
	if (fork() == 0) {
		write_to(a, 8);
		_exit(0);
	}
	wait_for_child();
}

static void breaking(void)
{
	char *start = sbrk(0);

	brk(start + 123);
	brk(start + 20 * P + 5);
	write_to(start, 10);
	brk(start + 3 * P + 1);
	brk(start + 30 * P);
	write_to(start + 5 * P, 2);
	brk((void *)1);
}

static void replacing(int fd)
{
	char *a = written(16);

	map_at(a + 2 * P, 1, PROT_READ, MAP_FIXED_NOREPLACE);
	munmap(a + 2 * P, P);
	map_at(a + 2 * P, 1, PROT_READ, MAP_FIXED_NOREPLACE);
	map_at(a + 6 * P, 3, PROT_READ, MAP_FIXED);
	mmap(a + 4 * P, P, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
	     P);
	look(a + 6 * P, 3);
	map_at(a + 20 * P, 2, PROT_READ, 0);
	map((size_t)1 << 28, PROT_NONE, MAP_NORESERVE);
	map((size_t)1 << 24, PROT_READ | PROT_WRITE, MAP_NORESERVE);
	read(fd, a, 3 * P);
	read(fd, (void *)0x1000, 10);
}

static void straying(char *data)
{
	TRY(write_to(NULL, 1));
	TRY(write_to((char *)0xdeadbeef000, 1));
	TRY(look((char *)0xffffffff81000000, 1));
	TRY(((void (*)(void))(uintptr_t)0x10)());
	TRY(((void (*)(void))(uintptr_t)data)());
}

static void using_much_stack(void)
{
	char much[1 << 19];

	memset(much, 1, sizeof(much));
	look(much, 2);
}

static void spawning(void)
{
	static char *const argv[] = {"ls", "/", NULL};
	static char *const none[] = {NULL};
	pid_t pid;

	if (posix_spawn(&pid, "/bin/ls", NULL, NULL, argv, none) == 0)
		wait_for_child();
	system("echo hello | cat >/dev/null");
	posix_spawn(&pid, "/nonexistent", NULL, NULL, argv, none);
	if (vfork() == 0)
		_exit(3);
	wait_for_child();
	if (fork() == 0) {
		using_much_stack();
		_exit(0);
	}
	wait_for_child();
}

int main(void)
{
	struct sigaction action = {.sa_handler = on_signal};
	char name[] = "/tmp/calls.XXXXXX";
	int fd = mkstemp(name);

	unlink(name);
	ftruncate(fd, 20 * P + 100);
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	populating();
	protections();
	growing_down();
	guards();
	moving();
	sharing(fd);
	forking();
	breaking();
	replacing(fd);
	straying(written(1));
	spawning();
	return 0;
}
