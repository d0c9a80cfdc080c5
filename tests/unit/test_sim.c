/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The software MMU's walk, on tables written by hand: the rules of Intel SDM
 * vol. 3, 4.5 to 4.8. The TLB is in test_sim_tlb.c.
 */
#include "lib/core/node.h"
#include "tests/support/unit.h"

enum { R = PAGER_ACCESS_READ, W = PAGER_ACCESS_WRITE, X = PAGER_ACCESS_EXEC };
enum {
	P = PAGER_PF_PRESENT,
	PF_W = PAGER_PF_WRITE,
	U = PAGER_PF_USER,
	RSVD = PAGER_PF_RESERVED,
	FETCH = PAGER_PF_FETCH,
};

#define FRAME UINT64_C(0x12345)
#define ALL   (PTE_P | PTE_W | PTE_U)

/* The entries on the way to one address, by level, and the nodes below the
 * root that were made for it. */
struct way {
	uint64_t va;
	uint64_t *slot[PTE_LEVELS];
	uint32_t node[PTE_LEVELS - 1];
};

static struct way build(uint64_t va)
{
	struct pager_core *core = unit_world.core;
	uint32_t node = unit_space->table.root;
	struct way w = {.va = va};

	for (unsigned int l = PTE_LEVELS - 1; l > 0; l--) {
		w.slot[l] =
		    node_slots(core, node) + pte_index(pager_va_to_vpn(va), l);
		node = w.node[l - 1] =
		    node_take(core, unit_world.account, l - 1);
		*w.slot[l] = node_entry(node) | ALL;
	}
	w.slot[0] = node_slots(core, node) + pte_index(pager_va_to_vpn(va), 0);
	*w.slot[0] = FRAME << 12 | ALL;
	return w;
}

static void destroy(struct way *w)
{
	struct pager_core *core = unit_world.core;

	*w->slot[3] = 0;
	for (int l = 0; l < 3; l++)
		node_put(core, w->node[l]);
	node_drain(core);
}

static struct pager_sim_walk walk(const struct way *w, uint32_t access)
{
	return pager_sim_walk(unit_world.sim, unit_space, w->va, access);
}

/* What the error code says of the access alone. */
static uint32_t code_of(uint32_t access)
{
	return U | (access == W ? PF_W : 0) | (access == X ? FETCH : 0);
}

static void faults(const struct way *w, uint32_t access, uint32_t code,
		   unsigned int level)
{
	struct pager_sim_walk got = walk(w, access);

	ck_assert_msg(got.fault && got.code == code && got.level == level,
		      "access %u: fault %d code %#x level %u, not %#x at %u",
		      access, got.fault, got.code, got.level, code, level);
	ck_assert_uint_eq(got.entry, *w->slot[level]);
}

static void passes(const struct way *w, uint32_t access)
{
	struct pager_sim_walk got = walk(w, access);

	ck_assert_msg(!got.fault, "access %u: fault %#x at level %u", access,
		      got.code, got.level);
}

static struct way start(void)
{
	unit_start(NULL);
	return build(UINT64_C(0x00007f1234567abc));
}

static void end(struct way *w)
{
	destroy(w);
	unit_end();
}

START_TEST(an_address_picks_one_slot_a_level_and_a_byte)
{
	static const uint64_t vas[] = {
	    0,
	    0xfff,
	    UINT64_C(0x00007fffffffffff),
	    UINT64_C(0xffff800000000000),
	    UINT64_C(0xffffffffffffffff),
	    (UINT64_C(1) << 39) | (UINT64_C(2) << 30) | (UINT64_C(3) << 21) |
		(UINT64_C(4) << 12) | 5,
	};

	unit_start(NULL);
	for (size_t i = 0; i < sizeof(vas) / sizeof(vas[0]); i++) {
		struct way w = build(vas[i]);
		struct pager_sim_walk got = walk(&w, R);

		ck_assert(!got.fault);
		ck_assert_uint_eq(got.level, 0);
		ck_assert_uint_eq(got.pa, FRAME << 12 | (vas[i] & 0xfff));
		ck_assert_uint_eq(got.entry, *w.slot[0]);
		ck_assert(got.writable && got.executable);
		w.va ^= 0x1000; /* the neighbour is not there */
		ck_assert(walk(&w, R).fault);
		w.va ^= 0x1000;
		destroy(&w);
	}
	unit_end();
}
END_TEST

START_TEST(present_is_needed_at_every_level)
{
	struct way w = start();

	for (unsigned int l = 0; l < PTE_LEVELS; l++) {
		uint64_t e = *w.slot[l];

		*w.slot[l] = e & ~PTE_P;
		for (uint32_t a = R; a <= X; a *= 2)
			faults(&w, a, code_of(a), l);
		*w.slot[l] = 0;
		faults(&w, W, code_of(W), l);
		*w.slot[l] = e;
		passes(&w, W);
	}
	end(&w);
}
END_TEST

START_TEST(write_is_needed_at_every_level)
{
	struct way w = start();

	for (unsigned int l = 0; l < PTE_LEVELS; l++) {
		*w.slot[l] &= ~PTE_W;
		passes(&w, R);
		passes(&w, X);
		ck_assert(!walk(&w, R).writable);
		faults(&w, W, P | code_of(W), 0);
		*w.slot[l] |= PTE_W;
		passes(&w, W);
	}
	end(&w);
}
END_TEST

START_TEST(user_is_needed_at_every_level)
{
	struct way w = start();

	for (unsigned int l = 0; l < PTE_LEVELS; l++) {
		*w.slot[l] &= ~PTE_U;
		for (uint32_t a = R; a <= X; a *= 2)
			faults(&w, a, P | code_of(a), 0);
		*w.slot[l] |= PTE_U;
		passes(&w, R);
	}
	end(&w);
}
END_TEST

START_TEST(no_execute_at_any_level_forbids_execution_alone)
{
	struct way w = start();

	for (unsigned int l = 0; l < PTE_LEVELS; l++) {
		*w.slot[l] |= PTE_NX;
		passes(&w, R);
		passes(&w, W);
		ck_assert(!walk(&w, R).executable);
		faults(&w, X, P | code_of(X), 0);
		*w.slot[l] &= ~PTE_NX;
		passes(&w, X);
	}
	end(&w);
}
END_TEST

START_TEST(accessed_is_set_on_the_way_and_dirty_at_its_end)
{
	struct way w = start();
	uint64_t before[PTE_LEVELS];

	for (unsigned int l = 0; l < PTE_LEVELS; l++)
		before[l] = *w.slot[l];
	passes(&w, R);
	for (unsigned int l = 0; l < PTE_LEVELS; l++)
		ck_assert_uint_eq(*w.slot[l], before[l] | PTE_A);
	passes(&w, W);
	ck_assert_uint_eq(*w.slot[0], before[0] | PTE_A | PTE_D);
	for (unsigned int l = 1; l < PTE_LEVELS; l++)
		ck_assert_uint_eq(*w.slot[l], before[l] | PTE_A);
	for (unsigned int l = 0; l < PTE_LEVELS; l++)
		*w.slot[l] = before[l];
	passes(&w, X);
	for (unsigned int l = 0; l < PTE_LEVELS; l++)
		ck_assert_uint_eq(*w.slot[l], before[l] | PTE_A);
	end(&w);
}
END_TEST

START_TEST(an_access_that_faults_sets_no_dirty_bit)
{
	struct way w = start();

	*w.slot[1] &= ~PTE_W;
	faults(&w, W, P | code_of(W), 0);
	ck_assert(!(*w.slot[0] & PTE_D));
	*w.slot[0] &= ~PTE_P;
	faults(&w, W, code_of(W), 0);
	ck_assert(!(*w.slot[0] & (PTE_A | PTE_D)));
	end(&w);
}
END_TEST

START_TEST(software_bits_and_protection_keys_do_not_matter)
{
	static const unsigned int ignored[] = {9,  10, 11, 52, 53, 54, 55,
					       56, 57, 58, 59, 60, 61, 62};
	struct way w = start();

	for (unsigned int l = 0; l < PTE_LEVELS; l++)
		for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]);
		     i++) {
			uint64_t bit = UINT64_C(1) << ignored[i];

			*w.slot[l] |= bit;
			passes(&w, W);
			ck_assert_uint_eq(walk(&w, R).pa,
					  FRAME << 12 | (w.va & 0xfff));
			*w.slot[l] &= ~bit;
		}
	end(&w);
}
END_TEST

START_TEST(two_mebibyte_pages_end_the_walk_at_level_1)
{
	struct way w = start();
	const uint64_t base = UINT64_C(0x40000000);
	struct pager_sim_walk got;

	*w.slot[1] = base | ALL | PTE_PS;
	got = walk(&w, W);
	ck_assert(!got.fault);
	ck_assert_uint_eq(got.level, 1);
	ck_assert_uint_eq(got.pa, base + (w.va & 0x1fffff));
	ck_assert_uint_eq(*w.slot[1], base | ALL | PTE_PS | PTE_A | PTE_D);
	ck_assert(!(*w.slot[0] & PTE_A));
	*w.slot[1] = base | PTE_P | PTE_U | PTE_PS | PTE_NX;
	faults(&w, W, P | code_of(W), 1);
	faults(&w, X, P | code_of(X), 1);
	*w.slot[1] = base | PTE_P | PTE_PS;
	faults(&w, R, P | code_of(R), 1);
	*w.slot[1] = base | PTE_U | PTE_PS;
	faults(&w, R, code_of(R), 1);
	*w.slot[1] = node_entry(w.node[0]) | ALL;
	end(&w);
}
END_TEST

START_TEST(one_gibibyte_pages_end_the_walk_at_level_2)
{
	struct way w = start();
	const uint64_t base = UINT64_C(0x100000000);
	struct pager_sim_walk got;

	*w.slot[2] = base | ALL | PTE_PS;
	got = walk(&w, W);
	ck_assert(!got.fault);
	ck_assert_uint_eq(got.level, 2);
	ck_assert_uint_eq(got.pa, base + (w.va & 0x3fffffff));
	ck_assert_uint_eq(*w.slot[2], base | ALL | PTE_PS | PTE_A | PTE_D);
	ck_assert(!(*w.slot[1] & PTE_A));
	*w.slot[3] &= ~PTE_W;
	faults(&w, W, P | code_of(W), 2);
	*w.slot[2] = node_entry(w.node[1]) | ALL;
	end(&w);
}
END_TEST

/* A reserved bit at a level, whatever the rights say. */
static void reserved(struct way *w, unsigned int level, uint64_t bit)
{
	uint64_t e = *w->slot[level];

	*w->slot[level] = e | bit;
	for (uint32_t a = R; a <= X; a *= 2)
		faults(w, a, P | RSVD | code_of(a), level);
	*w->slot[level] = (e | bit) & ~(PTE_U | PTE_W);
	faults(w, W, P | RSVD | code_of(W), level);
	/* Of an entry that is not present nothing is reserved. */
	*w->slot[level] = (e | bit) & ~PTE_P;
	faults(w, R, code_of(R), level);
	*w->slot[level] = e;
	passes(w, R);
}

START_TEST(address_bits_beyond_46_are_reserved_at_every_level)
{
	struct way w = start();

	for (unsigned int l = 0; l < PTE_LEVELS; l++)
		for (unsigned int bit = 46; bit < 52; bit++)
			reserved(&w, l, UINT64_C(1) << bit);
	end(&w);
}
END_TEST

START_TEST(page_size_at_the_top_is_reserved_and_at_the_bottom_means_pat)
{
	struct way w = start();

	reserved(&w, 3, PTE_PS);
	*w.slot[0] |= PTE_PS;
	passes(&w, W);
	ck_assert_uint_eq(walk(&w, R).pa, FRAME << 12 | (w.va & 0xfff));
	end(&w);
}
END_TEST

START_TEST(low_address_bits_of_large_pages_are_reserved_but_for_pat)
{
	struct way w = start();
	uint64_t was = *w.slot[1];

	*w.slot[1] = UINT64_C(0x40000000) | ALL | PTE_PS;
	for (unsigned int bit = 13; bit < 21; bit++)
		reserved(&w, 1, UINT64_C(1) << bit);
	*w.slot[1] |= UINT64_C(1) << 12;
	ck_assert_uint_eq(walk(&w, R).pa,
			  UINT64_C(0x40000000) + (w.va & 0x1fffff));
	*w.slot[1] = was;
	was = *w.slot[2];
	*w.slot[2] = UINT64_C(0x100000000) | ALL | PTE_PS;
	for (unsigned int bit = 13; bit < 30; bit++)
		reserved(&w, 2, UINT64_C(1) << bit);
	*w.slot[2] |= UINT64_C(1) << 12;
	ck_assert_uint_eq(walk(&w, R).pa,
			  UINT64_C(0x100000000) + (w.va & 0x3fffffff));
	*w.slot[2] = was;
	end(&w);
}
END_TEST

START_TEST(addresses_and_page_numbers_turn_into_each_other)
{
	static const struct {
		uint64_t vpn;
		uint64_t va;
	} pairs[] = {
	    {0, 0},
	    {1, 0x1000},
	    {PAGER_VPN_HALF - 1, UINT64_C(0x00007ffffffff000)},
	    {PAGER_VPN_HALF, UINT64_C(0xffff800000000000)},
	    {PAGER_VPN_END - 1, UINT64_C(0xfffffffffffff000)},
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		ck_assert_uint_eq(pager_vpn_to_va(pairs[i].vpn), pairs[i].va);
		ck_assert_uint_eq(pager_va_to_vpn(pairs[i].va), pairs[i].vpn);
		ck_assert_uint_eq(pager_va_to_vpn(pairs[i].va | 0xfff),
				  pairs[i].vpn);
	}
	/* An address that is not canonical does not come back. */
	ck_assert_uint_ne(
	    pager_vpn_to_va(pager_va_to_vpn(UINT64_C(0x0000800000000000))),
	    UINT64_C(0x0000800000000000));
}
END_TEST

START_TEST(one_to_64_processors)
{
	const struct pager_host *host;
	struct pager_sim *sim;

	unit_start(NULL);
	host = &unit_world.core->host;
	ck_assert_ptr_null(pager_sim_new(host, 0));
	ck_assert_ptr_null(pager_sim_new(host, 65));
	ck_assert_ptr_null(pager_sim_new(host, UINT32_MAX));
	sim = pager_sim_new(host, 64);
	ck_assert_ptr_nonnull(sim);
	ck_assert_uint_eq(pager_sim_mmu(sim).ops->cpus, 64);
	pager_sim_free(sim);
	unit_world.host_limit = unit_world.host_bytes;
	ck_assert_ptr_null(pager_sim_new(host, 1));
	unit_world.host_limit = 0;
	unit_end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    an_address_picks_one_slot_a_level_and_a_byte,
	    present_is_needed_at_every_level,
	    write_is_needed_at_every_level,
	    user_is_needed_at_every_level,
	    no_execute_at_any_level_forbids_execution_alone,
	    accessed_is_set_on_the_way_and_dirty_at_its_end,
	    an_access_that_faults_sets_no_dirty_bit,
	    software_bits_and_protection_keys_do_not_matter,
	    two_mebibyte_pages_end_the_walk_at_level_1,
	    one_gibibyte_pages_end_the_walk_at_level_2,
	    address_bits_beyond_46_are_reserved_at_every_level,
	    page_size_at_the_top_is_reserved_and_at_the_bottom_means_pat,
	    low_address_bits_of_large_pages_are_reserved_but_for_pat,
	    addresses_and_page_numbers_turn_into_each_other,
	    one_to_64_processors,
	};

	return UNIT_RUN("sim", tests);
}
