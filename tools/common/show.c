/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A field is a number of 1, 2, 4 or 8 bytes, a row of 64-bit numbers, a name or
 * a token; which one is told by its size and its name.
 */
#include "tools/common/show.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "tools/common/words.h"

#define TEXT_MAX 128

enum form { FORM_NUMBER, FORM_NAME, FORM_TOKEN, FORM_NUMBERS, FORM_ROW };

static enum form form_of(const struct pager_field *field)
{
	if (field->size <= 8)
		return FORM_NUMBER;
	if (strcmp(field->name, "token") == 0)
		return FORM_TOKEN;
	if (strcmp(field->name, "name") == 0 ||
	    strcmp(field->name, "reason") == 0)
		return FORM_NAME;
	if (strcmp(field->name, "region") == 0 ||
	    strcmp(field->name, "pool") == 0)
		return FORM_ROW;
	return FORM_NUMBERS;
}

/* A row that is all of a reply. */
static const char *row_of(const struct pager_struct *s)
{
	return strcmp(s->name, "rep_pool") == 0 ? "row_pool" : "row_region";
}

uint64_t show_field_value(const struct pager_field *field, const void *body)
{
	const uint8_t *p = (const uint8_t *)body + field->offset;
	uint64_t u64 = 0;
	uint32_t u32;
	uint16_t u16;

	if (field->size == 8) {
		memcpy(&u64, p, 8);
	} else if (field->size == 4) {
		memcpy(&u32, p, 4);
		u64 = u32;
	} else if (field->size == 2) {
		memcpy(&u16, p, 2);
		u64 = u16;
	} else if (field->size == 1) {
		u64 = *p;
	}
	return u64;
}

const struct pager_struct *show_struct(const char *name)
{
	const struct pager_struct *s = pager_struct_by_name(name);

	assert(s);
	return s;
}

/* A name that ends within the field, whatever stands in it. */
static const char *name_text(const struct pager_field *field, const void *body,
			     char buf[TEXT_MAX])
{
	size_t n = field->size < TEXT_MAX ? field->size : TEXT_MAX - 1;

	memcpy(buf, (const char *)body + field->offset, n);
	buf[n] = '\0';
	return buf;
}

static const char *token_text(const struct pager_field *field, const void *body,
			      char buf[TEXT_MAX])
{
	const uint8_t *p = (const uint8_t *)body + field->offset;

	for (size_t i = 0; i < field->size && i < TEXT_MAX / 2 - 1; i++)
		snprintf(buf + 2 * i, 3, "%02x", p[i]);
	return buf;
}

static void region_flags_json(struct tool_json *json, uint64_t flags)
{
	tool_json_array(json, "flags");
	for (unsigned int bit = 0; word_region_flag(bit); bit++)
		if (flags >> bit & 1)
			tool_json_string(json, NULL, word_region_flag(bit));
	tool_json_end(json);
}

static void number_json(struct tool_json *json, const struct pager_struct *s,
			const struct pager_field *field, const void *body)
{
	uint64_t value = show_field_value(field, body);
	enum word_set set = word_set_of(s->name, field->name);
	char letters[4];

	if (strcmp(s->name, "row_region") == 0 &&
	    strcmp(field->name, "flags") == 0)
		region_flags_json(json, value);
	else if (set == WORD_ACCESS)
		tool_json_string(json, field->name,
				 word_access((uint32_t)value, letters));
	else if (set == WORD_HEX)
		tool_json_hex(json, field->name, value);
	else if (set != WORD_NONE && word_text(set, value))
		tool_json_string(json, field->name, word_text(set, value));
	else
		tool_json_u64(json, field->name, value);
}

void show_json(struct tool_json *json, const struct pager_struct *s,
	       const void *body)
{
	char buf[TEXT_MAX];

	for (unsigned int i = 0; i < s->count; i++) {
		const struct pager_field *f = &s->fields[i];
		const uint8_t *p = (const uint8_t *)body + f->offset;
		uint64_t value;

		if (f->reserved)
			continue;
		switch (form_of(f)) {
		case FORM_NUMBER:
			number_json(json, s, f, body);
			break;
		case FORM_NAME:
			tool_json_string(json, f->name,
					 name_text(f, body, buf));
			break;
		case FORM_TOKEN:
			tool_json_string(json, f->name,
					 token_text(f, body, buf));
			break;
		case FORM_ROW:
			show_json(json, show_struct(row_of(s)), p);
			break;
		case FORM_NUMBERS:
			tool_json_array(json, f->name);
			for (unsigned int k = 0; k < f->size / 8u; k++) {
				memcpy(&value, p + 8 * k, 8);
				tool_json_u64(json, NULL, value);
			}
			tool_json_end(json);
			break;
		}
	}
}

static void number_text(FILE *out, const struct pager_struct *s,
			const struct pager_field *field, const void *body)
{
	uint64_t value = show_field_value(field, body);
	enum word_set set = word_set_of(s->name, field->name);
	char letters[4];

	if (set == WORD_ACCESS)
		fputs(word_access((uint32_t)value, letters), out);
	else if (set == WORD_HEX)
		fprintf(out, "0x%" PRIx64, value);
	else if (set != WORD_NONE && word_text(set, value))
		fputs(word_text(set, value), out);
	else
		fprintf(out, "%" PRIu64, value);
}

static void plain(FILE *out, const char *text)
{
	for (; *text; text++)
		fputc((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text,
		      out);
}

void show_text(FILE *out, const struct pager_struct *s, const void *body)
{
	char buf[TEXT_MAX];

	for (unsigned int i = 0; i < s->count; i++) {
		const struct pager_field *f = &s->fields[i];
		const uint8_t *p = (const uint8_t *)body + f->offset;
		uint64_t value;

		if (f->reserved)
			continue;
		if (form_of(f) == FORM_ROW) {
			show_text(out, show_struct(row_of(s)), p);
			continue;
		}
		fprintf(out, "%-16s", f->name);
		switch (form_of(f)) {
		case FORM_NAME:
			plain(out, name_text(f, body, buf));
			break;
		case FORM_TOKEN:
			fputs(token_text(f, body, buf), out);
			break;
		case FORM_NUMBERS:
			for (unsigned int k = 0; k < f->size / 8u; k++) {
				memcpy(&value, p + 8 * k, 8);
				fprintf(out, "%s%" PRIu64, k ? " " : "", value);
			}
			break;
		default:
			number_text(out, s, f, body);
			break;
		}
		fputc('\n', out);
	}
}
