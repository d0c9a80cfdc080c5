/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sub-block mode unplugs: from the top, block by block in the order of their
 * states, so that whole memory blocks can be removed.
 *
 *	online	take out of use ── UNPLUG ──> next    (busy: back into use)
 *	  │ moving? one sub-block a step; else as many as lie side by side
 *	  └─ busy: passed over, and the run ends as busy if others were not
 *	     enough
 *	offline	UNPLUG
 *
 * What is online goes in rounds, each in this order: first what needs no
 * moving, then sub-blocks of which up to a sixteenth is used, two, and so on.
 * Emptying what is emptiest into what is fullest moves least. in_order leaves
 * out all rounds but the last, as Linux does.
 *
 * Invariant: what a step could not finish is as it was.
 *
 * Must not know: how memory is moved, what it is used for.
 */
#include "lib/core/vmem_sbm_int.h"

enum { UNPLUG_OFFLINE = 2, UNPLUG_PASSES = 6, ROUNDS = 17 };
static const uint8_t unplug_order[UNPLUG_PASSES] = {
    SBM_OFFLINE_PARTIAL, SBM_OFFLINE, SBM_MOVABLE_PARTIAL,
    SBM_KERNEL_PARTIAL,	 SBM_MOVABLE, SBM_KERNEL};

/* The topmost plugged sub-blocks side by side below the sub-block to, at most
 * n of them; from == to: there are none. */
static struct sbm_subs plugged_below(const struct vmem_driver *d,
				     uint64_t block, uint64_t to, uint64_t n)
{
	uint64_t base = sbm_bit(d, block, 0);
	uint64_t end = bits_seek_back(d->bits, base, base + to, 0);
	uint64_t low = end - base > n ? end - n : base;

	low = bits_seek_back(d->bits, low, end, UINT64_MAX);
	return (struct sbm_subs){low - base, end - base};
}

int vmem_sbm_unplug_subs(struct vmem_driver *d, uint64_t block,
			 struct sbm_subs s)
{
	int rc = vmem_unplug(d, sbm_pfn(d, block, s.from),
			     (s.to - s.from) * d->unit);

	if (!rc)
		bits_clear(d->bits, sbm_bit(d, block, s.from),
			   sbm_bit(d, block, s.to));
	return rc;
}

/* --- unplugging: what is offline -------------------------------------------
 */

/* From the top; n may be more than there are. Stops at the first error. */
static int unplug_raw(struct vmem_driver *d, uint64_t block, uint64_t n)
{
	int rc = 0;

	while (n && !rc) {
		struct sbm_subs s = plugged_below(d, block, d->parts, n);

		if (s.from == s.to)
			break;
		rc = vmem_sbm_unplug_subs(d, block, s);
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
	sbm_set_added(d, block, SBM_OFFLINE);
	if (!rc && sbm_is_empty(d, block))
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
	vmem_pass(d, rc);
	return 0;
}

/* Pages that would have to be moved; COST_VAIN: some of them cannot be. */
#define COST_VAIN UINT64_MAX

static uint64_t cost(const struct vmem_driver *d, uint64_t block,
		     struct sbm_subs s)
{
	const struct vmem_mm *mm = &d->config.mm;
	uint64_t unmovable = 0;
	uint64_t used = mm->ops->in_use(mm->mm, sbm_pfn(d, block, s.from),
					(s.to - s.from) * d->unit, &unmovable);

	return unmovable ? COST_VAIN : used;
}

/* The most that moving one sub-block may cost in this round. */
static uint64_t bearable(const struct vmem_driver *d)
{
	if (d->at.round == ROUNDS - 1)
		return COST_VAIN;
	return d->at.round * d->unit / (ROUNDS - 1);
}

/* The part of s, from its top, that goes by one attempt: all of it or as many
 * as need no moving, or one. */
static struct sbm_subs attempt(const struct vmem_driver *d, uint64_t block,
			       struct sbm_subs s, uint64_t *pages)
{
	struct sbm_subs one = {s.to - 1, s.to};

	*pages = cost(d, block, s);
	if (*pages == 0 || s.from == one.from)
		return s;
	*pages = cost(d, block, one);
	while (*pages == 0 && one.from > s.from) {
		struct sbm_subs below = {one.from - 1, one.from};

		if (cost(d, block, below))
			break;
		one.from--;
	}
	return one;
}

/* Take out of use, unplug; what fails after that is rolled back. */
static int unplug_range(struct vmem_driver *d, uint64_t block,
			struct sbm_subs s)
{
	uint64_t pfn = sbm_pfn(d, block, s.from);
	uint64_t pages = (s.to - s.from) * d->unit;
	int rc = vmem_take(d, pfn, pages);

	if (rc)
		return rc;
	rc = vmem_sbm_unplug_subs(d, block, s);
	if (rc)
		vmem_return(d, pfn, pages);
	return rc;
}

/* Sub-blocks that one step may give back. */
static uint64_t a_step(const struct vmem_driver *d)
{
	uint64_t subs = d->config.piece / d->unit;

	return d->config.piece == 0 ? UINT64_MAX : subs ? subs : 1;
}

/* Of the block that the cursor is at, from the top: at most one attempt that
 * moves memory, and at most a step. True: the block is done, or *rc says why
 * the run is. */
static bool unplug_some(struct vmem_driver *d, uint64_t n, int *rc)
{
	uint64_t block = d->at.block, most = bearable(d), pages;
	uint64_t left = a_step(d);
	bool tried = false, alone = false;

	for (*rc = 0; n; *rc = 0) {
		struct sbm_subs s = plugged_below(d, block, d->at.part,
						  alone || !left ? 1
						  : n < left	 ? n
								 : left);

		if (s.from == s.to)
			break;
		if (!left)
			return false;
		s = attempt(d, block, s, &pages);
		if (pages > most) {
			if (d->at.least > pages)
				d->at.least = pages;
			d->at.part = s.from;
			continue;
		}
		if (pages && pages != COST_VAIN) {
			if (tried)
				return false;
			tried = true;
		}
		*rc = pages == COST_VAIN ? -EBUSY : unplug_range(d, block, s);
		if (*rc && !vmem_passable(*rc))
			return true;
		if (*rc && s.to - s.from > 1) {
			alone = true;
			continue;
		}
		if (*rc)
			vmem_skip(d, *rc, sbm_pfn(d, block, s.from));
		else
			n -= s.to - s.from;
		left -= s.to - s.from;
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
	sbm_set_added(d, block, d->state[block]);
	if (!done)
		return VMEM_PIECE_MORE;
	d->at.block = VMEM_NONE;
	if (!rc && sbm_is_empty(d, block) && !hbits_test(&d->empty, block))
		rc = remove_online(d, block);
	return rc ? rc : VMEM_PIECE_MORE;
}

/* The next round that has something to do, by what the last one saw. */
static void next_round(struct vmem_driver *d)
{
	struct vmem_cursor *at = &d->at;
	uint64_t least = at->least, last = ROUNDS - 1;

	at->least = COST_VAIN;
	at->round = ROUNDS - 1;
	if (least < d->unit)
		at->round =
		    (unsigned int)((least * last + d->unit - 1) / d->unit);
}

static bool next_pass(struct vmem_driver *d)
{
	struct vmem_cursor *at = &d->at;

	at->below = VMEM_NONE;
	if (++at->pass == UNPLUG_OFFLINE) {
		at->round = d->config.in_order ? ROUNDS - 1 : 0;
		at->least = COST_VAIN;
		return !d->config.offline_only;
	}
	if (at->pass < UNPLUG_PASSES)
		return true;
	if (at->round == ROUNDS - 1)
		return false;
	at->pass = UNPLUG_OFFLINE;
	next_round(d);
	return true;
}

/* The next block in the order; false: there is none. */
static bool pick(struct vmem_driver *d)
{
	struct vmem_cursor *at = &d->at;

	do {
		at->block =
		    hbits_prev(&d->map[unplug_order[at->pass]], at->below);
	} while (at->block == VMEM_NONE && next_pass(d));
	at->below = at->block;
	at->part = d->parts;
	return at->block != VMEM_NONE;
}

int vmem_sbm_unplug(struct vmem_driver *d, uint64_t n)
{
	uint64_t block = d->at.block;

	if (block != VMEM_NONE && sbm_is_online(d->state[block]))
		return unplug_online(d, n);
	if (!pick(d)) {
		if (d->config.offline_only)
			return VMEM_PIECE_LAST;
		return d->skipped ? d->skipped : -EBUSY;
	}
	block = d->at.block;
	if (sbm_is_online(d->state[block]))
		return unplug_online(d, n);
	d->at.block = VMEM_NONE;
	return unplug_offline(d, block, n);
}

/* --- what earlier runs left ------------------------------------------------
 */

int vmem_sbm_pending(struct vmem_driver *d)
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

int vmem_sbm_cleanup(struct vmem_driver *d)
{
	uint64_t block = hbits_next(&d->empty, d->at.empty);
	int rc = 0;

	if (block == VMEM_NONE)
		return VMEM_PIECE_LAST;
	d->at.empty = block + 1;
	if (sbm_is_offline(d->state[block]))
		rc = remove_offline(d, block);
	else if (!d->config.offline_only)
		rc = remove_online(d, block);
	return rc ? rc : VMEM_PIECE_MORE;
}
