/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Row 6: what is left of 2 MiB runs. Half of all frames are taken one by one;
 * then, 100 times, a tenth of them, chosen at random, is put and as many are
 * taken again. The figure is the part of the free memory that lies in no free
 * run of 2 MiB: so that, as in the other rows, less is better.
 *
 * No times: a count, of each round's own choice of frames; the seeds are the
 * same in each run. Half of the frames is a multiple of 512: nothing need be
 * lost.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/core/frame.h"
#include "tools/bench/base_frames.h"
#include "tools/bench/bench.h"
#include "tools/bench/world.h"

enum { ROUNDS = 100, RUN = 512 };

static const char *const names[BASE_FRAMES_POLICIES] = {
    [BASE_FRAMES_NEXT] = "bitmap, next fit",
    [BASE_FRAMES_ADDRESS] = "bitmap, address order",
    [BASE_FRAMES_LAST] = "free list, last in first out",
};

/* Ours, or the baseline with its policy. */
struct subject {
	struct bench_world *world;
	struct base_frames *base;
	enum base_frames_policy policy;
};

static uint32_t get(const struct subject *s)
{
	if (s->base)
		return base_frames_take(s->base, s->policy);
	if (frame_reserve(s->world->core, s->world->account, 1).err)
		return BASE_FRAMES_NONE;
	return frame_take(s->world->core, s->world->account);
}

static void put(const struct subject *s, uint32_t frame)
{
	if (s->base)
		base_frames_put(s->base, s->policy, frame);
	else
		frame_drop(s->world->core, frame);
}

static bool is_free(const struct subject *s, uint32_t frame)
{
	return s->base ? base_frames_is_free(s->base, frame)
		       : !frame_is_used(s->world->core, frame);
}

/* Percent of the free frames that are in no free run. */
static double lost(const struct subject *s, uint32_t frames)
{
	uint64_t all = 0, in_runs = 0;

	for (uint32_t first = 0; first < frames; first += RUN) {
		uint32_t n = 0;

		for (uint32_t i = 0; i < RUN; i++)
			n += is_free(s, first + i);
		all += n;
		in_runs += n == RUN ? RUN : 0;
	}
	return 100.0 * (double)(all - in_runs) / (double)all;
}

static double recipe(const struct subject *s, uint32_t frames, uint64_t seed)
{
	uint32_t n = frames / 2, tenth = n / 10;
	uint32_t *frame = malloc(n * sizeof(*frame));
	uint64_t chance = seed * 2 + 1;
	double result;

	if (!frame)
		bench_die("no memory for a list of frames");
	/* Of ours, one is the zero frame. */
	n -= s->base == NULL;
	for (uint32_t i = 0; i < n; i++)
		frame[i] = get(s);
	for (int round = 0; round < ROUNDS; round++) {
		/* The first tenth of a shuffle. */
		for (uint32_t i = 0; i < tenth; i++) {
			uint32_t j =
			    i + (uint32_t)(bench_random(&chance) % (n - i));
			uint32_t f = frame[j];

			frame[j] = frame[i];
			frame[i] = f;
			put(s, f);
		}
		for (uint32_t i = 0; i < tenth; i++) {
			frame[i] = get(s);
			if (frame[i] == BASE_FRAMES_NONE)
				bench_die("no frame is left");
		}
	}
	result = lost(s, frames);
	for (uint32_t i = 0; i < n; i++)
		put(s, frame[i]);
	free(frame);
	return result;
}

static double ours(uint32_t frames, uint64_t seed)
{
	struct bench_world world;
	struct subject s = {.world = &world};
	double result;

	bench_world_init(&world, frames, 64, false);
	/* What its spaces have taken is not of the recipe. */
	pager_space_free(world.base);
	result = recipe(&s, frames, seed);
	world.base = bench_world_space(&world);
	bench_world_fini(&world);
	return result;
}

static double baseline(uint32_t frames, uint64_t seed,
		       enum base_frames_policy policy)
{
	struct base_frames base;
	struct subject s = {.base = &base, .policy = policy};
	double result;

	if (base_frames_init(&base, frames))
		bench_die("no memory for a bitmap");
	result = recipe(&s, frames, seed);
	base_frames_fini(&base);
	return result;
}

void bench_row_runs(struct bench *b)
{
	struct bench_series our = {0}, base[BASE_FRAMES_POLICIES] = {0};
	uint32_t frames = b->quick ? 1 << 17 : 1 << 19;

	for (unsigned int round = 0; round <= b->rounds; round++) {
		bench_step(b);
		bench_add(&our, ours(frames, round));
		for (int i = 0; i < BASE_FRAMES_POLICIES; i++)
			bench_add(&base[i], baseline(frames, round, i));
	}
	for (int i = 0; i < BASE_FRAMES_POLICIES; i++) {
		char name[64];
		struct bench_result r = {
		    .row = 6,
		    .name = name,
		    .unit = "% lost",
		    .ours = bench_median(&our),
		    .linux_peer = NAN,
		    .baseline = bench_median(&base[i]),
		    .limit = 0,
		    .goal = "at most 6% (published: LLFree 6%, Linux's "
			    "buddy 85%)",
		    .rounds = our.count,
		};

		snprintf(name, sizeof(name), "fragmentation/%s", names[i]);
		r.met = r.ours <= 6;
		bench_report(b, &r);
	}
}
