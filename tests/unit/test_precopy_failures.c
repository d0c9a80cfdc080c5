/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Live copies when memory is short or the file cannot be written: every
 * allocation and every system call fails in turn. The sources that make them
 * are compiled in here with those calls led through a counter.
 *
 * Whatever fails, the copy says so, the log is stopped, the source goes on, and
 * the file is empty.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/precopy_bed.h"
#include "tests/support/unit.h"

static unsigned int calls_made;
static unsigned int call_fails; /* this one, counted from 1; 0: none */
static bool one_failed;

static bool fails(int err)
{
	if (++calls_made != call_fails)
		return false;
	one_failed = true;
	errno = err;
	return true;
}

#define malloc(n)	   (fails(ENOMEM) ? NULL : malloc(n))
#define calloc(n, m)	   (fails(ENOMEM) ? NULL : calloc(n, m))
#define realloc(p, n)	   (fails(ENOMEM) ? NULL : realloc(p, n))
#define fstat(f, s)	   (fails(EIO) ? -1 : fstat(f, s))
#define fsync(f)	   (fails(EIO) ? -1 : fsync(f))
#define ftruncate(f, n)	   (fails(EIO) ? -1 : ftruncate(f, n))
#define pwrite(f, b, n, o) (fails(ENOSPC) ? -1 : pwrite(f, b, n, o))

#include "lib/client/precopy_list.c"
#include "lib/client/precopy_verify.c"
#define no_memory no_memory_sync
#define set_brk	  set_brk_sync
#include "lib/client/precopy_sync.c"
#undef no_memory
#undef set_brk
#include "lib/client/precopy_file.c"

#undef malloc
#undef calloc
#undef realloc
#undef fstat
#undef fsync
#undef ftruncate
#undef pwrite

static struct precopy_bed bed;

#define at(n) (BED_FIRST + (n))

static void others(struct precopy_bed *b)
{
	uint64_t start = at(precopy_below(b, 300));
	unsigned int still = call_fails;

	/* What the source does is not counted. */
	call_fails = 0;
	switch (precopy_below(b, 40)) {
	case 0:
		bed_map(b, start, start + 9, 0, 0, 0);
		break;
	case 1:
		bed_unmap(b, start, start + 9);
		break;
	default:
		bed_write(b, start);
		break;
	}
	call_fails = still;
}

static void begin_bed(void)
{
	unsigned int still = call_fails;

	call_fails = 0;
	precopy_bed_init(&bed);
	bed_map(&bed, at(0), at(200), 0, 0, 0);
	bed_map(&bed, at(220), at(240), 0, 1, 10);
	bed_map(&bed, at(250), at(290), PAGER_REGION_SHARED, 2, 0);
	bed_brk(&bed, ((uint64_t)at(1000) << 12) + 5000);
	for (unsigned int i = 0; i < 300; i += 7)
		bed_write(&bed, at(i));
	bed.others = others;
	bed.pc.options.max_rounds = 2;
	calls_made = 0;
	one_failed = false;
	call_fails = still;
}

START_TEST(memory_fails_for_a_space)
{
	for (unsigned int nth = 1;; nth++) {
		int ret;

		call_fails = nth;
		begin_bed();
		calls_made = 0;
		bed.pc.options.flags = PAGER_PRECOPY_VERIFY;
		ret = precopy_bed_run(&bed);
		call_fails = 0;
		if (!one_failed) {
			ck_assert_int_eq(ret, 0);
			precopy_bed_equal(&bed);
			ck_assert_uint_gt(nth, 8);
			precopy_bed_fini(&bed);
			break;
		}
		ck_assert_int_lt(ret, 0);
		precopy_bed_undone(&bed);
		precopy_bed_fini(&bed);
	}
}
END_TEST

static off_t size_of(int fd)
{
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	return st.st_size;
}

START_TEST(everything_fails_for_a_file)
{
	int fd = memfd_create("image", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	for (unsigned int nth = 1;; nth++) {
		struct pc_target_file *file;
		bool cannot_be_emptied;
		int ret;

		call_fails = 0;
		file = pc_target_file_new(fd);
		call_fails = nth;
		begin_bed();
		ret = precopy_bed_run_to(&bed, &pc_target_file_ops, file);
		cannot_be_emptied = file->end == 0;
		call_fails = 0;
		pc_target_file_free(file);
		if (!one_failed) {
			ck_assert_msg(ret == 0, "%s", bed.result.why);
			ck_assert_int_gt(size_of(fd), 4096);
			ck_assert_uint_gt(nth, 50);
			precopy_bed_fini(&bed);
			break;
		}
		ck_assert_int_lt(ret, 0);
		ck_assert_str_ne(bed.result.why, "");
		ck_assert(!bed.logging && !bed.stopped);
		if (!cannot_be_emptied)
			ck_assert_int_eq(size_of(fd), 0);
		precopy_bed_fini(&bed);
	}
	close(fd);
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    memory_fails_for_a_space,
	    everything_fails_for_a_file,
	};

	return UNIT_RUN("precopy_failures", tests);
}
