/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which verb, with which options, of which pool.
 */
#include "tools/pagerctl/pool.h"

#include <inttypes.h>
#include <string.h>

#include "tools/common/number.h"
#include "tools/common/options.h"
#include "tools/pagerctl/pool_size.h"

enum pool_option {
	OPTION_WAIT = 1,
	OPTION_FOLLOW = 2,
	OPTION_NO_COLOUR = 4,
	OPTION_TIMEOUT = 8,
	OPTION_WIDTH = 16,
	OPTION_ZONE = 32,
	OPTION_SVG = 64,
};

static const struct option_name {
	enum pool_option option;
	const char *name;
} option_names[] = {
    {OPTION_WAIT, "--wait"},
    {OPTION_FOLLOW, "--follow"},
    {OPTION_NO_COLOUR, "--no-colour"},
    {OPTION_TIMEOUT, "--timeout"},
    {OPTION_WIDTH, "--width"},
    {OPTION_ZONE, "--zone"},
    {OPTION_SVG, "--svg"},
};

enum pool_word { WORD_SIZE = 1, WORD_SIZE_OFF, WORD_BLOCK };

static const struct pool_verb {
	const char *name;
	const char *args;
	const char *help;
	int min, max; /* words behind the verb, the pool is the first */
	unsigned int options;
	enum pool_word word; /* the second, if there is one */
	pool_fn *fn;
} verbs[] = {
    {"list", "", "all pools", 0, 0, 0, 0, pool_list},
    {"show", "POOL", "state, sizes and memory blocks of a pool", 1, 1, 0, 0,
     pool_show},
    {"resize", "[--wait [--timeout SECONDS]] POOL SIZE|+SIZE|-SIZE",
     "ask for a size, or for more or less of what was requested", 2, 2,
     OPTION_WAIT | OPTION_TIMEOUT, WORD_SIZE, pool_resize},
    {"unplug-all", "[--wait [--timeout SECONDS]] POOL",
     "give all memory of a pool back", 1, 1, OPTION_WAIT | OPTION_TIMEOUT, 0,
     pool_unplug_all},
    {"grow", "POOL SIZE|off",
     "how far the pool grows by itself when memory is short", 2, 2, 0,
     WORD_SIZE_OFF, pool_grow},
    {"online", "[--zone kernel|movable] POOL BLOCK|0xADDRESS|all",
     "put memory blocks to use", 2, 2, OPTION_ZONE, WORD_BLOCK, pool_online},
    {"offline", "POOL BLOCK|0xADDRESS|all",
     "empty memory blocks and take them out of use", 2, 2, 0, WORD_BLOCK,
     pool_offline},
    {"holders", "POOL [BLOCK|0xADDRESS|all]",
     "who has pages in a memory block, or in all of them", 1, 2, 0, WORD_BLOCK,
     pool_holders},
    {"map", "[--svg FILE] [--width N] [--no-colour] POOL",
     "a picture of the pool", 1, 1,
     OPTION_SVG | OPTION_WIDTH | OPTION_NO_COLOUR, 0, pool_map},
    {"events", "[--follow] [POOL]", "what happened to pools", 0, 1,
     OPTION_FOLLOW, 0, pool_events},
};

#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

static void usage(FILE *out, const struct pool_verb *verb)
{
	fprintf(out, "usage: pagerctl [--json] [--socket PATH] pool %s%s%s\n",
		verb->name, *verb->args ? " " : "", verb->args);
}

static const struct pool_verb *verb_find(const char *name)
{
	for (size_t i = 0; i < VERBS; i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	fprintf(stderr,
		"pagerctl: pool %s: no such command; try pagerctl help "
		"pool\n",
		name);
	return NULL;
}

bool pool_help(FILE *out, const char *name)
{
	const struct pool_verb *verb;

	if (name) {
		verb = verb_find(name);
		if (!verb)
			return false;
		usage(out, verb);
		fprintf(out, "\n%s\n", verb->help);
		return true;
	}
	for (size_t i = 0; i < VERBS; i++)
		fprintf(out, "  pool %s%s%s\n      %s\n", verbs[i].name,
			*verbs[i].args ? " " : "", verbs[i].args,
			verbs[i].help);
	return true;
}

static unsigned int said(const struct pool_options *o)
{
	return (o->wait ? OPTION_WAIT : 0u) | (o->follow ? OPTION_FOLLOW : 0u) |
	       (o->no_colour ? OPTION_NO_COLOUR : 0u) |
	       (o->timeout != UINT64_MAX ? OPTION_TIMEOUT : 0u) |
	       (o->width != UINT64_MAX ? OPTION_WIDTH : 0u) |
	       (o->zone ? OPTION_ZONE : 0u) | (o->svg ? OPTION_SVG : 0u);
}

bool pool_options_said(const struct pool_options *options)
{
	return said(options) != 0;
}

static bool options_fit(const struct pool_verb *verb,
			const struct pool_options *o)
{
	unsigned int wrong = said(o) & ~verb->options;

	for (size_t i = 0; i < sizeof(option_names) / sizeof(option_names[0]);
	     i++)
		if (wrong & option_names[i].option) {
			fprintf(stderr, "pagerctl: pool %s: takes no %s\n",
				verb->name, option_names[i].name);
			usage(stderr, verb);
			return false;
		}
	if (o->timeout != UINT64_MAX && !o->wait) {
		fprintf(stderr, "pagerctl: --timeout is for --wait\n");
		return false;
	}
	if (o->zone && strcmp(o->zone, "kernel") != 0 &&
	    strcmp(o->zone, "movable") != 0) {
		fprintf(stderr,
			"pagerctl: --zone %s: no such zone: say kernel or "
			"movable\n",
			o->zone);
		return false;
	}
	return true;
}

/* What a word must look like, whatever the pool. */
static bool word_fits(const struct pool_verb *verb, const char *word)
{
	const struct pool_size_rule any = {.now = UINT64_MAX / 2,
					   .max = UINT64_MAX};
	char why[POOL_SIZE_WHY];
	uint64_t n;

	if (verb->word == WORD_BLOCK) {
		if (strcmp(word, "all") == 0 || tool_number_parse(word, &n))
			return true;
		fprintf(stderr,
			"pagerctl: %s: no memory block: say its number in the "
			"pool, its address with 0x, or all\n",
			word);
		return false;
	}
	if (verb->word == WORD_SIZE_OFF && strcmp(word, "off") == 0)
		return true;
	if (pool_size_read(word, &any, &n, why))
		return true;
	fprintf(stderr, "pagerctl: %s\n", why);
	return false;
}

const struct pool_verb *pool_parse(int count, char **words,
				   const struct pool_options *options)
{
	const struct pool_verb *verb;

	if (count == 0) {
		fputs("usage: pagerctl pool COMMAND [ARGUMENT...]\n", stderr);
		pool_help(stderr, NULL);
		return NULL;
	}
	verb = verb_find(words[0]);
	if (!verb)
		return NULL;
	if (count - 1 < verb->min || count - 1 > verb->max) {
		usage(stderr, verb);
		return NULL;
	}
	if (!options_fit(verb, options) ||
	    (count > 2 && !word_fits(verb, words[2])))
		return NULL;
	return verb;
}

/* By name, else by number. 0, TOOL_USAGE, or as the calls. */
static int find_pool(struct pool_call *c, const char *word)
{
	struct pager_list *list = pager_list_pools(c->pager);
	char known[512] = "", name[PAGER_POOL_NAME_MAX];
	struct pager_row_pool row;
	uint64_t number = UINT64_MAX;
	bool by_number = tool_number_parse(word, &number), found = false;
	size_t at = 0;
	int ret;

	while ((ret = pager_list_next(list, &row, sizeof(row))) > 0) {
		bool named = strcmp(row.name, word) == 0;

		if (named || (by_number && row.pool == number && !found)) {
			c->pool = row;
			found = true;
		}
		if (named)
			break;
		if (at < sizeof(known) - 1)
			at += (size_t)snprintf(
			    known + at, sizeof(known) - at, "%s%s",
			    at ? ", " : "",
			    pool_name_text(row.name, name, sizeof(name)));
	}
	pager_list_free(list);
	if (ret < 0)
		return ret;
	if (found)
		return 0;
	fprintf(stderr, "pagerctl: %s: no such pool; there %s %s\n", word,
		strchr(known, ',') ? "are" : "is", known);
	return TOOL_USAGE;
}

int pool_run(const struct pool_verb *verb, const struct view *view,
	     struct pager *pager, int count, char **words,
	     const struct pool_options *options, int *exit)
{
	struct pool_call call = {
	    .view = *view,
	    .pager = pager,
	    .options = *options,
	    .args = words + 2,
	    .count = count > 2 ? count - 2 : 0,
	    .pool.pool = UINT32_MAX,
	};
	int ret = count > 1 ? find_pool(&call, words[1]) : 0;

	if (ret == 0)
		ret = verb->fn(&call);
	*exit = call.exit;
	return ret;
}
