/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The wire: what stands in a packet, to the byte.
 *
 * One SOCK_SEQPACKET packet is one message: a header, a body (the operation's
 * struct), then data if the operation has any:
 *
 *	0            32              32 + body        length
 *	+------------+---------------+----------------+
 *	| pager_hdr  | body          | data, padded   |
 *	+------------+---------------+----------------+
 *	                             |<- pad8(data_len) ->|
 *
 * Native endian; every struct is a multiple of 8 bytes without hidden padding;
 * pager_fields.def pins sizes and offsets. Addresses and lengths are in bytes.
 * A body may be shorter than its struct, by multiples of 8: what is missing
 * reads as zero. It may be longer: a tail that is not zero is refused. Padding
 * is zero. A refusal is a header alone (HELLO's EVERSION has its body).
 * pager-protocol(7) is the normative text.
 *
 * Changelog
 *	1.0	The first version.
 *	1.1	Pools: POOL_LIST (70) to POOL_GROW (80), and what STATS has of
 *		them at its end. SPACE_POLICY (18). MAP's CONTIG and the flags
 *		that go with it.
 *	1.2	Dirty logs: DIRTY_START (90) to DIRTY_LIST (99), and handles of
 *		logs. The first file descriptors in requests. SPACE_PAUSE (19).
 *		STATS says at its end how many logs and pauses there are.
 *		PEEK (100).
 */
#ifndef PROTO_PAGER_WIRE_H
#define PROTO_PAGER_WIRE_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/pager_abi.h"
#include "proto/pager_rows.h"

#define PAGER_VERSION_MAJOR 1
#define PAGER_VERSION_MINOR 2
#define PAGER_MAGIC	    0x72676170u /* "pagr", little endian */

/* The longest message, header included; and what READ and WRITE carry. */
#define PAGER_MSG_MAX	 65536u
#define PAGER_DATA_MAX	 61440u
#define PAGER_FDS_MAX	 8u
#define PAGER_BATCH_MAX	 256u
#define PAGER_TOKEN_SIZE 16u

#define PAGER_HDR_SIZE	32u
#define PAGER_HDR_REPLY 0x1u /* the only header flag; in replies */

#define PAGER_FEATURE_BATCH  UINT64_C(0x1)
#define PAGER_FEATURE_ATOMIC UINT64_C(0x2)
#define PAGER_FEATURES	     UINT64_C(0x3)

#define PAGER_BATCH_ATOMIC 0x1u
#define PAGER_BRK_START	   0x1u
#define PAGER_LIST_SHARING 0x1u /* REGION_LIST: fill in the sharing fields */

/* DIRTY_GET and DIRTY_GET_FD: what is reported is clean from then on. */
#define PAGER_DIRTY_GET_CLEAR 0x1u
/* DIRTY_WRITEBACK's steps. */
#define PAGER_WRITEBACK_BEGIN 1u
#define PAGER_WRITEBACK_END   2u
#define PAGER_PAUSE_MAX_MS    60000u

/* What a handle is of, as TAKE answers it. */
#define PAGER_HANDLE_SPACE  1u
#define PAGER_HANDLE_OBJECT 2u
#define PAGER_HANDLE_LOG    3u /* cannot be given */

/* Indexes into pager_rep_user's used and limit. */
enum pager_user_index {
	PAGER_USER_SPACES = 0,
	PAGER_USER_OBJECTS = 1,
	PAGER_USER_REGIONS = 2,
	PAGER_USER_BYTES = 3, /* virtual, and sizes of objects */
	PAGER_USER_FRAMES = 4,
	PAGER_USER_NODES = 5,
	PAGER_USER_SESSIONS = 6,
	PAGER_USER_QUEUED = 7, /* reply bytes nobody has read */
	PAGER_USER_COUNT = 8
};

struct pager_hdr {
	uint32_t length; /* of the whole message; the packet's length */
	uint16_t op;
	uint16_t flags;
	uint64_t seq;	/* chosen by the client, echoed */
	uint16_t error; /* replies: pager_error */
	uint16_t nfds;	/* file descriptors that come with it */
	uint32_t field; /* refusals: offset of the field to blame from the
			 * start of the request (of its header), or 0 */
	uint32_t data_len;
	uint32_t reserved;
};

/* --- requests ------------------------------------------------------------ */

struct pager_req_none {
	uint64_t reserved;
};

struct pager_req_hello {
	uint32_t magic;
	uint16_t major;
	uint16_t minor;
	uint64_t features; /* wanted */
};

struct pager_req_ping {
	uint64_t cookie;
};

struct pager_req_batch {
	uint32_t flags; /* PAGER_BATCH_* */
	uint32_t count; /* messages in data, each with header, 8-aligned */
};

struct pager_req_user {
	uint32_t uid; /* UINT32_MAX: the caller's own */
	uint32_t reserved;
};

struct pager_req_cursor {
	uint64_t cursor; /* 0: from the start; else the last answer's next */
};

struct pager_req_space_create {
	uint32_t backend;     /* pager_backend */
	uint32_t flags;	      /* none yet */
	uint64_t start;	      /* lowest address; start = end = 0: 64 KiB up to
			       * 2^47 - 4 KiB, as Linux has it */
	uint64_t end;	      /* first beyond; 0: 2^64 */
	uint64_t max_regions; /* 0: the default */
	uint64_t max_bytes;
	uint64_t max_resident; /* bytes */
	uint64_t max_stack;    /* bytes */
	char name[PAGER_NAME_MAX];
};

struct pager_req_space {
	uint64_t space;
};

struct pager_req_handle {
	uint64_t handle;
};

/* SPACE_SHARING, SPACE_RESIDENT and HARVEST: addr = len = 0 is all of it. */
struct pager_req_range {
	uint64_t space;
	uint64_t addr;
	uint64_t len;
};

struct pager_req_map {
	uint64_t space;
	uint64_t addr; /* hint or place; 0 without FIXED: no wish */
	uint64_t len;
	uint32_t prot;
	uint32_t flags;
	uint64_t object; /* 0: anonymous */
	uint64_t offset;
};

struct pager_req_protect {
	uint64_t space;
	uint64_t addr;
	uint64_t len;
	uint32_t prot;
	uint32_t reserved;
};

struct pager_req_remap {
	uint64_t space;
	uint64_t addr;
	uint64_t len;
	uint64_t new_len;
	uint64_t new_addr;
	uint32_t flags;
	uint32_t reserved;
};

struct pager_req_brk {
	uint64_t space;
	uint64_t brk;	/* 0: only ask */
	uint32_t flags; /* PAGER_BRK_START: here the heap starts */
	uint32_t reserved;
};

struct pager_req_advise {
	uint64_t space;
	uint64_t addr;
	uint64_t len;
	uint32_t advice;
	uint32_t reserved;
};

struct pager_req_region_list {
	uint64_t space;
	uint64_t cursor;
	uint32_t flags; /* PAGER_LIST_* */
	uint32_t max;	/* rows, 0: as many as fit */
};

struct pager_req_addr {
	uint64_t space;
	uint64_t addr;
};

struct pager_req_fault {
	uint64_t space;
	uint64_t addr;
	uint32_t access; /* exactly one PAGER_ACCESS_* */
	uint32_t reserved;
};

struct pager_req_populate {
	uint64_t space;
	uint64_t addr;
	uint64_t len;
	uint32_t access;
	uint32_t reserved;
};

struct pager_req_read {
	uint64_t space;
	uint64_t addr;
	uint32_t len; /* at most PAGER_DATA_MAX */
	uint32_t cpu;
};

struct pager_req_write {
	uint64_t space;
	uint64_t addr;
	uint32_t cpu;
	uint32_t reserved;
};

struct pager_req_object_create {
	uint64_t size;	/* bytes, a multiple of the page size */
	uint32_t flags; /* none yet */
	uint32_t reserved;
	char name[PAGER_NAME_MAX]; /* empty: no name */
};

struct pager_req_object_open {
	char name[PAGER_NAME_MAX];
};

struct pager_req_object {
	uint64_t object;
};

struct pager_req_object_resize {
	uint64_t object;
	uint64_t size;
};

struct pager_req_token {
	uint8_t token[PAGER_TOKEN_SIZE];
};

struct pager_req_space_policy {
	uint64_t space;
	uint32_t around; /* pager_around */
	uint32_t reserved;
};

struct pager_req_space_pause {
	uint64_t space;
	uint32_t max_ms; /* 1 .. PAGER_PAUSE_MAX_MS; 0: go on */
	uint32_t reserved;
};

/* Pools: POOL_INFO and POOL_UNPLUG_ALL; addresses are physical. */
struct pager_req_pool {
	uint32_t pool;
	uint32_t reserved;
};

/* POOL_RESIZE; POOL_GROW: the bound, 0 is off. */
struct pager_req_pool_size {
	uint32_t pool;
	uint32_t reserved;
	uint64_t size;
};

struct pager_req_pool_online {
	uint32_t pool;
	uint32_t zone; /* pager_zone */
	uint64_t addr; /* of the memory block */
};

struct pager_req_pool_addr {
	uint32_t pool;
	uint32_t reserved;
	uint64_t addr;
};

/* POOL_BLOCKS and POOL_CELLS: the cursor is an address, any one. */
struct pager_req_pool_cursor {
	uint32_t pool;
	uint32_t reserved;
	uint64_t cursor;
};

struct pager_req_pool_range {
	uint32_t pool;
	uint32_t reserved;
	uint64_t addr;
	uint64_t len;
	uint64_t cursor;
};

/* Dirty logs: addr = len = 0 is the whole space. */
struct pager_req_dirty_start {
	uint64_t space;
	uint64_t addr;
	uint64_t len;
	uint32_t method; /* pager_dirty_method */
	uint32_t flags;	 /* PAGER_DIRTY_FLAGS */
};

/* A stretch of a log's pages, of which the first is 0: from a multiple of 64,
 * a multiple of 64 long or to the log's end. */
struct pager_req_dirty_get {
	uint64_t log;
	uint64_t first, pages;
	uint32_t flags; /* PAGER_DIRTY_GET_* */
	uint32_t reserved;
};

/* With a memfd. */
struct pager_req_dirty_get_fd {
	uint64_t log;
	uint64_t first, pages;
	uint32_t flags; /* PAGER_DIRTY_GET_* */
	uint32_t reserved;
	uint64_t offset; /* in the memfd: of the word of page first */
};

/* In data a word for each 64 pages of the stretch, or nothing: all of it. */
struct pager_req_dirty_clear {
	uint64_t log;
	uint64_t first, pages;
};

struct pager_req_dirty_writeback {
	uint64_t log;
	uint64_t first, pages;
	uint32_t step; /* PAGER_WRITEBACK_* */
	uint32_t reserved;
};

/* With a memfd of at least entries * PAGER_RING_ENTRY_SIZE bytes. */
struct pager_req_dirty_ring {
	uint64_t log;
	uint32_t entries;
	uint32_t reserved;
};

/* The answer's run of pages is as long as there is room, 15 pages at most. */
struct pager_req_peek {
	uint64_t space;
	uint64_t addr;
	uint64_t len;
	uint32_t what; /* pager_peek */
	uint32_t reserved;
};

/* --- replies ------------------------------------------------------------- */

struct pager_rep_none {
	uint64_t reserved;
};

struct pager_rep_hello {
	uint16_t major;
	uint16_t minor;
	uint32_t max_message;
	uint64_t features; /* both sides' */
	uint64_t session;
	uint32_t page_size;
	uint32_t admin; /* 1: this session may call ADMIN operations */
};

struct pager_rep_ping {
	uint64_t cookie;
};

struct pager_rep_batch {
	uint32_t count;	 /* replies in data */
	uint32_t failed; /* requests refused */
	uint32_t first;	 /* index of the first refused, or count */
	uint32_t reserved;
};

struct pager_rep_stats {
	uint64_t frames_total, frames_used, frames_free, frames_peak;
	uint64_t nodes_total, nodes_used, nodes_peak;
	uint64_t spaces, objects, regions;
	uint64_t forks, minor_faults, major_faults;
	uint64_t cow_copies, cow_reuses, zero_fills, node_copies;
	uint64_t recounts, metadata_bytes;
	uint64_t sessions, handles, requests, refusals, violations;
	uint64_t fds_open; /* file descriptors the server holds */
	uint64_t uptime_ms;
	/* from 1.1 on */
	uint64_t pools;
	uint64_t pool_requested, pool_plugged; /* bytes, but the boot pool's */
	uint64_t pool_moved;		       /* bytes */
	uint64_t pool_busy;
	uint64_t pool_events; /* number of the newest */
	uint64_t work_steps, work_longest_us;
	uint64_t migrations;
	uint64_t large_entries, large_splits, large_collapses;
	/* from 1.2 on */
	uint64_t dirty_logs, pauses, paused; /* paused: sessions, now */
};

struct pager_rep_check {
	uint32_t ok; /* 1: no difference; else data says the first */
	uint32_t reserved;
	uint64_t frames;
	uint64_t nodes;
	uint64_t spaces;
};

/* Rows (pager_rows.h) follow in data: count rows of row_size bytes. */
struct pager_rep_list {
	uint64_t next; /* cursor to go on with, 0: the end */
	uint32_t count;
	uint32_t row_size;
};

struct pager_rep_user {
	uint32_t uid;
	uint32_t sessions;
	uint64_t used[PAGER_USER_COUNT];
	uint64_t limit[PAGER_USER_COUNT]; /* UINT64_MAX: none */
};

struct pager_rep_handle {
	uint64_t handle;
};

struct pager_rep_space_info {
	uint64_t space, id, parent;
	uint64_t start, end;
	uint64_t regions;
	uint64_t virtual_bytes;
	uint64_t resident_bytes, peak_bytes;
	uint64_t anon, zero, borrowed; /* pages */
	uint64_t minor_faults, major_faults;
	uint64_t brk_start, brk;
	uint32_t backend;
	uint32_t uid;
	char name[PAGER_NAME_MAX];
};

struct pager_rep_space_sharing {
	uint64_t private_pages;
	uint64_t shared_pages;
	uint64_t proportional; /* bytes */
	uint64_t nodes_private;
	uint64_t nodes_shared;
};

struct pager_rep_space_resident {
	uint64_t anon;
	uint64_t zero;
	uint64_t borrowed;
};

struct pager_rep_addr {
	uint64_t addr;
};

struct pager_rep_region {
	struct pager_row_region region;
};

struct pager_rep_page {
	uint64_t entry;
	uint64_t pa;
	uint32_t refs;
	uint32_t type; /* pager_page_type */
	uint32_t access;
	uint32_t levels;
	uint32_t sharers;
	uint32_t reserved;
};

struct pager_rep_fault {
	uint32_t result; /* pager_fault_result */
	uint32_t signal; /* pager_signal */
	uint32_t copied;
	uint32_t reserved;
};

struct pager_rep_populate {
	uint64_t pages; /* installed */
};

/*
 * READ and WRITE that were stopped by the space (a signal, no memory) are no
 * refusals: the header's error is 0, and this says how far they came, even if
 * that is nowhere. The data of a READ is what was read: done bytes.
 */
struct pager_rep_access {
	uint64_t done;	 /* bytes */
	uint64_t addr;	 /* where it stopped, if it did */
	uint32_t signal; /* pager_signal, if that is why */
	uint32_t error;	 /* pager_error that stopped it after done bytes */
};

struct pager_rep_harvest {
	uint64_t accessed;
	uint64_t dirty;
};

struct pager_rep_object_info {
	uint64_t size;
	uint64_t resident_bytes;
	uint64_t mappings;
	uint64_t id;
	char name[PAGER_NAME_MAX];
};

struct pager_rep_token {
	uint8_t token[PAGER_TOKEN_SIZE];
};

struct pager_rep_take {
	uint64_t handle;
	uint32_t type; /* PAGER_HANDLE_* */
	uint32_t reserved;
};

struct pager_rep_pool {
	struct pager_row_pool pool;
};

struct pager_rep_pool_resize {
	uint64_t requested;
	uint64_t wish; /* its number: the newest counts */
};

/* Rows follow in data. */
struct pager_rep_pool_events {
	uint64_t next;
	uint32_t count;
	uint32_t row_size;
	uint64_t lost; /* between cursor and the first row */
	uint64_t newest;
	uint64_t now_ms;
};

/* A word for each 64 pages follows in data (DIRTY_GET), or was written to the
 * memfd. */
struct pager_rep_dirty_got {
	uint64_t first; /* page of the log, a multiple of 64 */
	uint64_t pages; /* that the words are of */
	uint64_t dirty; /* bits that are set in them */
	uint64_t next;	/* where to go on, or the stretch's end */
};

struct pager_rep_dirty_count {
	uint64_t pages;
};

struct pager_rep_dirty_reset {
	uint64_t reset; /* entries that were armed */
	uint64_t used;	/* that are still in the ring */
};

/* Counts are of pages, and since the start, where nothing else is said. */
struct pager_rep_dirty_info {
	uint64_t space_id, addr, len; /* as in row_dirty */
	uint32_t method, flags;
	uint64_t dirty, awaiting; /* now */
	uint64_t reported, over, faults, harvests, harvested;
	uint32_t ring_entries, ring_used; /* now; 0: no ring */
	uint64_t ring_stops;
	uint64_t bytes; /* of memory that it takes now */
};

/* Data: the pages. */
struct pager_rep_peek {
	uint64_t addr;	   /* of the first of them */
	uint64_t len;	   /* bytes; 0: there is nothing before next */
	uint64_t next;	   /* where to go on; the range's end: done */
	uint64_t unbacked; /* the first page before next that lies beyond the
			    * end of its object, or 0 */
	uint64_t object;   /* id of what is mapped at addr, or 0 */
	uint64_t offset;   /* of addr in it */
};

static_assert(sizeof(struct pager_hdr) == PAGER_HDR_SIZE, "pager_hdr");

#endif
