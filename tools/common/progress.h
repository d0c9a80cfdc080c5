/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One line that says how far long work has come, on standard error and only
 * if that is a terminal; at most ten times a second.
 */
#ifndef TOOLS_COMMON_PROGRESS_H
#define TOOLS_COMMON_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct tool_progress {
	const char *what;
	bool enabled;
	bool shown;
	uint64_t next_ms;
};

/* what: a word or two, which must outlive it. */
void tool_progress_init(struct tool_progress *progress, const char *what);
/* total 0: not known. */
void tool_progress_show(struct tool_progress *progress, uint64_t done,
			uint64_t total);
/* Wipe the line, before anything else is printed and at the end. */
void tool_progress_clear(struct tool_progress *progress);

#endif
