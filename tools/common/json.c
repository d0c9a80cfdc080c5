/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The writer keeps a stack of closing brackets and whether a comma is due.
 */
#include "tools/common/json.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>

/* Length of the valid UTF-8 sequence at p, or 0 (RFC 3629: no surrogates, no
 * longer form than needed). Reads no further than the NUL. */
static unsigned int utf8_length(const unsigned char *p)
{
	unsigned int n, min = 0x80, max = 0xbf;

	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		n = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		n = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (p[0] == 0xe0)
		min = 0xa0;
	if (p[0] == 0xed)
		max = 0x9f;
	if (p[0] == 0xf0)
		min = 0x90;
	if (p[0] == 0xf4)
		max = 0x8f;
	if (p[1] < min || p[1] > max)
		return 0;
	for (unsigned int i = 2; i < n; i++)
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	return n;
}

static void quote(FILE *out, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	fputc('"', out);
	while (*p) {
		unsigned int n = utf8_length(p);

		if (n == 0) {
			fputs("\\ufffd", out);
			p++;
		} else if (*p == '"' || *p == '\\') {
			fprintf(out, "\\%c", *p++);
		} else if (*p == '\n') {
			fputs("\\n", out);
			p++;
		} else if (*p < 0x20 || *p == 0x7f) {
			fprintf(out, "\\u%04x", *p++);
		} else {
			fwrite(p, 1, n, out);
			p += n;
		}
	}
	fputc('"', out);
}

static void begin(struct tool_json *json, const char *key)
{
	if (json->comma)
		fputc(',', json->out);
	json->comma = true;
	if (key) {
		quote(json->out, key);
		fputc(':', json->out);
	}
}

static void open(struct tool_json *json, const char *key, char left, char right)
{
	begin(json, key);
	assert(json->depth < TOOL_JSON_DEPTH);
	json->close[json->depth++] = right;
	json->comma = false;
	fputc(left, json->out);
}

void tool_json_init(struct tool_json *json, FILE *out)
{
	*json = (struct tool_json){.out = out};
}

void tool_json_object(struct tool_json *json, const char *key)
{
	open(json, key, '{', '}');
}

void tool_json_array(struct tool_json *json, const char *key)
{
	open(json, key, '[', ']');
}

void tool_json_end(struct tool_json *json)
{
	assert(json->depth > 0);
	fputc(json->close[--json->depth], json->out);
	json->comma = json->depth > 0;
	if (json->depth == 0)
		fputc('\n', json->out);
}

void tool_json_u64(struct tool_json *json, const char *key, uint64_t value)
{
	begin(json, key);
	fprintf(json->out, "%" PRIu64, value);
}

void tool_json_i64(struct tool_json *json, const char *key, int64_t value)
{
	begin(json, key);
	fprintf(json->out, "%" PRId64, value);
}

void tool_json_double(struct tool_json *json, const char *key, double value)
{
	begin(json, key);
	if (isfinite(value))
		fprintf(json->out, "%.10g", value);
	else
		fputs("null", json->out);
}

void tool_json_bool(struct tool_json *json, const char *key, bool value)
{
	begin(json, key);
	fputs(value ? "true" : "false", json->out);
}

void tool_json_string(struct tool_json *json, const char *key,
		      const char *value)
{
	begin(json, key);
	quote(json->out, value);
}

void tool_json_hex(struct tool_json *json, const char *key, uint64_t value)
{
	begin(json, key);
	fprintf(json->out, "\"0x%" PRIx64 "\"", value);
}
