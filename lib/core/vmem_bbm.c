/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Big-block mode: a block of one or more memory blocks is plugged, added,
 * offlined, removed and unplugged as a whole.
 *
 *	UNUSED ── plug ──> ADDED (add) ──────────────> FAKE_OFFLINE
 *	   ^                 │  ^                        │  │
 *	   │     add failed  │  └─── busy: rolled back ──┘  │ all of it taken
 *	   ├──── unplug ─────┤                              │ out of use
 *	   └── PLUGGED <─────┴── offline_and_remove, unplug ┘
 *	       unplug failed, tried first in every run
 *
 * Three passes when unplugging, each from the top: blocks that are offline;
 * blocks of which nothing is in the zone KERNEL; any.
 *
 * Safe mode takes the memory blocks out of use one by one, over as many steps,
 * before anything goes offline, so that what can fail fails early and is
 * rolled back exactly. While a block is FAKE_OFFLINE, what comes online of it
 * stays out of use; it is in use again if the block goes back to ADDED.
 *
 * Must not know: how memory is moved, what it is used for.
 */
#include "lib/core/vmem_driver_int.h"

#include <assert.h>

enum bbm_part { PART_ABSENT, PART_OFFLINE, PART_KERNEL, PART_MOVABLE };

/* --- memory blocks of a big block ------------------------------------------
 */

static uint64_t first_part(const struct vmem_driver *d, uint64_t block)
{
	return block * d->parts;
}

static uint64_t part_pfn(const struct vmem_driver *d, uint64_t part)
{
	return d->first + part * d->memory_block;
}

static bool part_online(const struct vmem_driver *d, uint64_t part)
{
	return d->part[part] >= PART_KERNEL;
}

static enum vmem_class class_of(const struct vmem_driver *d, uint64_t block)
{
	enum vmem_class class = VMEM_CLASS_OFFLINE;
	uint64_t part = first_part(d, block);

	for (uint64_t i = 0; i < d->parts; i++) {
		if (d->part[part + i] == PART_KERNEL)
			return VMEM_CLASS_KERNEL;
		if (d->part[part + i] == PART_MOVABLE)
			class = VMEM_CLASS_MOVABLE;
	}
	return class;
}

/* State and, of an added block, its class. */
static void set_block(struct vmem_driver *d, uint64_t block,
		      enum vmem_bbm_state state)
{
	vmem_set_state(d, block, state);
	for (unsigned int c = 0; c < VMEM_CLASSES; c++)
		hbits_clear(&d->class[c], block);
	if (state == BBM_ADDED)
		hbits_set(&d->class[class_of(d, block)], block);
}

static void set_part(struct vmem_driver *d, uint64_t part, enum bbm_part now)
{
	d->offline_parts -= d->part[part] == PART_OFFLINE;
	d->offline_parts += now == PART_OFFLINE;
	d->part[part] = (uint8_t)now;
}

static void set_parts(struct vmem_driver *d, uint64_t block, enum bbm_part now)
{
	uint64_t part = first_part(d, block);

	for (uint64_t i = 0; i < d->parts; i++)
		set_part(d, part + i, now);
	bits_clear(d->bits, part, part + d->parts);
}

/* --- plugging --------------------------------------------------------------
 */

static int bbm_plug(struct vmem_driver *d, uint64_t n)
{
	const struct vmem_mm *mm = &d->config.mm;
	uint64_t block, pfn;
	int rc = vmem_next_block(d, &block);

	(void)n;
	if (rc)
		return rc;
	pfn = vmem_block_pfn(d, block);
	rc = vmem_plug(d, pfn, d->size);
	if (rc)
		return rc;
	set_parts(d, block, PART_OFFLINE);
	set_block(d, block, BBM_ADDED);
	rc = mm->ops->add(mm->mm, pfn, d->size);
	if (!rc)
		return VMEM_PIECE_MORE;
	set_parts(d, block, PART_ABSENT);
	set_block(d, block,
		  vmem_unplug(d, pfn, d->size) ? BBM_PLUGGED : BBM_UNUSED);
	return rc;
}

/* --- unplugging ------------------------------------------------------------
 */

/* FAKE_OFFLINE -> ADDED: what is out of use, and only that, is used again. */
static void roll_back(struct vmem_driver *d, uint64_t block)
{
	uint64_t part = first_part(d, block), end = part + d->parts;

	while ((part = bits_next_set(d->bits, part, end)) < end) {
		vmem_return(d, part_pfn(d, part), d->memory_block);
		bits_clear(d->bits, part, part + 1);
	}
	set_block(d, block, BBM_ADDED);
}

/* Does some of it stay where it is, whatever is tried? */
static bool is_stuck(const struct vmem_driver *d, uint64_t block)
{
	const struct vmem_mm *mm = &d->config.mm;
	uint64_t part = first_part(d, block), unmovable = 0;

	for (uint64_t i = part; i < part + d->parts && !unmovable; i++)
		if (part_online(d, i))
			(void)mm->ops->in_use(mm->mm, part_pfn(d, i),
					      d->memory_block, &unmovable);
	return unmovable != 0;
}

/* The whole block goes: nothing of it is in use, or it is tried so. */
static int remove_and_unplug(struct vmem_driver *d, uint64_t block)
{
	const struct vmem_mm *mm = &d->config.mm;
	uint64_t pfn = vmem_block_pfn(d, block);
	bool safe = d->state[block] == BBM_FAKE_OFFLINE;
	int rc = mm->ops->offline_and_remove(mm->mm, pfn, d->size);

	d->at.block = VMEM_NONE;
	if (rc) {
		if (safe)
			roll_back(d, block);
		if (!vmem_passable(rc))
			return rc;
		if (safe)
			vmem_pass(d, rc);
		else
			vmem_skip(d, rc, pfn);
		return VMEM_PIECE_MORE;
	}
	set_parts(d, block, PART_ABSENT);
	vmem_kick(d);
	rc = vmem_unplug(d, pfn, d->size);
	set_block(d, block, rc ? BBM_PLUGGED : BBM_UNUSED);
	return rc ? rc : VMEM_PIECE_MORE;
}

/* Take the next memory blocks out of use, at most one that has to be moved. */
static int take_parts(struct vmem_driver *d, uint64_t block)
{
	const struct vmem_mm *mm = &d->config.mm;
	uint64_t end = first_part(d, block) + d->parts, unmovable = 0;
	bool moved = false;

	for (; d->at.part < end; d->at.part++) {
		uint64_t part = d->at.part, pfn = part_pfn(d, part);
		int rc;

		if (!part_online(d, part) || bits_test(d->bits, part))
			continue;
		if (mm->ops->in_use(mm->mm, pfn, d->memory_block, &unmovable)) {
			if (moved)
				return VMEM_PIECE_MORE;
			moved = true;
		}
		vmem_hold(d, pfn, d->memory_block);
		rc = vmem_take(d, pfn, d->memory_block);
		vmem_release(d);
		if (!rc) {
			bits_set(d->bits, part, part + 1);
			continue;
		}
		d->at.block = VMEM_NONE;
		roll_back(d, block);
		if (!vmem_passable(rc))
			return rc;
		vmem_skip(d, rc, pfn);
		return VMEM_PIECE_MORE;
	}
	return moved ? VMEM_PIECE_MORE : remove_and_unplug(d, block);
}

/* The highest added block below the cursor that the pass is about. */
static uint64_t candidate(const struct vmem_driver *d)
{
	uint64_t best = VMEM_NONE;

	for (unsigned int c = 0; c <= d->at.pass; c++) {
		uint64_t b = hbits_prev(&d->class[c], d -> at.below);

		if (b != VMEM_NONE && (best == VMEM_NONE || b > best))
			best = b;
	}
	return best;
}

static bool pick(struct vmem_driver *d)
{
	unsigned int passes = d->config.offline_only ? 1 : VMEM_CLASSES;

	while (d->at.pass < passes) {
		d->at.block = candidate(d);
		if (d->at.block != VMEM_NONE) {
			d->at.below = d->at.block;
			return true;
		}
		d->at.pass++;
		d->at.below = VMEM_NONE;
	}
	return false;
}

static int bbm_unplug(struct vmem_driver *d, uint64_t n)
{
	uint64_t block = d->at.block;

	(void)n;
	if (block != VMEM_NONE && d->state[block] == BBM_FAKE_OFFLINE)
		return take_parts(d, block);
	if (!pick(d)) {
		if (d->config.offline_only)
			return VMEM_PIECE_LAST;
		return d->skipped ? d->skipped : -EBUSY;
	}
	block = d->at.block;
	if (is_stuck(d, block)) {
		d->at.block = VMEM_NONE;
		vmem_skip(d, -EBUSY, vmem_block_pfn(d, block));
		return VMEM_PIECE_MORE;
	}
	if (d->config.unsafe)
		return remove_and_unplug(d, block);
	set_block(d, block, BBM_FAKE_OFFLINE);
	d->at.part = first_part(d, block);
	return take_parts(d, block);
}

/* --- what earlier runs left ------------------------------------------------
 */

static int bbm_pending(struct vmem_driver *d)
{
	uint64_t block = hbits_next(&d->map[BBM_PLUGGED], 0);
	int rc;

	if (block == VMEM_NONE)
		return VMEM_PIECE_LAST;
	rc = vmem_unplug(d, vmem_block_pfn(d, block), d->size);
	if (rc)
		return rc;
	set_block(d, block, BBM_UNUSED);
	return VMEM_PIECE_MORE;
}

/* A big block that is added is never empty. */
static int bbm_cleanup(struct vmem_driver *d)
{
	(void)d;
	return VMEM_PIECE_LAST;
}

static void bbm_restart(struct vmem_driver *d)
{
	uint64_t block = d->at.block;

	if (block != VMEM_NONE && d->state[block] == BBM_FAKE_OFFLINE)
		roll_back(d, block);
}

/* --- notifiers and looking -------------------------------------------------
 */

static int bbm_notify(struct vmem_driver *d, enum vmem_event event,
		      uint64_t pfn, enum vmem_zone zone)
{
	uint64_t block = (pfn - d->first) / d->size;
	uint64_t part = (pfn - d->first) / d->memory_block;
	enum vmem_bbm_state state = (enum vmem_bbm_state)d->state[block];

	switch (event) {
	case VMEM_GOING_ONLINE:
		return d->part[part] == PART_OFFLINE ? 0 : -EBUSY;
	case VMEM_GOING_OFFLINE:
		return part_online(d, part) ? 0 : -EBUSY;
	case VMEM_ONLINE:
		assert(d->part[part] == PART_OFFLINE);
		set_part(d, part,
			 zone == VMEM_ZONE_MOVABLE ? PART_MOVABLE
						   : PART_KERNEL);
		if (state == BBM_FAKE_OFFLINE)
			bits_set(d->bits, part, part + 1);
		break;
	case VMEM_OFFLINE:
		assert(part_online(d, part));
		set_part(d, part, PART_OFFLINE);
		bits_clear(d->bits, part, part + 1);
		break;
	default:
		return 0;
	}
	set_block(d, block, state);
	return 0;
}

static bool bbm_usable(const struct vmem_driver *d, uint64_t pfn)
{
	return d->state[(pfn - d->first) / d->size] == BBM_ADDED;
}

static uint64_t bbm_offline(const struct vmem_driver *d)
{
	return d->offline_parts * d->memory_block;
}

static uint64_t bbm_plugged_offline(const struct vmem_driver *d)
{
	return bbm_offline(d) + d->map[BBM_PLUGGED].count * d->size;
}

const struct vmem_mode vmem_bbm = {
    .restart = bbm_restart,
    .pending = bbm_pending,
    .cleanup = bbm_cleanup,
    .plug = bbm_plug,
    .unplug = bbm_unplug,
    .notify = bbm_notify,
    .usable = bbm_usable,
    .offline = bbm_offline,
    .plugged_offline = bbm_plugged_offline,
};
