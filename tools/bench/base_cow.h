/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The per-page baseline: an address space in the manner of MINIX's VM, written
 * anew and as fast as the scheme allows.
 *
 *	space ── regions, by address ── map: page -> block   4 bytes a page
 *	      ── page table, x86-64 form, kept in step       8 bytes a page
 *	block (a frame with its reference count)             4 bytes
 *
 * A block's count says how many pages of how many spaces show it. Fork walks
 * all pages: the child's map and table are filled, every block gets a reference
 * and the parent's entry loses its write bit. A write to a block that others
 * show copies it.
 *
 * Whoever runs a space may cache its entries, so the MMU is told when one that
 * was there is replaced, as ours is.
 *
 * In its favour: blocks and frames are one thing, kept in plain arrays; maps
 * are flat arrays of four-byte numbers; the last region and the last leaf table
 * are remembered; there are no accounts, no limits, no plan, and nothing can
 * fail half-way because memory is never short.
 */
#ifndef TOOLS_BENCH_BASE_COW_H
#define TOOLS_BENCH_BASE_COW_H

#include <stdbool.h>
#include <stdint.h>

struct cow;
struct cow_space;

/* The MMU's flush of one page. */
struct cow_mmu {
	void (*invalidate)(void *ctx, uint64_t vpn);
	void *ctx;
};

/* tables: pages for page tables, of all spaces; memory: what is behind the
 * frames, the caller's, or NULL. Never fails: exits. */
struct cow *cow_new(uint64_t frames, uint64_t tables, uint8_t *memory,
		    struct cow_mmu mmu);
/* All spaces must be gone. */
void cow_free(struct cow *cow);

struct cow_space *cow_space_new(struct cow *cow);
void cow_space_free(struct cow_space *space);
/* Add an empty anonymous region, readable and writable, above all others. */
void cow_map(struct cow_space *space, uint64_t vpn, uint64_t pages);
/* Remove the region that begins at vpn with all its pages. */
void cow_unmap(struct cow_space *space, uint64_t vpn);
struct cow_space *cow_fork(struct cow_space *parent);

/* A write fault: an empty page gets a block, a shared one its own copy. False:
 * no region, or nothing to do. */
bool cow_write_fault(struct cow_space *space, uint64_t vpn);
/* The bytes a page shows, by its page table; NULL: not there, or there is no
 * memory. */
uint8_t *cow_bytes(const struct cow_space *space, uint64_t vpn);
/* May the page be written, by its page table? */
bool cow_writable(const struct cow_space *space, uint64_t vpn);

uint64_t cow_resident(const struct cow_space *space);
/* Bytes of blocks in use, maps, page tables, regions, spaces. */
uint64_t cow_metadata(const struct cow *cow);

#endif
