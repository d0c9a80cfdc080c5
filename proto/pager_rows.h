/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rows of lists: what stands in the data of replies, and may grow at its
 * end. Part of pager_wire.h, which see.
 */
#ifndef PROTO_PAGER_ROWS_H
#define PROTO_PAGER_ROWS_H

#include <stdint.h>

#include "proto/pager_abi.h"

/* Bytes of a name, with its NUL; zero-padded. */
#define PAGER_NAME_MAX 48u

struct pager_row_backend {
	uint32_t backend;
	uint32_t available;
	char name[16];
	char reason[104]; /* why it is not available */
};

struct pager_row_session {
	uint64_t session;
	uint32_t uid;
	uint32_t pid;
	uint64_t requests;
	uint64_t spaces;
	uint64_t objects;
	uint64_t queued_bytes;
};

struct pager_row_space {
	uint64_t space;
	uint64_t id;
	uint64_t parent; /* id */
	uint64_t session;
	uint32_t uid;
	uint32_t backend;
	uint64_t virtual_bytes;
	uint64_t resident_bytes;
	uint64_t regions;
	char name[PAGER_NAME_MAX];
};

struct pager_row_object {
	uint64_t object;
	uint64_t id;
	uint64_t session;
	uint32_t uid;
	uint32_t reserved;
	uint64_t size;
	uint64_t resident_bytes;
	uint64_t mappings;
	char name[PAGER_NAME_MAX];
};

struct pager_row_region {
	uint64_t start;
	uint64_t end; /* 0: 2^64 */
	uint32_t prot;
	uint32_t flags;	 /* PAGER_REGION_* */
	uint64_t object; /* the object's id, or 0 */
	uint64_t offset;
	uint64_t anon; /* present pages by type */
	uint64_t zero;
	uint64_t borrowed;
	uint64_t private_pages; /* with PAGER_LIST_SHARING, else 0 */
	uint64_t shared_pages;
	uint64_t proportional; /* bytes */
};

/* Sizes are in bytes. */
struct pager_row_pool {
	uint32_t pool;
	uint32_t flags; /* PAGER_POOL_BOOT and so on */
	char name[PAGER_POOL_NAME_MAX];
	uint32_t node;
	uint32_t error; /* errno, or 0 */
	uint64_t addr;
	uint64_t region;
	uint64_t usable;
	uint64_t requested;
	uint64_t plugged;
	uint64_t online;
	uint64_t offline;
	uint64_t used;
	uint64_t pinned;
	uint64_t block;
	uint64_t sub_block;
	uint64_t memory_block;
	uint64_t grow_max;
	uint64_t moved;
	uint64_t busy;
	uint64_t next_try_ms;
	uint64_t wishes;
};

struct pager_row_block {
	uint64_t addr;
	uint32_t state;	 /* pager_block_state */
	uint32_t zone;	 /* pager_zone, if it is online */
	uint32_t driver; /* pager_sbm_state or pager_bbm_state */
	uint32_t reserved;
	uint64_t plugged;
	uint64_t used;
	uint64_t pinned;
	uint64_t free_runs;
};

/* 2 MiB. The rows are neighbours: only the first needs an address, which
 * follows from the cursor. Counts of pages. */
struct pager_row_cell {
	uint8_t state;
	uint8_t zone;
	uint16_t plugged;
	uint16_t used;
	uint16_t pinned;
};

struct pager_row_holder {
	uint64_t space;
	uint64_t object;
	uint64_t addr;
	uint64_t len;
	uint64_t pinned;
};

struct pager_row_event {
	uint64_t number;
	uint64_t time_ms;
	uint64_t addr;
	uint64_t value;
	uint32_t pool;
	uint32_t type; /* pager_pool_event_type */
};

struct pager_row_dirty {
	uint64_t log;
	uint64_t space_id; /* 0: the space has ended */
	uint64_t addr;
	uint64_t len;
	uint32_t method; /* pager_dirty_method, never AUTO */
	uint32_t flags;	 /* PAGER_DIRTY_* */
	uint64_t dirty;	 /* pages, as last brought up to date */
};

#endif
