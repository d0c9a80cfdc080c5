/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * KVM's own dirty ring, with a writer: a guest in 64-bit mode that stores to
 * the pages it is told, one at a time. Its tables and code lie in memory that
 * is not logged, with the accessed and dirty bits set, so that the ring has
 * the pages that were stored to and no others.
 */
#ifndef TESTS_SUPPORT_KVM_RING_H
#define TESTS_SUPPORT_KVM_RING_H

#include <stddef.h>
#include <stdint.h>

#include "lib/core/dirty_ring.h"

struct kvm_run;

struct kvm_ring {
	int kvm;
	int vm;
	int vcpu;
	struct kvm_run *run;
	size_t run_size;
	uint8_t *code; /* not logged */
	uint8_t *data; /* logged, pages long */
	uint64_t pages;
	struct dring_entry *memory; /* the ring, as its reader sees it */
	uint32_t entries;
};

/* Pages at most. */
#define KVM_RING_PAGES 4096u

/* NULL, or why this machine cannot. Every page is armed. */
const char *kvm_ring_start(struct kvm_ring *k, uint64_t pages,
			   uint32_t entries);
void kvm_ring_stop(struct kvm_ring *k);
/* The guest stores value to a page. False: it was stopped before, because the
 * ring is soft-full. */
bool kvm_ring_store(struct kvm_ring *k, uint64_t page, uint64_t value);
/* KVM_RESET_DIRTY_RINGS: how many entries it took. */
uint32_t kvm_ring_reset(struct kvm_ring *k);

#endif
