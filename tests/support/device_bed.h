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
	BED_BLOCK = 512, /* pages */
	BED_BLOCKS = 1024,
	BED_EXTENT = 65536 / BED_BLOCK, /* usable beyond requested */
};

#define BED_ADDR UINT64_C(0x40000) /* pfn */

struct bed_listener {
	struct vmem_listener l;
	char name;
	int answer;	      /* to PLUGGING */
	void (*inside)(void); /* called from inside of notify */
};

extern struct vmem_device *bed_device;
extern struct vmem_link bed_link;
extern struct bed_listener bed_listener[3];
extern size_t bed_host_bytes; /* given out and not yet back */
extern unsigned int bed_interrupts;
extern int bed_commit_error; /* what the backing answers */
extern int bed_discard_error;
extern char bed_story[4096];

/* What a device of the bed is made of. */
struct vmem_device_config bed_config(uint64_t requested);
/* A device with n listeners: a, b, c. */
void bed_start(uint64_t requested, int n);
/* Free it; nothing may be left. */
void bed_end(void);

struct vmem_config bed_now(void);
uint64_t bed_plugged(void);
uint64_t bed_usable(void);

/* A request as it is sent: a pfn, and a number of blocks. */
enum vmem_response bed_raw(enum vmem_request_type type, uint64_t pfn,
			   uint64_t blocks);
enum vmem_response bed_plug(uint64_t first, uint64_t blocks);
enum vmem_response bed_unplug(uint64_t first, uint64_t blocks);
enum vmem_response bed_unplug_all(void);
/* The state of a range; -1: an error. */
int bed_state(uint64_t first, uint64_t blocks);
/* A wish that is granted. */
void bed_resize(uint64_t blocks);

/* Exactly this was written down; start over. */
#define bed_told(text)                             \
	do {                                       \
		ck_assert_str_eq(bed_story, text); \
		bed_story[0] = '\0';               \
	} while (0)

#endif
