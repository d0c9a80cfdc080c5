/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A JSON writer: values in the order they are given, commas and brackets kept
 * right, strings always valid UTF-8 (what is not becomes U+FFFD).
 *
 * In an object every value has a key, in an array the key is NULL. Numbers are
 * exact; what may exceed 2^53 and is not counted with (handles, addresses) is
 * better written as a hexadecimal string, which every reader keeps exact.
 */
#ifndef TOOLS_COMMON_JSON_H
#define TOOLS_COMMON_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define TOOL_JSON_DEPTH 32

struct tool_json {
	FILE *out;
	unsigned int depth;
	bool comma;
	char close[TOOL_JSON_DEPTH];
};

void tool_json_init(struct tool_json *json, FILE *out);

void tool_json_object(struct tool_json *json, const char *key);
void tool_json_array(struct tool_json *json, const char *key);
/* Close the innermost object or array; a newline after the outermost. */
void tool_json_end(struct tool_json *json);

void tool_json_u64(struct tool_json *json, const char *key, uint64_t value);
void tool_json_i64(struct tool_json *json, const char *key, int64_t value);
/* Not finite: null. */
void tool_json_double(struct tool_json *json, const char *key, double value);
void tool_json_bool(struct tool_json *json, const char *key, bool value);
void tool_json_string(struct tool_json *json, const char *key,
		      const char *value);
/* The string "0x...". */
void tool_json_hex(struct tool_json *json, const char *key, uint64_t value);

#endif
