/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is wrong for the fields of operations on dirty logs. Stretches are 128
 * pages from page 64 on, of a log of BED_LOG_PAGES, of one of all pages of a
 * space, or of one of 64 pages.
 */
#include "tests/support/bad_int.h"

#define SPACE_PAGES ((BED_END - BED_START) / PAGE)

/* --- handles ----------------------------------------------------------------
 */

void bad_log(const struct request *r, struct bads *out)
{
	bad_thing(r, out);
	bads_add(out, bed.space, PAGER_ETYPE, NULL);
	bads_add(out, bed.object, PAGER_ETYPE, NULL);
}

/* A log with a ring is read by nothing but that. */
void bad_read_log(const struct request *r, struct bads *out)
{
	bad_log(r, out);
	bads_add(out, bed.ringed, PAGER_EBUSY, NULL);
}

void bad_reset_log(const struct request *r, struct bads *out)
{
	bad_log(r, out);
	bads_add(out, bed.log, PAGER_EINVAL, NULL);
	bads_add(out, bed.orphan, PAGER_EINVAL, NULL);
}

void bad_given(const struct request *r, struct bads *out)
{
	bad_thing(r, out);
	bads_add(out, bed.log, PAGER_ETYPE, NULL);
}

/* --- stretches --------------------------------------------------------------
 */

static void bad_first_of(const struct request *r, struct bads *out,
			 uint64_t all)
{
	uint64_t pages = request_value(r, "pages");

	bads_add(out, all, PAGER_ERANGE, NULL);
	bads_add(out, all + 1, PAGER_ERANGE, NULL);
	bads_add(out, SPAN / PAGE, PAGER_ERANGE, NULL);
	bads_add(out, UINT64_MAX, PAGER_ERANGE, NULL);
	bads_add(out, all - 1, PAGER_ERANGE, "pages");
	bads_add(out, all - pages + 1, PAGER_ERANGE, "pages");
	if (pages < all)
		bads_add(out, 1, PAGER_EALIGN, NULL);
}

static void bad_pages_of(const struct request *r, struct bads *out,
			 uint64_t all)
{
	uint64_t left = all - request_value(r, "first");

	bads_add(out, 0, PAGER_EINVAL, NULL);
	bads_add(out, 1, PAGER_EALIGN, NULL);
	bads_add(out, 63, PAGER_EALIGN, NULL);
	bads_add(out, left - 1, PAGER_EALIGN, NULL);
	bads_add(out, left + 1, PAGER_ERANGE, NULL);
	bads_add(out, SPAN, PAGER_ERANGE, NULL);
	bads_add(out, UINT64_MAX, PAGER_ERANGE, NULL);
}

void bad_first(const struct request *r, struct bads *out)
{
	bad_first_of(r, out, BED_LOG_PAGES);
	bads_add(out, 65, PAGER_EALIGN, NULL);
	bads_add(out, 128, PAGER_ERANGE, "pages");
}

void bad_pages(const struct request *r, struct bads *out)
{
	bad_pages_of(r, out, BED_LOG_PAGES);
}

/* Two words come with it. */
void bad_words_pages(const struct request *r, struct bads *out)
{
	(void)r;
	bads_add(out, 0, PAGER_EINVAL, "data_len");
	bads_add(out, 1, PAGER_EINVAL, "data_len");
	bads_add(out, 64, PAGER_EINVAL, "data_len");
	bads_add(out, 129, PAGER_EINVAL, "data_len");
	bads_add(out, UINT64_MAX, PAGER_EINVAL, "data_len");
	bads_add(out, 65, PAGER_EALIGN, NULL);
	bads_add(out, 127, PAGER_EALIGN, NULL);
}

void bad_manual_first(const struct request *r, struct bads *out)
{
	bad_first_of(r, out, SPACE_PAGES);
}

void bad_manual_pages(const struct request *r, struct bads *out)
{
	bad_pages_of(r, out, SPACE_PAGES);
}

void bad_orphan_first(const struct request *r, struct bads *out)
{
	bad_first_of(r, out, 64);
}

void bad_orphan_pages(const struct request *r, struct bads *out)
{
	bad_pages_of(r, out, 64);
}

/* --- the rest ---------------------------------------------------------------
 */

/* addr = len = 0 is all; either of them alone is not. */
void bad_all_addr(const struct request *r, struct bads *out)
{
	bad_addr(r, out);
	bads_add(out, 1, PAGER_EALIGN, NULL);
	bads_add(out, BED_ANON, PAGER_EINVAL, "len");
}

void bad_all_len(const struct request *r, struct bads *out)
{
	(void)r;
	bads_add(out, 1, PAGER_ERANGE, "addr");
	bads_add(out, HALF, PAGER_ERANGE, "addr");
	bads_add(out, HALF + 1, PAGER_ERANGE, NULL);
	bads_add(out, UINT64_MAX, PAGER_EOVERFLOW, NULL);
}

void bad_step(const struct request *r, struct bads *out)
{
	(void)r;
	bads_add(out, 0, PAGER_EINVAL, NULL);
	bads_add(out, PAGER_WRITEBACK_END + 1, PAGER_EINVAL, NULL);
	bads_add(out, UINT32_MAX, PAGER_EINVAL, NULL);
}

void bad_entries(const struct request *r, struct bads *out)
{
	(void)r;
	bads_add(out, 0, PAGER_EINVAL, NULL);
	bads_add(out, 1, PAGER_EINVAL, NULL);
	bads_add(out, PAGER_RING_MIN / 2, PAGER_EINVAL, NULL);
	bads_add(out, PAGER_RING_MIN + 1, PAGER_EINVAL, NULL);
	bads_add(out, PAGER_RING_MAX - 1, PAGER_EINVAL, NULL);
	bads_add(out, PAGER_RING_MAX * 2, PAGER_EINVAL, NULL);
	bads_add(out, UINT32_C(1) << 31, PAGER_EINVAL, NULL);
	bads_add(out, UINT32_MAX, PAGER_EINVAL, NULL);
}

void bad_word_offset(const struct request *r, struct bads *out)
{
	(void)r;
	bads_add(out, 1, PAGER_EALIGN, NULL);
	bads_add(out, 4, PAGER_EALIGN, NULL);
	bads_add(out, SERVE_MEMFD - 1, PAGER_EALIGN, NULL);
	bads_add(out, UINT64_MAX, PAGER_EALIGN, NULL);
	bads_add(out, SERVE_MEMFD - 8, PAGER_ERANGE, NULL);
	bads_add(out, SERVE_MEMFD, PAGER_ERANGE, NULL);
	bads_add(out, UINT64_C(1) << 63, PAGER_ERANGE, NULL);
	bads_add(out, UINT64_MAX - 7, PAGER_ERANGE, NULL);
}

void bad_method(const struct request *r, struct bads *out)
{
	(void)r;
	bads_add(out, PAGER_DIRTY_WRITE_PROTECT + 1, PAGER_EINVAL, NULL);
	bads_add(out, UINT32_MAX, PAGER_EINVAL, NULL);
}

void bad_log_flags(const struct request *r, struct bads *out)
{
	(void)r;
	bad_bits(out, PAGER_DIRTY_FLAGS, PAGER_EFLAGS);
}

void bad_get_flags(const struct request *r, struct bads *out)
{
	(void)r;
	bad_bits(out, PAGER_DIRTY_GET_CLEAR, PAGER_EFLAGS);
}

void bad_manual_flags(const struct request *r, struct bads *out)
{
	bad_get_flags(r, out);
	bads_add(out, PAGER_DIRTY_GET_CLEAR, PAGER_EFLAGS, NULL);
}
