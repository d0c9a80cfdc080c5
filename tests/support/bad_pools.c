/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is wrong for the fields of operations on pools, of SPACE_POLICY and
 * SPACE_PAUSE.
 */
#include "tests/support/bad_int.h"

void bad_around(const struct request *r, struct bads *out)
{
	(void)r;
	bads_add(out, PAGER_AROUND_2M + 1, PAGER_EINVAL, NULL);
	bads_add(out, UINT32_MAX, PAGER_EINVAL, NULL);
}

void bad_what(const struct request *r, struct bads *out)
{
	(void)r;
	bads_add(out, PAGER_PEEK_OBJECT + 1, PAGER_EINVAL, NULL);
	bads_add(out, UINT32_MAX, PAGER_EINVAL, NULL);
}

void bad_pause(const struct request *r, struct bads *out)
{
	(void)r;
	bads_add(out, PAGER_PAUSE_MAX_MS + 1, PAGER_EINVAL, NULL);
	bads_add(out, UINT32_MAX, PAGER_EINVAL, NULL);
}

/* Admins may name the spaces of all others. */
void bad_paused(const struct request *r, struct bads *out)
{
	uint64_t valid = request_value(r, "space");

	bads_add(out, 0, PAGER_ENOENT, NULL);
	bads_add(out, 1, PAGER_ENOENT, NULL);
	bads_add(out, UINT64_MAX, PAGER_ENOENT, NULL);
	bads_add(out, valid + (UINT64_C(1) << 30), PAGER_ENOENT, NULL);
	bads_add(out, valid + 4, PAGER_ENOENT, NULL);
	bads_add(out, valid ^ 3, PAGER_ENOENT, NULL);
	bads_add(out, valid + (UINT64_C(100) << 38), PAGER_ENOENT, NULL);
	bads_add(out, bed.dead_space, PAGER_ESTALE, NULL);
	bads_add(out, bed.object, PAGER_ETYPE, NULL);
	bads_add(out, bed.others_object, PAGER_ETYPE, NULL);
}

void bad_pool(const struct request *r, struct bads *out)
{
	(void)r;
	bads_add(out, 2, PAGER_ENOENT, NULL);
	bads_add(out, PAGER_POOLS_MAX, PAGER_ENOENT, NULL);
	bads_add(out, UINT32_MAX, PAGER_ENOENT, NULL);
}

/* One that is to be changed. */
void bad_own_pool(const struct request *r, struct bads *out)
{
	bad_pool(r, out);
	bads_add(out, 0, PAGER_EACCESS, NULL);
}

void bad_pool_size(const struct request *r, struct bads *out)
{
	(void)r;
	bads_add(out, 1, PAGER_EALIGN, NULL);
	bads_add(out, PAGE, PAGER_EALIGN, NULL);
	bads_add(out, BED_BLOCK + PAGE, PAGER_EALIGN, NULL);
	bads_add(out, BED_BLOCK - 1, PAGER_EALIGN, NULL);
	bads_add(out, UINT64_MAX, PAGER_EALIGN, NULL);
	bads_add(out, BED_POND + BED_BLOCK, PAGER_ERANGE, NULL);
	bads_add(out, SPAN, PAGER_ERANGE, NULL);
	bads_add(out, LAST, PAGER_ERANGE, NULL);
}

void bad_zone(const struct request *r, struct bads *out)
{
	(void)r;
	bads_add(out, PAGER_ZONE_MOVABLE + 1, PAGER_EINVAL, NULL);
	bads_add(out, UINT32_MAX, PAGER_EINVAL, NULL);
}

static void bad_block(struct bads *out)
{
	bads_add(out, 1, PAGER_EALIGN, NULL);
	bads_add(out, BED_POOL + 1, PAGER_EALIGN, NULL);
	bads_add(out, BED_POOL + PAGE, PAGER_EALIGN, NULL);
	bads_add(out, UINT64_MAX, PAGER_EALIGN, NULL);
	bads_add(out, 0, PAGER_ERANGE, NULL);
	bads_add(out, BED_POOL - BED_BLOCK, PAGER_ERANGE, NULL);
	bads_add(out, BED_POOL + BED_POND, PAGER_ERANGE, NULL);
	bads_add(out, HALF, PAGER_ERANGE, NULL);
	bads_add(out, LAST, PAGER_ERANGE, NULL);
	bads_add(out, BED_POOL + BED_POND - BED_BLOCK, PAGER_ENOENT, NULL);
}

void bad_block_on(const struct request *r, struct bads *out)
{
	(void)r;
	bad_block(out);
	bads_add(out, BED_POOL, PAGER_EBUSY, NULL);
}

void bad_block_off(const struct request *r, struct bads *out)
{
	(void)r;
	bad_block(out);
	bads_add(out, BED_POOL + 2 * BED_BLOCK, PAGER_EBUSY, NULL);
}

/* Of the boot pool, which ends where the other begins. */
void bad_phys(const struct request *r, struct bads *out)
{
	(void)r;
	bads_add(out, 1, PAGER_EALIGN, NULL);
	bads_add(out, UINT64_MAX, PAGER_EALIGN, NULL);
	bads_add(out, BED_POOL, PAGER_ERANGE, NULL);
	bads_add(out, HALF, PAGER_ERANGE, NULL);
	bads_add(out, LAST, PAGER_ERANGE, NULL);
}

void bad_phys_len(const struct request *r, struct bads *out)
{
	const uint64_t left = BED_POOL - request_value(r, "addr");

	bads_add(out, 0, PAGER_EINVAL, NULL);
	bads_add(out, UINT64_MAX, PAGER_EOVERFLOW, NULL);
	bads_add(out, LAST + 1, PAGER_EOVERFLOW, NULL);
	bads_add(out, LAST, PAGER_ERANGE, NULL);
	bads_add(out, SPAN, PAGER_ERANGE, NULL);
	bads_add(out, left + 1, PAGER_ERANGE, NULL);
}
