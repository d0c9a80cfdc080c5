/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sub-block mode: memory is plugged by sub-blocks and added by memory blocks.
 *
 *	UNUSED ── plug ──> (add) OFFLINE ── online ──> KERNEL or MOVABLE
 *	   ^                │ _PARTIAL   <── offline ──  _PARTIAL
 *	   │    add failed  │    │                          │
 *	   ├── unplug ──────┤    └─ emptied: UNUSED, remove │
 *	   └── PLUGGED <────┘       emptied: offline_and_remove ┘ UNUSED
 *	       unplug failed, tried first in every run
 *
 * PARTIAL means that some sub-block is not plugged; one that has none is
 * added and could not be removed: it stands in the map of empty ones, too.
 *
 * Plugging fills from the bottom, block by block in the order of their states;
 * a gap goes by one request. Unplugging is in vmem_sbm_unplug.c.
 *
 * Must not know: what memory is used for.
 */
#include "lib/core/vmem_sbm_int.h"

#include <assert.h>

static const uint8_t plug_order[] = {SBM_KERNEL_PARTIAL, SBM_MOVABLE_PARTIAL,
				     SBM_OFFLINE_PARTIAL};

static int plug_subs(struct vmem_driver *d, uint64_t block, struct sbm_subs s)
{
	int rc =
	    vmem_plug(d, sbm_pfn(d, block, s.from), (s.to - s.from) * d->unit);

	if (rc)
		return rc;
	bits_set(d->bits, sbm_bit(d, block, s.from), sbm_bit(d, block, s.to));
	hbits_clear(&d->empty, block);
	return 0;
}

/* --- plugging --------------------------------------------------------------
 */

/* Fill the gaps of a block that is added, from the bottom. */
static int plug_gaps(struct vmem_driver *d, uint64_t block, uint64_t n)
{
	uint64_t pfn = vmem_block_pfn(d, block);
	bool online = sbm_is_online(d->state[block]);
	uint64_t base = sbm_bit(d, block, 0), end = base + d->parts;
	int rc = 0;

	vmem_hold(d, pfn, d->size);
	while (n && !rc) {
		uint64_t from = bits_next_clear(d->bits, base, end);
		uint64_t most = n < end - from ? from + n : end;
		uint64_t to = bits_next_set(d->bits, from, most);
		struct sbm_subs s = {from - base, to - base};

		if (from == end)
			break;
		rc = plug_subs(d, block, s);
		if (rc)
			break;
		n -= to - from;
		if (online)
			vmem_return(d, sbm_pfn(d, block, s.from),
				    (to - from) * d->unit);
	}
	vmem_release(d);
	sbm_set_added(d, block, d->state[block]);
	return rc ? rc : VMEM_PIECE_MORE;
}

/* The block's state says offline before the mm adds it: notifiers see that. */
static int plug_and_add(struct vmem_driver *d, uint64_t block, uint64_t n)
{
	const struct vmem_mm *mm = &d->config.mm;
	struct sbm_subs s = {0, n < d->parts ? n : d->parts};
	int rc = plug_subs(d, block, s);

	if (rc)
		return rc;
	sbm_set_added(d, block, SBM_OFFLINE);
	rc = mm->ops->add(mm->mm, vmem_block_pfn(d, block), d->size);
	if (!rc)
		return VMEM_PIECE_MORE;
	vmem_set_state(d, block,
		       vmem_sbm_unplug_subs(d, block, s) ? SBM_PLUGGED
							 : SBM_UNUSED);
	return rc;
}

static int sbm_plug(struct vmem_driver *d, uint64_t n)
{
	uint64_t block;
	int rc;

	for (size_t i = 0; i < sizeof(plug_order); i++) {
		block = hbits_next(&d->map[plug_order[i]], 0);
		if (block != VMEM_NONE)
			return plug_gaps(d, block, n);
	}
	rc = vmem_next_block(d, &block);
	return rc ? rc : plug_and_add(d, block, n);
}

static void sbm_restart(struct vmem_driver *d)
{
	(void)d;
}

/* --- notifiers and looking -------------------------------------------------
 */

static int sbm_notify(struct vmem_driver *d, enum vmem_event event,
		      uint64_t pfn, enum vmem_zone zone)
{
	uint64_t block = (pfn - d->first) / d->size;
	unsigned int state = d->state[block];

	switch (event) {
	case VMEM_GOING_ONLINE:
		return sbm_is_offline(state) ? 0 : -EBUSY;
	case VMEM_GOING_OFFLINE:
		return sbm_is_online(state) ? 0 : -EBUSY;
	case VMEM_ONLINE:
		assert(sbm_is_offline(state));
		sbm_set_added(d, block,
			      zone == VMEM_ZONE_MOVABLE ? SBM_MOVABLE
							: SBM_KERNEL);
		break;
	case VMEM_OFFLINE:
		assert(sbm_is_online(state));
		sbm_set_added(d, block, SBM_OFFLINE);
		break;
	default:
		break;
	}
	return 0;
}

static bool sbm_usable(const struct vmem_driver *d, uint64_t pfn)
{
	return bits_test(d->bits, (pfn - d->first) / d->unit);
}

static uint64_t sbm_offline(const struct vmem_driver *d)
{
	return (d->map[SBM_OFFLINE].count + d->map[SBM_OFFLINE_PARTIAL].count) *
	       d->size;
}

static uint64_t plugged_of(const struct vmem_driver *d, unsigned int state)
{
	const struct hbits *map = &d->map[state];
	uint64_t n = 0;

	for (uint64_t b = hbits_next(map, 0); b != VMEM_NONE;
	     b = hbits_next(map, b + 1))
		n += bits_count(d->bits, sbm_bit(d, b, 0),
				sbm_bit(d, b, d->parts));
	return n * d->unit;
}

static uint64_t sbm_plugged_offline(const struct vmem_driver *d)
{
	return d->map[SBM_OFFLINE].count * d->size +
	       plugged_of(d, SBM_OFFLINE_PARTIAL) + plugged_of(d, SBM_PLUGGED);
}

const struct vmem_mode vmem_sbm = {
    .restart = sbm_restart,
    .pending = vmem_sbm_pending,
    .cleanup = vmem_sbm_cleanup,
    .plug = sbm_plug,
    .unplug = vmem_sbm_unplug,
    .notify = sbm_notify,
    .usable = sbm_usable,
    .offline = sbm_offline,
    .plugged_offline = sbm_plugged_offline,
};
