/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bed of the virtio-mem device's tests. After every request the device is
 * asked whether it is sound.
 */
#include "tests/support/device_bed.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/unit.h"

struct vmem_device *bed_device;
struct vmem_link bed_link;
struct bed_listener bed_listener[3];
size_t bed_host_bytes;
unsigned int bed_interrupts;
int bed_commit_error, bed_discard_error;
char bed_story[4096];

static void *host_alloc(void *ctx, size_t bytes)
{
	(void)ctx;
	bed_host_bytes += bytes;
	return calloc(1, bytes);
}

static void host_free(void *ctx, void *p, size_t bytes)
{
	(void)ctx;
	bed_host_bytes -= bytes;
	free(p);
}

/* In blocks, relative to the region. */
static void note(const char *what, uint64_t pfn, uint64_t pages)
{
	size_t n = strlen(bed_story);

	ck_assert_uint_eq(pfn % BED_BLOCK, 0);
	ck_assert_uint_eq(pages % BED_BLOCK, 0);
	snprintf(bed_story + n, sizeof(bed_story) - n,
		 "%s %" PRIu64 "+%" PRIu64 "; ", what,
		 (pfn - BED_ADDR) / BED_BLOCK, pages / BED_BLOCK);
}

static int commit(void *ctx, uint64_t pfn, uint64_t pages)
{
	ck_assert_ptr_eq(ctx, bed_story);
	note("commit", pfn, pages);
	return bed_commit_error;
}

static int discard(void *ctx, uint64_t pfn, uint64_t pages)
{
	ck_assert_ptr_eq(ctx, bed_story);
	note("discard", pfn, pages);
	return bed_discard_error;
}

static int notify(void *ctx, enum vmem_event event, uint64_t pfn,
		  uint64_t pages)
{
	struct bed_listener *l = ctx;
	char what[32];
	bool plugged = vmem_device_is_plugged(bed_device, pfn, pages);

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
	ck_assert_ptr_eq(ctx, &bed_interrupts);
	bed_interrupts++;
}

struct vmem_device_config bed_config(uint64_t requested)
{
	return (struct vmem_device_config){
	    .host = {NULL, host_alloc, host_free},
	    .addr = BED_ADDR,
	    .region = BED_BLOCKS * BED_BLOCK,
	    .block = BED_BLOCK,
	    .requested = requested * BED_BLOCK,
	    .node = 3,
	    .backing = {bed_story, commit, discard},
	};
}

void bed_start(uint64_t requested, int n)
{
	const struct vmem_device_config c = bed_config(requested);

	bed_device = vmem_device_new(&c);
	ck_assert_ptr_nonnull(bed_device);
	bed_link = vmem_device_link(bed_device);
	vmem_device_on_config(bed_device, interrupt, &bed_interrupts);
	for (int i = 0; i < n; i++) {
		bed_listener[i] =
		    (struct bed_listener){.l = {notify, &bed_listener[i], NULL},
					  .name = (char)('a' + i)};
		vmem_device_listen(bed_device, &bed_listener[i].l);
	}
}

void bed_end(void)
{
	ck_assert(vmem_device_check(bed_device));
	vmem_device_free(bed_device);
	ck_assert_uint_eq(bed_host_bytes, 0);
}

struct vmem_config bed_now(void)
{
	struct vmem_config c;

	bed_link.ops->config(bed_link.device, &c);
	return c;
}

uint64_t bed_plugged(void)
{
	return bed_now().plugged / BED_BLOCK;
}

uint64_t bed_usable(void)
{
	return bed_now().usable / BED_BLOCK;
}

enum vmem_response bed_raw(enum vmem_request_type type, uint64_t pfn,
			   uint64_t blocks)
{
	const struct vmem_request r = {type, pfn, blocks};
	enum vmem_response response =
	    bed_link.ops->request(bed_link.device, &r).response;

	ck_assert(vmem_device_check(bed_device));
	return response;
}

enum vmem_response bed_plug(uint64_t first, uint64_t blocks)
{
	return bed_raw(VMEM_PLUG, BED_ADDR + first * BED_BLOCK, blocks);
}

enum vmem_response bed_unplug(uint64_t first, uint64_t blocks)
{
	return bed_raw(VMEM_UNPLUG, BED_ADDR + first * BED_BLOCK, blocks);
}

enum vmem_response bed_unplug_all(void)
{
	return bed_raw(VMEM_UNPLUG_ALL, 0, 0);
}

int bed_state(uint64_t first, uint64_t blocks)
{
	const struct vmem_request r = {VMEM_STATE, BED_ADDR + first * BED_BLOCK,
				       blocks};
	struct vmem_answer a = bed_link.ops->request(bed_link.device, &r);

	if (a.response == VMEM_ERROR)
		return -1;
	ck_assert_int_eq(a.response, VMEM_ACK);
	return (int)a.state;
}

void bed_resize(uint64_t blocks)
{
	unit_ok(vmem_device_resize(bed_device, blocks * BED_BLOCK));
}
