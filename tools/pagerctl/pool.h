/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pagerctl pool: the verbs, and what they share. Each asks the daemon, prints,
 * and returns what the calls return (0, PAGER_REFUSED, ...) or TOOL_USAGE after
 * it said what is wrong with an argument; an exit code of its own goes to
 * call->exit.
 *
 *	pool.c         verbs, arguments, which pool    pure functions:
 *	pool_view.c    list, show                      pool_map.c    cells, text
 *	pool_draw.c    map                             pool_svg.c    picture
 *	pool_events.c  events                          pool_size.c   sizes
 *	pool_hand.c    online, offline, holders        pool_words.c  words
 *	pool_wish.c    resize, unplug-all, grow
 */
#ifndef TOOLS_PAGERCTL_POOL_H
#define TOOLS_PAGERCTL_POOL_H

#include "tools/pagerctl/pagerctl.h"
#include "tools/pagerctl/pool_words.h"

/* Beside tool_exit's. */
enum pool_exit {
	POOL_EXIT_REPLACED = 4, /* a newer wish counts */
	POOL_EXIT_BROKEN = 5,
	POOL_EXIT_TIMEOUT = 6,
};

/* Which options were said; each is one of enum pool_option. */
struct pool_options {
	bool wait;
	bool follow;
	bool no_colour;
	uint64_t timeout; /* seconds; UINT64_MAX: not said */
	uint64_t width;	  /* UINT64_MAX: not said */
	const char *zone; /* NULL: not said */
	const char *svg;
};

struct pool_call {
	struct view view;
	struct pager *pager;
	struct pool_options options;
	char **args; /* behind the pool */
	int count;
	struct pager_row_pool pool; /* if the verb names one */
	int exit;
};

struct pool_verb;

/*
 * The verb that the words name and its arguments, checked as far as that can
 * be done without a daemon. NULL: said what is wrong.
 */
const struct pool_verb *pool_parse(int count, char **words,
				   const struct pool_options *options);
/* Any of them was said. */
bool pool_options_said(const struct pool_options *options);
/* Do it. words and options: as pool_parse found them good. *exit: the exit
 * code, if 0 is returned. */
int pool_run(const struct pool_verb *verb, const struct view *view,
	     struct pager *pager, int count, char **words,
	     const struct pool_options *options, int *exit);
/* How verb is used, or (NULL) all of them. False: there is no such verb. */
bool pool_help(FILE *out, const char *verb);

typedef int pool_fn(struct pool_call *call);

pool_fn pool_list, pool_show, pool_map, pool_events;
pool_fn pool_online, pool_offline, pool_holders;
pool_fn pool_resize, pool_unplug_all, pool_grow;

/* --- pool_view.c ---------------------------------------------------------- */

struct tool_json;
/* The pool's fields into the object that is open. */
void pool_json(struct tool_json *json, const struct pager_row_pool *row);

/* --- pool_hand.c ---------------------------------------------------------- */

struct pool_holders {
	struct pager_row_holder *rows;
	size_t count;
};

/* Who holds pages of the range. As the calls; free rows in any case. */
int pool_holders_get(struct pool_call *call, uint64_t addr, uint64_t len,
		     struct pool_holders *out);
/* A line each, the first few. */
void pool_holders_print(FILE *out, const struct pool_holders *holders);
void pool_holders_json(struct tool_json *json,
		       const struct pool_holders *holders);

#endif
