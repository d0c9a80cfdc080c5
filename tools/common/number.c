/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Digit by digit, with the overflow looked for before it happens.
 */
#include "tools/common/number.h"

#include <stdio.h>
#include <string.h>

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 99;
}

static bool digits(const char *text, size_t len, unsigned int base,
		   uint64_t *out)
{
	uint64_t value = 0;

	if (len == 0)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned int d = (unsigned int)digit_of(text[i]);

		if (d >= base || value > (UINT64_MAX - d) / base)
			return false;
		value = value * base + d;
	}
	*out = value;
	return true;
}

bool tool_number_parse_n(const char *text, size_t len, uint64_t *out)
{
	static const char suffixes[] = "KMGT";
	unsigned int base = 10, shift = 0;
	const char *suffix;
	uint64_t value;

	if (len == 0)
		return false;
	suffix = memchr(suffixes, text[len - 1], sizeof(suffixes) - 1);
	if (suffix) {
		shift = 10 * (unsigned int)(suffix - suffixes + 1);
		len--;
	}
	if (len > 2 && text[0] == '0' && text[1] == 'x') {
		base = 16;
		text += 2;
		len -= 2;
	}
	if (!digits(text, len, base, &value) || value > UINT64_MAX >> shift)
		return false;
	*out = value << shift;
	return true;
}

bool tool_number_parse(const char *text, uint64_t *out)
{
	return tool_number_parse_n(text, strlen(text), out);
}

bool tool_hex_parse_n(const char *text, size_t len, uint64_t *out)
{
	return len <= 16 && digits(text, len, 16, out);
}

const char *tool_size_text(uint64_t bytes, char buf[TOOL_SIZE_TEXT])
{
	static const char *const units[] = {"KiB", "MiB", "GiB",
					    "TiB", "PiB", "EiB"};
	double value = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		snprintf(buf, TOOL_SIZE_TEXT, "%u B", (unsigned int)bytes);
		return buf;
	}
	for (; value >= 1024 && unit < 5; unit++)
		value /= 1024;
	snprintf(buf, TOOL_SIZE_TEXT, value < 10 ? "%.1f %s" : "%.0f %s", value,
		 units[unit]);
	return buf;
}
