/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The frame allocator against an array of marks under random takes, runs,
 * ranges, puts, and chunks that come, go on- and offline, are isolated and
 * leave. The array knows which frames may be given; which of them is given is
 * the allocator's choice, as far as its contract leaves it one.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/support/frame_bed.h"
#include "tests/support/rng.h"
#include "tests/support/unit.h"

enum {
	C = CHUNK_FRAMES,
	BOOT = 6 * C + 100,
	CHUNKS = 20,
	N = CHUNKS * C,
};

/* What a frame is. GONE: its chunk is not there, or it is beyond its end. */
enum mark { GONE, IDLE, HELD };

static uint8_t mark[N];
static uint8_t state[CHUNKS], zone[CHUNKS]; /* chunk_state, vmem_zone */
static struct rng rng;
static uint64_t held;

static uint64_t below(uint64_t n)
{
	return rng_below(&rng, n);
}

static enum frame_kind any_kind(void)
{
	return below(3) ? FRAME_MOVABLE : FRAME_UNMOVABLE;
}

static bool may_give(uint32_t f, enum frame_kind kind)
{
	return mark[f] == IDLE && state[f / C] == CHUNK_ONLINE &&
	       (kind == FRAME_MOVABLE || zone[f / C] == VMEM_ZONE_KERNEL);
}

static uint64_t count(enum frame_kind kind)
{
	uint64_t n = 0;

	for (uint32_t f = 0; f < N; f++)
		n += may_give(f, kind);
	return n;
}

static bool all_idle(uint32_t first, uint64_t n, enum frame_kind kind)
{
	for (uint64_t i = 0; i < n; i++)
		if (first + i >= N || !may_give(first + (uint32_t)i, kind))
			return false;
	return true;
}

/* The words of a page that this test writes. */
static uint64_t *ends(uint32_t f, int i)
{
	return (uint64_t *)(void *)frame_bytes(frame_bed_core, f) +
	       (i ? 511 : 0);
}

/* ck_assert writes down each place it passes: too slow for every frame. */
static void expect(bool good, const char *what, uint64_t f)
{
	if (!good)
		ck_abort_msg("frame %llu: %s", (unsigned long long)f, what);
}

/* They were given: the model's marks, and what is in them. */
static void given(uint32_t first, uint64_t n, enum frame_kind kind, bool zeroed)
{
	expect(all_idle(first, n, kind), "was not to be given", first);
	for (uint64_t f = first; f < first + n; f++) {
		uint32_t frame = (uint32_t)f;

		mark[f] = HELD;
		expect(frame_refs(frame_bed_core, frame) == 1, "references", f);
		expect(!zeroed || (!*ends(frame, 0) && !*ends(frame, 1)),
		       "is not zero", f);
		*ends(frame, 0) = *ends(frame, 1) = f + 1;
	}
	held += n;
}

static void take(void)
{
	enum frame_kind kind = any_kind();
	uint64_t n = 1 + below(300), free = count(kind);

	ck_assert_uint_eq(frame_free_count(frame_bed_core, kind), free);
	if (n > free)
		n = free;
	for (; n; n--) {
		bool zeroed = below(2);
		bool movable = frame_bed_info(VMEM_ZONE_MOVABLE).free > 0;
		uint32_t f =
		    kind == FRAME_UNMOVABLE
			? frame_take_unmovable(frame_bed_core,
					       frame_bed_account, zeroed)
		    : zeroed
			? frame_take_zeroed(frame_bed_core, frame_bed_account)
			: frame_take(frame_bed_core, frame_bed_account);

		given(f, 1, kind, zeroed);
		expect(kind == FRAME_UNMOVABLE || !movable ||
			   zone[f / C] == VMEM_ZONE_MOVABLE,
		       "KERNEL before MOVABLE", f);
	}
}

static void take_run(void)
{
	enum frame_kind kind = any_kind();
	unsigned int order = (unsigned int)below(10);
	bool zeroed = below(2), must = false;
	uint32_t first = frame_take_run(frame_bed_core, frame_bed_account,
					order, kind, zeroed);

	if (first != FRAME_NONE) {
		ck_assert_uint_eq(first % (1u << order), 0);
		given(first, 1u << order, kind, zeroed);
		return;
	}
	for (uint32_t c = 0; c < CHUNKS; c++)
		must |= all_idle(c * C, C, kind);
	ck_assert_msg(!must && (order || !count(kind)), "no run of order %u",
		      order);
}

static uint32_t lowest_range(uint64_t n, uint64_t align, uint64_t limit)
{
	uint64_t run = 0;

	for (uint32_t f = N; f-- > 0;) {
		/* run: frames from f on that are free, below the limit */
		run = f < limit && may_give(f, FRAME_UNMOVABLE) ? run + 1 : 0;
		mark[f] |= run >= n ? 0x80 : 0;
	}
	for (uint32_t f = 0, found = FRAME_NONE;; f++) {
		if (f == N)
			return found;
		if (mark[f] & 0x80 && f % align == 0 && found == FRAME_NONE)
			found = f;
		mark[f] &= 0x7f;
	}
}

static void take_range(void)
{
	uint64_t n = 1 + below(below(4) ? 60 : 1300);
	uint64_t align = UINT64_C(1) << below(11);
	uint64_t limit = below(2) ? UINT64_MAX : below(N);
	bool zeroed = below(2);
	uint32_t first = frame_find_range(frame_bed_core, n, align, limit);

	ck_assert_uint_eq(first, lowest_range(n, align, limit));
	if (first == FRAME_NONE || below(2))
		return;
	frame_take_range(frame_bed_core, frame_bed_account, first, n, zeroed);
	given(first, n, FRAME_UNMOVABLE, zeroed);
}

static void put(uint32_t f)
{
	if (mark[f] != HELD)
		return;
	expect(*ends(f, 0) == (uint64_t)f + 1 && *ends(f, 1) == *ends(f, 0),
	       "was written by another", f);
	if (below(2))
		frame_drop(frame_bed_core, f);
	else
		frame_put(frame_bed_core, f);
	mark[f] = IDLE;
	held--;
}

static void put_some(void)
{
	for (uint64_t n = below(600); n; n--)
		put(1 + (uint32_t)below(N - 1));
	frame_drain(frame_bed_core);
}

static void put_stretch(void)
{
	uint64_t first = 1 + below(N - 1), n = below(2 * C);

	for (uint64_t f = first; f < N && f < first + n; f++)
		put((uint32_t)f);
	frame_drain(frame_bed_core);
}

static void set_marks(uint32_t c, enum mark m)
{
	memset(mark + c * C, m, C);
}

/* One chunk a step on its way, whichever way it can go. */
static void turn_chunk(void)
{
	uint32_t c = (uint32_t)below(CHUNKS);
	bool empty = memchr(mark + c * C, HELD, C) == NULL;

	switch ((enum chunk_state)state[c]) {
	case CHUNK_ABSENT:
		chunk_add(frame_bed_core, c, C);
		state[c] = CHUNK_OFFLINE;
		set_marks(c, IDLE);
		break;
	case CHUNK_OFFLINE:
		if (below(3)) {
			zone[c] =
			    below(2) ? VMEM_ZONE_MOVABLE : VMEM_ZONE_KERNEL;
			chunk_online(frame_bed_core, c, zone[c]);
			state[c] = CHUNK_ONLINE;
			break;
		}
		chunk_remove(frame_bed_core, c);
		state[c] = CHUNK_ABSENT;
		set_marks(c, GONE);
		for (uint32_t f = c * C; f < (c + 1) * C; f++)
			*ends(f, 0) = *ends(f, 1) = 0;
		break;
	case CHUNK_ONLINE:
		chunk_isolate(frame_bed_core, c);
		state[c] = CHUNK_ISOLATED;
		break;
	case CHUNK_ISOLATED:
		if (empty && c > BOOT / C) {
			chunk_offline(frame_bed_core, c);
			state[c] = CHUNK_OFFLINE;
		} else {
			chunk_unisolate(frame_bed_core, c);
			state[c] = CHUNK_ONLINE;
		}
		break;
	}
}

static void compare(void)
{
	uint64_t n = 0, total = 0;

	for (uint32_t f = 0; f < N; f++) {
		expect((mark[f] == HELD) == frame_is_used(frame_bed_core, f),
		       "is used, or is not", f);
		total += state[f / C] >= CHUNK_ONLINE && mark[f] != GONE;
		n += mark[f] == HELD;
	}
	ck_assert_uint_eq(n, held);
	ck_assert_uint_eq(frame_bed_core->frames.used, held);
	ck_assert_uint_eq(frame_bed_core->frames.total, total);
	ck_assert_uint_eq(
	    pager_account_used(frame_bed_account, PAGER_RES_FRAMES), held - 1);
	ck_assert_uint_eq(frame_free_count(frame_bed_core, FRAME_MOVABLE),
			  count(FRAME_MOVABLE));
	ck_assert_uint_eq(frame_free_count(frame_bed_core, FRAME_UNMOVABLE),
			  count(FRAME_UNMOVABLE));
}

/* Now it fills, now it empties. */
static void step(unsigned int i)
{
	bool fill = i / 250 % 2;

	switch (below(10)) {
	case 0:
	case 1:
		turn_chunk();
		break;
	case 2:
	case 3:
		take_run();
		break;
	case 4:
		take_range();
		break;
	case 5:
	case 6:
		take();
		break;
	case 7:
		put_some();
		break;
	default:
		if (fill)
			take();
		else if (below(2))
			put_stretch();
		else
			put_some();
		break;
	}
}

static void run_model(uint64_t seed, unsigned int steps)
{
	rng = rng_new(seed);
	frame_bed_start(BOOT, N, true);
	for (uint32_t f = 0; f < BOOT; f++)
		mark[f] = IDLE;
	for (uint32_t c = 0; c <= BOOT / C; c++)
		state[c] = CHUNK_ONLINE;
	mark[0] = HELD;
	held = 1;
	for (unsigned int i = 0; i < steps; i++) {
		step(i);
		frame_bed_check();
		if (i % 16 == 0)
			compare();
	}
	compare();
	for (uint32_t f = 1; f < N; f++)
		put(f);
	frame_drain(frame_bed_core);
	frame_bed_end();
}

START_TEST(frames_and_chunks_at_random)
{
	run_model((uint64_t)_i + 1, 6000);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("frame_model");
	Suite *suite = suite_create("frame_model");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, frames_and_chunks_at_random, 0, 4);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
