/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random requests of any operation, with fields that mean something: handles
 * that a session has, addresses where things are mapped, lengths of some pages.
 * How often a field is nonsense instead can be chosen, from a client at work to
 * one that tries everything.
 *
 * The same seed and the same answers give the same requests.
 */
#ifndef TESTS_SUPPORT_NOISE_H
#define TESTS_SUPPORT_NOISE_H

#include "proto/codec.h"
#include "tests/support/rng.h"

enum { NOISE_HANDLES = 32 };

struct noise {
	struct rng rng;
	unsigned int nonsense; /* percent of fields */
	uint64_t spaces[NOISE_HANDLES];
	uint64_t objects[NOISE_HANDLES];
	uint64_t logs[NOISE_HANDLES];
	unsigned int space_count, object_count, log_count;
	uint8_t token[PAGER_TOKEN_SIZE]; /* the last one got */
	/* Handles to try now and then that are somebody else's. */
	const uint64_t *foreign;
	unsigned int foreign_count;
};

void noise_init(struct noise *noise, uint64_t seed, unsigned int nonsense);

/* The next request, as a packet of at most PAGER_MSG_MAX bytes: its length.
 * It is well-formed; what is in it may be refused. Never HELLO, and nothing
 * that needs file descriptors. */
size_t noise_request(struct noise *noise, void *packet, uint64_t seq);

/* One of an operation, without data, as a message of a batch. */
size_t noise_member(struct noise *noise, unsigned int op, void *packet,
		    uint64_t seq);

/* What was answered: new handles are remembered. */
void noise_answer(struct noise *noise, const struct pager_answer *answer);

#endif
