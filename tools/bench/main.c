/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pager-bench: runs the rows that were asked for and prints what came out.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tools/bench/bench.h"
#include "tools/bench/machine.h"
#include "tools/common/number.h"
#include "tools/common/options.h"

enum { ROUNDS = 9, ROUNDS_QUICK = 5 };

struct row {
	uint64_t number;
	void (*run)(struct bench *bench);
};

static const struct row rows[] = {
    {1, bench_row_fork},      {2, bench_row_cow},     {3, bench_row_fault},
    {4, bench_row_region},    {5, bench_row_frame},   {6, bench_row_runs},
    {7, bench_row_pool},      {8, bench_row_request}, {9, bench_row_dirty},
    {10, bench_row_metadata}, {11, bench_row_unplug}, {12, bench_row_clone},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

/* Which rows the words name: all, if there are none. False: a mistake. */
static bool choose(char **words, int count, bool chosen[ROWS])
{
	uint64_t number;
	int i, at;

	for (at = 0; at < ROWS; at++)
		chosen[at] = count == 0;
	for (i = 0; i < count; i++) {
		for (at = 0; at < ROWS; at++)
			if (tool_number_parse(words[i], &number) &&
			    rows[at].number == number)
				break;
		if (at == ROWS) {
			fprintf(stderr,
				"pager-bench: %s: no such row (1 to 12)\n",
				words[i]);
			return false;
		}
		chosen[at] = true;
	}
	return true;
}

static void print_table(struct bench *b)
{
	putchar('\n');
	tool_table_print(b->table, stdout);
	puts("\nA ratio is the contestant's figure over ours: above 1x ours is "
	     "better.");
}

int main(int argc, char **argv)
{
	struct bench b = {0};
	const struct tool_option options[] = {
	    {.name = "json",
	     .to = &b.json,
	     .help = "one JSON object a figure, one a line"},
	    {.name = "quick",
	     .to = &b.quick,
	     .help = "smaller sizes and only five rounds"},
	    {.name = NULL},
	};
	const struct tool_program program = {
	    .name = "pager-bench",
	    .usage = "pager-bench [--json] [--quick] [ROW...]",
	    .about = "Measures pagerd against its peers. Rows: 1 fork, 2 fork "
		     "and write, 3 faults,\n4 regions, 5 frames, 6 "
		     "fragmentation, 7 pools, 8 requests, 9 dirty logs,\n10 "
		     "metadata, 11 unplugging, 12 live copies; all if none "
		     "is named.",
	    .options = options,
	};
	bool chosen[ROWS];
	int count = tool_options_parse(&program, argc, argv);

	if (count == -2)
		return TOOL_DONE;
	if (count < 0 || !choose(argv, count, chosen))
		return TOOL_USAGE;
	signal(SIGPIPE, SIG_IGN);
	b.rounds = b.quick ? ROUNDS_QUICK : ROUNDS;
	b.cpu = machine_pin_self();
	machine_print(b.json ? stderr : stdout, b.cpu, b.rounds);
	fflush(stdout);
	b.table = tool_table_new("row|figure|>ours|unit|>linux||>baseline||"
				 ">limit||met|goal");
	if (!b.table)
		bench_die("no memory");
	tool_progress_init(&b.progress, "rounds");
	for (int i = 0; i < ROWS; i++)
		if (chosen[i])
			rows[i].run(&b);
	tool_progress_clear(&b.progress);
	if (!b.json)
		print_table(&b);
	tool_table_free(b.table);
	return tool_output_done("pager-bench", TOOL_DONE);
}
