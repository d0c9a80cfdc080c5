/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slab with a stock: chunks from the source are cut into objects that wait in
 * a free list. The chunk's first 64 bytes link it to the next one.
 */
#include "lib/base/slab.h"

#include <assert.h>
#include <string.h>

#include "lib/base/failpoint.h"

enum { CHUNK_HEAD = 64, CHUNK_BYTES = 64 * 1024 };

void pager_slab_init(struct pager_slab *s, const char *name, size_t size,
		     struct pager_slab_source src)
{
	assert(size >= sizeof(void *));
	memset(s, 0, sizeof(*s));
	s->src = src;
	s->name = name;
	s->size = (size + 15) & ~(size_t)15;
	s->chunk = CHUNK_BYTES;
	while (s->chunk < CHUNK_HEAD + 8 * s->size)
		s->chunk *= 2;
}

void pager_slab_fini(struct pager_slab *s)
{
	assert(s->taken == 0);
	while (s->chunks) {
		void *next = *(void **)s->chunks;
		s->src.free(s->src.ctx, s->chunks, s->chunk);
		s->chunks = next;
	}
	s->stock = NULL;
	s->in_stock = 0;
}

static int slab_grow(struct pager_slab *s)
{
	uint8_t *chunk = s->src.alloc(s->src.ctx, s->chunk);

	if (!chunk)
		return -1;
	*(void **)chunk = s->chunks;
	s->chunks = chunk;
	s->chunk_count++;
	for (size_t at = CHUNK_HEAD; at + s->size <= s->chunk; at += s->size) {
		*(void **)(chunk + at) = s->stock;
		s->stock = chunk + at;
		s->in_stock++;
	}
	return 0;
}

int pager_slab_reserve(struct pager_slab *s, uint64_t n)
{
	if (n && pager_fail(s->name))
		return -1;
	while (s->in_stock < n)
		if (slab_grow(s))
			return -1;
	return 0;
}

void *pager_slab_take(struct pager_slab *s)
{
	void *object = s->stock;

	assert(object);
	s->stock = *(void **)object;
	s->in_stock--;
	s->taken++;
	memset(object, 0, s->size);
	return object;
}

void pager_slab_give(struct pager_slab *s, void *object)
{
	*(void **)object = s->stock;
	s->stock = object;
	s->in_stock++;
	s->taken--;
}

uint64_t pager_slab_bytes(const struct pager_slab *s)
{
	return s->chunk_count * s->chunk;
}
