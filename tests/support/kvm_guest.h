/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A writer whose writes KVM logs, in its dirty ring or its dirty bitmap: a
 * guest in 64-bit mode that stores to the pages it is told, one at a time. Its
 * tables and code lie in memory that is not logged, with the accessed and dirty
 * bits set, so that the log has the pages that were stored to and no others.
 */
#ifndef TESTS_SUPPORT_KVM_GUEST_H
#define TESTS_SUPPORT_KVM_GUEST_H

#include <stddef.h>
#include <stdint.h>

#include "lib/core/dirty_ring.h"

struct kvm_run;

struct kvm_guest {
	int kvm;
	int vm;
	int vcpu;
	struct kvm_run *run;
	size_t run_size;
	uint8_t *code; /* not logged */
	uint8_t *data; /* logged, pages long */
	uint64_t pages;
	struct dring_entry *memory; /* the ring, as its reader sees it */
	uint32_t entries;	    /* 0: no ring */
};

/* Pages at most. */
#define KVM_GUEST_PAGES 4096u

/* NULL, or why this machine cannot. With a ring of so many entries every page
 * is armed; with 0 entries nothing is logged yet. */
const char *kvm_guest_start(struct kvm_guest *k, uint64_t pages,
			    uint32_t entries);
void kvm_guest_stop(struct kvm_guest *k);
/* The guest stores value to a page. False: it was stopped before, because the
 * ring is soft-full. */
bool kvm_guest_store(struct kvm_guest *k, uint64_t page, uint64_t value);
/* KVM_RESET_DIRTY_RINGS: how many entries it took. */
uint32_t kvm_guest_reset_ring(struct kvm_guest *k);

/* --- without a ring: the bitmap ------------------------------------------- */

/* Begin to log, flags: PAGER_DIRTY_MANUAL, or that and _ALL_SET. NULL, or why
 * this KVM cannot. */
const char *kvm_guest_log(struct kvm_guest *k, uint32_t flags);
void kvm_guest_unlog(struct kvm_guest *k);
/* KVM_GET_DIRTY_LOG: all words of the pages. What is reported is clean and
 * armed then, but not with MANUAL. */
void kvm_guest_get(struct kvm_guest *k, uint64_t *words);
/* KVM_CLEAR_DIRTY_LOG, MANUAL only: bit 0 of words is page first. */
void kvm_guest_clear(struct kvm_guest *k, uint64_t first, uint64_t pages,
		     uint64_t *words);

#endif
