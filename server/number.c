/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * strtonum(3) does the ranges; the digits are looked at first, because it
 * would take blanks and signs.
 */
#include "server/number.h"

#include <bsd/stdlib.h>
#include <ctype.h>
#include <stddef.h>
#include <string.h>

enum { DIGITS_MAX = 19 };

static const char *parse(const char *text, size_t digits, uint64_t min,
			 uint64_t max, uint64_t *out)
{
	char copy[DIGITS_MAX + 1];
	const char *why;
	long long value;

	if (digits == 0)
		return "not a number";
	if (digits > DIGITS_MAX)
		return "too large";
	memcpy(copy, text, digits);
	copy[digits] = '\0';
	value = strtonum(copy, (long long)min, (long long)max, &why);
	if (why)
		return why;
	*out = (uint64_t)value;
	return NULL;
}

static size_t count_digits(const char *text)
{
	size_t n = 0;

	while (isdigit((unsigned char)text[n]))
		n++;
	return n;
}

const char *srv_number_count(const char *text, uint64_t min, uint64_t max,
			     uint64_t *out)
{
	size_t digits = count_digits(text);

	if (text[digits])
		return "not a number";
	return parse(text, digits, min, max, out);
}

const char *srv_number_size(const char *text, uint64_t min, uint64_t max,
			    uint64_t *out)
{
	static const char units[] = "KMGT";
	size_t digits = count_digits(text);
	const char *why, *unit;
	unsigned int shift = 0;
	uint64_t value = 0;

	if (digits && text[digits]) {
		unit = strchr(units, text[digits]);
		if (!unit || text[digits + 1])
			return "not a size";
		shift = 10 * (unsigned int)(unit - units + 1);
	}
	why = parse(text, digits, 0, max >> shift, &value);
	if (why)
		return why;
	value <<= shift;
	if (value < min)
		return "too small";
	*out = value;
	return NULL;
}

const char *srv_number_limit(const char *text, int bytes, uint64_t *out)
{
	if (strcmp(text, "none") == 0) {
		*out = UINT64_MAX;
		return NULL;
	}
	if (bytes)
		return srv_number_size(text, 0, INT64_MAX, out);
	return srv_number_count(text, 0, INT64_MAX, out);
}
