/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The codec: every violation and every refusal by form, in its order; what is
 * missing reads as zero; what is encoded decodes to the same.
 */
#include "proto/codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/unit.h"

/* A message in the making: a buffer of exactly its length, so that reading past
 * its end is seen. */
struct packet {
	uint8_t bytes[PAGER_MSG_MAX];
	size_t len;
	struct pager_request out;
};

/* How many file descriptors come with it if all is well. */
static uint8_t fds_of(unsigned int op)
{
	return pager_op_find(op) ? pager_op_find(op)->fds : 0;
}

static struct packet *packet_new(unsigned int op, size_t body_len,
				 size_t data_len)
{
	struct packet *p = calloc(1, sizeof(*p));
	struct pager_hdr hdr = {.op = (uint16_t)op, .seq = 77};

	ck_assert_ptr_nonnull(p);
	p->len = PAGER_HDR_SIZE + body_len + pager_pad8(data_len);
	hdr.length = (uint32_t)p->len;
	hdr.data_len = (uint32_t)data_len;
	hdr.nfds = fds_of(op);
	memcpy(p->bytes, &hdr, sizeof(hdr));
	memset(p->bytes + PAGER_HDR_SIZE + body_len, 'd', data_len);
	return p;
}

static void put16(struct packet *p, size_t at, uint16_t value)
{
	memcpy(p->bytes + at, &value, sizeof(value));
}

static void put32(struct packet *p, size_t at, uint32_t value)
{
	memcpy(p->bytes + at, &value, sizeof(value));
}

static enum pager_verdict decode(struct packet *p, unsigned int nfds)
{
	uint8_t *exact = malloc(p->len ? p->len : 1);
	enum pager_verdict verdict;

	ck_assert_ptr_nonnull(exact);
	memcpy(exact, p->bytes, p->len);
	verdict = pager_request_decode(exact, p->len, nfds, &p->out);
	free(exact);
	return verdict;
}

static void expect_violation(struct packet *p, unsigned int nfds,
			     enum pager_violation violation)
{
	ck_assert_int_eq(decode(p, nfds), PAGER_VERDICT_VIOLATE);
	ck_assert_int_eq(p->out.violation, violation);
	free(p);
}

static enum pager_verdict decode_well(struct packet *p)
{
	uint16_t nfds;

	memcpy(&nfds, p->bytes + offsetof(struct pager_hdr, nfds),
	       sizeof(nfds));
	return decode(p, nfds);
}

static void expect_refusal(struct packet *p, unsigned int error, size_t field)
{
	ck_assert_int_eq(decode_well(p), PAGER_VERDICT_REFUSE);
	ck_assert_uint_eq(p->out.error, error);
	ck_assert_uint_eq(p->out.field, field);
	ck_assert_uint_eq(p->out.hdr.seq, 77);
	free(p);
}

START_TEST(a_packet_without_room_for_a_header_is_short)
{
	for (size_t len = 0; len < PAGER_HDR_SIZE; len++) {
		struct packet *p = packet_new(PAGER_OP_PING, 8, 0);

		p->len = len;
		expect_violation(p, 0, PAGER_VIOLATION_SHORT);
	}
}
END_TEST

START_TEST(a_packet_above_the_longest_is_long)
{
	static uint8_t big[PAGER_MSG_MAX + 8];
	struct pager_hdr hdr = {.length = sizeof(big), .op = PAGER_OP_PING};
	struct pager_request out;

	memcpy(big, &hdr, sizeof(hdr));
	ck_assert_int_eq(pager_request_decode(big, sizeof(big), 0, &out),
			 PAGER_VERDICT_VIOLATE);
	ck_assert_int_eq(out.violation, PAGER_VIOLATION_LONG);
}
END_TEST

START_TEST(a_length_field_that_is_not_the_packets_is_a_violation)
{
	static const int off[] = {-40, -32, -8, -1, 1, 8, 1 << 20};

	for (size_t i = 0; i < sizeof(off) / sizeof(*off); i++) {
		struct packet *p = packet_new(PAGER_OP_PING, 8, 0);

		put32(p, 0, (uint32_t)((int)p->len + off[i]));
		expect_violation(p, 0, PAGER_VIOLATION_LENGTH);
	}
}
END_TEST

START_TEST(a_length_that_is_no_multiple_of_8_is_a_violation)
{
	for (size_t odd = 1; odd < 8; odd++) {
		struct packet *p = packet_new(PAGER_OP_PING, 8, 0);

		p->len += odd;
		put32(p, 0, (uint32_t)p->len);
		expect_violation(p, 0, PAGER_VIOLATION_ODD);
	}
}
END_TEST

START_TEST(any_flag_in_a_request_is_a_violation)
{
	for (unsigned int bit = 0; bit < 16; bit++) {
		struct packet *p = packet_new(PAGER_OP_PING, 8, 0);

		put16(p, offsetof(struct pager_hdr, flags),
		      (uint16_t)(1u << bit));
		expect_violation(p, 0, PAGER_VIOLATION_FLAGS);
	}
}
END_TEST

START_TEST(a_wrong_number_of_fds_is_a_violation)
{
	static const struct {
		uint16_t said;
		unsigned int came;
	} cases[] = {{0, 1}, {1, 0}, {1, 2},	{9, 9},
		     {1, 1}, {8, 8}, {65535, 0}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct packet *p = packet_new(PAGER_OP_PING, 8, 0);

		put16(p, offsetof(struct pager_hdr, nfds), cases[i].said);
		expect_violation(p, cases[i].came, PAGER_VIOLATION_FDS);
	}
}
END_TEST

START_TEST(an_unknown_operation_may_carry_fds)
{
	struct packet *p = packet_new(999, 0, 0);

	put16(p, offsetof(struct pager_hdr, nfds), 2);
	ck_assert_int_eq(decode(p, 2), PAGER_VERDICT_REFUSE);
	ck_assert_uint_eq(p->out.error, PAGER_ENOSYS);
	free(p);
}
END_TEST

START_TEST(more_data_than_there_is_is_a_violation)
{
	static const uint32_t said[] = {9,	    17,		64,
					0x7fffffff, 0xfffffff8, 0xffffffff};

	for (size_t i = 0; i < sizeof(said) / sizeof(*said); i++) {
		struct packet *p = packet_new(PAGER_OP_WRITE, 0, 8);

		put32(p, offsetof(struct pager_hdr, data_len), said[i]);
		expect_violation(p, 0, PAGER_VIOLATION_DATA);
	}
}
END_TEST

START_TEST(reply_fields_of_the_header_are_reserved)
{
	static const size_t at[] = {offsetof(struct pager_hdr, error),
				    offsetof(struct pager_hdr, field),
				    offsetof(struct pager_hdr, reserved)};

	for (size_t i = 0; i < 3; i++) {
		struct packet *p = packet_new(PAGER_OP_PING, 8, 0);

		p->bytes[at[i] + 1] = 1;
		expect_refusal(p, PAGER_ERESERVED, at[i]);
	}
}
END_TEST

START_TEST(every_unknown_operation_is_refused)
{
	for (unsigned int op = 0; op < PAGER_OP_END; op++)
		if (!pager_op_find(op))
			expect_refusal(packet_new(op, 8, 0), PAGER_ENOSYS, 4);
	expect_refusal(packet_new(65535, 0, 16), PAGER_ENOSYS, 4);
}
END_TEST

START_TEST(data_is_refused_where_none_is_allowed)
{
	const struct pager_op *op = NULL;

	while ((op = pager_op_next(op))) {
		struct packet *p = packet_new(op->number, op->request->size, 5);

		if (op->data & PAGER_OP_DATA_IN) {
			ck_assert_int_eq(decode_well(p), PAGER_VERDICT_OK);
			ck_assert_uint_eq(p->out.data_len, 5);
			free(p);
		} else {
			expect_refusal(p, PAGER_EINVAL,
				       offsetof(struct pager_hdr, data_len));
		}
	}
}
END_TEST

START_TEST(an_unknown_tail_is_zero_or_refused)
{
	const struct pager_op *op = NULL;

	while ((op = pager_op_next(op))) {
		size_t size = op->request->size;
		struct packet *p = packet_new(op->number, size + 24, 0);

		ck_assert_int_eq(decode_well(p), PAGER_VERDICT_OK);
		p->bytes[PAGER_HDR_SIZE + size + 13] = 1;
		expect_refusal(p, PAGER_ERESERVED, PAGER_HDR_SIZE + size + 13);
	}
}
END_TEST

START_TEST(padding_is_zero_or_refused)
{
	struct packet *p = packet_new(PAGER_OP_WRITE, 24, 5);

	p->bytes[PAGER_HDR_SIZE + 24 + 6] = 1;
	expect_refusal(p, PAGER_ERESERVED, PAGER_HDR_SIZE + 24 + 6);
}
END_TEST

START_TEST(every_byte_of_every_reserved_field_is_checked)
{
	const struct pager_op *op = NULL;
	unsigned int checked = 0;

	while ((op = pager_op_next(op)))
		for (unsigned int f = 0; f < op->request->count; f++) {
			const struct pager_field *field =
			    op->request->fields + f;

			for (unsigned int b = 0; b < field->size; b++) {
				size_t at = PAGER_HDR_SIZE + field->offset;
				struct packet *p = packet_new(
				    op->number, op->request->size, 0);

				p->bytes[at + b] = 0x80;
				if (field->reserved) {
					expect_refusal(p, PAGER_ERESERVED, at);
					checked++;
				} else {
					ck_assert_int_eq(decode_well(p),
							 PAGER_VERDICT_OK);
					free(p);
				}
			}
		}
	ck_assert_uint_ge(checked, 40);
}
END_TEST

START_TEST(what_is_missing_reads_as_zero)
{
	const struct pager_op *op = NULL;

	while ((op = pager_op_next(op)))
		for (size_t have = 0; have < op->request->size; have += 8) {
			struct packet *p = packet_new(op->number, have, 0);
			const uint8_t *body = (const uint8_t *)&p->out.body;

			memset(&p->out, 0xee, sizeof(p->out));
			ck_assert_int_eq(decode_well(p), PAGER_VERDICT_OK);
			for (size_t i = 0; i < op->request->size; i++)
				ck_assert_uint_eq(body[i], 0);
			free(p);
		}
}
END_TEST

START_TEST(requests_survive_encode_and_decode)
{
	const struct pager_req_write body = {
	    .space = 0x1122334455667788, .addr = 0x400fff, .cpu = 3};
	const struct pager_op *op = pager_op_find(PAGER_OP_WRITE);
	uint8_t buf[128];
	struct pager_request out;

	for (size_t n = 0; n <= 17; n++) {
		size_t len =
		    pager_request_encode(buf, sizeof(buf), op, 9, &body,
					 sizeof(body), "abcdefghijklmnopq", n);

		ck_assert_uint_eq(len, 32 + 24 + pager_pad8(n));
		ck_assert_int_eq(pager_request_decode(buf, len, 0, &out),
				 PAGER_VERDICT_OK);
		ck_assert_ptr_eq(out.op, op);
		ck_assert_uint_eq(out.hdr.seq, 9);
		ck_assert_mem_eq(&out.body.write, &body, sizeof(body));
		ck_assert_uint_eq(out.data_len, n);
		ck_assert_mem_eq(out.data, "abcdefghijklmnopq", n);
	}
	ck_assert_uint_eq(
	    pager_request_encode(buf, 63, op, 9, &body, sizeof(body), "x", 1),
	    0);
	ck_assert_uint_eq(
	    pager_request_encode(buf, sizeof(buf), op, 9, &body, 12, NULL, 0),
	    0);
}
END_TEST

START_TEST(replies_survive_encode_and_decode)
{
	struct pager_request request = {.op = pager_op_find(PAGER_OP_READ),
					.hdr = {.op = PAGER_OP_READ, .seq = 5}};
	union pager_reply_body body = {.access = {.done = 3, .addr = 8}};
	struct pager_answer out;
	uint8_t buf[128];
	size_t len;

	memset(buf, 0xff, sizeof(buf));
	memcpy(pager_reply_data(buf, request.op), "abc", 3);
	len = pager_reply_encode(buf, &request, &body, 3);
	ck_assert_uint_eq(len, pager_reply_size(request.op, 3));
	ck_assert_uint_eq(len, 32 + 24 + 8);
	for (size_t i = len - 5; i < len; i++)
		ck_assert_uint_eq(buf[i], 0);
	ck_assert(pager_answer_decode(buf, len, &out));
	ck_assert_ptr_eq(out.op, request.op);
	ck_assert_uint_eq(out.hdr.seq, 5);
	ck_assert_uint_eq(out.hdr.error, 0);
	ck_assert_uint_eq(out.body.access.done, 3);
	ck_assert_uint_eq(out.data_len, 3);
	ck_assert_mem_eq(out.data, "abc", 3);
	ck_assert(!pager_answer_decode(buf, len - 8, &out));
	ck_assert(!pager_answer_decode(buf, 24, &out));

	len = pager_refusal_encode(buf, &request, PAGER_EALIGN, 40);
	ck_assert_uint_eq(len, PAGER_HDR_SIZE);
	ck_assert(pager_answer_decode(buf, len, &out));
	ck_assert_uint_eq(out.hdr.error, PAGER_EALIGN);
	ck_assert_uint_eq(out.hdr.field, 40);
	ck_assert_uint_eq(out.body.access.done, 0);
}
END_TEST

START_TEST(a_request_is_no_reply)
{
	struct packet *p = packet_new(PAGER_OP_PING, 8, 0);
	struct pager_answer out;

	ck_assert(!pager_answer_decode(p->bytes, p->len, &out));
	free(p);
}
END_TEST

START_TEST(a_batch_is_cut_into_its_messages)
{
	uint8_t data[32 + 40 + 32] = {32, [32] = 40, [72] = 32};
	const uint8_t *message;
	size_t at = 0, len;

	ck_assert_int_eq(
	    pager_batch_cut(data, sizeof(data), &at, &message, &len), 1);
	ck_assert_ptr_eq(message, data);
	ck_assert_uint_eq(len, 32);
	ck_assert_int_eq(
	    pager_batch_cut(data, sizeof(data), &at, &message, &len), 1);
	ck_assert_uint_eq(len, 40);
	ck_assert_int_eq(
	    pager_batch_cut(data, sizeof(data), &at, &message, &len), 1);
	ck_assert_ptr_eq(message, data + 72);
	ck_assert_int_eq(
	    pager_batch_cut(data, sizeof(data), &at, &message, &len), 0);
}
END_TEST

START_TEST(a_batch_of_anything_else_is_not_cut)
{
	static const uint32_t lengths[] = {0,  8,  24, 31,
					   33, 39, 48, 0xfffffff8};
	uint8_t data[40] = {0};
	const uint8_t *message;
	size_t at, len;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		memcpy(data, &lengths[i], 4);
		at = 0;
		ck_assert_int_eq(
		    pager_batch_cut(data, sizeof(data), &at, &message, &len),
		    -1);
	}
	at = 0;
	data[0] = 32;
	ck_assert_int_eq(pager_batch_cut(data, 24, &at, &message, &len), -1);
}
END_TEST

START_TEST(fields_fill_their_structs_without_gaps)
{
	const struct pager_struct *s = NULL;

	while ((s = pager_struct_next(s))) {
		unsigned int reserved = 0;
		size_t at = 0;

		for (unsigned int i = 0; i < s->count; i++) {
			reserved += s->fields[i].reserved;
			ck_assert_msg(s->fields[i].offset == at, "%s.%s",
				      s->name, s->fields[i].name);
			at += s->fields[i].size;
		}
		ck_assert_msg(at == s->size, "%s", s->name);
		ck_assert_msg(reserved == s->reserved, "%s", s->name);
	}
}
END_TEST

START_TEST(operations_and_fields_are_found_by_name)
{
	const struct pager_op *op = pager_op_by_name("space_fork");

	ck_assert_ptr_eq(op, pager_op_find(PAGER_OP_SPACE_FORK));
	ck_assert_ptr_eq(pager_op_by_name("SPACE_FORK"), op);
	ck_assert_ptr_null(pager_op_by_name("space_fork2"));
	ck_assert_ptr_null(pager_op_by_name(""));
	ck_assert_ptr_null(pager_op_find(PAGER_OP_END));
	op = pager_op_find(PAGER_OP_MAP);
	ck_assert_str_eq(pager_op_field_name(op, 32 + 8), "addr");
	ck_assert_str_eq(pager_op_field_name(op, 32 + 47), "offset");
	ck_assert_ptr_null(pager_op_field_name(op, 32 + 48));
	ck_assert_str_eq(pager_op_field_name(op, 4), "op");
	ck_assert_str_eq(pager_op_field_name(NULL, 24), "data_len");
	ck_assert_ptr_null(pager_op_field_name(NULL, 32));
	ck_assert_ptr_nonnull(pager_struct_by_name("row_region"));
	ck_assert_ptr_null(pager_struct_by_name("row"));
}
END_TEST

START_TEST(every_error_and_violation_has_a_name)
{
	for (unsigned int i = 0; i < PAGER_ERROR_COUNT; i++)
		ck_assert_ptr_nonnull(pager_error_name(i));
	ck_assert_ptr_null(pager_error_name(PAGER_ERROR_COUNT));
	for (int i = 0; i < PAGER_VIOLATION_COUNT; i++)
		ck_assert_ptr_nonnull(
		    pager_violation_text((enum pager_violation)i));
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    a_packet_without_room_for_a_header_is_short,
	    a_packet_above_the_longest_is_long,
	    a_length_field_that_is_not_the_packets_is_a_violation,
	    a_length_that_is_no_multiple_of_8_is_a_violation,
	    any_flag_in_a_request_is_a_violation,
	    a_wrong_number_of_fds_is_a_violation,
	    an_unknown_operation_may_carry_fds,
	    more_data_than_there_is_is_a_violation,
	    reply_fields_of_the_header_are_reserved,
	    every_unknown_operation_is_refused,
	    data_is_refused_where_none_is_allowed,
	    an_unknown_tail_is_zero_or_refused,
	    padding_is_zero_or_refused,
	    every_byte_of_every_reserved_field_is_checked,
	    what_is_missing_reads_as_zero,
	    requests_survive_encode_and_decode,
	    replies_survive_encode_and_decode,
	    a_request_is_no_reply,
	    a_batch_is_cut_into_its_messages,
	    a_batch_of_anything_else_is_not_cut,
	    fields_fill_their_structs_without_gaps,
	    operations_and_fields_are_found_by_name,
	    every_error_and_violation_has_a_name,
	};

	return UNIT_RUN("codec", tests);
}
