/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Command lines: long options (--name value, --name=value) and their letters
 * (-v, -o value, -ovalue), anywhere before "--"; what is left are arguments. A
 * dash before a digit makes no option but a negative number, an argument.
 * A program describes its options in a table; help is made from it.
 */
#ifndef TOOLS_COMMON_OPTIONS_H
#define TOOLS_COMMON_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

/* Exit codes all tools share. */
enum tool_exit {
	TOOL_DONE = 0,
	TOOL_REFUSED = 1,
	TOOL_USAGE = 2,
	TOOL_NO_DAEMON = 3,
};

enum tool_option_kind {
	TOOL_OPTION_FLAG,   /* to: bool */
	TOOL_OPTION_STRING, /* to: const char * */
	TOOL_OPTION_NUMBER, /* to: uint64_t, from min to max */
};

struct tool_option {
	const char *name; /* NULL: the end of the table */
	char letter;	  /* or '\0' */
	enum tool_option_kind kind;
	void *to;
	const char *value; /* what help calls the value */
	const char *help;
	uint64_t min, max;
};

struct tool_program {
	const char *name;
	const char *usage; /* the lines after "usage: " */
	const char *about; /* a paragraph, or NULL */
	const struct tool_option *options;
	bool in_order; /* options end at the first argument */
};

/*
 * Read the command line. Arguments are moved to the front of argv, argv[0]
 * left out, and counted: 0 or more. -1: a mistake, which was printed to
 * standard error (exit with TOOL_USAGE). -2: --help or -h was asked for and
 * printed (exit with TOOL_DONE), unless the table has its own.
 */
int tool_options_parse(const struct tool_program *program, int argc,
		       char **argv);

void tool_options_help(const struct tool_program *program, bool to_stderr);

/* What was printed must have arrived: code, or, if standard output failed, a
 * sentence on standard error and TOOL_REFUSED. The last thing a program does.
 */
int tool_output_done(const char *program, int code);

#endif
