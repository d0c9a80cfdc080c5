/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fault-around: one write fault in an empty stretch of private anonymous
 * memory fills the naturally aligned 64 KiB, or 2 MiB by a large entry. It is
 * an offer, not a plan: where limits, bounds or the pool do not allow it, the
 * fault fills its page alone.
 *
 *	bounds.start ..|  [ base .... vpn .... base + n )  |.. bounds.end
 *			   empty                empty
 *
 * Each page is as if it had been faulted alone: its own frame, writable, not
 * accessed, not dirty.
 */
#include "lib/core/account.h"
#include "lib/core/large.h"
#include "lib/core/space.h"

enum { ORDER_64K = 4, ORDER_2M = 9 };

static bool allowed(const struct pager_space *s, struct pager_range stretch,
		    struct pager_range bounds)
{
	uint64_t n = pager_range_len(stretch);
	struct sums have;

	if (stretch.start < bounds.start || stretch.end > bounds.end ||
	    space_resident(s) + n > s->limits.resident ||
	    !account_has_room(s->account, PAGER_RES_FRAMES, n))
		return false;
	have = table_sum(&s->table, stretch);
	return !have.anon && !have.zero && !have.object;
}

static void fill_pages(struct pager_space *s, uint64_t vpn, uint64_t base,
		       unsigned int n, uint64_t entry, struct path *p)
{
	uint64_t *first;

	table_own(&s->table, vpn, p);
	first = p->slot - (vpn - base);
	for (unsigned int i = 0; i < n; i++) {
		p->slot = first + i;
		table_fill(&s->table, p,
			   entry + ((uint64_t)i << PAGER_PAGE_SHIFT));
	}
	p->slot = first + (vpn - base);
}

static unsigned int fill(struct pager_space *s, const struct pager_region *r,
			 uint64_t vpn, struct pager_range bounds,
			 unsigned int order, struct path *p)
{
	unsigned int n = 1u << order;
	uint64_t base = vpn & ~(uint64_t)(n - 1), entry;
	uint32_t frame;

	if (!allowed(s, pager_range(base, base + n), bounds))
		return 0;
	frame = frame_take_run(s->core, s->account, order, FRAME_MOVABLE, true);
	if (frame == FRAME_NONE)
		return 0;
	entry = frame_entry(frame) | PTE_ANON | PTE_W | pte_perms(r->prot);
	if (order == ORDER_2M) {
		table_own_upper(&s->table, vpn, p);
		large_fill(&s->table, p, entry | PTE_PS);
	} else {
		fill_pages(s, vpn, base, n, entry, p);
		s->core->stats.around_fills++;
	}
	s->core->stats.zero_fills += n;
	s->core->stats.minor_faults++;
	s->minor_faults++;
	space_note_peak(s);
	return n;
}

unsigned int around_install(struct pager_space *s, const struct pager_region *r,
			    uint64_t vpn, struct pager_range bounds,
			    struct path *p)
{
	unsigned int n = 0;

	if (s->around == PAGER_AROUND_2M)
		n = fill(s, r, vpn, bounds, ORDER_2M, p);
	return n ? n : fill(s, r, vpn, bounds, ORDER_64K, p);
}

struct pager_status pager_space_set_around(struct pager_space *space,
					   enum pager_around around)
{
	if (around > PAGER_AROUND_2M)
		return pager_refuse(PAGER_EINVAL, PAGER_ARG_FLAGS);
	space->around = (uint8_t)around;
	return pager_ok();
}
