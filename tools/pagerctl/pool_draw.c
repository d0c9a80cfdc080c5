/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pagerctl pool map: the daemon's cells, and where the picture goes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tools/common/json.h"
#include "tools/common/options.h"
#include "tools/pagerctl/pool.h"
#include "tools/pagerctl/pool_map.h"

#define CELL	     (UINT64_C(2) << 20)   /* what the daemon's cells are */
#define MEMORY_BLOCK (UINT64_C(128) << 20) /* where a pool tells of none */
#define WIDTH	     64

/* All cells of the pool as pieces. */
static int fetch_cells(struct pool_call *c, struct pool_cell **out,
		       size_t *count)
{
	struct pager_list *list = pager_list_pool_cells(c->pager, c->pool.pool);
	uint64_t max = (c->pool.region + CELL - 1) / CELL;
	struct pool_cell *cells = calloc(max ? max : 1, sizeof(*cells));
	struct pager_row_cell row;
	size_t n = 0;
	int ret = cells ? 0 : PAGER_MISUSE;

	while (ret >= 0 && n < max &&
	       (ret = pager_list_next(list, &row, sizeof(row))) > 0) {
		cells[n] = (struct pool_cell){
		    .addr = c->pool.addr + n * CELL,
		    .bytes = CELL,
		    .plugged = (uint64_t)row.plugged * PAGER_PAGE_SIZE,
		    .used = (uint64_t)row.used * PAGER_PAGE_SIZE,
		    .pinned = (uint64_t)row.pinned * PAGER_PAGE_SIZE,
		    .state = row.state,
		    .zone = row.zone,
		};
		n++;
	}
	pager_list_free(list);
	*out = cells;
	*count = n;
	return ret < 0 ? ret : 0;
}

static bool says_utf8(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
	const char *value = NULL;

	for (size_t i = 0; i < 3 && !(value && *value); i++)
		value = getenv(names[i]);
	return value && (strstr(value, "UTF-8") || strstr(value, "utf8"));
}

static void map_json(const struct pool_call *c, const struct pool_map *map)
{
	struct tool_json json;

	tool_json_init(&json, c->view.out);
	tool_json_object(&json, NULL);
	pool_json(&json, &c->pool);
	tool_json_u64(&json, "cell_bytes", map->cell_bytes);
	tool_json_array(&json, "cells");
	for (size_t i = 0; i < map->rows * map->per_row; i++) {
		const struct pool_cell *cell = &map->cells[i];

		if (cell->bytes == 0 || cell->state == PAGER_BLOCK_ABSENT)
			continue;
		tool_json_object(&json, NULL);
		tool_json_hex(&json, "addr", cell->addr);
		tool_json_string(&json, "state", pool_block_word(cell->state));
		if (cell->state == PAGER_BLOCK_ONLINE)
			tool_json_string(&json, "zone",
					 pool_zone_word(cell->zone));
		tool_json_u64(&json, "plugged", cell->plugged);
		tool_json_u64(&json, "used", cell->used);
		tool_json_u64(&json, "pinned", cell->pinned);
		tool_json_end(&json);
	}
	tool_json_end(&json);
	tool_json_end(&json);
}

/* Into the file, whole or not at all. */
static int map_file(const struct pool_map *map, const char *path)
{
	FILE *out = fopen(path, "we");

	if (!out) {
		fprintf(stderr, "pagerctl: %s: %s\n", path, strerror(errno));
		return TOOL_USAGE;
	}
	pool_map_svg(map, out);
	if (fflush(out) != 0 || ferror(out)) {
		fprintf(stderr, "pagerctl: %s: %s\n", path, strerror(errno));
		fclose(out);
		unlink(path);
		return TOOL_USAGE;
	}
	fclose(out);
	return 0;
}

/* Cells in a row: as asked, else what the terminal has room for. */
static size_t map_width(const struct pool_call *c, bool terminal)
{
	const unsigned int beside = 44; /* address, zone, fill, pinned */
	struct winsize size;

	if (c->options.width != UINT64_MAX)
		return (size_t)c->options.width;
	if (!c->options.svg && terminal &&
	    ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 &&
	    size.ws_col >= beside + 16 && size.ws_col < beside + WIDTH)
		return size.ws_col - beside;
	return WIDTH;
}

int pool_map(struct pool_call *c)
{
	const struct pager_row_pool *p = &c->pool;
	struct pool_map_head head = {
	    .name = p->name,
	    .addr = p->addr,
	    .region = p->region,
	    .memory_block = p->memory_block ? p->memory_block : MEMORY_BLOCK,
	    .unit = p->flags & PAGER_POOL_BBM || p->sub_block < CELL
			? CELL
			: p->sub_block,
	    .plugged = p->plugged,
	    .requested = p->requested,
	    .used = p->used,
	    .pinned = p->pinned,
	};
	bool terminal = isatty(STDOUT_FILENO) == 1;
	bool colour = terminal && !c->options.no_colour && !getenv("NO_COLOR");
	struct pool_cell *pieces;
	struct pool_map *map;
	size_t count;
	int ret = fetch_cells(c, &pieces, &count);

	if (ret < 0) {
		free(pieces);
		return ret;
	}
	map = pool_map_new(&head, pieces, count, map_width(c, terminal));
	free(pieces);
	if (!map) {
		fprintf(stderr, "pagerctl: no memory for so many cells, or the "
				"daemon's sizes make no sense\n");
		return TOOL_USAGE;
	}
	ret = c->options.svg ? map_file(map, c->options.svg) : 0;
	if (c->view.json)
		map_json(c, map);
	else if (!c->options.svg)
		pool_map_print(map, terminal && says_utf8(), colour,
			       c->view.out);
	pool_map_free(map);
	return ret;
}
