/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The picture as SVG. Everything it needs is in it: no fonts, no scripts, no
 * links. Its colours are mid-tones and its ground is left out, so that it reads
 * on white and on black alike.
 *
 *	title
 *	what is plugged, used ...
 *	legend
 *	            +0      +32M    +64M    +96M
 *	0x100000000 [][][][][][][][][][][][][][] kernel
 *	0x108000000 [][][][][][][][][][][][][][] movable
 *	            5 memory blocks alike, to 0x130000000
 */
#include <inttypes.h>
#include <string.h>

#include "proto/pager_abi.h"
#include "tools/pagerctl/pool_map.h"
#include "tools/pagerctl/pool_size.h"

#define CELL_W	14
#define CELL_H	18
#define ROW_H	24
#define LEFT	130
#define RIGHT	190
#define MARGIN	16
#define TOP	108 /* of the first row */
#define NARROW	520 /* the picture is at least this wide, for its words */
#define TICKS	4
#define NOTE_H	18 /* the line for rows that were not drawn again */
#define ALIKE	3  /* so many alike rows, and one is drawn */
#define STEPS	CELL_H
#define PIN_H	4
#define SHORT_W 60 /* no scale but +0 below this */

struct ink {
	const char *word;
	const char *class;
};

static const struct ink inks[POOL_LOOKS] = {
    [POOL_LOOK_ABSENT] = {"absent", "a"},
    [POOL_LOOK_HOLE] = {"not plugged", "h"},
    [POOL_LOOK_OFFLINE] = {"offline", "o"},
    [POOL_LOOK_PARTLY] = {"partly plugged", "y"},
    [POOL_LOOK_KERNEL] = {"online, kernel", "k"},
    [POOL_LOOK_MOVABLE] = {"online, movable", "m"},
};

static const char style[] =
    "text{font:12px monospace;fill:#767676}\n"
    ".t{font-size:16px;font-weight:bold}\n"
    "rect{stroke-width:1}\n"
    ".b{fill:none;stroke:#767676}\n"
    ".a{fill:none;stroke:#767676;stroke-opacity:.25}\n"
    ".h{fill:none;stroke:#767676;stroke-dasharray:2 2}\n"
    ".o{fill:url(#hatch);stroke:#a8843c}\n"
    ".y{fill:#4a90a4;fill-opacity:.35;stroke:#4a90a4;"
    "stroke-dasharray:4 2}\n"
    ".k{fill:#3f7fc0;fill-opacity:.15;stroke:#3f7fc0}\n"
    ".m{fill:#3a9a5c;fill-opacity:.15;stroke:#3a9a5c}\n"
    ".kf{fill:#3f7fc0}\n"
    ".mf{fill:#3a9a5c}\n"
    ".yf{fill:#4a90a4}\n"
    ".p{fill:#d0443e}\n";

static void escape(FILE *out, const char *text)
{
	for (const char *p = text; *p; p++) {
		unsigned char c = (unsigned char)*p;

		if (c == '<')
			fputs("&lt;", out);
		else if (c == '>')
			fputs("&gt;", out);
		else if (c == '&')
			fputs("&amp;", out);
		else if (c == '"')
			fputs("&quot;", out);
		else
			fputc(c < ' ' || c > '~' ? '?' : c, out);
	}
}

static void tooltip(FILE *out, const struct pool_cell *cell)
{
	enum pool_look look = pool_map_look(cell);
	char text[3][POOL_SIZE_TEXT];

	fprintf(out, "<title>0x%" PRIx64 " + %s: %s", cell->addr,
		pool_size_text(cell->bytes, text[0]), inks[look].word);
	if (look == POOL_LOOK_PARTLY)
		fprintf(out, " (%s), %s",
			pool_size_text(cell->plugged, text[0]),
			pool_map_word(cell));
	if (look >= POOL_LOOK_PARTLY)
		fprintf(out, ", %s used", pool_size_text(cell->used, text[1]));
	if (cell->pinned > 0)
		fprintf(out, ", %s pinned",
			pool_size_text(cell->pinned, text[2]));
	fputs("</title>", out);
}

static void draw_cell(FILE *out, const struct pool_cell *cell, unsigned int x,
		      unsigned int y)
{
	enum pool_look look = pool_map_look(cell);
	unsigned int fill = 0;

	fprintf(out, "<g>");
	tooltip(out, cell);
	fprintf(out,
		"<rect class=\"%s\" x=\"%u.5\" y=\"%u.5\" width=\"%u\" "
		"height=\"%u\"/>",
		inks[look].class, x, y, CELL_W - 3, CELL_H - 1);
	if (look >= POOL_LOOK_PARTLY)
		fill = pool_map_fill(cell, STEPS);
	if (fill > 0)
		fprintf(out,
			"<rect class=\"%sf\" x=\"%u\" y=\"%u\" width=\"%u\" "
			"height=\"%u\"/>",
			inks[look].class, x, y + STEPS - fill, CELL_W - 2,
			fill);
	if (cell->pinned > 0)
		fprintf(out,
			"<rect class=\"p\" x=\"%u\" y=\"%u\" width=\"%u\" "
			"height=\"%u\"/>",
			x, y, CELL_W - 2, PIN_H);
	fputs("</g>\n", out);
}

static void draw_row(FILE *out, const struct pool_map *map, size_t row,
		     unsigned int y)
{
	const struct pool_cell *cells = &map->cells[row * map->per_row];
	uint64_t plugged = 0, used = 0, pinned = 0;
	unsigned int right = LEFT + (unsigned int)map->per_row * CELL_W;
	char text[POOL_SIZE_TEXT];

	fprintf(out, "<text x=\"%u\" y=\"%u\">0x%" PRIx64 "</text>\n", MARGIN,
		y + 14, cells[0].addr);
	for (size_t i = 0; i < map->per_row; i++) {
		if (cells[i].bytes > 0)
			draw_cell(out, &cells[i],
				  LEFT + (unsigned int)i * CELL_W, y);
		plugged += cells[i].plugged;
		used += cells[i].used;
		pinned += cells[i].pinned;
	}
	fprintf(out,
		"<rect class=\"b\" x=\"%u.5\" y=\"%u.5\" width=\"%u\" "
		"height=\"%u\"/>\n",
		LEFT - 3, y - 3, right - LEFT + 3, CELL_H + 5);
	fprintf(out, "<text x=\"%u\" y=\"%u\">%s", right + 8, y + 14,
		pool_map_word(&cells[0]));
	if (plugged > 0 && cells[0].state == PAGER_BLOCK_ONLINE)
		fprintf(out, " %.0f%%", 100.0 * (double)used / (double)plugged);
	if (pinned > 0)
		fprintf(out, ", %s pinned", pool_size_text(pinned, text));
	fputs("</text>\n", out);
}

static void draw_scale(FILE *out, const struct pool_map *map)
{
	unsigned int width = (unsigned int)map->per_row * CELL_W;
	unsigned int ticks = width / TICKS >= SHORT_W ? TICKS : 1;
	char text[POOL_SIZE_TEXT];

	for (unsigned int i = 0; i < ticks; i++)
		fprintf(
		    out, "<text x=\"%u\" y=\"%u\">+%s</text>\n",
		    LEFT + i * (width / TICKS), TOP - 10,
		    pool_size_text(map->head.memory_block / TICKS * i, text));
}

static void draw_legend(FILE *out)
{
	/* Examples, drawn as the cells are. */
	static const struct pool_cell cells[POOL_LOOKS] = {
	    [POOL_LOOK_ABSENT] = {.bytes = 4},
	    [POOL_LOOK_HOLE] = {.bytes = 4, .state = PAGER_BLOCK_ONLINE},
	    [POOL_LOOK_OFFLINE] = {.bytes = 4,
				   .plugged = 4,
				   .state = PAGER_BLOCK_OFFLINE},
	    [POOL_LOOK_PARTLY] = {.bytes = 4,
				  .plugged = 2,
				  .used = 1,
				  .state = PAGER_BLOCK_ONLINE},
	    [POOL_LOOK_KERNEL] = {.bytes = 4,
				  .plugged = 4,
				  .used = 2,
				  .state = PAGER_BLOCK_ONLINE,
				  .zone = PAGER_ZONE_KERNEL},
	    [POOL_LOOK_MOVABLE] = {.bytes = 4,
				   .plugged = 4,
				   .used = 2,
				   .state = PAGER_BLOCK_ONLINE,
				   .zone = PAGER_ZONE_MOVABLE},
	};
	unsigned int x = MARGIN;

	for (enum pool_look look = 0; look < POOL_LOOKS; look++) {
		draw_cell(out, &cells[look], x, 60);
		fprintf(out, "<text x=\"%u\" y=\"74\">%s</text>\n", x + 18,
			inks[look].word);
		x += 18 + (unsigned int)strlen(inks[look].word) * 8 + 10;
	}
	fprintf(out,
		"<rect class=\"p\" x=\"%u\" y=\"66\" width=\"12\" "
		"height=\"4\"/><text x=\"%u\" y=\"74\">pinned</text>\n",
		x, x + 18);
}

/* How many rows from this one on are drawn as one and a line of words. */
static size_t alike_rows(const struct pool_map *map, size_t row)
{
	size_t n = 1;

	while (row + n < map->rows && pool_map_same(map, row, row + n))
		n++;
	return n >= ALIKE ? n : 1;
}

static unsigned int height_of(const struct pool_map *map)
{
	unsigned int height = TOP;

	for (size_t row = 0, n; row < map->rows; row += n) {
		n = alike_rows(map, row);
		height += ROW_H + (n > 1 ? NOTE_H : 0);
	}
	return height + MARGIN;
}

static void draw_head(FILE *out, const struct pool_map *map)
{
	const struct pool_map_head *h = &map->head;
	char text[6][POOL_SIZE_TEXT];

	fputs("<text class=\"t\" x=\"16\" y=\"26\">pool ", out);
	escape(out, h->name);
	fprintf(out,
		"</text>\n<text x=\"16\" y=\"46\">%s plugged of %s "
		"requested, room for %s; %s used",
		pool_size_text(h->plugged, text[0]),
		pool_size_text(h->requested, text[1]),
		pool_size_text(h->region, text[2]),
		pool_size_text(h->used, text[3]));
	if (h->pinned > 0)
		fprintf(out, ", %s of it pinned",
			pool_size_text(h->pinned, text[4]));
	fprintf(out, "; a cell is %s</text>\n",
		pool_size_text(map->cell_bytes, text[5]));
}

void pool_map_svg(const struct pool_map *map, FILE *out)
{
	unsigned int width = LEFT + (unsigned int)map->per_row * CELL_W + RIGHT;
	unsigned int height = height_of(map);
	unsigned int y = TOP;

	if (width < NARROW + LEFT + RIGHT)
		width = NARROW + LEFT + RIGHT;
	fprintf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" "
		"height=\"%u\" viewBox=\"0 0 %u %u\" role=\"img\">\n<title>",
		width, height, width, height);
	fputs("pool ", out);
	escape(out, map->head.name);
	fprintf(out,
		"</title>\n<style>\n%s</style>\n"
		"<defs><pattern id=\"hatch\" width=\"4\" height=\"4\" "
		"patternUnits=\"userSpaceOnUse\"><path d=\"M0 4L4 0\" "
		"stroke=\"#a8843c\" stroke-opacity=\".7\"/></pattern>"
		"</defs>\n",
		style);
	draw_head(out, map);
	draw_legend(out);
	draw_scale(out, map);
	for (size_t row = 0, n; row < map->rows; row += n) {
		n = alike_rows(map, row);
		draw_row(out, map, row, y);
		y += ROW_H;
		if (n == 1)
			continue;
		fprintf(out,
			"<text x=\"%u\" y=\"%u\">and %zu memory blocks like "
			"it, to 0x%" PRIx64 "</text>\n",
			LEFT, y + 9, n - 1,
			map->cells[row * map->per_row].addr +
			    n * map->head.memory_block);
		y += NOTE_H;
	}
	fputs("</svg>\n", out);
}
