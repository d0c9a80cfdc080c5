/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rings and bitmaps between processes: a writer, the reader of a ring, and the
 * daemon between them. What was written is in the reader's copy at the end,
 * however often the ring was full; a reader that is killed lets the writer go;
 * and what a process does to memory that it shares with the daemon ends neither
 * the daemon nor another's log.
 */
#include <check.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <pager/pager.h>

#include "lib/core/dirty_ring.h"
#include "tests/support/rng.h"
#include "tests/support/unit.h"
#include "tools/common/spawn.h"

enum {
	PAGE = 4096,
	PAGES = 640,
	ENTRIES = 128,
	WRITES = 6000,
	RING_BYTES = ENTRIES * (int)sizeof(struct dring_entry),
	BITMAP = PAGES / 8,
	DONE = 77, /* an exit code */
};

#define BASE UINT64_C(0x10000000)

static struct pager_spawn daemon_;
static struct pager *writer; /* whose the space is */
static struct pager *reader;
static uint64_t space;

static void ok(struct pager *pager, int ret)
{
	ck_assert_msg(ret == 0, "%s", pager_errstr(pager));
}

static void refused(struct pager *pager, int ret, unsigned int error)
{
	ck_assert_msg(ret == PAGER_REFUSED && pager_error(pager) == error,
		      "%s, not %s", pager_errstr(pager), pager_errname(error));
}

static struct pager *connect_one(void)
{
	struct pager *pager = pager_connect(daemon_.socket);

	ck_assert_ptr_nonnull(pager);
	return pager;
}

static void start(void)
{
	struct pager_req_map map = {.addr = BASE,
				    .len = PAGES * PAGE,
				    .prot = PAGER_PROT_READ | PAGER_PROT_WRITE,
				    .flags = PAGER_MAP_FIXED};
	char why[PAGER_SPAWN_WHY] = "";
	uint64_t at;

	ck_assert_msg(pager_spawn(&daemon_, NULL, why) == 0, "%s", why);
	writer = connect_one();
	reader = connect_one();
	ok(writer, pager_call_space_create(writer, NULL, &space));
	map.space = space;
	ok(writer, pager_call_map(writer, &map, &at));
}

/* The daemon is sound, and nothing of ours is left in it. */
static void end(void)
{
	struct pager_rep_check check;
	char why[256];

	ok(writer, pager_call_check(writer, &check, why, sizeof(why)));
	ck_assert_msg(check.ok, "%s", why);
	pager_close(writer);
	pager_close(reader);
	ck_assert_int_eq(pager_spawn_stop(&daemon_), 0);
}

static uint64_t log_start(struct pager *pager, uint32_t method)
{
	const struct pager_req_dirty_start body = {.space = space,
						   .addr = BASE,
						   .len = PAGES * PAGE,
						   .method = method};
	uint64_t log;

	ok(pager, pager_call_dirty_start(pager, &body, &log));
	return log;
}

/* False: a full ring stopped it. */
static bool write_page(uint64_t page, uint64_t value)
{
	int ret = pager_call_write(writer, space, 0, BASE + page * PAGE, &value,
				   sizeof(value), NULL);

	if (ret)
		refused(writer, ret, PAGER_EDIRTYFULL);
	return ret == 0;
}

static uint64_t read_page(struct pager *pager, uint64_t page)
{
	uint64_t value = 0;
	struct pager_rep_access r;

	ok(pager, pager_call_read(pager, space, 0, BASE + page * PAGE, &value,
				  sizeof(value), &r));
	return value;
}

static int file(size_t size)
{
	int fd = memfd_create("ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	return fd;
}

static void *map_file(int fd, size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	ck_assert(p != MAP_FAILED);
	return p;
}

static pid_t another(void)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	return pid;
}

/* --- a reader by the rules --------------------------------------------------
 */

struct copying {
	struct dring_entry *ring;
	uint64_t log;
	uint64_t fetch;
	uint64_t copy[PAGES];
};

/* Collect what there is, reset, then read: that order. How many. */
static unsigned int copy_some(struct copying *c)
{
	struct pager_rep_dirty_reset reset;
	uint64_t pages[ENTRIES];
	unsigned int n;

	for (n = 0; n < ENTRIES; n++, c->fetch++) {
		struct dring_entry *e = c->ring + c->fetch % ENTRIES;

		if (__atomic_load_n(&e->flags, __ATOMIC_ACQUIRE) !=
		    PAGER_RING_DIRTY)
			break;
		pages[n] = e->offset;
		ck_assert_uint_lt(pages[n], PAGES);
		__atomic_store_n(&e->flags, PAGER_RING_RESET, __ATOMIC_RELEASE);
	}
	ok(reader, pager_call_dirty_reset(reader, c->log, &reset));
	ck_assert_uint_eq(reset.reset, n);
	for (unsigned int i = 0; i < n; i++)
		c->copy[pages[i]] = read_page(reader, pages[i]);
	return n;
}

/* Write at random, each time something new, and say when a full ring is met. */
_Noreturn static void write_much(atomic_bool *stopped)
{
	struct rng r = rng_new(3);

	for (uint64_t i = 1; i <= WRITES; i++) {
		const uint64_t page = rng_below(&r, PAGES);

		while (!write_page(page, i)) {
			*stopped = true;
			sched_yield();
		}
	}
	_exit(DONE);
}

static void copy_all(uint32_t method, bool stops)
{
	static struct copying c;
	atomic_bool *stopped;
	int fd = file(RING_BYTES), status;
	pid_t pid;

	stopped = mmap(NULL, sizeof(*stopped), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert(stopped != MAP_FAILED);
	start();
	memset(&c, 0, sizeof(c));
	c.ring = map_file(fd, RING_BYTES);
	c.log = log_start(reader, method);
	ok(reader, pager_call_dirty_ring(reader, c.log, ENTRIES, fd));
	close(fd);
	pid = another();
	if (!pid)
		write_much(stopped);
	while (waitpid(pid, &status, WNOHANG) == 0)
		/* At first it does not come. */
		if (!stops || *stopped)
			copy_some(&c);
		else
			usleep(100);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == DONE);
	ck_assert(*stopped == stops);
	/* The second is told what the first one's reset made room for. */
	while (copy_some(&c) || copy_some(&c))
		;
	for (uint64_t page = 0; page < PAGES; page++)
		ck_assert_uint_eq(c.copy[page], read_page(reader, page));
	munmap(c.ring, RING_BYTES);
	munmap(stopped, sizeof(*stopped));
	end();
}

START_TEST(a_copy_by_a_ring_has_all_that_was_written)
{
	copy_all(PAGER_DIRTY_WRITE_PROTECT, true);
	copy_all(PAGER_DIRTY_HARDWARE, false);
}
END_TEST

/* --- a reader that is killed ------------------------------------------------
 */

START_TEST(a_reader_that_is_killed_lets_the_writer_go)
{
	int fd = file(RING_BYTES), told[2];
	struct pager_rep_stats stats;
	uint64_t page = 0;
	char byte = 0;
	pid_t pid;

	start();
	ck_assert_int_eq(pipe(told), 0);
	pid = another();
	if (!pid) {
		uint64_t log;

		reader = connect_one();
		log = log_start(reader, PAGER_DIRTY_WRITE_PROTECT);
		ok(reader, pager_call_dirty_ring(reader, log, ENTRIES, fd));
		ck_assert_int_eq(write(told[1], "x", 1), 1);
		pause();
		_exit(0);
	}
	ck_assert_int_eq(read(told[0], &byte, 1), 1);
	while (write_page(page, 1))
		ck_assert_uint_lt(++page, ENTRIES);
	ck_assert(!write_page(page, 1));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	for (int i = 0; !write_page(page, 1); i++) {
		ck_assert_int_lt(i, 60000);
		usleep(1000);
	}
	ok(writer, pager_call_stats(writer, &stats));
	ck_assert_uint_eq(stats.dirty_logs, 0);
	close(told[0]);
	close(told[1]);
	close(fd);
	end();
}
END_TEST

/* --- those that do harm -----------------------------------------------------
 */

/* All that can be done to memory that is shared with the daemon. */
_Noreturn static void torment(int fd, size_t size)
{
	struct rng r = rng_new(8);
	uint8_t *bytes = map_file(fd, size);

	for (;;) {
		const size_t at = rng_below(&r, size);

		switch (rng_below(&r, 6)) {
		case 0:
			fallocate(fd,
				  FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
				  (off_t)size);
			break;
		case 1:
			if (ftruncate(fd, (off_t)at) == 0)
				_exit(1);
			break;
		case 2:
			memset(bytes + at, (int)rng_next(&r), size - at);
			break;
		case 3:
			bytes[at] = PAGER_RING_RESET;
			break;
		case 4:
			fcntl(fd, F_SETFL, rng_percent(&r, 50) ? O_APPEND : 0);
			break;
		default:
			bytes[at] = (uint8_t)rng_next(&r);
			break;
		}
	}
}

static pid_t tormentor(int fd, size_t size)
{
	pid_t pid = another();

	if (!pid)
		torment(fd, size);
	return pid;
}

static void stop(pid_t pid)
{
	ck_assert_int_eq(waitpid(pid, NULL, WNOHANG), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

START_TEST(a_ring_that_is_scribbled_on_harms_no_other_log)
{
	static uint64_t words[PAGER_MSG_MAX / 8];
	bool written[PAGES] = {false};
	struct rng r = rng_new(5);
	struct pager_rep_dirty_reset reset;
	struct pager_rep_dirty_got got;
	uint64_t log, exact;
	int fd = file(PAGE);
	pid_t pid;

	start();
	exact = log_start(writer, PAGER_DIRTY_WRITE_PROTECT);
	log = log_start(reader, PAGER_DIRTY_WRITE_PROTECT);
	ok(reader, pager_call_dirty_ring(reader, log, ENTRIES, fd));
	pid = tormentor(fd, RING_BYTES);
	for (int i = 0; i < 4000; i++) {
		const uint64_t page = rng_below(&r, PAGES / 2);

		if (write_page(page, 1))
			written[page] = true;
		if (i % 8 == 0)
			ok(reader, pager_call_dirty_reset(reader, log, &reset));
	}
	stop(pid);
	ok(writer, pager_call_dirty_get(writer, exact, 0, PAGES, 0, words,
					PAGER_MSG_MAX / 8, &got));
	for (uint64_t page = 0; page < PAGES; page++) {
		const uint64_t at = page - got.first;
		const bool dirty = page >= got.first && at < got.pages &&
				   words[at / 64] >> at % 64 & 1;

		ck_assert_int_eq(dirty, written[page]);
	}
	close(fd);
	end();
}
END_TEST

/* What clients passed is closed by a thread, some time. */
static void all_closed(uint64_t fds_open)
{
	struct pager_rep_stats now;

	for (int i = 0; i < 5000; i++) {
		ok(writer, pager_call_stats(writer, &now));
		if (now.fds_open == fds_open)
			return;
		usleep(1000);
	}
	ck_assert_uint_eq(now.fds_open, fds_open);
}

START_TEST(a_bitmap_that_is_tormented_is_an_error_at_most)
{
	struct pager_rep_dirty_got got;
	struct pager_rep_stats before;
	struct pager_req_dirty_get_fd get = {.pages = PAGES};
	int fd = file(PAGE);
	pid_t pid;

	start();
	get.log = log_start(writer, PAGER_DIRTY_AUTO);
	ok(writer, pager_call_stats(writer, &before));
	pid = tormentor(fd, BITMAP);
	for (int i = 0; i < 2000; i++) {
		int ret;

		ck_assert(write_page((uint64_t)i % PAGES, 1));
		ret = pager_call_dirty_get_fd(writer, &get, fd, &got);
		if (ret && pager_error(writer) != PAGER_ENOSPACE)
			refused(writer, ret, PAGER_EACCESS);
	}
	stop(pid);
	all_closed(before.fds_open);
	close(fd);
	end();
}
END_TEST

START_TEST(descriptors_that_are_refused_are_closed)
{
	struct pager_req_dirty_get_fd get = {.pages = PAGES};
	struct pager_rep_stats before;
	struct pager_rep_dirty_got got;
	int fd = file(8), pipes[2];

	start();
	get.log = log_start(writer, PAGER_DIRTY_AUTO);
	ck_assert_int_eq(pipe(pipes), 0);
	ok(writer, pager_call_stats(writer, &before));
	for (int i = 0; i < 300; i++) {
		refused(writer, pager_call_dirty_get_fd(writer, &get, fd, &got),
			PAGER_ERANGE);
		refused(
		    writer,
		    pager_call_dirty_ring(writer, get.log, ENTRIES, pipes[0]),
		    PAGER_EINVAL);
		refused(writer, pager_call_dirty_ring(writer, get.log, 65, fd),
			PAGER_EINVAL);
	}
	all_closed(before.fds_open);
	close(pipes[0]);
	close(pipes[1]);
	close(fd);
	end();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	    a_copy_by_a_ring_has_all_that_was_written,
	    a_reader_that_is_killed_lets_the_writer_go,
	    a_ring_that_is_scribbled_on_harms_no_other_log,
	    a_bitmap_that_is_tormented_is_an_error_at_most,
	    descriptors_that_are_refused_are_closed,
	};

	return UNIT_RUN("dirty_ring", tests);
}
