/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The names, the defaults and the conversion of limits.
 */
#include "server/limits.h"

#include <stddef.h>

static const char *const names[PAGER_USER_COUNT] = {
    [PAGER_USER_SPACES] = "spaces",	[PAGER_USER_OBJECTS] = "objects",
    [PAGER_USER_REGIONS] = "regions",	[PAGER_USER_BYTES] = "bytes",
    [PAGER_USER_FRAMES] = "frames",	[PAGER_USER_NODES] = "nodes",
    [PAGER_USER_SESSIONS] = "sessions", [PAGER_USER_QUEUED] = "queued",
};

const char *srv_limits_name(unsigned int index)
{
	return index < PAGER_USER_COUNT ? names[index] : NULL;
}

bool srv_limits_in_bytes(unsigned int index)
{
	return index == PAGER_USER_BYTES || index == PAGER_USER_QUEUED;
}

void srv_limits_clear(struct srv_limits *limits)
{
	for (unsigned int i = 0; i < PAGER_USER_COUNT; i++)
		limits->max[i] = SRV_LIMIT_UNSAID;
}

void srv_limits_fill(struct srv_limits *limits, const struct srv_limits *other)
{
	for (unsigned int i = 0; i < PAGER_USER_COUNT; i++)
		if (limits->max[i] == SRV_LIMIT_UNSAID)
			limits->max[i] = other->max[i];
}

void srv_limits_default(struct srv_limits *limits, uint64_t frames,
			uint64_t nodes, bool admin)
{
	*limits = (struct srv_limits){{
	    [PAGER_USER_SPACES] = 131072,
	    [PAGER_USER_OBJECTS] = 131072,
	    [PAGER_USER_REGIONS] = UINT64_C(1) << 24,
	    [PAGER_USER_BYTES] = UINT64_C(1) << 60,
	    [PAGER_USER_FRAMES] = admin ? SRV_LIMIT_NONE : frames / 2,
	    [PAGER_USER_NODES] = admin ? SRV_LIMIT_NONE : nodes / 2,
	    [PAGER_USER_SESSIONS] = 128,
	    [PAGER_USER_QUEUED] = UINT64_C(16) << 20,
	}};
}

static uint64_t to_pages(uint64_t bytes)
{
	return bytes == SRV_LIMIT_NONE ? bytes : bytes >> PAGER_PAGE_SHIFT;
}

void srv_limits_to_core(const struct srv_limits *limits,
			uint64_t out[PAGER_RES_COUNT])
{
	out[PAGER_RES_SPACES] = limits->max[PAGER_USER_SPACES];
	out[PAGER_RES_OBJECTS] = limits->max[PAGER_USER_OBJECTS];
	out[PAGER_RES_REGIONS] = limits->max[PAGER_USER_REGIONS];
	out[PAGER_RES_PAGES] = to_pages(limits->max[PAGER_USER_BYTES]);
	out[PAGER_RES_FRAMES] = limits->max[PAGER_USER_FRAMES];
	out[PAGER_RES_NODES] = limits->max[PAGER_USER_NODES];
}
