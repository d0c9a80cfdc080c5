/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parser of vmtrace 1. What stands in which event is one table; a line is
 * right only if every field is there, is what the table says, and nothing
 * follows.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tools/common/trace.h"

#define PAGE_MASK	UINT64_C(0xfff)
#define LINUX_MAX_ERRNO 4095

/*
 * Letters of a layout, in the order of the line:
 *
 *	a addr   e end    l len    n new_len  N new_addr   hexadecimal
 *	p prot   f flags  o offset R result   k code       hexadecimal
 *	r ret    d advice                      signed decimal
 *	c child  q present  g anon             decimal
 *	m permissions, as in rw-p              F file
 *	t name: the rest of the line           = itself
 */
static const struct layout {
	const char *word;
	const char *fields;
} layouts[] = {
    [TRACE_EXEC] = {"exec", "t"},
    [TRACE_VMA] = {"vma", "aemoFqgt"},
    [TRACE_RESIDENT] = {"resident", "a"},
    [TRACE_MMAP] = {"mmap", "alpfFo=R"},
    [TRACE_MUNMAP] = {"munmap", "al=r"},
    [TRACE_MPROTECT] = {"mprotect", "alp=r"},
    [TRACE_MREMAP] = {"mremap", "alnfN=R"},
    [TRACE_BRK] = {"brk", "a=R"},
    [TRACE_MADVISE] = {"madvise", "ald=r"},
    [TRACE_FORK] = {"fork", "c"},
    [TRACE_VFORK] = {"vfork", "c"},
    [TRACE_THREAD] = {"thread", "c"},
    [TRACE_FAULT] = {"fault", "ak"},
    [TRACE_END] = {"end", "aemoFqgt"},
    [TRACE_EXIT] = {"exit", ""},
};

static int bad(struct trace_reader *reader, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int bad(struct trace_reader *reader, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reader->why, sizeof(reader->why), format, args);
	va_end(args);
	return -1;
}

/* For messages: at most 24 printable bytes of a text. */
struct shown {
	char text[32];
};

static struct shown show(struct trace_text text)
{
	struct shown out;
	size_t n = text.len < 24 ? text.len : 24;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text.at[i];

		out.text[i] = c >= 0x20 && c < 0x7f ? (char)c : '?';
	}
	snprintf(out.text + n, sizeof(out.text) - n, "%s",
		 n < text.len ? "..." : "");
	return out;
}

/* Take the text up to the next space, and the space, from the line. */
static struct trace_text take_word(struct trace_text *line)
{
	const char *space = memchr(line->at, ' ', line->len);
	struct trace_text word = {line->at, line->len};

	if (space) {
		word.len = (size_t)(space - line->at);
		line->at += word.len + 1;
		line->len -= word.len + 1;
	} else {
		line->at += line->len;
		line->len = 0;
	}
	return word;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
}

/* All of the word is digits of the base and the value is at most max. */
static bool number(struct trace_text word, unsigned int base, uint64_t max,
		   uint64_t *out)
{
	uint64_t value = 0;

	if (word.len == 0)
		return false;
	for (size_t i = 0; i < word.len; i++) {
		unsigned int d = (unsigned int)digit(word.at[i]);

		if (d >= base || value > (max - d) / base)
			return false;
		value = value * base + d;
	}
	*out = value;
	return true;
}

static bool hexadecimal(struct trace_text word, uint64_t *out)
{
	return number(word, 16, UINT64_MAX, out);
}

static bool decimal(struct trace_text word, uint64_t max, uint64_t *out)
{
	return number(word, 10, max, out);
}

static bool signed_decimal(struct trace_text word, int64_t *out)
{
	bool minus = word.len > 0 && word.at[0] == '-';
	uint64_t value;

	if (minus) {
		word.at++;
		word.len--;
	}
	if (!decimal(word, INT64_MAX, &value))
		return false;
	*out = minus ? -(int64_t)value : (int64_t)value;
	return true;
}

static bool process_id(struct trace_text word, uint32_t *out)
{
	uint64_t value;

	if (!decimal(word, INT32_MAX, &value) || value == 0)
		return false;
	*out = (uint32_t)value;
	return true;
}

static bool permissions(struct trace_text word, struct trace_event *event)
{
	static const char letters[] = "rwx";

	if (word.len != 4 || (word.at[3] != 'p' && word.at[3] != 's'))
		return false;
	for (unsigned int i = 0; i < 3; i++) {
		if (word.at[i] == letters[i])
			event->prot |= 1u << i;
		else if (word.at[i] != '-')
			return false;
	}
	event->shared = word.at[3] == 's';
	return true;
}

/* "-" or major:minor:inode, the first two hexadecimal as in /proc/PID/maps. */
static bool file_id(struct trace_text word, struct trace_file *file)
{
	struct trace_text part[2];
	uint64_t major, minor;

	if (word.len == 1 && word.at[0] == '-') {
		file->none = true;
		return true;
	}
	for (int i = 0; i < 2; i++) {
		const char *colon = memchr(word.at, ':', word.len);

		if (!colon)
			return false;
		part[i].at = word.at;
		part[i].len = (size_t)(colon - word.at);
		word.at += part[i].len + 1;
		word.len -= part[i].len + 1;
	}
	if (!number(part[0], 16, UINT32_MAX, &major) ||
	    !number(part[1], 16, UINT32_MAX, &minor) ||
	    !decimal(word, UINT64_MAX, &file->inode))
		return false;
	file->major = (uint32_t)major;
	file->minor = (uint32_t)minor;
	file->none = major == 0 && minor == 0 && file->inode == 0;
	return true;
}

/* One word into the field that the letter names; what it should have been if
 * it is not, else NULL. */
static const char *take_field(char letter, struct trace_text word,
			      struct trace_event *event)
{
	static const char not_hex[] = "not a hexadecimal number of 64 bits";
	uint64_t value;

	switch (letter) {
	case 'a':
		return hexadecimal(word, &event->addr) ? NULL : not_hex;
	case 'e':
		return hexadecimal(word, &event->end) ? NULL : not_hex;
	case 'l':
		return hexadecimal(word, &event->len) ? NULL : not_hex;
	case 'n':
		return hexadecimal(word, &event->new_len) ? NULL : not_hex;
	case 'N':
		return hexadecimal(word, &event->new_addr) ? NULL : not_hex;
	case 'p':
		return hexadecimal(word, &event->prot) ? NULL : not_hex;
	case 'f':
		return hexadecimal(word, &event->flags) ? NULL : not_hex;
	case 'o':
		return hexadecimal(word, &event->offset) ? NULL : not_hex;
	case 'R':
		return hexadecimal(word, &event->result) ? NULL : not_hex;
	case 'k':
		if (!number(word, 16, UINT32_MAX, &value))
			return "not a hexadecimal number of 32 bits";
		event->code = (uint32_t)value;
		return NULL;
	case 'r':
		return signed_decimal(word, &event->ret)
			   ? NULL
			   : "not a decimal number";
	case 'd':
		return signed_decimal(word, &event->advice)
			   ? NULL
			   : "not a decimal number";
	case 'c':
		return process_id(word, &event->child) ? NULL
						       : "not a process id";
	case 'q':
		return decimal(word, UINT64_MAX, &event->present)
			   ? NULL
			   : "not a number of pages";
	case 'g':
		return decimal(word, UINT64_MAX, &event->anon)
			   ? NULL
			   : "not a number of pages";
	case 'm':
		return permissions(word, event) ? NULL
						: "not permissions like rw-p";
	case 'F':
		return file_id(word, &event->file)
			   ? NULL
			   : "not a file (- or major:minor:inode)";
	default: /* '=' */
		return word.len == 1 && word.at[0] == '=' ? NULL : "not =";
	}
}

/* What is true of a line as a whole. */
static int check_event(struct trace_reader *reader,
		       const struct trace_event *event)
{
	const char *word = layouts[event->kind].word;

	switch (event->kind) {
	case TRACE_VMA:
	case TRACE_END:
		if ((event->addr | event->end) & PAGE_MASK)
			return bad(reader, "%s: not at page boundaries", word);
		if (event->addr >= event->end)
			return bad(reader, "%s: the end is not after the start",
				   word);
		if (event->anon > (event->end - event->addr) / 4096)
			return bad(reader,
				   "%s: more pages than it has room for", word);
		return 0;
	case TRACE_MMAP:
	case TRACE_MREMAP:
		if (!trace_is_errno(event->result) && event->result & PAGE_MASK)
			return bad(reader, "%s: the result is no page", word);
		return 0;
	default:
		return 0;
	}
}

static int parse_event(struct trace_reader *reader, struct trace_text line,
		       struct trace_event *event)
{
	struct trace_text word;
	const char *wrong;
	size_t kind;

	*event = (struct trace_event){.line = reader->line};
	if (!decimal(take_word(&line), UINT64_MAX, &event->time))
		return bad(reader, "the time is not a decimal number");
	if (!process_id(take_word(&line), &event->pid))
		return bad(reader, "the process id is not one");
	event->text = line;
	word = take_word(&line);
	for (kind = 0; kind < sizeof(layouts) / sizeof(*layouts); kind++)
		if (trace_text_is(word, layouts[kind].word))
			break;
	if (kind == sizeof(layouts) / sizeof(*layouts))
		return bad(reader, "unknown event \"%s\"", show(word).text);
	event->kind = (enum trace_kind)kind;

	for (const char *f = layouts[kind].fields; *f; f++) {
		if (*f == 't') {
			event->name = line;
			line.len = 0;
			if (event->name.len == 0 && event->kind != TRACE_EXEC)
				return bad(reader, "%s: the name is missing",
					   layouts[kind].word);
			break;
		}
		word = take_word(&line);
		wrong = take_field(*f, word, event);
		if (word.len == 0)
			wrong = "missing";
		if (wrong)
			return bad(reader, "%s: field %td \"%s\": %s",
				   layouts[kind].word,
				   f - layouts[kind].fields + 1,
				   show(word).text, wrong);
	}
	if (line.len > 0)
		return bad(reader, "%s: \"%s\" follows the last field",
			   layouts[kind].word, show(line).text);
	return check_event(reader, event);
}

/* The next line, without its newline: 1, 0 at the end, -1. */
static int next_line(struct trace_reader *reader, struct trace_text *line)
{
	size_t left = (size_t)(reader->stop - reader->at);
	size_t look = left > TRACE_LINE_MAX + 1 ? TRACE_LINE_MAX + 1 : left;
	const char *newline;

	if (left == 0)
		return 0;
	reader->line++;
	newline = memchr(reader->at, '\n', look);
	line->at = reader->at;
	line->len = newline ? (size_t)(newline - reader->at) : look;
	if (memchr(line->at, '\0', line->len))
		return bad(reader, "binary data, not a vmtrace");
	if (!newline && look < left)
		return bad(reader, "longer than %u bytes", TRACE_LINE_MAX);
	if (!newline)
		return bad(reader, "cut short: the last line does not end");
	reader->at = newline + 1;
	return 1;
}

/* The first line names the format and its version. */
static int check_first(struct trace_reader *reader, struct trace_text line)
{
	if (trace_text_is(line, "# vmtrace 1"))
		return 0;
	if (trace_text_begins(line, "# vmtrace "))
		return bad(
		    reader, "version \"%s\" of vmtrace is not known",
		    show((struct trace_text){line.at + 10, line.len - 10})
			.text);
	return bad(reader, "not a vmtrace: the first line is not "
			   "\"# vmtrace 1\"");
}

void trace_start(struct trace_reader *reader, const char *data, size_t size)
{
	*reader = (struct trace_reader){.at = data, .stop = data + size};
}

int trace_next(struct trace_reader *reader, struct trace_event *event)
{
	struct trace_text line;
	int got;

	while ((got = next_line(reader, &line)) > 0) {
		if (reader->line == 1) {
			if (check_first(reader, line) < 0)
				return -1;
		} else if (trace_text_begins(line, "# incomplete")) {
			reader->incomplete = true;
		} else if (line.len > 0 && line.at[0] != '#') {
			return parse_event(reader, line, event) < 0 ? -1 : 1;
		}
	}
	if (got == 0 && reader->line == 0) {
		reader->line = 1;
		return bad(reader, "empty, not a vmtrace");
	}
	return got;
}

bool trace_is_errno(uint64_t result)
{
	return result > UINT64_MAX - LINUX_MAX_ERRNO;
}

/* Is the text exactly this word? */
bool trace_text_is(struct trace_text text, const char *word)
{
	return strlen(word) == text.len && memcmp(word, text.at, text.len) == 0;
}

/* Does the text begin with this word? */
bool trace_text_begins(struct trace_text text, const char *word)
{
	size_t len = strlen(word);

	return len <= text.len && memcmp(word, text.at, len) == 0;
}
