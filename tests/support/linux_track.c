/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A process that knows which pages of its window it wrote: Linux keeps the
 * account.
 *
 *  - WP_ASYNC: every mapping of the window is registered with a userfaultfd
 *    and write-protected, empty pages by markers; a write lifts that without
 *    a word, and PAGEMAP_SCAN finds it.
 *  - SOFT_DIRTY: 4 is written to clear_refs; pagemap has the bits.
 *
 * To begin anew covers what is mapped at that moment: after a call that maps,
 * moves or empties anything it has to be done again, or reading looks like
 * writing there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/support/linux_compat.h"
#include "tests/support/linux_side.h"

#define PM_PRESENT    (UINT64_C(1) << 63)
#define PM_SWAPPED    (UINT64_C(1) << 62)
#define PM_OF_FILE    (UINT64_C(1) << 61)
#define PM_SOFT_DIRTY (UINT64_C(1) << 55)

enum { TAKE_REGIONS = 256 };

/* This process's; a child has its parent's until it makes its own. */
static int uffd = -1;

static uint8_t *written_of(const struct linux_side *l)
{
	return l->shared->page + l->pages * (PAGER_PAGE_SIZE + 1);
}

static int open_proc(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0)
		linux_leave(path);
	return fd;
}

static uint64_t pagemap_entry(int fd, uint64_t vpn)
{
	uint64_t e;

	if (pread(fd, &e, sizeof(e), (off_t)(vpn * sizeof(e))) !=
	    (ssize_t)sizeof(e))
		linux_leave("cannot read pagemap");
	return e;
}

/* --- userfaultfd ---------------------------------------------------------- */

static int begin_uffd(const struct linux_side *l)
{
	struct uffdio_api api = {.api = UFFD_API,
				 .features = UFFD_FEATURE_WP_ASYNC};

	(void)l;
	if (uffd >= 0)
		close(uffd);
	uffd = (int)syscall(SYS_userfaultfd,
			    O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
	if (uffd < 0)
		return -errno;
	if (ioctl(uffd, UFFDIO_API, &api))
		return -errno;
	return 0;
}

static int arm_uffd(const struct linux_side *l)
{
	struct uffdio_range window = {l->start << PAGER_PAGE_SHIFT,
				      l->pages << PAGER_PAGE_SHIFT};
	struct uffdio_register reg = {.range = window,
				      .mode = UFFDIO_REGISTER_MODE_WP};
	struct uffdio_writeprotect wp = {.range = window,
					 .mode = UFFDIO_WRITEPROTECT_MODE_WP};

	/* EINVAL: nothing is mapped at all. */
	if (ioctl(uffd, UFFDIO_REGISTER, &reg))
		return errno == EINVAL ? 0 : -errno;
	while (ioctl(uffd, UFFDIO_WRITEPROTECT, &wp))
		if (errno != EAGAIN)
			return -errno;
	return 0;
}

static int take_uffd(const struct linux_side *l)
{
	static struct page_region regions[TAKE_REGIONS];
	uint64_t start = l->start << PAGER_PAGE_SHIFT;
	struct pm_scan_arg scan = {
	    .size = sizeof(scan),
	    .start = start,
	    .end = start + (l->pages << PAGER_PAGE_SHIFT),
	    .vec = (uint64_t)(uintptr_t)regions,
	    .vec_len = TAKE_REGIONS,
	    .category_mask = PAGE_IS_WPALLOWED | PAGE_IS_WRITTEN,
	    .category_anyof_mask = PAGE_IS_PRESENT | PAGE_IS_SWAPPED,
	    .return_mask = PAGE_IS_WRITTEN,
	};
	int fd = open_proc("/proc/self/pagemap", O_RDONLY);
	int n;

	while (scan.start < scan.end) {
		n = ioctl(fd, PAGEMAP_SCAN, &scan);
		if (n < 0) {
			n = -errno;
			close(fd);
			return n;
		}
		for (int i = 0; i < n; i++)
			memset(written_of(l) + ((regions[i].start - start) >>
						PAGER_PAGE_SHIFT),
			       1,
			       (regions[i].end - regions[i].start) >>
				   PAGER_PAGE_SHIFT);
		scan.start = scan.walk_end;
	}
	close(fd);
	return 0;
}

/* --- soft-dirty bits ------------------------------------------------------ */

static int arm_soft(void)
{
	int fd = open_proc("/proc/self/clear_refs", O_WRONLY);
	int ret = write(fd, "4", 1) == 1 ? 0 : -errno;

	close(fd);
	return ret;
}

static void take_soft(const struct linux_side *l)
{
	int fd = open_proc("/proc/self/pagemap", O_RDONLY);

	for (uint64_t i = 0; i < l->pages; i++) {
		uint64_t e = pagemap_entry(fd, l->start + i);

		written_of(l)[i] =
		    e & PM_SOFT_DIRTY && e & (PM_PRESENT | PM_SWAPPED);
	}
	close(fd);
}

/* --- either --------------------------------------------------------------- */

static int arm(const struct linux_side *l)
{
	return l->tracker == LINUX_WP_ASYNC ? arm_uffd(l) : arm_soft();
}

int linux_track(const struct linux_side *l)
{
	int ret = 0;

	if (l->tracker == LINUX_WP_ASYNC)
		ret = begin_uffd(l);
	return ret ? ret : arm(l);
}

int linux_take(const struct linux_side *l)
{
	int ret = 0;

	memset(written_of(l), 0, l->pages);
	if (l->tracker == LINUX_WP_ASYNC)
		ret = take_uffd(l);
	else
		take_soft(l);
	if (!ret && l->shared->request.flags & 1)
		ret = arm(l);
	return ret;
}

/* Only what is mapped is read: below a stack that would make it grow. */
void linux_copy(const struct linux_side *l)
{
	struct linux_shared *s = l->shared;
	uint32_t next = 0;
	int map = open_proc("/proc/self/pagemap", O_RDONLY);
	int mem = open_proc("/proc/self/mem", O_RDONLY);

	for (uint64_t i = 0; i < l->pages; i++) {
		uint64_t vpn = l->start + i, e = pagemap_entry(map, vpn);
		uint8_t *to = s->page + l->pages + i * PAGER_PAGE_SIZE;

		s->page[i] = e & PM_PRESENT ? LINUX_PRESENT : 0;
		if (s->page[i] && !(e & PM_OF_FILE))
			s->page[i] |= LINUX_PRIVATE;
		while (next < s->vmas &&
		       s->vma[next].end <= vpn << PAGER_PAGE_SHIFT)
			next++;
		if (next < s->vmas &&
		    s->vma[next].start <= vpn << PAGER_PAGE_SHIFT &&
		    pread(mem, to, PAGER_PAGE_SIZE,
			  (off_t)(vpn << PAGER_PAGE_SHIFT)) == PAGER_PAGE_SIZE)
			s->page[i] |= LINUX_READABLE;
	}
	close(map);
	close(mem);
}

/* --- what there is -------------------------------------------------------- */

static int64_t ask(struct linux_side *l, struct linux_request r)
{
	l->shared->request = r;
	return linux_do(l, 0)->ret;
}

/* Of three pages one is written, one read, one left alone; then all are clean
 * again, and another is written. */
static bool works(struct linux_side *l)
{
	uint64_t at = l->start << PAGER_PAGE_SHIFT;
	struct linux_request map = {.call = LINUX_MMAP,
				    .addr = at,
				    .len = 3 << PAGER_PAGE_SHIFT,
				    .prot = PROT_READ | PROT_WRITE,
				    .flags = MAP_PRIVATE | MAP_FIXED};
	struct linux_request touch = {
	    .call = LINUX_TOUCH, .addr = at, .write = true};
	struct linux_request take = {.call = LINUX_TAKE, .flags = 1};

	if (ask(l, map) != (int64_t)at ||
	    ask(l, (struct linux_request){.call = LINUX_TRACK}))
		return false;
	ask(l, touch);
	touch.addr += PAGER_PAGE_SIZE;
	touch.write = false;
	ask(l, touch);
	if (ask(l, take) || !linux_written(l, 0) || linux_written(l, 1) ||
	    linux_written(l, 2))
		return false;
	touch.write = true;
	ask(l, touch);
	return ask(l, take) == 0 && !linux_written(l, 0) &&
	       linux_written(l, 1) && !linux_written(l, 2);
}

enum linux_tracker linux_track_probe(uint64_t window)
{
	static const enum linux_tracker all[] = {LINUX_WP_ASYNC,
						 LINUX_SOFT_DIRTY};
	struct linux_side l;
	bool good;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		linux_start(&l, window, 8, 2048, false);
		l.tracker = all[i];
		linux_spawn(&l, 0);
		good = works(&l);
		linux_stop(&l);
		if (good)
			return all[i];
	}
	return LINUX_NO_TRACKER;
}

const char *linux_tracker_name(enum linux_tracker tracker)
{
	static const char *const names[] = {
	    [LINUX_NO_TRACKER] = "none",
	    [LINUX_WP_ASYNC] = "userfaultfd WP_ASYNC and PAGEMAP_SCAN",
	    [LINUX_SOFT_DIRTY] = "soft-dirty bits",
	};

	return names[tracker];
}
