/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio-mem device with a scripted driver, backing and listeners. What the
 * device does to them is written down as it happens, so that order is tested
 * by comparing text. One device at a time; all in blocks, relative to the
 * region, if nothing else is said.
 */
#ifndef TESTS_SUPPORT_DEVICE_BED_H
#define TESTS_SUPPORT_DEVICE_BED_H

#include "lib/core/vmem.h"

enum {
	DBED_BLOCK = 512, /* pages */
	DBED_BLOCKS = 1024,
	DBED_EXTENT = 65536 / DBED_BLOCK, /* usable beyond requested */
};

#define DBED_ADDR UINT64_C(0x40000) /* pfn */

struct dbed_listener {
	struct vmem_listener l;
	char name;
	int answer;	      /* to PLUGGING */
	void (*inside)(void); /* called from inside of notify */
};

extern struct vmem_device *dbed_device;
extern struct vmem_link dbed_link;
extern struct dbed_listener dbed_listener[3];
extern size_t dbed_host_bytes; /* given out and not yet back */
extern unsigned int dbed_interrupts;
extern int dbed_commit_error; /* what the backing answers */
extern int dbed_discard_error;
extern char dbed_story[4096];

/* What a device of the bed is made of. */
struct vmem_device_config dbed_config(uint64_t requested);
/* A device with n listeners: a, b, c. */
void dbed_start(uint64_t requested, int n);
/* Free it; nothing may be left. */
void dbed_end(void);

struct vmem_config dbed_now(void);
uint64_t dbed_plugged(void);
uint64_t dbed_usable(void);

/* A request as it is sent: a pfn, and a number of blocks. */
enum vmem_response dbed_raw(enum vmem_request_type type, uint64_t pfn,
			    uint64_t blocks);
enum vmem_response dbed_plug(uint64_t first, uint64_t blocks);
enum vmem_response dbed_unplug(uint64_t first, uint64_t blocks);
enum vmem_response dbed_unplug_all(void);
/* The state of a range; -1: an error. */
int dbed_state(uint64_t first, uint64_t blocks);
/* A wish that is granted. */
void dbed_resize(uint64_t blocks);

/* Exactly this was written down; start over. */
#define dbed_told(text)                             \
	do {                                        \
		ck_assert_str_eq(dbed_story, text); \
		dbed_story[0] = '\0';               \
	} while (0)

#endif
