/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pagerctl(1): commands, and how each is used.
 */
#include "tools/pagerctl/pagerctl.h"

#include <errno.h>
#include <string.h>

#include "tools/common/number.h"
#include "tools/common/options.h"
#include "tools/common/script.h"
#include "tools/pagerctl/dirty.h"
#include "tools/pagerctl/pool.h"

struct context {
	struct view view;
	struct pager *pager;
	const char *socket;
	bool smaps;
	struct pool_options pool;
	const struct pool_verb *verb;
	struct dirty_options dirty;
	const struct dirty_verb *dirty_verb;
	int count; /* arguments after the command */
	char **args;
	bool differs; /* a recount found a difference */
	int exit;     /* of a script or of a pool's verb */
};

/* As libpager's calls; TOOL_USAGE: an argument is wrong, which was said. */
typedef int command_fn(struct context *c);

static bool number(const char *text, uint64_t max, uint64_t *out)
{
	if (tool_number_parse(text, out) && *out <= max)
		return true;
	fprintf(stderr, "pagerctl: %s: not a number that fits\n", text);
	return false;
}

static int cmd_ping(struct context *c)
{
	return view_ping(&c->view, c->pager);
}

static int cmd_spaces(struct context *c)
{
	return view_list(&c->view, c->pager, PAGER_CALL_SPACE_LIST);
}

static int cmd_objects(struct context *c)
{
	return view_list(&c->view, c->pager, PAGER_CALL_OBJECT_LIST);
}

static int cmd_sessions(struct context *c)
{
	return view_list(&c->view, c->pager, PAGER_CALL_SESSION_LIST);
}

static int cmd_backends(struct context *c)
{
	return view_list(&c->view, c->pager, PAGER_CALL_BACKENDS);
}

static int cmd_maps(struct context *c)
{
	uint64_t space;

	if (!number(c->args[0], UINT64_MAX, &space))
		return TOOL_USAGE;
	return view_maps(&c->view, c->pager, space, c->smaps);
}

static int cmd_info(struct context *c)
{
	struct pager_req_space r;

	if (!number(c->args[0], UINT64_MAX, &r.space))
		return TOOL_USAGE;
	return view_reply(&c->view, c->pager, PAGER_CALL_SPACE_INFO, &r);
}

static int cmd_stats(struct context *c)
{
	return view_reply(&c->view, c->pager, PAGER_CALL_STATS, NULL);
}

static int cmd_check(struct context *c)
{
	bool ok = true;
	int ret = view_check(&c->view, c->pager, &ok);

	c->differs = !ok;
	return ret;
}

static int cmd_user(struct context *c)
{
	uint64_t uid = UINT32_MAX;

	if (c->count > 0 && !number(c->args[0], UINT32_MAX - 1, &uid))
		return TOOL_USAGE;
	return view_user(&c->view, c->pager, (uint32_t)uid);
}

static int cmd_pool(struct context *c)
{
	return pool_run(c->verb, &c->view, c->pager, c->count, c->args,
			&c->pool, &c->exit);
}

static int cmd_dirty(struct context *c)
{
	return dirty_run(c->dirty_verb, &c->view, c->pager, c->count - 1,
			 c->args + 1, &c->dirty, &c->exit);
}

static int cmd_clone(struct context *c)
{
	return dirty_run(c->dirty_verb, &c->view, c->pager, c->count, c->args,
			 &c->dirty, &c->exit);
}

static int cmd_load(struct context *c)
{
	return cmd_clone(c);
}

/* --- run ------------------------------------------------------------------ */

static int print(void *arg, struct pager *pager, const struct script_verb *verb,
		 const void *body, bool smaps)
{
	struct context *c = arg;
	const union pager_request_body *request = body;
	bool ok = true;
	int ret;

	switch (verb->call) {
	case PAGER_CALL_SPACE_LIST:
	case PAGER_CALL_OBJECT_LIST:
	case PAGER_CALL_SESSION_LIST:
	case PAGER_CALL_BACKENDS:
		return view_list(&c->view, pager, verb->call);
	case PAGER_CALL_REGION_LIST:
		return view_maps(&c->view, pager, request->region_list.space,
				 smaps);
	case PAGER_CALL_CHECK:
		ret = view_check(&c->view, pager, &ok);
		c->differs |= !ok;
		return ret;
	case PAGER_CALL_USER_INFO:
		return view_user(&c->view, pager, request->user.uid);
	case PAGER_CALL_PING:
		return view_ping(&c->view, pager);
	default:
		return view_reply(&c->view, pager, verb->call, body);
	}
}

static int run(struct context *c, const struct script *script)
{
	struct script_run how = {
	    .socket = c->socket,
	    .out = stdout,
	    .err = stderr,
	    .print = print,
	    .arg = c,
	};

	c->exit = script_run(script, c->pager, &how);
	c->pager = NULL;
	return 0;
}

/* --- commands ------------------------------------------------------------- */

static const struct command {
	const char *name;
	const char *args;
	const char *help;
	int min, max;
	command_fn *fn; /* NULL: help or run */
} commands[] = {
    {"help", "[COMMAND]", "what there is, or how COMMAND is used", 0, 2, NULL},
    {"ping", "", "ask for a sign of life", 0, 0, cmd_ping},
    {"spaces", "", "all spaces", 0, 0, cmd_spaces},
    {"maps", "[--smaps] SPACE", "the regions of a space", 1, 1, cmd_maps},
    {"info", "SPACE", "sizes and counters of a space", 1, 1, cmd_info},
    {"stats", "", "counters of the whole server", 0, 0, cmd_stats},
    {"check", "", "recount everything; exit 1 if there is a difference", 0, 0,
     cmd_check},
    {"backends", "", "page-table backends, and why one cannot be used", 0, 0,
     cmd_backends},
    {"objects", "", "all memory objects", 0, 0, cmd_objects},
    {"sessions", "", "all sessions", 0, 0, cmd_sessions},
    {"user", "[UID]", "what a user has used and may use", 0, 1, cmd_user},
    {"pool", "COMMAND ...", "look at and change pools, see help pool", 0, 4,
     cmd_pool},
    {"dirty", "COMMAND ...", "log what is written, see help dirty", 0, 4,
     cmd_dirty},
    {"clone", "[--live] SPACE", "a copy of a space, see help clone", 0, 8,
     cmd_clone},
    {"load", "FILE", "a space from a file of clone, see help load", 0, 2,
     cmd_load},
    {"run", "FILE|-", "run a script of operations, see pagerctl(1)", 1, 1,
     NULL},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	fprintf(stderr, "pagerctl: %s: no such command; try pagerctl help\n",
		name);
	return NULL;
}

static void command_usage(FILE *out, const struct command *command)
{
	fprintf(out, "usage: pagerctl [--json] [--socket PATH] %s%s%s\n",
		command->name, *command->args ? " " : "", command->args);
}

/* name and verb may be NULL; only pool and dirty have verbs. */
static int help(const char *name, const char *verb,
		const struct tool_program *program)
{
	const struct command *command;

	if (name) {
		command = command_find(name);
		if (!command)
			return TOOL_USAGE;
		if (command->fn == cmd_pool && verb)
			return pool_help(stdout, verb) ? TOOL_DONE : TOOL_USAGE;
		if (command->fn == cmd_dirty && verb)
			return dirty_help(stdout, verb) ? TOOL_DONE
							: TOOL_USAGE;
		if (verb) {
			command_usage(stderr, command);
			return TOOL_USAGE;
		}
		if (command->fn == cmd_clone || command->fn == cmd_load) {
			if (command->fn == cmd_clone)
				clone_help(stdout);
			else
				load_help(stdout);
			return TOOL_DONE;
		}
		command_usage(stdout, command);
		printf("\n%s\n", command->help);
		if (command->fn == cmd_pool) {
			putchar('\n');
			pool_help(stdout, NULL);
		}
		if (command->fn == cmd_dirty) {
			putchar('\n');
			dirty_help(stdout, NULL);
		}
		return TOOL_DONE;
	}
	tool_options_help(program, false);
	puts("\ncommands:");
	for (size_t i = 0; i < COMMANDS; i++) {
		char left[64];

		snprintf(left, sizeof(left), "%s %s", commands[i].name,
			 commands[i].args);
		printf("  %-22s %s\n", left, commands[i].help);
	}
	puts("\nexit: 0 done, 1 refused, 2 usage, 3 no daemon; of pool with "
	     "--wait also\n4 replaced by a newer wish, 5 broken, 6 not in "
	     "time; of "
	     "clone, load\nalso 4 not made");
	return TOOL_DONE;
}

static bool connect_daemon(struct context *c)
{
	const char *shown = c->socket;
	char path[128];
	int err;

	c->pager = pager_connect(c->socket);
	if (c->pager)
		return true;
	err = errno;
	if (!shown && pager_default_path(path, sizeof(path)) == 0)
		shown = path;
	if (err == EDESTADDRREQ)
		fprintf(stderr, "pagerctl: where is the daemon? Say --socket "
				"or set PAGER_SOCKET\n");
	else
		fprintf(stderr, "pagerctl: %s: %s\n",
			shown ? shown : "the socket", strerror(err));
	return false;
}

static int finish(struct context *c, int ret)
{
	if (ret == PAGER_REFUSED)
		fprintf(stderr, "pagerctl: refused: %s\n",
			pager_errstr(c->pager));
	else if (ret < 0)
		fprintf(stderr, "pagerctl: %s\n", pager_errstr(c->pager));
	pager_close(c->pager);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "pagerctl: standard output: %s\n",
			strerror(errno));
		return TOOL_REFUSED;
	}
	if (ret == PAGER_LOST)
		return TOOL_NO_DAEMON;
	if (ret == TOOL_USAGE)
		return TOOL_USAGE;
	if (ret < 0)
		return TOOL_REFUSED;
	if (c->exit)
		return c->exit;
	return c->differs ? TOOL_REFUSED : TOOL_DONE;
}

static int run_script(struct context *c)
{
	char why[SCRIPT_WHY];
	struct script *script = script_read(c->args[0], why);
	int ret;

	if (!script) {
		fprintf(stderr, "%s\n", why);
		return TOOL_USAGE;
	}
	if (!connect_daemon(c)) {
		script_free(script);
		return TOOL_NO_DAEMON;
	}
	ret = run(c, script);
	script_free(script);
	return finish(c, ret);
}

int main(int argc, char **argv)
{
	struct context c = {
	    .view.out = stdout,
	    .pool = {.timeout = UINT64_MAX, .width = UINT64_MAX},
	    .dirty = {.seconds = DIRTY_UNSAID,
		      .interval_ms = DIRTY_UNSAID,
		      .count = DIRTY_UNSAID,
		      .max_pause_ms = DIRTY_UNSAID},
	};
	bool asked = false;
	const struct tool_option options[] = {
	    {.name = "json",
	     .kind = TOOL_OPTION_FLAG,
	     .to = &c.view.json,
	     .help = "print JSON"},
	    {.name = "socket",
	     .kind = TOOL_OPTION_STRING,
	     .to = &c.socket,
	     .value = "PATH",
	     .help = "where the daemon listens"},
	    {.name = "smaps",
	     .kind = TOOL_OPTION_FLAG,
	     .to = &c.smaps,
	     .help = "maps: with the sizes of each region"},
	    {.name = "wait",
	     .kind = TOOL_OPTION_FLAG,
	     .to = &c.pool.wait,
	     .help = "pool resize, unplug-all: until it is there"},
	    {.name = "timeout",
	     .kind = TOOL_OPTION_NUMBER,
	     .to = &c.pool.timeout,
	     .value = "SECONDS",
	     .max = 1000000,
	     .help = "--wait: no longer than this"},
	    {.name = "zone",
	     .kind = TOOL_OPTION_STRING,
	     .to = &c.pool.zone,
	     .value = "ZONE",
	     .help = "pool online: kernel, or movable, the default"},
	    {.name = "svg",
	     .kind = TOOL_OPTION_STRING,
	     .to = &c.pool.svg,
	     .value = "FILE",
	     .help = "pool map: as a picture"},
	    {.name = "width",
	     .kind = TOOL_OPTION_NUMBER,
	     .to = &c.pool.width,
	     .value = "N",
	     .min = 1,
	     .max = 4096,
	     .help = "pool map: cells in a row, at most"},
	    {.name = "no-colour",
	     .kind = TOOL_OPTION_FLAG,
	     .to = &c.pool.no_colour,
	     .help = "pool map: none, on a terminal too"},
	    {.name = "follow",
	     .kind = TOOL_OPTION_FLAG,
	     .to = &c.pool.follow,
	     .help = "pool events: go on as they happen"},
	    {.name = "for",
	     .kind = TOOL_OPTION_NUMBER,
	     .to = &c.dirty.seconds,
	     .value = "SECONDS",
	     .max = 1000000,
	     .help = "dirty start, get, clone, load: no longer"},
	    {.name = "method",
	     .kind = TOOL_OPTION_STRING,
	     .to = &c.dirty.method,
	     .value = "METHOD",
	     .help = "how a log learns of writes"},
	    {.name = "manual",
	     .kind = TOOL_OPTION_FLAG,
	     .to = &c.dirty.manual,
	     .help = "dirty start: only a clear clears"},
	    {.name = "all-set",
	     .kind = TOOL_OPTION_FLAG,
	     .to = &c.dirty.all_set,
	     .help = "dirty start: every page is dirty"},
	    {.name = "clear",
	     .kind = TOOL_OPTION_FLAG,
	     .to = &c.dirty.clear,
	     .help = "dirty get: what is shown is clean again"},
	    {.name = "interval",
	     .kind = TOOL_OPTION_NUMBER,
	     .to = &c.dirty.interval_ms,
	     .value = "MS",
	     .min = 1,
	     .max = 1000000,
	     .help = "dirty watch: between two looks"},
	    {.name = "count",
	     .kind = TOOL_OPTION_NUMBER,
	     .to = &c.dirty.count,
	     .value = "N",
	     .min = 1,
	     .max = UINT64_MAX - 1,
	     .help = "dirty watch: how many looks"},
	    {.name = "live",
	     .kind = TOOL_OPTION_FLAG,
	     .to = &c.dirty.live,
	     .help = "clone: page by page, while it runs"},
	    {.name = "verify",
	     .kind = TOOL_OPTION_FLAG,
	     .to = &c.dirty.verify,
	     .help = "clone --live: compare the two"},
	    {.name = "max-pause",
	     .kind = TOOL_OPTION_NUMBER,
	     .to = &c.dirty.max_pause_ms,
	     .value = "MS",
	     .min = 1,
	     .max = PAGER_PAUSE_MAX_MS,
	     .help = "clone --live: stop it for no longer"},
	    {.name = "skip-contig",
	     .kind = TOOL_OPTION_FLAG,
	     .to = &c.dirty.skip_contig,
	     .help = "clone --live: without regions of devices"},
	    {.name = "file",
	     .kind = TOOL_OPTION_STRING,
	     .to = &c.dirty.file,
	     .value = "FILE",
	     .help = "clone --live: to a file"},
	    {.name = "help",
	     .letter = 'h',
	     .kind = TOOL_OPTION_FLAG,
	     .to = &asked,
	     .help = "the same as the command help"},
	    {.name = NULL},
	};
	const struct tool_program program = {
	    .name = "pagerctl",
	    .usage = "pagerctl [--json] [--socket PATH] COMMAND [ARGUMENT...]",
	    .about = "Look into a running pagerd and run scripts of "
		     "operations; pagerctl(1).",
	    .options = options,
	};
	const struct command *command;

	c.count = tool_options_parse(&program, argc, argv);
	if (c.count < 0)
		return TOOL_USAGE;
	if (asked)
		return help(c.count ? argv[0] : NULL,
			    c.count > 1 ? argv[1] : NULL, &program);
	if (c.count == 0) {
		tool_options_help(&program, true);
		return TOOL_USAGE;
	}
	command = command_find(argv[0]);
	if (!command)
		return TOOL_USAGE;
	c.count--;
	c.args = argv + 1;
	if (c.count < command->min || c.count > command->max ||
	    (c.smaps && command->fn != cmd_maps)) {
		command_usage(stderr, command);
		return TOOL_USAGE;
	}
	if (strcmp(command->name, "help") == 0)
		return help(c.count ? c.args[0] : NULL,
			    c.count > 1 ? c.args[1] : NULL, &program);
	if (command->fn == cmd_pool) {
		c.verb = pool_parse(c.count, c.args, &c.pool);
		if (!c.verb)
			return TOOL_USAGE;
	} else if (pool_options_said(&c.pool)) {
		command_usage(stderr, command);
		return TOOL_USAGE;
	}
	if (command->fn == cmd_dirty)
		c.dirty_verb = dirty_parse(c.count, c.args, &c.dirty);
	else if (command->fn == cmd_clone)
		c.dirty_verb = clone_parse(c.count, c.args, &c.dirty);
	else if (command->fn == cmd_load)
		c.dirty_verb = load_parse(c.count, c.args, &c.dirty);
	if (command->fn == cmd_dirty || command->fn == cmd_clone ||
	    command->fn == cmd_load) {
		if (!c.dirty_verb)
			return TOOL_USAGE;
	} else if (dirty_options_said(&c.dirty)) {
		command_usage(stderr, command);
		return TOOL_USAGE;
	}
	if (!command->fn)
		return run_script(&c);
	if (!connect_daemon(&c))
		return TOOL_NO_DAEMON;
	return finish(&c, command->fn(&c));
}
