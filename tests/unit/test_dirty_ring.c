/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The dirty ring: states and order, full and empty at every position, readers
 * that are slow, skip or lie, and others that write all over its memory while
 * it is used.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/core/dirty_ring.h"
#include "tests/support/rng.h"
#include "tests/support/unit.h"

enum { N = PAGER_RING_MIN, BIG = 1024 };

static struct dring ring;
static struct dring_entry *memory;
static uint64_t ours[BIG];

/* Pages that are in the ring, as somebody with a list would know them. */
static uint64_t pushed, armed; /* the i-th page pushed is name(i) */

static uint64_t name(uint64_t i)
{
	return rng_mix(i) >> 28;
}

/* check's own assertions note each that held: too slow for a million. */
static void must(bool held)
{
	if (!held)
		ck_abort_msg("%llu pushed, %llu armed",
			     (unsigned long long)pushed,
			     (unsigned long long)armed);
}

static void start(uint32_t entries)
{
	memory = mmap(NULL, BIG * sizeof(*memory), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert(memory != MAP_FAILED);
	memset(memory, 0xff, BIG * sizeof(*memory));
	pushed = armed = 0;
	dring_init(&ring, memory, entries, ours);
}

static void end(void)
{
	munmap(memory, BIG * sizeof(*memory));
}

static void push(void)
{
	dring_push(&ring, name(pushed++));
}

static void is_next(void *ctx, uint64_t page)
{
	(void)ctx;
	must(armed != pushed && page == name(armed));
	armed++;
}

static uint32_t reset(uint32_t max)
{
	const uint64_t before = armed;
	const uint32_t n = dring_reset(&ring, max, is_next, NULL);

	must(armed - before == n && n <= max);
	return n;
}

static struct dring_entry *entry(uint64_t i)
{
	return memory + (i & (ring.entries - 1));
}

/* The reader takes the i-th page that was pushed. */
static void collect(uint64_t i)
{
	must(entry(i)->flags == PAGER_RING_DIRTY && !entry(i)->slot &&
	     entry(i)->offset == name(i));
	entry(i)->flags = PAGER_RING_RESET;
}

static void is_as_listed(void)
{
	must(dring_used(&ring) == pushed - armed);
	must(dring_used(&ring) <= ring.entries);
	for (uint32_t i = 0; i < dring_used(&ring); i++)
		must(dring_page(&ring, i) == name(armed + i));
}

START_TEST(a_new_ring_is_zero_as_far_as_it_goes)
{
	start(N);
	for (int i = 0; i < BIG; i++) {
		ck_assert_uint_eq(memory[i].flags, i < N ? 0 : UINT32_MAX);
		ck_assert_uint_eq(memory[i].slot, i < N ? 0 : UINT32_MAX);
		ck_assert_uint_eq(memory[i].offset, i < N ? 0 : UINT64_MAX);
	}
	ck_assert_uint_eq(dring_used(&ring), 0);
	ck_assert(!dring_full(&ring) && !dring_soft_full(&ring));
	ck_assert_uint_eq(reset(N), 0);
	end();
}
END_TEST

START_TEST(an_entry_is_zero_then_dirty_then_reset_then_zero)
{
	start(N);
	push();
	ck_assert_uint_eq(memory[0].flags, PAGER_RING_DIRTY);
	ck_assert_uint_eq(memory[0].offset, name(0));
	ck_assert_uint_eq(memory[1].flags, 0);
	ck_assert_uint_eq(reset(N), 0);
	ck_assert_uint_eq(memory[0].flags, PAGER_RING_DIRTY);
	collect(0);
	ck_assert_uint_eq(dring_used(&ring), 1);
	ck_assert_uint_eq(reset(N), 1);
	ck_assert_uint_eq(memory[0].flags, 0);
	ck_assert_uint_eq(dring_used(&ring), 0);
	ck_assert_uint_eq(memory[1].flags, 0);
	end();
}
END_TEST

static void zero_and_reused(void *ctx, uint64_t page)
{
	const uint64_t i = armed;

	is_next(ctx, page);
	ck_assert_uint_eq(entry(i)->flags, 0);
	push();
}

START_TEST(a_page_is_armed_after_its_entry_is_zero_and_can_be_pushed_again)
{
	start(N);
	while (!dring_full(&ring))
		push();
	for (uint64_t i = 0; i < 10; i++)
		collect(i);
	ck_assert_uint_eq(dring_reset(&ring, N, zero_and_reused, NULL), 10);
	ck_assert(dring_full(&ring));
	for (uint64_t i = 10; i < N + 10; i++)
		collect(i);
	ck_assert_uint_eq(reset(N), N);
	end();
}
END_TEST

/* Fill and empty a ring whose head and tail both stand at an entry. */
static void fill_and_drain(void)
{
	const uint64_t first = pushed;
	const uint32_t kept = ring.entries / 8;

	for (uint32_t used = 0; used < ring.entries; used++) {
		must(dring_used(&ring) == used && !dring_full(&ring));
		must(dring_soft_full(&ring) == (used >= ring.entries - kept));
		push();
	}
	ck_assert(dring_full(&ring) && dring_soft_full(&ring));
	is_as_listed();
	for (uint64_t i = first; i < pushed; i++)
		collect(i);
	ck_assert_uint_eq(reset(1), 1);
	ck_assert(!dring_full(&ring));
	ck_assert_uint_eq(reset(UINT32_MAX), ring.entries - 1);
	ck_assert_uint_eq(dring_used(&ring), 0);
	for (uint32_t i = 0; i < ring.entries; i++)
		must(!memory[i].flags);
}

START_TEST(a_ring_is_full_and_empty_again_at_every_position)
{
	for (uint32_t entries = N; entries <= BIG; entries *= 4) {
		start(entries);
		for (uint32_t at = 0; at <= entries; at++) {
			fill_and_drain();
			push();
			collect(pushed - 1);
			ck_assert_uint_eq(reset(N), 1);
		}
		end();
	}
}
END_TEST

START_TEST(the_counters_wrap_at_every_width)
{
	static const uint64_t near[] = {UINT32_MAX - 70, UINT64_MAX - 70,
					(UINT64_C(1) << 63) - 70};

	for (size_t k = 0; k < sizeof(near) / sizeof(near[0]); k++) {
		start(N);
		ring.head = ring.tail = near[k];
		pushed = armed = near[k];
		for (int round = 0; round < 300; round++) {
			push();
			is_as_listed();
			if (round % 3) {
				collect(armed);
				ck_assert_uint_eq(reset(N), 1);
			} else if (dring_used(&ring) > 50) {
				for (uint64_t i = armed; i != pushed; i++)
					collect(i);
				ck_assert_uint_gt(reset(N), 50);
			}
		}
		end();
	}
}
END_TEST

START_TEST(a_reset_stops_where_the_reader_has_not_been)
{
	start(N);
	for (int i = 0; i < 20; i++)
		push();
	for (uint64_t i = 0; i < 5; i++)
		collect(i);
	ck_assert_uint_eq(reset(N), 5);
	ck_assert_uint_eq(reset(N), 0);
	collect(5);
	ck_assert_uint_eq(reset(N), 1);
	is_as_listed();
	end();
}
END_TEST

START_TEST(a_reader_that_skips_an_entry_waits_for_it)
{
	start(N);
	for (int i = 0; i < 10; i++)
		push();
	for (uint64_t i = 0; i < 10; i++)
		if (i != 3)
			collect(i);
	ck_assert_uint_eq(reset(N), 3);
	ck_assert_uint_eq(reset(N), 0);
	ck_assert_uint_eq(memory[4].flags, PAGER_RING_RESET);
	is_as_listed();
	collect(3);
	ck_assert_uint_eq(reset(N), 7);
	end();
}
END_TEST

START_TEST(a_reset_does_no_more_than_it_is_told)
{
	start(N);
	for (int i = 0; i < 40; i++)
		push();
	for (uint64_t i = 0; i < 40; i++)
		collect(i);
	ck_assert_uint_eq(reset(0), 0);
	ck_assert_uint_eq(reset(15), 15);
	ck_assert_uint_eq(reset(15), 15);
	ck_assert_uint_eq(reset(15), 10);
	end();
}
END_TEST

START_TEST(entries_given_back_that_were_never_pushed_are_nothing)
{
	start(N);
	for (int i = 0; i < N; i++)
		memory[i].flags = PAGER_RING_RESET;
	ck_assert_uint_eq(reset(N), 0);
	push();
	ck_assert_uint_eq(memory[0].flags, PAGER_RING_DIRTY);
	ck_assert_uint_eq(reset(N), 0);
	collect(0);
	ck_assert_uint_eq(reset(N), 1);
	ck_assert_uint_eq(dring_used(&ring), 0);
	end();
}
END_TEST

START_TEST(a_reader_that_rewrites_pages_or_adds_flags_changes_no_page)
{
	start(N);
	for (int i = 0; i < 4; i++)
		push();
	memory[0] = (struct dring_entry){PAGER_RING_RESET, 77, 0};
	memory[1] = (struct dring_entry){UINT32_MAX, UINT32_MAX, UINT64_MAX};
	memory[2] = (struct dring_entry){PAGER_RING_RESET | PAGER_RING_DIRTY, 0,
					 name(3)};
	memory[3].flags = 0;
	ck_assert_uint_eq(reset(N), 3);
	ck_assert_uint_eq(reset(N), 0);
	for (int i = 0; i < N - 1; i++)
		push();
	ck_assert(dring_full(&ring));
	is_as_listed();
	end();
}
END_TEST

/* Whatever the memory says, pages leave in the order they came. */
static void one_step(struct rng *r)
{
	if (rng_percent(r, 60) && !dring_full(&ring))
		push();
	else if (rng_percent(r, 70))
		reset((uint32_t)rng_below(r, ring.entries + 2));
	must(dring_used(&ring) == pushed - armed);
	if (rng_percent(r, 5))
		is_as_listed();
}

static void scribble(struct rng *r)
{
	uint8_t *bytes = (uint8_t *)memory;
	const size_t size = ring.entries * sizeof(*memory);
	const size_t at = rng_below(r, size);

	switch (rng_below(r, 4)) {
	case 0:
		bytes[at] = (uint8_t)rng_next(r);
		break;
	case 1:
		memset(bytes + at, (int)rng_next(r), rng_below(r, size - at));
		break;
	case 2:
		for (uint64_t i = rng_below(r, 20); i--;)
			entry(armed + i)->flags ^= PAGER_RING_RESET;
		break;
	case 3:
		memory[at / sizeof(*memory)].offset = rng_next(r);
		break;
	}
}

START_TEST(bytes_written_at_random_harm_no_page)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct rng r = rng_new(seed);

		start(seed % 2 ? N : BIG);
		for (int step = 0; step < 10000; step++) {
			one_step(&r);
			if (rng_percent(&r, 40))
				scribble(&r);
		}
		ck_assert_uint_gt(armed, 100);
		end();
	}
}
END_TEST

static pid_t another(void (*fn)(uint64_t seed), uint64_t seed)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (!pid) {
		fn(seed);
		_exit(0);
	}
	return pid;
}

static void scribble_forever(uint64_t seed)
{
	struct rng r = rng_new(seed);

	for (;;)
		scribble(&r);
}

START_TEST(a_process_that_writes_all_over_it_meanwhile_harms_no_page)
{
	struct rng r = rng_new(99);
	pid_t child;

	start(N);
	child = another(scribble_forever, 7);
	for (int step = 0; step < 1000000 || armed < 1000; step++)
		one_step(&r);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	is_as_listed();
	end();
}
END_TEST

enum { STREAM = 300000 };

/* A reader by the rules, in a process of its own: every page, in order, its
 * number there when the flag is. Its exit code says what was wrong. */
static void read_stream(uint64_t seed)
{
	struct rng r = rng_new(seed);

	for (uint64_t i = 0; i < STREAM; i++) {
		struct dring_entry *e = entry(i);

		while (__atomic_load_n(&e->flags, __ATOMIC_ACQUIRE) !=
		       PAGER_RING_DIRTY)
			if (rng_percent(&r, 1))
				usleep(0);
		if (__atomic_load_n(&e->offset, __ATOMIC_RELAXED) != name(i))
			_exit(1);
		if (__atomic_load_n(&e->slot, __ATOMIC_RELAXED))
			_exit(2);
		__atomic_store_n(&e->flags, PAGER_RING_RESET, __ATOMIC_RELEASE);
	}
}

START_TEST(a_reader_in_another_process_sees_every_page_once_and_in_order)
{
	int status;
	pid_t child;

	start(N);
	child = another(read_stream, 5);
	while (armed < STREAM) {
		while (!dring_full(&ring) && pushed < STREAM)
			push();
		if (!reset(N)) {
			ck_assert_int_eq(waitpid(child, &status, WNOHANG), 0);
			usleep(0);
		}
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(WIFEXITED(status) && !WEXITSTATUS(status),
		      "the reader ends with %#x", (unsigned int)status);
	end();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	    a_new_ring_is_zero_as_far_as_it_goes,
	    an_entry_is_zero_then_dirty_then_reset_then_zero,
	    a_page_is_armed_after_its_entry_is_zero_and_can_be_pushed_again,
	    a_ring_is_full_and_empty_again_at_every_position,
	    the_counters_wrap_at_every_width,
	    a_reset_stops_where_the_reader_has_not_been,
	    a_reader_that_skips_an_entry_waits_for_it,
	    a_reset_does_no_more_than_it_is_told,
	    entries_given_back_that_were_never_pushed_are_nothing,
	    a_reader_that_rewrites_pages_or_adds_flags_changes_no_page,
	    bytes_written_at_random_harm_no_page,
	    a_process_that_writes_all_over_it_meanwhile_harms_no_page,
	    a_reader_in_another_process_sees_every_page_once_and_in_order,
	};

	return UNIT_RUN("dirty_ring", tests);
}
