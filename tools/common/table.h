/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A table of text: rows are collected, and printed when all widths are known.
 * Control characters in cells are shown as '?'.
 */
#ifndef TOOLS_COMMON_TABLE_H
#define TOOLS_COMMON_TABLE_H

#include <stdbool.h>
#include <stdio.h>

struct tool_table;

/* columns: headings separated by '|'; one that begins with '>' is aligned to
 * the right: "name|>pages". NULL: out of memory. */
struct tool_table *tool_table_new(const char *columns);
void tool_table_free(struct tool_table *table);

/* The next cell, row by row. Too little memory is remembered. */
void tool_table_cell(struct tool_table *table, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* False: something was lost for lack of memory, and that is printed. A table
 * without rows prints its headings. */
bool tool_table_print(const struct tool_table *table, FILE *out);

#endif
