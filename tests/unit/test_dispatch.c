/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From packet to reply, without a socket: the greeting, who may ask what, whose
 * handles are whose, and each family of operations once around.
 */
#include <string.h>

#include "tests/support/serve.h"
#include "tests/support/unit.h"

START_TEST(nothing_is_served_before_hello)
{
	const struct pager_op *op = NULL;
	static const uint8_t zero[256];
	struct srv_client *ann;

	serve_start(NULL);
	ann = serve_connect(SERVE_ANN);
	while ((op = pager_op_next(op)))
		if (op->number != PAGER_OP_HELLO)
			serve_check_refusal(ann, (enum pager_opcode)op->number,
					    zero, op->request->size,
					    PAGER_EHELLO, "op", __LINE__);
	serve_leave(ann);
	serve_end();
}
END_TEST

START_TEST(hello_is_said_once_and_in_a_version_both_know)
{
	struct pager_req_hello hello = {PAGER_MAGIC, 2, 7, PAGER_FEATURES};
	struct srv_client *ann;

	serve_start(NULL);
	ann = serve_connect(SERVE_ANN);
	serve_refused(ann, PAGER_OP_HELLO, hello, PAGER_EVERSION, "major");
	/* The one refusal that has a body. */
	ck_assert_uint_eq(serve_answer.hdr.length, 32 + 32);
	ck_assert_uint_eq(serve_answer.body.hello.major, PAGER_VERSION_MAJOR);
	hello.major = PAGER_VERSION_MAJOR;
	hello.magic++;
	serve_refused(ann, PAGER_OP_HELLO, hello, PAGER_EINVAL, "magic");
	hello.magic = PAGER_MAGIC;
	hello.features = ~UINT64_C(1);
	serve_ok(ann, PAGER_OP_HELLO, hello);
	ck_assert_uint_eq(serve_answer.body.hello.minor, PAGER_VERSION_MINOR);
	ck_assert_uint_eq(serve_answer.body.hello.features,
			  PAGER_FEATURE_ATOMIC);
	ck_assert_uint_eq(serve_answer.body.hello.admin, 0);
	ck_assert_uint_eq(serve_answer.body.hello.max_message, PAGER_MSG_MAX);
	serve_refused(ann, PAGER_OP_HELLO, hello, PAGER_EHELLO, NULL);
	serve_leave(ann);
	ann = serve_join(SERVE_ROOT);
	ck_assert_uint_eq(serve_answer.body.hello.admin, 1);
	ck_assert_uint_eq(serve_answer.body.hello.session, 2);
	serve_end();
}
END_TEST

START_TEST(features_that_were_not_asked_for_are_not_there)
{
	const struct pager_req_hello hello = {PAGER_MAGIC, PAGER_VERSION_MAJOR,
					      0, PAGER_FEATURE_BATCH};
	const struct pager_req_hello none = {PAGER_MAGIC, PAGER_VERSION_MAJOR,
					     0, 0};
	struct pager_req_batch batch = {.flags = PAGER_BATCH_ATOMIC,
					.count = 1};
	struct srv_client *ann;

	serve_start(NULL);
	ann = serve_connect(SERVE_ANN);
	serve_ok(ann, PAGER_OP_HELLO, hello);
	serve_refused(ann, PAGER_OP_BATCH, batch, PAGER_EFLAGS, "flags");
	serve_leave(ann);
	ann = serve_connect(SERVE_ANN);
	serve_ok(ann, PAGER_OP_HELLO, none);
	serve_refused(ann, PAGER_OP_BATCH, batch, PAGER_ENOSYS, "op");
	serve_end();
}
END_TEST

START_TEST(admin_operations_are_for_admins)
{
	const struct pager_req_none none = {0};
	const struct pager_req_cursor start = {0};
	struct pager_req_user user = {.uid = SERVE_BEN};
	struct srv_client *ann, *root;

	serve_start(NULL);
	ann = serve_join(SERVE_ANN);
	root = serve_join(SERVE_ROOT);
	serve_refused(ann, PAGER_OP_CHECK, none, PAGER_EACCESS, "op");
	serve_refused(ann, PAGER_OP_SESSION_LIST, start, PAGER_EACCESS, "op");
	serve_refused(ann, PAGER_OP_USER_INFO, user, PAGER_EACCESS, "uid");
	serve_ok(root, PAGER_OP_USER_INFO, user);
	ck_assert_uint_eq(serve_answer.body.user.uid, SERVE_BEN);
	user.uid = UINT32_MAX;
	serve_ok(ann, PAGER_OP_USER_INFO, user);
	ck_assert_uint_eq(serve_answer.body.user.uid, SERVE_ANN);
	ck_assert_uint_eq(serve_answer.body.user.used[PAGER_USER_SESSIONS], 1);
	serve_ok(root, PAGER_OP_CHECK, none);
	ck_assert_uint_eq(serve_answer.body.check.ok, 1);
	serve_ok(root, PAGER_OP_SESSION_LIST, start);
	ck_assert_uint_eq(serve_answer.body.list.count, 2);
	ck_assert_uint_eq(serve_answer.body.list.next, 0);
	serve_end();
}
END_TEST

START_TEST(a_difference_found_by_check_is_an_answer)
{
	const struct pager_req_none none = {0};
	static const char *const says = "the number of handles is wrong";
	static _Alignas(8) uint8_t packet[64], out[PAGER_MSG_MAX];
	enum pager_violation why;
	struct pager_answer answer;
	struct srv_client *root;
	size_t len;

	serve_start(NULL);
	root = serve_join(SERVE_ROOT);
	len = pager_request_encode(packet, sizeof(packet),
				   pager_op_find(PAGER_OP_CHECK), 1, &none,
				   sizeof(none), NULL, 0);
#ifndef PAGER_RECOUNT
	serve_srv.handles++;
	len = srv_dispatch(&serve_srv, root, packet, len, NULL, 0, out, &why);
	serve_srv.handles--;
	ck_assert(pager_answer_decode(out, len, &answer));
	ck_assert_uint_eq(answer.hdr.error, 0);
	ck_assert_uint_eq(answer.body.check.ok, 0);
	ck_assert_uint_eq(answer.data_len, strlen(says));
	ck_assert_mem_eq(answer.data, says, strlen(says));
#else
	len = srv_dispatch(&serve_srv, root, packet, len, NULL, 0, out, &why);
	ck_assert(pager_answer_decode(out, len, &answer));
	ck_assert_uint_eq(answer.body.check.ok, 1);
	ck_assert_uint_ne(strlen(says), 0);
#endif
	serve_end();
}
END_TEST

START_TEST(handles_are_ones_own)
{
	struct srv_client *ann, *ben, *root;
	uint64_t space, object, made_up = 12345;

	serve_start(NULL);
	ann = serve_join(SERVE_ANN);
	ben = serve_join(SERVE_BEN);
	root = serve_join(SERVE_ROOT);
	space = serve_space(ann);
	object = serve_object(ann, 4, "");
	serve_refused(ben, PAGER_OP_SPACE_INFO, space, PAGER_ENOENT, "space");
	serve_refused(ben, PAGER_OP_SPACE_DESTROY, space, PAGER_ENOENT,
		      "space");
	serve_refused(ben, PAGER_OP_OBJECT_CLOSE, object, PAGER_ENOENT,
		      "object");
	serve_refused(ben, PAGER_OP_GIVE, space, PAGER_ENOENT, "handle");
	serve_refused(ann, PAGER_OP_SPACE_INFO, made_up, PAGER_ENOENT, "space");
	serve_refused(ann, PAGER_OP_SPACE_INFO, object, PAGER_ETYPE, "space");
	serve_refused(ann, PAGER_OP_OBJECT_INFO, space, PAGER_ETYPE, "object");
	serve_ok(root, PAGER_OP_SPACE_INFO, space);
	ck_assert_uint_eq(serve_answer.body.space_info.uid, SERVE_ANN);
	serve_ok(ann, PAGER_OP_SPACE_DESTROY, space);
	serve_refused(ann, PAGER_OP_SPACE_INFO, space, PAGER_ESTALE, "space");
	serve_refused(ben, PAGER_OP_SPACE_INFO, space, PAGER_ENOENT, "space");
	serve_refused(root, PAGER_OP_SPACE_INFO, space, PAGER_ESTALE, "space");
	serve_ok(root, PAGER_OP_OBJECT_CLOSE, object);
	serve_refused(ann, PAGER_OP_OBJECT_INFO, object, PAGER_ESTALE,
		      "object");
	serve_end();
}
END_TEST

START_TEST(spaces_are_created_as_asked)
{
	struct pager_req_space_create body = {.start = 0x100000,
					      .end = 0x200000,
					      .max_bytes = 4097,
					      .name = "a space"};
	struct pager_req_map map = {.len = 0x3000, .prot = PAGER_PROT_READ};
	struct srv_client *ann;
	uint64_t space;

	serve_start(NULL);
	ann = serve_join(SERVE_ANN);
	serve_ok(ann, PAGER_OP_SPACE_CREATE, body);
	space = serve_answer.body.handle.handle;
	serve_ok(ann, PAGER_OP_SPACE_INFO, space);
	ck_assert_uint_eq(serve_answer.body.space_info.start, 0x100000);
	ck_assert_uint_eq(serve_answer.body.space_info.end, 0x200000);
	ck_assert_str_eq(serve_answer.body.space_info.name, "a space");
	/* Two pages: the limit was rounded up. */
	map.space = space;
	serve_refused(ann, PAGER_OP_MAP, map, PAGER_ELIMIT, "len");
	map.len = 0x2000;
	serve_ok(ann, PAGER_OP_MAP, map);
	body.name[47] = 'x';
	serve_refused(ann, PAGER_OP_SPACE_CREATE, body, PAGER_EINVAL, "name");
	memset(body.name, 'x', sizeof(body.name));
	serve_refused(ann, PAGER_OP_SPACE_CREATE, body, PAGER_EINVAL, "name");
	memset(body.name, 0, sizeof(body.name));
	body.flags = 1;
	serve_refused(ann, PAGER_OP_SPACE_CREATE, body, PAGER_EFLAGS, "flags");
	body.backend = PAGER_BACKEND_KVM;
	serve_refused(ann, PAGER_OP_SPACE_CREATE, body, PAGER_ENOBACKEND,
		      "backend");
	body.backend = 3;
	serve_refused(ann, PAGER_OP_SPACE_CREATE, body, PAGER_EINVAL,
		      "backend");
	serve_end();
}
END_TEST

START_TEST(bytes_go_in_and_come_out)
{
	struct srv_client *ann;
	uint64_t space, child;

	serve_start(NULL);
	ann = serve_join(SERVE_ANN);
	space = serve_space(ann);
	serve_map(ann, space, 0x400000, 0x2000, 0, 0);
	serve_write(ann, space, 0x400ffc, "across a page");
	child = serve_fork(ann, space);
	serve_write(ann, space, 0x400ffc, "A");
	serve_reads(ann, child, 0x400ffc, "across a page");
	serve_reads(ann, space, 0x400ffc, "Across a page");
	serve_ok(ann, PAGER_OP_SPACE_CLEAR, space);
	serve_reads(ann, child, 0x400ffc, "across a page");
	serve_end();
}
END_TEST

START_TEST(a_stopped_access_is_an_answer)
{
	struct pager_req_read in = {.addr = 0x400ffe, .len = 4};
	const struct pager_rep_access *out = &serve_answer.body.access;
	struct srv_client *ann;

	serve_start(NULL);
	ann = serve_join(SERVE_ANN);
	in.space = serve_space(ann);
	serve_ok(ann, PAGER_OP_READ, in);
	ck_assert(out->done == 0 && out->addr == 0x400ffe);
	ck_assert_uint_eq(out->error, PAGER_ESIGNAL);
	ck_assert_uint_eq(out->signal, PAGER_SEGV_MAPERR);
	serve_map(ann, in.space, 0x400000, 0x1000, 0, 0);
	serve_ok(ann, PAGER_OP_READ, in);
	ck_assert(out->done == 2 && out->addr == 0x401000);
	ck_assert_uint_eq(serve_answer.data_len, 2);
	ck_assert_uint_eq(out->error, PAGER_ESIGNAL);
	in.cpu = 4;
	serve_refused(ann, PAGER_OP_READ, in, PAGER_ERANGE, "cpu");
	in.cpu = 0;
	in.len = PAGER_DATA_MAX + 1;
	serve_refused(ann, PAGER_OP_READ, in, PAGER_ETOOBIG, "len");
	in.len = 0;
	serve_refused(ann, PAGER_OP_READ, in, PAGER_EINVAL, "len");
	in.addr = UINT64_C(1) << 47;
	serve_refused(ann, PAGER_OP_READ, in, PAGER_ERANGE, "addr");
	serve_end();
}
END_TEST

START_TEST(shared_memory_without_an_object_lives_as_its_mappings)
{
	const struct pager_req_none none = {0};
	struct srv_client *ann;
	uint64_t space, child;

	serve_start(NULL);
	ann = serve_join(SERVE_ANN);
	space = serve_space(ann);
	serve_map(ann, space, 0x400000, 0x2000, PAGER_MAP_SHARED, 0);
	child = serve_fork(ann, space);
	serve_write(ann, child, 0x400000, "seen by both");
	serve_reads(ann, space, 0x400000, "seen by both");
	serve_ok(ann, PAGER_OP_STATS, none);
	ck_assert_uint_eq(serve_answer.body.stats.objects, 1);
	serve_ok(ann, PAGER_OP_SPACE_DESTROY, space);
	serve_reads(ann, child, 0x400000, "seen by both");
	serve_ok(ann, PAGER_OP_SPACE_DESTROY, child);
	serve_ok(ann, PAGER_OP_STATS, none);
	ck_assert_uint_eq(serve_answer.body.stats.objects, 0);
	serve_end();
}
END_TEST

START_TEST(a_refused_shared_map_leaves_no_object)
{
	struct pager_req_map map = {.addr = 0x1000,
				    .len = 0x1000,
				    .prot = PAGER_PROT_READ,
				    .flags =
					PAGER_MAP_SHARED | PAGER_MAP_FIXED};
	struct srv_client *ann;

	serve_start(NULL);
	ann = serve_join(SERVE_ANN);
	map.space = serve_space(ann);
	serve_refused(ann, PAGER_OP_MAP, map, PAGER_ERANGE, "addr");
	map.addr = 0x400000;
	map.offset = 0x1000;
	serve_refused(ann, PAGER_OP_MAP, map, PAGER_EINVAL, "offset");
	map.offset = 1;
	serve_refused(ann, PAGER_OP_MAP, map, PAGER_EALIGN, "offset");
	map.offset = 0;
	map.prot = 8;
	serve_refused(ann, PAGER_OP_MAP, map, PAGER_EINVAL, "prot");
	map.prot = 1;
	map.flags |= 0x800;
	serve_refused(ann, PAGER_OP_MAP, map, PAGER_EFLAGS, "flags");
	serve_end();
}
END_TEST

START_TEST(a_hint_that_cannot_be_met_is_none)
{
	struct pager_req_map map = {
	    .addr = 0x7ffffffff000, .len = 0x4000, .prot = PAGER_PROT_READ};
	struct srv_client *ann;

	serve_start(NULL);
	ann = serve_join(SERVE_ANN);
	map.space = serve_space(ann);
	serve_ok(ann, PAGER_OP_MAP, map);
	ck_assert_uint_lt(serve_answer.body.addr.addr, 0x7ffffffff000);
	map.addr = UINT64_C(0) - 0x1000;
	serve_ok(ann, PAGER_OP_MAP, map);
	map.addr = 0x5000;
	serve_ok(ann, PAGER_OP_MAP, map);
	map.addr = 0x500001;
	serve_refused(ann, PAGER_OP_MAP, map, PAGER_EALIGN, "addr");
	map.addr = UINT64_C(1) << 47;
	serve_refused(ann, PAGER_OP_MAP, map, PAGER_ERANGE, "addr");
	serve_end();
}
END_TEST

START_TEST(the_break_is_set_asked_for_and_moved)
{
	struct pager_req_brk brk = {.brk = 0x600123, .flags = PAGER_BRK_START};
	struct srv_client *ann;

	serve_start(NULL);
	ann = serve_join(SERVE_ANN);
	brk.space = serve_space(ann);
	serve_ok(ann, PAGER_OP_BRK, brk);
	serve_refused(ann, PAGER_OP_BRK, brk, PAGER_EEXIST, "brk");
	brk.flags = 0;
	brk.brk = 0;
	serve_ok(ann, PAGER_OP_BRK, brk);
	ck_assert_uint_eq(serve_answer.body.addr.addr, 0x600123);
	brk.brk = 0x604567;
	serve_ok(ann, PAGER_OP_BRK, brk);
	serve_write(ann, brk.space, 0x604fff, "x");
	brk.brk = 0x600122;
	serve_refused(ann, PAGER_OP_BRK, brk, PAGER_ERANGE, "brk");
	brk.flags = 2;
	serve_refused(ann, PAGER_OP_BRK, brk, PAGER_EFLAGS, "flags");
	serve_end();
}
END_TEST

START_TEST(remap_is_mremap)
{
	struct pager_req_remap in = {
	    .addr = 0x400000, .len = 0x1000, .new_len = 0x3000};
	struct srv_client *ann;

	serve_start(NULL);
	ann = serve_join(SERVE_ANN);
	in.space = serve_space(ann);
	serve_map(ann, in.space, 0x400000, 0x1000, 0, 0);
	serve_write(ann, in.space, 0x400000, "moves");
	serve_ok(ann, PAGER_OP_REMAP, in);
	ck_assert_uint_eq(serve_answer.body.addr.addr, 0x400000);
	in.len = 0x3000;
	in.new_len = 0x1000;
	in.flags = PAGER_REMAP_MAYMOVE | PAGER_REMAP_FIXED;
	in.new_addr = 0x900000;
	serve_ok(ann, PAGER_OP_REMAP, in);
	serve_reads(ann, in.space, 0x900000, "moves");
	in.addr = 0x900000;
	in.len = 0;
	serve_refused(ann, PAGER_OP_REMAP, in, PAGER_EINVAL, "new_addr");
	in.new_addr = 0xa00000;
	serve_refused(ann, PAGER_OP_REMAP, in, PAGER_EINVAL, "len");
	in.len = 0x1000;
	in.new_addr = 0xa00001;
	serve_refused(ann, PAGER_OP_REMAP, in, PAGER_EALIGN, "new_addr");
	in.new_addr = 0xa00000;
	in.new_len = 0;
	serve_refused(ann, PAGER_OP_REMAP, in, PAGER_EINVAL, "new_len");
	in.new_len = UINT64_MAX;
	serve_refused(ann, PAGER_OP_REMAP, in, PAGER_EOVERFLOW, "new_len");
	in.flags = PAGER_REMAP_FIXED;
	in.new_len = 0x1000;
	serve_refused(ann, PAGER_OP_REMAP, in, PAGER_EFLAGS, "flags");
	serve_end();
}
END_TEST

START_TEST(no_remap_grows_into_the_hole)
{
	const struct pager_req_space_create all = {.start = 0x1000};
	struct pager_req_remap in = {
	    .addr = 0x7ffffffff000, .len = 0x1000, .new_len = 0x2000};
	struct srv_client *ann;

	serve_start(NULL);
	ann = serve_join(SERVE_ANN);
	serve_ok(ann, PAGER_OP_SPACE_CREATE, all);
	in.space = serve_answer.body.handle.handle;
	serve_map(ann, in.space, in.addr, 0x1000, 0, 0);
	serve_refused(ann, PAGER_OP_REMAP, in, PAGER_ENOSPACE, "new_len");
	in.flags = PAGER_REMAP_MAYMOVE;
	serve_ok(ann, PAGER_OP_REMAP, in);
	ck_assert_uint_le(serve_answer.body.addr.addr, 0x7fffffffe000);
	serve_end();
}
END_TEST

START_TEST(nothing_crosses_the_hole_inside_the_model)
{
	const struct pager_req_space_create all = {.start = 0x1000};
	const uint64_t low = 0x7ffffffff000, high = 0xffff800000000000;
	const struct pager_row_region *row = &serve_answer.body.region.region;
	struct pager_req_addr at = {.addr = low};
	struct pager_req_fault fault = {.addr = low,
					.access = PAGER_ACCESS_WRITE};
	struct srv_client *ann;

	serve_start(NULL);
	ann = serve_join(SERVE_ANN);
	serve_ok(ann, PAGER_OP_SPACE_CREATE, all);
	at.space = fault.space = serve_answer.body.handle.handle;
	/* A stack at the bottom of the upper half. */
	serve_map(ann, at.space, high, 0x1000, PAGER_MAP_GROWSDOWN, 0);
	serve_ok(ann, PAGER_OP_FAULT, fault);
	ck_assert_uint_eq(serve_answer.body.fault.signal, PAGER_SEGV_MAPERR);
	/* Alike, neighbours in page numbers, and not one region. */
	serve_map(ann, at.space, low, 0x1000, 0, 0);
	serve_map(ann, at.space, high, 0x1000, 0, 0);
	serve_ok(ann, PAGER_OP_REGION_LOOKUP, at);
	ck_assert(row->start == low && row->end == low + 0x1000);
	serve_end();
}
END_TEST

START_TEST(regions_and_pages_are_shown)
{
	const struct pager_row_region *row = &serve_answer.body.region.region;
	const struct pager_rep_page *page = &serve_answer.body.page;
	struct pager_req_addr at = {.addr = 0x401234};
	struct srv_client *ann;

	serve_start(NULL);
	ann = serve_join(SERVE_ANN);
	at.space = serve_space(ann);
	serve_refused(ann, PAGER_OP_REGION_LOOKUP, at, PAGER_ENOENT, "addr");
	serve_ok(ann, PAGER_OP_PAGE, at);
	ck_assert_uint_eq(page->entry, 0);
	serve_map(ann, at.space, 0x400000, 0x3000, 0, 0);
	serve_write(ann, at.space, 0x401000, "x");
	serve_ok(ann, PAGER_OP_REGION_LOOKUP, at);
	ck_assert(row->start == 0x400000 && row->end == 0x403000);
	ck_assert(row->anon == 1 && row->zero == 0);
	serve_ok(ann, PAGER_OP_PAGE, at);
	ck_assert_uint_ne(page->pa, 0);
	ck_assert_uint_eq(page->type, PAGER_PAGE_ANON);
	at.addr = UINT64_C(1) << 50;
	serve_refused(ann, PAGER_OP_PAGE, at, PAGER_ERANGE, "addr");
	serve_refused(ann, PAGER_OP_REGION_LOOKUP, at, PAGER_ERANGE, "addr");
	serve_end();
}
END_TEST

START_TEST(all_of_a_space_is_address_and_length_zero)
{
	struct pager_req_range all = {0};
	struct srv_client *ann;

	serve_start(NULL);
	ann = serve_join(SERVE_ANN);
	all.space = serve_space(ann);
	serve_map(ann, all.space, 0x400000, 0x3000, 0, 0);
	serve_write(ann, all.space, 0x400000, "x");
	serve_write(ann, all.space, 0x402000, "x");
	serve_ok(ann, PAGER_OP_SPACE_RESIDENT, all);
	ck_assert_uint_eq(serve_answer.body.space_resident.anon, 2);
	serve_ok(ann, PAGER_OP_SPACE_SHARING, all);
	ck_assert_uint_eq(serve_answer.body.space_sharing.private_pages, 2);
	serve_ok(ann, PAGER_OP_HARVEST, all);
	ck_assert_uint_eq(serve_answer.body.harvest.dirty, 2);
	serve_ok(ann, PAGER_OP_HARVEST, all);
	ck_assert_uint_eq(serve_answer.body.harvest.dirty, 0);
	serve_refused(ann, PAGER_OP_UNMAP, all, PAGER_EINVAL, "len");
	all.addr = 0x402000;
	serve_refused(ann, PAGER_OP_HARVEST, all, PAGER_EINVAL, "len");
	serve_end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    nothing_is_served_before_hello,
	    hello_is_said_once_and_in_a_version_both_know,
	    features_that_were_not_asked_for_are_not_there,
	    admin_operations_are_for_admins,
	    a_difference_found_by_check_is_an_answer,
	    handles_are_ones_own,
	    spaces_are_created_as_asked,
	    bytes_go_in_and_come_out,
	    a_stopped_access_is_an_answer,
	    shared_memory_without_an_object_lives_as_its_mappings,
	    a_refused_shared_map_leaves_no_object,
	    a_hint_that_cannot_be_met_is_none,
	    the_break_is_set_asked_for_and_moved,
	    remap_is_mremap,
	    no_remap_grows_into_the_hole,
	    nothing_crosses_the_hole_inside_the_model,
	    regions_and_pages_are_shown,
	    all_of_a_space_is_address_and_length_zero,
	};

	return UNIT_RUN("dispatch", tests);
}
