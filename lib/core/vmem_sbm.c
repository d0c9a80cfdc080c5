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
 * Plugging fills from the bottom, unplugging empties from the top, block by
 * block in the order of their states, so that whole blocks can be removed.
 * Sub-blocks side by side that need no moving go by one request.
 *
 * Must not know: how memory is moved, what it is used for.
 */
#include "lib/core/vmem_driver_int.h"

#include <assert.h>

static const uint8_t plug_order[] = {SBM_KERNEL_PARTIAL, SBM_MOVABLE_PARTIAL,
				     SBM_OFFLINE_PARTIAL};

enum { UNPLUG_OFFLINE = 2, UNPLUG_PASSES = 6 };
static const uint8_t unplug_order[UNPLUG_PASSES] = {
    SBM_OFFLINE_PARTIAL, SBM_OFFLINE, SBM_MOVABLE_PARTIAL,
    SBM_KERNEL_PARTIAL,	 SBM_MOVABLE, SBM_KERNEL};

/* --- sub-blocks ------------------------------------------------------------
 */

/* [from, to) of the block's sub-blocks. */
struct subs {
	uint64_t from;
	uint64_t to;
};

static uint64_t bit(const struct vmem_driver *d, uint64_t block, uint64_t sub)
{
	return block * d->parts + sub;
}

static uint64_t sub_pfn(const struct vmem_driver *d, uint64_t block,
			uint64_t sub)
{
	return vmem_block_pfn(d, block) + sub * d->unit;
}

static bool is_full(const struct vmem_driver *d, uint64_t block)
{
	return bits_all(d->bits, bit(d, block, 0), bit(d, block, d->parts));
}

static bool is_empty(const struct vmem_driver *d, uint64_t block)
{
	return bits_none(d->bits, bit(d, block, 0), bit(d, block, d->parts));
}

/* The topmost plugged sub-blocks side by side below the sub-block to, at most
 * n of them; from == to: there are none. */
static struct subs plugged_below(const struct vmem_driver *d, uint64_t block,
				 uint64_t to, uint64_t n)
{
	uint64_t base = bit(d, block, 0);
	uint64_t end = bits_seek_back(d->bits, base, base + to, 0);
	uint64_t low = end - base > n ? end - n : base;

	low = bits_seek_back(d->bits, low, end, UINT64_MAX);
	return (struct subs){low - base, end - base};
}

static int plug_subs(struct vmem_driver *d, uint64_t block, struct subs s)
{
	int rc =
	    vmem_plug(d, sub_pfn(d, block, s.from), (s.to - s.from) * d->unit);

	if (rc)
		return rc;
	bits_set(d->bits, bit(d, block, s.from), bit(d, block, s.to));
	hbits_clear(&d->empty, block);
	return 0;
}

static int unplug_subs(struct vmem_driver *d, uint64_t block, struct subs s)
{
	int rc = vmem_unplug(d, sub_pfn(d, block, s.from),
			     (s.to - s.from) * d->unit);

	if (!rc)
		bits_clear(d->bits, bit(d, block, s.from), bit(d, block, s.to));
	return rc;
}

/* --- states ----------------------------------------------------------------
 */

static bool is_online(unsigned int state)
{
	return state >= SBM_KERNEL;
}

static bool is_offline(unsigned int state)
{
	return state == SBM_OFFLINE || state == SBM_OFFLINE_PARTIAL;
}

/* The state of an added block as its bits say; like is any of its pair. */
static void set_added(struct vmem_driver *d, uint64_t block, unsigned int like)
{
	unsigned int full = like - (like - SBM_OFFLINE) % 2;

	vmem_set_state(d, block, is_full(d, block) ? full : full + 1);
}

/* --- plugging --------------------------------------------------------------
 */

/* Fill the gaps of a block that is added, from the bottom. */
static int plug_gaps(struct vmem_driver *d, uint64_t block, uint64_t n)
{
	uint64_t pfn = vmem_block_pfn(d, block);
	bool online = is_online(d->state[block]);
	uint64_t base = bit(d, block, 0), end = base + d->parts;
	int rc = 0;

	vmem_hold(d, pfn, d->size);
	while (n && !rc) {
		uint64_t from = bits_next_clear(d->bits, base, end);
		uint64_t most = n < end - from ? from + n : end;
		uint64_t to = bits_next_set(d->bits, from, most);
		struct subs s = {from - base, to - base};

		if (from == end)
			break;
		rc = plug_subs(d, block, s);
		if (rc)
			break;
		n -= to - from;
		if (online)
			vmem_return(d, sub_pfn(d, block, s.from),
				    (to - from) * d->unit);
	}
	vmem_release(d);
	set_added(d, block, d->state[block]);
	return rc ? rc : VMEM_PIECE_MORE;
}

/* The block's state says offline before the mm adds it: notifiers see that. */
static int plug_and_add(struct vmem_driver *d, uint64_t block, uint64_t n)
{
	const struct vmem_mm *mm = &d->config.mm;
	struct subs s = {0, n < d->parts ? n : d->parts};
	int rc = plug_subs(d, block, s);

	if (rc)
		return rc;
	set_added(d, block, SBM_OFFLINE);
	rc = mm->ops->add(mm->mm, vmem_block_pfn(d, block), d->size);
	if (!rc)
		return VMEM_PIECE_MORE;
	vmem_set_state(d, block,
		       unplug_subs(d, block, s) ? SBM_PLUGGED : SBM_UNUSED);
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

/* --- unplugging: what is offline -------------------------------------------
 */

/* From the top; n may be more than there are. Stops at the first error. */
static int unplug_raw(struct vmem_driver *d, uint64_t block, uint64_t n)
{
	int rc = 0;

	while (n && !rc) {
		struct subs s = plugged_below(d, block, d->parts, n);

		if (s.from == s.to)
			break;
		rc = unplug_subs(d, block, s);
		n -= s.to - s.from;
	}
	return rc;
}

/* An offline block without plugged sub-blocks: nobody may bring it online
 * while it is removed, so it is unused before. */
static int remove_offline(struct vmem_driver *d, uint64_t block)
{
	const struct vmem_mm *mm = &d->config.mm;
	int rc;

	vmem_set_state(d, block, SBM_UNUSED);
	hbits_clear(&d->empty, block);
	rc = mm->ops->remove(mm->mm, vmem_block_pfn(d, block), d->size);
	if (rc) {
		vmem_set_state(d, block, SBM_OFFLINE_PARTIAL);
		hbits_set(&d->empty, block);
		return rc;
	}
	vmem_kick(d);
	return 0;
}

static int unplug_offline(struct vmem_driver *d, uint64_t block, uint64_t n)
{
	int rc;

	vmem_hold(d, vmem_block_pfn(d, block), d->size);
	rc = unplug_raw(d, block, n);
	vmem_release(d);
	set_added(d, block, SBM_OFFLINE);
	if (!rc && is_empty(d, block))
		rc = remove_offline(d, block);
	return rc ? rc : VMEM_PIECE_MORE;
}

/* --- unplugging: what is online --------------------------------------------
 */

/* An online block without plugged sub-blocks: it is unused only if it went. A
 * veto is not the end: cleanup tries it again. */
static int remove_online(struct vmem_driver *d, uint64_t block)
{
	const struct vmem_mm *mm = &d->config.mm;
	uint64_t pfn = vmem_block_pfn(d, block);
	int rc = mm->ops->offline_and_remove(mm->mm, pfn, d->size);

	if (!rc) {
		vmem_set_state(d, block, SBM_UNUSED);
		hbits_clear(&d->empty, block);
		vmem_kick(d);
		return 0;
	}
	hbits_set(&d->empty, block);
	if (!vmem_passable(rc))
		return rc;
	vmem_skip(d, rc, pfn, 2);
	return 0;
}

/* What can be said before trying. */
enum effort { EFFORT_NONE, EFFORT_MOVE, EFFORT_VAIN };

static enum effort effort(const struct vmem_driver *d, uint64_t block,
			  struct subs s)
{
	const struct vmem_mm *mm = &d->config.mm;
	uint64_t unmovable = 0;
	uint64_t used = mm->ops->in_use(mm->mm, sub_pfn(d, block, s.from),
					(s.to - s.from) * d->unit, &unmovable);

	if (unmovable)
		return EFFORT_VAIN;
	return used ? EFFORT_MOVE : EFFORT_NONE;
}

/* The part of s, from its top, that goes by one attempt: all of it or as many
 * as need no moving, or one. */
static struct subs attempt(const struct vmem_driver *d, uint64_t block,
			   struct subs s, enum effort *e)
{
	struct subs one = {s.to - 1, s.to};

	*e = effort(d, block, s);
	if (*e == EFFORT_NONE || s.from == one.from)
		return s;
	*e = effort(d, block, one);
	while (*e == EFFORT_NONE && one.from > s.from) {
		struct subs below = {one.from - 1, one.from};

		if (effort(d, block, below) != EFFORT_NONE)
			break;
		one.from--;
	}
	return one;
}

/* Take out of use, unplug; what fails after that is rolled back. */
static int unplug_range(struct vmem_driver *d, uint64_t block, struct subs s)
{
	uint64_t pfn = sub_pfn(d, block, s.from);
	uint64_t pages = (s.to - s.from) * d->unit;
	int rc = vmem_take(d, pfn, pages);

	if (rc)
		return rc;
	rc = unplug_subs(d, block, s);
	if (rc)
		vmem_return(d, pfn, pages);
	return rc;
}

/* Of the block that the cursor is at, from the top: at most one attempt that
 * moves memory. True: the block is done, or *rc says why the run is. */
static bool unplug_some(struct vmem_driver *d, uint64_t n, int *rc)
{
	uint64_t block = d->at.block;
	bool tried = false, alone = false;

	*rc = 0;
	while (n) {
		struct subs s =
		    plugged_below(d, block, d->at.part, alone ? 1 : n);
		enum effort e;

		if (s.from == s.to)
			break;
		s = attempt(d, block, s, &e);
		if (e == EFFORT_MOVE && tried)
			return false;
		tried |= e == EFFORT_MOVE;
		*rc = e == EFFORT_VAIN ? -EBUSY : unplug_range(d, block, s);
		if (vmem_passable(*rc)) {
			if (s.to - s.from > 1) {
				alone = true;
				continue;
			}
			vmem_skip(d, *rc, sub_pfn(d, block, s.from), 1);
		} else if (*rc) {
			return true;
		} else {
			n -= s.to - s.from;
		}
		*rc = 0;
		d->at.part = s.from;
	}
	return true;
}

static int unplug_online(struct vmem_driver *d, uint64_t n)
{
	uint64_t block = d->at.block;
	bool done;
	int rc;

	vmem_hold(d, vmem_block_pfn(d, block), d->size);
	done = unplug_some(d, n, &rc);
	vmem_release(d);
	set_added(d, block, d->state[block]);
	if (!done)
		return VMEM_PIECE_MORE;
	d->at.block = VMEM_NONE;
	if (!rc && is_empty(d, block))
		rc = remove_online(d, block);
	return rc ? rc : VMEM_PIECE_MORE;
}

/* The next block in the order; false: there is none. */
static bool pick(struct vmem_driver *d)
{
	struct vmem_cursor *at = &d->at;
	unsigned int passes =
	    d->config.offline_only ? UNPLUG_OFFLINE : UNPLUG_PASSES;

	while (at->pass < passes) {
		at->block =
		    hbits_prev(&d->map[unplug_order[at->pass]], at->below);
		if (at->block != VMEM_NONE) {
			at->below = at->block;
			at->part = d->parts;
			return true;
		}
		at->pass++;
		at->below = VMEM_NONE;
	}
	return false;
}

static int sbm_unplug(struct vmem_driver *d, uint64_t n)
{
	uint64_t block = d->at.block;

	if (block != VMEM_NONE && is_online(d->state[block]))
		return unplug_online(d, n);
	if (!pick(d)) {
		if (d->config.offline_only)
			return VMEM_PIECE_LAST;
		return d->skipped ? d->skipped : -EBUSY;
	}
	block = d->at.block;
	if (is_online(d->state[block]))
		return unplug_online(d, n);
	d->at.block = VMEM_NONE;
	return unplug_offline(d, block, n);
}

/* --- what earlier runs left ------------------------------------------------
 */

static int sbm_pending(struct vmem_driver *d)
{
	uint64_t block = hbits_next(&d->map[SBM_PLUGGED], 0);
	int rc;

	if (block == VMEM_NONE)
		return VMEM_PIECE_LAST;
	rc = unplug_raw(d, block, d->parts);
	if (rc)
		return rc;
	vmem_set_state(d, block, SBM_UNUSED);
	return VMEM_PIECE_MORE;
}

static int sbm_cleanup(struct vmem_driver *d)
{
	uint64_t block = hbits_next(&d->empty, d->at.empty);
	int rc = 0;

	if (block == VMEM_NONE)
		return VMEM_PIECE_LAST;
	d->at.empty = block + 1;
	if (is_offline(d->state[block]))
		rc = remove_offline(d, block);
	else if (!d->config.offline_only)
		rc = remove_online(d, block);
	return rc ? rc : VMEM_PIECE_MORE;
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
		return is_offline(state) ? 0 : -EBUSY;
	case VMEM_GOING_OFFLINE:
		return is_online(state) ? 0 : -EBUSY;
	case VMEM_ONLINE:
		assert(is_offline(state));
		set_added(d, block,
			  zone == VMEM_ZONE_MOVABLE ? SBM_MOVABLE : SBM_KERNEL);
		break;
	case VMEM_OFFLINE:
		assert(is_online(state));
		set_added(d, block, SBM_OFFLINE);
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
		n += bits_count(d->bits, bit(d, b, 0), bit(d, b, d->parts));
	return n * d->unit;
}

static uint64_t sbm_plugged_offline(const struct vmem_driver *d)
{
	return d->map[SBM_OFFLINE].count * d->size +
	       plugged_of(d, SBM_OFFLINE_PARTIAL) + plugged_of(d, SBM_PLUGGED);
}

const struct vmem_mode vmem_sbm = {
    .restart = sbm_restart,
    .pending = sbm_pending,
    .cleanup = sbm_cleanup,
    .plug = sbm_plug,
    .unplug = sbm_unplug,
    .notify = sbm_notify,
    .usable = sbm_usable,
    .offline = sbm_offline,
    .plugged_offline = sbm_plugged_offline,
};
