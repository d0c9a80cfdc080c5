/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device side of virtio-mem, against a scripted driver, backing and
 * listeners. What the device does to them is written down as it happens, so
 * that order is tested by comparing text.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/failpoint.h"
#include "lib/core/vmem.h"
#include "tests/support/unit.h"

enum {
	BLOCK = 512,
	BLOCKS = 1024,
	EXTENT = 65536 / BLOCK, /* usable beyond requested, in blocks */
};

#define ADDR UINT64_C(0x40000)

static struct vmem_device *device;
static struct vmem_link link;
static size_t host_bytes;
static char story[4096];
static unsigned int interrupts;

/* What the backing and the listeners will answer. */
static int commit_error, discard_error;
static struct listener {
	struct vmem_listener l;
	char name;
	int answer;
	void (*inside)(void);
} listener[3];

static void *host_alloc(void *ctx, size_t bytes)
{
	(void)ctx;
	host_bytes += bytes;
	return calloc(1, bytes);
}

static void host_free(void *ctx, void *p, size_t bytes)
{
	(void)ctx;
	host_bytes -= bytes;
	free(p);
}

/* In blocks, relative to the region. */
static void note(const char *what, uint64_t pfn, uint64_t pages)
{
	size_t n = strlen(story);

	ck_assert_uint_eq(pfn % BLOCK, 0);
	ck_assert_uint_eq(pages % BLOCK, 0);
	snprintf(story + n, sizeof(story) - n, "%s %" PRIu64 "+%" PRIu64 "; ",
		 what, (pfn - ADDR) / BLOCK, pages / BLOCK);
}

static int commit(void *ctx, uint64_t pfn, uint64_t pages)
{
	ck_assert_ptr_eq(ctx, story);
	note("commit", pfn, pages);
	return commit_error;
}

static int discard(void *ctx, uint64_t pfn, uint64_t pages)
{
	ck_assert_ptr_eq(ctx, story);
	note("discard", pfn, pages);
	return discard_error;
}

static int notify(void *ctx, enum vmem_event event, uint64_t pfn,
		  uint64_t pages)
{
	struct listener *l = ctx;
	char what[32];
	bool plugged = vmem_device_is_plugged(device, pfn, pages);

	snprintf(what, sizeof(what), "%c:%s", l->name,
		 event == VMEM_PLUGGING		 ? "plugging"
		 : event == VMEM_CANCEL_PLUGGING ? "cancel"
		 : event == VMEM_UNPLUGGED_NOW	 ? "unplugged"
						 : "?");
	note(what, pfn, pages);
	ck_assert(plugged == (event == VMEM_UNPLUGGED_NOW));
	if (l->inside)
		l->inside();
	return event == VMEM_PLUGGING ? l->answer : -EIO;
}

static void interrupt(void *ctx)
{
	ck_assert_ptr_eq(ctx, &interrupts);
	interrupts++;
}

static struct vmem_device_config config(uint64_t requested)
{
	return (struct vmem_device_config){
	    .host = {NULL, host_alloc, host_free},
	    .addr = ADDR,
	    .region = BLOCKS * BLOCK,
	    .block = BLOCK,
	    .requested = requested * BLOCK,
	    .node = 3,
	    .backing = {story, commit, discard},
	};
}

/* requested in blocks; with n listeners, a, b, c. */
static void start(uint64_t requested, int n)
{
	const struct vmem_device_config c = config(requested);

	device = vmem_device_new(&c);
	ck_assert_ptr_nonnull(device);
	link = vmem_device_link(device);
	vmem_device_on_config(device, interrupt, &interrupts);
	for (int i = 0; i < n; i++) {
		listener[i] = (struct listener){
		    .l = {notify, &listener[i], NULL}, .name = (char)('a' + i)};
		vmem_device_listen(device, &listener[i].l);
	}
}

static void end(void)
{
	ck_assert(vmem_device_check(device));
	vmem_device_free(device);
	ck_assert_uint_eq(host_bytes, 0);
}

static struct vmem_config now(void)
{
	struct vmem_config c;

	link.ops->config(link.device, &c);
	return c;
}

static uint64_t plugged(void)
{
	return now().plugged / BLOCK;
}

static uint64_t usable(void)
{
	return now().usable / BLOCK;
}

/* A request as it is sent: a pfn, and a number of blocks. */
static enum vmem_response raw(enum vmem_request_type type, uint64_t pfn,
			      uint64_t blocks)
{
	const struct vmem_request r = {type, pfn, blocks};
	enum vmem_response response =
	    link.ops->request(link.device, &r).response;

	ck_assert(vmem_device_check(device));
	return response;
}

/* In blocks. */
static enum vmem_response plug(uint64_t first, uint64_t blocks)
{
	return raw(VMEM_PLUG, ADDR + first * BLOCK, blocks);
}

static enum vmem_response unplug(uint64_t first, uint64_t blocks)
{
	return raw(VMEM_UNPLUG, ADDR + first * BLOCK, blocks);
}

static enum vmem_response unplug_all(void)
{
	return raw(VMEM_UNPLUG_ALL, 0, 0);
}

/* The state of a range; -1: an error. */
static int state(uint64_t first, uint64_t blocks)
{
	const struct vmem_request r = {VMEM_STATE, ADDR + first * BLOCK,
				       blocks};
	struct vmem_answer a = link.ops->request(link.device, &r);

	if (a.response == VMEM_ERROR)
		return -1;
	ck_assert_int_eq(a.response, VMEM_ACK);
	return (int)a.state;
}

static void resize(uint64_t blocks)
{
	unit_ok(vmem_device_resize(device, blocks * BLOCK));
}

#define told(text)                             \
	do {                                   \
		ck_assert_str_eq(story, text); \
		story[0] = '\0';               \
	} while (0)

/* --- made ------------------------------------------------------------------
 */

START_TEST(a_new_device_says_what_it_was_made_with_and_nothing_is_plugged)
{
	start(7, 0);
	ck_assert_uint_eq(now().block, BLOCK);
	ck_assert_uint_eq(now().addr, ADDR);
	ck_assert_uint_eq(now().region, BLOCKS * BLOCK);
	ck_assert_uint_eq(now().requested, 7 * BLOCK);
	ck_assert_uint_eq(now().node, 3);
	ck_assert_uint_eq(plugged(), 0);
	ck_assert_uint_eq(usable(), 7 + EXTENT);
	ck_assert_int_eq(state(0, 7 + EXTENT), VMEM_UNPLUGGED);
	told("");
	end();
}
END_TEST

START_TEST(sizes_that_do_not_fit_make_no_device)
{
	static const struct {
		uint64_t addr, region, block, requested;
	} wrong[] = {
	    {ADDR, 4096, 0, 0},		      /* no block */
	    {ADDR, 3072, 768, 0},	      /* not a power of two */
	    {ADDR, 0, 512, 0},		      /* no region */
	    {ADDR, 4097, 512, 0},	      /* not of blocks */
	    {ADDR + 1, 4096, 512, 0},	      /* not at a block */
	    {ADDR, 4096, 512, 100},	      /* a wish that is none */
	    {ADDR, 4096, 512, 4608},	      /* beyond the region */
	    {UINT64_MAX - 511, 4096, 512, 0}, /* over the end */
	    {0, UINT64_MAX, 1, 0},
	    {UINT64_C(1) << 51, UINT64_C(1) << 51, 512, 0},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct vmem_device_config c = config(0);

		c.addr = wrong[i].addr;
		c.region = wrong[i].region;
		c.block = wrong[i].block;
		c.requested = wrong[i].requested;
		ck_assert_msg(vmem_device_new(&c) == NULL, "%zu", i);
	}
	ck_assert_uint_eq(host_bytes, 0);
}
END_TEST

START_TEST(without_memory_for_its_records_there_is_no_device)
{
#ifdef PAGER_FAILPOINTS
	const struct vmem_device_config c = config(0);

	for (unsigned long n = 1; n <= 2; n++) {
		pager_fail_arm(n);
		ck_assert_ptr_null(vmem_device_new(&c));
		ck_assert_str_eq(pager_fail_fired(), "host");
		ck_assert_uint_eq(host_bytes, 0);
	}
	pager_fail_arm(3);
	device = vmem_device_new(&c);
	ck_assert_ptr_nonnull(device);
	ck_assert_ptr_null(pager_fail_fired());
	pager_fail_arm(0);
	end();
#endif
}
END_TEST

/* --- the order of checks ----------------------------------------------------
 */

START_TEST(a_range_that_is_not_of_usable_blocks_is_an_error)
{
	static const uint64_t huge = UINT64_MAX;
	const uint64_t top = UINT64_C(1) << 63;
	struct {
		uint64_t pfn, blocks;
	} wrong[] = {
	    {ADDR + 1, 1},
	    {ADDR + BLOCK / 2, 1},
	    {ADDR, 0},
	    {ADDR - BLOCK, 1},
	    {ADDR - BLOCK, 2},
	    {0, 1},
	    {ADDR + (4 + EXTENT) * BLOCK, 1}, /* the first that is not usable */
	    {ADDR + (5 + EXTENT) * BLOCK, 1},
	    {ADDR + (3 + EXTENT) * BLOCK, 2},
	    {ADDR, 5 + EXTENT},
	    {ADDR + BLOCKS * BLOCK, 1},
	    {ADDR, huge},
	    {ADDR, huge / BLOCK}, /* bytes and pages that wrap */
	    {ADDR, huge / BLOCK + 1},
	    {ADDR, huge / BLOCK + 2},
	    {ADDR, (UINT64_C(1) << 52) / BLOCK},
	    {ADDR + BLOCK, top},
	    {huge - BLOCK + 1, 1}, /* the last block there is */
	    {huge - BLOCK + 1, 2}, /* over the end */
	    {huge, 1},
	};

	start(4, 1);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		for (int type = 0; type < 4; type++)
			if (type != VMEM_UNPLUG_ALL)
				ck_assert_msg(raw((enum vmem_request_type)type,
						  wrong[i].pfn,
						  wrong[i].blocks) ==
						  VMEM_ERROR,
					      "range %zu, type %d", i, type);
	ck_assert_uint_eq(plugged(), 0);
	told("");
	end();
}
END_TEST

START_TEST(an_unknown_request_is_an_error)
{
	start(4, 1);
	ck_assert_int_eq(raw((enum vmem_request_type)17, ADDR, 1), VMEM_ERROR);
	told("");
	end();
}
END_TEST

START_TEST(plugging_more_than_requested_is_not_acknowledged)
{
	start(4, 1);
	ck_assert_int_eq(plug(0, 5), VMEM_NACK);
	ck_assert_int_eq(plug(0, 3), VMEM_ACK);
	ck_assert_int_eq(plug(10, 2), VMEM_NACK);
	ck_assert_int_eq(plug(10, 1), VMEM_ACK);
	ck_assert_int_eq(plug(11, 1), VMEM_NACK);
	ck_assert_uint_eq(plugged(), 4);
	end();
}
END_TEST

START_TEST(after_a_smaller_wish_nothing_can_be_plugged)
{
	start(4, 0);
	ck_assert_int_eq(plug(0, 4), VMEM_ACK);
	resize(2);
	ck_assert_int_eq(plug(8, 1), VMEM_NACK);
	ck_assert_int_eq(unplug(0, 2), VMEM_ACK);
	ck_assert_int_eq(plug(8, 1), VMEM_NACK);
	ck_assert_int_eq(unplug(2, 1), VMEM_ACK);
	ck_assert_int_eq(plug(8, 1), VMEM_ACK);
	end();
}
END_TEST

START_TEST(a_wrong_range_is_an_error_before_it_is_too_much)
{
	start(4, 0);
	ck_assert_int_eq(plug(0, 4), VMEM_ACK);
	ck_assert_int_eq(plug(4, 1), VMEM_NACK);
	ck_assert_int_eq(plug(4 + EXTENT, 1), VMEM_ERROR);
	ck_assert_int_eq(plug(4, 1000000), VMEM_ERROR);
	end();
}
END_TEST

START_TEST(too_much_comes_before_blocks_that_are_plugged_already)
{
	start(4, 0);
	ck_assert_int_eq(plug(0, 4), VMEM_ACK);
	ck_assert_int_eq(plug(0, 1), VMEM_NACK);
	resize(5);
	ck_assert_int_eq(plug(0, 1), VMEM_ERROR);
	ck_assert_int_eq(plug(0, 2), VMEM_NACK);
	end();
}
END_TEST

START_TEST(plugging_what_is_plugged_in_part_is_an_error_and_changes_nothing)
{
	start(200, 1);
	ck_assert_int_eq(plug(70, 1), VMEM_ACK);
	told("commit 70+1; a:plugging 70+1; ");
	ck_assert_int_eq(plug(70, 1), VMEM_ERROR);
	ck_assert_int_eq(plug(0, 71), VMEM_ERROR);
	ck_assert_int_eq(plug(70, 100), VMEM_ERROR);
	ck_assert_int_eq(plug(0, 199), VMEM_ERROR);
	told("");
	ck_assert_uint_eq(plugged(), 1);
	ck_assert_int_eq(state(0, 70), VMEM_UNPLUGGED);
	ck_assert_int_eq(state(71, 100), VMEM_UNPLUGGED);
	end();
}
END_TEST

START_TEST(unplugging_what_is_not_all_plugged_is_an_error_and_changes_nothing)
{
	start(200, 1);
	ck_assert_int_eq(plug(0, 70), VMEM_ACK);
	ck_assert_int_eq(plug(71, 60), VMEM_ACK);
	story[0] = '\0';
	ck_assert_int_eq(unplug(70, 1), VMEM_ERROR);
	ck_assert_int_eq(unplug(0, 71), VMEM_ERROR);
	ck_assert_int_eq(unplug(0, 131), VMEM_ERROR);
	ck_assert_int_eq(unplug(130, 2), VMEM_ERROR);
	told("");
	ck_assert_uint_eq(plugged(), 130);
	end();
}
END_TEST

START_TEST(unplugging_does_not_ask_what_is_requested)
{
	start(4, 0);
	ck_assert_int_eq(plug(0, 4), VMEM_ACK);
	resize(0);
	ck_assert_int_eq(unplug(3, 1), VMEM_ACK);
	resize(4);
	ck_assert_int_eq(unplug(2, 1), VMEM_ACK);
	ck_assert_uint_eq(plugged(), 2);
	end();
}
END_TEST

/* --- plug -------------------------------------------------------------------
 */

START_TEST(plug_commits_then_asks_in_order_then_sets_the_bits)
{
	start(8, 3);
	ck_assert_int_eq(plug(2, 3), VMEM_ACK);
	told("commit 2+3; a:plugging 2+3; b:plugging 2+3; c:plugging 2+3; ");
	ck_assert_int_eq(state(2, 3), VMEM_PLUGGED);
	ck_assert_uint_eq(plugged(), 3);
	end();
}
END_TEST

START_TEST(plug_without_memory_is_busy_and_nobody_hears_of_it)
{
	start(8, 2);
	commit_error = -ENOSPC;
	ck_assert_int_eq(plug(0, 8), VMEM_BUSY);
	told("commit 0+8; ");
	ck_assert_uint_eq(plugged(), 0);
	ck_assert_int_eq(state(0, 8), VMEM_UNPLUGGED);
	commit_error = 0;
	ck_assert_int_eq(plug(0, 8), VMEM_ACK);
	end();
}
END_TEST

START_TEST(a_veto_cancels_those_who_agreed_in_reverse_and_discards)
{
	static const char *const stories[3] = {
	    "commit 0+2; a:plugging 0+2; discard 0+2; ",
	    "commit 0+2; a:plugging 0+2; b:plugging 0+2; a:cancel 0+2; "
	    "discard 0+2; ",
	    "commit 0+2; a:plugging 0+2; b:plugging 0+2; c:plugging 0+2; "
	    "b:cancel 0+2; a:cancel 0+2; discard 0+2; ",
	};

	start(8, 3);
	for (int i = 0; i < 3; i++) {
		listener[i].answer = -EPERM;
		ck_assert_int_eq(plug(0, 2), VMEM_BUSY);
		told(stories[i]);
		ck_assert_uint_eq(plugged(), 0);
		ck_assert_int_eq(state(0, 2), VMEM_UNPLUGGED);
		listener[i].answer = 0;
	}
	ck_assert_int_eq(plug(0, 2), VMEM_ACK);
	end();
}
END_TEST

START_TEST(a_veto_of_any_number_counts)
{
	start(8, 1);
	listener[0].answer = 1;
	ck_assert_int_eq(plug(0, 2), VMEM_BUSY);
	end();
}
END_TEST

START_TEST(memory_that_a_roll_back_could_not_give_back_goes_with_unplug_all)
{
	start(8, 1);
	listener[0].answer = -EPERM;
	discard_error = -EIO;
	ck_assert_int_eq(plug(4, 2), VMEM_BUSY);
	told("commit 4+2; a:plugging 4+2; discard 4+2; ");
	ck_assert_uint_eq(plugged(), 0);
	ck_assert_int_eq(unplug_all(), VMEM_BUSY);
	told("discard 0+1024; ");
	discard_error = 0;
	ck_assert_int_eq(unplug_all(), VMEM_ACK);
	told("discard 0+1024; ");
	ck_assert_int_eq(unplug_all(), VMEM_ACK);
	told("");
	end();
}
END_TEST

static void plug_and_unplug(void)
{
	static const enum vmem_request_type types[] = {VMEM_PLUG, VMEM_UNPLUG,
						       VMEM_UNPLUG_ALL};
	const struct vmem_request look = {VMEM_STATE, ADDR, 1};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		const struct vmem_request r = {types[i], ADDR, 1};

		ck_assert_int_eq(link.ops->request(link.device, &r).response,
				 VMEM_BUSY);
	}
	ck_assert_int_eq(link.ops->request(link.device, &look).response,
			 VMEM_ACK);
	ck_assert_int_eq(vmem_device_reset(device), -EBUSY);
	resize(9);
}

START_TEST(a_request_from_inside_of_a_listener_is_busy)
{
	start(8, 2);
	listener[0].inside = plug_and_unplug;
	ck_assert_int_eq(plug(4, 2), VMEM_ACK);
	ck_assert_int_eq(unplug(4, 1), VMEM_ACK);
	ck_assert_int_eq(unplug_all(), VMEM_ACK);
	listener[1].answer = -EPERM;
	ck_assert_int_eq(plug(4, 2), VMEM_BUSY);
	ck_assert_uint_eq(now().requested, 9 * BLOCK);
	end();
}
END_TEST

/* --- unplug ------------------------------------------------------------------
 */

START_TEST(unplug_discards_then_tells_in_order_then_clears_the_bits)
{
	start(8, 2);
	ck_assert_int_eq(plug(0, 8), VMEM_ACK);
	story[0] = '\0';
	ck_assert_int_eq(unplug(3, 2), VMEM_ACK);
	told("discard 3+2; a:unplugged 3+2; b:unplugged 3+2; ");
	ck_assert_uint_eq(plugged(), 6);
	ck_assert_int_eq(state(3, 2), VMEM_UNPLUGGED);
	ck_assert_int_eq(state(0, 3), VMEM_PLUGGED);
	ck_assert_int_eq(state(5, 3), VMEM_PLUGGED);
	end();
}
END_TEST

START_TEST(unplug_that_cannot_discard_is_busy_and_changes_nothing)
{
	start(8, 2);
	ck_assert_int_eq(plug(0, 8), VMEM_ACK);
	story[0] = '\0';
	discard_error = -ENOMEM;
	ck_assert_int_eq(unplug(0, 8), VMEM_BUSY);
	told("discard 0+8; ");
	ck_assert_uint_eq(plugged(), 8);
	ck_assert_int_eq(state(0, 8), VMEM_PLUGGED);
	end();
}
END_TEST

START_TEST(unplug_all_discards_the_region_at_once_and_tells_of_each_run)
{
	start(200, 2);
	plug(0, 3);
	plug(60, 10);
	plug(199, 1);
	story[0] = '\0';
	ck_assert_int_eq(unplug_all(), VMEM_ACK);
	told("discard 0+1024; a:unplugged 0+3; b:unplugged 0+3; "
	     "a:unplugged 60+10; b:unplugged 60+10; "
	     "a:unplugged 199+1; b:unplugged 199+1; ");
	ck_assert_uint_eq(plugged(), 0);
	ck_assert_int_eq(state(0, 200), VMEM_UNPLUGGED);
	end();
}
END_TEST

START_TEST(unplug_all_that_cannot_discard_is_busy_and_changes_nothing)
{
	start(100, 1);
	plug(0, 30);
	resize(10);
	story[0] = '\0';
	discard_error = -EIO;
	ck_assert_int_eq(unplug_all(), VMEM_BUSY);
	told("discard 0+1024; ");
	ck_assert_uint_eq(plugged(), 30);
	ck_assert_uint_eq(usable(), 100 + EXTENT);
	ck_assert_int_eq(state(0, 30), VMEM_PLUGGED);
	end();
}
END_TEST

START_TEST(unplug_all_of_nothing_is_acknowledged_and_discards_nothing)
{
	start(4, 1);
	discard_error = -EIO;
	ck_assert_int_eq(unplug_all(), VMEM_ACK);
	ck_assert_int_eq(raw(VMEM_UNPLUG_ALL, 77, 78), VMEM_ACK);
	told("");
	end();
}
END_TEST

/* --- state
 * -------------------------------------------------------------------- */

START_TEST(state_says_plugged_unplugged_or_mixed)
{
	start(200, 0);
	plug(10, 100);
	ck_assert_int_eq(state(10, 100), VMEM_PLUGGED);
	ck_assert_int_eq(state(10, 1), VMEM_PLUGGED);
	ck_assert_int_eq(state(64, 46), VMEM_PLUGGED);
	ck_assert_int_eq(state(0, 10), VMEM_UNPLUGGED);
	ck_assert_int_eq(state(110, 218), VMEM_UNPLUGGED);
	ck_assert_int_eq(state(9, 2), VMEM_MIXED);
	ck_assert_int_eq(state(109, 2), VMEM_MIXED);
	ck_assert_int_eq(state(0, 328), VMEM_MIXED);
	unplug(63, 2);
	ck_assert_int_eq(state(10, 100), VMEM_MIXED);
	ck_assert_int_eq(state(62, 2), VMEM_MIXED);
	ck_assert_int_eq(state(63, 2), VMEM_UNPLUGGED);
	end();
}
END_TEST

START_TEST(is_plugged_looks_at_every_block_that_the_pages_touch)
{
	start(8, 0);
	plug(1, 2);
	ck_assert(vmem_device_is_plugged(device, ADDR + BLOCK, 2 * BLOCK));
	ck_assert(vmem_device_is_plugged(device, ADDR + BLOCK + 5, 1));
	ck_assert(vmem_device_is_plugged(device, ADDR + 2 * BLOCK - 1, 2));
	ck_assert(vmem_device_is_plugged(device, ADDR + 3 * BLOCK - 1, 1));
	ck_assert(!vmem_device_is_plugged(device, ADDR + BLOCK - 1, 2));
	ck_assert(!vmem_device_is_plugged(device, ADDR + 3 * BLOCK - 1, 2));
	ck_assert(!vmem_device_is_plugged(device, ADDR + BLOCK, 0));
	ck_assert(!vmem_device_is_plugged(device, ADDR - 1, 1));
	ck_assert(!vmem_device_is_plugged(device, ADDR + BLOCK, UINT64_MAX));
	ck_assert(!vmem_device_is_plugged(device, UINT64_MAX, 1));
	ck_assert(!vmem_device_is_plugged(device, ADDR + BLOCKS * BLOCK, 1));
	end();
}
END_TEST

/* --- wishes
 * -------------------------------------------------------------------- */

START_TEST(a_wish_that_is_not_of_blocks_or_beyond_the_region_is_refused)
{
	static const struct {
		uint64_t pages;
		unsigned int error;
	} wrong[] = {
	    {1, PAGER_EALIGN},
	    {BLOCK - 1, PAGER_EALIGN},
	    {BLOCKS * BLOCK + 1, PAGER_EALIGN},
	    {UINT64_MAX, PAGER_EALIGN}, /* less than none */
	    {(BLOCKS + 1) * BLOCK, PAGER_ERANGE},
	    {UINT64_MAX - BLOCK + 1, PAGER_ERANGE},
	};

	start(4, 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct pager_status st =
		    vmem_device_resize(device, wrong[i].pages);

		ck_assert_uint_eq(st.err, wrong[i].error);
		ck_assert_uint_eq(st.arg, PAGER_ARG_SIZE);
		ck_assert_uint_eq(now().requested, 4 * BLOCK);
		ck_assert_uint_eq(usable(), 4 + EXTENT);
	}
	ck_assert_uint_eq(interrupts, 0);
	end();
}
END_TEST

START_TEST(usable_grows_with_the_wish_and_does_not_shrink_with_it)
{
	start(0, 0);
	ck_assert_uint_eq(usable(), 0);
	ck_assert_int_eq(plug(0, 1), VMEM_ERROR);
	resize(1);
	ck_assert_uint_eq(usable(), 1 + EXTENT);
	resize(500);
	ck_assert_uint_eq(usable(), 500 + EXTENT);
	resize(0);
	ck_assert_uint_eq(usable(), 500 + EXTENT);
	resize(BLOCKS - EXTENT - 1);
	ck_assert_uint_eq(usable(), BLOCKS - 1);
	resize(BLOCKS - EXTENT);
	ck_assert_uint_eq(usable(), BLOCKS);
	resize(BLOCKS);
	ck_assert_uint_eq(usable(), BLOCKS);
	end();
}
END_TEST

START_TEST(only_unplug_all_and_reset_shrink_usable)
{
	start(500, 0);
	plug(0, 10);
	resize(20);
	unplug(0, 10);
	ck_assert_uint_eq(usable(), 500 + EXTENT);
	ck_assert_int_eq(unplug_all(), VMEM_ACK);
	ck_assert_uint_eq(usable(), 20 + EXTENT);
	resize(10);
	ck_assert_int_eq(vmem_device_reset(device), 0);
	ck_assert_uint_eq(usable(), 10 + EXTENT);
	resize(0);
	ck_assert_int_eq(unplug_all(), VMEM_ACK);
	ck_assert_uint_eq(usable(), 0);
	ck_assert_int_eq(state(0, 1), -1);
	end();
}
END_TEST

START_TEST(a_large_block_makes_the_extent_two_blocks)
{
	struct vmem_device_config c = config(0);

	c.block = 65536;
	c.addr = 65536;
	c.region = 10 * 65536;
	c.requested = 65536;
	device = vmem_device_new(&c);
	link = vmem_device_link(device);
	ck_assert_uint_eq(now().usable, 3 * 65536);
	end();
}
END_TEST

START_TEST(the_last_block_of_the_region_can_be_plugged)
{
	start(BLOCKS, 0);
	ck_assert_int_eq(plug(0, BLOCKS), VMEM_ACK);
	ck_assert_int_eq(unplug(BLOCKS - 1, 1), VMEM_ACK);
	ck_assert_int_eq(plug(BLOCKS - 1, 2), VMEM_ERROR);
	ck_assert_int_eq(plug(BLOCKS - 1, 1), VMEM_ACK);
	ck_assert_int_eq(state(0, BLOCKS), VMEM_PLUGGED);
	end();
}
END_TEST

START_TEST(the_driver_is_interrupted_once_for_each_change_of_the_wish)
{
	start(4, 0);
	resize(5);
	ck_assert_uint_eq(interrupts, 1);
	resize(5);
	ck_assert_uint_eq(interrupts, 1);
	plug(0, 1);
	unplug_all();
	ck_assert_uint_eq(interrupts, 1);
	resize(0);
	ck_assert_uint_eq(interrupts, 2);
	vmem_device_on_config(device, NULL, NULL);
	resize(3);
	ck_assert_int_eq(vmem_device_reset(device), 0);
	ck_assert_uint_eq(interrupts, 2);
	end();
}
END_TEST

START_TEST(reset_unplugs_everything_and_keeps_the_wish)
{
	start(40, 1);
	plug(3, 2);
	story[0] = '\0';
	discard_error = -EIO;
	ck_assert_int_eq(vmem_device_reset(device), -EBUSY);
	ck_assert_uint_eq(plugged(), 2);
	ck_assert_uint_eq(interrupts, 0);
	discard_error = 0;
	story[0] = '\0';
	ck_assert_int_eq(vmem_device_reset(device), 0);
	told("discard 0+1024; a:unplugged 3+2; ");
	ck_assert_uint_eq(plugged(), 0);
	ck_assert_uint_eq(now().requested, 40 * BLOCK);
	ck_assert_uint_eq(interrupts, 1);
	end();
}
END_TEST

/* --- listeners
 * ------------------------------------------------------------------ */

START_TEST(a_listener_that_was_removed_hears_nothing)
{
	start(8, 3);
	vmem_device_unlisten(device, &listener[1].l);
	vmem_device_unlisten(device, &listener[1].l);
	plug(0, 1);
	told("commit 0+1; a:plugging 0+1; c:plugging 0+1; ");
	vmem_device_unlisten(device, &listener[0].l);
	vmem_device_listen(device, &listener[0].l);
	unplug(0, 1);
	told("discard 0+1; c:unplugged 0+1; a:unplugged 0+1; ");
	vmem_device_unlisten(device, &listener[2].l);
	vmem_device_unlisten(device, &listener[0].l);
	plug(0, 1);
	told("commit 0+1; ");
	end();
}
END_TEST

/* --- fail points and no backing
 * --------------------------------------------------- */

START_TEST(without_a_backing_the_memory_is_simulated)
{
	struct vmem_device_config c = config(8);

	c.backing = (struct vmem_backing){NULL, NULL, NULL};
	device = vmem_device_new(&c);
	link = vmem_device_link(device);
	ck_assert_int_eq(plug(0, 8), VMEM_ACK);
	ck_assert_int_eq(unplug(0, 4), VMEM_ACK);
	ck_assert_int_eq(unplug_all(), VMEM_ACK);
	ck_assert_int_eq(state(0, 8), VMEM_UNPLUGGED);
	end();
}
END_TEST

START_TEST(every_fail_point_makes_the_answer_busy_and_changes_nothing)
{
#ifdef PAGER_FAILPOINTS
	start(8, 1);
	pager_fail_arm(1);
	ck_assert_int_eq(plug(0, 4), VMEM_BUSY);
	ck_assert_str_eq(pager_fail_fired(), "vmem.commit");
	ck_assert_uint_eq(plugged(), 0);
	told("");
	pager_fail_arm(2);
	ck_assert_int_eq(plug(0, 4), VMEM_ACK);
	ck_assert_uint_eq(pager_fail_seen(), 1);
	story[0] = '\0';
	pager_fail_arm(1);
	ck_assert_int_eq(unplug(0, 4), VMEM_BUSY);
	ck_assert_str_eq(pager_fail_fired(), "vmem.discard");
	pager_fail_arm(1);
	ck_assert_int_eq(unplug_all(), VMEM_BUSY);
	ck_assert_str_eq(pager_fail_fired(), "vmem.discard");
	ck_assert_uint_eq(plugged(), 4);
	told("");
	/* The second point of a plug is the discard of a roll-back. */
	listener[0].answer = -EPERM;
	pager_fail_arm(2);
	ck_assert_int_eq(plug(4, 1), VMEM_BUSY);
	ck_assert_str_eq(pager_fail_fired(), "vmem.discard");
	pager_fail_arm(0);
	ck_assert_uint_eq(plugged(), 4);
	end();
#endif
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    a_new_device_says_what_it_was_made_with_and_nothing_is_plugged,
	    sizes_that_do_not_fit_make_no_device,
	    without_memory_for_its_records_there_is_no_device,
	    a_range_that_is_not_of_usable_blocks_is_an_error,
	    an_unknown_request_is_an_error,
	    plugging_more_than_requested_is_not_acknowledged,
	    after_a_smaller_wish_nothing_can_be_plugged,
	    a_wrong_range_is_an_error_before_it_is_too_much,
	    too_much_comes_before_blocks_that_are_plugged_already,
	    plugging_what_is_plugged_in_part_is_an_error_and_changes_nothing,
	    unplugging_what_is_not_all_plugged_is_an_error_and_changes_nothing,
	    unplugging_does_not_ask_what_is_requested,
	    plug_commits_then_asks_in_order_then_sets_the_bits,
	    plug_without_memory_is_busy_and_nobody_hears_of_it,
	    a_veto_cancels_those_who_agreed_in_reverse_and_discards,
	    a_veto_of_any_number_counts,
	    memory_that_a_roll_back_could_not_give_back_goes_with_unplug_all,
	    a_request_from_inside_of_a_listener_is_busy,
	    unplug_discards_then_tells_in_order_then_clears_the_bits,
	    unplug_that_cannot_discard_is_busy_and_changes_nothing,
	    unplug_all_discards_the_region_at_once_and_tells_of_each_run,
	    unplug_all_that_cannot_discard_is_busy_and_changes_nothing,
	    unplug_all_of_nothing_is_acknowledged_and_discards_nothing,
	    state_says_plugged_unplugged_or_mixed,
	    is_plugged_looks_at_every_block_that_the_pages_touch,
	    a_wish_that_is_not_of_blocks_or_beyond_the_region_is_refused,
	    usable_grows_with_the_wish_and_does_not_shrink_with_it,
	    only_unplug_all_and_reset_shrink_usable,
	    a_large_block_makes_the_extent_two_blocks,
	    the_last_block_of_the_region_can_be_plugged,
	    the_driver_is_interrupted_once_for_each_change_of_the_wish,
	    reset_unplugs_everything_and_keeps_the_wish,
	    a_listener_that_was_removed_hears_nothing,
	    without_a_backing_the_memory_is_simulated,
	    every_fail_point_makes_the_answer_busy_and_changes_nothing,
	};

	return UNIT_RUN("vmem_device", tests);
}
