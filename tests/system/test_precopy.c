/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Live copies of spaces of a real daemon, by libpager, while another process
 * does to the source whatever a client can do: both are equal byte for byte and
 * region for region. To a space of the same connection, of another one, to a
 * file and back. And whatever ends on the way.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <pager/image.h>
#include <pager/pager.h>

#include "tests/support/rng.h"
#include "tests/support/wire.h"

#define RW    (PAGER_PROT_READ | PAGER_PROT_WRITE)
#define PAGE  UINT64_C(4096)
#define BASE  UINT64_C(0x10000000)
#define PAGES UINT64_C(2048)
#define HEAP  UINT64_C(0x40000000)

static const char *const args[] = {"--memory", "192M", NULL};

static struct pager_spawn daemon_;
static struct pager *pager;
static struct rng rng;

static void ok(struct pager *on, int ret)
{
	ck_assert_msg(ret == 0, "%s", pager_errstr(on));
}

static void setup(void)
{
	rng = rng_new(1);
	wire_spawn(&daemon_, args);
	pager = pager_connect(daemon_.socket);
	ck_assert_ptr_nonnull(pager);
}

static void teardown(void)
{
	struct pager_rep_check check;
	char why[256];

	ck_assert_int_eq(pager_call_check(pager, &check, why, sizeof(why)), 0);
	ck_assert_msg(check.ok, "%s", why);
	pager_close(pager);
	wire_stop(&daemon_);
}

/* --- the source ------------------------------------------------------------
 */

static uint64_t below(uint64_t n)
{
	return rng_below(&rng, n);
}

static void map(struct pager *on, uint64_t space, uint64_t addr, uint64_t len,
		uint32_t flags, uint64_t object, uint64_t offset)
{
	struct pager_req_map r = {.space = space,
				  .addr = addr,
				  .len = len,
				  .prot = RW,
				  .flags = flags | PAGER_MAP_FIXED,
				  .object = object,
				  .offset = offset};

	ok(on, pager_call_map(on, &r, NULL));
}

static void put(struct pager *on, uint64_t space, uint64_t addr, size_t len)
{
	static uint8_t bytes[16 * 4096];

	for (size_t i = 0; i < len; i += 64)
		bytes[i] = (uint8_t)below(256);
	/* What cannot be written there is not: a program would have died. */
	ck_assert_int_ge(pager_call_write(on, space, 0, addr, bytes, len, NULL),
			 PAGER_REFUSED);
}

/* Regions of every kind. */
static uint64_t make(struct pager *on)
{
	uint64_t space, object;

	ok(on, pager_call_space_create(on, NULL, &space));
	map(on, space, BASE, PAGES * PAGE, 0, 0, 0);
	map(on, space, BASE + 100 * PAGE, 64 * PAGE, PAGER_MAP_SHARED, 0, 0);
	ok(on, pager_call_object_create(on, 50 * PAGE, "thing", &object));
	map(on, space, BASE + 200 * PAGE, 64 * PAGE, 0, object, 2 * PAGE);
	map(on, space, BASE + 300 * PAGE, 20 * PAGE, PAGER_MAP_SHARED, object,
	    0);
	map(on, space, BASE + 400 * PAGE, 20 * PAGE, PAGER_MAP_GROWSDOWN, 0, 0);
	ok(on, pager_call_brk(on, space, HEAP, PAGER_BRK_START, NULL));
	ok(on, pager_call_brk(on, space, HEAP + 100 * PAGE + 77, 0, NULL));
	for (unsigned int i = 0; i < 300; i++)
		put(on, space, BASE + below(PAGES) * PAGE, 4096);
	put(on, space, HEAP + 5 * PAGE, 20000);
	ok(on, pager_call_protect(on, space, BASE + 350 * PAGE, 10 * PAGE, 0));
	ok(on, pager_call_pin(on, space, BASE + 450 * PAGE, 4 * PAGE));
	ok(on, pager_call_advise(on, space, BASE + 460 * PAGE, 4 * PAGE,
				 PAGER_ADV_DONTFORK));
	return space;
}

/* One operation; what is refused is refused. */
static void anything(struct pager *on, uint64_t space)
{
	uint64_t page = below(PAGES - 64), n = 1 + below(32);
	uint64_t addr = BASE + page * PAGE, len = n * PAGE;
	struct pager_req_map m = {.space = space,
				  .addr = addr,
				  .len = len,
				  .prot = RW,
				  .flags = PAGER_MAP_FIXED};
	struct pager_req_remap r = {
	    .space = space,
	    .addr = addr,
	    .len = len,
	    .new_len = len,
	    .new_addr = BASE + (page + 1024) % (PAGES - 64) * PAGE,
	    .flags = PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED};
	uint64_t child;
	int ret = 0;

	switch (below(24)) {
	case 0:
		m.flags |= below(2) ? PAGER_MAP_SHARED : 0;
		ret = pager_call_map(on, &m, NULL);
		break;
	case 1:
		ret = pager_call_unmap(on, space, addr, len);
		break;
	case 2:
		ret = pager_call_protect(on, space, addr, len,
					 (uint32_t)below(8));
		break;
	case 3:
		ret = pager_call_remap(on, &r, NULL);
		break;
	case 4:
		ret =
		    pager_call_advise(on, space, addr, len, PAGER_ADV_DONTNEED);
		break;
	case 5:
		ret = pager_call_brk(on, space, HEAP + below(200 * PAGE), 0,
				     NULL);
		break;
	case 6:
		ret = pager_call_space_fork(on, space, &child);
		if (ret == 0)
			ret = pager_call_space_destroy(on, child);
		break;
	case 7:
		ret = pager_call_populate(on, space, addr, len,
					  PAGER_ACCESS_WRITE, NULL);
		break;
	case 8:
		put(on, space, HEAP + below(100) * PAGE, 4096);
		break;
	default:
		put(on, space, addr, 1 + below(3 * PAGE));
		break;
	}
	ck_assert_int_ge(ret, PAGER_REFUSED);
}

/* A process that owns a space and does not leave it alone; its handle comes
 * through a pipe. calm: it writes, and now and then. */
static pid_t writer_start(uint64_t *space, bool calm, uint64_t seed)
{
	int fds[2];
	pid_t pid;

	ck_assert_int_eq(pipe(fds), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct pager *own = pager_connect(daemon_.socket);

		rng = rng_new(seed);
		*space = make(own);
		ck_assert_int_eq(write(fds[1], space, 8), 8);
		for (;;) {
			if (calm)
				put(own, *space, BASE + 600 * PAGE, 9000);
			else
				anything(own, *space);
			poll(NULL, 0, calm || below(8) == 0 ? 1 : 0);
		}
	}
	close(fds[1]);
	ck_assert_int_eq(read(fds[0], space, 8), 8);
	close(fds[0]);
	return pid;
}

static void writer_stop(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, WNOHANG), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static int copy(uint64_t space, const struct pager_precopy_options *o,
		struct pager_precopy_result *result)
{
	int ret = pager_precopy(pager, space, o, result);

	ck_assert(ret == 0 || result->why[0]);
	return ret;
}

/* Nothing is left: no log, no space but so many. */
static void left(unsigned int spaces)
{
	struct pager_list *list = pager_list_dirty(pager);
	struct pager_row_dirty log;
	struct pager_rep_stats stats;

	ck_assert_int_eq(pager_list_next(list, &log, sizeof(log)), 0);
	pager_list_free(list);
	ok(pager, pager_call_stats(pager, &stats));
	ck_assert_uint_eq(stats.spaces, spaces);
	ck_assert_uint_eq(stats.paused, 0);
}

/* --- equal -----------------------------------------------------------------
 */

START_TEST(a_copy_of_a_space_in_use_is_equal)
{
	struct pager_precopy_options o = {.flags = PAGER_PRECOPY_VERIFY,
					  .method = (uint32_t)_i % 3,
					  .max_rounds = 5};
	struct pager_precopy_result r;
	struct pager *other;
	uint64_t space;
	pid_t pid;

	setup();
	other = pager_connect(daemon_.socket);
	pid = writer_start(&space, false, (uint64_t)_i + 1);
	for (unsigned int i = 0; i < 4; i++) {
		o.target = i & 1 ? other : NULL;
		ck_assert_msg(copy(space, &o, &r) == 0, "%s", r.why);
		ck_assert_uint_gt(r.verified, 0);
		ok(o.target ? other : pager,
		   pager_call_space_destroy(o.target ? other : pager, r.space));
	}
	writer_stop(pid);
	pager_close(other);
	teardown();
}
END_TEST

START_TEST(a_space_of_ones_own_needs_no_pause)
{
	struct pager_precopy_options o = {.flags = PAGER_PRECOPY_VERIFY};
	struct pager_precopy_result r;
	uint64_t space;

	setup();
	space = make(pager);
	ck_assert_msg(copy(space, &o, &r) == 0, "%s", r.why);
	ck_assert_uint_eq(r.rounds, 1);
	ck_assert_uint_gt(r.regions, 8);
	/* It is a space of its own: what is written here is not seen there. */
	put(pager, r.space, BASE + 100 * PAGE, 4096);
	ok(pager, pager_call_space_destroy(pager, space));
	put(pager, r.space, BASE, 4096);
	teardown();
}
END_TEST

/* All pages of both, through their own eyes. */
static void equal(uint64_t a, uint64_t b)
{
	static uint8_t x[PAGER_DATA_MAX], y[PAGER_DATA_MAX];
	struct pager_list *list = pager_list_regions(pager, a, 0);
	struct pager_row_region row, twin;
	unsigned int regions = 0;

	while (pager_list_next(list, &row, sizeof(row)) > 0) {
		struct pager_rep_peek got = {.next = row.start}, same;

		ok(pager, pager_call_region_lookup(pager, b, row.start, &twin));
		ck_assert(twin.prot == row.prot && twin.flags == row.flags &&
			  twin.start == row.start && twin.end == row.end);
		while (got.next < row.end) {
			ok(pager, pager_call_peek(pager, a, got.next,
						  row.end - got.next, 0, x,
						  sizeof(x), &got));
			if (got.len == 0)
				continue;
			ok(pager, pager_call_peek(pager, b, got.addr, got.len,
						  0, y, sizeof(y), &same));
			ck_assert(same.addr == got.addr && same.len == got.len);
			ck_assert_mem_eq(x, y, got.len);
		}
		regions++;
	}
	pager_list_free(list);
	ck_assert_uint_gt(regions, 8);
}

static int file_new(void)
{
	int fd = memfd_create("image", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

START_TEST(a_file_becomes_the_same_space)
{
	struct pager_precopy_options o = {.flags = PAGER_PRECOPY_FILE};
	struct pager_precopy_result r, loaded;
	uint64_t space;

	setup();
	space = make(pager);
	o.fd = file_new();
	ck_assert_msg(copy(space, &o, &r) == 0, "%s", r.why);
	ck_assert_uint_eq(r.space, 0);
	ck_assert_msg(pager_precopy_load(pager, o.fd, &loaded) == 0, "%s",
		      loaded.why);
	ck_assert_uint_eq(loaded.regions, r.regions);
	equal(space, loaded.space);
	equal(loaded.space, space);
	left(2);
	close(o.fd);
	teardown();
}
END_TEST

START_TEST(files_of_spaces_in_use_can_be_loaded)
{
	struct pager_precopy_options o = {.flags = PAGER_PRECOPY_FILE,
					  .max_rounds = 3};
	struct pager_precopy_result r;
	uint64_t space;
	pid_t pid;

	setup();
	pid = writer_start(&space, false, 77);
	o.fd = file_new();
	for (unsigned int i = 0; i < 2; i++) {
		ck_assert_msg(copy(space, &o, &r) == 0, "%s", r.why);
		ck_assert_msg(pager_precopy_load(pager, o.fd, &r) == 0, "%s",
			      r.why);
		ok(pager, pager_call_space_destroy(pager, r.space));
	}
	writer_stop(pid);
	close(o.fd);
	teardown();
}
END_TEST

START_TEST(damaged_files_are_refused_and_leave_nothing)
{
	struct pager_precopy_options o = {.flags = PAGER_PRECOPY_FILE};
	struct pager_precopy_result r;
	uint64_t space, refused = 0;
	struct pager_image head;
	off_t size;
	int fd;

	setup();
	space = make(pager);
	o.fd = file_new();
	ck_assert_msg(copy(space, &o, &r) == 0, "%s", r.why);
	size = lseek(o.fd, 0, SEEK_END);
	ck_assert_int_eq(pread(o.fd, &head, sizeof(head), 0), sizeof(head));
	for (unsigned int i = 0; i < 90; i++) {
		uint8_t was, is;
		off_t at =
		    i < 60 ? (off_t)below(sizeof(head))
			   : (off_t)(head.regions_at +
				     below((uint64_t)size - head.regions_at));

		ck_assert_int_eq(pread(o.fd, &was, 1, at), 1);
		is = was ^ (uint8_t)(1 + below(255));
		ck_assert_int_eq(pwrite(o.fd, &is, 1, at), 1);
		if (pager_precopy_load(pager, o.fd, &r) == 0)
			ok(pager, pager_call_space_destroy(pager, r.space));
		else
			refused++;
		left(1);
		ck_assert_int_eq(pwrite(o.fd, &was, 1, at), 1);
	}
	ck_assert_uint_gt(refused, 30);
	ck_assert_int_eq(ftruncate(o.fd, size - 1), 0);
	ck_assert_int_eq(pager_precopy_load(pager, o.fd, &r), PAGER_MISUSE);
	ck_assert_int_eq(ftruncate(o.fd, 10), 0);
	ck_assert_int_eq(pager_precopy_load(pager, o.fd, &r), PAGER_MISUSE);
	close(o.fd);
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	o.fd = fd;
	ck_assert_int_eq(pager_precopy_load(pager, fd, &r), PAGER_MISUSE);
	ck_assert_int_eq(copy(space, &o, &r), PAGER_MISUSE);
	left(1);
	close(fd);
	teardown();
}
END_TEST

/* --- what ends on the way --------------------------------------------------
 */

static pid_t victim;
static unsigned int kill_at, looks;

static int kill_writer(void *arg, const struct pager_precopy_progress *p)
{
	(void)arg;
	(void)p;
	if (looks++ == kill_at) {
		kill(victim, SIGKILL);
		waitpid(victim, NULL, 0);
		/* The daemon notices before the next request. */
		poll(NULL, 0, 100);
	}
	return 0;
}

START_TEST(a_source_that_ends_under_way_is_a_refusal)
{
	struct pager_precopy_options o = {.flags = PAGER_PRECOPY_VERIFY,
					  .progress = kill_writer};
	struct pager_precopy_result r;
	uint64_t space;

	setup();
	victim = writer_start(&space, true, 5);
	kill_at = (unsigned int)_i;
	ck_assert_int_eq(copy(space, &o, &r), PAGER_REFUSED);
	ck_assert_ptr_nonnull(strstr(r.why, "the source"));
	left(0);
	teardown();
}
END_TEST

static int die(void *arg, const struct pager_precopy_progress *p)
{
	const uint32_t *phase = arg;

	if (p->phase == *phase)
		raise(SIGKILL);
	return 0;
}

/* Who copies is killed: the source goes on, and nothing is left of the copy. */
START_TEST(who_copies_may_be_killed)
{
	uint32_t phase = (uint32_t)_i;
	uint64_t space;
	pid_t pid, copier;
	int status;

	setup();
	pid = writer_start(&space, true, 6);
	copier = fork();
	if (copier == 0) {
		struct pager *own = pager_connect(daemon_.socket);
		struct pager_precopy_options o = {.flags = PAGER_PRECOPY_VERIFY,
						  .progress = die,
						  .arg = &phase};

		pager_precopy(own, space, &o, NULL);
		_exit(1);
	}
	ck_assert_int_eq(waitpid(copier, &status, 0), copier);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	for (int ms = 0;; ms += 10) {
		struct pager_rep_stats stats;

		ok(pager, pager_call_stats(pager, &stats));
		if (stats.sessions == 2 && stats.spaces == 1)
			break;
		ck_assert_int_lt(ms, WIRE_PATIENCE_MS);
		poll(NULL, 0, 10);
	}
	left(1);
	/* The source is written again. */
	{
		struct pager_precopy_options o = {.flags =
						      PAGER_PRECOPY_VERIFY};
		struct pager_precopy_result r;
		struct pager_rep_stats before, after;

		ok(pager, pager_call_stats(pager, &before));
		poll(NULL, 0, 200);
		ok(pager, pager_call_stats(pager, &after));
		ck_assert_uint_gt(after.requests, before.requests + 5);
		ck_assert_msg(copy(space, &o, &r) == 0, "%s", r.why);
	}
	writer_stop(pid);
	teardown();
}
END_TEST

static int cancel(void *arg, const struct pager_precopy_progress *p)
{
	(void)arg;
	return p->phase == PAGER_PRECOPY_STOPPED;
}

START_TEST(what_cannot_be_copied_is_said)
{
	struct pager_precopy_options o = {.progress = cancel};
	struct pager_precopy_result r;
	uint64_t space;

	setup();
	space = make(pager);
	ck_assert_int_eq(copy(space, &o, &r), PAGER_MISUSE);
	ck_assert_int_eq(errno, ECANCELED);
	left(1);
	o.progress = NULL;
	o.flags = 0x100;
	ck_assert_int_eq(copy(space, &o, &r), PAGER_MISUSE);
	o.flags = PAGER_PRECOPY_FILE | PAGER_PRECOPY_VERIFY;
	ck_assert_int_eq(copy(space, &o, &r), PAGER_MISUSE);
	o.flags = 0;
	ck_assert_int_eq(copy(space + 4, &o, &r), PAGER_REFUSED);
	map(pager, space, BASE + 500 * PAGE, 4 * PAGE, PAGER_MAP_CONTIG, 0, 0);
	ck_assert_int_eq(copy(space, &o, &r), PAGER_MISUSE);
	ck_assert_int_eq(errno, ENOTSUP);
	left(1);
	o.flags = PAGER_PRECOPY_SKIP_CONTIG | PAGER_PRECOPY_VERIFY;
	ck_assert_msg(copy(space, &o, &r) == 0, "%s", r.why);
	ck_assert_uint_eq(r.skipped, 1);
	ck_assert_int_eq(
	    pager_call_region_lookup(pager, r.space, BASE + 500 * PAGE, NULL),
	    PAGER_REFUSED);
	teardown();
}
END_TEST

/* The copy has no room: it is refused, and the source as before. */
START_TEST(no_room_for_a_copy_is_a_refusal)
{
	struct pager_precopy_options o = {0};
	struct pager_precopy_result r;
	uint64_t space, pages;

	setup();
	ok(pager, pager_call_space_create(pager, NULL, &space));
	map(pager, space, BASE, 30000 * PAGE, 0, 0, 0);
	ok(pager, pager_call_populate(pager, space, BASE, 30000 * PAGE,
				      PAGER_ACCESS_WRITE, &pages));
	ck_assert_int_eq(copy(space, &o, &r), PAGER_REFUSED);
	ck_assert_ptr_nonnull(strstr(r.why, "the copy"));
	left(1);
	teardown();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("precopy");
	TCase *t = tcase_create("precopy");
	SRunner *runner;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, a_copy_of_a_space_in_use_is_equal, 0, 3);
	tcase_add_test(t, a_space_of_ones_own_needs_no_pause);
	tcase_add_test(t, a_file_becomes_the_same_space);
	tcase_add_test(t, files_of_spaces_in_use_can_be_loaded);
	tcase_add_test(t, damaged_files_are_refused_and_leave_nothing);
	tcase_add_loop_test(t, a_source_that_ends_under_way_is_a_refusal, 0, 3);
	tcase_add_loop_test(t, who_copies_may_be_killed, 0, 3);
	tcase_add_test(t, what_cannot_be_copied_is_said);
	tcase_add_test(t, no_room_for_a_copy_is_a_refusal);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
