/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The allocator's self-check notices every kind of damage to chunks, zones and
 * caches, and names it.
 */
#include <string.h>

#include "tests/support/frame_bed.h"
#include "tests/support/unit.h"

enum { C = CHUNK_FRAMES };

static struct frames *p;
static uint32_t frames[16 * C];
static uint32_t held, run;

/*
 *	0 KERNEL, unmovable, cached	6 MOVABLE, partial
 *	1, 2, 3 KERNEL, partial		7 MOVABLE, empty
 *	4 KERNEL, full			8 MOVABLE, partial
 *	5 KERNEL, empty			9, 12 offline
 *	11 absent			10 isolated, and used
 */
static void start(void)
{
	frame_bed_start(6 * C, 13 * C, false);
	p = &frame_bed_core->frames;
	frame_bed_take_all(frames, 4 * C);
	for (uint32_t i = 0; i < 4 * C; i++) {
		if (frames[i] < 4 * C && frames[i] % 4)
			frame_bed_put(frames[i]);
		else
			frames[held++] = frames[i];
	}
	frames[held++] = frame_bed_take(FRAME_UNMOVABLE);
	frame_bed_plug(6, VMEM_ZONE_MOVABLE);
	run = frame_take_run(frame_bed_core, frame_bed_account, 4,
			     FRAME_MOVABLE, false);
	chunk_isolate(frame_bed_core, 6);
	frame_bed_plug(8, VMEM_ZONE_MOVABLE);
	frames[held++] = frame_bed_take(FRAME_MOVABLE);
	chunk_isolate(frame_bed_core, 8);
	frame_bed_plug(10, VMEM_ZONE_MOVABLE);
	frames[held++] = frame_bed_take(FRAME_MOVABLE);
	chunk_isolate(frame_bed_core, 10);
	chunk_unisolate(frame_bed_core, 6);
	chunk_unisolate(frame_bed_core, 8);
	frame_bed_plug(7, VMEM_ZONE_MOVABLE);
	chunk_add(frame_bed_core, 9, C);
	frame_bed_plug(12, VMEM_ZONE_KERNEL);
	chunk_isolate(frame_bed_core, 12);
	chunk_offline(frame_bed_core, 12);
	frame_bed_check();
}

static void end(void)
{
	frame_bed_put_all(frames, held);
	frame_bed_put_run(run, 16);
	frame_bed_end();
}

static void noticed(const char *word)
{
	const char *why = frame_check(frame_bed_core);

	ck_assert_msg(why != NULL, "not noticed: %s", word);
	ck_assert_msg(strstr(why, word) != NULL,
		      "noticed as \"%s\", not \"%s\"", why, word);
}

#define BROKEN(type, lvalue, value, word)  \
	do {                               \
		type *broken_ = &(lvalue); \
		type was_ = *broken_;      \
		*broken_ = (value);        \
		noticed(word);             \
		*broken_ = was_;           \
		frame_bed_check();         \
	} while (0)

START_TEST(a_chunks_record)
{
	struct chunk *c;

	start();
	c = &p->chunk[2];
	BROKEN(uint8_t, c->state, CHUNK_ISOLATED + 1, "record");
	BROKEN(uint8_t, c->zone, VMEM_ZONES, "record");
	BROKEN(uint8_t, c->kind, FRAME_KINDS, "record");
	BROKEN(uint16_t, c->total, 0, "record");
	BROKEN(uint16_t, c->total, C + 1, "record");
	BROKEN(uint16_t, c->touched, C + 1, "record");
	BROKEN(uint16_t, c->touched, 200, "beyond what was ever given");
	BROKEN(uint16_t, c->pinned, 1, "pinned");
	BROKEN(uint16_t, p->chunk[7].pinned, 1, "pinned");
	BROKEN(uint8_t, p->chunk[8].kind, FRAME_UNMOVABLE, "MOVABLE");
	BROKEN(uint8_t, p->chunk[11].kind, FRAME_UNMOVABLE, "absent");
	BROKEN(uint64_t, p->chunk[11].free[3], 1, "absent");
	end();
}
END_TEST

START_TEST(a_chunks_bitfield_and_counter)
{
	struct chunk *c;

	start();
	c = &p->chunk[2];
	BROKEN(uint64_t, c->free[7], c->free[7] | 1, "free frames");
	BROKEN(uint64_t, c->free[7], c->free[7] & (c->free[7] - 1),
	       "free frames");
	BROKEN(uint16_t, c->nfree, c->nfree - 1, "free frames");
	BROKEN(uint16_t, p->chunk[7].nfree, C - 1, "free frames");
	BROKEN(uint64_t, p->chunk[7].free[0], UINT64_MAX - 1, "free frames");
	BROKEN(uint16_t, p->chunk[4].nfree, 1, "free frames");
	BROKEN(uint64_t, p->chunk[9].free[0], UINT64_MAX - 1, "free frames");
	BROKEN(uint16_t, p->chunk[7].total, C - 1, "free frames");
	end();
}
END_TEST

START_TEST(a_used_frame_that_is_free_and_the_other_way_round)
{
	struct chunk *c;

	start();
	c = &p->chunk[2];
	/* Both right in number, but not the same frames. */
	ck_assert_uint_eq(c->free[1], 0xeeeeeeeeeeeeeeee);
	BROKEN(uint64_t, c->free[1], 0xeeeeeeeeeeeeeeed, "references");
	BROKEN(uint32_t, p->refs[2 * C + 1], 1, "references");
	BROKEN(uint32_t, p->pins[2 * C + 1], 1, "pinned");
	BROKEN(uint32_t, p->pins[2 * C], 1, "pinned");
	end();
}
END_TEST

START_TEST(an_offline_chunk_in_use)
{
	struct chunk *c;

	start();
	c = &p->chunk[9];
	c->free[0]--;
	c->nfree--;
	noticed("offline");
	c->free[0]++;
	c->nfree++;
	BROKEN(uint8_t, c->bucket, CHUNK_EMPTY, "not online");
	BROKEN(uint8_t, p->chunk[10].state, CHUNK_OFFLINE, "offline");
	end();
}
END_TEST

START_TEST(a_chunk_that_is_not_where_its_fill_says)
{
	start();
	ck_assert_uint_eq(p->chunk[2].bucket, 12);
	BROKEN(uint8_t, p->chunk[2].bucket, 11, "bucket");
	BROKEN(uint8_t, p->chunk[2].bucket, CHUNK_FULL, "bucket");
	BROKEN(uint8_t, p->chunk[2].bucket, CHUNK_OUT, "bucket");
	BROKEN(uint8_t, p->chunk[2].bucket, CHUNK_CACHED, "cache");
	BROKEN(uint8_t, p->chunk[4].bucket, 0, "bucket");
	BROKEN(uint8_t, p->chunk[5].bucket, CHUNK_FULL, "bit of a zone");
	BROKEN(uint8_t, p->chunk[10].bucket, CHUNK_FULL, "not online");
	BROKEN(uint8_t, p->chunk[10].state, CHUNK_ONLINE, "bucket");
	BROKEN(uint8_t, p->chunk[2].state, CHUNK_ISOLATED, "not online");
	end();
}
END_TEST

START_TEST(a_zones_lists)
{
	struct zone_lists *lists;
	struct chunk *first;

	start();
	lists = &p->zone[VMEM_ZONE_KERNEL].partial[FRAME_MOVABLE];
	ck_assert_uint_eq(p->zone[VMEM_ZONE_KERNEL].partial_chunks, 3);
	first = &p->chunk[lists->head[12]];
	ck_assert_uint_ne(first->next, CHUNK_NONE);
	BROKEN(uint32_t, lists->head[12], CHUNK_NONE, "lists");
	BROKEN(uint32_t, lists->head[12], first->next, "lists");
	BROKEN(uint32_t, lists->head[12], 4, "lists");
	BROKEN(uint32_t, lists->head[12], 12, "lists");
	BROKEN(uint32_t, lists->head[12], 4000000, "lists");
	BROKEN(uint32_t, lists->head[3], 4, "lists");
	BROKEN(uint64_t, lists->some, 0, "lists");
	BROKEN(uint64_t, lists->some, UINT64_MAX, "lists");
	BROKEN(uint32_t, first->next, CHUNK_NONE, "lists");
	BROKEN(uint32_t, first->next, lists->head[12], "lists");
	BROKEN(uint32_t, first->next, 4000000, "lists");
	BROKEN(uint32_t, first->prev, first->next, "lists");
	BROKEN(uint8_t, first->kind, FRAME_UNMOVABLE, "lists");
	BROKEN(uint64_t, p->zone[VMEM_ZONE_KERNEL].partial_chunks, 2, "lists");
	end();
}
END_TEST

START_TEST(a_zones_bitmap)
{
	struct zone *kernel, *movable;

	start();
	kernel = &p->zone[VMEM_ZONE_KERNEL];
	movable = &p->zone[VMEM_ZONE_MOVABLE];
	ck_assert_uint_eq(kernel->empty.level[0][0], 1 << 5);
	ck_assert_uint_eq(movable->empty.level[0][0], 1 << 7);
	BROKEN(uint64_t, kernel->empty.level[0][0], 0, "bit of a zone");
	BROKEN(uint64_t, kernel->empty.level[0][0], 1 << 5 | 1 << 7,
	       "bit of a zone");
	BROKEN(uint64_t, movable->empty.level[0][0], 1 << 5, "bit of a zone");
	BROKEN(uint64_t, kernel->empty.count, 0, "bitmap");
	end();
}
END_TEST

START_TEST(a_bitmaps_upper_level)
{
	struct zone *kernel;

	frame_bed_start(65 * C, 0, false);
	p = &frame_bed_core->frames;
	kernel = &p->zone[VMEM_ZONE_KERNEL];
	ck_assert_uint_eq(kernel->empty.level[1][0], 3);
	BROKEN(uint64_t, kernel->empty.level[1][0], 1, "bitmap");
	BROKEN(uint64_t, kernel->empty.level[1][0], 2, "bitmap");
	frame_bed_end();
}
END_TEST

START_TEST(a_zones_counters)
{
	start();
	for (int z = 0; z < VMEM_ZONES; z++) {
		struct zone *zone = &p->zone[z];

		BROKEN(uint64_t, zone->free, zone->free - 1, "free frames");
		BROKEN(uint64_t, zone->managed, zone->managed + 1, "frames");
	}
	BROKEN(uint8_t, p->chunk[7].zone, VMEM_ZONE_KERNEL, "bit of a zone");
	BROKEN(uint8_t, p->chunk[4].zone, VMEM_ZONE_MOVABLE, "zone");
	end();
}
END_TEST

START_TEST(the_caches)
{
	struct frame_cache *cache;

	start();
	cache = &p->cache[CACHE_SINGLE + FRAME_UNMOVABLE];
	ck_assert_ptr_eq(cache->chunk, &p->chunk[0]);
	BROKEN(struct chunk *, cache->chunk, &p->chunk[2], "cache");
	BROKEN(struct chunk *, cache->chunk, NULL, "cache");
	BROKEN(uint64_t *, cache->word, &p->chunk[0].free[5], "cache");
	BROKEN(uint64_t *, cache->word, &p->no_frames, "cache");
	BROKEN(uint32_t, cache->first, 1, "cache");
	BROKEN(uint32_t, cache->first, C, "cache");
	BROKEN(uint8_t, p->chunk[0].bucket, CHUNK_CACHED, "cache");
	BROKEN(uint64_t, p->no_frames, 1, "cache");
	cache = &p->cache[CACHE_RUN + FRAME_MOVABLE];
	BROKEN(struct chunk *, cache->chunk, &p->chunk[2], "cache");
	end();
}
END_TEST

START_TEST(sums_of_the_whole)
{
	start();
	BROKEN(uint64_t, p->used, p->used + 1, "used frames");
	BROKEN(uint64_t, p->peak, 1, "used frames");
	BROKEN(uint64_t, p->total, p->total - 1, "online");
	BROKEN(uint64_t, p->added, p->added + 1, "added");
	BROKEN(uint64_t, p->records, 0, "records");
	BROKEN(uint64_t, p->top, C, "beyond the top");
	BROKEN(uint64_t, p->top, p->span + C, "top");
	BROKEN(uint32_t, p->chunk_top, p->chunks + 1, "highest chunk");
	BROKEN(uint32_t, p->chunk_top, 6, "zone");
	end();
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
	    a_chunks_record,
	    a_chunks_bitfield_and_counter,
	    a_used_frame_that_is_free_and_the_other_way_round,
	    an_offline_chunk_in_use,
	    a_chunk_that_is_not_where_its_fill_says,
	    a_zones_lists,
	    a_zones_bitmap,
	    a_bitmaps_upper_level,
	    a_zones_counters,
	    the_caches,
	    sums_of_the_whole,
	};

	return UNIT_RUN("frame_check", tests);
}
