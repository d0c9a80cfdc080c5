/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc/TID/pagemap: which pages of a space are present, and whose they are.
 *
 * A page is PAGE_PRESENT when its entry is.  It is PAGE_PRIVATE when it
 * belongs to this mapping alone: present or swapped out, and not a page of a
 * file or of shared memory.  The shared zero page has no owner and counts as
 * private; guard markers are not pages.
 *
 *   pagemap entry   63 present | 62 swapped | 61 file or shared | 58 guard
 *
 * PAGEMAP_SCAN (Linux 6.7) skips what is not populated; without it every
 * entry is read, which is slow for programs that reserve terabytes.
 *
 * Must not know: mappings.
 */
#include "tools/record/record.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PM_PRESENT (1ULL << 63)
#define PM_SWAP	   (1ULL << 62)
#define PM_FILE	   (1ULL << 61)
#define PM_GUARD   (1ULL << 58)

/* The kernel's ABI (uapi fs.h of Linux 6.7), which older headers lack. */
struct scan_region {
	uint64_t start, end, categories;
};

struct scan_arg {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t inverted, mask, anyof_mask, return_mask;
};

#define SCAN_IOCTL   _IOWR('f', 16, struct scan_arg)
#define SCAN_FILE    (1u << 2)
#define SCAN_PRESENT (1u << 3)
#define SCAN_SWAPPED (1u << 4)
#define SCAN_GUARD   (1u << 8)

static bool scan_fast(int fd, uint64_t start, uint64_t end, uint64_t guard,
		      page_fn *fn, void *arg)
{
	struct scan_region vec[256];

	while (start < end) {
		struct scan_arg a = {
		    .size = sizeof(a),
		    .start = start,
		    .end = end,
		    .vec = (uint64_t)(uintptr_t)vec,
		    .vec_len = 256,
		    .anyof_mask = SCAN_PRESENT | SCAN_SWAPPED,
		    .return_mask =
			SCAN_PRESENT | SCAN_SWAPPED | SCAN_FILE | guard,
		};
		int n = ioctl(fd, SCAN_IOCTL, &a);

		if (n < 0)
			return false;
		for (int i = 0; i < n; i++) {
			uint64_t c = vec[i].categories;
			unsigned what = c & SCAN_PRESENT ? PAGE_PRESENT : 0;

			if (!(c & (SCAN_FILE | SCAN_GUARD)))
				what |= PAGE_PRIVATE;
			if (fn(arg, vec[i].start,
			       (vec[i].end - vec[i].start) / PAGE_SIZE, what))
				return true;
		}
		if (a.walk_end <= start)
			return false;
		start = a.walk_end;
	}
	return true;
}

static bool scan_slow(int fd, uint64_t start, uint64_t end, page_fn *fn,
		      void *arg)
{
	uint64_t entry[4096];

	while (start < end) {
		uint64_t want = (end - start) / PAGE_SIZE;
		ssize_t got;

		if (want > 4096)
			want = 4096;
		got = pread(fd, entry, want * sizeof(*entry),
			    (off_t)(start / PAGE_SIZE * sizeof(*entry)));
		if (got <= 0)
			return false;
		for (size_t i = 0; i < (size_t)got / sizeof(*entry); i++) {
			uint64_t e = entry[i];
			unsigned what = e & PM_PRESENT ? PAGE_PRESENT : 0;

			if (!(e & (PM_PRESENT | PM_SWAP)))
				continue;
			if (!(e & (PM_FILE | PM_GUARD)))
				what |= PAGE_PRIVATE;
			if (fn(arg, start + i * PAGE_SIZE, 1, what))
				return true;
		}
		start += (uint64_t)got / sizeof(*entry) * PAGE_SIZE;
	}
	return true;
}

/*
 * Calls FN for each run of pages in START..END that are present or swapped
 * out, until it returns true.  FD is from pages_open.  False if the pages
 * cannot be read.
 */
bool pages_scan(int fd, uint64_t start, uint64_t end, page_fn *fn, void *arg)
{
	static int mode; /* 0 untried; 1, 2 fast with and without guard; 3 */

	if (start >= USER_TOP)
		return true; /* [vsyscall] has no entries */
	if (mode == 0) {
		struct scan_arg a = {
		    .size = sizeof(a), .start = start, .end = start};

		a.return_mask = SCAN_PRESENT | SCAN_GUARD;
		mode = ioctl(fd, SCAN_IOCTL, &a) >= 0 ? 1 : 3;
		a.return_mask = SCAN_PRESENT;
		if (mode == 3 && ioctl(fd, SCAN_IOCTL, &a) >= 0)
			mode = 2;
	}
	if (mode == 3)
		return scan_slow(fd, start, end, fn, arg);
	return scan_fast(fd, start, end, mode == 1 ? SCAN_GUARD : 0, fn, arg);
}

/* The pagemap of task TID, or -1. */
int pages_open(pid_t tid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/pagemap", tid);
	return open(path, O_RDONLY | O_CLOEXEC);
}
