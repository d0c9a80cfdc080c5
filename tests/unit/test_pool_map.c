/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pools as pictures and as sizes people say: cells from pieces, their looks,
 * the map as text and as SVG.
 */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/pager_abi.h"
#include "tests/support/unit.h"
#include "tools/pagerctl/pool_map.h"
#include "tools/pagerctl/pool_size.h"

#define MB UINT64_C(1048576)
#define GB (1024 * MB)

static char *text;
static size_t text_len;

/* Four memory blocks of 32 MiB in cells of 2 MiB. */
static struct pool_map_head head = {
    .name = "dimm0",
    .addr = 4 * GB,
    .region = 128 * MB,
    .memory_block = 32 * MB,
    .unit = 2 * MB,
    .plugged = 40 * MB,
    .requested = 64 * MB,
    .used = 20 * MB,
};

static struct pool_cell piece(uint64_t mb, uint32_t state, uint32_t zone,
			      uint64_t used_mb)
{
	return (struct pool_cell){
	    .addr = head.addr + mb * MB,
	    .bytes = 2 * MB,
	    .plugged = 2 * MB,
	    .used = used_mb * MB,
	    .state = state,
	    .zone = zone,
	};
}

static struct pool_map *new_map(const struct pool_cell *pieces, size_t n,
				size_t width)
{
	struct pool_map *map = pool_map_new(&head, pieces, n, width);

	ck_assert_ptr_nonnull(map);
	return map;
}

static const char *print(const struct pool_map *map, bool utf8, bool colour)
{
	FILE *f;

	free(text);
	f = open_memstream(&text, &text_len);
	ck_assert_ptr_nonnull(f);
	pool_map_print(map, utf8, colour, f);
	fclose(f);
	return text;
}

static const char *svg(const struct pool_map *map)
{
	FILE *f;

	free(text);
	f = open_memstream(&text, &text_len);
	ck_assert_ptr_nonnull(f);
	pool_map_svg(map, f);
	fclose(f);
	return text;
}

static unsigned int count(const char *in, const char *what)
{
	unsigned int n = 0;

	for (; (in = strstr(in, what)); in += strlen(what))
		n++;
	return n;
}

/* --- cells ---------------------------------------------------------------- */

START_TEST(a_cell_is_a_sub_block_or_what_the_width_asks)
{
	struct pool_map *map = new_map(NULL, 0, 64);

	ck_assert_uint_eq(map->cell_bytes, 2 * MB);
	ck_assert_uint_eq(map->per_row, 16);
	ck_assert_uint_eq(map->rows, 4);
	ck_assert_uint_eq(map->cells[17].addr, head.addr + 34 * MB);
	pool_map_free(map);
	map = new_map(NULL, 0, 15);
	ck_assert_uint_eq(map->cell_bytes, 4 * MB);
	ck_assert_uint_eq(map->per_row, 8);
	pool_map_free(map);
	map = new_map(NULL, 0, 0);
	ck_assert_uint_eq(map->per_row, 1);
	pool_map_free(map);
	head.unit = 8 * MB;
	map = new_map(NULL, 0, 64);
	ck_assert_uint_eq(map->per_row, 4);
	pool_map_free(map);
	head.unit = 256 * MB; /* a big block: a row is a memory block still */
	map = new_map(NULL, 0, 64);
	ck_assert_uint_eq(map->per_row, 1);
	ck_assert_uint_eq(map->rows, 4);
	pool_map_free(map);
}
END_TEST

START_TEST(a_head_that_contradicts_itself_is_refused)
{
	struct pool_map_head bad = head;

	bad.memory_block = 0;
	ck_assert_ptr_null(pool_map_new(&bad, NULL, 0, 64));
	bad = head;
	bad.memory_block = 3 * MB;
	ck_assert_ptr_null(pool_map_new(&bad, NULL, 0, 64));
	bad = head;
	bad.unit = 0;
	ck_assert_ptr_null(pool_map_new(&bad, NULL, 0, 64));
	bad = head;
	bad.region = 0;
	ck_assert_ptr_null(pool_map_new(&bad, NULL, 0, 64));
	bad.region = UINT64_MAX;
	ck_assert_ptr_null(pool_map_new(&bad, NULL, 0, 64));
}
END_TEST

START_TEST(pieces_of_a_cell_are_added_up)
{
	struct pool_cell pieces[3] = {
	    piece(0, PAGER_BLOCK_ONLINE, PAGER_ZONE_MOVABLE, 1),
	    piece(2, PAGER_BLOCK_ONLINE, PAGER_ZONE_MOVABLE, 2),
	    piece(4, PAGER_BLOCK_ONLINE, PAGER_ZONE_MOVABLE, 0),
	};
	struct pool_map *map;

	pieces[1].pinned = 4096;
	pieces[2].plugged = 0;
	map = new_map(pieces, 3, 8);
	ck_assert_uint_eq(map->cells[0].plugged, 4 * MB);
	ck_assert_uint_eq(map->cells[0].used, 3 * MB);
	ck_assert_uint_eq(map->cells[0].pinned, 4096);
	ck_assert_uint_eq(map->cells[1].plugged, 0);
	pool_map_free(map);
}
END_TEST

/* What a daemon says is not trusted. */
START_TEST(pieces_outside_of_the_pool_are_left_out)
{
	struct pool_cell pieces[2] = {
	    piece(0, PAGER_BLOCK_ONLINE, 0, 1),
	    piece(128, PAGER_BLOCK_ONLINE, 0, 1),
	};
	struct pool_map *map;

	pieces[0].addr = head.addr - 1;
	map = new_map(pieces, 2, 64);
	for (size_t i = 0; i < map->rows * map->per_row; i++)
		ck_assert_int_eq(pool_map_look(&map->cells[i]),
				 POOL_LOOK_ABSENT);
	pool_map_free(map);
}
END_TEST

START_TEST(one_piece_tells_the_state_of_its_whole_memory_block)
{
	struct pool_cell p = piece(34, PAGER_BLOCK_ONLINE, 0, 0);
	struct pool_map *map = new_map(&p, 1, 64);

	for (size_t i = 0; i < map->rows * map->per_row; i++) {
		enum pool_look want = i == 17	    ? POOL_LOOK_KERNEL
				      : i / 16 == 1 ? POOL_LOOK_HOLE
						    : POOL_LOOK_ABSENT;

		ck_assert_int_eq(pool_map_look(&map->cells[i]), want);
	}
	pool_map_free(map);
}
END_TEST

START_TEST(every_look_has_its_cell)
{
	struct pool_cell c = piece(0, PAGER_BLOCK_ABSENT, 0, 0);

	ck_assert_int_eq(pool_map_look(&c), POOL_LOOK_ABSENT);
	ck_assert_str_eq(pool_map_word(&c), "absent");
	c.state = PAGER_BLOCK_OFFLINE;
	ck_assert_int_eq(pool_map_look(&c), POOL_LOOK_OFFLINE);
	ck_assert_str_eq(pool_map_word(&c), "offline");
	c.plugged = 0;
	ck_assert_int_eq(pool_map_look(&c), POOL_LOOK_HOLE);
	c.state = PAGER_BLOCK_ONLINE;
	ck_assert_int_eq(pool_map_look(&c), POOL_LOOK_HOLE);
	c.plugged = MB;
	ck_assert_int_eq(pool_map_look(&c), POOL_LOOK_PARTLY);
	c.plugged = 2 * MB;
	ck_assert_int_eq(pool_map_look(&c), POOL_LOOK_KERNEL);
	ck_assert_str_eq(pool_map_word(&c), "kernel");
	c.zone = PAGER_ZONE_MOVABLE;
	ck_assert_int_eq(pool_map_look(&c), POOL_LOOK_MOVABLE);
	ck_assert_str_eq(pool_map_word(&c), "movable");
}
END_TEST

START_TEST(empty_and_full_are_exact_steps)
{
	struct pool_cell c = piece(0, PAGER_BLOCK_ONLINE, 0, 0);

	ck_assert_uint_eq(pool_map_fill(&c, 8), 0);
	c.used = 4096;
	ck_assert_uint_eq(pool_map_fill(&c, 8), 1);
	c.used = MB;
	ck_assert_uint_eq(pool_map_fill(&c, 8), 4);
	c.used = 2 * MB - 4096;
	ck_assert_uint_eq(pool_map_fill(&c, 8), 7);
	c.used = 2 * MB;
	ck_assert_uint_eq(pool_map_fill(&c, 8), 8);
	c.used = 3 * MB; /* nobody should say so */
	ck_assert_uint_eq(pool_map_fill(&c, 8), 8);
	c.plugged = 0;
	ck_assert_uint_eq(pool_map_fill(&c, 8), 0);
}
END_TEST

/* --- text ----------------------------------------------------------------- */

static struct pool_map *example(size_t width)
{
	struct pool_cell pieces[64];
	size_t n = 0;

	for (unsigned int i = 0; i < 16; i++)
		pieces[n++] = piece(2 * i, PAGER_BLOCK_ONLINE,
				    PAGER_ZONE_KERNEL, i < 4 ? 2 : i < 8);
	for (unsigned int i = 0; i < 3; i++)
		pieces[n++] = piece(32 + 2 * i, PAGER_BLOCK_ONLINE,
				    PAGER_ZONE_MOVABLE, 0);
	pieces[5].pinned = 8192;
	for (unsigned int i = 0; i < 16; i++)
		pieces[n++] = piece(64 + 2 * i, PAGER_BLOCK_OFFLINE, 0, 0);
	return new_map(pieces, n, width);
}

START_TEST(the_map_in_ascii)
{
	struct pool_map *map = example(64);

	ck_assert_str_eq(
	    print(map, false, false),
	    "dimm0: 40M plugged of 64M requested, room for 128M; 20M used\n"
	    "a row is a memory block of 32M, a cell 2M\n"
	    "\n"
	    "             +0\n"
	    "0x100000000  ####5p5500000000  kernel   38%  8K pinned\n"
	    "0x102000000  000-------------  movable   0%\n"
	    "0x104000000  oooooooooooooooo  offline\n"
	    "0x106000000  ................  absent\n"
	    "\n"
	    "  . absent  - not plugged  o offline  % partly plugged  \n"
	    "  online, by fill: 0123456789#  p with pinned pages\n");
	pool_map_free(map);
}
END_TEST

START_TEST(ascii_is_ascii_and_no_colour_is_none)
{
	struct pool_map *map = example(64);

	for (const char *p = print(map, false, false); *p; p++)
		ck_assert(*p == '\n' || (*p >= ' ' && *p <= '~'));
	ck_assert_ptr_null(strchr(print(map, true, false), '\033'));
	ck_assert_ptr_nonnull(strstr(text, "\u2588\u2588\u2588\u2588\u2584"
					   "\u25c6\u2584\u2584\u2581"));
	pool_map_free(map);
}
END_TEST

START_TEST(colours_end_where_they_began)
{
	struct pool_map *map = example(64);
	unsigned int on = 0, off = 0;

	print(map, true, true);
	for (const char *p = text; (p = strchr(p, '\033')); p++)
		if (strncmp(p, "\033[0m", 4) == 0)
			off++;
		else
			on++;
	ck_assert_uint_eq(on, off);
	ck_assert_uint_gt(on, 8);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		char *last = strrchr(line, '\033');

		ck_assert(!last || strncmp(last, "\033[0m", 4) == 0);
	}
	/* A pinned cell keeps its fill: the colour tells. */
	ck_assert_ptr_nonnull(
	    strstr(print(map, true, true), "\033[31m\u2584\033[0m"));
	pool_map_free(map);
}
END_TEST

START_TEST(a_scale_stands_over_rows_that_are_long_enough)
{
	struct pool_map *map;

	head.memory_block = 128 * MB;
	map = new_map(NULL, 0, 64);
	ck_assert_ptr_nonnull(strstr(print(map, false, false),
				     "             +0              +32M    "
				     "        +64M            +96M\n"));
	pool_map_free(map);
}
END_TEST

START_TEST(rows_that_look_alike_are_drawn_once)
{
	struct pool_map *map;

	head.region = 32 * GB;
	map = example(64);
	print(map, false, false);
	ck_assert_uint_eq(count(text, "absent\n"), 1);
	ck_assert_ptr_nonnull(
	    strstr(text, "  and 1020 more like it, to 0x900000000\n"));
	pool_map_free(map);
	head.region = 5 * 32 * MB;
	map = example(64);
	ck_assert_uint_eq(count(print(map, false, false), "absent\n"), 2);
	ck_assert_ptr_null(strstr(text, "more like it"));
	pool_map_free(map);
}
END_TEST

START_TEST(boot_memory_may_end_within_a_memory_block)
{
	struct pool_cell pieces[2] = {
	    piece(0, PAGER_BLOCK_ONLINE, PAGER_ZONE_KERNEL, 2),
	    piece(2, PAGER_BLOCK_ONLINE, PAGER_ZONE_KERNEL, 1),
	};
	struct pool_map *map;

	head.region = 3 * MB;
	pieces[1].plugged = MB;
	map = new_map(pieces, 2, 64);
	ck_assert_uint_eq(map->rows, 1);
	ck_assert_uint_eq(map->cells[1].bytes, MB);
	ck_assert_uint_eq(map->cells[2].bytes, 0);
	ck_assert_ptr_nonnull(
	    strstr(print(map, false, false),
		   "0x100000000  ##                kernel  100%\n"));
	svg(map);
	ck_assert_uint_eq(count(text, "<title>"), 2 + POOL_LOOKS + 1);
	pool_map_free(map);
}
END_TEST

START_TEST(a_cell_of_several_may_be_partly_plugged)
{
	struct pool_map *map = example(8);

	ck_assert_ptr_nonnull(
	    strstr(print(map, false, false), "0x102000000  0%------  movable"));
	pool_map_free(map);
}
END_TEST

START_TEST(control_characters_in_a_name_are_not_printed)
{
	struct pool_map *map;

	head.name = "a\033[31m\nb";
	map = example(64);
	ck_assert_int_eq(strncmp(print(map, false, false), "a?[31m?b: ", 10),
			 0);
	pool_map_free(map);
}
END_TEST

/* --- SVG ------------------------------------------------------------------ */

START_TEST(the_picture_has_a_cell_with_a_tooltip_each)
{
	struct pool_map *map = example(64);

	svg(map);
	ck_assert_int_eq(strncmp(text, "<svg xmlns=", 11), 0);
	ck_assert_str_eq(text + strlen(text) - 7, "</svg>\n");
	/* 64 cells, the legend's six, the picture's own title */
	ck_assert_uint_eq(count(text, "<title>"), 64 + POOL_LOOKS + 1);
	ck_assert_uint_eq(count(text, "</title>"), 64 + POOL_LOOKS + 1);
	ck_assert_uint_eq(count(text, "<g>"), count(text, "</g>"));
	ck_assert_uint_eq(count(text, "class=\"b\""), 4);
	ck_assert_uint_eq(count(text, "class=\"p\""), 2);
	ck_assert_ptr_nonnull(
	    strstr(text, "<title>0x100a00000 + 2M: online, kernel, 1M used, 8K "
			 "pinned</title>"));
	ck_assert_ptr_nonnull(
	    strstr(text, "<title>0x102000000 + 2M: online, movable, 0 used<"));
	ck_assert_ptr_nonnull(
	    strstr(text, "<title>0x102600000 + 2M: not plugged<"));
	ck_assert_ptr_nonnull(
	    strstr(text, "<title>0x104000000 + 2M: offline<"));
	ck_assert_ptr_nonnull(strstr(text, "<title>0x106000000 + 2M: absent<"));
	pool_map_free(map);
}
END_TEST

START_TEST(the_picture_needs_nothing_from_elsewhere)
{
	struct pool_map *map = example(64);

	svg(map);
	ck_assert_uint_eq(count(text, "http"), 1); /* the namespace */
	ck_assert_ptr_null(strstr(text, "href"));
	ck_assert_ptr_null(strstr(text, "<script"));
	ck_assert_ptr_null(strstr(text, "@import"));
	ck_assert_uint_eq(count(text, "url("), 1);
	ck_assert_ptr_nonnull(strstr(text, "url(#hatch)"));
	pool_map_free(map);
}
END_TEST

START_TEST(a_name_cannot_break_out_of_the_picture)
{
	struct pool_map *map;

	head.name = "</title><b a=\"&'\x80\n";
	map = example(64);
	svg(map);
	ck_assert_ptr_null(strstr(text, "<b "));
	ck_assert_ptr_nonnull(strstr(text,
				     "pool &lt;/title&gt;&lt;b a=&quot;&amp;'?"
				     "?<"));
	pool_map_free(map);
}
END_TEST

START_TEST(a_large_pool_is_a_small_picture)
{
	struct pool_map *map;

	head.region = 480 * GB;
	map = example(64);
	svg(map);
	ck_assert_uint_lt(strlen(text), 32768);
	ck_assert_ptr_nonnull(strstr(text, " memory blocks like it, to "));
	pool_map_free(map);
}
END_TEST

/* --- sizes ---------------------------------------------------------------- */

static const struct {
	uint64_t bytes;
	const char *text;
} sizes[] = {
    {0, "0"},
    {1, "1"},
    {1024, "1K"},
    {4096, "4K"},
    {1536 * MB, "1536M"},
    {2 * GB, "2G"},
    {MB + 1, "1048577"},
    {1024 * GB, "1T"},
    {UINT64_C(1) << 60, "1048576T"},
};

START_TEST(a_size_is_printed_as_it_can_be_said)
{
	char buf[POOL_SIZE_TEXT];

	ck_assert_str_eq(pool_size_text(sizes[_i].bytes, buf), sizes[_i].text);
}
END_TEST

static const struct {
	const char *text;
	uint64_t bytes;
} good[] = {
    {"0", 0},	       {"2G", 2 * GB},	   {"512M", 512 * MB},
    {"+2M", 514 * MB}, {"-512M", 0},	   {"-2M", 510 * MB},
    {"+0", 512 * MB},  {"+3584M", 4 * GB}, {"0x200000", 2 * MB},
};

static const struct pool_size_rule rule = {
    .now = 512 * MB,
    .block = 2 * MB,
    .max = 4 * GB,
};

START_TEST(a_size_is_absolute_or_a_change)
{
	char why[POOL_SIZE_WHY];
	uint64_t bytes = 7;

	ck_assert(pool_size_read(good[_i].text, &rule, &bytes, why));
	ck_assert_uint_eq(bytes, good[_i].bytes);
}
END_TEST

static const struct {
	const char *text;
	const char *why;
} bad[] = {
    {"513M", "513M: not a multiple of the block (2M): try 512M or 514M"},
    {"+1M", "+1M: not a multiple of the block (2M): try 512M or 514M"},
    {"-1", "-1: not a multiple of the block (2M): try 510M or 512M"},
    {"1", "1: not a multiple of the block (2M): try 0 or 2M"},
    {"4294967295",
     "4294967295: not a multiple of the block (2M): try 4094M or 4G"},
    {"5G", "5G: more than the pool has room for: at most 4G, requested now "
	   "512M"},
    {"+4G", "+4G: more than the pool has room for: at most 4G, requested now "
	    "512M"},
    {"+18446744073709551615",
     "+18446744073709551615: more than the pool has room for: at most 4G, "
     "requested now 512M"},
    {"-1G", "-1G: only 512M is requested now: try -512M, or 0"},
    {"much", "much: not a size: say one like 512M or 2G, or a change like "
	     "+512M or -2G"},
    {"", ": not a size: say one like 512M or 2G, or a change like +512M or "
	 "-2G"},
    {"--2G", "--2G: not a size: say one like 512M or 2G, or a change like "
	     "+512M or -2G"},
    {"1.5G", "1.5G: not a size: say one like 512M or 2G, or a change like "
	     "+512M or -2G"},
};

START_TEST(a_size_that_does_not_fit_says_what_to_do)
{
	char why[POOL_SIZE_WHY] = "";
	uint64_t bytes = 7;

	ck_assert(!pool_size_read(bad[_i].text, &rule, &bytes, why));
	ck_assert_str_eq(why, bad[_i].why);
	ck_assert_uint_eq(bytes, 7);
}
END_TEST

/* The last block before the room's end has no neighbour above. */
START_TEST(no_size_is_advised_that_there_is_no_room_for)
{
	struct pool_size_rule odd = {.block = 64 * MB, .max = 100 * MB};
	char why[POOL_SIZE_WHY];
	uint64_t bytes;

	ck_assert(!pool_size_read("99M", &odd, &bytes, why));
	ck_assert_str_eq(why,
			 "99M: not a multiple of the block (64M): try 64M");
}
END_TEST

#define LOOP(t, test, array) \
	tcase_add_loop_test(t, test, 0, sizeof(array) / sizeof((array)[0]))

int main(void)
{
	Suite *suite = suite_create("pool map");
	TCase *t = tcase_create("pool map");
	SRunner *runner;
	int failed;

	tcase_add_test(t, a_cell_is_a_sub_block_or_what_the_width_asks);
	tcase_add_test(t, a_head_that_contradicts_itself_is_refused);
	tcase_add_test(t, pieces_of_a_cell_are_added_up);
	tcase_add_test(t, pieces_outside_of_the_pool_are_left_out);
	tcase_add_test(t, one_piece_tells_the_state_of_its_whole_memory_block);
	tcase_add_test(t, every_look_has_its_cell);
	tcase_add_test(t, empty_and_full_are_exact_steps);
	tcase_add_test(t, the_map_in_ascii);
	tcase_add_test(t, ascii_is_ascii_and_no_colour_is_none);
	tcase_add_test(t, colours_end_where_they_began);
	tcase_add_test(t, a_scale_stands_over_rows_that_are_long_enough);
	tcase_add_test(t, rows_that_look_alike_are_drawn_once);
	tcase_add_test(t, boot_memory_may_end_within_a_memory_block);
	tcase_add_test(t, a_cell_of_several_may_be_partly_plugged);
	tcase_add_test(t, control_characters_in_a_name_are_not_printed);
	tcase_add_test(t, the_picture_has_a_cell_with_a_tooltip_each);
	tcase_add_test(t, the_picture_needs_nothing_from_elsewhere);
	tcase_add_test(t, a_name_cannot_break_out_of_the_picture);
	tcase_add_test(t, a_large_pool_is_a_small_picture);
	LOOP(t, a_size_is_printed_as_it_can_be_said, sizes);
	LOOP(t, a_size_is_absolute_or_a_change, good);
	LOOP(t, a_size_that_does_not_fit_says_what_to_do, bad);
	tcase_add_test(t, no_size_is_advised_that_there_is_no_room_for);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	free(text);
	return failed ? 1 : 0;
}
