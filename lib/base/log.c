/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines are built in a buffer on the stack, so that logging needs no memory
 * when there is none. A line that cannot be written is lost in silence.
 */
#include "lib/base/log.h"

/* vis.h wants to know which strnvis() is meant; none is used here. */
#define LIBBSD_OPENBSD_VIS
#include <bsd/vis.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_BYTES = 1000 };

static const char *log_name;
static enum pager_log_level log_level = PAGER_LOG_NOTICE;

void pager_log_setup(const char *name, enum pager_log_level level)
{
	log_name = name;
	log_level = level;
}

enum pager_log_level pager_log_level(void)
{
	return log_level;
}

/* Append what fits; the length never passes LINE_BYTES. */
__attribute__((format(printf, 3, 0))) static size_t
append(char *line, size_t at, const char *format, va_list args)
{
	int n = vsnprintf(line + at, LINE_BYTES - at, format, args);

	if (n < 0)
		return at;
	return at + (size_t)n < LINE_BYTES ? at + (size_t)n : LINE_BYTES - 1;
}

__attribute__((format(printf, 3, 4))) static size_t
append_text(char *line, size_t at, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	at = append(line, at, format, args);
	va_end(args);
	return at;
}

__attribute__((format(printf, 2, 0))) static void
write_line(uint32_t lost, const char *format, va_list args)
{
	char line[LINE_BYTES + 1];
	int saved = errno;
	size_t at = 0;
	ssize_t n;

	if (log_name)
		at = append_text(line, at, "%s: ", log_name);
	at = append(line, at, format, args);
	if (lost)
		at = append_text(line, at, " (%u more not logged)", lost);
	line[at++] = '\n';
	do
		n = write(STDERR_FILENO, line, at);
	while (n < 0 && errno == EINTR);
	errno = saved;
}

void pager_log(enum pager_log_level level, const char *format, ...)
{
	va_list args;

	if (level > log_level)
		return;
	va_start(args, format);
	write_line(0, format, args);
	va_end(args);
}

int pager_log_allow(struct pager_log_limit *limit, uint64_t now_ms,
		    uint32_t *lost)
{
	if (!limit->start_ms ||
	    now_ms - limit->start_ms >= PAGER_LOG_WINDOW_MS) {
		limit->start_ms = now_ms ? now_ms : 1;
		limit->lines = 0;
	}
	if (limit->lines == PAGER_LOG_BURST) {
		limit->lost++;
		return 0;
	}
	limit->lines++;
	*lost = limit->lost;
	limit->lost = 0;
	return 1;
}

void pager_log_limited(struct pager_log_limit *limit,
		       enum pager_log_level level, const char *format, ...)
{
	struct timespec now;
	uint32_t lost;
	va_list args;

	if (level > log_level)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!pager_log_allow(limit,
			     (uint64_t)now.tv_sec * 1000 +
				 (uint64_t)now.tv_nsec / 1000000,
			     &lost))
		return;
	va_start(args, format);
	write_line(lost, format, args);
	va_end(args);
}

const char *pager_log_escape(char buf[PAGER_LOG_ESCAPE], const char *text,
			     size_t len)
{
	if (len > PAGER_LOG_TEXT)
		len = PAGER_LOG_TEXT;
	len = strnlen(text, len);
	strvisx(buf, text, len, VIS_TAB | VIS_NL | VIS_CSTYLE | VIS_NOLOCALE);
	return buf;
}
