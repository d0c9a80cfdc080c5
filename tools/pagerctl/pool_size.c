/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Powers of 1024, and the two multiples around a size.
 */
#include "tools/pagerctl/pool_size.h"

#include <inttypes.h>
#include <stdio.h>

#include "tools/common/number.h"

const char *pool_size_text(uint64_t bytes, char buf[POOL_SIZE_TEXT])
{
	static const char *const units[] = {"", "K", "M", "G", "T"};
	size_t unit = 0;

	while (bytes != 0 && bytes % 1024 == 0 && unit < 4) {
		bytes /= 1024;
		unit++;
	}
	snprintf(buf, POOL_SIZE_TEXT, "%" PRIu64 "%s", bytes, units[unit]);
	return buf;
}

const char *pool_name_text(const char *name, char *buf, size_t size)
{
	snprintf(buf, size, "%s", name);
	for (char *p = buf; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	return buf;
}

/* The two multiples around bytes that the rule allows. */
static void advise(const char *text, uint64_t bytes,
		   const struct pool_size_rule *rule, char why[POOL_SIZE_WHY])
{
	char block[POOL_SIZE_TEXT], below[POOL_SIZE_TEXT],
	    above[POOL_SIZE_TEXT];
	uint64_t down = bytes - bytes % rule->block;

	pool_size_text(rule->block, block);
	pool_size_text(down, below);
	if (down <= rule->max && rule->max - down >= rule->block)
		snprintf(why, POOL_SIZE_WHY,
			 "%.40s: not a multiple of the block (%s): try %s or "
			 "%s",
			 text, block, below,
			 pool_size_text(down + rule->block, above));
	else
		snprintf(why, POOL_SIZE_WHY,
			 "%.40s: not a multiple of the block (%s): try %s",
			 text, block, below);
}

bool pool_size_read(const char *text, const struct pool_size_rule *rule,
		    uint64_t *out, char why[POOL_SIZE_WHY])
{
	char sign = *text == '+' || *text == '-' ? *text : '\0';
	char now[POOL_SIZE_TEXT], max[POOL_SIZE_TEXT];
	uint64_t bytes;

	pool_size_text(rule->now, now);
	pool_size_text(rule->max, max);
	if (!tool_number_parse(text + (sign != '\0'), &bytes)) {
		snprintf(why, POOL_SIZE_WHY,
			 "%.40s: not a size: say one like 512M or 2G, or a "
			 "change like +512M or -2G",
			 text);
		return false;
	}
	if (sign == '-' && bytes > rule->now) {
		snprintf(why, POOL_SIZE_WHY,
			 "%.40s: only %s is requested now: try -%s, or 0", text,
			 now, now);
		return false;
	}
	if (sign == '-')
		bytes = rule->now - bytes;
	else if (sign == '+' && bytes <= UINT64_MAX - rule->now)
		bytes += rule->now;
	else if (sign == '+')
		bytes = UINT64_MAX;
	if (bytes > rule->max) {
		snprintf(why, POOL_SIZE_WHY,
			 "%.40s: more than the pool has room for: at most %s, "
			 "requested now %s",
			 text, max, now);
		return false;
	}
	if (rule->block > 0 && bytes % rule->block != 0) {
		advise(text, bytes, rule, why);
		return false;
	}
	*out = bytes;
	return true;
}
