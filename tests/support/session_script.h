/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inputs of fuzz_session: a row of things that clients do, each
 *
 *	| what, low 4 bits; who, high 4 bits | argument | length, 16 bits |
 *bytes |
 *
 * so that any bytes are an input. The fuzzer reads them, test_corpus writes
 * them.
 */
#ifndef TESTS_SUPPORT_SESSION_SCRIPT_H
#define TESTS_SUPPORT_SESSION_SCRIPT_H

#include <stddef.h>
#include <stdint.h>

enum session_what {
	SESSION_JOIN,	 /* argument: which user; SESSION_ACCEPT: as it is */
	SESSION_RAW,	 /* the bytes are a packet; argument: descriptors */
	SESSION_REQUEST, /* the same, with a length that is right; a TAKE gets
			  * the last token that was given if its own is all
			  * ones. The first descriptor is a sealed memfd */
	SESSION_READ,	 /* argument: replies at most */
	SESSION_TURN,	 /* the server has its turns */
	SESSION_SHUT,	 /* argument: as shutdown(2) has it */
	SESSION_LEAVE,
	SESSION_WHATS
};

enum {
	SESSION_HEAD = 4,
	SESSION_CLIENTS = 6,
	SESSION_ACCEPT = 3,
	SESSION_FDS = 10, /* descriptors of one packet, at most */
};

struct session_step {
	enum session_what what;
	unsigned int who; /* 0 .. SESSION_CLIENTS - 1 */
	uint8_t argument;
	const uint8_t *bytes;
	size_t len;
};

/* The next step; *data and *size move behind it. 0: the end. */
static inline int session_next(const uint8_t **data, size_t *size,
			       struct session_step *step)
{
	if (*size < SESSION_HEAD)
		return 0;
	step->what = (enum session_what)(((*data)[0] & 15) % SESSION_WHATS);
	step->who = ((*data)[0] >> 4) % SESSION_CLIENTS;
	step->argument = (*data)[1];
	step->len = (size_t)(*data)[2] | (size_t)(*data)[3] << 8;
	step->bytes = *data + SESSION_HEAD;
	*size -= SESSION_HEAD;
	if (step->len > *size)
		step->len = *size;
	*data = step->bytes + step->len;
	*size -= step->len;
	return 1;
}

#endif
