/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Linux knows: its tracker's pages, and the bytes of all.
 */
#include <inttypes.h>
#include <string.h>

#include "tests/support/dirty_pair_int.h"

void dirty_take(struct dirty_pair *d, int slot, bool keep, bool anew)
{
	struct linux_side *l = &d->pair.linux;

	if (!d->tracked[slot])
		return;
	l->shared->request =
	    (struct linux_request){.call = LINUX_TAKE, .flags = anew};
	if (linux_do(l, slot)->ret)
		model_die("tracker", "Linux's tracker: %" PRId64,
			  l->shared->answer.ret);
	for (int n = 0; keep && n < DIRTY_LOGS; n++) {
		struct dirty_log *g = &d->log[slot][n];

		for (uint64_t i = 0; g->log && !g->orphan && i < g->pages; i++)
			if (linux_written(l, g->first + i))
				g->must[i] |= DIRTY_NEW;
	}
}

static void copy_all(struct dirty_pair *d, int slot)
{
	shared_of(d)->request = (struct linux_request){.call = LINUX_COPY};
	linux_do(&d->pair.linux, slot);
}

static bool holds_data(uint8_t there, const uint8_t *bytes)
{
	static const uint8_t zeros[PAGER_PAGE_SIZE];

	return there & LINUX_READABLE && there & LINUX_PRIVATE &&
	       memcmp(bytes, zeros, PAGER_PAGE_SIZE) != 0;
}

/* What a page shows: nothing is zeroes. */
static const uint8_t *shown(uint8_t there, const uint8_t *bytes)
{
	static const uint8_t zeros[PAGER_PAGE_SIZE];

	return there & LINUX_READABLE ? bytes : zeros;
}

/* The copies are fresh: must page i be dirty, since its bytes are others? */
static bool changed(struct dirty_pair *d, int slot, const struct dirty_log *g,
		    uint64_t i)
{
	const struct oracle_page *p = policy(d, slot, g, i);
	uint64_t at = g->first + i;
	uint8_t then = g->then[i], now = shared_of(d)->page[at];
	const uint8_t *old = g->bytes + i * PAGER_PAGE_SIZE;
	const uint8_t *new = linux_bytes(&d->pair.linux, at);
	bool same_memory = !(g->why[i] & BIT(DIRTY_WHY_REGION));

	if (memcmp(shown(then, old), shown(now, new), PAGER_PAGE_SIZE) == 0)
		return false;
	if (!same_memory || !(then & now & LINUX_READABLE) ||
	    holds_data(then, old))
		return true;
	/* A copy of an object's page that populating made is no write. */
	if (holds_data(now, new) &&
	    !(p->object && g->why[i] & BIT(DIRTY_WHY_POPULATE) &&
	      !(g->why[i] & BIT(DIRTY_WHY_MAPPED))))
		return true;
	if (!p->object)
		model_die("tracker",
			  "space %d: page 0x%" PRIx64
			  " has changed and Linux saw no write",
			  slot, d->pair.model.config.start + at);
	if (others_write(p))
		return true;
	d->counts->behind++;
	return false;
}

void dirty_update(struct dirty_pair *d, int slot)
{
	dirty_take(d, slot, true, true);
	if (!d->tracked[slot])
		return;
	copy_all(d, slot);
	for (int n = 0; n < DIRTY_LOGS; n++) {
		struct dirty_log *g = &d->log[slot][n];

		for (uint64_t i = 0; g->log && !g->orphan && i < g->pages; i++)
			if (!(g->must[i] & DIRTY_NEW) && changed(d, slot, g, i))
				g->must[i] |= DIRTY_NEW, d->counts->changed++;
	}
}

void dirty_now_clean(struct dirty_pair *d, int slot, struct dirty_log *g,
		     uint64_t i)
{
	uint64_t at = g->first + i;

	g->must[i] &= (uint8_t)~DIRTY_NEW;
	g->why[i] = 0;
	if (g->orphan)
		return;
	if (others_write(policy(d, slot, g, i)))
		g->why[i] = BIT(DIRTY_WHY_OBJECT);
	g->then[i] = shared_of(d)->page[at];
	memcpy(g->bytes + i * PAGER_PAGE_SIZE, linux_bytes(&d->pair.linux, at),
	       PAGER_PAGE_SIZE);
}

void dirty_same_bytes(struct dirty_pair *d, int slot)
{
	static const uint8_t zeros[PAGER_PAGE_SIZE];
	const struct oracle_space *s = &d->pair.model.oracle.space[slot];

	for (uint64_t i = 0; i < d->pair.linux.pages; i++) {
		const struct oracle_page *p = &s->page[i];
		const uint8_t *want = oracle_bytes(p);

		if (!(shared_of(d)->page[i] & LINUX_READABLE))
			continue;
		if (memcmp(want ? want : zeros, linux_bytes(&d->pair.linux, i),
			   PAGER_PAGE_SIZE))
			model_die("linux-bytes",
				  "space %d: page 0x%" PRIx64
				  " differs from what Linux has there",
				  slot, d->pair.model.config.start + i);
	}
}
