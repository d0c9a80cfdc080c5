/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cells from pieces, and the picture for a terminal:
 *
 *	             +0      +32M    +64M    +96M
 *	0x100000000  ########%%%%----........  kernel    41%
 */
#include "tools/pagerctl/pool_map.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "proto/pager_abi.h"
#include "tools/pagerctl/pool_size.h"

#define TICKS 4 /* of the scale above the rows */

static bool power_of_two(uint64_t n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

/* The cell's size: a row is no longer than width, a cell no smaller than
 * unit. */
static uint64_t cell_size(const struct pool_map_head *head, size_t width)
{
	uint64_t bytes = head->unit;

	while (bytes < head->memory_block && head->memory_block / bytes > width)
		bytes *= 2;
	return bytes < head->memory_block ? bytes : head->memory_block;
}

static void add_piece(struct pool_map *map, const struct pool_cell *piece)
{
	uint64_t offset = piece->addr - map->head.addr;
	struct pool_cell *cell;

	if (piece->addr < map->head.addr || offset >= map->head.region)
		return;
	cell = &map->cells[offset / map->cell_bytes];
	cell->plugged += piece->plugged;
	cell->used += piece->used;
	cell->pinned += piece->pinned;
	cell->state = piece->state;
	cell->zone = piece->zone;
}

/* A row whose pieces were told in part only: the block's state is one. */
static void spread_state(struct pool_map *map, size_t row)
{
	struct pool_cell *cells = &map->cells[row * map->per_row];

	for (size_t i = 0; i < map->per_row; i++) {
		if (cells[i].state == PAGER_BLOCK_ABSENT)
			continue;
		for (size_t j = 0; j < map->per_row; j++) {
			cells[j].state = cells[i].state;
			cells[j].zone = cells[i].zone;
		}
		return;
	}
}

struct pool_map *pool_map_new(const struct pool_map_head *head,
			      const struct pool_cell *pieces, size_t count,
			      size_t width)
{
	struct pool_map *map;

	if (!power_of_two(head->memory_block) || !power_of_two(head->unit) ||
	    head->region == 0 || head->region > UINT64_MAX / 2)
		return NULL;
	map = calloc(1, sizeof(*map));
	if (!map)
		return NULL;
	map->head = *head;
	map->cell_bytes = cell_size(head, width > 0 ? width : 1);
	map->per_row = (size_t)(head->memory_block / map->cell_bytes);
	map->rows = (size_t)((head->region + head->memory_block - 1) /
			     head->memory_block);
	map->cells = calloc(map->rows * map->per_row, sizeof(*map->cells));
	if (!map->cells) {
		free(map);
		return NULL;
	}
	for (size_t i = 0; i < map->rows * map->per_row; i++) {
		uint64_t offset = i * map->cell_bytes;

		map->cells[i].addr = head->addr + offset;
		if (offset < head->region)
			map->cells[i].bytes =
			    map->cell_bytes < head->region - offset
				? map->cell_bytes
				: head->region - offset;
	}
	for (size_t i = 0; i < count; i++)
		add_piece(map, &pieces[i]);
	for (size_t row = 0; row < map->rows; row++)
		spread_state(map, row);
	return map;
}

void pool_map_free(struct pool_map *map)
{
	if (!map)
		return;
	free(map->cells);
	free(map);
}

enum pool_look pool_map_look(const struct pool_cell *cell)
{
	if (cell->state == PAGER_BLOCK_ABSENT)
		return POOL_LOOK_ABSENT;
	if (cell->plugged == 0)
		return POOL_LOOK_HOLE;
	if (cell->state == PAGER_BLOCK_OFFLINE)
		return POOL_LOOK_OFFLINE;
	if (cell->plugged < cell->bytes)
		return POOL_LOOK_PARTLY;
	return cell->zone == PAGER_ZONE_MOVABLE ? POOL_LOOK_MOVABLE
						: POOL_LOOK_KERNEL;
}

unsigned int pool_map_fill(const struct pool_cell *cell, unsigned int steps)
{
	double part;
	unsigned int step;

	if (cell->used == 0 || cell->plugged == 0)
		return 0;
	if (cell->used >= cell->plugged)
		return steps;
	part = (double)cell->used / (double)cell->plugged;
	step = (unsigned int)(part * steps);
	return step < 1 ? 1 : step < steps ? step : steps - 1;
}

const char *pool_map_word(const struct pool_cell *cell)
{
	if (cell->state == PAGER_BLOCK_ABSENT)
		return "absent";
	if (cell->state == PAGER_BLOCK_OFFLINE)
		return "offline";
	return cell->zone == PAGER_ZONE_MOVABLE ? "movable" : "kernel";
}

/* --- text ----------------------------------------------------------------- */

#define STEPS_UTF8  7
#define STEPS_ASCII 10

static const char *const fill_utf8[STEPS_UTF8 + 1] = {
    "\u2581", "\u2582", "\u2583", "\u2584",
    "\u2585", "\u2586", "\u2587", "\u2588",
};
/* Tenths; # is full. */
static const char *const fill_ascii[STEPS_ASCII + 1] = {
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "#",
};

struct glyph {
	const char *utf8; /* NULL: by fill */
	const char *ascii;
	const char *colour;
	const char *word;
};

static const struct glyph glyphs[POOL_LOOKS] = {
    [POOL_LOOK_ABSENT] = {"\u00b7", ".", "\033[2m", "absent"},
    [POOL_LOOK_HOLE] = {"-", "-", "\033[2m", "not plugged"},
    [POOL_LOOK_OFFLINE] = {"\u2591", "o", "\033[33m", "offline"},
    [POOL_LOOK_PARTLY] = {"\u2592", "%", "\033[36m", "partly plugged"},
    [POOL_LOOK_KERNEL] = {NULL, NULL, "\033[34m", "kernel"},
    [POOL_LOOK_MOVABLE] = {NULL, NULL, "\033[32m", "movable"},
};

#define PINNED_COLOUR "\033[31m"
#define PINNED_UTF8   "\u25c6"
#define PINNED_ASCII  "p"

struct brush {
	FILE *out;
	bool utf8;
	bool colour;
	const char *now; /* the colour that is on, or NULL */
};

static void set_colour(struct brush *b, const char *colour)
{
	if (!b->colour || b->now == colour)
		return;
	if (b->now)
		fputs("\033[0m", b->out);
	if (colour)
		fputs(colour, b->out);
	b->now = colour;
}

static void draw(struct brush *b, const char *glyph, const char *colour)
{
	set_colour(b, colour);
	fputs(glyph, b->out);
}

static void draw_cell(struct brush *b, const struct pool_cell *cell)
{
	enum pool_look look = pool_map_look(cell);
	const struct glyph *g = &glyphs[look];
	const char *glyph = b->utf8 ? g->utf8 : g->ascii;
	const char *colour = g->colour;

	if (cell->bytes == 0) {
		draw(b, " ", NULL);
		return;
	}
	if (!glyph && b->utf8)
		glyph = fill_utf8[pool_map_fill(cell, STEPS_UTF8)];
	else if (!glyph)
		glyph = fill_ascii[pool_map_fill(cell, STEPS_ASCII)];
	if (cell->pinned > 0) {
		colour = PINNED_COLOUR;
		/* A colour says it beside the fill; without, only this. */
		if (!b->colour)
			glyph = b->utf8 ? PINNED_UTF8 : PINNED_ASCII;
	}
	draw(b, glyph, colour);
}

bool pool_map_same(const struct pool_map *map, size_t row, size_t other)
{
	const struct pool_cell *a = &map->cells[row * map->per_row];
	const struct pool_cell *b = &map->cells[other * map->per_row];

	for (size_t i = 0; i < map->per_row; i++)
		if (a[i].bytes != b[i].bytes || a[i].state != b[i].state ||
		    a[i].zone != b[i].zone || a[i].plugged != b[i].plugged ||
		    a[i].used != b[i].used || a[i].pinned != b[i].pinned)
			return false;
	return true;
}

static int addr_width(const struct pool_map *map)
{
	return snprintf(NULL, 0, "0x%" PRIx64,
			map->head.addr + map->head.region - 1);
}

/* "+0      +32M    ..." over the cells. */
static void draw_scale(struct brush *b, const struct pool_map *map, int left)
{
	uint64_t step = map->head.memory_block / TICKS;
	size_t apart = map->per_row / TICKS;
	char text[POOL_SIZE_TEXT];
	size_t at = 0;

	fprintf(b->out, "%*s", left, "");
	for (size_t i = 0; i < (apart >= 7 ? TICKS : 1); i++) {
		for (; at < i * apart; at++)
			fputc(' ', b->out);
		at += (size_t)fprintf(b->out, "+%s",
				      pool_size_text(i * step, text));
	}
	fputc('\n', b->out);
}

static void draw_row(struct brush *b, const struct pool_map *map, size_t row,
		     int width)
{
	const struct pool_cell *cells = &map->cells[row * map->per_row];
	uint64_t plugged = 0, used = 0, pinned = 0;
	char text[POOL_SIZE_TEXT];

	fprintf(b->out, "0x%-*" PRIx64 "  ", width - 2, cells[0].addr);
	for (size_t i = 0; i < map->per_row; i++) {
		plugged += cells[i].plugged;
		used += cells[i].used;
		pinned += cells[i].pinned;
		draw_cell(b, &cells[i]);
	}
	set_colour(b, NULL);
	fprintf(b->out, "  %s", pool_map_word(&cells[0]));
	if (plugged > 0 && cells[0].state == PAGER_BLOCK_ONLINE)
		fprintf(b->out, "%*s%3.0f%%",
			8 - (int)strlen(pool_map_word(&cells[0])), "",
			100.0 * (double)used / (double)plugged);
	if (pinned > 0)
		fprintf(b->out, "  %s pinned", pool_size_text(pinned, text));
	fputc('\n', b->out);
}

static void draw_legend(struct brush *b)
{
	fputs("  ", b->out);
	for (enum pool_look look = 0; look < POOL_LOOKS; look++) {
		const struct glyph *g = &glyphs[look];

		/* Without colours the two zones look alike; the word behind
		 * the row tells them apart. */
		if (!g->ascii)
			continue;
		draw(b, b->utf8 ? g->utf8 : g->ascii, g->colour);
		set_colour(b, NULL);
		fprintf(b->out, " %s  ", g->word);
	}
	fputs("\n  online, by fill: ", b->out);
	set_colour(b, glyphs[POOL_LOOK_MOVABLE].colour);
	for (unsigned int i = 0; i <= (b->utf8 ? STEPS_UTF8 : STEPS_ASCII); i++)
		fputs((b->utf8 ? fill_utf8 : fill_ascii)[i], b->out);
	set_colour(b, NULL);
	if (b->colour)
		for (enum pool_look look = POOL_LOOK_KERNEL; look < POOL_LOOKS;
		     look++) {
			fputs("  ", b->out);
			draw(b, glyphs[look].word, glyphs[look].colour);
			set_colour(b, NULL);
		}
	fputs("  ", b->out);
	if (b->colour)
		draw(b, "with pinned pages", PINNED_COLOUR);
	else
		fprintf(b->out, "%s with pinned pages",
			b->utf8 ? PINNED_UTF8 : PINNED_ASCII);
	set_colour(b, NULL);
	fputc('\n', b->out);
}

static void draw_head(FILE *out, const struct pool_map *map)
{
	const struct pool_map_head *h = &map->head;
	char text[5][POOL_SIZE_TEXT], name[64];

	fprintf(out, "%s: %s plugged of %s requested, room for %s; %s used",
		pool_name_text(h->name, name, sizeof(name)),
		pool_size_text(h->plugged, text[0]),
		pool_size_text(h->requested, text[1]),
		pool_size_text(h->region, text[2]),
		pool_size_text(h->used, text[3]));
	if (h->pinned > 0)
		fprintf(out, ", %s of it pinned",
			pool_size_text(h->pinned, text[4]));
	fprintf(out, "\na row is a memory block of %s, a cell %s\n\n",
		pool_size_text(h->memory_block, text[0]),
		pool_size_text(map->cell_bytes, text[1]));
}

void pool_map_print(const struct pool_map *map, bool utf8, bool colour,
		    FILE *out)
{
	struct brush b = {.out = out, .utf8 = utf8, .colour = colour};
	int width = addr_width(map);

	draw_head(out, map);
	draw_scale(&b, map, width + 2);
	for (size_t row = 0, alike; row < map->rows; row += alike) {
		for (alike = 1; row + alike < map->rows &&
				pool_map_same(map, row, row + alike);)
			alike++;
		draw_row(&b, map, row, width);
		if (alike == 2)
			draw_row(&b, map, row + 1, width);
		else if (alike > 2)
			fprintf(out,
				"%*s  and %zu more like it, to 0x%" PRIx64 "\n",
				width, "", alike - 1,
				map->cells[row * map->per_row].addr +
				    alike * map->head.memory_block);
	}
	fputc('\n', out);
	draw_legend(&b);
}
