/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes to pages: canonical addresses, alignment, lengths of nothing, wraps,
 * the hole, and where a blamed argument stands in each request.
 */
#include "server/convert.h"

#include "tests/support/unit.h"

#define HALF  (UINT64_C(1) << 47)
#define UPPER (0 - HALF)
#define A     PAGER_ARG_ADDR
#define L     PAGER_ARG_LEN

#define refused(call, error, argument)                            \
	do {                                                      \
		struct pager_status st_ = (call);                 \
		ck_assert_uint_eq(st_.err, PAGER_##error);        \
		ck_assert_uint_eq(st_.arg, PAGER_ARG_##argument); \
	} while (0)

static struct pager_range range_of(uint64_t addr, uint64_t len)
{
	struct pager_range r = {0, 0};

	unit_ok(srv_convert_range(addr, len, A, L, &r));
	return r;
}

START_TEST(addresses_are_canonical)
{
	static const struct {
		uint64_t va, vpn;
	} good[] = {{0, 0},
		    {0xfff, 0},
		    {0x1000, 1},
		    {HALF - 1, PAGER_VPN_HALF - 1},
		    {UPPER, PAGER_VPN_HALF},
		    {UINT64_MAX, PAGER_VPN_END - 1}};
	static const uint64_t bad[] = {HALF, HALF + 1, UPPER - 1,
				       UINT64_C(1) << 63};
	uint64_t vpn;

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		unit_ok(srv_convert_addr(good[i].va, A, &vpn));
		ck_assert_uint_eq(vpn, good[i].vpn);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		refused(srv_convert_addr(bad[i], A, &vpn), ERANGE, ADDR);
}
END_TEST

START_TEST(pages_are_aligned)
{
	uint64_t vpn;

	unit_ok(srv_convert_page(0x2000, A, &vpn));
	ck_assert_uint_eq(vpn, 2);
	for (unsigned int bit = 0; bit < 12; bit++)
		refused(srv_convert_page(0x2000 + (1u << bit), A, &vpn), EALIGN,
			ADDR);
	refused(srv_convert_page(HALF + 1, A, &vpn), ERANGE, ADDR);
}
END_TEST

START_TEST(lengths_are_rounded_up)
{
	uint64_t pages;

	unit_ok(srv_convert_len(1, L, &pages));
	ck_assert_uint_eq(pages, 1);
	unit_ok(srv_convert_len(4096, L, &pages));
	ck_assert_uint_eq(pages, 1);
	unit_ok(srv_convert_len(4097, L, &pages));
	ck_assert_uint_eq(pages, 2);
	unit_ok(srv_convert_len(UINT64_C(1) << 48, L, &pages));
	ck_assert_uint_eq(pages, PAGER_VPN_END);
	refused(srv_convert_len(0, L, &pages), EINVAL, LEN);
	refused(srv_convert_len((UINT64_C(1) << 48) + 1, L, &pages), ERANGE,
		LEN);
	refused(srv_convert_len(UINT64_MAX, L, &pages), EOVERFLOW, LEN);
	refused(srv_convert_len(UINT64_MAX - 4094, L, &pages), EOVERFLOW, LEN);
	refused(srv_convert_len(UINT64_MAX - 4095, L, &pages), ERANGE, LEN);
}
END_TEST

START_TEST(ranges_at_the_edges_of_both_halves)
{
	struct pager_range r;

	r = range_of(0, 1);
	ck_assert(r.start == 0 && r.end == 1);
	r = range_of(0, HALF);
	ck_assert(r.start == 0 && r.end == PAGER_VPN_HALF);
	r = range_of(HALF - 4096, 4096);
	ck_assert(r.start == PAGER_VPN_HALF - 1 && r.end == PAGER_VPN_HALF);
	r = range_of(UPPER, HALF);
	ck_assert(r.start == PAGER_VPN_HALF && r.end == PAGER_VPN_END);
	r = range_of(0 - UINT64_C(4096), 4095);
	ck_assert(r.start == PAGER_VPN_END - 1 && r.end == PAGER_VPN_END);
}
END_TEST

START_TEST(ranges_do_not_wrap_or_cross_the_hole)
{
	struct pager_range r;

	refused(srv_convert_range(HALF - 4096, 4097, A, L, &r), ERANGE, LEN);
	refused(srv_convert_range(0, HALF + 1, A, L, &r), ERANGE, LEN);
	refused(srv_convert_range(0x1000, UINT64_C(1) << 48, A, L, &r), ERANGE,
		LEN);
	refused(srv_convert_range(0 - UINT64_C(4096), 4097, A, L, &r),
		EOVERFLOW, LEN);
	refused(srv_convert_range(UPPER, HALF + 1, A, L, &r), EOVERFLOW, LEN);
	refused(srv_convert_range(0x1000, UINT64_MAX, A, L, &r), EOVERFLOW,
		LEN);
	refused(srv_convert_range(0x1000, UINT64_MAX - 0x1000, A, L, &r),
		ERANGE, LEN);
	refused(srv_convert_range(0x1000, 0, A, L, &r), EINVAL, LEN);
	refused(srv_convert_range(0x1001, 0, A, L, &r), EALIGN, ADDR);
	refused(srv_convert_range(HALF, 4096, A, L, &r), ERANGE, ADDR);
}
END_TEST

START_TEST(bytes_need_no_alignment)
{
	unit_ok(srv_convert_bytes(0x1fff, 2));
	unit_ok(srv_convert_bytes(HALF - 1, 1));
	unit_ok(srv_convert_bytes(UINT64_MAX, 1));
	refused(srv_convert_bytes(UINT64_MAX, 2), EOVERFLOW, LEN);
	refused(srv_convert_bytes(HALF - 1, 2), ERANGE, LEN);
	refused(srv_convert_bytes(HALF, 1), ERANGE, ADDR);
	refused(srv_convert_bytes(0x1000, 0), EINVAL, LEN);
}
END_TEST

START_TEST(sizes_of_objects)
{
	uint64_t pages;

	unit_ok(srv_convert_size(0, PAGER_ARG_SIZE, &pages));
	ck_assert_uint_eq(pages, 0);
	unit_ok(srv_convert_size(UINT64_C(1) << 48, PAGER_ARG_SIZE, &pages));
	ck_assert_uint_eq(pages, PAGER_VPN_END);
	refused(srv_convert_size(1, PAGER_ARG_SIZE, &pages), EALIGN, SIZE);
	refused(srv_convert_size((UINT64_C(1) << 48) + 4096, PAGER_ARG_SIZE,
				 &pages),
		ERANGE, SIZE);
}
END_TEST

START_TEST(ranges_of_spaces)
{
	struct pager_range r;

	unit_ok(srv_convert_space(0, 0, &r));
	ck_assert(r.start == 16 && r.end == PAGER_VPN_HALF - 1);
	unit_ok(srv_convert_space(0x1000, 0, &r));
	ck_assert(r.start == 1 && r.end == PAGER_VPN_END);
	unit_ok(srv_convert_space(0, HALF, &r));
	ck_assert(r.start == 0 && r.end == PAGER_VPN_HALF);
	unit_ok(srv_convert_space(UPPER, 0, &r));
	ck_assert(r.start == PAGER_VPN_HALF && r.end == PAGER_VPN_END);
	refused(srv_convert_space(0x1000, 0x1000, &r), EINVAL, LEN);
	refused(srv_convert_space(0x2000, 0x1000, &r), EINVAL, LEN);
	refused(srv_convert_space(0x1000, 0x2001, &r), EALIGN, LEN);
	refused(srv_convert_space(0x1001, 0x3000, &r), EALIGN, ADDR);
	refused(srv_convert_space(HALF, 0, &r), ERANGE, ADDR);
	refused(srv_convert_space(0, HALF + 0x1000, &r), ERANGE, LEN);
}
END_TEST

START_TEST(ends_and_cursors_are_each_others_inverse)
{
	static const uint64_t ends[] = {1, 2, PAGER_VPN_HALF,
					PAGER_VPN_HALF + 1, PAGER_VPN_END - 1};

	ck_assert_uint_eq(srv_convert_end(PAGER_VPN_HALF), HALF);
	ck_assert_uint_eq(srv_convert_end(PAGER_VPN_END), 0);
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		ck_assert_uint_eq(srv_convert_cursor(srv_convert_end(ends[i])),
				  ends[i]);
	ck_assert_uint_eq(srv_convert_cursor(UPPER - 1), PAGER_VPN_HALF);
	ck_assert_uint_eq(srv_convert_cursor(0x1fff), 1);
}
END_TEST

START_TEST(blame_stands_where_the_field_does)
{
	static const struct {
		enum pager_opcode op;
		enum pager_arg arg;
		const char *field;
	} rows[] = {
	    {PAGER_OP_MAP, PAGER_ARG_SPACE, "space"},
	    {PAGER_OP_MAP, PAGER_ARG_LEN, "len"},
	    {PAGER_OP_MAP, PAGER_ARG_PROT, "prot"},
	    {PAGER_OP_MAP, PAGER_ARG_FLAGS, "flags"},
	    {PAGER_OP_MAP, PAGER_ARG_OBJECT, "object"},
	    {PAGER_OP_MAP, PAGER_ARG_OFFSET, "offset"},
	    {PAGER_OP_REMAP, PAGER_ARG_NEW_ADDR, "new_addr"},
	    {PAGER_OP_REMAP, PAGER_ARG_NEW_LEN, "new_len"},
	    {PAGER_OP_BRK, PAGER_ARG_ADDR, "brk"},
	    {PAGER_OP_ADVISE, PAGER_ARG_ADVICE, "advice"},
	    {PAGER_OP_READ, PAGER_ARG_CPU, "cpu"},
	    {PAGER_OP_WRITE, PAGER_ARG_CPU, "cpu"},
	    {PAGER_OP_WRITE, PAGER_ARG_LEN, "data_len"},
	    {PAGER_OP_POPULATE, PAGER_ARG_ACCESS, "access"},
	    {PAGER_OP_SPACE_CREATE, PAGER_ARG_ADDR, "start"},
	    {PAGER_OP_SPACE_CREATE, PAGER_ARG_NAME, "name"},
	    {PAGER_OP_OBJECT_CREATE, PAGER_ARG_SIZE, "size"},
	    {PAGER_OP_OBJECT_RESIZE, PAGER_ARG_OBJECT, "object"},
	    {PAGER_OP_SPACE_PAUSE, PAGER_ARG_SPACE, "space"},
	    {PAGER_OP_DIRTY_START, PAGER_ARG_SPACE, "space"},
	    {PAGER_OP_DIRTY_START, PAGER_ARG_ADDR, "addr"},
	    {PAGER_OP_DIRTY_START, PAGER_ARG_LEN, "len"},
	    {PAGER_OP_DIRTY_START, PAGER_ARG_METHOD, "method"},
	    {PAGER_OP_DIRTY_START, PAGER_ARG_FLAGS, "flags"},
	    {PAGER_OP_DIRTY_STOP, PAGER_ARG_LOG, "handle"},
	    {PAGER_OP_DIRTY_GET, PAGER_ARG_LOG, "log"},
	    {PAGER_OP_DIRTY_GET, PAGER_ARG_FIRST, "first"},
	    {PAGER_OP_DIRTY_GET, PAGER_ARG_COUNT_PAGES, "pages"},
	    {PAGER_OP_DIRTY_GET, PAGER_ARG_FLAGS, "flags"},
	    {PAGER_OP_DIRTY_GET_FD, PAGER_ARG_LOG, "log"},
	    {PAGER_OP_DIRTY_GET_FD, PAGER_ARG_FIRST, "first"},
	    {PAGER_OP_DIRTY_GET_FD, PAGER_ARG_COUNT_PAGES, "pages"},
	    {PAGER_OP_DIRTY_GET_FD, PAGER_ARG_FLAGS, "flags"},
	    {PAGER_OP_DIRTY_GET_FD, PAGER_ARG_OFFSET, "offset"},
	    {PAGER_OP_DIRTY_CLEAR, PAGER_ARG_LOG, "log"},
	    {PAGER_OP_DIRTY_CLEAR, PAGER_ARG_FIRST, "first"},
	    {PAGER_OP_DIRTY_CLEAR, PAGER_ARG_COUNT_PAGES, "pages"},
	    {PAGER_OP_DIRTY_WRITEBACK, PAGER_ARG_LOG, "log"},
	    {PAGER_OP_DIRTY_WRITEBACK, PAGER_ARG_FIRST, "first"},
	    {PAGER_OP_DIRTY_WRITEBACK, PAGER_ARG_COUNT_PAGES, "pages"},
	    {PAGER_OP_DIRTY_RING, PAGER_ARG_LOG, "log"},
	    {PAGER_OP_DIRTY_RING, PAGER_ARG_RING, "entries"},
	    {PAGER_OP_DIRTY_RESET, PAGER_ARG_LOG, "handle"},
	    {PAGER_OP_DIRTY_INFO, PAGER_ARG_LOG, "handle"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct pager_op *op = pager_op_find(rows[i].op);
		const char *name =
		    pager_op_field_name(op, srv_convert_field(op, rows[i].arg));

		ck_assert_ptr_nonnull(name);
		ck_assert_str_eq(name, rows[i].field);
	}
	for (int arg = 0; arg < PAGER_ARG_COUNT; arg++)
		ck_assert_uint_eq(
		    srv_convert_field(pager_op_find(PAGER_OP_PING),
				      (enum pager_arg)arg),
		    0);
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    addresses_are_canonical,
	    pages_are_aligned,
	    lengths_are_rounded_up,
	    ranges_at_the_edges_of_both_halves,
	    ranges_do_not_wrap_or_cross_the_hole,
	    bytes_need_no_alignment,
	    sizes_of_objects,
	    ranges_of_spaces,
	    ends_and_cursors_are_each_others_inverse,
	    blame_stands_where_the_field_does,
	};

	return UNIT_RUN("convert", tests);
}
