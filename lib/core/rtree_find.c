/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hot path of the region index: from an address to its region, by one node
 * a level and without a look at any region. Two forms of the same walk: with
 * AVX-512, where the processor has it, a node takes four comparisons that do
 * not wait for each other; the other form is plain C.
 */
#include "lib/core/rtree_int.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define WIDE __attribute__((target("avx512f,avx512dq,popcnt")))

/* Of eight keys, how many are at or below vpn. */
WIDE static inline unsigned int rank8(const uint64_t *hi, __m512i vpn)
{
	return (unsigned int)__builtin_popcount(
	    _mm512_cmple_epu64_mask(_mm512_load_si512(hi), vpn));
}

/* rtree_rank in another form. */
WIDE static inline unsigned int rank_wide(const uint64_t *hi, __m512i vpn)
{
	_Static_assert(RTREE_FAN == 32, "four times eight keys");
	return rank8(hi, vpn) + rank8(hi + 8, vpn) +
	       (rank8(hi + 16, vpn) + rank8(hi + 24, vpn));
}

WIDE static struct pager_region *find_wide(const struct rtree_node *node,
					   unsigned int level, uint64_t vpn)
{
	__m512i key = _mm512_set1_epi64((long long)vpn);

	for (; level; level--)
		node = node->slot[rank_wide(node->hi, key)];
	return node->slot[rank_wide(node->hi, key)];
}

#endif

struct pager_region *rtree_find_plain(const struct rtree *t, uint64_t vpn)
{
	const struct rtree_node *node = t->root;

	if (vpn >= t->top)
		return NULL;
	for (unsigned int level = t->height; level; level--)
		node = node->slot[rtree_rank(node->hi, vpn)];
	return node->slot[rtree_rank(node->hi, vpn)];
}

struct pager_region *rtree_find(const struct rtree *t, uint64_t vpn)
{
	if (vpn >= t->top)
		return NULL;
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx512dq"))
		return find_wide(t->root, t->height, vpn);
#endif
	return rtree_find_plain(t, vpn);
}
