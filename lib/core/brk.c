/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The break: a heap region that begins at the first page boundary at or above
 * where the program's data ends, and is as long as the break says.
 *
 *	brk_start	       brk
 *	   |..[####|####|####|##..]
 *	      page boundary      page boundary
 *
 * Addresses are bytes here and only here: the break is a byte.
 */
#include "lib/core/space.h"
#include "lib/core/table.h"

static uint64_t page_up(uint64_t bytes)
{
	return (bytes + PAGER_PAGE_SIZE - 1) >> PAGER_PAGE_SHIFT;
}

static bool in_space(const struct pager_space *s, uint64_t bytes)
{
	return bytes <= PAGER_VPN_HALF << PAGER_PAGE_SHIFT &&
	       page_up(bytes) >= s->range.start &&
	       page_up(bytes) <= s->range.end;
}

struct pager_status pager_space_brk_start(struct pager_space *space,
					  uint64_t start)
{
	if (!start || !in_space(space, start))
		return pager_refuse(PAGER_ERANGE, PAGER_ARG_ADDR);
	if (space->brk_start)
		return pager_refuse(PAGER_EEXIST, PAGER_ARG_ADDR);
	space->brk_start = start;
	space->brk = start;
	return pager_ok();
}

struct pager_status pager_space_brk(struct pager_space *space, uint64_t brk)
{
	uint64_t was = page_up(space->brk), now;
	struct pager_status st = pager_ok();
	struct pager_range more;

	if (!space->brk_start)
		return pager_refuse(PAGER_EUNMAPPED, PAGER_ARG_ADDR);
	if (brk < space->brk_start || !in_space(space, brk))
		return pager_refuse(PAGER_ERANGE, PAGER_ARG_ADDR);
	now = page_up(brk);
	more = pager_range(was, now);
	if (now < was) {
		st = pager_space_unmap(space, pager_range(now, was));
	} else if (now > was) {
		if (space_mapped_pages(space, more))
			return pager_refuse(PAGER_EEXIST, PAGER_ARG_ADDR);
		st = space_check_limits(space, 1, now - was, PAGER_ARG_ADDR);
		if (!st.err)
			st = space_reserve_regions(space, 1);
		if (st.err)
			return st;
		space_add_region(space, more,
				 PAGER_PROT_READ | PAGER_PROT_WRITE,
				 PAGER_REGION_HEAP, NULL, 0);
		space_merge(space, more);
	}
	if (!st.err)
		space->brk = brk;
	return st;
}
