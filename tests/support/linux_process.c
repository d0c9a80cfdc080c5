/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a process that plays a space does: it makes the calls it is told to,
 * and looks at itself through /proc. It never allocates memory, so that its
 * own heap stays out of the picture.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/support/linux_compat.h"
#include "tests/support/linux_side.h"

static sigjmp_buf trap;
static volatile sig_atomic_t trapped;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	(void)context;
	if (sig == SIGBUS)
		trapped = PAGER_BUS_ADRERR;
	else
		trapped = info->si_code == SEGV_ACCERR ? PAGER_SEGV_ACCERR
						       : PAGER_SEGV_MAPERR;
	siglongjmp(trap, 1);
}

/* Not through libc: sanitizers watch its mmap. */
static int64_t call(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
		    uint64_t e, uint64_t f)
{
	long ret = syscall(number, a, b, c, d, e, f);

	return ret == -1 ? -errno : ret;
}

void linux_leave(const char *why)
{
	static const char what[] = "linux process: ";

	if (write(2, what, sizeof(what) - 1) < 0 ||
	    write(2, why, strlen(why)) < 0 || write(2, "\n", 1) < 0)
		_exit(3);
	_exit(3);
}

static int64_t set_break(uint64_t to)
{
	int64_t ret = call(SYS_brk, to, 0, 0, 0, 0, 0);

	return ret == (int64_t)to ? 0 : -ENOMEM;
}

/*
 * Guards on both sides; a heap comes up to the window instead of the lower one.
 *
 *	|guard|------- window -------|guard|
 *	 heap |------- window -------|guard|
 */
static void make_window(const struct linux_side *l)
{
	const uint64_t guard = PAGER_PAGE_SIZE;
	uint64_t start = l->start << PAGER_PAGE_SHIFT;
	uint64_t len = l->pages << PAGER_PAGE_SHIFT;
	uint64_t from = l->heap ? start : start - guard;

	if (call(SYS_mmap, from, start + len + guard - from, PROT_NONE,
		 MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, (uint64_t)-1,
		 0) < 0 ||
	    call(SYS_munmap, start, len, 0, 0, 0, 0) < 0)
		linux_leave("the window is not free");
	if (l->heap && set_break(start))
		linux_leave("the heap does not reach the window");
}

void linux_prepare(const struct linux_side *l)
{
	struct sigaction sa = {.sa_flags = SA_SIGINFO | SA_NODEFER};
	struct rlimit stack = {l->stack << PAGER_PAGE_SHIFT,
			       l->stack << PAGER_PAGE_SHIFT};

	for (int i = 0; i < MODEL_SPACES; i++)
		close(l->request[i][1]);
	signal(SIGCHLD, SIG_IGN);
	sa.sa_sigaction = on_signal;
	sigemptyset(&sa.sa_mask);
	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	setrlimit(RLIMIT_STACK, &stack);
	make_window(l);
}

/* --- accesses ------------------------------------------------------------- */

__attribute__((no_sanitize("address"))) static void
copy(volatile uint8_t *to, const volatile uint8_t *from, uint64_t len)
{
	for (uint64_t i = 0; i < len; i++)
		to[i] = from[i];
}

/* Page by page; a signal stops it at the page's beginning. */
static void transfer(struct linux_shared *s, bool write)
{
	const struct linux_request *r = &s->request;
	volatile uint64_t done = 0;

	s->answer.done = 0;
	if (sigsetjmp(trap, 1)) {
		s->answer.signal = (uint32_t)trapped;
		s->answer.done = done;
		return;
	}
	while (done < r->len) {
		uint64_t at = r->addr + done;
		uint64_t part = PAGER_PAGE_SIZE - at % PAGER_PAGE_SIZE;

		if (part > r->len - done)
			part = r->len - done;
		if (write)
			copy((volatile uint8_t *)at, s->io + done, part);
		else
			copy(s->io + done, (volatile uint8_t *)at, part);
		done += part;
	}
	s->answer.done = done;
}

__attribute__((no_sanitize("address"))) static void
touch(struct linux_shared *s)
{
	const struct linux_request *r = &s->request;
	volatile uint8_t *at = (volatile uint8_t *)r->addr;

	if (sigsetjmp(trap, 1)) {
		s->answer.signal = (uint32_t)trapped;
		return;
	}
	if (r->write)
		__atomic_fetch_or(at, 0, __ATOMIC_SEQ_CST);
	else
		(void)*at;
}

/* --- looking at itself ---------------------------------------------------- */

static uint64_t parse_hex(const char **p)
{
	char *end;
	uint64_t value = strtoull(*p, &end, 16);

	*p = end;
	return value;
}

/* start-end perms offset major:minor inode ... */
static void parse_line(const struct linux_side *l, const char *p)
{
	struct linux_shared *s = l->shared;
	uint64_t lo = l->start << PAGER_PAGE_SHIFT;
	uint64_t hi = lo + (l->pages << PAGER_PAGE_SHIFT);
	struct linux_vma v = {0};
	unsigned long long inode;

	v.start = parse_hex(&p);
	p++;
	v.end = parse_hex(&p);
	if (v.end <= lo || v.start >= hi || *p != ' ')
		return;
	v.prot = (p[1] == 'r' ? PAGER_PROT_READ : 0) |
		 (p[2] == 'w' ? PAGER_PROT_WRITE : 0) |
		 (p[3] == 'x' ? PAGER_PROT_EXEC : 0);
	v.shared = p[4] == 's';
	p += 5;
	v.offset = parse_hex(&p);
	parse_hex(&p);
	p++;
	parse_hex(&p);
	inode = strtoull(p, NULL, 10);
	if (v.start < lo) /* the heap below */
		v.start = lo;
	for (uint32_t i = 0; i < MODEL_OBJECTS; i++)
		if (inode && inode == l->inode[i])
			v.object = i + 1;
	if (s->vmas == LINUX_VMAS)
		linux_leave("too many mappings");
	s->vma[s->vmas++] = v;
}

static void look(const struct linux_side *l)
{
	static char text[65536];
	size_t have = 0;
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);

	l->shared->vmas = 0;
	if (fd < 0)
		linux_leave("no /proc/self/maps");
	for (;;) {
		ssize_t n = read(fd, text + have, sizeof(text) - have - 1);
		char *line = text, *end;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		have += (size_t)n;
		text[have] = '\0';
		while ((end = strchr(line, '\n'))) {
			*end = '\0';
			parse_line(l, line);
			line = end + 1;
		}
		have -= (size_t)(line - text);
		memmove(text, line, have);
	}
	close(fd);
}

/* Bits 63 and 62 of a pagemap entry: present, swapped; 61: of a file. */
static void stare(const struct linux_side *l)
{
	struct linux_shared *s = l->shared;
	int map = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);

	if (map < 0 || mem < 0)
		linux_leave("no /proc/self/pagemap or mem");
	for (uint64_t i = 0; i < l->pages; i++) {
		uint64_t vpn = l->start + i, e;

		if (pread(map, &e, sizeof(e), (off_t)(vpn * sizeof(e))) !=
		    (ssize_t)sizeof(e))
			linux_leave("cannot read pagemap");
		s->page[i] = 0;
		if (!(e >> 62))
			continue;
		s->page[i] = LINUX_PRESENT;
		if (!(e >> 61 & 1))
			s->page[i] |= LINUX_PRIVATE;
		if (pread(mem, s->page + l->pages + i * PAGER_PAGE_SIZE,
			  PAGER_PAGE_SIZE,
			  (off_t)(vpn << PAGER_PAGE_SHIFT)) != PAGER_PAGE_SIZE)
			linux_leave("cannot read mem");
	}
	close(map);
	close(mem);
}

/* --- calls ---------------------------------------------------------------- */

static int64_t do_call(const struct linux_side *l,
		       const struct linux_request *r)
{
	switch (r->call) {
	case LINUX_MMAP:
		return call(SYS_mmap, r->addr, r->len, r->prot,
			    r->flags | (r->object ? 0 : MAP_ANONYMOUS),
			    r->object ? (uint64_t)l->object[r->object - 1]
				      : (uint64_t)-1,
			    r->offset);
	case LINUX_MUNMAP:
		return call(SYS_munmap, r->addr, r->len, 0, 0, 0, 0);
	case LINUX_MPROTECT:
		return call(SYS_mprotect, r->addr, r->len, r->prot, 0, 0, 0);
	case LINUX_MREMAP:
		return call(SYS_mremap, r->addr, r->len, r->new_len, r->flags,
			    r->new_addr, 0);
	case LINUX_MADVISE:
		return call(SYS_madvise, r->addr, r->len, r->flags, 0, 0, 0);
	case LINUX_MLOCK:
		return call(SYS_mlock, r->addr, r->len, 0, 0, 0, 0);
	case LINUX_MUNLOCK:
		return call(SYS_munlock, r->addr, r->len, 0, 0, 0, 0);
	case LINUX_BRK:
		return set_break(r->addr);
	default:
		return -ENOSYS;
	}
}

static void serve_one(const struct linux_side *l, int *slot)
{
	struct linux_shared *s = l->shared;
	int child = (int)s->request.slot; /* the next request overwrites it */
	pid_t pid;

	s->answer = (struct linux_answer){0};
	switch (s->request.call) {
	case LINUX_READ:
	case LINUX_WRITE:
		transfer(s, s->request.call == LINUX_WRITE);
		return;
	case LINUX_TOUCH:
		touch(s);
		return;
	case LINUX_LOOK:
		look(l);
		return;
	case LINUX_STARE:
		look(l);
		stare(l);
		return;
	case LINUX_TRACK:
		s->answer.ret = linux_track(l);
		return;
	case LINUX_TAKE:
		s->answer.ret = linux_take(l);
		return;
	case LINUX_COPY:
		look(l);
		linux_copy(l);
		return;
	case LINUX_FORK:
		/* The parent answers; the child waits for its first request. */
		pid = fork();
		if (pid == 0)
			*slot = child;
		else if (pid < 0)
			s->answer.ret = -errno;
		return;
	default:
		s->answer.ret = do_call(l, &s->request);
		return;
	}
}

_Noreturn void linux_serve(const struct linux_side *l, int slot)
{
	char byte;
	ssize_t n;

	for (;;) {
		int me = slot;

		n = read(l->request[slot][0], &byte, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n != 1)
			_exit(0);
		if (l->shared->request.call == LINUX_EXIT) {
			l->shared->answer = (struct linux_answer){0};
			if (write(l->answer[1], &byte, 1) != 1)
				_exit(3);
			_exit(0);
		}
		serve_one(l, &slot);
		if (slot == me && write(l->answer[1], &byte, 1) != 1)
			_exit(3);
	}
}
