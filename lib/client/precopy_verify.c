/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Are a space and its copy equal? The regions in every respect that a client
 * can see, the bytes one by one, pages that nobody may look at among them.
 */
#include "lib/client/precopy_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One side: a run of pages that was looked at. */
struct side {
	int (*look)(void *ctx, uint64_t vpn, uint64_t end, uint8_t *buf,
		    struct pc_look *out);
	void *ctx;
	struct pc_look got;
	uint8_t *buf;
};

/* Make got's run begin at vpn or after it. */
static int side_at(struct side *s, uint64_t vpn, uint64_t end)
{
	while (s->got.first + s->got.pages <= vpn && s->got.next < end) {
		uint64_t from = s->got.next > vpn ? s->got.next : vpn;
		int ret = s->look(s->ctx, from, end, s->buf, &s->got);

		if (ret < 0)
			return ret;
		if (s->got.next <= from || s->got.next > end ||
		    s->got.pages > PC_RUN_PAGES) {
			errno = EPROTO;
			return PAGER_MISUSE;
		}
	}
	return 0;
}

/* The bytes of a page; NULL: zeros. */
static const uint8_t *side_page(const struct side *s, uint64_t vpn)
{
	if (vpn < s->got.first || vpn >= s->got.first + s->got.pages)
		return NULL;
	return s->buf + (vpn - s->got.first) * PAGER_PAGE_SIZE;
}

/* The next page after vpn that this side may have something at. */
static uint64_t side_next(const struct side *s, uint64_t vpn, uint64_t end)
{
	if (s->got.pages && vpn < s->got.first)
		return s->got.first;
	return s->got.next < end && s->got.next > vpn ? s->got.next : end;
}

static int compare(struct pc *pc, struct side *a, struct side *b,
		   const struct pc_region *r)
{
	static const uint8_t zero[PAGER_PAGE_SIZE];

	a->got = b->got = (struct pc_look){.next = r->start};
	for (uint64_t vpn = r->start; vpn < r->end;) {
		const uint8_t *x, *y;
		uint64_t one, other;
		int ret = side_at(a, vpn, r->end);

		if (ret < 0)
			return pc_source_failed(pc, ret);
		ret = side_at(b, vpn, r->end);
		if (ret < 0)
			return pc_target_failed(pc, ret);
		x = side_page(a, vpn);
		y = side_page(b, vpn);
		if (!x && !y) {
			one = side_next(a, vpn, r->end);
			other = side_next(b, vpn, r->end);
			vpn = one < other ? one : other;
			continue;
		}
		if (memcmp(x ? x : zero, y ? y : zero, PAGER_PAGE_SIZE) != 0)
			return pc_fail(pc, EIO,
				       "the copy differs from the source in "
				       "the page at 0x%llx",
				       (unsigned long long)pc_va(vpn));
		pc->result->verified++;
		vpn++;
	}
	return 0;
}

static int compare_regions(struct pc *pc)
{
	struct pc_list theirs = {0}, lack = {0};
	int ret = pc->target->regions(pc->dst, &theirs);

	if (ret < 0)
		ret = pc_target_failed(pc, ret);
	else if (!pc_list_without(&pc->want, &theirs, true, &lack) ||
		 !pc_list_without(&theirs, &pc->want, true, &lack))
		ret = pc_fail(pc, ENOMEM, "no memory for lists of regions");
	if (ret == 0 && lack.count > 0)
		ret = pc_fail(pc, EIO,
			      "the copy has another region at 0x%llx than the "
			      "source (protection 0x%x, flags 0x%x)",
			      (unsigned long long)pc_va(lack.at[0].start),
			      lack.at[0].prot, lack.at[0].flags);
	pc_list_fini(&theirs);
	pc_list_fini(&lack);
	return ret;
}

int pc_verify(struct pc *pc, bool pages)
{
	struct side a = {.look = pc->source->look, .ctx = pc->src};
	struct side b = {.look = pc->target->look, .ctx = pc->dst};
	int ret;

	if (!pc->target->regions)
		return pages ? pc_fail(pc, ENOTSUP,
				       "a file is verified by loading it")
			     : 0;
	ret = compare_regions(pc);
	if (ret < 0 || !pages)
		return ret;
	a.buf = malloc(2 * (size_t)PAGER_DATA_MAX);
	if (!a.buf)
		return pc_fail(pc, ENOMEM, "no memory to compare");
	b.buf = a.buf + PAGER_DATA_MAX;
	for (size_t i = 0; ret == 0 && i < pc->want.count; i++)
		ret = compare(pc, &a, &b, &pc->want.at[i]);
	free(a.buf);
	return ret;
}
