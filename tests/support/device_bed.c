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

struct vmem_device *dbed_device;
struct vmem_link dbed_link;
struct dbed_listener dbed_listener[3];
size_t dbed_host_bytes;
unsigned int dbed_interrupts;
int dbed_commit_error, dbed_discard_error;
char dbed_story[4096];

static void *host_alloc(void *ctx, size_t bytes)
{
	(void)ctx;
	dbed_host_bytes += bytes;
	return calloc(1, bytes);
}

static void host_free(void *ctx, void *p, size_t bytes)
{
	(void)ctx;
	dbed_host_bytes -= bytes;
	free(p);
}

/* In blocks, relative to the region. */
static void note(const char *what, uint64_t pfn, uint64_t pages)
{
	size_t n = strlen(dbed_story);

	ck_assert_uint_eq(pfn % DBED_BLOCK, 0);
	ck_assert_uint_eq(pages % DBED_BLOCK, 0);
	snprintf(dbed_story + n, sizeof(dbed_story) - n,
		 "%s %" PRIu64 "+%" PRIu64 "; ", what,
		 (pfn - DBED_ADDR) / DBED_BLOCK, pages / DBED_BLOCK);
}

static int commit(void *ctx, uint64_t pfn, uint64_t pages)
{
	ck_assert_ptr_eq(ctx, dbed_story);
	note("commit", pfn, pages);
	return dbed_commit_error;
}

static int discard(void *ctx, uint64_t pfn, uint64_t pages)
{
	ck_assert_ptr_eq(ctx, dbed_story);
	note("discard", pfn, pages);
	return dbed_discard_error;
}

static int notify(void *ctx, enum vmem_event event, uint64_t pfn,
		  uint64_t pages)
{
	struct dbed_listener *l = ctx;
	char what[32];
	bool plugged = vmem_device_is_plugged(dbed_device, pfn, pages);

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
	ck_assert_ptr_eq(ctx, &dbed_interrupts);
	dbed_interrupts++;
}

struct vmem_device_config dbed_config(uint64_t requested)
{
	return (struct vmem_device_config){
	    .host = {NULL, host_alloc, host_free},
	    .addr = DBED_ADDR,
	    .region = DBED_BLOCKS * DBED_BLOCK,
	    .block = DBED_BLOCK,
	    .requested = requested * DBED_BLOCK,
	    .node = 3,
	    .backing = {dbed_story, commit, discard},
	};
}

void dbed_start(uint64_t requested, int n)
{
	const struct vmem_device_config c = dbed_config(requested);

	dbed_device = vmem_device_new(&c);
	ck_assert_ptr_nonnull(dbed_device);
	dbed_link = vmem_device_link(dbed_device);
	vmem_device_on_config(dbed_device, interrupt, &dbed_interrupts);
	for (int i = 0; i < n; i++) {
		dbed_listener[i] = (struct dbed_listener){
		    .l = {notify, &dbed_listener[i], NULL},
		    .name = (char)('a' + i)};
		vmem_device_listen(dbed_device, &dbed_listener[i].l);
	}
}

void dbed_end(void)
{
	ck_assert(vmem_device_check(dbed_device));
	vmem_device_free(dbed_device);
	ck_assert_uint_eq(dbed_host_bytes, 0);
}

struct vmem_config dbed_now(void)
{
	struct vmem_config c;

	dbed_link.ops->config(dbed_link.device, &c);
	return c;
}

uint64_t dbed_plugged(void)
{
	return dbed_now().plugged / DBED_BLOCK;
}

uint64_t dbed_usable(void)
{
	return dbed_now().usable / DBED_BLOCK;
}

enum vmem_response dbed_raw(enum vmem_request_type type, uint64_t pfn,
			    uint64_t blocks)
{
	const struct vmem_request r = {type, pfn, blocks};
	enum vmem_response response =
	    dbed_link.ops->request(dbed_link.device, &r).response;

	ck_assert(vmem_device_check(dbed_device));
	return response;
}

enum vmem_response dbed_plug(uint64_t first, uint64_t blocks)
{
	return dbed_raw(VMEM_PLUG, DBED_ADDR + first * DBED_BLOCK, blocks);
}

enum vmem_response dbed_unplug(uint64_t first, uint64_t blocks)
{
	return dbed_raw(VMEM_UNPLUG, DBED_ADDR + first * DBED_BLOCK, blocks);
}

enum vmem_response dbed_unplug_all(void)
{
	return dbed_raw(VMEM_UNPLUG_ALL, 0, 0);
}

int dbed_state(uint64_t first, uint64_t blocks)
{
	const struct vmem_request r = {VMEM_STATE,
				       DBED_ADDR + first * DBED_BLOCK, blocks};
	struct vmem_answer a = dbed_link.ops->request(dbed_link.device, &r);

	if (a.response == VMEM_ERROR)
		return -1;
	ck_assert_int_eq(a.response, VMEM_ACK);
	return (int)a.state;
}

void dbed_resize(uint64_t blocks)
{
	unit_ok(vmem_device_resize(dbed_device, blocks * DBED_BLOCK));
}
