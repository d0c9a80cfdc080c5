/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is written from the tables of proto, against them. pager-protocol(7):
 * every operation, every member of every struct and every error stands in it,
 * with its numbers and words, and nothing else does. The fuzzers' dictionary:
 * it is what --dict prints.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/ops.h"
#include "tests/support/unit.h"
#include "tests/support/wire_dict.h"

static char *page;

static void load(const char *name)
{
	const char *root = getenv("PAGER_SRC");
	char path[4096];
	size_t size = 1 << 20;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", root ? root : ".", name);
	file = fopen(path, "re");
	ck_assert_msg(file != NULL, "%s", path);
	page = calloc(1, size + 1);
	ck_assert_ptr_nonnull(page);
	ck_assert_uint_lt(fread(page, 1, size, file), size);
	fclose(file);
}

static void load_page(void)
{
	load("proto/pager-protocol.7");
}

/* How often text stands in the page from the start of a line. */
static unsigned int count_lines(const char *text)
{
	unsigned int n = 0;

	for (const char *at = page; (at = strstr(at, text)); at++)
		n += at == page || at[-1] == '\n';
	return n;
}

static const char *word(unsigned int i, const char *const *words)
{
	return words[i];
}

START_TEST(every_operation_has_its_row_and_its_section)
{
	static const char *const data[] = {"none", "in", "out", "both"};
	static const char *const who[] = {"any", "owner", "admin"};
	static const char *const batch[] = {"no", "yes", "atomic"};
	const struct pager_op *op = NULL;
	unsigned int ops = 0;
	char row[512];

	load_page();
	while ((op = pager_op_next(op))) {
		snprintf(row, sizeof(row),
			 ".It Cm %s Ta %u Ta %s Ta %s Ta %u Ta %s Ta %s Ta "
			 "%s\n",
			 op->name, op->number, op->request->name,
			 op->reply->name, op->fds, word(op->data, data),
			 word(op->access, who), word(op->batch, batch));
		ck_assert_msg(count_lines(row) == 1, "not once: %s", row);
		snprintf(row, sizeof(row),
			 "Number %u, request\n.Vt %s ,\nreply\n.Vt %s :\n%s.\n",
			 op->number, op->request->name, op->reply->name,
			 op->text);
		ck_assert_msg(count_lines(row) == 1, "not once: %s", row);
		ops++;
	}
	ck_assert_uint_eq(count_lines(".It Cm "), ops);
	ck_assert_uint_eq(count_lines("Number "), ops);
	free(page);
}
END_TEST

START_TEST(every_member_has_its_row_under_its_struct)
{
	const struct pager_struct *s = NULL;
	unsigned int members = 0;
	char text[8192];
	size_t at;

	load_page();
	while ((s = pager_struct_next(s))) {
		at = (size_t)snprintf(
		    text, sizeof(text),
		    ".Ss %s, %u bytes\n"
		    ".Bl -column \"resident_bytes\" \"offset\" \"size\"\n"
		    ".It Sy member Ta Sy offset Ta Sy size Ta Sy meaning\n",
		    s->name, s->size);
		for (unsigned int i = 0; i < s->count; i++)
			at += (size_t)snprintf(
			    text + at, sizeof(text) - at,
			    ".It Va %s Ta %u Ta %u Ta %s\n", s->fields[i].name,
			    s->fields[i].offset, s->fields[i].size,
			    s->fields[i].text);
		snprintf(text + at, sizeof(text) - at, ".El\n");
		ck_assert_msg(count_lines(text) == 1, "not once: %s", text);
		members += s->count;
	}
	ck_assert_uint_eq(count_lines(".It Va "), members);
	free(page);
}
END_TEST

START_TEST(every_error_has_its_row)
{
	char row[64];

	load_page();
	for (unsigned int i = 1; i < PAGER_ERROR_COUNT; i++) {
		snprintf(row, sizeof(row), ".It Dv PAGER_%s Ta %u Ta ",
			 pager_error_name(i), i);
		ck_assert_msg(count_lines(row) == 1, "not once: %s", row);
	}
	ck_assert_uint_eq(count_lines(".It Dv PAGER_E"), PAGER_ERROR_COUNT - 1);
	free(page);
}
END_TEST

START_TEST(the_dictionary_is_the_tables)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(f);
	wire_dict_write(f);
	fclose(f);
	load("tests/fuzz/codec.dict");
	ck_assert_str_eq(page, text);
	free(page);
	load("tests/fuzz/dispatch.dict");
	ck_assert_str_eq(page, text);
	free(page);
	free(text);
}
END_TEST

int main(int argc, char **argv)
{
	const TTest *tests[] = {
	    every_operation_has_its_row_and_its_section,
	    every_member_has_its_row_under_its_struct,
	    every_error_has_its_row,
	    the_dictionary_is_the_tables,
	};

	if (argc == 2 && strcmp(argv[1], "--dict") == 0) {
		wire_dict_write(stdout);
		return 0;
	}
	return UNIT_RUN("manual", tests);
}
