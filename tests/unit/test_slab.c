/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slabs: the stock, what reserve promises, and where memory goes.
 */
#include "lib/base/slab.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/failpoint.h"
#include "tests/support/unit.h"

struct source {
	unsigned int pieces;
	size_t bytes;
	size_t limit; /* 0: none */
};

static void *source_alloc(void *ctx, size_t bytes)
{
	struct source *src = ctx;
	void *p;

	if (src->limit && src->bytes + bytes > src->limit)
		return NULL;
	p = aligned_alloc(64, bytes);
	ck_assert_ptr_nonnull(p);
	memset(p, 0, bytes);
	src->pieces++;
	src->bytes += bytes;
	return p;
}

static void source_free(void *ctx, void *p, size_t bytes)
{
	struct source *src = ctx;

	ck_assert_ptr_nonnull(p);
	src->pieces--;
	src->bytes -= bytes;
	free(p);
}

static struct source source;

static struct pager_slab slab_new(size_t size)
{
	struct pager_slab s;

	source = (struct source){0};
	pager_slab_init(
	    &s, "a slab of the test", size,
	    (struct pager_slab_source){&source, source_alloc, source_free});
	return s;
}

START_TEST(after_reserve_that_many_takes_succeed)
{
	struct pager_slab s = slab_new(48);
	void *taken[1000];

	ck_assert_int_eq(pager_slab_reserve(&s, 1000), 0);
	for (int i = 0; i < 1000; i++)
		taken[i] = pager_slab_take(&s);
	ck_assert_uint_eq(s.taken, 1000);
	for (int i = 0; i < 1000; i++)
		pager_slab_give(&s, taken[i]);
	ck_assert_uint_eq(s.taken, 0);
	pager_slab_fini(&s);
	ck_assert_uint_eq(source.pieces, 0);
}
END_TEST

START_TEST(objects_do_not_overlap)
{
	static const size_t sizes[] = {8, 40, 64, 100, 4096, 20000};

	for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
		struct pager_slab s = slab_new(sizes[k]);
		uint8_t *taken[200];

		ck_assert_int_eq(pager_slab_reserve(&s, 200), 0);
		for (int i = 0; i < 200; i++) {
			taken[i] = pager_slab_take(&s);
			memset(taken[i], i, sizes[k]);
		}
		for (int i = 0; i < 200; i++) {
			size_t b = 0;

			while (b < sizes[k] && taken[i][b] == i)
				b++;
			ck_assert_uint_eq(b, sizes[k]);
			pager_slab_give(&s, taken[i]);
		}
		pager_slab_fini(&s);
		ck_assert_uint_eq(source.pieces, 0);
	}
}
END_TEST

START_TEST(objects_are_aligned)
{
	struct pager_slab lines = slab_new(192);
	struct pager_slab words;
	void *p[100];

	ck_assert_int_eq(pager_slab_reserve(&lines, 100), 0);
	for (int i = 0; i < 100; i++) {
		p[i] = pager_slab_take(&lines);
		ck_assert_uint_eq((uintptr_t)p[i] % 64, 0);
	}
	for (int i = 0; i < 100; i++)
		pager_slab_give(&lines, p[i]);
	pager_slab_fini(&lines);

	words = slab_new(40);
	ck_assert_int_eq(pager_slab_reserve(&words, 100), 0);
	for (int i = 0; i < 100; i++) {
		p[i] = pager_slab_take(&words);
		ck_assert_uint_eq((uintptr_t)p[i] % 16, 0);
	}
	for (int i = 0; i < 100; i++)
		pager_slab_give(&words, p[i]);
	pager_slab_fini(&words);
}
END_TEST

START_TEST(an_object_taken_again_is_zeroed)
{
	static const uint8_t zero[100];
	struct pager_slab s = slab_new(100);
	void *p;

	ck_assert_int_eq(pager_slab_reserve(&s, 1), 0);
	p = pager_slab_take(&s);
	memset(p, 0xff, 100);
	pager_slab_give(&s, p);
	ck_assert_ptr_eq(pager_slab_take(&s), p);
	ck_assert_mem_eq(p, zero, 100);
	pager_slab_give(&s, p);
	pager_slab_fini(&s);
}
END_TEST

START_TEST(memory_goes_back_only_in_fini)
{
	struct pager_slab s = slab_new(64);
	void *taken[5000];
	uint64_t bytes;

	ck_assert_uint_eq(pager_slab_bytes(&s), 0);
	ck_assert_int_eq(pager_slab_reserve(&s, 5000), 0);
	for (int i = 0; i < 5000; i++)
		taken[i] = pager_slab_take(&s);
	bytes = pager_slab_bytes(&s);
	ck_assert_uint_eq(bytes, source.bytes);
	ck_assert_uint_ge(bytes, 5000 * 64);
	for (int i = 0; i < 5000; i++)
		pager_slab_give(&s, taken[i]);
	ck_assert_uint_eq(pager_slab_bytes(&s), bytes);
	ck_assert_int_eq(pager_slab_reserve(&s, 5000), 0);
	ck_assert_uint_eq(pager_slab_bytes(&s), bytes);
	pager_slab_fini(&s);
	ck_assert_uint_eq(source.bytes, 0);
}
END_TEST

START_TEST(reserve_without_memory_keeps_the_stock_there_was)
{
	struct pager_slab s = slab_new(64);
	uint64_t stock;

	ck_assert_int_eq(pager_slab_reserve(&s, 10), 0);
	stock = s.in_stock;
	source.limit = source.bytes;
	ck_assert_int_eq(pager_slab_reserve(&s, stock + 1), -1);
	ck_assert_uint_eq(s.in_stock, stock);
	ck_assert_uint_eq(s.taken, 0);
	ck_assert_int_eq(pager_slab_reserve(&s, stock), 0);
	pager_slab_fini(&s);
}
END_TEST

START_TEST(reserve_of_nothing_asks_nobody)
{
	struct pager_slab s = slab_new(64);

	source.limit = 1;
	ck_assert_int_eq(pager_slab_reserve(&s, 0), 0);
	ck_assert_int_eq(pager_slab_reserve(&s, 1), -1);
#ifdef PAGER_FAILPOINTS
	pager_fail_arm(1);
	ck_assert_int_eq(pager_slab_reserve(&s, 0), 0);
	ck_assert_uint_eq(pager_fail_seen(), 0);
	ck_assert_int_eq(pager_slab_reserve(&s, 1), -1);
	ck_assert_str_eq(pager_fail_fired(), "a slab of the test");
	pager_fail_arm(0);
#endif
	pager_slab_fini(&s);
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    after_reserve_that_many_takes_succeed,
	    objects_do_not_overlap,
	    objects_are_aligned,
	    an_object_taken_again_is_zeroed,
	    memory_goes_back_only_in_fini,
	    reserve_without_memory_keeps_the_stock_there_was,
	    reserve_of_nothing_asks_nobody,
	};

	return UNIT_RUN("slab", tests);
}
