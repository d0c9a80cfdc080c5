/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dirty logs: begun, ended, described; and the sets that everything else adds
 * to.
 */
#include "lib/core/dirty.h"

#include <assert.h>

#include "lib/core/account.h"
#include "lib/core/dirty_int.h"

/* --- the set ----------------------------------------------------------------
 */

static uint64_t page_of(const struct pager_dirty_log *log, uint64_t vpn)
{
	return vpn - log->range.start;
}

/* Its reader will read the page after a reset to come: one entry is enough.
 * Where the set may say too much, it is not asked. */
static bool is_ringed(const struct pager_dirty_log *log, uint64_t page)
{
	return !log->awaiting.over && dset_test(&log->awaiting, page);
}

void log_pump(struct pager_dirty_log *log)
{
	struct dring *ring = &log->ring;

	if (!ring->memory || log->held)
		return;
	while (log->dirty.count && !dring_full(ring)) {
		uint64_t page = dset_next(&log->dirty, 0, log->dirty.pages);

		/* What cannot be taken out of the set for want of memory
		 * stays in it, and is told later. */
		if (!dset_remove_range(&log->dirty, page, 1))
			return;
		if (is_ringed(log, page))
			continue;
		dset_add(&log->awaiting, page);
		dring_push(ring, page);
		log->reported++;
	}
}

uint64_t log_add(struct pager_dirty_log *log, struct pager_range r)
{
	uint64_t n;

	if (r.start < log->range.start)
		r.start = log->range.start;
	if (r.end > log->range.end)
		r.end = log->range.end;
	if (r.start >= r.end)
		return 0;
	n = dset_add_range(&log->dirty, page_of(log, r.start),
			   pager_range_len(r));
	log_pump(log);
	return n;
}

/*
 * The log's words need not lie on the table's:
 *
 *	vpn    |................|        bits
 *	log  |......lo.|.hi............|
 */
uint64_t log_add_word(struct pager_dirty_log *log, uint64_t vpn, uint64_t bits)
{
	uint64_t page, n = 0;
	unsigned int shift;

	if (vpn < log->range.start) {
		bits >>= log->range.start - vpn;
		vpn = log->range.start;
	}
	page = page_of(log, vpn);
	shift = page % 64;
	n = dset_add_word(&log->dirty, page - shift, bits << shift);
	if (shift && bits >> (64 - shift))
		n += dset_add_word(&log->dirty, page - shift + 64,
				   bits >> (64 - shift));
	return n;
}

/* --- begin ------------------------------------------------------------------
 */

static struct pager_status check(const struct pager_space *s,
				 struct pager_range range,
				 enum pager_dirty_method *method,
				 uint32_t flags)
{
	bool bits = s->table.mmu.ops->caps & PAGER_MMU_DIRTY_BITS;

	if (*method > PAGER_DIRTY_WRITE_PROTECT)
		return pager_refuse(PAGER_EINVAL, PAGER_ARG_METHOD);
	if (*method == PAGER_DIRTY_HARDWARE && !bits)
		return pager_refuse(PAGER_ENOBACKEND, PAGER_ARG_METHOD);
	if (*method == PAGER_DIRTY_AUTO)
		*method =
		    bits ? PAGER_DIRTY_HARDWARE : PAGER_DIRTY_WRITE_PROTECT;
	if (flags & ~PAGER_DIRTY_FLAGS)
		return pager_refuse(PAGER_EFLAGS, PAGER_ARG_FLAGS);
	return space_check_range(s, range);
}

static struct pager_status plan(struct pager_space *s,
				struct pager_account *account)
{
	if (s->log_count >= PAGER_DIRTY_LOGS_MAX)
		return pager_refuse(PAGER_ELIMIT, PAGER_ARG_SPACE);
	if (!account_has_room(account, PAGER_RES_NODES, 1))
		return pager_refuse(PAGER_ELIMIT, PAGER_ARG_NONE);
	if (pager_slab_reserve(&s->core->log_slab, 1))
		return pager_refuse(PAGER_ENOMEM, PAGER_ARG_NONE);
	return pager_ok();
}

static void count_in(struct pager_dirty_log *log, int n)
{
	struct pager_space *s = log->space;

	if (log->method == PAGER_DIRTY_WRITE_PROTECT)
		s->log_guards += (uint32_t)n;
	s->table.guarded = s->log_guards != 0;
	s->log_count += (uint32_t)n;
}

struct pager_status
pager_dirty_start(struct pager_space *s, struct pager_account *account,
		  struct pager_range range, enum pager_dirty_method method,
		  uint32_t flags, struct pager_dirty_log **out)
{
	const bool all = flags & PAGER_DIRTY_ALL_SET;
	struct pager_status st = check(s, range, &method, flags);
	struct pager_dirty_log *log;

	if (!st.err)
		st = plan(s, account);
	if (st.err)
		return st;
	log = pager_slab_take(&s->core->log_slab);
	log->core = s->core;
	log->account = account;
	log->space = s;
	log->range = range;
	log->method = method;
	log->flags = flags;
	dset_init(&log->dirty, s->core, account, pager_range_len(range));
	dset_init(&log->awaiting, s->core, account, pager_range_len(range));
	account_charge(account, PAGER_RES_NODES, 1);
	/* What was written before is not this log's. */
	if (!all)
		dirty_views_clean(s, range);
	if (!all && method == PAGER_DIRTY_HARDWARE)
		dirty_clean(s, range);
	LIST_INSERT_HEAD(&s->logs, log, of_space);
	LIST_INSERT_HEAD(&s->core->logs, log, all);
	count_in(log, 1);
	if (s->log_count == 1)
		dirty_views_begin(s);
	if (all) {
		dset_add_all(&log->dirty);
	} else if (method == PAGER_DIRTY_WRITE_PROTECT) {
		dirty_arm(s, range);
		s->table.mmu.ops->write_protect(s->table.mmu.mmu, s, range);
	}
	*out = log;
	return st;
}

/* --- end --------------------------------------------------------------------
 */

/* The space has one log less. */
static void leave(struct pager_dirty_log *log)
{
	struct pager_space *s = log->space;

	LIST_REMOVE(log, of_space);
	if (log->ring.memory && log->method == PAGER_DIRTY_WRITE_PROTECT)
		s->log_rings--;
	count_in(log, -1);
	if (!s->log_count)
		dirty_views_end(s);
	log->space = NULL;
}

void dirty_orphan(struct pager_space *s)
{
	struct pager_dirty_log *log;

	while ((log = LIST_FIRST(&s->logs))) {
		log_sync(log, log->range);
		leave(log);
	}
}

void pager_dirty_stop(struct pager_dirty_log *log)
{
	struct pager_core *core = log->core;

	pager_dirty_ring_detach(log);
	if (log->space)
		leave(log);
	LIST_REMOVE(log, all);
	dset_fini(&log->dirty);
	dset_fini(&log->awaiting);
	account_uncharge(log->account, PAGER_RES_NODES, 1);
	pager_slab_give(&core->log_slab, log);
}

void pager_dirty_info(const struct pager_dirty_log *log,
		      struct pager_dirty_info *out)
{
	const struct dring *ring = &log->ring;

	*out = (struct pager_dirty_info){
	    .space = log->space ? log->space->id : 0,
	    .range = log->range,
	    .method = log->method,
	    .flags = log->flags | (log->space ? 0 : PAGER_DIRTY_ORPHAN),
	    .dirty = log->dirty.count,
	    .awaiting = ring->memory ? 0 : log->awaiting.count,
	    .reported = log->reported,
	    .over = log->over + log->dirty.over + log->awaiting.over,
	    .faults = log->faults,
	    .harvests = log->harvests,
	    .harvested = log->harvested,
	    .ring_stops = log->stops,
	    .bytes = sizeof(*log) + dset_bytes(&log->dirty) +
		     dset_bytes(&log->awaiting),
	};
	if (!ring->memory)
		return;
	out->flags |= PAGER_DIRTY_RING |
		      (dring_soft_full(ring) ? PAGER_DIRTY_RING_SOFT : 0);
	out->ring_entries = ring->entries;
	out->ring_used = dring_used(ring);
	out->dirty += out->ring_used;
}
