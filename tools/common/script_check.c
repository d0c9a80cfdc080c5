/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Expectations, one after the other in the order they were written.
 */
#include "tools/common/script_check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/options.h"
#include "tools/common/show.h"
#include "tools/common/words.h"

struct checker {
	const struct script *script;
	const struct script_run *run;
	const struct script_known *known;
	const struct script_op *op;
	const struct script_outcome *out;
};

#define differs(c, ...) \
	script_say((c)->script, (c)->run, (c)->op, TOOL_REFUSED, __VA_ARGS__)

bool script_expects_error(const struct script_op *op)
{
	for (unsigned int i = 0; i < op->nexpects; i++)
		if (op->expects[i].kind == SCRIPT_EXPECT_ERROR)
			return true;
	return false;
}

static uint8_t byte_at(const struct script_bytes *bytes, uint64_t i)
{
	switch (bytes->kind) {
	case SCRIPT_BYTES_HEX:
		return bytes->hex[i];
	case SCRIPT_BYTES_COUNT:
		return (uint8_t)(bytes->first + i);
	default:
		return bytes->first;
	}
}

uint8_t *script_bytes_make(const struct script_bytes *bytes)
{
	uint8_t *p = malloc(bytes->len ? bytes->len : 1);

	for (uint64_t i = 0; p && i < bytes->len; i++)
		p[i] = byte_at(bytes, i);
	return p;
}

static int check_bytes(const struct checker *c, const struct script_bytes *want)
{
	uint64_t len = want->open ? c->out->data_len : want->len;

	if (len != c->out->data_len)
		return differs(c, "%zu bytes were read, not %" PRIu64,
			       c->out->data_len, len);
	for (uint64_t i = 0; i < len; i++)
		if (c->out->data[i] != byte_at(want, i))
			return differs(c,
				       "byte %" PRIu64 " is 0x%02x, not 0x%02x",
				       i, c->out->data[i], byte_at(want, i));
	return 0;
}

static const char *value_text(enum word_set set, uint64_t value, char buf[24])
{
	if (set == WORD_ACCESS && value <= PAGER_PROT_ALL)
		return word_access((uint32_t)value, buf);
	if (set != WORD_ACCESS && word_text(set, value))
		return word_text(set, value);
	snprintf(buf, 24, set == WORD_HEX ? "0x%" PRIx64 : "%" PRIu64, value);
	return buf;
}

static int check_field(const struct checker *c, const struct script_expect *e)
{
	const struct pager_field *field = e->field;
	uint64_t got = c->out->count, want = e->value.number;
	enum word_set set = WORD_NONE;
	char a[24], b[24];

	if (e->value.kind == SCRIPT_TEXT) {
		const char *text = (const char *)&c->out->body + field->offset;

		if (strncmp(text, e->value.text, field->size) == 0)
			return 0;
		return differs(c, "%s is \"%.*s\", not \"%s\"", field->name,
			       (int)field->size, text, e->value.text);
	}
	if (e->value.kind == SCRIPT_NAMED) {
		if (!c->known[e->value.name].set)
			return differs(c, "%s: has no value",
				       c->script->names[e->value.name]);
		want += c->known[e->value.name].number;
	}
	if (field) {
		set = word_set_of(script_reply_struct(c->op->verb)->name,
				  field->name);
		got = show_field_value(field, &c->out->body);
	}
	if (got == want)
		return 0;
	return differs(c, "%s is %s, not %s", field ? field->name : "count",
		       value_text(set, got, a), value_text(set, want, b));
}

static int check_error(const struct checker *c, const struct script_expect *e)
{
	const struct pager_op *op = pager_op_find(c->op->verb->call);
	const char *blamed;

	if (c->out->error == 0)
		return differs(c, "it was done, and %s was expected",
			       pager_errname(e->error));
	if (c->out->error != e->error)
		return differs(c, "refused with %s, and %s was expected",
			       pager_errname(c->out->error),
			       pager_errname(e->error));
	if (!e->blamed)
		return 0;
	blamed = c->out->field ? pager_op_field_name(op, c->out->field) : NULL;
	if (!blamed || strcmp(blamed, e->blamed) != 0)
		return differs(c, "the refusal blames %s, not %s",
			       blamed ? blamed : "no field", e->blamed);
	return 0;
}

/* A recount with a difference is a failure unless the script asks about it. */
static int check_recount(const struct checker *c)
{
	char why[256];
	size_t n = 0;

	if (c->op->verb->call != PAGER_CALL_CHECK || c->out->error ||
	    c->out->body.check.ok)
		return 0;
	for (unsigned int i = 0; i < c->op->nexpects; i++)
		if (c->op->expects[i].field &&
		    strcmp(c->op->expects[i].field->name, "ok") == 0)
			return 0;
	for (; n < c->out->data_len && n < sizeof(why) - 1; n++)
		why[n] = c->out->data[n] >= ' ' && c->out->data[n] <= '~'
			     ? (char)c->out->data[n]
			     : '?';
	why[n] = '\0';
	return differs(c, "the recount found a difference: %s", why);
}

/* Has the reply fields though it is a refusal? Bytes and batches have. */
static bool has_body(const struct script_op *op)
{
	return op->verb->call == PAGER_CALL_READ ||
	       op->verb->call == PAGER_CALL_WRITE ||
	       op->verb->call == PAGER_CALL_BATCH;
}

int script_check(const struct script *script, const struct script_run *run,
		 const struct script_known *known, const struct script_op *op,
		 const struct script_outcome *out)
{
	struct checker c = {script, run, known, op, out};
	const char *blamed = "";
	int ret = 0;

	if (out->error && !script_expects_error(op)) {
		if (out->field && op->verb->kind == SCRIPT_CALL)
			blamed = pager_op_field_name(
			    pager_op_find(op->verb->call), out->field);
		return differs(&c, "refused: %s%s%s (%s)", blamed ? blamed : "",
			       blamed && *blamed ? ": " : "",
			       pager_errtext(out->error),
			       pager_errname(out->error));
	}
	for (unsigned int i = 0; ret == 0 && i < op->nexpects; i++) {
		const struct script_expect *e = &op->expects[i];

		if (e->kind == SCRIPT_EXPECT_ERROR)
			ret = check_error(&c, e);
		else if (e->kind == SCRIPT_EXPECT_FIELD && out->error &&
			 !has_body(op))
			ret = differs(&c, "a refusal has no fields");
		else if (e->kind == SCRIPT_EXPECT_FIELD)
			ret = check_field(&c, e);
		else if (e->kind == SCRIPT_EXPECT_DATA)
			ret = check_bytes(&c, &e->bytes);
	}
	return ret ? ret : check_recount(&c);
}
