/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers as people write them, read strictly: decimal, or hexadecimal after
 * 0x, with K, M, G or T behind for powers of 1024. No sign, no blank, nothing
 * left over, nothing that does not fit into 64 bits.
 */
#ifndef TOOLS_COMMON_NUMBER_H
#define TOOLS_COMMON_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* False: that is no number; *out is as before. */
bool tool_number_parse(const char *text, uint64_t *out);
/* The same for len bytes, which need no NUL. */
bool tool_number_parse_n(const char *text, size_t len, uint64_t *out);

/* Hexadecimal digits alone, 1 to 16 of them, as in /proc and vmtraces. */
bool tool_hex_parse_n(const char *text, size_t len, uint64_t *out);

/* "512 B", "1.5 GiB": for people. */
#define TOOL_SIZE_TEXT 16
const char *tool_size_text(uint64_t bytes, char buf[TOOL_SIZE_TEXT]);

#endif
