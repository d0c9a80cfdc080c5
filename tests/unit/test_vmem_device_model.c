/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtio-mem device beside a naive one, a byte a block, over random
 * requests, wishes, refusals of the backing and vetoes of the listeners. Each
 * listener and the backing keep a picture of their own of what is plugged.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/core/vmem.h"
#include "tests/support/rng.h"
#include "tests/support/unit.h"

enum { BLOCKS_MAX = 700, LISTENERS = 3 };

/* How a machine of the test looks; in pages. */
struct shape {
	uint64_t addr, block, blocks;
};

static const struct shape shapes[] = {
    {0x40000, 512, 300},	  {512, 512, 1},       {0x10000, 1, 70},
    {UINT64_C(1) << 40, 64, 700}, {0, 32768, 64},      {0x100000, 131072, 65},
    {0x8000, 8192, 128},	  {0x40000, 256, 257},
};

struct naive {
	uint64_t requested, usable, plugged; /* blocks */
	bool stale; /* a roll-back could not give memory back */
	uint8_t map[BLOCKS_MAX];
};

static struct shape shape;
static struct vmem_device *device;
static struct vmem_link link;
static struct naive naive;
static struct rng rng;

/* The others' pictures. */
static uint8_t committed[BLOCKS_MAX];
static struct mirror {
	struct vmem_listener l;
	uint8_t map[BLOCKS_MAX];
} mirror[LISTENERS];
static bool fail_commit, fail_discard;
static int veto; /* the listener that says no; -1: none */

static void *host_alloc(void *ctx, size_t bytes)
{
	(void)ctx;
	return calloc(1, bytes);
}

static void host_free(void *ctx, void *p, size_t bytes)
{
	(void)ctx;
	(void)bytes;
	free(p);
}

static void paint(uint8_t *map, uint64_t pfn, uint64_t pages, uint8_t value)
{
	for (uint64_t p = pfn; p < pfn + pages; p += shape.block)
		map[(p - shape.addr) / shape.block] = value;
}

static int commit(void *ctx, uint64_t pfn, uint64_t pages)
{
	(void)ctx;
	if (fail_commit)
		return -ENOSPC;
	paint(committed, pfn, pages, 1);
	return 0;
}

static int discard(void *ctx, uint64_t pfn, uint64_t pages)
{
	(void)ctx;
	if (fail_discard)
		return -EIO;
	paint(committed, pfn, pages, 0);
	return 0;
}

static int notify(void *ctx, enum vmem_event event, uint64_t pfn,
		  uint64_t pages)
{
	struct mirror *m = ctx;

	if (event == VMEM_PLUGGING && m == &mirror[veto < 0 ? 0 : veto] &&
	    veto >= 0)
		return -EPERM;
	paint(m->map, pfn, pages, event == VMEM_PLUGGING);
	return 0;
}

static bool naive_valid(const struct vmem_request *r)
{
	uint64_t first;

	if (r->pfn < shape.addr || (r->pfn - shape.addr) % shape.block)
		return false;
	first = (r->pfn - shape.addr) / shape.block;
	return r->blocks > 0 && r->blocks <= naive.usable &&
	       first <= naive.usable - r->blocks;
}

static uint64_t naive_count(const struct vmem_request *r)
{
	uint64_t n = 0;

	for (uint64_t i = 0; i < r->blocks; i++)
		n += naive.map[(r->pfn - shape.addr) / shape.block + i];
	return n;
}

static uint64_t naive_usable(void)
{
	uint64_t extent = 65536 / shape.block;

	if (naive.requested == 0)
		return 0;
	if (extent < 2)
		extent = 2;
	return naive.requested + extent < shape.blocks
		   ? naive.requested + extent
		   : shape.blocks;
}

static enum vmem_response naive_plug(const struct vmem_request *r)
{
	if (!naive_valid(r))
		return VMEM_ERROR;
	if (naive.plugged + r->blocks > naive.requested)
		return VMEM_NACK;
	if (naive_count(r) != 0)
		return VMEM_ERROR;
	if (fail_commit)
		return VMEM_BUSY;
	if (veto >= 0) {
		naive.stale |= fail_discard;
		return VMEM_BUSY;
	}
	paint(naive.map, r->pfn, r->blocks * shape.block, 1);
	naive.plugged += r->blocks;
	return VMEM_ACK;
}

static enum vmem_response naive_unplug(const struct vmem_request *r)
{
	if (!naive_valid(r) || naive_count(r) != r->blocks)
		return VMEM_ERROR;
	if (fail_discard)
		return VMEM_BUSY;
	paint(naive.map, r->pfn, r->blocks * shape.block, 0);
	naive.plugged -= r->blocks;
	return VMEM_ACK;
}

static enum vmem_response naive_unplug_all(void)
{
	if (fail_discard && (naive.plugged || naive.stale))
		return VMEM_BUSY;
	memset(naive.map, 0, sizeof(naive.map));
	naive.plugged = 0;
	naive.stale = false;
	naive.usable = naive_usable();
	return VMEM_ACK;
}

static void check_state(const struct vmem_request *r)
{
	const struct vmem_request look = {VMEM_STATE, r->pfn, r->blocks};
	struct vmem_answer a = link.ops->request(link.device, &look);
	uint64_t n;

	if (!naive_valid(r)) {
		ck_assert_int_eq(a.response, VMEM_ERROR);
		return;
	}
	n = naive_count(r);
	ck_assert_int_eq(a.response, VMEM_ACK);
	ck_assert_int_eq(a.state, n == 0	   ? VMEM_UNPLUGGED
				  : n == r->blocks ? VMEM_PLUGGED
						   : VMEM_MIXED);
	ck_assert(
	    vmem_device_is_plugged(device, r->pfn, r->blocks * shape.block) ==
	    (n == r->blocks));
}

static void check(void)
{
	struct vmem_config c;

	link.ops->config(link.device, &c);
	ck_assert_uint_eq(c.requested, naive.requested * shape.block);
	ck_assert_uint_eq(c.usable, naive.usable * shape.block);
	ck_assert_uint_eq(c.plugged, naive.plugged * shape.block);
	ck_assert(vmem_device_check(device));
	for (uint64_t i = 0; i < shape.blocks; i++) {
		const uint64_t pfn = shape.addr + i * shape.block;
		bool is = vmem_device_is_plugged(device, pfn, 1);

		if (is != (naive.map[i] == 1) || (is && !committed[i]))
			ck_abort_msg("block %u", (unsigned int)i);
	}
	for (int i = 0; i < LISTENERS; i++)
		ck_assert_mem_eq(mirror[i].map, naive.map, BLOCKS_MAX);
}

/* Mostly a range that is right, or nearly; sometimes anything. */
static void draw_range(struct vmem_request *r)
{
	uint64_t first = rng_below(&rng, shape.blocks);

	r->pfn = shape.addr + first * shape.block;
	r->blocks = 1 + rng_below(&rng, rng_percent(&rng, 70) ? 8 : 200);
	if (rng_percent(&rng, 30)) {
		/* The rest of a run of one kind. */
		r->blocks = 1;
		while (first + r->blocks < shape.blocks &&
		       naive.map[first + r->blocks] == naive.map[first])
			r->blocks++;
	}
	switch (rng_below(&rng, 40)) {
	case 0:
		r->pfn += 1 + rng_below(&rng, shape.block);
		break;
	case 1:
		r->pfn = rng_next(&rng) & ~(shape.block - 1);
		break;
	case 2:
		r->blocks = rng_next(&rng) >> rng_below(&rng, 64);
		break;
	case 3:
		r->blocks = 0;
		break;
	case 4: /* as much as wraps to little */
		r->blocks += UINT64_MAX / shape.block + 1;
		break;
	case 5:
		r->blocks += shape.blocks - first;
		break;
	default:
		break;
	}
}

static void one_request(void)
{
	struct vmem_request r;
	enum vmem_response expected, got;

	draw_range(&r);
	r.type = rng_percent(&rng, 50) ? VMEM_PLUG : VMEM_UNPLUG;
	if (rng_percent(&rng, 1))
		r.type = VMEM_UNPLUG_ALL;
	fail_commit = rng_percent(&rng, 10);
	fail_discard = rng_percent(&rng, 10);
	veto = rng_percent(&rng, 10) ? (int)rng_below(&rng, LISTENERS) : -1;
	got = link.ops->request(link.device, &r).response;
	expected = r.type == VMEM_PLUG	   ? naive_plug(&r)
		   : r.type == VMEM_UNPLUG ? naive_unplug(&r)
					   : naive_unplug_all();
	ck_assert_int_eq(got, expected);
	if (got == VMEM_ACK && r.type == VMEM_UNPLUG_ALL)
		ck_assert_mem_eq(committed, naive.map, BLOCKS_MAX);
	draw_range(&r);
	check_state(&r);
}

static void one_wish(void)
{
	uint64_t wish = rng_below(&rng, shape.blocks + 1);
	struct pager_status st;

	if (rng_percent(&rng, 5)) {
		wish = shape.blocks + 1 + rng_below(&rng, 1000);
		st = vmem_device_resize(device, wish * shape.block);
		ck_assert_uint_eq(st.err, PAGER_ERANGE);
		return;
	}
	st = vmem_device_resize(device, wish * shape.block);
	ck_assert_uint_eq(st.err, PAGER_OK);
	naive.requested = wish;
	if (naive_usable() > naive.usable)
		naive.usable = naive_usable();
}

static void start(void)
{
	struct vmem_device_config config = {
	    .host = {NULL, host_alloc, host_free},
	    .addr = shape.addr,
	    .region = shape.blocks * shape.block,
	    .block = shape.block,
	    .backing = {NULL, commit, discard},
	};

	memset(&naive, 0, sizeof(naive));
	memset(committed, 0, sizeof(committed));
	memset(mirror, 0, sizeof(mirror));
	device = vmem_device_new(&config);
	ck_assert_ptr_nonnull(device);
	link = vmem_device_link(device);
	for (int i = 0; i < LISTENERS; i++) {
		mirror[i].l = (struct vmem_listener){notify, &mirror[i], NULL};
		vmem_device_listen(device, &mirror[i].l);
	}
}

START_TEST(random_requests_are_answered_as_by_a_device_of_a_byte_a_block)
{
	for (size_t k = 0; k < sizeof(shapes) / sizeof(shapes[0]); k++) {
		shape = shapes[k];
		rng = rng_new(k);
		start();
		for (int i = 0; i < 4000; i++) {
			if (rng_percent(&rng, 10))
				one_wish();
			else
				one_request();
			if (i % 8 == 0)
				check();
		}
		check();
		vmem_device_free(device);
	}
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    random_requests_are_answered_as_by_a_device_of_a_byte_a_block,
	};

	return UNIT_RUN("vmem_device_model", tests);
}
