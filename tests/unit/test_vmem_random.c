/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver and the real device, with a naive memory manager between whom
 * random things go wrong: requests refused, failures of the backing, vetoes,
 * memory that cannot be moved or has nowhere to go, blocks that go on- and
 * offline by hand, wishes that change at any time, the machine's clock.
 *
 * After every step the driver's, the device's and the memory manager's ideas
 * are the same, and no more is plugged than was ever asked for since the last
 * time it was less. Without trouble the size that is asked for is reached.
 */
#include <errno.h>
#include <string.h>

#include "lib/base/failpoint.h"
#include "tests/support/rng.h"
#include "tests/support/unit.h"
#include "tests/support/vmem_script.h"

enum { ROUNDS = 600 };

struct bed {
	struct vs *s;
	struct vmem_device *device;
	struct vmem_link link;
	struct vmem_listener listener;
	struct rng rng;
	bool trouble;
	uint64_t requested;
	uint64_t most; /* that may be plugged */
	uint64_t now;
};

static struct bed bed;

static bool luck(unsigned int percent)
{
	return bed.trouble && rng_percent(&bed.rng, percent);
}

static bool has(void *device, uint64_t pfn)
{
	return vmem_device_is_plugged(device, pfn, 1);
}

static int heard(void *ctx, enum vmem_event event, uint64_t pfn, uint64_t pages)
{
	(void)ctx;
	(void)pfn;
	(void)pages;
	return event == VMEM_PLUGGING && luck(5) ? -EBUSY : 0;
}

static int backing(void *ctx, uint64_t pfn, uint64_t pages)
{
	(void)ctx;
	(void)pfn;
	(void)pages;
	return luck(5) ? -ENOSPC : 0;
}

static void interrupt(void *ctx)
{
	(void)ctx;
	if (bed.s->driver)
		vmem_driver_config_changed(bed.s->driver);
}

static void wish(uint64_t pages)
{
	unit_ok(vmem_device_resize(bed.device, pages));
	bed.requested = pages;
	if (bed.most < pages)
		bed.most = pages;
}

static uint64_t some_size(void)
{
	const struct vmem_config *c = &bed.s->device;

	return rng_below(&bed.rng, c->region / c->block + 1) * c->block;
}

/* A call is refused, or the wish changes in the middle of it. */
static void hook(struct vs *s, enum vs_call call)
{
	static const int answer[VS_CALLS] = {
	    [VS_ADD] = -ENOMEM,	     [VS_OFFLINE_AND_REMOVE] = -EBUSY,
	    [VS_TAKE] = -EBUSY,	     [VS_ONLINING] = -EBUSY,
	    [VS_OFFLINING] = -EBUSY,
	};

	s->rules = 0;
	if (call <= VS_UNPLUG) {
		if (luck(5))
			vs_answer(s, call, 0, VMEM_BUSY);
		else if (call == VS_PLUG && luck(2))
			vs_answer(s, call, 0, VMEM_NACK);
	} else if (answer[call] && luck(10)) {
		vs_answer(s, call, 0, luck(30) ? -ENOMEM : answer[call]);
	}
	if (luck(2) && call != VS_PLUG && call != VS_UNPLUG)
		wish(some_size());
}

static void start(uint64_t seed, bool bbm)
{
	static const uint64_t units[] = {1, 2, 4, 8};
	struct vmem_device_config config;
	struct vs *s = &vs;

	vs_init(s);
	bed = (struct bed){.s = s, .rng = rng_new(seed)};
	s->quiet = true;
	s->memory_block = 16;
	s->device.addr = 1024;
	s->device.block = units[rng_below(&bed.rng, 3)];
	s->device.region = 16 * (2 + rng_below(&bed.rng, 14));
	s->config.unit = units[rng_below(&bed.rng, 4)];
	s->config.force_bbm = bbm;
	s->config.bbm_block = bbm ? 16 * units[rng_below(&bed.rng, 2)] : 0;
	s->config.in_order = rng_percent(&bed.rng, 30);
	s->config.unsafe = rng_percent(&bed.rng, 30);
	s->config.threshold = 16 * rng_below(&bed.rng, 12);
	s->auto_zone = (int)rng_below(&bed.rng, 3) - 1;
	s->hook = hook;
	config = (struct vmem_device_config){
	    .addr = s->device.addr,
	    .region = s->device.region,
	    .block = s->device.block,
	    .backing = {NULL, backing, backing},
	};
	vs_host(s, &config.host);
	bed.device = vmem_device_new(&config);
	ck_assert_ptr_nonnull(bed.device);
	bed.listener = (struct vmem_listener){heard, NULL, NULL};
	vmem_device_listen(bed.device, &bed.listener);
	vmem_device_on_config(bed.device, interrupt, NULL);
	s->inner = vmem_device_link(bed.device);
	s->inner_has = has;
	vs_start(s);
	ck_assert_ptr_nonnull(s->driver);
}

static uint64_t a_block(void)
{
	const struct vs *s = bed.s;

	return s->device.addr + rng_below(&bed.rng, s->device.region / 16) * 16;
}

/* Somebody uses memory, or frees it, or turns a block on or off. */
static void outside(void)
{
	struct vs *s = bed.s;
	uint64_t pfn = a_block(), n = 1 + rng_below(&bed.rng, 16);
	const struct vs_block *b = &s->block[(pfn - s->device.addr) / 16];

	switch (rng_below(&bed.rng, 8)) {
	case 0:
		wish(some_size());
		break;
	case 1:
		if (b->state == VS_OFFLINE)
			(void)vs_online(s, pfn, rng_below(&bed.rng, 2));
		break;
	case 2:
		if (b->state == VS_ONLINE)
			(void)vs_offline(s, pfn);
		break;
	case 3:
		vs_use(s, pfn, n, rng_percent(&bed.rng, 20));
		break;
	case 4:
		vs_unuse(s, pfn, n);
		break;
	case 5:
		s->room = rng_percent(&bed.rng, 20) ? 0 : UINT64_MAX / 2;
		break;
	case 6:
		bed.now += rng_below(&bed.rng, 50);
		break;
	case 7:
		s->auto_zone = (int)rng_below(&bed.rng, 3) - 1;
		break;
	}
}

static void check(void)
{
	uint64_t plugged = vs_info(bed.s).plugged;

	vs_check(bed.s);
	ck_assert_uint_le(plugged, bed.most);
	ck_assert(!vs_info(bed.s).broken);
	if (bed.most > plugged)
		bed.most = plugged > bed.requested ? plugged : bed.requested;
}

/* Everything can be moved, everything comes online, nobody says no. */
static void peace(void)
{
	struct vs *s = bed.s;

	bed.trouble = false;
	s->rules = 0;
	s->room = UINT64_MAX / 2;
	s->auto_zone = VMEM_ZONE_MOVABLE;
	vs_unuse(s, s->device.addr, s->device.region);
	for (uint64_t b = 0; b < s->device.region / 16; b++)
		if (s->block[b].state == VS_OFFLINE)
			ck_assert_int_eq(vs_online(s, s->device.addr + b * 16,
						   VMEM_ZONE_MOVABLE),
					 0);
}

/* In the end: the size by the rules, and by the last wish exactly. */
static void settle(uint64_t pages)
{
	struct vs *s = bed.s;
	struct vmem_driver_info info;
	uint64_t whole = s->device.region / vs_block(s) * vs_block(s);
	enum vmem_work w;

	wish(pages);
	while ((w = vs_run(s, bed.now)) == VMEM_WAIT) {
		ck_assert_uint_lt(bed.now, UINT64_C(1) << 32);
		bed.now = s->due;
	}
	check();
	info = vs_info(s);
	if (pages > whole)
		pages = whole;
	pages -= pages % info.sub_block;
	if (info.plugged > pages) /* less than a unit too many */
		ck_assert_uint_lt(info.plugged - bed.requested, info.sub_block);
	else
		ck_assert_uint_eq(info.plugged, pages);
	ck_assert_int_eq(w, bed.requested >= whole + info.sub_block
				? VMEM_BLOCKED
				: VMEM_IDLE);
}

static void end(void)
{
	vmem_device_unlisten(bed.device, &bed.listener);
	vmem_device_on_config(bed.device, NULL, NULL);
	vmem_driver_free(bed.s->driver);
	vmem_device_free(bed.device);
	ck_assert_uint_eq(bed.s->host_pieces, 0);
}

static void one(uint64_t seed, bool bbm)
{
	start(seed, bbm);
	for (unsigned int phase = 0; phase < 4; phase++) {
		bed.trouble = phase % 2 == 0;
		for (unsigned int i = 0; i < ROUNDS; i++) {
			enum vmem_work w = vs_step(bed.s, bed.now);

			check();
			if (w == VMEM_WAIT && rng_percent(&bed.rng, 50))
				bed.now = bed.s->due;
			if (rng_percent(&bed.rng, 30)) {
				outside();
				check();
			}
		}
		peace();
		settle(some_size());
	}
	settle(bed.s->device.region);
	settle(0);
	ck_assert_uint_eq(vs_info(bed.s).plugged, 0);
	for (uint64_t b = 0; b < bed.s->device.region / 16; b++)
		ck_assert_int_eq(bed.s->block[b].state, VS_ABSENT);
	end();
}

START_TEST(sub_blocks_and_the_device_agree_whatever_happens)
{
	for (uint64_t seed = 1; seed <= 4; seed++)
		one(seed, false);
}
END_TEST

START_TEST(big_blocks_and_the_device_agree_whatever_happens)
{
	for (uint64_t seed = 1001; seed <= 1004; seed++)
		one(seed, true);
}
END_TEST

/* --- every failure in turn -------------------------------------------------
 */

#ifdef PAGER_FAILPOINTS
/* Grow, shrink and grow with the nth fail point failing. True: it did. */
static bool failing(unsigned long nth, bool bbm)
{
	static const uint64_t sizes[] = {64, 8, 200, 0};
	bool fired;

	start(7, bbm);
	pager_fail_arm(nth);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		wish(sizes[i] < bed.s->device.region ? sizes[i] : 0);
		while (vs_step(bed.s, bed.now) == VMEM_MORE)
			check();
		check();
	}
	fired = pager_fail_fired() != NULL;
	pager_fail_arm(0);
	peace();
	settle(bed.s->device.region);
	settle(0);
	end();
	return fired;
}

START_TEST(every_failure_of_the_device_is_overcome)
{
	unsigned long nth = 1;

	while (failing(nth, false))
		nth++;
	ck_assert_uint_gt(nth, 5);
	for (nth = 1; failing(nth, true); nth++)
		continue;
	ck_assert_uint_gt(nth, 5);
}
END_TEST

START_TEST(without_memory_there_is_no_driver)
{
	for (unsigned long nth = 1;; nth++) {
		vs_init(&vs);
		pager_fail_arm(nth);
		vs_start(&vs);
		if (!pager_fail_fired())
			break;
		ck_assert_ptr_null(vs.driver);
		ck_assert_uint_eq(vs.host_pieces, 0);
		ck_assert_uint_lt(nth, 3);
	}
	pager_fail_arm(0);
	ck_assert_ptr_nonnull(vs.driver);
	vs_end(&vs);
}
END_TEST
#endif

int main(void)
{
	const TTest *const tests[] = {
	    sub_blocks_and_the_device_agree_whatever_happens,
	    big_blocks_and_the_device_agree_whatever_happens,
#ifdef PAGER_FAILPOINTS
	    every_failure_of_the_device_is_overcome,
	    without_memory_there_is_no_driver,
#endif
	};

	return UNIT_RUN("vmem-random", tests);
}
