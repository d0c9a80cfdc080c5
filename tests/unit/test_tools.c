/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tools share: numbers, JSON, tables, command lines, words.
 */
#include <check.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pager/pager.h>

#include "tools/common/json.h"
#include "tools/common/number.h"
#include "tools/common/options.h"
#include "tools/common/show.h"
#include "tools/common/table.h"
#include "tools/common/words.h"

/* --- numbers -------------------------------------------------------------- */

static const struct {
	const char *text;
	uint64_t value;
} numbers[] = {
    {"0", 0},
    {"00", 0},
    {"4096", 4096},
    {"0x0", 0},
    {"0xfF", 255},
    {"4K", 4096},
    {"0x1K", 1024},
    {"16M", 16 << 20},
    {"1G", 1 << 30},
    {"2T", UINT64_C(2) << 40},
    {"18446744073709551615", UINT64_MAX},
    {"0xffffffffffffffff", UINT64_MAX},
    {"16777215T", UINT64_C(16777215) << 40},
};

static const char *const no_numbers[] = {
    "",		 " 1",	"1 ",
    "+1",	 "-1",	"0x",
    "x1",	 "0X1", "1k",
    "K",	 "0xK", "1KK",
    "1.5",	 "0xg", "18446744073709551616",
    "a",	 "1e3", "0x10000000000000000",
    "16777216T",
};

START_TEST(number_is_read)
{
	uint64_t value = 77;

	ck_assert(tool_number_parse(numbers[_i].text, &value));
	ck_assert_uint_eq(value, numbers[_i].value);
}
END_TEST

START_TEST(number_is_strict)
{
	uint64_t value = 77;

	ck_assert(!tool_number_parse(no_numbers[_i], &value));
	ck_assert_uint_eq(value, 77);
}
END_TEST

START_TEST(hex_is_strict)
{
	uint64_t value = 77;

	ck_assert(tool_hex_parse_n("7fffX", 4, &value));
	ck_assert_uint_eq(value, 0x7fff);
	ck_assert(tool_hex_parse_n("ffffffffffffffff", 16, &value));
	ck_assert_uint_eq(value, UINT64_MAX);
	ck_assert(!tool_hex_parse_n("00000000000000001", 17, &value));
	ck_assert(!tool_hex_parse_n("", 0, &value));
	ck_assert(!tool_hex_parse_n("0x1", 3, &value));
}
END_TEST

START_TEST(sizes_for_people)
{
	char buf[TOOL_SIZE_TEXT];

	ck_assert_str_eq(tool_size_text(0, buf), "0 B");
	ck_assert_str_eq(tool_size_text(1023, buf), "1023 B");
	ck_assert_str_eq(tool_size_text(1536, buf), "1.5 KiB");
	ck_assert_str_eq(tool_size_text(16 << 20, buf), "16 MiB");
	ck_assert_str_eq(tool_size_text(UINT64_MAX, buf), "16 EiB");
}
END_TEST

/* --- JSON ----------------------------------------------------------------- */

static char *text;
static size_t text_len;

static FILE *text_open(void)
{
	free(text);
	text = NULL;
	return open_memstream(&text, &text_len);
}

START_TEST(json_nests)
{
	FILE *f = text_open();
	struct tool_json j;

	tool_json_init(&j, f);
	tool_json_object(&j, NULL);
	tool_json_u64(&j, "max", UINT64_MAX);
	tool_json_array(&j, "list");
	tool_json_i64(&j, NULL, -1);
	tool_json_object(&j, NULL);
	tool_json_end(&j);
	tool_json_array(&j, NULL);
	tool_json_end(&j);
	tool_json_bool(&j, NULL, true);
	tool_json_end(&j);
	tool_json_hex(&j, "hex", 255);
	tool_json_double(&j, "half", 0.5);
	tool_json_double(&j, "nan", NAN);
	tool_json_end(&j);
	fclose(f);
	ck_assert_str_eq(text, "{\"max\":18446744073709551615,\"list\":[-1,{},"
			       "[],true],\"hex\":\"0xff\",\"half\":0.5,"
			       "\"nan\":null}\n");
}
END_TEST

static const struct {
	const char *in;
	const char *out;
} strings[] = {
    {"plain", "plain"},
    {"\"\\/", "\\\"\\\\/"},
    {"a\nb\tc\x01\x7f", "a\\nb\\u0009c\\u0001\\u007f"},
    {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
     "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
    {"\xff", "\\ufffd"},
    {"\xc3", "\\ufffd"},
    {"\xc0\xaf", "\\ufffd\\ufffd"},
    {"\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd"},
    {"\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd"},
    {"\xe2\x82z", "\\ufffd\\ufffdz"},
};

START_TEST(json_escapes)
{
	FILE *f = text_open();
	char want[128];
	struct tool_json j;

	tool_json_init(&j, f);
	tool_json_array(&j, NULL);
	tool_json_string(&j, NULL, strings[_i].in);
	tool_json_end(&j);
	fclose(f);
	snprintf(want, sizeof(want), "[\"%s\"]\n", strings[_i].out);
	ck_assert_str_eq(text, want);
}
END_TEST

/* --- tables --------------------------------------------------------------- */

START_TEST(table_aligns)
{
	struct tool_table *t = tool_table_new("name|>pages|why");
	FILE *f = text_open();

	tool_table_cell(t, "a");
	tool_table_cell(t, "%d", 123456);
	tool_table_cell(t, "x\ny");
	tool_table_cell(t, "longer");
	tool_table_cell(t, "%d", 1);
	tool_table_cell(t, "%s", "");
	ck_assert(tool_table_print(t, f));
	fclose(f);
	ck_assert_str_eq(text, "name     pages  why\n"
			       "a       123456  x?y\n"
			       "longer       1  \n");
	tool_table_free(t);
}
END_TEST

/* --- command lines -------------------------------------------------------- */

static bool flag;
static const char *string;
static uint64_t number;

static const struct tool_option options[] = {
    {.name = "flag",
     .letter = 'f',
     .kind = TOOL_OPTION_FLAG,
     .to = &flag,
     .help = "a flag"},
    {.name = "string",
     .letter = 's',
     .kind = TOOL_OPTION_STRING,
     .to = &string,
     .value = "S",
     .help = "a string"},
    {.name = "number",
     .kind = TOOL_OPTION_NUMBER,
     .to = &number,
     .value = "N",
     .help = "a number",
     .min = 1,
     .max = 8},
    {.name = NULL},
};

/* words: separated by blanks. The arguments that are left, joined by '|'. */
static int parse(const char *words, bool in_order, char *left)
{
	const struct tool_program program = {.name = "test",
					     .usage = "test",
					     .options = options,
					     .in_order = in_order};
	char copy[128], *argv[16] = {"test"}, *save, *word;
	int argc = 1, count;

	flag = false;
	string = NULL;
	number = 0;
	*left = '\0';
	snprintf(copy, sizeof(copy), "%s", words);
	for (word = strtok_r(copy, " ", &save); word;
	     word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	count = tool_options_parse(&program, argc, argv);
	for (int i = 0; i < count; i++)
		snprintf(left + strlen(left), 128 - strlen(left), "%s%s",
			 i ? "|" : "", argv[i]);
	if (string)
		string = strstr(words, string);
	return count;
}

START_TEST(options_are_read)
{
	char left[128];

	ck_assert_int_eq(parse("a --flag b", false, left), 2);
	ck_assert_str_eq(left, "a|b");
	ck_assert(flag);
	ck_assert_int_eq(parse("-f -s value - --number 3 x", false, left), 2);
	ck_assert_str_eq(left, "-|x");
	ck_assert(flag);
	ck_assert_int_eq(strncmp(string, "value", 5), 0);
	ck_assert_uint_eq(number, 3);
	ck_assert_int_eq(parse("-svalue --number=0x8", false, left), 0);
	ck_assert_uint_eq(number, 8);
	ck_assert_int_eq(parse("--string=value -- --flag -x", false, left), 2);
	ck_assert_str_eq(left, "--flag|-x");
	ck_assert(!flag);
	ck_assert_int_eq(parse("-f command --flag -x", true, left), 3);
	ck_assert_str_eq(left, "command|--flag|-x");
	ck_assert_int_eq(parse("resize -512M -f", false, left), 2);
	ck_assert_str_eq(left, "resize|-512M");
	ck_assert_int_eq(parse("--help", false, left), -2);
	ck_assert_int_eq(parse("-h", false, left), -2);
}
END_TEST

static const char *const mistakes[] = {
    "--wurst",	 "-w",	     "--flag=1",   "-fx",	  "--string",
    "-s",	 "--number", "--number 0", "--number 9",  "--number x",
    "--number=", "--fla",    "--flags",	   "--number 1x", "--number -1",
};

START_TEST(options_are_strict)
{
	char left[128];

	ck_assert_int_eq(parse(mistakes[_i], false, left), -1);
}
END_TEST

/* --- words and structs ---------------------------------------------------- */

START_TEST(words_go_both_ways)
{
	uint64_t value;
	char buf[4];

	for (uint64_t v = 0; v < 8; v++) {
		ck_assert(word_parse(WORD_ACCESS, word_access((uint32_t)v, buf),
				     &value));
		ck_assert_uint_eq(value, v);
	}
	ck_assert(word_parse(WORD_ACCESS, "none", &value));
	ck_assert_uint_eq(value, 0);
	ck_assert(!word_parse(WORD_ACCESS, "", &value));
	ck_assert(!word_parse(WORD_ACCESS, "rwxr", &value));
	for (uint64_t v = PAGER_ADV_DONTNEED; v <= PAGER_ADV_KEEPONFORK; v++) {
		ck_assert(
		    word_parse(WORD_ADVICE, word_text(WORD_ADVICE, v), &value));
		ck_assert_uint_eq(value, v);
	}
	for (uint64_t v = 0; v <= PAGER_SEGV_STACK; v++) {
		ck_assert(
		    word_parse(WORD_SIGNAL, word_text(WORD_SIGNAL, v), &value));
		ck_assert_uint_eq(value, v);
	}
	ck_assert_ptr_null(word_text(WORD_SIGNAL, 99));
	ck_assert_ptr_null(word_text(WORD_NONE, 0));
	ck_assert_uint_eq(word_error("EALIGN"), PAGER_EALIGN);
	ck_assert_uint_eq(word_error("OK"), 0);
	ck_assert_str_eq(word_region_flag(0), "shared");
	ck_assert_uint_eq(PAGER_REGION_OBJECT, 1u << 7);
	ck_assert_str_eq(word_region_flag(7), "object");
	ck_assert_uint_eq(PAGER_REGION_CONTIG, 1u << 8);
	ck_assert_str_eq(word_region_flag(8), "contig");
	ck_assert_ptr_null(word_region_flag(9));
}
END_TEST

START_TEST(structs_are_shown)
{
	struct pager_rep_page page = {.entry = 0x1007,
				      .refs = 3,
				      .type = PAGER_PAGE_ZERO,
				      .access = PAGER_ACCESS_READ};
	struct pager_row_region region = {
	    .end = 4096, .prot = 7, .flags = PAGER_REGION_SHARED};
	struct tool_json j;
	FILE *f = text_open();

	tool_json_init(&j, f);
	tool_json_object(&j, NULL);
	show_json(&j, show_struct("rep_page"), &page);
	tool_json_end(&j);
	fclose(f);
	ck_assert_str_eq(text,
			 "{\"entry\":\"0x1007\",\"pa\":\"0x0\",\"refs\":3,"
			 "\"type\":\"zero\",\"access\":\"r--\","
			 "\"levels\":0,\"sharers\":0}\n");
	f = text_open();
	tool_json_init(&j, f);
	tool_json_object(&j, NULL);
	show_json(&j, show_struct("row_region"), &region);
	tool_json_end(&j);
	fclose(f);
	ck_assert_ptr_nonnull(
	    strstr(text, "\"prot\":\"rwx\",\"flags\":[\"shared\"]"));
	f = text_open();
	show_text(f, show_struct("rep_page"), &page);
	fclose(f);
	ck_assert_ptr_nonnull(strstr(text, "type            zero\n"));
}
END_TEST

/* Names without an end and with anything in them. */
START_TEST(every_struct_can_be_shown)
{
	const struct pager_struct *s = NULL;
	uint64_t body[64];

	memset(body, 0xff, sizeof(body));
	while ((s = pager_struct_next(s))) {
		FILE *f = text_open();
		struct tool_json j;

		tool_json_init(&j, f);
		tool_json_object(&j, NULL);
		show_json(&j, s, body);
		tool_json_end(&j);
		show_text(f, s, body);
		fclose(f);
		ck_assert_uint_eq(j.depth, 0);
	}
}
END_TEST

#define LOOP(t, test, array) \
	tcase_add_loop_test(t, test, 0, sizeof(array) / sizeof((array)[0]))

int main(void)
{
	Suite *suite = suite_create("tools");
	TCase *t = tcase_create("tools");
	SRunner *runner;
	int failed;

	LOOP(t, number_is_read, numbers);
	LOOP(t, number_is_strict, no_numbers);
	tcase_add_test(t, hex_is_strict);
	tcase_add_test(t, sizes_for_people);
	tcase_add_test(t, json_nests);
	LOOP(t, json_escapes, strings);
	tcase_add_test(t, table_aligns);
	tcase_add_test(t, options_are_read);
	LOOP(t, options_are_strict, mistakes);
	tcase_add_test(t, words_go_both_ways);
	tcase_add_test(t, structs_are_shown);
	tcase_add_test(t, every_struct_can_be_shown);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	free(text);
	return failed ? 1 : 0;
}
