/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cells are kept one after the other; the headings are the first row.
 */
#include "tools/common/table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 32

struct tool_table {
	unsigned int columns;
	bool right[COLUMNS_MAX];
	size_t width[COLUMNS_MAX];
	char **cells;
	size_t count;
	size_t room;
	bool lost;
};

/* Takes text, which is malloc'd or NULL for lack of memory. */
static void add(struct tool_table *table, char *text)
{
	size_t column = table->count % table->columns;
	size_t len;

	if (text && table->count == table->room) {
		size_t room = table->room ? table->room * 2 : 64;
		char **cells = realloc(table->cells, room * sizeof(*cells));

		if (cells) {
			table->cells = cells;
			table->room = room;
		}
	}
	if (!text || table->count == table->room) {
		free(text);
		table->lost = true;
		return;
	}
	len = strlen(text);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			text[i] = '?';
	if (len > table->width[column])
		table->width[column] = len;
	table->cells[table->count++] = text;
}

struct tool_table *tool_table_new(const char *columns)
{
	struct tool_table *table = calloc(1, sizeof(*table));
	const char *p = columns;

	if (!table)
		return NULL;
	for (table->columns = 1; (p = strchr(p, '|')); p++)
		table->columns++;
	if (table->columns > COLUMNS_MAX) {
		free(table);
		return NULL;
	}
	p = columns;
	for (unsigned int i = 0; i < table->columns; i++) {
		size_t len;

		table->right[i] = *p == '>';
		p += table->right[i];
		len = strcspn(p, "|");
		add(table, strndup(p, len));
		p += len + 1;
	}
	return table;
}

void tool_table_free(struct tool_table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->count; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table);
}

void tool_table_cell(struct tool_table *table, const char *format, ...)
{
	char *text = NULL;
	va_list ap;

	if (!table || table->lost)
		return;
	va_start(ap, format);
	if (vasprintf(&text, format, ap) < 0)
		text = NULL;
	va_end(ap);
	add(table, text);
}

bool tool_table_print(const struct tool_table *table, FILE *out)
{
	if (!table || table->lost) {
		fputs("(out of memory)\n", out);
		return false;
	}
	for (size_t i = 0; i < table->count; i++) {
		size_t column = i % table->columns;
		bool last = column + 1 == table->columns;
		int width = (int)table->width[column];

		if (table->right[column])
			fprintf(out, "%*s", width, table->cells[i]);
		else
			fprintf(out, "%-*s", last ? 0 : width, table->cells[i]);
		fputs(last ? "\n" : "  ", out);
	}
	return true;
}
