/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dirty logs. So far only their names.
 */
#include "lib/core/dirty.h"

struct pager_status
pager_dirty_start(struct pager_space *space, struct pager_account *account,
		  struct pager_range range, enum pager_dirty_method method,
		  uint32_t flags, struct pager_dirty_log **out)
{
	(void)space, (void)account, (void)range, (void)method, (void)flags;
	*out = NULL;
	return pager_refuse(PAGER_ENOSYS, PAGER_ARG_NONE);
}

void pager_dirty_stop(struct pager_dirty_log *log)
{
	(void)log;
}

struct pager_status pager_dirty_get(struct pager_dirty_log *log, uint64_t first,
				    uint64_t pages, pager_dirty_fn *fn,
				    void *ctx, struct pager_dirty_got *out)
{
	(void)log, (void)first, (void)pages, (void)fn, (void)ctx;
	*out = (struct pager_dirty_got){0};
	return pager_refuse(PAGER_ENOSYS, PAGER_ARG_NONE);
}

void pager_dirty_got_clear(struct pager_dirty_log *log, uint64_t first,
			   uint64_t pages)
{
	(void)log, (void)first, (void)pages;
}

struct pager_status pager_dirty_clear(struct pager_dirty_log *log,
				      uint64_t first, uint64_t pages,
				      const uint64_t *words, uint64_t *cleared)
{
	(void)log, (void)first, (void)pages, (void)words;
	*cleared = 0;
	return pager_refuse(PAGER_ENOSYS, PAGER_ARG_NONE);
}

struct pager_status pager_dirty_begin(struct pager_dirty_log *log,
				      uint64_t first, uint64_t pages,
				      uint64_t *begun)
{
	(void)log, (void)first, (void)pages;
	*begun = 0;
	return pager_refuse(PAGER_ENOSYS, PAGER_ARG_NONE);
}

struct pager_status pager_dirty_end(struct pager_dirty_log *log, uint64_t first,
				    uint64_t pages, uint64_t *ended)
{
	(void)log, (void)first, (void)pages;
	*ended = 0;
	return pager_refuse(PAGER_ENOSYS, PAGER_ARG_NONE);
}

struct pager_status pager_dirty_ring_attach(struct pager_dirty_log *log,
					    void *memory, uint32_t entries)
{
	(void)log, (void)memory, (void)entries;
	return pager_refuse(PAGER_ENOSYS, PAGER_ARG_NONE);
}

void pager_dirty_ring_detach(struct pager_dirty_log *log)
{
	(void)log;
}

struct pager_status pager_dirty_ring_reset(struct pager_dirty_log *log,
					   uint64_t *reset)
{
	(void)log;
	*reset = 0;
	return pager_refuse(PAGER_ENOSYS, PAGER_ARG_NONE);
}

void pager_dirty_info(const struct pager_dirty_log *log,
		      struct pager_dirty_info *out)
{
	(void)log;
	*out = (struct pager_dirty_info){0};
}
