/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A slab of equal objects with a stock. Plan calls reserve, which may fail and
 * changes nothing but the stock; commit calls take, which cannot fail. Memory
 * goes back to its source only in fini.
 */
#ifndef LIB_BASE_SLAB_H
#define LIB_BASE_SLAB_H

#include <stddef.h>
#include <stdint.h>

/* Where chunks come from: zeroed, 64-byte aligned memory, or NULL. */
struct pager_slab_source {
	void *ctx;
	void *(*alloc)(void *ctx, size_t bytes);
	void (*free)(void *ctx, void *p, size_t bytes);
};

struct pager_slab {
	struct pager_slab_source src;
	size_t size;  /* of an object, rounded up */
	size_t chunk; /* bytes of a chunk */
	void *stock;  /* free objects, linked through their first word */
	uint64_t in_stock;
	uint64_t taken;
	void *chunks;
	uint64_t chunk_count;
	const char *name; /* of its fail point */
};

/* size: bytes of an object, at least a pointer's; name: static, for the fail
 * point. Objects are aligned to 64 bytes if size is a multiple of 64, else 16.
 */
void pager_slab_init(struct pager_slab *s, const char *name, size_t size,
		     struct pager_slab_source src);
/* All objects must have been given back. */
void pager_slab_fini(struct pager_slab *s);
/* 0: the next n takes cannot fail. -1: no memory (or the fail point). */
int pager_slab_reserve(struct pager_slab *s, uint64_t n);
/* From the stock, zeroed. Asserts that there is one. */
void *pager_slab_take(struct pager_slab *s);
void pager_slab_give(struct pager_slab *s, void *object);
/* Bytes held from the source. */
uint64_t pager_slab_bytes(const struct pager_slab *s);

#endif
