/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The peer Linux: a process of its own with one private anonymous mapping, all
 * of it populated, without huge pages, that forks when it is told to.
 *
 * It is started before the contestants of a row take their memory, so that it
 * has nothing but the mapping to pass on. It runs on the caller's CPU and waits
 * in read(2) while others are measured.
 */
#ifndef TOOLS_BENCH_LINUX_PEER_H
#define TOOLS_BENCH_LINUX_PEER_H

#include <stdint.h>

struct linux_peer;

/* order: a permutation of 0 .. pages - 1, for linux_peer_cow, which the caller
 * keeps; or NULL. NULL: such a process is not to be had here (no memory for
 * it, or fork was refused). */
struct linux_peer *linux_peer_new(uint64_t pages, const uint32_t *order);
/* NULL is fine. */
void linux_peer_free(struct linux_peer *peer);

struct linux_forks {
	double fork;  /* ns: the parent's call of fork() */
	double total; /* ns: until the child, which leaves at once, is gone */
};
/* The median of that many forks, with a write by the parent before each. All
 * NAN without a peer. */
struct linux_forks linux_peer_fork(struct linux_peer *peer, uint64_t forks);

/* Fork; the child writes 8 bytes to the first `writes` pages of the order and
 * leaves. ns until it is gone; NAN without a peer. */
double linux_peer_cow(struct linux_peer *peer, uint64_t writes);

/* Bytes of page tables that a forked child has, by its own account. */
double linux_peer_tables(struct linux_peer *peer);

#endif
