/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a script: text into lines, lines into words, words into operations.
 * Words stay where they are in the script's copy of the text.
 */
#include "tools/common/script_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/number.h"

bool script_fail(struct reader *r, const char *what, const char *word)
{
	char shown[44];
	size_t n = 0;

	if (!word) {
		snprintf(r->why, SCRIPT_WHY, "%.100s:%u: %s", r->script->file,
			 r->line, what);
		return false;
	}
	for (; n < 40 && word[n]; n++)
		shown[n] = word[n] >= ' ' && word[n] <= '~' ? word[n] : '?';
	snprintf(shown + n, sizeof(shown) - n, "%s", word[n] ? "..." : "");
	snprintf(r->why, SCRIPT_WHY, "%.100s:%u: %s: %s", r->script->file,
		 r->line, shown, what);
	return false;
}

/* --- lines and words ------------------------------------------------------ */

static bool add_word(struct reader *r, char *word)
{
	if (r->nwords == r->words_room) {
		size_t room = r->words_room ? r->words_room * 2 : 32;
		char **words = realloc(r->words, room * sizeof(*words));

		if (!words)
			return script_fail(r, "out of memory", NULL);
		r->words = words;
		r->words_room = room;
	}
	r->words[r->nwords++] = word;
	return true;
}

static bool split(struct reader *r, char *line)
{
	r->nwords = r->at = 0;
	for (;;) {
		line += strspn(line, " \t");
		if (*line == '\0' || *line == '#')
			return true;
		if (!add_word(r, line))
			return false;
		line += strcspn(line, " \t");
		if (*line != '\0')
			*line++ = '\0';
	}
}

/* --- one operation -------------------------------------------------------- */

static struct script_op *add_op(struct reader *r)
{
	struct script *script = r->script;
	struct script_op *op;

	if (script->count == script->room) {
		size_t room = script->room ? script->room * 2 : 16;
		struct script_op *ops =
		    realloc(script->ops, room * sizeof(*ops));

		if (!ops) {
			script_fail(r, "out of memory", NULL);
			return NULL;
		}
		script->ops = ops;
		script->room = room;
	}
	op = &script->ops[script->count++];
	memset(op, 0, sizeof(*op));
	op->line = r->line;
	op->into = SCRIPT_NO_NAME;
	return op;
}

/* What the reply gives a name. */
static enum name_kind kind_made(const struct script_verb *verb)
{
	const struct pager_struct *s;

	if (verb->kind != SCRIPT_CALL)
		return NAME_UNSET;
	s = pager_op_find(verb->call)->reply;
	if (strcmp(s->name, "rep_token") == 0)
		return NAME_TOKEN;
	if (strcmp(s->name, "rep_handle") == 0 ||
	    strcmp(s->name, "rep_addr") == 0 ||
	    strcmp(s->name, "rep_take") == 0)
		return NAME_NUMBER;
	return NAME_UNSET;
}

static bool add_arg(struct reader *r, struct script_op *op,
		    const struct script_verb *verb, const char *name,
		    char *text)
{
	const struct pager_struct *s = pager_op_find(verb->call)->request;
	struct script_arg *arg;

	if (op->nargs == SCRIPT_ARGS_MAX)
		return script_fail(r, "too many arguments", text);
	arg = &op->args[op->nargs];
	arg->field = script_field(s, name);
	if (!arg->field)
		return script_fail(r, "no such field", name);
	for (unsigned int i = 0; i < op->nargs; i++)
		if (op->args[i].field == arg->field)
			return script_fail(r, "given twice", name);
	op->nargs++;
	return script_value(r, s, arg->field, text, &arg->value);
}

/* A flag word: its bit, or 0. */
static uint32_t flag_word(const struct script_verb *verb, const char *word)
{
	const char *p = verb->words;
	uint32_t bit = 1;

	while (p && *p) {
		size_t len = strcspn(p, " ");

		if (strlen(word) == len && memcmp(p, word, len) == 0)
			return bit;
		p += len;
		p += *p == ' ';
		bit <<= 1;
	}
	return 0;
}

static bool is_expect(const struct reader *r)
{
	return r->at < r->nwords && strcmp(r->words[r->at], "expect") == 0;
}

/* What stands behind the arguments: flags, fields, the extra argument. */
static bool option(struct reader *r, struct script_op *op,
		   const struct script_verb *verb, bool *extra)
{
	char *word = r->words[r->at++];
	char *value = strchr(word, '=');
	uint32_t bit = flag_word(verb, word);

	if (bit) {
		op->flags |= bit;
		return true;
	}
	if (verb->call == PAGER_CALL_MAP && strcmp(word, "private") == 0)
		return true;
	if (value) {
		*value++ = '\0';
		if (verb->call == PAGER_CALL_REMAP && strcmp(word, "to") == 0)
			return add_arg(r, op, verb, "new_addr", value);
		return add_arg(r, op, verb, word, value);
	}
	if (verb->extra && !*extra) {
		*extra = true;
		return add_arg(r, op, verb, verb->extra, word);
	}
	return script_fail(r, "this is not understood", word);
}

static bool arguments(struct reader *r, struct script_op *op,
		      const struct script_verb *verb)
{
	const char *p = verb->args;
	bool extra = false;

	while (*p) {
		size_t len = strcspn(p, " ");
		char name[32];

		snprintf(name, sizeof(name), "%.*s", (int)len, p);
		if (r->at == r->nwords || is_expect(r))
			return script_fail(r, "an argument is missing", name);
		if (!add_arg(r, op, verb, name, r->words[r->at++]))
			return false;
		p += len;
		p += *p == ' ';
	}
	if (verb->call == PAGER_CALL_WRITE) {
		if (r->at == r->nwords || !script_is_bytes(r->words[r->at]))
			return script_fail(r, "an argument is missing", "data");
		if (!script_bytes(r, r->words[r->at++], false, &op->data))
			return false;
	}
	/* Without words all of the stretch is cleared. */
	if (verb->call == PAGER_CALL_DIRTY_CLEAR && r->at < r->nwords &&
	    script_is_bytes(r->words[r->at]) &&
	    !script_bytes(r, r->words[r->at++], false, &op->data))
		return false;
	while (r->at < r->nwords && !is_expect(r))
		if (!option(r, op, verb, &extra))
			return false;
	return true;
}

static bool call(struct reader *r, struct script_op *op, const char *into)
{
	enum name_kind kind = kind_made(op->verb);

	if (strcmp(op->verb->name, "maps") == 0)
		return script_fail(r, "say print maps, or regions", NULL);
	if (!into && op->verb->name_first && r->at < r->nwords &&
	    !is_expect(r) && !strchr(r->words[r->at], '='))
		into = r->words[r->at++];
	if (!arguments(r, op, op->verb))
		return false;
	if (is_expect(r)) {
		r->at++;
		if (!script_expects(r, op))
			return false;
	}
	if (!into)
		return true;
	if (kind == NAME_UNSET)
		return script_fail(r, "makes nothing that can have a name",
				   op->verb->name);
	op->into = script_name(r, into);
	if (op->into == SCRIPT_NO_NAME)
		return false;
	if (r->in_batch)
		r->later[op->into] = kind;
	else
		r->kinds[op->into] = kind;
	return true;
}

static bool print(struct reader *r, struct script_op *op)
{
	if (r->at == r->nwords)
		return script_fail(r, "print: what?", NULL);
	op->printed = script_verb_find(r->words[r->at]);
	if (!op->printed || op->printed->kind != SCRIPT_CALL ||
	    (kind_made(op->printed) != NAME_UNSET) ||
	    op->printed->call == PAGER_CALL_READ ||
	    op->printed->call == PAGER_CALL_WRITE ||
	    strcmp(pager_op_find(op->printed->call)->reply->name, "rep_none") ==
		0)
		return script_fail(r, "cannot be printed", r->words[r->at]);
	r->at++;
	if (strcmp(op->printed->name, "maps") == 0 && r->at < r->nwords &&
	    strcmp(r->words[r->at], "--smaps") == 0) {
		op->smaps = true;
		r->at++;
	}
	if (!arguments(r, op, op->printed))
		return false;
	return !is_expect(r) || script_fail(r, "a print expects nothing", NULL);
}

static bool batch(struct reader *r, struct script_op *op)
{
	if (r->in_batch)
		return script_fail(r, "a batch in a batch", NULL);
	if (r->at < r->nwords && strcmp(r->words[r->at], "atomic") == 0) {
		op->atomic = true;
		r->at++;
	}
	r->in_batch = true;
	r->batch_line = r->line;
	memcpy(r->later, r->kinds, sizeof(r->later));
	return true;
}

static bool end(struct reader *r, struct script_op *op)
{
	if (!r->in_batch)
		return script_fail(r, "an end without a batch", NULL);
	r->in_batch = false;
	memcpy(r->kinds, r->later, sizeof(r->kinds));
	if (!is_expect(r))
		return true;
	r->at++;
	return script_expects(r, op);
}

/* Sessions' names are names, but apart from those of values. */
static bool session(struct reader *r, struct script_op *op)
{
	size_t i = 0;
	uint32_t name;

	if (r->at == r->nwords)
		return script_fail(r, "a session's name is missing", NULL);
	name = script_name(r, r->words[r->at++]);
	if (name == SCRIPT_NO_NAME)
		return false;
	while (i < r->nsessions && r->sessions[i] != name)
		i++;
	if (op->verb->kind == SCRIPT_DISCONNECT) {
		if (i == r->nsessions || !r->connected[i])
			return script_fail(r, "no such session",
					   r->words[r->at - 1]);
		r->connected[i] = false;
		if (r->session == i)
			r->session = SIZE_MAX;
	} else {
		if (i == sizeof(r->sessions) / sizeof(r->sessions[0]))
			return script_fail(r, "more than 64 sessions", NULL);
		if (i == r->nsessions)
			r->sessions[r->nsessions++] = name;
		r->connected[i] = true;
		r->session = i;
	}
	op->session = (uint32_t)i;
	return true;
}

/* The words, joined by blanks again: they stand in the text one after the
 * other, with NULs where there were blanks. */
static bool echo(struct reader *r, struct script_op *op)
{
	char *to;

	op->text = "";
	if (r->at == r->nwords)
		return true;
	op->text = to = r->words[r->at];
	for (; r->at < r->nwords; r->at++) {
		size_t len = strlen(r->words[r->at]);

		memmove(to, r->words[r->at], len);
		to += len;
		*to++ = ' ';
	}
	to[-1] = '\0';
	return true;
}

static bool sleeping(struct reader *r, struct script_op *op)
{
	const char *word = r->at < r->nwords ? r->words[r->at++] : "";

	if (!tool_number_parse(word, &op->seconds) ||
	    op->seconds > SCRIPT_SLEEP_MAX)
		return script_fail(r, "seconds, up to 86400, are missing",
				   NULL);
	return true;
}

static bool steer(struct reader *r, struct script_op *op)
{
	switch (op->verb->kind) {
	case SCRIPT_BATCH:
		return batch(r, op);
	case SCRIPT_END:
		return end(r, op);
	case SCRIPT_ECHO:
		return echo(r, op);
	case SCRIPT_SLEEP:
		return sleeping(r, op);
	case SCRIPT_PRINT:
		return print(r, op);
	default:
		return session(r, op);
	}
}

static bool statement(struct reader *r)
{
	const char *into = NULL;
	struct script_op *op;

	if (r->nwords == 0)
		return true;
	op = add_op(r);
	if (!op)
		return false;
	if (r->nwords >= 2 && strcmp(r->words[1], "=") == 0) {
		into = r->words[0];
		r->at = 2;
	}
	if (r->at == r->nwords)
		return script_fail(r, "an operation is missing", NULL);
	op->verb = script_verb_find(r->words[r->at]);
	if (!op->verb)
		return script_fail(r, "no such operation", r->words[r->at]);
	r->at++;
	if (r->session == SIZE_MAX && op->verb->kind != SCRIPT_SESSION &&
	    op->verb->kind != SCRIPT_ECHO && op->verb->kind != SCRIPT_SLEEP)
		return script_fail(r, "the session was ended", NULL);
	if (r->in_batch && op->verb->kind != SCRIPT_CALL &&
	    op->verb->kind != SCRIPT_END && op->verb->kind != SCRIPT_BATCH)
		return script_fail(r, "cannot stand in a batch",
				   op->verb->name);
	if (op->verb->kind == SCRIPT_CALL) {
		if (!call(r, op, into))
			return false;
	} else {
		if (into)
			return script_fail(r,
					   "makes nothing that can have a name",
					   op->verb->name);
		if (!steer(r, op))
			return false;
	}
	if (r->at < r->nwords)
		return script_fail(r, "this is too much", r->words[r->at]);
	return true;
}

/* --- the whole ------------------------------------------------------------ */

static bool is_text(struct reader *r, const char *line, size_t len)
{
	char what[48];

	if (len > SCRIPT_LINE_MAX)
		return script_fail(r, "a line of more than 262144 bytes", NULL);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)line[i];

		if ((c < ' ' && c != '\t') || c == 0x7f) {
			snprintf(what, sizeof(what), "not text: byte 0x%02x",
				 c);
			return script_fail(r, what, NULL);
		}
	}
	return true;
}

static bool read_all(struct reader *r, size_t len)
{
	char *p = r->script->text;
	char *last = p + len;

	while (p < last) {
		char *newline = memchr(p, '\n', (size_t)(last - p));
		size_t n = (size_t)((newline ? newline : last) - p);

		r->line++;
		if (!is_text(r, p, n))
			return false;
		if (!newline)
			return script_fail(
			    r, "no newline at the end: the script is cut short",
			    NULL);
		*newline = '\0';
		if (!split(r, p) || !statement(r))
			return false;
		p = newline + 1;
	}
	if (r->in_batch) {
		r->line = r->batch_line;
		return script_fail(
		    r, "a batch without an end: the script is cut short", NULL);
	}
	return true;
}

struct script *script_parse(const char *name, const char *text, size_t len,
			    char why[SCRIPT_WHY])
{
	struct script *script = calloc(1, sizeof(*script));
	struct reader *r = calloc(1, sizeof(*r));
	bool done = false;

	snprintf(why, SCRIPT_WHY, "%.100s: out of memory", name);
	if (script) {
		script->file = strdup(name);
		script->text = malloc(len + 1);
		script->names =
		    calloc(SCRIPT_NAMES_MAX, sizeof(*script->names));
	}
	if (r && script && script->file && script->text && script->names) {
		memcpy(script->text, text, len);
		script->text[len] = '\0';
		r->script = script;
		r->why = why;
		r->sessions[0] = script_name(r, "main");
		r->connected[0] = true;
		r->nsessions = 1;
		done = read_all(r, len);
	}
	if (r)
		free(r->words);
	free(r);
	if (!done) {
		script_free(script);
		return NULL;
	}
	return script;
}

struct script *script_read(const char *path, char why[SCRIPT_WHY])
{
	bool is_stdin = strcmp(path, "-") == 0;
	const char *name = is_stdin ? "standard input" : path;
	FILE *in = is_stdin ? stdin : fopen(path, "re");
	struct script *script = NULL;
	size_t len = 0, room = 65536;
	char *text = malloc(room);

	if (!in || !text)
		snprintf(why, SCRIPT_WHY, "%.100s: %m", name);
	while (in && text) {
		size_t n = fread(text + len, 1, room - len, in);
		char *more;

		len += n;
		if (n == 0 && ferror(in)) {
			snprintf(why, SCRIPT_WHY, "%.100s: %m", name);
			break;
		}
		if (n == 0) {
			script = script_parse(name, text, len, why);
			break;
		}
		if (len > SCRIPT_FILE_MAX) {
			snprintf(why, SCRIPT_WHY, "%.100s: longer than 64 MiB",
				 name);
			break;
		}
		if (len < room)
			continue;
		more = realloc(text, room * 2);
		if (!more) {
			snprintf(why, SCRIPT_WHY, "%.100s: %m", name);
			break;
		}
		text = more;
		room *= 2;
	}
	if (in && !is_stdin)
		fclose(in);
	free(text);
	return script;
}

void script_free(struct script *script)
{
	if (!script)
		return;
	free(script->file);
	free(script->text);
	free(script->ops);
	free(script->names);
	free(script);
}
