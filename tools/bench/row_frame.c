/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Row 5: frames taken and put, one at a time, by one thread.
 *
 * Ours is what a fault does: the plan that a frame can be had, the frame with
 * its reference and charge, and the reference dropped, the charge undone. The
 * baseline is a bitmap in address order, the limit one by next fit: neither
 * knows anything of a frame but that it is free.
 *
 *	bulk	half of all frames are taken, then put in the same order
 *	random	half of the frames that are taken, chosen at random, are put,
 *		and as many taken again, from between the others
 *	repeat	a frame is taken and put, and again; both together
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/core/frame.h"
#include "tools/bench/base_frames.h"
#include "tools/bench/bench.h"
#include "tools/bench/world.h"

enum contestant { OURS, ADDRESS, NEXT, CONTESTANTS };

enum figure { GET_BULK, PUT_BULK, GET_RANDOM, PUT_RANDOM, REPEAT, FIGURES };

static const struct {
	const char *name;
	double goal; /* half of what LLFree-C has published: 47 and 34 ns */
	const char *text;
} figures[FIGURES] = {
    {"get/bulk", 47 / 2.0, "at most half of LLFree-C's 47 ns"},
    {"put/bulk", 34 / 2.0, "at most half of LLFree-C's 34 ns"},
    {"get/random", 47 / 2.0, "at most half of LLFree-C's 47 ns"},
    {"put/random", 34 / 2.0, "at most half of LLFree-C's 34 ns"},
    {"get+put/repeat", 81 / 2.0, "at most half of LLFree-C's 47 + 34 ns"},
};

struct contest {
	uint32_t n; /* taken of 2 * n */
	uint32_t *frame;
	uint32_t *order;
	struct bench_world world;
	struct base_frames base[CONTESTANTS];
	struct bench_series series[FIGURES][CONTESTANTS];
};

static inline uint32_t get(struct contest *c, enum contestant who)
{
	struct pager_core *core = c->world.core;

	if (who == ADDRESS)
		return base_frames_take(&c->base[who], BASE_FRAMES_ADDRESS);
	if (who == NEXT)
		return base_frames_take(&c->base[who], BASE_FRAMES_NEXT);
	if (frame_reserve(core, c->world.account, 1).err)
		return BASE_FRAMES_NONE;
	return frame_take(core, c->world.account);
}

static inline void put(struct contest *c, enum contestant who, uint32_t frame)
{
	if (who == ADDRESS)
		base_frames_put(&c->base[who], BASE_FRAMES_ADDRESS, frame);
	else if (who == NEXT)
		base_frames_put(&c->base[who], BASE_FRAMES_NEXT, frame);
	else
		frame_drop(c->world.core, frame);
}

/* Time a frame: of frame[order[i]], or of frame[i] where order is NULL. */
static inline double get_all(struct contest *c, enum contestant who,
			     const uint32_t *order, uint32_t n)
{
	double start = bench_cpu();

	for (uint32_t i = 0; i < n; i++)
		c->frame[order ? order[i] : i] = get(c, who);
	return (bench_cpu() - start) / n;
}

static inline double put_all(struct contest *c, enum contestant who,
			     const uint32_t *order, uint32_t n)
{
	double start = bench_cpu();

	for (uint32_t i = 0; i < n; i++)
		put(c, who, c->frame[order ? order[i] : i]);
	return (bench_cpu() - start) / n;
}

static inline double repeat(struct contest *c, enum contestant who)
{
	double start = bench_cpu();

	for (uint32_t i = 0; i < c->n; i++)
		put(c, who, get(c, who));
	return (bench_cpu() - start) / c->n;
}

/* Is every frame another? */
static void verify(const struct contest *c)
{
	uint8_t *seen = calloc(2 * (size_t)c->n, 1);

	if (!seen)
		bench_die("no memory for marks");
	for (uint32_t i = 0; i < c->n; i++)
		if (c->frame[i] >= 2 * c->n || seen[c->frame[i]]++)
			bench_die("a frame was given twice, or none");
	free(seen);
}

static inline void round_of(struct contest *c, enum contestant who, bool first)
{
	struct bench_series(*s)[CONTESTANTS] = c->series;

	bench_add(&s[GET_BULK][who], get_all(c, who, NULL, c->n));
	if (first)
		verify(c);
	bench_add(&s[PUT_BULK][who], put_all(c, who, NULL, c->n));
	get_all(c, who, NULL, c->n);
	bench_add(&s[PUT_RANDOM][who], put_all(c, who, c->order, c->n / 2));
	bench_add(&s[GET_RANDOM][who], get_all(c, who, c->order, c->n / 2));
	if (first)
		verify(c);
	bench_add(&s[REPEAT][who], repeat(c, who));
	put_all(c, who, NULL, c->n);
}

static void report(struct bench *b, const struct contest *c, enum figure f,
		   const char *size)
{
	const struct bench_series *s = c->series[f];
	char name[64];
	struct bench_result r = {
	    .row = 5,
	    .name = name,
	    .unit = "ns",
	    .ours = bench_median(&s[OURS]),
	    .linux_peer = NAN,
	    .baseline = bench_median(&s[ADDRESS]),
	    .limit = bench_median(&s[NEXT]),
	    .goal = figures[f].text,
	    .rounds = s[OURS].count,
	};

	snprintf(name, sizeof(name), "%s/%s", figures[f].name, size);
	r.met = r.ours <= figures[f].goal;
	bench_report(b, &r);
}

static void contest(struct bench *b, const char *size, uint32_t n)
{
	static struct contest c;

	c = (struct contest){.n = n};
	c.order = bench_shuffle(c.n, c.n);
	c.frame = bench_pages_new(c.n * sizeof(*c.frame), true);
	bench_world_init(&c.world, 2 * (uint64_t)c.n, 64, false);
	for (int who = ADDRESS; who < CONTESTANTS; who++)
		if (base_frames_init(&c.base[who], 2 * c.n))
			bench_die("no memory for a bitmap");
	for (unsigned int round = 0; round <= b->rounds; round++) {
		bench_step(b);
		round_of(&c, OURS, round == 0);
		round_of(&c, ADDRESS, round == 0);
		round_of(&c, NEXT, round == 0);
	}
	for (int f = 0; f < FIGURES; f++)
		report(b, &c, f, size);
	for (int who = ADDRESS; who < CONTESTANTS; who++)
		base_frames_fini(&c.base[who]);
	bench_world_fini(&c.world);
	bench_pages_free(c.frame, c.n * sizeof(*c.frame));
	free(c.order);
}

void bench_row_frame(struct bench *b)
{
	contest(b, "256MiB", 1 << 16);
	if (b->quick)
		return;
	contest(b, "1GiB", 1 << 18);
	contest(b, "4GiB", 1 << 20);
}
