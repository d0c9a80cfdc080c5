/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * KVM's dirty ring as oracle: a guest writes pages, a reader collects entries,
 * sometimes skipping some, and resets; the same is done with ours. After every
 * step both rings are the same, entry by entry, also where they are zero
 * again: states, order and pages.
 *
 * Left out: a reader that gives back what was never pushed. KVM's ring then
 * loses its count (it trusts its reader); ours does not.
 *
 * KVM keeps at least 64 entries for what cannot wait, and what the processor
 * collects of itself; we keep an eighth. Where KVM stops the writer is found
 * out, and ours is made to stop there.
 *
 * Environment: PAGER_SEED, PAGER_SEEDS, PAGER_STEPS.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/hunt.h"
#include "tests/support/kvm_guest.h"
#include "tests/support/rng.h"
#include "tests/support/world.h"

enum { PAGES = KVM_GUEST_PAGES, ENTRIES_MAX = 4096 };

static struct kvm_guest kvm;
static struct dring ours;
static struct dring_entry memory[ENTRIES_MAX];
static uint64_t copy[ENTRIES_MAX];
static bool armed[PAGES];
static uint64_t stores, stops, resets, again;

static struct dring_entry *entry(struct dring_entry *of, uint64_t i)
{
	return of + (i & (ours.entries - 1));
}

static void compare(const char *after)
{
	for (uint32_t i = 0; i < ours.entries; i++) {
		const struct dring_entry *a = kvm.memory + i, *b = memory + i;

		if (a->flags != b->flags || a->slot != b->slot ||
		    a->offset != b->offset)
			test_die("after %s: entry %u is %u %u %" PRIu64
				 ", in KVM %u %u %" PRIu64,
				 after, i, b->flags, b->slot, b->offset,
				 a->flags, a->slot, a->offset);
	}
}

/* KVM may report a page again that it has not armed: when it had to forget the
 * page's entry. That is its input, not the ring's. */
static bool was_pushed(void)
{
	return !dring_full(&ours) && entry(kvm.memory, ours.head)->flags;
}

/* False: the writer was stopped, on both sides. */
static bool store(uint64_t page)
{
	const bool soft = dring_soft_full(&ours);

	if (kvm_guest_store(&kvm, page, ++stores) == soft)
		test_die("%u used: KVM %s the writer", dring_used(&ours),
			 soft ? "does not stop" : "stops");
	if (soft) {
		stops++;
	} else if (armed[page] || was_pushed()) {
		again += !armed[page];
		dring_push(&ours, page);
		armed[page] = false;
	}
	compare(soft ? "a stop" : "a store");
	return !soft;
}

/* The reader takes the i-th entry from the tail, if it has not already. */
static void collect(uint32_t i)
{
	entry(memory, ours.tail + i)->flags = PAGER_RING_RESET;
	entry(kvm.memory, ours.tail + i)->flags = PAGER_RING_RESET;
}

static void arm(void *ctx, uint64_t page)
{
	(void)ctx;
	armed[page] = true;
}

static void reset(void)
{
	uint32_t theirs = kvm_guest_reset_ring(&kvm);
	uint32_t n = dring_reset(&ours, UINT32_MAX, arm, NULL);

	if (n != theirs)
		test_die("a reset of %u entries, in KVM %u", n, theirs);
	resets += n;
	compare("a reset");
}

static void drain(void)
{
	for (uint32_t i = 0; i < dring_used(&ours); i++)
		collect(i);
	compare("collecting all");
	reset();
	if (dring_used(&ours))
		test_die("%u left after all", dring_used(&ours));
}

/* NULL, or why it cannot be done here. */
static const char *start(uint32_t entries)
{
	const char *why = kvm_guest_start(&kvm, PAGES, entries);

	if (why)
		return why;
	dring_init(&ours, memory, entries, copy);
	ours.soft = entries;
	memset(armed, true, sizeof(armed));
	compare("the start");
	return NULL;
}

/* Where KVM stops its writer. */
static uint32_t find_soft(void)
{
	uint32_t n;

	for (n = 0; n < ours.entries; n++) {
		if (!kvm_guest_store(&kvm, n, ++stores))
			break;
		dring_push(&ours, n);
		armed[n] = false;
		compare("a first store");
	}
	drain();
	return n;
}

static void fill_at_every_position(void)
{
	uint64_t page = 0;

	for (uint32_t at = 0; at < ours.entries; at += 31) {
		while (ours.head % ours.entries != at) {
			store(page++ % PAGES);
			drain();
		}
		while (store(page++ % PAGES))
			;
		for (int i = 0; i < 3; i++)
			if (store(page++ % PAGES))
				test_die("a full ring lets a writer go on");
		drain();
	}
}

static void random_steps(uint64_t seed, uint64_t steps)
{
	struct rng r = rng_new(seed);
	unsigned int writes = 50;

	for (uint64_t i = 0; i < steps; i++) {
		if (i % 1000 == 0)
			writes = (unsigned int)rng_below(&r, 100);
		if (rng_percent(&r, writes)) {
			store(rng_below(&r, PAGES / 2));
		} else if (rng_percent(&r, 30)) {
			reset();
		} else if (dring_used(&ours)) {
			uint32_t n = dring_used(&ours);
			uint32_t from = (uint32_t)rng_below(&r, n);
			uint32_t to = from + (uint32_t)rng_below(&r, 9);

			if (rng_percent(&r, 70))
				from = 0;
			for (; from < to && from < n; from++)
				collect(from);
			compare("collecting");
		}
	}
	drain();
}

static int run(uint32_t entries)
{
	const uint64_t first = hunt_number("PAGER_SEED", 1);
	const uint64_t seeds = hunt_number("PAGER_SEEDS", 4);
	const uint64_t steps = hunt_number("PAGER_STEPS", 20000);

	ours.soft = find_soft();
	if (ours.soft + 64 > entries)
		test_die("KVM keeps only %u entries", entries - ours.soft);
	fill_at_every_position();
	for (uint64_t seed = first; seed < first + seeds; seed++)
		random_steps(seed, steps);
	if (!stops || !resets)
		test_die("the ring was never full");
	printf("%u entries, soft-full at %u: %" PRIu64 " stores, %" PRIu64
	       " stops, %" PRIu64 " resets, %" PRIu64 " pages again\n",
	       entries, ours.soft, stores, stops, resets, again);
	kvm_guest_stop(&kvm);
	return 0;
}

int main(void)
{
	const char *why = NULL;

	for (uint32_t n = 512; n <= ENTRIES_MAX; n *= 2) {
		why = start(n);
		if (!why)
			return run(n);
	}
	printf("skipped: %s\n", why);
	return 77;
}
