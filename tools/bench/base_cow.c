/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Blocks are numbered as frames; block 0 is never used, so that 0 in a map is
 * an empty page. A free block's count links it to the next one. Maps that were
 * given back are kept for the next region of the same size.
 */
#include "tools/bench/base_cow.h"

#include <stdlib.h>
#include <string.h>

#include "tools/bench/bench.h"

enum { LEVELS = 4, SLOTS = 512, PAGE = 4096 };

#define ENTRY_P	   UINT64_C(0x1)
#define ENTRY_W	   UINT64_C(0x2)
#define ENTRY_U	   UINT64_C(0x4)
#define ENTRY_ADDR UINT64_C(0x000ffffffffff000)

struct cow_map {
	struct cow_map *next; /* of those given back */
	uint64_t pages;
	uint32_t block[];
};

struct cow_region {
	uint64_t start;
	uint64_t end;
	uint32_t prot;
	struct cow_map *map;
};

struct cow_space {
	struct cow *cow;
	uint32_t root;
	uint32_t count;
	uint32_t room;
	struct cow_region *region; /* by address */
	struct cow_region *last;
	uint64_t leaf_of; /* vpn >> 9 of the leaf below, or none */
	uint64_t *leaf;
	uint64_t resident;
	uint64_t faults;
};

struct cow {
	struct cow_mmu mmu;
	uint32_t *refs; /* by block */
	uint32_t free_block;
	uint32_t fresh_block;
	uint64_t frames;
	uint64_t used;
	uint8_t *memory;
	uint64_t (*table)[SLOTS];
	uint32_t free_table;
	uint32_t fresh_table;
	uint64_t tables;
	uint64_t tables_used;
	struct cow_map *free_map;
	uint64_t bytes; /* of maps, regions and spaces in use */
};

static size_t map_bytes(uint64_t pages)
{
	return sizeof(struct cow_map) + pages * sizeof(uint32_t);
}

/* A map with anything in it. */
static struct cow_map *map_take(struct cow *cow, uint64_t pages)
{
	struct cow_map **at = &cow->free_map;
	struct cow_map *map;

	while (*at && (*at)->pages != pages)
		at = &(*at)->next;
	map = *at;
	if (map)
		*at = map->next;
	else
		map = bench_pages_new(map_bytes(pages), true);
	map->pages = pages;
	cow->bytes += map_bytes(pages);
	return map;
}

static void map_give(struct cow *cow, struct cow_map *map)
{
	cow->bytes -= map_bytes(map->pages);
	map->next = cow->free_map;
	cow->free_map = map;
}

struct cow *cow_new(uint64_t frames, uint64_t tables, uint8_t *memory,
		    struct cow_mmu mmu)
{
	struct cow *cow = calloc(1, sizeof(*cow));

	if (!cow)
		bench_die("no memory for the baseline");
	cow->mmu = mmu;
	cow->memory = memory;
	cow->frames = frames;
	cow->tables = tables + 1;
	cow->fresh_block = 1;
	cow->fresh_table = 1;
	cow->refs = bench_pages_new(cow->frames * sizeof(uint32_t), true);
	cow->table = bench_pages_new(cow->tables * PAGE, true);
	return cow;
}

void cow_free(struct cow *cow)
{
	if (cow->used || cow->tables_used || cow->bytes)
		bench_die("the baseline lost something");
	while (cow->free_map) {
		struct cow_map *next = cow->free_map->next;

		bench_pages_free(cow->free_map,
				 map_bytes(cow->free_map->pages));
		cow->free_map = next;
	}
	bench_pages_free(cow->refs, cow->frames * sizeof(uint32_t));
	bench_pages_free(cow->table, cow->tables * PAGE);
	free(cow);
}

static uint32_t block_take(struct cow *cow)
{
	uint32_t b = cow->free_block;

	if (b) {
		cow->free_block = cow->refs[b];
		__builtin_prefetch(&cow->refs[cow->free_block], 1);
	} else if (cow->fresh_block < cow->frames) {
		b = cow->fresh_block++;
	} else {
		bench_die("the baseline has no more frames");
	}
	cow->refs[b] = 1;
	cow->used++;
	return b;
}

static void block_put(struct cow *cow, uint32_t b)
{
	if (--cow->refs[b])
		return;
	cow->refs[b] = cow->free_block;
	cow->free_block = b;
	cow->used--;
}

static uint8_t *block_bytes(const struct cow *cow, uint32_t b)
{
	return cow->memory ? cow->memory + (uint64_t)b * PAGE : NULL;
}

static uint32_t table_take(struct cow *cow, bool zeroed)
{
	uint32_t t = cow->free_table;

	if (t) {
		cow->free_table = (uint32_t)cow->table[t][0];
		if (zeroed)
			memset(cow->table[t], 0, PAGE);
	} else if (cow->fresh_table < cow->tables) {
		t = cow->fresh_table++;
	} else {
		bench_die("the baseline has no more tables");
	}
	cow->tables_used++;
	return t;
}

static void table_give(struct cow *cow, uint32_t t)
{
	cow->table[t][0] = cow->free_table;
	cow->free_table = t;
	cow->tables_used--;
}

static unsigned int slot_of(uint64_t vpn, unsigned int level)
{
	return (unsigned int)(vpn >> (9 * level)) & (SLOTS - 1);
}

static uint64_t block_entry(uint32_t b)
{
	return (uint64_t)b << 12 | ENTRY_P | ENTRY_U;
}

/* The leaf table of vpn, or NULL; make: it and what is above it is made, a new
 * leaf without being cleared if raw. */
static uint64_t *leaf_find(struct cow_space *s, uint64_t vpn, bool make,
			   bool raw)
{
	struct cow *cow = s->cow;
	uint32_t t = s->root;

	if (s->leaf_of == vpn >> 9)
		return s->leaf;
	for (unsigned int level = LEVELS - 1; level > 0; level--) {
		uint64_t *slot = &cow->table[t][slot_of(vpn, level)];

		if (!*slot) {
			if (!make)
				return NULL;
			t = table_take(cow, level > 1 || !raw);
			*slot = (uint64_t)t << 12 | ENTRY_P | ENTRY_W | ENTRY_U;
		}
		t = (uint32_t)((*slot & ENTRY_ADDR) >> 12);
	}
	s->leaf_of = vpn >> 9;
	s->leaf = cow->table[t];
	return s->leaf;
}

struct cow_space *cow_space_new(struct cow *cow)
{
	struct cow_space *s = calloc(1, sizeof(*s));

	if (!s)
		bench_die("no memory for the baseline");
	s->cow = cow;
	s->root = table_take(cow, true);
	s->leaf_of = UINT64_MAX;
	cow->bytes += sizeof(*s);
	return s;
}

static struct cow_region *region_add(struct cow_space *s, uint64_t vpn,
				     uint64_t pages, uint32_t prot)
{
	struct cow_region *r;

	if (s->count == s->room) {
		uint32_t room = s->room ? s->room * 2 : 4;

		r = realloc(s->region, room * sizeof(*r));
		if (!r)
			bench_die("no memory for the baseline");
		s->cow->bytes += (room - s->room) * sizeof(*r);
		s->region = r;
		s->room = room;
		s->last = NULL;
	}
	r = &s->region[s->count++];
	*r = (struct cow_region){vpn, vpn + pages, prot, NULL};
	r->map = map_take(s->cow, pages);
	return r;
}

void cow_map(struct cow_space *space, uint64_t vpn, uint64_t pages)
{
	struct cow_region *r = region_add(space, vpn, pages, 3);

	memset(r->map->block, 0, pages * sizeof(r->map->block[0]));
}

/* Drop what the region shows; the page table is the caller's. */
static void region_empty(struct cow_space *s, struct cow_region *r)
{
	struct cow *cow = s->cow;
	uint64_t pages = r->end - r->start;

	for (uint64_t i = 0; i < pages; i++) {
		if (!r->map->block[i])
			continue;
		block_put(cow, r->map->block[i]);
		s->resident--;
	}
	map_give(cow, r->map);
}

static void tables_clear(struct cow *cow, uint32_t t, unsigned int level)
{
	for (unsigned int i = 0; level && i < SLOTS; i++) {
		uint64_t e = cow->table[t][i];

		if (e)
			tables_clear(cow, (uint32_t)((e & ENTRY_ADDR) >> 12),
				     level - 1);
	}
	table_give(cow, t);
}

void cow_space_free(struct cow_space *space)
{
	struct cow *cow = space->cow;

	for (uint32_t i = 0; i < space->count; i++)
		region_empty(space, &space->region[i]);
	tables_clear(cow, space->root, LEVELS - 1);
	cow->bytes -= sizeof(*space) + space->room * sizeof(struct cow_region);
	free(space->region);
	free(space);
}

static struct cow_region *region_find(struct cow_space *s, uint64_t vpn)
{
	uint32_t lo = 0, hi = s->count;

	if (s->last && vpn >= s->last->start && vpn < s->last->end)
		return s->last;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (s->region[mid].end <= vpn)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == s->count || s->region[lo].start > vpn)
		return NULL;
	return s->last = &s->region[lo];
}

void cow_unmap(struct cow_space *space, uint64_t vpn)
{
	struct cow_region *r = region_find(space, vpn);
	uint64_t *leaf;

	if (!r || r->start != vpn)
		bench_die("the baseline has no such region");
	for (uint64_t at = r->start; at < r->end; at++) {
		leaf = leaf_find(space, at, false, false);
		if (leaf)
			leaf[slot_of(at, 0)] = 0;
	}
	region_empty(space, r);
	space->count--;
	memmove(r, r + 1,
		(size_t)(space->region + space->count - r) * sizeof(*r));
	space->last = NULL;
}

/* The pages of one leaf table: n blocks at from are shown by both from now
 * on. A child's leaf that is new is written whole. */
static uint64_t share_leaf(struct cow *cow, const uint32_t *from, uint32_t *to,
			   uint64_t *parent, uint64_t *child, uint64_t n)
{
	uint64_t shared = 0;

	for (uint64_t i = 0; i < n; i++) {
		uint32_t b = from[i];

		to[i] = b;
		if (!b) {
			child[i] = 0;
			continue;
		}
		cow->refs[b]++;
		shared++;
		child[i] = parent[i] &= ~ENTRY_W;
	}
	return shared;
}

struct cow_space *cow_fork(struct cow_space *parent)
{
	struct cow_space *child = cow_space_new(parent->cow);

	for (uint32_t i = 0; i < parent->count; i++) {
		struct cow_region *from = &parent->region[i];
		struct cow_region *to = region_add(
		    child, from->start, from->end - from->start, from->prot);
		uint64_t at = from->start, next;

		for (; at < from->end; at = next) {
			uint64_t *theirs = leaf_find(parent, at, false, false);
			uint64_t *ours;

			next = (at | (SLOTS - 1)) + 1;
			if (next > from->end)
				next = from->end;
			if (!theirs)
				continue;
			ours = leaf_find(child, at, true, next - at == SLOTS);
			child->resident += share_leaf(
			    parent->cow, from->map->block + (at - from->start),
			    to->map->block + (at - from->start),
			    theirs + slot_of(at, 0), ours + slot_of(at, 0),
			    next - at);
		}
	}
	return child;
}

bool cow_write_fault(struct cow_space *space, uint64_t vpn)
{
	struct cow_region *r = region_find(space, vpn);
	struct cow *cow = space->cow;
	uint32_t *block, old;
	uint64_t *entry;

	if (!r || !(r->prot & 2))
		return false;
	block = &r->map->block[vpn - r->start];
	old = *block;
	if (cow->memory) {
		__builtin_prefetch(block_bytes(cow, old));
		__builtin_prefetch(block_bytes(cow, cow->free_block), 1);
	}
	entry = leaf_find(space, vpn, true, false) + slot_of(vpn, 0);
	if (!old) {
		*block = block_take(cow);
		if (cow->memory)
			memset(block_bytes(cow, *block), 0, PAGE);
		space->resident++;
	} else if (cow->refs[old] > 1) {
		*block = block_take(cow);
		if (cow->memory)
			memcpy(block_bytes(cow, *block), block_bytes(cow, old),
			       PAGE);
		block_put(cow, old);
	} else if (*entry & ENTRY_W) {
		return false;
	}
	*entry = block_entry(*block) | ENTRY_W;
	if (old)
		cow->mmu.invalidate(cow->mmu.ctx, vpn);
	space->faults++;
	return true;
}

static uint64_t entry_of(const struct cow_space *s, uint64_t vpn)
{
	uint32_t t = s->root;
	uint64_t e = 0;

	if (s->leaf_of == vpn >> 9)
		return s->leaf[slot_of(vpn, 0)];
	for (unsigned int level = LEVELS; level-- > 0;) {
		e = s->cow->table[t][slot_of(vpn, level)];
		if (!e)
			break;
		t = (uint32_t)((e & ENTRY_ADDR) >> 12);
	}
	return e;
}

uint8_t *cow_bytes(const struct cow_space *space, uint64_t vpn)
{
	uint64_t e = entry_of(space, vpn);

	return e ? block_bytes(space->cow, (uint32_t)((e & ENTRY_ADDR) >> 12))
		 : NULL;
}

bool cow_writable(const struct cow_space *space, uint64_t vpn)
{
	return entry_of(space, vpn) & ENTRY_W;
}

uint64_t cow_resident(const struct cow_space *space)
{
	return space->resident;
}

uint64_t cow_metadata(const struct cow *cow)
{
	return cow->used * sizeof(uint32_t) + cow->tables_used * PAGE +
	       cow->bytes;
}
