/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Live copies: the rounds.
 *
 *	start the log
 *	round 0: regions, all pages that are there
 *	while there is much that was written, and it gets less:
 *		regions; of what is dirty: clear, then read, then put
 *	stop the source
 *	the same until nothing is dirty any more
 *	protections, pins; compare; resume; the log ends
 *
 * A page that is dirty and in no region that is known is not cleared: it may
 * have been mapped and written since the regions were looked at, and is found
 * again when they are looked at next.
 *
 * That the source was stopped is not believed: after the last round there is
 * another look, and what is dirty again, or mapped otherwise, is copied again,
 * a few times; then it is a failure.
 *
 * What an object shows through a private region is logged by nobody, whoever
 * writes it: it is copied again in the last round. So is an object whose page
 * was not found where the regions said: it may have been cut, or something else
 * be mapped there by now; while the source runs nobody can tell.
 */
#include "lib/client/precopy_int.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS	      30u
#define STOP_PAGES    512u
#define LAST_LOOKS    4u
#define EXTENTS	      512u
#define STRETCH_WORDS 64u
#define SHOW_US	      100000u

int pc_fail(struct pc *pc, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(pc->result->why, sizeof(pc->result->why), format, args);
	va_end(args);
	errno = err;
	return PAGER_MISUSE;
}

static int say(struct pc *pc, int ret, const char *who, const char *why)
{
	int err = errno;

	snprintf(pc->result->why, sizeof(pc->result->why), "%s: %s", who, why);
	errno = err;
	return ret;
}

int pc_source_failed(struct pc *pc, int ret)
{
	return say(pc, ret, "the source", pc->source->why(pc->src));
}

int pc_target_failed(struct pc *pc, int ret)
{
	return say(pc, ret, "the copy", pc->target->why(pc->dst));
}

/* --- progress --------------------------------------------------------------
 */

static uint64_t now_us(struct pc *pc)
{
	return pc->source->now_us(pc->src);
}

static void round_begin(struct pc *pc, uint32_t phase, uint64_t dirty)
{
	uint32_t round = (uint32_t)pc->result->rounds;

	pc->progress = (struct pager_precopy_progress){
	    .round = round, .phase = phase, .dirty = dirty};
	pc->round_us = pc->shown_us = now_us(pc);
}

static int show(struct pc *pc, bool ended)
{
	uint64_t now;

	if (!pc->options.progress)
		return 0;
	now = now_us(pc);
	if (!ended && now - pc->shown_us < SHOW_US)
		return 0;
	pc->shown_us = now;
	pc->progress.ms = (now - pc->round_us) / 1000;
	pc->progress.ended = ended;
	if (pc->options.progress(pc->options.arg, &pc->progress) == 0)
		return 0;
	return pc_fail(pc, ECANCELED, "given up by the caller");
}

/* --- copying ---------------------------------------------------------------
 */

static int sink(void *ctx, const struct pc_extent *e, uint64_t vpn,
		uint64_t pages, const uint8_t *data)
{
	struct pc *pc = ctx;
	const struct pc_region *r = e->region;
	uint64_t object = e->object ? r->object : 0;
	uint64_t page = object ? r->offset + (vpn - r->start) : vpn;
	int ret;

	if (!data && object && !pc->stopped) {
		for (size_t i = 0; i < pc->object_count; i++)
			if (pc->objects[i].id == object)
				pc->objects[i].again = true;
		return 0;
	}
	if (data)
		ret = pc->target->put(pc->dst, object, page, pages, data);
	else
		ret = pc->target->hole(pc->dst, object, page, pages);
	if (ret < 0)
		return pc_target_failed(pc, ret);
	if (data) {
		pc->result->pages += pages;
		pc->result->bytes += pages * PAGER_PAGE_SIZE;
		pc->progress.pages += pages;
		pc->progress.bytes += pages * PAGER_PAGE_SIZE;
	}
	return show(pc, false);
}

static int take(struct pc *pc, const struct pc_clear *clear,
		const struct pc_extent *extents, size_t count)
{
	int ret;

	pc->result->why[0] = '\0';
	ret = pc->source->take(pc->src, clear, extents, count, sink, pc);
	if (ret < 0 && !pc->result->why[0])
		return pc_source_failed(pc, ret);
	return ret;
}

/* All of a region that was just mapped: its own pages, and its object's. */
static int copy_whole(struct pc *pc, const struct pc_region *r)
{
	struct pc_extent e[2] = {
	    {.region = r, .start = r->start, .end = r->end, .fresh = true}};
	size_t n = 0;

	if (!(r->flags & PAGER_REGION_SHARED))
		n++;
	if (r->object) {
		e[n] = e[0];
		e[n++].object = true;
	}
	return take(pc, NULL, e, n);
}

static int copy_fresh(struct pc *pc)
{
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < pc->fresh.count; i++)
		ret = copy_whole(pc, &pc->fresh.at[i]);
	return ret;
}

static bool changed_under_way(const struct pc *pc, uint64_t object)
{
	for (size_t i = 0; i < pc->object_count; i++)
		if (pc->objects[i].id == object)
			return pc->objects[i].again;
	return true;
}

/* Objects as private regions show them, and those that changed under way, once
 * more. */
static int copy_unlogged(struct pc *pc)
{
	for (size_t i = 0; i < pc->want.count; i++) {
		const struct pc_region *r = &pc->want.at[i];
		struct pc_extent e = {.region = r,
				      .start = r->start,
				      .end = r->end,
				      .object = true};
		int ret;

		if (!r->object || (r->flags & PAGER_REGION_SHARED &&
				   !changed_under_way(pc, r->object)))
			continue;
		ret = take(pc, NULL, &e, 1);
		if (ret < 0)
			return ret;
	}
	return 0;
}

/* --- what is dirty ---------------------------------------------------------
 */

/* Up to 64 words of the log, and the extents that its pages make. */
struct stretch {
	struct pc_clear clear;
	uint64_t words[STRETCH_WORDS];
	struct pc_extent extents[EXTENTS];
	size_t count;
	uint64_t dirty;
};

static bool stretch_add(struct stretch *s, const struct pc_region *r,
			uint64_t vpn)
{
	struct pc_extent *last = s->count ? &s->extents[s->count - 1] : NULL;

	if (last && last->end == vpn && last->region == r) {
		last->end++;
		return true;
	}
	if (s->count == EXTENTS)
		return false;
	s->extents[s->count++] =
	    (struct pc_extent){.region = r,
			       .start = vpn,
			       .end = vpn + 1,
			       .object = (r->flags & PAGER_REGION_SHARED) != 0};
	return true;
}

/* The pages of words that lie in regions; as many words as extents do for.
 * Bits outside of regions are taken out of them. */
static size_t stretch_fill(const struct pc *pc, struct stretch *s,
			   uint64_t first, const uint64_t *words, size_t n)
{
	uint64_t vpn = pc->log_first + first;
	size_t i = pc_list_find(&pc->want, vpn), w;

	s->count = 0;
	s->dirty = 0;
	for (w = 0; w < n && w < STRETCH_WORDS; w++, vpn += 64) {
		uint64_t kept = 0;

		if (s->count + 64 > EXTENTS)
			break;
		for (uint64_t left = words[w]; left; left &= left - 1) {
			unsigned int bit = (unsigned int)__builtin_ctzll(left);
			uint64_t page = vpn + bit;

			while (i < pc->want.count && pc->want.at[i].end <= page)
				i++;
			if (i == pc->want.count)
				break;
			if (pc->want.at[i].start > page)
				continue;
			kept |= UINT64_C(1) << bit;
			s->dirty++;
			stretch_add(s, &pc->want.at[i], page);
		}
		s->words[w] = kept;
	}
	s->clear.first = first;
	s->clear.pages = (uint64_t)w * 64;
	if (s->clear.pages > pc->log_pages - first)
		s->clear.pages = pc->log_pages - first;
	s->clear.words = s->words;
	return w;
}

/* The words lie in the log, and it goes on. */
static bool got_fits(const struct pc *pc, const struct pager_rep_dirty_got *got,
		     uint64_t at)
{
	if (got->next <= at || got->next > pc->log_pages)
		return false;
	return got->pages == 0 ||
	       (got->first % 64 == 0 && got->first < pc->log_pages &&
		got->pages <= pc->log_pages - got->first &&
		got->pages <= sizeof(pc->words) * 8);
}

/* Every dirty page of a region: counted, and copied if copy. */
static int each_dirty(struct pc *pc, bool copy, uint64_t *dirty)
{
	struct pager_rep_dirty_got got;
	struct stretch s;

	*dirty = 0;
	for (uint64_t at = 0; at < pc->log_pages; at = got.next) {
		size_t n, w = 0;
		int ret = pc->source->dirty(pc->src, at, pc->log_pages - at,
					    &got, pc->words);

		if (ret < 0)
			return pc_source_failed(pc, ret);
		n = (size_t)((got.pages + 63) / 64);
		if (!got_fits(pc, &got, at))
			return pc_fail(pc, EPROTO,
				       "the source: a log that makes no sense");
		while (w < n) {
			uint64_t first = got.first + w * 64;

			w += stretch_fill(pc, &s, first, pc->words + w, n - w);
			*dirty += s.dirty;
			if (!copy || s.count == 0)
				continue;
			ret = take(pc, &s.clear, s.extents, s.count);
			if (ret < 0)
				return ret;
		}
	}
	return 0;
}

/* --- the rounds ------------------------------------------------------------
 */

static int flush(struct pc *pc)
{
	int ret = pc->target->flush(pc->dst);

	return ret < 0 ? pc_target_failed(pc, ret) : 0;
}

/* Regions, then what is fresh, then what is dirty. */
static int round_copy(struct pc *pc, bool dirty_too, uint64_t *dirty,
		      bool *changed)
{
	int ret = pc_sync(pc, changed);

	*dirty = 0;
	if (ret == 0)
		ret = copy_fresh(pc);
	if (ret == 0 && dirty_too)
		ret = each_dirty(pc, true, dirty);
	return ret == 0 ? flush(pc) : ret;
}

static int run_live(struct pc *pc)
{
	uint64_t dirty, before = UINT64_MAX, limit = pc->options.max_rounds;
	unsigned int stuck = 0;
	bool changed;
	int ret;

	round_begin(pc, PAGER_PRECOPY_RUNNING,
		    pc->info.resident_bytes / PAGER_PAGE_SIZE);
	ret = round_copy(pc, false, &dirty, &changed);
	if (ret == 0)
		ret = show(pc, true);
	pc->result->rounds = 1;
	while (ret == 0 && pc->result->rounds <= limit) {
		ret = each_dirty(pc, false, &dirty);
		if (ret < 0 || dirty <= pc->options.stop_pages)
			break;
		stuck = dirty > before - before / 4 ? stuck + 1 : 0;
		if (stuck == 2)
			break;
		before = dirty;
		round_begin(pc, PAGER_PRECOPY_RUNNING, dirty);
		ret = round_copy(pc, true, &dirty, &changed);
		if (ret == 0)
			ret = show(pc, true);
		pc->result->rounds++;
	}
	return ret;
}

static int run_stopped(struct pc *pc)
{
	uint64_t pages = pc->result->pages, dirty = 0;
	bool changed;
	int ret;

	ret = pc->options.stop ? pc->options.stop(pc->options.arg)
			       : pc->source->stop(pc->src);
	if (ret != 0 && pc->options.stop)
		return pc_fail(pc, ECANCELED,
			       "the source could not be stopped");
	if (ret < 0)
		return pc_source_failed(pc, ret);
	pc->stopped = true;
	pc->timed = !pc->options.stop && ret == 0;
	round_begin(pc, PAGER_PRECOPY_STOPPED, 0);
	for (unsigned int looks = 0;; looks++) {
		ret = round_copy(pc, true, &dirty, &changed);
		if (ret < 0)
			return ret;
		if (looks == 0)
			pc->progress.dirty = dirty;
		if (looks > 0 && dirty == 0 && !changed)
			break;
		if (looks == LAST_LOOKS)
			return pc_fail(pc, EBUSY,
				       "the source: it was written to while it "
				       "was stopped");
	}
	ret = copy_unlogged(pc);
	if (ret == 0)
		ret = pc_objects_settle(pc);
	if (ret == 0)
		ret = flush(pc);
	if (ret < 0)
		return ret;
	ret = pc->target->finish(pc->dst, &pc->want);
	if (ret < 0)
		return pc_target_failed(pc, ret);
	pc->result->last_pages = pc->result->pages - pages;
	pc->result->regions = pc->want.count;
	return show(pc, true);
}

static int check(struct pc *pc)
{
	uint64_t dirty, from = now_us(pc);
	bool pages = pc->options.flags & PAGER_PRECOPY_VERIFY;
	int ret;

	if (pages)
		round_begin(pc, PAGER_PRECOPY_VERIFYING, 0);
	ret = pc_verify(pc, pages);
	pc->result->verify_us = now_us(pc) - from;
	if (ret == 0 && pages)
		ret = show(pc, true);
	if (ret < 0)
		return ret;
	ret = each_dirty(pc, false, &dirty);
	if (ret < 0)
		return ret;
	if (dirty)
		return pc_fail(
		    pc, EBUSY,
		    "the source: it was written to while it was stopped");
	return 0;
}

/* Has the pause run out, so that the source may have gone on? Then that is what
 * went wrong, whatever was noticed of it. */
static bool too_late(struct pc *pc)
{
	return pc->timed && now_us(pc) - pc->stop_us >
				(uint64_t)pc->options.max_pause_ms * 1000;
}

static int resume(struct pc *pc)
{
	int ret = 0;

	if (!pc->stopped)
		return 0;
	pc->stopped = false;
	if (pc->options.resume)
		ret = pc->options.resume(pc->options.arg)
			  ? pc_fail(pc, ECANCELED,
				    "the source could not be resumed")
			  : 0;
	else if (!pc->options.stop)
		ret = pc->source->resume(pc->src);
	pc->result->pause_us = now_us(pc) - pc->stop_us;
	if (ret < 0 && !pc->options.resume)
		return pc_source_failed(pc, ret);
	return ret;
}

static int all(struct pc *pc)
{
	int ret = pc->source->info(pc->src, &pc->info);

	if (ret < 0)
		return pc_source_failed(pc, ret);
	ret = pc->source->log_start(pc->src, pc->options.method, &pc->log_first,
				    &pc->log_pages);
	if (ret < 0)
		return pc_source_failed(pc, ret);
	pc->logging = true;
	pc->begun = true;
	ret = pc->target->begin(pc->dst, &pc->info);
	if (ret < 0)
		return pc_target_failed(pc, ret);
	ret = run_live(pc);
	if (ret < 0)
		return ret;
	pc->stop_us = now_us(pc);
	ret = run_stopped(pc);
	if (ret == 0)
		ret = check(pc);
	if ((ret == 0 || ret == PAGER_MISUSE) && too_late(pc))
		ret = pc_fail(pc, ETIMEDOUT,
			      "the source: not done within %u ms of pause",
			      pc->options.max_pause_ms);
	return ret;
}

static void defaults(struct pager_precopy_options *o)
{
	if (!o->max_rounds)
		o->max_rounds = ROUNDS;
	if (!o->stop_pages)
		o->stop_pages = STOP_PAGES;
	if (!o->max_pause_ms)
		o->max_pause_ms = PC_PAUSE_MS;
}

int pc_run(struct pc *pc)
{
	char why[PAGER_PRECOPY_WHY];
	uint64_t from = now_us(pc);
	int ret, resumed;

	defaults(&pc->options);
	ret = pc->options.max_pause_ms > PAGER_PAUSE_MAX_MS
		  ? pc_fail(pc, EINVAL, "max_pause_ms: more than %u",
			    PAGER_PAUSE_MAX_MS)
		  : all(pc);
	memcpy(why, pc->result->why, sizeof(why));
	resumed = resume(pc);
	if (ret == 0)
		ret = resumed;
	else
		memcpy(pc->result->why, why, sizeof(why));
	if (pc->logging)
		pc->source->log_stop(pc->src);
	if (ret == 0) {
		ret = pc->target->commit(pc->dst, &pc->result->space);
		if (ret < 0)
			pc_target_failed(pc, ret);
	}
	if (ret < 0 && pc->begun)
		pc->target->abort(pc->dst);
	if (ret == 0)
		pc->result->why[0] = '\0';
	pc->result->total_us = now_us(pc) - from;
	pc_list_fini(&pc->want);
	pc_list_fini(&pc->have);
	pc_list_fini(&pc->fresh);
	free(pc->objects);
	return ret;
}
