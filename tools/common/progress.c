/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The line is rewritten in place; the first one comes after half a second, so
 * short work shows none.
 */
#include "tools/common/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define FIRST_MS 500u
#define EVERY_MS 100u

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

void tool_progress_init(struct tool_progress *progress, const char *what)
{
	*progress = (struct tool_progress){
	    .what = what,
	    .enabled = isatty(STDERR_FILENO) == 1,
	    .next_ms = now_ms() + FIRST_MS,
	};
}

void tool_progress_show(struct tool_progress *progress, uint64_t done,
			uint64_t total)
{
	uint64_t now;

	if (!progress->enabled)
		return;
	now = now_ms();
	if (now < progress->next_ms)
		return;
	progress->next_ms = now + EVERY_MS;
	progress->shown = true;
	if (total > 0)
		fprintf(stderr, "\r\033[K%s: %" PRIu64 " of %" PRIu64 " (%u%%)",
			progress->what, done, total,
			(unsigned int)((double)done * 100 / (double)total));
	else
		fprintf(stderr, "\r\033[K%s: %" PRIu64, progress->what, done);
	fflush(stderr);
}

void tool_progress_clear(struct tool_progress *progress)
{
	if (progress->shown)
		fputs("\r\033[K", stderr);
	progress->shown = false;
}
