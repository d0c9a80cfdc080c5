/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which verb, with which options and numbers.
 */
#include "tools/pagerctl/dirty.h"

#include <signal.h>
#include <string.h>
#include <time.h>

#include "tools/common/number.h"
#include "tools/common/options.h"
#include "tools/common/words.h"

enum dirty_option {
	OPTION_MANUAL = 0x1,
	OPTION_ALL_SET = 0x2,
	OPTION_CLEAR = 0x4,
	OPTION_LIVE = 0x8,
	OPTION_VERIFY = 0x10,
	OPTION_SKIP_CONTIG = 0x20,
	OPTION_FOR = 0x40,
	OPTION_INTERVAL = 0x80,
	OPTION_COUNT = 0x100,
	OPTION_MAX_PAUSE = 0x200,
	OPTION_METHOD = 0x400,
	OPTION_FILE = 0x800,
};

static const char *const option_names[] = {
    "--manual", "--all-set",	 "--clear",  "--live",
    "--verify", "--skip-contig", "--for",    "--interval",
    "--count",	"--max-pause",	 "--method", "--file",
};

struct dirty_verb {
	const char *name;
	const char *args;
	const char *help;
	int min, max; /* words behind the verb: numbers, all of them */
	unsigned int options;
	dirty_fn *fn;
};

static const struct dirty_verb verbs[] = {
    {"list", "", "the logs there are", 0, 0, 0, dirty_list},
    {"info", "LOG", "state and counters of a log", 1, 1, 0, dirty_info},
    {"start",
     "[--method METHOD] [--manual] [--all-set] [--for SECONDS] SPACE "
     "[ADDR LEN]",
     "log what is written, until interrupted or for SECONDS", 1, 3,
     OPTION_METHOD | OPTION_MANUAL | OPTION_ALL_SET | OPTION_FOR, dirty_start},
    {"stop", "LOG", "end a log", 1, 1, 0, dirty_stop},
    {"get",
     "[--clear] LOG [FIRST PAGES]  or  --for SECONDS [--method METHOD] SPACE",
     "what was written, or what is written in the next SECONDS", 1, 3,
     OPTION_CLEAR | OPTION_FOR | OPTION_METHOD, dirty_get},
    {"watch", "[--interval MS] [--count N] [--method METHOD] SPACE",
     "how fast each region is written, until interrupted or N times", 1, 1,
     OPTION_INTERVAL | OPTION_COUNT | OPTION_METHOD, dirty_watch},
};

static const struct dirty_verb clone_verb = {
    "clone",
    "[--live [--verify] [--method METHOD] [--max-pause MS] [--skip-contig] "
    "[--file FILE]] [--for SECONDS] SPACE",
    "a copy of a space: by fork, or while it runs, page by page",
    1,
    1,
    OPTION_LIVE | OPTION_VERIFY | OPTION_METHOD | OPTION_MAX_PAUSE |
	OPTION_SKIP_CONTIG | OPTION_FILE | OPTION_FOR,
    clone_run};

static const struct dirty_verb load_verb = {"load",
					    "[--for SECONDS] FILE",
					    "a space from a file of clone",
					    1,
					    1,
					    OPTION_FOR,
					    clone_load};

#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

/* Words before the verb's name. */
static const char *before(const struct dirty_verb *verb)
{
	return verb == &clone_verb || verb == &load_verb ? "" : "dirty ";
}

static void usage(FILE *out, const struct dirty_verb *verb)
{
	fprintf(out, "usage: pagerctl [--json] [--socket PATH] %s%s%s%s\n",
		before(verb), verb->name, *verb->args ? " " : "", verb->args);
}

static const struct dirty_verb *verb_find(const char *name)
{
	for (size_t i = 0; i < VERBS; i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	fprintf(stderr,
		"pagerctl: dirty %s: no such command; try pagerctl help "
		"dirty\n",
		name);
	return NULL;
}

bool dirty_help(FILE *out, const char *name)
{
	const struct dirty_verb *verb;

	if (name) {
		verb = verb_find(name);
		if (!verb)
			return false;
		usage(out, verb);
		fprintf(out, "\n%s\n", verb->help);
		return true;
	}
	for (size_t i = 0; i < VERBS; i++)
		fprintf(out, "  dirty %s%s%s\n      %s\n", verbs[i].name,
			*verbs[i].args ? " " : "", verbs[i].args,
			verbs[i].help);
	return true;
}

void clone_help(FILE *out)
{
	usage(out, &clone_verb);
	fprintf(out, "\n%s\n", clone_verb.help);
}

void load_help(FILE *out)
{
	usage(out, &load_verb);
	fprintf(out, "\n%s\n", load_verb.help);
}

/* --- options ---------------------------------------------------------------
 */

static unsigned int said(const struct dirty_options *o)
{
	return (o->manual ? OPTION_MANUAL : 0u) |
	       (o->all_set ? OPTION_ALL_SET : 0u) |
	       (o->clear ? OPTION_CLEAR : 0u) | (o->live ? OPTION_LIVE : 0u) |
	       (o->verify ? OPTION_VERIFY : 0u) |
	       (o->skip_contig ? OPTION_SKIP_CONTIG : 0u) |
	       (o->seconds != DIRTY_UNSAID ? OPTION_FOR : 0u) |
	       (o->interval_ms != DIRTY_UNSAID ? OPTION_INTERVAL : 0u) |
	       (o->count != DIRTY_UNSAID ? OPTION_COUNT : 0u) |
	       (o->max_pause_ms != DIRTY_UNSAID ? OPTION_MAX_PAUSE : 0u) |
	       (o->method ? OPTION_METHOD : 0u) | (o->file ? OPTION_FILE : 0u);
}

bool dirty_options_said(const struct dirty_options *options)
{
	return said(options) != 0;
}

static bool wrong(const struct dirty_verb *verb, const char *option,
		  const char *what)
{
	fprintf(stderr, "pagerctl: %s%s: %s%s\n", before(verb), verb->name,
		option, what);
	usage(stderr, verb);
	return false;
}

static bool options_fit(const struct dirty_verb *verb,
			const struct dirty_options *o)
{
	const unsigned int live = OPTION_VERIFY | OPTION_METHOD |
				  OPTION_MAX_PAUSE | OPTION_SKIP_CONTIG |
				  OPTION_FILE;
	unsigned int bad = said(o) & ~verb->options;
	uint64_t method;

	for (unsigned int i = 0;
	     i < sizeof(option_names) / sizeof(option_names[0]); i++) {
		if (bad >> i & 1)
			return wrong(verb, "takes no ", option_names[i]);
		if (verb == &clone_verb && !o->live && said(o) & live &&
		    said(o) & live & 1u << i)
			return wrong(verb, option_names[i], " is for --live");
	}
	if (o->file && o->verify)
		return wrong(verb, "--verify",
			     " compares two spaces, not a file");
	if (verb->fn == dirty_get && o->clear && o->seconds != DIRTY_UNSAID)
		return wrong(verb, "--clear", " is for a log that goes on");
	if (verb->fn == dirty_get && o->method && o->seconds == DIRTY_UNSAID)
		return wrong(verb, "--method", " is for --for");
	if (o->method && !word_parse(WORD_METHOD, o->method, &method))
		return wrong(verb, "--method",
			     ": say auto, hardware or write-protect");
	return true;
}

static const struct dirty_verb *fits(const struct dirty_verb *verb, int count,
				     char **args,
				     const struct dirty_options *options)
{
	uint64_t n;

	if (count < verb->min || count > verb->max ||
	    (verb->max == 3 && count == 2)) {
		usage(stderr, verb);
		return NULL;
	}
	if (!options_fit(verb, options))
		return NULL;
	if (verb->fn == dirty_get && options->seconds != DIRTY_UNSAID &&
	    count > 1) {
		usage(stderr, verb);
		return NULL;
	}
	for (int i = 0; i < count && verb != &load_verb; i++)
		if (!tool_number_parse(args[i], &n)) {
			fprintf(stderr,
				"pagerctl: %s: not a number that fits\n",
				args[i]);
			return NULL;
		}
	return verb;
}

const struct dirty_verb *dirty_parse(int count, char **words,
				     const struct dirty_options *options)
{
	const struct dirty_verb *verb;

	if (count == 0) {
		fputs("usage: pagerctl dirty COMMAND [ARGUMENT...]\n", stderr);
		dirty_help(stderr, NULL);
		return NULL;
	}
	verb = verb_find(words[0]);
	return verb ? fits(verb, count - 1, words + 1, options) : NULL;
}

const struct dirty_verb *clone_parse(int count, char **words,
				     const struct dirty_options *options)
{
	return fits(&clone_verb, count, words, options);
}

const struct dirty_verb *load_parse(int count, char **words,
				    const struct dirty_options *options)
{
	return fits(&load_verb, count, words, options);
}

int dirty_run(const struct dirty_verb *verb, const struct view *view,
	      struct pager *pager, int count, char **args,
	      const struct dirty_options *options, int *exit)
{
	struct dirty_call call = {
	    .view = *view,
	    .pager = pager,
	    .options = *options,
	    .args = args,
	    .count = count,
	};
	uint64_t method = PAGER_DIRTY_AUTO;
	int ret;

	if (options->method)
		word_parse(WORD_METHOD, options->method, &method);
	call.method = (uint32_t)method;
	for (int i = 0; i < count && i < 3; i++)
		tool_number_parse(args[i], &call.number[i]);
	ret = verb->fn(&call);
	*exit = call.exit;
	return ret;
}

/* --- waiting ---------------------------------------------------------------
 */

#define SLICE_MS 50u

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	(void)number;
	interrupted = 1;
}

void dirty_catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal,
				   .sa_flags = SA_RESTART};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

bool dirty_interrupted(void)
{
	return interrupted;
}

uint64_t dirty_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

bool dirty_sleep_until(uint64_t ms)
{
	while (!interrupted) {
		uint64_t now = dirty_now_ms(), n;
		struct timespec pause = {0};

		if (now >= ms)
			return true;
		n = ms - now < SLICE_MS ? ms - now : SLICE_MS;
		pause.tv_nsec = (long)n * 1000000;
		nanosleep(&pause, NULL);
	}
	return false;
}
