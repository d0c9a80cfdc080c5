/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The form of requests, for every operation: the header's fields, bodies that
 * are shorter or longer than their struct, padding, and the versions.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/requests.h"
#include "tests/support/unit.h"

static uint64_t packet[PAGER_MSG_MAX / 8];
static uint8_t *const bytes = (uint8_t *)packet;

/* The valid request, number i, as a packet; its length. */
static size_t build(int i, struct request *r)
{
	size_t len;

	bed_start(NULL);
	request_get((unsigned int)i, r);
	memset(packet, 0, sizeof(packet));
	len = request_put(r, bytes, 0, sizeof(packet), 7);
	pager_request_set_fds(bytes, r->op->fds);
	return len;
}

static struct pager_hdr *hdr(void)
{
	return (struct pager_hdr *)packet;
}

static void answered(const struct request *r, size_t len, const char *what)
{
	enum pager_violation why;

	ck_assert_msg(serve_packet(r->client, packet, len, &why), "%s: %s: %s",
		      r->name, what, pager_violation_text(why));
}

static void refused(const struct request *r, size_t len, enum pager_error error,
		    size_t field, const char *what)
{
	char *before = serve_picture();

	answered(r, len, what);
	ck_assert_msg(
	    serve_answer.hdr.error == error && serve_answer.hdr.field == field,
	    "%s: %s: %s at %u", r->name, what,
	    pager_error_name(serve_answer.hdr.error), serve_answer.hdr.field);
	serve_unchanged(before, what);
}

static void done(const struct request *r, size_t len, const char *what)
{
	answered(r, len, what);
	ck_assert_msg(serve_answer.hdr.error == PAGER_OK, "%s: %s: %s at %u",
		      r->name, what, pager_error_name(serve_answer.hdr.error),
		      serve_answer.hdr.field);
}

/* Fields that are zero in requests. */
START_TEST(reserved_fields_of_the_header)
{
	struct request r;
	size_t len = build(_i, &r);

	hdr()->error = PAGER_EINVAL;
	refused(&r, len, PAGER_ERESERVED, offsetof(struct pager_hdr, error),
		"error");
	hdr()->error = 0;
	hdr()->field = 1;
	refused(&r, len, PAGER_ERESERVED, offsetof(struct pager_hdr, field),
		"field");
	hdr()->field = 0;
	hdr()->reserved = 0x80000000;
	refused(&r, len, PAGER_ERESERVED, offsetof(struct pager_hdr, reserved),
		"reserved");
	hdr()->reserved = 0;
	done(&r, len, "none of them");
	bed_end();
}
END_TEST

/* The last 8 bytes are said to be data, of an operation that takes none. */
START_TEST(data_that_must_not_be)
{
	struct request r;
	size_t len = build(_i, &r);

	if (!(r.op->data & PAGER_OP_DATA_IN)) {
		for (unsigned int n = 1; n <= 8; n++) {
			hdr()->data_len = n;
			refused(&r, len, PAGER_EINVAL,
				offsetof(struct pager_hdr, data_len), "data");
		}
	}
	bed_end();
}
END_TEST

/* How much of the body is needed: the rest is zero anyway. */
static size_t needed(const struct request *r)
{
	const uint8_t *body = (const uint8_t *)&r->body;
	size_t n = r->op->request->size;

	while (n && body[n - 1] == 0)
		n--;
	return pager_pad8(n);
}

/* Rebuild the packet with a body of other length: zeros are added. */
static size_t resize(const struct request *r, size_t body_len)
{
	size_t data = PAGER_HDR_SIZE + body_len;

	memset(bytes + PAGER_HDR_SIZE, 0, sizeof(packet) - PAGER_HDR_SIZE);
	memcpy(bytes + PAGER_HDR_SIZE, &r->body,
	       body_len < r->op->request->size ? body_len
					       : r->op->request->size);
	memcpy(bytes + data, r->data, r->data_len);
	hdr()->length = (uint32_t)(data + pager_pad8(r->data_len));
	return hdr()->length;
}

START_TEST(short_bodies_read_as_zero)
{
	struct request r;
	size_t len = build(_i, &r), n = needed(&r);

	/* As an old client that did not know the last members sends it. */
	len = resize(&r, n);
	done(&r, len, "a short body");
	bed_end();
}
END_TEST

/* What is missing and would have to be there is missed. */
START_TEST(bodies_that_are_too_short)
{
	static const uint8_t zeros[sizeof(union pager_request_body)];
	struct request r;
	size_t len = build(_i, &r), n = needed(&r);
	unsigned int error, field;

	if (n == 0) {
		bed_end();
		return;
	}
	/* Nothing at all is the same as all zeros. */
	error = serve_ask_data(r.client, r.op->number, zeros,
			       r.op->request->size, r.data, r.data_len);
	field = serve_answer.hdr.field;
	bed_end();
	build(_i, &r);
	len = resize(&r, 0);
	answered(&r, len, "no body");
	ck_assert_uint_eq(serve_answer.hdr.error, error);
	ck_assert_uint_eq(serve_answer.hdr.field, field);
	bed_end();
}
END_TEST

START_TEST(long_bodies_end_in_zeros)
{
	struct request r;
	size_t size, len;

	build(_i, &r);
	size = r.op->request->size;
	for (size_t more = 8; more <= 4096; more *= 8) {
		len = resize(&r, size + more);
		for (size_t at = 0; at < more; at += more / 8 + 5) {
			bytes[PAGER_HDR_SIZE + size + at] = 1;
			refused(&r, len, PAGER_ERESERVED,
				PAGER_HDR_SIZE + size + at, "a long body");
			bytes[PAGER_HDR_SIZE + size + at] = 0;
		}
		bytes[PAGER_HDR_SIZE + size + more - 1] = 0x80;
		refused(&r, len, PAGER_ERESERVED,
			PAGER_HDR_SIZE + size + more - 1, "its last byte");
	}
	/* As a new client that knows more members sends it. */
	len = resize(&r, size + 64);
	done(&r, len, "a long body of zeros");
	bed_end();
}
END_TEST

START_TEST(the_longest_body)
{
	struct request r;
	size_t len, room;

	build(_i, &r);
	room = PAGER_MSG_MAX - PAGER_HDR_SIZE - pager_pad8(r.data_len);
	len = resize(&r, room);
	ck_assert_uint_eq(len, PAGER_MSG_MAX);
	bytes[PAGER_HDR_SIZE + room - 1] = 1;
	refused(&r, len, PAGER_ERESERVED, PAGER_HDR_SIZE + room - 1,
		"the last byte of the longest");
	bytes[PAGER_HDR_SIZE + room - 1] = 0;
	done(&r, len, "the longest body");
	bed_end();
}
END_TEST

START_TEST(padding_is_zero)
{
	struct request r;
	size_t len, at;

	bed_start(NULL);
	request_find("write", &r);
	r.data_len = 5;
	memset(packet, 0, sizeof(packet));
	len = request_put(&r, bytes, 0, sizeof(packet), 7);
	for (at = len - 3; at < len; at++) {
		bytes[at] = 9;
		refused(&r, len, PAGER_ERESERVED, at, "padding");
		bytes[at] = 0;
	}
	done(&r, len, "padding of zeros");
	bed_end();
}
END_TEST

START_TEST(unknown_operations)
{
	struct request r;

	bed_start(NULL);
	request_find("ping", &r);
	memset(packet, 0, sizeof(packet));
	hdr()->length = PAGER_HDR_SIZE;
	for (unsigned int op = 0; op <= UINT16_MAX;
	     op += op < 300 || op > 65500 ? 1 : 997) {
		if (pager_op_find(op))
			continue;
		hdr()->op = (uint16_t)op;
		refused(&r, PAGER_HDR_SIZE, PAGER_ENOSYS,
			offsetof(struct pager_hdr, op), "an operation");
	}
	bed_end();
}
END_TEST

/* Before HELLO everything else is refused, whatever is in it. */
START_TEST(before_hello)
{
	struct request r;
	size_t len = build(_i, &r);

	if (r.op->number != PAGER_OP_HELLO) {
		r.client = bed.fresh;
		refused(&r, len, PAGER_EHELLO, offsetof(struct pager_hdr, op),
			"before HELLO");
		memset(bytes + PAGER_HDR_SIZE, 0, len - PAGER_HDR_SIZE);
		hdr()->length = PAGER_HDR_SIZE;
		hdr()->data_len = 0;
		refused(&r, PAGER_HDR_SIZE, PAGER_EHELLO,
			offsetof(struct pager_hdr, op), "empty, before HELLO");
	}
	bed_end();
}
END_TEST

/* --- versions
 * -----------------------------------------------------------------
 */

static struct pager_rep_hello greet(struct srv_client *client, uint16_t major,
				    uint16_t minor, uint64_t features)
{
	const struct pager_req_hello in = {PAGER_MAGIC, major, minor, features};

	serve_ask(client, PAGER_OP_HELLO, &in, sizeof(in));
	return serve_answer.body.hello;
}

START_TEST(the_lower_minor_version_wins)
{
	static const uint16_t minors[] = {0, 1, 2, 255, UINT16_MAX};

	serve_start(NULL);
	for (size_t i = 0; i < sizeof(minors) / sizeof(*minors); i++) {
		struct pager_rep_hello hello =
		    greet(serve_connect(SERVE_ANN), PAGER_VERSION_MAJOR,
			  minors[i], 0);

		ck_assert_uint_eq(serve_answer.hdr.error, 0);
		ck_assert_uint_eq(hello.major, PAGER_VERSION_MAJOR);
		ck_assert_uint_eq(hello.minor, minors[i] < PAGER_VERSION_MINOR
						   ? minors[i]
						   : PAGER_VERSION_MINOR);
	}
	serve_end();
}
END_TEST

/* A major mismatch is answered with the server's version, and may be tried
 * again. */
START_TEST(another_major_version)
{
	static const uint16_t majors[] = {0, 2, 3, UINT16_MAX};
	struct pager_rep_hello hello;
	struct srv_client *client;

	serve_start(NULL);
	client = serve_connect(SERVE_ANN);
	for (size_t i = 0; i < sizeof(majors) / sizeof(*majors); i++) {
		hello = greet(client, majors[i], 0, PAGER_FEATURES);
		ck_assert_uint_eq(serve_answer.hdr.error, PAGER_EVERSION);
		ck_assert_uint_eq(serve_answer.hdr.field,
				  PAGER_HDR_SIZE +
				      offsetof(struct pager_req_hello, major));
		ck_assert_uint_eq(serve_answer.hdr.length,
				  PAGER_HDR_SIZE + sizeof(hello));
		ck_assert_uint_eq(hello.major, PAGER_VERSION_MAJOR);
		ck_assert_uint_eq(hello.minor, PAGER_VERSION_MINOR);
		ck_assert_uint_eq(hello.session, 0);
		ck_assert_ptr_null(client->session);
	}
	hello = greet(client, PAGER_VERSION_MAJOR, 0, PAGER_FEATURES);
	ck_assert_uint_eq(serve_answer.hdr.error, 0);
	ck_assert_uint_eq(hello.session, client->session->number);
	ck_assert_uint_eq(hello.features, PAGER_FEATURES);
	ck_assert_uint_eq(hello.admin, 0);
	ck_assert_uint_eq(hello.max_message, PAGER_MSG_MAX);
	ck_assert_uint_eq(hello.page_size, PAGER_PAGE_SIZE);
	serve_end();
}
END_TEST

START_TEST(hello_once)
{
	struct srv_client *client;
	uint64_t number;

	serve_start(NULL);
	client = serve_join(SERVE_ANN);
	number = client->session->number;
	/* Even one that would be refused for something else. */
	for (uint16_t major = 0; major < 3; major++) {
		greet(client, major, 0, 0);
		ck_assert_uint_eq(serve_answer.hdr.error, PAGER_EHELLO);
		ck_assert_uint_eq(serve_answer.hdr.length, PAGER_HDR_SIZE);
	}
	ck_assert_uint_eq(client->session->number, number);
	ck_assert_uint_eq(client->session->features, PAGER_FEATURES);
	serve_end();
}
END_TEST

/* Unknown features are not granted, and known ones only if they are asked for;
 * without them their operations are not there. */
START_TEST(features)
{
	struct srv_client *client;
	struct request r;

	bed_start(NULL);
	client = serve_connect(SERVE_ANN);
	ck_assert_uint_eq(greet(client, 1, 0, UINT64_MAX).features,
			  PAGER_FEATURES);
	client = serve_connect(SERVE_ANN);
	ck_assert_uint_eq(greet(client, 1, 0, ~PAGER_FEATURES).features, 0);
	request_find("batch", &r);
	r.client = client;
	ck_assert_uint_eq(request_send(&r), PAGER_ENOSYS);
	ck_assert_uint_eq(serve_answer.hdr.field,
			  offsetof(struct pager_hdr, op));
	client = serve_connect(SERVE_ANN);
	greet(client, 1, 0, PAGER_FEATURE_BATCH);
	request_find("batch atomic", &r);
	r.client = client;
	ck_assert_uint_eq(request_send(&r), PAGER_EFLAGS);
	ck_assert_uint_eq(serve_answer.hdr.field,
			  PAGER_HDR_SIZE +
			      offsetof(struct pager_req_batch, flags));
	bed_end();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("form");
	TCase *t = tcase_create("form");
	SRunner *runner;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, reserved_fields_of_the_header, 0, REQUEST_COUNT);
	tcase_add_loop_test(t, data_that_must_not_be, 0, REQUEST_COUNT);
	tcase_add_loop_test(t, short_bodies_read_as_zero, 0, REQUEST_COUNT);
	tcase_add_loop_test(t, bodies_that_are_too_short, 0, REQUEST_COUNT);
	tcase_add_loop_test(t, long_bodies_end_in_zeros, 0, REQUEST_COUNT);
	tcase_add_loop_test(t, the_longest_body, 0, REQUEST_COUNT);
	tcase_add_test(t, padding_is_zero);
	tcase_add_test(t, unknown_operations);
	tcase_add_loop_test(t, before_hello, 0, REQUEST_COUNT);
	tcase_add_test(t, the_lower_minor_version_wins);
	tcase_add_test(t, another_major_version);
	tcase_add_test(t, hello_once);
	tcase_add_test(t, features);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
