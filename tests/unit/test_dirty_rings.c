/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A log with a ring: what the reader finds in it, in which order; writers that
 * are stopped, readers that write nonsense, rings that go and stay behind.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/support/dirty_watch.h"

enum { N = PAGER_RING_MIN, PAGES = 400 };

static struct pager_dirty_log *watch;
static struct dring_entry *ring;
static uint32_t at; /* the reader's place */

static void prepare(void)
{
	unit_map(unit_space, 100, PAGES, UNIT_RW);
	watch = dirty_log(unit_space, 100, PAGES);
	ring = dirty_ring(watch, N);
	at = 0;
}

/* Give back what is there, at most so many; what it was. */
static unsigned int collect(unsigned int most, uint64_t *page)
{
	unsigned int n = 0;

	for (; n < most && ring[at % N].flags == PAGER_RING_DIRTY; n++, at++) {
		ck_assert_uint_eq(ring[at % N].slot, 0);
		page[n] = ring[at % N].offset + 100;
		ring[at % N].flags = PAGER_RING_RESET;
	}
	return n;
}

static uint64_t reset(void)
{
	uint64_t n = 0;

	unit_ok(pager_dirty_ring_reset(watch, &n));
	return n;
}

/* Until nothing comes any more; seen by page - 100. How many came. */
static unsigned int drain(bool seen[PAGES])
{
	uint64_t page[N];
	unsigned int n, all = 0, quiet = 0;

	memset(seen, 0, PAGES);
	while (quiet < 2) {
		n = collect(N, page);
		for (unsigned int i = 0; i < n; i++)
			seen[page[i] - 100] = true;
		all += n;
		quiet = reset() ? 0 : quiet + 1;
	}
	return all;
}

static struct pager_status write_page(uint64_t vpn)
{
	struct pager_access_stop why;
	uint8_t value = 7;
	uint64_t done;

	return pager_space_write(unit_space, 0, pager_vpn_to_va(vpn), &value, 1,
				 &done, &why);
}

DIRTY_TEST(writes_come_through_the_ring)
{
	bool seen[PAGES];

	prepare();
	unit_put(unit_space, 103, 1);
	unit_put(unit_space, 250, 1);
	ck_assert_uint_eq(drain(seen), 2);
	ck_assert(seen[3] && seen[150]);
	ck_assert_uint_eq(drain(seen), 0);
	unit_put(unit_space, 103, 2);
	ck_assert_uint_eq(drain(seen), 1);
	ck_assert(seen[3]);
	ck_assert_uint_eq(dirty_info(watch).dirty, 0);
}

DIRTY_TEST(what_was_dirty_before_the_ring_comes_through_it)
{
	bool seen[PAGES];

	unit_map(unit_space, 100, PAGES, UNIT_RW);
	watch = dirty_log(unit_space, 100, PAGES);
	unit_put(unit_space, 105, 1);
	dirty_is(watch, "105");
	unit_put(unit_space, 106, 1);
	ring = dirty_ring(watch, N);
	at = 0;
	ck_assert_uint_eq(drain(seen), 2);
	ck_assert(seen[5] && seen[6]);
}

DIRTY_TEST(pages_that_are_dropped_and_moved_come_through_the_ring)
{
	bool seen[PAGES];

	prepare();
	unit_fill(unit_space, 100, 8, 1);
	ck_assert_uint_eq(drain(seen), 8);
	unit_unmap(unit_space, 101, 1);
	unit_remap(unit_space, 103, 1, 1,
		   PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED, 300);
	ck_assert_uint_eq(drain(seen), 3);
	ck_assert(seen[1] && seen[3] && seen[200]);
}

DIRTY_TEST(get_and_clear_are_refused_and_a_ring_is_needed_for_reset)
{
	struct pager_dirty_got got;
	struct dring_entry *second = calloc(N, sizeof(*second));
	uint64_t n;

	unit_map(unit_space, 100, PAGES, UNIT_RW);
	watch = dirty_log(unit_space, 100, PAGES);
	unit_refused(pager_dirty_ring_reset(watch, &n), PAGER_EINVAL,
		     PAGER_ARG_LOG);
	unit_refused(pager_dirty_ring_attach(watch, second, N / 2),
		     PAGER_EINVAL, PAGER_ARG_RING);
	unit_refused(pager_dirty_ring_attach(watch, second, N + 1),
		     PAGER_EINVAL, PAGER_ARG_RING);
	unit_refused(pager_dirty_ring_attach(watch, second, 0), PAGER_EINVAL,
		     PAGER_ARG_RING);
	unit_refused(pager_dirty_ring_attach(watch, second, 2 * PAGER_RING_MAX),
		     PAGER_EINVAL, PAGER_ARG_RING);
	ring = dirty_ring(watch, N);
	unit_refused(pager_dirty_ring_attach(watch, second, N), PAGER_EEXIST,
		     PAGER_ARG_RING);
	unit_refused(pager_dirty_get(watch, 0, PAGES, NULL, NULL, &got),
		     PAGER_EBUSY, PAGER_ARG_LOG);
	unit_refused(pager_dirty_clear(watch, 0, PAGES, NULL, &n), PAGER_EBUSY,
		     PAGER_ARG_LOG);
	free(second);
}

DIRTY_TEST(entries_are_reset_in_order_and_none_is_left_out)
{
	uint64_t page[N];

	prepare();
	unit_fill(unit_space, 100, 10, 1);
	reset(); /* the hardware's bits are looked for */
	ck_assert_uint_eq(dirty_info(watch).ring_used, 10);
	ring[1].flags = PAGER_RING_RESET;
	ring[2].flags = PAGER_RING_RESET;
	ck_assert_uint_eq(reset(), 0);
	ck_assert_uint_eq(dirty_info(watch).ring_used, 10);
	ring[0].flags = PAGER_RING_RESET;
	ck_assert_uint_eq(reset(), 3);
	ck_assert_uint_eq(ring[0].flags, 0);
	ck_assert_uint_eq(ring[2].flags, 0);
	ck_assert_uint_eq(ring[3].flags, PAGER_RING_DIRTY);
	at = 3;
	ck_assert_uint_eq(collect(N, page), 7);
	ck_assert_uint_eq(reset(), 7);
	ck_assert_uint_eq(dirty_info(watch).ring_used, 0);
}

DIRTY_TEST(reset_before_reading_a_write_in_between_is_not_lost)
{
	bool seen[PAGES];
	uint64_t page[N];

	prepare();
	unit_put(unit_space, 103, 1);
	reset();
	ck_assert_uint_eq(collect(N, page), 1);
	unit_put(unit_space, 103, 2); /* the reader has not read yet */
	ck_assert_uint_eq(reset(), 1);
	unit_put(unit_space, 103, 3);
	drain(seen);
	ck_assert(seen[3]);
}

/* Used entries from each position on, more dirty pages than entries. */
DIRTY_TEST(a_ring_that_is_full_at_every_position_loses_nothing)
{
	bool seen[PAGES];

	prepare();
	for (unsigned int first = 0; first < N; first++) {
		unsigned int n = 0;

		unit_put(unit_space, 499, 1);
		drain(seen);
		ck_assert(seen[399]);
		for (unsigned int i = 0; i < 150; i++)
			if (!write_page(100 + i * 2).err)
				n++;
		ck_assert_uint_le(dirty_info(watch).ring_used, N);
		drain(seen);
		for (unsigned int i = 0; i < n; i++)
			ck_assert(seen[i * 2]);
	}
}

START_TEST(a_ring_that_is_soft_full_stops_the_writer_until_it_is_reset)
{
	struct pager_fault_info info;
	uint64_t page[N];
	unsigned int n = 0;
	bool seen[PAGES];

	(void)_i;
	dirty_method = WRITE_PROTECT;
	dirty_start(NULL);
	prepare();
	while (!write_page(100 + n).err)
		n++;
	ck_assert_uint_ge(n, N / 2);
	ck_assert_uint_le(n, N - 8);
	ck_assert(dirty_info(watch).flags & PAGER_DIRTY_RING_SOFT);
	unit_refused(write_page(100 + n), PAGER_EDIRTYFULL, PAGER_ARG_ADDR);
	unit_refused(
	    pager_space_fault(unit_space, 300, PAGER_ACCESS_WRITE, &info),
	    PAGER_EDIRTYFULL, PAGER_ARG_ADDR);
	ck_assert_uint_ge(dirty_info(watch).ring_stops, 3);
	/* What is in the ring already may be written, and read what will. */
	unit_put(unit_space, 100, 3);
	unit_get(unit_space, 300);
	ck_assert_uint_eq(collect(1, page), 1);
	ck_assert_uint_eq(reset(), 1);
	unit_put(unit_space, 100 + n, 5);
	ck_assert_uint_eq(write_page(400).err, PAGER_EDIRTYFULL);
	drain(seen);
	unit_put(unit_space, 400, 5);
	/* Others have nothing to wait for. */
	for (n = 0; !write_page(100 + n).err;)
		n++;
	unit_map(unit_space, 900, 2, UNIT_RW);
	unit_put(unit_space, 900, 1);
	dirty_end();
}
END_TEST

DIRTY_TEST(what_cannot_wait_is_kept_and_comes_later)
{
	bool seen[PAGES];

	unit_map(unit_space, 100, PAGES, UNIT_RW);
	unit_fill(unit_space, 100, 300, 1);
	watch = dirty_log(unit_space, 100, PAGES);
	ring = dirty_ring(watch, N);
	at = 0;
	unit_unmap(unit_space, 100, 300);
	ck_assert_uint_eq(dirty_info(watch).ring_used, N);
	ck_assert_uint_eq(dirty_info(watch).dirty, 300);
	drain(seen);
	for (unsigned int i = 0; i < 300; i++)
		ck_assert(seen[i]);
}

DIRTY_TEST(a_reader_that_writes_nonsense_harms_its_own_log_alone)
{
	struct pager_dirty_log *mine, *theirs;
	struct pager_space *s = test_world_space(&unit_world, 0, 1024);
	uint64_t n;

	prepare();
	mine = dirty_log(unit_space, 100, PAGES);
	unit_map(s, 100, 50, UNIT_RW);
	theirs = dirty_log(s, 100, 50);
	unit_fill(unit_space, 100, 20, 1);
	unit_put(s, 110, 1);
	reset();
	for (unsigned int i = 0; i < N; i++)
		ring[i] = (struct dring_entry){.flags = i % 3 ? UINT32_MAX
							      : 0x80000000u,
					       .slot = UINT32_MAX,
					       .offset = UINT64_MAX - i};
	reset();
	unit_fill(unit_space, 100, 20, 2);
	memset(ring, 0xff, N * sizeof(*ring));
	n = reset();
	ck_assert_uint_le(n, N);
	reset();
	unit_check();
	dirty_is(mine, "100-119");
	dirty_is(theirs, "110");
	pager_dirty_ring_detach(watch);
	dirty_take(mine, "100-119");
	unit_put(unit_space, 130, 1);
	dirty_is(mine, "130");
	ck_assert(dirty_has(watch, 130));
}

DIRTY_TEST(a_reader_that_dies_leaves_its_pages_to_the_log)
{
	uint64_t page[N];

	prepare();
	unit_fill(unit_space, 100, 20, 1);
	reset();
	ck_assert_uint_eq(collect(5, page), 5);
	pager_dirty_ring_detach(watch);
	memset(ring, 0, N * sizeof(*ring));
	dirty_take(watch, "100-119");
	unit_put(unit_space, 101, 3);
	dirty_is(watch, "101");
	for (unsigned int i = 0; i < N; i++)
		ck_assert_uint_eq(ring[i].flags, 0);
	pager_dirty_ring_detach(watch); /* nothing */
	ring = dirty_ring(watch, 2 * N);
	ck_assert_uint_eq(ring[0].flags, PAGER_RING_DIRTY);
	ck_assert_uint_eq(ring[0].offset, 1);
}

DIRTY_TEST(the_end_of_the_space_and_of_the_log_leave_a_ring_in_peace)
{
	bool seen[PAGES];

	prepare();
	unit_fill(unit_space, 100, 3, 1);
	pager_space_free(unit_space);
	drain(seen);
	ck_assert(seen[0] && seen[1] && seen[2]);
	dirty_stop(watch);
	for (unsigned int i = 0; i < N; i++)
		ck_assert_uint_eq(ring[i].flags, 0);
	unit_space = test_world_space(&unit_world, 0, PAGER_VPN_END);
}

DIRTY_TEST(a_log_beside_the_ring_is_cleared_for_itself)
{
	struct pager_dirty_log *beside;
	bool seen[PAGES];

	prepare();
	beside = dirty_log_as(
	    unit_space, 100, PAGES,
	    dirty_method == HARDWARE ? WRITE_PROTECT : HARDWARE, 0);
	unit_put(unit_space, 103, 1);
	drain(seen);
	ck_assert(seen[3]);
	dirty_take(beside, "103");
	unit_put(unit_space, 103, 2);
	dirty_take(beside, "103");
	drain(seen);
	ck_assert(seen[3]);
}

DIRTY_TEST(all_set_comes_through_the_ring)
{
	bool seen[PAGES];
	unsigned int n = 0;

	unit_map(unit_space, 100, PAGES, UNIT_RW);
	watch = dirty_log_as(unit_space, 100, PAGES, dirty_method,
			     PAGER_DIRTY_ALL_SET);
	ring = dirty_ring(watch, N);
	at = 0;
	drain(seen);
	for (unsigned int i = 0; i < PAGES; i++)
		n += seen[i];
	ck_assert_uint_eq(n, PAGES);
	unit_put(unit_space, 333, 1);
	ck_assert_uint_eq(drain(seen), 1);
	ck_assert(seen[233]);
}

int main(void)
{
	const TTest *const tests[] = {
	    writes_come_through_the_ring,
	    what_was_dirty_before_the_ring_comes_through_it,
	    pages_that_are_dropped_and_moved_come_through_the_ring,
	    get_and_clear_are_refused_and_a_ring_is_needed_for_reset,
	    entries_are_reset_in_order_and_none_is_left_out,
	    reset_before_reading_a_write_in_between_is_not_lost,
	    a_ring_that_is_full_at_every_position_loses_nothing,
	    a_ring_that_is_soft_full_stops_the_writer_until_it_is_reset,
	    what_cannot_wait_is_kept_and_comes_later,
	    a_reader_that_writes_nonsense_harms_its_own_log_alone,
	    a_reader_that_dies_leaves_its_pages_to_the_log,
	    the_end_of_the_space_and_of_the_log_leave_a_ring_in_peace,
	    a_log_beside_the_ring_is_cleared_for_itself,
	    all_set_comes_through_the_ring,
	};

	return DIRTY_RUN("dirty_rings", tests);
}
