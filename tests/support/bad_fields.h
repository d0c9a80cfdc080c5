/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a field of a request (requests.h) must not be: zero, huge, unaligned,
 * wrapping, out of range, into the hole between the halves, handles that are
 * stale, made up, somebody else's or of another type of thing; with the error
 * pager-protocol(7) has for it.
 *
 * What is wrong follows from the names of request and field. A field of a new
 * operation that the table here does not know ends the test.
 */
#ifndef TESTS_SUPPORT_BAD_FIELDS_H
#define TESTS_SUPPORT_BAD_FIELDS_H

#include "tests/support/requests.h"

enum { BADS_MAX = 64 };

/* One value that is refused, and which field the refusal names (NULL: the one
 * that has the value). */
struct bad {
	uint64_t value;
	enum pager_error error;
	const char *blame;
};

struct bads {
	struct bad list[BADS_MAX];
	size_t count;
};

enum bad_kind {
	BAD_VALUES, /* those listed */
	BAD_TEXT,   /* no number: a name or a token */
	BAD_NONE,   /* it may be anything */
};

/* For a member of the request's body that is not reserved. */
enum bad_kind bad_fields(const struct request *r, const struct pager_field *f,
			 struct bads *out);

#endif
