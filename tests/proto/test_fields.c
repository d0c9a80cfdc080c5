/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every field of every request with every value it must not have
 * (bad_fields.h): each is refused with the error pager-protocol(7) gives it,
 * blames that field (or the one the text blames), and changes nothing.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/bad_fields.h"
#include "tests/support/unit.h"

/* --- trying it --------------------------------------------------------------
 */

/* The request is refused so, blames the field of that name, and changes
 * nothing. */
static void refused(const struct request *r, enum pager_error error,
		    const char *blame, const char *what)
{
	char *before = serve_picture();
	unsigned int got = request_send(r);
	const char *blamed = pager_op_field_name(r->op, serve_answer.hdr.field);

	ck_assert_msg(got == error, "%s: %s: %s, not %s", r->name, what,
		      pager_error_name(got), pager_error_name(error));
	ck_assert_msg(blamed && strcmp(blamed, blame) == 0,
		      "%s: %s: %s is to blame, not %s", r->name, what,
		      blamed ? blamed : "nothing", blame);
	serve_unchanged(before, what);
}

static void refuse_values(const struct request *r, const struct pager_field *f)
{
	struct request bent;
	struct bads bads;
	char what[128];

	bad_fields(r, f, &bads);
	for (size_t i = 0; i < bads.count; i++) {
		const struct bad *b = bads.list + i;

		bent = *r;
		memcpy((uint8_t *)&bent.body + f->offset, &b->value, f->size);
		snprintf(what, sizeof(what), "%s = %#llx", f->name,
			 (unsigned long long)b->value);
		refused(&bent, b->error, b->blame ? b->blame : f->name, what);
	}
}

/* A reserved member, each of its bytes. */
static void refuse_reserved(const struct request *r,
			    const struct pager_field *f)
{
	struct request bent;

	for (unsigned int i = 0; i < f->size; i++) {
		bent = *r;
		((uint8_t *)&bent.body)[f->offset + i] = 0x80;
		refused(&bent, PAGER_ERESERVED, f->name, "a reserved byte");
	}
}

/* Names that are no text, and tokens that are none. */
static void refuse_texts(const struct request *r, const struct pager_field *f)
{
	struct request bent = *r;
	uint8_t *text = (uint8_t *)&bent.body + f->offset;

	if (strcmp(f->name, "token") == 0) {
		for (unsigned int bit = 0; bit < 8 * PAGER_TOKEN_SIZE; bit++) {
			bent = *r;
			text[bit / 8] ^= (uint8_t)(1 << bit % 8);
			refused(&bent, PAGER_ENOENT, f->name, "a near miss");
		}
		memset(text, 0, f->size);
		refused(&bent, PAGER_ENOENT, f->name, "a token of zeros");
		memcpy(text, bed.used_token, f->size);
		refused(&bent, PAGER_ENOENT, f->name, "a used token");
		return;
	}
	memset(text, 'a', f->size);
	refused(&bent, PAGER_EINVAL, f->name, "a name without an end");
	text[4] = '\0';
	refused(&bent, PAGER_EINVAL, f->name, "bytes behind a name");
	memset(text, 0, f->size);
	text[f->size - 1] = 'a';
	refused(&bent, PAGER_EINVAL, f->name, "bytes behind no name");
	if (r->op->number == PAGER_OP_OBJECT_OPEN) {
		memset(text, 0, f->size);
		refused(&bent, PAGER_ENOENT, f->name, "no name");
		text[0] = 'T';
		refused(&bent, PAGER_ENOENT, f->name, "nobody's name");
	}
	if (r->op->number == PAGER_OP_OBJECT_CREATE) {
		memset(text, 0, f->size);
		memcpy(text, "thing", 5);
		refused(&bent, PAGER_EEXIST, f->name, "a name that is taken");
	}
}

START_TEST(every_field)
{
	const struct pager_struct *s;
	struct request r;
	struct bads bads;

	bed_start(NULL);
	request_get((unsigned int)_i, &r);
	s = r.op->request;
	for (unsigned int i = 0; i < s->count; i++) {
		const struct pager_field *f = s->fields + i;

		if (f->reserved)
			refuse_reserved(&r, f);
		else if (bad_fields(&r, f, &bads) == BAD_TEXT)
			refuse_texts(&r, f);
		else
			refuse_values(&r, f);
	}
	/* And without any of that it is carried out. */
	ck_assert_msg(request_send(&r) == PAGER_OK, "%s: %s at %u", r.name,
		      pager_error_name(serve_answer.hdr.error),
		      serve_answer.hdr.field);
	bed_end();
}
END_TEST

/* What may be anything may also be extreme: it is carried out. */
START_TEST(every_field_that_may_be_anything)
{
	static const uint64_t values[] = {
	    0, 1, 0x1000, INT32_MAX, UINT32_MAX, INT64_MAX, UINT64_MAX};
	struct request r;
	struct bads bads;

	for (size_t v = 0; v < sizeof(values) / sizeof(*values); v++) {
		unsigned int n = 0;

		bed_start(NULL);
		request_get((unsigned int)_i, &r);
		for (unsigned int i = 0; i < r.op->request->count; i++) {
			const struct pager_field *f = r.op->request->fields + i;

			if (f->reserved ||
			    bad_fields(&r, f, &bads) != BAD_NONE ||
			    strcmp(f->name, "len") == 0 ||
			    strcmp(f->name, "start") == 0 ||
			    strcmp(f->name, "end") == 0)
				continue;
			memcpy((uint8_t *)&r.body + f->offset, values + v,
			       f->size);
			n++;
		}
		if (n)
			ck_assert_msg(request_send(&r) == PAGER_OK,
				      "%s with %#llx: %s at %u", r.name,
				      (unsigned long long)values[v],
				      pager_error_name(serve_answer.hdr.error),
				      serve_answer.hdr.field);
		bed_end();
		if (!n)
			break;
	}
}
END_TEST

/* No operation is without a request to bend. */
START_TEST(every_operation)
{
	const struct pager_op *op = NULL;
	struct request r;

	bed_start(NULL);
	while ((op = pager_op_next(op))) {
		bool found = false;

		for (unsigned int i = 0; i < REQUEST_COUNT; i++) {
			request_get(i, &r);
			found |= r.op == op;
		}
		ck_assert_msg(found, "%s has no request", op->name);
	}
	bed_end();
}
END_TEST

/* WRITE: how many bytes is in the header. */
START_TEST(the_length_of_a_write)
{
	static uint8_t data[PAGER_DATA_MAX + 8];
	static const size_t lengths[] = {0, PAGER_DATA_MAX + 1,
					 PAGER_DATA_MAX + 8};
	struct request r;

	bed_start(NULL);
	request_find("write", &r);
	for (size_t i = 0; i < 3; i++) {
		char *before = serve_picture();

		ck_assert_uint_eq(
		    serve_ask_data(r.client, PAGER_OP_WRITE, &r.body.write,
				   sizeof(r.body.write), data, lengths[i]),
		    lengths[i] ? PAGER_ETOOBIG : PAGER_EINVAL);
		ck_assert_uint_eq(serve_answer.hdr.field,
				  offsetof(struct pager_hdr, data_len));
		serve_unchanged(before, "a length");
	}
	bed_end();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fields");
	TCase *t = tcase_create("fields");
	SRunner *runner;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, every_operation);
	tcase_add_loop_test(t, every_field, 0, REQUEST_COUNT);
	tcase_add_loop_test(t, every_field_that_may_be_anything, 0,
			    REQUEST_COUNT);
	tcase_add_test(t, the_length_of_a_write);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
