/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log: one line an event, on standard error, written whole with one call.
 * What a client can cause any number of times goes through a limit; what a
 * client chose the bytes of goes through the escape.
 *
 * One log for the process; not for use by several threads.
 */
#ifndef LIB_BASE_LOG_H
#define LIB_BASE_LOG_H

#include <stddef.h>
#include <stdint.h>

enum pager_log_level {
	PAGER_LOG_ERROR,  /* somebody has to look */
	PAGER_LOG_NOTICE, /* worth a line: start, stop, a dropped connection */
	PAGER_LOG_INFO,	  /* who comes and goes */
	PAGER_LOG_DEBUG,  /* what they ask for */
};

/* name (static) stands in front of every line; lines above level are dropped.
 * Before the first call nothing has a name and NOTICE is the level. */
void pager_log_setup(const char *name, enum pager_log_level level);
enum pager_log_level pager_log_level(void);

/* One line; a newline is added. What is longer than 1,000 bytes is cut. */
void pager_log(enum pager_log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* At most PAGER_LOG_BURST lines in PAGER_LOG_WINDOW_MS; the next line that is
 * let through says how many were not. All zero is ready for use. */
#define PAGER_LOG_BURST	    20u
#define PAGER_LOG_WINDOW_MS 10000u
struct pager_log_limit {
	uint64_t start_ms; /* of the window; 0: none yet */
	uint32_t lines;
	uint32_t lost;
};
void pager_log_limited(struct pager_log_limit *limit,
		       enum pager_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The decision alone, for a time in milliseconds: 1 if a line may be written,
 * then *lost is how many were dropped since the last. */
int pager_log_allow(struct pager_log_limit *limit, uint64_t now_ms,
		    uint32_t *lost);

/* Foreign bytes for a log line: what is not printable ASCII, and backslashes,
 * become escapes. At most PAGER_LOG_TEXT bytes of it, up to the first NUL.
 * buf holds 4 bytes for each and a NUL. Returns buf. */
#define PAGER_LOG_TEXT	 64u
#define PAGER_LOG_ESCAPE (4u * PAGER_LOG_TEXT + 1)
const char *pager_log_escape(char buf[PAGER_LOG_ESCAPE], const char *text,
			     size_t len);

#endif
