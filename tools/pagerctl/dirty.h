/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pagerctl dirty and clone: the verbs, and what they share. Each asks the
 * daemon, prints, and returns what the calls return (0, PAGER_REFUSED, ...) or
 * TOOL_USAGE after it said what is wrong with an argument; an exit code of its
 * own goes to call->exit.
 *
 *	dirty.c        verbs, arguments, signals       dirty_log.c    list ..
 *get dirty_watch.c  watch                           clone.c        clone
 */
#ifndef TOOLS_PAGERCTL_DIRTY_H
#define TOOLS_PAGERCTL_DIRTY_H

#include "tools/pagerctl/pagerctl.h"

#define DIRTY_UNSAID UINT64_MAX

/* Beside tool_exit's. */
enum dirty_exit {
	DIRTY_EXIT_FAILED = 4, /* clone, load: it could not be made, and why */
};

/* Which options were said. */
struct dirty_options {
	bool manual;
	bool all_set;
	bool clear;
	bool live;
	bool verify;
	bool skip_contig;
	uint64_t seconds; /* DIRTY_UNSAID: not said; so the others */
	uint64_t interval_ms;
	uint64_t count;
	uint64_t max_pause_ms;
	const char *method; /* NULL: not said */
	const char *file;
};

struct dirty_call {
	struct view view;
	struct pager *pager;
	struct dirty_options options;
	char **args;
	int count;
	uint64_t number[3]; /* of the arguments, as far as they are there */
	uint32_t method;    /* pager_dirty_method */
	int exit;
};

struct dirty_verb;

/* The verb that the words name, its arguments and options, checked as far as
 * that can be done without a daemon. NULL: said what is wrong. */
const struct dirty_verb *dirty_parse(int count, char **words,
				     const struct dirty_options *options);
/* The same for the arguments of clone. */
const struct dirty_verb *clone_parse(int count, char **words,
				     const struct dirty_options *options);
/* And of load. */
const struct dirty_verb *load_parse(int count, char **words,
				    const struct dirty_options *options);
/* Any of them was said. */
bool dirty_options_said(const struct dirty_options *options);
/* Do it. args: the words behind the verb. *exit: the exit code, if 0 is
 * returned. */
int dirty_run(const struct dirty_verb *verb, const struct view *view,
	      struct pager *pager, int count, char **args,
	      const struct dirty_options *options, int *exit);
/* How verb of dirty is used, or (NULL) all of them; clone: of clone. False:
 * there is no such verb. */
bool dirty_help(FILE *out, const char *verb);
void clone_help(FILE *out);
void load_help(FILE *out);

typedef int dirty_fn(struct dirty_call *call);

dirty_fn dirty_list, dirty_info, dirty_start, dirty_stop, dirty_get;
dirty_fn dirty_watch, clone_run, clone_load;

/* --- dirty.c ---------------------------------------------------------------
 */

/* SIGINT and SIGTERM end waiting, and nothing else. */
void dirty_catch_signals(void);
bool dirty_interrupted(void);
uint64_t dirty_now_ms(void);
/* Until then, or a signal. False: interrupted. */
bool dirty_sleep_until(uint64_t ms);

#endif
