/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What pagerctl prints, as text or as JSON. Each function makes its calls,
 * prints, and returns what the calls return (0, PAGER_REFUSED, ...).
 */
#ifndef TOOLS_PAGERCTL_PAGERCTL_H
#define TOOLS_PAGERCTL_PAGERCTL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <pager/pager.h>

struct view {
	FILE *out;
	bool json;
};

/* A list of the operation call, a row a line. */
int view_list(const struct view *view, struct pager *pager,
	      enum pager_call call);
/* As /proc/PID/maps; smaps: as /proc/PID/smaps. */
int view_maps(const struct view *view, struct pager *pager, uint64_t space,
	      bool smaps);
/* The reply's fields. body: the call's request, whole. */
int view_reply(const struct view *view, struct pager *pager,
	       enum pager_call call, const void *body);
/* The recount's result. *ok: no difference was found. */
int view_check(const struct view *view, struct pager *pager, bool *ok);
int view_user(const struct view *view, struct pager *pager, uint32_t uid);
int view_ping(const struct view *view, struct pager *pager);

#endif
