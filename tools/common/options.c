/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One pass over the words of the command line.
 */
#include "tools/common/options.h"

#include <inttypes.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tools/common/number.h"

void tool_options_help(const struct tool_program *program, bool to_stderr)
{
	FILE *out = to_stderr ? stderr : stdout;

	fprintf(out, "usage: %s\n", program->usage);
	if (to_stderr)
		return;
	if (program->about)
		fprintf(out, "\n%s\n", program->about);
	fputc('\n', out);
	for (const struct tool_option *o = program->options; o->name; o++) {
		char left[64];

		if (o->letter)
			snprintf(left, sizeof(left), "-%c, --%s%s%s", o->letter,
				 o->name, o->value ? " " : "",
				 o->value ? o->value : "");
		else
			snprintf(left, sizeof(left), "    --%s%s%s", o->name,
				 o->value ? " " : "", o->value ? o->value : "");
		fprintf(out, "  %-28s %s\n", left, o->help);
	}
}

static int mistake(const struct tool_program *program, const char *what,
		   const char *word)
{
	fprintf(stderr, "%s: %s: %s\n", program->name, word, what);
	tool_options_help(program, true);
	return -1;
}

static const struct tool_option *by_name(const struct tool_program *program,
					 const char *name, size_t len)
{
	for (const struct tool_option *o = program->options; o->name; o++)
		if (strlen(o->name) == len && memcmp(o->name, name, len) == 0)
			return o;
	return NULL;
}

static const struct tool_option *by_letter(const struct tool_program *program,
					   char letter)
{
	for (const struct tool_option *o = program->options; o->name; o++)
		if (o->letter == letter)
			return o;
	return NULL;
}

/* 0, or -1 after the mistake was printed. */
static int store(const struct tool_program *program,
		 const struct tool_option *o, const char *value,
		 const char *word)
{
	char range[96];
	uint64_t number;

	if (o->kind == TOOL_OPTION_STRING) {
		*(const char **)o->to = value;
		return 0;
	}
	if (!tool_number_parse(value, &number))
		return mistake(program, "not a number", value);
	if (number < o->min || number > o->max) {
		snprintf(range, sizeof(range),
			 "not from %" PRIu64 " to %" PRIu64, o->min, o->max);
		return mistake(program, range, word);
	}
	*(uint64_t *)o->to = number;
	return 0;
}

static bool is_help(const struct tool_program *program, const char *word)
{
	if (strcmp(word, "--help") == 0)
		return !by_name(program, "help", 4);
	return strcmp(word, "-h") == 0 && !by_letter(program, 'h');
}

/* "-512M" is an argument, unless there is an option with that digit. */
static bool is_negative(const struct tool_program *program, const char *word)
{
	return word[0] == '-' && word[1] >= '0' && word[1] <= '9' &&
	       !by_letter(program, word[1]);
}

/* The option in argv[*at]; *at is moved to the last word it took. */
static int option(const struct tool_program *program, int argc, char **argv,
		  int *at)
{
	char *word = argv[*at];
	const struct tool_option *o;
	const char *value = NULL;

	if (word[1] == '-') {
		size_t len = strcspn(word + 2, "=");

		o = by_name(program, word + 2, len);
		if (word[2 + len] == '=')
			value = word + 2 + len + 1;
	} else {
		o = by_letter(program, word[1]);
		if (word[2] != '\0')
			value = word + 2;
	}
	if (!o)
		return mistake(program, "no such option", word);
	if (o->kind == TOOL_OPTION_FLAG) {
		if (value)
			return mistake(program, "takes no value", word);
		*(bool *)o->to = true;
		return 0;
	}
	if (!value && *at + 1 < argc)
		value = argv[++*at];
	if (!value)
		return mistake(program, "needs a value", word);
	return store(program, o, value, word);
}

int tool_options_parse(const struct tool_program *program, int argc,
		       char **argv)
{
	int count = 0;
	bool rest = false;

	for (int i = 1; i < argc; i++) {
		char *word = argv[i];

		if (rest || word[0] != '-' || word[1] == '\0' ||
		    is_negative(program, word)) {
			argv[count++] = word;
			rest |= program->in_order;
		} else if (strcmp(word, "--") == 0) {
			rest = true;
		} else if (is_help(program, word)) {
			tool_options_help(program, false);
			return -2;
		} else if (option(program, argc, argv, &i) < 0) {
			return -1;
		}
	}
	return count;
}

int tool_output_done(const char *program, int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	fprintf(stderr, "%s: standard output: %s\n", program, strerror(errno));
	return TOOL_REFUSED;
}
