/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parts of a script's line: values, bytes, expectations.
 */
#include "tools/common/script_int.h"

#include <string.h>

#include "tools/common/number.h"
#include "tools/common/words.h"

const struct pager_field *script_field(const struct pager_struct *s,
				       const char *name)
{
	for (unsigned int i = 0; i < s->count; i++)
		if (!s->fields[i].reserved &&
		    strcmp(s->fields[i].name, name) == 0)
			return &s->fields[i];
	return NULL;
}

static bool is_name_char(char c, bool first)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_')
		return true;
	return !first && ((c >= '0' && c <= '9') || c == '.');
}

/* How many bytes at text are a name. */
static size_t name_length(const char *text)
{
	size_t n = 0;

	while (is_name_char(text[n], n == 0))
		n++;
	return n;
}

uint32_t script_name(struct reader *r, const char *text)
{
	struct script *script = r->script;
	size_t len = name_length(text);

	if (len == 0 || text[len] != '\0' || len > SCRIPT_NAME_MAX) {
		script_fail(r, "not a name", text);
		return SCRIPT_NO_NAME;
	}
	for (uint32_t i = 0; i < script->nnames; i++)
		if (strcmp(script->names[i], text) == 0)
			return i;
	if (script->nnames == SCRIPT_NAMES_MAX) {
		script_fail(r, "more than 4096 names", NULL);
		return SCRIPT_NO_NAME;
	}
	memcpy(script->names[script->nnames], text, len + 1);
	return script->nnames++;
}

/* NAME, NAME+NUMBER or NAME-NUMBER. */
static bool named(struct reader *r, char *text, size_t len, bool token,
		  struct script_value *out)
{
	char sign = text[len];
	uint64_t n = 0;

	if (sign != '\0' && (token || (sign != '+' && sign != '-') ||
			     !tool_number_parse(text + len + 1, &n)))
		return script_fail(r, "not a value", text);
	text[len] = '\0';
	out->name = script_name(r, text);
	if (out->name == SCRIPT_NO_NAME)
		return false;
	if (r->kinds[out->name] == NAME_UNSET)
		return script_fail(r, "nothing has this name so far", text);
	if ((r->kinds[out->name] == NAME_TOKEN) != token)
		return script_fail(r, token ? "not a token" : "this is a token",
				   text);
	out->kind = SCRIPT_NAMED;
	out->number = sign == '-' ? 0 - n : n;
	return true;
}

/* A token as it is printed: its bytes take the place of its digits. */
static bool token_bytes(char *text)
{
	uint8_t bytes[PAGER_TOKEN_SIZE];
	uint64_t n;

	if (strlen(text) != 2 * sizeof(bytes))
		return false;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		if (!tool_hex_parse_n(text + 2 * i, 2, &n))
			return false;
		bytes[i] = (uint8_t)n;
	}
	memcpy(text, bytes, sizeof(bytes));
	return true;
}

bool script_value(struct reader *r, const struct pager_struct *s,
		  const struct pager_field *field, char *text,
		  struct script_value *out)
{
	enum word_set set = word_set_of(s->name, field->name);
	size_t len;

	*out = (struct script_value){.kind = SCRIPT_NUMBER};
	if (strcmp(field->name, "token") == 0 && token_bytes(text)) {
		out->kind = SCRIPT_TOKEN;
		out->text = text;
		return true;
	}
	if (strcmp(field->name, "token") == 0) {
		len = name_length(text);
		return len > 0 ? named(r, text, len, true, out)
			       : script_fail(r, "not a token", text);
	}
	if (strcmp(field->name, "name") == 0) {
		if (strlen(text) > field->size)
			return script_fail(r, "longer than the field", text);
		out->kind = SCRIPT_TEXT;
		out->text = text;
		return true;
	}
	if (field->size > 8)
		return script_fail(r, "this field has no single value",
				   field->name);
	if (word_parse(set, text, &out->number))
		return true;
	if (tool_number_parse(text, &out->number)) {
		if (field->size < 8 && out->number >> (8 * field->size) &&
		    strcmp(field->name, "len") != 0)
			return script_fail(r, "does not fit in its field",
					   text);
		return true;
	}
	len = name_length(text);
	return len > 0 ? named(r, text, len, false, out)
		       : script_fail(r, "not a value", text);
}

/* --- bytes ---------------------------------------------------------------- */

bool script_is_bytes(const char *text)
{
	return strncmp(text, "hex:", 4) == 0 ||
	       strncmp(text, "fill:", 5) == 0 ||
	       strncmp(text, "count:", 6) == 0;
}

/* Digits become bytes where they stand. */
static bool hex_bytes(struct reader *r, char *text, struct script_bytes *out)
{
	size_t len = strlen(text);
	uint8_t *to = (uint8_t *)text;

	if (len % 2 != 0)
		return script_fail(r, "half a byte at the end", NULL);
	for (size_t i = 0; i < len / 2; i++) {
		uint64_t byte;

		if (!tool_hex_parse_n(text + 2 * i, 2, &byte))
			return script_fail(r, "not hexadecimal digits",
					   text + 2 * i);
		to[i] = (uint8_t)byte;
	}
	out->kind = SCRIPT_BYTES_HEX;
	out->len = len / 2;
	out->hex = to;
	return true;
}

bool script_bytes(struct reader *r, char *text, bool open,
		  struct script_bytes *out)
{
	char *first = strchr(text, ':') + 1;
	char *second;
	uint64_t byte;

	if (*text == 'h')
		return hex_bytes(r, first, out);
	out->kind = *text == 'f' ? SCRIPT_BYTES_FILL : SCRIPT_BYTES_COUNT;
	second = strchr(first, ':');
	if (!second && !open)
		return script_fail(r, "needs a length", text);
	out->open = !second;
	if (second) {
		if (!tool_number_parse(second + 1, &out->len))
			return script_fail(r, "not a length", second + 1);
		if (out->len > SCRIPT_DATA_MAX)
			return script_fail(r, "more than 16 MiB", second + 1);
		*second = '\0';
	}
	if (!tool_number_parse(first, &byte) || byte > 255)
		return script_fail(r, "not a byte", first);
	out->first = (uint8_t)byte;
	return true;
}

/* --- expectations --------------------------------------------------------- */

/* error CODE [FIELD] */
static bool expect_error(struct reader *r, struct script_op *op,
			 struct script_expect *e)
{
	const char *next;

	if (r->at == r->nwords)
		return script_fail(r, "error: which?", NULL);
	e->kind = SCRIPT_EXPECT_ERROR;
	e->error = word_error(r->words[r->at]);
	if (e->error == 0)
		return script_fail(r, "no such error", r->words[r->at]);
	r->at++;
	if (r->at == r->nwords)
		return true;
	next = r->words[r->at];
	if (op->verb->kind == SCRIPT_CALL &&
	    script_field(pager_op_find(op->verb->call)->request, next)) {
		e->blamed = next;
		r->at++;
	}
	return true;
}

/* A word alone that is the answer to a fault. */
static bool expect_fault(struct script_op *op, const char *word,
			 struct script_expect *e)
{
	const struct pager_struct *s = script_reply_struct(op->verb);
	uint64_t value;

	if (op->verb->call != PAGER_CALL_FAULT || strcmp(word, "none") == 0)
		return false;
	e->kind = SCRIPT_EXPECT_FIELD;
	if (word_parse(WORD_RESULT, word, &value))
		e->field = script_field(s, "result");
	else if (word_parse(WORD_SIGNAL, word, &value))
		e->field = script_field(s, "signal");
	else
		return false;
	e->value.number = value;
	return true;
}

/* FIELD=VALUE */
static bool expect_field(struct reader *r, struct script_op *op, char *word,
			 struct script_expect *e)
{
	const struct pager_struct *s = script_reply_struct(op->verb);
	char *value = strchr(word, '=');

	if (!value)
		return script_fail(r, "this cannot be expected", word);
	*value++ = '\0';
	e->kind = SCRIPT_EXPECT_FIELD;
	if (script_is_list(op->verb)) {
		if (strcmp(word, "count") != 0)
			return script_fail(r, "a list has only a count", word);
		if (!tool_number_parse(value, &e->value.number))
			return script_fail(r, "not a number", value);
		return true;
	}
	e->field = script_field(s, word);
	if (!e->field)
		return script_fail(r, "the reply has no such field", word);
	return script_value(r, s, e->field, value, &e->value);
}

bool script_expects(struct reader *r, struct script_op *op)
{
	if (r->at == r->nwords)
		return script_fail(r, "expect: what?", NULL);
	while (r->at < r->nwords) {
		char *word = r->words[r->at++];
		struct script_expect *e;

		if (op->nexpects == SCRIPT_EXPECT_MAX)
			return script_fail(r, "too many expectations", word);
		e = &op->expects[op->nexpects++];
		if (strcmp(word, "ok") == 0) {
			e->kind = SCRIPT_EXPECT_OK;
		} else if (strcmp(word, "error") == 0) {
			if (!expect_error(r, op, e))
				return false;
		} else if (script_is_bytes(word)) {
			if (op->verb->call != PAGER_CALL_READ &&
			    op->verb->call != PAGER_CALL_DIRTY_GET &&
			    op->verb->call != PAGER_CALL_PEEK)
				return script_fail(r, "only a read has bytes",
						   word);
			e->kind = SCRIPT_EXPECT_DATA;
			if (!script_bytes(r, word, true, &e->bytes))
				return false;
		} else if (!expect_fault(op, word, e) &&
			   !expect_field(r, op, word, e)) {
			return false;
		}
	}
	return true;
}
