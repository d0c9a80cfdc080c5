/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The recount of pools finds whatever is wrong: each book is falsified alone,
 * and must be contradicted by another.
 */
#include <string.h>

#include "lib/core/vmem_driver_int.h"
#include "tests/support/pool_bed.h"

/* Three blocks and a half of five: MOVABLE, OFFLINE, KERNEL, MOVABLE in part,
 * and one that is not there. */
static void start(void)
{
	pbed_start(5);
	pbed_resize(3 * PBED_BLOCK + PBED_SUB);
	unit_ok(pager_pool_offline(pbed_pool, PBED_AT + PBED_BLOCK));
	unit_ok(pager_pool_offline(pbed_pool, PBED_AT + 2 * PBED_BLOCK));
	unit_ok(pager_pool_online(pbed_pool, PBED_AT + 2 * PBED_BLOCK,
				  VMEM_ZONE_KERNEL));
	test_world_settle(&unit_world, 5);
	unit_check();
}

static void finds(const char *what)
{
	char why[256] = "";
	struct pager_status st =
	    pager_core_recount(pbed_core, why, sizeof(why));

	ck_assert_msg(st.err == PAGER_ECORRUPT, "not found: %s", what);
	ck_assert_msg(strstr(why, what) != NULL, "not \"%s\": %s", what, why);
}

/* Falsify something, see it found, and put it right. */
#define FINDS(thing, value, what)                 \
	do {                                      \
		__typeof__(thing) saved_ = thing; \
		thing = value;                    \
		finds(what);                      \
		thing = saved_;                   \
		unit_check();                     \
	} while (0)

START_TEST(a_block_that_is_not_what_the_driver_thinks)
{
	struct block *b;

	start();
	b = pbed_pool->blocks.block;
	FINDS(b[0].state, PAGER_BLOCK_OFFLINE, "its block offline");
	FINDS(b[0].state, PAGER_BLOCK_ABSENT, "its block absent");
	FINDS(b[0].state, 3, "has no state");
	FINDS(b[0].zone, 2, "has no state");
	FINDS(b[0].zone, VMEM_ZONE_KERNEL, "its block online in zone 0");
	FINDS(b[1].state, PAGER_BLOCK_ABSENT, "the driver says state 2");
	FINDS(b[1].state, PAGER_BLOCK_ONLINE, "is offline in zone 0");
	FINDS(b[4].state, PAGER_BLOCK_OFFLINE, "the driver says state 0");
	FINDS(b[4].state, PAGER_BLOCK_ONLINE, "the driver says state 0");
	unit_end();
}
END_TEST

START_TEST(a_driver_that_thinks_something_else)
{
	struct vmem_driver *d;

	start();
	d = pbed_pool->driver;
	FINDS(d->state[0], SBM_KERNEL, "the driver says state");
	FINDS(d->state[0], SBM_MOVABLE_PARTIAL, "the driver says state");
	FINDS(d->state[1], SBM_PLUGGED, "the driver says state");
	FINDS(d->state[1], SBM_OFFLINE_PARTIAL, "the driver says state");
	FINDS(d->state[2], SBM_UNUSED, "the driver says state");
	FINDS(d->state[3], SBM_MOVABLE, "the driver says state");
	FINDS(d->state[4], SBM_PLUGGED, "the driver says state");
	FINDS(d->bits[0], d->bits[0] ^ 1, "in the driver 0");
	FINDS(d->bits[0], d->bits[0] ^ 1u << 9, "in the driver 1");
	FINDS(d->plugged, d->plugged + PBED_SUB, "plugged in the device");
	unit_end();
}
END_TEST

static void ask_device(enum vmem_request_type type, uint64_t pfn)
{
	const struct vmem_request r = {type, pfn, 1};
	struct vmem_link link = vmem_device_link(pbed_pool->device);

	ck_assert_uint_eq(link.ops->request(link.device, &r).response,
			  VMEM_ACK);
}

START_TEST(a_device_that_has_something_else)
{
	const uint64_t absent = PBED_AT + 4 * PBED_BLOCK;
	const uint64_t offline = PBED_AT + PBED_BLOCK;

	start();
	unit_ok(vmem_device_resize(pbed_pool->device, 5 * PBED_BLOCK));
	ask_device(VMEM_PLUG, absent);
	finds("is absent; plugged in the device 1");
	ask_device(VMEM_UNPLUG, absent);
	unit_check();
	ask_device(VMEM_UNPLUG, offline);
	finds("is offline; plugged in the device 0");
	ask_device(VMEM_PLUG, offline);
	unit_end();
}
END_TEST

START_TEST(a_chunk_that_was_left_on_the_way)
{
	const uint32_t first = PBED_AT / CHUNK_FRAMES;
	const uint32_t off = (PBED_AT + PBED_BLOCK) / CHUNK_FRAMES;

	start();
	chunk_isolate(pbed_core, first);
	finds("left isolated");
	chunk_unisolate(pbed_core, first);
	unit_check();
	chunk_isolate(pbed_core, first);
	chunk_offline(pbed_core, first);
	finds("is offline in zone 0, its block online in zone 1");
	chunk_online(pbed_core, first, VMEM_ZONE_KERNEL);
	finds("is online in zone 0, its block online in zone 1");
	chunk_isolate(pbed_core, first);
	chunk_offline(pbed_core, first);
	chunk_online(pbed_core, first, VMEM_ZONE_MOVABLE);
	unit_check();
	chunk_online(pbed_core, off, VMEM_ZONE_MOVABLE);
	finds("its block offline");
	chunk_isolate(pbed_core, off);
	chunk_offline(pbed_core, off);
	chunk_remove(pbed_core, off);
	finds("is absent; plugged in the device 1");
	chunk_add(pbed_core, off, CHUNK_FRAMES);
	unit_end();
}
END_TEST

START_TEST(sums_that_do_not_add_up)
{
	struct blocks *b;

	start();
	b = &pbed_pool->blocks;
	FINDS(b->present[VMEM_ZONE_KERNEL], 0, "present in zone 0");
	FINDS(b->present[VMEM_ZONE_MOVABLE], PBED_BLOCK, "present in zone 1");
	FINDS(pbed_core->pools.working, true, "left working");
	unit_end();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	    a_block_that_is_not_what_the_driver_thinks,
	    a_driver_that_thinks_something_else,
	    a_device_that_has_something_else,
	    a_chunk_that_was_left_on_the_way,
	    sums_that_do_not_add_up,
	};

	return UNIT_RUN("recount_pool", tests);
}
