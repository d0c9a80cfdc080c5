/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the driver says of itself, against what the device and the memory
 * manager were told.
 */
#include "tests/support/vmem_script.h"

#include <inttypes.h>

struct vs vs;

uint64_t vs_block(const struct vs *s)
{
	struct vmem_driver_info info = vs_info(s);

	return info.bbm ? info.sub_block : s->memory_block;
}

static bool device_has(const struct vs *s, uint64_t i)
{
	if (s->inner.ops)
		return s->inner_has(s->inner.device, s->device.addr + i);
	return s->page[i].device;
}

uint64_t vs_plugged(const struct vs *s)
{
	uint64_t n = 0;

	for (uint64_t i = 0; i < s->device.region; i++)
		n += device_has(s, i);
	return n;
}

/* What the state of a memory block must be, sub-blocks being plugged so. */
static unsigned int sbm_state(const struct vs_block *b, uint64_t plugged,
			      uint64_t size)
{
	unsigned int partial = plugged != size;

	switch (b->state) {
	case VS_ABSENT:
		return plugged ? SBM_PLUGGED : SBM_UNUSED;
	case VS_OFFLINE:
		return SBM_OFFLINE + partial;
	case VS_ONLINE:
		break;
	}
	return (b->zone == VMEM_ZONE_MOVABLE ? SBM_MOVABLE : SBM_KERNEL) +
	       partial;
}

static void check_bbm(unsigned int state, const struct vs_block *b,
		      uint64_t plugged, uint64_t size)
{
	ck_assert(plugged == 0 || plugged == size);
	ck_assert_int_eq(plugged != 0, state != BBM_UNUSED);
	ck_assert_int_eq(b->state != VS_ABSENT,
			 state == BBM_ADDED || state == BBM_FAKE_OFFLINE);
}

static bool page_agrees(const struct vs *s, uint64_t i,
			const struct vs_block *b,
			const struct vmem_driver_info *info, unsigned int state)
{
	const struct vs_page *p = &s->page[i];
	uint64_t pfn = s->device.addr + i;

	if (p->plugged != device_has(s, i) || (p->used && !p->usable))
		return false;
	if (info->bbm)
		return state == BBM_FAKE_OFFLINE ||
		       p->usable == (p->plugged && b->state == VS_ONLINE);
	return p->usable == (p->plugged && b->state == VS_ONLINE) &&
	       p->plugged == vmem_driver_is_plugged(s->driver, pfn);
}

void vs_check(const struct vs *s)
{
	struct vmem_driver_info info = vs_info(s);
	uint64_t size = s->memory_block, states[SBM_STATES] = {0};
	uint64_t lead = -s->device.addr % size, all = 0, offline = 0;

	for (uint64_t i = lead; i + size <= s->device.region; i += size) {
		const struct vs_block *b = &s->block[i / size];
		uint64_t pfn = s->device.addr + i, plugged = 0;
		unsigned int state = vmem_driver_state(s->driver, pfn);

		for (uint64_t j = i; j < i + size; j++) {
			plugged += s->page[j].plugged;
			if (!page_agrees(s, j, b, &info, state))
				ck_abort_msg("page %" PRIu64 " of a block in "
					     "state %u",
					     s->device.addr + j, state);
		}
		if (info.bbm)
			check_bbm(state, b, plugged, size);
		else
			ck_assert_uint_eq(state, sbm_state(b, plugged, size));
		states[state]++;
		all += plugged;
		offline += b->state == VS_ONLINE ? 0 : plugged;
	}
	ck_assert_uint_eq(info.plugged, all);
	ck_assert_uint_eq(info.offline, offline);
	for (unsigned int i = 1; i < SBM_STATES && !info.bbm; i++)
		ck_assert_uint_eq(info.states[i], states[i]);
}

struct vs *vs_fresh(int auto_zone)
{
	vs_init(&vs);
	vs.auto_zone = auto_zone;
	vs_start(&vs);
	ck_assert_ptr_nonnull(vs.driver);
	return &vs;
}

struct vs *vs_with(int auto_zone, uint64_t pages)
{
	vs_fresh(auto_zone);
	vs_go(pages);
	vs_hush(&vs);
	return &vs;
}

void vs_go(uint64_t pages)
{
	vs_request(&vs, pages);
	ck_assert_int_eq(vs_run(&vs, 0), VMEM_IDLE);
	vs_check(&vs);
}

unsigned int vs_state(uint64_t pfn)
{
	return vmem_driver_state(vs.driver, pfn);
}

void vs_done(void)
{
	vs_check(&vs);
	vs_end(&vs);
}
