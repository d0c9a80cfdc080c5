/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who is told of pools: listeners at once, and everyone later, from a ring of
 * events that never blocks: the oldest is overwritten, and a reader sees the
 * gap in the numbers.
 */
#include <errno.h>

#include "lib/core/internal.h"
#include "lib/core/pool_int.h"

int pool_events_init(struct pager_core *core)
{
	struct pools *pools = &core->pools;

	if (!pools->events)
		pools->events =
		    core_alloc(core, POOL_EVENTS * sizeof(*pools->events));
	return pools->events ? 0 : -ENOMEM;
}

void pool_event(void *ctx, unsigned int type, uint64_t pfn, uint64_t value)
{
	struct pager_pool *pool = ctx;
	struct pools *pools = &pool->core->pools;
	uint64_t number = pools->next_event++;

	pools->events[number % POOL_EVENTS] = (struct pager_pool_event){
	    .number = number,
	    .time_ms = pools->now_ms,
	    .pfn = pfn,
	    .value = value,
	    .pool = pool->number,
	    .type = type,
	};
}

bool pager_core_event(const struct pager_core *core, uint64_t from,
		      struct pager_pool_event *out)
{
	const struct pools *pools = &core->pools;
	uint64_t oldest = 1;

	if (pools->next_event > POOL_EVENTS)
		oldest = pools->next_event - POOL_EVENTS;
	if (from < oldest)
		from = oldest;
	if (from >= pools->next_event)
		return false;
	*out = pools->events[from % POOL_EVENTS];
	return true;
}

void pager_core_listen(struct pager_core *core, struct vmem_listener *l)
{
	struct vmem_listener **at = &core->pools.listeners;

	while (*at)
		at = &(*at)->next;
	l->next = NULL;
	*at = l;
}

void pager_core_unlisten(struct pager_core *core, struct vmem_listener *l)
{
	struct vmem_listener **at = &core->pools.listeners;

	while (*at && *at != l)
		at = &(*at)->next;
	if (*at)
		*at = l->next;
	l->next = NULL;
}

/* Those before end, the last one first. There are few. */
static void cancel_before(struct pager_core *core,
			  const struct vmem_listener *end,
			  enum vmem_event event, uint64_t pfn, uint64_t pages)
{
	while (end != core->pools.listeners) {
		struct vmem_listener *l = core->pools.listeners;

		while (l->next != end)
			l = l->next;
		l->notify(l->ctx, event, pfn, pages);
		end = l;
	}
}

int listeners_ask(struct pager_core *core, enum vmem_event event,
		  enum vmem_event cancel, uint64_t pfn, uint64_t pages)
{
	struct vmem_listener *l;
	int answer;

	for (l = core->pools.listeners; l; l = l->next) {
		answer = l->notify(l->ctx, event, pfn, pages);
		if (answer) {
			cancel_before(core, l, cancel, pfn, pages);
			return answer;
		}
	}
	return 0;
}

void listeners_tell(struct pager_core *core, enum vmem_event event,
		    uint64_t pfn, uint64_t pages)
{
	for (struct vmem_listener *l = core->pools.listeners; l; l = l->next)
		l->notify(l->ctx, event, pfn, pages);
}

void listeners_cancel(struct pager_core *core, enum vmem_event cancel,
		      uint64_t pfn, uint64_t pages)
{
	cancel_before(core, NULL, cancel, pfn, pages);
}

int listeners_forward(void *ctx, enum vmem_event event, uint64_t pfn,
		      uint64_t pages)
{
	switch (event) {
	case VMEM_PLUGGING:
		return listeners_ask(ctx, event, VMEM_CANCEL_PLUGGING, pfn,
				     pages);
	case VMEM_CANCEL_PLUGGING:
		listeners_cancel(ctx, event, pfn, pages);
		return 0;
	default:
		listeners_tell(ctx, event, pfn, pages);
		return 0;
	}
}
